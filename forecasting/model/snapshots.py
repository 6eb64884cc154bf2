"""What is kept of a training beside its weights: the weights at a few epochs, and how long the gradients were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["MOST_BYTES", "MOST_SNAPSHOTS", "Snapshots"]

MOST_SNAPSHOTS = 12
MOST_BYTES = 600_000  # of all weights together; a network of 64 + 64 units then has five snapshots
_FEWEST = 3  # the untrained network, the one after the first epoch, and the last one
_LARGEST = float(np.finfo(np.float16).max)
_COLUMNS = ("steps", "clipped", "mean_norm", "largest_norm", "mean_factor")


class Snapshots:
    """The weights of a network at a bounded number of epochs, in half precision, and a record of its gradients.

    epochs: of the snapshots, ascending; 0 is the untrained network. Those of the start, of epoch 1 and of the latest epoch are
        always among them, the others are evenly spread. None are taken of a network so large that three would not fit
    weights: a list of arrays for each, in the order of `Network.weights`
    """

    def __init__(self):
        self.epochs: list[int] = []
        self.weights: list[list[np.ndarray]] = []
        self._records: list[tuple] = []
        self._stride = 1

    @property
    def gradients(self) -> pd.DataFrame:
        """How long the gradients of each epoch were before they were clipped, a row for each epoch.

        epoch (from 1), steps, clipped (how many of them), mean_norm, largest_norm, mean_factor (what clipping multiplied the
        gradients by, on average over all steps; 1 where it never acted)
        """
        table = pd.DataFrame(np.reshape(self._records, (-1, len(_COLUMNS))), columns=list(_COLUMNS))
        table = table.astype({"steps": int, "clipped": int})
        table.insert(0, "epoch", np.arange(1, len(table) + 1))
        return table

    def record(self, norms, clip_norm: float | None):
        """Adds an epoch to `gradients`. norms: (steps,) of the gradient with respect to all weights, before clipping"""
        norms = np.asarray(norms, dtype=np.float64)
        factors = np.ones(len(norms)) if clip_norm is None else np.minimum(1.0, clip_norm / np.maximum(norms, 1e-300))
        self._records.append((len(norms), int((factors < 1).sum()), norms.mean(), norms.max(), factors.mean()))

    def add(self, epoch: int, weights: Sequence[np.ndarray]):
        """Takes a snapshot, and drops others if there are too many."""
        room = min(MOST_SNAPSHOTS, MOST_BYTES // max(1, 2 * sum(weight.size for weight in weights)))
        if room < _FEWEST:
            return
        if self.epochs and not self._stays(self.epochs[-1]):
            self._keep(self.epochs[:-1])
        self.epochs.append(epoch)
        self.weights.append([np.clip(weight, -_LARGEST, _LARGEST).astype(np.float16) for weight in weights])
        while len(self.epochs) > room:
            self._stride *= 2
            self._keep([one for one in self.epochs if self._stays(one) or one == epoch])

    def _stays(self, epoch):
        return epoch <= 1 or epoch % self._stride == 0

    def _keep(self, epochs):
        kept = set(epochs)
        self.weights = [weights for one, weights in zip(self.epochs, self.weights, strict=True) if one in kept]
        self.epochs = list(epochs)

    def to_arrays(self) -> dict[str, Any]:
        """Everything as arrays by name; `from_arrays` is its inverse."""
        arrays = {f"weights_{number}": np.stack(one) for number, one in enumerate(zip(*self.weights, strict=True))}
        return {"epochs": np.array(self.epochs, dtype=np.int64), "stride": np.array(self._stride),
                "gradients": np.array(self._records, dtype=np.float64).reshape(-1, len(_COLUMNS)), **arrays}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Snapshots:
        """Raises KeyError or ValueError for arrays that are none of snapshots."""
        found = cls()
        found.epochs, found._stride = [int(epoch) for epoch in arrays["epochs"]], int(arrays["stride"])
        found._records = [tuple(row) for row in arrays["gradients"].reshape(-1, len(_COLUMNS))]
        count = sum(name.startswith("weights_") for name in arrays)
        found.weights = [list(one) for one in zip(*(arrays[f"weights_{number}"] for number in range(count)), strict=True)]
        if len(found.weights) != len(found.epochs):
            raise ValueError(f"{len(found.epochs)} epochs have {len(found.weights)} snapshots")
        return found
