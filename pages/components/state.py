"""What one browser session has in hand: a single typed object under a single key."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from forecasting import RECOMMENDED, ForecastConfig, NeedsChoice, PriceHistory, load_sample
from forecasting.data.samples import SAMPLES
from forecasting.runs.files import history_key

if TYPE_CHECKING:  # importing it would bring in yfinance, which most visits do not need
    from forecasting.data.tickers import FetchJob

__all__ = ["AppState", "Upload", "app_state"]

KEY = "forecasting"


@dataclass
class Upload:
    """A file as it was uploaded, and the answers given about it so far."""

    name: str
    content: bytes
    choices: dict = field(default_factory=dict)


@dataclass
class AppState:
    """history: the prices in hand, or None before the first page has opened; sample: its name where it is a sample
    config: the settings in hand; drawn: those that the sidebar's widgets last showed
    run_id: the run that is shown; earlier_id: the one before it, shown while it is at work
    owner: names this session in the queue, so that runs are taken by turns
    upload, question, upload_error: the last file, what is still to be asked about it, why it could not be read
    fetch: a fetch under way; fetched: the tickers fetched in this session
    """

    history: PriceHistory | None = None
    sample: str | None = None
    config: ForecastConfig = RECOMMENDED
    drawn: ForecastConfig | None = None
    run_id: str | None = None
    earlier_id: str | None = None
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    upload: Upload | None = None
    question: NeedsChoice | None = None
    upload_error: str | None = None
    fetch: FetchJob | None = None
    fetched: dict[str, PriceHistory] = field(default_factory=dict)

    def use_history(self, history: PriceHistory):
        """Takes other prices in hand; settings and the run that is shown stay."""
        self.history, self.sample = history, _samples().get(history_key(history))


@cache
def _samples() -> dict[str, str]:
    """{key of its history: name} of every sample, so that a run on one of them is known to be."""
    return {history_key(load_sample(name)): name for name in SAMPLES}


def app_state() -> AppState:
    """The session's state, made when it is first asked for."""
    if KEY not in st.session_state:
        st.session_state[KEY] = AppState()
    return st.session_state[KEY]
