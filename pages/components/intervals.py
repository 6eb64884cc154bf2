"""Whether a run's intervals keep their promise."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.evaluation.diagnostics import interval_table, rolling_coverage
from forecasting.evaluation.verdict import intervals_words
from forecasting.plots import coverage_chart, width_chart
from forecasting.words import count, percent, price, share
from pages.components.charts import draw_chart
from pages.components.frame import is_dark

__all__ = ["draw_intervals"]


def draw_intervals(run, result):
    """The achieved coverage beside the promised one."""
    test = result.metrics["test"]
    st.markdown(intervals_words(test["coverage_80"], test["coverage_95"], int((result.predictions["split"] == "test").sum())))
    rolling = rolling_coverage(result.predictions)
    draw_chart(coverage_chart(rolling, dark=is_dark()), "evaluate_coverage")
    draw_chart(width_chart(rolling, dark=is_dark(), currency=result.history.currency), "evaluate_width")
    table = interval_table(result.predictions)
    st.dataframe(pd.DataFrame({
        "Part": table["part"].str.capitalize(),
        "Promised": table["promised"].map(lambda value: share(value, digits=0)),
        "Achieved": table["achieved"].map(share),
        "Measured": ["out of sample" if part == "test" else "in sample" for part in table["part"]],
        "Prices": table["count"].map(count),
        "Mean width": table["width"].map(lambda value: price(value, result.history.currency)),
        "In percent of the price": table["width_percent"].map(percent),
    }), hide_index=True, height="content")
