import re
from dataclasses import fields, replace

import pytest

from forecasting.errors import ConfigError, LimitReached
from forecasting.model.config import MAX_LAYERS, MAX_UNITS, RANGES, ForecastConfig
from forecasting.runs import limits as limits_module
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.ledger import RunLedger
from forecasting.runs.limits import PersonLimits, RunLimits, check_run, limits
from forecasting.runs.store import RunStore
from forecasting.runs.tracking import tracking_uri


@pytest.fixture(autouse=True)
def home_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    RunStore(patience=None).list()  # opened, which takes long on a machine that is busy with other things


@pytest.fixture
def limit(tmp_path, monkeypatch):
    """Writes a file of limits and names it, as whoever runs the app does."""
    def write(text):
        file = tmp_path / "class.toml"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setenv("FORECASTING_LIMITS", str(file))
        limits_module._read.cache_clear()  # read once a process

    yield write
    limits_module._read.cache_clear()


def test_every_setting_that_the_app_offers_is_allowed_as_shipped():
    check_run(ForecastConfig(units=(MAX_UNITS,) * MAX_LAYERS, features=("Close", "Volume"), epochs=RANGES["epochs"][1]), 10_000)


def test_every_limit_is_explained_in_the_file():
    text = limits_module.SHIPPED.read_text(encoding="utf-8")
    for kind in (PersonLimits, RunLimits):
        for field in fields(kind):
            assert re.search(rf"^# .+\n{field.name} = [\d_]+$", text, re.MULTILINE), field.name


def test_a_file_changes_what_it_names_and_leaves_the_rest(limit):
    shipped = limits()
    limit("[person]\nqueued = 3\n[run]\nminutes = 0.5\n")
    changed = limits()
    assert changed.person == replace(shipped.person, queued=3)
    assert changed.run == replace(shipped.run, minutes=0.5)


@pytest.mark.parametrize(("text", "said"), [
    ("[person]\nwaiting = 3", "Received: person.waiting. Known are person.running"),
    ("queued = 3", "Received: queued. Known are"),
    ("[machine]\ncores = 3", "Received: machine.cores"),
    ("[person]\nqueued = 'many'", "person.queued .* must be a whole number above 0. Received: many"),
    ("[person]\nqueued = 2.5", "must be a whole number above 0. Received: 2.5"),
    ("[person]\nqueued = 0", "above 0. Received: 0"),
    ("[person]\nqueued = true", "Received: True"),
    ("[run]\nminutes = nan", "run.minutes .* must be a number above 0. Received: nan"),
    ("[run]\nminutes = inf", "Received: inf"),
    ("[run", "cannot be read"),
])
def test_a_file_of_limits_that_is_wrong_is_refused_in_words(limit, text, said):
    limit(text)
    with pytest.raises(ConfigError, match=said):
        limits()


def test_a_file_of_limits_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("FORECASTING_LIMITS", "/nowhere/limits.toml")
    with pytest.raises(ConfigError, match=r"Received: /nowhere/limits.toml\. Correct it, or unset FORECASTING_LIMITS"):
        limits()


@pytest.mark.parametrize(("text", "settings", "said"), [
    ("epochs = 10", {"epochs": 11}, r"A run may take 10 epochs here. Received: 11. Choose fewer epochs. .*run.epochs"),
    ("parameters = 150", {"units": (8, 8)}, r"may have 150 parameters here. Received: 873. Choose fewer .*run.parameters"),
    ("memory_gb = 1.2", {"units": (512, 512)},
     r"may need 1.2 GB of memory here. Received: settings that need about .* GB. Choose a smaller batch.*run.memory_gb"),
])
def test_a_run_over_a_limit_is_refused_before_it_is_made(limit, history, tiny, text, settings, said):
    limit(f"[run]\n{text}")
    store = RunStore()
    store.create(history, tiny)
    with pytest.raises(LimitReached, match=said):
        store.create(history, replace(tiny, **settings))
    with pytest.raises(LimitReached, match=said):
        store.start_experiment("backtest", history, replace(tiny, **settings), {"folds": 2})
    assert len(store.list()) == 1


def test_a_run_that_is_opened_and_not_computed_may_have_had_more_epochs(limit, history, tiny):
    limit("[run]\nepochs = 1")
    assert RunStore().create(history, tiny, queued=False)


def test_the_queue_of_one_person_is_bounded_and_others_still_queue(limit, history, tiny):
    limit("[person]\nqueued = 2")
    store, ledger = RunStore(), RunLedger()
    first = store.create(history, tiny, owner="anna")
    ledger.next_runs(1)
    for _ in range(2):  # the one that runs waits no longer
        store.create(history, tiny, owner="anna")
    with pytest.raises(LimitReached, match=r"One person may have 2 runs in the queue here. You have 2. Wait .*person.queued"):
        store.create(history, tiny, owner="anna")
    store.create(history, tiny, owner="ben")
    ledger.end(first, "interrupted")
    with pytest.raises(LimitReached, match="in the queue"):
        store.resume(first)
    # What an experiment makes is not what its owner has queued.
    for fold in range(3):
        store.create(history, tiny, owner="carl", parent=first, key=f"fold-{fold}")
    store.create(history, tiny, owner="carl")


def test_kept_runs_are_bounded_until_the_trash_is_emptied(limit, history, tiny):
    limit("[person]\nstored = 2")
    store, ledger = RunStore(), RunLedger()
    first, second = (store.create(history, tiny, owner="anna") for _ in range(2))
    said = r"One person may keep 2 runs here. You have 2 and asked for another one. Delete some .*trash.*person.stored"
    with pytest.raises(LimitReached, match=said):
        store.create(history, tiny, owner="anna")
    store.create(history, tiny)
    ledger.end(first, "stopped")
    store.delete(first)
    with pytest.raises(LimitReached, match="may keep 2 runs"):
        store.create(history, tiny, owner="anna")
    store.trash.empty()
    store.create(history, tiny, owner="anna")
    ledger.end(second, "interrupted")
    assert store.resume(second) == second  # kept already


def test_kept_runs_are_bounded_on_a_server_too(limit, history, tiny, monkeypatch):
    limit("[person]\nstored = 1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())  # the local database, used as a server is
    store = RunStore()
    store.create(history, tiny, owner="anna")
    with pytest.raises(LimitReached, match=r"You have 1 and asked for another one\. Delete some on the Runs page\. Whoever"):
        store.create(history, tiny, owner="anna")


def test_an_experiment_needs_room_for_all_of_its_trainings(limit, history, tiny):
    limit("[person]\nstored = 4")
    store = RunStore()
    assert EXPERIMENTS["backtest"].trainings({"folds": 4}) == 4
    with pytest.raises(LimitReached, match="You have 0 and asked for 5 more"):
        store.start_experiment("backtest", history, tiny, {"folds": 4})
    run_id = store.start_experiment("backtest", history, tiny, {"folds": 3})
    with pytest.raises(LimitReached, match="You have 1 and asked for 5 more"):
        store.change_options(run_id, {"folds": 8})


def test_who_has_enough_runs_at_work_lets_the_others_go_first(limit, history, tiny):
    limit("[person]\nrunning = 1")
    store, ledger = RunStore(), RunLedger()
    first, second = (store.create(history, tiny, owner="anna") for _ in range(2))
    (at_work,) = ledger.next_runs(4)
    assert at_work.id == first
    assert store.get(second).phase == "for one of your runs to end: one person may have 1 at work at a time here"
    other = store.create(history, tiny, owner="ben")
    experiment = store.start_experiment("backtest", history, tiny, {"folds": 2}, owner="ben")  # which needs no worker
    claimed = ledger.next_runs(4, [at_work])
    assert {run.id for run in claimed} == {other, experiment}
    assert ledger.next_runs(4, [at_work, *claimed]) == []
    ledger.end(first, "finished")
    assert [run.id for run in ledger.next_runs(4, claimed)] == [second]
