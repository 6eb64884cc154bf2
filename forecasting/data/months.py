"""The days of the month that a series keeps to, learnt from its dates: the first, the 15th and the last, the third Friday."""

from __future__ import annotations

from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["MonthDay", "days_of_month", "moved_to"]

_RECENT = 48  # latest dates that the days are learnt from
# Where a date goes that falls on a day of the week without rows, and what a person would guess if no date had shown it yet.
_MOVES = {"on": tuple(range(7)), "back": tuple(range(0, -7, -1)), "nearest": (0, 1, -1, 2, -2, 3, -3), "stay": (0,)}
_LAST = 31  # stands for the last day of each month, as every day does that a month does not have
_USUAL_DAYS = (1, _LAST, 15, 16)


class MonthDay(NamedTuple):
    """One day of each month, moved to a day of the `week` where it falls on another: the first Friday on or after the 15th is
    the third Friday.
    """

    day: int
    move: str
    week: tuple[int, ...]

    def of(self, months: pd.PeriodIndex) -> pd.DatetimeIndex:
        """Its dates, one for each of `months`, at midnight."""
        return pd.DatetimeIndex(self.table(self.move, self.week, months)[self.day - 1].astype("datetime64[us]"))

    @staticmethod
    def table(move: str, week: tuple[int, ...], months: pd.PeriodIndex) -> np.ndarray:
        """(31, months) the dates of every such day, in days."""
        first = months.start_time.to_numpy().astype("datetime64[D]")
        return _moved(first + np.minimum(np.arange(_LAST)[:, None], months.days_in_month.to_numpy() - 1), week, move)


def days_of_month(dates: pd.DatetimeIndex, week: tuple[int, ...], number: int = 1) -> tuple[tuple[MonthDay, ...], float]:
    """The day of the month, or the two of them, whose dates are those of the most recent rows.

    week: the days of the week that may have rows; those without are left out where that explains more dates
    number: 1 or 2, half a month apart
    returns: the days, and the share of the recent `dates` that fall on them
    """
    days = dates[-_RECENT:].normalize().to_numpy().astype("datetime64[D]")
    months = pd.period_range(dates[-len(days):][0].to_period("M") - 1, dates[-1].to_period("M") + 1, freq="M")
    without = sorted(set(week) - set(dates[-_RECENT:].day_of_week))
    closed = [days for count in range(len(without) + 1) for days in combinations(without, count) if count < len(week)]
    best: tuple[MonthDay, ...] = ()
    most, share = -1.0, 0.0
    for days_off, move in product(closed, _MOVES):
        open_days = tuple(day for day in week if day not in days_off)
        candidates = [MonthDay(day, move, open_days) for day in range(1, _LAST + 1)]
        hits = (MonthDay.table(move, open_days, months)[:, :, None] == days).any(axis=1)  # (31, t)
        # Decides only between days that fit equally.
        unlikely = np.array([_unlikely(day) for day in candidates]) / 1000 + len(days_off) / 10
        fits = hits.sum(axis=1) - unlikely
        if number == 1:
            rows = [int(fits.argmax())]
            fit = fits[rows[0]]
        else:
            pairs = fits[:, None] + fits - hits.astype(float) @ hits.T
            apart = np.arange(_LAST) - np.arange(_LAST)[:, None]
            pairs[(apart < 10) | (apart > 20)] = -np.inf
            rows = [int(row) for row in np.unravel_index(pairs.argmax(), pairs.shape)]
            fit = pairs[rows[0], rows[1]]
        if fit > most:
            best, most, share = tuple(candidates[row] for row in rows), fit, hits[rows].any(axis=0).mean()
    return best, float(share)


def _unlikely(day: MonthDay) -> int:
    """How seldom a series keeps to this day: ranks only."""
    moves = ("back", "nearest", "on", "stay") if day.day == _LAST else ("on", "back", "nearest", "stay")
    if not set(day.week) <= set(range(5)):
        moves = ("stay", *moves[:-1])  # rows on a weekend are seldom moved
    return 10 * moves.index(day.move) + (_USUAL_DAYS.index(day.day) if day.day in _USUAL_DAYS else len(_USUAL_DAYS))


def moved_to(dates: pd.DatetimeIndex, week: tuple[int, ...], move: str) -> pd.DatetimeIndex:
    """`dates`, with those not on a day of `week` moved 'on' to the next such day, 'back' to the last, or to the 'nearest'."""
    days = dates.to_numpy().astype("datetime64[D]")
    return dates + pd.TimedeltaIndex((_moved(days, week, move) - days).astype("timedelta64[s]"))


def _moved(days: np.ndarray, week: tuple[int, ...], move: str) -> np.ndarray:
    """`days`, in days, moved to `week`."""
    if move == "stay":
        return days
    steps = np.array([next(step for step in _MOVES[move] if (day + step) % 7 in week) for day in range(7)])
    return days + steps[(days.astype(int) + 3) % 7]  # the first day of 1970 was a Thursday
