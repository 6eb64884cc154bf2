import io
from types import SimpleNamespace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from forecasting.runs.export import (
    file_name,
    forecast_csv,
    forecast_file_name,
    forecast_xlsx,
    predictions_csv,
    predictions_file_name,
    predictions_xlsx,
    safe_text,
    table_csv,
    table_xlsx,
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


def forecast(last=168.34, dates=("2018-03-28", "2018-03-29", "2018-04-02")):
    frame = predictions(dates).drop(columns=["split", "actual"]) * last / 100
    return frame.assign(naive=last)


def test_a_forecast_says_its_unit_and_whether_it_is_guarded_beside_the_naive_one():
    lines = forecast_csv(forecast(), "USD", guarded=True).decode().splitlines()
    assert lines[0] == "Date,Predicted,Naive,Lower 80,Upper 80,Lower 95,Upper 95,Currency,Guarded,Combined"
    assert lines[1].split(",")[2] == "168.34"
    assert [line.split(",")[-3:] for line in lines[1:]] == [["USD", "yes", "no"]] * 3
    lines = forecast_csv(forecast(), None, guarded=False, combined=True).decode().splitlines()
    assert [line.split(",")[-3:] for line in lines[1:]] == [["", "no", "yes"]] * 3


@pytest.mark.parametrize(("last", "digits"), [(16547.5, 2), (168.34, 2), (0.009582, 6)])
def test_prices_of_a_forecast_have_the_digits_that_the_page_shows(last, digits):
    frame = forecast(last)
    back = pd.read_csv(io.BytesIO(forecast_csv(frame, "USD", guarded=True)))
    assert back["Predicted"].tolist() == frame["predicted"].round(digits).tolist()
    assert back["Upper 95"].tolist() == frame["upper_95"].round(digits).tolist()
    assert back["Predicted"].tolist() != frame["predicted"].tolist()


def from_xlsx(content):
    return pd.read_excel(io.BytesIO(content))


def from_csv(content):
    return pd.read_csv(io.BytesIO(content), parse_dates=["Date"])


@pytest.mark.parametrize("times", [("2018-03-23", "2018-03-26", "2018-03-27"),
                                   ("2018-03-27 09:30", "2018-03-27 10:30", "2018-03-28 00:00")])
def test_a_workbook_opens_with_real_dates_and_equals_the_csv(times):
    frame = predictions(times)
    frame.iloc[0, 3] = np.nan
    result = SimpleNamespace(predictions=frame)
    back = from_xlsx(predictions_xlsx(result))
    assert back["Date"].tolist() == list(frame.index)
    pd.testing.assert_frame_equal(back, from_csv(predictions_csv(result)), check_dtype=False, rtol=1e-15)
    ahead = forecast(dates=times)
    pd.testing.assert_frame_equal(from_xlsx(forecast_xlsx(ahead, "USD", guarded=True)),
                                  from_csv(forecast_csv(ahead, "USD", guarded=True)), check_dtype=False, rtol=1e-15)
    sheet = openpyxl.load_workbook(io.BytesIO(predictions_xlsx(result))).active
    assert sheet["A2"].is_date
    assert sheet["A2"].value == frame.index[0]
    assert sheet["E2"].value is None


def test_dates_that_excel_does_not_know_are_text():
    frame = predictions(["1871-01-01", "1900-03-01", "2018-03-27"])
    back = from_xlsx(predictions_xlsx(SimpleNamespace(predictions=frame)))
    assert back["Date"].tolist() == ["1871-01-01", "1900-03-01", "2018-03-27"]
    first = from_xlsx(predictions_xlsx(SimpleNamespace(predictions=predictions(["1900-03-01", "1900-03-02", "2018-03-27"]))))
    assert first["Date"].iloc[0] == pd.Timestamp("1900-03-01")
    zoned = pd.DataFrame({"when": pd.to_datetime(["2018-03-27 09:30"]).tz_localize("Europe/Berlin")})
    assert from_xlsx(table_xlsx(zoned)).iloc[0, 0] == "2018-03-27T09:30:00+02:00"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\tx"])
def test_text_of_a_workbook_is_no_formula(cell):
    table = pd.DataFrame({cell: [cell, "fine"], "value": [-1.5, 0.1 + 0.2]})
    sheet = openpyxl.load_workbook(io.BytesIO(table_xlsx(table))).active
    assert [(row[0].data_type, row[0].value) for row in sheet.iter_rows()] == [
        ("s", "'" + cell), ("s", "'" + cell), ("s", "fine")]
    assert [row[1].value for row in sheet.iter_rows()][1:] == pytest.approx([-1.5, 0.1 + 0.2], rel=1e-15)


def test_control_characters_do_not_spoil_a_workbook():
    assert from_xlsx(table_xlsx(pd.DataFrame({"a\x00": ["x\x1by"]}))).to_dict("list") == {"a": ["xy"]}


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
    assert predictions_file_name(result, "xlsx") == "AAPL-2018-03-27-predictions.xlsx"
    assert forecast_file_name(history, guarded=True) == "AAPL-2018-03-27-forecast-guarded.csv"
    assert forecast_file_name(history, guarded=False, as_of="2018-03-26", ending="xlsx") == (
        "AAPL-2018-03-26-forecast-unguarded.xlsx")
    assert forecast_file_name(history, guarded=True, combined=True) == "AAPL-2018-03-27-forecast-combined-guarded.csv"
