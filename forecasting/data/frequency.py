"""The spacing of dates, in words, and what follows from it."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["infer_frequency"]


def infer_frequency(dates: pd.DatetimeIndex) -> str:
    """The spacing of `dates` in words: 'trading days', 'every day', 'weekly', 'monthly', ... or 'irregular'."""
    if len(dates) < 3:
        return "irregular"
    gap = np.median(np.diff(dates.as_unit("s").asi8)) / 86400
    if gap <= 1:
        return "trading days" if not (dates.dayofweek >= 5).any() else "every day"
    return "weekly" if gap <= 8 else "monthly" if gap <= 32 else "irregular"
