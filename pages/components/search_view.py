"""A search while it goes on and afterwards: the answer, the charts, a row for each trial."""

from __future__ import annotations

import math
import statistics

import pandas as pd
import streamlit as st

from forecasting.evaluation.scores import SCORES
from forecasting.model.settings import LABELS, value_words
from forecasting.plots import importance_chart, parallel_chart, search_chart
from forecasting.runs.experiments.kind import Child, Experiment
from forecasting.runs.experiments.search import Report, luck_words, report, verdict_words
from forecasting.runs.experiments.search_space import KNOBS
from forecasting.runs.experiments.search_study import FEWEST_FOR_IMPORTANCE, importance
from forecasting.words import UNKNOWN, count_of, duration, number, share
from pages.components.charts import draw_chart
from pages.components.engine import draw_trouble
from pages.components.frame import boundary, is_dark
from pages.components.state import app_state
from pages.components.store import load_result, run_store
from pages.components.text import plain

__all__ = ["draw_follow", "read_report"]

TICK_SECONDS = 1.5
MARKS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)  # on logarithmic axes
TITLES = LABELS | {"layers": "Layers"}
STATES = {"scheduled": "Waiting", "running": "Training", "finished": "Finished", "pruned": "Pruned", "stopped": "Stopped",
          "failed": "Failed", "interrupted": "Interrupted"}
STAGES = {"trial": "Searching", "final": "Training the finalists again, with new seeds, on other days",
          "test": "Training the winner and Recommended on the real split", "luck": "Searching on permuted returns"}


def read_report(experiment) -> Report:
    runs = [Child(run, load_result) for run in run_store().children(experiment)]
    return report(runs, Experiment(experiment, run_store(), runs, load_result))


def draw_follow(experiment):
    """Draws the search, and redraws it while it goes on."""
    def tick():
        with boundary():
            now = run_store().get(experiment.id)
            if experiment.active and not now.active:
                st.rerun()
            if now.active:
                draw_trouble(*run_store().children(now))
            _draw(now)

    st.fragment(tick, run_every=TICK_SECONDS if experiment.active else None)()


def _draw(experiment):
    found = read_report(experiment)
    _draw_progress(experiment, found)
    if experiment.error:
        (st.error if experiment.state == "failed" else st.warning)(plain(experiment.error), icon=":material/error:")
    _draw_answer(found)
    dark = is_dark()
    first = found.reference.value if found.reference else None
    draw_chart(search_chart(_values(found), first, experiment.parameters["trials"], dark=dark), "tune_history")
    trials, settings, shares, finalists = st.tabs(["Trials", "Settings", "Importance", "Finalists"], key="tune_details")
    with trials:
        _draw_table(experiment, found)
    with settings:
        _draw_parallel(experiment, found, dark)
    with shares:
        _draw_importance(experiment, found, dark)
    with finalists:
        _draw_finalists(found)


def _draw_progress(experiment, found: Report):
    options = experiment.parameters
    begun = [trial for trial in found.trials if trial.run.started]
    done = [trial for trial in begun if not trial.run.active]
    pruned = sum(trial.state == "pruned" for trial in found.trials)
    words = [f"{len(done)} of {count_of(options['trials'], 'trial')}" if options["trials"] else count_of(len(done), "trial")]
    words += [f"{pruned} pruned"] if pruned else []
    if not experiment.active:
        how = {"finished": "Done", "stopped": "Stopped", "failed": "Failed"}.get(experiment.state, experiment.state)
        st.caption(" · ".join(map(plain, [how, *words, *_took(experiment)])))
        return
    if experiment.stopping:
        words.insert(0, "Stopping")
    elif options["paused"]:
        words.insert(0, "Paused")
    elif not found.trials:
        words.insert(0, "Waiting for a free worker")
    else:
        words.insert(0, STAGES.get(found.stage, "Starting"))
    left = _seconds_left(options, found)
    words += [f"about {duration(left)} left"] if left is not None and found.stage == "trial" and not options["paused"] else []
    st.progress(_share_done(options, found, begun, done), text=" · ".join(map(plain, words)))


def _took(experiment) -> list[str]:
    return [f"took {duration(experiment.seconds)}"] if experiment.seconds else []


def _share_done(options, found: Report, begun, done) -> float:
    if found.stage != "trial":
        return 1.0
    shares = [len(done) / options["trials"]] if options["trials"] else []
    if options["minutes"]:
        at_once = max(1, sum(trial.state == "running" for trial in found.trials))
        shares.append(sum(trial.run.seconds or 0.0 for trial in begun) / at_once / 60 / options["minutes"])
    return min(1.0, max(shares, default=0.0))


def _seconds_left(options, found: Report) -> float | None:
    """Of the trials alone, by the pace of the latest ones."""
    took = [trial.run.seconds for trial in found.trials if not trial.run.active and trial.run.seconds][-20:]
    if len(took) < 2:
        return None
    at_once = max(1, sum(trial.state == "running" for trial in found.trials))
    lefts = []
    if options["trials"]:
        remaining = options["trials"] - sum(bool(trial.run.started) and not trial.run.active for trial in found.trials)
        lefts.append(remaining * statistics.fmean(took) / at_once)
    if options["minutes"]:
        spent = sum(trial.run.seconds or 0.0 for trial in found.trials) / at_once
        lefts.append(60 * options["minutes"] - spent)
    return max(0.0, min(lefts)) if lefts else None


def _draw_answer(found: Report):
    best, first = found.best, found.reference
    value = first.value if first else None
    columns = _in_a_row(4)
    shown = number(best.value if best else None, 4)
    columns[0].metric("Best so far", shown, f"trial {best.number}" if best else "no trial yet", delta_color="off",
                      delta_arrow="off", help="RMSE over the naive forecast's, one step ahead, a mean over the folds. Below 1 "
                      "is better than naive.")
    columns[1].metric("Recommended", number(value, 4), "trial 1", delta_color="off", delta_arrow="off",
                      help="The same of the settings that forecast best over many real series.")
    gain = (value - best.value) / value if best and value else None
    columns[2].metric("Gain in the search", share(gain, signed=True), "the luckiest of many", delta_color="off",
                      delta_arrow="off", help="By how much the best trial is better than Recommended on the search's folds.")
    luck = found.luck / value if found.luck is not None and value else None
    columns[3].metric("Luck alone", share(luck, signed=True), "expected", delta_color="off", delta_arrow="off",
                      help="By how much the best of as many trials would be better if all of them were equally good.")
    for sentence in (verdict_words(found), luck_words(found)):
        if sentence:
            st.markdown(sentence.replace(" %", "\N{NO-BREAK SPACE}%"))


def _in_a_row(count: int) -> list:
    """Containers side by side, two in a row on a phone."""
    with st.container(horizontal=True):
        return [st.container(width=165) for _ in range(count)]


def _values(found: Report) -> pd.DataFrame:
    return pd.DataFrame({"number": [trial.number for trial in found.trials],
                         "value": pd.Series([trial.value for trial in found.trials], dtype="float64"),
                         "state": [trial.state for trial in found.trials],
                         "words": [_settings_words(trial.settings) for trial in found.trials]})


def _settings_words(settings: dict) -> str:
    return ", ".join(f"{TITLES[name].lower()} {_word(name, value)}" for name, value in settings.items())


def _word(name: str, value) -> str:
    return f"{value:.2g}" if isinstance(value, float) else value_words(name, value)


def _draw_table(experiment, found: Report):
    names = list(dict.fromkeys(name for trial in found.trials for name in trial.settings))
    kept = set(experiment.parameters["kept"])
    rows = [{"Trial": trial.number,
             "State": STATES[trial.state] + (", kept" if trial.run.key in kept else ""),
             "Value": number(trial.value, 4),
             **{TITLES[name]: _word(name, trial.settings[name]) if name in trial.settings else UNKNOWN for name in names},
             "Curve": list(trial.curve), "Time": duration(trial.run.seconds)}
            for trial in sorted(found.trials, key=lambda trial: (not trial.run.active, trial.value is None, trial.value or 0.0,
                                                                 -trial.number))]
    columns = {"Trial": st.column_config.NumberColumn(width=60, pinned=True),
               "Value": st.column_config.TextColumn(help="RMSE over naive's, a mean over the folds."),
               "Curve": st.column_config.LineChartColumn(width=140, help="Validation loss by epoch relative to naive's, all "
                                                         "folds in a row.")}
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=380, column_config=columns, key="tune_table")
    st.caption("Those in progress first, then the best. Trial 1 is Recommended.")


def _draw_parallel(experiment, found: Report, dark: bool):
    space = experiment.parameters["space"]
    whole = [trial for trial in found.trials if trial.value is not None and set(space) <= trial.settings.keys()]
    if len(whole) < 2:
        st.caption("The settings of the trials are drawn once two have ended.")
        return
    draw_chart(parallel_chart([_axis(name, [trial.settings[name] for trial in whole]) for name in space],
                              [trial.value for trial in whole], dark=dark), "tune_parallel")
    st.caption("Each line is a trial; the darker, the better. Drag along an axis to see those that pass there.")


def _axis(name: str, values: list) -> dict:
    if KNOBS[name].log:
        marks = {math.log10(mark): f"{mark:g}" for mark in MARKS if min(values) / 1.5 <= mark <= 1.5 * max(values)}
        return {"label": TITLES[name], "values": [math.log10(value) for value in values], "ticks": marks}
    if not KNOBS[name].values:
        return {"label": TITLES[name], "values": values}
    known = [list(value) if isinstance(value, tuple) else value for value in KNOBS[name].values]
    places = [value for value in known if value in values] + [value for value in values if value not in known]
    places = [value for at, value in enumerate(places) if value not in places[:at]]
    if KNOBS[name].ordered:
        places.sort(key=lambda value: (value is None, value or 0))
    return {"label": TITLES[name], "values": [places.index(value) for value in values],
            "ticks": {at: _word(name, value) for at, value in enumerate(places)}}


@st.cache_data(show_spinner=False, max_entries=16)
def _importance(key: str, ended: int, space: dict, _runs: list) -> dict[str, float]:
    return importance(space, _runs)


def _draw_importance(experiment, found: Report, dark: bool):
    runs = [trial.run for trial in found.trials if trial.value is not None]
    shares = {}
    if len(runs) >= FEWEST_FOR_IMPORTANCE:
        shares = _importance(experiment.id, len(runs), experiment.parameters["space"], runs)
    if not shares:
        st.caption(f"Which settings mattered is said once {FEWEST_FOR_IMPORTANCE} trials have come to their end and at least "
                   f"two settings are varied; {len(runs)} have so far.")
        return
    draw_chart(importance_chart({TITLES[name]: value for name, value in shares.items()}, dark=dark), "tune_importance")
    st.caption("How differently the best quarter of the trials is spread over each setting. Where luck decides, so does "
               "this chart: trust it only as far as the search's gain exceeds luck.")


def _draw_finalists(found: Report):
    decision = found.decision
    if decision is None or not decision.finalists:
        st.caption("Once the trials have ended, the five best and Recommended are trained again with new seeds and judged on "
                   "days that the search did not use.")
        return
    rows = [{"Trial": f"{one.number} (Recommended)" if one.number == 1 else str(one.number),
             "RMSE / naive": number(one.ratio, 4),
             "Better than Recommended by": UNKNOWN if one.number == 1 else share(one.gain, signed=True),
             "Interval": UNKNOWN if one.interval is None else
             f"{share(one.interval[0], signed=True)} to {share(one.interval[1], signed=True)}",
             "Weights": number(one.size, 0),
             "Within one standard error of the best": "yes" if one.near_best else "no"} for one in decision.finalists]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", column_config={
        "Trial": st.column_config.TextColumn(width=130),
        "Interval": st.column_config.TextColumn(help="Of the gain, by resampled stretches of days. All of them hold at once in "
                                                "95 of 100 searches, since the best of several is compared.")})
    st.caption("The smallest network within one standard error of the best is taken, and Recommended stays unless the interval "
               "of its gain lies above zero.")
    whole = {of: run for of, run in found.tests.items() if run.scores.get("test")}
    if whole:
        st.markdown("**On the test part, read once**")
        shown = ("rmse", "naive_rmse", "skill", "mape")
        st.dataframe(pd.DataFrame([
            {"Trial": f"{of} (Recommended)" if of == 1 else f"{of}{' (the winner)' if of == decision.winner else ''}",
             **{SCORES[name].label: SCORES[name].show(name, run.scores["test"], run.currency) for name in shown}}
            for of, run in sorted(whole.items())]), hide_index=True, height="content")
    if len(whole) > 1 and st.button("Compare them", icon=":material/compare_arrows:", key="tune_compare"):
        app_state().compare = tuple(run.id for _, run in sorted(whole.items()))
        st.switch_page("pages/6_Runs.py")
