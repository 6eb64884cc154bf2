"""A run's zip file on the pages: offered for download, dropped in, shown, and trained again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from forecasting.runs.store import RunStore
from forecasting.words import price
from tests.runs.opened_run import run_without_network, small_zip

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def result():
    return run_without_network(300)


def open_page(name, **query):
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    if name != "app.py":
        test.switch_page(f"pages/{name}").run()
    assert not test.exception
    return test


def drop(test, content):
    test.file_uploader[0].set_value(("run.zip", content, "application/zip")).run()
    assert not test.exception
    return test


def texts(elements):
    return " ".join(element.value for element in elements)


@pytest.mark.parametrize("page", ["6_Runs.py", "app.py"])
def test_a_zip_that_is_dropped_in_opens_on_the_train_page(page, result):
    test = open_page(page)
    if page == "app.py":
        test.segmented_control(key="data_way").set_value("File").run()
    drop(test, small_zip(result))
    assert not test.error
    state = test.session_state["forecasting"]
    (run,) = RunStore().list(kind="opened")
    assert state.run_id == run.id
    assert state.config == result.config
    np.testing.assert_array_equal(state.history.close, result.history.close)
    test.switch_page("pages/2_Train.py").run()
    assert not test.exception
    assert not test.error
    assert "opened from a file" in texts(test.info)
    shown = {metric.label: metric.value for metric in test.metric}
    assert shown["RMSE"] == price(result.metrics["test"]["rmse"], "USD")


@pytest.mark.parametrize("tab", ["Evidence", "Errors", "Horizon", "Intervals"])
def test_an_opened_run_is_evaluated_like_any_other(tab, result):
    test = drop(open_page("6_Runs.py"), small_zip(result))
    test.session_state["evaluate_tab"] = tab
    test.switch_page("pages/3_Evaluate.py").run()
    assert not test.exception
    assert not test.error
    assert "from a file" in test.selectbox[0].options[0]


def test_an_opened_run_cannot_forecast_but_can_be_trained_again(result):
    test = drop(open_page("6_Runs.py"), small_zip(result))
    (opened,) = RunStore().list()
    test.switch_page("pages/4_Forecast.py").run()
    assert not test.exception
    assert "cannot forecast" in texts(test.info)
    assert not test.get("download_button")
    next(button for button in test.button if button.label == "Train this run again").click().run()
    test.switch_page("pages/2_Train.py").run()
    assert not test.exception
    (started,) = RunStore().list(kind="train")
    assert (started.config, started.fingerprint, started.state) == (opened.config, opened.fingerprint, "scheduled")


def test_an_invalid_run_is_not_trained_again(result):
    test = drop(open_page("6_Runs.py"), small_zip(run_without_network(300, leak="shuffle")))
    test.switch_page("pages/2_Train.py").run()
    assert not test.exception
    assert "Train this run again" not in [button.label for button in test.button]
    assert test.session_state["forecasting"].config.leak is None


@pytest.mark.parametrize("page", ["6_Runs.py", "app.py"])
def test_a_bad_zip_is_one_sentence_and_loses_nothing(page, result):
    test = open_page(page)
    if page == "app.py":
        test.segmented_control(key="data_way").set_value("File").run()
    before = test.session_state["forecasting"].history
    drop(test, small_zip(result, steps_csv=None))
    assert [error.value.replace("\\", "") for error in test.error] == [
        "steps.csv is missing in this zip. Download the zip of the run again, and drop it here unchanged."]
    assert test.session_state["forecasting"].history is before
    assert not RunStore().list()
    test.run()
    assert not test.error


def test_the_zip_of_a_run_is_offered_and_not_made_before_the_click(result, monkeypatch):
    def too_early(result):
        raise AssertionError("made at a drawing")

    monkeypatch.setattr("forecasting.runs.take_home.run_zip", too_early)
    drop(test := open_page("6_Runs.py"), small_zip(replace(result, stopped=True)))
    test.switch_page("pages/2_Train.py").run()
    assert not test.exception
    (button,) = [one for one in test.get("download_button") if one.label == "Download everything (ZIP)"]
    assert not button.disabled
