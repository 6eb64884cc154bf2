"""The page Inside the LSTM: which network, which day, the lesson, and what is looked at."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting.evaluation.verdict import leak_words
from forecasting.words import unit
from pages.components.frame import series_line
from pages.components.inside.attribution import draw_attributions, take_baseline
from pages.components.inside.figure import MOST_PARAMETERS, draw_figure, shown_in_browser
from pages.components.inside.gradients import draw_gradients
from pages.components.inside.inspected import draw_inspected
from pages.components.inside.learning import draw_learning, take_epoch
from pages.components.inside.lesson import draw_bar, draw_text, notice
from pages.components.inside.loaded import load_network
from pages.components.inside.meaning import draw_units
from pages.components.inside.remembered import draw_memory, take_unit
from pages.components.inside.subject import Subject, choose_subject, take_subject
from pages.components.state import AppState, taken, widget_for
from pages.components.text import plain

__all__ = ["draw_inside"]


def draw_inside(state: AppState):
    """Everything on the page. What was changed is taken first, so that all of it shows the same."""
    take_subject(state)
    take_baseline(state)
    take_unit(state)
    take_epoch(state)
    _take_tab(state)
    _take_figure(state)
    if state.inside_problem:
        st.warning(plain(state.inside_problem), icon=":material/link_off:")
    bar = st.container()
    subject = choose_subject(state)
    notice(state, subject)
    with bar:
        draw_bar(state, subject)
    draw_text(state)
    series_line(subject.result.history)
    if subject.result.config.leak:
        st.warning(plain(leak_words(subject.result.config.leak)), icon=":material/block:")
    horizon, one = subject.result.config.horizon, unit(subject.result.history.frequency)
    if horizon > 1:
        st.caption(f"This network forecasts {horizon} {one}s at once. Where one number is given for the forecast, it is that "
                   f"of the first {one}.")
    if not subject.result.network.head[0].any():
        st.info("No epoch was clearly better than the untrained network on the validation part, so its weights were kept: its "
                "output layer is still at zero. What goes on inside is that of random weights, and nothing of it reaches the "
                "forecast.",
                icon=":material/info:")
    VIEWS[_draw_tabs(state)][1](state, subject)


def _take_tab(state: AppState):
    for _, chosen in taken(state, "inside_tab"):
        state.inside = replace(state.inside, tab=chosen)


def _draw_tabs(state: AppState) -> str:
    tab = state.inside.tab if state.inside.tab in VIEWS else next(iter(VIEWS))
    widget = widget_for(state, "inside_tab", tab)
    st.segmented_control("Look at", list(VIEWS), default=tab, key=widget.key, required=True, label_visibility="collapsed",
                         format_func=lambda name: VIEWS[name][0])
    return tab


def _take_figure(state: AppState):
    """Takes what the browser says about the figure: it has shown it already."""
    said = shown_in_browser()
    if not said or said.get("n") == state.inside_message or "day" not in said:
        return
    state.inside_message = said["n"]
    state.inside = replace(state.inside, **{name: said[name] for name in ("day", "layer", "unit", "step")})
    if "drag" in said:
        state.inside_drag = said["drag"]


def draw_window(state: AppState, subject: Subject):
    """The window in three depths."""
    result = subject.result
    if sum(weight.size for weight in result.network.weights) > MOST_PARAMETERS:
        st.info("This network is too large for the browser to compute it while a finger moves. The other views show it.",
                icon=":material/info:")
        return
    st.fragment(_draw_figure)(state, subject)


def _draw_figure(state: AppState, subject: Subject):
    from pages.components.address import write_address

    day = state.inside.day
    _take_figure(state)
    if state.inside.day != day or notice(state, subject):
        st.rerun()  # the field for the day and the lesson follow
    write_address(state)
    view = state.inside
    draw_figure(subject.id, load_network(subject.id, subject.result),
                {"day": subject.day, "layer": view.layer, "unit": view.unit, "step": view.step})


VIEWS = {"window": ("Window", draw_window), "days": ("Past days", draw_attributions), "memory": ("Memory", draw_memory),
         "gradients": ("Gradients", draw_gradients), "units": ("Units", draw_units), "learning": ("Learning", draw_learning),
         "input": ("Input", draw_inspected)}
