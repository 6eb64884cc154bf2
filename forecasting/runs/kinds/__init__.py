"""The kinds of run, one file each, listed here. Light to import, since every page reads the store."""

from __future__ import annotations

from forecasting.runs.kinds.experiment import EXPERIMENT
from forecasting.runs.kinds.forecast import FORECAST
from forecasting.runs.kinds.kind import RunKind
from forecasting.runs.kinds.train import TRAIN
from forecasting.runs.kinds.trial import TRIAL

__all__ = ["RUN_KINDS", "RunKind"]

RUN_KINDS: dict[str, RunKind] = {
    "train": TRAIN,
    "trial": TRIAL,
    "forecast": FORECAST,
    "experiment": EXPERIMENT,
}
