"""The backup of a run that a worker on another machine goes on from."""

import numpy as np
import pytest

from forecasting.errors import AttemptOver, StoreUnavailable
from forecasting.model.backup import TrainingState
from forecasting.runs import backups
from forecasting.runs.backups import RunBackup, discard_backup
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore


def state(epochs):
    return TrainingState([(epoch, 1.0, 1.0, 0.1) for epoch in range(1, epochs + 1)], [np.arange(5.0)], [np.ones(3)],
                         {"lowest": 1.0}, {"state": 1})


@pytest.fixture
def machines(home, tmp_path, monkeypatch, history, tiny):
    """Two that share a store and nothing else: a run at work, and what each does with its backup."""
    monkeypatch.setattr(backups, "is_local", lambda: False)
    monkeypatch.setattr(backups, "SEND_EVERY", 0.0)
    monkeypatch.setattr(backups, "SEND_SHARE", float("inf"))
    monkeypatch.setattr(backups, "backup_file", lambda run_id: tmp_path / machine / f"{run_id}.npz")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    machine = "first"

    def use(name):
        nonlocal machine
        machine = name

    engine, run_id = RunLedger(), RunStore(patience=None).create(history, tiny)
    engine.next_runs(1)
    yield engine, run_id, use
    for left in [*engine.left_running(), *engine.waiting()]:
        engine.end(left, "stopped")


def claimed(run_id, attempt):
    ledger = RunLedger()
    backup = RunBackup(ledger, ledger.claim(run_id, attempt))
    backup.every = backup._pause = 0.0
    return ledger, backup


def keep(backup, epochs):
    backup.offer(lambda: state(epochs))
    backup._sender.join()


def test_another_machine_goes_on_from_the_latest_copy(machines):
    engine, run_id, use = machines
    _, backup = claimed(run_id, 1)
    for epochs in (1, 2, 3):
        keep(backup, epochs)
    engine.lose(run_id, 1, "Lost.")
    engine.next_runs(1)
    use("second")
    _, backup = claimed(run_id, 2)
    assert len(backup.load().rows) == 3
    keep(backup, 4)
    engine.lose(run_id, 2, "Lost.")
    engine.next_runs(1)
    use("first")  # which has the file of epoch 3
    assert len(claimed(run_id, 3)[1].load().rows) == 4


def test_a_machine_that_is_further_than_the_copy_goes_on_from_its_own(machines):
    _, run_id, _ = machines
    _, backup = claimed(run_id, 1)
    keep(backup, 2)
    backup._pause_of_copies = 3600.0
    backup.offer(lambda: state(5))
    assert len(backup.load().rows) == 5


def test_an_orphan_does_not_replace_the_copy_of_its_heir(machines):
    engine, run_id, use = machines
    orphan, backup = claimed(run_id, 1)
    keep(backup, 2)
    engine.lose(run_id, 1, "Lost.")
    engine.next_runs(1)
    use("second")
    _, heirs = claimed(run_id, 2)
    keep(heirs, 3)
    use("first")
    with pytest.raises(AttemptOver):
        orphan.keep_backup(run_id, backup.path, {"name": "x", "epochs": 99, "sha256": ""})
    keep(backup, 99)  # which ends no training
    assert engine.backup(run_id)["epochs"] == 3


def test_a_copy_that_was_damaged_is_not_used(machines):
    engine, run_id, use = machines
    _, backup = claimed(run_id, 1)
    keep(backup, 2)
    engine._write(run_id, tags={"backup": '{"name": "attempt-1-1.npz", "epochs": 2, "sha256": "0"}'})
    use("second")
    assert RunBackup(engine, engine.get(run_id)).load() is None


def test_a_store_that_fails_costs_a_copy_and_not_the_training(machines, monkeypatch):
    engine, run_id, _ = machines
    ledger, backup = claimed(run_id, 1)

    def fail(*_):
        raise StoreUnavailable("Not now.")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "keep_backup", fail)
        keep(backup, 2)
    assert engine.backup(run_id) is None
    keep(backup, 3)
    assert engine.backup(run_id)["epochs"] == 3


def test_nothing_is_left_of_it_once_the_run_has_ended(machines):
    _, run_id, _ = machines
    ledger, backup = claimed(run_id, 1)
    keep(backup, 2)
    copies = list((backups.scratch("look").parents[1] / "artifacts" / run_id).rglob("*.npz"))
    assert len(copies) == 1
    discard_backup(ledger, run_id)
    assert not backup.path.exists()
    assert not copies[0].exists()
