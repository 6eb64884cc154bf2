import json

import numpy as np
import pytest

from forecasting.evaluation.gate import MIN_ORIGINS, Gate, apply_gate, evidence_gate

HORIZON = 3


def walk(origins, seed=0):
    """(actual (origins, HORIZON), last (origins,)) of a random walk of prices near 100."""
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, origins + HORIZON)))
    return np.lib.stride_tricks.sliding_window_view(prices[1:], HORIZON)[:origins], prices[:origins]


def toward(actual, last, share):
    """Predictions that know `share` of each move."""
    return last[:, None] + share * (actual - last[:, None])


def test_a_forecast_that_knows_half_of_each_move_passes_and_is_stretched_no_further_than_itself():
    actual, last = walk(200)
    gate = evidence_gate(actual, toward(actual, last, 0.5), last, positive=True)
    assert gate.passed
    assert gate.t > 2
    assert gate.gain == pytest.approx(0.75)
    assert gate.shrinkage == (1.0, 1.0, 1.0)
    assert gate.origins == 200


def test_shrinkage_is_the_least_squares_share_of_the_predicted_moves():
    actual, last = walk(300)
    noise = np.random.default_rng(1).normal(0, 0.5, actual.shape)
    predicted = toward(actual, last, 1.4) + noise
    gate = evidence_gate(actual, predicted, last)
    moved, called = actual - last[:, None], predicted - last[:, None]
    expected = [np.linalg.lstsq(called[:, [k]], moved[:, k], rcond=None)[0][0] for k in range(HORIZON)]
    assert gate.shrinkage == pytest.approx(expected)
    assert 0 < min(expected) < max(expected) < 1


def test_a_step_whose_own_gain_is_not_proven_keeps_nothing():
    actual, last = walk(300)
    predicted = toward(actual, last, 0.8)
    predicted[:, 0] = last * (1 + np.random.default_rng(1).normal(0, 0.001, len(last)))
    gate = evidence_gate(actual, predicted, last, positive=True)
    assert gate.passed
    assert gate.shrinkage == (0.0, 1.0, 1.0)


def test_noise_does_not_pass_and_leaves_the_naive_forecast():
    for seed in range(5):
        actual, last = walk(150, seed)
        predicted = last[:, None] + np.random.default_rng(seed + 100).normal(0, 0.3, actual.shape)
        gate = evidence_gate(actual, predicted, last)
        assert not gate.passed
        assert gate.shrinkage == (0.0, 0.0, 0.0)
        np.testing.assert_array_equal(apply_gate(predicted, last, gate), np.repeat(last[:, None], HORIZON, axis=1))


def test_too_few_origins_never_pass():
    actual, last = walk(MIN_ORIGINS - 1)
    gate = evidence_gate(actual, actual, last)
    assert (gate.passed, gate.t, gate.origins) == (False, None, MIN_ORIGINS - 1)
    assert "19 forecasts to judge by, fewer than the 20 that it takes:" in gate.reason


def overlapping(origins, horizon, seed=0):
    """(actual, last) of a random walk near 100, NaN where a target lies beyond the last price."""
    prices = 100 + np.cumsum(np.random.default_rng(seed).normal(size=origins + 1))
    rows = np.arange(origins)[:, None] + np.arange(1, horizon + 1)
    return np.where(rows <= origins, prices[np.minimum(rows, origins)], np.nan), prices[:-1]


def test_a_horizon_long_beside_validation_never_passes():
    actual, last = overlapping(49, 10)
    gate = evidence_gate(actual, actual, last)
    assert not gate.passed
    assert "49 forecasts to judge by, fewer than the 50 that it takes for 10 steps ahead" in gate.reason
    assert evidence_gate(*(values[:, :9] for values in (actual, actual)), last).passed


@pytest.mark.parametrize(("origins", "horizon"), [(20, 1), (50, 10), (100, 20), (100, 10), (200, 5)])
def test_a_forecast_that_calls_the_same_direction_passes_no_more_often_than_promised(origins, horizon):
    trials = 300
    passed = 0
    for seed in range(trials):
        actual, last = overlapping(origins, horizon, seed)
        passed += evidence_gate(actual, last[:, None] + 0.01 * np.sqrt(np.arange(1, horizon + 1)), last).passed
    assert passed / trials < 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / trials)


def test_a_step_that_few_origins_know_keeps_nothing():
    moves = np.random.default_rng(0).choice([0.9, 1.0, 1.1], 51)
    prices = 100 + np.cumsum(moves)  # every step of a climb is easily known, if it is seen often enough
    rows = np.arange(50)[:, None] + np.arange(1, 11)
    actual, last = np.where(rows <= 50, prices[np.minimum(rows, 50)], np.nan), prices[:50]
    gate = evidence_gate(actual, np.where(np.isnan(actual), 0, actual), last)
    # Step 9 ends within validation from 42 origins, of the 45 that it takes; step 8 from 43, of 40.
    assert gate.shrinkage == (1.0,) * 8 + (0.0,) * 2


def test_unknown_targets_are_left_out():
    actual, last = walk(100)
    predicted = toward(actual, last, 0.5)
    actual = actual.copy()
    actual[-1], actual[-2, 1:], predicted[0] = np.nan, np.nan, np.nan
    gate = evidence_gate(actual, predicted, last)
    assert gate.passed
    assert gate.origins == 98
    assert gate.gain == pytest.approx(0.75)


def test_the_naive_forecast_and_constant_prices_have_no_t():
    actual, last = walk(50)
    naive = np.repeat(last[:, None], HORIZON, axis=1)
    assert evidence_gate(actual, naive, last).t is None
    assert evidence_gate(actual, naive * (1 + 1e-9), last).t is None  # rounding is no forecast
    constant = evidence_gate(np.ones((50, 2)), np.full((50, 2), 1.5), np.ones(50))
    assert (constant.passed, constant.t) == (False, None)
    assert "never moved" in constant.reason


def test_a_gain_that_never_varies_passes_with_a_finite_t():
    last = np.arange(40.0)
    gate = evidence_gate(last[:, None] + 1, last[:, None] + 1, last)
    assert gate.passed
    assert gate.t == pytest.approx(1e6)


def test_t_of_one_step_agrees_with_statsmodels_newey_west():
    import statsmodels.api as sm

    actual, last = walk(120)
    actual = actual[:, :1]
    predicted = toward(actual, last, 0.1) + np.random.default_rng(2).normal(0, 0.1, actual.shape)
    gains = ((actual - last[:, None]) ** 2 - (actual - predicted) ** 2)[:, 0]
    fitted = sm.OLS(gains, np.ones(len(gains))).fit(cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": False})
    gate = evidence_gate(actual, predicted, last)
    assert gate.t == pytest.approx(fitted.tvalues[0])
    assert f"more than {1.96 + 2.9694 * 5 / 120 + 0.4160 * (5 / 120) ** 2:.2f} needed" in gate.reason


def test_relative_moves_keep_dear_years_from_deciding():
    actual, last = walk(200)
    era = np.where(np.arange(200) < 100, 1.0, 1000.0)
    predicted = toward(actual, last, 0.3)
    plain = evidence_gate(actual, predicted, last, positive=True)
    scaled = evidence_gate(actual * era[:, None], predicted * era[:, None], last * era, positive=True)
    assert scaled.t == pytest.approx(plain.t)
    assert scaled.shrinkage == pytest.approx(plain.shrinkage)


def test_guarded_steps_beyond_the_horizon_use_the_last_share():
    gate = Gate(True, 3.0, (1.0, 0.5), 50, 0.1, "")
    np.testing.assert_allclose(apply_gate([12.0, 12.0, 14.0], 10.0, gate), [12.0, 11.0, 12.0])
    np.testing.assert_allclose(apply_gate([[12.0], [8.0]], [10.0, 10.0], gate), [[12.0], [8.0]])
    with pytest.raises(ValueError, match="Received"):
        apply_gate([[12.0], [8.0]], 10.0, gate)


def test_a_gate_survives_json():
    actual, last = walk(60)
    gate = evidence_gate(actual, toward(actual, last, 0.5), last)
    assert Gate.from_dict(json.loads(json.dumps(gate.to_dict(), allow_nan=False))) == gate
