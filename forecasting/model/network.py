"""The recurrent network that a ForecastConfig describes."""

from __future__ import annotations

from forecasting.model.config import ForecastConfig

__all__ = ["build_network"]


def build_network(config: ForecastConfig, n_features: int):
    """A Keras model of plain layers: (batch, window, n_features) -> (batch, horizon).

    Stacked recurrent layers, dropout between them, and a dense head with one output per step of the horizon. The head
    starts at zero unless the target is the price itself, so that an untrained network predicts no change: the naive
    forecast. Same config, same weights: every initialiser gets its own seed from `config.seed`.
    """
    import keras

    return keras.Sequential([keras.Input((config.window, n_features)), *layers_of(config)], name="core")


def layers_of(config: ForecastConfig) -> list:
    """The layers of `build_network`, without its input."""
    import keras

    seeds = iter(range(config.seed * 100, (config.seed + 1) * 100))

    def initializer(name):
        if name == "orthogonal":
            return keras.initializers.Orthogonal(seed=next(seeds))
        return {"glorot_uniform": keras.initializers.GlorotUniform,
                "he_normal": keras.initializers.HeNormal,
                "random_normal": keras.initializers.RandomNormal}[name](seed=next(seeds))

    cell = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}[config.cell]
    layers = []
    for i, units in enumerate(config.units):
        last = i == len(config.units) - 1
        layers.append(cell(units, return_sequences=not last, kernel_initializer=initializer(config.initializer),
                           recurrent_initializer=initializer(config.recurrent_initializer),
                           recurrent_dropout=config.recurrent_dropout, seed=next(seeds), name=f"{config.cell}_{i + 1}"))
        if config.dropout and not last:
            layers.append(keras.layers.Dropout(config.dropout, seed=next(seeds), name=f"dropout_{i + 1}"))
    head = "zeros" if config.target != "price" else keras.initializers.GlorotUniform(seed=next(seeds))
    layers.append(keras.layers.Dense(config.horizon, kernel_initializer=head, name="head"))
    return layers
