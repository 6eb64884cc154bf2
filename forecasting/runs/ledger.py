"""The store of runs as the engine and its workers use it: they claim runs, log their progress and end them."""

from __future__ import annotations

import json
import logging
import math
import time
from collections import Counter
from pathlib import Path

from forecasting.errors import RunError, StoreUnavailable
from forecasting.evaluation.scores import shown_in
from forecasting.runs.files import list_files, upload
from forecasting.runs.limits import limits
from forecasting.runs.records import CURVE, PREFIX, STATUS_OF, Run, defined, thinned, to_run
from forecasting.runs.store import RunStore, readable
from forecasting.runs.tracking import home_id
from forecasting.runs.turns import in_turn, served

__all__ = ["RunLedger"]

log = logging.getLogger(__name__)


class RunLedger(RunStore):
    """A `RunStore` that can also claim, update and end runs. Unless told otherwise, it waits for a slow store as long as MLflow
    does."""

    def __init__(self, patience: float | None = None):
        super().__init__(patience)
        self._served: list[str] | None = None

    def next_runs(self, count: int) -> list[Run]:
        """Claims waiting runs for the calling engine, owners taking turns, and marks them as running.

        count: how many workers are free; an experiment whose turn comes is claimed as well, but needs no worker
        Who has as many runs at work as a person may have waits, and the others go first.
        """
        waiting = {one.id: one for one in self._waiting()}
        if self._served is None:
            self._served = self._recent()
        claimed, had_turn = [], False
        most, running = limits().person.running, self._running() if waiting else Counter()
        for run_id in in_turn(waiting.values(), self._served):
            if not count:
                break
            if waiting[run_id].needs_worker:
                if running[waiting[run_id].owner] >= most:
                    continue
                running[waiting[run_id].owner] += 1
            self._write(run_id, tags={"started": repr(time.time()), "outcome": "", "error": "",
                                        "progress": json.dumps({"phase": "starting"})})
            self._tracking.call("update_run", run_id, status="RUNNING")
            if waiting[run_id].needs_worker:
                count -= 1
                self._served, had_turn = served(self._served, waiting[run_id].owner), True
            try:
                claimed.append(to_run(self._find(run_id)))
            except StoreUnavailable:
                raise
            except RunError as error:  # e.g. written by another version of this app; it must not block the others
                log.warning("%s", error)
                self.end(run_id, "failed", str(error))
        if had_turn:
            self._tracking.call("set_experiment_tag", self._tracking.experiment, f"{PREFIX}turns.{home_id()}",
                                json.dumps(self._served))
        return claimed

    def _running(self) -> Counter[str]:
        """{owner: how many of their runs workers are computing}."""
        return Counter(run.data.tags.get(PREFIX + "owner", "") for run in self._of_home("RUNNING")
                       if run.data.tags.get(PREFIX + "kind") != "experiment")

    def waiting(self) -> dict[str, bool]:
        """{id of a waiting run: whether a stop was requested}."""
        return {run.info.run_id: run.data.tags.get(PREFIX + "stop") == "1" for run in self._of_home("SCHEDULED")}

    def stops(self) -> dict[str, str | None]:
        """{id of a running run for which a stop was requested: why, or None if a person asked for it}."""
        return {run.info.run_id: run.data.tags.get(PREFIX + "stop_reason") or None
                for run in self._of_home("RUNNING", f" and tags.`{PREFIX}stop` = '1'")}

    def left_running(self) -> list[str]:
        """Ids of the runs that were running when an earlier engine died, except experiments, which any engine moves on."""
        return [run.info.run_id for run in self._of_home("RUNNING") if _is_left(run.info, run.data.tags)]

    def experiments_at_work(self) -> list[Run]:
        """The experiments that have begun and not ended."""
        found = self._of_home("RUNNING", f" and tags.`{PREFIX}kind` = 'experiment'")
        return [run for one in found if (run := readable(one)) and run.started]

    def go_on(self, run: Run):
        """Puts an interrupted run back into its old place in the queue."""
        self._put_back(run)

    def discard(self, run_id: str):
        """Forgets a run whose creation was cut short."""
        self._tracking.call("delete_run", run_id)
        self.trash.erase(run_id)

    def _positions(self) -> dict[str, int]:
        """None: only pages show places in the queue, and working them out takes two more queries at each look."""
        return {}

    def _of_home(self, status: str, more: str = "") -> list:
        return self._search(f"attributes.status = '{status}' and tags.`{PREFIX}home` = '{home_id()}'{more}")

    def log_progress(self, run_id: str, points: list[tuple[int, dict]], progress: dict):
        """Writes the latest progress of a running run, in one batch.

        points: (epoch, {'loss', 'val_loss', 'seconds'}); progress: phase, epoch, epochs, best_epoch, rate of `Run`
        """
        metrics = [(name, value, epoch) for epoch, values in points for name, value in values.items()]
        # MLflow takes at most 1,000 metrics a batch.
        for start in range(0, max(1, len(metrics)), 900):
            self._write(run_id, metrics=metrics[start:start + 900], tags={"progress": json.dumps(progress)})

    def restart_curve(self, run_id: str):
        """Discards the curve of a run that is resumed: only points logged from now on count."""
        self._write(run_id, metrics=[(name, math.nan, 0) for name in CURVE])

    def put_result(self, run_id: str, folder: Path | None, scores: dict, epoch_seconds: float | None = None,
                   patience: float = 0.0, metrics: dict | None = None):
        """Saves a folder of files, which is moved, and the scores as the result of a run.

        folder: None where scores are all there is; epoch_seconds: duration of a typical epoch of a training, for
            `RunStore.timings`; metrics: to be shown in MLflow's pages beside the scores of the test part
        """
        files = {}
        if folder is not None:
            files = list_files(folder)
            upload(self._tracking, run_id, folder, "result")
        scores = defined(scores)
        leak = _patiently(patience, self._leak, run_id)
        shown = {} if leak else scores.get("test", {})
        shown = {f"test_{name}": value for name, value in shown.items() if name in shown_in("runs")} | (metrics or {})
        if epoch_seconds:
            shown["epoch_seconds"] = epoch_seconds
        _patiently(patience, self._write, run_id, metrics=[(name, value, 0) for name, value in shown.items()],
                   tags={"result": json.dumps({"files": files, "scores": scores})})

    def _leak(self, run_id: str) -> str | None:
        return to_run(self._find(run_id)).config.leak

    def end(self, run_id: str, state: str, error: str | None = None, patience: float = 0.0):
        """Ends a run. patience: seconds to keep retrying if the store fails"""
        losses = thinned(_patiently(patience, self._points, run_id, "val_loss"))
        _patiently(patience, self._write, run_id, tags={"outcome": state, "error": (error or "")[:4000], "losses": losses})
        _patiently(patience, self._tracking.call, "set_terminated", run_id, status=STATUS_OF[state])


def _is_left(info, tags) -> bool:
    if not tags.get(PREFIX + "started"):  # still being created, which takes milliseconds, or its creation was cut short
        return info.start_time < (time.time() - 60) * 1000
    return tags.get(PREFIX + "kind") != "experiment"


def _patiently(patience: float, function, *args, **kwargs):
    """function(...), tried again for up to `patience` seconds while the store is unavailable."""
    deadline = time.monotonic() + patience
    pause = 0.5
    while True:
        try:
            return function(*args, **kwargs)
        except StoreUnavailable as error:
            if time.monotonic() + pause > deadline:
                raise
            log.warning("%s Trying again in %.1f s.", error, pause)
            time.sleep(pause)
            pause = min(2 * pause, 10.0)
