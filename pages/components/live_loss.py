"""The loss chart while a training goes on, drawn in the browser."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import streamlit as st

from forecasting.plots import describe
from forecasting.plots.template import colours

__all__ = ["draw_live_loss"]

CSS = """.live-loss { display: block; touch-action: pan-y; cursor: crosshair; font: 12px var(--st-font, sans-serif); }
.live-loss .title { font-size: 16px; }
.live-loss text { user-select: none; }"""


@cache
def _component():
    source = (Path(__file__).parent / "live_loss.js").read_text(encoding="utf-8")
    return st.components.v2.component("live_loss", css=CSS, js=source, isolate_styles=False)


def draw_live_loss(curve, run, log_scale: bool, figure, dark: bool):
    """The same picture as `figure`, the loss chart of Plotly, which the run gets once it has ended.

    Streamlit takes a Plotly figure with other data for another element and replaces it, and with it zoom and hover. A training
    changes its figure several times a second.
    """
    losses = {name: [float(value) if np.isfinite(value) else None for value in curve[name]] for name in ("loss", "val_loss")}
    _component()(key=f"live_loss_{run.id}", height="content", data={
        "epochs": [int(epoch) for epoch in curve["epoch"]], **losses, "best": run.best_epoch or 0, "log": log_scale,
        "last": max(run.epochs, len(curve), 2), "words": describe(figure), "colours": asdict(colours(dark))})
