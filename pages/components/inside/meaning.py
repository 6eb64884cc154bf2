"""Units that mean something: their effect on the forecast, what each follows, and the windows that excite it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.inside import FOLLOWED
from forecasting.plots import excitement_chart
from forecasting.words import date, number, share, unit
from pages.components.frame import is_dark
from pages.components.inside.loaded import load_exciting, load_units
from pages.components.inside.remembered import choose_unit
from pages.components.inside.subject import Subject, draw_data, draw_plot
from pages.components.state import AppState
from pages.components.text import plain

__all__ = ["draw_units"]

HEIGHT = 320
CLEAR = 0.5  # a correlation from which on a unit is said to follow something


def draw_units(state: AppState, subject: Subject):
    """The ranking, the chosen unit, and its windows."""
    result, one = subject.result, unit(subject.result.history.frequency)
    table = load_units(subject.id, result)
    st.markdown(plain(_sentence(table)))
    st.dataframe(_shown(table), height=HEIGHT, hide_index=True)
    st.caption("The strongest comes first. Effect: how far a unit's changes move the network's output. It follows whatever its "
               f"state at the end of a window is correlated with most, of {', '.join(FOLLOWED)}; a weak correlation means that "
               "it follows none of them.", help="\n".join(f"- **{name}.** {words}" for name, words in FOLLOWED.items()))
    draw_data(lambda: table, "inside_units", subject)
    layer, at = choose_unit(state, subject)
    (_, row), = table[(table["layer"] == layer) & (table["unit"] == at)].iterrows()
    st.markdown(plain(_unit_words(row)))
    found = load_exciting(subject.id, result, layer, at)
    history, window = result.history, result.config.window
    prices = {}
    for _, hit in found.iterrows():
        end = history.dates.get_loc(hit["end"])
        prices[f"{date(hit['end'])}: {number(hit['value'], 3, signed=True)}"] = history.close[end - window + 1 : end + 1]
    draw_plot(excitement_chart(prices, dark=is_dark(), currency=history.currency, one=one), "inside_excitement",
              f"The windows after which this unit's state was furthest from its mean: above each its last {one} and the state "
              f"then, below it the {one}s before the forecast. Look for what they have in common.", subject,
              lambda: _data(prices))


def _sentence(table) -> str:
    top = table.iloc[0]
    clear = int((table["correlation"].abs() >= CLEAR).sum())
    return (f"{_name(top)} moves the forecast most, with {share(top['share'], digits=0)} of what its layer does. {clear} of "
            f"{len(table)} units follow something with a correlation of {CLEAR} or more; the others mean nothing that is on "
            "the list, as is usual.")


def _name(row) -> str:
    return f"Layer {int(row['layer']) + 1}, unit {int(row['unit']) + 1}"


def _follows(row) -> str:
    return "nothing" if not row["follows"] else f"{row['follows']}, {row['detail']}" if row["detail"] else row["follows"]


def _unit_words(row) -> str:
    strength = abs(row["correlation"])
    how = "clearly" if strength >= CLEAR else "weakly" if strength >= 0.2 else "hardly"
    if not row["follows"]:
        return f"{_name(row)} never changes, so it follows nothing."
    return f"{_name(row)} {how} follows the {_follows(row)}: correlation {number(row['correlation'], 2, signed=True)}."


def _shown(table) -> pd.DataFrame:
    return pd.DataFrame({"Layer": table["layer"] + 1, "Unit": table["unit"] + 1, "Effect": table["effect"].map("{:.3g}".format),
                         "Share of its layer": [share(one, digits=1) for one in table["share"]],
                         "Follows": [_follows(row) for _, row in table.iterrows()],
                         "Correlation": [number(one, 2, signed=True) for one in table["correlation"]]})


def _data(prices) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values) for name, values in prices.items()})
