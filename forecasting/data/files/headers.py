"""From a grid of cells to a table: where it begins, what its columns are called and what those names say."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache

import pandas as pd

from forecasting.data.files.date_forms import looks_like_date
from forecasting.data.files.delimited import Grid
from forecasting.data.files.number_forms import containing, is_missing, looks_like_number, tidy
from forecasting.data.files.vocabulary import CURRENCIES, FILLERS, ROLES, SIGNS, plain
from forecasting.data.files.wording import counted, shown
from forecasting.errors import UnreadableFile
from forecasting.words import count

__all__ = ["Column", "Table", "find_table"]

_LOOK, _LOOK_CELLS = 300, 100_000  # rows among which the table must begin; fewer where they are very wide
_NAME_LENGTH = 80
_ENTITY_ROLES = {"open", "high", "low", "close", "last", "settle", "price", "volume",
                 "adj close", "adj open", "adj high", "adj low", "adj volume"}
# Too short or too common to be looked for within a longer name.
_TOO_SHORT = {"o", "h", "l", "c", "v", "y", "max", "min", "first", "son", "slut", "index", "rate", "level", "value",
              "mid", "fix"}
_ALSO_TICKERS = {"C", "H", "L", "LOW", "MA", "N", "NET", "O", "OPEN", "V"}
_PERIODS = {"24h", "1d", "day", "daily"}
_DATE_WORDS = {"date", "datetime", "timestamp", "datum", "fecha"}
# In front of 'price', these make it something else than what the series did.
_NO_PRICES = {"strike", "target", "stop", "entry", "exit", "limit", "cost", "exercise"}
_ARTICLES = {"de", "d", "del", "della", "di", "du", "da", "do", "la", "le", "l", "el", "the", "of"}
_ZONE_WORDS = {"utc", "gmt", "local", "est", "et", "cet", "stamp"}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    position: from 0; name: as shown to people, unique in its table
    role: a value of `vocabulary.ROLES`, or None for a name that says nothing
    entity: whose prices they are where the name tells, e.g. 'AAPL' of 'Close AAPL'; else ''
    currency: where the name tells
    """

    position: int
    name: str
    role: str | None = None
    entity: str = ""
    currency: str | None = None


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
    notes: tuple[str, ...] = field(default=())

    def with_role(self, *roles: str) -> list[Column]:
        return [column for column in self.columns if column.role in roles]

    def preview(self, rows: int = 5) -> tuple[dict[str, str], ...]:
        """The first rows as {column name: text}, at most 30 columns wide."""
        columns = self.columns[:30]
        return tuple({c.name: shown(row[c.position], 40) for c in columns}
                     for row in self.frame.iloc[:rows, :30].to_dict("records"))


def find_table(grid: Grid) -> Table:
    """The table in `grid`. Raises UnreadableFile where there is none."""
    grid = _without_row_numbers(grid)
    frame = _tidied(grid.frame)
    if frame.empty or not (frame != "").any(axis=None):
        raise UnreadableFile("The file is empty. Choose a file with dates and prices.")
    look = max(30, min(_LOOK, _LOOK_CELLS // frame.shape[1]))
    rows = [list(row) for row in frame.head(look).itertuples(index=False, name=None)]
    first = _first_data_row(rows)
    header_rows = _header_rows(rows, first)
    begin = max(header_rows) + 1 if header_rows else first
    _check_beginning(rows[: min(header_rows, default=first)], rows[first : first + 1])
    body = frame.iloc[begin:]
    native = grid.native.loc[body.index] if grid.native is not None else None
    notes = list(grid.notes)
    if header_rows:
        labels = _labels(_aligned([rows[i] for i in header_rows], rows[first:]))
        labels, body, native = _fit_header(labels, body, native, notes)
        body, native, repeated = _without_repeats(body, native, [rows[i] for i in header_rows])
        body, native = _first_table(body, native, notes)
        if repeated:
            notes.append(f"{counted(repeated, 'repeated header line')} left out.")
    else:
        labels = [[] for _ in range(frame.shape[1])]
    top = min(header_rows, default=first)
    owners = _owners(rows[top - 1], rows[top]) if header_rows and top else {}
    above = sum(map(any, rows[:top])) - bool(owners)
    if above:
        notes.append(f"{counted(above, 'line')} skipped above the table.")
    if body.empty and sum(map(any, rows)) > 1:
        raise UnreadableFile("No line of this file holds a date and a price, e.g. not "
                             f"“{shown(' '.join(rows[0]), 60)}”. Choose a file with dates and prices.")
    if body.empty:
        raise UnreadableFile("The file has a header but no rows below it. Choose a file with dates and prices.")
    titles = [cell for row in rows[:top] for cell in row]
    columns = tuple(replace(column, entity=owners.get(column.position, column.entity)) for column in _name_columns(labels))
    return Table(body.reset_index(drop=True), columns, bool(header_rows), grid.plain_points,
                 native.reset_index(drop=True) if native is not None else None, _title_currency(titles),
                 grid.epoch_1904, tuple(notes))


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


def _first_data_row(rows: list[list[str]]) -> int:
    """The first row of data that is followed by more of its kind; without one, the row after the first line of names."""
    for i, row in enumerate(rows):
        if _is_data(row):
            following = [_is_data(other) for other in rows[i + 1 : i + 21] if any(other)][:10]
            if sum(following) >= 0.6 * len(following):
                return i
    named = [i for i, row in enumerate(rows) if sum(bool(cell) for cell in row) > 1]
    return min(named[0] + 1, len(rows)) if named else 1


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
    dates = [i for i, cell in enumerate(header) if cell and _role_of(cell)[0] == "date"]
    named = [i for i, cell in enumerate(above) if cell]
    if len(dates) < 2 or len({header[i] for i in dates}) > 1 or not set(named) <= set(dates) or len(named) < 2:
        return {}
    begins = {i: max((date for date in dates if date <= i), default=None) for i in range(len(header))}
    return {i: above[begin] for i, begin in begins.items() if begin is not None and above[begin]}


def _names_dates(row: list[str]) -> bool:
    """Whether a cell is the name of a date column, and what stands beside it no date."""
    return _known(row) > 0 and any(cell and _role_of(cell)[0] == "date" for cell in row)


def _known(row: list[str]) -> int:
    """How many cells are names of columns; 0 for a single one, which a title line may hold, unless it names the dates.

    Lines like 'Units,USD,Index' or 'Start date,2018-03-27' above a table hold words that some other table has for names.
    """
    if any(looks_like_date(cell, whole_numbers=False) for cell in row[1:4]):
        return 0
    roles = [role for cell in row if cell and (role := _role_of(cell)[0])]
    if {"date", "time", "year"} & set(roles):
        return len(roles)
    return len(roles) if sum(role in _ENTITY_ROLES for role in roles) > 1 else 0


def _is_level(row: list[str], header: list[str]) -> bool:
    """Whether `row` is another level over or under `header`: filled as widely, while one of the two repeats itself."""
    if looks_like_date(row[0]) or looks_like_number(row[0]):
        return False
    filled = [cell for cell in row[1:] if not is_missing(cell) and _role_of(cell)[0] != "date"]
    names = [_unnumbered(name) for cell, below, name in zip(header[1:], row[1:], _carried(header[1:]), strict=True)
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
        roles = [_role_of(cell)[0] for cell in names]
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
        named = [_unnumbered(cell) if _unnumbered(cell) in names else cell for cell in row[1:]]
        levels.append([row[0], *_carried(named)])
    labels = [[cell for cell in pieces if cell] for pieces in zip(*levels, strict=True)]
    if labels and labels[0]:  # the names of the levels stand above the name of the index
        dated = any(_role_of(piece)[0] == "date" for piece in labels[1]) if len(labels) > 1 else False
        if dated and len(set(labels[0])) == len(rows):  # or, where the dates are a column too, above the row numbers
            labels[0] = []
            return labels
        labels[0] = [piece for piece in labels[0] if _role_of(piece)[0] in ("date", "year")][-1:] or labels[0][-1:]
    return labels


def _fit_header(labels, body, native, notes):
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
            return [[], *labels[:-1]], body, native
    excess = _rows_beyond(body, named) if named > 1 else pd.Series(False, index=body.index)
    if excess.mean() > 0.05:
        raise UnreadableFile(
            f"The header names {named} columns but {count(excess.sum())} rows hold more numbers than that, e.g. "
            f"“{shown(', '.join(cell for cell in body[excess].iloc[0] if cell), 60)}”. Numbers with a comma may need quotation "
            "marks, or another delimiter than the comma. Save the file again, e.g. as Excel.")
    if excess.any():
        notes.append(f"{counted(excess.sum(), 'row')} with more cells than the header left out.")
        body = body[~excess]
        native = native[~excess] if native is not None else None
    return labels, body, native


def _closed_up(labels, body):
    """`labels` without one that has no cells: a blank in front of the names, or 'Time' where the date's cell holds it.

    Every name behind it would stand over the column to the right of its own, the last over none.
    """
    named = [i for i, pieces in enumerate(labels) if pieces]
    if len(named) < 2 or body.empty or (body[named[-1]] != "").any():
        return labels
    roles = [_role_of(" ".join(pieces))[0] for pieces in labels]
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


def _without_repeats(body, native, headers):
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
        return body, native, 0
    return body[~repeated], (native[~repeated] if native is not None else None), int(repeated.sum())


def _first_table(body, native, notes):
    """`body` up to a line that names columns anew, as where a table of dividends follows the prices."""
    for position in body.columns[:8]:
        words = body[position][~body[position].str.contains("[0-9]") & (body[position] != "")].drop_duplicates()
        named = words[words.map(lambda cell: ROLES.get(plain(cell[:40])) == "date")] if len(words) < 100 else words[:0]
        anew = next((line for line in named.index if not _is_data(list(body.loc[line]))), None)
        if anew is not None:
            rest = int((body.loc[anew:] != "").any(axis=1).sum())
            notes.append(f"A second table begins at line {count(anew + 1)}; its {counted(rest, 'line')} left out.")
            body = body.loc[: anew - 1]
            native = native.loc[: anew - 1] if native is not None else None
    return body, native


def _name_columns(labels: list[list[str]]) -> tuple[Column, ...]:
    repeated = set.intersection(*(set(pieces) for pieces in labels[1:] if pieces)) if any(labels[1:]) else set()
    constant = {piece for piece in repeated if ROLES.get(plain(piece)) is None and piece.upper() not in CURRENCIES}
    columns: list[Column] = []
    seen: Counter[str] = Counter()
    for position, pieces in enumerate(labels):
        if len(pieces) > 1:  # the role first: 'Close AAPL', whichever level is above
            kept = [piece for piece in dict.fromkeys(pieces) if piece not in constant] or pieces[:1]
            pieces = sorted(kept, key=lambda piece: _role_of(piece)[0] is None)
        name = shown(" ".join(pieces), _NAME_LENGTH) or f"column {position + 1}"
        role, entity, currency = _role_of(" ".join(pieces))
        seen[name] += 1
        name = name if seen[name] == 1 else f"{name} ({seen[name]})"
        columns.append(Column(position, name, role, entity, currency))
    return _with_tickers(columns)


def _with_tickers(columns: list[Column]) -> tuple[Column, ...]:
    """`columns`, of which C, V or LOW are tickers unless they stand among the names of a price table."""
    single = {column.position for column in columns if len(column.name) == 1 and column.name.isascii()}
    letters = {column.name.lower() for column in columns} >= {"o", "h", "l", "c"}
    roles = {column.role for column in columns if letters or column.position not in single}
    tickers = set() if letters else {
        column.position for column in columns if column.position in single and column.role in _ENTITY_ROLES - {"price"}}
    if not roles & {"close", "last", "settle", "price", "adj close"} and not roles >= {"open", "high", "low"}:
        tickers |= {column.position for column in columns if column.name in _ALSO_TICKERS}
    return tuple(replace(column, role=None) if column.position in tickers else column for column in columns)


@lru_cache(maxsize=20_000)  # a name is looked at as a line of the file and as a column
def _role_of(name: str) -> tuple[str | None, str, str | None]:
    """(role, entity, currency) that a header tells.

    'Close (USD)' -> ('close', '', 'USD'); 'AAPL.Close' -> ('close', 'AAPL', None)
    """
    if not name or len(name) > 200:
        return None, "", None
    name = _unnumbered(re.sub(r"^[#%]\s*(?=\w)|^\d{1,2}[a-z]?\.\s+", "", name))
    currency = next((SIGNS.get(sign) for sign in re.findall(r"[€£₹₩₽₺$]|US\$", name)), None)
    tokens = plain(name).split()
    codes = [token.upper() for token in tokens if token.upper() in CURRENCIES]
    bare = [t for t in tokens if t.upper() not in CURRENCIES and t not in _PERIODS and t not in SIGNS]
    # 'Precio máximo', 'Cours de clôture': which price it is, says the other word. A letter is a ticker: 'V Price'.
    which = [t for t in bare if ROLES.get(t) != "price" and t not in _ARTICLES]
    which = which if all(len(t) > 1 or not t.isascii() for t in which) else []
    for kept, allowed in ((tokens, None), (bare, None), (which if 0 < len(which) < len(bare) else [], _ENTITY_ROLES)):
        role = ROLES.get(" ".join(kept))
        if role and (allowed is None or role in allowed):
            return role, "", currency or (codes[0] if len(codes) == 1 and len(kept) < len(tokens) else None)
    if tokens and _DATE_WORDS & {tokens[0], tokens[-1]}:
        return "date", "", None
    for length in (2, 1):  # copied from a page together with its explanation: 'Close Close price adjusted for splits.'
        role = ROLES.get(" ".join(tokens[:length]))
        if len(tokens) > 4 and role in _ENTITY_ROLES and tokens[length - 1] in tokens[length:]:
            return role, "", currency
    for length in range(min(3, len(tokens) - 1), 0, -1):
        for head, rest in ((tokens[:length], tokens[length:]), (tokens[-length:], tokens[:-length])):
            role = ROLES.get(" ".join(head))
            if role in ("date", "time") and set(rest) <= FILLERS | _ZONE_WORDS:
                return role, "", None
            if role in _ENTITY_ROLES and " ".join(head) not in _TOO_SHORT:
                entity = [token for token in rest if token not in FILLERS]
                if role == "price" and _NO_PRICES & set(entity):
                    return "other", "", currency
                if not any(ROLES.get(token) == "other" for token in entity):
                    return role, _entity(name, entity), currency
    return None, "", currency


def _unnumbered(name: str) -> str:
    """'Close' of 'Close.1': pandas numbers names that repeat."""
    return re.sub(r"\.\d{1,2}$", "", name)


def _entity(name: str, tokens: list[str]) -> str:
    """The tokens as they are spelt in the name."""
    spelt = {plain(word): word for word in re.findall(r"[^\s_.,()\[\]{}/:|-]+", name)}
    return " ".join(spelt.get(token, token) for token in tokens)


def _title_currency(cells: list[str]) -> str | None:
    """The currency that a title line names: 'Currency: USD'."""
    for i, cell in enumerate(cells):
        if match := re.search(r"(?:currency|währung|devise|moneda|valuta|waluta)\W*([A-Z]{3})?\b", cell, re.IGNORECASE):
            code = (match[1] or next((c for c in cells[i + 1 : i + 3] if c), "")).upper()
            if code in CURRENCIES:
                return code
    return None
