"""With a login, everyone sees their own runs only."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, RunError, load_sample
from forecasting.runs.ledger import RunLedger
from tests.pages.elements import button, texts
from tests.runs.laboratory import finished_run

ROOT = Path(__file__).parents[2]
AUTH = {"redirect_uri": "http://localhost:8501/oauth2callback", "cookie_secret": "any", "client_id": "app",
        "client_secret": "any", "server_metadata_url": "http://localhost:1/.well-known/openid-configuration"}
ANNA, BERT = ({"is_logged_in": True, "sub": name, "email": f"{name}@example.org", "iss": "test"} for name in ("anna", "bert"))


def open_page(name, user, **query):
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.secrets["auth"] = AUTH
    test.user = user
    for key, value in query.items():
        test.query_params[key] = value
    test.switch_page(f"pages/{name}").run()
    assert not test.exception
    return test


@pytest.fixture
def run_of_anna():
    """The id of a run that belongs to Anna, as the store names her."""
    test = open_page("2_Train.py", ANNA)
    return finished_run(RunLedger(), load_sample(), replace(RECOMMENDED, window=10), name="hers",
                        owner=test.session_state["forecasting"].owner)


def test_without_having_logged_in_nothing_is_shown():
    test = open_page("6_Runs.py", {"is_logged_in": False})
    assert button(test, "Log in")
    assert not test.sidebar.selectbox
    assert not test.session_state


def test_everyone_sees_their_own_runs(run_of_anna):
    hers = open_page("6_Runs.py", ANNA)
    assert list(hers.data_editor[0].value["Name"]) == ["hers"]
    his = open_page("6_Runs.py", BERT)
    assert not his.data_editor
    assert "There are no runs yet" in texts(his.info)


def test_the_address_of_somebody_elses_run_opens_nothing(run_of_anna):
    test = open_page("2_Train.py", BERT, run=run_of_anna)
    assert "This run is somebody else's" in texts(test.error)
    assert test.session_state["forecasting"].run_id is None
    assert open_page("2_Train.py", ANNA, run=run_of_anna).session_state["forecasting"].run_id == run_of_anna


def test_somebody_elses_trash_is_not_seen_either(run_of_anna):
    ledger = RunLedger()
    ledger.delete(run_of_anna)
    anna, bert = (ledger.of(owner) for owner in (ledger.trash.runs()[0].owner, "bert"))
    assert [run.id for run in anna.trash.runs()] == [run_of_anna]
    assert bert.trash.runs() == []
    for attempt in (lambda: bert.trash.restore(run_of_anna), lambda: bert.get(run_of_anna)):
        with pytest.raises(RunError):
            attempt()
    assert bert.trash.empty() == 0
    anna.restore(run_of_anna)
    assert anna.get(run_of_anna).name == "hers"
    with pytest.raises(RunError, match="somebody else's"):
        bert.get(run_of_anna)


def test_a_person_is_named_by_what_the_provider_never_changes():
    one, other = (open_page("2_Train.py", ANNA | changed).session_state["forecasting"].owner
                  for changed in ({}, {"email": "anna.married@example.org"}))
    assert one == other != open_page("2_Train.py", BERT).session_state["forecasting"].owner
    assert "anna" not in one
