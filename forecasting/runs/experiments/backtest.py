"""Walk-forward backtest: the test part cut into folds, each predicted by a network that was trained just before it."""

from __future__ import annotations

from functools import partial

import pandas as pd

from forecasting.errors import ConfigError
from forecasting.evaluation.backtest import MODES, backtest_summary, backtest_table, folds, join_predictions
from forecasting.evaluation.scores import SCORES, shown_in
from forecasting.evaluation.verdict import leak_words
from forecasting.runs.experiments.kind import ExperimentKind, Option, Planned, Summary, Table, left_out
from forecasting.words import dates, unit

__all__ = ["BACKTEST"]


def _check(options, history, config):
    if config.leak:
        raise ConfigError(f"{leak_words(config.leak)} There is nothing to learn from folds of it; choose an honest run.")
    folds(history, config, options["folds"], options["mode"])


def _plan(options, ended, experiment):
    k, mode = options["folds"], options["mode"]
    return [Planned(f"fold-{fold.number}", fold.history, fold.config, f"{fold.history.name}, fold {fold.number} of {k}",
                    {"fold": fold.number, "folds": k, "mode": mode})
            for fold in folds(experiment.history, experiment.config, k, mode)]


def _summarise(runs, experiment):
    # A fold that was stopped halfway was not trained as the run was, and is left out.
    results = {child.run.parameters["fold"]: child.result() for child in runs if child.is_whole}
    warnings = []
    for why, missing in left_out(runs).items():
        numbers = sorted(run.parameters["fold"] for run in missing)
        warnings.append(f"Fold{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}: {why}")
    if not results:
        return Summary(warnings=tuple(warnings))
    ended = {number: result.predictions for number, result in results.items()}
    history = next(iter(results.values())).history
    return Summary(backtest_summary(ended, unit(history.frequency)), tuple(warnings),
                   (partial(_chart, join_predictions(ended), history.currency),),
                   (_table(backtest_table(ended), history.currency),))


def _chart(predictions, currency, dark):
    from forecasting.plots import folds_chart

    return folds_chart(predictions, dark=dark, currency=currency)


def _table(table: pd.DataFrame, currency) -> Table:
    shown = [name for name in shown_in("folds") if name in table]
    days = [dates(start, end) for start, end in zip(table["start"], table["end"], strict=True)]
    rows = table.to_dict("records")
    scores = {SCORES[name].label: [SCORES[name].show(name, row, currency) for row in rows] for name in shown}
    return Table(pd.DataFrame({"Days": days, **scores}, index=[f"Fold {number}" for number in table.index]),
                 help={SCORES[name].label: SCORES[name].about for name in shown})


BACKTEST = ExperimentKind(
    label="Walk-forward backtest",
    tab="Walk-forward",
    about=("One split may be lucky. Here the test part is cut into folds, and each is predicted by a network of these "
           "settings that was trained on the days before it only."),
    start="Run the backtest",
    options=(
        Option("folds", "Folds", "More folds refit more often, and take longer.", 5, low=2, high=12),
        Option("mode", "Training window", "Expanding learns from all days before a fold; sliding from a fixed number.",
               MODES[0], choices={mode: mode.capitalize() for mode in MODES}),
    ),
    trainings=lambda options: options["folds"],
    plan=_plan,
    summarise=_summarise,
    check=_check,
)
