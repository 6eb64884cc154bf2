"""The sources of prices on the Data page: the fields of each entry of `SOURCES`, and the outcome of opening it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting import ForecastingError
from forecasting.data.samples import DEFAULT_SAMPLE
from forecasting.data.sources import SOURCES, Choice, File, Text, Toggle, Upload, origin_of, reopen
from pages.components.bring_back import holds_run, show_zip
from pages.components.frame import boundary
from pages.components.opening import open_source, take_history
from pages.components.reading import draw_attempt
from pages.components.state import AppState, Request, held, reported, taken, widget_for
from pages.components.text import plain
from pages.components.track import note_prices

__all__ = ["draw_fields", "draw_sources"]

PATIENCE_SECONDS = 10


def draw_sources(state: AppState):
    """Draws the sources; the prices that the user opens become `state.history`."""
    for key, request in list(state.requests.items()):
        if request.job is not None and request.job.done:
            _take_results(state, key)
            st.rerun()
    by_label = {source.label: key for key, source in SOURCES.items()}
    at_first = state.waiting_for or origin_of(state.history)
    label = st.segmented_control("Prices from", list(by_label), default=SOURCES[at_first].label, key="data_way", required=True,
                                 help="\n".join(f"- **{source.label}**: {source.help}" for source in SOURCES.values()))
    with boundary():
        _draw_source(state, by_label[label])


def _draw_source(state: AppState, key: str):
    source = SOURCES[key]
    if source.button:
        _draw_form(state, key)
    elif isinstance(source.fields[0], Choice):
        _draw_options(state, key, source.fields[0])
    else:
        _draw_uploader(state, key, source.fields[0])
    request = state.requests.get(key)
    if request is None:
        return
    if request.error and request is not state.request:
        st.error(plain(request.error, limit=1500), icon=":material/error:")
        draw_attempt(state, request)
    reading = state.history.reading if request is state.request else request.reading
    if request.choices and request.question is None and reading is None:  # else each can be changed in its panel
        st.button("Answer again", icon=":material/undo:", on_click=_ask_again, args=(request,),
                  help="Undoes the answers given so far.")
    if request.job is not None:
        _draw_job(state, key)
    _draw_found(state, key)


def _draw_options(state: AppState, key: str, field: Choice):
    """A choice that opens its source."""
    _take_option(state, key)
    name = SOURCES[key].name_of(state.history)
    widget = widget_for(state, f"data_{key}", name)
    options = field.options({})
    st.segmented_control(field.label, list(options), default=widget.value, key=widget.key, on_change=_take_option,
                         args=(state, key), format_func=options.get, help=field.help or None, label_visibility="collapsed")
    if about := field.about().get(name):
        st.caption(about)


@reported
def _take_option(state: AppState, key: str):
    for _, option in taken(state, f"data_{key}"):
        if option:
            open_source(state, key, {SOURCES[key].fields[0].name: option})


def _draw_uploader(state: AppState, key: str, field: File):
    """A file that opens its source."""
    # A new key after each upload: Streamlit would keep every file of a session in memory.
    counter = f"data_uploads_{key}"
    uploads = st.session_state.setdefault(counter, 0)
    file = st.file_uploader(field.label, key=f"data_{key}_{uploads}", help=field.help or None)
    if file is not None:
        st.session_state[counter] += 1
        content = file.getvalue()
        if content[:2] == b"PK" and holds_run(content):
            show_zip(state, content)
        with st.spinner("Reading the file …"):
            open_source(state, key, {field.name: Upload(file.name, content)})
        st.rerun()


def _draw_form(state: AppState, key: str):
    """The fields of a source, and the button that opens it."""
    answers, pressed = draw_fields(state, key, "data")
    if pressed:
        with st.spinner("Reading the prices …"):
            open_source(state, key, answers)
        st.rerun()


def draw_fields(state: AppState, key: str, prefix: str, disabled: bool = False) -> tuple[dict, bool]:
    """A row of a source's fields that ends with its button, and the toggles below it.

    prefix: of the widgets' names, one for each place that draws these fields; disabled: whether the button is
    returns the answers, and whether the button was pressed
    """
    source = SOURCES[key]
    in_row = [field for field in source.fields if not isinstance(field, Toggle)]
    *places, last = st.columns([*(2 if isinstance(field, Choice) else 3 for field in in_row), 1], vertical_alignment="bottom")
    answers: dict = {}
    for field, place in zip(in_row, places, strict=True):
        answers[field.name] = _draw_field(state, place, f"{prefix}_{key}_{field.name}", field, answers)
    for field in source.fields:
        if isinstance(field, Toggle):
            answers[field.name] = _draw_field(state, st, f"{prefix}_{key}_{field.name}", field, answers)
    return answers, last.button(source.button, width="stretch", key=f"{prefix}_{key}_open", disabled=disabled)


def _draw_field(state: AppState, place, name: str, field, answers: dict):
    """The widget of one field. Returns its answer. answers: to the fields before"""
    about = field.help or None
    if isinstance(field, File):
        file = place.file_uploader(field.label, key=name, help=about)
        return None if file is None else Upload(file.name, file.getvalue())
    if isinstance(field, Choice):
        options = field.options(answers)
        widget = held(state, name, field.first_of(options))
        if widget.value not in options:
            widget = widget_for(state, name, field.first_of(options))
        return place.selectbox(field.label, list(options), index=list(options).index(widget.value), key=widget.key,
                               format_func=options.get, help=about)
    widget = held(state, name, field.default)
    if isinstance(field, Text):
        return place.text_input(field.label, value=widget.value, key=widget.key, placeholder=field.placeholder or None,
                                max_chars=field.max_chars, help=about)
    return place.toggle(field.label, value=widget.value, key=widget.key, help=about)


@reported
def _ask_again(request: Request):
    request.wanted = {}


def _draw_job(state: AppState, key: str):
    """The progress of a fetch, and what else can be done once it takes long."""
    job = state.requests[key].job
    late = job.seconds >= PATIENCE_SECONDS
    st.fragment(_wait, run_every=0.5)(job, late)
    if not late:
        return
    # Outside the fragment that redraws itself, which would lose clicks.
    st.warning(f"{job.provider} has not answered for {PATIENCE_SECONDS} seconds. Keep waiting, or go on without it.",
               icon=":material/hourglass_empty:")
    with st.container(horizontal=True):
        if any(job.cached(symbol) for symbol in job.symbols):
            st.button("Use the last good copy", on_click=_use_copies, args=(state, key))
        st.button("Use the sample", on_click=_give_up, args=(state,))


def _wait(job, late: bool):
    if job.done or (not late and job.seconds >= PATIENCE_SECONDS):
        st.rerun()
    st.progress(min(0.95, job.seconds / PATIENCE_SECONDS),
                text=f"Asking {job.provider} for {plain(', '.join(job.symbols))} …")


@reported
def _use_copies(state: AppState, key: str):
    job = state.requests[key].job
    _take_found(state, key, {symbol: job.cached(symbol) for symbol in job.symbols})


@reported
def _give_up(state: AppState):
    state.use_history(reopen(DEFAULT_SAMPLE))


def _take_results(state: AppState, key: str):
    """Takes the results of a job: prices, or why there are none and what can be used instead."""
    request = state.requests[key]
    job, request.job = request.job, None
    state.waiting_for = None
    failed = {symbol: outcome for symbol, outcome in job.results.items() if isinstance(outcome, ForecastingError)}
    state.failures += [str(error) for error in failed.values()]
    _take_found(state, key, {symbol: job.cached(symbol) if symbol in failed else job.results[symbol]
                             for symbol in job.symbols})


def _take_found(state: AppState, key: str, found: dict):
    """Keeps the histories found (None for a missing one) and makes the first the current one."""
    found = {symbol: replace(history, origin=key) for symbol, history in found.items() if history is not None}
    state.requests[key].found |= found
    for number, history in enumerate(found.values()):
        if number == 0:
            take_history(state, state.requests[key], history)
        else:
            note_prices(state, history)


def _draw_found(state: AppState, key: str):
    """Lets the user pick one of several fetched series."""
    if len(state.requests[key].found) > 1:
        _take_symbol(state, key)
        found = state.requests[key].found
        widget = widget_for(state, f"data_{key}_found", next((s for s, h in found.items() if h is state.history), None))
        st.segmented_control("Fetched", list(found), default=widget.value, key=widget.key, on_change=_take_symbol,
                             args=(state, key))


@reported
def _take_symbol(state: AppState, key: str):
    for _, symbol in taken(state, f"data_{key}_found"):
        if symbol:
            take_history(state, state.requests[key], state.requests[key].found[symbol])
