"""The store of runs as pages use it, with the results they read from it cached in memory."""

from __future__ import annotations

import time

import streamlit as st

from forecasting import InTrash, PriceHistory, RunError, StoreUnavailable
from pages.components.owner import has_login
from pages.components.state import AppState, app_state
from pages.components.text import plain

__all__ = ["await_store", "current_run", "keep_history", "load_baselines", "load_cause", "load_csv", "load_forecast",
           "load_ranking", "load_result", "load_risk", "load_verdict", "run_store"]

ASK_SECONDS = 3.0  # between two looks whether the store answers again; a sentence has to stay long enough to be read


def run_store():
    """The store of runs; where people log in, as this person may see it."""
    return _store_of(app_state().owner) if has_login() else _store()


@st.cache_resource(show_spinner=False)
def _store():
    # Imported late because MLflow would delay the first paint.
    from forecasting.runs.store import RunStore

    return RunStore()


@st.cache_resource(show_spinner=False, max_entries=1000)
def _store_of(owner: str):
    return _store().of(owner)


def await_store(state: AppState):
    """Draws the page again once the store answers, so that what this drawing says about it leaves by itself."""
    state.store_failed = False
    st.fragment(_ask_store, run_every=ASK_SECONDS)(time.monotonic())


def _ask_store(drawn: float):
    # The first call is part of the drawing that met the error.
    if time.monotonic() - drawn > ASK_SECONDS / 2 and run_store().answers():
        st.rerun()


def keep_history(state: AppState, history: PriceHistory):
    """Makes these the current prices, and saves them so that the page's address brings them back."""
    state.use_history(history)
    try:
        run_store().save_history(history)
    except StoreUnavailable as error:
        state.failures.append(f"{error} Until then these prices are lost when the page is reloaded.")


def current_run(state: AppState):
    """The run that is shown, as the store knows it now, or None."""
    if not state.run_id:
        return None
    try:
        return run_store().get(state.run_id)
    except StoreUnavailable:
        raise
    except InTrash as error:  # deleted in another tab
        state.run_id, state.trashed_id = None, error.run_id
        st.rerun()  # the frame of the page says what can be done
    except RunError as error:  # e.g. it was deleted: say so, and go on without it
        state.run_id = None
        st.warning(plain(error), icon=":material/warning:")
        return None


@st.cache_resource(show_spinner=False, max_entries=64)
def load_result(run_id: str):
    """The `TrainingResult` of a run that has ended; its files never change."""
    return run_store().result(run_id)


@st.cache_resource(show_spinner=False, max_entries=16)
def load_csv(run_id: str) -> bytes:
    """The predictions of a run as a CSV file, cached because a long series takes a second to write."""
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
    return baseline_table(result.history, result.config, result.predictions, extra, result.steps)


@st.cache_resource(show_spinner=False, max_entries=64)
def load_risk(run_id: str, step: int = 1):
    """The `Risk` of a run this many steps ahead, or None where too little is known."""
    from forecasting.evaluation.risk import measure_risk

    result = load_result(run_id)
    return measure_risk(result.history, result, step)


@st.cache_resource(show_spinner=False, max_entries=16)
def load_ranking(run_ids: tuple[str, ...], own_names: tuple[str, ...], reference: str):
    """Runs compared, and what each is called there. reference: the id of one of them, or anything else for naive"""
    from forecasting.evaluation.differences import names_in_words
    from forecasting.evaluation.ranking import NAIVE, compare

    results = [load_result(run_id) for run_id in run_ids]
    names = dict(zip(run_ids, names_in_words(results, own_names), strict=True))
    return compare(results, list(names.values()), names.get(reference, NAIVE)), names
