"""The engine's status for every app of its home: that it works, or why it cannot."""

from __future__ import annotations

import logging
import time

from forecasting.errors import StoreUnavailable
from forecasting.paths import home, write_atomically

__all__ = ["Status", "heard"]

FILE = "engine.status"
FRESH = 60.0  # seconds for which a status is valid, since an engine that dies cannot withdraw it
TICK = 0.05  # seconds by which file times may lag behind the clock
REPEAT = 20.0  # seconds after which an unchanged status is written again

log = logging.getLogger(__name__)


class Status:
    """Writes the engine's status."""

    def __init__(self):
        self._word, self._said = None, float("-inf")

    def say(self, trouble: str | None):
        """trouble: why no run can be computed, a sentence for the user; None while all is well. Call it often."""
        word = trouble or ""
        if word == self._word and time.monotonic() - self._said < REPEAT:
            return
        try:
            write_atomically(home() / FILE, word.encode())
        except (OSError, StoreUnavailable) as error:
            log.warning("The engine's status cannot be written: %s", error)
        self._word, self._said = word, time.monotonic()

    def fall_silent(self):
        """Withdraws the status."""
        try:
            (home() / FILE).unlink(missing_ok=True)
        except (OSError, StoreUnavailable) as error:
            log.warning("The engine's status cannot be withdrawn: %s", error)


def heard(since: float = 0.0) -> str | None:
    """The latest status: '' while all is well, otherwise the trouble; None if no engine has written one for a while.

    since: seconds since 1970; anything written earlier is from another engine
    """
    try:
        file = home() / FILE
        if file.stat().st_mtime < max(since - TICK, time.time() - FRESH):
            return None
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError, StoreUnavailable):
        return None
