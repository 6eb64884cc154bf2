"""Actual, predicted and naive prices on one dated chart."""

from __future__ import annotations

from typing import Any

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
    """Actual prices, one-step predictions, the naive forecast, and the 80 and 95 % intervals.

    predictions: as in `TrainingResult.predictions`; the parts are shaded where the frame has more than one
    x_range: (start, end), e.g. of `last_rows(dates, 60)`, where a lag of one step can be seen; None for all rows
    n: the most points of a line; a narrower `x_range` is drawn from all the rows it holds
    """
    c = t.colours(dark)
    dates = predictions.index
    within = rows_within(dates, x_range)
    lines = [name for name in ("actual", "predicted") if name in predictions]
    bounds = [name for name in ("lower_95", "upper_95") if intervals and name in predictions]
    columns = [predictions[name].to_numpy(dtype=float) for name in (*lines, *bounds)]
    shown = predictions.iloc[within]
    shown = shown.iloc[downsample(shown.index, *(column[within] for column in columns[: len(lines)]), n=n)]
    layout: dict[str, Any] = {"xaxis": t.date_axis(dates, c), "yaxis": {"title": {"text": t.unit_text(currency)}}}
    buttons = None
    if x_range is not None:
        layout["xaxis"]["range"] = list(x_range)
        layout["yaxis"]["range"] = span(*(column[within] for column in columns))
    else:
        buttons = range_buttons(dates, *columns, c=c)
    if len(parts := t.part_spans(predictions)) > 1:
        layout |= t.shade(parts, c, x_range)
    return t.make_figure(
        prediction_lines(shown, c, t.price_format(columns[0]), f" {currency}" if currency else "", bool(bounds)),
        title=title, description=_words(predictions, currency), dark=dark, height=t.TALL, buttons=buttons,
        revision=f"predictions{x_range}{dates[:1]}{title}", **layout)


def prediction_lines(shown: pd.DataFrame, c: t.Colours, form: str, suffix: str, intervals: bool) -> list[dict]:
    """The traces: intervals at the back, the actual price in front, thin enough to leave the predicted one visible."""
    x = t.stamps(shown.index)
    marks: dict[str, Any] = {"mode": "lines+markers", "marker": {"size": 5}} if len(shown) <= 90 else {}
    traces = []
    if intervals:
        traces += t.band(x, shown["lower_95"], shown["upper_95"], "95 % interval", c.band_95, form, legendrank=5)
        traces += t.band(x, shown["lower_80"], shown["upper_80"], "80 % interval", c.band_80, form, legendrank=4)
    return [
        *traces,
        t.line(x, shown["naive"], "Naive", c.naive, dash="dot", value=form, suffix=suffix, legendrank=3),
        t.line(x, shown["predicted"], "Predicted", c.predicted, width=2.25, value=form, suffix=suffix, legendrank=2,
               **marks),
        t.line(x, shown["actual"], "Actual", c.actual, width=1.1, value=form, suffix=suffix, legendrank=1, **marks),
    ]


def _words(predictions, currency):
    rows = predictions[predictions["split"] == "test"] if "split" in predictions else predictions
    rows = rows.dropna(subset=["actual", "predicted", "naive"])
    if not len(rows):
        return "No predictions."
    ours, naive = (words.price(float(np.sqrt(((rows[name] - rows["actual"]) ** 2).mean())), currency)
                   for name in ("predicted", "naive"))
    when = words.dates(rows.index[0], rows.index[-1])
    part = " of the test part" if "split" in predictions else ""
    return f"{words.count_of(len(rows), 'prediction')}{part}, {when}: RMSE {ours}, of the naive forecast {naive}."
