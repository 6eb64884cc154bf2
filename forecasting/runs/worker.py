"""What a Dask worker does with a run: compute it, write its progress to the store, and end it there.

One training per process at a time, since Keras's seeds and sessions are global to the process. Only short texts go back
through Dask; results go into the store.
"""

from __future__ import annotations

import logging
import os
import traceback
from dataclasses import dataclass, replace

from forecasting.errors import AttemptOver, ForecastingError, RunError
from forecasting.model.listener import STOP_PREDICTING
from forecasting.runs.files import backup_file
from forecasting.runs.kinds import RUN_KINDS
from forecasting.runs.kinds.kind import FINAL_PATIENCE
from forecasting.runs.ledger import RunLedger
from forecasting.runs.reporter import Reporter

__all__ = ["INTERRUPTED", "Outcome", "compute", "stop", "warm_up"]

WARM_UP_ROWS = 400  # enough for the recommended window and horizon in every part
NO_MEMORY = ("There was not enough memory for this run. Use fewer rows, a smaller network or a smaller batch, or close "
             "other programs.")
INTERRUPTED = "The app ended while this run was in progress. Resume it to continue from where it was a few seconds earlier."

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
    if not RunLedger().waiting():
        history = load_sample()
        train(replace(history, frame=history.frame.iloc[:WARM_UP_ROWS]), replace(RECOMMENDED, epochs=1))


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

    state, error, trace = "lost", None, None
    try:
        run = ledger.claim(run_id, attempt, patience=FINAL_PATIENCE)
        if run.stopping:  # what is in its backup becomes its result
            _stops.setdefault((run_id, attempt), (run.stop_reason, STOP_PREDICTING if run.stop == "predicting" else True))
        state, error, trace = _outcome(ledger, run_id, should_stop)
        if state == "stopped":
            error = _stops.get((run_id, attempt), (None, False))[0]
        if state != "lost":
            ledger.end(run_id, state, error, patience=FINAL_PATIENCE)
            backup_file(run_id).unlink(missing_ok=True)
    except AttemptOver as over:
        log.warning("Run %s, attempt %d: %s", run_id, attempt, over)
        state = "lost"
    except RunError:
        log.exception("The end of run %s could not be written", run_id)  # the engine tries too
    _stops.pop((run_id, attempt), None)
    return Outcome(state, error, trace, dask_worker.address, _computed, psutil.Process().memory_info().rss)


def _outcome(ledger: RunLedger, run_id: str, should_stop) -> tuple[str, str | None, str | None]:
    """(state, error, traceback) of a run, computed here; 'lost' if it became another process's meanwhile."""
    try:
        run = ledger.get(run_id)
        kind = RUN_KINDS[run.kind]
        assert kind.compute is not None, "the engine gives workers no run that they cannot compute"
        with Reporter(ledger, run, FINAL_PATIENCE, kind.report_every) as reporter:
            def asked_to_stop() -> int:
                reporter.check()
                return should_stop()

            return kind.compute(ledger, run, reporter, asked_to_stop), None, None
    except AttemptOver as over:
        log.warning("Run %s is given up here: %s", run_id, over)
        return "lost", None, None
    except ForecastingError as problem:
        log.info("Run %s failed: %s", run_id, problem)
        return "failed", str(problem), None
    except MemoryError:
        log.exception("Run %s ran out of memory", run_id)
        return "failed", NO_MEMORY, traceback.format_exc()
    except OSError as problem:
        log.exception("Run %s could not read or write a file", run_id)
        return "failed", (f"A file could not be read or written ({problem.strerror or problem}). Free up disk space or "
                          "check the permissions, then start it again."), traceback.format_exc()
    except Exception as problem:
        log.exception("Run %s failed", run_id)
        return "failed", (f"This run stopped on an internal error ({type(problem).__name__}); the log has the details. "
                          "Other runs are not affected."), traceback.format_exc()
