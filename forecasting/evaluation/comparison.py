"""Is one forecast better than another beyond luck? An interval of the skill, and a Diebold-Mariano test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.evaluation import metrics
from forecasting.evaluation.metrics import Undefined

__all__ = ["MIN_DAYS", "MIN_HORIZONS", "Comparison", "compare", "diebold_mariano", "fixed_b_quantile", "skill_interval"]

MIN_DAYS = 20  # with fewer, a bootstrap interval says more about chance than about the forecast
# Days per step ahead, since blocks are two horizons long and several are needed. Measured on two equally good forecasts
# whose errors differ for long stretches, where 2.5 % of the intervals should lie above zero: 5 to 7 % did at ten horizons,
# 4 to 5 % at twenty and more, 3 % for one step and 20 days, but 12 % at five horizons and every second one at two.
MIN_HORIZONS = 10
SAMPLES = 2000
_CHUNK = 4_000_000  # resampled block starts in memory at a time


@dataclass(frozen=True)
class Comparison:
    """A forecast beside the naive one on the same days.

    skill: 1 - RMSE / naive RMSE, or None; interval: its (low, high), or None
    statistic, p_value: of the two-sided Diebold-Mariano test on squared errors, or None; negative where the forecast
        errs less
    days: how many pairs were compared
    reasons: {field: why it is None}
    """

    skill: float | None
    interval: tuple[float, float] | None
    statistic: float | None
    p_value: float | None
    days: int
    reasons: dict[str, str]


def compare(actual, predicted, naive, *, step: int = 1, level: float = 0.95, seed: int = 0) -> Comparison:
    """Skill with its interval, and the test, of predictions `step` steps ahead. Arrays are (n,), in time order."""
    reasons = {}

    def defined(fields, compute):
        try:
            return compute()
        except Undefined as reason:
            reasons.update(dict.fromkeys(fields, str(reason)))
            return None

    skill = defined(["skill"], lambda: metrics.skill(actual, predicted, naive))
    interval = defined(["interval"],
                       lambda: skill_interval(actual, predicted, naive, step=step, level=level, seed=seed))
    test = defined(["statistic", "p_value"], lambda: diebold_mariano(actual, predicted, naive, step=step))
    statistic, p_value = test or (None, None)
    return Comparison(skill, interval, statistic, p_value, len(actual), reasons)


def skill_interval(actual, predicted, naive, *, step: int = 1, level: float = 0.95, samples: int = SAMPLES,
                   seed: int = 0, block: int | None = None) -> tuple[float, float]:
    """The interval of 1 - RMSE / naive RMSE over resampled stretches of days.

    Days are drawn in blocks, with both errors of a day together, so that volatile weeks stay whole and what the forecasts
    have in common cancels out.

    actual, predicted, naive: (n,), in time order; step: how many steps ahead
    block: rows in a block; n^(1/3) unless given, and at least two horizons, since errors of overlapping horizons are
        alike
    returns (low, high); raises Undefined for fewer than `MIN_DAYS` days or `MIN_HORIZONS` horizons of them, or where naive
        makes no error

    Few blocks vary less than the series they are drawn from, so the interval is widened like the quantile of a t test whose
    variance uses as many lags, see `fixed_b_quantile`.
    Sources: Künsch, "The jackknife and the bootstrap for general stationary observations" (1989), with the blocks on a
    circle, Politis and Romano, "A circular block-resampling procedure for stationary data" (1992).
    """
    skill = metrics.skill(actual, predicted, naive)  # raises Undefined where there is no skill
    errors, rival = _scaled_errors(actual, predicted, naive)
    n = len(errors)
    if n < MIN_DAYS:
        raise Undefined(f"there are too few predictions for an interval, {n} where it takes {MIN_DAYS}")
    if step > 1 and n < MIN_HORIZONS * step:
        raise Undefined(f"there are too few predictions for an interval {step} steps ahead, {n} where it takes "
                        f"{MIN_HORIZONS * step}")
    block = min(n, max(round(n ** (1 / 3)), 2 * step if step > 1 else 1) if block is None else block)
    blocks = -(-n // block)
    # Sums over any block are differences of running sums over the circle.
    sums = [np.concatenate([[0.0], np.cumsum(np.concatenate([e**2, e[: block - 1] ** 2]))]) for e in (errors, rival)]
    of_block = [running[block:] - running[:-block] for running in sums]  # (n,) by first day
    rng = np.random.default_rng(seed)
    totals = np.empty((2, samples))
    rows = max(1, _CHUNK // blocks)
    for first in range(0, samples, rows):
        starts = rng.integers(0, n, (min(rows, samples - first), blocks))
        for total, block_sums in zip(totals, of_block, strict=True):
            total[first : first + rows] = block_sums[starts].sum(axis=1)
    moved = totals[1] > 0
    if not moved.any():
        raise Undefined("the naive forecast makes hardly any error")
    # Rounding can make a difference of running sums slightly negative.
    skills = 1 - np.sqrt(np.maximum(totals[0, moved], 0) / totals[1, moved])
    low, high = np.quantile(skills, [(1 - level) / 2, (1 + level) / 2])
    wider = fixed_b_quantile(block / n) / fixed_b_quantile(0.0)
    return float(skill - wider * (skill - low)), float(min(1.0, skill + wider * (high - skill)))


def fixed_b_quantile(share: float) -> float:
    """The 97.5 % quantile of a t with Bartlett weights, whose variance uses lags up to `share` of the rows; 1.96 at 0.

    Source: Kiefer and Vogelsang, "A new asymptotic theory for heteroskedasticity-autocorrelation robust tests" (2005).
    """
    return 1.96 + 2.9694 * share + 0.4160 * share**2 - 0.5324 * share**3


def diebold_mariano(actual, predicted, rival, *, step: int = 1, power: int = 2) -> tuple[float, float]:
    """(statistic, two-sided p) of the hypothesis that both forecasts err equally; negative: `predicted` errs less.

    actual, predicted, rival: (n,), in time order, forecasts `step` steps ahead; power: of the absolute errors compared
    raises Undefined where the errors never differ, or n <= 2 step

    The variance holds step - 1 autocovariances, as errors of overlapping horizons are correlated that far. Where that
    sum is not positive, Bartlett weights make it so. The statistic is corrected for small samples and compared with
    Student's t of n - 1 degrees of freedom.
    Sources: Diebold and Mariano, "Comparing predictive accuracy" (1995); Harvey, Leybourne and Newbold, "Testing the
    equality of prediction mean squared errors" (1997).
    """
    from scipy.special import stdtr

    errors, others = _scaled_errors(actual, predicted, rival)
    n = len(errors)
    if n <= 2 * step:
        ahead = f" {step} steps ahead" if step > 1 else ""
        raise Undefined(f"there are too few predictions ({n}) for a test of forecasts{ahead}")
    gains = np.abs(errors) ** power - np.abs(others) ** power
    if not gains.any():
        raise Undefined("both forecasts make the same errors")
    centred = gains - gains.mean()
    covariances = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(step)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= 0:
        variance = covariances[0] + 2 * ((1 - np.arange(1, step) / step) * covariances[1:]).sum()
    # Equal gains leave nothing but rounding errors.
    if variance <= 1e-24 * gains.mean() ** 2:
        raise Undefined("the errors always differ by the same amount")
    correction = np.sqrt((n + 1 - 2 * step + step * (step - 1) / n) / n)
    statistic = float(gains.mean() / np.sqrt(variance / n) * correction)
    return statistic, float(2 * stdtr(n - 1, -abs(statistic)))


def _scaled_errors(actual, predicted, rival):
    """Both forecasts' errors, (n,) each, divided by the largest: all comparisons here are independent of units."""
    metrics.mae(actual, predicted), metrics.mae(actual, rival)  # the checks of shapes, gaps and sizes
    actual, predicted, rival = (np.asarray(values, dtype=np.float64) for values in (actual, predicted, rival))
    errors, others = actual - predicted, actual - rival
    largest = max(np.abs(errors).max(), np.abs(others).max()) or 1.0
    return errors / largest, others / largest
