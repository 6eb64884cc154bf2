"""Uploaded files that wait for an answer, such as which column is the price: kept on disk, so that a reload loses nothing."""

from __future__ import annotations

import hashlib
import json
import time

from forecasting.data.sources import SOURCES, File, Upload
from forecasting.errors import ForecastingError, StoreUnavailable
from forecasting.paths import home, write_atomically

__all__ = ["keep_upload", "load_upload"]

KEEP_DAYS = 7


def keep_upload(key: str, upload: Upload, choices: dict) -> str:
    """Keeps an upload and returns its id, 32 hex digits.

    key: in SOURCES, of the source that it is for; choices: answers to its questions so far
    Raises StoreUnavailable where it cannot be written.
    """
    about = json.dumps({"key": key, "name": upload.name, "choices": choices}).encode()
    name = hashlib.sha256(about + b"\0" + upload.content).hexdigest()[:32]
    folder = home() / "uploads"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for old in folder.glob("*"):
            if old.stat().st_mtime < time.time() - KEEP_DAYS * 24 * 3600:
                old.unlink(missing_ok=True)
        # One file, so that there is never half of it: what is said about it, in the first line, and the content.
        write_atomically(folder / name, about + b"\n" + upload.content)
    except OSError as error:
        raise StoreUnavailable(f"{upload.name[:60]} cannot be kept in {folder} ({error.strerror or error}).") from error
    return name


def load_upload(name: str) -> tuple[str, dict, dict]:
    """(key, answers, choices): the source that an upload is for, with the upload as its answer, and what was answered.

    name: the id from `keep_upload`
    Raises ForecastingError if it is not kept any more.
    """
    gone = ForecastingError("The file that this address asks about is not kept any more. Upload it again.")
    try:
        head, _, content = (home() / "uploads" / name).read_bytes().partition(b"\n")
        about = json.loads(head)
        (field,) = (field for field in SOURCES[about["key"]].fields if isinstance(field, File))
        return about["key"], {field.name: Upload(about["name"], content)}, dict(about["choices"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise gone from error
