"""The long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers and others 2000)."""

from __future__ import annotations

from forecasting.model.cells.cell import Cell, Cost, Gradient

__all__ = ["LSTM"]


def step(math, from_input, from_state, before):
    z_i, z_f, z_g, z_o = (x + s for x, s in zip(from_input, from_state, strict=True))
    i, f, g, o = math.sigmoid(z_i), math.sigmoid(z_f), math.tanh(z_g), math.sigmoid(z_o)
    c = f * before["cell"] + i * g
    return {"input": i, "forget": f, "candidate": g, "output": o, "cell": c, "hidden": o * math.tanh(c)}


def step_gradient(math, now, before, dafter):
    i, f, g, o = now["input"], now["forget"], now["candidate"], now["output"]
    squashed, dh = math.tanh(now["cell"]), dafter["hidden"]
    dc = dafter["cell"] + dh * o * (1 - squashed * squashed)
    dz = (dc * g * i * (1 - i), dc * before["cell"] * f * (1 - f), dc * i * (1 - g * g), dh * squashed * o * (1 - o))
    return Gradient(dz, dz, {"cell": dc * f})


LSTM = Cell(
    name="lstm",
    label="LSTM",
    help="The LSTM keeps a cell state behind three gates, so that it can remember for a hundred steps; it has the most "
         "weights, which learn noise where data are few.",
    gates=("input", "forget", "candidate", "output"),
    states=("cell", "hidden"),
    step=step,
    step_gradient=step_gradient,
    equations=(
        r"i_t = \sigma(W_i x_t + U_i h_{t-1} + b_i)",
        r"f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)",
        r"g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)",
        r"o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o)",
        r"c_t = f_t \odot c_{t-1} + i_t \odot g_t",
        r"h_t = o_t \odot \tanh(c_t)",
    ),
    keras_name="LSTM",
    cost=Cost(1.92, 0.0019, 3.7e-6, 0.1),
)
