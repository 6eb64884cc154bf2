import sqlite3
from contextlib import closing

import pytest

from forecasting.errors import InTrash, RunError
from forecasting.runs import trash as trash_module
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore
from tests.runs.laboratory import finished_run


@pytest.fixture(scope="module")
def ledger(home):
    return RunLedger()


@pytest.fixture
def store(home):
    return RunStore()


@pytest.fixture
def run_id(ledger, history, tiny):
    return finished_run(ledger, history, tiny, size=1000)


def trashed(store):
    return {run.id for run in store.trash.runs()}


def files_of(home, run_id):
    return [file for file in (home / "artifacts" / run_id).rglob("*") if file.is_file()]


def test_a_deleted_run_goes_to_the_trash_with_its_files_and_comes_back_as_it_was(store, home, run_id):
    before = store.get(run_id)
    store.delete(run_id)
    with pytest.raises(InTrash) as error:
        store.get(run_id)
    assert error.value.run_id == run_id
    assert run_id not in {run.id for run in store.list(limit=1000)}
    assert run_id in trashed(store)
    assert files_of(home, run_id)
    store.restore(run_id)
    assert store.get(run_id) == before
    assert store.folder(run_id).exists()
    assert run_id not in trashed(store)


def test_a_run_that_has_not_ended_is_not_deleted(store, ledger, history, tiny):
    run_id = store.create(history, tiny)
    with pytest.raises(RunError, match="Stop it first"):
        store.delete(run_id)
    ledger.end(run_id, "stopped")


def test_what_belongs_to_a_run_goes_and_comes_with_it_and_what_was_made_from_it_stays(store, ledger, history, tiny, run_id):
    forecast = store.create(history, tiny, kind="forecast", parent=run_id)
    experiment = store.create(history, tiny, kind="experiment", parent=run_id, experiment="leak")
    child = store.create(history, tiny, parent=experiment, key="scaler")
    again = finished_run(ledger, history, tiny, parent=run_id)
    with pytest.raises(RunError, match="has not ended"):
        store.delete(run_id)
    for one in (forecast, experiment, child):
        ledger.end(one, "finished")
    store.delete(run_id)
    assert {run.id for run in store.list(limit=1000)} & {run_id, forecast, experiment, child, again} == {again}
    assert trashed(store) & {run_id, forecast, experiment, child} == {run_id}
    store.restore(run_id)
    assert {run_id, forecast, experiment, child} <= {run.id for run in store.list(limit=1000)}


def test_what_was_deleted_before_its_parent_stays_deleted_when_that_comes_back(store, ledger, history, tiny, run_id):
    forecast = store.create(history, tiny, kind="forecast", parent=run_id)
    ledger.end(forecast, "finished")
    store.delete(forecast)
    store.delete(run_id)
    assert {run_id, forecast} <= trashed(store)
    store.restore(run_id)
    assert forecast in trashed(store)


def test_a_deletion_that_was_cut_short_is_completed_by_another(store, ledger, history, tiny, run_id, monkeypatch):
    forecast = store.create(history, tiny, kind="forecast", parent=run_id)
    ledger.end(forecast, "finished")
    call = store._tracking.call

    def fail(method, *args, **kwargs):
        if method == "delete_run" and args == (run_id,):
            raise RunError("cut short")
        return call(method, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(store._tracking, "call", fail)
        with pytest.raises(RunError, match="cut short"):
            store.delete(run_id)
    assert store.get(run_id).id == run_id
    store.delete(run_id)
    assert trashed(store) & {run_id, forecast} == {run_id}
    store.restore(run_id)
    assert store.get(forecast).state == "finished"


def test_emptying_removes_files_and_rows_and_tells_how_much_that_freed(store, ledger, home, history, tiny, run_id):
    store.trash.empty()
    kept = finished_run(ledger, history, tiny)
    (home / "backups").mkdir(exist_ok=True)
    (home / "backups" / f"{run_id}.npz").write_bytes(bytes(500))
    store.delete(run_id)
    assert store.trash.empty() == 1500
    assert store.trash.empty() == 0
    assert not (home / "artifacts" / run_id).exists()
    assert not (home / "backups" / f"{run_id}.npz").exists()
    with closing(sqlite3.connect(home / "runs.db")) as database:
        for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
            ids = {row[0] for row in database.execute(f"SELECT DISTINCT run_uuid FROM {table}")}
            assert run_id not in ids
            assert kept in ids
    with pytest.raises(RunError, match="is not in"):
        store.get(run_id)
    with pytest.raises(RunError, match="is not in"):
        store.restore(run_id)
    assert store.get(kept).has_result


def test_an_emptying_that_was_cut_short_leaves_the_rest_in_the_trash(store, home, run_id, monkeypatch):
    store.delete(run_id)
    with monkeypatch.context() as patch:
        patch.setattr(store._tracking, "erase", lambda run_id: (_ for _ in ()).throw(RunError("cut short")))
        with pytest.raises(RunError, match="cut short"):
            store.trash.empty()
    assert run_id in trashed(store)
    store.trash.empty()
    assert run_id not in trashed(store)


def test_a_link_in_the_files_of_a_run_is_removed_and_not_followed(store, home, run_id, tmp_path):
    (tmp_path / "precious").write_bytes(bytes(9000))
    (files_of(home, run_id)[0].parent / "link").symlink_to(tmp_path)
    store.delete(run_id)
    assert store.trash.empty() < 9000
    assert (tmp_path / "precious").exists()


def test_a_run_whose_creation_was_cut_short_leaves_nothing_behind(store, ledger, history, tiny, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ledger._tracking, "call", dying(ledger._tracking.call, "log_batch"))
        with pytest.raises(KeyboardInterrupt):
            ledger.create(history, tiny, name="cut short")
    found = [one.info.run_id for one in store._search("attributes.run_name = 'cut short'")]
    assert len(found) == 1
    ledger.remove_drafts()
    assert [one.info.run_id for one in store._search("attributes.run_name = 'cut short'")] == found  # it may still be made
    monkeypatch.setattr("forecasting.runs.ledger.DRAFT_SECONDS", -1.0)
    ledger.remove_drafts()
    assert not store._search("attributes.run_name = 'cut short'")
    assert not set(found) & set(trashed(store))


def dying(call, method):
    """`call`, in a process that ends at that method."""
    def dies(asked, *args, **kwargs):
        if asked == method:
            raise KeyboardInterrupt
        return call(asked, *args, **kwargs)

    return dies


def test_runs_of_other_programs_are_left_in_the_trash(store, home):
    foreign = store._tracking.call("create_run", store._tracking.experiment, run_name="foreign").info.run_id
    store._tracking.call("delete_run", foreign)
    assert foreign not in trashed(store)
    store.trash.empty()
    assert store._tracking.call("get_run", foreign).info.lifecycle_stage == "deleted"


def test_on_a_server_runs_are_deleted_and_restored_and_only_the_server_can_empty_its_trash(store, run_id, monkeypatch):
    monkeypatch.setattr(trash_module, "is_local", lambda: False)
    store.delete(run_id)
    assert run_id in trashed(store)
    with pytest.raises(RunError, match="mlflow gc"):
        store.trash.empty()
    store.restore(run_id)
    assert store.get(run_id).has_result
