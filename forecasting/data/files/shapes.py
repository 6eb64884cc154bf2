"""One cell of text taken apart: which of its numbers are a date, and the time of day behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from forecasting.data.files.vocabulary import DAYS, month_number, plain

__all__ = ["LONGEST", "Cell", "clock_and_zone", "clock_of", "outline", "take_apart"]

LONGEST = 80  # no date is written with more characters

# A time of day at the end of a cell, and its zone.
_TIME = re.compile(
    r"""(?P<date>.*?)(?:(?:[T,_]|\s)\s*|(?<=\d)[:\-](?=\d\d:))(?:at\s|um\s)?
    (?P<hour>\d{1,2})(?:[:h](?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?\s*[-]?
    (?P<half>[ap]\.?\s?m\.?(?![a-z]))?
    \s*(?P<zone>z|[a-z]{2,5}\s?(?:[+-]\d{1,2}:?(?:\d{2})?)?|[+-]\d{2}:?(?:\d{2})?|[a-z]+/[a-z_]+)?\s*(?:\(.*\)|uhr)?""",
    re.VERBOSE | re.IGNORECASE)
_COMPACT = re.compile(r"(?P<date>\d{8})[ T_-]?(?P<clock>\d{4}|\d{6})(?P<zone>Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True)
class Cell:
    """What a cell holds.

    kind: 'three' (n, n, yyyy), 'short' (n, n, n), 'year' (yyyy, n, n), 'named' (y, m, d), 'named short' (yy, m, d),
        'month' (y, m), 'month short' (yy, m), 'month loose' (y, m of one digit, which might be a quarter),
        'quarter' and 'quarter short' (y, first month), 'week' (y, ISO week),
        or '' for what is no date
    numbers: as above, as they stand in the cell
    clock: microseconds since midnight, None where no time is given; zone: as written
    """

    kind: str
    numbers: tuple[int, ...] = ()
    clock: int | None = None
    zone: str = ""


@lru_cache(maxsize=100_000)
def _date_part(text: str) -> tuple[str, tuple[int, ...]]:
    """(kind, numbers) of a date without time; see `Cell`."""
    parts = re.findall(r"\d+|[^\W\d_]+", text)
    if not 1 <= len(parts) <= 8 or re.sub(r"\d+|[^\W\d_]+", "", text).strip(" -/.,:'’()\u00a0\t") != "":
        return "", ()
    if cjk := re.search(r"[年년]", text) is not None:
        parts = [part for part in parts if part.isdecimal()]
    months = [month for part in parts if not part.isdecimal() and (month := month_number(part))]
    marks = [part for part in parts if not part.isdecimal() and not month_number(part) and plain(part) not in DAYS
             and part.lower() not in ("st", "nd", "rd", "th")]
    digits = [part for part in parts if part.isdecimal()]
    if any(len(part) > 8 for part in digits):
        return "", ()
    lengths, numbers = tuple(map(len, digits)), tuple(map(int, digits))
    if len(months) == 1 and not marks:
        return _named(lengths, numbers, months[0], parts)
    if months or len(marks) > 1:
        return "", ()
    if marks:
        return _marked(marks[0].lower(), lengths, numbers, text)
    if len(digits) == 3 and max(lengths[1:2]) <= 2:
        if lengths[0] == 4 and lengths[2] <= 2:
            return "year", numbers
        if lengths[2] == 4 and lengths[0] <= 2:
            return "three", numbers
        if lengths[0] == 3 and lengths[2] <= 2 and 50 <= numbers[0] <= 199:
            return "year", (numbers[0] + 1911, *numbers[1:])  # the calendar of the Republic of China
        if lengths[0] <= 2 and lengths[2] <= 2:
            return "short", numbers
    if lengths == (8,):
        return "year", (numbers[0] // 10_000, numbers[0] // 100 % 100, numbers[0] % 100)
    if len(digits) == 2 and lengths[0] == 4 and (lengths[1] == 2 or (cjk and lengths[1] == 1)):
        return "month", numbers
    if len(digits) == 2 and lengths == (4, 1) and "." not in text:
        return "month loose", numbers
    if len(digits) == 2 and lengths[1] == 4 and lengths[0] <= 2:
        return "month", numbers[::-1]
    return "", ()


def _named(lengths, numbers, month, parts) -> tuple[str, tuple[int, ...]]:
    """A date whose month is a word: the longer number is the year; of two short ones the last."""
    if len(numbers) == 2 and max(lengths) in (2, 4) and min(lengths) <= 2:
        if lengths[0] == 4:
            return "named", (numbers[0], month, numbers[1])
        if lengths[1] == 4:
            return "named", (numbers[1], month, numbers[0])
        if lengths[1] == 2:
            return "named short", (numbers[1], month, numbers[0])
    if len(numbers) == 1 and lengths[0] == 4:
        return "month", (numbers[0], month)
    if len(numbers) == 1 and lengths[0] == 2 and not parts[0].isdecimal():  # 'Jan-05'; '05-Jan' has no year
        return "month short", (numbers[0], month)
    return "", ()


def _marked(mark, lengths, numbers, text) -> tuple[str, tuple[int, ...]]:
    """'2010Q1', 'Q1 2010', '1Q10', '2016M03', '2016-W13'."""
    if len(numbers) != 2:
        return "", ()
    year_first = lengths[0] == 4
    year, part = numbers if year_first else numbers[::-1]
    length = lengths[0] if year_first else lengths[1]
    if mark in ("q", "t") and 1 <= part <= 4 and length in (2, 4):
        return ("quarter" if length == 4 else "quarter short"), (year, 3 * part - 2)
    if mark == "m" and length == 4:
        return "month", (year, part)
    if mark in ("w", "kw") and length == 4:
        return "week", (year, part)
    return "", ()


def take_apart(text: str) -> Cell:
    """The date and time in `text`."""
    if len(text) > LONGEST:
        return Cell("")
    kind, numbers = _date_part(text)
    if kind:
        return Cell(kind, numbers)
    if match := _COMPACT.fullmatch(text):
        clock = match["clock"].ljust(6, "0")
        return Cell(*_date_part(match["date"]), _clock(clock[:2], clock[2:4], clock[4:]), match["zone"] or "")
    match = _TIME.fullmatch(text)
    if not match or not (match["minute"] or match["half"]):
        return Cell("")
    kind, numbers = _date_part(match["date"].strip(" ,"))
    clock = _clock(match["hour"], match["minute"], match["second"], match["fraction"], match["half"])
    if not kind or clock is None:
        return Cell("")
    return Cell(kind, numbers, clock, match["zone"] or "")


def outline(text: str) -> str:
    """How a cell is put together: '9 a 9' for '27 March 2018' and for any other number, word and number."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text[:LONGEST]))


def clock_of(text: str) -> int | None:
    """Microseconds since midnight for '16:00', '4:00 PM', '160000', '1600'; None for anything else."""
    if re.fullmatch(r"\d{1,6}", text):
        digits = text.zfill(6) if len(text) > 4 else text.zfill(4) + "00"
        return _clock(digits[:2], digits[2:4], digits[4:])
    return clock_and_zone(" " + text)[0]


def clock_and_zone(text: str) -> tuple[int | None, str]:
    """(microseconds since midnight or None, zone as written) of what stands behind a date: ' 16:00 UTC', 'T16:00:00Z'."""
    match = _TIME.fullmatch(text) if len(text) <= LONGEST else None
    if not match or match["date"] or not (match["minute"] or match["half"]):
        return None, ""
    return _clock(match["hour"], match["minute"], match["second"], match["fraction"], match["half"]), match["zone"] or ""


def _clock(hour, minute, second="0", fraction=None, half=None) -> int | None:
    """Microseconds since midnight, or None where there is no such time."""
    hour, minute, second = int(hour), int(minute or 0), int(second or 0)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half[0].lower() == "p")
    if hour > 23 or minute > 59 or second > 60:
        return None
    return ((hour * 60 + minute) * 60 + min(second, 59)) * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])
