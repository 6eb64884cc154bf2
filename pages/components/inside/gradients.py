"""Gradients through time: how far back this network's reaches, what clipping does, and the cells side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.inside import EXAMPLES, load_example
from forecasting.model.cells import CELLS
from forecasting.plots import gradient_chart
from forecasting.words import count_of, number, share, unit
from pages.components.experiment import draw_experiment
from pages.components.frame import is_dark
from pages.components.inside.loaded import load_gradients
from pages.components.inside.subject import Subject, draw_plot
from pages.components.state import AppState
from pages.components.text import plain

__all__ = ["draw_gradients"]

VANISHED, HELD = 0.01, 0.5  # of the norm at the last step, that is left at the first


def draw_gradients(state: AppState, subject: Subject):
    """The norm by lag, clipping, and an experiment that trains every cell on the same data."""
    result, one = subject.result, unit(subject.result.history.frequency)
    found = load_gradients(subject.id, result)
    st.markdown(plain(_picture(found, one, subject.cell.label)))
    draw_plot(gradient_chart({subject.cell.label: found}, dark=is_dark(), one=one), "inside_gradients",
              f"The last {one} of the window is at the left. A straight fall on this scale means that each step back loses the "
              "same share: the gradient vanishes. A level line means that far days are learnt from as much as near ones.",
              subject, lambda: _data(found))
    st.markdown(plain(_clipping(found, result)))
    if subject.run is not None:
        st.subheader("All cells on these prices")
        draw_experiment("cells", subject.run, result)
    else:
        _draw_examples(subject, one)


def _draw_examples(subject: Subject, one: str):
    """The example networks of one sample side by side, which were trained with the same settings."""
    sample = subject.result.history.name
    results = {CELLS[cell].label: load_example(cell, name) for name, cell in EXAMPLES if name == sample}
    if len(results) > 1:
        st.subheader("The example networks side by side")
        found = {label: load_gradients(f"example of {sample}: {label}", result) for label, result in results.items()}
        draw_plot(gradient_chart(found, dark=is_dark(), one=one), "inside_examples",
                  "All were trained on the same prices with the same settings. A line that stays up holds the gradient over "
                  "many steps.", subject, lambda: _all_norms(found))
    st.caption("Open one of your own runs to train every cell on its prices, with and without clipping, and compare them here.")


def _all_norms(found) -> pd.DataFrame:
    table = pd.DataFrame({label: pd.Series(gradients.norms[-1]) for label, gradients in found.items()})
    return table.rename_axis("Lag").reset_index()


def _picture(found, one: str, cell: str) -> str:
    """What is seen, and whether that is the textbook's picture."""
    norms = found.norms[0]
    if not norms[0]:
        return "The loss has no gradient with respect to this network's states: its output layer is still at zero."
    steps, left, lowest = len(norms) - 1, norms[-1] / norms[0], int(norms.argmin())
    tenth = next((lag for lag, norm in enumerate(norms) if norm < 0.1 * norms[0]), None)
    words = [f"Of the gradient at the last step, {_left(left)} is left {count_of(steps, one)} earlier, at the first step of "
             f"the window ({'first layer' if len(found.norms) > 1 else 'one layer'})."]
    if tenth is not None:
        words.append(f"It falls below a tenth after {count_of(tenth, one)}.")
    if norms[lowest] < HELD * min(norms[0], norms[-1]):
        words.append(f"It falls to {_left(norms[lowest] / norms[0])} ({count_of(lowest, one)} back) and rises again towards "
                     "the first step: neither the vanishing nor the exploding gradient of the textbook." + (
                         " The state starts from zero, where tanh is steepest, so that the first steps let more through."
                         if cell == "Simple RNN" else ""))
    elif left > 1:
        words.append("It grows on its way back: the exploding gradient of the textbook.")
    elif left < VANISHED:
        words.append("This is the vanishing gradient of the textbook." if cell == "Simple RNN" else
                     f"The gradient vanishes in this {cell} too: its gates forget because on these prices nothing far back "
                     "helps. The textbook's picture, in which a gated cell holds the gradient, needs data with something to "
                     "remember.")
    elif left > HELD:
        words.append("It hardly falls: this is not the textbook's vanishing gradient, "
                     + ("even though a simple RNN is said to suffer from it." if cell == "Simple RNN" else "which gates "
                                                                                                           "prevent."))
    else:
        words.append("It falls, but does not vanish over this window.")
    return " ".join(words)


def _left(left: float) -> str:
    return share(left, digits=1) if left >= 0.001 else f"less than {share(0.001, digits=1)}" if left else "nothing"


def _clipping(found, result) -> str:
    """How often clipping acted in training, and by how much."""
    if found.clip_norm is None:
        return f"This training did not clip gradients. With these weights its norm is {number(found.whole, 4)}."
    words = [f"Clipping cuts a gradient that is longer than {number(found.clip_norm, 2)}. With these weights it has a norm of "
             f"{number(found.whole, 4)}, " + (f"and would be cut to {share(found.factor, digits=0)} of it." if found.factor < 1
                                              else "and is left as it is.")]
    snapshots = getattr(result, "snapshots", None)
    if snapshots is not None and len(snapshots.gradients):
        table = snapshots.gradients
        clipped, steps = table["clipped"].sum(), table["steps"].sum()
        words.append(f"In training it acted on {number(clipped, 0)} of {count_of(int(steps), 'step')} "
                     f"({share(clipped / steps, digits=1)}); the longest gradient was "
                     f"{number(table['largest_norm'].max(), 2)}.")
    return " ".join(words)


def _data(found) -> pd.DataFrame:
    table = pd.DataFrame({"Lag": found.lags})
    for layer, (norms, clipped) in enumerate(zip(found.norms, found.clipped, strict=True)):
        table[f"Layer {layer + 1}"], table[f"Layer {layer + 1}, clipped"] = norms, clipped
    return table
