"""Pages with a result: a short training, brought into the store as a worker does it, but in this process."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.runs import worker
from forecasting.runs.ledger import RunLedger
from forecasting.words import UNKNOWN

ROOT = Path(__file__).parents[2]
CONFIG = replace(RECOMMENDED, window=12, horizon=3, units=(4,), epochs=2)


def compute_next(ledger):
    """What the engine and its worker do with the run that is next."""
    (run,) = ledger.next_runs(1)
    state, error, trace = worker._outcome(ledger, run.id, lambda: False)
    assert trace is None, trace
    ledger.end(run.id, state, error)
    return run.id


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECASTING_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        rng = np.random.default_rng(0)
        days = pd.bdate_range("2018-01-01", periods=500)
        history = PriceHistory(pd.DataFrame({"Close": 100 * np.exp(rng.normal(0, 0.01, 500).cumsum())}, index=days),
                               name="a walk", source="test", currency="USD")
        ledger = RunLedger()
        ledger.create(history, CONFIG)
        run_id = compute_next(ledger)
        yield folder, run_id, ledger


@pytest.fixture
def run_id(home, monkeypatch):
    folder, run_id, _ = home
    monkeypatch.setenv("FORECASTING_HOME", str(folder))  # over the empty one that every page test has
    return run_id


def open_page(name, run_id, **state):
    test = AppTest.from_file(str(ROOT / "pages" / name), default_timeout=60)
    test.query_params["run"] = run_id
    for key, value in state.items():
        test.session_state[key] = value
    test.run()
    assert not test.exception
    assert not test.error
    return test


def metrics(test):
    return {metric.label: metric.value for metric in test.metric}


def texts(elements):
    return " ".join(element.value for element in elements)


def test_train_shows_scores_beside_naive_and_says_whether_they_are_better(run_id, home):
    test = open_page("2_Train.py", run_id)
    result = home[2].result(run_id)
    assert float(metrics(test)["RMSE"].split()[0]) == pytest.approx(result.metrics["test"]["rmse"], abs=0.005)
    assert float(metrics(test)["MAPE"].split()[0]) == pytest.approx(result.metrics["test"]["mape"], abs=0.005)
    assert "naive" in texts(test.markdown)
    (button,) = [one for one in test.get("download_button") if one.label == "Download predictions (CSV)"]
    assert not button.disabled


@pytest.mark.parametrize(("tab", "table"), [("Loss", None), ("Scores", ["Training", "Validation", "Test"]),
                                            ("Predictions", ["Split", "Actual", "Predicted", "Naive"])])
def test_every_tab_of_a_result_opens(run_id, tab, table):
    test = open_page("2_Train.py", run_id, train_tab=tab)
    tables = [list(frame.value.columns) for frame in test.dataframe]
    assert [columns[:4] for columns in tables] == ([table] if table else [])


def test_a_changed_setting_is_said_beside_the_run_that_stays(run_id):
    test = open_page("2_Train.py", run_id)
    assert "other settings" not in texts(test.info)
    test.slider(key="train_window").set_value(20).run()
    assert "window differ" in texts(test.info)
    assert "RMSE" in metrics(test)


@pytest.mark.parametrize("tab", ["Baselines", "Evidence", "Lag", "Errors", "Horizon", "Intervals", "Walk-forward", "Leak lab"])
def test_every_tab_of_evaluate_opens(run_id, tab):
    test = open_page("3_Evaluate.py", run_id, evaluate_tab=tab)
    assert {"RMSE", "Skill", "Right direction"} <= set(metrics(test))
    assert "Evidence gate" in texts(test.markdown)


def test_slow_baselines_are_made_when_asked_for(run_id):
    test = open_page("3_Evaluate.py", run_id)
    test.multiselect(key="evaluate_extra").set_value(["exponential_smoothing"]).run()
    assert not test.exception
    assert any("xponential" in name for name in test.dataframe[0].value.index)


def test_forecast_is_queued_on_the_first_visit_and_then_drawn(run_id, home):
    test = AppTest.from_file(str(ROOT / "pages" / "4_Forecast.py"), default_timeout=60)
    test.query_params["run"] = run_id
    test.run()
    assert not test.exception
    compute_next(home[2])
    test = open_page("4_Forecast.py", run_id)
    assert metrics(test)["Last known price"].endswith("USD")
    assert "gate" in texts(test.markdown) or "naive" in texts(test.markdown)
    (table,) = [frame.value for frame in test.dataframe if "Upper 95" in frame.value.columns]
    assert len(table) == 5


def test_forecast_can_be_made_as_of_a_past_day_with_what_then_came(run_id, home):
    test = open_page("4_Forecast.py", run_id, forecast_past=True)
    next(button for button in test.button if button.label == "Forecast").click().run()
    compute_next(home[2])
    test.run()
    assert not test.exception
    assert not test.error
    assert "Last known price" in metrics(test)


def test_runs_lists_every_run_and_no_score_of_an_invalid_one(run_id, home):
    ledger = home[2]
    ledger.create(ledger.history(run_id), replace(CONFIG, epochs=1, leak="scaler"))
    invalid = compute_next(ledger)
    table = open_page("6_Runs.py", run_id).dataframe[0].value
    ledger.delete(invalid)
    assert table["Series"].tolist() == ["a walk"] * 2
    assert table["State"].tolist() == ["Finished (invalid)", "Finished"]
    for score in ("RMSE", "Naive RMSE", "MAPE", "Naive MAPE", "Skill"):
        unknown, known = table[score]
        assert unknown == UNKNOWN
        assert known[-1] in "%D"
