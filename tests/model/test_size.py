"""The drawn network is the one that is built."""

import pytest

from forecasting.model.config import ForecastConfig
from forecasting.model.features import feature_width
from forecasting.model.network import build_network
from forecasting.model.size import describe_network, estimate_seconds, work_per_epoch


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "tutorial_lstm"])
@pytest.mark.parametrize(("units", "features"), [((3,), ("Close",)), ((5, 2, 4), ("Close", "Volume", "day_of_week", "macd"))])
def test_parameters_are_those_that_keras_counts(cell, units, features):
    config = ForecastConfig(cell=cell, units=units, features=features, window=7, horizon=3)
    layers = describe_network(config)
    assert sum(layer.parameters for layer in layers) == build_network(config, feature_width(features)).count_params()
    assert layers[0].shape == f"7 × {feature_width(features)}"
    assert layers[-1].shape == "3"


def test_frozen_part_is_drawn_beside_the_network():
    layers = describe_network(ForecastConfig(window=20, horizon=2, skip="ridge"))
    assert [layer.frozen for layer in layers].count(True) == 1


def test_more_work_is_estimated_to_take_longer():
    small, large = ForecastConfig(units=(8,)), ForecastConfig(units=(64, 64))
    assert work_per_epoch(large, 3000) > work_per_epoch(small, 3000) > work_per_epoch(small, 1000)
    assert estimate_seconds(small, 3000, speed=1.0) > estimate_seconds(small, 3000, speed=10.0)
