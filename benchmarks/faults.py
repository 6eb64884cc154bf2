"""What becomes of a run when something that it needs is killed, frozen or full.

    python benchmarks/faults.py [NAME ...] [--times N] [--mlflow COMMAND]

Each fault is made three times in a row, with real processes in a data folder of their own, and a table is printed: what was
seen, or what was not as it should be. NAME: only these faults, by the names of their functions. It sends signals, so it needs
Linux or macOS.
"""

import argparse
import dataclasses
import errno
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from forecasting import ForecastConfig, PriceHistory, StoreUnavailable, load_sample  # noqa: E402
from forecasting.errors import TooLarge  # noqa: E402
from forecasting.model.backup import Backup  # noqa: E402
from forecasting.model.size import peak_memory  # noqa: E402
from forecasting.runs import outbox  # noqa: E402
from forecasting.runs.delays import delay_words  # noqa: E402
from forecasting.runs.launcher import silent_since  # noqa: E402
from forecasting.runs.ledger import RunLedger  # noqa: E402
from forecasting.runs.store import RunStore  # noqa: E402

DASK = [sys.executable, "-m", "dask"]
MLFLOW: list[str] = []  # the command of a whole MLflow, which is not among this project's requirements
PATIENCE = 240  # seconds, on a machine that is busy with other things
TINY = ForecastConfig(window=10, units=(4,), epochs=2, batch_size=32, patience=None)
LARGE = ForecastConfig(window=250, units=(256,) * 4, batch_size=8, epochs=50)
LONG = dataclasses.replace(TINY, epochs=1000, learning_rate=1e-5, window=30, units=(96,), batch_size=4)
# What an app does: see to it that an engine is alive, and say what the pages would.
APP = """
import time
from forecasting.runs.launcher import engine_trouble, ensure_engine
said = None
while True:
    ensure_engine()
    if said != (said := engine_trouble()):
        print(f"{time.time():.1f} {said}", flush=True)
    time.sleep(0.2)
"""


class App:
    """An app on a data folder, without its pages."""

    def __init__(self, home: Path, workers: int = 1, **environment):
        self.home, self.log = home, home / f"app-{time.monotonic_ns()}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen([sys.executable, "-c", APP], stdout=output, env=os.environ | {
                "PYTHONPATH": str(ROOT), "FORECASTING_HOME": str(home), "FORECASTING_WORKERS": str(workers), **environment})

    def said(self) -> list[tuple[float, str]]:
        """What its pages said about the engine so far: when, and what."""
        return [(float(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in self.log.read_text().splitlines()]

    def kill(self):
        self.process.kill()
        self.process.wait()


def serving(home: Path, word: str) -> list[psutil.Process]:
    """The processes of a data folder whose command line has this word."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FORECASTING_HOME") == str(home) and any(word in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def engines(home: Path):
    return serving(home, "forecasting.runs.engine")


def workers(home: Path):
    return serving(home, "spawn_main")


def wait_for(condition, what: str, seconds: float = PATIENCE):
    """The first true value of `condition()`. A store that is busy just now is asked again."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(StoreUnavailable):
            if value := condition():
                return value
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


class Place:
    """A data folder with an app, and what is looked at in it."""

    def __init__(self, home: Path):
        self.home, self.apps = home, []
        os.environ["FORECASTING_HOME"] = str(home)
        self.use_store()

    def use_store(self):
        RunStore(patience=None).list()  # opened, which takes half a minute on a machine that is busy with other things
        self.store = RunStore(patience=30)

    def app(self, **options) -> App:
        self.apps.append(App(self.home, **options))
        return self.apps[-1]

    def train(self, config=LONG) -> str:
        return self.store.create(HISTORY, config)

    def learnt(self, run_id: str, epochs: int, attempt: int = 1):
        """The run, once it has learnt so many epochs in this attempt."""
        def look():
            run = self.store.get(run_id)
            assert run.active, f"the run is {run.state}: {run.error}"
            return run.attempt == attempt and run.state == "running" and run.epoch >= epochs and run

        return wait_for(look, f"epoch {epochs} of attempt {attempt}")

    def backed_up(self, run_id: str) -> int:
        """The epoch of the backup, once there is one."""
        state = wait_for(lambda: Backup(self.home / "backups" / f"{run_id}.npz").load(), "a backup")
        return len(state.rows)

    def backup_of(self, run_id: str, cluster):
        """A function that returns the epoch of the backup that another machine can go on from."""
        def look():
            if MLFLOW:
                return (RunLedger().backup(run_id) or {}).get("epochs")
            state = Backup(self.home / "backups" / f"{run_id}.npz").load()
            return state and len(state.rows)

        return look

    def ended(self, run_id: str):
        return wait_for(lambda: run if not (run := self.store.get(run_id)).active else None, "the end of the run")

    def check_curve(self, run_id: str):
        """No epoch is missing, and none is there twice. Returns how many there are."""
        epochs = self.store.curve(run_id)["epoch"].tolist()
        assert epochs == list(range(1, len(epochs) + 1)), f"the curve has the epochs {epochs}"
        return len(epochs)

    def check_goes_on(self, run_id: str, attempt: int = 2) -> str:
        """The run goes on from its backup, and says why."""
        def look():
            run = self.store.get(run_id)
            return run.attempt == attempt and run.state == "running" and run.rate and run

        started = time.monotonic()
        before = self.backed_up(run_id)
        run = wait_for(look, f"attempt {attempt}")
        assert run.setback, "it does not say why it is at another attempt"
        assert run.epoch >= before, f"it went on from epoch {run.epoch}, although its backup had {before}"
        self.learnt(run_id, run.epoch + 3, attempt)
        self.check_curve(run_id)
        return f"attempt {attempt} from epoch {before} on, {time.monotonic() - started:.0f} s later"

    def stop(self, run_id: str):
        """Stops the run and checks what it leaves."""
        self.store.request_stop(run_id)
        run = self.ended(run_id)
        assert (run.state, run.has_result) == ("stopped", True), f"{run.state}: {run.error}"
        self.store.result(run_id)

    def close(self):
        for app in self.apps:
            app.kill()
        wait_for(lambda: not engines(self.home) and not workers(self.home), "the end of the engine and its workers", 60)


def _history() -> PriceHistory:
    rng = np.random.default_rng(0)
    dates = pd.bdate_range("2020-01-01", periods=400, name="Date")
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(dates))))
    return PriceHistory(pd.DataFrame({"Close": close}, index=dates), "TEST", "a random walk")


HISTORY = _history()


# The faults. Each is given a fresh `Place`, and returns what was seen.

def worker_killed(place):
    """It goes on by itself on another worker; when that is killed too, it is interrupted, and can be resumed."""
    place.app()
    run_id = place.train()
    place.learnt(run_id, 20)
    place.backed_up(run_id)
    workers(place.home)[0].kill()
    seen = place.check_goes_on(run_id)
    workers(place.home)[0].kill()
    run = place.ended(run_id)
    assert (run.state, run.resumable) == ("interrupted", True), f"{run.state}: {run.error}"
    assert "died" in run.error, run.error
    assert place.check_curve(run_id) >= run.epoch
    place.store.resume(run_id)
    place.learnt(run_id, run.epoch, attempt=3)
    place.stop(run_id)
    return f"{seen}; killed again: interrupted, resumed"


def worker_frozen(place):
    """Said after ten seconds; stopped by force, it leaves a result of its backup."""
    place.app()
    run_id = place.train()
    place.learnt(run_id, 20)
    place.backed_up(run_id)
    frozen = time.time()
    workers(place.home)[0].suspend()
    wait_for(lambda: silent_since(run_id), "the sentence", 20)
    said = time.time() - frozen
    before = place.backed_up(run_id)
    asked = time.time()
    # Frozen in the middle of a write, it keeps the store locked until the engine ends it by itself.
    wait_for(lambda: place.store.request_stop(run_id, force=True) or True, "the store to take the stop")
    taken = time.time() - asked
    run = place.ended(run_id)
    assert (run.state, run.has_result) == ("stopped", True), f"{run.state}: {run.error}"
    assert len(place.store.result(run_id).curve) == place.check_curve(run_id) >= before
    return (f"said after {said:.0f} s; Force stop taken after {taken:.0f} s, {time.time() - asked:.0f} s after it a result of "
            f"{run.epoch} epochs, {before} at the fault")


def worker_frozen_as_its_run_ends(place):
    """What that worker would have said is not waited for: the next run is computed by another one."""
    place.app()
    run_id = place.train(TINY)
    place.ended(run_id)
    frozen = time.time()
    for worker in workers(place.home):
        worker.suspend()
    run = place.ended(place.train(TINY))
    assert run.state == "finished", f"{run.state}: {run.error}"
    assert place.store.get(run_id).state == "finished"
    return f"the next run had finished after {time.time() - frozen:.0f} s"


def resumed_run_stopped_while_it_waits(place):
    """It is interrupted as before, with its curve."""
    app = place.app()
    run_id = place.train()
    place.learnt(run_id, 20)
    place.backed_up(run_id)
    app.kill()
    run = place.ended(run_id)
    assert run.state == "interrupted", run.state
    epochs = place.check_curve(run_id)
    place.store.resume(run_id)
    place.store.request_stop(run_id)
    place.app()
    run = place.ended(run_id)
    assert (run.state, run.resumable, run.epoch) == ("interrupted", True, epochs), f"{run.state} at epoch {run.epoch}"
    assert place.check_curve(run_id) == epochs
    return f"interrupted, {epochs} epochs kept"


def engine_frozen(place):
    """Said within ten seconds; another one takes its place, and nothing is lost."""
    app = place.app()
    run_id, waiting = place.train(), None
    place.learnt(run_id, 20)
    waiting = place.train(TINY)
    place.backed_up(run_id)
    frozen, (engine,) = time.time(), engines(place.home)
    engine.suspend()
    said, words = wait_for(lambda: [one for one in app.said() if one[0] > frozen and one[1] != "None"], "a sentence", 20)[0]
    assert "does not answer" in words, words
    assert said - frozen <= 10, f"said after {said - frozen:.0f} s"
    seen = place.check_goes_on(run_id)
    assert not engine.is_running()
    wait_for(lambda: app.said()[-1][1] == "None", "the sentence to leave", 30)
    assert place.store.get(waiting).state == "scheduled"
    place.stop(run_id)
    assert place.ended(waiting).state == "finished"
    return f"said after {said - frozen:.0f} s; {seen}"


def engine_killed(place):
    """Its runs go on by themselves, and what is said is true."""
    app = place.app()
    run_id = place.train()
    place.learnt(run_id, 20)
    waiting = place.train(TINY)
    place.backed_up(run_id)
    engines(place.home)[0].kill()
    seen = place.check_goes_on(run_id)
    said = place.store.get(run_id).setback
    assert "app" not in said.split(), said
    wait_for(lambda: app.said()[-1][1] == "None", "the sentence to leave", 30)
    place.stop(run_id)
    assert place.ended(waiting).state == "finished"
    return seen


def first_of_two_apps_ends(place):
    """The other one's run goes on, in the same engine; that ends with the last app."""
    first = place.app()
    wait_for(lambda: engines(place.home), "the engine")
    second = place.app()
    run_id = place.train()
    place.learnt(run_id, 10)
    (engine,) = engines(place.home)
    first.kill()
    epoch = place.store.get(run_id).epoch
    place.learnt(run_id, epoch + 20)
    assert engines(place.home) == [engine]
    ended = time.time()
    second.kill()
    run = place.ended(run_id)
    assert run.state == "interrupted", run.state
    wait_for(lambda: not engine.is_running(), "the end of the engine", 30)
    return f"went on for 20 epochs; the engine ended {time.time() - ended:.0f} s after the last app"


class Cluster:
    """A Dask cluster of its own: a scheduler and two workers, each with a home of its own, as on other machines.

    place: whose apps use it. Where a command for an MLflow server was given, it is their store; otherwise they share a folder.
    """

    def __init__(self, place: Place):
        self.place, self.processes, self.started = place, [], 0
        self.environment = {}
        if MLFLOW:
            port = free_port()
            folder = place.home / "server"
            folder.mkdir()
            self._start("server", [*MLFLOW, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
                                   "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
                                   "--artifacts-destination", str(folder / "artifacts")])
            os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
            wait_for(lambda: answers(port), "the MLflow server")
        self.port = free_port()
        self.environment["DASK_SCHEDULER_ADDRESS"] = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self.start_scheduler()
        self.workers = self.start_workers()

    def start_scheduler(self):
        return self._start("scheduler", [*DASK, "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"])

    def start_workers(self):
        command = [*DASK, "worker", self.environment["DASK_SCHEDULER_ADDRESS"], "--nthreads", "1", "--no-dashboard"]
        homes = [str(self.place.home / f"machine-{number}") for number in (1, 2)]
        return [self._start("worker", command, FORECASTING_HOME=home) for home in homes]

    def _start(self, name, command, **environment):
        self.started += 1
        with (self.place.home / f"{name}-{self.started}.log").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.place.home, start_new_session=True,
                                       env=os.environ | {"PYTHONPATH": str(ROOT)} | environment)
        self.processes.append(psutil.Process(process.pid))
        return self.processes[-1]

    def computing(self, run_id: str) -> psutil.Process:
        """The process of the worker that computes the run: of those below the two, the one that is busiest."""
        below = [child for worker in self.workers for child in worker.children(recursive=True)
                 if any("spawn_main" in part for part in child.cmdline())]
        before = {child: child.cpu_times() for child in below}
        time.sleep(1.5)
        return max(below, key=lambda child: child.cpu_times().user - before[child].user)

    def close(self):
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):  # it is what was killed
                for one in [*process.children(recursive=True), process]:
                    one.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def worker_of_a_dask_cluster_killed(place):
    """The run goes on from its backup on another machine, as attempt 2, whatever the scheduler does by itself."""
    with closing(Cluster(place)) as cluster:
        place.use_store()
        place.app(**cluster.environment)
        run_id = place.train()
        place.learnt(run_id, 20)
        before = wait_for(place.backup_of(run_id, cluster), "a backup", 60)
        cluster.computing(run_id).kill()
        run = wait_for(lambda: (run := place.store.get(run_id)).attempt == 2 and run.state == "running" and run.rate and run,
                       "attempt 2")
        assert run.setback, "it does not say why it is at another attempt"
        assert run.epoch >= before, f"it went on from epoch {run.epoch}, although its backup had {before}"
        place.learnt(run_id, run.epoch + 3, attempt=2)
        epochs = place.check_curve(run_id)
        place.stop(run_id)
        return f"attempt 2 from epoch {before} or later, {epochs} epochs in the curve, each once"


def scheduler_of_a_dask_cluster_killed(place):
    """Said; its orphaned worker is refused; once the cluster is back, the run goes on without a restart of the app."""
    with closing(Cluster(place)) as cluster:
        place.use_store()
        app = place.app(**cluster.environment)
        run_id = place.train()
        place.learnt(run_id, 20)
        killed = time.time()
        cluster.scheduler.kill()
        wait_for(lambda: place.store.get(run_id).attempt == 2, "the end of attempt 1")
        noticed, seen = time.time() - killed, len(place.store.curve(run_id))
        wait_for(lambda: [one for one in app.said() if one[0] > killed and one[1] != "None"], "a sentence", 60)
        time.sleep(10)
        run = place.store.get(run_id)
        assert (run.state, run.attempt) == ("scheduled", 2), f"{run.state}, attempt {run.attempt}"
        assert len(place.store.curve(run_id)) == seen, "the orphaned worker wrote on"
        cluster.start_scheduler()
        cluster.start_workers()  # since Dask's end with their scheduler
        place.learnt(run_id, 25, attempt=2)
        place.check_curve(run_id)
        place.stop(run_id)
        return f"noticed after {noticed:.0f} s; nothing written in 10 s after that; attempt 2 went on"


def large_network_stopped(place):
    """Its epoch ends with the batch that it is at; its predicting says how far it is, and can be stopped in turn."""
    place.app()
    sample = load_sample()
    sample = dataclasses.replace(sample, frame=sample.frame.iloc[:1500])
    run_id = place.store.create(sample, LARGE)
    wait_for(lambda: place.store.get(run_id).phase == "training", "the training", 600)
    time.sleep(30)  # the first step is compiled meanwhile
    stopped = time.time()
    place.store.request_stop(run_id)
    wait_for(lambda: place.store.get(run_id).phase.startswith("predicting"), "the end of the epoch", 600)
    predicting = time.time()
    wait_for(lambda: place.store.get(run_id).phase.startswith("predicting, "), "how far it is", 600)
    far = place.store.get(run_id).phase
    asked = time.time()
    place.store.request_stop(run_id, predicting=True)
    run = wait_for(lambda: run if not (run := place.store.get(run_id)).active else None, "the end of the run", 600)
    assert (run.state, run.has_result) == ("stopped", True), f"{run.state}: {run.error}"
    result = place.store.result(run_id)
    assert result.metrics["test"]["rmse"] > 0
    left = result.unpredicted
    assert left["train"], "everything was predicted"
    return (f"epoch ended after {predicting - stopped:.1f} s; {far}; result {time.time() - asked:.1f} s after the second Stop, "
            f"without forecasts of {sum(left.values())} of {len(result.predictions)} days")


def too_much_memory(place):
    """Refused before it is made, with what it would need and what needs less."""
    try:
        place.store.create(HISTORY, dataclasses.replace(LARGE, units=(1024,) * 8, batch_size=8192))
    except TooLarge as refused:
        said, nearest = str(refused), refused.nearest
    assert nearest is not None
    assert place.store.list() == []
    return said.split(", and", 1)[0]


def two_hungry_runs(place):
    """The second one waits, says why, and is computed once the first one has ended."""
    # As if this machine had room for one such run, so that no memory has to be filled.
    memory = 3.6 * peak_memory(LONG, len(HISTORY)) / 1e9
    place.app(workers=2, FORECASTING_MEMORY_GB=f"{memory:.3f}")
    first, second = place.train(), place.train(dataclasses.replace(LONG, seed=1))
    run = wait_for(lambda: run if (run := place.store.get(second)).phase.startswith("for memory") else None,
                   "the reason", 600)  # the second worker has to be warm
    assert run.state == "scheduled"
    place.learnt(first, 3)
    place.stop(first)
    place.learnt(second, 3)
    place.stop(second)
    return f"it waited {run.phase}"


@contextmanager
def full_disk(place):
    """Nothing can be written in the data folder. Where we may mount, it is a small disk of its own that is filled up; elsewhere
    the processes of this home, and this one, may not write to any file."""
    if os.path.ismount(place.home):
        filler = place.home / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        yield
        filler.unlink()
        return
    import resource

    whose = [None, *(process.pid for process in serving(place.home, ""))]
    before = [resource.prlimit(pid or 0, resource.RLIMIT_FSIZE) for pid in whose]
    for pid, (_, most) in zip(whose, before, strict=True):
        resource.prlimit(pid or 0, resource.RLIMIT_FSIZE, (0, most))
    yield
    for pid, limits in zip(whose, before, strict=True):
        resource.prlimit(pid or 0, resource.RLIMIT_FSIZE, limits)


@contextmanager
def locked_store(place):
    """Another program has the database for itself."""
    with closing(sqlite3.connect(place.home / "runs.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


def check_complete(place, run_id):
    """A run that ended well, all of it saved, and what was kept for it gone. Returns how many epochs it has."""
    run = place.ended(run_id)
    assert (run.state, run.attempt) == ("finished", 1), f"{run.state}, attempt {run.attempt}: {run.error}"
    epochs = place.check_curve(run_id)
    assert place.store.curve(run_id)["loss"].tolist() == place.store.result(run_id).curve["loss"].tolist()
    wait_for(lambda: not list((place.home / "backups").glob("*.npz")), "the backup to go", 30)
    assert not list((place.home / "outbox").glob("*/*"))
    return epochs


def disk_full(place):
    """Said within three seconds; the training goes on, and all of it is saved once there is room."""
    disk = place.home / "disk"
    disk.mkdir()
    mounts = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(disk)], check=False).returncode == 0
    small = Place(disk)
    try:
        small.app()
        run_id = small.train(dataclasses.replace(LONG, epochs=60))
        small.learnt(run_id, 20)
        small.backed_up(run_id)
        with full_disk(small):
            full = time.time()
            words = wait_for(lambda: delay_words(run_id), "the sentence", 10)
            said = time.time() - full
            assert said < 3, f"said after {said:.0f} s"
            assert f"no room in {disk}" in words, words
            time.sleep(30)
            run = small.store.get(run_id)
            assert (run.state, run.attempt) == ("running", 1), f"{run.state}: {run.error}"
            assert list((disk / "backups").glob("*.npz")), "the backup is gone"
        room = time.time()
        wait_for(lambda: not delay_words(run_id), "the sentence to leave", 10)
        gone = time.time() - room
        epochs = check_complete(small, run_id)
        return (f"{'a disk of its own' if mounts else 'no writes'}: said after {said:.1f} s, left after {gone:.1f} s; "
                f"all {epochs} epochs saved")
    finally:
        small.close()
        if mounts:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def database_locked_and_train_pressed(place):
    """The click is done once the store answers, once; one that is taken back is never done."""
    place.app()
    place.train(TINY)
    with locked_store(place):
        wanted = place.store.order(HISTORY, TINY, owner="anna", before=None)
        undone = place.store.order(HISTORY, TINY, owner="ben", before=None)
        assert undone.order.give_up()
        time.sleep(30)
        assert not wanted.order.is_over
    free = time.time()
    run_id = wanted.order.result()
    took = time.time() - free
    assert check_complete(place, run_id) == TINY.epochs
    undone.order.wait(60)
    found = {one.info.run_id: one.info.status for one in place.store._search("")}
    assert sorted(found.values()) == ["FINISHED", "FINISHED"], found
    return f"queued {took:.1f} s after the lock; no other run, in whatever state"


def store_refuses_as_a_training_ends(place):
    """What was learnt is kept, and delivered by the next engine."""
    app = place.app()
    run_id = place.train(dataclasses.replace(LONG, epochs=60))
    place.learnt(run_id, 55)
    with locked_store(place):
        wait_for(lambda: outbox.holds(run_id), "the result to be kept", 120)
        assert list((place.home / "backups").glob("*.npz")), "the backup is gone"
        app.kill()
        wait_for(lambda: not engines(place.home), "the end of the engine", 60)
    assert place.store.get(run_id).state == "running"
    place.app()
    began = time.time()
    epochs = check_complete(place, run_id)
    return f"all {epochs} epochs and the result {time.time() - began:.0f} s after the restart, from the outbox"


def page_reloaded_right_after_train(place):
    """The reloaded page follows the run."""
    sys.path.append(str(ROOT / "tests" / "browser"))
    import server
    from playwright.sync_api import expect, sync_playwright

    app = server.App(place.home).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=server.CHROMIUM_FLAGS)
            page = browser.new_page()
            page.set_default_timeout(60_000)
            settings = json.dumps({"units": [64], "batch_size": 8, "epochs": 1000, "patience": None})
            page.goto(f"{app.url}/Train?{urlencode({'settings': settings})}")
            followed, made = [], 0
            for milliseconds in (0, 50, 100, 150, 200):
                train, stop = (page.get_by_role("button", name=name, exact=True) for name in ("Train", "Stop"))
                expect(train).to_be_enabled(timeout=120_000)
                train.click()
                page.wait_for_timeout(milliseconds)
                page.reload()
                try:
                    expect(stop).to_be_enabled(timeout=30_000)
                except AssertionError:  # the reload was faster than the click, which then is not done at all
                    assert len(place.store.list()) == made, f"after {milliseconds} ms there is a run that is not shown"
                    continue
                followed, made = [*followed, milliseconds], made + 1
                page.wait_for_function("() => /Epoch [1-9]/.test(document.body.innerText)", timeout=120_000)
                stop.click()
            assert {150, 200} <= set(followed), f"only followed after {followed} ms"
            assert len(place.store.list()) == made
            return f"followed after {', '.join(map(str, followed))} ms; otherwise there is no run"
    finally:
        app.stop()


# Twelve sessions of an app, which is a process of its own, since an engine lives as long as any app.
SESSIONS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from streamlit.testing.v1 import AppTest

def open_page(_):
    test = AppTest.from_file(sys.argv[1], default_timeout=240)
    test.query_params["run"] = sys.argv[2]
    test.run()
    assert not test.exception, test.exception

with ThreadPoolExecutor(12) as sessions:
    list(sessions.map(open_page, range(12)))
"""


def forecast_opened_by_twelve_sessions(place):
    """It is queued once."""
    place.app()
    run_id = place.train()
    place.learnt(run_id, 5)
    place.stop(run_id)
    subprocess.run([sys.executable, "-c", SESSIONS, str(ROOT / "pages" / "4_Forecast.py"), run_id], check=True, cwd=ROOT,
                   env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    jobs = place.store.list(kind="forecast", parent=run_id)
    assert len(jobs) == 1, f"{len(jobs)} jobs"
    assert place.ended(jobs[0].id).state == "finished"
    return "one job"


FAULTS = [worker_killed, worker_frozen, worker_frozen_as_its_run_ends, resumed_run_stopped_while_it_waits, engine_frozen,
          engine_killed, first_of_two_apps_ends, worker_of_a_dask_cluster_killed, scheduler_of_a_dask_cluster_killed,
          large_network_stopped, too_much_memory, two_hungry_runs, disk_full, database_locked_and_train_pressed,
          store_refuses_as_a_training_ends, page_reloaded_right_after_train, forecast_opened_by_twelve_sessions]


def attempt(fault) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        place = Place(Path(folder))
        try:
            return True, fault(place)
        except Exception as error:  # noqa: BLE001 (a row of the table, whatever it is)
            traceback.print_exc(file=sys.stderr)
            return False, f"{type(error).__name__}: {error}".split("\n", 1)[0]
        finally:
            place.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(fault.__name__ for fault in FAULTS))
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--mlflow", metavar="COMMAND", help="a whole MLflow, e.g. of another environment, to run a server")
    wanted = parser.parse_args()
    MLFLOW.extend([wanted.mlflow] if wanted.mlflow else [])
    failures = 0
    for fault in [fault for fault in FAULTS if not wanted.names or fault.__name__ in wanted.names]:
        print(f"{fault.__name__.replace('_', ' ').capitalize()}: {fault.__doc__}")
        for number in range(1, wanted.times + 1):
            began = time.monotonic()
            passed, words = attempt(fault)
            failures += not passed
            print(f"  {number}  {'ok  ' if passed else 'FAIL'}  {time.monotonic() - began:4.0f} s  {words}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
