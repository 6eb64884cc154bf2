"""From text to floats: decimal comma or point, thousands, currencies, percent, K and M; and what is no value at all.

A number is a body of digits in its wrapping: sign, currency, percent, footnote. `_WRAPPED` and `_BODY` are the only grammar,
for one cell and for a column. A column is read by one convention. '1,234' and '1.234' alone say nothing of theirs, so the whole
column decides, then the rest of the file; where nothing does, the caller must ask.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.data.files.vocabulary import MAGNITUDE, MAGNITUDES, MISSING, MONEY, SIGNS

__all__ = ["Evidence", "Figures", "containing", "is_missing", "looks_like_number", "read_figures", "tidy", "weigh"]

LONGEST = 60  # characters of a number with its currency
_SPACES, _APOSTROPHES = " \u00a0\u2007\u2009\u202f", "'’`´"
_WRAPPED = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+−–])?\s*(?:(?P<before>{MONEY})\s*(?P<sign2>[-+−–])?)?\s*"
    rf"(?P<body>[0-9.,{_SPACES}{_APOSTROPHES}]*[0-9][0-9.,{_SPACES}{_APOSTROPHES}]*?(?:e[-+]?[0-9]{{1,3}})?)\s*"
    rf"(?P<magnitude>{MAGNITUDE})?\s*\(?(?P<after>{MONEY})?\s*"
    r"(?P<percent>%)?\s*(?P<behind>[-−])?\s*\)?(?:\*+|†|‡|\s?\([a-z]\))?")  # the mark of a footnote
_INFINITE = {"inf", "infinity", "∞", "1.#inf"}
_WRAPPINGS = 12  # ways to wrap a number that are looked for in the whole column at once


def _body_pattern(point: str, group: str) -> str:
    """A number with this decimal mark; groups of three, the Indian groups of two, or spaces and apostrophes.

    With [0-9] because pandas leaves \\d to Python, cell by cell.
    """
    point, group = re.escape(point), re.escape(group)
    grouped = rf"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|[1-9][0-9]?(?:{group}[0-9]{{2}})+{group}[0-9]{{3}}"
    spaced = "|".join(rf"[1-9][0-9]{{0,2}}(?:[{marks}][0-9]{{3}})+" for marks in (_SPACES, _APOSTROPHES))
    return rf"(?:(?:{grouped}|{spaced}|[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][-+]?[0-9]{{1,3}})?"


_BODY = {".": _body_pattern(".", ","), ",": _body_pattern(",", ".")}
_EITHER_BODY = re.compile(f"(?:{'|'.join(_BODY.values())})")
_PLAIN = {mark: rf"[-+]?{body}" for mark, body in (*_BODY.items(), ("either", _EITHER_BODY.pattern))}  # in no other wrapping
_SIMPLE = r"[-+]?[0-9]+(?:\.[0-9]+)?"
_NEARLY_ALL = 0.9
# A bond's 110'165 is 16.5 thirty-seconds above 110: a column all of whose apostrophes may be such ones is not read.
_THIRTY_SECONDS = r"[0-9]{2,3}['’`´](?:[0-2][0-9]|3[01])[0257]"


def tidy(cell: str) -> str:
    """`cell` without what spreadsheets wrap around values: spaces, ="...", '...' and byte order marks."""
    cell = cell.strip().strip("\ufeff").strip()
    if cell.startswith('="') and cell.endswith('"'):
        cell = cell[2:-1]
    if len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "'\"":
        cell = cell[1:-1]
    if cell[:1] == "'" and cell[1:2].isdecimal():  # a spreadsheet's mark for text
        cell = cell[1:]
    return cell.strip()


_BATCH_CELLS = 50_000


def containing(frame: pd.DataFrame, pattern: str):
    """(column, mask of the rows whose text contains `pattern`) for each column of text.

    Several columns at a time: pandas takes longer to begin with a column than for the cells of a short one.
    """
    rows, columns = frame.shape
    step = max(1, _BATCH_CELLS // max(1, rows))
    for at in range(0, columns, step):
        names = frame.columns[at : at + step]
        text = frame[names[0]] if len(names) == 1 else pd.concat([frame[name] for name in names], ignore_index=True)
        mask = text.str.contains(pattern).to_numpy(dtype=bool)
        yield from zip(names, np.split(mask, len(names)), strict=True)


def is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


# Cached because one cell is looked at for each delimiter and again for each step.
@lru_cache(maxsize=20_000)
def looks_like_number(cell: str) -> bool:
    """Whether `read_figures` reads `cell`, with one of the two decimal marks."""
    if len(cell) > LONGEST:
        return False
    match = _WRAPPED.fullmatch(cell.lower())
    return bool(match and _EITHER_BODY.fullmatch(match["body"])) or _is_infinite(cell)


def _is_infinite(cell: str) -> bool:
    return cell.lower().lstrip("+-−") in _INFINITE


@dataclass(frozen=True)
class Evidence:
    """How many cells can only be read with a decimal point, only with a comma, and with either: '1.234', '1,234'."""

    point: int = 0
    comma: int = 0
    open_points: int = 0
    open_commas: int = 0

    def __add__(self, other):
        return Evidence(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))

    @property
    def decided(self) -> str | None:
        """'.' or ',' where the cells agree; one stray cell in a hundred does not count."""
        few, many = sorted((self.point, self.comma))
        if not many or few > 0.01 * many:
            return None
        return "." if self.point > self.comma else ","

    @property
    def contradicts(self) -> bool:
        return min(self.point, self.comma) > 0 and self.decided is None

    @property
    def ambiguous(self) -> bool:
        return bool(self.open_points or self.open_commas) and self.decided is None


@dataclass(frozen=True)
class Figures:
    """Floats of one column.

    values: NaN where missing, unreadable or infinite; missing, unreadable, infinite: masks
    currency: where one sign stands at the numbers; signs: all that do; percent: whether they carry a percent sign
    """

    values: np.ndarray
    missing: np.ndarray
    unreadable: np.ndarray
    infinite: np.ndarray
    currency: str | None = None
    dollar_sign: bool = False
    percent: bool = False
    signs: tuple[str, ...] = ()

    @property
    def share_read(self) -> float:
        """Of the cells that are not missing, the share that are numbers, infinite ones included."""
        present = (~self.missing).sum()
        return 1.0 - float(self.unreadable.sum() / present) if present else 0.0


def weigh(text: pd.Series, native: pd.Series | None = None) -> Evidence:
    """What the cells of a column say about the decimal mark."""
    if native is not None:
        text = text[~native]
    marks = text[text.str.contains("[.,]").to_numpy(dtype=bool)]
    evidence = Evidence()
    for _, _, bodies in _unwrapped(marks) if len(marks) else ():
        point, comma = (bodies.str.fullmatch(_PLAIN[mark]).to_numpy(dtype=bool) for mark in ".,")
        points, commas = (bodies.str.contains(mark, regex=False).to_numpy(dtype=bool) for mark in ".,")
        both = point & comma
        evidence += Evidence(*map(int, ((point & ~comma & (points | commas)).sum(), (comma & ~point & (points | commas)).sum(),
                                        (both & points).sum(), (both & commas).sum())))
    return evidence


def read_figures(text: pd.Series, point: str = ".", native: pd.Series | None = None) -> Figures:
    """`text` as floats with `point` as the decimal mark."""
    values = np.full(len(text), np.nan)
    simple = np.zeros(len(text), dtype=bool) if native is None else native.to_numpy(dtype=bool)
    if point == ".":  # nearly all columns need no closer look
        simple = simple | text.str.fullmatch(_SIMPLE).to_numpy(dtype=bool)
    if simple.any():
        numbers = text if simple.all() else text[simple]
        values[simple] = pd.to_numeric(numbers, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    rest = text[~simple]
    quoted = rest.str.contains(f"[{_APOSTROPHES}]").to_numpy(dtype=bool)
    if quoted.any() and rest[quoted].str.fullmatch(_THIRTY_SECONDS).mean() > _NEARLY_ALL:
        rest = rest[~quoted]
        simple = simple | text.str.contains(f"[{_APOSTROPHES}]").to_numpy(dtype=bool)
    written, signs, percents = np.flatnonzero(~simple), set(), 0
    for wrapping, at, bodies in _unwrapped(rest) if len(rest) else ():
        fits = bodies.str.fullmatch(_PLAIN[point]).to_numpy(dtype=bool)
        digits = (bodies if fits.all() else bodies[fits]).str.replace(
            f"[{',' if point == '.' else '.'}{_SPACES}{_APOSTROPHES}]", "", regex=True)
        digits = digits.str.replace(",", ".", regex=False) if point == "," else digits
        read = pd.to_numeric(digits, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        values[written[at[fits]]] = read * wrapping.factor
        signs |= {wrapping.money} - {""} if len(read) else set()
        percents += wrapping.percent * len(read)
    missing, infinite = np.zeros((2, len(text)), dtype=bool)
    if len(rest := np.flatnonzero(np.isnan(values))):
        cells = text.iloc[rest].str.slice(0, LONGEST).str.lower()
        missing[rest], infinite[rest] = cells.isin(MISSING), cells.str.lstrip("+-−").isin(_INFINITE)
    infinite |= np.isinf(values)
    unreadable = np.isnan(values) & ~missing & ~infinite
    values[infinite] = np.nan
    sign = next(iter(signs)) if len(signs) == 1 else None
    return Figures(values, missing, unreadable, infinite, SIGNS.get(sign, sign.upper()) if sign else None, sign == "$",
                   percents > 0.5 * max(1, np.isfinite(values).sum()), tuple(sorted(signs)))


@dataclass(frozen=True)
class _Wrapping:
    """What stands around the digits of a number, and what it makes of them."""

    before: str = ""
    behind: str = ""
    factor: float = 1.0
    money: str = ""
    percent: bool = False


def _wrapping_of(cell: str) -> _Wrapping | None:
    match = _WRAPPED.fullmatch(cell) if len(cell) <= LONGEST else None
    if match is None or not _EITHER_BODY.fullmatch(match["body"]):
        return None
    negative = (match["sign"] or match["sign2"] or match["behind"] or "+") in "-−–" or match["open"] is not None
    magnitude = MAGNITUDES.get((match["magnitude"] or "").rstrip("."), 1.0)
    return _Wrapping(cell[: match.start("body")], cell[match.end("body") :], -magnitude if negative else magnitude,
                     match["before"] or match["after"] or "", match["percent"] is not None)


def _unwrapped(text: pd.Series) -> Iterator[tuple[_Wrapping, np.ndarray, pd.Series]]:
    """(wrapping, positions in `text` of the cells that are wrapped so, their bodies), until every number is among them.

    A column has few ways to wrap its numbers, so each is taken off all cells at once.
    """
    plain, at = text.str.fullmatch(_PLAIN["either"]).to_numpy(dtype=bool), np.arange(len(text))
    yield _Wrapping(), at[plain], text if plain.all() else text[plain]  # nearly all columns
    rest = text[~plain].str.slice(0, LONGEST + 1).str.lower()
    filled = ~rest.isin(MISSING).to_numpy(dtype=bool)
    at, rest = at[~plain][filled], rest[filled]
    for looked in itertools.count():
        if not len(rest):
            return
        wrapping = _wrapping_of(rest.iloc[0])
        taken = np.array(rest == rest.iloc[0], dtype=bool)
        if wrapping:
            if looked < _WRAPPINGS:  # beyond them each cell for itself
                taken = np.array(rest.str.startswith(wrapping.before) & rest.str.endswith(wrapping.behind), dtype=bool)
            bodies = rest[taken].str.slice(len(wrapping.before), -len(wrapping.behind) or None)
            whole = bodies.str.fullmatch(_EITHER_BODY.pattern).to_numpy(dtype=bool)
            taken[taken] = whole
            yield wrapping, at[taken], bodies[whole]
        at, rest = at[~taken], rest[~taken]
