"""Networks with random weights on made-up prices, as results: nothing is trained for most of these tests."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from forecasting import ForecastConfig, PriceHistory
from forecasting.model.encoding import encode
from forecasting.model.forecaster import Forecaster, combine
from forecasting.model.network import build_network
from forecasting.model.skip import Choice, LinearSkip
from forecasting.model.split import split
from forecasting.model.weights import network_of_model
from forecasting.result import rebuild

ROWS = 160


@cache
def prices() -> PriceHistory:
    rng = np.random.default_rng(3)
    close = 50 * np.exp(rng.normal(0, 0.02, ROWS).cumsum())
    frame = pd.DataFrame({"Open": close * np.exp(rng.normal(0, 0.01, ROWS)), "High": close * 1.02, "Low": close * 0.98,
                          "Close": close, "Volume": rng.lognormal(10, 0.3, ROWS)},
                         index=pd.bdate_range("2020-01-01", periods=ROWS, name="Date"))
    return PriceHistory(frame, "made up", "random", currency="USD")


def make(cell="lstm", units=(5,), reach=0, scale=0.5, **settings):
    """(result, Keras model). reach: rows that the frozen linear part reads; 0 for none. scale: of the weights"""
    return _make(cell, tuple(units), reach, scale, tuple(settings.items()))


@cache
def _make(cell, units, reach, scale, settings):
    history = prices()
    config = ForecastConfig(**{"window": 9, "horizon": 2, "epochs": 1, **dict(settings)}, cell=cell, units=units)
    encoded = encode(history, config, split(ROWS, config))
    core = build_network(config, encoded.inputs.shape[1])
    rng = np.random.default_rng(4)
    core.set_weights([rng.normal(scale=scale, size=weight.shape) for weight in core.get_weights()])
    skip = LinearSkip(rng.normal(scale=0.3, size=(reach, config.horizon)).astype("float32"), Choice("flat")) if reach else None
    model = combine(core, skip, config, encoded.encoder.channels)
    naive = history.close[config.window - 1 :]
    steps = np.tile(history.close[split(ROWS, config).train_end - 1 :, None], config.horizon)
    result = rebuild(history, config, pd.DataFrame({"predicted": naive[:-1]}), steps,
                     curve=pd.DataFrame(columns=["epoch", "loss", "val_loss", "seconds"]), best_epoch=0, stopped=False,
                     seconds=0.0, linear=None, _network=network_of_model(model, config))
    assert result.encoder == encoded.encoder
    return result, model


def with_weights(result, weights):
    """The same result with other weights."""
    return replace(result, _network=result.network.with_weights(weights))


def forecast(result, model, history, rows):
    """What Keras forecasts from these rows: (m, horizon) prices."""
    forecaster = Forecaster(result.config, result.encoder, model)
    padded = np.pad(result.encoder.encode(history).inputs, ((forecaster.length - 1, 0), (0, 0)))
    windows = np.stack([padded[row : row + forecaster.length] for row in rows])
    return result.encoder.prices(model(windows).numpy(), history.close[list(rows)])


def with_close(history, close):
    """The same days and other columns with other closing prices."""
    return replace(history, frame=history.frame.assign(Close=close))
