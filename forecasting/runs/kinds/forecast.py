"""A forecast from the run `parent`, as its parameters 'steps', 'refit' and 'as_of' say: leaves a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from forecasting.runs.files import scratch
from forecasting.runs.kinds.kind import FINAL_PATIENCE, RunKind

__all__ = ["FORECAST"]

FILE = "forecast.parquet"


def _forecast(ledger, run, reporter, should_stop) -> str:
    from forecasting.result import load_run

    steps, refit, as_of = (run.parameters.get(name) for name in ("steps", "refit", "as_of"))
    source = load_run(ledger.folder(run.parent))
    options = {} if as_of is None else {"as_of": as_of}
    if refit and as_of is None:
        source = source.refit(on_epoch=reporter.epoch, should_stop=should_stop, on_phase=reporter.phase)
        if source.stopped:
            return "stopped"
    reporter.phase("forecasting")
    plain, guarded = (source.forecast(steps, guarded=guarded, **options) for guarded in (False, True))
    folder = scratch("forecast")
    pd.concat([plain, guarded.add_prefix("guarded_")], axis=1).to_parquet(folder / FILE)
    ledger.put_result(run.id, folder, {}, patience=FINAL_PATIENCE)
    return "finished"


def _read(folder: Path) -> pd.DataFrame:
    """Index Date; predicted, lower_80, upper_80, lower_95, upper_95, and the same with 'guarded_' before them."""
    return pd.read_parquet(folder / FILE)


FORECAST = RunKind(_forecast, _read, needs_parent=True)
