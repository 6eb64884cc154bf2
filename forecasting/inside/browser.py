"""A network as JSON for a browser that runs it, and the same forward pass here, which the browser's is tested against."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np

from forecasting.errors import ConfigError
from forecasting.inside.window import find_origin, windows_at
from forecasting.model.encoding import CLIP, LARGEST_PRICE, LARGEST_SCALED, LEAST_SHARE, MOST_EXPONENT

__all__ = ["WhatIf", "check_what_if", "export_network", "export_window", "pack", "what_if"]


@dataclass(frozen=True)
class WhatIf:
    """What the network makes of a window with other prices.

    inputs: (length, channels) as they enter; traces: as `gates` gives them; output: (horizon,); predicted: (horizon,) prices
    """

    inputs: np.ndarray
    traces: list[dict[str, np.ndarray]]
    output: np.ndarray
    predicted: np.ndarray


def export_network(result) -> dict:
    """Everything that the forward pass of a window needs but the window itself, JSON-able.

    Arrays are {'shape': [...], 'data': base64 of little-endian float32 in row-major order}.
    cell, gates, states, reads: of the cell; the gates stand side by side in the columns of the weights, in this order
    layers: kernel (inputs, gates * units), recurrent_kernel (units, gates * units), bias (gates * units,) or, where
        recurrent_bias is true, (2, gates * units), the second row of which is added to the state's contribution
    head: kernel (units, horizon), bias (horizon,); linear: (length, channels, horizon) or null
    window, length: rows that the layers and the whole network read: the layers read the last `window` of `length`
    channels: names of the inputs; close: the place of 'Close' among them, or null
    encoder: target, centre, scale, positive as `Encoder` has them, and the bounds of its arithmetic
    """
    network, encoder = result.network, result.encoder
    cell, channels = network.cell, list(encoder.channels)
    return {
        "cell": cell.name, "gates": list(cell.gates), "states": list(cell.states), "reads": cell.reads,
        "recurrent_bias": cell.recurrent_bias, "window": network.window, "length": network.length,
        "horizon": network.horizon, "channels": channels,
        "close": channels.index("Close") if "Close" in channels else None,
        "layers": [{"units": len(recurrent), "kernel": pack(kernel), "recurrent_kernel": pack(recurrent), "bias": pack(bias)}
                   for kernel, recurrent, bias in network.layers],
        "head": {"kernel": pack(network.head[0]), "bias": pack(network.head[1])},
        "linear": None if network.linear is None else pack(network.linear),
        "encoder": {"target": encoder.target, "centre": float(encoder.centre), "scale": float(encoder.scale),
                    "positive": encoder.positive, "clip": CLIP, "largest_scaled": LARGEST_SCALED, "least_share": LEAST_SHARE,
                    "most_exponent": MOST_EXPONENT},
    }


def export_window(result, date=None) -> dict:
    """The window before `date` for the exported network, JSON-able.

    dates: ISO days of the rows, null before the first one; prices: (length,) closing prices, null before the first one
    before: the price of the row before them, null where there is none; inputs: (length, channels) as they enter, packed
    """
    origin = find_origin(result, date)
    history, length = result.history, result.network.length
    rows = range(origin - length + 1, origin + 1)
    return {
        "dates": [history.dates[row].isoformat() if row >= 0 else None for row in rows],
        "prices": [float(history.close[row]) if row >= 0 else None for row in rows],
        "before": float(history.close[rows[0] - 1]) if rows[0] > 0 else None,
        "inputs": pack(windows_at(result, [origin])[0]),
    }


def what_if(result, date=None, prices=None) -> WhatIf:
    """What the network would have made of other prices in the window before `date`.

    prices: (length,) closing prices, oldest first, or (window,) for its last rows; None for those that were. Only the input
        'Close' and the last known price follow them; other inputs stay as they were
    Raises ConfigError where the input does not follow from the prices of the window, and for prices that are none.
    """
    origin = find_origin(result, date)
    network, encoder, history = result.network, result.encoder, result.history
    inputs = windows_at(result, [origin])[0]
    last = float(history.close[origin])
    if prices is not None:
        inputs, last = _with_prices(result, origin, inputs, np.asarray(prices, dtype=np.float64))
    done = network.forward(inputs[None])
    names = dict.fromkeys((*network.cell.gates, *network.cell.states))
    return WhatIf(inputs, [{name: trace[name][0] for name in names} for trace in done.traces], done.output[0],
                  encoder.prices(done.output, [last])[0])


def check_what_if(result):
    """Raises ConfigError where a window's input does not follow from its own prices."""
    if "Close" not in result.encoder.channels:
        raise ConfigError("This network does not see the closing price, so that changing one changes nothing inside it. Choose "
                          "a run with Close among its inputs.")
    if result.encoder.centred:
        raise ConfigError("This run of the leak lab sees averages of past and future prices, so that its input does not follow "
                          "from the prices of a window alone. Choose an honest run.")


def pack(values) -> dict:
    """An array as JSON-able shape and data; see `export_network`."""
    values = np.ascontiguousarray(values, dtype="<f4")
    return {"shape": list(values.shape), "data": base64.b64encode(values.tobytes()).decode("ascii")}


def _with_prices(result, origin, inputs, prices):
    """The inputs (length, channels) and the last known price with these prices in the window."""
    check_what_if(result)
    encoder, history, length = result.encoder, result.history, result.network.length
    if prices.shape not in ((length,), (result.network.window,)):
        raise ConfigError(f"prices must be {result.network.window} numbers, one for each row of the window. Received: shape "
                          f"{prices.shape}.")
    first = origin - len(prices) + 1
    low = np.finfo(np.float64).tiny if encoder.target == "log_return" else -LARGEST_PRICE
    if not (np.isfinite(prices).all() and (prices >= low).all() and (prices <= LARGEST_PRICE).all()):
        raise ConfigError(f"Prices must be numbers{' above zero' if encoder.target == 'log_return' else ''}. Received: "
                          f"{prices.min():g} to {prices.max():g}.")
    # The rows before the window's first one are encoded as they were; its move needs the price before it.
    known = history.close[max(0, first - 1) : max(0, first)]
    series = encoder.series(np.concatenate([known, prices[max(0, -first) :]]))[len(known) :]
    inputs = inputs.copy()
    inputs[len(inputs) - len(series) :, encoder.channels.index("Close")] = series.astype(np.float32)
    return inputs, float(prices[-1])
