"""The gated recurrent unit (Cho and others 2014), resetting after the matrix product, as Keras and cuDNN do."""

from __future__ import annotations

from forecasting.model.cells.cell import Cell, Cost, Gradient

__all__ = ["GRU"]


def step(math, from_input, from_state, before):
    (x_z, x_r, x_g), (s_z, s_r, s_g) = from_input, from_state
    z, r = math.sigmoid(x_z + s_z), math.sigmoid(x_r + s_r)
    g = math.tanh(x_g + r * s_g)
    return {"update": z, "reset": r, "candidate": g, "recalled": s_g, "hidden": g + z * (before["hidden"] - g)}


def step_gradient(math, now, before, dafter):
    z, r, g, dh = now["update"], now["reset"], now["candidate"], dafter["hidden"]
    dz = dh * (before["hidden"] - g) * z * (1 - z)
    dg = dh * (1 - z) * (1 - g * g)
    dr = dg * now["recalled"] * r * (1 - r)
    return Gradient((dz, dr, dg), (dz, dr, dg * r), {"hidden": dh * z})


GRU = Cell(
    name="gru",
    label="GRU",
    help="The GRU has two gates and no separate cell state: a quarter fewer weights than the LSTM and often as good; what "
         "it shows to the next layer is all that it remembers.",
    gates=("update", "reset", "candidate"),
    states=("hidden",),
    also=("recalled",),  # U h + b of the candidate, before the reset gate
    step=step,
    step_gradient=step_gradient,
    equations=(
        r"z_t = \sigma(W_z x_t + b_z + U_z h_{t-1} + b'_z)",
        r"r_t = \sigma(W_r x_t + b_r + U_r h_{t-1} + b'_r)",
        r"g_t = \tanh(W_g x_t + b_g + r_t \odot (U_g h_{t-1} + b'_g))",
        r"h_t = z_t \odot h_{t-1} + (1 - z_t) \odot g_t",
    ),
    recurrent_bias=True,
    keras_name="GRU",
    cost=Cost(1.84, 0.0018, 3.2e-6, 0.098),
)
