"""The average of the runs that its parameter 'members' names, as a forecaster of its own. Its result is a `TrainingResult`."""

from __future__ import annotations

from forecasting.runs.files import scratch
from forecasting.runs.kinds.kind import FINAL_PATIENCE, RunKind
from forecasting.runs.kinds.train import read_training

__all__ = ["AVERAGE"]


def _average(ledger, run, reporter, should_stop) -> str:
    from forecasting.result import average

    result = average([ledger.result(member) for member in run.parameters["members"]], on_phase=reporter.phase)
    reporter.phase("saving")
    folder = scratch("result")
    result.save(folder)
    ledger.put_result(run.id, folder, result.metrics, patience=FINAL_PATIENCE)
    return "finished"


AVERAGE = RunKind(_average, read_training, is_training=True)
