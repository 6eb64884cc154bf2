"""A price history, with the split shaded on it."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from forecasting import words
from forecasting.data.history import PriceHistory
from forecasting.plots import template as t
from forecasting.plots.sampling import MOST_POINTS, downsample, range_buttons, rows_within, span

__all__ = ["price_chart"]


def price_chart(history: PriceHistory, split: tuple[int, int] | None = None, *, dark: bool = False, x_range=None,
                n: int = MOST_POINTS) -> go.Figure:
    """All prices as one line with range buttons.

    split: (train_end, validation_end), the rows where the validation and the test part begin; shaded where given
    x_range: (start, end) to draw a part of a long series in more detail; n: the most points to draw
    """
    c = t.colours(dark)
    dates, close = history.dates, history.close
    within = rows_within(dates, x_range)
    rows = downsample(dates[within], close[within], n=n) + within.start
    suffix = f" {history.currency}" if history.currency else ""
    trace = t.line(t.stamps(dates[rows]), close[rows], "Close", c.actual, width=1.25, value=t.price_format(close),
                   suffix=suffix)
    layout: dict[str, Any] = {"xaxis": t.date_axis(dates, c), "yaxis": {"title": {"text": t.unit_text(history.currency)}}}
    if x_range is not None:
        layout["xaxis"]["range"], layout["yaxis"]["range"] = list(x_range), span(close[within])
    if split is not None and len(history):
        layout |= t.shade(_parts(dates, split), c, x_range)
    return t.make_figure(
        [trace], title="Closing price", description=_words(history, split), dark=dark,
        height=t.TALL, legend=False, buttons=range_buttons(dates, close, c=c) if x_range is None else None,
        revision=f"{history.name}{x_range}", **layout)


def _parts(dates, split):
    """(part, start, end) of the parts that have rows."""
    last = len(dates) - 1
    edges = (0, *(min(row, last) for row in split), last)  # capped, since an empty part would start after the last row
    return [(part, dates[a], dates[b]) for part, a, b in zip(t.PARTS, edges, edges[1:], strict=False) if b > a]


def _words(history, split):
    if not len(history):
        return "No prices."
    close, dates = history.close, history.dates
    low, high, last = (words.price(value, history.currency) for value in (close.min(), close.max(), close[-1]))
    text = (f"{words.count_of(len(history), 'price')} of {history.name} from {words.dates(dates[0], dates[-1])}, "
            f"between {low} and {high}, last {last}")
    if split is not None and split[1] < len(dates):
        text += f"; validation begins on {words.date(dates[split[0]])}, test on {words.date(dates[split[1]])}"
    return text + "."
