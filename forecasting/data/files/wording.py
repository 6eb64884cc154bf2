"""Texts from a file, and numbers of things, as they may stand in a sentence."""

from __future__ import annotations

import unicodedata

from forecasting.words import count, count_of

__all__ = ["counted", "listed", "shown"]


def shown(text, length: int = 40) -> str:
    """`text` from a file as it may stand in a sentence: one line, no control characters, not long."""
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in str(text)[: 4 * length])
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def counted(number: int, noun: str) -> str:
    """'1 row was', '3 rows were'."""
    return f"{count_of(number, noun)} {'was' if number == 1 else 'were'}"


def listed(names: list[str]) -> str:
    """The first eight names, and how many more there are."""
    names = [f"“{shown(name)}”" for name in names]
    more = f" and {count(len(names) - 8)} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
