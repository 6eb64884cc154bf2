"""From a grid of cells to a table with a row for each date: where it begins, what names its columns, which way it runs."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from forecasting.data.files.calendar_words import month_number, quarter_number
from forecasting.data.files.date_forms import looks_like_date
from forecasting.data.files.decisions import Decisions
from forecasting.data.files.grid import Grid
from forecasting.data.files.names import BARS, Column, name_columns, said_by, unnumbered
from forecasting.data.files.number_forms import (
    Evidence,
    Figures,
    containing,
    is_missing,
    looks_like_number,
    read_figures,
    tidy,
    weigh,
)
from forecasting.data.files.vocabulary import CURRENCIES, ROLES, plain
from forecasting.data.files.wording import counted, shown
from forecasting.errors import ConfigError, UnreadableFile
from forecasting.words import count

__all__ = ["Table", "find_table"]

_LOOK, _LOOK_CELLS = 300, 100_000  # rows among which the table must begin; fewer where they are very wide
_MOST_HEADERS = 12  # lines that are offered as the one with the names
_MOST_SERIES = 200
_LOOK_ACROSS, _LOOK_COLUMNS = 30, 1000  # where a header of years is looked for
_MOST_VALUES, _MOST_LABELS = 300_000, 6
_YEARS_IN_A_ROW = 5
# '1960', and as R and the World Bank write it: 'X1960', 'YR1960', '1960 [YR1960]'.
_YEAR = re.compile(r"(?:X|YR)?((?:1[7-9]|2[01])\d\d|2200)(?:\.0*)?(?:\s?\[YR\d{4}\])?")
_EUROSTAT = re.compile(r".*\\time(?:_period)?", re.IGNORECASE)
_FLAGGED = r"^([-+]?[0-9][0-9.,]*|:) +[a-z]{1,3}$"



@dataclass(frozen=True)
class Table:
    """Rows of text under named columns.

    frame: the cells below the header, tidied, its columns the positions
    native: True where a cell was stored as a number (Excel), or None
    headed: whether the file names its columns
    """

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    headed: bool
    plain_points: bool = False
    native: pd.DataFrame | None = None
    currency: str | None = None
    epoch_1904: bool = False
    spaced: bool = False
    notes: tuple[str, ...] = field(default=())

    def with_role(self, *roles: str) -> list[Column]:
        return [column for column in self.columns if column.role in roles]

    def cells(self, column: Column) -> pd.Series:
        return self.frame[column.position]

    def weigh(self, column: Column) -> Evidence:
        """What a column says about the decimal mark."""
        return weigh(self.cells(column), self._stored(column))

    def figures(self, column: Column, point: str) -> Figures:
        """A column as floats with `point` as the decimal mark."""
        return read_figures(self.cells(column), point, self._stored(column))

    def _stored(self, column: Column) -> pd.Series | None:
        return self.native[column.position] if self.native is not None else None

    def preview(self, rows: int = 5) -> tuple[dict[str, str], ...]:
        """The first rows as {column name: text}, at most 30 columns wide."""
        columns = self.columns[:30]
        return tuple({c.name: shown(row[c.position], 40) for c in columns}
                     for row in self.frame.iloc[:rows, :30].to_dict("records"))


def find_table(grid: Grid, decisions: Decisions) -> Table:
    """The table in `grid`, with a row for each date. Raises UnreadableFile where there is none."""
    return _months_down(_headed(_dates_down(grid), decisions))


def _headed(grid: Grid, decisions: Decisions) -> Table:
    grid = _without_row_numbers(grid)
    frame = _tidied(grid.frame)
    if frame.empty or not (frame != "").any(axis=None):
        raise UnreadableFile("The file is empty. Choose a file with dates and prices.")
    look = max(30, min(_LOOK, _LOOK_CELLS // frame.shape[1]))
    rows = [list(row) for row in frame.head(look).itertuples(index=False, name=None)]
    first, header_rows = _beginning(rows, grid, decisions)
    begin = max(header_rows) + 1 if header_rows else first
    if "header" not in decisions.given:
        _check_beginning(rows[: min(header_rows, default=first)], rows[first : first + 1])
    body = frame.iloc[begin:]
    notes = list(grid.notes)
    labels: list[list[str]] = [[] for _ in range(frame.shape[1])]
    if header_rows:
        labels = _labels(_aligned([rows[i] for i in header_rows], rows[first:]))
        labels, body = _fit_header(labels, body, notes)
        body = _without_repeats(body, [rows[i] for i in header_rows], notes)
        body = _first_table(body, notes)
    top = min(header_rows, default=first)
    owners = _owners(rows[top - 1], rows[top]) if header_rows and top else {}
    above = sum(map(any, rows[:top])) - bool(owners)
    if above:
        notes.append(f"{counted(above, 'line')} skipped above the table.")
    if body.empty and sum(map(any, rows)) > 1 and "header" not in decisions.given:
        raise UnreadableFile("No line of this file holds a date and a price, e.g. not "
                             f"“{shown(' '.join(rows[0]), 60)}”. Choose a file with dates and prices.")
    if body.empty:
        raise UnreadableFile("The file has a header but no rows below it. Choose a file with dates and prices.")
    native = grid.native.loc[body.index].reset_index(drop=True) if grid.native is not None else None
    columns = tuple(replace(column, entity=owners.get(column.position, column.entity)) for column in name_columns(labels))
    return Table(body.reset_index(drop=True), columns, bool(header_rows), grid.plain_points, native,
                 _title_currency([cell for row in rows[:top] for cell in row]), grid.epoch_1904, grid.spaced, tuple(notes))


def _beginning(rows: list[list[str]], grid: Grid, decisions: Decisions) -> tuple[int, list[int]]:
    """(the first row of data, the rows that name the columns)."""
    wanted = decisions.given.get("header")
    first = _first_data_row(rows)
    header_rows = _header_rows(rows, first)
    if wanted is not None:
        lines = [grid.line_of(row) for row in range(len(rows))]
        if isinstance(wanted, bool) or not str(wanted).isdecimal() or (int(wanted) and int(wanted) not in lines):
            raise ConfigError(f"header must be the number of a line with names, from 1 to {lines[-1]}, or 0 for none. "
                              f"Received: {str(wanted)[:20]!r}.")
        row = lines.index(int(wanted)) if int(wanted) else -1
        if row != max(header_rows, default=-1):
            header_rows = [row] if row >= 0 else []
            first = row + 1 if header_rows else _first_data_row(rows, names=False)
    last = max(header_rows, default=-1)
    near = [row for row in range(min(len(rows), max(last, first) + 3)) if sum(map(bool, rows[row])) > 1][:_MOST_HEADERS]
    decisions.take("header", grid.line_of(last) if header_rows else 0, {0: "no line"} | {
        grid.line_of(row): f"line {grid.line_of(row)}: {', '.join(filter(None, rows[row]))}" for row in near})
    return first, header_rows


def _without_row_numbers(grid: Grid) -> Grid:
    """`grid` without the row numbers that pandas writes before the further header lines of a table it saved once more."""
    frame = grid.frame
    if frame.shape[1] < 3 or list(frame.iloc[:3, 0]) != ["", "0", "1"] or _is_data(list(frame.iloc[1])):
        return grid
    numbers = pd.to_numeric(frame.iloc[1:, 0], errors="coerce")
    if not (numbers.diff().iloc[1:] == 1).all():
        return grid

    def rest(table: pd.DataFrame) -> pd.DataFrame:
        return table.iloc[:, 1:].set_axis(range(table.shape[1] - 1), axis=1)

    return replace(grid, frame=rest(frame), native=None if grid.native is None else rest(grid.native))


def _tidied(frame: pd.DataFrame) -> pd.DataFrame:
    """Every cell as `cells.tidy` leaves it; the columns that need nothing, nearly all, are not copied."""
    tidied = frame.copy(deep=False)
    for name, rough in containing(frame, "^[ \t\u00a0\u3000='\"\ufeff]|[ \t\r\n\u00a0\u3000]$"):
        if rough.any():
            tidied[name] = frame[name].where(~rough, frame[name][rough].map(tidy))
    return tidied


def _is_data(row: list[str]) -> bool:
    """Whether a row holds a date and, in another cell, a number; beside a name of a date column, one that is no number."""
    named = any(ROLES.get(plain(cell)) == "date" for cell in row[:8] if cell)
    dates = [i for i, cell in enumerate(row) if looks_like_date(cell, whole_numbers=not named)]
    return bool(dates) and any([i] != dates and looks_like_number(cell) for i, cell in enumerate(row) if cell)


def _first_data_row(rows: list[list[str]], names: bool = True) -> int:
    """The first row of data that is followed by more of its kind; without one, the row after the first line of names."""
    for i, row in enumerate(rows):
        if _is_data(row):
            following = [_is_data(other) for other in rows[i + 1 : i + 21] if any(other)][:10]
            if sum(following) >= 0.6 * len(following):
                return i
    named = [i for i, row in enumerate(rows) if sum(bool(cell) for cell in row) > 1]
    return min(named[0] + names, len(rows)) if named else int(names)


def _check_beginning(above: list[list[str]], data: list[list[str]]):
    """Refuse a table many of whose rows would be taken for title lines because their dates cannot be read."""
    if not data:
        return
    width = sum(map(bool, data[0]))
    alike = [row for row in above if sum(map(bool, row)) == width and sum(map(looks_like_number, row)) >= width - 1]
    if width > 1 and len(alike) > 5:
        raise UnreadableFile(f"The dates in the first {len(alike)} rows cannot be read, e.g. “{shown(alike[-1][0])}”. Write "
                             "all dates in one way, e.g. 2018-03-27.")


def _header_rows(rows: list[list[str]], first: int) -> list[int]:
    """The rows that name the columns, from the top; [] where none does.

    Of the lines above the data the one with most known names is the header. pandas writes several: one for each level,
    and one that names only the index.
    """
    date_at = next((i for i, cell in enumerate(rows[first]) if looks_like_date(cell)), 0) if first < len(rows) else 0
    above = [i for i in range(first)
             if sum(bool(cell) for cell in rows[i]) > 0 and not looks_like_date(rows[i][date_at], whole_numbers=False)]
    wide = [i for i in above if (sum(bool(cell) for cell in rows[i]) > 1 or len(rows[i]) == 1)
            and not all(looks_like_number(cell) for cell in rows[i] if cell)]
    if not wide:
        return []
    best = max(wide, key=lambda i: (_names_dates(rows[i]), _known(rows[i]), sum(bool(cell) for cell in rows[i]), i))
    chosen = [best]
    around = (best + 1, best + 2) if best and _owners(rows[best - 1], rows[best]) else (best - 1, best + 1, best + 2)
    for i in around:  # further levels touch the header and repeat their names
        if i in above and _is_level(rows[i], rows[best]) and (i < best or i == max(chosen) + 1):
            chosen.append(i)
    last = max(chosen)
    if last + 1 in above and last + 1 not in chosen and _known(rows[last + 1]) and sum(map(bool, rows[last + 1])) == 1:
        chosen.append(last + 1)
    return sorted(chosen)


def _owners(above: list[str], header: list[str]) -> dict[int, str]:
    """Position -> whose prices a column holds, where each series has dates of its own and is called in the line above.

    {} unless a name of dates repeats and every name above stands over one.
    """
    dates = [i for i, cell in enumerate(header) if cell and said_by(cell)[0] == "date"]
    named = [i for i, cell in enumerate(above) if cell]
    if len(dates) < 2 or len({header[i] for i in dates}) > 1 or not set(named) <= set(dates) or len(named) < 2:
        return {}
    begins = {i: max((date for date in dates if date <= i), default=None) for i in range(len(header))}
    return {i: above[begin] for i, begin in begins.items() if begin is not None and above[begin]}


def _names_dates(row: list[str]) -> bool:
    """Whether a cell is the name of a date column, and what stands beside it no date."""
    return _known(row) > 0 and any(cell and said_by(cell)[0] == "date" for cell in row)


def _known(row: list[str]) -> int:
    """How many cells are names of columns; 0 for a single one, which a title line may hold, unless it names the dates.

    Lines like 'Units,USD,Index' or 'Start date,2018-03-27' above a table hold words that some other table has for names.
    """
    if any(looks_like_date(cell, whole_numbers=False) for cell in row[1:4]):
        return 0
    roles = [role for cell in row if cell and (role := said_by(cell)[0])]
    if {"date", "time", "year"} & set(roles):
        return len(roles)
    return len(roles) if sum(role in BARS for role in roles) > 1 else 0


def _is_level(row: list[str], header: list[str]) -> bool:
    """Whether `row` is another level over or under `header`: filled as widely, while one of the two repeats itself."""
    if looks_like_date(row[0]) or looks_like_number(row[0]):
        return False
    filled = [cell for cell in row[1:] if not is_missing(cell) and said_by(cell)[0] != "date"]
    names = [unnumbered(name) for cell, below, name in zip(header[1:], row[1:], _carried(header[1:]), strict=True)
             if cell or (name and below)]
    if len(filled) < 2 and not (filled and len(names) == 1):
        return False
    if any(looks_like_number(cell) and "." in cell for cell in filled):
        return False
    repeats = len(set(names)) < len(names) or len(set(filled)) == 1
    return repeats and len(filled) <= len(names) and len(filled) >= min(len(names), len(set(filled)))


def _aligned(headers: list[list[str]], data: list[list[str]]) -> list[list[str]]:
    """`headers` with each name over its column.

    R and pandas leave the dates in front without a name, and where spaces separate the cells nothing holds their place; a
    script's '# Date Close' has a cell too many.
    """
    filled = [sum(map(bool, row)) for row in data[:20] if looks_like_date(row[0])]
    width = Counter(filled).most_common(1)[0][0] if filled else 0
    aligned = []
    for row in headers:
        names = [cell for cell in row if cell]
        roles = [said_by(cell)[0] for cell in names]
        if names and names[0] in ("#", "%", "//") and row[: len(names)] == names and len(names) == width + 1:
            row = [*row[1:], ""]
        elif (len(names) == width - 1 > 0 and row[: len(names)] == names and not {"date", "time", "year"} & set(roles)
              and (roles[0] or not any(roles))):
            row = ["", *row[:-1]]
        aligned.append(row)
    return aligned


def _carried(cells: list[str]) -> list[str]:
    """`cells` where a merged one repeats to the right."""
    carried = [""]
    for cell in cells:
        carried.append(cell or carried[-1])
    return carried[1:]


def _labels(rows: list[list[str]]) -> list[list[str]]:
    """The pieces of each column's name, from the top; merged cells repeat to the right, index names stay alone."""
    if len(rows) == 1:
        return [[cell] if cell else [] for cell in rows[0]]
    levels = []
    for row in rows:
        names = set(row)
        named = [unnumbered(cell) if unnumbered(cell) in names else cell for cell in row[1:]]
        levels.append([row[0], *_carried(named)])
    labels = [[cell for cell in pieces if cell] for pieces in zip(*levels, strict=True)]
    if labels and labels[0]:  # the names of the levels stand above the name of the index
        dated = any(said_by(piece)[0] == "date" for piece in labels[1]) if len(labels) > 1 else False
        if dated and len(set(labels[0])) == len(rows):  # or, where the dates are a column too, above the row numbers
            labels[0] = []
            return labels
        labels[0] = [piece for piece in labels[0] if said_by(piece)[0] in ("date", "year")][-1:] or labels[0][-1:]
    return labels


def _fit_header(labels: list[list[str]], body: pd.DataFrame, notes: list[str]) -> tuple[list[list[str]], pd.DataFrame]:
    """`labels` and rows of the same width.

    R leaves its row numbers without a name, so that the header has one name less than the rows have cells. Otherwise
    rows with more numbers than names were cut at the wrong places: few are left out, many refuse the file.
    """
    labels = _closed_up(labels, body)
    named = max((i for i, pieces in enumerate(labels) if pieces), default=-1) + 1
    width = body.shape[1]
    if named == width - 1 and len(body) and (body[width - 1] != "").mean() > 0.9:
        numbers = pd.to_numeric(body[0], errors="coerce")
        if (numbers.diff().dropna() == 1).all() and len(numbers) > 1 and numbers.iloc[0] in (0, 1):
            return [[], *labels[:-1]], body
    excess = _rows_beyond(body, named) if named > 1 else pd.Series(False, index=body.index)
    if excess.mean() > 0.05:
        raise UnreadableFile(
            f"The header names {named} columns but {count(excess.sum())} rows hold more numbers than that, e.g. "
            f"“{shown(', '.join(cell for cell in body[excess].iloc[0] if cell), 60)}”. Numbers with a comma may need quotation "
            "marks, or another delimiter than the comma. Save the file again, e.g. as Excel.")
    if excess.any():
        notes.append(f"{counted(excess.sum(), 'row')} with more cells than the header left out.")
        body = body[~excess]
    wide = (body.loc[:, named:] != "").any(axis=1) if 1 < named < width else pd.Series(False, index=body.index)
    if 0 < wide.sum() <= 0.5 * len(body):
        notes.append(f"{counted(wide.sum(), 'row')} read without what stands beyond the last name, e.g. "
                     f"“{shown(' '.join(filter(None, body.loc[wide].iloc[0, named:])))}”.")
    return labels, body


def _closed_up(labels, body):
    """`labels` without one that has no cells: a blank in front of the names, or 'Time' where the date's cell holds it.

    Every name behind it would stand over the column to the right of its own, the last over none.
    """
    named = [i for i, pieces in enumerate(labels) if pieces]
    if len(named) < 2 or body.empty or (body[named[-1]] != "").any():
        return labels
    roles = [said_by(" ".join(pieces))[0] for pieces in labels]
    sample, first, second = body.head(20), named[0], named[1]
    if (first > 0 and roles[first] == "date" and sample[first - 1].map(looks_like_date).mean() > 0.8
            and not sample[first].map(lambda cell: looks_like_date(cell, whole_numbers=False)).any()):
        return [*labels[: first - 1], *labels[first:], []]
    if (roles[first] == "date" and roles[second] in ("date", "time") and sample[first].str.contains(":").mean() > 0.8
            and not sample[second].str.contains(":").any()):
        return [*labels[:second], *labels[second + 1 :], []]
    return labels


def _rows_beyond(body: pd.DataFrame, named: int) -> pd.Series:
    """Rows with numbers to the right of the last named column."""
    beyond = pd.Series(False, index=body.index)
    for _, numbers in containing(body.loc[:, named:], r"^[+-]?[0-9.,]*[0-9][0-9.,]*$"):
        beyond |= numbers
    return beyond


def _without_repeats(body: pd.DataFrame, headers: list[list[str]], notes: list[str]) -> pd.DataFrame:
    """`body` without lines that repeat the header, as in files that were joined."""
    repeated = pd.Series(False, index=body.index)
    for header in headers:
        same = pd.Series(True, index=body.index)
        for position, cell in enumerate(header):
            same &= body[position].str.lower() == cell.lower()
            if not same.any():
                break
        repeated |= same
    if not repeated.any():
        return body
    notes.append(f"{counted(repeated.sum(), 'repeated header line')} left out.")
    return body[~repeated]


def _first_table(body: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """`body` up to a line that names columns anew, as where a table of dividends follows the prices."""
    for position in body.columns[:8]:
        words = body[position][~body[position].str.contains("[0-9]") & (body[position] != "")].drop_duplicates()
        named = words[words.map(lambda cell: ROLES.get(plain(cell[:40])) == "date")] if len(words) < 100 else words[:0]
        anew = next((line for line in named.index if not _is_data(list(body.loc[line]))), None)
        if anew is not None:
            rest = int((body.loc[anew:] != "").any(axis=1).sum())
            notes.append(f"A second table begins at line {count(anew + 1)}; its {counted(rest, 'line')} left out.")
            body = body.loc[: anew - 1]
    return body


def _title_currency(cells: list[str]) -> str | None:
    """The currency that a title line names: 'Currency: USD'."""
    for i, cell in enumerate(cells):
        if match := re.search(r"(?:currency|währung|devise|moneda|valuta|waluta)\W*([A-Z]{3})?\b", cell, re.IGNORECASE):
            code = (match[1] or next((c for c in cells[i + 1 : i + 3] if c), "")).upper()
            if code in CURRENCIES:
                return code
    return None


def _dates_down(grid: Grid) -> Grid:
    """A row for each date of a grid that has its dates or years side by side in a row; other grids as they are."""
    grid = _without_flags(grid)
    for at, row in enumerate(grid.frame.iloc[:_LOOK_ACROSS, :_LOOK_COLUMNS].itertuples(index=False, name=None)):
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


def _months_down(table: Table) -> Table:
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
            _check_whole_years(table, year, positions)
            return _periods_down(table, year, positions, period, form)
    return table


def _check_whole_years(table: Table, year: pd.Series, positions: list[int]):
    """Refuse a year with fewer values than periods where blanks separate the cells: they may be those of any of its periods.

    That the newest year ends early is no reason.
    """
    short = (table.frame[positions[-1]] == "").to_numpy()
    if (table.spaced and short[:-1].any()) or (table.spaced and short[-1:].any() and year.iloc[-1] < year.iloc[0]):
        at = int(short.argmax())
        raise UnreadableFile(f"The line of the year {shown(year.iloc[at])} has fewer than {len(positions)} values, and blanks do "
                             "not tell for which months they are. Write one date and price on each line.")


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
