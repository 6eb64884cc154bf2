import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError
from forecasting.model.config import FEATURES
from forecasting.model.features import CHANNELS, feature_width, make_features

ROWS = 120
ALL = tuple(name for name in FEATURES if name != "Close")


def make_history(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, rows)))
    opened = close * np.exp(rng.normal(0, 0.01, rows))
    frame = pd.DataFrame({
        "Open": opened, "High": np.maximum(opened, close) * 1.01, "Low": np.minimum(opened, close) * 0.99,
        "Close": close, "Volume": rng.integers(1000, 9000, rows),
    }, index=pd.bdate_range("2020-01-01", periods=rows))
    return PriceHistory(frame, name="made", source="a test")


def test_every_feature_has_its_channels():
    channels = make_features(make_history(), ALL, np.log)
    assert list(channels) == [channel for name in ALL for channel in CHANNELS[name]]
    assert feature_width(FEATURES) == channels.shape[1] + 1
    assert np.isfinite(channels.iloc[60:].to_numpy()).all()


@pytest.mark.parametrize("name", ALL)
def test_no_feature_at_a_day_changes_when_later_days_change(name):
    history, day = make_history(), 80
    later = history.frame.copy()
    later.iloc[day + 1 :] *= np.random.default_rng(1).uniform(0.2, 5, later.iloc[day + 1 :].shape)
    before = make_features(history, (name,), np.log).iloc[: day + 1]
    after = make_features(dataclasses.replace(history, frame=later), (name,), np.log).iloc[: day + 1]
    pd.testing.assert_frame_equal(before, after)


@pytest.mark.parametrize("name", ALL)
def test_no_feature_needs_the_days_that_follow(name):
    history, day = make_history(), 80
    short = dataclasses.replace(history, frame=history.frame.iloc[: day + 1])
    pd.testing.assert_frame_equal(make_features(short, (name,), np.log),
                                  make_features(history, (name,), np.log).iloc[: day + 1])


def test_other_columns_are_distances_from_the_close():
    history = make_history()
    channels = make_features(history, ("Open", "High", "Low"), np.log)
    frame = history.frame
    np.testing.assert_allclose(channels["High"], np.log(frame["High"] / frame["Close"]), atol=1e-12)


def test_the_calendar_lies_on_a_circle():
    channels = make_features(make_history(), ("day_of_week", "month"), np.log)
    radius = channels["day_of_week_sine"] ** 2 + channels["day_of_week_cosine"] ** 2
    np.testing.assert_allclose(radius, 1)
    january = channels[channels.index.month == 1]
    np.testing.assert_allclose(january["month_cosine"], 1)


def test_rsi_is_a_hundred_where_the_price_only_rises():
    frame = pd.DataFrame({"Close": np.arange(1.0, 41)}, index=pd.bdate_range("2020-01-01", periods=40))
    channels = make_features(PriceHistory(frame, name="up", source="a test"), ("rsi",), np.log)
    assert (channels["rsi"].iloc[14:] == 100).all()


def test_moving_averages_are_distances_from_the_mean_of_the_last_rows():
    history = make_history()
    channels = make_features(history, ("moving_averages",), lambda prices: prices)
    assert channels["average_5"].iloc[50] == pytest.approx(history.close[50] - history.close[46:51].mean())


def test_a_gap_in_another_column_takes_the_last_known_value():
    history = make_history()
    frame = history.frame.copy()
    frame.loc[frame.index[70], "Volume"] = np.nan
    channels = make_features(dataclasses.replace(history, frame=frame), ("Volume",), np.log)
    assert np.isfinite(channels["Volume"].iloc[70])


@pytest.mark.parametrize("rows", [1, 2, 5, 20, 34])
def test_short_series_have_features_too(rows):
    channels = make_features(make_history(rows), ALL, np.log)
    assert len(channels) == rows
    assert not np.isinf(channels.to_numpy()).any()


def test_a_price_that_stands_still_gives_no_infinity():
    history = make_history()
    frame = history.frame.copy()
    frame.iloc[30:90, :4] = 50.0
    assert not np.isinf(make_features(dataclasses.replace(history, frame=frame), ALL, np.log).to_numpy()).any()


def test_a_column_that_is_not_there_is_named():
    history = make_history()
    bare = dataclasses.replace(history, frame=history.frame[["Close", "Open"]])
    with pytest.raises(ConfigError, match=r"no Volume\. Known beside Close: Open"):
        make_features(bare, ("Volume",), np.log)
