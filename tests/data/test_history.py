import dataclasses
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from forecasting import DataError, PriceHistory, UnreadableFile, load_sample, read_prices
from forecasting.data.copies import keep_copy, last_copy
from forecasting.data.frequency import TRADING_DAYS
from forecasting.data.history import pack
from forecasting.data.interpretation import Interpretation

DAYS = pd.date_range("2024-01-01", periods=4)


FRAME = pd.DataFrame({"Close": [1.0, 2.0, 3.0, 4.0], "Volume": [5.0, np.nan, 7.0, 8.0]}, index=DAYS)
SAID = {"currency": "USD", "frequency": "every day", "notes": ("a note",), "calendar": "24/7", "alternatives": ("Open", "Bid"),
        "origin": "file",
        "reading": Interpretation(date="Date", column="Bid", options={"column": {"Bid": "Bid", "Open": "Open"}})}


def make(frame, **said):
    return PriceHistory(frame, name="test", source="made up", **said)


def write_as_before(history, folder, **more):
    """Two files, as older versions of the app wrote them."""
    history.frame.to_parquet(folder / "history.parquet")
    (folder / "history.json").write_text(json.dumps(history.description | more))


def with_outlier(rows=200):
    close = 100 + np.random.default_rng(0).normal(0, 0.1, rows)
    close[150] = 10_000.0
    return pd.DataFrame({"Close": close}, index=pd.bdate_range("2020-01-01", periods=rows))


def test_a_history_keeps_the_columns_it_knows_as_floats_under_the_index_date():
    history = make(pd.DataFrame({"Volume": [1, 2, 3, 4], "Close": [5, 6, 7, 8], "Ticker": "A"}, index=DAYS))
    assert list(history.frame) == ["Close", "Volume"]
    assert (history.frame.dtypes == "float64").all()
    assert history.frame.index.name == "Date"
    np.testing.assert_array_equal(history.close, [5.0, 6.0, 7.0, 8.0])


def test_the_frequency_is_inferred_unless_it_is_given():
    frame = pd.DataFrame({"Close": 1.0}, index=pd.date_range("2024-01-01", periods=20, freq="MS"))
    assert make(frame).frequency == "monthly"
    assert make(frame, frequency="irregular").frequency == "irregular"


def test_a_business_month_end_index_does_not_change_what_a_month_end_is():
    history = make(pd.DataFrame({"Close": 1.0}, index=pd.date_range("2024-01-01", periods=9, freq="BME")))
    assert not history.dates.is_month_end.all()


def test_the_frequency_may_be_given_in_words_and_is_kept_in_words():
    history = make(FRAME, frequency="30 minutes")
    assert (history.frequency.unit, history.frequency.step) == ("minute", 30)
    assert history.description["frequency"] == "30 minutes"
    assert json.loads(json.dumps(history.description))["frequency"] == "30 minutes"
    assert make(FRAME, frequency=history.frequency).key == history.key
    with pytest.raises(DataError, match="Received: 'now and then'"):
        make(FRAME, frequency="now and then")


def test_the_days_of_the_week_are_those_of_the_dates_whatever_is_said_of_them():
    days = pd.date_range("2024-01-01", periods=100)
    frame = pd.DataFrame({"Close": 1.0}, index=days[days.day_of_week.isin([6, 0, 1, 2, 3])])
    for given in ("trading days", TRADING_DAYS, ""):
        assert make(frame, frequency=given).frequency.days == (0, 1, 2, 3, 6)
    assert dataclasses.replace(make(frame), frame=frame[frame.index.day_of_week != 6]).frequency.days == (0, 1, 2, 3)


def test_a_history_is_frozen_and_can_be_copied_with_changes():
    history = make(pd.DataFrame({"Close": 1.0}, index=DAYS), notes=["sorted"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        history.name = "other"
    assert dataclasses.replace(history, name="other").notes == ("sorted",)


def test_the_callers_table_is_left_as_it_was():
    frame = pd.DataFrame({"Close": [1, 2, 3, 4]}, index=DAYS)
    make(frame)
    assert frame.index.name is None
    assert frame.index.freq is not None
    assert frame["Close"].dtype == "int64"


@pytest.mark.parametrize(("frame", "reason"), [
    (pd.DataFrame({"Price": 1.0}, index=DAYS), "needs a table with a column 'Close'"),
    (pd.DataFrame({"Close": 1.0}, index=range(4)), "needs naive dates"),
    (pd.DataFrame({"Close": 1.0}, index=DAYS.tz_localize("UTC")), "needs naive dates"),
    (pd.DataFrame({"Close": 1.0}, index=DAYS[::-1]), "must ascend"),
    (pd.DataFrame({"Close": 1.0}, index=DAYS[[0, 0, 1, 2]]), "must ascend"),
    (pd.DataFrame({"Close": [1.0, np.nan, 1.0, 1.0]}, index=DAYS), "needs a finite Close"),
    (pd.DataFrame({"Close": [1.0, np.inf, 1.0, 1.0]}, index=DAYS), "needs a finite Close"),
])
def test_what_is_not_a_history_is_refused(frame, reason):
    with pytest.raises(DataError, match=reason):
        make(frame)


def test_a_fingerprint_names_the_prices():
    frame = pd.DataFrame({"Close": [1.0, 2.0, 3.0, 4.0]}, index=DAYS)
    same, other = make(frame.copy()), make(frame + 1e-9)
    assert make(frame).fingerprint == same.fingerprint != other.fingerprint
    assert make(frame.set_axis(DAYS + pd.Timedelta(days=1))).fingerprint != same.fingerprint


def test_a_saved_history_comes_back_with_all_that_is_said_of_it(tmp_path):
    history = make(FRAME, **SAID)
    history.save(tmp_path / "new" / "folder")
    again = PriceHistory.load(tmp_path / "new" / "folder")
    pd.testing.assert_frame_equal(again.frame, history.frame, check_exact=True)
    assert again.description == history.description
    assert (again.key, again.fingerprint) == (history.key, history.fingerprint)


def test_every_field_is_saved():
    assert make(FRAME, **SAID).description.keys() | {"frame", "known"} == {one.name for one in dataclasses.fields(PriceHistory)}
    assert SAID.keys() | {"frame", "known", "name", "source"} == {one.name for one in dataclasses.fields(PriceHistory)}


def test_a_history_saved_by_an_older_version_still_loads(tmp_path):
    history = make(FRAME, **SAID)
    write_as_before(history, tmp_path, warnings=["Something looks wrong."], said_by="a newer version")
    again = PriceHistory.load(tmp_path)
    assert (again.key, again.description) == (history.key, history.description)
    history.save(tmp_path)
    (tmp_path / "history.json").write_text("{}")
    assert PriceHistory.load(tmp_path).description == history.description


def test_a_history_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    make(FRAME).save(tmp_path)
    before = (tmp_path / "history.parquet").read_bytes()

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("forecasting.paths.os.replace", crash)
    with pytest.raises(KeyboardInterrupt):
        make(FRAME, **SAID).save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["history.parquet"]
    assert (tmp_path / "history.parquet").read_bytes() == before


@pytest.mark.parametrize("damage", [
    lambda folder: (folder / "history.parquet").unlink(),
    lambda folder: (folder / "history.parquet").write_bytes(b""),
    lambda folder: (folder / "history.parquet").write_bytes((folder / "history.parquet").read_bytes()[:-100]),
    lambda folder: (folder / "history.parquet").write_bytes(pack(FRAME, {"name": "no source"})),
    lambda folder: (folder / "history.parquet").write_bytes(
        pack(FRAME + 1, make(FRAME).description | {"fingerprint": make(FRAME).fingerprint})),
    lambda folder: (folder / "history.parquet").write_bytes(pack(FRAME, ["no description"])),
    lambda folder: (folder / "history.parquet").write_bytes(pack(FRAME.drop(columns="Close"), make(FRAME).description)),
    lambda folder: (folder / "history.parquet").write_bytes(pack(FRAME, make(FRAME).description | {"notes": 7})),
    lambda folder: (folder / "history.parquet").write_bytes(pack(FRAME, make(FRAME).description | {"frequency": 7})),
    FRAME.to_parquet,
    lambda folder: [FRAME.to_parquet(folder / "history.parquet"), (folder / "history.json").write_text("{")],
])
def test_a_damaged_folder_is_an_error_in_words(tmp_path, damage):
    make(FRAME, **SAID).save(tmp_path)
    damage(tmp_path / "history.parquet" if damage == FRAME.to_parquet else tmp_path)
    with pytest.raises(UnreadableFile, match="Open or fetch them again"):
        PriceHistory.load(tmp_path)


def test_a_key_names_the_prices_and_what_is_said_of_them_as_it_always_did():
    """Addresses name prices by it, so these two were written down by an earlier version of the app."""
    assert load_sample().key == "051b7ae06c0409f20a1fb5479d6c47f8"
    assert make(FRAME, **SAID).key == "69a3a627686513a822553ebd393cb794"
    keys = {make(FRAME, **SAID | {name: value}).key for name, value in [
        ("currency", "EUR"), ("frequency", "weekly"), ("notes", ()), ("calendar", None), ("alternatives", ())]}
    assert len(keys | {make(FRAME, **SAID).key, make(FRAME + 1, **SAID).key}) == 7


def test_a_kept_copy_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    history, fetched = make(FRAME, **SAID), pd.Timestamp("2024-05-01 12:00", tz="UTC")
    keep_copy(("TEST", "1d"), ("1y",), history, fetched)
    copy, when = last_copy(("TEST", "1d"), ("1y",))
    assert (copy.key, copy.description, when) == (history.key, history.description, fetched)


def test_a_copy_kept_by_an_older_version_is_still_good(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    history, fetched = make(FRAME, **SAID | {"alternatives": ()}), pd.Timestamp("2024-05-01 12:00", tz="UTC")
    keep_copy(("TEST",), ("1y",), history, fetched)
    (file,) = tmp_path.rglob("*.parquet")
    said = history.description | {"warnings": ["Something looks wrong."], "fetched": fetched.isoformat()}
    file.write_bytes(pack(FRAME, {name: value for name, value in said.items() if name != "alternatives"}))
    copy, when = last_copy(("TEST",), ("1y",))
    assert (copy.key, when) == (history.key, fetched)


def test_what_looks_wrong_is_said_whatever_the_source(tmp_path):
    frame = with_outlier()
    made = make(frame)
    (warning,) = made.warnings
    assert "29 Jul 2020" in warning
    assert [problem.sentence for problem in made.problems] == [warning]
    assert made.problems is made.problems  # looked for once
    file = tmp_path / "prices.csv"
    frame.rename_axis("Date").to_csv(file)
    read = read_prices(file)
    made.save(tmp_path)
    for history in (read, PriceHistory.load(tmp_path), pickle.loads(pickle.dumps(made)), dataclasses.replace(made, name="x")):
        assert history.warnings == (warning,)
    assert dataclasses.replace(made, frame=frame.drop(frame.index[150])).warnings == ()
    assert load_sample().warnings == ()
