"""How far ahead a run can see: its errors by step."""

from __future__ import annotations

import streamlit as st

from forecasting.evaluation.comparison import skill_interval
from forecasting.evaluation.diagnostics import error_by_horizon, farthest_step, horizon_words
from forecasting.plots import horizon_chart
from forecasting.words import unit
from pages.components.charts import draw_chart
from pages.components.frame import is_dark

__all__ = ["draw_horizon"]


def draw_horizon(run, result):
    """How far the model can see: errors by step ahead."""
    if result.config.horizon == 1:
        st.info("This network predicts one step. Choose a longer horizon on the Train page to see how far it can look.",
                icon=":material/info:")
    test = result.steps.between(result.split.validation_end - 1, len(result.history))
    table = error_by_horizon(test.actual, test.predicted, test.last,
                             lambda actual, ours, naive, step: skill_interval(actual, ours, naive, step=step))
    farthest = farthest_step(table)
    draw_chart(horizon_chart(table, farthest, dark=is_dark(), currency=result.history.currency,
                       unit=unit(result.history.frequency)), "evaluate_horizon")
    st.markdown(horizon_words(table, unit(result.history.frequency)))
