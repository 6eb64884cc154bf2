"""The state of one browser session: a single typed object under a single key."""

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
    StoreUnavailable,
)
from pages.components.forecast_view import ForecastView
from pages.components.inside.view import InsideView
from pages.components.owner import owner_id

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.data.interpretation import Interpretation
    from forecasting.data.sources import Job
    from forecasting.runs.orders import Wanted
    from forecasting.runs.overview import Row
    from pages.components.forecast_view import Wish

__all__ = ["AppState", "Request", "RunsTable", "Widget", "app_state", "held", "reported", "taken", "widget_for"]

KEY = "forecasting"
MOST_WIDGETS = 20  # kept for one value: more than anyone can create by clicking while a page is drawn


@dataclass
class Request:
    """What a source of prices was asked for, and the outcome.

    source: its key in SOURCES; answers: to its fields, None where these are only on disk, see `upload_id`
    choices: what a person has decided about how to read them, in answer to questions or in the panel of the Data page
    wanted: the choices that they are to be read with next, or None
    key: of the history that it gave, or of a corrected copy; None while there is none
    taken: the choices that gave this history
    question: what the user still has to answer, or None; error: why there are no prices, or ''
    reading: how far the file had been read when that came, or None
    upload_id: of the file that is kept on disk, or None; note_id: of the note about its question; see `uploads`
    job: a fetch in progress, or None; found: the histories that jobs of this source have fetched in this session
    """

    source: str
    answers: dict | None
    choices: dict = field(default_factory=dict)
    wanted: dict | None = None
    key: str | None = None
    taken: dict = field(default_factory=dict)
    question: NeedsChoice | None = None
    error: str = ""
    reading: Interpretation | None = None
    upload_id: str | None = None
    note_id: str | None = None
    job: Job | None = None
    found: dict[str, PriceHistory] = field(default_factory=dict)


@dataclass
class Widget:
    """A widget for a value that can also change elsewhere; see `widget_for`.

    start: its initial value; value: what it held when it was last read
    """

    key: str
    start: object
    value: object


@dataclass
class RunsTable:
    """A widget that shows the table of runs; see `pages.components.runs_table`.

    rows: what it shows, in its order; columns: their names; edits: {(row, column): value} that the user has made and that
    have been taken
    """

    key: str
    rows: list[Row]
    columns: tuple[str, ...]
    edits: dict[tuple[int, str], object] = field(default_factory=dict)


@dataclass
class AppState:
    """history: the current prices, or None before the first page has opened
    config: the current settings, changed by `use_settings` and by the sidebar's widgets only
    problem: why the widgets' values are not valid settings, or None; `config` then keeps the last valid ones
    nearest: the nearest settings that can be trained, where the current ones cannot and these are known
    widgets: those made for each value, the newest last
    asks_to_train: whether a button on another page asked for a training that has not been started yet
    order: the training that was ordered and is not yet known to be shown by this browser, or None
    order_shown: when this session drew its run first, by the monotonic clock
    expects_order: until when, by the same clock, this session may find that its browser has ordered one on the page before
    run_id: the run that is shown; earlier_id: the one before it, shown until the new one has a result
    compare: the ids of the runs laid beside each other; reference: the id of the one they are compared with, 'naive', or None
    parent_id: the run that the next training is made from, or None
    trashed_id: a run in the trash that was asked for, or None; deleted_ids: what was deleted last, to be undone
    opened: ids of the rows of the table of runs whose seeds are shown; tables: its widgets, the newest last
    owner: identifies this person, or this browser, in the queue, where owners take turns
    requests: {key in SOURCES: the last request}; given: the request that gave prices last
    waiting_for: the source that was asked last and has not given prices yet
    forecast: what the Forecast page shows; forecast_problem: why it is not what the address asked for, a sentence
    forecast_drawn: (run id, wish, table) of the forecast last drawn, which stays until the next one is there
    inside: what the page Inside the LSTM shows; inside_problem: why it is not what the address asked for, a sentence
    inside_message: the number of the last message of its figure that was taken; inside_drag: what was dragged last in it
    inside_done: steps of its lesson that were done; inside_before: what it showed when the current step began
    basket: {key: the prices gathered for an experiment on many series}; basket_job: a fetch of more of them, or None
    store_failed: whether this drawing of the page met a store that did not answer
    track_jobs: fetches of prices for the forecasts of the track record that wait for them
    failures: errors of the last click's callback, sentences to show on the next drawing of the page
    """

    history: PriceHistory | None = None
    config: ForecastConfig = RECOMMENDED
    problem: str | None = None
    nearest: ForecastConfig | None = None
    widgets: dict[str, list[Widget]] = field(default_factory=dict)
    asks_to_train: bool = False
    order: Wanted | None = None
    order_shown: float | None = None
    expects_order: float = 0.0
    store_failed: bool = False
    run_id: str | None = None
    earlier_id: str | None = None
    compare: tuple[str, ...] = ()
    reference: str | None = None
    parent_id: str | None = None
    trashed_id: str | None = None
    deleted_ids: tuple[str, ...] = ()
    opened: set[str] = field(default_factory=set)
    tables: list[RunsTable] = field(default_factory=list)
    owner: str = field(default_factory=lambda: owner_id())
    requests: dict[str, Request] = field(default_factory=dict)
    given: Request | None = None
    waiting_for: str | None = None
    forecast: ForecastView = field(default_factory=ForecastView)
    forecast_problem: str | None = None
    forecast_drawn: tuple[str, Wish, pd.DataFrame] | None = None
    inside: InsideView = field(default_factory=InsideView)
    inside_problem: str | None = None
    inside_message: int = 0
    inside_drag: dict | None = None
    inside_done: set[int] = field(default_factory=set)
    inside_before: InsideView | None = None
    basket: dict[str, PriceHistory] = field(default_factory=dict)
    basket_job: Job | None = None
    track_jobs: list[Job] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def use_history(self, history: PriceHistory):
        """Makes these the current prices; settings and the run that is shown stay."""
        self.history, self.waiting_for = history, None
        for request in self.requests.values():
            request.job = None  # an earlier fetch must not replace these prices when it ends

    @property
    def questions(self) -> list[Request]:
        """The requests that wait for an answer."""
        return [request for request in self.requests.values() if request.question is not None]

    @property
    def request(self) -> Request | None:
        """The request that gave the current prices."""
        return self.given if self.given is not None and self.given.key == self.history.key else None


def widget_for(state: AppState, name: str, value) -> Widget:
    """The widget `name`, which shows `value`: the existing one, or a new one if that shows another value.

    The value of a widget on the screen is never set. Streamlit allows it, but it would overwrite a change that the user makes
    at the same time, and would be lost if a click interrupts the drawing. A new widget starts with its value and has a key
    of its own, so a late change to the old one can still be told apart.
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
    """(old value, new value) of each widget `name` that the user has changed since the last call.

    Read from the widgets' values rather than in callbacks, since a callback that is interrupted is never called again.
    """
    changed = [(widget, widget.value, now) for widget in state.widgets.get(name, [])
               if (now := st.session_state.get(widget.key, widget.value)) != widget.value]
    for widget, _, now in changed:
        widget.value = now
        widget_for(state, name, now)  # a change made in an older widget moves to a new one
    return [(before, now) for _, before, now in changed]


def held(state: AppState, name: str, first) -> Widget:
    """The widget `name`, which only the user changes; it starts with `first`."""
    taken(state, name)
    return state.widgets[name][-1] if name in state.widgets else widget_for(state, name, first)


def reported(callback: Callable) -> Callable:
    """Wraps a widget's callback so that its `ForecastingError` is shown by the next drawing of the page.

    Streamlit runs callbacks before the page, when nothing can be shown yet.
    """
    @wraps(callback)
    def call(*args):
        try:
            callback(*args)
        except ForecastingError as error:
            app_state().failures.append(str(error))
            app_state().store_failed |= isinstance(error, StoreUnavailable)

    return call


def app_state() -> AppState:
    """The session's state, made when it is first asked for."""
    if KEY not in st.session_state:
        st.session_state[KEY] = AppState()
    return st.session_state[KEY]
