"""Which apps of a home are alive: each holds a lock on a file of its own, which the operating system releases however it ends.

The engine ends once nobody holds one. The locks are advisory (flock, LockFile), so they need a home on a local disk; where
they cannot be had, the engine ends with the app that started it.
"""

from __future__ import annotations

import logging
import os
import uuid
from pathlib import Path
from typing import Any

__all__ = ["Presence", "is_anybody_there"]

FOLDER = "apps"

log = logging.getLogger(__name__)


class Presence:
    """This app, for as long as this object exists and the process lives. home: the folder that it works in"""

    def __init__(self, home: Path):
        self._folder = home / FOLDER
        self._file: Path | None = None
        self._lock: Any = None
        self._failed = False

    def hold(self):
        """Sees to it that this app counts as alive. Takes microseconds if it does already; call it often, since the folder may
        be cleared and an engine may take a file that is not locked yet for one that was left behind."""
        from locket import LockError, lock_file

        if self._file is not None and self._file.exists():
            return
        self.release()
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            file = self._folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
            lock = lock_file(str(file), timeout=0)
            lock.acquire()
        except (OSError, LockError) as error:
            if not self._failed:
                log.warning("The engine may end before this app does: %s", error)
            self._failed = True
        else:
            self._file, self._lock, self._failed = file, lock, False

    def release(self):
        """This app counts as gone."""
        if self._lock is not None and self._file is not None:
            self._lock.release()
            self._file.unlink(missing_ok=True)
            self._lock = self._file = None


def is_anybody_there(home: Path) -> bool:
    """Whether an app of this home is alive. Clears away what others have left behind."""
    from locket import LockError, lock_file

    found = False
    for file in (home / FOLDER).glob("*.lock"):
        try:
            with lock_file(str(file), timeout=0):
                pass
            file.unlink(missing_ok=True)
        except LockError:
            found = True
        except OSError as error:
            log.warning("It cannot be seen whether an app is alive: %s", error)
    return found
