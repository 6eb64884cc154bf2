"""What a run that has ended predicts: scores beside the naive forecast's, the chart, the table and the download."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from forecasting.evaluation.learning import gap_words, learnt_words
from forecasting.evaluation.scores import SCORES, shown_in
from forecasting.evaluation.verdict import direction_words
from forecasting.plots import last_rows, prediction_chart
from forecasting.runs.export import XLSX, ZIP, predictions_file_name, predictions_xlsx, zip_file_name
from forecasting.words import UNKNOWN, count, count_of, date, duration, percent, price, share, unit
from pages.components.charts import draw_chart, draw_loss
from pages.components.frame import is_dark
from pages.components.state import app_state
from pages.components.store import load_csv, load_result
from pages.components.verdict import draw_answer, draw_reasons

__all__ = ["draw_result"]

PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}
LAST_ROWS = 200
STRETCHES = {"Last 60 rows": 60, "Last 250 rows": 250, "Test part": None, "All": 0}


def draw_result(run):
    """Scores, the verdict, the chart, then the rest in tabs."""
    result = load_result(run.id)
    _draw_scores(run, result)
    draw_answer(run)
    if run.state == "stopped" and result.stopped:
        st.info(f"This training was stopped after {count_of(run.epoch, 'epoch')} of {count(run.epochs)}; what it had learnt "
                "until then is shown.", icon=":material/stop_circle:")
    _draw_predictions(result)
    st.fragment(_draw_tabs)(run, result)


def _draw_tabs(run, result):
    """The loss, all scores and the predictions; only what is open is drawn."""
    loss, scores, rows = st.tabs(["Loss", "Scores", "Predictions"], key="train_tab", on_change="rerun")
    with loss:
        if loss.open:
            if result.members:
                st.caption(learnt_words(result))
                return
            log_scale = st.toggle("Logarithmic loss", key="train_log")
            draw_loss(result.curve, run, log_scale, key="train_curve_ended")
            st.caption(f"{learnt_words(result)} Trained for {duration(run.seconds)}.")
            if why_apart := gap_words(result):
                st.caption(why_apart)
    with scores:
        if scores.open:
            st.dataframe(_score_table(result), height="content")
            st.caption("Only the test part is new to the network: it was fitted to the training part and chosen on validation, "
                       "which also set the width of the intervals. " + direction_words(
                           result.metrics["test"], unit(result.history.frequency)))
            with st.expander("What each score compares with"):
                st.markdown("\n".join(f"- **{SCORES[name].label}.** {SCORES[name].about}" for name in shown_in("parts")))
            draw_reasons({PARTS[part]: reasons for part, reasons in result.reasons.items()}, shown=shown_in("parts"))
    with rows:
        if rows.open:
            tail = result.predictions.tail(LAST_ROWS)
            shown = pd.DataFrame({name.replace("_", " ").capitalize():
                                  tail[name].map(PARTS.get if name == "split" else price) for name in tail})
            st.dataframe(shown.set_axis([date(day) for day in tail.index]), height=320)
            st.caption(f"The last {count_of(len(tail), 'row')}; the download has them all, in full precision.")


def _draw_scores(run, result):
    """RMSE and MAPE of the test part with the naive forecast's beside them, and the download."""
    test, currency = result.metrics["test"], result.history.currency
    rmse, mape, skill, download = st.columns([1, 1, 1, 1.6], vertical_alignment="center")
    rmse.metric("RMSE", price(test["rmse"], currency), f"naive {price(test['naive_rmse'], currency)}", delta_color="off",
                delta_arrow="off", help=f"On the test part. {SCORES['rmse'].help}")
    mape.metric("MAPE", percent(test["mape"]), f"naive {percent(test['naive_mape'])}", delta_color="off", delta_arrow="off",
                help=f"On the test part. {SCORES['mape'].help}")
    skill.metric("Skill", share(test["skill"], signed=True, digits=1), "0 is naive", delta_color="off", delta_arrow="off",
                 help=f"On the test part. {SCORES['skill'].help}")
    download.download_button("Download predictions (CSV)", load_csv(run.id), predictions_file_name(result),
                             "text/csv", icon=":material/download:", on_click="ignore", width="stretch")
    download.download_button("Download predictions (Excel)", partial(predictions_xlsx, result),
                             predictions_file_name(result, "xlsx"), XLSX, icon=":material/download:", on_click="ignore",
                             width="stretch")
    download.download_button("Download everything (ZIP)", partial(_zip, result), zip_file_name(result), ZIP,
                             icon=":material/folder_zip:", on_click="ignore", width="stretch",
                             help="Predictions and forecast as CSV, the Keras model, settings, prices, a report that opens "
                                  "offline, and a script and a notebook that repeat the run. The Runs page opens it again.")
    if download.button("Look inside this network", key="train_inside", icon=":material/neurology:", width="stretch",
                       disabled=bool(result.members) or not result.has_model,
                       help="Gates, states and gradients of this network on its own prices."):
        state = app_state()
        state.run_id, state.inside = run.id, replace(state.inside, example=None, day=None)
        st.switch_page("pages/7_Inside_the_LSTM.py")


def _zip(result) -> bytes:
    from forecasting.runs.take_home import run_zip

    return run_zip(result)


def _draw_predictions(result):
    stretch = st.segmented_control("Stretch shown", list(STRETCHES), default="Test part", key="train_stretch", required=True,
                                   label_visibility="collapsed",
                                   help="Sixty rows show whether the prediction is yesterday's price, one day late.")
    predictions, rows = result.predictions, STRETCHES[stretch]
    if rows is None:
        x_range = _span(predictions[predictions["split"] == "test"].index)
    else:
        x_range = last_rows(predictions.index, rows) if rows else None
    figure = prediction_chart(predictions, dark=is_dark(), currency=result.history.currency, x_range=x_range)
    draw_chart(figure, "train_predictions")


def _span(dates: pd.DatetimeIndex):
    return (dates[0], dates[-1]) if len(dates) else None


def _score_table(result) -> pd.DataFrame:
    return pd.DataFrame({PARTS[part]: {SCORES[name].label: _cell(part, name, scores, result.history.currency)
                                       for name in shown_in("parts")}
                         for part, scores in result.metrics.items()})


def _cell(part: str, name: str, scores: dict, currency: str | None) -> str:
    text = SCORES[name].show(name, scores, currency)
    # Intervals are fitted to the validation part, so their coverage there proves nothing.
    return f"{text} (fitted)" if SCORES[name].level and part != "test" and text != UNKNOWN else text
