"""The track record on the Forecast page: one click fetches every ticker that a kept forecast waits for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import fetch_prices
from forecasting.data import tickers
from forecasting.runs.track import TrackRecord
from tests.yahoo import YahooStandIn

PAGE = str(Path(__file__).parents[2] / "pages" / "4_Forecast.py")


@pytest.fixture(scope="module")
def stand_in():
    with YahooStandIn() as yahoo:
        yield yahoo


@pytest.fixture
def yahoo(stand_in, monkeypatch):
    """The stand-in behind every fetch."""
    session, ask = stand_in.session(), tickers.ask
    monkeypatch.setattr(tickers, "ask", lambda symbol, _, **request: ask(symbol, session, **request))
    monkeypatch.setattr(tickers, "_WAITS", {})
    yield stand_in
    stand_in.fail(None)


def keep(symbol, steps=3):
    """Keeps a forecast of the last days of a ticker, made before them. Returns the prices that came."""
    whole = fetch_prices(symbol, start="2024-01-02", end="2024-03-28", adjusted=False)
    known, came = replace(whole, frame=whole.frame.iloc[:-steps], origin="ticker"), whole.frame["Close"].iloc[-steps:]
    predicted = np.full(steps, known.close[-1])
    table = pd.DataFrame({"predicted": predicted, **{f"{side}_{level}": predicted * (1 + sign * level / 1000)
                                                     for side, sign in (("lower", -1), ("upper", 1)) for level in (80, 95)}},
                         index=came.index)
    TrackRecord().keep(known, table, run="a" * 32, settings={}, guarded=True, refit=False,
                       now=pd.Timestamp(came.index[0], tz="UTC") - pd.Timedelta(hours=3))
    return came.tolist()


def page(test=None):
    test = (test or AppTest.from_file(PAGE, default_timeout=60)).run()
    assert not test.exception
    return test


def until_fetched(test):
    """The page once the fetches that it waits for have ended."""
    for _ in range(100):
        if not any("fetched" in bar.proto.text for bar in test.get("progress")):
            return test
        page(test)
    raise AssertionError("the fetch never ended")


def test_one_click_fetches_all_tickers_with_open_forecasts_and_scores_them(yahoo):
    came = {symbol: keep(symbol) for symbol in ("AAPL", "BTC-USD", "7203.T")}
    test = page()
    assert any("3 kept forecasts wait for prices" in one.value for one in test.markdown)
    yahoo.asked.clear()
    (button,) = [one for one in test.button if one.label == "Fetch 3 tickers again"]
    button.click()
    page(test)
    until_fetched(test)
    assert set(yahoo.asked) == set(came)
    assert {one.about["series"]: [row["actual"] for row in one.rows] for one in TrackRecord().list()} == came
    assert any(one.value.startswith("9 forecasts made before the fact") for one in test.markdown)
    (button,) = [one for one in test.button if one.label == "Fetch tickers again"]
    assert button.disabled


def test_a_fetch_that_fails_says_why_and_can_be_asked_for_again(yahoo):
    keep("AAPL")
    came = keep("MSFT")
    yahoo.fail("unknown", "AAPL")
    test = page()
    next(one for one in test.button if one.label == "Fetch 2 tickers again").click()
    until_fetched(page(test))
    assert any("AAPL" in one.value for one in test.warning)
    assert {one.about["series"]: [row["actual"] for row in one.rows] for one in TrackRecord().list()} == {
        "AAPL": [None] * 3, "MSFT": came}
    assert any(one.label == "Fetch 1 ticker again" and not one.disabled for one in test.button)
    yahoo.fail(None, "AAPL")

