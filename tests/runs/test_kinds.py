"""Kinds of run: one entry says how it is computed and how what it left is read."""

import pytest

from forecasting.errors import RunError
from forecasting.runs import worker
from forecasting.runs.kinds import RUN_KINDS, Computed, RunKind
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore


@pytest.fixture(scope="module")
def ledger(home):
    return RunLedger()


def count_rows(ledger, run, reporter, should_stop):
    reporter.phase("counting")
    rows = str(len(ledger.history(run.id)) * run.parameters["times"])
    return Computed("finished", {}, lambda folder: (folder / "rows.txt").write_text(rows))


COUNT = RunKind(count_rows, read=lambda folder: int((folder / "rows.txt").read_text()))


def test_a_kind_of_run_is_added_in_ten_lines(ledger, monkeypatch, history, tiny):
    monkeypatch.setitem(RUN_KINDS, "count", COUNT)
    store = RunStore()
    run_id = store.create(history, tiny, kind="count", parameters={"times": 2})
    (run,) = ledger.next_runs(1)
    assert worker.carry_out(ledger, run.id, run.attempt, lambda: False) == (worker.Ended("finished"), None)
    assert store.result(run_id) == 400
    assert [(run.id, run.phase) for run in store.list(kind="count")] == [(run_id, "saving")]


def test_a_run_of_a_kind_that_is_not_known_any_more_fails_and_holds_up_nobody(ledger, monkeypatch, history, tiny):
    with monkeypatch.context() as patch:
        patch.setitem(RUN_KINDS, "count", COUNT)
        unknown = ledger.create(history, tiny, kind="count")
    sound = ledger.create(history, tiny, owner="ben")
    assert [run.id for run in ledger.next_runs(2)] == [sound]
    with pytest.raises(RunError, match="not made by this app"):
        ledger.get(unknown)


def test_a_kind_that_is_made_from_another_run_needs_to_be_told_which(ledger, history, tiny):
    assert {name for name, kind in RUN_KINDS.items() if kind.needs_parent} == {"forecast"}
    with pytest.raises(RunError, match="32 hex digits"):
        ledger.create(history, tiny, kind="forecast")
