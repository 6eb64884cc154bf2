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

__all__ = ["DELIMITERS", "MAX_CELLS", "MAX_COLUMNS", "MAX_LINES", "Grid", "read_grid"]

MAX_COLUMNS, MAX_LINES, MAX_CELLS = 5_000, 1_500_000, 5_000_000  # what is read within 10 seconds and 500 MB
_SPACES, _WIDE_SPACES = r"\s+", r"\s{2,}|\t"
# Where two delimiters do equally well the earlier one is taken: a tab is never part of a cell, a space often is, so
# spaces must do better to be taken.
_DELIMITERS = ("\t", ";", "|", ",", _WIDE_SPACES, _SPACES)
_TWO_SPACES = re.compile(rb"(?:[ \t\v\f]|\xc2\xa0|\xe3\x80\x80){2,}")
_INDENT = re.compile(rb"^(?:[ \t\v\f]|\xc2\xa0|\xe3\x80\x80)+", re.MULTILINE)
_SPACES_WEIGHT = 0.85
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "blanks", "  ": "two blanks or more"}
_SIGNS = {_SPACES: " ", _WIDE_SPACES: "  "}
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
    data, named = _named_delimiter(data)
    sample = _sample_lines(data)
    delimiter = _wanted_delimiter(decisions.given.get("delimiter")) or named or _best_delimiter(sample)
    width = max((len(row) for row in _split(sample, delimiter)), default=1)
    spaced = delimiter in (_SPACES, _WIDE_SPACES)
    if spaced and _only_indented(sample, delimiter):
        data = _INDENT.sub(b"", data)
    frame, notes = _parse(data, delimiter, width)
    if "delimiter" not in decisions.given and (unwrapped := _unwrapped(frame)):
        return read_grid(unwrapped, decisions)
    decisions.take("delimiter", _SIGNS.get(delimiter, delimiter), DELIMITERS)
    return Grid(frame, delimiter == "," and not any(re.search(r'"\d{1,3}\.\d{3}"', line) for line in sample), notes=notes,
                spaced=spaced, lines=_line_numbers(data))


def _wanted_delimiter(wanted) -> str | None:
    if wanted is None:
        return None
    by_name = {name: sign for sign, name in DELIMITERS.items()}
    sign = by_name.get(str(wanted).strip().lower(), str(wanted))
    if (len(sign) != 1 and sign not in DELIMITERS) or sign in '"\r\n0123456789':
        raise ConfigError("delimiter must be one character, two blanks for columns set apart by blanks, or its name "
                          f"({', '.join(by_name)}). Received: {str(wanted)[:20]!r}.")
    return {" ": _SPACES, "  ": _WIDE_SPACES}.get(sign, sign)


def _best_delimiter(sample: list[str]) -> str:
    scores = {delimiter: _score(sample, delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=scores.__getitem__)
    return best if scores[best] > 0 else max(_DELIMITERS[:4], key=lambda d: _evenness(_split(sample, d)))


def _line_numbers(data: bytes) -> tuple[int, ...]:
    """The line, from 1, of each of the first rows: blank lines are no rows."""
    head = data[:_SAMPLE_BYTES].decode("utf-8", errors="ignore").splitlines()
    return tuple(number for number, line in enumerate(head, start=1) if line.strip())


def _only_indented(lines: list[str], delimiter: str) -> bool:
    """Whether blanks in front of lines are nothing but blanks, and no empty cell before the names or the rows.

    Indented lines then have as many cells as the others. Those of pandas and R have fewer: nothing stands over the index,
    nor before a row whose index repeats the one above.
    """
    indented, others = ([len(row) for row in _split(group, delimiter)] for group in (
        [line for line in lines if line[0].isspace()], [line for line in lines if not line[0].isspace()]))
    if not indented or not others:
        return bool(indented)
    usual = Counter(others).most_common(1)[0][0]
    return not any(1 < cells < usual for cells in indented)


def _unwrapped(frame: pd.DataFrame) -> bytes | None:
    """The text within the cells of a grid whose lines are each one cell in quotation marks; None for another grid."""
    if frame.shape[1] > 1 or len(frame) < 2:
        return None
    sample = [cell for cell in frame[0].head(_SAMPLE_ROWS) if cell]
    if not sample or max(_score(sample, d) for d in _DELIMITERS[:4]) <= 0.5:
        return None
    return "\n".join(frame[0]).encode()


def _named_delimiter(data: bytes) -> tuple[bytes, str | None]:
    """Excel's own first line 'sep=;' is obeyed and taken away."""
    match = re.match(rb'\s*"?sep=([^\r\n"])"?[^\r\n]{0,20}(?:\r\n|\r|\n)', data, re.IGNORECASE)
    return (data[match.end():], match[1].decode()) if match and match[1] in b",;|\t" else (data, None)


def _sample_lines(data: bytes) -> list[str]:
    """Lines from the beginning, and some from the middle so that a long preface does not decide."""
    lines = data[:_SAMPLE_BYTES].decode("utf-8", errors="ignore").splitlines()
    if len(data) > _SAMPLE_BYTES and len(lines) > 1:
        lines = lines[:-1]
    lines = [line[:4 * _SAMPLE_BYTES] for line in lines if line.strip()]
    middle = len(lines) // 2
    return lines[:_SAMPLE_ROWS] + lines[max(_SAMPLE_ROWS, middle) : middle + _SAMPLE_ROWS]


def _split(lines: list[str], delimiter: str) -> list[list[str]]:
    if delimiter in (_SPACES, _WIDE_SPACES):
        return [re.split(delimiter, line.strip()) for line in lines]
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
    rows = [row for row in rows if len(row) > 1]
    if not rows:
        return 0.0
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    usual = [row for row in rows if len(row) == width]
    good = [_share_typed(row) for row in usual if _dated_number(row)]
    whole = 1.0 - 0.5 * any(_cuts_every(usual, other) for other in ("\t;| " if delimiter == "," else "\t;|")
                            if other != delimiter and delimiter != _SPACES)
    return whole * sum(good) / len(lines) * (_SPACES_WEIGHT if delimiter == _SPACES else 1.0)


def _cuts_every(rows: list[list[str]], sign: str) -> bool:
    """Whether words and numbers stand in one cell with `sign` between, equally often in nearly every row."""
    times = Counter(sum(cell.count(sign) for cell in row if not (_is_number(cell) or looks_like_date(cell))
                        and any(map(looks_like_number, cell.split(sign)))) for row in rows)
    often, number = times.most_common(1)[0]
    return often > 0 and number > 0.9 * len(rows)


def _dated_number(row: list[str]) -> bool:
    dates = [i for i, cell in enumerate(row) if looks_like_date(cell)]
    return any(_is_number(cell) and [i] != dates for i, cell in enumerate(row) if cell) and bool(dates)


def _share_typed(row: list[str]) -> float:
    filled = [cell for cell in row if not is_missing(cell)]
    typed = [cell for cell in filled if _is_number(cell) or looks_like_date(cell)]
    return 0.5 + 0.5 * len(typed) / max(1, len(filled))


def _is_number(cell: str) -> bool:
    """Whether a cell is a number and not the end of one that was cut: '078' of '1,643,078'."""
    return looks_like_number(cell) and not re.fullmatch("0[0-9]{2}", cell)


def _evenness(rows: list[list[str]]) -> float:
    widths = Counter(len(row) for row in rows)
    width, times = widths.most_common(1)[0] if widths else (1, 0)
    return times * (width > 1)


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
    notes: tuple[str, ...] = ()
    rows = None
    width = _checked(width, lines)
    options: dict[str, object] = {"skipinitialspace": delimiter != _SPACES}
    if delimiter == _WIDE_SPACES:
        # pandas' own parser for such a delimiter takes twice the time and the memory, and knows no quotation marks.
        data, delimiter, options = _TWO_SPACES.sub(b"\t", data), "\t", {"quoting": csv.QUOTE_NONE}
    joint = "  " if delimiter == _SPACES else delimiter
    while True:
        source = io.BufferedReader(_Headed(joint.join(["0"] * width).encode() + b"\n", data))
        try:
            frame = pd.read_csv(source, sep=delimiter, header=None, names=range(width), index_col=False, dtype="str",
                                na_filter=False, nrows=rows, encoding="utf-8", encoding_errors="replace", **options)
            break
        except pd.errors.ParserError as error:
            wider = re.search(r"saw (\d+)", str(error))
            unclosed = re.search(r"EOF inside string starting at row (\d+)", str(error))
            if wider:
                width = _checked(max(int(wider[1]), 2 * width), lines)
            elif unclosed and rows is None:
                rows = int(unclosed[1])
                notes = _unclosed(lines, rows - 1)
            else:
                raise UnreadableFile("The lines of this file do not form a table. Save it again as CSV.") from error
    frame = frame.iloc[1:].reset_index(drop=True)
    if b'"' in data:
        _check_quotes(frame)
    frame = frame.fillna("")  # the python engine leaves missing cells at the end of a line
    return frame.loc[:, : _last_filled(frame)], notes


def _check_quotes(frame: pd.DataFrame):
    """Refuse rows within a cell: a quotation mark went astray and took the rows after it with it."""
    for _, swallowed in containing(frame, r"[\r\n][^0-9A-Za-z]?[0-9]{1,4}[-/.0-9].*[,;|\t]"):
        if swallowed.any():
            row = int(swallowed.argmax()) + 1
            raise UnreadableFile(f"A quotation mark in row {count(row)} takes the rows after it into one cell. Remove it and "
                                 "upload the file again.")


def _last_filled(frame: pd.DataFrame) -> int:
    return next((c for c in reversed(frame.columns) if (frame[c] != "").any()), 0)


def _checked(width: int, lines: int) -> int:
    if width > MAX_COLUMNS:
        raise UnreadableFile(f"The file has more than {count(MAX_COLUMNS)} columns. Keep those with dates and prices.")
    if lines > MAX_LINES:
        raise UnreadableFile(f"The file has {count(lines)} lines, more than the {count(MAX_LINES)} that can be read. Choose a "
                             "shorter period, or prices that are further apart in time.")
    if width * lines > MAX_CELLS:
        raise UnreadableFile(f"The file has more than {MAX_CELLS // 10**6} million cells: {count(lines)} lines of "
                             f"{count(width)}. Keep the columns with dates and prices, or a shorter period.")
    return width


def _unclosed(lines: int, rows: int) -> tuple[str, ...]:
    if lines - rows > 3 + 0.01 * lines:
        raise UnreadableFile(f"A quotation mark opened in row {rows + 1} is never closed, so the rows after it cannot be told "
                             "apart. Remove it and upload the file again.")
    return (f"Row {rows + 1} has a quotation mark that is never closed; the table was read up to there.",)
