"""Files uploaded in a real browser: read, asked about, refused, and trained."""

import re

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect
from steps import (
    check_report,
    check_scores,
    choose_preset,
    download_predictions,
    download_zip,
    metric,
    open_page,
    press_train,
    unfold,
    upload,
)

from tests.data.price_files import closes, known, workbook

pytestmark = pytest.mark.browser

PRICES = known(rows=300)
SHEET = [["Date", "Close"], *([day.to_pydatetime(), float(value)] for day, value in PRICES["Close"].items())]


def test_uploaded_file_is_read_trained_and_taken_home(app, visitor, browser, tmp_path):
    """One for all kinds of file: how each is read and shown is in `tests/pages/test_uploads.py`."""
    open_page(visitor, app.url)
    upload(visitor, "my prices.csv", closes(PRICES, form="%m/%d/%Y", reverse=True))
    expect(_metric(visitor, f"Last price{PRICES['Close'].iloc[-1]:.2f}")).to_have_count(1)
    expect(_metric(visitor, "Rows300")).to_have_count(1)
    expect(visitor.get_by_text("my prices").first).to_be_visible()
    expect(visitor.get_by_test_id("stExpander").filter(has_text="What was done while reading")).to_contain_text("newest")
    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Train").click()
    choose_preset(visitor, "Quick look")
    press_train(visitor)
    metric(visitor, "RMSE")
    downloaded = download_predictions(visitor)
    check_scores(visitor, downloaded)
    assert downloaded["Date"].iloc[-1] == f"{PRICES.index[-1]:%Y-%m-%d}"
    expected = PRICES["Close"].reindex(pd.to_datetime(downloaded["Date"]))
    np.testing.assert_array_equal(downloaded["Actual"], expected)

    # Taken home: the report opens without a network, and the zip opens as a run.
    home = download_zip(visitor, tmp_path)
    check_report(browser, home / "report.html")
    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Runs").click()
    expect(visitor.get_by_text("Open a run from its zip")).to_be_visible()
    visitor.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(home / "run.zip")
    expect(visitor.get_by_text("opened from a file")).to_be_visible(timeout=60_000)
    check_scores(visitor, downloaded)


def test_file_waits_for_its_answers_over_a_reload_and_is_read_otherwise_in_the_panel(app, visitor):
    rows = [["Date", "Bid", "Ask"], *([day.to_pydatetime(), float(value), float(value + 0.25)]
                                      for day, value in PRICES["Close"].items())]
    last = PRICES["Close"].iloc[-1]
    open_page(visitor, app.url)
    upload(visitor, "quotes.xlsx", workbook({"One": rows, "Two": SHEET}))
    waits = visitor.get_by_test_id("stAlert").filter(has_text="quotes.xlsx waits for an answer")
    expect(waits).to_be_visible()
    visitor.reload()
    expect(waits).to_be_visible()
    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Train").click()
    expect(waits).to_contain_text("training uses AAPL")
    visitor.get_by_role("link", name="Answer").click()
    _answer(visitor, "Which sheet", "One")
    _answer(visitor, "Which column", "Ask")
    # While Streamlit replaces one drawing of the page by the next, both may be there for a moment.
    expect(_metric(visitor, f"Last price{last + 0.25:.2f}")).to_have_count(1)
    expect(waits).to_have_count(0)

    # The answers stand in the panel, and what was uploaded outlives another reload.
    visitor.reload()
    unfold(visitor, "How this file was read")
    visitor.get_by_role("combobox", name="Price", exact=True).click()
    visitor.get_by_role("option", name="Bid", exact=True).click()
    expect(_metric(visitor, f"Last price{last:.2f}")).to_have_count(1)
    expect(visitor.get_by_text("price: Bid, of 2 possible columns")).to_be_visible()
    visitor.get_by_role("button", name="All automatic").click()
    _answer(visitor, "Which sheet", "Two")
    price = _metric(visitor, f"Last price{last:.2f}")
    expect(price).to_have_count(1)
    expect(visitor.get_by_text("sheet “Two”").first).to_be_visible()
    visitor.reload()
    expect(price.first).to_be_visible()


WITHOUT_PRICES = {
    "page.csv": b"<!DOCTYPE html><html><body><h1>403 Forbidden</h1></body></html>",
    "**bold** <b>x</b>.csv": b"Date,Close\n",
    "data.json": b'{"chart": {"result": null, "error": {"code": "Not Found"}}}',
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
}


def test_file_without_prices_gets_one_sentence_and_loses_nothing(app, visitor):
    for name, data in WITHOUT_PRICES.items():  # in one profile, which need not compile the page's scripts for each again
        open_page(visitor, app.url)
        before = visitor.get_by_test_id("stMetric").filter(has_text="Last price").inner_text()
        upload(visitor, name, data)
        alert = visitor.get_by_test_id("stAlert")
        expect(alert).to_have_count(1)
        expect(alert).not_to_contain_text("Traceback")
        assert alert.locator("strong, b, h1, a").count() == 0, name
        assert visitor.get_by_test_id("stMetric").filter(has_text="Last price").inner_text() == before, name


def _metric(page, text):
    return page.get_by_test_id("stMetric").filter(has_text=re.compile("^" + re.escape(text)))


def _answer(page, question, option):
    page.get_by_role("combobox", name=question).click()
    page.get_by_role("option", name=option, exact=True).click()
    page.get_by_role("button", name="Use this", exact=True).click()
