"""What looks wrong in a history: splits that were not adjusted for, shifted decimals, closes outside their day's range, ...

A false warning costs trust, so every rule stays silent on real prices, including crashes and squeezes: Apple's loss of half
its value in a night of 2000, oil below zero in 2020, gas at four times its price for a day in 2024.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.data.calendars import missing_sessions
from forecasting.data.frequency import IRREGULAR, TRADING_DAYS
from forecasting.data.history import PriceHistory
from forecasting.errors import DataError

__all__ = ["Problem", "apply_fix", "find_problems"]

# New shares for an old one, or old ones for a new one. Ratios below 2 cannot be told from a bad night.
_SPLITS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100, 1000, 1_000_000)
_LARGEST_SPLIT = 100  # more than that is another unit: thousands, or a currency that has lost its zeros
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
_POWERS = (1, 2, 3, 4, 5, 6)  # of ten, by which a decimal may have shifted in a stretch of rows
_FEW = 5  # rows whose median is the level around a row
_APART = 0.2  # how far (in logarithms) a close is from the middle of its day if the two are not in the same units
_MANY = 0.05  # share of closes outside their day's range that needs an explanation
_FEWEST_SWAPPED = 5
_OTHER_LEVEL = 5  # times the price before, or a fifth of it, for good

_FEWEST_FLAT = 10
_LEFT_OUT = {"zero": "the price was 0", "outlier": "far from its neighbours", "future": "dated in the future"}


@dataclass(frozen=True)
class Problem:
    """Something that looks wrong.

    kind: 'constant', 'shift', 'split', 'level', 'zero', 'outlier', 'range', 'future', 'swapped', 'gap' or 'flat'
    sentence: what was found, for the user
    dates: of the rows concerned; for gaps and flat stretches, the two ends of the longest
    fix: what `apply_fix` would do, or None if no fix is safe
    factor: by which prices before a split, or those of the shifted rows, must be divided
    columns: the prices to divide; () for all
    """

    kind: str
    sentence: str
    dates: tuple[pd.Timestamp, ...]
    fix: str | None = None
    factor: float = 1.0
    columns: tuple[str, ...] = ()

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
        shifts = tuple(_shifts(history))
        splits = () if shifts else tuple(_splits(history))  # each end of a shifted stretch would look like a split
        outliers = tuple(_outliers(history))
        told = [day for problem in (*shifts, *outliers) for day in problem.dates]
        levels = () if shifts else _levels(history, [day for problem in (*splits, *outliers) for day in problem.dates])
        return (*shifts, *splits, *levels, *_zeros(history), *outliers, *_outside_their_day(history, told, splits),
                *_future(history, now), *_swapped(history), *_gaps(history), *_flat(history))


def apply_fix(history: PriceHistory, problem: Problem) -> PriceHistory:
    """`history` with one problem fixed, and a note that says so.

    Raises DataError if the problem has no fix, or does not belong to this history.
    """
    dates = pd.DatetimeIndex(problem.dates)
    if not problem.fixable or not dates.isin(history.dates).all():
        raise DataError(f"This cannot be fixed here. Received: {problem.sentence} Leave the prices as they are, or "
                        "correct the file.")
    if problem.kind == "shift":
        frame, note = _shifted_back(history, problem)
    elif problem.kind == "split":
        frame, note = _adjusted(history, problem)
    else:
        frame = history.frame.drop(dates)
        note = f"{_rows_of(dates)} left out: {_LEFT_OUT[problem.kind]}."
    return replace(history, frame=frame, notes=(*history.notes, note))


def _shifts(history: PriceHistory):
    """Stretches of two or more rows whose decimal mark has shifted: ten, a hundred, ... times the rows before and after."""
    close = history.close
    if (close <= 0).any() or len(close) < _FEWEST_ROWS:
        return
    logs = np.log(close)
    moves = np.diff(logs)
    powers = np.abs(moves) / np.log(10)
    nearest = powers.round().astype(int)
    jumps = np.flatnonzero(np.isin(nearest, _POWERS) & (np.abs(powers - nearest) * np.log(10) < _TOLERANCE_WITH_VOLUME))
    if not len(jumps) or len(jumps) > 2 * _most(close):
        return
    found: dict[float, list[int]] = {}
    start = None
    for jump in (jumps + 1).tolist():
        if start is not None and nearest[jump - 1] == nearest[start - 1] and moves[jump - 1] * moves[start - 1] < 0:
            sure = all(abs(moves[row - 1]) > 8 * _scale(logs, row) for row in (start, jump))
            if sure and 1 < jump - start < len(close) / 2:
                found.setdefault(10.0 ** (np.sign(moves[start - 1]) * nearest[start - 1]), []).extend(range(start, jump))
            start = None
        else:
            start = jump
    for factor, rows in found.items():
        if len(rows) > len(close) / 2:
            continue
        dates = history.dates[rows]
        much, way = (factor, "larger") if factor > 1 else (1 / factor, "smaller")
        apart = _away_from_their_day(history)
        alone = np.median(np.abs(apart[rows])) > _APART  # False where no range is known
        yield Problem("shift", f"{words.count_of(len(rows), 'price')} from {words.dates(dates[0], dates[-1])} "
                      f"{'is' if len(rows) == 1 else 'are'} {words.count(much)} times {way} than those before and after: their "
                      "decimal mark has probably shifted.", tuple(dates),
                      f"{'Divide' if factor > 1 else 'Multiply'} them by {words.count(much)}", factor,
                      ("Close",) if alone else ())


def _shifted_back(history: PriceHistory, problem: Problem) -> tuple[pd.DataFrame, str]:
    """The prices with those of the shifted rows as large as the others."""
    frame, factor, dates = history.frame.copy(), problem.factor, pd.DatetimeIndex(problem.dates)
    columns = list(problem.columns or _price_columns(frame))
    frame.loc[dates, columns] /= factor
    verb, by = ("divided", factor) if factor > 1 else ("multiplied", 1 / factor)
    return frame, f"{_rows_of(dates)} {verb} by {words.count(by)}: the decimal mark had shifted."


def _away_from_their_day(history: PriceHistory) -> np.ndarray:
    """(t,) the logarithm of each close over the middle of its own day's other prices; NaN where none is known."""
    others = history.frame.reindex(columns=["Open", "High", "Low"]).to_numpy()
    others = np.log(np.where(others > 0, others, np.nan))
    known = np.isfinite(others).sum(axis=1)
    middle = np.where(known > 0, np.nansum(others, axis=1) / np.maximum(1, known), np.nan)
    return np.log(np.where(history.close > 0, history.close, np.nan)) - middle


def _splits(history: PriceHistory):
    """Lasting jumps by the ratio of a split, overnight if the open is known, at a normal volume.

    Where closes are not in the units of their day's other prices, those were adjusted and the closes were not: then the jump
    is that of the close against its own day, and a mend is for the closes alone.
    """
    close = history.close
    if (close <= 0).any() or len(close) < _FEWEST_ROWS:
        return
    logs, ratios = np.log(close), np.log(_SPLITS)
    overnight = falls = logs[:-1] - logs[1:]  # (t - 1,) before over after
    if "Open" in history.frame:
        opens = history.frame["Open"].to_numpy()[1:]
        overnight = np.where(opens > 0, logs[:-1] - np.log(np.where(opens > 0, opens, 1)), falls)
    apart = pd.Series(_away_from_their_day(history))
    before = apart.rolling(_FEW, min_periods=1).median().to_numpy()[:-1]
    after = apart[::-1].rolling(_FEW, min_periods=1).median().to_numpy()[-2::-1]
    alone = (np.abs(before) > _APART) | (np.abs(after) > _APART)  # False where the range is not known
    overnight = np.where(alone, np.where(np.abs(falls) > np.abs(before - after) / 2, before - after, falls), overnight)
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
                or abs(stays - jump) > max(0.1, 4 * usual)
                or (not alone[row - 1] and _traded_like_a_crash(history, row))):
            continue
        shares = _SPLITS[nearest]
        kind, verb = (f"{shares}:1", "Divide") if jump > 0 else (f"1:{shares}", "Multiply")
        whose, what = (("the close was not adjusted for, unlike open, high and low", "closes") if alone[row - 1] else
                       ("was not adjusted for", "prices"))
        like = (f"a {kind} split that {whose}" if shares <= _LARGEST_SPLIT else
                f"another unit, {words.count(shares)} times {'larger' if jump > 0 else 'smaller'}")
        yield Problem("split", f"The price goes from {words.price(close[row - 1])} to {words.price(close[row])} on "
                      f"{words.date(history.dates[row])}, which looks like {like}.",
                      (history.dates[row],), f"{verb} all earlier {what} by {words.count(shares)}",
                      shares if jump > 0 else 1 / shares, ("Close",) if alone[row - 1] else ())


def _levels(history: PriceHistory, told: list[pd.Timestamp]):
    """Changes of the price that no market makes and no split explains: to another level for good, or by powers of ten at will."""
    close = history.close
    if (close <= 0).any() or len(close) < _FEWEST_ROWS:
        return
    logs = np.log(close)
    moves = np.diff(logs)
    far = np.flatnonzero(np.abs(moves) > np.log(_OTHER_LEVEL)) + 1
    powers = moves[far - 1] / np.log(10)
    if len(far) > _most(close) and (np.abs(powers - powers.round()) * np.log(10) < _TOLERANCE_WITH_VOLUME).mean() > 0.5:
        row = far[0]
        yield Problem("level", f"The price goes up and down by powers of ten {words.count(len(far))} times, first from "
                      f"{words.price(close[row - 1])} to {words.price(close[row])} on {words.date(history.dates[row])}: decimal "
                      "marks have probably been lost.", tuple(history.dates[far]))
        return
    for row in far[:1 if len(far) > _most(close) else None].tolist():
        stays = np.median(logs[row:row + _FEW]) - np.median(logs[max(0, row - _FEW):row])
        usual = np.median(np.abs(np.diff(logs[max(0, row - _NEIGHBOURS):row]))) if row > _FEW else np.inf
        if history.dates[row] in told or abs(stays) < np.log(_OTHER_LEVEL) or abs(moves[row - 1]) < 8 * usual:
            continue
        yield Problem("level", f"The price goes from {words.price(close[row - 1])} to {words.price(close[row])} on "
                      f"{words.date(history.dates[row])} and stays there: from then on these may be prices of something else, or in "
                      "another unit.", (history.dates[row],))


def _traded_like_a_crash(history: PriceHistory, row: int) -> bool:
    """Whether the volume on that day was far higher than in the weeks after, if volumes are known."""
    if "Volume" not in history.frame:
        return False
    volume = history.frame["Volume"]
    after = volume.iloc[row + 3:row + 25].median() if len(volume) > row + 5 else np.nan
    return bool(after > 0 and volume.iloc[row] > _CRASH_VOLUME * after)


def _adjusted(history: PriceHistory, problem: Problem) -> tuple[pd.DataFrame, str]:
    """The prices before a split in today's shares, and the volume too unless it already is."""
    frame, day, factor = history.frame.copy(), problem.dates[0], problem.factor
    row = history.dates.get_loc(day)
    columns = problem.columns or _price_columns(frame)
    frame.iloc[:row, [frame.columns.get_loc(column) for column in columns]] /= factor
    if "Volume" in frame and not problem.columns:
        volume = frame["Volume"]
        before, after = volume.iloc[max(0, row - 20):row].median(), volume.iloc[row:row + 20].median()
        # Unadjusted volume grows by the split's factor. The midpoint, in logarithms, decides.
        if before > 0 and after > 0 and np.log(after / before) / np.log(factor) > 0.5:
            frame.iloc[:row, frame.columns.get_loc("Volume")] *= factor
    verb, by = ("divided", factor) if factor > 1 else ("multiplied", 1 / factor)
    what = "Closes" if problem.columns else "Prices"
    event = "split" if by <= _LARGEST_SPLIT else "change of unit"
    return frame, f"{what} before {words.date(day)} {verb} by {words.count(by)}, for the {event} on that day."


def _price_columns(frame: pd.DataFrame) -> tuple[str, ...]:
    return tuple(column for column in frame if column != "Volume")


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


def _outside_their_day(history: PriceHistory, told, splits: tuple[Problem, ...]):
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
    why = _why_outside(history, rows, sum(bool(problem.columns) for problem in splits))
    yield Problem("range", f"The close of {day} is {price}, {where}." if len(rows) == 1 else
                  f"{words.count_of(len(rows), 'close')} lie outside their own day's range, the first on {day}: {price} is "
                  f"{where}.{why}", tuple(history.dates[rows]))


def _why_outside(history: PriceHistory, rows: list[int], splits: int) -> str:
    """What a great many closes outside their day's range come from, as a further sentence; '' where that is not plain.

    rows: of these closes; splits: how many are in the closes only
    """
    if splits:
        until = "the split" if splits == 1 else "the last of the splits"
        return f" Until {until} the closes are not adjusted as open, high and low are."
    apart = _away_from_their_day(history)
    if len(rows) < max(_FEWEST_ROWS, _MANY * len(apart)) or not np.isfinite(apart).all():
        return ""
    # Adjusted prices meet the others at the end and lie further below them the earlier they are.
    level = np.array([np.median(part) for part in np.array_split(apart, max(2, min(20, len(apart) // _FEWEST_ROWS)))])
    level *= np.sign(level[0])
    noise = np.median(np.abs(np.diff(apart)))  # of a close within its day
    if abs(level[-1]) > noise + level[0] / 10 or level[0] < 2 * noise or np.diff(level).max() > noise + level[0] / 10:
        return ""
    return (" The closes are not adjusted for dividends or splits as open, high and low are." if apart[0] > 0 else
            " The closes are adjusted for dividends or splits, while open, high and low are not.")


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


def _swapped(history: PriceHistory):
    """Rows on days on which the market is closed, whose dates with day and month swapped are trading days that have no row."""
    dates = history.dates.normalize()
    if history.frequency != TRADING_DAYS:
        return
    off = dates[~dates.day_of_week.isin(history.frequency.days)]
    if len(off) < _FEWEST_SWAPPED or (off.day > 12).any():
        return
    instead = pd.DatetimeIndex([pd.Timestamp(day.year, day.day, day.month) for day in off])
    if not instead.day_of_week.isin(history.frequency.days).all() or instead.isin(dates).any():
        return
    yield Problem("swapped", f"{words.count_of(len(off), 'row')} fall on days of the week without trading, the first on "
                  f"{words.date(off[0])}: with day and month swapped, {words.date(instead[0])}, they would be trading days "
                  "that are missing. Check how the dates are written.", tuple(off))


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
        # With a few sessions a week, the holidays around the new year may close three weeks.
        gaps = np.flatnonzero(days > (2 if always_open else 12 if len(history.frequency.days) > 3 else 21))
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
