"""What a page's address says: the data, the run and the settings, so that a reload or a link brings them back."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import streamlit as st

from forecasting import (
    RECOMMENDED,
    ForecastConfig,
    ForecastingError,
    InTrash,
    PriceHistory,
    StoreUnavailable,
)
from forecasting.data.samples import DEFAULT_SAMPLE
from forecasting.data.sources import address_of, reopen
from forecasting.words import count
from pages.components.forecast_view import read_view
from pages.components.inside.view import read_inside
from pages.components.order import take_unseen_order
from pages.components.settings import use_settings
from pages.components.state import AppState
from pages.components.store import run_store

__all__ = ["restore", "to_query", "write_address"]

MOST_COMPARED = 100  # ids that an address may name
MOST_SERIES = 200  # of the basket, which an address may name: more than one experiment takes
LONGEST = 10_000  # characters of each thing that an address says: longer than any that the app writes
_HEX_ID = re.compile(r"[0-9a-f]{32}")


def restore(state: AppState):
    """Brings back what the page's address names, after a reload or in another browser.

    Runs once a session; after that the address follows the state. If the store cannot be read right now, the state is left
    without a history, so that the next drawing tries again.
    """
    if state.history is not None:
        return
    query, found, long = st.query_params, AppState(), _too_long()
    if long:
        found.use_history(_reopen(DEFAULT_SAMPLE))
        _take(state, found)
        raise ForecastingError(f"This address is too long: what it says about {long} is more than {count(LONGEST)} characters, "
                               "and the app writes no such address. It is ignored. Check the link, or go on with the sample.")
    found.forecast, found.forecast_problem = read_view(query.get("forecast"))
    found.inside, found.inside_problem = read_inside(query.get("inside"))
    found.compare = tuple(filter(None, query.get("compare", "").split(",")))[:MOST_COMPARED]
    found.reference = query.get("reference")
    parent = query.get("parent", "")
    found.parent_id = parent if _HEX_ID.fullmatch(parent) else None
    if take_unseen_order(state, query.get("run")):
        found.use_history(state.order.history)
        found.config, found.run_id = state.order.config, query.get("run")
        _take(state, found)
        return
    try:
        _restore_run_and_data(found, query.get("run"), query.get("data"))
        if settings := query.get("settings"):
            found.config = _read_settings(settings)
        for key in filter(None, query.get("basket", "").split(",")[:MOST_SERIES]):
            _require_id(key, "series")
            found.basket[key] = run_store().load_history(key)
        if asked := query.get("asked"):
            from pages.components.opening import ask_again_about

            _require_id(asked, "upload")
            ask_again_about(found, asked)
    except StoreUnavailable:
        raise
    except ForecastingError:
        if found.history is None:
            found.use_history(_reopen(DEFAULT_SAMPLE))
        _take(state, found)
        raise
    _take(state, found)


def _take(state: AppState, found: AppState):
    """Applies everything at once: a click may interrupt a drawing anywhere, and must not leave the state half restored."""
    # Leak-lab mistakes are switched on in the leak lab only, never by an address.
    use_settings(state, replace(found.config, leak=None))
    state.forecast, state.forecast_problem = found.forecast, found.forecast_problem
    state.inside, state.inside_problem = found.inside, found.inside_problem
    state.compare, state.reference = found.compare, found.reference
    state.basket, state.requests = found.basket, found.requests
    state.given, state.waiting_for = found.given, found.waiting_for
    state.parent_id, state.trashed_id = found.parent_id, found.trashed_id
    state.run_id, state.history = found.run_id, found.history


def _restore_run_and_data(found: AppState, run_id: str | None, data: str | None):
    if run_id:
        _require_id(run_id, "run")
        try:
            run = run_store().get(run_id)
        except InTrash:
            found.trashed_id = run_id  # the page says so, and how to restore it
        else:
            found.use_history(run_store().history(run_id))
            found.config, found.run_id = run.config, run_id
    if data and (found.history is None or data != address_of(found.history)):
        history = _reopen(data)
        if history is None:
            _require_id(data, "data")
            history = run_store().load_history(data)
        found.use_history(history)
    if found.history is None:
        found.use_history(_reopen(DEFAULT_SAMPLE))


@st.cache_resource(show_spinner=False, max_entries=8)
def _reopen(address: str) -> PriceHistory | None:
    """`reopen`, shared by all sessions with what the history has worked out about itself."""
    return reopen(address)


def _too_long() -> str | None:
    """What the address says too much about, or None."""
    return next((name[:60] for name, said in st.query_params.items() if len(said) > LONGEST or len(name) > LONGEST), None)


def _require_id(text: str, what: str):
    if not _HEX_ID.fullmatch(text):
        raise ForecastingError(f"The address names a {what} that cannot exist. Received: {what}={text[:60]}. "
                               "Check the link, or go on with the sample.")


def _read_settings(text: str) -> ForecastConfig:
    try:
        changed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ForecastingError(f"The settings in the address are damaged: {error}. "
                               "They are ignored; the recommended ones are shown.") from error
    return ForecastConfig.from_dict({**RECOMMENDED.to_dict(), **changed} if isinstance(changed, dict) else changed)


def to_query(state: AppState) -> dict[str, str]:
    """What a page's address says: the data, the run that is shown, the settings that differ from the recommended, and
    what the pages Forecast and Inside the LSTM show where that differs from the usual."""
    if state.history is None:
        return st.query_params.to_dict()
    address = {"data": address_of(state.history)}
    if state.run_id:
        address["run"] = state.run_id
    elif state.trashed_id:
        address["run"] = state.trashed_id
    if state.compare:
        address["compare"] = ",".join(state.compare)
        if state.reference:
            address["reference"] = state.reference
    if state.parent_id:
        address["parent"] = state.parent_id
    if state.basket:
        address["basket"] = ",".join(list(state.basket)[:MOST_SERIES])
    if asked := next((request.note_id for request in state.questions if request.note_id), None):
        address["asked"] = asked
    ours, usual = state.config.to_dict(), RECOMMENDED.to_dict()
    if changed := {name: value for name, value in ours.items() if value != usual[name]}:
        address["settings"] = json.dumps(changed, separators=(",", ":"))
    if shown := state.forecast.to_text():
        address["forecast"] = shown
    if seen := state.inside.to_text():
        address["inside"] = seen
    return address


def write_address(state: AppState):
    address = to_query(state)
    if dict(st.query_params) != address:
        st.query_params.from_dict(address)
