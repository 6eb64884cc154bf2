"""Train pressed while the store does not answer, and a page that is reloaded right after the click."""

import sqlite3
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, load_sample
from forecasting.runs.store import RunStore
from pages.components import order, state, store
from tests.pages.elements import button, texts

ROOT = Path(__file__).parents[2]
WAITS = "is put into the queue as soon as it does"


@pytest.fixture(autouse=True)
def one_browser(monkeypatch):
    monkeypatch.setattr(state, "owner_id", lambda: "anna")
    monkeypatch.setattr(order, "AT_ONCE_SECONDS", 60.0)  # on a machine that is busy with other things


@contextmanager
def locked(home):
    order.AT_ONCE_SECONDS = 0.5
    with closing(sqlite3.connect(home / "runs.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


def open_page(**address):
    test = AppTest.from_file(f"{ROOT}/pages/2_Train.py", default_timeout=120)
    for name, value in address.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def runs():
    """All there are, half-made ones included: {id: MLflow's status}."""
    return {one.info.run_id: one.info.status for one in RunStore(patience=60)._search("")}


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def press(test, label):
    button(test, label).click()
    test.run()
    assert not test.exception
    return test


def pending(test):
    return WAITS in texts(test.info)


def test_a_click_on_train_starts_the_run_and_shows_it():
    test = press(open_page(), "Train")
    (run_id,) = runs()
    assert test.query_params["run"] == run_id
    assert (button(test, "Train").disabled, button(test, "Stop").disabled) == (True, False)
    assert not pending(test)


def test_a_click_while_the_store_is_locked_is_carried_out_once_it_answers(tmp_path):
    test = open_page()
    with locked(tmp_path):
        press(test, "Train")
        assert pending(test)
        assert (button(test, "Train").disabled, button(test, "Stop").disabled) == (True, False)
        assert not test.error
    wait_until(lambda: list(runs().values()) == ["SCHEDULED"])
    wait_until(lambda: not pending(test.run()))
    assert test.query_params["run"] == next(iter(runs()))
    assert not test.error
    assert len(runs()) == 1


def test_a_click_while_the_store_is_locked_can_be_taken_back(tmp_path):
    test = open_page()
    with locked(tmp_path):
        press(test, "Train")
        press(test, "Stop")
        assert not pending(test)
        assert not button(test, "Train").disabled
    time.sleep(1)
    assert runs() == {}
    assert not test.error


def test_a_page_that_is_reloaded_right_after_the_click_follows_the_run():
    test = open_page()
    press(test, "Train")
    (run_id,) = runs()
    reloaded = open_page()  # the address that names the run had not reached the browser
    assert reloaded.query_params["run"] == run_id
    assert button(reloaded, "Train").disabled
    assert len(runs()) == 1


def test_a_page_that_is_reloaded_while_the_store_is_locked_goes_on_waiting(tmp_path):
    test = open_page()
    with locked(tmp_path):
        press(test, "Train")
        reloaded = open_page()
        assert pending(reloaded)
        assert button(reloaded, "Train").disabled
    wait_until(lambda: not pending(reloaded.run()) and "run" in reloaded.query_params)
    assert reloaded.query_params["run"] == next(iter(runs()))


def another_run():
    RunStore(patience=None).list()  # opened, which takes long on a busy machine
    return RunStore(patience=60).create(load_sample(), RECOMMENDED)


def test_a_click_that_the_page_before_gets_to_only_after_the_reload_is_followed_too():
    busy = open_page()
    reloaded = open_page()
    assert "run" not in reloaded.query_params
    press(busy, "Train")
    reloaded.run()  # as the page does by itself
    assert reloaded.query_params["run"] == next(iter(runs()))
    assert button(reloaded, "Train").disabled


def test_a_page_looks_out_for_late_clicks_right_after_a_reload_only(monkeypatch):
    looks = []
    monkeypatch.setattr(order.st, "fragment", lambda function, run_every: looks.append(function.__name__) or (lambda *_: None))
    monkeypatch.setattr("forecasting.runs.orders.BUSY_SECONDS", 60.0)
    open_page()
    assert looks == []
    reloaded = open_page()
    assert looks == ["_look"]
    reloaded.session_state["forecasting"].expects_order = 0.0
    reloaded.run()
    assert looks == ["_look"]


def test_a_page_of_something_else_does_not_follow_a_run_that_was_just_ordered():
    other = another_run()
    test = press(open_page(), "Train")
    assert test.query_params["run"] != other
    assert open_page(run=other).query_params["run"] == other


def test_a_page_opened_after_the_run_was_shown_starts_with_nothing(monkeypatch):
    monkeypatch.setattr(order, "SURELY_SEEN_AFTER", 0.0)
    test = press(open_page(), "Train")
    test.run()  # the browser asks for more, so it has got the run
    monkeypatch.setattr("forecasting.runs.orders.BUSY_SECONDS", 0.0)
    assert "run" not in open_page().query_params


@pytest.mark.parametrize("page", ["pages/6_Runs.py", "pages/2_Train.py"])
def test_what_is_said_of_a_store_that_does_not_answer_leaves_once_it_does(tmp_path, monkeypatch, page):
    run_id = another_run()
    test = AppTest.from_file(f"{ROOT}/{page}", default_timeout=120)
    test.query_params["run"] = run_id
    test.run()
    store.run_store()._tracking.patience = 0.5
    asked = []
    monkeypatch.setattr(store.st, "rerun", lambda: asked.append(True))
    with locked(tmp_path):
        test.run()
        assert "did not answer in time" in texts(test.error)
        store._ask_store(drawn=0.0)
        assert asked == []
    store.run_store()._tracking.patience = 60
    wait_until(lambda: store._ask_store(drawn=0.0) or asked)
    monkeypatch.undo()
    test.run()
    assert not test.error
