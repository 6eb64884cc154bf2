"""Where the project keeps its data, and how it writes files there."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from pathlib import Path

from forecasting.errors import ConfigError, StoreUnavailable

__all__ = ["home", "is_full", "local_path", "made_folder", "no_folder", "no_room", "shown_path", "write_atomically"]

# What writing raises where the disk is full, a person's share of it is used up, or files may grow no further.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PROBE_BYTES = 256 * 1024  # what the store needs at least to write anything
LONGEST_SHOWN = 300  # characters of a path in a message
PROBE_SECONDS = 0.5  # for which an answer is valid, since every session asks


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


def local_path(path: str | os.PathLike) -> Path:
    """`path` as a Path, with a leading ~ replaced by the user's home; one that names an unknown user stays as it is.

    Raises ConfigError for anything but a path.
    """
    if not isinstance(path, str | os.PathLike) or not str(path):
        given = repr(path)[:60] if path is None or isinstance(path, str | bytes | int) else type(path).__name__
        raise ConfigError(f"A path is needed, such as '~/my-run' or 'prices.csv'. Received: {given}.")
    path = Path(path)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def made_folder(path: str | os.PathLike) -> Path:
    """The folder at `path`, created if needed. Raises ConfigError where, say, a file is in its place."""
    folder = local_path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"A folder is needed, and there can be none at this path ({why}). Received: {shown_path(folder)}. "
                          "Pass another path.") from error
    return folder


def no_folder(path: Path) -> str:
    """Why there is no folder at `path`, a sentence; '' where there is one."""
    if path.is_dir():
        return ""
    return f"{shown_path(path)} is a file, not a folder." if path.exists() else f"There is no folder {shown_path(path)}."


def shown_path(path: Path) -> str:
    """A path in full as it may stand in a sentence: absolute, in quotation marks, its end where it is very long."""
    try:
        text = str(path.absolute())
    except OSError:  # the working directory was removed
        text = str(path)
    text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return f"“{text if len(text) <= LONGEST_SHOWN else '…' + text[-LONGEST_SHOWN:]}”"


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


def is_full(error: OSError) -> bool:
    """Whether there is no room for what was to be written."""
    return error.errno in _FULL


_probed: tuple[float, Path | None, str | None] = (float("-inf"), None, None)


def no_room() -> str | None:
    """'no room in FOLDER' if nothing more can be written below `home()`, found out by writing; None while there is room.

    Whoever computes a run cannot leave word that the disk is full, so a page has to look for itself.
    """
    global _probed
    folder = home()
    asked, where, answer = _probed
    if where == folder and time.monotonic() - asked < PROBE_SECONDS:
        return answer
    answer = None
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            left = PROBE_BYTES
            while left:
                left -= probe.write(bytes(left))
    except OSError as error:
        if is_full(error):
            answer = f"no room in {folder}"
    _probed = time.monotonic(), folder, answer
    return answer
