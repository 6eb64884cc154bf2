"""The files of runs and their histories: written completely or not at all, and verified when read.

Locally they lie under `home()`: `histories/<key>/` and `artifacts/<run id>/artifacts/<name>/`, which is also where
MLflow's own pages look for them. On a server they are the run's artifacts; copies of them are kept in `downloads/`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from forecasting.errors import RunError
from forecasting.paths import home
from forecasting.runs.tracking import Tracking, is_local

__all__ = ["backup_file", "download", "list_files", "move_into_place", "scratch", "stored_history", "upload", "verify"]


def scratch(prefix: str) -> Path:
    """A new empty folder on the same disk as the store, so that it can be moved into place atomically."""
    parent = home() / "scratch"
    parent.mkdir(mode=0o700, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent))


def backup_file(run_id: str) -> Path:
    """The file that holds the backup of a running training."""
    parent = home() / "backups"
    parent.mkdir(mode=0o700, exist_ok=True)
    return parent / f"{run_id}.npz"


def stored_history(key: str) -> Path:
    """The folder of a saved history, whether or not it exists."""
    if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{32}", key):
        raise RunError(f"Saved prices are named by 32 hex digits. Received: {str(key)[:60]!r}.")
    return home() / "histories" / key


def move_into_place(folder: Path, target: Path):
    """Moves `folder` to `target`, replacing what was there."""
    for file in folder.rglob("*"):
        if file.is_file():
            _to_disk(file)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.rename(folder, target)
    except OSError:
        if not target.is_dir():
            raise
        old = scratch("old")
        os.rename(target, old / "old")
        os.rename(folder, target)
        shutil.rmtree(old)
    _to_disk(target.parent)


def _to_disk(path: Path):
    if os.name != "posix" and path.is_dir():
        return  # Windows cannot open a folder, and does not need it
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def list_files(folder: Path) -> dict[str, list]:
    """{name: [bytes, SHA-256]} of the files in `folder`. Raises RunError for a link: it may lead out of the store."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_symlink():
            raise RunError(f"The files of this run hold a link ({file.name}), which the app does not follow.")
        if file.is_file():
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            found[file.relative_to(folder).as_posix()] = [file.stat().st_size, digest]
    return found


def verify(folder: Path, expected: dict[str, list]):
    """Raises RunError unless `folder` holds the files that were written."""
    if folder.is_symlink() or not folder.is_dir():
        raise RunError("The files of this run are gone. Train it again.")
    found = list_files(folder)
    wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    if wrong:
        raise RunError(f"The files of this run were changed or damaged ({', '.join(wrong)}). Train it again.")


def upload(tracking: Tracking, run_id: str, folder: Path, name: str, expected: dict[str, list]):
    """Moves `folder` into the run's files as `name`. expected: what is in it; if an earlier call was cut short after the move,
    the files are in their place already."""
    if is_local():
        if folder.exists():
            move_into_place(folder, _local(run_id, name))
        verify(_local(run_id, name), expected)
    else:
        tracking.call("log_artifacts", run_id, str(folder), name)


def download(tracking: Tracking, run_id: str, name: str, expected: dict[str, list]) -> Path:
    """A folder with the run's files `name`, checked against `expected`. Not to be written to."""
    folder = _local(run_id, name) if is_local() else home() / "downloads" / run_id / name
    if not is_local() and not folder.exists():
        draft = scratch("download")
        tracking.call("download_artifacts", run_id, name, str(draft))
        verify(draft / name, expected)
        move_into_place(draft / name, folder)
        shutil.rmtree(draft)
    verify(folder, expected)
    return folder


def _local(run_id: str, name: str) -> Path:
    return home() / "artifacts" / run_id / "artifacts" / name
