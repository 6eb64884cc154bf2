"""From UTF-8 text to a grid of cells: the delimiter by what the cells then are, and pandas' parser for the rest."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from forecasting.data.files.date_forms import looks_like_date
from forecasting.data.files.decisions import Decisions
from forecasting.data.files.number_forms import containing, is_missing, looks_like_number, tidy
from forecasting.errors import ConfigError, UnreadableFile
from forecasting.words import count

__all__ = ["DELIMITERS", "MAX_CELLS", "MAX_COLUMNS", "MAX_LINES", "Grid", "holds_date_and_number", "read_grid"]

MAX_COLUMNS, MAX_LINES, MAX_CELLS = 5_000, 1_500_000, 5_000_000  # what is read within 10 seconds and 500 MB
_SPACES, _WIDE_SPACES = " ", "  "
# Where two delimiters do equally well the earlier one is taken: a tab is never part of a cell, a space often is, so
# spaces must do better to be taken.
DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "vertical bar", ",": "comma", _WIDE_SPACES: "two blanks or more",
              _SPACES: "blanks"}
_SIGNS = "\t;|,"
_PATTERNS = {_SPACES: r"\s+", _WIDE_SPACES: r"\s{2,}|\t"}
_SPACES_WEIGHT = 0.85
_TWO_SPACES = re.compile(rb"(?:[ \t\v\f]|\xc2\xa0|\xe3\x80\x80){2,}")
_INDENT = re.compile(rb"^(?:[ \t\v\f]|\xc2\xa0|\xe3\x80\x80)+", re.MULTILINE)
_SAMPLE_BYTES, _SAMPLE_ROWS = 131_072, 60


@dataclass(frozen=True)
class Grid:
    """The cells of a file or sheet as they stand, header and title lines included.

    frame: text cells, columns 0, 1, ...; empty cells are ''
    native: the same shape, True where the cell was stored as a number (Excel only), or None
    plain_points: whether '1.234' can only be a decimal: who groups digits by points has decimal commas, and neither
        separates cells by commas nor leaves them without quotation marks
    notes: what was done on the way
    spaced: whether blanks separate the cells, so that an empty one leaves no trace
    lines: the line, from 1, of each of the first rows; () where rows are lines
    """

    frame: pd.DataFrame
    plain_points: bool = False
    native: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    epoch_1904: bool = False
    spaced: bool = False
    lines: tuple[int, ...] = ()

    def line_of(self, row: int) -> int:
        return self.lines[row] if row < len(self.lines) else row + 1


def read_grid(data: bytes, decisions: Decisions) -> Grid:
    """The cells of UTF-8 text. Raises UnreadableFile where lines do not form a table."""
    # Excel's own first line 'sep=;' is obeyed and taken away.
    told = re.match(rb'\s*"?sep=([,;|\t])"?[^\r\n]{0,20}(?:\r\n|\r|\n)', data, re.IGNORECASE)
    data = data[told.end():] if told else data
    head = data[:_SAMPLE_BYTES].decode("utf-8", errors="ignore").splitlines()
    sample = _sampled(head, whole=len(data) <= _SAMPLE_BYTES)
    wanted = decisions.given.get("delimiter")
    delimiter = _named(wanted) if wanted is not None else told[1].decode() if told else _best_delimiter(sample)
    spaced = delimiter in _PATTERNS
    if spaced and _only_indented(sample, delimiter):
        data = _INDENT.sub(b"", data)
    frame, notes = _parse(data, delimiter, max(map(len, _split(sample, delimiter)), default=1))
    if wanted is None and _is_wrapped(frame):
        return read_grid("\n".join(frame[0]).encode(), decisions)
    decisions.take("delimiter", delimiter, DELIMITERS)
    plain_points = delimiter == "," and not any(re.search(r'"\d{1,3}\.\d{3}"', line) for line in sample)
    lines = tuple(number for number, line in enumerate(head, start=1) if line.strip())
    return Grid(frame, plain_points, notes=notes, spaced=spaced, lines=lines)


def _named(wanted) -> str:
    """The delimiter that a caller means by its name or the sign itself."""
    by_name = {name: sign for sign, name in DELIMITERS.items()}
    sign = by_name.get(str(wanted).strip().lower(), str(wanted))
    if (len(sign) != 1 and sign not in DELIMITERS) or sign in '"\r\n0123456789':
        raise ConfigError("delimiter must be one character, two blanks for columns set apart by blanks, or its name "
                          f"({', '.join(by_name)}). Received: {str(wanted)[:20]!r}.")
    return sign


def _best_delimiter(sample: list[str]) -> str:
    """The delimiter with the best score or, where no line holds a date and a number, with the most lines of one width."""
    scores = {delimiter: _score(sample, delimiter) for delimiter in DELIMITERS}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > 0 else max(_SIGNS, key=lambda sign: _usual_width(_split(sample, sign), at_least=2)[1])


def _usual_width(rows: list[list[str]], at_least: int = 1) -> tuple[int, int]:
    """(the number of cells that most rows have, how many have it)."""
    return next(iter(Counter(len(row) for row in rows if len(row) >= at_least).most_common(1)), (1, 0))


def _only_indented(lines: list[str], delimiter: str) -> bool:
    """Whether blanks in front of lines are nothing but blanks, and no empty cell before the names or the rows.

    Indented lines then have as many cells as the others. Those of pandas and R have fewer: nothing stands over the index,
    nor before a row whose index repeats the one above.
    """
    indented, others = (_split([line for line in lines if line[0].isspace() is is_one], delimiter) for is_one in (True, False))
    usual, _ = _usual_width(others)
    return bool(indented) and not any(1 < len(row) < usual for row in indented)


def _is_wrapped(frame: pd.DataFrame) -> bool:
    """Whether each line of a file is one cell in quotation marks, with the cells of the table within."""
    sample = [cell for cell in frame[0].head(_SAMPLE_ROWS) if cell] if frame.shape[1] == 1 and len(frame) > 1 else []
    return bool(sample) and max(_score(sample, sign) for sign in _SIGNS) > 0.5


def _sampled(lines: list[str], whole: bool) -> list[str]:
    """Lines from the beginning, and some from the middle so that a long preface does not decide."""
    lines = [line for line in (lines if whole or len(lines) < 2 else lines[:-1]) if line.strip()]
    middle = max(_SAMPLE_ROWS, len(lines) // 2)
    return lines[:_SAMPLE_ROWS] + lines[middle : middle + _SAMPLE_ROWS]


def _split(lines: list[str], delimiter: str) -> list[list[str]]:
    if delimiter in _PATTERNS:
        return [re.split(_PATTERNS[delimiter], line.strip()) for line in lines]
    rows: list[list[str]] = []
    for line in lines:
        try:
            rows.extend(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
        except csv.Error:  # a field beyond the module's limit
            rows.append(line.split(delimiter))
    return rows


def _score(lines: list[str], delimiter: str) -> float:
    """How well `delimiter` explains the lines: the share that has the usual width and a date and a number, times the share
    of their cells that are dates or numbers. Half of it where the other cells hold another sign, equally often in every line.
    """
    rows = [[tidy(cell) for cell in row[:200]] for row in _split(lines, delimiter)]
    width, _ = _usual_width(rows, at_least=2)
    usual = [row for row in rows if len(row) == width > 1]
    good = 0.0
    for row in filter(holds_date_and_number, usual):
        typed = [_is_number(cell) or looks_like_date(cell) for cell in row if not is_missing(cell)]
        good += 0.5 + 0.5 * sum(typed) / len(typed)
    signs = {",": "\t;| ", _SPACES: ""}.get(delimiter, "\t;|")
    halved = good and any(_cuts_every(usual, sign) for sign in signs if sign != delimiter)
    return good / max(1, len(lines)) * (0.5 if halved else 1.0) * (_SPACES_WEIGHT if delimiter == _SPACES else 1.0)


def _cuts_every(rows: list[list[str]], sign: str) -> bool:
    """Whether words and numbers stand in one cell with `sign` between, equally often in nearly every row."""
    times = Counter(sum(cell.count(sign) for cell in row if not (_is_number(cell) or looks_like_date(cell))
                        and any(map(looks_like_number, cell.split(sign)))) for row in rows)
    often, number = times.most_common(1)[0]
    return often > 0 and number > 0.9 * len(rows)


def holds_date_and_number(row: list[str], whole_numbers: bool = True) -> bool:
    """Whether a row holds a date and, in another cell, a number."""
    dates = [i for i, cell in enumerate(row) if looks_like_date(cell, whole_numbers)]
    return bool(dates) and any([i] != dates and _is_number(cell) for i, cell in enumerate(row) if cell)


def _is_number(cell: str) -> bool:
    """Whether a cell is a number and not the end of one that was cut: '078' of '1,643,078'."""
    return looks_like_number(cell) and not re.fullmatch("0[0-9]{2}", cell)


class _Headed(io.RawIOBase):
    """The bytes `first` and then `rest`, without a copy of both together."""

    def __init__(self, first: bytes, rest: bytes):
        self._parts = io.BytesIO(first), io.BytesIO(rest)

    def readable(self):
        return True

    def readinto(self, buffer):
        return next((read for part in self._parts if (read := part.readinto(buffer))), 0)


def _parse(data: bytes, delimiter: str, width: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """All rows at the width of the widest; a quotation mark that is never closed ends the table.

    pandas takes the width of a file from its first line and cuts that line to the names it is given: a line of our own in
    front, as wide as the names, makes it complain of every line that is wider.
    """
    lines = data.count(b"\n") or data.count(b"\r")
    options: dict[str, object] = {"sep": _PATTERNS.get(delimiter, delimiter), "skipinitialspace": delimiter != _SPACES}
    if delimiter == _WIDE_SPACES:
        # pandas' own parser for such a delimiter takes twice the time and the memory, and knows no quotation marks.
        data, delimiter, options = _TWO_SPACES.sub(b"\t", data), "\t", {"sep": "\t", "quoting": csv.QUOTE_NONE}
    notes: tuple[str, ...] = ()
    rows = frame = None
    while frame is None:
        _check_size(width, lines)
        source = io.BufferedReader(_Headed(delimiter.join("0" * width).encode() + b"\n", data))
        try:
            frame = pd.read_csv(source, header=None, names=range(width), index_col=False, dtype="str", na_filter=False,
                                nrows=rows, encoding="utf-8", encoding_errors="replace", **options)
        except pd.errors.ParserError as error:
            if wider := re.search(r"saw (\d+)", str(error)):
                width = max(int(wider[1]), min(2 * width, MAX_COLUMNS))
            elif rows is None and (unclosed := re.search(r"EOF inside string starting at row (\d+)", str(error))):
                rows = int(unclosed[1])
                if lines - rows > 2 + 0.01 * lines:
                    raise _astray(f"opened in row {rows} is never closed, so the rows after it cannot be told apart") from error
                notes = (f"Row {rows} has a quotation mark that is never closed; the table was read up to there.",)
            else:
                raise UnreadableFile("The lines of this file do not form a table. Save it again as CSV.") from error
    frame = frame.iloc[1:].reset_index(drop=True)
    # A quotation mark that went astray takes the rows after it into its cell.
    for _, swallowed in containing(frame, r"[\r\n][^0-9A-Za-z]?[0-9]{1,4}[-/.0-9].*[,;|\t]") if b'"' in data else ():
        if swallowed.any():
            raise _astray(f"in row {count(int(swallowed.argmax()) + 1)} takes the rows after it into one cell")
    frame = frame.fillna("")  # the python engine leaves missing cells at the end of a line
    return frame.loc[:, : next((c for c in reversed(frame.columns) if (frame[c] != "").any()), 0)], notes


def _astray(what: str) -> UnreadableFile:
    return UnreadableFile(f"A quotation mark {what}. Remove it and upload the file again.")


def _check_size(width: int, lines: int):
    """Refuse what would take too long to read, or too much memory."""
    too_large = (
        (width > MAX_COLUMNS, f"more than {count(MAX_COLUMNS)} columns. Keep those with dates and prices."),
        (lines > MAX_LINES, f"{count(lines)} lines, more than the {count(MAX_LINES)} that can be read. Choose a shorter "
                            "period, or prices that are further apart in time."),
        (width * lines > MAX_CELLS, f"more than {MAX_CELLS // 10**6} million cells: {count(lines)} lines of {count(width)}. "
                                    "Keep the columns with dates and prices, or a shorter period."))
    for is_so, what in too_large:
        if is_so:
            raise UnreadableFile(f"The file has {what}")
