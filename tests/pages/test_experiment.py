"""Experiments on the Evaluate page: their options, Start, Stop, progress and what they come to; the engine is moved by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.kind import ExperimentKind, Option, Planned, Summary, Table
from forecasting.runs.kinds import RUN_KINDS, Computed, RunKind
from forecasting.runs.store import RunStore
from tests.pages.elements import button, texts
from tests.runs.laboratory import Laboratory

ROOT = Path(__file__).parents[2]
CONFIG = replace(RECOMMENDED, window=12, horizon=3, units=(4,), epochs=2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A home with one run that was trained, and its id."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECASTING_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        close = 100 * np.exp(np.random.default_rng(0).normal(0, 0.01, 500).cumsum())
        history = PriceHistory(pd.DataFrame({"Close": close}, pd.bdate_range("2018-01-01", periods=500)), name="a walk",
                               source="test", currency="USD")
        run_id = RunStore().create(history, CONFIG)
        Laboratory(patch).work()
        yield folder, run_id


@pytest.fixture
def run_id(trained, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(trained[0]))  # over the empty one that every page test has
    return trained[1]


@pytest.fixture
def laboratory(run_id, monkeypatch):
    return Laboratory(monkeypatch)


def open_tab(run_id, tab, **state):
    test = AppTest.from_file(str(ROOT / "pages" / "3_Evaluate.py"), default_timeout=60)
    test.query_params["run"] = run_id
    for key, value in {"evaluate_tab": tab, **state}.items():
        test.session_state[key] = value
    test.run()
    assert not test.exception
    return test


def progress(test):
    return " ".join(bar.proto.text for bar in test.get("progress")).replace("\\", "")


def count_rows(ledger, run, reporter, should_stop):
    rows = str(len(ledger.history(run.id)) // run.parameters["part"])
    return Computed("finished", {}, lambda folder: (folder / "rows.txt").write_text(rows))


COUNT = RunKind(count_rows, read=lambda folder: int((folder / "rows.txt").read_text()))
PARTS = ExperimentKind(
    "Counting of rows", "Rows", "Counts the rows of parts.", "Count",
    (Option("parts", "Parts", "More count less.", 2, low=1, high=9),), lambda options: options["parts"],
    lambda options, ended, experiment: [Planned(f"part-{i}", experiment.history, experiment.config, f"part {i}", {"part": i},
                                                "count") for i in range(1, options["parts"] + 1)],
    lambda runs, experiment: Summary(f"{sum(child.result() for child in runs if child.is_whole)} rows in all.", tables=(
        Table(pd.DataFrame({"Part": [child.run.name for child in runs]}), caption="Each is counted once."),)))


def test_an_experiment_of_ten_lines_works_from_the_page_through_the_engine_to_the_page(run_id, laboratory, monkeypatch):
    monkeypatch.setitem(RUN_KINDS, "count", COUNT)
    monkeypatch.setitem(EXPERIMENTS, "parts", PARTS)
    test = open_tab(run_id, "Rows")
    assert "Counts the rows of parts." in texts(test.markdown)
    assert button(test, "Stop").disabled
    test.slider(key="evaluate_parts_parts").set_value(4)
    button(test, "Count").click().run()  # the browser sends both at once where the page was still being drawn
    assert not test.exception
    assert not test.error
    assert button(test, "Count").disabled
    assert not button(test, "Stop").disabled
    assert "Waiting: next in the queue, for a free worker · Parts: 4" in progress(test)
    laboratory.step(2)
    laboratory.compute(laboratory.at_work[0])
    laboratory.step()
    assert "1 of 4 trainings done · Parts: 4" in progress(test.run())
    laboratory.work()
    test = open_tab(run_id, "Rows")
    assert "4 of 4 trainings done · Parts: 4" in texts(test.caption)
    assert "1041 rows in all." in texts(test.markdown)
    assert test.dataframe[0].value["Part"].tolist() == [f"part {i}" for i in (1, 2, 3, 4)]
    assert "Each is counted once." in texts(test.caption)
    assert button(test, "Stop").disabled
    assert not button(test, "Count").disabled


def test_a_backtest_is_started_with_what_the_page_shows_and_its_folds_are_drawn(run_id, laboratory):
    test = open_tab(run_id, "Walk-forward")
    test.slider(key="evaluate_backtest_folds").set_value(2)
    test.segmented_control(key="evaluate_backtest_mode").set_value("sliding")
    button(test, "Run the backtest").click().run()
    assert not test.exception
    (experiment,) = RunStore().experiments("backtest", run_id)
    assert experiment.parameters == {"folds": 2, "mode": "sliding"}
    laboratory.work()
    test = open_tab(run_id, "Walk-forward")
    assert not test.error
    assert not test.warning
    assert "2 of 2 trainings done · Folds: 2 · Training window: Sliding" in texts(test.caption)
    assert "Over 2 folds and 100 days the skill is" in texts(test.markdown)
    table = test.dataframe[0].value
    assert table.index.tolist() == ["Fold 1", "Fold 2"]
    assert table["RMSE"].str.endswith(" USD").all()
    assert len(test.get("plotly_chart")) == 1
    listed = AppTest.from_file(str(ROOT / "pages" / "6_Runs.py"), default_timeout=60).run()
    assert listed.dataframe[0].value["State"].tolist() == ["Finished"]


def test_a_backtest_that_is_stopped_says_which_folds_are_missing(run_id, laboratory):
    test = open_tab(run_id, "Walk-forward")
    test.slider(key="evaluate_backtest_folds").set_value(3)
    button(test, "Run the backtest").click().run()
    laboratory.cluster.slots = 1
    laboratory.step(2)
    laboratory.cluster.slots = 0
    button(test, "Stop").click().run()
    assert "Stopping" in progress(test)
    laboratory.step()
    laboratory.work()
    test = open_tab(run_id, "Walk-forward")
    assert "Stopped · 0 of 3 trainings done · Folds: 3" in texts(test.caption)
    assert sorted(warning.value.replace("\\", "") for warning in test.warning) == [
        "Fold 1: It was stopped before its end and is left out.", "Folds 2, 3: It was stopped before its turn came."]


def test_too_many_folds_are_said_before_the_start(run_id):
    test = open_tab(run_id, "Walk-forward", evaluate_backtest_folds=12)
    assert button(test, "Run the backtest").disabled
    assert "Choose 10 folds or fewer" in texts(test.error)


def test_a_mistake_is_trained_on_request_and_shown_as_invalid(run_id, laboratory):
    test = open_tab(run_id, "Leak lab", evaluate_leak_mistake="centred_average")
    assert "The mistake: an input is a moving average" in texts(test.caption)
    button(test, "Train with this mistake").click().run()
    assert not test.exception
    laboratory.work()
    test = open_tab(run_id, "Leak lab")
    assert not test.error
    assert test.dataframe[0].value.index.tolist() == ["Honest", "Centred moving average (invalid)"]
    assert "Flattered by: how many points" in texts(test.caption)
    (leaked,) = RunStore().list(kind="train", parent=RunStore().experiments("leak", run_id)[0].id)
    with pytest.MonkeyPatch.context() as patch:  # a page run alone cannot switch to another
        opened = []
        patch.setattr("streamlit.switch_page", opened.append)
        button(test, "Lay curves and predictions beside each other").click().run()
    assert opened == ["pages/6_Runs.py"]
    assert test.session_state["forecasting"].compare == (run_id, leaked.id)


def test_an_experiment_that_failed_says_why(run_id, laboratory, monkeypatch):
    def plan(options, ended, experiment):
        raise ZeroDivisionError

    monkeypatch.setitem(EXPERIMENTS, "parts", replace(PARTS, plan=plan, summarise=lambda runs, experiment: Summary()))
    RunStore().start_experiment("parts", RunStore().history(run_id), CONFIG, {}, parent=run_id)
    laboratory.work()
    assert "internal error (ZeroDivisionError)" in texts(open_tab(run_id, "Rows").error)
