import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting import DataError, PriceHistory

DAYS = pd.date_range("2024-01-01", periods=4)


def make(frame, **said):
    return PriceHistory(frame, name="test", source="made up", **said)


def test_a_history_keeps_the_columns_it_knows_as_floats_under_the_index_date():
    history = make(pd.DataFrame({"Volume": [1, 2, 3, 4], "Close": [5, 6, 7, 8], "Ticker": "A"}, index=DAYS))
    assert list(history.frame) == ["Close", "Volume"]
    assert (history.frame.dtypes == "float64").all()
    assert history.frame.index.name == "Date"
    np.testing.assert_array_equal(history.close, [5.0, 6.0, 7.0, 8.0])


def test_the_frequency_is_inferred_unless_it_is_given():
    frame = pd.DataFrame({"Close": 1.0}, index=pd.date_range("2024-01-01", periods=20, freq="MS"))
    assert make(frame).frequency == "monthly"
    assert make(frame, frequency="irregular").frequency == "irregular"


def test_a_business_month_end_index_does_not_change_what_a_month_end_is():
    history = make(pd.DataFrame({"Close": 1.0}, index=pd.date_range("2024-01-01", periods=9, freq="BME")))
    assert not history.dates.is_month_end.all()


def test_a_history_is_frozen_and_can_be_copied_with_changes():
    history = make(pd.DataFrame({"Close": 1.0}, index=DAYS), notes=["sorted"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        history.name = "other"
    assert dataclasses.replace(history, name="other").notes == ("sorted",)


def test_the_callers_table_is_left_as_it_was():
    frame = pd.DataFrame({"Close": [1, 2, 3, 4]}, index=DAYS)
    make(frame)
    assert frame.index.name is None
    assert frame.index.freq is not None
    assert frame["Close"].dtype == "int64"


@pytest.mark.parametrize(("frame", "reason"), [
    (pd.DataFrame({"Price": 1.0}, index=DAYS), "needs a table with a column 'Close'"),
    (pd.DataFrame({"Close": 1.0}, index=range(4)), "needs naive dates"),
    (pd.DataFrame({"Close": 1.0}, index=DAYS.tz_localize("UTC")), "needs naive dates"),
    (pd.DataFrame({"Close": 1.0}, index=DAYS[::-1]), "must ascend"),
    (pd.DataFrame({"Close": 1.0}, index=DAYS[[0, 0, 1, 2]]), "must ascend"),
    (pd.DataFrame({"Close": [1.0, np.nan, 1.0, 1.0]}, index=DAYS), "needs a finite Close"),
    (pd.DataFrame({"Close": [1.0, np.inf, 1.0, 1.0]}, index=DAYS), "needs a finite Close"),
])
def test_what_is_not_a_history_is_refused(frame, reason):
    with pytest.raises(DataError, match=reason):
        make(frame)


def test_a_fingerprint_names_the_prices():
    frame = pd.DataFrame({"Close": [1.0, 2.0, 3.0, 4.0]}, index=DAYS)
    same, other = make(frame.copy()), make(frame + 1e-9)
    assert make(frame).fingerprint == same.fingerprint != other.fingerprint
    assert make(frame.set_axis(DAYS + pd.Timedelta(days=1))).fingerprint != same.fingerprint
