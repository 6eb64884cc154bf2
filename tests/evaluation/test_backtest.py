"""Folds of a walk-forward backtest."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import RECOMMENDED, ConfigError, NotEnoughData, PriceHistory
from forecasting.evaluation.backtest import backtest_reasons, backtest_summary, backtest_table, folds, join_predictions


def make_history(rows=1003, seed=0):
    close = 100 + np.cumsum(np.random.default_rng(seed).normal(size=rows))
    index = pd.bdate_range("2015-01-01", periods=rows)
    return PriceHistory(pd.DataFrame({"Close": close, "Volume": 1.0}, index=index), name="walk", source="a test")


def cut_of(fold):
    """(first test row, rows) as a training of this fold cuts it."""
    n = len(fold.history)
    rows = round(n * fold.config.test_share)
    return n - rows, rows


@pytest.mark.parametrize("mode", ["expanding", "sliding"])
@pytest.mark.parametrize("k", [2, 5, 7, 13])
@pytest.mark.parametrize("rows", [1003, 2518])
def test_folds_tile_the_test_part_of_the_run(rows, k, mode):
    history = make_history(rows)
    made = folds(history, RECOMMENDED, k, mode)
    days = pd.DatetimeIndex([])
    for fold in made:
        first, size = cut_of(fold)
        assert size == fold.rows
        assert first == fold.rows_before
        days = days.append(fold.history.dates[first:])
    test = round(rows * RECOMMENDED.test_share)
    assert days.equals(history.dates[-test:])
    assert max(fold.rows for fold in made) - min(fold.rows for fold in made) <= 1


@pytest.mark.parametrize("mode", ["expanding", "sliding"])
def test_no_fold_sees_a_later_price(mode):
    history = make_history()
    for fold in folds(history, RECOMMENDED, 5, mode):
        later = history.frame.copy()
        later.loc[later.index > fold.end] = 1e9
        again = folds(replace(history, frame=later), RECOMMENDED, 5, mode)[fold.number - 1]
        assert fold.history.dates[-1] == fold.end
        pd.testing.assert_frame_equal(fold.history.frame, again.history.frame)
        assert fold.config == again.config


def test_the_first_fold_trains_on_what_the_run_trained_on():
    history = make_history()
    fold = folds(history, RECOMMENDED, 5)[0]
    n, m = len(history), len(fold.history)
    assert fold.rows_before == n - round(n * RECOMMENDED.test_share)
    assert round(m * fold.config.validation_share) == round(n * RECOMMENDED.validation_share)


def test_a_sliding_fold_keeps_the_number_of_rows_before_it():
    expanding, sliding = (folds(make_history(), RECOMMENDED, 4, mode) for mode in ("expanding", "sliding"))
    assert len({fold.rows_before for fold in sliding}) == 1
    assert [fold.start for fold in sliding] == [fold.start for fold in expanding]
    assert expanding[-1].rows_before > expanding[0].rows_before


def test_everything_but_the_shares_is_the_runs():
    for fold in folds(make_history(), RECOMMENDED, 3):
        assert replace(fold.config, test_share=0.2, validation_share=0.1) == RECOMMENDED
        assert fold.history.name == "walk"
        assert list(fold.history.frame) == ["Close", "Volume"]


def test_too_many_folds_say_how_many_fit():
    with pytest.raises(NotEnoughData, match=r"50 folds need at least 1.000 test prices, 20 each; got 400\. "
                                            r"Choose 20 folds or fewer, or a larger test share"):
        folds(make_history(2000), RECOMMENDED, 50)
    with pytest.raises(NotEnoughData, match="2 folds need at least 20 test prices, 10 each; got 12"):
        folds(make_history(60), RECOMMENDED, 2)


@pytest.mark.parametrize("k", [0, 1, 51, 2.5, True, "5"])
def test_a_number_of_folds_out_of_range_is_refused(k):
    with pytest.raises(ConfigError, match="folds must be a whole number from 2 to 50"):
        folds(make_history(), RECOMMENDED, k)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="one of expanding, sliding"):
        folds(make_history(), RECOMMENDED, 5, "rolling")


def predictions_of(fold, error):
    actual = fold.history.frame["Close"]
    naive = actual.shift().bfill()
    first, _ = cut_of(fold)
    split = np.where(np.arange(len(actual)) < first, "train", "test")
    return pd.DataFrame({"split": split, "actual": actual, "predicted": actual + error, "naive": naive,
                         "lower_80": actual - 1, "upper_80": actual + 1,
                         "lower_95": actual - 2, "upper_95": actual - 1})


def test_scores_stand_for_each_fold_on_its_own_days():
    made = folds(make_history(), RECOMMENDED, 3)
    tables = {fold.number: predictions_of(fold, error) for fold, error in zip(made, (0.5, 0.25, 4.0), strict=True)}
    table = backtest_table(tables)
    assert table.index.tolist() == [1, 2, 3]
    assert table["rmse"].tolist() == pytest.approx([0.5, 0.25, 4.0])
    assert table["rows"].tolist() == [fold.rows for fold in made]
    assert table["start"].tolist() == [fold.start for fold in made]
    assert table["coverage_80"].tolist() == [1.0, 1.0, 1.0]
    assert table["coverage_95"].tolist() == [0.0, 0.0, 0.0]
    naive = tables[1].loc[made[0].start :]
    expected = 1 - 0.5 / np.sqrt(((naive["naive"] - naive["actual"]) ** 2).mean())
    assert table.loc[1, "skill"] == pytest.approx(expected)
    joined = join_predictions(tables)
    assert joined.index.is_monotonic_increasing
    assert len(joined) == sum(fold.rows for fold in made)
    assert backtest_reasons(tables) == {}
    assert "Over 3 folds and 201 days" in backtest_summary(tables)
    assert "Over 3 folds and 201 months" in backtest_summary(tables, "month")
    assert "2 of 3 were better than naive" in backtest_summary(tables)


def test_a_fold_that_failed_is_left_out():
    fold = folds(make_history(), RECOMMENDED, 3)[1]
    assert backtest_table({2: predictions_of(fold, 1.0)}).index.tolist() == [2]
    assert backtest_summary({}) == "No fold has ended yet."
    assert len(join_predictions({})) == 0


def test_folds_of_two_backtests_are_not_joined():
    three, two = (folds(make_history(), RECOMMENDED, k) for k in (3, 2))
    with pytest.raises(ValueError, match="Two folds predict the same day"):
        join_predictions({1: predictions_of(three[0], 0.0), 2: predictions_of(two[0], 0.0)})


def test_a_price_of_zero_is_the_reason_for_a_missing_percentage():
    fold = folds(make_history(), RECOMMENDED, 3)[0]
    table = predictions_of(fold, 0.1)
    table.iloc[-1, table.columns.get_loc("actual")] = 0.0
    assert np.isnan(backtest_table({1: table})["mape"].iloc[0])
    assert backtest_reasons({1: table}) == {1: {"mape": "a price is zero"}}


def test_prices_that_never_move_have_no_skill():
    history = make_history()
    flat = replace(history, frame=history.frame.assign(Close=1.0))
    fold = folds(flat, RECOMMENDED, 2)[0]
    tables = {1: predictions_of(fold, 0.1)}
    assert backtest_table(tables)["skill"].isna().all()
    assert backtest_reasons(tables) == {1: {"skill": "the naive forecast makes no error: the price never moved"}}
    assert "never moved" in backtest_summary(tables)
