"""A trained network as plain arrays: read from its file or from Keras, computed forwards and backwards in NumPy.

Importing this takes neither Keras nor TensorFlow, and neither does reading a saved network.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from io import BytesIO
from pathlib import Path

import numpy as np

from forecasting.errors import RunError
from forecasting.model.cells import CELLS, Cell
from forecasting.model.config import ForecastConfig

__all__ = ["Backward", "Forward", "Network", "network_of_model", "read_network"]


def one_thread(function):
    """`function` with matrix products on a single thread.

    The matrices of a window are small. Where trainings keep all cores busy, threads that wait for each other take ten times as
    long as one alone.
    """
    @wraps(function)
    def alone(*args, **kwargs):
        with _pools().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return alone


@cache
def _pools():
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@dataclass(frozen=True)
class Forward:
    """What a network computed.

    inputs: a list per layer, what it reads, (batch, window, inputs)
    traces: a list per layer, {name: (batch, window, units)} of its gates and states, as `Cell.forward` gives them
    network, linear: (batch, horizon) what the head and the frozen linear part put out; output: their sum
    """

    inputs: list
    traces: list
    network: np.ndarray
    linear: np.ndarray

    @property
    def output(self) -> np.ndarray:
        return self.network + self.linear


@dataclass(frozen=True)
class Backward:
    """Gradients of a loss that reads a network's output.

    dinputs: (batch, window, channels), through the recurrent layers alone
    dhidden: a list per layer, (batch, window, units): with respect to the hidden state as the layer above or the head reads
        it, leaving out the layer's own later steps
    dstates: a list per layer, {state: (batch, window, units)}, on all paths
    dweights: in the order of `Network.weights`, summed over the batch
    """

    dinputs: np.ndarray
    dhidden: list
    dstates: list
    dweights: list


@dataclass(frozen=True)
class Network:
    """Recurrent layers, a dense head, and the frozen linear part beside them.

    layers: (kernel, recurrent kernel, bias) each, as `Cell` says; head: its kernel (units, horizon) and bias (horizon,)
    linear: (length, channels, horizon), the frozen linear part's kernel, oldest row first; None without one
    window: rows that the recurrent layers read; length: rows that the whole network reads, which may be more
    """

    cell: Cell
    layers: tuple[tuple[np.ndarray, ...], ...]
    head: tuple[np.ndarray, np.ndarray]
    linear: np.ndarray | None
    window: int

    @property
    def length(self) -> int:
        return self.window if self.linear is None else len(self.linear)

    @property
    def units(self) -> tuple[int, ...]:
        return tuple(len(recurrent) for _, recurrent, _ in self.layers)

    @property
    def channels(self) -> int:
        return len(self.layers[0][0])

    @property
    def horizon(self) -> int:
        return self.head[0].shape[1]

    @property
    def weights(self) -> list[np.ndarray]:
        """All that training moves, in the order in which Keras lists it."""
        return [weight for layer in (*self.layers, self.head) for weight in layer]

    @property
    def names(self) -> list[str]:
        """What each of `weights` is called, for display."""
        kinds = ("input weights", "recurrent weights", "biases")
        return [*(f"Layer {number}, {kind}" for number in range(1, len(self.layers) + 1) for kind in kinds),
                "Head, weights", "Head, biases"]

    def with_weights(self, weights: Sequence[np.ndarray]) -> Network:
        """The same network with other `weights`; the frozen linear part stays."""
        *recurrent, kernel, bias = weights
        layers = tuple(tuple(recurrent[at : at + 3]) for at in range(0, len(recurrent), 3))
        return replace(self, layers=layers, head=(kernel, bias))

    def astype(self, dtype) -> Network:
        """The same network in another precision."""
        linear = None if self.linear is None else self.linear.astype(dtype)
        return replace(self.with_weights([weight.astype(dtype) for weight in self.weights]), linear=linear)

    @one_thread
    def forward(self, x) -> Forward:
        """Everything that is computed from windows x (batch, length, channels), in the precision of x and the weights."""
        x = np.asarray(x)
        inputs, traces, h = [], [], x[:, len(x[0]) - self.window :]
        for weights in self.layers:
            inputs.append(h)
            traces.append(self.cell.forward(weights, h))
            h = traces[-1]["hidden"]
        return Forward(inputs, traces, h[:, -1] @ self.head[0] + self.head[1], self.linear_output(x))

    def linear_output(self, x) -> np.ndarray:
        """(batch, horizon): what the frozen linear part puts out for windows (batch, length, channels)."""
        x = np.asarray(x)
        if self.linear is None:
            return np.zeros((len(x), self.horizon), x.dtype)
        return x.reshape(len(x), -1) @ self.linear.reshape(-1, self.horizon)

    def backward(self, done: Forward, doutput) -> Backward:
        """Gradients of a loss whose gradient with respect to the output is `doutput` (batch, horizon)."""
        doutput, last = np.asarray(doutput), done.traces[-1]["hidden"][:, -1]
        return self.backward_from(done, doutput @ self.head[0].T, [last.T @ doutput, doutput.sum(axis=0)])

    @one_thread
    def backward_from(self, done: Forward, dlast, dhead=()) -> Backward:
        """The same for a loss that reads the last hidden state, with gradient `dlast` (batch, units). dhead: of the head"""
        dh = np.zeros_like(done.traces[-1]["hidden"])
        dh[:, -1] = dlast
        dhidden: list = []
        dstates: list = []
        dweights = [*dhead]
        for weights, x, traces in zip(*(reversed(one) for one in (self.layers, done.inputs, done.traces)), strict=True):
            dhidden.insert(0, dh)
            dh, dlayer, states = self.cell.backward(weights, x, traces, dh)
            dweights = [*dlayer, *dweights]
            dstates.insert(0, states)
        return Backward(dh, dhidden, dstates, dweights)


def network_of_model(model, config: ForecastConfig) -> Network:
    """The arrays of a Keras model that `combine` or `build_network` made."""
    return _assemble({layer.name: layer.get_weights() for layer in model.layers}, config)


def read_network(file: Path | BytesIO, config: ForecastConfig) -> Network:
    """The arrays in a `.keras` file. Raises RunError for a file that is missing or damaged, or of another kind of network."""
    import h5py

    try:
        with zipfile.ZipFile(file) as archive, archive.open("model.weights.h5") as packed, h5py.File(packed, "r") as h5:
            found = {}
            for group in h5["layers"].values():
                cell = group.get("cell", group)["vars"]
                found[str(group["vars"].attrs["name"])] = [np.array(cell[name]) for name in sorted(cell, key=int)]
            return _assemble(found, config)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        name = file.name if isinstance(file, Path) else "this result"
        raise RunError(f"The weights in {name} cannot be read: the file is missing or damaged. Train again, or choose another "
                       "run.") from error


def _assemble(found: dict[str, list[np.ndarray]], config) -> Network:
    """found: {name of a layer: its weights}"""
    layers = tuple(tuple(found[f"{config.cell}_{number}"]) for number in range(1, len(config.units) + 1))
    kernel, bias = found["head"]
    linear = None
    if "linear" in found:
        (flat,) = found["linear"]
        linear = flat.reshape(-1, len(layers[0][0]), config.horizon)
    return Network(CELLS[config.cell], layers, (kernel, bias), linear, config.window)
