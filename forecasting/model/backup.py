"""Keeps the state of a training in a file, so that it can resume after its process died. After Keras's `BackupAndRestore`."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from forecasting.model.snapshots import Snapshots
from forecasting.paths import write_atomically

__all__ = ["Backup", "TrainingState"]

SHARE = 0.02  # of the training's time that writing its state may take ...
LONGEST_PAUSE = 10.0  # ... unless the disk is so slow that more than this many seconds would lie between two writes
_SNAPSHOTS = "snapshots_"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingState:
    """The complete state of a training between two epochs: resuming from it gives the same result as no interruption.

    rows: (epoch, loss, val_loss, seconds) of each epoch so far
    variables: of the network and of the optimiser (after a stop, moved by part of an epoch that does not count); kept: the
        weights that the training would end with
    progress: which epoch was the best, and the like; random: the state of the generator that orders the windows
    snapshots: those taken so far
    """

    rows: Sequence[tuple]
    variables: Sequence[np.ndarray]
    kept: Sequence[np.ndarray]
    progress: dict
    random: Mapping
    snapshots: Snapshots = field(default_factory=Snapshots)


class Backup:
    """Keeps the latest state of one training.

    path: of the file, in an existing folder
    every: minimum seconds between two writes; they are rarer where one takes long. 0: after each epoch, whatever it takes
    """

    def __init__(self, path: Path, every: float = 0.5):
        self.path, self.every = Path(path), every
        self._written, self._pause = time.monotonic(), every

    def offer(self, state: Callable[[], TrainingState], at_once: bool = False):
        """Writes the state after an epoch if it is time, or `at_once`. A failing disk does not end the training."""
        started = time.monotonic()
        if not at_once and started - self._written < self._pause:
            return
        now = state()
        arrays = {f"{name}_{i}": array for name in ("variables", "kept") for i, array in enumerate(getattr(now, name))}
        arrays |= {f"{_SNAPSHOTS}{name}": array for name, array in now.snapshots.to_arrays().items()}
        rest = json.dumps({"rows": now.rows, "progress": now.progress, "random": now.random})
        content = io.BytesIO()
        np.savez(content, rest=np.array(rest), **arrays)
        try:
            self._keep(content.getvalue(), len(now.rows))
        except OSError as error:
            log.warning("The training could not be backed up: %s", error)
        self._written = time.monotonic()
        self._pause = max(self.every, min(LONGEST_PAUSE, (self._written - started) / SHARE)) if self.every else 0.0

    def _keep(self, content: bytes, epochs: int):
        """Writes the content of the file. epochs: how many have been trained. May raise OSError."""
        write_atomically(self.path, content)

    def load(self) -> TrainingState | None:
        """The latest state, or None if it is missing or damaged, so that the training starts over."""
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                rest = json.loads(str(arrays["rest"]))
                variables, kept = (_numbered(arrays, name) for name in ("variables", "kept"))
                snapshots = Snapshots.from_arrays({name.removeprefix(_SNAPSHOTS): arrays[name] for name in arrays.files
                                                   if name.startswith(_SNAPSHOTS)})
            return TrainingState([tuple(row) for row in rest["rows"]], variables, kept, rest["progress"], rest["random"],
                                 snapshots)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            log.warning("The backup of a training is damaged, so it starts over: %s", error)
            return None


def _numbered(arrays, name) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}_") for key in arrays.files)
    return [arrays[f"{name}_{i}"] for i in range(count)]
