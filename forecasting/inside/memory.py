"""How long a network remembers: what its units keep from step to step, and how far back a shock is still felt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.inside.size import affordable, check_size, in_chunks
from forecasting.inside.window import origins_of, spread, windows_at
from forecasting.model.cells.cell import NumpyMath

__all__ = ["Memory", "half_life", "memory"]

SHOCKED, FEWEST_LAGS = 400, 16  # windows with a shock, over all days and lags, and lags for each day
ENOUGH = 0.95  # of all that is felt of shocks, within the effective memory
_MOST_KEPT = 1 - 1e-9  # a unit that keeps more is said to keep everything


@dataclass(frozen=True)
class Memory:
    """How long a network remembers, averaged over windows.

    carrier: the state that is passed on from step to step without the recurrent weights, 'cell' for the LSTM; None for a cell
        without one, such as the simple RNN, whose `why` says so in a sentence; it has no `kept` and no `half_lives`
    kept: a list per layer, (units,): the share (0 to 1) of that state which a step keeps, as a geometric mean
    half_lives: a list per layer, (units,): the steps after which half of it is left, if it were kept alone; up to infinity.
        What the recurrent weights feed back may make it last longer
    channel: the input that is shocked by one standard deviation of its training part; deviation: that, scaled as it enters
    response: (length,) by lag, the root mean square change of the first step's output, in outputs
    states: a list per layer, (steps,), by steps since a shock at the first one: the root mean square change of 'hidden'
    steps: the effective memory: the last so many steps hold 95 % of `response`; 0 where no shock is felt
    days: calendar days that these steps span; windows: how many were averaged over
    """

    carrier: str | None
    why: str
    kept: list[np.ndarray] | None
    half_lives: list[np.ndarray] | None
    channel: str
    deviation: float
    response: np.ndarray
    states: list[np.ndarray]
    steps: int
    days: float
    windows: int


def memory(result, part: str = "validation", *, most: int = 6) -> Memory:
    """The memory of a network over windows of a part, at most `most` of them, evenly spread; see `Memory`."""
    network = result.network.astype(np.float32)
    origins = origins_of(result, part, affordable(network, most))
    count, length = len(origins), network.length
    # A shock at every lag in turn, or at lags so close that the others lie between them.
    lags = spread(np.arange(length), max(FEWEST_LAGS, SHOCKED // count))
    check_size(network, count * (len(lags) + 2))
    x = windows_at(result, origins, np.float32)
    done = network.forward(x)
    kept, carrier = kept_shares(network.cell, done.traces)
    why = "" if carrier else (f"A {network.cell.label} passes its state on through its recurrent weights alone: it has no gate "
                              "that keeps one, so that its units have no half-life. The response to a shock shows its memory.")
    channel, deviation = _deviation(result)
    place = result.encoder.channels.index(channel)
    shocked = np.repeat(x[:, None], len(lags), axis=1)
    shocked[:, np.arange(len(lags)), length - 1 - lags, place] += np.float32(deviation)
    after = in_chunks(network, lambda some: network.forward(some).output[:, 0], shocked.reshape(-1, length, x.shape[2]))
    moved = after.reshape(count, len(lags)) - done.output[:, :1]
    response = np.interp(np.arange(length), lags, _root_mean_square(moved, 0))
    x[:, length - network.window, place] += np.float32(deviation)  # the first step that the layers read
    states = [_root_mean_square(hit["hidden"] - calm["hidden"], (0, 2))
              for hit, calm in zip(network.forward(x).traces, done.traces, strict=True)]
    total = response.sum()
    steps = int(np.searchsorted(np.cumsum(response), ENOUGH * total) + 1) if total > 0 else 0
    return Memory(carrier, why, kept, None if kept is None else [half_life(one) for one in kept], channel, deviation,
                  response, states, steps, _days(result, origins, steps), count)


def half_life(kept) -> np.ndarray:
    """The steps after which half is left of what loses all but the share `kept` at each step; infinite where it keeps all."""
    kept = np.asarray(kept, dtype=np.float64)
    fading = kept < _MOST_KEPT
    return np.where(fading, np.log(0.5) / np.log(np.where(fading, np.maximum(kept, 1e-300), 0.5)), np.inf)


def kept_shares(cell, traces) -> tuple[list[np.ndarray] | None, str | None]:
    """(a list per layer, (units,): the share that a step keeps of the carried state; its name), or (None, None).

    traces: a list per layer of {name: (batch, steps, units)}
    The share is the gradient of a state with respect to itself one step before on the direct path, by the cell's own
    equations: the forget gate of an LSTM, the update gate of a GRU.
    """
    layers, carrier = [], None
    for trace in traces:
        units = trace["hidden"].shape[2]
        now = {name: values.reshape(-1, units) for name, values in trace.items()}
        before = {name: np.pad(trace[name][:, :-1], ((0, 0), (1, 0), (0, 0))).reshape(-1, units) for name in cell.states}
        for state in cell.states:
            pushed = {name: np.full_like(now["hidden"], float(name == state)) for name in cell.states}
            passed = cell.step_gradient(NumpyMath, now, before, pushed).before.get(state)
            if passed is not None:
                carrier = state
                layers.append(np.exp(np.log(np.maximum(passed, 1e-30)).mean(axis=0)))
                break
    return (layers, carrier) if carrier else (None, None)


def _deviation(result):
    """The input to shock, and its standard deviation over the training part, scaled as it enters."""
    channels = result.encoder.channels
    channel = "Close" if "Close" in channels else channels[0]
    values = result.encoded.inputs[: result.split.train_end, channels.index(channel)]
    return channel, float(values.std())


def _days(result, origins, steps):
    """Calendar days from the first of the last `steps` rows of a window to the day that is forecast, the median."""
    dates = result.history.dates
    spans = [(dates[origin] - dates[max(0, origin - steps)]).total_seconds() for origin in origins]
    return float(np.median(spans)) / 86_400


def _root_mean_square(values, axis):
    return np.sqrt(np.mean(values.astype(np.float64) ** 2, axis=axis))
