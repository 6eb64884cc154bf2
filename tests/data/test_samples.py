import numpy as np
import pandas as pd
import pytest

from forecasting import DataError, load_sample
from forecasting.data.samples import SAMPLES


def test_the_default_sample_is_apple_in_dollars_on_new_yorks_trading_days():
    history = load_sample()
    assert (history.name, history.currency, history.frequency, history.calendar) == (
        "AAPL", "USD", "trading days", "XNYS")
    assert len(history) == 3270
    assert (history.dates[0], history.dates[-1]) == (pd.Timestamp("2000-03-01"), pd.Timestamp("2013-03-01"))
    assert history.close[-1] == 15.373929
    assert "public domain" in history.source


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_loads_the_same_each_time(name):
    assert load_sample(name).fingerprint == load_sample(name).fingerprint
    assert len(load_sample(name)) > 1000


def test_the_generated_sample_says_that_it_is_no_market():
    history = load_sample("Generated waves")
    assert "generated" in history.source
    assert history.currency is None
    assert (history.dates.day_of_week < 5).all()


def test_the_generated_sample_can_be_forecast_three_times_as_well_as_naively():
    close = load_sample("Generated waves").close
    windows = np.lib.stride_tricks.sliding_window_view(close, 60)[:-1]
    inputs, following = np.c_[windows, np.ones(len(windows))], close[60:]
    learnt = slice(0, int(0.8 * len(following)))
    weights = np.linalg.lstsq(inputs[learnt], following[learnt])[0]
    unseen = slice(learnt.stop, None)
    error = np.sqrt(np.mean((inputs[unseen] @ weights - following[unseen]) ** 2))
    naive = np.sqrt(np.mean((windows[unseen, -1] - following[unseen]) ** 2))
    assert error < 0.4 * naive


def test_an_unknown_sample_is_refused_with_the_names_of_those_there_are():
    with pytest.raises(DataError, match=r"Received: 'TSLA'.*AAPL, Generated waves"):
        load_sample("TSLA")


@pytest.mark.parametrize("name", [None, 3, pd.DataFrame({"Close": [1.0]}), pd.Series([1.0])])
def test_what_is_no_name_of_a_sample_is_refused_too(name):
    with pytest.raises(DataError, match=r"There is no sample of that name\. Received: a"):
        load_sample(name)
