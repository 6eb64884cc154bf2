"""Inside the LSTM in a real browser: its forward pass, and the page with three steps of the lesson for each cell."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from forecasting import ForecastConfig, PriceHistory
from forecasting.inside import load_example, memory, what_if
from forecasting.model.cells import CELLS
from forecasting.model.encoding import encode
from forecasting.model.split import split
from forecasting.model.weights import Network
from forecasting.plots import colours
from forecasting.result import rebuild
from pages.components.inside import figure as figure_module
from pages.components.inside.figure import network_data
from pages.components.inside.view import day_name

pytestmark = pytest.mark.browser

ROWS, WINDOW, REACH, HORIZON, UNITS = 160, 9, 14, 3, (5, 4, 3)
TARGETS = dict(zip(CELLS, ("log_return", "change", "price", "auto"), strict=True))  # each is met with one of the cells
FIGURE = "[...document.querySelectorAll('*')].find(node => node.shadowRoot?.insideFigure)?.shadowRoot.insideFigure"


def random_result(cell, target):
    """Three layers, several inputs and steps, and a linear part that looks further back than the window; nothing is trained."""
    rng = np.random.default_rng(5)
    close = 50 * np.exp(rng.normal(0, 0.02, ROWS).cumsum())
    frame = pd.DataFrame({"Close": close, "Volume": rng.lognormal(10, 0.3, ROWS)},
                         index=pd.bdate_range("2020-01-01", periods=ROWS, name="Date"))
    history = PriceHistory(frame, "made up", "random")
    config = ForecastConfig(window=WINDOW, horizon=HORIZON, target=target, features=("Volume", "Close", "day_of_week"),
                            cell=cell, units=UNITS, epochs=1)
    encoder = encode(history, config, split(ROWS, config)).encoder
    kind, inputs, layers = CELLS[cell], len(encoder.channels), []
    for units in UNITS:
        width = len(kind.gates) * units
        bias = (2, width) if kind.recurrent_bias else (width,)
        layers.append(tuple(rng.normal(0, 0.6, shape).astype("float32") for shape in ((inputs, width), (units, width), bias)))
        inputs = units
    head = tuple(rng.normal(0, 0.5, shape).astype("float32") for shape in ((inputs, HORIZON), (HORIZON,)))
    linear = rng.normal(0, 0.1, (REACH, len(encoder.channels), HORIZON)).astype("float32")
    steps = np.tile(close[split(ROWS, config).train_end - 1 :, None], HORIZON)
    return rebuild(history, config, pd.DataFrame({"predicted": close[WINDOW - 1 : -1]}), steps,
                   curve=pd.DataFrame(columns=["epoch", "loss", "val_loss", "seconds"]), best_epoch=0, stopped=False,
                   seconds=0.0, linear=None, _network=Network(kind, tuple(layers), head, linear, WINDOW))


@pytest.mark.parametrize("cell", CELLS)
def test_what_the_browser_computes_is_what_the_server_does_also_after_a_drag(browser, cell):
    result = random_result(cell, TARGETS[cell])
    page = browser.new_page()
    folder = Path(figure_module.__file__).parent
    source = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("network.js", "figure.js"))
    page.add_script_tag(content=source.replace("export ", "").replace("default function (", "function mount(")
                        + "\nwindow.InsideFigure = InsideFigure")
    origin = ROWS - 20
    date = result.history.dates[origin + 1]
    palette = {name: getattr(colours(), name) for name in ("text", "muted", "grid", "surface", "predicted", "naive", "train",
                                                           "validation", "test", "accent")}
    data = {"id": "one", "network": network_data(result, [range(units) for units in UNITS]), "colours": palette,
            "words": figure_module.WORDS,
            "view": {"day": day_name(date), "layer": 0, "unit": 0, "step": None, "echo": 0}}
    first, last = origin - WINDOW + 1, origin
    dragged = {first: 1.05, origin - 4: 0.97, last: 1.02}  # the first, one in the middle and the last known price
    close = result.history.close
    got = page.evaluate("""([data, dragged]) => {
        const figure = new InsideFigure(document.body)
        figure.show(data, () => {})
        const told = () => ({layers: figure.now.layers.map(layer => Object.fromEntries(
            figure.names.map(name => [name, [...layer[name]]]))), output: [...figure.now.outputs],
            predicted: [...figure.forecast(figure.now, true)]})
        const before = told()
        for (const [row, price] of dragged) figure.change(row, price)
        return [before, told(), figure.changedWords(), figure.outputEquation()]
    }""", [data, [[row, close[row] * factor] for row, factor in dragged.items()]])
    page.close()
    prices = close[first : last + 1].copy()
    for row, factor in dragged.items():
        prices[row - first] *= factor
    for told, expected in zip(got, (what_if(result, date), what_if(result, date, prices)), strict=False):
        np.testing.assert_allclose(told["output"], expected.output, atol=1e-5)
        np.testing.assert_allclose(told["predicted"], expected.predicted, rtol=1e-6)
        for layer, (values, trace) in enumerate(zip(told["layers"], expected.traces, strict=True)):
            assert set(values) == set(trace)
            for name, one in trace.items():
                np.testing.assert_allclose(np.reshape(values[name], (WINDOW, UNITS[layer])), one, atol=1e-5)
    assert np.abs(np.subtract(got[0]["output"], got[1]["output"])).max() > 1e-3
    assert "and 1 more" in got[2]
    # The price's equation comes out with no more than the numbers that are shown.
    left, right = re.sub("[()\u202f]", "", got[3].split("Price: ")[1]).replace("\u2212", "-").split(" = ")
    terms = [float(term) for term in re.findall(r"-?[0-9]+\.[0-9]+", left)]
    if "<sup>" in left:
        last, output, scale = terms
        value = last * np.exp(output * scale)
    elif TARGETS[cell] == "price":
        output, scale, centre = terms
        value = output * scale + centre
    else:
        last, output, scale = terms
        value = last + output * scale
    assert f"{value:.2f}" == right


def wait_for_figure(page):
    page.wait_for_function(f"() => {FIGURE}?.drawn > 0", timeout=60_000)


def step_of(page, number):
    return page.get_by_text(f"{number} of 10 ·")


def is_done(page):
    return page.get_by_text("Done.", exact=True)


@pytest.mark.parametrize("cell", CELLS)
def test_three_steps_of_the_lesson_are_noticed_for_each_cell(app, visitor, cell):
    faults = []
    visitor.on("pageerror", lambda error: faults.append(str(error)))
    view = {"example": f"aapl_{cell}", "lesson": 0}
    visitor.goto(f"{app.url}/Inside_the_LSTM?{urlencode({'inside': json.dumps(view)})}")
    # One: a day of the window is clicked in a heat map; prices, curves and equations show it too.
    expect(step_of(visitor, 1)).to_be_visible(timeout=60_000)
    maps = visitor.locator(".inside .maps")
    expect(maps).to_be_visible()
    wait_for_figure(visitor)
    maps.scroll_into_view_if_needed()
    box, window = maps.bounding_box(), visitor.evaluate(f"{FIGURE}.data.net.window")
    column = visitor.evaluate(f"{FIGURE}.column")
    visitor.mouse.move(box["x"] + 62 + 10.5 * column, box["y"] + 20)
    visitor.wait_for_function(f"() => {FIGURE}.at === 10")
    visitor.mouse.click(box["x"] + 62 + 10.5 * column, box["y"] + 20)
    expect(is_done(visitor)).to_be_visible()
    label = visitor.evaluate(f"{FIGURE}.label({FIGURE}.first + 10)")
    expect(visitor.locator(".inside .at")).to_contain_text(label)
    expect(visitor.locator(".inside .equation")).to_have_count(len(CELLS[cell].equations))
    # The equation holds: the number behind the last = is what its left side comes to.
    value = visitor.evaluate(f"{FIGURE}.now.layers[0].hidden[10 * {FIGURE}.units + {FIGURE}.unit]")
    shown = visitor.locator(".inside .equation b").last.inner_text().replace("\u2212", "-")
    assert float(shown) == pytest.approx(value, abs=5e-5)

    # Four: the last price goes up by 2 %, from the keyboard; nothing waits for the server.
    for number in (2, 3, 4):
        visitor.get_by_role("button", name="Next").click()
        expect(step_of(visitor, number)).to_be_visible()
        if number == 3:  # which asks for the simple RNN
            expect(is_done(visitor)).to_have_count(int(cell == "rnn"))
    expect(step_of(visitor, 4)).to_be_visible()
    wait_for_figure(visitor)
    before = visitor.evaluate(f"[...{FIGURE}.now.outputs]")
    handle = visitor.locator(".inside .handle")
    handle.focus()
    handle.press("End")
    for _ in range(4):
        handle.press("ArrowUp")
    assert visitor.evaluate(f"[...{FIGURE}.now.outputs]") != before
    assert visitor.evaluate(f"[...{FIGURE}.prices.keys()]") == [visitor.evaluate(f"{FIGURE}.origin")]
    expect(visitor.locator(".inside .changed")).to_contain_text("+2.00")
    expect(is_done(visitor)).to_be_visible()
    expect(visitor.locator(".inside .changed")).to_contain_text("+2.00")  # the drawing that noticed it changed nothing
    # The same by hand: the price that it is dragged to is the one under the pointer.
    visitor.get_by_role("button", name="Reset the prices").click()
    assert visitor.evaluate(f"[...{FIGURE}.now.outputs]") == before
    handle.scroll_into_view_if_needed()
    spot = handle.bounding_box()
    x, y = spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2
    visitor.mouse.move(x, y)
    visitor.mouse.down()
    visitor.mouse.move(x, y - 20, steps=4)
    visitor.mouse.up()
    moved = visitor.evaluate(f"{FIGURE}.priceY({FIGURE}.price({FIGURE}.origin, false)) - {FIGURE}.priceY("
                             f"{FIGURE}.price({FIGURE}.origin))")
    assert moved == pytest.approx(20, abs=8)  # the axis fits the new price once the finger is gone
    assert window - 1 == visitor.evaluate(f"{FIGURE}.step")

    # Five: the unit that remembers longest, which the simple RNN does not have.
    visitor.get_by_role("button", name="Next").click()
    expect(step_of(visitor, 5)).to_be_visible()
    if cell == "rnn":
        expect(visitor.get_by_text("Choose an example LSTM").first).to_be_visible()
    else:
        (lives,) = memory(load_example(cell)).half_lives
        field = visitor.get_by_role("spinbutton", name="Unit", exact=True)
        field.fill(str(lives.argmax() + 1))
        field.press("Enter")
        expect(is_done(visitor)).to_be_visible()
    assert not faults


def test_the_figure_fits_a_phone_in_the_dark_and_can_be_taken(app, browser, tmp_path):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", accept_downloads=True)
    page = context.new_page()
    page.goto(f"{app.url}/Inside_the_LSTM?{urlencode({'inside': json.dumps({'example': 'aapl_lstm', 'step': 20, 'unit': 3})})}")
    expect(page.locator(".inside .maps")).to_be_visible(timeout=60_000)
    wait_for_figure(page)
    assert page.evaluate(f"[{FIGURE}.step, {FIGURE}.unit, {FIGURE}.colours.surface]") == [20, 3, colours(dark=True).surface]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = page.evaluate(f"[...{FIGURE}.node.querySelectorAll('*')].filter(node => node.getBoundingClientRect().right > 391 && "
                         "!node.closest('.terms')).map(node => node.className)")
    assert wide == []
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Data (CSV)").click()
    table = pd.read_csv(waiting.value.path())
    units, window = page.evaluate(f"[{FIGURE}.units, {FIGURE}.data.net.window]")
    assert list(table) == ["date", "price", "layer", "unit", "input", "forget", "candidate", "output", "cell", "hidden"]
    assert len(table) == units * window
    np.testing.assert_allclose(table["hidden"], table["output"] * np.tanh(table["cell"]), atol=1e-9)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Picture (PNG)").click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")
    context.close()
