import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as sklearn_metrics
from statsmodels.stats.contingency_tables import mcnemar

from forecasting.evaluation.metrics import (
    Undefined,
    binomial_interval,
    coverage,
    directional_accuracy,
    directional_base,
    directional_hits,
    directional_p,
    directional_up,
    interval_score,
    mae,
    mape,
    mase,
    mase_scale,
    mean_width,
    rmse,
    skill,
    smape,
)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    actual = 100 + np.cumsum(rng.normal(size=200))
    return actual, actual + rng.normal(size=200)


def test_rmse_mae_and_mape_agree_with_scikit_learn(pair):
    actual, predicted = pair
    assert rmse(actual, predicted) == pytest.approx(sklearn_metrics.root_mean_squared_error(actual, predicted))
    assert mae(actual, predicted) == pytest.approx(sklearn_metrics.mean_absolute_error(actual, predicted))
    fraction = sklearn_metrics.mean_absolute_percentage_error(actual, predicted)
    assert mape(actual, predicted) == pytest.approx(100 * fraction)


def test_smape_and_mase_agree_with_a_line_of_numpy(pair):
    actual, predicted = pair
    expected = np.mean(200 * np.abs(actual - predicted) / (np.abs(actual) + np.abs(predicted)))
    assert smape(actual, predicted) == pytest.approx(expected)
    training = np.array([1.0, 3.0, 2.0])
    assert mase_scale(training) == 1.5
    assert mase(actual, predicted, 1.5) == pytest.approx(np.mean(np.abs(actual - predicted)) / 1.5)


def test_skill_is_the_share_of_naive_error_removed(pair):
    actual, predicted = pair
    naive = actual + 2.0
    assert skill(actual, predicted, naive) == pytest.approx(1 - np.sqrt(np.mean((actual - predicted) ** 2)) / 2)
    assert skill(actual, actual, naive) == 1.0
    assert skill(actual, naive, naive) == 0.0


def test_a_perfect_forecast_of_constant_prices_errs_by_zero():
    prices = np.full(5, 7.0)
    assert rmse(prices, prices) == mae(prices, prices) == mape(prices, prices) == smape(prices, prices) == 0.0


@pytest.mark.parametrize("metric", [rmse, mae, mape, smape])
def test_shapes_that_numpy_would_broadcast_are_refused(metric):
    with pytest.raises(ValueError, match=r"\(3, 1\) and \(3,\)"):
        metric(np.ones((3, 1)), np.ones(3))
    with pytest.raises(ValueError, match="one dimension"):
        metric(np.ones((3, 1)), np.ones((3, 1)))


@pytest.mark.parametrize("metric", [rmse, mae, mape, smape])
def test_missing_values_and_no_days_leave_a_score_undefined(metric):
    with pytest.raises(Undefined, match="missing"):
        metric(np.array([1.0, np.nan]), np.ones(2))
    with pytest.raises(Undefined, match="no predictions"):
        metric(np.empty(0), np.empty(0))


def test_a_zero_price_leaves_percentages_undefined():
    with pytest.raises(Undefined, match="a price is zero"):
        mape(np.array([0.0, 1.0]), np.ones(2))
    assert smape(np.array([0.0, 1.0]), np.ones(2)) == 100.0
    with pytest.raises(Undefined, match="both zero"):
        smape(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


def test_constant_prices_leave_skill_mase_and_direction_undefined():
    prices = np.full(4, 2.0)
    with pytest.raises(Undefined, match="never moved"):
        skill(prices, prices + 1, prices)
    with pytest.raises(Undefined, match="never moved"):
        mase(prices, prices + 1, mase_scale(prices))
    with pytest.raises(Undefined, match="never moved"):
        directional_accuracy(prices, prices + 1, prices)
    with pytest.raises(Undefined, match="fewer than two"):
        mase_scale(prices[:1])


def test_prices_near_the_largest_float_do_not_overflow():
    actual = np.array([1e200, 3e200])
    assert rmse(actual, np.zeros(2)) == pytest.approx(np.sqrt(5) * 1e200)
    assert mae(np.full(2, 1.5e308), np.zeros(2)) == 1.5e308
    with pytest.raises(Undefined, match="too large"):
        rmse(np.full(2, 1.5e308), np.full(2, -1.5e308))


def test_direction_counts_only_calls_on_days_that_moved():
    last = np.full(5, 10.0)
    actual = np.array([11.0, 9.0, 10.0, 12.0, 8.0])
    predicted = np.array([10.5, 10.5, 10.5, 10.0, 9.0])
    assert directional_hits(actual, predicted, last) == (2, 3)
    assert directional_accuracy(actual, predicted, last) == pytest.approx(2 / 3)


def test_a_move_in_the_last_bits_of_a_price_is_no_call():
    last = np.array([168.34, 0.009582])
    actual = last * 1.01
    with pytest.raises(Undefined, match="calls no direction"):
        directional_accuracy(actual, np.exp(np.log(last)) * (1 + 1e-8), last)
    assert directional_hits(actual, last * (1 + 1e-6), last) == (2, 2)


def test_the_more_frequent_direction_is_that_of_the_days_with_a_call():
    last = np.full(6, 10.0)
    actual = np.array([11.0, 12.0, 11.0, 9.0, 10.0, 9.0])  # up, up, up, down, no move, down
    predicted = np.array([11.0, 9.0, 11.0, 9.0, 11.0, 10.0])  # no call on the last day
    assert directional_up(actual, predicted, last) == directional_base(actual, predicted, last) == 0.75
    fallen = 20 - actual
    assert directional_up(fallen, predicted, last) == 0.25
    assert directional_base(fallen, predicted, last) == 0.75


def test_the_paired_test_agrees_with_scipy_and_statsmodels():
    rng = np.random.default_rng(0)
    last, moved = np.full(400, 100.0), np.where(rng.random(400) < 0.56, 1.0, -1.0)
    called = np.where(rng.random(400) < 0.6, moved, -moved)
    p = directional_p(last + moved, last + called, last)
    right, base = moved == called, moved == 1
    pairs = [[np.sum(right & base), np.sum(right & ~base)], [np.sum(~right & base), np.sum(~right & ~base)]]
    assert p == pytest.approx(mcnemar(pairs, exact=True).pvalue)
    assert p == pytest.approx(binomtest(int(pairs[0][1]), int(pairs[0][1] + pairs[1][0])).pvalue)


def test_a_forecast_that_always_calls_the_more_frequent_direction_is_that_comparison():
    last, actual = np.full(4, 10.0), np.array([11.0, 12.0, 13.0, 9.0])
    assert directional_accuracy(actual, last + 1, last) == directional_base(actual, last + 1, last) == 0.75
    with pytest.raises(Undefined, match="always calls the more frequent direction"):
        directional_p(actual, last + 1, last)


def test_direction_without_knowledge_passes_the_test_as_seldom_as_it_says():
    rng = np.random.default_rng(0)
    last, found = np.full(250, 100.0), 0
    for _ in range(400):
        moved, called = (np.where(rng.random(250) < 0.53, 1.0, -1.0) for _ in range(2))
        p = directional_p(last + moved, last + called, last)
        found += p < 0.05 and directional_accuracy(last + moved, last + called, last) > 0.5
        assert 0 <= p <= 1
    assert found <= 10  # of 400; the direction that is chosen in hindsight makes it rarer than 2.5 %


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10), (7, 10), (520, 1000), (1, 1)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_binomial_interval_agrees_with_scipy(successes, trials, level):
    expected = binomtest(successes, trials).proportion_ci(level, method="wilson")
    low, high = binomial_interval(successes, trials, level)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= successes / trials <= high <= 1


def test_binomial_interval_of_no_trials_is_undefined():
    with pytest.raises(Undefined):
        binomial_interval(0, 0)


def test_coverage_width_and_interval_score_on_numbers_checked_by_hand():
    actual = np.array([1.0, 2.0, 3.0, 6.0])
    lower, upper = np.array([1.0, 0.0, 4.0, 0.0]), np.array([2.0, 4.0, 5.0, 4.0])
    assert coverage(actual, lower, upper) == 0.5  # a price on its bound is covered
    assert mean_width(lower, upper) == 2.5
    # Missed by 1 and by 2, each times 2 / (1 - 0.8) = 10, over four days.
    assert interval_score(actual, lower, upper, 0.8) == pytest.approx(2.5 + 10 * 3 / 4)
