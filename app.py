"""Data: which prices, what was read and repaired, and how they are split."""

import streamlit as st

from pages.components.frame import page, series_line

with page("Data", "Choose the prices to learn from: a sample, a ticker or a file of your own.") as state:
    # Not before there is something on the screen: this is the page that is opened first.
    from pages.components.prices import draw_prices
    from pages.components.sources import draw_sources

    # In a block of its own: what it shows comes and goes, and what stands below must not be drawn twice meanwhile.
    with st.container():
        draw_sources(state)
    series_line(state.history)
    draw_prices(state)
