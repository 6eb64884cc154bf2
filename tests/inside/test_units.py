"""Units that were built to follow something are found to follow it, and their effect is what they add to the forecast."""

import numpy as np
import pytest

from forecasting.errors import ConfigError
from forecasting.inside import exciting_windows, gates, units
from forecasting.model.encoding import encode
from forecasting.model.split import split
from tests.inside.networks import ROWS, make, prices, with_weights


@pytest.fixture
def built():
    """A simple RNN of three units: the last move, the sum of moves (held below saturation), and nothing."""
    result, _ = make("rnn", (3,), window=30)
    kernel, recurrent, bias = (np.zeros_like(weight) for weight in result.network.layers[0])
    kernel[0, :2] = 0.1, 0.01
    recurrent[1, 1] = 1.0
    head = np.zeros_like(result.network.head[0])
    head[:, 0] = -2.0, 1.0, 5.0
    return with_weights(result, [kernel, recurrent, bias, head, np.zeros_like(result.network.head[1])])


def test_what_units_follow_and_how_far_they_move_the_forecast(built):
    found = units(built, most=500)
    assert list(found) == ["layer", "unit", "effect", "share", "follows", "detail", "correlation"]
    assert found["unit"].tolist() == [0, 1, 2]
    assert found["follows"].tolist() == ["last move", "trend", ""]
    assert found["correlation"].iloc[:2].min() > 0.95
    assert found["effect"].is_monotonic_decreasing
    assert found["effect"].iloc[2] == 0
    assert found["share"].sum() == pytest.approx(1)
    states = np.array([gates(built, day)[0]["hidden"][-1] for day in built.predictions.index] +
                      [gates(built)[0]["hidden"][-1]])
    expected = np.abs([-2.0, 1.0, 5.0]) * states.std(axis=0)
    np.testing.assert_allclose(found["effect"], expected, rtol=1e-4, atol=1e-9)


def test_a_unit_that_knows_mondays_is_found_out():
    result, _ = make("rnn", (2,), features=("day_of_week",), target="change")
    weights = [np.zeros_like(weight) for weight in result.network.weights]
    # Monday is at angle 0 of the circle: its cosine, as it enters, is 1.4, that of Tuesday 0.9, and those of others are below.
    weights[0][1, 0] = 20.0
    weights[2][0] = -22.8
    weights[3][0, 0] = 1.0
    first = units(with_weights(result, weights)).iloc[0]
    assert (first["follows"], first["detail"]) == ("weekday", "Monday")
    assert first["correlation"] > 0.99
    assert encode(prices(), result.config, split(ROWS, result.config)).encoder.channels[1] == "day_of_week_cosine"


def test_lower_layers_count_by_what_the_layer_above_makes_of_them():
    result, _ = make("gru", (4, 3))
    weights = [weight.copy() for weight in result.network.weights]
    weights[3][2] = 0  # the second layer reads nothing of unit 2 of the first
    found = units(with_weights(result, weights)).set_index(["layer", "unit"])["effect"]
    assert len(found) == 7
    assert found[0, 2] == 0
    assert (found.drop((0, 2)) > 0).all()


def test_the_windows_that_excite_a_unit_most_do_not_share_half_of_their_days(built):
    found = exciting_windows(built, layer=0, unit=1, count=4, most=500)
    assert len(found) == 4
    far = (found["value"] - found["mean"]).abs()
    assert far.is_monotonic_decreasing
    days = built.predictions.index
    states = np.array([gates(built, day)[0]["hidden"][-1, 1] for day in days] + [gates(built)[0]["hidden"][-1, 1]])
    assert far.iloc[0] == pytest.approx(np.abs(states - states.mean()).max(), rel=1e-4)
    rows = prices().dates.get_indexer(found["end"])
    assert np.diff(np.sort(rows)).min() >= 15
    assert (prices().dates.get_indexer(found["start"]) == rows - 29).all()
    with pytest.raises(ConfigError, match="There is no such unit"):
        exciting_windows(built, layer=1, unit=0)
