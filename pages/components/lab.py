"""Experiments around a run, each made of trainings of its own: the walk-forward backtest and the leak lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting.evaluation.backtest import MODES, backtest_summary, backtest_table, folds, join_predictions
from forecasting.evaluation.verdict import LEAKS
from forecasting.plots import folds_chart
from forecasting.words import UNKNOWN, count_of, dates, number, percent, price, share
from pages.components.diagnostics import draw
from pages.components.frame import boundary, is_dark
from pages.components.jobs import load_result, run_store
from pages.components.state import app_state
from pages.components.text import plain

__all__ = ["draw_backtest", "draw_leak_lab"]

TICK_SECONDS = 1.0
LEAK_NAMES = {"scaler": "Scaler on all data", "validation": "Validation on the test part", "shuffle": "Shuffled windows",
              "centred_average": "Centred moving average"}


def draw_backtest(run, result):
    """The test part cut into folds, each predicted by a network trained just before it."""
    st.markdown("One split may be lucky. Here the test part is cut into folds, and each is predicted by a network of these "
                "settings that was trained on the days before it only.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = st.slider("Folds", 2, 12, 5, key="evaluate_folds", width=220, help="More folds refit more often, and take longer.")
        mode = st.segmented_control("Training window", MODES, default=MODES[0], key="evaluate_mode", required=True,
                                    format_func=str.capitalize,
                                    help="Expanding learns from all days before a fold; sliding from equally many.")
        members = _members(run, "backtest")
        active = any(member.active for member in members)
        st.button("Run the backtest", key="evaluate_backtest", icon=":material/play_arrow:", disabled=active,
                  on_click=_start_backtest, args=(run, result, k, mode))
        st.button("Stop", key="evaluate_backtest_stop", icon=":material/stop:", disabled=not active,
                  on_click=_stop_all, args=(run, "backtest"))
    _show_failure()
    if members:
        _follow(run, "backtest", active, _draw_folds)


def _start_backtest(run, result, k: int, mode: str):
    def start():
        made = folds(result.history, result.config, k, mode)
        for fold in made:
            run_store().create(fold.history, fold.config, name=f"{run.series}, fold {fold.number} of {k}"[:200],
                               owner=app_state().owner, group=_group(run, "backtest"), parent=run.id,
                               parameters={"fold": fold.number, "folds": k, "mode": mode})
    _forget(run, "backtest")
    _attempt(start)


def _draw_folds(members):
    ended = {member.parameters["fold"]: load_result(member.id).predictions for member in members if member.has_result}
    total = max(member.parameters["folds"] for member in members)
    done = sum(not member.active for member in members)
    st.progress(done / total, text=f"{done} of {count_of(total, 'fold')} done, {members[0].parameters['mode']} window")
    for member in members:
        if member.error:
            st.warning(f"Fold {member.parameters['fold']}: {plain(member.error)}", icon=":material/warning:")
    if not ended:
        return
    st.markdown(plain(backtest_summary(ended)))
    currency = load_result(next(member.id for member in members if member.has_result)).history.currency
    draw(folds_chart(join_predictions(ended), dark=is_dark(), currency=currency), "evaluate_folds_chart")
    table = backtest_table(ended)
    st.dataframe(pd.DataFrame({
        "Days": [dates(start, end) for start, end in zip(table["start"], table["end"], strict=True)],
        "RMSE": [price(value, currency) for value in table["rmse"]],
        "Naive RMSE": [price(value, currency) for value in table["naive_rmse"]],
        "Skill": [share(value, signed=True) for value in table["skill"]],
        "MAPE": [percent(value) for value in table["mape"]],
        "In the 95 % interval": [share(value, digits=1) for value in table["coverage_95"]],
    }, index=[f"Fold {number}" for number in table.index]), height="content")


def draw_leak_lab(run, result):
    """Trains again with one classic mistake and shows how much too good the score gets."""
    st.markdown("A score that is too good is mostly a leak: something of the test part reached the training. Train again "
                "with one classic mistake and compare. Such a run is marked invalid wherever it appears.")
    if run.config.leak:
        st.info("This run is itself one with a mistake. Choose an honest one to compare with.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        leak = st.selectbox("Mistake", list(LEAKS), key="evaluate_leak", format_func=LEAK_NAMES.get, width=260)
        members = _members(run, "leak")
        active = any(member.active for member in members)
        st.button("Train with this mistake", key="evaluate_leak_train", icon=":material/science:", disabled=active,
                  on_click=_start_leak, args=(run, result, leak))
        st.button("Stop", key="evaluate_leak_stop", icon=":material/stop:", disabled=not active, on_click=_stop_all,
                  args=(run, "leak"))
    st.caption(f"The mistake: {LEAKS[leak]}.")
    _show_failure()
    if members:
        _follow(run, "leak", active, lambda found: _draw_leaks(result, found))


def _start_leak(run, result, leak: str):
    _attempt(lambda: run_store().create(
        result.history, replace(result.config, leak=leak), name=f"{run.series}, leak lab: {leak}"[:200],
        owner=app_state().owner, group=_group(run, "leak"), parent=run.id, parameters={"leak": leak}))


def _draw_leaks(honest, members):
    active = [member for member in members if member.active]
    if active:
        epochs = f"epoch {active[0].epoch} of {active[0].epochs}" if active[0].epoch else "preparing"
        st.progress(min(1.0, active[0].epoch / active[0].epochs), text=f"{LEAK_NAMES[active[0].config.leak]}: {epochs}")
    currency = honest.history.currency
    rows = {"Honest": honest.metrics["test"]}
    for member in members:
        if member.has_result:
            rows.setdefault(f"{LEAK_NAMES[member.config.leak]} (invalid)", load_result(member.id).metrics["test"])
        elif member.error:
            st.warning(f"{LEAK_NAMES[member.config.leak]}: {plain(member.error)}", icon=":material/warning:")
    honest_skill = rows["Honest"]["skill"]
    st.dataframe(pd.DataFrame({
        "RMSE": [price(scores["rmse"], currency) for scores in rows.values()],
        "Skill": [share(scores["skill"], signed=True) for scores in rows.values()],
        "Right direction": [share(scores["directional_accuracy"], digits=1) for scores in rows.values()],
        "Flattered by": [UNKNOWN if None in (scores["skill"], honest_skill) else
                         f"{number(100 * (scores['skill'] - honest_skill), signed=True)} points"
                         for scores in rows.values()],
    }, index=list(rows)), height="content")
    st.caption("Flattered by: how many points of skill the mistake adds. RMSEs compare only where the days are the same, "
               "which shuffling changes.")


def _group(run, what: str) -> str:
    return f"{what}-{run.id}"


def _members(run, what: str):
    return run_store().list(limit=100, group=_group(run, what))


def _forget(run, what: str):
    """Deletes the members of an earlier experiment of this kind; the new one takes its place."""
    for member in _members(run, what):
        if not member.active:
            run_store().delete(member.id)


def _stop_all(run, what: str):
    _attempt(lambda: run_store().stop_group(_group(run, what)))


def _attempt(action: Callable):
    """Runs a callback's work; what the user can mend is shown where the result would have stood."""
    from forecasting import ForecastingError

    try:
        action()
    except ForecastingError as error:
        st.session_state["evaluate_failure"] = str(error)


def _show_failure():
    if failure := st.session_state.pop("evaluate_failure", None):
        st.error(plain(failure), icon=":material/error:")


def _follow(run, what: str, active: bool, show: Callable):
    """Draws the members of an experiment, again and again while one of them is active."""
    def tick():
        with boundary():
            members = _members(run, what)
            if active and not any(member.active for member in members):
                st.rerun()
            show(members)

    st.fragment(tick, run_every=TICK_SECONDS if active else None)()
