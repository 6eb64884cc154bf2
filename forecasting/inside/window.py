"""The window of one day: from its prices to the numbers that enter the network, and what the network makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.frequency import as_day
from forecasting.errors import ConfigError
from forecasting.model.split import PARTS

__all__ = ["Window", "days", "find_origin", "inspect", "origins_of", "padded", "spread", "windows_at"]


@dataclass(frozen=True)
class Window:
    """What a network saw before it forecast a day, and what came of it. Rows are oldest first.

    date: the day of the first forecast step; None for the day after the last row, which is not known yet
    origin: the row of the history that the window ends with; dates, prices: (window,) the days and closing prices in it
    channels: names of the inputs; unscaled: (window, channels) before scaling, NaN where unknown; entered: (window, channels)
        as the recurrent layers read them; `dates` and the two are aligned
    label: (horizon,) what a perfect forecast would have put out, NaN where it is not known yet. It is here to be shown only
    network, linear, output: (horizon,) what the recurrent part and the frozen linear part put out, and their sum
    last: the last known price; predicted, actual: (horizon,) prices; actual is NaN where it is not known yet
    """

    date: pd.Timestamp | None
    origin: int
    dates: pd.DatetimeIndex
    prices: np.ndarray
    channels: tuple[str, ...]
    unscaled: np.ndarray
    entered: np.ndarray
    label: np.ndarray
    network: np.ndarray
    linear: np.ndarray
    last: float
    predicted: np.ndarray
    actual: np.ndarray

    @property
    def output(self) -> np.ndarray:
        return self.network + self.linear


def inspect(result, date=None) -> Window:
    """The window before `date`, as `find_origin` reads it."""
    origin = find_origin(result, date)
    config, history, encoded = result.config, result.history, result.encoded
    rows = slice(origin - config.window + 1, origin + 1)
    done = result.network.forward(windows_at(result, [origin]))
    last = float(history.close[origin])
    actual = np.full(config.horizon, np.nan)
    known = history.close[origin + 1 : origin + 1 + config.horizon]
    actual[: len(known)] = known
    return Window(
        date=history.dates[origin + 1] if origin + 1 < len(history) else None, origin=origin,
        dates=history.dates[rows], prices=history.close[rows], channels=result.encoder.channels,
        unscaled=result.encoder.unscaled(history).to_numpy()[rows], entered=encoded.inputs[rows], label=encoded.targets[origin],
        network=done.network[0], linear=done.linear[0], last=last,
        predicted=result.encoder.prices(done.output, [last])[0], actual=actual)


def find_origin(result, date=None) -> int:
    """The row that the window before `date` ends with.

    date: the day that is forecast, as in the index of `result.predictions`; a day without a row counts as the last row
        before it. None for the day after the last row
    Raises ConfigError for a day that no whole window lies before.
    """
    dates, first = result.history.dates, result.config.window
    if date is None:
        return len(dates) - 1
    day = as_day(date)
    row = -1 if day is None or day.tz is not None else int(dates.searchsorted(day, side="right")) - 1
    if day is None or row < first or day.normalize() > dates[-1]:
        raise ConfigError(f"Choose a day from {dates[first]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}, without a time zone: those are "
                          f"the days that the network can forecast from a whole window. Received: date={str(date)[:60]}.")
    return row - 1


def days(result, part: str) -> pd.DatetimeIndex:
    """The days of a part, 'train', 'validation' or 'test', that have a whole window before them."""
    if part not in PARTS:
        raise ConfigError(f"part must be one of {', '.join(PARTS)}. Received: part={part!r}.")
    table = result.predictions
    return table.index[table["split"] == part]


def origins_of(result, part: str, most: int) -> np.ndarray:
    """At most `most` rows, evenly spread, from which days of this part are forecast."""
    return spread(result.history.dates.get_indexer(days(result, part)) - 1, most)


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the rows, evenly spread, the first and the last among them."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def padded(result, inputs=None) -> np.ndarray:
    """(length - 1 + t, channels): the inputs after rows of zeros, where no moves are known."""
    return np.pad(result.encoded.inputs if inputs is None else inputs, ((result.network.length - 1, 0), (0, 0)))


def windows_at(result, origins, dtype=np.float64) -> np.ndarray:
    """(m, length, channels): what the whole network reads for forecasts from these rows."""
    length = result.network.length
    rows = np.asarray(origins)[:, None] + np.arange(length)
    return padded(result)[rows].astype(dtype)
