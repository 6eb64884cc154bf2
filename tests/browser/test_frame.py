"""What every page has in common: its icon, its address, and that it asks nothing of any other host."""

import http.client
import json
import time
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from steps import POINTS, curve_points, epoch, press_stop, press_train

pytestmark = pytest.mark.browser
PAGES = ("Data", "Train", "Evaluate", "Forecast", "Tune", "Runs", "Inside the LSTM")
# The loss chart: a mark that only this element of the page bears, its range of epochs, and which epoch the hover is of.
CHART = """() => {
    const chart = document.querySelector('.live-chart')
    chart.mark = chart.mark || Math.random()
    const hover = chart.querySelector('.hoverlayer').textContent.match(/Epoch [0-9]+/)
    return [chart.mark, chart._fullLayout.xaxis.range, hover && hover[0]]
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
    sent, fetched, faults = [], [], []
    visitor.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sent.append(len(frame))))
    visitor.on("request", lambda request: fetched.append(request.url))
    visitor.on("pageerror", lambda error: faults.append(str(error)))
    settings = {"units": [16], "window": 30, "batch_size": 16, "epochs": 1000, "patience": None}
    visitor.goto(f"{app.url}/Train?{urlencode({'settings': json.dumps(settings)})}")
    press_train(visitor)
    epoch(visitor, 25)
    chart = visitor.locator(".live-chart .nsewdrag")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    middle = box["y"] + box["height"] / 2
    whole = visitor.evaluate(CHART)[1]
    visitor.mouse.move(box["x"] + 2, middle)
    visitor.mouse.down()
    visitor.mouse.move(box["x"] + 90, middle, steps=5)
    visitor.mouse.up()
    zoomed = visitor.evaluate(CHART)[1]
    assert whole[0] <= zoomed[0] < zoomed[1] < 300
    visitor.mouse.move(box["x"] + 150, middle)
    visitor.wait_for_function(f"() => ({CHART})()[2]")
    before, seen = visitor.evaluate(CHART), curve_points(visitor)
    assert before[1] == zoomed
    for _ in range(3):
        visitor.wait_for_function(f"seen => ({POINTS})() > seen", arg=seen, timeout=60_000)
        assert visitor.evaluate(CHART) == before
        seen = curve_points(visitor)
    visitor.mouse.dblclick(box["x"] + 150, middle)
    visitor.wait_for_function(f"whole => ({CHART})()[1].join() === whole.join()", arg=whole)
    press_stop(visitor)
    expect(visitor.get_by_text("This training was stopped")).to_be_visible(timeout=60_000)
    expect(visitor.locator(".live-chart")).to_have_count(0)
    assert len([url for url in fetched if url.endswith("/plotly.min.js")]) == 1
    assert max(sent) < 500_000  # the library is not among what the server sends at each tick
    assert not faults


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
