"""A change and the click on another page's link, merged into one request because the app was busy drawing."""

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from pages.components.page_change import keep_changes


def states(**values):
    found = WidgetStates()
    for name, value in values.items():
        found.widgets.append(WidgetState(id=name, int_value=value))
    return found


def merged(older, newer):
    """What the app is drawn with after both requests came while it was busy."""
    keep_changes()
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
