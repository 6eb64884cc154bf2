"""Pages with a result: a short training, brought into the store as a worker does it, but in this process."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.evaluation.risk import chance_words, measure_risk, size_words, warning_words
from forecasting.evaluation.scores import always_words
from forecasting.evaluation.verdict import direction_words
from forecasting.runs import worker
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore
from forecasting.runs.track import TrackRecord
from forecasting.words import THIN, UNKNOWN, date, price
from pages.components.forecast_view import ForecastView, read_view
from pages.components.store import run_store
from pages.components.text import plain

ROOT = Path(__file__).parents[2]
CONFIG = replace(RECOMMENDED, window=12, horizon=3, units=(4,), epochs=2)


def compute_next(ledger):
    """What the engine and its worker do with the run that is next."""
    (run,) = ledger.next_runs(1)
    _, trace = worker.carry_out(ledger, run.id, run.attempt, lambda: False)
    assert trace is None, trace
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
def beyond(run_id, home):
    """A run on a rising price that it predicts itself, in the store of `home` for one test."""
    days = pd.bdate_range("2018-01-01", periods=500)
    history = PriceHistory(pd.DataFrame({"Close": np.linspace(20, 60, 500) + np.random.default_rng(0).normal(0, 0.2, 500)},
                                        index=days), name="a rise", source="test", currency="USD")
    home[2].create(history, replace(CONFIG, target="price", skip=None, season=None))
    made = compute_next(home[2])
    yield made
    home[2].delete(made)


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
    judged = test.info if result.metrics["test"]["skill"] < 0.02 else test.success
    assert "naive" in texts(judged)
    (button,) = [one for one in test.get("download_button") if one.label == "Download predictions (CSV)"]
    assert not button.disabled


@pytest.mark.parametrize(("tab", "table"), [("Loss", None), ("Scores", ["Training", "Validation", "Test"]),
                                            ("Predictions", ["Split", "Actual", "Predicted", "Naive"])])
def test_every_tab_of_a_result_opens(run_id, tab, table):
    test = open_page("2_Train.py", run_id, train_tab=tab)
    tables = [list(frame.value.columns) for frame in test.dataframe]
    assert [columns[:4] for columns in tables] == ([table] if table else [])
    if tab == "Loss":
        assert "of 2" in texts(test.caption) or "All 2 epochs were trained" in texts(test.caption)


def test_a_score_added_in_one_entry_is_computed_kept_and_shown(home, run_id, monkeypatch):
    from forecasting.evaluation.scores import SCORES, Score

    monkeypatch.setitem(SCORES, "largest", Score(
        "Largest miss", "The error of the worst day.", lambda case: float(abs(case.actual - case.predicted).max()), "price",
        "less", tables=("parts", "baselines")))
    home[2].create(home[2].history(run_id), CONFIG)
    made = compute_next(home[2])
    test = open_page("2_Train.py", made)
    test.session_state["train_tab"] = "Scores"
    test.run()
    result = home[2].result(made)
    errors = result.predictions.query("split == 'test'").eval("actual - predicted").abs()
    assert test.dataframe[0].value.loc["Largest miss", "Test"] == price(errors.max(), "USD")
    assert "The error of the worst day." in texts(test.markdown)
    ranked = open_page("3_Evaluate.py", made).dataframe[0].value
    assert ranked.loc["This run", "Largest miss"] == price(errors.max(), "USD")
    home[2].delete(made)


def test_a_changed_setting_is_said_beside_the_run_that_stays(run_id):
    test = open_page("2_Train.py", run_id)
    assert "other settings" not in texts(test.info)
    test.slider(key="train_window").set_value(20).run()
    assert "Window differs" in texts(test.info)
    assert "RMSE" in metrics(test)


def mend_button(test):
    return next(button for button in test.button if button.label == "Train with log returns")


@pytest.mark.parametrize("page", ["2_Train.py", "3_Evaluate.py"])
def test_verdict_of_a_bad_run_says_why_and_offers_the_mend(beyond, page):
    test = open_page(page, beyond)
    (verdict,) = test.warning
    assert "Worse than naive" in verdict.value
    assert "of the test prices lie above the" in verdict.value
    assert not mend_button(test).disabled
    assert "Target: Price → Log return" in texts(test.caption).replace("\\", "")


@pytest.mark.parametrize("page", ["2_Train.py", "3_Evaluate.py"])
def test_mend_takes_its_settings_in_hand_and_starts_the_training(beyond, home, page):
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["run"] = beyond
    test.run().switch_page(f"pages/{page}").run()
    mend_button(test).click().run()
    assert not test.exception
    assert test.title[0].value == "Train"
    run = home[2].list()[0]
    assert run.state == "scheduled"
    assert run.config == replace(CONFIG, target="log_return", skip=None, season=None)
    assert run.fingerprint == home[2].get(beyond).fingerprint
    assert mend_button(test).disabled  # of the run before, while the new one is under way
    assert home[2].list()[0].id == run.id
    compute_next(home[2])
    mended = home[2].result(run.id)
    assert mended.metrics["test"]["rmse"] < home[2].result(beyond).metrics["test"]["rmse"] / 3
    home[2].delete(run.id)


def test_loss_that_is_no_number_gets_its_mend_where_the_error_stands(run_id, home):
    ledger = home[2]
    config = replace(CONFIG, units=(64,), cell="rnn", optimizer="sgd", learning_rate=1.0, clip_norm=None, epochs=8, skip=None,
                     season=None, supervision="last_step", loss="mse", batch_size=16)
    ledger.create(ledger.history(run_id), config)
    failed = compute_next(ledger)
    test = AppTest.from_file(str(ROOT / "pages" / "2_Train.py"), default_timeout=60)
    test.query_params["run"] = failed
    test.run()
    assert "no longer a number" in texts(test.error)
    assert "no limit on the gradient" in texts(test.error)
    next(button for button in test.button if button.label == "Train with a learning rate of 0.1").click().run()
    assert not test.exception
    run = ledger.list()[0]
    compute_next(ledger)
    assert ledger.get(run.id).state == "finished"
    assert run.config == replace(config, learning_rate=0.1, clip_norm=1.0)
    for one in (failed, run.id):
        ledger.delete(one)


@pytest.mark.parametrize("tab", ["Baselines", "Evidence", "Lag", "Errors", "Horizon", "Intervals", "Risk", "Walk-forward",
                                 "Leak lab"])
def test_every_tab_of_evaluate_opens(run_id, tab):
    test = open_page("3_Evaluate.py", run_id, evaluate_tab=tab)
    assert {"RMSE", "Skill", "Right direction"} <= set(metrics(test))
    assert "Evidence gate" in texts(test.markdown)


def test_risk_is_said_and_held_against_what_came(run_id, home):
    test = open_page("3_Evaluate.py", run_id, evaluate_tab="Risk")
    result = home[2].result(run_id)
    risk = measure_risk(result.history, result)
    assert plain(warning_words(risk, risk.outlook(), "tomorrow")) in texts(test.markdown)
    table = test.dataframe[0].value
    assert table["Method"].tolist()[:2] == ["This run", "This run"]
    assert table["Came"].iloc[0].endswith(f"of {len(risk.table) - 1})")


def test_the_risk_of_a_forecast_is_that_of_its_day_and_steps(run_id, home):
    result = home[2].result(run_id)
    day = result.predictions.index[-40]
    test = forecast_page(run_id, json.dumps({"steps": 3, "refit": False, "as_of": day.date().isoformat()}))
    for step in (1, 3):
        if step > 1:
            test.select_slider[0].set_value(step).run()
        outlook = measure_risk(result.history, result, step).outlook(-40)
        said = metrics(test)
        assert said["Value at risk 95 %"] == size_words(outlook.value_at_risk[0.95], True)
        assert said["Expected volatility"] == size_words(outlook.volatility, True)
    test.number_input(key="forecast_risk_size").set_value(2.0).run()
    assert plain(chance_words(outlook, 0.02, "over the next 3 days")) in texts(test.markdown)


def test_directions_are_compared_with_always_calling_the_same_one(run_id, home):
    test = open_page("3_Evaluate.py", run_id)
    scores = home[2].result(run_id).metrics["test"]
    (direction,) = [metric for metric in test.metric if metric.label == "Right direction"]
    assert direction.delta == f"always {always_words(scores)}"
    assert direction_words(scores) in texts(test.caption)
    ranked = test.dataframe[0].value
    assert ranked.loc["This run", "Always one way"] == always_words(scores)
    assert ranked.loc["Naive", "Always one way"] == UNKNOWN
    shown = open_page("2_Train.py", run_id, train_tab="Scores").dataframe[0].value
    assert shown.loc["Always one way", "Test"] == always_words(scores)
    assert shown.loc["In the 95 % interval", "Validation"].endswith("(fitted)")
    assert not shown.loc["In the 95 % interval", "Test"].endswith("(fitted)")


def test_a_run_that_was_saved_before_a_score_was_known_still_opens(run_id, monkeypatch):
    def without(result):
        new = {"naive_mase", "directional_up", "directional_base", "directional_p"}
        result.metrics = {part: {name: value for name, value in scores.items() if name not in new}
                          for part, scores in result.metrics.items()}
        return result

    load = RunStore.result
    monkeypatch.setattr(RunStore, "result", lambda store, run_id: without(load(store, run_id)))
    test = open_page("3_Evaluate.py", run_id)
    (direction,) = [metric for metric in test.metric if metric.label == "Right direction"]
    assert direction.delta == f"always {UNKNOWN}"
    shown = open_page("2_Train.py", run_id, train_tab="Scores").dataframe[0].value
    assert shown.loc[["Naive MASE", "Always one way", "McNemar's p"], "Test"].tolist() == [UNKNOWN] * 3
    assert open_page("3_Evaluate.py", run_id, evaluate_tab="Leak lab").dataframe is not None


def test_slow_baselines_are_made_when_asked_for(run_id):
    test = open_page("3_Evaluate.py", run_id)
    test.multiselect(key="evaluate_extra").set_value(["exponential_smoothing"]).run()
    assert not test.exception
    assert any("xponential" in name for name in test.dataframe[0].value.index)


def forecast_page(run_id, forecast=None):
    """The Forecast page as a link with this `forecast` opens it."""
    test = AppTest.from_file(str(ROOT / "pages" / "4_Forecast.py"), default_timeout=60)
    test.query_params["run"] = run_id
    if forecast is not None:
        test.query_params["forecast"] = forecast
    test.run()
    assert not test.exception
    assert not test.error
    return test


def forecast_table(test):
    (table,) = [frame.value for frame in test.dataframe if "Upper 95" in frame.value.columns]
    return table


def chart_title(test):
    return next(json.loads(chart.proto.spec)["layout"]["title"]["text"] for chart in test.get("plotly_chart")
                if "orecast" in chart.proto.spec)


def button(test, label):
    return next(one for one in test.button if one.label == label)


@pytest.fixture
def refitted(run_id, home):
    """The run, with its first forecast made by whoever opened the page first."""
    forecast_page(run_id)
    if any(job.active for job in home[2].list(kind="forecast", parent=run_id)):
        compute_next(home[2])
    return run_id


def test_forecast_is_made_by_itself_and_until_then_the_run_as_trained_is_shown(run_id, home):
    test = forecast_page(run_id)
    assert chart_title(test) == "Preliminary forecast, as trained"
    assert len(forecast_table(test)) == CONFIG.horizon
    assert button(test, "Forecast").disabled
    assert not button(test, "Stop").disabled
    assert all(one.disabled for one in test.get("download_button"))
    job = home[2].get(compute_next(home[2]))
    test.run()
    assert chart_title(test) == "Forecast"
    assert len(forecast_table(test)) == 5
    assert button(test, "Stop").disabled
    assert not any(one.disabled for one in test.get("download_button"))
    assert metrics(test)["Last known price"].endswith("USD")
    assert "gate" in texts(test.markdown) or "naive" in texts(test.markdown)
    # What is shown is what the job computed.
    expected = home[2].forecast(job.id)["guarded_upper_95"].iloc[4]
    assert forecast_table(test)["Upper 95"].iloc[-1] == price(expected, "USD")


def test_steps_and_guard_of_a_forecast_that_is_there_need_no_other_one(refitted, home):
    test = forecast_page(refitted)
    own, guarded = (home[2].forecast(home[2].list(kind="forecast", parent=refitted)[0].id)[f"{name}predicted"].iloc[19]
                    for name in ("", "guarded_"))
    test.slider(key="forecast_steps").set_value(20).run()
    assert metrics(test)[next(label for label in metrics(test) if label.startswith("Expected"))] == price(guarded, "USD")
    test.toggle(key="forecast_guarded").set_value(False).run()
    assert metrics(test)[next(label for label in metrics(test) if label.startswith("Expected"))] == price(own, "USD")
    assert len(home[2].list(kind="forecast", parent=refitted)) == 1


def test_a_forecast_as_trained_within_the_horizon_needs_no_job(refitted, home):
    before = len(home[2].list(kind="forecast", parent=refitted))
    test = forecast_page(refitted, '{"steps":3,"refit":false}')
    expected = home[2].result(refitted).forecast(3, guarded=True)
    assert forecast_table(test)["Lower 80"].tolist() == [price(value, "USD") for value in expected["lower_80"]]
    assert chart_title(test) == "Forecast"
    assert len(home[2].list(kind="forecast", parent=refitted)) == before


def test_the_combination_forecasts_when_asked_and_says_what_it_is_made_of(refitted, home):
    test = forecast_page(refitted, '{"steps":3,"refit":false}')
    test.radio(key="forecast_by").set_value("Combination").run()
    assert not test.exception
    assert json.loads(test.query_params["forecast"])["combined"] is True
    assert chart_title(test) == "Forecast, from the earlier settings"
    job = compute_next(home[2])
    test.run()
    assert not test.exception
    assert chart_title(test) == "Forecast by the combination"
    both = home[2].result(refitted).combined()
    assert plain(both.words) in texts(test.markdown)
    assert plain(both.tested.gate.words(3, "combination")) in texts(test.markdown)
    expected = both.forecast(3, guarded=True)
    assert forecast_table(test)["Upper 95"].tolist() == [price(value, "USD") for value in expected["upper_95"]]
    assert home[2].get(job).parameters["combined"] is True
    assert [one.about["combined"] for one in TrackRecord().list() if one.about["run"] == refitted
            and not one.about["refit"]].count(True) == 1  # kept under a name of its own
    test.radio(key="forecast_by").set_value("This run").run()
    assert chart_title(test) == "Forecast"
    assert "combination" not in texts(test.markdown)


def test_a_forecast_from_the_last_row_is_kept_and_scored_when_its_series_goes_on(run_id, home, monkeypatch):
    history = replace(home[2].result(run_id).history, name="XYZ", origin="ticker")
    days = pd.bdate_range(history.dates[-1], periods=3)[1:]
    newer = replace(history, frame=pd.concat([history.frame, pd.DataFrame({"Close": history.close[-1]}, index=days)]))
    monkeypatch.setattr("forecasting.data.tickers.fetch_prices", lambda symbol, **request: newer)
    test = forecast_page(run_id, '{"steps":3,"refit":false}')
    kept = TrackRecord().list()
    assert any(one.about["run"] == run_id and len(one.rows) == 3 for one in kept)
    assert button(test, "Fetch tickers again").disabled  # the run's own series is no ticker
    forecast = home[2].result(run_id).forecast(3, guarded=True)
    TrackRecord().keep(history, forecast, run="a" * 32, settings={}, guarded=True, refit=False,
                       now=pd.Timestamp(days[0], tz="UTC") - pd.Timedelta(hours=3))
    test.run()
    button(test, "Fetch 1 ticker again").click().run()
    for _ in range(50):
        if "made before the fact" in texts(test.markdown):
            break
        test.run()
    assert not test.exception
    assert "2 forecasts made before the fact" in texts(test.markdown)
    scored = next(one for one in TrackRecord().list() if one.about["run"] == "a" * 32)
    assert [row["actual"] for row in scored.rows] == [history.close[-1], history.close[-1], None]


def test_forecast_of_a_past_day_follows_the_settings_and_the_earlier_one_stays_until_it_is_there(refitted, home):
    test = forecast_page(refitted)
    shown = forecast_table(test)
    test.toggle(key="forecast_past").set_value(True).run()
    assert not test.exception
    assert chart_title(test) == "Forecast, from the earlier settings"
    pd.testing.assert_frame_equal(forecast_table(test), shown)
    assert "forecast_shown" in " ".join(one.proto.body for one in test.get("html"))
    compute_next(home[2])
    test.run()
    assert not test.exception
    assert not test.get("html")
    assert chart_title(test) == "Forecast"
    assert "What came" in next(chart.proto.spec for chart in test.get("plotly_chart"))
    day = test.date_input(key="forecast_day").value
    assert forecast_table(test).index[0] == date(home[2].result(refitted).forecast(1, as_of=day).index[0])


def test_a_forecast_that_was_stopped_is_made_again_only_when_asked(refitted, home):
    view = '{"steps":30,"as_of":"2019-11-20"}'
    forecast_page(refitted, view)
    (queued,) = home[2].next_runs(1)
    home[2].end(queued.id, "stopped")
    test = forecast_page(refitted, view)
    assert "stopped" in texts(test.info)
    assert not home[2].next_runs(1)
    button(test, "Forecast").click().run()
    assert not test.info
    compute_next(home[2])


def test_the_address_brings_back_what_the_sender_saw(refitted):
    sent = forecast_page(refitted)
    sent.slider(key="forecast_steps").set_value(2)
    sent.toggle(key="forecast_guarded").set_value(False)
    sent.toggle(key="forecast_refit").set_value(False).run()
    sent.toggle(key="forecast_past").set_value(True).run()  # from here on, refit is off and cannot be moved
    day = datetime.date(2019, 11, 19)
    sent.date_input(key="forecast_day").set_value(day).run()
    address = sent.query_params["forecast"]
    assert json.loads(address) == {"steps": 2, "as_of": "2019-11-19", "guarded": False, "refit": False}
    opened = forecast_page(refitted, address)
    assert opened.slider(key="forecast_steps").value == 2
    assert opened.date_input(key="forecast_day").value == day
    assert [opened.toggle(key=f"forecast_{name}").value for name in ("guarded", "past", "refit")] == [False, True, False]
    pd.testing.assert_frame_equal(forecast_table(opened), forecast_table(sent))
    assert opened.query_params["forecast"] == address
    opened.toggle(key="forecast_past").set_value(False).run()
    opened.toggle(key="forecast_guarded").set_value(True)
    opened.toggle(key="forecast_refit").set_value(True)
    opened.slider(key="forecast_steps").set_value(5).run()
    assert "forecast" not in opened.query_params


def test_the_address_names_the_run_also_when_nobody_chose_one(refitted):
    test = AppTest.from_file(str(ROOT / "pages" / "4_Forecast.py"), default_timeout=60).run()
    assert test.query_params["run"] == refitted


@pytest.mark.parametrize(("asked", "words"), [
    ("not JSON", "damaged"),
    ("[1]", "damaged"),
    ("[" * 100_000, "damaged"),
    ('{"steps":"<b>"}', 'steps="<b>"'),
    ('{"steps":true}', "steps=true"),
    ('{"steps":0}', "steps=0"),
    ('{"steps":100000}', "steps=100000"),
    ('{"as_of":"2018-02-30"}', 'as_of="2018-02-30"'),
    ('{"as_of":5}', "as_of=5"),
    ('{"guarded":"no","refit":0,"colour":1}', 'guarded="no", refit=0, colour=1'),
])
def test_an_address_that_cannot_be_read_is_answered_with_what_is_wrong(asked, words):
    view, problem = read_view(asked)
    assert view == ForecastView()
    assert words in problem


def test_one_bad_value_in_the_address_leaves_the_others():
    view, problem = read_view('{"steps":12,"guarded":false,"as_of":"yesterday"}')
    assert view == ForecastView(steps=12, guarded=False)
    assert 'as_of="yesterday"' in problem


@pytest.mark.parametrize("view", [
    ForecastView(), ForecastView(steps=24), ForecastView(guarded=False), ForecastView(refit=False),
    ForecastView(as_of=datetime.date(2012, 5, 31)), ForecastView(combined=True),
    ForecastView(3, False, False, datetime.date(2012, 5, 31), True)])
def test_every_view_comes_back_from_its_text(view):
    assert read_view(view.to_text()) == (view, None)


@pytest.mark.parametrize(("asked", "words"), [
    ('{"steps":"many"}', "many"),
    ('{"steps":999}', "up to 63 days ahead"),
    ('{"as_of":"1990-01-01"}', "1 Jan 1990"),
])
def test_what_the_address_asks_in_vain_is_said_until_somebody_chooses(refitted, asked, words):
    test = forecast_page(refitted, asked)
    assert words in texts(test.warning).replace(THIN, " ")
    assert test.slider(key="forecast_steps").value == 5
    assert [test.toggle(key=f"forecast_{name}").value for name in ("guarded", "past", "refit")] == [True, False, True]
    assert "forecast" not in test.query_params
    assert len(forecast_table(test)) == 5
    test.run()
    assert test.warning
    test.slider(key="forecast_steps").set_value(7).run()
    assert not test.warning


def test_runs_lists_every_run_and_no_score_of_an_invalid_one(run_id, home):
    ledger = home[2]
    ledger.create(ledger.history(run_id), replace(CONFIG, epochs=1, leak="scaler"))
    invalid = compute_next(ledger)
    table = open_page("6_Runs.py", run_id).dataframe[0].value
    ledger.delete(invalid)
    assert table["Series"].tolist() == ["a walk"] * 2
    assert table["State"].tolist() == ["Invalid", "Finished"]
    for score in ("RMSE", "Naive RMSE", "MAPE", "Naive MAPE", "Skill"):
        unknown, known = table[score]
        assert np.isnan(unknown)
        assert np.isfinite(known)


@pytest.fixture
def deleted(run_id, home):
    """The run, in the trash for one test."""
    home[2].delete(run_id)
    yield run_id
    home[2].restore(run_id)


@pytest.mark.parametrize("page", ["2_Train.py", "3_Evaluate.py", "4_Forecast.py"])
def test_a_run_in_the_trash_is_restored_where_its_address_was_opened(deleted, home, page):
    test = open_page(page, deleted)
    assert "trash" in texts(test.warning)
    assert deleted in test.query_params["run"]  # so that a reload says the same
    assert "RMSE" not in metrics(test)
    next(button for button in test.button if button.label == "Restore").click().run()
    assert not test.exception
    assert not test.warning or "trash" not in texts(test.warning)
    assert "a walk" in texts(test.caption)
    assert home[2].get(deleted).state == "finished"
    assert metrics(test)


@pytest.mark.parametrize("page", ["2_Train.py", "3_Evaluate.py", "4_Forecast.py"])
def test_a_run_that_is_gone_for_good_is_said(run_id, page):
    test = AppTest.from_file(str(ROOT / "pages" / page), default_timeout=60)
    test.query_params["run"] = "0" * 32
    test.run()
    assert not test.exception
    assert "is not in" in texts(test.error)


def test_a_run_deleted_in_another_tab_is_said_with_the_way_back(run_id, home):
    test = open_page("2_Train.py", run_id)
    home[2].delete(run_id)
    run_store()._ended.clear()  # as in another process, which has not read it
    test.run()
    home[2].restore(run_id)
    assert not test.exception
    assert "trash" in texts(test.warning)


def test_an_old_run_that_a_link_names_is_shown_though_the_list_no_longer_reaches_it(run_id, home, monkeypatch):
    home[2].create(home[2].history(run_id), replace(CONFIG, epochs=1))
    newer = compute_next(home[2])
    monkeypatch.setattr("pages.components.runs.MOST_OFFERED", 1)
    test = open_page("3_Evaluate.py", run_id)
    home[2].delete(newer)
    assert [box.value for box in test.selectbox if box.label == "Run"] == [run_id]


def test_a_combination_joins_the_baselines_when_asked_and_says_what_it_is_made_of(run_id):
    test = open_page("3_Evaluate.py", run_id, evaluate_tab="Baselines", evaluate_extra=["combination"])
    assert "Combination" in test.dataframe[0].value.index
    assert "shares chosen on validation" in texts(test.markdown)
