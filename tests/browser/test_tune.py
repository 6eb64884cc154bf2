"""A search in the browser: started, reloaded, stopped, continued on a larger budget, and its winner used."""

import re

import pytest
from playwright.sync_api import expect
from steps import choose_preset, open_page

pytestmark = pytest.mark.browser
DONE = 240_000  # milliseconds for trials, finalists and tests


def fill(page, label, value):
    field = page.get_by_role("spinbutton", name=label, exact=True).first
    field.fill(str(value))
    field.press("Enter")


def press(page, name):
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    button.click()


def test_a_search_survives_a_reload_a_stop_and_goes_on_to_its_winner(visitor, app):
    open_page(visitor, app.url, "Tune")
    choose_preset(visitor, "Quick look")
    expect(visitor.get_by_role("button", name="Start the search")).to_be_enabled()
    for name in ("Window", "Units", "Layers"):  # the learning rate is left, so that hardly anything has to be compiled
        visitor.get_by_role("button", name=f"Remove {name}", exact=True).click()
        expect(visitor.get_by_role("button", name=f"Remove {name}", exact=True)).to_have_count(0)
    fill(visitor, "Trials", 40)
    press(visitor, "Start the search")
    expect(visitor.get_by_text(re.compile("[1-9] of 40 trials"))).to_be_visible(timeout=DONE)
    visitor.reload()
    expect(visitor.get_by_text(re.compile("[1-9] of 40 trials"))).to_be_visible()
    press(visitor, "Stop")
    stopped = visitor.get_by_text(re.compile("Stopped · \\d+ of 40 trials"))
    expect(stopped).to_be_visible(timeout=DONE)
    tried = int(re.search(r"(\d+) of 40", stopped.inner_text()).group(1))
    fill(visitor, "Trials", tried + 2)
    press(visitor, "Go on with this budget")
    expect(visitor.get_by_text(re.compile(f"Done · {tried + 2} of {tried + 2} trials"))).to_be_visible(timeout=DONE)
    expect(visitor.locator("strong").filter(has_text="beats Recommended")).to_be_visible()
    press(visitor, "Use the winner's settings")
    expect(visitor.get_by_test_id("stAlert")).to_have_count(0)
