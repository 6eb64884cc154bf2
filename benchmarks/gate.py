"""What the guarded forecast loses where there is nothing to know, and what it keeps where there is something.

    python benchmarks/gate.py [--walks 200] [--seasonal 60] [--seed 0]

*Recommended*, untouched, on simulated series: random walks with GARCH noise of Student's t, where the naive forecast is the
best there is, and monthly series with a season. RMSE are ratios to the naive forecast's over the test part, from what each
origin knew. (`accuracy.py` has the same ratios of real series.)
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
from accuracy import beside_naive

from forecasting import RECOMMENDED, PriceHistory, train
from forecasting.evaluation.gate import PROVEN

STEPS = (1, 5, 10)
SEASONAL_ROWS = (240, 480)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--walks", type=int, default=200)
    options.add_argument("--seasonal", type=int, default=60)
    options.add_argument("--seed", type=int, default=0, help="of the first series; the others follow it")
    asked = options.parse_args()
    seeds = range(asked.seed, asked.seed + asked.walks)
    report(f"{asked.walks} random walks, GARCH(0.08, 0.90), t(5), 1300 rows", [measure(random_walk(seed)) for seed in seeds])
    for rows in SEASONAL_ROWS:
        seeds = range(asked.seed, asked.seed + asked.seasonal)
        report(f"{asked.seasonal} monthly series with a season, {rows} rows", [measure(seasonal(seed, rows)) for seed in seeds])


def random_walk(seed: int, rows: int = 1300) -> PriceHistory:
    """Daily prices whose next move has mean 0 and a variance that follows the last moves."""
    rng = np.random.default_rng(seed)
    reacts, lasts, usual = 0.08, 0.90, 1e-4
    variance, moves = usual, np.empty(rows)
    for t, shock in enumerate(rng.standard_t(5, rows) * math.sqrt(3 / 5)):
        moves[t] = math.sqrt(variance) * shock
        variance = usual * (1 - reacts - lasts) + reacts * moves[t] ** 2 + lasts * variance
    return make_history(moves, pd.bdate_range("2015-01-01", periods=rows), "trading days")


def seasonal(seed: int, rows: int) -> PriceHistory:
    """Monthly prices: a season of 3 to 20 %, a level that wanders by 0.07 to 0.42 of that a month, and noise."""
    rng = np.random.default_rng(1000 + seed)
    height = rng.uniform(0.03, 0.2)
    season = rng.normal(size=12)
    season = height * (season - season.mean()) / season.std()
    deviation = height * rng.uniform(0.1, 0.6)
    level = np.cumsum(rng.normal(0.003, 0.7 * deviation, rows)) + rng.normal(0, 0.5 * deviation, rows)
    logs = level + np.resize(season, rows)
    return make_history(np.diff(logs, prepend=0.0), pd.date_range("1980-01-01", periods=rows, freq="MS"), "monthly")


def make_history(moves, dates, frequency) -> PriceHistory:
    frame = pd.DataFrame({"Close": 100 * np.exp(np.cumsum(moves))}, index=dates.rename("Date"))
    return PriceHistory(frame, name="simulated", source="a simulation", frequency=frequency)


def measure(history: PriceHistory) -> dict:
    """Ratios by step, guarded and not, what is kept at the end, and the evidence over the test part."""
    result = train(history, RECOMMENDED)
    plain, guarded = (one.between(result.split.validation_end - 1, result.split.rows) for one in (result.steps, result.guarded))
    grown = result.evidence.log_evidence
    return {"plain": [beside_naive(plain, step) for step in STEPS], "guarded": [beside_naive(guarded, step) for step in STEPS],
            "kept": [result.gate.shrinkage[step - 1] for step in STEPS],
            "passed": bool((np.logaddexp.reduce(grown, axis=1) - math.log(grown.shape[1])).max() >= math.log(PROVEN))}


def report(title: str, lines: list[dict]):
    if not lines:
        return
    plain, guarded, kept = (np.array([line[name] for line in lines]) for name in ("plain", "guarded", "kept"))
    print(f"{title}\n{'steps ahead':<34}" + "".join(f"{step:>9}" for step in STEPS))
    rows = {"network alone, mean": plain.mean(axis=0), "network alone, worst": plain.max(axis=0),
            "guarded, mean": guarded.mean(axis=0), "guarded, worst": guarded.max(axis=0),
            "share of the gain kept": (1 - guarded).sum(axis=0) / (1 - plain).sum(axis=0),
            "share kept from the last row, mean": kept.mean(axis=0)}
    for name, values in rows.items():
        print(f"{name:<34}" + "".join(f"{value:>9.4f}" for value in values))
    passed = sum(line["passed"] for line in lines)
    print(f"the evidence reached {PROVEN:.0f} to 1 at any time in {passed} of {len(lines)}\n", flush=True)


if __name__ == "__main__":
    main()
