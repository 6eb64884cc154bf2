"""How large a network is and how long it trains, known without building it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from forecasting.model.cells import CELLS
from forecasting.model.config import ForecastConfig
from forecasting.model.features import feature_width

__all__ = ["Layer", "describe_network", "estimate_seconds", "work_per_epoch"]


@dataclass(frozen=True)
class Layer:
    """One layer: its kind in words, the shape of what leaves it, its weights, and whether training moves them."""

    name: str
    shape: str
    parameters: int
    frozen: bool = False


def describe_network(config: ForecastConfig) -> tuple[Layer, ...]:
    """The layers of the network that `config` builds, from the input on; parameters as Keras counts them."""
    features = feature_width(config.features)
    layers = [Layer("Window", f"{config.window} × {features}", 0)]
    inputs, cell = features, CELLS[config.cell]
    for i, units in enumerate(config.units):
        last = i == len(config.units) - 1
        layers.append(Layer(cell.label, str(units) if last else f"{config.window} × {units}",
                            cell.parameters(inputs, units)))
        inputs = units
    layers.append(Layer("Dense", str(config.horizon), (inputs + 1) * config.horizon))
    if config.skip:
        layers.append(Layer("Frozen linear part", str(config.horizon),
                            config.window * features * config.horizon, frozen=True))
    return tuple(layers)


def work_per_epoch(config: ForecastConfig, rows: int) -> float:
    """Multiplications of one epoch's forward pass, in billions: a measure of work, not of time."""
    windows = max(1, rows * (1 - config.test_share - config.validation_share) - config.window - config.horizon)
    steps = windows * config.window
    if config.supervision == "every_step":
        steps = windows * 2.5
    recurrent = sum(layer.parameters for layer in describe_network(config) if not layer.frozen)
    # A step of time costs something however small the layer is, and more so in small batches.
    per_step = recurrent + 2_000 * len(config.units) * (1 + 32 / config.batch_size)
    slow = 3.0 if config.recurrent_dropout else 1.0
    return slow * steps * per_step / 1e9


def estimate_seconds(config: ForecastConfig, rows: int, speed: float | None = None) -> float:
    """A rough time for all epochs; speed: billions of multiplications a second, as measured on earlier runs."""
    return math.ceil(config.epochs * work_per_epoch(config, rows) / (speed or 15.0)) + 1
