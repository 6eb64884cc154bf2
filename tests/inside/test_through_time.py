"""Gradients by lag against finite differences, and what clipping makes of them; nothing reads the answers of the test part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.inside import (
    attributions,
    exciting_windows,
    gates,
    gradients_by_lag,
    memory,
    profile,
    replay,
    units,
    what_if,
)
from forecasting.inside.examples import load_example
from forecasting.inside.through_time import loss_gradient
from forecasting.inside.window import windows_at
from forecasting.model.cells import CELLS
from forecasting.model.cells.cell import NumpyMath
from forecasting.model.split import learning_origins
from tests.inside.networks import make


def run_on(network, x, push):
    """The output of one window (window, channels), with `push` added to a state: (layer, step, state, values)."""
    at_layer, at_step, at_state, values = push
    cell = network.cell
    for layer, (kernel, recurrent, bias) in enumerate(network.layers):
        bias, recurrent_bias = cell.biases(bias)
        state = {name: np.zeros((1, len(recurrent))) for name in cell.states}
        hidden = []
        for step, row in enumerate(x):
            from_state = state[cell.reads] @ recurrent + (0.0 if recurrent_bias is None else recurrent_bias)
            now = cell.step(NumpyMath, cell.split(row[None] @ kernel + bias), cell.split(from_state), state)
            state = {name: now[name] + (values if (layer, step, name) == (at_layer, at_step, at_state) else 0.0)
                     for name in cell.states}
            hidden.append(state["hidden"][0])
        x = np.array(hidden)
    return x[-1] @ network.head[0] + network.head[1]


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_norms_by_lag_equal_finite_differences(cell):
    result, _ = make(cell.name, (3, 4), loss="mse")
    found = gradients_by_lag(result, most=1)
    assert found.windows == 1
    assert found.norms.shape == (2, 9)
    assert found.lags.tolist() == list(range(9))
    network = result.network.astype(np.float64)
    _, (origin, *_) = learning_origins(result.split, result.config)
    (x,), target = windows_at(result, [origin]), result.encoded.targets[origin]

    def loss(*push):
        return ((run_on(network, x, push) - target) ** 2).mean()

    for layer, width in enumerate((3, 4)):
        for lag in (0, 1, 5):
            slopes = {name: np.array([(loss(layer, 8 - lag, name, push) - loss(layer, 8 - lag, name, -push)) / 2e-5
                                      for push in 1e-5 * np.eye(width)]) for name in cell.states}
            for name, slope in slopes.items():
                if name == "cell" and lag == 0:
                    continue  # what the hidden state of the same step makes of it counts as that state's
                assert found.states[name][layer, lag] == pytest.approx(np.linalg.norm(slope), rel=1e-4, abs=1e-9)
            if lag:
                whole = np.linalg.norm(np.concatenate(list(slopes.values())))
                assert found.norms[layer, lag] == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_the_gradient_of_a_loss_is_that_of_kerass(loss):
    import keras

    error = np.array([[0.3, -2.0, 0.7], [-0.1, 5.0, 1.5]])
    function = {"mse": keras.losses.mean_squared_error, "mae": keras.losses.mean_absolute_error,
                "huber": keras.losses.huber}[loss]
    for place in np.ndindex(error.shape):
        push = np.zeros_like(error)
        push[place] = 1e-3
        ends = [np.asarray(function(np.zeros_like(error), error + sign * push))[place[0]] for sign in (1, -1)]
        assert loss_gradient(loss, error)[place] == pytest.approx((ends[0] - ends[1]) / 2e-3, abs=1e-3)


def test_clipping_shortens_the_gradient_to_its_limit_and_no_further():
    free = gradients_by_lag(make(clip_norm=None)[0])
    assert (free.clip_norm, free.factor) == (None, 1.0)
    limited = gradients_by_lag(make(clip_norm=0.01)[0])
    assert limited.whole == pytest.approx(free.whole)
    assert limited.factor * limited.whole == pytest.approx(0.01)
    np.testing.assert_allclose(limited.clipped, limited.norms * 0.01 / limited.whole)
    assert gradients_by_lag(make(clip_norm=100.0)[0]).factor == 1.0


def test_nothing_reads_the_answers_of_the_test_part():
    known = load_example()
    blind = replace(known)
    targets = known.encoded.targets.copy()
    _, _, test = known.split.origins(known.config.window, known.config.horizon)
    targets[test.start :] = np.nan
    blind.__dict__["encoded"] = replace(known.encoded, targets=targets)
    assert test.start < known.encoded.targets.shape[0] - 500
    blind.predictions = known.predictions.assign(actual=np.nan)
    day = known.predictions.index[-5]

    def flat(value):
        if isinstance(value, pd.DataFrame):
            return value.to_csv()
        if isinstance(value, dict):
            return {name: flat(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [flat(one) for one in value]
        if isinstance(value, np.ndarray | pd.Index):
            return value.tolist()
        return flat(vars(value)) if hasattr(value, "__dict__") else str(value)

    for look in (gates, attributions, what_if, gradients_by_lag, memory, units, profile, replay):
        arguments = (day,) if look in (gates, attributions, what_if, replay) else ()
        assert flat(look(blind, *arguments)) == flat(look(known, *arguments)), look.__name__
    assert flat(exciting_windows(blind, layer=0, unit=1)) == flat(exciting_windows(known, layer=0, unit=1))
