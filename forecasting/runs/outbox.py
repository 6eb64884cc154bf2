"""How runs ended, kept on disk until the store has it: first kept, then delivered.

    outbox/<run id>/outcome.json     how it ended, its scores, and what of its curve is not in the store yet
    outbox/<run id>/files/           of its result

The worker that computed a run keeps its end here, completely or not at all, and delivers it to the store. Where the store
refuses, the run stays 'running', the worker takes the next one, and delivery is tried again: by a thread of that worker, and by
the engine of this home, also after a restart. Only once the store has confirmed the end are parcel and backup deleted.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from forecasting.errors import AttemptOver, RunError, StoreUnavailable
from forecasting.paths import home, write_atomically
from forecasting.runs.delays import clear_delay, note_delay
from forecasting.runs.files import backup_file, list_files, move_into_place, scratch
from forecasting.runs.records import defined
from forecasting.runs.tracking import writing

__all__ = ["deliver", "holds", "keep", "kept", "pack"]

OUTCOME, FILES = "outcome.json", "files"

log = logging.getLogger(__name__)


def pack(save: Callable[[Path], object] | None) -> Path:
    """A folder with the files of a result, not yet in the outbox. save: writes them into an empty folder"""
    folder = scratch("outbox")
    try:
        if save is not None:
            (folder / FILES).mkdir()
            save(folder / FILES)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def keep(folder: Path, run_id: str, attempt: int, state: str, error: str | None, *, scores: dict | None = None,
         epoch_seconds: float | None = None, metrics: dict | None = None, points: list | None = None,
         progress: dict | None = None):
    """Puts the end of an attempt into the outbox.

    folder: from `pack`; scores, epoch_seconds, metrics: as `RunLedger.put_result` takes them, scores None if there is no result
    points, progress: what `RunLedger.log_progress` still has to take
    """
    files = list_files(folder / FILES) if (folder / FILES).exists() else None
    outcome = {"attempt": attempt, "state": state, "error": error, "files": files,
               "scores": None if scores is None else defined(scores),
               "epoch_seconds": None if epoch_seconds is None else float(epoch_seconds),
               "metrics": {name: float(value) for name, value in (metrics or {}).items()},
               "points": points or [], "progress": progress}
    write_atomically(folder / OUTCOME, json.dumps(outcome).encode())
    move_into_place(folder, _place(run_id))


def kept() -> list[str]:
    """Ids of the runs whose end waits to be delivered."""
    return sorted(file.parent.name for file in (home() / "outbox").glob(f"*/{OUTCOME}"))


def holds(run_id: str, attempt: int | None = None) -> bool:
    """Whether the end of a run waits to be delivered; of this attempt, if one is named."""
    outcome = _read(run_id)
    return outcome is not None and attempt in (None, outcome["attempt"])


def deliver(ledger, run_id: str) -> bool:
    """Writes the end of a run to the store. Returns False if another process is doing so just now.

    An attempt that was given up meanwhile is dropped. Raises StoreUnavailable; then it is still there to be delivered.
    """
    from locket import LockError, lock_file

    try:
        with writing(), lock_file(str(_place(run_id).with_suffix(".lock")), timeout=0):
            outcome = _read(run_id)
            if outcome is not None:
                _deliver(ledger, run_id, outcome)
            return True
    except LockError:
        return False


def _deliver(ledger, run_id: str, outcome: dict):
    try:
        run = ledger.get(run_id)
        if run.state != "running" or run.attempt != outcome["attempt"]:
            raise AttemptOver(f"it is {run.state}, at attempt {run.attempt}")
        if outcome["progress"] is not None:
            ledger.log_progress(run_id, outcome["points"], outcome["progress"])
        if outcome["scores"] is not None:
            folder = None if outcome["files"] is None else _place(run_id) / FILES
            ledger.put_result(run_id, folder, outcome["scores"], outcome["epoch_seconds"], metrics=outcome["metrics"],
                              files=outcome["files"])
        ledger.end(run_id, outcome["state"], outcome["error"])
    except StoreUnavailable as error:
        note_delay(run_id, error.reason)
        raise
    except RunError as error:  # e.g. it was deleted, or is computed anew
        log.warning("What attempt %d of run %s has left is not wanted any more: %s", outcome["attempt"], run_id, error)
    else:
        log.info("Run %s, attempt %d: %s, delivered", run_id, outcome["attempt"], outcome["state"])
        if outcome["state"] != "interrupted":
            backup_file(run_id).unlink(missing_ok=True)
    clear_delay(run_id)
    shutil.rmtree(_place(run_id))
    _place(run_id).with_suffix(".lock").unlink(missing_ok=True)


def _read(run_id: str) -> dict | None:
    try:
        return json.loads((_place(run_id) / OUTCOME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _place(run_id: str) -> Path:
    return home() / "outbox" / run_id
