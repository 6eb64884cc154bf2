"""How far the scores of one setting vary with the seed, and whether two settings differ by more than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.evaluation.metrics import Undefined

__all__ = ["FEWEST_SEEDS", "Spread", "rank_test", "spread_of"]

FEWEST_SEEDS = 4  # on each side: with fewer, not even the most extreme order of ranks has a p-value below 5 %


@dataclass(frozen=True)
class Spread:
    """mean, deviation (sample standard deviation; None for a single value), low and high of `count` values."""

    mean: float
    deviation: float | None
    low: float
    high: float
    count: int


def spread_of(values: Sequence[float]) -> Spread:
    """The spread of one or more values."""
    array = np.asarray(values, dtype=np.float64)
    if not array.size:
        raise ValueError("There is no spread of nothing.")
    deviation = float(array.std(ddof=1)) if array.size > 1 else None
    return Spread(float(array.mean()), deviation, float(array.min()), float(array.max()), int(array.size))


def rank_test(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Two-sided p-value of the hypothesis that the scores of two settings, one for each seed, are from one distribution.

    Exact for few seeds without ties, so it needs no normal distribution. Raises Undefined for fewer than `FEWEST_SEEDS` on
    a side.
    Source: Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the
    other" (1947).
    """
    from scipy.stats import mannwhitneyu

    if min(len(ours), len(theirs)) < FEWEST_SEEDS:
        raise Undefined(f"it takes {FEWEST_SEEDS} seeds on each side, got {len(ours)} and {len(theirs)}")
    return float(mannwhitneyu(ours, theirs, alternative="two-sided").pvalue)
