"""From text to dates and times of day: one grammar for a cell and for a column, so that what is recognised is what is read.

`FORMS` holds every way to write a date, each with its pattern and examples. A column keeps the forms, the orders of day, month
and year, and the languages that nearly all its cells allow. Readings are certain or they are several: `read_dates` returns all
that fit, and the caller asks where there is more than one. Two-digit years follow the order of the rows, so that a series from
1950 on is not read as 2050. Numbers alone (yyyymmdd, epochs, serial numbers, years) are told by all of a column's values.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.data.files.calendar_words import is_weekday, month_number, months_in, normal, words_in
from forecasting.data.files.clock_forms import LONGEST, Clocks, as_beginnings, clock_behind, read_clocks
from forecasting.data.files.vocabulary import MISSING
from forecasting.words import count_of, date

__all__ = ["FIRST_YEAR", "FORMS", "LAST_YEAR", "ORDERS", "Clocks", "DateForm", "Reading", "looks_like_date", "may_be_quarters",
           "order_named", "outline", "read_clocks", "read_dates"]

FIRST_YEAR, LAST_YEAR = 1678, 2261  # what nanoseconds can hold
# name: where year, month and day stand among three numbers
ORDERS = {"month/day/year": (2, 0, 1), "day/month/year": (2, 1, 0), "year/month/day": (0, 1, 2), "year/day/month": (0, 2, 1)}
_STRAY = 0.01  # the share of cells that may contradict the others; they are left out
_NEARLY_ALL, _MOSTLY, _FEW = 0.9, 0.8, 0.1

_ERAS = {"m": 1867, "明治": 1867, "t": 1911, "大正": 1911, "s": 1925, "昭和": 1925, "h": 1988, "平成": 1988, "r": 2018,
         "令和": 2018}
_REPUBLIC = 1911  # the year before the first of the Republic of China


@dataclass(frozen=True, eq=False)
class DateForm:
    """One way to write a date.

    pattern: of a cell as `_in_figures` leaves it, '@03' being the name of a month. Its groups say what the numbers are: y, yy
        (two digits), roc (years of the Republic of China), era and ey (Japanese), m, d, q (quarter), h (half year), w (ISO
        week); a, b and c are numbers whose order the column decides
    day: what the examples mean
    orders: those that a, b and c may have
    unit: what a cell dates
    """

    pattern: re.Pattern
    day: str
    examples: tuple[str, ...]
    orders: tuple[str, ...] = ()
    unit: str = "day"

    @property
    def short(self) -> bool:
        """Whether years have two digits."""
        return "yy" in self.pattern.groupindex or len(self.orders) == 3

    def read(self, text: str) -> tuple[int, ...] | None:
        """Year, month and day, or the numbers of `text` in their order where that is open; None where it has another form."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        era = _ERAS[match["era"]] if "era" in self.pattern.groupindex else _REPUBLIC
        found = {name: int(number) for name, number in match.groupdict().items() if number and number.isdecimal()}
        if self.orders:
            return found["a"], found["b"], found["c"]
        year = found.get("y", found.get("yy", era + found.get("roc", found.get("ey", 0))))
        if "w" in found:
            return _day_of_week(year, found["w"], found.get("d", 1))
        return year, found.get("m", 3 * found.get("q", 2 * found.get("h", 1) - 1) - 2), found.get("d", 1)


_SHORTHAND = {"<Y>": r"(?P<y>\d{4})", "<YY>": r"(?P<yy>\d{2})", "<M>": r"(?P<m>\d{1,2})", "<MM>": r"(?P<m>\d\d)",
              "<D>": r"(?P<d>\d{1,2})", "<NAME>": r"@(?P<m>\d\d)", "<QUARTER>": "(?:q|t|qtr|quarter|quartal|trim|trimestre|кв)",
              "<Q>": "(?P<q>[1-4])", "<H>": "(?P<h>[12])", "<W>": r"(?P<w>\d{1,2})", "<A>": r"(?P<a>\d{1,2})",
              "<B>": r"(?P<b>\d{1,2})", "<C>": r"(?P<c>\d{1,2})", "<年>": r"\s?[年년]\s?", "<月>": r"\s?[月월]\s?",
              "<日>": r"\s?[日일]?", "_": "[-/., ']{0,3}", "#": "[-/., ']{1,3}", "~": r"\s?(?P<s>[-/. ])\s?",
              "=": r"\s?(?P=s)\s?"}


def _form(pattern: str, day: str, *examples: str, orders=(), unit="day") -> DateForm:
    """In shorthand: '~' is a separator that stands again at '=', '_' a few separators or none, '#' at least one."""
    pattern = re.sub("<[A-Z年月日]+>|[_#~=]", lambda match: _SHORTHAND[match[0]], pattern)
    return DateForm(re.compile(pattern), day, examples, orders, unit)


_DAY_OR_MONTH = ("month/day/year", "day/month/year")
FORMS = (
    _form(r"(?P<a>\d{4})~<B>=<C>\.?", "2018-03-27", "2018-03-27", "2018. 3. 27.", "2018/3/27(火)", "2018-03-27,二",
          orders=("year/month/day", "year/day/month")),
    _form(r"<A>~<B>=(?P<c>\d{4})\.?", "2018-03-27", "27/03/2018", "Tue 27.3.2018", "3-27-2018", "27.03.2018 г.",
          orders=_DAY_OR_MONTH),
    _form(r"<A>~<B>=<C>\.?", "1998-03-27", "27/03/98", "3/27/98", "98-03-27", orders=(*_DAY_OR_MONTH, "year/month/day")),
    _form("<D>_<NAME>_<Y>", "2018-03-27", "27 March 2018", "27-Mrz-2018", "27 de marzo de 2018", "27mar2018",
          "27 марта 2018 г.", "27. března 2018", "Tue 27 Mar 2018"),
    _form("<NAME>_<D>#<Y>", "2018-03-27", "March 27, 2018", "Tuesday, Mar 27th, 2018", "Mar-27-2018"),
    _form("<Y>_<NAME>_<D>", "2018-03-27", "2018-Mar-27", "2018. március 27."),
    _form("<D>_<NAME>_<YY>", "2018-03-27", "27-Mar-18", "27 mars 18", "27-3月 -18"),
    _form("<NAME>_<D>#<YY>", "2018-03-27", "Mar 27, 18"),
    _form(r"<Y>(?P<m>[01]\d)(?P<d>[0-3]\d)", "2018-03-27", "20180327T000000Z", "20180327 160000"),
    _form(r"(?P<roc>0[5-9]\d|1\d\d)~<M>=<D>", "2018-03-27", "107/03/27", "107.3.27"),
    _form("<Y><年><M><月><D><日>", "2018-03-27", "2018年3月27日", "2018년 3월 27일 화요일"),
    _form("<YY><年><M><月><D><日>", "2018-03-27", "18年3月27日"),
    _form(r"(?:中華民國|民國|民国)?\s?(?P<roc>\d{3})<年><M><月><D><日>", "2018-03-27", "民國107年3月27日"),
    _form(r"(?P<era>[mtshr]|明治|大正|昭和|平成|令和)\s?(?P<ey>\d{1,2})\s?[-/.年]\s?<M>\s?[-/.月]\s?<D><日>", "2019-05-07",
          "R1.5.7", "R01.05.07", "R 1. 5. 7", "H31/5/7", "令和元年5月7日", "平成31年5月7日"),
    _form("<NAME>_<Y>", "2018-03-01", "March 2018", "mars-2018", "MAR2018", unit="month"),
    _form("<Y>_<NAME>", "2018-03-01", "2018 MAR", "2018-März", unit="month"),
    _form("<NAME>_<YY>", "2018-03-01", "Mar-18", "Mar '18", unit="month"),
    _form("<Y>[-/.: ]<MM>", "2018-03-01", "2018-03", "2018.03", "2018/03", unit="month"),
    _form(r"<Y>[-/]\s?(?P<m>\d)", "2018-07-01", "2018/7", unit="month"),
    _form("<M>[-/. ]<Y>", "2018-03-01", "03/2018", "3.2018", unit="month"),
    _form("<Y>[-:. ]?m-?<M>", "2018-03-01", "2018M03", "2018-M3", unit="month"),
    _form("m<MM>[-/ ]?<Y>", "2018-03-01", "M03 2018", unit="month"),
    _form("<Y><年><M><月>", "2018-03-01", "2018年3月", unit="month"),
    _form("<Y>_<QUARTER>_<Q>", "2018-04-01", "2018Q2", "2018-Q2", "2018 T2", unit="quarter"),
    _form("<QUARTER>_<Q>#<Y>", "2018-04-01", "Q2 2018", "T2/2018", unit="quarter"),
    _form("<Q>_<QUARTER>_<Y>", "2018-04-01", "2Q2018", "2 кв. 2018", unit="quarter"),
    _form("<Y>#<Q>q", "2018-04-01", "2018 2Q", unit="quarter"),
    _form("<QUARTER>_<Q>#<YY>", "2018-04-01", "Q2 18", "Q2'18", unit="quarter"),
    _form("<Q>_<QUARTER>_<YY>", "2018-04-01", "2Q18", unit="quarter"),
    _form("<Y>_[hs]_<H>", "2018-07-01", "2018H2", "2018-S2", unit="half year"),
    _form("[hs]_<H>#<Y>", "2018-07-01", "H2 2018", unit="half year"),
    _form("<H>_[hs]_<Y>", "2018-07-01", "2H2018", unit="half year"),
    _form("<Y>-?w<W>-(?P<d>[1-7])", "2016-03-29", "2016-W13-2"),
    _form("<Y>[-/ ]?k?w-?<W>", "2016-03-28", "2016-W13", "2016W13", unit="week"),
    _form("k?w[-/ ]?<W>[-/ ]<Y>", "2016-03-28", "W13 2016", "KW13/2016", unit="week"),
)
# A year alone says so only among months or quarters; a column of years is one of numbers.
_YEAR = _form(r"(?P<y>1[6-9]\d\d|2[0-2]\d\d)", "2018-01-01", "2018", unit="year")
_FIRST, _LAST, _LOOSE, _SHORT_MONTH, _REPUBLICAN, *_SHORT_DAYS = (
    next(form for form in FORMS if example in form.examples)
    for example in ("2018-03-27", "27/03/2018", "2018/7", "Mar-18", "107/03/27", "98-03-27", "18年3月27日"))
_FINENESS = ("day", "week", "month", "quarter", "half year", "year")
# What a number must be to be a date by itself: a year, yyyymmdd, an epoch, a serial number or a fraction of those.
_NUMBER = re.compile(
    r"(?:1[5-9]|2[0-2])\d\d|\d{5,19}|\d\.\d{9,}[eE]\+(?:09|1[0-8])|\d{5}\.\d+|\d{9,10}\.\d+|\d{4}\.\d+|\d{5,19}\.0+")

# Where a time of day begins behind a date, for a cell and for a column alike. Patterns for whole columns use [0-9] and spaces
# as such: pandas leaves \d and \s to Python, cell by cell.
_CUT = r"[T, _:\-]+(?:(?:at|um) )?[0-9]{1,2}(?:[:h][0-9]{2}| ?[AaPp]\.?[Mm]).*$"
# A period, '10.01.2020 00:00 - 10.01.2020 01:00': its beginning.
_PERIOD = r"^(.*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?: +- +| *[–—~] *).*[0-9]{1,2}:[0-9]{2}.*$"
_REWRITTEN = (
    (_PERIOD, r"\1"),
    # The year behind the time, as Unix writes it: 'Tue Mar 27 16:00:00 EDT 2018'.
    (r"^(.*[0-9]) ([0-9]{1,2}:[0-9]{2}:[0-9]{2}) (?:([A-Z]{2,5}) )?([0-9]{4})$", r"\1 \4 \2 \3"),
    (r"^([0-9]{8})[T _\-]?([0-9]{2})([0-9]{2})([0-9]{2})(Z|[+\-][0-9]{2}:?[0-9]{2})?$", r"\1 \2:\3:\4 \5"),
    (r"^([0-9]{8})[T _\-]?([0-9]{2})([0-9]{2})(Z|[+\-][0-9]{2}:?[0-9]{2})?$", r"\1 \2:\3 \4"),
)
_CJK_DAY = "(?:(?:星期|周|週|礼拜|禮拜)[一二三四五六日天]|[月火水木金土日](?:曜日?)?|[一二三四五六]|[월화수목금토일](?:요일)?)"
_CJK_WEEKDAY = re.compile(rf"^[(]?{_CJK_DAY}[)]?[\s,]*(?=\d)|(?:(?<=[\s,(、日일])|(?<=\d)(?![月日월일])){_CJK_DAY}[)]?$")
_NUMBERED_MONTH = re.compile(r"\b(?:tháng|thg)\.?\s?(\d{1,2})\b|(?<!\d)(\d{1,2})[月월]", re.IGNORECASE)
_FILLERS = {"de", "del", "d", "of", "le", "den", "the", "г", "года", "р", "року", "roku", "թ", "st", "nd", "rd", "th", "er"}
_MARKS = {"q", "t", "qtr", "quarter", "quartal", "trim", "trimestre", "кв", "h", "s", "m", "w", "kw", "r", "年", "月", "日",
          "년", "월", "일", "民國", "民国", "中華民國", *_ERAS}
_MOST_WORDS, _DIGITS = 6, range(2, 9)  # of a date
_MonthOf = Callable[[str], int | None]


def looks_like_date(cell: str, whole_numbers: bool = True) -> bool:
    """Whether `read_dates` may read `cell`; without `whole_numbers` not as a number: a year, yyyymmdd, an epoch, '3.2018'."""
    return 4 <= len(cell) <= LONGEST and _looks_like_date(cell, whole_numbers)


# Cached because one cell is looked at for each delimiter and again for each step.
@lru_cache(maxsize=20_000)
def _looks_like_date(cell: str, whole_numbers: bool) -> bool:
    if _NUMBER.fullmatch(cell) or (not whole_numbers and re.fullmatch(r"\d+\.\d+", cell)):
        return whole_numbers
    day, behind = _split(cell)
    found = _take_apart(day)
    if found.form in (None, _YEAR) or (behind and clock_behind(behind)[0] is None):
        return False
    numbers = np.array([found.numbers])
    return any(_are_days(numbers, order).item() for order in found.form.orders or (None,))


def _split(cell: str) -> tuple[str, str]:
    """(the date, the time of day behind it or '')."""
    for pattern, rewritten in _REWRITTEN:
        cell = re.sub(pattern, rewritten, cell).strip()
    match = re.search(_CUT, cell)
    return (cell[: match.start()], cell[match.start() :]) if match else (cell, "")


def _in_figures(text: str, month_of: _MonthOf) -> Iterator[str]:
    """The ways to see `text` without words: '@03' for the name of a month, and without weekdays, 'th' and 'de'.

    'mar' is a month in English and a Tuesday in Spanish, so there may be two; none where a word is none of these.
    """
    text = _CJK_WEEKDAY.sub("", normal(text)).strip(" ,(").replace("元年", "1年").replace("@", "?")
    if not re.search("[年년]", text):
        text = _NUMBERED_MONTH.sub(lambda match: f"@{int(match[1] or match[2]):02}", text)
    words = words_in(text)
    if not words:
        yield text
    elif len(words) <= _MOST_WORDS and sum(c.isdecimal() for c in text) in _DIGITS:
        month = max((at for at, word in enumerate(words) if month_of(word)), default=None)
        yield from _without_words(text, words, month, month_of)
        if month is not None and is_weekday(words[month]):
            yield from _without_words(text, words, None, month_of)


def _without_words(text: str, words: list[str], month: int | None, month_of: _MonthOf) -> Iterator[str]:
    pieces = []
    for at, word in enumerate(words):
        before, text = text.split(word, 1)
        if at == month:
            pieces += [before, f"@{month_of(word):02}"]
        elif word.lower() in _MARKS | _FILLERS:
            pieces += [before, word.lower() if word.lower() in _MARKS else " "]
        elif is_weekday(word):
            pieces.append(before.rstrip("([ ") + " ")
            text = " " + text.lstrip("-.,)] ")
        else:
            return
    yield re.sub(" {2,}", " ", "".join([*pieces, text])).strip(" ,.()[]-")


@dataclass(frozen=True)
class _Cell:
    """What a cell holds: the form of its date, its numbers as `DateForm.read` gives them, the time of day and its zone."""

    form: DateForm | None = None
    numbers: tuple[int, ...] = ()
    clock: int | None = None
    zone: str = ""


def _take_apart(text: str, month_of: _MonthOf = month_number) -> _Cell:
    """The date in `text`, and a time behind it where that has no colon: '27.03.2018 16.00'."""
    cell = _date_in(text, month_of)
    for at in () if cell.form else range(len(text) - 2, 3, -1):
        if text[at] in " T,_" and text[at + 1].isdecimal():
            clock, zone = clock_behind(text[at:])
            found = _date_in(text[:at], month_of) if clock is not None else cell
            if found.form not in (None, _YEAR):
                return replace(found, clock=clock, zone=zone)
    return cell


def _date_in(text: str, month_of: _MonthOf) -> _Cell:
    if 4 <= len(text) <= LONGEST:
        for way in _in_figures(text, month_of):
            for form in (*FORMS, _YEAR):
                if (numbers := form.read(way)) is not None:
                    return _Cell(form, numbers)
    return _Cell()


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
    today = today or pd.Timestamp.now()
    readings = _read_numbers(text, present, order, today, epoch_1904) or _read_by_form(text, present, order, today, taiwanese)
    if re.match(_PERIOD, text[present].iloc[0][:LONGEST]):
        return [replace(reading, notes=(*reading.notes, "Each period was dated by its beginning.")) for reading in readings]
    return readings


# A year and a number of it, in either order: '2005-01', '200501', '1/2005'.
_NUMBERED = r"^(?:([12][0-9]{3})[-/.: ]?(1[0-2]|0?[0-9])|(1[0-2]|0?[0-9])[-/. ]([12][0-9]{3}))$"


def _as_quarters(text: pd.Series) -> pd.Series | None:
    """`text` with '2005Q1' for '1/2005', '2005-01' and '200501'; None where few cells are so, or a number is above 4."""
    if not re.match(_NUMBERED, next((cell for cell in text if cell.lower() not in MISSING), "")):
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
    """The distinct cells of one form: where they stand among all, (k, 3) their numbers, and the orders these may have."""

    form: DateForm
    members: np.ndarray
    numbers: np.ndarray
    orders: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    """A column taken apart. Row i holds distinct[codes[i]] at clock[i] (timedelta64, NaT where there is no such time).

    timed: whether some cell has a time of day; zone: up to three zones as written
    """

    codes: np.ndarray
    distinct: pd.Index
    families: list[_Family]
    clock: np.ndarray
    timed: bool
    zone: str
    notes: tuple[str, ...]

    def rows(self, family: _Family) -> np.ndarray:
        return np.isin(self.codes, family.members)


def _taken_apart(text: pd.Series, taiwanese: bool) -> _Column:
    """Dates and times are split first: of a hundred thousand stamps few dates and few times are distinct."""
    text = text.str.slice(0, 2 * LONGEST)
    for pattern, rewritten in _REWRITTEN:
        text = text.str.replace(pattern, rewritten, regex=True)
    text = text.str.strip()
    days = text.str.replace(_CUT, "", regex=True)
    lengths = days.str.len()
    behind = pd.Series("", index=text.index, dtype="str")
    for length in lengths[lengths < text.str.len()].unique():
        behind = behind.where(lengths != length, text.str.slice(int(length)))
    codes, distinct = pd.factorize(days)
    words = dict.fromkeys(word for cell in distinct for word in words_in(normal(cell[:LONGEST])))
    months, note = months_in(word for word in words if word.lower() not in _MARKS | _FILLERS)
    cells = [_take_apart(cell, months.get) for cell in distinct]
    if taiwanese or any(cell.form is _REPUBLICAN for cell in cells):  # years before the hundredth have two digits
        cells = [replace(cell, form=_REPUBLICAN, numbers=(cell.numbers[0] + _REPUBLIC, *cell.numbers[1:]))
                 if cell.form in _SHORT_DAYS and cell.numbers[0] >= 50 else cell for cell in cells]
    families = [_Family(form, np.array(members), np.array([cells[i].numbers for i in members]))
                for form in dict.fromkeys(cell.form for cell in cells if cell.form)
                if (members := [i for i, cell in enumerate(cells) if cell.form is form])]
    clock_codes, clocks = pd.factorize(behind)
    read = [(0, "") if clock == "" else clock_behind(clock) for clock in clocks]
    micros = np.array(["NaT" if clock is None else clock for clock, _ in read], dtype="timedelta64[us]")[clock_codes]
    ends, micros = as_beginnings(micros + np.array([cell.clock or 0 for cell in cells], dtype="timedelta64[us]")[codes])
    zones = sorted({zone for _, zone in read if zone} | {cell.zone for cell in cells if cell.zone})
    notes = [note, "Times go up to 24:00, the end of an hour or less: each was dated by its beginning." if ends else ""]
    return _Column(codes, distinct, families, micros, any(clocks) or any(cell.clock is not None for cell in cells),
                   ", ".join(zones[:3]), tuple(filter(None, notes)))


def _read_by_form(text: pd.Series, present: pd.Series, order: str | None, today: pd.Timestamp,
                  taiwanese: bool = False) -> list[Reading]:
    """Readings of a column from its distinct cells, the cells of one form at a time."""
    column = _taken_apart(text, taiwanese)
    if sum(column.rows(family).sum() for family in column.families) < 0.5 * present.sum():
        return []
    families = []
    for family in column.families:
        orders = _fitting_orders(family, order)
        if orders or not family.form.orders:
            families.append(replace(family, orders=orders))
        elif column.rows(family).sum() > _STRAY * present.sum():
            return []
    if all(family.form is _YEAR for family in families) or _swapped_by_a_spreadsheet(families) or _might_be_quarters(families):
        return []
    decided = {family.orders for family in families if len(family.orders) == 1 and family.form is not _FIRST}
    if len(decided) == 1:  # the others take the order that one of them decides, where they allow it
        (only,) = decided
        families = [replace(family, orders=only) if set(only) <= set(family.orders) else family for family in families]
    options = list(dict.fromkeys(name for family in families for name in family.orders if len(family.orders) > 1))
    readings = [_assemble(column, families, option, order, today) for option in (options or (None,))]
    if any(family.form is _SHORT_MONTH for family in families):
        readings = [reading for reading in readings if _steps_by_months(reading.values)]
    return _different(readings)


def _might_be_quarters(families: list[_Family]) -> bool:
    """Whether '2016-1' may be a quarter as well as a month: no cell goes beyond 4."""
    months = [family for family in families if family.form.unit == "month" and family.form is not _SHORT_MONTH]
    return any(family.form is _LOOSE for family in months) and max(family.numbers[:, 1].max() for family in months) <= 4


def _steps_by_months(values: pd.Series) -> bool:
    """Whether dates are an even number of months apart: 'Jan-05' is January 2005 only then, else 05 is a day without a year.

    Days of a month would look like years: steps of twelve months are believed only where the month never changes.
    """
    dates = values.dropna()
    steps = (dates.dt.year * 12 + dates.dt.month).diff().abs().dropna()
    steps = steps[steps > 0]
    usual = steps.median()
    return len(steps) > 0 and bool((steps == usual).mean() >= _MOSTLY and (usual % 12 != 0 or dates.dt.month.nunique() == 1))


def _fitting_orders(family: _Family, order: str | None) -> tuple[str, ...]:
    """The orders under which nearly all cells of a family are dates, the one asked for if it is among them."""
    if not family.form.orders:
        return ()
    fits = np.array([_are_days(family.numbers, name) for name in family.form.orders])
    best = fits.sum(axis=1).max()
    # Cells that fit no order are bad dates. Cells that fit one order each contradict one another, and nothing is certain.
    if not best or best < (1 - _STRAY) * fits.any(axis=0).sum():
        return ()
    kept = [name for name, days in zip(family.form.orders, fits.sum(axis=1), strict=True) if days >= (1 - _STRAY) * best]
    if order in kept:
        return (order,)
    return tuple(kept[:1] if family.form is _FIRST else kept)  # a year in front is followed by the month


def _are_days(numbers: np.ndarray, order: str | None = None) -> np.ndarray:
    """(k,) whether rows of three numbers are days; two digits may be any year."""
    year, month, day = (numbers[:, ORDERS[order]] if order else numbers).T
    return ~np.isnat(_to_dates(np.where(year < 100, 2000 + year % 4, year), month, day))


def _day_of_week(year: int, week: int, day: int) -> tuple[int, int, int]:
    try:
        found = datetime.date.fromisocalendar(year, week, day)
    except ValueError:
        return 0, 0, 0
    return found.year, found.month, found.day


def _swapped_by_a_spreadsheet(families: list[_Family]) -> bool:
    """Whether ISO dates stand beside days that cannot be months, and are themselves all days that can.

    A spreadsheet set to another language turns 03/04/2016 into a date, the wrong one, and leaves 17/04/2016 as text.
    """
    numbers = {family.form: family.numbers for family in families}
    if not {_FIRST, _LAST} <= set(numbers) or min(len(numbers[_FIRST]), len(numbers[_LAST])) < 5:
        return False
    return bool((numbers[_FIRST][:, 2] <= 12).all() and (numbers[_LAST][:, :2] > 12).all(axis=0).any())


def _assemble(column: _Column, families: list[_Family], option: str | None, asked: str | None, today: pd.Timestamp) -> Reading:
    """The dates under `option`, an order for the families that leave it open."""
    numbers = np.zeros((len(column.distinct), 3), dtype=int)
    unit, short = np.zeros((2, len(numbers)), dtype=int)
    notes, decided = list(column.notes), None
    for family in families:
        name = (option if option in family.orders else family.orders[0]) if family.orders else None
        numbers[family.members] = family.numbers[:, ORDERS[name]] if name else family.numbers
        unit[family.members], short[family.members] = _FINENESS.index(family.form.unit), family.form.short
        if name and (family.form is not _FIRST or name == "year/day/month"):
            decided = name if family.form is not _FIRST else decided
            notes.append(_order_note(column, family, name, asked))
    (year, month, day), short = numbers[column.codes].T, short[column.codes] > 0
    if short.any():
        year = _centuries(year, month, day, short, today)
        notes.append(f"Two-digit years were read as {year[short].min()} to {year[short].max()}.")
    days = _to_dates(year, month, day)
    left_out, sum_notes = _sums(days, unit[column.codes])
    days[left_out] = np.datetime64("NaT")
    kept = [family for family in families if not left_out[column.rows(family)].all()]
    units = {family.form.unit for family in kept} - {"day"}
    notes += [f"Each {word} was dated by its first day." for word in _FINENESS if word in units]
    for group, calendar in (("roc", "in the calendar of the Republic of China"), ("era", "by Japanese eras")):
        for family in [family for family in kept if group in family.form.pattern.groupindex][:1]:
            example = days[np.argmax(column.codes == family.members[0])]
            notes.append(f"Years were read {calendar}, e.g. {column.distinct[family.members[0]][:30]} as {example!s}.")
    notes += sum_notes
    if len(kept) > 1:
        examples = " and ".join(f"“{column.distinct[family.members[0]][:30]}”" for family in kept[:2])
        notes.append(f"Dates are written in {len(kept)} ways, e.g. {examples}; each was read in its own.")
    return Reading(pd.Series(days.astype("datetime64[us]") + column.clock), decided, tuple(notes), column.timed, column.zone,
                   left_out if left_out.any() else None)


def _order_note(column: _Column, family: _Family, name: str, asked: str | None) -> str:
    """The sentence that says how the order was decided, with the cell that decided it."""
    if name == asked:
        return f"Dates were read as {name}, as chosen."
    deciding = _are_days(family.numbers, name)
    for other in family.form.orders:
        deciding = deciding & ~_are_days(family.numbers, other) if other != name else deciding
    why = f" because {column.distinct[family.members[deciding.argmax()]][:30]} occurs" if deciding.any() else ""
    return f"Dates were read as {name}{why}."


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
    """`readings` without repetitions, the likeliest first: sorted and on working days.

    A year in front is told from a year behind by the order of the rows; day and month never are, for a column of first
    days of months looks sorted either way.
    """
    kept: dict[bytes, Reading] = {}
    for reading in readings:
        kept.setdefault(reading.values.to_numpy().tobytes(), reading)
    sorted_share = {key: _sorted_share(reading.values) for key, reading in kept.items()}
    best = max(sorted_share.values(), default=0)
    leading = {kept[key].order == "year/month/day" for key, share in sorted_share.items() if share == best}
    if best > 0.995 and len(leading) == 1:
        kept = {key: reading for key, reading in kept.items()
                if sorted_share[key] > 0.99 or (reading.order == "year/month/day") in leading}
    working = {key: (reading.values.dt.day_of_week < 5).mean() for key, reading in kept.items()}
    return [kept[key] for key in sorted(kept, key=lambda key: -sorted_share[key] - working[key])]


def _sorted_share(values: pd.Series) -> float:
    """The share of the steps from one day to another that go the same way; 0 for few."""
    steps = values.dropna().dt.normalize().diff().dropna().dt.total_seconds().to_numpy()
    steps = steps[steps != 0]
    return max((steps > 0).mean(), (steps < 0).mean()) if len(steps) > 10 else 0.0


_EPOCHS = (("seconds", 1e8, 5e9, 1_000_000), ("milliseconds", 1e11, 5e12, 1_000), ("microseconds", 1e14, 5e15, 1),
           ("nanoseconds", 1e17, 5e18, 1))  # unit, least and most, its microseconds; a nanosecond is a thousandth of one
# As NumPy writes 1459382400; a spreadsheet's 1.45938E+09 has lost its last digits.
_EXACT_POWER = r"[0-9]\.[0-9]{9,}[eE]\+(?:0[89]|1[0-8])"
_DATED_DIGITS = ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M"), (10, "%Y%m%d%H"), (8, "%Y%m%d"))


def _read_numbers(text: pd.Series, present: pd.Series, order: str | None, today: pd.Timestamp,
                  epoch_1904: bool) -> list[Reading]:
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
    found = _years(numbers) or _serials(numbers, epoch_1904) or _epochs(numbers, digits)
    return [found] if found else []


def _dated_digits(digits: pd.Series, whole: pd.Series) -> Reading | None:
    """yyyymmdd, with hours, minutes and seconds or without."""
    lengths = digits[whole].str.len()
    for length, pattern in _DATED_DIGITS:
        if (lengths == length).mean() < 1 - _STRAY:
            continue
        # strptime reads '2016010100' with %H of one digit too: the length must be exact.
        exact = digits.where(digits.str.len() == length)
        if length == 10 and exact.str.endswith("24").any():
            return _hours_of_days(exact, whole)
        values = pd.to_datetime(exact, format=pattern, errors="coerce").dt.as_unit("us")
        values = values.where(values.dt.year.between(FIRST_YEAR if length < 12 else 1900, LAST_YEAR))
        if values.notna().sum() >= (1 - _STRAY) * whole.sum():
            return Reading(values, timed=length > 8)
    return None


def _hours_of_days(digits: pd.Series, whole: pd.Series) -> Reading | None:
    """yyyymmdd and the hour that ends, up to 24."""
    days = pd.to_datetime(digits.str.slice(0, 8), format="%Y%m%d", errors="coerce")
    clocks = read_clocks(digits.str.slice(8).fillna(""), ends=True)
    if clocks is None or days.notna().sum() < (1 - _STRAY) * whole.sum():
        return None
    return Reading((days + clocks.values).dt.as_unit("us"), timed=True, notes=("Each hour was dated by its beginning.",))


def _split_digits(digits: pd.Series, whole: pd.Series) -> pd.Series | None:
    """yyyymm as '2016-03', with years among them or without; ddmmyyyy and six digits as three numbers in an open order."""
    lengths = digits.str.len()
    months = digits.str.fullmatch("(?:1[7-9]|2[01])[0-9]{2}(?:0[1-9]|1[0-2])")
    years = digits.str.fullmatch("(?:1[7-9]|2[01])[0-9]{2}")
    if (months | years)[whole].all() and months.sum() > years.sum():
        return digits.where(~months, digits.str.slice(0, 4) + "-" + digits.str.slice(4))
    for least, most, share in ((5, 6, 0.2), (7, 8, 0.0)):  # without the zero in front of some
        if lengths[whole].between(least, most).all() and (lengths[whole] == most).mean() >= share:
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
    exact = (pd.to_numeric(digits[known.index]) if whole else (known * 1000).round()).to_numpy(dtype="int64")
    factors = np.array([factor for *_, factor in _EPOCHS])
    readings = [(np.where(units == 3, exact // 1000, exact * factors[units]) if whole else exact * 1000, units)
                for units in possible]
    # A unit read wrongly leaves decades between neighbours.
    micros, units = min(readings, key=lambda reading: len(readings) > 1 and np.diff(np.sort(reading[0])).max(initial=0))
    words = " and ".join(_EPOCHS[at][0] for at in np.unique(units))
    dates = pd.Series(micros.view("datetime64[us]"), index=known.index).reindex(numbers.index)
    return Reading(dates, notes=(f"Dates were read as {words} since 1970, in UTC.",), timed=True, zone="UTC")
