"""Errors from every side: over time, by size, by weekday, by shift; and whether intervals keep their promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting import words
from forecasting.evaluation.diagnostics import Lag
from forecasting.evaluation.gate import PROVEN, Evidence
from forecasting.plots import template as t
from forecasting.plots.predictions import prediction_lines
from forecasting.plots.sampling import MOST_POINTS, downsample, range_buttons, rows_within, span

__all__ = ["coverage_chart", "distribution_chart", "error_chart", "evidence_chart", "folds_chart", "group_chart",
           "lag_chart", "move_chart", "risk_chart", "share_chart", "shifted_chart", "width_chart"]

MOST_EVIDENCE = 6.0  # powers of ten; odds beyond a million to one make no difference


def error_chart(over_time: pd.DataFrame, *, dark: bool = False, currency: str | None = None, relative: bool = False,
                n: int = MOST_POINTS) -> go.Figure:
    """Errors by date with the parts shaded, and their root mean square over the last rows beside the naive forecast's.

    over_time: from `diagnostics.errors_over_time`
    relative: in percent of the last known price, for series that have grown so much that old errors would be invisible
    """
    c = t.colours(dark)
    names = ["error", "rolling_rmse", "naive_rolling_rmse"]
    unit = over_time["naive"].to_numpy(dtype=float) / 100 if relative else 1.0
    columns = {name: over_time[name].to_numpy(dtype=float) / unit for name in names}
    rows = downsample(over_time.index, *columns.values(), n=n)
    x = t.stamps(over_time.index[rows])
    suffix = " %" if relative else f" {currency}" if currency else ""
    form = ",.2f" if relative else t.price_format(columns["error"])
    traces = [
        t.line(x, columns["error"][rows], "Error", t.fade(c.predicted, 0.45), width=1, value=form, suffix=suffix),
        t.line(x, columns["rolling_rmse"][rows], "Recent RMSE", c.predicted, width=2.25, value=form, suffix=suffix),
        t.line(x, columns["naive_rolling_rmse"][rows], "Naive, recent RMSE", c.naive, width=1.75, dash="dot",
               value=form, suffix=suffix),
    ]
    test = over_time["error"][over_time["split"] == "test"]
    return t.make_figure(
        traces, title="Errors over time (predicted - actual)", dark=dark, revision=f"errors{relative}",
        description=f"Errors of {words.count_of(len(over_time), 'prediction')}; on the test part they run from "
                    f"{words.price(test.min(), currency)} to {words.price(test.max(), currency)}.",
        buttons=range_buttons(over_time.index, columns["error"], c=c), xaxis=t.date_axis(over_time.index, c),
        height=t.TALL, yaxis={"title": {"text": t.unit_text("%" if relative else currency, "Error")}},
        **t.shade(t.part_spans(over_time), c))


def distribution_chart(errors: pd.DataFrame, *, dark: bool = False, currency: str | None = None,
                       bins: int = 41) -> go.Figure:
    """How often errors of each size occur, with the naive forecast's as an outline on the same bins.

    errors: from `diagnostics.error_table`. The outermost bins include everything beyond them.
    """
    c = t.colours(dark)
    ours, naive = (errors[name].to_numpy(dtype=float) for name in ("error", "naive_error"))
    edge = float(np.quantile(np.abs(np.r_[ours, naive]), 0.995)) or 1.0 if len(errors) else 1.0
    edges = np.linspace(-edge, edge, bins + 1)
    counts = {name: np.histogram(np.clip(values, -edge, edge), edges)[0] for name, values in
              (("Predicted", ours), ("Naive", naive))}
    middle, form = (edges[1:] + edges[:-1]) / 2, t.price_format(np.r_[ours, naive])
    traces = [
        {"type": "bar", "x": middle, "y": counts["Predicted"], "name": "Predicted", "width": edges[1] - edges[0],
         "marker": {"color": t.fade(c.predicted, 0.5), "line": {"width": 0}},
         "hovertemplate": "Predicted %{y} times<extra></extra>"},
        {**t.line(middle, counts["Naive"], "Naive", c.naive, width=1.75, dash="dot"),
         "hovertemplate": "Naive %{y} times<extra></extra>"},
    ]
    traces[1]["line"]["shape"] = "hvh"
    bias = float(ours.mean()) if len(errors) else None
    return t.make_figure(
        traces, title="Distribution of errors", dark=dark, revision="distribution", height=t.SHORT, bargap=0,
        description=f"Errors of {words.count_of(len(errors), 'prediction')}: mean "
                    f"{words.price(bias, currency, signed=True)}, half of them smaller than "
                    f"{words.price(_median_size(ours), currency)}.",
        xaxis={"title": {"text": t.unit_text(currency, "Error (predicted - actual)")}, "hoverformat": form},
        yaxis={"title": {"text": "Predictions"}, "rangemode": "tozero"})


def _median_size(errors):
    return float(np.median(np.abs(errors))) if errors.size else None


def move_chart(by_move: pd.DataFrame, *, dark: bool = False, currency: str | None = None) -> go.Figure:
    """The error on small and on large moves beside the naive forecast's.

    by_move: from `diagnostics.error_by_move`
    """
    unit = " %" if by_move.attrs.get("unit") else ""
    digits = 2 if unit or not len(by_move) else words.decimals(float(by_move["high"].max()))
    names = [f"{words.number(low, digits)} to {words.number(high, digits)}{unit}"
             for low, high in zip(by_move["low"], by_move["high"], strict=True)]
    figure = group_chart(by_move.set_axis(names, axis=0), "Error by size of the move", dark=dark, currency=currency)
    broken = [name.replace(" to ", "<br>to ") for name in names]
    return figure.update_layout(xaxis={"title": {"text": "What the price did"}, "tickvals": names, "ticktext": broken})


def group_chart(groups: pd.DataFrame, title: str, *, dark: bool = False, currency: str | None = None) -> go.Figure:
    """RMSE in each group as bars, the naive forecast's as outlines over them.

    groups: index the groups' names, columns count, rmse, naive_rmse, e.g. from `diagnostics.error_by_weekday`
    """
    c = t.colours(dark)
    names = [str(name) for name in groups.index]
    form, suffix = t.price_format(groups["rmse"], groups["naive_rmse"]), f" {currency}" if currency else ""
    traces = [
        {"type": "bar", "x": names, "y": groups["rmse"].to_numpy(), "name": "Predicted", "customdata": groups["count"],
         "marker": {"color": t.fade(c.predicted, 0.55), "line": {"width": 0}},
         "hovertemplate": f"Predicted %{{y:{form}}}{suffix}, %{{customdata}} predictions<extra></extra>"},
        {"type": "bar", "x": names, "y": groups["naive_rmse"].to_numpy(), "name": "Naive",
         "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 1.75, "color": c.naive}},
         "hovertemplate": f"Naive %{{y:{form}}}{suffix}<extra></extra>"},
    ]
    if len(groups):
        worst = groups["rmse"].idxmax()
        ours, naive = (words.price(groups.loc[worst, name], currency) for name in ("rmse", "naive_rmse"))
        description = f"{title}: the RMSE is largest for {worst}, {ours}, where the naive forecast's is {naive}."
    else:
        description = f"{title}: no predictions."
    return t.make_figure(
        traces, title=title, description=description, dark=dark, revision=title, height=t.SHORT, bargap=0.35,
        barmode="overlay", xaxis={"type": "category", "tickangle": 0},
        yaxis={"title": {"text": t.unit_text(currency, "RMSE")}, "rangemode": "tozero"})


def lag_chart(lag: Lag, *, dark: bool = False) -> go.Figure:
    """The correlation of predictions with actual prices shifted by 0 to 5 steps, the best shift marked."""
    c = t.colours(dark)
    shift, value = lag.shifts["shift"].to_numpy(), lag.shifts["correlation"].to_numpy(dtype=float)
    traces = [t.line(shift, value, "Correlation", c.predicted, width=2, mode="lines+markers", marker={"size": 7},
                     value=".5f")]
    if lag.best_shift is not None:
        traces.append({"type": "scatter", "mode": "markers", "x": [lag.best_shift], "y": [value[lag.best_shift]],
                       "name": "Best", "hoverinfo": "skip",
                       "marker": {"symbol": "circle-open", "size": 16, "line": {"width": 2.5}, "color": c.accent}})
    return t.make_figure(
        traces, title="Which shift fits best?", description=lag.sentence, dark=dark, height=t.SHORT, revision="lag",
        xaxis={"title": {"text": "Actual prices, steps earlier"}, "dtick": 1, "zeroline": False,
               "unifiedhovertitle": {"text": "Shift %{x}"}, **t.spike(c)},
        yaxis={"title": {"text": "Correlation"}, "tickformat": ".4~f"})


def shifted_chart(predictions: pd.DataFrame, shift: int, *, dark: bool = False, currency: str | None = None,
                  rows: int = 60) -> go.Figure:
    """The last `rows` actual prices with the predictions as they were made and drawn `shift` steps earlier."""
    c = t.colours(dark)
    shown = predictions.iloc[-rows:]
    x, form, suffix = t.stamps(shown.index), t.price_format(shown["actual"]), f" {currency}" if currency else ""
    moved = shown["predicted"].shift(-shift)
    traces = [
        t.line(x, shown["predicted"], "Predicted", t.fade(c.predicted, 0.5), width=1.5, dash="dash", value=form,
               suffix=suffix),
        t.line(x, moved, f"Predicted, {words.count_of(shift, 'step')} earlier", c.predicted, width=2.5, value=form,
               suffix=suffix),
        t.line(x, shown["actual"], "Actual", c.actual, width=1.1, value=form, suffix=suffix, mode="lines+markers",
               marker={"size": 4}),
    ]
    steps = words.count_of(shift, "step")
    return t.make_figure(
        traces, title=f"Predictions drawn {steps} earlier", dark=dark, revision=f"shifted{shift}",
        description=f"The last {words.count_of(len(shown), 'price')} and their predictions drawn {steps} earlier: the "
                    f"RMSE is then {words.price(_rms(moved - shown['actual']), currency)} instead of "
                    f"{words.price(_rms(shown['predicted'] - shown['actual']), currency)}.",
        xaxis=t.date_axis(shown.index, c), yaxis={"title": {"text": t.unit_text(currency)}})


def _rms(errors):
    return float(np.sqrt((errors**2).mean()))


def coverage_chart(rolling: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Achieved coverage over time beside the promised 80 and 95 %. rolling: from `diagnostics.rolling_coverage`."""
    c = t.colours(dark)
    ends = [f"{level} %: {words.share(rolling[f'coverage_{level}'].mean(), digits=1)}" for level in (95, 80)]
    figure = _rolling(rolling, "coverage", 100, " %", ".1f", "Interval coverage", dark,
                      f"Mean coverage over time of the intervals that promise 95 and 80 % ({', '.join(ends)}).")
    start, end = figure.data[0].x[[0, -1]] if len(rolling) else (None, None)
    figure.add_trace(go.Scatter(
        x=[start, end, None, start, end], y=[80, 80, None, 95, 95], mode="lines", name="Promised", hoverinfo="skip",
        line={"color": c.naive, "width": 1.25, "dash": "dot"}))
    lowest = float(np.nanmin(rolling[["coverage_80", "coverage_95"]].to_numpy())) * 100 if len(rolling) else 70.0
    return figure.update_layout(yaxis={"title": {"text": "Prices inside, %"}, "range": [min(70.0, lowest) - 4, 102]})


def width_chart(rolling: pd.DataFrame, *, dark: bool = False, currency: str | None = None) -> go.Figure:
    """The width of the intervals over time. rolling: from `diagnostics.rolling_coverage`."""
    last = [words.price(rolling[f"width_{level}"].iloc[-1] if len(rolling) else None, currency) for level in (80, 95)]
    form = t.price_format(rolling["width_80"])
    figure = _rolling(rolling, "width", 1, f" {currency}" if currency else "", form, "Interval width", dark,
                      f"At the end the 80 % interval is {last[0]} wide and the 95 % interval {last[1]}.")
    return figure.update_layout(yaxis={"title": {"text": t.unit_text(currency, "Width")}, "rangemode": "tozero"})


def risk_chart(table: pd.DataFrame, *, relative: bool, dark: bool = False, currency: str | None = None) -> go.Figure:
    """What each day of the test part gained or lost, and the losses that it was warned of.

    table, relative: of a `risk.Risk`; moves are drawn as they go, a loss below zero
    """
    c = t.colours(dark)
    known = table[table["loss"].notna()]
    factor, suffix = (-100.0, " %") if relative else (-1.0, f" {currency}" if currency else "")
    columns = {name: factor * known[name].to_numpy() for name in ("loss", "var_95", "var_99")}
    form = ",.2f" if relative else t.price_format(columns["loss"])
    rows = downsample(known.index, *columns.values())
    x = t.stamps(known.index[rows])
    traces = [t.line(x, columns["loss"][rows], "Actual move", c.actual, width=1, value=form, suffix=suffix)]
    traces += [t.line(x, columns[f"var_{level}"][rows], f"Value at risk {level} %", c.predicted, width=width, dash=dash,
                      value=form, suffix=suffix) for level, width, dash in ((95, 2.25, "solid"), (99, 1.5, "dash"))]
    broken = columns["loss"] < columns["var_95"]
    traces.append({"type": "scatter", "mode": "markers", "x": t.stamps(known.index[broken]), "y": columns["loss"][broken],
                   "name": "Beyond 95 %", "marker": {"symbol": "x-thin", "size": 8, "line": {"width": 1.5, "color": c.actual}},
                   "hoverinfo": "skip"})
    return t.make_figure(
        traces, title="Losses, and the losses warned of", dark=dark, revision="risk", xaxis=t.date_axis(known.index, c),
        description=f"Moves of {words.count_of(len(known), 'price')} of the test part beside the value at risk; "
                    f"{words.count(int(broken.sum()))} losses went beyond that of 95 %.",
        yaxis={"title": {"text": t.unit_text("%" if relative else currency, "Move")}})


def _rolling(rolling, what, factor, suffix, form, title, dark, description):
    """Two lines over time, one for each interval: solid for 80 %, dashed for 95 %."""
    c = t.colours(dark)
    rows = downsample(rolling.index, rolling[f"{what}_80"], rolling[f"{what}_95"])
    x = t.stamps(rolling.index[rows])
    traces = [t.line(x, factor * rolling[f"{what}_{level}"].to_numpy()[rows], f"{level} % interval", c.predicted,
                     width=width, dash=dash, value=form, suffix=suffix)
              for level, width, dash in ((80, 2.25, "solid"), (95, 1.5, "dash"))]
    over = f"{title}, last {words.count_of(rolling.attrs['window'], 'row')}"
    return t.make_figure(traces, title=over, description=description, dark=dark, height=t.SHORT,
                         revision=what, xaxis=t.date_axis(rolling.index, c))


def evidence_chart(evidence: Evidence, dates: pd.DatetimeIndex, test_from: int, *, dark: bool = False) -> go.Figure:
    """How the evidence for the network grew, at the first and the last step, beside the odds that prove it.

    evidence: m origins; dates: (m,) their dates; test_from: the number of the first origin that knows a price of the test part
    """
    c = t.colours(dark)
    powers = np.clip(evidence.log_evidence / np.log(10), -MOST_EVIDENCE, MOST_EVIDENCE)
    said = np.array([[_odds_either_way(value) for value in row] for row in evidence.log_evidence[:, _ends(evidence)]])
    traces, x = [], t.stamps(dates)
    for column, step in enumerate(_ends(evidence)):
        traces.append(t.line(x, powers[:, step], _step_name(step), c.predicted, **_STEP_STYLES[column]) | {
            "customdata": said[:, column], "hovertemplate": f"{_step_name(step)}: %{{customdata}}<extra></extra>"})
    traces.append(t.line(x[[0, -1]], np.full(2, np.log10(PROVEN)), "Proven", c.naive, width=1.25, dash="dot") | {
        "hoverinfo": "skip", "hovertemplate": None})
    least, most = min(-1.5, powers.min()), max(2.0, powers.max())
    ticks = [power for power in (-6, -4, -2, 0, 2, 4, 6) if least - 0.5 <= power <= most + 0.5]
    return t.make_figure(
        traces, title="Evidence for the network", dark=dark, height=t.HEIGHT, revision="evidence",
        description="How the evidence for the network against the naive forecast grew; at the end it is "
                    + " and ".join(f"{said[-1, column]} at step {step + 1}" for column, step in enumerate(_ends(evidence)))
                    + ".",
        xaxis=t.date_axis(dates, c), **t.shade(_validation_and_test(dates, test_from), c),
        yaxis={"title": {"text": "Odds for the network"}, "tickvals": ticks, "range": [least - 0.3, most + 0.5],
               "ticktext": [_power_words(power) for power in ticks]})


def share_chart(evidence: Evidence, dates: pd.DatetimeIndex, test_from: int, *, dark: bool = False) -> go.Figure:
    """How much of the network's move the guarded forecast kept; arguments as in `evidence_chart`."""
    c, x = t.colours(dark), t.stamps(dates)
    kept = 100 * evidence.shares
    traces = [t.line(x, kept[:, step], _step_name(step), c.predicted, value=".0f", suffix=" %", **_STEP_STYLES[column])
              for column, step in enumerate(_ends(evidence))]
    return t.make_figure(
        traces, title="Share of its move that is kept", dark=dark, height=t.SHORT, revision="share",
        description="The guarded forecast keeps at the end " + " and ".join(
            f"{words.percent(kept[-1, step], digits=0)} at step {step + 1}" for step in _ends(evidence)) + ".",
        xaxis=t.date_axis(dates, c), **t.shade(_validation_and_test(dates, test_from), c),
        yaxis={"title": {"text": "Kept, %"}, "range": [-4, 104]})


_STEP_STYLES = ({"width": 2.25}, {"width": 1.5, "dash": "dash"})


def _ends(evidence):
    """The first and the last step, as columns; one where there is one."""
    return sorted({0, evidence.shares.shape[1] - 1})


def _step_name(step):
    return f"Step {step + 1}"


def _odds_either_way(logarithm):
    return f"{words.odds(abs(logarithm))} {'for' if logarithm >= 0 else 'against'} the network"


def _power_words(power):
    if power == 0:
        return "even"
    number = words.count(10 ** abs(power))
    return f"{number} to 1" if power > 0 else f"1 to {number}"


def _validation_and_test(dates, test_from):
    spans = [("validation", dates[0], dates[min(test_from, len(dates) - 1)]), ("test", dates[test_from], dates[-1])]
    return [span for span in spans if span[1] < span[2]]


def folds_chart(joined: pd.DataFrame, *, dark: bool = False, currency: str | None = None, x_range=None,
                n: int = MOST_POINTS) -> go.Figure:
    """All out-of-sample predictions of a backtest, with the borders of its folds.

    joined: from `backtest.join_predictions`
    """
    c = t.colours(dark)
    within = rows_within(joined.index, x_range)
    shown = joined.iloc[within]
    shown = shown.iloc[downsample(shown.index, shown["actual"], shown["predicted"], n=n)]
    bounds = "lower_95" in joined
    drawn = ["actual", "predicted", *(["lower_95", "upper_95"] if bounds else [])]
    columns = [joined[name].to_numpy(dtype=float) for name in drawn]
    layout: dict[str, Any] = {"xaxis": t.date_axis(joined.index, c), "yaxis": {"title": {"text": t.unit_text(currency)}}}
    if x_range is not None:
        layout["xaxis"]["range"], layout["yaxis"]["range"] = list(x_range), span(*(v[within] for v in columns))
    count = joined["fold"].nunique()
    return t.make_figure(
        prediction_lines(shown, c, t.price_format(joined["actual"]), f" {currency}" if currency else "", bounds),
        title="Out-of-sample predictions", dark=dark, height=t.TALL, revision=f"folds{x_range}",
        description=f"Predictions of {words.count_of(count, 'fold')}, each trained only on the days before it: "
                    f"{words.count_of(len(joined), 'prediction')}.",
        buttons=range_buttons(joined.index, *columns, c=c) if x_range is None else None,
        **_fold_borders(joined, c), **layout)


def _fold_borders(joined, c):
    """Tints behind every other fold, and the folds' numbers."""
    shapes, names = [], []
    for i, (number, rows) in enumerate(joined.groupby("fold", sort=True)):
        start, end = rows.index[0], rows.index[-1]
        if i % 2 == 0:
            shapes.append({"type": "rect", "xref": "x", "yref": "paper", "x0": start, "x1": end, "y0": 0, "y1": 1,
                           "layer": "below", "line": {"width": 0}, "fillcolor": c.tints["test"]})
        names.append({"xref": "x", "yref": "paper", "x": start + (end - start) / 2, "y": 1, "yanchor": "top",
                      "showarrow": False, "text": str(number), "font": {"size": 12, "color": c.test}})
    return {"shapes": shapes, "annotations": names}
