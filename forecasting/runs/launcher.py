"""Starts the engine if none is alive. Light to import; a check takes microseconds."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from forecasting.errors import StoreUnavailable
from forecasting.paths import home
from forecasting.runs import status

__all__ = ["LOCK", "engine_trouble", "ensure_engine"]

LOCK = "engine.lock"
LONGEST_PAUSE = 60.0  # seconds, at most, before an engine that keeps failing is restarted
ASK_AGAIN = 1.0  # seconds between checks for an engine of another app

log = logging.getLogger(__name__)


@dataclass
class _Watch:
    """The engine that this process started for one home, and its record of failures."""

    process: subprocess.Popen | None = None
    started: float = 0.0
    began: float = 0.0  # the same in wall-clock time
    failures: int = 0
    not_before: float = 0.0
    trouble: str | None = None


_watches: dict[Path, _Watch] = {}
_lock = threading.Lock()


def ensure_engine():
    """Starts `python -m forecasting.runs.engine` unless this process or another one of the same home has one alive.

    The engine ends with this process, however that ends, because it reads a pipe whose writing end is held here. May be called
    often, even twice a second by every session. An engine that died is replaced, and the new one marks its runs as
    interrupted; after a failure it is restarted with a pause that grows with each one, as `engine_trouble` then says. Never
    raises.
    """
    with _lock:
        try:
            folder = home()
        except StoreUnavailable as error:
            log.warning("%s", error)
            return
        watch = _watches.setdefault(folder, _Watch())
        if watch.process is not None:
            if watch.process.poll() is None:
                if time.monotonic() - watch.started > LONGEST_PAUSE:  # it works now, so earlier failures no longer count
                    watch.failures, watch.trouble = 0, None
                return
            _note_end(watch, watch.process)
        if time.monotonic() < watch.not_before:
            return
        try:
            if _is_taken(folder):
                watch.failures, watch.trouble, watch.not_before = 0, None, time.monotonic() + ASK_AGAIN
                return
            watch.began = time.time()
            watch.process, watch.started = _start(folder), time.monotonic()
        except OSError as error:
            log.warning("The engine could not be started: %s", error)
            _note_failure(watch, f"The process that computes runs could not be started: {str(error).rstrip('.')}. Check "
                                 f"that there is disk space and that {folder} is writable, or set FORECASTING_HOME to another "
                                 "folder.")


def engine_trouble() -> str | None:
    """Why runs do not start or continue, a sentence for the user, or None while all is well."""
    try:
        watch = _watches.get(home()) or _Watch()
    except StoreUnavailable as error:
        return str(error)
    said = status.heard(since=watch.began)
    # A single failure is shown until the next engine reports that it works, repeated ones until it has worked for a while.
    if watch.trouble and (watch.process is None or watch.failures > 1 or said is None):
        return said or watch.trouble
    return said or None


def _note_end(watch: _Watch, process: subprocess.Popen):
    watch.process = None
    if process.stdin:
        process.stdin.close()
    if process.returncode == 0:  # another app's engine is running, or it was asked to end
        watch.failures, watch.trouble = 0, None
    else:
        _note_failure(watch, f"The process that computes runs ended unexpectedly (code {process.returncode}). It is "
                             f"started again; {home() / 'logs' / 'engine.log'} has the details.")


def _note_failure(watch: _Watch, trouble: str):
    watch.failures += 1
    watch.not_before = time.monotonic() + min(LONGEST_PAUSE, 2.0 ** (watch.failures - 1) - 1)
    watch.trouble = trouble


def _is_taken(folder: Path) -> bool:
    """Whether an engine holds the lock. Taking it for a moment does no harm: a starting engine waits longer."""
    from locket import LockError, lock_file

    try:
        with lock_file(str(folder / LOCK), timeout=0):
            return False
    except LockError:
        return True


def _start(folder: Path) -> subprocess.Popen:
    logs = folder / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with (logs / "workers.log").open("wb") as output:
        # In a session of its own, so that Ctrl-C in the app's terminal reaches the engine through the pipe only.
        return subprocess.Popen([sys.executable, "-m", "forecasting.runs.engine"], stdin=subprocess.PIPE, stdout=output,
                                stderr=output, start_new_session=True, env=os.environ | {"PYTHONPATH": path})
