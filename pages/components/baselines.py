"""A run beside the simple forecasts on the same days."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.evaluation.baselines import EXTRA
from forecasting.evaluation.scores import SCORES, shown_in
from pages.components.store import load_baselines
from pages.components.text import plain
from pages.components.verdict import draw_reasons

__all__ = ["draw_baselines"]

EXTRA_NAMES = {"exponential_smoothing": "Exponential smoothing", "arima": "ARIMA", "boosting": "Gradient boosting",
               "combination": "Combination"}


def draw_baselines(run, result):
    """The run and every simple forecast on the same days, sorted by RMSE."""
    if result.invalid:
        st.error(f"{plain(result.invalid)} It is not ranked among honest forecasts.", icon=":material/block:")
        return
    extra = st.multiselect("Ask also", EXTRA, key="evaluate_extra", placeholder="Slower ones: ARIMA, boosting, combination …",
                           format_func=EXTRA_NAMES.get, help="Fitted once on the days before the test part; each may take "
                                                             "up to a minute. The combination weighs this run, ridge "
                                                             "regression and boosting on validation.")
    with st.spinner("Fitting the baselines …"):
        table, reasons = load_baselines(run.id, tuple(extra))
    st.dataframe(_readable(table, result.history.currency), height="content", column_config={
        SCORES[name].label: st.column_config.Column(help=SCORES[name].about) for name in shown_in("baselines")})
    with st.expander("How each of them predicts"):
        st.markdown("\n".join(f"- **{plain(name)}** {plain(about)}" for name, about in table["about"].items()))
    draw_reasons(reasons, shown=shown_in("baselines"))


def _readable(table: pd.DataFrame, currency) -> pd.DataFrame:
    return pd.DataFrame({SCORES[name].label: [SCORES[name].show(name, dict(row), currency) for _, row in table.iterrows()]
                         for name in shown_in("baselines")}, index=table.index)
