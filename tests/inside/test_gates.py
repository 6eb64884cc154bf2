"""Gates, states and equations, against Keras and against a calculation by hand."""

import re
from dataclasses import replace

import numpy as np
import pytest

from forecasting.errors import ConfigError, RunError
from forecasting.inside import equations, gates, order_units, symbols
from forecasting.model.cells import CELLS
from forecasting.model.network import save_model
from forecasting.model.weights import read_network
from tests.inside.networks import make

DAY = 40  # row of the day that is forecast


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_gates(x, s, w, u, b):
    i, f, g, o = np.split(x @ w + s @ u + b, 4, axis=-1)
    return {"input": sigmoid(i), "forget": sigmoid(f), "candidate": np.tanh(g), "output": sigmoid(o)}


def gru_gates(x, s, w, u, b):
    (z, r, g), (sz, sr, sg) = np.split(x @ w + b[0], 3, axis=-1), np.split(s @ u + b[1], 3, axis=-1)
    reset = sigmoid(r + sr)
    return {"update": sigmoid(z + sz), "reset": reset, "candidate": np.tanh(g + reset * sg)}


def kerass(layer, cell, x):
    """Gates and states of one layer: the states by Keras, step by step, and the gates from them by the textbook."""
    units, weights = layer.units, [w.numpy() for w in layer.weights]
    if cell.keras_name is None:  # its cell state is in none of its outputs: c = f c + i g, from the states before
        hidden, state = layer(x[None]).numpy()[0] if layer.return_sequences else None, np.zeros(units)
        told = []
        for row in x:
            now = lstm_gates(row, state, *weights)
            state = now["forget"] * state + now["input"] * now["candidate"]
            told.append(now | {"cell": state, "hidden": now["output"] * np.tanh(state)})
        found = {name: np.array([one[name] for one in told]) for name in told[0]}
        last = hidden[-1] if hidden is not None else layer(x[None]).numpy()[0]
        np.testing.assert_allclose(found["hidden"][-1], last, atol=1e-5)
        return found
    states = [np.zeros((1, units), "float32") for _ in np.atleast_1d(layer.cell.state_size)]
    before, after = [], []
    for row in x:
        before.append([np.asarray(state)[0] for state in states])
        _, states = layer.cell(row[None], states)
        states = states if isinstance(states, list | tuple) else [states]
        after.append([np.asarray(state)[0] for state in states])
    hidden_before = np.array([one[0] for one in before])
    found = dict(zip(("hidden", "cell"), np.moveaxis(np.array(after), 1, 0), strict=False))
    if cell.name == "lstm":
        found |= lstm_gates(x, hidden_before, *weights)
    elif cell.name == "gru":
        found |= gru_gates(x, hidden_before, *weights)
    return found


@pytest.mark.parametrize("units", [(5,), (5, 4, 6)])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_gates_and_states_equal_keras_also_when_read_from_a_file(cell, units, tmp_path):
    result, model = make(cell.name, units)
    x = result.encoded.inputs[DAY - 9 : DAY]
    found = gates(result, result.history.dates[DAY])
    recurrent = [layer for layer in model.layers if layer.name.startswith(cell.name)]
    assert len(found) == len(recurrent) == len(units)
    for layer, one, width in zip(recurrent, found, units, strict=True):
        expected = kerass(layer, cell, x)
        assert set(one) == set(expected) == {*cell.gates, *cell.states}
        for name, values in one.items():
            assert values.shape == (9, width)
            np.testing.assert_allclose(values, expected[name], atol=1e-5, err_msg=name)
        x = expected["hidden"].astype("float32")
    save_model(model, tmp_path / "model.keras")
    network = read_network(tmp_path / "model.keras", result.config)
    assert [one.tolist() for one in network.weights] == [one.tolist() for one in result.network.weights]
    assert network.names[:3] == ["Layer 1, input weights", "Layer 1, recurrent weights", "Layer 1, biases"]


def test_a_damaged_or_missing_network_is_said(tmp_path):
    result, _ = make()
    for content in (None, b"PK\x03\x04 no zip file"):
        if content:
            (tmp_path / "model.keras").write_bytes(content)
        with pytest.raises(RunError, match=r"The weights in model.keras cannot be read"):
            read_network(tmp_path / "model.keras", result.config)


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_the_numbers_of_an_equation_can_be_checked_by_hand(cell):
    result, _ = make(cell.name, (5, 4))
    day, layer, unit, step = result.history.dates[DAY], 1, 2, 5
    found, traces = equations(result, day, layer=layer, unit=unit, step=step), gates(result, day)
    assert found.values == pytest.approx({name: traces[layer][name][step, unit] for name in (*cell.gates, *cell.states)})
    assert found.earlier == pytest.approx({name: traces[layer][name][step - 1, unit] for name in cell.states})
    assert [term.gate for term in found.terms] == list(cell.gates)
    for term in found.terms:
        assert (len(term.inputs), len(term.states)) == (5, 4)
        assert (sum(term.inputs), sum(term.states)) == pytest.approx((term.input, term.state))
        assert {"sigmoid": sigmoid, "tanh": np.tanh}[term.function](term.before) == pytest.approx(term.value)
        if (cell.name, term.gate) != ("gru", "candidate"):  # which the reset gate stands in the middle of
            assert term.input + term.state + term.bias + term.recurrent_bias == pytest.approx(term.before)
    assert len(found.numbers) == len(found.latex) == len(cell.equations)
    for line in found.numbers:
        assert not re.search(r"[a-zA-Z]_", line)
        left, right = line.split(" = ")
        by_hand = right.replace(r"\sigma", "sigmoid").replace(r"\tanh", "np.tanh").replace(r"\odot", "*")
        assert eval(by_hand, {"sigmoid": sigmoid, "np": np}) == pytest.approx(float(left.strip("()")), abs=3e-4)


def test_the_first_step_starts_from_nothing():
    found = equations(make()[0], layer=0, unit=0, step=0)
    assert found.earlier == {"cell": 0.0, "hidden": 0.0}
    assert all(term.state == 0 for term in found.terms)


@pytest.mark.parametrize(("place", "message"), [
    ({"layer": 2}, "layer must be a whole number from 0 to 1"), ({"unit": 4}, "unit must be a whole number from 0 to 3"),
    ({"step": -1}, "step must be a whole number from 0 to 8"), ({"unit": 1.5}, "Received: unit=1.5")])
def test_a_place_that_is_not_there_is_refused(place, message):
    with pytest.raises(ConfigError, match=message):
        equations(make(units=(5, 4))[0], **{"layer": 1, "unit": 0, "step": 0, **place})


def test_the_letters_of_each_cell():
    assert symbols(CELLS["lstm"]) == {"input": "i", "forget": "f", "candidate": "g", "output": "o", "cell": "c", "hidden": "h"}
    assert symbols(CELLS["gru"]) == {"update": "z", "reset": "r", "candidate": "g", "hidden": "h"}
    assert symbols(CELLS["rnn"]) == {"hidden": "h"}


def test_an_added_cell_without_written_equations_still_tells_its_terms():
    result, _ = make("gru")
    bare = replace(result.network, cell=replace(CELLS["gru"], name="bare", equations=()))
    found = equations(replace(result, _network=bare), layer=0, unit=1, step=3)
    assert (found.symbols, found.latex, found.numbers) == ({}, (), ())
    assert found.terms[0].value == equations(result, layer=0, unit=1, step=3).terms[0].value


def test_units_that_behave_alike_are_neighbours():
    t = np.arange(40)
    up, wave = t / 40, np.sin(t)
    noise = np.random.default_rng(0).normal(0, 0.01, (40, 7))
    values = np.stack([up, wave, 2 * up, -wave, up + 1, 3 * wave, np.zeros(40)], axis=1) + noise * (np.arange(7) < 6)
    order = order_units(values).tolist()
    assert sorted(order) == list(range(7))
    for group in ({0, 2, 4}, {1, 5}):
        places = sorted(order.index(unit) for unit in group)
        assert places[-1] - places[0] == len(group) - 1
    assert order_units(values[:, :2]).tolist() == [0, 1]
