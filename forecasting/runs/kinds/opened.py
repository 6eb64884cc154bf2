"""A run that was opened from a file (`forecasting.runs.bring_back`). It was trained elsewhere, and has no network here."""

from __future__ import annotations

from forecasting.runs.kinds.kind import RunKind
from forecasting.runs.kinds.train import read_training

__all__ = ["DIGEST", "OPENED"]

DIGEST = "zip"  # the parameter with the SHA-256 of the file

OPENED = RunKind(compute=None, read=read_training, is_training=True)
