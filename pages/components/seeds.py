"""Seed spread: a run chosen, repeated with other seeds."""

from __future__ import annotations

from pages.components.experiment import draw_experiment
from pages.components.runs import choose_result
from pages.components.state import AppState

__all__ = ["draw_seeds"]


def draw_seeds(state: AppState, problem: str | None):
    """The run and its spread. problem: does not matter here, since the run has settings of its own"""
    run, result = choose_result(state)
    if result is not None:
        draw_experiment("seeds", run, result)
