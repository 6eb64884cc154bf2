"""What a person does in the app, one function for each."""

import json
import re
import zipfile
from urllib.parse import urlencode

import numpy as np
import pandas as pd
from playwright.sync_api import expect

COLUMNS = ["Date", "Split", "Actual", "Predicted", "Naive", "Lower 80", "Upper 80", "Lower 95", "Upper 95"]
POINTS = """() => Math.max(0, ...[...document.querySelectorAll('.js-plotly-plot')].flatMap(
    plot => (plot._fullData || []).filter(trace => trace.name === "Validation").map(trace => trace.x.length)))"""
PROGRESS = re.compile(r"Epoch (\d+) of (\d+)")


def open_page(page, url, name=None):
    page.goto(url)
    if name:
        page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def upload(page, name, data):
    """Gives a file of these bytes to the Data page."""
    page.get_by_role("radio", name="File").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data})


def unfold(page, label):
    """Opens a folded part of a page. A list that is opened while it still grows would close again."""
    page.get_by_test_id("stExpander").get_by_text(label).click()
    page.wait_for_function("() => document.getAnimations().every(animation => !animation.effect.target.closest("
                           "'[data-testid=stExpander]'))")


def start_long_training(page, url):
    """So many epochs, of many steps each, that it ends only by Stop."""
    settings = json.dumps({"units": [64], "batch_size": 8, "epochs": 1000, "patience": None})
    page.goto(f"{url}/Train?{urlencode({'settings': settings})}")
    press_train(page)


def choose_preset(page, name):
    page.get_by_test_id("stSidebar").get_by_role("radio", name=name).click()


def press_train(page):
    button = page.get_by_role("button", name="Train", exact=True)
    expect(button).to_be_enabled(timeout=30_000)
    button.click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_enabled(timeout=30_000)


def press_stop(page):
    page.get_by_role("button", name="Stop", exact=True).click()


def epoch(page, at_least=1, timeout=90_000):
    """The epoch that the page shows, once it is `at_least` that."""
    page.wait_for_function(
        "least => { const found = document.body.innerText.match(/Epoch (\\d+) of/); return found && +found[1] >= least }",
        arg=at_least, timeout=timeout)
    return int(PROGRESS.search(page.inner_text("body")).group(1))


def curve_points(page):
    """How many points the loss chart on the screen has."""
    return page.evaluate(POINTS)


def metric(page, label):
    """The text of a metric's number, e.g. '0.3001'."""
    box = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True)).first
    expect(box).to_be_visible(timeout=120_000)
    return re.match(r"[-\d.]+", box.get_by_test_id("stMetricValue").inner_text().replace("\u202f", "")).group()


def download_predictions(page):
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download predictions (CSV)").click()
    frame = pd.read_csv(waiting.value.path())
    assert list(frame.columns) == COLUMNS
    return frame


def download_zip(page, folder):
    """The folder into which everything of the run was downloaded and unpacked; the zip file is there too, as run.zip."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download everything (ZIP)").click()
    waiting.value.save_as(folder / "run.zip")
    with zipfile.ZipFile(folder / "run.zip") as archive:
        archive.extractall(folder)
    return folder


def check_report(browser, file):
    """The report draws its three charts on its own, as wide as a phone at most, and asks for nothing else."""
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800}, color_scheme="dark")
    page = context.new_page()
    asked, faults = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(file.as_uri())
    expect(page.locator(".chart .main-svg").first).to_be_visible()
    expect(page.locator(".chart.js-plotly-plot")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert asked == [file.as_uri()]
    assert not faults
    context.close()


def check_scores(page, frame):
    """The scores on the screen are those of the downloaded file, to the digits shown."""
    test = frame[frame["Split"] == "test"]
    rmse = np.sqrt(np.mean((test["Actual"] - test["Predicted"]) ** 2))
    mape = np.mean(np.abs(test["Actual"] - test["Predicted"]) / np.abs(test["Actual"])) * 100
    for label, value in (("RMSE", rmse), ("MAPE", mape)):
        shown = metric(page, label)
        assert shown == f"{value:.{len(shown.partition('.')[2])}f}"


def run_id(page):
    return re.search(r"run=([0-9a-f]{32})", page.url).group(1)
