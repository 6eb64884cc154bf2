"""The way from a page to its runs: the store, the engine that takes runs from it, and results that are kept at hand."""

from __future__ import annotations

import gc
import logging
import sys
import threading

import streamlit as st

from forecasting import PriceHistory, StoreUnavailable
from forecasting.runs import launcher
from pages.components.state import AppState

__all__ = ["keep_history", "load_baselines", "load_cause", "load_csv", "load_forecast", "load_result", "load_verdict",
           "run_store", "spare_imports", "start_engine"]

PAINT_SECONDS = 2.0

log = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False)
def run_store():
    """The store of runs; imported here because MLflow would delay the first paint."""
    from forecasting.runs.store import RunStore

    return RunStore()


def keep_history(state: AppState, history: PriceHistory):
    """Takes prices in hand, and saves them so that the page's address brings them back."""
    state.use_history(history)
    try:
        run_store().save_history(history)
    except StoreUnavailable as error:
        state.failures.append(f"{error} Until then these prices do not outlive a reload of the page.")


@st.cache_resource(show_spinner=False)
def _first_start() -> threading.Timer:
    """The first start of the engine: a little later, since its workers' imports would take the cores that paint."""
    timer = threading.Timer(PAINT_SECONDS, _make_ready)
    timer.daemon = True
    timer.start()
    return timer


def _make_ready():
    """Does what the first training and the drawing of its result would else wait for."""
    from forecasting.runs.tracking import Tracking

    launcher.ensure_engine()
    try:
        Tracking().connect()
    except StoreUnavailable as error:
        log.warning("%s", error)  # the page that needs the store tells the person
    import scipy.special  # noqa: F401 (what the verdict's test takes longest for)


def start_engine():
    """Sees to it that an engine is alive to take runs."""
    if not _first_start().is_alive():
        launcher.ensure_engine()


def spare_imports():
    """Takes what was imported lately out of the garbage collector's sight.

    Streamlit collects after every drawing, which takes a fifth of a second with all that MLflow brings in.
    """
    _freeze(len(sys.modules) // 100)


@st.cache_resource(show_spinner=False, max_entries=1)
def _freeze(hundreds_of_modules: int):
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False, max_entries=64)
def load_result(run_id: str):
    """The `TrainingResult` of a run that has ended; its files never change."""
    return run_store().result(run_id)


@st.cache_resource(show_spinner=False, max_entries=16)
def load_csv(run_id: str) -> bytes:
    """The predictions of a run as they are downloaded; a long series takes a second to write out."""
    from forecasting.runs.export import predictions_csv

    return predictions_csv(load_result(run_id))


@st.cache_resource(show_spinner=False, max_entries=64)
def load_forecast(job_id: str):
    """The table of a forecast job that has ended, see `RunStore.forecast`."""
    return run_store().forecast(job_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def load_verdict(run_id: str):
    """The verdict on a run in words, and the comparison with naive behind it."""
    from forecasting.evaluation.judgement import judge

    result = load_result(run_id)
    return judge(result.predictions, result.metrics["test"], frequency=result.history.frequency,
                 currency=result.history.currency, leak=result.config.leak)


@st.cache_resource(show_spinner=False, max_entries=64)
def load_cause(run_id: str):
    """Why a run is no better than naive, or None where nothing is proven."""
    from forecasting.evaluation.causes import diagnose

    return diagnose(load_result(run_id), *load_verdict(run_id))


@st.cache_resource(show_spinner=False, max_entries=64)
def load_baselines(run_id: str, extra: tuple[str, ...]):
    """The baselines on the days of a run's test part, and why scores are undefined. extra: slow ones asked for."""
    from forecasting.evaluation.baselines import baseline_table

    result = load_result(run_id)
    return baseline_table(result.history, result.config, result.predictions, extra)
