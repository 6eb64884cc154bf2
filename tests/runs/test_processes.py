"""The engine and its workers as real processes, started the way the app starts them."""

import dataclasses
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest

from forecasting.model.backup import Backup
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.kind import Child, Experiment
from forecasting.runs.launcher import silent_since
from forecasting.runs.store import RunStore
from forecasting.runs.tracking import DATABASE

# What the app does, for as long as nobody ends it: see to it that an engine is alive, whenever a page is open.
APP = """
import time
from forecasting.runs.launcher import ensure_engine
while True:
    ensure_engine()
    time.sleep(0.5)
"""
QUIET_APP = """
import sys
from forecasting.runs.launcher import ensure_engine
for _ in sys.stdin:
    ensure_engine()
"""
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240  # seconds, on a machine that is busy with other things


class App:
    """A process like the app's, and the processes that serve its home.

    quiet: nobody has a page open, except when `open_page` is called
    """

    def __init__(self, home, workers=1, quiet=False):
        self.home = home
        self.process = subprocess.Popen([sys.executable, "-c", QUIET_APP if quiet else APP], stdin=subprocess.PIPE,
                                        env=os.environ | {"PYTHONPATH": str(ROOT), "FORECASTING_WORKERS": str(workers)})

    def open_page(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def serving(self):
        """Every process that was started for this home, however it is related."""
        found = []
        for process in psutil.process_iter():
            try:
                named = process.environ().get("FORECASTING_HOME")
            except psutil.Error:
                continue
            if named == str(self.home) and process.pid not in (os.getpid(), self.process.pid):
                found.append(process)
        return found

    def engines(self):
        return [process for process in self.serving() if "forecasting.runs.engine" in process.cmdline()]

    def workers(self):
        return [process for process in self.serving() if any("spawn_main" in word for word in process.cmdline())]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


@pytest.fixture(scope="module")
def app(home):
    app = App(home, workers=2)
    yield app
    app.kill()
    wait_for(lambda: not app.serving())


@pytest.fixture(scope="module")
def store(home):
    RunStore(patience=None).list()  # opened, which takes half a minute on a machine that is busy with other things
    return RunStore(patience=30)


@pytest.fixture(scope="module")
def endless(tiny):
    return dataclasses.replace(tiny, epochs=1000, learning_rate=1e-5, window=30, units=(96,), batch_size=4)


def wait_for(condition):
    """The first true value of `condition()`."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"Waited too long, after this:\n{latest_words()}"
        time.sleep(0.2)  # most conditions ask the store, which takes the processor from those that are waited for
    return value


def latest_words():
    """What the engine has said: a failure of other processes cannot be understood without."""
    home = Path(os.environ["FORECASTING_HOME"])
    log, status = (home / name for name in ("logs/engine.log", "engine.status"))
    return "\n".join([*log.read_text().splitlines()[-40:], status.read_text() if status.exists() else "no status"])


def ended(store, run_id):
    return wait_for(lambda: run if not (run := store.get(run_id)).active else None)


def learning(store, run_id):
    def look():
        run = store.get(run_id)
        return run if run.state != "scheduled" and (run.epoch >= 2 or not run.active) else None

    return wait_for(look)


def test_a_run_goes_from_the_queue_to_its_result(app, store, history, tiny):
    run_id = store.create(history, tiny)
    run = ended(store, run_id)
    assert (run.state, run.error, run.epoch) == ("finished", None, 2)
    result = store.result(run_id)
    assert result.config == tiny
    assert store.curve(run_id)["loss"].tolist() == result.curve["loss"].tolist()
    assert run.scores["test"]["rmse"] == result.metrics["test"]["rmse"]
    (timing,) = [one for one in store.timings() if one.seconds == run.seconds]
    assert timing.epoch_seconds in result.curve["seconds"].tolist()


def test_workers_allocate_memory_as_any_python_does(app):
    workers = wait_for(app.workers)
    # Dask would set it, and an epoch would take half as long again.
    assert not any("MALLOC_TRIM_THRESHOLD_" in worker.environ() for worker in workers)


@pytest.mark.parametrize("refit", [False, True])
def test_a_forecast_is_a_run_of_its_own(app, store, history, tiny, refit):
    parent = store.create(history, tiny)
    ended(store, parent)
    run_id = store.create(history, tiny, kind="forecast", parent=parent,
                          parameters={"steps": 3, "refit": refit, "as_of": None})
    run = ended(store, run_id)
    assert (run.state, run.error, run.parent) == ("finished", None, parent)
    frame = store.forecast(run_id)
    assert list(frame.index) == list(pd.bdate_range(history.dates[-1] + pd.offsets.BDay(), periods=3))
    assert {"predicted", "lower_80", "upper_95", "guarded_predicted", "guarded_lower_95"} <= set(frame.columns)
    assert frame.notna().all(axis=None)


def test_experiments_make_their_trainings_and_come_to_an_end(app, store, history, tiny):
    tested = store.create(history, tiny)
    ended(store, tested)
    both = [store.start_experiment("backtest", history, tiny, {"folds": 2}, parent=tested),
            store.start_experiment("leak", history, tiny, {"mistake": "shuffle"}, parent=tested)]
    found = []
    for run_id in both:
        run = ended(store, run_id)
        assert (run.state, run.error) == ("finished", None)
        runs = [Child(child, store.result) for child in store.children(run)]
        found.append(EXPERIMENTS[run.experiment].summarise(runs, Experiment(run, store, runs)))
    folds, leaks = found
    assert "Over 2 folds and 40 days" in folds.sentence
    assert folds.tables[0].frame.index.tolist() == ["Fold 1", "Fold 2"]
    assert leaks.tables[0].frame.index.tolist() == ["Honest", "Shuffled windows (invalid)"]
    assert tested in {run.id for run in store.list(kind="train", alone=True)}
    children = [child.id for run_id in both for child in store.children(store.get(run_id))]
    assert len(children) == 3
    assert not set(children) & {run.id for run in store.list(alone=True)}


def test_what_a_person_can_mend_is_said_in_the_words_of_the_error(app, store, history, tiny):
    run = ended(store, store.create(history, dataclasses.replace(tiny, window=190)))
    assert run.state == "failed"
    assert "190" in run.error
    assert "internal error" not in run.error


def test_a_stopped_run_keeps_what_it_has_learnt(app, store, history, endless):
    run_id = store.create(history, endless)
    learning(store, run_id)
    store.request_stop(run_id)
    run = ended(store, run_id)
    assert (run.state, run.error) == ("stopped", None)
    result = store.result(run_id)
    assert 2 <= len(result.curve) < 1000
    assert result.predictions["predicted"].notna().all()
    assert len(store.curve(run_id)) == len(result.curve)


def test_a_run_that_is_stopped_while_it_waits_never_starts(app, store, history, endless):
    busy = [store.create(history, endless), store.create(history, endless)]
    for run_id in busy:
        assert learning(store, run_id).state == "running"
    waiting = store.create(history, endless)
    assert store.get(waiting).state == "scheduled"
    for run_id in (waiting, *busy):
        store.request_stop(run_id)
    run = ended(store, waiting)
    assert (run.state, run.started, run.has_result) == ("stopped", None, False)
    assert "before its turn" in run.error
    for run_id in busy:
        run = ended(store, run_id)
        assert (run.state, run.has_result) == ("stopped", True)


def test_a_second_app_on_the_same_home_shares_the_engine(app, store, home, history, tiny):
    other = App(home)
    try:
        assert ended(store, store.create(history, tiny)).state == "finished"
        assert len(app.engines()) == 1
    finally:
        other.kill()
    assert ended(store, store.create(history, tiny)).state == "finished"


def test_a_run_goes_on_when_its_worker_dies_and_leaves_a_result_when_that_freezes(app, store, home, history, tiny, endless):
    both = [store.create(history, endless), store.create(history, endless)]
    for run_id in both:
        assert learning(store, run_id).state == "running"
    waiting = store.create(history, tiny)
    assert store.get(waiting).queue_position == 1
    backups = {run_id: Backup(home / "backups" / f"{run_id}.npz") for run_id in both}
    wait_for(lambda: all(backup.path.exists() for backup in backups.values()))
    before = {run_id: len(backup.load().rows) for run_id, backup in backups.items()}
    app.workers()[0].kill()
    victim = wait_for(lambda: next((run_id for run_id in both if store.get(run_id).attempt == 2), None))
    survivor = next(run_id for run_id in both if run_id != victim)
    assert "died" in store.get(victim).setback
    run = wait_for(lambda: run if (run := store.get(victim)).state == "running" and run.rate else None)
    assert run.epoch >= before[victim]
    assert store.get(survivor).attempt == 1
    curve = store.curve(victim)
    assert curve["epoch"].tolist() == list(range(1, len(curve) + 1))
    store.request_stop(survivor)
    assert ended(store, survivor).state == "stopped"
    assert ended(store, waiting).state == "finished"
    freeze(home, app.workers())
    wait_for(lambda: silent_since(victim))
    before = len(backups[victim].load().rows)
    store.request_stop(victim, force=True)
    run = ended(store, victim)
    assert (run.state, run.has_result, run.attempt) == ("stopped", True, 3)
    assert len(store.result(victim).curve) == len(store.curve(victim)) == before


def freeze(home, processes):
    """Suspends them while none of them is at the store, which it would keep locked (`test_engine` has that case)."""
    with closing(sqlite3.connect(home / DATABASE, timeout=PATIENCE, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        for process in processes:
            process.suspend()
        database.execute("ROLLBACK")


# What a page would say, in a process whose writes fail as those of all others do.
LOOK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
from forecasting.runs.delays import delay_words
print(delay_words())
"""


@contextmanager
def full_disk(app):
    """No process of this home can write to a file, as on a disk that is full. In truth a file may not grow beyond 0 bytes,
    which anyone may ask of their own processes, while filling a disk takes one to fill."""
    before = [(process, process.rlimit(psutil.RLIMIT_FSIZE)) for process in app.serving()]
    for process, (_, most) in before:
        process.rlimit(psutil.RLIMIT_FSIZE, (0, most))
    yield
    for process, limits in before:
        process.rlimit(psutil.RLIMIT_FSIZE, limits)


def test_a_run_that_ends_while_the_disk_is_full_is_saved_once_there_is_room(app, store, home, history, endless):
    run_id = store.create(history, dataclasses.replace(endless, epochs=40))
    assert learning(store, run_id).state == "running"
    backup = Backup(home / "backups" / f"{run_id}.npz")
    wait_for(backup.path.exists)
    with full_disk(app):
        seen = store.get(run_id).epoch
        words = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True,
                               env=os.environ | {"PYTHONPATH": str(ROOT)}).stdout
        assert words.startswith(f"Saving delayed: no room in {home}.")
        worker = wait_for(lambda: [one for one in app.workers() if one.cpu_percent(0.5) > 10] or None)
        wait_for(lambda: not any(one.is_running() and one.cpu_percent(0.5) > 10 for one in worker))  # it has come to its end
        run = store.get(run_id)
        assert (run.state, run.has_result, backup.path.exists()) == ("running", False, True)
        assert run.epoch <= seen + 1 < 40
    run = ended(store, run_id)
    assert (run.state, run.error, run.epoch, run.attempt) == ("finished", None, 40, 1)
    curve = store.curve(run_id)
    assert curve["epoch"].tolist() == list(range(1, 41))
    assert curve["loss"].tolist() == store.result(run_id).curve["loss"].tolist()
    wait_for(lambda: not backup.path.exists())
    assert not list((home / "outbox").glob("*/*"))


def test_nothing_outlives_the_app_and_the_next_one_tells_the_truth(app, store, home, history, endless):
    run_id, waiting = store.create(history, endless), store.create(history, endless, name="later")
    backup = Backup(home / "backups" / f"{run_id}.npz")
    wait_for(backup.path.exists)
    other, engine = App(home), app.engines()
    wait_for(lambda: len(list((home / "apps").iterdir())) == 2)  # the other one is there
    app.kill()  # which started the engine
    before = store.get(run_id).epoch
    wait_for(lambda: store.get(run_id).epoch > before + 5)
    assert other.engines() == engine
    other.kill()
    wait_for(lambda: not app.serving())
    store.request_stop(waiting)
    following = App(home, quiet=True)
    try:
        following.open_page()
        wait_for(following.engines)
        run = ended(store, run_id)
        assert (run.state, run.has_result) == ("interrupted", False)
        assert "Resume" in run.error
        assert ended(store, waiting).state in ("stopped", "interrupted")
        behind = len(backup.load().rows)
        store.resume(run_id)
        run = wait_for(lambda: run if (run := store.get(run_id)).state == "running" and run.rate else None)
        assert (run.attempt, run.epoch >= behind) == (2, True)
        learning(store, run_id)
        curve = store.curve(run_id)
        assert curve["epoch"].tolist() == list(range(1, len(curve) + 1))
        check_that_an_engine_is_replaced_and_its_run_goes_on(following, store, run_id, kill_engine)
        check_that_an_engine_is_replaced_and_its_run_goes_on(following, store, run_id, freeze_engine)
        store.request_stop(run_id)
        assert ended(store, run_id).state == "stopped"
        check_that_an_experiment_goes_on_by_itself(following, store, history, endless)
    finally:
        following.kill()
        wait_for(lambda: not following.serving())


def check_that_an_engine_is_replaced_and_its_run_goes_on(app, store, run_id, fault):
    """Once a page is open: the app is quiet."""
    before, engines = store.get(run_id), app.engines()
    assert before.state == "running"
    fault(app)
    run = wait_for(lambda: app.open_page() or (
        run if (run := store.get(run_id)).state == "running" and run.started != before.started and run.rate else None))
    assert (run.attempt, run.lost) == (before.attempt + 1, 0)
    assert "ended unexpectedly" in run.setback
    assert len(app.engines()) == 1
    assert app.engines() != engines
    curve = store.curve(run_id)
    assert curve["epoch"].tolist() == list(range(1, len(curve) + 1))


def freeze_engine(app):
    freeze(app.home, app.engines())


def kill_engine(app):
    """Its workers end with it."""
    workers = app.workers()
    assert workers
    app.engines()[0].kill()
    psutil.wait_procs(workers, timeout=PATIENCE)
    assert not any(worker.is_running() for worker in workers)


def check_that_an_experiment_goes_on_by_itself(app, store, history, endless):
    """With an engine that is killed in the middle of it; the app is quiet, and its one worker has nothing else to do."""
    run_id = store.start_experiment("backtest", history, endless, {"folds": 2})

    def folds():
        return sorted(store.children(store.get(run_id)), key=lambda run: run.key)

    first = wait_for(lambda: app.open_page() or folds())[0].id
    assert learning(store, first).state == "running"
    kill_engine(app)
    # The second engine in a row that fails is replaced after a pause: the page is open for a while.
    # A run that is put back has its next attempt's number while it still counts as running, but no rate.
    wait_for(lambda: app.open_page() or ((run := store.get(first)).attempt == 2 and run.state == "running" and run.rate))
    assert store.get(run_id).state == "running"
    assert [run.key for run in folds()] == ["fold-1", "fold-2"]
    store.request_stop(run_id)
    run = ended(store, run_id)
    assert (run.state, run.error) == ("stopped", None)
    assert [(run.state, run.has_result) for run in folds()] == [("stopped", True), ("stopped", False)]
    store.delete(run_id)
    assert not {run.id for run in store.list()} & {run_id, first}
