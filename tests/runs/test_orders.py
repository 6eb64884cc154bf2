"""A run is made completely or not at all, however long the store takes."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from forecasting.errors import RunError, StoreUnavailable
from forecasting.runs import orders as orders_module
from forecasting.runs.ledger import RunLedger
from forecasting.runs.orders import GivenUp, Order
from forecasting.runs.store import RunStore
from forecasting.runs.tracking import Tracking


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(orders_module, "PAUSE", 0.01)
    return tmp_path


@pytest.fixture
def store(home):
    RunStore(patience=None).list()  # opened, which takes half a minute on a machine that is busy with other things
    return RunStore(patience=60)


@contextmanager
def locked(home):
    """As by a program that writes, and takes its time."""
    with closing(sqlite3.connect(home / "runs.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


def everything(store):
    """What is in the store, half-made runs included: {id: MLflow's status}."""
    return {one.info.run_id: one.info.status for one in store._search("")}


def test_an_order_is_carried_out_once_the_store_answers(store, home, history, tiny):
    assert store.answers()
    with locked(home):
        assert not RunStore(patience=0.2).answers()
        wanted = store.order(history, tiny, owner="anna", before=None)
        assert not wanted.order.wait(0.5)
    run_id = wanted.order.result()
    assert everything(store) == {run_id: "SCHEDULED"}
    assert [run.id for run in RunLedger().next_runs(5)] == [run_id]


def test_an_order_that_is_given_up_is_not_carried_out_later(store, home, history, tiny):
    assert everything(store) == {}
    with locked(home):
        wanted = store.order(history, tiny, owner="anna", before=None)
        assert wanted.order.give_up()
    with pytest.raises(GivenUp):
        wanted.order.result()
    assert everything(store) == {}


def test_a_run_that_cannot_be_made_in_time_is_not_made_later_either(store, home, history, tiny):
    assert everything(store) == {}
    with locked(home), pytest.raises(StoreUnavailable, match="nothing was started"):
        RunStore(patience=0.2).create(history, tiny)
    for thread in threading.enumerate():
        if thread.name == "order":
            thread.join(60)
    assert everything(store) == {}


@pytest.mark.parametrize("failing", ["create_run", "log_batch", "update_run"])
def test_a_request_that_fails_for_a_moment_is_tried_again_for_an_order_and_ends_any_other(
        store, history, tiny, monkeypatch, failing):
    failures, call = [], Tracking.call

    def fail(self, method, *args, **kwargs):
        if method == failing and len(failures) < 3:
            failures.append(method)
            raise StoreUnavailable("Not now.")
        return call(self, method, *args, **kwargs)

    monkeypatch.setattr(Tracking, "call", fail)
    with pytest.raises(StoreUnavailable, match=r"Not now\."):
        store.create(history, tiny)
    assert (len(failures), everything(store)) == (1, {})
    run_id = store.order(history, tiny, owner="anna").order.result()
    assert (len(failures), everything(store)) == (3, {run_id: "SCHEDULED"})


def test_an_order_is_not_kept_for_ever(store, home, history, tiny, monkeypatch):
    monkeypatch.setattr(orders_module, "INSIST_SECONDS", 0.0)
    monkeypatch.setattr(Tracking, "call", lambda *args, **kwargs: (_ for _ in ()).throw(StoreUnavailable("Not now.")))
    with pytest.raises(StoreUnavailable):
        store.order(history, tiny, owner="anna").order.result()


def test_an_order_can_be_given_up_until_its_last_step():
    committed, go_on = threading.Event(), threading.Event()

    def make(order):
        order.commit()
        committed.set()
        go_on.wait(10)
        return "a run"

    order = Order(make).start()
    committed.wait(10)
    assert not order.give_up()
    go_on.set()
    assert order.result() == "a run"

    early = Order(lambda order: order.commit() or "a run")
    assert early.give_up()
    with pytest.raises(GivenUp):
        early.run().result()


def test_an_order_is_found_by_the_browser_and_page_that_gave_it_until_a_page_shows_it(store, history, tiny):
    first = store.order(history, tiny, owner="anna", before=None)
    run_id = first.order.result()
    second = store.order(history, tiny, owner="anna", before=run_id)
    assert store.unseen_order("anna", None) is first
    assert store.unseen_order("anna", run_id) is second
    assert store.unseen_order("ben", None) is None
    assert store.unseen_order("anna", "another") is None
    first.seen = True
    assert store.unseen_order("anna", None) is None


def test_an_order_that_no_page_has_shown_is_forgotten_in_the_end(store, history, tiny, monkeypatch):
    store.order(history, tiny, owner="anna", before=None).order.wait()
    monkeypatch.setattr(orders_module, "REMEMBER_SECONDS", 0.0)
    assert store.unseen_order("anna", None) is None


def test_what_cannot_be_made_at_all_says_why(store, history, tiny):
    with pytest.raises(RunError, match="kind must be one of"):
        store.create(history, tiny, kind="none")
    assert everything(store) == {}


def test_only_one_of_many_sessions_makes_a_run_that_is_missing(store, history, tiny):
    """Also where each is another process: here each has a store of its own."""
    stores = [RunStore() for _ in range(12)]
    parent = store.create(history, tiny)

    def open_page(own):
        with own.one_at_a_time():
            found = own.list(kind="forecast", parent=parent)
            return found[0].id if found else own.create(history, tiny, kind="forecast", parent=parent)

    with ThreadPoolExecutor(12) as sessions:
        assert len(set(sessions.map(open_page, stores))) == 1
    assert len(store.list(kind="forecast", parent=parent)) == 1


# A ledger that claims runs


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_claim_without_an_answer_does_not_leave_a_run_that_nobody_computes(store, history, tiny, monkeypatch, carried_out):
    run_id, ledger, call = store.create(history, tiny), RunLedger(), Tracking.call
    with monkeypatch.context() as patch:
        def lose(self, method, *args, **kwargs):
            if method != "update_run":
                return call(self, method, *args, **kwargs)
            if carried_out:
                call(self, method, *args, **kwargs)
            raise StoreUnavailable("The answer was lost.")

        patch.setattr(Tracking, "call", lose)
        with pytest.raises(StoreUnavailable):
            ledger.next_runs(2)
    assert store.get(run_id).state == ("running" if carried_out else "scheduled")
    assert [run.id for run in ledger.next_runs(2)] == [run_id]
    assert ledger.next_runs(2) == []


def test_a_store_that_fails_at_the_second_of_two_claims_does_not_lose_the_first(store, history, tiny, monkeypatch):
    first, second = store.create(history, tiny, owner="anna"), store.create(history, tiny, owner="ben")
    ledger, call, claimed = RunLedger(), Tracking.call, []
    with monkeypatch.context() as patch:
        def fail(self, method, *args, **kwargs):
            if method in ("update_run", "set_experiment_tag"):
                claimed.append(method)
                if len(claimed) > 1:
                    raise StoreUnavailable("Not now.")
            return call(self, method, *args, **kwargs)

        patch.setattr(Tracking, "call", fail)
        assert [run.id for run in ledger.next_runs(2)] == [first]
    assert [run.id for run in ledger.next_runs(2)] == [second]
