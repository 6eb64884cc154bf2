"""The tutorial's own LSTM, whose gates read the previous cell state.

Imports Keras and TensorFlow: import this module inside functions only, also before a model that has this layer is loaded.
"""

from __future__ import annotations

import keras
import tensorflow as tf

__all__ = ["TutorialLSTM", "tutorial_sequence"]


@keras.saving.register_keras_serializable(package="forecasting")
class TutorialLSTM(keras.layers.Layer):
    """An LSTM as the tutorial writes it: V multiplies the previous cell state c, not the previous output h.

        i, f, o = sigmoid(W x_t + V c_{t-1} + b)        input, forget and output gate
        g       = tanh(W x_t + V c_{t-1} + b)           candidate
        c_t     = f c_{t-1} + i g
        h_t     = o tanh(c_t)

    Each line has its own W, V and b, side by side in the columns of `kernel`, `recurrent_kernel` and `bias` in the
    order i, f, g, o, as in `keras.layers.LSTM`. The state before the first step is zero; the forget gate's bias starts
    at one (Jozefowicz and others 2015).

    units: size of h and c
    return_sequences: (batch, time, units), every step's h, instead of (batch, units), the last one's
    recurrent_dropout: share of c that V does not see in training, the same units at every step of a window
    """

    def __init__(self, units, return_sequences=False, recurrent_dropout=0.0, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", seed=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.return_sequences = return_sequences
        self.recurrent_dropout = recurrent_dropout
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed) if recurrent_dropout else None
        self.supports_jit = False

    def build(self, input_shape):
        units = self.units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], 4 * units), initializer=self.kernel_initializer, name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(units, 4 * units), initializer=self.recurrent_initializer, name="recurrent_kernel")
        self.bias = self.add_weight(shape=(4 * units,), initializer=_forget_bias_of_one, name="bias")

    def call(self, sequences, training=False):
        x = tf.transpose(sequences, (1, 0, 2))  # (time, batch, features)
        kept = tf.ones((tf.shape(x)[1], self.units), x.dtype)
        if training and self.recurrent_dropout:
            kept = keras.random.dropout(kept, self.recurrent_dropout, seed=self.seed_generator)
        h = tutorial_sequence(x, self.kernel, self.recurrent_kernel, self.bias, kept)
        return tf.transpose(h, (1, 0, 2)) if self.return_sequences else h[-1]

    def compute_output_shape(self, input_shape):
        batch, steps, _ = input_shape
        return (batch, steps, self.units) if self.return_sequences else (batch, self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "return_sequences": self.return_sequences,
                "recurrent_dropout": self.recurrent_dropout, "seed": self.seed,
                "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
                "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer)}


def _forget_bias_of_one(shape, dtype=None):
    """(4 units,) zeros, but one for the forget gate."""
    units = shape[0] // 4
    return tf.concat([tf.zeros(units, dtype), tf.ones(units, dtype), tf.zeros(2 * units, dtype)], axis=0)


def tutorial_sequence(x, kernel, recurrent_kernel, bias, kept):
    """Every output of the tutorial's LSTM.

    x: (time, batch, inputs); kept: (batch, units), what V sees of c: ones, or a dropout mask
    returns h: (time, batch, units)

    Only c goes round from step to step, through i, f and g: W x is one matrix product before that loop, and o and h
    are one each after it.
    """
    units = recurrent_kernel.shape[0]
    projected = tf.tensordot(x, kernel, 1) + bias  # (time, batch, 4 units)
    loop, output = projected[..., : 3 * units], projected[..., 3 * units :]
    c = _cell_states(loop, recurrent_kernel[:, : 3 * units], kept)
    before = tf.concat([tf.zeros_like(c[:1]), c[:-1]], axis=0) * kept
    o = tf.sigmoid(output + tf.tensordot(before, recurrent_kernel[:, 3 * units :], 1))
    return o * tf.tanh(c)


@tf.custom_gradient
def _cell_states(projected, recurrent_kernel, kept):
    """Every cell state of the tutorial's LSTM, with a gradient written out: its loop is several times shorter than
    the one that automatic differentiation makes.

    projected: (time, batch, 3 units), W x + b of i, f and g; recurrent_kernel: (units, 3 units)
    returns c: (time, batch, units)
    """
    steps, batch, units = tf.shape(projected)[0], tf.shape(projected)[1], recurrent_kernel.shape[0]
    zero = tf.zeros((batch, units), projected.dtype)

    def forward(t, c, gates, states):
        z = projected[t] + tf.matmul(c * kept, recurrent_kernel)
        i, f = tf.split(tf.sigmoid(z[:, : 2 * units]), 2, axis=1)
        g = tf.tanh(z[:, 2 * units :])
        c = f * c + i * g
        return t + 1, c, gates.write(t, tf.concat([i, f, g], axis=1)), states.write(t, c)

    _, _, gates, states = tf.while_loop(
        lambda t, *_: t < steps, forward,
        (0, zero, _array(projected, steps, 3 * units), _array(projected, steps, units)))
    gates, states = gates.stack(), states.stack()

    def gradient(dstates):
        i, f, g = tf.split(gates, 3, axis=2)
        before = tf.concat([zero[None], states[:-1]], axis=0)
        # How z of i, f and g moves c, at every step at once.
        slope = tf.concat([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)], axis=2)

        def backward(t, dc, dz):
            dc += dstates[t]
            step = tf.tile(dc, (1, 3)) * slope[t]
            dc = dc * f[t] + tf.matmul(step, recurrent_kernel, transpose_b=True) * kept
            return t - 1, dc, dz.write(t, step)

        _, _, dz = tf.while_loop(lambda t, *_: t >= 0, backward, (steps - 1, zero, _array(projected, steps, 3 * units)))
        dz = dz.stack()
        seen = tf.reshape(before * kept, (-1, units))
        drecurrent = tf.matmul(seen, tf.reshape(dz, (-1, 3 * units)), transpose_a=True)
        return dz, drecurrent, None

    return states, gradient


def _array(like, steps, width):
    """An empty array of `steps` matrices (batch, width)."""
    return tf.TensorArray(like.dtype, steps, element_shape=(like.shape[1], width))
