"""The last good copy of every fetched history, kept on disk for when the provider cannot be reached."""

from __future__ import annotations

import hashlib
import io
import json
import logging

import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.data.paths import home, write_atomically
from forecasting.errors import DataError

__all__ = ["keep_copy", "last_copy"]

_DESCRIPTION = ("name", "source", "currency", "frequency", "notes", "calendar", "warnings")
log = logging.getLogger(__name__)


def keep_copy(key: tuple, history: PriceHistory, fetched: pd.Timestamp):
    """Keeps `history` as the copy for `key`; a disk that cannot be written to costs the copy and nothing else.

    key: what was asked for, as plain values
    fetched: when, UTC
    """
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pandas(history.frame)
    said = {name: getattr(history, name) for name in _DESCRIPTION} | {"fetched": fetched.isoformat()}
    table = table.replace_schema_metadata({**table.schema.metadata, b"history": json.dumps(said).encode()})
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file)
    try:
        path = _path(key)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(path, file.getvalue())
    except OSError as error:
        log.warning("No copy of %s was kept: %s", history.name, error)


def last_copy(key: tuple) -> tuple[PriceHistory, pd.Timestamp] | None:
    """The copy for `key` and when it was fetched (UTC), or None where there is none that can be read."""
    import pyarrow
    import pyarrow.parquet

    path = _path(key)
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(path.read_bytes()))
        said = json.loads(table.schema.metadata[b"history"])
        fetched = pd.Timestamp(said.pop("fetched"))
        return PriceHistory(table.to_pandas(), **said), fetched
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, pyarrow.ArrowException, DataError) as error:
        log.warning("The copy in %s cannot be read: %s", path, error)
        return None


def _path(key: tuple):
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
    return home() / "prices" / f"{digest[:32]}.parquet"
