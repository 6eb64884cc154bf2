"""Learning, replayed: weights, gates and forecasts as they formed; and what the first weights do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from forecasting import RunError
from forecasting.inside import inspect
from forecasting.plots import formed_chart, forming_chart, weight_chart
from forecasting.words import number, price
from pages.components.experiment import draw_experiment
from pages.components.frame import is_dark
from pages.components.inside.loaded import load_replay
from pages.components.inside.remembered import choose_unit
from pages.components.inside.subject import Subject, draw_plot
from pages.components.state import AppState, taken, widget_for
from pages.components.text import plain

__all__ = ["draw_learning", "take_epoch"]


def take_epoch(state: AppState):
    for _, chosen in taken(state, "inside_epoch"):
        state.inside = replace(state.inside, epoch=chosen)


def draw_learning(state: AppState, subject: Subject):
    """The training as its snapshots tell it, then the initialisations side by side."""
    try:
        told = load_replay(subject.id, subject.result, subject.day, subject.date)
    except RunError as error:
        st.info(plain(error), icon=":material/info:")
    else:
        _draw_replay(state, subject, told)
    st.subheader("Initialisation")
    if subject.run is None:
        st.caption("Open one of your own runs to train it from Xavier, He and normal starts and compare them here.")
    else:
        draw_experiment("starts", subject.run, subject.result)


def _draw_replay(state: AppState, subject: Subject, told):
    epochs = [int(epoch) for epoch in told.epochs]
    # The last entry is the network that was kept, whose epoch may be an earlier one.
    options = list(dict.fromkeys(sorted(epochs)))
    chosen = min(options, key=lambda epoch: abs(epoch - (epochs[-1] if state.inside.epoch is None else state.inside.epoch)))
    if len(options) > 1:
        widget = widget_for(state, "inside_epoch", chosen)
        st.select_slider("After epoch", options, value=chosen, key=widget.key,
                         help=f"The epochs of which the weights were kept. 0: before training. Epoch {epochs[-1]} is the "
                              "network that was kept.")
    at = len(epochs) - 1 - epochs[::-1].index(chosen)
    currency = subject.result.history.currency
    st.markdown(plain(_sentence(told, at, currency)))
    dark = is_dark()
    moves, came = (100 * (prices / told.naive - 1) for prices in (told.predicted, told.actual))
    draw_plot(forming_chart(told.days, moves, came, told.epochs, at, dark=dark), "inside_forming",
              "Each line holds the moves that the network predicted after one epoch; the bold one is the chosen epoch's. A "
              "line on zero is the naive forecast. What came is much larger: click it in the legend.", subject,
              lambda: _predictions(told))
    name = st.selectbox("Weights", list(told.weights[0]), key="inside_weights")
    quantiles = np.array([one[name] for one in told.weights])
    order = np.argsort(told.epochs, kind="stable")
    draw_plot(weight_chart(told.epochs[order], quantiles[order], name, chosen, dark=dark), "inside_weight_chart",
              "Half of the weights lie in the darkest band. A band that widens has learnt something; one that stays as it was "
              "at epoch 0 has not.", subject, lambda: pd.DataFrame(quantiles[order]).assign(Epoch=told.epochs[order]))
    layer, unit = choose_unit(state, subject)
    gates, kept = ({gate: values[:, unit] for gate, values in told.gates[place][layer].items()} for place in (at, -1))
    dates = inspect(subject.result, subject.date).dates
    draw_plot(formed_chart(gates, kept, dates, chosen, dark=dark), "inside_formed",
              "The chosen unit on the chosen window after that epoch; dotted, in the network that was kept.", subject,
              lambda: pd.DataFrame({"Date": dates, **gates}))


def _sentence(told, at: int, currency) -> str:
    error, naive = (float(np.sqrt(np.mean((predicted - told.actual) ** 2))) for predicted in (told.predicted[at], told.naive))
    change = 100 * (1 - error / naive) if naive else 0.0
    beside = "as good as" if abs(change) < 0.005 else f"{number(abs(change), 2)} % {'better' if change > 0 else 'worse'} than"
    return (f"After epoch {told.epochs[at]}, the forecasts of {len(told.days)} validation days miss by "
            f"{price(error, currency)} (RMSE), {beside} the naive forecast's {price(naive, currency)}.")


def _predictions(told) -> pd.DataFrame:
    table = {"Date": told.days, "Actual": told.actual, "Naive": told.naive}
    for place, epoch in enumerate(told.epochs):
        name = "Kept" if place == len(told.epochs) - 1 else f"Epoch {epoch}"
        table[name] = told.predicted[place]
    return pd.DataFrame(table)
