import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from forecasting.model import skip
from forecasting.model.listener import Callbacks
from forecasting.model.skip import Choice, choose, fit_skip

HORIZON = 3
ALL = (1, 2, 3)


def make_targets(moves):
    """(t, HORIZON) sums of the next moves over the root of their number, NaN where unknown."""
    levels = np.cumsum(moves)
    targets = np.full((len(moves), HORIZON), np.nan)
    for step in range(1, HORIZON + 1):
        targets[:-step, step - 1] = (levels[step:] - levels[:-step]) / np.sqrt(step)
    return targets


def noise(rows, seed=0):
    return np.random.default_rng(seed).normal(size=rows)


def autoregressive(rows, weight=0.6):
    moves = noise(rows)
    for i in range(1, rows):
        moves[i] += weight * moves[i - 1]
    return moves


def seasonal(rows, season=8):
    return np.tile(noise(season, seed=1), rows // season + 1)[:rows] + 0.2 * noise(rows)


def windows_of(moves, origins, window):
    return np.stack([moves[origin - window + 1 : origin + 1] for origin in origins])


@pytest.mark.parametrize("prior", ["flat", "fading"])
def test_the_kernel_is_that_of_ridge_regression(prior):
    moves, window, origins = autoregressive(200), 6, np.arange(5, 150)
    targets = make_targets(moves)
    found = fit_skip(moves, targets, origins, window, Choice(prior, 0.1, steps=ALL))
    x, lags = windows_of(moves, origins, window), np.arange(window, 0, -1.0)
    penalty = 0.1 * len(origins) * np.diag(lags**2 if prior == "fading" else np.ones(window))
    expected = np.linalg.solve(x.T @ x + penalty, x.T @ targets[origins])
    np.testing.assert_allclose(found.kernel, expected, atol=1e-6)


def test_predictions_are_the_kernel_over_the_last_inputs():
    moves = autoregressive(100)
    found = fit_skip(moves, make_targets(moves), np.arange(5, 80), 6, Choice("flat", 0.1, steps=ALL))
    np.testing.assert_allclose(found.predict(moves)[50], moves[45:51] @ found.kernel, rtol=1e-5)
    np.testing.assert_allclose(found.predict(moves)[2], moves[:3] @ found.kernel[-3:], rtol=1e-5)


def test_the_size_of_the_pieces_does_not_matter(monkeypatch):
    moves = autoregressive(300)
    targets, origins, choice = make_targets(moves), np.arange(5, 200), Choice("flat", 0.01, steps=ALL)
    whole = fit_skip(moves, targets, origins, 6, choice)
    monkeypatch.setattr(skip, "_BLOCK_VALUES", 60)
    pieces = fit_skip(moves, targets, origins, 6, choice)
    np.testing.assert_allclose(pieces.kernel, whole.kernel, rtol=1e-6)
    np.testing.assert_allclose(pieces.predict(moves), whole.predict(moves), rtol=1e-6)


def test_nothing_is_chosen_for_a_random_walk():
    for seed in range(5):
        moves = noise(600, seed)
        assert choose(moves, make_targets(moves), 500, 10, seasons=(5, 20)) == Choice()


def test_a_regression_is_chosen_where_moves_depend_on_earlier_ones():
    moves = autoregressive(600)
    assert choose(moves, make_targets(moves), 500, 10).prior in ("flat", "fading")


def test_a_step_without_proof_has_no_linear_forecast():
    moves = np.random.default_rng(0).normal(size=601)
    averaged = moves[1:] + moves[:-1]  # the next move is known by half, later ones are not
    found = choose(averaged, make_targets(averaged), 500, 10)
    assert 1 in found.steps
    kernel = fit_skip(averaged, make_targets(averaged), np.arange(9, 400), 10,
                      Choice("flat", 0.1, steps=(1,))).kernel
    assert kernel[:, 0].all()
    assert not kernel[:, 1:].any()


def test_a_season_is_taken_where_it_is_proven():
    moves = seasonal(400)
    found = choose(moves, make_targets(moves), 320, 4, seasons=(5, 8))
    assert found.season == 8


def test_a_proven_season_reaches_farther_back_than_the_window_and_forecasts_better():
    moves, origins = seasonal(400), np.arange(60, 280)
    targets, later = make_targets(moves), np.arange(320, 390)
    errors = {}
    for choice in (Choice("flat", 0.01, steps=ALL), Choice("flat", 0.01, season=8, cycles=3, steps=ALL)):
        found = fit_skip(moves, targets, origins, 4, choice)
        errors[choice.season] = np.mean((targets[later] - found.predict(moves)[later]) ** 2)
    assert found.length == 4 + 3 * 8
    assert errors[8] < 0.5 * errors[0]


@pytest.mark.parametrize("season", [2, 5, 12])
def test_a_season_without_noise_is_forecast_exactly(season):
    moves = np.tile(noise(season, seed=2), 40)
    targets, origins = make_targets(moves), np.arange(50, 200 if season > 5 else 70)
    found = fit_skip(moves, targets, origins, 4, Choice("flat", 1.0, season=season, cycles=2, steps=ALL))
    np.testing.assert_allclose(found.predict(moves)[60:70], targets[60:70], atol=1e-5)


def two_seasons(rows, short=6, long=42):
    """Moves with a season within another one, both of which wander."""
    rng, moves = np.random.default_rng(3), np.zeros(rows)
    day, week = rng.normal(size=short), rng.normal(size=long)
    for i in range(rows):
        day[i % short] += 0.2 * rng.normal()
        week[i % long] += 0.2 * rng.normal()
        moves[i] = day[i % short] + week[i % long] + 0.3 * rng.normal()
    return moves / moves.std()


def test_lags_of_two_seasons_and_an_average_are_read_where_a_season_is_proven_and_forecast_better():
    moves = two_seasons(1500)
    targets, origins, later = make_targets(moves), np.arange(300, 1000), np.arange(1200, 1490)
    found = choose(moves, targets, 1200, 4, seasons=(6, 42))
    assert found.season
    assert found.others
    assert {(6, 42)} == {member.reads for member in found.members if member.reads}
    alone = fit_skip(moves, targets, origins, 4, found.members[0])
    average = fit_skip(moves, targets, origins, 4, found)
    errors = [np.mean((targets[later] - one.predict(moves)[later]) ** 2) for one in (alone, average)]
    assert errors[1] < 0.95 * errors[0]


def test_an_average_is_the_mean_of_its_members_and_survives_json():
    moves, origins = two_seasons(400), np.arange(100, 300)
    targets = make_targets(moves)
    members = (Choice("flat", 0.01, 6, 2, ALL), Choice("fading", 0.1, steps=ALL, reads=(6, 42)))
    whole = replace(members[0], others=members[1:])
    assert Choice(**json.loads(json.dumps(asdict(whole)))) == whole
    parts = [fit_skip(moves, targets, origins, 4, one).predict(moves) for one in members]
    np.testing.assert_allclose(fit_skip(moves, targets, origins, 4, whole).predict(moves), np.mean(parts, axis=0), atol=1e-5)


def test_a_regression_reads_the_moves_of_earlier_seasons():
    moves, origins = two_seasons(400), np.arange(100, 300)
    targets, season = make_targets(moves), 42
    kernel = fit_skip(moves, targets, origins, 4, Choice("flat", 0.01, steps=ALL, reads=(season,))).kernel[::-1]
    read = {*range(4), *(back * season + near for back in (1, 2) for near in range(-HORIZON, 3))}
    assert set(np.flatnonzero(kernel.any(axis=1)).tolist()) == read


def test_the_choice_depends_on_no_later_row():
    moves = autoregressive(600)
    targets = make_targets(moves)
    before = choose(moves, targets, 500, 10, seasons=(5,))
    moves[500:], targets[500:] = 9.0, np.nan
    assert choose(moves, targets, 500, 10, seasons=(5,)) == before


def test_too_few_rows_choose_nothing():
    moves = autoregressive(30)
    assert choose(moves, make_targets(moves), 30, 10) == Choice()


def test_a_season_longer_than_its_evidence_is_not_looked_for():
    moves = seasonal(400, season=150)
    assert choose(moves, make_targets(moves), 320, 4, seasons=(150,)).season == 0


def test_a_stop_ends_the_search_and_the_regression_at_once():
    moves = autoregressive(600)
    targets = make_targets(moves)
    stop = Callbacks(should_stop=lambda: True)
    assert choose(moves, targets, 500, 10, listener=stop) == Choice()
    assert not fit_skip(moves, targets, np.arange(9, 400), 10, Choice("flat", 0.1, steps=ALL), stop).kernel.any()


def test_no_linear_part_forecasts_no_move():
    moves = noise(50)
    found = fit_skip(moves, make_targets(moves), np.arange(9, 40), 10, Choice())
    assert found.length == 10
    assert not found.predict(moves).any()


def test_a_series_without_noise_is_hardly_penalised():
    t, window = np.arange(600), 24
    moves = np.sin(0.31 * t) + 0.7 * np.sin(0.83 * t + 1) + 0.4 * np.sin(1.9 * t + 2)
    targets = make_targets(moves)
    choice = choose(moves, targets, 500, window)
    found = fit_skip(moves, targets, np.arange(window - 1, 480), window, choice)
    missed = (targets - found.predict(moves))[500:590]
    assert np.abs(missed).max() < 1e-4


def test_nothing_is_chosen_where_less_than_two_horizons_can_be_tested():
    moves = np.tile([3.0, -1.0, -2.0], 60)
    targets = make_targets(moves)
    window, horizon = 20, HORIZON
    first = window - 1 + horizon + skip.MIN_ORIGINS  # the first origin that can be tested
    enough = first + horizon + skip.HORIZONS_TESTED * horizon
    assert choose(moves, targets, enough, window).steps == ALL
    assert choose(moves, targets, enough - 1, window) == Choice()


def test_fewer_blocks_have_to_prove_more():
    reference = np.ones(10)
    losses = reference - np.array([0.1, 0.3, 0.1, 0.5, 0.3, 0.0, 0.4, 0.2, -0.1, 0.2])  # t = 3.5; of the first four 2.6
    assert skip._proves(2.5, losses, reference)
    assert not skip._proves(2.5, losses[:4], reference[:4])
