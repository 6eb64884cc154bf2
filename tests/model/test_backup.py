import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from forecasting.model import backup as backup_module
from forecasting.model.backup import Backup, TrainingState
from forecasting.model.config import ForecastConfig
from forecasting.model.listener import Callbacks
from forecasting.model.network import build_network
from forecasting.model.training import TrainingData, fit_network

CONFIG = ForecastConfig(window=6, units=(4,), epochs=6, batch_size=16, learning_rate=0.01, patience=3)
STATE = TrainingState([(1, 0.5, 0.25, 0.1)], [np.arange(3.0), np.float32(2.0)], [np.ones((2, 2))],
                      {"lowest": float("inf")}, {"state": {"state": 2**127 + 1}})


class Killed(BaseException):
    """The end of a process, as far as a test can have it."""


def make_data():
    rng = np.random.default_rng(0)
    series = np.sin(np.arange(120) / 3)[:, None] + 0.1 * rng.normal(size=(120, 1))
    targets = np.append(series[1:], [[np.nan]], axis=0)
    return TrainingData(series, targets, np.arange(5, 90), np.arange(90, 119))


def fit(config, **calls):
    network = build_network(config, 1)
    for weight in network.weights:  # the same start each time
        weight.assign(np.random.default_rng(weight.shape.num_elements()).normal(0, 0.1, weight.shape))
    return network, fit_network(network, make_data(), config, Callbacks(**calls))


def killed_after(epoch):
    def on_epoch(log):
        if log.epoch == epoch:
            raise Killed

    return on_epoch


@pytest.mark.parametrize("settings", [
    {}, {"dropout": 0.2, "optimizer": "rmsprop"}, {"patience": None, "schedule": "cosine"}, {"schedule": "plateau"},
    {"learning_rate": 1e-6, "patience": 2},
])
def test_a_training_that_goes_on_ends_as_if_it_had_not_been_interrupted(tmp_path, settings):
    config = dataclasses.replace(CONFIG, **settings)
    network, whole = fit(config)
    for epoch in (2, 3):
        with pytest.raises(Killed):
            fit(config, backup=Backup(tmp_path / "backup.npz", every=0.0), on_epoch=killed_after(epoch))
    resumed, rest = fit(config, backup=Backup(tmp_path / "backup.npz", every=0.0))
    np.testing.assert_array_equal(rest.curve[["epoch", "loss", "val_loss"]], whole.curve[["epoch", "loss", "val_loss"]])
    assert (rest.best_epoch, rest.rates) == (whole.best_epoch, whole.rates)
    kept, expected = (one.snapshots.to_arrays() for one in (rest, whole))
    assert kept.keys() == expected.keys()
    assert all(np.array_equal(kept[name], values) for name, values in expected.items())
    for ours, theirs in zip(resumed.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_training_that_was_over_is_not_trained_further(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=3)
    backup = Backup(tmp_path / "backup.npz", every=0.0)
    network, whole = fit(config, backup=backup)
    epochs = []
    again, rest = fit(config, backup=backup, on_epoch=epochs.append)
    assert epochs == []
    assert rest.curve["val_loss"].tolist() == whole.curve["val_loss"].tolist()
    np.testing.assert_array_equal(again.get_weights()[0], network.get_weights()[0])


def test_a_state_comes_back_as_it_was(tmp_path):
    backup = Backup(tmp_path / "backup.npz", every=0.0)
    assert backup.load() is None
    backup.offer(lambda: STATE)
    again = backup.load()
    assert (again.rows, again.progress, again.random) == (STATE.rows, STATE.progress, STATE.random)
    for ours, theirs in zip(again.variables + again.kept, STATE.variables + STATE.kept, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_state_is_not_written_more_often_than_asked(tmp_path):
    backup = Backup(tmp_path / "backup.npz", every=3600.0)
    backup.offer(lambda: pytest.fail("too early"))
    assert backup.load() is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x93NUMPY"])
def test_a_damaged_backup_is_none(tmp_path, content):
    (tmp_path / "backup.npz").write_bytes(content)
    assert Backup(tmp_path / "backup.npz").load() is None


def test_a_backup_of_another_network_is_not_used(tmp_path):
    with pytest.raises(Killed):
        fit(CONFIG, backup=Backup(tmp_path / "backup.npz", every=0.0), on_epoch=killed_after(2))
    wider = dataclasses.replace(CONFIG, units=(5,))
    _, result = fit(wider, backup=Backup(tmp_path / "backup.npz", every=3600.0))
    assert result.curve["epoch"].iloc[0] == 1
    assert result.curve["val_loss"].tolist() == fit(wider)[1].curve["val_loss"].tolist()


def test_a_backup_of_another_version_is_not_used(tmp_path):
    class Earlier(Backup):
        def load(self):
            state = super().load()
            state.progress.pop("rates")
            return state

    with pytest.raises(Killed):
        fit(CONFIG, backup=Backup(tmp_path / "backup.npz", every=0.0), on_epoch=killed_after(2))
    _, result = fit(CONFIG, backup=Earlier(tmp_path / "backup.npz", every=3600.0))
    assert result.curve["epoch"].iloc[0] == 1
    assert len(result.rates) == result.best_epoch


def test_a_disk_that_refuses_does_not_end_the_training(tmp_path):
    _, result = fit(CONFIG, backup=Backup(tmp_path / "missing" / "backup.npz", every=0.0))
    assert len(result.curve) == CONFIG.epochs


def test_writing_is_rarer_where_it_takes_long_but_never_very_rare(tmp_path, monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(backup_module.time, "monotonic", lambda: clock.now)
    backup, written = Backup(tmp_path / "backup.npz", every=0.5), []

    def train(seconds, cost):
        """Epochs of a tenth of a second, where writing takes `cost`; how many states were written."""
        written.clear()

        def keep(content, epochs):
            clock.now += cost
            written.append(epochs)

        monkeypatch.setattr(backup, "_keep", keep)
        ends = clock.now + seconds
        while clock.now < ends:
            clock.now += 0.1
            backup.offer(lambda: STATE)
        return len(written)

    assert 15 <= train(10.0, 0.001) <= 20
    assert 7 <= train(10.0, 0.02) <= 11
    train(20.0, 5.0)
    assert 6 <= train(100.0, 5.0) <= 8
