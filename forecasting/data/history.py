"""A price history: clean, sorted, dated, and what was done to make it so."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.data.frequency import Frequency, infer_frequency
from forecasting.data.interpretation import Interpretation
from forecasting.data.known import check_known, joined
from forecasting.errors import ConfigError, DataError, UnreadableFile
from forecasting.paths import local_path, made_folder, no_folder, shown_path, write_atomically

if TYPE_CHECKING:
    from forecasting.data.checks import Problem

__all__ = ["COLUMNS", "FILE", "PriceHistory", "continued", "pack", "unpack"]

COLUMNS = ("Open", "High", "Low", "Close", "Volume")
FILE = "history.parquet"
KNOWN_FILE = "known.parquet"
_OLDER_DESCRIPTION = "history.json"  # older versions kept the description in a separate file
_METADATA = b"history"
_INFERRED = cast(Frequency, "")  # a placeholder; every finished history has a Frequency


@dataclass(frozen=True, eq=False, repr=False)
class PriceHistory:
    """Prices of one series, oldest first.

    frame: index 'Date' (naive, ascending, unique); 'Close' and, where known, 'Open', 'High', 'Low', 'Volume'; float64
    name: what to call the series, e.g. 'AAPL'
    source: where the prices come from, in words
    currency: e.g. 'USD', or None where it is not known
    frequency: the spacing of the rows, inferred from the dates unless it is given, as a Frequency or its words; the days
        of the week that have rows are always those of the dates
    notes: what was repaired or assumed while reading, one sentence each
    calendar: the `exchange_calendars` code whose sessions future dates fall on, '24/7', or None (the days of
        the week that have rows)
    alternatives: other columns of the same file that could be the price
    origin: the key in `forecasting.data.sources.SOURCES` of the source it was opened from, '' where it was made otherwise
    known: values that are known in advance, such as holidays: a DataFrame of numbers by date, which may go on after the last
        price; its column 'holiday' is the input 'known:holiday'. None for none
    reading: how the file was read and what could be read otherwise, part by part; None where the prices are from no file
    """

    frame: pd.DataFrame
    name: str
    source: str
    currency: str | None = None
    frequency: Frequency = _INFERRED
    notes: tuple[str, ...] = ()
    calendar: str | None = None
    alternatives: tuple[str, ...] = ()
    origin: str = ""
    known: pd.DataFrame | None = None
    reading: Interpretation | None = None

    def __post_init__(self):
        frame = self.frame
        if not isinstance(frame, pd.DataFrame) or "Close" not in frame:
            raise DataError("A price history needs a table with a column 'Close'. Received: "
                            f"{_received(frame)}. Call PriceHistory.from_frame(frame, column=...), which takes a "
                            "DataFrame or Series with any names.")
        if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is not None:
            raise DataError("A price history needs naive dates as its index. Received an index of type "
                            f"{frame.index.dtype}. Call PriceHistory.from_frame, which finds the dates in the index or in a "
                            "column, and says what it made of a time zone.")
        if not (frame.index.is_monotonic_increasing and frame.index.is_unique):
            raise DataError("The dates of a price history must ascend, each once. Call PriceHistory.from_frame, which sorts "
                            "them and notes what it leaves out.")
        frame = frame[[c for c in COLUMNS if c in frame]].astype("float64")
        if not np.isfinite(frame["Close"].to_numpy()).all():
            raise DataError("Every row of a price history needs a finite Close. Call PriceHistory.from_frame, which leaves "
                            "out the rows without one and notes it.")
        # In microseconds, as files keep them, and without pandas' own `freq`, which would change the meaning of e.g.
        # `is_month_end`.
        frame.index = frame.index.rename("Date").as_unit("us")
        frame.index.freq = None
        object.__setattr__(self, "frame", frame)
        object.__setattr__(self, "known", check_known(self.known, frame.index))
        for name in ("notes", "alternatives"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        given = self.frequency
        frequency = given if isinstance(given, Frequency) else Frequency.parse(str(given)) if given else None
        object.__setattr__(self, "frequency", frequency.on(frame.index) if frequency else infer_frequency(frame.index))

    def __len__(self) -> int:
        return len(self.frame)

    def __eq__(self, other) -> bool:
        return self.key == other.key if isinstance(other, PriceHistory) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        span = f", {words.dates(self.dates[0], self.dates[-1])}" if len(self) else ""
        currency = f", {self.currency}" if self.currency else ""
        return f"PriceHistory({self.name!r}, {self.frequency.count_of(len(self))}{span}{currency}{self.warned})"

    def _repr_html_(self) -> str:
        from forecasting.notebook import history_html

        return history_html(self)

    def plot(self, split=None, *, dark: bool = False):
        """All prices as a Plotly figure.

        split: a ForecastConfig or the name of a preset, whose validation and test parts are then shaded
        """
        from forecasting.arguments import as_config
        from forecasting.model.config import ForecastConfig
        from forecasting.model.split import split as parts_of
        from forecasting.plots import price_chart

        if split is None:
            return price_chart(self, dark=dark)
        if not isinstance(split, str | ForecastConfig):
            raise ConfigError("split must be a ForecastConfig or the name of a preset. Received: "
                              f"{words.with_article(type(split).__name__)}.")
        parts = parts_of(len(self), as_config(split, "plot"))
        return price_chart(self, (parts.train_end, parts.validation_end), dark=dark)

    @classmethod
    def from_frame(cls, frame, column=None, name: str | None = None, series=None, **reading) -> PriceHistory:
        """The prices in a DataFrame or Series, cleaned, with notes of what was done.

        frame: of pandas, polars or another library that speaks Arrow or the dataframe interchange protocol; dates in its
            index or in a column, in any usual form; of other columns than open, high, low, close and volume, those that go on
            after the last price count as known in advance, and the rest is left out
        column: the price, where several columns could be: its name, its position (from 0), or a tuple of several levels
        name: what to call the history; by default the Series' name, or 'Prices'
        series: which one, where the table holds several: of `yfinance.download(["AAPL", "MSFT"])`, say, 'AAPL'
        reading: further keywords of `read_prices`, such as decimal="," and date_order="day/month/year", calendar="XNYS" for the
            exchange whose holidays future dates leave out, and known="holiday" or known=["holiday", "sale"] for columns that
            are known in advance, with values for days to come in rows below
        Raises NeedsChoice, with the keyword and its options, where that is not clear, and UnreadableFile where no dated prices
        can be read.

        >>> history = PriceHistory.from_frame(pandas.read_csv("prices.csv"), column="Adj Close")
        """
        from forecasting.arguments import refuse_keywords
        from forecasting.data.files.container import to_collect
        from forecasting.data.files.frames import is_table
        from forecasting.data.files.reader import read_prices

        refuse_keywords(reading, cls.from_frame, also=read_prices)
        if not is_table(frame):
            raise DataError(f"from_frame takes a DataFrame or Series with dates. Received: {_received(frame)}. "
                            f"{to_collect(frame) or _REMEDY}")
        return read_prices(frame, column=column, series=series, name=name, **reading)

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
        if self.known is not None:
            digest.update(self.known.index.as_unit("ns").asi8.tobytes())
            for column in self.known:
                digest.update(b"known:" + column.encode())
                digest.update(np.ascontiguousarray(self.known[column].to_numpy()).tobytes())
        return digest.hexdigest()[:32]

    @cached_property
    def key(self) -> str:
        """32 hex digits that name these prices and their description. Addresses and stored files go by it."""
        # The empty list once held warnings. Keeping it, and leaving out the origin, keeps old keys valid.
        said: list = [self.fingerprint, self.name, self.source, self.currency, self.frequency.kind, self.notes,
                      self.calendar, [], self.alternatives]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What looks wrong in the prices, most harmful first, with what `checks.apply_fix` could do about it."""
        from forecasting.data.checks import find_problems

        return find_problems(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What looks wrong in the prices and was left as it is, one sentence each."""
        return tuple(problem.sentence for problem in self.problems)

    @property
    def warned(self) -> str:
        """', 2 warnings' for the end of a description in a line, '' where nothing looks wrong."""
        return f", {words.count_of(len(self.warnings), 'warning')}" if self.warnings else ""

    @property
    def description(self) -> dict:
        """Every field but the prices, JSON-able."""
        return {name: getattr(self, name) for name in _DESCRIPTION} | {
            "frequency": self.frequency.kind, "reading": self.reading and self.reading.described}

    @classmethod
    def described(cls, frame: pd.DataFrame, description: dict) -> PriceHistory:
        """The history of these prices; fields written by other versions of the app that no longer exist are ignored."""
        said = {name: description[name] for name in _DESCRIPTION if name in description}
        if said.get("reading"):
            said["reading"] = Interpretation.of(said["reading"])
        return cls(frame, **said)

    def save(self, folder: str | Path) -> None:
        """Writes everything into one file in `folder`, creating that if needed; what is known in advance into another.

        A crash never leaves half a file.
        """
        folder = made_folder(folder)
        if self.known is None:
            (folder / KNOWN_FILE).unlink(missing_ok=True)
        else:
            write_atomically(folder / KNOWN_FILE, pack(self.known, {}))
        write_atomically(folder / FILE, pack(self.frame, self.description | {"fingerprint": self.fingerprint}))

    @classmethod
    def load(cls, folder: str | Path) -> PriceHistory:
        """Loads what `save` wrote, even in an older version of the app. Raises UnreadableFile if it is missing or damaged."""
        from pyarrow import ArrowException

        folder = local_path(folder)
        if why := no_folder(folder):
            raise UnreadableFile(f"{why} Prices are loaded from the folder that they were saved to.")
        try:
            frame, description = unpack((folder / FILE).read_bytes())
            if description is None:
                description = json.loads((folder / _OLDER_DESCRIPTION).read_text(encoding="utf-8"))
            history = cls.described(frame, description)
            if (folder / KNOWN_FILE).is_file():
                history = replace(history, known=unpack((folder / KNOWN_FILE).read_bytes())[0])
            if description.get("fingerprint", history.fingerprint) != history.fingerprint:
                raise ValueError("the prices are not those that were saved")
            return history
        except (OSError, ValueError, KeyError, TypeError, ArrowException, DataError) as error:
            raise UnreadableFile(f"The prices saved in {shown_path(folder)} cannot be read: a file is missing or damaged "
                                 f"({type(error).__name__}). Open or fetch them again.") from error


_ENOUGH_TO_TELL = 6  # rows needed to tell a frequency
_SAME_PRICE = 1e-6  # of the price: sources round, while a split or a dividend moves all earlier prices by more


def continued(history: PriceHistory, newer: PriceHistory) -> PriceHistory:
    """`history` with the rows of `newer` that come after it. Raises DataError for prices that do not continue it."""
    shared = history.dates.intersection(newer.dates)
    what = f"{newer.name} from {words.dates(newer.dates[0], newer.dates[-1])}" if len(newer) else "no prices"
    if not len(shared):
        raise DataError(f"Newer prices need at least one day of the {len(history)} before, the last on "
                        f"{words.date(history.dates[-1])}, so that both can be seen to be the same series. Received: {what}.")
    if newer.dates[-1] < history.dates[-1]:
        raise DataError(f"Newer prices must go on to {words.date(history.dates[-1])}, the last of those before, or further. "
                        f"Received: {what}.")
    gone = history.dates[history.dates >= newer.dates[0]].difference(newer.dates)
    if len(gone):
        raise DataError(f"Newer prices must have every row before from the day on which they begin. Received: {what}, without "
                        f"{words.count_of(len(gone), 'row')}, the first on {words.date(gone[0])}. Pass all rows, at the same "
                        "frequency, or train again.")
    spacing = _other_spacing(history, newer.dates[newer.dates >= history.dates[-1]])
    if spacing:
        raise DataError(f"Newer prices need the frequency of those before, {history.frequency}. Received: {what}, where the "
                        f"new rows are {spacing}. Pass rows at the same frequency, or train again.")
    missing = sorted(set(history.frame) - set(newer.frame))
    if missing:
        raise DataError(f"Newer prices need the same columns. Received: {what}, without {' and '.join(missing)}.")
    before, after = (frame.loc[shared, "Close"] for frame in (history.frame, newer.frame))
    differ = ~np.isclose(after, before, rtol=_SAME_PRICE, atol=0)
    if differ.any():
        day = shared[differ][0]
        raise DataError(f"The prices differ on {words.count(int(differ.sum()))} of {words.count(len(shared))} shared days, "
                        f"first on {words.date(day)}: {words.price(before[day])} before, {words.price(after[day])} now. This "
                        "is another series, or its earlier prices were adjusted, as after a split or a dividend: train again.")
    rows = newer.frame.loc[newer.dates > history.dates[-1], list(history.frame)]
    return replace(history, frame=pd.concat([history.frame, rows]), known=joined(history.known, newer.known, history.dates[-1]))


def _other_spacing(history: PriceHistory, dates: pd.DatetimeIndex) -> Frequency | None:
    """The frequency of the `dates` that follow the history, where it is seen not to be the history's own."""
    count = len(dates)
    if count < _ENOUGH_TO_TELL or infer_frequency(history.dates[-count:]) != history.frequency:
        return None  # of so few rows, the history's own frequency could not be told either
    found = infer_frequency(dates)
    if found.unit is None and count < 2 * _ENOUGH_TO_TELL:  # a few holidays
        return None
    return None if (found.unit, found.step) == (history.frequency.unit, history.frequency.step) else found


_REMEDY = ("Call read_prices(path) for a file, and for bare numbers pandas.Series(numbers, index=dates), with a date for each.")


def _received(thing) -> str:
    """What was given in place of a table, in a few words."""
    columns = getattr(thing, "columns", None)
    if isinstance(columns, pd.Index):
        return f"a table with the columns {', '.join(map(str, columns[:8]))}"[:200]
    shown = f" {str(thing)[:40]!r}" if isinstance(thing, str | Path | int | float) else ""
    return f"{type(thing).__name__}{shown}"


_DESCRIPTION = tuple(field.name for field in fields(PriceHistory) if field.name not in ("frame", "known"))


def pack(frame: pd.DataFrame, description: dict) -> bytes:
    """A Parquet file of prices with their description in its metadata. description: JSON-able"""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pandas(frame)
    file = io.BytesIO()
    pyarrow.parquet.write_table(
        table.replace_schema_metadata({**table.schema.metadata, _METADATA: json.dumps(description).encode()}), file)
    return file.getvalue()


def unpack(content: bytes) -> tuple[pd.DataFrame, dict | None]:
    """The table and the description given to `pack`, None if the file has none.

    Raises ValueError, KeyError, TypeError, OSError or ArrowException for other bytes.
    """
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(content))
    said = (table.schema.metadata or {}).get(_METADATA)
    return table.to_pandas(), None if said is None else dict(json.loads(said))
