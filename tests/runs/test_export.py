import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from forecasting.runs.export import (
    file_name,
    forecast_csv,
    forecast_file_name,
    predictions_csv,
    predictions_file_name,
    safe_text,
    table_csv,
)

HEADER = "Date,Split,Actual,Predicted,Naive,Lower 80,Upper 80,Lower 95,Upper 95"


def predictions(dates):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(100, 1, (len(dates), 7)), index=pd.DatetimeIndex(dates, name="Date"),
                         columns=["actual", "predicted", "naive", "lower_80", "upper_80", "lower_95", "upper_95"])
    frame.insert(0, "split", ["train", "validation", "test"])
    return frame


def test_predictions_are_written_in_full_precision_with_iso_dates():
    frame = predictions(["2018-03-23", "2018-03-26", "2018-03-27"])
    frame.iloc[0, 3] = np.nan
    text = predictions_csv(SimpleNamespace(predictions=frame)).decode()
    assert text.splitlines()[0] == HEADER
    assert text.splitlines()[1].startswith("2018-03-23,train,")
    back = pd.read_csv(io.StringIO(text), index_col="Date", parse_dates=True)
    assert list(back["Split"]) == ["train", "validation", "test"]
    np.testing.assert_array_equal(back.iloc[:, 1:].to_numpy(), frame.iloc[:, 1:].to_numpy(dtype=float))


def test_times_of_day_are_kept():
    frame = predictions(["2018-03-27 09:30", "2018-03-27 10:30", "2018-03-28 00:00"])
    lines = predictions_csv(SimpleNamespace(predictions=frame)).decode().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["2018-03-27T09:30:00", "2018-03-27T10:30:00",
                                                          "2018-03-28T00:00:00"]


def test_a_forecast_has_its_six_columns():
    frame = predictions(["2018-03-28", "2018-03-29", "2018-04-02"])
    assert forecast_csv(frame).decode().splitlines()[0] == "Date,Predicted,Lower 80,Upper 80,Lower 95,Upper 95"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r=1", "\tx"])
def test_text_that_looks_like_a_formula_gets_an_apostrophe(cell):
    assert safe_text(cell) == "'" + cell


def test_numbers_stay_numbers_and_text_is_made_safe():
    table = pd.DataFrame({"=name": ["=cmd()", "fine"], "value": [-1.5, 0.1 + 0.2]})
    assert table_csv(table).decode() == "'=name,value\n'=cmd(),-1.5\nfine,0.30000000000000004\n"


@pytest.mark.parametrize(("series", "name"), [
    ("AAPL", "AAPL-2018-03-27-predictions.csv"),
    ("../../etc/passwd", "etc-passwd-2018-03-27-predictions.csv"),
    ("BRK-B", "BRK-B-2018-03-27-predictions.csv"),
    ("^GSPC", "GSPC-2018-03-27-predictions.csv"),
    ("", "2018-03-27-predictions.csv"),
    ("a\r\nb: \"c\"", "a-b-c-2018-03-27-predictions.csv"),
])
def test_file_names_are_safe(series, name):
    assert file_name(series, "2018-03-27", "predictions.csv") == name


def test_the_download_of_an_invalid_run_says_so():
    history = SimpleNamespace(name="AAPL", dates=pd.to_datetime(["2018-03-26", "2018-03-27"]))
    result = SimpleNamespace(history=history, config=SimpleNamespace(leak="scaler"))
    assert predictions_file_name(result) == "AAPL-2018-03-27-invalid-predictions.csv"


def test_names_of_windows_devices_are_avoided():
    assert file_name("nul", None, "") == "prices-nul"
    assert file_name("", None, "con.csv") == "prices-con.csv"


def test_downloads_are_named_after_series_and_date():
    history = SimpleNamespace(name="AAPL", dates=pd.to_datetime(["2018-03-26", "2018-03-27"]))
    result = SimpleNamespace(history=history, config=SimpleNamespace(leak=None))
    assert predictions_file_name(result) == "AAPL-2018-03-27-predictions.csv"
    assert forecast_file_name(history) == "AAPL-2018-03-27-forecast.csv"
    assert forecast_file_name(history, as_of="2018-03-26") == "AAPL-2018-03-26-forecast.csv"
