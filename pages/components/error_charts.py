"""Where a run is wrong: its errors from several sides."""

from __future__ import annotations

import streamlit as st

from forecasting.evaluation.diagnostics import (
    error_by_month,
    error_by_move,
    error_by_weekday,
    error_table,
    errors_over_time,
    range_escape,
    worst_days,
)
from forecasting.plots import distribution_chart, error_chart, group_chart, move_chart
from forecasting.words import date, percent, price, unit
from pages.components.charts import draw_chart
from pages.components.frame import is_dark
from pages.components.text import plain

__all__ = ["draw_errors"]


def draw_errors(run, result):
    """Over time, their distribution, by the size of the move, by weekday and month, the worst days, the range."""
    predictions, currency, dark = result.predictions, result.history.currency, is_dark()
    relative = st.toggle("In percent of the last price", value=True, key="evaluate_relative",
                         help="Errors of a price that grew fifty-fold all seem to lie at its end; in percent they can be "
                              "compared.") if result.history.close.min() > 0 else False
    draw_chart(error_chart(errors_over_time(predictions), dark=dark, currency=currency, relative=relative), "evaluate_errors")
    left, right = st.columns(2)
    draw_chart(distribution_chart(error_table(predictions), dark=dark, currency=currency), "evaluate_distribution", left)
    draw_chart(move_chart(error_by_move(predictions), dark=dark, currency=currency), "evaluate_moves", right)
    weekdays, months = error_by_weekday(predictions), error_by_month(predictions)
    # A row that stands for a whole month says nothing about the weekday it happens to be dated on.
    if len(weekdays) > 1 and not result.history.frequency.longer_than_a_day:
        draw_chart(group_chart(weekdays, "By day of the week", dark=dark, currency=currency), "evaluate_weekdays", left)
    if len(months) > 1:
        draw_chart(group_chart(months, "By month", dark=dark, currency=currency), "evaluate_months", right)
    worst = worst_days(predictions)
    st.markdown(f"**The worst {unit(result.history.frequency)}s of the test part**")
    shown = worst[["actual", "predicted", "naive", "error"]].map(lambda value: price(value, currency))
    shown.columns = shown.columns.str.capitalize()
    shown["Error in percent"] = worst["error_percent"].map(lambda value: percent(value, signed=True))
    st.dataframe(shown.set_axis([date(day) for day in worst.index]), height="content")
    parts = result.split
    st.markdown(plain(range_escape(result.history.close, parts.train_end, parts.validation_end, currency).sentence))
