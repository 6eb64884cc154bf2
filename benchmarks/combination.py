"""What a run, ridge regression with seasons and gradient boosting are worth together, over a folder of price files.

    python benchmarks/combination.py FOLDER [--preset Recommended] [--only NAME ...] [--seed 0] [--simulated 0]

Every CSV file of FOLDER is one series. RMSE over the test part (the last fifth) are ratios to the naive forecast's on the same
rows, one step ahead unless it is said otherwise, and nothing is guarded by the evidence gate. Interval (Winkler) scores of the
combination are ratios to the run's own. Files whose name has 'seasonal' or 'vix' in it count as structured, the others as
market series. `--simulated N` goes on with N random walks and N monthly series with a season, from `gate.py`.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
from accuracy import STRUCTURED, beside_naive, series
from gate import random_walk, seasonal

from forecasting import train
from forecasting.evaluation.combination import BOOSTING, RIDGE, RUN
from forecasting.evaluation.gate import PROVEN
from forecasting.evaluation.metrics import rmse
from forecasting.model.config import PRESETS
from forecasting.result import TrainingResult

FAR = 10
LEVELS = (0.8, 0.95)
SEASONAL_ROWS = 480


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--preset", choices=PRESETS, default="Recommended")
    options.add_argument("--only", nargs="+", default=[], help="parts of the names of the series to run")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--simulated", type=int, default=0, metavar="N")
    asked = options.parse_args()
    config = dataclasses.replace(PRESETS[asked.preset], seed=asked.seed)
    print(f"{'series':<28} {'run':>6} {'ridge':>6} {'boost':>6} {'comb':>6}   {'far':>6} {'comb':>6}   {'is80':>6} {'is95':>6} "
          f"{'10: 80':>6} {'95':>6}   {'80%':>5} {'95%':>5}  {'shares':<11} {'sec':>5}")
    wanted = [(name, read) for name, read in series(asked.folder) if not asked.only or any(one in name for one in asked.only)]
    table = measured(wanted, config, lambda name: "structured" if any(one in name for one in STRUCTURED) else "market")
    for kind in ("structured", "market"):
        report(f"{kind} series", table[table["kind"] == kind])
    if asked.simulated:
        seeds = range(asked.seed, asked.seed + asked.simulated)
        kinds = {"random walks, GARCH(0.08, 0.90), t(5), 1300 rows": random_walk,
                 f"monthly series with a season, {SEASONAL_ROWS} rows": lambda seed: seasonal(seed, SEASONAL_ROWS)}
        for title, make in kinds.items():
            report(title, measured([(f"seed {seed}", lambda seed=seed, make=make: make(seed)) for seed in seeds], config))


def measured(wanted, config, kind=lambda name: "simulated") -> pd.DataFrame:
    """A row for each (name, function that makes the history) of `wanted`, printed unless simulated."""
    lines = []
    for name, read in wanted:
        line = measure(train(read(), config)) | {"series": name, "kind": kind(name)}
        if line["kind"] != "simulated":
            print(as_text(line), flush=True)
        lines.append(line)
    return pd.DataFrame(lines)


def measure(run: TrainingResult) -> dict:
    start = time.perf_counter()
    both = run.combined()
    seconds, parts, close = time.perf_counter() - start, run.split, run.history.close
    own, made = (one.steps.between(parts.validation_end - 1, parts.rows) for one in (run, both.tested))
    origins = own.origins[:-1]
    alone = both.members.predict(close, origins)
    naive = rmse(close[origins + 1], close[origins])
    scores, far = (np.divide(interval_scores(made, step), interval_scores(own, step)) for step in (1, FAR))
    test, evidence = both.tested.metrics["test"], both.tested.evidence.log_evidence
    return {"run": beside_naive(own, 1), "ridge": rmse(close[origins + 1], alone[RIDGE][:, 0]) / naive,
            "boosting": rmse(close[origins + 1], alone[BOOSTING][:, 0]) / naive if BOOSTING in alone else np.nan,
            "combination": beside_naive(made, 1), "run_far": beside_naive(own, FAR), "combination_far": beside_naive(made, FAR),
            "score_80": scores[0], "score_95": scores[1], "far_80": far[0], "far_95": far[1],
            "in_80": test["coverage_80"], "in_95": test["coverage_95"],
            "proven": bool((np.logaddexp.reduce(evidence, axis=1) - math.log(evidence.shape[1])).max() >= math.log(PROVEN)),
            "shares": [both.weights.get(name, 0.0) for name in (RUN, RIDGE, BOOSTING)], "seconds": seconds}


def interval_scores(steps, step) -> list[float]:
    """Mean width, and on a miss 2 / (1 - level) times what was missed by, over the last price, of 80 and 95 %."""
    known = np.isfinite(steps.actual[:, step - 1])
    actual, last, found = steps.actual[known, step - 1], np.abs(steps.last[known]), []
    for level in LEVELS:
        lower, upper = (bound[known, step - 1] for bound in steps.bounds(level))
        missed = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
        found.append(float(np.mean((upper - lower + 2 / (1 - level) * missed) / last)))
    return found


def as_text(line: dict) -> str:
    shares = "/".join(f"{100 * share:.0f}" for share in line["shares"])
    return (f"{line['series']:<28.28} {line['run']:>6.4f} {line['ridge']:>6.4f} {line['boosting']:>6.4f} "
            f"{line['combination']:>6.4f}   {line['run_far']:>6.4f} {line['combination_far']:>6.4f}   {line['score_80']:>6.3f} "
            f"{line['score_95']:>6.3f} {line['far_80']:>6.3f} {line['far_95']:>6.3f}   {100 * line['in_80']:>5.1f} "
            f"{100 * line['in_95']:>5.1f}  {shares:<11} {line['seconds']:>5.1f}")


def report(title: str, table: pd.DataFrame):
    if not len(table):
        return

    def mean(name):
        return np.exp(np.log(table[name]).mean())

    boosted = table.dropna(subset="boosting")
    print(f"\n{len(table)} {title}: geometric means, one step ahead and {FAR}")
    print(f"  run {mean('run'):.4f} and {mean('run_far'):.4f} (goal for structured ones: 0.48); ridge with seasons "
          f"{mean('ridge'):.4f}")
    print(f"  combination {mean('combination'):.4f} and {mean('combination_far'):.4f} (goal for structured ones: 0.465)")
    if len(boosted):
        pair = np.exp(np.log(boosted[["boosting", "run"]]).mean())
        print(f"  boosting {pair['boosting']:.4f} on the {len(boosted)} that are long enough, where the run has "
              f"{pair['run']:.4f}")
    print(f"  worst: run {table['run'].max():.4f} and {table['run_far'].max():.4f}, combination "
          f"{table['combination'].max():.4f} and {table['combination_far'].max():.4f} (goal for market series: 1.005)")
    print(f"  interval scores of the combination over the run's: 80 % {mean('score_80'):.4f}, 95 % {mean('score_95'):.4f}; "
          f"{FAR} steps ahead {mean('far_80'):.4f}, {mean('far_95'):.4f} (goal for structured ones: 0.95)")
    print(f"  the evidence for the combination reached {PROVEN:.0f} to 1 at any time in {table['proven'].sum()} of "
          f"{len(table)}", flush=True)


if __name__ == "__main__":
    main()
