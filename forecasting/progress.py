"""What a person at a terminal or notebook sees of a training, and how Ctrl-C ends it: as Stop does, keeping what was learnt."""

from __future__ import annotations

import importlib.util
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from forecasting.model.listener import Listener

__all__ = ["bar", "followed", "is_watched"]

STOP, STOP_PREDICTING = 1, 2  # how many times Ctrl-C has to be pressed; once more gives up on a result


def is_watched() -> bool:
    """Whether somebody sees what is written to stderr: a terminal, or a notebook."""
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def bar(progress: bool | None, **options):
    """A tqdm bar with these options. progress: whether it is shown; None for only where `is_watched`"""
    shown = is_watched() if progress is None else progress
    if shown and _in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm
    else:
        from tqdm import tqdm
    return tqdm(disable=not shown, **options)


@contextmanager
def followed(listener: Listener, progress: bool | None, name: str, epochs: int) -> Iterator[Listener]:
    """A listener that tells `listener` all, and shows a bar of up to `epochs`; until the block ends, Ctrl-C asks it to stop.

    The first Ctrl-C ends the training, the second the predicting after it, a third raises KeyboardInterrupt. Only in the main
    thread, and only where nobody else handles Ctrl-C.
    """
    following = _Following(listener, bar(progress, desc=name, total=epochs, unit="epoch"), name)
    ours = (threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    if ours:
        signal.signal(signal.SIGINT, following.interrupt)
    try:
        yield following
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        following.close()


class _Following(Listener):
    def __init__(self, listener: Listener, shown, name: str):
        self._listener, self._bar, self._name, self._interrupts = listener, shown, name, 0
        self.backup = listener.backup

    def interrupt(self, number, frame):
        self._interrupts += 1
        if self._interrupts > STOP_PREDICTING:
            raise KeyboardInterrupt

    def phase(self, words):
        if not self._bar.disable:
            self._bar.set_description(f"{self._name}, {words}")
        self._listener.phase(words)

    def epoch(self, log):
        if not self._bar.disable:
            self._bar.set_postfix({"loss": f"{log.loss:.4g}", "validation": f"{log.val_loss:.4g}", "best": log.best_epoch},
                                  refresh=False)
            self._bar.update()
        self._listener.epoch(log)

    def asked_to_stop(self):
        return self._interrupts >= STOP or self._listener.asked_to_stop()

    def asked_to_stop_predicting(self):
        return self._interrupts >= STOP_PREDICTING or self._listener.asked_to_stop_predicting()

    def close(self):
        if not self._bar.disable:
            self._bar.total = self._bar.n  # early stopping leaves out the rest
            self._bar.set_description(self._name)
        self._bar.close()


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
