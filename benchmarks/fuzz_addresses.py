"""Addresses, tickers and names by the thousand: the app may open them or refuse them with a sentence, and nothing else.

    python benchmarks/fuzz_addresses.py [--number 50000] [--pages 500] [--seed 0] [--workers 2]

Two fifths are addresses (`?run`, `?data`, `?settings`, `?compare`, `?reference`, `?parent`, `?forecast`), which are opened as
each page opens them and written back, and a fifth of those opened again; `--pages` of them are drawn on whole pages too, in
Streamlit's own harness. The rest are tickers and names of files, series, runs, tags and notes. Ends with status 1 where
anything was raised but a ForecastingError. `tests/hostile.py` invents them.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

KINDS = ("address", "name", "ticker", "address", "name")
BATCH = 50  # addresses opened by one script
LOG = logging.getLogger("fuzz_addresses")


def attempt(counts: Counter, faults: list, what: str, number: int, act):
    """Counts what `act` returned: whether something was refused."""
    try:
        counts[f"{what} {'refused' if act() else 'opened'}"] += 1
    except Exception as error:
        # The boundary of this experiment: whatever comes here is what it looks for.
        LOG.exception("crash")
        faults.append((what, number, f"{error!r:.2000}"))


def run(task: tuple[int, int, float]) -> tuple[Counter, list]:
    """What became of the numbers from `first` to `last`, and the faults; a share of the addresses is drawn on a page too."""
    first, last, share = task
    os.environ["FORECASTING_HOME"] = tempfile.mkdtemp(prefix="fuzz-")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    logging.disable(logging.WARNING)
    from forecasting.data import tickers
    from forecasting.runs import launcher
    from forecasting.runs.ledger import RunLedger
    from tests import hostile

    launcher.ensure_engine = lambda: None
    tickers.ask = hostile.frame_of
    ids = hostile.make_runs(RunLedger())
    counts, faults, batch = Counter(), [], []

    def open_batch():
        numbers, queries = [number for number, _ in batch], [query for _, query in batch]
        batch.clear()
        try:
            refused = hostile.try_addresses(queries)
        except Exception:
            # The same boundary; which of them it was is found one by one.
            LOG.exception("crash in a batch")
            for number, query in zip(numbers, queries, strict=True):
                attempt(counts, faults, "address", number, lambda query=query: hostile.try_addresses([query]))
        else:
            counts["address refused"] += refused
            counts["address opened"] += len(queries) - refused

    for number in range(first, last):
        random = Random(number)
        kind = KINDS[number % len(KINDS)]
        if kind == "name":
            attempt(counts, faults, kind, number, lambda random=random: hostile.try_name(hostile.text(random)))
        elif kind == "ticker":
            attempt(counts, faults, kind, number, lambda random=random: hostile.try_ticker(random, hostile.text(random)))
        else:
            batch.append((number, hostile.query(random, ids)))
            if random.random() < share:
                query, page = batch[-1][1], hostile.PAGES[number % len(hostile.PAGES)]
                attempt(counts, faults, "page", number, lambda query=query, page=page: hostile.try_page(page, query))
            if len(batch) == BATCH:
                open_batch()
    if batch:
        open_batch()
    return counts, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=50_000)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    share = options.pages / (options.number * KINDS.count("address") / len(KINDS))
    parts = max(1, options.number // 2500)
    edges = [options.seed + options.number * part // parts for part in range(parts + 1)]
    begun = time.monotonic()
    counts, faults = Counter(), []
    # A process for each part: Streamlit's harness leaves its own script as the main module, where tasks could not be found.
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for some, wrong in pool.map(run, [(a, b, share) for a, b in pairwise(edges)]):
            counts += some
            faults += wrong
            print(f"{sum(counts.values()):,} after {time.monotonic() - begun:.0f} s, {len(faults)} faults", file=sys.stderr)
    for what, number, fault in faults[:20]:
        print(f"{what} {number}: {fault}\n")
    print(f"{options.number:,} addresses, tickers and names in {time.monotonic() - begun:.0f} s")
    for kind, times in sorted(counts.items()):
        print(f"{times:8,}  {kind}")
    print(f"{len(faults):8,}  faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
