"""The Runs page in a real browser, with runs that were never trained."""

import os
import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect
from server import App

from forecasting import RECOMMENDED, load_sample
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore
from tests.runs.laboratory import finished_run

pytestmark = pytest.mark.browser
ROW, CHOOSE, STAR, RMSE = 35, 21, 63, 225  # heights of rows and middles of columns of the table, in pixels


@pytest.fixture(scope="module")
def runs_app(tmp_path_factory):
    """The app on a store with four runs; their ids are `ids`, with RMSEs of 3, 1, 2 and 4."""
    home = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECASTING_HOME", str(home))
        ledger, history = RunLedger(), load_sample()
        app = App(home)
        app.ids = [finished_run(ledger, history, replace(RECOMMENDED, window=10 + i), rmse=rmse, name=f"window {10 + i}")
                   for i, rmse in enumerate((3.0, 1.0, 2.0, 4.0))]
        yield app.start()
        app.stop()


def store_of(app):
    assert os.environ["FORECASTING_HOME"] == str(app.home)
    return RunStore()


def click_cell(page, row, x):
    """row: counts from 0; -1 for the header"""
    box = page.get_by_test_id("stDataFrame").bounding_box()
    page.mouse.click(box["x"] + x, box["y"] + ROW * (row + 1) + ROW / 2)


def open_runs(page, app, query=""):
    page.goto(f"{app.url}/Runs{query}")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_text("4 runs", exact=True)).to_be_visible()
    page.get_by_test_id("stDataFrame").locator("canvas").first.wait_for()


def test_runs_are_sorted_starred_chosen_noted_deleted_and_brought_back(runs_app, visitor):
    store, (three, one, two, four) = store_of(runs_app), runs_app.ids
    open_runs(visitor, runs_app)
    click_cell(visitor, -1, RMSE)  # the browser sorts by RMSE
    click_cell(visitor, 0, STAR)
    visitor.wait_for_timeout(500)
    click_cell(visitor, 0, CHOOSE)
    expect(visitor).to_have_url(re.compile(f"compare={one}"))
    assert [store.get(run_id).starred for run_id in runs_app.ids] == [False, True, False, False]

    # One run is chosen: its note is written, and outlives a reload.
    note = visitor.get_by_label("Note")
    note.fill("The best so far")
    note.press("Control+Enter")
    visitor.get_by_label("Name").click()
    visitor.wait_for_timeout(1000)
    visitor.reload()
    expect(visitor.get_by_label("Note")).to_have_value("The best so far")
    assert store_of(runs_app).get(one).note == "The best so far"

    # Two are chosen, in a table that is sorted again.
    click_cell(visitor, -1, RMSE)
    click_cell(visitor, 1, CHOOSE)
    expect(visitor).to_have_url(re.compile(f"compare={one}(,|%2C){two}"))
    expect(visitor.get_by_text("2 runs chosen")).to_be_visible()
    # At once, while the comparison is still being drawn and the table answers the edit with a request of its own.
    visitor.get_by_role("button", name="Clear the choice").click()
    expect(visitor).not_to_have_url(re.compile("compare="))

    # Deleted, and brought back by Undo; the other choice of the address comes back with it.
    open_runs(visitor, runs_app, f"?compare={four}")
    visitor.get_by_role("button", name="Delete", exact=True).click()
    expect(visitor.get_by_text("3 runs", exact=True)).to_be_visible()
    visitor.get_by_role("button", name="Undo").click()
    expect(visitor.get_by_text("4 runs", exact=True)).to_be_visible()
    assert {run.id for run in store_of(runs_app).list()} == {one, two, three, four}
