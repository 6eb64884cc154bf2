import keras
import numpy as np
import pytest
import tensorflow as tf

from forecasting.model.layers import LONGEST_UNROLLED, FusedLSTM, lstm_sequence

SHAPES = [  # batch, time, inputs, units: among them one row, one step, and sizes that are no multiple of 4
    (32, 12, 1, 64),
    (8, 7, 16, 16),
    (1, 5, 64, 5),
    (5, 1, 33, 3),
    (16, 20, 64, 64),
]


def pair(shape, **arguments):
    """Keras's layer and ours with the same weights, and sequences for them."""
    batch, time, inputs, units = shape
    rng = np.random.default_rng(sum(shape))
    theirs, ours = keras.layers.LSTM(units, **arguments), FusedLSTM(units, **arguments)
    x = rng.normal(size=(batch, time, inputs)).astype("float32")
    theirs.build(x.shape)
    ours.build(x.shape)
    weights = [rng.normal(scale=0.3, size=w.shape) for w in theirs.get_weights()]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    return theirs, ours, tf.constant(x)


def output_and_gradients(layer, x):
    """The output, and the gradients of a loss that weighs each number of it differently: by x, then by the weights."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        loss = tf.reduce_sum(y * tf.cos(tf.reshape(tf.range(tf.size(y), dtype=tf.float32), tf.shape(y))))
    return [y, *tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])]


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_output_and_every_gradient_equal_those_of_keras(shape, return_sequences):
    theirs, ours, x = pair(shape, return_sequences=return_sequences)
    assert ours.fuses(x)
    for expected, got in zip(output_and_gradients(theirs, x), output_and_gradients(ours, x), strict=True):
        scale = max(1.0, float(tf.reduce_max(tf.abs(expected))))
        np.testing.assert_allclose(got / scale, expected / scale, rtol=0, atol=1e-5)


def test_both_gradients_of_the_fused_op_agree_where_one_takes_over_from_the_other():
    for time in (LONGEST_UNROLLED, LONGEST_UNROLLED + 1):
        theirs, ours, x = pair((2, time, 3, 4), return_sequences=True)
        for expected, got in zip(output_and_gradients(theirs, x), output_and_gradients(ours, x), strict=True):
            scale = max(1.0, float(tf.reduce_max(tf.abs(expected))))
            np.testing.assert_allclose(got / scale, expected / scale, rtol=0, atol=1e-5)


def test_gradients_equal_finite_differences():
    inputs = 2
    rng = np.random.default_rng(0)
    shapes = {"x": (4, 2, inputs), "h0": (2, 3), "c0": (2, 3), "kernel": (inputs, 12), "recurrent": (3, 12), "bias": (12,)}
    values = [tf.constant(rng.normal(scale=0.5, size=s), tf.float32) for s in shapes.values()]

    def loss(*values):
        h, c = lstm_sequence(*values)
        return tf.reduce_sum(h * tf.cos(h)) + tf.reduce_sum(c * c)

    analytic, numeric = tf.test.compute_gradient(loss, values, delta=1e-2)
    for name, a, n in zip(shapes, analytic, numeric, strict=True):
        np.testing.assert_allclose(a, n, rtol=2e-2, atol=2e-2, err_msg=name)


def test_final_state_and_initial_state_are_those_of_keras():
    theirs, ours, x = pair((3, 6, 2, 4), return_state=True)
    state = [tf.ones((3, 4)), tf.fill((3, 4), -0.5)]
    for expected, got in zip(theirs(x, initial_state=state), ours(x, initial_state=state), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("arguments", [
    {"activation": "relu"}, {"recurrent_activation": "hard_sigmoid"}, {"use_bias": False}, {"dropout": 0.1},
    {"recurrent_dropout": 0.1}, {"go_backwards": True}, {"unroll": True}, {"dtype": "float64"},
])
def test_other_settings_are_left_to_keras(arguments):
    theirs, ours, x = pair((3, 6, 2, 4), **arguments)
    assert not ours.fuses(x)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)


def test_a_mask_is_left_to_keras():
    theirs, ours, x = pair((3, 6, 2, 4))
    mask = tf.sequence_mask([6, 3, 1], 6)
    assert not ours.fuses(x, mask)
    np.testing.assert_allclose(ours(x, mask=mask), theirs(x, mask=mask), atol=1e-6)


def test_a_number_of_steps_that_is_not_known_in_advance_is_left_to_keras():
    theirs, ours, x = pair((3, 6, 2, 4))
    unknown = tf.function(ours, input_signature=[tf.TensorSpec((None, None, 2))])
    np.testing.assert_allclose(unknown(x), theirs(x), atol=1e-6)


def test_a_gpu_is_left_to_keras(monkeypatch):
    theirs, ours, x = pair((3, 6, 2, 4))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a GPU"])
    assert not ours.fuses(x)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)
