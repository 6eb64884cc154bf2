"""The store of runs as a page sees it: what it writes is what it wants, what it reads is what there is.

The page and the engine meet here and nowhere else, so a page can be closed, reloaded, or opened in another browser by
the run's id. Nothing in here imports TensorFlow, and MLflow is imported by the first call, not with this module.
"""

from __future__ import annotations

import builtins
import json
import logging
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.errors import RunError, UnreadableFile
from forecasting.model.config import ForecastConfig
from forecasting.model.size import Timing
from forecasting.paths import home
from forecasting.runs.files import download, move_into_place, scratch, stored_history, upload
from forecasting.runs.records import CURVE, KINDS, PREFIX, SHOWN_SETTINGS, Run, check_run_id, facts, finite, to_run
from forecasting.runs.tracking import Tracking, home_id, is_local, writing
from forecasting.runs.turns import in_turn

log = logging.getLogger(__name__)

__all__ = ["RunStore", "doorbell", "ring"]

PATIENCE = 5.0  # seconds that a page waits for the store
BELL = "doorbell"
OVERLAP = 3_000  # milliseconds: how far the clocks of machines that end runs may be apart
MANY = 1000  # runs asked for at once
TIMINGS_SECONDS, MOST_TIMINGS = 60, 100


def ring():
    """Tells the engine that there is something to see to, so that it need not ask the store all the time."""
    with writing():
        (home() / BELL).touch()


def doorbell() -> int | None:
    """When it last rang, or None before the first time."""
    try:
        return (home() / BELL).stat().st_mtime_ns
    except FileNotFoundError:
        return None


class RunStore:
    """Runs: made, found, followed, stopped and read. Safe to share between threads and sessions.

    Every method raises StoreUnavailable within seconds if the store cannot be reached, and RunError for a run that is
    unknown or damaged.
    """

    def __init__(self, patience: float | None = PATIENCE):
        self._tracking = Tracking(patience)
        self._ended: dict[str, Run] = {}  # an ended run changes no more, unless it is resumed
        # For each query: milliseconds since 1970; what ended before and answers it is in _ended.
        self._listed_until: dict[str, int] = {}
        self._clock = _clock_offset()
        self._listing = threading.Lock()
        self._timings: tuple[tuple | None, list[Timing]] = (None, [])

    # Prices

    def save_history(self, history: PriceHistory) -> str:
        """Keeps a copy of the prices; returns the key that `load_history` takes (32 hex digits). A damaged one is
        replaced."""
        folder = stored_history(history.key)
        with writing():
            if not _holds(folder, history):
                draft = scratch("history")
                history.save(draft)
                move_into_place(draft, folder)
        return history.key

    def load_history(self, key: str) -> PriceHistory:
        """The prices that `save_history` kept as `key`."""
        history = _read_history(stored_history(key))
        if history.key != key:
            # An older version named these prices differently. The address will name them by today's key.
            self.save_history(history)
        return history

    def history(self, run_id: str) -> PriceHistory:
        """The prices that a run was made with."""
        found = self._find(run_id)
        key = to_run(found).history_key
        if is_local() or stored_history(key).exists():
            return self.load_history(key)
        expected = json.loads(found.data.tags[PREFIX + "history_files"])
        return _read_history(download(self._tracking, run_id, "history", expected))

    # What a page wants

    def create(self, history: PriceHistory, config: ForecastConfig, *, kind: str = "train", name: str | None = None,
               owner: str = "", group: str | None = None, parent: str | None = None,
               parameters: dict | None = None) -> str:
        """Puts a run into the queue and returns its id.

        kind: 'train', or 'forecast' with the run `parent` and the parameters 'steps', 'refit' and 'as_of'
        owner: whose turn it takes; group: what it belongs to, e.g. a backtest; parameters: JSON-able
        """
        if kind not in KINDS:
            raise RunError(f"kind must be one of {', '.join(KINDS)}. Received: kind={kind!r}.")
        if kind == "forecast":
            check_run_id(parent)
        key = self.save_history(history)
        tags = {"kind": kind, "owner": owner[:64], "home": home_id(), "queued": repr(time.time()),
                "facts": facts(history, config, history_key=key, parameters=parameters or {})}
        if config.leak:
            from forecasting.evaluation.verdict import leak_words

            tags["invalid"] = leak_words(config.leak)
        tags |= {name: _quotable(value) for name, value in {"group": group, "parent": parent}.items() if value}
        created = self._tracking.call("create_run", self._tracking.experiment, run_name=(name or history.name)[:200],
                                      tags={PREFIX + tag: value for tag, value in tags.items()})
        run_id = created.info.run_id
        if not is_local():
            self._send_history(run_id, key)
        self._write(run_id, params={name: getattr(config, name) for name in SHOWN_SETTINGS})
        self._tracking.call("update_run", run_id, status="SCHEDULED")
        ring()
        return run_id

    def create_many(self, jobs: Sequence[tuple[PriceHistory, ForecastConfig, str]], *, group: str, owner: str = "",
                    parent: str | None = None) -> list[str]:
        """Puts one training for each (history, config, name) into the queue, all of one group; returns their ids."""
        return [self.create(history, config, name=name, owner=owner, group=group, parent=parent)
                for history, config, name in jobs]

    def request_stop(self, run_id: str):
        """Asks for the end of a run; one that waits never starts, one that trains keeps what it has learnt."""
        if self.get(run_id).active:
            self._write(run_id, tags={"stop": "1"})
            ring()

    def stop_group(self, group: str):
        """Asks for the end of every run of a group."""
        for run in self.list(group=group, limit=MANY):
            if run.active:
                self._write(run.id, tags={"stop": "1"})
        ring()

    def resume(self, run_id: str) -> str:
        """Puts an interrupted run back into the queue, under its own id, which is returned.

        It goes on from its latest backup; where there is none, e.g. on another machine, it starts over.
        """
        run = self.get(run_id)
        if not run.resumable:
            raise RunError(f"Only an interrupted run can be resumed. Received: a run that is {run.state}. "
                           "Train again with the same settings instead.")
        self._write(run_id, tags={"stop": "", "outcome": "", "error": "", "progress": "", "started": "",
                                  "queued": repr(time.time()), "attempt": str(run.attempt + 1)})
        self._tracking.call("update_run", run_id, status="SCHEDULED")
        self._ended.pop(run_id, None)
        ring()
        return run_id

    def delete(self, run_id: str):
        """Forgets a run that has ended, with its files."""
        if self.get(run_id).active:
            raise RunError("This run is still at work. Stop it first.")
        self._tracking.call("delete_run", run_id)
        self._ended.pop(run_id, None)
        for folder in (home() / "artifacts" / run_id, home() / "downloads" / run_id):
            shutil.rmtree(folder, ignore_errors=True)

    # What there is

    def get(self, run_id: str) -> Run:
        """The run as it is now; of a waiting one also its place in the queue."""
        check_run_id(run_id)
        known = self._ended.get(run_id)
        if known is not None and not known.resumable:  # which another app may resume
            return known
        found = self._find(run_id)
        run = to_run(found)
        if run.state == "scheduled":
            return to_run(found, self._positions().get(run_id))
        if not run.active:
            self._ended[run_id] = run
        return run

    def list(self, limit: int = 100, kind: str | None = None, group: str | None = None, parent: str | None = None,
             grouped: bool | None = None) -> builtins.list[Run]:
        """Runs, newest first.

        limit: how many at most, of those that are asked for
        kind, group, parent: only runs with this one; grouped: False for runs that belong to no group, True for the
            members of any, None for both
        """
        queries = [f"tags.`{PREFIX}{name}` = '{_quotable(value)}'"
                   for name, value in (("group", group), ("parent", parent)) if value is not None]
        if grouped is not None:
            queries.append(f"tags.`{PREFIX}group` IS {'NOT NULL' if grouped else 'NULL'}")
        wanted = {name: value for name, value in (("kind", kind), ("group", group), ("parent", parent)) if value is not None}
        runs = [run for run in self._all(" and ".join(queries))
                if all(getattr(run, name) == value for name, value in wanted.items())
                and grouped in (None, run.group is not None)]
        return sorted(runs, key=lambda run: run.created, reverse=True)[:limit]

    def curve(self, run_id: str) -> pd.DataFrame:
        """epoch (from 1), loss, val_loss, seconds: one row for each epoch so far."""
        check_run_id(run_id)
        table = pd.DataFrame({name: self._points(run_id, name) for name in CURVE}, dtype="float64").sort_index()
        return table.rename_axis("epoch").reset_index().astype({"epoch": "int64"})

    def _points(self, run_id: str, metric: str) -> pd.Series:
        """{epoch: value} of the latest attempt."""
        points: dict[int, float] = {}
        for point in sorted(self._tracking.call("get_metric_history", run_id, metric),
                            key=lambda point: (point.timestamp, point.step)):
            if point.step == 0:  # here the curve starts over (`RunLedger.restart_curve`)
                points = {}
            else:
                points[point.step] = finite(point.value)
        return pd.Series(points, dtype="float64")

    def result(self, run_id: str):
        """The `TrainingResult` of a run, from its files; imports no TensorFlow."""
        from forecasting.result import load_run

        return load_run(self.folder(run_id))

    def forecast(self, run_id: str) -> pd.DataFrame:
        """What a run of kind 'forecast' came to: index Date; predicted, lower_80, upper_80, lower_95, upper_95, and the
        same with 'guarded_' before them."""
        return pd.read_parquet(self.folder(run_id) / "forecast.parquet")

    def folder(self, run_id: str) -> Path:
        """A folder with the files of a run's result, checked. Not to be written to."""
        run = self.get(run_id)
        if not run.has_result:
            raise RunError(f"This run has no result: it is {run.state}. Wait for its end, or train again.")
        return download(self._tracking, run_id, "result", run.files)

    def timings(self) -> builtins.list[Timing]:
        """What the latest trainings on this machine took, the latest first."""
        # Anew once another run is known to have ended, and now and then for those of other sessions.
        now = (len(self._ended), time.monotonic() // TIMINGS_SECONDS)
        if self._timings[0] != now:
            found = self._search(f"tags.`{PREFIX}home` = '{home_id()}' and metrics.epoch_seconds > 0",
                                 ["attributes.end_time DESC"], limit=MOST_TIMINGS)
            timed = [(run, one.data.metrics["epoch_seconds"]) for one in found
                     if (run := _readable(one)) and run.epoch and run.seconds is not None]
            self._timings = now, [
                Timing(run.config, run.fingerprint, run.rows, run.epoch, run.best_epoch or 0, seconds, run.seconds or 0.0,
                       whole=run.state == "finished") for run, seconds in timed if not run.active]
        return self._timings[1]

    # Inside

    def _all(self, query: str = "") -> builtins.list[Run]:
        """Every run that is active and answers `query`, and all that have ended which were ever read, in no order.

        Reading a run takes about a millisecond, so an ended one is read once, and of each query the `MANY` latest.
        """
        more = f" and {query}" if query else ""
        with self._listing:
            if _clock_offset() < self._clock - OVERLAP / 1000:  # runs may end before others that have been read
                self._listed_until.clear()
            self._clock = _clock_offset()
            until = self._listed_until.get(query, 0)
            for found in self._search(f"attributes.end_time > {until}{more}", ["attributes.end_time DESC"]):
                until = max(until, found.info.end_time - OVERLAP)
                self._ended.pop(found.info.run_id, None)
                if found.info.status not in ("SCHEDULED", "RUNNING") and (run := _readable(found)):
                    self._ended[run.id] = run
            self._listed_until[query] = until
            running, waiting = (self._search(f"attributes.status = '{status}'{more}") for status in ("RUNNING", "SCHEDULED"))
            positions = self._positions() if waiting else {}
            active = filter(None, (_readable(found, positions.get(found.info.run_id)) for found in running + waiting))
            # Another app may have resumed one that had ended.
            return list((self._ended | {run.id: run for run in active}).values())

    def _search(self, query: str, order: builtins.list[str] | None = None, limit: int | None = None) -> builtins.list:
        return self._tracking.call("search_runs", [self._tracking.experiment], query, max_results=limit or MANY,
                                   order_by=order)

    def _find(self, run_id: str):
        found = self._tracking.call("get_run", check_run_id(run_id))
        if found.info.lifecycle_stage != "active":
            raise RunError(f"Run {run_id} was deleted. Pick another one on the Runs page.")
        return found

    def _positions(self) -> dict[str, int]:
        """{run id: place in the queue, from 1}."""
        order = in_turn(self._waiting(), self._recent())
        return {run_id: place for place, run_id in enumerate(order, start=1)}

    def _waiting(self) -> builtins.list[tuple[str, str, float]]:
        """(run id, owner, since when) of the runs that wait for this home's engine."""
        found = self._search(f"attributes.status = 'SCHEDULED' and tags.`{PREFIX}home` = '{home_id()}'")
        return [(run.info.run_id, run.data.tags.get(PREFIX + "owner", ""),
                 float(run.data.tags.get(PREFIX + "queued", run.info.start_time / 1000))) for run in found]

    def _recent(self) -> builtins.list[str]:
        """Owners in the order of their last turns."""
        tags = self._tracking.call("get_experiment", self._tracking.experiment).tags
        return json.loads(tags.get(f"{PREFIX}turns.{home_id()}", "[]"))

    def _send_history(self, run_id: str, key: str):
        """Gives a run on a server its own copy of the prices, since its worker may be on another machine."""
        from forecasting.runs.files import list_files

        draft = scratch("history")
        shutil.copytree(stored_history(key), draft, dirs_exist_ok=True)
        files = list_files(draft)
        upload(self._tracking, run_id, draft, "history")
        self._write(run_id, tags={"history_files": json.dumps(files)})

    def _write(self, run_id: str, *, params: dict | None = None, metrics: Sequence = (), tags: dict | None = None):
        """One batch. metrics: (name, value, step)."""
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        self._tracking.call(
            "log_batch", run_id,
            metrics=[Metric(name, float(value), now, step) for name, value, step in metrics],
            params=[Param(name, str(value)) for name, value in (params or {}).items()],
            tags=[RunTag(PREFIX + name, str(value)) for name, value in (tags or {}).items()])


def _readable(found, queue_position: int | None = None) -> Run | None:
    """The run, or None for what is not one of ours or is damaged: it must not hide the others."""
    try:
        return to_run(found, queue_position)
    except RunError as error:
        log.warning("%s", error)
        return None


def _read_history(folder: Path) -> PriceHistory:
    try:
        return PriceHistory.load(folder)
    except UnreadableFile as error:
        raise RunError(str(error)) from error


def _holds(folder: Path, history: PriceHistory) -> bool:
    """Whether `folder` has these prices, undamaged."""
    if not folder.exists():
        return False
    try:
        return PriceHistory.load(folder).key == history.key
    except UnreadableFile:
        return False


def _clock_offset() -> float:
    """Seconds by which the clock on the wall is ahead of one that nobody can put back."""
    return time.time() - time.monotonic()


def _quotable(value: str) -> str:
    """A value that may stand in a query of MLflow, or a RunError."""
    if not all(letter.isalnum() or letter in "-_. " for letter in value):
        raise RunError(f"A group or kind is named by letters, digits, '-', '_' and '.'. Received: {value[:60]!r}.")
    return value
