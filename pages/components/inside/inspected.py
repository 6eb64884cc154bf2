"""A window, inspected: from prices through target and scaling to the numbers that enter, with its label, and the next one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from forecasting.inside import inspect
from forecasting.model.encoding import CLIP
from forecasting.words import date, number, price, unit
from pages.components.inside.subject import Subject, draw_data
from pages.components.text import plain

__all__ = ["draw_inspected"]

HEIGHT = 420
PRICE_DIGITS = 9  # of a price in a formula, since a small move is the difference of two large numbers


def draw_inspected(state, subject: Subject):
    """This window and the one a step later side by side, and the arithmetic of the last row in words."""
    result = subject.result
    windows = [inspect(result, subject.date)]
    if subject.date is not None:
        row = windows[0].origin + 2
        windows.append(inspect(result, result.history.dates[row] if row < len(result.history) else None))
    st.markdown("\n".join(f"{place}. {step}" for place, step in enumerate(_steps(subject, windows[0]), start=1)))
    one = unit(result.history.frequency)
    for place, window, title in zip(st.columns(2), windows, ("This window", f"The next window, a {one} later"), strict=False):
        with place:
            st.markdown(f"**{title}**")
            st.dataframe(_table(window, result.history.currency), height=HEIGHT, hide_index=True)
            st.caption(plain(_label_words(window, result.encoder, result.history.currency)))
    st.caption(f"The oldest {one} comes first. The next window is the same but for its first and last row, so neighbouring "
               "windows tell the network nearly the same thing, and shuffling them between training and test part would give "
               "the answers away.")
    draw_data(lambda: _data(windows[0]), "inside_window", subject)


def _steps(subject: Subject, window) -> list[str]:
    """How the last price becomes a number that enters, with the numbers; and what the label is."""
    result, encoder = subject.result, subject.result.encoder
    last, before, channels = window.prices[-1], window.prices[-2], list(window.channels)
    day, currency = date(window.dates[-1]), result.history.currency
    said = [f"**Price.** {plain(price(last, currency))} on {day}; {plain(price(before, currency))} the row before."]
    if "Close" in channels:
        at = channels.index("Close")
        raw, entered = window.unscaled[-1, at], window.entered[-1, at]
        if encoder.target == "price" and result.config.leak == "centred_average":
            said.append(f"**Scaling.** An average of past and future prices, the mistake of this run, enters as "
                        f"{_tex(entered)}.")
        elif encoder.target == "price":
            said.append(f"**Scaling.** Minus the centre {number(encoder.centre, 4)}, over {number(encoder.scale, 4)}, both "
                        f"from the training part: $({_tex(last, PRICE_DIGITS)} - {_tex(encoder.centre, PRICE_DIGITS)}) / "
                        f"{_tex(encoder.scale, PRICE_DIGITS)} = {_tex(entered)}$.")
        else:
            sign = " / " if encoder.target == "log_return" else " - "
            change = sign.join(_tex(one, PRICE_DIGITS) for one in (last, before))
            ratio = f"\\ln({change})" if encoder.target == "log_return" else change
            said.append(f"**Move.** ${ratio} = {_tex(raw)}$, since a move means the same at every level of the price."
                        if result.config.leak != "centred_average" else
                        f"**Move.** {_tex(raw)}, from averages of past and future prices: the mistake of this run.")
            cut = f", cut to {CLIP:g}" if abs(raw / encoder.scale) > CLIP else ""
            said.append(f"**Scaling.** Over the usual size of a move in the training part{cut}: ${_tex(raw)} / "
                        f"{_tex(encoder.scale)} = {_tex(entered, 4)}$. This number enters.")
    others = [name for name in channels if name != "Close"]
    if others:
        shown = ", ".join(f"{plain(name)} {number(window.entered[-1, channels.index(name)], 4)}" for name in others[:6])
        said.append(f"**Other inputs**, each minus its mean and over its deviation in the training part: {shown}"
                    f"{' and more' if len(others) > 6 else ''}.")
    said.append(f"**Shape.** {window.entered.shape[0]} rows of {window.entered.shape[1]} "
                f"{'number' if window.entered.shape[1] == 1 else 'numbers'}, oldest first; the network reads them one by one.")
    return said


def _tex(value: float, digits: int = 5) -> str:
    """A number with so many significant digits, for a formula."""
    return np.format_float_positional(value, precision=digits, unique=False, fractional=False, trim="-")


def _table(window, currency) -> pd.DataFrame:
    columns = {"Day": [date(day) for day in window.dates], "Price": [price(value) for value in window.prices]}
    for at, name in enumerate(window.channels):
        columns[f"{name} enters as"] = [number(value, 4) for value in window.entered[:, at]]
    return pd.DataFrame(columns)


def _label_words(window, encoder, currency) -> str:
    """What the network should say about the window, and what it says."""
    name = {"price": "the scaled price", "log_return": "the log return", "change": "the change"}[encoder.target]
    about = f"{name} of the next row" + ("" if encoder.target == "price" else ", over its usual size")
    known = not np.isnan(window.label[0])
    label = f"Label: {number(window.label[0], 4)}, {about} ({price(window.actual[0], currency)})." if known else (
        f"Label: {about}, which is not known yet.")
    said = f"The network says {number(window.network[0], 4)}"
    if window.linear.any():
        said += f", the linear part {number(window.linear[0], 4)}, together {number(window.output[0], 4)}"
    return f"{label} {said}, which is {price(window.predicted[0], currency)}."


def _data(window) -> pd.DataFrame:
    columns = {"Date": window.dates, "Price": window.prices}
    for at, name in enumerate(window.channels):
        columns[f"{name} unscaled"], columns[f"{name} entered"] = window.unscaled[:, at], window.entered[:, at]
    return pd.DataFrame(columns)
