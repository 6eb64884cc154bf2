"""What a look inside may take: how many windows at a time, and how many at all."""

from __future__ import annotations

import numpy as np

from forecasting.errors import TooLarge
from forecasting.model.weights import Network
from forecasting.words import count_of

__all__ = ["affordable", "check_size", "in_chunks"]

MOST_VALUES = 24_000_000  # of gates and states that are held at a time; 200 MB in double precision
MOST_WORK = 6e10          # multiplications that a view may take: a few seconds, or half a minute for very large matrices


def affordable(network: Network, most: int) -> int:
    """How many windows, `most` at most and 1 at least, can be looked at together."""
    return max(1, min(most, int(MOST_VALUES / (network.window * sum(network.units) * (len(network.cell.traces) + 1)))))


def check_size(network: Network, windows: int):
    """Raises TooLarge if looking at so many windows takes longer than a person would wait."""
    weights = sum(weight.size for weight in network.weights)
    if 3 * weights * network.window * windows > MOST_WORK:
        raise TooLarge(f"This network is too large for this view. Received: {count_of(weights, 'weight')} and a window of "
                       f"{network.window}. Its gates and equations can be seen; for the rest train one with fewer units, fewer "
                       "layers or a shorter window.")


def in_chunks(network: Network, function, x) -> np.ndarray:
    """function(x) (batch, ...) for windows x (batch, length, channels), as many at a time as fit into memory."""
    size = affordable(network, len(x))
    return np.concatenate([function(x[start : start + size]) for start in range(0, len(x), size)])
