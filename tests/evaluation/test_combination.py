import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.evaluation.baselines import baseline_table
from forecasting.evaluation.combination import BOOSTING, RIDGE, RUN, combine, convex_weights, made_of, weigh
from forecasting.evaluation.metrics import Undefined, rmse
from forecasting.model.split import part_labels, split

CONFIG = dataclasses.replace(RECOMMENDED, window=10, horizon=2)
ROWS = 900
FIRST = CONFIG.window - 1
TEST = split(ROWS, CONFIG).validation_end


def make_history(rows=ROWS, seed=0):
    """Prices whose next move depends on the size of the last one and not on its sign, which no regression sees."""
    rng, moves = np.random.default_rng(seed), np.zeros(rows)
    for row in range(1, rows):
        moves[row] = 0.01 * np.cos(300 * moves[row - 1]) + 0.003 * rng.standard_normal()
    frame = pd.DataFrame({"Close": 100 * np.exp(np.cumsum(moves))}, index=pd.bdate_range("2015-01-01", periods=rows))
    return PriceHistory(frame, "made", "test")


def naive(history):
    """What a run that knows nothing forecasts from every row after the first window."""
    return np.tile(history.close[FIRST:, None], CONFIG.horizon)


def predictions_of(history, predicted):
    """As `TrainingResult.predictions`, of forecasts (n - 1,) of the rows after the first."""
    labels = part_labels(split(len(history), CONFIG), CONFIG)[CONFIG.window :]
    columns = {"split": labels, "actual": history.close[CONFIG.window :], "predicted": predicted[CONFIG.window - 1 :]}
    return pd.DataFrame(columns, index=history.dates[CONFIG.window :].rename("Date"))


@pytest.fixture(scope="module")
def made():
    history = make_history()
    return history, combine(history, CONFIG, naive(history))


def error(history, forecasts, step=1):
    """RMSE over the test part of forecasts (n - window + 1, horizon), relative to the naive forecast's."""
    rows = np.arange(TEST - 1, ROWS - step)
    actual = history.close[rows + step]
    return rmse(actual, forecasts[rows - FIRST, step - 1]) / rmse(actual, history.close[rows])


def test_boosting_learns_at_every_step_what_a_regression_cannot(made):
    history, combination = made
    for step, most in ((1, 0.8), (2, 0.95)):
        assert error(history, combination.alone[BOOSTING], step) < most
        assert error(history, combination.alone[RIDGE], step) > 0.9


def test_a_combination_weighs_its_members_on_validation_and_says_so(made):
    history, combination = made
    assert combination.weights[BOOSTING] > 0.8
    assert sum(combination.weights.values()) == pytest.approx(1)
    assert "gradient boosting" in made_of(combination.weights)
    for step in (1, 2):
        assert error(history, combination.predicted, step) < 1.15 * error(history, combination.alone[BOOSTING], step)


def test_no_forecast_knows_a_later_price_and_no_weight_one_of_the_test_part(made):
    history, combination = made
    for changed in (TEST, TEST + 50):
        wild = history.frame.copy()
        wild.iloc[changed:] *= 3
        later = dataclasses.replace(history, frame=wild)
        after = combine(later, CONFIG, naive(later))
        assert after.weights == combination.weights
        np.testing.assert_array_equal(after.predicted[: changed - FIRST], combination.predicted[: changed - FIRST])


def test_members_are_learnt_from_training_for_validation_and_from_both_for_the_test_part(made):
    history, combination = made
    wild = history.frame.copy()
    wild.iloc[TEST - 1] *= 1.5  # the last price of validation
    after = combine(dataclasses.replace(history, frame=wild), CONFIG, naive(history)).alone[BOOSTING]
    changed = np.flatnonzero((after != combination.alone[BOOSTING]).any(axis=1)) + FIRST
    assert changed[0] == TEST - 1
    assert changed[-1] > TEST + CONFIG.window  # which cannot have read that price


def test_a_run_that_knows_the_future_needs_no_other(made):
    history, _ = made
    close = history.close[split(ROWS, CONFIG).train_end - 1 : TEST]
    ahead = np.stack([np.append(close[step:], [np.nan] * step) for step in (1, 2)], axis=1)
    weights = weigh({RUN: ahead, RIDGE: np.tile(close[:, None], 2)}, close)
    assert made_of(weights) == "100 % this run"


def test_where_validation_tells_nothing_the_shares_stay_equal():
    rng = np.random.default_rng(2)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 80)))  # nothing to know
    forecasts = {name: close[:, None] * (1 + rng.normal(0, 0.001, (80, 1))) for name in (RUN, RIDGE, BOOSTING)}
    assert list(weigh(forecasts, close).values()) == pytest.approx([1 / 3] * 3, abs=0.1)
    moves = (np.stack(list(forecasts.values()), axis=-1)[:-1, 0] / close[:-1, None]) - 1
    assert max(convex_weights(moves, close[1:] / close[:-1] - 1)) > 0.5  # what luck would have chosen


def test_weights_are_those_of_the_smallest_error_that_sum_to_one():
    rng = np.random.default_rng(1)
    members = rng.normal(size=(500, 3))
    target = members @ [0.7, 0.3, 0.0] + 0.01 * rng.normal(size=500)
    np.testing.assert_allclose(convex_weights(members, target), [0.7, 0.3, 0.0], atol=0.01)
    np.testing.assert_allclose(convex_weights(members, target, 0.1), [0.7, 0.3, 0.0], atol=0.01)  # hundreds of rows tell
    np.testing.assert_allclose(convex_weights(members, -target).sum(), 1)
    assert convex_weights(np.zeros((5, 2)), np.zeros(5)).sum() == pytest.approx(1)
    with pytest.raises(Undefined):
        weigh({RUN: np.ones((1, 1)), RIDGE: np.ones((1, 1))}, np.ones(1))


def test_they_stand_in_the_table_of_baselines_and_say_why_where_they_cannot():
    history = make_history()
    table, _ = baseline_table(history, CONFIG, predictions_of(history, history.close[:-1]), ("boosting", "combination"))
    assert {"Gradient boosting", "Combination"} <= set(table.index)
    assert "gradient boosting: shares chosen on validation" in table.loc["Combination", "about"]
    assert table.loc["Combination", "rmse"] < 0.9 * table.loc["Naive", "rmse"]
    short = make_history(150)
    table, reasons = baseline_table(short, CONFIG, predictions_of(short, short.close[:-1]), ("boosting", "combination"))
    assert np.isnan(table.loc["Gradient boosting", "rmse"])
    assert "fewer than 200" in reasons["Gradient boosting"]["rmse"]
    assert "boosting" not in table.loc["Combination", "about"]  # it goes on without
    assert np.isfinite(table.loc["Combination", "rmse"])


def test_on_validation_each_forecast_has_the_shares_that_were_known_on_its_day(made):
    history, _ = made
    begin, known = split(ROWS, CONFIG).train_end - 1, split(ROWS, CONFIG).train_end + 40
    own = naive(history)
    own[:-1, 0] = history.close[FIRST + 1 :]  # a run that knows the future, until ...
    own[known - FIRST :] = naive(history)[known - FIRST :]  # ... this day
    both = combine(history, CONFIG, own)
    equal = (own + both.alone[RIDGE] + both.alone[BOOSTING]) / 3
    np.testing.assert_allclose(both.predicted[begin - FIRST], equal[begin - FIRST])  # nothing is known on the first day
    errors = np.abs(both.predicted[:-1, 0] - history.close[FIRST + 1 :])
    assert errors[known - 10 - FIRST : known - FIRST].mean() < 0.2 * np.abs(np.diff(history.close)).mean()
    assert both.weights[RUN] < 0.9  # while in the end that run is known to fail
