"""Addresses, tickers and names as nobody should write them, and what the app does with each.

Each `try_...` raises whatever is no `ForecastingError`, or an AssertionError for a refusal that cannot be shown.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, ForecastConfig, ForecastingError, PriceHistory, fetch_prices, load_sample
from forecasting.data import tickers
from forecasting.data.files.container import clean_label
from forecasting.data.samples import SAMPLES
from forecasting.data.yahoo import INTERVALS, PERIODS
from forecasting.model.config import CHOICES, FEATURES
from forecasting.runs.annotations import clean_name, clean_note, clean_tags
from forecasting.runs.export import file_name, safe_text
from forecasting.runs.ledger import RunLedger
from pages.components.text import plain
from tests.runs.laboratory import finished_run

ROOT = Path(__file__).parents[1]
PAGES = ("app.py", "pages/2_Train.py", "pages/3_Evaluate.py", "pages/4_Forecast.py", "pages/5_Tune.py", "pages/6_Runs.py")
TEXTS = (
    "", " ", "0", "-1", "null", "None", "true", "AAPL", "../../etc/passwd", "..\\..\\x", "C:\\CON", "NUL.csv", "a\0b", "\n",
    "\t=1+2", "=cmd|'/c calc'!A1", "@SUM(1)", "<script>alert(1)</script>", "<b>x</b>", "**bold**", "[a](javascript:b)",
    "$x^2$", ":smile:", "'; DROP TABLE runs; --", "%00", "%2e%2e", "&run=1", "#", "?", "😀" * 30, "\u202egnp.exe",
    "e\u0301" * 40, "日本語", "א", "\ufeff", "\ufffd", "x" * 5000, "1e999", "NaN", "Infinity", "{}", "[]", "${jndi:ldap://x}",
    "{{7*7}}", "AAPL,MSFT", "^GSPC", "BRK-B", "EURUSD=X", "A" * 21, "BTC-USD\n", "ＡＡＰＬ", "0" * 32, "f" * 31, "g" * 32,
    "F" * 32, "0" * 32 + "\n")


def text(random: Random) -> str:
    """A few of `TEXTS`, and letters from all over Unicode, joined."""
    parts = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if random.random() < 0.7:
            parts.append(random.choice(TEXTS))
        else:
            letters = (random.randrange(random.choice((0x80, 0x800, 0x110000))) for _ in range(random.randrange(12)))
            parts.append("".join(chr(letter) for letter in letters if not 0xD800 <= letter < 0xE000))
    return "".join(parts)


def half(random: Random) -> str:
    """Now and then half of a letter, which only JSON can spell."""
    return random.choice(("", "", "", "\ud800", "\udfff"))


def value(random: Random, depth: int = 0) -> object:
    """What JSON can hold, and what Python takes for JSON; text with halves of letters too."""
    numbers = (0, 1, -1, 2, 0.5, 60, 1e308, -1e-308, 10**30, 2**31, 2**63, float("nan"), float("inf"), True, False, None)
    kind = random.random()
    if kind < 0.5:
        return random.choice(numbers)
    if kind < 0.7 or depth > 3:
        return text(random) + half(random)
    if kind < 0.9:
        return [value(random, depth + 1) for _ in range(random.randrange(5))]
    return {text(random): value(random, depth + 1) for _ in range(random.randrange(3))}


def json_text(random: Random, known: dict) -> str:
    """JSON of some of the `known` fields, sometimes with a good value, and sometimes damaged."""
    said: Any = {name: random.choice(known[name]) if known[name] and random.random() < 0.5 else value(random)
                    for name in random.sample(sorted(known), random.randrange(min(5, len(known) + 1)))}
    if random.random() < 0.2:
        said[text(random) + half(random)] = value(random)
    if random.random() < 0.1:
        said = value(random)
    written = json.dumps(said)
    damage = random.random()
    if damage < 0.1:
        return written[: random.randrange(len(written) + 1)]
    if damage < 0.15:
        return "[" * random.choice((10, 100_000)) + written
    if damage < 0.17:
        return '{"window": ' + "9" * 5000 + "}"
    return written


SETTINGS = {field.name: list(CHOICES.get(field.name, ())) or [getattr(RECOMMENDED, field.name)]
            for field in dataclasses.fields(ForecastConfig)}
SETTINGS |= {"features": [list(FEATURES), ["Close"], []], "units": [[4], [1024] * 8, [1] * 9], "epochs": [1, 1000],
             "window": [2, 1000], "batch_size": [1, 8192], "validation_share": [0.5], "test_share": [0.6]}
FORECASTS = {"steps": [1, 5, 1000], "guarded": [True, False], "refit": [True, False],
             "as_of": ["2012-05-31", "1900-01-01", "9999-12-31", "0001-01-01", "2012-02-30"]}


def query(random: Random, ids: list[str]) -> dict[str, str]:
    """An address. ids: of runs and histories that exist"""
    def one_id() -> str:
        if random.random() < 0.6:
            return random.choice(ids)
        known = random.choice(ids)
        return random.choice((f"{random.getrandbits(128):032x}", known[:-1], known.upper(), text(random)))

    makers = {
        "run": one_id, "data": lambda: random.choice((*SAMPLES, one_id(), one_id())), "parent": one_id, "reference": one_id,
        "settings": lambda: json_text(random, SETTINGS), "forecast": lambda: json_text(random, FORECASTS),
        "compare": lambda: random.choice((",", ",,", "\n,")).join(one_id() for _ in range(random.choice((0, 1, 2, 3, 200)))),
        text(random): lambda: text(random)}
    names = random.sample(list(makers), random.randrange(1, 5))
    return {name: makers[name]() for name in names}


def make_runs(ledger: RunLedger) -> list[str]:
    """Ids of runs that wait, failed, finished, were deleted or belong to an experiment, and of the prices of one."""
    history = load_sample()
    failed, waiting, deleted = (ledger.create(history, RECOMMENDED) for _ in range(3))
    ledger.end(failed, "failed", "For a reason.")
    ledger.end(deleted, "stopped")
    ledger.delete(deleted)
    finished = finished_run(ledger, history, RECOMMENDED)
    experiment = ledger.start_experiment("backtest", history, RECOMMENDED, {"folds": 2}, parent=finished)
    return [failed, waiting, deleted, finished, experiment, ledger.save_history(history)]


SCRIPT = """
import streamlit as st
from forecasting import ForecastingError
from pages.components.address import restore, write_address
from pages.components.settings import follow_settings
from pages.components.state import AppState
from pages.components.text import plain
for number, query in enumerate(st.session_state.asked):
    st.session_state.now = query
    st.query_params.from_dict(query)
    state = AppState()
    try:
        restore(state)
    except ForecastingError as error:
        st.error(plain(error, limit=1500))
        st.session_state.refused += 1
    assert state.history is not None
    write_address(state)
    if number % 5:
        continue
    # What the address has become is opened again, as by a reload, and says the same.
    again = AppState()
    try:
        restore(again)
    except ForecastingError:
        pass
    assert again.config == state.config and again.history.key == state.history.key and again.run_id == state.run_id
"""


def try_addresses(queries: list[dict]) -> int:
    """Opens addresses, one after the other, as each page does before it draws. Returns how many were refused."""
    test = AppTest.from_string(SCRIPT, default_timeout=600)
    test.session_state.asked, test.session_state.refused = queries, 0
    test.run()
    assert not test.exception, (test.session_state.now, test.exception[0].stack_trace or test.exception[0].value)
    return test.session_state.refused


def try_page(page: str, asked: dict) -> bool:
    """Draws a page at an address. Returns whether something was refused."""
    test = AppTest.from_file(str(ROOT / page), default_timeout=120)
    for name, said in asked.items():
        test.query_params[name] = said
    test.run()
    assert not test.exception, (page, asked, [one.value for one in test.exception])
    return bool(test.error)


def frame_of(_, __, **request) -> tuple[pd.DataFrame, dict]:
    """What Yahoo gives for any symbol, without asking it."""
    days = pd.date_range("2020-01-01", periods=5, tz="America/New_York")
    return pd.DataFrame({"Close": [1.0, 2.0, 3.0, 2.0, 1.0]}, days), {"currency": "USD", "exchangeName": "NYSE"}


def try_ticker(random: Random, written: str) -> bool:
    """A line of tickers and a request for one of them. Returns whether something was refused. `tickers.ask` is `frame_of`."""
    assert tickers.ask is frame_of
    refused = False
    days = (*[None] * 9, "2020-01-31", "1600-01-01", "9999-12-31", "2020-02-30", written, 0, float("nan"))
    request = {"interval": random.choice((*INTERVALS, written)), "period": random.choice((None, *PERIODS, written)),
               "start": random.choice(days), "end": random.choice(days)}
    for symbol in (written, *tickers.split_symbols(written)[:2]):
        for more in ({}, request):
            try:
                history = fetch_prices(symbol, patience=0, refresh=True, **more)
                assert history.name == symbol.strip().upper()
                assert tickers.cached_prices(symbol, **more) is not None
            except ForecastingError as error:
                refused = True
                showable(error)
    return refused


def try_name(written: str) -> bool:
    """A name of a series, a file, a run, a tag or a note. Returns whether something was refused."""
    refused = False
    for clean in (clean_name, clean_note, lambda tag: clean_tags([tag])):
        try:
            cleaned = clean(written)
            assert clean(cleaned if isinstance(cleaned, str) else ",".join(cleaned)) == cleaned
            showable(cleaned)
        except ForecastingError as error:
            refused = True
            showable(error)
    label, name = clean_label(written), file_name(written, None, "run.zip")
    assert len(label) <= 60
    assert set(name).isdisjoint('/\\:*?"<>|\0')
    assert name.endswith("run.zip")
    assert len(name) < 150
    assert not safe_text(written).lstrip().startswith(("=", "+", "-", "@"))
    frame = pd.DataFrame({"Close": [1.0, 2.0, 3.0]}, pd.date_range("2020-01-01", periods=3))
    showable(PriceHistory(frame, label, "test").name)
    showable(written)
    return refused


def showable(said: object):
    """Asserts that a sentence can be sent to a browser, and is a line of Markdown without a tag in it."""
    shown = plain(said)
    shown.encode()
    assert "\n" not in shown
    assert "<" not in shown.replace("\\<", "")
