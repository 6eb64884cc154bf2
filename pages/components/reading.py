"""How a file was read, part by part, on the Data page: each part that could be otherwise can be changed there."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting.data.interpretation import Interpretation
from forecasting.data.reading_parts import PARTS, Row, calendar_options, overlaid, rows_of
from pages.components.opening import correct_history, name_of, read_again, request_of
from pages.components.state import AppState, Request, reported, taken, widget_for
from pages.components.text import plain

__all__ = ["draw_attempt", "draw_calendar", "draw_reading", "follow_reading", "say_or_read"]

CALENDAR = "Trading days"
CALENDAR_HELP = ("Forecasts are dated on the days when this exchange is open, holidays left out; type to search. For one that "
                 "is not listed, such as Cairo's or Dhaka's, they are dated on the days of the week that have rows.")
LABEL, CONTROL = 210, 310  # widths in pixels, so that the parts stand below each other like a table; on a phone they wrap


def follow_reading(state: AppState):
    """Takes what a person has changed about how a file is read; it is read where that is drawn, see `say_or_read`."""
    _take_calendar(state)
    current = request_of(state)
    for request in [*([current] if current else []), *state.requests.values()]:
        changes = {name: value for name in PARTS for _, value in taken(state, f"{_prefix(state, request)}_{name}")}
        if changes:
            request.wanted = (request.choices if request.wanted is None else request.wanted) | changes


def say_or_read(state: AppState, request: Request | None, sentence: str):
    """`sentence`; or a file that is to be read again is read, with a sign of that in the same place, so that nothing jumps."""
    if request is not None and request.wanted is not None:
        with st.spinner("Reading the file …"):
            read_again(state, request, request.wanted)
        st.rerun()
    if sentence:
        st.caption(sentence)


def _prefix(state: AppState, request: Request | None) -> str:
    """Of the widgets that are about a request: the one that gave the current prices, or another that has given none yet."""
    return "data_read" if request is state.request else f"data_try_{request.source}"


def draw_reading(state: AppState):
    """The panel, and why the file could not be read as it was wanted last; nothing for prices from elsewhere."""
    request = request_of(state)
    shown = state.history.reading is not None
    for one in state.requests.values():
        if one is not request or not shown:
            say_or_read(state, one, "")  # those that have no panel on the screen
    if not shown:
        return
    if request is not None and request.error:
        st.error(plain(f"{request.error} The prices below are still as they were read before.", limit=1500),
                 icon=":material/error:")
    other = next((one for one in state.questions if one is not request), None)
    at_hand = request is not None and (request.answers is not None or request.upload_id is not None)
    with st.expander("How this file was read", key="data_reading"):
        if other is not None:
            about = f"To change this, first answer the question about {plain(name_of(other), limit=80)}."
        elif at_hand:
            about = "A change reads the file again at once. Repairs made with the buttons below are then offered again."
        else:
            about = "The file itself is not kept any more. To read it in another way, upload it again."
        say_or_read(state, request, about)
        reading = overlaid(state.history.reading, request and request.reading)
        _draw_rows(state, request, reading, changeable=at_hand and other is None)


def draw_attempt(state: AppState, request: Request):
    """The panel of a file that has given no prices yet; nothing where no part of it could be otherwise."""
    if request.reading is None or not (request.reading.options or request.choices):
        return
    with st.expander(f"How {plain(name_of(request), limit=80)} was read so far", key=f"data_try_{request.source}"):
        say_or_read(state, request, "A change reads the file again at once.")
        _draw_rows(state, request, request.reading, changeable=True)


def _draw_rows(state: AppState, request: Request | None, reading: Interpretation, changeable: bool):
    choices = request.choices if request is not None else {}
    for row in rows_of(reading, choices):
        _draw_row(state, request, row, changeable)
    if request is state.request:
        _draw_calendar_row(state, request, changeable)
    if choices and changeable:
        st.button("All automatic", key=f"{_prefix(state, request)}_all", icon=":material/undo:", on_click=_set_back,
                  args=(request, list(choices)), help="Reads the file again as if nothing had been set by hand.")


def _draw_row(state: AppState, request: Request | None, row: Row, changeable: bool):
    with _line(row.part.label, row.part.help):
        if row.options and changeable:
            widget = widget_for(state, f"{_prefix(state, request)}_{row.name}", row.value)
            options = list(row.options)
            st.selectbox(row.part.label, options, index=options.index(widget.value), key=widget.key, width=CONTROL,
                         format_func=row.options.get, label_visibility="collapsed")
        else:
            st.markdown(f":small[**{plain(row.words)}**]", width=CONTROL)
        if row.chosen:
            _draw_set_back(state, request, row.name, changeable)


def _line(label: str, about: str):
    """A row of the panel, which begins with its label; on a narrow screen the rest follows below that."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    line.markdown(f":small[{label}]", width=LABEL, help=about or None)
    return line


def _draw_set_back(state: AppState, request: Request, name: str, changeable: bool):
    st.caption("set by you", width="content")
    st.button("Automatic", key=f"{_prefix(state, request)}_{name}_back", type="tertiary", icon=":material/undo:",
              disabled=not changeable, on_click=_set_back, args=(request, [name]),
              help="Sets this back to what is found in the file.")


@reported
def _set_back(request: Request, names: list[str]):
    request.wanted = {name: value for name, value in request.choices.items() if name not in names}


def _draw_calendar_row(state: AppState, request: Request | None, changeable: bool):
    with _line(CALENDAR, CALENDAR_HELP):
        _select_calendar(state, CONTROL, "collapsed")
        if request is not None and "calendar" in request.choices:
            _draw_set_back(state, request, "calendar", changeable)


def draw_calendar(state: AppState):
    """The exchange of prices that are from no file, and so have no panel."""
    if state.history.reading is None:
        _select_calendar(state, "stretch", "visible")


def _select_calendar(state: AppState, width, label_visibility: str):
    history = state.history
    options = calendar_options(history)
    widget = widget_for(state, "data_calendar", history.calendar or "")
    st.selectbox(CALENDAR, list(options), index=list(options).index(widget.value), key=widget.key, on_change=_take_calendar,
                 args=(state,), format_func=options.get, help=CALENDAR_HELP, width=width, label_visibility=label_visibility)


@reported
def _take_calendar(state: AppState):
    for _, chosen in taken(state, "data_calendar"):
        request = request_of(state)
        if request is not None and state.history.reading is not None:
            for choices in (request.choices, request.taken):
                choices["calendar"] = chosen
        correct_history(state, replace(state.history, calendar=chosen or None))
