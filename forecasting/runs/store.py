"""The store of runs as a page uses it: a page writes requests and reads the state of runs.

The page and the engine communicate through the store only, so a page can be closed, reloaded, or opened in another
browser by the run's id. Nothing in here imports TensorFlow, and MLflow is imported by the first call, not with this module.
"""

from __future__ import annotations

import builtins
import json
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.errors import InTrash, RunError, StoreUnavailable, UnreadableFile
from forecasting.model.config import ForecastConfig
from forecasting.model.size import Timing
from forecasting.paths import home
from forecasting.runs.annotations import clean_name, clean_note, clean_tags
from forecasting.runs.catalogue import Found, count_runs, read_runs
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.files import download, move_into_place, scratch, stored_history, upload
from forecasting.runs.kinds import RUN_KINDS
from forecasting.runs.limits import check_queued, check_run, check_stored
from forecasting.runs.orders import Order, Orders, Wanted
from forecasting.runs.records import CURVE, NOTE, PREFIX, SEPARATOR, Run, check_run_id, facts, finite, to_run
from forecasting.runs.room import check_room
from forecasting.runs.tracking import Tracking, home_id, is_local, store_name, writing
from forecasting.runs.trash import Trash
from forecasting.runs.turns import in_turn

log = logging.getLogger(__name__)

__all__ = ["RunStore", "doorbell", "readable", "ring"]

PATIENCE = 5.0  # seconds that a page waits for the store
BELL = "doorbell"
OVERLAP = 3_000  # clock skew tolerated between machines, in milliseconds
MANY = 1000  # runs asked for at once
TIMINGS_SECONDS, MOST_TIMINGS = 60, 100
MOST_CHILDREN = 50_000  # the most that MLflow returns at once, since no child of an experiment may be missed


def ring():
    """Tells the engine that there is something to do, so that it need not poll the store all the time."""
    with writing():
        (home() / BELL).touch()


def doorbell() -> int | None:
    """When it last rang, or None if it never has."""
    try:
        return (home() / BELL).stat().st_mtime_ns
    except FileNotFoundError:
        return None


class Waiting(NamedTuple):
    """A run in the queue. rank: lower ones of the same owner go first; needs_worker: False for an experiment; attempt: the
    one that it waits for"""

    id: str
    owner: str
    rank: tuple
    needs_worker: bool
    attempt: int = 1

    @property
    def is_part(self) -> bool:
        """Whether an experiment made it."""
        return self.rank[0]


class RunStore:
    """Creates, finds, follows, stops and reads runs. Safe to share between threads and sessions.

    Every method raises StoreUnavailable within seconds if the store cannot be reached, and RunError for a run that is
    unknown or damaged.
    """

    def __init__(self, patience: float | None = PATIENCE):
        self._tracking = Tracking(patience)
        self._owner: str | None = None  # whose runs are seen, or None for all of them
        self._orders = Orders()
        self.trash = Trash(self._tracking, lambda parent: self.list(limit=MOST_CHILDREN, parent=parent), readable)
        self._ended: dict[str, Run] = {}  # an ended run no longer changes, unless it is resumed or written about
        self._read: dict[str, tuple[Found, Run | None]] = {}  # what the database held of each ended run, and what it said
        self._edits: str | None = None  # the latest edit on a server that this store knows of
        # {query: milliseconds since 1970}; runs that match it and ended before that are in _ended.
        self._listed_until: dict[str, int] = {}
        self._clock = _clock_offset()
        self._listing = threading.Lock()
        self._timings: tuple[tuple | None, list[Timing]] = (None, [])
        self._families: dict[str, list[Run]] = {}  # the children of experiments that have ended

    def of(self, owner: str) -> RunStore:
        """This store as one person may see it: their own runs only. What has been read is shared."""
        theirs = copy(self)
        theirs._owner = owner
        theirs.trash = Trash(self._tracking, lambda parent: theirs.list(limit=MOST_CHILDREN, parent=parent), readable, owner)
        return theirs

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
            # An older version used another key for these prices. Save them under today's key, which addresses will use.
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

    # What a page requests

    def create(self, history: PriceHistory, config: ForecastConfig, *, kind: str = "train", name: str | None = None,
               owner: str = "", parent: str | None = None, parameters: dict | None = None, experiment: str | None = None,
               key: str | None = None, queued: bool = True) -> str:
        """Puts a run into the queue and returns its id.

        kind: one of `RUN_KINDS`; owner: whose turn it takes; parent, experiment and key as in `Run`
        parameters: JSON-able; queued: False for a run that nobody has to compute, which the caller then ends
        Raises LimitReached for more than a person or a run may have here, and StoreUnavailable if the store does not answer
        in time; then there is no such run, also later.
        """
        return self._order(history, config, kind=kind, name=name, owner=owner, parent=parent, parameters=parameters,
                           experiment=experiment, key=key, queued=queued).result()

    def order(self, history: PriceHistory, config: ForecastConfig, *, owner: str, before: str | None = None,
              parent: str | None = None) -> Wanted:
        """Puts a training into the queue as soon as the store answers, and remembers it for the pages of this browser.

        owner: the browser; before: the run that its page shows
        """
        order = self._order(history, config, owner=owner, parent=parent, insist=True)
        wanted = Wanted(order, history, config, owner, before, time.monotonic())
        self._orders.add(wanted)
        return wanted

    def note_drawing(self, owner: str) -> bool:
        """Notes that a page of this browser is drawn; returns whether another one was a short while ago."""
        return self._orders.note_drawing(owner)

    def unseen_order(self, owner: str, before: str | None) -> Wanted | None:
        """What this browser ordered last on a page that showed the run `before`, unless a page is known to show it."""
        return self._orders.unseen(owner, before)

    def _order(self, history: PriceHistory, config: ForecastConfig, *, kind: str = "train", name: str | None = None,
               owner: str = "", parent: str | None = None, parameters: dict | None = None, experiment: str | None = None,
               key: str | None = None, queued: bool = True, insist: bool = False, check: bool = True) -> Order:
        if kind not in RUN_KINDS:
            raise RunError(f"kind must be one of {', '.join(RUN_KINDS)}. Received: kind={kind!r}.")
        if RUN_KINDS[kind].needs_parent:
            check_run_id(parent)
        if check and RUN_KINDS[kind].compute is not None:
            check_room(config, len(history))
        if check and queued:
            check_run(config, len(history))
        made = {"kind": kind, "owner": owner[:64], "queued": repr(time.time()), "draft": "1"}
        if config.leak:
            from forecasting.evaluation.verdict import leak_words

            made["invalid"] = leak_words(config.leak)
        names = {"parent": parent, "experiment": experiment, "key": key}
        made |= {name: _quotable(value) for name, value in names.items() if value}
        patience = self._tracking.patience
        maker = self if patience is None else RunStore(None)  # whose requests all come to an end that is known
        name = (name or history.name)[:200]
        order = Order(partial(maker._make, history, config, parameters or {}, made, name, queued), insist)
        if patience is None and not insist:
            return order.run()
        if insist:
            return order.start()
        self._tracking.connect()  # which may take longer than making a run
        if not order.start().wait(patience) and order.give_up():
            raise StoreUnavailable(f"The store of runs ({store_name()}) did not answer in time, so nothing was started. "
                                   "Another program may have locked it, or its server is down. Try again in a moment.")
        return order

    def _make(self, history: PriceHistory, config: ForecastConfig, parameters: dict, made: dict[str, str], name: str,
              queued: bool, order: Order) -> str:
        """Makes a run, request by request, and takes it back if one of them fails for good."""
        if "key" not in made:  # an experiment asks for its trainings when it is started
            order.step(self._check_person, made["owner"], queued=queued)
        history_key = order.step(self.save_history, history)
        made |= {"home": order.step(home_id), "facts": facts(history, config, history_key=history_key, parameters=parameters)}
        created = order.step(self._begin, name, {PREFIX + tag: value for tag, value in made.items()})
        run_id = created.info.run_id
        try:
            if not is_local():
                order.step(self._send_history, run_id, history_key)
            order.step(self._write, run_id, params=vars(config))
            if queued:
                order.commit()
                order.step(self._tracking.call, "update_run", run_id, status="SCHEDULED")
        except Exception:
            self._take_back(run_id)
            raise
        if queued:
            try:
                ring()
            except StoreUnavailable as error:
                log.warning("%s The engine finds run %s by itself.", error, run_id)
        return run_id

    def _begin(self, name: str, tags: dict[str, str]):
        return self._tracking.call("create_run", self._tracking.experiment, run_name=name, tags=tags)

    def _take_back(self, run_id: str):
        try:
            self._tracking.call("delete_run", run_id)
            self.trash.erase(run_id)
        except StoreUnavailable as error:
            log.warning("%s Run %s, which nobody sees, is left for the next engine to remove.", error, run_id)

    def start_experiment(self, experiment: str, history: PriceHistory, config: ForecastConfig, options: dict, *,
                         owner: str = "", parent: str | None = None) -> str:
        """Puts an experiment into the queue and returns its id; the engine creates its trainings.

        experiment: one of `EXPERIMENTS`; options: as its entry names them; parent: the run that it is made around
        It replaces an earlier one on the same run, unless that kind keeps them. Raises the errors of the entry's `check`,
        and RunError if one is still running.
        """
        kind = EXPERIMENTS[experiment]
        options = kind.complete(options)
        kind.check(options, history, config)
        earlier = self._around(parent, experiment) if parent else []
        if any(run.active for run in earlier):
            raise RunError("This experiment has not ended yet. Wait for it, or stop it first.")
        self._check_person(owner, 1 + kind.trainings(options))
        run_id = self.create(history, config, kind="experiment", name=f"{history.name}, {kind.label.lower()}", owner=owner,
                             parent=parent, parameters=options, experiment=experiment)
        if not kind.keeps_earlier:
            for run in earlier:
                self.delete(run.id)
        return run_id

    def request_stop(self, run_id: str, reason: str | None = None, force: bool = False, predicting: bool = False):
        """Asks a run to stop: a waiting run never starts, a training keeps what it has learnt, and an experiment stops its
        children.

        reason: what to tell the user about it, or None if the user asked for it
        predicting: ends the predicting after a training too; the result is of what is predicted by then
        force: ends its process, which does not answer; another one makes a result of what is in its backup
        """
        if self.get(run_id).active:
            how = "force" if force else "predicting" if predicting else "1"
            self._write(run_id, tags={"stop": how, "stop_reason": reason or ""})
            ring()

    def change_options(self, run_id: str, options: dict):
        """Changes some options of an experiment, which its kind sees at the engine's next look.

        One that has ended goes on under its own id: what it has made stays, and what the options now ask for is added.
        """
        run = self.get(run_id)
        kind = EXPERIMENTS.get(run.experiment or "")
        if kind is None:
            raise RunError(f"Only an experiment has options that can be changed. Received: a run of the kind {run.kind}.")
        made = json.loads(self._find(run_id).data.tags[PREFIX + "facts"])
        before, made["parameters"] = made["parameters"], kind.complete(made["parameters"] | options)
        if (more := kind.trainings(made["parameters"]) - kind.trainings(before)) > 0:
            self._check_person(run.owner, more, queued=not run.active)
        self._write(run_id, tags={"facts": json.dumps(made)})
        if run.active:
            ring()
        else:
            self._put_back(run, queued=repr(time.time()), stop_reason="")

    def resume(self, run_id: str) -> str:
        """Puts an interrupted run back into the queue, under its own id, which is returned.

        It continues from its latest backup, or starts over if there is none, e.g. on another machine.
        """
        run = self.get(run_id)
        if not run.resumable:
            raise RunError(f"Only an interrupted run can be resumed. Received: a run that is {run.state}. "
                           "Train again with the same settings instead.")
        self._check_person(run.owner, 0)
        self._put_back(run, queued=repr(time.time()), setback="")
        return run_id

    def _put_back(self, run: Run, **tags):
        """Puts a run back into the queue, for another attempt. What it has learnt so far stays on show."""
        # An ended one stays so until it is queued again: whoever reads it in between would take any other state for final.
        self._write(run.id, tags={"stop": "", "error": "", "holder": "", "attempt": str(run.attempt + 1),
                                  "progress": json.dumps(run.progress | {"phase": "starting", "rate": None}), **tags})
        self._tracking.call("update_run", run.id, status="SCHEDULED")
        self._ended.pop(run.id, None)
        self._families.pop(run.id, None)
        ring()

    def annotate(self, run_id: str, *, name: str | None = None, starred: bool | None = None,
                 tags: Sequence[str] | None = None, note: str | None = None) -> Run:
        """Writes down what a person says about a run, and returns it; what is None stays as it is.

        name: also in MLflow's own pages, as is the note; '' gives it the name of its series
        """
        from mlflow.entities import RunTag

        run, written = self.get(run_id), {}
        if starred is not None:
            written[PREFIX + "starred"] = "1" if starred else ""
        if tags is not None:
            written[PREFIX + "tags"] = SEPARATOR.join(clean_tags(tags))
        if note is not None:
            written[NOTE] = clean_note(note)
        if name is not None:
            self._tracking.call("update_run", run_id, name=clean_name(name) or run.series)
        if written:
            self._tracking.call("log_batch", run_id, tags=[RunTag(key, value) for key, value in written.items()])
        self._changed([run_id])
        return self.get(run_id)

    def delete(self, run_id: str):
        """Moves a run that has ended to the trash, with its forecasts and experiments; an experiment with its children."""
        self._changed(self.trash.put(self.get(run_id)))

    def restore(self, run_id: str):
        """Takes a run out of the trash, with all that was deleted together with it."""
        self._changed(self.trash.restore(run_id))

    def _changed(self, ids: builtins.list[str]):
        """Forgets what was known about runs, which no end time shows to have changed, and tells the other apps of a server."""
        for run_id in ids:
            self._ended.pop(run_id, None)
            self._families.pop(run_id, None)
        if not is_local():
            self._edits = uuid.uuid4().hex
            self._tracking.call("set_experiment_tag", self._tracking.experiment, PREFIX + "edits", self._edits)

    # What a page reads

    def get(self, run_id: str) -> Run:
        """The run as it is now, with its position in the queue if it is waiting."""
        check_run_id(run_id)
        known = self._ended.get(run_id)
        if known is not None and not known.resumable:  # which another app may resume
            self._check_owner(known.owner)
            return known
        found = self._find(run_id)
        run = to_run(found)
        if run.state == "scheduled":
            return to_run(found, self._positions().get(run_id))
        if not run.active:
            self._ended[run_id] = run
        return run

    def list(self, limit: int = 100, kind: str | Sequence[str] | None = None, parent: str | None = None,
             alone: bool = False) -> builtins.list[Run]:
        """Runs, newest first.

        limit: the most runs to return
        kind, parent: only runs with these, or of one of these kinds; alone: only runs that are not part of an experiment
        """
        kinds = RUN_KINDS if kind is None else (kind,) if isinstance(kind, str) else kind
        found = self._in_database(parent, alone) if is_local() else self._on_server(parent, alone, max(limit, MANY))
        runs = [run for run in found if run.kind in kinds and parent in (None, run.parent) and not (alone and run.key)
                and not run.draft and self._owner in (None, run.owner)]
        return sorted(runs, key=lambda run: run.created, reverse=True)[:limit]

    def experiments(self, experiment: str, parent: str) -> builtins.list[Run]:
        """The experiments of one kind around the run `parent`, newest first: the latest, or all where the kind keeps them."""
        found = self._around(parent, experiment)
        return found if EXPERIMENTS[experiment].keeps_earlier else found[:1]

    def _around(self, parent: str, experiment: str) -> builtins.list[Run]:
        return [run for run in self.list(limit=MANY, kind="experiment", parent=parent) if run.experiment == experiment]

    def children(self, experiment: Run) -> builtins.list[Run]:
        """The runs that an experiment has made so far, oldest first."""
        if not experiment.active and (known := self._families.get(experiment.id)) is not None:
            return known
        found = self.list(limit=MOST_CHILDREN, parent=experiment.id)[::-1]
        # The children of an ended experiment no longer change, and searching for them takes three queries.
        if not experiment.active and not any(run.active for run in found):
            self._families[experiment.id] = found
        return found

    def curve(self, run_id: str) -> pd.DataFrame:
        """epoch (from 1), loss, val_loss, seconds: one row for each epoch so far."""
        check_run_id(run_id)
        # Each is read on its own, and an epoch may end in between.
        found = pd.concat({name: self._points(run_id, name) for name in CURVE}, axis=1, join="inner")
        table = found.astype("float64").sort_index()
        return table.rename_axis("epoch").reset_index().astype({"epoch": "int64"})

    def _points(self, run_id: str, metric: str) -> pd.Series:
        """{epoch: value} of the latest attempt."""
        points: dict[int, float] = {}
        for point in sorted(self._tracking.call("get_metric_history", run_id, metric),
                            key=lambda point: (point.timestamp, point.step)):
            if point.step == 0:  # the curve starts over here (`RunLedger.restart_curve`)
                points = {}
            else:
                points[point.step] = finite(point.value)
        return pd.Series(points, dtype="float64")

    def result(self, run_id: str):
        """The result of a run, loaded by its kind: the `TrainingResult` of a training (without TensorFlow), the table of a
        forecast."""
        read = RUN_KINDS[self.get(run_id).kind].read
        if read is None:
            raise RunError("An experiment has no result of its own: its trainings have. Open one of them.")
        return read(self.folder(run_id))

    forecast = result

    def folder(self, run_id: str) -> Path:
        """A folder with the files of a run's result, checked. Not to be written to."""
        run = self.get(run_id)
        if not run.has_result:
            raise RunError(f"This run has no result: it is {run.state}. Wait for its end, or train again.")
        if not run.files:
            raise RunError("This run left scores but no files. Train its settings on their own to see what they predict.")
        return download(self._tracking, run_id, "result", run.files)

    def timings(self) -> builtins.list[Timing]:
        """What the latest trainings on this machine took, the latest first."""
        # Read again once another run is known to have ended, and from time to time for the runs of other sessions.
        now = (len(self._ended), time.monotonic() // TIMINGS_SECONDS)
        if self._timings[0] != now:
            found = self._search(f"tags.`{PREFIX}home` = '{home_id()}' and metrics.epoch_seconds > 0",
                                 ["attributes.end_time DESC"], limit=MOST_TIMINGS)
            timed = [(run, one.data.metrics["epoch_seconds"]) for one in found
                     if (run := readable(one)) and run.epoch and run.seconds is not None]
            self._timings = now, [
                Timing(run.config, run.fingerprint, run.rows, run.epoch, run.best_epoch or 0, seconds, run.seconds or 0.0,
                       whole=run.state == "finished") for run, seconds in timed if not run.active]
        return self._timings[1]

    @contextmanager
    def one_at_a_time(self):
        """Keeps all other sessions and apps of this home out of such blocks, which look for a run and make it if there is none.

        Raises StoreUnavailable if they take too long.
        """
        from locket import LockError, lock_file

        try:
            with writing(), lock_file(str(home() / "once.lock"), timeout=4 * PATIENCE):
                yield
        except LockError:
            raise StoreUnavailable("Other pages have been busy starting runs for too long. Try again in a moment.") from None

    def answers(self) -> bool:
        """Whether the store can be read and written just now."""
        try:
            self._tracking.check()
        except StoreUnavailable:
            return False
        return True

    # Internals

    def _in_database(self, parent: str | None, alone: bool) -> builtins.list[Run]:
        """The runs of the local store. Each is read anew, but what has not changed since need not be understood again."""
        found = read_runs(self._tracking, parent=parent, alone=alone)
        positions = self._positions() if any(one.info.status == "SCHEDULED" for one in found) else {}
        runs = []
        for one in found:
            run_id = one.info.run_id
            before, run = self._read.get(run_id, (None, None))
            if before != one:
                run = readable(one, positions.get(run_id))
                if run is None or not run.active:
                    self._read[run_id] = (one, run)
                if run is not None and not run.active:
                    self._ended[run_id] = run
            if run is not None:
                runs.append(run)
        return runs

    def _on_server(self, parent: str | None, alone: bool, limit: int = MANY) -> builtins.list[Run]:
        """All active runs with this parent, or alone, and every ended run read so far, in no particular order.

        Reading a run takes about a millisecond, so each ended run is read once, and only the `limit` latest of a query.
        """
        queries = [f"tags.`{PREFIX}parent` = '{_quotable(parent)}'"] if parent is not None else []
        if alone:  # earlier versions called the folds of one backtest a group
            queries += [f"tags.`{PREFIX}{name}` IS NULL" for name in ("key", "group")]
        query = " and ".join(queries)
        more = f" and {query}" if query else ""
        with self._listing:
            edits = self._tracking.call("get_experiment", self._tracking.experiment).tags.get(PREFIX + "edits")
            if edits != self._edits:  # another app has deleted, restored or annotated runs
                self._listed_until.clear()
                self._ended.clear()
                self._families.clear()
                self._edits = edits
            if _clock_offset() < self._clock - OVERLAP / 1000:  # runs may now get earlier end times than some already read
                self._listed_until.clear()
            self._clock = _clock_offset()
            until = self._listed_until.get(query, 0)
            # In the order of a run's life, so that none is missed if its state changes in between.
            waiting, running = (self._search(f"attributes.status = '{status}'{more}", limit=limit)
                                for status in ("SCHEDULED", "RUNNING"))
            positions = self._positions() if waiting else {}
            read = (readable(found, positions.get(found.info.run_id)) for found in waiting + running)
            active = {run.id: run for run in read if run}
            ended = self._search(f"attributes.end_time > {until}{more}", ["attributes.end_time DESC"], limit)
            for found in ended:
                until = max(until, found.info.end_time - OVERLAP)
                self._ended.pop(found.info.run_id, None)
                if not (run := readable(found)):
                    continue
                if run.active:  # it was resumed
                    active.setdefault(run.id, run)
                else:
                    self._ended[run.id] = run
                    active.pop(run.id, None)
            self._listed_until[query] = until
            # Another app may have resumed a run that had ended.
            return list((self._ended | active).values())

    def _search(self, query: str, order: builtins.list[str] | None = None, limit: int | None = None) -> builtins.list:
        return self._tracking.call("search_runs", [self._tracking.experiment], query, max_results=limit or MANY,
                                   order_by=order)

    def _find(self, run_id: str):
        found = self._tracking.call("get_run", check_run_id(run_id))
        self._check_owner(found.data.tags.get(PREFIX + "owner", ""))
        if found.info.lifecycle_stage != "active":
            raise InTrash("This run was deleted. It is in the trash, from which you can restore it.", run_id=run_id)
        return found

    def _check_owner(self, owner: str):
        if self._owner not in (None, owner):
            raise RunError("This run is somebody else's, and everyone sees their own runs only. Ask for its zip file (Download "
                           "everything on the Train page), and open that on the Runs page.")

    def _positions(self) -> dict[str, int]:
        """{run id: place in the queue, from 1}."""
        order = in_turn(self._waiting(), self._recent())
        return {run_id: place for place, run_id in enumerate(order, start=1)}

    def _check_person(self, owner: str, more: int = 1, queued: bool = True):
        """Raises LimitReached where this person may not keep `more` runs besides those they have, or not queue another."""
        if queued:
            check_queued(sum(one.owner == owner and not one.is_part for one in self._waiting()))
        if more and is_local():
            check_stored(count_runs(self._tracking, owner), more,
                         "Delete some on the Runs page and empty the trash there.")
        elif more:
            check_stored(sum(run.owner == owner for run in self.list(limit=MOST_CHILDREN)), more,
                         "Delete some on the Runs page.")

    def _waiting(self) -> builtins.list[Waiting]:
        """The runs waiting for this home's engine."""
        found = self._search(f"attributes.status = 'SCHEDULED' and tags.`{PREFIX}home` = '{home_id()}'")
        return [self._as_waiting(run.info, run.data.tags) for run in found]

    @staticmethod
    def _as_waiting(info, tags) -> Waiting:
        kind = RUN_KINDS.get(tags.get(PREFIX + "kind"))
        since = float(tags.get(PREFIX + "queued", info.start_time / 1000))
        # A run that the user started goes ahead of the hundreds that their experiments may have created.
        return Waiting(info.run_id, tags.get(PREFIX + "owner", ""), (PREFIX + "key" in tags, since),
                       kind is None or kind.compute is not None, int(tags.get(PREFIX + "attempt", 1)))

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
        upload(self._tracking, run_id, draft, "history", files)
        shutil.rmtree(draft)
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


def readable(found, queue_position: int | None = None) -> Run | None:
    """The run, or None if it is not one of ours or is damaged, so that it does not hide the others."""
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
    """Whether `folder` contains these prices, undamaged."""
    if not folder.exists():
        return False
    try:
        return PriceHistory.load(folder).key == history.key
    except UnreadableFile:
        return False


def _clock_offset() -> float:
    """Seconds by which the wall clock is ahead of the monotonic clock, which nobody can set back."""
    return time.time() - time.monotonic()


def _quotable(value: str) -> str:
    """Returns `value` if it is safe in an MLflow query, else raises RunError."""
    if not all(letter.isalnum() or letter in "-_. " for letter in value):
        raise RunError("A parent, an experiment or a key is named by letters, digits, '-', '_' and '.'. "
                       f"Received: {value[:60]!r}.")
    return value
