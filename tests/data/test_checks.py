import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import DataError, PriceHistory, load_sample
from forecasting.data.checks import apply_fix, find_problems
from forecasting.data.samples import SAMPLES

NOW = pd.Timestamp("2025-01-01")


def walk(rows=600, seed=0, volatility=0.01, start=100.0, freq="B"):
    """A random walk with all columns, on business days up to the end of 2024."""
    rng = np.random.default_rng(seed)
    close = start * np.exp(np.cumsum(rng.normal(0, volatility, rows)))
    open_ = np.append(start, close[:-1]) * np.exp(rng.normal(0, volatility / 4, rows))
    frame = pd.DataFrame({"Open": open_, "High": np.maximum(open_, close) * 1.005,
                          "Low": np.minimum(open_, close) * 0.995, "Close": close,
                          "Volume": rng.lognormal(14, 0.3, rows)},
                         index=pd.date_range(end="2024-12-31", periods=rows, freq=freq))
    return PriceHistory(frame, name="walk", source="made up")


def with_frame(history, frame):
    return replace(history, frame=frame, frequency="")


def scaled(history, rows, factor, columns=("Open", "High", "Low", "Close")):
    """`history` with the prices of `rows` (a slice or a list) multiplied."""
    frame = history.frame.copy()
    frame.iloc[rows, frame.columns.get_indexer(columns)] *= factor
    return with_frame(history, frame)


def kinds(history):
    return [problem.kind for problem in find_problems(history, NOW)]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_have_nothing_wrong(name):
    """Apple's holds its fall by half on 29 September 2000, which was no split."""
    assert kinds(load_sample(name)) == []


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("volatility", [0.003, 0.02, 0.06])
def test_random_walks_have_nothing_wrong(seed, volatility):
    assert kinds(walk(seed=seed, volatility=volatility)) == []


def test_changes_and_temperatures_around_zero_have_nothing_wrong():
    values = pd.DataFrame({"Close": np.random.default_rng(0).normal(0, 3, 800).round(1)},
                          index=pd.date_range("2020-01-01", periods=800))
    assert kinds(PriceHistory(values, name="x", source="x")) == []


@pytest.mark.parametrize("shares", [2, 3, 4, 7, 10, 20])
@pytest.mark.parametrize("columns", [["Close"], ["Open", "High", "Low", "Close", "Volume"]])
def test_a_split_is_found_and_adjusted_for(shares, columns):
    adjusted = walk().frame
    raw = adjusted.copy()
    raw.iloc[:300, :4] *= shares
    raw.iloc[:300, 4] /= shares
    history = PriceHistory(raw[columns], name="x", source="x", notes=["sorted"])
    (problem,) = find_problems(history, NOW)
    assert problem.kind == "split"
    assert problem.dates == (raw.index[300],)
    assert f"{shares}:1 split" in problem.sentence
    assert problem.fix == f"Divide all earlier prices by {shares}"
    fixed = apply_fix(history, problem)
    pd.testing.assert_frame_equal(fixed.frame, adjusted[columns], check_names=False, check_freq=False)
    assert fixed.notes[0] == "sorted"
    assert f"divided by {shares}" in fixed.notes[1]
    assert kinds(fixed) == []


def test_shares_that_were_put_together_are_found_and_adjusted_for():
    history = scaled(walk(), slice(0, 300), 0.1)
    (problem,) = find_problems(history, NOW)
    assert "1:10 split" in problem.sentence
    assert problem.fix == "Multiply all earlier prices by 10"
    np.testing.assert_allclose(apply_fix(history, problem).close, walk().close)


def test_a_volume_that_is_adjusted_already_stays_as_it_is():
    history = scaled(walk(), slice(0, 300), 2)
    fixed = apply_fix(history, find_problems(history, NOW)[0])
    pd.testing.assert_series_equal(fixed.frame["Volume"], history.frame["Volume"])


def test_several_splits_are_mended_one_after_the_other():
    history = scaled(scaled(walk(), slice(0, 200), 2), slice(0, 400), 3)
    assert kinds(history) == ["split", "split"]
    for _ in range(2):
        history = apply_fix(history, find_problems(history, NOW)[0])
    np.testing.assert_allclose(history.close, walk().close)


def test_a_split_is_found_where_no_volume_is_known():
    history = walk()
    frame = scaled(history, slice(0, 300), 4).frame
    frame["Volume"] = np.nan
    assert kinds(with_frame(history, frame)) == ["split"]


def test_a_fall_by_half_that_everybody_traded_is_no_split():
    crash = scaled(walk(), slice(0, 300), 2)
    frame = crash.frame.copy()
    frame.iloc[300, 4] *= 8
    assert kinds(with_frame(crash, frame)) == []


@pytest.mark.parametrize("factor", [1e6, 10, 0.1, 0.001])
def test_a_single_outlier_is_found_and_left_out(factor):
    history = scaled(walk(), [250], factor)
    (problem,) = find_problems(history, NOW)
    assert problem.kind == "outlier"
    assert problem.dates == (history.dates[250],)
    fixed = apply_fix(history, problem)
    assert len(fixed) == len(history) - 1
    assert fixed.dates[250] == history.dates[251]
    assert kinds(fixed) == []


def test_a_close_far_outside_its_own_days_range_is_an_outlier():
    assert kinds(scaled(walk(), [250], 1.5, columns=["Close"])) == ["outlier"]


def test_several_outliers_are_one_problem():
    (problem,) = find_problems(scaled(walk(), [100, 250, 400], 100), NOW)
    assert len(problem.dates) == 3
    assert problem.sentence.startswith("3 prices stand far from their neighbours")


def test_a_squeeze_to_four_times_the_price_for_a_day_is_no_outlier():
    history = walk(volatility=0.03)
    assert kinds(with_frame(history, scaled(history, [250], 4).frame[["Close"]])) == []


def test_oil_below_zero_for_a_day_is_no_outlier():
    # West Texas Intermediate, April 2020, dollars
    close = walk(volatility=0.03, start=20).close.copy()
    close[300:306] = [19.82, 18.31, -36.98, 8.91, 13.64, 15.06]
    history = walk()
    assert kinds(with_frame(history, pd.DataFrame({"Close": close}, index=history.dates))) == []


def test_a_price_of_zero_is_a_missing_one():
    history = scaled(walk(), slice(0, 600, 3), 0.0)
    (problem,) = find_problems(history, NOW)
    assert problem.kind == "zero"
    assert problem.sentence.startswith("200 of 600 prices are 0")
    assert len(apply_fix(history, problem)) == 400


def test_a_price_that_never_changes_leaves_nothing_to_forecast():
    history = walk()
    frame = pd.DataFrame({"Close": 100.0}, index=history.dates)
    (problem,) = find_problems(with_frame(history, frame), NOW)
    assert (problem.kind, problem.fixable) == ("constant", False)
    assert "100.00 on every row" in problem.sentence


def test_rows_in_the_future_are_found_and_left_out():
    history = walk()
    (problem,) = find_problems(history, history.dates[-11])
    assert problem.kind == "future"
    fixed = apply_fix(history, problem)
    assert fixed.dates[-1] <= history.dates[-11] + pd.Timedelta(days=2)


def test_dates_that_are_all_in_the_future_are_misread_and_have_no_fix():
    (problem,) = find_problems(walk(), pd.Timestamp("1990-01-01"))
    assert (problem.kind, problem.fixable) == ("future", False)


def test_a_month_dated_by_its_end_is_not_in_the_future():
    assert find_problems(walk(rows=60, freq="ME"), pd.Timestamp("2024-12-10")) == ()


@pytest.mark.parametrize(("freq", "hole"), [("B", 15), ("D", 8), ("W-FRI", 4), ("ME", 4), ("h", 24 * 20)])
def test_a_long_gap_is_found(freq, hole):
    frame = walk(freq=freq).frame
    (problem,) = find_problems(with_frame(walk(), frame.drop(frame.index[60:60 + hole])), NOW)
    assert problem.kind == "gap"
    assert problem.dates == (frame.index[59], frame.index[60 + hole])
    assert not problem.fixable


def test_a_week_without_rows_is_a_gap_where_the_exchange_was_open():
    frame = walk().frame
    history = replace(with_frame(walk(), frame.drop(frame.index[100:106])), calendar="XNYS")
    assert kinds(history) == ["gap"]
    assert kinds(replace(history, calendar=None)) == []


def test_a_holiday_of_ten_days_is_no_gap():
    dates = pd.bdate_range("2018-06-01", "2020-06-01")
    tokyo = dates[(dates < "2019-04-27") | (dates > "2019-05-06")]
    frame = walk(rows=len(tokyo)).frame.set_axis(tokyo)
    assert kinds(replace(with_frame(walk(), frame), calendar="XTKS")) == []


def test_a_long_flat_stretch_is_found():
    frame = walk().frame[["Close"]].copy()
    frame.iloc[200:230] = frame.iloc[200]
    (problem,) = find_problems(with_frame(walk(), frame), NOW)
    assert problem.kind == "flat"
    assert "does not change for 30 trading days" in problem.sentence
    assert problem.dates == (frame.index[200], frame.index[229])


def test_a_fix_for_another_history_is_refused():
    problem = find_problems(scaled(walk(), [250], 100), NOW)[0]
    with pytest.raises(DataError, match="cannot be fixed"):
        apply_fix(load_sample(), problem)


def test_a_problem_without_a_fix_is_refused():
    frame = walk().frame
    history = with_frame(walk(), frame.drop(frame.index[60:80]))
    with pytest.raises(DataError, match="cannot be fixed"):
        apply_fix(history, find_problems(history, NOW)[0])


def test_a_mended_problem_is_no_longer_among_the_warnings():
    history = scaled(walk(), [250], 100)
    problem = find_problems(history, NOW)[0]
    assert problem.sentence in history.warnings
    assert apply_fix(history, problem).warnings == ()


@pytest.mark.parametrize(("rows", "sentence"), [
    ([100], r"^The close of \d+ \w+ \d+ is [\d.]+, above the day's high of [\d.]+\.$"),
    ([100, 200, 300], r"^3 closes lie outside their own day's range, the first on .*: [\d.]+ is above the day's high of"),
])
def test_a_close_outside_its_days_range_is_told_and_left_as_it_is(rows, sentence):
    frame = walk().frame
    frame.iloc[rows, frame.columns.get_loc("High")] = frame["Close"].iloc[rows] / 1.01
    (problem,) = find_problems(with_frame(walk(), frame), NOW)
    assert (problem.kind, problem.fixable, problem.dates) == ("range", False, tuple(frame.index[rows]))
    assert re.search(sentence, problem.sentence)


def test_a_close_below_its_days_low_is_told():
    frame = walk().frame
    frame.iloc[100, frame.columns.get_loc("Low")] = frame["Close"].iloc[100] * 1.01
    (problem,) = find_problems(with_frame(walk(), frame), NOW)
    assert "below the day's low of" in problem.sentence


@pytest.mark.parametrize("high", [lambda close: close / 1.0005, lambda close: 0.0, lambda close: np.nan])
def test_a_rounded_or_unknown_high_is_no_range_to_lie_outside_of(high):
    frame = walk().frame
    frame.iloc[100, frame.columns.get_loc("High")] = high(frame["Close"].iloc[100])
    assert kinds(with_frame(walk(), frame)) == []


def test_an_outlier_outside_its_days_range_is_told_once():
    assert kinds(scaled(walk(), [250], 100, columns=("Close",))) == ["outlier"]


def test_wild_series_are_left_alone():
    close = np.random.default_rng(0).lognormal(0, 3, 50_000)
    frame = pd.DataFrame({"Close": close}, index=pd.date_range("1880-01-01", periods=50_000))
    assert kinds(PriceHistory(frame, name="x", source="x")) == []


@pytest.mark.parametrize("rows", range(1, 8))
def test_short_histories_do_not_stop_the_checks(rows):
    assert kinds(walk(rows=600)) == []
    frame = walk(rows=rows).frame
    frame.iloc[rows // 2, 3] *= 50
    find_problems(with_frame(walk(), frame), NOW)


EXTREMES = (0.0, 5e-324, 1e-300, 1.0, 5.0, 1e300, 1e308, 1.7e308, -1e308, -1.7e308)


@settings(deadline=None)
@given(st.lists(st.sampled_from(EXTREMES), min_size=3, max_size=80))
def test_extreme_prices_neither_warn_nor_stop_the_checks(prices):
    frame = pd.DataFrame({"Close": prices}, index=pd.bdate_range("2020-01-01", periods=len(prices)))
    for problem in find_problems(PriceHistory(frame, name="extreme", source="made up"), NOW):
        assert problem.sentence


def test_an_auction_on_tuesdays_and_thursdays_may_pause_for_the_holidays():
    days = pd.date_range("2022-01-01", periods=900)
    dates = days[days.day_of_week.isin([1, 3])]
    frame = pd.DataFrame({"Close": 100 + np.cumsum(np.random.default_rng(0).normal(size=len(dates)))}, index=dates)
    holidays = (dates > "2022-12-22") & (dates < "2023-01-09")
    assert kinds(PriceHistory(frame[~holidays], "auction", "made for a test")) == []
    assert kinds(PriceHistory(frame.drop(dates[100:110]), "auction", "made for a test")) == ["gap"]


@pytest.mark.parametrize("week", [(6, 0, 1, 2, 3), (5, 6, 0, 1, 2)])
def test_the_days_on_which_a_market_is_closed_each_week_are_no_gaps(week):
    days = pd.date_range("2022-01-01", periods=500)
    dates = days[days.day_of_week.isin(week)]
    frame = pd.DataFrame({"Close": 100 + np.cumsum(np.random.default_rng(0).normal(size=len(dates)))}, index=dates)
    history = PriceHistory(frame, "Riyadh", "made for a test")
    assert not find_problems(history)
    assert kinds(replace(history, frame=frame.drop(dates[100:115]))) == ["gap"]


def with_raw_close(factors):
    """Opens, highs and lows adjusted for splits, closes that are not. factors: by row, shares for an old one"""
    frame = walk().frame
    for row, shares in factors.items():
        frame.iloc[:row, frame.columns.get_loc("Close")] *= shares
    return with_frame(walk(), frame)


@pytest.mark.parametrize("shares", [2, 3, 7, 0.1])
@pytest.mark.parametrize("columns", [("Open", "High", "Low", "Close", "Volume"), ("High", "Low", "Close"), ("Open", "Close")])
def test_a_split_that_stayed_in_the_close_alone_is_found_and_mended_there(shares, columns):
    history = with_raw_close({300: shares})
    history = with_frame(history, history.frame[list(columns)])
    split, *outside = find_problems(history, NOW)
    assert (split.kind, split.dates) == ("split", (history.dates[300],))
    assert "the close was not adjusted for" in split.sentence
    assert split.fix == (f"Divide all earlier closes by {shares}" if shares > 1 else "Multiply all earlier closes by 10")
    if "High" in columns:
        (outside,) = outside
        assert (outside.kind, outside.dates) == ("range", tuple(history.dates[:300]))
        assert outside.sentence.endswith("Until the split the closes are not adjusted as open, high and low are.")
    fixed = apply_fix(history, split)
    pd.testing.assert_frame_equal(fixed.frame, walk().frame[fixed.frame.columns], check_freq=False, check_names=False)
    assert kinds(fixed) == []


def test_several_splits_that_stayed_in_the_close_are_mended_one_after_the_other():
    history = with_raw_close({150: 2, 300: 7, 450: 2})
    assert kinds(history) == ["split", "split", "split", "range"]
    assert "the last of the splits" in find_problems(history, NOW)[-1].sentence
    for _ in range(3):
        history = apply_fix(history, find_problems(history, NOW)[0])
    np.testing.assert_allclose(history.close, walk().close)
    assert kinds(history) == []


def with_dividends(columns, paid=0.006, every=40):
    """A close, or open, high and low, that a dividend in every so many rows has been taken off."""
    history = walk()
    left = (1 - paid) ** ((len(history) - 1 - np.arange(len(history))) // every)
    frame = history.frame.copy()
    frame[columns] = frame[columns].mul(left, axis=0)
    return with_frame(history, frame)


@pytest.mark.parametrize(("columns", "why"), [
    (["Open", "High", "Low"], "The closes are not adjusted for dividends or splits as open, high and low are."),
    (["Close"], "The closes are adjusted for dividends or splits, while open, high and low are not.")])
def test_closes_that_are_adjusted_otherwise_than_their_days_are_said_to_be_so(columns, why):
    (problem,) = find_problems(with_dividends(columns), NOW)
    assert problem.kind == "range"
    assert problem.sentence.endswith(why)


@pytest.mark.parametrize("shares", [2, 10])
def test_an_adjusted_close_beside_open_high_and_low_as_quoted_is_no_split(shares):
    history = scaled(walk(), slice(0, 300), shares, columns=("Open", "High", "Low"))
    (problem,) = find_problems(history, NOW)
    assert problem.kind == "range"
    assert "The closes are adjusted" in problem.sentence


def test_closes_here_and_there_outside_their_days_get_no_explanation():
    frame = walk().frame
    frame.iloc[::10, frame.columns.get_loc("High")] = frame["Close"].iloc[::10] / 1.01
    (problem,) = find_problems(with_frame(walk(), frame), NOW)
    assert "adjusted" not in problem.sentence


@pytest.mark.parametrize("factor", [0.1, 0.001, 100, 1e6])
@pytest.mark.parametrize("columns", [("Open", "High", "Low", "Close"), ("Close",)])
def test_a_stretch_whose_decimal_mark_has_shifted_is_found_and_put_right(factor, columns):
    history = scaled(scaled(walk(), slice(100, 130), factor, columns), slice(400, 402), factor, columns)
    problem = find_problems(history, NOW)[0]
    assert problem.kind == "shift"
    assert problem.dates == (*history.dates[100:130], *history.dates[400:402])
    assert ("larger" if factor > 1 else "smaller") in problem.sentence
    fixed = apply_fix(history, problem)
    pd.testing.assert_frame_equal(fixed.frame, walk().frame, check_freq=False, check_names=False)
    assert kinds(fixed) == []
    assert kinds(history) == ["shift"]


@pytest.mark.parametrize(("factor", "like", "fix"), [
    (1000, "another unit, 1\u202f000 times larger", "Divide all earlier prices by 1\u202f000"),
    (1e-6, "another unit, 1\u202f000\u202f000 times smaller", "Multiply all earlier prices by 1\u202f000\u202f000")])
def test_prices_that_go_on_in_another_unit_are_told_and_put_right(factor, like, fix):
    """As where a currency loses its zeros, or a file goes on in thousands."""
    (problem,) = find_problems(scaled(walk(), slice(0, 300), factor), NOW)
    assert like in problem.sentence
    assert problem.fix == fix
    fixed = apply_fix(scaled(walk(), slice(0, 300), factor), problem)
    np.testing.assert_allclose(fixed.close, walk().close)
    assert "change of unit" in fixed.notes[-1]


def test_a_split_ten_for_one_and_back_years_later_is_no_shifted_stretch():
    assert kinds(scaled(walk(), slice(100, 450), 0.1)) == ["split", "split"]


def test_rows_whose_day_and_month_are_swapped_are_told():
    frame = walk().frame
    early = frame.index[(frame.index.day <= 12) & (frame.index.day != frame.index.month)]
    wrong = early[np.random.default_rng(0).random(len(early)) < 0.15]
    dates = frame.index.where(~frame.index.isin(wrong), [pd.Timestamp(day.year, day.day, day.month) if day.day <= 12 else day
                                                         for day in frame.index])
    mixed = frame.set_axis(dates)[~dates.duplicated()].sort_index()
    (problem,) = [problem for problem in find_problems(with_frame(walk(), mixed), NOW) if problem.kind == "swapped"]
    assert not problem.fixable
    assert re.search(r"^\d+ rows fall on days of the week without trading, the first on .*with day and month swapped",
                     problem.sentence)


def test_a_few_sessions_on_saturdays_are_not_swapped_dates():
    history = walk()
    saturdays = pd.date_range("2023-01-07", periods=80, freq="W-SAT")
    some = history.frame.iloc[:7].set_axis(saturdays[saturdays.day <= 12][:7])
    assert "swapped" not in kinds(with_frame(history, pd.concat([history.frame, some]).sort_index()))


def test_another_level_for_good_and_lost_decimal_marks_are_said():
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.01, 120)))
    days = pd.bdate_range("2019-01-02", periods=120)
    other = PriceHistory(pd.DataFrame({"Close": np.r_[closes[:60], 11.3 * closes[60:]]}, index=days), name="two", source="made up")
    assert [(p.kind, p.dates) for p in other.problems] == [("level", (days[60],))]
    lost = PriceHistory(pd.DataFrame({"Close": closes * np.where(np.arange(120) % 3, 1, 100)}, index=days), name="lost", source="made up")
    assert [p.kind for p in lost.problems] == ["level"]
    assert "powers of ten" in lost.problems[0].sentence
    assert not PriceHistory(pd.DataFrame({"Close": closes}, index=days), name="right", source="made up").problems
