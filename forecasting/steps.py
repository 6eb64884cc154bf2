"""Forecasts of every step from many origins, with intervals made from what was known at each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pandas as pd

from forecasting.equal import equal_fields
from forecasting.evaluation.gate import Evidence, apply_gate, weigh
from forecasting.evaluation.intervals import LEVELS, around, half_widths
from forecasting.evaluation.volatility import logarithmic_rows
from forecasting.model.split import Split

__all__ = ["Steps", "bounds_around", "collect_evidence", "collect_steps", "guard_steps", "one_step_table",
           "scale_of_moves"]


@dataclass(frozen=True, eq=False)
class Steps:
    """The forecasts from m origins, which are rows of a history, and the actual prices.

    origins: (m,) consecutive rows; last: (m,) the price there
    predicted: (m, horizon); actual: (m, horizon), NaN where it is not known yet
    half: {0.8: (m, horizon), 0.95: ...} half-widths of the intervals, known at each origin
    logarithmic: (m,) whether the half-widths at an origin are of logarithms
    volatility: (m, horizon) the scale of what may come that is expected at each origin, in the units of the half-widths
    """

    origins: np.ndarray
    last: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray
    half: dict[float, np.ndarray]
    logarithmic: np.ndarray
    volatility: np.ndarray

    __eq__ = equal_fields

    def bounds(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """(m, horizon) lower and upper bounds of the predictions."""
        return bounds_around(self.predicted, self.half[level], self.logarithmic[:, None])

    def between(self, first: int, end: int) -> Steps:
        """The origins from row `first` to row `end - 1`."""
        chosen = slice(*np.searchsorted(self.origins, [first, end]))
        return Steps(self.origins[chosen], self.last[chosen], self.predicted[chosen], self.actual[chosen],
                     {level: half[chosen] for level, half in self.half.items()}, self.logarithmic[chosen],
                     self.volatility[chosen])


def collect_steps(close, parts: Split, first: int, predicted, positive: bool, expected=None) -> Steps:
    """Intervals for predictions from every origin, calibrated on validation and updated online over the test part.

    close: (n,) prices; first: the first origin; predicted: (n - first, horizon), the last row of `close` included
    positive: the prices of training and validation are above zero, so that bounds are positive too
    expected: from `expect_moves`; without it, intervals are scaled by a single exponentially weighted mean
    """
    last, horizon = close[first:], predicted.shape[1]
    calibrate = slice(parts.train_end - 1 - first, parts.validation_end - 1 - first)
    logarithmic, expected = logarithmic_rows(last, positive), expected or {}
    actual = np.full(predicted.shape, np.nan)
    half = {level: np.zeros(predicted.shape, dtype=np.float32) for level in LEVELS}
    for step in range(1, horizon + 1):
        actual[: max(0, len(last) - step), step - 1] = last[step:]
        for space in np.unique(logarithmic).tolist():
            rows = logarithmic == space
            volatility = expected[space][first:, step - 1] if space in expected else None
            widths = half_widths(actual[:, step - 1], predicted[:, step - 1], last, calibrate, space, step,
                                 volatility=volatility)
            for level in LEVELS:
                half[level][rows, step - 1] = widths[level][rows]
    # Later steps are never more certain than earlier ones, though the online correction of single steps may make it seem so.
    half = {level: np.maximum.accumulate(widths, axis=1) for level, widths in half.items()}
    return Steps(np.arange(first, len(close)), last, predicted, actual, half, logarithmic,
                 scale_of_moves(expected, half, logarithmic, first))


def scale_of_moves(expected, half, logarithmic, first: int) -> np.ndarray:
    """`Steps.volatility` of origins from row `first` on. expected: from `expect_moves`; half, logarithmic: as in `Steps`"""
    # Where nothing could be fitted, the one that a normal distribution with this interval would have.
    scale = half[0.8].astype(np.float64) / NormalDist().inv_cdf(0.9)
    for space, volatility in expected.items():
        rows = np.flatnonzero(logarithmic == space)
        scale[rows] = volatility[first + rows]
    return scale


def one_step_table(steps: Steps, dates: pd.DatetimeIndex, labels) -> pd.DataFrame:
    """`TrainingResult.predictions`: the first step of every origin but the last, dated on the day it predicts.

    dates, labels: (n,) of all rows of the history
    """
    rows = steps.origins[:-1] + 1
    columns = {"split": labels[rows], "actual": steps.actual[:-1, 0], "predicted": steps.predicted[:-1, 0],
               "naive": steps.last[:-1]}
    for level in LEVELS:
        lower, upper = bounds_around(steps.predicted[:-1, 0], steps.half[level][:-1, 0], steps.logarithmic[:-1])
        columns[f"lower_{level * 100:g}"], columns[f"upper_{level * 100:g}"] = lower, upper
    return pd.DataFrame(columns, index=dates[rows])


def collect_evidence(steps: Steps, close, parts: Split, positive: bool) -> Evidence:
    """The evidence for the network at each origin of validation and test, from what was known there.

    steps: of the origins from the last row of training on; close: (n,) prices, whose training part gives the usual size of
        a move
    """
    usual = []
    for step in range(1, steps.predicted.shape[1] + 1):
        before = close[: max(0, parts.train_end - step)]
        moves = close[step : parts.train_end] - before
        moves = moves / before if positive else moves
        usual.append(np.mean(moves**2) if len(moves) else np.nan)
    # A step longer than the training part moves as far as a random walk would.
    known = np.array(usual)
    known = np.where(np.isnan(known), known[0] * np.arange(1, len(known) + 1), known)
    return weigh(steps.actual, steps.predicted, steps.last, known, positive)


def guard_steps(steps: Steps, close, parts: Split, evidence: Evidence, positive: bool, expected=None) -> Steps:
    """The guarded forecasts from the same origins, with intervals of their own.

    steps: from `collect_steps`, with its other arguments; evidence: from `collect_evidence`, whose origins are the last ones

    From the last row of validation on, each origin keeps the share that it knew. Earlier origins all use the share
    known there, since intervals are calibrated on validation and must be calibrated on the forecast that they belong to.
    """
    first = parts.validation_end - 1 - steps.origins[0]
    known = evidence.shares[-(len(steps.origins) - first):]
    shares = np.concatenate([np.tile(known[0], (first, 1)), known])
    if (shares == 1).all():
        return steps
    guarded = collect_steps(close, parts, steps.origins[0], apply_gate(steps.predicted, steps.last, shares), positive, expected)
    return replace(guarded, volatility=steps.volatility)


def bounds_around(predicted, half, logarithmic) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds; half-widths are of logarithms where `logarithmic` says so. Shapes broadcast."""
    inside, outside = around(predicted, half, True), around(predicted, half, False)
    return tuple(np.where(logarithmic, a, b) for a, b in zip(inside, outside, strict=True))
