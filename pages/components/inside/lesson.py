"""The lesson: ten steps from the recurrent network to forecasting prices, each with the figure that it speaks of.

The text of a step stands in the sidebar, beside the figure, and can be opened above it on a phone; what is to be done, and
whether it was, stands above the figure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from forecasting.errors import TooLarge
from forecasting.evaluation.scores import SCORES
from forecasting.inside import load_example
from forecasting.model.cells import CELLS
from forecasting.words import UNKNOWN, count_of, number, price, unit
from pages.components.inside.loaded import load_memory
from pages.components.inside.subject import Subject
from pages.components.state import AppState
from pages.components.text import plain

__all__ = ["STEPS", "Step", "draw_bar", "draw_text", "notice"]

LONG = 55  # letters of an equation, from which on it is set smaller
SHOWN = ("rmse", "skill")
MONTH = 20  # trading days
ASKED_PERCENT = (1.5, 2.5)  # counts as 2 %
HOCHREITER = "Hochreiter and Schmidhuber, Long short-term memory, 1997"
GERS = "Gers, Schmidhuber and Cummins, Learning to forget, 2000"
CHO = "Cho and others, Learning phrase representations using RNN encoder-decoder, 2014"
BENGIO = "Bengio, Simard and Frasconi, Learning long-term dependencies with gradient descent is difficult, 1994"
PASCANU = "Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, 2013"
GLOROT = "Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010"
HE = "He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015"


@dataclass(frozen=True)
class Step:
    """title; text: Markdown; tab: the view that it speaks of
    task: what to do, a sentence for this network; done: whether it has been done
    equations: LaTeX, a block each; sources: of the equations and the claims
    compared: the cells of the example networks whose test scores are shown
    """

    title: str
    text: str
    tab: str
    task: Callable[[AppState, Subject], str]
    done: Callable[[AppState, Subject], bool]
    equations: tuple[tuple[str, ...], ...] = ()
    sources: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()


def _asks(words: str) -> Callable[[AppState, Subject], str]:
    return lambda state, subject: words


def _pinned(state: AppState, subject: Subject) -> bool:
    step = state.inside.step
    return step is not None and step != _before(state).step and step < subject.result.config.window - 1


def _other_day(state: AppState, subject: Subject) -> bool:
    return state.inside.day != _before(state).day


def _before(state: AppState):
    return state.inside_before or state.inside


def _is_cell(name: str) -> Callable[[AppState, Subject], bool]:
    return lambda state, subject: subject.cell.name == name


def _ask_for_drag(state: AppState, subject: Subject) -> str:
    first = "" if "cell" in subject.cell.states else (
        f"This is a {subject.cell.label}, without that cell: choose an LSTM in the list of networks first, to see its gates. ")
    return (f"{first}Drag the last price of the window, yesterday's if each row is a day, up by 2 %: press it in the chart and "
            "pull, or move to it with Tab and press the arrow keys. Watch the last column of every gate.")


def _dragged(state: AppState, subject: Subject) -> bool:
    drag, (low, high) = state.inside_drag, ASKED_PERCENT
    return bool(drag) and drag.get("back") == 0 and low <= drag.get("percent", 0) <= high


def _ask_for_memory(state: AppState, subject: Subject) -> str:
    one = unit(subject.result.history.frequency)
    lives, why = _half_lives(subject)
    if lives is None:
        return f"{why} Choose an example LSTM in the list of networks to do this step."
    longest = max(float(one.max()) for one in lives)
    which = ("The numbers of units stand below the bars; choose it" + (" and its layer" if len(lives) > 1 else "")
             + " in the field above the chart.")
    if longest >= MONTH:
        return (f"Find a unit that remembers for a month: one with a half-life of {MONTH} {one}s or more. {which}")
    return (f"No unit of this network remembers for a month; the longest half-life is {number(longest, 1)} {one}s. Find that "
            f"unit. {which}")


def _remembers(state: AppState, subject: Subject) -> bool:
    (lives, _), view = _half_lives(subject), state.inside
    if lives is None or view.layer >= len(lives) or view.unit >= len(lives[view.layer]):
        return False
    least = min(MONTH, max(float(one.max()) for one in lives))
    return float(lives[view.layer][view.unit]) >= least


def _half_lives(subject: Subject) -> tuple[list[np.ndarray] | None, str]:
    """(a list per layer, or None; why there are none)."""
    try:
        memory = load_memory(subject.id, subject.result)
    except TooLarge as error:
        return None, str(error)
    return memory.half_lives, memory.why


def _ask_for_start(state: AppState, subject: Subject) -> str:
    if getattr(subject.result, "snapshots", None) is None:
        return "This run was trained before snapshots were kept. Choose an example in the list of networks to do this step."
    return "Move the slider of epochs to 0, the network before it had learnt anything, and back again."


def _ask_for_better_day(state: AppState, subject: Subject) -> str:
    table = subject.result.predictions
    test = table[(table["split"] == "test") & table["predicted"].notna()]
    closer = float((np.abs(test["predicted"] - test["actual"]) < np.abs(test["naive"] - test["actual"])).mean())
    one = unit(subject.result.history.frequency)
    return (f"Find a {one} of the test part on which the forecast came closer than the last price did. Here that is so on "
            f"{number(100 * closer, 0)} % of them: a network that knows nothing would be closer on about half.")


def _found_better_day(state: AppState, subject: Subject) -> bool:
    table = subject.result.predictions
    if subject.date is None or subject.date not in table.index or not _other_day(state, subject):
        return False
    row = table.loc[subject.date]
    return row["split"] == "test" and abs(row["predicted"] - row["actual"]) < abs(row["naive"] - row["actual"])


STEPS = (
    Step("A network that reads in order",
         "A recurrent network takes in a window of prices one row after the other. It carries a list of numbers along, the "
         "*hidden state*; each new state is made from the new row and from the state before, always with the same weights. So "
         "the last state can, in principle, know about every row of the window.\n\nIn the figure, time runs from left to "
         "right. Under the prices stands one row of colour for each number of the state, and at the end the forecast that is "
         "read off the last one.",
         "window", _asks("Click a day in the middle of the window. The prices, the heat maps, the curves and the equations all "
                         "show that day."), _pinned, (CELLS["rnn"].equations,)),
    Step("What goes in",
         "A network cannot compare a price of 2 with one of 182: what it learnt at one level is worth nothing at another. So "
         "what enters is, as a rule, the *move* from one row to the next, divided by its usual size in the training part. The "
         "label, which it should predict, is the next move on the same scale.\n\nNothing of this may be learnt from the test "
         "part, or the score is a lie.",
         "input", _asks("Choose another day in the field below, and follow its last price through the steps to the number that "
                        "enters."), _other_day),
    Step("Learning backwards through time",
         "To learn, the error at the end is traced back to every earlier step: *back-propagation through time*. On its way "
         "back over one step, the gradient is multiplied by how much the new state depends on the old one. Over many steps "
         "that is a long product. Where its factors are mostly below one in size, what is left of it *vanishes*, and the "
         "network does not learn from far days; above one, it *explodes*, and one step of training ruins the "
         "weights.\n\nAgainst the second there is a blunt remedy: a gradient that is too long is cut to a fixed length, its "
         "direction kept. Against the first there is none of that kind; it takes another cell.",
         "gradients", _asks("Open the simple RNN in the list of networks below, and see how far back its gradient reaches."),
         _is_cell("rnn"),
         ((r"\frac{\partial L}{\partial h_{k}} = \frac{\partial L}{\partial h_{T}} \prod_{t=k+1}^{T} "
           r"\frac{\partial h_{t}}{\partial h_{t-1}}",),
          (r"g \leftarrow g \cdot \min\left(1, \frac{c}{\lVert g \rVert}\right)",)), (BENGIO, PASCANU)),
    Step("A memory behind gates",
         "The LSTM adds a second state, the *cell*, that is passed on by *adding* to it rather than by multiplying it with a "
         "matrix. Along this path the gradient is only multiplied by the forget gate. Gates are numbers between 0 and 1, "
         "worked out at every step from the new row and the last output: the *input gate* says how much of the *candidate* is "
         "let in, the *forget gate* how much of the old cell is kept, the *output gate* how much of it is shown to the next "
         "layer and to the forecast.",
         "window", _ask_for_drag, _dragged, (CELLS["lstm"].equations,), (HOCHREITER, GERS)),
    Step("Forgetting on purpose",
         "The first LSTM had no forget gate: its cell could only pile up. The gate was added so that a unit can empty itself. "
         "If it stands at 0.97, 3 % are lost at each step, and after 23 steps half is left: the *half-life* is $\\ln 0.5 / "
         "\\ln f$. Units may differ: some follow the last days, others can keep what was a month ago.\n\nA long half-life is "
         "no merit by itself. On daily prices there is little to remember.",
         "memory", _ask_for_memory, _remembers, ((r"c_t = f_t \odot c_{t-1} + i_t \odot g_t",),), (GERS,)),
    Step("The same with fewer gates",
         "The GRU joins the input and the forget gate into one *update gate*: what is let in is what is given up. A *reset "
         "gate* decides how much of the past the candidate sees, and there is no separate cell. A quarter fewer weights, and "
         "often as good.\n\nIn the equations here the reset gate acts after the product with U, as in Keras; the paper has it "
         "before. Here z keeps the old state and 1 - z lets in the new; some texts have it the other way round.",
         "window", _asks("Open a GRU in the list of networks, and find its two gates among the heat maps."), _is_cell("gru"),
         (CELLS["gru"].equations,), (CHO,)),
    Step("The tutorial's variant",
         "The tutorial that this app grew out of lets the gates read the previous *cell state* $c_{t-1}$. The usual LSTM lets "
         "them read the previous *output* $h_{t-1}$. The difference matters: an output lies between -1 and 1, a cell has no "
         "bound, so that gates which read it may stick open or shut. (Peepholes, which some LSTMs have, read the cell *as "
         "well*, not instead.)\n\nBelow are both, first the usual one, then the tutorial's, and how the example networks of "
         "either did on the same data.",
         "window", _asks("Open the Tutorial's LSTM in the list of networks, and compare its cell with the usual one's: how far "
                         "does the colour bar reach?"), _is_cell("tutorial_lstm"),
         (CELLS["lstm"].equations[:1] + CELLS["lstm"].equations[4:], CELLS["tutorial_lstm"].equations[:1]
          + CELLS["tutorial_lstm"].equations[4:]), (HOCHREITER,), ("lstm", "tutorial_lstm")),
    Step("Before it had learnt anything",
         "Training starts from random weights. If they are too small, signals die out from layer to layer; if they are too "
         "large, every gate sits at its end and learns nothing. *Xavier* starts keep the spread of signals and gradients even "
         "for tanh, *He* starts allow for rectifiers, which cut half away. Layers are *stacked* so that the next one reads "
         "the first one's states in place of prices; each needs a start that passes something on.\n\nHere the output layer "
         "starts at zero, so that the untrained network is the naive forecast.",
         "learning", _ask_for_start, lambda state, subject: state.inside.epoch == 0,
         ((r"\text{Xavier: } \operatorname{Var}(w) = \frac{2}{n_{in} + n_{out}}",
           r"\text{He: } \operatorname{Var}(w) = \frac{2}{n_{in}}"),), (GLOROT, HE)),
    Step("Which days mattered",
         "*Integrated gradients* walk from a baseline window to the real one and add up, input by input, how the forecast "
         "changes on the way. The shares add up to the forecast minus the baseline's, and the page checks it. What mattered "
         "thus depends on what it is compared with, so there are two baselines.\n\nBeside it stands a blunter test, "
         "*occlusion*: one day is replaced by the baseline's, and the forecast made again.",
         "days", _asks("Switch to the other baseline, and see which days change their share."),
         lambda state, subject: state.inside.baseline != _before(state).baseline,
         ((r"a_i = (x_i - x'_i) \int_0^1 \frac{\partial F}{\partial x_i}\big(x' + \alpha (x - x')\big)\, d\alpha",),),
         ("Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, 2017",)),
    Step("Forecasting prices",
         "The forecast is the last price, moved by what the network and the frozen linear part beside it say. On most daily "
         "prices that move is tiny, and the forecast looks like yesterday's price drawn a day late, because nothing better is "
         "to be had: the naive forecast is hard to beat.\n\nThe gates that you have seen at work are real, and so is the lack "
         "of anything to learn. Look at the scores beside the naive forecast's before you believe a network.",
         "window", _ask_for_better_day, _found_better_day),
)


def notice(state: AppState, subject: Subject) -> bool:
    """Notes whether what the current step asks for has been done; returns whether it has been only now."""
    at = state.inside.lesson
    if at is None or at >= len(STEPS) or at in state.inside_done:
        return False
    if state.inside_before is None:
        state.inside_before = state.inside
    if not STEPS[at].done(state, subject):
        return False
    state.inside_done = state.inside_done | {at}
    return True


def draw_bar(state: AppState, subject: Subject):
    """Where one is in the lesson, what to do there, and whether it has been done."""
    at = state.inside.lesson
    is_open = at is not None and at < len(STEPS)
    with st.container(border=True):
        left, right = st.columns([3, 2] if is_open else [3, 1], vertical_alignment="center")
        if not is_open:
            left.markdown(f"**The lesson.** {len(STEPS)} steps from the recurrent network to price forecasts, each with "
                          "something to do.")
            right.button("Start the lesson", key="inside_lesson_start", icon=":material/school:", on_click=_go,
                         args=(state, 0), width="stretch")
            return
        left.markdown(f"**{at + 1} of {len(STEPS)} · {STEPS[at].title}**")
        with right.container(horizontal=True, horizontal_alignment="right"):
            _draw_buttons(state, at)
        done = at in state.inside_done
        st.markdown(f"{':material/check_circle: **Done.**' if done else ':material/radio_button_unchecked: **To do.**'} "
                    f"{plain(STEPS[at].task(state, subject))}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if state.inside.tab != STEPS[at].tab:
                st.button("Show its figure", key="inside_lesson_figure", icon=":material/visibility:", on_click=_show,
                          args=(state, at))
            with st.popover("Read", icon=":material/menu_book:", type="tertiary", key="inside_lesson_read",
                            help="The text of this step, which also stands in the sidebar."):
                _write(at)
            st.caption(f"{len(state.inside_done)} of {count_of(len(STEPS), 'step')} done", width="content")


def _draw_buttons(state: AppState, at: int):
    last = at == len(STEPS) - 1
    st.button("Back", key="inside_lesson_back", icon=":material/arrow_back:", disabled=at == 0, on_click=_go,
              args=(state, at - 1))
    st.button("Next", key="inside_lesson_next", icon=":material/arrow_forward:", disabled=last, on_click=_go,
              args=(state, at + 1), type="primary" if at in state.inside_done and not last else "secondary")
    st.button("Close", key="inside_lesson_close", icon=":material/close:", on_click=_go, args=(state, None),
              help="Closes the lesson; what you have done stays ticked.")


def _show(state: AppState, at: int):
    state.inside = replace(state.inside, tab=STEPS[at].tab)


def _go(state: AppState, at: int | None):
    tab = state.inside.tab if at is None else STEPS[at].tab
    state.inside = replace(state.inside, lesson=at, tab=tab)
    state.inside_before, state.inside_drag = state.inside, None


def draw_text(state: AppState):
    """The text of the current step, in the sidebar: beside the figure, except on a phone, where it is folded away."""
    at = state.inside.lesson
    if at is not None and at < len(STEPS):
        with st.sidebar:
            st.divider()
            _write(at)


def _write(at: int):
    step = STEPS[at]
    st.markdown(f"#### {at + 1}. {step.title}")
    st.markdown(step.text)
    for block in step.equations:
        size = r"\footnotesize" if max(map(len, block)) > LONG else ""  # the sidebar is narrow
        lines = r"\\".join(line.replace(" = ", " &= ", 1) for line in block)
        st.latex(rf"{size}\begin{{aligned}}{lines}\end{{aligned}}")
    if step.compared:
        st.dataframe(_scores(step.compared), height="content")
    if step.sources:
        st.caption("Sources: " + "; ".join(step.sources) + ".")


def _scores(cells: tuple[str, ...]) -> pd.DataFrame:
    """Test scores of the example networks of these cells, which were trained on the same prices with the same settings."""
    results = {CELLS[cell].label: load_example(cell) for cell in cells}
    naive = next(iter(results.values()))
    currency = naive.history.currency
    rows = {label: [SCORES[score].show(score, result.metrics["test"], currency) for score in SHOWN]
            for label, result in results.items()}
    rows["Naive"] = [price(naive.metrics["test"]["naive_rmse"], currency), UNKNOWN]
    return pd.DataFrame.from_dict(rows, orient="index", columns=[SCORES[score].label for score in SHOWN])
