"""Several trainings at once: the same settings on many series, or on the folds of a walk-forward backtest, in processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from forecasting import words
from forecasting.arguments import as_config, as_history, refuse_keywords
from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, ForecastingError, RunError
from forecasting.evaluation.backtest import Fold, backtest_summary, backtest_table, join_predictions
from forecasting.evaluation.backtest import folds as cut_folds
from forecasting.evaluation.many import ManyJudged, judge_many
from forecasting.evaluation.verdict import leak_words
from forecasting.model.config import ForecastConfig
from forecasting.progress import bar
from forecasting.result import TrainingResult, train

__all__ = ["Backtest", "Trainings", "backtest", "train_many"]


@dataclass(frozen=True, repr=False)
class Trainings(Mapping):
    """The results of `train_many`, by name: `trainings["AAPL"]` is a `TrainingResult`, or raises why there is none.

    results: {name: TrainingResult} of those that could be trained; failed: {name: the ForecastingError of the others}
    """

    results: dict[str, TrainingResult]
    failed: dict[str, ForecastingError] = field(default_factory=dict)

    def __getitem__(self, name) -> TrainingResult:
        if name in self.failed:
            raise self.failed[name]
        return self.results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @cached_property
    def judged(self) -> ManyJudged:
        """On how many series the network is better than naive beyond luck. Raises RunError if none was trained."""
        if not self.results:
            raise RunError("None of the series could be trained; `failed` says why.")
        return judge_many(self.results)

    @property
    def sentence(self) -> str:
        """The answer over all series."""
        return self.judged.sentence

    @property
    def table(self) -> pd.DataFrame:
        """The scores of the test parts beside the naive forecast's, a row for each series."""
        names = ("rmse", "naive_rmse", "mape", "skill", "coverage_80", "coverage_95")
        return pd.DataFrame({name: {score: result.metrics["test"][score] for score in names}
                             for name, result in self.results.items()}, index=list(names)).T

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed: {', '.join(self.failed)}" if self.failed else ""
        return f"Trainings({words.count_of(len(self), 'series', 'series')}: {', '.join(self)[:200]}{failed})"

    def _repr_html_(self) -> str:
        from forecasting.notebook import table_html

        notes = [f"{name}: {error}" for name, error in self.failed.items()]
        if not self.results:
            return table_html("Nothing was trained", "", "None of the series could be trained.", pd.DataFrame(), notes)
        return table_html(words.count_of(len(self), "series", "series"), "trained with the same settings", self.sentence,
                          self.judged.table, notes)


@dataclass(frozen=True, repr=False, eq=False)
class Backtest:
    """The results of `backtest`.

    folds: the folds that were planned; results: {number of a fold, from 1: its TrainingResult} of those that were completed
    history: of all of them
    """

    folds: tuple[Fold, ...]
    results: dict[int, TrainingResult]
    history: PriceHistory

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The one-step predictions of all folds, oldest first: the columns of `TrainingResult.predictions` and `fold`."""
        return join_predictions(self._tables)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Scores of each fold on its own days: index fold; start, end, rows and the scores (mape in percent)."""
        return backtest_table(self._tables)

    @property
    def sentence(self) -> str:
        """The skill over all days, and how it varies from fold to fold."""
        return backtest_summary(self._tables, words.unit(self.history.frequency))

    def plot(self, *, dark: bool = False):
        """Actual, predicted and naive prices of all folds as a Plotly figure."""
        from forecasting.plots import folds_chart

        return folds_chart(self.predictions, dark=dark, currency=self.history.currency)

    @property
    def _tables(self):
        return {number: result.predictions for number, result in self.results.items()}

    def __repr__(self) -> str:
        done = f"{len(self.results)} of {words.count_of(len(self.folds), 'fold')}"
        return f"Backtest({self.history.name!r}, {done}: {self.sentence})"

    def _repr_html_(self) -> str:
        from forecasting.evaluation.scores import SCORES
        from forecasting.notebook import table_html

        shown = pd.DataFrame({SCORES[name].label if name in SCORES else name.capitalize(): [
            SCORES[name].show(name, row, self.history.currency) if name in SCORES
            else words.date(row[name]) if name in ("start", "end") else words.count(row[name])
            for row in self.table.to_dict("records")] for name in self.table}, index=[f"Fold {n}" for n in self.table.index])
        return table_html(f"{self.history.name}: walk-forward backtest", words.count_of(len(self.folds), "fold"), self.sentence,
                          shown)


def train_many(histories: Mapping, config: ForecastConfig | str | None = None, workers: int | None = None,
               progress: bool | None = None, **others) -> Trainings:
    """The same settings on many series, each with a network of its own, in processes side by side.

    histories: {name: a PriceHistory, DataFrame or Series}
    config: as in `train`
    workers: how many processes; by default one for each core, 1 for none but this one. Each takes about 1 GB, and ends
        after five minutes without work
    progress: as in `train`
    A series that cannot be trained does not keep the others from it: see `Trainings.failed`. Results are the same, bit for
    bit, as one after the other. Ctrl-C ends all; with workers=1 it ends the current one, and what is there is returned.
    Raises ConfigError for anything but a dict of one or more series.

    >>> trainings = train_many({"AAPL": fetch_prices("AAPL"), "MSFT": fetch_prices("MSFT")})
    >>> print(trainings.sentence)
    """
    refuse_keywords(others, train_many)
    if not isinstance(histories, Mapping) or not histories:
        raise ConfigError("train_many takes {name: history}, with one series or more. Received: "
                          f"{'an empty dict' if isinstance(histories, Mapping) else type(histories).__name__}. For a list call "
                          "train_many({history.name: history for history in histories}).")
    config = as_config(config, "train_many")
    jobs, failed = {}, {}
    for name, prices in histories.items():
        try:
            jobs[str(name)] = (as_history(prices, "train_many"), config)
        except ForecastingError as error:
            failed[str(name)] = error
    ended = _train_all(jobs, workers, progress)
    failed |= {name: one for name, one in ended.items() if isinstance(one, ForecastingError)}
    results = {name: ended[name] for name in jobs if isinstance(ended.get(name), TrainingResult)}
    return Trainings(results, {name: failed[name] for name in map(str, histories) if name in failed})


def backtest(history: PriceHistory | pd.DataFrame | pd.Series, config: ForecastConfig | str | None = None, folds: int = 5,
             mode: str = "expanding", workers: int | None = 1, progress: bool | None = None, **others) -> Backtest:
    """Walk-forward: the test part cut into folds, each predicted by a network that was trained on the days before it only.

    history, config: as in `train`
    folds: how many, from 2 to 50
    mode: 'expanding' trains on all days before a fold, 'sliding' on a fixed number of them
    workers: how many processes, as in `train_many`; 1, the default, for none but this one
    progress: as in `train`
    With one worker, Ctrl-C ends the current training, and the folds before it are returned.
    Raises ConfigError and DataError as `train` does, and where the folds would be too short.

    >>> print(backtest(load_sample(), folds=3).sentence)
    """
    refuse_keywords(others, backtest)
    history, config = as_history(history, "backtest"), as_config(config, "backtest")
    if config.leak:
        raise ConfigError(f"{leak_words(config.leak)} There is nothing to learn from folds of it; choose honest settings.")
    planned = cut_folds(history, config, folds, mode)
    ended = _train_all({fold.number: (fold.history, fold.config) for fold in planned}, workers, progress)
    for one in ended.values():
        if isinstance(one, ForecastingError):
            raise one
    # A fold that was stopped halfway was not trained as the others were.
    return Backtest(planned, {number: one for number, one in sorted(ended.items()) if not one.stopped}, history)


def _train_all(jobs: Mapping, workers: int | None, progress: bool | None) -> dict:
    """{key: TrainingResult, or the ForecastingError that was raised} of {key: (history, config)}; with one worker only those
    up to the first that was stopped."""
    cores = os.cpu_count() or 1
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 256):
        raise ConfigError("workers must be a whole number from 1 to 256, or None for one for each core. "
                          f"Received: workers={workers!r:.60}.")
    workers = min(cores if workers is None else workers, len(jobs))
    ended = {}
    with bar(progress, total=len(jobs), unit="training") as shown:
        if workers <= 1:
            for key, job in jobs.items():
                ended[key] = _attempt(*job)
                shown.update()
                if getattr(ended[key], "stopped", False):
                    break
            return ended
        from joblib import Parallel, delayed

        # Loky's processes do not run the caller's script again, as those of multiprocessing would.
        parallel = Parallel(n_jobs=workers, backend="loky", return_as="generator_unordered", batch_size=1)
        for key, one in parallel(delayed(_keyed)(key, *job) for key, job in jobs.items()):
            ended[key] = one
            shown.update()
    return ended


def _keyed(key, history, config):
    return key, _attempt(history, config)


def _attempt(history, config):
    try:
        return train(history, config, progress=False)
    except ForecastingError as error:
        return error
