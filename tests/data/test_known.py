"""Values that are known in advance: read, kept, joined, and seen by the network for the days that they are for."""

import dataclasses
import io
import re

import numpy as np
import pandas as pd
import pytest

from forecasting import ConfigError, DataError, ForecastConfig, PriceHistory, UnreadableFile, load_sample, read_prices
from forecasting.data.known import joined
from forecasting.model.features import feature_width, make_features, with_known

ROWS, AHEAD = 80, 6
DAYS = pd.bdate_range("2020-01-01", periods=ROWS + AHEAD)
SALE = np.arange(ROWS + AHEAD) % 7 == 3
TABLE = pd.DataFrame({"Close": 100.0 + np.arange(ROWS + AHEAD) % 5, "sale": SALE, "other": np.arange(ROWS + AHEAD) / 7},
                     index=DAYS.rename("Date"))
LATER = DAYS[-4:]
TABLE.loc[DAYS[ROWS:], ["Close", "other"]] = np.nan


@pytest.fixture(scope="module")
def history():
    return PriceHistory.from_frame(TABLE, name="shop")


def test_a_column_that_goes_on_after_the_last_price_is_known_in_advance(history):
    assert len(history) == ROWS
    assert list(history.known) == ["sale"]
    assert history.known["sale"].tolist() == SALE.astype(float).tolist()
    assert any("“sale” is known in advance up to 29 Apr 2020" in note for note in history.notes)
    from_file = read_prices(io.BytesIO(TABLE.to_csv().encode()), name="shop")
    assert from_file.fingerprint == history.fingerprint


def test_a_column_without_days_to_come_is_known_only_where_it_is_named():
    past = TABLE.iloc[:ROWS]
    assert PriceHistory.from_frame(past, column="Close").known is None
    named = PriceHistory.from_frame(past, known=["sale", "other"])
    assert list(named.known) == ["sale", "other"]
    assert any("no values for days to come" in note for note in named.notes)
    with pytest.raises(UnreadableFile, match="There is no column “sales”"):
        PriceHistory.from_frame(past, known="sales")
    with pytest.raises(ConfigError, match="known must be the name"):
        PriceHistory.from_frame(past, known=3)


def test_it_is_kept_and_part_of_what_names_the_history(history, tmp_path):
    history.save(tmp_path)
    assert PriceHistory.load(tmp_path) == history
    bare = dataclasses.replace(history, known=None)
    assert bare != history
    bare.save(tmp_path)
    assert PriceHistory.load(tmp_path) == bare


@pytest.mark.parametrize("known", [
    pd.DataFrame({"a": [1.0]}), {"a": 1}, pd.DataFrame({"a": ["x"]}, index=DAYS[:1]), pd.DataFrame({"a<b>": [1.0]}, DAYS[:1]),
    pd.DataFrame({"a": [1.0, 2.0]}, DAYS[[0, 0]]), pd.DataFrame({"a": [1.0]}, pd.DatetimeIndex(["1999-01-01"])),
    pd.DataFrame(np.ones((1, 21)), DAYS[:1], [f"a{n}" for n in range(21)]),
])
def test_other_tables_of_it_are_refused(history, known):
    with pytest.raises(DataError, match="Values known in advance need a DataFrame"):
        dataclasses.replace(history, known=known)


def test_each_row_sees_the_values_of_the_days_that_it_forecasts(history):
    channels = make_features(history, ["known:sale"], np.log, horizon=3)
    assert list(channels) == ["known:sale+1", "known:sale+2", "known:sale+3"]
    assert feature_width(("Close", "known:sale"), 3) == 4
    for step in (1, 2, 3):
        np.testing.assert_array_equal(channels[f"known:sale+{step}"], SALE[step : ROWS + step])
    short = dataclasses.replace(history, frame=history.frame.iloc[:50])
    pd.testing.assert_frame_equal(make_features(short, ["known:sale"], np.log, 3), channels.iloc[:50])


def test_what_is_missing_for_the_days_to_come_is_asked_for(history):
    later = pd.bdate_range(DAYS[-2], periods=4)
    with pytest.raises(ConfigError, match=r"needs 'sale' on each day, and there is none for 2 days from 2020-04-30"):
        with_known(history, None, ("known:sale",), later)
    told = with_known(history, pd.DataFrame({"sale": 1}, index=later), ("known:sale",), later)
    assert told.known.loc[later, "sale"].tolist() == [1.0] * 4
    assert told.known.loc[DAYS[:ROWS], "sale"].equals(history.known.loc[DAYS[:ROWS], "sale"])


@pytest.mark.parametrize(("table", "reason"), [
    (pd.DataFrame({"Sale": 1.0}, LATER), "Received: the columns 'Sale'. Did you mean 'sale'"),
    (pd.DataFrame({"sale": 1.0, "sele": 1.0}, LATER), "Did you mean 'sale'"),
    (pd.DataFrame(index=LATER), "Received: no column"),
    (pd.DataFrame({"sale": 1.0}, LATER + pd.DateOffset(years=10)), "none of the dates that are forecast, 2020-04-2"),
    (pd.DataFrame({"sale": 1.0}, LATER + pd.Timedelta("16h")), "none of the dates that are forecast"),
    (pd.DataFrame({"sale": []}, LATER[:0]), "Received: no rows"),
    (pd.DataFrame({"sale": np.nan}, LATER), "Received: none for 'sale' on"),
    (pd.DataFrame({"sale": [1.0, 1.0, np.inf, 1.0]}, LATER), "Received: none for 'sale' on"),
])
def test_values_for_the_days_to_come_that_say_nothing_are_refused(history, table, reason):
    with pytest.raises(ConfigError, match=reason):
        with_known(history, table, ("Close", "known:sale"), LATER)


def test_values_for_the_days_to_come_go_before_those_of_the_history_and_leave_the_past(history):
    table = pd.DataFrame({"sale": 5.0}, index=DAYS[1:])
    known = with_known(history, table, ("known:sale",), DAYS[ROWS : ROWS + 1]).known["sale"]
    assert (known[DAYS[ROWS:]] == 5.0).all()
    assert known[DAYS[:ROWS]].equals(history.known.loc[DAYS[:ROWS], "sale"])


@pytest.mark.parametrize("table", [
    pd.Series(1.0, LATER, name="sale"), pd.DataFrame({"sale": 1.0}, LATER.astype(str)),
    pd.DataFrame({"sale": 1.0}, LATER.tz_localize("UTC")), pd.DataFrame({"sale": 1.0}, LATER.to_period("D")),
    pd.DataFrame({"Date": LATER.astype(str), "sale": 1.0}), pd.DataFrame({"sale": [1.0] * 4}),
], ids=range(6))
def test_what_is_no_table_by_date_is_refused_with_what_to_pass(history, table):
    with pytest.raises(DataError, match="Pass known") as refused:
        with_known(history, table, ("known:sale",), LATER)
    advice = re.search(r"Pass (known.*\))", str(refused.value))[1]
    mended = eval(advice, {"known": table, "pandas": pd, "dates": LATER})
    assert with_known(history, mended, ("known:sale",), LATER).known.loc[LATER, "sale"].tolist() == [1.0] * 4


def test_newer_values_count_from_the_last_price_on():
    old = pd.DataFrame({"a": [1.0, 1.0, 1.0]}, index=DAYS[:3])
    new = pd.DataFrame({"a": [5.0, 5.0, np.nan, 5.0]}, index=DAYS[:4])
    assert joined(old, new, DAYS[0])["a"].tolist() == [1.0, 5.0, 1.0, 5.0]
    assert joined(old, None, DAYS[0]) is old


def test_an_input_that_the_series_does_not_have_is_refused_by_name():
    with pytest.raises(ConfigError, match="has no sale that is known in advance"):
        make_features(load_sample(), ["known:sale"], np.log)
    for name in ("known:", "known:<b>", "known:" + "a" * 41, "sale"):
        with pytest.raises(ConfigError, match="features must be one or more"):
            ForecastConfig(features=("Close", name))
