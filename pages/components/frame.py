"""The frame of every page: its title, the list of pages, the session's state and the boundary for a user's errors."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import replace

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from forecasting import (
    RECOMMENDED,
    ForecastConfig,
    ForecastingError,
    PriceHistory,
    StoreUnavailable,
    load_sample,
)
from forecasting.data.samples import SAMPLES
from forecasting.runs.files import history_key
from forecasting.words import count, date
from pages.components.jobs import run_store, start_engine
from pages.components.state import AppState, app_state
from pages.components.text import plain

__all__ = ["DEFAULT_SAMPLE", "boundary", "is_dark", "link_to", "page", "series_line"]

PAGES = {
    "Data": ("app.py", ":material/table_chart:"),
    "Train": ("pages/2_Train.py", ":material/model_training:"),
    "Evaluate": ("pages/3_Evaluate.py", ":material/fact_check:"),
    "Forecast": ("pages/4_Forecast.py", ":material/timeline:"),
    "Runs": ("pages/6_Runs.py", ":material/history:"),
}
DEFAULT_SAMPLE = "AAPL"
SIDEBAR_WIDTH = 376  # the three presets fit into one row
_HEX_ID = re.compile(r"[0-9a-f]{32}")


@contextmanager
def page(title: str, purpose: str):
    """Opens a page and yields the session's `AppState`; an error that a user can mend is shown where the work stopped.

    Every page runs on its own (a deep link may be the first request of the server's life), so each opens with this.
    """
    st.set_page_config(page_title=f"{title} · LSTM price forecasts", page_icon=":material/show_chart:", layout="wide",
                       initial_sidebar_state=SIDEBAR_WIDTH)
    state = app_state()
    with st.sidebar:
        links = st.container()
    st.title(title)
    st.markdown(purpose)
    # In a block of its own: a sentence that comes or goes moves nothing below it.
    said = st.container()
    try:
        with said, boundary():
            _restore(state)
        with links:
            for label in PAGES:
                link_to(label, state)
        for sentence in state.failures:
            said.error(plain(sentence, limit=1500), icon=":material/error:")
        state.failures.clear()
        if state.history is None:
            said.button("Try again", icon=":material/refresh:")
            st.stop()
        # Before anything is drawn, so that a reload in the middle of it loses nothing.
        _write_address(state)
        with boundary():
            yield state
    finally:
        _write_address(state)
        # Last, so that the workers' start does not compete with the first paint.
        start_engine()


def link_to(label: str, state: AppState, text: str | None = None):
    """A link to another page that keeps data, run and settings."""
    path, icon = PAGES[label]
    try:
        st.page_link(path, label=text or label, icon=icon, query_params=_address(state) or None, width="stretch")
    except StreamlitPageNotFoundError:
        # A page that was started alone, without app.py, has no others beside it.
        st.caption(text or label)


@contextmanager
def boundary():
    """Shows a `ForecastingError` where the result would have stood; any other exception goes on to the log."""
    try:
        yield
    except ForecastingError as error:
        st.error(plain(error, limit=1500), icon=":material/error:")


def series_line(history: PriceHistory):
    """One quiet line: which prices these are."""
    last = f"last {date(history.dates[-1])}" if len(history) else "empty"
    parts = [history.name, history.source, last, f"{count(len(history))} rows", history.frequency, history.currency]
    st.caption(" · ".join(plain(part, limit=120) for part in parts if part))


def is_dark() -> bool:
    """Whether this browser shows the dark theme."""
    return st.context.theme.type == "dark"


def _restore(state: AppState):
    """Brings back what the page's address names, after a reload or in another browser.

    Once for each session: from then on the address follows the state. Where the store cannot be read just now, the state
    is left without a history, to be brought back by the next try.
    """
    if state.history is not None:
        return
    query = st.query_params
    try:
        _restore_run_and_data(state, query.get("run"), query.get("data"))
        if settings := query.get("settings"):
            state.config = _read_settings(settings)
    except StoreUnavailable:
        state.history = state.run_id = None
        raise
    except ForecastingError:
        if state.history is None:
            state.use_history(load_sample(DEFAULT_SAMPLE))
        raise
    finally:
        # A mistake of the leak lab is made there, knowingly; no address switches it on unseen.
        state.config = replace(state.config, leak=None)


def _restore_run_and_data(state: AppState, run_id: str | None, data: str | None):
    if run_id:
        _require_id(run_id, "run")
        run = run_store().get(run_id)
        state.use_history(run_store().history(run_id))
        state.config, state.run_id = run.config, run_id
    if data and (state.history is None or data != _data_id(state)):
        if data in SAMPLES:
            state.use_history(load_sample(data))
        else:
            _require_id(data, "data")
            state.use_history(run_store().load_history(data))
    if state.history is None:
        state.use_history(load_sample(DEFAULT_SAMPLE))


def _require_id(text: str, what: str):
    if not _HEX_ID.fullmatch(text):
        raise ForecastingError(f"The address names a {what} that cannot exist. Received: {what}={text[:60]}. "
                               "Check the link, or go on with the sample.")


def _read_settings(text: str) -> ForecastConfig:
    try:
        changed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ForecastingError(f"The settings in the address are damaged: {error}. "
                               "They were left out; the recommended ones are shown.") from error
    return ForecastConfig.from_dict({**RECOMMENDED.to_dict(), **changed} if isinstance(changed, dict) else changed)


def _data_id(state: AppState) -> str:
    return state.sample or history_key(state.history)


def _address(state: AppState) -> dict[str, str]:
    """What a page's address says: the data, the run that is shown, and the settings that differ from the recommended."""
    if state.history is None:
        return st.query_params.to_dict()
    address = {"data": _data_id(state)}
    if state.run_id:
        address["run"] = state.run_id
    ours, usual = state.config.to_dict(), RECOMMENDED.to_dict()
    if changed := {name: value for name, value in ours.items() if value != usual[name]}:
        address["settings"] = json.dumps(changed, separators=(",", ":"))
    return address


def _write_address(state: AppState):
    address = _address(state)
    if dict(st.query_params) != address:
        st.query_params.from_dict(address)
