"""Inside the LSTM: how long the server's script takes for each view, and how smoothly a price can be dragged in the browser.

    python -m benchmarks.inside_browser

Views: the page's script in Streamlit's test harness, on a run of 2 x 64 units and a window of 60 with random weights. `first`:
with nothing worked out yet, on a run that another page has shown; `again`: the same view redrawn; `cpu`: of the first, the
processor's seconds, which other work on the machine changes less. Dragging: Debian's Chromium without a window or a graphics
card, a finger that moves the last price as fast as the browser takes it, frames counted by the page itself; `frame` is one
frame alone while the first price is dragged, so that the whole window is computed again.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
import pandas as pd

from forecasting import ForecastConfig, load_sample
from forecasting.model.encoding import encode
from forecasting.model.split import split

ROOT = Path(__file__).parents[1]
PORT = 8522
SHAPES = {"LSTM(32) x 60": (32,), "2 x LSTM(64) x 60": (64, 64)}
FRAMES = 240
REPEATS = 5
FIGURE = "[...document.querySelectorAll('*')].find(node => node.shadowRoot?.insideFigure)?.shadowRoot.insideFigure"


def random_run(units):
    """Stores a finished run of the sample with random weights; returns its id."""
    import keras

    from forecasting.model.network import build_network
    from forecasting.model.weights import network_of_model
    from forecasting.result import rebuild
    from forecasting.runs.files import scratch
    from forecasting.runs.ledger import RunLedger

    history, config = load_sample(), ForecastConfig(window=60, units=units, epochs=1)
    parts = split(len(history), config)
    encoded = encode(history, config, parts)
    model = build_network(config, encoded.inputs.shape[1])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, weight.shape) for weight in model.get_weights()])
    result = rebuild(history, config, pd.DataFrame({"predicted": history.close[config.window - 1 : -1]}),
                     history.close[parts.train_end - 1 :, None], curve=pd.DataFrame(
                         {"epoch": [1], "loss": [1.0], "val_loss": [1.0], "seconds": [1.0]}), best_epoch=1, stopped=False,
                     seconds=1.0, linear=None, _network=network_of_model(model, config))
    result._model = model
    assert isinstance(model, keras.Model)
    ledger, folder = RunLedger(), scratch("benchmark")
    run_id = ledger.create(history, config)
    result.save(folder)
    ledger.put_result(run_id, folder, result.metrics)
    ledger.end(run_id, "finished")
    return run_id


def time_views(run_id):
    """Prints seconds of each view, the first time and when it is drawn again."""
    from streamlit.runtime.scriptrunner import script_runner
    from streamlit.testing.v1 import AppTest

    from pages.components.inside import loaded
    from pages.components.inside.draw import VIEWS

    run_script, took = script_runner.exec_func_with_error_handling, {}

    def timed(*args):
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return run_script(*args)
        finally:
            took.update(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)

    with (patch("forecasting.runs.launcher.ensure_engine", lambda: None),
          patch.object(script_runner, "exec_func_with_error_handling", timed)):
        def opened(tab):
            test = AppTest.from_file(str(ROOT / "pages" / "7_Inside_the_LSTM.py"), default_timeout=120)
            test.query_params["run"], test.query_params["inside"] = run_id, json.dumps({"tab": tab})
            assert not test.run().exception, test.exception
            return test

        for tab in VIEWS:  # imports
            opened(tab)
        print(f"{'view':<12}{'first':>8}{'again':>8}{'cpu':>8}   seconds, the median of {REPEATS}")
        for tab in VIEWS:
            first, again, busy = [], [], []
            for _ in range(REPEATS):
                for name in loaded.__all__:
                    getattr(loaded, name).clear()
                test = opened(tab)
                first.append(took["wall"])
                busy.append(took["cpu"])
                test.run()
                again.append(took["wall"])
            print(f"{tab:<12}" + "".join(f"{statistics.median(times):8.2f}" for times in (first, again, busy)))


def time_dragging(url, runs):
    """Prints frames per second while a price is dragged."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
        print(f"{'dragging':<20}{'frames/s':>9}{'frame, ms':>11}")
        for name, run_id in runs.items():
            page.goto(f"{url}/Inside_the_LSTM?{urlencode({'run': run_id})}")
            page.wait_for_function(f"() => {FIGURE}?.drawn > 0", timeout=120_000)
            handle = page.locator(".inside .handle")
            handle.scroll_into_view_if_needed()
            page.wait_for_timeout(2000)
            box = handle.bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(x, y)
            page.mouse.down()
            before, start = page.evaluate(f"{FIGURE}.drawn"), time.perf_counter()
            for at in range(FRAMES):
                page.mouse.move(x, y - 30 * abs((at / 20) % 2 - 1))
            drawn, took = page.evaluate(f"{FIGURE}.drawn") - before, time.perf_counter() - start
            page.mouse.up()
            frame = page.evaluate(f"""() => {{ const figure = {FIGURE}, start = performance.now()
                for (let i = 0; i < 50; i++) {{
                    figure.change(figure.first, figure.price(figure.first, false) * (1 + i / 1000)); figure.draw() }}
                return (performance.now() - start) / 50 }}""")
            print(f"{name:<20}{drawn / took:9.0f}{frame:11.1f}")
        browser.close()


def main():
    with tempfile.TemporaryDirectory() as home:
        os.environ["FORECASTING_HOME"] = home
        runs = {name: random_run(units) for name, units in SHAPES.items()}
        time_views(runs["2 x LSTM(64) x 60"])
        app = subprocess.Popen([sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(PORT),
                                "--server.headless", "true"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url, deadline = f"http://localhost:{PORT}", time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    urlopen(f"{url}/_stcore/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.2)
            time_dragging(url, runs)
        finally:
            app.terminate()
            app.wait(30)


if __name__ == "__main__":
    main()
