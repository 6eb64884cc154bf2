"""Prediction intervals that hold: conformal, scaled by a forecast of the volatility, corrected online.

A forecast's errors, divided by the volatility that was expected at the time, are *scores*. The interval at an origin is the
prediction plus and minus a quantile of the scores known by then, times the volatility expected now. The level of the quantile
follows the misses: after a miss the next intervals are wider, after a hit slightly narrower. While the intervals keep their
promise, none is wider than the naive forecast's own at that origin, because the level drifts, and far in the tail a small
drift adds a lot of width.

The volatility is one that is fitted to the series (`volatility.py`), or a single exponentially weighted mean of moves or of
the forecast's own errors, where that would have given better intervals on validation. Scores by a fitted one have about
the same distribution in calm and in wild times, so the latest 2,000 are used, the naive forecast's from before
validation among them; the others' change with the times, so that 500 from validation on are better.

Sources: split conformal prediction, Vovk, Gammerman and Shafer, "Algorithmic learning in a random world" (2005), and
Papadopoulos and others, "Inductive confidence machines for regression" (2002); scores divided by a local scale, Lei and
others, "Distribution-free predictive inference for regression" (2018); the online correction, Gibbs and Candès,
"Adaptive conformal inference under distribution shift" (2021), and its decaying speed, Angelopoulos, Barber and Bates,
"Online conformal prediction with decaying step sizes" (2024); the volatility, J.P. Morgan, "RiskMetrics" (1996).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from math import ceil, isfinite
from statistics import NormalDist

import numpy as np
import pandas as pd

__all__ = ["LEVELS", "around", "correction_speeds", "extend_half_widths", "half_widths", "interval_bounds",
           "track_quantiles"]

LEVELS = (0.8, 0.95)
GAMMA = 0.005         # speed of the online correction
DECAY = 0.94          # of the exponentially weighted volatility, a day's weight after one more day
ROLLING = 500         # scores that an online quantile looks back on
LONG_ROLLING = 2000   # ... and those by a fitted volatility
MIN_SCORES = 20       # if validation has fewer, earlier errors of the naive forecast make up the rest
SCALES = ("fitted", "moves", "errors")
# A fitted volatility is given up for a simpler one only if that is better by more than this on validation, since on the test
# parts of 12 market series it was better on all of them, and validation is short.
PREFERENCE = 1.02

# On 19 real series and 96 pieces of them, ten steps each. A shock fades before a far step arrives, so the scale matters
# less there: volatility to the power 0.9 for one step and 0.28 for ten had the best interval scores (unscaled was
# worse at every step). Errors of far steps overlap and miss in runs, which the correction has to follow faster: with
# the growth below, 7 % of the pieces were off by more than 5 points at ten steps, without it 17 %.
_POWER, _POWER_FALL = 0.9, 0.5
_GAMMA_GROWTH = 0.3
# Of a fitted volatility, on 15 series: a constant speed of 0.8 gamma left two of 15 off by more than 5 points at ten steps, one
# of them by 8.7; with the faster beginning one was, and interval scores were worse by 0.5 % at most.
_STEADY, _EAGER, _SETTLES = 0.8, 3.0, 100
_LEAST_SCALE = 0.1    # of the long-run volatility, so that the first move after a flat stretch is no extreme outlier
_LARGEST_LEVEL = 0.999
# Coverage may fall short by this much before an interval may be wider than the naive forecast's. On 20 series this reduced
# the widest mean at one step from 1.11 to 1.00 of naive's, for at most 0.7 points of coverage (ten steps: 1.5).
_LAG = 0.02


def interval_bounds(actual, predicted, last, calibrate, positive, step=1, levels=LEVELS, gamma=GAMMA, scale="auto",
                    volatility=None):
    """Bounds for the predictions of one step, from what was known at each origin.

    actual: (n,) the price `step` rows after each origin, NaN where it is unknown; origins are consecutive rows
    predicted, last: (n,) the prediction, and the price at the origin
    calibrate: slice of the validation origins; its stop is the first origin whose bounds are computed online, usually the
        last row of validation
    positive: measure errors in logarithms, so that bounds are positive
    levels: promised coverages, ascending
    gamma: speed of the online correction, 0 for none (see `correction_speeds` for a fitted volatility; otherwise it
        is the same throughout, and slightly faster at later steps)
    scale: 'fitted' (`volatility`), 'moves' (the volatility of the price), 'errors' (that of the forecast's own errors, which
        is better for seasonal series), or 'auto' for the one with the best interval score on validation
    volatility: (n,) expected at each origin for the move over `step` rows, of logarithms where `positive`; None for none
    returns {level: (lower (n,), upper (n,))}, finite, with lower <= predicted <= upper, and narrow levels within wide
        ones

    The bounds at origin i >= calibrate.stop use the price of row i and earlier rows only: the error of origin j is
    known once j + step <= i. Earlier bounds use the quantile of all of validation: they describe the fit and do
    not test coverage.
    """
    halves = half_widths(actual, predicted, last, calibrate, positive, step, levels, gamma, scale, volatility)
    return {level: around(predicted, half, positive) for level, half in halves.items()}


def around(predicted, half, positive):
    """(lower, upper): predicted -+ half, or predicted times exp(-+ half) where `positive`. Shapes broadcast."""
    predicted, half = np.asarray(predicted, dtype=np.float64), np.asarray(half, dtype=np.float64)
    largest = np.finfo(np.float64).max
    with np.errstate(over="ignore", under="ignore"):
        lower, upper = ((predicted * np.exp(-half), predicted * np.exp(half)) if positive
                        else (predicted - half, predicted + half))
    least = np.finfo(np.float64).tiny if positive else -largest
    lower, upper = np.clip(lower, least, largest), np.clip(upper, -largest, largest)
    # exp(log) rounds, and even a prediction that is not positive must lie between its bounds.
    return np.minimum(lower, predicted), np.maximum(upper, predicted)


def extend_half_widths(half, steps):
    """Half-widths (..., horizon) extended to (..., steps): beyond the horizon they grow with the square root of the step.

    The errors of a random walk grow like that, which is the least that recursive forecasts have to allow for.
    """
    half = np.asarray(half, dtype=np.float64)
    horizon = half.shape[-1]
    growth = np.sqrt(np.arange(horizon + 1, steps + 1) / horizon)
    return np.concatenate([half[..., :steps], half[..., -1:] * growth], axis=-1)


def half_widths(actual, predicted, last, calibrate, positive, step=1, levels=LEVELS, gamma=GAMMA, scale="auto",
                volatility=None):
    """Half the width of each interval: arguments as in `interval_bounds`.

    returns {level: (n,)}, finite and not negative; in logarithms where `positive`, else in the units of the prices.
    The last entry is the width of the forecast from the last origin; `around` puts it round any other prediction.
    """
    actual, predicted, last = (np.asarray(values, dtype=np.float64) for values in (actual, predicted, last))
    if not (actual.ndim == 1 and actual.shape == predicted.shape == last.shape):
        raise ValueError("actual, predicted and last must be (n,). "
                         f"Received: {actual.shape}, {predicted.shape} and {last.shape}.")
    start, stop, stride = calibrate.indices(len(actual))
    if stride != 1 or stop <= start:
        raise ValueError(f"calibrate must be a slice of one or more origins. Received: {calibrate} of {len(actual)}.")
    if not levels or list(levels) != sorted(levels):
        raise ValueError(f"levels must ascend. Received: levels={levels}.")

    unit = 1.0 if positive else np.abs(last[: stop + 1]).max() or 1.0  # so that squares of large prices stay finite
    level_of = _logarithm if positive else lambda prices: prices / unit
    errors = np.abs(level_of(actual) - level_of(predicted))
    naive_errors = np.abs(level_of(actual) - level_of(last))
    moves = np.diff(level_of(last), prepend=np.nan)

    rows = np.arange(len(actual))
    known = np.flatnonzero((rows >= start) & (rows + step <= stop) & np.isfinite(errors))
    earlier = np.flatnonzero((rows + step <= start) & np.isfinite(naive_errors))
    if len(known) + len(earlier) == 0:
        raise ValueError(f"No error of step {step} is known before the test part begins.")

    scales = [name for name in SCALES if name != "fitted" or volatility is not None] if scale == "auto" else [scale]
    widest = _largest_known(np.fmax(errors, naive_errors), stop, step)

    def own(errors):
        """Half-widths for a forecast with these errors."""
        fits: list[tuple] = []
        for name in scales:
            sizes = _fitted_sizes(volatility, unit) if name == "fitted" else _sizes(name, errors, moves, known, stop, step)
            own, naive = errors[known] / sizes[known], naive_errors / sizes
            filler = _last(naive[earlier], MIN_SCORES - len(known))
            ordered = np.sort(np.concatenate([filler, own]))
            penalty = _penalty({level: _quantile(ordered, level) for level in levels}, errors[known], sizes[known])
            if name == "fitted":
                filler, own = filler[:0], np.concatenate([_alike(naive[earlier], naive[known], own), own])
                penalty /= PREFERENCE
            fits.append((penalty, len(fits), name, sizes, filler, own))
        *_, name, sizes, filler, calibration = min(fits, key=lambda fit: fit[:2])
        rolling = LONG_ROLLING if name == "fitted" else ROLLING
        ordered = np.sort(np.concatenate([filler, calibration]))
        static = {level: _quantile(ordered, level) for level in levels}
        count = len(errors) - stop
        speeds = {level: correction_speeds(count, level, gamma) if name == "fitted" else
                  np.full(count, gamma * step**_GAMMA_GROWTH) for level in levels}
        online = track_quantiles(errors / sizes, filler, calibration, start, stop, step, speeds, rolling)
        return {level: np.minimum(np.concatenate([np.full(stop, static[level]), online[level]]) * sizes, widest)
                for level in levels}

    wanted = own(errors)
    naive = wanted if np.array_equal(errors, naive_errors, equal_nan=True) else own(naive_errors)
    halves, narrower = {}, np.zeros(len(actual))
    for level in levels:
        narrower = np.maximum(narrower, _capped(wanted[level], naive[level], errors, known, start, stop, step,
                                                level))
        halves[level] = narrower * unit
    return halves


def _capped(wanted, naive, errors, known, start, stop, step, level):
    """(n,) `wanted`, but no wider than `naive` at test origins where such intervals have kept their promise so far.

    known: the origins whose errors validation knows; those of later ones count as they arrive
    """
    capped = np.minimum(wanted, naive)
    count, misses = len(known), int((errors[known] > capped[known]).sum())
    capped, plain, errors = capped.tolist(), wanted.tolist(), errors.tolist()
    for origin in range(stop, len(plain)):
        arrived = origin - step
        if origin > stop and arrived >= start and isfinite(errors[arrived]):
            count += 1
            misses += errors[arrived] > capped[arrived]
        if misses > (1 - level + _LAG) * count:
            capped[origin] = plain[origin]
    return np.array([*plain[:stop], *capped[stop:]])


def _logarithm(prices):
    """Natural logarithms; values that are not positive (bad predictions) count as the smallest positive number."""
    return np.log(np.maximum(prices, np.finfo(np.float64).tiny))


def _fitted_sizes(volatility, unit):
    """(n,) the volatility that is expected at each origin."""
    if volatility is None:
        raise ValueError("scale='fitted' needs a volatility. Received: volatility=None.")
    return np.maximum(np.asarray(volatility, dtype=np.float64) / unit, np.sqrt(np.finfo(np.float64).tiny))


def correction_speeds(count, level, gamma=GAMMA) -> np.ndarray:
    """(count,) how fast the quantile of a level follows each outcome, for scores by a fitted volatility.

    A little is enough, in proportion to the misses that the level promises: in the tail, a small change of the level adds a
    lot of width. It begins faster, to find the right level soon.
    """
    steady = _STEADY * gamma * (1 - level) / (1 - LEVELS[0])
    return steady * (1 + _EAGER * _SETTLES / (_SETTLES + np.arange(count)))


def _alike(scores, naive, own):
    """The latest of the naive forecast's `scores`, brought to the size of the forecast's own.

    naive, own: the scores of both on the same origins, which tell the ratio of their sizes
    """
    ratio = 1.0
    if len(own) >= MIN_SCORES and np.median(naive) > 0 and np.median(own) > 0:
        ratio = np.median(own) / np.median(naive)
    return _last(scores, LONG_ROLLING) * ratio


def _last(values, count):
    """The last `count` of them; all if there are fewer, none if `count` is not positive."""
    return values[max(0, len(values) - count) :] if count > 0 else values[:0]


def _sizes(name, errors, moves, known, stop, step):
    """(n,) the volatility of the series, or of the forecast's errors, from what is known at each origin."""
    if name == "moves":
        seen, usual = moves, moves[1 : stop + 1]
    elif name == "errors":
        # The error of origin j arrives at origin j + step.
        seen = np.concatenate([np.full(min(step, len(errors)), np.nan), errors[:-step]])
        usual = errors[known]
    else:
        raise ValueError(f"scale must be 'auto' or one of {', '.join(SCALES)}. Received: scale={name!r}.")
    usual = float(np.mean(usual**2)) if len(usual) else 0.0
    # The recursion starts at the usual square and skips gaps.
    squares = pd.Series(np.concatenate([[usual], seen**2])).ewm(alpha=1 - DECAY, adjust=False, ignore_na=True).mean()
    least = _LEAST_SCALE * np.sqrt(usual) or np.sqrt(np.finfo(np.float64).tiny)
    return np.maximum(np.sqrt(squares.to_numpy()[1:]), least) ** (_POWER * step**-_POWER_FALL)


def _largest_known(errors, stop, step):
    """(n,) the largest error known at each origin, and before `stop` the largest known there.

    No interval needs to be wider: a scale that jumped after one extreme day, times a quantile from calmer days, would
    reach prices a hundred times today's.
    """
    arrived = np.concatenate([np.zeros(min(step, len(errors))), np.nan_to_num(errors[:-step])])
    largest = np.maximum.accumulate(arrived)
    largest[:stop] = largest[min(stop, len(errors) - 1)]
    return largest


def _penalty(quantiles, errors, sizes):
    """Mean interval score of {level: quantile} on the calibration errors, summed over levels. 0 without errors."""
    if not len(errors):
        return 0.0
    total = 0.0
    for level, quantile in quantiles.items():
        half = quantile * sizes
        total += float(np.mean(2 * half + 2 / (1 - level) * np.maximum(errors - half, 0)))
    return total


def _quantile(ordered, level):
    """The conformal quantile of ascending scores: the smallest that a new score stays below with probability `level`.

    With m scores this is possible up to level m / (m + 1). Beyond that the theory gives infinity; here the largest score is
    extended like a normal tail.
    """
    count = len(ordered)
    level = min(level, _LARGEST_LEVEL)
    rank = ceil((count + 1) * level - 1e-9)  # 0.8 * 5 is a little above 4 in binary
    if rank <= count:
        return ordered[max(rank, 1) - 1]
    normal = NormalDist()
    reached = count / (count + 1)
    return ordered[-1] * normal.inv_cdf((1 + level) / 2) / normal.inv_cdf((1 + reached) / 2)


def track_quantiles(scores, filler, calibration, start, stop, step, speeds, rolling):
    """{level: (n - stop,)} quantile for each origin from `stop` on, from the scores known there.

    filler, calibration: the scores known at `stop`; as more arrive, the filler is dropped first, then the oldest
    speeds: {level: (n - stop,) of the correction}; rolling: how many scores a quantile looks back on
    """
    recent = deque(np.concatenate([filler, calibration])[-rolling:].tolist())
    ordered = sorted(recent)
    spare = max(0, len(filler) - max(0, len(filler) + len(calibration) - rolling))
    scores = scores.tolist()
    used: dict[float, list[float]] = {level: [] for level in speeds}
    misses = {level: 1 - level for level in speeds}  # the share of misses aimed at, which the correction moves
    for origin in range(stop, len(scores)):
        arrived = origin - step
        if origin > stop and arrived >= start and isfinite(scores[arrived]):
            score = scores[arrived]
            insort(ordered, score)
            recent.append(score)
            if spare or len(recent) > rolling:
                spare = max(0, spare - 1)
                del ordered[bisect_left(ordered, recent.popleft())]
            if arrived >= stop:
                for level, speed in speeds.items():
                    misses[level] += speed[arrived - stop] * ((1 - level) - (score > used[level][arrived - stop]))
        for level in speeds:
            used[level].append(_quantile(ordered, 1 - misses[level]))
    return {level: np.array(quantiles) for level, quantiles in used.items()}
