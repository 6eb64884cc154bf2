"""The dates that follow a history: the exchange's own trading days, holidays included, where the exchange is known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module

import numpy as np
import pandas as pd

from forecasting.data.frequency import (
    ENOUGH_DAYS,
    EVERY_DAY,
    MONDAY_TO_FRIDAY,
    RECENT_DAYS,
    TRADING_DAYS,
    infer_frequency,
    keeps_to,
    open_weekdays,
)
from forecasting.data.history import PriceHistory
from forecasting.data.months import MonthDay, days_of_month, moved_to
from forecasting.deprecations import ignore_deprecations_in
from forecasting.errors import ConfigError

__all__ = ["CALENDARS", "check_calendar", "future_dates", "guess_calendar", "missing_sessions"]

# Codes of `exchange_calendars` and the names that people know them by. Of those that keep the same holidays the larger comes
# first, since the first that fits is taken. The library has none for Cairo, Dhaka, Doha, Dubai, Kuwait and others: their
# weeks are learnt from the dates, their holidays are not known.
CALENDARS = {
    "XNYS": "New York (NYSE, Nasdaq)",
    "CMES": "US futures (CME)",
    "XTSE": "Toronto",
    "XBDA": "Bermuda",
    "BVMF": "São Paulo (B3)",
    "XMEX": "Mexico City",
    "XBUE": "Buenos Aires",
    "XSGO": "Santiago",
    "XBOG": "Bogotá",
    "XLIM": "Lima",
    "XLON": "London",
    "XETR": "Frankfurt (Xetra)",
    "XFRA": "Frankfurt (floor)",
    "XEUR": "Eurex (futures)",
    "XPAR": "Paris",
    "XAMS": "Amsterdam",
    "XBRU": "Brussels",
    "XLUX": "Luxembourg",
    "XMIL": "Milan",
    "XMAD": "Madrid",
    "XLIS": "Lisbon",
    "XDUB": "Dublin",
    "XSWX": "Zurich (SIX)",
    "XWBO": "Vienna",
    "XSTO": "Stockholm",
    "XCSE": "Copenhagen",
    "XOSL": "Oslo",
    "XHEL": "Helsinki",
    "XICE": "Reykjavik",
    "XTAL": "Tallinn",
    "XRIS": "Riga",
    "XLIT": "Vilnius",
    "XWAR": "Warsaw",
    "XPRA": "Prague",
    "XBRA": "Bratislava",
    "XBUD": "Budapest",
    "XLJU": "Ljubljana",
    "XZAG": "Zagreb",
    "XBEL": "Belgrade",
    "XBSE": "Bucharest",
    "ASEX": "Athens",
    "XCYS": "Nicosia",
    "XIST": "Istanbul",
    "XMOS": "Moscow",
    "AIXK": "Astana (AIX)",
    "XTAE": "Tel Aviv",
    "XSAU": "Riyadh",
    "XJSE": "Johannesburg",
    "XTKS": "Tokyo",
    "XHKG": "Hong Kong",
    "XSHG": "Shanghai, Shenzhen",
    "XTAI": "Taipei",
    "XKRX": "Seoul",
    "XSES": "Singapore",
    "XKLS": "Kuala Lumpur",
    "XIDX": "Jakarta",
    "XBKK": "Bangkok",
    "XPHS": "Manila",
    "XBOM": "Mumbai",
    "XKAR": "Karachi",
    "XASX": "Sydney",
    "XNZE": "Wellington",
    "24/5": "Every weekday (currencies)",
    "24/7": "Every day (cryptocurrencies)",
}

_RECENT_DAYS = 40  # patterns within the day or week are learnt from about two months of trading days
_RECENT_WEEKS = 26  # rows a week apart that tell the usual weekday
_SAME = 2  # days in the next year by which two calendars may differ and be equally good


def future_dates(history: PriceHistory, steps: int) -> pd.DatetimeIndex:
    """The `steps` dates that follow the last one of `history`, spaced as its frequency says.

    Trading days and times of day are those of the exchange that `history.calendar` names; if it names none, or the
    exchange has not published its holidays that far ahead, they are the days of the week on which the history has rows.
    Raises ConfigError for a calendar that does not exist.
    """
    dates, frequency, calendar, week = history.dates, history.frequency, history.calendar, history.frequency.days
    if steps < 1 or not len(dates):
        return pd.DatetimeIndex([], name="Date")
    if frequency == EVERY_DAY:
        following = dates[-1] + pd.to_timedelta(np.arange(1, steps + 1), unit="D")
    elif frequency == TRADING_DAYS:
        following = _trading_days(dates, calendar, week, steps) + _time_of_day(dates[-1])
    elif frequency.weeks:
        following = _weeks(dates, calendar, week, 7 * frequency.weeks, steps)
    elif frequency.months:
        following = _months(dates, calendar, week, frequency.months, steps)
    elif frequency.unit == "half-month":
        following = _months(dates, calendar, week, 1, steps, a_month=2)
    elif frequency.seconds:
        following = _within_days(dates, calendar, week, frequency.seconds, steps)
    else:
        following = _irregular(dates, week, steps)
    return pd.DatetimeIndex(following, name="Date").as_unit(dates.unit)


def check_calendar(code) -> None:
    """Raises ConfigError for what is no trading calendar's code."""
    if not isinstance(code, str):
        raise ConfigError(f"A trading calendar has a code such as 'XNYS'. Received: calendar={code!r:.60}. "
                          f"Choose one of: {', '.join(CALENDARS)}.")
    _exchange(code)


def guess_calendar(history: PriceHistory) -> str | None:
    """The calendar whose trading days are those of `history`, or None if no exchange's fits.

    A known calendar is returned as it is. Otherwise the last 750 days with rows are compared with each calendar's: at
    most one day in 200 may differ. None as well if several fit equally and do not agree on the next year, as where the days
    are few and have no holiday among them.
    """
    if history.calendar:
        return history.calendar
    if history.frequency != TRADING_DAYS and not history.frequency.seconds:
        return "24/7" if history.frequency == EVERY_DAY else None
    days = history.dates.normalize().unique()[-750:]
    if infer_frequency(days) == EVERY_DAY:
        return "24/7"
    if len(days) < 60:
        return None
    most, different = int(0.005 * len(days)), {}
    for code in CALENDARS:
        if code != "24/7" and not _closed_on(code, days, most):
            sessions = _sessions(code, days[0].year, days[-1].year)
            sessions = sessions[(sessions >= days[0]) & (sessions <= days[-1])]
            different[code] = len(days.symmetric_difference(sessions))
    fewest = min(different.values(), default=most + 1)
    if fewest > most:
        return None
    best, *others = (code for code, number in different.items() if number == fewest)
    return best if all(_days_apart(best, other, days[-1]) <= _SAME for other in others) else None


def _closed_on(code: str, days: pd.DatetimeIndex, most: int) -> bool:
    """Whether this exchange is closed on more than `most` of `days`, or its days are not known as far back.

    Far faster than finding all of its trading days.
    """
    exchange = _exchange(code)
    earliest, latest = _reach(exchange)
    if days[0] < earliest or days[-1] > latest:
        return True
    closed = ~_on_its_weekdays(exchange, days)
    for holidays in _holidays(code, days[0].year, days[-1].year):
        closed |= days.isin(holidays)
        if closed.sum() > most:
            return True
    return bool(closed.sum() > most)


def _days_apart(code: str, other: str, last: pd.Timestamp) -> int:
    """How many days of the year after `last` are trading days of one of two exchanges only."""
    ahead = last + pd.Timedelta(days=365)
    days = _sessions(code, last.year, ahead.year).symmetric_difference(_sessions(other, last.year, ahead.year))
    return int(((days > last) & (days <= ahead)).sum())


def missing_sessions(calendar: str, before: pd.Timestamp, after: pd.Timestamp) -> int:
    """How many trading days lie between the days of `before` and `after`, neither included."""
    days = _sessions(calendar, before.year, after.year)
    return int(((days > before.normalize()) & (days < after.normalize())).sum())


def _trading_days(dates: pd.DatetimeIndex, calendar: str | None, week: tuple[int, ...], steps: int) -> pd.DatetimeIndex:
    """The `steps` trading days after the last of `dates`, at midnight."""
    recent = dates.normalize().unique()[-RECENT_DAYS:]
    if calendar is None:
        return _days_on(week, recent[-1] + pd.Timedelta(days=1), periods=steps)
    # Every exchange is open on at least 230 days a year, and 40 times a year on each of its weekdays. Two more years allow
    # for the partial first year and a long closure.
    days = _sessions(calendar, recent[0].year, recent[-1].year + 2 + steps // min(230, 40 * len(week)), week)
    # A series such as an auction's may leave out days on which the exchange is open. A special session is no such day.
    past = days[(days >= recent[0]) & (days <= recent[-1])]
    often = np.bincount(past.day_of_week, minlength=7) >= 3
    days = days[~days.day_of_week.isin([day for day in range(7) if often[day] and day not in week])]
    return days[days > recent[-1]][:steps]


def _days_on(week: tuple[int, ...], start: pd.Timestamp, end: pd.Timestamp | None = None,
                  periods: int | None = None) -> pd.DatetimeIndex:
    """The days from `start` on that are one of `week`, at midnight."""
    mask = "".join("1" if day in week else "0" for day in range(7))
    return pd.bdate_range(start, end, periods=periods, freq="C", weekmask=mask)


def _weeks(dates: pd.DatetimeIndex, calendar: str | None, week: tuple[int, ...], apart: int, steps: int) -> pd.DatetimeIndex:
    """Every `apart` days on the history's usual weekday, or on the trading day next to it in weeks with a holiday."""
    usual = np.bincount(dates[-_RECENT_WEEKS:].day_of_week, minlength=7).argmax()
    off = (usual - dates[-1].day_of_week + 3) % 7 - 3  # a last row moved by a holiday counts from its usual weekday
    following = dates[-1] + pd.to_timedelta(off + apart * np.arange(1, steps + 1), unit="D")
    return _on_trading_days(following, dates, calendar, week)


def _months(dates: pd.DatetimeIndex, calendar: str | None, week: tuple[int, ...], apart: int, steps: int,
            a_month: int = 1) -> pd.DatetimeIndex:
    """Every `apart` months on the history's usual day of the month, or its two: the first, the 15th, the last trading day."""
    days, share = days_of_month(dates, week, a_month)
    if share < 0.5:  # no usual day: the middle of those it falls on
        if a_month > 1:
            return _irregular(dates, week, steps)
        days = (MonthDay(int(np.median(dates.day)), "nearest", week),)
    last = dates[-1].normalize()
    near = pd.period_range(last.to_period("M") - 1, periods=3, freq="M")
    following = dates[:0]
    for day in days:
        # A day may have been moved into the month before or after, so the last row's own month says little.
        start = near[0] if a_month > 1 else near[np.abs(day.of(near) - last).argmin()]
        months = pd.period_range(start, periods=apart * (steps + 3), freq="M")[::apart]
        following = following.union(_on_trading_days(day.of(months), dates, calendar, week, day.move))
    return following[following > last + pd.Timedelta(days=7 if a_month > 1 else 14 * apart)][:steps] + _time_of_day(dates[-1])


def _on_trading_days(following: pd.DatetimeIndex, dates: pd.DatetimeIndex, calendar: str | None,
                     week: tuple[int, ...], move: str = "nearest") -> pd.DatetimeIndex:
    """`following` moved to a trading day, the nearest or that to `move` to, if the history's own recent dates all are."""
    if calendar is None:
        return following
    recent = dates[-52:].normalize()
    if not recent.isin(_sessions(calendar, recent[0].year, recent[-1].year, week)).all():
        return following
    days = _sessions(calendar, following[0].year - 1, following[-1].year + 1, week)
    method = {"on": "bfill", "back": "ffill"}.get(move, "nearest")
    return days[days.get_indexer(following.normalize(), method=method)] + (following - following.normalize())


def _within_days(dates: pd.DatetimeIndex, calendar: str | None, week: tuple[int, ...], seconds: int,
                 steps: int) -> pd.DatetimeIndex:
    """The times of day at which recent days of the history have rows, on the trading days that follow.

    If trading runs around the clock, each weekday has its own times, so that a week of currencies starts late on Sunday and
    ends on Friday. On days when the exchange closes early there are no rows after its close.
    """
    days = dates.normalize()
    recent = dates[days >= days.unique()[-_RECENT_DAYS:][0]]
    usual = open_weekdays(dates)  # a few rows on a Saturday make no pattern
    weeks = calendar in (None, "24/5") and (recent[-1] - recent[0]).days >= 14
    patterns = {day: _usual_times(recent[recent.day_of_week == day] if weeks else recent)
                if day in usual or not weeks else _usual_times(recent[:0]) for day in range(7)}
    if not any(len(times) for times in patterns.values()):
        return dates[-1] + pd.to_timedelta(seconds * np.arange(1, steps + 1), unit="s")

    rows = [len(times) for times in patterns.values() if len(times)]
    more_days = _days_for_times(calendar, week, recent, weeks, (steps // min(rows) + 8) * 7 // len(rows))
    closes = {} if weeks or calendar in (None, "24/7") else _early_closes(calendar, more_days, recent)
    following = [dates[:0]]
    found = 0
    for day in more_days:
        stamps = day + patterns[day.day_of_week]
        stamps = stamps[(stamps > dates[-1]) & (stamps < closes.get(day, pd.Timestamp.max))]
        following.append(stamps)
        found += len(stamps)
        if found >= steps:
            break
    return following[0].append(following[1:])[:steps]


def _days_for_times(calendar: str | None, week: tuple[int, ...], recent: pd.DatetimeIndex, weeks: bool,
                    number: int) -> pd.DatetimeIndex:
    """`number` days on which there may be rows, from the day of the last row on."""
    today = recent[-1].normalize()
    if weeks or calendar == "24/7":
        return pd.date_range(today, periods=2 * number)
    return pd.DatetimeIndex([today]).append(_trading_days(recent, calendar, week, number))


def _usual_times(recent: pd.DatetimeIndex) -> pd.TimedeltaIndex:
    """The times of day that at least half of the days have, ascending."""
    if not len(recent):
        return pd.TimedeltaIndex([])
    days = recent.normalize()
    times, counts = np.unique(recent - days, return_counts=True)
    return pd.TimedeltaIndex(times[counts >= 0.5 * days.nunique()])


def _early_closes(calendar: str, days: pd.DatetimeIndex, recent: pd.DatetimeIndex) -> dict:
    """When the exchange closes on each of `days`, or nothing where the history's clock is not the exchange's own."""
    known = _schedule(calendar, recent[0].year, days[-1].year)
    if known is None:
        return {}
    hours = known.schedule[["open", "close"]].apply(lambda column: column.dt.tz_convert(known.tz).dt.tz_localize(None))
    day = recent.normalize()
    mine = hours.reindex(day)
    inside = (recent >= mine["open"].to_numpy()) & (recent <= mine["close"].to_numpy())
    return hours["close"].reindex(days).dropna().to_dict() if inside.mean() > 0.95 else {}


def _irregular(dates: pd.DatetimeIndex, week: tuple[int, ...], steps: int) -> pd.DatetimeIndex:
    """The usual days of the week, such as Tuesday and Thursday, if there are any; otherwise the median spacing.

    A spacing of a day or more is rounded to whole days; with a single date it is one day.
    """
    spacing = pd.Series(dates).diff().median() if len(dates) > 1 else pd.Timedelta(days=1)
    days = dates[-_RECENT_DAYS:].normalize().unique()
    if spacing < pd.Timedelta(days=1) or len(days) < ENOUGH_DAYS or len(week) == 7:
        whole = spacing.round("D") if spacing >= pd.Timedelta(days=1) else spacing
        return dates[-1] + whole * np.arange(1, steps + 1)
    if keeps_to(week, dates):
        return _trading_days(dates, None, week, steps) + _time_of_day(dates[-1])
    # Up to seven dates may move on to the same day, so start with seven times as many.
    ahead = dates[-1] + pd.TimedeltaIndex(spacing.round("D") * np.arange(1, 7 * steps + 1))
    return moved_to(ahead, week, "on").unique()[:steps]


def _time_of_day(date: pd.Timestamp) -> pd.Timedelta:
    return date - date.normalize()


@lru_cache(maxsize=256)
def _sessions(code: str, first_year: int, last_year: int, week: tuple[int, ...] = MONDAY_TO_FRIDAY) -> pd.DatetimeIndex:
    """Every trading day of these years, at midnight; the days of `week` outside the calendar's reach."""
    start, end = pd.Timestamp(first_year, 1, 1), pd.Timestamp(last_year, 12, 31)
    exchange, one_day = _exchange(code), pd.Timedelta(days=1)
    earliest, latest = _reach(exchange)
    known = pd.date_range(max(start, earliest), min(end, latest))
    before = _days_on(week, start, min(end, earliest - one_day)) if start < earliest else known[:0]
    after = _days_on(week, max(start, latest + one_day), end) if end > latest else known[:0]
    is_open = _on_its_weekdays(exchange, known)
    for holidays in _holidays(code, first_year, last_year):
        is_open &= ~known.isin(holidays)
    return before.append([known[is_open], after])


def _on_its_weekdays(exchange, days: pd.DatetimeIndex) -> np.ndarray:
    """Which of `days` fall on weekdays on which this exchange is open, as they were at the time."""
    is_open = _mask(exchange.weekmask)[days.day_of_week]
    for first, last, weekmask in getattr(exchange, "special_weekmasks", ()):
        then = (days >= (first or days.min())) & (days <= (last or days.max()))
        is_open[then] = _mask(weekmask)[days.day_of_week[then]]
    return is_open


def _mask(weekmask: str) -> np.ndarray:
    return np.array([day == "1" for day in weekmask])


def _holidays(code: str, first_year: int, last_year: int) -> Iterator[pd.DatetimeIndex]:
    """Those of these years, rule by rule."""
    ignore_deprecations_in("exchange_calendars")
    exchange = _exchange(code)
    yield pd.DatetimeIndex([pd.Timestamp(day).tz_localize(None) for day in exchange.adhoc_holidays])
    for rule in range(len(exchange.regular_holidays.rules) if exchange.regular_holidays is not None else 0):
        yield _holidays_of(code, rule, first_year, last_year)


@lru_cache(maxsize=4096)
def _holidays_of(code: str, rule: int, first_year: int, last_year: int) -> pd.DatetimeIndex:
    exchange = _exchange(code)
    earliest, latest = _reach(exchange)
    first, last = max(pd.Timestamp(first_year, 1, 1), earliest), min(pd.Timestamp(last_year, 12, 31), latest)
    return exchange.regular_holidays.rules[rule].dates(first, last) if first <= last else pd.DatetimeIndex([])


@lru_cache
def _exchange(code: str):
    """The `ExchangeCalendar` of this code, with its week and holidays only: its opening hours take a hundred times longer.

    Raises ConfigError for a calendar that does not exist.
    """
    # Takes half a second to import, and is only needed for future dates.
    import exchange_calendars
    from exchange_calendars.pandas_extensions.offsets import OrthodoxEaster

    ignore_deprecations_in("exchange_calendars")
    # pandas 3.1 has renamed the method that the library overrides.
    OrthodoxEaster._add_datetime = OrthodoxEaster._apply
    if code not in exchange_calendars.get_calendar_names():
        meant = [f"{known!r} for {name}" for known, name in CALENDARS.items() if code and code.casefold() in name.casefold()]
        raise ConfigError(f"There is no trading calendar of that name. Received: calendar={code!r:.60}. "
                          + (f"Did you mean {' or '.join(meant[:3])}?" if meant else f"Choose one of: {', '.join(CALENDARS)}."))
    name = exchange_calendars.resolve_alias(code)
    home = _HOMES.get(name) or (f"exchange_calendar_{name.lower()}", f"{name}ExchangeCalendar")
    calendar = getattr(import_module(f"exchange_calendars.{home[0]}"), home[1])
    return type(calendar.__name__, (calendar,), {"__init__": lambda self: None})()


_HOMES = {"24/5": ("weekday_calendar", "WeekdayCalendar"), "24/7": ("always_open", "AlwaysOpenCalendar"),
          "us_futures": ("us_futures_calendar", "QuantopianUSFuturesCalendar")}


def _schedule(code: str, first_year: int, last_year: int):
    """The `ExchangeCalendar` of these years with its opening hours; None where there is none, or the library cannot make it."""
    import exchange_calendars

    earliest, latest = _reach(_exchange(code))
    start, end = max(pd.Timestamp(first_year, 1, 1), earliest), min(pd.Timestamp(last_year, 12, 31), latest)
    if start >= end:
        return None
    ignore_deprecations_in("exchange_calendars")
    try:
        return exchange_calendars.get_calendar(code, start=start, end=end)
    except ValueError:  # Tel Aviv's Sundays, under pandas 3.1
        return None


def _reach(calendar) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first and last day for which this exchange's trading days are known; some exchanges' rules have no end."""
    return (calendar.bound_min() or pd.Timestamp(1900, 1, 1)), (calendar.bound_max() or pd.Timestamp(2200, 12, 31))
