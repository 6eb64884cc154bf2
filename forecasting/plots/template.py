"""The look of every chart: a template for each theme, a colour for each role, and the elements that charts share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecasting.words import THIN, decimals

__all__ = ["CONFIG", "HEIGHT", "SHORT", "TALL", "Colours", "colours", "describe", "template"]

TALL, HEIGHT, SHORT = 460, 360, 280
FONT = '"Source Sans", "Source Sans Pro", sans-serif'
PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}

# For `st.plotly_chart(..., config=CONFIG)`: the mode bar has reset and download only.
CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "scrollZoom": False,
    "modeBarButtons": [["resetScale2d", "toImage"]],
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "chart"},
}


@dataclass(frozen=True)
class Colours:
    """One colour for each role. Roles also differ by width, dash or shade, so they can be told apart without colour.

    text: also *actual*; muted: secondary text; grid: lines behind the data
    predicted; naive; band_80, band_95: the intervals, in the blue of *predicted*
    train, validation, test: lines and names of the parts; tints: their backgrounds
    accent: what a chart points out; button: the text of buttons on a chart
    """

    text: str
    muted: str
    grid: str
    surface: str
    predicted: str
    naive: str
    train: str
    validation: str
    test: str
    accent: str
    button: str

    @property
    def actual(self) -> str:
        return self.text

    @property
    def band_95(self) -> str:
        return fade(self.predicted, 0.12)

    @property
    def band_80(self) -> str:
        return fade(self.predicted, 0.24)

    @property
    def tints(self) -> dict[str, str]:
        return {part: fade(getattr(self, part), 0.07) for part in PARTS}


# Teal, amber and violet stay distinguishable under every common colour blindness. Each has a contrast of at least 4.5 with
# its theme's background, so that it can be used for text.
_LIGHT = Colours(text="#1b2430", muted="#5a6675", grid="rgba(27,36,48,0.10)", surface="#ffffff", predicted="#1f5fbf",
                 naive="#647082", train="#0b7268", validation="#9a5b00", test="#6d3fc0", accent="#b3400e",
                 button="#1f5fbf")
_DARK = Colours(text="#e4e9f0", muted="#9aa7b8", grid="rgba(228,233,240,0.12)", surface="#1c232d", predicted="#5b98f0",
                naive="#98a4b5", train="#46b5a8", validation="#dba445", test="#b394f0", accent="#f08a5d",
                # Plotly paints a hovered button nearly white in every theme; this blue is readable on both.
                button="#3d7fe0")


def colours(dark: bool = False) -> Colours:
    """The colours of a theme."""
    return _DARK if dark else _LIGHT


def fade(colour: str, opacity: float) -> str:
    """'#rrggbb' as 'rgba(...)' with this opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


@cache
def template(dark: bool = False) -> go.layout.Template:
    """The template of a theme: transparent, a faint horizontal grid only, the legend above, one hover for all lines."""
    c = colours(dark)
    axis = {
        "automargin": True, "gridcolor": c.grid, "linecolor": c.grid, "zeroline": False, "ticks": "",
        "tickfont": {"color": c.muted, "size": 12}, "title": {"font": {"color": c.muted, "size": 12}, "standoff": 8},
    }
    return go.layout.Template(layout={
        "font": {"family": FONT, "color": c.text, "size": 13},
        "title": {"font": {"size": 16, "color": c.text}, "x": 0, "xanchor": "left", "xref": "container", "y": 1,
                  "yref": "container", "yanchor": "top", "pad": {"t": 6, "l": 2}},
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "separators": f".{THIN}",
        "margin": {"l": 8, "r": 8, "t": 64, "b": 8}, "hovermode": "x unified", "hoverdistance": 30, "dragmode": "zoom",
        "hoverlabel": {"bgcolor": c.surface, "bordercolor": c.grid, "namelength": -1,
                       "font": {"color": c.text, "size": 13, "family": FONT}},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "xref": "container", "y": 1, "yref": "container",
                   "yanchor": "top", "font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)", "itemsizing": "trace",
                   "itemwidth": 30},
        "xaxis": {**axis, "showgrid": False, "showline": True, "nticks": 7},
        "yaxis": {**axis, "showgrid": True, "nticks": 6, "hoverformat": ".4~r"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": c.muted, "activecolor": c.text},
        "colorway": [c.predicted, c.text, c.naive, c.train, c.validation, c.test],
    })


def make_figure(traces, *, title: str, description: str, dark: bool, height: int = HEIGHT, revision: str = "",
                legend: bool = True, buttons=None, how="", **layout) -> go.Figure:
    """A figure in the template: title, legend and buttons stacked above the plot, and its description in `meta`.

    how: how to read it, a sentence, which also goes into `meta`
    revision: identifies what is shown; zoom survives updates as long as it stays the same
    """
    above = 34
    layout_of_legend = {"y": 1 - above / height}
    above += 26 if legend else 0
    if buttons:
        layout["updatemenus"] = [buttons]
        above += 32
    meta = {"description": description} | ({"how": how} if how else {})
    figure = go.Figure(
        data=list(traces),
        layout={"template": template(dark), "title": {"text": title}, "height": height, "showlegend": legend,
                "legend": layout_of_legend, "uirevision": revision or title, "meta": meta})
    figure.update_layout(margin={"t": above + 4}, **layout)
    return figure


def describe(figure: go.Figure) -> str:
    """The chart in one sentence with its key numbers, for people who cannot see it."""
    return (figure.layout.meta or {}).get("description", "")


def date_axis(dates: pd.DatetimeIndex, c: Colours) -> dict:
    """An x axis of dates, written as everywhere else in the app; the hover includes the time if the dates have one."""
    within_days = len(dates) > 0 and bool((dates != dates.normalize()).any())
    stops = [([None, 86_400_000], "%H:%M<br>%-d %b %Y"), ([86_400_000, "M1"], "%-d %b<br>%Y"),
             (["M1", "M12"], "%b<br>%Y"), (["M12", None], "%Y")]
    return {"type": "date", "hoverformat": "%-d %b %Y, %H:%M" if within_days else "%-d %b %Y",
            "tickformatstops": [{"dtickrange": limits, "value": form} for limits, form in stops],
            "tickangle": 0, **spike(c)}


def spike(c: Colours) -> dict:
    """The line of an x axis through the values under the pointer."""
    return {"showspikes": True, "spikemode": "across", "spikecolor": c.muted, "spikedash": "solid", "spikesnap": "hovered data",
            # Plotly draws a white line, two pixels wider, behind the spike itself. In the dark theme only that one should show.
            "spikethickness": -1 if c is _DARK else 1}


def price_format(*values) -> str:
    """The d3 format of prices of this size: two decimals, and below one enough for four significant digits."""
    finite = np.concatenate([np.abs(np.asarray(v, dtype=float)).ravel() for v in values])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    return f",.{decimals(float(np.median(finite)) if finite.size else 1.0)}f"


def unit_text(currency: str | None, what: str = "Price") -> str:
    """An axis title with its unit."""
    return f"{what}, {currency}" if currency else what


def stamps(dates: pd.DatetimeIndex) -> np.ndarray:
    """Dates as the shortest text that Plotly reads, since a chart with seven lines over long date strings takes megabytes."""
    whole_days = bool((dates == dates.normalize()).all())
    return np.datetime_as_string(dates.to_numpy(), unit="D" if whole_days else "s")


def line(x, y, name: str, colour: str, *, width: float = 1.5, dash: str = "solid", value: str = ".4~r",
         suffix: str = "", **more) -> dict:
    """A line whose hover says `name value`. value: its d3 format; suffix: the unit after it."""
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name,
            "line": {"color": colour, "width": width, "dash": dash},
            "hovertemplate": f"{name} %{{y:{value}}}{suffix}<extra></extra>", **more}


def band(x, lower, upper, name: str, colour: str, value: str, suffix: str = "", **more) -> list[dict]:
    """An interval as two invisible lines and the area between them; the hover shows both bounds in one row."""
    lower, upper = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    known = np.isfinite(lower) & np.isfinite(upper)
    x, lower, upper = x[known], lower[known], upper[known]
    common = {"type": "scatter", "mode": "lines", "x": x, "line": {"width": 0}, "legendgroup": name}
    return [
        {**common, "y": lower, "hoverinfo": "skip", "showlegend": False},
        {**common, "y": upper, "name": name, "fill": "tonexty", "fillcolor": colour, "customdata": lower,
         "hovertemplate": f"{name} %{{customdata:{value}}} to %{{y:{value}}}{suffix}<extra></extra>", **more},
    ]


def shade(parts, c: Colours, x_range=None) -> dict:
    """Barely tinted backgrounds with names written on them, as `shapes` and `annotations` of a layout.

    parts: (part, start, end) with part one of 'train', 'validation', 'test'
    x_range: the (start, end) that is shown; a name is centred in the visible stretch of its part
    """
    shapes, names = [], []
    for part, start, end in parts:
        if x_range is not None:
            start, end = max(start, pd.Timestamp(x_range[0])), min(end, pd.Timestamp(x_range[1]))
        if start >= end:
            continue
        shapes.append({"type": "rect", "xref": "x", "yref": "paper", "x0": start, "x1": end, "y0": 0, "y1": 1,
                       "layer": "below", "line": {"width": 0}, "fillcolor": c.tints[part]})
        names.append({"xref": "x", "yref": "paper", "x": start + (end - start) / 2, "y": 1, "xanchor": "center",
                      "yanchor": "top", "showarrow": False, "text": PARTS[part],
                      "font": {"size": 12, "color": getattr(c, part)}})
    return {"shapes": shapes, "annotations": names}


def part_spans(predictions: pd.DataFrame):
    """(part, start, end) for each part of the split that `predictions` holds; each ends where the next begins."""
    if "split" not in predictions or not len(predictions):
        return []
    split, dates = predictions["split"].to_numpy(), predictions.index
    starts = [(part, int(np.argmax(split == part))) for part in PARTS if (split == part).any()]
    ends = [row for _, row in starts[1:]] + [len(dates) - 1]
    return [(part, dates[row], dates[end]) for (part, row), end in zip(starts, ends, strict=True)]
