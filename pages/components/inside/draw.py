"""The page Inside the LSTM: which network, which day, and what is looked at."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting.inside import find_origin, order_units
from forecasting.inside.window import origins_of, windows_at
from pages.components.frame import series_line
from pages.components.inside.figure import KEY, MOST_PARAMETERS, draw_figure, network_data, shown_in_browser
from pages.components.runs import choose_result
from pages.components.state import AppState, taken, widget_for
from pages.components.store import load_result

__all__ = ["draw_inside"]

ORDERED = 8  # windows whose hidden states say which units are alike


def draw_inside(state: AppState):
    run, result = choose_result(state)
    if result is None:
        return
    series_line(result.history)
    st.fragment(draw_window)(state, run.id, result)


def draw_window(state: AppState, network_id: str, result):
    take_view(state)
    view = state.inside
    draw_figure(network_id, load_network(network_id, result), {"day": view.day, "layer": view.layer, "unit": view.unit, "step": view.step})


def take_view(state: AppState):
    """Takes what the browser says about the figure into the state."""
    said = shown_in_browser()
    if not said or said.get("n") == state.inside_message or "day" not in said:
        return
    state.inside_message = said["n"]
    state.inside = replace(state.inside, day=said["day"], layer=said["layer"], unit=said["unit"], step=said["step"])


@st.cache_resource(show_spinner=False, max_entries=32)
def load_network(network_id: str, _result) -> dict:
    """What the browser computes with."""
    states = _result.network.forward(windows_at(_result, origins_of(_result, "validation", ORDERED))).traces
    return network_data(_result, [order_units(trace["hidden"].reshape(-1, trace["hidden"].shape[2])) for trace in states])
