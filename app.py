"""Data: which prices, what was read and repaired, and how they are split."""

from pages.components.frame import page, series_line
from pages.components.prices import draw_prices
from pages.components.sources import draw_sources

with page("Data", "Choose the prices to learn from: a sample, a ticker or a file of your own.") as state:
    draw_sources(state)
    series_line(state.history)
    draw_prices(state)
