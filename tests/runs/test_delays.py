"""What people are told while nothing can be saved."""

import errno
import os
import sqlite3
import tempfile

import pytest
import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR, TEMPORARILY_UNAVAILABLE

from forecasting import paths
from forecasting.errors import StoreUnavailable
from forecasting.runs import delays, tracking
from forecasting.runs.delays import clear_delay, delay_words, note_delay

RUN = "0" * 32
FOREIGN = ("sqlalchemy", "autoflush", "session", "sqlite3", "operationalerror", "[sql", "psycopg", "pending")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(paths, "PROBE_SECONDS", 0.0)
    return tmp_path


@pytest.fixture
def full(monkeypatch, home):
    """A disk that takes no more: each byte that is written is one too many."""
    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def open_full(*, dir, buffering):
        assert dir == home
        return Full()

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", open_full)
        yield patch


def test_a_disk_with_room_says_nothing_and_is_left_as_it_was(home):
    assert delay_words(RUN) is None
    assert list(home.iterdir()) == []


def test_a_full_disk_is_said_by_whoever_looks_and_the_sentence_leaves_with_it(full, home):
    assert delay_words() == (f"Saving delayed: no room in {home}. Free up space there; what is being computed goes on, and is "
                             "then saved by itself.")
    full.undo()
    assert delay_words() is None


def test_a_full_disk_is_named_as_the_reason_of_what_the_store_cannot_do(full, home):
    words = str(tracking._unavailable(sqlite3.OperationalError("disk I/O error")))
    assert f"no room in {home}" in words


def test_sessions_share_a_look_at_the_disk(monkeypatch):
    monkeypatch.setattr(paths, "PROBE_SECONDS", 60.0)
    paths.no_room()
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert paths.no_room() is None


def test_a_word_that_a_worker_leaves_is_shown_for_its_run_until_it_is_withdrawn_or_old(home, monkeypatch):
    note_delay(RUN, "the store of runs does not answer")
    assert delay_words(RUN).startswith("Saving delayed: the store of runs does not answer. ")
    assert delay_words("1" * 32) is None
    clear_delay(RUN)
    clear_delay(RUN)
    assert delay_words(RUN) is None
    note_delay(RUN, "it is locked")
    monkeypatch.setattr(delays, "FRESH", -1.0)
    assert delay_words(RUN) is None


def said(text, code=TEMPORARILY_UNAVAILABLE):
    def fail():
        raise MlflowException(text, error_code=code)

    return fail


def statement_that_failed():
    """An error that nobody has foreseen, in SQLAlchemy's own words."""
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        try:
            connection.execute(sqlalchemy.text("SELECT * FROM none"))
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from error


@pytest.mark.parametrize(("fail", "words"), [
    (said("(sqlite3.OperationalError) database is locked\n[SQL: SELECT 1]\n(Background on this error at: https://sqlalche.me)"),
     "another program has locked it"),
    (said("(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block if this flush is "
          "occurring prematurely)\n(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT INTO tags VALUES (?)]"),
     "no room in"),
    (said("(sqlite3.OperationalError) disk I/O error\n[SQL: UPDATE runs]"), "files cannot be read or written"),
    (said("This Session's transaction has been rolled back due to a previous exception during flush.", BAD_REQUEST),
     "its database failed"),
    (said("(psycopg2.OperationalError) server closed the connection unexpectedly", INTERNAL_ERROR), "its database failed"),
    (said("API request to http://here failed with exception HTTPConnectionPool: Max retries exceeded", INTERNAL_ERROR),
     "its server does not answer"),
    (statement_that_failed, "its database failed"),
])
def test_no_sentence_has_words_of_the_libraries_below(fail, words):
    with pytest.raises(StoreUnavailable) as failure:
        tracking._translated(fail)
    for sentence in (str(failure.value), failure.value.reason):
        assert words in sentence
        assert not [word for word in FOREIGN if word in sentence.lower()]
