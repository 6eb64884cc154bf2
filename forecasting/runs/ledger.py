"""The store of runs as the engine and its workers use it: they claim runs, log their progress and end them."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from forecasting.data.history import PriceHistory
from forecasting.errors import AttemptOver, RunError, StoreUnavailable
from forecasting.evaluation.scores import shown_in
from forecasting.model.config import ForecastConfig
from forecasting.runs.files import list_files, upload
from forecasting.runs.kinds import RUN_KINDS
from forecasting.runs.limits import enough_at_work
from forecasting.runs.records import PREFIX, STATUS_OF, Run, defined, stop_of, thinned, to_run
from forecasting.runs.room import why_wait
from forecasting.runs.store import RunStore, readable
from forecasting.runs.tracking import home_id
from forecasting.runs.turns import in_turn, served

__all__ = ["RunLedger"]

DRAFT_SECONDS = 3600.0  # after which nobody can still be busy making a run
MOST_LOST = 2  # workers that a run may lose before it waits for a person: it may be what kills them
MOST_SETBACKS = 5  # the same for setbacks of every kind
BACKUP = "backup"  # the folder of a run's files that holds its backup, on a server
GOES_ON = "It goes on from its backup."
STARTS_OVER = "It starts over."
OWED = "What it had learnt by its latest backup is made into its result."
RESUME = "What it has learnt is kept: resume it to continue from its backup."

log = logging.getLogger(__name__)


class RunLedger(RunStore):
    """A `RunStore` that can also claim, update and end runs. Unless told otherwise, it waits for a slow store as long as MLflow
    does.

    One process at a time computes a run. The engine hands a run out as an attempt, a worker claims that attempt, and each of
    its writes first makes sure that the attempt is still its own. A run whose process is lost is handed out as another
    attempt; whatever the lost process may still try to write, e.g. since only its connection was lost, raises AttemptOver.
    """

    def __init__(self, patience: float | None = None):
        super().__init__(patience)
        self._served: list[str] | None = None
        self._unsure: set[str] = set()  # runs of which it is not known whether they were claimed
        self._holder: dict[str, str] = {}  # run id: what marks it as claimed by this ledger

    def next_runs(self, count: int, computed: Sequence[Run] = ()) -> list[Run]:
        """Claims waiting runs for the calling engine, owners taking turns, and marks them as running.

        count: how many workers are free; an experiment whose turn comes is claimed as well, but needs no worker
        computed: the runs that are being computed. The next one waits, and those behind it, until there is memory for it
            beside these; whoever has as many runs among them as a person may have waits too, and others go first
        """
        waiting = {one.id: one for one in self._waiting()}
        if self._served is None:
            self._served = self._recent()
        claimed, had_turn = self._claimed_after_all(), False
        full: set[str] = set()  # owners who have enough runs at work
        for run_id in in_turn(waiting.values(), self._served):
            if count <= len(claimed):
                break
            owner, needs_worker = waiting[run_id].owner, waiting[run_id].needs_worker
            if needs_worker and owner in full:
                continue
            try:
                if needs_worker:
                    others = [run for run in [*computed, *claimed] if run.kind != "experiment"]
                    if self._has_to_wait(run_id, enough_at_work(owner, others)):
                        full.add(owner)
                        continue
                    if self._has_to_wait(run_id, why_wait(to_run(self._find(run_id)), others)):
                        break
                run = self._start(run_id)
            except StoreUnavailable:
                if not claimed:
                    raise
                break  # those that are claimed have to reach a worker
            except RunError as error:  # e.g. written by another version of this app; it must not block the others
                log.warning("%s", error)
                self.end(run_id, "failed", str(error))
                continue
            claimed.append(run)
            if needs_worker:
                self._served, had_turn = served(self._served, owner), True
            else:
                count += 1
        if had_turn:
            try:
                self._tracking.call("set_experiment_tag", self._tracking.experiment, f"{PREFIX}turns.{home_id()}",
                                    json.dumps(self._served))
            except StoreUnavailable as error:
                log.warning("%s Whose turn it was is remembered by this process only.", error)
        return claimed

    def _has_to_wait(self, run_id: str, why: str | None) -> bool:
        """Whether there is a reason for a run to wait; its phase then says so."""
        if why is not None:
            run = to_run(self._find(run_id))
            if why != run.phase:
                self._write(run_id, tags={"progress": json.dumps({**run.progress, "phase": why})})
        return why is not None

    def _start(self, run_id: str) -> Run:
        """Marks a waiting run as running."""
        run = to_run(self._find(run_id))
        tags = {"started": repr(time.time()), "outcome": "", "error": "", "draft": "", "holder": ""}
        if run.attempt == 1:  # others show how far they have come
            tags["progress"] = json.dumps({"phase": "starting"})
        self._write(run_id, tags=tags)
        try:
            self._tracking.call("update_run", run_id, status="RUNNING")
        except StoreUnavailable:
            self._unsure.add(run_id)
            raise
        return replace(run, state="running")

    def _claimed_after_all(self) -> list[Run]:
        """The runs that the store marked as running although its answer was an error, or was lost on the way."""
        found = []
        for run_id in list(self._unsure):
            run = self.get(run_id)
            self._unsure.discard(run_id)
            if run.state == "running":
                found.append(run)
        return found

    def claim(self, run_id: str, attempt: int, patience: float = 0.0) -> Run:
        """Takes an attempt for the calling worker. From then on, what this ledger writes about the run raises AttemptOver once
        the attempt is over.

        Raises AttemptOver if it is over already, or was claimed before: whoever did is gone, and Dask has given the run to
        another worker without a word, which must not begin it anew. patience: seconds to keep retrying if the store fails
        """
        self._holder[run_id] = f"{attempt}-{uuid.uuid4().hex}"
        try:
            run = _patiently(patience, self._claim, run_id, attempt)
        except AttemptOver:
            del self._holder[run_id]
            raise
        self._check_claim(run_id)
        return run

    def _claim(self, run_id: str, attempt: int) -> Run:
        found = self._find(run_id)
        run, claimed = to_run(found), found.data.tags.get(PREFIX + "holder")
        if run.state != "running" or run.attempt != attempt:
            raise AttemptOver(f"Attempt {attempt} is over: the run is {run.state}, at attempt {run.attempt}.")
        if claimed and claimed != self._holder[run_id]:
            raise AttemptOver(f"Another process has begun attempt {attempt}.")
        super()._write(run_id, tags={"holder": self._holder[run_id]})
        return run

    def _check_claim(self, run_id: str):
        """Raises AttemptOver if this ledger has claimed the run and that is over."""
        if run_id not in self._holder:
            return
        found = self._find(run_id)
        if found.info.status != "RUNNING" or found.data.tags.get(PREFIX + "holder") != self._holder[run_id]:
            raise AttemptOver("This attempt is over: the run has ended or is computed by another process.")

    def _write(self, run_id: str, **values):
        """Everything that a worker writes about a run passes through here."""
        self._check_claim(run_id)
        super()._write(run_id, **values)

    def lose(self, run_id: str, attempt: int, why: str, worker: bool = False, stopping: bool = False):
        """Puts a run whose process is lost back into its old place in the queue, to go on from its backup. If it has lost too
        many, it is interrupted, and may be resumed.

        why: a sentence for the user; worker: whether it may be the run that ended its worker; stopping: whether it was told to
            stop, perhaps not by a person. It gets another process too, which makes a result of what is in the backup.
        """
        run = self.get(run_id)
        if run.state != "running" or run.attempt != attempt:
            return
        kind, lost, stopping = RUN_KINDS[run.kind], run.lost + worker, stopping or run.stopping
        if run.started is None:  # its creation was cut short
            self.end(run_id, "interrupted", why)
        elif stopping and not kind.keeps_backup:
            self.end(run_id, "stopped", why)
        elif lost >= MOST_LOST or run.setbacks >= MOST_SETBACKS:
            self.end(run_id, "interrupted", f"{why} {RESUME}")
        else:
            then = OWED if stopping else GOES_ON if kind.keeps_backup else STARTS_OVER
            setback = {"why": f"{why} {then}", "times": run.setbacks + 1, "lost": lost}
            self._put_back(run, stop="owed" if stopping else "", setback=json.dumps(setback))

    def drop(self, run_id: str):
        """Ends a waiting run that was asked to stop; one that has learnt something can be resumed."""
        run = self.get(run_id)
        if run.attempt > 1 and RUN_KINDS[run.kind].keeps_backup:
            self.end(run_id, "interrupted", f"It was stopped while it waited to go on. {RESUME}")
        else:
            self.end(run_id, "stopped", "It was stopped before its turn came.")

    def waiting(self) -> dict[str, bool]:
        """{id of a waiting run: whether it was asked to stop while it waits}."""
        return {run.info.run_id: run.data.tags.get(PREFIX + "stop", "") not in ("", "owed")
                for run in self._of_home("SCHEDULED")}

    def stops(self) -> dict[str, tuple[str | None, str]]:
        """{id of a running run that was asked to stop: why, or None if a person asked for it; how, as `Run.stop`}."""
        return {run.info.run_id: (run.data.tags.get(PREFIX + "stop_reason") or None, stop_of(run.data.tags))
                for run in self._of_home("RUNNING", f" and tags.`{PREFIX}stop` != ''")}

    def left_running(self) -> dict[str, int]:
        """{id: attempt} of the runs that were running when an earlier engine died, except experiments, which any engine moves
        on."""
        return {run.info.run_id: int(run.data.tags.get(PREFIX + "attempt", 1)) for run in self._of_home("RUNNING")
                if _is_left(run.info, run.data.tags)}

    def experiments_at_work(self) -> list[Run]:
        """The experiments that have begun and not ended."""
        found = self._of_home("RUNNING", f" and tags.`{PREFIX}kind` = 'experiment'")
        return [run for one in found if (run := readable(one)) and run.started]

    def go_on(self, run: Run):
        """Puts an interrupted run back into its old place in the queue."""
        self._put_back(run)

    def note_refused(self, history: PriceHistory, config: ForecastConfig, error: str, **about):
        """Makes a run that has failed already, with an error that says why it may not be computed. about: as for `create`"""
        run_id = self._order(history, config, queued=False, check=False, **about).result()
        self.end(run_id, "failed", error)

    def remove_drafts(self):
        """Removes the runs whose creation was cut short long ago. Nobody has ever seen them."""
        for run in self._of_home("RUNNING", f" and tags.`{PREFIX}draft` = '1'"):
            if run.info.start_time < (time.time() - DRAFT_SECONDS) * 1000:
                log.info("Run %s was never finished being made", run.info.run_id)
                self._take_back(run.info.run_id)

    def _positions(self) -> dict[str, int]:
        """None: only pages show places in the queue, and working them out takes two more queries at each look."""
        return {}

    def _of_home(self, status: str, more: str = "") -> list:
        return self._search(f"attributes.status = '{status}' and tags.`{PREFIX}home` = '{home_id()}'{more}")

    def log_progress(self, run_id: str, points: list[tuple[int, dict]], progress: dict):
        """Writes the latest progress of a running run, in one batch.

        points: (epoch, {'loss', 'val_loss', 'seconds'}), where epoch 0 discards those before it; progress: phase, epoch,
            epochs, best_epoch, rate of `Run`
        """
        metrics = [(name, value, epoch) for epoch, values in points for name, value in values.items()]
        # MLflow takes at most 1,000 metrics a batch.
        for start in range(0, max(1, len(metrics)), 900):
            self._write(run_id, metrics=metrics[start:start + 900], tags={"progress": json.dumps(progress)})

    def put_result(self, run_id: str, folder: Path | None, scores: dict, epoch_seconds: float | None = None,
                   metrics: dict | None = None, files: dict | None = None):
        """Saves a folder of files, which is moved, and the scores as the result of a run.

        folder: None where scores are all there is; epoch_seconds: duration of a typical epoch of a training, for
            `RunStore.timings`; metrics: to be shown in MLflow's pages beside the scores of the test part
        files: what `list_files` said of the folder, so that this can be called again after it was cut short
        """
        self._check_claim(run_id)
        if folder is not None:
            files = files or list_files(folder)
            upload(self._tracking, run_id, folder, "result", files)
        scores = defined(scores)
        leak = to_run(self._find(run_id)).config.leak
        shown = {} if leak else scores.get("test", {})
        shown = {f"test_{name}": value for name, value in shown.items() if name in shown_in("runs")} | (metrics or {})
        if epoch_seconds:
            shown["epoch_seconds"] = epoch_seconds
        self._write(run_id, metrics=[(name, value, 0) for name, value in shown.items()],
                    tags={"result": json.dumps({"files": files or {}, "scores": scores})})

    def keep_backup(self, run_id: str, file: Path, about: dict):
        """Keeps the backup of a training with the run, so that a worker on another machine can go on from it.

        about: JSON-able, 'name' of the file and what else is to be known about it; it counts once the file is there
        """
        self._check_claim(run_id)
        self._tracking.call("log_artifact", run_id, str(file), BACKUP)
        self._write(run_id, tags={"backup": json.dumps(about)})

    def backup(self, run_id: str) -> dict | None:
        """What is known about the backup that was kept last, if any."""
        return json.loads(self._find(run_id).data.tags.get(PREFIX + "backup") or "null")

    def fetch_backup(self, run_id: str, name: str, folder: Path) -> Path:
        """A copy of the file that was kept as `name`, in `folder`."""
        return Path(self._tracking.call("download_artifacts", run_id, f"{BACKUP}/{name}", str(folder)))

    def drop_backup(self, run_id: str):
        """Removes what `keep_backup` has kept, if anything."""
        if self.backup(run_id) is not None:
            self._tracking.remove(run_id, BACKUP)

    def end(self, run_id: str, state: str, error: str | None = None):
        """Ends a run."""
        losses = thinned(self._points(run_id, "val_loss"))
        self._write(run_id, tags={"outcome": state, "error": (error or "")[:4000], "losses": losses})
        self._tracking.call("set_terminated", run_id, status=STATUS_OF[state])


def _is_left(info, tags) -> bool:
    if tags.get(PREFIX + "draft") == "1":
        return False
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
