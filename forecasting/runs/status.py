"""What the engine says of itself to every app of its home: that it works, or why it cannot."""

from __future__ import annotations

import logging
import time

from forecasting.errors import StoreUnavailable
from forecasting.paths import home, write_atomically

__all__ = ["Status", "heard"]

FILE = "engine.status"
FRESH = 60.0  # seconds for which a word counts: an engine that died takes nothing back
TICK = 0.05  # seconds by which the times of files lag behind the clock
REPEAT = 20.0  # seconds after which the same word is said again

log = logging.getLogger(__name__)


class Status:
    """The engine's voice."""

    def __init__(self):
        self._word, self._said = None, float("-inf")

    def say(self, trouble: str | None):
        """trouble: why no run can go on, a sentence for the person; None while all is well. To be called often."""
        word = trouble or ""
        if word == self._word and time.monotonic() - self._said < REPEAT:
            return
        try:
            write_atomically(home() / FILE, word.encode())
        except (OSError, StoreUnavailable) as error:
            log.warning("The engine's status cannot be written: %s", error)
        self._word, self._said = word, time.monotonic()

    def fall_silent(self):
        """Takes back what was said."""
        try:
            (home() / FILE).unlink(missing_ok=True)
        except (OSError, StoreUnavailable) as error:
            log.warning("The engine's status cannot be taken back: %s", error)


def heard(since: float = 0.0) -> str | None:
    """The latest word: '' while all is well, else the trouble; None where nobody has said anything for a while.

    since: seconds since 1970; what was said before is another engine's
    """
    try:
        file = home() / FILE
        if file.stat().st_mtime < max(since - TICK, time.time() - FRESH):
            return None
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError, StoreUnavailable):
        return None
