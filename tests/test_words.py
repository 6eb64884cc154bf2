"""Numbers as people read them."""

import numpy as np
import pandas as pd
import pytest

from forecasting import words
from forecasting.data.frequency import Frequency, infer_frequency


@pytest.mark.parametrize(("value", "currency", "text"), [
    (168.34, None, "168.34"),
    (168.3449, "USD", "168.34 USD"),
    (0.009582, None, "0.009582"),
    (0.0095821234, "USD", "0.009582 USD"),
    (0.5, None, "0.5000"),
    (16547.5, None, "16\u202f547.50"),
    (-3.256, None, "-3.26"),
    (0.0, None, "0.00"),
    (1e-30, None, "0.000000000000"),
    (None, "USD", "–"),
    (np.nan, "USD", "–"),
    (np.float32(2.5), None, "2.50"),
])
def test_a_price_has_the_digits_that_its_size_needs(value, currency, text):
    assert words.price(value, currency) == text


def test_percentages_have_two_digits_and_a_space():
    assert words.percent(1.234) == "1.23 %"
    assert words.percent(1.234, signed=True) == "+1.23 %"
    assert words.share(-0.00123) == "-0.12 %"
    assert words.share(0.8, digits=0) == "80 %"
    assert words.percent(None) == words.share(None) == words.percent(np.inf) == "–"


@pytest.mark.parametrize(("value", "text"), [
    (1.0, "1.0 to 1"), (2.0, "2.0 to 1"), (9.99, "9.9 to 1"), (10.0, "10 to 1"), (19.99, "19 to 1"), (37.0, "37 to 1"),
    (12_999.0, "12\u202f000 to 1"), (999_999.0, "990\u202f000 to 1"), (1e6, "more than a million to 1"),
])
def test_odds_are_rounded_down(value, text):
    assert words.odds(np.log(value)) == text


def test_a_rounded_zero_has_no_sign():
    assert words.percent(-0.001) == words.percent(0.001, signed=True) == "0.00 %"


@pytest.mark.parametrize(("when", "text"), [
    ("2018-03-27", "27 Mar 2018"),
    ("2018-03-07 14:30", "7 Mar 2018, 14:30"),
    (np.datetime64("1980-12-12"), "12 Dec 1980"),
    (pd.NaT, "–"),
])
def test_a_date_names_its_month_and_tells_the_time_within_a_day(when, text):
    assert words.date(when) == text


def test_midnight_is_told_where_the_series_runs_within_days():
    assert words.date("2018-03-27", time=True) == "27 Mar 2018, 00:00"
    assert words.date("2018-03-27 09:30", time=False) == "27 Mar 2018"


def test_a_span_of_dates_names_both_ends():
    assert words.dates("2018-03-27", "2019-04-03") == "27 Mar 2018 to 3 Apr 2019"
    assert words.dates("2018-03-27", "2018-03-27") == "27 Mar 2018"


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0.0 s"), (0.44, "0.4 s"), (9.97, "10 s"), (59.4, "59 s"), (59.7, "1 min"), (80, "1 min 20 s"), (120, "2 min"),
    (3599.7, "1 h"), (7500, "2 h 5 min"), (86399, "1 d"), (3 * 86400 + 4 * 3600, "3 d 4 h"), (-1, "0.0 s"), (None, "–"),
    (float("inf"), "–"),
])
def test_a_duration_has_two_units_at_most(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (5, "just now"), (60, "1 minute ago"), (3 * 3600 + 5, "3 hours ago"), (86400 * 2, "2 days ago"),
    (86400 * 400, "1 year ago"), (None, "–"),
])
def test_an_age_has_its_largest_unit(seconds, text):
    assert words.age(seconds) == text


def test_counts_have_thin_separators_and_their_unit():
    assert words.count(1234567) == "1\u202f234\u202f567"
    assert words.count_of(1, "row") == "1 row"
    assert words.count_of(3270, "row") == "3\u202f270 rows"
    assert words.count_of(2, "series", "series") == "2 series"
    assert words.count(None) == "–"


def test_probabilities_are_never_rounded_to_zero():
    assert words.p_value(0.0321) == "p = 0.032"
    assert words.p_value(0.0000001) == "p < 0.001"
    assert words.p_value(None) == "p = –"


@pytest.mark.parametrize(("frequency", "unit", "naive"), [
    ("trading days", "day", "yesterday's close"),
    ("monthly", "month", "last month's value"),
    ("30 minutes", "step", "the price 30 minutes before"),
    ("4 hours", "step", "the price 4 hours before"),
    ("1 minute", "minute", "the price a minute before"),
    ("every two weeks", "fortnight", "the price two weeks before"),
    ("irregular", "step", "the last known price"),
])
def test_a_step_and_the_naive_forecast_are_named_by_the_frequency(frequency, unit, naive):
    assert words.unit(Frequency.parse(frequency)) == unit
    assert words.naive_phrase(Frequency.parse(frequency)) == naive


def test_every_frequency_of_dates_has_a_step_and_a_naive_forecast():
    spans = {"B": "trading days", "D": "every day", "W": "weekly", "2W": "every two weeks", "MS": "monthly",
             "QS": "quarterly", "2QS": "half-yearly", "YS": "yearly", "h": "hourly", "min": "1 minute", "s": "1 second"}
    for code, frequency in spans.items():
        found = infer_frequency(pd.date_range("2000-01-03", periods=40, freq=code))
        assert str(found) == frequency
        assert words.unit(found) != "step"
        assert words.naive_phrase(found) != "the last known price"


def test_currencies_have_words_in_sentences():
    assert words.currency_word("USD") == "dollars"
    assert words.currency_word("SEK") == "SEK"
    assert words.currency_word(None) == ""


def test_a_probability_stands_alone_in_a_table():
    assert words.probability(0.0321) == "0.032"
    assert words.probability(0.0000001) == "< 0.001"
    assert words.probability(None) == words.probability(float("nan")) == "–"


@pytest.mark.parametrize(("n", "text"), [
    (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9960, "10 kB"), (999_499, "999 kB"),
    (999_600, "1.0 MB"), (12_345_678, "12 MB"), (3.4e9, "3.4 GB"), (5e12, "5\u202f000 GB")])
def test_bytes_have_two_digits_or_more_and_the_unit_that_suits_them(n, text):
    assert words.size(n) == text
