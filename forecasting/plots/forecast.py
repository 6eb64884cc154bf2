"""What comes next, and how far ahead a model can see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting import words
from forecasting.plots import template as t
from forecasting.plots.sampling import FEW_ROWS, downsample

__all__ = ["forecast_fan", "horizon_chart"]


def forecast_fan(past: pd.Series, forecast: pd.DataFrame, *, own: pd.Series | None = None, actual: pd.Series | None = None,
                 rows: int = FEW_ROWS, dark: bool = False, currency: str | None = None, title: str = "Forecast",
                 own_name: str = "Network alone") -> go.Figure:
    """The forecast as a fan after the last prices, with the naive forecast's line.

    past: prices by date, up to the day on which the forecast is made; the last `rows` of them are drawn, and the price
        axis fits these and the fan
    forecast: index future Date; columns predicted, lower_80, upper_80, lower_95, upper_95
    own: the unguarded predictions on the same dates, if the guarded forecast differs from them; own_name: for the legend
    actual: what then happened, by date, if that is known; drawn as far as the forecast reaches
    """
    c = t.colours(dark)
    past = past.iloc[-rows:]
    shown = past.iloc[downsample(past.index, past.to_numpy(dtype=float))]
    now, last = past.index[-1], float(past.iloc[-1])
    dates = pd.DatetimeIndex([now]).append(forecast.index)
    x, form, suffix = t.stamps(dates), t.price_format(past), f" {currency}" if currency else ""
    ahead = {name: np.r_[last, forecast[name].to_numpy(dtype=float)] for name in forecast if name != "step"}
    marks: dict[str, Any] = {"mode": "lines+markers", "marker": {"size": 5}} if len(forecast) <= 60 else {}
    fan = [*t.band(x, ahead["lower_95"], ahead["upper_95"], "95 % interval", c.band_95, form, showlegend=False),
           *t.band(x, ahead["lower_80"], ahead["upper_80"], "80 % interval", c.band_80, form, legendrank=5)]
    for trace in fan:  # one legend entry for both, since a phone has no room for more beside up to six lines
        trace["legendgroup"] = "fan"
    fan[-1]["name"] = "80 and 95 %"
    traces = [
        *fan,
        t.line(x, np.full(len(x), last), "Naive", c.naive, dash="dot", value=form, suffix=suffix, legendrank=4),
        t.line(x, ahead["predicted"], "Predicted", c.predicted, width=2.25, value=form, suffix=suffix, legendrank=2,
               **marks),
        t.line(t.stamps(shown.index), shown.to_numpy(), "Actual", c.actual, width=1.25, value=form, suffix=suffix,
               legendrank=1),
    ]
    if own is not None:
        traces.insert(-2, t.line(x, np.r_[last, own.to_numpy(dtype=float)], own_name, t.fade(c.predicted, 0.75),
                                 width=1.5, dash="6px,3px", value=form, suffix=suffix, legendrank=3))
    if actual is not None and len(actual) and len(forecast):
        came = pd.concat([past.iloc[-1:], actual[: forecast.index[-1]]])
        traces.append(t.line(t.stamps(came.index), came.to_numpy(), "What came", c.actual, width=1.75, value=form,
                             suffix=suffix, legendrank=1, mode="lines+markers",
                             marker={"size": 6, "symbol": "circle-open"}))
    everything = past.index.append(forecast.index)
    edge = (everything[-1] - everything[0]) / 50
    today = {"type": "line", "xref": "x", "yref": "paper", "x0": now, "x1": now, "y0": 0, "y1": 1,
             "line": {"color": c.muted, "width": 1, "dash": "dash"}}
    return t.make_figure(
        traces, title=title, description=_fan_words(now, last, forecast, currency), dark=dark, height=t.TALL,
        revision=f"fan{now}{len(forecast)}{rows}", shapes=[today],
        xaxis={**t.date_axis(everything, c), "range": [everything[0], everything[-1] + edge]},
        yaxis={"title": {"text": t.unit_text(currency)}})


def _fan_words(now, last, forecast, currency):
    if not len(forecast):
        return "No forecast."
    end = forecast.iloc[-1]
    shown = {name: words.price(float(end[name]), currency) for name in ("predicted", "lower_95", "upper_95")}
    return (f"Forecast made on {words.date(now)} at {words.price(last, currency)}: {shown['predicted']} on "
            f"{words.date(forecast.index[-1])}, with 95 % between {shown['lower_95']} and {shown['upper_95']}.")


def horizon_chart(by_horizon: pd.DataFrame, farthest: int, *, dark: bool = False, currency: str | None = None,
                  unit: str = "step") -> go.Figure:
    """The error by step ahead beside the naive forecast's, with the step marked up to which it is proven better.

    by_horizon: from `diagnostics.error_by_horizon`; farthest: from `diagnostics.farthest_step`
    unit: one step of the series, e.g. 'day'
    """
    c = t.colours(dark)
    steps = by_horizon["step"].to_numpy()
    ours, naive = by_horizon["rmse"].to_numpy(dtype=float), by_horizon["naive_rmse"].to_numpy(dtype=float)
    form, suffix = t.price_format(ours, naive), f" {currency}" if currency else ""
    skills = [_skill_words(*row) for row in by_horizon[["skill", "skill_low", "skill_high"]].itertuples(index=False)]
    traces = [
        t.line(steps, naive, "Naive", c.naive, dash="dot", value=form, suffix=suffix, mode="lines+markers",
               marker={"size": 6, "symbol": "x-thin", "line": {"width": 1.5, "color": c.naive}}),
        t.line(steps, ours, "Predicted", c.predicted, width=2.25, mode="lines+markers", marker={"size": 6},
               customdata=skills),
    ]
    traces[1]["hovertemplate"] = f"Predicted %{{y:{form}}}{suffix}, %{{customdata}}<extra></extra>"
    axis: dict[str, Any] = {"title": {"text": f"{unit.capitalize()}s ahead"}, "hoverformat": ",d",
            "unifiedhovertitle": {"text": f"{unit.capitalize()}s ahead: %{{x}}"}, **t.spike(c)}
    if len(steps) <= 15:
        axis["dtick"] = 1
    layout: dict[str, Any] = {}
    if farthest:
        layout["shapes"] = [{"type": "line", "xref": "x", "yref": "paper", "x0": farthest + 0.5, "x1": farthest + 0.5,
                             "y0": 0, "y1": 1, "line": {"color": c.accent, "width": 1.5, "dash": "dash"}}]
        left = farthest > len(steps) / 2
        layout["annotations"] = [{
            "xref": "x", "yref": "paper", "x": farthest + 0.5, "y": 1, "yanchor": "top", "showarrow": False,
            "xanchor": "right" if left else "left", "text": "proven better" if left else "not proven beyond",
            "xshift": -5 if left else 5, "font": {"color": c.accent, "size": 12}}]
    seen = (f"proven better than naive up to {words.count_of(farthest, unit)} ahead" if farthest else
            "at no step proven better")
    return t.make_figure(
        traces, title="Error by steps ahead", dark=dark, revision="horizon", xaxis=axis,
        description=f"RMSE from 1 to {words.count_of(len(steps), unit)} ahead beside the naive forecast's: {seen}.",
        yaxis={"title": {"text": t.unit_text(currency, "RMSE")}, "rangemode": "tozero"}, **layout)


def _skill_words(skill, low, high):
    text = f"skill {words.share(skill, digits=1)}"
    if np.isfinite(low) and np.isfinite(high):
        text += f" ({words.share(low, digits=1)} to {words.share(high, digits=1)})"
    return text
