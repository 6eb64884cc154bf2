"""Which columns of a table are the price, its open, high and low, and the volume; or which question to ask."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NoReturn

import numpy as np
import pandas as pd

from forecasting.data.files.date_forms import looks_like_date
from forecasting.data.files.headers import Column, Table
from forecasting.data.files.number_forms import Evidence, is_missing, looks_like_number, read_figures, weigh
from forecasting.data.files.vocabulary import ROLES, plain
from forecasting.data.files.wording import listed, shown
from forecasting.errors import NeedsChoice, UnreadableFile
from forecasting.words import count

__all__ = ["Picked", "named_column", "pick_block", "pick_prices", "pick_rows"]

_CLOSES = ("close", "settle", "last", "price")
_NOT_PRICES = {"other", "series", "date", "time", "year", "month", "day", "quarter", "currency", "volume", "adj volume"}
_MOST_OPTIONS = 200
_MOST_CANDLES = 40  # columns among which open, high, low and close are looked for
_MOST_WORDS = 3  # columns of words in a table that names none of its columns
_CLOSER = 0.75  # how much nearer an open must be to the close before it than a close to the open before it


@dataclass(frozen=True)
class Picked:
    """Columns of one series.

    close: the price; adjusted: its counterpart adjusted for splits and dividends (or the raw one if `close` is adjusted)
    roles: 'open', 'high', 'low', 'volume' and their 'adj ...' where known
    candidates: names of all columns that could be the price, `close` among them
    chosen: whether the caller named the column
    """

    close: Column
    adjusted: Column | None
    roles: dict[str, Column]
    candidates: tuple[str, ...]
    chosen: bool
    notes: tuple[str, ...] = ()


def pick_block(table: Table, series: str | None, column) -> tuple[Table, str | None, object]:
    """(the columns of one series, `series` and `column` as far as they are still to be found) where several series stand
    side by side, each with dates of its own.

    A series is called as in the line above the header, or else as its first column of prices. Raises NeedsChoice (kind
    'series') where it is not known which.
    """
    dates = [c for c in table.with_role("date") if _same_name(c, table.with_role("date")[0]) and _dated(table, c)]
    edges = [*(c.position for c in dates), len(table.columns)]
    named = len({c.entity for c in dates}) == len(dates) and all(c.entity for c in dates)
    blocks = {}
    for begin, end in pairwise(edges):
        columns = table.columns[begin:end]
        priced = [c for c in columns[1:] if _numeric(table.frame[c.position].head(60))]
        if priced:
            blocks[columns[0].entity if named else priced[0].name] = columns
    if len(blocks) < 2:
        return table, series, column
    wanted = _match_text(series, blocks)
    if series is not None and wanted is None:
        raise UnreadableFile(f"There is no series “{shown(series)}” in this file. It holds {listed(list(blocks))}.")
    if wanted is None and column is not None:
        chosen = named_column(column, table, list(table.columns))
        wanted, column = next((name for name, columns in blocks.items() if chosen in columns), wanted), chosen.name
    if wanted is None:
        raise NeedsChoice(f"The file holds {count(len(blocks))} series side by side, each with its own dates. Which one?",
                          kind="series", options=list(blocks)[:_MOST_OPTIONS], preview=table.preview())
    return replace(table, columns=blocks[wanted]), wanted if named else None, column


def _same_name(column: Column, first: Column) -> bool:
    return re.sub(r" \(\d+\)$", "", column.name) == first.name


def _dated(table: Table, column: Column) -> bool:
    filled = [cell for cell in table.frame[column.position].head(60) if cell]
    return bool(filled) and all(map(looks_like_date, filled))


def pick_rows(table: Table, dates: pd.Series, series: str | None, column) -> tuple[Table, pd.Series, str | None, object]:
    """(rows of one series, their dates, name of the series, column) where several are stacked in the rows.

    Raises NeedsChoice (kind 'series') where it is not known which is wanted.
    """
    stacked = _stacking_column(table, dates)
    if stacked is None:
        return table, dates, None, column
    labels = table.frame[stacked.position]
    names = list(labels[labels != ""].value_counts().index)
    if len(names) == 1:
        return table, dates, None, column
    wanted = _match_text(series, names)
    if wanted is None and isinstance(column, str) and (wanted := _match_text(column, names)):
        column = None
    if wanted is None:
        if series is not None:
            raise UnreadableFile(f"There is no series “{shown(series)}” in “{shown(stacked.name)}”. "
                                 f"It holds {listed(names)}.")
        raise NeedsChoice(f"The file holds {count(len(names))} series, told apart by “{shown(stacked.name)}”. Which one?",
                          kind="series", options=names[:_MOST_OPTIONS], preview=table.preview())
    rows = (labels == wanted).to_numpy()
    kept = replace(table, frame=table.frame[rows].reset_index(drop=True),
                   native=table.native[rows].reset_index(drop=True) if table.native is not None else None)
    return kept, dates[rows].reset_index(drop=True), wanted, column


def _stacking_column(table: Table, dates: pd.Series) -> Column | None:
    """The column that tells series apart which share their dates, or None."""
    repeated = dates.dropna().duplicated().mean()
    candidates = table.with_role("series")
    if repeated > 0.2:
        candidates += [column for column in table.columns[:64] if column.role is None and column not in candidates]
    for column in candidates:
        labels = table.frame[column.position]
        distinct = labels[labels != ""].nunique()
        if not 2 <= distinct <= max(2, 0.5 * len(labels)) or _numeric(labels.iloc[:: max(1, len(labels) // 60)]):
            continue
        named = column.role == "series"
        apart = 1 - pd.DataFrame({"date": dates, "label": labels}).dropna().duplicated().mean()
        if (repeated > 0.2 and apart > 0.95) or (named and _is_identity(column) and repeated <= 0.2):
            return column
    return None


def _is_identity(column: Column) -> bool:
    """Whether the name says that the column holds tickers, so that several are several series even on different dates."""
    return plain(column.name) in ("ticker", "symbol", "sym", "isin", "wkn", "ric", "stock", "coin", "pair", "ticker symbol")


def pick_prices(table: Table, dates: pd.Series, dated: tuple[int, ...], column=None,
                series: str | None = None) -> tuple[Picked, str | None]:
    """The columns of one series, and its name where the columns tell.

    dates: of the rows; dated: positions of the columns they come from
    Raises NeedsChoice (kind 'series' or 'column') where several would do, UnreadableFile where none does.
    """
    rows = np.unique(np.linspace(0, len(table.frame) - 1, 60).astype(int))
    cells = table.frame.iloc[rows].to_numpy().T
    numeric = [c for c in table.columns if c.position not in dated and _numeric(cells[c.position])]
    numeric = [c for c in numeric if not _numbers_rows(c, table)] or numeric
    if column is None and series is None:  # a constant is taken for the price only where it is asked for
        numeric = [c for c in numeric if c.role is not None or len(set(cells[c.position])) > 1] or numeric
    if not numeric:
        raise UnreadableFile(_no_numbers(table, dated))
    columns, entity, column = _of_one_entity(numeric, table, column, series)
    roles = {candidate.role for candidate in columns if candidate.role}
    if entity is None and series is not None and column is None:
        column = series  # one ticker a column: its name is the name of the series
    if column is not None:
        named = named_column(column, table, columns)
        if named not in numeric:
            raise UnreadableFile(f"The column “{shown(named.name)}” holds no numbers. Choose one of "
                                 f"{listed(_names(numeric))}.")
        name = entity or (named.name if series is not None else None)
        return _picked(named, columns, _partners(named, columns), chosen=True), name
    notes = ()
    close = _obvious_close(columns, roles)
    partners = _partners(close, columns) if close else {}
    if close is not None and not table.headed and len(table.columns) - len(numeric) - len(dated) > _MOST_WORDS:
        close = None  # sentences with a number in them
    elif close is None:
        close, partners, notes = _ohlc_by_content(table, columns, dates)
    if close is None:
        _ask_for_column(columns, table)
    return replace(_picked(close, columns, partners, chosen=False), notes=notes), entity


def _partners(close: Column, columns: list[Column]) -> dict[str, Column]:
    """The column of each role that belongs to `close`: in its currency, of its entity, the nearest of several."""
    partners = {}
    for role in {c.role for c in columns if c.role}:
        same = [c for c in columns if c.role == role]
        if len(same) > 1:
            same = [c for c in same if c.currency == close.currency] if role not in ("volume", "adj volume") else same
            same = [c for c in same if c.entity == close.entity] or same
        if same:
            partners[role] = min(same, key=lambda c: abs(c.position - close.position))
    return partners


def _picked(close: Column, columns, roles, chosen: bool) -> Picked:
    close_like = close.role in _CLOSES or close.role == "adj close" or not close.role
    if not close_like:
        roles = {role: c for role, c in roles.items() if "volume" in role}
    raw = next((roles[role] for role in _CLOSES if role in roles), None)
    adjusted = roles.get("adj close") if close.role != "adj close" else raw
    others = sorted((c for c in columns if c.role not in _NOT_PRICES), key=lambda c: "adj" in (c.role or ""))
    others.sort(key=lambda c: (c.role or "").split()[-1:] in (["open"], ["high"], ["low"]))
    return Picked(close, adjusted if close_like else None, roles, tuple(c.name for c in others[:_MOST_OPTIONS]), chosen)


def _of_one_entity(numeric: list[Column], table: Table, column, series):
    """(columns of one entity, the entity, column): 'Close AAPL' and 'Close MSFT' are columns of two."""
    entities = list(dict.fromkeys(c.entity for c in numeric if c.role in _CLOSES and c.entity))
    plain_close = any(c.role in _CLOSES and not c.entity for c in numeric)
    if len(entities) < 2 and not (entities and plain_close):
        return numeric, (entities[0] if entities and series is not None else None), column
    if column is None and series is None and _stand_alone(numeric):
        return numeric, None, None
    if plain_close and series is None:
        return [c for c in numeric if not c.entity or c.role not in _CLOSES], None, column
    wanted = _match_text(series, entities) or (_match_text(column, entities) if isinstance(column, str) else None)
    if wanted is not None:
        column = None if _match_text(column, entities) else column
        return [c for c in numeric if c.entity in (wanted, "")], wanted, column
    if column is not None and plain(str(column)) not in ROLES:  # 'Close' alone leaves open whose
        chosen = named_column(column, table, numeric)
        return [c for c in numeric if c.entity in (chosen.entity, "")], chosen.entity or None, column
    if series is not None:
        raise UnreadableFile(f"There is no series “{shown(series)}” in this file. It holds {listed(entities)}.")
    raise NeedsChoice(f"The file holds prices of {count(len(entities))} series. Which one?", kind="series",
                      options=entities[:_MOST_OPTIONS], preview=table.preview())


def _stand_alone(numeric: list[Column]) -> bool:
    """Whether names like 'Oil Price' and 'Gold Price' are those of single columns among others: that is asked as such."""
    return (any(c.role is None for c in numeric)
            and not any(c.entity and c.role in ("open", "high", "low", "volume") for c in numeric))


def _obvious_close(columns: list[Column], roles: set[str]) -> Column | None:
    """The column that its name makes the price, or the only one with numbers that could be one."""
    for role in (*_CLOSES, "adj close"):
        found = [c for c in columns if c.role == role]
        if len(found) == 1:
            return found[0] if not _is_one_of_many(found[0], columns) else None
        if found:
            return None
    if {"open", "high", "low"} & roles:
        return None
    possible = [c for c in columns if c.role is None]
    return possible[0] if len(possible) == 1 else None


def _is_one_of_many(close: Column, columns: list[Column]) -> bool:
    """Whether 'Oil Price' may stand beside the prices of others that are called by their tickers alone."""
    others = [c for c in columns if c is not close]
    return (bool(close.entity) and any(c.role is None for c in others)
            and not any(c.entity == close.entity and c.role in ("open", "high", "low") for c in others))


def _ohlc_by_content(table: Table, columns: list[Column], dates: pd.Series):
    """(close, roles, notes) of columns without known names whose cells can only be open, high, low and close; else Nones.

    Four neighbours are, where one is the largest and one the smallest of them in every row, and of the other two one, the
    open, follows the other of the row before much more closely than the other way round.
    """
    unknown = [c for c in columns[:_MOST_CANDLES] if c.role in (None, "other")]
    values = _values(table, unknown, np.argsort(dates.to_numpy(), kind="stable"))
    found = []
    for at in sorted(values):
        if all(at + i in values for i in range(4)) and (candles := _candles([values[at + i] for i in range(4)])):
            found.append((candles[0], {role: at + i for role, i in candles[1].items()}))
    found.sort(key=lambda entry: entry[0])
    if not found or (len(found) > 1 and found[0][0] > _CLOSER * found[1][0]):
        return None, {}, ()
    by_position = {c.position: c for c in columns}
    places = found[0][1]
    roles = {role: by_position[at] for role, at in places.items()}
    behind = max(places.values()) + 1
    if behind in values and _follows(values[behind], values[places["close"]]):  # adjusted prices stand before the volume
        behind += 1
    if behind in values and np.nanmin(values[behind]) >= 0 and not _follows(values[behind], values[places["close"]]):
        roles["volume"] = by_position[behind]
    roles.update({c.role: c for c in columns if c.role == "volume"})
    named = ", ".join(f"“{shown(roles[role].name)}”" for role in ("open", "high", "low", "close"))
    why = "The file names no columns" if not table.headed else "The names of the columns are not known"
    return roles["close"], roles, (f"{why}; {named} were taken as open, high, low and close because one is always the highest, "
                                   "one the lowest, and each open is close to the close before it.",)


def _values(table: Table, columns: list[Column], oldest_first: np.ndarray) -> dict[int, np.ndarray]:
    """Position -> floats, for columns of one decimal mark."""
    evidence = {c.position: weigh(table.frame[c.position], _native(table, c)) for c in columns}
    mark = sum(evidence.values(), Evidence()).decided or "."
    return {c.position: read_figures(table.frame[c.position], evidence[c.position].decided or mark,
                                     _native(table, c)).values[oldest_first] for c in columns}


def _native(table: Table, column: Column) -> pd.Series | None:
    return table.native[column.position] if table.native is not None else None


def _candles(four: list[np.ndarray]) -> tuple[float, dict[str, int]] | None:
    """Which of four columns is the open, the high, the low and the close; None where they are none.

    In front, how far the opens are from the closes before them, as a share of how far they would be the other way round.
    """
    rows = np.stack(four)
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    if rows.shape[1] < 10 or rows.shape[1] < 0.9 * len(four[0]):
        return None
    highs, lows = (np.flatnonzero((rows == extreme).all(axis=1)) for extreme in (rows.max(axis=0), rows.min(axis=0)))
    if len(highs) != 1 or len(lows) != 1:
        return None
    ranges = rows[highs[0]] - rows[lows[0]]
    if (ranges > 0).mean() <= 0.3 or np.median(ranges) > 0.5 * np.median(np.abs(rows[lows[0]])):  # a volume is no high
        return None
    first, last = (i for i in range(4) if i not in (highs[0], lows[0]))
    middle = (rows[highs[0]] + rows[lows[0]]) / 2
    if any((np.abs(rows[i] - middle) <= 0.1 * ranges).mean() > 0.9 for i in (first, last)):  # a band around an average
        return None
    gaps = {(o, c): np.abs(rows[o, 1:] - rows[c, :-1]).mean() for o, c in ((first, last), (last, first))}
    (opening, close), least = min(gaps.items(), key=lambda gap: gap[1])
    if least > _CLOSER * max(gaps.values()) or not max(gaps.values()):
        return None
    return least / max(gaps.values()), {"open": opening, "high": int(highs[0]), "low": int(lows[0]), "close": close}


def _follows(values: np.ndarray, close: np.ndarray) -> bool:
    """Whether these are the closes themselves, adjusted for dividends and splits, and no volume."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (values / close)[np.isfinite(values / close)]
    steps = np.abs(np.diff(np.log(ratio[ratio > 0])))
    return len(steps) > 0 and bool(np.median(steps) < 0.002) and len(steps) > 0.9 * len(close) - 1


def _ask_for_column(columns: list[Column], table: Table) -> NoReturn:
    _check_halves(columns, table)
    options = [c for c in columns if c.role not in _NOT_PRICES] or [c for c in columns if c.role == "other"] or columns
    if len(options) == 1 and options[0].role not in ("open", "high", "low"):
        raise UnreadableFile(f"No column of this file holds prices; “{shown(options[0].name)}” is the only one with numbers. "
                             "If it holds the prices all the same, rename it to Close.")
    raise NeedsChoice(f"{count(len(options))} columns could be the price. Which one?", kind="column",
                      options=[c.name for c in options[:_MOST_OPTIONS]], preview=table.preview())


def named_column(wanted, table: Table, columns: list[Column]) -> Column:
    """The column that `wanted` means: its name, 'column 5' (counted from 1), or a position (counted from 0)."""
    if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool):
        if 0 <= wanted < len(table.columns):
            return table.columns[wanted]
        raise UnreadableFile(f"There is no column {wanted}: positions go from 0 to {len(table.columns) - 1}.")
    text = str(wanted).strip()
    for group in (columns, table.columns):
        for test in (lambda c: c.name == str(wanted), lambda c: c.name.strip().lower() == text.lower(),
                     lambda c: plain(c.name) == plain(text),
                     lambda c: c.entity.lower() == text.lower() and c.role in (None, *_CLOSES)):
            found = [c for c in group if test(c)]
            if len(found) == 1:
                return found[0]
    if match := re.fullmatch(r"column (\d{1,5})", text, re.IGNORECASE):
        if 1 <= int(match[1]) <= len(table.columns):
            return table.columns[int(match[1]) - 1]
    elif text.isdecimal() and int(text) < len(table.columns):
        return table.columns[int(text)]
    roles = [c for c in columns if c.role and plain(text) == c.role]
    if len(roles) == 1:
        return roles[0]
    raise UnreadableFile(f"There is no column “{shown(wanted)}” in this file. It has {listed(_names(table.columns))}.")


def _match_text(wanted, names: Collection[str]) -> str | None:
    if wanted is None:
        return None
    text = str(wanted).strip()
    if text in names:
        return text
    found = [name for name in names if name.lower() == text.lower()]
    return found[0] if len(found) == 1 else None


def _check_halves(columns: list[Column], table: Table):
    """Refuse numbers that the comma between cells has cut: '150,05' and '13,038.34' without a header."""
    for left, right in pairwise(columns):
        if table.headed or right.position != left.position + 1:
            continue
        whole, part = table.frame[left.position], table.frame[right.position]
        if not (whole.str.fullmatch("-?[0-9]{1,3}").all() and part.str.startswith("0").any()):
            continue
        if part.str.fullmatch("[0-9]{2}").all() or part.str.fullmatch(r"[0-9]{3}(\.[0-9]+)?").all():
            raise UnreadableFile(f"A comma within the numbers seems to cut them in two, e.g. “{shown(whole.iloc[0])}” and "
                                 f"“{shown(part.iloc[0])}”. Save the file with another delimiter, or as Excel.")


def _numeric(cells) -> bool:
    """Whether most of these cells that are not missing look like numbers; a column of missing cells has none."""
    filled = [cell for cell in cells if not is_missing(cell)]
    return bool(filled) and sum(map(looks_like_number, filled)) >= 0.6 * len(filled)


def _numbers_rows(column: Column, table: Table) -> bool:
    """Whether a column in front, or one called so, only counts the rows."""
    if column.position > 0 and plain(column.name) not in ("index", "id", "row", "no", "nr"):
        return False
    if column.role not in (None, "price", "other"):
        return False
    numbers = pd.to_numeric(table.frame[column.position], errors="coerce")
    return bool(numbers.iloc[0] in (0, 1) and (numbers.diff().dropna() == 1).mean() > 0.99)


def _names(columns) -> list[str]:
    return [column.name for column in columns]


def _no_numbers(table: Table, dated: tuple[int, ...]) -> str:
    closes = [c for c in table.with_role(*_CLOSES) if c.position not in dated]
    others = [c for c in table.columns if c.position not in dated]
    if not others:
        return "The file has dates but no other column, so there are no prices. Choose a file with dates and prices."
    column = (closes or others)[0]
    example = next((cell for cell in table.frame[column.position] if not is_missing(cell)), "")
    return (f"No column of this file holds numbers: “{shown(column.name)}” holds e.g. “{shown(example)}”. "
            "Prices must be numbers, e.g. 168.34.")
