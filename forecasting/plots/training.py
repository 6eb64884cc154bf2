"""The loss of a training, live or ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting import words
from forecasting.plots import template as t

__all__ = ["loss_chart"]


def loss_chart(curve: pd.DataFrame, best_epoch: int | None = None, *, log_scale: bool = False,
               epochs: int | None = None, dark: bool = False) -> go.Figure:
    """Training and validation loss by epoch on one chart, the best epoch marked.

    curve: columns epoch (from 1), loss, val_loss; may be empty: the chart keeps its size while a training starts
    best_epoch: the epoch of the lowest validation loss; 0 where the untrained network was kept
    epochs: how many are planned, so that the axis does not grow while points arrive
    """
    c = t.colours(dark)
    epoch = curve["epoch"].to_numpy() if len(curve) else np.array([], dtype=int)
    loss, val_loss = (_losses(curve, name, log_scale) for name in ("loss", "val_loss"))
    mode = "lines+markers" if len(curve) < 30 else "lines"
    traces = [
        t.line(epoch, loss, "Training", c.train, dash="dash", mode=mode, marker={"size": 5, "symbol": "circle-open"}),
        t.line(epoch, val_loss, "Validation", c.validation, width=2, mode=mode, marker={"size": 5}),
    ]
    best = np.flatnonzero(epoch == best_epoch) if best_epoch else np.array([], dtype=int)
    if best.size and np.isfinite(val_loss[best[0]]):
        marker = {"symbol": "diamond", "size": 11, "color": c.validation, "line": {"width": 2, "color": c.text}}
        traces.append({"type": "scatter", "mode": "markers", "x": epoch[best[:1]], "y": val_loss[best[:1]],
                       "name": "Best epoch", "marker": marker, "hovertemplate": "Best epoch<extra></extra>"})
    last = max(int(epoch.max()) if epoch.size else 0, epochs or 0, 2)
    room = (last - 1) * 0.02
    axis: dict[str, Any] = {"title": {"text": "Epoch"}, "range": [1 - room, last + room], "hoverformat": ",d",
                            "tickformat": ",d", "unifiedhovertitle": {"text": "Epoch %{x}"}, **t.spike(c)}
    if last <= 6:
        axis["dtick"] = 1
    values: dict[str, Any] = {"title": {"text": "Loss, log scale" if log_scale else "Loss"},
                              "type": "log" if log_scale else "linear", "exponentformat": "power"}
    if not len(curve):
        values["range"] = [-2, 0] if log_scale else [0, 1]
    return t.make_figure(traces, title="Loss by epoch", description=_words(curve, best_epoch), dark=dark,
                         revision=f"loss {log_scale}", xaxis=axis, yaxis=values)


def _losses(curve, name, log_scale):
    """(epochs,) the losses, NaN where they cannot be drawn."""
    values = curve[name].to_numpy(dtype=float) if len(curve) else np.array([])
    return np.where(np.isfinite(values) & ((values > 0) | (not log_scale)), values, np.nan)


def _words(curve, best_epoch):
    if not len(curve):
        return "Loss by epoch: no epoch has ended yet."
    last = curve.iloc[-1]
    text = (f"After {words.count_of(int(last['epoch']), 'epoch')} the training loss is {last['loss']:.4g} and the "
            f"validation loss {last['val_loss']:.4g}")
    best = curve.loc[curve["epoch"] == (best_epoch or 0), "val_loss"]
    if len(best):
        return f"{text}; the best validation loss is {best.iloc[0]:.4g}, in epoch {best_epoch}."
    return text + ("; no epoch was clearly better than the untrained network." if best_epoch == 0 else ".")
