"""`read_prices`: a price history from any file with dates and prices, with what was done to it, or a question, or a refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.files.container import clean_label, open_source
from forecasting.data.files.dates import order_named
from forecasting.data.files.delimited import read_grid
from forecasting.data.files.encoding import to_utf8
from forecasting.data.files.excel import pick_sheet, read_sheets
from forecasting.data.files.figures import Evidence, Figures, read_figures, weigh
from forecasting.data.files.headers import Column, Table, count, find_table, shown
from forecasting.data.files.pick_dates import daily_or_timed, pick_dates
from forecasting.data.files.pick_prices import Picked, pick_prices, pick_rows
from forecasting.data.history import PriceHistory
from forecasting.errors import NeedsChoice, UnreadableFile

__all__ = ["read_prices"]

_TOLERATED = 0.1  # the share of prices that may be unreadable text
_SPLIT = 1.2  # a step of raw over adjusted prices that no ordinary dividend makes
_LARGE = 1e30  # beyond this, squares of prices overflow in single precision


def read_prices(source, column=None, series=None, sheet=None, date_order=None, decimal=None, name=None) -> PriceHistory:
    """The prices in a file.

    source: a path, bytes, or an open binary file: CSV or other delimited text, Excel (.xlsx), also in gzip or zip
    column: the price: its name, 'column 5' (counted from 1) or a position (counted from 0)
    series: which one, where the file holds several, stacked or side by side
    sheet: name or position of the sheet, or of the file in a zip archive
    date_order: 'day/month/year' or 'month/day/year', where the dates do not tell
    decimal: '.' or ',', where the numbers do not tell
    name: what to call the history; the file's name without its ending by default

    Where the file can be read in more than one way, NeedsChoice names the keyword that settles it, its options and a
    preview. What holds no dated prices is an UnreadableFile that says why. Everything done is in `history.notes`.
    """
    if decimal not in (None, ".", ","):
        raise UnreadableFile(f"decimal must be '.' or ','. Received: {decimal!r}.")
    if date_order is not None and order_named(date_order) is None:
        raise UnreadableFile(f"date_order must be 'day/month/year' or 'month/day/year'. Received: {date_order!r}.")
    opened, sheet_used = open_source(source, sheet)

    def to_history(grid):
        return _history(find_table(grid), column, series, order_named(date_order), decimal)

    if opened.excel:
        sheet_name, history = pick_sheet(read_sheets(opened.data), None if sheet_used else sheet, to_history)
        where = f", sheet “{shown(sheet_name)}”"
        notes = opened.notes
    else:
        data, decoding = to_utf8(opened.data)
        history = to_history(read_grid(data))
        notes, where = (*opened.notes, *decoding), ""
    label = opened.label or "Prices"
    return replace(history, name=clean_label(str(name)) if name else history.name or label,
                   source=f"file {label}{where}", notes=(*notes, *history.notes))


def _history(table: Table, column, series, order, decimal) -> PriceHistory:
    """The history in a table, its name '' unless a series was chosen."""
    dates = pick_dates(table, order)
    stamps = dates.reading.values.reset_index(drop=True)
    table, stamps, stacked, column = pick_rows(table, stamps, series, column)
    picked, entity = pick_prices(table, stamps, dates.positions, column, None if stacked else series)
    columns = {"close": picked.close, **_companions(picked)}
    figures = _read_columns(table, columns, decimal)
    close = figures["close"]
    if close.share_read < 1 - _TOLERATED:
        text = table.frame[picked.close.position]
        bad = text[close.unreadable]
        example = f", e.g. “{shown(bad.iloc[0])}”" if len(bad) else ""
        raise UnreadableFile(f"The column “{shown(picked.close.name)}” does not hold prices: {int(close.unreadable.sum()):,} of its "
                             f"{len(text):,} cells are not numbers{example}. Prices must be numbers, e.g. 168.34.")
    frame, price_notes = _frame(picked, {role: f.values for role, f in figures.items()}, stamps)
    frame, row_notes = _clean_rows(frame, stamps, close, table)
    index, day_notes = daily_or_timed(frame["Date"], dates.reading.zone)
    frame, sort_notes = _one_row_a_date(frame.assign(Date=index), stamps)
    closes = frame["Close"].to_numpy()
    if not closes.any():
        raise UnreadableFile(f"Every price in “{shown(picked.close.name)}” is zero. Choose another column or file.")
    notes = (*table.notes, *dates.reading.notes, *dates.notes, *day_notes, *sort_notes, *row_notes, *picked.notes, *price_notes,
             *_figure_notes(close), *_remarks(frame))
    frame = frame.set_index("Date")
    return PriceHistory(frame, name=stacked or entity or "", source="file", currency=_currency(table, picked.close, close),
                        notes=notes, alternatives=picked.alternatives)


def _companions(picked: Picked) -> dict[str, Column]:
    kept = ("open", "high", "low", "volume", "adj open", "adj high", "adj low", "adj volume")
    columns = {role: column for role, column in picked.roles.items() if role in kept and column is not picked.close}
    return columns | ({"adjusted": picked.adjusted} if picked.adjusted else {})


def _read_columns(table: Table, columns: dict[str, Column], decimal: str | None) -> dict[str, Figures]:
    """Each column as floats, by one decimal mark; the price column's must be certain."""
    def native(position):
        return table.native[position] if table.native is not None else None

    evidence = {role: weigh(table.frame[c.position], native(c.position)) for role, c in columns.items()}
    close = evidence["close"]
    if decimal is None and close.contradicts:
        raise UnreadableFile(f"The column “{shown(columns['close'].name)}” has both decimal points and decimal commas, so its "
                             "numbers cannot be told. Write all of them in one way.")
    everywhere = sum(evidence.values(), Evidence())
    if close.ambiguous and everywhere.decided is None:
        everywhere = sum((weigh(table.frame[c.position].head(2000), native(c.position)) for c in table.columns[:64]), Evidence())
    fallback = decimal or everywhere.decided
    point = decimal or close.decided or everywhere.decided
    if point is None and close.ambiguous:
        # Points are decimal points where nothing else in the file is grouped: in exports of programs.
        if close.open_commas == 0 and (table.delimiter == "," or everywhere.ungrouped):
            point = "."
        else:
            text = table.frame[columns["close"].position]
            unclear = text[text.str.contains(r"[.,]", regex=True)].head(5)
            raise NeedsChoice(f"The numbers in “{shown(columns['close'].name)}” can be read in two ways, e.g. "
                              f"“{shown(unclear.iloc[0])}”. Which sign is the decimal mark?", kind="decimal", options=(".", ","),
                              preview=tuple({"as written": shown(cell)} | {
                                  f"decimal {mark}": f"{read_figures(pd.Series([cell], dtype='str'), mark).values[0]:,}"
                                  for mark in ".,"} for cell in unclear))
    return {role: read_figures(table.frame[c.position], (point if role == "close" else None) or evidence[role].decided
                               or fallback or point or ".", native(c.position)) for role, c in columns.items()}


def _frame(picked: Picked, values: dict[str, np.ndarray], dates: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """Date, Close, Open, High, Low, Volume in the order of the rows; adjusted throughout where that is the better price."""
    close, other = values["close"], values.get("adjusted")
    prefix, factor, notes = "", None, []
    name = shown(picked.close.name)
    if picked.close.role == "adj close":
        prefix = "adj "
        factor = None if other is None else _ratio(close, other)
    elif other is not None:
        jump = _largest_step(close, other, dates)
        complete = all(f"adj {role}" in values for role in ("open", "high", "low"))
        if not picked.chosen and (jump or complete):
            prefix, factor, close = "adj ", _ratio(other, close), other
            why = f"“{name}” jumps at splits, e.g. on {jump}" if jump else "all its prices are adjusted for splits and dividends"
            notes.append(f"“{shown(picked.adjusted.name)}” was used because {why}; “{name}” can be chosen instead.")
        elif not picked.chosen:
            notes.append(f"“{name}” was used; “{shown(picked.adjusted.name)}”, adjusted for splits and dividends, can be chosen "
                         "instead.")
    columns = {"Date": dates.to_numpy(), "Close": close}
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
    return pd.DataFrame(columns), notes


def _ratio(adjusted: np.ndarray, raw: np.ndarray) -> np.ndarray:
    return np.divide(adjusted, raw, out=np.full(len(raw), np.nan), where=raw != 0)


def _largest_step(raw: np.ndarray, adjusted: np.ndarray, dates: pd.Series) -> str | None:
    """The date on which raw prices part from adjusted ones by more than a dividend, or None."""
    ratio = pd.Series(_ratio(raw, adjusted), index=pd.DatetimeIndex(dates)).dropna()
    ratio = ratio[(ratio > 0) & ratio.index.notna()].sort_index()
    steps = np.abs(np.diff(np.log(ratio.to_numpy())))
    if not len(steps) or steps.max() < np.log(_SPLIT):
        return None
    return f"{ratio.index[int(steps.argmax()) + 1]:%Y-%m-%d}"


def _clean_rows(frame: pd.DataFrame, dates: pd.Series, close: Figures, table: Table) -> tuple[pd.DataFrame, list[str]]:
    """Rows with a date and a finite price, and how many others there were."""
    undated, unpriced = frame["Date"].isna().to_numpy(), ~np.isfinite(frame["Close"].to_numpy())
    blank = undated & unpriced
    filled = (table.frame != "").any(axis=1).to_numpy()
    notes = []
    if number := int((blank & filled).sum()):
        notes.append(f"{count(number, 'line')} left out that hold neither a date nor a price.")
    if number := int((undated & ~unpriced).sum()):
        notes.append(f"{count(number, 'row')} left out because the date cannot be read.")
    if number := int((unpriced & ~undated & ~close.unreadable).sum()):
        notes.append(f"{count(number, 'row')} left out without a price.")
    if number := int((unpriced & ~undated & close.unreadable).sum()):
        notes.append(f"{count(number, 'row')} left out because the price is not a finite number.")
    kept = frame[~undated & ~unpriced]
    if len(kept) < 2:
        raise UnreadableFile(f"The file has {count(len(kept), 'row').rsplit(' ', 1)[0]} with both a date and a price; at least 2 are "
                             "needed. Choose a file with more prices.")
    return kept.sort_values("Date", kind="stable"), notes


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
            raise UnreadableFile(
                f"Most dates occur several times with different prices, e.g. {example:%Y-%m-%d} {int((frame['Date'] == example).sum())} "
                "times, so several series or times of day seem to be mixed. Add a column that tells them apart, or keep one.")
        same = number - differing
        if same:
            notes.append(f"{count(same, 'repeated row')} left out.")
        if differing:
            notes.append(f"{count(differing, 'row')} left out whose date occurs again with another price; the last one counts.")
    return frame[~repeated], notes


def _figure_notes(close: Figures) -> list[str]:
    notes = []
    if close.percent:
        notes.append("The values carry a percent sign and are in percent.")
    if close.dollar_sign:
        notes.append("The sign $ was taken for US dollars.")
    return notes


def _currency(table: Table, column: Column, figures: Figures) -> str | None:
    """What the numbers, the header, a column of its own or a title line say, in this order."""
    for stated in table.with_role("currency"):
        codes = table.frame[stated.position].unique()
        if len(codes) == 1 and codes[0].isalpha() and len(codes[0]) == 3:
            return codes[0].upper()
    return figures.currency or column.currency or table.currency


def _remarks(frame: pd.DataFrame) -> list[str]:
    """What a person should know of the prices before training on them."""
    closes, last = frame["Close"].to_numpy(), frame["Date"].iloc[-1]
    notes = []
    if closes.min() == closes.max():
        notes.append(f"All prices are equal ({closes[0]:g}): there is nothing to forecast.")
    if np.abs(closes).max() > _LARGE:
        notes.append(f"Prices reach {np.abs(closes).max():.3g}, which is too large to train on; divide them by a power of ten.")
    if last > pd.Timestamp.now() + pd.Timedelta(days=2):
        notes.append(f"The dates reach into the future, up to {last:%Y-%m-%d}.")
    return notes
