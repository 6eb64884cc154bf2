"""Which column of a table holds the dates, and what time of day belongs to them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.files.calendar_words import month_number
from forecasting.data.files.date_forms import Reading, looks_like_date, may_be_quarters, outline, read_clocks, read_dates
from forecasting.data.files.headers import Column, Table
from forecasting.data.files.number_forms import is_missing
from forecasting.data.files.vocabulary import MISSING, ROLES, plain
from forecasting.data.files.wording import shown
from forecasting.errors import NeedsChoice, UnreadableFile
from forecasting.words import count, count_of, date

__all__ = ["Dates", "daily_or_timed", "pick_dates"]

_FIRST_NAMES = {"date", "datetime", "date time", "timestamp", "datum", "fecha", "data", "日付", "日期"}
_SAMPLE, _COLUMNS = 200, 64
_TOLERATED = 0.2  # the share of dates that may be unreadable
_OUTLINED = 5000
_TOLERATED_ALIKE = 0.02  # and of those that look like the others: months in a language that is not known, say
_CLOCKS = {plain(word) for word, role in ROLES.items() if role == "time"} | {"time"}
_COUNTERS = {"id", "row", "nr", "no", "n", "count", "index no", "s no", "sno", "rank"}
_WEEKS = {"week", "kw", "woche", "semaine", "semana", "settimana", "week number", "week no", "iso week", "calendar week", "wk"}
_HALF_DAY = 12 * 60  # in minutes
# What the exchanges of Taiwan call the columns of their files.
_TAIWANESE = {"成交股數", "成交金額", "成交筆數", "漲跌價差", "開盤價", "最高價", "最低價", "收盤價", "成交仟股", "成交仟元",
              "發行量加權股價指數", "漲跌點數"}
_UTC = {"Z", "UTC", "GMT", "+00:00", "+0000", "+00"}


@dataclass(frozen=True)
class Dates:
    """The dates of a table's rows: one `Reading`, and the positions of the columns it comes from."""

    reading: Reading
    positions: tuple[int, ...]
    name: str
    notes: tuple[str, ...] = ()


def pick_dates(table: Table, order: str | None = None) -> Dates:
    """The dates of `table`.

    order: a name of `dates.ORDERS`. Raises NeedsChoice (kind 'date_order') where day and month cannot be told apart,
    UnreadableFile where no column holds dates.
    """
    column = _best_column(table)
    if column is None:
        parts = _from_parts(table, order)
        if parts is None:
            raise UnreadableFile(_no_dates(table))
        return parts
    text = table.frame[column.position]
    readings = _readings(table, column, text, order)
    if not readings:
        example = next((cell for cell in text if not is_missing(cell)), "")
        raise UnreadableFile(f"The dates in “{shown(column.name)}” cannot be read with certainty, e.g. “{shown(example)}”: "
                             "year, month and day are not all there, or in no single order. Write them as year-month-day, "
                             "e.g. 2018-03-27.")
    if len(readings) > 1:
        raise NeedsChoice(
            f"The dates in “{shown(column.name)}” can be read in {len(readings)} ways, and no row decides it. Which is right?",
            kind="date_order", options=[reading.order for reading in readings], preview=_both_ways(text, readings))
    reading = readings[0]
    present = int((~text.str.lower().isin(MISSING)).sum())
    if reading.read < (1 - _TOLERATED) * present:
        bad = text[reading.values.isna().to_numpy() & (text != "").to_numpy()]
        raise UnreadableFile(f"Only {count(reading.read)} of {count(present)} dates in “{shown(column.name)}” can be read, "
                             f"e.g. not “{shown(bad.iloc[0])}”. Write them as year-month-day, e.g. 2018-03-27.")
    _check_alike(column, text, reading)
    positions: tuple[int, ...] = (column.position,)
    notes: tuple[str, ...] = ()
    timed = column
    if not reading.timed and (clock := _clock_column(table, column)):
        reading, notes = _with_clock(reading, table.frame[clock.position], clock)
        positions, timed = (*positions, clock.position), clock
    if reading.timed:
        _check_clock(reading.values.dropna(), timed)
    return Dates(reading, positions, column.name, notes)


def _readings(table: Table, column: Column, text: pd.Series, order: str | None = None) -> list[Reading]:
    """The readings of the cells `text` of a column, with what its name and the others say of them."""
    if not _is_quarter(column) and may_be_quarters(text):
        example = next(cell for cell in text if not is_missing(cell))
        raise UnreadableFile(f"The dates in “{shown(column.name)}” may be quarters as well as months, e.g. "
                             f"“{shown(example)}”: their numbers go from 1 to 4. Write quarters as 2005Q1, or call "
                             "the column Quarter; write months as 2005-01-01.")
    return read_dates(text, order, epoch_1904=table.epoch_1904, quarters=_is_quarter(column),
                      taiwanese=any(c.name.replace(" ", "") in _TAIWANESE for c in table.columns))


def _is_quarter(column: Column) -> bool:
    return "quarter" in {ROLES.get(word) for word in plain(column.name).split()}


def _check_clock(stamps: pd.Series, column: Column):
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


def _check_alike(column: Column, text: pd.Series, reading: Reading):
    """Refuse a column some of whose words are unknown: leaving those rows out would leave out whole months."""
    unread = reading.values.isna().to_numpy()
    if reading.left_out is not None:
        unread = unread & ~reading.left_out
    if not unread.any():
        return
    read = text[~unread]
    known = {outline(cell) for cell in read.iloc[:: len(read) // _OUTLINED + 1]}
    alike = [cell for cell in text[unread] if re.search(r"[^\W\d_]", cell) and outline(cell) in known]
    if len(alike) > _TOLERATED_ALIKE * len(text):
        raise UnreadableFile(f"{count(len(alike))} of {count(len(text))} dates in “{shown(column.name)}” cannot be read, e.g. "
                             f"“{shown(alike[0])}”. Write all of them as year-month-day, e.g. 2018-03-27.")


def _best_column(table: Table) -> Column | None:
    """The column whose name and cells say most clearly that it holds dates, or None."""
    rows = np.unique(np.linspace(0, len(table.frame) - 1, _SAMPLE).astype(int))
    named = [column for column in table.columns if column.role in ("date", "time", "year")]
    others = [column for column in table.columns[:_COLUMNS]
              if column.role in (None, "other", "series", "month", "quarter", "day", "price")]
    ranked = []
    for column in [*named[:_COLUMNS], *others]:
        sample = table.frame[column.position].iloc[rows]
        if (rank := _rank(table, column, sample)) is not None:
            constant = len(sample) > 2 and sample.nunique() == 1  # the day of the download, or of an expiry
            ranked.append((constant, rank, column.position, column))
    if not ranked and not named:  # 'Last Trade' is a price to most people; a name of dates over none stands wrongly
        for column in table.columns[:_COLUMNS]:
            cells = [cell for cell in table.frame[column.position].iloc[rows] if not is_missing(cell)]
            if cells and sum(looks_like_date(cell, whole_numbers=False) for cell in cells) > 0.8 * len(cells):
                return column
    return min(ranked, key=lambda entry: entry[:3])[3] if ranked else None


def _rank(table: Table, column: Column, sample: pd.Series) -> int | None:
    """0 for the clearest kind of date column, more for a less clear one, None for no dates."""
    cells = [cell for cell in sample if not is_missing(cell)]
    if not cells or sum(map(looks_like_date, cells)) < 0.5 * len(cells):
        return None
    name = plain(column.name)
    by_name = {"date": 0 if name in _FIRST_NAMES else 1 if name in ROLES else 2, "time": 2, "month": 3,
               "quarter": 3, "year": 4}.get(column.role or "")
    # A column that is called so may hold more bad dates: then they are counted, and it is not another that is taken.
    enough = (0.5 if column.role == "date" else 0.8) * len(cells)
    if sum(looks_like_date(cell, whole_numbers=False) for cell in cells) >= enough:
        return by_name if by_name is not None else 3
    readings = read_dates(sample, epoch_1904=table.epoch_1904, quarters=_is_quarter(column))
    if not readings or readings[0].read < (1 - _TOLERATED) * len(cells):
        return None
    if column.role == "year":
        return None if _months(table) or _weeks(table) else by_name
    if by_name is not None:
        return by_name
    # Numbers without a name for it are dates only in front, and only in order. Elsewhere they must be what hardly any
    # other numbers are: eight digits that are days throughout, or time since 1970.
    values = readings[0].values.dropna()
    in_order = len(values) > 2 and (values.is_monotonic_increasing or values.is_monotonic_decreasing)
    days = len(values) == len(cells) and all(len(cell) == 8 and cell.isdecimal() for cell in cells)
    if days and values.nunique() > 2 and name not in _COUNTERS:
        return 5 if column.position == 0 else 6
    if column.role not in (None, "other") or name in _COUNTERS or not in_order:
        return None
    if column.position == 0 or (not table.headed and column.position <= 2):
        return 5
    return 6 if readings[0].zone and len(values) == len(cells) else None


def _from_parts(table: Table, order) -> Dates | None:
    """Dates from columns of their own for year, month (or quarter) and day, or for year and week."""
    years, months, days = table.with_role("year"), _months(table), table.with_role("day")
    if years and not months and _weeks(table):
        return _from_weeks(table, years[0], _weeks(table)[0])
    if not years or not months:
        return None
    year, month = years[0], months[0]
    names = pd.Series([_month_of(cell, month.role == "quarter") for cell in table.frame[month.position]])
    day = table.frame[days[0].position].reset_index(drop=True) if days else pd.Series("1", index=names.index, dtype="str")
    text = table.frame[year.position].str.replace(r"\.0*$", "", regex=True) + "-" + names + "-" + day
    used = (year, month, *days[:1])
    readings = read_dates(text.astype("str"), order)
    if len(readings) != 1 or readings[0].read < (1 - _TOLERATED) * len(text):
        return None
    note = "Dates were put together from the columns " + ", ".join(f"“{shown(column.name)}”" for column in used) + "."
    reading = replace(readings[0], notes=(note, *(["Each month was dated by its first day."] if not days else [])))
    return Dates(reading, tuple(column.position for column in used), year.name)


def _from_weeks(table: Table, year: Column, week: Column) -> Dates | None:
    text = table.frame[year.position].str.replace(r"\.0*$", "", regex=True) + "-W" + table.frame[week.position].str.zfill(2)
    readings = read_dates(text.astype("str"))
    if len(readings) != 1 or readings[0].read < (1 - _TOLERATED) * len(text):
        return None
    note = f"Dates were put together from the columns “{shown(year.name)}” and “{shown(week.name)}”."
    return Dates(replace(readings[0], notes=(note, *readings[0].notes)), (year.position, week.position), year.name)


def _weeks(table: Table) -> list[Column]:
    """The columns that number the weeks of a year."""
    return [column for column in table.columns[:_COLUMNS] if plain(column.name) in _WEEKS
            and table.frame[column.position].head(_SAMPLE).str.fullmatch(r"0?[1-9]|[1-4][0-9]|5[0-3]").mean() > 0.9]


def _months(table: Table) -> list[Column]:
    """The columns that may hold the month to a year; the Bureau of Labor Statistics calls it 'Period'."""
    return [*table.with_role("month"), *table.with_role("quarter"), *(c for c in table.columns if plain(c.name) == "period")]


def _month_of(cell: str, is_quarter: bool) -> str:
    """'03' for '3', 'M03', 'Mar'; with `is_quarter` '07' for 'Q3'; '00' for anything else."""
    match = re.fullmatch(r"[mMqQ]?0?(\d{1,2})(?:\.0*)?", cell)
    number = int(match[1]) if match else month_number(cell)
    if is_quarter:
        number = 3 * number - 2 if number and number <= 4 else None
    return f"{number:02}" if number and 1 <= number <= 12 else "00"


def _clock_column(table: Table, dates: Column) -> Column | None:
    """The column with the time of day that belongs to the dates: named so, or 'HH:MM' beside them."""
    for column in table.columns[:_COLUMNS]:
        if column is dates or not (column.role in ("time", "date") or column.position == dates.position + 1):
            continue
        text = table.frame[column.position].head(_SAMPLE)
        written = all(":" in cell or is_missing(cell) for cell in text)
        if (written or plain(re.sub("[<>]", "", column.name)) in _CLOCKS) and read_clocks(text) is not None:
            return column
    return None


def _with_clock(reading: Reading, text: pd.Series, column: Column) -> tuple[Reading, tuple[str, ...]]:
    clocks = read_clocks(text, ends="ending" in plain(column.name))
    if clocks is None:
        return reading, ()
    notes = (f"The time of day comes from “{shown(column.name)}”.",
             *(["It names the end of each hour or less, up to 24:00; the beginning was taken."] if clocks.ends else []))
    return replace(reading, values=(reading.values + clocks.values).dt.as_unit("us"), timed=True), notes


def daily_or_timed(stamps: pd.Series, zone: str) -> tuple[pd.Series, tuple[str, ...]]:
    """`stamps` (ascending) without their time where no day has two of them, else as they are; and what to say of it."""
    distinct = stamps.drop_duplicates()
    times = (distinct - distinct.dt.normalize()).dt.total_seconds()
    if not times.any():
        return stamps, (_zone_note(zone),) if zone and zone not in _UTC else ()
    ahead, why = _ahead_of_utc(distinct, times) if zone.upper() in _UTC else (pd.Timedelta(0), ())
    days = (stamps + ahead).dt.normalize()
    if days.nunique() < 0.99 * len(distinct):
        return stamps, (_zone_note(zone),) if zone else ()
    notes = [f"The time of day ({_clock_face(times.mode()[0])}) was left out: there is one row a day.", *why]
    if zone and zone.upper() not in _UTC:
        notes.append(_zone_note(zone))
    return days, tuple(notes)


def _ahead_of_utc(stamps: pd.Series, times: pd.Series) -> tuple[pd.Timedelta, tuple[str, ...]]:
    """How far daily `stamps` in UTC must be moved to fall on their local day, and what to say of it.

    Midnights of an exchange ahead of Greenwich, written in UTC, fall on the day before: Sundays to Thursdays tell. Summer
    time makes two clock times of one: the later one may be that of midnight in UTC, so that only some rows are a day early.
    """
    hour, day = pd.Timedelta(hours=1), pd.Timedelta(days=1)
    early, late = _summer_and_winter(times)
    faces = f"{_clock_face(early)} in summer and {_clock_face(late)} in winter are one local time"
    if early > late:
        # The days of the later time, unless they are Tuesday to Saturday: then it is an evening.
        if _on_saturdays(stamps + hour) and not _on_saturdays(stamps - hour):
            return -hour, (f"Days are those of {_clock_face(early)} in UTC: {faces}.",)
        return hour, (f"Days are those of {_clock_face(late)} in UTC: {faces}.",)
    if late // 3600 == 23 and early != late and (_on_saturdays(stamps) or not _on_saturdays(stamps + day)):
        return day, (f"The days were moved on by one: {faces}.",)
    weekdays = stamps.dt.day_of_week.value_counts(normalize=True)
    sunday_to_thursday = weekdays.get(6, 0) > 0.1 and weekdays.get(4, 0) + weekdays.get(5, 0) < 0.02
    if times.mode()[0] >= 12 * 3600 and sunday_to_thursday:
        return day, ("The days were moved on by one: in UTC they would be Sunday to Thursday.",)
    return pd.Timedelta(0), ()


def _summer_and_winter(times: pd.Series) -> tuple[float, float]:
    """The two times of day, in seconds, that are nearly all and one hour apart, the earlier first; else one time twice."""
    counts = times.value_counts()
    one, other = counts.index[0], counts.index[min(1, len(counts) - 1)]
    if counts.iloc[:2].sum() < 0.98 * len(times):
        return one, one
    for early, late in ((one, other), (other, one)):
        if (early + 3600) % 86_400 == late:
            return early, late
    return one, one


def _on_saturdays(stamps: pd.Series) -> bool:
    return (stamps.dt.day_of_week == 5).mean() > 0.02


def _clock_face(seconds: float) -> str:
    return f"{int(seconds // 3600):02}:{int(seconds % 3600 // 60):02}"


def _zone_note(zone: str) -> str:
    if zone.upper() in _UTC:
        return "Times are in UTC."
    return f"Dates and times are local, as written with the zone {shown(zone)}."


def _both_ways(text: pd.Series, readings: list[Reading]) -> tuple[dict[str, str], ...]:
    """A few cells that the readings disagree on, and what each makes of them."""
    first, second = readings[0].values, readings[1].values
    differing = np.flatnonzero(((first != second) & (first.notna() | second.notna())).to_numpy())[:5]
    return tuple({"as written": shown(text.iloc[i])} | {
        str(reading.order): "no date" if pd.isna(read := reading.values.iloc[i]) else date(read, time=False)
        for reading in readings}
        for i in differing)


def _no_dates(table: Table) -> str:
    named = table.with_role("date", "time", "year")
    text = table.frame[named[0].position] if named else table.frame[0]
    example = next((cell for cell in text if not is_missing(cell)), "")
    where = f"“{shown(named[0].name)}” holds e.g. “{shown(example)}”" if named else f"the first cell is “{shown(example)}”"
    return (f"No column of this file holds dates ({count_of(len(table.frame), 'row')}; {where}). Give each price a date in a "
            "column of its own, e.g. 2018-03-27.")
