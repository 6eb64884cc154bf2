"""The sources of prices: what each asks the user for, how it opens a `PriceHistory`, and how it reopens one.

To add one, add an entry to `SOURCES`: the Data page then draws its fields and opens its prices.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # keeps the list cheap to import; a source imports what it needs when it is used
    from forecasting.data.history import PriceHistory
    from forecasting.errors import ForecastingError

__all__ = ["SOURCES", "Choice", "File", "Job", "Source", "Text", "Toggle", "Upload", "address_of", "origin_of", "reopen"]

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Text:
    """A line of text; the answer is a str."""

    name: str
    label: str
    help: str = ""
    placeholder: str = ""
    default: str = ""
    max_chars: int = 200


@dataclass(frozen=True)
class Choice:
    """One of several options; the answer is its key.

    options: from the answers to the fields before this one, {key: label}
    about: {key: sentence} shown below the option that is chosen
    default: key of the initial option, by default the first one; if it is not among the options, the last one
    """

    name: str
    label: str
    options: Callable[[Answers], Mapping[str, str]]
    help: str = ""
    default: str | None = None
    about: Callable[[], Mapping[str, str]] = dict

    def first_of(self, options: Mapping[str, str]) -> str:
        """The initial option."""
        keys = list(options)
        if self.default is None:
            return keys[0]
        return self.default if self.default in options else keys[-1]


@dataclass(frozen=True)
class Toggle:
    """Yes or no; the answer is a bool."""

    name: str
    label: str
    help: str = ""
    default: bool = False


@dataclass(frozen=True)
class File:
    """A file of the user's own; the answer is an `Upload`, or None if there is none yet."""

    name: str
    label: str
    help: str = ""


@dataclass(frozen=True)
class Upload:
    """An uploaded file."""

    name: str
    content: bytes


Field = Text | Choice | Toggle | File


class Job(Protocol):
    """Prices being fetched in the background, e.g. a `tickers.FetchJob`.

    symbols: the requested series; provider: where they are requested from
    results: {symbol: its PriceHistory, or the ForecastingError that was raised}
    """

    symbols: tuple[str, ...]
    provider: str
    results: dict[str, PriceHistory | ForecastingError]

    @property
    def done(self) -> bool:
        """Whether every symbol has its result."""

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""

    def cached(self, symbol: str) -> PriceHistory | None:
        """A substitute for a symbol that cannot be fetched, e.g. the last good copy; None if there is none."""


def _nameless(history: PriceHistory) -> None:
    """Histories that go by their keys."""


@dataclass(frozen=True)
class Source:
    """One source of prices.

    label: of the source; help: what it gives, a sentence
    fields: what it asks for
    open: takes the answers, {field's name: answer}, and returns the prices or a `Job` that fetches them. If it raises
        NeedsChoice, the user is asked, and the answer is passed under the question's `kind` in the next call. If the history
        says how it was read, what a person changes of that is passed too, and as 'calendar' the exchange chosen, '' for none
    button: the label of the button that opens it; without one, the source has a single field, a file or a choice of one of
        its names, and the answer opens it
    name_of: the short name of a history in addresses, None for one that goes by its key in the store
    reopen: takes such a name and returns its history, None for a name that is not this source's
    """

    label: str
    help: str
    fields: tuple[Field, ...]
    open: Callable[[Answers], PriceHistory | Job]
    button: str = ""
    name_of: Callable[[PriceHistory], str | None] = _nameless
    reopen: Callable[[str], PriceHistory | None] = lambda name: None

    def __post_init__(self):
        if self.button:
            return
        if len(self.fields) != 1 or not isinstance(self.fields[0], (Choice, File)):
            raise ValueError("A source without a button needs exactly one field, a Choice or a File. "
                             f"Received: {self.fields}.")
        if isinstance(self.fields[0], Choice) and self.name_of is _nameless:
            raise ValueError("A source without a button that offers a choice needs name_of, which says what is chosen. "
                             f"Received: {self.fields}.")


def origin_of(history: PriceHistory) -> str:
    """The key in `SOURCES` of the source that a history is from, by default that of files."""
    for key, source in SOURCES.items():
        if source.name_of(history) is not None:
            return key
    return history.origin if history.origin in SOURCES else "file"


def address_of(history: PriceHistory) -> str:
    """The name of a history in addresses: the short name that its source has for it, or else its key in the store."""
    names = (source.name_of(history) for source in SOURCES.values())
    return next((name for name in names if name is not None), history.key)


def reopen(address: str) -> PriceHistory | None:
    """The history that a source knows by this name; None if none does, so that it must be a key in the store."""
    for key, source in SOURCES.items():
        if (history := source.reopen(address)) is not None:
            return replace(history, origin=key)
    return None


def _samples(_: Answers) -> Mapping[str, str]:
    from forecasting.data.samples import SAMPLES

    return {name: name for name in SAMPLES}


def _about_samples() -> Mapping[str, str]:
    from forecasting.data.samples import SAMPLES

    return SAMPLES


def _open_sample(answers: Answers) -> PriceHistory:
    from forecasting.data.samples import load_sample

    return load_sample(answers["sample"])


def _sample_name(history: PriceHistory) -> str | None:
    from forecasting.data.samples import sample_name

    return sample_name(history)


def _reopen_sample(name: str) -> PriceHistory | None:
    from forecasting.data.samples import SAMPLES, load_sample

    return load_sample(name) if name in SAMPLES else None


def _intervals(_: Answers) -> Mapping[str, str]:
    from forecasting.data.yahoo import INTERVALS

    return INTERVALS


def _periods(answers: Answers) -> Mapping[str, str]:
    from forecasting.data.yahoo import PERIODS, periods_for

    return {period: PERIODS[period] for period in periods_for(answers["interval"])}


def _fetch(answers: Answers) -> Job:
    from forecasting.data.tickers import start_fetch

    return start_fetch(**answers)


def _read(answers: Answers) -> PriceHistory:
    from forecasting.data.calendars import guess_calendar
    from forecasting.data.files import read_prices

    upload, choices = answers["file"], {name: answer for name, answer in answers.items() if name not in ("file", "calendar")}
    # The name is set on the file object, so that a series chosen within the file can have a name of its own.
    file = io.BytesIO(upload.content)
    file.name = upload.name
    history = read_prices(file, **choices)
    calendar = answers["calendar"] or None if "calendar" in answers else guess_calendar(history)
    return replace(history, calendar=calendar)


SOURCES = {
    "sample": Source(
        "Sample", "Series that ship with the app, to try things on.",
        (Choice("sample", "Sample", _samples, about=_about_samples),),
        _open_sample, name_of=_sample_name, reopen=_reopen_sample),
    "ticker": Source(
        "Ticker", "Prices of stocks, indices, funds, currencies and coins, fetched from Yahoo Finance.",
        (Text("symbols", "Ticker", "As Yahoo writes it; several with commas between them.",
              placeholder="AAPL, BTC-USD, EURUSD=X"),
         Choice("interval", "Interval", _intervals, "Yahoo keeps short intervals for short periods only: hours for two years, "
                                                    "minutes for days or weeks."),
         Choice("period", "Period", _periods, default="10y"),
         Toggle("adjusted", "Adjust for splits and dividends",
                "Adjusted prices show what a holder earned. Unadjusted ones are as quoted on the day, and fall on each "
                "dividend.", default=True)),
        _fetch, button="Fetch"),
    "file": Source(
        "File", "A table of dates and prices of your own.",
        (File("file", "A file with dates and prices", "CSV, text or Excel (.xlsx), also gzipped or zipped. The columns are "
                                                      "found by name and content; where several would do, you are asked. The "
                                                      "zip file of a run opens that run."),),
        _read),
}
