import numpy as np
import pytest

from forecasting.evaluation import intervals
from forecasting.evaluation.intervals import (
    around,
    extend_half_widths,
    half_widths,
    interval_bounds,
)
from forecasting.evaluation.metrics import coverage

N, CALIBRATE = 1500, slice(700, 900)


def naive_arrays(prices, step=1):
    """(actual, predicted, last) of the naive forecast `step` rows ahead, for every row as an origin."""
    actual = np.full(len(prices), np.nan)
    actual[:-step] = prices[step:]
    return actual, prices.copy(), prices


def prices_with(volatility, seed=0):
    rng = np.random.default_rng(seed)
    return 50 * np.exp(np.cumsum(volatility * rng.standard_normal(N)))


def binomial_margin(level, trials, deviations=3.5):
    return deviations * np.sqrt(level * (1 - level) / trials)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_coverage_of_a_random_walk_is_the_promised_one_within_binomial_bounds(level, seed):
    actual, predicted, last = naive_arrays(prices_with(np.full(N, 0.01), seed))
    lower, upper = interval_bounds(actual, predicted, last, CALIBRATE, positive=True)[level]
    test = slice(CALIBRATE.stop, N - 1)
    achieved = coverage(actual[test], lower[test], upper[test])
    assert abs(achieved - level) < binomial_margin(level, N - 1 - CALIBRATE.stop)


def test_coverage_holds_when_volatility_triples_and_calms_again():
    volatility = np.where((np.arange(N) // 150) % 2 == 0, 0.01, 0.03)
    actual, predicted, last = naive_arrays(prices_with(volatility))
    test = slice(CALIBRATE.stop, N - 1)
    for level, (lower, upper) in interval_bounds(actual, predicted, last, CALIBRATE, positive=True).items():
        assert abs(coverage(actual[test], lower[test], upper[test]) - level) < 0.03
    width = np.log(upper / lower)
    assert width[1230:1340].mean() < 0.5 * width[1080:1190].mean()  # calm from row 1200 on, wild before


@pytest.mark.parametrize("step", [1, 5])
def test_bounds_use_nothing_that_is_known_later_than_their_origin(step):
    prices = prices_with(np.full(N, 0.01))
    changed_row = 1200
    changed = prices.copy()
    changed[changed_row:] *= np.linspace(2, 3, N - changed_row)
    before = interval_bounds(*naive_arrays(prices, step), CALIBRATE, positive=True, step=step)
    after = interval_bounds(*naive_arrays(changed, step), CALIBRATE, positive=True, step=step)
    for level in before:
        for old, new in zip(before[level], after[level], strict=True):
            np.testing.assert_array_equal(old[:changed_row], new[:changed_row])
            assert (old[changed_row:] != new[changed_row:]).any()


@pytest.mark.parametrize("step", [1, 4])
@pytest.mark.parametrize("scale", ["moves", "errors"])
def test_an_outcome_moves_no_bound_before_it_is_known(step, scale):
    prices = prices_with(np.full(N, 0.01))
    actual, predicted, last = naive_arrays(prices, step)
    origin = 1100
    surprised = actual.copy()
    surprised[origin] *= 1.5
    before = half_widths(actual, predicted, last, CALIBRATE, True, step, scale=scale)
    after = half_widths(surprised, predicted, last, CALIBRATE, True, step, scale=scale)
    for level in before:
        np.testing.assert_array_equal(before[level][: origin + step], after[level][: origin + step])
        assert after[level][origin + step] > before[level][origin + step]


def testtrack_quantiles_agree_with_a_plain_recomputation():
    rng = np.random.default_rng(3)
    scores, start, stop, step, level, gamma = np.abs(rng.normal(size=120)), 20, 60, 3, 0.8, 0.05
    calibration = scores[start : stop - step + 1]
    speeds = {level: np.full(len(scores) - stop, gamma)}
    fast = intervals.track_quantiles(scores, np.empty(0), calibration, start, stop, step, speeds, 500)[level]
    expected, missed = [], 1 - level
    for origin in range(stop, len(scores)):
        judged = origin - step
        if judged >= stop:
            missed += gamma * ((1 - level) - (scores[judged] > expected[judged - stop]))
        known = np.sort(scores[start : judged + 1])
        rank = int(np.ceil((len(known) + 1) * (1 - missed) - 1e-9))
        expected.append(known[rank - 1])
    np.testing.assert_allclose(fast, expected)


def test_filler_leaves_first_and_the_window_keeps_its_length():
    filler, calibration = np.array([9.0, 8.0]), np.array([1.0, 2.0])
    scores = np.concatenate([np.zeros(2), calibration, [3.0, 4.0, 5.0, 6.0, 7.0, 0.0]])
    largest = intervals.track_quantiles(scores, filler, calibration, 2, 4, 1, {0.8: np.zeros(6)}, 5)[0.8]
    # The window: 9 8 1 2 | 8 1 2 3 | 1 2 3 4 | 1 2 3 4 5 | 2 3 4 5 6 | 3 4 5 6 7; ranks 4 of 4 and 5 of 5.
    np.testing.assert_array_equal(largest, [9.0, 8.0, 4.0, 5.0, 6.0, 7.0])


def test_quantile_is_the_conformal_rank_and_stays_finite_beyond_the_scores():
    scores = np.arange(1.0, 10.0)
    assert intervals._quantile(scores, 0.8) == 8.0
    assert intervals._quantile(scores, 0.9) == 9.0
    assert 9.0 < intervals._quantile(scores, 0.95) < intervals._quantile(scores, 2.0) < 30.0
    assert intervals._quantile(scores, -1.0) == 1.0


def test_levels_are_nested_and_hold_the_prediction():
    actual, predicted, last = naive_arrays(prices_with(np.full(N, 0.02)))
    bounds = interval_bounds(actual, predicted, last, CALIBRATE, positive=True)
    (low_80, high_80), (low_95, high_95) = bounds[0.8], bounds[0.95]
    assert np.isfinite([low_80, high_80, low_95, high_95]).all()
    assert (low_95 > 0).all()
    assert ((low_95 <= low_80) & (low_80 <= predicted) & (predicted <= high_80) & (high_80 <= high_95)).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_forecast_as_good_as_naive_is_given_no_wider_intervals(seed):
    volatility = 0.01 * np.exp(np.sin(np.arange(N) / 90))
    actual, naive, last = naive_arrays(prices_with(volatility, seed))
    predicted = naive * np.exp(0.0002 * np.random.default_rng(seed).standard_t(3, N))
    own, others = (half_widths(actual, values, last, CALIBRATE, True) for values in (predicted, naive))
    test = slice(CALIBRATE.stop, N)
    for level in own:
        assert own[level][test].mean() <= 1.001 * others[level][test].mean()
        assert (own[level][test] <= others[level][test]).mean() > 0.8
        inside = np.abs(np.log(actual / predicted))[test][:-1] <= own[level][test][:-1]
        assert abs(inside.mean() - level) < binomial_margin(level, len(inside))


def test_a_forecast_that_fails_in_the_test_part_is_not_held_to_the_widths_of_naive():
    actual, naive, last = naive_arrays(prices_with(np.full(N, 0.01)))
    failing = np.where(np.arange(N) >= CALIBRATE.stop, 0.1, 0.0) * np.random.default_rng(1).standard_normal(N)
    predicted = naive * np.exp(failing)
    half = half_widths(actual, predicted, last, CALIBRATE, True)[0.8][CALIBRATE.stop:-1]
    errors = np.abs(np.log(actual / predicted))[CALIBRATE.stop:-1]
    assert np.mean(errors[100:] <= half[100:]) > 0.7  # the widths of naive would hold less than 0.2
    assert half[100:].mean() > 0.08


def test_series_with_negative_values_get_bounds_in_their_own_units():
    prices = np.random.default_rng(4).normal(0, 5, N).cumsum()
    actual, predicted, last = naive_arrays(prices)
    lower, upper = interval_bounds(actual, predicted, last, CALIBRATE, positive=False)[0.8]
    np.testing.assert_allclose(upper - predicted, predicted - lower, atol=1e-9)
    bigger = interval_bounds(1e200 * actual, 1e200 * predicted, 1e200 * last, CALIBRATE, positive=False)[0.8]
    np.testing.assert_allclose(bigger[1] - bigger[0], 1e200 * (upper - lower), rtol=1e-9)


def test_the_last_origin_gets_the_interval_of_the_forecast():
    actual, predicted, last = naive_arrays(prices_with(np.full(N, 0.01)))
    assert np.isnan(actual[-1])
    half = half_widths(actual, predicted, last, CALIBRATE, True)[0.8]
    assert 0.8 < half[-1] / half[-100:-1].mean() < 1.25


def test_constant_prices_have_intervals_of_no_width():
    actual, predicted, last = naive_arrays(np.full(200, 3.0))
    lower, upper = interval_bounds(actual, predicted, last, slice(100, 140), positive=True)[0.95]
    np.testing.assert_array_equal(lower, predicted)
    np.testing.assert_array_equal(upper, predicted)


def test_one_wild_day_asks_for_no_more_than_the_largest_error_seen():
    prices = prices_with(np.full(N, 0.01))
    prices[1200] *= 3
    actual, predicted, last = naive_arrays(prices)
    half = half_widths(actual, predicted, last, CALIBRATE, True)[0.95]
    assert half[1201:].max() <= np.log(3.2)


def test_a_short_validation_part_is_filled_up_with_naive_errors():
    actual, predicted, last = naive_arrays(prices_with(np.full(N, 0.01)), step=10)
    half = half_widths(actual, predicted, last, slice(700, 705), True, step=10)  # not one outcome known in validation
    assert np.isfinite(half[0.95]).all()
    assert half[0.95][705] > 0


def test_no_known_error_at_all_is_refused():
    actual, predicted, last = naive_arrays(prices_with(np.full(N, 0.01)), step=5)
    with pytest.raises(ValueError, match="step 5"):
        half_widths(actual, predicted, last, slice(0, 3), True, step=5)


def test_seasonal_errors_are_scaled_by_their_own_volatility():
    rng = np.random.default_rng(5)
    restless = np.where((np.arange(N) // 100) % 2 == 0, 0.2, 2.0)
    season = 100 * np.sin(2 * np.pi * np.arange(N) / 24)
    noise = restless * rng.standard_normal(N)
    prices = 1000 + season + noise
    actual = np.append(prices[1:], np.nan)
    predicted = np.append(1000 + season[1:], 1000.0)
    chosen = half_widths(actual, predicted, prices, CALIBRATE, positive=True)
    by_errors = half_widths(actual, predicted, prices, CALIBRATE, positive=True, scale="errors")
    np.testing.assert_array_equal(chosen[0.8], by_errors[0.8])


def test_later_steps_have_wider_intervals():
    prices = prices_with(np.full(N, 0.01))
    means = [half_widths(*naive_arrays(prices, step), CALIBRATE, True, step)[0.8].mean() for step in (1, 2, 3)]
    assert means[0] < means[1] < means[2]


def test_beyond_the_horizon_widths_grow_with_the_root_of_the_step():
    half = np.array([1.0, 1.5])
    np.testing.assert_allclose(extend_half_widths(half, 8), [1.0, 1.5, *(1.5 * np.sqrt(np.arange(3, 9) / 2))])
    np.testing.assert_array_equal(extend_half_widths(half, 1), [1.0])
    assert extend_half_widths(np.ones((4, 2)), 5).shape == (4, 5)


def test_bounds_stay_finite_for_widths_beyond_any_float():
    lower, upper = around(np.array([1e300, -1e300]), np.array([900.0, 1.7e308]), positive=False)
    assert np.isfinite([lower, upper]).all()
    lower, upper = around(np.array([1e300, 1e-3]), np.array([900.0, 900.0]), positive=True)
    assert np.isfinite([lower, upper]).all()
    assert (lower > 0).all()


@pytest.mark.parametrize(("change", "message"), [
    ({"calibrate": slice(5, 5)}, "calibrate"),
    ({"levels": (0.95, 0.8)}, "ascend"),
    ({"scale": "garch"}, "scale"),
    ({"predicted": np.ones((N, 1))}, "must be"),
])
def test_arguments_that_make_no_sense_are_refused(change, message):
    actual, predicted, last = naive_arrays(prices_with(np.full(N, 0.01)))
    arguments = {"actual": actual, "predicted": predicted, "last": last, "calibrate": CALIBRATE, "positive": True}
    with pytest.raises(ValueError, match=message):
        half_widths(**{**arguments, **change})
