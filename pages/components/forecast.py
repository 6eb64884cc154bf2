"""The Forecast page: its settings, the job that computes it, the fan chart, the table and the download."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from forecasting.evaluation.verdict import gate_words
from forecasting.plots import forecast_fan
from forecasting.result import MAX_STEPS
from forecasting.runs.export import forecast_csv, forecast_file_name
from forecasting.words import date, price, unit
from pages.components.diagnostics import draw
from pages.components.frame import boundary, is_dark
from pages.components.jobs import run_store
from pages.components.live import draw_trouble
from pages.components.state import AppState, reported
from pages.components.text import plain
from pages.components.verdict import draw_horizon

__all__ = ["draw_forecast", "draw_forecast_settings"]

TICK_SECONDS = 0.5
STEPS_BEYOND = 60  # the horizon
COLUMNS = ("predicted", "lower_80", "upper_80", "lower_95", "upper_95")


@dataclass(frozen=True)
class Wish:
    """steps: how many; refit: train on all data first; as_of: the day on which it is made, or None for the last one
    guarded: departs from naive only as far as the evidence gate allows
    """

    steps: int
    refit: bool
    as_of: str | None
    guarded: bool

    @property
    def parameters(self) -> dict:
        return {"steps": self.steps, "refit": self.refit, "as_of": self.as_of}


def draw_forecast_settings(result) -> Wish:
    """The sidebar of this page."""
    history = result.history
    test = result.predictions.index[result.predictions["split"] == "test"]
    with st.sidebar:
        steps = st.slider(f"{unit(history.frequency).capitalize()}s ahead", 1,
                          min(MAX_STEPS, result.config.horizon + STEPS_BEYOND),
                          min(10, max(5, result.config.horizon)), key="forecast_steps",
                          help=f"Up to {result.config.horizon} the network predicts directly; further steps feed its own "
                               "predictions back, and errors add up.")
        guarded = st.toggle("Guard with the evidence gate", value=True, key="forecast_guarded",
                            help="Departs from the naive forecast only as far as validation proves that it should. Without "
                                 "it you see the network's own line, however little it is worth.")
        past = st.toggle("As if today were …", key="forecast_past", disabled=not len(test),
                         help="The forecast as it would have been made on a day of the test part, with what then happened.")
        as_of = None
        if past:
            first, last = test[0].date(), test[-1].date()
            picked = st.date_input("Today is", value=test[len(test) // 2].date(), min_value=first, max_value=last,
                                   key="forecast_day", format="YYYY-MM-DD",
                                   help="A day of the test part; on one without a price, the last price before it is known.")
            # The last row of that day or before: markets close on some days.
            as_of = str(history.dates[history.dates.searchsorted(pd.Timestamp(picked) + pd.Timedelta(days=1)) - 1])
        refit = st.toggle("Refit on all data first", value=True, key="forecast_refit", disabled=past,
                          help="A day in the past is forecast by the network as it was trained." if past else
                               "Trains the same settings on every row, the test part included, so that the forecast knows "
                               "the latest prices. The test scores remain those of the run.")
    return Wish(steps, refit and not past, as_of, guarded)


def draw_forecast(state: AppState, run, result, wish: Wish):
    """The forecast that was asked for, computed by a job of its own if there is none yet."""
    if result.invalid:
        st.error(f"{plain(result.invalid)} What it forecasts is worth nothing; choose an honest run.", icon=":material/block:")
        return
    jobs = run_store().list(limit=100, kind="forecast", parent=run.id)
    job = next((job for job in jobs if job.parameters == wish.parameters), None)
    first_visit = not jobs
    with st.container(horizontal=True, vertical_alignment="center"):
        busy = job is not None and job.active
        pressed = st.button("Forecast", type="primary", icon=":material/timeline:", disabled=busy,
                            help="It is being computed." if busy else "Forecasts with the settings on the left.")
        st.button("Stop", icon=":material/stop:", disabled=not busy, on_click=_stop, args=(job.id if job else None,),
                  help=None if busy else "Nothing is being computed.")
    if pressed or (first_visit and job is None):
        run_store().create(result.history, result.config, kind="forecast", owner=state.owner, parent=run.id,
                           parameters=wish.parameters)
        st.rerun()
    if job is None:
        st.info("Press Forecast for these settings.", icon=":material/info:")
    elif job.active:
        st.fragment(_wait, run_every=TICK_SECONDS)(job.id)
    elif not job.has_result:
        st.error(plain(job.error or "This forecast was stopped before it was made. Press Forecast to make it."),
                 icon=":material/error:")
    else:
        with boundary():
            _show(run, result, wish, run_store().forecast(job.id))


@reported
def _stop(job_id: str):
    run_store().request_stop(job_id)


def _wait(job_id: str):
    with boundary():
        job = run_store().get(job_id)
        if not job.active:
            st.rerun()
        where = f"number {job.queue_position} in the queue" if job.queue_position else job.phase or "preparing"
        st.progress(min(1.0, job.epoch / job.epochs) if job.epochs else 0.0,
                    text=f"Epoch {job.epoch} of {job.epochs}" if job.epoch else where.capitalize())
        draw_trouble()


def _show(run, result, wish: Wish, frame: pd.DataFrame):
    history, currency = result.history, result.history.currency
    names = [f"guarded_{name}" if wish.guarded else name for name in COLUMNS]
    shown = frame[names].set_axis(list(COLUMNS), axis=1)
    past = history.frame["Close"]
    after = None
    if wish.as_of:
        past, after = past[: wish.as_of], past[past.index > pd.Timestamp(wish.as_of)]
    now, last, end = past.index[-1], past.iloc[-1], shown.iloc[-1]
    first, final, range_80, range_95 = st.columns(4)
    first.metric("Last known price", price(last, currency), date(now), delta_color="off", delta_arrow="off")
    final.metric(f"Expected on {date(shown.index[-1])}", price(end["predicted"], currency),
                 f"{price(end['predicted'] - last, currency, signed=True)}", delta_color="off", delta_arrow="off")
    # The currency in the label: with it, the widest of the four numbers would be cut.
    of = f", {currency}" if currency else ""
    range_80.metric(f"80 % interval{of}", f"{price(end['lower_80'])} – {price(end['upper_80'])}")
    range_95.metric(f"95 % interval{of}", f"{price(end['lower_95'])} – {price(end['upper_95'])}")
    st.markdown(_words(result, wish))
    draw(forecast_fan(past, shown, actual=after, dark=is_dark(), currency=currency), "forecast_fan")
    st.download_button("Download forecast (CSV)", forecast_csv(shown), forecast_file_name(history, now), "text/csv",
                       icon=":material/download:", on_click="ignore")
    table = shown.set_axis(["Predicted", "Lower 80", "Upper 80", "Lower 95", "Upper 95"], axis=1)
    with st.expander("All steps as a table", expanded=len(table) <= 10):
        st.dataframe(table.map(lambda value: price(value, currency)).set_axis([date(day) for day in table.index]),
                     height="content")
    if result.config.horizon > 1:
        st.subheader("How far can this model see?")
        draw_horizon(run, result)


def _words(result, wish: Wish) -> str:
    words = []
    if wish.guarded:
        words.append(plain(gate_words(result.gate, result.best_epoch, epochs=len(result.curve))))
    else:
        words.append("The evidence gate is off: this is the network's own line, whatever it is worth.")
    if wish.steps > result.config.horizon:
        words.append(f"Steps beyond {result.config.horizon} feed the network's own predictions back, so their errors add up.")
    if wish.refit:
        again = "The network was trained again" if result.best_epoch else "What the run had learnt was fitted again"
        words.append(f"{again} on all rows before this forecast; the scores are those of the run.")
    return " ".join(words)
