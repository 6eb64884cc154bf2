"""How the files are shared out among the processes that run them, and what all of them share."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from xdist.scheduler import LoadFileScheduling

from forecasting.model import process
from forecasting.runs import tracking

# Nearly all of a training here is compiling it, which takes half as long for code that is not made fast. TensorFlow reads
# this when it is loaded. Processes that the tests start as the app would are started without it (`as_shipped`); one of
# them is compared with this one (`tests/model/test_process.py`).
os.environ["XLA_FLAGS"] = ("--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
                           "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1")
process.KEPT = 40  # what one test has compiled serves the next one of the same shapes

BROWSER = "tests/browser/"
# Those that take longest come first, so that none of them is left over at the end.
LONGEST = (BROWSER, "tests/runs/test_processes.py", "tests/model/test_process.py", "tests/model/test_training.py",
           "tests/pages/", "tests/model/", "tests/test_result.py")


class OneBrowser(LoadFileScheduling):
    """A file's tests stay together, and so do all of the browser's: they share an app, whose workers load TensorFlow."""

    def _split_scope(self, nodeid):
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return OneBrowser(config, log)


def pytest_collection_modifyitems(items):
    def place(item):
        return next((n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST))

    items.sort(key=place)


def hurry(connection, _):
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="session", autouse=True)
def copied_database(tmp_path_factory):
    """MLflow makes the tables of a new store once, which takes a second; the stores of other data folders begin as a copy.
    Nothing is waited for until it is on the disk: no test cuts the power."""
    make, first = tracking._open, tmp_path_factory.mktemp("database") / "first.db"

    def open_copy(uri, artifacts=None):
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        if not event.contains(Engine, "connect", hurry):
            event.listen(Engine, "connect", hurry)
        if artifacts is None:  # there already
            return make(uri)
        if not first.exists():
            make(f"sqlite:///{first}", "artifacts")
        draft = uri.removeprefix("sqlite:///")
        shutil.copyfile(first, draft)
        with closing(sqlite3.connect(draft)) as database, database:
            changed = database.execute("UPDATE experiments SET artifact_location = ? WHERE name = ?",
                                       (artifacts, tracking.EXPERIMENT))
            assert changed.rowcount == 1
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "_open", open_copy)
        yield
