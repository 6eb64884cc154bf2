"""From a table in memory (a pandas DataFrame or Series, or another library's) to a grid of cells, as a file would give it.

Numbers, dates and names are written as a file would hold them, so a DataFrame is read by the rules that a file is read by,
and leaves the same questions open. Floats are written with as many digits as give the same float again.
"""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd

from forecasting.data.files.container import MAX_BYTES, clean_label
from forecasting.data.files.grid import Grid
from forecasting.data.files.names import said_by
from forecasting.data.files.vocabulary import plain
from forecasting.data.files.wording import shown
from forecasting.errors import NeedsChoice, UnreadableFile

__all__ = ["as_pandas", "in_table_words", "is_table", "name_of", "to_grid"]

MOST_CELLS = MAX_BYTES // 8  # a table in memory has the limit of a file
_TICKERS = {"ticker", "tickers", "symbol", "symbols"}


def is_table(source) -> bool:
    """Whether this is a table of pandas, or of a library that hands its tables on, as polars and pyarrow do."""
    return isinstance(source, pd.DataFrame | pd.Series) or hasattr(source, "__arrow_c_stream__") or hasattr(
        source, "__dataframe__")


def as_pandas(source) -> pd.DataFrame | pd.Series:
    """`source` as a table of pandas, through Arrow's or the dataframe interchange protocol if it is another library's."""
    if isinstance(source, pd.DataFrame | pd.Series):
        return source
    try:
        if hasattr(source, "__arrow_c_stream__"):
            try:
                return pd.DataFrame.from_arrow(source)
            except (TypeError, ValueError):  # one column alone, e.g. a polars Series
                return pd.Series.from_arrow(source).rename(getattr(source, "name", None))
        with warnings.catch_warnings():  # pandas advises the libraries that still speak it
            warnings.simplefilter("ignore", DeprecationWarning)
            return pd.api.interchange.from_dataframe(source)
    except (TypeError, ValueError, NotImplementedError, RuntimeError) as error:
        raise UnreadableFile(f"This {type(source).__name__} cannot be made a pandas DataFrame ({shown(str(error), 100)}). "
                             "Turn it into one, e.g. by its method to_pandas().") from error


def to_grid(table: pd.DataFrame | pd.Series) -> Grid:
    """The cells of a table, its names in the first rows and its index in the first column where that may hold dates.

    Raises UnreadableFile for a table that is empty or too large.
    """
    frame = table.to_frame("Close" if table.name is None else table.name) if isinstance(table, pd.Series) else table
    if not 0 < frame.size <= MOST_CELLS:
        raise UnreadableFile(f"The table is {'too large' if frame.size else 'empty'}: it has {len(frame):,} rows and "
                             f"{frame.shape[1]:,} columns, and up to {MOST_CELLS:,} cells are read. Pass one with dates and "
                             "prices only.")
    frame, fronts, notes = _index(frame)
    header = []
    if isinstance(table, pd.Series) or not isinstance(frame.columns, pd.RangeIndex):
        header = [[*("" if at else name for name, _ in fronts), *map(_name, frame.columns.get_level_values(at))]
                  for at in range(frame.columns.nlevels)]
    columns = [*(values for _, values in fronts), *(frame.iloc[:, at] for at in range(frame.shape[1]))]
    cells = {at: [*(row[at] for row in header), *_text(values)] for at, values in enumerate(columns)}
    numeric = [pd.api.types.is_any_real_numeric_dtype(values.dtype) for values in columns]
    native = np.outer(np.arange(len(header) + len(frame)) >= len(header), numeric)
    return Grid(pd.DataFrame(cells, dtype="str"), native=pd.DataFrame(native), notes=notes)


def name_of(table: pd.DataFrame | pd.Series) -> str:
    """What the table itself says that its series is called: its only column, the only ticker of its columns; '' for nothing."""
    columns = table.columns if isinstance(table, pd.DataFrame) else pd.Index([table.name])
    if columns.nlevels == 1:
        name = _name(columns[0]) if len(columns) == 1 else ""
        role, entity, _ = said_by(name)
        return "" if (role and not entity) or name.isdecimal() else clean_label(name)
    tickers = [columns.unique(level) for level, name in enumerate(columns.names) if plain(_name(name)) in _TICKERS]
    return clean_label(_name(tickers[0][0])) if tickers and len(tickers[0]) == 1 else ""


def in_table_words(error: UnreadableFile | NeedsChoice) -> UnreadableFile | NeedsChoice:
    """The same error about a table instead of a file; what stands in quotation marks is from the table and stays."""
    text = re.sub(r"(“[^”]*”)|(\bfile\b)|\bChoose a (?:table|file)\b",
                  lambda said: said[1] or ("table" if said[2] else "Pass a table"),
                  error.question if isinstance(error, NeedsChoice) else str(error))
    if isinstance(error, NeedsChoice):
        return NeedsChoice(text, kind=error.kind, options=error.options, preview=error.preview)
    return type(error)(text)


def _index(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, pd.Series]], tuple[str, ...]]:
    """(`frame`, [(name, values)] of its index unless that only counts the rows, notes).

    Where the index holds dates, columns of dates are left out: they say less.
    """
    index = frame.index
    dated = np.array([_holds_dates(dtype) or said_by(_name(name))[0] == "date"
                      for name, dtype in zip(frame.columns.get_level_values(0), frame.dtypes, strict=True)])
    if index.nlevels > 1:
        return frame, [(_name(name), pd.Series(index.get_level_values(at))) for at, name in enumerate(index.names)], ()
    if _holds_dates(index.dtype):
        return frame.loc[:, ~dated], [("Date", pd.Series(index))], tuple(
            f"The column “{shown(_name(name))}” was left out: the index holds the dates." for name in frame.columns[dated])
    if isinstance(index, pd.RangeIndex) or (dated.any() and pd.api.types.is_numeric_dtype(index.dtype)):
        return frame, [], ()
    return frame, [(_name(index.name) or ("" if dated.any() else "Date"), pd.Series(index))], ()


def _holds_dates(dtype) -> bool:
    return pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype)


def _name(name) -> str:
    return "" if name is None else str(name)


def _text(values: pd.Series) -> list[str]:
    """The cells as text, '' where there is no value."""
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    text = values.astype(str) if _holds_dates(values.dtype) else values.astype(object).map(str)
    return text.where(values.notna().to_numpy(), "").tolist()
