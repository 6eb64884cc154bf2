"""What every page has in common: its icon, its address, and that it asks nothing of any other host."""

import http.client
import json
import time
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from steps import curve_points, epoch, press_stop, press_train

pytestmark = pytest.mark.browser
PAGES = ("Data", "Train", "Evaluate", "Forecast", "Tune", "Runs")
# The loss chart: a mark that only this element of the page bears, its range of epochs, and whether a hover is shown.
CHART = """() => {
    const plot = [...document.querySelectorAll('.js-plotly-plot')].find(
        one => (one._fullData || []).some(trace => trace.name === "Validation"))
    plot.mark = plot.mark || Math.random()
    return [plot.mark, plot._fullLayout.xaxis.range.map(Math.round), plot.querySelectorAll('.hoverlayer .legend').length]
}"""


def test_no_page_asks_anything_of_another_host_and_each_has_its_icon(app, visitor):
    """The fixture `visitor` looks at every request."""
    visitor.goto(app.url)
    for name in PAGES:
        visitor.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
        expect(visitor.get_by_role("heading", name=name, exact=True)).to_be_visible()
        # Chromium without a window fetches no icon, so it would not be seen among the requests.
        icons = visitor.evaluate("[...document.querySelectorAll('link[rel~=icon]')].map(link => link.href)")
        assert icons
        assert all(icon.startswith(("data:image/svg+xml", app.url)) for icon in icons)


def test_zoom_and_hover_of_the_loss_chart_stay_while_a_training_goes_on(app, visitor):
    settings = {"units": [16], "window": 30, "batch_size": 16, "epochs": 1000, "patience": None}
    visitor.goto(f"{app.url}/Train?{urlencode({'settings': json.dumps(settings)})}")
    press_train(visitor)
    epoch(visitor, 3)
    expect(visitor.locator(".js-plotly-plot .nsewdrag").first).to_be_visible()
    box = visitor.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    visitor.mouse.move(box["x"] + 10, middle)
    visitor.mouse.down()
    visitor.mouse.move(box["x"] + box["width"] / 4, middle, steps=5)
    visitor.mouse.up()
    visitor.wait_for_function(f"() => ({CHART})()[1][1] < 400")
    visitor.mouse.move(box["x"] + box["width"] / 2 - 3, middle)
    visitor.mouse.move(box["x"] + box["width"] / 2, middle)
    visitor.wait_for_function(f"() => ({CHART})()[2] > 0")
    before, seen = visitor.evaluate(CHART), curve_points(visitor)
    for _ in range(3):
        epoch(visitor, seen + 1)
        visitor.wait_for_function("seen => Math.max(...[...document.querySelectorAll('.js-plotly-plot')].flatMap("
                                  "plot => (plot._fullData || []).map(trace => trace.x.length))) > seen", arg=seen)
        assert visitor.evaluate(CHART) == before
        seen = curve_points(visitor)
    press_stop(visitor)


@pytest.mark.parametrize("length", [40_000, 1_000_000])
def test_an_address_that_is_too_long_gets_a_sentence(app, visitor, length):
    visitor.goto(app.url)
    expect(visitor.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    visitor.goto(f"{app.url}/Train?settings={'a' * length}")
    expect(visitor.get_by_text("address is too long").first).to_be_visible()


def test_a_request_that_is_no_request_is_refused_as_before(app, visitor):
    visitor.goto(app.url)
    expect(visitor.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    started = time.monotonic()
    connection = http.client.HTTPConnection("localhost", app.port, timeout=30)
    connection.putrequest("GET", "/", skip_host=True)  # HTTP/1.1 asks for a host
    connection.endheaders()
    assert connection.getresponse().status == 400
    assert time.monotonic() - started < 5
