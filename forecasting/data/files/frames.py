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
from forecasting.data.files.vocabulary import ROLES, plain
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
            import pyarrow

            try:
                return pyarrow.table(source).to_pandas()
            except (TypeError, ValueError, pyarrow.ArrowException):  # one column alone, e.g. a polars Series
                return pyarrow.chunked_array(source).to_pandas().rename(getattr(source, "name", None))
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
    if frame.shape[1] == 0 or len(frame) == 0:
        raise UnreadableFile(f"The table is empty: it has {len(frame)} rows and {frame.shape[1]} columns. Pass one with dates "
                             "and prices.")
    if frame.size > MOST_CELLS:
        raise UnreadableFile(f"The table has {frame.size:,} cells, more than the {MOST_CELLS:,} that are read. Pass the "
                             "columns with dates and prices only.")
    frame, notes = _without_second_dates(frame)
    columns = [frame.iloc[:, at] for at in range(frame.shape[1])]
    named = not isinstance(frame.columns, pd.RangeIndex) or isinstance(table, pd.Series)
    levels = [list(map(_name, frame.columns.get_level_values(at))) for at in range(frame.columns.nlevels)] if named else []
    fronts = _fronts(frame)
    rows = _header(levels, [_name(name) for name in frame.columns.names], [name for name, _ in fronts])
    cells, numbers = [], []
    for at, values in enumerate([*(values for _, values in fronts), *columns]):
        text = _text(values)
        cells.append(pd.Series([*(row[at] for row in rows), *text], dtype="str"))
        numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
        numbers.append(np.r_[np.zeros(len(rows), dtype=bool), np.full(len(text), numeric)])
    return Grid(pd.DataFrame(dict(enumerate(cells))), native=pd.DataFrame(dict(enumerate(numbers))), notes=notes)


def name_of(table: pd.DataFrame | pd.Series) -> str:
    """What the table itself says that its series is called: its only column, the only ticker of its columns; '' for nothing."""
    if isinstance(table, pd.Series) or (table.shape[1] == 1 and table.columns.nlevels == 1):
        name = _name(table.name if isinstance(table, pd.Series) else table.columns[0])
        return "" if plain(name) in ROLES or name.isdecimal() else clean_label(name)
    for level in range(table.columns.nlevels if table.columns.nlevels > 1 else 0):
        names = table.columns.get_level_values(level).unique()
        if plain(_name(table.columns.names[level])) in _TICKERS and len(names) == 1:
            return clean_label(_name(names[0]))
    return ""


def in_table_words(error: UnreadableFile | NeedsChoice) -> UnreadableFile | NeedsChoice:
    """The same error about a table instead of a file; what stands in quotation marks is from the table and stays."""
    parts = re.split("(“[^”]*”)", error.question if isinstance(error, NeedsChoice) else str(error))
    text = "".join(part if part.startswith("“") else
                   re.sub(r"\bChoose a (table|file)\b", "Pass a table", re.sub(r"\bfile\b", "table", part)) for part in parts)
    if isinstance(error, NeedsChoice):
        return NeedsChoice(text, kind=error.kind, options=error.options, preview=error.preview)
    return type(error)(text)


def _without_second_dates(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """`frame` without columns of dates if its index holds them: a date in a column says less than the index."""
    if not _holds_dates(frame.index.dtype) or frame.columns.nlevels > 1:
        return frame, ()
    dated = np.array([_holds_dates(dtype) for dtype in frame.dtypes])
    dated |= np.array([ROLES.get(plain(_name(name))) == "date" for name in frame.columns])
    notes = tuple(f"The column “{shown(_name(name))}” was left out: the index holds the dates."
                  for name in frame.columns[dated])
    return frame.loc[:, ~dated], notes


def _fronts(frame: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """[(name, values)] of the index, level by level; without one that only counts the rows."""
    if isinstance(frame.index, pd.MultiIndex):
        return [(_name(name), pd.Series(frame.index.get_level_values(at)))
                for at, name in enumerate(frame.index.names)]
    if _holds_dates(frame.index.dtype):
        return [("Date", pd.Series(frame.index))]
    dated = any(_holds_dates(dtype) for dtype in frame.dtypes) or any(
        ROLES.get(plain(_name(name))) == "date" for name in frame.columns.get_level_values(0))
    if isinstance(frame.index, pd.RangeIndex) or (dated and pd.api.types.is_numeric_dtype(frame.index.dtype)):
        return []
    return [(_name(frame.index.name) or ("" if dated else "Date"), pd.Series(frame.index))]


def _header(levels: list[list[str]], named: list[str], fronts: list[str]) -> list[list[str]]:
    """The rows above the values: one for each level of the columns; where there are several, the index is named below them."""
    if not levels:
        return []
    if len(levels) == 1:
        return [[*fronts, *levels[0]]]
    blank = [""] * max(0, len(fronts) - 1)
    above = [[*([name or "Price"] if fronts else []), *blank, *level] for name, level in zip(named, levels, strict=True)]
    return [*above, [*fronts, *[""] * len(levels[0])]] if fronts else above


def _holds_dates(dtype) -> bool:
    return pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype)


def _name(name) -> str:
    return "" if name is None else str(name)


def _text(values: pd.Series) -> list[str]:
    """The cells as text, '' where there is no value."""
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    missing = values.isna().to_numpy(dtype=bool)
    if pd.api.types.is_float_dtype(values.dtype):
        text = [repr(number) for number in values.to_numpy(dtype=np.float64, na_value=np.nan).tolist()]
    else:
        text = [str(value) for value in values.tolist()] if not _holds_dates(values.dtype) else values.astype(str).tolist()
    return ["" if gone else cell for gone, cell in zip(missing.tolist(), text, strict=True)]
