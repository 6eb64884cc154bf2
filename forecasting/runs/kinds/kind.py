"""What there is to say about a kind of run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FINAL_PATIENCE", "RunKind"]

FINAL_PATIENCE = 120.0  # seconds for which the end of a run is tried against a store that fails


@dataclass(frozen=True)
class RunKind:
    """How runs of one kind are computed, and what they leave behind.

    compute: called by a worker as `compute(ledger, run, reporter, should_stop)`. It tells `reporter` how far it is, asks
        `should_stop` several times a second, leaves its files and scores with `ledger.put_result`, and returns 'finished',
        or 'stopped' where it ended early. None for a kind that no worker computes.
    read: gives back what `compute` left, from the folder of its files
    needs_parent: whether it is made from another run, its parent
    """

    compute: Callable | None
    read: Callable[[Path], object] | None
    needs_parent: bool = False
