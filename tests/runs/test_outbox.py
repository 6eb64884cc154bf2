"""What a worker has computed is kept until the store has it, whatever refuses it in the meantime."""

import errno
import json
import os
from types import SimpleNamespace

import pytest

from forecasting.errors import StoreUnavailable
from forecasting.runs import outbox, worker
from forecasting.runs.delays import delay_words
from forecasting.runs.engine import Engine, mend
from forecasting.runs.files import backup_file
from forecasting.runs.kinds import RUN_KINDS, Computed, RunKind
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore
from tests.runs.laboratory import Cluster

EPOCHS = 4


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def store(home):
    return RunStore()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nobody waits, and no thread of a worker delivers anything behind the test's back."""
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(worker, "LEAVE_SECONDS", 0.2)
    monkeypatch.setattr(worker, "_deliver_later", lambda run_id: None)
    monkeypatch.setattr("forecasting.runs.reporter.FIRST_PAUSE", 0.01)


@pytest.fixture
def saved():
    """What has been saved of results, and `saved.fails`, the errors that come first."""
    return SimpleNamespace(times=0, fails=[])


@pytest.fixture
def run_id(store, monkeypatch, history, tiny, saved):
    """A run that a worker is about to compute, with a backup."""
    def train(ledger, run, reporter, should_stop):
        for number in range(1, EPOCHS + 1):
            reporter.epoch(SimpleNamespace(epoch=number, epochs=EPOCHS, loss=1 / number, val_loss=2 / number, seconds=0.1,
                                           best_epoch=number, learning_rate=0.1))
        return Computed("finished", {"test": {"rmse": 1.5}}, save, epoch_seconds=0.1)

    def save(folder):
        (folder / "half").write_text("half")
        if saved.fails:
            raise saved.fails.pop(0)
        saved.times += 1
        (folder / "weights").write_text("learnt")

    monkeypatch.setitem(RUN_KINDS, "train", RunKind(train, lambda folder: (folder / "weights").read_text(), keeps_backup=True))
    run_id = store.create(history, tiny)
    RunLedger().next_runs(1)
    backup_file(run_id).write_text("a backup")
    return run_id


class Refusing(RunLedger):
    """A ledger whose store refuses the MLflow calls named in `refused`."""

    def __init__(self, *refused):
        super().__init__()
        self.refused, call = set(refused), self._tracking.call

        def refuse(method, *args, **kwargs):
            if method in self.refused:
                raise StoreUnavailable("The store does not answer.", reason="the store does not answer")
            return call(method, *args, **kwargs)

        self._tracking.call = refuse


def is_complete(store, run_id):
    run = store.get(run_id)
    assert (run.state, run.error, run.scores) == ("finished", None, {"test": {"rmse": 1.5}})
    assert (run.epoch, run.best_epoch) == (EPOCHS, EPOCHS)
    assert store.result(run_id) == "learnt"
    assert store.curve(run_id)["epoch"].tolist() == [1, 2, 3, 4]
    assert store.curve(run_id)["val_loss"].tolist() == [2.0, 1.0, 2 / 3, 0.5]
    assert not backup_file(run_id).exists()
    assert not outbox.kept()
    assert delay_words(run_id) is None
    return True


def step(ledger=None):
    """What an engine does that has just been started."""
    ledger = ledger or RunLedger()
    mend(ledger)
    Engine(ledger, lambda: Cluster(1), 3600.0).step()


def test_a_result_is_delivered_at_once_where_the_store_takes_it(store, run_id):
    assert worker.carry_out(RunLedger(), run_id, 1, lambda: False) == (worker.Ended("finished"), None)
    assert is_complete(store, run_id)


# Every request that the end of a run takes, in its order; and all of them at once, as where the server is down.
@pytest.mark.parametrize("refused", [["get_metric_history"], ["set_terminated"], ["log_batch"], ["get_run", "log_batch"]])
def test_a_result_that_the_store_refuses_is_kept_and_delivered_after_a_restart(store, run_id, refused):
    ledger = Refusing()

    def refuse():  # from the end of the training on
        ledger.refused = set(refused)
        return False

    train = RUN_KINDS["train"].compute

    def train_then_refuse(*args):
        computed = train(*args)
        refuse()
        return computed

    RUN_KINDS["train"] = RunKind(train_then_refuse, RUN_KINDS["train"].read, keeps_backup=True)
    ended, _ = worker.carry_out(ledger, run_id, 1, lambda: False)
    assert ended.state == "kept"
    run = store.get(run_id)
    assert (run.state, backup_file(run_id).exists(), outbox.kept()) == ("running", True, [run_id])
    assert delay_words(run_id).startswith("Saving delayed: the store does not answer.")
    step(Refusing(*set(refused) - {"get_run"}))  # an engine that is refused as well takes the run for nothing but unfinished
    assert (store.get(run_id).state, store.get(run_id).attempt) == ("running", 1)
    step()
    assert is_complete(store, run_id)
    step()
    assert is_complete(store, run_id)


def test_delivery_that_was_cut_short_goes_on_where_it_was(store, run_id):
    ledger = Refusing("set_terminated")
    worker.carry_out(ledger, run_id, 1, lambda: False)
    assert store.get(run_id).has_result  # all but the last word is there
    assert store.get(run_id).state == "running"
    step()
    assert is_complete(store, run_id)


def test_a_result_waits_until_there_is_room_for_it(store, run_id, saved):
    saved.fails = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))] * 3
    stop = []

    def asked_to_stop():  # a person who waits may well press Stop
        stop.append(backup_file(run_id).exists())
        return True

    ended, _ = worker.carry_out(RunLedger(), run_id, 1, asked_to_stop)
    assert (ended.state, saved.times) == ("finished", 1)
    assert stop == [True] * 3
    assert is_complete(store, run_id)


def test_a_result_that_can_never_be_written_leaves_the_run_to_be_resumed(store, run_id, saved, monkeypatch):
    monkeypatch.setattr(worker, "FINAL_PATIENCE", -1.0)
    saved.fails = [OSError(errno.EACCES, os.strerror(errno.EACCES))] * 3
    ended, trace = worker.carry_out(RunLedger(), run_id, 1, lambda: False)
    assert (ended.state, saved.times) == ("interrupted", 0)
    assert "Permission denied" in ended.error
    assert "resume" in ended.error
    assert "PermissionError" in trace
    assert backup_file(run_id).exists()


def test_progress_that_the_store_does_not_take_is_delivered_with_the_result(store, run_id):
    ledger = Refusing()
    write = ledger.log_progress
    ledger.log_progress = lambda *args: (_ for _ in ()).throw(StoreUnavailable("Not now.", reason="it is locked"))
    ended, _ = worker.carry_out(ledger, run_id, 1, lambda: False)
    assert ended.state == "kept"  # the same refuses it as the end is delivered
    points = json.loads((outbox._place(run_id) / outbox.OUTCOME).read_text())["points"]
    assert [point[0] for point in points] == [1, 2, 3, 4]
    ledger.log_progress = write
    assert outbox.deliver(ledger, run_id)
    assert is_complete(store, run_id)


@pytest.mark.parametrize("cause", ["another attempt", "deleted"])
def test_a_result_that_nobody_waits_for_any_more_is_dropped(store, run_id, cause):
    worker.carry_out(Refusing("set_terminated"), run_id, 1, lambda: False)
    if cause == "deleted":
        store._tracking.call("delete_run", run_id)
    else:
        RunLedger().lose(run_id, 1, "Its process died.")
    step()
    assert not outbox.kept()
    assert backup_file(run_id).exists()
    if cause == "another attempt":
        assert (store.get(run_id).attempt, store.get(run_id).has_result) == (2, True)


def test_an_engine_does_not_have_a_run_computed_anew_whose_result_is_kept(store, run_id):
    """Its worker died, or the cluster was lost, after the result was kept."""
    worker.carry_out(Refusing("set_terminated"), run_id, 1, lambda: False)
    ledger, cluster = RunLedger(), Cluster(1)
    engine = Engine(ledger, lambda: cluster, 3600.0)
    engine._jobs[run_id] = SimpleNamespace(attempt=1, future=SimpleNamespace(done=lambda: True, status="lost"), started=0.0)
    engine.step()
    assert is_complete(store, run_id)


def test_only_one_process_delivers_a_result(store, run_id):
    from locket import lock_file

    worker.carry_out(Refusing("set_terminated"), run_id, 1, lambda: False)
    with lock_file(str(outbox._place(run_id).with_suffix(".lock")), timeout=0):
        assert not outbox.deliver(RunLedger(), run_id)
    assert outbox.deliver(RunLedger(), run_id)
    assert is_complete(store, run_id)


def test_a_store_that_fails_as_a_run_begins_has_it_begun_again(store, run_id, monkeypatch):
    monkeypatch.setattr(worker, "FINAL_PATIENCE", 0.0)
    ended, _ = worker.carry_out(Refusing("get_run"), run_id, 1, lambda: False)
    assert ended.state == "lost"
    assert ended.error == "The store does not answer."
