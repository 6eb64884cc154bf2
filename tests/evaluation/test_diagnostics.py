"""Where the errors of a run lie."""

import numpy as np
import pandas as pd
import pytest

from forecasting.evaluation import diagnostics as d
from forecasting.evaluation.comparison import skill_interval


def make_predictions(actual, predicted, split=None, freq="B", **bounds):
    """A table of predictions whose naive forecast is the price before."""
    actual = np.asarray(actual, dtype=float)
    table = pd.DataFrame({"split": "test" if split is None else split, "actual": actual, "predicted": predicted,
                          "naive": np.r_[actual[:1], actual[:-1]], **bounds})
    table.index = pd.date_range("2020-01-06", periods=len(actual), freq=freq, name="Date")
    return table


@pytest.fixture
def walk():
    """(400,) a random walk around 100."""
    return 100 + np.cumsum(np.random.default_rng(3).normal(size=400))


def test_a_forecast_that_repeats_the_last_price_is_found_to_be_one_step_late(walk):
    noise = np.random.default_rng(4).normal(0, 0.05, walk.size)
    lag = d.lag_analysis(make_predictions(walk, np.r_[walk[:1], walk[:-1]] + noise))
    assert lag.best_shift == 1
    assert lag.late
    assert "1 step late" in lag.sentence
    assert abs(lag.change_correlation) < 0.15
    assert lag.shifts["rmse"].idxmin() == 1


def test_a_forecast_that_knows_the_next_price_is_not_late(walk):
    lag = d.lag_analysis(make_predictions(walk, walk + np.random.default_rng(4).normal(0, 0.05, walk.size)))
    assert lag.best_shift == 0
    assert not lag.late
    assert "not late" in lag.sentence
    assert lag.change_correlation > 0.9


def test_correlations_of_shifts_are_those_of_numpy(walk):
    predicted = walk[::-1].copy()
    lag = d.lag_analysis(make_predictions(walk, predicted), most=3)
    for shift in range(4):
        assert lag.shifts["correlation"][shift] == pytest.approx(
            np.corrcoef(predicted[3:], walk[3 - shift : len(walk) - shift])[0, 1])


def test_the_naive_forecast_itself_predicts_no_changes(walk):
    lag = d.lag_analysis(make_predictions(walk, np.r_[walk[:1], walk[:-1]]))
    assert lag.change_correlation is None
    assert "predict no changes" in lag.sentence


@pytest.mark.parametrize("rows", [0, 3, 6, 40])
def test_a_lag_of_constant_or_few_prices_cannot_be_measured(rows):
    lag = d.lag_analysis(make_predictions(np.full(rows, 0.1), np.full(rows, 0.1)))
    assert lag.best_shift is None
    assert not lag.late
    assert "cannot be measured" in lag.sentence


@pytest.mark.parametrize("constant", [True, False])
def test_a_flat_line_is_called_flat_and_not_late(constant):
    price = np.linspace(50, 150, 400) + np.random.default_rng(3).normal(size=400)
    # Follows the price of the day before, but by a hundredth of what that moves.
    predicted = np.full(400, 60.0) if constant else 60 + np.r_[price[:1], price[:-1]] / 100
    lag = d.lag_analysis(make_predictions(price, predicted), currency="USD")
    assert "nearly flat line" in lag.sentence
    assert f"{predicted.min():.2f} USD" in lag.sentence
    assert not lag.late
    assert lag.best_shift is None


def test_a_line_that_saturates_below_a_rising_price_is_called_flattened_and_not_late():
    price = np.linspace(50, 150, 400) + np.random.default_rng(3).normal(size=400)
    lag = d.lag_analysis(make_predictions(price, np.minimum(80 + np.random.default_rng(4).normal(size=400), price)))
    assert "flattened line" in lag.sentence
    assert not lag.late


def test_predictions_that_have_nothing_to_do_with_the_price_are_said_to(walk):
    lag = d.lag_analysis(make_predictions(walk, 100 + 5 * np.random.default_rng(4).normal(size=400)))
    assert "do not follow the price" in lag.sentence
    assert not lag.late


def test_errors_are_signed_as_predicted_minus_actual():
    table = d.error_table(make_predictions([10.0, 12.0], [11.0, 11.5]))
    assert table["error"].tolist() == [1.0, -0.5]
    assert table["naive_error"].tolist() == [0.0, -2.0]
    assert table["move"].tolist() == [0.0, 2.0]
    assert table["predicted_move"].tolist() == [1.0, 1.5]


def test_only_the_asked_part_and_whole_rows_count(walk):
    split = np.where(np.arange(400) < 300, "train", "test")
    predictions = make_predictions(walk, walk, split)
    predictions.iloc[350, predictions.columns.get_loc("predicted")] = np.nan
    assert len(d.error_table(predictions)) == 99
    assert len(d.error_table(predictions, None)) == 399


def test_recent_errors_are_the_root_mean_square_of_the_last_rows(walk):
    predictions = make_predictions(walk, walk + np.arange(400))
    table = d.errors_over_time(predictions, window=20)
    assert table["rolling_rmse"].isna().sum() == 19
    assert table["rolling_rmse"].iloc[50] == pytest.approx(np.sqrt((np.arange(31, 51) ** 2).mean()))


def test_weekdays_and_months_are_told_apart(walk):
    predictions = make_predictions(walk, walk)
    predictions["predicted"] += predictions.index.day_of_week * 1.0
    table = d.error_by_weekday(predictions)
    assert table.index.tolist() == ["Mon", "Tue", "Wed", "Thu", "Fri"]
    assert table["rmse"].tolist() == pytest.approx([0, 1, 2, 3, 4])
    assert table["bias"].tolist() == pytest.approx([0, 1, 2, 3, 4])
    assert table["count"].sum() == 400
    months = d.error_by_month(predictions)
    assert months.index.tolist() == list(d.MONTHS)
    assert months["count"].sum() == 400


def test_small_and_large_moves_are_told_apart_in_equal_bins(walk):
    table = d.error_by_move(make_predictions(walk, np.r_[walk[:1], walk[:-1]]))
    assert table["count"].tolist() == [80] * 5
    assert (table["low"].to_numpy()[1:] >= table["high"].to_numpy()[:-1]).all()
    assert table["rmse"].is_monotonic_increasing
    assert table["skill"].tolist() == [0.0] * 5
    assert table.attrs["unit"] == "%"


def test_moves_of_a_series_that_is_not_positive_have_its_own_units(walk):
    table = d.error_by_move(make_predictions(walk - 100, walk - 100))
    assert table.attrs["unit"] == ""
    assert table["high"].iloc[-1] == pytest.approx(np.abs(np.diff(walk)).max())


@pytest.mark.parametrize("prices", [[], [1.0, 2.0], [5.0] * 30])
def test_few_or_constant_moves_share_a_bin(prices):
    table = d.error_by_move(make_predictions(prices, prices))
    assert table["count"].sum() == len(prices)
    assert len(table) <= 1


def test_error_by_horizon_stands_beside_naive_and_leaves_unknown_targets_out():
    rng = np.random.default_rng(0)
    last = rng.normal(size=50)
    actual = last[:, None] + rng.normal(size=(50, 3))
    predicted = actual + np.array([0.1, 0.5, 5.0])
    actual[-2:, 2] = np.nan
    table = d.error_by_horizon(actual, predicted, last)
    assert table["step"].tolist() == [1, 2, 3]
    assert table["count"].tolist() == [50, 50, 48]
    assert table["rmse"].tolist() == pytest.approx([0.1, 0.5, 5.0])
    naive = np.sqrt(np.nanmean((actual - last[:, None]) ** 2, axis=0))
    assert table["naive_rmse"].tolist() == pytest.approx(naive)
    assert table["skill"].tolist() == pytest.approx(1 - np.array([0.1, 0.5, 5.0]) / naive)
    assert d.farthest_step(table) == 0  # no interval, no proof


def test_a_step_counts_only_where_its_interval_lies_above_zero():
    rng = np.random.default_rng(0)
    last = np.zeros(40)
    actual = rng.normal(size=(40, 3))
    calls = []

    def interval(truth, ours, naive, step):
        calls.append(step)
        return (0.1, 0.2) if step == 1 else (-0.1, 0.2)

    table = d.error_by_horizon(actual, actual * 0.9, last, interval)
    assert calls == [1, 2, 3]
    assert (table["skill"] > 0).all()
    assert d.farthest_step(table) == 1


def test_a_step_after_a_failed_one_is_not_reached():
    table = pd.DataFrame({"skill": [0.2, 0.1, 0.3], "skill_low": [0.1, -0.1, 0.2]})
    assert d.farthest_step(table) == 1
    assert d.farthest_step(table.iloc[1:]) == 0
    assert d.farthest_step(table.iloc[:1]) == 1


def test_an_interval_that_cannot_be_made_is_a_gap_with_its_reason_and_no_proof():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(24, 10))  # a short test part: far steps are known from few origins only
    for step in range(2, 11):
        actual[-step + 1 :, step - 1] = np.nan
    table = d.error_by_horizon(actual, actual * 0.5, np.zeros(24),
                               lambda truth, ours, naive, step: skill_interval(truth, ours, naive, step=step))
    assert table["skill"].tolist() == pytest.approx([0.5] * 10)
    assert table["skill_low"].iloc[0] == pytest.approx(0.5)
    assert table[["skill_low", "skill_high"]].iloc[-1].isna().all()
    assert table["reason"].iloc[0] == ""
    assert "too few" in table["reason"].iloc[-1]
    assert d.farthest_step(table) == table["skill_low"].isna().idxmax() < 10


def steps(skill, low, high=None, reason="there are too few predictions for an interval, 12 where it takes 20"):
    """A table as from `error_by_horizon`; low: NaN where there is no interval."""
    low = np.array(low, dtype=float)
    return pd.DataFrame({"step": np.arange(1, len(skill) + 1), "skill": skill, "skill_low": low,
                         "skill_high": np.where(np.isnan(low), np.nan, np.array(high or skill, dtype=float) + 0.01),
                         "reason": np.where(np.isnan(low), reason, "")})


NONE = np.nan


@pytest.mark.parametrize(("table", "expected"), [
    (steps([0.5] * 10, [0.4] * 10), "Lower error than naive at all 10 steps, and proven at each of these steps."),
    (steps([0.8] * 10, [0.6, 0.6] + [NONE] * 8),
     "Lower error than naive at all 10 steps, proven up to step 2; beyond, there are too few months to prove it."),
    (steps([0.8] * 3, [0.6, -0.1, -0.1]),
     "Lower error than naive at all 3 steps, proven at step 1; beyond, luck can explain it."),
    (steps([0.8] * 3, [0.6, -0.1, NONE]),
     "Lower error than naive at all 3 steps, proven at step 1; beyond, luck can explain it or there are too few months to "
     "prove it."),
    (steps([0.8] * 3, [NONE] * 3),
     "Lower error than naive at all 3 steps, but proven at none of these steps: there are too few months to prove it."),
    (steps([0.1] * 3, [-0.1] * 3), "Lower error than naive at all 3 steps, but proven at none of these steps: luck can explain "
     "it."),
    (steps([0.1] * 3, [-0.1, -0.1, 0.05]),
     "Lower error than naive at all 3 steps, proven at step 3; at the others, luck can explain it."),
    (steps([0.2, 0.1, -0.1, -0.2], [0.1, 0.05, -0.2, -0.3], [0.3, 0.2, 0.1, 0.1]),
     "Lower error than naive up to step 2, higher beyond. The lower error is proven at each of these steps."),
    (steps([0.2, 0.1, -0.3, -0.4], [0.1, -0.1, -0.4, -0.5], [0.3, 0.2, -0.2, -0.3]),
     "Lower error than naive up to step 2, higher beyond. The lower error is proven at step 1; beyond, luck can explain it. It "
     "is proven worse at steps 3 and 4."),
    (steps([0.2, -0.1, 0.3, 0.2, 0.1, -0.1], [-0.1] * 6, [0.3] * 6),
     "Lower error than naive at steps 1 and 3 to 5, higher at steps 2 and 6. The lower error is proven at none "
     "of these steps: luck can explain it."),
    (steps([-0.1, -0.2], [-0.2, -0.3], [0.1, 0.1]), "No lower error than naive at any step."),
    (steps([0.0, 0.0], [0.0, 0.0]), "The same error as naive at all 2 steps."),
    (steps([0.3], [0.1]), "Lower error than naive at step 1, and proven."),
    (steps([0.3], [-0.1]), "Lower error than naive at step 1, but not proven: luck can explain it."),
    (steps([0.3], [NONE], reason="the naive forecast makes hardly any error"),
     "Lower error than naive at step 1, but not proven: no interval can be made to prove it."),
    (steps([NONE, NONE], [NONE, NONE]),
     "No step can be scored: too few months of the test part are known, or the price never moved in it."),
])
def test_a_horizon_in_words_says_what_its_chart_shows(table, expected):
    assert d.horizon_words(table, "month") == expected


def test_a_short_test_part_proves_the_near_steps_only():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(24, 10))
    for step in range(2, 11):
        actual[-step + 1 :, step - 1] = np.nan
    table = d.error_by_horizon(actual, actual * 0.5, np.zeros(24),
                               lambda truth, ours, naive, step: skill_interval(truth, ours, naive, step=step))
    words = d.horizon_words(table, "month")
    assert words == (f"Lower error than naive at all 10 steps, proven up to step {d.farthest_step(table)}; beyond, there are "
                     "too few months to prove it.").replace("up to step 1;", "at step 1;")


def test_a_horizon_without_known_targets_has_no_score():
    table = d.error_by_horizon(np.full((3, 2), np.nan), np.ones((3, 2)), np.ones(3))
    assert table["rmse"].isna().all()
    assert d.farthest_step(table) == 0


def test_shapes_that_do_not_fit_are_the_callers_mistake():
    with pytest.raises(ValueError, match=r"Received: \(3, 2\), \(3, 2\) and \(2,\)"):
        d.error_by_horizon(np.ones((3, 2)), np.ones((3, 2)), np.ones(2))


def test_worst_days_come_first_with_their_share_of_the_price():
    predictions = make_predictions([10.0, 0.0, 20.0, 30.0], [11.0, 2.0, 17.0, 30.0])
    table = d.worst_days(predictions, count=3)
    assert table["error"].tolist() == [-3.0, 2.0, 1.0]
    assert table["error_percent"].tolist()[::2] == pytest.approx([-15.0, 10.0])
    assert np.isnan(table["error_percent"].iloc[1])
    assert table.index[0] == predictions.index[2]


def test_range_escape_counts_prices_that_training_never_saw():
    escape = d.range_escape([1, 5, 3, 9, 9, 4, 6, 0.5, 12], 3, 5, "USD")
    assert (escape.low, escape.high) == (1, 5)
    assert escape.above == escape.below * 2 == 0.5
    assert escape.outside == 0.75
    assert escape.farthest == 12
    assert "75 % of the test prices lie outside the 1.00 USD to 5.00 USD" in escape.sentence


def test_range_escape_says_when_nothing_escapes():
    escape = d.range_escape([1, 5, 3, 9, 9, 4, 5], 3, 5)
    assert escape.outside == 0
    assert escape.farthest is None
    assert escape.sentence == "All test prices lie within the 1.00 to 5.00 that training saw."


def make_intervals(hits_80, hits_95):
    """A constant price of 100 with intervals that hold it where the flags say so."""
    shift = np.where(hits_80, 0.0, 50.0), np.where(hits_95, 0.0, 50.0)
    price = np.full(len(hits_80), 100.0)
    return make_predictions(price, price, lower_80=price - 1 + shift[0], upper_80=price + 1 + shift[0],
                            lower_95=price - 2 + shift[1], upper_95=price + 2 + shift[1])


def test_coverage_and_width_are_counted():
    table = d.interval_table(make_intervals(np.arange(100) % 5 > 0, np.arange(100) % 20 > 0))
    assert table["part"].tolist() == ["test", "test"]
    assert table["promised"].tolist() == [0.80, 0.95]
    assert table["achieved"].tolist() == pytest.approx([0.80, 0.95])
    assert table["width"].tolist() == pytest.approx([2, 4])
    assert table["width_percent"].tolist() == pytest.approx([2, 4])


def test_only_the_test_part_tests_the_intervals():
    predictions = make_intervals(np.ones(60), np.ones(60))
    predictions["split"] = np.repeat(["train", "validation", "test"], 20)
    table = d.interval_table(predictions, ("train", "validation", "test"))
    assert dict(zip(table["part"], table["fitted"], strict=True)) == {"train": True, "validation": True, "test": False}
    assert d.interval_table(predictions.iloc[:0])["fitted"].dtype == bool


def test_rolling_coverage_looks_back_only():
    hit = np.arange(100) < 60
    table = d.rolling_coverage(make_intervals(hit, hit), window=20)
    assert len(table) == 81
    assert table["coverage_80"].iloc[40] == 1.0
    assert table["coverage_80"].iloc[-1] == 0.0
    assert table["coverage_80"].iloc[50] == pytest.approx(0.5)
    assert table["width_95"].iloc[0] == pytest.approx(4)
    assert table.attrs["window"] == 20


@pytest.mark.parametrize(("rows", "window"), [(8, 8), (30, 20), (200, 50), (2000, 100)])
def test_rolling_coverage_looks_back_on_a_quarter_of_the_part(rows, window):
    table = d.rolling_coverage(make_intervals(np.ones(rows), np.ones(rows)))
    assert table.attrs["window"] == window
    assert len(table) == rows - window + 1


def test_rolling_coverage_of_a_short_part_uses_all_of_it():
    table = d.rolling_coverage(make_intervals(np.arange(8) < 4, np.arange(8) < 6), window=100)
    assert len(table) == 1
    assert table[["coverage_80", "coverage_95"]].iloc[0].tolist() == [0.5, 0.75]
