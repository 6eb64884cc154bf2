"""The series that the training benchmarks learn, as the network sees them."""

from __future__ import annotations

import numpy as np

__all__ = ["SERIES", "mackey_glass", "sines", "standardised"]


def mackey_glass(rows):
    """Mackey and Glass 1977, delay 17, Euler's method with ten steps a row: chaotic, without noise."""
    per_row, settled = 10, 100
    delay = 17 * per_row
    x = np.full((rows + settled) * per_row + delay, 1.2)
    for t in range(delay, len(x)):
        late = x[t - delay]
        x[t] = x[t - 1] + (0.2 * late / (1 + late**10) - 0.1 * x[t - 1]) / per_row
    return x[delay + settled * per_row :: per_row][:rows]


def sines(rows):
    """Three sines whose periods share no multiple nearby, and noise of a quarter of their variance's root."""
    t, rng = np.arange(rows), np.random.default_rng(0)
    waves = sum(np.sin(2 * np.pi * t / period + phase) for period, phase in ((20, 0), (33.3, 1), (57.7, 2)))
    return waves + 0.2 * rng.normal(size=rows)


SERIES = {"Mackey-Glass": mackey_glass, "noisy sum of sines": sines}


def standardised(values, window):
    """The tutorial's task: the next value from a window of them, scaled by the training part, the first 70 %.

    returns {'inputs': (t, 1), 'targets': (t, 1), 'train': origins, 'validation': origins in the tenth that follows}
    """
    train_end, validation_end = int(len(values) * 0.7), int(len(values) * 0.8)
    known = values[:train_end]
    scaled = ((values - known.mean()) / known.std()).astype(np.float32)
    return {"inputs": scaled[:, None], "targets": np.append(scaled[1:], np.float32("nan"))[:, None],
            "train": np.arange(window - 1, train_end - 1, dtype=np.int32),
            "validation": np.arange(train_end - 1, validation_end - 1, dtype=np.int32)}
