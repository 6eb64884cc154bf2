from dataclasses import replace

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import ConfigError, PriceHistory, load_sample
from forecasting.data.calendars import CALENDARS, check_calendar, future_dates, guess_calendar, missing_sessions
from forecasting.data.months import MonthDay
from forecasting.deprecations import ignore_deprecations_in

DAYS = pd.date_range("2023-01-01", "2024-02-22")
SUNDAY_TO_THURSDAY = (6, 0, 1, 2, 3)


def history(dates, calendar=None):
    """A history of these dates whose prices count up."""
    dates = pd.DatetimeIndex(dates)
    return PriceHistory(pd.DataFrame({"Close": np.arange(1.0, len(dates) + 1)}, index=dates), name="test",
                        source="made up", calendar=calendar)


def days(first, last, calendar=None):
    return history(pd.bdate_range(first, last), calendar)


def text(dates):
    """'2024-11-27' for a day and '2024-11-27 09:30' within one."""
    return [str(date)[:16].removesuffix(" 00:00") for date in dates]


def test_new_york_keeps_thanksgiving_and_christmas():
    assert text(future_dates(days("2024-10-01", "2024-11-27", "XNYS"), 3)) == ["2024-11-29", "2024-12-02", "2024-12-03"]
    assert text(future_dates(days("2024-10-01", "2024-12-23", "XNYS"), 3)) == ["2024-12-24", "2024-12-26", "2024-12-27"]


def test_london_keeps_boxing_day_and_tokyo_the_new_year():
    assert text(future_dates(days("2024-10-01", "2024-12-24", "XLON"), 2)) == ["2024-12-27", "2024-12-30"]
    assert text(future_dates(days("2024-10-01", "2024-12-30", "XTKS"), 2)) == ["2025-01-06", "2025-01-07"]


def test_without_an_exchange_every_weekday_is_a_trading_day():
    assert text(future_dates(days("2024-10-01", "2024-11-27"), 3)) == ["2024-11-28", "2024-11-29", "2024-12-02"]


def test_a_cryptocurrency_has_a_price_every_day():
    dates = pd.date_range("2024-11-01", "2024-12-23")
    expected = ["2024-12-24", "2024-12-25", "2024-12-26", "2024-12-27", "2024-12-28"]
    assert text(future_dates(history(dates, "24/7"), 5)) == expected


def test_currencies_have_a_price_on_every_weekday():
    expected = ["2024-12-24", "2024-12-25", "2024-12-26", "2024-12-27", "2024-12-30"]
    assert text(future_dates(days("2024-11-01", "2024-12-23", "24/5"), 5)) == expected


@pytest.mark.parametrize("known", [300, 400, 1200, 2000, 3200])
def test_the_dates_that_follow_a_part_of_the_sample_are_those_that_came(known):
    """Over the closures of September 2001, the funerals of presidents and the storm of 2012."""
    sample = load_sample()
    part = replace(sample, frame=sample.frame[:known])
    assert list(future_dates(part, 60)) == list(sample.dates[known:known + 60])


@pytest.mark.parametrize("calendar", [None, "XNYS", "XSHG", "24/7"])
@pytest.mark.parametrize("steps", [1, 60, 3000])
def test_there_are_as_many_dates_as_asked_for_each_after_the_last(calendar, steps):
    past = days("2024-10-01", "2024-11-27", calendar)
    dates = future_dates(past, steps)
    assert len(dates) == steps
    assert dates.is_monotonic_increasing
    assert dates.is_unique
    assert dates[0] > past.dates[-1]
    assert dates.name == "Date"


def test_no_dates_follow_where_none_are_asked_for():
    assert len(future_dates(days("2024-10-01", "2024-11-27"), 0)) == 0


@pytest.mark.parametrize("calendar", CALENDARS)
def test_every_calendar_of_the_picker_gives_dates(calendar):
    assert len(future_dates(days("2024-10-01", "2024-12-20", calendar), 40)) == 40


def test_beyond_what_an_exchange_has_published_every_weekday_is_a_trading_day():
    ahead = future_dates(days("2090-01-02", "2090-02-01", "XSHG"), 5)
    assert (ahead.day_of_week < 5).all()
    assert text(ahead)[0] == "2090-02-02"


def test_an_unknown_calendar_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"Received: calendar='MARS'.*XNYS"):
        future_dates(days("2024-10-01", "2024-11-27", "MARS"), 1)


@pytest.mark.parametrize(("name", "code"), [("Tel Aviv", "'XTAE'"), ("riyadh", "'XSAU'"), ("Karachi", "'XKAR'")])
def test_the_name_of_an_exchange_leads_to_its_code(name, code):
    with pytest.raises(ConfigError, match=f"Did you mean {code} for"):
        check_calendar(name)


def test_daily_stamps_keep_their_time_of_day():
    stamps = pd.bdate_range("2024-10-01", "2024-11-27") + pd.Timedelta(hours=16)
    assert text(future_dates(history(stamps, "XNYS"), 1)) == ["2024-11-29 16:00"]


@pytest.mark.parametrize(("dates", "calendar", "expected"), [
    # Good Friday closes New York, so that week ends on Thursday; Memorial Day does not move a week that starts then,
    # since Yahoo, whose weeks start on Mondays, dates holidays too.
    (pd.date_range("2023-10-06", "2024-03-15", freq="W-FRI"), "XNYS", ["2024-03-22", "2024-03-28", "2024-04-05"]),
    (pd.date_range("2023-10-02", "2024-05-20", freq="W-MON"), "XNYS", ["2024-05-27", "2024-06-03", "2024-06-10"]),
    (pd.date_range("2023-10-06", "2024-03-22", freq="W-FRI"), None, ["2024-03-29", "2024-04-05", "2024-04-12"]),
    (pd.date_range("2020-01-01", "2024-03-01", freq="MS"), "XNYS", ["2024-04-01", "2024-05-01", "2024-06-01"]),
    (pd.date_range("2020-01-31", "2024-01-31", freq="ME"), None, ["2024-02-29", "2024-03-31", "2024-04-30"]),
    (pd.date_range("2020-01-31", "2024-04-30", freq="BME"), None, ["2024-05-31", "2024-06-28", "2024-07-31"]),
    (pd.date_range("2020-01-15", "2024-03-15", freq="MS") + pd.Timedelta(days=14), None,
     ["2024-04-15", "2024-05-15", "2024-06-15"]),
    (pd.date_range("2010-01-01", "2023-12-31", freq="QE"), None, ["2024-03-31", "2024-06-30", "2024-09-30"]),
    (pd.date_range("2000-01-01", "2024-01-01", freq="YS"), None, ["2025-01-01", "2026-01-01", "2027-01-01"]),
    (pd.date_range("2023-01-02", periods=40, freq="14D"), None, ["2024-07-15", "2024-07-29", "2024-08-12"]),
])
def test_weeks_months_and_years_keep_their_usual_day(dates, calendar, expected):
    assert text(future_dates(history(dates, calendar), 3)) == expected


def test_weeks_that_end_on_another_day_than_they_did_go_on_as_of_late():
    """Riyadh's weeks ended on Wednesdays until 2013, then on Thursdays."""
    wednesdays = pd.date_range("2010-01-06", "2013-06-26", freq="W-WED")
    past = wednesdays.union(pd.date_range("2013-07-04", "2014-06-26", freq="W-THU"))
    assert text(future_dates(history(past), 2)) == ["2014-07-03", "2014-07-10"]


def test_a_week_moved_by_a_holiday_does_not_move_the_next_ones():
    fridays = pd.date_range("2023-10-06", "2024-03-22", freq="W-FRI").append(pd.DatetimeIndex(["2024-03-28"]))
    assert text(future_dates(history(fridays, "XNYS"), 2)) == ["2024-04-05", "2024-04-12"]


def session_hours(first, last):
    """The hours of New York from 9:30 to 15:30 on the days without a holiday between two dates."""
    return [day + pd.Timedelta(hours=9.5 + hour) for day in pd.bdate_range(first, last) for hour in range(7)]


def test_hours_of_an_exchange_follow_its_sessions_and_early_closes():
    ahead = text(future_dates(history(session_hours("2024-09-03", "2024-11-27"), "XNYS"), 6))
    # The day after Thanksgiving ends at 13:00.
    assert ahead == ["2024-11-29 09:30", "2024-11-29 10:30", "2024-11-29 11:30", "2024-11-29 12:30",
                     "2024-12-02 09:30", "2024-12-02 10:30"]


def test_an_unfinished_day_is_finished_first():
    ahead = text(future_dates(history(session_hours("2024-09-03", "2024-11-26")[:-2], "XNYS"), 3))
    assert ahead == ["2024-11-26 14:30", "2024-11-26 15:30", "2024-11-27 09:30"]


def test_an_exchange_in_another_time_zone_keeps_its_hours():
    in_utc = pd.DatetimeIndex(session_hours("2024-09-03", "2024-11-27")) + pd.Timedelta(hours=5)
    assert text(future_dates(history(in_utc, "XNYS"), 7))[-1] == "2024-11-29 20:30"


@pytest.mark.parametrize("calendar", [None, "24/7"])
def test_half_hours_around_the_clock_have_no_gaps(calendar):
    past = pd.date_range("2024-01-01", "2024-03-01 05:00", freq="30min")
    ahead = future_dates(history(past, calendar), 400)
    np.testing.assert_array_equal(np.diff(ahead), np.timedelta64(30, "m"))
    assert text(ahead)[0] == "2024-03-01 05:30"


@pytest.mark.parametrize("calendar", [None, "24/5"])
def test_a_week_of_currencies_ends_on_friday_and_starts_late_on_sunday(calendar):
    clock = pd.date_range("2024-01-01", "2024-03-01 20:00", freq="h")
    weekday, hour = clock.day_of_week, clock.hour
    closed = (weekday == 5) | ((weekday == 6) & (hour < 22)) | ((weekday == 4) & (hour > 21))
    ahead = text(future_dates(history(clock[~closed], calendar), 4))
    assert ahead == ["2024-03-01 21:00", "2024-03-03 22:00", "2024-03-03 23:00", "2024-03-04"]


def test_irregular_dates_go_on_at_their_median_spacing():
    past = history(["2024-01-01", "2024-01-05", "2024-02-01", "2024-02-11", "2024-05-01"])
    assert text(future_dates(past, 2)) == ["2024-05-19", "2024-06-06"]
    assert text(future_dates(history(["2024-01-01"]), 2)) == ["2024-01-02", "2024-01-03"]


def sessions(code, first="2021-06-01", last="2024-06-28"):
    """The trading days that the library itself finds."""
    ignore_deprecations_in("exchange_calendars")
    return exchange_calendars.get_calendar(code, start=first, end=last).sessions


@pytest.mark.parametrize("calendar", ["XNYS", "XLON", "XTKS", "XETR", "XWAR", "XSAU", "XKAR", "XPHS", "BVMF", "XJSE", "24/5"])
def test_an_exchange_is_recognised_by_its_holidays(calendar):
    dates = sessions(calendar)[-600:]
    assert guess_calendar(history(dates)) == calendar
    assert guess_calendar(history(dates.delete(300))) == calendar
    assert guess_calendar(history(dates[-250:])) == calendar


@pytest.mark.parametrize("calendar", ["XTAE", "ASEX", "XBSE", "XBEL", "XCYS"])
def test_exchanges_are_recognised_whose_calendars_the_library_cannot_make_under_this_pandas(calendar):
    """The holidays of the Orthodox Easter, and Tel Aviv's Sundays."""
    first = pd.date_range("2021-11-28", "2022-01-03")
    first = first[first.day_of_week.isin(SUNDAY_TO_THURSDAY if calendar == "XTAE" else range(5))]
    dates = future_dates(history(first, calendar), 500)
    assert guess_calendar(history(dates)) == calendar
    assert (dates.day_of_week == 6).any() == (calendar == "XTAE")


def test_athens_keeps_the_easter_of_both_churches():
    ahead = future_dates(days("2024-01-01", "2024-03-22", "ASEX"), 45)
    assert text(pd.bdate_range("2024-03-25", ahead[-1]).difference(ahead)) == [
        "2024-03-25", "2024-03-29", "2024-04-01", "2024-05-01", "2024-05-03", "2024-05-06"]


def test_tel_aviv_moves_to_fridays_in_2026_though_no_row_has_shown_it():
    past = pd.date_range("2025-06-01", "2025-12-29")
    past = past[past.day_of_week.isin([6, 0, 1, 2, 3])]
    assert text(future_dates(history(past, "XTAE"), 9)) == [
        "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-04", "2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08",
        "2026-01-09"]


@pytest.mark.parametrize("calendar", ["XNYS", "XLON", "XTKS", "XHKG", "XSHG", "XSAU", "XSES"])
def test_trading_days_are_those_of_the_library(calendar):
    whole = sessions(calendar, "2021-12-01", "2025-12-31")
    past = whole[whole < "2022-01-10"]
    assert future_dates(history(past, calendar), 900).equals(whole[whole >= "2022-01-10"][:900].as_unit("us").rename("Date"))


@pytest.mark.parametrize("rows", [60, 75])
def test_a_few_weeks_without_a_holiday_prove_no_exchange(rows):
    """London and Paris are open on every weekday from September to Christmas."""
    assert guess_calendar(history(pd.bdate_range("2023-08-29", periods=rows))) is None


def test_a_calendar_that_is_known_is_not_guessed():
    assert guess_calendar(days("2022-01-03", "2024-01-03", "XLON")) == "XLON"


def test_what_fits_no_exchange_is_not_guessed():
    with_holes = pd.bdate_range("2022-01-03", "2024-01-03").delete(range(5, 500, 20))
    assert guess_calendar(history(with_holes)) is None
    assert guess_calendar(days("2022-01-03", "2022-02-03")) is None
    assert guess_calendar(history(pd.date_range("2020-01-01", periods=50, freq="MS"))) is None


def test_rows_on_every_day_fit_no_exchange_that_closes():
    assert guess_calendar(history(pd.date_range("2022-01-01", periods=100))) == "24/7"
    assert guess_calendar(history(pd.date_range("2022-01-01", periods=5000, freq="30min"))) == "24/7"


def test_trading_days_between_two_rows_are_counted_without_holidays():
    assert missing_sessions("XNYS", pd.Timestamp("2024-11-27"), pd.Timestamp("2024-12-03")) == 2


MONTHS = pd.date_range("2020-01-01", "2024-02-01", freq="MS")


@pytest.mark.parametrize(("week", "expected"), [
    ((6, 0, 1, 2, 3), ["2024-02-25", "2024-02-26", "2024-02-27", "2024-02-28", "2024-02-29", "2024-03-03"]),
    ((5, 6, 0, 1, 2), ["2024-02-24", "2024-02-25", "2024-02-26", "2024-02-27", "2024-02-28", "2024-03-02"]),
    ((0, 1, 2, 3), ["2024-02-26", "2024-02-27", "2024-02-28", "2024-02-29", "2024-03-04", "2024-03-05"]),
    ((1, 3), ["2024-02-27", "2024-02-29", "2024-03-05", "2024-03-07", "2024-03-12", "2024-03-14"]),
    ((0, 2, 4), ["2024-02-23", "2024-02-26", "2024-02-28", "2024-03-01", "2024-03-04", "2024-03-06"]),
    ((5,), ["2024-02-24", "2024-03-02", "2024-03-09", "2024-03-16", "2024-03-23", "2024-03-30"]),
])
@pytest.mark.parametrize("hour", [0, 16])
def test_a_market_keeps_its_own_week(week, expected, hour):
    past = DAYS[DAYS.day_of_week.isin(week)] + pd.Timedelta(hours=hour)
    assert text(future_dates(history(past), 6).normalize()) == expected
    assert set(future_dates(history(past), 6) - pd.DatetimeIndex(expected)) == {pd.Timedelta(hours=hour)}
    assert guess_calendar(history(past)) is None


@pytest.mark.parametrize("week", [(6, 0, 1, 2, 3), (5, 6, 0, 1, 2), (1, 3), (0, 2, 4), (0, 1, 2, 3, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_no_date_falls_on_a_day_without_rows_where_a_tenth_is_missing(week, seed):
    past = DAYS[DAYS.day_of_week.isin(week)]
    past = past[np.random.default_rng(seed).random(len(past)) > 0.1]
    assert set(future_dates(history(past), 200).day_of_week) == set(week)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 6), min_size=1), st.integers(0, 6), st.integers(25, 250), st.floats(0, 0.1), st.integers(0, 99))
def test_whatever_the_week_the_next_dates_fall_on_its_days(week, start, rows, holidays, seed):
    past = pd.date_range("2021-01-01", periods=2000)[start:]
    past = past[past.day_of_week.isin(week)]
    past = past[np.random.default_rng(seed).random(len(past)) >= holidays][:rows]
    ahead = future_dates(history(past), 30)
    expected = pd.date_range(past[-1] + pd.Timedelta(days=1), periods=250)
    assert list(ahead) == list(expected[expected.day_of_week.isin(week)][:30])


@pytest.mark.parametrize("since", [15, 30, 90])
@pytest.mark.parametrize("hours", [1, 6])
def test_the_next_dates_keep_the_week_that_a_market_changed_to(since, hours):
    """Dubai moved from Sunday to Thursday to Monday to Friday with the year 2022."""
    past = pd.date_range("2021-01-01", pd.Timestamp("2022-01-02") + pd.Timedelta(days=since))
    past = past[np.where(past < "2022-01-03", past.day_of_week.isin([6, 0, 1, 2, 3]), past.day_of_week < 5).astype(bool)]
    stamps = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in past for hour in range(10, 10 + hours)])
    assert set(future_dates(history(stamps), 60).day_of_week) == {0, 1, 2, 3, 4}


def test_rows_on_a_saturday_once_are_no_reason_for_more():
    stamps = pd.DatetimeIndex(session_hours("2024-09-03", "2024-11-27"))
    saturday = stamps[stamps.normalize() == "2024-11-22"] + pd.Timedelta(days=1)
    assert (future_dates(history(stamps.union(saturday)), 100).day_of_week < 5).all()


def test_an_auction_on_two_days_leaves_out_the_other_trading_days_of_its_exchange():
    past = sessions("XNYS")
    past = past[past.day_of_week.isin([1, 3]) & (past < "2023-11-20")]
    assert text(future_dates(history(past, "XNYS"), 4)) == ["2023-11-21", "2023-11-28", "2023-11-30", "2023-12-05"]


@pytest.mark.parametrize("days", [8, 60])
def test_hours_keep_their_own_week(days):
    past = DAYS[DAYS.day_of_week.isin([6, 0, 1, 2, 3])][-days:]
    stamps = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in past for hour in range(10, 15)])
    ahead = future_dates(history(stamps), 12)
    assert text(ahead)[::5] == ["2024-02-25 10:00", "2024-02-26 10:00", "2024-02-27 10:00"]


def test_hours_on_two_days_a_week_go_on_for_as_long_as_asked():
    stamps = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in DAYS[DAYS.day_of_week.isin([1, 3])]
                               for hour in range(10, 15)])
    ahead = future_dates(history(stamps), 500)
    assert len(ahead) == 500
    assert set(ahead.day_of_week) == {1, 3}


@pytest.mark.parametrize("pair", [(1, 15), (1, 16), (5, 20), (7, 22), (10, 25), (14, 28), (15, 31)])
@pytest.mark.parametrize("move", ["on", "back", "nearest", "stay"])
@pytest.mark.parametrize("missing", [0, 0.1])
def test_two_days_of_each_month_stay_those_wherever_weekends_move_them(pair, move, missing):
    months = pd.period_range("2020-01", "2025-12", freq="M")
    whole = pd.DatetimeIndex(sorted(day for number in pair for day in MonthDay(number, move, (0, 1, 2, 3, 4)).of(months)))
    past, ahead = whole[:100], whole[100:106]
    kept = past[(np.random.default_rng(0).random(100) >= missing) | (np.arange(100) > 97)]
    assert str(history(kept).frequency) == "twice a month"
    assert text(future_dates(history(kept), 6)) == text(ahead)


@pytest.mark.parametrize("rows", [24, 60])
@pytest.mark.parametrize("week", [SUNDAY_TO_THURSDAY, (5, 6, 0, 1, 2), (0, 1, 2, 3)])
def test_two_days_of_each_month_are_moved_within_the_week_of_their_market(week, rows):
    months = pd.period_range("2020-01", "2025-12", freq="M")
    whole = pd.DatetimeIndex(sorted(day for number in (1, 15) for day in MonthDay(number, "on", week).of(months)))
    assert text(future_dates(history(whole[:rows]), 12)) == text(whole[rows:rows + 12])


def test_the_middle_and_the_end_of_each_month_stay_on_weekdays():
    """Rows of a weekend are those of the Friday before, as in lists of wages and of short interest."""
    middle = pd.date_range("2021-01-01", "2024-05-01", freq="MS") + pd.Timedelta(days=14)
    both = middle.union(pd.date_range("2021-01-01", "2024-05-31", freq="ME"))
    past = both - pd.to_timedelta(np.maximum(both.day_of_week - 4, 0), unit="D")
    assert text(future_dates(history(past), 6)) == ["2024-06-14", "2024-06-28", "2024-07-15", "2024-07-31", "2024-08-15",
                                                    "2024-08-30"]


@pytest.mark.parametrize(("dates", "expected"), [
    # The first day from Sunday to Thursday, the third and the last Friday, the second Tuesday, the fifth.
    (MONTHS + pd.to_timedelta(np.array([0, 0, 0, 0, 2, 1, 0])[MONTHS.day_of_week], unit="D"),
     ["2024-03-03", "2024-04-01", "2024-05-01"]),
    (pd.date_range("2021-01-01", "2024-02-20", freq="WOM-3FRI"), ["2024-03-15", "2024-04-19", "2024-05-17"]),
    (pd.date_range("2023-07-01", "2024-02-20", freq="WOM-2TUE"), ["2024-03-12", "2024-04-09", "2024-05-14"]),
    (pd.date_range("2019-01-01", "2024-02-29", freq="LWOM-FRI"), ["2024-03-29", "2024-04-26", "2024-05-31"]),
    (pd.date_range("2019-01-01", "2024-02-29", freq="MS") + pd.Timedelta(days=4), ["2024-03-05", "2024-04-05", "2024-05-05"]),
])
def test_months_keep_the_week_of_their_market(dates, expected):
    assert text(future_dates(history(dates), 3)) == expected


@pytest.mark.parametrize("day", [2, 5, 10, 20, 25, 30])
@pytest.mark.parametrize("move", ["on", "back", "nearest", "stay"])
@pytest.mark.parametrize("apart", [1, 3])
def test_any_day_of_the_month_stays_that_wherever_weekends_move_it(day, move, apart):
    months = pd.period_range("2000-01", "2025-12", freq="M")[::apart]
    whole = MonthDay(day, move, (0, 1, 2, 3, 4)).of(months)
    assert text(future_dates(history(whole[:60]), 6)) == text(whole[60:66])


def test_a_month_that_ends_on_a_holiday_ends_on_the_trading_day_before():
    """Good Friday was the last weekday of March 2024, and Memorial Day that of May 2021."""
    past = pd.date_range("2019-01-31", "2024-02-29", freq="BME")
    past = past.where(past != "2021-05-31", past - pd.Timedelta(days=3))
    assert text(future_dates(history(past, "XNYS"), 1)) == ["2024-03-28"]


def test_dates_at_random_stay_off_the_days_without_rows():
    weekdays = pd.bdate_range("2020-01-01", periods=900)
    past = weekdays[np.sort(np.random.default_rng(0).choice(900, 150, replace=False))]
    ahead = future_dates(history(past), 60)
    assert str(history(past).frequency) == "irregular"
    assert len(ahead) == 60
    assert ahead.is_unique
    assert (ahead.day_of_week < 5).all()


def test_beyond_what_an_exchange_has_published_the_historys_own_week_goes_on():
    past = pd.date_range("2090-01-01", "2090-03-02")
    past = past[past.day_of_week.isin([6, 0, 1, 2, 3])]
    assert set(future_dates(history(past, "XSHG"), 20).day_of_week) == {6, 0, 1, 2, 3}


def test_a_few_rows_that_are_said_to_come_twice_a_month_tell_the_two_days():
    past = replace(history(["2024-01-01", "2024-02-15"]), frequency="twice a month")
    assert text(future_dates(past, 2)) == ["2024-03-01", "2024-03-15"]


def test_times_at_random_within_the_days_of_a_week_keep_their_spacing():
    rng = np.random.default_rng(0)
    past = pd.DatetimeIndex(sorted(day + pd.Timedelta(minutes=int(minute)) for day in pd.bdate_range("2024-01-01", periods=40)
                                   for minute in rng.choice(600, 2, replace=False)))
    ahead = future_dates(history(past), 5)
    assert str(history(past).frequency) == "irregular"
    assert (np.diff(ahead) < np.timedelta64(1, "D")).all()
