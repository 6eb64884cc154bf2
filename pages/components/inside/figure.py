"""The figure of one window in three depths, which computes in the browser: see `figure.js`.

The browser gets the network's weights and its inputs once; dragging a price, moving the pointer and choosing another day
need no answer from the server, which is told afterwards what is shown.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path

import numpy as np
import streamlit as st

from forecasting import ConfigError
from forecasting.inside import symbols
from forecasting.inside.browser import check_what_if, export_network, pack
from forecasting.model.cells.program import program_of
from forecasting.plots import colours
from forecasting.words import date, unit
from pages.components.frame import is_dark
from pages.components.inside.view import NEXT, day_name

__all__ = ["KEY", "MOST_PARAMETERS", "draw_figure", "network_data", "shown_in_browser"]

KEY = "inside_figure"
MOST_PARAMETERS = 2_000_000  # 8 MB of weights
MOST_DAYS = 20_000  # that can be chosen, the latest ones
WORDS = {
    "window": "The prices that the network read (line), its forecast (blue, filled), the naive forecast (dotted) and what came "
              "(open circle). Drag the handle up or down, or focus it and use the arrow keys.",
    "layer": "A row for each unit, like ones together; a column for each day. Blue is above zero, orange below.",
    "unit": "One unit over the window, then the equations of the day under the pointer with its numbers.",
    "figure": "One window of the network: prices, layers and a unit",
    "overview": "The closing prices of the validation and test parts. A click chooses the day that the window ends with.",
    "train": "Training", "validation": "Validation", "test": "Test",
    "after": "Made after", "handle": "Price under the pointer. Up and down change it, left and right move on.",
    "maps": "Heat maps of the layer. Arrow keys move the pointer over units and days.",
    "curves": "Gates and states over the window, unit",
    "forecast": "Forecast", "naive": "Last price (naive)", "came": "What came", "network": "Network", "linear": "linear part",
    "price": "Price", "drag": "Nothing has been changed. Drag a price to see what follows from it.",
    "at": "Unit", "terms": "Where the two numbers come from", "below": "Unit below", "before": "one step before",
    "stretch": "Stretch the colours",
}


@cache
def _component():
    here = Path(__file__).parent
    source = "\n".join((here / name).read_text(encoding="utf-8") for name in ("network.js", "figure.js"))
    return st.components.v2.component("inside_figure", js=source, css=(here / "figure.css").read_text(encoding="utf-8"))


def shown_in_browser() -> dict | None:
    """What the browser last said about the figure: n, has, day, layer, unit, step and perhaps drag; None if it has not yet."""
    shown = st.session_state.get(KEY)
    return shown.get("view") if shown else None


def draw_figure(network_id: str, data: dict, view: dict):
    """data: of `network_data`; view: day, layer, unit and step to be shown"""
    said = shown_in_browser() or {}
    # The weights go to a browser once: a click must not send them again.
    known = said.get("has") == network_id
    c = colours(is_dark())
    palette = {name: getattr(c, name) for name in ("text", "muted", "grid", "surface", "predicted", "naive", "train",
                                                   "validation", "test", "accent")}
    _component()(key=KEY, data={"id": network_id, "network": None if known else data, "colours": palette, "words": WORDS,
                                "view": {**view, "echo": said.get("n", 0)}}, on_view_change=lambda: None)


def network_data(result, orders) -> dict:
    """All that `figure.js` computes with, JSON-able. orders: a list per layer of its units, like ones together"""
    network, history, parts = result.network, result.history, result.split
    rows = len(history)
    start = max(parts.train_end - 1, result.config.window - 1, rows - MOST_DAYS)
    offset = max(0, start - network.length)  # one row more than the network reads, from which the first move is measured
    stamps = [day_name(day) for day in history.dates[offset:]]
    return export_network(result) | {
        "title": history.name, "currency": history.currency, "one": unit(history.frequency), "rows": rows,
        "file": "".join(letter if letter.isalnum() else "-" for letter in f"{history.name} inside")[:60],
        "program": program_of(network.cell), "letters": symbols(network.cell), "recurrent": _recurrent_letter(network.cell),
        "offset": offset, "start": start, "prices": _packed_doubles(history.close[offset:]),
        "inputs": pack(result.encoded.inputs[offset:]), "labels": [date(day) for day in history.dates[offset:]],
        "stamps": stamps, "dates": [*stamps[start + 1 - offset :], NEXT],
        "orders": [list(map(int, order)) for order in orders],
        "parts": [{"name": name, "start": first - 1, "end": end - 1} for name, first, end in (
            ("validation", parts.train_end, parts.validation_end), ("test", parts.validation_end, rows))],
        "fixed": _why_fixed(result), "others": _what_stays(result.encoder),
    }


def _what_stays(encoder) -> str:
    """Which inputs do not follow a price that is dragged, a sentence, or ''."""
    others = [name for name in encoder.channels if name != "Close"]
    if not others:
        return ""
    return f"The other inputs ({', '.join(others[:4])}{' ...' if len(others) > 4 else ''}) stay as they were."


def _recurrent_letter(cell) -> str:
    """What the equations call the weights that read the state."""
    found = re.search(r"([A-Z])(_\w)? *[a-z]_\{t-1\}", cell.equations[0])
    assert found, cell.equations
    return found.group(1)


def _why_fixed(result) -> str | None:
    """Why no price can be dragged, a sentence, or None."""
    try:
        check_what_if(result)
    except ConfigError as error:
        return str(error)
    return None


def _packed_doubles(values) -> dict:
    return {"shape": [len(values)], "data": base64.b64encode(np.ascontiguousarray(values, "<f8").tobytes()).decode("ascii")}
