import math

import numpy as np
import pandas as pd
import pytest

from forecasting.evaluation.gate import DOUBT, OWN, PROVEN, SHARES, Evidence, apply_gate, doubt, weigh

HORIZON = 3


def walk(origins, horizon=HORIZON, seed=0, deviation=0.01):
    """(actual (origins, horizon), last (origins,), usual (horizon,)) of a random walk of prices near 100.

    `actual` is NaN where a target lies beyond the last origin.
    """
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(seed).standard_t(5, origins) * deviation * np.sqrt(3 / 5)))
    rows = np.arange(origins)[:, None] + np.arange(1, horizon + 1)
    actual = np.where(rows < origins, prices[np.minimum(rows, origins - 1)], np.nan)
    return actual, prices, deviation**2 * np.arange(1, horizon + 1)


def toward(actual, last, share):
    """Predictions that know `share` of each move; where nobody knows what came, no move."""
    return last[:, None] + share * np.nan_to_num(actual - last[:, None])


def test_a_forecast_that_knows_its_moves_is_kept_and_one_that_knows_nothing_is_not():
    actual, last, usual = walk(200)
    known = weigh(actual, toward(actual, last, 1.0), last, usual, positive=True).gate()
    assert known.passed
    assert min(known.shrinkage) > 0.95
    noise = last[:, None] * np.exp(np.random.default_rng(1).normal(0, 0.01, actual.shape))
    unknown = weigh(actual, noise, last, usual, positive=True).gate()
    assert not unknown.passed
    assert max(unknown.shrinkage) < 0.05
    assert max(unknown.log_evidence) < 0


def test_a_forecast_that_calls_twice_the_move_keeps_about_half():
    actual, last, usual = walk(400)
    gate = weigh(actual, toward(actual, last, 2.0), last, usual, positive=True).gate()
    assert gate.passed
    np.testing.assert_allclose(gate.shrinkage, 0.5, atol=0.05)


def test_before_anything_is_known_the_naive_forecast_has_the_weight_that_was_set():
    actual, last, usual = walk(50)
    evidence = weigh(actual, toward(actual, last, 1.0), last, usual, positive=True)
    rest = SHARES[1:].mean()
    np.testing.assert_allclose(evidence.shares[0], [(1 - doubt(step)) * rest for step in (1, 2, 3)])
    assert (doubt(1), evidence.judged[:3].tolist()) == (DOUBT, [0, 1, 2])
    assert not evidence.log_evidence[0].any()
    assert "No forecast could be judged" in evidence.gate(0).words()


def test_what_an_origin_knows_depends_on_no_later_price():
    actual, last, usual = walk(120, seed=2)
    predicted = toward(actual, last, 0.6) * np.exp(np.random.default_rng(3).normal(0, 0.01, actual.shape))
    before = weigh(actual, predicted, last, usual, positive=True)
    prices = last.copy()
    prices[80:] *= 3
    rows = np.arange(120)[:, None] + np.arange(1, HORIZON + 1)
    wild = np.where(rows < 120, prices[np.minimum(rows, 119)], np.nan)
    after = weigh(wild, predicted, prices, usual, positive=True)
    for name in ("shares", "log_evidence"):
        np.testing.assert_array_equal(getattr(before, name)[:80], getattr(after, name)[:80])
        assert (getattr(before, name)[81:] != getattr(after, name)[81:]).any()


def log_loss(actual, predicted, last, usual, weights_of):
    """What a forecast of these weights (m, shares) loses to the naive one at the first step, as `weigh` counts it."""
    moved, called = actual[:, 0] / last - 1, predicted[:, 0] / last - 1
    scales = pd.Series(np.concatenate([usual[:1], moved**2])).ewm(alpha=0.03, adjust=False, ignore_na=True).mean()[:-1]
    likelihood = (1 + (moved[:, None] - called[:, None] * SHARES) ** 2 / (3 * scales.to_numpy()[:, None])) ** -3.0
    known = np.isfinite(moved)
    return float(-np.log((weights_of * likelihood).sum(axis=1) / likelihood[:, 0])[known].sum())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("skill", [-0.5, 0.0, 0.3, 1.0])
def test_the_average_never_loses_more_than_its_doubt_to_naive_and_log_forty_to_the_best_share(seed, skill):
    # The weights are worked out here once more, one error at a time.
    actual, last, usual = walk(150, horizon=1, seed=seed)
    noise = np.random.default_rng(seed + 50).normal(0, 0.005, actual.shape)
    predicted = toward(actual, last, skill) * np.exp(noise)
    weights = np.tile([DOUBT, *[(1 - DOUBT) / 4] * 4], (150, 1))
    for origin in range(1, 150):
        single = [log_loss(actual[:origin], predicted[:origin], last[:origin], usual, np.tile(row, (origin, 1)))
                  for row in np.eye(5)]
        weights[origin] *= np.exp(-np.array(single) + min(single))
        weights[origin] /= weights[origin].sum()
    evidence = weigh(actual, predicted, last, usual, positive=True)
    np.testing.assert_allclose(evidence.shares[:, 0], weights @ SHARES, rtol=1e-7)
    average = log_loss(actual, predicted, last, usual, weights)
    assert average <= -math.log(DOUBT) + 1e-9 < math.log(10)
    best = min(log_loss(actual, predicted, last, usual, np.tile(row, (150, 1))) for row in np.eye(5))
    assert average <= best + math.log(40) + 1e-9


@pytest.mark.parametrize(("origins", "horizon"), [(30, 1), (60, 10), (250, 5)])
@pytest.mark.parametrize("kind", ["noise", "the same direction", "yesterday's move"])
def test_where_naive_is_right_the_evidence_passes_no_more_often_than_it_says(origins, horizon, kind):
    trials, passed = 400, {3: 0, PROVEN: 0}
    for seed in range(trials):
        actual, last, usual = walk(origins, horizon, seed)
        calls = {"noise": np.random.default_rng(seed + 1000).normal(0, 0.005, actual.shape),
                 "the same direction": np.full(actual.shape, 0.002) * np.arange(1, horizon + 1),
                 "yesterday's move": np.tile(np.diff(np.log(last), prepend=np.log(last[0]))[:, None], horizon)}[kind]
        # At any origin: the evidence may be looked at again and again.
        grown = weigh(actual, last[:, None] * np.exp(calls), last, usual, positive=True).log_evidence
        over_steps = np.logaddexp.reduce(grown, axis=1) - math.log(horizon)
        for odds in passed:
            passed[odds] += over_steps.max() >= math.log(odds)
    for odds, count in passed.items():
        assert count / trials <= 1 / odds + 2.5 * math.sqrt(1 / odds / trials)
    assert passed[3]  # the test would notice a gate that never opens


def test_later_steps_borrow_from_the_first_and_can_overrule_it():
    actual, last, usual = walk(40, horizon=8)
    knows = toward(actual, last, 1.0)
    borrowing = weigh(actual, knows, last, usual, positive=True).gate().shrinkage[-1]
    first_unknown = knows.copy()
    first_unknown[:, 0] = last
    assert borrowing > 0.85 > 0.5 > weigh(actual, first_unknown, last, usual, positive=True).gate().shrinkage[-1]
    actual, last, usual = walk(400, horizon=4)
    harmful = toward(actual, last, 1.0)
    harmful[:, 3] = 2 * last - harmful[:, 3]  # the fourth step always calls the wrong way
    gate = weigh(actual, harmful, last, usual, positive=True).gate()
    assert gate.shrinkage[0] > 0.95
    assert gate.shrinkage[3] < 0.05
    assert 0 < OWN < 1


def test_unknown_targets_and_prices_of_zero_are_passed_over():
    actual, last, usual = walk(100)
    predicted = toward(actual, last, 1.0)
    last, predicted = last.copy(), predicted.copy()
    last[50], predicted[20] = 0.0, np.nan
    evidence = weigh(actual, predicted, last, usual, positive=True)
    assert np.isfinite(evidence.shares).all()
    assert np.isfinite(evidence.log_evidence).all()
    assert evidence.gate().origins == 100 - 1 - 2
    assert evidence.gate().passed


def test_a_wild_prediction_counts_against_the_network():
    actual, last, usual = walk(60)
    predicted = toward(actual, last, 1.0)
    predicted[30] = 1e300
    evidence = weigh(actual, predicted, last, usual, positive=True)
    assert evidence.gate(30).shrinkage[0] > 0.9
    assert evidence.gate(40).shrinkage[0] < 0.01


def test_the_naive_forecast_and_rounding_have_no_evidence():
    actual, last, usual = walk(50)
    naive = np.repeat(last[:, None], HORIZON, axis=1)
    for predicted in (naive, naive * (1 + 1e-9)):  # rounding is no forecast
        gate = weigh(actual, predicted, last, usual, positive=True).gate()
        assert not any(gate.log_evidence)
        assert gate.words() == "The network's forecast is the naive one: there is nothing to weigh."


def test_a_price_that_hardly_moved_before_leaves_finite_weights():
    actual, last, _ = walk(50)
    for usual in (np.zeros(HORIZON), np.array([0.0, 1e-4, 0.0])):
        evidence = weigh(actual, toward(actual, last, 0.5), last, usual, positive=True)
        assert np.isfinite(evidence.shares).all()
        assert evidence.gate().passed


def test_relative_moves_keep_dear_years_from_deciding():
    actual, last, usual = walk(200)
    predicted, era = toward(actual, last, 0.3), np.where(np.arange(200) < 100, 1.0, 1000.0)
    plain = weigh(actual, predicted, last, usual, positive=True)
    scaled = weigh(actual * era[:, None], predicted * era[:, None], last * era, usual, positive=True)
    np.testing.assert_allclose(scaled.shares, plain.shares)


def test_wrong_shapes_are_refused():
    actual, last, usual = walk(20)
    for arguments in ((actual[:, :2], actual, last, usual), (actual, actual, last[:5], usual),
                      (actual, actual, last, usual[:1])):
        with pytest.raises(ValueError, match="Received"):
            weigh(*arguments)


def make_gate(log_evidence, shrinkage=(0.92, 0.5), origins=43):
    known = Evidence(np.array([shrinkage]), np.array([log_evidence]), np.array([origins]))
    return known.gate()


def test_the_gate_speaks_of_the_steps_that_are_asked_for():
    gate = make_gate((math.log(37.5), math.log(2.5)))
    assert gate.passed
    assert gate.words() == ("The evidence for the network is 20 to 1 over 43 forecasts; the guarded forecast keeps 92 % of its "
                            "move at the first step and 50 % at step 2.")
    assert gate.words(1) == ("The evidence for the network is 37 to 1 over 43 forecasts; the guarded forecast keeps 92 % of "
                             "its move.")
    assert gate.words(5) == gate.words()
    short = make_gate((math.log(19.99), math.log(19.99)), (0.4, 0.4))
    assert not short.passed
    assert short.words() == ("The evidence for the network is 19 to 1 over 43 forecasts, short of the 20 to 1 that prove it; "
                             "the guarded forecast keeps 40 % of its moves.")
    against = make_gate((-math.log(4.0), -math.log(4.0)), (0.01, 0.0))
    assert "4.0 to 1 against the network" in against.words()
    assert make_gate((900.0, 900.0)).words().startswith("The evidence for the network is more than a million to 1")


def test_guarded_steps_beyond_the_horizon_use_the_last_share():
    np.testing.assert_allclose(apply_gate([12.0, 12.0, 14.0], 10.0, (1.0, 0.5)), [12.0, 11.0, 12.0])
    np.testing.assert_allclose(apply_gate([[12.0], [8.0]], [10.0, 10.0], (1.0, 0.5)), [[12.0], [8.0]])
    np.testing.assert_allclose(apply_gate([[12.0], [8.0]], [10.0, 10.0], [[1.0], [0.5]]), [[12.0], [9.0]])
    with pytest.raises(ValueError, match="Received"):
        apply_gate([[12.0], [8.0]], 10.0, (1.0, 0.5))
