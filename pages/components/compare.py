"""Several runs beside each other: which is better in words, scores, what differs, and their curves and predictions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from forecasting import RunError, StoreUnavailable
from forecasting.evaluation.ranking import FEWEST, MOST, NAIVE
from forecasting.evaluation.scores import SCORES
from forecasting.model.settings import LABELS, value_words
from forecasting.plots import curves_chart, last_rows, overlay_chart
from forecasting.runs.experiments.leak import LEAK_NAMES
from forecasting.words import UNKNOWN, count_of, date, dates, number, share
from pages.components.charts import draw_chart
from pages.components.frame import is_dark
from pages.components.state import AppState, taken, widget_for
from pages.components.store import load_ranking, load_result, run_store
from pages.components.text import plain

__all__ = ["draw_comparison"]

NAMES_WIDTH = 180  # pixels: on a phone it leaves room for a score beside the names
PINNED_NAIVE = "naive"  # in the address, where runs go by their ids
STRETCHES = {"Last 60 rows": 60, "Last 250 rows": 250, "All shared days": 0}
# Losses of runs that differ in one of these are not in the same unit, or not of the same days.
OTHER_LOSS = ("target", "loss", "scaler", "horizon", "validation_share", "test_share", "leak")
BESIDE = "By how much the RMSE is lower (+) or higher (-), the 95 % interval of that, and whether it is proven."
HOW = ("Only the test days that all ranked runs share count. The interval resamples whole stretches of them, with the errors "
       "of both forecasts together; the Diebold-Mariano test allows for gains that last for days (Newey and West) and for few "
       "days (Harvey, Leybourne and Newbold). With several runs, Holm's method keeps the chance of one false claim at 5 %. A "
       "run is called better only if interval and test agree, and if the difference is larger than another seed may make it.")


def draw_comparison(state: AppState, run_ids: Sequence[str]):
    """The runs that can be compared, and a sentence for each that cannot."""
    st.header("Compare")
    (runs, left_out), answer = _usable(run_ids), st.container()
    _say(left_out)
    if len(runs) < FEWEST:
        answer.info(f"Choose {FEWEST} to {MOST} runs with a result to compare them.", icon=":material/info:")
        return
    ids = tuple(runs)
    reference = _reference(state, runs)
    ranking, name_of = load_ranking(ids, tuple(run.name for run in runs.values()), reference)
    _choose_reference(state, reference, {run_id: name_of[run_id] for run_id, run in runs.items() if not run.config.leak})
    _draw_answer(answer, ranking)
    _draw_scores(ranking)
    st.fragment(_draw_charts)(ids, ranking, name_of)
    _draw_differences(runs, ranking, name_of)


def _usable(run_ids) -> tuple[dict, list[str]]:
    """{id: run} of those with a result that can be read, at most `MOST`, and why the others are left out."""
    runs, left_out = {}, []
    for run_id in dict.fromkeys(run_ids):
        try:
            run = run_store().get(run_id)
            if why := _why_not(run, len(runs)):
                left_out.append(f"{run.name} ({run_id[:8]}) is left out: {why}.")
            else:
                load_result(run_id)
                runs[run_id] = run
        except StoreUnavailable:
            raise
        except RunError as error:  # deleted, damaged or not one of ours: the others can still be compared
            left_out.append(f"Run {run_id[:8]} is left out. {error}")
    return runs, left_out


def _why_not(run, taken: int) -> str:
    """Why a run cannot be compared, a clause; '' where it can. taken: how many have a place already"""
    if run.active:
        return "it has not ended yet"
    if run.kind == "experiment":
        return "it is an experiment, whose trainings can be compared"
    if run.kind == "forecast":
        return "it is a forecast of days whose prices are not known"
    if not run.has_result:
        return f"it {'was ' if run.state in ('stopped', 'interrupted') else ''}{run.state} and has no predictions"
    return f"at most {MOST} runs can be compared" if taken == MOST else ""


def _say(sentences, place=st, icon=":material/warning:"):
    """Sentences in one box, a line each; nothing where there are none."""
    if len(sentences) == 1:
        place.warning(plain(sentences[0]), icon=icon)
    elif sentences:
        place.warning("\n".join(f"- {plain(sentence)}" for sentence in sentences), icon=icon)


def _reference(state: AppState, runs) -> str:
    """The id of the run that the others are compared with, or `PINNED_NAIVE`."""
    for _, chosen in taken(state, "compare_reference"):
        state.reference = chosen
    honest = [run_id for run_id, run in runs.items() if not run.config.leak]
    return state.reference if state.reference in (PINNED_NAIVE, *honest) else next(iter(honest), PINNED_NAIVE)


def _choose_reference(state: AppState, reference: str, names: dict[str, str]):
    options = {PINNED_NAIVE: "Naive forecast"} | names
    widget = widget_for(state, "compare_reference", reference)
    st.selectbox("Compare with", list(options), index=list(options).index(widget.value), key=widget.key,
                 format_func=options.get, width=420,
                 help="The reference: every other run is compared with this one. Invalid runs cannot be chosen.")


def _draw_answer(place, ranking):
    """Who is better, in words."""
    proven = any(pair.outcome in ("better", "worse") for pair in ranking.pairs.values())
    show, icon = (place.success, ":material/check_circle:") if proven else (place.info, ":material/balance:")
    said = "\n".join(f"- {plain(sentence)}" for sentence in ranking.answers)
    show(f"**{plain(ranking.headline)}**\n\n{said}", icon=icon)
    _say([f"{name} is not ranked. {problem}" for name, problem in ranking.problems.items()], place, ":material/block:")
    for note in ranking.notes:
        place.caption(plain(note, limit=1500))


def _draw_scores(ranking):
    """The scores of all on the shared days, naive first."""
    table = ranking.table
    cells = {SCORES[name].label: [SCORES[name].show(name, dict(row), ranking.currency) for _, row in table.iterrows()]
             for name in table}
    shown = pd.DataFrame(cells, index=table.index)
    beside = {"Beside naive": ranking.beside_naive}
    if ranking.reference != NAIVE:
        beside["Beside the reference"] = ranking.pairs
    for at, (label, pairs) in enumerate(beside.items(), start=1):
        shown.insert(at, label, [_beside(ranking, name, pairs.get(name)) for name in table.index])
    st.subheader("Scores")
    st.dataframe(shown, height="content", column_config={
        "_index": st.column_config.Column(width=NAMES_WIDTH),
        **{SCORES[name].label: st.column_config.Column(help=SCORES[name].about) for name in table},
        **{label: st.column_config.Column(width=210, help=BESIDE) for label in beside}})
    if len(ranking.days):
        days = f"{count_of(len(ranking.days), ranking.unit)}, {dates(ranking.days[0], ranking.days[-1])}"
        st.caption(plain(f"On {days}, that all ranked runs were tested on. One training each: the best of many "
                         "runs is in part the luckiest."), help=HOW)


def _beside(ranking, name, pair):
    """'+0.4 % (-0.3 to 1.1), unproven', or why there is no such comparison."""
    entry = ranking.entry(name)
    if pair is None:
        return "invalid" if entry.invalid else "not ranked" if entry.problem else (
            "the reference" if name == ranking.reference else UNKNOWN)
    if pair.outcome == "same":
        return "the same forecasts"
    if pair.change is None:
        return UNKNOWN
    digits = 2 if abs(pair.change) < 0.0005 else 1 if abs(pair.change) < 1 else 0
    change = share(pair.change, signed=True, digits=digits)
    if pair.interval is None:
        return f"{change}, {pair.outcome}"
    low, high = (number(100 * bound, digits) for bound in pair.interval)
    return f"{change} ({low} to {high}), {pair.outcome}"


def _draw_charts(ids, ranking, name_of):
    """Predictions and validation curves overlaid, in the same colours."""
    results = {name_of[run_id]: load_result(run_id) for run_id in ids}
    invalid = [name for name, result in results.items() if result.invalid]
    st.subheader("Predictions")
    stretch = st.segmented_control("Stretch shown", list(STRETCHES), default="Last 60 rows", key="compare_stretch",
                                   required=True, label_visibility="collapsed")
    if len(ranking.days):
        rows = STRETCHES[stretch]
        draw_chart(overlay_chart(ranking.actual, ranking.naive, {name: ranking.entry(name).predicted for name in results
                                                                 if ranking.entry(name).comparable},
                                 order=list(results), invalid=invalid, reference=ranking.reference, currency=ranking.currency,
                                 x_range=last_rows(ranking.days, rows) if rows else None, dark=is_dark()),
                   "compare_predictions")
    st.subheader("Validation loss")
    relative = any(name in OTHER_LOSS for name in ranking.settings) or ranking.differ_in_prices
    draw_chart(curves_chart({name: result.curve for name, result in results.items()}, invalid=invalid, relative=relative,
                            dark=is_dark()), "compare_curves")
    if relative:
        st.caption("These losses measure different things, in other units or on other days, so each is drawn over its own "
                   "lowest: compare their shapes, not their heights.")


def _draw_differences(runs, ranking, name_of):
    """Settings, prices, split and versions that differ, and what is the same for all."""
    st.subheader("What differs")
    names = [name_of[run_id] for run_id in runs]
    rows = {LABELS[field]: [_setting(field, getattr(ranking.configs[name], field)) for name in names]
            for field in ranking.settings}
    rows |= {what: [ranking.facts[name][what] for name in names] for what in ranking.facts[names[0]]}
    differ = {what: values for what, values in rows.items() if len(set(values)) > 1}
    same = [f"{what} {values[0]}" for what, values in rows.items() if len(set(values)) == 1]
    own = {"Run": [run.name for run in runs.values()], "Trained": [_when(run) for run in runs.values()]}
    st.dataframe(pd.DataFrame([*own.values(), *differ.values()], index=[*own, *differ], columns=names), height="content")
    equal = len(LABELS) - len(ranking.settings)
    st.caption(plain(f"The same for all: {count_of(equal, 'setting')}" + "".join(f" · {one}" for one in same), limit=1500))


def _setting(field, value):
    return LEAK_NAMES[value] if field == "leak" and value else value_words(field, value)


def _when(run):
    return date(pd.Timestamp(run.created).tz_convert(st.context.timezone or "UTC"), time=True)
