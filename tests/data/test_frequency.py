import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import count_of, infer_frequency, rows_per_day, season_candidates, steps_per_year

FREQUENCIES = {"B": "trading days", "D": "every day", "W-FRI": "weekly", "14D": "every two weeks", "MS": "monthly",
               "BME": "monthly", "QE": "quarterly", "6MS": "half-yearly", "YS": "yearly", "h": "hourly", "4h": "4 hours",
               "30min": "30 minutes", "min": "1 minute", "10s": "10 seconds"}
WORDS = sorted(set(FREQUENCIES.values()))


def session_hours(days, hours=7):
    """Hourly stamps from 9:30 on each of `days`."""
    return pd.DatetimeIndex([day + pd.Timedelta(hours=9.5 + hour) for day in days for hour in range(hours)])


@pytest.mark.parametrize(("code", "words"), FREQUENCIES.items())
def test_regular_dates_are_named(code, words):
    assert infer_frequency(pd.date_range("2023-01-02", periods=120, freq=code)) == words


@pytest.mark.parametrize(("code", "words"), FREQUENCIES.items())
@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_of_the_rows_may_be_missing(code, words, seed):
    dates = pd.date_range("2023-01-02", periods=200, freq=code)
    kept = np.sort(np.random.default_rng(seed).choice(200, 180, replace=False))
    assert infer_frequency(dates[kept]) == words


def test_nights_and_weekends_do_not_hide_the_hours_of_an_exchange():
    assert infer_frequency(session_hours(pd.bdate_range("2024-01-02", periods=30))) == "hourly"


def test_weeks_of_currencies_with_a_sunday_session_are_trading_days():
    days = pd.date_range("2024-01-01", periods=200)
    assert infer_frequency(days[days.day_of_week != 5]) == "trading days"


def test_an_exchange_that_trades_from_sunday_to_thursday_has_trading_days():
    days = pd.date_range("2024-01-01", periods=200)
    assert infer_frequency(days[~days.day_of_week.isin([4, 5])]) == "trading days"


def test_daily_closes_stamped_across_a_clock_change_are_daily():
    days = pd.bdate_range("2024-01-01", periods=60)
    stamps = days + pd.to_timedelta(np.where(days < "2024-02-10", 16, 15), unit="h")
    assert infer_frequency(stamps) == "trading days"


def test_weekly_rows_moved_by_holidays_are_weekly():
    fridays = pd.date_range("2024-01-05", periods=60, freq="W-FRI")
    moved = fridays.where(np.arange(60) % 10 != 0, fridays - pd.Timedelta(days=1))
    assert infer_frequency(moved) == "weekly"


@pytest.mark.parametrize("dates", [
    [], ["2024-01-01"], ["2024-01-01", "2024-01-02"],
    ["2024-01-01", "2024-01-05", "2024-02-01", "2024-02-11", "2024-05-01"],
    ["2024-01-01 09:00:00", "2024-01-01 09:00:07", "2024-01-01 09:03:00", "2024-01-01 10:11:12"],
])
def test_dates_without_a_usual_spacing_are_irregular(dates):
    assert infer_frequency(pd.DatetimeIndex(dates)) == "irregular"


@pytest.mark.parametrize(("words", "lags"), [
    ("monthly", (12,)), ("quarterly", (4,)), ("every day", (7, 365)), ("trading days", (5,)), ("weekly", (52,)),
    ("yearly", ()), ("irregular", ()), ("30 minutes", (48, 336)), ("hourly", (24, 168)), ("4 hours", (6, 42)),
])
def test_seasons_are_looked_for_where_the_frequency_has_them(words, lags):
    assert season_candidates(words) == lags


def test_hours_of_an_exchange_have_shorter_days_and_weeks_than_hours_around_the_clock():
    dates = session_hours(pd.bdate_range("2024-01-02", periods=30))
    assert rows_per_day("hourly", dates) == 7
    assert season_candidates("hourly", dates) == (7, 35)
    assert steps_per_year("hourly", dates) == 7 * 252
    assert season_candidates("hourly", pd.date_range("2024-01-01", periods=500, freq="h")) == (24, 168)


@pytest.mark.parametrize(("words", "per_year"), [("trading days", 252), ("every day", 365.25), ("monthly", 12),
                                                 ("30 minutes", 48 * 365.25), ("irregular", None)])
def test_steps_in_a_year(words, per_year):
    assert steps_per_year(words) == per_year


@pytest.mark.parametrize(("words", "number", "text"), [
    ("trading days", 60, "60 trading days"), ("trading days", 1, "1 trading day"), ("every day", 2, "2 days"),
    ("monthly", 10, "10 months"), ("hourly", 1, "1 hour"), ("30 minutes", 48, "48 steps of 30 minutes"),
    ("1 minute", 5, "5 minutes"), ("irregular", 1, "1 row"), ("irregular", 60, "60 rows"),
])
def test_a_number_of_rows_in_words(words, number, text):
    assert count_of(words, number) == text


@pytest.mark.parametrize("words", WORDS)
def test_every_frequency_has_a_unit_and_a_number_of_steps_in_a_year(words):
    assert steps_per_year(words) >= 1
    assert count_of(words, 3).startswith("3 ")
