"""Tables that are written across the page, turned into one row a date."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from forecasting.data.files.calendar_words import month_number, quarter_number
from forecasting.data.files.date_forms import looks_like_date
from forecasting.data.files.delimited import Grid
from forecasting.data.files.headers import Column, Table
from forecasting.data.files.number_forms import is_missing, looks_like_number, tidy
from forecasting.data.files.vocabulary import ROLES, plain
from forecasting.data.files.wording import counted, shown
from forecasting.errors import UnreadableFile

__all__ = ["dates_down", "months_down"]

_MOST_SERIES = 200
_LOOK, _LOOK_COLUMNS = 30, 1000  # where a header of years is looked for
_MOST_VALUES, _MOST_LABELS = 300_000, 6
_YEARS_IN_A_ROW = 5
# '1960', and as R and the World Bank write it: 'X1960', 'YR1960', '1960 [YR1960]'.
_YEAR = re.compile(r"(?:X|YR)?((?:1[7-9]|2[01])\d\d|2200)(?:\.0*)?(?:\s?\[YR\d{4}\])?")
_EUROSTAT = re.compile(r".*\\time(?:_period)?", re.IGNORECASE)
_FLAGGED = r"^([-+]?[0-9][0-9.,]*|:) +[a-z]{1,3}$"


def dates_down(grid: Grid) -> Grid:
    """A row for each date of a grid that has its dates or years side by side in a row; other grids as they are."""
    grid = _without_flags(grid)
    _check_first_year(grid)
    for at, row in enumerate(grid.frame.iloc[:_LOOK, :_LOOK_COLUMNS].itertuples(index=False, name=None)):
        if years := _years_across(row):
            return _years_down(grid, at, years)
    if grid.frame.shape[1] < 10 or len(grid.frame) > _MOST_SERIES:
        return grid
    for row in grid.frame.iloc[:5, :_LOOK_COLUMNS].itertuples(index=False, name=None):
        filled = [tidy(cell) for cell in row if cell]
        if len(filled) >= 10 and sum(looks_like_date(cell, whole_numbers=False) for cell in filled) >= 0.8 * len(filled):
            native = grid.native.T.reset_index(drop=True) if grid.native is not None else None
            return replace(grid, frame=grid.frame.T.reset_index(drop=True), native=native,
                           notes=(*grid.notes, "The table was turned: its dates stand side by side."))
    return grid


def _without_flags(grid: Grid) -> Grid:
    """`grid` without the letters that Eurostat puts behind values, 'p' for provisional, and without its ':' for none.

    They must go before the numbers are read: elsewhere '101.0 b' are billions.
    """
    if grid.frame.empty or not any(_EUROSTAT.fullmatch(tidy(cell)) for cell in grid.frame.iloc[0, :_MOST_LABELS]):
        return grid
    text = grid.frame.apply(lambda column: column.str.strip())
    plain_text = text.apply(lambda column: column.str.replace(_FLAGGED, r"\1", regex=True))
    flags = sorted({cell.split()[-1] for cell in text.to_numpy()[(text != plain_text).to_numpy()]})
    notes = (f"Eurostat's flags behind the values ({', '.join(flags)}) left out.",) if flags else ()
    return replace(grid, frame=plain_text.replace(":", ""), notes=(*grid.notes, *notes))


def _check_first_year(grid: Grid):
    """Refuse a year without its first months where blanks separate the cells: its values would move to the months before.

    R prints a series that begins within a year like this. That the newest year has no last months is no reason.
    """
    if not grid.spaced:
        return
    for at, row in enumerate(grid.frame.head(_LOOK).itertuples(index=False, name=None)):
        names = [cell for cell in map(tidy, row) if cell][-12:]
        for periods, number_of in ((names, month_number), (names[-4:], quarter_number)):
            if len(periods) in (4, 12) and [number_of(name) for name in periods] == [*range(1, len(periods) + 1)]:
                _check_years(grid.frame.iloc[at + 1 :], len(periods))
                return


def _check_years(body: pd.DataFrame, periods: int):
    """Refuse rows that begin with a year and have fewer values than periods, but for the newest one at the end."""
    rows = [[cell for cell in row if cell] for row in body.head(_MOST_VALUES // 12).itertuples(index=False, name=None)]
    rows = [row for row in rows if row and _YEAR.fullmatch(row[0])]
    short = [row for row in rows if len(row) <= periods]
    if short and not (short == rows[-1:] and rows[-1][0] > rows[0][0]):
        raise UnreadableFile(f"The line of the year {shown(short[0][0])} has {len(short[0]) - 1} values and not {periods}, and "
                             "blanks do not tell for which months they are. Write one date and price on each line.")


def _years_across(row: tuple[str, ...]) -> dict[int, int]:
    """Position -> year of the cells that are years, where several neighbours are consecutive and the order is kept; else {}."""
    years = {at: int(match[1]) for at, cell in enumerate(row) if (match := _YEAR.fullmatch(tidy(cell)))}
    if len(years) < _YEARS_IN_A_ROW:
        return {}
    first, second, *_ = years.values()
    step = 1 if second > first else -1
    run = longest = 1
    for (at, year), (behind, following) in pairwise(years.items()):
        if (following - year) * step <= 0:
            return {}
        run = run + 1 if behind == at + 1 and following == year + step else 1
        longest = max(longest, run)
    return years if longest >= _YEARS_IN_A_ROW else {}


def _years_down(grid: Grid, header: int, years: dict[int, int]) -> Grid:
    """A row for each year of a grid with the years in row `header`, and for each series where there are several.

    The grid as it is where the rows have dates, or no names that tell them apart.
    """
    body = grid.frame.iloc[header + 1 :]
    if len(body) * len(years) > _MOST_VALUES:
        return grid
    columns = list(years)
    body = body[body[columns].map(lambda cell: looks_like_number(tidy(cell))).any(axis=1)]
    names = _series_names(body.loc[:, : columns[0] - 1].map(tidy))
    if not names:
        return grid
    values = list(body[columns].itertuples(index=False, name=None))
    natives = None
    if grid.native is not None:
        natives = list(grid.native.loc[body.index, columns].itertuples(index=False, name=None))
    above = int((grid.frame.iloc[:header] != "").any(axis=1).sum())
    notes = [*grid.notes, "The table was turned: its years stand side by side.",
             *([f"{counted(above, 'line')} skipped above the table."] if above else [])]
    if len(names) == 1 or any(month_number(name) or quarter_number(name) or plain(name) in ROLES for name in names):
        return _side_by_side(grid, list(years.values()), names, values, natives, notes)
    return _stacked(grid, list(years.values()), names, values, natives, notes)


def _series_names(labels: pd.DataFrame) -> list[str]:
    """What tells the rows apart: the first column of names that does, or the first few together; [] where none do."""
    if labels.shape[1] == 0:
        return ["Value"] if len(labels) == 1 else []
    columns = []
    for position in labels:
        filled = [cell for cell in labels[position] if not is_missing(cell)]
        if sum(looks_like_date(cell, whole_numbers=False) for cell in filled) > 0.5 * len(filled):
            return []
        if sum(map(looks_like_number, filled)) < 0.5 * len(filled):
            columns.append(position)
    for size in range(1, len(columns[:_MOST_LABELS]) + 1):
        for chosen in combinations(columns[:_MOST_LABELS], size):
            names = [", ".join(filter(None, cells)) for cells in labels[list(chosen)].itertuples(index=False, name=None)]
            if all(names) and len(set(names)) == len(names):
                return names
    return []


def _side_by_side(grid: Grid, years, names, values, natives, notes) -> Grid:
    """A row a year and a column a series; months and quarters are put below one another later."""
    frame = pd.DataFrame([["Year", *names], *zip(map(str, years), *values, strict=True)], dtype="str")
    native = None
    if natives is not None:
        native = pd.DataFrame([[False] * (1 + len(names)), *zip([False] * len(years), *natives, strict=True)])
    return replace(grid, frame=frame, native=native, notes=tuple(notes))


def _stacked(grid: Grid, years, names, values, natives, notes) -> Grid:
    """A row for each year of each series that has a value."""
    kept = [(i, j) for i, row in enumerate(values) for j, cell in enumerate(row) if not is_missing(cell)]
    if len(kept) < len(names) * len(years):
        notes.append("Years without a value were left out.")
    notes.append("Each year was dated by its first day.")
    rows = [(f"{years[j]}-01-01", names[i], values[i][j]) for i, j in kept]
    native = None
    if natives is not None:
        native = pd.DataFrame([(False, False, False), *((False, False, natives[i][j]) for i, j in kept)])
    frame = pd.DataFrame([("Date", "Series", "Value"), *rows], dtype="str")
    return replace(grid, frame=frame, native=native, notes=tuple(notes))


def months_down(table: Table) -> Table:
    """A row for each month or quarter of a table that has a row for each year and a column for each month or quarter.

    Other tables as they are. Where series are stacked in the rows, the column that tells them apart is kept.
    """
    for period, number_of, last, form in (("month", month_number, 12, "-{:02}"), ("quarter", quarter_number, 4, "-Q{}")):
        if len(table.columns) <= last:  # not to look names up in all languages without need
            continue
        numbered = {number_of(column.name): column.position for column in table.columns}
        year = _year_column(table, set(numbered.values()) - {numbered.get(None)})
        if year is not None and set(numbered) - {None} == set(range(1, last + 1)):
            positions = [numbered[number] for number in range(1, last + 1)]
            return _periods_down(table, year, positions, period, form)
    return table


def _year_column(table: Table, taken: set[int]) -> pd.Series | None:
    """The years of the rows: the column called so, or the first one whatever its name; None where it holds no years."""
    column = next(iter(table.with_role("year", "date")), table.columns[0])
    year = table.frame[column.position].str.replace(r"\.0*$", "", regex=True)
    if column.position in taken or year.str.fullmatch("(?:1[5-9]|2[0-2])[0-9]{2}").mean() < 0.9:
        return None
    return year


def _periods_down(table: Table, year: pd.Series, positions: list[int], period: str, form: str) -> Table:
    """The columns at `positions`, the first to the last period of a year, below one another and oldest first in each year."""
    times = len(positions)
    year_by_year = np.arange(times * len(year)).reshape(times, -1).T.ravel()  # from period by period
    cells = {0: pd.concat([year + form.format(number) for number in range(1, times + 1)]),
             1: pd.concat([table.frame[position] for position in positions])}
    columns = [Column(0, period.capitalize(), "date"), Column(1, "Value", "price")]
    if year.duplicated().any():
        for series in table.with_role("series")[:1]:
            cells[2] = pd.concat([table.frame[series.position]] * times)
            columns.append(replace(series, position=2))
    native = None
    if table.native is not None:
        native = pd.DataFrame(dict.fromkeys(cells, False) | {1: pd.concat([table.native[position] for position in positions])})
        native = native.iloc[year_by_year].reset_index(drop=True)
    return replace(table, frame=pd.DataFrame(cells).iloc[year_by_year].reset_index(drop=True), native=native,
                   columns=tuple(columns), notes=(*table.notes, f"The columns for the {period}s were put below one another."))
