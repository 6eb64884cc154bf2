"""From the columns that were picked to clean prices: read, adjusted or not, one row a date, checked, and all of it said."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.files.decisions import Decisions
from forecasting.data.files.layout import Table
from forecasting.data.files.names import Column
from forecasting.data.files.number_forms import Evidence, Figures, read_figures
from forecasting.data.files.pick_dates import Dates, daily_or_timed
from forecasting.data.files.pick_known import going_on, known_values
from forecasting.data.files.picking import Picked, named_column
from forecasting.data.files.silent_errors import check_candles, check_prices
from forecasting.data.files.wording import counted, listed, shown
from forecasting.data.history import PriceHistory
from forecasting.errors import UnreadableFile
from forecasting.words import count, count_of, date, price

__all__ = ["to_history"]

_SPLIT = 1.2  # a step of raw over adjusted prices that no ordinary dividend makes
_LARGE = 1e30  # beyond this, squares of prices overflow in single precision
_FEW, _MANY = 100, 100_000
# A minus marks a price that is no trade where its size lies this near those beside it, and no price comes near zero.
_NEAR, _FROM_ZERO = 0.25, 0.2
_COMPANIONS = ("open", "high", "low", "volume", "adj open", "adj high", "adj low", "adj volume")


def to_history(table: Table, dates: Dates, picked: Picked, decisions: Decisions, known: list[str] | None,
               tell_rest: bool) -> PriceHistory:
    """The prices of one series. known: names of the columns that are known in advance, None for those that go on after the
    last price; tell_rest: note which columns were left out
    """
    stamps = dates.reading.values
    columns = {"close": picked.close} | {role: column for role, column in picked.roles.items()
                                         if role in _COMPANIONS and column is not picked.close}
    columns |= {"adjusted": picked.adjusted} if picked.adjusted else {}
    figures = _read_columns(table, columns, dates.positions, decisions)
    close = figures["close"]
    check_prices(table, picked.close, close)
    frame, used, price_notes = _priced(picked, {role: each.values for role, each in figures.items()}, stamps, decisions)
    frame, sign_notes = _without_marks(frame)
    if not picked.chosen:
        check_candles(frame, used)
    named = [named_column(name, table, list(table.columns)) for name in known or ()]
    if known is None:
        taken = {*dates.positions, *(one.position for one in columns.values())}
        named = going_on(table, frame, [one for one in table.columns if one.position not in taken])
    frame, row_notes = _clean_rows(frame, close, table, dates.reading.left_out)
    index, day_notes = daily_or_timed(frame["Date"], dates.reading.zone)
    ahead, known_notes = known_values(table, named, stamps, frame["Date"], index, decisions.given.get("decimal"))
    frame, sort_notes = _one_row_a_date(frame.assign(Date=index), stamps)
    if not frame["Close"].any():
        raise UnreadableFile(f"Every price in “{shown(picked.close.name)}” is zero. Choose another column or file.")
    used_at = {*dates.positions, *(one.position for one in (*columns.values(), *named))}
    rest = [one.name for one in table.columns if one.position not in used_at] if tell_rest else []
    rest_notes = [f"{count_of(len(rest), 'column')} left out: {listed(rest)}."] if rest else []
    notes = (*table.notes, *dates.reading.notes, *dates.notes, *day_notes, *sort_notes, *row_notes, *picked.notes, *price_notes,
             *sign_notes, *_figure_notes(table, close), *known_notes, *rest_notes, *_remarks(frame))
    return PriceHistory(frame.set_index("Date"), known=ahead, name=picked.series, source="file",
                        currency=_currency(table, picked.close, close), notes=notes, reading=decisions.interpretation,
                        alternatives=tuple(name for name in picked.candidates if name != used))


def _read_columns(table: Table, columns: dict[str, Column], dated: tuple[int, ...], decisions: Decisions) -> dict[str, Figures]:
    """Each column as floats, by one decimal mark; the price column's must be certain."""
    evidence = {role: table.weigh(c) for role, c in columns.items()}
    close, given = evidence["close"], decisions.given.get("decimal")
    text, name = table.cells(columns["close"]), shown(columns["close"].name)
    if given is None and close.contradicts:
        raise UnreadableFile(f"The column “{name}” has both decimal points and decimal commas, so its numbers cannot be told. "
                             "Write all of them in one way.")
    everywhere = sum(evidence.values(), Evidence())
    if close.ambiguous and everywhere.decided is None:
        for column in table.columns[:64]:
            if column.position not in dated and column not in columns.values():
                everywhere += table.weigh(column)
    point = given or close.decided or everywhere.decided
    if point is None and close.ambiguous:
        if close.open_commas == 0 and table.plain_points:
            point = "."
        else:
            unclear = text[text.str.contains(r"[.,]", regex=True)].head(5)
            point = decisions.settle("decimal", (".", ","), f"The numbers in “{name}” can be read in two ways, e.g. "
                                     f"“{shown(unclear.iloc[0])}”. Which sign is the decimal mark?",
                                     lambda: _both_marks(unclear))
    decisions.take("decimal", point or ".", {".": "a point", ",": "a comma"} if text.str.contains("[.,]").any() else {})
    fallback = given or everywhere.decided or point or "."
    return {role: table.figures(column, (role == "close" and point) or evidence[role].decided or fallback)
            for role, column in columns.items()}


def _both_marks(unclear: pd.Series) -> tuple[dict[str, str], ...]:
    return tuple({"as written": shown(cell)} | {
        f"decimal {mark}": f"{read_figures(pd.Series([cell], dtype='str'), mark).values[0]:,}" for mark in ".,"}
        for cell in unclear)


def _priced(picked: Picked, values: dict[str, np.ndarray], stamps: pd.Series,
            decisions: Decisions) -> tuple[pd.DataFrame, str, list[str]]:
    """(Date, Close, Open, High, Low, Volume in the order of the rows; name of the price column; what to say).

    values: floats of the columns by role, 'close' and 'adjusted' being `picked.close` and `picked.adjusted`
    Adjusted prices are used where the raw ones jump at splits, or where open, high and low are there adjusted too.
    """
    close, other, counterpart = values["close"], values.get("adjusted"), picked.adjusted
    column, is_adjusted, factor, notes = picked.close, picked.close.role == "adj close", None, []
    if other is not None and counterpart is not None:
        jump = _largest_step(*((other, close) if is_adjusted else (close, other)), stamps)
        complete = all(f"adj {role}" in values for role in ("open", "high", "low"))
        wanted = decisions.given.get("adjusted")
        better = not is_adjusted and not picked.chosen and bool(jump or complete)
        if better if wanted is None else bool(wanted) != is_adjusted:
            column, close, other, is_adjusted = counterpart, other, close, not is_adjusted
        if not picked.chosen and wanted is None:
            raw, adjusted = shown(picked.close.name), shown(counterpart.name)
            why = f"“{raw}” jumps at splits, e.g. on {jump}" if jump else "open, high and low are there adjusted too"
            if better:
                notes.append(f"“{adjusted}” was used because {why}; “{raw}” can be chosen instead.")
            elif not is_adjusted:
                notes.append(f"“{raw}” was used; “{adjusted}”, adjusted for splits and dividends, can be chosen instead.")
        decisions.take("adjusted", is_adjusted, {True: "adjusted for splits and dividends", False: "as traded"})
        decisions.take("column", column.name, list(decisions.options.get("column", ())))
        factor = _ratio(close, other) if is_adjusted else None
    prefix = "adj " if is_adjusted else ""
    columns = {"Date": stamps.to_numpy(), "Close": close}
    scaled = False
    for role in ("open", "high", "low", "volume"):
        own = values.get(prefix + role)
        if own is None and prefix and role in values:
            scale = factor if role != "volume" else 1.0
            own = None if scale is None else values[role] * scale
            scaled |= own is not None and role != "volume"
        if own is not None:
            columns[role.capitalize()] = own
    if scaled:
        notes.append("Open, High and Low were scaled by the same factors as the adjusted price.")
    return pd.DataFrame(columns), column.name, notes


def _ratio(adjusted: np.ndarray, raw: np.ndarray) -> np.ndarray:
    return np.divide(adjusted, raw, out=np.full(len(raw), np.nan), where=raw != 0)


def _largest_step(raw: np.ndarray, adjusted: np.ndarray, dates: pd.Series) -> str | None:
    """The date on which raw prices part from adjusted ones by more than a dividend, or None."""
    ratio = pd.Series(_ratio(raw, adjusted), index=pd.DatetimeIndex(dates)).dropna()
    ratio = ratio[(ratio > 0) & ratio.index.notna()].sort_index()
    steps = np.abs(np.diff(np.log(ratio.to_numpy())))
    if not len(steps) or steps.max() < np.log(_SPLIT):
        return None
    return date(ratio.index[int(steps.argmax()) + 1])


def _without_marks(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """`frame` without minus signs that are marks: CRSP writes the average of bid and ask so on days without a trade.

    A price that falls below zero passes it, or differs from those beside it; a marked one does neither. Without its sign it
    lies between high and low, where they are known.
    """
    close = frame["Close"].to_numpy()
    known = pd.Series(close[np.isfinite(close)])
    sizes, signs = known.abs(), known < 0
    if not signs.any():
        return frame, []
    below = frame[frame["Close"] < 0]
    in_range = {"High", "Low"} <= set(frame) and ((-below["Close"] <= below["High"]) & (-below["Close"] >= below["Low"])).all()
    if not in_range:
        positive = known.where(~signs)
        step = pd.concat([(sizes / beside - 1).abs() for beside in (positive.ffill(), positive.bfill())], axis=1).min(axis=1)
        if signs.mean() > 0.5 or sizes.min() < _FROM_ZERO * sizes.median() or not (step[signs] < _NEAR).all():
            return frame, []
    positive = frame.assign(**{name: frame[name].abs() for name in ("Close", "Open", "High", "Low") if name in frame})
    first = below.iloc[0]
    return positive, [f"{counted(len(below), 'price')} read without a minus sign, e.g. {price(-first['Close'])} on "
                      f"{date(first['Date'], time=False)}: so they lie among the others, and the sign marks the average of bid "
                      "and ask on a day without a trade."]


def _clean_rows(frame: pd.DataFrame, close: Figures, table: Table, sums) -> tuple[pd.DataFrame, list[str]]:
    """Rows with a date and a finite price, and how many others there were. sums: mask of the rows that were said to be sums"""
    undated, unpriced = frame["Date"].isna().to_numpy(), ~np.isfinite(frame["Close"].to_numpy())
    blank = undated & unpriced
    filled = (table.frame != "").any(axis=1).to_numpy()
    notes = []
    if number := int((blank & filled).sum()):
        notes.append(f"{counted(number, 'line')} left out with neither a date nor a price.")
    if number := int((undated & ~unpriced & ~(False if sums is None else sums)).sum()):
        notes.append(f"{counted(number, 'row')} left out because the date cannot be read.")
    lost = unpriced & ~undated
    if number := int((lost & ~close.unreadable & ~close.infinite).sum()):
        notes.append(f"{counted(number, 'row')} left out without a price.")
    if number := int((lost & close.unreadable).sum()):
        notes.append(f"{counted(number, 'row')} left out because the price is no number.")
    if number := int((lost & close.infinite).sum()):
        notes.append(f"{counted(number, 'row')} left out because the price is infinite.")
    kept = frame[~undated & ~unpriced]
    _check_enough(kept)
    return kept.sort_values("Date", kind="stable"), notes


def _check_enough(frame: pd.DataFrame):
    if len(frame) < 2:
        raise UnreadableFile(f"The file has {'one date' if len(frame) else 'no date'} with a price; at least 2 are needed. "
                             "Choose a file with more prices.")


def _one_row_a_date(frame: pd.DataFrame, stamps: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """`frame` (sorted by its stamps) with each date once, the last row of each kept."""
    notes = []
    known = stamps.dropna()
    if not known.is_monotonic_increasing:
        newest_first = known.is_monotonic_decreasing or (known.diff().dropna() < pd.Timedelta(0)).mean() > 0.95
        notes.append("Sorted from newest first." if newest_first else "The rows were put in the order of their dates.")
    repeated = frame["Date"].duplicated(keep="last")
    if number := int(repeated.sum()):
        differing = int((frame.drop_duplicates()["Date"].duplicated(keep="last")).sum())
        if differing > 0.2 * len(frame):
            example = frame["Date"][repeated].iloc[0]
            times = int((frame["Date"] == example).sum())
            raise UnreadableFile(f"Dates occur several times with different prices, e.g. {date(example)} {count(times)} times, "
                                 "so several series or times of day seem to be mixed. Add a column that tells them apart, or "
                                 "keep one series.")
        same = number - differing
        if same:
            notes.append(f"{counted(same, 'repeated row')} left out.")
        if differing:
            notes.append(f"{counted(differing, 'row')} left out whose date occurs again with another price; "
                         "the last one counts.")
    frame = frame[~repeated]
    _check_enough(frame)
    return frame, notes


def _remarks(frame: pd.DataFrame) -> list[str]:
    """What a person should know of the cleaned prices before they train on them."""
    closes, rows = frame["Close"].to_numpy(), len(frame)
    notes = []
    if rows < _FEW:
        notes.append(f"There are only {rows} rows: choose a short window, or a file with more.")
    if rows > _MANY:
        notes.append(f"There are {count(rows)} rows, and training on so many takes long: choose a shorter period where "
                     "it will do.")
    if number := int((closes <= 0).sum()):
        notes.append(f"{count_of(number, 'price')} {'is' if number == 1 else 'are'} zero or negative, so percentages and "
                     "logarithms have no meaning there.")
    if np.abs(closes).max() > _LARGE:
        notes.append(f"Prices reach {np.abs(closes).max():.3g}, too large to train on; divide them by a power of ten.")
    return notes


def _figure_notes(table: Table, close: Figures) -> list[str]:
    notes = []
    stated = [code for column in table.with_role("currency")[:1] for code in table.cells(column).unique() if code]
    if len(several := close.signs if len(close.signs) > 1 else stated) > 1:
        notes.append(f"The prices are in several currencies ({listed(list(several))}), and were read as they stand.")
    if close.percent:
        notes.append("The values carry a percent sign and are in percent.")
    if close.dollar_sign:
        notes.append("The sign $ was taken for US dollars.")
    return notes


def _currency(table: Table, column: Column, figures: Figures) -> str | None:
    """What the header, a column of its own, the numbers or a title line say, in this order: the sign $ is not only of USD."""
    if column.currency:
        return column.currency
    for stated in table.with_role("currency"):
        codes = table.cells(stated).unique()
        if len(codes) == 1 and codes[0].isalpha() and len(codes[0]) == 3:
            return codes[0].upper()
    return figures.currency or table.currency
