"""Measures of a forecast against what happened, in plain arrays.

Every function takes 1-D arrays of equal length and raises `Undefined`, with the reason in words, where a score has no
value: a percentage of a price of zero, a direction where nothing moved. `forecasting.evaluation.scores` turns that into None
beside its reason. Nothing here returns 0, NaN or infinity in place of "undefined".
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

__all__ = ["SMALLEST_MOVE", "Undefined", "binomial_interval", "coverage", "directional_accuracy", "directional_base",
           "directional_hits", "directional_p", "directional_up", "interval_score", "mae", "mape", "mase", "mase_scale",
           "mean_width", "rmse", "skill", "smape"]

# exp(log price + 0) differs from the price in its last bits, so smaller shares of the price do not count as a move.
SMALLEST_MOVE = 1e-7


class Undefined(ArithmeticError):
    """A score that has no value for these numbers. Its text is the reason, in words for the user."""


def rmse(actual, predicted) -> float:
    """Root mean squared error, in the units of the prices."""
    errors = _errors(actual, predicted)
    largest = np.abs(errors).max()
    if largest == 0:
        return 0.0
    # Scaled, because the square of a large error overflows long before the error itself does.
    return float(largest * np.sqrt(np.mean((errors / largest) ** 2)))


def mae(actual, predicted) -> float:
    """Mean absolute error, in the units of the prices."""
    return _mean(np.abs(_errors(actual, predicted)))


def mape(actual, predicted) -> float:
    """Mean absolute percentage error: 100 mean(|a - p| / |a|), in percent. Undefined where a price is zero."""
    errors = _errors(actual, predicted)
    prices = np.abs(np.asarray(actual, dtype=np.float64))
    if (prices == 0).any():
        raise Undefined("a price is zero")
    with np.errstate(over="ignore"):
        return _mean(100 * (np.abs(errors) / prices))


def smape(actual, predicted) -> float:
    """Symmetric mean absolute percentage error: 100 mean(|a - p| / ((|a| + |p|) / 2)), from 0 to 200 percent.

    Over the mean of price and prediction, so that 200 and not 100 is the worst: where one of them is zero, or both have
    opposite signs. For small errors it is close to `mape`.
    Undefined where a price and its prediction are both zero.
    Source: Makridakis, "Accuracy measures: theoretical and practical concerns" (1993), with absolute values below.
    """
    errors = _errors(actual, predicted)
    middle = np.abs(np.asarray(actual, dtype=np.float64)) / 2 + np.abs(np.asarray(predicted, dtype=np.float64)) / 2
    if (middle == 0).any():
        raise Undefined("a price and its prediction are both zero")
    return _mean(100 * (np.abs(errors) / middle))


def mase_scale(training_prices) -> float:
    """The mean absolute one-step move of the training prices: what the naive forecast errs by there."""
    prices = _vector("training_prices", training_prices)
    if len(prices) < 2:
        raise Undefined("the training part has fewer than two prices")
    return mae(prices[1:], prices[:-1])


def mase(actual, predicted, scale) -> float:
    """Mean absolute error over `scale`, the naive forecast's mean absolute error in training (see `mase_scale`).

    Below 1: better than the naive forecast was on the training part, which is not the naive forecast on these days. The
    moves of a price that has grown tenfold since are about ten times as large, and every forecast's MASE with them, the
    naive one's too: compare it with `mase(actual, naive, scale)`, which `scores` gives as 'naive_mase'.
    Source: Hyndman and Koehler, "Another look at measures of forecast accuracy" (2006).
    """
    error = mae(actual, predicted)
    if scale is None or not math.isfinite(scale):
        raise Undefined("the training part has no mean move")
    if scale == 0:
        raise Undefined("the price never moved in the training part")
    return _finite(error / scale)


def skill(actual, predicted, naive) -> float:
    """1 - RMSE / naive RMSE: the share of the naive forecast's error that the forecast removes.

    0: as good as naive; 1: perfect; below 0: worse than naive. Undefined where naive makes no error.
    """
    error, reference = rmse(actual, predicted), rmse(actual, naive)
    if reference == 0:
        raise Undefined("the naive forecast makes no error: the price never moved")
    return _finite(1 - error / reference)


def directional_hits(actual, predicted, last) -> tuple[int, int]:
    """How many calls of a direction were right, and how many calls there were.

    last: (n,) the last price known when each prediction was made
    A call counts where the price then moved and the prediction differs from `last` by more than `SMALLEST_MOVE` of it.
    """
    moved, called = _directions(actual, predicted, last)
    return int(np.sum(moved == called)), len(moved)


def directional_accuracy(actual, predicted, last) -> float:
    """The share of called directions, from 0 to 1, that were right (see `directional_hits`)."""
    right, calls = directional_hits(actual, predicted, last)
    return right / calls


def directional_up(actual, predicted, last) -> float:
    """The share, from 0 to 1, of the days of `directional_hits` on which the price rose."""
    moved, _ = _directions(actual, predicted, last)
    return float(np.mean(moved > 0))


def directional_base(actual, predicted, last) -> float:
    """The share, from 0.5 to 1, of the days of `directional_hits` on which the price moved in the more frequent direction.

    It is the accuracy of always calling that direction. A price that mostly rises gives it to any forecast that mostly
    says so. The direction is chosen in hindsight, on the days that are scored, which makes it hard to beat.
    """
    up = directional_up(actual, predicted, last)
    return max(up, 1 - up)


def directional_p(actual, predicted, last) -> float:
    """Two-sided p of the hypothesis that the calls are as often right as always calling the more frequent direction.

    Both are judged by the same days, so only those on which they differ tell them apart: with equal accuracies, either is
    right on such a day with probability 1/2. Days count as independent. Where both directions are equally frequent, it is
    tested against always up.
    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages" (1947),
    with the exact binomial distribution in place of the chi-squared one.
    """
    from scipy.special import bdtr

    moved, called = _directions(actual, predicted, last)
    differ = called != (1 if np.mean(moved > 0) >= 0.5 else -1)
    days, right = int(differ.sum()), int(np.sum(moved[differ] == called[differ]))
    if not days:
        raise Undefined("the forecast always calls the more frequent direction")
    return min(1.0, 2 * float(bdtr(min(right, days - right), days, 0.5)))


def _directions(actual, predicted, last):
    """(m,), (m,): 1 for up and -1 for down, as the price moved and as it was called, on the m days that have both."""
    moved = -_errors(last, actual)
    called = -_errors(last, predicted)
    called = np.where(np.abs(called) > SMALLEST_MOVE * np.abs(np.asarray(last, dtype=np.float64)), called, 0.0)
    if not moved.any():
        raise Undefined("the price never moved")
    counts = (moved != 0) & (called != 0)
    if not counts.any():
        raise Undefined("the forecast calls no direction")
    return np.sign(moved[counts]), np.sign(called[counts])


def binomial_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share that was seen as `successes` of `trials` independent ones.

    It lies around the share that was seen, not around 1/2. Days of a price series are only nearly independent: what they
    share makes the true interval wider.
    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    if not 0 <= successes <= trials or trials < 1:
        raise Undefined("there are no trials")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, weight = successes / trials, z * z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    # At 0 and 1 the bound is the share itself; rounding must not push the share outside.
    return min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)


def coverage(actual, lower, upper) -> float:
    """The share of prices, from 0 to 1, that lie within their bounds."""
    actual, lower, upper = _bounds(actual, lower, upper)
    return float(np.mean((lower <= actual) & (actual <= upper)))


def mean_width(lower, upper) -> float:
    """The mean distance of the bounds, in the units of the prices."""
    return _mean(_errors(upper, lower))


def interval_score(actual, lower, upper, level: float) -> float:
    """Mean interval score, in the units of the prices: the width, and 2 / (1 - level) times any miss. Less is better.

    Source: Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation" (2007), section 6.2.
    """
    actual, lower, upper = _bounds(actual, lower, upper)
    with np.errstate(over="ignore"):
        missed = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
        return _mean((upper - lower) + 2 / (1 - level) * missed)


def _vector(name, values):
    """`values` as a (n,) float64 array without gaps. A wrong shape is a bug of the caller, not an undefined score."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"{name} must have one dimension. Received: shape {values.shape}.")
    if values.size == 0:
        raise Undefined("there are no predictions to score")
    if not np.isfinite(values).all():
        raise Undefined("a value is missing")
    return values


def _errors(actual, predicted):
    """actual - predicted, (n,). Raises ValueError for shapes that NumPy would broadcast, e.g. (n, 1) and (n,)."""
    if np.shape(actual) != np.shape(predicted):
        raise ValueError(f"Both must have the same shape. Received: {np.shape(actual)} and {np.shape(predicted)}.")
    with np.errstate(over="ignore"):
        errors = _vector("actual", actual) - _vector("predicted", predicted)
    if not np.isfinite(errors).all():
        raise Undefined("the numbers are too large to subtract")
    return errors


def _bounds(actual, lower, upper):
    """The three as (n,) arrays, after the checks of `_errors`."""
    _errors(actual, lower)
    _errors(actual, upper)
    return tuple(np.asarray(values, dtype=np.float64) for values in (actual, lower, upper))


def _mean(values):
    """The mean of values that are not negative, without overflow on the way."""
    largest = values.max()
    if largest == 0:
        return 0.0
    if not np.isfinite(largest):
        raise Undefined("the numbers are too large to average")
    return float(largest * np.mean(values / largest))


def _finite(value):
    if not math.isfinite(value):
        raise Undefined("the numbers are too far apart to divide")
    return float(value)
