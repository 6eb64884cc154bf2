"""Runs: every training in the store, with its scores and what sets it apart."""

from pages.components.bring_back import draw_zip_uploader
from pages.components.frame import page
from pages.components.runs import draw_runs

with page("Runs", "Every training so far and how it ended. Choose one to open it, or several to compare them.") as state:
    draw_runs(state)
    draw_zip_uploader(state)
