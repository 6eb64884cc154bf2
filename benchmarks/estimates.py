"""How well the time of a training is estimated before it starts.

    python benchmarks/estimates.py [--fit]

Trains each of `TRAININGS` on the sample, one after another in one process as a worker does. Other programs may share the
machine: each time is divided by how much longer than usual a reference training took right before and after it, and the
quickest of `ROUNDS` counts. Prints the estimate over that time: by the constants of each cell (`Cell.cost`), and by all
the other trainings of the list, as for a person who has trained a few. Where early stopping ended one, the latter is the
estimate of that end. --fit measures a grid for each cell instead, and prints the constants.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from forecasting import RECOMMENDED, load_sample, train
from forecasting.model.cells import CELLS
from forecasting.model.cells.cell import Cost
from forecasting.model.config import QUICK_LOOK
from forecasting.model.size import Timing, epoch_seconds, estimate, estimate_words

EVERY = dataclasses.replace(RECOMMENDED, patience=None, epochs=15)
LAST = dataclasses.replace(EVERY, supervision="last_step", epochs=5)
ROUNDS = 2
TWO = (64, 64)
SHORT = 1000  # rows; None: all
TRAININGS = [
    (EVERY, None), (dataclasses.replace(EVERY, batch_size=32), None), (dataclasses.replace(EVERY, units=TWO), None),
    (dataclasses.replace(EVERY, units=TWO, batch_size=32), SHORT), (LAST, None),
    (dataclasses.replace(LAST, units=TWO, batch_size=32), None), (dataclasses.replace(LAST, units=TWO, window=30), SHORT),
    (dataclasses.replace(EVERY, cell="gru"), None), (dataclasses.replace(EVERY, cell="gru", units=TWO), SHORT),
    (dataclasses.replace(LAST, cell="gru", batch_size=32), None), (dataclasses.replace(LAST, cell="gru", units=TWO), None),
    (dataclasses.replace(EVERY, cell="rnn", batch_size=32), None), (dataclasses.replace(EVERY, cell="rnn", units=TWO), None),
    (dataclasses.replace(LAST, cell="rnn", units=TWO, batch_size=32), None), (dataclasses.replace(LAST, cell="rnn"), None),
    (RECOMMENDED, None), (dataclasses.replace(RECOMMENDED, units=(64,), seed=1), None),
    (dataclasses.replace(RECOMMENDED, window=30, seed=2), None),
]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--fit", action="store_true")
    asked = options.parse_args()
    history = load_sample()
    measure(dataclasses.replace(QUICK_LOOK, epochs=1), history)  # loads TensorFlow
    if asked.fit:
        for cell in CELLS:
            print(cell, fit(cell, history), flush=True)
        return
    rounds = [measure_all([(config, history if rows is None else part(history, rows)) for config, rows in TRAININGS])
              for _ in range(ROUNDS)]
    usual = np.median([beside for timings in rounds for _, beside in timings])
    timings = [min((scaled(timing, usual / beside) for timing, beside in repeats), key=lambda timing: timing.seconds)
               for repeats in zip(*rounds, strict=True)]
    print(f"{'training':57} {'epochs':>8} {'seconds':>8} {'constants':>10} {'measured':>9}")
    firsts, learnt = [], []
    for timing in timings:
        others = [one for one in timings if one is not timing]
        start = CELLS[timing.config.cell].cost.start * len(timing.config.units)
        firsts.append((start + timing.epochs * epoch_seconds(timing.config, timing.rows)) / timing.seconds)
        second = estimate(timing.config, timing.rows, others, timing.fingerprint)
        learnt.append((second.usual if timing.epochs < timing.config.epochs else second.most) / timing.seconds)
        print(f"{name(timing):57} {timing.epochs:>3} of {timing.config.epochs:2} {timing.seconds:8.1f} {firsts[-1]:10.2f} "
              f"{learnt[-1]:9.2f}   {estimate_words(second, timing.config.epochs)}")
    for what, ratios in (("by the constants, for the epochs that were run", firsts), ("by the other trainings", learnt)):
        print(f"{what}: from {min(ratios):.2f} to {max(ratios):.2f} of the measured time, median {np.median(ratios):.2f}, "
              f"{sum(0.5 <= ratio <= 2 for ratio in ratios)} of {len(ratios)} within a factor of 2")


def measure_all(trainings):
    """Each training's timing, and the mean time of the reference training right before and after it."""
    reference = dataclasses.replace(LAST, epochs=20), part(load_sample(), SHORT)
    measure(*reference)  # compiles it
    timings, before = [], measure(*reference).seconds
    for training in trainings:
        timing, after = measure(*training), measure(*reference).seconds
        timings.append((timing, (before + after) / 2))
        before = after
    return timings


def scaled(timing, factor) -> Timing:
    return dataclasses.replace(timing, seconds=factor * timing.seconds, epoch_seconds=factor * timing.epoch_seconds)


def measure(config, history) -> Timing:
    started = time.perf_counter()
    result = train(history, config)
    seconds = result.curve["seconds"].to_numpy()
    return Timing(config, history.fingerprint, len(history), len(seconds), result.best_epoch,
                  float(np.median(seconds[1:] if len(seconds) > 1 else seconds)), time.perf_counter() - started)


def part(history, rows):
    return dataclasses.replace(history, frame=history.frame.iloc[-rows:])


def name(timing) -> str:
    config = timing.config
    units, supervision = " + ".join(map(str, config.units)), config.supervision.replace("_", " ")
    return f"{config.cell} {units}, {supervision}, window {config.window}, batch {config.batch_size}, {timing.rows}"


def fit(cell, history) -> Cost:
    """The constants that come closest to the logarithms of the measured seconds."""
    from scipy.optimize import minimize

    grid = itertools.product(("every_step", "last_step"), (32, 128), ((8,), (32,), TWO), ((60, None), (20, SHORT)))
    measured = measure_all([(dataclasses.replace(EVERY, cell=cell, supervision=supervision, batch_size=batch, units=units,
                                                 window=window, epochs=4), history if rows is None else part(history, rows))
                            for supervision, batch, units, (window, rows) in grid])
    usual = np.median([beside for _, beside in measured])
    timings = [scaled(timing, usual / beside) for timing, beside in measured]
    start = float(np.median([(one.seconds - one.epochs * one.epoch_seconds) / len(one.config.units) for one in timings]))

    def error(logs):
        CELLS[cell] = dataclasses.replace(CELLS[cell], cost=Cost(start, *np.exp(logs)))
        return sum(math.log(epoch_seconds(one.config, one.rows) / one.epoch_seconds) ** 2 for one in timings)

    best = minimize(error, np.log([1e-3, 5e-5, 0.3]), method="Nelder-Mead", options={"maxiter": 2000})
    return Cost(round(start, 2), *(float(f"{value:.2g}") for value in np.exp(best.x)))


if __name__ == "__main__":
    main()
