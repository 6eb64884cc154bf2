"""The scores: each with its formula, its texts, its unit, which direction is better, and the tables that show it.

To add one, add an entry to `SCORES`: trainings then compute and save it, and the tables it names show it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from forecasting import words
from forecasting.evaluation import metrics
from forecasting.evaluation.metrics import Undefined

__all__ = ["SCORES", "Case", "Score", "always_words", "labels", "scores", "shown_in"]


@dataclass(frozen=True)
class Case:
    """The input of a score: one part of a series.

    actual, predicted, naive, last: (n,) on the same days; last: the last price known before each
    scale: of the MASE, or None where it is undefined; intervals: {level: (lower (n,), upper (n,))}
    """

    actual: np.ndarray
    predicted: np.ndarray
    naive: np.ndarray
    last: np.ndarray
    scale: float | None = None
    intervals: Mapping[float, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @property
    def hits(self) -> tuple[int, int]:
        """Right calls of a direction, and all calls."""
        return metrics.directional_hits(self.actual, self.predicted, self.last)


@dataclass(frozen=True)
class Score:
    """One score.

    label: in tables; help: what it is and what to compare it with
    compute: its value for a `Case`; may raise Undefined; None if it only shows other scores, through `text`
    unit: 'price', 'percent' (in percent already), 'share' (0 to 1), 'plain' or 'p' (a p-value)
    better: 'less' or 'more', None where neither is
    undefined: when it has no value, as a clause; '' if it always has one
    tables: where it is shown: 'parts' (training, validation and test), 'baselines', 'folds', 'compared', 'runs' (and
        MLflow's pages)
    level: of the interval it is about, or None; it is left out if there is no such interval
    signed: shown with its sign; text: (values, currency) -> what a table shows, instead of formatting it by its unit
    """

    label: str
    help: str
    compute: Callable[[Case], float] | None
    unit: str = "plain"
    better: str | None = None
    undefined: str = ""
    tables: tuple[str, ...] = ()
    level: float | None = None
    signed: bool = False
    text: Callable[[Mapping, str | None], str] | None = None

    def show(self, name: str, values: Mapping, currency: str | None = None) -> str:
        """The score as shown in a table; `words.UNKNOWN` if it is undefined or the run is older than the score.

        name: its key in `SCORES`; values: as from `scores`, or a row of a table of them
        """
        if self.text is not None:
            return self.text(values, currency)
        value = values.get(name)
        if self.unit == "price":
            return words.price(value, currency)
        if self.unit == "share":
            return words.share(value, signed=self.signed)
        if self.unit == "p":
            return words.probability(value)
        return words.percent(value) if self.unit == "percent" else words.number(value, 3)

    @property
    def about(self) -> str:
        """`help`, and when it has no value."""
        return f"{self.help} It is undefined {self.undefined}." if self.undefined else self.help


def scores(actual, predicted, naive, intervals=None, *, scale=None, last=None) -> tuple[dict, dict]:
    """Every score of one part of a series, and the reason of each that is None.

    actual, predicted, naive: (n,) on the same days
    intervals: {level: (lower (n,), upper (n,))}, e.g. {0.8: ..., 0.95: ...}, or None
    scale: of the MASE, from `metrics.mase_scale`, or None where it is undefined
    last: (n,) the last known prices; `naive` itself unless given
    returns values: {name: value or None} of every entry of `SCORES` that has a value of its own, those about an interval for
        the levels that are given; reasons: {name: sentence} for those that are None
    """
    case = Case(actual, predicted, naive, naive if last is None else last, scale, intervals or {})
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for name, score in SCORES.items():
        if score.compute is None or (score.level is not None and score.level not in case.intervals):
            continue
        try:
            values[name] = score.compute(case)
        except Undefined as reason:
            values[name], reasons[name] = None, str(reason)
    return values, reasons


def shown_in(table: str) -> tuple[str, ...]:
    """The scores that a table shows, in its order."""
    return tuple(name for name, score in SCORES.items() if table in score.tables)


def labels(names) -> dict[str, str]:
    """{name: label}; an unknown name, as an old run may have, is its own label."""
    return {name: SCORES[name].label if name in SCORES else name.replace("_", " ") for name in names}


def always_words(values: Mapping) -> str:
    """The more frequent direction and its share, e.g. 'up 52.10 %'; `words.UNKNOWN` where it is not known."""
    base = values.get("directional_base")
    if base is None or not math.isfinite(base):
        return words.UNKNOWN
    return f"{'up' if values['directional_up'] >= 0.5 else 'down'} {words.share(base)}"


def _interval_words(values, currency):
    low, high = values.get("directional_low"), values.get("directional_high")
    if low is None or not math.isfinite(low):
        return words.UNKNOWN
    return f"{words.number(100 * low)}–{words.share(high)}"


def _interval_scores(level: float) -> dict[str, Score]:
    """The scores of the interval of one level."""
    percent = f"{100 * level:g}"
    return {
        f"coverage_{percent}": Score(
            f"In the {percent} % interval",
            f"The share of prices within their {percent} % interval: compare it with {percent} %.",
            lambda case: metrics.coverage(case.actual, *case.intervals[level]), "share",
            tables=("parts", "folds", "compared"), level=level),
        f"width_{percent}": Score(
            f"Width of the {percent} % interval", "The mean distance of its bounds, in the unit of the prices.",
            lambda case: metrics.mean_width(*case.intervals[level]), "price", "less", level=level),
        f"interval_score_{percent}": Score(
            f"Interval score, {percent} %", "The mean width, and more for each miss, the farther the price lies outside.",
            lambda case: metrics.interval_score(case.actual, *case.intervals[level], level), "price", "less",
            tables=("compared",), level=level),
    }


_ZERO, _NEVER = "where a price is zero", "where the price never moved"
_NO_CALL = "where the price never moved or no direction is called"

SCORES = {
    "rmse": Score(
        "RMSE", "Root mean squared error, in the unit of the prices; large misses weigh most. Alone it says how restless the "
        "price was: compare it with the naive forecast's on the same days.",
        lambda case: metrics.rmse(case.actual, case.predicted), "price", "less",
        tables=("parts", "baselines", "folds", "compared", "runs")),
    "naive_rmse": Score(
        "Naive RMSE", "The same for repeating the last known price.", lambda case: metrics.rmse(case.actual, case.naive),
        "price", tables=("parts", "folds", "runs")),
    "mae": Score(
        "MAE", "Mean absolute error, in the unit of the prices: compare it with the naive forecast's on the same days.",
        lambda case: metrics.mae(case.actual, case.predicted), "price", "less",
        tables=("parts", "baselines", "compared")),
    "naive_mae": Score(
        "Naive MAE", "The same for repeating the last known price.", lambda case: metrics.mae(case.actual, case.naive), "price",
        tables=("parts",)),
    "mape": Score(
        "MAPE", "Mean absolute error in percent of the price. A small one is no merit, because prices hardly move within one "
        "step: compare it with the naive forecast's on the same days.",
        lambda case: metrics.mape(case.actual, case.predicted), "percent", "less", _ZERO,
        ("parts", "baselines", "folds", "compared", "runs")),
    "naive_mape": Score(
        "Naive MAPE", "The same for repeating the last known price.", lambda case: metrics.mape(case.actual, case.naive),
        "percent", None, _ZERO, ("parts", "runs")),
    "smape": Score(
        "sMAPE", "Absolute error in percent of the mean of price and prediction. It runs from 0 to 200 %, not to 100 %: "
        "compare it with the naive forecast's on the same days.",
        lambda case: metrics.smape(case.actual, case.predicted), "percent", "less",
        "where a price and its prediction are both zero", ("baselines",)),
    "mase": Score(
        "MASE", "Mean absolute error over the naive forecast's mean error in training, on other days. Where the price grew or "
        "fell since, so did its moves, and 1 is not the score of the naive forecast: compare with the naive forecast's own "
        "MASE on the same days.",
        lambda case: metrics.mase(case.actual, case.predicted, case.scale), "plain", "less",
        "where the price never moved in training", ("parts", "baselines")),
    "naive_mase": Score(
        "Naive MASE", "The naive forecast's own MASE on these days: what the MASE has to stay below. It is 1 only where the "
        "price moves as much as it did in training.",
        lambda case: metrics.mase(case.actual, case.naive, case.scale), "plain", None,
        "where the price never moved in training", ("parts",)),
    "skill": Score(
        "Skill", "1 - RMSE / naive RMSE: the share of the naive forecast's error that is gone. Zero is no better than "
        "repeating the last price; below zero is worse.",
        lambda case: metrics.skill(case.actual, case.predicted, case.naive), "share", "more", _NEVER,
        ("parts", "baselines", "folds", "compared", "runs"), signed=True),
    "directional_accuracy": Score(
        "Right direction", "Of the days on which the forecast calls a direction and the price moved, the share that it called "
        "right. Compare it with always calling the more frequent direction, not with 50 %.",
        lambda case: metrics.directional_accuracy(case.actual, case.predicted, case.last), "share", "more", _NO_CALL,
        ("parts", "baselines", "compared")),
    "directional_interval": Score(
        "Its 95 % interval", "Wilson's interval around the share of right directions. It takes the days for independent of "
        "each other, so it is rather too narrow than too wide; look whether the share of the more frequent direction lies in "
        "it, not whether 50 % does.", None, tables=("parts", "baselines"), text=_interval_words),
    "directional_low": Score(
        "Right direction, lower bound", "The lower end of that interval.",
        lambda case: metrics.binomial_interval(*case.hits)[0], "share", None, _NO_CALL),
    "directional_high": Score(
        "Right direction, upper bound", "The upper end of that interval.",
        lambda case: metrics.binomial_interval(*case.hits)[1], "share", None, _NO_CALL),
    "directional_calls": Score(
        "Calls", "On how many days the forecast called a direction and the price moved.", lambda case: case.hits[1], "plain",
        None, _NO_CALL),
    "directional_up": Score(
        "Days up", "The share of these days on which the price rose.",
        lambda case: metrics.directional_up(case.actual, case.predicted, case.last), "share", None, _NO_CALL),
    "directional_base": Score(
        "Always one way", "The share of the same days that is right for whoever always calls the more frequent direction. "
        "Which one that is was chosen in hindsight, on these very days: a stricter comparison than anyone "
        "could have made in advance.",
        lambda case: metrics.directional_base(case.actual, case.predicted, case.last), "share", None, _NO_CALL,
        ("parts", "baselines"), text=lambda values, currency: always_words(values)),
    "directional_p": Score(
        "McNemar's p", "Exact McNemar test of the right directions against always calling the more frequent one, on the days "
        "on which the two differ. Only a small p-value, such as 0.05, speaks for a difference.",
        lambda case: metrics.directional_p(case.actual, case.predicted, case.last), "p", None,
        "where the forecast always calls the more frequent direction", ("parts", "baselines")),
    **_interval_scores(0.8),
    **_interval_scores(0.95),
}
