"""Experiments around a run, each made of trainings of its own: the walk-forward backtest and the leak lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import streamlit as st

from forecasting.evaluation.backtest import MODES, backtest_summary, backtest_table, folds, join_predictions
from forecasting.evaluation.scores import SCORES, always_words
from forecasting.evaluation.verdict import LEAKS
from forecasting.plots import folds_chart
from forecasting.words import UNKNOWN, count_of, dates, number, percent, price, share, unit
from pages.components.diagnostics import draw
from pages.components.frame import boundary, is_dark
from pages.components.jobs import load_result, load_verdict, run_store
from pages.components.live import draw_trouble
from pages.components.state import app_state, reported
from pages.components.text import plain

__all__ = ["draw_backtest", "draw_leak_lab"]

TICK_SECONDS = 1.0
LEAK_NAMES = {"scaler": "Scaler on all data", "validation": "Validation on the test part", "shuffle": "Shuffled windows",
              "centred_average": "Centred moving average"}
RUNNING, NOT_RUNNING = "Wait for its end, or stop it first.", "Nothing is being trained."


def draw_backtest(run, result):
    """The test part cut into folds, each predicted by a network trained just before it."""
    if result.invalid:
        st.error(f"{plain(result.invalid)} There is nothing to learn from folds of it; choose an honest run.",
                 icon=":material/block:")
        return
    st.markdown("One split may be lucky. Here the test part is cut into folds, and each is predicted by a network of these "
                "settings that was trained on the days before it only.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.slider("Folds", 2, 12, 5, key="evaluate_folds", width=220,
                  help="More folds refit more often, and take longer.")
        st.segmented_control("Training window", MODES, default=MODES[0], key="evaluate_mode", required=True,
                             format_func=str.capitalize,
                             help="Expanding learns from all days before a fold; sliding from equally many.")
        members = _members(run, "backtest")
        active = any(member.active for member in members)
        st.button("Run the backtest", key="evaluate_backtest", icon=":material/play_arrow:", disabled=active,
                  on_click=_start_backtest, args=(run, result),
                  help=RUNNING if active else "Trains once for each fold; it takes the place of the last backtest of this run.")
        st.button("Stop", key="evaluate_backtest_stop", icon=":material/stop:", disabled=not active,
                  on_click=_stop_all, args=(run, "backtest"),
                  help="Ends all folds; those that are done stay." if active else NOT_RUNNING)
    if members:
        _follow(run, "backtest", active, _draw_folds)


@reported
def _start_backtest(run, result):
    # What the widgets hold now: the drawing before may not have known it yet.
    k, mode = st.session_state["evaluate_folds"], st.session_state["evaluate_mode"]
    made = folds(result.history, result.config, k, mode)
    for member in _members(run, "backtest"):
        if not member.active:
            run_store().delete(member.id)
    for fold in made:
        run_store().create(fold.history, fold.config, name=f"{run.series}, fold {fold.number} of {k}"[:200],
                           owner=app_state().owner, group=_group(run, "backtest"), parent=run.id,
                           parameters={"fold": fold.number, "folds": k, "mode": mode})


def _draw_folds(members):
    # One that was stopped half-way is no fold "trained as the run was".
    whole = {member.parameters["fold"]: member for member in members if member.state == "finished" and member.has_result}
    ended = {number: load_result(member.id).predictions for number, member in whole.items()}
    total = max(member.parameters["folds"] for member in members)
    done = sum(not member.active for member in members)
    st.progress(done / total, text=f"{done} of {count_of(total, 'fold')} done, {members[0].parameters['mode']} window")
    missing = {}
    for member in members:
        if not member.active and member.parameters["fold"] not in whole:
            missing.setdefault(member.error or "It was stopped before its end and is left out.", []).append(
                member.parameters["fold"])
    for why, numbers in missing.items():
        title = f"Fold{'s' if len(numbers) > 1 else ''} {', '.join(map(str, sorted(numbers)))}"
        st.warning(f"{title}: {plain(why)}", icon=":material/warning:")
    if not ended:
        return
    history = load_result(next(iter(whole.values())).id).history
    currency = history.currency
    st.markdown(plain(backtest_summary(ended, unit(history.frequency))))
    draw(folds_chart(join_predictions(ended), dark=is_dark(), currency=currency), "evaluate_folds_chart")
    table = backtest_table(ended)
    st.dataframe(pd.DataFrame({
        "Days": [dates(start, end) for start, end in zip(table["start"], table["end"], strict=True)],
        "RMSE": [price(value, currency) for value in table["rmse"]],
        "Naive RMSE": [price(value, currency) for value in table["naive_rmse"]],
        "Skill": [share(value, signed=True) for value in table["skill"]],
        "MAPE": [percent(value) for value in table["mape"]],
        "In the 95 % interval": [share(value) for value in table["coverage_95"]],
    }, index=[f"Fold {number}" for number in table.index]), height="content")


def draw_leak_lab(run, result):
    """Trains again with one classic mistake and shows how much too good the score gets."""
    st.markdown("A score that is too good is mostly a leak: something of the test part reached the training. Train again "
                "with one classic mistake and compare. Such a run is marked invalid wherever it appears.")
    if run.config.leak:
        st.info("This run is itself one with a mistake. Choose an honest one to compare with.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        leak = st.selectbox("Mistake", list(LEAKS), key="evaluate_leak", format_func=LEAK_NAMES.get, width=260,
                            help="Each of them lets something of the test part into the training.")
        members = _members(run, "leak")
        active = any(member.active for member in members)
        st.button("Train with this mistake", key="evaluate_leak_train", icon=":material/science:", disabled=active,
                  on_click=_start_leak, args=(run, result),
                  help=RUNNING if active else "Trains the settings of this run again, with the mistake.")
        st.button("Stop", key="evaluate_leak_stop", icon=":material/stop:", disabled=not active, on_click=_stop_all,
                  args=(run, "leak"), help=None if active else NOT_RUNNING)
    st.caption(f"The mistake: {LEAKS[leak]}. {_what_it_takes(leak, result.config)}")
    if members:
        _follow(run, "leak", active, lambda found: _draw_leaks(run, result, found))


def _what_it_takes(leak: str, config) -> str:
    """Why a mistake may flatter this run little."""
    if leak in ("scaler", "shuffle") and config.target != "price":
        return ("It flatters most where the target is Price, as in the Tutorial preset: this run predicts moves, whose size "
                "changes little, and from which a neighbouring day gives little away.")
    if leak == "validation" and config.patience is None:
        return "This run trains all its epochs whatever validation says, so it can change nothing here; it takes Stop early."
    if leak == "validation":
        return "It flatters by as much as a lucky epoch is worth: a little, run after run."
    return "" if leak != "centred_average" else "It flatters every run."


@reported
def _start_leak(run, result):
    leak = st.session_state["evaluate_leak"]
    run_store().create(
        result.history, replace(result.config, leak=leak), name=f"{run.series}, leak lab: {leak}"[:200],
        owner=app_state().owner, group=_group(run, "leak"), parent=run.id, parameters={"leak": leak})


def _draw_leaks(run, honest, members):
    active = [member for member in members if member.active]
    if active:
        epochs = f"epoch {active[0].epoch} of {active[0].epochs}" if active[0].epoch else "preparing"
        st.progress(min(1.0, active[0].epoch / active[0].epochs), text=f"{LEAK_NAMES[active[0].config.leak]}: {epochs}")
    currency = honest.history.currency
    rows = {"Honest": honest.metrics["test"]}
    for member in members:
        if member.has_result and member.state == "finished":
            rows.setdefault(f"{LEAK_NAMES[member.config.leak]} (invalid)", load_result(member.id).metrics["test"])
        elif not member.active:
            why = member.error or "It was stopped before its end and is left out."
            st.warning(f"{LEAK_NAMES[member.config.leak]}: {plain(why)}", icon=":material/warning:")
    honest_skill = rows["Honest"]["skill"]
    st.dataframe(pd.DataFrame({
        "RMSE": [price(scores["rmse"], currency) for scores in rows.values()],
        "Naive RMSE": [price(scores["naive_rmse"], currency) for scores in rows.values()],
        "Skill": [share(scores["skill"], signed=True) for scores in rows.values()],
        "Right direction": [share(scores["directional_accuracy"]) for scores in rows.values()],
        "Always one way": [always_words(scores) for scores in rows.values()],
        "Flattered by": [UNKNOWN if None in (scores["skill"], honest_skill) else
                         f"{number(100 * (scores['skill'] - honest_skill), signed=True)} points"
                         for scores in rows.values()],
    }, index=list(rows)), height="content", column_config={
        SCORES[name].label: st.column_config.Column(help=SCORES[name].help)
        for name in ("rmse", "naive_rmse", "skill", "directional_accuracy", "directional_base")})
    _, beside = load_verdict(run.id)
    known = "" if beside.interval is None else (
        f" Beside that, the honest skill itself is known only to lie between {share(beside.interval[0], digits=1)} and "
        f"{share(beside.interval[1], digits=1)}.")
    st.caption(f"Flattered by: how many points of skill the mistake adds.{known} RMSEs compare only where the days are the "
               "same, which shuffling changes.")


def _group(run, what: str) -> str:
    return f"{what}-{run.id}"


def _members(run, what: str):
    return run_store().list(limit=100, group=_group(run, what))


@reported
def _stop_all(run, what: str):
    run_store().stop_group(_group(run, what))


def _follow(run, what: str, active: bool, show: Callable):
    """Draws the members of an experiment, again and again while one of them is active."""
    def tick():
        with boundary():
            members = _members(run, what)
            if active and not any(member.active for member in members):
                st.rerun()
            if active:
                draw_trouble()
            show(members)

    st.fragment(tick, run_every=TICK_SECONDS if active else None)()
