"""How a page follows a run."""

from types import SimpleNamespace

import pytest

from pages.components import live


class Store:
    """A store whose run ends at its `looks`-th look."""

    def __init__(self, looks):
        self.looks, self.looked = looks, 0

    def get(self, run_id):
        self.looked += 1
        return SimpleNamespace(id=run_id, active=self.looked < self.looks, stopping=True)


@pytest.fixture
def store(monkeypatch):
    store = Store(looks=4)
    monkeypatch.setattr(live, "run_store", lambda: store)
    return store


def test_run_that_stops_is_seen_as_soon_as_it_ends(store):
    assert not live._about_to_end(SimpleNamespace(id="a", active=True, stopping=True)).active
    assert store.looked == 4


def test_run_that_takes_long_to_stop_holds_the_page_for_a_tick_only(store):
    store.looks = 1000
    assert live._about_to_end(SimpleNamespace(id="a", active=True, stopping=True)).active
    assert store.looked <= live.TICK / live.LOOK_SECONDS


@pytest.mark.parametrize(("active", "stopping"), [(True, False), (False, True)])
def test_run_that_goes_on_or_has_ended_is_not_waited_for(store, active, stopping):
    run = SimpleNamespace(id="a", active=active, stopping=stopping)
    assert live._about_to_end(run) is run
    assert store.looked == 0
