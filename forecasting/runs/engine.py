"""The engine: takes runs from the store, owners taking turns, and gives each to a free worker.

    python -m forecasting.runs.engine

A process of its own, one for each `home()`. An app starts it (`forecasting.runs.launcher`) and it ends with the last app of
its home: it reads a pipe from the one that started it, which the operating system closes however that ends, and then waits
until no other app is left (`presence`); its workers watch a pipe from it in the same way. Whatever a dead engine left behind
is put right when the next one starts.
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
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from forecasting.errors import ForecastingError, RunError, StoreUnavailable
from forecasting.paths import home, is_full, no_room
from forecasting.runs import outbox
from forecasting.runs.conductor import Conductor
from forecasting.runs.launcher import LOCK
from forecasting.runs.limits import limits
from forecasting.runs.presence import is_anybody_there
from forecasting.runs.records import Run
from forecasting.runs.status import GIVE_UP_AFTER, Status, beat
from forecasting.runs.store import doorbell
from forecasting.words import duration

__all__ = ["Engine", "main", "mend"]

TICK = 0.05  # seconds between looks at the doorbell
STALLED_AFTER = 10.0  # seconds that a step may take before that is said
LISTEN_EVERY = 1.0  # seconds between looks for signs of life of the workers
ASK_EVERY = 1.0  # seconds between looks at the store when the doorbell does not ring
STOP_GRACE = 600.0  # seconds that a run may take to stop before its process is ended ...
SILENT_GRACE = 60.0  # ... if that gives signs of life, and otherwise
SILENT_AFTER = 10.0  # seconds without a sign of life of a run's process before that is said
IN_THE_WAY_AFTER = 20.0  # seconds without one before it is ended if the store has refused everything since
RETRY_AFTER = 5.0  # seconds before a store or a cluster that could not be reached is tried again
LOOK_EVERY = 0.5  # seconds between looks for other apps, once the one that started this engine has ended
ANSWER_SECONDS = 5.0  # that a worker may take to say how a run has ended
WEDGED_AFTER = 600.0  # seconds that a step may take before this process ends, so that an app starts another one
LEAVE_GRACE = 10.0  # seconds that the engine may take to shut down cleanly
SCRATCH_DAYS, BACKUP_DAYS = 1, 30
LOG_BYTES = 2_000_000

DIED = ("The process that computed this run died, most often because memory ran out; fewer rows, a smaller network or a "
        "smaller batch need less.")
FORCED = "Its process was ended to stop it."
TOO_SLOW = "It did not stop for {:.0f} seconds, so its process was ended."
SILENT = "The process that computed this run gave no sign of life for {:.0f} seconds, so it was ended."
TAKEN = "The worker that computed this run was lost."
ENGINE_GONE = "The process that looks after all runs ended unexpectedly."
NOT_INSTALLED = ("The Dask worker that was given this run cannot compute it ({}). Install this app and its requirements where "
                 "the worker runs, in the same versions, then resume this run.")
STALLED = ("The store of runs or the Dask cluster keeps the engine waiting. Trainings go on meanwhile; waiting runs start, and "
           "Stop takes effect, as soon as it answers.")
NO_CLUSTER = ("The workers that compute runs cannot be reached just now ({}). The app keeps trying; check that "
              "their machine is up and has free memory and disk space.")
LOST = "The Dask cluster that computed this run was lost."

log = logging.getLogger("forecasting.runs.engine")  # __name__ is '__main__' here


@dataclass
class Job:
    """A run being computed.

    sign: what changes with each sign of life of its process, None as long as no worker has it or if none has it any more
    heard: when that last changed; heard_at: the same in seconds since 1970; seen: whether a worker has had it
    stopped: when it was told to stop; told_predicting: whether its predicting too
    killed: why its process was ended; blamed: whether that may be due to the run itself
    """

    run: Run
    future: Any
    started: float
    sign: float | None = None
    heard: float = 0.0
    heard_at: float = 0.0
    seen: bool = False
    blamed: bool = False
    stopped: float | None = None
    told_predicting: bool = False
    killed: str | None = None

    @property
    def attempt(self) -> int:
        return self.run.attempt

    def silence(self, now: float) -> float:
        """Seconds for which its process should have given a sign of life and has given none."""
        return now - self.heard if self.seen and not self.future.done() else 0.0


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
        self._stepped: float | None = None  # when the latest step ended
        self._refused: float | None = None  # since when the store has refused everything
        self._asked = self._listened = float("-inf")
        self._rung: int | None = None
        self._delivered = float("-inf")  # when that was last tried

    def run(self, ended: threading.Event, is_replaced: Callable[[], bool] = lambda: False):
        """Runs until `ended` is set, then interrupts the runs still being computed.

        is_replaced: whether another engine takes over from then on, which has these runs go on
        """
        # Workers first: they load TensorFlow while this process loads MLflow.
        try:
            self._get_workers()
        except OSError as error:
            self._lose_cluster(error)
        mended = False
        while not ended.wait(TICK):
            if mended or self._trouble:
                self._say()
            try:
                if not mended:
                    mend(self._ledger)
                    mended = True
                self.step()
                self._stepped, self._refused = time.monotonic(), None
            except StoreUnavailable as error:
                log.warning("%s", error)
                self._refused = self._refused or time.monotonic()
                self._trouble = str(error)
                self._stepped = None
                self._say()
                ended.wait(RETRY_AFTER)
            except OSError as error:
                if is_full(error):  # which says nothing about the workers
                    log.warning("%s", error)
                    self._stepped = None
                    ended.wait(RETRY_AFTER)
                    continue
                self._lose_cluster(error)
                self._stepped = None
                self._say()
                ended.wait(RETRY_AFTER)
        if not is_replaced():
            self._interrupt()
        self._status.fall_silent()

    def look_at_itself(self):
        """Says so if a step takes long, and ends this process if it takes for ever. Called by another thread."""
        silence = time.monotonic() - self._stepped if self._stepped is not None else 0.0
        if silence > STALLED_AFTER:
            self._status.say(STALLED)
        if silence > WEDGED_AFTER:
            log.critical("A step has taken %.0f seconds, here:\n%s", silence, "".join(
                traceback.format_stack(sys._current_frames().get(threading.main_thread().ident or 0))))
            _exit(1)

    def _say(self):
        now = time.monotonic()
        self._status.say(self._trouble, {run_id: job.heard_at for run_id, job in self._jobs.items()
                                         if job.silence(now) > SILENT_AFTER})

    def step(self):
        """Handles whatever has changed. Raises OSError if there is no cluster."""
        self._listen()
        self._end_overdue()  # before anything that needs the store, which a process that is overdue may be keeping locked
        is_free = self._finish()
        rung = doorbell()
        if rung == self._rung and time.monotonic() - self._asked < ASK_EVERY:
            return
        self._asked, self._rung = time.monotonic(), rung
        self._let_go()
        if is_free and self._cluster is not None:
            self._start(self._see_to_stops())  # the worker need not wait while experiments decide what else to create
        self._deliver()
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
        for run in self._ledger.next_runs(free, [job.run for job in self._jobs.values()]) if free else ():
            log.info("Run %s starts (%s)", run.id, run.name)
            waiting -= 1
            if run.kind == "experiment":
                self._asked = float("-inf")  # so that its children are created right away
            else:
                self._jobs[run.id] = Job(run, self._cluster.submit(run.id, run.attempt), time.monotonic())
        return waiting

    def _interrupt(self):
        """Marks the runs being computed as interrupted, since they end with this process."""
        from forecasting.runs.worker import INTERRUPTED

        for run_id, job in self._jobs.items():
            if outbox.holds(run_id, job.attempt):
                continue  # the next engine delivers it
            try:
                self._ledger.end(run_id, "interrupted", INTERRUPTED)
            except StoreUnavailable as error:
                log.warning("Run %s is not marked as interrupted before the next start: %s", run_id, error)

    def _finish(self) -> bool:
        """Ends the runs that workers are done with. Returns whether there were any."""
        done = False
        for run_id, job in list(self._jobs.items()):
            if job.future.done():
                try:
                    self._settle(run_id, job)
                except StoreUnavailable:
                    raise  # tried again at the next step
                except RunError as problem:
                    log.warning("%s", problem)  # e.g. the run was deleted
                del self._jobs[run_id]
                self._asked, done = float("-inf"), True
        return done

    def _deliver(self):
        """Delivers what workers have kept because the store refused it, except where they are still at it."""
        now = time.monotonic()
        if now - self._delivered < RETRY_AFTER:
            return
        self._delivered = now
        for run_id in outbox.kept():
            if run_id not in self._jobs:
                try:
                    outbox.deliver(self._ledger, run_id)
                except StoreUnavailable as error:  # e.g. its files cannot be written; others may go on
                    log.warning("%s The end of run %s is still kept.", error, run_id)

    def _settle(self, run_id, job):
        """Sees to a run that its worker is done with: ends it if the worker could not, or has it go on elsewhere."""
        outcome = self._outcome(job) if job.future.status == "finished" else None
        if self._cluster is not None and outcome is not None:
            self._cluster.done(outcome)
        if outbox.holds(run_id, job.attempt):  # whatever has become of its worker since
            log.info("Run %s, attempt %d, waits to be delivered", run_id, job.attempt)
            return
        if outcome is not None:
            if outcome.trace:
                log.error("Run %s failed:\n%s", run_id, outcome.trace)
            log.info("Run %s, attempt %d: %s", run_id, job.attempt, outcome.state)
            if outcome.state == "lost":
                self._ledger.lose(run_id, job.attempt, outcome.error or TAKEN, worker=outcome.error is None,
                                  stopping=job.stopped is not None)
            elif outcome.state != "kept":  # on another machine, whose worker delivers it
                self._end(run_id, job.attempt, outcome.state, outcome.error)
            return
        problem = job.future.exception() if job.future.status == "error" else None
        log.error("Run %s, attempt %d, lost its worker: %r", run_id, job.attempt, problem or job.future.status)
        if isinstance(problem, ImportError):
            self._end(run_id, job.attempt, "interrupted", NOT_INSTALLED.format(problem))
        elif job.killed:
            self._ledger.lose(run_id, job.attempt, job.killed, worker=job.blamed, stopping=job.stopped is not None)
        elif problem is not None:
            self._ledger.lose(run_id, job.attempt, DIED, worker=True, stopping=job.stopped is not None)
        else:
            why = TAKEN if job.future.status == "finished" else LOST
            self._ledger.lose(run_id, job.attempt, why, stopping=job.stopped is not None)

    def _outcome(self, job):
        """What its worker says, which keeps that until it is asked; None if it has been frozen or killed since."""
        from distributed.scheduler import KilledWorker

        try:
            return job.future.result(timeout=ANSWER_SECONDS)
        except (OSError, CancelledError, KilledWorker) as error:
            log.warning("Run %s, attempt %d: its worker does not say how it ended: %r", job.run.id, job.attempt, error)
            return None

    def _end(self, run_id, attempt, state, error):
        """Ends the run in the store if its worker could not."""
        run = self._ledger.get(run_id)
        if run.state == "running" and run.attempt == attempt:
            self._ledger.end(run_id, state, error)

    def _see_to_stops(self) -> int:
        """Carries out stop requests. Returns how many runs are still waiting for a worker."""
        waiting = self._ledger.waiting()
        unwanted = [run_id for run_id, stop in waiting.items() if stop]
        for run_id in unwanted:
            self._ledger.drop(run_id)
        for run_id, (reason, how) in self._ledger.stops().items() if self._jobs else ():
            if run_id in self._jobs:
                self._stop(run_id, reason, predicting=how == "predicting")
                if how == "force":
                    self._kill(run_id, FORCED, blamed=False)
        return len(waiting) - len(unwanted)

    def _stop(self, run_id, reason, predicting=False):
        job = self._jobs[run_id]
        if job.stopped is not None and (job.told_predicting or not predicting):
            return
        if self._cluster.stop(run_id, job.attempt, reason, predicting):
            job.stopped, job.told_predicting = time.monotonic(), predicting

    def _kill(self, run_id, why, blamed=True):
        """Ends the process that computes a run, and waits for nothing: what it may still write is refused."""
        job = self._jobs[run_id]
        if job.killed:
            return
        log.warning("Run %s, attempt %d: %s", run_id, job.attempt, why)
        job.killed, job.blamed = why, blamed
        self._cluster.kill(run_id, job.attempt)
        job.future.cancel()

    def _listen(self):
        """Notes which runs' processes give signs of life."""
        now = time.monotonic()
        if self._cluster is None or now - self._listened < LISTEN_EVERY:
            return
        self._listened, signs = now, self._cluster.listen()
        for run_id, job in self._jobs.items():
            sign = signs.get((run_id, job.attempt))
            if sign is not None or not job.seen:
                if sign != job.sign or not job.seen:
                    job.heard, job.heard_at = now, time.time()
                job.seen = sign is not None
            job.sign = sign

    def _end_overdue(self):
        now = time.monotonic()
        for run_id, job in self._jobs.items():
            if job.future.done():
                continue  # its end waits for the store
            silence = job.silence(now)
            if silence > SILENT_AFTER and job.sign is None:  # Dask waits for another worker, which the queue does better
                self._kill(run_id, TAKEN)
            # A process that was frozen in the middle of a write keeps the database locked, for everybody.
            if self._refused is not None and silence > IN_THE_WAY_AFTER:
                self._kill(run_id, SILENT.format(silence), blamed=False)
            if silence > GIVE_UP_AFTER:
                self._kill(run_id, SILENT.format(silence))
            if now - job.started > self._time_limit:
                self._stop(run_id, f"It reached the time limit of {duration(self._time_limit)} and keeps what it had learnt by "
                                   "then.")
            grace = SILENT_GRACE if silence > SILENT_AFTER else STOP_GRACE
            # Where there is no room, its worker holds a result that is complete and cannot be written.
            if job.stopped is not None and now - job.stopped > grace and not no_room():
                self._kill(run_id, TOO_SLOW.format(grace))

    def _let_go(self):
        """Ends processes that were frozen after they had ended their run, and before they said so."""
        now = time.monotonic()
        for run_id, job in self._jobs.items():
            if job.silence(now) > SILENT_AFTER and not job.killed and self._is_over(run_id):
                self._kill(run_id, SILENT.format(job.silence(now)), blamed=False)

    def _is_over(self, run_id) -> bool:
        try:
            return not self._ledger.get(run_id).active
        except RunError:  # it was deleted
            return True

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
    """Has the runs that a dead engine left running go on, and deletes leftover files that nothing will use again."""
    for run_id, attempt in ledger.left_running().items():
        if outbox.holds(run_id, attempt):
            continue  # it has ended, and is delivered soon
        log.info("Run %s, attempt %d, was left running", run_id, attempt)
        ledger.lose(run_id, attempt, ENGINE_GONE)
    ledger.remove_drafts()
    for folder in _older_than(SCRATCH_DAYS, home() / "scratch"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in _older_than(BACKUP_DAYS, home() / "backups"):
        file.unlink(missing_ok=True)


def _older_than(days, folder):
    return [path for path in folder.glob("*") if path.stat().st_mtime < time.time() - days * 24 * 3600]


def _watch(pipe: int, ended: threading.Event):
    """Sets `ended` once the other end of the pipe is closed, and no other app is left either."""
    while os.read(pipe, 4096):
        pass
    alone = 0  # looks in a row that found nobody: an app that has just made its file may not have locked it yet
    while alone < 2:
        alone = 0 if is_anybody_there(home()) else alone + 1
        if alone < 2:
            time.sleep(LOOK_EVERY)
    ended.set()


def _leave_in_time(ended: threading.Event):
    """Kills this process if it does not end in time: an unresponsive store may block it for minutes."""
    ended.wait()
    time.sleep(LEAVE_GRACE)
    _exit(1)


def _log_to_file():
    folder = home() / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(folder / "engine.log", maxBytes=LOG_BYTES, backupCount=3,
                                                   encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("forecasting").setLevel(logging.INFO)


def main() -> int:
    """Runs the engine until the last app has ended or it gets SIGTERM. Also returns 0 if another engine is already running."""
    from locket import LockError, lock_file

    _log_to_file()
    try:
        with lock_file(str(home() / LOCK), timeout=3):
            return _main()
    except LockError:
        log.info("Another engine is running")
        return 0


def _main() -> int:
    ended, told = threading.Event(), threading.Event()

    def leave(*_):
        told.set()
        ended.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, leave)
    made: list[Engine] = []
    Status().begin()
    threading.Thread(target=beat, args=(ended, lambda: [engine.look_at_itself() for engine in made]), daemon=True,
                     name="beat").start()
    threading.Thread(target=_watch, args=(sys.stdin.fileno(), ended), daemon=True, name="parent").start()
    threading.Thread(target=_leave_in_time, args=(ended,), daemon=True, name="leave").start()
    try:
        from forecasting.runs.cluster import Cluster
        from forecasting.runs.ledger import RunLedger

        made.append(Engine(RunLedger(), Cluster, 60 * limits().run.minutes))
        made[0].run(ended, is_replaced=lambda: told.is_set() and is_anybody_there(home()))
    except ForecastingError as error:  # an environment variable or a file of ours has a bad value
        log.error("%s", error)
        Status().say(str(error))
        return 1
    except Exception:
        log.exception("The engine failed")
        return 1
    return 0


def _exit(code: int):
    """Exits immediately: a clean shutdown would wait for workers in the middle of a training. They watch a pipe from this
    process and end with it, except those that are frozen."""
    import psutil

    logging.shutdown()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if child.status() == psutil.STATUS_STOPPED:
                child.kill()
    os._exit(code)


if __name__ == "__main__":
    _exit(main())
