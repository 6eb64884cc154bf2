import numpy as np
import pytest
from scipy import stats

from forecasting.evaluation.comparison import (
    MIN_DAYS,
    compare_forecasts,
    diebold_mariano,
    holm,
    memory_of,
    skill_interval,
)
from forecasting.evaluation.metrics import Undefined, skill


def three_forecasts(n=400, seed=0):
    """(actual, a good forecast, the naive one) with errors of about 1, 0.8 of that, and 1."""
    rng = np.random.default_rng(seed)
    actual = rng.normal(size=n)
    return actual, actual - 0.8 * rng.normal(size=n), actual - rng.normal(size=n)


def test_diebold_mariano_gives_the_published_example():
    # From the documentation of the package dieboldmariano 1.1 on PyPI, whose p is one-sided.
    actual, first, second = [10, 20, 30, 40, 50], [11, 21, 29, 42, 53], [13, 26, 24, 40, 59]
    statistic, p = diebold_mariano(actual, first, second)
    assert statistic == pytest.approx(-2.2229922805746782)
    assert p / 2 == pytest.approx(0.04515565862099125)


def test_diebold_mariano_of_one_step_is_a_t_test_of_the_differences():
    # At one step the correction turns the variance over n into the variance over n - 1.
    actual, good, naive = three_forecasts()
    expected = stats.ttest_1samp((actual - good) ** 2 - (actual - naive) ** 2, 0)
    assert diebold_mariano(actual, good, naive) == pytest.approx((expected.statistic, expected.pvalue))


def test_diebold_mariano_agrees_with_statsmodels():
    from statsmodels.tsa.stattools import diebold_mariano_test

    actual, good, naive = three_forecasts(45)
    expected = diebold_mariano_test(actual, good, naive, lags=0, harvey_adj=True)
    assert diebold_mariano(actual, good, naive) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize("lags", [1, 4, 12])
def test_diebold_mariano_with_newey_west_agrees_with_statsmodels(lags):
    from statsmodels.tsa.stattools import diebold_mariano_test

    actual, good, naive = three_forecasts(90)
    expected = diebold_mariano_test(actual, good, naive, lags=lags, harvey_adj=True)
    assert diebold_mariano(actual, good, naive, lags=lags) == pytest.approx((expected.statistic, expected.pvalue))


def test_newey_west_gives_the_value_worked_out_by_hand():
    # Squared errors of 1, 4, 1, 0 against none: mean 1.5, deviations -.5, 2.5, -.5, -1.5, autocovariances 2.25 and
    # -.4375; with a weight of 1/2 the variance is 1.8125, and the correction of four days is sqrt(3/4).
    statistic, _ = diebold_mariano([0, 0, 0, 0], [1, 2, 1, 0], [0, 0, 0, 0], lags=1)
    assert statistic == pytest.approx(1.5 / np.sqrt(1.8125 / 4) * np.sqrt(3 / 4))


def test_gains_that_last_need_more_lags_than_gains_that_do_not():
    rng = np.random.default_rng(0)
    actual, rival = np.zeros(500), rng.normal(size=500)
    assert memory_of(actual, rng.normal(size=500), rival) == 5  # 4 * 5^(2/9) = 5.7
    slow = np.repeat(rng.normal(0, 2, 25), 20)
    assert 15 < memory_of(actual, slow, 0.1 * rival) <= 50
    assert memory_of(actual, rival, rival) == 5
    assert memory_of(actual[:2], rival[:2], 2 * rival[:2]) <= 1


def test_a_test_without_lags_rejects_too_often_where_gains_last_and_one_with_lags_does_not():
    def rejected(lags_of):
        found = 0
        for seed in range(200):
            rng = np.random.default_rng(seed)
            first, second = (np.repeat(rng.normal(size=40), 5) + 0.3 * rng.normal(size=200) for _ in range(2))
            actual = np.zeros(200)
            found += diebold_mariano(actual, first, second, lags=lags_of(actual, first, second))[1] < 0.05
        return found / 200

    assert rejected(lambda *arrays: None) > 0.2
    assert rejected(memory_of) < 0.12


def test_holm_agrees_with_statsmodels():
    from statsmodels.stats.multitest import multipletests

    values = np.random.default_rng(0).uniform(0, 0.2, 9)
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1])


def test_holm_leaves_a_single_test_as_it_is_and_counts_only_what_was_tested():
    assert holm([0.03]) == [0.03]
    assert holm([None, 0.03, 0.02]) == [None, 0.04, 0.04]
    assert holm([]) == []


def test_diebold_mariano_of_several_steps_agrees_with_the_formula_written_out():
    actual, good, naive = three_forecasts(60)
    step, n = 3, 60
    d = np.abs(actual - good) - np.abs(actual - naive)
    gamma = [sum((d[i] - d.mean()) * (d[i - k] - d.mean()) for i in range(k, n)) / n for k in range(step)]
    plain = d.mean() / np.sqrt((gamma[0] + 2 * gamma[1] + 2 * gamma[2]) / n)
    expected = plain * np.sqrt((n + 1 - 2 * step + step * (step - 1) / n) / n)
    statistic, p = diebold_mariano(actual, good, naive, step=step, power=1)
    assert statistic == pytest.approx(expected)
    assert p == pytest.approx(2 * stats.t.sf(abs(expected), n - 1))


def test_diebold_mariano_stays_defined_where_the_plain_variance_is_negative():
    actual = np.zeros(40)
    alternating = np.where(np.arange(40) % 2, 1.0, 2.0)
    statistic, p = diebold_mariano(actual, alternating, np.full(40, 1.5), step=2)
    assert np.isfinite([statistic, p]).all()


def test_diebold_mariano_of_equal_forecasts_or_too_few_days_is_undefined():
    actual, good, _ = three_forecasts(30)
    with pytest.raises(Undefined, match="same errors"):
        diebold_mariano(actual, good, good)
    with pytest.raises(Undefined, match="same amount"):
        diebold_mariano(np.zeros(30), np.ones(30), np.full(30, 2.0))
    with pytest.raises(Undefined, match="too few"):
        diebold_mariano(actual[:6], good[:6], -good[:6], step=3)


def test_diebold_mariano_rejects_a_true_hypothesis_as_often_as_it_promises():
    rng = np.random.default_rng(1)
    trials, actual = 400, np.zeros(50)
    rejected = sum(diebold_mariano(actual, *rng.normal(size=(2, 50)))[1] < 0.05 for _ in range(trials))
    assert abs(rejected / trials - 0.05) < 3.5 * np.sqrt(0.05 * 0.95 / trials)


def test_skill_interval_holds_the_skill_and_is_the_same_for_the_same_seed():
    actual, good, naive = three_forecasts()
    low, high = skill_interval(actual, good, naive)
    assert low < skill(actual, good, naive) < high
    assert low > 0
    assert (low, high) == skill_interval(actual, good, naive)
    assert (low, high) != skill_interval(actual, good, naive, seed=1)


def widened(skills, skill, share):
    """The 95 % interval of resampled skills, for blocks of this share of the days."""
    wider = (1.96 + 2.9694 * share + 0.4160 * share**2 - 0.5324 * share**3) / 1.96
    return skill + wider * (np.quantile(skills, [0.025, 0.975]) - skill)


def test_blocks_of_one_day_give_the_ordinary_bootstrap():
    actual, good, naive = three_forecasts(100)
    rng = np.random.default_rng(7)
    picks = rng.integers(0, 100, (2000, 100))
    expected = [skill(actual[pick], good[pick], naive[pick]) for pick in picks]
    found = skill_interval(actual, good, naive, block=1, seed=7)
    assert found == pytest.approx(widened(expected, skill(actual, good, naive), 1 / 100))


def test_blocks_run_round_the_end_of_the_series():
    actual, good, naive = three_forecasts(50)
    rng = np.random.default_rng(3)
    days = (rng.integers(0, 50, (2000, 8))[:, :, None] + np.arange(7)) % 50  # eight blocks of seven days
    expected = [skill(actual[d], good[d], naive[d]) for d in days.reshape(2000, -1)]
    found = skill_interval(actual, good, naive, block=7, seed=3)
    assert found == pytest.approx(widened(expected, skill(actual, good, naive), 7 / 50))


def test_skill_interval_covers_the_true_skill_of_errors_that_come_in_runs():
    covered, trials = 0, 100
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        restless = np.repeat(np.exp(rng.normal(0, 0.7, 40)), 10)  # volatility that lasts ten days
        actual = np.zeros(400)
        low, high = skill_interval(actual, restless * rng.normal(0, 0.9, 400), restless * rng.normal(size=400),
                                   samples=500)
        covered += low <= 0.1 <= high
    assert covered >= 85  # 95 promised, less for small samples and chance


def overlapping(n, step, rng):
    """(naive's errors, those of a forecast that is as good) `step` steps ahead: sums of the moves in between."""
    moves, other = rng.normal(size=(2, n + step))
    shared, own = (np.convolve(values, np.ones(step), "valid")[:n] / np.sqrt(step) for values in (moves, other))
    return shared + 0.3 * own, shared - 0.3 * own


@pytest.mark.parametrize(("n", "step"), [(40, 20), (60, 20), (45, 10), (99, 10)])
def test_few_horizons_have_no_skill_interval(n, step):
    with pytest.raises(Undefined, match=f"too few predictions for an interval {step} steps ahead, {n} where it takes"):
        skill_interval(np.zeros(n), *overlapping(n, step, np.random.default_rng(0)), step=step)


@pytest.mark.parametrize(("n", "step"), [(20, 1), (20, 2), (50, 5), (100, 10)])
def test_a_forecast_that_is_as_good_is_seldom_called_better(n, step):
    rng, trials = np.random.default_rng(2), 300
    better = sum(skill_interval(np.zeros(n), *overlapping(n, step, rng), step=step, samples=400)[0] > 0
                 for _ in range(trials))
    assert better / trials < 0.06 + 2 * np.sqrt(0.06 * 0.94 / trials)


def test_skill_interval_of_the_naive_forecast_is_zero():
    actual, _, naive = three_forecasts(100)
    assert skill_interval(actual, naive, naive) == (0.0, 0.0)
    assert skill_interval(actual, actual, naive) == (1.0, 1.0)


def test_too_few_days_or_constant_prices_have_no_skill_interval():
    actual, good, naive = three_forecasts(MIN_DAYS - 1)
    with pytest.raises(Undefined, match="too few predictions for an interval, 19 where it takes 20"):
        skill_interval(actual, good, naive)
    with pytest.raises(Undefined, match="never moved"):
        skill_interval(np.ones(50), np.zeros(50), np.ones(50))


def test_a_comparison_says_why_a_value_is_missing():
    actual, good, naive = three_forecasts()
    found = compare_forecasts(actual, good, naive)
    assert found.interval[0] < found.skill < found.interval[1]
    assert found.statistic < 0
    assert found.p_value < 0.05
    assert (found.days, found.reasons) == (400, {})
    same = compare_forecasts(actual, naive, naive)
    assert (same.skill, same.statistic, same.p_value) == (0.0, None, None)
    assert same.reasons == dict.fromkeys(["statistic", "p_value"], "both forecasts make the same errors")
    few = compare_forecasts(actual[:5], good[:5], naive[:5])
    assert few.reasons["interval"] == "there are too few predictions for an interval, 5 where it takes 20"


def test_units_do_not_matter_even_near_the_largest_float():
    actual, good, naive = three_forecasts(100)
    plain = compare_forecasts(actual, good, naive)
    scaled = compare_forecasts(1e200 * actual, 1e200 * good, 1e200 * naive)
    assert scaled.interval == pytest.approx(plain.interval)
    assert scaled.statistic == pytest.approx(plain.statistic)
