"""Trainings side by side: each gives, bit for bit, what it gives alone."""

import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import ForecastConfig, PriceHistory, load_sample, train
from forecasting.model.process import Pool
from forecasting.model.training import predict_windows
from tests.app_process import as_shipped

ROOT = Path(__file__).parents[2]
CONFIG = ForecastConfig(window=6, units=(4,), batch_size=32, epochs=4, patience=None, learning_rate=0.02, skip="ridge")


def make_history(seed=0, rows=300):
    close = 50 + np.cumsum(np.random.default_rng(seed).normal(size=rows)) / 4
    return PriceHistory(pd.DataFrame({"Close": close}, index=pd.bdate_range("2020-01-01", periods=rows)), "walk", "test")


def outcome(result):
    """All that a training gives, but for the time it took."""
    return (*result.model.get_weights(), result.curve.drop(columns="seconds").to_numpy(), result.predictions["predicted"])


def assert_same(got, expected):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_four_trainings_in_four_threads_each_give_what_they_give_alone():
    """Two and two of the same compiled steps."""
    deep = dataclasses.replace(CONFIG, dropout=0.3, units=(4, 4), cell="gru", supervision="every_step")
    configs = [dataclasses.replace(config, seed=seed) for config in (CONFIG, deep) for seed in range(2)]
    histories = [make_history(seed) for seed in range(4)]
    alone = [outcome(train(*pair)) for pair in zip(histories, configs, strict=True)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(train, histories, configs))
    for result, expected in zip(together, alone, strict=True):
        assert_same(outcome(result), expected)
    assert not np.array_equal(alone[0][0], alone[1][0])
    assert not np.array_equal(alone[2][0], alone[3][0])


def test_a_training_inside_anothers_callback_changes_neither():
    history, other = make_history(), dataclasses.replace(CONFIG, seed=1, epochs=2)
    alone, alone_inside = outcome(train(history, CONFIG)), outcome(train(history, other))
    inside = []
    result = train(history, CONFIG, on_epoch=lambda log: inside.append(train(history, other)))
    assert_same(outcome(result), alone)
    assert len(inside) == CONFIG.epochs
    for one in inside:
        assert_same(outcome(one), alone_inside)


def test_forecasts_inside_anothers_callback_change_neither():
    history = make_history()
    model = train(history, dataclasses.replace(CONFIG, skip=None)).model
    inputs = np.random.default_rng(0).normal(size=(12_000, 1)).astype("float32")
    other = model.__class__.from_config(model.get_config())
    other.set_weights([2 * w for w in model.get_weights()])
    origins, inside = np.arange(5, 12_000), []  # three batches
    alone = predict_windows(model, inputs, origins), predict_windows(other, inputs, origins)
    again = predict_windows(model, inputs, origins,
                            watch=lambda _: bool(inside.append(predict_windows(other, inputs, origins))))
    assert inside
    assert_same([again, *inside], [alone[0], *[alone[1]] * len(inside)])


def test_a_pool_lends_each_thing_to_one_borrower_and_keeps_the_last_ones():
    pool = Pool(make=lambda key: [key], kept=2)
    with pool.lend("a") as first, pool.lend("a") as second, pool.lend("b") as third:
        assert first is not second
        assert third == ["b"]
    with pool.lend("a") as again:
        assert again is first  # what came back last
    with pool.lend("b") as fourth:
        assert fourth is not third  # two others came back after it
    with pytest.raises(ZeroDivisionError), pool.lend("b") as fifth:
        raise ZeroDivisionError
    with pool.lend("b") as sixth:
        assert sixth is fifth is fourth


PROCESSES = '''
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
import numpy as np
from forecasting import ForecastConfig, ForecastingError, load_sample, train

def weights(seed):
    try:
        config = ForecastConfig(window=6, units=(4,), batch_size=32, epochs=1, patience=None, seed=seed)
        return train(load_sample(), config).model.get_weights()
    except ForecastingError as error:
        return f"{type(error).__name__}: {error}"

if __name__ == "__main__":
    expected = [weights(seed) for seed in (0, 1)]  # TensorFlow is in use before the processes start
    np.savez(sys.argv[1], *expected[0])
    for how, count in (("spawn", 1), ("fork", 2))[: 1 + hasattr(os, "fork")]:
        with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context(how)) as processes:
            got = list(processes.map(weights, (0, 1)))
        if how == "fork":
            print(*got, sep="\\n")
        else:
            print(all(np.array_equal(a, b) for pair in zip(got, expected) for a, b in zip(*pair)),
                  flush=True)  # or a fork would say it again
'''


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the script prints: a line about the process that it spawned, then one of each that it forked; and the weights
    that it has trained, compiled as the app's are."""
    folder = tmp_path_factory.mktemp("script")
    script = folder / "processes.py"
    script.write_text(PROCESSES, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script), str(folder / "weights.npz")], capture_output=True, text=True,
                          check=True, timeout=600, env=as_shipped() | {"PYTHONPATH": str(ROOT)})
    with np.load(folder / "weights.npz") as weights:
        return done.stdout.splitlines(), list(weights.values())


def test_processes_that_are_spawned_train_as_this_one_does(told):
    (first, *_), _ = told
    assert first == "True"


def test_code_that_is_made_fast_computes_what_the_code_of_the_tests_computes(told):
    _, weights = told
    config = ForecastConfig(window=6, units=(4,), batch_size=32, epochs=1, patience=None)
    for ours, theirs in zip(train(load_sample(), config).model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_is_told_to_spawn_instead_of_hanging(told):
    (_, *forked), _ = told
    assert len(forked) == 2
    for line in forked:
        assert line.startswith("TrainingError: TensorFlow cannot go on in a forked process")
        assert "spawn" in line
