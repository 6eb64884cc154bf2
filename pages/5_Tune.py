"""Tune: which settings are really better here, and which were only lucky?"""

from pages.components.frame import page, series_line
from pages.components.settings import draw_settings
from pages.components.tabs import chosen_tab
from pages.components.tune import draw_search

TABS = {"Search": draw_search}

with page("Tune", "Which settings are really better here, and which were only lucky?") as state:
    series_line(state.history)
    problem = draw_settings(state)
    chosen_tab("tune_tab", TABS)(state, problem)
