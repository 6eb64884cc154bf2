"""From a grid of cells to a table with a row for each date: where it begins, what names its columns, which way it runs."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pandas as pd

from forecasting.data.files.calendar_words import month_number, quarter_number
from forecasting.data.files.date_forms import looks_like_date
from forecasting.data.files.decisions import Decisions
from forecasting.data.files.grid import Grid, holds_date_and_number
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
_LOOK_ACROSS, _LOOK_COLUMNS = 30, 1000  # where a row of periods is looked for
_MOST_VALUES, _MOST_LABELS = 300_000, 6
_YEARS_IN_A_ROW, _DATES_IN_A_ROW = 5, 10
# '1960', and as R and the World Bank write it: 'X1960', 'YR1960', '1960 [YR1960]'.
_YEAR = re.compile(r"(?:X|YR)?((?:1[5-9]|2[01])\d\d|2200)(?:\.0*)?(?:\s?\[YR\d{4}\])?")
_PARTS = {"month": (month_number, 12, "-{:02}"), "quarter": (quarter_number, 4, "-Q{}")}  # of a year
_EUROSTAT = re.compile(r".*\\time(?:_period)?", re.IGNORECASE)
_FLAGGED = r"^([-+]?[0-9][0-9.,]*|:) +[a-z]{1,3}$"
_CLOCK = re.compile(":").search
_CURRENCY = re.compile(r"(?:currency|währung|devise|moneda|valuta|waluta)\W*([A-Z]{3})?\b", re.IGNORECASE)


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
    notes: tuple[str, ...] = ()

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
    grid = replace(grid, frame=_tidied(grid.frame))
    if grid.frame.empty or not (grid.frame != "").any(axis=None):
        raise UnreadableFile("The file is empty. Choose a file with dates and prices.")
    grid = _without_row_numbers(_without_flags(grid))
    look = max(30, min(_LOOK, _LOOK_CELLS // grid.frame.shape[1]))
    rows = [list(row) for row in grid.frame.head(look).itertuples(index=False, name=None)]
    return _turned(grid, rows, decisions) or _headed(grid, rows, decisions)


def _tidied(frame: pd.DataFrame) -> pd.DataFrame:
    """Every cell as `tidy` leaves it; the columns that need nothing, nearly all, are not copied."""
    tidied = frame.copy(deep=False)
    for name, rough in containing(frame, "^[ \t\u00a0\u3000='\"\ufeff]|[ \t\r\n\u00a0\u3000]$"):
        if rough.any():
            tidied[name] = frame[name].where(~rough, frame[name][rough].map(tidy))
    return tidied


def _without_flags(grid: Grid) -> Grid:
    """`grid` without the letters that Eurostat puts behind values, 'p' for provisional, and without its ':' for none.

    They must go before the numbers are read: elsewhere '101.0 b' are billions.
    """
    if not any(_EUROSTAT.fullmatch(cell) for cell in grid.frame.iloc[0, :_MOST_LABELS]):
        return grid
    bare = grid.frame.replace(_FLAGGED, r"\1", regex=True)
    flags = sorted({cell.split()[-1] for cell in grid.frame.to_numpy()[(grid.frame != bare).to_numpy()]})
    notes = (f"Eurostat's flags behind the values ({', '.join(flags)}) left out.",) if flags else ()
    return replace(grid, frame=bare.replace(":", ""), notes=(*grid.notes, *notes))


def _without_row_numbers(grid: Grid) -> Grid:
    """`grid` without the row numbers that pandas writes before the further header lines of a table it saved once more."""
    first, (rows, width) = grid.frame[0], grid.frame.shape
    if width < 3 or list(first[:3]) != ["", "0", "1"] or _is_data(list(grid.frame.iloc[1])) or (
            list(first[1:]) != [*map(str, range(rows - 1))]):
        return grid
    frame, native = (None if table is None else table.iloc[:, 1:].set_axis(range(table.shape[1] - 1), axis=1)
                     for table in (grid.frame, grid.native))
    return replace(grid, frame=frame, native=native)


# A row for each date, below a header


def _headed(grid: Grid, rows: list[list[str]], decisions: Decisions) -> Table:
    frame = grid.frame
    first, header_rows = _beginning(rows, grid, decisions)
    top, begin = min(header_rows, default=first), max(header_rows, default=first - 1) + 1
    notes = list(grid.notes)
    body = frame.iloc[begin:]
    labels: list[list[str]] = [[] for _ in range(frame.shape[1])]
    if header_rows:
        headers = [rows[i] for i in header_rows]
        labels = _labels([_aligned(row, rows[first:]) for row in headers])
        body = _first_table(_without_repeats(_fit_header(labels, body, notes), headers, notes), notes)
    else:
        usual = Counter(max((i for i, cell in enumerate(row) if cell), default=0) for row in rows[first:]).most_common(1)
        _note_wide(body, usual[0][0] + 1 if usual else body.shape[1], notes)
    owners = _owners(rows[top - 1], rows[top]) if header_rows and top else {}
    if above := sum(map(any, rows[:top])) - bool(owners):
        notes.append(f"{counted(above, 'line')} skipped above the table.")
    if body.empty:
        no_rows = "header" in decisions.given or sum(map(any, rows)) == 1
        raise UnreadableFile(("The file has a header but no rows below it." if no_rows else
                              f"No line of this file holds a date and a price, e.g. not “{shown(' '.join(rows[0]), 60)}”.")
                             + " Choose a file with dates and prices.")
    native = grid.native.loc[body.index].reset_index(drop=True) if grid.native is not None else None
    columns = tuple(replace(column, entity=owners.get(column.position, column.entity)) for column in name_columns(labels))
    return Table(body.reset_index(drop=True), columns, bool(header_rows), grid.plain_points, native,
                 _title_currency(rows[:top]), grid.epoch_1904, tuple(notes))


def _beginning(rows: list[list[str]], grid: Grid, decisions: Decisions) -> tuple[int, list[int]]:
    """(the first row of data, the rows that name the columns)."""
    wanted = decisions.given.get("header")
    first = _first_data_row(rows)
    header_rows = _header_rows(rows, first)
    if wanted is None:
        _check_beginning(rows[: min(header_rows, default=first)], rows[first : first + 1])
    else:
        lines = [grid.line_of(row) for row in range(len(rows))]
        if isinstance(wanted, bool) or not str(wanted).isdecimal() or (int(wanted) and int(wanted) not in lines):
            raise ConfigError(f"header must be the number of a line with names, from 1 to {lines[-1]}, or 0 for none. "
                              f"Received: {str(wanted)[:20]!r}.")
        row = lines.index(int(wanted)) if int(wanted) else -1
        if row != max(header_rows, default=-1):
            header_rows = [row] if row >= 0 else []
            first = row + 1 if header_rows else _first_data_row(rows, names=False)
    _take_header(decisions, grid, rows, max(header_rows, default=None), first)
    return first, header_rows


def _take_header(decisions: Decisions, grid: Grid, rows: list[list[str]], header: int | None, first: int):
    near = [row for row in range(min(len(rows), max(header or 0, first) + 3)) if sum(map(bool, rows[row])) > 1][:_MOST_HEADERS]
    decisions.take("header", 0 if header is None else grid.line_of(header), {0: "no line"} | {
        grid.line_of(row): f"line {grid.line_of(row)}: {', '.join(filter(None, rows[row]))}" for row in near})


def _is_data(row: list[str]) -> bool:
    """Whether a row holds a date and, in another cell, a number; beside a name of a date column, one that is no number."""
    return holds_date_and_number(row, whole_numbers=not any(ROLES.get(plain(cell)) == "date" for cell in row[:8] if cell))


def _first_data_row(rows: list[list[str]], names: bool = True) -> int:
    """The first row of data that is followed by more of its kind; without one, the row after the first line of names."""
    for i, row in enumerate(rows):
        if _is_data(row):
            following = [_is_data(other) for other in rows[i + 1 : i + 21] if any(other)][:10]
            if sum(following) >= 0.6 * len(following):
                return i
    named = next((i for i, row in enumerate(rows) if sum(map(bool, row)) > 1), 0)
    return min(named + names, len(rows))


def _check_beginning(above: list[list[str]], data: list[list[str]]):
    """Refuse a table many of whose rows would be taken for title lines because their dates cannot be read."""
    width = sum(map(bool, data[0])) if data else 0
    alike = [row for row in above if sum(map(bool, row)) == width and sum(map(looks_like_number, row)) >= width - 1]
    if width > 1 and len(alike) > 5:
        raise UnreadableFile(f"The dates in the first {len(alike)} rows cannot be read, e.g. “{shown(alike[-1][0])}”. "
                             "Write all dates in one way, e.g. 2018-03-27.")


def _header_rows(rows: list[list[str]], first: int) -> list[int]:
    """The rows that name the columns, from the top; [] where none does.

    Of the lines above the data the one with most known names is the header. pandas writes several: one for each level,
    and one that names only the index.
    """
    date_at = next((i for i, cell in enumerate(rows[first]) if looks_like_date(cell)), 0) if first < len(rows) else 0
    above = [i for i, row in enumerate(rows[:first]) if any(row) and not looks_like_date(row[date_at], whole_numbers=False)]
    wide = [i for i in above if (sum(map(bool, rows[i])) > 1 or len(rows[i]) == 1)
            and not all(looks_like_number(cell) for cell in rows[i] if cell)]
    if not wide:
        return []
    best = max(wide, key=lambda i: (*_known(rows[i]), sum(map(bool, rows[i])), i))
    chosen = [best]
    before = not (best and _owners(rows[best - 1], rows[best]))
    for i in (*[best - 1] * before, best + 1, best + 2):  # further levels touch the header and repeat their names
        if i in above and _is_level(rows[i], rows[best]) and (i < best or i == max(chosen) + 1):
            chosen.append(i)
    last = max(chosen) + 1
    if last in above and sum(map(bool, rows[last])) == 1 and _known(rows[last])[1]:
        chosen.append(last)
    return sorted(chosen)


def _owners(above: list[str], header: list[str]) -> dict[int, str]:
    """Position -> whose prices a column holds, where each series has dates of its own and is called in the line above.

    {} unless a name of dates repeats and the names above stand over it alone.
    """
    dates = [i for i, cell in enumerate(header) if cell and said_by(cell)[0] == "date"]
    if len(dates) < 2 or len({header[i] for i in dates}) > 1 or [i for i, cell in enumerate(above) if cell] != dates:
        return {}
    return {i: owner for i, owner in enumerate(_carried(above)) if owner}


def _known(row: list[str]) -> tuple[bool, int]:
    """(whether a cell names the dates, how many cells are names of columns).

    A single one, which a title line may hold, must name the dates, and no date may stand beside it: lines like
    'Units,USD,Index' or 'Start date,2018-03-27' above a table hold words that some other table has for names.
    """
    roles = [role for cell in row if cell and (role := said_by(cell)[0])]
    telling = {"date", "time", "year"} & set(roles) or sum(role in BARS for role in roles) > 1
    if not telling or any(looks_like_date(cell, whole_numbers=False) for cell in row[1:4]):
        return False, 0
    return "date" in roles, len(roles)


def _is_level(row: list[str], header: list[str]) -> bool:
    """Whether `row` is another level over or under `header`: filled as widely, while one of the two repeats itself."""
    filled = [cell for cell in row[1:] if not is_missing(cell) and said_by(cell)[0] != "date"]
    names = [unnumbered(name) for cell, below, name in zip(header[1:], row[1:], _carried(header[1:]), strict=True)
             if cell or (name and below)]
    if looks_like_date(row[0]) or looks_like_number(row[0]) or any(looks_like_number(cell) and "." in cell for cell in filled):
        return False
    return (0 < len(filled) <= len(names) and (len(filled) > 1 or len(names) == 1)
            and (len(set(names)) < len(names) or len(set(filled)) == 1))


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
        named = [unnumbered(cell) if unnumbered(cell) in row else cell for cell in row[1:]]
        levels.append([row[0], *_carried(named)])
    labels = [[cell for cell in pieces if cell] for pieces in zip(*levels, strict=True)]
    # The names of the levels stand above the name of the index or, where the dates are a column too, above the row numbers.
    if len(labels) > 1 and len(set(labels[0])) == len(rows) and any(said_by(piece)[0] == "date" for piece in labels[1]):
        return [[], *labels[1:]]
    return [[piece for piece in labels[0] if said_by(piece)[0] in ("date", "year")][-1:] or labels[0][-1:], *labels[1:]]


def _aligned(row: list[str], data: list[list[str]]) -> list[str]:
    """`row` with each name over its column, where the rows of `data` prove that it is one cell off.

    R and pandas leave the dates in front without a name, and R its row numbers. A cell too many is a script's '# Date Close', a
    blank in front of the names, or 'Time' where the date's cell holds it.
    """
    named = [i for i, cell in enumerate(row) if cell]
    sample = data[:20]
    if not named or not sample:
        return row
    roles = [said_by(row[i])[0] for i in named]

    def share(position: int, test) -> float:
        return sum(bool(test(cells[position])) for cells in sample) / len(sample)

    if len(named) > 1 and not share(named[-1], bool):
        first, second = named[:2]
        if row[0] in ("#", "%", "//"):
            return [*row[1:], ""]
        if roles[0] == "date" and first and share(first - 1, looks_like_date) > 0.8 and not share(first, looks_like_date):
            return [*row[: first - 1], *row[first:], ""]
        if roles[0] == "date" and roles[1] in ("date", "time") and share(first, _CLOCK) > 0.8 and not share(second, _CLOCK):
            return [*row[:second], *row[second + 1 :], ""]
    if named[-1] < len(named) == sum(share(at, bool) > 0.5 for at in range(len(row))) - 1:
        dated = share(0, looks_like_date) > 0.8 and not {"date", "time", "year"} & set(roles) and (roles[0] or not any(roles))
        if dated or (len(data) > 1 and all(cells[0] == str(i) for i, cells in enumerate(data, start=data[0][0] == "1"))):
            return ["", *row[:-1]]
    return row


def _fit_header(labels: list[list[str]], body: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """`body` without rows with more numbers than there are names, which were cut at the wrong places; many refuse the file."""
    named = max((i for i, pieces in enumerate(labels) if pieces), default=-1) + 1
    if not 1 < named < body.shape[1] or body.empty:
        return body
    beyond = body.loc[:, named:]
    excess = np.logical_or.reduce([numbers for _, numbers in containing(beyond, r"^[+-]?[0-9.,]*[0-9][0-9.,]*$")])
    if excess.mean() > 0.05:
        raise UnreadableFile(
            f"The header names {named} columns but {count(excess.sum())} rows hold more numbers than that, e.g. "
            f"“{shown(', '.join(filter(None, body[excess].iloc[0])), 60)}”. Numbers with a comma may need quotation "
            "marks, or another delimiter than the comma. Save the file again, e.g. as Excel.")
    if excess.any():
        notes.append(f"{counted(excess.sum(), 'row')} with more cells than the header left out.")
    body = body[~excess] if excess.any() else body
    _note_wide(body, named, notes)
    return body


def _note_wide(body: pd.DataFrame, width: int, notes: list[str]):
    """Notes the rows that go on beyond the columns of the table."""
    beyond = body.loc[:, width:]
    wide = (beyond != "").any(axis=1)
    if 0 < wide.sum() <= 0.5 * len(body):
        notes.append(f"{counted(wide.sum(), 'row')} read without what stands beyond the last column, e.g. "
                     f"“{shown(' '.join(filter(None, beyond[wide].iloc[0])))}”.")


def _without_repeats(body: pd.DataFrame, headers: list[list[str]], notes: list[str]) -> pd.DataFrame:
    """`body` without lines that repeat the header, as in files that were joined."""
    repeated: set[int] = set()
    for header in headers:
        same = body.index
        for position, cell in enumerate(header):
            same = same[body.loc[same, position].str.lower() == cell.lower()]
            if same.empty:
                break
        repeated |= set(same)
    if repeated:
        notes.append(f"{counted(len(repeated), 'repeated header line')} left out.")
    return body.drop(index=list(repeated)) if repeated else body


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


def _title_currency(rows: list[list[str]]) -> str | None:
    """The currency that a title line names: 'Currency: USD'."""
    cells = list(chain(*rows))
    codes = ((match[1] or next(filter(None, cells[i + 1 : i + 3]), "")).upper()
             for i, cell in enumerate(cells) if (match := _CURRENCY.search(cell)))
    return next((code for code in codes if code in CURRENCIES), None)


# A row for each date of a table that is written across the page


def _turned(grid: Grid, rows: list[list[str]], decisions: Decisions) -> Table | None:
    """The table with a row for each period where a line has them side by side; None for any other grid."""
    wanted = str(decisions.given.get("header", ""))
    for at, row in enumerate(rows[:_LOOK_ACROSS]):
        if wanted in ("", str(grid.line_of(at))):
            kind, periods = _periods(row[:_LOOK_COLUMNS], [cells[:_LOOK_COLUMNS] for cells in rows[at + 1 : at + 21]])
            if periods and (table := _periods_down(grid, at, kind, periods)):
                _take_header(decisions, grid, rows, at, at + 1)
                return replace(table, currency=_title_currency(rows[:at]))
    return None


def _periods(row: list[str], below: list[list[str]]) -> tuple[str, dict[int, str]]:
    """('year', 'date', 'month' or 'quarter', position -> period) of a line that names periods side by side; else ('', {})."""
    years = {at: match[1] for at, cell in enumerate(row) if (match := _YEAR.fullmatch(cell))}
    places, values, last = list(years), list(years.values()), _YEARS_IN_A_ROW - 1
    runs = (places[i + last] - places[i] == last == abs(int(values[i + last]) - int(values[i]))
            for i in range(len(years) - last))
    if any(runs) and values in (sorted(set(values)), sorted(set(values), reverse=True)):
        return "year", years
    if len(row) >= _DATES_IN_A_ROW:
        dates = {at: cell for at, cell in enumerate(row) if looks_like_date(cell, whole_numbers=False)}
        if len(dates) >= max(_DATES_IN_A_ROW, 0.8 * sum(map(bool, row))):
            return "date", dates
    if below and any(map(_YEAR.fullmatch, below[0][:_MOST_LABELS])):
        return _parts(_aligned(row, below))
    return "", {}


def _parts(cells: list[str]) -> tuple[str, dict[int, str]]:
    """('month' or 'quarter', position -> what goes behind the year) where `cells` name all of a year; else ('', {})."""
    for part, (number_of, last, form) in _PARTS.items():
        if len(cells) >= last:
            found = {number: at for at, cell in enumerate(cells) if cell and (number := number_of(cell))}
            if len(found) == last:
                return part, {at: form.format(number) for number, at in sorted(found.items())}
    return "", {}


def _periods_down(grid: Grid, header: int, kind: str, periods: dict[int, str]) -> Table | None:
    """A row for each period of each line below `header`, or a column for each line that is one of the prices of a candle.

    None where nothing tells the lines apart, or they are not the lines of years whose months or quarters stand side by side.
    """
    body = grid.frame.iloc[header + 1 :]
    places = list(periods)
    if len(body) * len(places) > _MOST_VALUES:
        return None
    body = body[body[places].map(looks_like_number).any(axis=1)]
    labels, years = body.loc[:, : min(places) - 1], [""] * len(body)
    notes = [f"The table was turned: its {kind}s stand side by side."]
    if kind in _PARTS:
        place = next((at for at in labels if labels[at].str.fullmatch(_YEAR.pattern).mean() >= 0.9), None)
        if place is None:
            return None
        labels, years = labels.drop(columns=place), list(labels[place].str.replace(_YEAR, r"\1", regex=True))
        notes = [f"The columns for the {kind}s were put below one another."]
        # That the newest year ends early is no reason to refuse.
        short = [year for year, last in zip(years, body[places[-1]], strict=True) if last == "" and year != max(years)]
        if grid.spaced and short:
            raise UnreadableFile(f"The line of the year {short[0]} has fewer than {len(places)} values, and blanks do not tell "
                                 f"for which {kind}s they are. Write one date and price on each line.")
    names = _series_names(labels, years)
    if not names:
        return None
    values = body[places].to_numpy(dtype=object)
    native = np.zeros(values.shape, dtype=bool) if grid.native is None else grid.native.loc[body.index, places].to_numpy()
    dates = [year + period for year in years for period in periods.values()]
    part, below = _parts(names)
    candle = not any(years) and (len(names) == 1 or sum(said_by(name)[0] in BARS for name in names) >= 0.5 * len(names))
    if kind == "year" and below:  # months below one another
        kind, dates = part, [year + period for year in periods.values() for period in below.values()]
        values, native, names = values[list(below)].T, native[list(below)].T, [""]
    elif kind == "year":
        dates = [f"{year}-01-01" for year in dates]
        notes.append("Each year was dated by its first day.")
    columns = [Column(0, kind.capitalize(), "date"), Column(1, "Value", "price")]
    if candle:
        dates, columns[1:] = dates[: len(places)], name_columns([[], *([name] for name in names)])[1:]
    else:
        values, native = values.reshape(1, -1), native.reshape(1, -1)
    cells = dict(enumerate([dates, *values]))
    if not candle and any(names):
        cells[2] = np.repeat(names, len(places))
        columns.append(Column(2, "Series", "series"))
    if above := int((grid.frame.iloc[:header] != "").any(axis=1).sum()):
        notes.append(f"{counted(above, 'line')} skipped above the table.")
    stored = pd.DataFrame(dict.fromkeys(cells, False) | dict(enumerate(native, start=1)), index=range(len(dates)))
    return Table(pd.DataFrame(cells, dtype="str"), tuple(columns), True, grid.plain_points,
                 None if grid.native is None else stored, epoch_1904=grid.epoch_1904, notes=(*grid.notes, *notes))


def _series_names(labels: pd.DataFrame, years: list[str]) -> list[str]:
    """What tells the lines of a year apart: the first column of names that does, or the first few together; [] for none."""
    names = [""] * len(labels)
    if len(set(years)) == len(labels) > 1:
        return names
    for position in labels:
        filled = [cell for cell in labels[position] if not is_missing(cell)]
        if sum(looks_like_date(cell, whole_numbers=False) for cell in filled) > 0.5 * len(filled):
            return []
        if sum(map(looks_like_number, filled)) < 0.5 * len(filled):
            both = [", ".join(filter(None, pair)) for pair in zip(names, labels[position], strict=True)]
            for found in (list(labels[position]), both):
                if len({*zip(found, years, strict=True)}) == len(labels) and all(found):
                    return found
            names = both if len(set(both)) > len(set(names)) else names
    return ["Value"] if len(labels) == 1 else []
