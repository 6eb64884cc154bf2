"""Writes a training's progress to the store, on a thread of its own."""

from __future__ import annotations

import logging
import math
import statistics
import threading
import time
from collections import deque

from forecasting.errors import AttemptOver, RunError, StoreUnavailable
from forecasting.runs.delays import clear_delay, note_delay
from forecasting.runs.ledger import RunLedger
from forecasting.runs.records import CURVE, Run

__all__ = ["Reporter"]

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 3.0  # seconds before retrying a failing store

log = logging.getLogger(__name__)


class Reporter:
    """Writes the progress of a run to the store without slowing the training down or making it fail.

    What a slow or failing store does not accept is kept and written later, many epochs in one batch. Leaving the context
    writes the rest, retrying for up to `patience` seconds; `unsent` then returns what is still not written. Once the store has
    refused this attempt, `check` raises AttemptOver.

    every: minimum seconds between two writes
    """

    def __init__(self, ledger: RunLedger, run: Run, patience: float, every: float = 0.2):
        self._ledger, self._run_id, self._patience, self._every = ledger, run.id, patience, every
        self._progress = {"phase": "preparing", "epoch": 0, "epochs": run.epochs, "best_epoch": None, "rate": None}
        self._over: AttemptOver | None = None
        self._points: list[tuple[int, dict]] = []  # epochs that are not written yet
        self._under_way: list[tuple[int, dict]] = []  # epochs that are being written
        self._recent: deque[float] = deque(maxlen=20)  # seconds of the latest epochs
        self._changed = threading.Condition()
        self._dirty, self._writing, self._delayed = True, False, False
        self._give_up: float | None = None  # when to stop trying; set on leaving
        self._thread = threading.Thread(target=self._write_all, name=f"report-{run.id}", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with self._changed:
            self._give_up = time.monotonic() + self._patience
            self._changed.notify()
        self._thread.join(self._patience)

    def phase(self, words: str):
        """Reports what the run is doing from now on."""
        self._update([], phase=str(words))

    def epoch(self, log):
        """Reports the `EpochLog` of an epoch that has ended."""
        self._recent.append(log.seconds)
        mean = statistics.fmean(self._recent)
        point = (log.epoch, {name: getattr(log, name) for name in CURVE})
        self._update([point], phase="training", epoch=log.epoch, epochs=log.epochs, best_epoch=log.best_epoch,
                     rate=1 / mean if mean > 0 else None)

    def report(self, **progress):
        """Reports other progress: fields of `Run`, or what the kind of run reads back from `Run.progress`."""
        self._update([], **progress)

    def go_on(self, rows):
        """Reports the epochs that a resumed training has already run: (epoch, loss, val_loss, seconds) of each.

        What earlier attempts have logged does not count any more, since they may have got further than their backup.
        """
        points = [(epoch, dict(zip(CURVE, values, strict=True))) for epoch, *values in rows]
        self._update([(0, dict.fromkeys(CURVE, math.nan)), *points], epoch=len(points))

    def unsent(self) -> tuple[list[tuple[int, dict]], dict] | None:
        """(points, progress) as `RunLedger.log_progress` takes them, that the store has not confirmed, or None."""
        with self._changed:
            points = self._under_way + self._points
            return (points, dict(self._progress)) if points or self._dirty or self._writing else None

    def check(self):
        """Raises AttemptOver if this process may write nothing more about the run."""
        if self._over is not None:
            raise self._over

    def _update(self, points, **progress):
        with self._changed:
            self._points += points
            self._progress |= progress
            self._dirty = True
            self._changed.notify()

    def _write_all(self):
        pause = FIRST_PAUSE
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or self._leaving)
                if not self._dirty:
                    return
                points, self._points, self._dirty, self._writing = self._points, [], False, True
                self._under_way = points
                progress = dict(self._progress)
            try:
                self._ledger.log_progress(self._run_id, points, progress)
            except StoreUnavailable as error:
                log.warning("%s The progress of run %s is kept for the next attempt.", error, self._run_id)
                note_delay(self._run_id, error.reason)
                with self._changed:
                    self._points[:0], self._under_way = points, []
                    self._dirty, self._writing, self._delayed = True, False, True
                    if self._give_up is not None and time.monotonic() + pause > self._give_up:
                        return
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except AttemptOver as error:
                self._over = error
                return
            except RunError as error:
                log.warning("%s Its progress is not written any more.", error)
                return
            else:
                pause = FIRST_PAUSE
                if self._delayed:
                    clear_delay(self._run_id)
                with self._changed:
                    self._under_way, self._writing, self._delayed = [], False, False
                    self._changed.wait_for(lambda: self._leaving, timeout=self._every)

    @property
    def _leaving(self) -> bool:
        return self._give_up is not None
