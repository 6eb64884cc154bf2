"""The app, and Debian's Chromium to drive it with."""

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright
from server import CHROMIUM_FLAGS, App

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    running = App(tmp_path_factory.mktemp("home")).start()
    yield running
    running.stop()


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
    """A page in a browser profile of its own, 1300 px wide."""
    context = browser.new_context(viewport={"width": 1300, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()
