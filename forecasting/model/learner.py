"""Compiled training steps for networks of one shape, over a single copy of the series in memory.

Imports Keras and TensorFlow: import this module inside functions only.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from forecasting.model import process
from forecasting.model.cells import CELLS
from forecasting.model.config import ForecastConfig
from forecasting.model.network import build_trainer
from forecasting.model.process import Pool
from forecasting.model.size import chunks_of, forecast_steps

__all__ = ["Learner", "forecast_rows", "in_batches", "lend_learner"]

CALL_SECONDS = 0.1  # how long one call of compiled steps may last before Python looks at should_stop again
FEWEST_VALIDATED = 1000  # origins

LOSSES = {"mse": keras.losses.mean_squared_error, "mae": keras.losses.mean_absolute_error, "huber": keras.losses.huber}


def lend_learner(config: ForecastConfig, n_features: int):
    """`with lend_learner(...) as learner`: the compiled steps for `config`, lent exclusively to this training.

    Afterwards they are kept for the next training with the same compiled steps.
    """
    default: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(ForecastConfig)}
    free = ["features", "target", "initializer", "recurrent_initializer", "learning_rate", "schedule", "epochs",
            "patience", "scaler", "skip", "season", "width", "validation_share", "test_share", "leak"]
    if not (config.dropout or config.recurrent_dropout):
        free.append("seed")
    return _learners.lend(dataclasses.replace(config, **{name: default[name] for name in free}), n_features)


class Learner:
    """Trains a copy of a network, a bounded number of steps per call.

    Sequences are gathered inside the graph, from one tensor that holds the series. A batch of enough rows is computed
    as two halves side by side.
    """

    def __init__(self, config: ForecastConfig, n_features: int):
        self.window = config.window
        self.rows, self.k = chunks_of(config)
        self.parts = 2 if self.rows >= 2 * CELLS[config.cell].smallest_part and (os.cpu_count() or 1) > 1 else 1
        fast = not config.recurrent_dropout and not tf.config.list_physical_devices("GPU")
        self.network = build_trainer(config, n_features, fast, every_step=self.k > 1)
        self.optimizer = _optimizer(config)
        self.optimizer.build(self.network.trainable_variables)
        self._loss = LOSSES[config.loss]
        self._compiled: set[str] = set()
        self.is_whole = True  # False once a call was left to itself
        state = [*self.network.variables, *self.optimizer.variables]
        self._fresh = [(variable, variable.numpy()) for variable in state]
        series = [tf.TensorSpec((None, n_features)), tf.TensorSpec((None, config.horizon))]
        number = tf.TensorSpec((), tf.int32)
        self._gradient = tf.function(self._loss_and_gradient, autograph=False, jit_compile=fast or None)
        self._update = tf.function(self._update_weights, autograph=False, jit_compile=fast or None)
        self._loss_sum = tf.function(self._sum_of_losses, autograph=False, jit_compile=fast or None)
        # Without AutoGraph, which takes longer than the rest of tracing and leaves files behind if the process is killed.
        self._train = tf.function(self._train_steps, autograph=False, input_signature=[
            *series, tf.TensorSpec((None,)), tf.TensorSpec((None, None), tf.int32), number, number])
        self._validate = tf.function(self._validation_loss, autograph=False,
                                     input_signature=[*series, tf.TensorSpec((None,), tf.int32)])

    def start(self, weights, data):
        """Forgets the last training and starts with these weights on this data (a `TrainingData`)."""
        for variable, value in self._fresh:
            variable.assign(value)
        self.network.set_weights(weights)
        before = self.k - 1  # rows of padding, so that the first sequence has its k targets even if they do not count
        counts = np.zeros(len(data.inputs), dtype=np.float32)
        counts[data.train] = 1.0
        self._series = [tf.constant(np.pad(v, ((before, 0), (0, 0)))) for v in (data.inputs, data.targets)]
        self._counts = tf.constant(np.pad(counts, (before, 0)))
        self._train_origins = data.train + before
        self._validation_origins = self._affordable(data.validation + before)
        self._steps_a_call = 1
        self.gradient_norms: list[float] = []  # of each step of the latest epoch, before clipping

    def get_weights(self):
        """In the order of the network that `build_network` makes."""
        return self.network.get_weights()

    def get_state(self) -> list[np.ndarray]:
        """All variables that training changes, those of the optimiser included."""
        return [variable.numpy() for variable, _ in self._fresh]

    def set_state(self, values):
        """The inverse of `get_state`."""
        for (variable, _), value in zip(self._fresh, values, strict=True):
            variable.assign(value)

    def fits(self, values) -> bool:
        """Whether `values` has the shapes of this learner's state."""
        return [value.shape for value in values] == [fresh.shape for _, fresh in self._fresh]

    def train_epoch(self, rng, learning_rate, should_stop) -> tuple[float | None, bool]:
        """Trains for one epoch. Returns the mean loss of what was seen, if anything, and whether the epoch was completed."""
        self.optimizer.learning_rate = learning_rate
        self.gradient_norms = []
        order = in_batches(self._order(rng), self.rows, self.parts)
        steps, order = len(order), tf.constant(order)
        total, count, done = 0.0, 0.0, 0
        while done < steps and np.isfinite(total) and not should_stop():
            end, started = min(steps, done + self._steps_a_call), time.perf_counter()
            called = self._call("train", self._train, (*self._series, self._counts, order, done, end), should_stop)
            if called is None:
                break
            losses, norms, numbers = called
            self.gradient_norms.extend(norms.numpy())
            total += losses.numpy().sum(dtype=np.float64)
            count += numbers.numpy().sum(dtype=np.float64)
            seconds_a_step = (time.perf_counter() - started) / (end - done)
            self._steps_a_call = max(1, min(2 * self._steps_a_call, int(CALL_SECONDS / seconds_a_step)))
            done = end
        return float(total / count) if done else None, done == steps

    def _call(self, name, function, arguments, should_stop):
        """function(*arguments); None if it was asked to stop while the function was being compiled.

        Compiling takes up to a minute for a large network and cannot be interrupted, so it happens on a thread of its own. A
        stop leaves that to itself, and this learner trains nothing more.
        """
        if name in self._compiled:
            return function(*arguments)
        thread = ThreadPoolExecutor(1, thread_name_prefix="compile")
        called = thread.submit(function, *arguments)
        thread.shutdown(wait=False)
        self.is_whole = False
        while not wait([called], timeout=CALL_SECONDS).done:
            if should_stop():
                return None
        self.is_whole = True
        self._compiled.add(name)
        return called.result()

    def validate(self, should_stop) -> float | None:
        """The mean loss of the windowed forecasts from the validation part; None if it was stopped."""
        total, rows = 0.0, forecast_rows(self.network, self.window)
        for batch in in_batches(self._validation_origins, rows, self.parts):
            if should_stop():
                return None
            called = self._call("validate", self._validate, (*self._series, batch), should_stop)
            if called is None:
                return None
            total += float(called)
        return total / len(self._validation_origins)

    def glance_origins(self) -> np.ndarray:
        """One batch of evenly spread validation origins, as rows of the data."""
        return _spread(self._validation_origins, forecast_rows(self.network, self.window)) - (self.k - 1)

    def loss_of(self, targets, forecasts) -> float:
        """The mean loss of forecasts; both (n, horizon)."""
        return float(tf.reduce_mean(self._loss(targets, forecasts)))

    def loss_of_zeros(self) -> float:
        """What `validate` returns for a network that always forecasts zero."""
        y = tf.gather(self._series[1], self._validation_origins)
        return self.loss_of(y, tf.zeros_like(y))

    def _affordable(self, origins):
        """The validation origins to use after each epoch: all, unless that costs more than the epoch itself.

        This can happen only if every step is supervised, as training then does not compute a whole window per target.
        """
        steps = len(self._train_origins) * (self.window + self.k - 1) / self.k
        return _spread(origins, max(FEWEST_VALIDATED, int(3 * steps / self.window)))  # the gradient is two thirds

    def _order(self, rng):
        """The last origin of each training sequence, in random order."""
        if self.k == 1:
            return rng.permutation(self._train_origins)
        first, last = self._train_origins.min(), self._train_origins.max()
        ends = np.arange(last + rng.integers(self.k), first - 1, -self.k, dtype=np.int32)
        return rng.permutation(np.minimum(ends, last))

    def _train_steps(self, inputs, targets, counts, order, first, end):
        """Steps `first` to `end - 1` of the epoch. Returns each one's sum of losses, the norm of its gradient, and how many
        targets it had."""
        def train_step(step, *told):
            ends = order[step]
            counted = tf.gather(counts, self._origins(ends, self.k)) * tf.cast(ends[:, None] >= 0, tf.float32)
            number = tf.reduce_sum(counted)
            weight = tf.math.divide_no_nan(1.0, number)
            parts = [self._gradient(*part, weight) for part in self._parts(inputs, targets, ends, counted)]
            values = (*self._update(parts), number)
            return step + 1, *(array.write(step - first, value) for array, value in zip(told, values, strict=True))

        nothing = [tf.TensorArray(tf.float32, end - first) for _ in range(3)]
        _, *told = tf.while_loop(lambda step, *_: step < end, train_step, (first, *nothing))
        return tuple(one.stack() for one in told)

    def _loss_and_gradient(self, x, y, counted, weight):
        """The sum of the losses of some sequences, and the gradient of `weight` times that sum."""
        variables = self.network.trainable_variables
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(self._loss(y, self.network(x, training=True)) * counted)
            weighted = loss * weight
        return [loss, *tape.gradient(weighted, variables)]

    def _update_weights(self, parts):
        """Takes a step along the gradients of all parts. Returns the sum of their losses, and the norm of their sum."""
        loss, *gradients = (tf.add_n(values) for values in zip(*parts, strict=True))
        norm = tf.linalg.global_norm(gradients)
        self.optimizer.apply(gradients, self.network.trainable_variables)
        return loss, norm

    def _validation_loss(self, inputs, targets, ends):
        counted = tf.cast(ends[:, None] >= 0, tf.float32)
        return tf.add_n([self._loss_sum(*part) for part in self._parts(inputs, targets, ends, counted)])

    def _sum_of_losses(self, x, y, counted):
        return tf.reduce_sum(self._loss(y, self.network(x, training=False)) * counted)

    def _parts(self, inputs, targets, ends, counted):
        """x: (rows, steps, features), y: (rows, k, horizon), counted: (rows, k) of each part of a batch.

        ends: (rows,) the last origin of each sequence, or -1; counted: (rows, k) 1.0 where a target counts
        """
        k = counted.shape[1]
        for last, counts in zip(tf.split(ends, self.parts), tf.split(counted, self.parts), strict=True):
            y = tf.where(counts[..., None] > 0, tf.gather(targets, self._origins(last, k)), 0.0)  # some are NaN
            yield tf.gather(inputs, self._origins(last, self.window + k - 1)), y, counts

    def _origins(self, ends, number):
        """(rows, number): the last `number` rows of the series up to each end; any rows where the end is -1."""
        return tf.maximum(ends, self.window + self.k - 2)[:, None] + tf.range(1 - number, 1)


def forecast_rows(network, window) -> int:
    """How many windows to forecast from in one call; two even halves, since TensorFlow's cell is slow on odd batches."""
    return max(4, int(forecast_steps(network.count_params()) / window) // 4 * 4)


def in_batches(origins, rows, parts):
    """(batches, rows or a few more) int32: `origins` in order, filled up with -1; `parts` divides what a row holds."""
    batches = -(-len(origins) // rows)
    filled = np.full(batches * rows, -1, dtype=np.int32)
    filled[: len(origins)] = origins
    return np.pad(filled.reshape(batches, rows), ((0, 0), (0, -rows % parts)), constant_values=-1)


def _spread(origins, number):
    """At most `number` of the origins, evenly spread."""
    if len(origins) <= number:
        return origins
    return origins[np.linspace(0, len(origins) - 1, number).astype(int)]


def _optimizer(config):
    """The optimizer of `config`; weight decay is decoupled from the gradient and spares the biases."""
    kinds = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "rmsprop": keras.optimizers.RMSprop,
             "sgd": functools.partial(keras.optimizers.SGD, momentum=config.momentum)}
    optimizer = kinds[config.optimizer](global_clipnorm=config.clip_norm, weight_decay=config.weight_decay or None)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


_learners = Pool(Learner, process.KEPT, is_usable=lambda learner: learner.is_whole)
