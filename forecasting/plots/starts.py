"""Networks that started from other initial weights, side by side before and after their first epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from forecasting.plots import template as t

if TYPE_CHECKING:
    from forecasting.inside.replay import Start

__all__ = ["start_reach_chart", "start_weights_chart"]

_SHOWN = (2, 10, 20, 30, 38)  # of the 41 quantiles: 5, 25, 50, 75 and 95 %


def start_reach_chart(starts: dict[str, dict[int, Start]], *, dark: bool = False) -> go.Figure:
    """How much of a push on the last hidden state comes back to earlier states of the first layer, by lag.

    starts: {initial weights: {epoch: Start}}; the first and the last epoch of each are drawn
    """
    c = t.colours(dark)
    traces, words = [], []
    for (name, known), colour in zip(starts.items(), (c.predicted, c.accent, c.train), strict=False):
        for epoch, dash, width in ((min(known), "dot", 1.5), (max(known), "solid", 2)):
            norms = known[epoch].norms[0]
            label = f"{name}, {_when(epoch)}"
            drawn = np.where(norms > 0, norms, np.nan)
            traces.append(t.line(np.arange(len(norms)), drawn, label, colour, dash=dash, width=width, value=".2e"))
            words.append(f"{label}: {norms[-1]:.2g}")
    return t.make_figure(
        traces, title="How far gradients reach back from each start", dark=dark, revision="start reach",
        how="The last step of the window is at the left; dotted before training, solid after the first epochs. A line that "
            "falls steeply passes little back, so that far steps are hardly learnt from.",
        description=f"What of a push of length 1 comes back to the first step of the window. {'; '.join(words)}.",
        xaxis={"title": {"text": "Steps back from the last one"}, "hoverformat": "d", **t.spike(c)},
        yaxis={"title": {"text": "Norm, log scale"}, "type": "log", "exponentformat": "power"})


def start_weights_chart(starts: dict[str, dict[int, Start]], what: str = "Layer 1, recurrent weights", *,
                        dark: bool = False) -> go.Figure:
    """The distribution of one array of weights before and after the first epochs: its middle half, and 90 % of it.

    starts: {initial weights: {epoch: Start}}; what: a name of `Network.names`
    """
    c = t.colours(dark)
    epochs = sorted({epoch for known in starts.values() for epoch in known})
    traces, words = [], []
    for number, epoch in enumerate(epochs):
        names = [name for name, known in starts.items() if epoch in known]
        low, first, middle, third, high = np.array([starts[name][epoch].weights[what][list(_SHOWN)] for name in names]).T
        shade = t.fade(c.predicted, 0.12 + 0.3 * number / max(1, len(epochs) - 1))
        traces.append({"type": "box", "x": names, "lowerfence": low, "q1": first, "median": middle, "q3": third,
                       "upperfence": high, "name": _when(epoch).capitalize(), "offsetgroup": str(epoch), "boxpoints": False,
                       "line": {"color": c.predicted, "width": 1.2}, "fillcolor": shade})
        words.append(f"{_when(epoch)} " + ", ".join(f"{name} {b - a:.2g}" for name, a, b in zip(names, low, high, strict=True)))
    return t.make_figure(
        traces, title=what, dark=dark, revision=f"start {what}",
        how="A box holds half of the weights, its whiskers 90 %; the darker, the later. Boxes that stay alike have learnt "
            "little.",
        hovermode="closest", boxmode="group",
        description=f"How wide 90 % of the weights spread: {'; '.join(words)}.", yaxis={"title": {"text": "Weight"}})


def _when(epoch):
    return "untrained" if epoch == 0 else f"epoch {epoch}"
