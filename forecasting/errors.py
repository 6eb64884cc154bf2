"""Every error that a user can cause, and that a page may show as it is.

    ForecastingError                   anything below; its text says what is wrong, what was received, what to do
    ├── DataError                      the prices cannot be used
    │   ├── UnreadableFile             not a table of prices: binary, HTML, JSON, empty, damaged
    │   ├── NeedsChoice                several readings are possible: carries the question and its options
    │   ├── NotEnoughData              too few rows for the window and the split
    │   └── FetchError                 the provider gave no prices
    │       ├── UnknownTicker          it knows no such symbol, or has no prices for that period
    │       ├── NoNetwork              it could not be reached in time
    │       ├── RateLimited            it asks us to wait
    │       └── ProviderError          it answered with something that is not prices
    ├── ConfigError                    a setting is unknown or out of its range
    │   └── TooLarge                   a training would need more memory than there is
    ├── LimitReached                   more than this installation allows a person or a run
    ├── TrainingError                  a training that cannot go on, e.g. its loss is no longer a number
    └── RunError                       a run that is unknown, damaged or lost its worker
        ├── InTrash                    it was deleted, and can be restored
        ├── AttemptOver                its process was given up, and may write nothing more
        └── StoreUnavailable           the store of runs cannot be read or written
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecasting.data.interpretation import Interpretation

__all__ = [
    "AttemptOver",
    "ConfigError",
    "DataError",
    "FetchError",
    "ForecastingError",
    "InTrash",
    "LimitReached",
    "NeedsChoice",
    "NoNetwork",
    "NotEnoughData",
    "ProviderError",
    "RateLimited",
    "RunError",
    "StoreUnavailable",
    "TooLarge",
    "TrainingError",
    "UnknownTicker",
    "UnreadableFile",
]


class ForecastingError(Exception):
    """An error that the user can fix; its text is written for them."""

    def __reduce__(self):
        """Pickled with what it carries; the usual way would leave out keywords that some of these need."""
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind, args, carried):
    error = kind.__new__(kind, *args)
    error.__dict__.update(carried)
    return error


class DataError(ForecastingError):
    """The prices cannot be used.

    reading: how the file was being read, as far as that had come: an `Interpretation`; None where that is not known
    """

    reading: Interpretation | None = None


class UnreadableFile(DataError):
    """The bytes are not a table of dated prices."""


class NeedsChoice(DataError):
    """The file can be read in more than one way. `str()` of it asks, and says which keyword answers.

    question: without the keyword, for those who offer the options themselves
    kind: the keyword of `read_prices` that settles it ('column', 'series', 'sheet', 'date_order' or 'decimal')
    options: the values it may take, best guess first
    preview: a few rows of the table as text, to show to the user, or None
    """

    def __init__(self, message, *, kind, options, preview=None):
        super().__init__(message)
        self.question = message
        self.kind = kind
        self.options = tuple(options)
        self.preview = preview

    def __str__(self) -> str:
        if not self.options:
            return self.question
        return (f"{self.question} Pass {self.kind}=, e.g. {self.kind}={str(self.options[0])!r}. The options are "
                f"{', '.join(repr(str(option)) for option in self.options[:20])}{' ...' if len(self.options) > 20 else ''}.")


class NotEnoughData(DataError):
    """Too few rows for the window and the split. nearest: settings for which there are enough, or None"""

    def __init__(self, message, *, nearest=None):
        super().__init__(message)
        self.nearest = nearest


class FetchError(DataError):
    """The provider of prices gave none."""


class UnknownTicker(FetchError):
    """The provider knows no such symbol, or has no prices for that period."""


class NoNetwork(FetchError):
    """The provider could not be reached in time."""


class RateLimited(FetchError):
    """The provider asks us to wait."""


class ProviderError(FetchError):
    """The provider's answer is not prices."""


class ConfigError(ForecastingError):
    """A setting is unknown or out of its range."""


class TooLarge(ConfigError):
    """A training would need more memory than there is. nearest: settings that need less, or None"""

    def __init__(self, message, *, nearest=None):
        super().__init__(message)
        self.nearest = nearest


class LimitReached(ForecastingError):
    """More was asked for than this installation allows a person or a run."""


class TrainingError(ForecastingError):
    """A training that cannot go on."""


class RunError(ForecastingError):
    """A run is unknown, damaged, or lost its worker."""


class InTrash(RunError):
    """A run was deleted, and can be restored. run_id: which one"""

    def __init__(self, message, *, run_id):
        super().__init__(message)
        self.run_id = run_id


class AttemptOver(RunError):
    """A process may write nothing more about a run, since that has ended or been given to another one."""


class StoreUnavailable(RunError):
    """The store of runs cannot be read or written. reason: why, in a few words, to be put into other sentences"""

    def __init__(self, message="", *, reason="the store of runs does not answer"):
        super().__init__(message)
        self.reason = reason
