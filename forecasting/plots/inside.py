"""Charts of what happens inside a network: which days mattered, how long it remembers, how far back its gradient reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting import words
from forecasting.plots import template as t

if TYPE_CHECKING:
    from forecasting.inside import Attributions, GradientsByLag, Memory

__all__ = ["attribution_chart", "excitement_chart", "formed_chart", "forming_chart", "gradient_chart", "half_life_chart",
           "input_chart", "profile_chart", "shock_chart", "weight_chart"]

LONGEST = 10_000  # steps: a longer half-life is drawn at this height
WIDE = 30  # times the smallest, from which on a scale is logarithmic
MOST_NAMES = 32  # bars that have room for a name each
UNITS = {"percent": "% of the last price", "price": "Price"}


def attribution_chart(found: Attributions, prices: np.ndarray, *, dark: bool = False, currency: str | None = None,
                      one: str = "day") -> go.Figure:
    """What each day of the window added to the forecast, beside what replacing the day would take away, under the prices.

    prices: (length,) closing prices of the days of `found`, NaN before the first row; one: a step of the series in words
    """
    c = t.colours(dark)
    known = ~found.dates.isna()
    x = t.stamps(found.dates[known])
    value, suffix = _value(found, currency)
    network, linear = (values.sum(axis=1)[known] * found.factor for values in (found.network, found.linear))
    traces = [_bars(x, network, "Network", c.predicted, value, suffix)]
    if linear.any():
        traces.append(_bars(x, linear, "Linear part", c.muted, value, suffix, pattern="/"))
    traces.append({"type": "scatter", "mode": "markers", "x": x, "y": found.occlusion[known] * found.factor,
                   "name": "Replaced (occlusion)", "marker": {"color": c.accent, "symbol": "line-ew-open", "size": 9,
                                                              "line": {"width": 2}},
                   "hovertemplate": f"Replaced %{{y:{value}}}{suffix}<extra></extra>"})
    form = t.price_format(prices)
    traces.append(t.line(x, prices[known], "Price", c.actual, value=form, suffix=f" {currency}" if currency else "",
                         yaxis="y2"))
    total = (network + linear).sum()
    largest = int(np.abs(network + linear).argmax())
    return t.make_figure(
        traces, title=f"What each {one} added to the forecast", dark=dark, height=t.TALL, revision="attribution",
        description=f"The shares of {words.count_of(len(x), one)} add up to {_words(total, found, currency)}; the largest is "
                    f"that of {words.date(found.dates[known][largest])}.",
        barmode="relative", bargap=0.15, xaxis=t.date_axis(found.dates[known], c) | {"anchor": "y"},
        yaxis={"title": {"text": _unit(found, currency)}, "domain": [0, 0.68], "zeroline": True, "zerolinecolor": c.muted},
        yaxis2={"title": {"text": t.unit_text(currency)}, "domain": [0.74, 1], "tickformat": form, "nticks": 4,
                "anchor": "x", "gridcolor": c.grid, "zeroline": False, "tickfont": {"color": c.muted, "size": 12}})


def input_chart(found: Attributions, *, dark: bool = False, currency: str | None = None) -> go.Figure:
    """What each input added to the forecast, over all days of the window."""
    c = t.colours(dark)
    total = found.total.sum(axis=0) * found.factor
    order = np.argsort(np.abs(total))
    value, suffix = _value(found, currency)
    names = [found.channels[place] for place in order]
    trace = {"type": "bar", "orientation": "h", "x": total[order], "y": names, "marker": {"color": c.predicted},
             "hovertemplate": f"%{{y}} %{{x:{value}}}{suffix}<extra></extra>"}
    return t.make_figure(
        [trace], title="What each input added", dark=dark, height=max(140, 70 + 26 * len(names)), revision="inputs",
        legend=False,
        description=f"The input that added most is {names[-1]}, {_words(total[order][-1], found, currency)}.",
        hovermode="closest", xaxis={"title": {"text": _unit(found, currency)}, "zeroline": True, "zerolinecolor": c.muted},
        yaxis={"showgrid": False, "type": "category"})


def profile_chart(table: pd.DataFrame, factor: float, unit: str, *, dark: bool = False, currency: str | None = None,
                  one: str = "day") -> go.Figure:
    """How much days mattered by their lag, on average over many windows.

    table: as `forecasting.inside.profile` gives it; factor, unit: of `Attributions`; one: a step of the series in words
    """
    c = t.colours(dark)
    lags, suffix = table.index.to_numpy(), " %" if unit == "percent" else f" {currency}" if currency else ""
    lines = [t.line(lags, table["network"] * factor, "Network", c.predicted, width=2, value=".3~g", suffix=suffix)]
    if table["linear"].any():
        lines.append(t.line(lags, table["linear"] * factor, "Linear part", c.muted, dash="dash", value=".3~g", suffix=suffix))
        lines.append(t.line(lags, table["total"] * factor, "Together", c.text, value=".3~g", suffix=suffix))
    shares = table["total"].to_numpy()
    half = int(np.searchsorted(np.cumsum(shares), 0.5 * shares.sum())) + 1 if shares.sum() else 0
    return t.make_figure(
        lines, title=f"How much each {one} matters, by how long ago it was", dark=dark, revision="profile",
        description=f"Half of all that mattered lies in the last {words.count_of(half, one)} of the window.",
        xaxis=_lags(one, lags, c), yaxis={"title": {"text": _unit_text(unit, currency)}, "rangemode": "tozero"})


def half_life_chart(memory: Memory, chosen: tuple[int, int] | None = None, *, dark: bool = False,
                    one: str = "day") -> go.Figure:
    """The half-life of every unit, longest first, layer by layer.

    memory: of a cell whose gates keep a state; chosen: (layer, unit) to be pointed out
    """
    c = t.colours(dark)
    tones, traces, place = [c.predicted, c.train, c.test, c.validation], [], 0
    apart = -(-sum(map(len, memory.half_lives or [])) // MOST_NAMES)  # every so many bars have room for a name
    names: dict[int, str] = {}
    for layer, lives in enumerate(memory.half_lives or []):
        order = np.argsort(-lives, kind="stable")
        marked = [c.accent if (layer, int(unit)) == chosen else tones[layer % len(tones)] for unit in order]
        traces.append({"type": "bar", "x": place + np.arange(len(order)), "y": np.clip(lives[order], 1e-2, LONGEST),
                       "name": f"Layer {layer + 1}", "marker": {"color": marked}, "customdata": np.stack(
                           [order + 1, np.where(np.isinf(lives[order]), np.nan, lives[order])], axis=1),
                       "hovertemplate": f"Layer {layer + 1}, unit %{{customdata[0]}}: %{{y:.3~g}} {one}s<extra></extra>"})
        names |= {place + at: str(order[at] + 1) for at in range(0, len(order), apart)}
        place += len(order) + 2
    every = np.concatenate(memory.half_lives or [np.array([np.nan])])
    return t.make_figure(
        traces, title="Half-life of every unit", dark=dark, height=t.SHORT, revision="half-lives", legend=len(traces) > 1,
        description=f"The longest half-life is {words.number(float(every.max()), 1)} {one}s, the median "
                    f"{words.number(float(np.median(every)), 1)}.",
        hovermode="closest", bargap=0.2, xaxis={
            "title": {"text": "Number of the unit, the longest first"}, "tickvals": list(names),
            "ticktext": list(names.values()), "tickfont": {"color": c.muted, "size": 11}},
        yaxis={"title": {"text": f"{one.capitalize()}s, log scale"}, "type": "log", "exponentformat": "power", "dtick": 1}
        if every.min() > 0 and every.max() > WIDE * every.min() else {"title": {"text": f"{one.capitalize()}s"}})


def shock_chart(memory: Memory, *, dark: bool = False, one: str = "day") -> go.Figure:
    """How much a shock of one deviation moves the forecast, by how long ago it was, and the hidden states as time goes on."""
    c = t.colours(dark)
    lags, largest = np.arange(len(memory.response)), memory.response.max() or 1.0
    traces = [t.line(lags, 100 * memory.response / largest, "Forecast", c.predicted, width=2, value=".3~g", suffix=" %")]
    tones = [c.train, c.test, c.validation]
    for layer, moved in enumerate(memory.states):
        traces.append(t.line(np.arange(len(moved)), 100 * moved / (moved.max() or 1.0), f"States of layer {layer + 1}",
                             tones[layer % len(tones)], dash=("dash", "dot", "dashdot")[layer % 3], value=".3~g", suffix=" %"))
    last = {"type": "line", "xref": "x", "yref": "paper", "x0": memory.steps - 0.5, "x1": memory.steps - 0.5, "y0": 0, "y1": 1,
            "line": {"color": c.accent, "width": 1.5, "dash": "dot"}}
    return t.make_figure(
        traces, title="How long a shock is felt", dark=dark, revision="shock",
        description=f"The last {words.count_of(memory.steps, one)} hold 95 % of all that is felt of shocks.",
        shapes=[last] if memory.steps else [], xaxis=_lags(one, lags, c, "since the shock"),
        yaxis={"title": {"text": "% of the strongest"}, "rangemode": "tozero"})


def gradient_chart(found: dict[str, GradientsByLag], *, title: str = "How far back the gradient reaches", how: str = "",
                   dark: bool = False, one: str = "day") -> go.Figure:
    """The norm of the loss's gradient with respect to the state by lag, for one network or several. found: by their names"""
    c = t.colours(dark)
    tones = [c.predicted, c.accent, c.train, c.test, c.validation, c.text]
    dashes = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"]
    traces, words_of, place = [], [], 0
    for name, gradients in found.items():
        for layer, norms in enumerate(gradients.norms):
            several = len(gradients.norms) > 1
            label = f"{name}, layer {layer + 1}" if several and len(found) > 1 else (
                f"Layer {layer + 1}" if several else name)
            drawn = np.where(norms > 0, norms, np.nan)
            look: dict[str, Any] = {"width": 2, "dash": dashes[place % len(dashes)], "value": ".2e"}
            traces.append(t.line(gradients.lags, drawn, label, tones[place % len(tones)], **look))
            if gradients.factor < 1 and len(found) == 1:
                traces.append(t.line(gradients.lags, drawn * gradients.factor, f"{label}, clipped", tones[place % len(tones)],
                                     width=1, dash="dot", value=".2e"))
            words_of.append(f"{label} from {norms[0]:.2g} at the last step to {norms[-1]:.2g} at the first")
            place += 1
    lags = next(iter(found.values())).lags
    return t.make_figure(
        traces, title=title, how=how, dark=dark, revision=title, legend=len(traces) > 1,
        description=f"Norm of the gradient: {'; '.join(words_of)}.", xaxis=_lags(one, lags, c),
        yaxis={"title": {"text": "Norm, log scale"}, "type": "log", "exponentformat": "power", "dtick": 1})


def excitement_chart(windows: dict[str, np.ndarray], *, dark: bool = False, currency: str | None = None,
                     one: str = "day") -> go.Figure:
    """The windows that excite a unit most, side by side, each on an axis of its own.

    windows: {what is written above: (window,) prices}
    """
    c = t.colours(dark)
    axes: dict[str, Any] = {}
    traces, notes, count = [], [], max(1, len(windows))
    for place, (name, prices) in enumerate(windows.items()):
        number, left, right = str(place + 1) if place else "", place / count, (place + 0.86) / count
        form, suffix = t.price_format(prices), f" {currency}" if currency else ""
        x = np.arange(len(prices)) - len(prices)
        traces.append(t.line(x, prices, name, c.predicted, value=form, suffix=suffix, xaxis=f"x{number}", yaxis=f"y{number}"))
        axes[f"xaxis{number}"] = {"domain": [left, right], "anchor": f"y{number}", "nticks": 3, "hoverformat": "d",
                                  "range": [-len(prices) - 0.5, 0],
                                  "showline": True, "linecolor": c.grid, "tickfont": {"color": c.muted, "size": 11}}
        # There is no room beside five charts, so that the highest and the lowest price stand where the line never is.
        low, high = float(np.nanmin(prices)), float(np.nanmax(prices))
        room = 0.2 * (high - low) or 0.1 * abs(high) or 1.0
        axes[f"yaxis{number}"] = {"anchor": f"x{number}", "tickvals": [low, high], "showticklabels": False,
                                  "range": [low - room, high + room], "gridcolor": c.grid, "zeroline": False}
        for value, anchor in ((high, "bottom"), (low, "top")):
            notes.append({"xref": f"x{number} domain", "yref": f"y{number}", "x": 0, "y": value, "xanchor": "left",
                          "yanchor": anchor, "showarrow": False, "text": words.price(value),
                          "font": {"color": c.muted, "size": 10}})
        notes.append({"xref": "paper", "yref": "paper", "x": left, "y": 1.02, "xanchor": "left", "yanchor": "bottom",
                      "showarrow": False, "align": "left", "text": name.replace(": ", "<br>"), "font": {"size": 11}})
    return t.make_figure(
        traces, title="The windows that excite it most", dark=dark, height=t.SHORT, revision="excitement", legend=False,
        description=f"The windows: {'; '.join(windows)}.", annotations=notes, hovermode="closest", **axes).update_layout(
            margin={"t": 84})


def _bars(x, y, name, colour, value, suffix, pattern=""):
    return {"type": "bar", "x": x, "y": y, "name": name, "marker": {"color": colour, "pattern": {"shape": pattern}},
            "hovertemplate": f"{name} %{{y:{value}}}{suffix}<extra></extra>"}


def _lags(one, lags, c, since="before the forecast"):
    """An x axis of lags: the last day stands on the left."""
    return {"title": {"text": f"{one.capitalize()}s {since}"}, "range": [-0.5, len(lags) - 0.5], "hoverformat": "d",
            **t.spike(c)}


def _value(found, currency):
    """The d3 format and the suffix of a share of the forecast."""
    return "+.3~g", " %" if found.unit == "percent" else f" {currency}" if currency else ""


def _unit(found, currency):
    return _unit_text(found.unit, currency)


def _unit_text(unit, currency):
    return UNITS["percent"] if unit == "percent" else t.unit_text(currency)


def _words(value, found, currency):
    return words.percent(value, signed=True) if found.unit == "percent" else words.price(value, currency, signed=True)


def weight_chart(epochs: np.ndarray, quantiles: np.ndarray, name: str, epoch: int, *, dark: bool = False) -> go.Figure:
    """How a distribution of weights formed over the epochs.

    quantiles: (epochs, 41), from the smallest weight to the largest; epoch: the one that is pointed out
    """
    c = t.colours(dark)
    traces = []
    for low, high, label, opacity in ((0, 40, "All", 0.10), (4, 36, "80 %", 0.16), (10, 30, "Half", 0.26)):
        traces += t.band(epochs, quantiles[:, low], quantiles[:, high], label, t.fade(c.predicted, opacity), ".3~g")
    traces.append(t.line(epochs, quantiles[:, 20], "Median", c.predicted, width=2, value=".3~g"))
    mark = {"type": "line", "xref": "x", "yref": "paper", "x0": epoch, "x1": epoch, "y0": 0, "y1": 1,
            "line": {"color": c.accent, "width": 1.5}}
    first, last = (quantiles[at, 36] - quantiles[at, 4] for at in (0, -1))
    return t.make_figure(
        traces, title=f"Weights by epoch: {name}", dark=dark, height=t.SHORT, revision=f"weights {name}",
        description=f"The middle 80 % of the weights span {first:.3g} at the start and {last:.3g} at the end.", shapes=[mark],
        xaxis={"title": {"text": "Epoch"}, "hoverformat": "d", **t.spike(c)}, yaxis={"title": {"text": "Weight"}})


def formed_chart(gates: dict[str, np.ndarray], kept: dict[str, np.ndarray], dates: pd.DatetimeIndex, epoch: int, *,
                 dark: bool = False) -> go.Figure:
    """Gates and states of one unit over the window as they were after an epoch, above those of the network that was kept.

    gates, kept: {name: (steps,)}
    """
    c = t.colours(dark)
    tones = [c.train, c.validation, c.test, c.accent, c.predicted, c.text]
    x, traces = t.stamps(dates), []
    for place, (name, values) in enumerate(gates.items()):
        tone = tones[place % len(tones)]
        traces.append(t.line(x, kept[name], f"{name}, kept", t.fade(tone, 0.35), width=1, dash="dot", showlegend=False,
                             hoverinfo="skip"))
        traces.append(t.line(x, values, name, tone, width=2, dash=("solid", "dash", "dot", "dashdot")[place % 4], value=".3f"))
    return t.make_figure(
        traces, title=f"Gates and states of the unit after epoch {epoch}", dark=dark, revision="formed",
        description=f"After epoch {epoch}, on the last day: " + ", ".join(f"{name} {values[-1]:.2f}"
                                                                         for name, values in gates.items()) + ".",
        xaxis=t.date_axis(dates, c), yaxis={"title": {"text": "Value"}})


def forming_chart(days: pd.DatetimeIndex, moves: np.ndarray, actual: np.ndarray, epochs: np.ndarray, place: int, *,
                  dark: bool = False) -> go.Figure:
    """The moves that the network predicted on validation days after each epoch, one of them pointed out.

    moves: (epochs, days) in % of the last price; actual: (days,) the moves that came
    """
    c = t.colours(dark)
    x = t.stamps(days)
    others = [at for at in range(len(epochs)) if at != place]
    traces = [t.line(x, moves[at], "Other epochs", t.fade(c.predicted, 0.25), width=1, showlegend=at == others[0],
                     hoverinfo="skip", legendgroup="others") for at in others]
    traces.append(t.line(x, np.zeros(len(x)), "Naive", c.naive, dash="dot", value=".2f", suffix=" %"))
    traces.append(t.line(x, actual, "What came", c.actual, width=1, value="+.2f", suffix=" %", visible="legendonly"))
    traces.append(t.line(x, moves[place], f"After epoch {epochs[place]}", c.predicted, width=2.5, value="+.3f", suffix=" %"))
    largest = np.abs(moves[place]).max() if len(x) else 0.0
    return t.make_figure(
        traces, title="Predicted moves on validation days", dark=dark, revision="forming",
        description=f"After epoch {epochs[place]} the largest predicted move is {largest:.2g} % of the last price.",
        xaxis=t.date_axis(days, c), yaxis={"title": {"text": "Move, % of the last price"}})
