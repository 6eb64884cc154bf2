"""A stand-in for Yahoo Finance on this machine, which the real yfinance client talks to without knowing.

    with YahooStandIn() as yahoo:
        fetch_prices("AAPL", session=yahoo.session())          # in this process
        subprocess.Popen(command, env=os.environ | yahoo.environment())    # another one: a proxy with its own CA
        yahoo.fail("rate_limit")                                # from now on; `yahoo.fail(None)` ends it

It knows the symbols in `LISTINGS`; anything else is unknown to it. A price depends on the symbol and the hour alone, so
that every question about the same days gets the same answer.
"""

from __future__ import annotations

import json
import math
import ssl
import threading
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import trustme
from curl_cffi import requests

__all__ = ["FAILURES", "LISTINGS", "YahooStandIn"]

FAILURES = ("unknown", "rate_limit", "error", "garbage", "empty", "silence", "hang_up")


@dataclass(frozen=True)
class Listing:
    """What Yahoo says of a symbol, and how its prices run.

    opens, closes: hours of the local day; around the clock, to 23:59, where `opens` is None
    days: weekdays with trading, Monday is 0
    price: about where it trades
    """

    currency: str
    exchange: str
    full_exchange: str
    kind: str
    zone: str
    price: float
    opens: float | None = None
    closes: float = 24
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    volume: float = 1e6
    first: str = "2000-01-03"


LISTINGS = {
    "AAPL": Listing("USD", "NMS", "NasdaqGS", "EQUITY", "America/New_York", 150, 9.5, 16),
    "MSFT": Listing("USD", "NMS", "NasdaqGS", "EQUITY", "America/New_York", 300, 9.5, 16),
    "^GSPC": Listing("USD", "SNP", "SNP", "INDEX", "America/New_York", 4000, 9.5, 16),
    "ES=F": Listing("USD", "CME", "CME", "FUTURE", "America/New_York", 4000),
    "BTC-USD": Listing("USD", "CCC", "CCC", "CRYPTOCURRENCY", "UTC", 30000, days=tuple(range(7)), first="2014-09-17"),
    "EURUSD=X": Listing("USD", "CCY", "CCY", "CURRENCY", "Europe/London", 1.1, volume=0),
    "VOD.L": Listing("GBp", "LSE", "LSE", "EQUITY", "Europe/London", 70, 8, 16.5),
    "7203.T": Listing("JPY", "JPX", "Tokyo", "EQUITY", "Asia/Tokyo", 2500, 9, 15.5),
}

_STEPS = {"1m": 60, "2m": 120, "5m": 300, "15m": 900, "30m": 1800, "60m": 3600, "90m": 5400, "1h": 3600}
_RANGES = {"1d": 1, "5d": 5, "1mo": 31, "3mo": 92, "6mo": 184, "1y": 366, "2y": 731, "5y": 1827, "10y": 3653}
_REACH = {"1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "90m": 60, "60m": 730, "1h": 730}
_HOSTS = ("query1.finance.yahoo.com", "query2.finance.yahoo.com", "fc.yahoo.com", "guce.yahoo.com",
          "consent.yahoo.com", "finance.yahoo.com")


class YahooStandIn:
    """The server, for the length of a `with`.

    asked: the symbols of all price questions so far, in order
    now: what it takes for the present, UTC; the real one unless given
    """

    def __init__(self, now: datetime | None = None):
        self.now = now
        self.asked: list[str] = []
        self._failures: dict[str | None, str] = {}
        self._failures_left: int | None = None
        self._closing = threading.Event()

    def __enter__(self):
        self._folder = TemporaryDirectory()
        authority = trustme.CA()
        self.certificate = Path(self._folder.name) / "authority.pem"
        authority.cert_pem.write_to_path(str(self.certificate))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*_HOSTS).configure_cert(self._tls)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.yahoo = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._folder.cleanup()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def session(self) -> requests.Session:
        """A session for `fetch_prices` that takes every question here instead."""
        return _Redirected(self.address)

    def environment(self) -> dict[str, str]:
        """What to add to another process's environment so that its yfinance comes here.

        The process goes through a proxy, which this server is too, and trusts the certificates that it makes.
        """
        pem = str(self.certificate)
        return {"HTTPS_PROXY": self.address, "https_proxy": self.address, "NO_PROXY": "", "no_proxy": "",
                "SSL_CERT_FILE": pem, "CURL_CA_BUNDLE": pem, "REQUESTS_CA_BUNDLE": pem,
                "XDG_CACHE_HOME": str(Path(self._folder.name) / "cache")}

    def fail(self, how: str | None, symbol: str | None = None, times: int | None = None):
        """From now on fails this way, for one symbol or for all; None ends it.

        times: for so many price questions only
        """
        if how is not None and how not in FAILURES:
            raise ValueError(f"how must be one of {FAILURES}. Received: {how!r}.")
        self._failures_left = times
        if how is None:
            self._failures.pop(symbol, None)
        else:
            self._failures[symbol] = how

    def failure_for(self, symbol: str) -> str | None:
        how = self._failures.get(symbol) or self._failures.get(None)
        if how and self._failures_left is not None:
            if self._failures_left == 0:
                return None
            self._failures_left -= 1
        return how

    def wait_in_silence(self):
        self._closing.wait()

    def chart(self, symbol: str, query: dict[str, str]) -> tuple[int, dict]:
        """Yahoo's answer to /v8/finance/chart/SYMBOL: the HTTP status and the JSON."""
        listing = LISTINGS.get(symbol)
        if listing is None:
            return 404, _error("Not Found", "No data found, symbol may be delisted")
        now = self.now or datetime.now(UTC)
        interval = query.get("interval", "1d")
        start, end = _span(listing, query, now)
        if interval in _REACH and now - start > timedelta(days=_REACH[interval] + 1):
            return 422, _error("Unprocessable Entity", f"{interval} data not available for startTime="
                               f"{start.timestamp():.0f}. The requested range must be within the last "
                               f"{_REACH[interval]} days.")
        stamps = [stamp for stamp in _stamps(listing, interval, start, end) if stamp <= now]
        return 200, {"chart": {"result": [_result(symbol, listing, interval, stamps, now)], "error": None}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """Clients that give up are part of what is tested."""


class _Redirected(requests.Session):
    """A curl_cffi session whose every request goes to `address`, with the host it was meant for in a header."""

    def __init__(self, address: str):
        super().__init__()
        self._address = address

    def request(self, method, url, *arguments, **keywords):
        parts = urlsplit(url)
        ours = self._address + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().request(method, ours, *arguments, **keywords)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_CONNECT(self):
        """A proxy's part: from here on this connection speaks TLS, as the host that was asked for."""
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.request = self.server.yahoo._tls.wrap_socket(self.connection, server_side=True)
        self.setup()
        self.close_connection = False

    def finish(self):
        super().finish()
        self.connection.close()  # TLS took the socket over from the server, which would have closed it

    def do_GET(self):
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if not parts.path.startswith("/v8/finance/chart/"):
            self._answer_aside(parts.path)
            return
        symbol = unquote(parts.path.rsplit("/", 1)[1])
        yahoo = self.server.yahoo
        yahoo.asked.append(symbol)
        how = yahoo.failure_for(symbol)
        if how == "silence":
            yahoo.wait_in_silence()
            self.close_connection = True
        elif how == "hang_up":
            self.close_connection = True
        elif how == "rate_limit":
            self._answer(429, b"Too Many Requests\r\n", "text/plain")
        elif how == "error":
            self._answer(500, b"<html>Internal Server Error</html>", "text/html")
        elif how == "garbage":
            self._answer(200, b"<html><body>Something else</body></html>", "text/html")
        elif how == "empty":
            self._answer_json(200, {"chart": {"result": None, "error": None}})
        elif how == "unknown":
            self._answer_json(404, _error("Not Found", "No data found, symbol may be delisted"))
        else:
            self._answer_json(*yahoo.chart(symbol, query))

    do_POST = do_GET

    def _answer_aside(self, path: str):
        """The questions that yfinance asks beside prices: a cookie, a crumb, and a summary of unknown symbols."""
        if path == "/v1/test/getcrumb":
            self._answer(200, b"crumb", "text/plain")
        elif path in ("", "/"):
            self._answer(404, b"", "text/plain")
        else:
            self._answer_json(404, {"finance": {"result": None, "error": {"code": "Not Found", "description": "none"}}})

    def _answer_json(self, status: int, value: dict):
        self._answer(status, json.dumps(value).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


def _error(code: str, description: str) -> dict:
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def _span(listing: Listing, query: dict[str, str], now: datetime) -> tuple[datetime, datetime]:
    first = datetime.fromisoformat(listing.first).replace(tzinfo=UTC)
    if "period1" in query:
        start = datetime.fromtimestamp(max(int(query["period1"]), first.timestamp()), UTC)
        return start, datetime.fromtimestamp(int(query["period2"]), UTC)
    asked = query.get("range", "1mo")
    if asked == "ytd":
        return datetime(now.year, 1, 1, tzinfo=UTC), now
    if asked == "max":
        return first, now
    return now - timedelta(days=_RANGES.get(asked, 31)), now


def _stamps(listing: Listing, interval: str, start: datetime, end: datetime):
    """The moments, UTC, at which bars of this interval begin: sessions, weeks, months, or steps within sessions."""
    zone = ZoneInfo(listing.zone)
    day = start.astimezone(zone).date()
    last_day = end.astimezone(zone).date()
    while day <= last_day:
        opens, closes = _session(listing, day, zone)
        wanted = {"1wk": day.weekday() == 0, "1mo": day.day == 1, "3mo": day.day == 1 and day.month % 3 == 1}
        if interval in _STEPS and day.weekday() in listing.days:
            moment = opens
            while moment < closes:
                if start <= moment < end:
                    yield moment
                moment += timedelta(seconds=_STEPS[interval])
        elif interval == "1d" and day.weekday() in listing.days and (day.month, day.day) not in ((1, 1), (12, 25)):
            if start <= opens < end:
                yield opens
        elif wanted.get(interval) and start <= (midnight := datetime(*day.timetuple()[:3], tzinfo=zone)) < end:
            yield midnight.astimezone(UTC)
        day += timedelta(days=1)


def _session(listing: Listing, day, zone: ZoneInfo) -> tuple[datetime, datetime]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    opens = midnight + timedelta(hours=listing.opens or 0)
    closes = midnight + (timedelta(hours=listing.closes) if listing.opens is not None else timedelta(hours=23, minutes=59))
    return opens.astimezone(UTC), closes.astimezone(UTC)


@lru_cache(maxsize=200_000)
def _price(symbol: str, hour: int) -> float:
    """A smooth and a rough part of the symbol and the hour since 1970, the same in every process."""
    rough = zlib.crc32(f"{symbol} {hour}".encode()) / 2**32 - 0.5
    return LISTINGS[symbol].price * math.exp(0.3 * math.sin(hour / 9000) + 0.1 * math.sin(hour / 701) + 0.03 * rough)


def _result(symbol: str, listing: Listing, interval: str, stamps: list[datetime], now: datetime) -> dict:
    seconds = [int(stamp.timestamp()) for stamp in stamps]
    close = [round(_price(symbol, moment // 3600) * (1 + 1e-5 * (moment // 60 % 60)), 6) for moment in seconds]
    open_ = [close[0], *close[:-1]] if close else []
    pairs = list(zip(open_, close, strict=True))
    quote = {"open": open_, "close": close, "high": [round(1.01 * max(pair), 6) for pair in pairs],
             "low": [round(0.99 * min(pair), 6) for pair in pairs], "volume": [int(listing.volume)] * len(close)}
    # Dividends of 2 % in all, paid since: the older the price, the further the adjusted one lies below it.
    steps = max(1, len(close) - 1)
    indicators = {"quote": [quote]}
    if interval not in _STEPS:
        adjusted = [round(value * (0.98 + 0.02 * row / steps), 6) for row, value in enumerate(close)]
        indicators["adjclose"] = [{"adjclose": adjusted if listing.kind == "EQUITY" else close}]
    zone = ZoneInfo(listing.zone)
    today = now.astimezone(zone).date()
    while today.weekday() not in listing.days:
        today += timedelta(days=1)
    first = datetime.fromisoformat(listing.first).replace(tzinfo=UTC)
    meta = {"currency": listing.currency, "symbol": symbol, "exchangeName": listing.exchange,
            "fullExchangeName": listing.full_exchange, "instrumentType": listing.kind,
            "firstTradeDate": int(first.timestamp()),
            "regularMarketTime": seconds[-1] if seconds else int(now.timestamp()), "gmtoffset": 0, "timezone": "UTC",
            "exchangeTimezoneName": listing.zone, "regularMarketPrice": close[-1] if close else None, "priceHint": 2,
            "currentTradingPeriod": {"regular": _period(listing, today, zone)}, "dataGranularity": interval,
            "range": "", "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]}
    if interval in _STEPS:
        days = sorted({stamp.astimezone(zone).date() for stamp in stamps})
        meta["tradingPeriods"] = [[_period(listing, day, zone)] for day in days]
    return {"meta": meta, "timestamp": seconds, "indicators": indicators}


def _period(listing: Listing, day, zone: ZoneInfo) -> dict:
    opens, closes = _session(listing, day, zone)
    return {"timezone": "UTC", "start": int(opens.timestamp()), "end": int(closes.timestamp()), "gmtoffset": 0}
