import numpy as np
import pytest
from scipy.optimize import check_grad

from forecasting.evaluation import volatility
from forecasting.evaluation.volatility import exponential_means, fit_student, fit_volatility

ROWS, KNOWN, HORIZON = 4000, 3000, 10


def simulate_garch(seed, rows=ROWS, omega=0.02, alpha=0.08, beta=0.9, freedom=6):
    """(level (rows,), sigma (rows,)) of a GARCH(1,1) with Student's t; sigma[i] is that of the move from row i to i + 1."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_t(freedom, rows) * np.sqrt((freedom - 2) / freedom)
    variance, moves = np.empty(rows + 1), np.zeros(rows)
    variance[0] = omega / (1 - alpha - beta)
    for row in range(rows):
        moves[row] = np.sqrt(variance[row]) * shocks[row]
        variance[row + 1] = omega + alpha * moves[row] ** 2 + beta * variance[row]
    return np.cumsum(moves) / 100, np.sqrt(variance[1:]) / 100


def error_of(estimate, sigma):
    """The spread of log(estimate / sigma): how well it follows, whatever its unit."""
    return np.std(np.log(estimate / sigma)[KNOWN:])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_scale_recovers_the_volatility_of_a_garch_better_than_one_weighted_mean(seed):
    level, sigma = simulate_garch(seed)
    scale = fit_volatility(level, KNOWN, HORIZON).scale[:, 0]
    squares = np.diff(level, prepend=level[0]) ** 2
    single = np.sqrt(exponential_means(squares, 0.06, squares[:KNOWN].mean()))
    assert error_of(scale, sigma) < 0.75 * error_of(single, sigma)


def test_ranges_between_high_and_low_tell_more_than_moves():
    rng = np.random.default_rng(3)
    sigma = 0.01 * np.exp(np.sin(np.arange(ROWS) / 60))
    paths = np.cumsum(rng.standard_normal((ROWS, 50)) / np.sqrt(50), axis=1) * sigma[:, None]
    level, ranges = np.cumsum(paths[:, -1]), np.ptp(np.pad(paths, ((0, 0), (1, 0))), axis=1)
    ahead = np.append(sigma[1:], sigma[-1])
    with_them, without = (fit_volatility(level, KNOWN, 1, one).scale[:, 0] for one in (ranges, None))
    assert error_of(with_them, ahead) < 0.8 * error_of(without, ahead)


@pytest.mark.parametrize("with_ranges", [False, True])
def test_a_scale_depends_on_the_known_rows_and_on_rows_up_to_its_own(with_ranges):
    level, _ = simulate_garch(4)
    ranges = np.abs(np.random.default_rng(4).normal(0.02, 0.005, ROWS)) if with_ranges else None
    before = fit_volatility(level, KNOWN, HORIZON, ranges)
    wild, wide, row = level.copy(), None if ranges is None else ranges.copy(), 3500
    wild[row:] += np.cumsum(np.full(ROWS - row, 0.1))
    if wide is not None:
        wide[row:] *= 5
    after = fit_volatility(wild, KNOWN, HORIZON, wide)
    np.testing.assert_array_equal(before.scale[:row], after.scale[:row])
    np.testing.assert_array_equal(before.freedom, after.freedom)
    assert (after.scale[row:] > before.scale[row:]).all()


def test_independent_moves_have_one_volatility_that_grows_with_the_root_of_the_step():
    moves = 0.01 * np.random.default_rng(5).standard_t(5, ROWS)
    fitted = fit_volatility(np.cumsum(moves), KNOWN, HORIZON)
    # The scale of a t with 5 degrees of freedom is its deviation times the root of 3 / 5.
    assert fitted.scale[KNOWN:, 0].mean() == pytest.approx(0.01, rel=0.06)
    assert fitted.scale[KNOWN:, 0].std() < 0.0015
    assert 3.5 < fitted.freedom[0] < 7.5
    assert fitted.freedom[-1] > fitted.freedom[0]  # sums of ten are closer to normal
    deviations = fitted.scale * np.sqrt(fitted.freedom / (fitted.freedom - 2))
    assert deviations[KNOWN:, -1].mean() / deviations[KNOWN:, 0].mean() == pytest.approx(np.sqrt(10), rel=0.12)


def test_steps_between_fitted_ones_are_interpolated():
    level, _ = simulate_garch(6)
    variance = fit_volatility(level, KNOWN, 13).scale ** 2 / np.arange(1, 14)
    np.testing.assert_allclose(variance[:, 10], (2 * variance[:, 9] + variance[:, 12]) / 3)  # 11, between 10 and 13


def test_the_likelihood_is_that_of_scipy(monkeypatch):
    from scipy import optimize
    from scipy.stats import t

    rng = np.random.default_rng(7)
    columns = rng.uniform(0.2, 2, (300, 3))
    moves = np.sqrt(columns @ [0.5, 0.3, 0.1]) * rng.standard_t(6, 300)
    seen = {}
    real = optimize.minimize
    monkeypatch.setattr(optimize, "minimize", lambda f, *a, **k: seen.setdefault("f", f) and real(f, *a, **k))
    weights, freedom, _ = fit_student(columns, moves**2)
    at = np.array([*np.log([0.4, 0.2, 0.2]), np.log(4.0)])
    assert check_grad(lambda p: seen["f"](p)[0], lambda p: seen["f"](p)[1], at) < 1e-5
    monkeypatch.setattr(volatility, "_PRIOR", 0.0)
    others = np.array([0.4, 0.2, 0.2])

    def exact(weights, freedom):
        scale = np.sqrt(columns @ weights)
        return -np.mean(t.logpdf(moves / scale, freedom) - np.log(scale))

    ours = [seen["f"](np.array([*np.log(w), np.log(nu - 1)]))[0] for w, nu in ((weights, freedom), (others, 5.0))]
    assert ours[0] - ours[1] == pytest.approx(exact(weights, freedom) - exact(others, 5.0), abs=1e-9)
    assert exact(weights, freedom) < exact(others, 5.0)


@pytest.mark.parametrize("level", [np.zeros(1000), np.arange(200.0), np.array([1.0])])
def test_too_few_moves_or_none_give_no_scale(level):
    assert fit_volatility(level, len(level), 5) is None


def test_a_flat_stretch_and_a_wild_day_leave_the_scale_finite_and_above_zero():
    level, _ = simulate_garch(8)
    level[3200:3600] = level[3200]
    level[3600:] += 50
    scale = fit_volatility(level, KNOWN, HORIZON).scale
    assert np.isfinite(scale).all()
    assert (scale > 0).all()
