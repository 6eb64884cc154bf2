"""Each cell's equations against Keras, in value and gradient; and a cell that is added here."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from forecasting.model.cells import CELLS, Cell, Gradient
from forecasting.model.config import ForecastConfig
from forecasting.model.layers import TutorialLSTM
from forecasting.model.network import build_network, load_model, save_model
from forecasting.model.size import describe_network
from forecasting.model.training import TrainingData, fit_network

# Written out as in a textbook, in no way like the package's own.


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


def with_weights(network, seed=0, scale=0.5):
    """The network, and random weights that it now has."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(scale=scale, size=w.shape).astype("float32") for w in network.get_weights()]
    network.set_weights(weights)
    return network, weights


@pytest.mark.parametrize("cell", [lstm, gru, rnn, tutorial_lstm])
def test_each_network_computes_its_cells_equations(cell):
    network, weights = with_weights(build_network(
        ForecastConfig(window=9, units=(5,), cell=cell.__name__, horizon=2, target="price"), 3))
    x = np.random.default_rng(1).normal(size=(4, 9, 3))
    *recurrent, kernel, bias = weights
    expected = [cell(window, *recurrent) @ kernel + bias for window in x]
    np.testing.assert_allclose(network(x.astype("float32")), expected, atol=1e-5)


def layers_of(cell, widths, make="keras_layer"):
    """A stack of layers, each built, and the random weights of each."""
    layers, weights, inputs = [], [], 3
    for number, units in enumerate(widths):
        layer = getattr(cell, make)(units, return_sequences=True)
        layer.build((None, 9, inputs))
        layers.append(layer)
        weights.append(with_weights(layer, seed=number, scale=min(0.5, 0.8 / units**0.5))[1])  # not chaotic over 300 steps
        inputs = units
    return layers, weights


def output_and_gradients(layers, x, dhidden):
    """What leaves the last layer, and the gradient of its product with dhidden by x and by each layer's weights."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        h = x
        for layer in layers:
            h = layer(h)
        loss = tf.reduce_sum(h * dhidden)
    return [h, *tape.gradient(loss, [x, *[w.value for layer in layers for w in layer.trainable_weights]])]


def assert_equal(got, expected):
    for a, b in zip(got, expected, strict=True):
        scale = max(1.0, float(np.abs(b).max()))
        np.testing.assert_allclose(np.asarray(a) / scale, np.asarray(b) / scale, rtol=0, atol=1e-5)


def stack(widths, steps=9, batch=4):
    rng = np.random.default_rng(2)
    return (rng.normal(size=(batch, steps, 3)).astype("float32"), rng.normal(size=(batch, steps, widths[-1])).astype("float32"))


@pytest.mark.parametrize("widths", [(5,), (5, 4, 6)])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_numpy_equations_equal_the_keras_layers_forwards_and_backwards(cell, widths):
    (layers, weights), (x, dhidden) = layers_of(cell, widths), stack(widths)
    traces, h = [], x
    for weight in weights:
        traces.append(cell.forward(weight, h))
        h = traces[-1]["hidden"]
    got, dh = [], dhidden
    for number in reversed(range(len(widths))):
        below = traces[number - 1]["hidden"] if number else x
        dh, dweights, _ = cell.backward(weights[number], below, traces[number], dh)
        got = [*dweights, *got]
    assert_equal([h, dh, *got], output_and_gradients(layers, tf.constant(x), dhidden))


@cache
def kerass(name, widths, steps, batch):
    """What the Keras layers of a cell give; in a graph, since one step after another takes seconds for 300."""
    x, dhidden = stack(widths, steps, batch)
    layers, _ = layers_of(CELLS[name], widths)
    return tf.function(lambda x: output_and_gradients(layers, x, dhidden), autograph=False)(tf.constant(x))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("widths", "steps", "batch"), [((5,), 9, 4), ((5, 4, 6), 9, 4), ((3,), 1, 1), ((16,), 300, 2)])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_fast_layers_equal_the_keras_layers_forwards_and_backwards(cell, widths, steps, batch, compiled):
    x, dhidden = stack(widths, steps, batch)
    ours, _ = layers_of(cell, widths, "fast_layer")
    ours_of = tf.function(lambda x: output_and_gradients(ours, x, dhidden), jit_compile=compiled, autograph=False)
    assert_equal(ours_of(tf.constant(x)), kerass(cell.name, widths, steps, batch))


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_numpy_gives_every_gate_and_state_by_name(cell):
    _, (weights,) = layers_of(cell, (5,))
    x, dhidden = stack((5,))
    traces = cell.forward(weights, x)
    assert set(traces) == {*cell.gates, *cell.states, *cell.also}
    assert "hidden" in cell.states
    assert all(values.shape == (4, 9, 5) and np.isfinite(values).all() for values in traces.values())
    _, _, dstates = cell.backward(weights, x, traces, dhidden)
    assert {name: values.shape for name, values in dstates.items()} == dict.fromkeys(cell.states, (4, 9, 5))


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_gradient_of_the_states_tells_what_a_push_does_to_the_loss(cell):
    """A loss of the last step alone, by the state two steps earlier: on all ways through later steps."""
    _, (weights,) = layers_of(cell, (5,))
    weights = [np.asarray(w, dtype=np.float64) for w in weights]
    x = np.random.default_rng(3).normal(size=(1, 9, 3))
    traces = cell.forward(weights, x)
    dhidden = np.zeros((1, 9, 5))
    dhidden[:, -1] = 1.0
    _, _, dstates = cell.backward(weights, x, traces, dhidden)

    def loss(name, push):
        from forecasting.model.cells.cell import NumpyMath

        state = {one: traces[one][:, 6].copy() for one in cell.states}
        state[name][0, 2] += push
        bias, recurrent_bias = cell.biases(weights[2])
        for t in (7, 8):
            from_state = state[cell.reads] @ weights[1] + (0.0 if recurrent_bias is None else recurrent_bias)
            state = cell.step(NumpyMath, cell.split(x[:, t] @ weights[0] + bias), cell.split(from_state), state)
        return state["hidden"].sum()

    for name in cell.states:
        numeric = (loss(name, 1e-5) - loss(name, -1e-5)) / 2e-5
        assert dstates[name][0, 6, 2] == pytest.approx(numeric, abs=1e-7)


def test_numpy_equations_do_not_overflow():
    for cell in CELLS.values():
        _, (weights,) = layers_of(cell, (5,))
        values = cell.forward([1e4 * w for w in weights], np.full((1, 3, 3), 1e3))
        assert all(np.isfinite(v).all() for v in values.values())


# Our own layer, for cells that Keras does not have.


def test_our_layer_gives_every_step_or_the_last():
    x = np.random.default_rng(2).normal(size=(2, 6, 3)).astype("float32")
    every, last = (CELLS["tutorial_lstm"].keras_layer(4, return_sequences=s) for s in (True, False))
    every.build(x.shape)
    last.build(x.shape)
    last.set_weights(every.get_weights())
    assert every(x).shape == every.compute_output_shape(x.shape) == (2, 6, 4)
    assert last(x).shape == last.compute_output_shape(x.shape) == (2, 4)
    np.testing.assert_allclose(every(x)[:, -1], last(x), atol=1e-7)
    np.testing.assert_allclose(every(x)[:, :3][:, -1], last(x[:, :3]), atol=1e-6)


def test_forget_gate_of_the_tutorial_cell_starts_open():
    layer = CELLS["tutorial_lstm"].keras_layer(2)
    layer.build((None, 5, 3))
    np.testing.assert_array_equal(layer.bias, [0, 0, 1, 1, 0, 0, 0, 0])


def test_recurrent_dropout_of_our_layer_acts_in_training_only():
    x = np.random.default_rng(3).normal(size=(2, 6, 3)).astype("float32")
    layer = CELLS["tutorial_lstm"].keras_layer(4, recurrent_dropout=0.5, seed=0)
    still, again = layer(x), layer(x)
    np.testing.assert_array_equal(still, again)
    assert not np.allclose(layer(x, training=True), still)


def test_gradient_under_recurrent_dropout_equals_finite_differences():
    from forecasting.model.layers import sequence

    rng = np.random.default_rng(1)
    shapes = {"x": (4, 2, 3), "kernel": (3, 12), "recurrent kernel": (3, 12), "bias": (12,)}
    values = [tf.constant(rng.normal(scale=0.5, size=s), tf.float32) for s in shapes.values()]
    kept = tf.constant([[1.25, 0.0, 1.25], [1.25, 1.25, 0.0]])

    def loss(*values):
        return tf.reduce_sum(tf.sin(sequence(CELLS["tutorial_lstm"], *values, kept)))

    analytic, numeric = tf.test.compute_gradient(loss, values, delta=1e-2)
    for name, a, n in zip(shapes, analytic, numeric, strict=True):
        np.testing.assert_allclose(a, n, rtol=2e-2, atol=2e-2, err_msg=name)


def test_a_saved_tutorial_cell_predicts_the_same(tmp_path):
    config = ForecastConfig(window=6, units=(4, 3), cell="tutorial_lstm", recurrent_dropout=0.2, target="price")
    network = build_network(config, 2)
    x = np.random.default_rng(4).normal(size=(5, 6, 2)).astype("float32")
    save_model(network, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), network(x))
    assert config.cell in loaded.layers[0].name


def test_a_tutorial_cell_that_an_earlier_version_saved_still_opens():
    saved = {  # as it stands in the file of such a model
        "module": "forecasting.model.cells", "class_name": "TutorialLSTM", "registered_name": "forecasting>TutorialLSTM",
        "config": {
            "name": "tutorial_lstm_1", "trainable": True, "units": 4, "return_sequences": True, "recurrent_dropout": 0.0,
            "seed": 2, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"},
                                 "registered_name": None},
            "kernel_initializer": {"module": "keras.initializers", "class_name": "GlorotUniform",
                                   "config": {"seed": 0}, "registered_name": None},
            "recurrent_initializer": {"module": "keras.initializers", "class_name": "Orthogonal",
                                      "config": {"seed": 1, "gain": 1.0}, "registered_name": None}},
        "build_config": {"input_shape": [None, 6, 2]}}
    layer = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    assert isinstance(layer, TutorialLSTM)
    again = CELLS["tutorial_lstm"].fast_layer(4, return_sequences=True)
    again.build((None, 6, 2))
    again.set_weights(layer.get_weights())
    x = np.random.default_rng(4).normal(size=(5, 6, 2)).astype("float32")
    np.testing.assert_array_equal(layer(x), again(x))


# To add a cell: its equations, and one line in CELLS.

MINIMAL_GATED_UNIT = '''
def step(math, from_input, from_state, before):
    (x_f, x_g), (s_f, s_g) = from_input, from_state
    f = math.sigmoid(x_f + s_f)
    g = math.tanh(x_g + f * s_g)
    return {"forget": f, "candidate": g, "recalled": s_g, "hidden": f * before["hidden"] + (1 - f) * g}

def step_gradient(math, now, before, dafter):
    f, g, dh = now["forget"], now["candidate"], dafter["hidden"]
    dg = dh * (1 - f) * (1 - g * g)
    df = (dh * (before["hidden"] - g) + dg * now["recalled"]) * f * (1 - f)
    return Gradient((df, dg), (df, dg * f), {"hidden": dh * f})

CELLS["mgu"] = Cell("mgu", "Minimal gated unit", "One gate does it all.", gates=("forget", "candidate"),
                    states=("hidden",), also=("recalled",), step=step, step_gradient=step_gradient)
'''


@pytest.fixture
def mgu(monkeypatch):
    cells = dict(CELLS)
    exec(MINIMAL_GATED_UNIT, {"CELLS": cells, "Cell": Cell, "Gradient": Gradient})
    monkeypatch.setitem(CELLS, "mgu", cells["mgu"])
    return cells["mgu"]


def test_an_added_cell_trains_is_saved_and_loaded_and_described(mgu, tmp_path):
    config = ForecastConfig(cell="mgu", units=(6, 5), window=8, horizon=1, batch_size=32, epochs=8, patience=None,
                            learning_rate=0.03, target="change")
    wave = np.sin(np.arange(200) / 3)[:, None]
    data = TrainingData(wave, np.append(wave[1:], [[np.nan]], axis=0), np.arange(7, 150), np.arange(150, 199))
    network = build_network(config, 1)
    assert sum(layer.parameters for layer in describe_network(config)) == network.count_params()
    assert [layer.name for layer in describe_network(config)][1:3] == ["Minimal gated unit"] * 2
    curve = fit_network(network, data, config).curve
    assert curve["val_loss"].iloc[-1] < 0.05
    save_model(network, tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(5, 8, 1)).astype("float32")
    np.testing.assert_array_equal(load_model(tmp_path / "model.keras")(x), network(x))


def test_an_added_cells_gradient_written_out_is_that_of_its_equations(mgu):
    _, (weights,) = layers_of(mgu, (5,))
    weights = [np.asarray(w, dtype=np.float64) for w in weights]
    x, dhidden = (np.asarray(v, dtype=np.float64) for v in stack((5,)))
    dx, dweights, _ = mgu.backward(weights, x, mgu.forward(weights, x), dhidden)
    for value, gradient in zip([x, *weights], [dx, *dweights], strict=True):
        place = tuple(n - 1 for n in value.shape)
        ends = []
        for push in (1e-6, -1e-6):
            value[place] += push
            ends.append((mgu.forward(weights, x)["hidden"] * dhidden).sum())
            value[place] -= push
        assert gradient[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


def test_an_added_cell_is_offered_in_the_settings_by_its_label(tmp_path):
    root = Path(__file__).parents[2]
    script = f"""
import json, sys
from forecasting.model.cells import CELLS, Cell, Gradient
{MINIMAL_GATED_UNIT}
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("pages/2_Train.py", default_timeout=60)
page.run()
cell = page.selectbox(key="train_cell")
told = {{"options": cell.options, "help": cell.help}}
cell.select("mgu").run()
print(json.dumps(told | {{"chosen": page.selectbox(key="train_cell").value, "failed": len(page.exception)}}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root,
                          env=os.environ | {"FORECASTING_HOME": str(tmp_path)})
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["options"] == [*(cell.label for cell in CELLS.values()), "Minimal gated unit"]
    assert told["help"].endswith("One gate does it all.")
    assert (told["chosen"], told["failed"]) == ("mgu", 0)
