"""Memory and first step of a training on 1,000,000 rows: neither may grow with the window. And memory of other sizes.

    python benchmarks/memory.py [--rows 1000000] [--windows 60 240] [--supervision last_step]
    python benchmarks/memory.py --sizes

One epoch of the recommended network, its validation included, in a process for each window. Prints the seconds from the
prepared series to the beginning and the end of the first training step (its end waits for the compiler), the seconds
of the epoch, and the peak of the process's memory.

--sizes: the peak of training networks of many sizes for one epoch of one batch, its validation, its backup, a forecast and
saving included, each in a process of its own, beside the estimate that `size.peak_memory` gives.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

SIZES = [
    {"units": [32], "window": 60, "batch_size": 128, "supervision": "every_step"},
    {"units": [64, 64], "window": 60, "batch_size": 32},
    {"units": [256] * 4, "window": 250, "batch_size": 8},
    {"units": [32] * 2, "window": 250, "batch_size": 512},
    {"units": [32] * 2, "window": 250, "batch_size": 512, "cell": "gru"},
    {"units": [32] * 2, "window": 250, "batch_size": 512, "cell": "rnn"},
    {"units": [32] * 2, "window": 250, "batch_size": 512, "cell": "tutorial_lstm"},
    {"units": [32] * 2, "window": 250, "batch_size": 256, "recurrent_dropout": 0.2},
    {"units": [32] * 2, "window": 250, "batch_size": 256, "recurrent_dropout": 0.2, "cell": "gru"},
    {"units": [32] * 2, "window": 250, "batch_size": 256, "recurrent_dropout": 0.2, "cell": "rnn"},
    {"units": [64], "window": 250, "batch_size": 512},
    {"units": [64] * 2, "window": 250, "batch_size": 1024, "supervision": "every_step"},
    {"units": [1024] * 2, "window": 8, "batch_size": 8},
    {"units": [1024] * 4, "window": 100, "batch_size": 8, "supervision": "every_step"},
]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--windows", type=int, nargs="+", default=[60, 240])
    options.add_argument("--supervision", choices=("last_step", "every_step"), default="last_step")
    options.add_argument("--sizes", action="store_true")
    options.add_argument("--size", type=json.loads, help=argparse.SUPPRESS)
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.rows, asked.windows[0], asked.supervision)))
        return
    if asked.size:
        print(measure_size(asked.size))
        return
    if asked.sizes:
        report_sizes()
        return
    peaks = []
    for window in asked.windows:
        child = subprocess.run([sys.executable, __file__, "--measure", "--rows", str(asked.rows), "--windows", str(window),
                                "--supervision", asked.supervision], stdout=subprocess.PIPE, text=True, check=True)
        begun, ended, seconds, peak = json.loads(child.stdout)
        peaks.append(peak)
        print(f"window {window:4d}: first step after {begun:.2f} s and done after {ended:.2f} s, epoch {seconds:.1f} s, "
              f"peak {peak / 2**20:,.0f} MiB, {peak / peaks[0]:.3f} of the first", flush=True)


def measure(rows, window, supervision):
    """(seconds to the first step's beginning, to its end, seconds of the epoch, peak bytes)"""
    from forecasting.model.config import RECOMMENDED
    from forecasting.model.listener import Callbacks
    from forecasting.model.network import build_network
    from forecasting.model.training import TrainingData, configure_threads, fit_network

    configure_threads()
    config = dataclasses.replace(RECOMMENDED, window=window, supervision=supervision, horizon=1, epochs=1)
    moves = np.random.default_rng(0).normal(size=rows + 1).astype(np.float32)
    data = TrainingData(moves[:-1, None], moves[1:, None], np.arange(window - 1, rows * 7 // 10),
                        np.arange(rows * 7 // 10, rows * 8 // 10))
    network = build_network(config, 1)
    asked = []

    def should_stop():
        """Asked before each call of compiled steps, of which the first is one step."""
        if len(asked) < 2:
            asked.append(time.perf_counter())
        return False

    started = time.perf_counter()
    curve = fit_network(network, data, config, Callbacks(should_stop=should_stop)).curve
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return asked[0] - started, asked[1] - started, float(curve["seconds"].iloc[0]), peak


def report_sizes():
    from forecasting.model.config import ForecastConfig
    from forecasting.model.size import peak_memory

    for settings in SIZES:
        child = subprocess.run([sys.executable, __file__, "--size", json.dumps(settings)], stdout=subprocess.PIPE, text=True,
                               check=True)
        peak, estimate = int(child.stdout), peak_memory(ForecastConfig(**settings), rows=1000)
        print(f"{peak / 2**20:7,.0f} MiB, estimated {estimate / 2**20:7,.0f}, {100 * (estimate / peak - 1):+4.0f} %: "
              f"{', '.join(f'{name} {value}' for name, value in settings.items())}", flush=True)


def measure_size(settings) -> int:
    """Peak bytes of the process."""
    import tempfile

    from forecasting.model.backup import Backup
    from forecasting.model.config import ForecastConfig
    from forecasting.model.listener import Callbacks
    from forecasting.model.network import build_network, save_model
    from forecasting.model.size import chunks_of
    from forecasting.model.training import TrainingData, configure_threads, fit_network, predict_windows

    configure_threads()
    config = ForecastConfig(epochs=1, **settings)
    rows, k = chunks_of(config)
    first, end = config.window - 1, config.window - 1 + rows * k  # one batch
    random = np.random.default_rng(0)
    data = TrainingData(random.normal(size=(end + 50, 1)), random.normal(size=(end + 50, 1)), np.arange(first, end),
                        np.arange(end, end + 8))
    network = build_network(config, 1)
    with tempfile.TemporaryDirectory() as folder:
        fit_network(network, data, config, Callbacks(backup=Backup(Path(folder) / "backup", every=0.0)))
        predict_windows(network, data.inputs, np.arange(end, end + 4))
        save_model(network, Path(folder) / "model.keras")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
