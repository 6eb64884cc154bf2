"""What people write about a run: its name, a star, tags and a note. Text of strangers, bounded before it is kept."""

from __future__ import annotations

import re
import unicodedata

from forecasting.errors import RunError
from forecasting.runs.records import SEPARATOR

__all__ = ["MOST_TAGS", "NAME_LENGTH", "NOTE_LENGTH", "TAG_LENGTH", "clean_name", "clean_note", "clean_tags"]

NAME_LENGTH, NOTE_LENGTH, TAG_LENGTH, MOST_TAGS = 100, 2000, 30, 10


def clean_name(text: str) -> str:
    """A name on one line. Raises RunError if it is too long."""
    return _bounded(_one_line(text), NAME_LENGTH, "A name")


def clean_note(text: str) -> str:
    """A note, its line breaks kept. Raises RunError if it is too long."""
    lines = (_one_line(line) for line in str(text).replace("\r\n", "\n").split("\n"))
    return _bounded("\n".join(lines).strip(), NOTE_LENGTH, "A note")


def clean_tags(tags) -> tuple[str, ...]:
    """Tags, each of them once, in their order. Raises RunError for too many or one that is too long."""
    # A comma ends a tag, as people expect who type several at once.
    each = (_one_line(part) for tag in tags for part in str(tag).split(SEPARATOR))
    kept = tuple(dict.fromkeys(_bounded(tag, TAG_LENGTH, "A tag") for tag in each if tag))
    if len(kept) > MOST_TAGS:
        raise RunError(f"A run has at most {MOST_TAGS} tags. Received: {len(kept)}. Remove some first.")
    return kept


def _one_line(text: object) -> str:
    """Without line breaks, and without characters that show nothing or turn the direction of what follows."""
    spaced = re.sub(r"\s+", " ", str(text))
    shown = "".join(letter for letter in spaced if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co"))
    return re.sub(" +", " ", shown).strip()  # what was between two spaces may be gone


def _bounded(text: str, most: int, what: str) -> str:
    if len(text) > most:
        raise RunError(f"{what} has at most {most} characters. Received: {len(text)}. Shorten it.")
    return text
