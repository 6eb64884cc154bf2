"""Which network the page shows, and on which day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from forecasting.inside import EXAMPLES, load_example
from forecasting.model.cells import CELLS
from forecasting.runs.export import file_name, table_csv
from forecasting.words import unit
from pages.components.charts import draw_chart
from pages.components.inside.view import NEXT, InsideView, day_name
from pages.components.runs import run_labels, runs_with_result, take_run
from pages.components.state import AppState, taken, widget_for
from pages.components.store import load_result
from pages.components.text import plain

__all__ = ["Subject", "choose_subject", "draw_data", "draw_plot", "take_subject"]

EXAMPLE = "example "  # before the name of a network that ships with the app, in the list of networks
SHIPPED = {file.removesuffix(".npz"): names for names, file in EXAMPLES.items()}  # name: (sample, cell)


@dataclass(frozen=True)
class Subject:
    """A network and the day that is looked at.

    id: of the run, or of the example; result: a `TrainingResult`; run: the store's `Run`, None for an example
    date: the day that is forecast, None for the day after the last row; its window ends with the row before
    """

    id: str
    result: Any
    date: pd.Timestamp | None
    run: Any

    @property
    def cell(self):
        return self.result.network.cell

    @property
    def day(self) -> str:
        """The day as the view and the address call it."""
        return NEXT if self.date is None else day_name(self.date)


def take_subject(state: AppState):
    """Takes what was changed in the fields for the network and the day. Called before anything is drawn."""
    for _, chosen in taken(state, "inside_network"):
        if chosen.startswith(EXAMPLE):
            state.inside = replace(state.inside, example=chosen.removeprefix(EXAMPLE))
        else:
            state.run_id, state.inside = chosen, replace(state.inside, example=None)
    for _, chosen in taken(state, "inside_day"):
        state.inside = replace(state.inside, day=chosen.isoformat())


def choose_subject(state: AppState) -> Subject:
    """The fields for the network and the day, and what they hold.

    Raises RunError for a run without a network of its own.
    """
    take_run(state)
    _, by_id = runs_with_result(state)
    chosen = _chosen_id(state, by_id)
    options = [*by_id, *(EXAMPLE + name for name in SHIPPED)]
    labels = run_labels(by_id.values())
    left, right = st.columns([3, 1])
    widget = widget_for(state, "inside_network", chosen)
    left.selectbox("Network", options, index=options.index(chosen), key=widget.key,
                   format_func=lambda key: labels[key] if key in labels else _example_label(key),
                   help="One of your trainings, or a small network of the sample that ships with the app.")
    is_run = chosen in by_id
    result = load_result(chosen) if is_run else _example(chosen)
    result.network  # noqa: B018  (raises where there is none, before anything is drawn about it)
    date = _date(state.inside, result)
    _draw_day(right, state, result, date)
    return Subject(chosen, result, date, by_id.get(chosen))


def _chosen_id(state: AppState, by_id: dict) -> str:
    """The id of the run or example to show: the current run, or else the newest; an example while there is none."""
    if state.inside.example in SHIPPED:
        return EXAMPLE + state.inside.example
    if not by_id:
        return EXAMPLE + next(iter(SHIPPED))
    return state.run_id if state.run_id in by_id else next(iter(by_id))


def _example(chosen: str):
    sample, cell = SHIPPED[chosen.removeprefix(EXAMPLE)]
    return load_example(cell, sample)


def _example_label(chosen: str) -> str:
    sample, cell = SHIPPED[chosen.removeprefix(EXAMPLE)]
    return f"Example · {CELLS[cell].label} · {sample}"


def _date(view: InsideView, result) -> pd.Timestamp | None:
    """The day that the view names, or the nearest one that can be chosen."""
    dates = result.history.dates
    if view.day == NEXT:
        return None
    if view.day is None:
        return dates[-1]
    row = int(dates.searchsorted(pd.Timestamp(view.day), side="left"))
    return dates[min(max(row, result.split.train_end), len(dates) - 1)]


def _draw_day(place, state: AppState, result, date):
    dates, one = result.history.dates, unit(result.history.frequency)
    shown = (dates[-1] if date is None else date).date()
    widget = widget_for(state, "inside_day", shown)
    place.date_input(f"Forecast {one}", value=shown, min_value=dates[result.split.train_end].date(), max_value=dates[-1].date(),
                     key=widget.key, format="YYYY-MM-DD",
                     help=f"The {one} that is forecast, from the validation or the test part; the window ends with the {one} "
                          "before it.")


def draw_plot(figure, key: str, how: str, subject: Subject, frame, place=st):
    """A chart with a line on how to read it, and its data to download. frame: the data, or what makes them"""
    place.caption(plain(how))
    draw_chart(figure, key, place)
    draw_data(frame, key, subject, place)


def draw_data(frame, key: str, subject: Subject, place=st):
    """A button that downloads the data of a figure. frame: the data, or what makes them"""
    place.download_button("Data (CSV)", partial(_csv, frame), file_name(subject.result.history.name, subject.date,
                                                                        f"{key.replace('_', '-')}.csv"),
                          "text/csv", icon=":material/download:", on_click="ignore", key=f"{key}_data", type="tertiary")


def _csv(frame) -> bytes:
    return table_csv(frame() if callable(frame) else frame)
