"""Forecasts as distributions: intervals of any level, and sample paths whose quantiles the intervals are.

The widths come from the errors that were known at an origin, by the rule that the 80 and 95 % intervals come from
(`evaluation.intervals`), for as many levels as are asked for. Between them a width is interpolated over the quantiles of the
normal distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecasting.errors import ConfigError
from forecasting.evaluation.intervals import LEVELS, extend_half_widths, half_widths
from forecasting.model.split import Split
from forecasting.steps import Steps, bounds_around

__all__ = ["MAX_SAMPLES", "Distribution", "as_levels"]

MAX_SAMPLES = 100_000
LARGEST = 99.9  # percent; beyond it there are hardly ever errors to learn a width from
# Percent; enough for the quantiles between them, few enough to take less than a second.
GRID = (5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.5, LARGEST)
FEWEST_PATHS = 20  # more than the horizon has steps, to learn from how errors of neighbouring steps hang together


def as_levels(levels) -> tuple[float, ...]:
    """Levels in percent, ascending. Raises ConfigError for one that is not above 0 and at most 99.9."""
    given = (levels,) if isinstance(levels, int | float | np.number) else levels
    try:
        found = [float(level) for level in given]
    except (TypeError, ValueError):
        found = []
    if not found or isinstance(levels, str) or not all(0 < level <= LARGEST for level in found) or max(found) < 1:
        raise ConfigError(f"levels must be in percent, above 0 and at most {LARGEST:g}, such as (50, 80, 90, 99). "
                          f"Received: levels={str(levels)[:60]}.")
    return tuple(sorted(set(found)))


@dataclass(frozen=True, eq=False)
class Distribution:
    """What the errors of a forecaster say of its next ones.

    steps: its forecasts from every origin of validation and test, with the widths that are known already
    earlier: (k, horizon) its forecasts from the k origins before these, last: (k,) the price there
    parts: of the series; expected: how far the price was expected to move (`evaluation.volatility.expect_moves`)
    """

    steps: Steps
    earlier: np.ndarray
    last: np.ndarray
    parts: Split
    expected: Mapping[bool, np.ndarray]

    def rows(self, levels: Sequence[float], step: int = 1) -> dict[float, np.ndarray]:
        """{level in percent: (m,) half-widths of the forecasts `step` ahead from each origin of `steps`}.

        Narrow levels lie within wide ones. Levels that `steps` holds keep their widths.
        """
        steps, count = self.steps, len(self.last)
        last = np.concatenate([self.last, steps.last])
        predicted = np.concatenate([self.earlier[:, step - 1], steps.predicted[:, step - 1]])
        actual = np.full(len(last), np.nan)
        actual[: max(0, len(last) - step)] = last[step:]
        logarithmic = np.concatenate([np.full(count, steps.logarithmic[0]), steps.logarithmic])
        first = int(steps.origins[0]) - count
        calibrate = slice(self.parts.train_end - 1 - first, self.parts.validation_end - 1 - first)
        asked = sorted({*(level / 100 for level in levels), *LEVELS})
        found = {share: np.zeros(len(last)) for share in asked}
        for space in np.unique(logarithmic).tolist():
            volatility = self.expected[space][first:, step - 1] if space in self.expected else None
            widths = half_widths(actual, predicted, last, calibrate, space, step, tuple(asked), volatility=volatility)
            for share in asked:
                found[share][logarithmic == space] = widths[share][logarithmic == space]
        below = np.zeros(len(steps.last))
        for number, share in enumerate(asked):
            known = steps.half[share][:, step - 1].astype(np.float64) if share in steps.half else found[share][count:]
            wider = [steps.half[other][:, step - 1] for other in asked[number + 1 :] if other in steps.half]
            below = found[share] = np.maximum(below, np.minimum(known, wider[0]) if wider else known)
        return {level: found[level / 100] for level in levels}

    def origin(self, levels: Sequence[float], at: int, ahead: int) -> np.ndarray:
        """(levels, ahead) half-widths of the forecasts from origin number `at`, one to `ahead` steps on.

        As where the 80 and 95 % intervals are made, later steps are never narrower than earlier ones.
        """
        horizon = self.steps.predicted.shape[1]
        table = np.array([[half[at] for half in self.rows(levels, step).values()]
                          for step in range(1, min(horizon, ahead) + 1)]).T
        table = np.maximum.accumulate(table, axis=1)
        return table if ahead <= horizon else extend_half_widths(table, ahead)

    def paths(self, predicted, at: int, samples: int, seed: int) -> np.ndarray:
        """(samples, ahead) paths of prices that may follow origin number `at`, equally likely.

        predicted: (ahead,) the forecast
        At each step, the share p of the paths lies within the interval of level p, up to one path. How steps hang together is
        learnt from the errors known at the origin: their rank correlation, as in a Gaussian copula. Beyond the horizon, and
        where few errors are known, it is that of a random walk.
        """
        ahead, rng = len(predicted), np.random.default_rng(seed)
        ranks = np.argsort(np.argsort(self._dependent(at, samples, ahead, rng), axis=0), axis=0)  # (samples, ahead)
        normal = NormalDist()
        scores = np.array([normal.inv_cdf((rank + 0.5) / samples) for rank in range(samples)])[ranks]
        places = [0.0, *(normal.inv_cdf(0.5 + level / 200) for level in GRID)]
        halves = self.origin(GRID, at, ahead)  # (levels, ahead)
        widths = np.stack([np.interp(np.abs(scores[:, step]), places, np.r_[0.0, halves[:, step]]) for step in range(ahead)],
                          axis=1)
        lower, upper = bounds_around(np.asarray(predicted), widths, np.full(ahead, self.steps.logarithmic[at]))
        return np.where(scores < 0, lower, upper)

    def _dependent(self, at, samples, ahead, rng) -> np.ndarray:
        """(samples, ahead) standard normal numbers, correlated from step to step."""
        steps, within = self.steps, min(self.steps.predicted.shape[1], ahead)
        noise = rng.standard_normal((samples, ahead))
        known = max(0, at + 1 - within)  # origins all of whose steps up to there are known at this one
        sizes = np.abs(steps.last[:known, None])
        errors = (steps.actual - steps.predicted)[:known, :within] / np.where(sizes > 0, sizes, np.nan)
        errors = errors[np.isfinite(errors).all(axis=1)]
        numbers = noise.copy()
        if len(errors) >= FEWEST_PATHS + within:
            alike = np.corrcoef(np.argsort(np.argsort(errors, axis=0), axis=0), rowvar=False).reshape(within, within)
            numbers[:, :within] = noise[:, :within] @ np.linalg.cholesky(alike + 1e-9 * np.eye(within)).T
        else:
            _walk(numbers, noise, 1, within)
        _walk(numbers, noise, within, ahead)
        return numbers


def _walk(numbers, noise, first, end):
    """Fills the steps from `first` (from 0) on as the sums of a random walk, divided by their size."""
    for step in range(first, end):
        share = step / (step + 1)
        numbers[:, step] = np.sqrt(share) * numbers[:, step - 1] + np.sqrt(1 - share) * noise[:, step]
