"""Which past days mattered: integrated gradients over window and inputs, and what replacing a day does.

Sources: Sundararajan and others, "Axiomatic attribution for deep networks" (2017); for occlusion, Zeiler and Fergus,
"Visualizing and understanding convolutional networks" (2014).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.errors import ConfigError
from forecasting.inside.size import affordable, check_size, in_chunks
from forecasting.inside.window import find_origin, origins_of, windows_at
from forecasting.model.split import learning_origins

__all__ = ["BASELINES", "Attributions", "attributions", "baseline_window", "profile"]

BASELINES = {
    "average": "The average window of the training part: what a window says on top of the usual one.",
    "still": "The same window had the price not moved in it: what the moves say on top of none.",
}
PRICELESS = frozenset({"Volume", "day_of_week", "month"})  # inputs that do not follow from prices
PROFILE_NODES = 6  # for a single day of a profile, whose mean needs less precision
PIECES, PIECE_NODES = 2, 8  # of the way from baseline to window, and where the gradient is looked at in each
MOST_NODES = 512
COMPLETE = 0.01  # of the change explained: the largest gap of attributions that count as complete
PRECISE = 0.002  # of the change explained: the largest gap at which no piece is halved
AVERAGED = 512   # training windows that the average one is made of


@dataclass(frozen=True)
class Attributions:
    """How much each input of each day moved the forecast of one step away from that of the baseline.

    All values are in units of the network's output; times `factor` they are in `unit`.

    dates: (length,) days of the window, oldest first, NaT before the first row; channels: names of the inputs
    network: (length, channels) integrated gradients of the recurrent part, zero before the rows that it reads
    linear: (length, channels) the exact share of the frozen linear part; zeros without one
    occlusion: (length,) what the output loses if that day's inputs are replaced by the baseline's
    inputs, baseline: (length, channels) what is compared
    output, baseline_output: of the whole forecaster; network and linear explain their difference
    gap: how far the sum of `network` and `linear` misses that difference; nodes: used for the integral
    factor, unit: 'price' where an output is a price or a change of it; 'percent' for log returns, of the last price
    """

    dates: pd.DatetimeIndex
    channels: tuple[str, ...]
    network: np.ndarray
    linear: np.ndarray
    occlusion: np.ndarray
    inputs: np.ndarray
    baseline: np.ndarray
    output: float
    baseline_output: float
    gap: float
    nodes: int
    factor: float
    unit: str

    @property
    def total(self) -> np.ndarray:
        """(length, channels): both parts together."""
        return self.network + self.linear

    @property
    def explained(self) -> float:
        """What is explained: prediction minus baseline."""
        return self.output - self.baseline_output

    @property
    def complete(self) -> bool:
        """Whether the attributions add up to what is explained, to 1 %; the state of a chaotic network may jump too often."""
        return abs(self.gap) <= COMPLETE * abs(self.explained)


def attributions(result, date=None, *, baseline: str = "average", step: int = 1) -> Attributions:
    """What moved the forecast of `date` away from that of a baseline window, by past day and by input.

    date: the day that is forecast, as in `result.predictions.index`; None for the day after the last row
    baseline: one of `BASELINES`; step: of the horizon, from 1
    returns `Attributions`, with arrays (length, channels) and (length,); length is the window, or more where the frozen
        linear part looks further back
    """
    network, origin = result.network, find_origin(result, date)
    head = _step(result, step)
    check_size(network, 3 * PIECES * PIECE_NODES + network.length)
    x = windows_at(result, [origin])[0]
    base = baseline_window(result, origin, baseline)
    gradients, nodes = _integrate(network, x, base, head)
    linear = _linear(network, step) * (x - base)
    occluded = np.repeat(x[None], len(x), axis=0)
    occluded[np.arange(len(x)), np.arange(len(x))] = base
    compared = np.concatenate([x[None], base[None], occluded])
    output, base_output, *without = in_chunks(network, lambda some: network.forward(some).output[:, step - 1], compared)
    factor, unit = output_unit(result, step)
    shares = gradients * (x - base)
    dates = pd.DatetimeIndex([result.history.dates[row] if row >= 0 else pd.NaT
                              for row in range(origin - len(x) + 1, origin + 1)])
    return Attributions(
        dates=dates, channels=result.encoder.channels, network=shares, linear=linear, occlusion=output - np.array(without),
        inputs=x, baseline=base, output=float(output), baseline_output=float(base_output),
        gap=float(shares.sum() + linear.sum() - (output - base_output)), nodes=nodes, factor=factor, unit=unit)


def profile(result, part: str = "validation", *, baseline: str = "average", step: int = 1, most: int = 16) -> pd.DataFrame:
    """The mean absolute attribution by lag over days of a part, at most `most` of them, evenly spread.

    returns a DataFrame, index lag (0 is the last day of the window): network, linear, total (of both together) and a column
        for each input, all in units of the output; summed over inputs before the absolute value is taken, except in the
        inputs' own columns
    """
    network, head = result.network.astype(np.float32), _step(result, step).astype(np.float32)
    origins = origins_of(result, part, affordable(network, most))
    check_size(network, 3 * PROFILE_NODES * len(origins))
    x = windows_at(result, origins, np.float32)
    base = np.stack([baseline_window(result, origin, baseline) for origin in origins]).astype(np.float32)
    points, weights = (values.astype(np.float32) for values in _nodes(PROFILE_NODES))
    gradients = np.zeros((len(x), network.window, network.channels), np.float32)
    for point, weight in zip(points, weights, strict=True):
        gradients += weight * _gradient(network, base + point * (x - base), head)
    shares = _widen(network, gradients) * (x - base)
    linear = _linear(network, step) * (x - base)
    total = shares + linear
    table = {"network": shares.sum(axis=2), "linear": linear.sum(axis=2), "total": total.sum(axis=2)}
    table |= {name: total[:, :, number] for number, name in enumerate(result.encoder.channels)}
    lags = pd.RangeIndex(network.length, name="lag")
    return pd.DataFrame({name: np.abs(values).mean(axis=0)[::-1] for name, values in table.items()}, index=lags)


def baseline_window(result, origin: int, baseline: str) -> np.ndarray:
    """(length, channels): a baseline of `BASELINES` for the window that ends with row `origin`."""
    length = result.network.length
    if baseline == "average":
        origins, _ = learning_origins(result.split, result.config)
        rows = origins[np.linspace(0, len(origins) - 1, min(AVERAGED, len(origins))).astype(int)]
        mean = windows_at(result, rows)[:, -result.network.window :].mean(axis=(0, 1))
        return np.repeat(mean[None], length, axis=0)
    if baseline == "still":
        return _stand_still(result, origin)
    raise ConfigError(f"baseline must be one of {', '.join(BASELINES)}. Received: baseline={baseline!r}.")


def output_unit(result, step: int) -> tuple[float, str]:
    """What one unit of an output is worth, and whether as a 'price' or in 'percent' of the last one."""
    encoder = result.encoder
    if encoder.target == "price":
        return float(encoder.scale), "price"
    size = float(encoder.scale * np.sqrt(step))
    return (100 * size, "percent") if encoder.target == "log_return" else (size, "price")


def _stand_still(result, origin):
    """The inputs had the price stayed at its last value for the whole window, and moved before it as it did."""
    history, encoder, length = result.history, result.encoder, result.network.length
    last, first = float(history.close[origin]), max(0, origin - length + 1)
    if not encoder.centred and set(encoder.features) <= PRICELESS | {"Close"}:
        inputs = windows_at(result, [origin])[0]
        if "Close" in encoder.channels:
            still = encoder.series([last])[0] if encoder.target == "price" else 0.0
            inputs[max(0, length - 1 - origin) :, encoder.channels.index("Close")] = still
        return inputs
    prices = [name for name in ("Open", "High", "Low", "Close") if name in history.frame]
    frame = history.frame.iloc[: origin + 1].copy()
    before = frame.iloc[: first][prices]
    if len(before):
        ends = float(history.close[first - 1])
        # Shifted so that it ends where the window stands, as no move leads into it.
        shifted = before * (last / ends) if encoder.target == "log_return" else before + (last - ends)
        frame.iloc[:first, frame.columns.get_indexer(prices)] = shifted.to_numpy()
    frame.iloc[first:, frame.columns.get_indexer(prices)] = last
    inputs = encoder.encode(dataclasses.replace(history, frame=frame)).inputs
    return np.pad(inputs, ((length - 1, 0), (0, 0)))[-length:].astype(np.float64)


def _step(result, step):
    """(horizon,) one at this step of the horizon."""
    horizon = result.config.horizon
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or not 1 <= step <= horizon:
        raise ConfigError(f"step must be a whole number from 1 to {horizon}. Received: step={step!r}.")
    return (np.arange(horizon) == step - 1).astype(np.float64)


def _linear(network, step):
    """(length, channels): the frozen linear part's weights for one step."""
    if network.linear is None:
        return np.zeros((network.length, network.channels))
    return network.linear[:, :, step - 1].astype(np.float64)


def _integrate(network, x, base, head):
    """(length, channels) the mean gradient between baseline and window, and how many nodes it took.

    The way is cut into pieces. What a piece should add up to is known, being the change of the output over it, so that those
    which miss it are halved: where the output jumps, as it does in a network whose state can tip over, few others would do.
    """
    nodes, edges = 0, np.linspace(0, 1, PIECES + 1)
    starts, ends = edges[:-1], edges[1:]
    mean, left = np.zeros_like(x), 0.0
    whole = np.subtract(*(network.forward(np.stack([x, base])).network @ head))
    bound = PRECISE * abs(whole)
    while True:
        points, weights = _nodes(PIECE_NODES)
        along = starts[:, None] + points * (ends - starts)[:, None]  # (pieces, nodes)
        gradient = _gradient(network, base + along.reshape(-1, 1, 1) * (x - base), head)
        pieces = np.tensordot(gradient.reshape(*along.shape, *gradient.shape[1:]), weights, (1, 0))
        pieces = _widen(network, pieces) * (ends - starts)[:, None, None]
        edges = base + np.concatenate([starts, ends])[:, None, None] * (x - base)
        at = in_chunks(network, lambda some: network.forward(some).network @ head, edges)
        gaps = np.abs((pieces * (x - base)).sum(axis=(1, 2)) - (at[len(starts) :] - at[: len(starts)]))
        nodes += along.size
        halved = gaps > (bound - left) / (2 * len(gaps))
        if left + gaps.sum() <= bound or nodes >= MOST_NODES:
            halved[:] = False
        mean += pieces[~halved].sum(axis=0)
        left += gaps[~halved].sum()
        if not halved.any():
            return mean, nodes
        middle = (starts[halved] + ends[halved]) / 2
        starts, ends = np.concatenate([starts[halved], middle]), np.concatenate([middle, ends[halved]])


def _gradient(network, x, head):
    """(batch, window, channels): the gradient of one output of the recurrent part."""
    return in_chunks(network, lambda some: network.backward(network.forward(some), np.tile(head, (len(some), 1))).dinputs, x)


def _widen(network, gradients):
    """(batch, length, channels): zero before the rows that the recurrent layers read."""
    return np.pad(gradients, ((0, 0), (network.length - network.window, 0), (0, 0)))


def _nodes(count):
    """Gauss and Legendre's nodes and weights on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return (points + 1) / 2, weights / 2
