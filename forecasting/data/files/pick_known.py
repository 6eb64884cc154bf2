"""Which columns of a table go on after the last price, so that their values are known in advance; and what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.files.layout import Table
from forecasting.data.files.names import Column
from forecasting.data.files.number_forms import read_figures, weigh
from forecasting.data.files.wording import shown
from forecasting.data.known import MOST_KNOWN, NAME
from forecasting.errors import UnreadableFile
from forecasting.words import date

__all__ = ["going_on", "known_values"]

_FILLED = 0.9  # the share of the rows with a price that must have a value
_WORDS = {"true": "1", "false": "0", "yes": "1", "no": "0"}


def going_on(table: Table, frame: pd.DataFrame, columns: list[Column]) -> list[Column]:
    """Those of `columns` that hold a number in nearly every row, and in every row dated after the last price.

    frame: Date and Close of the rows of the table, in their order
    """
    priced = (np.isfinite(frame["Close"]) & frame["Date"].notna()).to_numpy()
    later = (frame["Date"] > frame["Date"][priced].max()).to_numpy()
    if not later.any() or not table.headed:
        return []
    found = []
    for column in columns:
        if column.role in (None, "other") and NAME.fullmatch(_name(column)):
            numbers = np.isfinite(_read(table, column, None))
            if numbers[later].all() and numbers[priced].mean() >= _FILLED:
                found.append(column)
    return found[:MOST_KNOWN]


def known_values(table: Table, columns: list[Column], stamps: pd.Series, priced: pd.Series, days: pd.Series,
                 decimal: str | None) -> tuple[pd.DataFrame | None, list[str]]:
    """(the values of `columns` by date, None for no columns; what to say of them).

    stamps: of all rows; priced: those of rows with a price, ascending; days: what became of these, e.g. without a time of day
    """
    if not columns:
        return None, []
    dates = stamps + (days.iloc[-1] - priced.iloc[-1])
    if (days == days.dt.normalize()).all():
        dates = dates.dt.normalize()
    values = {}
    for column in columns:
        values[_name(column)] = read = _read(table, column, decimal)
        if not np.isfinite(read).any() or not NAME.fullmatch(_name(column)):
            raise UnreadableFile(f"The column “{shown(column.name)}” cannot be known in advance: it holds no numbers, or its "
                                 "name is no more than 40 letters, digits and spaces. Write 1 for days that are such, else 0.")
    known = pd.DataFrame(values).set_axis(pd.DatetimeIndex(dates), axis=0)
    known = known[known.index.notna() & ~known.index.duplicated(keep="last")].sort_index()
    names = ", ".join(f"“{shown(name)}”" for name in values)
    last, end = known.dropna(how="all").index[-1], days.iloc[-1]
    until = f" up to {date(last)}" if last > end else ", with no values for days to come"
    return known, [f"{names} {'is' if len(values) == 1 else 'are'} known in advance{until}, and can be an input."]


def _name(column: Column) -> str:
    return " ".join(column.name.split())


def _read(table: Table, column: Column, decimal: str | None) -> np.ndarray:
    text = table.frame[column.position].str.lower().replace(_WORDS)
    native = table.native[column.position] if table.native is not None else None
    return read_figures(text, decimal or weigh(text, native).decided or ".", native).values
