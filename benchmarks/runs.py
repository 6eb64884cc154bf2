"""How long a store of many runs takes to read and to show.

    python benchmarks/runs.py [runs]

Makes a store of 2,000 runs (or as many as given), then reads it in fresh processes: through MLflow, from its database, and by
the Runs page, whose script runs in Streamlit's own harness. Prints seconds of the clock and of the processor.
"""

import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from forecasting import RECOMMENDED, load_sample  # noqa: E402
from forecasting.runs.ledger import RunLedger  # noqa: E402
from tests.runs.laboratory import finished_run  # noqa: E402

RUNS, TIMES = 2000, 5
TABLES = ("tags", "params", "metrics", "latest_metrics")
# What a fresh process does. MLflow is loaded first, as the app does when it starts.
CHILD = """
import json, sys, time
from forecasting.runs import launcher, store
from forecasting.runs.tracking import Tracking
launcher.ensure_engine = lambda: None
Tracking().connect()
def timed(act):
    clock, processor = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - clock, time.process_time() - processor
def listed():
    assert len(reader.list(limit=50_000, alone=True)) == int(sys.argv[2])
def drawn():
    page.run(timeout=120)
    assert not page.exception and len(page.data_editor[0].value) == int(sys.argv[2])
if sys.argv[1] == "page":
    from streamlit.testing.v1 import AppTest
    # Another page first, as a person comes from one: what all pages import is there.
    page = AppTest.from_file("app.py", default_timeout=60).run()
    page.switch_page("pages/6_Runs.py")
    print(json.dumps([timed(drawn), timed(drawn)]))
else:
    if sys.argv[1] == "mlflow":
        store.is_local = lambda: False
    reader = store.RunStore(None)
    print(json.dumps([timed(listed), timed(listed)]))
"""


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FORECASTING_HOME"] = folder
        make_store(Path(folder), runs)
        print(f"A store of {runs} runs; medians of {TIMES} fresh processes")
        print(f"{'':44s} {'clock':>8s} {'processor':>10s}")
        for name, what in (("mlflow", "the list through MLflow"), ("database", "the list from the database"),
                           ("page", "the script of the Runs page")):
            first, again = zip(*(measure(name, runs) for _ in range(TIMES)), strict=True)
            row(f"{what}, first", first)
            row(f"{what}, again", again)


def row(what, seconds):
    clock, processor = (statistics.median(values) for values in zip(*seconds, strict=True))
    print(f"{what:44s} {clock:6.3f} s {processor:8.3f} s", flush=True)


def measure(name, runs):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CHILD, name, str(runs)], cwd=ROOT, text=True, check=True,
                          capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return json.loads(done.stdout.splitlines()[-1])


def make_store(home, runs):
    """One run as the app leaves it, and copies of its rows with other settings and times."""
    run_id = finished_run(RunLedger(), load_sample(), replace(RECOMMENDED, window=10),
                          losses=[1 + 1 / epoch for epoch in range(1, 61)])
    with contextlib.closing(sqlite3.connect(home / "runs.db")) as database, database:
        for number in range(1, runs):
            copy = uuid.uuid4().hex
            _copy(database, "runs", run_id, copy, lambda name, value, minutes=number: (
                value - 60_000 * minutes if name in ("start_time", "end_time") else value))
            for table in TABLES:
                _copy(database, table, run_id, copy)
            of_copy = f"WHERE run_uuid = '{copy}' AND key = 'forecast.facts'"
            facts = json.loads(database.execute(f"SELECT value FROM tags {of_copy}").fetchone()[0])
            facts["config"] |= {"window": 10 + number % 200, "learning_rate": 0.001 * (1 + number // 200)}
            database.execute(f"UPDATE tags SET value = ? {of_copy}", [json.dumps(facts)])


def _copy(database, table, run_id, copy, change=lambda name, value: value):
    found = database.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", [run_id])
    names = [column[0] for column in found.description]
    rows = [[copy if name == "run_uuid" else change(name, value) for name, value in zip(names, values, strict=True)]
            for values in found.fetchall()]
    database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", rows)


if __name__ == "__main__":
    main()
