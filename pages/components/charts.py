"""A chart in the app's look, and the loss chart that the Train page shows live and afterwards."""

from __future__ import annotations

import json

import streamlit as st
from streamlit.elements.lib.layout_utils import LayoutConfig
from streamlit.proto.PlotlyChart_pb2 import PlotlyChart

from forecasting.plots import CONFIG, describe, loss_chart
from pages.components.frame import is_dark

__all__ = ["draw_chart", "draw_live_chart", "draw_loss"]


def draw_chart(figure, key: str, place=st):
    """Draws a figure of `forecasting.plots` with its text alternative."""
    place.plotly_chart(figure, key=key, theme=None, config=CONFIG, alt=describe(figure))


def draw_live_chart(figure, key: str):
    """As `draw_chart`, for a figure that changes while a person may be zooming or pointing at it.

    Streamlit's own function gives every figure an identity made of its data, so the browser would replace the chart with each
    change, and zoom and hover would be lost. This one keeps its identity, and Plotly draws the new data into it.
    """
    chart = PlotlyChart(id=f"live_{key}", spec=figure.to_json(validate=False), config=json.dumps(CONFIG), alt=describe(figure))
    st._main._enqueue("plotly_chart", chart, layout_config=LayoutConfig(width="stretch", height=figure.layout.height))


def draw_loss(curve, run, log_scale: bool, key: str):
    """The loss chart of a run, live or ended."""
    planned = run.epochs if run.active else len(curve)
    figure = loss_chart(curve, best_epoch=run.best_epoch, log_scale=log_scale, epochs=planned, dark=is_dark())
    if run.active:
        draw_live_chart(figure, f"{key}_{run.id}")
    else:
        draw_chart(figure, key)
