import os
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from locket import lock_file

from forecasting.runs import launcher
from forecasting.runs.presence import Presence, is_anybody_there
from forecasting.runs.status import FRESH, Status


class Engine:
    """A process that ends when the test says so."""

    def __init__(self):
        self.returncode, self.pid = None, os.getpid()
        self.stdin = SimpleNamespace(close=lambda: None)
        self.wait = lambda: None

    def kill(self):
        self.returncode = -9

    def poll(self):
        return self.returncode


@pytest.fixture
def started(monkeypatch, tmp_path):
    """The engines that were started; time moves by hand."""
    engines = []
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.setattr(launcher, "_watches", {})
    monkeypatch.setattr(launcher, "_start", lambda folder: engines.append(Engine()) or engines[-1])
    monkeypatch.setattr(launcher.time, "monotonic", lambda: clock.now)
    status = Status()
    yield SimpleNamespace(engines=engines, clock=clock, home=tmp_path, say=status.say, begin=status.begin)
    for watch in launcher._watches.values():
        watch.presence.release()


def beat(started):
    """An engine gives a sign of life."""
    file = started.home / "engine.status"
    if not file.exists():
        started.begin()
    os.utime(file, (0, time.time() - 10 - file.stat().st_mtime % 1))  # before anything that the launcher has begun


def freeze(monkeypatch, status=psutil.STATUS_STOPPED, **more):
    """What the system says about an engine's process."""
    monkeypatch.setattr(psutil, "Process", lambda *_: SimpleNamespace(
        status=lambda: status, create_time=lambda: 1.0, **more))


def look(started, seconds, beating=False):
    """A page that is open for a while."""
    for _ in range(2 * int(seconds)):
        started.clock.now += 0.5
        if beating:
            beat(started)
        launcher.ensure_engine()


def test_an_engine_that_is_stopped_is_replaced_within_ten_seconds_and_that_is_said(started, monkeypatch):
    launcher.ensure_engine()
    started.begin()
    started.say(None)
    look(started, 30, beating=True)
    assert (len(started.engines), launcher.engine_trouble()) == (1, None)
    freeze(monkeypatch)
    look(started, 4)
    assert len(started.engines) == 1
    look(started, 3)
    assert started.engines[0].returncode == -9
    assert len(started.engines) == 2
    assert launcher.engine_trouble() == launcher.NO_ANSWER
    Status().say(None)  # the second engine
    assert launcher.engine_trouble() is None


def test_an_engine_that_may_only_be_slow_is_said_not_to_answer_and_given_more_time(started, monkeypatch):
    launcher.ensure_engine()
    started.say(None)
    freeze(monkeypatch, psutil.STATUS_RUNNING)
    look(started, 10)
    assert launcher.engine_trouble() == launcher.NO_ANSWER
    assert len(started.engines) == 1
    beat(started)
    assert launcher.engine_trouble() is None
    look(started, 25)
    assert len(started.engines) == 2


def test_an_engine_that_takes_long_to_start_is_not_replaced(started, monkeypatch):
    started.say(None)  # what an earlier one has left
    freeze(monkeypatch, psutil.STATUS_RUNNING)
    launcher.ensure_engine()
    look(started, 50)
    assert (len(started.engines), launcher.engine_trouble()) == (1, None)


def test_a_sleep_of_the_machine_does_not_make_an_engine_look_frozen(started, monkeypatch):
    launcher.ensure_engine()
    started.say(None)
    look(started, 2, beating=True)
    freeze(monkeypatch)
    os.utime(started.home / "engine.status", (0, 0))  # as old as can be, but it has just been seen to change
    look(started, 2)
    assert len(started.engines) == 1


def test_the_stopped_engine_of_another_app_is_replaced_too(started, monkeypatch):
    lock = lock_file(str(started.home / launcher.LOCK), timeout=0)
    lock.acquire()
    freeze(monkeypatch, kill=lock.release, wait=lambda timeout: None)
    started.say(None)
    beat(started)
    look(started, 4)
    assert launcher._is_taken(started.home)
    look(started, 3)
    assert not launcher._is_taken(started.home)
    assert launcher.engine_trouble() == launcher.NO_ANSWER
    assert len(started.engines) == 1


def test_an_app_is_there_until_it_ends(tmp_path):
    code = ("import sys, pathlib; from forecasting.runs.presence import Presence; one = Presence(pathlib.Path(sys.argv[1])); "
            "one.hold(); print('here', flush=True); sys.stdin.read()")
    assert not is_anybody_there(tmp_path)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as app:
        assert app.stdout.readline() == b"here\n"
        assert is_anybody_there(tmp_path)
        app.kill()
        app.wait()
        assert not is_anybody_there(tmp_path)
    assert list((tmp_path / "apps").iterdir()) == []


def test_an_app_whose_lock_is_taken_for_a_leftover_is_there_again_at_its_next_look(tmp_path):
    one = Presence(tmp_path)
    one.hold()
    assert is_anybody_there(tmp_path)
    for file in (tmp_path / "apps").iterdir():
        file.unlink()
    assert not is_anybody_there(tmp_path)
    one.hold()
    assert is_anybody_there(tmp_path)
    one.release()
    assert not is_anybody_there(tmp_path)


def test_a_lock_that_cannot_be_had_stops_no_app(tmp_path):
    (tmp_path / "apps").touch()
    Presence(tmp_path).hold()
    assert not is_anybody_there(tmp_path)


def test_one_engine_is_started_and_replaced_when_it_ends(started):
    for _ in range(3):
        launcher.ensure_engine()
    assert len(started.engines) == 1
    started.engines[0].returncode = 0
    launcher.ensure_engine()
    assert len(started.engines) == 2
    assert launcher.engine_trouble() is None


def test_no_engine_is_started_beside_that_of_another_app(started):
    with lock_file(str(started.home / launcher.LOCK), timeout=0):
        launcher.ensure_engine()
        assert started.engines == []
    started.clock.now += 2
    launcher.ensure_engine()
    assert len(started.engines) == 1


def test_the_engine_of_another_app_is_looked_for_once_a_second(started, monkeypatch):
    asked = []
    monkeypatch.setattr(launcher, "_is_taken", lambda folder: asked.append(folder) or True)
    for _ in range(100):
        launcher.ensure_engine()
        started.clock.now += 0.05
    assert 4 <= len(asked) <= 6


def test_trouble_is_over_when_another_app_has_an_engine(started):
    for _ in range(2):
        launcher.ensure_engine()
        started.engines[-1].returncode = 1
        launcher.ensure_engine()
        started.clock.now += 100
        beat(started)
    started.engines[-1].returncode = 1
    with lock_file(str(started.home / launcher.LOCK), timeout=0):
        launcher.ensure_engine()
        assert launcher.engine_trouble() is not None
        started.clock.now += 100
        beat(started)
        launcher.ensure_engine()
    assert launcher.engine_trouble() is None


def test_an_engine_that_fails_again_and_again_is_given_longer_and_longer_pauses(started):
    for pause in (0, 1, 3, 7, 15, 31, 60, 60):
        launcher.ensure_engine()
        count = len(started.engines)
        started.engines[-1].returncode = 1
        launcher.ensure_engine()
        started.clock.now += pause - 0.5
        launcher.ensure_engine()
        assert len(started.engines) == count + (pause == 0)
        started.clock.now += 1
    assert "engine.log" in launcher.engine_trouble()


def test_trouble_is_over_when_an_engine_lives_on(started):
    for _ in range(3):
        launcher.ensure_engine()
        started.engines[-1].returncode = 1
        launcher.ensure_engine()
        started.clock.now += 10
    launcher.ensure_engine()
    assert launcher.engine_trouble() is not None
    started.clock.now += 100
    beat(started)
    launcher.ensure_engine()
    assert launcher.engine_trouble() is None


def test_trouble_is_over_when_an_engine_ends_in_good_order(started):
    launcher.ensure_engine()
    for code in (1, 1, 0):
        started.engines[-1].returncode = code
        launcher.ensure_engine()
        started.clock.now += 100
        beat(started)
        launcher.ensure_engine()
    assert launcher.engine_trouble() is None


def test_a_home_that_cannot_be_made_is_trouble_and_no_exception(started, monkeypatch):
    (started.home / "file").touch()
    monkeypatch.setenv("FORECASTING_HOME", str(started.home / "file" / "home"))
    launcher.ensure_engine()
    assert started.engines == []
    assert "FORECASTING_HOME" in launcher.engine_trouble()


def test_an_engine_that_cannot_be_started_is_trouble_and_no_exception(started, monkeypatch):
    def refuse(folder):
        raise OSError("no more processes")

    monkeypatch.setattr(launcher, "_start", refuse)
    launcher.ensure_engine()
    assert "no more processes" in launcher.engine_trouble()


def test_a_lock_that_cannot_be_made_is_trouble_and_no_exception(started):
    (started.home / launcher.LOCK).mkdir()
    launcher.ensure_engine()
    assert started.engines == []
    assert str(started.home) in launcher.engine_trouble()
    (started.home / launcher.LOCK).rmdir()
    started.clock.now += 1
    launcher.ensure_engine()
    assert len(started.engines) == 1


def test_a_home_that_cannot_be_written_is_trouble_and_no_exception(started, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(launcher, "_is_taken", refuse)
    launcher.ensure_engine()
    assert "Permission denied" in launcher.engine_trouble()
    assert "FORECASTING_HOME" in launcher.engine_trouble()


def test_one_failure_is_told_until_the_next_engine_says_that_it_works(started):
    launcher.ensure_engine()
    started.engines[0].returncode = -9
    launcher.ensure_engine()
    assert len(started.engines) == 2
    assert "-9" in launcher.engine_trouble()
    started.say(None)
    assert launcher.engine_trouble() is None


def test_what_the_engine_says_is_the_trouble(started):
    launcher.ensure_engine()
    started.say("No Dask scheduler answers.")
    assert launcher.engine_trouble() == "No Dask scheduler answers."
    started.say(None)
    assert launcher.engine_trouble() is None


def test_what_another_apps_engine_says_is_heard_too(started):
    started.say("No Dask scheduler answers.")
    assert launcher.engine_trouble() == "No Dask scheduler answers."


def test_what_an_engine_said_that_is_no_more_does_not_count(started):
    started.say("No Dask scheduler answers.")
    word = started.home / "engine.status"
    os.utime(word, (time.time() - 5, time.time() - 5))
    launcher.ensure_engine()
    assert launcher.engine_trouble() is None  # it was an earlier engine
    launcher._watches.popitem()[1].presence.release()
    assert launcher.engine_trouble() is not None
    os.utime(word, (time.time() - FRESH - 1, time.time() - FRESH - 1))
    assert launcher.engine_trouble() is None


def test_a_status_that_cannot_be_written_stops_nobody(started):
    (started.home / "engine.status").mkdir()
    started.say("No Dask scheduler answers.")
    assert launcher.engine_trouble() is None
