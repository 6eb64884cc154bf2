"""Times of day: behind a date, and in a column of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.files.vocabulary import MISSING

__all__ = ["LONGEST", "Clocks", "as_beginnings", "clock_behind", "read_clocks"]

LONGEST = 80  # no date is written with more characters
_STRAY = 0.01  # the share of cells that may be no times of day
_CLOCK = re.compile(
    r"""[T,_:\-\s]*(?:at\s|um\s)?
    (?P<hour>\d{1,2})(?:[:h.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?|(?P<h>h))?
    \s*-?(?P<half>[ap]\.?\s?m\.?(?![a-z]))?
    \s*(?P<zone>z|[a-z]{2,5}\s?(?:[+-]\d{1,2}:?(?:\d{2})?)?|[+-]\d{2}:?(?:\d{2})?|[a-z]+/[a-z_]+)?\s*(?:\(.*\)|uhr)?""",
    re.VERBOSE | re.IGNORECASE)
_AN_HOUR, _DAY = 3_600_000_000, 86_400_000_000  # microseconds

_PERIOD = re.compile(r"(.*?[^\s])\s*(?:-|–|—|~|to|bis|до|à)\s*(\d.*)", re.IGNORECASE)
_HOUR = re.compile(r"h(?:our)?(?P<ends> ?e(?:nding)?)? ?(?P<number>\d{1,2})", re.IGNORECASE)


@dataclass(frozen=True)
class Clocks:
    """A column of times of day.

    values: (n,) timedelta64[us] since midnight, NaT where missing or unreadable
    ends: whether the column names the ends of hours, e.g. up to 24:00; the values are their beginnings
    """

    values: pd.Series
    ends: bool = False


def read_clocks(text: pd.Series, *, ends: bool = False) -> Clocks | None:
    """Times of day: '16:00', '4 PM', '1600', '160000', 'T16:00', '16h00', 'HE17', '16:00 - 17:00', hours 0 to 23 or 1 to 24.

    ends: the column's name says that these are the ends of hours
    None where some of the cells are no times of day. What whole numbers count, all of them tell together: 160000, 1600 and 16
    are four o'clock; without the zeros in front 5900 is a minute before one beside 10000.
    """
    codes, distinct = pd.factorize(text.where(~text.str.lower().isin(MISSING)).str.replace(r"\.0+$", "", regex=True))
    cells = list(distinct)
    numbers = [int(cell) for cell in cells if cell.isdecimal() and len(cell) <= 6]
    if not cells:
        return None
    if len(numbers) < len(cells):
        clocks = [_clock_in(cell) for cell in cells]
    elif parts := _parts_of_a_day(numbers):
        clocks = [number * _DAY // parts if number <= parts else None for number in numbers]
    else:
        width = 2 if max(numbers) <= 24 else 4 if max(numbers) <= 2400 and max(map(len, cells)) <= 4 else 6
        clocks = [_clock(*re.findall("..", str(number).zfill(width))) for number in numbers]
    rows = np.bincount(codes[codes >= 0], minlength=len(cells))
    if rows[[clock is None for clock in clocks]].sum() > _STRAY * rows.sum():
        return None
    ends = ends or any((hour := _HOUR.fullmatch(cell)) and hour["ends"] for cell in cells)
    values = np.array(["NaT" if clock is None else clock for clock in clocks] + ["NaT"], dtype="timedelta64[us]")[codes]
    ends, values = as_beginnings(values, ends)
    return Clocks(pd.Series(values), ends)


def _parts_of_a_day(numbers: list[int]) -> int | None:
    """24, 48 or 96 where `numbers` count the hours, half hours or quarters of a day from 1; None where they are something else.

    A day has an hour more where summer time ends.
    """
    parts = next((parts for parts in (24, 48, 96) if parts <= max(numbers) <= parts * 25 // 24), None)
    return parts if sorted(set(numbers)) == [*range(1, max(numbers) + 1)] else None


def _clock_in(cell: str) -> int | None:
    """Of a period its beginning."""
    if hour := _HOUR.fullmatch(cell):
        return _clock(hour["number"])
    if period := _PERIOD.fullmatch(cell[:LONGEST]):
        begin, end = (_clock(part) if part.isdecimal() and len(part) < 3 else _clock_in(part) for part in period.groups())
        return begin if end is not None else None
    if cell.isdecimal() and len(cell) in (4, 6):
        return _clock(*re.findall("..", cell))
    return clock_behind(cell)[0]


def as_beginnings(clocks: np.ndarray, ends: bool = False) -> tuple[bool, np.ndarray]:
    """(whether `clocks` name the ends of hours, as 24:00 does where there is no 0:00; their beginnings)."""
    distinct = np.unique(clocks[~np.isnat(clocks)]).astype("int64")
    ends = ends or bool(len(distinct) and distinct[-1] == _DAY and distinct[0] > 0)
    steps = np.diff(distinct)
    return ends, clocks - np.timedelta64(min(_AN_HOUR, steps.min(initial=_AN_HOUR)) if ends else 0, "us")


def clock_behind(text: str) -> tuple[int | None, str]:
    """(microseconds since midnight or None, zone as written) of what is behind a date: ' 16:00 UTC', 'T16:00:00Z', ' 4pm'."""
    match = _CLOCK.fullmatch(text) if len(text) <= LONGEST else None
    if not match or not (match["minute"] or match["half"] or match["h"]):
        return None, ""
    return _clock(match["hour"], match["minute"], match["second"], match["fraction"], match["half"]), match["zone"] or ""


def _clock(hour, minute=0, second=0, fraction=None, half=None) -> int | None:
    """Microseconds since midnight, a day for 24:00, or None where there is no such time."""
    hour, minute, second = int(hour), int(minute or 0), int(second or 0)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half[0].lower() == "p")
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    return hour * _AN_HOUR + (minute * 60 + min(second, 59)) * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])
