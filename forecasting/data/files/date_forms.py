"""From text to dates and times of day: one grammar for a cell and for a column, so that what is recognised is what is read.

`FORMS` holds every way to write a date, each with its pattern and examples. A column keeps the forms, the orders of day, month and
year, and the languages that nearly all its cells allow. Readings are certain or they are several: `read_dates` returns every one
that fits, and the caller asks where there is more than one. Two-digit years follow the order of the rows, so that a series from
1950 on is not read as 2050. Numbers alone (yyyymmdd, epochs, serial numbers, years) are told by all of a column's values.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.data.files.calendar_words import is_weekday, month_number, months_in, words_in
from forecasting.data.files.vocabulary import MISSING
from forecasting.words import count_of, date

__all__ = ["FIRST_YEAR", "FORMS", "LAST_YEAR", "ORDERS", "Clocks", "DateForm", "Reading", "looks_like_date", "may_be_quarters",
           "order_named", "outline", "read_clocks", "read_dates"]

FIRST_YEAR, LAST_YEAR = 1678, 2261  # what nanoseconds can hold
# name: where year, month and day stand among three numbers
ORDERS = {"month/day/year": (2, 0, 1), "day/month/year": (2, 1, 0), "year/month/day": (0, 1, 2), "year/day/month": (0, 2, 1)}
_STRAY = 0.01  # the share of cells that may contradict the others; they are left out
_NEARLY_ALL, _MOSTLY, _FEW = 0.9, 0.8, 0.1
LONGEST = 80  # no date is written with more characters

_ERAS = {"m": 1867, "明治": 1867, "t": 1911, "大正": 1911, "s": 1925, "昭和": 1925, "h": 1988, "平成": 1988, "r": 2018, "令和": 2018}
_REPUBLIC = 1911  # the year before the first of the Republic of China


@dataclass(frozen=True, eq=False)
class DateForm:
    """One way to write a date.

    pattern: of a cell as `_in_figures` leaves it, '@03' being the name of a month. Its groups say what the numbers are: y, yy (two
        digits), roc (years of the Republic of China), era and ey (Japanese), m, d, q (quarter), h (half year), w (ISO week);
        a, b and c are numbers whose order the column decides
    examples: cell -> the date it means
    orders: those that a, b and c may have
    unit: what a cell dates
    """

    pattern: re.Pattern
    examples: Mapping[str, str]
    orders: tuple[str, ...] = ()
    unit: str = "day"

    @property
    def short(self) -> bool:
        return "yy" in self.pattern.groupindex or len(self.orders) == 3

    def read(self, text: str) -> tuple[int, ...] | None:
        """The numbers of `text` as they stand where orders are open, else year, month and day; None where it has another form."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        found = match.groupdict()
        if self.orders:
            return int(found["a"]), int(found["b"]), int(found["c"])
        year = int(found.get("y") or found.get("yy") or 0)
        if "roc" in found:
            year = int(found["roc"]) + _REPUBLIC
        elif "era" in found:
            year = _ERAS[found["era"]] + int(found["ey"])
        if found.get("w"):
            return _day_of_week(year, int(found["w"]), int(found.get("d") or 1))
        month = 3 * int(found["q"]) - 2 if "q" in found else 6 * int(found["h"]) - 5 if "h" in found else int(found.get("m") or 1)
        return year, month, int(found.get("d") or 1)


def _form(pattern: str, examples: dict[str, str], *orders: str, unit="day") -> DateForm:
    """Within `pattern` < > are numbers, '~' a separator that must be the same again ('='), and '_' any few separators."""
    for sign, meaning in (("<Y>", r"(?P<y>\d{4})"), ("<YY>", r"(?P<yy>\d{2})"), ("<M>", r"(?P<m>\d{1,2})"), ("<MM>", r"(?P<m>\d\d)"),
                          ("<D>", r"(?P<d>\d{1,2})"), ("<NAME>", r"@(?P<m>\d\d)"), ("<Q>", "(?P<q>[1-4])"), ("<H>", "(?P<h>[12])"),
                          ("<W>", r"(?P<w>\d{1,2})"), ("_", "[-/., ']{0,3}"), ("#", "[-/., ']{1,3}"), ("~", r"\s?(?P<s>[-/. ])\s?"), ("=", r"\s?(?P=s)\s?")):
        pattern = pattern.replace(sign, meaning)
    return DateForm(re.compile(pattern), examples, orders, unit)


_DAY_OR_MONTH = ("month/day/year", "day/month/year")
_QUARTERS = "(?:q|t|qtr|quarter|quartal|trim|trimestre|кв)"
FORMS = (
    _form(r"(?P<a>\d{4})~(?P<b>\d{1,2})=(?P<c>\d{1,2})\.?", {"2018-03-27": "2018-03-27", "2018. 3. 27.": "2018-03-27",
          "2018/3/27(火)": "2018-03-27", "2019-01-02,三": "2019-01-02"}, "year/month/day", "year/day/month"),
    _form(r"(?P<a>\d{1,2})~(?P<b>\d{1,2})=(?P<c>\d{4})\.?", {"27/03/2018": "2018-03-27", "Tue 27.3.2018": "2018-03-27",
          "3-27-2018": "2018-03-27", "27.03.2018 г.": "2018-03-27"}, *_DAY_OR_MONTH),
    _form(r"(?P<a>\d{1,2})~(?P<b>\d{1,2})=(?P<c>\d{1,2})\.?", {"27/03/18": "2018-03-27", "3/27/18": "2018-03-27",
          "98-03-27": "1998-03-27"}, *_DAY_OR_MONTH, "year/month/day"),
    _form(r"<D>_<NAME>_<Y>", {"27 March 2018": "2018-03-27", "27-Mrz-2018": "2018-03-27", "27 de marzo de 2018": "2018-03-27",
          "27mar2018": "2018-03-27", "27 марта 2018 г.": "2018-03-27", "1er janv. 2018": "2018-01-01", "Wed 02 Jan 2019": "2019-01-02"}),
    _form(r"<NAME>_<D>#<Y>", {"March 27, 2018": "2018-03-27", "Tuesday, Mar 27th, 2018": "2018-03-27", "Mar-27-2018": "2018-03-27"}),
    _form(r"<Y>_<NAME>_<D>", {"2018-Mar-27": "2018-03-27", "2018. március 27.": "2018-03-27"}),
    _form(r"<D>_<NAME>_<YY>", {"27-Mar-18": "2018-03-27", "27 sept 18": "2018-09-27"}),
    _form(r"<NAME>_<D>#<YY>", {"Mar 27, 18": "2018-03-27"}),
    _form(r"<Y>(?P<m>[01]\d)(?P<d>[0-3]\d)", {"20180327T000000Z": "2018-03-27", "20180327 160000": "2018-03-27"}),
    _form(r"(?P<roc>0[5-9]\d|1\d\d)~<M>=<D>", {"107/03/27": "2018-03-27", "099/10/01": "2010-10-01"}),
    _form(r"<Y>\s?[年년]\s?<M>\s?[月월]\s?<D>\s?[日일]?", {"2018年3月27日": "2018-03-27", "2018년 3월 27일 화요일": "2018-03-27"}),
    _form(r"<YY>\s?[年년]\s?<M>\s?[月월]\s?<D>\s?[日일]?", {"18年3月27日": "2018-03-27"}),
    _form(r"(?:中華民國|民國|民国)?\s?(?P<roc>\d{3})\s?年\s?<M>\s?月\s?<D>\s?日?", {"民國107年3月27日": "2018-03-27"}),
    _form(r"(?P<era>[mtshr]|明治|大正|昭和|平成|令和)\s?(?P<ey>\d{1,2})\s?[-/.年]\s?<M>\s?[-/.月]\s?<D>\s?日?",
          {"R1.5.7": "2019-05-07", "H31/1/2": "2019-01-02", "S64.1.7": "1989-01-07", "令和元年5月7日": "2019-05-07",
           "平成31年1月2日": "2019-01-02", "R01.05.07": "2019-05-07", "R 1. 5. 7": "2019-05-07"}),
    _form(r"<NAME>_<Y>", {"March 2018": "2018-03-01", "mars-2018": "2018-03-01"}, unit="month"),
    _form(r"<Y>_<NAME>", {"2018 MAR": "2018-03-01", "2018-März": "2018-03-01"}, unit="month"),
    _form(r"<NAME>_<YY>", {"Mar-18": "2018-03-01", "Mar '18": "2018-03-01"}, unit="month"),
    _form(r"<Y>[-/.: ]<MM>", {"2018-03": "2018-03-01", "2018.03": "2018-03-01", "2018/03": "2018-03-01"}, unit="month"),
    _form(r"<Y>[-/]\s?(?P<m>\d)", {"2018/7": "2018-07-01"}, unit="month"),
    _form(r"<M>[-/. ]<Y>", {"03/2018": "2018-03-01", "3.2018": "2018-03-01"}, unit="month"),
    _form(r"<Y>[-:. ]?m-?<M>", {"2018M03": "2018-03-01", "2018-M3": "2018-03-01"}, unit="month"),
    _form(r"m<MM>[-/ ]?<Y>", {"M03 2018": "2018-03-01"}, unit="month"),
    _form(r"<Y>\s?[년年]\s?<M>\s?[월月]", {"2018年3月": "2018-03-01"}, unit="month"),
    _form(rf"<Y>_{_QUARTERS}_<Q>", {"2018Q2": "2018-04-01", "2018-Q2": "2018-04-01", "2018 T2": "2018-04-01"}, unit="quarter"),
    _form(rf"{_QUARTERS}_<Q>#<Y>", {"Q2 2018": "2018-04-01", "T2/2018": "2018-04-01"}, unit="quarter"),
    _form(rf"<Q>_{_QUARTERS}_<Y>", {"2Q2018": "2018-04-01", "2 кв. 2018": "2018-04-01"}, unit="quarter"),
    _form(r"<Y>#<Q>\s?q", {"2018 2Q": "2018-04-01"}, unit="quarter"),
    _form(rf"{_QUARTERS}_<Q>#<YY>", {"Q2 18": "2018-04-01", "Q2'18": "2018-04-01"}, unit="quarter"),
    _form(rf"<Q>_{_QUARTERS}_<YY>", {"2Q18": "2018-04-01"}, unit="quarter"),
    _form(r"<Y>_[hs]_<H>", {"2018H1": "2018-01-01", "2018-S2": "2018-07-01"}, unit="half year"),
    _form(r"[hs]_<H>#<Y>", {"H2 2018": "2018-07-01"}, unit="half year"),
    _form(r"<H>_[hs]_<Y>", {"1H2018": "2018-01-01"}, unit="half year"),
    _form(r"<Y>-?w<W>-(?P<d>[1-7])", {"2016-W13-2": "2016-03-29"}),
    _form(r"<Y>[-/ ]?k?w-?<W>", {"2016-W13": "2016-03-28", "2016W13": "2016-03-28"}, unit="week"),
    _form(r"k?w[-/ ]?<W>[-/ ]<Y>", {"W13 2016": "2016-03-28", "KW13/2016": "2016-03-28"}, unit="week"),
)
# A year alone says so only among months or quarters; a column of years is one of numbers.
_YEAR = _form(r"(?P<y>1[6-9]\d\d|2[0-2]\d\d)", {"2018": "2018-01-01"}, unit="year")
_LOOSE, _LAST, _FIRST, _SHORT_MONTH = (next(form for form in FORMS if example in form.examples)
                                       for example in ("2018/7", "27/03/2018", "2018-03-27", "Mar-18"))
_FINENESS = ("day", "week", "month", "quarter", "half year", "year")
# What a single number must be to be a date by itself: a year, yyyymmdd, an epoch, a serial number or a fraction of those.
_NUMBER = re.compile(r"(?:1[5-9]|2[0-2])\d\d|\d{5,19}|\d\.\d{9,}[eE]\+(?:09|1[0-8])|\d{5}\.\d+|\d{9,10}\.\d+|\d{4}\.\d+|\d{5,19}\.0+")

# Where a time of day begins behind a date, for a cell and for a column alike. Patterns for whole columns use [0-9] and spaces as
# such: pandas leaves \d and \s to Python, cell by cell.
_CUT = r"[T, _:\-]+(?:(?:at|um) )?[0-9]{1,2}(?:[:h][0-9]{2}| ?[AaPp]\.?[Mm]).*$"
_REWRITTEN = (
    # The year behind the time, as Unix writes it: 'Tue Mar 27 16:00:00 EDT 2018'.
    (r"^(.*[0-9]) ([0-9]{1,2}:[0-9]{2}:[0-9]{2}) (?:([A-Z]{2,5}) )?([0-9]{4})$", r"\1 \4 \2 \3"),
    (r"^([0-9]{8})[T _\-]?([0-9]{2})([0-9]{2})([0-9]{2})(Z|[+\-][0-9]{2}:?[0-9]{2})?$", r"\1 \2:\3:\4 \5"),
    (r"^([0-9]{8})[T _\-]?([0-9]{2})([0-9]{2})(Z|[+\-][0-9]{2}:?[0-9]{2})?$", r"\1 \2:\3 \4"),
)
_CLOCK = re.compile(
    r"""[T,_:\-\s]*(?:at\s|um\s)?
    (?P<hour>\d{1,2})(?:[:h.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?|(?P<h>h))?
    \s*-?(?P<half>[ap]\.?\s?m\.?(?![a-z]))?
    \s*(?P<zone>z|[a-z]{2,5}\s?(?:[+-]\d{1,2}:?(?:\d{2})?)?|[+-]\d{2}:?(?:\d{2})?|[a-z]+/[a-z_]+)?\s*(?:\(.*\)|uhr)?""",
    re.VERBOSE | re.IGNORECASE)
_HOUR, _DAY = 3_600_000_000, 86_400_000_000  # microseconds

_CJK_DAY = "(?:(?:星期|周|週|礼拜|禮拜)[一二三四五六日天]|[月火水木金土日](?:曜日?)?|[一二三四五六]|[월화수목금토일](?:요일)?)"
_CJK_WEEKDAY = re.compile(rf"^[(]?{_CJK_DAY}[)]?[\s,]*(?=\d)|(?:(?<=[\s,(、日일])|(?<=\d)(?![月日월일])){_CJK_DAY}[)]?$")
_FILLERS = {"de", "del", "of", "le", "den", "the", "г", "года", "р", "року", "roku", "st", "nd", "rd", "th", "er"}
_MARKS = {"q", "t", "qtr", "quarter", "quartal", "trim", "trimestre", "кв", "h", "s", "m", "w", "kw", "r", "年", "月", "日", "년",
          "월", "일", "明治", "大正", "昭和", "平成", "令和", "民國", "民国", "中華民國"}
_MOST_WORDS, _DIGITS = 6, range(2, 9)  # of a date


def looks_like_date(cell: str, whole_numbers: bool = True) -> bool:
    """Whether `read_dates` may read `cell`; with `whole_numbers` also as a year, yyyymmdd, an epoch or an Excel serial number."""
    return 4 <= len(cell) <= LONGEST and _looks_like_date(cell, whole_numbers)


# Cached because one cell is looked at for each delimiter and again for each step.
@lru_cache(maxsize=20_000)
def _looks_like_date(cell: str, whole_numbers: bool) -> bool:
    if _NUMBER.fullmatch(cell):
        return whole_numbers
    day, behind = _split(cell)
    found = _take_apart(day)
    if found.form in (None, _YEAR) or (behind and _clock_behind(behind)[0] is None):
        return False
    orders = found.form.orders
    return any(_is_day(*numbers) for numbers in ([_in_order(found.numbers, name) for name in orders] or [found.numbers]))


def _split(cell: str) -> tuple[str, str]:
    """(the date, the time of day behind it or '')."""
    for pattern, rewritten in _REWRITTEN:
        cell = re.sub(pattern, rewritten, cell).strip()
    match = re.search(_CUT, cell)
    return (cell[: match.start()], cell[match.start() :]) if match else (cell, "")


def _in_figures(text: str, month_of: Callable[[str], int | None]) -> list[str]:
    """The ways to see `text` without words: '@03' for the name of a month, and without weekdays, 'th' and 'de'.

    'mar' is a month in English and a Tuesday in Spanish, so there may be two; [] where a word is none of these.
    """
    text = _CJK_WEEKDAY.sub("", unicodedata.normalize("NFKC", text).strip()).strip(" ,(").replace("元年", "1年")
    words = words_in(text)
    if not words:
        return [text]
    if len(words) > _MOST_WORDS or sum(c.isdecimal() for c in text) not in _DIGITS:
        return []
    months = [i for i, word in enumerate(words) if month_of(word)]
    ways = []
    for named in (months[-1:], []) if months and is_weekday(words[months[-1]]) else (months[-1:],):
        pieces, rest = [], text
        for i, word in enumerate(words):
            before, rest = rest.split(word, 1)
            if i in named:
                pieces += [before, f"@{month_of(word):02}"]
            elif word.lower() in _MARKS | _FILLERS:
                pieces += [before, word.lower() if word.lower() in _MARKS else " "]
            elif is_weekday(word):
                pieces.append(before.rstrip("([ ") + " ")
                rest = " " + rest.lstrip(".,)] ")
            else:
                break
        else:
            ways.append(re.sub(" {2,}", " ", "".join([*pieces, rest])).strip(" ,.()[]"))
    return ways


@dataclass(frozen=True)
class _Cell:
    """What a cell holds: the form of its date, its numbers as `DateForm.read` gives them, microseconds since midnight, the zone."""

    form: DateForm | None = None
    numbers: tuple[int, ...] = ()
    clock: int | None = None
    zone: str = ""


def _take_apart(text: str, month_of: Callable[[str], int | None] = month_number) -> _Cell:
    """The date in `text`, and a time behind it where that has no colon: '27.03.2018 16.00'."""
    cell = _date_in(text, month_of)
    for at in () if cell.form else range(len(text) - 2, 3, -1):
        if text[at] in " T,_" and text[at + 1].isdecimal():
            clock, zone = _clock_behind(text[at:])
            found = _date_in(text[:at], month_of) if clock is not None else cell
            if found.form not in (None, _YEAR):
                return replace(found, clock=clock, zone=zone)
    return cell


def _date_in(text: str, month_of) -> _Cell:
    if 4 <= len(text) <= LONGEST:
        for way in _in_figures(text, month_of):
            for form in (*FORMS, _YEAR):
                if (numbers := form.read(way)) is not None:
                    return _Cell(form, numbers)
    return _Cell()


def _clock_behind(text: str) -> tuple[int | None, str]:
    """(microseconds since midnight or None, zone as written) of what stands behind a date: ' 16:00 UTC', 'T16:00:00Z', ' 4pm'."""
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
    return hour * _HOUR + (minute * 60 + min(second, 59)) * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])


@dataclass(frozen=True)
class Clocks:
    """A column of times of day.

    values: (n,) timedelta64[us] since midnight, NaT where missing or unreadable
    ends: whether the column names the ends of hours, e.g. up to 24:00; the values are their beginnings
    """

    values: pd.Series
    ends: bool = False


_PERIOD = re.compile(r"(.*?[^\s])\s*(?:-|–|—|~|to|bis|до|à)\s*(\d.*)", re.IGNORECASE)
_HOUR_ENDING = re.compile(r"h(?:our)? ?e(?:nding)? ?(\d{1,2})", re.IGNORECASE)


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
    elif max(numbers) <= 24:
        clocks = [_clock(number) for number in numbers]
    else:
        width = 6 if max(numbers) > 2400 or max(map(len, cells)) > 4 else 4
        clocks = [_clock(*re.findall("..", cell.zfill(width))) for cell in cells]
    rows = np.bincount(codes[codes >= 0], minlength=len(cells))
    if rows[[clock is None for clock in clocks]].sum() > _STRAY * rows.sum():
        return None
    ends = ends or any(_HOUR_ENDING.fullmatch(cell) for cell in cells)
    values = np.array(["NaT" if clock is None else clock for clock in clocks] + ["NaT"], dtype="timedelta64[us]")[codes]
    ends, values = _as_beginnings(values, ends)
    return Clocks(pd.Series(values), ends)


def _clock_in(cell: str) -> int | None:
    """Of a period its beginning."""
    if ending := _HOUR_ENDING.fullmatch(cell):
        return _clock(ending[1])
    if period := _PERIOD.fullmatch(cell[:LONGEST]):
        begin, end = (_clock(part) if part.isdecimal() and len(part) < 3 else _clock_in(part) for part in period.groups())
        return begin if end is not None else None
    if cell.isdecimal() and len(cell) in (4, 6):
        return _clock(*re.findall("..", cell))
    return _clock_behind(cell)[0]


def _as_beginnings(clocks: np.ndarray, ends: bool = False) -> tuple[bool, np.ndarray]:
    """(whether `clocks` name the ends of hours, as 24:00 does where there is no 0:00; their beginnings)."""
    distinct = np.unique(clocks[~np.isnat(clocks)]).astype("int64")
    ends = ends or bool(len(distinct) and distinct[-1] == _DAY and distinct[0] > 0)
    steps = np.diff(distinct)
    return ends, clocks - np.timedelta64(min(_HOUR, steps.min(initial=_HOUR)) if ends else 0, "us")


@dataclass(frozen=True)
class Reading:
    """One way to read a column of dates.

    values: (n,) datetime64[us], NaT where missing or unreadable, in the order of the rows
    order: a name of `ORDERS` where it had to be decided or asked, else None
    notes: how the dates were read
    timed: whether some cell has a time of day; zone: what the cells say of their time zone, or ''
    left_out: (n,) bool, True for the years and quarters that sum up the months in the same column; None for none
    """

    values: pd.Series
    order: str | None = None
    notes: tuple[str, ...] = ()
    timed: bool = False
    zone: str = ""
    left_out: np.ndarray | None = None

    @property
    def read(self) -> int:
        """How many cells were understood."""
        return int(self.values.notna().sum()) + (0 if self.left_out is None else int(self.left_out.sum()))


def order_named(text: str | None) -> str | None:
    """The name in `ORDERS` for 'day/month/year', 'DD/MM/YYYY', 'dmy', 'day first', ...; None for None or unknown text."""
    letters = re.sub(r"[^a-z]", "", str(text or "").lower())
    letters = re.sub("day", "d", re.sub("month", "m", re.sub("year", "y", letters)))
    letters = "".join(dict.fromkeys({"dfirst": "dmy", "mfirst": "mdy", "yfirst": "ymd"}.get(letters, letters)))
    return {"mdy": "month/day/year", "dmy": "day/month/year", "ymd": "year/month/day", "ydm": "year/day/month"}.get(letters)


def outline(text: str) -> str:
    """How a cell is put together: '9 a 9' for '27 March 2018' and for any other number, word and number."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text[:LONGEST]))


def read_dates(text: pd.Series, order: str | None = None, *, today: pd.Timestamp | None = None, epoch_1904: bool = False,
               taiwanese: bool = False, quarters: bool = False) -> list[Reading]:
    """Every reading of `text` that fits nearly all of its cells; [] where it holds no dates.

    order: a name of `ORDERS` that settles which number is the day
    epoch_1904: whether serial numbers count from 1904; quarters: whether the column is called so
    taiwanese: whether years of two digits are known to be those of the Republic of China; those of three are in any case
    """
    text = text.reset_index(drop=True)
    text = text.where(~text.str.lower().isin(MISSING), "")
    present = text != ""
    if not present.any():
        return []
    if quick := _read_iso(text, present):
        return [quick]
    if quarters and (numbered := _as_quarters(text)) is not None:
        text = numbered
    text = _with_long_minguo_years(text, taiwanese)
    today = today or pd.Timestamp.now()
    return _read_numbers(text, present, order, today, epoch_1904) or _read_by_form(text, present, order, today)


# A year and a number of it, in either order: '2005-01', '200501', '1/2005'.
_NUMBERED = r"^(?:([12][0-9]{3})[-/.: ]?(1[0-2]|0?[0-9])|(1[0-2]|0?[0-9])[-/. ]([12][0-9]{3}))$"
_MINGUO = "{}[-/.年] ?[0-9]{{1,2}}[-/.月] ?[0-9]{{1,2}}日?"
_LONG_MINGUO, _SHORT_MINGUO = _MINGUO.format("[01][0-9]{2}"), _MINGUO.format("[5-9][0-9]")


def _as_quarters(text: pd.Series) -> pd.Series | None:
    """`text` with '2005Q1' for '1/2005', '2005-01' and '200501'; None where few cells are so, or a number is above 4."""
    if not re.match(_NUMBERED, _first_present(text)):
        return None
    found = text.str.extract(_NUMBERED)
    years, numbers = found[0].fillna(found[3]), pd.to_numeric(found[1].fillna(found[2]))
    numbered = numbers.notna()
    if not numbers[numbered].between(1, 4).all() or numbered.sum() < _MOSTLY * (~text.str.lower().isin(MISSING)).sum():
        return None
    return text.where(~numbered, years + "Q" + numbers.astype("Int64").astype("str")).astype("str")


def may_be_quarters(text: pd.Series) -> bool:
    """Whether the numbers beside the years go from 1 to 4 in several years: months would go on to 12."""
    quarters = _as_quarters(text)
    if quarters is None:
        return False
    distinct = pd.Series(quarters.unique()).str.extract("^([0-9]{4})Q([1-4])$")
    return distinct[0].nunique() > 1 and distinct[1].nunique() == 4


def _with_long_minguo_years(text: pd.Series, taiwanese: bool) -> pd.Series:
    """`text` with '099/10/01' for '99/10/01' where the years of some cells have three digits, or are known to be such."""
    if not re.match("[0-9]{2,3}[-/.年]", _first_present(text)):
        return text
    short, long = text.str.fullmatch(_SHORT_MINGUO), text.str.fullmatch(_LONG_MINGUO)
    years = short | long
    if not (taiwanese or long.any()) or years.sum() < (1 - _STRAY) * text.str.fullmatch(_MINGUO.format("[0-9]+")).sum():
        return text
    return text.where(~short, "0" + text)


def _first_present(text: pd.Series) -> str:
    return next((cell for cell in text if cell.lower() not in MISSING), "")


_ISO_ZONE = r" *(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)$"
_ISO = (r"[0-9]{4}-(?:0[1-9]|1[0-2])-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?"
        r"(?: *(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?")


def _read_iso(text: pd.Series, present: pd.Series) -> Reading | None:
    """A column that is ISO throughout, with or without time and zone, the quick way; None where it is not."""
    if not re.fullmatch(_ISO, text[present].iloc[0]) or not text[present].str.fullmatch(_ISO).all():
        return None
    timed = text.str.contains(":", regex=False)
    zones = ""
    bare = text
    if timed.any():
        zoned = text[timed]
        if zoned.str.contains(r"[T ]24:", regex=True).any():
            return None
        if re.search(_ISO_ZONE, zoned.iloc[0]) or zoned.str.contains(r"(?:[A-Z]|[+-][0-9]{2}(?::?[0-9]{2})?)$").any():
            found = zoned.str.slice(16).str.extract(rf"({_ISO_ZONE})", expand=False).dropna().str.strip().unique()
            zones = ", ".join(sorted(found)[:3])
            bare = text.where(~timed, zoned.str.replace(_ISO_ZONE, "", regex=True))
    values = pd.to_datetime(bare.where(present), format="ISO8601", errors="coerce").dt.as_unit("us")
    values = values.where(values.dt.year.between(FIRST_YEAR, LAST_YEAR))
    return Reading(values, timed=bool(timed.any()), zone=zones)


@dataclass(frozen=True)
class _Family:
    """The distinct cells of one form, and the orders their three numbers may have."""

    form: DateForm
    members: tuple[int, ...]
    orders: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Parts:
    """A column taken apart. Row i holds distinct[codes[i]], which is cells[codes[i]], at clock[i] (timedelta64, NaT: no time).

    timed: whether some cell has a time of day; zone: up to three zones as written
    """

    codes: np.ndarray
    distinct: pd.Index
    cells: list[_Cell]
    clock: np.ndarray
    timed: bool
    zone: str
    notes: tuple[str, ...] = ()

    def numbers(self, family: _Family) -> list[tuple[int, ...]]:
        return [self.cells[i].numbers for i in family.members]


def _parts_of(text: pd.Series) -> _Parts:
    """Dates and times are split first: of a hundred thousand stamps few dates and few times are distinct."""
    text = text.str.slice(0, 2 * LONGEST)
    for pattern, rewritten in _REWRITTEN:
        text = text.str.replace(pattern, rewritten, regex=True)
    text = text.str.strip()
    date = text.str.replace(_CUT, "", regex=True)
    lengths = date.str.len()
    behind = pd.Series("", index=text.index, dtype="str")
    for length in lengths[lengths < text.str.len()].unique():
        behind = behind.where(lengths != length, text.str.slice(int(length)))
    codes, distinct = pd.factorize(date)
    words = {word for cell in distinct for word in words_in(unicodedata.normalize("NFKC", cell[:LONGEST]))}
    months, note = months_in(word for word in words if word.lower() not in _MARKS | _FILLERS)
    cells = [_take_apart(cell, months.get) for cell in distinct]
    clock_codes, clocks = pd.factorize(behind)
    read = [(0, "") if clock == "" else _clock_behind(clock) for clock in clocks]
    micros = np.array(["NaT" if clock is None else clock for clock, _ in read], dtype="timedelta64[us]")[clock_codes]
    micros = micros + np.array([cell.clock or 0 for cell in cells], dtype="timedelta64[us]")[codes]
    ends, micros = _as_beginnings(micros)
    zones = sorted({zone for _, zone in read if zone} | {cell.zone for cell in cells if cell.zone})
    timed = any(clocks) or any(cell.clock is not None for cell in cells)
    notes = (*([note] if note else []),
             *(["Times go up to 24:00, the end of an hour or less: each was dated by its beginning."] if ends else []))
    return _Parts(codes, distinct, cells, micros, timed, ", ".join(zones[:3]), notes)


def _read_by_form(text: pd.Series, present: pd.Series, order: str | None, today: pd.Timestamp) -> list[Reading]:
    """Readings of a column from its distinct cells, the cells of one form at a time."""
    parts = _parts_of(text)
    dated = np.array([cell.form is not None for cell in parts.cells])[parts.codes]
    if dated.sum() < 0.5 * present.sum():
        return []
    families = []
    for form in dict.fromkeys(cell.form for cell in parts.cells if cell.form):
        family = _Family(form, tuple(i for i, cell in enumerate(parts.cells) if cell.form is form))
        family = replace(family, orders=_fitting_orders(parts.numbers(family), form, order))
        if family.orders or not form.orders:
            families.append(family)
        elif np.isin(parts.codes, family.members).sum() > _STRAY * present.sum():
            return []
    if not families or all(family.form is _YEAR for family in families):
        return []
    if _swapped_by_a_spreadsheet(families, parts) or _might_be_quarters(families, parts):
        return []
    families = _agreed(families)
    options = list(dict.fromkeys(name for family in families for name in family.orders if len(family.orders) > 1))
    readings = [_assemble(parts, families, option, order, today) for option in (options or (None,))]
    if any(family.form is _SHORT_MONTH for family in families):
        readings = [reading for reading in readings if _steps_by_months(reading.values)]
    return _different(readings)


def _might_be_quarters(families: list[_Family], parts: _Parts) -> bool:
    """Whether '2016-1' may be a quarter as well as a month: no cell goes beyond 4."""
    months = [family for family in families if family.form.unit == "month" and family.form is not _SHORT_MONTH]
    loose = any(family.form is _LOOSE for family in months)
    return loose and max(numbers[1] for family in months for numbers in parts.numbers(family)) <= 4


def _agreed(families: list[_Family]) -> list[_Family]:
    """`families` with an order that one of them decides taken by the others that allow it."""
    decided = {family.orders[0] for family in families if len(family.orders) == 1 and family.form is not _FIRST}
    if len(decided) != 1:
        return families
    return [replace(family, orders=tuple(decided)) if decided <= set(family.orders) else family for family in families]


def _steps_by_months(values: pd.Series) -> bool:
    """Whether dates are an even number of months apart: 'Jan-05' is January 2005 only then, else 05 is a day without a year.

    Days of a month would look like years: steps of twelve months are believed only where the month never changes.
    """
    dates = values.dropna()
    steps = (dates.dt.year * 12 + dates.dt.month).diff().abs().dropna()
    steps = steps[steps > 0]
    if steps.empty:
        return False
    usual = steps.median()
    return bool((steps == usual).mean() >= 0.8 and (usual % 12 != 0 or dates.dt.month.nunique() == 1))


def _fitting_orders(numbers: list[tuple[int, ...]], form: DateForm, order: str | None) -> tuple[str, ...]:
    """The orders under which nearly all cells of a family are dates, the one asked for if it is among them."""
    fits = {name: [_is_day(*_in_order(n, name)) for n in numbers] for name in form.orders}
    best = max((sum(fit) for fit in fits.values()), default=0)
    dates = sum(map(any, zip(*fits.values(), strict=True)))
    # Cells that fit no order are bad dates. Cells that fit one order each contradict one another, and nothing is certain.
    if not best or best < (1 - _STRAY) * dates:
        return ()
    kept = [name for name in form.orders if sum(fits[name]) >= (1 - _STRAY) * best]
    if order in kept:
        return (order,)
    return tuple(kept[:1] if form is _FIRST else kept)  # a year in front is followed by the month


def _in_order(numbers: tuple[int, ...], name: str) -> tuple[int, ...]:
    return tuple(numbers[at] for at in ORDERS[name])


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year if year > 99 else 2000 + year % 4, month, day)
    except ValueError:
        return False
    return year <= 99 or FIRST_YEAR <= year <= LAST_YEAR


def _day_of_week(year: int, week: int, day: int) -> tuple[int, int, int]:
    try:
        found = datetime.date.fromisocalendar(year, week, day)
    except ValueError:
        return 0, 0, 0
    return found.year, found.month, found.day


def _swapped_by_a_spreadsheet(families: list[_Family], parts: _Parts) -> bool:
    """Whether ISO dates stand beside days that cannot be months, and are themselves all days that can.

    A spreadsheet set to another language turns 03/04/2016 into a date, the wrong one, and leaves 17/04/2016 as text.
    """
    numbers = {id(family.form): parts.numbers(family) for family in families}
    iso, three = numbers.get(id(_FIRST), []), numbers.get(id(_LAST), [])
    if len(iso) < 5 or len(three) < 5 or any(n[2] > 12 for n in iso):
        return False
    return all(n[0] > 12 for n in three) or all(n[1] > 12 for n in three)


def _assemble(parts: _Parts, families: list[_Family], option: str | None, asked: str | None, today: pd.Timestamp) -> Reading:
    """The dates under `option`, an order for the families that leave it open."""
    codes = parts.codes
    year, month, day, unit = (np.zeros(len(parts.cells), dtype=int) for _ in range(4))
    short = np.zeros(len(parts.cells), dtype=bool)
    notes, decided = list(parts.notes), None
    for family in families:
        name = (option if option in family.orders else family.orders[0]) if family.orders else None
        for i, numbers in zip(family.members, parts.numbers(family), strict=True):
            year[i], month[i], day[i] = _in_order(numbers, name) if name else numbers
        members = list(family.members)
        short[members], unit[members] = family.form.short, _FINENESS.index(family.form.unit)
        if name and (family.form is not _FIRST or name == "year/day/month"):
            decided = name if family.form is not _FIRST else decided
            notes.append(_order_note(family, parts, name, asked))
    year, month, day, short = year[codes], month[codes], day[codes], short[codes]
    if short.any():
        year = _centuries(year, month, day, short, today)
        notes.append(f"Two-digit years were read as {year[short].min()} to {year[short].max()}.")
    days = _to_dates(year, month, day)
    left_out, sum_notes = _sums(days, unit[codes])
    days[left_out] = np.datetime64("NaT")
    values = pd.Series(days.astype("datetime64[us]") + parts.clock)
    kept = [family for family in families if not left_out[np.isin(codes, family.members)].all()]
    units = {family.form.unit for family in kept}
    notes += [f"Each {word} was dated by its first day." for word in (*_FINENESS[2:4], "week", *_FINENESS[4:]) if word in units]
    notes += [*_calendar_notes(kept, parts, days), *sum_notes]
    if len(kept) > 1:
        examples = " and ".join(f"“{parts.distinct[family.members[0]][:30]}”" for family in kept[:2])
        notes.append(f"Dates are written in {len(kept)} ways, e.g. {examples}; each was read in its own.")
    return Reading(values, decided, tuple(notes), parts.timed, parts.zone, left_out if left_out.any() else None)


def _sums(days: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(the rows of months, quarters or years that sum up finer ones of the same column, what to say of them).

    A series that is monthly in its first years and daily afterwards keeps both.
    """
    left_out, notes = np.zeros(len(days), dtype=bool), []
    known = ~np.isnat(days)
    for at in range(1, len(_FINENESS)):
        rows, finer = known & (unit == at), np.sort(days[known & (unit < at) & ~left_out])
        if not rows.any() or not len(finer):
            continue
        months = {"month": 1, "quarter": 3, "half year": 6, "year": 12}.get(_FINENESS[at])
        begins = days[rows]
        ends = (begins.astype("datetime64[M]") + months).astype("datetime64[D]") if months else begins + 7
        summed = np.searchsorted(finer, ends) > np.searchsorted(finer, begins)
        if summed.all() or summed.sum() > 2:
            left_out |= rows
            finest = _FINENESS[unit[known & ~left_out].min()]
            notes.append(f"{count_of(len(begins), _FINENESS[at])} among the {finest}s left out: they sum them up.")
    return left_out, notes


def _calendar_notes(families: list[_Family], parts: _Parts, days: np.ndarray) -> list[str]:
    """What to say of years that are not counted as elsewhere."""
    notes = []
    for group, calendar in (("roc", "in the calendar of the Republic of China"), ("era", "by Japanese eras")):
        for family in [family for family in families if group in family.form.pattern.groupindex][:1]:
            row = int(np.argmax(parts.codes == family.members[0]))
            notes.append(f"Years were read {calendar}, e.g. {parts.distinct[family.members[0]][:30]} as {days[row]!s}.")
    return notes


def _order_note(family: _Family, parts: _Parts, name: str, asked: str | None) -> str:
    """The sentence that says how the order was decided, with the cell that decided it."""
    if name == asked:
        return f"Dates were read as {name}, as chosen."
    others = [other for other in family.form.orders if other != name]
    for i, numbers in zip(family.members, parts.numbers(family), strict=True):
        if _is_day(*_in_order(numbers, name)) and not any(_is_day(*_in_order(numbers, other)) for other in others):
            return f"Dates were read as {name} because {parts.distinct[i][:30]} occurs."
    return f"Dates were read as {name}."


def _centuries(year, month, day, short, today):
    """Full years for the two-digit ones: in order with their neighbours, and never after this year.

    Followed from row to row the years of a sorted file never jump by more than half a century, so 99 and 00 are
    neighbours. The last year is then the latest that is not in the future.
    """
    plain = np.where(short, np.where(year + 2000 > today.year, 1900 + year, 2000 + year), year)
    followed = year.copy()
    steps = np.unwrap(year[short], period=100).astype(int)
    followed[short] = steps + 100 * ((today.year - steps.max()) // 100)
    return followed if _disorder(followed, month, day) < _disorder(plain, month, day) else plain


def _disorder(year, month, day) -> int:
    """How many neighbours stand against the prevailing direction of time."""
    steps = np.diff((year * 12 + month) * 31 + day)
    return int(min((steps < 0).sum(), (steps > 0).sum()))


def _to_dates(year, month, day) -> np.ndarray:
    """datetime64[D]; NaT where there is no such day, or the year cannot be held."""
    possible = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(possible, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + np.where(possible, day - 1, 0)
    return np.where(possible & (dates.astype("datetime64[M]") == months), dates, np.datetime64("NaT", "D"))


def _different(readings: list[Reading]) -> list[Reading]:
    """`readings` without repetitions, the likeliest first.

    A year in front is told from a year behind by the order of the rows; day and month never are, for a column of first
    days of months looks sorted either way.
    """
    kept: list[Reading] = []
    for reading in readings:
        if not any(reading.values.equals(other.values) for other in kept):
            kept.append(reading)
    sorted_share = {id(reading): _sorted_share(reading.values) for reading in kept}
    best = max(sorted_share.values(), default=0)
    if best > 0.995:
        leading = {reading.order == "year/month/day" for reading in kept if sorted_share[id(reading)] == best}
        if len(leading) == 1:
            kept = [reading for reading in kept if sorted_share[id(reading)] > 0.99
                    or (reading.order == "year/month/day") in leading]
    return sorted(kept, key=lambda reading: -_plausibility(reading.values))


def _sorted_share(values: pd.Series) -> float:
    """The share of the steps from one day to another that go the same way; 0 for few."""
    steps = values.dropna().dt.normalize().diff().dropna().dt.total_seconds().to_numpy()
    steps = steps[steps != 0]
    return max((steps > 0).mean(), (steps < 0).mean()) if len(steps) > 10 else 0.0


def _plausibility(values: pd.Series) -> float:
    """Higher for sorted rows on working days at even distances; only to put the best guess first."""
    dates = values.dropna()
    if len(dates) < 3:
        return 0.0
    steps = dates.diff().dropna().dt.total_seconds().abs()
    return _sorted_share(values) + (dates.dt.day_of_week < 5).mean() + 1 / (1 + steps.std() / max(steps.median(), 1.0))


_EPOCHS = (("seconds", 1e8, 5e9, 1_000_000), ("milliseconds", 1e11, 5e12, 1_000), ("microseconds", 1e14, 5e15, 1),
           ("nanoseconds", 1e17, 5e18, 1))  # unit, least and most, its microseconds; a nanosecond is a thousandth of one
# As NumPy writes 1459382400; a spreadsheet's 1.45938E+09 has lost its last digits.
_EXACT_POWER = r"[0-9]\.[0-9]{9,}[eE]\+(?:0[89]|1[0-8])"
_DATED_DIGITS = ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M"), (10, "%Y%m%d%H"), (8, "%Y%m%d"))


def _read_numbers(text: pd.Series, present: pd.Series, order: str | None, today: pd.Timestamp, epoch_1904: bool) -> list[Reading]:
    """Every reading of a column of numbers as dates; [] where the numbers are none."""
    most = _NEARLY_ALL * present.sum()
    exact = text.str.fullmatch(_EXACT_POWER)
    if exact.sum() >= most:
        text = text.where(~exact, text[exact].map(lambda cell: f"{Decimal(cell):f}").reindex(text.index))
    whole = text.str.fullmatch(r"-?[0-9]{4,19}(?:\.0*)?")
    if 0 < (short := text.str.fullmatch(r"-?[0-9]{1,3}")).mean() < _FEW:  # the first minutes of 1970
        whole |= short
    fraction = text.str.fullmatch(r"[0-9]{4,10}\.[0-9]+")
    if (whole | fraction).sum() < most:
        return []
    digits = text.str.replace(r"\.0*$", "", regex=True).where(whole, "")
    numbers = pd.to_numeric(text.where(whole | fraction), errors="coerce").astype("float64")
    if whole.sum() >= most and not (numbers < 0).any():
        if (reading := _dated_digits(digits, whole)) is not None:
            return [reading]
        split = _split_digits(digits, whole)
        if split is not None and (readings := _read_by_form(split, whole, order, today)):
            return readings
    readings = (_years(numbers), _serials(numbers, epoch_1904), _epochs(numbers, digits))
    return [reading for reading in readings if reading is not None][:1]


def _dated_digits(digits: pd.Series, whole: pd.Series) -> Reading | None:
    """yyyymmdd, with hours, minutes and seconds or without."""
    lengths = digits[whole].str.len()
    for length, pattern in _DATED_DIGITS:
        if (lengths == length).mean() < 1 - _STRAY:
            continue
        # strptime reads '2016010100' with %H of one digit too: the length must be exact.
        exact = digits.where(digits.str.len() == length)
        values = pd.to_datetime(exact, format=pattern, errors="coerce").dt.as_unit("us")
        values = values.where(values.dt.year.between(FIRST_YEAR if length < 12 else 1900, LAST_YEAR))
        if values.notna().sum() >= (1 - _STRAY) * whole.sum():
            return Reading(values, timed=length > 8)
    return None


def _split_digits(digits: pd.Series, whole: pd.Series) -> pd.Series | None:
    """yyyymm as '2016-03', with years among them or without; ddmmyyyy and six digits as three numbers in an open order."""
    lengths = digits.str.len()
    months = digits.str.fullmatch("(?:1[7-9]|2[01])[0-9]{2}(?:0[1-9]|1[0-2])")
    years = digits.str.fullmatch("(?:1[7-9]|2[01])[0-9]{2}")
    if (months | years)[whole].all() and months.sum() > years.sum():
        return digits.where(~months, digits.str.slice(0, 4) + "-" + digits.str.slice(4))
    for least, most in ((5, 6), (7, 8)):
        if lengths[whole].between(least, most).all() and (lengths[whole] == most).mean() > 0.2:
            full = digits.str.zfill(most)
            return (full.str.slice(0, 2) + "/" + full.str.slice(2, 4) + "/" + full.str.slice(4)).where(whole, "")
    return None


def _years(numbers: pd.Series) -> Reading | None:
    """1949; 1949.02 for February, and 1949.1 for October where a spreadsheet took 1949.10 for a number; R's 1949.0833."""
    known = numbers.dropna()
    if not known.between(1500, 2200).all() or known.duplicated().mean() > 0.5:
        return None
    part = known % 1
    hundredths, twelfths = (part * 100).round(), (part * 12).round()
    if not part.any():
        months, note = 0 * part, "Each year was dated by its first day."
    elif hundredths.between(1, 12).all() and (part * 100 - hundredths).abs().max() < 1e-6:
        months, note = hundredths - 1, "Each month was dated by its first day."
    elif (part * 12 - twelfths).abs().max() <= 0.06:
        months, note = twelfths, "Fractions of years were read as months, each dated by its first day."
    else:
        return None
    since = (known // 1 * 12 + months).astype(int).to_numpy()
    days = pd.Series(_to_dates(since // 12, since % 12 + 1, np.ones_like(since)).astype("datetime64[us]"), index=known.index)
    return Reading(days.reindex(numbers.index), notes=(note,))


def _serials(numbers: pd.Series, epoch_1904: bool) -> Reading | None:
    """Days since 1899-12-30, as Excel counts; its time is the fraction."""
    known = numbers.dropna()
    if known.min() < 61 or not 30_000 <= known.max() <= 80_000 or known.duplicated().mean() > 0.5:
        return None
    origin = pd.Timestamp("1904-01-01" if epoch_1904 else "1899-12-30")
    values = (origin + pd.to_timedelta((numbers * 86_400).round(), unit="s")).dt.as_unit("us")
    return Reading(values, notes=(f"Dates were read as Excel serial numbers: {known.iloc[-1]:.10g} is "
                                  f"{date(values[known.index[-1]], time=False)}.",), timed=bool((known % 1 != 0).any()))


def _epochs(numbers: pd.Series, digits: pd.Series) -> Reading | None:
    """Time since 1970, negative before it. Some sites changed their unit, so a file may hold two."""
    known = numbers.dropna()
    sizes = known.abs().to_numpy()
    unit = next((at for at, (_, low, high, _) in enumerate(_EPOCHS) if low <= np.median(sizes) < high), None)
    if unit is None:
        return None
    possible = [np.full(len(sizes), unit)] if sizes.max() < _EPOCHS[unit][2] else []
    if not possible or sizes.min() < _EPOCHS[unit][1]:
        within = [(low <= sizes) & (sizes < high) for _, low, high, _ in _EPOCHS]
        if np.any(within, axis=0).all():
            possible.append(np.argmax(within, axis=0))
    whole = (digits[known.index] != "").all()
    if not whole:  # fractions of seconds, to the millisecond
        possible = [units for units in possible if not units.any()]
    if not possible:
        return None
    exact = pd.to_numeric(digits[known.index]).to_numpy(dtype="int64") if whole else (known * 1000).round().to_numpy(dtype="int64")
    factors = np.array([factor for *_, factor in _EPOCHS])
    readings = [(np.where(units == 3, exact // 1000, exact * factors[units]) if whole else exact * 1000, units)
                for units in possible]
    # A unit read wrongly leaves decades between neighbours.
    micros, units = min(readings, key=lambda reading: len(readings) > 1 and np.diff(np.sort(reading[0])).max(initial=0))
    words = " and ".join(_EPOCHS[at][0] for at in np.unique(units))
    dates = pd.Series(micros.view("datetime64[us]"), index=known.index).reindex(numbers.index)
    return Reading(dates, notes=(f"Dates were read as {words} since 1970, in UTC.",), timed=True, zone="UTC")
