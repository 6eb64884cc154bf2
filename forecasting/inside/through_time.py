"""Gradients through time: how much of the loss's gradient reaches each earlier step, and what clipping does to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.inside.window import spread, windows_at
from forecasting.model.split import learning_origins

__all__ = ["GradientsByLag", "gradients_by_lag"]


@dataclass(frozen=True)
class GradientsByLag:
    """Norms of the gradient of the loss on one window with respect to a layer's states, averaged over windows.

    lags: (steps,) steps back from the last one, from 0
    states: {state: (layers, steps)}, by lag, on all paths through later steps
    carrier: the state that the recurrent weights read, which carries the gradient back through time: 'hidden' for most cells.
        Where it is another, as in the tutorial's LSTM, the last layer's hidden state matters at lag 0 alone
    whole: the norm of the gradient with respect to all weights, of the mean loss on these windows
    clip_norm: the longest gradient that training lets through; None for no limit
    factor: what clipping multiplies the gradient of these windows by; 1 where it does not act
    windows: how many validation windows were used
    """

    lags: np.ndarray
    states: dict[str, np.ndarray]
    carrier: str
    whole: float
    clip_norm: float | None
    factor: float
    windows: int

    @property
    def norms(self) -> np.ndarray:
        """(layers, steps): those of the carrier."""
        return self.states[self.carrier]

    @property
    def clipped(self) -> np.ndarray:
        """(layers, steps): `norms` once the gradient is clipped."""
        return self.norms * self.factor


def gradients_by_lag(result, *, most: int = 64) -> GradientsByLag:
    """How far back in the window the loss's gradient reaches, by layer, at the weights that were kept.

    most: validation windows to average over, evenly spread
    returns `GradientsByLag`: `lags` (steps,), `norms` and `clipped` (layers, steps); lag 0 is the last step of the window
    """
    network, config = result.network, result.config
    _, validation = learning_origins(result.split, config)
    origins = spread(validation, most)
    done = network.forward(windows_at(result, origins))
    doutput = loss_gradient(config.loss, done.output - result.encoded.targets[origins])
    back = network.backward(done, doutput)
    states = {name: np.array([np.linalg.norm(layer[name], axis=2).mean(axis=0)[::-1] for layer in back.dstates])
              for name in network.cell.states}
    whole = float(np.sqrt(sum((weight**2).sum() for weight in back.dweights)) / len(origins))
    limit = config.clip_norm
    factor = 1.0 if limit is None or whole <= limit else limit / whole
    return GradientsByLag(np.arange(network.window), states, network.cell.reads, whole, limit, factor, len(origins))


def loss_gradient(loss: str, error) -> np.ndarray:
    """(windows, horizon): the gradient of each window's loss with respect to its outputs. error: output minus target"""
    horizon = error.shape[1]
    if loss == "mse":
        return 2 * error / horizon
    return (np.sign(error) if loss == "mae" else np.clip(error, -1, 1)) / horizon
