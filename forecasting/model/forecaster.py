"""A forecaster: prices in, prices out. The encoder, the frozen linear part and the network, learnt together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.model.config import ForecastConfig
from forecasting.model.encoding import Encoded, Encoder, encode
from forecasting.model.listener import SILENT, Listener
from forecasting.model.skip import Choice, LinearSkip, choose, fit_skip
from forecasting.model.split import Split, learning_origins

if TYPE_CHECKING:
    from forecasting.model.training import FitResult

__all__ = ["Forecaster", "average_models", "combine", "fit_forecaster", "refit_forecaster"]

CHECKED = 100  # origins on which the loss of a refit is measured, for display only


@dataclass(frozen=True)
class Forecaster:
    """What a training learnt.

    model: a Keras model of plain layers, (batch, length, channels) -> (batch, horizon)
    """

    config: ForecastConfig
    encoder: Encoder
    model: Any

    @property
    def length(self) -> int:
        """How many rows the model reads: the window, or more if a season reaches back further."""
        return self.model.input_shape[1]

    def predict(self, history: PriceHistory, origins) -> np.ndarray:
        """(m, horizon) float64 prices: the forecasts from rows `origins` of `history`."""
        return self.predict_encoded(self.encoder.encode(history), origins)

    def predict_encoded(self, encoded: Encoded, origins, watch=None) -> np.ndarray:
        """As `predict`, for a history already encoded by this forecaster's encoder. watch: as in `predict_windows`"""
        origins = np.asarray(origins)
        return self.encoder.prices(self.outputs(encoded, origins, watch), encoded.history.close[origins])

    def outputs(self, encoded: Encoded, origins, watch=None) -> np.ndarray:
        """(m, horizon) what the model puts out, before it is turned into prices."""
        from forecasting.model.training import predict_windows

        # Pad with zeros before the start of the history, where no moves are known.
        padded = np.pad(encoded.inputs, ((self.length - 1, 0), (0, 0)))
        return predict_windows(self.model, padded, np.asarray(origins) + self.length - 1, watch)

    def extend(self, history: PriceHistory, path, dates: pd.DatetimeIndex) -> np.ndarray:
        """(steps,) prices that follow `history`: `path` (horizon,), then forecasts made from its own forecasts.

        dates: (steps,) the days of the forecast
        Each round treats the latest forecasts as prices and forecasts `horizon` more. Features that need other columns see the
        predicted close in them, and the last known volume.
        """
        path = np.asarray(path, dtype=np.float64)
        while len(path) < len(dates):
            seen = _append(history, path, dates[: len(path)])
            path = np.concatenate([path, self.predict(seen, [len(seen) - 1])[0]])
        return path[: len(dates)]


def fit_forecaster(encoded: Encoded, config: ForecastConfig, parts: Split,
                   listener: Listener = SILENT) -> tuple[Forecaster, FitResult, Choice | None]:
    """Learns from the training part and chooses by validation. The Choice is that of the linear part, if there is one.

    encoded: by `encode` with the same settings and parts
    Once the listener asks to stop, whatever is left to learn is skipped, so there always is a forecaster.
    """
    choice = None
    if config.skip:
        listener.phase("fitting the linear part")
        choice = _choose(encoded, config, parts, listener)
    forecaster, fitted = _fit(encoded, config, choice, *learning_origins(parts, config), listener)
    return forecaster, fitted, choice


def refit_forecaster(history: PriceHistory, config: ForecastConfig, choice: Choice | None, rates: Sequence[float],
                     listener: Listener = SILENT) -> tuple[Forecaster, FitResult]:
    """Repeats a finished training on all rows.

    choice: that of the linear part; rates: `FitResult.rates` of that training, one per epoch, () for no epochs
    """
    listener.phase("preparing the data")
    rows = len(history)
    encoded = encode(history, config, Split(rows, rows, rows))
    origins = np.arange(config.window - 1, rows - config.horizon)
    # No patience, so the last weights are kept: the loss on these origins, which training has seen, must not decide.
    config = dataclasses.replace(config, patience=None)
    return _fit(encoded, config, choice, origins, origins[-CHECKED:], listener, rates)


def _choose(encoded, config, parts, listener):
    """How the linear part regresses: by training and validation alone, except in the leak lab."""
    rows = parts.rows if config.leak in ("validation", "shuffle") else parts.validation_end
    seasons: tuple[int, ...] = ()
    if config.season and encoded.encoder.target != "price":
        seasons = encoded.history.frequency.seasons(encoded.history.dates)
    return choose(encoded.series, encoded.targets, rows, config.window, seasons, listener)


def _fit(encoded, config, choice, train, validation, listener, rates=None):
    """The linear part of `choice`, and the network trained on its residuals: (Forecaster, FitResult)."""
    from forecasting.model.network import build_network
    from forecasting.model.training import TrainingData, configure_threads, fit_network

    inputs, targets, skip = encoded.inputs, encoded.targets, None
    if choice is not None and choice.prior:
        skip = fit_skip(encoded.series, targets, train, config.window, choice, listener)
        targets = targets - skip.predict(encoded.series)
    listener.phase("training")
    configure_threads()
    core = build_network(config, inputs.shape[1])
    untrained = core.get_weights()
    fitted = fit_network(core, TrainingData(inputs, targets, train, validation), config, listener, rates)
    forecaster = Forecaster(config, encoded.encoder, combine(core, skip, config, encoded.encoder.channels))
    chosen = rates is None and config.patience is not None and fitted.best_epoch and not fitted.stopped
    if chosen and not any(weight.any() for weight in untrained[-2:]):  # of the head: untrained, it adds nothing
        errors = encoded.targets[validation] - forecaster.outputs(encoded, validation)
        if not _is_better(errors, targets[validation], config.loss):
            core.set_weights(untrained)  # the forecaster's, too, whose layers these are
            fitted = dataclasses.replace(fitted, best_epoch=0, rates=())
    return forecaster, fitted


def _is_better(errors, others, loss: str) -> bool:
    """Whether `errors` (m, horizon) of consecutive origins cost less than `others`, by more than a standard error.

    The epoch is the best of many, on a validation part that is short beside what moves prices. On 16 market series the worst is
    1.000 of the naive forecast with this rule and 1.008 without it; on 60 random walks 1.007 and 1.023, and 1.02 and 1.31 ten
    steps ahead; on 35 monthly series with a season it changes the mean by less than half a per cent.
    Sources: the rule, Breiman and others, "Classification and regression trees" (1984); the standard error, since
    forecasts from neighbouring origins share most of what comes, Newey and West (1987).
    """
    gains = (_cost(others, loss) - _cost(errors, loss)).mean(axis=1)
    rest, horizon = gains - gains.mean(), errors.shape[1]
    variance = np.mean(rest**2)
    for lag in range(1, min(horizon, len(gains))):
        variance += 2 * (1 - lag / horizon) * np.mean(rest[lag:] * rest[:-lag])
    return bool(gains.mean() > 0 and gains.mean() ** 2 * len(gains) > variance)


def _cost(errors, loss):
    size = np.abs(errors, dtype=np.float64)
    if loss == "huber":
        return np.where(size <= 1, 0.5 * size**2, size - 0.5)
    return size if loss == "mae" else size**2


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


def average_models(models: Sequence):
    """One plain Keras model: the mean of models of the same shape on one input."""
    import keras

    inputs = keras.Input(models[0].input_shape[1:], name="inputs")
    outputs = []
    for number, model in enumerate(models, start=1):
        member = keras.models.clone_model(model)  # a member's name has to be unique, and the model given stays as it is
        member.set_weights(model.get_weights())
        member.name = f"member_{number}"
        outputs.append(member(inputs))
    return keras.Model(inputs, keras.layers.Average(name="average")(outputs), name="forecaster")


def _append(history, path, dates) -> PriceHistory:
    """`history` extended by a forecast as if it had come true."""
    rows = pd.DataFrame({name: path for name in history.frame if name != "Volume"}, index=dates)
    frame = pd.concat([history.frame, rows])
    if "Volume" in frame:
        frame["Volume"] = frame["Volume"].ffill()
    return dataclasses.replace(history, frame=frame)
