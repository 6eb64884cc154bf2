"""One file of each kind, uploaded on the Data page: read, said what was done, and ready to be trained."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.data.price_files import closes, european, known, lines, workbook, zipped

ROOT = Path(__file__).parents[2]
PRICES = known(rows=300)
SHEET = [["Date", "Close"], *([day.to_pydatetime(), float(value)] for day, value in PRICES["Close"].items())]
# kind: (file name, bytes, a note that must be read on the page)
FILES = {
    "csv": ("prices.csv", closes(PRICES, form="%m/%d/%Y", reverse=True), "newest"),
    "tsv": ("prices.tsv", closes(PRICES, form="%d-%b-%y", header="Date\tClose", sep="\t"), None),
    "semicolon": ("kurse.csv", closes(PRICES, form="%d.%m.%Y", header="Datum;Schlusskurs", sep=";", number=european), "day"),
    "pipe": ("prices.txt", closes(PRICES, header="date|price", sep="|"), None),
    "aligned": ("prices.txt", lines(PRICES, lambda day, row: f"{day:%Y-%m-%d}    {row.Close:>12.2f}",
                                    "date               close").encode(), None),
    "utf-16": ("prices.csv", closes(PRICES).decode().encode("utf-16"), None),
    "xlsx": ("prices.xlsx", workbook({"Prices": SHEET}), None),
    "gzip": ("prices.csv.gz", gzip.compress(closes(PRICES)), "gzip"),
    "zip": ("prices.zip", zipped({"inner.csv": closes(PRICES)}), "“inner” was taken out"),
}


@pytest.mark.parametrize("kind", FILES)
def test_file_of_each_kind_is_read_and_ready_to_be_trained(kind):
    name, data, note = FILES[kind]
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.session_state["data_way"] = "File"
    test.run()
    test.file_uploader[0].set_value((name, data, "application/octet-stream")).run()
    assert not test.exception
    assert not test.error
    shown = {metric.label: metric.value for metric in test.metric}
    assert shown["Last price"] == f"{PRICES['Close'].iloc[-1]:.2f}"
    assert shown["Rows"] == "300"
    if note:
        assert any(note.lower() in text.value.replace("\\", "").lower() for text in test.markdown)
    test.switch_page("pages/2_Train.py").run()
    assert not test.exception
    assert not next(button for button in test.button if button.label == "Train").disabled
    history = test.session_state["forecasting"].history
    np.testing.assert_array_equal(history.close, PRICES["Close"])
    assert (history.dates == PRICES.index).all()


def test_file_that_can_be_read_in_two_ways_is_asked_about():
    table = pd.DataFrame({"Date": PRICES.index, "AAA": PRICES["Close"], "BBB": (PRICES["Close"] + 50).round(2)})
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.session_state["data_way"] = "File"
    test.run()
    test.file_uploader[0].set_value(("two funds.csv", table.to_csv(index=False).encode(), "text/csv")).run()
    (asked,) = [box for box in test.selectbox if box.label.startswith("Which")]
    asked.select("BBB").run()
    next(button for button in test.button if button.label == "Use this").click().run()
    assert not test.exception
    shown = {metric.label: metric.value for metric in test.metric}
    assert shown["Last price"] == f"{table['BBB'].iloc[-1]:.2f}"
    np.testing.assert_array_equal(test.session_state["forecasting"].history.close, table["BBB"])


def reloaded(test):
    """The page as a browser shows it after a reload: nothing is left but its address."""
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in test.query_params.items():
        again.query_params[name] = value[0] if isinstance(value, list) else value
    return again.run()


def test_an_upload_that_waits_for_an_answer_is_still_there_after_a_reload():
    table = pd.DataFrame({"Date": PRICES.index, "AAA": PRICES["Close"], "BBB": (PRICES["Close"] + 50).round(2)})
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.session_state["data_way"] = "File"
    test.run()
    test.file_uploader[0].set_value(("two funds.csv", table.to_csv(index=False).encode(), "text/csv")).run()
    again = reloaded(test)
    assert not again.exception
    assert not again.error
    (asked,) = [box for box in again.selectbox if box.label.startswith("Which")]
    asked.select("BBB").run()
    next(button for button in again.button if button.label == "Use this").click().run()
    assert not again.error
    np.testing.assert_array_equal(again.session_state["forecasting"].history.close, table["BBB"])
    assert "asked" not in again.query_params


@pytest.mark.parametrize(("asked", "said"), [("0" * 32, "is not kept any more"), ("../../etc/passwd", "cannot exist")])
def test_an_address_that_asks_about_no_upload_gets_a_sentence(asked, said):
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["asked"] = asked
    test.run()
    assert not test.exception
    assert said in test.error[0].value
    assert test.session_state["forecasting"].history is not None


def test_the_list_of_many_series_is_still_there_after_a_reload():
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.session_state["data_way"] = "File"
    test.run()
    test.switch_page("pages/5_Tune.py")
    test.session_state["tune_tab"] = "Many series"
    test.run()
    test.button(key="many_current").click().run()
    assert not test.exception
    kept = list(test.session_state["forecasting"].basket)
    assert len(kept) == 1
    assert list(reloaded(test).session_state["forecasting"].basket) == kept


def test_an_address_longer_than_the_app_writes_gets_a_sentence():
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["settings"] = "a" * 20_000
    test.run()
    assert not test.exception
    assert "This address is too long" in test.error[0].value
