"""How the rows of a history are spaced, and what follows from it: words, seasons, rows in a year, the market's week."""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.data.months import days_of_month
from forecasting.errors import DataError

__all__ = ["ENOUGH_DAYS", "EVERY_DAY", "IRREGULAR", "MONDAY_TO_FRIDAY", "RECENT_DAYS", "TRADING_DAYS", "Frequency", "as_day",
           "infer_frequency", "keeps_to", "open_weekdays"]

_DAY = 86_400
_ALL_DAYS = (0, 1, 2, 3, 4, 5, 6)
MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)
ENOUGH_DAYS = 15  # days with rows needed to know the market's week
RECENT_DAYS = 60  # latest days with rows that the market's week is learnt from, since exchanges have changed theirs
_RECENT_YEAR = 250  # latest days with rows that tell a market open every day from others
_HALF = 0.5 / 7  # half of the share of rows that each day of the week has if all have rows
_OPEN = 0.3  # of the rows that the busiest day of the week has: what an open day has at least, and no makeup session comes to
_KEPT = 0.6  # of the open days of a week that must have rows for the week to say when the next row comes
_MOVED_WEEKS, _DROPPED_WEEKS = 2, 4  # weeks without a row on a day that mean it is closed now: with rows on a new one, and not
_ON_TWO_DAYS = 0.75  # of the rows of a series that comes twice a month must fall on its two days; holidays move some
_MANY_ROWS, _ROWS_OF_ONE_DAY = 48, 6  # rows a week or more apart that tell their days of the week: any, a single one
_CLOSED_DAYS = 5  # days without a row, all on weekdays that have none, that rule out Monday to Friday in a short series
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SECONDS_OF = {"second": 1, "minute": 60, "hour": 3600}


class _Spacing(NamedTuple):
    """A spacing longer than a day, with the usual range of calendar days between two of its rows.

    gap: more days than this between two rows are a gap
    """

    words: str
    one: str
    naive: str
    per_year: int
    fewest: int
    most: int
    gap: int


_SPACINGS = {
    ("week", 1): _Spacing("weekly", "week", "last week's price", 52, 5, 9, 16),
    ("half-month", 1): _Spacing("twice a month", "half-month", "the price half a month before", 24, 12, 20, 36),
    ("week", 2): _Spacing("every two weeks", "fortnight", "the price two weeks before", 26, 13, 15, 30),
    ("month", 1): _Spacing("monthly", "month", "last month's value", 12, 26, 35, 70),
    ("month", 3): _Spacing("quarterly", "quarter", "last quarter's value", 4, 84, 98, 200),
    ("month", 6): _Spacing("half-yearly", "half-year", "the value half a year before", 2, 175, 190, 400),
    ("year", 1): _Spacing("yearly", "year", "last year's value", 1, 355, 376, 800),
}


@dataclass(frozen=True, eq=False)
class Frequency:
    """The usual spacing of the rows of a history. `str()` of it is its words, e.g. 'trading days', 'trading days, Sunday to
    Thursday' or '30 minutes'.

    unit: 'second', 'minute', 'hour', 'day', 'week', 'half-month', 'month' or 'year'; None where there is no usual spacing
    step: how many units there are from one row to the next
    days: the days of the week that have rows, Monday being 0

    Two are equal if they are of the same kind, and each equals its kind and its words as a string. The days of the week do not
    count, except that every day is a kind of its own: a history always takes them from its own dates.
    """

    unit: str | None
    step: int = 1
    days: tuple[int, ...] = _ALL_DAYS

    def __post_init__(self):
        single = self.unit in (None, "day") and self.step == 1
        within_a_day = self.unit in _SECONDS_OF and self.step >= 1
        known = single or within_a_day or self._spacing
        if not known or not self.days or not set(self.days) <= set(_ALL_DAYS):
            raise DataError("There is no such frequency. Received: "
                            f"unit={self.unit!r}, step={self.step!r}, days={self.days!r}.")

    @classmethod
    def parse(cls, text: str) -> Frequency:
        """The frequency of these words. Raises DataError where there is none."""
        named = {one.kind: one for one in (TRADING_DAYS, EVERY_DAY, IRREGULAR, cls("hour"))}
        named |= {spacing.words: cls(*key) for key, spacing in _SPACINGS.items()}
        if text in named:
            return named[text]
        if text in _weeks_in_words():
            return _weeks_in_words()[text]
        parts = re.fullmatch(r"([1-9]\d*) (second|minute|hour)s?", text)
        if not parts:
            raise DataError(f"There is no frequency of this name. Received: {text!r}. Choose one of: {', '.join(named)}, or a "
                            "number of hours, minutes or seconds, such as '30 minutes'.")
        return cls(parts[2], int(parts[1]))

    def on(self, dates: pd.DatetimeIndex) -> Frequency:
        """This frequency with the days of the week on which recent `dates` fall. Its kind stays the same."""
        if self == EVERY_DAY or not len(dates):
            return self
        days = _days_of_spacing(dates) if self._spacing else open_weekdays(dates)
        if days == _ALL_DAYS and (self == TRADING_DAYS or (self.seconds and not _has_rows_every_day(dates))):
            days = MONDAY_TO_FRIDAY  # a few rows after midnight do not make Saturday a trading day
        return Frequency(self.unit, self.step, days)

    def __str__(self) -> str:
        if self == TRADING_DAYS and self.days != MONDAY_TO_FRIDAY:
            return f"{self.kind}, {_week_in_words(self.days)}"
        return self.kind

    @property
    def kind(self) -> str:
        """The words without the market's week, e.g. 'trading days'."""
        if self.unit is None:
            return "irregular"
        if self.unit == "day":
            return "every day" if self.days == _ALL_DAYS else "trading days"
        if self._spacing:
            return self._spacing.words
        if (self.unit, self.step) == ("hour", 1):
            return "hourly"
        return f"{self.step} {self.unit}{'s' if self.step > 1 else ''}"

    def __eq__(self, other) -> bool:
        if isinstance(other, Frequency):
            return self.kind == other.kind
        return other in (self.kind, str(self)) if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.kind)

    @property
    def _spacing(self) -> _Spacing | None:
        return _SPACINGS.get((self.unit or "", self.step))

    @property
    def one(self) -> str:
        """What one step is called, e.g. 'day' or 'month'; 'step' where it has no name."""
        if self._spacing:
            return self._spacing.one
        return self.unit if self.unit and self.step == 1 else "step"

    @property
    def naive(self) -> str:
        """What the naive forecast repeats, e.g. "yesterday's close"."""
        if self._spacing:
            return self._spacing.naive
        if self.unit is None:
            return "the last known price"
        if self.unit == "day":
            if self == EVERY_DAY:
                return "yesterday's price"
            return "yesterday's close" if len(self.days) > 3 else "the close of the trading day before"
        span = f"{self.step} {self.unit}s" if self.step > 1 else "an hour" if self.unit == "hour" else f"a {self.unit}"
        return f"the price {span} before"

    def count_of(self, number: int) -> str:
        """`number` rows in words: '60 trading days', '1 month', '48 steps of 30 minutes', '60 rows' if irregular."""
        if self.unit is None:
            return words.count_of(number, "row")
        if self == TRADING_DAYS:
            return words.count_of(number, "trading day")
        return words.count_of(number, self.one) + (f" of {self}" if self.one == "step" else "")

    @property
    def seconds(self) -> int | None:
        """From one row to the next within a day; None where rows are a day or more apart, or irregular."""
        return self.step * _SECONDS_OF[self.unit] if self.unit in _SECONDS_OF else None

    @property
    def weeks(self) -> int | None:
        """Weeks from one row to the next, where it is weeks."""
        return self.step if self.unit == "week" else None

    @property
    def months(self) -> int | None:
        """Months from one row to the next, where it is months or years."""
        return {"month": self.step, "year": 12 * self.step}.get(self.unit or "")

    @property
    def longer_than_a_day(self) -> bool:
        """Whether a row stands for more than a day, so that its day of the week says nothing."""
        return self._spacing is not None

    @property
    def longest_step(self) -> int | None:
        """Calendar days from one row to the next beyond which there is a gap; None where the closures of an exchange, or
        irregular dates, leave that open.
        """
        if self._spacing:
            return self._spacing.gap
        return 4 if self == EVERY_DAY else None

    def rows_per_day(self, dates: pd.DatetimeIndex | None = None) -> int:
        """How many rows a day has: on the days of `dates` as a rule, or on a day of 24 hours where none are given."""
        if self.seconds is None:
            return 1
        if dates is None or not len(dates):
            return max(1, round(_DAY / self.seconds))
        return int(np.median(np.unique(dates.normalize(), return_counts=True)[1]))

    def seasons(self, dates: pd.DatetimeIndex | None = None) -> tuple[int, ...]:
        """Lags, in rows, where a season is worth looking for: (12,) for months, (48, 336) for half-hours around the clock.

        dates: if given, a day has as many rows as the exchange is open for, e.g. seven hourly ones, and a week as many days as
            have rows
        """
        if self._spacing:
            return (self._spacing.per_year,) if self._spacing.per_year > 1 else ()
        if self.unit is None:
            return ()
        if self == EVERY_DAY:
            return 7, 365
        day = self.rows_per_day(dates)
        return tuple(lag for lag in (day, day * self._days_a_week(dates)) if lag > 1)

    def rows_per_year(self, dates: pd.DatetimeIndex | None = None) -> float | None:
        """Rows in a year, e.g. to turn a daily volatility into a yearly one; None for irregular dates.

        dates: as in `seasons`
        """
        if self._spacing:
            return self._spacing.per_year
        if self.unit is None:
            return None
        week = self._days_a_week(dates)
        return self.rows_per_day(dates) * (365.25 if week == 7 else 252 * week / 5)

    def _days_a_week(self, dates: pd.DatetimeIndex | None) -> int:
        """The number of trading days a week; within a day, without those that have less than half of the usual rows."""
        if dates is None or not len(dates):
            return len(self.days)
        days = self.on(dates).days
        if self.seconds is None:
            return len(days)
        recent = dates[dates >= dates.normalize().unique()[-RECENT_DAYS:][0]]
        rows = np.bincount(recent.day_of_week, minlength=7) / np.maximum(1, _count_of_weekdays(recent))
        return max(1, sum(bool(rows[day] >= max(rows) / 2) for day in days))


TRADING_DAYS = Frequency("day", days=MONDAY_TO_FRIDAY)
EVERY_DAY = Frequency("day")
IRREGULAR = Frequency(None)


def infer_frequency(dates: pd.DatetimeIndex) -> Frequency:
    """The frequency of `dates` (naive, ascending, unique).

    The usual spacing counts; gaps, holidays and nights make no difference. Irregular means that there is no usual spacing, or
    fewer than three dates.
    """
    return _spacing_of(dates).on(dates)


def _spacing_of(dates: pd.DatetimeIndex) -> Frequency:
    if len(dates) < 3:
        return IRREGULAR
    steps = np.diff(dates.as_unit("ns").asi8) / 1e9  # (t - 1,) seconds
    days = np.diff(dates.normalize().as_unit("s").asi8) // _DAY  # (t - 1,) calendar days
    within = steps[days == 0]
    # With two rows a day, every other step is within a day; an occasional second row on a day is not enough.
    if len(within) >= 0.4 * len(steps):
        return _within_a_day(within)
    days = days[days > 0]
    usual = np.median(days)
    if usual < 5 and (days == 1).mean() >= 0.4:
        return EVERY_DAY if _has_rows_every_day(dates) else TRADING_DAYS
    week = open_weekdays(dates)
    if 1 < len(week) < 7 and keeps_to(week, dates):
        return TRADING_DAYS
    for key, spacing in _SPACINGS.items():
        if spacing.fewest <= usual <= spacing.most and (key[0] != "half-month" or _twice_a_month(dates)):
            return Frequency(*key) if ((days >= spacing.fewest) & (days <= spacing.most)).mean() >= 0.6 else IRREGULAR
    return IRREGULAR


def _within_a_day(steps: np.ndarray) -> Frequency:
    values, counts = np.unique(steps.round(3), return_counts=True)
    usual = values[counts.argmax()]
    if counts.max() < 0.5 * len(steps) or usual < 1 or usual != int(usual):
        return IRREGULAR
    seconds = int(usual)
    for unit in ("hour", "minute", "second"):
        if seconds % _SECONDS_OF[unit] == 0:
            return Frequency(unit, seconds // _SECONDS_OF[unit])
    raise AssertionError("unreachable: every spacing is a multiple of one second")


def _twice_a_month(dates: pd.DatetimeIndex) -> bool:
    """Whether most recent rows fall on two days of the month and do not simply keep to a day of the week."""
    if len(dates) < 6 or np.bincount(dates.day_of_week).max() >= 0.7 * len(dates):
        return False
    return days_of_month(dates, _days_of_spacing(dates), 2)[1] >= _ON_TWO_DAYS


def _has_rows_every_day(dates: pd.DatetimeIndex) -> bool:
    """Whether every day of the week has at least half of its share of recent rows; of few dates, Saturday and Sunday only.

    Some exchanges trade from Sunday to Thursday and some feeds have a short Sunday session, so that a row on a Sunday is
    no proof; special sessions on a Saturday are too few.
    """
    days = dates.normalize().unique()[-_RECENT_YEAR:]
    dates = dates[dates >= days[0]]
    share = np.bincount(dates.day_of_week, minlength=7) / len(dates)
    return min(share if len(days) >= ENOUGH_DAYS else share[5:]) >= _HALF


def open_weekdays(dates: pd.DatetimeIndex) -> tuple[int, ...]:
    """The days of the week on which a market is open, learnt from its recent dates, of which it has several a week.

    A day is open if it has rows at least a third as often as the busiest one. Where rows have moved from one day to another,
    the days since then decide.
    """
    days = dates.normalize().unique()[-RECENT_DAYS:]
    if len(days) < ENOUGH_DAYS:
        return _open_weekdays_of_few(days)
    week, weekdays = _often(days), days.day_of_week.to_numpy()
    age = (days[-1] - days).days.to_numpy()  # (t,) days before the last
    last_on = {day: age[weekdays == day].min() for day in week}
    for day in sorted(last_on, key=last_on.__getitem__):
        since = age < last_on[day]
        passed = (last_on[day] - age[since] - 1) // 7  # the week of each row since then
        weeks = len(np.unique(passed[passed < last_on[day] // 7]))  # whole ones with rows
        if weeks < _MOVED_WEEKS or (~since).sum() < ENOUGH_DAYS:
            continue
        earlier, rows = _often(days[~since]), np.bincount(weekdays[since], minlength=7)
        new = {day for day in _ALL_DAYS if day not in earlier and rows[day] >= max(2, rows.max() / 2)}
        kept = (weekdays[~since] == day).sum() / _count_of_weekdays(days[~since])[day]
        if new or (weeks >= _DROPPED_WEEKS and kept >= 0.9):
            return tuple(sorted({day for day in earlier if rows[day]} | new))
    return week


def _often(days: pd.DatetimeIndex) -> tuple[int, ...]:
    """The days of the week that have more than one row and at least a third of those of the busiest."""
    counts = np.bincount(days.day_of_week, minlength=7)
    return tuple(np.flatnonzero(counts >= max(2, _OPEN * counts.max())).tolist())


def _open_weekdays_of_few(days: pd.DatetimeIndex) -> tuple[int, ...]:
    """The days of the week that have rows, and those that may well have some: all of Monday to Friday as a rule.

    In a week that is visibly another, days that occurred and had no row are closed, and of those to come Friday, as well as
    Thursday where Saturday is open.
    """
    number = days.as_unit("s").asi8 // _DAY
    # Of a gap, no day counts as one that went by without a row.
    went_by = np.concatenate([number[:1], *(np.arange(a + 1, b + 1) if b - a <= 7 else [b]
                                            for a, b in pairwise(number))])
    passed = np.bincount((went_by + 3) % 7, minlength=7)  # the first day of 1970 was a Thursday
    found = set(np.flatnonzero(np.bincount(days.day_of_week, minlength=7) >= np.maximum(1, passed / 2)).tolist())
    without = sum(passed[day] for day in MONDAY_TO_FRIDAY if day not in found)
    if len(days) > 2 and not found <= set(MONDAY_TO_FRIDAY):
        to_come = (0, 1, 2) if 5 in found else (0, 1, 2, 3)
        return tuple(day for day in _ALL_DAYS if day in found or (day in to_come and not passed[day]))
    if without >= _CLOSED_DAYS and len(found) > 1 and len(days) >= 0.9 * sum(passed[day] for day in found):
        return tuple(sorted(found))
    return MONDAY_TO_FRIDAY


def keeps_to(week: tuple[int, ...], dates: pd.DatetimeIndex) -> bool:
    """Whether recent rows come on most days of `week` as these go by, so that the next will too."""
    days = dates.normalize().unique()[-RECENT_DAYS:]
    passed = _count_of_weekdays(days)[list(week)].sum()
    return bool(days.day_of_week.isin(week).sum() >= _KEPT * passed)


def _count_of_weekdays(dates: pd.DatetimeIndex) -> np.ndarray:
    """(7,) how often each day of the week went by from the first to the last of `dates`, both included."""
    days = (dates[-1].normalize() - dates[0].normalize()).days + 1
    return days // 7 + ((np.arange(7) - dates[0].day_of_week) % 7 < days % 7)


def _days_of_spacing(dates: pd.DatetimeIndex) -> tuple[int, ...]:
    """The days of the week on which recent rows fall that are a week or more apart.

    All of Monday to Friday are among them where the rows are few, unless they keep to a single day.
    """
    days = dates.normalize().unique()[-RECENT_DAYS:]
    share = np.bincount(days.day_of_week, minlength=7) / len(days)
    found = set(np.flatnonzero(share >= 0.03).tolist())
    known = len(days) >= _MANY_ROWS or (len(found) == 1 and len(days) >= _ROWS_OF_ONE_DAY)
    return tuple(sorted(found if known else found | set(MONDAY_TO_FRIDAY)))


def _week_in_words(days: tuple[int, ...]) -> str:
    """'Sunday to Thursday', 'Tuesday and Thursday', 'Monday, Wednesday and Friday'."""
    first = [day for day in days if (day - 1) % 7 not in days]
    if len(first) == 1 and len(days) > 2:
        return f"{_NAMES[first[0]]} to {_NAMES[(first[0] + len(days) - 1) % 7]}"
    *names, last = (_NAMES[day] for day in days)
    return f"{', '.join(names)} and {last}" if names else last


@lru_cache(maxsize=1)
def _weeks_in_words() -> dict[str, Frequency]:
    """Every market's week but Monday to Friday, by its words."""
    weeks = (Frequency("day", days=tuple(days)) for size in range(1, 7) for days in combinations(_ALL_DAYS, size))
    return {str(frequency): frequency for frequency in weeks}


def as_day(value) -> pd.Timestamp | None:
    """A day that somebody has named, as text or any kind of date; None for anything else."""
    if isinstance(value, numbers.Number):  # pandas would count nanoseconds since 1970
        return None
    try:
        day = pd.Timestamp(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if day is pd.NaT else day
