"""The description of a kind of run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Computed", "RunKind"]


@dataclass(frozen=True)
class Computed:
    """What a run has come to. Nothing is written yet, since that may have to be tried again.

    state: 'finished', or 'stopped' if it ended early
    scores: as `RunLedger.put_result` takes them; None if it left no result
    save: writes the files of the result into an empty folder, or None where scores are all there is
    epoch_seconds: duration of a typical epoch of a training; metrics: further numbers for MLflow's own pages
    """

    state: str
    scores: dict | None = None
    save: Callable[[Path], object] | None = None
    epoch_seconds: float | None = None
    metrics: dict | None = None


@dataclass(frozen=True)
class RunKind:
    """How runs of one kind are computed, and what they leave behind.

    compute: called by a worker as `compute(ledger, run, reporter, should_stop)`. It reports its progress to `reporter`, asks
        `should_stop` several times a second, and returns what it has `Computed`. None for a kind that no worker computes.
    read: loads the result from the folder with its files
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
