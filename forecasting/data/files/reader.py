"""`read_prices`: a price history from any file with dates and prices, with what was done to it, or a question, or a refusal."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from forecasting.data.files.adjusted import price_frame
from forecasting.data.files.container import clean_label, open_source
from forecasting.data.files.dates import order_named
from forecasting.data.files.delimited import read_grid
from forecasting.data.files.encoding import to_utf8
from forecasting.data.files.excel import pick_sheet, read_sheets
from forecasting.data.files.figures import Evidence, Figures, in_32nds, read_figures, weigh
from forecasting.data.files.frames import as_pandas, in_table_words, is_table, name_of, to_grid
from forecasting.data.files.headers import Column, Table, find_table
from forecasting.data.files.pick_dates import daily_or_timed, pick_dates
from forecasting.data.files.pick_known import going_on, known_values
from forecasting.data.files.pick_prices import Picked, named_column, pick_block, pick_prices, pick_rows
from forecasting.data.files.reshape import dates_down, months_down
from forecasting.data.files.rows import clean_rows, one_row_a_date, remarks
from forecasting.data.files.vocabulary import ROLES, plain
from forecasting.data.files.wording import listed, shown
from forecasting.data.history import PriceHistory
from forecasting.data.interpretation import Interpretation
from forecasting.errors import ConfigError, NeedsChoice, UnreadableFile
from forecasting.words import count, count_of

__all__ = ["read_every_series", "read_prices"]

_TOLERATED = 0.1  # the share of prices that may be unreadable text


def read_prices(source, column=None, series=None, sheet=None, name=None, *, date_order=None, decimal=None,
                known=None, calendar=None, **others) -> PriceHistory:
    """The prices in a file or table.

    source: a path, bytes, or an open binary file: CSV or other delimited text, Excel (.xlsx), also in gzip or zip; or a
        DataFrame or Series with dates in its index or in a column, of pandas, polars or another library that speaks Arrow
        or the dataframe interchange protocol
    column: the price: its name, 'column 5' (counted from 1) or a position (counted from 0); in a DataFrame with several
        levels of columns also a tuple such as ('Close', 'AAPL')
    series: which one, where the file holds several, stacked or side by side
    sheet: name or position of the sheet, or of the file in a zip archive
    name: what to call the history; by default the file's name without its ending, or the name of the Series
    date_order: 'day/month/year' or 'month/day/year', where the dates do not tell
    decimal: '.' or ',', where the numbers do not tell
    known: a column, or a list of them, with values that are known in advance, such as holidays; its values in rows below, dated
        and without a price, are those of days to come. By default the columns of numbers that go on like that
    calendar: the exchange whose trading days the forecast days are, holidays left out: its code in `exchange_calendars`, such
        as 'XNYS' for New York, or '24/7'. By default the days of the week that have rows, holidays included

    Where the file can be read in more than one way, NeedsChoice names the keyword that settles it, its options and a
    preview. What holds no dated prices is an UnreadableFile that says why; a keyword that cannot be is a ConfigError.
    Everything done is in `history.notes`.
    """
    from forecasting.arguments import refuse_keywords

    refuse_keywords(others, read_prices)
    if decimal not in (None, ".", ","):
        raise ConfigError(f"decimal must be '.' or ','. Received: {decimal!r}.")
    if date_order is not None and order_named(date_order) is None:
        raise ConfigError(f"date_order must be 'day/month/year' or 'month/day/year'. Received: {date_order!r}.")
    if known is not None and not (isinstance(known, str) or (isinstance(known, list | tuple)
                                                             and all(isinstance(one, str) for one in known))):
        raise ConfigError(f"known must be the name of a column, or a list of names. Received: {str(known)[:60]!r}.")
    wanted = None if known is None else [known] if isinstance(known, str) else list(known)
    if isinstance(column, tuple):
        column = " ".join(map(str, column))

    def to_history(grid):
        return _history(find_table(dates_down(grid)), column, series, order_named(date_order), decimal, wanted,
                        tell_rest=is_table(source))

    if calendar is not None:
        from forecasting.data.calendars import check_calendar

        check_calendar(calendar)
    if is_table(source):
        return replace(_from_table(source, name, column, to_history), calendar=calendar)
    opened, sheet_used = open_source(source, sheet)
    if opened.excel:
        sheet_name, history = pick_sheet(read_sheets(opened.data), None if sheet_used else sheet, to_history)
        where = f", sheet “{shown(sheet_name)}”"
        notes = opened.notes
        history = replace(history, reading=replace(history.reading, sheet=sheet_name))
    else:
        data, decoding = to_utf8(opened.data)
        history = to_history(read_grid(data))
        notes, where = (*opened.notes, *decoding), ""
    label = clean_label(str(name)) if name else opened.label or history.name or "Prices"
    return replace(history, name=label if name else history.name or label, source=f"file {label}{where}", calendar=calendar,
                   notes=(*notes, *history.notes))


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


def _from_table(source, name, column, to_history) -> PriceHistory:
    table = as_pandas(source)
    try:
        history = to_history(to_grid(table))
    except (NeedsChoice, UnreadableFile) as error:
        raise in_table_words(error) from None
    asked = clean_label(column) if isinstance(column, str) and plain(column) not in ROLES else ""
    label = clean_label(str(name)) if name else history.name or name_of(table) or asked or "Prices"
    return replace(history, name=label, source=f"a {'Series' if isinstance(table, pd.Series) else 'DataFrame'}")


def _history(table: Table, column, series, order, decimal, known=None, tell_rest=False) -> PriceHistory:
    """The history in a table, its name '' unless a series was chosen. tell_rest: note which columns were left out"""
    table = months_down(table)
    table, series, column = pick_block(table, series, column)
    dates = pick_dates(table, order)
    stamps = dates.reading.values.reset_index(drop=True)
    table, stamps, stacked, column = pick_rows(table, stamps, series, column)
    named = [named_column(name, table, list(table.columns)) for name in known or ()]
    priced = replace(table, columns=tuple(one for one in table.columns if one not in named))
    picked, entity = pick_prices(priced, stamps, dates.positions, column, None if stacked else series)
    columns = {"close": picked.close, **_companions(picked)}
    figures = _read_columns(table, columns, dates.positions, decimal)
    close = figures["close"]
    if close.share_read < 1 - _TOLERATED:
        text = table.frame[picked.close.position]
        bad = text[close.unreadable]
        example = f", e.g. “{shown(bad.iloc[0])}”" if len(bad) else ""
        raise UnreadableFile(f"The column “{shown(picked.close.name)}” does not hold prices: {count(len(bad))} of its "
                             f"{count(len(text))} cells are not numbers{example}. Prices must be numbers, e.g. 168.34.")
    frame, used, price_notes = price_frame(picked, {role: f.values for role, f in figures.items()}, stamps)
    if known is None:
        taken = {*dates.positions, *(one.position for one in columns.values())}
        named = going_on(table, frame, [one for one in table.columns if one.position not in taken])
    frame, row_notes = clean_rows(frame, close, table)
    index, day_notes = daily_or_timed(frame["Date"], dates.reading.zone)
    ahead, known_notes = known_values(table, named, stamps, frame["Date"], index, decimal)
    frame, sort_notes = one_row_a_date(frame.assign(Date=index), stamps)
    if not frame["Close"].any():
        raise UnreadableFile(f"Every price in “{shown(picked.close.name)}” is zero. Choose another column or file.")
    used_at = {*dates.positions, *(one.position for one in (*columns.values(), *named))}
    rest = [one.name for one in table.columns if one.position not in used_at] if tell_rest and not stacked else []
    rest_notes = [f"{count_of(len(rest), 'column')} left out: {listed(rest)}."] if rest else []
    notes = (*table.notes, *dates.reading.notes, *dates.notes, *day_notes, *sort_notes, *row_notes, *picked.notes, *price_notes,
             *_figure_notes(close), *known_notes, *rest_notes, *remarks(frame))
    return PriceHistory(frame.set_index("Date"), known=ahead, name=stacked or entity or "", source="file",
                        currency=_currency(table, picked.close, close), notes=notes,
                        reading=_reading(table, dates, picked, used, series, decimal),
                        alternatives=tuple(name for name in picked.candidates if name != used))


def _reading(table, dates, picked, used, series, decimal) -> Interpretation:
    """A stand-in, until the reader itself keeps what it took."""
    texts = table.frame[picked.close.position]
    mark = decimal or weigh(texts, None).decided
    options = {"column": {name: name for name in picked.candidates}, "decimal": {".": "a point", ",": "a comma"}}
    return Interpretation(column=used, decimal=mark or ".", series=series, date=dates.name, date_order=dates.reading.order,
                          options=options if len(picked.candidates) > 1 else {"decimal": options["decimal"]})


def _companions(picked: Picked) -> dict[str, Column]:
    kept = ("open", "high", "low", "volume", "adj open", "adj high", "adj low", "adj volume")
    columns = {role: column for role, column in picked.roles.items() if role in kept and column is not picked.close}
    return columns | ({"adjusted": picked.adjusted} if picked.adjusted else {})


def _read_columns(table: Table, columns: dict[str, Column], dated: tuple[int, ...], decimal: str | None) -> dict[str, Figures]:
    """Each column as floats, by one decimal mark; the price column's must be certain."""
    def native(position):
        return table.native[position] if table.native is not None else None

    evidence = {role: weigh(table.frame[c.position], native(c.position)) for role, c in columns.items()}
    close = evidence["close"]
    if decimal is None and close.contradicts:
        raise UnreadableFile(f"The column “{shown(columns['close'].name)}” has both decimal points and decimal commas, so its "
                             "numbers cannot be told. Write all of them in one way.")
    if in_32nds(table.frame[columns["close"].position]):
        raise UnreadableFile(f"The prices in “{shown(columns['close'].name)}” are in thirty-seconds, e.g. "
                             f"{shown(table.frame[columns['close'].position].iloc[0])}. Convert them to decimals.")
    everywhere = sum(evidence.values(), Evidence())
    if close.ambiguous and everywhere.decided is None:
        for position in {column.position for column in table.columns[:64]}.difference(dated):
            everywhere += weigh(table.frame[position], native(position))
    fallback = decimal or everywhere.decided
    point = decimal or close.decided or everywhere.decided
    if point is None and close.ambiguous:
        if close.open_commas == 0 and table.plain_points:
            point = "."
        else:
            _ask_for_decimal(columns["close"], table.frame[columns["close"].position])
    return {role: read_figures(table.frame[c.position], (point if role == "close" else None) or evidence[role].decided
                               or fallback or point or ".", native(c.position)) for role, c in columns.items()}


def _ask_for_decimal(column: Column, text: pd.Series):
    unclear = text[text.str.contains(r"[.,]", regex=True)].head(5)
    preview = tuple({"as written": shown(cell)} | {
        f"decimal {mark}": f"{read_figures(pd.Series([cell], dtype='str'), mark).values[0]:,}" for mark in ".,"}
        for cell in unclear)
    raise NeedsChoice(f"The numbers in “{shown(column.name)}” can be read in two ways, e.g. “{shown(unclear.iloc[0])}”. Which "
                      "sign is the decimal mark?", kind="decimal", options=(".", ","), preview=preview)


def _figure_notes(close: Figures) -> list[str]:
    notes = []
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
        codes = table.frame[stated.position].unique()
        if len(codes) == 1 and codes[0].isalpha() and len(codes[0]) == 3:
            return codes[0].upper()
    return figures.currency or table.currency
