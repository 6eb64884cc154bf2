"""Which of several series, and which of its columns are the price, its open, high and low, and the volume."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NoReturn

import numpy as np
import pandas as pd

from forecasting.data.files.date_forms import looks_like_date
from forecasting.data.files.decisions import Decisions, match
from forecasting.data.files.layout import Table
from forecasting.data.files.names import CLOSES, Column
from forecasting.data.files.number_forms import Evidence, is_missing, looks_like_number
from forecasting.data.files.silent_errors import check_halves
from forecasting.data.files.vocabulary import ROLES, plain
from forecasting.data.files.wording import listed, shown
from forecasting.errors import UnreadableFile
from forecasting.words import count, count_of, date

__all__ = ["Picked", "named_column", "pick_block", "pick_prices", "pick_rows"]

_NOT_PRICES = {"other", "series", "date", "time", "year", "month", "day", "quarter", "currency", "volume", "adj volume"}
_MOST_WORDS = 3  # columns of words in a table that names none of its columns
_SMALL = 0.2  # of the rows of the longest series beside it: a shorter table is a summary, and no series
_SAMPLE = 60
_MOST_LABELS = 64
_MOST_NAMES = 10  # that one series may have had, one after the other


@dataclass(frozen=True)
class Picked:
    """Columns of one series.

    close: the price; adjusted: its counterpart adjusted for splits and dividends (or the raw one if `close` is adjusted)
    roles: 'open', 'high', 'low', 'volume' and their 'adj ...' where known
    candidates: names of all columns that could be the price, `close` among them
    chosen: whether the caller named the column
    series: whose prices they are, '' where the columns do not tell
    """

    close: Column
    adjusted: Column | None
    roles: dict[str, Column]
    candidates: tuple[str, ...]
    chosen: bool
    series: str = ""
    notes: tuple[str, ...] = ()


def _one_series(parts: Mapping[str, object], decisions: Decisions, question: str, table: Table) -> str:
    """The one of several series that the caller called by `series` or by `column`, or that must be asked for."""
    for keyword in ("series", "column"):
        wanted = decisions.given.get(keyword)
        if isinstance(wanted, str) and (name := match(wanted, parts)) is not None:
            decisions.spend(keyword)
            return decisions.take("series", name, parts)
    return decisions.settle("series", parts, question, table.preview)


def pick_block(table: Table, decisions: Decisions) -> tuple[Table, str]:
    """(the columns of one series, its name) where several series stand side by side, each with dates of its own.

    A series is called as in the line above the header, or by its prefix, or else as its first column of prices; '' where
    there is only one. A small table beside the prices is no series.
    """
    dates = [column for column in table.with_role("date") if _dated(table, column)]
    dates = [column for column in dates if column.entity or _same_name(column, dates[0])]
    named = len({column.entity for column in dates}) == len(dates) and all(column.entity for column in dates)
    blocks = {}
    for begin, end in pairwise([*(column.position for column in dates), len(table.columns)]):
        columns = table.columns[begin:end]
        priced = [column for column in columns[1:] if _numeric(table.cells(column).head(_SAMPLE))]
        if priced:
            blocks[columns[0].entity if named else priced[0].name] = columns
    rows = {name: int((table.cells(columns[0]) != "").sum()) for name, columns in blocks.items()}
    notes, small = table.notes, [name for name in blocks if rows[name] < _SMALL * max(rows.values())]
    if small and "series" not in decisions.given:
        notes = (*notes, f"Beside the prices, {listed(small)} {'was' if len(small) == 1 else 'were'} left out: no more than "
                         f"{count_of(max(rows[name] for name in small), 'row')}.")
        blocks = {name: columns for name, columns in blocks.items() if name not in small}
    if len(blocks) < 2:
        return replace(table, columns=next(iter(blocks.values()), table.columns) if small else table.columns, notes=notes), ""
    column = decisions.given.get("column")
    if column is not None and "series" not in decisions.given and match(column, blocks) is None:
        chosen = named_column(column, table, list(table.columns))
        whose = [name for name, columns in blocks.items() if chosen in columns]
        decisions.given |= {"series": whose[0], "column": chosen.name} if whose else {}  # positions are among all columns
    wanted = _one_series(blocks, decisions, f"The file holds {count(len(blocks))} series side by side, each with its own "
                                            "dates. Which one?", table)
    return replace(table, columns=blocks[wanted], notes=notes), wanted if named else ""


def _same_name(column: Column, first: Column) -> bool:
    return re.sub(r" \(\d+\)$", "", column.name) == first.name


def _dated(table: Table, column: Column) -> bool:
    filled = [cell for cell in table.cells(column).head(_SAMPLE) if cell]
    return bool(filled) and all(map(looks_like_date, filled))


def pick_rows(table: Table, dates: pd.Series, decisions: Decisions) -> tuple[Table, pd.Series, str]:
    """(rows of one series, their dates, its name) where several are stacked in the rows; '' where there is only one."""
    stacked = _stacking_column(table, dates)
    for column in () if "series" in decisions.given else [stacked] if stacked else table.columns[:_MOST_LABELS]:
        if changes := _one_after_the_other(table, column, dates):
            return replace(table, notes=(*table.notes, *changes)), dates, ""
    if stacked is None:
        return table, dates, ""
    labels = table.frame[stacked.position]
    names = list(labels[labels != ""].value_counts().index)
    wanted = _one_series(dict.fromkeys(names), decisions, f"The file holds {count(len(names))} series, told apart by "
                                                          f"“{shown(stacked.name)}”. Which one?", table)
    rows = (labels == wanted).to_numpy()
    kept = replace(table, frame=table.frame[rows].reset_index(drop=True),
                   native=table.native[rows].reset_index(drop=True) if table.native is not None else None)
    return kept, dates[rows].reset_index(drop=True), wanted


def _stacking_column(table: Table, dates: pd.Series) -> Column | None:
    """The column that tells series apart which share their dates, or None."""
    repeated = dates.dropna().duplicated().mean()
    candidates = table.with_role("series")
    if repeated > 0.2:
        candidates += [column for column in table.columns[:64] if column.role is None and column not in candidates]
    for column in candidates:
        labels = table.cells(column)
        distinct = labels[labels != ""].nunique()
        if not 2 <= distinct <= max(2, 0.5 * len(labels)) or _numeric(labels.iloc[:: max(1, len(labels) // 60)]):
            continue
        apart = 1 - pd.DataFrame({"date": dates, "label": labels}).dropna().duplicated().mean()
        if (repeated > 0.2 and apart > 0.95) or (column.role == "series" and _is_identity(column) and repeated <= 0.2):
            return column
    return None


def _is_identity(column: Column) -> bool:
    """Whether the name says that the column holds tickers, so that several are several series even on different dates."""
    return plain(column.name) in ("ticker", "symbol", "sym", "isin", "wkn", "ric", "stock", "coin", "pair", "ticker symbol",
                                  "trading code", "code", "scrip", "instrument", "security")


def _one_after_the_other(table: Table, column: Column, dates: pd.Series) -> tuple[str, ...]:
    """Where the name of one series changes: the labels follow one another in time; () where their dates overlap."""
    labels = table.cells(column)
    dated = dates.notna().to_numpy() & (labels != "").to_numpy()
    if column.role not in (None, "series") or not 2 <= labels[dated].nunique() <= _MOST_NAMES or dated.mean() < 0.9:
        return ()
    known = pd.DataFrame({"date": dates, "label": labels})[dated].sort_values("date", kind="stable")
    changed = known["label"] != known["label"].shift()
    if changed.sum() != known["label"].nunique() or (column.role is None and _numeric(known["label"][changed])):
        return ()
    return tuple(f"“{shown(column.name)}” changes from “{shown(before.label)}” to “{shown(after.label)}” on "
                 f"{date(after.date, time=False)}; their dates do not overlap, so all rows were read as one series."
                 for before, after in pairwise(known[changed].itertuples(index=False)))


def pick_prices(table: Table, dated: tuple[int, ...], decisions: Decisions) -> Picked:
    """The columns of one series. dated: positions of the columns that hold the dates"""
    rows = np.unique(np.linspace(0, len(table.frame) - 1, _SAMPLE).astype(int))
    cells = table.frame.iloc[rows].to_numpy().T
    numeric = [c for c in table.columns if c.position not in dated and _numeric(cells[c.position])]
    numeric = [c for c in numeric if not _numbers_rows(c, table)] or numeric
    wanted, series = decisions.given.get("column"), decisions.given.get("series")
    varying = [c for c in numeric if c.role is not None or len(set(cells[c.position])) > 1]
    if wanted is None and series is None:  # a constant is taken for the price only where it is asked for
        numeric = varying or numeric
    if not numeric:
        raise UnreadableFile(_no_numbers(table, dated))
    columns, entity = _of_one_entity(numeric, table, decisions)
    wanted = decisions.given.get("column")
    if not entity and wanted is None and (wanted := decisions.given.get("series")) is not None:
        entity = named_column(wanted, table, columns).name  # one ticker a column: its name is the name of the series
    close = None
    notes: tuple[str, ...] = ()
    if wanted is None:
        close = _obvious_close(columns)
        if close is not None and not table.headed and len(table.columns) - len(numeric) - len(dated) > _MOST_WORDS:
            close = None  # sentences with a number in them
    bars = _bars_in_order(table, [c for c in columns if c in varying], dated) if close is None and not table.headed else None
    if bars and (wanted is None or named_column(wanted, table, columns).position == bars[1].position):
        columns, close = bars
        notes = ("The file names no columns; the first four with numbers were taken as open, high, low and close, in this "
                 "order: in every row the second is the highest and the third the lowest.",)
    possible = [c.name for c in _possible(columns)]
    if close is None:
        close = named_column(wanted, table, columns) if wanted is not None else _ask(columns, possible, table, decisions)
    if close.position not in {c.position for c in numeric}:
        raise UnreadableFile(f"The column “{shown(close.name)}” holds no numbers. Choose one of "
                             f"{listed([c.name for c in numeric])}.")
    decisions.take("column", close.name, list(dict.fromkeys([close.name, *possible])))
    return replace(_picked(close, columns, chosen=wanted is not None), series=entity, notes=notes)


def _ask(columns: list[Column], options: list[str], table: Table, decisions: Decisions) -> NoReturn:
    check_halves(columns, table)
    options = options or [c.name for c in columns if c.role == "other"] or [c.name for c in columns]
    by_name = {c.name: c for c in columns}
    if len(options) == 1 and by_name[options[0]].role not in ("open", "high", "low"):
        raise UnreadableFile(f"No column of this file holds prices; “{shown(options[0])}” is the only one with numbers. "
                             "If it holds the prices all the same, rename it to Close.")
    question = (f"{count(len(options))} columns could be the price. Which one?" if len(options) > 1 else
                f"Only “{shown(options[0])}” could be the price. Is it?")
    decisions.ask("column", options, question, table.preview)


def _possible(columns: list[Column]) -> list[Column]:
    """The columns that could be the price, the likelier ones first."""
    others = sorted((c for c in columns if c.role not in _NOT_PRICES), key=lambda c: "adj" in (c.role or ""))
    return sorted(others, key=lambda c: (c.role or "").split()[-1:] in (["open"], ["high"], ["low"]))


def _picked(close: Column, columns: list[Column], chosen: bool) -> Picked:
    close_like = close.role in CLOSES or close.role == "adj close" or not close.role
    roles = _partners(close, columns)
    if not close_like:
        roles = {role: column for role, column in roles.items() if "volume" in role}
    raw = next((roles[role] for role in CLOSES if role in roles), None)
    adjusted = roles.get("adj close") if close.role != "adj close" else raw
    return Picked(close, adjusted if close_like else None, roles, tuple(c.name for c in _possible(columns)), chosen)


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


def _of_one_entity(numeric: list[Column], table: Table, decisions: Decisions) -> tuple[list[Column], str]:
    """(columns of one entity, the entity): 'Close AAPL' and 'Close MSFT' are columns of two."""
    entities = list(dict.fromkeys(c.entity for c in numeric if c.role in CLOSES and c.entity))
    plain_close = any(c.role in CLOSES and not c.entity for c in numeric)
    column, series = decisions.given.get("column"), decisions.given.get("series")
    if len(entities) < 2 and not (entities and plain_close):
        if entities and series is not None and match(series, entities):
            decisions.take("series", decisions.spend("series") and entities[0])
            return numeric, entities[0]
        return numeric, ""
    if column is None and series is None and _stand_alone(numeric):
        return numeric, ""
    if plain_close and series is None:
        return [c for c in numeric if not c.entity or c.role not in CLOSES], ""
    if column is not None and series is None and not match(column, entities) and plain(str(column)) not in ROLES:
        chosen = named_column(column, table, numeric)  # 'Close' alone leaves open whose
        return [c for c in numeric if c.entity in (chosen.entity, "")], chosen.entity
    wanted = _one_series(dict.fromkeys(entities), decisions,
                         f"The file holds prices of {count(len(entities))} series. Which one?", table)
    return [c for c in numeric if c.entity in (wanted, "")], wanted


def _stand_alone(numeric: list[Column]) -> bool:
    """Whether names like 'Oil Price' and 'Gold Price' are those of single columns among others: that is asked as such."""
    return (any(c.role is None for c in numeric)
            and not any(c.entity and c.role in ("open", "high", "low", "volume") for c in numeric))


def _obvious_close(columns: list[Column]) -> Column | None:
    """The column that its name makes the price, or the only one with numbers that could be one."""
    for role in (*CLOSES, "adj close"):
        found = [c for c in columns if c.role == role]
        if len(found) == 1:
            return found[0] if not _is_one_of_many(found[0], columns) else None
        if found:
            return None
    if any(c.role in ("open", "high", "low") for c in columns):
        return None
    possible = [c for c in columns if c.role is None]
    return possible[0] if len(possible) == 1 else None


def _is_one_of_many(close: Column, columns: list[Column]) -> bool:
    """Whether 'Oil Price' may stand beside the prices of others that are called by their tickers alone."""
    others = [c for c in columns if c is not close]
    return (bool(close.entity) and any(c.role is None for c in others)
            and not any(c.entity == close.entity and c.role in ("open", "high", "low") for c in others))


def _bars_in_order(table: Table, columns: list[Column], dated: tuple[int, ...]) -> tuple[list[Column], Column] | None:
    """(the columns with their roles, the close) of a table without names whose first numbers are open, high, low and close.

    They are where the second is never below, and the third never above, the other three. The next one is the volume, unless
    it follows the close, as adjusted prices do: then it is the one after.
    """
    first = [c for c in columns if c.position > max(dated)][:6]
    if len(first) < 4 or [c.position for c in first[:4]] != [*range(first[0].position, first[0].position + 4)]:
        return None
    evidence = [table.weigh(column) for column in first]
    mark = sum(evidence, Evidence()).decided or "."
    values = np.stack([table.figures(column, its.decided or mark).values for column, its in zip(first, evidence, strict=True)])
    known = values[:, np.isfinite(values[:4]).all(axis=0)]
    if known.shape[1] < max(10, 0.9 * len(table.frame)):
        return None
    highest, lowest = (known[1] == known[:4].max(axis=0)).all(), (known[2] == known[:4].min(axis=0)).all()
    ranges = known[1] - known[2]
    if not (highest and lowest) or (ranges > 0).mean() <= 0.3 or np.median(ranges) > 0.5 * np.median(np.abs(known[2])):
        return None
    roles = ["open", "high", "low", "close"]
    follows = [_follows(other, known[3]) for other in known[4:]]
    volume = known[4 + follows.index(False)] if False in follows else None
    if volume is not None and 0 <= volume.min() < volume.max():
        roles += [""] * follows.index(False) + ["volume"]
    named = {c.position: replace(c, role=role) for c, role in zip(first, roles, strict=False) if role}
    return [named.get(c.position, c) for c in columns], named[first[3].position]


def _follows(prices: np.ndarray, close: np.ndarray) -> bool:
    """Whether these are the closes themselves, adjusted for dividends and splits."""
    apart = np.log((prices / np.where(close == 0, np.nan, close))[prices > 0])
    return len(apart) > 1 and bool(np.nanmedian(np.abs(np.diff(apart))) < 0.002)


def named_column(wanted, table: Table, columns: list[Column], part: str = "column") -> Column:
    """The column that `wanted` means: its name, 'column 5' (counted from 1), or a position (counted from 0)."""
    if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool):
        if 0 <= wanted < len(table.columns):
            return table.columns[wanted]
        raise UnreadableFile(f"There is no column {wanted}: positions go from 0 to {len(table.columns) - 1}.")
    text = str(wanted).strip()
    for group in (columns, table.columns):
        for test in (lambda c: c.name == str(wanted), lambda c: c.name.strip().lower() == text.lower(),
                     lambda c: plain(c.name) == plain(text),
                     lambda c: c.entity.lower() == text.lower() and c.role in (None, *CLOSES)):
            found = [c for c in group if test(c)]
            if len(found) == 1:
                return found[0]
    if numbered := re.fullmatch(r"column (\d{1,5})", text, re.IGNORECASE):
        if 1 <= int(numbered[1]) <= len(table.columns):
            return table.columns[int(numbered[1]) - 1]
    elif text.isdecimal() and int(text) < len(table.columns):
        return table.columns[int(text)]
    roles = [c for c in columns if c.role and plain(text) == c.role]
    if len(roles) == 1:
        return roles[0]
    raise UnreadableFile(f"There is no column “{shown(wanted)}” in this file{_ASKED_FOR.get(part, '')}. It has "
                         f"{listed([c.name for c in table.columns])}.")


_ASKED_FOR = {"date": " for the dates", "time": " for the time of day"}


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
    numbers = pd.to_numeric(table.cells(column), errors="coerce")
    return bool(numbers.iloc[0] in (0, 1) and (numbers.diff().dropna() == 1).mean() > 0.99)


def _no_numbers(table: Table, dated: tuple[int, ...]) -> str:
    closes = [c for c in table.with_role(*CLOSES) if c.position not in dated]
    others = [c for c in table.columns if c.position not in dated]
    if not others:
        return "The file has dates but no other column, so there are no prices. Choose a file with dates and prices."
    column = (closes or others)[0]
    example = next((cell for cell in table.cells(column) if not is_missing(cell)), "")
    return (f"No column of this file holds numbers: “{shown(column.name)}” holds e.g. “{shown(example)}”. "
            "Prices must be numbers, e.g. 168.34.")
