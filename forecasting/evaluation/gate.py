"""The evidence gate: how far a forecast may depart from the naive one, judged on validation alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.evaluation.comparison import fixed_b_quantile
from forecasting.evaluation.metrics import SMALLEST_MOVE
from forecasting.words import share

__all__ = ["MIN_HORIZONS", "MIN_ORIGINS", "MIN_T", "Gate", "apply_gate", "evidence_gate"]

MIN_T = 2.0
MIN_ORIGINS = 20
# Origins for each step of the horizon: five forecasts that do not overlap. On random walks with a forecast that keeps
# calling the same direction, which is the hardest to tell from luck, 5 % passed at five horizons, 4 % at ten and 3 % at
# forty; with one that changes its mind 3, 3 and 2 %. Lags of one horizon and t > 2 had let 10, 7 and 4 % through.
MIN_HORIZONS = 5
_MAX_T = 1e6


@dataclass(frozen=True)
class Gate:
    """Whether validation proves a forecast better than naive, and how much of its moves to keep.

    passed: the gain is proven: `t` above what so many origins ask for, `MIN_T` at least, on at least `MIN_ORIGINS`
        origins and `MIN_HORIZONS` horizons of them
    t: Newey-West t of the mean squared-error gain pooled over the horizon; None where it is undefined
    shrinkage: one share in [0, 1] for each step: the guarded forecast is last + share * (predicted - last); 0 for a
        step whose own gain is not proven
    origins: how many validation origins were judged
    gain: the share of naive's squared error that the forecast removes on validation, pooled over the horizon, or None
    reason: the judgement, one sentence
    """

    passed: bool
    t: float | None
    shrinkage: tuple[float, ...]
    origins: int
    gain: float | None
    reason: str

    def to_dict(self) -> dict:
        """The gate as JSON-able values; `from_dict` is its inverse."""
        return {"passed": self.passed, "t": self.t, "shrinkage": list(self.shrinkage), "origins": self.origins,
                "gain": self.gain, "reason": self.reason}

    @classmethod
    def from_dict(cls, values: dict) -> Gate:
        return cls(**{**values, "shrinkage": tuple(values["shrinkage"])})


def evidence_gate(actual, predicted, last, positive: bool = False) -> Gate:
    """Judge predictions of validation origins against the naive forecast.

    actual, predicted: (n, horizon), a row for each origin in time order; `actual` is NaN where a target lies outside
        validation
    last: (n,) the price at each origin
    positive: measure moves relative to the last price, so that dear years do not outweigh cheap ones

    Each step's squared errors are divided by naive's mean square at that step, so that far steps, whose errors are
    larger, do not outweigh near ones; the gain of an origin is their sum over its known steps. The variance of the mean
    gain allows for the overlap of neighbouring origins' horizons, and the t that is asked for grows with the share of
    the origins that this takes.
    Source: Newey and West, "A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
    covariance matrix" (1987); the test is Diebold and Mariano's (1995) with the naive forecast as the rival.
    """
    actual, predicted = np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    last = np.asarray(last, dtype=np.float64)
    if actual.ndim != 2 or actual.shape != predicted.shape or last.shape != actual.shape[:1]:
        raise ValueError("actual and predicted must be (n, horizon) and last (n,). Received: "
                         f"{actual.shape}, {predicted.shape} and {last.shape}.")
    horizon = actual.shape[1]
    unit = last[:, None] if positive else 1.0
    moved, called = (actual - last[:, None]) / unit, (predicted - last[:, None]) / unit  # (n, horizon)
    called[np.abs(called) <= SMALLEST_MOVE * np.abs(last[:, None] / unit)] = 0.0
    known = np.isfinite(moved) & np.isfinite(called)
    used = known.any(axis=1)
    moved, called, known = moved[used], called[used], known[used]
    moved, called = np.where(known, moved, 0.0), np.where(known, called, 0.0)
    origins = len(moved)
    nothing = (0.0,) * horizon
    fewest = max(MIN_ORIGINS, MIN_HORIZONS * horizon)
    if origins < fewest:
        ahead = f" for {horizon} steps ahead" if fewest > MIN_ORIGINS else ""
        return Gate(False, None, nothing, origins, None,
                    f"Validation has {origins} forecasts to judge by, fewer than the {fewest} that it takes{ahead}: "
                    "the guarded forecast is the naive one.")
    naive_mse = _safe_divide((moved**2).sum(axis=0), known.sum(axis=0))  # (horizon,)
    counted = known & (naive_mse > 0)
    per_step = _safe_divide(moved**2 - (moved - called) ** 2, np.broadcast_to(naive_mse, moved.shape))
    gains = np.where(counted, per_step, 0.0).sum(axis=1)  # (origins,)
    if not counted.any():
        return Gate(False, None, nothing, origins, None,
                    "The price never moved in validation: the guarded forecast is the naive one.")
    gain = float(gains.sum() / counted.sum())
    t, needed = _newey_west_t(gains, horizon)
    if t is None:
        return Gate(False, None, nothing, origins, gain,
                    "On validation the forecast is the naive one: there is nothing to guard.")
    measured = (f"On validation the forecast {'removes' if gain > 0 else 'adds'} {share(abs(gain))} of naive's "
                f"squared error (t = {t:.2f}, more than {needed:.2f} needed)")
    if t <= needed:
        return Gate(False, t, nothing, origins, gain,
                    f"{measured}: not proven, so the guarded forecast is the naive one.")
    # All steps together may pass on a slow drift that says nothing of the next move: each step proves its own gain.
    proven = [_is_proven(per_step[counted[:, k], k], k + 1) for k in range(horizon)]
    if not any(proven):
        return Gate(False, t, nothing, origins, gain,
                    f"{measured}, but of no single step: the guarded forecast is the naive one.")
    kept = np.clip(_safe_divide((moved * called).sum(axis=0), (called**2).sum(axis=0)), 0.0, 1.0) * proven
    return Gate(True, t, tuple(kept.tolist()), origins, gain,
                f"{measured}: proven, so the guarded forecast keeps {share(kept[0], digits=0)} of its next move.")


def apply_gate(predicted, last, gate: Gate) -> np.ndarray:
    """The guarded forecast: `last` where the gate is shut, between `last` and `predicted` where it is open.

    predicted: (..., steps), e.g. (n, horizon) or (steps,) for one origin; last: (...,) the price at each origin
    Beyond the gate's horizon its last share holds.
    """
    predicted, last = np.asarray(predicted, dtype=np.float64), np.asarray(last, dtype=np.float64)
    if predicted.shape[:-1] != last.shape:
        raise ValueError("predicted must be (..., steps) and last (...,). "
                         f"Received: {predicted.shape} and {last.shape}.")
    steps = np.minimum(np.arange(predicted.shape[-1]), len(gate.shrinkage) - 1)
    return last[..., None] + np.asarray(gate.shrinkage)[steps] * (predicted - last[..., None])


def _is_proven(gains, step):
    """Whether the gains (n,) of a single step have a mean above zero beyond doubt."""
    if len(gains) < MIN_HORIZONS * step:
        return False
    t, needed = _newey_west_t(gains, step)
    return t is not None and t > needed


def _newey_west_t(gains, steps):
    """(t of the mean of `gains` (n,) in time order, with Bartlett weights; the t that a proof needs).

    steps: that a forecast looks ahead. Neighbours that overlap so far are correlated, and Bartlett weights fade: twice
        as many lags are taken, more for long series by Newey and West's rule of thumb
    t is None where every gain is zero. A gain that hardly varies is bounded at t = one million, so that t stays a number
    that JSON can hold.
    """
    n = len(gains)
    mean = gains.mean()
    lags = min(max(2 * steps, int(4 * (n / 100) ** (2 / 9))), n - 1)
    needed = max(MIN_T, fixed_b_quantile((lags + 1) / n))
    if not gains.any():
        return None, needed
    centred = gains - mean
    variance = centred @ centred / n
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (centred[lag:] @ centred[:-lag]) / n
    error = np.sqrt(max(variance, 0.0) / n)
    return float(mean / max(error, abs(mean) / _MAX_T, np.finfo(float).tiny)), needed


def _safe_divide(above, below):
    """above / below, and 0 where below is 0."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=np.asarray(below) > 0)
