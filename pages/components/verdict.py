"""The verdict on a run: the answer in words, its numbers, and why scores are undefined."""

from __future__ import annotations

import streamlit as st

from forecasting.evaluation.learning import predicted_words
from forecasting.evaluation.scores import SCORES, always_words, labels
from forecasting.evaluation.verdict import direction_words, gate_words
from forecasting.words import count_of, number, p_value, price, share, unit
from pages.components.mend import draw_mend
from pages.components.store import load_cause, load_result, load_verdict
from pages.components.text import plain

__all__ = ["draw_answer", "draw_reasons", "draw_verdict"]

# Each has its own icon and headline, so that they can be told apart without colour.
SHOWN = {"better": (st.success, ":material/check_circle:"), "worse": (st.warning, ":material/trending_down:"),
         "invalid": (st.error, ":material/block:")}
DIEBOLD_MARIANO = ("It asks whether the two forecasts' squared errors differ by more than luck. p is how often a difference of "
                   "this size would come up between two forecasts that are equally good; below 0.05 it counts as one. The "
                   "statistic is negative where the network errs less.")

EVIDENCE_GATE = ("After each price that becomes known, the network's forecast of it is weighed against the naive one. Odds of "
                 "20 to 1 for a network that knows nothing come up once in twenty times at most. The forecast on the Forecast "
                 "page keeps as much of the network's move as the evidence carries; the tab Evidence shows how it grew.")


def draw_answer(run):
    """The answer in words, the same on every page: the verdict and, if it is bad, its proven cause and how to fix it."""
    judged, beside = load_verdict(run.id)
    show, icon = SHOWN.get(judged.outcome, (st.info, ":material/balance:"))
    cause = load_cause(run.id)
    why = f"  \n**Why:** {plain(cause.sentence)}" if cause else ""
    show(f"**{judged.headline}.** {plain(judged.sentence)}{why}", icon=icon)
    if cause:
        draw_mend(run, cause)
    if said := predicted_words(load_result(run.id)):
        st.info(said, icon=":material/stop_circle:")
    if beside.statistic is not None:
        days = count_of(beside.days, unit(load_result(run.id).history.frequency))
        st.caption(f"Diebold-Mariano test with small-sample correction: {number(beside.statistic)} "
                   f"({p_value(beside.p_value)}) over {days}.", help=DIEBOLD_MARIANO)


def draw_verdict(run, result):
    """The answer in words, its numbers, and what the evidence gate says."""
    draw_answer(run)
    judged, _ = load_verdict(run.id)
    test, currency = result.metrics["test"], result.history.currency
    rmse, skill, direction, inside = st.columns(4)
    rmse.metric("RMSE", price(test["rmse"], currency), f"naive {price(test['naive_rmse'], currency)}", delta_color="off",
                delta_arrow="off", help=SCORES["rmse"].help)
    skill.metric("Skill", share(test["skill"], signed=True, digits=1), "0 is naive", delta_color="off", delta_arrow="off",
                 help=SCORES["skill"].help)
    one = unit(result.history.frequency)
    direction.metric("Right direction", share(test["directional_accuracy"]), f"always {always_words(test)}",
                     delta_color="off", delta_arrow="off",
                     help=f"{SCORES['directional_accuracy'].help} {SCORES['directional_base'].help}")
    inside.metric("In the 95 % interval", share(test["coverage_95"]), "promised 95 %", delta_color="off",
                  delta_arrow="off", help="The share of test prices within their 95 % interval.")
    if called := direction_words(test, one):
        st.caption(called)
    draw_reasons({"Test part": result.reasons["test"]}, shown=("rmse", "skill", "directional_accuracy", "coverage_95"))
    st.markdown(f"**Evidence gate.** {plain(gate_words(result.gate, result.best_epoch, judged, epochs=len(result.curve)))}",
                help=EVIDENCE_GATE)


def draw_reasons(reasons: dict, shown=None):
    """Why scores are undefined, a line each. reasons: {whose: {score: why}}; shown: only these scores; None for all"""
    for whose, scores in reasons.items():
        why: dict[str, list[str]] = {}
        for name, reason in scores.items():
            if shown is None or name in shown:
                why.setdefault(reason, []).append(labels([name])[name])
        for reason, names in why.items():
            st.caption(plain(f"{whose}: {', '.join(names)} undefined, because {reason}."))
