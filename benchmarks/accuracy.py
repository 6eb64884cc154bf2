"""Forecast accuracy and intervals over a folder of price files, beside the naive forecast and ridge regression.

    python benchmarks/accuracy.py FOLDER [--preset Recommended] [--quick] [--only NAME ...] [--seed 0]

Every CSV file of FOLDER is one series. The test part (the last fifth) is read for the scores alone. Without FOLDER the
samples that ship with the project are run. Files whose name has 'seasonal' or 'vix' in it count as structured: series
that have something to learn. RMSE are ratios to the naive forecast's on the same rows, one step ahead.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from forecasting import PriceHistory, load_sample, read_prices
from forecasting.data.samples import SAMPLES
from forecasting.errors import ForecastingError
from forecasting.evaluation.baselines import ridge_predictions
from forecasting.evaluation.metrics import rmse
from forecasting.evaluation.volatility import expect_moves
from forecasting.model.config import PRESETS
from forecasting.result import TrainingResult, train
from forecasting.steps import collect_steps

STRUCTURED = ("seasonal", "vix", "waves")
LONG = 250        # test rows from which coverage is judged
NEAR_STEPS = 10   # steps whose coverage is judged


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", nargs="?", type=Path)
    options.add_argument("--preset", choices=PRESETS, default="Recommended")
    options.add_argument("--quick", action="store_true", help="the same as --preset 'Quick look'")
    options.add_argument("--only", nargs="+", default=[], help="parts of the names of the series to run")
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    preset = "Quick look" if asked.quick else asked.preset
    config = dataclasses.replace(PRESETS[preset], seed=asked.seed)
    print(f"{preset}: {config}\n")
    lines = []
    for name, read in series(asked.folder):
        if asked.only and not any(part in name for part in asked.only):
            continue
        try:
            line = measure(name, train(read(), config))
        except ForecastingError as error:
            print(f"{name:<28.28} {error}", flush=True)
            continue
        print((HEADER + "\n" if not lines else "") + as_text(line), flush=True)
        lines.append(line)
    if lines:
        print("\n" + summary(pd.DataFrame(lines)))


def series(folder: Path | None):
    """(name, function that reads it) of every series."""
    if folder is None:
        return [(name, lambda name=name: load_sample(name)) for name in SAMPLES]
    return [(path.stem, lambda path=path: read_prices(path, name=path.stem)) for path in sorted(folder.glob("*.csv"))]


def measure(name: str, result: TrainingResult) -> dict:
    """One line of the table."""
    history, parts = result.history, result.split
    test = result.predictions[result.predictions["split"] == "test"]
    actual, naive = test["actual"].to_numpy(), test["naive"].to_numpy()
    predicted = test["predicted"].to_numpy()
    reference = rmse(actual, naive)
    ridge = ridge_predictions(history.close, parts.train_end, parts.validation_end, result.config.window)
    steps, held = (one.between(parts.validation_end - 1, parts.rows) for one in (result.steps, result.guarded))
    by_step = [coverages(steps, step) for step in range(1, min(NEAR_STEPS, result.config.horizon) + 1)]
    others = naive_steps(history, result).between(parts.validation_end - 1, parts.rows)
    scores, before = result.metrics["test"], result.metrics["validation"]
    return {
        "series": name, "rows": len(history), "test": len(test), "naive": reference,
        "validation": before["rmse"] / before["naive_rmse"], "model": rmse(actual, predicted) / reference,
        "guarded": beside_naive(held, 1), "far": beside_naive(held, NEAR_STEPS), "plain_far": beside_naive(steps, NEAR_STEPS),
        "ridge": rmse(actual, ridge) / reference,
        "in_80": scores["coverage_80"], "in_95": scores["coverage_95"],
        "guarded_80": coverages(held, 1)[0], "guarded_95": coverages(held, 1)[1],
        "far_80": farthest(by_step, 0, 0.8), "far_95": farthest(by_step, 1, 0.95),
        "width_80": width(steps, 0.8) / width(others, 0.8), "width_95": width(steps, 0.95) / width(others, 0.95),
        "gate": result.gate.passed, "best": result.best_epoch, "epochs": len(result.curve), "seconds": result.seconds,
    }


def beside_naive(steps, step: int) -> float:
    """RMSE over the naive forecast's of the forecasts `step` rows ahead, or of the last step where there are fewer."""
    step = min(step, steps.predicted.shape[1])
    known = np.isfinite(steps.actual[:, step - 1])
    actual = steps.actual[known, step - 1]
    return rmse(actual, steps.predicted[known, step - 1]) / rmse(actual, steps.last[known])


def coverages(steps, step: int) -> tuple[float, float]:
    """The shares of what came `step` rows later within the bounds of 80 and of 95 %."""
    known = np.isfinite(steps.actual[:, step - 1])
    actual = steps.actual[known, step - 1]
    shares = []
    for level in (0.8, 0.95):
        lower, upper = (bound[known, step - 1] for bound in steps.bounds(level))
        shares.append(float(np.mean((lower <= actual) & (actual <= upper))))
    return tuple(shares)


def farthest(by_step, column: int, level: float) -> float:
    """The coverage of the step that is farthest from `level`."""
    return max((shares[column] for shares in by_step), key=lambda share: abs(share - level))


def naive_steps(history: PriceHistory, result: TrainingResult):
    """The naive forecast with intervals of its own, made the same way."""
    first, horizon = result.config.window - 1, 1
    positive = result.encoder.positive
    return collect_steps(history.close, result.split, first, np.tile(history.close[first:, None], horizon), positive,
                         expect_moves(history, result.split, horizon, positive))


def width(steps, level: float) -> float:
    """The mean width of the one-step intervals."""
    lower, upper = steps.bounds(level)
    return float(np.mean(upper[:, 0] - lower[:, 0]))


HEADER = (f"{'series':<28} {'rows':>6} {'test':>5} {'naive':>9} {'valid':>6} {'model':>6} {'guard':>6} {'far':>6} {'ridge':>6} "
          f"{'80%':>5} {'95%':>5} {'far80':>5} {'far95':>5} {'w80':>5} {'w95':>5} {'gate':>4} {'best':>6} {'sec':>5}")


def as_text(line: dict) -> str:
    return (f"{line['series']:<28.28} {line['rows']:>6} {line['test']:>5} {line['naive']:>9.4g} {line['validation']:>6.3f} "
            f"{line['model']:>6.3f} {line['guarded']:>6.3f} {line['far']:>6.3f} {line['ridge']:>6.3f} "
            f"{100 * line['in_80']:>5.1f} {100 * line['in_95']:>5.1f} {100 * line['far_80']:>5.1f} "
            f"{100 * line['far_95']:>5.1f} {line['width_80']:>5.2f} {line['width_95']:>5.2f} "
            f"{'open' if line['gate'] else 'shut':>4} {line['best']:>3}/{line['epochs']:<2} {line['seconds']:>5.1f}")


def summary(table: pd.DataFrame) -> str:
    """What is asked of the whole, each beside its goal."""
    structured = table["series"].str.contains("|".join(STRUCTURED))
    market, learnable, long = table[~structured], table[structured], table[table["test"] >= LONG]
    said = []
    if len(market):
        said += [f"market series ({len(market)}): median {market['model'].median():.4f} x naive (goal 1.00); "
                 f"worst {market['model'].max():.4f} (1.05); guarded worst {market['guarded'].max():.4f}, "
                 f"{NEAR_STEPS} steps ahead {market['far'].max():.4f}"]
        if (market["test"] >= LONG).any():
            some = market[market["test"] >= LONG]
            said += [f"  with {LONG} test rows or more: worst {some['model'].max():.4f} (1.02); guarded worst "
                     f"{some['guarded'].max():.4f} (1.005), {NEAR_STEPS} steps ahead {some['far'].max():.4f} (1.01)"]
    if len(learnable):
        names = ("model", "guarded", "plain_far", "far", "ridge")
        mean, guarded, plain_far, far, ridge = (np.exp(np.log(learnable[name]).mean()) for name in names)
        said += [f"structured series ({len(learnable)}): geometric mean {mean:.4f} x naive (goal 0.50), guarded {guarded:.4f} "
                 f"(0.50); {NEAR_STEPS} steps ahead {plain_far:.4f}, guarded {far:.4f}; ridge {ridge:.4f}; "
                 f"worst beside ridge {(learnable['model'] / learnable['ridge']).max():.4f} (1)"]
    if len(long):
        misses = 100 * np.maximum((long["in_80"] - 0.8).abs(), (long["in_95"] - 0.95).abs())
        far = 100 * np.maximum((long["far_80"] - 0.8).abs(), (long["far_95"] - 0.95).abs())
        said += [f"coverage, {len(long)} series with {LONG} test rows or more: {(misses <= 3).sum()} within 3 points "
                 f"(goal 9 of 10), farthest {misses.max():.1f} points (6); any step up to {NEAR_STEPS}: farthest "
                 f"{far.max():.1f} points (5)"]
        misses = 100 * np.maximum((long["guarded_80"] - 0.8).abs(), (long["guarded_95"] - 0.95).abs())
        said += [f"  guarded forecasts: {(misses <= 3).sum()} within 3 points, farthest {misses.max():.1f} points"]
    said += [f"widths over the naive forecast's own: median {table['width_80'].median():.3f} and "
             f"{table['width_95'].median():.3f}, largest {table['width_80'].max():.3f} and {table['width_95'].max():.3f}"]
    return "\n".join(said)


if __name__ == "__main__":
    main()
