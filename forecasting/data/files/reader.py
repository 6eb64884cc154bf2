"""`read_prices`: a price history from any file with dates and prices, with what was done to it, or a question, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from forecasting.data.files.apply import to_history
from forecasting.data.files.container import clean_label, open_source
from forecasting.data.files.decisions import Decisions
from forecasting.data.files.encoding import to_utf8
from forecasting.data.files.excel import pick_sheet, read_sheets
from forecasting.data.files.frames import as_pandas, in_table_words, is_table, name_of, to_grid
from forecasting.data.files.grid import Grid, read_grid
from forecasting.data.files.layout import find_table
from forecasting.data.files.pick_dates import pick_dates
from forecasting.data.files.picking import pick_block, pick_prices, pick_rows
from forecasting.data.files.vocabulary import ROLES, plain
from forecasting.data.files.wording import shown
from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, DataError, NeedsChoice, UnreadableFile

__all__ = ["read_every_series", "read_prices"]


def read_prices(source, column=None, series=None, sheet=None, name=None, *, encoding=None, delimiter=None, header=None,
                date=None, date_order=None, time=None, adjusted=None, decimal=None, known=None, calendar=None,
                **others) -> PriceHistory:
    """The prices in a file or table.

    source: a path, bytes, or an open binary file: CSV or other delimited text, Excel (.xlsx), also in gzip or zip; or a
        DataFrame or Series with dates in its index or in a column, of pandas, polars or another library that speaks Arrow
        or the dataframe interchange protocol
    name: what to call the history; by default the file's name without its ending, or the name of the Series
    known: a column, or a list of them, with values that are known in advance, such as holidays; its values in rows below, dated
        and without a price, are those of days to come. By default the columns of numbers that go on like that
    calendar: the exchange whose trading days the forecast days are, holidays left out: its code in `exchange_calendars`, such
        as 'XNYS' for New York, or '24/7'. By default the days of the week that have rows, holidays included

    Each part of how a file is read is found out, and can be said instead; `history.reading` says what was taken:

    column: the price: its name, 'column 5' (counted from 1) or a position (counted from 0); in a DataFrame with several
        levels of columns also a tuple such as ('Close', 'AAPL')
    adjusted: whether to take the price that is adjusted for splits and dividends, where there are both
    series: which one, where the file holds several, stacked or side by side
    sheet: name or position of the sheet, or of the file in a zip archive
    date: the column with the dates; time: the column with the time of day, '' for none
    date_order: 'day/month/year' or 'month/day/year', where the dates do not tell
    decimal: '.' or ','
    header: the line with the names of the columns, from 1, or 0 for none
    delimiter: the sign between cells, or '  ' for columns set apart by blanks; encoding: of the text, such as 'cp1252'

    Where the file can be read in more than one way, NeedsChoice names the keyword that settles it, its options and a
    preview. What holds no dated prices is an UnreadableFile that says why; a keyword that cannot be is a ConfigError.
    Everything done is in `history.notes`.
    """
    from forecasting.arguments import refuse_keywords

    refuse_keywords(others, read_prices)
    if isinstance(column, tuple):
        column = " ".join(map(str, column))
    _check(decimal in (None, ".", ","), "decimal must be '.' or ','.", decimal)
    _check(adjusted in (None, True, False), "adjusted must be True or False.", adjusted)
    wanted = [known] if isinstance(known, str) else known
    _check(wanted is None or (isinstance(wanted, list | tuple) and all(isinstance(one, str) for one in wanted)),
           "known must be the name of a column, or a list of names.", known)
    if calendar is not None:
        from forecasting.data.calendars import check_calendar

        check_calendar(calendar)
    parts = {"encoding": encoding, "delimiter": delimiter, "header": header, "date": date, "date_order": date_order,
             "time": time, "column": column, "adjusted": adjusted, "series": series, "sheet": sheet, "decimal": decimal}
    decisions = Decisions({part: value for part, value in parts.items() if value is not None})

    def read(grid: Grid, decisions: Decisions) -> PriceHistory:
        return _read(grid, decisions, None if wanted is None else list(wanted), tell_rest=is_table(source))

    try:
        history = _from_table(source, name, decisions, read) if is_table(source) else _from_file(source, name, decisions, read)
    except DataError as error:
        error.reading = decisions.interpretation
        raise
    return replace(history, calendar=calendar)


def read_every_series(source) -> list[PriceHistory]:
    """The prices of every series in a file that `read_prices` would ask about; else the one it reads.

    source: as for `read_prices`
    A file that leaves more open than the series or the column raises NeedsChoice for that.
    """
    start = source.tell() if hasattr(source, "tell") else None

    def read(**choice):
        if start is not None:
            source.seek(start)
        return read_prices(source, **choice)

    try:
        return [read()]
    except NeedsChoice as question:
        if question.kind == "series":
            return [read(series=option) for option in question.options]
        if question.kind == "column":
            return [read(column=option, name=option) for option in question.options]
        raise


def _check(right: bool, sentence: str, received):
    if not right:
        raise ConfigError(f"{sentence} Received: {str(received)[:60]!r}.")


Read = Callable[[Grid, Decisions], PriceHistory]


def _from_file(source, name, decisions: Decisions, read: Read) -> PriceHistory:
    opened = open_source(source, decisions)
    if opened.excel:
        sheet, history = pick_sheet(read_sheets(opened.data), decisions, read)
        notes, where = opened.notes, f", sheet “{shown(sheet)}”"
    else:
        data, decoding = to_utf8(opened.data, decisions)
        history = read(read_grid(data, decisions), decisions)
        notes, where = (*opened.notes, *decoding), ""
    label = clean_label(str(name)) if name else opened.label or history.name or "Prices"
    return replace(history, name=label if name else history.name or label, source=f"file {label}{where}",
                   notes=(*notes, *history.notes))


def _from_table(source, name, decisions: Decisions, read: Read) -> PriceHistory:
    table = as_pandas(source)
    column = decisions.given.get("column")
    try:
        history = read(to_grid(table), decisions)
    except (NeedsChoice, UnreadableFile) as error:
        raise in_table_words(error) from None
    asked = clean_label(column) if isinstance(column, str) and plain(column) not in ROLES else ""
    label = clean_label(str(name)) if name else history.name or name_of(table) or asked or "Prices"
    return replace(history, name=label, source=f"a {'Series' if isinstance(table, pd.Series) else 'DataFrame'}")


def _read(grid: Grid, decisions: Decisions, known: list[str] | None, tell_rest: bool) -> PriceHistory:
    """The history in a grid, its name '' unless there are several series."""
    table, block = pick_block(find_table(grid, decisions), decisions)
    dates = pick_dates(table, decisions)
    table, stamps, stacked = pick_rows(table, dates.reading.values.reset_index(drop=True), decisions)
    picked = pick_prices(table, dates.positions, decisions)
    dates = replace(dates, reading=replace(dates.reading, values=stamps, left_out=None if stacked else dates.reading.left_out))
    return to_history(table, dates, replace(picked, series=stacked or block or picked.series), decisions, known,
                      tell_rest and not stacked)
