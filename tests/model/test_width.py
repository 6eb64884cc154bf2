import dataclasses
import io
import math
import zipfile

import numpy as np
import pandas as pd
import pytest

from forecasting import RECOMMENDED, PriceHistory, load_run, train
from forecasting.evaluation.volatility import expect_moves, fit_volatility, learnt_factors
from forecasting.model import width
from forecasting.model.listener import Callbacks
from forecasting.model.size import chunks_of
from forecasting.model.split import split
from forecasting.model.width import WINDOW, WidthData, build_width, fit_width, width_factors, width_inputs
from forecasting.runs.bring_back import open_zip
from forecasting.runs.take_home import pack_files, run_zip

ROWS = 1400
CONFIG = dataclasses.replace(RECOMMENDED, window=12, horizon=3, units=(4,), epochs=2)


def restless(rows=ROWS, seed=0):
    """Logarithms of prices that move most after a quiet day, which no weighted mean of past moves can tell."""
    rng = np.random.default_rng(seed)
    moves = np.zeros(rows)
    for row in range(rows):
        quiet = row > 0 and abs(moves[row - 1]) < 0.006
        moves[row] = (0.03 if quiet else 0.01) * rng.standard_normal()
    return np.cumsum(moves)


@pytest.fixture(scope="module")
def history():
    frame = pd.DataFrame({"Close": 100 * np.exp(restless())}, index=pd.bdate_range("2015-01-01", periods=ROWS))
    return PriceHistory(frame, "made", "test")


@pytest.fixture(scope="module")
def results(history):
    """Of the same settings, with the head and without."""
    return [train(history, dataclasses.replace(CONFIG, width=one)) for one in ("lstm", None)]


def data_of(level, train_end=1000, validation_end=1200, horizon=3):
    moves = np.full((len(level), horizon), np.nan)
    for step in range(1, horizon + 1):
        moves[:-step, step - 1] = level[step:] - level[:-step]
    fitted = fit_volatility(level, train_end, horizon)
    return WidthData(width_inputs(level, train_end), fitted.scale, moves, fitted.freedom, train_end, validation_end)


def test_the_head_changes_nothing_in_the_forecasts_of_the_price(results):
    with_head, without = results
    assert with_head.load_width() is not None
    assert without.load_width() is None
    np.testing.assert_array_equal(with_head.steps.predicted, without.steps.predicted)
    for one, other in zip(with_head.model.get_weights(), without.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    pd.testing.assert_frame_equal(with_head.curve.drop(columns="seconds"), without.curve.drop(columns="seconds"))
    assert (with_head.steps.half[0.8] != without.steps.half[0.8]).any()


def test_the_head_learns_widths_that_no_weighted_mean_can_tell(results):
    scores = []
    for result in results:
        test = result.guarded.between(result.split.validation_end - 1, ROWS - 1)
        lower, upper = (bound[:, 0] for bound in test.bounds(0.95))
        actual = test.actual[:, 0]
        missed = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
        scores.append(np.mean((upper - lower + 40 * missed) / test.last))
    assert scores[0] < 0.95 * scores[1]


def test_the_head_is_of_plain_layers_and_comes_back_with_the_run(results, history, tmp_path):
    import keras

    head = results[0].load_width()
    assert [type(layer) for layer in head.layers] == [keras.layers.LSTM, keras.layers.Dense]
    results[0].save(tmp_path)
    opened = load_run(tmp_path)
    np.testing.assert_array_equal(opened.steps.volatility, results[0].steps.volatility)
    made = [expect_moves(history, opened.split, 3, True, learnt_factors(one, history, opened.split, True))[True]
            for one in (opened.load_width(), head)]
    np.testing.assert_array_equal(*made)
    first = opened.steps.origins[0]
    np.testing.assert_array_equal(made[0][first:], opened.steps.volatility)
    np.testing.assert_array_equal(opened.factors, results[0].factors)
    results[1].save(tmp_path / "without")
    assert not (tmp_path / "without" / "width.keras").exists()


def test_a_run_that_is_taken_home_keeps_its_head_and_comes_back_with_what_that_learnt(results, history, tmp_path):
    was = results[0]
    was.save(tmp_path)
    zipped = run_zip(load_run(tmp_path))
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.read("width.keras") == (tmp_path / "width.keras").read_bytes()
    now = open_zip(zipped)
    np.testing.assert_array_equal(now.factors, was.factors)
    np.testing.assert_allclose(now.steps.volatility, was.steps.volatility, rtol=1e-12)
    for level in (0.8, 0.95):
        np.testing.assert_allclose(now.guarded.half[level], was.guarded.half[level], rtol=1e-3)
    assert now.metrics == was.metrics
    pd.testing.assert_frame_equal(now.intervals((50, 99)), was.intervals((50, 99)))
    now.save(tmp_path / "again")
    np.testing.assert_array_equal(load_run(tmp_path / "again").factors, was.factors)
    # One of a version before holds no such table, and comes back without.
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        older = {name: archive.read(name) for name in archive.namelist() if name not in ("width.csv", "width.keras")}
    assert open_zip(pack_files(older)).factors is None


def test_the_width_at_a_row_depends_on_no_later_price(history, results):
    head, row = results[0].load_width(), 1300
    wild = history.frame.copy()
    wild.iloc[row:] *= np.exp(np.cumsum(np.full((ROWS - row, 1), 0.1), axis=0))
    parts = split(ROWS, CONFIG)
    before, after = (expect_moves(one, parts, 3, True, learnt_factors(head, one, parts, True))[True]
                     for one in (history, dataclasses.replace(history, frame=wild)))
    np.testing.assert_array_equal(before[:row], after[:row])
    assert (before[row:] != after[row:]).all()


@pytest.mark.parametrize("end", [1000, 3000, 9000])
def test_an_epoch_of_the_head_unrolls_fewer_than_half_the_steps_of_the_prices_network(end):
    # Cells wait for the step before, so their number is what an epoch costs (`benchmarks/intervals.py --speed` has the time).
    head = len(width._Trainer._batches(None, np.random.default_rng(0), end)) * (WINDOW - 1 + width.CHUNK)
    rows, targets = chunks_of(RECOMMENDED)
    updates = math.ceil((end - RECOMMENDED.window - RECOMMENDED.horizon) / (rows * targets))
    assert head < 0.5 * updates * (RECOMMENDED.window - 1 + targets)


def test_an_untrained_head_changes_nothing():
    inputs = width_inputs(restless(300), 200)
    np.testing.assert_array_equal(width_factors(build_width(inputs.shape[1], 3), inputs), np.ones((300, 3)))


def test_targets_that_reach_into_the_next_part_do_not_count():
    data = data_of(restless())
    counts = np.isfinite(data.standardised())
    assert counts[WINDOW : 1000 - 3].all()
    assert not counts[:WINDOW].any()
    assert counts[997].tolist() == [True, True, False]
    assert counts[999].tolist() == [False] * 3
    assert counts[1000].all()
    assert counts[1198].tolist() == [True, False, False]
    assert not counts[1199:].any()


def test_prices_after_validation_change_no_weight():
    level = restless()
    wild = level.copy()
    wild[1200:] += np.linspace(0.1, 5, ROWS - 1200)
    first, second = (fit_width(data_of(one)) for one in (level, wild))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_too_few_rows_or_a_stop_leave_no_head(monkeypatch):
    assert fit_width(data_of(restless(700), 500, 600)) is None
    assert fit_width(data_of(restless()), listener=Callbacks(should_stop=lambda: True)) is None
    monkeypatch.setattr(width, "EPOCHS", 0)
    monkeypatch.setattr(width, "UPDATES", 0)
    assert fit_width(data_of(restless())) is None
