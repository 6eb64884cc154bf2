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

from forecasting.model.cells.program import program_of
from forecasting.model.encoding import CLIP
from forecasting.plots import colours
from forecasting.words import date, unit
from pages.components.frame import is_dark
from pages.components.inside.view import NEXT

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
    "maps": "Heat maps of the layer. Arrow keys move the pointer. Unit", "curves": "Gates and states over the window, unit",
    "forecast": "Forecast", "naive": "Last price (naive)", "came": "What came", "network": "Network", "linear": "linear part",
    "price": "Price", "drag": "Nothing has been changed. Drag a price to see what follows from it.",
    "at": "Unit", "terms": "Where the two numbers come from", "below": "Unit below", "before": "one step before",
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
    network, encoded, encoder, history = result.network, result.encoded, result.encoder, result.history
    rows, parts = len(history), result.split
    start = max(parts.train_end - 1, result.config.window - 1, rows - MOST_DAYS)
    offset = max(0, start - network.length)  # one row more than the network reads, from which the first move is measured
    within_days = bool((history.dates != history.dates.normalize()).any())
    stamps = [day.isoformat() if within_days else f"{day:%Y-%m-%d}" for day in history.dates[offset:]]
    return {
        "title": history.name, "currency": history.currency, "one": unit(history.frequency), "rows": rows,
        "file": "".join(letter if letter.isalnum() else "-" for letter in f"{history.name} inside")[:60],
        "cell": _cell_data(network.cell), "window": network.window, "length": network.length, "horizon": network.horizon,
        "channels": network.channels, "channelNames": list(encoder.channels),
        "closeAt": encoder.channels.index("Close") if "Close" in encoder.channels else -1,
        "layers": [{"inputs": len(kernel), "units": len(recurrent), "kernel": _packed(kernel), "recurrent": _packed(recurrent),
                    "bias": _packed(bias)} for kernel, recurrent, bias in network.layers],
        "head": {"kernel": _packed(network.head[0]), "bias": _packed(network.head[1])},
        "linear": None if network.linear is None else _packed(network.linear),
        "encoder": {"target": encoder.target, "positive": encoder.positive, "centre": encoder.centre, "scale": encoder.scale,
                    "clip": CLIP},
        "offset": offset, "start": start, "close": _packed(history.close[offset:], "<f8"),
        "inputs": _packed(encoded.inputs[offset:]), "labels": [date(day) for day in history.dates[offset:]], "stamps": stamps,
        "dates": [*stamps[start + 1 - offset :], NEXT], "orders": [list(map(int, order)) for order in orders],
        "parts": [{"name": name, "start": first - 1, "end": end - 1} for name, first, end in (
            ("validation", parts.train_end, parts.validation_end), ("test", parts.validation_end, rows))],
        "fixed": _why_fixed(encoder),
    }


def _cell_data(cell) -> dict:
    """A cell's equations as the browser computes and prints them."""
    named = dict.fromkeys((*cell.gates, *cell.states))
    letters = {name: line.partition("_")[0].strip() for name, line in zip(named, cell.equations, strict=True)}
    recurrent = re.search(r"([A-Z])(_\w)? *[a-z]_\{t-1\}", cell.equations[0])
    assert recurrent, cell.equations
    return {"name": cell.name, "gates": list(cell.gates), "states": list(cell.states), "reads": cell.reads,
            "recurrent_bias": cell.recurrent_bias, "program": program_of(cell), "letters": letters,
            "recurrent": recurrent.group(1)}


def _why_fixed(encoder) -> str | None:
    """Why no price can be dragged, a sentence, or None."""
    if encoder.centred:
        return "This run's input is a centred average of prices, a mistake made in the leak lab; its prices cannot be dragged."
    if "Close" not in encoder.channels:
        return "The price is not among this network's inputs, so there is nothing to drag."
    return None


def _packed(values, kind: str = "<f4") -> str:
    """Numbers as base64, little-endian."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")
