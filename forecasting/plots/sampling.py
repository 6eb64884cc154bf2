"""Long lines drawn with few points that keep their shape, and the ranges that a chart may be zoomed to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.plots.template import Colours

__all__ = ["MOST_POINTS", "downsample", "last_rows", "range_buttons", "ranges", "rows_within", "span", "stretches"]

MOST_POINTS = 4000
FEW_ROWS = 60  # few enough to tell single rows apart

_RANGES = (("1d", pd.DateOffset(days=1)), ("1w", pd.DateOffset(weeks=1)), ("1m", pd.DateOffset(months=1)),
           ("6m", pd.DateOffset(months=6)), ("1y", pd.DateOffset(years=1)), ("5y", pd.DateOffset(years=5)),
           ("20y", pd.DateOffset(years=20)), ("50y", pd.DateOffset(years=50)))


def downsample(dates, *columns, n: int = MOST_POINTS) -> np.ndarray:
    """Row positions, ascending, that draw all `columns` faithfully with about `n` points.

    dates: (t,); columns: (t,) each, NaN where there is no value. All columns share the same rows, so that a hover shows
    all values of a date; the first and last row and each column's extremes are included. All rows where t <= n.
    Method: Van Der Donckt and others, "MinMaxLTTB: leveraging MinMax-preselection to scale LTTB" (2023).
    """
    rows = len(dates)
    if rows <= n:
        return np.arange(rows)
    from tsdownsample import MinMaxLTTBDownsampler

    when = pd.DatetimeIndex(dates).as_unit("s").asi8
    kept = [np.array([0, rows - 1])]
    for column in columns:
        values = np.asarray(column, dtype=np.float64)
        known = np.flatnonzero(np.isfinite(values))
        share = max(3, n // len(columns))
        if known.size > share:
            values = values[known]
            kept.append(known[[values.argmin(), values.argmax()]])
            known = known[MinMaxLTTBDownsampler().downsample(when[known], values, n_out=share).astype(np.int64)]
        kept.append(known)
    return np.unique(np.concatenate(kept))


def rows_within(dates: pd.DatetimeIndex, x_range) -> slice:
    """The rows from the start to the end of `x_range`, plus one on either side, so that lines reach the edge."""
    if x_range is None:
        return slice(0, len(dates))
    start, end = (pd.Timestamp(x) for x in x_range)
    return slice(max(0, dates.searchsorted(start) - 1), min(len(dates), dates.searchsorted(end, side="right") + 1))


def last_rows(dates: pd.DatetimeIndex, rows: int):
    """The (start, end) of the last `rows` dates, for an `x_range`."""
    return dates[max(0, len(dates) - rows)], dates[-1]


def stretches(dates: pd.DatetimeIndex) -> dict[str, int]:
    """{label: rows} of the stretches at the end of a series that a chart can show: its last rows, its last year, all of it.

    Redundant ones are left out: a year of months, for example, is shorter than the last rows.
    """
    year = len(dates) - int(dates.searchsorted(dates[-1] - pd.DateOffset(years=1))) if len(dates) else 0
    shown = {f"Last {FEW_ROWS} rows": FEW_ROWS} if len(dates) > FEW_ROWS else {}
    if FEW_ROWS < year < len(dates):
        shown["Last year"] = year
    return {**shown, "All": len(dates)}


def span(*columns) -> list[float] | None:
    """A y range that holds all values, with a margin of a twentieth on either side; None where there is no value."""
    values = np.concatenate([np.asarray(column, dtype=float).ravel() for column in columns])
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    room = (high - low) / 20 or abs(high) / 20 or 1.0
    return [low - room, high + room]


def ranges(dates: pd.DatetimeIndex) -> dict[str, tuple]:
    """{label: (start, end)} of the last day, week, month, ... as far as they fit `dates`, at most five; {} for few dates."""
    if len(dates) < 3:
        return {}
    start, end = dates[0], dates[-1]
    step = (end - start) / (len(dates) - 1)
    fitting = {label: (end - offset, end) for label, offset in _RANGES
               if end - offset > start and (end - (end - offset)) / step >= 8}
    return dict(list(fitting.items())[:5])


def range_buttons(dates: pd.DatetimeIndex, *columns, c: Colours) -> dict | None:
    """Buttons 1m, 6m, 1y, ... All, as far as they fit `dates`; each fits the price axis to what it shows.

    Plotly's own range selector leaves the y axis as it is, which squeezes a short range into a flat line.
    c: the theme's colours. Returns None for a series that is too short for a choice, or so long that its line is
    downsampled: zooming in would not show the missing rows, so the page offers `ranges` and redraws from all rows.
    """
    if len(dates) > MOST_POINTS:
        return None
    buttons = []
    for label, (since, end) in ranges(dates).items():
        shown = slice(dates.searchsorted(since), None)
        edge = (end - since) / 100
        buttons.append({"label": label, "method": "relayout",
                        "args": [{"xaxis.range": [since, end + edge],
                                  "yaxis.range": span(*(np.asarray(column)[shown] for column in columns))}]})
    if not buttons:
        return None
    whole = {"label": "All", "method": "relayout", "args": [{"xaxis.autorange": True, "yaxis.autorange": True}]}
    # No button is highlighted, because after zooming with the mouse it would name a range that is no longer shown.
    return {"type": "buttons", "direction": "right", "buttons": [*buttons, whole], "showactive": False,
            "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"t": 0, "b": 5, "l": 0, "r": 0},
            "bgcolor": "rgba(0,0,0,0)", "bordercolor": c.grid, "borderwidth": 1,
            "font": {"size": 12, "color": c.button}}
