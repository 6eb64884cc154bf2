"""Attributions: complete, exact where they are linear, and equal to what replacing a day does."""

import numpy as np
import pytest

from forecasting.errors import ConfigError
from forecasting.inside import BASELINES, attributions, profile
from forecasting.inside.attribution import baseline_window
from forecasting.model.cells import CELLS
from tests.inside.networks import make, prices

DAY = 120


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("cell", CELLS)
def test_what_is_attributed_adds_up_to_prediction_minus_baseline(cell, baseline):
    result, _ = make(cell, (5, 4), reach=23, features=("Close", "Volume", "day_of_week"))
    found = attributions(result, prices().dates[DAY], baseline=baseline, step=2)
    assert found.network.shape == found.linear.shape == found.total.shape == (23, 4)
    outputs = result.network.forward(np.stack([found.inputs, found.baseline])).output[:, 1]
    assert (found.output, found.baseline_output) == pytest.approx(tuple(outputs))
    assert found.explained == pytest.approx(outputs[0] - outputs[1])
    assert abs(found.explained) > 0.01
    assert found.total.sum() == pytest.approx(found.explained, rel=0.01)
    assert found.gap == pytest.approx(found.total.sum() - found.explained)
    assert not found.network[: 23 - 9].any()
    # The linear part's share is exact, and apart.
    linear = result.network.linear_output(np.stack([found.inputs, found.baseline]))[:, 1]
    assert found.linear.sum() == pytest.approx(linear[0] - linear[1])
    assert not found.linear[:, 1:].any()


@pytest.mark.parametrize(("cell", "scale"), [("lstm", 2.5), ("rnn", 1.5)])
def test_a_network_whose_output_jumps_on_the_way_from_the_baseline_takes_more_nodes_and_still_adds_up(cell, scale):
    result, _ = make(cell, (5, 4), scale=scale)
    found = attributions(result, prices().dates[DAY])
    assert 16 < found.nodes < 512
    assert found.complete
    assert found.total.sum() == pytest.approx(found.explained, rel=0.01)


def test_a_chaotic_network_whose_attributions_do_not_add_up_says_so():
    result, _ = make("rnn", (5, 4), scale=2.5)
    found = attributions(result, prices().dates[DAY])
    assert found.nodes >= 512
    assert abs(found.total.sum() - found.explained) > 0.01 * abs(found.explained)
    assert not found.complete


def test_occlusion_is_what_replacing_a_day_takes_from_the_output():
    result, _ = make(reach=12)
    found = attributions(result, prices().dates[DAY])
    changed = found.inputs.copy()
    changed[4] = found.baseline[4]
    without = result.network.forward(changed[None]).output[0, 0]
    assert found.occlusion[4] == pytest.approx(found.output - without)
    assert found.occlusion.shape == (12,)


@pytest.mark.parametrize(("target", "unit"), [("log_return", "percent"), ("change", "price"), ("price", "price")])
def test_attributions_are_worth_something_in_prices(target, unit):
    result, _ = make(target=target)
    found = attributions(result, prices().dates[DAY], step=2)
    assert found.unit == unit
    last = prices().close[DAY - 1]
    now, before = result.encoder.prices([[0.0, found.output], [0.0, found.baseline_output]], [last, last])[:, 1]
    moved = 100 * np.log(now / before) if unit == "percent" else now - before
    assert found.explained * found.factor == pytest.approx(moved)


def test_the_baselines_are_the_usual_window_and_prices_that_stand_still():
    result, _ = make(features=("Close", "High", "moving_averages", "volatility", "day_of_week"))
    average = baseline_window(result, DAY - 1, "average")
    used = np.stack([result.encoded.inputs[row - 8 : row + 1] for row in range(8, result.split.train_end - 2)])
    np.testing.assert_allclose(average, np.tile(used.mean(axis=(0, 1)), (9, 1)), rtol=1e-4, atol=1e-6)
    still = baseline_window(result, DAY - 1, "still")
    close, high = still[:, 0], still[:, 1]
    np.testing.assert_allclose(close, 0, atol=1e-5)
    assert np.ptp(high) == pytest.approx(0)  # every High is that day's Close
    own = result.encoded.inputs[DAY - 9 : DAY]
    np.testing.assert_array_equal(still[:, -2:], own[:, -2:])  # the calendar goes on
    level, _ = make(target="price")
    last = level.encoded.inputs[DAY - 1, 0]
    np.testing.assert_allclose(baseline_window(level, DAY - 1, "still"), last)
    # With inputs that follow from prices, or without, it is the same for the others.
    for target in ("price", "change", "log_return"):
        short, _ = make(target=target, features=("Close", "Volume", "day_of_week"), reach=23)
        long, _ = make(target=target, features=("Close", "Volume", "day_of_week", "Low"), reach=23)
        for origin in (9, 12, DAY):
            one, other = (baseline_window(each, origin, "still") for each in (short, long))
            np.testing.assert_allclose(one, other[:, :4], atol=1e-5)


def test_the_profile_is_the_mean_over_days():
    result, _ = make(reach=12, features=("Close", "Volume"))
    found = profile(result, "validation", most=500, step=2)
    assert list(found) == ["network", "linear", "total", "Close", "Volume"]
    days = result.predictions.index[result.predictions["split"] == "validation"]
    each = [attributions(result, day, step=2) for day in days]
    summed = {name: [getattr(one, name).sum(axis=1) for one in each] for name in ("network", "linear", "total")}
    for name, arrays in (summed | {"Volume": [one.total[:, 1] for one in each]}).items():
        np.testing.assert_allclose(found[name], np.abs(arrays).mean(axis=0)[::-1], rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_baseline_and_a_step_that_are_not_there_are_refused():
    result, _ = make()
    with pytest.raises(ConfigError, match="baseline must be one of average, still"):
        attributions(result, baseline="zeros")
    with pytest.raises(ConfigError, match="step must be a whole number from 1 to 2"):
        attributions(result, step=3)
