"""How long the network remembers: half-lives, shocks, and its effective memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from forecasting.plots import half_life_chart, shock_chart
from forecasting.words import count_of, number, unit
from pages.components.frame import is_dark
from pages.components.inside.loaded import load_memory
from pages.components.inside.subject import Subject, draw_plot
from pages.components.state import AppState, taken, widget_for
from pages.components.text import plain

__all__ = ["choose_unit", "draw_memory", "take_unit"]

STILL_FELT = 0.1  # of the strongest response, at the first step of the window


def take_unit(state: AppState):
    """Takes the layer and the unit that were chosen in a field outside the figure."""
    for _, chosen in taken(state, "inside_layer_field"):
        state.inside = replace(state.inside, layer=chosen - 1, unit=0)
    for _, chosen in taken(state, "inside_unit_field"):
        state.inside = replace(state.inside, unit=chosen - 1)


def choose_unit(state: AppState, subject: Subject) -> tuple[int, int]:
    """Fields for the layer and the unit; returns them, counted from 0."""
    units = subject.result.network.units
    layer = min(state.inside.layer, len(units) - 1)
    at = min(state.inside.unit, units[layer] - 1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(units) > 1:
            widget = widget_for(state, "inside_layer_field", layer + 1)
            st.number_input("Layer", 1, len(units), layer + 1, key=widget.key, width=130)
        widget = widget_for(state, "inside_unit_field", at + 1)
        # Its bound changes with the layer, and a number beyond it would be an error.
        st.number_input("Unit", 1, max(units), at + 1, key=widget.key, width=130)
    return layer, at


def draw_memory(state: AppState, subject: Subject):
    """Half-lives of the units, the response to a shock, and the effective memory in words."""
    one, memory = unit(subject.result.history.frequency), load_memory(subject.id, subject.result)
    st.markdown(plain(_sentence(memory, one)))
    layer, at = choose_unit(state, subject)
    if memory.half_lives is None:
        st.info(plain(memory.why), icon=":material/info:")
    else:
        life, kept = memory.half_lives[layer][at], memory.kept[layer][at]
        st.caption(plain(f"Layer {layer + 1}, unit {at + 1} keeps {number(100 * kept, 1)} % of its {memory.carrier} state at "
                         f"each step, so that half is left after {_life(life)} {one}s."))
        draw_plot(half_life_chart(memory, (layer, at), dark=is_dark(), one=one), "inside_half_life",
                  f"A bar is a unit: how many {one}s until half of its state is gone, from the share that its gate keeps. What "
                  "the recurrent weights feed back may make it last longer. The chosen unit stands out.", subject,
                  lambda: _half_lives(memory))
    draw_plot(shock_chart(memory, dark=is_dark(), one=one), "inside_shock",
              f"A move of one deviation was added to a {one} of the window. The line falls as the {one} lies further back; "
              "left of the dotted mark lies 95 % of all that is felt.", subject, lambda: _response(memory))


def _life(life: float) -> str:
    return number(float(life), 1) if np.isfinite(life) else "endlessly many"


def _sentence(memory, one: str) -> str:
    if not memory.steps:
        return "No shock is felt in the forecast: the network's output does not depend on its input (yet)."
    said = (f"The effective memory is {count_of(memory.steps, one)}, {number(memory.days, 0)} days by the calendar: so far "
            f"back lies 95 % of all that a shock of one deviation in {memory.channel} does to the forecast, the linear part's "
            f"share included. Averaged over {count_of(memory.windows, 'window')} of the validation part.")
    if memory.response[-1] > STILL_FELT * memory.response.max():
        said += f" It ends where the window does: a shock on its first {one} is still felt, and nothing before that is read."
    return said


def _half_lives(memory) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({"Layer": layer + 1, "Unit": np.arange(len(lives)) + 1, "Kept per step": kept,
                                    "Half-life": lives})
                      for layer, (lives, kept) in enumerate(zip(memory.half_lives, memory.kept, strict=True))])


def _response(memory) -> pd.DataFrame:
    columns = {"Lag": np.arange(len(memory.response)), "Forecast": memory.response}
    table = pd.DataFrame(columns)
    for layer, moved in enumerate(memory.states):
        table[f"States of layer {layer + 1}"] = pd.Series(moved)
    return table
