"""The table of runs, in which they are chosen, starred, named, tagged and noted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from forecasting.evaluation.scores import SCORES, shown_in
from forecasting.model.settings import HELP, LABELS, value_words
from forecasting.runs.annotations import NAME_LENGTH, NOTE_LENGTH
from forecasting.runs.overview import Row, differing_settings
from forecasting.words import decimals
from pages.components.state import AppState, RunsTable, reported
from pages.components.store import run_store

__all__ = ["FIRST_SCORES", "STATES", "draw_table", "take_edits"]

STATES = {"scheduled": "Waiting", "running": "Training", "finished": "Finished", "stopped": "Stopped", "failed": "Failed",
          "interrupted": "Interrupted"}
MOST_TABLES = 5  # widgets whose late changes still count
FIRST_SCORES = ("rmse", "mape", "skill")  # which stand where no screen cuts them off
EDITED = ("Choose", "Star", "Name", "Tags", "Note")
ROW_HEIGHT, MOST_HEIGHT = 35, 600


def draw_table(state: AppState, rows: Sequence[Row], tags: Sequence[str]):
    """A table with these rows. tags: to choose from

    The columns are plain numbers and dates with a format, since the browser sorts what it is given, not what it shows.
    """
    settings = differing_settings(rows)
    frame = pd.DataFrame(_columns(rows, settings, state.compare, state.opened), index=[row.id for row in rows])
    table = _table_for(state, list(rows), frame)
    height = min(MOST_HEIGHT, ROW_HEIGHT * (len(rows) + 1) + 3)
    st.data_editor(frame, key=table.key, hide_index=True, disabled=[name for name in frame if name not in EDITED],
                   column_config=_config(state, table, rows, settings, tags), height=height, placeholder="", alt="Runs")


def _table_for(state: AppState, rows: list[Row], frame: pd.DataFrame) -> RunsTable:
    """The widget that shows these rows: the one that is there, or a new one if that has other rows or columns, or if something
    that was changed in it has been changed elsewhere since. As with `widget_for`, no drawing writes to a widget."""
    ids, columns = [row.id for row in rows], tuple(frame)
    last = state.tables[-1] if state.tables else None
    if last is None or [row.id for row in last.rows] != ids or last.columns != columns or any(
            not _is_same(frame.iloc[row][column], value) for (row, column), value in last.edits.items()):
        number = int(last.key.partition("#")[2]) + 1 if last else 1
        last = RunsTable(f"runs_table#{number}", rows, columns)
        state.tables.append(last)
        del state.tables[:-MOST_TABLES]
    last.rows = rows  # as they are now: a median run changes when another seed ends
    return last


def _is_same(shown, edited) -> bool:
    return list(shown) == list(edited or ()) if isinstance(shown, list) else shown == (edited or type(shown)())


def take_edits(state: AppState):
    """Writes what was changed in the table to the store and the state. Called before anything is drawn."""
    for table in state.tables:
        changes = (st.session_state.get(table.key) or {}).get("edited_rows", {})
        for place, cells in changes.items():
            for column, value in cells.items():
                if column in EDITED and table.edits.get((place, column), _NOTHING) != value:
                    table.edits[place, column] = value
                    _take(state, table.rows[place].run.id, column, value)


_NOTHING = object()


@reported
def _take(state: AppState, run_id: str, column: str, value):
    if column == "Choose":
        others = tuple(one for one in state.compare if one != run_id)
        state.compare = (*others, run_id) if value else others
        return
    if column == "Star":
        run_store().annotate(run_id, starred=bool(value))
    elif column == "Name":
        run_store().annotate(run_id, name=value or "")
    elif column == "Tags":
        run_store().annotate(run_id, tags=value or ())
    else:
        run_store().annotate(run_id, note=value or "")


def _columns(rows: Sequence[Row], settings: Sequence[str], chosen: Sequence[str], opened: set[str]) -> dict:
    """{name of a column: its values}. Scores and what differs stand to the left, where they are on every screen."""
    runs = [row.run for row in rows]
    columns: dict = {
        "Choose": [run.id in chosen for run in runs],
        "Star": [run.starred for run in runs],
        "Name": [run.name for run in runs],
    }
    if any(row.members for row in rows):
        columns["Seeds"] = [_seeds(row, opened) for row in rows]
    for name in FIRST_SCORES:
        columns[SCORES[name].label] = _scores(rows, name)
        if any(row.members for row in rows) and name == "rmse":
            columns["±"] = [row.deviations.get(name) for row in rows]
    columns["Time"] = [run.seconds for run in runs]
    for name in settings:
        values = [getattr(run.config, name) for run in runs]
        plain_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        columns[LABELS[name]] = values if plain_numbers else [value_words(name, value) for value in values]
    return columns | {
        "When": pd.DatetimeIndex([run.created for run in runs]),
        "State": ["Invalid" if run.config.leak else STATES[run.state] for run in runs],
        "Series": [run.series for run in runs],
        "Epochs trained": [run.epoch for run in runs],
        **{SCORES[name].label: _scores(rows, name) for name in shown_in("runs") if name not in FIRST_SCORES},
        "Validation loss": [list(run.losses) for run in runs],
        "Tags": [list(run.tags) for run in runs],
        "Note": [run.note for run in runs],
    }


def _seeds(row: Row, opened: set[str]) -> str | None:
    if row.members:
        return f"{row.seeds} {'▾' if row.id in opened else '▸'}"
    return f"seed {row.run.config.seed}" if row.inside else None


def _scores(rows: Sequence[Row], name: str) -> list[float | None]:
    factor = 100 if SCORES[name].unit == "share" else 1
    return [factor * row.scores[name] if name in row.scores else None for row in rows]


def _config(state: AppState, table: RunsTable, rows: Sequence[Row], settings: Sequence[str], tags: Sequence[str]) -> dict:
    column = st.column_config
    config: dict = {
        "Choose": column.CheckboxColumn("", width=42, pinned=True, help="Choose one to see more of it, or two to eight to "
                                                                          "compare them."),
        "Star": column.CheckboxColumn("★", width=42),
        "When": column.DatetimeColumn(format="D MMM, HH:mm", width=100, timezone=st.context.timezone or "UTC"),
        "Name": column.TextColumn(width=104, max_chars=NAME_LENGTH),
        "Seeds": column.ButtonColumn(type="tertiary", width=60, key=f"{table.key}_seeds", on_click=_open, args=(state, table),
                                     help="Runs that differ only by their seed stand in one row: the mean of their scores, "
                                          "the deviation of their RMSE, and the name and the rest of the median run. Click "
                                          "to see each of them."),
        "±": column.NumberColumn(format=f"%.{_digits(row.scores.get('rmse') for row in rows)}f", width=60,
                                 help="The standard deviation of the RMSE over the seeds."),
        "Time": column.NumberColumn(format="%.1f s", width=66),
        "State": column.TextColumn(width=82),
        "Series": column.TextColumn(width=90),
        "Epochs trained": column.NumberColumn(width=110),
        "Validation loss": column.LineChartColumn(width=110, help="Over the epochs; known once a run has ended."),
        "Tags": column.MultiselectColumn(options=list(tags), accept_new_options=True, width=140),
        "Note": column.TextColumn(width=240, max_chars=NOTE_LENGTH),
    }
    for name in settings:
        config[LABELS[name]] = column.Column(width=76, help=HELP.get(name))
    for name in shown_in("runs"):
        score = SCORES[name]
        config[score.label] = column.NumberColumn(help=score.help, width=66 if name in FIRST_SCORES else 90, format=(
            f"%.{_digits(row.scores.get(name) for row in rows)}f" if score.unit == "price" else
            "%.1f %%" if score.unit == "share" else "%.2f %%" if score.unit == "percent" else "%.3f"))
    return config


def _digits(values) -> int:
    """Decimals that suit the smallest of these prices."""
    sizes = [abs(value) for value in values if value]
    return decimals(min(sizes)) if sizes else 2


@reported
def _open(state: AppState, table: RunsTable):
    place = st.session_state[f"{table.key}_seeds"]["row"]
    while table.rows[place].inside:  # a click on one of the seeds closes their row too
        place -= 1
    state.opened ^= {table.rows[place].id}
