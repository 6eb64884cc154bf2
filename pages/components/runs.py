"""The table of runs, and the way back to one of them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting.evaluation.scores import SCORES, shown_in
from forecasting.runs.kinds import TRAININGS
from forecasting.words import age, date, duration
from pages.components.frame import link_to
from pages.components.settings import use_settings
from pages.components.state import AppState, reported, taken, widget_for
from pages.components.store import load_result, run_store
from pages.components.text import plain

__all__ = ["choose_result", "draw_runs"]

MOST = 200
STATES = {"scheduled": "Waiting", "running": "Training", "finished": "Finished", "stopped": "Stopped", "failed": "Failed",
          "interrupted": "Interrupted"}


def draw_runs(state: AppState):
    """Newest first; a click on a row opens the run on the Train page."""
    runs = run_store().list(limit=MOST, kind=TRAININGS, alone=True)
    if not runs:
        st.info("There are no runs yet. Train one on the Train page.", icon=":material/info:")
        return
    chosen = st.dataframe(pd.DataFrame([_row(run) for run in runs]), hide_index=True, key="runs_table", on_select="rerun",
                          selection_mode="single-row", height=min(600, 35 * (len(runs) + 1) + 3))
    if not chosen.selection.rows:
        st.caption("Choose a row to open its run. RMSEs compare only within one series, and the best of many runs is in part "
                   "the luckiest: the Evaluate page says how far a skill can be trusted.")
        return
    run = runs[chosen.selection.rows[0]]
    st.markdown(f"**{plain(run.name)}** · {STATES[run.state]}" + (f" · {plain(run.error)}" if run.error else ""))
    with st.container(horizontal=True):
        if st.button("Open this run", type="primary", icon=":material/open_in_full:"):
            state.use_history(run_store().history(run.id))
            # A mistake of the leak lab stays with its run.
            use_settings(state, replace(run.config, leak=None))
            state.run_id = run.id
            st.switch_page("pages/2_Train.py")
        if run.active:
            st.button("Stop", icon=":material/stop:", on_click=reported(run_store().request_stop), args=(run.id,))


def choose_result(state: AppState):
    """The run to show and its result, picked by the user from those that have one; (None, None) if there is none yet."""
    store = run_store()
    runs = [run for run in store.list(limit=MOST, kind=TRAININGS, alone=True) if run.has_result]
    if not runs:
        st.info("There is no result yet. Train a network on the Train page first.", icon=":material/info:")
        link_to("Train", state, "Go to Train")
        return None, None
    by_id = {run.id: run for run in runs}
    _take_run(state)
    # The current run by default; while that is still being trained, the newest one that has ended.
    widget = widget_for(state, "shown_run", state.run_id if state.run_id in by_id else runs[0].id)
    chosen = st.selectbox("Run", list(by_id), index=list(by_id).index(widget.value), key=widget.key,
                          format_func=lambda key: _label(by_id[key]), on_change=_take_run, args=(state,))
    return by_id[chosen], load_result(chosen)


def _take_run(state: AppState):
    for _, chosen in taken(state, "shown_run"):
        state.run_id = chosen


def _label(run) -> str:
    units = " + ".join(map(str, run.config.units))
    # The start time rather than the age: the browser identifies the chosen run by its label, which must not change.
    words = [run.series, f"{run.config.cell} {units}", f"window {run.config.window}", f"target {run.config.target}",
             date(pd.Timestamp(run.created).tz_convert(st.context.timezone or "UTC"), time=True)]
    words += ["from a file"] if run.kind == "opened" else []
    return " · ".join([*words, "invalid"] if run.config.leak else words)


def _row(run) -> dict:
    # Scores of leak-lab runs mean nothing and must not be ranked.
    test = {} if run.config.leak else run.scores.get("test", {})
    config = run.config
    return {
        "When": age((pd.Timestamp.now("UTC") - run.created).total_seconds()),
        "Series": run.series,
        "State": STATES[run.state] + (" (invalid)" if config.leak else "") + (", from a file" if run.kind == "opened" else ""),
        "Network": f"{config.cell} {' + '.join(map(str, config.units))}",
        "Window": config.window,
        **{SCORES[name].label: SCORES[name].show(name, test, run.currency) for name in shown_in("runs")},
        "Epochs": f"{run.epoch} of {run.epochs}",
        "Time": duration(run.seconds),
    }
