"""Starts the engine where none is alive. Costs nothing to import and microseconds to ask."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from forecasting.data.paths import home

__all__ = ["LOCK", "ensure_engine"]

LOCK = "engine.lock"

_lock = threading.Lock()
_engine: subprocess.Popen | None = None
_failures = 0
_not_before = 0.0


def ensure_engine():
    """Starts `python -m forecasting.runs.engine` unless this process or another one of the same home has one alive.

    The engine ends with this process, however that ends: it holds the reading end of a pipe whose writing end is here.
    Call it often; an engine that failed is started again after a pause that grows up to a minute.
    """
    global _engine, _failures, _not_before
    with _lock:
        if _engine is not None and _engine.poll() is None:
            return
        now = time.monotonic()
        if _engine is not None:
            failed, _engine = _engine.returncode != 0, None
            _failures = _failures + 1 if failed else 0
            _not_before = now + (min(60.0, 2.0**_failures) if failed else 0.0)
        if now < _not_before or _is_taken():
            return
        _engine = _start()


def _is_taken() -> bool:
    from locket import LockError, lock_file

    try:
        with lock_file(str(home() / LOCK), timeout=0):
            return False
    except LockError:
        return True


def _start() -> subprocess.Popen:
    folder = home() / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    with open(folder / "workers.log", "wb") as output:
        # A session of its own: Ctrl-C in the app's terminal reaches the engine through the pipe alone.
        return subprocess.Popen([sys.executable, "-m", "forecasting.runs.engine"], stdin=subprocess.PIPE, stdout=output,
                                stderr=output, start_new_session=True,
                                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)})
