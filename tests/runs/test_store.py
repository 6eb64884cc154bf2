import dataclasses
import json
import math
import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from forecasting.errors import RunError, StoreUnavailable
from forecasting.model.size import Timing
from forecasting.runs import tracking
from forecasting.runs.files import scratch
from forecasting.runs.ledger import RunLedger
from forecasting.runs.reporter import Reporter
from forecasting.runs.store import RunStore, doorbell
from forecasting.runs.tracking import EXPERIMENT, tracking_uri
from tests.runs.laboratory import finished_run

SCORES = {"test": {"rmse": 1.25, "mape": None, "skill": -0.01}, "train": {"rmse": 1.0}}


@pytest.fixture(scope="module")
def store(home):
    return RunStore()


@pytest.fixture(scope="module")
def ledger(home):
    return RunLedger()


@pytest.fixture(autouse=True)
def empty_queue(store, ledger):
    yield
    for run_id in [*ledger.left_running(), *ledger.waiting()]:
        ledger.end(run_id, "stopped")


def finish(ledger, run_id, files=(("note.txt", b"hello"),)):
    folder = scratch("test")
    for name, content in files:
        (folder / name).write_bytes(content)
    ledger.put_result(run_id, folder, SCORES, epoch_seconds=0.25)
    ledger.end(run_id, "finished")


def test_a_run_is_created_waiting_with_all_that_it_needs(store, history, tiny):
    run_id = store.create(history, tiny, owner="anna", name="First", key="k-1", parameters={"steps": 3})
    run = store.get(run_id)
    assert (run.id, run.kind, run.state, run.name, run.owner) == (run_id, "train", "scheduled", "First", "anna")
    assert (run.config, run.key, run.parameters) == (tiny, "k-1", {"steps": 3})
    assert (run.series, run.rows, run.fingerprint) == ("TEST", 200, history.fingerprint)
    assert (run.queue_position, run.epochs, run.started, run.seconds, run.scores) == (1, 2, None, None, {})
    assert not run.has_result
    assert run.active


def test_the_prices_of_a_run_come_back_as_they_were(store, history, tiny):
    again = store.history(store.create(history, tiny))
    pd.testing.assert_frame_equal(again.frame, history.frame)
    assert (again.name, again.source, again.notes) == (history.name, history.source, history.notes)
    assert again.fingerprint == history.fingerprint


def test_saved_prices_are_kept_once_and_found_by_their_key(store, home, history):
    key = store.save_history(history)
    assert store.save_history(history) == key
    assert store.load_history(key).fingerprint == history.fingerprint
    renamed = store.save_history(dataclasses.replace(history, name="OTHER"))
    assert renamed != key
    assert store.load_history(renamed).name == "OTHER"


OTHER_PRICES = pd.DataFrame({"Close": [1.0, 2.0]}, pd.DatetimeIndex(["2020-01-01", "2020-01-02"]))


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"PAR1"),
                                    OTHER_PRICES.to_parquet])
def test_saved_prices_that_were_damaged_are_replaced_when_they_are_opened_again(store, home, history, damage):
    key = store.save_history(history)
    damage(home / "histories" / key / "history.parquet")
    assert store.save_history(history) == key
    assert store.load_history(key).fingerprint == history.fingerprint


def test_prices_that_an_older_version_named_otherwise_are_found_by_both_keys(store, home, history):
    folder = home / "histories" / ("a" * 32)
    folder.mkdir(parents=True)
    history.frame.to_parquet(folder / "history.parquet")
    (folder / "history.json").write_text(json.dumps(history.description | {"warnings": ["Something looks wrong."]}))
    assert store.load_history("a" * 32).key == history.key
    assert store.load_history(history.key).key == history.key


@pytest.mark.parametrize("key", ["../../etc", "0" * 31, "0" * 32 + "\n", "0" * 32, None])
def test_unknown_prices_are_refused(store, key):
    with pytest.raises(RunError):
        store.load_history(key)


@pytest.mark.parametrize("run_id", ["../../etc", "0" * 31, "0" * 32 + "\n", "0" * 32, "", None, 7])
@pytest.mark.parametrize("method", ["get", "curve", "result", "history", "request_stop", "resume", "delete"])
def test_an_unknown_run_is_refused(store, method, run_id):
    if method == "curve" and run_id == "0" * 32:
        assert store.curve(run_id).empty
        return
    with pytest.raises(RunError):
        getattr(store, method)(run_id)


def test_runs_wait_by_turns_and_are_claimed_in_that_order(store, ledger, history, tiny):
    first, second = store.create(history, tiny, owner="anna"), store.create(history, tiny, owner="anna")
    third = store.create(history, tiny, owner="ben")
    assert [store.get(run_id).queue_position for run_id in (first, third, second)] == [1, 2, 3]
    claimed = ledger.next_runs(2)
    assert [run.id for run in claimed] == [first, third]
    assert {run.state for run in claimed} == {"running"}
    assert store.get(second).queue_position == 1
    # Another engine knows whose turn it is.
    fourth = store.create(history, tiny, owner="anna")
    fifth = store.create(history, tiny, owner="carl")
    assert [run.id for run in RunLedger().next_runs(3)] == [fifth, second, fourth]


def test_creating_and_stopping_ring_the_doorbell(store, ledger, history, tiny):
    before = doorbell()
    run_id = store.create(history, tiny)
    rung = doorbell()
    assert rung != before
    store.request_stop(run_id)
    assert doorbell() != rung
    assert store.get(run_id).stopping
    ledger.next_runs(1)
    assert ledger.stops() == {run_id: (None, "asked")}


def test_a_run_that_ended_ignores_stop(store, ledger, history, tiny):
    run_id = store.create(history, tiny)
    ledger.end(run_id, "failed", "For a reason.")
    store.request_stop(run_id)
    run = store.get(run_id)
    assert (run.state, run.error, run.stopping) == ("failed", "For a reason.", False)


def test_the_curve_keeps_every_number_and_starts_empty(store, ledger, history, tiny):
    run_id = store.create(history, tiny)
    assert list(store.curve(run_id).columns) == ["epoch", "loss", "val_loss", "seconds"]
    points = [(1, {"loss": 0.1 + 0.2, "val_loss": math.inf, "seconds": 1e-300}),
              (2, {"loss": math.nan, "val_loss": -0.5, "seconds": 2.0})]
    ledger.log_progress(run_id, points, {"phase": "training", "epoch": 2, "epochs": 9, "best_epoch": 1, "rate": 0.5})
    curve = store.curve(run_id)
    assert curve["epoch"].tolist() == [1, 2]
    assert curve["loss"].iloc[0] == 0.1 + 0.2
    assert math.isnan(curve["loss"].iloc[1])
    assert curve["val_loss"].tolist() == [math.inf, -0.5]
    run = store.get(run_id)
    assert (run.phase, run.epoch, run.epochs, run.best_epoch, run.rate) == ("training", 2, 9, 1, 0.5)


def test_more_epochs_than_one_batch_takes_are_written(store, ledger, history, tiny):
    run_id = store.create(history, tiny)
    ledger.log_progress(run_id, [(i, {"loss": 1 / i, "val_loss": 1.0, "seconds": 0.1}) for i in range(1, 501)], {})
    assert store.curve(run_id)["epoch"].tolist() == list(range(1, 501))


def test_a_result_is_stored_with_its_scores(store, ledger, history, tiny):
    run_id = store.create(history, tiny)
    ledger.next_runs(1)
    finish(ledger, run_id)
    run = store.get(run_id)
    assert (run.state, run.has_result) == ("finished", True)
    assert run.scores == {"test": {"rmse": 1.25, "skill": -0.01}, "train": {"rmse": 1.0}}
    assert run.created <= run.started <= run.ended
    assert (store.folder(run_id) / "note.txt").read_bytes() == b"hello"
    assert store.get(run_id) is run  # an ended run changes no more


def test_trainings_that_ended_here_tell_what_they_took(home, store, ledger, history, tiny, monkeypatch):
    before = store.timings()
    run_id = store.create(history, tiny)
    ledger.next_runs(1)
    points = [(1, {"loss": 1.0, "val_loss": 1.0, "seconds": 0.3})]
    ledger.log_progress(run_id, points, {"phase": "training", "epoch": 1, "epochs": 2, "best_epoch": 1, "rate": 0.5})
    finish(ledger, run_id)
    run = store.get(run_id)
    assert store.timings() == [Timing(tiny, history.fingerprint, 200, 1, 1, 0.25, run.seconds), *before]
    monkeypatch.setattr("forecasting.runs.store.home_id", lambda: "another-machine")
    assert RunStore().timings() == []


def test_a_run_without_a_result_says_so(store, history, tiny):
    with pytest.raises(RunError, match="scheduled"):
        store.result(store.create(history, tiny))


def test_damaged_files_are_noticed(store, ledger, history, tiny):
    run_id = store.create(history, tiny)
    finish(ledger, run_id)
    file = store.folder(run_id) / "note.txt"
    file.write_bytes(b"jello")
    with pytest.raises(RunError, match=r"note\.txt"):
        store.folder(run_id)
    file.unlink()
    with pytest.raises(RunError, match=r"note\.txt"):
        store.folder(run_id)


def test_a_link_out_of_the_store_is_not_followed(store, ledger, history, tiny, tmp_path):
    run_id = store.create(history, tiny)
    finish(ledger, run_id)
    file = store.folder(run_id) / "note.txt"
    (tmp_path / "secret").write_bytes(b"hello")
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(RunError, match="link"):
        store.folder(run_id)
    folder = file.parent
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    with pytest.raises(RunError):
        store.folder(run_id)


def test_an_interrupted_run_can_be_resumed_and_its_curve_goes_back_to_the_backup(store, ledger, history, tiny):
    run_id = store.create(history, tiny)
    ledger.next_runs(1)
    ledger.log_progress(run_id, [(1, {"loss": 5.0, "val_loss": 5.0, "seconds": 1.0}),
                                 (2, {"loss": 4.0, "val_loss": 4.0, "seconds": 1.0})], {"epoch": 2})
    assert ledger.left_running() == {run_id: 1}
    ledger.end(run_id, "interrupted", "The app ended.")
    run = store.get(run_id)
    assert (run.state, run.resumable, run.error) == ("interrupted", True, "The app ended.")
    assert store.resume(run_id) == run_id
    run = store.get(run_id)
    assert (run.state, run.error, run.attempt, run.epoch, run.started) == ("scheduled", None, 2, 2, None)
    ledger.next_runs(1)
    with Reporter(ledger, store.get(run_id), patience=10.0) as reporter:
        reporter.go_on([(1, 5.0, 5.0, 1.0)])
        reporter.epoch(epoch(2))
    assert store.curve(run_id)["loss"].tolist() == [5.0, 0.5]
    assert store.get(run_id).epoch == 2
    with pytest.raises(RunError, match="running"):
        store.resume(run_id)


def test_a_run_that_is_being_resumed_is_not_taken_for_one_that_ended_for_good(store, ledger, monkeypatch, history, tiny):
    run_id = store.create(history, tiny)
    ledger.next_runs(1)
    ledger.end(run_id, "interrupted")
    other, call, seen = RunStore(), store._tracking.call, []

    def look_and_call(*args, **kwargs):
        seen.append(other.get(run_id).state)
        return call(*args, **kwargs)

    monkeypatch.setattr(store._tracking, "call", look_and_call)
    store.resume(run_id)
    assert set(seen) == {"interrupted"}
    assert len(seen) >= 3
    assert other.get(run_id).state == "scheduled"


def test_lists_are_newest_first_and_bounded(store, history, tiny):
    ids = [store.create(history, tiny, name=str(i)) for i in range(3)]
    assert [run.id for run in store.list(limit=2)] == ids[:0:-1]
    assert store.list(kind="forecast") == []


def children_of(store, parent, history, config, count):
    return [store.create(history, config, name=f"fold {i}", parent=parent, key=f"fold-{i}") for i in range(count)]


def test_runs_of_their_own_are_found_behind_any_number_of_children(history, tiny, tmp_path, monkeypatch, through_mlflow):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    store, ledger = RunStore(), RunLedger()
    own = store.create(history, tiny)
    folds = children_of(store, "a" * 32, history, tiny, 7)
    ledger.next_runs(8)
    for run_id in (own, *folds):
        ledger.end(run_id, "finished")
    monkeypatch.setattr("forecasting.runs.store.MANY", 5)  # as if it were a thousand
    store = RunStore()  # which has read none of them yet
    assert [run.id for run in store.list(limit=3, alone=True)] == [own]
    waiting = store.create(history, tiny)
    assert [run.id for run in store.list(alone=True)] == [waiting, own]
    experiment = SimpleNamespace(id="a" * 32, active=False)
    assert [run.id for run in store.children(experiment)] == folds


def test_folds_of_earlier_versions_are_no_runs_of_their_own(store, ledger, history, tiny, each_way):
    """They carried the tag `group`, and their parent was the run that was tested."""
    tested = store.create(history, tiny)
    old = store.create(history, tiny, parent=tested, parameters={"fold": 1})
    ledger._write(old, tags={"group": f"backtest-{tested}"})
    for run_id in (tested, old):
        ledger.end(run_id, "finished")
    shown = {run.id for run in RunStore().list(alone=True)}
    assert tested in shown
    assert old not in shown
    store.list()  # which knows the old one from now on
    assert old not in {run.id for run in store.list(alone=True)}
    assert store.experiments("backtest", tested) == []
    assert store.get(old).state == "finished"


def test_children_wait_behind_the_single_runs_of_their_owner(store, ledger, history, tiny):
    folds = children_of(store, "b" * 32, history, tiny, 2)
    single = store.create(history, tiny)
    assert [run.id for run in ledger.next_runs(2)] == [single, folds[0]]


@pytest.fixture(params=["database", "MLflow"])
def each_way(request):
    """A list is read from the local database, and as from a server."""
    if request.param == "MLflow":
        request.getfixturevalue("through_mlflow")


def test_a_list_from_the_database_says_what_mlflow_says(store, ledger, monkeypatch, history, tiny):
    """Every field of every run, whatever its state: a table that another version of MLflow calls otherwise would fail here."""
    waiting = store.create(history, tiny, name="waiting", owner="anna")
    done = finished_run(ledger, history, tiny)
    store.annotate(done, starred=True, tags=["one", "two"], note="Look\nagain", name="Änne's")
    failed = store.create(history, tiny)
    ledger.end(failed, "failed", "For a reason.")
    ledger._write(store.create(history, tiny), tags={"facts": "{"})  # which is in neither list
    listed = {run.id: run for run in RunStore().list(limit=1000)}
    assert {waiting, done, failed} <= set(listed)
    for run_id, run in listed.items():
        got = RunStore().get(run_id)
        assert run == (dataclasses.replace(got, seconds=run.seconds) if run.active else got)
    monkeypatch.setattr("forecasting.runs.store.is_local", lambda: False)
    through = {run.id: run for run in RunStore().list(limit=1000)}
    assert {run_id: dataclasses.replace(run, seconds=None) for run_id, run in through.items()} == {
        run_id: dataclasses.replace(run, seconds=None) for run_id, run in listed.items()}


def test_what_another_app_writes_deletes_or_restores_is_listed(store, ledger, history, tiny, each_way):
    run_id = finished_run(ledger, history, tiny)
    other = RunStore()

    def listed():
        return next((run for run in other.list(limit=1000) if run.id == run_id), None)

    assert not listed().starred
    store.annotate(run_id, starred=True, note="Seen")
    assert (listed().starred, listed().note) == (True, "Seen")
    store.delete(run_id)
    assert listed() is None
    store.restore(run_id)
    assert listed().note == "Seen"


def test_a_database_with_other_tables_is_an_error_in_words(store):
    with pytest.raises(StoreUnavailable, match="no such column"):
        store._tracking.select(("SELECT elsewhere FROM runs", []))


def test_a_run_that_another_app_resumed_is_listed_once(store, ledger, history, tiny, each_way):
    run_id = store.create(history, tiny)
    ledger.next_runs(1)
    ledger.end(run_id, "interrupted")
    other = RunStore()
    assert next(run for run in other.list() if run.id == run_id).state == "interrupted"
    store.resume(run_id)
    assert [run.state for run in other.list() if run.id == run_id] == ["scheduled"]


def test_what_ends_after_the_clock_was_put_back_is_listed(store, ledger, history, tiny, monkeypatch, each_way):
    first, second = store.create(history, tiny), store.create(history, tiny)
    ledger.next_runs(2)
    ledger.end(first, "finished")
    other = RunStore()
    assert first in {run.id for run in other.list()}
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    ledger.end(second, "finished")
    assert next(run for run in other.list() if run.id == second).state == "finished"


@pytest.fixture
def through_mlflow(monkeypatch):
    """Lists are read as from a server, though the store is local."""
    monkeypatch.setattr("forecasting.runs.store.is_local", lambda: False)
    monkeypatch.setattr(RunStore, "_send_history", lambda *_: None)


def test_a_list_is_read_in_one_go_however_long_it_is(store, monkeypatch, through_mlflow):
    store.list(alone=True)
    asked = []
    monkeypatch.setattr(store, "_search", lambda *query, **_: asked.append(query) or [])
    store.list(alone=True)
    assert len(asked) == 3  # what waits, what runs, what has ended since


def test_a_run_that_ends_while_a_list_is_read_is_in_it(store, ledger, monkeypatch, through_mlflow, history, tiny):
    run_id = store.create(history, tiny)
    ledger.next_runs(1)
    search = store._search

    def slow_search(query, *args, **kwargs):
        found = search(query, *args, **kwargs)
        if "RUNNING" in query:
            ledger.end(run_id, "finished")
        return found

    monkeypatch.setattr(store, "_search", slow_search)
    assert [run.state for run in store.list() if run.id == run_id] == ["finished"]


def test_a_run_says_in_which_currency_its_prices_are(store, history, tiny):
    assert store.get(store.create(history, tiny)).currency is None
    assert store.get(store.create(dataclasses.replace(history, currency="GBp"), tiny)).currency == "GBp"


def test_a_run_of_the_leak_lab_is_not_ranked_by_mlflow(store, ledger, history, tiny):
    honest, leaky = store.create(history, tiny), store.create(history, dataclasses.replace(tiny, leak="scaler"))
    assert "invalid" in store._find(leaky).data.tags["forecast.invalid"]
    for run_id in (honest, leaky):
        finish(ledger, run_id)
    found = store._find(honest).data
    assert found.metrics["test_rmse"] == 1.25
    assert "forecast.invalid" not in found.tags
    found = store._find(leaky).data
    assert not any(name.startswith("test_") for name in found.metrics)
    assert found.params["leak"] == "scaler"
    assert store.get(leaky).scores["test"]["rmse"] == 1.25  # the app shows it, struck out


def test_a_damaged_run_does_not_hold_up_the_queue(store, ledger, history, tiny):
    damaged, sound = store.create(history, tiny, owner="anna"), store.create(history, tiny, owner="ben")
    facts = store._find(damaged).data.tags["forecast.facts"]
    ledger._write(damaged, tags={"facts": "{"})
    assert [run.id for run in ledger.next_runs(2)] == [sound]
    ledger._write(damaged, tags={"facts": facts})
    run = store.get(damaged)
    assert run.state == "failed"
    assert "damaged" in run.error


def test_a_forecast_needs_the_run_that_it_comes_from(store, history, tiny):
    with pytest.raises(RunError):
        store.create(history, tiny, kind="forecast", parent="nonsense")
    with pytest.raises(RunError, match="kind"):
        store.create(history, tiny, kind="dance")


def test_a_damaged_record_is_an_error_in_words(store, ledger, history, tiny):
    run_id = store.create(history, tiny)
    ledger._write(run_id, tags={"progress": "{"})
    with pytest.raises(RunError, match="damaged"):
        store.get(run_id)
    ledger._write(run_id, tags={"progress": ""})


def test_runs_of_other_programs_in_the_store_are_left_alone(store, ledger):
    foreign = store._tracking.call("create_run", store._tracking.experiment, run_name="foreign")
    assert foreign.info.run_id not in {run.id for run in store.list()}
    assert foreign.info.run_id not in ledger.left_running()
    with pytest.raises(RunError, match="not made by this app"):
        store.get(foreign.info.run_id)


def test_a_run_that_is_being_made_is_shown_to_nobody_and_not_taken_for_a_crash(store, ledger, monkeypatch, history, tiny):
    seen = []
    write = RunStore._write

    def look(self, run_id, **values):
        ledger.remove_drafts()
        seen.append((run_id, run_id in {run.id for run in store.list()}, run_id in ledger.left_running()))
        write(self, run_id, **values)

    monkeypatch.setattr(RunStore, "_write", look)
    run_id = store.create(history, tiny)
    assert seen == [(run_id, False, False)]
    assert run_id in {run.id for run in store.list()}


def test_several_sessions_share_a_store(store, ledger, history, tiny):
    run_id = store.create(history, tiny)

    def follow(_):
        for _ in range(10):
            assert store.get(run_id).id == run_id
            store.curve(run_id)

    with ThreadPoolExecutor(4) as sessions:
        following = sessions.map(follow, range(4))
        for i in range(1, 11):
            ledger.log_progress(run_id, [(i, {"loss": 1.0, "val_loss": 1.0, "seconds": 0.1})], {"epoch": i})
        assert list(following) == [None] * 4
    assert len(store.curve(run_id)) == 10


def test_a_locked_store_is_reported_and_not_waited_for(store, home, history, tiny):
    run_id = store.create(history, tiny)
    hasty = RunStore(patience=0.2)
    with sqlite3.connect(home / "runs.db") as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="did not answer in time"):
            hasty.get(run_id)
        database.rollback()
    database.close()
    assert store.get(run_id).id == run_id


class StubbornLedger:
    """Fails a number of times before it takes anything."""

    def __init__(self, failures):
        self.failures, self.taken = failures, []

    def log_progress(self, run_id, points, progress):
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("Not now.")
        self.taken.append((points, progress))


def epoch(number):
    return SimpleNamespace(epoch=number, epochs=5, loss=1 / number, val_loss=2 / number, seconds=0.5, best_epoch=number,
                           learning_rate=0.1)


def test_epochs_that_a_failing_store_did_not_take_are_written_later(monkeypatch):
    monkeypatch.setattr("forecasting.runs.reporter.FIRST_PAUSE", 0.01)
    ledger = StubbornLedger(failures=3)
    with Reporter(ledger, SimpleNamespace(id="run", epochs=5), patience=10.0) as reporter:
        for number in range(1, 6):
            reporter.epoch(epoch(number))
        reporter.phase("saving")
    assert [point[0] for points, _ in ledger.taken for point in points] == [1, 2, 3, 4, 5]
    assert ledger.taken[-1][1] == {"phase": "saving", "epoch": 5, "epochs": 5, "best_epoch": 5, "rate": 2.0}


def test_a_store_that_never_answers_does_not_keep_a_run_from_ending(monkeypatch):
    monkeypatch.setattr("forecasting.runs.reporter.FIRST_PAUSE", 0.01)
    ledger = StubbornLedger(failures=10**9)
    with Reporter(ledger, SimpleNamespace(id="run", epochs=5), patience=0.1) as reporter:
        reporter.epoch(epoch(1))
    assert ledger.taken == []


@pytest.fixture
def other_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\0" + b"\1" * 200])
def test_a_damaged_database_is_reported(other_home, content):
    (other_home / "runs.db").write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"runs\.db"):
        RunStore().list()
    assert (other_home / "runs.db").read_bytes() == content


def test_an_emptied_database_is_not_made_anew(other_home):
    (other_home / "runs.db").touch()
    (other_home / "artifacts" / "something").mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match="earlier runs"):
        RunStore().list()


def test_a_home_that_cannot_be_made_is_reported(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StoreUnavailable):
        RunStore().list()


def test_a_server_that_is_gone_is_reported(home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9") as error:
        RunStore().list()
    assert "secret" not in str(error.value)


def refusing(status, body):
    """A server that answers everything in the same way, and its address."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.mark.parametrize(("status", "body"), [
    (401, b"no"), (403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}'), (404, b"<html>"), (200, b"<html>")])
def test_a_server_that_is_no_mlflow_or_lets_nobody_in_is_reported(home, monkeypatch, status, body):
    with refusing(status, body) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(StoreUnavailable, match=str(server.server_port)):
            RunStore().list()
        server.shutdown()


@pytest.mark.parametrize("uri", ["ftp://somewhere/else", "postgresql://user:secret@127.0.0.1:1/runs"])
def test_a_store_that_mlflow_cannot_use_is_named_with_what_to_do(home, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(StoreUnavailable, match="MLFLOW_TRACKING_URI") as error:
        RunStore().list()
    assert "secret" not in str(error.value)


def test_a_server_that_gives_no_answer_is_asked_by_one_session_and_not_waited_for(home, monkeypatch):
    asked = []

    def wait(uri):
        asked.append(uri)
        silence.wait(10)
        raise StoreUnavailable("No answer.")

    silence = threading.Event()
    monkeypatch.setattr(tracking, "SERVER_SECONDS", 0.2)
    monkeypatch.setattr(tracking, "_open", wait)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://192.0.2.1:5000")

    def open_page(_):
        with pytest.raises(StoreUnavailable, match="could not be opened"):
            RunStore().list()

    with ThreadPoolExecutor(4) as sessions:
        list(sessions.map(open_page, range(4)))
    silence.set()
    with pytest.raises(StoreUnavailable):
        RunLedger().list()
    assert len(asked) == 1


def test_only_the_owner_may_read_what_is_kept(home):
    assert os.name != "posix" or oct((home / "scratch").stat().st_mode)[-3:] == "700"


def test_mlflow_s_own_pages_show_the_same_runs_settings_and_scores(store, ledger, history, tiny):
    run_id = store.create(history, tiny, name="mine")
    ledger.log_progress(run_id, [(1, {"loss": 0.5, "val_loss": 0.6, "seconds": 2.0}),
                                 (2, {"loss": 0.25, "val_loss": 0.5, "seconds": 1.0})], {"epoch": 2})
    folder = scratch("result")
    (folder / "file").write_bytes(b"")
    ledger.put_result(run_id, folder, {"test": {"rmse": 1.5, "mape": 2.5, "skill": -0.25, "naive_rmse": 1.2}}, 1.0)
    ledger.end(run_id, "finished")

    client = MlflowClient(tracking_uri=tracking_uri())  # what `mlflow ui` reads
    (experiment,) = [one for one in client.search_experiments() if one.name == EXPERIMENT]
    found = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}
    assert {run.id for run in store.list(limit=1000)} <= found.keys()
    run = found[run_id]
    assert (run.info.run_name, run.info.status) == ("mine", "FINISHED")
    assert run.data.params == {name: str(getattr(tiny, name)) for name in tiny.to_dict()}
    assert {"window": "10", "learning_rate": "0.002", "batch_size": "32", "epochs": "2", "seed": "0"}.items() <= (
        run.data.params.items())
    assert run.data.metrics == {"loss": 0.25, "val_loss": 0.5, "seconds": 1.0, "epoch_seconds": 1.0, "test_rmse": 1.5,
                                "test_mape": 2.5, "test_skill": -0.25, "test_naive_rmse": 1.2}
    assert [(point.step, point.value) for point in client.get_metric_history(run_id, "val_loss")] == [(1, 0.6), (2, 0.5)]
