"""A click or a change, and another one that follows it closely while the app is busy drawing."""

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState

from pages.components.kept_clicks import keep_clicks


@pytest.fixture(autouse=True)
def mended():
    keep_clicks()


def states(**values):
    found = WidgetStates()
    for name, value in values.items():
        found.widgets.append(WidgetState(id=name, int_value=value))
    return found


def merged(older, newer):
    """What the app is drawn with after both requests came while it was busy."""
    requests = ScriptRequests()
    requests.request_rerun(RerunData(widget_states=older, page_script_hash="train"))
    requests.request_rerun(RerunData(widget_states=newer, page_script_hash="runs"))
    data = requests.on_scriptrunner_yield().rerun_data
    assert data.page_script_hash == "runs"
    return {state.id: state.int_value for state in data.widget_states.widgets}


def test_a_change_just_before_another_page_is_opened_is_kept():
    assert merged(states(window=95), states()) == {"window": 95}


def test_the_newer_value_of_a_widget_wins():
    assert merged(states(window=95, units=8), states(window=40)) == {"window": 40, "units": 8}


def test_a_request_without_values_changes_nothing():
    assert merged(states(window=95), None) == {"window": 95}
    assert merged(None, states(window=40)) == {"window": 40}


def test_a_request_that_was_taken_is_carried_out_even_if_another_waits():
    class Newer(Exception):
        """What Streamlit raises where it finds a newer request."""

    def look():
        raise Newer

    session_state = SessionState()
    SafeSessionState(session_state, look).on_script_will_rerun(states(window=95))
    assert session_state._new_widget_state.states["window"].value.int_value == 95
