import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting.data.history import PriceHistory
from forecasting.evaluation.diagnostics import range_escape
from forecasting.model.config import ForecastConfig
from forecasting.model.split import (
    Split,
    describe_split,
    is_enough,
    learning_origins,
    nearest_settings,
    part_labels,
    split,
)

SMALL = ForecastConfig(window=4, horizon=3)


def make_history(close):
    frame = pd.DataFrame({"Close": np.asarray(close, dtype=float)}, index=pd.bdate_range("2020-01-01", periods=len(close)))
    return PriceHistory(frame, name="made", source="a test")


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
    told = describe_split(make_history(np.arange(1.0, rows + 1)), ForecastConfig())
    assert sum(part.rows for part in told.spans.values()) == rows
    assert told.windows == 0
    assert (told.escape is None) == (told.spans["test"].rows == 0 or told.spans["train"].rows == 0)


def test_each_origin_teaches_or_chooses_by_its_part_and_the_leak_lab_breaks_just_that():
    parts = Split(70, 80, 100)
    train, validation, test = (np.arange(one.start, one.stop) for one in parts.origins(4, 3))
    for leak, expected in ((None, (train, validation)), ("scaler", (train, validation)), ("validation", (train, test))):
        for ours, theirs in zip(learning_origins(parts, dataclasses.replace(SMALL, leak=leak)), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    learn, choose = learning_origins(parts, dataclasses.replace(SMALL, leak="shuffle"))
    assert not set(learn) & set(choose)
    assert (learn >= 80).any()
    assert (choose < 70).any()


@pytest.mark.parametrize("rows", [15, 40, 90, 111, 500])
@pytest.mark.parametrize("config", [
    ForecastConfig(window=60, horizon=10), ForecastConfig(window=250, horizon=60),
    ForecastConfig(window=60, horizon=5, test_share=0.6, validation_share=0.13), ForecastConfig(window=500)])
def test_the_nearest_settings_are_enough_and_no_single_change_is_smaller(rows, config):
    nearest = next(nearest_settings(rows, config))
    assert is_enough(split(rows, nearest), nearest)
    unchanged = {"window": config.window, "horizon": config.horizon, "validation_share": config.validation_share,
                 "test_share": config.test_share}
    assert dataclasses.replace(nearest, **unchanged) == config
    for name, value in unchanged.items():
        now = getattr(nearest, name)
        if now != value and isinstance(now, int):  # one row more is too much, with the rest as it is
            wider = dataclasses.replace(nearest, **{name: now + 1})
            assert not is_enough(split(rows, wider), wider)


def test_what_is_enough_is_its_own_nearest():
    config = ForecastConfig(window=20, horizon=3)
    assert next(nearest_settings(400, config)) == config


def test_no_settings_are_enough_for_a_handful_of_rows():
    assert list(nearest_settings(8, ForecastConfig())) == []
