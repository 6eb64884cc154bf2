import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.errors import ConfigError
from forecasting.model.config import (
    CHOICES,
    FEATURES,
    PRESETS,
    QUICK_LOOK,
    RANGES,
    RECOMMENDED,
    TUTORIAL,
    ForecastConfig,
)


@pytest.mark.parametrize("config", [ForecastConfig(), *PRESETS.values()])
def test_settings_survive_json(config):
    assert ForecastConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_tutorial_is_exactly_the_tutorials():
    assert (TUTORIAL.window, TUTORIAL.units, TUTORIAL.cell) == (60, (64, 64), "lstm")
    assert (TUTORIAL.optimizer, TUTORIAL.learning_rate, TUTORIAL.batch_size) == ("adam", 0.01, 32)
    assert (TUTORIAL.epochs, TUTORIAL.patience, TUTORIAL.test_share) == (100, None, 0.3)
    assert (TUTORIAL.target, TUTORIAL.skip, TUTORIAL.horizon, TUTORIAL.features) == ("price", None, 1, ("Close",))


def test_quick_look_is_the_recommended_one_made_small():
    assert (QUICK_LOOK.target, QUICK_LOOK.skip) == (RECOMMENDED.target, RECOMMENDED.skip)
    assert QUICK_LOOK.epochs < RECOMMENDED.epochs


def test_lists_become_tuples_so_that_a_config_can_be_hashed():
    config = ForecastConfig(units=[8, 4], features=["Close", "rsi"])
    assert config.units == (8, 4)
    assert hash(config) == hash(ForecastConfig(units=(8, 4), features=("Close", "rsi")))


@pytest.mark.parametrize(("name", "value"), [
    ("window", 1), ("window", 60.5), ("window", True), ("window", "60"), ("window", None), ("window", float("nan")),
    ("horizon", 0), ("horizon", 61), ("epochs", 0), ("batch_size", 0), ("learning_rate", 0.0), ("learning_rate", 2),
    ("dropout", -0.1), ("dropout", 0.95), ("patience", 0), ("clip_norm", 0), ("seed", -1), ("test_share", 0.9),
    ("target", "returns"), ("cell", None), ("cell", ["lstm"]), ("skip", "lasso"), ("leak", "all"),
    ("units", ()), ("units", True), ("units", "64"), ("units", (0,)), ("units", (1025,)), ("units", (8,) * 9),
    ("features", [["Close"]]), ("features", [{}]), ("features", np.array(1.0)), ("units", np.array([[4, 8]])),
    ("window", np.array([1, 2])), ("window", np.array([60])), ("horizon", 10**400), ("horizon", [10**400]),
    ("learning_rate", complex(0.1)), ("clip_norm", float("inf")), ("patience", np.bool_(True)),
    ("features", ()), ("features", ("Close", "Close")), ("features", ("price",)), ("features", "close"),
])
def test_a_bad_setting_is_refused_with_what_was_received(name, value):
    with pytest.raises(ConfigError, match="Received"):
        ForecastConfig(**{name: value})


def test_numbers_of_any_kind_become_plain_ones():
    config = ForecastConfig(window=np.int64(20), learning_rate=np.float32(0.5), epochs=3.0)
    assert type(config.window) is int
    assert type(config.epochs) is int
    assert json.loads(json.dumps(config.to_dict()))["learning_rate"] == 0.5


def test_validation_and_test_must_leave_something_to_train_on():
    with pytest.raises(ConfigError, match="left to train on"):
        ForecastConfig(validation_share=0.4, test_share=0.6)


@pytest.mark.parametrize("values", [{"windows": 60}, {"window": 60, "Epochs": 1}])
def test_an_unknown_setting_is_refused_by_name(values):
    with pytest.raises(ConfigError, match="Unknown setting"):
        ForecastConfig.from_dict(values)


def test_what_was_received_is_shown_in_part_where_it_is_long():
    for value in (10**5000, [10**5000], 10**4000, "x" * 5000):
        with pytest.raises(ConfigError, match="from 1 to 60") as refused:
            ForecastConfig(horizon=value)
        assert len(str(refused.value)) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(min_value=10**300) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([field.name for field in dataclasses.fields(ForecastConfig)]) | st.text(max_size=8),
                       JSON, max_size=3) | JSON)
def test_whatever_json_holds_is_settings_or_a_sentence(values):
    try:
        config = ForecastConfig.from_dict(values)
    except ConfigError:
        return
    assert ForecastConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("values", [None, [], "window=60"])
def test_settings_must_be_a_table(values):
    with pytest.raises(ConfigError, match="names and values"):
        ForecastConfig.from_dict(values)


def test_every_choice_and_the_ends_of_every_range_are_accepted():
    for name, values in CHOICES.items():
        for value in values:
            ForecastConfig(**{name: value})
    for name, (low, high, _, optional) in RANGES.items():
        for value in [low, high] + [None] * optional:
            assert getattr(ForecastConfig(**{name: value}), name) == value
    ForecastConfig(features=FEATURES)
