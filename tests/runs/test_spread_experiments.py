"""Seeds and many series as experiments: what they plan, what they come to, and the average as a run of its own."""

import io
import runpy
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import PriceHistory, RunError, load_run, train
from forecasting.errors import ConfigError
from forecasting.result import average
from forecasting.runs.bring_back import open_zip
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.kind import Child, Experiment
from forecasting.runs.store import RunStore
from forecasting.runs.take_home import run_zip
from tests.runs.laboratory import Laboratory


@pytest.fixture(scope="module")
def store(home):
    return RunStore()


@pytest.fixture(scope="module")
def laboratory(store):
    with pytest.MonkeyPatch.context() as patch:
        yield Laboratory(patch)


@pytest.fixture(scope="module")
def seeds(store, laboratory, history, tiny):
    """An experiment with three seeds around a run, ended."""
    run_id = store.create(history, tiny)
    laboratory.work()
    experiment = store.start_experiment("seeds", history, tiny, {"seeds": 3}, owner="anna", parent=run_id)
    laboratory.work()
    return experiment


def summary(store, run_id):
    run = store.get(run_id)
    runs = [Child(child, store.result) for child in store.children(run)]
    return EXPERIMENTS[run.experiment].summarise(runs, Experiment(run, store, runs))


def test_every_seed_is_trained_once_and_then_averaged(store, seeds, tiny):
    assert store.get(seeds).state == "finished"
    children = store.children(store.get(seeds))
    assert [child.key for child in children] == ["seed-1", "seed-2", "seed-3", "average"]
    assert [child.config.seed for child in children[:3]] == [1, 2, 3]
    mean = store.result(children[3].id)
    assert mean.members == (1, 2, 3)
    own = [store.result(child.id).predictions["predicted"] for child in children[:3]]
    # Averaged are the network's outputs; of prices, the mean of small moves is the same up to their squares.
    np.testing.assert_allclose(mean.predictions["predicted"], np.mean(own, axis=0), rtol=1e-5)
    assert children[3].scores["test"]["rmse"] == mean.metrics["test"]["rmse"]


def test_the_spread_is_told_with_the_run_its_seeds_and_their_average(store, seeds):
    told = summary(store, seeds)
    assert told.warnings == ()
    assert told.sentence.startswith("Over 3 seeds the test RMSE is ")
    assert "Their average errs by" in told.sentence
    (table,) = told.tables
    assert table.frame.index.tolist() == ["This run, seed 0", "Seed 1", "Seed 2", "Seed 3", "Average of 3", "Mean",
                                          "Standard deviation"]
    assert [chart(dark=dark).layout.title.text for chart in told.charts for dark in (False, True)] == [
        "RMSE on the test part, seed by seed"] * 2 + ["Band of the seeds' predictions"] * 2
    lines = told.files[0].write().decode().splitlines()
    assert lines[0] == "Date,Actual,Naive,Seed 1,Seed 2,Seed 3,Average"
    assert len(lines) == 41  # a fifth of 200 rows


def test_other_settings_on_the_same_days_stand_beside_and_too_few_seeds_prove_nothing(store, laboratory, seeds, history, tiny):
    other = replace(tiny, units=(6,))
    run_id = store.create(history, other)
    laboratory.work()
    experiment = store.start_experiment("seeds", history, other, {"seeds": 2}, parent=run_id)
    laboratory.work()
    beside = summary(store, experiment).tables[1].frame
    assert beside.index.tolist() == ["These settings, 2 seeds", "Units 4, 3 seeds"]
    assert beside["Do they differ?"].tolist() == ["", "Too few seeds"]


def test_a_run_of_the_leak_lab_is_not_repeated(store, history, tiny):
    with pytest.raises(ConfigError, match="choose an honest run"):
        store.start_experiment("seeds", history, replace(tiny, leak="scaler"), {})


def test_an_average_is_saved_forecasts_and_is_not_refitted(history, tiny, tmp_path):
    results = [train(history, replace(tiny, seed=seed)) for seed in (1, 2)]
    mean = average(results)
    mean.save(tmp_path)
    loaded = load_run(tmp_path)
    pd.testing.assert_frame_equal(loaded.predictions, mean.predictions)
    assert loaded.members == (1, 2)
    pd.testing.assert_frame_equal(loaded.forecast(tiny.horizon + 3), mean.forecast(tiny.horizon + 3))
    with pytest.raises(RunError, match="cannot be refitted"):
        loaded.refit()

    # Taken home and back: the script trains the members again and averages them.
    content = run_zip(loaded)
    assert open_zip(content).members == (1, 2)
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path / "home")
    assert b"This is the average of" in (tmp_path / "home" / "report.html").read_bytes()
    again = runpy.run_path(str(tmp_path / "home" / "repeat.py"))["result"]
    assert again.metrics["test"]["rmse"] == mean.metrics["test"]["rmse"]
    with pytest.raises(RunError, match=r"two results or more. Received: 1"):
        average(results[:1])
    with pytest.raises(RunError, match="differ by more"):
        average([results[0], train(history, replace(tiny, units=(5,)))])


def walk(name, rows, seed, season=0.0):
    rng = np.random.default_rng(seed)
    steps = np.arange(rows)
    close = 100 + 0.05 * rng.normal(size=rows).cumsum() + season * np.sin(2 * np.pi * steps / 6)
    return PriceHistory(pd.DataFrame({"Close": close}, pd.bdate_range("2020-01-01", periods=rows)), name, "made up")


def test_many_series_are_trained_alike_and_only_what_is_beyond_luck_counts(store, laboratory, tiny):
    histories = [walk("walk", 200, 1), walk("wave", 200, 2, season=10.0), walk("short", 15, 3)]
    config = replace(tiny, skip="ridge", window=12)
    keys = [store.save_history(one) for one in histories]
    experiment = store.start_experiment("many", histories[0], config, {"series": keys})
    laboratory.work()
    assert [child.name for child in store.children(store.get(experiment))] == ["walk", "wave", "short"]
    told = summary(store, experiment)
    assert len(told.warnings) == 1
    assert told.warnings[0].startswith("short: ")
    frame = told.tables[0].frame
    assert frame.index.tolist() == ["walk", "wave"]
    assert frame["Better than naive?"].tolist() == ["Not proven", "Yes"]
    assert "1 beat it beyond luck (Holm's correction for 2 tests, at 5 %)" in told.sentence
    table = pd.read_csv(pd.io.common.BytesIO(told.files[0].write()))
    assert table.columns[:3].tolist() == ["Series", "Date", "Split"]
    assert table.groupby("Series").size().to_dict() == {"walk": 188, "wave": 188}


@pytest.mark.parametrize(("keys", "message"), [
    ([], "from 2 to 100 series. Received: 0"), (["a"], "Received: 1"), (["a", "a"], "the same prices"), ("ab", "list of keys"),
    ([1, 2], "list of keys")])
def test_a_choice_of_series_that_cannot_be_is_refused(store, history, tiny, keys, message):
    with pytest.raises(ConfigError, match=message):
        store.start_experiment("many", history, tiny, {"series": keys})
