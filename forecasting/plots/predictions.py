"""Actual, predicted and naive prices on one dated chart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting import words
from forecasting.plots import template as t
from forecasting.plots.sampling import MOST_POINTS, downsample, range_buttons, rows_within, span

__all__ = ["prediction_chart"]


def prediction_chart(predictions: pd.DataFrame, *, dark: bool = False, currency: str | None = None, x_range=None,
                     intervals: bool = True, title: str = "Actual and predicted prices, one step ahead",
                     n: int = MOST_POINTS) -> go.Figure:
    """What came, what was predicted one step ahead, the naive forecast, and the 80 and 95 % intervals.

    predictions: as in `TrainingResult.predictions`; the parts are shaded where the frame has more than one
    x_range: (start, end), e.g. of `last_rows(dates, 60)`, where a lag of one step can be seen; None for all rows
    n: the most points of a line; a narrower `x_range` is drawn from all the rows it holds
    """
    c = t.colours(dark)
    dates = predictions.index
    within = rows_within(dates, x_range)
    shown = predictions.iloc[within]
    columns = [shown[name].to_numpy(dtype=float) for name in ("actual", "predicted")]
    shown = shown.iloc[downsample(shown.index, *columns, n=n)]
    x = shown.index
    form, unit = t.price_format(predictions["actual"]), f" {currency}" if currency else ""
    markers = {"mode": "lines+markers", "marker": {"size": 5}} if 0 < len(shown) <= 90 else {}
    traces = []
    if intervals and "lower_95" in shown:
        traces += t.band(x, shown["lower_95"], shown["upper_95"], "95 % interval", c.band_95, form)
        traces += t.band(x, shown["lower_80"], shown["upper_80"], "80 % interval", c.band_80, form)
    traces += [
        t.line(x, shown["naive"], "Naive", c.naive, width=1.25, dash="dot", value=form, suffix=unit),
        t.line(x, shown["actual"], "Actual", c.actual, width=1.25, value=form, suffix=unit, **markers),
        t.line(x, shown["predicted"], "Predicted", c.predicted, width=2, value=form, suffix=unit, **markers),
    ]
    everything = [predictions[name].to_numpy(dtype=float) for name in ("actual", "predicted")]
    layout = {"xaxis": t.date_axis(dates, c), "yaxis": {"title": {"text": t.unit_text(currency)}}}
    if x_range is not None:
        layout["xaxis"]["range"] = list(x_range)
        layout["yaxis"]["range"] = span(*(column[within] for column in everything))
    if len(parts := part_spans(predictions)) > 1:
        layout |= t.shade(parts, c)
    buttons = range_buttons(dates, *everything, c=c, top=1.0) if x_range is None else None
    return t.make_figure(traces, title=title, description=_prediction_words(predictions, currency), dark=dark, height=t.TALL,
                         buttons=buttons, revision=f"predictions{x_range}{dates[:1]}", **layout)


def part_spans(predictions: pd.DataFrame):
    """(part, start, end) for each part of the split that `predictions` holds; each ends where the next begins."""
    if "split" not in predictions or not len(predictions):
        return []
    starts = [(part, int(np.argmax(predictions["split"].to_numpy() == part))) for part in t.PARTS
              if (predictions["split"] == part).any()]
    ends = [row for _, row in starts[1:]] + [len(predictions) - 1]
    return [(part, predictions.index[row], predictions.index[end]) for (part, row), end in zip(starts, ends, strict=True)]


def _prediction_words(predictions, currency):
    rows = predictions[predictions["split"] == "test"] if "split" in predictions else predictions
    rows = rows.dropna(subset=["actual", "predicted", "naive"])
    if not len(rows):
        return "No predictions."
    errors = {name: float(np.sqrt(((rows[name] - rows["actual"]) ** 2).mean())) for name in ("predicted", "naive")}
    return (f"{words.count_of(len(rows), 'prediction')} of the test part, {words.dates(rows.index[0], rows.index[-1])}: RMSE "
            f"{words.price(errors['predicted'], currency)}, of the naive forecast {words.price(errors['naive'], currency)}.")
