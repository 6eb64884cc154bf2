"""From text to floats: decimal comma or point, thousands, currencies, percent, K and M.

A column is read by one convention. '1,234' and '1.234' alone say nothing of theirs, so the whole column decides, then the
rest of the file; where nothing does, the caller must ask.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.files.vocabulary import MAGNITUDE, MAGNITUDES, MISSING, MONEY, SIGNS

__all__ = ["Evidence", "Figures", "in_32nds", "read_figures", "weigh"]

_GROUP_SPACE = "\\s\u00a0\u2007\u2009\u202f'’`´"
_AROUND = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+−–])?\s*(?P<before>{MONEY})?\s*(?P<sign2>[-+−–])?\s*"
    rf"(?P<body>[\d.,{_GROUP_SPACE}]*\d[\d.,{_GROUP_SPACE}]*?)(?P<exponent>e[-+]?\d+)?\s*"
    rf"(?P<magnitude>{MAGNITUDE})?\s*\(?(?P<after>{MONEY})?\s*"
    r"(?P<percent>%)?\s*(?P<behind>[-−])?\s*\)?(?:\*+|†|‡|\s?\([a-z]\))?")  # the mark of a footnote
_LONGEST = 60  # characters of a number with its currency
_INFINITE = {"inf", "infinity", "∞", "1.#inf"}


def _body_pattern(point: str, group: str) -> str:
    """A number with this decimal mark; groups of three, the Indian groups of two, or spaces and apostrophes."""
    point, group = re.escape(point), re.escape(group)
    grouped = rf"[1-9]\d{{0,2}}(?:{group}\d{{3}})+|[1-9]\d?(?:{group}\d{{2}})+{group}\d{{3}}"
    spaced = "|".join(rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+" for mark in (rf"[{_GROUP_SPACE[:-4]}]", "['’`´]"))
    return rf"(?:{grouped}|{spaced}|\d+)(?:{point}\d*)?|{point}\d+"


# The cells that need no closer look, nearly all of a file; read by the column instead of one by one. With [0-9] because
# pandas leaves \d to Python where a column is not ASCII.
_QUICK = {".": r"[+-]?(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?",
          ",": r"[+-]?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?"}
_BODY = {".": re.compile(_body_pattern(".", ",")), ",": re.compile(_body_pattern(",", "."))}


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
    currency: where a sign stands at the numbers; percent: whether they carry a percent sign
    """

    values: np.ndarray
    missing: np.ndarray
    unreadable: np.ndarray
    infinite: np.ndarray
    currency: str | None = None
    dollar_sign: bool = False
    percent: bool = False

    @property
    def share_read(self) -> float:
        """Of the cells that are not missing, the share that are numbers, infinite ones included."""
        present = (~self.missing).sum()
        return 1.0 - float(self.unreadable.sum() / present) if present else 0.0


def weigh(text: pd.Series, native: pd.Series | None = None) -> Evidence:
    """What the cells of a column say about the decimal mark."""
    if native is not None:
        text = text[~native]
    marks = text[text.str.contains(r"[.,]", regex=True)]
    by_point, by_comma = (marks.str.fullmatch(_QUICK[mark]) for mark in ".,")
    either = marks[by_point & by_comma]
    points = int(either.str.contains(".", regex=False).sum())
    point, comma, commas = int((by_point & ~by_comma).sum()), int((by_comma & ~by_point).sum()), len(either) - points
    for cell in marks[~(by_point | by_comma)]:
        match = _AROUND.fullmatch(cell.lower()) if len(cell) <= _LONGEST else None
        body = match and match["body"].strip()
        if not body or not ("." in body or "," in body):
            continue
        reads = [mark for mark in ".," if _BODY[mark].fullmatch(body)]
        if reads == ["."]:
            point += 1
        elif reads == [","]:
            comma += 1
        elif reads:
            points, commas = points + ("." in body), commas + ("," in body)
    return Evidence(point, comma, points, commas)


def in_32nds(text: pd.Series) -> bool:
    """Whether these are bond prices like 110'165, 16.5 thirty-seconds above 110, and not thousands set off by apostrophes."""
    behind = text[text.str.fullmatch(r"[0-9]{2,3}'[0-9]{3}")].str.slice(-3)
    eighths = behind.str.fullmatch(r"(?:[0-2][0-9]|3[01])[0257]")
    return len(behind) >= 10 and len(behind) > 0.9 * len(text) and bool(eighths.all())


def read_figures(text: pd.Series, point: str = ".", native: pd.Series | None = None) -> Figures:
    """`text` as floats with `point` as the decimal mark."""
    group = "," if point == "." else "."
    quick = text.str.fullmatch(_QUICK[point])
    if native is not None:
        quick |= native
    common = text[quick].str.replace(group, "", regex=False).str.replace(",", ".", regex=False)
    if native is not None and point == ",":
        common = common.where(~native[quick], text[quick])
    quick = quick.to_numpy(dtype=bool)
    values = np.full(len(text), np.nan)
    values[quick] = pd.to_numeric(common, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    missing = np.zeros(len(text), dtype=bool)
    unreadable = np.zeros(len(text), dtype=bool)
    signs: Counter[str] = Counter()
    percents = 0
    for i in np.flatnonzero(~quick):
        cell = text.iat[i][:2 * _LONGEST].lower()
        if cell in MISSING:
            missing[i] = True
            continue
        if cell.lstrip("+-−") in _INFINITE:
            values[i] = np.inf
            continue
        match = _AROUND.fullmatch(cell) if len(cell) <= _LONGEST else None
        value = _value(match, point) if match else None
        if match is None or value is None:
            unreadable[i] = True
            continue
        values[i] = value
        if sign := match["before"] or match["after"]:
            signs[sign] += 1
        percents += match["percent"] is not None
    infinite = np.isinf(values)
    values[infinite] = np.nan
    sign = next(iter(signs)) if len(signs) == 1 else None
    return Figures(values, missing, unreadable, infinite, SIGNS.get(sign, sign.upper()) if sign else None, sign == "$",
                   percents > 0.5 * max(1, np.isfinite(values).sum()))


def _value(match: re.Match, point: str) -> float | None:
    body = match["body"].strip()
    if not _BODY[point].fullmatch(body):
        return None
    digits = re.sub(rf"[{_GROUP_SPACE}{'.' if point == ',' else ','}]", "", body).replace(",", ".")
    value = float(digits + (match["exponent"] or "")) * MAGNITUDES.get((match["magnitude"] or "").rstrip("."), 1.0)
    negative = (match["sign"] or match["sign2"] or match["behind"] or "+") in "-−–" or match["open"] is not None
    return -value if negative else value
