"""Builds the recurrent network of a ForecastConfig and its faster twin for training, and saves and loads models."""

from __future__ import annotations

import itertools
from zipfile import BadZipFile

from forecasting.deprecations import ignore_deprecations_in
from forecasting.errors import RunError
from forecasting.model.cells import CELLS
from forecasting.model.config import ForecastConfig
from forecasting.model.process import claim_tensorflow, load_tensorflow

__all__ = ["build_network", "build_trainer", "load_model", "save_model"]


def build_network(config: ForecastConfig, n_features: int):
    """A Keras model of plain layers: (batch, window, n_features) -> (batch, horizon).

    Stacked recurrent layers, dropout between them, and a dense head with one output per step of the horizon. The head
    starts at zero unless the target is the price itself: an untrained network predicts no change, the naive forecast.
    Same config, same weights: every layer draws from its own seed.
    """
    load_tensorflow()
    import keras

    claim_tensorflow()
    layers = _layers(config, CELLS[config.cell].keras_layer)
    return keras.Sequential([keras.Input((config.window, n_features), name="inputs"), *layers], name="core")


def build_trainer(config: ForecastConfig, n_features: int, fast: bool, every_step: bool):
    """The network of `build_network` in the form that trains fastest; its weights can be copied over unchanged.

    fast: use the cell's fast layers
    every_step: an output for every step that ends a whole window, instead of only for the last one
    returns a Keras model: (batch, steps, n_features) -> (batch, steps - window + 1, horizon), steps = window unless
        every_step
    """
    import keras

    cell = CELLS[config.cell]
    *layers, head = _layers(config, cell.fast_layer if fast else cell.keras_layer, every_step)
    ends = keras.layers.Cropping1D((config.window - 1, 0)) if every_step else keras.layers.Reshape((1, config.units[-1]))
    return keras.Sequential([keras.Input((None, n_features)), *layers, ends, head], name="trainer")


def save_model(model, path):
    """Writes a Keras model into the file `path`."""
    ignore_deprecations_in("keras")
    model.save(path)


def load_model(path):
    """Loads a saved model; `safe_mode` refuses code embedded in the file. Raises RunError for a bad or missing file."""
    load_tensorflow()
    import keras

    import forecasting.model.layers  # noqa: F401  (registers the layers that are not Keras's)

    claim_tensorflow()
    ignore_deprecations_in("keras")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, BadZipFile) as error:
        raise RunError(f"The model in {path} cannot be read: the file is missing or damaged. Train again, or choose "
                       "another run.") from error


def _layers(config, recurrent_layer, every_step=False):
    """The layers from the input on, the head last."""
    import keras

    seeds = itertools.count(1000 * config.seed)
    initializers = {"glorot_uniform": keras.initializers.GlorotUniform, "he_normal": keras.initializers.HeNormal,
                    "random_normal": keras.initializers.RandomNormal, "orthogonal": keras.initializers.Orthogonal}
    layers = []
    for number, units in enumerate(config.units, start=1):
        last = number == len(config.units)
        layers.append(recurrent_layer(
            units, return_sequences=every_step or not last, recurrent_dropout=config.recurrent_dropout,
            kernel_initializer=initializers[config.initializer](seed=next(seeds)),
            recurrent_initializer=initializers[config.recurrent_initializer](seed=next(seeds)),
            seed=next(seeds), name=f"{config.cell}_{number}"))
        if config.dropout and not last:
            layers.append(keras.layers.Dropout(config.dropout, seed=next(seeds), name=f"dropout_{number}"))
    start = initializers[config.initializer](seed=next(seeds)) if config.target == "price" else "zeros"
    layers.append(keras.layers.Dense(config.horizon, kernel_initializer=start, name="head"))
    return layers
