"""What trainings that run side by side in one process share: TensorFlow itself, and compiled steps, lent to one at a time."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager

from forecasting.errors import TrainingError

__all__ = ["Pool", "claim_tensorflow"]

_owner = None  # the process that TensorFlow's threads live in


def claim_tensorflow():
    """To be called before TensorFlow computes. Raises TrainingError in a fork of a process that has done so already.

    A fork has TensorFlow's locks but none of its threads, so that its first computation would wait for ever.
    """
    global _owner
    if _owner is None:
        _owner = os.getpid()
    if _owner != os.getpid():
        raise TrainingError(
            "TensorFlow cannot go on in a forked process: it was used before the fork. Received: process "
            f"{os.getpid()}, forked from one in which process {_owner} had started TensorFlow. Start processes by spawn, "
            "as multiprocessing.get_context('spawn') does, or fork before anything is trained or loaded.")


class Pool:
    """Things that take long to make, each lent to one borrower at a time and kept for the next.

    >>> pool = Pool(make=list, kept=2)
    >>> with pool.lend() as first, pool.lend() as second:
    ...     assert first is not second

    make: (*key) -> a thing; kept: how many wait to be borrowed again, at most
    """

    def __init__(self, make, kept: int):
        self._make, self._kept = make, kept
        self._waiting: list[tuple] = []  # (key, thing), the one that was used last at the end
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, *key):
        """One of this key, for the borrower alone until the block ends."""
        with self._lock:
            found = next((pair for pair in reversed(self._waiting) if pair[0] == key), None)
            if found:
                self._waiting.remove(found)
        thing = found[1] if found else self._make(*key)
        try:
            yield thing
        finally:
            with self._lock:
                self._waiting.append((key, thing))
                del self._waiting[: -self._kept]

    def clear(self):
        """Forget what waits."""
        with self._lock:
            self._waiting.clear()
