"""The average of the runs that its parameter 'members' names, as a forecaster of its own. Its result is a `TrainingResult`."""

from __future__ import annotations

from forecasting.runs.kinds.kind import Computed, RunKind
from forecasting.runs.kinds.train import read_training

__all__ = ["AVERAGE"]


def _average(ledger, run, reporter, should_stop) -> Computed:
    from forecasting.result import average

    result = average([ledger.result(member) for member in run.parameters["members"]], on_phase=reporter.phase)
    return Computed("finished", result.metrics, result.save)


AVERAGE = RunKind(_average, read_training, is_training=True)
