import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from forecasting.errors import ConfigError, StoreUnavailable
from forecasting.runs import cluster as cluster_module
from forecasting.runs import engine as engine_module
from forecasting.runs.cluster import Cluster as RealCluster
from forecasting.runs.cluster import ClusterUnavailable, worker_count
from forecasting.runs.engine import Engine
from forecasting.runs.status import heard
from forecasting.runs.worker import Outcome


class Ledger:
    """Runs in a list, each with a state, and what was said at its end or when its process was lost."""

    def __init__(self, *waiting):
        self.states = dict.fromkeys(waiting, "scheduled")
        self.attempts = dict.fromkeys(waiting, 1)
        self.errors, self.wanted_stops, self.forced, self.before, self.lost = {}, set(), set(), {}, []

    def next_runs(self, count, computed=()):
        claimed = [run_id for run_id, state in self.states.items() if state == "scheduled"][:count]
        self.states |= dict.fromkeys(claimed, "running")
        return [SimpleNamespace(id=run_id, attempt=self.attempts[run_id], name=run_id, kind="train") for run_id in claimed]

    def waiting(self):
        return {run_id: run_id in self.wanted_stops for run_id, state in self.states.items() if state == "scheduled"}

    def experiments_at_work(self):
        return []

    def stops(self):
        return {run_id: (None, "force" if run_id in self.forced else "asked") for run_id in self.wanted_stops
                if self.states[run_id] == "running"}

    def get(self, run_id):
        state = self.states[run_id]
        return SimpleNamespace(state=state, attempt=self.attempts[run_id], active=state in ("scheduled", "running"))

    def lose(self, run_id, attempt, why, worker=False, stopping=False):
        self.lost.append((run_id, attempt, why, worker, stopping))
        self.states[run_id], self.attempts[run_id] = "scheduled", attempt + 1

    def drop(self, run_id):
        self.states[run_id] = "dropped"

    def left_running(self):
        return self.before

    def remove_drafts(self):
        pass

    def end(self, run_id, state, error=None):
        self.states[run_id], self.errors[run_id] = state, error


class Cluster:
    """Workers that do what the test says, when it says so."""

    def __init__(self, slots):
        self.slots, self.futures, self.told, self.killed, self.noted = slots, {}, [], [], []
        self.attempts, self.signs = {}, {}

    def free(self, submitted):
        return self.slots - submitted

    def size(self):
        return self.slots

    def tend(self, is_busy=False):
        self.is_busy = is_busy

    def trouble(self):
        return None

    def close(self):
        pass

    def submit(self, run_id, attempt):
        self.futures[run_id] = SimpleNamespace(done=lambda: False, status="pending",
                                               cancel=lambda: self.settle(run_id, "cancelled"))
        self.attempts[run_id] = attempt
        self.live(run_id)
        return self.futures[run_id]

    def settle(self, run_id, status, outcome=None, error=None):
        self.futures[run_id].__dict__.update(done=lambda: True, status=status, result=lambda timeout: outcome,
                                             exception=lambda: error)

    def listen(self):
        return dict(self.signs)

    def live(self, run_id):
        """Its process gives a sign of life."""
        key = run_id, self.attempts[run_id]
        self.signs[key] = self.signs.get(key, 0) + 1

    def stop(self, run_id, attempt, reason, predicting=False):
        self.told.append((run_id, reason))
        return True

    def kill(self, run_id, attempt):
        self.killed.append(run_id)
        return True

    def done(self, outcome):
        self.noted.append(outcome)


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """Time that stands still, except where the test moves it; nobody rings."""
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(engine_module.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(engine_module, "doorbell", lambda: None)
    return clock


def make(clock, *waiting, slots=1, time_limit=3600.0):
    ledger, cluster = Ledger(*waiting), Cluster(slots)
    engine = Engine(ledger, lambda: cluster, time_limit)

    def step(seconds=2.0):
        clock.now += seconds
        engine.step()

    step.engine = engine
    return ledger, cluster, step


def test_runs_start_only_where_a_worker_is_free(clock):
    ledger, cluster, step = make(clock, "a", "b", "c", slots=2)
    step()
    assert ledger.states == {"a": "running", "b": "running", "c": "scheduled"}
    cluster.settle("a", "finished", Outcome("finished", None, None, "here", 1))
    ledger.end("a", "finished")  # its worker did
    step(0.01)  # at once, without waiting for the next look at the store
    assert ledger.states == {"a": "finished", "b": "running", "c": "running"}
    assert cluster.noted == [Outcome("finished", None, None, "here", 1)]


def test_warming_a_further_worker_waits_while_runs_are_at_work_and_none_waits(clock):
    ledger, cluster, step = make(clock, "a", "b", slots=1)
    step()
    assert not cluster.is_busy  # "b" waits for a worker
    cluster.settle("a", "finished", Outcome("finished", None, None, "here", 1))
    ledger.end("a", "finished")
    step(0.01)
    assert ledger.states["b"] == "running"
    assert cluster.is_busy


def test_a_run_whose_worker_died_goes_on_elsewhere(clock):
    ledger, cluster, step = make(clock, "a", "b", slots=2)
    step()
    cluster.settle("a", "error", error=RuntimeError("KilledWorker"))
    step(0.01)
    assert ledger.lost == [("a", 1, engine_module.DIED, True, False)]
    assert ledger.states == {"a": "running", "b": "running"}
    assert cluster.attempts == {"a": 2, "b": 1}


def test_a_run_that_another_worker_was_given_behind_the_engines_back_goes_on_as_another_attempt(clock):
    ledger, cluster, step = make(clock, "a")
    step()
    cluster.settle("a", "finished", Outcome("lost", None, None, "there", 1))
    step(0.01)
    assert ledger.lost == [("a", 1, engine_module.TAKEN, True, False)]
    assert cluster.attempts == {"a": 2}


def test_an_end_that_the_worker_could_not_write_is_written_by_the_engine(clock):
    ledger, cluster, step = make(clock, "a")
    step()
    cluster.settle("a", "finished", Outcome("failed", "Too few rows.", None, "here", 1))
    step()
    assert (ledger.states["a"], ledger.errors["a"]) == ("failed", "Too few rows.")


def test_a_worker_that_is_frozen_before_it_says_how_its_run_ended_keeps_nobody_waiting(clock):
    ledger, cluster, step = make(clock, "a", "b")
    step()

    def result(timeout):
        raise TimeoutError

    cluster.settle("a", "finished")
    cluster.futures["a"].result = result
    step()
    assert ledger.lost == [("a", 1, engine_module.TAKEN, False, False)]  # which changes nothing where the run has ended
    assert (cluster.noted, cluster.attempts["a"]) == ([], 2)


def test_a_worker_that_is_frozen_before_it_has_let_go_of_its_run_is_replaced_soon(clock):
    ledger, cluster, step = make(clock, "a")
    step()
    ledger.end("a", "finished")  # by the worker itself
    for _ in range(int(engine_module.SILENT_AFTER) + 3):
        step(1.0)
    assert cluster.killed == ["a"]
    assert clock.now < 1000 + engine_module.IN_THE_WAY_AFTER


def test_a_step_without_end_ends_the_process_so_that_another_one_takes_over(clock, monkeypatch, caplog):
    _, _, step = make(clock, "a")
    codes = []
    monkeypatch.setattr(engine_module, "_exit", codes.append)
    step.engine._stepped = clock.now
    for passed, ends in ((engine_module.STALLED_AFTER + 1, []), (engine_module.WEDGED_AFTER, [1])):
        clock.now += passed
        step.engine.look_at_itself()
        assert codes == ends
    assert "test_a_step_without_end" in caplog.text  # where it was


def test_a_waiting_run_is_stopped_without_a_worker(clock):
    ledger, cluster, step = make(clock, "a", slots=0)
    ledger.wanted_stops.add("a")
    step()
    assert ledger.states["a"] == "dropped"
    assert cluster.futures == {}


def test_a_running_run_is_told_to_stop_once(clock):
    ledger, cluster, step = make(clock, "a")
    step()
    ledger.wanted_stops.add("a")
    step()
    step()
    assert cluster.told == [("a", None)]


def test_a_stop_that_comes_before_the_worker_has_the_run_is_told_again(clock):
    ledger, cluster, step = make(clock, "a")
    step()
    ledger.wanted_stops.add("a")
    told = cluster.stop
    cluster.stop = lambda *_: False
    step()
    assert cluster.told == []
    cluster.stop = told
    step()
    assert cluster.told == [("a", None)]


def test_a_run_that_takes_too_long_is_stopped_and_told_why(clock):
    _, cluster, step = make(clock, "a", time_limit=7200.0)
    step()
    step(7100.0)
    assert cluster.told == []
    step(200.0)
    assert cluster.told == [("a", "It reached the time limit of 2 h and keeps what it had learnt by then.")]


def test_a_run_that_does_not_stop_loses_its_process(clock):
    ledger, cluster, step = make(clock, "a", "b")
    step()
    ledger.wanted_stops.add("a")
    step()
    for _ in range(2):  # a worker that lives, and predicts for long
        cluster.live("a")
        step(engine_module.SILENT_GRACE + 1)
    assert cluster.killed == []
    cluster.live("a")
    step(engine_module.STOP_GRACE)
    step(0.01)
    assert cluster.killed == ["a"]
    (lost,) = ledger.lost
    assert lost[0] == "a"
    assert "did not stop" in lost[2]
    assert lost[-1]  # it was stopping


def test_a_process_that_gives_no_sign_of_life_is_said_until_it_gives_one(clock):
    ledger, cluster, step = make(clock, "a", "b", slots=2)
    step()
    for _ in range(12):
        cluster.live("b")
        step(1.0)
    step.engine._say()
    assert list(heard().silent) == ["a"]
    assert abs(heard().silent["a"] - time.time()) < 60
    assert (cluster.killed, ledger.lost) == ([], [])
    cluster.live("a")
    step(1.0)
    step.engine._say()
    assert heard().silent == {}


def test_a_process_that_gives_no_sign_of_life_for_long_is_given_up(clock):
    ledger, cluster, step = make(clock, "a")
    step()
    for _ in range(int(engine_module.GIVE_UP_AFTER) + 3):
        step(1.0)
    assert cluster.killed == ["a"]
    ((_, _, why, worker, stopping),) = ledger.lost
    assert "no sign of life" in why
    assert (worker, stopping) == (True, False)
    assert cluster.attempts == {"a": 2}


def test_a_process_that_may_be_what_keeps_the_store_locked_is_ended_soon(clock):
    """Frozen in the middle of a write, it would keep everybody waiting, the engine with another run's end too."""
    ledger, cluster, step = make(clock, "a", "b", slots=2)
    step()
    cluster.settle("b", "error", error=RuntimeError("died"))
    lose, refusals = ledger.lose, []

    def refuse(run_id, *args, **kwargs):
        if cluster.killed != ["a"]:
            refusals.append(run_id)
            raise StoreUnavailable("Locked.")
        return lose(run_id, *args, **kwargs)

    ledger.lose = refuse

    def wait(seconds):
        clock.now += 2.5
        return len(ledger.lost) == 2 or clock.now > 1100

    step.engine.run(SimpleNamespace(wait=wait))
    assert (len(refusals) > 3, cluster.killed) == (True, ["a"])
    assert {run_id: worker for run_id, _, _, worker, _ in ledger.lost} == {"a": False, "b": True}


def test_a_run_that_is_stopped_by_force_loses_its_process_at_once_and_is_owed_its_result(clock):
    ledger, cluster, step = make(clock, "a")
    step()
    ledger.wanted_stops.add("a")
    ledger.forced.add("a")
    step()
    ledger.wanted_stops.clear()
    step(0.01)
    assert cluster.killed == ["a"]
    assert ledger.lost == [("a", 1, engine_module.FORCED, False, True)]
    assert cluster.attempts == {"a": 2}  # which makes the result


def test_a_run_whose_worker_is_gone_does_not_wait_for_another_one_in_the_cluster(clock):
    """An external scheduler may try again by itself, and has no other worker."""
    ledger, cluster, step = make(clock, "a")
    step()
    step()
    cluster.signs.clear()
    for _ in range(int(engine_module.SILENT_AFTER) + 2):
        step(1.0)
    assert ledger.lost == [("a", 1, engine_module.TAKEN, True, False)]


def test_a_run_that_no_worker_has_yet_is_not_called_silent(clock):
    ledger, cluster, step = make(clock, "a")
    cluster.live = lambda run_id: None
    step()
    for _ in range(200):
        step(1.0)
    step.engine._say()
    assert (heard().silent, ledger.lost) == ({}, [])


def test_a_step_that_takes_long_is_said_until_it_is_over(clock):
    ledger, _, step = make(clock, "a")
    seen = []

    def wait(seconds):
        clock.now += 2
        seen.append(heard() and heard().trouble)
        return len(seen) > 4

    def waiting(answer=ledger.waiting):
        if len(seen) == 2:
            step.engine.look_at_itself()
            assert not heard().trouble
            clock.now += 30
            step.engine.look_at_itself()
            assert heard().trouble == engine_module.STALLED
        return answer()

    ledger.waiting = waiting
    step.engine.run(SimpleNamespace(wait=wait))
    assert len(seen) == 5
    assert seen[-1] == ""


def test_runs_are_left_to_the_engine_that_takes_over(clock):
    ledger, cluster = Ledger("a"), Cluster(1)

    def wait(seconds):
        clock.now += 2
        return bool(cluster.futures)

    Engine(ledger, lambda: cluster, 3600.0).run(SimpleNamespace(wait=wait), is_replaced=lambda: True)
    assert ledger.states == {"a": "running"}


def test_the_runs_of_a_lost_cluster_go_on_once_it_is_connected_anew(clock):
    ledger, first, second = Ledger("a", "b"), Cluster(1), Cluster(1)
    clusters = iter([first, second])

    def lose(submitted):
        raise OSError("connection closed")

    def wait(seconds):
        clock.now += 2
        if "a" in first.futures:
            first.settle("a", "lost")
            first.free = lose
        return bool(second.futures)

    Engine(ledger, lambda: next(clusters), 3600.0).run(SimpleNamespace(wait=wait))
    assert ledger.lost == [("a", 1, engine_module.LOST, False, False)]
    assert "a" in second.futures


def test_what_an_engine_that_died_left_running_goes_on(clock):
    ledger = Ledger()
    ledger.before, ledger.states["left"], cluster = {"left": 1}, "running", Cluster(1)

    def wait(seconds):
        clock.now += 2
        return bool(cluster.futures)

    Engine(ledger, lambda: cluster, 3600.0).run(SimpleNamespace(wait=wait))
    assert ledger.lost == [("left", 1, engine_module.ENGINE_GONE, False, False)]
    assert cluster.attempts == {"left": 2}


def test_a_store_that_fails_for_a_while_does_not_end_the_engine(clock):
    ledger, cluster, _ = make(clock, "a")
    failures = iter([StoreUnavailable("Locked."), StoreUnavailable("Locked.")])

    def next_runs(count, computed, ready=ledger.next_runs):
        for failure in failures:
            raise failure
        return ready(count)

    ledger.next_runs = next_runs
    engine = Engine(ledger, lambda: cluster, 3600.0)

    def wait(seconds):
        clock.now += 2
        return bool(cluster.futures)

    engine.run(SimpleNamespace(wait=wait))
    assert list(cluster.futures) == ["a"]


def test_what_is_at_work_when_the_app_ends_is_interrupted(clock):
    ledger, cluster = Ledger("a", "b"), Cluster(1)
    engine = Engine(ledger, lambda: cluster, 3600.0)

    def wait(seconds):
        clock.now += 2
        return bool(cluster.futures)

    engine.run(SimpleNamespace(wait=wait))
    assert ledger.states == {"a": "interrupted", "b": "scheduled"}
    assert "Resume" in ledger.errors["a"]


def test_a_worker_that_lacks_the_app_is_not_said_to_have_died(clock):
    ledger, cluster, step = make(clock, "a")
    step()
    cluster.settle("a", "error", error=ModuleNotFoundError("No module named 'forecasting'"))
    step()
    assert ledger.states["a"] == "interrupted"
    assert "No module named 'forecasting'" in ledger.errors["a"]
    assert "Install" in ledger.errors["a"]


def test_a_run_that_finished_as_the_cluster_was_lost_is_finished(clock):
    ledger, cluster = Ledger("a"), Cluster(1)
    engine = Engine(ledger, lambda: cluster, 3600.0)
    clock.now += 2
    engine.step()
    cluster.settle("a", "finished", Outcome("finished", None, None, "here", 1))
    engine._lose_cluster(OSError("connection closed"))
    engine._finish()
    assert ledger.states["a"] == "finished"


def words_of(engine, clock, rounds=4):
    """What the engine says, round by round."""
    said = []

    def wait(seconds):
        clock.now += 2
        said.append(heard() and heard().trouble)
        return len(said) > rounds

    engine.run(SimpleNamespace(wait=wait))
    return said


def test_the_engine_says_that_it_works_and_takes_it_back_at_its_end(clock):
    assert words_of(Engine(Ledger(), lambda: Cluster(1), 3600.0), clock)[-1] == ""
    assert heard() is None


def test_a_cluster_that_cannot_be_reached_is_said_until_it_is_there(clock):
    answers = iter([ClusterUnavailable("No Dask scheduler answers at X.")] * 2)

    def connect():
        for answer in answers:
            raise answer
        return Cluster(1)

    said = words_of(Engine(Ledger("a"), connect, 3600.0), clock, rounds=8)
    assert "No Dask scheduler answers at X." in said
    assert said[-1] == ""


def test_a_cluster_without_workers_is_said(clock):
    cluster = Cluster(0)
    cluster.trouble = lambda: "It has no workers."
    assert words_of(Engine(Ledger("a"), lambda: cluster, 3600.0), clock)[-1] == "It has no workers."


def test_a_store_that_fails_is_said(clock):
    ledger = Ledger("a")

    def waiting():
        raise StoreUnavailable("Locked.")

    ledger.waiting = waiting
    assert words_of(Engine(ledger, lambda: Cluster(1), 3600.0), clock)[-1] == "Locked."


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:1", "tls://127.0.0.1:1", "tcp://127.0.0.1:1"])
def test_an_address_without_a_scheduler_is_named_with_what_to_do(monkeypatch, address):
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 0.2)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    with pytest.raises(ClusterUnavailable, match="DASK_SCHEDULER_ADDRESS") as caught:
        RealCluster()
    assert address in str(caught.value)


def test_something_silent_at_the_address_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ClusterUnavailable):
        cluster_module._knock(f"tcp://127.0.0.1:{silent.getsockname()[1]}")


def test_an_address_is_tried_also_where_an_event_loop_runs(monkeypatch):
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 0.2)

    async def notebook():
        cluster_module._knock("tcp://127.0.0.1:1")

    with ThreadPoolExecutor(1) as thread, pytest.raises(ClusterUnavailable, match="DASK_SCHEDULER_ADDRESS"):
        thread.submit(lambda: asyncio.run(notebook())).result()


def test_an_engine_with_a_bad_file_of_limits_says_so_and_ends(monkeypatch, tmp_path):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.setenv("FORECASTING_LIMITS", str(tmp_path / "none.toml"))
    monkeypatch.setattr(engine_module.signal, "signal", lambda *_: None)
    monkeypatch.setattr(engine_module.threading, "Thread", lambda **_: SimpleNamespace(start=lambda: None))
    monkeypatch.setattr(engine_module.sys, "stdin", SimpleNamespace(fileno=lambda: 0))
    assert engine_module._main() == 1
    assert "FORECASTING_LIMITS" in heard().trouble


def test_a_number_of_workers_that_is_none_is_refused_in_words(monkeypatch):
    monkeypatch.setenv("FORECASTING_WORKERS", "two")
    with pytest.raises(ConfigError, match="FORECASTING_WORKERS"):
        worker_count()


def test_the_number_of_workers_can_be_set(monkeypatch):
    monkeypatch.setenv("FORECASTING_WORKERS", "3")
    assert worker_count() == 3
    monkeypatch.delenv("FORECASTING_WORKERS")
    assert 1 <= worker_count() <= 8
