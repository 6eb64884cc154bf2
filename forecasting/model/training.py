"""The training loop: windows gathered in the graph, early stopping, Stop within a fraction of a second."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.errors import NotEnoughData, TrainingError
from forecasting.model.config import ForecastConfig

__all__ = ["EpochLog", "FitResult", "TrainingData", "fit_network", "predict_windows"]

CALL_SECONDS = 0.15  # how long one compiled call may run before Python looks at should_stop again
PREDICT_BATCH = 1024


@dataclass(frozen=True)
class TrainingData:
    """A series as a network reads it. The window of origin o is inputs[o - window + 1 : o + 1], its target targets[o].

    inputs: (t, features) float32, one row a price row, oldest first
    targets: (t, horizon) float32, NaN where unknown
    train, validation: (n,) origins, each with a whole window before it and no NaN in its target
    """

    inputs: np.ndarray
    targets: np.ndarray
    train: np.ndarray
    validation: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "inputs", np.ascontiguousarray(self.inputs, dtype=np.float32))
        object.__setattr__(self, "targets", np.ascontiguousarray(self.targets, dtype=np.float32))
        object.__setattr__(self, "train", np.asarray(self.train, dtype=np.int32))
        object.__setattr__(self, "validation", np.asarray(self.validation, dtype=np.int32))


@dataclass(frozen=True)
class EpochLog:
    """What one epoch gave. seconds: of this epoch, its validation included; best_epoch: 0 is the untrained network."""

    epoch: int
    epochs: int
    loss: float
    val_loss: float
    seconds: float
    best_epoch: int
    learning_rate: float


@dataclass(frozen=True)
class FitResult:
    """curve: DataFrame of epoch (from 1), loss, val_loss, seconds. best_epoch: the one of lowest val_loss, 0 where the
    untrained network was the best. stopped: whether should_stop ended the training early."""

    curve: pd.DataFrame
    best_epoch: int
    stopped: bool


def fit_network(model, data: TrainingData, config: ForecastConfig, on_epoch=None, should_stop=None) -> FitResult:
    """Train `model` in place; see the issue's contract."""
    import tensorflow as tf

    if not len(data.train) or not len(data.validation):
        raise NotEnoughData(f"Training needs at least one window for training and one for validation. Received: "
                            f"{len(data.train)} and {len(data.validation)}. Choose a longer period or a shorter window.")
    should_stop = should_stop or (lambda: False)
    steps = _Steps(tf, model, data, config)
    rng = np.random.default_rng(config.seed)
    best = (float("inf"), 0, model.get_weights())
    rows, stopped, waited = [], False, 0
    if config.patience is not None and config.target != "price":
        best = (steps.validate(should_stop), 0, model.get_weights())
    for epoch in range(1, config.epochs + 1):
        start = time.perf_counter()
        loss, done = steps.train(rng.permutation(data.train), should_stop)
        val_loss = steps.validate(should_stop)
        if not done:
            stopped = True
            break
        if not np.isfinite(loss + val_loss):
            model.set_weights(best[2])
            raise TrainingError(f"The loss was no longer a number in epoch {epoch}. Lower the learning rate "
                                f"(now {config.learning_rate:g}) or clip the gradient (now {config.clip_norm}).")
        seconds = time.perf_counter() - start
        rows.append((epoch, loss, val_loss, seconds))
        waited += 1
        if val_loss < best[0]:
            best, waited = (val_loss, epoch, model.get_weights()), 0
        if on_epoch:
            on_epoch(EpochLog(epoch, config.epochs, loss, val_loss, seconds, best[1], config.learning_rate))
        if should_stop():
            stopped = True
            break
        if config.patience is not None and waited >= config.patience:
            break
    if config.patience is not None and np.isfinite(best[0]):
        model.set_weights(best[2])
    return FitResult(pd.DataFrame(rows, columns=["epoch", "loss", "val_loss", "seconds"]), best[1], stopped)


class _Steps:
    """Compiled training and validation over one resident series."""

    def __init__(self, tf, model, data, config):
        import keras

        self.data, self.batch, self.per_call = data, config.batch_size, 1
        inputs, targets = tf.constant(data.inputs), tf.constant(data.targets)
        offsets = tf.range(-config.window + 1, 1)
        loss_of = {"mse": keras.losses.mean_squared_error, "mae": keras.losses.mean_absolute_error,
                   "huber": keras.losses.huber}[config.loss]
        clip, decay = config.clip_norm, config.weight_decay or None
        optimizer = {
            "adam": lambda: keras.optimizers.Adam(config.learning_rate, global_clipnorm=clip, weight_decay=decay),
            "adamw": lambda: keras.optimizers.AdamW(config.learning_rate, global_clipnorm=clip, weight_decay=decay),
            "rmsprop": lambda: keras.optimizers.RMSprop(config.learning_rate, global_clipnorm=clip, weight_decay=decay),
            "sgd": lambda: keras.optimizers.SGD(config.learning_rate, momentum=config.momentum, global_clipnorm=clip,
                                                weight_decay=decay),
        }[config.optimizer]()
        variables = model.trainable_variables
        optimizer.build(variables)

        @tf.function(reduce_retracing=True)
        def train(order, first, last):
            total = 0.0
            for i in tf.range(first, last):
                origins = order[i * self.batch:(i + 1) * self.batch]
                x, y = tf.gather(inputs, origins[:, None] + offsets), tf.gather(targets, origins)
                with tf.GradientTape() as tape:
                    losses = loss_of(y, model(x, training=True))
                    loss = tf.reduce_mean(losses)
                optimizer.apply(tape.gradient(loss, variables), variables)
                total += tf.reduce_sum(losses)
            return total

        @tf.function(reduce_retracing=True)
        def validate(origins):
            x, y = tf.gather(inputs, origins[:, None] + offsets), tf.gather(targets, origins)
            return tf.reduce_sum(loss_of(y, model(x, training=False)))

        self._tf, self._train, self._validate = tf, train, validate

    def train(self, order, should_stop):
        """One epoch over the origins in `order`. Returns the mean loss and whether it went to the end."""
        tf, total, i = self._tf, 0.0, 0
        steps = -(-len(order) // self.batch)
        order = tf.constant(order)
        while i < steps:
            if should_stop():
                return float("nan"), False
            last, start = min(steps, i + self.per_call), time.perf_counter()
            total += float(self._train(order, tf.constant(i), tf.constant(last)))
            each = (time.perf_counter() - start) / (last - i)
            self.per_call, i = max(1, min(2 * self.per_call, int(CALL_SECONDS / each))), last
        return total / len(order), True

    def validate(self, should_stop):
        """The mean validation loss."""
        total, origins = 0.0, self.data.validation
        for i in range(0, len(origins), PREDICT_BATCH):
            if should_stop():
                return float("nan")
            total += float(self._validate(self._tf.constant(origins[i:i + PREDICT_BATCH])))
        return total / len(origins)


def predict_windows(model, inputs, origins, should_stop=None) -> np.ndarray:
    """The model's forecast from each origin: (n, horizon) float32."""
    import tensorflow as tf

    window = model.input_shape[1]
    series, offsets = tf.constant(np.ascontiguousarray(inputs, dtype=np.float32)), tf.range(-window + 1, 1)

    @tf.function(reduce_retracing=True)
    def predict(batch):
        return model(tf.gather(series, batch[:, None] + offsets), training=False)

    origins = np.asarray(origins, dtype=np.int32)
    out = np.full((len(origins), model.output_shape[-1]), np.nan, dtype=np.float32)
    for i in range(0, len(origins), PREDICT_BATCH):
        if should_stop and should_stop():
            break
        out[i:i + PREDICT_BATCH] = predict(tf.constant(origins[i:i + PREDICT_BATCH]))
    return out
