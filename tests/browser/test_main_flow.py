"""The whole path in a real browser: prices, training, scores, download."""

import numpy as np
import pandas as pd
import psutil
import pytest
from playwright.sync_api import expect
from server import App
from steps import (
    POINTS,
    check_report,
    check_scores,
    choose_preset,
    curve_points,
    download_predictions,
    download_zip,
    epoch,
    metric,
    open_page,
    press_stop,
    press_train,
    run_id,
    start_long_training,
    upload,
)

from tests.yahoo import YahooStandIn

pytestmark = pytest.mark.browser


def test_sample_is_trained_followed_stopped_and_downloaded(app, visitor, browser):
    open_page(visitor, app.url)
    expect(visitor.get_by_text("Quandl WIKI").first).to_be_visible()
    start_long_training(visitor, app.url)
    first = epoch(visitor)
    started = run_id(visitor)

    # The chart moves by itself.
    seen = curve_points(visitor)
    visitor.wait_for_function(f"seen => ({POINTS})() > seen", arg=seen, timeout=60_000)

    # A slider moved, another page, a reload and another browser: the same training goes on.
    visitor.get_by_test_id("stSidebar").get_by_role("slider", name="Epochs").press("ArrowLeft")
    expect(visitor.get_by_text("trained with other settings")).to_be_visible()
    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Data").click()
    expect(visitor.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Train").click()
    assert epoch(visitor, first + 1) > first
    visitor.reload()
    later = epoch(visitor, first + 1)
    assert run_id(visitor) == started
    other = browser.new_context().new_page()
    other.goto(visitor.url)
    assert epoch(other, later) >= later
    assert run_id(other) == started

    press_stop(visitor)
    expect(visitor.get_by_text("This training was stopped")).to_be_visible(timeout=30_000)
    check_scores(visitor, download_predictions(visitor))
    expect(other.get_by_text("This training was stopped")).to_be_visible(timeout=30_000)
    other.context.close()


@pytest.mark.parametrize("reload", [False, True])
def test_stop_takes_the_first_click_also_after_a_reload(app, visitor, reload):
    start_long_training(visitor, app.url)
    epoch(visitor)
    if reload:
        visitor.reload()
        expect(visitor.get_by_role("button", name="Stop", exact=True)).to_be_enabled(timeout=30_000)
    press_stop(visitor)
    expect(visitor.get_by_text("This training was stopped")).to_be_visible(timeout=30_000)


def test_uploaded_file_is_trained_to_the_end_and_taken_home(app, visitor, browser, tmp_path):
    rng = np.random.default_rng(5)
    days = pd.bdate_range("2020-01-01", periods=400)
    frame = pd.DataFrame({"Date": days, "Close": (50 + np.cumsum(rng.normal(0, 1, 400)) / 4 + 20).round(3)})
    path = tmp_path / "my prices.csv"
    frame.iloc[::-1].to_csv(path, index=False)

    open_page(visitor, app.url)
    upload(visitor, path.name, path.read_bytes())
    expect(visitor.get_by_text("my prices").first).to_be_visible()
    expect(visitor.get_by_text("newest", exact=False).first).to_be_visible()
    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Train").click()
    choose_preset(visitor, "Quick look")
    press_train(visitor)
    downloaded = _wait_and_download(visitor)
    assert downloaded["Date"].iloc[-1] == f"{days[-1]:%Y-%m-%d}"
    np.testing.assert_allclose(downloaded["Actual"].iloc[-1], frame["Close"].iloc[-1])

    # Taken home: the report opens without a network, and the zip opens as a run.
    home = download_zip(visitor, tmp_path)
    check_report(browser, home / "report.html")
    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Runs").click()
    expect(visitor.get_by_text("Open a run from its zip")).to_be_visible()
    visitor.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(home / "run.zip")
    expect(visitor.get_by_text("opened from a file")).to_be_visible(timeout=60_000)
    check_scores(visitor, downloaded)


def _wait_and_download(page):
    metric(page, "RMSE")
    downloaded = download_predictions(page)
    check_scores(page, downloaded)
    return downloaded


@pytest.fixture(scope="module")
def yahoo():
    with YahooStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def connected_app(tmp_path_factory, yahoo):
    running = App(tmp_path_factory.mktemp("connected"), yahoo.environment()).start()
    yield running
    running.stop()


def test_ticker_is_fetched_trained_and_outlives_an_outage(connected_app, yahoo, visitor, browser):
    open_page(visitor, connected_app.url)
    visitor.get_by_role("radio", name="Ticker").click()
    _fetch(visitor, "MSFT")
    line = visitor.get_by_test_id("stCaptionContainer").filter(has_text="Yahoo Finance (NasdaqGS)")
    expect(line).to_be_visible(timeout=30_000)
    expect(line).to_contain_text("USD")
    last_price = visitor.get_by_test_id("stMetric").filter(has_text="Last price")
    fetched = last_price.inner_text()

    _fetch(visitor, "NOSUCH")
    alert = visitor.get_by_test_id("stAlert")
    expect(alert.filter(has_text="NOSUCH")).to_be_visible(timeout=60_000)
    assert last_price.inner_text() == fetched

    # Another person asks for another period in an outage: why it failed, and the last good copy with its age.
    yahoo.fail("hang_up")
    other = browser.new_context().new_page()
    open_page(other, connected_app.url)
    other.get_by_role("radio", name="Ticker").click()
    other.get_by_role("combobox", name="Period").click()
    other.get_by_role("option", name="5 years", exact=True).click()
    _fetch(other, "MSFT")
    expect(other.get_by_test_id("stAlert").filter(has_text="Yahoo")).to_be_visible(timeout=60_000)
    expect(other.get_by_test_id("stExpander").filter(has_text="What was done while reading")).to_contain_text(
        "This is a copy, fetched from Yahoo")
    assert other.get_by_test_id("stMetric").filter(has_text="Last price").inner_text() == fetched
    other.context.close()
    yahoo.fail(None)

    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Train").click()
    choose_preset(visitor, "Quick look")
    press_train(visitor)
    _wait_and_download(visitor)


def _fetch(page, symbol):
    page.get_by_label("Ticker").last.fill(symbol)
    page.get_by_role("button", name="Fetch").click()


@pytest.fixture
def mortal_app(tmp_path):
    running = App(tmp_path / "home").start()
    yield running
    running.stop()


def test_killing_the_app_ends_everything_it_started_and_the_next_start_tells_the_truth(mortal_app, visitor):
    start_long_training(visitor, mortal_app.url)
    epoch(visitor)
    address = visitor.url
    started = psutil.Process(mortal_app.process.pid).children(recursive=True)
    assert len(started) >= 3  # the engine and two workers at the least
    mortal_app.process.kill()
    mortal_app.process.wait()
    _, alive = psutil.wait_procs(started, timeout=15)
    assert not alive

    mortal_app.start()
    visitor.goto(address)
    expect(visitor.get_by_role("button", name="Resume")).to_be_visible(timeout=60_000)
    visitor.get_by_role("button", name="Resume").click()
    epoch(visitor)
    press_stop(visitor)
    check_scores(visitor, download_predictions(visitor))


def test_engine_killed_under_a_watched_run_is_replaced_and_the_page_says_what_became_of_it(mortal_app, visitor):
    start_long_training(visitor, mortal_app.url)
    epoch(visitor)
    app = psutil.Process(mortal_app.process.pid)
    started = app.children(recursive=True)
    engines = [process for process in app.children() if any("engine" in part for part in process.cmdline())]
    assert engines
    for engine in engines:
        engine.kill()
    _, alive = psutil.wait_procs(started, timeout=15)
    assert not alive
    # The run that was watched is told of without a click, and the next one works.
    expect(visitor.get_by_role("button", name="Resume")).to_be_visible(timeout=60_000)
    choose_preset(visitor, "Quick look")
    press_train(visitor)
    _wait_and_download(visitor)


def test_file_that_can_be_read_in_two_ways_is_asked_about(app, visitor, tmp_path):
    days = pd.bdate_range("2021-01-01", periods=300)
    rng = np.random.default_rng(2)
    walks = rng.normal(0, 0.1, (300, 2)).cumsum(axis=0)
    table = pd.DataFrame({"Date": days, "AAA": 20 + walks[:, 0], "BBB": 70 + walks[:, 1]})
    path = tmp_path / "two funds.csv"
    table.to_csv(path, index=False)
    open_page(visitor, app.url)
    upload(visitor, path.name, path.read_bytes())
    visitor.get_by_role("combobox", name="Which").click()
    visitor.get_by_role("option", name="BBB", exact=True).click()
    visitor.get_by_role("button", name="Use this", exact=True).click()
    last = f"{table['BBB'].iloc[-1]:.2f}"
    # While Streamlit replaces one drawing of the page by the next, both may be there for a moment.
    price = visitor.get_by_test_id("stMetric").filter(has_text=f"Last price{last}")
    expect(price.first).to_be_visible()
    expect(price).to_have_count(1)

    # What was uploaded outlives a reload.
    visitor.reload()
    expect(price.first).to_be_visible()
