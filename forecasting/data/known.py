"""Values that are known in advance, such as holidays or planned sales, by date and on into the future."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from forecasting.errors import DataError

__all__ = ["MOST_KNOWN", "NAME", "check_known", "joined"]

MOST_KNOWN = 20
NAME = re.compile(r"\w[\w .%()+-]{0,39}")  # names stand in settings, addresses and labels
_BOOLS = {True: 1.0, False: 0.0, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


def check_known(known, dates: pd.DatetimeIndex) -> pd.DataFrame | None:
    """`known` as a table of floats under the index 'Date', None where it has no column.

    known: a DataFrame with naive dates as its index, which may go on after the prices; True and False count as 1 and 0
    dates: of the prices, some of which it must have
    Raises DataError for anything else.
    """
    if known is None or (isinstance(known, pd.DataFrame) and not len(known.columns)):
        return None
    rule = "Values known in advance need a DataFrame with dates as its index and a column of numbers for each."
    if not isinstance(known, pd.DataFrame) or not isinstance(known.index, pd.DatetimeIndex) or known.index.tz is not None:
        raise DataError(f"{rule} Received: {_received(known)}")
    names = [str(name) for name in known.columns]
    wrong = next((name for name in names if not NAME.fullmatch(name)), None)
    if wrong is not None or len(set(names)) < len(names) or len(names) > MOST_KNOWN:
        raise DataError(f"{rule} Names are of up to 40 letters, digits and spaces, each once, at most {MOST_KNOWN}. "
                        f"Received: {', '.join(names)[:100]}.")
    if not known.index.is_unique:
        raise DataError(f"{rule} Each date occurs once. Received: {known.index[known.index.duplicated()][0]:%Y-%m-%d} twice.")
    try:
        table = known.set_axis(names, axis=1).astype("float64")
    except (TypeError, ValueError):
        text = next(name for name, column in zip(names, known.dtypes, strict=True) if not pd.api.types.is_numeric_dtype(column))
        raise DataError(f"{rule} Received: a column {text!r} of other values. Write 1 for days that are such and 0 for "
                        "others.") from None
    table = table.replace([np.inf, -np.inf], np.nan).sort_index()
    table.index = table.index.rename("Date").as_unit("us")
    table.index.freq = None
    if len(dates) and not table.index.isin(dates).any():
        raise DataError(f"{rule} Received: none of its dates is one of the prices, {dates[0]:%Y-%m-%d} to "
                        f"{dates[-1]:%Y-%m-%d}.")
    return table


def _received(known) -> str:
    """What was passed in place of a table by date, and how to make it one."""
    if isinstance(known, pd.Series):
        return f"a Series. Pass known.to_frame({str(known.name or 'NAME')!r})."
    if not isinstance(known, pd.DataFrame):
        return f"a {type(known).__name__}. Pass pandas.DataFrame({{'NAME': values}}, index=dates)."
    if isinstance(known.index, pd.DatetimeIndex):
        return "dates in a time zone. Pass known.tz_localize(None)."
    if isinstance(known.index, pd.PeriodIndex):
        return "periods as its index. Pass known.to_timestamp()."
    dated = next((name for name in known if str(name).lower() == "date"), None)
    if dated is not None:
        return f"dates in a column. Pass known.set_index(pandas.DatetimeIndex(known.pop({dated!r})))."
    if pd.api.types.is_numeric_dtype(known.index.dtype):  # which pandas would take for nanoseconds since 1970
        return "numbers as its index. Pass known.set_index(dates), with a date for each row."
    return "an index that is not of dates. Pass known.set_index(pandas.DatetimeIndex(known.index))."


def joined(known: pd.DataFrame | None, newer: pd.DataFrame | None, after: pd.Timestamp) -> pd.DataFrame | None:
    """`known` up to the date `after`, and from there on `newer` where it says something, else `known` as well."""
    if known is None or newer is None:
        return known
    later = newer[newer.index > after].reindex(columns=known.columns)
    return pd.concat([known[known.index <= after], later.combine_first(known[known.index > after])])
