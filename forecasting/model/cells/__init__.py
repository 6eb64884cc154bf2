"""The recurrent cells. To add one, write its file and name it here. Importing this takes neither Keras nor TensorFlow."""

from __future__ import annotations

from forecasting.model.cells.cell import Cell, Gradient
from forecasting.model.cells.gru import GRU
from forecasting.model.cells.lstm import LSTM
from forecasting.model.cells.rnn import RNN
from forecasting.model.cells.tutorial_lstm import TUTORIAL_LSTM

__all__ = ["CELLS", "Cell", "Gradient"]

CELLS = {"lstm": LSTM, "gru": GRU, "rnn": RNN, "tutorial_lstm": TUTORIAL_LSTM}
