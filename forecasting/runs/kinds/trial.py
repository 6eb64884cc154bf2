"""A trial: settings trained on several folds before the test part, and judged by what each forecasts of its own days.

Its parameters are 'folds' (how many), 'shifted' (whether the second set of folds) and 'days' (whether to leave the forecasts
of single days, which judging finalists takes). Its history has no test part, so there is nothing it could read of it.

The value is the mean over the folds of RMSE / naive RMSE one step ahead, in prices: the same measure on the same days
whatever the target, the loss, the horizon or the window. While it trains, it reports its best validation loss so far at
epochs 1, 2, 4, 8, ... of each fold, relative to the naive forecast's loss on the same rows, which is comparable too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.errors import DataError
from forecasting.evaluation.inner_folds import inner_folds
from forecasting.evaluation.metrics import rmse
from forecasting.model.encoding import check_history, encode
from forecasting.model.listener import Listener
from forecasting.model.split import learning_origins, split
from forecasting.runs.kinds.kind import Computed, RunKind

__all__ = ["TRIAL", "naive_loss", "rung"]

FILE = "days.parquet"
POINTS = 60  # most points of the curve that is reported
RUNGS = 10  # of a fold: epochs 1 to 512


def rung(epoch: int) -> int:
    """The latest of the epochs 1, 2, 4, 8, ... that has been reached, counted from 0."""
    return min(RUNGS - 1, epoch.bit_length() - 1)


def naive_loss(encoded, origins, loss: str) -> float:
    """The loss of the naive forecast on these origins, as a network with this loss would count it."""
    targets = encoded.targets[origins].astype(np.float64)
    if encoded.encoder.target == "price":
        targets = targets - encoded.series[origins, None]
    size = np.abs(targets)
    if loss == "mae":
        return float(size.mean())
    if loss == "mse":
        return float(np.mean(size**2))
    return float(np.mean(np.where(size <= 1, 0.5 * size**2, size - 0.5)))


class _Progress(Listener):
    """Reports the fits of all folds of a trial as one curve.

    values: the best validation loss so far at each rung, relative to naive's, a mean over the folds so far
    """

    def __init__(self, reporter, should_stop, config, folds: int):
        self._reporter, self._should_stop, self._config, self._folds = reporter, should_stop, config, folds
        self.values: list[float] = []
        self._curve: list[float] = []
        self._done: list[float] = []
        self._naive = self._best = float("nan")
        self._reached, self._epochs = 0, 0

    def begin(self, naive: float):
        """Begins the next fold."""
        self._naive, self._best, self._reached = naive, float("inf"), 0

    def end(self):
        """Ends a fold: a fit that stopped early keeps its best value at the rungs that it did not reach."""
        self._fill(RUNGS)
        self._done.append(self._best)
        self._report()

    def epoch(self, log):
        self._epochs += 1
        self._best = min(self._best, self._relative(log.val_loss), 1.0 if log.best_epoch == 0 else np.inf)
        self._curve.append(round(self._relative(log.val_loss), 5))
        self._fill(rung(log.epoch) + 1)
        self._report()

    def asked_to_stop(self) -> bool:
        return self._should_stop()

    def _relative(self, loss):
        """As a ratio of errors: losses that are squared where errors are small count by their root."""
        if not self._naive > 0:
            return 1.0
        ratio = loss / self._naive
        return ratio if self._config.loss == "mae" else ratio**0.5

    def _fill(self, reached):
        while self._reached < reached:
            self.values.append(round(float(np.mean([*self._done, self._best])), 6))
            self._reached += 1

    def _report(self):
        thinned = self._curve
        if len(thinned) > POINTS:
            thinned = [thinned[i] for i in np.linspace(0, len(thinned) - 1, POINTS).astype(int)]
        fold = min(self._folds, len(self._done) + 1)
        self._reporter.report(phase=f"fold {fold} of {self._folds}", epoch=self._epochs,
                              epochs=max(self._epochs, self._folds * self._config.epochs),
                              values=list(self.values), curve=thinned)


def _try(ledger, run, reporter, should_stop) -> Computed:
    from forecasting.model.forecaster import fit_forecaster

    history, wanted = ledger.history(run.id), run.parameters
    folds = inner_folds(history, run.config, wanted["folds"], wanted.get("shifted", False))
    progress = _Progress(reporter, should_stop, run.config, len(folds))
    tables = []
    for fold in folds:
        check_history(fold.history, fold.config)
        parts = split(len(fold.history), fold.config)
        encoded = encode(fold.history, fold.config, parts)
        progress.begin(naive_loss(encoded, learning_origins(parts, fold.config)[1], fold.config.loss))
        forecaster, _, _ = fit_forecaster(encoded, fold.config, parts, progress)
        if should_stop():
            return Computed("stopped")
        progress.end()
        origins = np.arange(parts.validation_end - 1, parts.rows - 1)
        close = fold.history.close
        predicted = forecaster.predict_encoded(encoded, origins, watch=lambda _: should_stop())[:, 0]
        if np.isnan(predicted).any():
            return Computed("stopped")
        tables.append(pd.DataFrame({"actual": close[origins + 1], "naive": close[origins], "fold": fold.number,
                                    "predicted": predicted}, index=fold.history.dates[origins + 1]))
    values = [_value(table) for table in tables]
    save = None
    if wanted.get("days"):
        days = pd.concat(tables)

        def save(folder: Path):
            days.to_parquet(folder / FILE)

    scores = {"value": float(np.mean(values)), **{f"fold_{i}": value for i, value in enumerate(values, start=1)}}
    return Computed("finished", {"folds": scores}, save, metrics=scores)


def _value(table) -> float:
    naive = rmse(table["actual"], table["naive"])
    if not naive > 0:
        raise DataError("The price does not move on the days of a fold, so no forecast can be better than another. Choose "
                        "fewer folds or a longer period.")
    return rmse(table["actual"], table["predicted"]) / naive


def _read(folder: Path) -> pd.DataFrame:
    """Index Date: actual, predicted, naive, fold; one step ahead."""
    return pd.read_parquet(folder / FILE)


TRIAL = RunKind(_try, _read, report_every=0.5)
