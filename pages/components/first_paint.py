"""Starts the download of the browser's chart library before the page has a chart to show.

The library is the largest part of the first paint. An empty chart, sent before the server imports pandas and the
page's modules, makes the browser load it in the meantime: the home page of a cold server is then painted in 2.15 s, against
1.91 s for a bare Streamlit page with one chart (medians of `benchmarks/results/app.txt`).
"""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

__all__ = ["preload_charts"]


def preload_charts():
    """Sends a new visitor's browser an empty chart. Returns its placeholder, to be emptied before it can be seen."""
    place = st.empty()
    if not st.session_state:
        place.plotly_chart(go.Figure())
    return place
