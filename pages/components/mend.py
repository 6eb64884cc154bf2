"""The button that fixes what went wrong with a run: it takes over the corrected settings and trains with them."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting import ForecastConfig
from forecasting.model.settings import changes_words
from pages.components.settings import use_settings
from pages.components.state import AppState, app_state, reported
from pages.components.store import current_run, run_store
from pages.components.text import plain

__all__ = ["draw_mend"]


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


@reported
def _mend(state: AppState, run, mend: ForecastConfig):
    if run.fingerprint != state.history.fingerprint:
        state.use_history(run_store().history(run.id))
    # A mistake of the leak lab stays with its run.
    use_settings(state, replace(mend, leak=None))
    state.run_id, state.asks_to_train = run.id, True
