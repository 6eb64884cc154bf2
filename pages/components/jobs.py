"""The way from a page to its runs: the store, the engine that takes runs from it, and results that are kept at hand."""

from __future__ import annotations

import streamlit as st

__all__ = ["load_judgement", "load_result", "run_store", "start_engine"]


@st.cache_resource(show_spinner=False)
def run_store():
    """The store of runs; imported here because MLflow would delay the first paint."""
    from forecasting.runs.store import RunStore

    return RunStore()


def start_engine():
    """Sees to it that an engine is alive to take runs."""
    from forecasting.runs.launcher import ensure_engine

    ensure_engine()


@st.cache_resource(show_spinner=False, max_entries=16)
def load_result(run_id: str):
    """The `TrainingResult` of a run that has ended; its files never change."""
    return run_store().result(run_id)


@st.cache_resource(show_spinner=False, max_entries=16)
def load_judgement(run_id: str):
    """What the numbers of a run are worth: see `forecasting.evaluation.verdict`."""
    from forecasting.evaluation.verdict import judge

    return judge(load_result(run_id))
