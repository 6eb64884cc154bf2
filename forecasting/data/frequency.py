"""The spacing of dates in words, and what follows from it: seasons, units, steps in a year.

The words are 'trading days', 'every day', 'weekly', 'every two weeks', 'monthly', 'quarterly', 'half-yearly', 'yearly',
'hourly', 'N hours', 'N minutes', 'N seconds' ('1 minute' where N is 1) and 'irregular'.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from forecasting import words

__all__ = ["count_of", "infer_frequency", "rows_per_day", "season_candidates", "step_seconds", "steps_per_year"]

_DAY = 86_400

# Dates at least a day apart: (word, fewest days between two rows, most days, rows in a year, one of them, several)
_SPACINGS = (
    ("weekly", 5, 9, 52, "week", "weeks"),
    ("every two weeks", 13, 15, 26, "fortnight", "fortnights"),
    ("monthly", 26, 35, 12, "month", "months"),
    ("quarterly", 84, 98, 4, "quarter", "quarters"),
    ("half-yearly", 175, 190, 2, "half-year", "half-years"),
    ("yearly", 355, 376, 1, "year", "years"),
)
_PER_YEAR = {"trading days": 252, "every day": 365.25} | {word: per_year for word, _, _, per_year, _, _ in _SPACINGS}
_UNITS = {"trading days": ("trading day", "trading days"), "every day": ("day", "days"), "hourly": ("hour", "hours"),
          "1 minute": ("minute", "minutes"), "1 second": ("second", "seconds"),
          } | {word: (one, several) for word, _, _, _, one, several in _SPACINGS}
_SEASONS = {"trading days": (5,), "every day": (7, 365), "weekly": (52,), "every two weeks": (26,), "monthly": (12,),
            "quarterly": (4,), "half-yearly": (2,)}
_SECONDS_OF = {"second": 1, "minute": 60, "hour": 3600}


def infer_frequency(dates: pd.DatetimeIndex) -> str:
    """The spacing of `dates` (naive, ascending, unique) in words.

    It is the usual spacing that counts: gaps, holidays and nights change nothing. 'irregular' means that there is no
    usual spacing, or fewer than three dates.
    """
    if len(dates) < 3:
        return "irregular"
    steps = np.diff(dates.as_unit("ns").asi8) / 1e9  # (t - 1,) seconds
    days = np.diff(dates.normalize().as_unit("s").asi8) // _DAY  # (t - 1,) calendar days
    within = steps[days == 0]
    # Two rows a day make every other step one within a day; a Sunday session or two stamps on one day do not.
    if len(within) >= 0.4 * len(steps):
        return _intraday(within)
    days = days[days > 0]
    usual = np.median(days)
    if usual < 5 and (days == 1).mean() >= 0.4:
        return _daily(dates)
    for word, fewest, most, *_ in _SPACINGS:
        if fewest <= usual <= most:
            return word if ((days >= fewest) & (days <= most)).mean() >= 0.6 else "irregular"
    return "irregular"


def _intraday(steps: np.ndarray) -> str:
    values, counts = np.unique(steps.round(3), return_counts=True)
    usual = values[counts.argmax()]
    if counts.max() < 0.5 * len(steps) or usual < 1 or usual != int(usual):
        return "irregular"
    seconds = int(usual)
    if seconds == 3600:
        return "hourly"
    for unit in ("hour", "minute", "second"):
        if seconds % _SECONDS_OF[unit] == 0:
            number = seconds // _SECONDS_OF[unit]
            return f"{number} {unit}{'s' if number > 1 else ''}"
    raise AssertionError("every whole number of seconds is a number of seconds")


def _daily(dates: pd.DatetimeIndex) -> str:
    """'every day' where both Saturdays and Sundays have at least half of their share; else 'trading days'.

    Some exchanges trade from Sunday to Thursday and some feeds have a short Sunday session, so that one of the two is
    no proof; special sessions on a Saturday are too few.
    """
    share = np.bincount(dates.day_of_week, minlength=7) / len(dates)
    return "every day" if min(share[5], share[6]) >= 0.5 / 7 else "trading days"


def step_seconds(frequency: str) -> int | None:
    """Seconds from one row to the next within a day, or None where rows are a day or more apart, or irregular."""
    if frequency == "hourly":
        return 3600
    parts = re.fullmatch(r"([1-9]\d*) (second|minute|hour)s?", frequency)
    return int(parts[1]) * _SECONDS_OF[parts[2]] if parts else None


def rows_per_day(frequency: str, dates: pd.DatetimeIndex | None = None) -> int:
    """How many rows a day has: on the days of `dates` as a rule, or on a day of 24 hours where none are given."""
    seconds = step_seconds(frequency)
    if seconds is None:
        return 1
    if dates is None or not len(dates):
        return max(1, round(_DAY / seconds))
    return int(np.median(np.unique(dates.normalize(), return_counts=True)[1]))


def season_candidates(frequency: str, dates: pd.DatetimeIndex | None = None) -> tuple[int, ...]:
    """Lags, in rows, where a season is worth looking for: (12,) for months, (48, 336) for half-hours around the clock.

    dates: with them, a day within which an exchange is open for seven hours counts as seven hourly rows, and a week as
        the five days that have rows
    """
    if step_seconds(frequency) is None:
        return _SEASONS.get(frequency, ())
    day = rows_per_day(frequency, dates)
    days_a_week = 7
    if dates is not None and len(dates):
        days_a_week = 7 if _daily(dates) == "every day" else 5
    return tuple(lag for lag in (day, day * days_a_week) if lag > 1)


def steps_per_year(frequency: str, dates: pd.DatetimeIndex | None = None) -> float | None:
    """Rows in a year, e.g. to turn a daily volatility into a yearly one; None for irregular dates.

    dates: as in `season_candidates`
    """
    if step_seconds(frequency) is None:
        return _PER_YEAR.get(frequency)
    always_open = dates is None or not len(dates) or _daily(dates) == "every day"
    return rows_per_day(frequency, dates) * (365.25 if always_open else 252)


def count_of(frequency: str, number: int) -> str:
    """`number` rows in words: '60 trading days', '1 month', '48 steps of 30 minutes', '60 rows' if irregular."""
    if frequency in _UNITS:
        return words.count_of(number, *_UNITS[frequency])
    if step_seconds(frequency) is None:
        return words.count_of(number, "row")
    return f"{words.count_of(number, 'step')} of {frequency}"
