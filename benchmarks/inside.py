"""How long the server takes for each view of the page Inside the LSTM; each should take 0.3 s at most.

    python benchmarks/inside.py [--units 64 64] [--window 60] [--cells lstm gru rnn tutorial_lstm]

The sample's prices and random weights: what is measured does not depend on what a network has learnt. Seconds are the median of
seven; the first one of each, which loads libraries and encodes the prices, is given apart. On a machine that is busy otherwise,
the processor's seconds tell more than the clock's, so that both are given for the slowest view.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from forecasting.inside import (
    BASELINES,
    attributions,
    equations,
    exciting_windows,
    export_network,
    export_window,
    gates,
    gradients_by_lag,
    inspect,
    load_example,
    memory,
    order_units,
    profile,
    replay,
    start_of,
    units,
    what_if,
)
from forecasting.model.cells import CELLS
from forecasting.model.snapshots import Snapshots
from forecasting.model.weights import Network

TIMES, MOST = 7, 0.3


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--units", type=int, nargs="+", default=[64, 64])
    options.add_argument("--window", type=int, default=60)
    options.add_argument("--cells", nargs="+", default=list(CELLS))
    asked = options.parse_args()
    print(f"{' + '.join(map(str, asked.units))} units, window {asked.window}; {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.1f}\n")
    found = {cell: measure(make(cell, asked.units, asked.window)) for cell in asked.cells}
    print(f"{'view':24}" + "".join(f"{CELLS[cell].label:>18}" for cell in found) + "   first time")
    for view in next(iter(found.values())):
        row = [times[view] for times in found.values()]
        print(f"{view:24}" + "".join(f"{usual:18.3f}" for usual, *_ in row) + f"{row[0][1]:13.3f}")
    for what, place in (("by the clock", 0), ("of the processor", 2)):
        slowest = max(one[place] for times in found.values() for one in times.values())
        print(f"\nslowest {what}: {slowest:.3f} s ({'within' if slowest <= MOST else 'MORE THAN'} {MOST} s)", end="")
    print()


def make(cell: str, widths, window: int):
    """The sample with a network of these sizes and random weights."""
    known, rng = load_example(), np.random.default_rng(0)
    kind = CELLS[cell]
    layers, inputs = [], 1
    for width in widths:
        columns = len(kind.gates) * width
        shapes = (inputs, columns), (width, columns), (2, columns) if kind.recurrent_bias else (columns,)
        layers.append(tuple(rng.normal(0, width**-0.5, shape).astype(np.float32) for shape in shapes))
        inputs = width
    head = rng.normal(0, 0.1, (inputs, 1)).astype(np.float32), np.zeros(1, np.float32)
    network = Network(kind, tuple(layers), head, None, window)
    snapshots = Snapshots()
    for epoch in range(20):
        snapshots.add(epoch, network.weights)
    config = replace(known.config, cell=cell, units=tuple(widths), window=window)
    return replace(known, config=config, _network=network, snapshots=snapshots)


def measure(result) -> dict[str, tuple[float, float, float]]:
    """{view: (median seconds, seconds of the first time, median seconds of the processor)}"""
    day = result.predictions.index[-100]
    views = {
        "window": lambda: inspect(result, day), "gates": lambda: gates(result, day),
        "gates, ordered": lambda: [order_units(layer["hidden"]) for layer in gates(result, day)],
        "equation": lambda: equations(result, day, layer=0, unit=1, step=5),
        "network for the browser": lambda: (export_network(result), export_window(result, day)),
        "what if": lambda: what_if(result, day, inspect(result, day).prices),
        **{f"attributions, {name}": lambda name=name: attributions(result, day, baseline=name) for name in BASELINES},
        **{f"profile, {name}": lambda name=name: profile(result, baseline=name) for name in BASELINES},
        "memory": lambda: memory(result), "gradients by lag": lambda: gradients_by_lag(result), "units": lambda: units(result),
        "exciting windows": lambda: exciting_windows(result, layer=0, unit=1), "replay": lambda: replay(result, day),
        "start": lambda: start_of(result, 1),
    }
    return {name: times(view) for name, view in views.items()}


def times(view) -> tuple[float, float, float]:
    taken, busy = [], []
    for _ in range(TIMES + 1):
        started, worked = time.perf_counter(), time.process_time()
        view()
        taken.append(time.perf_counter() - started)
        busy.append(time.process_time() - worked)
    return median(taken[1:]), taken[0], median(busy[1:])


if __name__ == "__main__":
    main()
