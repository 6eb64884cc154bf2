"""A window from its prices to the numbers that enter, and what the network makes of it and of other prices."""

import base64
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import ConfigError, RunError
from forecasting.inside import (
    check_what_if,
    days,
    export_network,
    export_window,
    find_origin,
    gates,
    inspect,
    what_if,
)
from forecasting.model.cells import CELLS
from tests.inside.networks import ROWS, forecast, make, prices, with_close

DAY = 40


def unpacked(array):
    return np.frombuffer(base64.b64decode(array["data"]), "<f4").reshape(array["shape"])


def test_a_window_is_told_from_prices_to_forecast():
    result, model = make(features=("Close", "Volume"))
    history, day = prices(), prices().dates[DAY]
    found = inspect(result, day)
    assert (found.date, found.origin, found.channels) == (day, DAY - 1, ("Close", "Volume"))
    assert found.dates.tolist() == history.dates[DAY - 9 : DAY].tolist()
    assert found.prices.tolist() == history.close[DAY - 9 : DAY].tolist()
    moves = np.diff(np.log(history.close))[DAY - 10 : DAY - 1]
    np.testing.assert_allclose(found.unscaled[:, 0], moves)
    np.testing.assert_allclose(found.entered[:, 0], np.clip(moves / result.encoder.scale, -4, 4), rtol=1e-5)
    volume = np.log1p(history.frame["Volume"])
    np.testing.assert_allclose(found.unscaled[:, 1], (volume - volume.rolling(20, min_periods=2).mean())[DAY - 9 : DAY])
    ahead = np.log(history.close[DAY : DAY + 2] / found.last) / result.encoder.scale / np.sqrt([1, 2])
    np.testing.assert_allclose(found.label, ahead, rtol=1e-5)
    assert found.actual.tolist() == history.close[DAY : DAY + 2].tolist()
    np.testing.assert_allclose(found.predicted, forecast(result, model, history, [DAY - 1])[0], rtol=1e-5)


@pytest.mark.parametrize(("reach", "settings"), [(9, {}), (23, {"horizon": 3}), (9, {"target": "price", "scaler": "minmax"}),
                                                 (0, {"target": "change"})])
def test_forecasts_equal_kerass_whatever_the_target_and_however_far_the_linear_part_reaches(reach, settings):
    result, model = make(reach=reach, **settings)
    for row in (9, 15, ROWS - 1):
        found = inspect(result, prices().dates[row])
        np.testing.assert_allclose(found.predicted, forecast(result, model, prices(), [row - 1])[0], rtol=1e-5)
        np.testing.assert_allclose(found.output, found.network + found.linear)
        assert found.linear.any() == bool(reach)


def test_the_day_after_the_last_row_has_a_window_and_no_answer():
    result, model = make()
    found = inspect(result)
    assert (found.date, found.origin) == (None, ROWS - 1)
    assert np.isnan(found.actual).all()
    assert np.isnan(found.label).all()
    np.testing.assert_allclose(found.predicted, forecast(result, model, prices(), [ROWS - 1])[0], rtol=1e-5)


def test_days_are_those_that_are_forecast():
    result, _ = make()
    for part in ("train", "validation", "test"):
        shown = days(result, part)
        assert shown.tolist() == result.predictions.index[result.predictions["split"] == part].tolist()
        assert find_origin(result, shown[0]) == prices().dates.get_loc(shown[0]) - 1
    # A Sunday counts as the Friday before it.
    assert find_origin(result, "2020-02-02") == find_origin(result, "2020-01-31")


@pytest.mark.parametrize("date", ["2020-01-02", "2031-01-01", "no day", pd.Timestamp("2020-03-02", tz="UTC"), 1e300])
def test_a_day_without_a_whole_window_is_refused(date):
    with pytest.raises(ConfigError, match=r"Choose a day from 2020-01-14 to 2020-08-11"):
        find_origin(make()[0], date)


def test_an_unknown_part_is_refused():
    with pytest.raises(ConfigError, match="part must be one of train, validation, test"):
        days(make()[0], "all")


# What a browser is given, and what it is held against.


@pytest.mark.parametrize(("cell", "settings"), [*((cell, {}) for cell in CELLS), ("lstm", {"target": "price"}),
                                                ("lstm", {"target": "change"}), ("lstm", {"reach": 23})])
def test_other_prices_have_the_effect_that_they_would_have_had(cell, settings):
    result, model = make(cell, features=("Volume", "Close"), **settings)
    day, length = prices().dates[DAY], result.network.length
    changed = prices().close.copy()
    changed[[DAY - 4, DAY - 1]] *= [1.03, 0.99]
    found = what_if(result, day, changed[DAY - length : DAY])
    np.testing.assert_allclose(found.predicted, forecast(result, model, with_close(prices(), changed), [DAY - 1])[0], rtol=1e-5)
    assert found.inputs.shape == (length, 2)
    same = what_if(result, day)
    assert (same.inputs != found.inputs).any(axis=0).tolist() == [False, True]
    for one, other in zip(same.traces, gates(result, day), strict=True):
        assert all((one[name] == values).all() for name, values in other.items())
    # The last rows alone are enough.
    again = what_if(result, day, changed[DAY - 9 : DAY])
    np.testing.assert_allclose(again.predicted, found.predicted, rtol=1e-6)


def test_prices_that_are_none_and_inputs_that_do_not_follow_from_them_are_refused():
    result, _ = make()
    with pytest.raises(ConfigError, match="prices must be 9 numbers"):
        what_if(result, None, np.ones(4))
    for wrong in (0.0, np.nan, np.inf):
        with pytest.raises(ConfigError, match="Prices must be numbers above zero"):
            what_if(result, None, np.r_[np.ones(8), wrong])
    with pytest.raises(ConfigError, match="does not see the closing price"):
        check_what_if(make(features=("Volume",), target="change")[0])
    with pytest.raises(ConfigError, match="averages of past and future prices"):
        check_what_if(make(leak="centred_average")[0])


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_the_network_for_a_browser_is_whole_and_is_json(cell):
    result, _ = make(cell.name, (5, 4), reach=23)
    told = json.loads(json.dumps(export_network(result), allow_nan=False))
    assert (told["cell"], told["gates"], told["reads"]) == (cell.name, list(cell.gates), cell.reads)
    assert (told["window"], told["length"], told["horizon"], told["close"]) == (9, 23, 2, 0)
    sent = [unpacked(layer[name]) for layer in told["layers"] for name in ("kernel", "recurrent_kernel", "bias")]
    sent += [unpacked(told["head"]["kernel"]), unpacked(told["head"]["bias"])]
    for one, other in zip(sent, result.network.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(unpacked(told["linear"]), result.network.linear)
    assert told["encoder"]["scale"] == result.encoder.scale


def test_the_window_for_a_browser_begins_with_the_first_row_if_need_be():
    result, _ = make(reach=23)
    told = json.loads(json.dumps(export_window(result, prices().dates[12]), allow_nan=False))
    assert told["prices"] == [None] * 11 + prices().close[:12].tolist()
    assert told["before"] is None
    inputs = unpacked(told["inputs"])
    assert not inputs[:12].any()  # rows that are not there, and the first one, whose move is unknown
    np.testing.assert_array_equal(inputs[11:], result.encoded.inputs[:12])
    later = export_window(result, prices().dates[DAY])
    assert later["before"] == prices().close[DAY - 24]
    assert later["dates"][-1] == prices().dates[DAY - 1].isoformat()


def test_an_average_and_a_run_from_a_file_have_nothing_inside_and_say_so():
    result, _ = make()
    with pytest.raises(RunError, match="average of several networks"):
        gates(replace(result, members=(1, 2)))
    with pytest.raises(RunError, match="has no network"):
        gates(replace(result, _network=None))
