"""The frozen linear part beside the network: a ridge regression over the same window, and a season where one is proven.

The network then learns only what a linear forecast leaves over: an autoregressive highway, as in Lai and others,
"Modeling long- and short-term temporal patterns with deep neural networks" (2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["PENALTIES", "LinearSkip", "fit_skip"]

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # of the squared weights, per training window of unit inputs
_BLOCK_VALUES = 2**21  # 16 MB of float64 at a time, whatever the window


@dataclass(frozen=True)
class LinearSkip:
    """A linear forecast of every step from the last `length` inputs.

    kernel: (length, horizon) float32, oldest input first
    penalty: of the ridge regression; None where validation preferred no linear part
    season: the seasonal lags, in rows, that it also looks at
    """

    kernel: np.ndarray
    penalty: float | None
    season: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        return len(self.kernel)

    def predict(self, series) -> np.ndarray:
        """(t, horizon) float64: the forecast from every row of `series` (t,), which begins after rows of zeros."""
        if not self.kernel.any():
            return np.zeros((len(series), self.kernel.shape[1]))
        windows = _windows(series, self.length)
        kernel = self.kernel.astype(np.float64)
        return np.concatenate([windows[rows] @ kernel for rows in _blocks(len(series), self.length)])


def fit_skip(series, targets, train, validation, window) -> LinearSkip:
    """Ridge regression of `targets` on the last `window` values of `series`.

    series: (t,) inputs; targets: (t, horizon), NaN where unknown; train, validation: ranges of origins
    The penalty is the one with the smallest squared error on validation, 'no linear part' among the candidates.
    """
    windows = _windows(series, window)
    gram, moment = np.zeros((window, window)), np.zeros((window, targets.shape[1]))
    for rows in _blocks(len(train), window):
        x = np.ascontiguousarray(windows[train[rows]])  # (rows, window)
        y = targets[train[rows]].astype(np.float64)
        gram += x.T @ x
        moment += x.T @ y
    values, vectors = np.linalg.eigh(gram)
    rotated = vectors.T @ moment
    kernels = {None: np.zeros((window, targets.shape[1]), dtype=np.float32)}
    for penalty in PENALTIES:
        weights = vectors @ (rotated / (np.maximum(values, 0.0) + penalty * len(train))[:, None])
        kernels[penalty] = weights.astype(np.float32)
    losses = {penalty: _loss(windows, targets, validation, kernel) for penalty, kernel in kernels.items()}
    best = min(losses, key=losses.get)
    return LinearSkip(kernels[best], best)


def _windows(series, length):
    """(t, length) view: the `length` values up to each row; before the first row there are zeros."""
    padded = np.concatenate([np.zeros(length - 1), np.asarray(series, dtype=np.float64)])
    return np.lib.stride_tricks.sliding_window_view(padded, length)


def _blocks(count, width):
    """Slices that cut `count` rows of `width` values into pieces of a bounded size."""
    rows = max(1, _BLOCK_VALUES // width)
    return [slice(start, min(count, start + rows)) for start in range(0, count, rows)]


def _loss(windows, targets, origins, kernel):
    """Mean squared error of the known targets of `origins`."""
    total = count = 0.0
    for rows in _blocks(len(origins), len(kernel)):
        chosen = origins[rows]
        errors = targets[chosen] - windows[chosen] @ kernel
        known = np.isfinite(errors)
        total += float(np.sum(errors[known].astype(np.float64) ** 2))
        count += known.sum()
    return total / count
