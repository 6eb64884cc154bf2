"""The description of a kind of experiment, and what its functions take and return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError
from forecasting.model.config import ForecastConfig

if TYPE_CHECKING:
    from forecasting.runs.records import Run

__all__ = ["Child", "Experiment", "ExperimentKind", "File", "Option", "Planned", "Summary", "Table", "left_out"]

MOST_OTHERS = 500
CUT_SHORT = "It was stopped before its end and is left out."


@dataclass(frozen=True)
class Option:
    """Something that the user sets before the start.

    choices: {value: its label} to choose from, or None for a whole number from `low` to `high`
    help: what it does and what can go wrong, a sentence
    """

    name: str
    label: str
    help: str
    default: object
    choices: dict[str, str] | None = None
    low: int = 0
    high: int = 0

    def shown(self, value) -> str:
        """A value in words."""
        return str(self.choices[value] if self.choices else value)

    def check(self, value):
        """Raises ConfigError for a value that cannot be chosen."""
        if self.choices is None:
            if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
                raise ConfigError(f"{self.label} must be a whole number from {self.low} to {self.high}. "
                                  f"Received: {self.name}={value!r}.")
        elif value not in self.choices:
            raise ConfigError(f"{self.label} must be one of {', '.join(self.choices)}. Received: {self.name}={value!r}.")


@dataclass(frozen=True)
class Planned:
    """A run to be created.

    key: its unique name within the experiment, which keeps it from being created twice: letters, digits, '-', '_' and '.'
    kind: one of `RUN_KINDS`; parameters: JSON-able
    """

    key: str
    history: PriceHistory
    config: ForecastConfig
    name: str
    parameters: dict = field(default_factory=dict)
    kind: str = "train"


@dataclass(frozen=True)
class Child:
    """A run that was created. run: the store's `Run`; read: loads the result of a run by its id"""

    run: Run
    read: Callable[[str], Any] = field(repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether it ran to its end and has a result."""
        return self.run.state == "finished" and self.run.has_result

    def result(self):
        """What `RunStore.result` gives."""
        return self.read(self.run.id)


class Experiment:
    """What the functions of a kind know about an experiment besides its options.

    run: the store's `Run` of the experiment itself; history, config: what it was started with
    children: all that were created so far, running ones included; workers: how many runs can be computed at once
    """

    def __init__(self, run: Run, store, children: Sequence[Child], read: Callable[[str], Any] | None = None,
                 workers: int = 1):
        self.run, self.children, self.workers = run, children, workers
        self._store, self._read = store, read or store.result

    @property
    def config(self) -> ForecastConfig:
        return self.run.config

    @cached_property
    def history(self) -> PriceHistory:
        return self._store.history(self.run.id)

    @property
    def made(self) -> frozenset[str]:
        """The keys of all children."""
        return frozenset(child.run.key for child in self.children if child.run.key)

    def source(self):
        """The result of the run that the experiment is about."""
        return self._read(str(self.run.parent))

    def others(self) -> Iterator[tuple[Run, list[Child]]]:
        """The other experiments of its kind that have ended, newest first, with their children."""
        for run in self._store.list(limit=MOST_OTHERS, kind="experiment"):
            if run.experiment == self.run.experiment and run.id != self.run.id and not run.active:
                yield run, [Child(child, self._read) for child in self._store.children(run)]

    def stored(self, key: str) -> PriceHistory:
        """A history that the store keeps under this key."""
        return self._store.load_history(key)


@dataclass(frozen=True)
class Table:
    """frame: cells as text, ready to show; help: {column: what it means}; caption: the text below the table"""

    frame: pd.DataFrame
    help: dict[str, str] = field(default_factory=dict)
    caption: str = ""


@dataclass(frozen=True)
class File:
    """A file to take home: the label of its button, the series and the ending of its name, and what writes its bytes."""

    label: str
    series: str
    ending: str
    write: Callable[[], bytes]


@dataclass(frozen=True)
class Summary:
    """The results of an experiment so far.

    sentence: the answer; warnings: what went wrong with single runs, sentences
    charts: functions of `dark` that return a figure; files: to download
    opens: {label of a button: the id of a run that it opens}; compares: {label: the ids of runs to lay beside each other}
    """

    sentence: str = ""
    warnings: tuple[str, ...] = ()
    charts: tuple[Callable, ...] = ()
    tables: tuple[Table, ...] = ()
    files: tuple[File, ...] = ()
    opens: dict[str, str] = field(default_factory=dict)
    compares: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _allow(options: dict, history: PriceHistory, config: ForecastConfig):
    pass


def _say_nothing(options: dict, config: ForecastConfig) -> str:
    return ""


def _stop_nothing(options: dict, experiment: Experiment) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class ExperimentKind:
    """A kind of experiment: its texts, its options and its behaviour.

    label: its name; tab: a short name for its tab; about: what it is for, a sentence or two
    start: the label of the button that starts it
    options: what the user can set
    trainings: how many runs it will create with these options
    plan: `plan(options, ended, experiment)` returns the runs to create, as an iterable of `Planned`. The engine calls it at
        the start and again whenever more children have `ended` or options were changed, until nothing new comes. It only
        takes as many as can soon be computed, and it waits for the iterable, so nothing in it may take long. Runs whose keys
        already exist are skipped, so a plan may simply repeat them. Anything it caches, say under `experiment.run.id`, it
        must be able to rebuild from the children, since the engine may have been restarted in between.
    summarise: `summarise(runs, experiment)` returns a `Summary`; runs: the children so far, ended or not
    check: `check(options, history, config)` raises a ForecastingError if the experiment is not possible
    explain: `explain(options, config)` says what these options will do
    place: the page that shows it: 'evaluate' or 'inside', around a run, or 'tune', on a series
    watch: `watch(options, experiment)` returns {id of a child to stop: the reason, for the user}. Called about once a second.
    keeps_earlier: whether earlier experiments of this kind on the same run are kept, with `runs` holding the children of
        all of them, newest first; otherwise a new one replaces the old one
    """

    label: str
    tab: str
    about: str
    start: str
    options: tuple[Option, ...]
    trainings: Callable[[dict], int]
    plan: Callable[[dict, Sequence[Child], Experiment], Iterable[Planned]]
    summarise: Callable[[Sequence[Child], Experiment], Summary]
    check: Callable[[dict, PriceHistory, ForecastConfig], None] = _allow
    explain: Callable[[dict, ForecastConfig], str] = _say_nothing
    keeps_earlier: bool = False
    place: str = "evaluate"
    watch: Callable[[dict, Experiment], dict[str, str]] = _stop_nothing

    def complete(self, options: dict) -> dict:
        """`options` completed with defaults. Raises ConfigError for an unknown option or a bad value."""
        known = {option.name: option for option in self.options}
        if unknown := sorted(set(options) - set(known)):
            raise ConfigError(f"{self.label} has the options {', '.join(known) or 'none'}. Received: {', '.join(unknown)}.")
        values = {name: options.get(name, option.default) for name, option in known.items()}
        for name, value in values.items():
            known[name].check(value)
        return values


def left_out(runs: Iterable[Child]) -> dict[str, list]:
    """{why: the runs} of the children that ended without a whole result."""
    reasons: dict[str, list] = {}
    for child in runs:
        if not child.run.active and not child.is_whole:
            reasons.setdefault(child.run.error or CUT_SHORT, []).append(child.run)
    return reasons
