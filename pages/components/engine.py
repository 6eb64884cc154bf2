"""Keeps the engine that computes runs alive, and warns where it or the process of a run does not answer."""

from __future__ import annotations

import logging
import threading
import time

import streamlit as st

from forecasting import StoreUnavailable
from forecasting.runs import launcher
from forecasting.runs.delays import delay_words
from forecasting.runs.status import GIVE_UP_AFTER
from forecasting.words import duration
from pages.components.text import plain

__all__ = ["draw_trouble", "is_silent", "start_engine"]

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


def draw_trouble(*runs):
    """Makes sure that an engine is alive, and warns if it cannot work, or if the processes of these runs do not answer. Call it
    on every redraw while a run is active."""
    start_engine()
    delays = dict.fromkeys(filter(None, (delay_words(run.id if run.active else None) for run in runs)))
    for words in delays:
        st.warning(plain(words), icon=":material/hourglass_top:")
    if (trouble := launcher.engine_trouble()) and not delays:
        st.warning(plain(trouble), icon=":material/warning:")
    for run in runs:
        which = "this run" if len(runs) == 1 else f"'{run.name}'"
        if run.state == "running" and (since := launcher.silent_since(run.id)):
            st.warning(plain(f"No sign of life for {duration(time.time() - since)} from the process that computes {which}. "
                             f"After {duration(GIVE_UP_AFTER)} it is ended, and the run goes on from its backup. Stop ends it "
                             "at once and keeps what was in the backup."), icon=":material/heart_broken:")
        if run.active and run.setback:
            before = "" if len(runs) == 1 else f"{run.name}: "
            st.info(plain(f"{before}Attempt {run.attempt}: {run.setback}"), icon=":material/restart_alt:")


def is_silent(run) -> bool:
    """Whether the process that computes a run gives no sign of life, so that only force stops it."""
    return run is not None and run.state == "running" and launcher.silent_since(run.id) is not None
