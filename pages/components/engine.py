"""Keeps the engine that computes runs alive, and warns where it cannot work."""

from __future__ import annotations

import logging
import threading

import streamlit as st

from forecasting import StoreUnavailable
from forecasting.runs import launcher
from pages.components.text import plain

__all__ = ["draw_trouble", "start_engine"]

PAINT_SECONDS = 2.0

log = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False)
def _first_start() -> threading.Timer:
    """Starts the engine for the first time, with a delay: its workers' imports would slow down the first paint."""
    timer = threading.Timer(PAINT_SECONDS, _make_ready)
    timer.daemon = True
    timer.start()
    return timer


def _make_ready():
    """Starts the engine, and pre-imports what the first training and its charts need."""
    from forecasting.runs.tracking import Tracking

    launcher.ensure_engine()
    try:
        Tracking().connect()
    except StoreUnavailable as error:
        log.warning("%s", error)  # the page that needs the store shows it to the user
    import scipy.special  # noqa: F401 (the slowest import of the verdict's significance test)


def start_engine():
    """Makes sure that an engine is alive to compute runs."""
    if not _first_start().is_alive():
        launcher.ensure_engine()


def draw_trouble():
    """Makes sure that an engine is alive, and warns if it cannot work. Call it on every redraw while a run is active."""
    start_engine()
    if trouble := launcher.engine_trouble():
        st.warning(plain(trouble), icon=":material/warning:")
