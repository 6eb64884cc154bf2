"""Many series: the same settings on each, their scores side by side, and how many beat the naive forecast beyond luck."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pandas as pd

from forecasting.errors import ConfigError
from forecasting.evaluation.many import judge_many
from forecasting.evaluation.verdict import leak_words
from forecasting.runs.experiments.kind import ExperimentKind, File, Option, Planned, Summary, Table, left_out
from forecasting.words import count

__all__ = ["MANY_SERIES", "MOST_SERIES"]

MOST_SERIES = 100  # their keys are kept in one tag of the store, which holds some 5,000 characters


@dataclass(frozen=True)
class _Keys(Option):
    """The histories to train on: a list of their keys in the store."""

    def shown(self, value) -> str:
        return count(len(value))

    def check(self, value):
        if not isinstance(value, list | tuple) or not all(isinstance(key, str) for key in value):
            raise ConfigError(f"{self.label} must be a list of keys of stored prices. Received: {self.name}={str(value)[:60]}.")
        if not 2 <= len(value) <= MOST_SERIES:
            raise ConfigError(f"Choose from 2 to {MOST_SERIES} series. Received: {count(len(value))}.")
        if len(set(value)) < len(value):
            raise ConfigError("Two of these series hold the same prices under the same name. Choose each once.")


def _check(options, history, config):
    if config.leak:
        raise ConfigError(f"{leak_words(config.leak)} Its scores mean nothing on any series; choose honest settings.")


def _plan(options, ended, experiment):
    for place, key in enumerate(options["series"], start=1):
        if f"series-{place}" in experiment.made:  # reading each history again at every look would take long
            continue
        history = experiment.stored(key)
        yield Planned(f"series-{place}", history, experiment.config, history.name, {"series": place})


def _summarise(runs, experiment):
    warnings = tuple(f"{run.series}: {why}" for why, missing in left_out(runs).items() for run in missing)
    whole = sorted((child for child in runs if child.is_whole), key=lambda child: child.run.parameters["series"])
    if not whole:
        return Summary(warnings=warnings)
    results = [child.result() for child in whole]
    found = judge_many(dict(zip(_unique([result.history.name for result in results]), results, strict=True)))
    return Summary(found.sentence, warnings, (), (Table(found.table, help=found.help),),
                   (File("Download all predictions (CSV)", f"{len(results)}-series", "predictions.csv",
                         partial(_csv, list(found.results), results)),))


def _unique(names: list[str]) -> list[str]:
    """Names with a number after those that occur more than once."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique


def _csv(names, results) -> bytes:
    from forecasting.runs.export import PREDICTIONS, table_csv

    tables = []
    for name, result in zip(names, results, strict=True):
        table = result.predictions[list(PREDICTIONS)].rename(columns=PREDICTIONS)
        table.insert(0, "Date", table.index)
        table.insert(0, "Series", name)
        tables.append(table)
    return table_csv(pd.concat(tables, ignore_index=True))


MANY_SERIES = ExperimentKind(
    label="Many series",
    tab="Many series",
    about=("The same settings on many series: tickers, files, or all series of one file. Among fifty some beat the naive "
           "forecast by luck alone, so the answer counts those that do so beyond it."),
    start="Train on all",
    options=(_Keys("series", "Series", "The prices to train on, each with a network of its own.", ()),),
    trainings=lambda options: len(options["series"]),
    plan=_plan,
    summarise=_summarise,
    check=_check,
    place="tune",
)
