"""An experiment: a run made of other runs, which the engine moves. All that it leaves is its children's."""

from __future__ import annotations

from forecasting.runs.kinds.kind import RunKind

__all__ = ["EXPERIMENT"]

EXPERIMENT = RunKind(compute=None, read=None)
