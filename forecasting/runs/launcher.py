"""Starts the engine if none is alive, and replaces one that does not answer. Light to import; a check takes microseconds."""

from __future__ import annotations

import logging
import math
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
from forecasting.runs.presence import Presence

__all__ = ["LOCK", "engine_trouble", "ensure_engine", "silent_since"]

LOCK = "engine.lock"
LONGEST_PAUSE = 60.0  # seconds, at most, before an engine that keeps failing is restarted
ASK_AGAIN = 1.0  # seconds between checks for an engine of another app
SILENT_AFTER = 5.0  # seconds without a sign of life before an engine is said not to answer, and a stopped one is replaced ...
DEAF_AFTER = 20.0  # ... and one that may only be slow, on a machine that is very busy
START_SECONDS = 60.0  # that an engine may take until its first sign of life

NO_ANSWER = "The engine, which gives runs to the workers, does not answer. It is replaced; runs then go on from their backups."

log = logging.getLogger(__name__)


@dataclass
class _Watch:
    """The engine that this process started for one home, and its record of failures.

    presence: what tells engines that this process is alive
    beat: the latest sign of life of an engine, whoever started it; heard: when that was seen first
    """

    presence: Presence
    process: subprocess.Popen | None = None
    started: float = 0.0
    began: float = 0.0  # the same in wall-clock time
    beat: int | None = None
    heard: float = 0.0
    failures: int = 0
    not_before: float = 0.0
    trouble: str | None = None


_watches: dict[Path, _Watch] = {}
_lock = threading.Lock()


def ensure_engine():
    """Starts `python -m forecasting.runs.engine` unless this process or another one of the same home has one alive.

    The engine ends once no app of its home is left, however the last one ends (`presence`). May be called often, even twice a
    second by every session. An engine that died or does not answer is replaced, and the new one has its runs go on; after a
    failure it is restarted with a pause that grows with each one, as `engine_trouble` then says. Never raises.
    """
    with _lock:
        try:
            folder = home()
        except StoreUnavailable as error:
            log.warning("%s", error)
            return
        watch = _watch(folder)
        watch.presence.hold()
        if watch.process is not None:
            if watch.process.poll() is not None:
                _note_end(watch, watch.process)
            elif _is_frozen(watch, watch.process.pid):
                _replace(watch, watch.process)
            else:
                if time.monotonic() - watch.started > LONGEST_PAUSE:  # it works now, so earlier failures no longer count
                    watch.failures, watch.trouble = 0, None
                return
        if time.monotonic() < watch.not_before:
            return
        try:
            if _is_taken(folder):
                engine = status.heard(within=math.inf)
                if engine is not None and _is_frozen(watch, engine.pid):
                    _replace_anothers(watch, engine)
                else:
                    watch.failures, watch.trouble, watch.not_before = 0, None, time.monotonic() + ASK_AGAIN
                return
            watch.began = time.time()
            watch.process, watch.started = _start(folder), time.monotonic()
            watch.beat, watch.heard = status.last_beat(), watch.started + START_SECONDS - SILENT_AFTER
        except OSError as error:
            log.warning("The engine could not be started: %s", error)
            _note_failure(watch, f"The process that computes runs could not be started: {str(error).rstrip('.')}. Check "
                                 f"that there is disk space and that {folder} is writable, or set FORECASTING_HOME to another "
                                 "folder.")


def engine_trouble() -> str | None:
    """Why runs do not start or continue, a sentence for the user, or None while all is well."""
    try:
        watch = _watch(home())
    except StoreUnavailable as error:
        return str(error)
    if _silence(watch) > SILENT_AFTER:
        return NO_ANSWER
    engine = status.heard(since=watch.began)
    said = engine.trouble if engine else None
    # A single failure is shown until the next engine reports that it works, repeated ones until it has worked for a while.
    if watch.trouble and (watch.process is None or watch.failures > 1 or said is None):
        return said or watch.trouble
    return said or None


def silent_since(run_id: str) -> float | None:
    """When the process that computes this run last gave a sign of life, in seconds since 1970; None while it gives some."""
    engine = status.heard()
    return engine.silent.get(run_id) if engine else None


def _watch(folder: Path) -> _Watch:
    return _watches.get(folder) or _watches.setdefault(folder, _Watch(Presence(folder)))


def _silence(watch: _Watch) -> float:
    """Seconds for which the engine has given no sign of life, as seen from here: clocks may jump, and a machine may sleep."""
    latest, now = status.last_beat(), time.monotonic()
    if latest != watch.beat or (latest is None and watch.process is None):
        watch.beat, watch.heard = latest, now
    return now - watch.heard


def _is_frozen(watch: _Watch, pid: int) -> bool:
    """Whether an engine is to be given up."""
    silence = _silence(watch)
    if silence <= SILENT_AFTER:
        return False
    import psutil

    try:
        return silence > DEAF_AFTER or psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return silence > DEAF_AFTER


def _replace(watch: _Watch, process: subprocess.Popen):
    """Ends this app's engine, which does not answer; another one is then started right away."""
    log.warning("The engine does not answer and is ended")
    process.kill()
    process.wait()
    _note_end(watch, process)
    watch.trouble = NO_ANSWER


def _replace_anothers(watch: _Watch, engine: status.Heard):
    """The same for the engine of another app."""
    import psutil

    log.warning("The engine of another app does not answer and is ended")
    try:
        process = psutil.Process(engine.pid)
        if process.create_time() == engine.born:  # not another process that was given the same number since
            process.kill()
            process.wait(timeout=5)
    except psutil.Error as error:
        log.warning("The engine cannot be ended: %s", error)
    _note_failure(watch, NO_ANSWER)


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
