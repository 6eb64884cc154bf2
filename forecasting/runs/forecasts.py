"""What a forecast job leaves in the store: the network's own forecast and the guarded one, side by side."""

from __future__ import annotations

import pandas as pd

__all__ = ["COLUMNS", "both_forecasts", "one_forecast"]

COLUMNS = ("predicted", "lower_80", "upper_80", "lower_95", "upper_95")
GUARDED = "guarded_"


def both_forecasts(source, steps: int, as_of=None) -> pd.DataFrame:
    """Index future Date; `COLUMNS` as the network forecasts them, and again with 'guarded_' before their names.

    source: a `TrainingResult`, or a `Refit`, which forecasts from the last row only
    as_of: as in `TrainingResult.forecast`
    The first rows of a forecast are the same however many steps it has.
    """
    options = {} if as_of is None else {"as_of": as_of}
    own, guarded = (source.forecast(steps, guarded=guarded, **options) for guarded in (False, True))
    return pd.concat([own, guarded.add_prefix(GUARDED)], axis=1)


def one_forecast(both: pd.DataFrame, last: float, guarded: bool) -> pd.DataFrame:
    """One of the two in `both`, with `COLUMNS` and the naive forecast. last: the last known price"""
    names = [f"{GUARDED}{name}" if guarded else name for name in COLUMNS]
    return both[names].set_axis(list(COLUMNS), axis=1).assign(naive=float(last))
