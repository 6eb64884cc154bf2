"""Is one forecast better than another beyond luck? An interval of the skill, a Diebold-Mariano test, Holm's correction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecasting.evaluation import metrics
from forecasting.evaluation.metrics import Undefined

__all__ = ["MIN_DAYS", "MIN_HORIZONS", "Comparison", "compare_forecasts", "diebold_mariano", "fixed_b_quantile", "holm",
           "memory_of", "skill_interval"]

MIN_DAYS = 20  # with fewer, a bootstrap interval says more about chance than about the forecast
# Days per step ahead, since blocks are two horizons long and several are needed. Measured on two equally good forecasts
# whose errors differ for long stretches, where 2.5 % of the intervals should lie above zero: 5 to 7 % did at ten horizons,
# 4 to 5 % at twenty and more, 3 % for one step and 20 days, but 12 % at five horizons and every second one at two.
MIN_HORIZONS = 10
SAMPLES = 2000
_CHUNK = 4_000_000  # resampled block starts in memory at a time


@dataclass(frozen=True)
class Comparison:
    """A forecast beside a rival, such as the naive one, on the same days.

    skill: 1 - RMSE / RMSE of the rival, or None; interval: its (low, high), or None
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


def compare_forecasts(actual, predicted, rival, *, step: int = 1, level: float = 0.95, seed: int = 0,
                      lags: int | None = None) -> Comparison:
    """Skill with its interval, and the test, of predictions `step` steps ahead. Arrays are (n,), in time order.

    lags: over how many days gains may be alike, for the test and for the blocks of the interval; None: over the horizon
    """
    reasons = {}
    block = None if lags is None else max(_usual_block(len(actual), step), lags + 1)

    def defined(fields, compute):
        try:
            return compute()
        except Undefined as reason:
            reasons.update(dict.fromkeys(fields, str(reason)))
            return None

    skill = defined(["skill"], lambda: metrics.skill(actual, predicted, rival))
    interval = defined(["interval"],
                       lambda: skill_interval(actual, predicted, rival, step=step, level=level, seed=seed, block=block))
    test = defined(["statistic", "p_value"], lambda: diebold_mariano(actual, predicted, rival, step=step, lags=lags))
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
    block = min(n, _usual_block(n, step) if block is None else block)
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


def _usual_block(n, step):
    return max(round(n ** (1 / 3)), 2 * step if step > 1 else 1)


def fixed_b_quantile(share: float) -> float:
    """The 97.5 % quantile of a t with Bartlett weights, whose variance uses lags up to `share` of the rows; 1.96 at 0.

    Source: Kiefer and Vogelsang, "A new asymptotic theory for heteroskedasticity-autocorrelation robust tests" (2005).
    """
    return 1.96 + 2.9694 * share + 0.4160 * share**2 - 0.5324 * share**3


def diebold_mariano(actual, predicted, rival, *, step: int = 1, power: int = 2,
                    lags: int | None = None) -> tuple[float, float]:
    """(statistic, two-sided p) of the hypothesis that both forecasts err equally; negative: `predicted` errs less.

    actual, predicted, rival: (n,), in time order, forecasts `step` steps ahead; power: of the absolute errors compared
    lags: autocovariances in the variance, with Bartlett weights (Newey and West); None: as many as the horizon overlaps
    raises Undefined where the errors never differ, or n <= 2 step

    By default the variance holds step - 1 autocovariances, as errors of overlapping horizons are correlated that far. Where
    that sum is not positive, Bartlett weights make it so. The statistic is corrected for small samples and compared with
    Student's t of n - 1 degrees of freedom.
    Sources: Diebold and Mariano, "Comparing predictive accuracy" (1995); Harvey, Leybourne and Newbold, "Testing the
    equality of prediction mean squared errors" (1997); Newey and West, "A simple, positive semi-definite,
    heteroskedasticity and autocorrelation consistent covariance matrix" (1987).
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
    reach = step if lags is None else min(lags + 1, n)
    covariances = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(reach)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= 0 or lags is not None:
        variance = covariances[0] + 2 * ((1 - np.arange(1, reach) / reach) * covariances[1:]).sum()
    # Equal gains leave nothing but rounding errors.
    if variance <= 1e-24 * gains.mean() ** 2:
        raise Undefined("the errors always differ by the same amount")
    correction = np.sqrt((n + 1 - 2 * step + step * (step - 1) / n) / n)
    statistic = float(gains.mean() / np.sqrt(variance / n) * correction)
    return statistic, float(2 * stdtr(n - 1, -abs(statistic)))


def memory_of(actual, predicted, rival) -> int:
    """Over how many days the gains of one forecast on another are alike: lags for `diebold_mariano`.

    At least 4 (n / 100)^(2/9), and more where today's gain says much about tomorrow's, as between two forecasts that lie
    apart for weeks; never more than a tenth of the days, beyond which the variance itself is hardly known.
    Sources: Newey and West, "Automatic lag selection in covariance matrix estimation" (1994); Andrews,
    "Heteroskedasticity and autocorrelation consistent covariance matrix estimation" (1991), for gains of order one.
    """
    errors, others = _scaled_errors(actual, predicted, rival)
    n = len(errors)
    gains = errors**2 - others**2
    gains = gains - gains.mean()
    least, size = math.floor(4 * (n / 100) ** (2 / 9)), gains @ gains
    if n < 3 or size == 0:
        return min(least, max(0, n - 1))
    alike = float(np.clip(gains[1:] @ gains[:-1] / size, -0.97, 0.97))
    bandwidth = 1.1447 * (4 * alike**2 / (1 - alike**2) ** 2 * n) ** (1 / 3)
    return min(max(least, math.ceil(bandwidth)), max(least, n // 10), n - 1)


def holm(p_values) -> list[float | None]:
    """p-values corrected so that a false difference is claimed in one family of tests with 5 % at most, if at 0.05 each.

    None stays None and counts as no test.
    Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    known = sorted((value, at) for at, value in enumerate(p_values) if value is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (value, at) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * value))
        corrected[at] = largest
    return corrected


def _scaled_errors(actual, predicted, rival):
    """Both forecasts' errors, (n,) each, divided by the largest: all comparisons here are independent of units."""
    metrics.mae(actual, predicted), metrics.mae(actual, rival)  # the checks of shapes, gaps and sizes
    actual, predicted, rival = (np.asarray(values, dtype=np.float64) for values in (actual, predicted, rival))
    errors, others = actual - predicted, actual - rival
    largest = max(np.abs(errors).max(), np.abs(others).max()) or 1.0
    return errors / largest, others / largest
