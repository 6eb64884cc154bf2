"""One run chosen in the table: what is known about it, and what can be done with it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting import RunError
from forecasting.evaluation.scores import SCORES
from forecasting.evaluation.verdict import leak_words
from forecasting.runs.annotations import NAME_LENGTH, NOTE_LENGTH
from forecasting.runs.overview import Row
from forecasting.words import count, count_of, date, decimals, duration, number, percent
from pages.components.engine import is_silent
from pages.components.runs_table import FIRST_SCORES, STATES
from pages.components.settings import use_settings
from pages.components.state import AppState, reported, taken, widget_for
from pages.components.store import run_store
from pages.components.text import plain
from pages.components.trash import delete_runs, show_run

__all__ = ["draw_card", "take_card"]

PAGES = {"Train": "pages/2_Train.py", "Evaluate": "pages/3_Evaluate.py", "Forecast": "pages/4_Forecast.py",
         "Inside": "pages/7_Inside_the_LSTM.py"}


def take_card(state: AppState):
    """Writes what was changed in the fields of a run to the store. Called before anything is drawn."""
    for name in [name for name in state.widgets if name.startswith("runs_card_")]:
        field, _, run_id = name.removeprefix("runs_card_").partition("_")
        for _, value in taken(state, name):
            _write(run_id, field, value)


@reported
def _write(run_id: str, field: str, value):
    run_store().annotate(run_id, **{field: value})


def draw_card(state: AppState, run, tags: list[str], row: Row | None = None):
    """tags: to choose from; row: of the table, if the run stands there for several seeds"""
    st.subheader(plain(run.name, limit=NAME_LENGTH))
    when = pd.Timestamp(run.created).tz_convert(st.context.timezone or "UTC")
    words = [STATES[run.state], run.series, date(when, time=True), f"epoch {count(run.epoch)} of {count(run.epochs)}"]
    if run.seconds is not None:
        words.append(duration(run.seconds))
    st.caption(" · ".join(map(plain, words)))
    if row is not None and row.members:
        st.markdown(plain(_seeds_words(row, run)))
    if run.config.leak:
        st.warning(plain(leak_words(run.config.leak)), icon=":material/block:")
    if run.error:
        (st.error if run.state == "failed" else st.info)(plain(run.error), icon=":material/error:")
    _draw_parent(state, run)
    _draw_buttons(state, run)
    _draw_fields(state, run, tags)


def _seeds_words(row: Row, run) -> str:
    parts = [f"{SCORES[name].label} {_spread_words(name, row, run.currency)}" for name in FIRST_SCORES
             if name in row.deviations]
    return f"{count_of(row.seeds, 'seed')}: {', '.join(parts)}. This is the median run by RMSE, with seed {run.config.seed}."


def _spread_words(name: str, row: Row, currency: str | None) -> str:
    """Mean and deviation over the seeds: 0.3045 ± 0.0039 USD."""
    mean, deviation, unit = row.scores[name], row.deviations[name], SCORES[name].unit
    if unit == "price":
        return f"{number(mean, decimals(mean))} ± {number(deviation, decimals(mean))} {currency or ''}".strip()
    factor = 100 if unit == "share" else 1
    return f"{number(factor * mean, signed=SCORES[name].signed)} ± {percent(factor * deviation)}"


def _draw_parent(state: AppState, run):
    if not run.parent:
        return
    try:
        parent = run_store().get(run.parent)
    except RunError as error:
        st.caption(f"Made from an earlier run. {plain(error)}")
        return
    st.button(f"Made from {plain(parent.name, limit=NAME_LENGTH)}", type="tertiary", icon=":material/subdirectory_arrow_right:",
              key=f"runs_parent_{run.id}", on_click=_choose, args=(state, parent.id), help="Shows that run instead.")


def _choose(state: AppState, run_id: str):
    state.compare = (run_id,)


def _draw_buttons(state: AppState, run):
    with st.container(horizontal=True):
        for label, path in PAGES.items():
            shown = label == "Train" or run.has_result
            if st.button(f"Open on {label}", key=f"runs_open_{label}", type="primary" if label == "Train" else "secondary",
                         disabled=not shown, help=None if shown else "This run has no result."):
                show_run(state, run)
                st.switch_page(path)
        if st.button("Train again with ...", key="runs_again", icon=":material/replay:",
                     help="Opens the Train page with its settings and prices to change; the next training there keeps a link "
                          "to this run."):
            show_run(state, run)
            state.parent_id = run.id
            st.switch_page(PAGES["Train"])
        st.button("Use these settings", key="runs_use", icon=":material/tune:", on_click=_use, args=(state, run),
                  help="Copies its settings into the sidebar of the Train page; the prices stay as they are.")
        if run.active:
            st.button("Stop", key="runs_stop", icon=":material/stop:", on_click=_stop, args=(run.id,), disabled=run.stopping)
        st.button("Delete", key="runs_delete", icon=":material/delete:", on_click=delete_runs, args=(state, (run.id,)),
                  disabled=run.active, help="Stop it first." if run.active else
                  "Moves it to the trash, with its forecasts and experiments.")


@reported
def _use(state: AppState, run):
    from dataclasses import replace

    use_settings(state, replace(run.config, leak=None))
    st.toast("The sidebar of the Train page has these settings now.", icon=":material/tune:")


@reported
def _stop(run_id: str):
    run_store().request_stop(run_id, force=is_silent(run_store().get(run_id)))


def _draw_fields(state: AppState, run, tags: list[str]):
    """What people write about it; each field shows what the store has."""
    starred = _widget(state, run, "starred", run.starred)
    st.toggle("Starred", value=starred.value, key=starred.key)
    left, right = st.columns(2)
    name = _widget(state, run, "name", run.name)
    left.text_input("Name", value=name.value, key=name.key, max_chars=NAME_LENGTH)
    chosen = _widget(state, run, "tags", list(run.tags))
    right.multiselect("Tags", sorted({*tags, *chosen.value}), default=chosen.value, key=chosen.key, accept_new_options=True,
                      placeholder="None yet: type one")
    note = _widget(state, run, "note", run.note)
    st.text_area("Note", value=note.value, key=note.key, max_chars=NOTE_LENGTH, height="content",
                 placeholder="What you tried, and what you make of it")


def _widget(state: AppState, run, field: str, value):
    return widget_for(state, f"runs_card_{field}_{run.id}", value)
