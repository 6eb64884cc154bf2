import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from forecasting.model.cells import TutorialLSTM, tutorial_sequence
from forecasting.model.config import ForecastConfig
from forecasting.model.network import build_network


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm(x, w, u, b):
    n = len(u)
    h = c = np.zeros(n)
    for row in x:
        z = row @ w + h @ u + b
        i, f, g, o = sigmoid(z[:n]), sigmoid(z[n : 2 * n]), np.tanh(z[2 * n : 3 * n]), sigmoid(z[3 * n :])
        c = f * c + i * g
        h = o * np.tanh(c)
    return h


def tutorial_lstm(x, w, v, b):
    n = len(v)
    h = c = np.zeros(n)
    for row in x:
        z = row @ w + c @ v + b
        i, f, g, o = sigmoid(z[:n]), sigmoid(z[n : 2 * n]), np.tanh(z[2 * n : 3 * n]), sigmoid(z[3 * n :])
        c = f * c + i * g
        h = o * np.tanh(c)
    return h


def gru(x, w, u, b):
    n = len(u)
    h = np.zeros(n)
    for row in x:
        p, q = row @ w + b[0], h @ u + b[1]
        z, r = sigmoid(p[:n] + q[:n]), sigmoid(p[n : 2 * n] + q[n : 2 * n])
        h = z * h + (1 - z) * np.tanh(p[2 * n :] + r * q[2 * n :])
    return h


def rnn(x, w, u, b):
    h = np.zeros(len(u))
    for row in x:
        h = np.tanh(row @ w + h @ u + b)
    return h


@pytest.mark.parametrize("cell", [lstm, gru, rnn, tutorial_lstm])
def test_each_cell_computes_its_equations(cell):
    config = ForecastConfig(window=9, units=(5,), cell=cell.__name__, horizon=2, target="price")
    network = build_network(config, 3)
    rng = np.random.default_rng(0)
    weights = [rng.normal(scale=0.5, size=w.shape) for w in network.get_weights()]
    network.set_weights(weights)
    x = rng.normal(size=(4, 9, 3))
    *recurrent, kernel, bias = weights
    expected = [cell(window, *recurrent) @ kernel + bias for window in x]
    np.testing.assert_allclose(network(x.astype("float32")), expected, atol=1e-5)


def test_gradients_of_the_tutorial_cell_equal_finite_differences():
    rng = np.random.default_rng(1)
    shapes = {"x": (4, 2, 3), "kernel": (3, 12), "recurrent kernel": (3, 12), "bias": (12,)}
    values = [tf.constant(rng.normal(scale=0.5, size=s), tf.float32) for s in shapes.values()]
    kept = tf.constant([[1.25, 0.0, 1.25], [1.25, 1.25, 0.0]])

    def loss(*values):
        return tf.reduce_sum(tf.sin(tutorial_sequence(*values, kept)))

    analytic, numeric = tf.test.compute_gradient(loss, values, delta=1e-2)
    for name, a, n in zip(shapes, analytic, numeric, strict=True):
        np.testing.assert_allclose(a, n, rtol=2e-2, atol=2e-2, err_msg=name)


def test_tutorial_cell_gives_every_step_or_the_last():
    x = np.random.default_rng(2).normal(size=(2, 6, 3)).astype("float32")
    every, last = TutorialLSTM(4, return_sequences=True), TutorialLSTM(4)
    every.build(x.shape)
    last.build(x.shape)
    last.set_weights(every.get_weights())
    assert every(x).shape == every.compute_output_shape(x.shape) == (2, 6, 4)
    assert last(x).shape == last.compute_output_shape(x.shape) == (2, 4)
    np.testing.assert_allclose(every(x)[:, -1], last(x), atol=1e-7)
    np.testing.assert_allclose(every(x)[:, :3][:, -1], last(x[:, :3]), atol=1e-6)


def test_forget_gate_of_the_tutorial_cell_starts_open():
    layer = TutorialLSTM(2)
    layer.build((None, 5, 3))
    np.testing.assert_array_equal(layer.bias, [0, 0, 1, 1, 0, 0, 0, 0])


def test_recurrent_dropout_of_the_tutorial_cell_acts_in_training_only():
    x = np.random.default_rng(3).normal(size=(2, 6, 3)).astype("float32")
    layer = TutorialLSTM(4, recurrent_dropout=0.5, seed=0)
    still, again = layer(x), layer(x)
    np.testing.assert_array_equal(still, again)
    assert not np.allclose(layer(x, training=True), still)


def test_a_saved_tutorial_cell_predicts_the_same(tmp_path):
    config = ForecastConfig(window=6, units=(4, 3), cell="tutorial_lstm", recurrent_dropout=0.2, target="price")
    network = build_network(config, 2)
    x = np.random.default_rng(4).normal(size=(5, 6, 2)).astype("float32")
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), network(x))
    assert dataclasses.asdict(config)["cell"] in loaded.layers[0].name
