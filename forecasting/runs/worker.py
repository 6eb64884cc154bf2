"""What a Dask worker does with a run: compute it, tell the store how far it is, and bring it to its end.

One training per process at a time, since Keras's seeds and sessions belong to the whole process. Nothing but short
texts goes back through Dask; results go into the store.
"""

from __future__ import annotations

import logging
import statistics
import threading
import time
import traceback
from collections import deque
from dataclasses import dataclass

from forecasting.errors import ForecastingError, RunError
from forecasting.runs.files import scratch
from forecasting.runs.ledger import RunLedger
from forecasting.runs.records import Run

__all__ = ["Outcome", "Reporter", "compute", "stop", "warm_up"]

WRITE_EVERY = 0.2  # seconds between two reports to the store at least
FINAL_PATIENCE = 120.0  # seconds for which the end of a run is tried against a store that fails

log = logging.getLogger(__name__)

_stops: dict[tuple[str, int], str | None] = {}  # (run id, attempt): what to tell the person about the stop
_computed = 0  # runs that this process has computed


@dataclass(frozen=True)
class Outcome:
    """How a run ended, for the engine. trace: the traceback of an internal error; computed: runs by this process."""

    state: str
    error: str | None
    trace: str | None
    computed: int


def stop(run_id: str, attempt: int, reason: str | None = None):
    """Asks the run, if this process computes it, to end with what it has learnt. Called beside the training's thread."""
    _stops[run_id, attempt] = reason


def warm_up():
    """Takes a process through a tiny training, so that TensorFlow is loaded before somebody waits for it."""
    from forecasting.data.samples import load_sample
    from forecasting.model.config import ForecastConfig
    from forecasting.result import train

    history = load_sample()
    tiny = ForecastConfig(window=5, units=(2,), epochs=1, batch_size=64)
    train(type(history)(history.frame.iloc[:150], history.name, history.source), tiny)
    RunLedger().stops()


def compute(run_id: str, attempt: int) -> Outcome:
    """Computes a claimed run and ends it in the store. Never raises for what a run can do wrong."""
    global _computed
    _computed += 1
    ledger = RunLedger()
    state, error, trace = "failed", None, None
    reporter = None
    try:
        run = ledger.get(run_id)
        reporter = Reporter(ledger, run_id, run.epochs)
        state = (_forecast if run.kind == "forecast" else _train)(ledger, run, reporter, attempt)
        error = _stops.get((run_id, attempt)) if state == "stopped" else None
    except ForecastingError as problem:
        error = str(problem)
    except MemoryError:
        trace = traceback.format_exc()
        error = ("There was not enough memory for this run. Use fewer rows, a smaller network or a smaller batch, or close "
                 "other programs.")
    except Exception as problem:
        log.exception("Run %s failed", run_id)
        trace = traceback.format_exc()
        error = (f"The training stopped on an internal error ({type(problem).__name__}). Its details are in the log; other "
                 "runs are not affected.")
    finally:
        if reporter is not None:
            reporter.close(FINAL_PATIENCE)
        _stops.pop((run_id, attempt), None)
    ledger.end(run_id, state, error, patience=FINAL_PATIENCE)
    return Outcome(state, error, trace, _computed)


def _train(ledger: RunLedger, run: Run, reporter: Reporter, attempt: int) -> str:
    from forecasting.model.size import work_per_epoch
    from forecasting.result import train

    history = ledger.history(run.id)
    result = train(history, run.config, on_epoch=reporter.epoch, on_phase=reporter.phase,
                   should_stop=lambda: (run.id, attempt) in _stops)
    reporter.phase("saving")
    folder = scratch("result")
    result.save(folder)
    seconds = result.curve["seconds"]
    speed = work_per_epoch(run.config, len(history)) / seconds.median() if len(seconds) else None
    ledger.put_result(run.id, folder, result.metrics, speed, patience=FINAL_PATIENCE)
    return "stopped" if result.stopped else "finished"


def _forecast(ledger: RunLedger, run: Run, reporter: Reporter, attempt: int) -> str:
    raise RunError("Forecast runs are not there yet.")


class Reporter:
    """Writes a training's progress into the store from a thread of its own.

    A store that is slow or gone neither holds the training up nor fails it: what could not be written is kept and
    written later, many epochs in one batch.
    """

    def __init__(self, ledger: RunLedger, run_id: str, epochs: int):
        self._ledger, self._run_id = ledger, run_id
        self._progress = {"phase": "preparing", "epoch": 0, "epochs": epochs, "best_epoch": None, "rate": None}
        self._points: list[tuple[int, dict]] = []
        self._seconds: deque[float] = deque(maxlen=20)
        self._changed = threading.Condition()
        self._dirty, self._closing = True, False
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._write_all, name=f"report-{run_id}", daemon=True)
        self._thread.start()

    def phase(self, words: str):
        """What the run does from now on."""
        with self._changed:
            self._progress["phase"] = str(words)
            self._dirty = True
            self._changed.notify()

    def epoch(self, log):
        """An epoch is over; log: its `EpochLog`."""
        with self._changed:
            self._seconds.append(log.seconds)
            self._points.append((log.epoch, {"loss": log.loss, "val_loss": log.val_loss, "seconds": log.seconds}))
            mean = statistics.fmean(self._seconds)
            self._progress.update(phase="training", epoch=log.epoch, epochs=log.epochs, best_epoch=log.best_epoch,
                                  rate=1 / mean if mean > 0 else None)
            self._dirty = True
            self._changed.notify()

    def close(self, patience: float):
        """Writes what is left; gives up after `patience` seconds."""
        with self._changed:
            self._closing = True
            self._deadline = time.monotonic() + patience
            self._changed.notify()
        self._thread.join(patience)

    def _write_all(self):
        pause = WRITE_EVERY
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or self._closing)
                if not self._dirty:
                    return
                points, self._points, self._dirty = self._points, [], False
                progress = dict(self._progress)
            try:
                self._ledger.log_progress(self._run_id, points, progress)
                pause = WRITE_EVERY
            except Exception:
                log.exception("The progress of run %s could not be written; it is tried again", self._run_id)
                with self._changed:
                    self._points[:0] = points
                    self._dirty = True
                    if time.monotonic() > self._deadline:
                        return
                pause = min(10.0, 2 * pause)
            with self._changed:
                self._changed.wait_for(lambda: self._closing, timeout=pause)
            if self._closing and pause > WRITE_EVERY:
                time.sleep(0.5)
