"""Data: which prices, what was read and repaired, and how they are split."""

import streamlit as st

from pages.components.frame import page, series_line

with page("Data", "Choose the prices to learn from: a sample, a ticker or a file of your own.") as state:
    # Imported once there is something on the screen, since this page is usually opened first.
    from pages.components.prices import draw_prices
    from pages.components.questions import draw_questions
    from pages.components.reading import draw_reading, follow_reading
    from pages.components.sources import draw_sources

    # In containers: their elements come and go, and those below must keep their positions, or Streamlit would show them twice.
    with st.container():
        follow_reading(state)
        draw_questions(state)
    with st.container():
        draw_sources(state)
    series_line(state.history)
    with st.container():
        draw_reading(state)
    draw_prices(state)
