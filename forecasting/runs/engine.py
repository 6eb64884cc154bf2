"""The engine: takes runs from the store, owners taking turns, and gives each to a free worker.

    python -m forecasting.runs.engine

A process of its own, one for each `home()`. The app starts it (`forecasting.runs.launcher`) and it ends with the app:
it reads a pipe from the app, which the operating system closes however the app ends; its workers end with it in the
same way. Whatever a dead engine left behind is cleaned up when the next one starts.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from forecasting.errors import ForecastingError, RunError, StoreUnavailable
from forecasting.paths import home
from forecasting.runs.conductor import Conductor
from forecasting.runs.launcher import LOCK
from forecasting.runs.limits import limits
from forecasting.runs.status import Status
from forecasting.runs.store import doorbell
from forecasting.words import duration

__all__ = ["Engine", "main", "mend"]

TICK = 0.05  # seconds between looks at the doorbell
ASK_EVERY = 1.0  # seconds between looks at the store when the doorbell does not ring
STOP_GRACE = 60.0  # seconds that a run may take to stop before its process is ended
RETRY_AFTER = 5.0  # seconds before a store or a cluster that could not be reached is tried again
LEAVE_GRACE = 10.0  # seconds that the engine may take to shut down cleanly
SCRATCH_DAYS, BACKUP_DAYS = 1, 30
LOG_BYTES = 2_000_000

DIED = ("The process that computed this run died, most often because memory ran out. Other runs are not affected. "
        "Train again with fewer rows, a smaller network or a smaller batch.")
NOT_INSTALLED = ("The Dask worker that was given this run cannot compute it ({}). Install this app and its requirements where "
                 "the worker runs, in the same versions, then train again.")
NO_CLUSTER = ("The workers that compute runs cannot be reached just now ({}). The app keeps trying; check that "
              "their machine is up and has free memory and disk space.")
LOST = "The Dask cluster that computed this run was lost. Resume it to continue from where it was a few seconds earlier."

log = logging.getLogger("forecasting.runs.engine")  # __name__ is '__main__' here


@dataclass
class Job:
    """A run being computed. stopped: when it was told to stop; killed: why its process was ended."""

    attempt: int
    future: Any
    started: float
    stopped: float | None = None
    killed: str | None = None


class Engine:
    """Moves runs from the store to the workers.

    ledger: the store; connect: makes a `Cluster`, and is called again if it is lost; time_limit: seconds that a run may
    take before it is stopped
    """

    def __init__(self, ledger, connect: Callable, time_limit: float):
        self._ledger, self._connect, self._time_limit = ledger, connect, time_limit
        self._cluster: Any = None  # a `Cluster`, or None while there is none
        self._conductor = Conductor(ledger)
        self._jobs: dict[str, Job] = {}
        self._status = Status()
        self._trouble: str | None = None
        self._asked = float("-inf")
        self._rung: int | None = None

    def run(self, ended: threading.Event):
        """Runs until `ended` is set, then interrupts the runs still being computed."""
        # Workers first: they load TensorFlow while this process loads MLflow.
        try:
            self._get_workers()
        except OSError as error:
            self._lose_cluster(error)
        mended = False
        while not ended.wait(TICK):
            if mended or self._trouble:
                self._status.say(self._trouble)
            try:
                if not mended:
                    mend(self._ledger)
                    mended = True
                self.step()
            except StoreUnavailable as error:
                log.warning("%s", error)
                self._trouble = str(error)
                self._status.say(self._trouble)
                ended.wait(RETRY_AFTER)
            except OSError as error:
                self._lose_cluster(error)
                self._status.say(self._trouble)
                ended.wait(RETRY_AFTER)
        self._interrupt()
        self._status.fall_silent()

    def step(self):
        """Handles whatever has changed. Raises OSError if there is no cluster."""
        is_free = self._finish()
        self._end_overdue()
        rung = doorbell()
        if rung == self._rung and time.monotonic() - self._asked < ASK_EVERY:
            return
        self._asked, self._rung = time.monotonic(), rung
        if is_free and self._cluster is not None:
            self._start(self._see_to_stops())  # the worker need not wait while experiments decide what else to create
        self._conductor.move(1 if self._cluster is None else self._cluster.size())
        waiting = self._see_to_stops()
        self._get_workers()
        self._trouble = self._cluster.trouble()
        waiting = self._start(waiting)
        # After the runs have started, because warming up another process slows them down.
        self._cluster.tend(is_busy=bool(self._jobs) and waiting < 1)

    def _start(self, waiting: int) -> int:
        """Gives runs to free workers, of as many as are waiting. Returns how many are left."""
        free = self._cluster.free(len(self._jobs)) if waiting else 0
        for run in self._ledger.next_runs(free) if free else ():
            log.info("Run %s starts (%s)", run.id, run.name)
            waiting -= 1
            if run.kind == "experiment":
                self._asked = float("-inf")  # so that its children are created right away
            else:
                self._jobs[run.id] = Job(run.attempt, self._cluster.submit(run.id, run.attempt), time.monotonic())
        return waiting

    def _interrupt(self):
        """Marks the runs being computed as interrupted, since they end with this process."""
        from forecasting.runs.worker import INTERRUPTED

        for run_id in self._jobs:
            try:
                self._ledger.end(run_id, "interrupted", INTERRUPTED)
            except StoreUnavailable as error:
                log.warning("Run %s is not marked as interrupted before the next start: %s", run_id, error)

    def _finish(self) -> bool:
        """Ends the runs that workers are done with. Returns whether there were any."""
        done = False
        for run_id, job in list(self._jobs.items()):
            if job.future.done():
                state, error = self._verdict(run_id, job)
                self._end(run_id, state, error)
                del self._jobs[run_id]
                self._asked, done = float("-inf"), True
        return done

    def _end(self, run_id, state, error):
        """Ends the run in the store if its worker could not."""
        try:
            if self._ledger.get(run_id).active:
                self._ledger.end(run_id, state, error)
        except StoreUnavailable:
            raise  # tried again at the next step
        except RunError as problem:
            log.warning("%s", problem)  # e.g. the run was deleted
        log.info("Run %s ended: %s", run_id, state)

    def _verdict(self, run_id, job) -> tuple[str, str | None]:
        if job.future.status == "finished":
            outcome = job.future.result()
            if self._cluster is not None:
                self._cluster.done(outcome)
            if outcome.trace:
                log.error("Run %s failed:\n%s", run_id, outcome.trace)
            return outcome.state, outcome.error
        if job.killed:
            return "failed", job.killed
        if job.future.status == "error":
            problem = job.future.exception()
            log.error("Run %s lost its worker: %r", run_id, problem)
            return "failed", NOT_INSTALLED.format(problem) if isinstance(problem, ImportError) else DIED
        return "interrupted", LOST

    def _see_to_stops(self) -> int:
        """Carries out stop requests. Returns how many runs are still waiting for a worker."""
        waiting = self._ledger.waiting()
        unwanted = [run_id for run_id, stop in waiting.items() if stop]
        for run_id in unwanted:
            self._ledger.end(run_id, "stopped", "It was stopped before its turn came.")
        for run_id, reason in self._ledger.stops().items() if self._jobs else ():
            if run_id in self._jobs:
                self._stop(run_id, reason)
        return len(waiting) - len(unwanted)

    def _stop(self, run_id, reason):
        job = self._jobs[run_id]
        if job.stopped is None and self._cluster.stop(run_id, job.attempt, reason):
            job.stopped = time.monotonic()

    def _end_overdue(self):
        now = time.monotonic()
        for run_id, job in self._jobs.items():
            if now - job.started > self._time_limit:
                self._stop(run_id, f"It reached the time limit of {duration(self._time_limit)} and keeps what it had learnt by "
                                   "then.")
            if job.stopped is not None and now - job.stopped > STOP_GRACE and not job.killed:
                job.killed = f"It did not stop within {STOP_GRACE:.0f} seconds, so its process was ended."
                self._cluster.kill(run_id, job.attempt)

    def _get_workers(self):
        if self._cluster is None:
            self._cluster = self._connect()
            log.info("The workers are ready")
            self._cluster.tend()

    def _lose_cluster(self, error):
        from forecasting.runs.cluster import ClusterUnavailable

        log.warning("There is no cluster: %r", error)
        self._trouble = str(error) if isinstance(error, ClusterUnavailable) else NO_CLUSTER.format(error)
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()


def mend(ledger):
    """Marks runs that a dead engine left running as interrupted, and deletes leftover files that nothing will use again."""
    from forecasting.runs.worker import INTERRUPTED

    for run_id in ledger.left_running():
        log.info("Run %s was interrupted", run_id)
        ledger.end(run_id, "interrupted", INTERRUPTED)
    for folder in _older_than(SCRATCH_DAYS, home() / "scratch"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in _older_than(BACKUP_DAYS, home() / "backups"):
        file.unlink(missing_ok=True)


def _older_than(days, folder):
    return [path for path in folder.glob("*") if path.stat().st_mtime < time.time() - days * 24 * 3600]


def _watch(pipe: int, ended: threading.Event):
    """Sets `ended` once the other end of the pipe is closed."""
    while os.read(pipe, 4096):
        pass
    ended.set()


def _leave_in_time(ended: threading.Event):
    """Kills this process if it does not end in time: an unresponsive store may block it for minutes."""
    ended.wait()
    time.sleep(LEAVE_GRACE)
    os._exit(1)


def _log_to_file():
    folder = home() / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(folder / "engine.log", maxBytes=LOG_BYTES, backupCount=3,
                                                   encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("forecasting").setLevel(logging.INFO)


def main() -> int:
    """Runs the engine until its input is closed or it gets SIGTERM. Also returns 0 if another engine is already running."""
    from locket import LockError, lock_file

    _log_to_file()
    try:
        with lock_file(str(home() / LOCK), timeout=3):
            return _main()
    except LockError:
        log.info("Another engine is running")
        return 0


def _main() -> int:
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    threading.Thread(target=_watch, args=(sys.stdin.fileno(), ended), daemon=True, name="parent").start()
    threading.Thread(target=_leave_in_time, args=(ended,), daemon=True, name="leave").start()
    try:
        from forecasting.runs.cluster import Cluster
        from forecasting.runs.ledger import RunLedger

        Engine(RunLedger(), Cluster, 60 * limits().run.minutes).run(ended)
    except ForecastingError as error:  # an environment variable or a file of ours has a bad value
        log.error("%s", error)
        Status().say(str(error))
        return 1
    except Exception:
        log.exception("The engine failed")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # Exit immediately: a clean shutdown would wait for workers in the middle of a training. They watch a pipe from this
    # process and end with it.
    os._exit(code)
