"""Buttons that take over corrected settings: after a run that went wrong, and before one that cannot be trained."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting import ForecastConfig
from forecasting.model.settings import changes_words
from pages.components.settings import use_settings
from pages.components.state import AppState, app_state, reported
from pages.components.store import current_run, run_store
from pages.components.text import plain

__all__ = ["draw_mend", "draw_problem"]


def draw_mend(run, cause):
    """The button of a `Cause` and what it changes; nothing if no settings would help."""
    if cause.mend is None:
        return
    state = app_state()
    shown = current_run(state)
    busy = shown is not None and shown.active
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            cause.label, key=f"mend_{run.id}", icon=":material/build:", disabled=busy, on_click=_mend,
            args=(state, run, cause.mend), help="A training is running. Stop it first, or wait until it has ended." if busy else
            "Takes over these settings and this run's prices, and starts the training.")
        st.caption(plain(changes_words(run.config, cause.mend)))
    if clicked and state.asks_to_train:  # still set, so this is not the Train page: that would have started it
        st.switch_page("pages/2_Train.py")


def draw_problem(state: AppState, problem: str):
    """Why the current settings cannot be trained, and a button for the nearest ones that can.

    problem: from `check_settings` or `find_problem`
    """
    st.error(plain(problem, limit=1500), icon=":material/error:")
    if state.nearest is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Use the nearest settings that work", key="nearest_settings", icon=":material/build:",
                      on_click=use_settings, args=(state, state.nearest), help="Takes these settings over; nothing is trained.")
            st.caption(plain(changes_words(state.config, state.nearest)))


@reported
def _mend(state: AppState, run, mend: ForecastConfig):
    if run.fingerprint != state.history.fingerprint:
        state.use_history(run_store().history(run.id))
    # A mistake of the leak lab stays with its run.
    use_settings(state, replace(mend, leak=None))
    state.run_id, state.asks_to_train = run.id, True
