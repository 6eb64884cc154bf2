"""Whether a run's forecast is only the last price, drawn late."""

from __future__ import annotations

import streamlit as st

from forecasting.evaluation.diagnostics import lag_analysis
from forecasting.plots import lag_chart, shifted_chart
from pages.components.charts import draw_chart
from pages.components.frame import is_dark
from pages.components.text import plain

__all__ = ["draw_lag"]


def draw_lag(run, result):
    """Whether the forecast is the past, drawn late."""
    lag = lag_analysis(result.predictions, currency=result.history.currency)
    st.markdown(plain(lag.sentence))
    draw_chart(lag_chart(lag, dark=is_dark()), "evaluate_lag")
    draw_chart(shifted_chart(result.predictions, lag.best_shift or 1, dark=is_dark(), currency=result.history.currency),
         "evaluate_shifted")
