"""The verdict of the Evaluate page, and what stands behind it: baselines, steps ahead, intervals."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.evaluation.baselines import EXTRA
from forecasting.evaluation.comparison import skill_interval
from forecasting.evaluation.diagnostics import (
    error_by_horizon,
    farthest_step,
    interval_table,
    rolling_coverage,
)
from forecasting.evaluation.verdict import gate_words, intervals_words
from forecasting.plots import coverage_chart, horizon_chart, width_chart
from forecasting.words import UNKNOWN, count, count_of, number, p_value, percent, price, share, unit
from pages.components.diagnostics import draw
from pages.components.frame import is_dark
from pages.components.jobs import load_baselines, load_cause, load_result, load_verdict
from pages.components.mend import draw_mend
from pages.components.text import plain

__all__ = ["draw_answer", "draw_baselines", "draw_horizon", "draw_intervals", "draw_verdict"]

EXTRA_NAMES = {"exponential_smoothing": "Exponential smoothing", "arima": "ARIMA"}
# Each has an icon and a headline of its own: told apart without colour too.
SHOWN = {"better": (st.success, ":material/check_circle:"), "worse": (st.warning, ":material/trending_down:"),
         "invalid": (st.error, ":material/block:")}
DIEBOLD_MARIANO = ("It asks whether the two forecasts' squared errors differ by more than luck. p is how often a difference of "
                   "this size would come up between two forecasts that are equally good; below 0.05 it counts as one. The "
                   "statistic is negative where the network errs less.")


def draw_answer(run):
    """The answer in words, alike on every page: the verdict, and where it is bad the cause that is proven and its mend."""
    judged, beside = load_verdict(run.id)
    show, icon = SHOWN.get(judged.outcome, (st.info, ":material/balance:"))
    cause = load_cause(run.id)
    why = f"  \n**Why:** {plain(cause.sentence)}" if cause else ""
    show(f"**{judged.headline}.** {plain(judged.sentence)}{why}", icon=icon)
    if cause:
        draw_mend(run, cause)
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
                delta_arrow="off")
    skill.metric("Skill", share(test["skill"], signed=True, digits=1), "0 is naive", delta_color="off", delta_arrow="off",
                 help="1 - RMSE / naive RMSE on the test part.")
    one = unit(result.history.frequency)
    direction.metric("Right direction", share(test["directional_accuracy"]), "a coin gives 50 %",
                     delta_color="off", delta_arrow="off",
                     help=f"The share of {one}s of the test part in which the price moved the way that was predicted.")
    inside.metric("In the 95 % interval", share(test["coverage_95"]), "promised 95 %", delta_color="off",
                  delta_arrow="off", help="The share of test prices within their 95 % interval.")
    draw_reasons({"Test part": result.reasons["test"]}, shown=("rmse", "skill", "directional_accuracy", "coverage_95"))
    st.markdown(f"**Evidence gate.** {plain(gate_words(result.gate, result.best_epoch, judged, epochs=len(result.curve)))}")


def draw_reasons(reasons: dict, shown=None):
    """Why scores are undefined, a line each. reasons: {whose: {score: why}}; shown: the scores that stand on the page"""
    for whose, scores in reasons.items():
        why: dict[str, list[str]] = {}
        for name, reason in scores.items():
            if shown is None or name in shown:
                why.setdefault(reason, []).append(name.replace("_", " "))
        for reason, names in why.items():
            st.caption(plain(f"{whose}: {', '.join(names)} undefined, because {reason}."))


def draw_baselines(run, result):
    """The run and every simple forecast on the same days, sorted by RMSE."""
    if result.invalid:
        st.error(f"{plain(result.invalid)} It is not ranked among honest forecasts.", icon=":material/block:")
        return
    extra = st.multiselect("Ask also", EXTRA, key="evaluate_extra", placeholder="Slower ones: exponential smoothing, ARIMA",
                           format_func=EXTRA_NAMES.get, help="Fitted once on the days before the test part; each may take "
                                                             "up to a minute.")
    with st.spinner("Fitting the baselines …"):
        table, reasons = load_baselines(run.id, tuple(extra))
    st.dataframe(_readable(table, result.history.currency), height="content")
    with st.expander("How each of them predicts"):
        st.markdown("\n".join(f"- **{plain(name)}** {plain(about)}" for name, about in table["about"].items()))
    draw_reasons(reasons, shown=("rmse", "mae", "mape", "smape", "mase", "skill", "directional_accuracy"))


def _readable(table: pd.DataFrame, currency) -> pd.DataFrame:
    forms = {"rmse": ("RMSE", lambda v: price(v, currency)), "mae": ("MAE", lambda v: price(v, currency)),
             "mape": ("MAPE", percent), "smape": ("sMAPE", percent), "mase": ("MASE", lambda v: number(v, 3)),
             "skill": ("Skill", lambda v: share(v, signed=True))}
    shown = {label: table[name].map(form) for name, (label, form) in forms.items()}
    shown["Right direction"] = table["directional_accuracy"].map(share)
    shown["95 % interval"] = [UNKNOWN if pd.isna(row.directional_low) else
                              f"{number(100 * row.directional_low)}–{share(row.directional_high)}"
                              for row in table.itertuples()]
    return pd.DataFrame(shown)


def draw_horizon(run, result):
    """How far the model can see: errors by step ahead."""
    if result.config.horizon == 1:
        st.info("This network predicts one step. Choose a longer horizon on the Train page to see how far it can look.",
                icon=":material/info:")
    test = result.steps.between(result.split.validation_end - 1, len(result.history))
    table = error_by_horizon(test.actual, test.predicted, test.last,
                             lambda actual, ours, naive, step: skill_interval(actual, ours, naive, step=step))
    farthest = farthest_step(table)
    draw(horizon_chart(table, farthest, dark=is_dark(), currency=result.history.currency,
                       unit=unit(result.history.frequency)), "evaluate_horizon")
    st.markdown("It is no better than naive at any step." if not farthest else
                f"It is better than naive up to step {farthest}, and no better beyond.")


def draw_intervals(run, result):
    """Coverage achieved beside the one promised."""
    test = result.metrics["test"]
    st.markdown(intervals_words(test["coverage_80"], test["coverage_95"], int((result.predictions["split"] == "test").sum())))
    rolling = rolling_coverage(result.predictions)
    draw(coverage_chart(rolling, dark=is_dark()), "evaluate_coverage")
    draw(width_chart(rolling, dark=is_dark(), currency=result.history.currency), "evaluate_width")
    table = interval_table(result.predictions)
    st.dataframe(pd.DataFrame({
        "Part": table["part"].str.capitalize(),
        "Promised": table["promised"].map(lambda value: share(value, digits=0)),
        "Achieved": table["achieved"].map(share),
        "Measured": ["out of sample" if part == "test" else "in sample" for part in table["part"]],
        "Prices": table["count"].map(count),
        "Mean width": table["width"].map(lambda value: price(value, result.history.currency)),
        "In percent of the price": table["width_percent"].map(percent),
    }), hide_index=True, height="content")
