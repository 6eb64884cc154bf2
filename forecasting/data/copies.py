"""The last good copy of every fetched history, kept on disk for when the provider cannot be reached."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import pandas as pd

from forecasting.data.history import PriceHistory, pack, unpack
from forecasting.errors import DataError, StoreUnavailable
from forecasting.paths import home, write_atomically

__all__ = ["keep_copy", "last_copy", "newest_copy"]

log = logging.getLogger(__name__)


def keep_copy(series: tuple, span: tuple, history: PriceHistory, fetched: pd.Timestamp):
    """Keeps `history`. If the disk cannot be written to, there is no copy, but no error either.

    series, span: what was asked for, as plain values: the prices of what, and from when to when
    fetched: when, in UTC
    """
    content = pack(history.frame, history.description | {"fetched": fetched.isoformat()})
    try:
        folder = _folder(series)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(folder / _file_name(span), content)
    except (OSError, StoreUnavailable) as error:
        log.warning("No copy of %s was kept: %s", history.name, error)


def last_copy(series: tuple, span: tuple) -> tuple[PriceHistory, pd.Timestamp] | None:
    """The copy of exactly this series and span and when it was fetched (UTC), or None if there is none that can be read."""
    try:
        return _read(_folder(series) / _file_name(span))
    except StoreUnavailable as error:
        log.warning("%s", error)
        return None


def newest_copy(series: tuple) -> tuple[PriceHistory, pd.Timestamp] | None:
    """The copy of this series that was fetched last, whatever its span, and when (UTC), or None."""
    try:
        copies = filter(None, map(_read, _folder(series).glob("*.parquet")))
    except StoreUnavailable as error:
        log.warning("%s", error)
        return None
    return max(copies, key=lambda copy: copy[1], default=None)


def _read(path: Path) -> tuple[PriceHistory, pd.Timestamp] | None:
    from pyarrow import ArrowException

    try:
        frame, said = unpack(path.read_bytes())
        if said is None:
            raise ValueError("it does not say what it is")
        return PriceHistory.described(frame, said), pd.Timestamp(said["fetched"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, ArrowException, DataError) as error:
        log.warning("The copy in %s cannot be read: %s", path, error)
        return None


def _folder(series: tuple) -> Path:
    return home() / "prices" / _name(series)


def _file_name(span: tuple) -> str:
    return f"{_name(span)}.parquet"


def _name(values: tuple) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]
