"""Whether there is memory for a training: for one at all, and for one more beside those that are being computed."""

from __future__ import annotations

import os
from collections.abc import Iterable

from forecasting.model.config import ForecastConfig
from forecasting.model.size import check_memory, memory_words, peak_memory, usable_memory
from forecasting.runs.records import Run

__all__ = ["WAITS", "check_room", "why_wait"]

WAITS = "for "  # how the phase of a run begins that waits for others to end


def check_room(config: ForecastConfig, rows: int):
    """Raises TooLarge if this machine has too little memory to train these settings on so many prices.

    How much the machines of another Dask cluster have is not known here: each checks for itself when it trains.
    """
    if not os.environ.get("DASK_SCHEDULER_ADDRESS"):
        check_memory(config, rows)


def why_wait(run: Run, others: Iterable[Run]) -> str | None:
    """Why a run has to wait until others, which are being computed, have ended; None if there is memory for it.

    One that is alone never waits, however little memory there is.
    """
    taken = sum(peak_memory(other.config, other.rows) for other in others)
    needed, usable = peak_memory(run.config, run.rows), usable_memory()
    if not taken or taken + needed <= usable or os.environ.get("DASK_SCHEDULER_ADDRESS"):
        return None
    return (f"{WAITS}memory: it needs about {memory_words(needed)}, and the runs that are being computed leave "
            f"{memory_words(max(0.0, usable - taken))} of {memory_words(usable)}")
