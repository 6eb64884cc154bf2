"""The current prices on the Data page: how they are split, their chart, what was repaired and what looks wrong."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting import PriceHistory
from forecasting.data.checks import apply_fix
from forecasting.model.split import describe_split
from forecasting.plots import price_chart
from forecasting.plots.sampling import MOST_POINTS, ranges
from forecasting.words import count, count_of, date, dates, price, share
from pages.components.charts import draw_chart
from pages.components.frame import is_dark
from pages.components.mend import draw_problem
from pages.components.opening import correct_history
from pages.components.reading import draw_calendar
from pages.components.settings import find_problem
from pages.components.state import AppState, held, reported, widget_for
from pages.components.text import plain

__all__ = ["draw_prices"]

PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}
EDGE_ROWS = 5
ESCAPED = 0.05  # share of test prices beyond training from which the scores of the target Price suffer


def draw_prices(state: AppState):
    """First how many prices there are and how far the test part leaves the training range, then the chart and details."""
    history, view = state.history, describe_split(state.history, state.config)
    last, rows, windows, escape = st.columns(4)
    last.metric("Last price", price(history.close[-1], history.currency))
    rows.metric("Rows", count(len(history)))
    windows.metric("Training windows", count(view.windows), help="How many stretches of the window's length the network "
                                                                 "learns from. The window is set on the Train page.")
    escape.metric("Test beyond training", share(view.escape, digits=0), _escape_words(view.escape), delta_color="off",
                  delta_arrow="off",
                  help="The share of test prices above the highest or below the lowest price of the training part. The more, "
                       "the worse for the target *Price*: a network cannot predict prices that it never learnt, and its line "
                       "goes flat there. Returns and changes are not affected.")
    if problem := find_problem(state):
        draw_problem(state, problem)
    st.markdown(" · ".join(f"**{PARTS[name]}** {dates(part.start, part.end)}, {count_of(part.rows, 'row')}"
                           for name, part in view.spans.items() if part.rows))
    _draw_chart(state, (view.train_end, view.validation_end))
    _draw_notes(history)
    _draw_problems(state)
    _draw_details(state)


def _escape_words(escape: float | None) -> str | None:
    """What the share of test prices beyond training means for the choice of a target."""
    if escape is None:
        return None
    if escape >= ESCAPED:
        return "a danger for the target Price"
    return "few, hardly a danger" if escape else "none, no danger"


def _draw_chart(state: AppState, split):
    history = state.history
    x_range = None
    if len(history) > MOST_POINTS:
        x_range = _draw_range(state)
    draw_chart(_chart(history, split, is_dark(), x_range), "data_chart")


@st.cache_resource(show_spinner=False, max_entries=32, hash_funcs={PriceHistory: lambda history: history.key})
def _chart(history: PriceHistory, split: tuple[int, int], dark: bool, x_range):
    """Kept, since making it takes half as long as drawing the rest of the page."""
    return price_chart(history, split, dark=dark, x_range=x_range)


def _draw_range(state: AppState):
    """Lets the user pick a stretch of a long series, drawn from all its rows; the whole line is drawn from a sample of them."""
    history = state.history
    whole = (history.dates[0].to_pydatetime(), history.dates[-1].to_pydatetime())
    key = f"data_stretch_{history.fingerprint}"
    offered = {label: (start.to_pydatetime(), end.to_pydatetime()) for label, (start, end) in ranges(history.dates).items()}
    with st.container(horizontal=True):
        for label, stretch in {**offered, "All": whole}.items():
            st.button(label, key=f"{key}_{label}", on_click=widget_for, args=(state, key, stretch))
    widget = held(state, key, whole)
    chosen = st.slider("Stretch shown", *whole, value=widget.value, key=widget.key,
                       help=f"The whole line is drawn with about {count(MOST_POINTS)} points, extremes kept. A shorter "
                            "stretch shows every row.")
    return None if chosen == whole else tuple(pd.Timestamp(when) for when in chosen)


def _draw_notes(history):
    if history.notes:
        with st.expander(f"What was done while reading ({len(history.notes)})", expanded=len(history.notes) <= 4):
            st.markdown("\n".join(f"- {plain(note)}" for note in history.notes))


def _draw_problems(state: AppState):
    """What looks wrong, with a button where a fix is safe."""
    for i, problem in enumerate(state.history.problems):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(plain(problem.sentence), icon=":material/warning:")
            if problem.fixable:
                st.button(plain(problem.fix), key=f"data_fix_{i}", on_click=_fix, args=(state, problem))


@reported
def _fix(state: AppState, problem):
    correct_history(state, apply_fix(state.history, problem))


def _draw_details(state: AppState):
    history = state.history
    with st.expander("First and last rows" if history.reading else "First and last rows, and the calendar of future dates"):
        frame = history.frame
        edges = frame if len(frame) <= 2 * EDGE_ROWS else pd.concat([frame.head(EDGE_ROWS), frame.tail(EDGE_ROWS)])
        shown = pd.DataFrame({name: edges[name].map(count if name == "Volume" else price) for name in edges})
        st.dataframe(shown.set_axis([date(day) for day in edges.index]), height="content")
        draw_calendar(state)
