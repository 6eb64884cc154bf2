"""The table of runs, and the way back to one of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.words import age, duration, percent, price, share
from pages.components.jobs import run_store
from pages.components.state import AppState
from pages.components.text import plain

__all__ = ["draw_runs"]

MOST = 200
STATES = {"scheduled": "Waiting", "running": "Training", "finished": "Finished", "stopped": "Stopped", "failed": "Failed",
          "interrupted": "Interrupted"}


def draw_runs(state: AppState):
    """Newest first; a click on a row opens the run on the Train page."""
    runs = run_store().list(limit=MOST, kind="train")
    if not runs:
        st.info("There are no runs yet. Train one on the Train page.", icon=":material/info:")
        return
    chosen = st.dataframe(pd.DataFrame([_row(run) for run in runs]), hide_index=True, key="runs_table", on_select="rerun",
                          selection_mode="single-row", height=min(600, 38 * (len(runs) + 1)))
    if not chosen.selection.rows:
        st.caption("Choose a row to open its run.")
        return
    run = runs[chosen.selection.rows[0]]
    st.markdown(f"**{plain(run.name)}** · {STATES[run.state]}" + (f" · {plain(run.error)}" if run.error else ""))
    with st.container(horizontal=True):
        if st.button("Open this run", type="primary", icon=":material/open_in_full:"):
            state.use_history(run_store().history(run.id))
            state.config, state.run_id = run.config, run.id
            st.switch_page("pages/2_Train.py")
        if run.active:
            st.button("Stop", icon=":material/stop:", on_click=run_store().request_stop, args=(run.id,))


def _row(run) -> dict:
    test = run.scores.get("test", {})
    config = run.config
    return {
        "When": age((pd.Timestamp.now("UTC") - run.created).total_seconds()),
        "Series": run.series,
        "State": STATES[run.state] + (" (invalid)" if config.leak else ""),
        "Network": f"{config.cell} {' + '.join(map(str, config.units))}",
        "Window": config.window,
        "RMSE": price(test.get("rmse")),
        "MAPE": percent(test.get("mape")),
        "Skill": share(test.get("skill"), signed=True),
        "Epochs": f"{run.epoch} of {run.epochs}",
        "Time": duration(run.seconds),
    }
