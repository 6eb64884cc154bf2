"""A small share of `benchmarks/fuzz_addresses.py`: addresses, tickers and names that nobody should write."""

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecasting.data import tickers
from forecasting.runs.ledger import RunLedger
from tests import hostile

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def ids(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECASTING_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        made = hostile.make_runs(RunLedger())
    return folder, made


@pytest.fixture
def made(ids, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(ids[0]))  # over the empty one that every page test has
    monkeypatch.setattr(tickers, "ask", hostile.frame_of)
    return ids[1]


def test_any_name_is_cleaned_or_refused_and_can_be_shown():
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(SEEDS.map(lambda seed: hostile.text(Random(seed))) | st.text(max_size=200))
    def check(name):
        hostile.try_name(name)

    check()


def test_any_ticker_is_fetched_or_refused_in_words(made):
    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(SEEDS, SEEDS.map(lambda seed: hostile.text(Random(seed))) | st.text(max_size=40))
    def check(seed, written):
        hostile.try_ticker(Random(seed), written)

    check()


def test_any_address_opens_on_prices_and_says_the_same_when_it_is_opened_again(made):
    @settings(max_examples=5, deadline=None, derandomize=True)
    @given(SEEDS)
    def check(seed):
        hostile.try_addresses([hostile.query(Random(seed + number), made) for number in range(20)])

    check()


HALVES = [{"settings": '{"\\ud800": 1}'}, {"settings": '{"cell": "\\udfff"}'}, {"forecast": '{"\\ud800": "\\udfff"}'}]


@pytest.mark.parametrize("page", hostile.PAGES)
def test_any_address_draws_a_page(made, page):
    @settings(max_examples=3, deadline=None, derandomize=True)
    @given(SEEDS.map(lambda seed: hostile.query(Random(seed), made)))
    @example(HALVES[hostile.PAGES.index(page) % len(HALVES)])
    def check(asked):
        hostile.try_page(page, asked)

    check()
