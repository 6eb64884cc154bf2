"""The trash: what was deleted, the way back, and emptying it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting.runs.tracking import is_local
from forecasting.words import age, count_of, size
from pages.components.settings import use_settings
from pages.components.state import AppState, app_state, reported
from pages.components.store import run_store
from pages.components.text import plain

__all__ = ["delete_runs", "draw_trash", "draw_trashed", "draw_undo", "show_run"]

MOST_SHOWN = 20


def draw_trashed(state: AppState):
    """Says that the run that was asked for is in the trash, and offers to restore it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning("This run was deleted. It is in the trash, from which you can restore it.", icon=":material/delete:")
        st.button("Restore", icon=":material/restore_from_trash:", key="trash_restore_asked", on_click=_restore_asked,
                  args=(state.trashed_id,))


@reported
def _restore_asked(run_id: str):
    state = app_state()
    state.trashed_id = None
    run_store().restore(run_id)
    show_run(state, run_store().get(run_id))


def show_run(state: AppState, run):
    """Makes a run the one that the pages show, with its prices and settings."""
    state.use_history(run_store().history(run.id))
    use_settings(state, replace(run.config, leak=None))  # a mistake of the leak lab stays with its run
    state.run_id, state.trashed_id = run.id, None
    state.inside = replace(state.inside, example=None, day=None)


@reported
def delete_runs(state: AppState, ids: tuple[str, ...]):
    """Moves runs to the trash, and remembers them for `draw_undo`."""
    deleted = []
    try:
        for run_id in ids:
            run_store().delete(run_id)
            deleted.append(run_id)
    finally:  # those before one that could not be deleted are in the trash all the same
        state.deleted_ids = tuple(deleted)
        state.compare = tuple(run_id for run_id in state.compare if run_id not in deleted)
        if state.run_id in deleted:
            state.run_id = None
        if state.parent_id in deleted:
            state.parent_id = None


def draw_undo(state: AppState):
    """The way back right after a click on Delete."""
    if state.deleted_ids:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(f"{count_of(len(state.deleted_ids), 'run')} moved to the trash.", icon=":material/delete:")
            st.button("Undo", icon=":material/undo:", key="trash_undo", on_click=_undo, args=(state, state.deleted_ids))


@reported
def _undo(state: AppState, ids: tuple[str, ...]):
    state.deleted_ids = ()
    for run_id in ids:
        run_store().restore(run_id)


def draw_trash(state: AppState):
    """What is in the trash, folded."""
    runs = run_store().trash.runs()
    if freed := st.session_state.pop("trash_freed", None):
        st.success(freed, icon=":material/delete_forever:")
    if not runs:
        return
    with st.expander(f"Trash ({len(runs)})", icon=":material/delete:"):
        st.caption("Deleted runs keep their files until the trash is emptied.")
        for run in runs[:MOST_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center"):
                made = age((pd.Timestamp.now("UTC") - run.created).total_seconds())
                st.markdown(f"{plain(run.name, limit=100)} · {made}", width="stretch")
                st.button("Restore", icon=":material/restore_from_trash:", key=f"trash_restore_{run.id}", on_click=_undo,
                          args=(state, (run.id,)))
        if len(runs) > MOST_SHOWN:
            st.caption(f"And {count_of(len(runs) - MOST_SHOWN, 'earlier run')}.")
        local = is_local()
        with st.popover("Empty the trash", icon=":material/delete_forever:", disabled=not local, help=None if local else
                        "The MLflow server keeps deleted runs until somebody runs 'mlflow gc' there."):
            st.markdown(f"This removes {count_of(len(runs), 'run')} for good, files included. It cannot be undone.")
            st.button("Remove for good", key="trash_empty", on_click=_empty, args=(state,))


@reported
def _empty(state: AppState):
    state.deleted_ids = ()
    freed = run_store().trash.empty()
    st.session_state["trash_freed"] = f"The trash is empty. That freed {size(freed)}."
