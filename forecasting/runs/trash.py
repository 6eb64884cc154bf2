"""The trash: deleted runs, which keep their files until it is emptied.

A run in it is one that MLflow has marked as deleted. With a run go the forecasts and experiments made around it, and with an
experiment its trainings; the tag `trashed` of each names the run that was deleted, so that they come back together.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from forecasting.errors import RunError
from forecasting.paths import home
from forecasting.runs.catalogue import read_runs
from forecasting.runs.files import backup_file
from forecasting.runs.records import PREFIX, Run, check_run_id
from forecasting.runs.tracking import Tracking, is_local, writing

__all__ = ["Trash"]

MOST = 50_000  # the most that MLflow returns at once
TAG = "trashed"


class Trash:
    """Deleted runs. made_from: the runs whose parent is a given one; readable: a `Run` of what MLflow found, or None; owner:
    whose runs these are, or None for all"""

    def __init__(self, tracking: Tracking, made_from: Callable[[str], list[Run]], readable: Callable, owner: str | None = None):
        self._tracking, self._made_from, self._readable, self._owner = tracking, made_from, readable, owner

    def put(self, run: Run) -> list[str]:
        """Deletes a run that has ended, with all that belongs to it. Returns the ids of everything that was deleted."""
        family = [*self._family(run), run]
        if run.active:
            raise RunError("This run has not ended yet. Stop it first.")
        if any(one.active for one in family):
            raise RunError("A forecast or an experiment of this run has not ended yet. Wait for it, or stop it first.")
        for one in family:  # the run itself comes last: if this is cut short, deleting it again does the rest
            self._tracking.call("set_tag", one.id, PREFIX + TAG, run.id)
            self._tracking.call("delete_run", one.id)
            if not is_local():  # a copy, which can be fetched again
                shutil.rmtree(home() / "downloads" / one.id, ignore_errors=True)
        return [one.id for one in family]

    def runs(self) -> list[Run]:
        """What can be restored, the latest first: the runs that were deleted themselves, not what went with them."""
        found = self._found()
        ids = {one.info.run_id for one in found}
        roots = (one for one in found if _root(one) == one.info.run_id or _root(one) not in ids)
        return sorted(filter(None, map(self._readable, roots)), key=lambda run: run.created, reverse=True)

    def restore(self, run_id: str) -> list[str]:
        """Brings a run back with all that was deleted together with it. Returns the ids of everything that came back."""
        check_run_id(run_id)
        found = self._found()
        if self._owner is not None and all(one.info.run_id != run_id for one in found):
            raise RunError("There is no such run in your trash.")
        members = [one.info.run_id for one in found if _root(one) == run_id and one.info.run_id != run_id]
        restored = [*members, run_id]
        for one in restored:
            self._tracking.call("restore_run", one)
        return restored

    def empty(self) -> int:
        """Removes all that is in the trash for good: files and records. Returns how many bytes of files that freed."""
        if not is_local():
            raise RunError("This app cannot remove runs from an MLflow server. They stay in its trash until somebody runs "
                           "'mlflow gc' there.")
        return sum(self.erase(one.info.run_id) for one in self._found())

    def erase(self, run_id: str) -> int:
        """Removes a deleted run for good, as far as the store allows. Returns how many bytes of files that freed."""
        freed = 0
        with writing():
            for folder in (home() / "artifacts" / run_id, home() / "downloads" / run_id):
                freed += sum(file.lstat().st_size for file in _files(folder))
                shutil.rmtree(folder, ignore_errors=True)
            backup = backup_file(run_id)
            if backup.exists():
                freed += backup.stat().st_size
                backup.unlink(missing_ok=True)
        if is_local():
            self._tracking.erase(run_id)
        return freed

    def _family(self, run: Run) -> Iterator[Run]:
        for child in self._made_from(run.id):
            if child.kind == "train" and child.key is None:
                continue  # trained again with its settings, and a run on its own
            if child.kind == "experiment":
                yield from self._family(child)
            yield child

    def _found(self) -> list:
        """All deleted runs of this app."""
        if is_local():
            found: list = read_runs(self._tracking, deleted=True)
        else:
            from mlflow.entities import ViewType

            found = self._tracking.call("search_runs", [self._tracking.experiment], max_results=MOST,
                                        run_view_type=ViewType.DELETED_ONLY)
        return [one for one in found if PREFIX + "kind" in one.data.tags
                and self._owner in (None, one.data.tags.get(PREFIX + "owner", ""))]


def _root(found) -> str:
    """The run that was deleted together with this one."""
    return found.data.tags.get(PREFIX + TAG) or found.info.run_id


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if not file.is_dir() or file.is_symlink())
