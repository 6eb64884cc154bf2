"""The evidence for a run's network: how it grew, and how much of the network's move the guarded forecast keeps as a result."""

from __future__ import annotations

import streamlit as st

from forecasting.evaluation.gate import PROVEN
from forecasting.plots import evidence_chart, share_chart
from forecasting.words import count
from pages.components.charts import draw_chart
from pages.components.frame import is_dark

__all__ = ["draw_evidence"]


def draw_evidence(run, result):
    """How the evidence, which stands in words above the tabs, grew from the first day of validation on."""
    dates = result.history.dates[result.steps.origins]
    test_from = result.split.validation_end - 1 - int(result.steps.origins[0])
    draw_chart(evidence_chart(result.evidence, dates, test_from, dark=is_dark()), "evaluate_evidence")
    st.caption("How to read it: after each price that becomes known, the network's forecast of it is weighed against the naive "
               "one. Naive starts ahead, nine to one, and more so at later steps. Where a network knows nothing, the evidence "
               f"reaches {count(PROVEN)} to 1 once in {count(PROVEN)} times at most.")
    draw_chart(share_chart(result.evidence, dates, test_from, dark=is_dark()), "evaluate_share")
    st.caption("How to read it: at 0 % the guarded forecast is the naive one, at 100 % the network's own. A forecast from a "
               "day in the past keeps what was known on that day.")
