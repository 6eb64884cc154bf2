"""The width head: an LSTM that learns how far the price may move, where a weighted sum of past moves cannot tell.

It reads the same rows as the price's network, but their sizes: moves, their absolute values, and the logarithms of
exponentially weighted means of their squares and ranges. For each step ahead it puts out the logarithm of a factor on a scale
that was fitted before (`evaluation.volatility`), so that an untrained head changes nothing. It learns by the likelihood of
Student's t, whose degrees of freedom it learns too, and is a network of its own beside the price's: it shares no weight
with it, so that no forecast of the price depends on it.

Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution" (1994).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.model.listener import SILENT, Listener
from forecasting.model.process import Pool, claim_tensorflow

__all__ = ["WINDOW", "WidthData", "fit_width", "warm_up_width", "width_factors", "width_inputs"]

WINDOW = 60         # rows that a forecast of the width reads
UNITS = 32
CHUNK = 64          # rows in a sequence whose likelihood counts, after the first WINDOW - 1
ROWS = 8            # sequences in a batch
EPOCHS, PATIENCE = 60, 8  # or as many as these updates take, where an epoch has few
UPDATES, PATIENT_UPDATES = 600, 80
LEARNING_RATE, CLIP_NORM = 0.003, 1.0
KEPT = 0.5          # of the logarithm: the geometric mean of the fitted scale and the network's
DECAYS = (0.3, 0.06, 0.015)
MOST_MOVE, LEAST = 6.0, 0.05  # usual moves: the largest that is read, and what is added before a logarithm
FEWEST = 500        # training rows
LARGEST = 2.0       # the logarithm of a factor


@dataclass(frozen=True)
class WidthData:
    """What the head learns from.

    inputs: (t, channels) from `width_inputs`; scale, moves: (t, horizon) the scale fitted for each number of steps ahead, and
        the move that came, NaN where it is unknown
    freedom: (horizon,) degrees of freedom that go with the scale
    train_end, validation_end: rows where the parts end; a target that reaches beyond its part does not count
    """

    inputs: np.ndarray
    scale: np.ndarray
    moves: np.ndarray
    freedom: np.ndarray
    train_end: int
    validation_end: int

    def standardised(self) -> np.ndarray:
        """(t, horizon) float32: moves over the scale, NaN where they do not count."""
        known = np.arange(len(self.moves))[:, None] + np.arange(1, self.moves.shape[1] + 1)
        rows = np.arange(len(self.moves))[:, None]
        crosses = (rows < self.train_end) & (known >= self.train_end)
        counts = (known < self.validation_end) & ~crosses & (rows >= WINDOW)
        return np.where(counts, np.clip(self.moves / self.scale, -1e4, 1e4), np.nan).astype(np.float32)


def width_inputs(level, known: int, ranges=None) -> np.ndarray:
    """(t, channels) float32 sizes of moves, in units of the usual one of the first `known` rows.

    level: (t,) on the scale that moves are measured on; ranges: (t,) of the day, on the same scale, or None
    """
    level = np.asarray(level, dtype=np.float64)
    moves = np.diff(level, prepend=level[:1])
    usual = float(np.sqrt(np.mean(moves[1:known] ** 2))) or 1.0
    moves = np.clip(moves / usual, -MOST_MOVE, MOST_MOVE)
    channels = [moves, np.abs(moves) - 0.7, np.log(np.abs(moves) + LEAST)]
    channels += [_log_mean(moves**2, decay) for decay in DECAYS]
    if ranges is not None and np.isfinite(ranges[:known]).sum() > FEWEST // 2:
        size = float(np.sqrt(np.nanmean(ranges[:known] ** 2))) or 1.0
        ranges = np.clip(pd.Series(ranges / size).ffill().fillna(1.0).to_numpy(), 0, MOST_MOVE)
        channels += [np.log(ranges + LEAST), _log_mean(ranges**2, DECAYS[0])]
    return np.stack(channels, axis=1).astype(np.float32)


def _log_mean(values, decay):
    means = pd.Series(np.concatenate([[1.0], values])).ewm(alpha=decay, adjust=False).mean().to_numpy()[1:]
    return 0.5 * np.log(means + LEAST**2)


def fit_width(data: WidthData, seed: int = 0, listener: Listener = SILENT):
    """A plain Keras model (batch, WINDOW, channels) -> (batch, horizon), the logarithms of factors, or None.

    None where the training part is too short, where no epoch was better on validation than changing nothing, or once the
    listener asks to stop before one was.
    """
    if data.train_end - data.moves.shape[1] < FEWEST + WINDOW or data.validation_end - data.train_end <= data.moves.shape[1]:
        return None
    claim_tensorflow()
    with _trainers.lend(data.inputs.shape[1], data.moves.shape[1]) as trainer:
        weights = trainer.fit(data, seed, listener)
    if weights is None:
        return None
    model = build_width(data.inputs.shape[1], data.moves.shape[1], seed)
    model.set_weights(weights)
    return model


def warm_up_width(horizon: int):
    """Compiles what a head for prices with a range of the day needs, so that it starts immediately."""
    rows = FEWEST + 2 * WINDOW + 3 * horizon
    level = np.cumsum(np.random.default_rng(0).normal(size=rows))
    inputs = width_inputs(level, rows, np.ones(rows))
    ones = np.ones((rows, horizon))
    fit_width(WidthData(inputs, ones, ones, np.full(horizon, 5.0), rows - 2 * horizon, rows))


def build_width(channels: int, horizon: int, seed: int = 0):
    """The head as a Keras model of plain layers; untrained, it puts out zeros."""
    import keras

    return keras.Sequential([
        keras.Input((WINDOW, channels), name="sizes"),
        keras.layers.LSTM(UNITS, kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
                          recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 1), name="width_lstm"),
        keras.layers.Dense(horizon, kernel_initializer="zeros", name="width")], name="width")


def width_factors(model, inputs) -> np.ndarray:
    """(t, horizon) what to multiply the fitted scale by at each row; 1 while fewer than WINDOW rows are known."""
    from forecasting.model.training import predict_windows

    origins = np.arange(WINDOW, len(inputs))
    factors = np.ones((len(inputs), model.output_shape[-1]))
    if len(origins):
        factors[origins] = np.exp(KEPT * np.clip(predict_windows(model, inputs, origins), -LARGEST, LARGEST))
    return factors


class _Trainer:
    """Compiled steps for heads of one shape."""

    def __init__(self, channels: int, horizon: int):
        import keras
        import tensorflow as tf

        from forecasting.model.cells import CELLS

        self.channels, self.horizon = channels, horizon
        lstm = CELLS["lstm"].fast_layer(UNITS, return_sequences=True, name="width_lstm")
        self.network = keras.Sequential([keras.Input((None, channels)), lstm,
                                         keras.layers.Cropping1D((WINDOW - 1, 0)), keras.layers.Dense(horizon)])
        self.freedom = keras.Variable(np.zeros(horizon, dtype=np.float32))  # the logarithm of the degrees of freedom, less 2
        self.variables = [*self.network.trainable_variables, self.freedom]
        self.optimizer = keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIP_NORM)
        self.optimizer.build(self.variables)
        self._fresh = [(variable, variable.numpy()) for variable in self.optimizer.variables]
        self._loss = tf.function(self._likelihood, autograph=False, jit_compile=True, reduce_retracing=True)
        self._step = tf.function(self._train_step, autograph=False, jit_compile=True)
        self._tf = tf

    def fit(self, data: WidthData, seed, listener) -> list[np.ndarray] | None:
        """The weights of the best epoch, or None where none was better than zeros."""
        tf = self._tf
        self.network.set_weights(build_width(self.channels, self.horizon, seed).get_weights())
        self.freedom.assign(np.log(np.maximum(data.freedom - 2, 0.1)))
        for variable, value in self._fresh:
            variable.assign(value)
        rng, y = np.random.default_rng(seed), data.standardised()
        held = slice(data.train_end - WINDOW, data.validation_end - 1)
        validation = [tf.constant(data.inputs[None, held]), tf.constant(y[None, held][:, WINDOW - 1 :])]
        best, kept, waited = float(self._loss(*validation)[0]), None, 0
        updates = len(self._batches(rng, data.train_end))
        patience = max(PATIENCE, math.ceil(PATIENT_UPDATES / updates))
        for _ in range(max(EPOCHS, math.ceil(UPDATES / updates))):
            for batch in self._batches(rng, data.train_end):
                if listener.asked_to_stop():
                    return kept
                rows = batch[:, None] + np.arange(1 - WINDOW - CHUNK + 1, 1)
                self._step(tf.constant(data.inputs[rows]), tf.constant(y[rows[:, WINDOW - 1 :]]))
            loss = float(self._loss(*validation)[0])
            if not math.isfinite(loss):
                break
            waited = 0 if loss < best else waited + 1
            if loss < best:
                best, kept = loss, self.network.get_weights()
            if waited >= patience:
                break
        return kept

    def _batches(self, rng, end):
        """The last rows of the sequences of each batch, in random order; the offset of the sequences differs from epoch to
        epoch."""
        first = WINDOW + CHUNK - 2
        ends = np.arange(end - 1 - rng.integers(CHUNK), first - 1, -CHUNK)
        ends = rng.permutation(np.append(ends, first) if ends[-1] > first else ends)
        return [np.resize(ends[start : start + ROWS], ROWS) for start in range(0, len(ends), ROWS)]

    def _likelihood(self, x, y):
        """(mean, sum, number) of the negative log-likelihoods that count, relative to nothing but constants."""
        tf = self._tf
        known = tf.math.is_finite(y)
        squares = tf.where(known, y, 0.0) ** 2
        width = tf.clip_by_value(self.network(x), -LARGEST, LARGEST)
        freedom = 2.0 + tf.exp(self.freedom.value)
        half = (freedom + 1) / 2
        loss = (width + half * tf.math.log1p(squares * tf.exp(-2 * width) / freedom)
                + tf.math.lgamma(freedom / 2) - tf.math.lgamma(half) + 0.5 * tf.math.log(freedom))
        number = tf.reduce_sum(tf.cast(known, tf.float32))
        total = tf.reduce_sum(tf.where(known, loss, 0.0))
        return tf.math.divide_no_nan(total, number), total, number

    def _train_step(self, x, y):
        tf = self._tf
        values = [variable.value for variable in self.variables]
        with tf.GradientTape() as tape:
            loss = self._likelihood(x, y)[0]
        self.optimizer.apply(tape.gradient(loss, values), self.variables)
        return loss


_trainers: Any = Pool(_Trainer, kept=2)
