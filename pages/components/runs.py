"""The Runs page, and the choice of a run on the pages that show one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting import InTrash, RunError
from forecasting.runs.kinds import TRAININGS
from forecasting.runs.overview import ORDERS, arrange, matching
from forecasting.words import count_of, date
from pages.components.compare import draw_comparison
from pages.components.frame import boundary, link_to
from pages.components.run_card import draw_card, take_card
from pages.components.runs_table import STATES, draw_table, take_edits
from pages.components.state import AppState, held, taken, widget_for
from pages.components.store import current_run, load_result, run_store
from pages.components.text import plain
from pages.components.trash import delete_runs, draw_trash, draw_undo

__all__ = ["choose_result", "draw_runs", "follow_runs", "run_labels", "runs_with_result", "take_run"]

EVERY = 50_000  # the most that MLflow returns at once
MOST_OFFERED = 200  # runs to choose a result from
MOST_COMPARED = 8
MOST_WATCHED = 10  # runs whose end the page looks out for
TICK_SECONDS = 2.0
ALL = "All"


def follow_runs(state: AppState):
    """Takes what was changed in the table of runs and in a run's fields. Every page starts with this once they have been
    drawn, since a change may arrive together with the click that opens another page."""
    take_edits(state)
    take_card(state)


def draw_runs(state: AppState):
    """The table of all runs that are not part of an experiment, then those chosen in it, then the trash."""
    runs = run_store().list(limit=EVERY, kind=TRAININGS, alone=True)
    draw_undo(state)
    if runs:
        tags = sorted({tag for run in runs for tag in run.tags})
        rows = _filtered(state, runs, tags)
        _watch(runs)
        if rows:
            draw_table(state, rows, tags)
        else:
            st.info("No run fits the search and the filters on the left.", icon=":material/search_off:")
        _draw_chosen(state, {run.id: run for run in runs}, rows, tags)
    else:
        st.info("There are no runs yet. Train one on the Train page.", icon=":material/info:")
    draw_trash(state)


def _filtered(state: AppState, runs: list, tags: list[str]) -> list:
    """The rows of the table, as the sidebar's fields ask for them."""
    with st.sidebar:
        text = held(state, "runs_search", "")
        st.text_input("Search", value=text.value, key=text.key, placeholder="Name, series, tag or note",
                      icon=":material/search:")
        series = _one_of(state, "Series", sorted({run.series for run in runs}))
        run_state = _one_of(state, "State", [name for name in STATES if any(run.state == name for run in runs)], STATES)
        tag = _one_of(state, "Tag", tags)
        starred = held(state, "runs_starred", False)
        st.toggle("Starred only", value=starred.value, key=starred.key)
        order = held(state, "runs_order", "newest")
        st.selectbox("Order", list(ORDERS), index=list(ORDERS).index(order.value), key=order.key,
                     format_func=lambda key: ORDERS[key][0])
        collapse = held(state, "runs_collapse", True)
        st.toggle("One row for several seeds", value=collapse.value, key=collapse.key,
                  help="Finished runs that differ only by their seed stand in one row, with the mean and the deviation of "
                       "their scores.")
    chosen = matching(runs, text=text.value, series=series, state=run_state, tag=tag, starred=starred.value)
    hidden = len(runs) - len(chosen)
    st.caption(count_of(len(runs), "run") + (f", of which {count_of(len(chosen), 'is', 'are')} shown" if hidden else ""))
    return arrange(chosen, order=order.value, collapse=collapse.value, opened=state.opened)


def _one_of(state: AppState, label: str, options: list[str], words: dict | None = None) -> str | None:
    """A field that keeps the runs with one of these, or all of them (None)."""
    name = f"runs_{label.lower()}"
    widget = held(state, name, ALL)
    if widget.value not in (ALL, *options):
        widget = widget_for(state, name, ALL)  # e.g. the last run with this tag has gone
    choices = [ALL, *options]
    st.selectbox(label, choices, index=choices.index(widget.value), key=widget.key,
                 format_func=lambda option: (words or {}).get(option, option))
    return None if widget.value == ALL else widget.value


def _watch(runs: list):
    """Draws the page again when one of the active runs has begun or ended."""
    active = {run.id: run.state for run in runs if run.active}
    if active:
        st.fragment(_look, run_every=TICK_SECONDS)(dict(list(active.items())[:MOST_WATCHED]), len(active))


def _look(known: dict[str, str], active: int):
    with boundary():
        if any(run_store().get(run_id).state != state for run_id, state in known.items()):
            st.rerun()
        st.caption(f"{count_of(active, 'run')} waiting or being trained.")


def _draw_chosen(state: AppState, runs: dict, rows: list, tags: list[str]):
    chosen = {run_id: run for run_id in state.compare if (run := runs.get(run_id) or _find(state, run_id))}
    state.compare = tuple(chosen)
    if not chosen:
        st.caption("Choose a run to see more of it, or two to eight to compare them. RMSEs compare only within one series, and "
                   "the best of many runs is in part the luckiest: the comparison says how far a difference can be trusted.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = {row.run.id for row in rows}
        hidden = sum(run_id not in shown for run_id in chosen)
        outside = f", {hidden} of them not in the table now" if hidden else ""
        st.markdown(f"**{count_of(len(chosen), 'run')} chosen**{outside}", width="content")
        st.button("Clear the choice", key="runs_clear", icon=":material/close:", on_click=_clear, args=(state,))
        if len(chosen) > 1:
            active = any(run.active for run in chosen.values())
            st.button(f"Delete {len(chosen)} runs", key="runs_delete_all", icon=":material/delete:", on_click=delete_runs,
                      args=(state, tuple(chosen)), disabled=active, help="One of them has not ended yet." if active else
                      "Moves them to the trash, with their forecasts and experiments.")
    if len(chosen) == 1:
        (run,) = chosen.values()
        draw_card(state, run, tags, next((row for row in rows if row.run.id == run.id and row.members), None))
    elif len(chosen) <= MOST_COMPARED:
        draw_comparison(state, tuple(chosen))
    else:
        st.info(f"Two to eight runs can be compared, and {len(chosen)} are chosen. Take {len(chosen) - MOST_COMPARED} of them "
                "out of the choice.", icon=":material/info:")


def _find(state: AppState, run_id: str):
    """A run that is not in the list, as one of an experiment; None with a sentence if there is none."""
    try:
        return run_store().get(run_id)
    except InTrash:
        st.warning(f"The chosen run {plain(run_id[:8])} is in the trash, from which it can be restored below.",
                   icon=":material/delete:")
    except RunError as error:
        st.warning(plain(error), icon=":material/warning:")
    return None


def _clear(state: AppState):
    state.compare = ()


def choose_result(state: AppState):
    """The run to show and its result, picked by the user from those that have one; (None, None) if there is none yet."""
    take_run(state)
    _, by_id = runs_with_result(state)
    if not by_id:
        st.info("There is no result yet. Train a network on the Train page first.", icon=":material/info:")
        link_to("Train", state, "Go to Train")
        return None, None
    # The current run by default; while that is still being trained, the newest one that has ended.
    widget = widget_for(state, "shown_run", state.run_id if state.run_id in by_id else next(iter(by_id)))
    chosen = st.selectbox("Run", list(by_id), index=list(by_id).index(widget.value), key=widget.key,
                          format_func=run_labels(by_id.values()).get, on_change=take_run, args=(state,))
    return by_id[chosen], load_result(chosen)


def runs_with_result(state: AppState) -> tuple:
    """(the current run or None, {id: run} of those with a result, the newest first); says so if the current one has none."""
    current = current_run(state)
    runs = [run for run in run_store().list(limit=MOST_OFFERED, kind=TRAININGS, alone=True) if run.has_result]
    by_id = {run.id: run for run in runs}
    if current is not None and current.has_result and current.kind in TRAININGS:
        by_id.setdefault(current.id, current)  # an older one, or one of an experiment, that a link names
    if by_id and current is not None and current.id not in by_id and not current.active:
        st.info(f"The current run has no result: it is {current.state}. This is the newest run that has one.",
                icon=":material/info:")
    return current, by_id


def take_run(state: AppState):
    for _, chosen in taken(state, "shown_run"):
        state.run_id = chosen


def run_labels(runs) -> dict[str, str]:
    """{id: what a list of runs calls it}. No two are alike, since the browser knows the chosen run only by its label: it would
    open the first of two trainings of one minute in place of the second."""
    labels, used = {}, set()
    for run in sorted(runs, key=lambda run: (run.created, run.id)):  # so that a newer run does not change an older one's
        label = _run_label(run)
        labels[run.id] = f"{label} · {run.id[:8]}" if label in used else label
        used.add(label)
    return labels


def _run_label(run) -> str:
    units = " + ".join(map(str, run.config.units))
    # The start time rather than the age: the browser identifies the chosen run by its label, which must not change.
    words = [run.series, f"{run.config.cell} {units}", f"window {run.config.window}", f"target {run.config.target}",
             date(pd.Timestamp(run.created).tz_convert(st.context.timezone or "UTC"), time=True)]
    if run.name != run.series:
        words.insert(0, run.name)
    words += ["from a file"] if run.kind == "opened" else []
    return " · ".join([*words, "invalid"] if run.config.leak else words)
