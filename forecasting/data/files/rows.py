"""From rows as they stand to one row a date, oldest first; how many were left out, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.files.headers import Table
from forecasting.data.files.number_forms import Figures
from forecasting.data.files.wording import counted
from forecasting.errors import UnreadableFile
from forecasting.words import count, count_of, date

__all__ = ["clean_rows", "one_row_a_date", "remarks"]

_LARGE = 1e30  # beyond this, squares of prices overflow in single precision
_FEW, _MANY = 100, 100_000


def clean_rows(frame: pd.DataFrame, close: Figures, table: Table) -> tuple[pd.DataFrame, list[str]]:
    """Rows with a date and a finite price, and how many others there were."""
    undated, unpriced = frame["Date"].isna().to_numpy(), ~np.isfinite(frame["Close"].to_numpy())
    blank = undated & unpriced
    filled = (table.frame != "").any(axis=1).to_numpy()
    notes = []
    if number := int((blank & filled).sum()):
        notes.append(f"{counted(number, 'line')} left out with neither a date nor a price.")
    if number := int((undated & ~unpriced).sum()):
        notes.append(f"{counted(number, 'row')} left out because the date cannot be read.")
    lost = unpriced & ~undated
    if number := int((lost & ~close.unreadable & ~close.infinite).sum()):
        notes.append(f"{counted(number, 'row')} left out without a price.")
    if number := int((lost & close.unreadable).sum()):
        notes.append(f"{counted(number, 'row')} left out because the price is no number.")
    if number := int((lost & close.infinite).sum()):
        notes.append(f"{counted(number, 'row')} left out because the price is infinite.")
    kept = frame[~undated & ~unpriced]
    _check_enough(kept)
    return kept.sort_values("Date", kind="stable"), notes


def _check_enough(frame: pd.DataFrame):
    if len(frame) < 2:
        raise UnreadableFile(f"The file has {'one date' if len(frame) else 'no date'} with a price; at least 2 are needed. "
                             "Choose a file with more prices.")


def one_row_a_date(frame: pd.DataFrame, stamps: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """`frame` (sorted by its stamps) with each date once, the last row of each kept."""
    notes = []
    known = stamps.dropna()
    if not known.is_monotonic_increasing:
        newest_first = known.is_monotonic_decreasing or (known.diff().dropna() < pd.Timedelta(0)).mean() > 0.95
        notes.append("Sorted from newest first." if newest_first else "The rows were put in the order of their dates.")
    repeated = frame["Date"].duplicated(keep="last")
    if number := int(repeated.sum()):
        differing = int((frame.drop_duplicates()["Date"].duplicated(keep="last")).sum())
        if differing > 0.2 * len(frame):
            example = frame["Date"][repeated].iloc[0]
            times = int((frame["Date"] == example).sum())
            raise UnreadableFile(f"Dates occur several times with different prices, e.g. {date(example)} {count(times)} times, "
                                 "so several series or times of day seem to be mixed. Add a column that tells them apart, or "
                                 "keep one series.")
        same = number - differing
        if same:
            notes.append(f"{counted(same, 'repeated row')} left out.")
        if differing:
            notes.append(f"{counted(differing, 'row')} left out whose date occurs again with another price; "
                         "the last one counts.")
    frame = frame[~repeated]
    _check_enough(frame)
    return frame, notes


def remarks(frame: pd.DataFrame) -> list[str]:
    """What a person should know of the cleaned prices before they train on them."""
    closes, rows = frame["Close"].to_numpy(), len(frame)
    notes = []
    if rows < _FEW:
        notes.append(f"There are only {rows} rows: choose a short window, or a file with more.")
    if rows > _MANY:
        notes.append(f"There are {count(rows)} rows, and training on so many takes long: choose a shorter period where "
                     "it will do.")
    if number := int((closes <= 0).sum()):
        notes.append(f"{count_of(number, 'price')} {'is' if number == 1 else 'are'} zero or negative, so percentages and "
                     "logarithms have no meaning there.")
    if np.abs(closes).max() > _LARGE:
        notes.append(f"Prices reach {np.abs(closes).max():.3g}, too large to train on; divide them by a power of ten.")
    return notes
