import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, DataError, NotEnoughData
from forecasting.evaluation.diagnostics import range_escape
from forecasting.model.config import FEATURES, ForecastConfig
from forecasting.model.preprocessing import (
    CLIP,
    Preprocessor,
    Split,
    check_history,
    describe_split,
    minimum_rows,
    part_labels,
    split,
)

SMALL = ForecastConfig(window=4, horizon=3)


def make_history(close, **columns):
    index = pd.bdate_range("2020-01-01", periods=len(close))
    frame = pd.DataFrame({"Close": np.asarray(close, dtype=float), **columns}, index=index)
    return PriceHistory(frame, name="made", source="a test")


def walk(rows=200, seed=0):
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, rows)))


def fit(close, config=SMALL, **columns):
    history = make_history(close, **columns)
    return Preprocessor.fit(history, config, split(len(history), config)), history


def test_parts_follow_each_other_in_time():
    parts = split(100, ForecastConfig(validation_share=0.1, test_share=0.2))
    assert parts == Split(70, 80, 100)
    assert part_labels(parts, SMALL).tolist() == ["train"] * 70 + ["validation"] * 10 + ["test"] * 20


def test_every_target_of_an_origin_lies_in_its_own_part():
    train, validation, test = Split(70, 80, 100).origins(window=4, horizon=3)
    assert (train[0], train[-1] + 3) == (3, 69)
    assert (validation[0] + 1, validation[-1] + 3) == (70, 79)
    assert (test[0] + 1, test[-1] + 3) == (80, 99)


def test_a_validation_part_as_long_as_the_horizon_has_one_origin_and_a_shorter_one_none():
    _, validation, _ = Split(70, 80, 100).origins(window=4, horizon=10)
    assert [(origin + 1, origin + 10) for origin in validation] == [(70, 79)]
    assert not Split(70, 80, 100).origins(window=4, horizon=11)[1]


def test_a_validation_part_shorter_than_the_horizon_is_refused_with_what_to_do():
    config = ForecastConfig(window=4, horizon=11)
    with pytest.raises(NotEnoughData, match=r"at least 106 prices .* a horizon of 11 .* got 100\. Choose a longer period, a "
                                            "shorter horizon or a larger validation part"):
        check_history(make_history(walk(100)), config)
    for enough in (dataclasses.replace(config, horizon=10), dataclasses.replace(config, validation_share=0.11)):
        check_history(make_history(walk(100)), enough)


def test_the_fewest_rows_are_named_and_are_enough():
    needed = minimum_rows(SMALL)
    with pytest.raises(NotEnoughData, match=f"at least {needed} prices for a window of 4, a horizon of 3 .* got"):
        check_history(make_history(walk(needed - 1)), SMALL)
    check_history(make_history(walk(needed)), SMALL)


@pytest.mark.parametrize(("target", "close"), [
    ("log_return", walk()), ("change", walk()), ("change", walk() - 100), ("price", walk()),
])
def test_perfect_outputs_give_back_the_prices(target, close):
    preprocessor, _ = fit(close, dataclasses.replace(SMALL, target=target))
    targets = preprocessor.targets(close)
    prices = preprocessor.prices(targets[:-3], close[:-3])
    expected = np.stack([close[1:-2], close[2:-1], close[3:]], axis=1)
    np.testing.assert_allclose(prices, expected, rtol=1e-5, atol=1e-4)
    assert np.isnan(targets[-1]).all()


@pytest.mark.parametrize("target", ["log_return", "change", "price"])
def test_a_positive_series_has_positive_predictions(target):
    close = walk()
    preprocessor, _ = fit(close, dataclasses.replace(SMALL, target=target))
    outputs = np.array([[-1e4, -300.0, 0.1]])
    assert (preprocessor.prices(outputs, close[-1:]) > 0).all()
    if target != "log_return":
        assert preprocessor.prices(outputs, close[-1:])[0, 0] == pytest.approx(close[-1] / 1000)
        assert (preprocessor.prices(outputs, [-5.0])[0, :2] < 0).all()  # it has gone below zero after all
        mixed, _ = fit(close - 100, dataclasses.replace(SMALL, target=target))
        assert (mixed.prices(outputs, close[-1:])[0, :2] < 0).all()


def test_outputs_of_zero_are_the_naive_forecast():
    close = walk()
    for target in ("log_return", "change"):
        preprocessor, _ = fit(close, dataclasses.replace(SMALL, target=target))
        np.testing.assert_array_equal(preprocessor.prices(np.zeros((200, 3)), close), np.tile(close[:, None], 3))


def test_targets_are_moves_over_the_training_parts_volatility():
    close = walk()
    preprocessor, _ = fit(close)
    sigma = np.sqrt(np.mean(np.diff(np.log(close[:140])) ** 2))
    assert preprocessor.scale == pytest.approx(sigma)
    expected = np.log(close[13] / close[10]) / (sigma * np.sqrt(3))
    assert preprocessor.targets(close)[10, 2] == pytest.approx(expected, rel=1e-5)


def test_inputs_are_the_last_moves_within_bounds():
    close = walk()
    close[50] *= 3
    preprocessor, history = fit(close)
    moves = np.diff(np.log(close)) / preprocessor.scale
    inputs = preprocessor.inputs(history)
    assert inputs.dtype == np.float32
    np.testing.assert_allclose(inputs[1:, 0], np.clip(moves, -CLIP, CLIP), rtol=1e-6)
    assert inputs[50, 0] == CLIP


@pytest.mark.parametrize(("scaler", "low", "high"), [("minmax", 0.0, 1.0), ("standard", None, None)])
def test_prices_are_scaled_by_the_training_part(scaler, low, high):
    preprocessor, history = fit(walk(), dataclasses.replace(SMALL, target="price", scaler=scaler))
    training = preprocessor.inputs(history)[:140, 0]
    if scaler == "minmax":
        assert (training.min(), training.max()) == (low, high)
    else:
        assert training.mean() == pytest.approx(0, abs=1e-6)
        assert training.std() == pytest.approx(1, rel=1e-5)


def test_auto_takes_log_returns_for_positive_prices_and_changes_otherwise():
    close = walk()
    assert fit(close)[0].target == "log_return"
    close[100] = -1.0
    assert fit(close)[0].target == "change"


def test_a_price_below_zero_in_the_test_part_changes_nothing_that_was_learnt():
    close = walk()
    before, _ = fit(close)
    close[180] = -37.0
    after, history = fit(close)
    assert after == before
    assert np.isfinite(after.inputs(history)).all()
    assert np.isfinite(after.prices(np.ones((200, 3)), close)).all()


@pytest.mark.parametrize("target", ["auto", "change", "price"])
def test_nothing_is_learnt_from_the_test_part(target):
    config = dataclasses.replace(SMALL, target=target, features=FEATURES)
    columns = {name: walk(seed=i + 1) for i, name in enumerate(("Open", "High", "Low", "Volume"))}
    before, history = fit(walk(), config, **columns)
    wild = history.frame.copy()
    wild.iloc[160:] *= 7.0
    after = Preprocessor.fit(dataclasses.replace(history, frame=wild), config, split(200, config))
    assert after == before
    np.testing.assert_array_equal(before.inputs(history)[:160],
                                  after.inputs(dataclasses.replace(history, frame=wild))[:160])


def test_only_the_training_part_sets_the_scale():
    close = walk()
    before, _ = fit(close)
    close[140:] *= np.linspace(1, 3, 60)
    after, _ = fit(close)
    assert after == before


def test_every_input_is_of_unit_size_in_training():
    columns = {name: walk(seed=i + 1) for i, name in enumerate(("Open", "High", "Low", "Volume"))}
    config = dataclasses.replace(SMALL, features=FEATURES)
    preprocessor, history = fit(walk(), config, **columns)
    inputs = preprocessor.inputs(history)
    assert inputs.shape == (200, len(preprocessor.channels))
    assert np.abs(inputs).max() <= CLIP
    assert (np.abs(inputs[:140].mean(axis=0)) < 0.25).all()
    assert ((inputs[:140].std(axis=0) > 0.75) & (inputs[:140].std(axis=0) < 1.1)).all()  # clipped tails take some


def test_an_input_that_never_varies_in_training_stays_at_zero():
    preprocessor, history = fit(walk(), dataclasses.replace(SMALL, features=("Close", "Volume")), Volume=np.full(200, 5.0))
    assert (preprocessor.inputs(history)[:, 1] == 0).all()
    assert Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict()))) == preprocessor


def test_the_state_survives_json():
    preprocessor, _ = fit(walk(), dataclasses.replace(SMALL, features=("Close", "rsi", "month")))
    assert Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict(), allow_nan=False))) == preprocessor


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e99])
@pytest.mark.parametrize("target", ["auto", "change", "price"])
def test_prices_of_any_size_stay_numbers(scale, target):
    close = walk() / 1000 * scale
    preprocessor, history = fit(close, dataclasses.replace(SMALL, target=target))
    inputs = preprocessor.inputs(history)
    assert np.isfinite(inputs).all()
    assert 0.01 < np.abs(inputs).max() < 100
    assert np.isfinite(preprocessor.prices(np.ones((200, 3)), close)).all()


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


def test_the_split_is_read_back_with_dates_and_counts():
    close = np.r_[np.linspace(1, 2, 80), np.linspace(1.5, 3, 20)]
    told = describe_split(make_history(close), SMALL)
    assert (told.train_end, told.validation_end, told.windows) == (70, 80, 64)
    assert [part.rows for part in told.spans.values()] == [70, 10, 20]
    assert told.spans["test"].start == make_history(close).dates[80]
    # Outside what training saw: the highest of its 70 prices, which validation exceeded.
    assert told.escape == np.mean(close[80:] > close[69]) > np.mean(close[80:] > close[79])
    assert told.escape == range_escape(close, 70, 80).outside


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
def test_the_split_of_very_few_rows_can_be_read_too(rows):
    told = describe_split(make_history(walk(rows)), ForecastConfig())
    assert sum(part.rows for part in told.spans.values()) == rows
    assert told.windows == 0
    assert (told.escape is None) == (told.spans["test"].rows == 0 or told.spans["train"].rows == 0)


def test_the_leaking_scaler_sees_the_test_part_and_the_honest_one_does_not():
    close = walk()
    wild = np.r_[close[:160], close[160:] * np.linspace(1, 5, 40)]
    for leak, same in ((None, True), ("scaler", False)):
        config = dataclasses.replace(SMALL, target="price", leak=leak)
        assert (fit(close, config)[0] == fit(wild, config)[0]) is same


def test_the_centred_average_sees_two_rows_ahead_and_the_honest_input_does_not():
    close = walk()
    wild = np.r_[close[:102], close[102:] * 1.5]
    for leak, same in ((None, True), ("centred_average", False)):
        preprocessor, _ = fit(close, dataclasses.replace(SMALL, leak=leak))
        assert bool(preprocessor.series(close)[100] == preprocessor.series(wild)[100]) is same
        np.testing.assert_array_equal(preprocessor.series(close)[:100], preprocessor.series(wild)[:100])
