"""Who wins a search, and how much of its gain is luck. Pure functions of errors and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

import numpy as np
import pandas as pd

from forecasting.evaluation.comparison import skill_interval
from forecasting.evaluation.metrics import Undefined

__all__ = ["Decision", "Finalist", "decide", "expected_luck", "mean_errors", "permuted"]

TWO_SIDED = 2 * NormalDist().inv_cdf(0.975)  # standard errors that a 95 % interval spans
SAMPLES = 4000
REFERENCE = 1  # the trial of *Recommended*


@dataclass(frozen=True)
class Finalist:
    """One of the best trials, trained again with new seeds and judged on days that the search did not use.

    ratio: RMSE / naive RMSE; gain: 1 - RMSE / *Recommended*'s RMSE
    interval: (low, high) of the gain, or None; those of all finalists hold at once in 95 of 100 searches (Bonferroni)
    size: trained weights of its network; near_best: whether it is within one standard error of the best
    """

    number: int
    ratio: float
    gain: float
    interval: tuple[float, float] | None
    size: int
    near_best: bool

    @property
    def is_proven(self) -> bool:
        """Whether it is better than *Recommended* beyond doubt."""
        return self.interval is not None and self.interval[0] > 0


@dataclass(frozen=True)
class Decision:
    """winner: the number of a trial, 1 for *Recommended*; smallest: of the finalists within one standard error of the best
    the one with the smallest network; finalists: the best first"""

    winner: int
    smallest: int
    finalists: tuple[Finalist, ...]


def mean_errors(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One forecaster's squared errors, a mean over its seeds: index Date; columns squared, naive.

    tables: one for each seed, as a trial leaves them
    """
    squared = pd.concat([(table["actual"] - table["predicted"]) ** 2 for table in tables], axis=1)
    naive = (tables[0]["actual"] - tables[0]["naive"]) ** 2
    return pd.DataFrame({"squared": squared.mean(axis=1), "naive": naive}).sort_index()


def decide(errors: Mapping[int, pd.DataFrame], sizes: Mapping[int, int]) -> Decision:
    """The winner among the finalists and *Recommended*, trial 1, which has to be among them.

    errors: {number: as `mean_errors` gives it}, of the same days; sizes: {number: trained weights}

    Of those within one standard error of the best, the smallest network is taken (Breiman and others 1984), unless the paired
    interval of its gain over *Recommended* includes zero: then *Recommended* stays.
    """
    squared = {number: table["squared"].to_numpy() for number, table in errors.items()}
    naive = errors[REFERENCE]["naive"].to_numpy()
    best = min(squared, key=lambda number: (squared[number].mean(), sizes[number]))
    finalists = []
    level = 1 - 0.05 / max(1, len(squared) - 1)  # or the best of several finalists would too often seem to be proven
    for number, own in squared.items():
        gain, interval = _gain(own, squared[REFERENCE], level)
        behind, around = _gain(own, squared[best])
        error = 0.0 if around is None else (around[1] - around[0]) / TWO_SIDED
        finalists.append(Finalist(number, float(np.sqrt(own.mean() / naive.mean())), gain, interval, sizes[number],
                                  -behind <= error))
    near = [one for one in finalists if one.near_best]
    smallest = min(near, key=lambda one: (one.size, one.ratio))
    winner = smallest.number if smallest.is_proven else REFERENCE
    return Decision(winner, smallest.number, tuple(sorted(finalists, key=lambda one: one.ratio)))


def _gain(own, other, level=0.95) -> tuple[float, tuple[float, float] | None]:
    """(1 - RMSE / the other's, its interval over resampled stretches of days or None) of (n,) squared errors."""
    if own is other or not other.any():
        return 0.0, None
    gain = float(1 - np.sqrt(own.mean() / other.mean()))
    try:
        return gain, skill_interval(np.zeros(len(own)), np.sqrt(own), np.sqrt(other), level=level, samples=SAMPLES)
    except Undefined:
        return gain, None


def expected_luck(folds: Sequence[Sequence[float]], reference: Sequence[float]) -> float | None:
    """By how much the best of these trials would beat *Recommended* if all were equally good, as a difference of values.

    folds: the values of each trial's folds; reference: *Recommended*'s on the same folds
    None for fewer than two trials

    The standard error of one trial's value beside *Recommended*'s comes from how their difference varies over the folds,
    the median of the better half of the trials; the best of n normal errors lies Blom's quantile above zero.
    """
    if len(folds) < 2:
        return None
    ranked = sorted(folds, key=lambda values: float(np.mean(values)))[: max(2, len(folds) // 2)]
    errors = [float(np.std(np.subtract(values, reference), ddof=1) / np.sqrt(len(reference))) for values in ranked]
    return median(errors) * NormalDist().inv_cdf((len(folds) - 0.375) / (len(folds) + 0.25))


def permuted(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same dates with the rows' moves in random order: whatever could be learnt from their order is gone.

    frame: of a `PriceHistory`; moves are relative where every price is positive, and differences otherwise
    """
    order = 1 + np.random.default_rng(seed).permutation(len(frame) - 1)
    close, prices = frame["Close"].to_numpy(), [name for name in frame if name != "Volume"]
    mixed = frame.copy()
    if (frame[prices].to_numpy() > 0).all():
        moved = close[0] * np.concatenate([[1.0], np.exp(np.cumsum(np.diff(np.log(close))[order - 1]))])
    else:
        moved = close[0] + np.concatenate([[0.0], np.cumsum(np.diff(close)[order - 1])])
    rows = np.concatenate([[0], order])
    for name in frame:
        values = frame[name].to_numpy()[rows]
        if name in prices and (frame[prices].to_numpy() > 0).all():
            values = moved * values / close[rows]
        elif name in prices:
            values = moved + values - close[rows]
        mixed[name] = values
    return mixed
