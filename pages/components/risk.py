"""How much may be lost: what a run promises, and how its promises were kept."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.evaluation.risk import LEVELS, assess, chance_words, size_words, warning_words, when_words
from forecasting.plots import risk_chart
from forecasting.words import UNKNOWN, count, probability, share
from pages.components.charts import draw_chart
from pages.components.frame import is_dark
from pages.components.store import load_risk
from pages.components.text import plain

__all__ = ["draw_outlook", "draw_risk"]

TOO_FEW = ("Too few moves are known before the test part to say how large the rare ones are. Choose a longer period or a "
           "longer validation part.")
VALUE_AT_RISK = ("The loss that is exceeded with a chance of 5 % (or 1 %), by the volatility expected now and the largest of "
                 "the moves that were seen before, each measured against the volatility of its day.")
SHORTFALL = "The mean of the losses beyond the value at risk: how bad it is when it is bad."
SCORE = ("Pinball loss, the score that the true value at risk makes smallest, in percent of the worst method's. Tests say "
         "whether the number of breaches is right; the score also asks whether warnings came on the right days.")

ABOUT = {
    "Kupiec p": "How likely so many breaches are, or numbers further from the promise, if the promise holds; below 0.05 it is "
                "refuted.",
    "Christoffersen p": "Whether a breach makes another on the next day more likely; below 0.05 they cluster, so the "
                        "volatility follows too late.",
    "Both p": "Both questions in one test (conditional coverage).",
    "Mean value at risk": VALUE_AT_RISK,
    "Expected then": SHORTFALL,
    "Score": SCORE,
}


def draw_risk(run, result):
    """What the run warned of on each day of the test part, held against what came."""
    if result.invalid:
        st.error(f"{plain(result.invalid)} What it warned of means nothing.", icon=":material/block:")
        return
    risk = load_risk(run.id)
    if risk is None:
        st.info(TOO_FEW, icon=":material/info:")
        return
    history = result.history
    st.markdown(plain(warning_words(risk, risk.outlook(), when_words(history.frequency), history.currency)))
    draw_chart(risk_chart(risk.table, relative=risk.relative, dark=is_dark(), currency=history.currency), "evaluate_risk")
    table = assess(risk)
    if not len(table):
        return
    worst = table.groupby("level")["score"].transform("max")

    def sizes(name):
        return [size_words(value, risk.relative, history.currency) if pd.notna(value) else UNKNOWN for value in table[name]]

    def chances(name):
        return [probability(value) if pd.notna(value) else UNKNOWN for value in table[name]]

    came = [f"{share(part, digits=1)} ({count(hits)} of {count(days)})"
            for part, hits, days in zip(table["share"], table["count"], table["days"], strict=True)]
    st.dataframe(pd.DataFrame({
        "Method": table["method"], "Level": table["level"].map(lambda value: share(value, digits=0)),
        "Promised": [share(1 - value, digits=0) for value in table["level"]], "Came": came,
        "Kupiec p": chances("kupiec"), "Christoffersen p": chances("christoffersen"), "Both p": chances("both"),
        "Mean value at risk": sizes("var"), "Loss on breach": sizes("loss"), "Expected then": sizes("shortfall"),
        "Score": [share(value, digits=1) for value in table["score"] / worst],
    }), hide_index=True, height="content", column_config={
        name: st.column_config.Column(help=text) for name, text in ABOUT.items()})


def draw_outlook(run, result, wish):
    """The risk from the row that the forecast starts from."""
    history, step, steps = result.history, 1, min(result.config.horizon, wish.steps)
    if steps > 1:
        step = st.select_slider("Over how many steps", range(1, steps + 1), key=f"forecast_risk_step_{steps}",
                                help="Risk is measured over steps that the network predicts directly.")
    risk = load_risk(run.id, step)
    if risk is None:
        st.info(TOO_FEW, icon=":material/info:")
        return
    outlook = risk.outlook(-1 if wish.as_of is None else int(risk.table.index.get_loc(pd.Timestamp(wish.as_of))))
    when, currency = when_words(history.frequency, step), history.currency
    per_year = outlook.volatility_per_year(history.frequency, history.dates)

    def say(size):
        return size_words(size, risk.relative, currency)

    with st.container(horizontal=True, gap="medium"):
        st.metric("Expected volatility", say(outlook.volatility), f"{say(per_year)} a year" if per_year else None,
                  delta_color="off", delta_arrow="off", width="content",
                  help="The standard deviation of the move. Over a year it grows with the root of the number of steps.")
        for level in LEVELS:
            st.metric(f"Value at risk {share(level, digits=0)}", say(outlook.value_at_risk[level]),
                      f"shortfall {say(outlook.shortfall[level])}", delta_color="off", delta_arrow="off", width="content",
                      help=f"{VALUE_AT_RISK} Below it, the expected shortfall. {SHORTFALL}")
    around = " This is around this run's own forecast, not the combination's." if wish.combined else ""
    st.markdown(plain(f"{warning_words(risk, outlook, when, currency)}{around}"))
    beyond = st.number_input("Chance of a move beyond, in percent of the price", 0.1, 100.0, 5.0, 0.5, "%.1f",
                             key="forecast_risk_size")
    st.markdown(plain(chance_words(outlook, beyond / 100, when, currency)))
