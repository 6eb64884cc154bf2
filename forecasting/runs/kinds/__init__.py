"""The kinds of run, one file each, listed here. Light to import, since every page reads the store."""

from __future__ import annotations

from forecasting.runs.kinds.average import AVERAGE
from forecasting.runs.kinds.experiment import EXPERIMENT
from forecasting.runs.kinds.forecast import FORECAST
from forecasting.runs.kinds.kind import Computed, RunKind
from forecasting.runs.kinds.opened import OPENED
from forecasting.runs.kinds.train import TRAIN
from forecasting.runs.kinds.trial import TRIAL

__all__ = ["RUN_KINDS", "TRAININGS", "Computed", "RunKind"]

RUN_KINDS: dict[str, RunKind] = {
    "train": TRAIN,
    "trial": TRIAL,
    "forecast": FORECAST,
    "average": AVERAGE,
    "experiment": EXPERIMENT,
    "opened": OPENED,
}
TRAININGS = tuple(name for name, kind in RUN_KINDS.items() if kind.is_training)
