"""Many series: the prices gathered for them, and the experiment that trains the current settings on each."""

from __future__ import annotations

import io
from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting import ForecastingError, NeedsChoice, PriceHistory, StoreUnavailable
from forecasting.data.calendars import guess_calendar
from forecasting.data.sources import SOURCES
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.many import MOST_SERIES
from forecasting.words import count, count_of, date, dates
from pages.components.experiment import follow_experiment
from pages.components.sources import draw_fields
from pages.components.state import AppState, app_state, held, reported
from pages.components.store import run_store
from pages.components.text import plain

__all__ = ["draw_many"]

NAME = "many"
MOST_EXPERIMENTS = 500  # looked through for those on many series
FETCH_TICK = 0.5


def draw_many(state: AppState, problem: str | None):
    """The basket, Start and Stop, and the latest experiment. problem: why the settings cannot be trained"""
    kind = EXPERIMENTS[NAME]
    st.markdown(kind.about)
    _take_fetched(state)
    with st.expander("Add series", expanded=len(state.basket) < 2, icon=":material/add:"):
        _draw_adders(state)
    _draw_basket(state)
    found = _find()
    active = any(one.active for one in found)
    reason = problem or _why_not(state)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(kind.start, type="primary", icon=":material/play_arrow:", key="many_start", on_click=_start,
                  disabled=active or bool(reason), help=reason or ("Wait until the one below has ended, or stop it first."
                  if active else f"Makes {count_of(len(state.basket), 'training')} with the settings on the left."))
        st.button("Stop", icon=":material/stop:", key="many_stop", disabled=not active, on_click=_stop,
                  args=([one.id for one in found if one.active],),
                  help="Stops the trainings; the series that have ended are kept." if active else "Nothing is being trained.")
        if reason:
            st.caption(plain(reason))
    if found:
        shown = _choose(state, found)
        follow_experiment(lambda: [run_store().get(shown)], run_store().get(shown).active)


def _why_not(state: AppState) -> str | None:
    if len(state.basket) < 2:
        return "Add two series or more first."
    if len(state.basket) > MOST_SERIES:
        return f"Take some out: {count(len(state.basket))} series are more than the {MOST_SERIES} that one experiment takes."
    return None


def _draw_adders(state: AppState):
    """The ways to add series: the current one, tickers, files."""
    for failure in st.session_state.pop("many_failures", []):
        st.error(plain(failure), icon=":material/error:")
    held_already = state.history.key in state.basket
    st.button(f"Add {plain(state.history.name, limit=60)}, the current prices", icon=":material/add:", key="many_current",
              disabled=held_already, on_click=_add_current, help="They are in the list already." if held_already else None)
    uploads = st.session_state.setdefault("many_uploads", 0)
    files = st.file_uploader("Files with dates and prices", accept_multiple_files=True, key=f"many_files_{uploads}",
                             help="Several at once. Of a file with several series, all are added.")
    if files:
        st.session_state["many_uploads"] += 1  # a new key: Streamlit would keep the files in memory
        with st.spinner("Reading the files …"):
            st.session_state["many_failures"] = [failure for file in files if (failure := _add_file(state, file))]
        st.rerun()
    busy = state.basket_job is not None
    answers, pressed = draw_fields(state, "ticker", "many", disabled=busy)
    if pressed:
        try:
            state.basket_job = SOURCES["ticker"].open(answers)
        except ForecastingError as error:
            st.session_state["many_failures"] = [str(error)]
        st.rerun()
    if busy:
        st.fragment(_wait, run_every=FETCH_TICK)(state.basket_job)


def _wait(job):
    if job.done:
        st.rerun()
    st.progress(len(job.results) / len(job.symbols),
                text=f"Asking {job.provider}: {len(job.results)} of {count_of(len(job.symbols), 'ticker')}")


def _take_fetched(state: AppState):
    """Adds what a fetch that is done has brought."""
    job = state.basket_job
    if job is None or not job.done:
        return
    state.basket_job, failures = None, []
    for symbol in job.symbols:
        outcome = job.results[symbol]
        if isinstance(outcome, ForecastingError):
            failures.append(str(outcome))
        else:
            _add(state, replace(outcome, origin="ticker"))
    st.session_state["many_failures"] = failures


def _add(state: AppState, history: PriceHistory):
    """Adds a series, and saves it so that the page's address brings it back."""
    state.basket[history.key] = history
    try:
        run_store().save_history(history)
    except StoreUnavailable as error:
        state.failures.append(f"{error} Until then the list of series is lost when the page is reloaded.")


@reported
def _add_current():
    state = app_state()
    _add(state, state.history)


def _add_file(state: AppState, file) -> str | None:
    """Adds every series of an uploaded file. Returns why there is none, or None."""
    from forecasting.data.files import read_every_series

    content = io.BytesIO(file.getvalue())
    content.name = file.name
    try:
        for history in read_every_series(content):
            _add(state, replace(history, calendar=guess_calendar(history), origin="file"))
    except NeedsChoice as error:  # its text names a keyword, which is for code
        return f"{file.name}: {error.question}"
    except ForecastingError as error:
        return f"{file.name}: {error}"
    return None


def _draw_basket(state: AppState):
    """The series gathered, each with a box that takes it out."""
    if not state.basket:
        st.info("No series yet. Add tickers, files, or the current prices above.", icon=":material/info:")
        return
    histories = list(state.basket.values())
    st.dataframe(pd.DataFrame({
        "Series": [history.name for history in histories], "Rows": [count(len(history)) for history in histories],
        "Days": [dates(history.dates[0], history.dates[-1]) for history in histories],
        "From": [history.source for history in histories]}),
        hide_index=True, height="content" if len(histories) < 10 else 380)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect("Series to take out", list(state.basket), label_visibility="collapsed", width=420,
                                format_func=lambda key: state.basket[key].name if key in state.basket else "",
                                key=f"many_out_{len(state.basket)}", placeholder="Series to take out")
        st.button("Take out", key="many_take_out", icon=":material/remove:", disabled=not chosen, on_click=_take_out,
                  args=(chosen,))
        st.button("Empty the list", key="many_empty", icon=":material/delete_sweep:", on_click=_take_out,
                  args=(list(state.basket),))


@reported
def _take_out(keys: list[str]):
    for key in keys:
        app_state().basket.pop(key, None)


@reported
def _start():
    state, store = app_state(), run_store()
    keys = [store.save_history(history) for history in state.basket.values()]
    first = next(iter(state.basket.values()))
    store.start_experiment(NAME, first, state.config, {"series": keys}, owner=state.owner)


@reported
def _stop(ids: list[str]):
    for run_id in ids:
        run_store().request_stop(run_id)


def _find() -> list:
    """The experiments on many series, newest first."""
    return [run for run in run_store().list(limit=MOST_EXPERIMENTS, kind="experiment") if run.experiment == NAME]


def _choose(state: AppState, found: list) -> str:
    """The experiment that is shown: the newest, or the one that the user picks."""
    ids = [run.id for run in found]
    if len(found) == 1:
        return ids[0]
    by_id = {run.id: run for run in found}
    # Its name holds the number of experiments, so that a new one is shown at once.
    widget = held(state, f"many_shown_{len(found)}", ids[0])
    return st.selectbox("Experiment", ids, index=ids.index(widget.value) if widget.value in ids else 0, key=widget.key,
                        format_func=lambda run_id: _label(by_id[run_id]))


def _label(run) -> str:
    created = pd.Timestamp(run.created).tz_convert(st.context.timezone or "UTC")
    return (f"{count_of(len(run.parameters['series']), 'series', 'series')} · {run.config.cell} "
            f"{' + '.join(map(str, run.config.units))} · window {run.config.window} · {date(created, time=True)}")
