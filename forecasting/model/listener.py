"""What a training reports its progress to, and asks whether to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from forecasting.model.backup import Backup
    from forecasting.model.training import EpochLog

__all__ = ["SILENT", "STOP_PREDICTING", "Callbacks", "Listener", "OnEpoch", "OnPhase", "ShouldStop"]

OnEpoch: TypeAlias = "Callable[[EpochLog], object] | None"
ShouldStop: TypeAlias = "Callable[[], object] | None"
OnPhase: TypeAlias = "Callable[[str], object] | None"
STOP_PREDICTING = 2  # True, which equals 1, stops the training alone


class Listener:
    """Follows one training. This class ignores everything; subclasses override what they need.

    backup: is offered the state after each epoch; the training resumes from the state it holds, if any
    """

    backup: Backup | None = None

    def phase(self, words: str) -> None:
        """Called with what is being done from now on, in words."""

    def epoch(self, log: EpochLog) -> None:
        """Called after each epoch. The time this takes is not counted."""

    def asked_to_stop(self) -> bool:
        """Called several times a second; once it returns True, training ends and what was learnt is kept."""
        return False

    def asked_to_stop_predicting(self) -> bool:
        """Called between batches of predictions; once it returns True, the result keeps what is predicted by then."""
        return False


SILENT = Listener()


class Callbacks(Listener):
    """A listener made of functions, each of which may be left out.

    should_stop: returns whether to stop the training, and `STOP_PREDICTING` to stop the predicting after it too
    """

    def __init__(self, on_epoch: OnEpoch = None, should_stop: ShouldStop = None, on_phase: OnPhase = None,
                 backup: Backup | None = None):
        self._on_epoch, self._should_stop, self._on_phase, self.backup = on_epoch, should_stop, on_phase, backup

    def phase(self, words: str) -> None:
        if self._on_phase:
            self._on_phase(words)

    def epoch(self, log: EpochLog) -> None:
        if self._on_epoch:
            self._on_epoch(log)

    def asked_to_stop(self) -> bool:
        return bool(self._should_stop and self._should_stop())

    def asked_to_stop_predicting(self) -> bool:
        return bool(self._should_stop and self._should_stop() == STOP_PREDICTING)
