"""Walk-forward backtest: the test part cut into folds, each predicted by a model that was refitted just before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, NotEnoughData
from forecasting.evaluation.metrics import rmse
from forecasting.evaluation.scores import scores, shown_in
from forecasting.model.config import RANGES, ForecastConfig

__all__ = ["MODES", "Fold", "backtest_reasons", "backtest_summary", "backtest_table", "fold_shares", "folds",
           "join_predictions"]

MODES = ("expanding", "sliding")
FEWEST_ROWS = 10


@dataclass(frozen=True)
class Fold:
    """One refit: an ordinary training whose test part is the fold's own days.

    number: from 1
    history: the prices up to the fold's last day, no later ones
    config: the run's settings, with the shares that make the fold's days the test part
    start, end: the first and the last day that it predicts
    rows: how many days that is; rows_before: how many rows training and validation have
    """

    number: int
    history: PriceHistory
    config: ForecastConfig
    start: pd.Timestamp
    end: pd.Timestamp
    rows: int
    rows_before: int


def folds(history: PriceHistory, config: ForecastConfig, k: int = 5, mode: str = "expanding") -> tuple[Fold, ...]:
    """Cuts the test part of a run into `k` folds of about equal length, oldest first.

    mode: 'expanding' trains each fold on all rows before it, 'sliding' on as many as the first fold has
    The validation part keeps its share of the rows before each fold.
    Raises ConfigError for another `k` or `mode`, NotEnoughData where the folds would be too short.
    """
    if mode not in MODES:
        raise ConfigError(f"mode must be one of {', '.join(MODES)}. Received: mode={mode!r}.")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 2 <= k <= 50:
        raise ConfigError(f"folds must be a whole number from 2 to 50. Received: folds={k!r:.60}.")
    n = len(history)
    test = round(n * config.test_share)
    first = n - test
    edges = [first + round(i * test / k) for i in range(k + 1)]
    smallest_share = RANGES["test_share"][0]
    shortest = min(end - start for start, end in pairwise(edges))
    if shortest < FEWEST_ROWS or shortest / n < smallest_share:
        needed = max(FEWEST_ROWS, int(np.ceil(smallest_share * n)))
        most = test // needed
        advice = f"Choose {most} folds or fewer, or" if most >= 2 else "Choose"
        raise NotEnoughData(f"{words.count_of(k, 'fold')} need at least {words.count(k * needed)} test prices, "
                            f"{words.count(needed)} each; got {words.count(test)}. {advice} a larger test share.")
    made = []
    for number, (start, end) in enumerate(pairwise(edges), start=1):
        begin = start - first if mode == "sliding" else 0
        rows, before = end - start, start - begin
        seen = replace(history, frame=history.frame.iloc[begin:end])
        made.append(Fold(number, seen, fold_shares(config, rows, before, first / n), history.dates[start],
                         history.dates[end - 1], rows, before))
    return tuple(made)


def fold_shares(config: ForecastConfig, rows: int, before: int, share_before: float) -> ForecastConfig:
    """`config` with a test part of exactly `rows` rows and the validation part's usual share of the rows before it."""
    validation = config.validation_share / share_before * before / (before + rows)
    low, high = RANGES["validation_share"][:2]
    return replace(config, test_share=rows / (before + rows), validation_share=float(np.clip(validation, low, high)))


def join_predictions(predictions) -> pd.DataFrame:
    """The out-of-sample predictions of all folds as one table, oldest first, with a column `fold`.

    predictions: {fold number: the fold's `TrainingResult.predictions`}; failed folds are left out
    """
    parts = [table[table["split"] == "test"].assign(fold=number) for number, table in sorted(predictions.items())]
    if not parts:
        columns = ["split", "actual", "predicted", "naive", "fold"]
        return pd.DataFrame(columns=columns, index=pd.DatetimeIndex([], name="Date"))
    joined = pd.concat(parts).sort_index()
    if not joined.index.is_unique:
        raise ValueError("Two folds predict the same day. Received folds of different backtests.")
    return joined


def backtest_table(predictions) -> pd.DataFrame:
    """Scores of each fold on its own days.

    predictions: as for `join_predictions`
    returns index fold; columns start, end, rows and the scores that folds show (mape in percent; NaN where undefined, see
    `backtest_reasons`), those of the intervals where there are any
    """
    table = {number: {"start": rows.index[0], "end": rows.index[-1], "rows": len(rows),
                      **{name: np.nan if values[name] is None else values[name]
                         for name in shown_in("folds") if name in values}}
             for number, (rows, values, _) in _scored(predictions).items()}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("fold")


def backtest_reasons(predictions) -> dict[int, dict[str, str]]:
    """{fold: {score: why it is undefined}} of `backtest_table`, without the folds that have every score."""
    reasons = {number: {name: why[name] for name in shown_in("folds") if name in why}
               for number, (_, _, why) in _scored(predictions).items()}
    return {number: why for number, why in reasons.items() if why}


def _scored(predictions):
    """{fold: (its rows, scores, reasons)}."""
    found = {}
    for number, rows in join_predictions(predictions).dropna(subset=["actual", "predicted", "naive"]).groupby("fold"):
        intervals = {level / 100: (rows[f"lower_{level}"], rows[f"upper_{level}"]) for level in (80, 95)
                     if f"lower_{level}" in rows}
        found[number] = rows, *scores(rows["actual"], rows["predicted"], rows["naive"], intervals)
    return found


def backtest_summary(predictions, unit: str = "day") -> str:
    """The spread of the folds' skills and the skill over all their days, in one sentence.

    unit: one step of the series, from `words.unit`
    """
    table = backtest_table(predictions)
    if not len(table):
        return "No fold has ended yet."
    rows = join_predictions(predictions).dropna(subset=["actual", "predicted", "naive"])
    naive = rmse(rows["actual"], rows["naive"])
    skills = table["skill"].dropna()
    if not naive or not len(skills):
        return f"{words.count_of(len(table), 'fold')}: the price never moved, so there is no error to be better than."
    pooled = 1 - rmse(rows["actual"], rows["predicted"]) / naive
    wins = int((skills > 0).sum())
    return (f"Over {words.count_of(len(table), 'fold')} and {words.count_of(len(rows), unit)} the skill is "
            f"{words.share(pooled, digits=1)}; fold by fold it runs from {words.share(skills.min(), digits=1)} to "
            f"{words.share(skills.max(), digits=1)}, and {wins} of {len(skills)} were better than naive.")
