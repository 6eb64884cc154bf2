"""A forecast from the run `parent`, by its parameters 'steps', 'refit', 'as_of' and 'combined'. Its result is a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.runs.forecasts import both_forecasts
from forecasting.runs.kinds.kind import Computed, RunKind

__all__ = ["FORECAST"]

FILE = "forecast.parquet"


def _forecast(ledger, run, reporter, should_stop) -> Computed:
    from forecasting.combined import Combined
    from forecasting.result import Refit, TrainingResult, load_run

    steps: Any = run.parameters.get("steps")
    refit, as_of = run.parameters.get("refit"), run.parameters.get("as_of")
    tested = load_run(ledger.folder(str(run.parent)))
    forecaster: TrainingResult | Combined = tested
    if run.parameters.get("combined"):
        forecaster = tested.combined(should_stop=should_stop, on_phase=reporter.phase)
        if should_stop():
            return Computed("stopped")
    source: TrainingResult | Refit | Combined = forecaster
    if refit and as_of is None:
        source = forecaster.refit(on_epoch=reporter.epoch, should_stop=should_stop, on_phase=reporter.phase)
        if source.stopped or should_stop():
            return Computed("stopped")
    reporter.phase("forecasting")
    table = both_forecasts(source, steps, as_of)
    return Computed("finished", {}, lambda folder: table.to_parquet(folder / FILE))


def _read(folder: Path) -> pd.DataFrame:
    """Index Date; predicted, lower_80, upper_80, lower_95, upper_95, and the same with 'guarded_' before them.

    `attrs` hold what the page says of a combination, see `both_forecasts`.
    """
    return pd.read_parquet(folder / FILE)


FORECAST = RunKind(_forecast, _read, needs_parent=True)
