"""The whole path in a real browser: prices, training, scores, download."""

import json
from urllib.parse import urlencode

import psutil
import pytest
from playwright.sync_api import expect
from steps import (
    POINTS,
    check_scores,
    choose_preset,
    curve_points,
    download_predictions,
    epoch,
    metric,
    open_page,
    press_stop,
    press_train,
    run_id,
    start_long_training,
)

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

    # Stop takes the first click, also right after a reload.
    visitor.reload()
    expect(visitor.get_by_role("button", name="Stop", exact=True)).to_be_enabled(timeout=30_000)
    press_stop(visitor)
    expect(visitor.get_by_text("This training was stopped")).to_be_visible(timeout=30_000)
    check_scores(visitor, download_predictions(visitor))
    expect(other.get_by_text("This training was stopped")).to_be_visible(timeout=30_000)
    other.context.close()


def _wait_and_download(page):
    metric(page, "RMSE")
    downloaded = download_predictions(page)
    check_scores(page, downloaded)
    return downloaded


def test_ticker_is_fetched_trained_and_outlives_an_outage(app, yahoo, visitor, browser):
    open_page(visitor, app.url)
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
    open_page(other, app.url)
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


def test_engine_and_app_are_killed_under_a_watched_run_and_the_page_says_what_became_of_it(mortal_app, visitor):
    start_long_training(visitor, mortal_app.url)
    reached = epoch(visitor)
    app = psutil.Process(mortal_app.process.pid)
    started = app.children(recursive=True)
    engines = [process for process in app.children() if any("engine" in part for part in process.cmdline())]
    assert engines
    for engine in engines:
        engine.kill()
    _, alive = psutil.wait_procs(started, timeout=15)
    assert not alive
    # The run that was watched goes on without a click, and the page says why; the next one works too.
    expect(visitor.get_by_text("Attempt 2")).to_be_visible(timeout=60_000)
    epoch(visitor, reached + 3)
    press_stop(visitor)
    expect(visitor.get_by_text("This training was stopped")).to_be_visible(timeout=30_000)
    choose_preset(visitor, "Quick look")
    press_train(visitor)
    _wait_and_download(visitor)

    # The app itself: everything that it started ends with it, and the next start tells the truth.
    start_long_training(visitor, mortal_app.url)
    epoch(visitor)
    address = visitor.url
    started = app.children(recursive=True)
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
    press_stop(visitor)  # it takes the first click here too
    expect(visitor.get_by_text("This training was stopped")).to_be_visible(timeout=30_000)
    check_scores(visitor, download_predictions(visitor))


def test_a_page_that_is_reloaded_right_after_train_follows_the_run(visitor, app):
    settings = json.dumps({"units": [64], "batch_size": 8, "epochs": 1000, "patience": None})
    visitor.goto(f"{app.url}/Train?{urlencode({'settings': settings})}")
    train, stop = (visitor.get_by_role("button", name=name, exact=True) for name in ("Train", "Stop"))
    expect(train).to_be_enabled()
    train.click()
    visitor.wait_for_timeout(200)  # much earlier, the click may not have left the browser
    visitor.reload()
    expect(stop).to_be_enabled(timeout=60_000)
    expect(train).to_be_disabled()
    epoch(visitor)
    press_stop(visitor)
    metric(visitor, "RMSE")
