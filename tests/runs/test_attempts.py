"""One process at a time computes a run: who may write about it, and what becomes of one that loses its process."""

import pytest

from forecasting.errors import AttemptOver
from forecasting.runs.files import scratch
from forecasting.runs.ledger import MOST_SETBACKS, RunLedger
from forecasting.runs.reporter import Reporter
from forecasting.runs.store import RunStore

DIED = "Its process died."


@pytest.fixture(scope="module")
def store(home):
    return RunStore()


@pytest.fixture
def engine(home):
    ledger = RunLedger()
    yield ledger
    for run_id in [*ledger.left_running(), *ledger.waiting()]:
        ledger.end(run_id, "stopped")


def started(store, engine, history, config, **kwargs):
    run_id = store.create(history, config, **kwargs)
    assert run_id in {run.id for run in engine.next_runs(9)}
    return run_id


def learn(worker, run_id, *epochs):
    worker.log_progress(run_id, [(epoch, {"loss": 1 / epoch, "val_loss": 1 / epoch, "seconds": 0.1}) for epoch in epochs],
                        {"phase": "training", "epoch": epochs[-1], "epochs": 100})


def writes(run_id):
    """Everything that a worker writes."""
    return {"progress": lambda ledger: learn(ledger, run_id, 3),
            "result": lambda ledger: ledger.put_result(run_id, scratch("result"), {"test": {"rmse": 1.0}}),
            "end": lambda ledger: ledger.end(run_id, "finished")}


@pytest.mark.parametrize("name", ["progress", "result", "end"])
def test_a_worker_whose_attempt_is_over_can_write_nothing(store, engine, history, tiny, name):
    run_id = started(store, engine, history, tiny)
    orphan, heir = RunLedger(), RunLedger()
    orphan.claim(run_id, 1)
    learn(orphan, run_id, 1, 2)
    engine.lose(run_id, 1, DIED)
    before = store.get(run_id)
    for at_work in (False, True):
        if at_work:
            engine.next_runs(1)
            heir.claim(run_id, 2)
            before = store.get(run_id)
        with pytest.raises(AttemptOver):
            writes(run_id)[name](orphan)
        after = store.get(run_id)
        assert (after.state, after.epoch, after.has_result) == (before.state, before.epoch, False)
        assert store.curve(run_id)["epoch"].tolist() == [1, 2]
    writes(run_id)[name](heir)


def test_a_worker_cannot_write_into_a_run_that_has_ended(store, engine, history, tiny):
    run_id = started(store, engine, history, tiny)
    orphan = RunLedger()
    orphan.claim(run_id, 1)
    engine.end(run_id, "interrupted", "The app ended.")
    with pytest.raises(AttemptOver):
        orphan.end(run_id, "finished")
    assert store.get(run_id).state == "interrupted"


def test_an_attempt_is_claimed_once(store, engine, history, tiny):
    """Dask gives the run of a lost worker to another one without asking the engine."""
    run_id = started(store, engine, history, tiny)
    RunLedger().claim(run_id, 1)
    with pytest.raises(AttemptOver, match="begun"):
        RunLedger().claim(run_id, 1)
    with pytest.raises(AttemptOver, match="over"):
        RunLedger().claim(run_id, 2)
    engine.lose(run_id, 1, DIED)
    engine.next_runs(1)
    with pytest.raises(AttemptOver, match="over"):
        RunLedger().claim(run_id, 1)
    assert RunLedger().claim(run_id, 2).attempt == 2


def test_a_report_that_is_refused_ends_the_computation(store, engine, history, tiny):
    run_id = started(store, engine, history, tiny)
    orphan = RunLedger()
    run = orphan.claim(run_id, 1)
    with Reporter(orphan, run, patience=5.0) as reporter:
        reporter.check()
        engine.lose(run_id, 1, DIED)
        reporter.phase("training")
    with pytest.raises(AttemptOver):
        reporter.check()


def test_a_run_that_loses_its_process_goes_back_to_its_place_and_says_why(store, engine, history, tiny):
    run_id = started(store, engine, history, tiny)
    later = store.create(history, tiny)
    learn(engine, run_id, 1, 2)
    engine.lose(run_id, 1, DIED, worker=True)
    run = store.get(run_id)
    assert (run.state, run.attempt, run.queue_position, run.epoch, run.error) == ("scheduled", 2, 1, 2, None)
    assert run.setback == "Its process died. It goes on from its backup."
    assert run.started is None
    assert store.get(later).queue_position == 2
    assert [run.id for run in engine.next_runs(1)] == [run_id]
    run = store.get(run_id)
    assert (run.state, run.attempt, run.epoch, run.setbacks, run.lost) == ("running", 2, 2, 1, 1)


def test_only_the_current_attempt_can_be_lost(store, engine, history, tiny):
    run_id = started(store, engine, history, tiny)
    engine.lose(run_id, 1, DIED)
    engine.next_runs(1)
    engine.lose(run_id, 1, DIED)  # told twice
    assert (store.get(run_id).state, store.get(run_id).attempt) == ("running", 2)


def test_a_run_that_loses_a_second_worker_is_interrupted_with_its_curve(store, engine, history, tiny):
    run_id = started(store, engine, history, tiny)
    learn(engine, run_id, 1, 2)
    engine.lose(run_id, 1, "The engine ended.")
    engine.next_runs(1)
    engine.lose(run_id, 2, DIED, worker=True)
    engine.next_runs(1)
    engine.lose(run_id, 3, DIED, worker=True)
    run = store.get(run_id)
    assert (run.state, run.resumable) == ("interrupted", True)
    assert run.error.startswith(DIED)
    assert "resume" in run.error
    assert store.curve(run_id)["epoch"].tolist() == [1, 2]
    store.resume(run_id)
    run = store.get(run_id)
    assert (run.attempt, run.setbacks, run.lost, run.setback) == (4, 0, 0, None)


def test_a_run_that_never_gets_anywhere_waits_for_a_person_in_the_end(store, engine, history, tiny):
    run_id = started(store, engine, history, tiny)
    for attempt in range(1, MOST_SETBACKS + 2):
        assert store.get(run_id).attempt == attempt
        engine.lose(run_id, attempt, "The engine ended.")
        engine.next_runs(1)
    assert store.get(run_id).state == "interrupted"


def test_a_waiting_run_that_has_learnt_something_goes_back_to_interrupted(store, engine, history, tiny):
    run_id = started(store, engine, history, tiny)
    learn(engine, run_id, 1, 2)
    engine.end(run_id, "interrupted", "The app ended.")
    store.resume(run_id)
    store.request_stop(run_id)
    assert engine.waiting() == {run_id: True}
    engine.drop(run_id)
    run = store.get(run_id)
    assert (run.state, run.resumable, run.epoch) == ("interrupted", True, 2)
    assert store.curve(run_id)["epoch"].tolist() == [1, 2]


def test_a_run_that_was_stopping_gets_another_process_for_its_result(store, engine, history, tiny):
    run_id = started(store, engine, history, tiny)
    store.request_stop(run_id)
    engine.lose(run_id, 1, DIED, worker=True)
    assert engine.waiting() == {run_id: False}
    run = store.get(run_id)
    assert (run.state, run.stop, run.stopping) == ("scheduled", "owed", True)
    assert "made into its result" in run.setback
    engine.next_runs(1)
    assert RunLedger().claim(run_id, 2).stopping
    assert engine.stops() == {run_id: (None, "asked")}


def test_what_keeps_no_backup_starts_over_or_stops(store, engine, history, tiny):
    parent = started(store, engine, history, tiny)
    engine.end(parent, "finished")
    run_id = started(store, engine, history, tiny, kind="forecast", parent=parent)
    engine.lose(run_id, 1, DIED, worker=True)
    assert store.get(run_id).setback.endswith("It starts over.")
    engine.next_runs(1)
    store.request_stop(run_id)
    engine.lose(run_id, 2, DIED)
    assert store.get(run_id).state == "stopped"
