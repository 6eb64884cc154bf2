"""What one person and one run may take: read from `limits.toml`, checked where a run is created and by the engine.

Every refusal names the limit, what was asked for, what to do, and the file in which the limit is set.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from forecasting.errors import ConfigError, LimitReached
from forecasting.model.config import ForecastConfig
from forecasting.model.size import describe_network, memory_words, peak_memory
from forecasting.runs.records import Run
from forecasting.runs.room import WAITS
from forecasting.words import count, count_of

__all__ = ["Limits", "PersonLimits", "RunLimits", "check_queued", "check_run", "check_stored", "enough_at_work", "limits"]

VARIABLE = "FORECASTING_LIMITS"
SHIPPED = Path(__file__).with_name("limits.toml")
FRACTIONS = ("minutes", "memory_gb")  # all others are whole numbers


@dataclass(frozen=True)
class PersonLimits:
    running: int
    queued: int
    stored: int


@dataclass(frozen=True)
class RunLimits:
    epochs: int
    parameters: int
    minutes: float
    memory_gb: float


@dataclass(frozen=True)
class Limits:
    """The limits of this installation; `limits.toml` says what each means. file: where they can be changed"""

    person: PersonLimits
    run: RunLimits
    file: Path


def limits() -> Limits:
    """The values of `limits.toml`, changed by the file that FORECASTING_LIMITS names. Raises ConfigError for a bad file."""
    return _read(os.environ.get(VARIABLE) or None)


@lru_cache(maxsize=8)
def _read(named: str | None) -> Limits:
    values = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    if named:
        _change(values, _load(named), named)
    return Limits(PersonLimits(**values["person"]), RunLimits(**values["run"]), Path(named).expanduser() if named else SHIPPED)


def _load(named: str) -> dict:
    try:
        return tomllib.loads(Path(named).expanduser().read_text(encoding="utf-8"))
    except (OSError, RuntimeError, ValueError) as error:  # there is no such file or home, or it is not TOML
        raise ConfigError(f"The file of limits that {VARIABLE} names cannot be read ({error}). Received: {named[:200]}. "
                          f"Correct it, or unset {VARIABLE}, and start the app again.") from error


def _change(values: dict, changed: dict, named: str):
    """Takes the entries of `changed` over into `values`."""
    given = {(section, name): value for section, entries in changed.items()
             for name, value in (entries if isinstance(entries, dict) else {"": entries}).items()}
    for (section, name), value in given.items():
        entry = f"{section}.{name}" if name else section
        if name not in values.get(section, ()):
            known = ", ".join(f"{one}.{other}" for one in values for other in values[one])
            raise ConfigError(f"The file of limits {named[:200]} has an entry that has no meaning. Received: {entry[:60]}. "
                              f"Known are {known}. Correct it, and start the app again.")
        fraction = name in FRACTIONS
        if isinstance(value, bool) or not isinstance(value, int | float if fraction else int) or not 0 < value < float("inf"):
            raise ConfigError(f"{entry} in the file of limits {named[:200]} must be a {'' if fraction else 'whole '}number "
                              f"above 0. Received: {str(value)[:40]}. Correct it, and start the app again.")
        values[section][name] = value


def check_run(config: ForecastConfig, rows: int):
    """Raises LimitReached for settings that a run on so many prices may not have here."""
    most = limits().run
    if config.epochs > most.epochs:
        raise LimitReached(f"A run may take {count_of(most.epochs, 'epoch')} here. Received: {count(config.epochs)}. "
                           f"Choose fewer epochs. {_set_in('run.epochs')}")
    learnt = sum(layer.parameters for layer in describe_network(config) if not layer.frozen)
    if learnt > most.parameters:
        raise LimitReached(f"A network may have {count_of(most.parameters, 'parameter')} here. Received: {count(learnt)}. "
                           f"Choose fewer units or layers. {_set_in('run.parameters')}")
    needed = peak_memory(config, rows)
    if needed > 1e9 * most.memory_gb:
        raise LimitReached(f"A run may need {memory_words(1e9 * most.memory_gb)} of memory here. Received: settings that need "
                           f"about {memory_words(needed)}. Choose a smaller batch, a shorter window or fewer units. "
                           f"{_set_in('run.memory_gb')}")


def check_queued(waiting: int):
    """Raises LimitReached for somebody who has `waiting` runs in the queue and wants another."""
    most = limits().person.queued
    if waiting >= most:
        raise LimitReached(f"One person may have {count_of(most, 'run')} in the queue here. You have {count(waiting)}. Wait "
                           f"for some of them, or stop them on the Runs page. {_set_in('person.queued')}")


def check_stored(stored: int, more: int, where: str):
    """Raises LimitReached for somebody who keeps `stored` runs and wants `more`. where: what to delete them from, in words"""
    most = limits().person.stored
    if stored + more > most:
        asked = "another one" if more == 1 else f"{count(more)} more"
        raise LimitReached(f"One person may keep {count_of(most, 'run')} here. You have {count(stored)} and asked for {asked}. "
                           f"{where} {_set_in('person.stored')}")


def enough_at_work(owner: str, computed: Iterable[Run]) -> str | None:
    """Why this person's next run has to wait until one of those that are being computed has ended, or None."""
    most = limits().person.running
    if sum(run.owner == owner for run in computed) < most:
        return None
    return f"{WAITS}one of your runs to end: one person may have {most} at work at a time here"


def _set_in(name: str) -> str:
    return f"Whoever runs this app sets the limit {name} in {limits().file.name}."
