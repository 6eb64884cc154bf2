import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, DataError, NotEnoughData
from forecasting.model.config import FEATURES, ForecastConfig
from forecasting.model.encoding import CLIP, Encoder, check_history, encode
from forecasting.model.split import minimum_rows, split

SMALL = ForecastConfig(window=4, horizon=3)


def make_history(close, **columns):
    index = pd.bdate_range("2020-01-01", periods=len(close))
    frame = pd.DataFrame({"Close": np.asarray(close, dtype=float), **columns}, index=index)
    return PriceHistory(frame, name="made", source="a test")


def walk(rows=200, seed=0):
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, rows)))


def fit(close, config=SMALL, **columns):
    history = make_history(close, **columns)
    return encode(history, config, split(len(history), config))


def test_a_validation_part_shorter_than_the_horizon_is_refused_with_the_nearest_settings_that_work():
    config = ForecastConfig(window=4, horizon=11)
    with pytest.raises(NotEnoughData, match=r"at least 106 prices .* a horizon of 11 .* got 100\. Choose a longer "
                                            r"period, or take the nearest settings that work \(Validation share: "
                                            r"10.% → 11.%\)") as refused:
        check_history(make_history(walk(100)), config)
    assert refused.value.nearest == dataclasses.replace(config, validation_share=0.11)
    check_history(make_history(walk(100)), refused.value.nearest)


def test_the_nearest_settings_are_checked_as_the_refused_ones_were():
    close = np.concatenate([np.full(40, 5.0), walk(50)])  # the price never moves in a training part that is shorter still
    config = ForecastConfig(window=60, horizon=10)
    with pytest.raises(NotEnoughData) as refused:
        check_history(make_history(close), config)
    check_history(make_history(close), refused.value.nearest)


def test_a_handful_of_rows_is_refused_without_settings():
    with pytest.raises(NotEnoughData, match="no settings can learn from so few") as refused:
        check_history(make_history(walk(8)), ForecastConfig())
    assert refused.value.nearest is None


def test_the_fewest_rows_are_named_and_are_enough():
    needed = minimum_rows(SMALL)
    with pytest.raises(NotEnoughData, match=f"at least {needed} prices for a window of 4, a horizon of 3 .* got"):
        check_history(make_history(walk(needed - 1)), SMALL)
    check_history(make_history(walk(needed)), SMALL)


@pytest.mark.parametrize(("target", "close"), [
    ("log_return", walk()), ("change", walk()), ("change", walk() - 100), ("price", walk()),
])
def test_perfect_outputs_give_back_the_prices(target, close):
    encoded = fit(close, dataclasses.replace(SMALL, target=target))
    targets = encoded.targets
    prices = encoded.encoder.prices(targets[:-3], close[:-3])
    expected = np.stack([close[1:-2], close[2:-1], close[3:]], axis=1)
    np.testing.assert_allclose(prices, expected, rtol=1e-5, atol=1e-4)
    assert np.isnan(targets[-1]).all()


@pytest.mark.parametrize("target", ["log_return", "change", "price"])
def test_a_positive_series_has_positive_predictions(target):
    close = walk()
    encoded = fit(close, dataclasses.replace(SMALL, target=target))
    outputs = np.array([[-1e4, -300.0, 0.1]])
    assert (encoded.encoder.prices(outputs, close[-1:]) > 0).all()
    if target != "log_return":
        assert encoded.encoder.prices(outputs, close[-1:])[0, 0] == pytest.approx(close[-1] / 1000)
        assert (encoded.encoder.prices(outputs, [-5.0])[0, :2] < 0).all()  # it has gone below zero after all
        mixed = fit(close - 100, dataclasses.replace(SMALL, target=target)).encoder
        assert (mixed.prices(outputs, close[-1:])[0, :2] < 0).all()


def test_outputs_of_zero_are_the_naive_forecast():
    close = walk()
    for target in ("log_return", "change"):
        encoded = fit(close, dataclasses.replace(SMALL, target=target))
        np.testing.assert_array_equal(encoded.encoder.prices(np.zeros((200, 3)), close), np.tile(close[:, None], 3))


def test_targets_are_moves_over_the_training_parts_volatility():
    close = walk()
    encoded = fit(close)
    sigma = np.sqrt(np.mean(np.diff(np.log(close[:140])) ** 2))
    assert encoded.encoder.scale == pytest.approx(sigma)
    expected = np.log(close[13] / close[10]) / (sigma * np.sqrt(3))
    assert encoded.targets[10, 2] == pytest.approx(expected, rel=1e-5)


def test_inputs_are_the_last_moves_within_bounds():
    close = walk()
    close[50] *= 3
    encoded = fit(close)
    moves = np.diff(np.log(close)) / encoded.encoder.scale
    inputs = encoded.inputs
    assert inputs.dtype == np.float32
    np.testing.assert_allclose(inputs[1:, 0], np.clip(moves, -CLIP, CLIP), rtol=1e-6)
    assert inputs[50, 0] == CLIP


@pytest.mark.parametrize(("scaler", "low", "high"), [("minmax", 0.0, 1.0), ("standard", None, None)])
def test_prices_are_scaled_by_the_training_part(scaler, low, high):
    encoded = fit(walk(), dataclasses.replace(SMALL, target="price", scaler=scaler))
    training = encoded.inputs[:140, 0]
    if scaler == "minmax":
        assert (training.min(), training.max()) == (low, high)
    else:
        assert training.mean() == pytest.approx(0, abs=1e-6)
        assert training.std() == pytest.approx(1, rel=1e-5)


def test_auto_takes_log_returns_for_positive_prices_and_changes_otherwise():
    close = walk()
    assert fit(close).encoder.target == "log_return"
    close[100] = -1.0
    assert fit(close).encoder.target == "change"


def test_a_price_below_zero_in_the_test_part_changes_nothing_that_was_learnt():
    close = walk()
    before = fit(close).encoder
    close[180] = -37.0
    after = fit(close)
    assert after.encoder == before
    assert np.isfinite(after.inputs).all()
    assert np.isfinite(after.encoder.prices(np.ones((200, 3)), close)).all()


@pytest.mark.parametrize("target", ["auto", "change", "price"])
def test_nothing_is_learnt_from_the_test_part(target):
    config = dataclasses.replace(SMALL, target=target, features=FEATURES)
    columns = {name: walk(seed=i + 1) for i, name in enumerate(("Open", "High", "Low", "Volume"))}
    before = fit(walk(), config, **columns)
    wild = before.history.frame.copy()
    wild.iloc[160:] *= 7.0
    after = encode(dataclasses.replace(before.history, frame=wild), config, split(200, config))
    assert after.encoder == before.encoder
    np.testing.assert_array_equal(before.inputs[:160], after.inputs[:160])
    np.testing.assert_array_equal(before.targets[:157], after.targets[:157])


def test_what_is_encoded_for_training_is_what_is_encoded_for_a_forecast():
    columns = {name: walk(seed=i + 1) for i, name in enumerate(("Open", "High", "Low", "Volume"))}
    learnt = fit(walk(), dataclasses.replace(SMALL, features=FEATURES), **columns)
    again = learnt.encoder.encode(learnt.history)
    for name in ("series", "inputs", "targets"):
        np.testing.assert_array_equal(getattr(again, name), getattr(learnt, name))
    np.testing.assert_array_equal(learnt.inputs[:, learnt.encoder.channels.index("Close")], learnt.series.astype(np.float32))


def test_only_the_training_part_sets_the_scale():
    close = walk()
    before = fit(close).encoder
    close[140:] *= np.linspace(1, 3, 60)
    after = fit(close).encoder
    assert after == before


def test_every_input_is_of_unit_size_in_training():
    columns = {name: walk(seed=i + 1) for i, name in enumerate(("Open", "High", "Low", "Volume"))}
    config = dataclasses.replace(SMALL, features=FEATURES)
    encoded = fit(walk(), config, **columns)
    inputs = encoded.inputs
    assert inputs.shape == (200, len(encoded.encoder.channels))
    assert np.abs(inputs).max() <= CLIP
    assert (np.abs(inputs[:140].mean(axis=0)) < 0.25).all()
    assert ((inputs[:140].std(axis=0) > 0.75) & (inputs[:140].std(axis=0) < 1.1)).all()  # clipped tails take some


def test_an_input_that_never_varies_in_training_stays_at_zero():
    encoded = fit(walk(), dataclasses.replace(SMALL, features=("Close", "Volume")), Volume=np.full(200, 5.0))
    assert (encoded.inputs[:, 1] == 0).all()
    assert Encoder.from_dict(json.loads(json.dumps(encoded.encoder.to_dict()))) == encoded.encoder


def test_the_state_survives_json():
    encoded = fit(walk(), dataclasses.replace(SMALL, features=("Close", "rsi", "month")))
    assert Encoder.from_dict(json.loads(json.dumps(encoded.encoder.to_dict(), allow_nan=False))) == encoded.encoder


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e99])
@pytest.mark.parametrize("target", ["auto", "change", "price"])
def test_prices_of_any_size_stay_numbers(scale, target):
    close = walk() / 1000 * scale
    encoded = fit(close, dataclasses.replace(SMALL, target=target))
    inputs = encoded.inputs
    assert np.isfinite(inputs).all()
    assert 0.01 < np.abs(inputs).max() < 100
    assert np.isfinite(encoded.encoder.prices(np.ones((200, 3)), close)).all()


def test_prices_too_large_to_square_are_refused():
    close = walk()
    close[7] = 1e308
    with pytest.raises(DataError, match=r"Received: 1e\+308"):
        check_history(make_history(close), SMALL)


def test_a_constant_training_part_is_refused():
    close = walk()
    close[:140] = 42.0
    with pytest.raises(DataError, match="never moves in the training part: 140 rows of 42"):
        check_history(make_history(close), SMALL)


@pytest.mark.parametrize("bad", [0.0, -37.63])
def test_log_returns_of_prices_that_are_not_positive_are_refused(bad):
    close = walk()
    close[20] = bad
    with pytest.raises(ConfigError, match=rf"Received: {bad:g} on 2020-01-29.*'change' or 'auto'"):
        check_history(make_history(close), dataclasses.replace(SMALL, target="log_return"))


def test_a_linear_part_without_the_price_is_refused():
    with pytest.raises(ConfigError, match="Add Close"):
        check_history(make_history(walk()), dataclasses.replace(SMALL, features=("month",), skip="ridge"))


def test_a_missing_column_is_refused():
    with pytest.raises(ConfigError, match="no Open"):
        check_history(make_history(walk()), dataclasses.replace(SMALL, features=("Close", "Open")))


def test_the_leaking_scaler_sees_the_test_part_and_the_honest_one_does_not():
    close = walk()
    wild = np.r_[close[:160], close[160:] * np.linspace(1, 5, 40)]
    for leak, same in ((None, True), ("scaler", False)):
        config = dataclasses.replace(SMALL, target="price", leak=leak)
        assert (fit(close, config).encoder == fit(wild, config).encoder) is same


def test_the_centred_average_sees_two_rows_ahead_and_the_honest_input_does_not():
    close = walk()
    wild = np.r_[close[:102], close[102:] * 1.5]
    for leak, same in ((None, True), ("centred_average", False)):
        encoded = fit(close, dataclasses.replace(SMALL, leak=leak))
        other = encoded.encoder.encode(make_history(wild))
        assert bool(encoded.series[100] == other.series[100]) is same
        np.testing.assert_array_equal(encoded.series[:100], other.series[:100])
