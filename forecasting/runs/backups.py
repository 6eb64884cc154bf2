"""The backup of a run: a file on the machine that computes it and, where runs are kept on a server, a copy of it there.

Any machine can go on from the copy. It is made on a thread of its own and less often than the file, so that it costs the
training next to nothing; what is lost with a machine is the time since the latest copy.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
import time

from forecasting.errors import RunError
from forecasting.model.backup import Backup, TrainingState
from forecasting.paths import write_atomically
from forecasting.runs.files import backup_file, scratch
from forecasting.runs.tracking import is_local

__all__ = ["RunBackup", "discard_backup"]

SEND_EVERY = 5.0  # seconds between two copies, at least ...
SEND_SHARE = 0.05  # ... and the share of the time that making them may take ...
LONGEST_PAUSE = 30.0  # ... unless the server is so slow that more than this many seconds would lie between two

log = logging.getLogger(__name__)


class RunBackup(Backup):
    """The backup of one run. ledger: the store, with the run's attempt claimed"""

    def __init__(self, ledger, run):
        super().__init__(backup_file(run.id))
        self._ledger, self._run = ledger, run
        self._sent, self._pause_of_copies, self._number = time.monotonic(), SEND_EVERY, 0
        self._sender: threading.Thread | None = None

    def load(self) -> TrainingState | None:
        """The state that has come furthest: this machine's, or that of the copy."""
        state = super().load()
        if is_local():
            return state
        about = self._ledger.backup(self._run.id)
        if about and about["epochs"] > (len(state.rows) if state else 0):
            self._fetch(about)
            state = super().load()
        return state

    def _keep(self, content: bytes, epochs: int):
        super()._keep(content, epochs)
        busy = self._sender is not None and self._sender.is_alive()
        if is_local() or busy or time.monotonic() - self._sent < self._pause_of_copies:
            return
        self._sender = threading.Thread(target=self._send, args=(content, epochs), daemon=True, name=f"backup-{self._run.id}")
        self._sender.start()

    def _send(self, content: bytes, epochs: int):
        started = time.monotonic()
        self._number = 1 - self._number  # two in turn, so that one of them is whole at any time
        name = f"attempt-{self._run.attempt}-{self._number}.npz"
        folder = scratch("backup")
        try:
            (folder / name).write_bytes(content)
            self._ledger.keep_backup(self._run.id, folder / name, {
                "name": name, "epochs": epochs, "sha256": hashlib.sha256(content).hexdigest()})
        except (RunError, OSError) as error:  # the next copy makes up for it
            log.warning("The backup of run %s was not copied to the store: %s", self._run.id, error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._sent = time.monotonic()
        self._pause_of_copies = max(SEND_EVERY, min(LONGEST_PAUSE, (self._sent - started) / SEND_SHARE))

    def _fetch(self, about: dict):
        folder = scratch("backup")
        try:
            content = self._ledger.fetch_backup(self._run.id, about["name"], folder).read_bytes()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if hashlib.sha256(content).hexdigest() == about["sha256"]:
            write_atomically(self.path, content)
        else:
            log.warning("The copy of the backup of run %s is damaged and not used", self._run.id)


def discard_backup(ledger, run_id: str):
    """Removes the backup of a run that has ended, and its copy."""
    backup_file(run_id).unlink(missing_ok=True)
    if not is_local():
        try:
            ledger.drop_backup(run_id)
        except RunError as error:
            log.warning("The backup of run %s was not removed from the store: %s", run_id, error)
