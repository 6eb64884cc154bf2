"""A run that comes back from its zip file: where it is dropped, and what is said about it afterwards."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting import ForecastingError
from pages.components.settings import use_settings
from pages.components.state import AppState, app_state, reported
from pages.components.store import run_store

__all__ = ["draw_opened", "draw_zip_uploader", "holds_run", "show_zip"]

MOST = 1000  # runs among which one from the same file is looked for
UPLOADS = "runs_uploads"


def draw_zip_uploader(state: AppState):
    """Where the zip file of a run is dropped; the run is then shown on the Train page."""
    # A new key after each upload: Streamlit would keep every file of a session in memory.
    uploads = st.session_state.setdefault(UPLOADS, 0)
    file = st.file_uploader("Open a run from its zip", type="zip", key=f"runs_zip_{uploads}",
                            help="A file that “Download everything” on the Train page gave, here or elsewhere. Its "
                                 "predictions, settings and prices are read; a network in it is not.")
    if file is not None:
        st.session_state[UPLOADS] += 1
        show_zip(state, file.getvalue())


def holds_run(content: bytes) -> bool:
    """Whether this is the zip file of a run, and not one with a table of prices."""
    from forecasting.runs import bring_back

    return bring_back.holds_run(content)


def show_zip(state: AppState, content: bytes):
    """Opens the zip file of a run and shows it on the Train page; if that fails, the next drawing says why."""
    from forecasting.runs.bring_back import keep_zip

    try:
        with st.spinner("Opening the run …"):
            run_id = keep_zip(content, state.owner, run_store().list(limit=MOST, kind="opened"))
            _take_over(state, run_store().get(run_id))
    except ForecastingError as error:
        state.failures.append(str(error))
        st.rerun()
    state.run_id = run_id
    st.switch_page("pages/2_Train.py")


def draw_opened(run):
    """Says of an opened run what it is and what it lacks, and offers to train it again."""
    st.info("This run was opened from a file. Its predictions are those in the file; the scores were computed from them here. "
            "It has no network, since a stranger's is never loaded, so it cannot forecast before it is trained again.",
            icon=":material/unarchive:")
    if run.config.leak:
        return
    state = app_state()
    clicked = st.button("Train this run again", key=f"again_{run.id}", icon=":material/replay:", on_click=_train_again,
                        args=(state, run), help="Takes over this run's settings and prices, and starts the training.")
    if clicked and state.asks_to_train:  # still set, so this is not the Train page: that would have started it
        st.switch_page("pages/2_Train.py")


@reported
def _train_again(state: AppState, run):
    _take_over(state, run)
    state.run_id, state.parent_id, state.asks_to_train = run.id, run.id, True


def _take_over(state: AppState, run):
    """Makes the run's prices and settings the current ones."""
    if run.fingerprint != state.history.fingerprint:
        state.use_history(run_store().history(run.id))
    # A mistake of the leak lab stays with its run.
    use_settings(state, replace(run.config, leak=None))
