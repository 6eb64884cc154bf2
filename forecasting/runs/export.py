"""Results as CSV and Excel files that spreadsheets and other programs read without loss or surprises.

Predictions are written in full precision, so that scores can be recomputed from them. Forecasts are meant for people:
their prices are rounded as on the page. Both files of a table hold the same values; a workbook has real dates, and
numbers of 16 digits at most.
"""

from __future__ import annotations

import io
import re

import pandas as pd

from forecasting.words import decimals

__all__ = ["XLSX", "ZIP", "file_name", "forecast_csv", "forecast_file_name", "forecast_xlsx", "predictions_csv",
           "predictions_file_name", "predictions_xlsx", "safe_text", "table_csv", "table_xlsx", "zip_file_name"]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"
INTERVALS = {"lower_80": "Lower 80", "upper_80": "Upper 80", "lower_95": "Lower 95", "upper_95": "Upper 95"}
PREDICTIONS = {"split": "Split", "actual": "Actual", "predicted": "Predicted", "naive": "Naive", **INTERVALS}
FORECAST = {"predicted": "Predicted", "naive": "Naive", **INTERVALS}

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no workbook may hold them
# Excel counts days from 1900, which it takes for a leap year: earlier dates cannot be shown, or are a day off.
_FIRST_EXCEL_DAY = pd.Timestamp("1900-03-01")

# Names that Windows reserves for devices, with or without an extension.
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def predictions_csv(result) -> bytes:
    """`Date,Split,Actual,Predicted,Naive,Lower 80,Upper 80,Lower 95,Upper 95` of a `TrainingResult`, a row a day."""
    return table_csv(_dated(result.predictions, PREDICTIONS))


def predictions_xlsx(result) -> bytes:
    """The table of `predictions_csv` as an Excel workbook."""
    return table_xlsx(_dated(result.predictions, PREDICTIONS))


def forecast_csv(frame: pd.DataFrame, currency: str | None, guarded: bool, combined: bool = False) -> bytes:
    """`Date,Predicted,Naive,Lower 80,Upper 80,Lower 95,Upper 95,Currency,Guarded,Combined`, a row a step.

    frame: from `forecasts.one_forecast`; its prices are rounded to two decimals, and below one to as many as give four
        significant digits of the last known price
    guarded: whether it departs from naive only as far as the evidence gate allows; written as yes or no
    combined: whether it is that of the combination, not of the run alone; written as yes or no
    """
    return table_csv(_forecast_table(frame, currency, guarded, combined))


def forecast_xlsx(frame: pd.DataFrame, currency: str | None, guarded: bool, combined: bool = False) -> bytes:
    """The table of `forecast_csv` as an Excel workbook."""
    return table_xlsx(_forecast_table(frame, currency, guarded, combined))


def table_csv(frame: pd.DataFrame) -> bytes:
    """Any table without its index: numbers in full precision, and text that no spreadsheet takes for a formula."""
    table = _safe(frame)
    for position, dtype in enumerate(table.dtypes):
        if _holds_dates(dtype):
            table.isetitem(position, _iso(pd.DatetimeIndex(table.iloc[:, position])))
    # Floats have the fewest digits that read back as the same float; undefined values are left empty.
    return table.to_csv(index=False, lineterminator="\n").encode()


def table_xlsx(frame: pd.DataFrame) -> bytes:
    """What `table_csv` writes as an Excel workbook with one sheet, with real dates.

    Dates that Excel cannot represent (before March 1900, or with a time zone) are ISO 8601 text, as in the CSV.
    """
    from openpyxl import Workbook

    table = _safe(frame)
    columns = [_excel_cells(table.iloc[:, position]) for position in range(table.shape[1])]
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Table")
    sheet.freeze_panes = "B2"
    sheet.column_dimensions["A"].width = 20  # a date with its time; narrower, a spreadsheet shows ####
    sheet.append([_CONTROL.sub("", name) for name in table.columns])
    for row in zip(*columns, strict=True):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _safe(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with no text left, in names or cells, that a spreadsheet takes for a formula."""
    table = frame.rename(columns=lambda name: safe_text(str(name)))
    for position, dtype in enumerate(table.dtypes):
        if not _holds_dates(dtype) and dtype.kind not in "biuf":
            cells = table.iloc[:, position]
            table.isetitem(position, [safe_text(cell) if isinstance(cell, str) else cell for cell in cells])
    return table


def _holds_dates(dtype) -> bool:
    return isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M"


def _excel_cells(column: pd.Series) -> list:
    """The cells of one column as Excel takes them; None for what is undefined."""
    if _holds_dates(column.dtype):
        dates = pd.DatetimeIndex(column)
        if dates.tz is not None or (dates < _FIRST_EXCEL_DAY).any():
            return [text or None for text in _iso(dates)]
        whole_days = (dates.dropna() == dates.dropna().normalize()).all()
        return [None if date is pd.NaT else date.date() if whole_days else date.to_pydatetime(warn=False) for date in dates]
    return [None if pd.isna(cell) else _CONTROL.sub("", cell) if isinstance(cell, str) else cell
            for cell in column.astype(object)]


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


def predictions_file_name(result, ending: str = "csv") -> str:
    """After the series and its last day; that of a run of the leak lab says that it is invalid."""
    what = "invalid-predictions" if result.config.leak else "predictions"
    return file_name(result.history.name, result.history.dates[-1], f"{what}.{ending}")


def zip_file_name(result) -> str:
    """After the series and its last day; that of a run of the leak lab says that it is invalid."""
    return file_name(result.history.name, result.history.dates[-1], "invalid-run.zip" if result.config.leak else "run.zip")


def forecast_file_name(history, guarded: bool, as_of=None, ending: str = "csv", combined: bool = False) -> str:
    """After the series, the last day that the forecast knows, whether it is the combination's, and whether it is guarded.

    as_of: that day, if it is not the history's last
    """
    return file_name(history.name, history.dates[-1] if as_of is None else as_of,
                     f"forecast-{'combined-' if combined else ''}{'guarded' if guarded else 'unguarded'}.{ending}")


def _dated(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    table = frame[list(columns)].rename(columns=columns)
    table.insert(0, "Date", table.index)
    return table


def _forecast_table(frame, currency, guarded, combined) -> pd.DataFrame:
    table = _dated(frame, FORECAST)
    prices = list(FORECAST.values())
    table[prices] = table[prices].round(decimals(frame["naive"].iloc[0]))
    return table.assign(Currency=currency or "", Guarded="yes" if guarded else "no", Combined="yes" if combined else "no")


def _iso(dates: pd.DatetimeIndex) -> list[str]:
    """ISO 8601: days where there is no time of day, else to the second or as fine as they are."""
    if dates.tz is None and (dates == dates.normalize()).all():
        return list(dates.strftime("%Y-%m-%d"))
    return ["" if date is pd.NaT else date.isoformat() for date in dates]
