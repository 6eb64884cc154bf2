"""A forecaster: prices in, prices out. Preprocessing, the frozen linear part and the network, learnt together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.frequency import season_candidates
from forecasting.data.history import PriceHistory
from forecasting.model.config import ForecastConfig
from forecasting.model.preprocessing import Preprocessor, Split, part_labels
from forecasting.model.skip import Choice, LinearSkip, choose, fit_skip

__all__ = ["Forecaster", "combine", "fit_forecaster", "refit_forecaster"]

CHECKED = 100  # origins that the loss of a refit is shown on


@dataclass(frozen=True)
class Forecaster:
    """What a training learnt.

    model: a Keras model of plain layers, (batch, length, channels) -> (batch, horizon)
    """

    config: ForecastConfig
    preprocessor: Preprocessor
    model: object

    @property
    def length(self) -> int:
        """How many rows the model reads: the window, or more where a season reaches farther back."""
        return self.model.input_shape[1]

    def predict(self, history: PriceHistory, origins) -> np.ndarray:
        """(m, horizon) float64 prices: the forecasts from rows `origins` of `history`."""
        from forecasting.model.training import predict_windows

        # Rows of zeros stand for what lies before the history: no move is known there.
        padded = np.pad(self.preprocessor.inputs(history), ((self.length - 1, 0), (0, 0)))
        origins = np.asarray(origins)
        outputs = predict_windows(self.model, padded, origins + self.length - 1)
        return self.preprocessor.prices(outputs, history.close[origins])

    def extend(self, history: PriceHistory, path, dates: pd.DatetimeIndex) -> np.ndarray:
        """(steps,) prices that follow `history`: `path` (horizon,), and then what the model makes of its own forecasts.

        dates: (steps,) the days of the forecast
        Each round takes the last forecasts for prices and forecasts `horizon` more; where a feature needs other
        columns, these stay at the predicted close, and the volume stays what it last was.
        """
        path = np.asarray(path, dtype=np.float64)
        while len(path) < len(dates):
            seen = _append(history, path, dates[: len(path)])
            path = np.concatenate([path, self.predict(seen, [len(seen) - 1])[0]])
        return path[: len(dates)]


def fit_forecaster(history: PriceHistory, config: ForecastConfig, parts: Split, on_epoch=None, should_stop=None,
                   on_phase=None, backup=None):
    """Learns from the training part, with validation to choose by. Returns (Forecaster, FitResult, Choice or None).

    history: one that `check_history` accepts; backup: see `fit_network`
    Once should_stop says True, the rest of what was to be learnt is left out: there is always a forecaster.
    """
    on_phase("preparing the data")
    preprocessor = Preprocessor.fit(history, config, parts)
    origins = _origins(parts, config)
    choice = None
    if config.skip:
        on_phase("fitting the linear part")
        choice = _choose(history, config, parts, preprocessor, should_stop)
    fitted = _fit(history, config, preprocessor, choice, *origins, on_epoch, should_stop, on_phase, backup)
    return *fitted, choice


def refit_forecaster(history: PriceHistory, config: ForecastConfig, choice: Choice | None, rates, on_epoch=None,
                     should_stop=None, on_phase=None):
    """Learns again from all rows, as a finished training did. Returns (Forecaster, FitResult).

    choice: of the linear part; rates: `FitResult.rates` of that training, one for each epoch of the network, () for none
    """
    on_phase = on_phase or (lambda words: None)
    on_phase("preparing the data")
    parts = Split(len(history), len(history), len(history))
    origins = np.arange(config.window - 1, len(history) - config.horizon)
    # The last weights are kept, so that the loss on these origins, which training saw, decides nothing.
    config = dataclasses.replace(config, patience=None)
    return _fit(history, config, Preprocessor.fit(history, config, parts), choice, origins,
                origins[-CHECKED:], on_epoch, should_stop, on_phase, rates=rates)


def _choose(history, config, parts, preprocessor, should_stop):
    """How the linear part regresses: by training and validation alone, except in the leak lab."""
    rows = parts.rows if config.leak in ("validation", "shuffle") else parts.validation_end
    seasons = ()
    if config.season and preprocessor.target != "price":
        seasons = season_candidates(history.frequency, history.dates)
    return choose(preprocessor.series(history.close), preprocessor.targets(history.close), rows, config.window, seasons,
                  should_stop)


def _fit(history, config, preprocessor, choice, train, validation, on_epoch, should_stop, on_phase, backup=None,
         rates=None):
    """The linear part of `choice`, and the network on what it leaves over: (Forecaster, FitResult)."""
    from forecasting.model.network import build_network
    from forecasting.model.training import TrainingData, configure_threads, fit_network

    inputs, targets, skip = preprocessor.inputs(history), preprocessor.targets(history.close), None
    if choice is not None and choice.prior:
        series = preprocessor.series(history.close)
        skip = fit_skip(series, targets, train, config.window, choice, should_stop)
        targets -= skip.predict(series)
    on_phase("training")
    configure_threads()
    core = build_network(config, inputs.shape[1])
    fitted = fit_network(core, TrainingData(inputs, targets, train, validation), config, on_epoch, should_stop, backup, rates)
    return Forecaster(config, preprocessor, combine(core, skip, config, preprocessor.channels)), fitted


def combine(core, skip: LinearSkip | None, config: ForecastConfig, channels):
    """One plain Keras model: the network and the frozen linear part side by side, and their sum.

    core: (batch, window, channels) -> (batch, horizon)
    returns a model (batch, length, channels) -> (batch, horizon); `core` itself where there is no linear part
    """
    if skip is None or not skip.kernel.any():
        return core
    import keras

    length = max(config.window, skip.length)
    inputs = keras.Input((length, len(channels)), name="inputs")
    x = inputs
    if length > config.window:
        x = keras.layers.Cropping1D((length - config.window, 0), name="window")(x)
    for layer in core.layers:
        if not isinstance(layer, keras.layers.InputLayer):
            x = layer(x)
    kernel = np.zeros((length, len(channels), config.horizon), dtype=np.float32)
    kernel[length - skip.length :, channels.index("Close")] = skip.kernel
    flat = keras.layers.Flatten(name="flat")(inputs)
    linear = keras.layers.Dense(config.horizon, use_bias=False, trainable=False, name="linear")
    y = linear(flat)
    linear.set_weights([kernel.reshape(-1, config.horizon)])
    return keras.Model(inputs, keras.layers.Add(name="sum")([x, y]), name="forecaster")


def _origins(parts: Split, config: ForecastConfig):
    """(n,), (m,): the origins to learn from and to choose by; the leak lab's mistakes are made here."""
    train, validation, test = (np.arange(one.start, one.stop) for one in parts.origins(config.window, config.horizon))
    if config.leak == "validation" and len(test):
        return train, test
    if config.leak == "shuffle":
        labels = part_labels(parts, config)
        every = np.arange(config.window - 1, parts.rows - config.horizon)
        return every[labels[every + 1] == "train"], every[labels[every + 1] == "validation"]
    return train, validation


def _append(history, path, dates):
    """`history` with the days of a forecast as if they had come true."""
    rows = pd.DataFrame({name: path for name in history.frame if name != "Volume"}, index=dates)
    frame = pd.concat([history.frame, rows])
    if "Volume" in frame:
        frame["Volume"] = frame["Volume"].ffill()
    return dataclasses.replace(history, frame=frame)
