"""Gradients through time: how much of the loss's gradient reaches each earlier step, and what clipping does to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.inside.size import affordable, check_size
from forecasting.inside.window import spread, windows_at
from forecasting.model.split import learning_origins

__all__ = ["GradientsByLag", "gradients_by_lag"]


@dataclass(frozen=True)
class GradientsByLag:
    """Norms of the gradient of the loss on one window with respect to a layer's states, averaged over windows.

    lags: (steps,) steps back from the last one, from 0
    states: {state: (layers, steps)}, by lag, on all paths through later steps: 'hidden', and 'cell' where there is one. The
        tutorial's LSTM passes its hidden state to no later step, so that in the last layer only the one at lag 0 matters
    norms: (layers, steps): with respect to all states of a step together, everything that it hands on
    whole: the norm of the gradient with respect to all weights, of the mean loss on these windows
    clip_norm: the longest gradient that training lets through; None for no limit
    factor: what clipping multiplies the gradient of these windows by; 1 where it does not act
    windows: how many validation windows were used
    """

    lags: np.ndarray
    states: dict[str, np.ndarray]
    norms: np.ndarray
    whole: float
    clip_norm: float | None
    factor: float
    windows: int

    @property
    def clipped(self) -> np.ndarray:
        """(layers, steps): `norms` once the gradient is clipped."""
        return self.norms * self.factor


def gradients_by_lag(result, *, most: int = 64) -> GradientsByLag:
    """How far back in the window the loss's gradient reaches, by layer, at the weights that were kept.

    most: validation windows to average over, evenly spread
    returns `GradientsByLag`: `lags` (steps,), 0 being the last step; `norms`, `clipped` and each of `states` (layers, steps)
    """
    network, config = result.network.astype(np.float32), result.config
    _, validation = learning_origins(result.split, config)
    origins = spread(validation, affordable(network, most))
    check_size(network, 3 * len(origins))
    done = network.forward(windows_at(result, origins, np.float32))
    doutput = loss_gradient(config.loss, done.output - result.encoded.targets[origins])
    back = network.backward(done, doutput)
    whole = float(np.sqrt(sum((weight.astype(np.float64) ** 2).sum() for weight in back.dweights)) / len(origins))
    limit = config.clip_norm
    factor = 1.0 if limit is None or whole <= limit else limit / whole
    return GradientsByLag(np.arange(network.window), *norms_by_lag(back.dstates), whole, limit, factor, len(origins))


def norms_by_lag(dstates) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """({state: (layers, steps)}, (layers, steps) of all states together): mean norms over windows, by lag.

    dstates: as `Backward` has them
    """
    squares = {name: np.array([(layer[name].astype(np.float64) ** 2).sum(axis=2)[:, ::-1] for layer in dstates])
               for name in dstates[0]}  # (layers, windows, steps) each
    return ({name: np.sqrt(values).mean(axis=1) for name, values in squares.items()},
            np.sqrt(np.sum(list(squares.values()), axis=0)).mean(axis=1))


def loss_gradient(loss: str, error) -> np.ndarray:
    """(windows, horizon): the gradient of each window's loss with respect to its outputs. error: output minus target"""
    horizon = error.shape[1]
    if loss == "mse":
        return 2 * error / horizon
    return (np.sign(error) if loss == "mae" else np.clip(error, -1, 1)) / horizon
