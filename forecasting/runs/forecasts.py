"""What a forecast job leaves in the store: the network's own forecast and the guarded one, side by side."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from forecasting.evaluation.gate import Gate

__all__ = ["COLUMNS", "about_combination", "both_forecasts", "one_forecast"]

COLUMNS = ("predicted", "lower_80", "upper_80", "lower_95", "upper_95")
GUARDED = "guarded_"


def both_forecasts(source, steps: int, as_of=None) -> pd.DataFrame:
    """Index future Date; `COLUMNS` as the network forecasts them, and again with 'guarded_' before their names.

    source: a `TrainingResult`; a `Refit`, which forecasts from the last row only; or a `Combined`, which has its say in
        `attrs`, see `about_combination`
    as_of: as in `TrainingResult.forecast`
    The first rows of a forecast are the same however many steps it has.
    """
    from forecasting.combined import Combined

    options = {} if as_of is None else {"as_of": as_of}
    own, guarded = (source.forecast(steps, guarded=guarded, **options) for guarded in (False, True))
    both = pd.concat([own, guarded.add_prefix(GUARDED)], axis=1)
    if isinstance(source, Combined):
        both.attrs = {"made_of": source.words, "gate": asdict(source.tested.gate_at(as_of))}  # kept in the parquet file
    return both


def about_combination(both: pd.DataFrame) -> tuple[str, Gate] | None:
    """(what the combination is made of, what was known of it on the day of the forecast), or None for a run's own forecast."""
    if "made_of" not in both.attrs:
        return None
    gate = both.attrs["gate"]
    return both.attrs["made_of"], Gate(gate["passed"], tuple(gate["shrinkage"]), tuple(gate["log_evidence"]), gate["origins"])


def one_forecast(both: pd.DataFrame, last: float, guarded: bool) -> pd.DataFrame:
    """One of the two in `both`, with `COLUMNS` and the naive forecast. last: the last known price"""
    names = [f"{GUARDED}{name}" if guarded else name for name in COLUMNS]
    return both[names].set_axis(list(COLUMNS), axis=1).assign(naive=float(last))
