"""Where the project keeps its data, and how it writes files there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from forecasting.errors import StoreUnavailable

__all__ = ["home", "write_atomically"]


def home() -> Path:
    """The folder that everything is kept in, created on first use and readable by its owner only.

    `FORECASTING_HOME` overrides the usual place for application data on this system.
    Raises StoreUnavailable if it cannot be created.
    """
    from platformdirs import user_data_dir

    named = os.environ.get("FORECASTING_HOME") or user_data_dir("lstm-price-forecasts", appauthor=False)
    try:
        folder = Path(named).expanduser().absolute()
    except RuntimeError as error:  # '~name' for a user that does not exist
        raise StoreUnavailable(f"The folder for prices and runs cannot be found: {error}. Received: {named}. "
                               "Name another one in the environment variable FORECASTING_HOME.") from error
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"The folder for prices and runs cannot be made ({error.strerror}). Received: {folder}. "
                               "Name one that you may write to in the environment variable FORECASTING_HOME.") from error
    return folder


def write_atomically(path: Path, data: bytes):
    """Writes `data` to `path` so that readers see the old file or the new one, never a part of it, even after a crash."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    # The folder's own entry has to reach the disk too. Windows cannot open a folder, nor does it need to.
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
