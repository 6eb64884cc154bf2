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
from functools import lru_cache, partial

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
_NEARLY_ALL, _MOSTLY = 0.9, 0.8
_SAMPLE = 200  # distinct cells, of which quarters fill 50 years

_ERAS = {"m": 1867, "明治": 1867, "t": 1911, "大正": 1911, "s": 1925, "昭和": 1925, "h": 1988, "平成": 1988, "r": 2018,
         "令和": 2018}
_REPUBLIC = 1911  # the year before the first of the Republic of China


@dataclass(frozen=True, eq=False)
class DateForm:
    """One way to write a date.

    pattern: of a cell as `_in_figures` leaves it, '@03' being the name of a month. Its groups say what the numbers are: y, roc
        (years of the Republic of China), era and ey (Japanese), m, d, q (quarter), h (half year), w (ISO week); a, b and c
        are numbers whose order the column decides
    day: what the examples mean
    orders: those that a, b and c may have
    unit: what a cell dates
    """

    pattern: re.Pattern
    day: str
    examples: tuple[str, ...]
    orders: tuple[str, ...] = ()
    unit: str = "day"

    def read(self, text: str) -> tuple[int, ...] | None:
        """Year, month and day, or the numbers of `text` in their order where that is open; None where it has another form."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        era = _ERAS[match["era"]] if "era" in self.pattern.groupindex else _REPUBLIC
        found = {name: int(number) for name, number in match.groupdict().items() if number and number.isdecimal()}
        if self.orders:
            return found["a"], found["b"], found["c"]
        year = found.get("y", era + found.get("roc", found.get("ey", 0)))
        if "w" in found:
            return _day_of_week(year, found["w"], found.get("d", 1))
        return year, found.get("m", 3 * found.get("q", 2 * found.get("h", 1) - 1) - 2), found.get("d", 1)


_SHORTHAND = {"<Y>": r"(?P<y>[1-9]\d{3})", "<YY>": r"(?P<y>(?:[1-9]\d)?\d{2})", "<M>": r"(?P<m>\d{1,2})",
              "<MM>": r"(?P<m>\d\d)", "<D>": r"(?P<d>\d{1,2})", "<NAME>": r"@(?P<m>\d\d)",
              "<QUARTER>": "(?:q|t|qtr|quarter|quartal|trim|trimestre|кв)", "<Q>": "(?P<q>[1-4])", "<H>": "(?P<h>[12])",
              "<W>": r"(?P<w>\d{1,2})", "<A>": r"(?P<a>\d{1,2})", "<B>": r"(?P<b>\d{1,2})", "<C>": r"(?P<c>\d{1,2})",
              "<年>": r"\s?[年년]\s?", "<月>": r"\s?[月월]\s?", "<日>": r"\s?[日일]?", "_": "[-/., ']{0,3}",
              "#": "[-/., ']{1,3}", "~": r"\s?(?P<s>[-/. ])\s?", "=": r"\s?(?P=s)\s?"}


def _form(pattern: str, day: str, *examples: str, orders=(), unit="day") -> DateForm:
    """In shorthand: <YY> is a year of two or four digits, ~ a separator that stands again at =, _ a few or none, # some."""
    pattern = re.sub("<[A-Z年月日]+>|[_#~=]", lambda match: _SHORTHAND[match[0]], pattern)
    return DateForm(re.compile(pattern), day, examples, orders, unit)


_DAY_OR_MONTH = ("month/day/year", "day/month/year")
FORMS = (
    _form(r"(?P<a>[1-9]\d{3})~<B>=<C>\.?", "2018-03-27", "2018-03-27", "2018. 3. 27.", "2018/3/27(火)", "2018-03-27,二",
          orders=("year/month/day", "year/day/month")),
    _form(r"<A>~<B>=(?P<c>[1-9]\d{3})\.?", "2018-03-27", "27/03/2018", "Tue 27.3.2018", "3-27-2018", "27.03.2018 г.",
          orders=_DAY_OR_MONTH),
    _form(r"<A>~<B>=<C>\.?", "1998-03-27", "27/03/98", "3/27/98", "98-03-27", orders=(*_DAY_OR_MONTH, "year/month/day")),
    _form("<D>_<NAME>_<YY>", "2018-03-27", "27 March 2018", "27-Mrz-2018", "27 de marzo de 2018", "27mar2018",
          "27 марта 2018 г.", "27. března 2018", "Tue 27 Mar 2018", "27-Mar-18", "27 mars 18", "27-3月 -18"),
    _form("<NAME>_<D>#<YY>", "2018-03-27", "March 27, 2018", "Tuesday, Mar 27th, 2018", "Mar-27-2018", "Mar 27, 18"),
    _form("<Y>_<NAME>_<D>", "2018-03-27", "2018-Mar-27", "2018. március 27."),
    _form(r"<Y>(?P<m>[01]\d)(?P<d>[0-3]\d)", "2018-03-27", "20180327T000000Z", "20180327 160000"),
    _form(r"(?P<roc>0[5-9]\d|1\d\d)~<M>=<D>", "2018-03-27", "107/03/27", "107.3.27"),
    _form("<YY><年><M><月><D><日>", "2018-03-27", "2018年3月27日", "2018년 3월 27일 화요일", "18年3月27日"),
    _form(r"(?:中華民國|民國|民国)?\s?(?P<roc>\d{3})<年><M><月><D><日>", "2018-03-27", "民國107年3月27日"),
    _form(r"(?P<era>[mtshr]|明治|大正|昭和|平成|令和)\s?(?P<ey>\d{1,2})\s?[-/.年]\s?<M>\s?[-/.月]\s?<D><日>", "2019-05-07",
          "R1.5.7", "R01.05.07", "R 1. 5. 7", "H31/5/7", "令和元年5月7日", "平成31年5月7日"),
    _form("<NAME>_<Y>", "2018-03-01", "March 2018", "mars-2018", "MAR2018", unit="month"),
    _form("<Y>_<NAME>", "2018-03-01", "2018 MAR", "2018-März", unit="month"),
    _form(r"<NAME>_(?P<y>\d\d)", "2018-03-01", "Mar-18", "Mar '18", unit="month"),
    _form("<Y>[-/.: ]<MM>", "2018-03-01", "2018-03", "2018.03", "2018/03", unit="month"),
    _form(r"<Y>[-/]\s?(?P<m>\d)", "2018-07-01", "2018/7", unit="month"),
    _form("<M>[-/. ]<Y>", "2018-03-01", "03/2018", "3.2018", unit="month"),
    _form("<Y>[-:. ]?m-?<M>", "2018-03-01", "2018M03", "2018-M3", unit="month"),
    _form("m<MM>[-/ ]?<Y>", "2018-03-01", "M03 2018", unit="month"),
    _form("<Y><年><M><月>", "2018-03-01", "2018年3月", unit="month"),
    _form("<Y>_<QUARTER>_<Q>", "2018-04-01", "2018Q2", "2018-Q2", "2018 T2", unit="quarter"),
    _form("<QUARTER>_<Q>#<YY>", "2018-04-01", "Q2 2018", "T2/2018", "Q2 18", "Q2'18", unit="quarter"),
    _form("<Q>_<QUARTER>_<YY>", "2018-04-01", "2Q2018", "2 кв. 2018", "2Q18", unit="quarter"),
    _form("<Y>#<Q>q", "2018-04-01", "2018 2Q", unit="quarter"),
    _form("<Y>_[hs]_<H>", "2018-07-01", "2018H2", "2018-S2", unit="half year"),
    _form("[hs]_<H>#<Y>", "2018-07-01", "H2 2018", unit="half year"),
    _form("<H>_[hs]_<Y>", "2018-07-01", "2H2018", unit="half year"),
    _form("<Y>-?w<W>-(?P<d>[1-7])", "2016-03-29", "2016-W13-2"),
    _form("<Y>[-/ ]?k?w-?<W>", "2016-03-28", "2016-W13", "2016W13", unit="week"),
    _form("k?w[-/ ]?<W>[-/ ]<Y>", "2016-03-28", "W13 2016", "KW13/2016", unit="week"),
)
# A year alone says so only among months or quarters; a column of years is one of numbers.
_YEAR = _form(r"(?P<y>1[6-9]\d\d|2[0-2]\d\d)", "2018-01-01", "2018", unit="year")
_FIRST, _LAST, _MONTH, _LOOSE, _MONTH_FIRST, _SHORT_MONTH, _QUARTER, _REPUBLICAN, *_SHORT_DAYS = (
    next(form for form in FORMS if example in form.examples)
    for example in ("2018-03-27", "27/03/2018", "2018-03", "2018/7", "3.2018", "Mar-18", "2018Q2", "107/03/27", "98-03-27",
                    "18年3月27日"))
_DAYS = {"day": 1, "week": 7, "month": 28, "quarter": 90, "half year": 181, "year": 365}  # at least
_FINENESS = tuple(_DAYS)
# What a number must be to be a date by itself: a year, yyyymmdd, an epoch, a serial number or a fraction of those.
_NUMBER = re.compile(
    r"(?:1[5-9]|2[0-2])\d\d|\d{5,19}|\d\.\d{9,}[eE]\+(?:09|1[0-8])|\d{5}\.\d+|\d{9,10}\.\d+|\d{4}\.\d+|\d{5,19}\.0+")

# Where a time of day begins behind a date, for a cell and for a column alike. Patterns for whole columns use [0-9] and spaces
# as such: pandas leaves \d and \s to Python, cell by cell.
_CUT = r"[T, _:\-]+(?:(?:at|um) )?[0-9]{1,2}(?::[0-9]{2}|h[0-9]{0,2}|[ -]?[AaPp]\.?[Mm]).*$"
# A period, '10.01.2020 00:00 - 10.01.2020 01:00': its beginning.
_PERIOD = r"^(.*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?: +- +| *[–—~] *).*[0-9]{1,2}:[0-9]{2}.*$"
_REWRITTEN = (
    (_PERIOD, r"\1"),
    (r"^(.*(?:[0-9]{2}|\))[T, _]+[0-9]{1,2})\.([0-9]{2}(?:[^0-9].*)?)$", r"\1:\2"),  # '27.03.2018 16.00'
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
    form, numbers = _take_apart(day)
    if form in (None, _YEAR) or (behind and clock_behind(behind)[0] is None):
        return False
    return any(_are_days(np.array([numbers]), order).item() for order in form.orders or (None,))


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


def _take_apart(text: str, month_of: _MonthOf = month_number) -> tuple[DateForm | None, tuple[int, ...]]:
    """The form of the date in `text` and its numbers as `DateForm.read` gives them; (None, ()) where it holds none."""
    ways = _in_figures(text, month_of) if 4 <= len(text) <= LONGEST else ()
    read = ((form, form.read(way)) for way in ways for form in (*FORMS, _YEAR))
    return next(((form, numbers) for form, numbers in read if numbers is not None), (None, ()))


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
    present = text[text != ""]
    if not len(present):
        return []
    if re.fullmatch(_ISO, present.iloc[0]) and present.str.fullmatch(_ISO).all():  # the quick way for most columns
        values = pd.to_datetime(text.where(text != ""), format="ISO8601", errors="coerce").dt.as_unit("us")
        timed = bool(present.str.contains(":").any())
        return [Reading(values.where(values.dt.year.between(FIRST_YEAR, LAST_YEAR)), timed=timed)]
    by_form = partial(_read_by_form, order=order, today=today or pd.Timestamp.now(), taiwanese=taiwanese, quarters=quarters)
    readings = _read_numbers(text, by_form, epoch_1904) or by_form(text)
    if re.match(_PERIOD, present.iloc[0][:LONGEST]):
        return [replace(reading, notes=(*reading.notes, "Each period was dated by its beginning.")) for reading in readings]
    return readings


def may_be_quarters(text: pd.Series) -> bool:
    """Whether the numbers beside the years go from 1 to 4 in several years: months would go on to 12."""
    cells = pd.Series(text.unique()[:_SAMPLE], dtype="str")
    quarters, months = read_dates(cells, quarters=True), read_dates(cells)
    if not quarters or (months and months[0].values.equals(quarters[0].values)):
        return False
    dates = quarters[0].values.dt
    return dates.year.nunique() > 1 and dates.quarter.nunique() == 4


_ISO = (r"[0-9]{4}-(?:0[1-9]|1[0-2])-[0-9]{2}"
        r"(?:[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?")


@dataclass(frozen=True)
class _Family:
    """The distinct cells of one form: where they stand among all, (k, 3) their numbers, how many rows hold them.

    orders: those that the numbers may have
    """

    form: DateForm
    members: np.ndarray
    numbers: np.ndarray
    rows: int
    orders: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    """A column taken apart. Row i holds distinct[codes[i]] at clock[i] (timedelta64, NaT where there is no such time).

    zone: up to three zones as written
    """

    codes: np.ndarray
    distinct: pd.Index
    families: list[_Family]
    clock: np.ndarray
    timed: bool
    zone: str
    notes: list[str]

    def example(self, family: _Family, at: int = 0) -> str:
        return self.distinct[family.members[at]][:30]


def _taken_apart(text: pd.Series, taiwanese: bool) -> _Column:
    """Dates and times are split first: of a hundred thousand stamps few dates and few times are distinct."""
    text = text.str.slice(0, 2 * LONGEST)
    for pattern, rewritten in _REWRITTEN:
        text = text.str.replace(pattern, rewritten, regex=True)
    text = text.str.strip()
    days = text.str.replace(_CUT, "", regex=True)
    behind, lengths = text.where(days != text, ""), days.str.len()
    for length in lengths[behind != ""].unique():
        behind = behind.where(lengths != length, behind.str.slice(int(length)))
    codes, distinct = pd.factorize(days)
    words = dict.fromkeys(word for cell in distinct for word in words_in(normal(cell[:LONGEST])))
    months, note = months_in(word for word in words if word.lower() not in _MARKS | _FILLERS)
    cells = [_take_apart(cell, months.get) for cell in distinct]
    taiwanese = taiwanese or any(form is _REPUBLICAN for form, _ in cells)
    members: dict[DateForm, list[int]] = {}
    for at, (form, numbers) in enumerate(cells):
        if taiwanese and form in _SHORT_DAYS and 50 <= numbers[0] < 100:  # years before the hundredth have two digits
            form, numbers = cells[at] = _REPUBLICAN, (numbers[0] + _REPUBLIC, *numbers[1:])
        if form:
            members.setdefault(form, []).append(at)
    rows = np.bincount(codes)
    families = [_Family(form, np.array(at), np.array([cells[i][1] for i in at]), rows[at].sum())
                for form, at in members.items()]
    clock_codes, clocks = pd.factorize(behind)
    read = [(0, "") if clock == "" else clock_behind(clock) for clock in clocks]
    micros = np.array(["NaT" if clock is None else clock for clock, _ in read], dtype="timedelta64[us]")[clock_codes]
    ends, micros = as_beginnings(micros)
    notes = [note, "Times go up to 24:00, the end of an hour or less: each was dated by its beginning." if ends else ""]
    zone = ", ".join(sorted({zone for _, zone in read if zone})[:3])
    return _Column(codes, distinct, families, micros, any(clocks), zone, [*filter(None, notes)])


def _read_by_form(text: pd.Series, *, order: str | None, today: pd.Timestamp, taiwanese: bool, quarters: bool) -> list[Reading]:
    """Readings of a column from its distinct cells, the cells of one form at a time."""
    column, present = _taken_apart(text, taiwanese), (text != "").sum()
    families = [replace(family, orders=_fitting_orders(family, order)) for family in column.families]
    unfit = [family for family in families if family.form.orders and not family.orders]
    if sum(family.rows for family in families) < 0.5 * present or any(family.rows > _STRAY * present for family in unfit):
        return []
    families = [family for family in families if family not in unfit]
    months = [family for family in families if family.form.unit == "month" and family.form is not _SHORT_MONTH]
    if months and max(family.numbers[:, 1].max() for family in months) <= 4:  # they may be quarters as well
        if quarters:
            families = [replace(family, form=_QUARTER, numbers=family.numbers * (1, 3, 1) - (0, 2, 0))
                        if family.form in (_MONTH, _LOOSE, _MONTH_FIRST) else family for family in families]
        elif any(family.form is _LOOSE for family in months):
            return []
    if all(family.form is _YEAR for family in families) or _swapped_by_a_spreadsheet(families):
        return []
    decided = {family.orders for family in families if len(family.orders) == 1 and family.form is not _FIRST}
    for only in decided if len(decided) == 1 else ():  # the others take the order that one of them decides, where they allow it
        families = [replace(family, orders=only) if set(only) <= set(family.orders) else family for family in families]
    options = dict.fromkeys(name for family in families for name in family.orders if len(family.orders) > 1)
    readings = [_assemble(column, families, option, order, today) for option in (options or (None,))]
    if any(family.form is _SHORT_MONTH for family in families):
        readings = [reading for reading in readings if _steps_by_months(reading.values)]
    return _different(readings)


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
    unit = np.zeros(len(numbers), dtype=int)
    notes, decided = list(column.notes), None
    for family in families:
        name = option if option in family.orders else next(iter(family.orders), None)
        numbers[family.members] = family.numbers[:, ORDERS[name]] if name else family.numbers
        unit[family.members] = _FINENESS.index(family.form.unit)
        if name and (family.form is not _FIRST or name == "year/day/month"):
            decided = name if family.form is not _FIRST else decided
            notes.append(_order_note(column, family, name, asked))
    (year, month, day), unit = numbers[column.codes].T, unit[column.codes]
    if (short := (year < 100) & (month > 0)).any():
        year = _centuries(year, month, day, short, today)
        notes.append(f"Two-digit years were read as {year[short].min()} to {year[short].max()}.")
    days = _to_dates(year, month, day)
    left_out, sum_notes = _sums(days, unit)
    days[left_out] = np.datetime64("NaT")
    kept = [family for family in families if not left_out[np.isin(column.codes, family.members)].all()]
    units = {family.form.unit for family in kept} - {"day"}
    notes += [f"Each {word} was dated by its first day." for word in _FINENESS if word in units]
    for group, calendar in (("roc", "in the calendar of the Republic of China"), ("era", "by Japanese eras")):
        for family in [family for family in kept if group in family.form.pattern.groupindex][:1]:
            example = days[np.argmax(column.codes == family.members[0])]
            notes.append(f"Years were read {calendar}, e.g. {column.example(family)} as {example!s}.")
    notes += sum_notes
    if len(kept) > 1:
        examples = " and ".join(f"“{column.example(family)}”" for family in kept[:2])
        notes.append(f"Dates are written in {len(kept)} ways, e.g. {examples}; each was read in its own.")
    return Reading(pd.Series(days.astype("datetime64[us]") + column.clock), decided, tuple(notes), column.timed, column.zone,
                   left_out if left_out.any() else None)


def _order_note(column: _Column, family: _Family, name: str, asked: str | None) -> str:
    """The sentence that says how the order was decided, with the cell that decided it."""
    if name == asked:
        return f"Dates were read as {name}, as chosen."
    others = [_are_days(family.numbers, other) for other in family.form.orders if other != name]
    deciding = _are_days(family.numbers, name) & ~np.any(others, axis=0)
    why = f" because {column.example(family, deciding.argmax())} occurs" if deciding.any() else ""
    return f"Dates were read as {name}{why}."


def _sums(days: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(the rows of months, quarters or years that sum up finer ones of the same column, what to say of them).

    A series that is monthly in its first years and daily afterwards keeps both.
    """
    left_out, notes = np.zeros(len(days), dtype=bool), []
    known = ~np.isnat(days)
    finest, *coarser = np.unique(unit[known]) if known.any() else (0,)
    for at in coarser:
        rows, finer = known & (unit == at), np.sort(days[known & (unit < at) & ~left_out])
        summed = np.searchsorted(finer, days[rows] + _DAYS[_FINENESS[at]]) > np.searchsorted(finer, days[rows])
        if summed.all() or summed.sum() > 2:
            left_out |= rows
            notes.append(f"{count_of(len(summed), _FINENESS[at])} among the {_FINENESS[finest]}s left out: they sum them up.")
    return left_out, notes


def _centuries(year, month, day, short, today):
    """Full years for the two-digit ones: in order with their neighbours, and never after this year.

    Followed from row to row the years of a sorted file never jump by more than half a century, so 99 and 00 are
    neighbours. The last year is then the latest that is not in the future.
    """
    plain, followed = np.where(short, 1900 + year + 100 * (year + 2000 <= today.year), year), year.copy()
    steps = np.unwrap(year[short], period=100).astype(int)
    followed[short] = steps + 100 * ((today.year - steps.max()) // 100)
    return min((plain, followed), key=lambda years: _disorder(_to_dates(years, month, day)))


def _disorder(days: np.ndarray) -> float:
    """The share of the steps from one day to another that stand against the prevailing direction of time."""
    steps = np.diff(days[~np.isnat(days)].astype("datetime64[D]")).astype(int)
    steps = steps[steps != 0]
    return min((steps < 0).mean(), (steps > 0).mean()) if len(steps) else 0.0


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
    kept = list({reading.values.to_numpy().tobytes(): reading for reading in reversed(readings)}.values())[::-1]
    if len(kept) < 2:
        return kept
    table = pd.DataFrame({"disorder": [_disorder(reading.values.to_numpy()) for reading in kept],
                          "in_front": [reading.order == "year/month/day" for reading in kept],
                          "working": [(reading.values.dt.day_of_week < 5).mean() for reading in kept]})
    leading = table.in_front[table.disorder == table.disorder.min()].unique()
    if len(kept[0].values) > 10 and table.disorder.min() < 0.005 and len(leading) == 1:
        table = table[(table.disorder < 0.01) | (table.in_front == leading[0])]
    return [kept[at] for at in (table.disorder - table.working).sort_values(kind="stable").index]


# As NumPy writes 1459382400; a spreadsheet's 1.45938E+09 has lost its last digits.
_EXACT_POWER = r"[0-9]\.[0-9]{9,}[eE]\+(?:0[89]|1[0-8])"
# What nearly all cells of a column are where digits alone are dates: (pattern, how to write them in one of `FORMS`).
_DAY = "((?:1[6-9]|2[0-2])[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))"
_HOUR = "([01][0-9]|2[0-4])"
_FULL_DIGITS = (
    (_DAY, r"\1"), (_DAY + _HOUR, r"\1 \2:00"), (f"{_DAY}{_HOUR}([0-5][0-9])", r"\1 \2:\3"),
    (f"{_DAY}{_HOUR}([0-5][0-9])([0-5][0-9])", r"\1 \2:\3:\4"),
    ("((?:1[7-9]|2[01])[0-9]{2})(?:(0[1-9]|1[0-2]))?", r"\1-\2"),
)
# Whose order is open; some lack the zero in front.
_OPEN_DIGITS = (("([0-9]{1,2})([0-9]{2})([0-9]{4})", r"\1/\2/\3"), ("([0-9]{1,2})([0-9]{2})([0-9]{2})", r"\1/\2/\3"))


def _read_numbers(text: pd.Series, by_form: Callable[[pd.Series], list[Reading]], epoch_1904: bool) -> list[Reading]:
    """Every reading of a column of numbers as dates; [] where the numbers are none."""
    exact = text.str.fullmatch(_EXACT_POWER)
    if exact.any():
        text = text.where(~exact, text[exact].map(lambda cell: f"{Decimal(cell):f}").reindex(text.index))
    numeric = text.str.fullmatch(r"-?[0-9]{1,19}(?:\.0*)?|[0-9]{4,10}\.[0-9]+")
    if numeric.sum() < _NEARLY_ALL * (text != "").sum():
        return []
    digits = text.str.replace(r"\.0*$", "", regex=True)
    numbers = pd.to_numeric(digits.where(numeric), errors="coerce").astype("float64")

    # Serial numbers have five digits: six are an open date where no more than the zero in front is lacking.
    forms = (*_FULL_DIGITS, *(_OPEN_DIGITS if (digits.str.len() > 5).mean() > 0.2 else ()))
    form = next((form for form in forms if digits.str.fullmatch(form[0]).sum() >= (1 - _STRAY) * numeric.sum()), None)
    if form and (readings := by_form(digits.str.replace(f"^{form[0]}$", form[1], regex=True).str.rstrip("-"))):
        return readings
    counted = (count(numbers, digits, epoch_1904) for count in (_years, _serials, _epochs))
    return [*filter(None, counted)][:1]


def _years(numbers: pd.Series, *_) -> Reading | None:
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


def _serials(numbers: pd.Series, _, epoch_1904: bool) -> Reading | None:
    """Days since 1899-12-30, as Excel counts; its time is the fraction."""
    known = numbers.dropna()
    if known.min() < 61 or not 30_000 <= known.max() <= 80_000 or known.duplicated().mean() > 0.5:
        return None
    origin = pd.Timestamp("1904-01-01" if epoch_1904 else "1899-12-30")
    values = (origin + pd.to_timedelta((numbers * 86_400).round(), unit="s")).dt.as_unit("us")
    return Reading(values, notes=(f"Dates were read as Excel serial numbers: {known.iloc[-1]:.10g} is "
                                  f"{date(values[known.index[-1]], time=False)}.",), timed=bool((known % 1 != 0).any()))


_EPOCHS = ("seconds", "milliseconds", "microseconds", "nanoseconds")
_MOST_SECONDS = 5e9


def _epochs(numbers: pd.Series, digits: pd.Series, _) -> Reading | None:
    """Time since 1970, negative before it. Some sites changed their unit, so a file may hold two."""
    known = numbers.dropna()
    exact = pd.to_numeric(digits[known.index])
    whole = exact.dtype.kind == "i"
    exact = exact if whole else (exact * 1000).round().astype("int64")  # fractions of seconds, to the millisecond
    sizes = exact.abs().to_numpy(dtype=float)
    if not (1e8 if whole else 1e11) <= np.median(sizes) < _MOST_SECONDS * 1e9:
        return None
    # One unit for all, or for each that of its size; a unit read wrongly leaves decades between neighbours.
    ways = [np.searchsorted([1e11, 1e14, 1e17], of, "right") for of in (np.full(len(sizes), np.median(sizes)), sizes)]
    factors = np.array([1e6, 1e3, 1, 1e-3])
    readings = [(np.where(units == 3, exact // 1000, exact * factors[units].astype(int)), units) for units in ways
                if (sizes * factors[units]).max() < _MOST_SECONDS * 1e6]
    if not readings:
        return None
    micros, units = min(readings, key=lambda reading: np.diff(np.sort(reading[0])).max(initial=0))
    words = " and ".join(_EPOCHS[at] for at in np.unique(units)) if whole else "seconds"
    dates = pd.Series(micros.view("datetime64[us]"), index=known.index).reindex(numbers.index)
    return Reading(dates, notes=(f"Dates were read as {words} since 1970, in UTC.",), timed=True, zone="UTC")
