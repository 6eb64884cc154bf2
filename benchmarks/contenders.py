"""Trains the model of a task in a process of its own, for training.py.

    python contenders.py {ours,keras,torch} TASK.npz THREADS
        Each line on standard input asks for an epoch; each line on standard output tells of one: its seconds, the
        processors' seconds, and the mean loss while learning. All start from the same weights and see the windows in
        the same order. THREADS is PyTorch's number of them, 0 for its own choice.
    python contenders.py {ours-fit,skip-fit,keras-fit} TASK.npz EPOCHS GOAL
        A whole training; one line tells of all epochs: the seconds and the processor's seconds from the start on, and
        the validation loss, which is the mean squared error of the standardised price. Ours ends early once that is
        GOAL. skip-fit is `forecasting.train` with the ridge regression beside the
        same network; fitting that counts.

A process each, because they want different threads, and because PyTorch may live in another environment.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

# The tutorial's network, by the ways of this project that learn fastest, chosen on Mackey-Glass and on the sines among
# batches of 32, 64 and 128, chunks of 8, 16 and 32 targets and learning rates from 0.005 to 0.03. The learning rate falls to
# nothing over as many epochs as Keras has.
FAST = {"supervision": "every_step", "target": "change", "batch_size": 64, "learning_rate": 0.01, "schedule": "cosine",
        "clip_norm": 1.0, "patience": None}


def main():
    name, path, *numbers = sys.argv[1:]
    task = np.load(path)
    if name.endswith("-fit"):
        fit = {"ours-fit": our_fit, "skip-fit": skip_fit, "keras-fit": keras_fit}[name]
        print(json.dumps(fit(task, int(numbers[0]), float(numbers[1]))), flush=True)
        return
    epoch = with_torch(task, int(numbers[0])) if name == "torch" else {"ours": ours, "keras": as_it_comes}[name](task)
    rng = np.random.default_rng(0)
    print(json.dumps("ready"), flush=True)
    for _ in sys.stdin:
        clock = Clock()
        loss = epoch(rng)
        print(json.dumps([*clock(), loss]), flush=True)


class Clock:
    """Seconds since it was made, and seconds that processors worked for this process since then."""

    def __init__(self):
        self._started = time.perf_counter(), time.process_time()

    def __call__(self):
        return time.perf_counter() - self._started[0], time.process_time() - self._started[1]


def weights_of(task):
    return [task[f"weight{i}"] for i in range(sum(name.startswith("weight") for name in task))]


def config_of(task):
    from forecasting.model.config import ForecastConfig

    return ForecastConfig.from_dict(json.loads(str(task["config"])))


def windows_of(task, part="train"):
    """x: (n, window, 1), y: (n, 1), copied out as Keras and PyTorch want them."""
    window, origins = config_of(task).window, task[part]
    every = np.lib.stride_tricks.sliding_window_view(task["inputs"][:, 0], window)
    return np.ascontiguousarray(every[origins - window + 1])[..., None], task["targets"][origins]


def data_of(task):
    from forecasting.model.training import TrainingData

    return TrainingData(task["inputs"], task["targets"], task["train"], task["validation"])


def ours(task):
    from forecasting.model.learner import Learner
    from forecasting.model.training import configure_threads

    configure_threads()
    learner = Learner(config_of(task), 1)
    learner.start(weights_of(task), data_of(task))
    return lambda rng: learner.train_epoch(rng, 0.01, lambda: False)[0]


def keras_model(task):
    import keras

    from forecasting.model.network import build_network

    model = build_network(config_of(task), 1)
    model.set_weights(weights_of(task))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def as_it_comes(task):
    model, (x, y), batch = keras_model(task), windows_of(task), config_of(task).batch_size

    def epoch(rng):
        order = rng.permutation(len(x))
        # Keras would shuffle by itself; here it sees the order that the others see.
        return model.fit(x[order], y[order], batch_size=batch, shuffle=False, verbose=0).history["loss"][0]

    return epoch


def with_torch(task, threads):
    import torch

    if threads:
        torch.set_num_threads(threads)
    x, y = (torch.from_numpy(v) for v in windows_of(task))
    config = config_of(task)
    units, layers, batch = config.units[0], len(config.units), config.batch_size
    lstm, head = torch.nn.LSTM(1, units, num_layers=layers, batch_first=True), torch.nn.Linear(units, 1)
    given = [torch.from_numpy(w.T.copy()) for w in weights_of(task)]
    with torch.no_grad():
        for layer in range(layers):
            kernel, recurrent, bias = given[3 * layer : 3 * layer + 3]
            getattr(lstm, f"weight_ih_l{layer}").copy_(kernel)
            getattr(lstm, f"weight_hh_l{layer}").copy_(recurrent)
            getattr(lstm, f"bias_ih_l{layer}").copy_(bias)
            getattr(lstm, f"bias_hh_l{layer}").zero_().requires_grad_(False)  # Keras has one bias
        head.weight.copy_(given[-2])
        head.bias.copy_(given[-1])
    learnt = [p for p in [*lstm.parameters(), *head.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(learnt, lr=0.01, eps=1e-7)

    def epoch(rng):
        total, order = 0.0, torch.from_numpy(rng.permutation(len(x)))
        for rows in order.split(batch):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(head(lstm(x[rows])[0][:, -1]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        return total / len(x)

    return epoch


def our_fit(task, epochs, goal):
    import dataclasses

    from forecasting.model.config import TUTORIAL
    from forecasting.model.listener import Callbacks
    from forecasting.model.network import build_network
    from forecasting.model.training import TrainingData, configure_threads, fit_network

    configure_threads()
    config = dataclasses.replace(TUTORIAL, epochs=epochs, **FAST)
    changes = task["targets"] - task["inputs"]
    scale = float(changes[task["train"]].std())
    data = TrainingData(task["inputs"], changes / scale, task["train"], task["validation"])
    model, clock, told = build_network(config, 1), Clock(), []
    fit_network(model, data, config, Callbacks(on_epoch=lambda log: told.append([*clock(), log.val_loss * scale**2]),
                                               should_stop=lambda: bool(told) and told[-1][-1] <= goal))
    return told


def skip_fit(task, epochs, goal):
    import dataclasses

    import keras  # noqa: F401 (loaded before the clock starts, as for the others)
    import pandas as pd

    from forecasting import PriceHistory, train
    from forecasting.model.config import TUTORIAL
    from forecasting.model.encoding import encode
    from forecasting.model.split import split
    from forecasting.model.training import configure_threads

    configure_threads()
    prices = task["inputs"][:, 0].astype(np.float64)
    history = PriceHistory(pd.DataFrame({"Close": prices}, index=pd.date_range("1980", periods=len(prices))), "task", "task")
    config = dataclasses.replace(TUTORIAL, epochs=epochs, skip="ridge", validation_share=0.1, test_share=0.2, **FAST)
    scale = encode(history, config, split(len(history), config)).encoder.scale
    clock, told = Clock(), []
    train(history, config, lambda log: told.append([*clock(), log.val_loss * scale**2]),
          lambda: bool(told) and told[-1][-1] <= goal)
    return told


def keras_fit(task, epochs, _):
    import keras

    keras.utils.set_random_seed(0)
    model, clock, told = keras_model(task), Clock(), []
    tell = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: told.append([*clock(), logs["val_loss"]]))
    model.fit(*windows_of(task), batch_size=32, epochs=epochs, validation_data=windows_of(task, "validation"), verbose=0,
              callbacks=[tell])
    return told


if __name__ == "__main__":
    main()
