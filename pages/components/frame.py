"""The frame of every page: its title, the list of pages, the session's state and the boundary for a user's errors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from forecasting.errors import ForecastingError, StoreUnavailable
from pages.components.first_paint import preload_charts
from pages.components.owner import require_login
from pages.components.text import plain

if TYPE_CHECKING:  # these import pandas, which has to wait until there is something on the screen
    from forecasting import PriceHistory
    from pages.components.state import AppState

__all__ = ["boundary", "is_dark", "link_to", "page", "series_line"]

PAGES = {
    "Data": ("app.py", ":material/table_chart:"),
    "Train": ("pages/2_Train.py", ":material/model_training:"),
    "Evaluate": ("pages/3_Evaluate.py", ":material/fact_check:"),
    "Forecast": ("pages/4_Forecast.py", ":material/timeline:"),
    "Tune": ("pages/5_Tune.py", ":material/tune:"),
    "Runs": ("pages/6_Runs.py", ":material/history:"),
    "Inside the LSTM": ("pages/7_Inside_the_LSTM.py", ":material/neurology:"),
}
# Of the browser's tab. An image of our own: browsers fetch one that is named ":material/...:" from a font host.
ICON = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#3d7fe0" stroke-width="2.6" '
        'stroke-linecap="round" stroke-linejoin="round"><path d="M2.5 18 9 11l4.5 4.5L21.5 6"/></svg>')
SIDEBAR_WIDTH = 376  # the three presets fit into one row


@contextmanager
def page(title: str, purpose: str):
    """Opens a page and yields the session's `AppState`; an error that the user can fix is shown where the work stopped.

    Every page starts with this, because any of them may be the first that a new server is asked for (a deep link).
    """
    st.set_page_config(page_title=f"{title} · LSTM price forecasts", page_icon=ICON, layout="wide",
                       initial_sidebar_state=SIDEBAR_WIDTH)
    with st.sidebar:
        links = st.container()
    st.title(title)
    require_login()
    st.markdown(purpose)
    # In a container of its own, so that a sentence that comes or goes moves nothing below it.
    said = st.container()
    charts = preload_charts()
    from pages.components.address import restore, write_address
    from pages.components.collector import freeze_imports
    from pages.components.engine import start_engine
    from pages.components.kept_clicks import keep_clicks
    from pages.components.long_address import answer_long_addresses
    from pages.components.order import follow_order
    from pages.components.settings import follow_settings
    from pages.components.state import app_state
    from pages.components.store import await_store

    charts.empty()
    keep_clicks()
    state = app_state()
    try:
        with said, boundary():
            restore(state)
        follow_settings(state)
        with said, boundary():
            follow_order(state)
        if state.tables or state.compare:
            from pages.components.runs import follow_runs

            follow_runs(state)
        with links:
            for label in PAGES:
                link_to(label, state)
        for sentence in state.failures:
            said.error(plain(sentence, limit=1500), icon=":material/error:")
        state.failures.clear()
        if title != "Runs":
            state.deleted_ids = ()  # Undo is there until another page is opened
        if state.trashed_id:
            from pages.components.trash import draw_trashed

            with said:
                draw_trashed(state)
        if state.history is None:
            said.button("Try again", icon=":material/refresh:")
            st.stop()
        # Written before anything is drawn, so that a reload halfway through loses nothing.
        write_address(state)
        with boundary():
            yield state
    finally:
        write_address(state)
        if state.store_failed:
            await_store(state)
        # Last, so that the workers' start does not compete with the first paint.
        start_engine()
        answer_long_addresses()
        freeze_imports()


def link_to(label: str, state: AppState, text: str | None = None):
    """A link to another page that keeps data, run and settings."""
    from pages.components.address import to_query

    path, icon = PAGES[label]
    try:
        st.page_link(path, label=text or label, icon=icon, query_params=to_query(state) or None, width="stretch")
    except StreamlitPageNotFoundError:
        # A page that is run alone, without app.py, knows no other pages.
        st.caption(text or label)


@contextmanager
def boundary():
    """Shows a `ForecastingError` where the result would have stood; any other exception goes on to the log."""
    try:
        yield
    except ForecastingError as error:
        if isinstance(error, StoreUnavailable):
            from pages.components.state import app_state

            app_state().store_failed = True
        st.error(plain(error, limit=1500), icon=":material/error:")


def series_line(history: PriceHistory):
    """One quiet line: which prices these are."""
    from forecasting.data.reading_parts import price_words
    from forecasting.words import count_of, date

    last = f"last {date(history.dates[-1])}" if len(history) else "empty"
    parts = [history.name, history.source, price_words(history.reading), last, count_of(len(history), "row"),
             str(history.frequency), history.currency]
    st.caption(" · ".join(plain(part, limit=120) for part in parts if part))


def is_dark() -> bool:
    """Whether this browser shows the dark theme."""
    return st.context.theme.type == "dark"
