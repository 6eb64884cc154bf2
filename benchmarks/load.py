"""How the app does under many people at once, and whether it gives back the memory of those who have left.

    python benchmarks/load.py [crowd] [visits] [uploads]

`crowd`: fifty sessions open the Train page at the same moment while two trainings run, and then move a slider each, at random
moments of ten seconds and all at the same moment. `visits`: a thousand sessions open a page and leave, one after another.
`uploads`: 25 files of 2 MB are uploaded and opened by a browser that then leaves. Without a name, all of them.

A session is what a browser sends and receives over its socket, without a browser to draw it. Times are from one run on
whatever machine this is: read them beside the trainings' own.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import App  # noqa: E402

from forecasting import RECOMMENDED, load_sample  # noqa: E402
from forecasting.runs.store import RunStore  # noqa: E402
from forecasting.words import count  # noqa: E402

SESSIONS, VISITS, SEED = 50, 1000, 1
FILES, FILE_ROWS = 25, 70_000
SPREAD_SECONDS = 10.0
LONG = replace(RECOMMENDED, units=(64, 64), epochs=1000, patience=None, batch_size=8)
MB = 1e6


class Session:
    """A browser's side of a session: it asks for drawings and waits until they are done."""

    def __init__(self, app, query: str = ""):
        self._address, self._query = f"ws://localhost:{app.port}/_stcore/stream", query
        self._sliders: dict = {}  # label: (id, value) of those over numbers
        self._page = ""

    async def open(self, page: str) -> float:
        """Seconds until a page is drawn for somebody who has just come."""
        begun = time.perf_counter()
        self._socket = await websockets.connect(self._address, max_size=None, subprotocols=["streamlit"], ping_interval=None)
        await self._ask(page_name=page)
        return time.perf_counter() - begun

    async def move(self, label: str, value: float) -> float:
        """Seconds until the page is drawn again after a slider has been moved."""
        begun = time.perf_counter()
        message = BackMsg()
        self._sliders[label] = self._sliders[label][0], value
        for widget, shown in self._sliders.values():
            message.rerun_script.widget_states.widgets.add(id=widget).double_array_value.data.append(shown)
        await self._ask(message)
        return time.perf_counter() - begun

    async def close(self):
        await self._socket.close()

    async def _ask(self, message=None, page_name=""):
        message = message or BackMsg()
        message.rerun_script.query_string, message.rerun_script.page_name = self._query, page_name
        message.rerun_script.page_script_hash = self._page
        await self._socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(await self._socket.recv())
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                self._page = answer.new_session.page_script_hash
            elif kind == "navigation":
                self._page = answer.navigation.page_script_hash
            elif kind == "delta" and answer.delta.new_element.WhichOneof("type") == "slider":
                slider = answer.delta.new_element.slider
                if not slider.options:
                    self._sliders.setdefault(slider.label, (slider.id, slider.default[0]))
            elif kind == "delta" and answer.delta.new_element.WhichOneof("type") == "exception":
                raise AssertionError(answer.delta.new_element.exception)
            elif kind == "script_finished" and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return


def memory(app) -> float:
    """MB that the app's own process holds."""
    return psutil.Process(app.process.pid).memory_info().rss / MB


def percentile(values) -> float:
    return statistics.quantiles(values, n=20)[-1]


async def crowd(app):
    async def person(number):
        session = Session(app)
        return session, await session.open("Train")

    found = await asyncio.gather(*(person(number) for number in range(SESSIONS)))
    sessions, first = zip(*found, strict=True)
    row("first render, all at the same moment", first)
    chance = random.Random(SEED)

    async def moves(session, wait):
        await asyncio.sleep(wait)
        return await session.move("Window", chance.randint(20, 90))

    row("a slider moved, within ten seconds", await asyncio.gather(
        *(moves(session, chance.uniform(0, SPREAD_SECONDS)) for session in sessions)))
    row("a slider moved, all at the same moment", await asyncio.gather(*(moves(session, 0) for session in sessions)))
    print(f"{'memory of the app with all of them':44s} {memory(app):.0f} MB", flush=True)
    await asyncio.gather(*(session.close() for session in sessions))


def row(what, seconds):
    print(f"{what:44s} median {statistics.median(seconds):5.2f} s   95th percentile {percentile(seconds):5.2f} s", flush=True)


async def visits(app):
    for number in range(VISITS + 1):
        if number % (VISITS // 5) == 0:
            await asyncio.sleep(1)
            print(f"{f'memory after {number} sessions opened and closed':44s} {memory(app):.0f} MB", flush=True)
        session = Session(app)
        await session.open("Train" if number % 2 else "")
        await session.close()


async def uploads(app):
    """Each file in a browser of its own. Streamlit keeps a session for two minutes after its browser has left."""
    from playwright.async_api import async_playwright

    chance = np.random.default_rng(SEED)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for number in range(FILES + 1):
            if number == 1 or number % (FILES // 5) == 0:  # the first one has the reader and the store loaded
                print(f"{f'memory after {number} files of {FILE_ROWS} rows':44s} {memory(app):.0f} MB", flush=True)
            if number == FILES:
                break
            page = await browser.new_page()
            await page.goto(app.url)
            await page.get_by_role("radio", name="File").click()
            await page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
                {"name": f"{number}.csv", "mimeType": "text/csv", "buffer": prices_of(chance)})
            await page.get_by_test_id("stMetric").filter(has_text=count(FILE_ROWS)).wait_for(timeout=120_000)
            await page.close()
        await browser.close()
    for minutes in (3,):
        await asyncio.sleep(180)
        print(f"{f'memory {minutes} minutes after the last has left':44s} {memory(app):.0f} MB", flush=True)


def prices_of(chance) -> bytes:
    minutes = pd.date_range("2020-01-01", periods=FILE_ROWS, freq="min", name="Time")
    close = 100 * np.exp(np.cumsum(chance.normal(0, 1e-4, FILE_ROWS)))
    return pd.DataFrame({"Close": close.round(4)}, index=minutes).to_csv().encode()


def start_trainings(app, count=2):
    os.environ["FORECASTING_HOME"] = str(app.home)
    store, history = RunStore(), load_sample()
    runs = [store.create(history, replace(LONG, seed=seed)) for seed in range(count)]
    until = time.monotonic() + 120
    while any(not store.get(run).epoch for run in runs):
        assert time.monotonic() < until, "the trainings do not begin"
        time.sleep(0.5)
    return runs


def main():
    asked = sys.argv[1:] or ["crowd", "visits", "uploads"]
    with tempfile.TemporaryDirectory() as folder:
        for name in asked:
            app = App(Path(folder) / name).start()
            try:
                asyncio.run(Session(app).open(""))  # the first visitor of a server waits for its imports
                print(f"{'memory of the app after one session':44s} {memory(app):.0f} MB", flush=True)
                if name == "crowd":
                    start_trainings(app)
                asyncio.run({"crowd": crowd, "visits": visits, "uploads": uploads}[name](app))
            finally:
                app.stop()


if __name__ == "__main__":
    main()
