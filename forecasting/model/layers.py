"""Recurrent layers made from a cell's own equations, with the gradient through time written out.

Imports Keras and TensorFlow: import this module inside functions only, also before a model that has such a layer is loaded.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from forecasting.model.cells import CELLS

__all__ = ["CellLayer", "TutorialLSTM", "sequence"]


@keras.saving.register_keras_serializable(package="forecasting")
class CellLayer(keras.layers.Layer):
    """A layer of one of `CELLS`: (batch, time, inputs) -> (batch, units), or (batch, time, units) with return_sequences.

    It has the weights of the cell's Keras layer and computes the same numbers. Compiled by XLA it takes a fraction of the
    time, because each step is a few fused loops, and because the gradients of the input and of the weights are computed in
    a single matrix product each, after the last step.

    cell: a name of `CELLS`
    recurrent_dropout: share of the state that the recurrent weights do not see in training, the same units at every step
    """

    def __init__(self, units, cell, return_sequences=False, recurrent_dropout=0.0, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", seed=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.cell = CELLS[cell]
        self.return_sequences = return_sequences
        self.recurrent_dropout = recurrent_dropout
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed) if recurrent_dropout else None

    def build(self, input_shape):
        width = len(self.cell.gates) * self.units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], width), initializer=self.kernel_initializer, name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, width), initializer=self.recurrent_initializer, name="recurrent_kernel")
        self.bias = self.add_weight(
            shape=(2, width) if self.cell.recurrent_bias else (width,), initializer=self._first_bias, name="bias")

    def _first_bias(self, shape, dtype=None):
        """Zeros, but one for each gate that starts open."""
        ones = [float(gate in self.cell.open_gates) for gate in self.cell.gates]
        return tf.broadcast_to(tf.repeat(tf.constant(ones, dtype), self.units), shape)

    def call(self, sequences, training=False):
        x = tf.transpose(sequences, (1, 0, 2))  # (time, batch, inputs)
        kept = None
        if training and self.recurrent_dropout:
            kept = keras.random.dropout(tf.ones((tf.shape(x)[1], self.units), x.dtype), self.recurrent_dropout,
                                        seed=self.seed_generator)
        h = sequence(self.cell, x, self.kernel, self.recurrent_kernel, self.bias, kept)
        return tf.transpose(h, (1, 0, 2)) if self.return_sequences else h[-1]

    def compute_output_shape(self, input_shape):
        batch, steps, _ = input_shape
        return (batch, steps, self.units) if self.return_sequences else (batch, self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "cell": self.cell.name,
                "return_sequences": self.return_sequences, "recurrent_dropout": self.recurrent_dropout, "seed": self.seed,
                "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
                "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer)}


@keras.saving.register_keras_serializable(package="forecasting")
class TutorialLSTM(CellLayer):
    """The tutorial's cell under the name that earlier versions saved it with."""

    def __init__(self, units, cell="tutorial_lstm", **kwargs):
        super().__init__(units, cell, **kwargs)


def sequence(cell, x, kernel, recurrent_kernel, bias, kept=None):
    """'hidden' of `cell` at every step.

    x: (time, batch, inputs); kernel, recurrent_kernel, bias: as `Cell` says
    kept: (batch, units), a dropout mask on the state that the recurrent weights read, or None
    returns h: (time, batch, units)
    """
    if kept is None:
        kept = tf.ones((1, recurrent_kernel.shape[0]), x.dtype)
    return _through_time(cell)(x, *(tf.convert_to_tensor(w) for w in (kernel, recurrent_kernel, bias)), kept)


class _Math:
    """`tf.math`, with a sigmoid that XLA computes faster."""

    def __getattr__(self, name):
        return getattr(tf.math, name)

    def sigmoid(self, z):
        return 0.5 + 0.5 * tf.tanh(0.5 * z)


def _through_time(cell):
    """(x, kernel, recurrent_kernel, bias, kept) -> 'hidden', (time, batch, units), for this cell.

    Automatic differentiation would add to the weights' gradient at every step. Here the steps, last to first, only carry
    the gradient of the gates back through time, and one matrix product over all steps does the rest.
    """
    math = _Math()

    @tf.custom_gradient
    def hidden(x, kernel, recurrent_kernel, bias, kept):
        steps, batch, units = tf.shape(x)[0], tf.shape(x)[1], recurrent_kernel.shape[0]
        width, zero = len(cell.gates) * units, tf.zeros((batch, units), x.dtype)
        input_bias, recurrent_bias = cell.biases(bias)
        from_input = tf.tensordot(x, kernel, 1) + input_bias

        def array(columns):
            return tf.TensorArray(x.dtype, steps, element_shape=(x.shape[1], columns))

        def forward(t, state, told):
            from_state = tf.matmul(state[cell.reads] * kept, recurrent_kernel)
            if recurrent_bias is not None:
                from_state += recurrent_bias
            now = cell.step(math, cell.split(from_input[t]), cell.split(from_state), state)
            return (t + 1, {name: now[name] for name in cell.states},
                    {name: values.write(t, now[name]) for name, values in told.items()})

        *_, told = tf.while_loop(lambda t, *_: t < steps, forward, (
            0, dict.fromkeys(cell.states, zero), {name: array(units) for name in cell.traces}))
        traces = {name: values.stack() for name, values in told.items()}
        before = {name: tf.concat([zero[None], traces[name][:-1]], axis=0) for name in cell.states}

        def gradient(dhidden):
            apart = False  # whether the gradients with respect to the input's and the state's contributions differ

            def backward(t, carried, dinput, dstate):
                nonlocal apart
                got = cell.step_gradient(
                    math, {name: values[t] for name, values in traces.items()},
                    {name: values[t] for name, values in before.items()},
                    carried | {"hidden": carried["hidden"] + dhidden[t]})
                step = tf.concat(got.from_state, axis=1)
                through = {cell.reads: tf.matmul(step, recurrent_kernel, transpose_b=True) * kept}
                carried = {name: got.before.get(name, zero) + through.get(name, zero) for name in cell.states}
                apart = got.from_input is not got.from_state
                return (t - 1, carried, dinput.write(t, tf.concat(got.from_input, axis=1)) if apart else dinput,
                        dstate.write(t, step))

            *_, dinput, dstate = tf.while_loop(lambda t, *_: t >= 0, backward, (
                steps - 1, dict.fromkeys(cell.states, zero), array(width), array(width)))
            dstate = tf.reshape(dstate.stack(), (-1, width))
            dinput = tf.reshape(dinput.stack(), (-1, width)) if apart else dstate
            dx = tf.reshape(tf.matmul(dinput, kernel, transpose_b=True), tf.shape(x))
            # A column of ones for the bias, in one product with the rest: XLA walks through a product with a single
            # column the slow way.
            state, inputs = (tf.reshape(v, (-1, v.shape[2])) for v in (before[cell.reads] * kept, x))
            ones = tf.ones_like(state[:, :1])
            if apart:
                drecurrent, dstate_bias = _rows(tf.concat([state, ones], axis=1), dstate, units, 1)
                dkernel, dbias = _rows(tf.concat([inputs, ones], axis=1), dinput, x.shape[2], 1)
            else:
                drecurrent, dkernel, dbias = _rows(
                    tf.concat([state, inputs, ones], axis=1), dstate, units, x.shape[2], 1)
                dstate_bias = dbias
            dbias = tf.concat([dbias, dstate_bias], axis=0) if cell.recurrent_bias else dbias[0]
            return dx, dkernel, drecurrent, dbias, None

        return traces["hidden"], gradient

    return hidden


def _rows(left, right, *heights):
    """left^T right, cut into pieces of these heights."""
    return tf.split(tf.matmul(left, right, transpose_a=True), heights)
