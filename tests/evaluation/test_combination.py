import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.evaluation.baselines import baseline_table
from forecasting.evaluation.combination import boosted, combine, convex_weights
from forecasting.evaluation.metrics import Undefined, rmse
from forecasting.model.split import part_labels, split

CONFIG = dataclasses.replace(RECOMMENDED, window=10, horizon=2)
ROWS = 900


def make_history(rows=ROWS, seed=0):
    """Prices whose next move depends on the size of the last one and not on its sign, which no regression sees."""
    rng, moves = np.random.default_rng(seed), np.zeros(rows)
    for row in range(1, rows):
        moves[row] = 0.01 * np.cos(300 * moves[row - 1]) + 0.003 * rng.standard_normal()
    frame = pd.DataFrame({"Close": 100 * np.exp(np.cumsum(moves))}, index=pd.bdate_range("2015-01-01", periods=rows))
    return PriceHistory(frame, "made", "test")


def predictions_of(history, predicted):
    """As `TrainingResult.predictions`, of forecasts (n - 1,) of the rows after the first."""
    labels = part_labels(split(len(history), CONFIG), CONFIG)[CONFIG.window :]
    columns = {"split": labels, "actual": history.close[CONFIG.window :], "predicted": predicted[CONFIG.window - 1 :]}
    return pd.DataFrame(columns, index=history.dates[CONFIG.window :].rename("Date"))


@pytest.fixture(scope="module")
def made():
    history = make_history()
    return history, boosted(history, CONFIG)


def test_boosting_learns_what_a_regression_cannot(made):
    history, members = made
    test = slice(members.validation_end - 1, ROWS - 1)
    actual, naive = history.close[members.validation_end :], history.close[test]
    assert rmse(actual, members.boosting[test]) < 0.8 * rmse(actual, naive)
    assert rmse(actual, members.linear[test]) > 0.9 * rmse(actual, naive)


def test_members_read_no_later_price(made):
    history, members = made
    wild = history.frame.copy()
    wild.iloc[members.validation_end :] *= 3
    after = boosted(dataclasses.replace(history, frame=wild), CONFIG)
    for name in ("linear", "boosting"):
        np.testing.assert_array_equal(getattr(members, name)[: members.validation_end],
                                      getattr(after, name)[: members.validation_end])


def test_a_combination_weighs_its_members_on_validation_and_says_so(made):
    history, members = made
    naive = history.close[:-1]
    predicted, about = combine(naive, members, history.close)
    assert "gradient boosting" in about
    assert "weighted on validation" in about
    test = slice(members.validation_end - 1, ROWS - 1)
    actual = history.close[members.validation_end :]
    assert rmse(actual, predicted[test]) < 1.01 * rmse(actual, members.boosting[test])
    knowing, about = combine(history.close[1:], members, history.close)  # a run that knows the future needs no other
    assert about == "100 % this run; weighted on validation."
    np.testing.assert_allclose(knowing, history.close[1:], rtol=1e-6)


def test_weights_are_those_of_the_smallest_error_that_sum_to_one():
    rng = np.random.default_rng(1)
    members = rng.normal(size=(500, 3))
    target = members @ [0.7, 0.3, 0.0] + 0.01 * rng.normal(size=500)
    np.testing.assert_allclose(convex_weights(members, target), [0.7, 0.3, 0.0], atol=0.01)
    np.testing.assert_allclose(convex_weights(members, -target).sum(), 1)
    assert convex_weights(np.zeros((5, 2)), np.zeros(5)).sum() == pytest.approx(1)


def test_they_stand_in_the_table_of_baselines_and_say_why_where_they_cannot():
    history = make_history()
    table, _ = baseline_table(history, CONFIG, predictions_of(history, history.close[:-1]), ("boosting", "combination"))
    assert {"Gradient boosting", "Combination"} <= set(table.index)
    assert "weighted on validation" in table.loc["Combination", "about"]
    assert table.loc["Combination", "rmse"] < 0.9 * table.loc["Naive", "rmse"]
    short = make_history(150)
    table, reasons = baseline_table(short, CONFIG, predictions_of(short, short.close[:-1]), ("boosting", "combination"))
    assert np.isnan(table.loc["Gradient boosting", "rmse"])
    assert "fewer than 200" in reasons["Gradient boosting"]["rmse"]
    assert "boosting" not in table.loc["Combination", "about"]  # it goes on without
    assert np.isfinite(table.loc["Combination", "rmse"])
    members = boosted(short, CONFIG)
    with pytest.raises(Undefined):
        combine(short.close[:-1], dataclasses.replace(members, train_end=members.validation_end), short.close)
