"""What a Dask worker does with a run: compute it, write its progress to the store, and end it there.

One training per process at a time, since Keras's seeds and sessions are global to the process. Only short texts go back
through Dask; results go into the store.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from dataclasses import dataclass, replace

from forecasting.errors import AttemptOver, ForecastingError, RunError, StoreUnavailable
from forecasting.model.listener import STOP_PREDICTING
from forecasting.paths import home, is_full, no_room
from forecasting.runs import outbox
from forecasting.runs.delays import note_delay
from forecasting.runs.kinds import RUN_KINDS, Computed
from forecasting.runs.ledger import RunLedger
from forecasting.runs.reporter import Reporter

__all__ = ["INTERRUPTED", "Outcome", "compute", "stop", "warm_up"]

WARM_UP_ROWS = 400  # enough for the recommended window and horizon in every part
NO_MEMORY = ("There was not enough memory for this run. Use fewer rows, a smaller network or a smaller batch, or close "
             "other programs.")
INTERRUPTED = "The app ended while this run was in progress. Resume it to continue from where it was a few seconds earlier."

INTERNAL = "This run stopped on an internal error ({}); the log has the details. Other runs are not affected."
NOT_KEPT = ("What this run had come to could not be written ({}). Check the permissions of the data folder, then resume it: it "
            "goes on from its backup.")
FINAL_PATIENCE = 120.0  # seconds to keep trying to read what a run needs, or to write what it has come to
LEAVE_SECONDS = 5.0  # that the store may take for the last progress, which otherwise is delivered with the result
RETRY_SECONDS = 1.0  # before something that failed is tried again
DELIVER_SECONDS = 5.0  # between two attempts at delivering a result

log = logging.getLogger(__name__)

# (run id, attempt): what to tell the user about the stop, and what `should_stop` returns
_stops: dict[tuple[str, int], tuple[str | None, int]] = {}
_computed = 0  # runs that this process has computed


@dataclass(frozen=True)
class Outcome:
    """How a run ended, for the engine; 'lost' if it was not this process's to end. trace: the traceback of an internal error,
    or None; worker: the address of the process that computed it; computed: how many runs that process has computed; memory:
    bytes that it holds."""

    state: str
    error: str | None
    trace: str | None
    worker: str
    computed: int
    memory: int = 0


def stop(run_id: str, attempt: int, reason: str | None = None, predicting: bool = False):
    """Asks a run that this process computes to end with what it has learnt. Called from another thread than the training's.

    reason: what to tell the user about it, or None if the user asked for it; predicting: whether the predicting after a
        training is to end too
    """
    _stops[run_id, attempt] = (reason, STOP_PREDICTING if predicting else True)


def warm_up(place: dict[str, str], is_own: bool):
    """Runs a short training, so that TensorFlow is loaded and the recommended settings are compiled before anybody waits for
    them.

    place: the environment variables that lead to the store; is_own: whether this app started the process
    """
    import psutil

    from forecasting.data.samples import load_sample
    from forecasting.model.config import RECOMMENDED
    from forecasting.model.training import configure_threads
    from forecasting.result import train

    os.environ.update(place)
    if is_own:  # lets clicks go first; on an idle machine trainings are as fast as ever
        psutil.Process().nice(5 if os.name == "posix" else psutil.BELOW_NORMAL_PRIORITY_CLASS)
    configure_threads()
    # A run that is already waiting compiles what it needs itself. This query also loads MLflow.
    try:
        is_needed = not RunLedger().waiting()
    except StoreUnavailable as error:
        log.warning("%s", error)
        is_needed = True
    if is_needed:
        history = load_sample()
        train(replace(history, frame=history.frame.iloc[:WARM_UP_ROWS]), replace(RECOMMENDED, epochs=1),
              progress=False)


def compute(run_id: str, attempt: int, place: dict[str, str]) -> Outcome:
    """Computes a claimed run and ends it in the store. Errors of the run are not raised but returned in the outcome.

    attempt: counts from 1; a resumed run is attempt 2; place: the environment variables that lead to the store
        (`tracking.place`)
    """
    global _computed
    import psutil
    from distributed import get_worker

    _computed += 1
    os.environ.update(place)
    ledger = RunLedger()
    dask_worker = get_worker()
    key = dask_worker.get_current_task()

    def is_abandoned() -> bool:
        """Whether the engine is gone: Dask cancels tasks that no client waits for."""
        task = dask_worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"

    def should_stop() -> int:
        if is_abandoned():
            raise AttemptOver("Nobody waits for this run any more.")
        return _stops.get((run_id, attempt), (None, False))[1]

    ended, trace = carry_out(ledger, run_id, attempt, should_stop)
    return Outcome(ended.state, ended.error, trace, dask_worker.address, _computed, psutil.Process().memory_info().rss)


@dataclass(frozen=True)
class Ended:
    """How an attempt ended: as a run does, 'lost' if it was not this process's to end, 'kept' if it waits to be delivered."""

    state: str
    error: str | None = None


def carry_out(ledger: RunLedger, run_id: str, attempt: int, should_stop) -> tuple[Ended, str | None]:
    """Computes an attempt, keeps how it ended, and delivers that to the store.

    returns how it ended, and the traceback of an internal error or None
    """
    trace = None
    try:
        run = ledger.claim(run_id, attempt, patience=FINAL_PATIENCE)
        if run.stopping:  # what is in its backup becomes its result
            _stops.setdefault((run_id, attempt), (run.stop_reason, STOP_PREDICTING if run.stop == "predicting" else True))
        with Reporter(ledger, run, LEAVE_SECONDS, RUN_KINDS[run.kind].report_every) as reporter:
            def asked_to_stop() -> int:
                reporter.check()
                return should_stop()

            computed, error, trace = _computed_by_kind(ledger, run, reporter, asked_to_stop)
            reporter.phase("saving")
            folder = _insist(lambda: outbox.pack(computed.save), run_id, asked_to_stop)
        if computed.state == "stopped":
            error = _stops.get((run_id, attempt), (None, False))[0]
        points, progress = reporter.unsent() or ([], None)
        _insist(lambda: outbox.keep(folder, run_id, attempt, computed.state, error, scores=computed.scores, points=points,
                                    epoch_seconds=computed.epoch_seconds, metrics=computed.metrics, progress=progress),
                run_id, should_stop)
        return _deliver(ledger, run_id, Ended(computed.state, error)), trace
    except StoreUnavailable as problem:  # it was never begun
        log.warning("Run %s, attempt %d, could not be begun: %s", run_id, attempt, problem)
        return Ended("lost", str(problem)), trace
    except RunError as over:  # the attempt is over, or the run was deleted
        log.warning("Run %s, attempt %d, is given up here: %s", run_id, attempt, over)
        return Ended("lost"), trace
    except OSError as problem:
        log.exception("The end of run %s could not be kept", run_id)
        return Ended("interrupted", NOT_KEPT.format(problem.strerror or problem)), traceback.format_exc()
    finally:
        _stops.pop((run_id, attempt), None)


def _insist(write, run_id: str, should_stop):
    """write(), tried again for as long as the disk is full, and for a while after any other error of the disk."""
    until = time.monotonic() + FINAL_PATIENCE
    while True:
        try:
            return write()
        except OSError as error:
            if not (full := is_full(error) or no_room()) and time.monotonic() > until:
                raise
            log.warning("What run %s has come to cannot be written: %s", run_id, error)
            note_delay(run_id, f"no room in {home()}" if full else f"{home()} cannot be written ({error.strerror or error})")
        should_stop()  # raises AttemptOver if nobody wants it any more; a stop does not end what keeps the result
        time.sleep(RETRY_SECONDS)


def _deliver(ledger: RunLedger, run_id: str, ended: Ended) -> Ended:
    try:
        outbox.deliver(ledger, run_id)
    except StoreUnavailable as error:
        log.warning("%s The end of run %s is kept, to be delivered later.", error, run_id)
        # The engine does so too, but not where its data folder is another one, as on another machine.
        threading.Thread(target=_deliver_later, args=(run_id,), daemon=True, name=f"deliver-{run_id}").start()
        return Ended("kept")
    return ended


def _deliver_later(run_id: str):
    ledger = RunLedger()
    while outbox.holds(run_id):
        time.sleep(DELIVER_SECONDS)
        try:
            outbox.deliver(ledger, run_id)
        except StoreUnavailable as error:
            log.warning("%s The end of run %s is still kept.", error, run_id)


def _computed_by_kind(ledger: RunLedger, run, reporter: Reporter, should_stop) -> tuple[Computed, str | None, str | None]:
    """(what the kind of this run has computed, the error of a run that failed, its traceback)."""
    kind = RUN_KINDS[run.kind]
    assert kind.compute is not None, "the engine gives workers no run that they cannot compute"
    until = time.monotonic() + FINAL_PATIENCE
    while True:
        try:
            return kind.compute(ledger, run, reporter, should_stop), None, None
        except AttemptOver:
            raise
        except (StoreUnavailable, OSError) as problem:  # e.g. its prices cannot be read; what it learnt is in its backup
            log.warning("Run %s cannot read or write what it needs: %r", run.id, problem)
            if time.monotonic() > until or not (isinstance(problem, StoreUnavailable) or is_full(problem)):
                return Computed("interrupted"), _cannot_read(problem), traceback.format_exc()
            note_delay(run.id, problem.reason if isinstance(problem, StoreUnavailable) else str(problem.strerror or problem))
        except ForecastingError as problem:
            log.info("Run %s failed: %s", run.id, problem)
            return Computed("failed"), str(problem), None
        except MemoryError:
            log.exception("Run %s ran out of memory", run.id)
            return Computed("failed"), NO_MEMORY, traceback.format_exc()
        except Exception as problem:
            log.exception("Run %s failed", run.id)
            return Computed("failed"), INTERNAL.format(type(problem).__name__), traceback.format_exc()
        should_stop()
        time.sleep(RETRY_SECONDS)


def _cannot_read(problem: StoreUnavailable | OSError) -> str:
    if isinstance(problem, StoreUnavailable):
        return f"{problem} Then resume this run."
    return (f"A file could not be read or written ({problem.strerror or problem}). Free up disk space or check the "
            "permissions, then resume this run.")
