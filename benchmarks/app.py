"""How quick the app feels: first paint, first point of a curve, reruns under load, and what the app costs a training.

    python benchmarks/app.py

Starts the app on a data folder of its own, drives it with Debian's Chromium and prints a table.
"""

import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import CHROMIUM_FLAGS, App  # noqa: E402
from steps import POINTS, choose_preset, epoch, open_page, press_stop, press_train, run_id  # noqa: E402
from streamlit.testing.v1 import AppTest  # noqa: E402

from forecasting import RECOMMENDED, TUTORIAL, load_sample  # noqa: E402
from forecasting.runs.store import RunStore  # noqa: E402

EPOCHS = 20
PRESETS = {"Recommended": RECOMMENDED, "Tutorial": TUTORIAL}
FROM_PYTHON = """
import json, sys
from forecasting import ForecastConfig, load_sample, train
config = ForecastConfig.from_dict(json.loads(sys.argv[1]))
result = train(load_sample(), config)
print(result.curve["seconds"].iloc[1:].mean())
"""
BARE_PAGE = """
import plotly.graph_objects as go
import streamlit as st
st.title("Bare")
st.plotly_chart(go.Figure(go.Scatter(y=list(range(3000)))))
"""
NOTE_PAINT = """
new MutationObserver((changes, observer) => {
    if (![...document.querySelectorAll(".js-plotly-plot")].some(plot => plot.querySelector(".main-svg .trace"))) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.chartPainted = performance.now() }));
}).observe(document, {subtree: true, childList: true})
"""


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        with tempfile.TemporaryDirectory() as folder:
            bare = Path(folder) / "bare"
            bare.mkdir()
            (bare / "app.py").write_text(BARE_PAGE)
            # In turn, so that a busy moment of the machine meets both.
            paints, floors = zip(*((first_paint(browser, Path(folder) / f"home{i}"),
                                    first_paint(browser, Path(folder) / f"bare-home{i}", bare)) for i in range(5)),
                                 strict=True)
            row("first paint of the home page, cold server", paints, "2.5 s")
            row("  a bare Streamlit page with one chart", floors, "none")
            print(f"{'  the home page over the bare one':44s} {statistics.median(paints) / statistics.median(floors):.2f}")
            app = App(Path(folder) / "home").start()
            try:
                warm_up(browser, app)
                row("from Train to the first point, warm workers", [first_point(browser, app) for _ in range(5)], "2 s")
                for preset in ("Recommended", "Tutorial"):
                    stops = [stop(browser, app, preset) for _ in range(5)]
                    row(f"from Stop to what was learnt, {preset}", stops, "1 s")
                reruns = reruns_under_load(app)
                row("a rerun while two trainings run", reruns, "95 % below 0.3 s")
                print(f"{'':44s} 95th percentile {statistics.quantiles(reruns, n=20)[-1]:.3f} s")
                compare_with_python(browser, app)
            finally:
                app.stop()
        browser.close()


def row(what, seconds, aim):
    print(f"{what:44s} median {statistics.median(seconds):.3f} s, {min(seconds):.3f} to {max(seconds):.3f}, "
          f"{len(seconds)} runs (aim: {aim})", flush=True)


def first_paint(browser, home, folder=ROOT):
    """Seconds from the start of the navigation to the frame that shows the chart, by the browser's own clock.

    folder: of the app.py that is started
    """
    app = App(home, folder=folder).start()
    page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
    page.add_init_script(NOTE_PAINT)
    try:
        page.goto(app.url)
        page.wait_for_function("() => window.chartPainted")
        return page.evaluate("() => window.chartPainted") / 1000
    finally:
        loaded = any("tensorflow" in path.path for path in psutil.Process(app.process.pid).memory_maps())
        print(f"  TensorFlow in the page's process: {'yes' if loaded else 'no'}", flush=True)
        page.context.close()
        app.stop()


def warm_up(browser, app):
    page = browser.new_context().new_page()
    train_on(page, app, "Quick look")
    page.get_by_role("button", name="Download predictions (CSV)").wait_for(timeout=120_000)
    page.context.close()


def train_on(page, app, preset):
    open_page(page, app.url, "Train")
    choose_preset(page, preset)
    page.wait_for_timeout(1000)
    press_train(page)


def first_point(browser, app):
    page = browser.new_context().new_page()
    open_page(page, app.url, "Train")
    page.wait_for_timeout(1500)
    begin = time.perf_counter()
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(f"({POINTS})() > 0", timeout=60_000)
    seconds = time.perf_counter() - begin
    page.get_by_role("button", name="Download predictions (CSV)").wait_for(timeout=120_000)
    page.context.close()
    return seconds


def stop(browser, app, preset):
    """Seconds from the click on Stop to the scores of what was learnt until then."""
    page = browser.new_context().new_page()
    config = dataclasses.replace(PRESETS[preset], epochs=1000, patience=None)  # it must not end by itself meanwhile
    page.goto(f"{app.url}/Train?settings={json.dumps(config.to_dict())}")
    press_train(page)
    epoch(page, at_least=3)
    begin = time.perf_counter()
    press_stop(page)
    page.get_by_text("This training was stopped").wait_for(timeout=60_000)
    seconds = time.perf_counter() - begin
    page.context.close()
    return seconds


def reruns_under_load(app, times=100):
    """Seconds that the Train page takes to run after a slider moved, while the app's two workers train.

    The script alone, in Streamlit's own harness: what a browser then takes to draw is not the app's doing, and two
    trainings leave it no core to itself.
    """
    store = store_of(app)
    runs = [store.create(load_sample(), TUTORIAL, owner=owner) for owner in ("one", "other")]
    while not all(store.get(run).epoch for run in runs):
        time.sleep(0.2)
    page = AppTest.from_file(str(ROOT / "pages" / "2_Train.py"), default_timeout=60)
    page.query_params["run"] = runs[0]
    page.run()
    seconds = []
    for i in range(times):
        page.slider(key="train_epochs").set_value(10 + i)
        begin = time.perf_counter()
        page.run()
        seconds.append(time.perf_counter() - begin)
    assert not page.exception
    assert all(store.get(run).state == "running" for run in runs)
    for run in runs:
        store.request_stop(run)
    while any(store.get(run).active for run in runs):
        time.sleep(0.2)
    return seconds


def compare_with_python(browser, app):
    """Seconds per epoch of the tutorial's model, the first epoch left out, app and Python in turn."""
    config = dataclasses.replace(TUTORIAL, epochs=EPOCHS)
    ratios = []
    for _ in range(3):
        page = browser.new_context().new_page()
        page.goto(f"{app.url}/Train?settings={json.dumps(config.to_dict())}")
        press_train(page)
        epoch(page)
        # Waiting in the page would ask it sixty times a second, and the two cores that train would answer.
        run, store = run_id(page), store_of(app)
        while store.get(run).active:
            time.sleep(0.5)
        page.context.close()
        in_app = store.curve(run)["seconds"].iloc[1:].mean()
        done = subprocess.run([sys.executable, "-c", FROM_PYTHON, json.dumps(config.to_dict())], cwd=ROOT, capture_output=True,
                              text=True, check=True)
        alone = float(done.stdout.split()[-1])
        ratios.append(in_app / alone)
        print(f"  epoch in the app {in_app:.3f} s, from Python {alone:.3f} s, ratio {in_app / alone:.3f}", flush=True)
    print(f"{'the app against Python, seconds per epoch':44s} median ratio {statistics.median(ratios):.3f} (aim: 1.05)")


def store_of(app):
    os.environ["FORECASTING_HOME"] = str(app.home)
    return RunStore()


if __name__ == "__main__":
    main()
