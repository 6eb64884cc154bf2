"""A price history: clean, sorted, dated, and what was done to make it so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from forecasting.errors import DataError

__all__ = ["COLUMNS", "PriceHistory"]

COLUMNS = ("Open", "High", "Low", "Close", "Volume")


@dataclass(frozen=True)
class PriceHistory:
    """Prices of one series, oldest first.

    frame: index 'Date' (naive, ascending, unique); 'Close' and, where known, 'Open', 'High', 'Low', 'Volume'; float64
    name: what to call the series, e.g. 'AAPL'
    source: where the prices come from, in words
    currency: e.g. 'USD', or None where it is not known
    frequency: the spacing of the rows in words, e.g. 'trading days' (see `forecasting.data.frequency`)
    notes: what was repaired or assumed while reading, one sentence each
    calendar: the `exchange_calendars` code whose sessions future dates fall on, '24/7', or None (weekdays where needed)
    warnings: what looks wrong in the prices and was left as it is, one sentence each
    alternatives: other columns of the same file that could be the price
    """

    frame: pd.DataFrame
    name: str
    source: str
    currency: str | None = None
    frequency: str = ""
    notes: tuple[str, ...] = ()
    calendar: str | None = None
    warnings: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()

    def __post_init__(self):
        frame = self.frame
        if not isinstance(frame, pd.DataFrame) or "Close" not in frame:
            raise DataError("A price history needs a table with a column 'Close'. Received: "
                            f"{list(getattr(frame, 'columns', []))}. Name the price column 'Close'.")
        if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is not None:
            raise DataError("A price history needs naive dates as its index. Received an index of type "
                            f"{frame.index.dtype}. Convert it with pandas.to_datetime and drop the time zone.")
        if not (frame.index.is_monotonic_increasing and frame.index.is_unique):
            raise DataError("The dates of a price history must ascend, each once. Sort them and drop duplicates.")
        frame = frame[[c for c in COLUMNS if c in frame]].astype("float64")
        if not np.isfinite(frame["Close"].to_numpy()).all():
            raise DataError("Every row of a price history needs a finite Close. Drop the rows without one.")
        # In microseconds, as files keep them, and without pandas' own `freq`, which would change the meaning of e.g.
        # `is_month_end`.
        frame.index = frame.index.rename("Date").as_unit("us")
        frame.index.freq = None
        object.__setattr__(self, "frame", frame)
        for name in ("notes", "warnings", "alternatives"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.frequency:
            from forecasting.data.frequency import infer_frequency

            object.__setattr__(self, "frequency", infer_frequency(frame.index))

    def __len__(self):
        return len(self.frame)

    @property
    def close(self) -> np.ndarray:
        """(t,) closing prices, float64, oldest first."""
        return self.frame["Close"].to_numpy()

    @property
    def dates(self) -> pd.DatetimeIndex:
        return self.frame.index

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits that name these dates and prices, whatever they are called."""
        digest = hashlib.sha256()
        digest.update(self.frame.index.as_unit("ns").asi8.tobytes())
        for column in self.frame:
            digest.update(column.encode())
            digest.update(np.ascontiguousarray(self.frame[column].to_numpy()).tobytes())
        return digest.hexdigest()[:32]
