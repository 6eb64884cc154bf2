"""What a session keeps between the drawings of its pages."""

from dataclasses import replace

import pytest
import streamlit as st

from forecasting import RECOMMENDED, TUTORIAL
from pages.components.settings import follow_settings, use_settings
from pages.components.state import MOST_WIDGETS, AppState, held, taken, widget_for


@pytest.fixture
def browser(monkeypatch):
    """What the widgets on the screen hold, by key."""
    values = {}
    monkeypatch.setattr(st, "session_state", values)
    return values


@pytest.fixture
def state(monkeypatch):
    monkeypatch.setattr("pages.components.state.owner_id", lambda: "somebody")
    return AppState()


def test_widget_stays_the_same_while_a_person_changes_it(browser, state):
    widget = held(state, "window", 60)
    browser[widget.key] = 59
    assert held(state, "window", 60) is widget
    assert (widget.start, widget.value) == (60, 59)
    assert widget_for(state, "window", 59) is widget


def test_value_from_elsewhere_gets_a_widget_of_its_own(browser, state):
    first = widget_for(state, "window", 60)
    second = widget_for(state, "window", 30)
    assert first.key == "window"
    assert second.key != first.key
    assert widget_for(state, "window", 30) is second


def test_change_of_a_widget_that_was_replaced_meanwhile_is_taken_and_stands_in_a_new_one(browser, state):
    first, second = widget_for(state, "window", 60), widget_for(state, "window", 30)
    browser |= {first.key: 59, second.key: 30}
    assert taken(state, "window") == [(60, 59)]
    third = held(state, "window", 60)
    assert third.value == 59
    assert third.key not in (first.key, second.key)
    assert taken(state, "window") == []


def test_last_of_several_changes_stands(browser, state):
    first, second = widget_for(state, "window", 60), widget_for(state, "window", 30)
    browser |= {first.key: 59, second.key: 29}
    assert taken(state, "window") == [(60, 59), (30, 29)]
    assert held(state, "window", 60).value == 29


def test_widgets_of_a_value_do_not_pile_up_and_never_share_a_key(browser, state):
    keys = [widget_for(state, "window", value).key for value in range(3 * MOST_WIDGETS)]
    assert len(set(keys)) == len(keys)
    assert len(state.widgets["window"]) == MOST_WIDGETS


@pytest.mark.parametrize("config", [
    RECOMMENDED, TUTORIAL,
    replace(RECOMMENDED, window=300, units=(7, 9, 11, 13, 15), test_share=0.333, learning_rate=0.003, clip_norm=None,
            patience=None, features=("Volume", "rsi"), skip=None, season=None, leak="shuffle")])
def test_settings_from_elsewhere_come_out_of_the_widgets_as_they_went_in(browser, state, config):
    use_settings(state, config)
    follow_settings(state)
    assert state.config == config


def test_settings_follow_every_widget(browser, state):
    follow_settings(state)
    assert state.config == RECOMMENDED
    changes = {"window": 59, "layers": 2, "units_0": 8, "stops_early": False, "test_share": 21, "skip": "None"}
    browser |= {f"train_{name}": value for name, value in changes.items()}
    follow_settings(state)
    assert state.config == replace(RECOMMENDED, window=59, units=(8, 8), patience=None, test_share=0.21, skip=None)


def test_settings_that_cannot_be_together_are_said_and_the_last_ones_stay(browser, state):
    follow_settings(state)
    browser |= {"train_test_share": 60, "train_validation_share": 38}
    follow_settings(state)
    assert "validation_share" in state.problem
    assert state.config == RECOMMENDED
    use_settings(state, TUTORIAL)
    follow_settings(state)
    assert state.problem is None
    assert state.config == TUTORIAL
