"""Zip files of runs, opened again: whole ones give the same run, any other bytes a sentence."""

import io
import json
import stat
import struct
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecasting import ForecastingError, RunError, load_run
from forecasting.evaluation.judgement import judge
from forecasting.model.skip import Choice
from forecasting.runs import bring_back
from forecasting.runs.bring_back import holds_run, keep_zip, open_zip
from forecasting.runs.ledger import RunLedger
from forecasting.runs.take_home import data_files, pack_files
from tests.runs.opened_run import run_without_network, small_zip

QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def result():
    return run_without_network()


def refused(content, says):
    with pytest.raises(ForecastingError) as refusal:
        open_zip(content)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def edited(result, **changes):
    """Its zip with other settings; 'training__seconds' is 'seconds' within 'training'."""
    said = json.loads(data_files(result)["settings.json"])
    for name, value in changes.items():
        *outer, inner = name.split("__")
        (said[outer[0]] if outer else said)[inner] = value
    return small_zip(result, settings_json=json.dumps(said).encode())


@QUICK
@given(seed=st.integers(0, 1000), horizon=st.integers(1, 4), target=st.sampled_from(["auto", "price", "change"]),
       scale=st.sampled_from([1e-5, 1.0, 1e6]), freq=st.sampled_from(["B", "D", "h", "MS", "37min"]),
       name=st.text(max_size=20), leak=st.sampled_from([None, "shuffle"]))
def test_a_run_that_is_taken_home_comes_back_the_same(seed, horizon, target, scale, freq, name, leak):
    was = run_without_network(100, seed, "".join(filter(str.isprintable, name)), horizon=horizon, target=target, scale=scale,
                              freq=freq, leak=leak)
    now = open_zip(small_zip(was))
    pd.testing.assert_frame_equal(now.predictions, was.predictions, check_exact=True)
    pd.testing.assert_frame_equal(now.curve, was.curve)
    assert (now.metrics, now.reasons, now.config) == (was.metrics, was.reasons, was.config)
    assert (now.history.key, now.best_epoch, now.stopped, now.seconds) == (was.history.key, 2, False, 0.7)
    np.testing.assert_array_equal(now.steps.predicted, was.steps.predicted)
    assert now.gate == was.gate


def test_a_run_without_a_network_says_so_when_it_is_asked_to_forecast(result, tmp_path):
    opened = open_zip(small_zip(result))
    opened.save(tmp_path)
    for one in (opened, load_run(tmp_path)):
        assert not one.has_model
        for ask in (lambda one=one: one.model, lambda one=one: one.forecast(1), lambda one=one: one.refit()):
            with pytest.raises(RunError, match="has no network"):
                ask()
    assert load_run(tmp_path).metrics == result.metrics


def test_scores_are_computed_and_not_believed(result):
    better = json.loads(data_files(result)["settings.json"])["scores"]
    better["test"]["rmse"] = 0.0
    assert open_zip(edited(result, scores=better)).metrics == result.metrics


def test_the_frozen_linear_part_comes_back(result):
    chosen = Choice("flat", 1e-4, 5, 2, (1, 3), others=(Choice("fading", 1e-3, 7, 1, (1, 3), reads=(5, 7)),))
    config = replace(result.config, skip="ridge")
    assert open_zip(small_zip(replace(result, linear=chosen, config=config))).linear == chosen


def test_a_folder_that_was_packed_anew_opens_too(result):
    files = {f"AAPL-run/{name}": content for name, content in data_files(result).items()}
    content = pack_files({"__MACOSX/AAPL-run/._settings.json": b"x", "notes.txt": b"mine", **files})
    assert holds_run(content)
    assert open_zip(content).metrics == result.metrics


def test_a_zip_of_prices_is_no_run():
    assert not holds_run(pack_files({"prices.csv": b"Date,Close\n2020-01-01,1\n"}))
    assert not holds_run(b"Date,Close\n")
    assert not holds_run(b"")


def test_a_network_is_never_read(result, monkeypatch):
    content = pack_files({"model.keras": b"evil", "x.pickle": b"evil", **data_files(result)})
    read, real = [], zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, info: read.append(info.filename) or real(self, info))
    assert not open_zip(content).has_model
    assert sorted(read) == sorted(bring_back.READ)


# Hostile archives


def forged(result, change):
    """Its zip after `change(entry)` of settings.json's."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in data_files(result).items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if name == "settings.json":
                change(entry)
            archive.writestr(entry, content)
    return out.getvalue()


def test_links_and_unusual_packing_are_refused(result):
    refused(forged(result, lambda entry: setattr(entry, "external_attr", (stat.S_IFLNK | 0o777) << 16)), "is a link")
    refused(forged(result, lambda entry: setattr(entry, "compress_type", zipfile.ZIP_LZMA)), "unusual way")


def test_names_that_lead_elsewhere_are_not_followed(result):
    files = data_files(result)
    refused(pack_files({**files, "../settings.json": b"{}", "prices.csv": b""}), "prices.csv")
    elsewhere = pack_files({f"../../etc/{name}": content for name, content in files.items()})
    assert open_zip(elsewhere).metrics == result.metrics  # read in memory: nothing is written anywhere


def test_a_file_that_is_there_twice_is_refused(result):
    out = io.BytesIO(small_zip(result))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("prices.csv", b"Date,Close\n")
    refused(out.getvalue(), "prices.csv is there more than once")


def test_a_missing_file_and_no_run_at_all_are_said(result):
    refused(small_zip(result, steps_csv=None), "steps.csv is missing")
    refused(small_zip(result, settings_json=None), "settings.json is missing")
    refused(b"", "no zip file")
    refused(b"PK\x03\x04" + b"x" * 100, "its end is missing")
    refused(small_zip(result)[:-30], "end is missing")


def bomb(content, size):
    """`content` with a file that claims a size in its directory that it does not have."""
    out = io.BytesIO(content)
    at = content.rfind(b"PK\x01\x02")
    out.seek(at + 24)
    out.write(struct.pack("<L", size))
    return out.getvalue()


@pytest.mark.parametrize("make", [
    lambda result: small_zip(result, settings_json=b"[" * 900_000),
    lambda result: small_zip(result, prices_csv=b"0" * 60_000_000),
    lambda result: small_zip(result, curve_csv=b"epoch,loss,val_loss,seconds\n" + b"," * 2_000_000),
    lambda result: small_zip(result, steps_csv=b"\n".join([b"Origin,Step 1,Step 2,Step 3"] + [b",,,"] * 600_000)),
    lambda result: bomb(small_zip(result), 2**31),
    lambda result: pack_files(dict.fromkeys(map(str, range(20_000)), b"")),
    lambda result: edited(result, settings=dict.fromkeys(map(str, range(50_000)), 1)),
], ids=["nested", "ratio", "wide", "long", "lies", "many", "unknown"])
def test_a_bomb_takes_little_memory(result, make):
    content = make(result)
    tracemalloc.start()
    try:
        with pytest.raises(ForecastingError):
            open_zip(content)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()


# Hostile content


@pytest.mark.parametrize(("change", "says"), [
    ({"format": 2}, "another version"),
    ({"settings": None}, "'settings'"),
    ({"settings__window": "60"}, "window must be"),
    ({"settings__evil": 1}, "Unknown setting"),
    ({"settings__window": 1000}, "Need at least"),
    ({"prices__name": 3}, "'name'"),
    ({"prices__notes": "one"}, "'notes'"),
    ({"prices__frequency": "daily-ish"}, "not usable"),
    ({"prices__calendar": "MARS"}, "not usable"),
    ({"training__best_epoch": 4}, "'best_epoch'"),
    ({"training__seconds": -1}, "'seconds'"),
    ({"training__linear": {"prior": "flat", "penalty": 0.5, "season": 0, "cycles": 0, "steps": [1]}}, "'linear'"),
    ({"training__linear": {"prior": "flat", "penalty": 1.0, "season": 2000, "cycles": 3, "steps": [1]}}, "'linear'"),
])
def test_bad_settings_are_said(result, change, says):
    refused(edited(result, **change), says)


@pytest.mark.parametrize("value", [b'{"format": NaN}', b"\xff", b"[]", b'{"format": 1' + b"0" * 5000 + b"}"])
def test_settings_that_are_no_json_object_are_said(result, value):
    refused(small_zip(result, settings_json=value), "settings.json")


def test_text_from_the_file_is_cleaned(result):
    history = open_zip(edited(result, prices__name="a\x00b\ud800c\u202ed" + "e" * 5000)).history
    assert history.name.startswith("a b c d")
    assert len(history.name) == bring_back.MAX_TEXT
    history.name.encode()


def swapped(result, name, change):
    """Its zip with one table changed: change(list of rows of cells)."""
    rows = [line.split(",") for line in data_files(result)[name].decode().splitlines()]
    change(rows)
    return small_zip(result, **{name.replace(".", "_"): "\n".join(map(",".join, rows)).encode() + b"\n"})


def put(row, column, text):
    return lambda rows: rows[row].__setitem__(column, text)


@pytest.mark.parametrize(("name", "change", "says"), [
    ("predictions.csv", put(0, 1, "Part"), "not the table"),
    ("predictions.csv", put(5, 3, ""), "not the table"),
    ("predictions.csv", put(5, 3, "inf"), "not the table"),
    ("predictions.csv", put(5, 3, "1e300"), "not the table"),
    ("predictions.csv", put(5, 3, "=1+1"), "not the table"),
    ("predictions.csv", put(5, 3, "1\x002"), "not the table"),
    ("predictions.csv", put(5, 0, "2020-01-01T00:00:00+02:00"), "not the table"),
    ("predictions.csv", put(5, 2, "7.5"), "do not belong together"),
    ("predictions.csv", put(5, 0, "2020-01-01"), "do not belong together"),
    ("predictions.csv", lambda rows: rows.pop(), "do not belong together"),
    ("predictions.csv", lambda rows: rows[5].append("1"), "not the table"),
    ("predictions.csv", put(5, 5, "1e9"), "do not hold their predictions"),
    ("steps.csv", put(3, 1, "1.5"), "do not belong together"),
    ("prices.csv", put(50, 1, "-1"), "do not belong together"),
    ("prices.csv", put(5, 0, "2019-01-01"), "must ascend"),
    ("prices.csv", put(1, 0, "0001-01-01"), "years 1678 to 2261"),
    ("prices.csv", lambda rows: rows[0].__setitem__(1, "Evil"), "not the table"),
    ("curve.csv", put(1, 0, "2"), "not the curve"),
    ("curve.csv", put(1, 3, "-2"), "not the curve"),
])
def test_bad_tables_are_said(result, name, change, says):
    refused(swapped(result, name, change), says)


CELLS = st.sampled_from(["", "nan", "inf", "1e308", "-1e250", "1e-320", "0", "-1", "x", "=1", "9999-12-31", "2020-02-30", '"'])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=3),
    st.sampled_from(["price", "XNYS", "monthly", "rsi", 1e308, 10**40, -1, 0.5, ["Close", "rsi"]]))


def opens_or_says_why(content):
    try:
        opened = open_zip(content)
    except ForecastingError:
        return
    judge(opened.predictions, opened.metrics["test"], frequency=opened.history.frequency, leak=opened.config.leak)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_of_a_zip_brings_the_app_down(result, data):
    draw, files = data.draw, data_files(result)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(files)))
        if name == "settings.json":
            said = json.loads(files[name])
            inner = draw(st.sampled_from([said, *(value for value in said.values() if isinstance(value, dict))]))
            inner[draw(st.sampled_from(sorted(inner)))] = draw(VALUES)
            files[name] = json.dumps(said).encode()
        else:
            rows = [line.split(",") for line in files[name].decode().split("\n")]
            row, cell = draw(st.integers(0, len(rows) - 1)), draw(CELLS)
            for cells in rows[1:] if draw(st.booleans()) else [rows[row]]:
                cells[draw(st.integers(0, 20)) % len(cells)] = cell
            files[name] = "\n".join(map(",".join, rows)).encode()
    opens_or_says_why(pack_files(files))


@QUICK
@given(cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20), keep=st.floats(0, 1.5))
def test_no_damage_to_a_zip_brings_the_app_down(result, cuts, keep):
    content = bytearray(small_zip(result))
    for place, value in cuts:
        content[int(place * (len(content) - 1))] = value
    opens_or_says_why(bytes(content[: int(keep * len(content))]))


# In the store


def test_an_opened_run_is_kept_as_one_of_its_own_kind(home, result):
    content, ledger = small_zip(result), RunLedger()
    run_id = keep_zip(content, owner="me")
    run = ledger.get(run_id)
    assert (run.kind, run.state, run.series, run.owner) == ("opened", "finished", "a walk", "me")
    assert (run.epoch, run.epochs, run.best_epoch) == (3, 5, 2)
    assert run.scores["test"]["rmse"] == pytest.approx(result.metrics["test"]["rmse"])
    assert ledger.result(run_id).metrics == result.metrics
    assert ledger.history(run_id).key == result.history.key
    assert ledger.curve(run_id)["val_loss"].tolist() == [2.0, 1.0, 1.5]
    assert not ledger.next_runs(5)  # there is nothing to compute
    assert keep_zip(content, opened=ledger.list(kind="opened")) == run_id  # the same file, so the same run


def test_a_bad_zip_leaves_nothing_in_the_store(home, result):
    before = [run.id for run in RunLedger().list()]
    with pytest.raises(RunError):
        keep_zip(small_zip(result, steps_csv=None))
    assert [run.id for run in RunLedger().list()] == before


@pytest.mark.parametrize(("change", "says"), [
    (lambda table: table.replace(b"1.0", b"9.0"), "not the table"),
    (lambda table: table.replace(b"1.0", b"inf"), "not the table"),
    (lambda table: table.replace(b"1.0", b"0.0"), "not the table"),
    (lambda table: table[: table.rindex(b"\n", 0, -1) + 1], "does not belong"),
    (lambda table: table.replace(b"2020-", b"2021-"), "does not belong"),
])
def test_a_learnt_width_that_no_head_can_have_is_refused(change, says):
    made = run_without_network(width="lstm")
    made = replace(made, factors=np.ones((150, 3)))
    assert (open_zip(small_zip(made)).factors == 1).all()
    refused(small_zip(made, width_csv=change(data_files(made)["width.csv"])), says)
    without = replace(made, config=replace(made.config, width=None))
    refused(small_zip(without), "does not belong")
