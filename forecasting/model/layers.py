"""A faster LSTM layer: what `keras.layers.LSTM` computes, on TensorFlow's fused CPU op.

Imports Keras and TensorFlow: import this module inside functions only.
"""

from __future__ import annotations

import keras
import tensorflow as tf

__all__ = ["FusedLSTM", "lstm_sequence"]

# The gradient below is unrolled over time; for longer sequences its graph would take longer to build than it saves.
LONGEST_UNROLLED = 256


class FusedLSTM(keras.layers.LSTM):
    """`keras.layers.LSTM` (Hochreiter and Schmidhuber 1997): the same numbers, sooner, on a CPU.

    It takes the arguments of `keras.layers.LSTM`, and weights move between the two with `get_weights` and
    `set_weights`. Where the fused op does not apply (other activations, dropout inside the cell, masks, steps that are
    not known in advance, a GPU) it is a `keras.layers.LSTM`.

    >>> layer = FusedLSTM(64, return_sequences=True)
    >>> layer(np.zeros((32, 60, 1), "float32")).shape
    TensorShape([32, 60, 64])
    """

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not self.fuses(sequences, mask):
            return super().inner_loop(sequences, initial_state, mask, training=training)
        h0, c0 = initial_state
        x = tf.transpose(sequences, (1, 0, 2))  # (time, batch, features), as the op wants it
        h, c = lstm_sequence(x, h0, c0, self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        outputs = tf.transpose(h, (1, 0, 2)) if self.return_sequences else h[-1][:, None]
        return h[-1], outputs, [h[-1], c]

    def fuses(self, sequences, mask=None) -> bool:
        """Whether the fused op computes these sequences (batch, time, features)."""
        return (mask is None and sequences.shape[1] is not None and self.compute_dtype == "float32"
                and self.cell.activation is keras.activations.tanh
                and self.cell.recurrent_activation is keras.activations.sigmoid
                and self.use_bias and not (self.dropout or self.recurrent_dropout)
                and not (self.unroll or self.go_backwards)
                and not tf.config.list_physical_devices("GPU"))


def lstm_sequence(x, h0, c0, kernel, recurrent_kernel, bias):
    """Every step of an LSTM, on TensorFlow's op BlockLSTM.

    x: (time, batch, inputs); h0, c0: (batch, units), the state before the first step
    kernel, recurrent_kernel, bias: as in Keras, gates in the order i, f, c, o
    returns h: (time, batch, units), every step's output; c: (batch, units), the cell state after the last

    Not BlockLSTMV2: in TensorFlow 2.21 its gradient is wrong. BlockLSTM's order of the gates is i, c, f, o.
    """
    weights = [_reorder_gates(w) for w in (kernel, recurrent_kernel, bias)]
    if x.shape[0] > LONGEST_UNROLLED:
        block = _block(x, h0, c0, *weights)
        return block.h, block.cs[-1]
    return _with_unrolled_gradient(x, h0, c0, *weights)


def _reorder_gates(weights):
    """Columns i, f, c, o to i, c, f, o (and back)."""
    i, f, c, o = tf.split(weights, 4, axis=-1)
    return tf.concat([i, c, f, o], axis=-1)


def _block(x, h0, c0, kernel, recurrent_kernel, bias):
    """The op itself: its outputs i, cs, f, o, ci, co (the gates, the cell state, tanh of it) and h, a step a row."""
    unused = tf.zeros(recurrent_kernel.shape[0])  # the weights of peepholes
    return tf.raw_ops.BlockLSTM(
        seq_len_max=tf.constant(x.shape[0], tf.int64), x=x, cs_prev=c0, h_prev=h0,
        w=tf.concat([kernel, recurrent_kernel], axis=0), wci=unused, wcf=unused, wco=unused, b=bias,
        forget_bias=0.0, cell_clip=-1.0, use_peephole=False)


@tf.custom_gradient
def _with_unrolled_gradient(x, h0, c0, kernel, recurrent_kernel, bias):
    """`_block` with a faster gradient.

    The op's own gradient adds to the weights' gradient at every step. Here the steps, last to first, only carry the
    gradient of the gates back through time, and one matrix product over all steps does the rest.
    """
    steps, units = x.shape[0], recurrent_kernel.shape[0]
    block = _block(x, h0, c0, kernel, recurrent_kernel, bias)
    h_before = tf.concat([h0[None], block.h[:-1]], axis=0)

    def gradient(dh_steps, dc):
        # What LSTMBlockCellGrad asks for and, without peepholes, does not read.
        no_peephole, no_bias = tf.zeros(units), tf.zeros(4 * units)
        no_input, no_weights = tf.zeros_like(h0), tf.zeros((2 * units, 4 * units))
        i, c, f, o, ci, co = (tf.unstack(v) for v in (block.i, block.cs, block.f, block.o, block.ci, block.co))
        dh_steps = tf.unstack(dh_steps)
        dh = dh_steps[-1]
        dgates = [None] * steps
        for t in reversed(range(steps)):
            step = tf.raw_ops.LSTMBlockCellGrad(
                x=no_input, cs_prev=c[t - 1] if t else c0, h_prev=no_input, w=no_weights, wci=no_peephole,
                wcf=no_peephole, wco=no_peephole, b=no_bias, i=i[t], cs=c[t], f=f[t], o=o[t], ci=ci[t], co=co[t],
                cs_grad=dc, h_grad=dh, use_peephole=False)
            dgates[t] = step.dicfo  # (batch, 4 units)
            dh, dc = tf.matmul(step.dicfo, recurrent_kernel, transpose_b=True), step.cs_prev_grad
            if t:
                dh += dh_steps[t - 1]
        flat = tf.concat(dgates, axis=0)  # (time * batch, 4 units)
        dx = tf.reshape(tf.matmul(flat, kernel, transpose_b=True), tf.shape(x))
        dkernel = tf.matmul(tf.reshape(x, (-1, x.shape[2])), flat, transpose_a=True)
        drecurrent = tf.matmul(tf.reshape(h_before, (-1, units)), flat, transpose_a=True)
        return dx, dh, dc, dkernel, drecurrent, tf.reduce_sum(flat, axis=0)

    return (block.h, block.cs[-1]), gradient
