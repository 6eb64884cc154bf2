"""The engine's status for every app of its home: that it lives and works, why it cannot, which runs give no sign of life."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from dataclasses import dataclass

from forecasting.errors import StoreUnavailable
from forecasting.paths import home, write_atomically

__all__ = ["BEAT", "GIVE_UP_AFTER", "Heard", "Status", "beat", "heard", "last_beat"]

FILE = "engine.status"
BEAT = 0.5  # seconds between two signs of life of the engine
GIVE_UP_AFTER = 120.0  # seconds without a sign of life before the process of a run is ended, so that the run goes on elsewhere
FRESH = 60.0  # seconds for which a status is valid, since an engine that dies cannot withdraw it
TICK = 0.05  # seconds by which file times may lag behind the clock

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heard:
    """What an engine has said.

    trouble: '' while all is well, otherwise a sentence for the user; None as long as it has not said that it works
    silent: {run id: when its process last gave a sign of life, in seconds since 1970}, of those that give none
    pid, born: the engine's process, and when that began
    """

    trouble: str | None
    silent: dict[str, float]
    pid: int
    born: float


class Status:
    """Writes the engine's status."""

    def __init__(self):
        self._said: dict | None = None

    def begin(self):
        """Says that an engine has begun, and what it is called. Whatever an earlier one has said no longer counts."""
        self._write(trouble=None, silent={})

    def say(self, trouble: str | None, silent: dict[str, float] | None = None):
        """trouble: why no run can be computed, a sentence for the user; None while all is well. Call it often."""
        self._write(trouble=trouble or "", silent=silent or {})

    def fall_silent(self):
        """Withdraws the status."""
        try:
            (home() / FILE).unlink(missing_ok=True)
        except (OSError, StoreUnavailable) as error:
            log.warning("The engine's status cannot be withdrawn: %s", error)

    def _write(self, **said):
        if said == self._said:
            return
        import psutil

        try:
            born = psutil.Process().create_time()
            write_atomically(home() / FILE, json.dumps(said | {"pid": os.getpid(), "born": born}).encode())
        except (OSError, StoreUnavailable) as error:  # tried again at the next call
            log.warning("The engine's status cannot be written: %s", error)
        else:
            self._said = said


def beat(ended: threading.Event):
    """Shows that this process lives until `ended` is set. For a thread of its own: the store may keep the others waiting.

    It only touches the status file, which a full disk does not prevent.
    """
    while not ended.wait(BEAT):
        try:
            os.utime(home() / FILE)
        except (OSError, StoreUnavailable) as error:
            log.debug("The engine cannot give a sign of life: %s", error)


def last_beat() -> int | None:
    """When an engine last gave a sign of life: comparable numbers, not to be read as times. None if there is no status."""
    try:
        return (home() / FILE).stat().st_mtime_ns
    except (OSError, StoreUnavailable):
        return None


def heard(since: float = 0.0, within: float = FRESH) -> Heard | None:
    """The latest status; None if no engine has given a sign of life for a while.

    since: seconds since 1970; anything said earlier is from another engine; within: seconds that make a while
    """
    try:
        file = home() / FILE
        if file.stat().st_mtime < max(since - TICK, time.time() - within):
            return None
        said = json.loads(file.read_text(encoding="utf-8"))
        return Heard(said["trouble"], said["silent"], said["pid"], said["born"])
    except (OSError, ValueError, KeyError, TypeError, StoreUnavailable):
        return None
