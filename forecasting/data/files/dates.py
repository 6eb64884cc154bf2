"""From text to dates: which of the ways to write a date a column follows, decided from all of its cells.

Readings are certain or they are several: `read_dates` returns every reading that fits, and the caller asks where there
is more than one. Two-digit years follow the order of the rows, so that a series from 1950 on is not read as 2050.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.files.shapes import LONGEST, Cell, clock_and_zone, take_apart
from forecasting.data.files.vocabulary import MISSING

__all__ = ["ORDERS", "Reading", "as_quarters", "order_named", "read_dates", "with_long_minguo_years"]

FIRST_YEAR, LAST_YEAR = 1678, 2261  # what nanoseconds can hold
# name: where year, month and day stand among three numbers
ORDERS = {"month/day/year": (2, 0, 1), "day/month/year": (2, 1, 0), "year/month/day": (0, 1, 2), "year/day/month": (0, 2, 1)}
_STRAY = 0.01  # the share of cells that may contradict the others; they are left out


@dataclass(frozen=True)
class Reading:
    """One way to read a column of dates.

    values: (n,) datetime64[us], NaT where missing or unreadable, in the order of the rows
    order: a name of `ORDERS` where it had to be decided or asked, else None
    notes: how the dates were read
    timed: whether some cell has a time of day; zone: what the cells say of their time zone, or ''
    """

    values: pd.Series
    order: str | None = None
    notes: tuple[str, ...] = ()
    timed: bool = False
    zone: str = ""

    @property
    def read(self) -> int:
        return int(self.values.notna().sum())


def order_named(text: str | None) -> str | None:
    """The name in `ORDERS` for 'day/month/year', 'DD/MM/YYYY', 'dmy', 'day first', ...; None for None or unknown text."""
    letters = re.sub(r"[^a-z]", "", str(text or "").lower())
    letters = re.sub("day", "d", re.sub("month", "m", re.sub("year", "y", letters)))
    letters = "".join(dict.fromkeys({"dfirst": "dmy", "mfirst": "mdy", "yfirst": "ymd"}.get(letters, letters)))
    return {"mdy": "month/day/year", "dmy": "day/month/year", "ymd": "year/month/day", "ydm": "year/day/month"}.get(letters)


def read_dates(text: pd.Series, order: str | None = None, today: pd.Timestamp | None = None) -> list[Reading]:
    """Every reading of `text` that fits nearly all of its cells; [] where it holds no dates.

    order: a name of `ORDERS` that settles which number is the day
    """
    text = text.where(~text.str.lower().isin(MISSING), "")
    present = text != ""
    if not present.any():
        return []
    quick = _read_iso(text, present)
    if quick is not None:
        return [quick]
    return _read_by_shape(text, present, order, today or pd.Timestamp.now())


# A year and a number of it, in either order: '2005-01', '200501', '1/2005'.
_NUMBERED = r"^(?:([12][0-9]{3})[-/.: ]?(1[0-2]|0?[0-9])|(1[0-2]|0?[0-9])[-/. ]([12][0-9]{3}))$"
_MINGUO = "{}[-/.年] ?[0-9]{{1,2}}[-/.月] ?[0-9]{{1,2}}日?"
_LONG_MINGUO, _SHORT_MINGUO = _MINGUO.format("[01][0-9]{2}"), _MINGUO.format("[5-9][0-9]")
_NEARLY_ALL = 0.8


def as_quarters(text: pd.Series) -> pd.Series | None:
    """`text` with '2005Q1' for '1/2005', '2005-01' and '200501'; None where few cells are so, or a number is above 4."""
    if not re.match(_NUMBERED, _first_present(text)):
        return None
    found = text.str.extract(_NUMBERED)
    years, numbers = found[0].fillna(found[3]), pd.to_numeric(found[1].fillna(found[2]))
    numbered = numbers.notna()
    if not numbers[numbered].between(1, 4).all() or numbered.sum() < _NEARLY_ALL * (~text.str.lower().isin(MISSING)).sum():
        return None
    return text.where(~numbered, years + "Q" + numbers.astype("Int64").astype("str")).astype("str")


def with_long_minguo_years(text: pd.Series, taiwanese: bool) -> tuple[pd.Series, str]:
    """`text` with '099/10/01' for '99/10/01' where years are those of the Republic of China; and an example of them, or ''.

    A year of three digits says so, or what else is known of the table: taiwanese.
    """
    if not re.match("[0-9]{2,3}[-/.年]", _first_present(text)):
        return text, ""
    short, long = text.str.fullmatch(_SHORT_MINGUO), text.str.fullmatch(_LONG_MINGUO)
    years = short | long
    if not (taiwanese or long.any()) or not years.any() or (
            years.sum() < (1 - _STRAY) * text.str.fullmatch(_MINGUO.format("[0-9]+")).sum()):
        return text, ""
    return text.where(~short, "0" + text), text[years].iloc[0]


def _first_present(text: pd.Series) -> str:
    return next((cell for cell in text if cell.lower() not in MISSING), "")


# Patterns for whole columns use [0-9] and spaces as such: pandas leaves \d and \s to Python, cell by cell.
_ISO_ZONE = r" *(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)$"
_ISO = (r"[0-9]{4}-(?:0[1-9]|1[0-2])-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?"
        r"(?: *(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?")


def _read_iso(text: pd.Series, present: pd.Series) -> Reading | None:
    """A column that is ISO throughout, with or without time and zone, the quick way; None where it is not."""
    if not text[present].str.fullmatch(_ISO).all():
        return None
    timed = text.str.contains(":", regex=False)
    zones = ""
    bare = text
    if timed.any():
        first = text[timed].iloc[0]
        if re.search(_ISO_ZONE, first) or text[timed].str.contains(r"(?:[A-Z]|[+-][0-9]{2}(?::?[0-9]{2})?)$").any():
            zoned = text[timed]
            found = zoned.str.slice(16).str.extract(rf"({_ISO_ZONE})", expand=False).dropna().str.strip().unique()
            zones = ", ".join(sorted(found)[:3])
            bare = text.where(~timed, zoned.str.replace(_ISO_ZONE, "", regex=True))
    values = pd.to_datetime(bare.where(present), format="ISO8601", errors="coerce").dt.as_unit("us")
    values = values.where(values.dt.year.between(FIRST_YEAR, LAST_YEAR))
    return Reading(values, timed=bool(timed.any()), zone=zones)


@dataclass(frozen=True)
class _Family:
    """The distinct cells of one kind, and the orders their three numbers may have."""

    kind: str
    members: tuple[int, ...]
    orders: tuple[str, ...] = ()


_FAMILY_ORDERS = {"three": ("month/day/year", "day/month/year"), "year": ("year/month/day", "year/day/month"),
                  "short": ("month/day/year", "day/month/year", "year/month/day")}
_SHORT = ("short", "named short", "month short", "quarter short")
_COARSE = ("month", "month loose", "month short", "quarter", "quarter short", "week")
# The year behind the time, as Unix writes it: 'Tue Mar 27 16:00:00 EDT 2018'.
_YEAR_LAST = r"^(.*[0-9]) ([0-9]{1,2}:[0-9]{2}:[0-9]{2}) (?:([A-Z]{2,5}) )?([0-9]{4})$"


@dataclass(frozen=True)
class _Parts:
    """A column taken apart. Row i holds distinct[codes[i]], which is cells[codes[i]], at clock[i] (timedelta64, NaT: no time).

    timed: whether some cell has a time of day; zone: up to three zones as written
    """

    codes: np.ndarray
    distinct: pd.Index
    cells: list[Cell]
    clock: np.ndarray
    timed: bool
    zone: str


def _take_apart(text: pd.Series) -> _Parts:
    """Dates and times are split first: of a hundred thousand stamps few dates and few times are distinct."""
    if text.head(100).str.fullmatch(_YEAR_LAST).any():
        text = text.str.replace(_YEAR_LAST, r"\1 \4 \2 \3", regex=True).str.strip()
    date = text.str.slice(0, 2 * LONGEST).str.replace(r"[T, ]+[0-9]{1,2}:[0-9]{2}.*$", "", regex=True)
    lengths = date.str.len()
    behind = pd.Series("", index=text.index, dtype="str")
    for length in lengths[lengths < text.str.len()].unique():
        behind = behind.where(lengths != length, text.str.slice(int(length)))
    codes, distinct = pd.factorize(date)
    cells = [take_apart(cell) for cell in distinct]
    clock_codes, clocks = pd.factorize(behind)
    read = [(0, "") if clock == "" else clock_and_zone(clock) for clock in clocks]
    micros = np.array(["NaT" if clock is None else clock for clock, _ in read], dtype="timedelta64[us]")[clock_codes]
    micros = micros + np.array([cell.clock or 0 for cell in cells], dtype="timedelta64[us]")[codes]
    zones = sorted({zone for _, zone in read if zone} | {cell.zone for cell in cells if cell.zone})
    timed = any(clocks) or any(cell.clock is not None for cell in cells)
    return _Parts(codes, distinct, cells, micros, timed, ", ".join(zones[:3]))


def _read_by_shape(text: pd.Series, present: pd.Series, order: str | None, today: pd.Timestamp) -> list[Reading]:
    """Readings of a column from its distinct cells, one family of shapes at a time."""
    parts = _take_apart(text)
    cells = parts.cells
    dated = np.array([bool(cell.kind) for cell in cells])[parts.codes]
    if dated.sum() < 0.5 * present.sum():
        return []
    families = []
    for kind in dict.fromkeys(cell.kind for cell in cells if cell.kind):
        members = tuple(i for i, cell in enumerate(cells) if cell.kind == kind)
        orders = _fitting_orders([cells[i].numbers for i in members], kind, order)
        if kind in _FAMILY_ORDERS and not orders:
            return []
        families.append(_Family(kind, members, orders))
    if _swapped_by_a_spreadsheet(families, cells) or _might_be_quarters(families, cells):
        return []
    families = _agreed(_without_subtotals(families, parts))
    options = list(dict.fromkeys(name for family in families for name in family.orders if len(family.orders) > 1))
    readings = [_assemble(parts, families, option, order, today) for option in (options or (None,))]
    if any(family.kind == "month short" for family in families):
        readings = [reading for reading in readings if _steps_by_months(reading.values)]
    return _different(readings)


def _might_be_quarters(families: list[_Family], cells: list[Cell]) -> bool:
    """Whether '2016-1' may be a quarter as well as a month: no cell goes beyond 4."""
    months = [family for family in families if family.kind in ("month", "month loose")]
    loose = any(family.kind == "month loose" for family in months)
    return loose and max(cells[i].numbers[1] for family in months for i in family.members) <= 4


def _without_subtotals(families: list[_Family], parts: _Parts) -> list[_Family]:
    """`families` without months, quarters and weeks that stand here and there among days: those rows are sums or averages.

    A series that is monthly in its first years and daily afterwards keeps both.
    """
    coarse = {i for family in families if family.kind in _COARSE for i in family.members}
    fine = {i for family in families if family.kind not in _COARSE for i in family.members}
    if not coarse or not fine:
        return families
    is_coarse = np.isin(parts.codes, list(coarse))[np.isin(parts.codes, list(coarse | fine))]
    blocks = int(is_coarse[0]) + int((np.diff(is_coarse.astype(int)) > 0).sum())
    if blocks <= 2 or is_coarse.mean() > 0.4:
        return families
    return [family for family in families if family.kind not in _COARSE]


def _agreed(families: list[_Family]) -> list[_Family]:
    """`families` with an order that one of them decides taken by the others that allow it."""
    decided = {family.orders[0] for family in families if len(family.orders) == 1 and family.kind in ("three", "short")}
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


def _fitting_orders(numbers: list[tuple[int, ...]], kind: str, order: str | None) -> tuple[str, ...]:
    """The orders under which nearly all cells of a family are dates, the one asked for if it is among them."""
    names = _FAMILY_ORDERS.get(kind, ())
    fits = {name: [_is_day(*_in_order(n, name)) for n in numbers] for name in names}
    best = max((sum(fit) for fit in fits.values()), default=0)
    dates = sum(map(any, zip(*fits.values(), strict=True)))
    # Cells that fit no order are bad dates. Cells that fit one order each contradict one another, and nothing is certain.
    if not best or best < (1 - _STRAY) * dates:
        return ()
    kept = [name for name in names if sum(fits[name]) >= (1 - _STRAY) * best]
    if order in kept:
        return (order,)
    return tuple(kept[:1] if kind == "year" else kept)  # a year in front is followed by the month


def _in_order(numbers: tuple[int, ...], name: str) -> tuple[int, ...]:
    return tuple(numbers[at] for at in ORDERS[name])


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year if year > 99 else 2000 + year % 4, month, day)
    except ValueError:
        return False
    return True


def _swapped_by_a_spreadsheet(families: list[_Family], cells: list[Cell]) -> bool:
    """Whether ISO dates stand beside days that cannot be months, and are themselves all days that can.

    A spreadsheet set to another language turns 03/04/2016 into a date, the wrong one, and leaves 17/04/2016 as text.
    """
    numbers = {family.kind: [cells[i].numbers for i in family.members] for family in families}
    iso, three = numbers.get("year", []), numbers.get("three", [])
    if len(iso) < 5 or len(three) < 5 or any(n[2] > 12 for n in iso):
        return False
    return all(n[0] > 12 for n in three) or all(n[1] > 12 for n in three)


def _assemble(parts: _Parts, families, option, asked, today) -> Reading:
    """The dates under `option`, an order for the families that leave it open."""
    codes, cells, distinct = parts.codes, parts.cells, parts.distinct
    year, month, day = (np.zeros(len(cells), dtype=int) for _ in range(3))
    short = np.zeros(len(cells), dtype=bool)
    notes = []
    decided = None
    for family in families:
        name = (option if option in family.orders else family.orders[0]) if family.orders else None
        for i in family.members:
            year[i], month[i], day[i] = _year_month_day(cells[i], name)
        short[list(family.members)] = family.kind in _SHORT
        if name and family.kind in ("three", "short"):
            decided = name
            notes.append(_order_note(family, cells, distinct, name, asked))
        elif name == "year/day/month":
            notes.append(_order_note(family, cells, distinct, name, asked))
    year = year[codes]
    if short.any():
        year = _centuries(year, month[codes], day[codes], short[codes], today)
        years = year[short[codes]]
        notes.append(f"Two-digit years were read as {years.min()} to {years.max()}.")
    values = _to_dates(year, month[codes], day[codes])
    values = pd.Series(values.astype("datetime64[us]") + parts.clock)
    kinds = {family.kind.split()[0] for family in families}
    notes += [f"Each {word} was dated by its first day." for word in ("month", "quarter", "week") if word in kinds]
    if len(families) > 1:
        examples = " and ".join(f"“{distinct[family.members[0]][:30]}”" for family in families[:2])
        notes.append(f"Dates are written in {len(families)} ways, e.g. {examples}; each was read in its own.")
    return Reading(values, decided, tuple(note for note in notes if note), parts.timed, parts.zone)


def _year_month_day(cell: Cell, name: str | None) -> tuple[int, ...]:
    if cell.kind == "week":
        try:
            year, week = cell.numbers
            monday = datetime.date.fromisocalendar(year, week, 1)
        except ValueError:
            return 0, 0, 0
        return monday.year, monday.month, monday.day
    if name:
        return _in_order(cell.numbers, name)
    return cell.numbers if len(cell.numbers) == 3 else (*cell.numbers, 1)


def _order_note(family: _Family, cells: list[Cell], distinct, name: str, asked: str | None) -> str:
    """The sentence that says how the order was decided, with the cell that decided it."""
    if name == asked:
        return f"Dates were read as {name}, as chosen."
    others = [other for other in _FAMILY_ORDERS[family.kind] if other != name]
    for i in family.members:
        if _is_day(*_in_order(cells[i].numbers, name)) and not any(
                _is_day(*_in_order(cells[i].numbers, other)) for other in others):
            return f"Dates were read as {name} because {distinct[i][:30]} occurs."
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
