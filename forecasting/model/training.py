"""The training loop: epochs, schedules, early stopping, Stop within a fraction of a second."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.errors import NotEnoughData, TrainingError
from forecasting.model.backup import TrainingState
from forecasting.model.config import ForecastConfig
from forecasting.model.listener import SILENT, Listener
from forecasting.model.process import Pool, claim_tensorflow, load_tensorflow
from forecasting.model.snapshots import Snapshots

__all__ = ["NOT_A_NUMBER", "EpochLog", "FitResult", "TrainingData", "configure_threads", "fit_network",
           "predict_windows", "warm_up"]

NOT_A_NUMBER = "The loss was no longer a number"  # how the error of a training that diverged begins
PLATEAU = 3  # epochs without a better validation loss after which the schedule 'plateau' halves the learning rate


@dataclass(frozen=True)
class TrainingData:
    """A series as a network reads it. The window of origin o is inputs[o - window + 1 : o + 1], its target targets[o].

    inputs: (t, features) float32, one row a price row, oldest first
    targets: (t, horizon) float32, NaN where unknown
    train, validation: (n,) origins, each with a whole window up to it and a known target
    """

    inputs: np.ndarray
    targets: np.ndarray
    train: np.ndarray
    validation: np.ndarray

    def __post_init__(self):
        for name, dtype in (("inputs", np.float32), ("targets", np.float32), ("train", np.int32),
                            ("validation", np.int32)):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=dtype))


@dataclass(frozen=True)
class EpochLog:
    """The results of one epoch. seconds: of this epoch, its validation included; best_epoch: 0 is the untrained network."""

    epoch: int
    epochs: int
    loss: float
    val_loss: float
    seconds: float
    best_epoch: int
    learning_rate: float


@dataclass(frozen=True)
class FitResult:
    """The results of a training.

    curve: DataFrame epoch (from 1), loss, val_loss, seconds (of this epoch, its validation included)
    best_epoch: the one of lowest validation loss; 0: the untrained network was kept, or none was run
    rates: the learning rate of each epoch up to the one whose weights were kept: the best one if `patience` is set,
        otherwise the last
    stopped: whether the listener asked to stop
    snapshots: weights and gradients as they were
    """

    curve: pd.DataFrame
    best_epoch: int
    rates: tuple[float, ...]
    stopped: bool
    snapshots: Snapshots


def configure_threads(parallel: int | None = None):
    """`parallel` ops side by side, as many as there are cores unless given, and two threads that they compute on.

    The matrices of these networks are too small to be split between cores. Computing two halves of a batch side by side is
    faster, and XLA's code needs a thread for each. TensorFlow accepts this setting only before its first computation;
    later calls have no effect.
    """
    load_tensorflow()
    import tensorflow as tf

    claim_tensorflow()
    cores = parallel or os.cpu_count() or 1
    try:
        tf.config.threading.set_intra_op_parallelism_threads(min(2, cores))
        tf.config.threading.set_inter_op_parallelism_threads(cores)
    except RuntimeError:
        return


def warm_up(config: ForecastConfig, n_features: int = 1):
    """Compiles what a training with `config` needs, so that it starts immediately."""
    from forecasting.model.network import build_network
    from forecasting.model.width import warm_up_width

    rows = config.window + 8
    origins = np.arange(config.window - 1, rows)
    data = TrainingData(np.zeros((rows, n_features)), np.zeros((rows, config.horizon)), origins[:-1], origins[-1:])
    network = build_network(config, n_features)
    predict_windows(network, data.inputs, origins)
    fit_network(network, data, dataclasses.replace(config, epochs=1))
    if config.width:
        warm_up_width(config.horizon)


def fit_network(model, data: TrainingData, config: ForecastConfig, listener: Listener = SILENT, rates=None) -> FitResult:
    """Trains `model`, as `build_network(config, ...)` makes it, in place.

    It is left with the weights of the best epoch on the validation part if `config.patience` is set, and of the last
    one otherwise. The untrained network is a candidate too if it is the naive forecast.

    listener: an epoch that it interrupts does not count, unless it is the first: its row in the curve then covers the
        part that was seen
    rates: learning rates, one per epoch, to repeat an earlier training; None for the epochs and the schedule of `config`
    Raises NotEnoughData without a window in each part, and TrainingError when the loss is no longer a number; `model`
    then has the best weights so far.
    """
    from forecasting.model.learner import lend_learner

    claim_tensorflow()
    if not len(data.train) or not len(data.validation):
        raise NotEnoughData("Training needs at least one window in the training and one in the validation part. "
                            f"Received: {len(data.train)} and {len(data.validation)}. Choose a longer period, a "
                            "shorter window or other shares.")
    with lend_learner(config, data.inputs.shape[1]) as learner:
        return _fit(learner, model, data, config, listener, rates)


def _fit(learner, model, data, config, listener, rates) -> FitResult:
    """`fit_network` with a learner lent to it alone."""
    backup = listener.backup
    learner.start(model.get_weights(), data)
    progress = _Progress(config, model.get_weights())
    if config.patience is not None and not any(weight.any() for weight in model.layers[-1].get_weights()):
        progress.lowest = learner.loss_of_zeros()
    rng = np.random.default_rng(config.seed)
    rows: list[tuple[int, float, float, float]] = []
    stopped = False
    snapshots = Snapshots()
    snapshots.add(0, model.get_weights())
    before = backup.load() if backup else None
    # A state written by another version of the app may be incomplete; the training then starts over.
    if before is not None and learner.fits(before.variables) and before.progress.keys() == progress.state.keys():
        rows = list(before.rows)
        learner.set_state(before.variables)
        progress.restore(before.progress, before.kept)
        snapshots = before.snapshots
        rng.bit_generator.state = before.random
    last = config.epochs if rates is None else len(rates)
    epochs = () if progress.is_over else range(len(rows) + 1, last + 1)
    random = rng.bit_generator.state

    def state():
        return TrainingState(rows, learner.get_state(), progress.weights, progress.state, random, snapshots)

    for epoch in epochs:
        started, rate = time.perf_counter(), progress.learning_rate(epoch) if rates is None else rates[epoch - 1]
        loss, finished = learner.train_epoch(rng, rate, listener.asked_to_stop)
        val_loss = None
        if finished:
            val_loss = learner.validate(listener.asked_to_stop)
        stopped = val_loss is None and (loss is None or math.isfinite(loss))
        if stopped and loss is not None and not rows:
            val_loss = _glance(learner, model, data)
        elif stopped:
            if backup and rows:
                backup.offer(state, at_once=True)
            break
        if loss is None or val_loss is None or not (math.isfinite(loss) and math.isfinite(val_loss)):
            model.set_weights(progress.weights)
            raise TrainingError(_diverged(epoch, config))
        weights = learner.get_weights()
        progress.add(epoch, val_loss, weights, rate)
        snapshots.add(epoch, weights)
        snapshots.record(learner.gradient_norms, config.clip_norm)
        rows.append((epoch, loss, val_loss, time.perf_counter() - started))
        is_last, random = stopped or progress.is_over or epoch == last, rng.bit_generator.state
        if backup:
            # The last one is always kept: predicting follows, and may take longer than the training.
            backup.offer(state, at_once=is_last)
        listener.epoch(EpochLog(epoch, last, *rows[-1][1:], progress.best_epoch, rate))
        if is_last:
            break
    model.set_weights(progress.weights)
    return FitResult(pd.DataFrame(rows, columns=["epoch", "loss", "val_loss", "seconds"]), progress.best_epoch,
                     tuple(progress.rates[: progress.kept_epoch]), stopped, snapshots)


def _glance(learner, model, data) -> float:
    """The validation loss on a few origins, for an epoch that a stop cut short.

    By the forecasts that `predict_windows` makes, whose compiled steps the prediction that follows needs anyway: compiling
    those of the validation takes many seconds for a large network.
    """
    origins = learner.glance_origins()
    model.set_weights(learner.get_weights())
    return learner.loss_of(data.targets[origins], predict_windows(model, data.inputs, origins))


class _Progress:
    """Keeps track of the best epoch, the weights to keep, the learning rate and early stopping.

    >>> progress = _Progress(ForecastConfig(patience=2), weights=None)
    >>> for epoch, val_loss in enumerate([3.0, 1.0, 2.0, 2.0], start=1):
    ...     progress.add(epoch, val_loss, f"weights {epoch}")
    >>> progress.best_epoch, progress.weights, progress.is_over
    (2, 'weights 2', True)
    """

    def __init__(self, config, weights):
        self.config, self.weights = config, weights
        self.lowest, self.best_epoch, self.kept_epoch, self.waited = math.inf, 0, 0, 0
        self.rates = []
        self._scale = 1.0

    def learning_rate(self, epoch) -> float:
        """Of this epoch, by the schedule."""
        rate = self.config.learning_rate
        if self.config.schedule == "cosine":
            return rate * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / self.config.epochs))
        return rate * self._scale

    def add(self, epoch, val_loss, weights, rate=None):
        self.rates.append(rate)
        better = val_loss < self.lowest
        self.waited = 0 if better else self.waited + 1
        if better:
            self.lowest, self.best_epoch = val_loss, epoch
        if better or self.config.patience is None:
            self.weights, self.kept_epoch = weights, epoch
        if self.config.schedule == "plateau" and self.waited and self.waited % PLATEAU == 0:
            self._scale /= 2

    @property
    def state(self) -> dict:
        """Everything but the weights."""
        return {"lowest": self.lowest, "best_epoch": self.best_epoch, "kept_epoch": self.kept_epoch,
                "waited": self.waited, "rates": self.rates, "scale": self._scale}

    def restore(self, state: dict, weights):
        self.lowest, self.best_epoch, self.kept_epoch = state["lowest"], state["best_epoch"], state["kept_epoch"]
        self.waited, self.rates, self._scale, self.weights = state["waited"], list(state["rates"]), state["scale"], weights

    @property
    def is_over(self) -> bool:
        return self.config.patience is not None and self.waited >= self.config.patience


def _diverged(epoch, config):
    clip = "no limit on the gradient" if config.clip_norm is None else f"gradients limited to {config.clip_norm:g}"
    return (f"{NOT_A_NUMBER} in epoch {epoch}. Received: learning rate {config.learning_rate:g}, {clip}. "
            "Choose a lower learning rate or a lower gradient limit, and look for wrong prices in the data.")


def predict_windows(model, inputs, origins, watch=None) -> np.ndarray:
    """The model's forecasts from these origins.

    model: (batch, window, features) -> (batch, horizon); inputs: (t, features); origins: (n,) rows of it
    watch: called with how much is done (0 to 1) before each batch but the first; once it returns True, the rest is left out
    returns (n, horizon) float32, in the order of the origins; NaN for those that were left out
    """
    import tensorflow as tf

    from forecasting.model.learner import forecast_rows, in_batches

    claim_tensorflow()
    window, horizon = model.input_shape[1], model.output_shape[-1]
    rows, series = forecast_rows(model, window), tf.constant(np.asarray(inputs, dtype=np.float32))
    out = np.full((len(origins), horizon), np.nan, dtype=np.float32)
    with _forecasts.lend(model.to_json()) as (likeness, forecast, parts):
        likeness.set_weights(model.get_weights())
        for number, batch in enumerate(in_batches(origins, min(rows, len(origins)), parts)):
            if number and watch and watch(number * rows / len(origins)):
                break
            wanted = out[number * rows : (number + 1) * rows]
            wanted[:] = forecast(series, batch)[: len(wanted)]
    return out


def _compile_forecast(description: str):
    """A model of this description, its (inputs, ends) -> forecasts, and the number of parts that a batch is computed in,
    side by side. Cached, since compiling takes most of the wait after Stop."""
    import keras
    import tensorflow as tf

    model = keras.models.model_from_json(description)
    parts, window = 2, model.input_shape[1]
    series, ends = tf.TensorSpec((None, model.input_shape[2])), tf.TensorSpec((None,), tf.int32)

    @tf.function(input_signature=[series, ends], autograph=False)
    def forecast_part(inputs, ends):
        rows = tf.maximum(ends, window - 1)[:, None] + tf.range(1 - window, 1)
        return model(tf.gather(inputs, rows), training=False)

    # Traced once for all parts.
    @tf.function(input_signature=[series, ends], autograph=False)
    def forecast(inputs, ends):
        return tf.concat([forecast_part(inputs, part) for part in tf.split(ends, parts)], axis=0)

    return model, forecast, parts


_forecasts = Pool(_compile_forecast, kept=4)
