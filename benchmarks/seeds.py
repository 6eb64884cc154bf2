"""What averaging seeds gains: *Recommended* with several seeds on every series of a folder, and the mean of their networks.

python benchmarks/seeds.py FOLDER [--seeds 10] [--names PART ...]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from accuracy import series  # also puts the project on the path

from forecasting import RECOMMENDED, train
from forecasting.evaluation.spread import spread_of
from forecasting.result import average


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--names", nargs="*", default=[""], help="only series whose names hold one of these")
    options = parser.parse_args()
    print(f"Test RMSE of Recommended with {options.seeds} seeds, over the naive forecast's; and that of their average.\n")
    print(f"{'series':44} {'mean':>7} {'deviation':>9} {'best':>7} {'worst':>7} {'average':>8} {'over mean':>9} {'beats':>8}")
    ratios, beaten = [], []
    for name, read in series(options.folder):
        if not any(part in name for part in options.names):
            continue
        history = read()
        results = [train(history, replace(RECOMMENDED, seed=seed)) for seed in range(options.seeds)]
        mean = average(results)
        naive = mean.metrics["test"]["naive_rmse"]
        errors = [result.metrics["test"]["rmse"] / naive for result in results]
        own, spread = mean.metrics["test"]["rmse"] / naive, spread_of(errors)
        ratios.append(own / spread.mean)
        beaten.append(sum(own < one for one in errors) / len(errors))
        print(f"{name[:44]:44} {spread.mean:7.4f} {spread.deviation:9.4f} {spread.low:7.4f} {spread.high:7.4f} "
              f"{own:8.4f} {ratios[-1]:9.4f} {sum(own < one for one in errors):3} of {len(errors)}", flush=True)
    print(f"\nThe average over the mean of its members: geometric mean {np.exp(np.mean(np.log(ratios))):.4f}, "
          f"worst {max(ratios):.4f}; it beats {100 * np.mean(beaten):.0f} % of them.")


if __name__ == "__main__":
    main()
