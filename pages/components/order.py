"""A training that was ordered by a click, from then until a page of this browser shows it."""

from __future__ import annotations

import time

import streamlit as st

from forecasting import ForecastingError
from forecasting.runs.orders import GivenUp
from pages.components.settings import check_settings
from pages.components.state import AppState, reported
from pages.components.store import run_store

__all__ = ["draw_order", "follow_order", "is_pending", "note_tick", "order_training", "take_unseen_order", "watch_for_order"]

TICK_SECONDS = 0.5
EXPECT_SECONDS = 5.0  # after a reload
AT_ONCE_SECONDS = 2.0  # that a click waits for the store before the page goes on without it
# Seconds from drawing a run to another drawing, by when the browser must have got the first: if the browser asked for the other
# one by itself, and if that is not known.
SEEN_AFTER, SURELY_SEEN_AFTER = 0.3, 3.0


@reported
def order_training(state: AppState):
    """Has the current settings trained. This is the whole of a click: a reload may interrupt anything that comes later."""
    if is_pending(state) or check_settings(state) is not None:
        return  # the page says why
    state.order = run_store().order(state.history, state.config, owner=state.owner, before=state.run_id, parent=state.parent_id)
    state.order_shown = None
    state.order.order.wait(AT_ONCE_SECONDS)


def take_unseen_order(state: AppState, before: str | None) -> bool:
    """Takes over what this browser has ordered on a page that was reloaded before it could show the run. Returns whether there
    is something. before: the run that the page's address names"""
    if run_store().note_drawing(state.owner):
        state.expects_order = time.monotonic() + EXPECT_SECONDS
    state.order = run_store().unseen_order(state.owner, before)
    return state.order is not None


def watch_for_order(state: AppState):
    """Looks out for an order for a short while after a reload: the page before may have been busy when the click came, and get
    to it only now."""
    if _expects(state):
        st.fragment(_look, run_every=TICK_SECONDS)(state)


def _look(state: AppState):
    if not _expects(state) or run_store().unseen_order(state.owner, state.run_id):
        st.rerun()


def _expects(state: AppState) -> bool:
    return state.order is None and time.monotonic() < state.expects_order


def is_pending(state: AppState) -> bool:
    """Whether a training was ordered that the store has not taken yet."""
    return state.order is not None and not state.order.order.is_over


def follow_order(state: AppState):
    """Shows the run that was ordered once it is there. Every drawing of a page starts with this."""
    run_store().note_drawing(state.owner)
    if _expects(state):
        state.order = run_store().unseen_order(state.owner, state.run_id)
    wanted = state.order
    if wanted is None or is_pending(state):
        return
    if state.order_shown is None:
        try:
            run_id = wanted.order.result()
        except GivenUp:
            state.order = None
        except ForecastingError as error:
            state.order, wanted.seen = None, True
            state.failures.append(f"The training was not started. {error}")
        else:
            if state.run_id is not None and run_store().get(state.run_id).has_result:
                state.earlier_id = state.run_id
            state.run_id, state.parent_id, state.order_shown = run_id, None, time.monotonic()
    else:
        _note_seen(state, SURELY_SEEN_AFTER)


def note_tick(state: AppState, drawn: float):
    """Notes that the browser has asked for another look at a run. Called by what it repeats; drawn: when that was drawn first,
    by the monotonic clock"""
    if time.monotonic() - drawn > SEEN_AFTER:
        _note_seen(state, SEEN_AFTER)


def _note_seen(state: AppState, after: float):
    if state.order_shown is not None and time.monotonic() - state.order_shown > after:
        state.order.seen = True
        state.order = state.order_shown = None


def draw_order(state: AppState):
    """Says that a training waits for the store, for as long as it does."""
    st.fragment(_wait, run_every=TICK_SECONDS)(state)


def _wait(state: AppState):
    if not is_pending(state):
        st.rerun()
    st.info("The store of runs does not answer just now. This training is put into the queue as soon as it does; Stop takes it "
            "back.", icon=":material/hourglass_top:")
