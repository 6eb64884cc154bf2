"""Runs that need much memory: refused, or one after the other."""

from dataclasses import replace

import pytest

from forecasting.errors import TooLarge
from forecasting.model import size
from forecasting.runs import room
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore

GREAT = {"units": (512,) * 8, "window": 20}


@pytest.fixture
def machine(monkeypatch):
    """A machine with 20 GB of memory."""
    for module in (size, room):
        monkeypatch.setattr(module, "usable_memory", lambda share=0.5: share * 20e9)


@pytest.fixture
def ledger(home):
    ledger = RunLedger()
    yield ledger
    for run_id in [*ledger.left_running(), *ledger.waiting()]:
        ledger.end(run_id, "stopped")


def test_a_run_that_needs_too_much_is_never_made(home, machine, history, tiny):
    store = RunStore(patience=None)
    with pytest.raises(TooLarge, match="needs about 72 GB of this machine's 20 GB"):
        store.create(history, replace(tiny, units=(1024,) * 8, window=1000, batch_size=128))
    assert store.list() == []


def test_workers_on_other_machines_see_for_themselves(home, machine, history, tiny, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:8786")
    room.check_room(replace(tiny, units=(1024,) * 8, window=1000, batch_size=1024), 3000)


def test_the_second_hungry_run_waits_says_why_and_starts_when_the_first_has_ended(machine, ledger, history, tiny):
    store = RunStore(patience=None)
    first, second = (store.create(history, replace(tiny, **GREAT, batch_size=700, seed=seed)) for seed in (1, 2))
    (claimed,) = ledger.next_runs(2)
    assert claimed.id == first
    small = store.create(history, tiny)
    assert ledger.next_runs(1, [claimed]) == []  # nor does a small one overtake it, or it might wait for ever
    waiting = store.get(second)
    assert waiting.state == "scheduled"
    assert waiting.phase.startswith("for memory: it needs about")
    assert "of 10 GB" in waiting.phase
    ledger.end(first, "finished")
    assert [run.id for run in ledger.next_runs(2)] == [second, small]
    assert store.get(second).phase == "starting"


def test_usual_runs_are_computed_side_by_side(machine, ledger, history, tiny):
    store = RunStore(patience=None)
    runs = [store.create(history, replace(tiny, seed=seed)) for seed in (1, 2, 3)]
    assert [run.id for run in ledger.next_runs(3)] == runs
