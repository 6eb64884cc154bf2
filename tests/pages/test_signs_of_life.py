"""What the Train page says of a run whose process gives no sign of life, or was lost."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.runs.ledger import RunLedger
from forecasting.runs.status import Status
from tests.pages.elements import button, texts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ledger(quiet_home):
    return RunLedger()


@pytest.fixture
def run_id(ledger):
    days = pd.bdate_range("2018-01-01", periods=500)
    walk = 100 * np.exp(np.random.default_rng(0).normal(0, 0.01, 500).cumsum())
    run_id = ledger.create(PriceHistory(pd.DataFrame({"Close": walk}, index=days), name="a walk", source="test"), RECOMMENDED)
    ledger.next_runs(1)
    ledger.log_progress(run_id, [(1, {"loss": 1.0, "val_loss": 1.0, "seconds": 0.1})],
                        {"phase": "training", "epoch": 1, "epochs": 60, "rate": 1.0})
    return run_id


def train_page(run_id):
    test = AppTest.from_file(str(ROOT / "pages" / "2_Train.py"), default_timeout=60)
    test.query_params["run"] = run_id
    test.run()
    assert not test.exception
    return test


def test_a_silent_process_is_said_and_stopped_by_force(ledger, run_id):
    Status().say(None, {run_id: time.time() - 12})
    page = train_page(run_id)
    assert "No sign of life for" in texts(page.warning)
    button(page, "Force stop").click().run()
    assert not page.exception
    assert ledger.stops() == {run_id: (None, "force")}


def test_a_process_that_gives_signs_of_life_is_stopped_gently(ledger, run_id):
    Status().say(None, {"0" * 32: time.time() - 12})
    page = train_page(run_id)
    assert "sign of life" not in texts(page.warning)
    button(page, "Stop").click().run()
    assert ledger.stops() == {run_id: (None, "asked")}


def test_predicting_that_takes_long_says_how_far_it_is_and_can_be_stopped_in_turn(ledger, run_id):
    ledger.log_progress(run_id, [(1, {"loss": 1.0, "val_loss": 1.0, "seconds": 1.0})], {"phase": "training", "epoch": 1})
    page = train_page(run_id)
    button(page, "Stop").click().run()
    ledger.log_progress(run_id, [], {"phase": "predicting, 12 %", "epoch": 1})
    page.run()
    button(page, "Stop predicting").click().run()
    assert not page.exception
    assert ledger.stops() == {run_id: (None, "predicting")}
    assert button(page, "Stop predicting").disabled


def test_a_run_at_its_second_attempt_says_why_also_in_the_end(ledger, run_id):
    ledger.lose(run_id, 1, "Its process died.", worker=True)
    said = "Attempt 2: Its process died. It goes on from its backup."
    assert said in texts(train_page(run_id).info)
    ledger.next_runs(1)
    assert said in texts(train_page(run_id).info)
    ledger.end(run_id, "stopped")
    page = train_page(run_id)
    assert said in texts(page.caption)
    assert said not in texts(page.info)


def test_a_run_that_lost_two_workers_says_so_and_can_be_resumed(ledger, run_id):
    for attempt in (1, 2):
        ledger.lose(run_id, attempt, "Its process died.", worker=True)
        ledger.next_runs(1)
    page = train_page(run_id)
    assert "Its process died. What it has learnt is kept: resume it" in texts(page.warning)
    button(page, "Resume").click().run()
    assert ledger.get(run_id).state == "scheduled"
