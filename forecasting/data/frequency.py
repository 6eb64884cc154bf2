"""How the rows of a history are spaced, and what follows from it: words, seasons, rows in a year, the market's week."""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.errors import DataError

__all__ = ["ENOUGH_DAYS", "EVERY_DAY", "IRREGULAR", "MONDAY_TO_FRIDAY", "TRADING_DAYS", "Frequency", "as_day",
           "infer_frequency"]

_DAY = 86_400
_ALL_DAYS = (0, 1, 2, 3, 4, 5, 6)
MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)
ENOUGH_DAYS = 15  # days with rows needed to know the market's week
_RECENT = 60  # latest days with rows that the market's week is learnt from, since exchanges have changed theirs
_HALF = 0.5 / 7  # half of the share of rows that each day of the week has if all have rows
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
    """The usual spacing of the rows of a history. `str()` of it is its words, e.g. 'trading days' or '30 minutes'.

    unit: 'second', 'minute', 'hour', 'day', 'week', 'half-month', 'month' or 'year'; None where there is no usual spacing
    step: how many units there are from one row to the next
    days: the days of the week that have rows, Monday being 0

    Two are equal if their words are, and each equals its words as a string. The days of the week do not count: a history
    always takes them from its own dates.
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
        named = {str(one): one for one in (TRADING_DAYS, EVERY_DAY, IRREGULAR, cls("hour"))}
        named |= {spacing.words: cls(*key) for key, spacing in _SPACINGS.items()}
        if text in named:
            return named[text]
        parts = re.fullmatch(r"([1-9]\d*) (second|minute|hour)s?", text)
        if not parts:
            raise DataError(f"There is no frequency of this name. Received: {text!r}. Choose one of: {', '.join(named)}, or a "
                            "number of hours, minutes or seconds, such as '30 minutes'.")
        return cls(parts[2], int(parts[1]))

    def on(self, dates: pd.DatetimeIndex) -> Frequency:
        """This frequency with the days of the week on which recent `dates` fall. Its words stay the same."""
        if self == EVERY_DAY or not len(dates):
            return self
        days = _days_of_week(dates, several_a_week=self._spacing is None)
        if days == _ALL_DAYS and (self == TRADING_DAYS or (self.seconds and not _has_rows_every_day(dates))):
            days = MONDAY_TO_FRIDAY  # a few rows after midnight do not make Saturday a trading day
        return Frequency(self.unit, self.step, days)

    def __str__(self) -> str:
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
        return str(self) == str(other) if isinstance(other, (Frequency, str)) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

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
            return "yesterday's price" if self == EVERY_DAY else "yesterday's close"
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
        """The number of trading days a week, not counting a short session on a sixth day."""
        days = self.on(dates).days if dates is not None else self.days
        return 7 if len(days) == 7 else min(5, len(days))


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
    """Whether most months have two rows, hardly any has more, and they do not simply keep to a day of the week."""
    counts = np.bincount((dates.year - dates[0].year) * 12 + dates.month - dates[0].month)[1:-1]  # whole months
    if len(counts) < 4 or (counts > 2).mean() > 0.1 or (counts == 2).mean() < 0.7:
        return False
    return np.bincount(dates.day_of_week).max() < 0.7 * len(dates)


def _has_rows_every_day(dates: pd.DatetimeIndex) -> bool:
    """Whether every day of the week has at least half of its share of rows; of few dates, Saturday and Sunday only.

    Some exchanges trade from Sunday to Thursday and some feeds have a short Sunday session, so that a row on a Sunday is
    no proof; special sessions on a Saturday are too few.
    """
    share = np.bincount(dates.day_of_week, minlength=7) / len(dates)
    return min(share if dates.normalize().nunique() >= ENOUGH_DAYS else share[5:]) >= _HALF


def _days_of_week(dates: pd.DatetimeIndex, several_a_week: bool) -> tuple[int, ...]:
    """The days of the week on which recent rows fall. With too few rows to know, all of Monday to Friday are included."""
    days = dates.normalize().unique()[-_RECENT:]
    share = np.bincount(days.day_of_week, minlength=7) / len(days)
    found = {day for day in _ALL_DAYS if share[day] >= (_HALF if several_a_week else 0.03)}
    if len(days) < (ENOUGH_DAYS if several_a_week else 24):
        if several_a_week and not found <= set(MONDAY_TO_FRIDAY):
            # Not a week of Monday to Friday: only days that occurred and had no row count as closed.
            found |= set(_ALL_DAYS) - set(pd.date_range(days[0], days[-1]).day_of_week)
        else:
            found |= set(MONDAY_TO_FRIDAY)
    return tuple(sorted(found))


def as_day(value) -> pd.Timestamp | None:
    """A day that somebody has named, as text or any kind of date; None for anything else."""
    if isinstance(value, numbers.Number):  # pandas would count nanoseconds since 1970
        return None
    try:
        day = pd.Timestamp(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if day is pd.NaT else day
