"""Uploaded files, kept on disk so that a reload loses nothing: neither a question about one, nor a way to read it otherwise.

A file is kept once, and beside it a note for each way in which it is being read: while a question is open by an id of the
note's own, and afterwards by the key of the prices that it gave.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from pathlib import Path

from forecasting.data.sources import SOURCES, File, Upload
from forecasting.errors import ForecastingError, StoreUnavailable
from forecasting.paths import home, write_atomically

__all__ = ["find_note", "keep_note", "keep_upload", "load_upload", "note_for"]

KEEP_DAYS = 7  # since a file was read last
MOST_FILES = 200
MOST_BYTES = 2**30  # of all files together; those read longest ago go first
_ID = re.compile("[0-9a-f]{32}")


def keep_upload(key: str, upload: Upload) -> str:
    """Keeps an upload and returns its id, 32 hex digits.

    key: in SOURCES, of the source that it is for
    Raises StoreUnavailable where it cannot be written.
    """
    about = json.dumps({"key": key, "name": upload.name}).encode()
    name = _digest(about + b"\0" + upload.content)
    try:
        folder = _folder()
        _make_room(folder, len(upload.content), name)
        if (folder / name).exists():
            os.utime(folder / name)
        else:
            # One file, so that there is never half of it: what is said about it, in the first line, and the content.
            write_atomically(folder / name, about + b"\n" + upload.content)
    except OSError as error:
        raise _unkept(upload.name, error) from error
    return name


def keep_note(upload_id: str, choices: dict, prices: str = "") -> str:
    """Keeps how an upload is being read and returns the id of the note.

    choices: what a person has decided so far, JSON-able
    prices: `note_for` those that were read from it, '' while there are none
    Raises StoreUnavailable where it cannot be written.
    """
    note = json.dumps({"upload": upload_id, "choices": choices}).encode()
    name = prices or _digest(note)
    try:
        write_atomically(_folder() / f"{name}.json", note)
    except OSError as error:
        raise _unkept("The file", error) from error
    return name


def note_for(history_key: str, owner: str = "") -> str:
    """The id of the note about these prices. owner: whose they are, where everyone sees their own only; else ''"""
    return _digest(f"{owner} {history_key}".encode())


def find_note(note_id: str) -> tuple[str, dict] | None:
    """(id of the upload, choices) as `keep_note` kept them; None if the note or the file is not there any more."""
    try:
        note = json.loads((home() / "uploads" / f"{note_id}.json").read_bytes())
        upload_id, choices = note["upload"], dict(note["choices"])
        return (upload_id, choices) if _ID.fullmatch(upload_id) and (home() / "uploads" / upload_id).is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load_upload(upload_id: str) -> tuple[str, dict]:
    """(key, answers): the source that an upload is for, and the upload as the answer to its field.

    Raises ForecastingError if it is not kept any more.
    """
    try:
        file = home() / "uploads" / upload_id
        head, _, content = file.read_bytes().partition(b"\n")
        about = json.loads(head)
        (field,) = (field for field in SOURCES[about["key"]].fields if isinstance(field, File))
        upload = Upload(about["name"], content)
        os.utime(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ForecastingError("The file is not kept any more. Upload it again.") from error
    return about["key"], {field.name: upload}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _folder() -> Path:
    folder = home() / "uploads"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _make_room(folder: Path, size: int, coming: str):
    """Removes what is too old, and of the files those read longest ago, until one of `size` bytes, `coming`, has room."""
    files, oldest = [], time.time() - KEEP_DAYS * 24 * 3600
    for path in folder.iterdir():
        try:
            about = path.stat()
        except FileNotFoundError:  # another session is at the same
            continue
        if about.st_mtime < oldest:
            path.unlink(missing_ok=True)
        elif _ID.fullmatch(path.name) and path.name != coming:
            files.append((about.st_mtime, about.st_size, path))
    files.sort()
    total = sum(file_size for _, file_size, _ in files)
    while files and (len(files) >= MOST_FILES or total + size > MOST_BYTES):
        _, file_size, path = files.pop(0)
        path.unlink(missing_ok=True)
        total -= file_size


def _unkept(name: str, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"{name[:60]} cannot be kept in {home() / 'uploads'} ({error.strerror or error}).")
