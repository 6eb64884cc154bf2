"""What a single cell looks like: a date, a number, nothing, or words. Only a first look, for finding the table in a file."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.data.files.vocabulary import DAYS, MAGNITUDE, MISSING, MONEY, month_number, plain

__all__ = ["containing", "is_missing", "looks_like_date", "looks_like_number", "tidy"]

_NUMBER = re.compile(
    rf"""[(+\-−]?\s*(?:{MONEY})?\s?[-−]?\s*
    (?:(?:\d{{1,3}}(?:[\s'’]\d{{3}})+|\d+)(?:[.,]\d*)*|[.,]\d+)(?:e[+-]?\d+)?\s*  # digits in groups, or not
    (?:{MAGNITUDE})?\s*\(?(?:{MONEY}|%)?\s*\)?[-−]?(?:\*+|†|‡|\s?\([a-z]\))?""", re.VERBOSE | re.IGNORECASE)
_TIME_BEHIND = r"(?:[T ,\-].*(?:\d:\d|\dh|\d[ \-]?[ap]\.?m|\d\.\d\d\.\d).*)?"
_NUMERIC_DATE = re.compile(rf"\d{{1,4}}\s?([-/. ])\s?\d{{1,2}}\s?\1\s?\d{{1,4}}\.?{_TIME_BEHIND}", re.IGNORECASE)
_MONTH_DATE = re.compile(r"\d{4}[-/.:]\d{1,2}|\d{1,2}[-/.]\d{4}|\d{4}\s?[-/:. ]?\s?[QqTtMmWw]-?\d{1,2}|[Mm]\d\d[-/ ]\d{4}"
                         r"|[QqTt][1-4][-/ ]?'?\d{2,4}|[1-4]\s?[QqTt][-/ ]?'?\d{2,4}|\d{4} [1-4][Qq]")
_CJK_DATE = re.compile(r"\d{2,4}\s?[年년]\s?\d{1,2}\s?[月월](?:\s?\d{1,2}\s?[日일])?.*")
_STAMP = re.compile(r"\d{8}[ T_-]?\d{4,6}(?:Z|[+-]\d\d:?\d\d)?|\d{8}[T ,_-]+\d{1,2}:\d\d.*")
_WHOLE = re.compile(r"(?:1[5-9]|2[0-2])\d\d|\d{5,19}")
_FRACTION = re.compile(r"\d\.\d{9,}[eE]\+(?:09|1[0-8])|\d{5}\.\d+|\d{9,10}\.\d+|\d{4}\.\d{1,}|\d{5,19}\.0+")
_WORD_DATE = re.compile(r"[\w\s,./'’()-]{4,48}(?::.*)?")


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
    return len(cell) <= 40 and (_NUMBER.fullmatch(cell) is not None or cell.lstrip("+-").lower() in ("inf", "infinity"))


@lru_cache(maxsize=20_000)
def looks_like_date(cell: str, whole_numbers: bool = True) -> bool:
    """Whether `cell` may be a date; with `whole_numbers` also as a year, yyyymmdd, an epoch or an Excel serial number."""
    if not 4 <= len(cell) <= 64:
        return False
    if whole_numbers and (_WHOLE.fullmatch(cell) or _FRACTION.fullmatch(cell)):
        return True
    if any(pattern.fullmatch(cell) for pattern in (_NUMERIC_DATE, _MONTH_DATE, _CJK_DATE, _STAMP)):
        return True
    if not any(c.isdecimal() for c in cell) or not _WORD_DATE.fullmatch(cell):
        return False
    words = re.findall(r"[^\W\d_]+", cell.split(":")[0])
    if words and all(plain(word) in DAYS for word in words):  # 'Tue 27/03/2018', '2018/03/27(火)'
        return _NUMERIC_DATE.fullmatch(re.sub(r"\(?[^\W\d_]+\.?\)?,?", "", cell.split(":")[0], count=1).strip()) is not None
    return any(month_number(word) for word in words) and all(
        month_number(word) or plain(word) in DAYS or plain(word) in {"st", "nd", "rd", "th", "t", "at", "um", "gmt", "utc"}
        for word in words)
