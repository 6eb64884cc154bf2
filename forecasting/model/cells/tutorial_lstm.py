"""The LSTM as the tutorial writes it: its gates read the previous cell state instead of the previous output."""

from __future__ import annotations

from forecasting.model.cells import lstm
from forecasting.model.cells.cell import Cell, Cost

__all__ = ["TUTORIAL_LSTM"]

TUTORIAL_LSTM = Cell(
    name="tutorial_lstm",
    label="Tutorial's LSTM",
    help="The tutorial's LSTM lets its gates read the previous cell state. That state has no bound, so the gates may "
         "stick open or shut; it is here to be compared with the LSTM.",
    gates=lstm.LSTM.gates,
    states=lstm.LSTM.states,
    step=lstm.step,
    step_gradient=lstm.step_gradient,
    equations=(
        r"i_t = \sigma(W_i x_t + V_i c_{t-1} + b_i)",
        r"f_t = \sigma(W_f x_t + V_f c_{t-1} + b_f)",
        r"g_t = \tanh(W_g x_t + V_g c_{t-1} + b_g)",
        r"o_t = \sigma(W_o x_t + V_o c_{t-1} + b_o)",
        r"c_t = f_t \odot c_{t-1} + i_t \odot g_t",
        r"h_t = o_t \odot \tanh(c_t)",
    ),
    reads="cell",
    open_gates=("forget",),
    cost=Cost(2.23, 0.0019, 2.3e-6, 0.11),
)
