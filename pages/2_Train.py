"""Train: settings, a live training, and what it predicts."""

import streamlit as st

from pages.components.frame import page, series_line
from pages.components.mend import draw_problem
from pages.components.network import draw_network
from pages.components.order import draw_order, is_pending, watch_for_order
from pages.components.questions import draw_waiting
from pages.components.settings import draw_settings
from pages.components.store import current_run
from pages.components.training import draw_buttons, draw_run, start_asked

with page("Train", "Train a recurrent network on these prices and see what it predicts on days it never saw.") as state:
    with st.container():
        draw_waiting(state)
    series_line(state.history)
    problem = draw_settings(state)
    start_asked(state)
    run = None if is_pending(state) else current_run(state)
    # In a container of its own, so that a sentence that comes or goes moves nothing below it.
    with st.container():
        draw_buttons(state, run, problem)
        if problem:
            draw_problem(state, problem)
        if is_pending(state):
            draw_order(state)
    watch_for_order(state)
    draw_network(state.config, expanded=run is None and not is_pending(state))
    if run is not None:
        draw_run(state, run)
