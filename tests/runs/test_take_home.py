"""A run taken home: what the zip holds, its report, and a script and a notebook that give the same RMSE."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import RECOMMENDED, PriceHistory, RunError, load_run, train
from forecasting.runs.bring_back import open_zip
from forecasting.runs.repeat import repeat_notebook, repeat_script
from forecasting.runs.report import html_report
from forecasting.runs.take_home import run_zip, versions
from tests.runs.opened_run import run_without_network

ROOT = Path(__file__).parents[2]
EVIL = "</script><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"
FILES = {"report.html", "predictions.csv", "steps.csv", "curve.csv", "prices.csv", "settings.json", "repeat.py", "repeat.ipynb",
         "forecast.csv", "model.keras"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of a short training."""
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2018-01-01", periods=300)
    close = 100 * np.exp(rng.normal(0, 0.01, 300).cumsum())
    history = PriceHistory(pd.DataFrame({"Close": close, "Volume": np.where(close > 100, close, np.nan)}, index=days),
                           name="=walk", source="made up", currency="USD", notes=("<b>Repaired.</b>",))
    folder = tmp_path_factory.mktemp("run")
    train(history, replace(RECOMMENDED, window=12, horizon=3, units=(4,), epochs=2)).save(folder)
    return folder


@pytest.fixture(scope="module")
def zipped(folder):
    return run_zip(load_run(folder))


def content_of(zipped, name):
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        return archive.read(name)


def test_the_zip_holds_everything_and_is_the_same_each_time(folder, zipped):
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert set(archive.namelist()) == FILES
        assert archive.read("model.keras") == (folder / "model.keras").read_bytes()
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    assert run_zip(load_run(folder)) == zipped


def test_its_tables_are_the_run_in_full_precision(folder, zipped):
    result = load_run(folder)
    prices = pd.read_csv(io.BytesIO(content_of(zipped, "prices.csv")), index_col="Date", parse_dates=True)
    pd.testing.assert_frame_equal(prices, result.history.frame, check_exact=True, check_freq=False, check_index_type=False)
    ahead = pd.read_csv(io.BytesIO(content_of(zipped, "forecast.csv")))
    assert ahead["Predicted"].tolist() == pytest.approx(result.forecast(3, guarded=True)["predicted"].tolist(), abs=0.006)
    assert set(ahead["Guarded"]) == {"yes"}
    said = json.loads(content_of(zipped, "settings.json"))
    assert said["settings"] == result.config.to_dict()
    assert said["scores"] == result.metrics
    assert said["prices"]["fingerprint"] == result.history.fingerprint
    assert {"python", "keras", "tensorflow"} <= said["versions"].keys()


def test_no_cell_of_its_tables_is_a_formula(zipped):
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        for name in archive.namelist():
            if name.endswith(".csv"):
                for row in csv.reader(io.StringIO(archive.read(name).decode())):
                    # A negative number is no formula.
                    assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row)
                    assert all(re.fullmatch(r"-[\d.e+-]+", cell) for cell in row if cell.startswith("-"))


def test_the_zip_of_a_training_comes_back_with_the_same_predictions_and_scores(folder, zipped):
    was, now = load_run(folder), open_zip(zipped)
    pd.testing.assert_frame_equal(now.predictions, was.predictions, check_exact=True)
    assert (now.metrics, now.reasons, now.config, now.linear) == (was.metrics, was.reasons, was.config, was.linear)
    assert now.history.key == was.history.key
    assert now.encoder == was.encoder
    assert now.gate == was.gate
    again = open_zip(run_zip(now))
    assert again.metrics == was.metrics


def test_writing_it_brings_no_tensorflow(folder):
    code = (f"import sys\nfrom forecasting import load_run\nfrom forecasting.runs.take_home import run_zip\n"
            f"from forecasting.runs.bring_back import open_zip\nopen_zip(run_zip(load_run({str(folder)!r})))\n"
            "print([name for name in ('tensorflow', 'keras', 'streamlit') if name in sys.modules])")
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


def test_a_download_that_was_cut_short_is_called_that(zipped):
    for length in (len(zipped) - 1, len(zipped) - 100, len(zipped) // 2):
        with pytest.raises(RunError, match="its end is missing"):
            open_zip(zipped[:length])


# Again


def test_script_and_notebook_give_the_same_rmse_in_a_fresh_folder_and_process(folder, zipped, tmp_path):
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        archive.extractall(tmp_path)
    notebook = json.loads((tmp_path / "repeat.ipynb").read_text(encoding="utf-8"))
    cells = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (tmp_path / "cells.py").write_text("import runpy\nrunpy.run_path('repeat.py')\n" + "\n".join(cells), encoding="utf-8")
    ended = subprocess.run([sys.executable, "cells.py"], capture_output=True, text=True, check=False, cwd=tmp_path,
                           env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert ended.returncode == 0, ended.stderr
    rmse = repr(load_run(folder).metrics["test"]["rmse"])
    assert ended.stdout.splitlines() == [f"Test RMSE now {rmse}, before {rmse}"] * 2


def test_the_script_is_a_dozen_lines_and_holds_nothing_from_outside():
    script = repeat_script(run_without_network(name=EVIL, currency=EVIL))
    code = script.split('"""')[2]
    assert len([line for line in code.splitlines() if line]) <= 12
    assert "alert" not in script
    compile(script, "repeat.py", "exec")


def test_the_script_of_a_stopped_run_stops_where_it_did():
    result = replace(run_without_network(), stopped=True)
    assert "len(epochs) >= 3" in repeat_script(result)
    compile(repeat_script(result), "repeat.py", "exec")


def test_the_notebook_is_valid_nbformat_4():
    notebook = repeat_notebook(run_without_network())
    assert notebook.keys() == {"nbformat", "nbformat_minor", "metadata", "cells"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"].keys() == {"display_name", "language", "name"}
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", one) for one in ids)
    for cell in notebook["cells"]:
        code = cell["cell_type"] == "code"
        assert cell["cell_type"] in ("code", "markdown")
        assert cell.keys() == {"id", "cell_type", "metadata", "source", *(("execution_count", "outputs") if code else ())}
        assert isinstance(cell["source"], str)
        if code:
            compile(cell["source"], cell["id"], "exec")


# The report


def without_plotly(report):
    from plotly.offline import get_plotlyjs

    assert report.count(get_plotlyjs()) == 1
    return report.replace(get_plotlyjs(), "")


def test_the_report_needs_nothing_from_outside(zipped):
    own = without_plotly(content_of(zipped, "report.html").decode())
    assert not re.search(r"https?:|//\w+\.|@import|url\(|<link|<img|src=|href=", own)
    assert "default-src 'none'" in own


def test_the_report_shows_verdict_scores_settings_and_where_the_prices_come_from(folder, zipped):
    own = without_plotly(content_of(zipped, "report.html").decode())
    result = load_run(folder)
    for text in ("naive", "Evidence gate", "What comes next", "Test RMSE", "learning_rate", "batch_size", "tensorflow",
                 result.history.fingerprint, "prefers-color-scheme: dark", "@media print"):
        assert text in own
    assert own.count('role="img"') == 3


def test_the_report_escapes_whatever_comes_from_outside():
    result = run_without_network(name=EVIL, currency=EVIL)
    result = replace(result, history=replace(result.history, source=EVIL, notes=(EVIL,)))
    own = without_plotly(html_report(result, None, versions()))
    assert "alert(1)" in own
    assert "<script>alert" not in own
    assert "<img" not in own
    assert own.count("</script>") == own.count("<script>") == 2


def test_the_report_of_an_invalid_run_says_so_and_forecasts_nothing():
    own = without_plotly(html_report(run_without_network(leak="shuffle"), None, versions()))
    assert "Invalid: it has seen the future" in own
    assert "What comes next" not in own
