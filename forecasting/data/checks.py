"""What looks wrong in a history: splits that were not adjusted for, outliers, closes outside their day's range, gaps, ...

A false warning costs trust, so every rule stays silent on real prices, including crashes and squeezes: Apple's loss of half
its value in a night of 2000, oil below zero in 2020, gas at four times its price for a day in 2024.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.data.calendars import missing_sessions
from forecasting.data.frequency import IRREGULAR
from forecasting.data.history import PriceHistory
from forecasting.errors import DataError

__all__ = ["Problem", "apply_fix", "find_problems"]

# New shares for an old one, or old ones for a new one. Ratios below 2 cannot be told from a bad night.
_SPLITS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)
# How far (in logarithms) the price may move besides the split itself; further if the volume rules out a crash.
_TOLERANCE, _TOLERANCE_WITH_VOLUME = 0.03, 0.08
_CRASH_VOLUME = 2.5  # in a crash, the volume is more than this many times that of the following weeks

# An outlier differs from its neighbours by this many usual changes and this share of the price. In addition it must be five
# times the price or a fifth of it, or outside its own day's range, or further away than any market moves.
_OUTLIER_MOVES, _OUTLIER_SHARE = 15, 0.25
_OUTLIER_FACTOR, _IMPOSSIBLE_MOVES = 5, 150
_NEIGHBOURS = 30  # rows on either side
_ROUNDED = 1e-3  # of the day's high or low: a close outside by less than this was merely rounded differently
_FEWEST_ROWS = 20  # needed to know what is usual

_FEWEST_FLAT = 10
_LEFT_OUT = {"zero": "the price was 0", "outlier": "far from its neighbours", "future": "dated in the future"}


@dataclass(frozen=True)
class Problem:
    """Something that looks wrong.

    kind: 'constant', 'split', 'zero', 'outlier', 'range', 'future', 'gap' or 'flat'
    sentence: what was found, for the user
    dates: of the rows concerned; for gaps and flat stretches, the two ends of the longest
    fix: what `apply_fix` would do, or None if no fix is safe
    factor: by which prices before a split must be divided
    """

    kind: str
    sentence: str
    dates: tuple[pd.Timestamp, ...]
    fix: str | None = None
    factor: float | None = None

    @property
    def fixable(self) -> bool:
        return self.fix is not None


def find_problems(history: PriceHistory, now: pd.Timestamp | None = None) -> tuple[Problem, ...]:
    """Everything that looks wrong in `history`, most harmful first; () where nothing does.

    now: the present, to detect future dates; taken from the clock unless given
    """
    if len(history) < 3:
        return ()
    if (history.close == history.close[0]).all():
        return (Problem("constant", f"The price is {words.price(history.close[0])} on every row: there is nothing to forecast.",
                        (history.dates[0], history.dates[-1])),)
    now = pd.Timestamp.now() if now is None else now
    # Differences of prices near the largest float overflow to infinity, which still compares correctly.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        outliers = tuple(_outliers(history))
        told = [day for problem in outliers for day in problem.dates]
        return (*_splits(history), *_zeros(history), *outliers, *_outside_their_day(history, told), *_future(history, now),
                *_gaps(history), *_flat(history))


def apply_fix(history: PriceHistory, problem: Problem) -> PriceHistory:
    """`history` with one problem fixed, and a note that says so.

    Raises DataError if the problem has no fix, or does not belong to this history.
    """
    dates = pd.DatetimeIndex(problem.dates)
    if not problem.fixable or not dates.isin(history.dates).all():
        raise DataError(f"This cannot be fixed here. Received: {problem.sentence} Leave the prices as they are, or "
                        "correct the file.")
    if problem.factor is not None:
        frame, note = _adjusted(history, problem.dates[0], problem.factor)
    else:
        frame = history.frame.drop(dates)
        note = f"{_rows_of(dates)} left out: {_LEFT_OUT[problem.kind]}."
    return replace(history, frame=frame, notes=(*history.notes, note))


def _splits(history: PriceHistory):
    """Lasting jumps by the ratio of a split, overnight if the open is known, at a normal volume."""
    close = history.close
    if (close <= 0).any() or len(close) < _FEWEST_ROWS:
        return
    logs, ratios = np.log(close), np.log(_SPLITS)
    overnight = falls = logs[:-1] - logs[1:]  # (t - 1,) before over after
    if "Open" in history.frame:
        opens = history.frame["Open"].to_numpy()[1:]
        overnight = np.where(opens > 0, logs[:-1] - np.log(np.where(opens > 0, opens, 1)), falls)
    tolerance = _TOLERANCE_WITH_VOLUME if {"Open", "Volume"} <= set(history.frame) else _TOLERANCE
    candidates = (np.flatnonzero(np.abs(overnight) > ratios[0] - tolerance) + 1).tolist()
    if len(candidates) > _most(close):
        return  # so many cannot be splits; this is how the series moves
    for row in candidates:
        jump, fall = overnight[row - 1], falls[row - 1]
        nearest = np.abs(np.abs(jump) - ratios).argmin()
        usual = _scale(logs, row)
        stays = np.median(logs[max(0, row - 5):row]) - np.median(logs[row:row + 5])
        if (abs(abs(jump) - ratios[nearest]) > tolerance or abs(jump) < 8 * usual or jump * fall < jump**2 / 2
                or abs(stays - jump) > max(0.1, 4 * usual) or _traded_like_a_crash(history, row)):
            continue
        shares = _SPLITS[nearest]
        kind, verb = (f"{shares}:1", "Divide") if jump > 0 else (f"1:{shares}", "Multiply")
        yield Problem("split", f"The price goes from {words.price(close[row - 1])} to {words.price(close[row])} on "
                      f"{words.date(history.dates[row])}, which looks like a {kind} split that was not adjusted for.",
                      (history.dates[row],), f"{verb} all earlier prices by {shares}",
                      shares if jump > 0 else 1 / shares)


def _traded_like_a_crash(history: PriceHistory, row: int) -> bool:
    """Whether the volume on that day was far higher than in the weeks after, if volumes are known."""
    if "Volume" not in history.frame:
        return False
    volume = history.frame["Volume"]
    after = volume.iloc[row + 3:row + 25].median() if len(volume) > row + 5 else np.nan
    return bool(after > 0 and volume.iloc[row] > _CRASH_VOLUME * after)


def _adjusted(history: PriceHistory, day: pd.Timestamp, factor: float) -> tuple[pd.DataFrame, str]:
    """The prices before a split in today's shares, and the volume too unless it already is."""
    frame = history.frame.copy()
    row = history.dates.get_loc(day)
    prices = [column for column in frame if column != "Volume"]
    frame.iloc[:row, [frame.columns.get_loc(column) for column in prices]] /= factor
    if "Volume" in frame:
        volume = frame["Volume"]
        before, after = volume.iloc[max(0, row - 20):row].median(), volume.iloc[row:row + 20].median()
        # Unadjusted volume grows by the split's factor. The midpoint, in logarithms, decides.
        if before > 0 and after > 0 and np.log(after / before) / np.log(factor) > 0.5:
            frame.iloc[:row, frame.columns.get_loc("Volume")] *= factor
    verb, by = ("divided", factor) if factor > 1 else ("multiplied", 1 / factor)
    return frame, f"Prices before {words.date(day)} {verb} by {by:g}, for the split on that day."


def _zeros(history: PriceHistory):
    """Prices of 0 in a series that otherwise never loses four fifths from one row to the next."""
    close = history.close
    zero = close == 0
    others = close[~zero]
    if not zero.any() or (others < 0).any() or len(others) < 3 or (others[1:] < others[:-1] / 5).any():
        return
    dates = history.dates[zero]
    sentence = (f"The price of {words.date(dates[0])} is 0." if len(dates) == 1 else
                f"{words.count(len(dates))} of {words.count(len(close))} prices are 0, the first on "
                f"{words.date(dates[0])}.")
    yield Problem("zero", f"{sentence} No market does that: they are probably missing.", tuple(dates),
                  f"Leave out {_rows_of(dates, start=False)}")


def _outliers(history: PriceHistory):
    """Single rows far from both of their neighbours, which agree with each other."""
    close = history.close
    steps = np.diff(close)
    away, back = steps[:-1], steps[1:]  # of the rows 1 .. t - 2
    size = np.minimum(np.abs(away), np.abs(back))
    level = np.abs(close[:-2] / 2 + close[2:] / 2)  # halved first: the sum of two huge prices is infinite
    suspects = np.flatnonzero((np.sign(away) * np.sign(back) < 0) & (size > _OUTLIER_SHARE * level)
                              & (np.abs(close[2:] - close[:-2]) < 0.1 * size))
    if len(close) < _FEWEST_ROWS or len(suspects) > _most(close):
        return
    rows = [row for row in (suspects + 1).tolist()
            if close[row] != 0 and _is_wrong(history, row, size[row - 1], level[row - 1])]
    if not rows:
        return
    dates = history.dates[rows]
    if len(rows) == 1:
        row = rows[0]
        before, price, after = map(words.price, close[row - 1:row + 2])
        sentence = f"The price of {words.date(dates[0])} is {price}, between {before} before and {after} after."
    else:
        sentence = (f"{words.count_of(len(rows), 'price')} stand far from their neighbours, the first on "
                    f"{words.date(dates[0])} ({words.price(close[rows[0]])}).")
    yield Problem("outlier", sentence, tuple(dates), f"Leave out {_rows_of(dates, start=False)}")


def _outside_their_day(history: PriceHistory, told):
    """Closes above the high or below the low of their own day, except on days already reported (`told`)."""
    close, days = history.close, np.flatnonzero(~history.dates.isin(told))
    # Some sources write 0 for an unknown high or low.
    high, low = history.frame.reindex(columns=["High", "Low"]).replace(0, np.nan).to_numpy().T
    above, below = close > high + _ROUNDED * np.abs(high), close < low - _ROUNDED * np.abs(low)
    rows = days[above[days] | below[days]].tolist()
    if not rows:
        return
    first = rows[0]
    where = (f"above the day's high of {words.price(high[first])}" if above[first] else
             f"below the day's low of {words.price(low[first])}")
    day, price = words.date(history.dates[first]), words.price(close[first])
    yield Problem("range", f"The close of {day} is {price}, {where}." if len(rows) == 1 else
                  f"{words.count_of(len(rows), 'close')} lie outside their own day's range, the first on {day}: {price} is "
                  f"{where}.", tuple(history.dates[rows]))


def _most(close: np.ndarray) -> float:
    """The most rows that can plausibly be wrong in the same way."""
    return max(5, 0.01 * len(close))


def _is_wrong(history: PriceHistory, row: int, size: float, level: float) -> bool:
    """Whether a price `size` away from its neighbours' `level` cannot be a real one."""
    moves = size / _scale(history.close, row)
    if moves < _OUTLIER_MOVES:
        return False
    price = history.close[row]
    if moves > _IMPOSSIBLE_MOVES or price > _OUTLIER_FACTOR * level or abs(price) < level / _OUTLIER_FACTOR:
        return True
    day = history.frame.iloc[row]
    return bool(price > 1.001 * day.get("High", np.inf) or price < 0.999 * day.get("Low", -np.inf))


def _scale(values: np.ndarray, row: int) -> float:
    """The usual size of a change around `row`, without its own two: 1.48 x the median of the absolute changes."""
    first = max(0, row - _NEIGHBOURS)
    changes = np.abs(np.diff(values[first:row + _NEIGHBOURS + 1]))
    around = np.delete(changes, [row - 1 - first, row - first] if row - first < len(changes) else [row - 1 - first])
    # A series that stands still around an error has no usual change, so it counts as at least a ten-thousandth of the price.
    return max(1.4826 * float(np.median(around)), 1e-4 * abs(float(np.median(values[first:row + _NEIGHBOURS]))))


def _future(history: PriceHistory, now: pd.Timestamp):
    """Rows dated in the future, allowing for time zones and for periods that are dated by their end."""
    frequency = history.frequency
    days = 2 if frequency.unit == "day" else (frequency.longest_step or 2) / 2
    ahead = history.dates[history.dates > now + pd.Timedelta(days=days)]
    if len(ahead):
        fix = f"Leave out {_rows_of(ahead, start=False)}" if len(ahead) < len(history) else None
        yield Problem("future", f"{_rows_of(ahead)} {'is' if len(ahead) == 1 else 'are'} in the future: check how the "
                      "dates are written.", tuple(ahead), fix)


def _gaps(history: PriceHistory):
    """Stretches without rows that are longer than any closure of an exchange."""
    dates = history.dates
    if history.frequency == IRREGULAR:
        return
    days = np.diff(dates.normalize().as_unit("s").asi8) // 86_400
    if history.frequency.longest_step:
        gaps = np.flatnonzero(days > history.frequency.longest_step)
    else:
        always_open = history.calendar == "24/7" or len(history.frequency.days) == 7
        gaps = np.flatnonzero(days > (2 if always_open else 12))
        if history.calendar and not always_open:
            # Five trading days are eight days on the calendar. Shorter gaps do not need it, and it is slow to make.
            more = np.flatnonzero((days > 7) & (days <= 12))
            closed = [missing_sessions(history.calendar, dates[gap], dates[gap + 1]) < 5 for gap in more]
            gaps = np.sort(np.append(gaps, more[~np.array(closed, dtype=bool)]))
    if len(gaps):
        longest = gaps[days[gaps].argmax()]
        many = "There is a gap" if len(gaps) == 1 else f"There are {words.count(len(gaps))} gaps, the longest"
        yield Problem("gap", f"{many} of {words.count_of(int(days[longest]) - 1, 'day')} without a row, between "
                      f"{words.date(dates[longest])} and {words.date(dates[longest + 1])}.",
                      (dates[longest], dates[longest + 1]))


def _flat(history: PriceHistory):
    """Stretches without a change of price that are too long to be explained by coarse ticks or a weekend."""
    close = history.close
    starts = np.flatnonzero(np.append(True, close[1:] != close[:-1]))
    lengths = np.diff(np.append(starts, len(close)))
    fewest = _FEWEST_FLAT
    if history.frequency.seconds:
        fewest = max(fewest, 2 * history.frequency.rows_per_day(history.dates))
    flat = np.flatnonzero(lengths >= fewest)
    if len(flat):
        longest = flat[lengths[flat].argmax()]
        first, last = history.dates[starts[longest]], history.dates[starts[longest] + lengths[longest] - 1]
        where = "" if len(flat) == 1 else f" This is the longest of {words.count(len(flat))} such stretches."
        rows = history.frequency.count_of(int(lengths[longest]))
        yield Problem("flat", f"The price does not change for {rows}, from {words.dates(first, last)}.{where}",
                      (first, last))


def _rows_of(dates: pd.DatetimeIndex, start: bool = True) -> str:
    """'The row of 3 Mar 2017' or '12 rows from 3 Mar 2017 to 5 Apr 2018'."""
    if len(dates) == 1:
        return f"{'The' if start else 'the'} row of {words.date(dates[0])}"
    return f"{words.count(len(dates))} rows from {words.dates(dates[0], dates[-1])}"
