"""Learning, replayed: weights, gates and validation forecasts as they formed, from the snapshots that a run keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.errors import RunError
from forecasting.inside.size import affordable, check_size
from forecasting.inside.through_time import norms_by_lag
from forecasting.inside.window import find_origin, origins_of, windows_at
from forecasting.model.weights import Network
from forecasting.words import count_of

__all__ = ["QUANTILES", "Replay", "Start", "replay", "start_of"]

QUANTILES = np.linspace(0, 1, 41)


@dataclass(frozen=True)
class Replay:
    """A training as it went, at a few epochs, oldest first.

    epochs: (n,); the last entry is the network that was kept, which may be that of an earlier epoch than the one before it
    weights: a list per epoch of {what: (41,)}, the quantiles `QUANTILES` of each array of weights
    gates: a list per epoch, as `gates` gives them for the chosen window; from weights in half precision but for the last
    output: (n, horizon) of the chosen window
    days: (m,) of validation; predicted: (n, m) prices, one step ahead; actual, naive: (m,), to be drawn beside them
    """

    epochs: np.ndarray
    weights: list[dict[str, np.ndarray]]
    gates: list[list[dict[str, np.ndarray]]]
    output: np.ndarray
    days: pd.DatetimeIndex
    predicted: np.ndarray
    actual: np.ndarray
    naive: np.ndarray


@dataclass(frozen=True)
class Start:
    """A network at one epoch, as it is compared between initialisations.

    weights: {what: (41,)} the quantiles `QUANTILES` of each array of weights; spread: a list per layer, (steps,): the standard
        deviation of 'hidden' over validation windows and units, step by step
    norms: (layers, steps), by lag: the gradient of a push of length 1 on the last hidden state with respect to all states of a
        step. Not of the loss, as the head of an untrained network lets none of that through
    """

    epoch: int
    weights: dict[str, np.ndarray]
    spread: list[np.ndarray]
    norms: np.ndarray


def replay(result, date=None, *, most: int = 30) -> Replay:
    """The training of a network from its snapshots, with the gates on the window before `date`.

    most: validation days to forecast, evenly spread
    Raises RunError for a run without snapshots.
    """
    snapshots = _snapshots(result)
    origin, origins = find_origin(result, date), origins_of(result, "validation", affordable(result.network, most))
    check_size(result.network, len(snapshots.epochs) * len(origins))
    network, x = result.network.astype(np.float32), windows_at(result, [origin, *origins], np.float32)
    names = dict.fromkeys((*network.cell.gates, *network.cell.states))
    quantiles, gates, outputs, predicted = [], [], [], []
    close = result.history.close
    # The weights that were kept take the place of a snapshot of them, being more precise.
    kept = result.best_epoch if result.config.patience is not None else len(result.curve)
    taken = dict(zip(snapshots.epochs, snapshots.weights, strict=True))
    if max(taken) == kept:
        taken.pop(kept)
    for one in (*(network.with_weights(weights).astype(np.float32) for weights in taken.values()), network):
        done = one.forward(x)
        quantiles.append(_quantiles(one))
        gates.append([{name: trace[name][0] for name in names} for trace in done.traces])
        outputs.append(done.output[0])
        predicted.append(result.encoder.prices(done.output[1:], close[origins])[:, 0])
    return Replay(np.array([*taken, kept]), quantiles, gates, np.array(outputs),
                  result.history.dates[origins + 1], np.array(predicted), close[origins + 1], close[origins])


def start_of(result, epoch: int, *, most: int = 32) -> Start:
    """The network as it was after `epoch`, or at the nearest earlier one that is kept; 0 for the untrained network.

    most: validation windows to look at, evenly spread
    Raises RunError for a run without snapshots.
    """
    snapshots = _snapshots(result)
    place = int(np.searchsorted(snapshots.epochs, epoch, side="right")) - 1
    network = result.network.with_weights(snapshots.weights[place]).astype(np.float32)
    origins = origins_of(result, "validation", affordable(network, most))
    check_size(network, 3 * len(origins))
    done = network.forward(windows_at(result, origins, np.float32))
    push = np.full((len(origins), network.units[-1]), network.units[-1] ** -0.5, np.float32)
    _, norms = norms_by_lag(network.backward_from(done, push).dstates)
    return Start(snapshots.epochs[place], _quantiles(network),
                 [trace["hidden"].astype(np.float64).std(axis=(0, 2)) for trace in done.traces], norms)


def _snapshots(result):
    if result.snapshots is None:
        raise RunError("This run kept no snapshots of its training: it is an average, or older than they are. Train again to "
                       "see it learn.")
    if not result.snapshots.epochs:
        weights = sum(weight.size for weight in result.network.weights)
        raise RunError(f"Snapshots of this network, with {count_of(weights, 'weight')}, would take too much room, so that none "
                       "were kept. Train a smaller one to see it learn.")
    return result.snapshots


def _quantiles(network: Network) -> dict[str, np.ndarray]:
    return {name: np.quantile(weight.astype(np.float64), QUANTILES)
            for name, weight in zip(network.names, network.weights, strict=True)}
