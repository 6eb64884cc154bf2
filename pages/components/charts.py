"""A chart in the app's look, and the loss chart that the Train page shows live and afterwards."""

from __future__ import annotations

import streamlit as st

from forecasting.plots import CONFIG, describe, loss_chart
from pages.components.frame import is_dark
from pages.components.live_chart import draw_live_chart

__all__ = ["draw_chart", "draw_loss"]


def draw_chart(figure, key: str, place=st):
    """Draws a figure of `forecasting.plots` with its text alternative."""
    place.plotly_chart(figure, key=key, theme=None, config=CONFIG, alt=describe(figure))


def draw_loss(curve, run, log_scale: bool, key: str):
    """The loss chart of a run, live or ended."""
    planned = run.epochs if run.active else len(curve)
    figure = loss_chart(curve, best_epoch=run.best_epoch, log_scale=log_scale, epochs=planned, dark=is_dark())
    if run.active:
        draw_live_chart(figure, key=f"live_loss_{run.id}")
    else:
        draw_chart(figure, key)
