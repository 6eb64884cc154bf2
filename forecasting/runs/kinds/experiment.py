"""An experiment: a run made of other runs, moved on by the engine. It has no files of its own, only its children's."""

from __future__ import annotations

from forecasting.runs.kinds.kind import RunKind

__all__ = ["EXPERIMENT"]

EXPERIMENT = RunKind(compute=None, read=None)
