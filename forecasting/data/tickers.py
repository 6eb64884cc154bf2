"""Prices by ticker from Yahoo Finance, with retries, and copies for when it cannot be reached."""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.data.copies import keep_copy, last_copy, newest_copy
from forecasting.data.frequency import EVERY_DAY, TRADING_DAYS, Frequency, as_day
from forecasting.data.history import COLUMNS, PriceHistory
from forecasting.data.yahoo import ask, calendar_of, check_range
from forecasting.errors import (
    ConfigError,
    FetchError,
    ForecastingError,
    NoNetwork,
    NotEnoughData,
    ProviderError,
    RateLimited,
    UnknownTicker,
)

__all__ = ["FetchJob", "cached_prices", "fetch_prices", "interval_of", "split_symbols", "start_fetch"]

MAX_SYMBOLS = 20
_AT_ONCE = 4  # more parallel requests would only hit the rate limit sooner

# Seconds to wait before each retry. Being offline should be reported soon; a rate limit takes longer to pass.
_WAITS = {NoNetwork: (1.0,), ProviderError: (1.0, 2.0), RateLimited: (2.0, 5.0)}

_FRESH_SECONDS = {"1m": 60, "2m": 60, "5m": 120}
_FRESH_WITHIN_DAY, _FRESH = 300, 3600

# A symbol as Yahoo writes them: AAPL, BRK-B, ^GSPC, EURUSD=X, ES=F, 7203.T, 0P0000XTLM.L
_SYMBOL = re.compile(r"\^?[A-Z0-9][A-Z0-9.\-=&]{0,19}")

_FREQUENCIES = {"1wk": Frequency("week"), "1mo": Frequency("month"), "3mo": Frequency("month", 3), "1h": Frequency("hour")} | {
    interval: Frequency("minute", int(interval[:-1])) for interval in ("90m", "30m", "15m", "5m", "2m", "1m")}

_HUNDREDTHS = {"GBp": "pence, a hundredth of a pound", "GBX": "pence, a hundredth of a pound",
               "ZAc": "cents, a hundredth of a rand", "ILA": "agorot, a hundredth of a shekel"}
log = logging.getLogger(__name__)


def fetch_prices(ticker: str, start=None, end=None, interval: str = "1d", session=None, *, period: str | None = None,
                 adjusted: bool = True, patience: float = 10.0, refresh: bool = False) -> PriceHistory:
    """Prices of one ticker from Yahoo Finance.

    start, end: first and last day wanted, both included; all there is without them
    interval: one of `forecasting.data.yahoo.INTERVALS`; Yahoo keeps the short ones for a short time only
    session: a `curl_cffi.requests.Session` to ask through; with one, Yahoo is always asked
    period: how far back, e.g. '5y', instead of start and end
    adjusted: for splits and dividends; otherwise for splits only, which Yahoo has no prices without
    patience: seconds to spend on retries that may help; 0 for a single attempt
    refresh: ask Yahoo even if there is a copy fetched some minutes ago
    Raises UnknownTicker, NoNetwork, RateLimited, ProviderError, NotEnoughData for a single price, or ConfigError for what
    Yahoo does not offer.
    """
    symbol = _checked_symbol(ticker)
    series, span, request = _request(symbol, start, end, interval, period, adjusted)
    if not refresh and session is None and (copy := last_copy(series, span)):
        history, fetched = copy
        if 0 <= _seconds_since(fetched) < _freshness(interval):
            return _with_age(history, fetched)
    frame, metadata = _ask_patiently(symbol, session, request, patience)
    history = _history(symbol, frame, metadata, interval, adjusted)
    keep_copy(series, span, history, _now())
    return history


def cached_prices(ticker: str, start=None, end=None, interval: str = "1d", *, period: str | None = None,
                  adjusted: bool = True) -> tuple[PriceHistory, float] | None:
    """The last good copy of what `fetch_prices` would fetch, and its age in seconds; None where there is none.

    If exactly this was never fetched, the newest copy of the ticker at this interval for another period is used. A note of
    the history says how old it is.
    """
    symbol = _checked_symbol(ticker)
    series, span, _ = _request(symbol, start, end, interval, period, adjusted)
    copy = last_copy(series, span) or newest_copy(series)
    if copy is None:
        return None
    history, fetched = copy
    return _with_age(history, fetched), _seconds_since(fetched)


class FetchJob:
    """Several tickers being fetched, each in a daemon thread of its own.

    symbols: the requested tickers; provider: where they are requested from
    results: {symbol: its PriceHistory, or the ForecastingError that was raised}, filled one by one
    """

    provider = "Yahoo"

    def __init__(self, symbols: tuple[str, ...], **request):
        self.symbols = symbols
        self.results: dict[str, PriceHistory | ForecastingError] = {}
        self._request = request
        self._started = time.monotonic()
        self._ended: float | None = None
        self._copies: dict[str, PriceHistory | None] = {}
        self._places = threading.Semaphore(_AT_ONCE)
        for symbol in symbols:
            # A daemon, since yfinance may wait on a silent connection for a minute, which must not delay the exit.
            threading.Thread(target=self._fetch, args=(symbol,), name=f"fetch {symbol}", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether every symbol has its result."""
        return len(self.results) == len(self.symbols)

    @property
    def seconds(self) -> float:
        """How long it has taken so far, or took."""
        return (self._ended or time.monotonic()) - self._started

    def cached(self, symbol: str) -> PriceHistory | None:
        """The last good copy of this symbol, its age among its notes; None where there is none. A result that has
        just arrived is the best copy. The disk is read only once, because a page asks at every tick."""
        if isinstance(arrived := self.results.get(symbol), PriceHistory):
            return arrived
        if symbol not in self._copies:
            request = {name: value for name, value in self._request.items() if name in _WHAT_IS_ASKED}
            try:
                copy = cached_prices(symbol, **request)
            except UnknownTicker:
                copy = None
            self._copies[symbol] = copy and copy[0]
        return self._copies[symbol]

    def _fetch(self, symbol: str):
        result: PriceHistory | ForecastingError
        try:
            with self._places:
                result = fetch_prices(symbol, **self._request)
        except ForecastingError as error:
            result = error
        except Exception:
            # Last resort of this thread: without a result the page would wait for ever.
            log.exception("Fetching %s failed", symbol)
            result = FetchError(f"The prices of {symbol} could not be fetched because of a fault in this program; "
                                "its log has the details. Go on with a sample or a file.")
        self.results[symbol] = result
        if self.done:
            self._ended = time.monotonic()


_WHAT_IS_ASKED = ("start", "end", "interval", "period", "adjusted")


def start_fetch(symbols, **request) -> FetchJob:
    """Starts fetching every ticker in `symbols`, a list or a text separated by commas or spaces, and returns immediately.

    request: the keywords of `fetch_prices`
    Raises UnknownTicker where no ticker is named and ConfigError for what Yahoo does not offer, before anything starts.
    """
    symbols = split_symbols(symbols) if isinstance(symbols, str) else tuple(dict.fromkeys(symbols))
    if not symbols:
        raise UnknownTicker("No ticker was named. Write one or more as Yahoo does, e.g. AAPL, BTC-USD.")
    if len(symbols) > MAX_SYMBOLS:
        raise ConfigError(f"Fetch at most {MAX_SYMBOLS} tickers at once. Received: {len(symbols)}.")
    asked = {name: value for name, value in request.items() if name in _WHAT_IS_ASKED}
    _request("AAPL", **{"start": None, "end": None, "interval": "1d", "period": None, "adjusted": True} | asked)
    return FetchJob(symbols, **request)


def interval_of(history: PriceHistory) -> str | None:
    """The interval that gives prices of this frequency, or None."""
    if history.frequency in (TRADING_DAYS, EVERY_DAY):
        return "1d"
    return next((interval for interval, frequency in _FREQUENCIES.items() if frequency == history.frequency), None)


def split_symbols(text: str) -> tuple[str, ...]:
    """The tickers in a line of text, in upper case, each once."""
    return tuple(dict.fromkeys(word.upper() for word in re.split(r"[\s,;]+", text) if word))


def _checked_symbol(ticker) -> str:
    symbol = ticker.strip().upper() if isinstance(ticker, str) else ""
    if not _SYMBOL.fullmatch(symbol):
        raise UnknownTicker(f"This is not a ticker: it needs up to 20 letters, digits and . - = ^ only. "
                            f"Received: {str(ticker)[:60]!r}. Write it as Yahoo does, e.g. AAPL, ^GSPC, BTC-USD.")
    return symbol


def _request(symbol, start, end, interval, period, adjusted) -> tuple[tuple, tuple, dict]:
    """The series and the span that name a copy on disk, and the keywords for yfinance.

    Raises ConfigError for what Yahoo does not offer.
    """
    start, end = _day("start", start), _day("end", end)
    check_range(interval, period, start, end)
    if start is None:
        period = period or "max"
    # Yahoo's `end` is exclusive.
    request = {"interval": interval, "period": period, "start": start,
               "end": None if end is None else end + pd.Timedelta(days=1), "auto_adjust": bool(adjusted),
               "actions": False, "timeout": 10}
    series = (symbol, interval, bool(adjusted))
    span = (period, start and start.isoformat(), end and end.isoformat())
    return series, span, {name: value for name, value in request.items() if value is not None}


def _day(name: str, value) -> pd.Timestamp | None:
    if value is None:
        return None
    day = as_day(value)
    if day is None:
        raise ConfigError(f"{name} must be a date, e.g. 2020-01-31. Received: {name}={value!r}.")
    return day.tz_localize(None).normalize()


def _ask_patiently(symbol, session, request, patience) -> tuple[pd.DataFrame, dict]:
    """`ask`, with retries after temporary failures for up to `patience` seconds."""
    deadline = time.monotonic() + patience
    tries = 0
    while True:
        try:
            return ask(symbol, session, **request)
        except (NoNetwork, ProviderError, RateLimited) as error:
            waits = _WAITS[type(error)]
            if tries >= len(waits) or time.monotonic() + waits[tries] > deadline:
                raise
            wait = waits[tries]
        tries += 1
        time.sleep(wait)


def _history(symbol: str, frame: pd.DataFrame, metadata: dict, interval: str, adjusted: bool) -> PriceHistory:
    """Yahoo's table as a PriceHistory: exchange-local naive dates, finite closes, finished rows only."""
    notes: list[str] = []
    frame = frame[[column for column in COLUMNS if column in frame]].astype("float64")
    frame = _finished(frame, metadata, interval, notes)
    missing = ~np.isfinite(frame["Close"].to_numpy())
    if missing.any():
        notes.append(f"{words.count_of(int(missing.sum()), 'row')} without a price left out.")
        frame = frame[~missing]
    zone = str(frame.index.tz)
    frame.index = frame.index.tz_localize(None)
    repeated = frame.index.duplicated(keep="last")
    if repeated.any():
        notes.append(f"{words.count_of(int(repeated.sum()), 'row')} with a date that comes again left out "
                     "(the clocks went back, or Yahoo repeated itself).")
        frame = frame[~repeated].sort_index()
    if frame.empty:
        raise UnknownTicker(f"Yahoo has no finished prices for this ticker and period. Received: {symbol}. "
                            "Choose a longer period.")
    if len(frame) == 1:
        raise NotEnoughData(f"Yahoo has a single finished price for this ticker and period, of "
                            f"{words.date(frame.index[0])}. Received: {symbol}. Choose a longer period or a shorter "
                            "interval.")
    if "Volume" in frame and not frame["Volume"].any():
        frame = frame.drop(columns="Volume")  # currencies and some indices have none

    currency = metadata.get("currency")
    exchange = metadata.get("fullExchangeName") or metadata.get("exchangeName")
    within_day = interval.endswith(("m", "h"))
    notes.insert(0, _adjustment(metadata.get("instrumentType"), adjusted, within_day))
    if currency in _HUNDREDTHS:
        notes.append(f"Prices are in {_HUNDREDTHS[currency]} ({currency}).")
    if within_day:
        notes.append(f"Times are those of the exchange ({zone}).")
    calendar = calendar_of(metadata)
    frequency = _FREQUENCIES.get(interval) or (EVERY_DAY if calendar == "24/7" else TRADING_DAYS)
    return PriceHistory(frame, name=symbol, source=f"Yahoo Finance ({exchange})" if exchange else "Yahoo Finance",
                        currency=currency, frequency=frequency, notes=tuple(notes), calendar=calendar)


def _adjustment(kind: str | None, adjusted: bool, within_day: bool) -> str:
    if kind in ("CRYPTOCURRENCY", "CURRENCY", "INDEX"):
        return "Prices are as quoted; there are no splits or dividends to adjust for."
    if kind == "FUTURE":
        return "Prices are of the contract nearest to its end, one after the other; steps from one to the next remain."
    if within_day:
        return "Prices are adjusted for splits, not for dividends: Yahoo has no others within a day."
    return ("Prices are adjusted for splits and dividends." if adjusted else
            "Prices are adjusted for splits, not for dividends.")


def _finished(frame: pd.DataFrame, metadata: dict, interval: str, notes: list[str]) -> pd.DataFrame:
    """`frame` without its last row if that is still being traded and so has no close yet."""
    last = frame.index[-1]
    closes = metadata.get("session_end")  # of the current or latest session
    # Sessions around the clock end at midnight, which is already the next calendar day.
    if not isinstance(closes, pd.Timestamp) or (closes - pd.Timedelta(seconds=1)).date() != last.date():
        closes = None
    if interval == "1d":
        ends = closes
    elif interval.endswith(("m", "h")):
        ends = min(filter(None, (last + pd.Timedelta(interval.replace("m", "min")), closes)))
    elif interval == "1wk":
        ends = last + pd.Timedelta(days=7 if calendar_of(metadata) == "24/7" else 5)
    else:
        ends = last + pd.DateOffset(months=int(interval.removesuffix("mo")))
    if ends is None or _now() >= ends:
        return frame
    notes.append(f"The row of {words.date(last.tz_localize(None))} was not complete yet and is left out.")
    return frame.iloc[:-1]


def _freshness(interval: str) -> int:
    """Seconds for which a copy is as good as a new answer."""
    within_day = interval.endswith(("m", "h"))
    return _FRESH_SECONDS.get(interval, _FRESH_WITHIN_DAY if within_day else _FRESH)


def _now() -> pd.Timestamp:
    return pd.Timestamp.now("UTC")


def _seconds_since(when: pd.Timestamp) -> float:
    return (_now() - when).total_seconds()


def _with_age(history: PriceHistory, fetched: pd.Timestamp) -> PriceHistory:
    note = f"This is a copy, fetched from Yahoo {words.age(_seconds_since(fetched))}."
    return replace(history, notes=(*history.notes, note))
