"""Several runs on one chart: their validation losses, and their predictions of the same days."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting import words
from forecasting.plots import template as t
from forecasting.plots.sampling import MOST_POINTS, downsample, rows_within, span

__all__ = ["curves_chart", "overlay_chart"]

INVALID = "invalid"
# Distinct under every common colour blindness as far as eight can be; each run also has a symbol of its own. Each has a
# contrast of at least 4.5 with its theme's background.
_LIGHT = ("#1f5fbf", "#b3400e", "#0b7268", "#6d3fc0", "#a8236f", "#626200", "#00708f", "#7a4a2a")
_DARK = ("#5b98f0", "#f08a5d", "#46b5a8", "#b394f0", "#f07fb5", "#c3c04a", "#5cc8ec", "#c9a184")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "star")
_MARKERS = 12  # at most on one line, so that symbols tell lines apart and do not hide them


def curves_chart(curves: Mapping[str, pd.DataFrame], *, invalid: Collection[str] = (), relative: bool = False,
                 dark: bool = False) -> go.Figure:
    """The validation loss of each run by epoch.

    curves: {name: columns epoch (from 1), val_loss}, always in the same order, which gives each run its colour
    invalid: names that are drawn dashed and said to be invalid
    relative: each over its own lowest, for runs whose losses measure different things
    """
    traces, lowest = [], {}
    for at, (name, curve) in enumerate(curves.items()):
        loss = curve["val_loss"].to_numpy(dtype=float)
        known = np.isfinite(loss) & (loss > 0)
        if not known.any():
            continue
        lowest[name] = float(loss[known].min())
        values = np.where(known, loss, np.nan) / (lowest[name] if relative else 1.0)
        traces.append(_line(curve["epoch"].to_numpy(), values, name, at, invalid, dark, value=".4~g"))
    last = max([2, *(int(curve["epoch"].max()) for curve in curves.values() if len(curve))])
    room = (last - 1) * 0.02
    what = "Validation loss over its lowest" if relative else "Validation loss"
    told = "; ".join(f"{name}: {loss:.4g} after {words.count_of(len(curves[name]), 'epoch')}" for name, loss in lowest.items())
    axis: dict[str, Any] = {"title": {"text": "Epoch"}, "hoverformat": ",d", "tickformat": ",d",
                            "unifiedhovertitle": {"text": "Epoch %{x}"}, "range": [1 - room, last + room],
                            **t.spike(t.colours(dark))}
    if last <= 6:
        axis["dtick"] = 1
    return _legend_below(len(curves), t.make_figure(
        traces, title="Validation loss by epoch", dark=dark, revision=f"curves {relative}", xaxis=axis,
        description=f"Lowest validation losses: {told}." if told else "No run has a validation loss.",
        yaxis={"title": {"text": f"{what}, log scale"}, "type": "log", "exponentformat": "power"}))


def overlay_chart(actual: pd.Series, naive: pd.Series, predicted: Mapping[str, pd.Series], *,
                  order: Sequence[str] | None = None, invalid: Collection[str] = (), reference: str | None = None,
                  currency: str | None = None, x_range=None, dark: bool = False, n: int = MOST_POINTS) -> go.Figure:
    """Actual prices, the naive forecast and the predictions of several runs on the same days.

    actual, naive: index Date; predicted: {name: the same days, or some of them}
    order: all names, as in `curves_chart`, where `predicted` lacks some; a run keeps its colour
    invalid: as in `curves_chart`; reference: the name of the run that the others are compared with, drawn wider
    x_range: (start, end) to show, drawn from all rows that it holds; None for all
    """
    c, suffix = t.colours(dark), f" {currency}" if currency else ""
    table = pd.DataFrame({"actual": actual, "naive": naive}).assign(
        **{f"run {at}": values.reindex(actual.index) for at, values in enumerate(predicted.values())})
    within = rows_within(table.index, x_range)
    shown = table.iloc[within]
    shown = shown.iloc[downsample(shown.index, *(shown[name].to_numpy() for name in table if name != "naive"), n=n)]
    form, x = t.price_format(actual), t.stamps(shown.index)
    traces = [t.line(x, shown["naive"], "Naive", c.naive, dash="dot", value=form, suffix=suffix)]
    places = list(order or predicted)
    for at, name in enumerate(predicted):
        values = shown[f"run {at}"].to_numpy(dtype=float)
        known = np.isfinite(values)  # an invalid run may lack days
        traces.append(_line(x[known], values[known], name, places.index(name), invalid, dark, value=form, suffix=suffix,
                            width=3.0 if name == reference else 1.75))
    traces.append(t.line(x, shown["actual"], "Actual", c.actual, width=1.1, value=form, suffix=suffix))
    layout: dict[str, Any] = {"xaxis": t.date_axis(table.index, c), "yaxis": {"title": {"text": t.unit_text(currency)}}}
    if x_range is not None:
        layout["xaxis"]["range"] = list(x_range)
        layout["yaxis"]["range"] = span(*(table[name].to_numpy()[within] for name in table))
    told = "; ".join(f"{name} {words.price(_rms(values - actual), currency)}" for name, values in predicted.items())
    return _legend_below(len(predicted) + 2, t.make_figure(
        traces, title="Predictions of the same days, one step ahead", dark=dark, height=t.TALL,
        description=f"{words.count_of(len(actual), 'shared test day')}, RMSE: naive "
                    f"{words.price(_rms(naive - actual), currency)}; {told}.",
        revision=f"overlay{x_range}", **layout))


def _legend_below(lines, figure):
    """Many names would cover the plot from above. On a phone each takes a line below it, so more than a few get more height."""
    return figure.update_layout(height=figure.layout.height + 20 * max(0, lines - 4),
                                legend={"y": -0.15, "yref": "paper", "yanchor": "top", "xref": "paper"}, margin={"t": 40})


def _line(x, y, name, at, invalid, dark, *, width=1.75, **more):
    """The line of run number `at`."""
    colour = (_DARK if dark else _LIGHT)[at % len(_LIGHT)]
    said = f"{name} ({INVALID})" if name in invalid else name
    return t.line(x, y, said, colour, width=width, dash="dash" if name in invalid else "solid", mode="lines+markers",
                  marker={"size": 7, "symbol": _SYMBOLS[at % len(_SYMBOLS)], "maxdisplayed": _MARKERS}, **more)


def _rms(errors):
    known = errors.dropna()
    return float(np.sqrt((known**2).mean())) if len(known) else None
