"""What one browser session has in hand: a single typed object under a single key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING

import streamlit as st

from forecasting import (
    RECOMMENDED,
    ForecastConfig,
    ForecastingError,
    NeedsChoice,
    PriceHistory,
)
from pages.components.forecast_view import ForecastView
from pages.components.owner import browser_id

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.data.sources import Job
    from pages.components.forecast_view import Wish

__all__ = ["AppState", "Request", "Widget", "app_state", "held", "reported", "taken", "widget_for"]

KEY = "forecasting"
MOST_WIDGETS = 20  # for one value: more than a person can outrun by clicks while a page is drawn


@dataclass
class Request:
    """What a source of prices was last asked for, and what has come of it.

    answers: to the source's fields; choices: answers to its questions so far
    key: of the history that it gave, or of a mended copy; None while there is none
    question: what is still to be asked, or None; error: why there are no prices, '' where there is nothing to say
    job: prices on their way, or None; found: the histories that jobs of this source have brought in this session
    """

    answers: dict
    choices: dict = field(default_factory=dict)
    key: str | None = None
    question: NeedsChoice | None = None
    error: str = ""
    job: Job | None = None
    found: dict[str, PriceHistory] = field(default_factory=dict)


@dataclass
class Widget:
    """A widget for a value that can also change elsewhere; see `widget_for`.

    start: the value that it was made for; value: what it held when it was last looked at
    """

    key: str
    start: object
    value: object


@dataclass
class AppState:
    """history: the prices in hand, or None before the first page has opened
    config: the settings in hand, changed by `use_settings` and by the sidebar's widgets only
    problem: why what these widgets hold makes no settings, or None; `config` is then what they held before
    widgets: those made for each value, the newest last
    asks_to_train: whether Train was pressed and nothing has come of it yet
    run_id: the run that is shown; earlier_id: the one before it, shown until the new one has a result
    owner: names this person in the queue, so that runs are taken by turns
    requests: {key in SOURCES: the last request}; waiting_for: the source that was asked last and has not given prices yet
    forecast: what the Forecast page shows; forecast_problem: what the address asked of it in vain, a sentence
    forecast_drawn: (run id, wish, table) of the forecast last drawn, which stays until the next one is there
    failures: what a click could not do, sentences for the next drawing of the page
    """

    history: PriceHistory | None = None
    config: ForecastConfig = RECOMMENDED
    problem: str | None = None
    widgets: dict[str, list[Widget]] = field(default_factory=dict)
    asks_to_train: bool = False
    run_id: str | None = None
    earlier_id: str | None = None
    owner: str = field(default_factory=lambda: browser_id())
    requests: dict[str, Request] = field(default_factory=dict)
    waiting_for: str | None = None
    forecast: ForecastView = field(default_factory=ForecastView)
    forecast_problem: str | None = None
    forecast_drawn: tuple[str, Wish, pd.DataFrame] | None = None
    failures: list[str] = field(default_factory=list)

    def use_history(self, history: PriceHistory):
        """Takes other prices in hand; settings and the run that is shown stay."""
        self.history, self.waiting_for = history, None
        for request in self.requests.values():
            request.job = None  # what was asked for before must not take their place later

    @property
    def request(self) -> Request | None:
        """The request that gave the prices in hand."""
        return next((request for request in self.requests.values() if request.key == self.history.key), None)


def widget_for(state: AppState, name: str, value) -> Widget:
    """The widget `name`, which shows `value`: the one there is, or a new one where that shows another value.

    A value is never sent to a widget that is on the screen. Streamlit could, but what it sends overwrites what a person
    has done to the widget meanwhile, and is lost where a click cuts the drawing short. A new widget starts with its value,
    and what is still done to the one before is known to be: it has another key.
    """
    widgets = state.widgets.setdefault(name, [])
    if not widgets:
        widgets.append(Widget(name, value, value))
    elif widgets[-1].value != value:
        number = int(widgets[-1].key.partition("#")[2] or 1) + 1
        widgets.append(Widget(f"{name}#{number}", value, value))
        del widgets[:-MOST_WIDGETS]
    return widgets[-1]


def taken(state: AppState, name: str) -> list[tuple]:
    """(what it held before, what it holds now) of each widget `name` that a person has changed since this was last asked.

    Read from what the widgets hold, and not in callbacks alone: one that is cut short is never called again.
    """
    changed = [(widget, widget.value, now) for widget in state.widgets.get(name, [])
               if (now := st.session_state.get(widget.key, widget.value)) != widget.value]
    for widget, _, now in changed:
        widget.value = now
        widget_for(state, name, now)  # changed in an earlier widget, it stands in a new one
    return [(before, now) for _, before, now in changed]


def held(state: AppState, name: str, first) -> Widget:
    """The widget `name` that nothing but a person changes; it begins with `first`."""
    taken(state, name)
    return state.widgets[name][-1] if name in state.widgets else widget_for(state, name, first)


def reported(callback: Callable) -> Callable:
    """A widget's callback, of which what a person can mend is said by the drawing of the page that follows.

    Streamlit calls it before the page, where nothing can be shown.
    """
    @wraps(callback)
    def call(*args):
        try:
            callback(*args)
        except ForecastingError as error:
            app_state().failures.append(str(error))

    return call


def app_state() -> AppState:
    """The session's state, made when it is first asked for."""
    if KEY not in st.session_state:
        st.session_state[KEY] = AppState()
    return st.session_state[KEY]
