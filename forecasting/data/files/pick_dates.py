"""Which column of a table holds the dates, and what time of day belongs to them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.files.calendar_words import month_number
from forecasting.data.files.date_forms import (
    Clocks,
    Reading,
    looks_like_date,
    may_be_quarters,
    order_named,
    read_clocks,
    read_dates,
)
from forecasting.data.files.decisions import Decisions
from forecasting.data.files.layout import Table
from forecasting.data.files.names import Column
from forecasting.data.files.number_forms import is_missing
from forecasting.data.files.picking import named_column
from forecasting.data.files.silent_errors import check_dates, check_times
from forecasting.data.files.vocabulary import MISSING, ROLES, plain
from forecasting.data.files.wording import shown
from forecasting.errors import ConfigError, UnreadableFile
from forecasting.words import count, count_of, date

__all__ = ["Dates", "daily_or_timed", "pick_dates"]

_FIRST_NAMES = {"date", "datetime", "date time", "timestamp", "datum", "fecha", "data", "日付", "日期"}
_SAMPLE, _COLUMNS = 200, 64
_TOLERATED = 0.2  # the share of dates that may be unreadable
_HOURS = {"time", "hour", "hours", "he"}
_COUNTERS = {"id", "row", "nr", "no", "n", "count", "index no", "s no", "sno", "rank"}
_WEEKS = {"week", "kw", "woche", "semaine", "semana", "settimana", "week number", "week no", "iso week", "calendar week", "wk"}
# What the exchanges of Taiwan call the columns of their files.
_TAIWANESE = {"成交股數", "成交金額", "成交筆數", "漲跌價差", "開盤價", "最高價", "最低價", "收盤價", "成交仟股", "成交仟元",
              "發行量加權股價指數", "漲跌點數"}
_UTC = {"Z", "UTC", "GMT", "+00:00", "+0000", "+00"}


@dataclass(frozen=True)
class Dates:
    """The dates of a table's rows: one `Reading`, and the positions of the columns it comes from."""

    reading: Reading
    positions: tuple[int, ...]
    notes: tuple[str, ...] = ()


def pick_dates(table: Table, decisions: Decisions) -> Dates:
    """The dates of `table`. Raises UnreadableFile where no column holds dates."""
    order = order_named(decisions.given.get("date_order"))
    if order is None and "date_order" in decisions.given:
        raise ConfigError("date_order must be 'day/month/year' or 'month/day/year'. Received: "
                          f"{decisions.given['date_order']!r}.")
    ranked = _ranked(table)
    wanted = decisions.given.get("date")
    parts = _parts(table) if not ranked or " + " in str(wanted) else []
    options = [column.name for column in ranked] or [" + ".join(column.name for column in parts)]
    if wanted is None or (parts and str(wanted) == options[0]):
        if not ranked and not parts:
            raise UnreadableFile(_no_dates(table))
        decisions.take("date", options[0], options)
        if parts:
            return _from_parts(table, parts, order)
        column = ranked[0]
    else:
        column = named_column(wanted, table, list(table.columns), "date")
        decisions.take("date", column.name, options)
    return _from_column(table, column, order, decisions)


def _from_column(table: Table, column: Column, order: str | None, decisions: Decisions) -> Dates:
    text = table.cells(column)
    readings = _read(table, column, text)
    orders = [reading.order for reading in readings if reading.order]
    if order and (len(readings) != 1 or orders):
        readings = _read(table, column, text, order) or readings
    example = next((cell for cell in text if not is_missing(cell)), "")
    if not _is_quarter(column) and may_be_quarters(text):
        raise UnreadableFile(f"The dates in “{shown(column.name)}” may be quarters as well as months, e.g. “{shown(example)}”: "
                             "their numbers go from 1 to 4. Write quarters as 2005Q1, or call the column Quarter; write months "
                             "as 2005-01-01.")
    if not readings:
        raise UnreadableFile(f"The dates in “{shown(column.name)}” cannot be read with certainty, e.g. “{shown(example)}”: "
                             "year, month and day are not all there, or in no single order. Write them as year-month-day, "
                             "e.g. 2018-03-27.")
    if len(readings) > 1:
        taken = decisions.settle(
            "date_order", [reading.order for reading in readings], preview=lambda: _both_ways(text, readings), question=
            f"The dates in “{shown(column.name)}” can be read in {len(readings)} ways, and no row decides it. Which is right?")
        readings = [reading for reading in readings if reading.order == taken]
    elif readings[0].order or order:
        decisions.take("date_order", readings[0].order or order, orders)
    reading = readings[0]
    present = int((~text.str.lower().isin(MISSING)).sum())
    if reading.read < (1 - _TOLERATED) * present:
        bad = text[reading.values.isna().to_numpy() & (text != "").to_numpy()]
        raise UnreadableFile(f"Only {count(reading.read)} of {count(present)} dates in “{shown(column.name)}” can be read, "
                             f"e.g. not “{shown(bad.iloc[0])}”. Write them as year-month-day, e.g. 2018-03-27.")
    check_dates(column, text, reading if order is None else replace(reading, order=None))
    dates = _with_time(table, column, Dates(reading, (column.position,)), decisions)
    if dates.reading.timed:
        check_times(dates.reading.values.dropna(), table.columns[dates.positions[-1]])
    return dates


def _read(table: Table, column: Column, text: pd.Series, order: str | None = None) -> list[Reading]:
    return read_dates(text.reset_index(drop=True), order, epoch_1904=table.epoch_1904, quarters=_is_quarter(column),
                      taiwanese=any(other.name.replace(" ", "") in _TAIWANESE for other in table.columns))


def _is_quarter(column: Column) -> bool:
    return "quarter" in {ROLES.get(word) for word in plain(column.name).split()}


def _ranked(table: Table) -> list[Column]:
    """The columns that may hold the dates, those first whose names and cells say so most clearly."""
    rows = np.unique(np.linspace(0, len(table.frame) - 1, _SAMPLE).astype(int))
    named = [column for column in table.columns if column.role in ("date", "time", "year")]
    others = [column for column in table.columns[:_COLUMNS]
              if column.role in (None, "other", "series", "month", "quarter", "day", "price")]
    ranked = []
    for column in [*named[:_COLUMNS], *others]:
        sample = table.cells(column).iloc[rows]
        if (rank := _rank(table, column, sample)) is not None:
            constant = len(sample) > 2 and sample.nunique() == 1  # the day of the download, or of an expiry
            ranked.append((constant, rank, column.position, column))
    if not ranked and not named:  # 'Last Trade' is a price to most people; a name of dates over none stands wrongly
        for column in table.columns[:_COLUMNS]:
            cells = [cell for cell in table.cells(column).iloc[rows] if not is_missing(cell)]
            if cells and sum(looks_like_date(cell, whole_numbers=False) for cell in cells) > 0.8 * len(cells):
                return [column]
    return [entry[3] for entry in sorted(ranked, key=lambda entry: entry[:3])]


def _rank(table: Table, column: Column, sample: pd.Series) -> int | None:
    """0 for the clearest kind of date column, more for a less clear one, None for no dates."""
    cells = [cell for cell in sample if not is_missing(cell)]
    name = plain(column.name)
    by_name = {"date": 0 if name in _FIRST_NAMES else 1 if name in ROLES else 2, "time": 2, "month": 3,
               "quarter": 3, "year": 4}.get(column.role or "")
    if not cells or sum(map(looks_like_date, cells)) < 0.5 * len(cells):
        return None
    # A column that is called so may hold more bad dates: then they are counted, and it is not another that is taken.
    enough = (0.5 if column.role == "date" else 0.8) * len(cells)
    if sum(looks_like_date(cell, whole_numbers=False) for cell in cells) >= enough:
        return by_name if by_name is not None else 3
    readings = _read(table, column, sample)
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


def _parts(table: Table) -> list[Column]:
    """The columns that make a date together: year, month (or quarter) and day, or year and week; [] where there are none."""
    years, months, days = table.with_role("year"), _months(table), table.with_role("day")
    if years and not months:
        return [years[0], *_weeks(table)[:1]] if _weeks(table) else []
    return [years[0], months[0], *days[:1]] if years and months else []


def _from_parts(table: Table, columns: list[Column], order: str | None) -> Dates:
    year, second, *day = columns
    years = table.cells(year).str.replace(r"\.0*$", "", regex=True)
    cells = table.cells(second)
    if second in _weeks(table):
        text = years + "-W" + cells.str.zfill(2)
    else:
        months = pd.Series([_month_of(cell, second.role == "quarter") for cell in cells])
        days = table.cells(day[0]).reset_index(drop=True) if day else pd.Series("1", index=months.index, dtype="str")
        text = years + "-" + months + "-" + days
    readings = read_dates(text.astype("str"), order)
    if len(readings) != 1 or readings[0].read < (1 - _TOLERATED) * len(text):
        raise UnreadableFile(_no_dates(table))
    *before, last = [f"“{shown(column.name)}”" for column in columns]
    monthly = ["Each month was dated by its first day."] if not day and second not in _weeks(table) else readings[0].notes
    note = f"Dates were put together from the columns {', '.join(before)} and {last}."
    return Dates(replace(readings[0], notes=(note, *monthly)), tuple(column.position for column in columns))


def _weeks(table: Table) -> list[Column]:
    """The columns that number the weeks of a year."""
    return [column for column in table.columns[:_COLUMNS] if plain(column.name) in _WEEKS
            and table.cells(column).head(_SAMPLE).str.fullmatch(r"0?[1-9]|[1-4][0-9]|5[0-3]").mean() > 0.9]


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


def _with_time(table: Table, column: Column, dates: Dates, decisions: Decisions) -> Dates:
    """`dates` with the time of day that a column of its own holds.

    It is called so, or written with a colon beside the dates; or dates repeat, and it is the column of hours that tells their
    rows apart and goes one way within a day.
    """
    wanted = decisions.given.get("time")
    if wanted is None and dates.reading.timed:
        return dates
    stamps = dates.reading.values
    repeated = stamps.dropna().duplicated().mean() > 0.2
    found = {}
    for other in table.columns[:_COLUMNS]:
        if other is not column and (clocks := _clocks(table, other, column, stamps, repeated)) is not None:
            found[other.name] = (other, clocks)
    if wanted is not None and str(wanted) != "":
        other = named_column(wanted, table, list(table.columns), "time")
        clocks = read_clocks(table.cells(other).reset_index(drop=True), ends=_names_ends(other))
        if clocks is None:
            raise UnreadableFile(f"The column “{shown(other.name)}” holds no times of day, e.g. 16:00. Choose another.")
        found = {other.name: (other, clocks)} | found
    if not found or wanted == "":
        decisions.take("time", "", {"": "no column of its own"} | {name: name for name in found})
        return dates
    name, (other, clocks) = next(iter(found.items()))
    decisions.take("time", name, {"": "no column of its own"} | {name: name for name in found})
    # An hour that is named by its end belongs to the day that it ends: 24:00 is no time of the day after.
    note = f"The time of day comes from “{shown(name)}”" + (
        ", which names the ends of hours; each is dated by its beginning." if clocks.ends else ".")
    reading = replace(dates.reading, values=(stamps.dt.normalize() + clocks.values).dt.as_unit("us"), timed=True)
    return Dates(reading, (*dates.positions, other.position), (*dates.notes, note))


def _clocks(table: Table, column: Column, dates: Column, stamps: pd.Series, repeated: bool) -> Clocks | None:
    """The times of day in `column`, where they belong to the dates."""
    text = table.cells(column).reset_index(drop=True)
    written = all(":" in cell or is_missing(cell) for cell in text.head(_SAMPLE))
    named = column.role == "time" or bool(_HOURS & set(plain(column.name).split())) or (column.role == "date" and written)
    beside = abs(column.position - dates.position) == 1 and written
    if not (named or beside or (repeated and column.role in (None, "other", "date"))) or read_clocks(text.head(_SAMPLE)) is None:
        return None
    clocks = read_clocks(text, ends=_names_ends(column))
    if clocks is None or clocks.values[stamps.notna()].isna().mean() > _TOLERATED:
        return None
    if named or beside:
        return clocks
    times = (stamps + clocks.values).dropna()
    steps = times.diff()[stamps[times.index].diff() == pd.Timedelta(0)]
    one_way = max((steps > pd.Timedelta(0)).mean(), (steps < pd.Timedelta(0)).mean()) if len(steps) else 0.0
    return clocks if one_way > 0.95 else None


def _names_ends(column: Column) -> bool:
    return bool({"he", "ending", "end", "ende", "fin"} & set(plain(column.name).split()))


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
    """How far daily `stamps` in UTC must be moved to fall on one day each, and what to say of them.

    Summer time makes 23:00 and 00:00 of one local time, so that half of the rows are a day off. Which day an evening in UTC
    belongs to elsewhere is not known: that is said, and the days stay.
    """
    hour, usual = pd.Timedelta(hours=1), times.value_counts(normalize=True)
    early, late = max(usual.index[:2]), min(usual.index[:2])
    if early >= 23 * 3600 and early + 3600 - 86_400 == late and usual.iloc[:2].sum() > 0.98:
        one = f"{_clock_face(early)} in summer and {_clock_face(late)} in winter are one local time"
        # Tuesday to Saturday are the days after an evening.
        if _on_saturdays(stamps + hour) and not _on_saturdays(stamps - hour):
            return -hour, (f"Days are those of {_clock_face(early)} in UTC: {one}.",)
        return hour, (f"Days are those of {_clock_face(late)} in UTC: {one}.",)
    days = set(stamps.dt.day_of_week.unique())
    if usual.index[0] >= 12 * 3600 and not (4 in days and 6 not in days):
        return pd.Timedelta(0), (f"Days are those in UTC at {_clock_face(usual.index[0])}: where a local day begins earlier, "
                                 "east of Greenwich, each row is of the day after.",)
    return pd.Timedelta(0), ()


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
