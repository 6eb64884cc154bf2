"""The search on the Tune page: its space and budget, its buttons, and the choice among earlier searches."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.errors import ForecastingError, RunError
from forecasting.evaluation.inner_folds import FOLDS
from forecasting.model.settings import HELP, LABELS, value_words
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.search import MOST_MINUTES, MOST_TRIALS
from forecasting.runs.experiments.search_space import KNOBS, PROPOSED, from_settings, propose, reference, to_settings
from forecasting.words import date
from pages.components.mend import draw_problem
from pages.components.search_view import draw_follow
from pages.components.settings import follow_settings, use_settings
from pages.components.state import AppState, app_state, reported
from pages.components.store import run_store
from pages.components.text import plain

__all__ = ["draw_search"]

LOG_RATES = (0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1)
TITLES = LABELS | {"layers": "Layers"}
BUDGET = ("trials", "minutes", "permuted")


def draw_search(state: AppState, problem: str | None):
    """problem: why the sidebar's settings cannot be trained on these prices"""
    searches = _searches(state.history)
    chosen = _choose(searches)
    st.markdown(EXPERIMENTS["search"].about)
    active = chosen is not None and chosen.active
    with st.expander("What is searched", expanded=chosen is None, icon=":material/tune:"):
        space = _draw_space(state, chosen)
        st.caption("Everything else is as in the sidebar. Trial 1 is always *Recommended*, and the test part is read once, "
                   "after the winner is known.")
        if active:
            st.button("Search these values from now on", key="tune_narrow", icon=":material/crop:", on_click=_narrow,
                      args=(state, chosen), disabled=space == chosen.parameters["space"],
                      help="Trials outside the new values stay in the table; they no longer guide the search.")
    options = _draw_budget(chosen) | {"space": space}
    if problem:
        _draw_buttons(state, chosen, options, problem)
        draw_problem(state, problem)
    else:
        problem = _problem(state, options)
        _draw_buttons(state, chosen, options, problem)
        if problem:
            st.error(plain(problem), icon=":material/error:")
    if chosen is not None:
        draw_follow(chosen)
        if not active:
            _draw_use(chosen)
        else:
            _draw_one_trial(chosen)


def _searches(history) -> list:
    """The searches on these prices, newest first."""
    return [run for run in run_store().list(limit=1000, kind="experiment")
            if run.experiment == "search" and run.fingerprint == history.fingerprint]


def _choose(searches: list):
    if len(searches) < 2:
        return searches[0] if searches else None
    by_id = {run.id: run for run in searches}
    if st.session_state.get("tune_search") not in by_id:
        st.session_state["tune_search"] = searches[0].id
    return by_id[st.selectbox("Search", list(by_id), key="tune_search", format_func=lambda key: _label(by_id[key]))]


def _label(run) -> str:
    when = date(pd.Timestamp(run.created).tz_convert(st.context.timezone or "UTC"), time=True)
    return f"{when} · {', '.join(TITLES[name] for name in run.parameters['space'])}"


# The space


def _start_of(state: AppState, chosen) -> tuple[str, dict]:
    """(what its widgets' keys begin with, the space that they start with): of the search that is shown, if there is one."""
    if chosen is not None:
        return f"tune_{chosen.id}", chosen.parameters["space"]
    return f"tune_{state.history.fingerprint}", propose(PROPOSED, state.history)


def _draw_space(state: AppState, chosen) -> dict:
    """Draws the widgets of the space; returns what they hold."""
    place, start = _start_of(state, chosen)
    names = st.multiselect("Settings", list(KNOBS), list(start), format_func=TITLES.get, key=f"{place}_names",
                           persist_state="session", help="The more settings, the more trials it takes to learn about each.")
    columns = st.columns(2)
    for at, (name, first) in enumerate(_firsts(names, start, state).items()):
        with columns[at % 2]:
            (_draw_range if isinstance(first, dict) else _draw_values)(f"{place}_{name}", name, first, state)
    return _read_space(state, chosen)


def _read_space(state: AppState, chosen) -> dict:
    """What the widgets of the space hold now; a callback asks, since the last drawing may be older than the latest change."""
    place, start = _start_of(state, chosen)
    names, space = st.session_state.get(f"{place}_names", list(start)), {}
    for name, first in _firsts(names, start, state).items():
        held = st.session_state.get(f"{place}_{name}")
        if held is None:
            space[name] = first
        elif isinstance(first, dict):
            space[name] = dict(zip(("low", "high"), held, strict=True))
        else:
            known = _known(name, first, state)
            space[name] = [known[at] for at in sorted(held)]
    return space


def _firsts(names, start: dict, state: AppState) -> dict:
    """{setting: what its widget starts with}."""
    proposed = propose([name for name in names if name not in start], state.history)
    return {name: start[name] if name in start else proposed[name] for name in names}


def _draw_range(key: str, name: str, first: dict, state: AppState):
    low, high = first["low"], first["high"]
    if KNOBS[name].log:
        st.select_slider(TITLES[name], sorted({*LOG_RATES, low, high}), (low, high), key=key, help=HELP[name],
                         persist_state="session", format_func=lambda value: f"{value:g}")
    else:
        st.slider(TITLES[name], 0.0, 0.99, (low, high), step=0.01, key=key, help=HELP[name], persist_state="session")


def _draw_values(key: str, name: str, first: list, state: AppState):
    known = _known(name, first, state)
    st.multiselect(TITLES[name], range(len(known)), [known.index(value) for value in first], key=key, help=HELP[name],
                   persist_state="session", format_func=lambda at: value_words(name, known[at]))


def _known(name: str, first: list, state: AppState) -> list:
    """The values to choose from: the usual ones, those of the search, and the sidebar's."""
    known = [list(value) if isinstance(value, tuple) else value for value in KNOBS[name].values]
    own = to_settings(state.config, [name])[name]
    known += [value for value in (*first, own) if value not in known]
    return sorted(known, key=lambda value: (value is None, value or 0)) if KNOBS[name].ordered else known


# The budget and the buttons


def _draw_budget(chosen) -> dict:
    """Draws the widgets of the other options; returns what they hold."""
    given, place = _budget_of(chosen)
    fixed = chosen is not None and chosen.active
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("Trials", 0, MOST_TRIALS, given["trials"], key=f"{place}_trials", width=130, persist_state="session",
                        help="How many settings are tried, *Recommended* included; 0 for no limit. With ten times as many as "
                        "there are settings, the search begins to know them.")
        st.number_input("Minutes", 0, MOST_MINUTES, given["minutes"], key=f"{place}_minutes", width=130,
                        persist_state="session", help="How long settings are tried, pauses not counted; 0 for no limit. "
                        "Training the finalists comes on top.")
        st.slider("Folds", *FOLDS, given["folds"], key=f"{place}_folds", width=180, disabled=fixed, persist_state="session",
                  help="On how many stretches of days, all before the test part, each trial is judged. More are fairer, and "
                  "take longer.")
        st.toggle("Measure luck", given["permuted"], key=f"{place}_permuted", persist_state="session",
                  help="Searches once more on the same returns in random order, where nothing can be learnt. What it \"gains\" "
                  "there is luck. Takes twice as long.")
    return _read_budget(chosen)


def _budget_of(chosen) -> tuple[dict, str]:
    given = chosen.parameters if chosen is not None else EXPERIMENTS["search"].complete({})
    return given, f"tune_{chosen.id if chosen is not None else 'new'}"


def _read_budget(chosen) -> dict:
    """As `_read_space`, of the other options."""
    given, place = _budget_of(chosen)
    return {name: st.session_state.get(f"{place}_{name}", given[name]) for name in (*BUDGET, "folds")}


def _problem(state: AppState, options: dict) -> str | None:
    kind = EXPERIMENTS["search"]
    try:
        kind.check(kind.complete(options), state.history, state.config)
    except ForecastingError as error:
        return str(error)
    return None


def _draw_buttons(state: AppState, chosen, options: dict, problem: str | None):
    active = chosen is not None and chosen.active
    paused = active and chosen.parameters["paused"]
    with st.container(horizontal=True):
        st.button("Start the search", type="primary", icon=":material/play_arrow:", disabled=active or bool(problem),
                  on_click=_start, args=(state, chosen), key="tune_start",
                  help="Wait until the search has ended, or stop it first." if active else "Starts a new search.")
        if chosen is not None:
            same = all(options[name] == chosen.parameters[name] for name in BUDGET)
            nothing_new = same and (active or chosen.state == "finished")
            st.button("Change the budget" if active else "Go on with this budget", icon=":material/more_time:",
                      key="tune_budget", disabled=nothing_new or bool(problem), on_click=_budget,
                      args=(chosen,), help="What was tried stays, and trials are added up to this budget.")
            st.button("Continue" if paused else "Pause", key="tune_pause", disabled=not active or chosen.stopping,
                      icon=":material/resume:" if paused else ":material/pause:", on_click=_change,
                      args=(chosen.id, {"paused": not paused}), help="While paused, running trials end and none begins.")
            st.button("Stop", key="tune_stop", icon=":material/stop:", disabled=not active, on_click=_stop, args=(chosen.id,),
                      help="Stops the trials in progress; what is there stays." if active else "Nothing is being searched.")


@reported
def _start(state: AppState, chosen):
    follow_settings(state)
    options = _read_budget(chosen) | {"space": _read_space(state, chosen)}
    run_store().start_experiment("search", state.history, state.config, options, owner=app_state().owner)
    st.session_state.pop("tune_search", None)  # show the new one


@reported
def _narrow(state: AppState, chosen):
    run_store().change_options(chosen.id, {"space": _read_space(state, chosen)})


@reported
def _budget(chosen):
    now = _read_budget(chosen)
    run_store().change_options(chosen.id, {name: now[name] for name in BUDGET})


@reported
def _change(run_id: str, options: dict):
    run_store().change_options(run_id, options)


@reported
def _stop(run_id: str):
    run_store().request_stop(run_id)


# One trial, and the winner


def _draw_one_trial(chosen):
    with st.expander("One trial", icon=":material/target:"), st.container(horizontal=True, vertical_alignment="bottom"):
        place = st.number_input("Trial", 1, None, 1, key="tune_trial", width=130)
        st.button("Stop this trial", key="tune_trial_stop", icon=":material/stop:", on_click=_stop_trial,
                  args=(chosen.id, place), help="The search goes on with others.")
        st.button("Keep this trial", key="tune_trial_keep", icon=":material/keep:", on_click=_keep_trial,
                  args=(chosen.id, place), help="It is trained to its end even if it falls behind.")


def _child(run_id: str, place: int):
    key = f"trial-{place:04d}"
    found = next((run for run in run_store().children(run_store().get(run_id)) if run.key == key), None)
    if found is None or not found.active:
        raise RunError(f"Trial {place} is not being trained. Choose one whose state is waiting or training.")
    return found


@reported
def _stop_trial(run_id: str, place: int):
    run_store().request_stop(_child(run_id, place).id)


@reported
def _keep_trial(run_id: str, place: int):
    kept = run_store().get(run_id).parameters["kept"]
    run_store().change_options(run_id, {"kept": sorted({*kept, _child(run_id, place).key})})


def _draw_use(chosen):
    """Fills the sidebar with a trial's settings, the winner's unless another is chosen."""
    from pages.components.search_view import read_report

    found = read_report(chosen)
    if not found.trials:
        return
    winner = found.decision.winner if found.decision else found.best.number if found.best else 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = st.number_input("Trial", 1, len(found.trials), winner, key=f"tune_{chosen.id}_use", width=130)
        whose = "the winner's" if found.decision and place == winner else "this trial's"
        st.button(f"Use {whose} settings", key="tune_use", icon=":material/arrow_back:", on_click=_use,
                  args=(app_state(), chosen, place), help="Fills the sidebar, to train them on the Train page.")


@reported
def _use(state: AppState, chosen, place: int):
    settings = next(run.parameters["settings"] for run in run_store().children(chosen) if run.key == f"trial-{place:04d}")
    use_settings(state, reference(chosen.config) if place == 1 else from_settings(chosen.config, settings))
