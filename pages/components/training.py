"""A training on the Train page: its buttons, its progress, and how it ended."""

from __future__ import annotations

import time

import streamlit as st

from forecasting.evaluation.causes import diagnose_failure
from forecasting.model.settings import LABELS, changed_settings
from forecasting.model.size import describe_network, estimate, estimate_words
from forecasting.runs.room import WAITS
from forecasting.words import count_of, duration, number
from pages.components.bring_back import draw_opened
from pages.components.charts import draw_loss
from pages.components.engine import draw_trouble, is_silent
from pages.components.frame import boundary
from pages.components.mend import draw_mend
from pages.components.order import is_pending, note_tick, order_training
from pages.components.results import draw_result
from pages.components.state import AppState, app_state, reported
from pages.components.store import run_store
from pages.components.text import plain

__all__ = ["draw_buttons", "draw_run", "start_asked"]

# Seconds between redraws of a run: short while the user waits for something, long otherwise, since redrawing takes CPU time
# from the training.
TICK, CALM_TICK = 0.5, 2.0
AWAITED_SECONDS = 2.0
PREDICTING = "predicting, "  # and how far it is
AFTER_TRAINING = ("predicting", "scoring", "saving")
LOOK_SECONDS = 0.05  # between looks at a run that is stopping: the user has just clicked


def draw_buttons(state: AppState, run, problem: str | None):
    """Train and Stop, and what a training of these settings would take. problem: why these settings cannot be trained."""
    config, active = state.config, is_pending(state) or (run is not None and run.active)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Train", type="primary", icon=":material/play_arrow:", disabled=active or bool(problem),
                  help=_why_not(active, problem), on_click=order_training, args=(state,))
        if is_silent(run):
            st.button("Force stop", icon=":material/stop:", on_click=_stop, args=(state, True),
                      help="Ends the process that does not answer, at once. What was learnt by its latest backup is kept.")
        elif _is_predicting(run):
            st.button("Stop predicting", icon=":material/stop:", on_click=_stop, args=(state, False, True),
                      disabled=run.stop == "predicting",
                      help="Ends the run with what is predicted by then. The test part comes first, and the scores are of the "
                           "days that have a forecast.")
        else:
            st.button("Stop", icon=":material/stop:", disabled=not active, on_click=_stop, args=(state,),
                      help="Stops the training within two seconds, or a very large network after its current batch, and keeps "
                           "what was learnt." if active else "Nothing is being trained.")
        if not problem and not is_pending(state):
            parameters = sum(layer.parameters for layer in describe_network(config))
            takes = estimate(config, len(state.history), run_store().timings(), state.history.fingerprint)
            st.caption(f"{count_of(parameters, 'parameter')} · {estimate_words(takes, config.epochs)}")
    if state.parent_id and not active:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("The next training keeps a link to the run that it is made from.", width="content")
            st.button("Without a link", key="train_no_parent", type="tertiary", on_click=_drop_parent, args=(state,))


def _why_not(active: bool, problem: str | None) -> str:
    if active:
        return "A training is running. Stop it first, or wait until it has ended."
    return "These settings cannot be trained; see the reason below." if problem else "Trains with the settings on the left."


def _drop_parent(state: AppState):
    state.parent_id = None


def start_asked(state: AppState):
    """Starts the training that a button on another page asked for."""
    asked, state.asks_to_train = state.asks_to_train, False
    if asked:
        order_training(state)
        st.rerun()


@reported
def _stop(state: AppState, force: bool = False, predicting: bool = False):
    if is_pending(state) and state.order.order.give_up():
        state.order = None
        return
    run_store().request_stop(state.run_id, force=force, predicting=predicting)


def _draw_live(run):
    """Follows an active run from the store until it ends, then redraws the whole page."""
    log_scale = st.toggle("Logarithmic loss", key="train_log_live")
    quick = _is_awaited(run)
    st.fragment(_follow, run_every=TICK if quick else CALM_TICK)(run.id, log_scale, quick, _buttons_of(run), time.monotonic())


def _is_awaited(run) -> bool:
    """Whether the user is about to see something new: a first point, a curve of some length, the end."""
    if not run.epoch or not run.rate or run.stopping:
        return True
    # A slow epoch ends no sooner for being looked at more often.
    return min(run.epoch, run.epochs - run.epoch) / run.rate < (AWAITED_SECONDS if run.rate > 2 else AWAITED_SECONDS / 2)


def _buttons_of(run) -> tuple:
    """What the buttons above depend on: they are not part of what redraws itself."""
    return is_silent(run), _is_predicting(run)


def _is_predicting(run) -> bool:
    """Whether a run has been predicting for so long that it reports how far it is."""
    return run is not None and run.active and run.phase.startswith(PREDICTING)


def _follow(run_id: str, log_scale: bool, quick: bool, buttons: tuple, drawn: float):
    note_tick(app_state(), drawn)
    with boundary():
        run = _about_to_end(run_store().get(run_id))
        if not run.active or quick != _is_awaited(run) or buttons != _buttons_of(run):
            st.rerun()
        st.progress(min(1.0, run.epoch / run.epochs) if run.epochs else 0.0, text=_progress_words(run))
        with st.container():
            draw_trouble(run)
        draw_loss(run_store().curve(run_id), run, log_scale, key="train_curve")


def _about_to_end(run):
    """`run`; if it is stopping, its state as soon as that changes, or after one tick."""
    waited_until, phase = time.monotonic() + TICK - LOOK_SECONDS, run.phase
    while run.active and run.stopping and run.phase == phase and time.monotonic() < waited_until:
        time.sleep(LOOK_SECONDS)
        run = run_store().get(run.id)
    return run


def _progress_words(run) -> str:
    if run.state == "scheduled":
        if run.phase.startswith(WAITS):
            return f"Waiting {run.phase}"
        if run.queue_position and run.queue_position > 1:
            return f"Waiting: number {run.queue_position} in the queue"
        return "Waiting: next in the queue, for a free worker"
    words = [f"Epoch {run.epoch} of {run.epochs}" if run.epoch else (run.phase or "Preparing").capitalize()]
    if run.phase.startswith(AFTER_TRAINING):
        words += ["stopped" if run.stopping else "trained", run.phase] if run.epoch else []
        if run.stop == "predicting":
            words.append("stopping")
    elif run.stopping:
        words.append("stopping")
    elif run.epoch and run.rate:
        words += [f"{duration((run.epochs - run.epoch) / run.rate)} left at most", f"{number(run.rate, 1)} epochs a second"]
    return " · ".join(words)


def draw_run(state: AppState, run):
    """The run that is shown: what it was trained with, where it stands, and its result once it has one."""
    with st.container():
        _say_what_differs(state, run)
        if run.kind == "opened":
            draw_opened(run)
    if run.active:
        _draw_live(run)
    else:
        _draw_end(run)
    if run.has_result:
        draw_result(run)
    elif state.earlier_id and state.earlier_id != run.id:
        st.subheader("The previous run")
        st.caption("It stays here until the new one has a result.")
        draw_result(run_store().get(state.earlier_id))


def _draw_end(run):
    """How a run ended, if there is something to say or to do about it."""
    if run.error:
        cause = diagnose_failure(run.config, run.error) if run.state == "failed" else None
        why = f"  \n**Why:** {plain(cause.sentence)}" if cause else ""
        show = {"failed": st.error, "interrupted": st.warning}.get(run.state, st.info)
        show(f"{plain(run.error)}{why}", icon=":material/error:")
        if cause:
            draw_mend(run, cause)
    elif run.setback:
        st.caption(f"Attempt {run.attempt}: {plain(run.setback)}")
    if run.resumable:
        st.button("Resume", icon=":material/resume:", on_click=_resume, args=(run.id,),
                  help="Puts this run back into the queue with its own settings and prices.")
    if run.epoch and not run.has_result:
        draw_loss(run_store().curve(run.id), run, log_scale=False, key="train_curve_failed")


@reported
def _resume(run_id: str):
    run_store().resume(run_id)


def _say_what_differs(state: AppState, run):
    """Says if the run below was trained with other settings or prices than the current ones."""
    changed = [LABELS[name] for name in changed_settings(run.config, state.config)]
    if run.fingerprint != state.history.fingerprint:
        st.info(f"The run below was trained on other prices: {plain(run.series)}. Press Train for the current ones.",
                icon=":material/info:")
    elif changed:
        differ = "differs" if len(changed) == 1 else "differ"
        st.info(f"The run below was trained with other settings ({', '.join(changed)} {differ}). Press Train to see what the "
                "current ones do.", icon=":material/info:")
