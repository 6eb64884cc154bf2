"""The three ways to prices on the Data page: a sample, a ticker, a file."""

from __future__ import annotations

import io
from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting import ForecastingError, NeedsChoice, load_sample
from forecasting.data.samples import SAMPLES
from pages.components.address import DEFAULT_SAMPLE
from pages.components.frame import boundary
from pages.components.jobs import keep_history
from pages.components.state import AppState, Upload, held, reported, taken, widget_for
from pages.components.text import plain

__all__ = ["draw_sources"]

WAYS = ("Sample", "Ticker", "File")
PATIENCE_SECONDS = 10
QUESTIONS = {"column": "Which column is the price?", "series": "Which series?", "sheet": "Which sheet?",
             "date_order": "How are the dates written?", "decimal": "Which sign is the decimal mark?"}


def draw_sources(state: AppState):
    """Draws the ways in; what a person chooses becomes `state.history`."""
    if state.fetch is not None and state.fetch.done:
        _take_fetched(state)
        st.rerun()
    way = st.segmented_control("Prices from", WAYS, default=_way(state), key="data_way", required=True)
    with boundary():
        {"Sample": _draw_samples, "Ticker": _draw_tickers, "File": _draw_file}[way](state)


def _way(state: AppState) -> str:
    """Where the prices in hand, or those that are about to be, come from."""
    if state.question is not None or state.upload_error:
        return "File"
    if state.fetch is not None or state.history.source.startswith("Yahoo"):
        return "Ticker"
    return "Sample" if state.sample else "File"


def _draw_samples(state: AppState):
    _take_sample(state)
    widget = widget_for(state, "data_sample", state.sample)
    st.segmented_control("Sample", list(SAMPLES), default=widget.value, key=widget.key, on_change=_take_sample, args=(state,),
                         label_visibility="collapsed")
    if state.sample:
        st.caption(SAMPLES[state.sample])


def _take_sample(state: AppState):
    for _, name in taken(state, "data_sample"):
        if name:
            state.use_history(load_sample(name))


def _draw_tickers(state: AppState):
    from forecasting.data.yahoo import INTERVALS, PERIODS, periods_for

    symbol, interval, period, go = st.columns([3, 2, 2, 1], vertical_alignment="bottom")
    symbols = symbol.text_input("Ticker", key="data_symbols", placeholder="AAPL, BTC-USD, EURUSD=X", max_chars=200,
                                help="As Yahoo writes it; several with commas between them.")
    every = interval.selectbox("Interval", list(INTERVALS), key="data_interval", format_func=INTERVALS.get,
                               help="Yahoo keeps short intervals for short periods only: hours for two years, minutes for "
                                    "days or weeks.")
    periods = periods_for(every)
    usual = "10y" if "10y" in periods else periods[-1]
    widget = held(state, "data_period", usual)
    if widget.value not in periods:
        widget = widget_for(state, "data_period", usual)
    back = period.selectbox("Period", periods, index=periods.index(widget.value), key=widget.key, format_func=PERIODS.get)
    adjusted = st.toggle("Adjust for splits and dividends", value=True, key="data_adjusted",
                         help="Adjusted prices show what a holder earned. Unadjusted ones are as quoted on the day, and fall "
                              "on each dividend.")
    if go.button("Fetch", width="stretch", key="data_fetch"):
        from forecasting.data.tickers import start_fetch

        state.fetch = start_fetch(symbols, interval=every, period=back, adjusted=adjusted)
    if state.fetch is not None:
        _draw_fetch(state)
    _draw_fetched(state)


def _draw_fetch(state: AppState):
    """A fetch under way, and what else can be done once it takes long."""
    job = state.fetch
    late = job.seconds >= PATIENCE_SECONDS
    st.fragment(_wait, run_every=0.5)(job, late)
    if not late:
        return
    # Outside what is drawn again and again: that would swallow a click.
    st.warning(f"Yahoo has not answered for {PATIENCE_SECONDS} seconds. It may still; or go on without it.",
               icon=":material/hourglass_empty:")
    with st.container(horizontal=True):
        if any(job.cached(symbol) for symbol in job.symbols):
            st.button("Use the last good copy", on_click=_use_copies, args=(state,))
        st.button("Use the sample", on_click=_give_up, args=(state,))


def _wait(job, late: bool):
    if job.done or (not late and job.seconds >= PATIENCE_SECONDS):
        st.rerun()
    st.progress(min(0.95, job.seconds / PATIENCE_SECONDS), text=f"Asking Yahoo for {plain(', '.join(job.symbols))} …")


@reported
def _use_copies(state: AppState):
    job = state.fetch
    _take(state, {symbol: job.cached(symbol) for symbol in job.symbols})


@reported
def _give_up(state: AppState):
    state.use_history(load_sample(DEFAULT_SAMPLE))


def _take_fetched(state: AppState):
    """What came of a fetch: prices, or the reason why not and the last good copy where there is one."""
    job, state.fetch = state.fetch, None
    failed = {symbol: outcome for symbol, outcome in job.results.items() if isinstance(outcome, ForecastingError)}
    state.failures += [str(error) for error in failed.values()]
    _take(state, {symbol: job.cached(symbol) if symbol in failed else job.results[symbol] for symbol in job.symbols})


def _take(state: AppState, found: dict):
    """Keeps the histories found (None: there is none) and takes the first one in hand."""
    found = {symbol: history for symbol, history in found.items() if history is not None}
    state.fetched |= found
    for history in list(found.values())[:1]:
        keep_history(state, history)


def _draw_fetched(state: AppState):
    if len(state.fetched) > 1:
        _take_symbol(state)
        widget = widget_for(state, "data_symbol", next((s for s, h in state.fetched.items() if h is state.history), None))
        st.segmented_control("Fetched", list(state.fetched), default=widget.value, key=widget.key, on_change=_take_symbol,
                             args=(state,))


@reported
def _take_symbol(state: AppState):
    for _, symbol in taken(state, "data_symbol"):
        if symbol:
            keep_history(state, state.fetched[symbol])


def _draw_file(state: AppState):
    # A new key after each upload: Streamlit would keep every file of a session in memory.
    uploads = st.session_state.setdefault("data_uploads", 0)
    file = st.file_uploader("A file with dates and prices", key=f"data_file_{uploads}",
                            help="CSV, text or Excel (.xlsx), also gzipped or zipped. The columns are found by name and "
                                 "content; where several would do, you are asked.")
    if file is not None:
        st.session_state["data_uploads"] += 1
        state.upload = Upload(file.name, file.getvalue())
        _read(state)
        st.rerun()
    if state.upload_error:
        st.error(plain(state.upload_error, limit=1500), icon=":material/error:")
    if state.question is not None:
        _ask(state)
    elif state.is_of_upload:
        _offer_columns(state)
    if state.upload is not None and state.upload.choices:
        st.button("Answer again", icon=":material/undo:", on_click=_ask_again, args=(state,),
                  help="Takes back what was chosen for this file.")


@reported
def _read(state: AppState):
    """Reads the upload with the answers given so far; what comes of it is in the state."""
    # Imported here: most visits read no file, and calendars take half a second.
    from forecasting import read_prices
    from forecasting.data.calendars import guess_calendar

    state.question, state.upload_error = None, None
    upload = state.upload
    # The name travels with the file, so that a series chosen within it can go by its own.
    file = io.BytesIO(upload.content)
    file.name = upload.name
    try:
        with st.spinner("Reading the file …"):
            history = read_prices(file, **upload.choices)
    except NeedsChoice as question:
        state.question = question
    except ForecastingError as error:
        state.upload_error = str(error)
    else:
        history = replace(history, calendar=guess_calendar(history))
        upload.key = history.key
        keep_history(state, history)


def _ask(state: AppState):
    question = state.question
    st.info(plain(question), icon=":material/help:")
    if question.preview is not None:
        st.dataframe(pd.DataFrame(question.preview).astype(str), hide_index=True, height="content")
    key = f"data_choice_{question.kind}"
    st.selectbox(QUESTIONS[question.kind], question.options, key=key)
    st.button("Use this", icon=":material/check:", on_click=_answer, args=(state, question.kind, key))


@reported
def _answer(state: AppState, kind: str, key: str):
    # What the widget holds now: the drawing before may not have known it yet.
    state.upload.choices[kind] = st.session_state[key]
    _read(state)


@reported
def _ask_again(state: AppState):
    state.upload.choices.clear()
    _read(state)


def _offer_columns(state: AppState):
    """Another price column of the same file, where it has one."""
    alternatives = state.history.alternatives
    if alternatives:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            other = st.selectbox("Another price column of this file", alternatives, index=None, key="data_column",
                                 placeholder="The one chosen stands in the notes")
            st.button("Use this column", disabled=other is None, on_click=_answer, args=(state, "column", "data_column"))
