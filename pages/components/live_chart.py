"""A Plotly chart that stays the same element of the page while its figure changes, so that zoom and hover stay."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import plotly
import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from forecasting.plots import CONFIG, describe

__all__ = ["draw_live_chart"]


@cache
def _component():
    # Streamlit's own copy of Plotly cannot be reached from outside its chart. The Python package brings the library too; the
    # browser fetches it from there, over HTTP, since an inline script would hold up the ticks on the websocket.
    get_bidi_component_manager().register_from_manifest(
        ComponentManifest("plotly", plotly.__version__, [ComponentConfig("library", "package_data")]),
        Path(plotly.__file__).parent)
    source = (Path(__file__).parent / "live_chart.js").read_text(encoding="utf-8")
    return st.components.v2.component("live_chart", js=source, isolate_styles=False)


def draw_live_chart(figure, key: str):
    """Draws a figure of `forecasting.plots` that will soon be drawn again with other data.

    `st.plotly_chart` takes a figure with other data for another element and replaces it, and with it zoom and hover.
    """
    _component()(key=key, height="content", data={"figure": figure.to_json(), "config": CONFIG, "words": describe(figure)})
