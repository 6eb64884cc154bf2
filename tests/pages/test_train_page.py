"""How a page follows a run."""

from types import SimpleNamespace

import pytest

from pages.components import training


def run(**values):
    """A run at work; values: what is different of it"""
    usual = {"id": "a", "state": "running", "active": True, "stopping": False, "phase": "training", "epoch": 12, "epochs": 60,
             "rate": 4.0, "queue_position": None, "stop": ""}
    return SimpleNamespace(**usual | values)


class Store:
    """A store whose run ends at its `looks`-th look."""

    def __init__(self, looks):
        self.looks, self.looked = looks, 0

    def get(self, run_id):
        self.looked += 1
        return run(id=run_id, active=self.looked < self.looks, stopping=True)


@pytest.fixture
def store(monkeypatch):
    store = Store(looks=4)
    monkeypatch.setattr(training, "run_store", lambda: store)
    return store


def test_run_that_stops_is_seen_as_soon_as_it_ends(store):
    assert not training._about_to_end(run(stopping=True)).active
    assert store.looked == 4


def test_run_that_takes_long_to_stop_holds_the_page_for_a_tick_only(store):
    store.looks = 1000
    assert training._about_to_end(run(stopping=True)).active
    assert store.looked <= training.TICK / training.LOOK_SECONDS


@pytest.mark.parametrize(("active", "stopping"), [(True, False), (False, True)])
def test_run_that_goes_on_or_has_ended_is_not_waited_for(store, active, stopping):
    other = run(active=active, stopping=stopping)
    assert training._about_to_end(other) is other
    assert store.looked == 0


def test_run_that_stops_is_drawn_anew_once_its_training_has_ended(store):
    store.looks = 1000
    assert training._about_to_end(run(stopping=True, phase="before")).phase == "training"
    assert store.looked == 1


@pytest.mark.parametrize(("values", "words"), [
    ({}, "Epoch 12 of 60 · 12 s left at most · 4.0 epochs a second"),
    ({"stopping": True}, "Epoch 12 of 60 · stopping"),
    ({"stopping": True, "phase": "predicting"}, "Epoch 12 of 60 · stopped · predicting"),
    ({"stopping": True, "stop": "asked", "phase": "predicting, 12 %"}, "Epoch 12 of 60 · stopped · predicting, 12 %"),
    ({"stopping": True, "stop": "predicting", "phase": "predicting, 12 %"},
     "Epoch 12 of 60 · stopped · predicting, 12 % · stopping"),
    ({"epoch": 60, "phase": "scoring"}, "Epoch 60 of 60 · trained · scoring"),
    ({"epoch": 0, "rate": None, "phase": "preparing the data"}, "Preparing the data"),
    ({"epoch": 0, "rate": None, "phase": "preparing the data", "stopping": True}, "Preparing the data · stopping"),
    ({"state": "scheduled", "queue_position": 3}, "Waiting: number 3 in the queue"),
])
def test_progress_says_what_is_being_done(values, words):
    assert training._progress_words(run(**values)).replace("\u202f", " ") == words


@pytest.mark.parametrize(("values", "awaited"), [
    ({"epoch": 0, "rate": None}, True), ({"stopping": True}, True),
    ({"epoch": 7}, True), ({"epoch": 8}, False), ({"epoch": 53}, True), ({"epoch": 52}, False),
    ({"epoch": 1, "rate": 0.9}, False), ({"epoch": 59, "rate": 1.1}, True), ({"epoch": 59, "rate": 0.9}, False),
])
def test_run_is_looked_at_often_only_while_the_next_thing_to_see_is_near(values, awaited):
    assert training._is_awaited(run(**values)) is awaited
