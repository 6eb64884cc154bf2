"""Results as CSV files that a spreadsheet or another program reads without loss and without surprise."""

from __future__ import annotations

import re

import pandas as pd

__all__ = ["file_name", "forecast_csv", "forecast_file_name", "predictions_csv", "predictions_file_name", "safe_text",
           "table_csv"]

INTERVALS = {"lower_80": "Lower 80", "upper_80": "Upper 80", "lower_95": "Lower 95", "upper_95": "Upper 95"}
PREDICTIONS = {"split": "Split", "actual": "Actual", "predicted": "Predicted", "naive": "Naive", **INTERVALS}
FORECAST = {"predicted": "Predicted", **INTERVALS}

# Names that Windows keeps for its devices, with or without an ending.
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def predictions_csv(result) -> bytes:
    """`Date,Split,Actual,Predicted,Naive,Lower 80,Upper 80,Lower 95,Upper 95` of a `TrainingResult`, a row a day."""
    return _dated(result.predictions, PREDICTIONS)


def forecast_csv(frame: pd.DataFrame) -> bytes:
    """`Date,Predicted,Lower 80,Upper 80,Lower 95,Upper 95` of what `TrainingResult.forecast` gives."""
    return _dated(frame, FORECAST)


def table_csv(frame: pd.DataFrame) -> bytes:
    """Any table without its index: numbers in full precision, text that no spreadsheet takes for a formula."""
    table = frame.rename(columns=lambda name: safe_text(str(name)))
    for position, name in enumerate(table.columns):
        if isinstance(table.dtypes.iloc[position], pd.DatetimeTZDtype) or table.dtypes.iloc[position].kind == "M":
            table.isetitem(position, _iso(pd.DatetimeIndex(table.iloc[:, position])))
        elif table.dtypes.iloc[position].kind not in "biuf":
            table.isetitem(position, [safe_text(cell) if isinstance(cell, str) else cell for cell in table[name]])
    # Floats are written as the shortest digits that read back as the same float; what is undefined is left empty.
    return table.to_csv(index=False, lineterminator="\n").encode()


def safe_text(cell: str) -> str:
    """`cell`, with an apostrophe before what a spreadsheet might take for a formula."""
    return "'" + cell if cell.startswith(("\t", "\r")) or cell.lstrip().startswith(("=", "+", "-", "@")) else cell


def file_name(series: str, date, what: str) -> str:
    """A name such as 'AAPL-2018-03-27-predictions.csv', safe on every system whatever the series is called.

    date: a timestamp, or None; what: the last part, e.g. 'predictions.csv'
    """
    parts = [series, pd.Timestamp(date).strftime("%Y-%m-%d") if date is not None else "", what]
    safe = [re.sub(r"[^A-Za-z0-9._]+", "-", part)[:60].strip("-._") for part in parts]
    name = "-".join(part for part in safe if part)
    return f"prices-{name}" if _DEVICES.match(name) else name


def predictions_file_name(result) -> str:
    """After the series and its last day; that of a run of the leak lab says that it is invalid."""
    what = "invalid-predictions.csv" if result.config.leak else "predictions.csv"
    return file_name(result.history.name, result.history.dates[-1], what)


def forecast_file_name(history, as_of=None) -> str:
    """After the series and the last day that the forecast knows; as_of: that day, if it is not the history's last."""
    return file_name(history.name, history.dates[-1] if as_of is None else as_of, "forecast.csv")


def _dated(frame: pd.DataFrame, columns: dict[str, str]) -> bytes:
    table = frame[list(columns)].rename(columns=columns)
    table.insert(0, "Date", _iso(table.index))
    return table_csv(table)


def _iso(dates: pd.DatetimeIndex) -> list[str]:
    """ISO 8601: days where there is no time of day, else to the second or as fine as they are."""
    if dates.tz is None and (dates == dates.normalize()).all():
        return list(dates.strftime("%Y-%m-%d"))
    return ["" if date is pd.NaT else date.isoformat() for date in dates]
