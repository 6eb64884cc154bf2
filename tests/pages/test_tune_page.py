"""The Tune page: a search is proposed, started, followed, changed, and its winner used; the engine is moved by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED
from forecasting.data.samples import load_sample
from forecasting.runs.experiments import search as search_module
from forecasting.runs.kinds import RUN_KINDS
from forecasting.runs.store import RunStore
from tests.pages.elements import button, texts
from tests.runs.laboratory import Laboratory, script_trainings
from tests.runs.test_search import script_trials

ROOT = Path(__file__).parents[2]


@pytest.fixture
def laboratory(monkeypatch):
    script_trainings(monkeypatch, load_sample())
    monkeypatch.setitem(RUN_KINDS, "trial", script_trials(lambda config: 0.9 if config.units[0] == 64 else 1.0))
    monkeypatch.setattr(search_module, "FINALISTS", 2)
    monkeypatch.setattr(search_module, "SEEDS", 2)
    return Laboratory(monkeypatch)


def open_page(name="5_Tune", **query):
    test = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60)
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    return test


def progress(test):
    return " ".join(bar.proto.text for bar in test.get("progress")).replace("\\", "")


def searches():
    return [run for run in RunStore().list(kind="experiment") if run.experiment == "search"]


def table(test):
    return next(one.value for one in test.dataframe if "Curve" in one.value)


def test_a_search_from_the_page_through_the_engine_to_the_winners_settings_in_the_sidebar(laboratory):
    test = open_page()
    assert button(test, "Start the search").disabled is False
    trials = next(one for one in test.number_input if one.label == "Trials")
    trials.set_value(6)
    button(test, "Start the search").click().run()
    assert not test.exception
    assert not test.error
    (run,) = searches()
    assert run.parameters["trials"] == 6
    assert list(run.parameters["space"]) == ["window", "units", "layers", "learning_rate"]
    laboratory.step(2)
    test = open_page()  # as after a reload: the search is found by its series
    assert "Searching · 0 of 6 trials" in progress(test)
    assert button(test, "Start the search").disabled
    assert table(test)["State"].tolist().count("Training") == 2
    laboratory.work(100)
    test = open_page()
    assert "Done · 6 of 6 trials" in texts(test.caption)
    assert "Trial 1 is Recommended." in texts(test.caption)
    assert "20 trials have come to their end" in texts(test.caption)
    assert {metric.label for metric in test.metric} == {"Best so far", "Recommended", "Gain in the search", "Luck alone"}
    assert "*Recommended*" in texts(test.markdown)
    assert "**On the test part, read once**" in texts(test.markdown)
    assert len(test.get("plotly_chart")) == 2  # importance is not known yet
    winner = next(one for one in test.number_input if one.label == "Trial").value
    child = next(child for child in RunStore().children(run) if child.key == f"trial-{winner:04d}")
    button(test, "Use the winner's settings").click().run()
    assert not test.exception
    assert replace(test.session_state["forecasting"].config, seed=0) == replace(child.config, seed=0)
    listed = open_page("6_Runs")
    assert "There are no runs yet" in texts(listed.info)


def test_a_running_search_is_paused_narrowed_given_more_and_stopped(laboratory):
    store, history = RunStore(), load_sample()
    space = {"units": [16, 64], "learning_rate": {"low": 0.001, "high": 0.01}}
    run_id = store.start_experiment("search", history, RECOMMENDED, {"space": space, "trials": 6})
    laboratory.step(2)
    test = open_page()
    button(test, "Pause").click().run()
    assert store.get(run_id).parameters["paused"] is True
    assert "Paused" in progress(test)
    button(test, "Continue").click().run()
    assert store.get(run_id).parameters["paused"] is False
    narrow = button(test, "Search these values from now on")
    assert narrow.disabled
    next(one for one in test.multiselect if one.label == "Units").set_value([3]).run()
    button(test, "Search these values from now on").click().run()
    assert store.get(run_id).parameters["space"]["units"] == [64]
    next(one for one in test.number_input if one.label == "Trials").set_value(9).run()
    button(test, "Change the budget").click().run()
    assert store.get(run_id).parameters["trials"] == 9
    next(one for one in test.number_input if one.label == "Trial").set_value(2).run()
    button(test, "Keep this trial").click().run()
    assert store.get(run_id).parameters["kept"] == ["trial-0002"]
    assert "Training, kept" in table(test)["State"].tolist()
    button(test, "Stop this trial").click().run()
    assert not test.error
    stopping = next(child for child in store.children(store.get(run_id)) if child.key == "trial-0002")
    assert stopping.stopping
    next(one for one in test.number_input if one.label == "Trial").set_value(77).run()
    button(test, "Stop this trial").click().run()
    assert "Trial 77 is not being trained" in texts(test.error)
    button(test, "Stop").click().run()
    assert "Stopping" in progress(test)
    laboratory.work(100)
    test = open_page()
    assert "Stopped" in texts(test.caption)
    assert button(test, "Go on with this budget").disabled is False


def test_what_cannot_be_searched_is_said_before_the_start():
    test = open_page()
    next(one for one in test.number_input if one.label == "Trials").set_value(0).run()
    assert "needs a budget" in texts(test.error)
    assert button(test, "Start the search").disabled
    next(one for one in test.number_input if one.label == "Minutes").set_value(5).run()
    assert not test.error
    next(one for one in test.multiselect if one.label == "Settings").set_value([]).run()
    assert "at least one setting" in texts(test.error)


@pytest.mark.parametrize("name", ["dropout", "features", "clip_norm", "skip", "momentum"])
def test_any_setting_can_be_added_to_the_space(name):
    test = open_page()
    chosen = next(one for one in test.multiselect if one.label == "Settings")
    chosen.set_value([name]).run()
    assert not test.exception
    assert not test.error
    assert button(test, "Start the search").disabled is False
