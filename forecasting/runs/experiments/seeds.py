"""Seed spread: a run repeated with other seeds, how far their scores vary, and their average as one more forecaster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from forecasting.errors import ConfigError
from forecasting.evaluation.comparison import holm
from forecasting.evaluation.metrics import Undefined
from forecasting.evaluation.scores import SCORES
from forecasting.evaluation.spread import rank_test, spread_of
from forecasting.evaluation.verdict import leak_words
from forecasting.model.config import RANGES
from forecasting.model.settings import LABELS, changed_settings, value_words
from forecasting.runs.experiments.kind import (
    Child,
    Experiment,
    ExperimentKind,
    File,
    Option,
    Planned,
    Summary,
    Table,
    left_out,
)
from forecasting.words import UNKNOWN, count_of, decimals, number, percent, price, probability

__all__ = ["SEEDS"]

AVERAGE = "average"
SHOWN = ("rmse", "mape", "skill")
ALIKE = 0.05  # p-values above it prove no difference


def _check(options, history, config):
    if config.leak:
        raise ConfigError(f"{leak_words(config.leak)} There is nothing to learn from its spread; choose an honest run.")


def _seeds(options, config) -> list[int]:
    """The seeds after the run's own."""
    low, high = RANGES["seed"][:2]
    return [low + (config.seed - low + i) % (high - low + 1) for i in range(1, options["seeds"] + 1)]


def _plan(options, ended, experiment):
    name = experiment.history.name
    seeds = _seeds(options, experiment.config)
    for seed in seeds:
        yield Planned(f"seed-{seed}", experiment.history, replace(experiment.config, seed=seed), f"{name}, seed {seed}",
                      {"seed": seed})
    trained = [child for child in ended if child.run.key != AVERAGE]
    members = [child.run.id for child in trained if child.is_whole]
    if len(trained) == len(seeds) and len(members) > 1:
        yield Planned(AVERAGE, experiment.history, experiment.config, f"{name}, average of {count_of(len(members), 'seed')}",
                      {"members": members}, kind="average")


def _parted(runs: Sequence[Child]) -> tuple[list[Child], Child | None]:
    """(whole trainings by seed, their whole average or None)."""
    whole = [child for child in runs if child.is_whole]
    trained = sorted((child for child in whole if child.run.key != AVERAGE), key=lambda child: child.run.parameters["seed"])
    return trained, next((child for child in whole if child.run.key == AVERAGE), None)


def _summarise(runs, experiment):
    trained, average = _parted(runs)
    warnings = tuple(f"{'Seeds' if len(missing) > 1 else 'Seed'} {', '.join(_which(run) for run in missing)}: {why}"
                     for why, missing in left_out(runs).items())
    if not trained:
        return Summary(warnings=warnings)
    source = experiment.source()
    results = {child.run.parameters["seed"]: child.result() for child in trained}
    scores = {seed: result.metrics["test"] for seed, result in results.items()}
    mean = average.result() if average else None
    predictions = _by_seed(results, mean)
    tables = [_table(experiment.config.seed, source, scores, mean)]
    if beside := _beside_others(trained, experiment):
        tables.append(beside)
    charts = (partial(_score_chart, scores, source, mean), partial(_band_chart, predictions, source.history.currency))
    name = source.history.name
    return Summary(_answer(source, scores, mean), warnings, charts, tuple(tables),
                   (File("Download predictions of all seeds (CSV)", name, "seeds.csv", partial(_csv, predictions)),),
                   {} if average is None else {"Open the average as a run": average.run.id})


def _which(run) -> str:
    return "average" if run.key == AVERAGE else str(run.parameters["seed"])


def _by_seed(results: dict, mean) -> pd.DataFrame:
    """Test days: actual, naive, a column for each seed, and the average where there is one."""
    first = next(iter(results.values())).predictions
    test = first["split"] == "test"
    table = first.loc[test, ["actual", "naive"]]
    columns = {f"seed {seed}": result.predictions["predicted"][test] for seed, result in results.items()}
    if mean is not None:
        columns["average"] = mean.predictions["predicted"][test]
    return table.assign(**columns)


def _answer(source, scores: dict[int, dict], mean) -> str:
    currency, own = source.history.currency, source.metrics["test"]
    errors = [values["rmse"] for values in scores.values()]
    spread = spread_of(errors)
    words = [f"Over {count_of(spread.count, 'seed')} the test RMSE is {_plus_minus(spread, currency)}, from "
             f"{price(spread.low, currency)} to {price(spread.high, currency)}; that of the naive forecast is "
             f"{price(own['naive_rmse'], currency)}."]
    beaten = sum(own["rmse"] < one for one in errors)
    words.append(f"This run's {price(own['rmse'], currency)} is better than {beaten} of them.")
    if mean is not None:
        error = mean.metrics["test"]["rmse"]
        words.append(f"Their average errs by {price(error, currency)}, less than {sum(error < one for one in errors)} of the "
                     f"{spread.count}, and {_change(error, spread.mean)} their mean.")
    return " ".join(words)


def _plus_minus(spread, currency) -> str:
    if spread.deviation is None:
        return price(spread.mean, currency)
    # Both with the same decimals: a deviation of 0.0008089 beside a mean of 0.3007 pretends to a precision that is not there.
    return f"{price(spread.mean)} ± {number(spread.deviation, decimals(spread.mean))}{f' {currency}' if currency else ''}"


def _change(value: float, beside: float) -> str:
    if not beside:
        return "beside"
    gain = 100 * (1 - value / beside)
    return f"{percent(abs(gain))} {'less' if gain >= 0 else 'more'} than"


def _table(seed: int, source, scores: dict[int, dict], mean) -> Table:
    currency = source.history.currency
    rows = {f"This run, seed {seed}": source.metrics["test"]}
    rows |= {f"Seed {one}": values for one, values in scores.items()}
    if mean is not None:
        rows[f"Average of {len(scores)}"] = mean.metrics["test"]
    for label, choose in (("Mean", lambda spread: spread.mean), ("Standard deviation", lambda spread: spread.deviation)):
        rows[label] = {name: choose(spread_of(known)) for name in SHOWN
                       if (known := [values[name] for values in scores.values() if values[name] is not None])}
    frame = pd.DataFrame({SCORES[name].label: [SCORES[name].show(name, values, currency) for values in rows.values()]
                          for name in SHOWN}, index=list(rows))
    return Table(frame, help={SCORES[name].label: SCORES[name].about for name in SHOWN},
                 caption="Mean and standard deviation are those of the other seeds; this run was there before them, and may "
                         "have been chosen because it was good.")


def _beside_others(trained: Sequence[Child], experiment: Experiment) -> Table | None:
    """Other settings with seeds of their own on the same test days, and whether they differ by more than the seeds do."""
    ours = [child.run.scores["test"]["rmse"] for child in trained]
    rows: dict[str, list[float]] = {}
    for run, children in experiment.others():
        theirs, _ = _parted(children)
        changed = [name for name in changed_settings(experiment.config, run.config) if name not in ("seed", "epochs")]
        if theirs and changed and _same_days(experiment.run, run):
            errors = [child.run.scores["test"]["rmse"] for child in theirs]
            name = ", ".join(f"{LABELS[name]} {value_words(name, getattr(run.config, name))}" for name in changed)
            rows.setdefault(name, errors)
    if not rows:
        return None
    tests = {}
    for name, errors in rows.items():
        try:
            tests[name] = rank_test(ours, errors)
        except Undefined:
            continue
    corrected = dict(zip(tests, holm(list(tests.values())), strict=True))
    own, currency = spread_of(ours), experiment.run.currency
    table = {f"These settings, {count_of(own.count, 'seed')}": (_plus_minus(own, currency), "", "", "")}
    for name, errors in rows.items():
        spread, p = spread_of(errors), corrected.get(name)
        answer = "Too few seeds" if p is None else "More than the seeds" if p < ALIKE else "Not proven"
        table[f"{name}, {count_of(spread.count, 'seed')}"] = (
            _plus_minus(spread, currency), percent(100 * (spread.mean / own.mean - 1), signed=True) if own.mean else UNKNOWN,
            probability(p) if p is not None else UNKNOWN, answer)
    frame = pd.DataFrame.from_dict(table, orient="index", columns=["RMSE", "Difference", "p", "Do they differ?"])
    return Table(frame, help={"p": "Of a rank test of the seeds' RMSEs, corrected by Holm where there are several settings."},
                 caption="Other settings that were repeated with seeds on the same test days. A difference that is proven here "
                         "is one between networks on these days; whether it would hold on others is what Compare and the "
                         "backtest are for.")


def _same_days(ours, theirs) -> bool:
    names = ("test_share", "validation_share", "leak")
    return (ours.fingerprint == theirs.fingerprint
            and all(getattr(ours.config, name) == getattr(theirs.config, name) for name in names))


def _score_chart(scores, source, mean, dark):
    from forecasting.plots import seed_scores_chart

    return seed_scores_chart({seed: values["rmse"] for seed, values in scores.items()}, source.metrics["test"]["rmse"],
                             source.metrics["test"]["naive_rmse"], None if mean is None else mean.metrics["test"]["rmse"],
                             dark=dark, currency=source.history.currency)


def _band_chart(predictions, currency, dark):
    from forecasting.plots import seed_band_chart

    return seed_band_chart(predictions, dark=dark, currency=currency)


def _csv(predictions: pd.DataFrame) -> bytes:
    from forecasting.runs.export import table_csv

    table = predictions.rename(columns=str.capitalize)
    table.insert(0, "Date", table.index)
    return table_csv(table)


SEEDS = ExperimentKind(
    label="Seed spread",
    tab="Seeds",
    about=("A network starts from random weights, so the same settings give another result with each seed. Here the run is "
           "repeated with other seeds, several at once: a difference between two settings that is no larger than the one "
           "between two seeds means nothing. The average of all is a forecaster of its own: seldom much better than one of "
           "them, and never as bad as the worst."),
    start="Repeat with other seeds",
    options=(
        Option("seeds", "Seeds", "More seeds tell smaller differences apart, and take longer. Ten are a good start.", 10,
               low=2, high=50),
    ),
    trainings=lambda options: options["seeds"] + 1,
    plan=_plan,
    summarise=_summarise,
    check=_check,
    place="tune",
)
