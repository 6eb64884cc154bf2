from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import DataError
from forecasting.data.frequency import IRREGULAR, TRADING_DAYS, Frequency, infer_frequency

FREQUENCIES = {"B": "trading days", "D": "every day", "W-FRI": "weekly", "14D": "every two weeks", "MS": "monthly",
               "BME": "monthly", "QE": "quarterly", "6MS": "half-yearly", "YS": "yearly", "h": "hourly", "4h": "4 hours",
               "30min": "30 minutes", "min": "1 minute", "10s": "10 seconds"}
WORDS = sorted(set(FREQUENCIES.values()))


def session_hours(days, hours=7):
    """Hourly stamps from 9:30 on each of `days`."""
    return pd.DatetimeIndex([day + pd.Timedelta(hours=9.5 + hour) for day in days for hour in range(hours)])


@pytest.mark.parametrize(("code", "words"), FREQUENCIES.items())
def test_regular_dates_are_named(code, words):
    assert str(infer_frequency(pd.date_range("2023-01-02", periods=120, freq=code))) == words


@pytest.mark.parametrize(("code", "words"), FREQUENCIES.items())
@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_of_the_rows_may_be_missing(code, words, seed):
    dates = pd.date_range("2023-01-02", periods=200, freq=code)
    kept = np.sort(np.random.default_rng(seed).choice(200, 180, replace=False))
    assert str(infer_frequency(dates[kept])) == words


def test_nights_and_weekends_do_not_hide_the_hours_of_an_exchange():
    assert str(infer_frequency(session_hours(pd.bdate_range("2024-01-02", periods=30)))) == "hourly"


@pytest.mark.parametrize(("week", "words"), [
    ((0, 1, 2, 3, 4), "trading days"), ((6, 0, 1, 2, 3), "trading days, Sunday to Thursday"),
    ((5, 6, 0, 1, 2), "trading days, Saturday to Wednesday"), ((6, 0, 1, 2, 3, 4), "trading days, Sunday to Friday"),
    ((1, 3), "trading days, Tuesday and Thursday"), ((0, 2, 4), "trading days, Monday, Wednesday and Friday"),
    ((5, 6), "trading days, Saturday and Sunday"), (range(7), "every day"), ((4,), "weekly")])
def test_a_week_that_is_not_monday_to_friday_is_named(week, words):
    days = pd.date_range("2024-01-01", periods=200)
    assert str(infer_frequency(days[days.day_of_week.isin(list(week))])) == words


def test_daily_closes_stamped_across_a_clock_change_are_daily():
    days = pd.bdate_range("2024-01-01", periods=60)
    stamps = days + pd.to_timedelta(np.where(days < "2024-02-10", 16, 15), unit="h")
    assert str(infer_frequency(stamps)) == "trading days"


def test_weekly_rows_moved_by_holidays_are_weekly():
    fridays = pd.date_range("2024-01-05", periods=60, freq="W-FRI")
    moved = fridays.where(np.arange(60) % 10 != 0, fridays - pd.Timedelta(days=1))
    assert str(infer_frequency(moved)) == "weekly"


@pytest.mark.parametrize("dates", [
    [], ["2024-01-01"], ["2024-01-01", "2024-01-02"],
    ["2024-01-01", "2024-01-05", "2024-02-01", "2024-02-11", "2024-05-01"],
    ["2024-01-01 09:00:00", "2024-01-01 09:00:07", "2024-01-01 09:03:00", "2024-01-01 10:11:12"],
])
def test_dates_without_a_usual_spacing_are_irregular(dates):
    assert str(infer_frequency(pd.DatetimeIndex(dates))) == "irregular"


@pytest.mark.parametrize(("words", "lags"), [
    ("monthly", (12,)), ("quarterly", (4,)), ("every day", (7, 365)), ("trading days", (5,)), ("weekly", (52,)),
    ("yearly", ()), ("irregular", ()), ("30 minutes", (48, 336)), ("hourly", (24, 168)), ("4 hours", (6, 42)),
])
def test_seasons_are_looked_for_where_the_frequency_has_them(words, lags):
    assert Frequency.parse(words).seasons() == lags


def test_hours_of_an_exchange_have_shorter_days_and_weeks_than_hours_around_the_clock():
    dates = session_hours(pd.bdate_range("2024-01-02", periods=30))
    assert Frequency.parse("hourly").rows_per_day(dates) == 7
    assert Frequency.parse("hourly").seasons(dates) == (7, 35)
    assert Frequency.parse("hourly").rows_per_year(dates) == 7 * 252
    assert Frequency.parse("hourly").seasons(pd.date_range("2024-01-01", periods=500, freq="h")) == (24, 168)


@pytest.mark.parametrize(("words", "per_year"), [("trading days", 252), ("every day", 365.25), ("monthly", 12),
                                                 ("30 minutes", 48 * 365.25), ("irregular", None)])
def test_steps_in_a_year(words, per_year):
    assert Frequency.parse(words).rows_per_year() == per_year


@pytest.mark.parametrize(("words", "number", "text"), [
    ("trading days", 60, "60 trading days"), ("trading days", 1, "1 trading day"), ("every day", 2, "2 days"),
    ("monthly", 10, "10 months"), ("hourly", 1, "1 hour"), ("30 minutes", 48, "48 steps of 30 minutes"),
    ("1 minute", 5, "5 minutes"), ("irregular", 1, "1 row"), ("irregular", 60, "60 rows"),
])
def test_a_number_of_rows_in_words(words, number, text):
    assert Frequency.parse(words).count_of(number) == text


@pytest.mark.parametrize(("days", "naive"), [((0, 1, 2, 3, 4), "yesterday's close"), ((6, 0, 1, 2, 3), "yesterday's close"),
                                              ((1, 3), "the close of the trading day before")])
def test_the_naive_forecast_is_named_as_the_week_has_it(days, naive):
    assert Frequency("day", days=days).naive == naive


@pytest.mark.parametrize("words", WORDS)
def test_every_frequency_has_a_unit_and_a_number_of_steps_in_a_year(words):
    assert Frequency.parse(words).rows_per_year() >= 1
    assert Frequency.parse(words).count_of(3).startswith("3 ")


WEEKS = [(6, 0, 1, 2, 3), (5, 6, 0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 3, 4), (6, 0, 1, 2, 3, 4)]


@pytest.mark.parametrize("week", [*WEEKS, (1, 3), (0, 2, 4), (5, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_the_week_is_learnt_from_the_dates_however_many_are_missing(week, seed):
    days = pd.date_range("2023-01-01", periods=300)
    days = days[days.day_of_week.isin(week)]
    kept = np.random.default_rng(seed).random(len(days)) > 0.1
    frequency = infer_frequency(days[kept])
    assert frequency.days == tuple(sorted(week))
    assert frequency == "trading days"


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 6), min_size=1), st.integers(0, 6), st.integers(20, 200), st.floats(0, 0.2), st.integers(0, 99))
def test_any_week_is_learnt_from_any_stretch_of_it(week, start, rows, missing, seed):
    days = pd.date_range("2020-01-01", periods=1500)[start:]
    days = days[days.day_of_week.isin(week)]
    kept = days[np.random.default_rng(seed).random(len(days)) >= (missing if rows >= 60 else 0)][:rows]
    frequency = infer_frequency(kept)
    assert frequency == {1: "weekly", 7: "every day"}.get(len(week), "trading days")
    if len(week) > 1:
        assert frequency.days == tuple(sorted(week))


@pytest.mark.parametrize(("week", "days"), [((0, 1, 2, 3, 4), 5), ((6, 0, 1, 2, 3), 4), ((1, 3), 5), ((0, 2, 4), 8)])
def test_a_short_series_has_shown_its_week_after_that_many_rows(week, days):
    dates = pd.date_range("2024-01-07", periods=60)
    assert infer_frequency(dates[dates.day_of_week.isin(week)][:days]).days == tuple(sorted(week))


@pytest.mark.parametrize("rows", range(2, 15))
def test_two_mondays_closed_in_a_row_do_not_close_a_short_series_on_mondays(rows):
    dates = pd.bdate_range("2024-12-19", periods=30)
    dates = dates.drop([dates[2], dates[7]])
    assert infer_frequency(dates[:rows]).days == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(("week", "special"), [((0, 1, 2, 3, 4), 5), ((6, 0, 1, 2, 3), 4), ((1, 3), 2)])
def test_special_sessions_on_a_day_that_is_closed_as_a_rule_do_not_open_it(week, special):
    dates = pd.date_range("2023-01-01", periods=400)
    rare = dates[dates.day_of_week == special][::6]
    assert infer_frequency(dates[dates.day_of_week.isin(week)].union(rare)).days == tuple(sorted(week))


def test_a_holiday_of_two_weeks_changes_no_week():
    dates = pd.bdate_range("2024-01-01", periods=80)
    for first in range(60, 70):
        assert infer_frequency(dates.delete(range(first, first + 10))).days == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(("week", "lag", "per_year"), [
    ((5, 6, 0, 1, 2), 5, 252), ((0, 1, 2, 3), 4, 201.6), ((6, 0, 1, 2, 3, 4), 6, 302.4), ((1, 3), 2, 100.8),
    (range(7), 7, 365.25)])
def test_a_season_of_trading_days_is_a_week_of_them(week, lag, per_year):
    days = pd.date_range("2023-01-01", periods=300)
    frequency = infer_frequency(days[days.day_of_week.isin(list(week))])
    assert frequency.seasons()[0] == lag
    assert frequency.rows_per_year() == per_year


def test_a_short_session_on_a_sixth_day_is_no_day_of_the_season():
    clock = pd.date_range("2024-01-01", "2024-03-01 20:00", freq="h")
    weekday, hour = clock.day_of_week, clock.hour
    dates = clock[~((weekday == 5) | ((weekday == 6) & (hour < 22)) | ((weekday == 4) & (hour > 21)))]
    assert infer_frequency(dates).seasons(dates) == (24, 120)


CHANGES = {"Riyadh 2013": ((5, 6, 0, 1, 2), (6, 0, 1, 2, 3)), "Dubai 2022": ((6, 0, 1, 2, 3), (0, 1, 2, 3, 4)),
           "all seven days": ((5, 6, 0, 1, 2), (0, 1, 2, 3, 4)), "no more Saturdays": ((0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 4)),
           "Saturdays too": ((0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5))}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("since", [35, 56, 100, 300])
def test_a_market_that_changed_its_week_keeps_the_new_one(change, since):
    old, new = CHANGES[change]
    days = pd.date_range(end=pd.Timestamp("2022-01-02") + pd.Timedelta(days=since), periods=800)
    is_open = np.where(days < "2022-01-03", days.day_of_week.isin(old), days.day_of_week.isin(new))
    assert infer_frequency(days[is_open.astype(bool)]).days == tuple(sorted(new))


@pytest.mark.parametrize("change", list(CHANGES)[:3])
def test_a_market_that_moved_a_day_is_understood_after_two_weeks(change):
    old, new = CHANGES[change]
    days = pd.date_range("2021-06-01", "2022-01-17")
    is_open = np.where(days < "2022-01-03", days.day_of_week.isin(old), days.day_of_week.isin(new))
    assert infer_frequency(days[is_open.astype(bool)]).days == tuple(sorted(new))


def test_a_few_days_do_not_make_a_week():
    assert infer_frequency(pd.date_range("2024-01-01", periods=3)).days == (0, 1, 2, 3, 4)
    assert TRADING_DAYS.on(pd.date_range("2024-01-06", periods=1)).days == (0, 1, 2, 3, 4)
    # From Sunday to Thursday, and Friday and Saturday came by without a row.
    assert infer_frequency(pd.DatetimeIndex(["2024-02-21", "2024-02-22", "2024-02-25", "2024-02-26", "2024-02-27"])).days == (
        0, 1, 2, 3, 6)


@pytest.mark.parametrize("days", [(0, 14), (4, 19), (14, 27)])
@pytest.mark.parametrize("moved", [(0, 0), (2, 1), (-1, -2), (-1, 1)])
@pytest.mark.parametrize("months", [6, 30])
def test_rows_on_two_days_of_each_month_come_twice_a_month(days, moved, months):
    months = pd.date_range("2020-01-01", periods=months, freq="MS")
    dates = pd.DatetimeIndex([month + pd.Timedelta(days=day) for month in months for day in days])
    dates = dates + pd.to_timedelta(np.array([0, 0, 0, 0, 0, *moved])[dates.day_of_week], unit="D")
    assert str(infer_frequency(dates)) == "twice a month"
    assert infer_frequency(dates).seasons() == (24,)


def test_every_second_friday_is_not_twice_a_month_even_if_holidays_move_some():
    fridays = pd.date_range("2020-01-03", periods=60, freq="14D")
    moved = fridays.where(np.arange(60) % 6 != 0, fridays - pd.Timedelta(days=1))
    assert str(infer_frequency(moved)) == "every two weeks"


@pytest.mark.parametrize("size", range(1, 7))
def test_the_words_of_every_week_stand_for_it(size):
    for week in combinations(range(7), size):
        frequency = Frequency("day", days=week)
        assert Frequency.parse(str(frequency)).days == week
        assert frequency == "trading days" == frequency.kind
        assert frequency == str(frequency)


@pytest.mark.parametrize("words", [*WORDS, "irregular", "twice a month", "1 second", "90 minutes", "60 minutes"])
def test_a_frequency_and_its_words_stand_for_each_other(words):
    frequency = Frequency.parse(words)
    assert str(frequency) == words
    assert frequency == words
    assert frequency == Frequency.parse(words)
    assert frequency in {words}
    assert (frequency == "weekly") == (words == "weekly")
    assert f"{frequency}" == words


@pytest.mark.parametrize("text", ["", "fortnightly", "0 minutes", "3 weeks", "Weekly", "nan"])
def test_other_words_are_refused_with_those_there_are(text):
    with pytest.raises(DataError, match=r"Received: '.*'\. Choose one of: trading days, every day"):
        Frequency.parse(text)


@pytest.mark.parametrize("fields", [("week", 3), ("day", 2), ("decade",), ("minute", 0), ("day", 1, ()), ("day", 1, (7,))])
def test_a_frequency_that_cannot_be_is_refused(fields):
    with pytest.raises(DataError, match="no such frequency"):
        Frequency(*fields)


def test_only_what_stands_for_one_day_or_less_has_a_day_of_the_week():
    longer = {words for words in WORDS if Frequency.parse(words).longer_than_a_day}
    assert longer == {"weekly", "every two weeks", "monthly", "quarterly", "half-yearly", "yearly"}
    assert not IRREGULAR.longer_than_a_day
