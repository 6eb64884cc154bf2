"""Why the progress or the result of a run cannot be saved just now, for the page that shows the run.

Whoever computes a run leaves word of it in a small file, since the store is what fails. A full disk takes no such file
either, so a page finds that out for itself.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from forecasting.errors import StoreUnavailable
from forecasting.paths import home, no_room

__all__ = ["clear_delay", "delay_words", "note_delay"]

FRESH = 60.0  # seconds for which a word is valid, since a process that dies cannot withdraw it

log = logging.getLogger(__name__)


def note_delay(run_id: str, reason: str):
    """Leaves word that the run cannot be saved just now. reason: why, in a few words. Call it at each failed attempt."""
    file = _file(run_id)
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(reason, encoding="utf-8")
    except OSError as error:
        log.info("No word can be left of what delays run %s: %s", run_id, error)


def clear_delay(run_id: str):
    """Takes it back."""
    _file(run_id).unlink(missing_ok=True)


def delay_words(run_id: str | None = None) -> str | None:
    """Why nothing is saved just now, a sentence for the user; None while all is well. run_id: a run that has to be saved"""
    try:
        reason = no_room() or (_read(_file(run_id)) if run_id else None)
    except StoreUnavailable as error:
        return str(error)
    if reason is None:
        return None
    return f"Saving delayed: {reason}. What is being computed goes on, and is saved by itself as soon as that is possible."


def _file(run_id: str) -> Path:
    return home() / "delays" / run_id


def _read(file: Path) -> str | None:
    try:
        if file.stat().st_mtime < time.time() - FRESH:
            return None
        return file.read_text(encoding="utf-8").strip() or None  # empty where the disk was full
    except OSError:
        return None
