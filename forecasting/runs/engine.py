"""The engine: takes runs from the store by turns and gives each to a free worker.

    python -m forecasting.runs.engine

A process of its own, one for each `home()`. The app starts it (`forecasting.runs.launcher`) and it ends with the app:
it reads a pipe from the app, which the operating system closes however the app ends; its workers end with it in the
same way. What an engine that died left behind, the next one sets right at its start.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass

import psutil

from forecasting.data.paths import home
from forecasting.errors import StoreUnavailable

__all__ = ["LOCK", "Engine", "main"]

LOCK = "engine.lock"
TICK = 0.05  # seconds between looks at the doorbell
ASK_EVERY = 1.0  # seconds between looks at the store when nobody rings
STOP_GRACE = 60.0  # seconds that a run may take to stop before its process is ended
LOG_BYTES = 2_000_000

log = logging.getLogger(__name__)


@dataclass
class Job:
    """A run at work."""

    attempt: int
    future: object
    started: float
    stopped: float | None = None  # when it was told to stop
    killed: str | None = None  # why its process was ended


class Engine:
    """ledger: the store; cluster: the workers; ended: set when the engine is to end."""

    def __init__(self, ledger, cluster, ended: threading.Event, time_limit: float):
        self._ledger, self._cluster, self._ended, self._time_limit = ledger, cluster, ended, time_limit
        self._jobs: dict[str, Job] = {}
        self._asked = float("-inf")
        self._rung = None

    def run(self):
        """Works until `ended` is set, then lets go of what is still at work."""
        while not self._ended.wait(TICK):
            try:
                self.step()
            except StoreUnavailable as error:
                log.warning("%s", error)
                self._ended.wait(2.0)
        for run_id in self._jobs:
            try:
                self._ledger.end(run_id, "interrupted", INTERRUPTED)
            except StoreUnavailable as error:
                log.warning("Run %s could not be marked as interrupted: %s", run_id, error)

    def step(self):
        """One look at what has changed."""
        self._finish()
        self._end_overdue()
        rung = _doorbell()
        if rung == self._rung and time.monotonic() - self._asked < ASK_EVERY:
            return
        self._asked, self._rung = time.monotonic(), rung
        self._cluster.tend()
        self._see_to_stops()
        free = self._cluster.free(len(self._jobs))
        if free:
            for run in self._ledger.next_runs(free):
                log.info("Run %s starts (%s)", run.id, run.name)
                future = self._cluster.submit(run.id, run.attempt)
                self._jobs[run.id] = Job(run.attempt, future, time.monotonic())

    def _finish(self):
        for run_id, job in list(self._jobs.items()):
            if not job.future.done():
                continue
            state, error = self._verdict(run_id, job)
            if self._ledger.get(run_id).active:  # its worker could not say so itself
                self._ledger.end(run_id, state, error)
            del self._jobs[run_id]
            self._asked = float("-inf")
            log.info("Run %s ended: %s", run_id, state)

    def _verdict(self, run_id, job):
        if job.future.status == "finished":
            outcome = job.future.result()
            if outcome.trace:
                log.error("Run %s failed:\n%s", run_id, outcome.trace)
            return outcome.state, outcome.error
        if job.killed:
            return "failed", job.killed
        if job.future.status == "error":
            log.error("Run %s lost its worker: %r", run_id, job.future.exception())
            return "failed", DIED
        return "interrupted", INTERRUPTED

    def _see_to_stops(self):
        waiting, running = self._ledger.stops()
        for run_id in waiting:
            self._ledger.end(run_id, "stopped", "It was stopped before its turn came.")
        for run_id in running:
            if run_id in self._jobs:
                self._stop(run_id, None)

    def _stop(self, run_id, reason):
        job = self._jobs[run_id]
        if job.stopped is None:
            job.stopped = time.monotonic()
            self._cluster.stop(run_id, job.attempt, reason)

    def _end_overdue(self):
        now = time.monotonic()
        for run_id, job in self._jobs.items():
            if now - job.started > self._time_limit:
                self._stop(run_id, f"It reached the time limit of {self._time_limit / 3600:g} hours and keeps what it had "
                                   "learnt by then.")
            if job.stopped is not None and now - job.stopped > STOP_GRACE and not job.killed:
                job.killed = f"It did not stop within {STOP_GRACE:.0f} seconds, so its process was ended."
                self._cluster.kill(run_id, job.attempt)


INTERRUPTED = "The app ended while this run was computed. Resume it to compute it anew with the same settings."
DIED = ("The process that computed this run died, most often because memory ran out. Other runs are not affected. Train "
        "again with fewer rows, a smaller network or a smaller batch.")


def mend(ledger):
    """Marks as interrupted what an engine that is no more left running."""
    for run_id in ledger.left_running():
        log.info("Run %s was interrupted", run_id)
        ledger.end(run_id, "interrupted", INTERRUPTED)


def _doorbell() -> int | None:
    try:
        return (home() / "doorbell").stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _watch(pipe, ended: threading.Event):
    """Sets `ended` once the other end of the pipe is closed."""
    while os.read(pipe, 4096):
        pass
    ended.set()


def _log_to_file():
    folder = home() / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(folder / "engine.log", maxBytes=LOG_BYTES, backupCount=3)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("forecasting").setLevel(logging.INFO)
    for name in ("distributed", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)


def main() -> int:
    """Runs the engine until its input is closed or it gets SIGTERM. Returns 0 also where another one is at work."""
    from locket import LockError, lock_file

    _log_to_file()
    lock = lock_file(str(home() / LOCK), timeout=3)
    try:
        lock.acquire()
    except LockError:
        log.info("Another engine is at work")
        return 0
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    threading.Thread(target=_watch, args=(sys.stdin.fileno(), ended), daemon=True, name="parent").start()
    # People's clicks go before trainings; an idle machine trains as fast as ever.
    psutil.Process().nice(10 if os.name == "posix" else psutil.BELOW_NORMAL_PRIORITY_CLASS)
    try:
        from forecasting.runs.cluster import Cluster
        from forecasting.runs.ledger import RunLedger

        ledger = RunLedger()
        mend(ledger)
        cluster = Cluster()
        log.info("The engine is ready")
        Engine(ledger, cluster, ended, 3600 * float(os.environ.get("FORECASTING_TIME_LIMIT_HOURS", "24"))).run()
        cluster.close()
    except Exception:
        log.exception("The engine failed")
        return 1
    finally:
        lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
