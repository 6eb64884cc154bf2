import re
from pathlib import Path

import keras
import numpy as np
import pytest

import forecasting
from forecasting.model.config import CHOICES, ForecastConfig
from forecasting.model.network import build_network, build_trainer


def test_keras_is_imported_by_the_model_and_what_looks_inside_it_alone():
    package = Path(forecasting.__file__).parent
    learning = re.compile(r"^\s*(import|from) (keras|tensorflow)\b", re.MULTILINE)
    importing = {path.relative_to(package).parts[0] for path in package.rglob("*.py")
                 if learning.search(path.read_text(encoding="utf-8"))}
    assert importing <= {"model", "inside"}


def windows(steps, features, batch=4):
    return np.random.default_rng(0).normal(size=(batch, steps, features)).astype("float32")


@pytest.mark.parametrize("cell", CHOICES["cell"])
def test_network_maps_windows_to_the_horizon(cell):
    network = build_network(ForecastConfig(window=8, horizon=3, cell=cell, units=(6, 5, 4)), 2)
    assert network.input_shape == (None, 8, 2)
    assert network.output_shape == (None, 3)
    assert [layer.units for layer in network.layers] == [6, 5, 4, 3]


def test_untrained_network_is_the_naive_forecast_unless_it_predicts_prices():
    x = windows(8, 1)
    for target in ("auto", "change", "log_return"):
        assert not np.any(build_network(ForecastConfig(window=8, units=(4,), target=target), 1)(x))
    assert np.all(build_network(ForecastConfig(window=8, units=(4,), target="price"), 1)(x))


def test_same_seed_same_weights():
    def weights(seed):
        config = ForecastConfig(window=8, units=(4, 4), seed=seed, target="price")
        return np.concatenate([w.ravel() for w in build_network(config, 1).get_weights()])

    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


def test_layers_of_one_network_start_from_different_weights():
    first, second = build_network(ForecastConfig(window=8, units=(4, 4)), 4).layers[:2]
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])
    assert not np.array_equal(first.get_weights()[1], second.get_weights()[1])


@pytest.mark.parametrize(("name", "deviation"), [
    ("glorot_uniform", np.sqrt(2 / (100 + 400))), ("he_normal", np.sqrt(2 / 100)), ("random_normal", 0.05)])
def test_initial_weights_have_the_spread_that_their_name_promises(name, deviation):
    config = ForecastConfig(window=8, units=(100,), initializer=name, recurrent_initializer=name)
    kernel, recurrent, _ = build_network(config, 100).layers[0].get_weights()
    assert np.std(kernel) == pytest.approx(deviation, rel=0.05)
    assert np.std(recurrent) == pytest.approx(deviation, rel=0.05)


def test_recurrent_weights_start_orthogonal_by_default():
    recurrent = build_network(ForecastConfig(window=8, units=(6,)), 1).layers[0].get_weights()[1]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(6), atol=1e-5)


def test_dropout_lies_between_layers_and_in_the_cells_where_asked():
    network = build_network(ForecastConfig(window=8, units=(4, 4), dropout=0.3, recurrent_dropout=0.2), 1)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds == ["LSTM", "Dropout", "LSTM", "Dense"]
    assert network.layers[0].recurrent_dropout == 0.2
    assert network.layers[1].rate == 0.3


def test_network_is_of_plain_layers_and_loads_as_it_was_saved(tmp_path):
    network = build_network(ForecastConfig(window=8, units=(4, 4), horizon=2, target="price"), 1)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert {type(layer) for layer in loaded.layers} == {keras.layers.LSTM, keras.layers.Dense}
    np.testing.assert_array_equal(loaded(windows(8, 1)), network(windows(8, 1)))


@pytest.mark.parametrize("cell", CHOICES["cell"])
def test_trainer_takes_the_weights_and_forecasts_the_same(cell):
    config = ForecastConfig(window=8, units=(6, 5), horizon=3, cell=cell, target="price")
    network, series = build_network(config, 2), windows(12, 2)
    last, every = build_trainer(config, 2, fast=True, every_step=False), build_trainer(config, 2, True, True)
    last.set_weights(network.get_weights())
    every.set_weights(network.get_weights())
    np.testing.assert_allclose(last(series[:, :8])[:, 0], network(series[:, :8]), atol=1e-6)
    np.testing.assert_allclose(every(series)[:, 0], network(series[:, :8]), atol=1e-6)
    assert every(series).shape == (4, 5, 3)
