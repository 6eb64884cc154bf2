"""Data in, Plotly figure out; nothing is drawn here."""

from forecasting.plots.predictions import prediction_chart
from forecasting.plots.prices import price_chart
from forecasting.plots.sampling import downsample, last_rows
from forecasting.plots.template import CONFIG, HEIGHT, SHORT, TALL, colours, describe
from forecasting.plots.training import loss_chart

__all__ = [
    "CONFIG",
    "HEIGHT",
    "SHORT",
    "TALL",
    "colours",
    "describe",
    "downsample",
    "last_rows",
    "loss_chart",
    "prediction_chart",
    "price_chart",
]
