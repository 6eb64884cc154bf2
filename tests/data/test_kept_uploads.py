"""Uploaded files on disk: kept once, for a week, so many and so large at most, and for their owner only."""

import os
import time

import pytest

from forecasting import ForecastingError, StoreUnavailable
from forecasting.data import uploads
from forecasting.data.sources import Upload
from forecasting.data.uploads import find_note, keep_note, keep_upload, load_upload, note_for
from forecasting.paths import home

PRICES = Upload("prices.csv", b"Date,Close\n2018-03-27,168.34\n")


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))


def age(name, days):
    then = time.time() - days * 24 * 3600
    os.utime(home() / "uploads" / name, (then, then))


def test_file_and_choices_come_back_as_they_were_kept():
    upload_id = keep_upload("file", PRICES)
    note = keep_note(upload_id, {"column": "Close", "header": 0, "adjusted": False})
    assert find_note(note) == (upload_id, {"column": "Close", "header": 0, "adjusted": False})
    assert load_upload(upload_id) == ("file", {"file": PRICES})


def test_note_about_prices_is_replaced_by_the_next_and_found_by_its_owner_only():
    upload_id, prices = keep_upload("file", PRICES), note_for("a" * 32, "somebody")
    keep_note(upload_id, {}, prices)
    keep_note(upload_id, {"decimal": ","}, prices)
    assert find_note(note_for("a" * 32, "somebody")) == (upload_id, {"decimal": ","})
    assert find_note(note_for("a" * 32, "somebody else")) is None
    assert find_note(note_for("b" * 32, "somebody")) is None


def test_only_their_owner_can_read_the_files():
    upload_id = keep_upload("file", PRICES)
    keep_note(upload_id, {})
    assert (home() / "uploads").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (home() / "uploads").iterdir()} == {0o600}


def test_file_is_kept_once_and_a_week_from_when_it_was_read_last():
    first, second = keep_upload("file", PRICES), keep_upload("file", Upload("second.csv", b"second"))
    age(first, 8)
    age(second, 8)
    assert keep_upload("file", PRICES) == first
    assert {path.name for path in (home() / "uploads").iterdir()} == {first}
    with pytest.raises(ForecastingError, match="not kept any more"):
        load_upload(second)


def test_files_read_longest_ago_make_room_for_new_ones(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 3)
    names = [keep_upload("file", Upload(f"{i}.csv", b"x" * 100)) for i in range(3)]
    for days, name in zip((3, 2, 1), names, strict=True):
        age(name, days)
    load_upload(names[0])  # used again
    fourth = keep_upload("file", Upload("fourth.csv", b"x" * 100))
    assert {path.name for path in (home() / "uploads").iterdir()} == {names[0], names[2], fourth}
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    large = keep_upload("file", Upload("large.csv", b"x" * 900))
    assert {path.name for path in (home() / "uploads").iterdir()} == {large}


def test_note_whose_file_has_gone_is_none():
    upload_id = keep_upload("file", PRICES)
    note = keep_note(upload_id, {})
    (home() / "uploads" / upload_id).unlink()
    assert find_note(note) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"upload": "../../etc/passwd", "choices": {}}', b'{"upload": 1}'])
def test_damaged_note_is_none(content):
    (home() / "uploads").mkdir()
    (home() / "uploads" / f"{'a' * 32}.json").write_bytes(content)
    assert find_note("a" * 32) is None


def test_file_that_cannot_be_written_is_named():
    (home() / "uploads").write_text("in the way")
    with pytest.raises(StoreUnavailable, match=r"prices\.csv cannot be kept"):
        keep_upload("file", PRICES)
