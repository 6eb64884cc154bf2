"""How fast networks learn: seconds per epoch, and seconds to a given quality, beside Keras and PyTorch.

    python benchmarks/training.py [--quick] [--only {speed,quality}] [--torch PYTHON] [--torch-threads N]
                                  [--cells NAME ...] [--batches N ...] [--units N,N ...] [--supervision NAME ...]
                                  [--series NAME ...] [--files PATH ...] [--epochs N ...]

Speed: each cell at batch 32 and 128, with two layers of 64 units, one of 64 and one of 32, with the last step and with
every step supervised; a window of 60, 6,982 windows. Each contender is a process of its own; epochs are asked of them in
turn, so that a slow minute of the machine slows them all, and the ratio is the median of those of neighbours. The first
epoch compiles. Keras learns windows, whatever we learn: where every step is supervised, one epoch sees each target once
on either side. PyTorch takes part in the LSTM's where it is installed: here, or for the interpreter that --torch names.
Its threads wait for each other by spinning: on a busy machine it is many times faster with --torch-threads 1.
Quality: seconds until the lowest validation loss that Keras's own fit, with the tutorial's settings, has within 20 and
100 epochs, on series with something to learn. (On prices, such as AAPL's, that loss lies above the naive forecast's: an
untrained network reaches it.) The same network learns here to predict the change instead of the price; its loss is that
of the price that follows; its learning rate falls along one cosine over as many epochs as Keras has. It does so alone, and
beside a ridge regression (skip="ridge"). All start in a fresh process
whose TensorFlow is loaded, and compiling counts. The seconds that processors worked are printed too: on a busy machine
they are what can be compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from series import SERIES, mackey_glass, standardised

from forecasting import read_prices
from forecasting.model.cells import CELLS
from forecasting.model.config import CHOICES, TUTORIAL

HERE = Path(__file__).resolve().parent
TUTORIAL_ROWS = 10_060  # 6,982 windows in the training part


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a tenth of the rows and of the epochs")
    options.add_argument("--only", choices=("speed", "quality"))
    options.add_argument("--torch", default=sys.executable, metavar="PYTHON", help="an interpreter that has PyTorch")
    options.add_argument("--torch-threads", type=int, default=0, metavar="N", help="PyTorch's own choice unless given")
    options.add_argument("--cells", choices=CELLS, nargs="+", default=list(CELLS), help="of speed")
    options.add_argument("--batches", type=int, nargs="+", default=[32, 128], help="of speed")
    options.add_argument("--units", type=units_of, nargs="+", default=[(64, 64), (64,), (32,)], metavar="N,N",
                         help="of speed: the units of each layer")
    options.add_argument("--supervision", choices=CHOICES["supervision"], nargs="+", default=CHOICES["supervision"],
                         help="of speed")
    options.add_argument("--series", choices=SERIES, nargs="+", default=list(SERIES), help="of quality")
    options.add_argument("--files", type=Path, nargs="*", default=[], help="of quality: more series, as files of prices")
    options.add_argument("--epochs", type=int, nargs="+", default=[20, 100], help="of Keras, whose quality is asked for")
    asked = options.parse_args()
    rows = TUTORIAL_ROWS // 10 if asked.quick else TUTORIAL_ROWS
    if asked.only != "quality":
        for cell, units, supervision, batch in itertools.product(
                asked.cells, asked.units, asked.supervision, asked.batches):
            config = dataclasses.replace(TUTORIAL, cell=cell, units=units, supervision=supervision, batch_size=batch)
            report_speed(config, rows, asked, repeats=3 if asked.quick else 7)
    if asked.only != "speed":
        epochs = [max(1, n // 10) for n in asked.epochs] if asked.quick else asked.epochs
        for name in asked.series:
            report_quality(name, SERIES[name](rows), epochs)
        for path in asked.files:
            report_quality(path.stem, read_prices(path).close[:rows], epochs)


def units_of(text):
    return tuple(map(int, text.split(",")))


def report_speed(config, rows, asked, repeats):
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.npz"
        data = standardised(mackey_glass(rows), config.window)
        np.savez(task, **data, config=json.dumps(config.to_dict()), **first_weights(config))
        contenders = {"keras": sys.executable, "ours": sys.executable}
        if config.cell == "lstm" and has_torch(asked.torch):
            contenders["torch"] = asked.torch
        running = {name: Contender(python, name, task, asked.torch_threads) for name, python in contenders.items()}
        epochs = {name: [] for name in running}
        for _ in range(1 + repeats):  # the first compiles
            for name, contender in running.items():
                epochs[name].append(contender.epoch())
        for contender in running.values():
            contender.end()
    print(f"\n{config.cell}, {' + '.join(map(str, config.units))} units, {config.supervision}, batch {config.batch_size}: "
          f"an epoch of {len(data['train']):,} windows, median of {repeats} taken in turn")
    theirs = np.array(epochs["keras"])
    for name, told in epochs.items():
        told = np.array(told)  # (epochs, 3): seconds, processors' seconds, loss
        seconds, worked, _ = np.median(told[1:], axis=0)
        sooner, less, _ = np.median(theirs[1:] / told[1:], axis=0)
        title = {"ours": "this project", "keras": "Keras as it comes", "torch": "PyTorch nn.LSTM"}[name]
        apart = f"; losses within {np.abs(told - theirs)[:, 2].max():.1e} of Keras's" if learns_windows(name, config) else ""
        print(f"  {title:<18} {seconds:7.3f} s, {sooner:5.2f} x Keras; processors worked {worked:7.3f} s, {less:5.2f} x; "
              f"first epoch {told[0, 0]:6.2f} s, {theirs[0, 0] / told[0, 0]:5.2f} x{apart}", flush=True)


def learns_windows(name, config):
    """Whether this contender sees the same windows in the same order as Keras."""
    return name != "ours" or config.supervision == "last_step"


def first_weights(config):
    from forecasting.model.network import build_network

    return {f"weight{i}": w for i, w in enumerate(build_network(config, 1).get_weights())}


def has_torch(python):
    if python == sys.executable:
        return importlib.util.find_spec("torch") is not None
    return subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode == 0


class Contender:
    """A process of contenders.py."""

    def __init__(self, python, *arguments):
        command = [python, str(HERE / "contenders.py"), *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def epoch(self):
        """(seconds, processors' seconds, mean loss)"""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self):
        self._process.stdin.close()
        self._process.wait()

    def _answer(self):
        return json.loads(self._process.stdout.readline())


def report_quality(name, values, epochs):
    data = standardised(values, TUTORIAL.window)
    naive = np.mean((data["targets"] - data["inputs"])[data["validation"]] ** 2)
    print(f"\nTime to quality, {name}: {len(data['train']):,} windows; the naive forecast's loss is {naive:.3g}")
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.npz"
        np.savez(task, **data, config=json.dumps(TUTORIAL.to_dict()), **first_weights(TUTORIAL))
        theirs = learn("keras-fit", task, epochs[-1])
        for n in epochs:
            seconds, worked, _ = theirs[n - 1]
            goal = min(loss for *_, loss in theirs[:n])
            if goal >= naive:
                print(f"  Keras, lowest of {n} epochs: {goal:.3g}, which an untrained network beats: no goal")
                continue
            print(f"  Keras, lowest of {n} epochs: {goal:.3g}, {seconds:.1f} s, processors worked {worked:.1f} s")
            for title, fit in {"the network alone": "ours-fit", "beside ridge regression": "skip-fit"}.items():
                ours = learn(fit, task, n, goal)
                our_seconds, our_work, loss = ours[-1]
                verdict = (f"{seconds / our_seconds:.1f} x sooner, {worked / our_work:.1f} x less work" if loss <= goal
                           else f"lowest {min(loss for *_, loss in ours):.3g}: not reached")
                print(f"    this project, {title}: {len(ours)} epochs, {our_seconds:.1f} s, processors worked "
                      f"{our_work:.1f} s: {verdict}", flush=True)


def learn(name, task, epochs, goal=0.0):
    """[[seconds since the start, processors' seconds, validation loss], ...] of each epoch."""
    command = [sys.executable, str(HERE / "contenders.py"), name, str(task), str(epochs), str(goal)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
