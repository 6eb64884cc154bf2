"""How often Compare calls one of two runs better that differ by nothing but their seed, and whether it sees real differences.

    python benchmarks/compare.py [FOLDER] [--series 67] [--seed 2000]

Short trainings on simulated daily random walks with GARCH noise, autoregressions and monthly series with a season, and on
the newest rows of each CSV file of FOLDER. On each, three kinds of settings are trained with two seeds: *Recommended*, the
same without its linear part, and the tutorial's, which predict the price itself. "Better" should be said of 5 % of these
pairs at most. Beside it stands what the interval and the test alone would say, without asking how far another seed may move
a run (`SEEDS` and `GROSS` in `ranking.py`, which were chosen on other series). Then two kinds of settings are compared with
each other on the same series, where there is a difference to be seen. Ctrl-C ends it early, with what there is.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
from gate import make_history, random_walk, seasonal

from forecasting import RECOMMENDED, TUTORIAL, PriceHistory, compare, read_prices, train
from forecasting.evaluation.verdict import SIGNIFICANT

SHORT = {"window": 20, "horizon": 1, "units": (16,), "batch_size": 64}
SETTINGS = {
    "Recommended": replace(RECOMMENDED, **SHORT),
    "without linear part": replace(RECOMMENDED, **SHORT, skip=None, season=None),
    "tutorial's": replace(TUTORIAL, window=20, units=(16,), epochs=25, test_share=0.2),
}
REAL_ROWS = 1000  # of a file, so that it takes no longer than a simulated series


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", nargs="?", type=Path)
    options.add_argument("--series", type=int, default=67, help="how many are simulated; each gives three pairs")
    options.add_argument("--seed", type=int, default=2000, help="of the first series; the others follow it")
    asked = options.parse_args()
    start, seeds, kinds = time.perf_counter(), [], []
    try:
        for kind, history in series(asked):
            measure(kind, history, seeds, kinds)
    except KeyboardInterrupt:
        print("interrupted; so far:\n")
    report("pairs that differ by nothing but their seed", seeds)
    report("pairs with other settings", kinds)
    print(f"{len(seeds)} + {len(kinds)} pairs in {time.perf_counter() - start:.0f} s, trainings included")


def measure(kind: str, history: PriceHistory, seeds: list, kinds: list):
    """Trains on one series and adds its pairs to both lists."""
    runs = {name: [train(history, replace(config, seed=seed)) for seed in (1, 2)] for name, config in SETTINGS.items()}
    seeds += [(name, kind, the_pair(*pair)) for name, pair in runs.items()]
    kinds += [(f"{first} / {second}", kind, the_pair(runs[first][0], runs[second][0]))
              for first, second in (("Recommended", "tutorial's"), ("Recommended", "without linear part"))]


def series(asked):
    """(kind, history) of each."""
    makers = {"random walk": lambda seed: random_walk(seed, 600), "autoregression": autoregression,
              "season": lambda seed: seasonal(seed, 360)}
    for at in range(asked.series):
        kind = list(makers)[at % len(makers)]
        yield kind, makers[kind](asked.seed + at)
    for path in sorted(asked.folder.glob("*.csv")) if asked.folder else []:
        history = read_prices(path)
        yield "real", replace(history, frame=history.frame.iloc[-REAL_ROWS:])


def autoregression(seed: int, rows: int = 600) -> PriceHistory:
    """Daily prices of which each move repeats -0.5 to 0.5 of the last one."""
    rng = np.random.default_rng(2000 + seed)
    repeats, moves = rng.uniform(-0.5, 0.5), rng.normal(0, 0.01, rows)
    for t in range(1, rows):
        moves[t] += repeats * moves[t - 1]
    return make_history(moves, pd.bdate_range("2015-01-01", periods=rows), "trading days")


def the_pair(first, second):
    """The first beside the second."""
    found = compare([first, second], ["first", "second"], reference="second")
    return found.pairs["first"]


def report(title: str, pairs: list):
    """title, then a row for each settings and kind of series. pairs: (settings, kind, Pair)"""
    print(f"{title}\n{'settings':<38}{'series':<16}{'pairs':>6}{'better said':>13}{'tests alone':>15}{'median gap':>12}")
    groups: dict[tuple[str, str], list] = {}
    for settings, kind, pair in pairs:
        for group in ((settings, kind), (settings, "all"), ("all", "all")):
            groups.setdefault(group, []).append(pair)
    for settings, kind in sorted(groups, key=lambda group: (group[0] == "all", group[0], group[1] == "all")):
        found = groups[settings, kind]
        said = sum(pair.outcome in ("better", "worse") for pair in found)
        alone = sum(pair.interval is not None and not pair.interval[0] <= 0 <= pair.interval[1]
                    and pair.corrected is not None and pair.corrected < SIGNIFICANT for pair in found)
        gap = np.median([abs(pair.change or 0.0) for pair in found])
        print(f"{settings:<38}{kind:<16}{len(found):>6}{said:>6}{said / len(found):>7.1%}{alone:>7}{alone / len(found):>8.1%}"
              f"{gap:>12.2%}")
    print(flush=True)


if __name__ == "__main__":
    main()
