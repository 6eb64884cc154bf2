import numpy as np
import pandas as pd
import pytest

from forecasting.data.history import PriceHistory
from forecasting.evaluation.gate import Evidence, apply_gate
from forecasting.evaluation.volatility import expect_moves
from forecasting.model.split import Split
from forecasting.steps import collect_evidence, collect_steps, guard_steps, one_step_table

PARTS = Split(200, 260, 400)
FIRST, HORIZON = 9, 3


def make_close(seed=0):
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, PARTS.rows)))


def naive_predictions(close):
    return np.tile(close[FIRST:, None], HORIZON)


def make_history(close, **columns):
    frame = pd.DataFrame({"Close": close, **columns}, index=pd.bdate_range("2000-01-03", periods=len(close)))
    return PriceHistory(frame, name="made", source="a test")


def restless(rows, seed):
    """Prices whose volatility comes in waves, with Student's t for shocks."""
    rng = np.random.default_rng(seed)
    sigma = 0.01 * np.exp(0.6 * np.sin(np.arange(rows) / 70))
    return 100 * np.exp(np.cumsum(sigma * rng.standard_t(6, rows) / np.sqrt(1.5)))


def collect(close, positive=True):
    return collect_steps(close, PARTS, FIRST, naive_predictions(close), positive)


def test_every_origin_knows_what_came():
    close = make_close()
    steps = collect(close)
    np.testing.assert_array_equal(steps.origins, np.arange(FIRST, PARTS.rows))
    np.testing.assert_array_equal(steps.actual[100 - FIRST], close[101:104])
    assert np.isnan(steps.actual[-1]).all()
    assert np.isnan(steps.actual[-2, 1:]).all()


def test_bounds_grow_with_the_step_and_hold_the_prediction():
    steps = collect(make_close())
    for level in (0.8, 0.95):
        lower, upper = steps.bounds(level)
        assert (lower > 0).all()
        assert ((lower <= steps.predicted) & (steps.predicted <= upper)).all()
    assert (steps.half[0.95] >= steps.half[0.8]).all()
    assert (steps.half[0.8][-1] > 0).all()
    assert steps.half[0.8][:, 2].mean() > steps.half[0.8][:, 0].mean()


def test_bounds_known_at_an_origin_depend_on_no_later_price():
    close = make_close()
    before, wild = collect(close), close.copy()
    wild[300:] *= 3
    after = collect(wild)
    for level in (0.8, 0.95):
        np.testing.assert_array_equal(before.half[level][: 300 - FIRST], after.half[level][: 300 - FIRST])
        assert (before.half[level][301 - FIRST :] != after.half[level][301 - FIRST :]).any()


@pytest.mark.parametrize("seed", [0, 1])
def test_coverage_is_the_promised_one_at_every_step_within_binomial_bounds(seed):
    parts, horizon = Split(2800, 3200, 5200), 10
    history = make_history(restless(parts.rows, seed))
    naive = np.tile(history.close[:, None], horizon)
    steps = collect_steps(history.close, parts, 0, naive, True, expect_moves(history, parts, horizon, True))
    test = steps.between(parts.validation_end - 1, parts.rows)
    for level in (0.8, 0.95):
        lower, upper = test.bounds(level)
        for step in range(1, horizon + 1):
            known = slice(0, -step)
            inside = (lower[known, step - 1] <= test.actual[known, step - 1]) & (
                test.actual[known, step - 1] <= upper[known, step - 1])
            # Neighbouring forecasts of a far step overlap, so it has fewer independent outcomes.
            margin = 3.5 * np.sqrt(level * (1 - level) * step / len(inside))
            assert abs(inside.mean() - level) < margin, (level, step)


def test_expected_moves_give_better_intervals_than_one_weighted_mean():
    parts, horizon = Split(2800, 3200, 5200), 10
    history = make_history(restless(parts.rows, 2))
    naive = np.tile(history.close[:, None], horizon)
    scores = []
    for expected in (expect_moves(history, parts, horizon, True), None):
        test = collect_steps(history.close, parts, 0, naive, True, expected).between(parts.validation_end - 1, parts.rows)
        lower, upper = test.bounds(0.95)
        known = np.isfinite(test.actual)
        missed = np.fmax(lower - test.actual, 0) + np.fmax(test.actual - upper, 0)
        per_step = (upper - lower + 40 * missed) / test.last[:, None]
        scores.append([per_step[known[:, step], step].mean() for step in (0, 4, 9)])
    assert (np.array(scores[0]) < np.array(scores[1])).all()


def test_expected_moves_depend_on_no_later_price_high_or_low():
    close = restless(PARTS.rows + 400, 3)
    parts = Split(400, 500, len(close))
    high, low = close * 1.01, close * 0.99
    before = expect_moves(make_history(close, High=high, Low=low), parts, HORIZON, True)[True]
    wild = np.where(np.arange(len(close)) >= 600, 2.0, 1.0)
    after = expect_moves(make_history(close * wild, High=high * wild * wild, Low=low), parts, HORIZON, True)[True]
    np.testing.assert_array_equal(before[:600], after[:600])
    assert (after[600:] > before[600:]).all()


def test_moves_below_zero_are_expected_in_the_units_of_the_prices():
    close = restless(800, 4)
    close[700:] -= 200
    expected = expect_moves(make_history(close), Split(500, 600, 800), HORIZON, True)
    assert sorted(expected) == [False, True]
    assert 0.5 < expected[False][699, 0] / (expected[True][699, 0] * close[699]) < 2
    assert expect_moves(make_history(close[:150]), Split(100, 120, 150), HORIZON, True) == {}


def test_a_price_below_zero_ends_logarithms_from_its_day_on():
    close = make_close()
    before = collect(close)
    close[300] = -5.0
    steps = collect(close)
    assert steps.logarithmic[: 300 - FIRST].all()
    assert not steps.logarithmic[300 - FIRST :].any()
    np.testing.assert_array_equal(steps.half[0.8][: 300 - FIRST], before.half[0.8][: 300 - FIRST])
    lower, upper = steps.bounds(0.95)
    assert np.isfinite(lower).all()
    assert (upper[-1] - lower[-1] < 500).all()


def test_the_table_dates_each_prediction_on_the_day_it_predicts():
    close = make_close()
    dates = pd.bdate_range("2020-01-01", periods=PARTS.rows)
    table = one_step_table(collect(close), dates, np.array(["a"] * PARTS.rows))
    assert list(table) == ["split", "actual", "predicted", "naive", "lower_80", "upper_80", "lower_95", "upper_95"]
    assert len(table) == PARTS.rows - FIRST - 1
    np.testing.assert_array_equal(table["actual"], close[FIRST + 1 :])
    np.testing.assert_array_equal(table["naive"], close[FIRST:-1])
    assert (table.index == dates[FIRST + 1 :]).all()


def test_a_stretch_of_origins_can_be_taken_out():
    steps = collect(make_close()).between(250, 260)
    assert steps.origins.tolist() == list(range(250, 260))
    assert steps.predicted.shape == steps.half[0.8].shape == (10, HORIZON)


@pytest.mark.parametrize("positive", [True, False])
def test_half_widths_never_shrink_with_the_step(positive):
    close = make_close()
    # Later steps are predicted better than earlier ones, so that their own misses would narrow their intervals.
    knows = np.stack([np.roll(close, -step)[FIRST:] for step in (1, 2, 3)], axis=1)
    predicted = knows + (naive_predictions(close) - knows) * np.array([1.0, 0.5, 0.1])
    steps = collect_steps(close, PARTS, FIRST, predicted, positive)
    for half in steps.half.values():
        assert (np.diff(half, axis=1) >= 0).all()
        assert (np.diff(half, axis=1) == 0).any()


def with_some_skill(close):
    """Predictions that know a part of each move."""
    noise = np.random.default_rng(1).normal(0, 0.02, (PARTS.rows - FIRST, HORIZON))
    known = np.stack([np.roll(close, -step)[FIRST:] for step in (1, 2, 3)], axis=1)
    return np.sqrt(known * naive_predictions(close)) * np.exp(noise)


def kept(steps):
    return steps.between(PARTS.train_end - 1, PARTS.rows)


def test_evidence_and_guarded_forecasts_of_an_origin_depend_on_no_later_price():
    close = make_close()
    wild = close.copy()
    wild[300:] *= 3
    grown, guarded = [], []
    for prices in (close, wild):
        steps = collect_steps(prices, PARTS, FIRST, with_some_skill(close), True)
        grown.append(collect_evidence(kept(steps), prices, PARTS, True))
        guarded.append(guard_steps(steps, prices, PARTS, grown[-1], True))
    before = 300 - (PARTS.train_end - 1)
    np.testing.assert_array_equal(*(one.shares[:before] for one in grown))
    assert (grown[0].shares[before + 1 :] != grown[1].shares[before + 1 :]).any()
    np.testing.assert_array_equal(*(one.predicted[: 300 - FIRST] for one in guarded))
    for level in (0.8, 0.95):
        np.testing.assert_array_equal(*(one.half[level][: 300 - FIRST] for one in guarded))


def test_guarded_forecasts_keep_the_share_known_at_each_origin_and_calibrate_on_the_one_known_when_validation_ends():
    close = make_close()
    steps = collect_steps(close, PARTS, FIRST, with_some_skill(close), True)
    evidence = collect_evidence(kept(steps), close, PARTS, True)
    guarded = guard_steps(steps, close, PARTS, evidence, True)
    at = PARTS.validation_end - PARTS.train_end  # number of the origin that is the last row of validation
    expected = apply_gate(steps.predicted[-len(evidence.shares) + at :], steps.last[-len(evidence.shares) + at :],
                          evidence.shares[at:])
    np.testing.assert_array_equal(guarded.predicted[PARTS.validation_end - 1 - FIRST :], expected)
    early = slice(0, PARTS.validation_end - 1 - FIRST)
    np.testing.assert_array_equal(guarded.predicted[early], apply_gate(steps.predicted[early], steps.last[early],
                                                                       evidence.shares[at]))
    whole = Evidence(np.ones_like(evidence.shares), evidence.log_evidence, evidence.judged)
    assert guard_steps(steps, close, PARTS, whole, True) is steps


def test_a_horizon_longer_than_training_has_moves_of_a_random_walk_for_its_scale():
    close, parts = make_close()[:60], Split(8, 30, 60)
    predicted = np.tile(close[:, None], 12) * np.exp(np.arange(12) / 100)
    steps = collect_steps(close, parts, 0, predicted, True).between(parts.train_end - 1, parts.rows)
    evidence = collect_evidence(steps, close, parts, True)
    assert np.isfinite(evidence.shares).all()
    assert evidence.log_evidence[-1].any()


@pytest.mark.parametrize("positive", [True, False])
def test_intervals_hold_on_a_random_walk(positive):
    table = one_step_table(collect(make_close(3), positive), pd.bdate_range("2020-01-01", periods=PARTS.rows),
                           np.arange(PARTS.rows))
    test = table[table["split"] >= PARTS.validation_end]
    inside = ((test["lower_80"] <= test["actual"]) & (test["actual"] <= test["upper_80"])).mean()
    assert inside == pytest.approx(0.8, abs=0.08)
