"""Files that wait for an answer: the question, with what each answer would mean, and a line about them on other pages."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.data.reading_parts import PARTS
from pages.components.frame import link_to
from pages.components.opening import name_of
from pages.components.reading import draw_attempt, say_or_read
from pages.components.state import AppState, Request, reported
from pages.components.text import plain

__all__ = ["draw_questions", "draw_waiting"]


def draw_questions(state: AppState):
    """The questions that have to be answered before a file gives prices."""
    for request in state.questions:
        with st.container(border=True):
            _ask(state, request)


def draw_waiting(state: AppState):
    """One line for each file that waits for an answer, on a page that uses the earlier prices meanwhile."""
    for request in state.questions:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(f"**{plain(name_of(request), limit=80)}** waits for an answer on Data; training uses "
                    f"{plain(state.history.name, limit=80)}.", icon=":material/help:")
            with st.container(width="content"):
                link_to("Data", state, "Answer")


def _ask(state: AppState, request: Request):
    question, name = request.question, plain(name_of(request), limit=80)
    st.info(f"**{name} waits for an answer.** {plain(question.question, limit=1500)}", icon=":material/help:")
    if question.preview is not None:
        st.dataframe(pd.DataFrame(question.preview).astype(str), hide_index=True, height="content")
    part = PARTS.get(question.kind)
    # A name of its own for each question, since the answer to one before may not be among the options of this one.
    widget = f"data_choice_{question.kind}_{len(request.choices)}_{request.note_id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(part.question if part else "Which one?", question.options, key=widget, width=420,
                     format_func=part.words if part else str)
        st.button("Use this", icon=":material/check:", on_click=_answer, args=(request, question.kind, widget))
        if request.choices and request.key is None:
            st.button("Answer again", icon=":material/undo:", on_click=_ask_again, args=(request,),
                      help="Undoes the answers given about this file so far.")
        st.button("Not now", icon=":material/close:", on_click=_leave, args=(state, request),
                  help="Leaves this file and keeps the prices below.")
    say_or_read(state, request, f"Until it is answered, the prices below are still those of "
                                f"{plain(state.history.name, limit=80)}.")
    if request is not state.request:
        draw_attempt(state, request)


@reported
def _answer(request: Request, kind: str, widget: str):
    # Read from the widget: the last drawing may have been older than the latest change.
    request.wanted = {**request.choices, kind: st.session_state[widget]}


@reported
def _ask_again(request: Request):
    request.wanted = {}


@reported
def _leave(state: AppState, request: Request):
    """Forgets a file without prices; one that is read otherwise already stays as it was read."""
    request.question, request.note_id, request.reading, request.choices = None, None, None, dict(request.taken)
    state.waiting_for = None
    if request.key is None and not request.found:
        state.requests.pop(request.source, None)
