"""Keeps the state of a training in a file, so that it can resume after its process died. After Keras's `BackupAndRestore`."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from forecasting.paths import write_atomically

__all__ = ["Backup", "TrainingState"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingState:
    """The complete state of a training between two epochs: resuming from it gives the same result as no interruption.

    rows: (epoch, loss, val_loss, seconds) of each epoch so far
    variables: of the network and of the optimiser (after a stop, moved by part of an epoch that does not count); kept: the
        weights that the training would end with
    progress: which epoch was the best, and the like; random: the state of the generator that orders the windows
    """

    rows: Sequence[tuple]
    variables: Sequence[np.ndarray]
    kept: Sequence[np.ndarray]
    progress: dict
    random: Mapping


class Backup:
    """Keeps the latest state of one training.

    path: of the file, in an existing folder; every: minimum seconds between two writes
    """

    def __init__(self, path: Path, every: float = 5.0):
        self.path, self.every = Path(path), every
        self._written = time.monotonic()

    def offer(self, state: Callable[[], TrainingState], at_once: bool = False):
        """Writes the state after an epoch if it is time, or `at_once`. A failing disk does not end the training."""
        if not at_once and time.monotonic() - self._written < self.every:
            return
        now = state()
        arrays = {f"{name}_{i}": array for name in ("variables", "kept") for i, array in enumerate(getattr(now, name))}
        rest = json.dumps({"rows": now.rows, "progress": now.progress, "random": now.random})
        content = io.BytesIO()
        np.savez(content, rest=np.array(rest), **arrays)
        try:
            write_atomically(self.path, content.getvalue())
        except OSError as error:
            log.warning("The training could not be backed up: %s", error)
        self._written = time.monotonic()

    def load(self) -> TrainingState | None:
        """The latest state, or None if it is missing or damaged, so that the training starts over."""
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                rest = json.loads(str(arrays["rest"]))
                variables, kept = (_numbered(arrays, name) for name in ("variables", "kept"))
            return TrainingState([tuple(row) for row in rest["rows"]], variables, kept, rest["progress"], rest["random"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            log.warning("The backup of a training is damaged, so it starts over: %s", error)
            return None


def _numbered(arrays, name) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}_") for key in arrays.files)
    return [arrays[f"{name}_{i}"] for i in range(count)]
