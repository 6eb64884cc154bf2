"""The answer in plain words: does the model know more than the naive forecast?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecasting import words
from forecasting.data.frequency import IRREGULAR, Frequency
from forecasting.evaluation.gate import PROVEN, Gate

__all__ = ["LEAKS", "Verdict", "direction_words", "gate_words", "intervals_words", "leak_words", "verdict"]

# The level at which a Diebold-Mariano test must confirm a difference.
SIGNIFICANT = 0.05

LEAKS = {
    "scaler": "the scaler was fitted on all prices, the test part included",
    "validation": "the test part decided when training ended",
    "shuffle": "the windows were shuffled before the split, so that training saw neighbours of every test window",
    "centred_average": "an input is a moving average that reaches into the prices to be predicted",
}


@dataclass(frozen=True)
class Verdict:
    """outcome: 'better', 'unproven' (no better than naive beyond doubt), 'worse', 'undefined' or 'invalid' (a leak)
    headline: the outcome in a few words
    sentence: the outcome with its numbers
    """

    outcome: str
    headline: str
    sentence: str

    @property
    def proven(self) -> bool:
        """Whether the forecast is proven better than naive."""
        return self.outcome == "better"


HEADLINES = {
    "better": "Better than naive",
    "unproven": "No better than naive",
    "worse": "Worse than naive",
    "undefined": "Nothing to compare with",
    "invalid": "Invalid: it has seen the future",
}


def verdict(rmse: float, naive_rmse: float, skill: float | None, interval=None, p_value: float | None = None, *,
            frequency: Frequency = IRREGULAR, currency: str | None = None, part: str = "test",
            leak: str | None = None) -> Verdict:
    """Judge a run by its scores on one part, in the units of the prices.

    skill: 1 - rmse / naive_rmse, None where the naive forecast makes no error
    interval: (low, high), the 95 % interval of the skill, or None where it could not be made
    p_value: of a two-sided Diebold-Mariano test against the naive forecast, or None
    frequency: of the series; it says what the naive forecast repeats, and what a step is called
    leak: the classic mistake that the run made on purpose, or None

    The verdict is better, or worse, only if the whole interval lies on that side of 0 and the test agrees: one per cent
    by luck is not a win.
    """
    numbers = _numbers(rmse, naive_rmse, frequency, currency, part)
    if leak:
        skill_words = "" if skill is None else f" The skill of {words.share(skill, digits=1)} is not real."
        return _make("invalid", f"{leak_words(leak)}{skill_words} {numbers}.")
    if skill is None or not np.isfinite(skill):
        return _make("undefined", f"{numbers}: the price never moved, so there is no error to be better than.")
    low, high = interval if interval is not None else (None, None)
    shown = f"skill {words.share(skill, digits=1)}"
    if low is None or high is None or not np.isfinite([low, high]).all():
        few = f"too few {words.unit(frequency)}s to tell whether that is better than naive"
        return _make("unproven", f"{numbers}: {few} ({shown}).")
    # A skill and an interval that round to the same digits would read as a contradiction.
    digits = 1 if max(abs(low), abs(high)) >= 0.001 else 2
    shown = (f"skill {words.share(skill, digits=digits)}, 95 % interval {words.share(low, digits=digits)} to "
             f"{words.share(high, digits=digits)}")
    agrees = p_value is not None and p_value < SIGNIFICANT
    if low <= 0 <= high:
        return _make("unproven", f"{numbers}: no better than naive ({shown}).")
    side = "better" if low > 0 else "worse"
    if agrees:
        return _make(side, f"{numbers}: {side} than naive ({shown}; Diebold-Mariano test {words.p_value(p_value)}).")
    doubt = "was not possible" if p_value is None else f"does not confirm it ({words.p_value(p_value)})"
    return _make("unproven", f"{numbers}: perhaps {side} than naive ({shown}), but a Diebold-Mariano test {doubt}.")


def _make(outcome, sentence):
    return Verdict(outcome, HEADLINES[outcome], sentence)


def _numbers(rmse, naive_rmse, frequency, currency, part):
    # The same decimals for both, enough for the larger. The two may then look equal although they differ.
    digits = words.decimals(naive_rmse or rmse)
    unit = words.currency_word(currency)
    ours = f"{words.number(rmse, digits)} {unit}".rstrip()
    naive = words.naive_phrase(frequency)
    return f"{part.capitalize()} RMSE {ours}, repeating {naive} {words.number(naive_rmse, digits)}"


def leak_words(leak: str) -> str:
    """What the leak lab did to a run, in one sentence."""
    return f"This run is invalid on purpose: {LEAKS[leak]}."


def gate_words(gate: Gate, best_epoch: int | None = None, judged: Verdict | None = None, *,
               epochs: int | None = None, steps: int | None = None) -> str:
    """What is known of the network, and what the guarded forecast therefore does.

    best_epoch: 0 if the untrained network was kept, which is then mentioned; None for a forecaster without epochs
    epochs: how many were run, the rows of the curve; with 0, nothing is said about an untrained network
    judged: the verdict on the test part; a disagreement with the gate is mentioned
    steps: the number of steps to describe; None for the whole horizon
    """
    text = gate.words(steps)
    if epochs == 0 and best_epoch is not None:
        text += " The training was stopped before an epoch ended."
    elif best_epoch == 0:
        text += (" No epoch was clearly better than the untrained network, so these moves are those of the frozen linear part "
                 "alone."
                 if any(gate.log_evidence) else
                 " No epoch was clearly better than the untrained network: training had nothing to add.")
    proven = gate.evidence(steps) >= math.log(PROVEN)
    if judged is not None and proven and judged.outcome in ("unproven", "worse"):
        text += " The test part alone does not prove it one step ahead."
    if judged is not None and not proven and judged.proven:
        text += " The test part alone proves it one step ahead; validation and later steps do not bear that out."
    return text


def intervals_words(coverage_80: float | None, coverage_95: float | None, rows: int) -> str:
    """Whether the intervals of a part kept what they promise, in words. Coverages are shares of its `rows` days."""
    if coverage_80 is None or coverage_95 is None:
        return "The intervals could not be checked."
    misses = (coverage_80 - 0.80, coverage_95 - 0.95)
    # Three points, or two standard errors if there are few days.
    allowed = max(0.03, 2 * np.sqrt(0.8 * 0.2 / max(rows, 1)))
    if max(map(abs, misses)) <= allowed:
        judgement = "the intervals hold" if allowed == 0.03 else (
            f"as far as {words.count_of(rows, 'price')} can tell, which leaves {words.share(allowed, digits=0)} either way, "
            "the intervals hold")
    elif min(misses) < -allowed:
        judgement = "fewer than promised, the intervals are too narrow"
    else:
        judgement = "more than promised, the intervals are wider than they need to be"
    return (f"{words.share(coverage_80, digits=1)} of the prices lie within the 80 % interval and "
            f"{words.share(coverage_95, digits=1)} within the 95 % one: {judgement}.")


def direction_words(scores: dict, unit: str = "day") -> str:
    """Whether the called directions are better than always calling the same one; '' where that is not known.

    scores: as from `metrics.scores`; unit: what a step of the series is called
    """
    accuracy, base, calls = (scores.get(f"directional_{name}") for name in ("accuracy", "base", "calls"))
    if accuracy is None or base is None:
        return ""
    frequent, p = "up" if scores["directional_up"] >= 0.5 else "down", scores.get("directional_p")
    always = f"always calling {frequent}"
    text = f"Right direction on {words.share(accuracy)} of {words.count_of(int(calls or 0), unit)} with a call: "
    if p is None:
        return f"{text}the same as {always}, since that is what the forecast does."
    side = "no better than" if p >= SIGNIFICANT else "better than" if accuracy > base else "worse than"
    return f"{text}{side} {always}, {words.share(base)} (exact McNemar test, {words.p_value(p)})."
