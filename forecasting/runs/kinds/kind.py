"""The description of a kind of run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FINAL_PATIENCE", "RunKind"]

FINAL_PATIENCE = 120.0  # seconds to keep trying to write the end of a run to a failing store


@dataclass(frozen=True)
class RunKind:
    """How runs of one kind are computed, and what they leave behind.

    compute: called by a worker as `compute(ledger, run, reporter, should_stop)`. It reports its progress to `reporter`, asks
        `should_stop` several times a second, saves its files and scores with `ledger.put_result`, and returns 'finished',
        or 'stopped' if it ended early. None for a kind that no worker computes.
    read: loads the result from the folder that `compute` saved
    needs_parent: whether it is made from another run, its parent
    is_training: whether its result is a `TrainingResult`, so that it stands in lists of runs
    keeps_backup: whether it goes on from its backup when it is computed again, and otherwise starts over
    report_every: minimum seconds between two writes of its progress, which take time from the computation
    """

    compute: Callable | None
    read: Callable[[Path], object] | None
    needs_parent: bool = False
    is_training: bool = False
    keeps_backup: bool = False
    report_every: float = 0.2
