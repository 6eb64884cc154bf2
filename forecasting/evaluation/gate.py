"""The evidence gate: how much of a network's move a forecast keeps, judged by every error known by then.

It is a Bayesian average over shares of the network's move. The naive forecast (share 0) starts with most of the weight,
and each new error moves weight to the shares that explain it better. What an origin keeps depends only on the errors known
there, so the weighing starts with validation and continues through the test part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.equal import equal_fields
from forecasting.evaluation.metrics import SMALLEST_MOVE
from forecasting.words import count, count_of, odds, share

__all__ = ["PROVEN", "SHARES", "Evidence", "Gate", "apply_gate", "doubt", "weigh"]

SHARES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
PROVEN = 20.0       # to 1: a network that knows nothing reaches these odds at most once in twenty times
DOUBT = 0.9         # weight of the naive forecast before anything is known, one step ahead
_DOUBT_GROWTH = 0.7  # ... and closer to one at later steps
# The share of a later step's weight that depends on its own errors alone; the rest may come from the first step.
OWN = 0.1
FREEDOM = 5         # degrees of freedom of Student's t, so that one crash does not refute a network
DECAY = 0.03        # of the exponentially weighted scale, one step ahead
_LARGEST = 1e150    # its square is still finite
_LEAST_SCALE = 1e-6  # of the usual mean square, so that the first move after a flat stretch is no extreme outlier


@dataclass(frozen=True)
class Gate:
    """What one origin knows about the network, and how much of its moves the forecast from there keeps.

    passed: the evidence over all steps is `PROVEN` to 1 or more
    shrinkage: one share in [0, 1] for each step: the guarded forecast is last + share * (predicted - last)
    log_evidence: for each step the natural logarithm of the evidence for the network, an e-value (see `weigh`)
    origins: how many forecasts one step ahead were judged
    """

    passed: bool
    shrinkage: tuple[float, ...]
    log_evidence: tuple[float, ...]
    origins: int

    def evidence(self, steps: int | None = None) -> float:
        """The natural logarithm of the evidence over the first `steps` steps (None: all); the mean of e-values is one too."""
        known = np.array(self.log_evidence[:steps])
        return float(np.logaddexp.reduce(known) - math.log(len(known)))

    def words(self, steps: int | None = None, who: str = "network") -> str:
        """The evidence for the first `steps` steps, and how much of them is kept, in a sentence or two. who: was judged"""
        kept = self.shrinkage[:steps]
        if not self.origins:
            return "No forecast could be judged yet: the guarded forecast is the naive one."
        if not any(self.log_evidence):
            return f"The {who}'s forecast is the naive one: there is nothing to weigh."
        evidence = self.evidence(steps)
        over = f"over {count_of(self.origins, 'forecast')}"
        if evidence >= math.log(PROVEN):
            text = f"The evidence for the {who} is {odds(evidence)} {over}"
        elif evidence > 0:
            text = f"The evidence for the {who} is {odds(evidence)} {over}, short of the {count(PROVEN)} to 1 that prove it"
        else:
            text = f"The evidence is {odds(-evidence)} against the {who} {over}"
        first, last = _kept_words(kept[0]), _kept_words(kept[-1])
        if len(kept) == 1:
            return f"{text}; the guarded forecast keeps {first} of its move."
        best = int(np.argmax(kept))
        if first == last and _kept_words(kept[best]) != first and kept[best] > max(kept[0], kept[-1]):
            # What is proven of a step in between would read as a contradiction.
            return (f"{text}; the guarded forecast keeps {first} of its move at the first and the last step, and most, "
                    f"{_kept_words(kept[best])}, at step {best + 1}.")
        if first == last:
            return f"{text}; the guarded forecast keeps {first} of its moves."
        return f"{text}; the guarded forecast keeps {first} of its move at the first step and {last} at step {len(kept)}."

    @property
    def reason(self) -> str:
        return self.words()


def _kept_words(kept: float) -> str:
    """A share that is kept; one that is not zero does not read as if it were."""
    return "less than 1 %" if 0 < kept < 0.005 else share(kept, digits=0)


@dataclass(frozen=True, eq=False)
class Evidence:
    """How the evidence grew from origin to origin.

    shares: (m, horizon) of the network's move that a forecast from each origin keeps
    log_evidence: (m, horizon) natural logarithm of the e-value for the network, 0 where nothing is known
    judged: (m,) how many forecasts one step ahead were known at each origin
    """

    shares: np.ndarray
    log_evidence: np.ndarray
    judged: np.ndarray

    __eq__ = equal_fields

    def gate(self, at: int = -1) -> Gate:
        """What was known at origin number `at`."""
        gate = Gate(False, tuple(self.shares[at].tolist()), tuple(self.log_evidence[at].tolist()), int(self.judged[at]))
        return Gate(gate.evidence() >= math.log(PROVEN), gate.shrinkage, gate.log_evidence, gate.origins)


def doubt(step: int) -> float:
    """The weight of the naive forecast at this step, from 1, before anything is known."""
    return 1 - (1 - DOUBT) / step**_DOUBT_GROWTH


def weigh(actual, predicted, last, usual, positive: bool = False) -> Evidence:
    """The Bayes average over `SHARES` of the network's moves, from origin to origin.

    actual, predicted: (m, horizon), a row for each of m consecutive origins; `actual` is NaN where it is not known
    last: (m,) the price at each origin
    usual: (horizon,) mean square of the moves over each number of steps, from prices before the first origin
    positive: measure moves relative to the last price, so that years of high prices do not outweigh others; `usual` then
        refers to relative moves too

    An error of step h from origin j is known at origin j + h. Its likelihood under a share is Student's t around
    the share of the network's move, its scale an exponentially weighted mean of the squared moves known at j; it counts
    1 / h, since h neighbouring errors overlap. The evidence is the ratio of the likelihoods, averaged over the shares
    above 0, to that of the naive forecast: where naive is right, its expectation is 1 at most (a geometric mean of e-values
    over the h sets of forecasts that do not overlap is one itself), so it exceeds K once in K times at most. And in
    the logarithm of the likelihood the average loses no more than -log `doubt` to the naive forecast.

    Far steps have few forecasts that do not overlap, so they borrow from the first step: its errors and a later step's own
    count half each, and with the weight `1 - OWN` before anything is known, the share that is right at a later step is
    the one that is right at the first. The weight left over lets a step's own errors overrule that.

    Sources: Bayesian model averaging of forecasts, e.g. Raftery and others (1997); tempered likelihoods, Grünwald and van
    Ommen (2017), "Inconsistency of Bayesian inference for misspecified linear models, and a proposal for repairing it";
    e-values, Vovk and Wang (2021), "E-values: calibration, combination and applications"; betting against overlapping
    forecasts, Henzi and Ziegel (2022), "Valid sequential inference on probability forecast performance".
    """
    actual, predicted = np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    last, usual = np.asarray(last, dtype=np.float64), np.asarray(usual, dtype=np.float64)
    if (actual.ndim != 2 or actual.shape != predicted.shape or last.shape != actual.shape[:1]
            or usual.shape != actual.shape[1:]):
        raise ValueError("actual and predicted must be (m, horizon), last (m,) and usual (horizon,). Received: "
                         f"{actual.shape}, {predicted.shape}, {last.shape} and {usual.shape}.")
    m, horizon = actual.shape
    unit = np.abs(last)[:, None] if positive else np.ones((m, 1))
    unit = np.where(unit > 0, unit, np.nan)
    moved, called = (actual - last[:, None]) / unit, (predicted - last[:, None]) / unit
    called[np.abs(called) <= SMALLEST_MOVE * np.abs(last[:, None] / unit)] = 0.0
    usual = np.maximum(usual, max(_LEAST_SCALE * usual.max(initial=0.0), np.finfo(np.float64).tiny**0.5))
    shares, evidence = np.empty((m, horizon)), np.empty((m, horizon))
    first = None
    for step in range(1, horizon + 1):
        own = _log_likelihoods(moved[:, step - 1], called[:, step - 1], usual[step - 1], step)  # (m, len(SHARES))
        prior = _prior(step)
        if first is None:
            first = own
            weights, ratio = _normalised(np.log(prior) + own), own
        else:
            borrowed = (1 - OWN) * _normalised(np.log(prior) + first / 2) + OWN * prior
            weights, ratio = _normalised(np.log(borrowed) + own / 2), (first + own) / 2
        shares[:, step - 1] = weights @ SHARES
        evidence[:, step - 1] = np.logaddexp.reduce(ratio[:, 1:], axis=1) - math.log(len(SHARES) - 1)
    known = np.isfinite(moved[:, 0]) & np.isfinite(called[:, 0])
    return Evidence(shares, evidence, np.concatenate([[0], np.cumsum(known)[:-1]]))


def _prior(step):
    """(len(SHARES),) weights before anything is known."""
    naive = doubt(step)
    return np.array([naive, *[(1 - naive) / (len(SHARES) - 1)] * (len(SHARES) - 1)])


def _normalised(logarithms):
    """(m, shares) logarithms as weights that sum to one in each row."""
    weights = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _log_likelihoods(moved, called, usual, step):
    """(m, len(SHARES)): the log-likelihood of each share by the errors known at each origin, relative to share 0.

    moved, called: (m,) the actual and the predicted moves over `step` rows; usual: their mean square before
    """
    # At origin t the errors of origins up to t - step are known.
    known_until = np.maximum(np.arange(len(moved)) - step + 1, 0)
    squares = pd.Series(np.concatenate([[usual], moved**2]))
    scales = squares.ewm(alpha=DECAY / step, adjust=False, ignore_na=True).mean().to_numpy()[known_until]
    scales = np.maximum(scales, _LEAST_SCALE * usual) * (FREEDOM - 2)  # of t: its variance is scale^2 nu / (nu - 2)
    errors = np.clip(moved[:, None] - called[:, None] * SHARES, -_LARGEST, _LARGEST)
    says = -(FREEDOM + 1) / (2 * step) * np.log1p(errors**2 / scales[:, None])
    says = np.where(np.isfinite(says).all(axis=1, keepdims=True), says - says[:, :1], 0.0)
    return np.concatenate([np.zeros((1, len(SHARES))), np.cumsum(says, axis=0)])[known_until]


def apply_gate(predicted, last, shares) -> np.ndarray:
    """The guarded forecast: `last` where the share is 0, `predicted` where it is 1, and between them otherwise.

    predicted: (..., steps), e.g. (n, horizon) or (steps,) for one origin; last: (...,) the price at each origin
    shares: (..., horizon) or (horizon,), as `Gate.shrinkage` or `Evidence.shares`; beyond it the last share holds
    """
    predicted, last, shares = (np.asarray(values, dtype=np.float64) for values in (predicted, last, shares))
    if predicted.shape[:-1] != last.shape:
        raise ValueError("predicted must be (..., steps) and last (...,). "
                         f"Received: {predicted.shape} and {last.shape}.")
    steps = np.minimum(np.arange(predicted.shape[-1]), shares.shape[-1] - 1)
    return last[..., None] + shares[..., steps] * (predicted - last[..., None])
