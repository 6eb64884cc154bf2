"""How good intervals are, beside GARCH and a single exponentially weighted mean, over a folder of daily price files.

    python benchmarks/intervals.py FOLDER [--arch PYTHON] [--preset Recommended] [--naive] [--only NAME ...] [--seed 0]
    python benchmarks/intervals.py FOLDER --speed [--only NAME ...]

Each CSV file of FOLDER with at least 1,000 trading days is one series, up to its first price that is not positive. Everything
is fitted once, on the rows before the test part (the last fifth). Scores are interval (Winkler) scores over the last price:
the width, and on a miss 2 / (1 - level) times what was missed by. They are ratios to GJR-GARCH's, fitted with Student's t, or
to the exponentially weighted mean's without --arch. Below 1 is better.

    --arch     the Python of an environment with `arch`, which makes the intervals of GARCH and GJR-GARCH (`garch.py`)
    --naive    trains no network: intervals around the naive forecast, which show what the volatility alone is worth
    --speed    how much more work an epoch is with the width head: an epoch of the price's network and one of the head over the
               former alone, compiled, by turns, medians of five; in seconds of processors, which hardly depend on how busy the
               machine is
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from forecasting import PriceHistory, read_prices, train
from forecasting.evaluation.volatility import expect_moves, fit_volatility
from forecasting.model.config import PRESETS
from forecasting.model.listener import Listener
from forecasting.model.split import split
from forecasting.model.width import CHUNK, ROWS, WINDOW, WidthData, fit_width, width_inputs
from forecasting.steps import collect_steps

STEPS, LEVELS = (1, 5, 10), (0.8, 0.95)
NEAR_STEPS = range(1, 11)  # whose coverage is judged
FEWEST = 1000
LONG = 250  # test rows from which coverage is judged
OURS, EWMA = "this project", "EWMA"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--arch", metavar="PYTHON")
    options.add_argument("--preset", choices=PRESETS, default="Recommended")
    options.add_argument("--naive", action="store_true")
    options.add_argument("--only", nargs="+", default=[], help="parts of the names of the series to run")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--speed", action="store_true")
    asked = options.parse_args()
    config = dataclasses.replace(PRESETS[asked.preset], seed=asked.seed)
    histories = dict(series(asked.folder, asked.only))
    if asked.speed:
        for name, history in histories.items():
            price, head = np.median([epoch_seconds(history, config) for _ in range(6)][1:], axis=0)  # the first compiles
            print(f"{name:<36.36} {len(history):>6} rows: an epoch of the price's network {price:.3f} s, of the head "
                  f"{head:.3f} s; together {1 + head / price:.2f} times the former (goal 1.3)", flush=True)
        return
    bounds = garch(histories, config, asked.arch) if asked.arch else {}
    scores, held = [], []
    for name, history in histories.items():
        start = time.perf_counter()
        made = {OURS: naive(history, config) if asked.naive else train(history, config).guarded,
                EWMA: naive(history, config, fitted=False)}
        seconds = time.perf_counter() - start
        parts = split(len(history), config)
        for method, steps in made.items():
            steps = steps.between(parts.validation_end - 1, parts.rows)
            for step in NEAR_STEPS:
                measure(name, method, step, steps, {level: steps.bounds(level) for level in LEVELS}, step - 1, scores, held)
        for method in ("GARCH-t", "GJR-t") if bounds else ():
            own = {level: np.exp(np.moveaxis(bounds[f"{name}/{method}/{level}"], 2, 0) / 100) * steps.last[None, :, None]
                   for level in LEVELS}
            for at, step in enumerate(STEPS):
                measure(name, method, step, steps, own, at, scores, held)
        print(f"{name:<36.36} {len(history):>6} rows, {seconds:.0f} s", flush=True)
    report(pd.DataFrame(scores, columns=["series", "method", "step", "level", "score"]),
           pd.DataFrame(held, columns=["series", "method", "step", "level", "coverage", "rows"]),
           "GJR-t" if bounds else EWMA)


def series(folder: Path, only):
    """(name, history) of each."""
    for path in sorted(folder.glob("*.csv")):
        if only and not any(part in path.stem for part in only):
            continue
        history = read_prices(path, name=path.stem)
        never = np.flatnonzero(history.close <= 0)
        if len(never):
            history = dataclasses.replace(history, frame=history.frame.iloc[: never[0]])
        if len(history) >= FEWEST and "day" in history.frequency.one and "seasonal" not in path.stem:
            yield path.stem, history


class Watch(Listener):
    """Counts the batches of a training, and stops it after so many."""

    def __init__(self, most: int):
        self.batches, self.most = 0, most

    def asked_to_stop(self) -> bool:
        self.batches += 1
        return self.batches > self.most


def epoch_seconds(history: PriceHistory, config, epochs: int = 4) -> tuple[float, float]:
    """Seconds that processors work on an epoch of the price's network and of the width head, without what comes before and
    after."""
    parts, ends = split(len(history), config), []
    train(history, dataclasses.replace(config, width=None, epochs=epochs + 1, patience=None), progress=False,
          on_epoch=lambda _: ends.append(time.process_time()))
    level = np.log(history.close)
    fitted = fit_volatility(level, parts.train_end, config.horizon)
    moves = np.full((len(level), config.horizon), np.nan)
    for step in range(1, config.horizon + 1):
        moves[:-step, step - 1] = level[step:] - level[:-step]
    data = WidthData(width_inputs(level, parts.train_end), fitted.scale, moves, fitted.freedom, parts.train_end,
                     parts.validation_end)
    batches = -(-len(np.arange(parts.train_end - 1, WINDOW + CHUNK - 3, -CHUNK)) // ROWS)  # of an epoch
    # A short and a long training, whose difference is made of epochs alone.
    (short, few), (long, many) = (timed(data, config.seed, Watch(number * batches)) for number in (1, 1 + 2 * epochs))
    return float(np.median(np.diff(ends))), (long - short) / (many - few) * batches


def timed(data, seed, watch: Watch) -> tuple[float, int]:
    """Seconds, and how many batches there were."""
    start = time.process_time()
    fit_width(data, seed, watch)
    return time.process_time() - start, min(watch.batches, watch.most)


def naive(history: PriceHistory, config, fitted: bool = True):
    """The naive forecast with intervals, scaled by a fitted volatility or by exponentially weighted means."""
    parts, horizon = split(len(history), config), NEAR_STEPS[-1]
    expected = expect_moves(history, parts, horizon, True) if fitted else None
    return collect_steps(history.close, parts, 0, np.tile(history.close[:, None], horizon), True, expected)


def garch(histories, config, python) -> dict:
    """The bounds that `garch.py` makes, in its form."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "returns.npz", Path(folder) / "bounds.npz"
        returns = {name: 100 * np.diff(np.log(history.close)) for name, history in histories.items()}
        firsts = {f"{name}/first": split(len(history), config).validation_end - 1 for name, history in histories.items()}
        np.savez(given, **returns, **firsts)
        subprocess.run([python, Path(__file__).with_name("garch.py"), given, made], check=True)
        with np.load(made) as arrays:
            return {name: arrays[name] for name in arrays.files}


def measure(name, method, step, steps, bounds, at, scores, held):
    """Adds a line for each level to `scores` and `held`. bounds: {level: two of (m, ...)}; at: the column of this step"""
    known = np.isfinite(steps.actual[:, step - 1])
    actual, last = steps.actual[known, step - 1], steps.last[known]
    for level, (lower, upper) in bounds.items():
        lower, upper = lower[known, at], upper[known, at]
        missed = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
        scores.append((name, method, step, level, float(np.mean((upper - lower + 2 / (1 - level) * missed) / last))))
        held.append((name, method, step, level, float(np.mean(missed == 0)), len(actual)))


def report(scores: pd.DataFrame, held: pd.DataFrame, anchor: str):
    table = scores[scores["step"].isin(STEPS)].pivot_table(index=["level", "step", "series"], columns="method", values="score")
    ratios = table.div(table[anchor], axis=0)
    order = [name for name in (OURS, EWMA, "GARCH-t", "GJR-t") if name in ratios]
    print(f"\nInterval scores as ratios to {anchor}, geometric means over {scores['series'].nunique()} series")
    print(np.exp(np.log(ratios[order]).groupby(["level", "step"]).mean()).round(4).to_string())
    print(f"\nSeries on which the score is below {anchor}'s")
    print((ratios[order] < 1).groupby(["level", "step"]).sum().to_string())
    print(f"\n{OURS}, series by series")
    print(ratios[OURS].unstack(["level", "step"]).round(3).to_string())
    misses = held[held["rows"] >= LONG - NEAR_STEPS[-1]].assign(points=100 * (held["coverage"] - held["level"]).abs())
    for method in order[:2]:
        own = misses[misses["method"] == method]
        one, any_step = (part.groupby("series")["points"].max() for part in (own[own["step"] == 1], own))
        print(f"\nCoverage, {method}: {(one <= 3).sum()} of {len(one)} series within 3 points at one step (farthest "
              f"{one.max():.1f}), {(any_step <= 5).sum()} within 5 at every step to {NEAR_STEPS[-1]} (farthest "
              f"{any_step.max():.1f})")


if __name__ == "__main__":
    main()
