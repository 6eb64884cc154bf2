"""What Yahoo Finance offers, a single request to it through yfinance, and what its answer means."""

from __future__ import annotations

import logging
import re
import string
import threading

import pandas as pd

from forecasting import words
from forecasting.deprecations import ignore_deprecations_in
from forecasting.errors import ConfigError, NoNetwork, ProviderError, RateLimited, StoreUnavailable, UnknownTicker
from forecasting.paths import home

__all__ = ["INTERVALS", "PERIODS", "ask", "calendar_of", "check_range", "periods_for"]

INTERVALS = {"1d": "Daily", "1wk": "Weekly", "1mo": "Monthly", "3mo": "Quarterly", "1h": "Hourly", "90m": "90 minutes",
             "30m": "30 minutes", "15m": "15 minutes", "5m": "5 minutes", "2m": "2 minutes", "1m": "1 minute"}
PERIODS = {"5d": "5 days", "1mo": "1 month", "3mo": "3 months", "6mo": "6 months", "ytd": "This year", "1y": "1 year",
           "2y": "2 years", "5y": "5 years", "10y": "10 years", "max": "All there is"}

# Yahoo's own rules: how many days back each interval within a day reaches, and how long one answer may be.
_REACH_DAYS = {"1h": 730, "90m": 60, "30m": 60, "15m": 60, "5m": 60, "2m": 60, "1m": 30}
_LONGEST_DAYS = {"1m": 8}
_DAYS_OF = {"d": 1, "wk": 7, "mo": 30, "y": 365}

# Yahoo's exchange codes and the `exchange_calendars` whose trading days they keep.
_CALENDARS = {
    "XNYS": "NMS NGM NCM NAS NIM NYQ ASE PCX BTS YHD PNK OQB OQX OEM OBB SNP DJI NYS CXI CGI WCB",
    "CMES": "CME CBT NYM CMX NYB",
    "XTSE": "TOR VAN NEO CNQ", "BVMF": "SAO", "XMEX": "MEX", "XBUE": "BUE", "XSGO": "SGO",
    "XLON": "LSE IOB FGI", "XETR": "GER", "XFRA": "FRA STU BER MUN DUS HAM HAN",
    "XPAR": "PAR", "XAMS": "AMS", "XBRU": "BRU", "XMIL": "MIL", "XMAD": "MCE", "XLIS": "LIS", "XDUB": "ISE",
    "XSWX": "EBS", "XWBO": "VIE", "XSTO": "STO", "XCSE": "CPH", "XOSL": "OSL", "XHEL": "HEL", "XICE": "ICE",
    "XTAL": "TAL", "XRIS": "RIS", "XLIT": "LIT", "ASEX": "ATH", "XBSE": "BVB", "XMOS": "MCX", "XTAE": "TLV", "XKAR": "KAR",
    "XPHS": "PHP PHS", "XBOG": "BVC",
    "XWAR": "WSE", "XPRA": "PRA", "XBUD": "BUD", "XIST": "IST", "XSAU": "SAU", "XJSE": "JNB",
    "XTKS": "JPX OSA", "XHKG": "HKG", "XSHG": "SHH SHZ", "XTAI": "TAI TWO", "XKRX": "KSC KOE", "XSES": "SES",
    "XKLS": "KLS", "XIDX": "JKT", "XBKK": "SET", "XBOM": "NSI BSE", "XASX": "ASX", "XNZE": "NZE",
    "24/5": "CCY", "24/7": "CCC",
}
_CALENDAR_OF = {exchange: code for code, exchanges in _CALENDARS.items() for exchange in exchanges.split()}
_CALENDAR_OF_ZONE = {
    "America/New_York": "XNYS", "America/Chicago": "XNYS", "America/Santiago": "XSGO",
    "America/Buenos_Aires": "XBUE", "America/Argentina/Buenos_Aires": "XBUE",
    "America/Toronto": "XTSE", "America/Sao_Paulo": "BVMF", "America/Mexico_City": "XMEX",
    "Europe/London": "XLON", "Europe/Berlin": "XETR", "Europe/Paris": "XPAR", "Europe/Amsterdam": "XAMS",
    "Europe/Brussels": "XBRU", "Europe/Rome": "XMIL", "Europe/Madrid": "XMAD", "Europe/Lisbon": "XLIS",
    "Europe/Dublin": "XDUB", "Europe/Zurich": "XSWX", "Europe/Vienna": "XWBO", "Europe/Stockholm": "XSTO",
    "Europe/Copenhagen": "XCSE", "Europe/Oslo": "XOSL", "Europe/Helsinki": "XHEL", "Europe/Warsaw": "XWAR",
    "Europe/Tallinn": "XTAL", "Europe/Riga": "XRIS", "Europe/Vilnius": "XLIT", "Europe/Athens": "ASEX",
    "Europe/Bucharest": "XBSE", "Europe/Moscow": "XMOS", "Europe/Prague": "XPRA", "Europe/Budapest": "XBUD",
    "Asia/Jerusalem": "XTAE", "Asia/Tel_Aviv": "XTAE", "Asia/Karachi": "XKAR", "Asia/Manila": "XPHS",
    "America/Bogota": "XBOG", "America/Lima": "XLIM",
    "Europe/Istanbul": "XIST", "Asia/Riyadh": "XSAU", "Africa/Johannesburg": "XJSE", "Asia/Tokyo": "XTKS",
    "Asia/Hong_Kong": "XHKG", "Asia/Shanghai": "XSHG", "Asia/Taipei": "XTAI", "Asia/Seoul": "XKRX",
    "Asia/Singapore": "XSES", "Asia/Kolkata": "XBOM", "Australia/Sydney": "XASX", "Pacific/Auckland": "XNZE",
}

_METADATA = ("currency", "exchangeName", "fullExchangeName", "exchangeTimezoneName", "instrumentType")

_setting_up = threading.Lock()
log = logging.getLogger(__name__)


def periods_for(interval: str) -> tuple[str, ...]:
    """The periods that Yahoo keeps prices of this interval for, shortest first; 'max' is as far as it goes."""
    longest = _LONGEST_DAYS.get(interval, _REACH_DAYS.get(interval))
    return tuple(period for period in PERIODS
                 if longest is None or period == "max" or (period != "ytd" and _days_of(period) <= longest))


def check_range(interval: str, period: str | None, start: pd.Timestamp | None, end: pd.Timestamp | None):
    """Raises ConfigError, with the reason, for what Yahoo does not offer; Yahoo itself would only say that there is no data."""
    if interval not in INTERVALS:
        raise ConfigError(f"Yahoo has no prices at this interval. Received: interval={interval!r}. "
                          f"Choose one of: {', '.join(INTERVALS)}.")
    if period and (start is not None or end is not None):
        raise ConfigError("Give either a period or a first and last day. Received: "
                          f"period={period!r}, start={start}, end={end}.")
    if period and period not in ("ytd", "max") and not re.fullmatch(r"[1-9]\d{0,3}(d|wk|mo|y)", period):
        raise ConfigError(f"A period is a number of days, weeks, months or years. Received: period={period!r}. "
                          f"Choose one of: {', '.join(PERIODS)}.")
    now = pd.Timestamp.now()
    if start is not None and start > now:
        raise ConfigError(f"There are no prices of the future. Received: a first day of {words.date(start)}.")
    if start is not None and end is not None and end < start:
        raise ConfigError("The last day lies before the first one. "
                          f"Received: {words.date(start)} to {words.date(end)}. Swap them.")
    if interval not in _REACH_DAYS:
        return
    reach = _REACH_DAYS[interval]
    longest = _LONGEST_DAYS.get(interval, reach)
    advice = "Choose a shorter period or a longer interval."
    name = INTERVALS[interval].lower()
    oldest = start if start is not None else end
    if oldest is not None and (now - oldest).days > reach:
        raise ConfigError(f"Yahoo keeps prices at this interval ({name}) for the last {reach} days only. "
                          f"Received: {words.date(oldest)}. {advice}")
    asked = None
    if period == "ytd":
        asked = now.dayofyear
    elif period and period != "max":
        asked = _days_of(period)
    elif start is not None:
        asked = (min(end, now) - start).days if end is not None else (now - start).days
    if asked is not None and asked > longest:
        raise ConfigError(f"Yahoo gives prices at this interval ({name}) for {longest} days at most. "
                          f"Received: {asked} days. {advice}")


def _days_of(period: str) -> int:
    number = period.rstrip(string.ascii_letters)
    return int(number) * _DAYS_OF[period.removeprefix(number)]


def calendar_of(metadata: dict) -> str | None:
    """The calendar of the exchange that Yahoo names or, failing that, of its time zone; None if neither is known."""
    kind = {"CRYPTOCURRENCY": "24/7", "CURRENCY": "24/5"}.get(metadata.get("instrumentType", ""))
    return (kind or _CALENDAR_OF.get(metadata.get("exchangeName", ""))
            or _CALENDAR_OF_ZONE.get(metadata.get("exchangeTimezoneName", "")))


def ask(symbol: str, session=None, **request) -> tuple[pd.DataFrame, dict]:
    """Yahoo's prices for `symbol` and its metadata, in a single attempt.

    request: the keywords of `yfinance.Ticker.history`
    session: a `curl_cffi.requests.Session` to ask through instead of yfinance's own
    returns: a table with time-zone-aware dates, as yfinance makes it, and of the metadata the currency, exchangeName,
        fullExchangeName, exchangeTimezoneName, instrumentType and the session_end (of the current or latest session)
    Raises UnknownTicker, NoNetwork, RateLimited or ProviderError, each with a sentence that says what to do.
    """
    yfinance = _set_up()
    # Imported late, like yfinance: together they take a second, and a page that shows a sample needs neither.
    from curl_cffi.requests.exceptions import HTTPError
    from yfinance.data import YfData
    from yfinance.exceptions import YFException, YFRateLimitError, YFTickerMissingError

    # yfinance caches bad answers too, so without this a retry would make no request.
    YfData.cache_get.cache_clear()
    try:
        ticker = yfinance.Ticker(symbol, session=session)
        frame = ticker.history(**request)
        said = ticker.get_history_metadata()
        # Read one by one, because accessing 'tradingPeriods' would make another request.
        metadata = {name: said.get(name) for name in _METADATA}
        metadata["session_end"] = said.get("currentTradingPeriod", {}).get("regular", {}).get("end")
    except YFRateLimitError as error:
        raise _rate_limited(symbol) from error
    except YFTickerMissingError as error:
        raise _unknown(symbol, getattr(error, "yahoo_reason", None)) from error
    except HTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status == 404:
            raise _unknown(symbol) from error
        if status == 429:
            raise _rate_limited(symbol) from error
        raise _bad_answer(symbol, f"HTTP status {status}") from error
    except OSError as error:
        raise NoNetwork(f"Yahoo could not be reached. Asked for: {symbol}. Check the connection and try again, "
                        "or go on with a sample or a file.") from error
    except (YFException, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise _bad_answer(symbol, "unreadable" if isinstance(error, ValueError) else "incomplete") from error
    if frame.empty:
        raise _unknown(symbol)
    return frame, metadata


def _set_up():
    """yfinance, imported on first use and set up to raise its errors and to keep its cache in our folder."""
    with _setting_up:
        import yfinance

        if yfinance.config.debug.hide_exceptions:
            yfinance.config.debug.hide_exceptions = False
            # Its errors reach the user as ours.
            logging.getLogger("yfinance").setLevel(logging.CRITICAL)
            try:
                folder = home() / "yahoo"
                folder.mkdir(mode=0o700, exist_ok=True)
                yfinance.set_tz_cache_location(str(folder))
            except (OSError, StoreUnavailable) as error:
                log.warning("yfinance keeps its own cache elsewhere: %s", error)
    ignore_deprecations_in("yfinance")
    return yfinance


def _unknown(symbol: str, reason: str | None = None) -> UnknownTicker:
    said = f" Yahoo says: {reason.strip().rstrip('.')}." if reason else ""
    return UnknownTicker(f"Yahoo has no prices for this ticker and period. Received: {symbol}.{said} Check how Yahoo "
                         "writes it (AAPL, ^GSPC, BTC-USD, EURUSD=X, VOD.L) or choose another period.")


def _rate_limited(symbol: str) -> RateLimited:
    return RateLimited("Yahoo has had too many requests from this address and asks for a pause. "
                       f"Asked for: {symbol}. Try again in some minutes, or go on with a sample or a file.")


def _bad_answer(symbol: str, what: str) -> ProviderError:
    return ProviderError(f"Yahoo answered with something that is not prices ({what}). Asked for: {symbol}. "
                         "Try again later, or go on with a sample or a file.")
