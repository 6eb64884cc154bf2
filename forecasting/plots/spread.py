"""The spread of a run's seeds: their scores on one axis, and the band of their predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting import words
from forecasting.plots import template as t
from forecasting.plots.sampling import MOST_POINTS, downsample, last_rows, range_buttons, rows_within, span

__all__ = ["seed_band_chart", "seed_scores_chart"]

LAST_ROWS = 60  # shown at first: over more, the band is thinner than its lines


def seed_scores_chart(errors: dict[int, float], own: float, naive: float | None, average: float | None, *, dark: bool = False,
                      currency: str | None = None) -> go.Figure:
    """The test RMSE of every seed as a dot, beside that of the run itself, of the average and of the naive forecast.

    errors: {seed: RMSE}; own: of the run; naive, average: None where there is none
    """
    c = t.colours(dark)
    form, suffix = t.price_format(list(errors.values())), f" {currency}" if currency else ""
    seeds, values = list(errors), np.array(list(errors.values()))
    # Spread out by rank, so that dots with nearly equal scores do not hide each other.
    heights = np.linspace(-0.3, 0.3, len(values))[np.argsort(np.argsort(values, kind="stable"))]

    def dot(x, y, name, colour, symbol, size, labels):
        return {"type": "scatter", "mode": "markers", "x": x, "y": y, "name": name, "customdata": labels,
                "marker": {"color": colour, "symbol": symbol, "size": size, "line": {"width": 1, "color": c.surface}},
                "hovertemplate": f"%{{customdata}} %{{x:{form}}}{suffix}<extra></extra>"}

    traces = [dot(values, heights, "Seeds", t.fade(c.predicted, 0.75), "circle", 10, [f"Seed {seed}:" for seed in seeds]),
              dot([own], [0], "This run", c.accent, "square", 11, ["This run:"])]
    if average is not None:
        traces.append(dot([average], [0], "Their average", c.train, "diamond", 14, ["Their average:"]))
    if naive is not None:
        traces.append({**t.line([naive, naive], [-0.5, 0.5], "Naive", c.naive, width=2, dash="dot"),
                       "hovertemplate": f"Naive %{{x:{form}}}{suffix}<extra></extra>"})
    return t.make_figure(
        traces, title="RMSE on the test part, seed by seed", dark=dark, height=t.SHORT, revision="seed scores",
        description=f"RMSEs of {words.count_of(len(errors), 'seed')} from {words.price(float(values.min()), currency)} to "
                    f"{words.price(float(values.max()), currency)}.",
        hovermode="closest", xaxis={"title": {"text": t.unit_text(currency, "RMSE")}, "tickformat": form},
        yaxis={"visible": False, "range": [-0.6, 0.6], "fixedrange": True})


def seed_band_chart(predictions: pd.DataFrame, *, dark: bool = False, currency: str | None = None,
                    n: int = MOST_POINTS) -> go.Figure:
    """The range and the mean of all seeds' one-step predictions over the test part, beside actual and naive prices.

    predictions: columns actual, naive, 'average' where there is one, and one for each seed
    """
    c = t.colours(dark)
    seeds = predictions.drop(columns=["actual", "naive", "average"], errors="ignore")
    low, high, middle = seeds.min(axis=1), seeds.max(axis=1), predictions.get("average", seeds.mean(axis=1))
    rows = downsample(predictions.index, predictions["actual"], low, high, n=n)
    shown = last_rows(predictions.index, LAST_ROWS)
    within = rows_within(predictions.index, shown)
    x, form = t.stamps(predictions.index[rows]), t.price_format(predictions["actual"])
    suffix = f" {currency}" if currency else ""
    traces = [
        *t.band(x, low.iloc[rows], high.iloc[rows], "All seeds", t.fade(c.predicted, 0.3), form, suffix),
        t.line(x, predictions["naive"].iloc[rows], "Naive", c.naive, dash="dot", value=form, suffix=suffix),
        t.line(x, middle.iloc[rows], "Their average", c.predicted, width=2, value=form, suffix=suffix),
        t.line(x, predictions["actual"].iloc[rows], "Actual", c.actual, width=1.1, value=form, suffix=suffix),
    ]
    width = float((high - low).mean())
    return t.make_figure(
        traces, title="Band of the seeds' predictions", dark=dark, height=t.HEIGHT, revision="seed band",
        description=f"Predictions of {words.count_of(seeds.shape[1], 'seed')} on {words.count_of(len(predictions), 'row')} of "
                    f"the test part; they lie {words.price(width, currency)} apart on average.",
        buttons=range_buttons(predictions.index, predictions["actual"].to_numpy(dtype=float), low.to_numpy(dtype=float),
                              high.to_numpy(dtype=float), c=c),
        xaxis=t.date_axis(predictions.index, c) | {"range": list(shown)},
        yaxis={"title": {"text": t.unit_text(currency)},
               "range": span(*(one.to_numpy(dtype=float)[within] for one in (predictions["actual"], low, high)))})
