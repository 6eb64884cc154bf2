"""The same settings on many series: how many beat the naive forecast beyond luck, corrected for how many were tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from forecasting.evaluation.comparison import holm
from forecasting.evaluation.judgement import judge
from forecasting.evaluation.scores import SCORES
from forecasting.words import count, count_of, probability, share

__all__ = ["ManyJudged", "judge_many"]

PROVEN = 0.05
SHOWN = ("rmse", "naive_rmse", "mape", "skill")


@dataclass(frozen=True, eq=False)
class ManyJudged:
    """results: {name: TrainingResult}; sentence: the answer; table: cells as text, a row for each series
    help: {column of the table: what it means}
    better, worse: the series on which the network is proven better, or worse, than the naive forecast
    """

    results: Mapping
    sentence: str
    table: pd.DataFrame
    help: dict[str, str]
    better: frozenset[str]
    worse: frozenset[str]


def judge_many(results: Mapping) -> ManyJudged:
    """results: {name: TrainingResult}, one or more. p-values are corrected by Holm's method for the number of series."""
    beside = {name: judge(result.predictions, result.metrics["test"])[1] for name, result in results.items()}
    p_values = holm([one.p_value for one in beside.values()])
    corrected = {name: p for name, p in zip(beside, p_values, strict=True) if p is not None}
    proven = {name for name, p in corrected.items() if p < PROVEN and (beside[name].skill or 0) > 0}
    worse = {name for name, p in corrected.items() if p < PROVEN and (beside[name].skill or 0) < 0}
    return ManyJudged(results, _answer(results.values(), len(corrected), proven, worse),
                      _table(results, corrected, proven, worse), _HELP, frozenset(proven), frozenset(worse))


def _answer(results, tested: int, proven: set, worse: set) -> str:
    skills = [skill for result in results if (skill := result.metrics["test"]["skill"]) is not None]
    ahead = sum(skill > 0 for skill in skills)
    words = [f"On {count_of(len(results), 'series', 'series')}, {count(ahead)} had a smaller RMSE than the naive forecast; "
             f"{count(len(proven)) if proven else 'none'} beat it beyond luck"
             + (f" (Holm's correction for {count_of(tested, 'test')}, at {share(PROVEN, digits=0)})." if tested else ".")]
    if worse:
        words.append(f"{count(len(worse))} {'was' if len(worse) == 1 else 'were'} worse beyond luck.")
    if skills:
        words.append(f"The median skill is {share(float(pd.Series(skills).median()), digits=1)}.")
    return " ".join(words)


def _table(results, corrected, proven, worse) -> pd.DataFrame:
    rows = {}
    for name, result in results.items():
        values, currency = result.metrics["test"], result.history.currency
        answer = "Yes" if name in proven else "No, worse" if name in worse else "Not proven"
        rows[name] = {"Test rows": count(int((result.predictions["split"] == "test").sum())),
                      **{SCORES[score].label: SCORES[score].show(score, values, currency) for score in SHOWN},
                      "p, corrected": probability(corrected.get(name)), "Better than naive?": answer}
    return pd.DataFrame.from_dict(rows, orient="index")


_HELP = {SCORES[score].label: SCORES[score].about for score in SHOWN} | {
    "p, corrected": "Of the Diebold-Mariano test against the naive forecast, corrected by Holm for the number of series: among "
                    "many, a few look good by luck."}
