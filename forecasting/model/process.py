"""What concurrent trainings in one process share: TensorFlow, and compiled steps, each lent to one training at a time."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from contextlib import contextmanager

from forecasting.errors import TrainingError

__all__ = ["KEPT", "Pool", "claim_tensorflow", "load_tensorflow"]

KEPT = 4  # compiled learners that wait for a training of the same shapes

_owner = None  # the process that TensorFlow's threads live in
_loading = threading.Lock()
# What TensorFlow says at its start on every machine without a GPU: that it uses oneDNN, finds no CUDA, could be rebuilt.
_CHATTER = re.compile(rb"(?:WARNING: All log messages before absl|[IW]\d{4} |E\d{4} .*(?:cuda|cuInit|cuDNN|cuBLAS|cuFFT)"
                      rb"|To enable the following instructions)")


def load_tensorflow():
    """Imports TensorFlow without its remarks on stderr; anything else that is written there meanwhile is passed on.

    Call this before the first import of TensorFlow or Keras. It looks for devices too, which is when the last remarks are made.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _loading, _without_chatter():
            import tensorflow as tf

            tf.config.list_physical_devices()


@contextmanager
def _without_chatter():
    """Holds back what is written to stderr, C++ included, and passes it on at the end without `_CHATTER`."""
    try:
        stderr = os.dup(2)
    except OSError:  # closed, as under pythonw
        yield
        return
    try:
        with tempfile.TemporaryFile() as held:
            os.dup2(held.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(stderr, 2)
                held.seek(0)
                for line in held:
                    if not _CHATTER.match(line):
                        os.write(2, line)
    finally:
        os.close(stderr)


def claim_tensorflow():
    """Call this before TensorFlow computes anything. Raises TrainingError in a fork of a process that has already done so.

    A fork has TensorFlow's locks but none of its threads, so its first computation would hang.
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
    """Objects that are slow to make, each lent to one borrower at a time and kept for the next.

    >>> pool = Pool(make=list, kept=2)
    >>> with pool.lend() as first, pool.lend() as second:
    ...     assert first is not second

    make: (*key) -> an object; kept: the most idle objects to keep; is_usable: whether one may be lent again
    """

    def __init__(self, make, kept: int, is_usable=lambda thing: True):
        self._make, self._kept, self._is_usable = make, kept, is_usable
        self._waiting: list[tuple] = []  # (key, object), the most recently used last
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, *key):
        """Lends an object of this key, exclusively until the block ends."""
        with self._lock:
            found = next((pair for pair in reversed(self._waiting) if pair[0] == key), None)
            if found:
                self._waiting.remove(found)
        thing = found[1] if found else self._make(*key)
        try:
            yield thing
        finally:
            with self._lock:
                if self._is_usable(thing):
                    self._waiting.append((key, thing))
                del self._waiting[: -self._kept]

    def clear(self):
        """Drops all idle objects."""
        with self._lock:
            self._waiting.clear()
