"""Runs: every training of this computer, with its state and scores."""

from pages.components.compare import draw_comparison
from pages.components.frame import page
from pages.components.runs import draw_runs

with page("Runs", "Every training so far and how it ended. Open one to see it again.") as state:
    draw_runs(state)
    if state.compare:
        draw_comparison(state, state.compare)
