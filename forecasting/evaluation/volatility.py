"""How far a price may move, forecast from how far it has moved: a weighted sum of exponentially weighted means.

    scale^2 = sum of w_k * mean_k, w_k >= 0

The means are of squared moves with four memories, of squared moves after falls with two, of the squared range between the
day's high and low with three where these are known, and a constant. For each number of steps ahead, the weights and the
degrees of freedom of Student's t are those under which the moves of training and validation are most likely.

Sources: the sum, Corsi, "A simple approximate long-memory model of realized volatility" (2009), who adds means over a day, a
week and a month; falls apart, Glosten, Jagannathan and Runkle, "On the relation between the expected value and the
volatility of the nominal excess return on stocks" (1993); ranges, Parkinson, "The extreme value method for estimating the
variance of the rate of return" (1980); Student's t, Bollerslev, "A conditionally heteroskedastic time series model for
speculative prices and rates of return" (1987).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.model.listener import SILENT, Listener
from forecasting.model.split import Split
from forecasting.model.width import WidthData, fit_width, width_factors, width_inputs

__all__ = ["Student", "Volatility", "expect_moves", "exponential_means", "fit_student", "fit_volatility", "garch",
           "learn_width", "learnt_factors", "logarithmic_rows"]

DECAYS, FALLS, RANGES = (0.3, 0.1, 0.04, 0.01), (0.3, 0.06), (0.5, 0.15, 0.05)  # the weight of the newest row
FEWEST = 250  # moves to fit to; with fewer, one exponentially weighted mean is more reliable than ten weights
FITTED = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 60)  # steps; the weights of those between are interpolated
GARCH_DECAYS = (0.01, 0.02, 0.03, 0.045, 0.07, 0.1, 0.14, 0.2, 0.3)
_PRIOR = 0.3  # strength of the pull towards equal weights, in moves: it decides only where the data do not
_LEAST = 1e-4  # of the usual mean square, so that a flat stretch leaves a scale above zero
_LARGEST = 1e150  # its square is still finite


@dataclass(frozen=True)
class Volatility:
    """The scale of what may come, known at each row.

    scale: (n, horizon) of the move over 1 .. horizon rows; the move over it is Student's t
    freedom: (horizon,) degrees of freedom of that t
    """

    scale: np.ndarray
    freedom: np.ndarray


def fit_volatility(level, known: int, horizon: int, ranges=None) -> Volatility | None:
    """Fits the scale of moves over 1 .. horizon rows to the first `known` rows, and forecasts it from every row.

    level: (n,) prices on the scale that moves are measured on, usually logarithms
    ranges: (n,) distance between the day's high and low on that scale, NaN where it is not known, or None
    returns None where there are too few moves to fit to, or where the price does not move
    The scale at a row depends on the first `known` rows and on the rows up to it alone.
    """
    level = np.asarray(level, dtype=np.float64)
    moves = np.diff(level, prepend=np.nan)
    usual = float(np.sqrt(np.mean(moves[1:known] ** 2))) if known > 1 else 0.0
    if known - horizon < FEWEST or not 0 < usual < _LARGEST:
        return None
    columns = _columns(np.clip(moves / usual, -_LARGEST, _LARGEST), known, None if ranges is None else ranges / usual)
    fitted, start = {}, None
    for step in [step for step in FITTED if step < horizon] + [horizon]:
        ahead = (level[step:known] - level[: known - step]) / (usual * np.sqrt(step))
        fitted[step] = start = fit_student(columns[: len(ahead)], ahead**2, start)
    scales, freedoms = np.empty((len(level), horizon)), np.empty(horizon)
    steps = list(fitted)
    for step in range(1, horizon + 1):
        weights, freedoms[step - 1], _ = _between(fitted, steps, step)
        scales[:, step - 1] = usual * np.sqrt(step * np.maximum(columns @ weights, _LEAST))
    return Volatility(scales, freedoms)


def expect_moves(history: PriceHistory, parts: Split, horizon: int, positive: bool, factors=None) -> dict[bool, np.ndarray]:
    """{whether moves are of logarithms: (n, horizon)} how far the price is expected to move from each row, over each number of
    steps; fitted to training and validation. Left out where too little moves.

    factors: (n, horizon) what a width head multiplies it by, from `learnt_factors`, or None
    positive: the prices of training and validation are above zero
    """
    close, expected = history.close, {}
    for space in np.unique(logarithmic_rows(close, positive)).tolist():
        level, ranges = _level(history, space)
        fitted = fit_volatility(level, parts.validation_end, horizon, ranges)
        if fitted is not None:
            expected[space] = fitted.scale
            if factors is not None and space == positive:
                expected[space] = fitted.scale * factors
    return expected


def learnt_factors(width, history: PriceHistory, parts: Split, positive: bool) -> np.ndarray | None:
    """(n, horizon) what a width head says of each row, for `expect_moves`; None without a head. width: from `learn_width`"""
    if width is None:
        return None
    level, ranges = _level(history, positive)
    return width_factors(width, width_inputs(level, parts.train_end, ranges))


def learn_width(history: PriceHistory, parts: Split, horizon: int, positive: bool, seed: int, listener: Listener = SILENT):
    """A width head for `learnt_factors`, which learns from training and chooses by validation, or None (see `fit_width`)."""
    level, ranges = _level(history, positive)
    # Fitted to training alone, so that validation can tell whether the head adds to it.
    fitted = fit_volatility(level, parts.train_end, horizon, ranges)
    if fitted is None:
        return None
    moves = np.full((len(level), horizon), np.nan)
    for step in range(1, horizon + 1):
        moves[: max(0, len(level) - step), step - 1] = level[step:] - level[: max(0, len(level) - step)]
    data = WidthData(width_inputs(level, parts.train_end, ranges), fitted.scale, moves, fitted.freedom, parts.train_end,
                     parts.validation_end)
    return fit_width(data, seed, listener)


def _level(history: PriceHistory, space: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """((n,) prices on the scale that moves are measured on, (n,) ranges of the days on it, or None)."""
    close = history.close
    if not space:
        return close, None
    # A price that has no logarithm ends this space, so what stands in for it does not matter.
    return np.log(np.where(close > 0, close, 1.0)), _ranges(history)


def _ranges(history: PriceHistory) -> np.ndarray | None:
    """(n,) logarithm of the day's high over its low, NaN where it is not known; None without both columns."""
    if not {"High", "Low"} <= set(history.frame):
        return None
    high, low = (history.frame[name].to_numpy() for name in ("High", "Low"))
    known = (low > 0) & (high >= low)
    return np.where(known, np.log(np.where(known, high, 1.0) / np.where(known, low, 1.0)), np.nan)


def logarithmic_rows(last, positive) -> np.ndarray:
    """(n,) whether a row measures moves in logarithms: never again from the first price of zero or less on."""
    never = np.flatnonzero(last <= 0)[:1].tolist() if positive else [0]
    return np.arange(len(last)) < (never[0] if never else len(last))


def _between(fitted, steps, step):
    """The `Student` of a step, interpolated where it was not fitted."""
    above = next(one for one in steps if one >= step)
    if above == step:
        return fitted[step]
    below = max(one for one in steps if one < step)
    share = (step - below) / (above - below)
    return Student(*((1 - share) * a + share * b for a, b in zip(fitted[below], fitted[above], strict=True)))


def _columns(moves, known, ranges):
    """(n, columns) the means, all of about unit size."""
    squares = moves**2
    falls = np.where(moves < 0, squares, 0.0)
    falls[0] = np.nan  # the first move is not known
    columns = [exponential_means(squares, decay, 1.0) for decay in DECAYS]
    columns += [exponential_means(falls * 2, decay, 1.0) for decay in FALLS]
    if ranges is not None and (size := _mean_square(ranges[:known])) > 0:
        columns += [exponential_means(np.minimum(ranges**2 / size, _LARGEST), decay, 1.0) for decay in RANGES]
    return np.stack([*columns, np.ones(len(moves))], axis=1)


def _mean_square(values):
    """Of what is known; 0 where too little is."""
    values = values[np.isfinite(values)]
    return float(np.mean(values**2)) if len(values) >= FEWEST else 0.0


def exponential_means(values, decay, start) -> np.ndarray:
    """(n,) the exponentially weighted mean of `values` (n,) up to each row. It starts at `start` and skips NaN."""
    series = pd.Series(np.concatenate([[start], values]))
    return series.ewm(alpha=decay, adjust=False, ignore_na=True).mean().to_numpy()[1:]


class Student(NamedTuple):
    """Student's t with scale^2 = columns @ weights. weights: (k,); loss: the mean negative log-likelihood but for a constant"""

    weights: np.ndarray
    freedom: float
    loss: float


def fit_student(columns, squares, start: Student | None = None) -> Student:
    """The weights and degrees of freedom under which moves with these `squares` are most likely.

    columns: (n, k), none below 0; squares: (n,); start: what to begin with, a result for neighbouring squares
    Weights are exp(p), so that none falls below 0.
    """
    from scipy.optimize import minimize  # takes a while to load
    from scipy.special import digamma, gammaln

    count, k = columns.shape
    squares = np.clip(squares, 1e-12, 1e12)
    equal = np.log(np.full(k, 0.7 / k))

    def loss_and_gradient(parameters):
        p, freedom = parameters[:-1], 1 + np.exp(parameters[-1])
        weights = np.exp(p)
        scale = np.maximum(columns @ weights, 1e-12)
        spread = freedom * scale + squares
        half = (freedom + 1) / 2
        loss = (np.mean(0.5 * np.log(scale) + half * np.log1p(squares / (freedom * scale)))
                + gammaln(freedom / 2) - gammaln(half) + 0.5 * np.log(freedom))
        by_scale = 0.5 / scale * (1 - (freedom + 1) * squares / spread)
        by_freedom = (np.mean(0.5 * np.log1p(squares / (freedom * scale)) - half * squares / (freedom * spread))
                      + 0.5 * (digamma(freedom / 2) - digamma(half) + 1 / freedom))
        pull = _PRIOR / count
        gradient = columns.T @ by_scale / count * weights + 2 * pull * (p - equal)
        return loss + pull * ((p - equal) ** 2).sum(), np.append(gradient, by_freedom * (freedom - 1))

    first = np.append(equal, np.log(5.0))
    if start is not None:
        first = np.append(np.log(np.maximum(start.weights, 1e-4)), np.log(start.freedom - 1))
    found = minimize(loss_and_gradient, first, jac=True, method="L-BFGS-B", bounds=[(-14, 3)] * k + [(-2, 4)],
                     options={"maxiter": 150})
    return Student(np.exp(found.x[:-1]), float(1 + np.exp(found.x[-1])), float(found.fun))


def garch(moves, known: int) -> tuple[np.ndarray, float] | None:
    """(scale (n,) of the next move, degrees of freedom): GARCH(1,1) with Student's t, fitted to the first `known` rows.

    moves: (n,), the first unknown (NaN). None for too few moves, or for none.
    GARCH(1,1) is a constant and an exponentially weighted mean of the squares, whose decay is 1 - beta.
    Source: Bollerslev, "Generalized autoregressive conditional heteroskedasticity" (1986).
    """
    moves = np.asarray(moves, dtype=np.float64)
    usual = float(np.sqrt(np.mean(moves[1:known] ** 2))) if known > FEWEST else 0.0
    if not 0 < usual < _LARGEST:
        return None
    squares = np.minimum(moves / usual, _LARGEST) ** 2
    fits = []
    for decay in GARCH_DECAYS:
        columns = np.stack([exponential_means(squares, decay, 1.0), np.ones(len(moves))], axis=1)
        fits.append((fit_student(columns[: known - 1], squares[1:known]), columns))
    best, columns = min(fits, key=lambda fit: fit[0].loss)
    return usual * np.sqrt(np.maximum(columns @ best.weights, _LEAST)), best.freedom
