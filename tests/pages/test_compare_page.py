"""Runs laid beside each other on the Runs page: short trainings, computed in this process."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.runs import worker
from forecasting.runs.ledger import RunLedger

ROOT = Path(__file__).parents[2]
CONFIG = replace(RECOMMENDED, window=12, horizon=1, units=(4,), epochs=2)
CHANGES = {"four": {}, "six": {"units": (6,)}, "longer test": {"units": (6,), "test_share": 0.3},
           "leak": {"leak": "centred_average"}}


def walk(seed, name):
    days = pd.bdate_range("2018-01-01", periods=400)
    close = 100 * np.exp(np.random.default_rng(seed).normal(0, 0.01, 400).cumsum())
    return PriceHistory(pd.DataFrame({"Close": close}, index=days), name=name, source="test", currency="USD")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """(folder, ledger, {what it is: run id})"""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECASTING_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        ledger, ids = RunLedger(), {}
        for name, changes in CHANGES.items():
            ids[name] = computed(ledger, walk(0, "a walk"), replace(CONFIG, **changes))
        ids["other"] = computed(ledger, walk(1, "another walk"), CONFIG)
        yield folder, ledger, ids


def computed(ledger, history, config):
    run_id = ledger.create(history, config)
    (run,) = ledger.next_runs(1)
    _, trace = worker.carry_out(ledger, run.id, run.attempt, lambda: False)
    assert trace is None, trace
    return run_id


@pytest.fixture
def ids(home, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(home[0]))  # over the empty one that every page test has
    return home[2]


def compare_page(*run_ids, reference=None):
    test = AppTest.from_file(str(ROOT / "pages" / "6_Runs.py"), default_timeout=60)
    test.query_params["compare"] = ",".join(run_ids)
    if reference:
        test.query_params["reference"] = reference
    test.run()
    assert not test.exception
    assert not test.error
    return test


def tables(test):
    """(scores, what differs): the tables below that of the runs."""
    *_, scores, differences = [frame.value for frame in test.dataframe]
    return scores, differences


def said(elements):
    return " ".join(element.value.replace("\\", "") for element in elements)


def test_two_runs_are_compared_in_words_scores_and_charts(ids):
    test = compare_page(ids["four"], ids["six"])
    answer = said([*test.info, *test.success])
    assert "6 units is" in answer
    assert "than 4 units (95 % interval" in answer.replace("\N{NO-BREAK SPACE}", " ")
    assert "naive forecast" in answer
    scores, differences = tables(test)
    assert scores.index[0] == "Naive"
    assert set(scores.index[1:]) == {"4 units", "6 units"}
    assert scores.loc["4 units", "Beside the reference"] == "the reference"
    assert list(differences.index) == ["Run", "Trained", "Units"]
    assert list(differences.loc["Units"]) == ["4", "6"]
    assert any("The same for all" in caption.value and "tensorflow" in caption.value for caption in test.caption)
    assert len(test.get("plotly_chart")) == 2


def test_the_reference_is_chosen_pinned_in_the_address_and_brought_back_by_it(ids):
    test = compare_page(ids["four"], ids["six"])
    (choice,) = [box for box in test.selectbox if box.label == "Compare with"]
    assert choice.options == ["Naive forecast", "4 units", "6 units"]
    assert choice.value == ids["four"]
    choice.set_value(ids["six"]).run()
    assert not test.exception
    assert test.query_params["reference"] == ids["six"]
    assert tables(test)[0].loc["6 units", "Beside the reference"] == "the reference"
    again = compare_page(ids["four"], ids["six"], reference="naive")
    scores, _ = tables(again)
    assert "Beside the reference" not in scores
    assert again.query_params["compare"] == f"{ids['four']},{ids['six']}"


def test_runs_of_other_test_parts_are_judged_on_the_days_they_share_and_the_page_explains_it(ids):
    test = compare_page(ids["four"], ids["longer test"])
    note = said(test.caption)
    assert "6 units, test share 30 % was tested on 120 days" in note.replace("\N{NO-BREAK SPACE}", " ")
    assert "judged on the 80 days that they share" in note


def test_a_leaked_run_is_beside_the_others_marked_invalid_and_cannot_be_the_reference(ids):
    test = compare_page(ids["leak"], ids["four"], reference=ids["leak"])
    scores, differences = tables(test)
    assert list(differences.loc["Leak-lab mistake"]) == ["Centred moving average", "None"]
    assert list(scores["Beside naive"])[-1] == "invalid"
    assert "invalid on purpose" in said(test.warning)
    (choice,) = [box for box in test.selectbox if box.label == "Compare with"]
    assert choice.value == ids["four"]
    assert len(choice.options) == 2
    assert "leak" not in said([*test.info, *test.success])


def test_a_run_of_another_series_is_not_ranked_and_the_others_are(ids):
    test = compare_page(ids["four"], ids["six"], ids["other"])
    assert "It is about another series, another walk instead of a walk." in said(test.warning)
    assert "6 units" in said([*test.info, *test.success])


def test_runs_that_cannot_be_compared_are_named_and_the_others_still_are(ids, home):
    _, ledger, _ = home
    waiting = ledger.create(walk(0, "a walk"), CONFIG, name="the waiting one")
    deleted = ledger.create(walk(0, "a walk"), CONFIG)
    ledger.end(deleted, "failed", "made to fail")
    failed = ledger.create(walk(0, "a walk"), CONFIG, name="the failed one")
    ledger.end(failed, "failed", "made to fail")
    ledger.delete(deleted)
    damaged = ids["longer test"]
    file = next((home[0] / "artifacts" / damaged).rglob("predictions.parquet"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    try:
        test = compare_page(waiting, failed, deleted, damaged, "nonsense", ids["four"], ids["six"])
        left_out = said(test.warning)
        assert f"the waiting one ({waiting[:8]}) is left out: it has not ended yet." in left_out
        assert f"the failed one ({failed[:8]}) is left out: it failed and has no predictions." in left_out
        assert f"The chosen run {deleted[:8]} is in the trash" in left_out
        assert f"Run {damaged[:8]} is left out." in left_out
        assert "A run is named by 32 hex digits. Received: 'nonsense'." in left_out
        assert set(tables(test)[0].index) == {"Naive", "4 units", "6 units"}
    finally:
        file.write_bytes(whole)
        ledger.end(waiting, "failed", "not needed any more")


def test_one_run_is_shown_alone(ids):
    test = compare_page(ids["four"])
    assert "Compare" not in [header.value for header in test.header]
    assert "Open on Train" in [button.label for button in test.button]
    assert not test.get("plotly_chart")


def test_a_run_records_the_versions_it_was_trained_with_and_an_older_one_says_so(ids, home):
    from forecasting.evaluation.differences import facts_of, installed_versions

    result = home[1].result(ids["four"])
    assert result.versions == installed_versions()
    assert facts_of(result)["keras"] == installed_versions()["keras"]
    assert facts_of(replace(result, versions={}))["keras"] == "not recorded"
