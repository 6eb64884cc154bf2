"""Errors that would stay silent: what gives each of them away, and the sentence that refuses it. The one list of them.

What the cells themselves tell of quotation marks that went astray is checked in `grid`, before there is a table.
"""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd

from forecasting.data.files.date_forms import Reading, outline
from forecasting.data.files.layout import Table
from forecasting.data.files.names import Column
from forecasting.data.files.number_forms import Figures
from forecasting.data.files.wording import shown
from forecasting.errors import UnreadableFile
from forecasting.words import count, count_of, date, price

__all__ = ["check_candles", "check_dates", "check_halves", "check_prices", "check_times"]

_TOLERATED = 0.1  # the share of prices that may be unreadable text
_TOLERATED_ALIKE = 0.02  # of dates that look like the others: months in a language that is not known, say
_OUTLINED = 5000
_HALF_DAY = 12 * 60  # in minutes
_FOLLOWS = 0.05  # how far a close moves against the day's high, from day to day
_FAR = 3.0  # times the day's high, or a third of its low


def check_dates(column: Column, text: pd.Series, reading: Reading):
    """Words of an unknown language among the dates, and days and months that changed places."""
    _check_words(column, text, reading)
    _check_swapped(column, text, reading)


def _check_words(column: Column, text: pd.Series, reading: Reading):
    """Refuse a column some of whose words are unknown: leaving those rows out would leave out whole months."""
    unread = reading.values.isna().to_numpy()
    if not unread.any():
        return
    if reading.left_out is not None:
        unread = unread & ~reading.left_out
    read = text[~reading.values.isna().to_numpy()]
    known = {outline(cell) for cell in read.iloc[:: len(read) // _OUTLINED + 1]}
    alike = [cell for cell in text[unread] if re.search(r"[^\W\d_]", cell) and outline(cell) in known]
    if len(alike) > _TOLERATED_ALIKE * len(text):
        raise UnreadableFile(f"{count(len(alike))} of {count(len(text))} dates in “{shown(column.name)}” cannot be read, e.g. "
                             f"“{shown(alike[0])}”. Write all of them as year-month-day, e.g. 2018-03-27.")


def _check_swapped(column: Column, text: pd.Series, reading: Reading):
    """Refuse days and months that changed places where both may be months: only so do the rows stand in the order of dates."""
    values = reading.values
    known = values.dropna()
    if reading.order is None or known.is_monotonic_increasing or known.is_monotonic_decreasing:
        return
    either = (known.dt.day <= 12) & (known.dt.day != known.dt.month)
    parts = {"year": known.dt.year, "month": known.dt.day.where(either, known.dt.month),
             "day": known.dt.month.where(either, known.dt.day)}
    swapped = pd.to_datetime(pd.DataFrame(parts))
    if either.sum() > 2 and (swapped.is_monotonic_increasing or swapped.is_monotonic_decreasing):
        example = text[either[either].index[0]]
        raise UnreadableFile(f"In {count(int(either.sum()))} of {count(len(known))} dates of “{shown(column.name)}” day "
                             f"and month seem to have changed places, e.g. “{shown(example)}”: only the other way round are they in "
                             "order. Write all dates as year-month-day.")


def check_times(stamps: pd.Series, column: Column):
    """Refuse times without AM or PM on a clock of twelve hours: after noon they go back, on most days."""
    minutes = (stamps.dt.hour * 60 + stamps.dt.minute).to_numpy()
    if not len(minutes) or minutes.min() < 60 or minutes.max() >= 13 * 60:
        return
    days = stamps.dt.normalize().to_numpy()
    same_day, steps = days[1:] == days[:-1], np.diff(minutes)
    newest_first = days[0] > days[-1] if days[0] != days[-1] else (steps < 0).sum() > (steps > 0).sum()
    steps = -steps if newest_first else steps
    # Past noon a small step forward looks like a large one back. Tickers below one another go back by nearly a day of trading.
    past_noon = (steps < 0) & (steps + _HALF_DAY <= 8 * 60)
    other = (steps < 0) & ~past_noon
    several = np.unique(days[1:][same_day])
    suspected = np.setdiff1d(days[1:][same_day & past_noon], days[1:][same_day & other])
    if len(suspected) > 0.5 * len(several):
        at = np.flatnonzero(same_day & past_noon)[0]
        before, after = stamps.iloc[[at + 1, at] if newest_first else [at, at + 1]]
        raise UnreadableFile(f"The times in “{shown(column.name)}” seem to be on a clock of twelve hours without AM or PM: on "
                             f"most days they go back, e.g. from {before:%H:%M} to {after:%H:%M} on {date(after, time=False)}. "
                             "Write them as 13:30 or 1:30 PM.")


def check_halves(columns: list[Column], table: Table):
    """Refuse numbers that the comma between cells has cut: '150,05' and '13,038.34' without a header."""
    for left, right in pairwise(columns):
        if table.headed or right.position != left.position + 1:
            continue
        whole, part = table.frame[left.position], table.frame[right.position]
        if not (whole.str.fullmatch("-?[0-9]{1,3}").all() and part.str.startswith("0").any()):
            continue
        if part.str.fullmatch("[0-9]{2}").all() or part.str.fullmatch(r"[0-9]{3}(\.[0-9]+)?").all():
            raise UnreadableFile(f"A comma within the numbers seems to cut them in two, e.g. “{shown(whole.iloc[0])}” and "
                                 f"“{shown(part.iloc[0])}”. Save the file with another delimiter, or as Excel.")


def check_prices(table: Table, column: Column, close: Figures):
    if close.share_read >= 1 - _TOLERATED:
        return
    text = table.frame[column.position]
    bad = text[close.unreadable]
    example = f", e.g. “{shown(bad.iloc[0])}”" if len(bad) else ""
    raise UnreadableFile(f"The column “{shown(column.name)}” does not hold prices: {count(len(bad))} of its {count(len(text))} "
                         f"cells are not numbers{example}. Prices must be numbers, e.g. 168.34.")


def check_candles(frame: pd.DataFrame, name: str):
    """Refuse a close far from the day's range on most days: its name stands over another column, e.g. the volume.

    A close that follows the day's high at a distance is one that was not adjusted for splits as the high was.
    """
    if not {"High", "Low"} <= set(frame):
        return
    known = frame[["Close", "High", "Low"]].dropna()
    far = (known["Close"] > _FAR * known["High"]) | (known["Close"] < known["Low"] / _FAR)
    if len(known) < 2 or not (known["Low"] > 0).all() or far.mean() <= 0.5:
        return
    ratio = (known["Close"] / known["High"])[known["Close"] > 0]
    if len(ratio) < 2 or np.median(np.abs(np.diff(np.log(ratio)))) > _FOLLOWS:
        day = known[far].iloc[0]
        raise UnreadableFile(f"“{shown(name)}” lies far outside the day's high and low in {count(far.sum())} of "
                             f"{count_of(len(known), 'row')}, e.g. {price(day['Close'])} between {price(day['Low'])} and "
                             f"{price(day['High'])}. The names seem to stand over the wrong columns: correct the header, and "
                             "choose the file again.")
