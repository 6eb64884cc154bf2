"""The simple recurrent network (Elman 1990)."""

from __future__ import annotations

from forecasting.model.cells.cell import Cell, Cost, Gradient

__all__ = ["RNN"]


def step(math, from_input, from_state, before):
    (x,), (s,) = from_input, from_state
    h = math.tanh(x + s)
    return {"hidden": h}


def step_gradient(math, now, before, dafter):
    h = now["hidden"]
    dz = (dafter["hidden"] * (1 - h * h),)
    return Gradient(dz, dz, {})


RNN = Cell(
    name="rnn",
    label="Simple RNN",
    help="The simple RNN has no gates and trains quickest, but it forgets after ten steps or so, and its gradient may "
         "explode: keep the gradient clipped.",
    gates=("hidden",),  # there are no gates; the weights produce the new state itself, before its tanh
    states=("hidden",),
    step=step,
    step_gradient=step_gradient,
    equations=(r"h_t = \tanh(W x_t + U h_{t-1} + b)",),
    keras_name="SimpleRNN",
    cost=Cost(1.66, 0.0011, 0.0, 0.11),
)
