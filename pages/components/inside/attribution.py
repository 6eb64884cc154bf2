"""Which past days mattered for the forecast: integrated gradients, occlusion, and the profile over many windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from forecasting.inside import BASELINES
from forecasting.plots import attribution_chart, input_chart, profile_chart
from forecasting.words import date, percent, price, share, unit
from pages.components.frame import is_dark
from pages.components.inside.loaded import load_attributions, load_profile
from pages.components.inside.subject import Subject, draw_plot
from pages.components.state import AppState, taken, widget_for
from pages.components.text import plain

__all__ = ["day_table", "draw_attributions", "take_baseline"]

NAMES = {"average": "The average window", "still": "A still price"}
EXACT = 0.01  # of the difference, within which the sum must lie


def take_baseline(state: AppState):
    for _, chosen in taken(state, "inside_baseline"):
        state.inside = replace(state.inside, baseline=chosen)


def draw_attributions(state: AppState, subject: Subject):
    """The days of this window, the inputs, and all windows of the validation part."""
    result, one = subject.result, unit(subject.result.history.frequency)
    baseline = state.inside.baseline if state.inside.baseline in BASELINES else next(iter(BASELINES))
    widget = widget_for(state, "inside_baseline", baseline)
    st.segmented_control("Compared with", list(BASELINES), default=baseline, key=widget.key, required=True,
                         format_func=lambda name: NAMES.get(name, name))
    st.caption(BASELINES[baseline])
    found, currency = load_attributions(subject.id, result, subject.day, baseline, subject.date), result.history.currency
    prices = _prices(result, found)
    st.markdown(plain(_sentence(found, currency)))
    draw_plot(attribution_chart(found, prices, dark=is_dark(), currency=currency, one=one), "inside_attribution",
              f"A bar above zero: that {one} pushed the forecast up, compared with the baseline. A dash shows what the "
              f"forecast would lose if that {one} alone were replaced.", subject, lambda: day_table(found, prices))
    st.caption(plain(_check(found, currency)))
    if len(found.channels) > 1:
        draw_plot(input_chart(found, dark=is_dark(), currency=currency), "inside_inputs",
                  "The same shares, added up over the window for each input.", subject, lambda: _inputs(found))
    table = load_profile(subject.id, result, "validation", baseline)
    draw_plot(profile_chart(table, found.factor, found.unit, dark=is_dark(), currency=currency, one=one), "inside_profile",
              f"The last {one} of the window is at the left. The higher the line, the more what came so long ago moved the "
              "forecast, up or down, on average over windows of the validation part.", subject, table.reset_index)


def _prices(result, found) -> np.ndarray:
    known = ~found.dates.isna()
    prices = np.full(len(found.dates), np.nan)
    prices[known] = result.history.frame["Close"].reindex(found.dates[known]).to_numpy()
    return prices


def _amount(value: float, found, currency) -> str:
    if found.unit == "percent":
        return percent(value * found.factor, signed=True, digits=3)
    return price(value * found.factor, currency, signed=True)


def _sentence(found, currency) -> str:
    """What moved the forecast, in words."""
    days, known = found.total.sum(axis=1), ~found.dates.isna()
    at = int(np.abs(np.where(known, days, 0)).argmax())
    whole = np.abs(days).sum()
    network, linear = found.network.sum(), found.linear.sum()
    whose = (f"{_amount(network, found, currency)} by the network and {_amount(linear, found, currency)} by the frozen linear "
             "part beside it." if found.linear.any() else "all of it by the network.")
    words = [f"Compared with this baseline, the window moved the forecast by {_amount(found.explained, found, currency)}, "
             f"{whose}"]
    if whole:
        words.append(f"{date(found.dates[at])} mattered most, with {_amount(days[at], found, currency)}, "
                     f"{share(abs(days[at]) / whole, digits=0)} of all that was moved up or down.")
    return " ".join(words)


def _check(found, currency) -> str:
    """The sum of the shares against prediction minus baseline."""
    miss = abs(found.gap) / abs(found.explained) if found.explained else 0.0
    kept = "as it must" if miss <= EXACT else "which is more than one percent off: read the bars with care"
    return (f"Checked: the shares add up to {_amount(found.total.sum(), found, currency)}, and the forecast minus the "
            f"baseline's is {_amount(found.explained, found, currency)} ({share(miss, digits=3)} apart), {kept}. The gradient "
            f"was taken at {found.nodes} points on the way. The linear part's shares are exact.")


def day_table(found, prices) -> pd.DataFrame:
    """What is downloaded of the shares of the days, in outputs. prices: (length,), of the days of `found`"""
    table = {"Date": found.dates, "Price": prices, "Network": found.network.sum(axis=1),
             "Linear part": found.linear.sum(axis=1), "Occlusion": found.occlusion}
    return pd.DataFrame(table | {f"Share of {name}": found.total[:, at] for at, name in enumerate(found.channels)})


def _inputs(found) -> pd.DataFrame:
    return pd.DataFrame({"Input": found.channels, "Network": found.network.sum(axis=0),
                         "Linear part": found.linear.sum(axis=0)})
