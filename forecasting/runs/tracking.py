"""Access to MLflow: its address, one client per process, and its errors translated into sentences.

By default MLflow keeps its records in SQLite under `home()`; `MLFLOW_TRACKING_URI` names a server instead. MLflow can
stall its caller for minutes (a locked file, a server that is gone), so `Tracking` bounds how long a caller waits.
Importing MLflow takes one to two seconds: nothing here does so before the first call.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path

from forecasting.errors import RunError, StoreUnavailable
from forecasting.paths import home, is_full, no_room

__all__ = ["EXPERIMENT", "Tracking", "home_id", "is_local", "place", "store_name", "tracking_uri", "writing"]

EXPERIMENT = "lstm-price-forecasts"
DATABASE = "runs.db"
CONNECT_SECONDS = 30.0  # importing MLflow and making its tables included
SERVER_SECONDS = 10.0  # the same for a server, which has its tables
FORGET_FAILURE = 4.0  # seconds for which a server that could not be reached is not asked again

log = logging.getLogger(__name__)

# MLflow reads these when it is imported or called. The person's own values win.
for _name, _value in {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
                      "MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_LOGGING_LEVEL": "WARNING"}.items():
    os.environ.setdefault(_name, _value)


@contextmanager
def writing():
    """Turns disk errors in its block into StoreUnavailable."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise _no_room(str(home())) from error
        raise StoreUnavailable(f"The files of runs cannot be read or written: {error}. Give yourself the permission to write "
                               "there, or set FORECASTING_HOME to another folder.", reason="its files cannot be written"
                               ) from error


def _no_room(where: str) -> StoreUnavailable:
    return StoreUnavailable(f"There is no room in {where}. Free up space there; trainings go on and are saved as soon as there "
                            "is room.", reason=f"no room in {where}")


def is_local() -> bool:
    """Whether runs are kept on this machine, under `home()`."""
    return not os.environ.get("MLFLOW_TRACKING_URI")


def tracking_uri() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / DATABASE}"


def store_name() -> str:
    """The store in words, for sentences about it; without the password that a URI may carry."""
    if is_local():
        return str(home() / DATABASE)
    return _without_password(tracking_uri())


def place() -> dict[str, str]:
    """The environment variables that lead another process, perhaps on another machine, to this store."""
    return {"FORECASTING_HOME": str(home())} if is_local() else {"MLFLOW_TRACKING_URI": tracking_uri()}


def home_id() -> str:
    """Distinguishes the runs of this home from others' on the same MLflow server."""
    with writing():
        file = home() / "id"
        if not file.exists():
            draft = file.with_name(f"id.{uuid.uuid4().hex}")
            draft.write_text(uuid.uuid4().hex)
            try:
                os.link(draft, file)  # fails if another process was first; its id then counts
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return file.read_text()


class Tracking:
    """MLflow's client, with a time limit on every call.

    patience: seconds that a call may take before it raises StoreUnavailable, or None to wait as long as MLflow does.
        The request may still be carried out after that.
    """

    def __init__(self, patience: float | None = None):
        self.patience = patience

    def call(self, method: str, *args, **kwargs):
        """The answer of MlflowClient's `method`. Raises StoreUnavailable where there is none, and RunError for a run
        that does not exist."""
        return self._in_time(_call, method, args, kwargs)

    def select(self, *queries: tuple[str, Sequence]) -> list[list[tuple]]:
        """The rows of each SQL query, with its values, on the local database; all of them as of the same moment."""
        return self._in_time(_select, queries)

    def erase(self, run_id: str):
        """Removes a run from the local database for good, as `mlflow gc` does."""
        return self._in_time(_erase, run_id)

    def _in_time(self, function, *args):
        uri = tracking_uri()
        self._connection(uri)
        if self.patience is None:
            return function(uri, *args)
        answer = _pool().submit(function, uri, *args)
        try:
            return answer.result(timeout=self.patience)
        except WaitedTooLong:
            answer.cancel()  # in case it has not begun, so that other callers get their turn
            raise StoreUnavailable(
                f"The store of runs ({store_name()}) did not answer in time. Another program may have locked it, or its "
                "server may be down. Trainings continue; try again in a moment.") from None

    def check(self):
        """Raises StoreUnavailable unless the store can be read and, if it is local, written."""
        self.call("get_experiment", self.experiment)
        if is_local():
            if no_room():
                raise _no_room(str(home()))
            self._in_time(_lock_once)

    def connect(self):
        """Loads MLflow and opens the store ahead of the first call. Raises StoreUnavailable."""
        self._connection(tracking_uri())

    @property
    def experiment(self) -> str:
        """The id of the experiment that holds all runs of this app."""
        return self._connection(tracking_uri())[1]

    def _connection(self, uri: str) -> tuple:
        if uri in _connections or self.patience is None:
            return _connect(uri)
        patience = CONNECT_SECONDS if is_local() else SERVER_SECONDS
        connection = _pool().submit(_connect, uri)
        try:
            return connection.result(timeout=patience)
        except WaitedTooLong:
            connection.cancel()
            raise StoreUnavailable(
                f"The store of runs ({store_name()}) could not be opened in {patience:.0f} s. Check that its "
                "folder can be written, or that its server is up.") from None


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=16, thread_name_prefix="run-store")


_connecting = threading.Lock()
_connections: dict[str, tuple] = {}
_failures: dict[str, tuple[float, str]] = {}  # {server's URI: (when the last attempt ended, why it failed)}


def _connect(uri: str) -> tuple:
    """(client, experiment id) for `uri`, made once a process."""
    if uri in _connections:
        return _connections[uri]
    with _connecting:
        if uri not in _connections:
            if is_local():
                _translated(_make_database, home() / DATABASE)
                _connections[uri] = _translated(_open, uri)
            else:
                _connections[uri] = _reach(uri)
        return _connections[uri]


def _reach(uri: str) -> tuple:
    """`_open` for a server. Callers that waited while another one failed get the same error immediately."""
    from mlflow.exceptions import MlflowException

    ended, reason = _failures.get(uri, (-FORGET_FAILURE, ""))
    if time.monotonic() - ended < FORGET_FAILURE:
        raise StoreUnavailable(reason)
    try:
        return _translated(_open, uri)
    except StoreUnavailable as error:
        _failures[uri] = (time.monotonic(), str(error))
        raise
    except (MlflowException, ImportError, ValueError) as error:
        raise StoreUnavailable(f"MLFLOW_TRACKING_URI names no store of runs that can be used: {_first_line(error)}. "
                               f"Received: {store_name()}. Give the address of an MLflow server, e.g. "
                               "http://127.0.0.1:5000, or unset it to keep runs on this machine.") from error


def _open(uri: str, artifacts: str | None = None) -> tuple:
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        try:
            return client, client.create_experiment(EXPERIMENT, artifact_location=artifacts)
        except MlflowException:
            found = client.get_experiment_by_name(EXPERIMENT)  # another process made it meanwhile
            if found is None:
                raise
    return client, found.experiment_id


def _make_database(file: Path):
    """Checks the database, or creates it. MLflow's own creation of its tables must not run twice at once, as when the app and
    its engine start together, and leaves a broken database if it is killed halfway."""
    from locket import LockError, lock_file

    try:
        with lock_file(str(file.with_suffix(".lock")), timeout=CONNECT_SECONDS):
            if _is_usable(file):
                return
            draft = file.with_suffix(f".{uuid.uuid4().hex}")
            _open(f"sqlite:///{draft}", (file.parent / "artifacts").as_uri())
            os.replace(draft, file)
    except LockError:
        raise StoreUnavailable(f"Another program has been creating the store of runs ({file}) for "
                               f"{CONNECT_SECONDS:.0f} s. Try again in a moment.") from None


def _is_usable(file: Path) -> bool:
    """Whether there is a database. Raises StoreUnavailable for one that MLflow would retry for over a minute, or silently
    replace with a new one."""
    advice = "Close the program that uses it, or move the file away to start with no runs."
    if not os.access(file.parent, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise StoreUnavailable(f"The store of runs ({file}) cannot be written. Give yourself write permission there, "
                               "or set FORECASTING_HOME to another folder.")
    if not file.exists() or file.stat().st_size == 0:
        if any((file.parent / "artifacts").glob("*")):
            raise StoreUnavailable(f"The store of runs ({file}) is empty or gone, although there are files of earlier "
                                   "runs. Restore it from a copy, or move the folder 'artifacts' beside it away to "
                                   "start with no runs.")
        return False
    try:
        # Not read-only, because opening a database that was being written during a crash has to roll it back.
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=3)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"The store of runs ({file}) cannot be read: {error}. {advice}") from error
    return True


# MLflow's error codes that cannot be caused by a bad request of ours.
_NOT_OURS = ("TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "BAD_REQUEST", "REQUEST_LIMIT_EXCEEDED", "PERMISSION_DENIED",
             "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "ENDPOINT_NOT_FOUND", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED")


def _call(uri, method, args, kwargs):
    client, _ = _connect(uri)
    return _translated(getattr(client, method), *args, **kwargs)


def _select(uri, queries):
    return _translated(_rows, home() / DATABASE, queries)


def _rows(file: Path, queries):
    # Not read-only, for the same reason as in `_is_usable`.
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, isolation_level=None)) as database:
        database.execute("BEGIN")
        return [database.execute(query, values).fetchall() for query, values in queries]


def _lock_once(uri):
    _translated(_take_lock, home() / DATABASE)


def _take_lock(file: Path):
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=1)) as database:
        database.execute("BEGIN IMMEDIATE")  # what every write begins with
        database.execute("ROLLBACK")


def _erase(uri, run_id):
    client, _ = _connect(uri)
    _translated(client._tracking_client.store._hard_delete_run, run_id)


def _translated(function, *args, **kwargs):
    """function(...), with MLflow's errors raised as StoreUnavailable or RunError."""
    from mlflow.exceptions import MlflowException

    try:
        return function(*args, **kwargs)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise RunError(f"This run is not in {store_name()}. Pick another one on the Runs page.") from error
        if error.error_code in _NOT_OURS:
            log.warning("The store of runs failed: %s", _without_password(str(error)))
            raise _unavailable(error) from error
        raise
    except (OSError, sqlite3.Error) as error:
        raise _unavailable(error) from error


# What databases and servers say, in their own words, and what that means to a person.
_MEANINGS = {
    "is locked": "another program has locked it",
    "disk I/O error": "its files cannot be read or written",
    "unable to open database": "its files cannot be read or written",
    "readonly database": "its files cannot be written",
    "malformed": "it is damaged",
    "not a database": "it is damaged",
    "failed with exception": "its server does not answer",  # urllib3's page-long message about connections and retries
    "Connection refused": "its server does not answer",
    "Max retries exceeded": "its server does not answer",
}
_FULL_DISK = ("disk is full", "No space left", "disk quota", "Disk quota")


def _unavailable(error: BaseException) -> StoreUnavailable:
    """The error of a store in words."""
    said = str(error)
    if any(words in said for words in _FULL_DISK) or (isinstance(error, OSError) and is_full(error)) or (
            is_local() and no_room()):
        return _no_room(str(home()) if is_local() else f"the store of runs ({store_name()})")
    meaning = next((meaning for words, meaning in _MEANINGS.items() if words in said), None) or _first_line(error)
    return StoreUnavailable(f"The store of runs ({store_name()}) cannot be used just now: {meaning}. Trainings go on and are "
                            "saved once it can. Check its disk or its server, or wait a moment.",
                            reason=f"the store of runs cannot be used ({meaning})")


# Words of the libraries between us and the database, which mean nothing to a person.
_FOREIGN = re.compile(r"sqlalche|autoflush|this session|\[sql|sqlite3?\.|psycopg|pymysql|traceback", re.IGNORECASE)


def _first_line(error: BaseException) -> str:
    if "failed with exception" in str(error):
        return _MEANINGS["failed with exception"]
    words = str(error).strip().split("\n", 1)[0]
    return "its database failed; the log has the details" if _FOREIGN.search(words) else (
        _without_password(words)[:200].rstrip(". "))


def _without_password(text: str) -> str:
    return re.sub(r"://[^/@\s]*@", "://", text)
