"""Tune: settings searched, seeds averaged, many series trained alike."""

from pages.components.frame import page, series_line
from pages.components.many import draw_many
from pages.components.seeds import draw_seeds
from pages.components.settings import draw_settings
from pages.components.tabs import chosen_tab
from pages.components.tune import draw_search

TABS = {"Search": draw_search, "Seeds": draw_seeds, "Many series": draw_many}

with page("Tune", "Is a setting better, or was it lucky? Search settings, repeat a run, train on many series.") as state:
    series_line(state.history)
    problem = draw_settings(state)
    chosen_tab("tune_tab", TABS)(state, problem)
