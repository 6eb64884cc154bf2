"""The Forecast page: its settings, the job that computes it, the fan chart, the table and the downloads."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from forecasting.evaluation.verdict import gate_words
from forecasting.plots import forecast_fan, stretches
from forecasting.result import MAX_STEPS
from forecasting.runs.export import XLSX, forecast_csv, forecast_file_name, forecast_xlsx
from forecasting.runs.forecasts import about_combination, both_forecasts, one_forecast
from forecasting.words import count_of, date, dates, decimals, number, price, unit
from pages.components.bring_back import draw_opened
from pages.components.charts import draw_chart
from pages.components.engine import draw_trouble, is_silent
from pages.components.forecast_view import ForecastView, Wish
from pages.components.frame import boundary, is_dark
from pages.components.horizon import draw_horizon
from pages.components.risk import draw_outlook
from pages.components.state import AppState, reported
from pages.components.store import load_forecast, run_store
from pages.components.text import plain
from pages.components.track import keep_forecast

__all__ = ["draw_forecast", "draw_forecast_settings"]

TICK_SECONDS = 0.5
STEPS_BEYOND = 60  # steps that can be asked for beyond the horizon
RUN, COMBINATION = "This run", "Combination"
# Dims the forecast of the earlier settings. Plain CSS takes up no space, so nothing on the page moves.
DIMMED = "<style>.st-key-forecast_shown { opacity: 0.45; transition: opacity 0.2s; }</style>"


def draw_forecast_settings(state: AppState, result) -> Wish:
    """The sidebar of this page; `state.forecast` follows.

    The state only provides the widgets' defaults: once a widget has been moved, its own value counts.
    """
    history, horizon = result.history, result.config.horizon
    most, usual = _most_steps(result), min(10, max(5, horizon))
    test = result.predictions.index[result.predictions["split"] == "test"]
    given = _possible(state, result, most, usual, test)
    with st.sidebar:
        by = st.radio("Forecast by", [RUN, COMBINATION], index=int(given.combined), key="forecast_by", horizontal=True,
                      help="The combination is this run, ridge regression with seasons and gradient boosting, each with the "
                           "share that validation gives it. Fitting them takes seconds. On series with a season it errs a "
                           "little less than the run alone; on prices there is nothing to gain.")
        steps = st.slider(f"{unit(history.frequency).capitalize()}s ahead", 1, most, given.steps or usual,
                          key="forecast_steps",
                          help=f"Up to {horizon} the network predicts directly; further steps feed its own predictions back, "
                               "and errors add up.")
        guarded = st.toggle("Guard with the evidence gate", value=given.guarded, key="forecast_guarded",
                            help="Departs from the naive forecast only as far as the evidence allows. Without it you see the "
                                 "network's own forecast, however little that is worth.")
        past = st.toggle("As if today were …", value=given.as_of is not None, key="forecast_past", disabled=not len(test),
                         help="The forecast as it would have been made on a day of the test part, and what happened next.")
        day = None
        if past and len(test):
            day = st.date_input("Today is", value=given.as_of or test[len(test) // 2].date(), min_value=test[0].date(),
                                max_value=test[-1].date(), key="forecast_day", format="YYYY-MM-DD",
                                help="A day of the test part; on one without a price, the last price before it is known.")
        refit = st.toggle("Refit on all data first", value=given.refit, key="forecast_refit",
                          disabled=past or bool(result.members),
                          help="An average of networks is not trained itself, so it cannot be trained again." if result.members
                               else "A day in the past is forecast by the network as it was trained." if past else
                               "Trains the same settings on every row, the test part included, so that the forecast knows "
                               "the latest prices. The test scores remain those of the run.")
    view = ForecastView(None if steps == usual else steps, guarded, refit, day, by == COMBINATION)
    if view != given:  # the user has changed something, so the problem in the address no longer applies
        state.forecast_problem = None
    state.forecast = view
    refit = refit and day is None and not result.members
    return Wish(steps, guarded, refit, None if day is None else _last_row_of(history, day), view.combined)


def _most_steps(result) -> int:
    return min(MAX_STEPS, result.config.horizon + STEPS_BEYOND)


def _possible(state: AppState, result, most: int, usual: int, test) -> ForecastView:
    """The current view, with defaults for whatever this run cannot provide; `state.forecast_problem` then says so."""
    view, one = state.forecast, unit(result.history.frequency)
    if view.steps == usual:
        view = replace(view, steps=None)
    if view.steps is not None and view.steps > most:
        state.forecast_problem = (f"This run can be asked for up to {count_of(most, one)} ahead. Received: "
                                  f"{count_of(view.steps, one)}. The usual {count_of(usual, one)} are shown.")
        view = replace(view, steps=None)
    if view.as_of is not None and not (len(test) and test[0].date() <= view.as_of <= test[-1].date()):
        where = f"a day of its test part, {dates(test[0], test[-1])}" if len(test) else "the last row only"
        state.forecast_problem = (f"This run can be forecast from {where}. Received: {date(view.as_of)}. The forecast from "
                                  "the last row is shown.")
        view = replace(view, as_of=None)
    return view


def _last_row_of(history, day) -> str:
    """The last row on or before that day, since markets are closed on some days."""
    return str(history.dates[history.dates.searchsorted(pd.Timestamp(day) + pd.Timedelta(days=1)) - 1])


def draw_forecast(state: AppState, run, result, wish: Wish):
    """The forecast for the current settings; until it is ready, the previous one, dimmed."""
    if result.invalid:
        st.error(f"{plain(result.invalid)} Its forecasts are worthless; choose an honest run.", icon=":material/block:")
        return
    if not result.has_model:
        draw_opened(run)
        return
    # Put the run into the address: otherwise a shared link would show whichever run is newest when it is opened.
    state.run_id = state.run_id or run.id
    # In a container of its own, so that a sentence that comes or goes moves nothing below it.
    said = st.container()
    if state.forecast_problem:
        said.warning(plain(state.forecast_problem), icon=":material/link_off:")
    with boundary():
        table, job = _find(state, run, result, wish)
        _draw_buttons(state, run, result, wish, table, job)
        if job is not None and not job.active and table is None:
            if job.state == "stopped" and not job.error:  # a stop that the user asked for is no error
                said.info("This forecast was stopped before it was made. Press Forecast to make it.",
                          icon=":material/stop_circle:")
            else:
                said.error(plain(job.error or "This forecast failed. Press Forecast to try again."),
                           icon=":material/error:")
        if table is None:
            said.html(DIMMED)
            title, shown, drawn = _until_then(state, run, result, wish)
        else:
            state.forecast_drawn = (run.id, wish, table)
            title, shown, drawn = "Forecast by the combination" if wish.combined else "Forecast", wish, table
            if wish.as_of is None:
                keep_forecast(state, run, result, wish, one_forecast(table, result.history.close[-1], wish.guarded))
        with st.container(key="forecast_shown"):
            _show(result, shown, drawn, title, ready=table is not None)
    st.subheader("What could be lost")
    draw_outlook(run, result, wish)
    if result.config.horizon > 1:
        st.subheader("How far can this model see?")
        draw_horizon(run, result)


def _find(state: AppState, run, result, wish: Wish):
    """(the table of `both_forecasts` or None while it is not ready, the job that computes it).

    Starts a new job automatically, unless one for these settings has failed or was stopped.
    """
    if not wish.refit and not wish.combined and wish.steps <= result.config.horizon:
        return both_forecasts(result, wish.steps, wish.as_of), None  # the saved result has these steps already
    job = _job(run, wish) or _start(state, run, result, wish)
    return (load_forecast(job.id).iloc[:wish.steps] if job.has_result else None), job


def _job(run, wish: Wish):
    """The job that has made or makes this forecast; if there is none, the latest that tried; None if nobody has."""
    jobs = [job for job in run_store().list(limit=100, kind="forecast", parent=run.id)
            if (job.parameters["refit"], job.parameters["as_of"]) == (wish.refit, wish.as_of)
            and job.parameters.get("combined", False) == wish.combined and job.parameters["steps"] >= wish.steps]
    return next((job for job in jobs if job.has_result or job.active), jobs[0] if jobs else None)


def _start(state: AppState, run, result, wish: Wish, again: bool = False):
    """Starts a job for all steps that can be asked for: more steps cost a fraction of a second, another job costs more.

    Returns the one that another session has started meanwhile, if there is one. again: whether it may have failed
    """
    with run_store().one_at_a_time():
        job = _job(run, wish)
        if job is not None and (job.has_result or job.active or not again):
            return job
        return run_store().get(run_store().create(
            result.history, result.config, kind="forecast", owner=state.owner, parent=run.id,
            parameters={"steps": _most_steps(result), "refit": wish.refit, "as_of": wish.as_of, "combined": wish.combined}))


def _until_then(state: AppState, run, result, wish: Wish):
    """(title, wish, table) of what the page shows until the forecast is ready: the previous forecast, or at first that of the
    network as it was trained."""
    if state.forecast_drawn and state.forecast_drawn[0] == run.id:
        return "Forecast, from the earlier settings", *state.forecast_drawn[1:]
    direct = replace(wish, steps=min(wish.steps, result.config.horizon), refit=False, combined=False)
    return "Preliminary forecast, as trained", direct, both_forecasts(result, direct.steps, direct.as_of)


def _draw_buttons(state: AppState, run, result, wish: Wish, table, job):
    """Forecast, Stop and the progress of the job, in a row whose height never changes, not even on a phone."""
    busy = job is not None and job.active
    with st.container(horizontal=True, vertical_alignment="center"):
        missing = table is None and not busy
        pressed = st.button("Forecast", type="primary", icon=":material/timeline:", disabled=not missing,
                            help="Forecasts with the settings on the left." if missing else "It is being computed." if busy
                            else "This is the forecast for the settings on the left; it follows them by itself.")
        st.button("Stop", icon=":material/stop:", disabled=not busy, on_click=_stop, args=(job.id if busy else None,),
                  help=None if busy else "Nothing is being computed.")
        if busy:
            st.fragment(_wait, run_every=TICK_SECONDS)(job.id)
    if pressed and missing:
        _start(state, run, result, wish, again=True)
        st.rerun()


@reported
def _stop(job_id: str):
    run_store().request_stop(job_id, force=is_silent(run_store().get(job_id)))


def _wait(job_id: str):
    with boundary():
        job = run_store().get(job_id)
        if not job.active:
            st.rerun()
        where = f"number {job.queue_position} in the queue" if job.queue_position else job.phase or "preparing"
        now = f"Epoch {job.epoch} of {job.epochs}" if job.epoch else where.capitalize()
        st.progress(min(1.0, job.epoch / job.epochs) if job.epochs else 0.0, text=now)
        draw_trouble(job)


def _show(result, wish: Wish, both: pd.DataFrame, title: str, ready: bool):
    """A forecast: its numbers, what to make of them, the chart, the downloads and all its steps.

    both: from `both_forecasts`; ready: whether this is the forecast for the current settings
    """
    history, currency = result.history, result.history.currency
    past = history.frame["Close"]
    after = None
    if wish.as_of:
        past, after = past[: wish.as_of], past[past.index > pd.Timestamp(wish.as_of)]
    last = past.iloc[-1]
    shown, own = one_forecast(both, last, wish.guarded), both["predicted"]
    is_naive = np.allclose(shown["predicted"], last, rtol=1e-9, atol=0)
    _draw_numbers(shown, past, currency, is_naive)
    st.markdown(_words(result, wish, about_combination(both)))
    beside = own if wish.guarded and not np.allclose(own, shown["predicted"], rtol=1e-6, atol=0) else None
    st.fragment(_draw_chart)(past, shown, own=beside, actual=after, currency=currency, title=title,
                             own_name="Unguarded" if wish.combined else "Network alone")
    with st.container(horizontal=True):
        for label, write, mime, ending in (("CSV", forecast_csv, "text/csv", "csv"),
                                           ("Excel", forecast_xlsx, XLSX, "xlsx")):
            st.download_button(f"Download forecast ({label})", partial(write, shown, currency, wish.guarded, wish.combined),
                               forecast_file_name(history, wish.guarded, past.index[-1], ending, wish.combined), mime,
                               icon=":material/download:", on_click="ignore", disabled=not ready)
    labels = {name: name.replace("_", " ").capitalize() for name in ("predicted", "naive", *shown.columns)}
    table = shown[list(labels)].rename(columns=labels).map(lambda value: price(value, currency))
    with st.expander("All steps as a table", expanded=len(table) <= 10):
        st.dataframe(table.set_axis([date(day) for day in table.index]), height="content")


def _draw_numbers(shown: pd.DataFrame, past: pd.Series, currency: str | None, is_naive: bool):
    """The last price and the expected one at the end. Each takes the width it needs, and wraps if it must."""
    last, end = past.iloc[-1], shown.iloc[-1]
    of = f", {currency}" if currency else ""
    change = "as naive: no change" if is_naive else " ".join(
        [number(end["predicted"] - last, decimals(last), signed=True), currency or ""]).rstrip()
    with st.container(horizontal=True, gap="medium"):
        for label, value, below in (
                ("Last known price", price(last, currency), date(past.index[-1])),
                (f"Expected on {date(shown.index[-1])}", price(end["predicted"], currency), change),
                (f"80 % interval{of}", f"{price(end['lower_80'])} – {price(end['upper_80'])}", None),
                (f"95 % interval{of}", f"{price(end['lower_95'])} – {price(end['upper_95'])}", None)):
            st.metric(label, value, below, delta_color="off", delta_arrow="off", width="content")


def _draw_chart(past: pd.Series, shown: pd.DataFrame, **options):
    offered = stretches(past.index)
    chosen = next(iter(offered))
    if len(offered) > 1:
        chosen = st.segmented_control("Stretch shown", list(offered), default=chosen, key="forecast_stretch", required=True,
                                      label_visibility="collapsed",
                                      help="How much of the past stands before the forecast; the price axis fits it.")
    draw_chart(forecast_fan(past, shown, rows=offered[chosen], dark=is_dark(), **options), "forecast_fan")


def _words(result, wish: Wish, about) -> str:
    """about: from `about_combination`"""
    words, who = [], "network" if about is None else "combination"
    if not wish.guarded:
        words.append(f"The evidence gate is off: this is the {who}'s own line, whatever it is worth.")
    elif about is not None:
        words.append(plain(about[1].words(wish.steps, who)))
    else:
        words.append(plain(gate_words(result.gate_at(wish.as_of), result.best_epoch, epochs=len(result.curve),
                                      steps=wish.steps)))
    if wish.steps > result.config.horizon:
        words.append(f"Steps beyond {result.config.horizon} feed the {who}'s own predictions back, so their errors add up.")
    if wish.refit and about is not None:
        words.append("All of its members were fitted again on all rows, and this forecast starts from the last one; shares and "
                     "scores are those of before.")
    elif wish.refit:
        again = "The network was trained again" if result.best_epoch else "What the run had learnt was fitted again"
        words.append(f"{again} on all rows, and this forecast starts from the last one; the scores are those of the run.")
    else:
        row = f"as if today were {date(wish.as_of)}" if wish.as_of else f"from the last row, {date(result.history.dates[-1])}"
        by = "the network as the run trained it" if about is None else "members that have not seen the test part"
        words.append(f"The forecast is made {row}, by {by}.")
    return "\n\n".join([*([plain(about[0])] if about else []), " ".join(words)])
