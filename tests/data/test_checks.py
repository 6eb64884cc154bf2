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


@pytest.mark.parametrize("week", [(6, 0, 1, 2, 3), (5, 6, 0, 1, 2)])
def test_the_days_on_which_a_market_is_closed_each_week_are_no_gaps(week):
    days = pd.date_range("2022-01-01", periods=500)
    dates = days[days.day_of_week.isin(week)]
    frame = pd.DataFrame({"Close": 100 + np.cumsum(np.random.default_rng(0).normal(size=len(dates)))}, index=dates)
    history = PriceHistory(frame, "Riyadh", "made for a test")
    assert not find_problems(history)
    assert kinds(replace(history, frame=frame.drop(dates[100:115]))) == ["gap"]
