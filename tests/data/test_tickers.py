"""Fetching, through the real yfinance client, from the stand-in of tests/yahoo.py."""

import inspect
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from forecasting import (
    ConfigError,
    FetchError,
    NoNetwork,
    NotEnoughData,
    ProviderError,
    RateLimited,
    UnknownTicker,
    fetch_prices,
)
from forecasting.data import copies, tickers
from forecasting.data import yahoo as yahoo_data
from forecasting.data.calendars import CALENDARS
from forecasting.data.tickers import cached_prices, split_symbols, start_fetch
from forecasting.data.yahoo import INTERVALS, PERIODS, calendar_of, check_range, periods_for
from tests.yahoo import FAILURES, LISTINGS, YahooStandIn

ERRORS = {"unknown": UnknownTicker, "rate_limit": RateLimited, "error": ProviderError, "garbage": ProviderError,
          "empty": FetchError, "hang_up": NoNetwork}


@pytest.fixture(scope="module")
def stand_in():
    with YahooStandIn() as yahoo:
        yield yahoo


@pytest.fixture
def yahoo(stand_in, tmp_path, monkeypatch):
    """The stand-in with nothing failing, and a data folder of this test's own."""
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.setattr(tickers, "_WAITS", {NoNetwork: (0.01,), ProviderError: (0.01, 0.01), RateLimited: (0.01, 0.01)})
    stand_in.asked.clear()
    yield stand_in
    for symbol in (None, *LISTINGS):
        stand_in.fail(None, symbol)


def test_the_arguments_are_those_of_the_contract_and_all_others_are_named():
    parameters = list(inspect.signature(fetch_prices).parameters.values())
    assert [(one.name, one.default) for one in parameters[1:5]] == [
        ("start", None), ("end", None), ("interval", "1d"), ("session", None)]
    assert all(one.kind is one.KEYWORD_ONLY for one in parameters[5:])


def test_a_stock_comes_with_its_exchange_currency_and_calendar(yahoo):
    history = fetch_prices("aapl", start="2024-01-02", end="2024-03-28", session=yahoo.session())
    assert (history.name, history.currency, history.calendar, history.frequency) == (
        "AAPL", "USD", "XNYS", "trading days")
    assert history.source == "Yahoo Finance (NasdaqGS)"
    assert list(history.frame) == ["Open", "High", "Low", "Close", "Volume"]
    assert history.dates.tz is None


def test_the_first_and_the_last_day_are_included(yahoo):
    history = fetch_prices("AAPL", start="2024-01-03", end=pd.Timestamp("2024-01-09"), session=yahoo.session())
    assert [str(date.date()) for date in history.dates] == ["2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08",
                                                            "2024-01-09"]


def test_everything_there_is_comes_unless_less_is_asked_for(yahoo):
    session = yahoo.session()
    assert fetch_prices("AAPL", session=session).dates[0] == pd.Timestamp("2000-01-03")
    assert 240 < len(fetch_prices("AAPL", period="1y", session=session)) < 265
    assert fetch_prices("AAPL", end="2010-12-31", session=session).dates[0] == pd.Timestamp("2000-01-03")


@pytest.mark.parametrize(("symbol", "currency", "calendar", "frequency"), [
    ("BTC-USD", "USD", "24/7", "every day"), ("EURUSD=X", "USD", "24/5", "trading days"),
    ("VOD.L", "GBp", "XLON", "trading days"), ("^GSPC", "USD", "XNYS", "trading days"),
    ("ES=F", "USD", "CMES", "trading days"), ("7203.T", "JPY", "XTKS", "trading days"),
])
def test_every_kind_of_ticker_has_its_calendar(yahoo, symbol, currency, calendar, frequency):
    history = fetch_prices(symbol, period="6mo", session=yahoo.session())
    assert (history.currency, history.calendar, history.frequency) == (currency, calendar, frequency)


def test_it_is_said_in_words_whether_prices_are_adjusted(yahoo):
    session = yahoo.session()
    adjusted = fetch_prices("AAPL", period="1y", session=session)
    quoted = fetch_prices("AAPL", period="1y", adjusted=False, session=session)
    assert "Prices are adjusted for splits and dividends." in adjusted.notes
    assert "Prices are adjusted for splits, not for dividends." in quoted.notes
    assert adjusted.close[0] < quoted.close[0]
    assert adjusted.close[-1] <= quoted.close[-1]
    assert "no splits or dividends" in fetch_prices("BTC-USD", period="1mo", session=session).notes[0]


def test_pence_are_said_to_be_pence(yahoo):
    notes = fetch_prices("VOD.L", period="1mo", session=yahoo.session()).notes
    assert any("pence" in note for note in notes)


def test_the_frequency_is_known_however_few_rows_there_are(yahoo):
    frame = pd.DataFrame({"Close": [1.0, 2.0]}, index=pd.date_range("2024-01-01", periods=2, tz="UTC"))
    assert tickers._history("AAPL", frame, {"exchangeName": "NMS"}, "1d", True).frequency == "trading days"
    assert tickers._history("BTC-USD", frame, {"exchangeName": "CCC"}, "1d", True).frequency == "every day"
    for interval, frequency in tickers._FREQUENCIES.items():
        assert tickers._history("AAPL", frame, {}, interval, True).frequency == frequency


def test_a_single_price_is_refused_with_what_to_do(yahoo):
    with pytest.raises(NotEnoughData, match=r"single finished price.*3 Jan 2024.*AAPL.*longer period"):
        fetch_prices("AAPL", start="2024-01-03", end="2024-01-03", session=yahoo.session())
    assert len(fetch_prices("AAPL", start="2024-01-03", end="2024-01-04", session=yahoo.session())) == 2


def test_a_currency_has_no_volume(yahoo):
    assert "Volume" not in fetch_prices("EURUSD=X", period="1mo", session=yahoo.session()).frame


@pytest.mark.parametrize(("interval", "frequency"), [
    ("1wk", "weekly"), ("1mo", "monthly"), ("3mo", "quarterly"), ("1h", "hourly"), ("30m", "30 minutes"),
    ("15m", "15 minutes"), ("1m", "1 minute"),
])
def test_intervals(yahoo, interval, frequency):
    assert fetch_prices("AAPL", interval=interval, session=yahoo.session()).frequency == frequency


def test_times_within_a_day_are_those_of_the_exchange(yahoo):
    history = fetch_prices("AAPL", interval="1h", period="1mo", session=yahoo.session())
    assert history.dates.hour.min() == 9
    assert set(history.dates.minute) == {30}
    assert any("America/New_York" in note for note in history.notes)


def test_the_hour_that_comes_twice_when_the_clocks_go_back_is_kept_once(yahoo):
    frame = pd.DataFrame({"Close": [1.0, 2.0, 3.0, 4.0]}, index=pd.date_range(
        "2024-10-27 00:00", periods=4, freq="h", tz="UTC").tz_convert("Europe/London"))
    history = tickers._history("EURUSD=X", frame, {}, "1h", True)
    assert [date.hour for date in history.dates] == [1, 2, 3]
    np.testing.assert_array_equal(history.close, [2.0, 3.0, 4.0])
    assert any("1 row with a date that comes again left out" in note for note in history.notes)


def test_rows_without_a_price_are_left_out_and_counted(yahoo):
    frame = pd.DataFrame({"Close": [1.0, np.nan, np.inf, 4.0]}, index=pd.date_range("2024-01-01", periods=4, tz="UTC"))
    history = tickers._history("BTC-USD", frame, {}, "1d", True)
    assert len(history) == 2
    assert "2 rows without a price left out." in history.notes


@pytest.mark.parametrize(("symbol", "now", "last"), [
    ("AAPL", "2026-03-18T15:00", "2026-03-17"),  # New York trades until 20:00 UTC
    ("AAPL", "2026-03-18T20:30", "2026-03-18"),
    ("BTC-USD", "2026-03-18T20:30", "2026-03-17"),
])
def test_a_session_that_is_not_over_is_left_out_with_a_note(tmp_path, monkeypatch, symbol, now, last):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    monkeypatch.setattr(tickers, "_now", lambda: pd.Timestamp(now))
    with YahooStandIn(now) as yahoo:
        history = fetch_prices(symbol, start="2026-03-02", end="2026-03-31", session=yahoo.session())
    assert history.dates[-1] == pd.Timestamp(last)
    left_out = any("was not complete yet" in note for note in history.notes)
    assert left_out == (last != str(now.date()))


@pytest.mark.parametrize("how", ERRORS)
@pytest.mark.parametrize("known", [True, False])
def test_every_way_of_failing_has_its_own_error(yahoo, how, known):
    session = yahoo.session()
    symbol = "MSFT"
    if known:
        fetch_prices(symbol, period="1mo", session=session)  # after which its time zone is known
    yahoo.fail(how)
    with pytest.raises(ERRORS[how], match=symbol) as caught:
        fetch_prices(symbol, period="1mo", session=session, patience=0)
    assert len(str(caught.value)) > 60
    assert "Traceback" not in str(caught.value)


def test_every_way_to_fail_is_tried():
    assert set(ERRORS) | {"silence"} == set(FAILURES)


def test_yahoos_own_reason_is_told(yahoo):
    session = yahoo.session()
    fetch_prices("AAPL", period="1mo", session=session)
    yahoo.fail("unknown")
    with pytest.raises(UnknownTicker, match="Yahoo says: No data found, symbol may be delisted"):
        fetch_prices("AAPL", period="1mo", session=session)


@pytest.mark.parametrize("how", ["rate_limit", "error", "garbage", "hang_up"])
def test_a_failure_that_passes_is_waited_for(yahoo, how):
    session = yahoo.session()
    fetch_prices("AAPL", period="1mo", session=session)
    yahoo.fail(how, times=1)
    assert len(fetch_prices("AAPL", period="1mo", session=session)) > 10


def test_patience_ends(yahoo, monkeypatch):
    waited = []
    monkeypatch.setattr(tickers, "_WAITS", {RateLimited: (2.0, 5.0)})
    monkeypatch.setattr(tickers.time, "sleep", waited.append)
    yahoo.fail("rate_limit")
    with pytest.raises(RateLimited):
        fetch_prices("AAPL", period="1mo", session=yahoo.session(), patience=4)
    assert waited == [2.0]


@pytest.mark.parametrize("ticker", ["", " ", "A B", "../x", "A" * 30, "<b>", "AAPL?", "a/b", None, "ÄÖ"])
def test_what_cannot_be_a_ticker_is_not_asked_for(yahoo, ticker):
    with pytest.raises(UnknownTicker, match="This is not a ticker"):
        fetch_prices(ticker, session=yahoo.session())
    assert yahoo.asked == []


@pytest.mark.parametrize(("request_", "reason"), [
    ({"interval": "7m"}, "no prices at this interval"),
    ({"interval": "1m", "period": "1mo"}, "8 days at most"),
    ({"interval": "15m", "period": "1y"}, "60 days at most"),
    ({"interval": "1h", "period": "5y"}, "730 days at most"),
    ({"interval": "1h", "start": "2001-01-01"}, "for the last 730 days only"),
    ({"interval": "15m", "end": "2001-01-01"}, "for the last 60 days only"),
    ({"period": "soon"}, "A period is a number"),
    ({"period": "1y", "start": "2020-01-01"}, "either a period or"),
    ({"start": "2020-02-01", "end": "2020-01-01"}, "lies before the first"),
    ({"start": "2999-01-01"}, "no prices of the future"),
    ({"start": "not a day"}, "start must be a date"),
    ({"end": "NaT"}, "end must be a date"),
])
def test_what_yahoo_does_not_offer_is_refused_with_the_reason(yahoo, request_, reason):
    with pytest.raises(ConfigError, match=reason):
        fetch_prices("AAPL", session=yahoo.session(), **request_)
    assert yahoo.asked == []


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_period_that_is_offered_is_allowed(interval):
    assert periods_for(interval)
    for period in periods_for(interval):
        check_range(interval, period, None, None)


def test_all_periods_are_offered_for_days_and_few_for_minutes():
    assert periods_for("1d") == tuple(PERIODS)
    assert periods_for("1m") == ("5d", "max")
    assert periods_for("15m") == ("5d", "1mo", "max")


@pytest.mark.parametrize(("metadata", "calendar"), [
    ({"instrumentType": "EQUITY", "exchangeName": "NYQ"}, "XNYS"),
    ({"instrumentType": "EQUITY", "exchangeName": "???", "exchangeTimezoneName": "Europe/Paris"}, "XPAR"),
    ({"instrumentType": "INDEX", "exchangeName": "???", "exchangeTimezoneName": "America/Chicago"}, "XNYS"),
    ({"instrumentType": "EQUITY", "exchangeName": "BUE"}, "XBUE"),
    ({"instrumentType": "CRYPTOCURRENCY", "exchangeTimezoneName": "UTC"}, "24/7"),
    ({"instrumentType": "CURRENCY", "exchangeTimezoneName": "Europe/London"}, "24/5"),
    ({"exchangeName": "???"}, None), ({}, None),
])
def test_the_calendar_is_the_exchanges_or_else_its_time_zones(metadata, calendar):
    assert calendar_of(metadata) == calendar


def test_every_calendar_of_a_ticker_is_one_that_a_person_can_pick():
    codes = {calendar_of({"exchangeName": name}) for name in yahoo_data._CALENDAR_OF}
    codes |= {calendar_of({"exchangeTimezoneName": zone}) for zone in yahoo_data._CALENDAR_OF_ZONE}
    assert codes <= set(CALENDARS)


# Copies on disk: used when no session is given, so these tests make the stand-in everybody's Yahoo.

@pytest.fixture
def everywhere(yahoo, monkeypatch):
    """The stand-in behind `fetch_prices` and `start_fetch` without a session."""
    session = yahoo.session()
    ask = tickers.ask
    monkeypatch.setattr(tickers, "ask", lambda symbol, _, **request: ask(symbol, session, **request))
    return yahoo


def age_all_copies(monkeypatch, seconds):
    """Every copy is so many seconds older from now on."""
    now = pd.Timestamp.now("UTC") + pd.Timedelta(seconds=seconds)
    monkeypatch.setattr(tickers, "_now", lambda: now)


def test_a_fresh_copy_is_used_without_asking(everywhere):
    first = fetch_prices("AAPL", period="1y")
    everywhere.asked.clear()
    again = fetch_prices("AAPL", period="1y")
    assert everywhere.asked == []
    pd.testing.assert_frame_equal(again.frame, first.frame)
    assert again.notes == (*first.notes, "This is a copy, fetched from Yahoo just now.")


@pytest.mark.parametrize("other", [{"period": "2y"}, {"interval": "1wk"}, {"adjusted": False}])
def test_a_copy_answers_only_the_question_it_was_fetched_for(everywhere, other):
    fetch_prices("AAPL", period="1y")
    everywhere.asked.clear()
    fetch_prices("AAPL", **{"period": "1y", **other})
    assert everywhere.asked


@pytest.mark.parametrize(("interval", "seconds", "asks"), [("1d", 3000, False), ("1d", 4000, True),
                                                           ("1h", 400, True), ("1m", 90, True)])
def test_a_copy_is_fresh_for_longer_the_longer_its_interval(everywhere, monkeypatch, interval, seconds, asks):
    fetch_prices("AAPL", interval=interval)
    everywhere.asked.clear()
    age_all_copies(monkeypatch, seconds)
    fetch_prices("AAPL", interval=interval)
    assert bool(everywhere.asked) == asks


def test_yahoo_is_asked_again_on_request(everywhere):
    fetch_prices("AAPL", period="1y")
    everywhere.asked.clear()
    fetch_prices("AAPL", period="1y", refresh=True)
    assert everywhere.asked


def test_the_last_good_copy_survives_an_outage_and_says_its_age(everywhere, monkeypatch):
    first = fetch_prices("AAPL", period="1y")
    age_all_copies(monkeypatch, 3 * 3600)
    everywhere.fail("hang_up")
    with pytest.raises(NoNetwork):
        fetch_prices("AAPL", period="1y")
    copy, age = cached_prices("AAPL", period="1y")
    assert copy.fingerprint == first.fingerprint
    assert (copy.currency, copy.calendar, copy.source) == (first.currency, first.calendar, first.source)
    assert copy.notes[-1] == "This is a copy, fetched from Yahoo 3 hours ago."
    assert 3 * 3600 - 60 < age < 3 * 3600 + 60


def test_a_copy_of_another_period_is_better_than_none(everywhere, monkeypatch):
    fetch_prices("AAPL", period="1y")
    age_all_copies(monkeypatch, 60)
    five_years = fetch_prices("AAPL", period="5y")
    assert cached_prices("AAPL", period="2y")[0].fingerprint == five_years.fingerprint
    assert cached_prices("AAPL", period="2y", interval="1wk") is None


def test_there_is_no_copy_of_what_was_never_fetched(yahoo):
    assert cached_prices("AAPL") is None


def test_a_damaged_copy_counts_as_none(everywhere, tmp_path):
    fetch_prices("AAPL", period="1y")
    (file,) = (tmp_path / "prices").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:100])
    assert cached_prices("AAPL", period="1y") is None
    assert len(fetch_prices("AAPL", period="1y")) > 200


def test_a_disk_that_cannot_be_written_to_costs_only_the_copy(everywhere, monkeypatch, caplog):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(copies, "write_atomically", full)
    assert len(fetch_prices("AAPL", period="1y")) > 200
    assert "No space left" in caplog.text


def test_a_home_that_cannot_be_used_costs_only_the_copies(everywhere, tmp_path, monkeypatch):
    yahoo_data._set_up().config.debug.hide_exceptions = True  # as before its first use
    (tmp_path / "file").touch()
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path / "file" / "home"))
    assert len(fetch_prices("AAPL", period="1y")) > 200
    assert cached_prices("AAPL", period="1y") is None


def wait(job):
    """Until every symbol of `job` has its result."""
    for thread in threading.enumerate():
        if thread.name.startswith("fetch "):
            thread.join(20)
    assert job.done
    return job


def test_several_tickers_come_at_once_each_with_its_history_or_its_error(everywhere):
    job = wait(start_fetch("aapl, BTC-USD NOSUCH;a/b", period="1y"))
    assert job.symbols == ("AAPL", "BTC-USD", "NOSUCH", "A/B")
    assert job.results["AAPL"].name == "AAPL"
    assert job.results["BTC-USD"].calendar == "24/7"
    assert isinstance(job.results["NOSUCH"], UnknownTicker)
    assert isinstance(job.results["A/B"], UnknownTicker)
    assert job.seconds == job.seconds


def test_a_job_knows_the_last_good_copies(everywhere):
    wait(start_fetch(["AAPL"], period="1y"))
    everywhere.fail("rate_limit")
    job = wait(start_fetch("AAPL,MSFT", period="1y", refresh=True))
    assert isinstance(job.results["AAPL"], RateLimited)
    assert job.cached("AAPL").name == "AAPL"
    assert job.cached("MSFT") is None


def test_a_job_reads_a_copy_from_disk_once(everywhere, monkeypatch):
    wait(start_fetch(["AAPL"], period="1y"))
    everywhere.fail("rate_limit")
    job = wait(start_fetch("AAPL,MSFT", period="1y", refresh=True))
    read = []
    monkeypatch.setattr(tickers, "cached_prices", lambda symbol, **_: read.append(symbol) or cached_prices(symbol, period="1y"))
    for _ in range(20):
        assert job.cached("AAPL").name == "AAPL"
        assert job.cached("MSFT") is None
    assert read == ["AAPL", "MSFT"]


def test_what_has_just_arrived_is_the_best_copy(everywhere):
    job = wait(start_fetch("AAPL", period="1y"))
    assert job.cached("AAPL") is job.results["AAPL"]


def test_a_silent_yahoo_does_not_hold_up_the_caller(yahoo, monkeypatch):
    ask = tickers.ask
    with YahooStandIn() as silent:
        silent.fail("silence")
        session = silent.session()
        monkeypatch.setattr(tickers, "ask", lambda symbol, _, **request: ask(symbol, session, **request))
        job = start_fetch("AAPL", patience=0)
        assert not job.done
        assert job.cached("AAPL") is None
        before = job.seconds
        assert job.seconds >= before >= 0
    assert isinstance(wait(job).results["AAPL"], NoNetwork)


def test_a_fault_of_ours_ends_the_job_with_a_sentence_and_a_log(everywhere, monkeypatch, caplog):
    monkeypatch.setattr(tickers, "ask", lambda *_, **__: {}["a fault"])
    job = wait(start_fetch("AAPL"))
    assert isinstance(job.results["AAPL"], FetchError)
    assert "fault in this program" in str(job.results["AAPL"])
    assert "KeyError" in caplog.text


@pytest.mark.parametrize(("symbols", "request_", "error"), [
    ("", {}, UnknownTicker), (" , ", {}, UnknownTicker), ("AAPL", {"interval": "1m", "period": "1y"}, ConfigError),
    ([f"A{n}" for n in range(30)], {}, ConfigError),
])
def test_a_job_that_cannot_succeed_does_not_start(yahoo, symbols, request_, error):
    with pytest.raises(error):
        start_fetch(symbols, **request_)


def test_symbols_are_split_at_commas_and_spaces_each_once():
    assert split_symbols(" aapl,msft ;\nAAPL  brk-b") == ("AAPL", "MSFT", "BRK-B")


def test_another_process_reaches_the_stand_in_through_a_proxy(yahoo, tmp_path):
    """As the app does in the browser test: yfinance is left as it is, and the environment leads it here."""
    code = ("from forecasting import fetch_prices; h = fetch_prices('AAPL', period='1mo');"
            "print(h.name, h.currency, len(h) > 15)")
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60,
                           env=os.environ | yahoo.environment() | {"FORECASTING_HOME": str(tmp_path)}, check=False)
    assert (ended.stdout.strip(), ended.stderr) == ("AAPL USD True", "")
    assert "AAPL" in yahoo.asked
