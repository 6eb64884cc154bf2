"""A run with predictions but no network, made without a training."""

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting import ForecastConfig, PriceHistory
from forecasting.model.split import split
from forecasting.result import rebuild
from forecasting.runs.take_home import data_files, pack_files

CONFIG = ForecastConfig(window=10, horizon=3, units=(4,), epochs=5)


def run_without_network(rows=150, seed=0, name="a walk", currency="USD", columns=("Close", "Volume"), start="2020-01-01",
                        freq="B", scale=1.0, **settings):
    """A `TrainingResult` whose predictions are the prices before, with noise."""
    rng, config = np.random.default_rng(seed), replace(CONFIG, **settings)
    close = scale * np.exp(rng.normal(0, 0.01, rows).cumsum())
    frame = pd.DataFrame({column: close * (1 + 0.01 * place) for place, column in enumerate(columns)},
                         index=pd.date_range(start, periods=rows, freq=freq))
    history = PriceHistory(frame.rename(columns={columns[0]: "Close"}), name, "made up", currency=currency, notes=("=note",))
    first = split(rows, config).train_end - 1
    steps = close[first:, None] * (1 + rng.normal(0, 0.01, (rows - first, config.horizon)))
    predicted = close[config.window - 1 : -1] * (1 + rng.normal(0, 0.01, rows - config.window))
    predicted[first - config.window + 1 :] = steps[:-1, 0]
    half = 0.02 * scale
    one_step = pd.DataFrame({"predicted": predicted, "lower_80": predicted - half, "upper_80": predicted + half,
                             "lower_95": predicted - 2 * half, "upper_95": predicted + 2 * half})
    curve = pd.DataFrame({"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "val_loss": [2.0, 1.0, 1.5], "seconds": [0.5, 0.1, 0.1]})
    return rebuild(history, config, one_step, steps, curve=curve, best_epoch=2, stopped=False, seconds=0.7, linear=None)


def small_zip(result, **changed):
    """The zip file of a run without its report; changed: {name of a file with _ for the dot: its bytes, None for no file}"""
    files = data_files(result)
    files |= {name.replace("_", "."): content for name, content in changed.items()}
    return pack_files({name: content for name, content in files.items() if content is not None})
