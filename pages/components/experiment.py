"""An experiment on a run: its options, Start and Stop, its progress and its results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from forecasting.errors import ForecastingError
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.kind import Child, Experiment
from forecasting.runs.export import file_name
from forecasting.words import count_of
from pages.components.charts import draw_chart
from pages.components.engine import draw_trouble
from pages.components.frame import boundary, is_dark
from pages.components.state import app_state, reported
from pages.components.store import load_result, run_store
from pages.components.text import plain

__all__ = ["draw_experiment", "experiment_tabs", "follow_experiment"]

TICK_SECONDS = 1.0
WIDEST_NAME = 230  # pixels of the first column of a table, so that the others stay in sight
FEW = 3  # choices that stand side by side


def experiment_tabs() -> dict:
    """{name of a tab: what draws it} for every kind of experiment that is made around a run."""
    return {kind.tab: partial(draw_experiment, name) for name, kind in EXPERIMENTS.items() if kind.place == "evaluate"}


def draw_experiment(name: str, run, result):
    """The experiments of one kind around a run. name: one of `EXPERIMENTS`"""
    kind = EXPERIMENTS[name]
    found = run_store().experiments(name, run.id)
    active = any(one.active for one in found)
    st.markdown(kind.about)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = {option.name: _ask(name, option) for option in kind.options}
        problem = _problem(kind, options, result)
        with st.container(horizontal=True, width="content"):  # side by side on a phone too
            st.button(kind.start, key=f"evaluate_{name}", icon=":material/play_arrow:", disabled=active or bool(problem),
                      on_click=_start, args=(name, run, result), help=_start_help(kind, options, active, problem))
            st.button("Stop", key=f"evaluate_{name}_stop", icon=":material/stop:", disabled=not active, on_click=_stop,
                      args=([one.id for one in found],),
                      help="Stops the current training; finished ones are kept." if active else "Nothing is being trained.")
    if problem:
        st.error(plain(problem), icon=":material/error:")
    elif explained := kind.explain(options, result.config):
        st.caption(plain(explained))
    if found:
        follow_experiment(lambda: run_store().experiments(name, run.id), active)


def _ask(name: str, option):
    """A widget for an option; returns what it holds."""
    common = {"label": option.label, "key": _key(name, option), "help": option.help}
    if option.choices is None:
        return st.slider(min_value=option.low, max_value=option.high, value=option.default, width=220, **common)
    if len(option.choices) <= FEW:
        return st.segmented_control(options=list(option.choices), default=option.default, required=True,
                                    format_func=option.choices.get, **common)
    return st.selectbox(options=list(option.choices), index=list(option.choices).index(option.default), width=260,
                        format_func=option.choices.get, **common)


def _key(name: str, option) -> str:
    return f"evaluate_{name}_{option.name}"


def _problem(kind, options: dict, result) -> str | None:
    """Why the experiment cannot be made with these options, or None."""
    try:
        kind.check(kind.complete(options), result.history, result.config)
    except ForecastingError as error:
        return str(error)
    return None


def _start_help(kind, options: dict, active: bool, problem: str | None) -> str:
    if active:
        return "Wait until it has ended, or stop it first."
    if problem:
        return "It cannot be started with these options; see the reason below."
    trainings = f"Makes {count_of(kind.trainings(options), 'training')}"
    return f"{trainings}." if kind.keeps_earlier else f"{trainings}; it replaces the previous one of this run."


@reported
def _start(name: str, run, result):
    # Read from the widgets: the last drawing may have been older than the latest change.
    options = {option.name: st.session_state[_key(name, option)] for option in EXPERIMENTS[name].options}
    run_store().start_experiment(name, result.history, result.config, options, owner=app_state().owner, parent=run.id)


@reported
def _stop(ids: list[str]):
    for run_id in ids:
        run_store().request_stop(run_id)


def follow_experiment(find: Callable, active: bool):
    """Draws experiments of one kind, and redraws them every second while one is running.

    find: returns those that count, newest first
    """
    def tick():
        with boundary():
            found = find()
            if active and not any(one.active for one in found):
                st.rerun()
            if active:
                draw_trouble(*(child for one in found for child in run_store().children(one)))
            if found:  # another tab of the browser may have deleted the last one
                _draw(EXPERIMENTS[found[0].experiment], found)

    st.fragment(tick, run_every=TICK_SECONDS if active else None)()


def _draw(kind, found: list):
    """found: the experiments that count, newest first"""
    families = {one.id: run_store().children(one) for one in found}
    newest, others = found[0], found[1:]
    _draw_progress(kind, newest, families[newest.id])
    if newest.error:
        (st.error if newest.state == "failed" else st.warning)(plain(newest.error), icon=":material/error:")
    runs = [Child(run, load_result) for one in (newest, *others) for run in families[one.id]]
    summary = kind.summarise(runs, Experiment(newest, run_store(), runs, load_result))
    for warning in summary.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    if summary.sentence:
        st.markdown(plain(summary.sentence))
    for place, chart in enumerate(summary.charts):
        figure = chart(dark=is_dark())
        if how := (figure.layout.meta or {}).get("how"):
            st.caption(plain(how))
        draw_chart(figure, f"evaluate_{newest.experiment}_chart_{place}")
    for table in summary.tables:
        # Streamlit sizes a column by its first rows and keeps that width while the table grows, so it is set here.
        names = {"_index": st.column_config.Column(width=min(
            WIDEST_NAME, 30 + 7 * max(map(len, map(str, table.frame.index)), default=0)))}
        st.dataframe(table.frame, height="content", column_config=names | {
            column: st.column_config.Column(help=words) for column, words in table.help.items()})
        if table.caption:
            st.caption(plain(table.caption))
    with st.container(horizontal=True):
        for place, file in enumerate(summary.files):
            st.download_button(file.label, file.write, file_name(file.series, None, file.ending), "text/csv",
                               icon=":material/download:", on_click="ignore", key=f"evaluate_{newest.experiment}_file_{place}")
        for label, run_id in summary.opens.items():
            if st.button(label, icon=":material/open_in_full:", key=f"evaluate_{newest.experiment}_open_{run_id}"):
                app_state().run_id = run_id
                st.switch_page("pages/2_Train.py")
        for label, ids in summary.compares.items():
            if st.button(label, icon=":material/compare_arrows:", key=f"evaluate_{newest.experiment}_compare"):
                app_state().compare = ids
                st.switch_page("pages/6_Runs.py")


def _draw_progress(kind, experiment, children: list):
    total = max(kind.trainings(experiment.parameters), len(children))
    whole = sum(child.state == "finished" for child in children)
    words = [_place(experiment, children) or f"{whole} of {count_of(total, 'training')} done", *_chosen(kind, experiment)]
    if not experiment.active:
        st.caption(" · ".join(map(plain, ["Stopped", *words] if experiment.state == "stopped" else words)))
        return
    parts = sum(min(1.0, child.epoch / child.epochs) if child.active and child.epochs else not child.active
                for child in children)
    at_work = next((child for child in children if child.state == "running"), None)
    if at_work:
        words.append(f"{at_work.name}: {f'epoch {at_work.epoch} of {at_work.epochs}' if at_work.epoch else 'preparing'}")
    st.progress(min(1.0, parts / total), text=" · ".join(map(plain, words)))


def _place(experiment, children: list) -> str | None:
    """What an experiment waits for, or None."""
    if experiment.stopping:
        return "Stopping"
    places = [run.queue_position for run in (experiment, *children) if run.queue_position]
    if not places or any(child.state == "running" for child in children):
        return None
    return "Waiting: next in the queue, for a free worker" if min(places) == 1 else (
        f"Waiting: number {min(places)} in the queue")


def _chosen(kind, experiment) -> list[str]:
    """The options of an experiment in words."""
    values = experiment.parameters
    return [f"{option.label}: {option.shown(values[option.name])}"
            for option in kind.options if option.name in values]
