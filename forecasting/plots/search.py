"""A search as it goes: the value of each trial, the settings beside the values, and which settings mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting import words
from forecasting.plots import template as t

__all__ = ["importance_chart", "parallel_chart", "search_chart"]

Y = "RMSE / naive RMSE, mean over folds"
WORST = 3.0  # of the trials from the best to the median, how many times that far the axis reaches


def search_chart(trials: pd.DataFrame, reference: float | None = None, planned: int = 0, *, dark: bool = False) -> go.Figure:
    """The value of each trial and the best so far, beside *Recommended* and naive.

    trials: columns number, value (NaN where there is none), state, words; reference: *Recommended*'s value
    planned: how many trials there will be, so that the axis does not grow
    """
    c = t.colours(dark)
    whole = trials[trials["value"].notna()]
    number, value = whole["number"].to_numpy(), whole["value"].to_numpy(dtype=float)
    best = np.minimum.accumulate(value) if len(value) else value
    last = max(planned, int(trials["number"].max()) if len(trials) else 0, 2)
    gone = trials[trials["state"].isin(["pruned", "failed", "stopped"])]
    low, high = _range(value, reference)
    traces = [
        {"type": "scatter", "mode": "markers", "x": number, "y": np.minimum(value, high), "name": "Trial",
         "customdata": np.stack([value, whole["words"].to_numpy(dtype=object)], axis=1) if len(whole) else None,
         "marker": {"size": 7, "color": t.fade(c.predicted, 0.55), "line": {"width": 1, "color": c.predicted}},
         "hovertemplate": "Trial %{x}: %{customdata[0]:.4f}<br>%{customdata[1]}<extra></extra>"},
        {"type": "scatter", "mode": "markers", "x": gone["number"], "y": np.full(len(gone), low), "name": "Given up",
         "customdata": gone["words"], "marker": {"size": 7, "symbol": "x-thin", "line": {"width": 1.5, "color": c.muted}},
         "hovertemplate": "Trial %{x}: given up<br>%{customdata}<extra></extra>"},
        {**t.line(number, best, "Best so far", c.predicted, width=2.25), "hoverinfo": "skip", "hovertemplate": None},
    ]
    traces[2]["line"]["shape"] = "hv"
    if reference is not None:
        traces.append({**t.line([0.5, last + 0.5], [reference, reference], "Recommended", c.text, width=1.25, dash="dash"),
                       "hoverinfo": "skip", "hovertemplate": None})
    said = "no trial has ended yet."
    if len(value):
        said = (f"the best of {words.count_of(len(value), 'whole trial')} has {words.number(value.min(), 4)} of naive's RMSE"
                + (f", Recommended {words.number(reference, 4)}." if reference is not None else "."))
    return t.make_figure(
        traces, title="Trials", description=f"Value of each trial: {said}", dark=dark, revision="search",
        hovermode="closest", xaxis={"title": {"text": "Trial"}, "range": [0.5, last + 0.5], "tickformat": ",d"},
        yaxis={"title": {"text": Y}, "range": [low - 0.04 * (high - low), high + 0.04 * (high - low)]})


def _range(value, reference):
    """(low, high) of the axis: bad trials are drawn at its top, so that the good ones can be told apart."""
    if not len(value):
        return 0.9, 1.1
    low = min(float(value.min()), reference if reference is not None else np.inf)
    reach = max(WORST * (float(np.median(value)) - low), (reference or low) - low, 1e-4)
    return low - 0.1 * reach, min(float(max(value.max(), reference or 0.0)), low + 1.1 * reach)


def parallel_chart(axes: Sequence[Mapping[str, Any]], values, *, dark: bool = False) -> go.Figure:
    """Each trial as a line through its settings, coloured by its value.

    axes: of each setting its 'label', its 'values' (n,) numbers, and 'ticks' {number: its words} where they stand for others
    values: (n,) of the trials; bad ones count as the worst of the better three quarters, so that the rest can be told apart
    """
    c = t.colours(dark)
    values = np.asarray(values, dtype=float)
    top = float(np.quantile(values, 0.75)) if len(values) else 1.0
    shown = np.minimum(values, top)
    dimensions = [_dimension(axis) for axis in axes]
    dimensions.append({"label": "Value", "values": shown, "tickformat": ".5~r"})
    low = float(shown.min()) if len(shown) else 0.0
    line = {"color": shown, "cmin": low, "cmax": max(top, low + 1e-9), "reversescale": False, "showscale": False,
            "colorscale": [[0, c.predicted], [0.5, t.fade(c.predicted, 0.5)], [1, t.fade(c.naive, 0.25)]]}
    trace = go.Parcoords(line=line, dimensions=dimensions, labelfont={"color": c.text, "size": 12},
                         tickfont={"color": c.muted, "size": 11}, rangefont={"color": "rgba(0,0,0,0)", "size": 1},
                         unselected={"line": {"color": c.grid, "opacity": 0.3}})
    figure = t.make_figure(
        [trace], title="Settings of the trials", dark=dark, legend=False, revision="parallel", height=t.HEIGHT,
        description=f"The settings of {words.count_of(len(values), 'whole trial')} as lines through "
                    f"{words.count_of(len(axes), 'axis', 'axes')}, the better the darker.")
    return figure.update_layout(margin={"t": 84, "l": 56, "r": 56, "b": 16})


def _dimension(axis) -> dict:
    ticks = axis.get("ticks")
    if not ticks:
        return {"label": axis["label"], "values": axis["values"], "tickformat": ".2~g"}
    return {"label": axis["label"], "values": axis["values"], "tickvals": list(ticks), "ticktext": list(ticks.values()),
            "range": [min(*ticks, *axis["values"]) - 0.2, max(*ticks, *axis["values"]) + 0.2]}


def importance_chart(shares: Mapping[str, float], *, dark: bool = False) -> go.Figure:
    """How much each setting had to do with a trial being good. shares: {label: share of 1}, largest first"""
    c = t.colours(dark)
    names = list(shares)[::-1]
    trace = {"type": "bar", "orientation": "h", "x": [100 * shares[name] for name in names], "y": names,
             "marker": {"color": t.fade(c.predicted, 0.55), "line": {"width": 0}},
             "hovertemplate": "%{y}: %{x:.0f} %<extra></extra>"}
    first = next(iter(shares.items()), None)
    said = f"{first[0]} mattered most, with {words.share(first[1], digits=0)}." if first else "nothing is known yet."
    return t.make_figure([trace], title="What made trials good", description=f"Importance of the settings: {said}", dark=dark,
                         height=max(200, 90 + 34 * len(names)), legend=False, revision="importance", hovermode="closest",
                         xaxis={"title": {"text": "Share, %"}, "rangemode": "tozero"}, yaxis={"showgrid": False})
