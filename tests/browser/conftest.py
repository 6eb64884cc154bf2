"""The app, and Debian's Chromium to drive it with."""

import shutil
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright
from server import CHROMIUM_FLAGS, App

from tests.yahoo import YahooStandIn

expect.set_options(timeout=30_000)
WEB = ("http", "https", "ws", "wss")


@pytest.fixture(scope="session")
def yahoo():
    with YahooStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def app(tmp_path_factory, yahoo):
    """One for all tests of the browser, since its workers take long to load TensorFlow. Its tickers come from `yahoo`."""
    running = App(tmp_path_factory.mktemp("home"), yahoo.environment()).start()
    yield running
    running.stop()


@pytest.fixture
def mortal_app(app):
    """The app, for a test that ends it."""
    yield app
    if app.process.poll() is not None:
        app.start()


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium")
    assert path, "The browser tests need Debian's Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield running
        running.close()


@pytest.fixture
def visitor(browser):
    """A page in a browser profile of its own, 1300 px wide. Nothing may be asked of any host but the app's."""
    asked = set()
    context = browser.new_context(viewport={"width": 1300, "height": 1000}, accept_downloads=True)
    context.on("request", lambda request: asked.add(request.url))
    page = context.new_page()
    page.on("websocket", lambda socket: asked.add(socket.url))
    page.set_default_timeout(30_000)
    yield page
    context.close()
    assert {urlsplit(url).hostname for url in asked if urlsplit(url).scheme in WEB} <= {"localhost"}
