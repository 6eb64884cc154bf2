"""Leak lab: the same training with one classic mistake made on purpose, and how much it flatters the score."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from forecasting.errors import ConfigError
from forecasting.evaluation.judgement import judge
from forecasting.evaluation.scores import SCORES
from forecasting.evaluation.verdict import LEAKS
from forecasting.runs.experiments.kind import ExperimentKind, Option, Planned, Summary, Table, left_out
from forecasting.words import UNKNOWN, number, share

__all__ = ["LEAK", "LEAK_NAMES"]

LEAK_NAMES = {"scaler": "Scaler on all data", "validation": "Validation on the test part", "shuffle": "Shuffled windows",
              "centred_average": "Centred moving average"}

SHOWN = ("rmse", "naive_rmse", "skill", "directional_accuracy", "directional_base")


def _check(options, history, config):
    if config.leak:
        raise ConfigError("This run already contains a mistake. Choose an honest one to compare with.")


def _explain(options, config) -> str:
    return f"The mistake: {LEAKS[options['mistake']]}. {_what_it_takes(options['mistake'], config)}"


def _what_it_takes(leak: str, config) -> str:
    """Why a mistake may flatter this run little."""
    if leak in ("scaler", "shuffle") and config.target != "price":
        return ("It flatters most where the target is Price, as in the Tutorial preset: this run predicts moves, whose size "
                "changes little, and from which a neighbouring day gives little away.")
    if leak == "validation" and config.patience is None:
        return "Without early stopping, validation decides nothing here and the mistake has no effect; turn on Stop early."
    if leak == "validation":
        return "It flatters by as much as a lucky epoch is worth: a little, but in every run."
    return "" if leak != "centred_average" else "It flatters every run."


def _plan(options, ended, experiment):
    leak = options["mistake"]
    return [Planned(leak, experiment.history, replace(experiment.config, leak=leak),
                    f"{experiment.history.name}, leak lab: {leak}", {"leak": leak})]


def _summarise(runs, experiment):
    warnings = tuple(f"{LEAK_NAMES[run.config.leak]}: {why}" for why, missing in left_out(runs).items() for run in missing)
    honest = experiment.source()
    rows = {"Honest": honest.metrics["test"]}
    for child in runs:  # newest first, so the latest of each mistake counts
        if child.is_whole:
            rows.setdefault(f"{LEAK_NAMES[child.run.config.leak]} (invalid)", child.result().metrics["test"])
    _, beside = judge(honest.predictions, honest.metrics["test"])
    leaked = {child.run.config.leak: child.run.id for child in reversed(runs) if child.is_whole}  # the latest of each
    ids = (str(experiment.run.parent), *leaked.values())
    return Summary(warnings=warnings, tables=(_table(rows, honest.history.currency, beside.interval),),
                   compares={"Lay curves and predictions beside each other": ids} if leaked else {})


def _table(rows: dict[str, dict], currency, interval) -> Table:
    """interval: (low, high) of the honest skill, or None"""
    honest = rows["Honest"]["skill"]
    frame = pd.DataFrame({SCORES[name].label: [SCORES[name].show(name, scores, currency) for scores in rows.values()]
                          for name in SHOWN}, index=list(rows))
    frame["Flattered by"] = [UNKNOWN if None in (scores["skill"], honest) else
                             f"{number(100 * (scores['skill'] - honest), signed=True)} points" for scores in rows.values()]
    known = "" if interval is None else (
        f" Beside that, the honest skill itself is known only to lie between {share(interval[0], digits=1)} and "
        f"{share(interval[1], digits=1)}.")
    return Table(frame, help={SCORES[name].label: SCORES[name].about for name in SHOWN},
                 caption=f"Flattered by: how many points of skill the mistake adds.{known} RMSEs compare only where the days "
                         "are the same, which shuffling changes.")


LEAK = ExperimentKind(
    label="Leak lab",
    tab="Leak lab",
    about=("A score that is too good is mostly a leak: something of the test part reached the training. Train again with one "
           "classic mistake and compare. Such a run is marked invalid wherever it appears."),
    start="Train with this mistake",
    options=(Option("mistake", "Mistake", "Each of them lets something of the test part into the training.", "scaler",
                    choices={leak: LEAK_NAMES[leak] for leak in LEAKS}),),
    trainings=lambda options: 1,
    plan=_plan,
    summarise=_summarise,
    check=_check,
    explain=_explain,
    keeps_earlier=True,
)
