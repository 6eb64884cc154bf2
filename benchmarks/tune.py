"""What a search costs beside bare training, and what its winner is worth on test parts it never saw.

    python benchmarks/tune.py speed [--trials 60] [--seconds 900]
    python benchmarks/tune.py worth FOLDER [--trials 40] [--only NAME ...] [--seconds 3600]

`speed` searches the sample with an engine of two workers, then of one: trials of *Recommended*'s size, whose learning rate,
patience and epochs differ. Then the same folds are trained in one bare process. Times are from one run: read the ratios.

`worth` searches every CSV file of FOLDER, and compares three choices by their RMSE on the test part over the naive
forecast's: *Recommended*, the honest winner, and the plain one: the best validation score of as many trials of the same
search on a single split, without folds, finalists or the one-standard-error rule.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from forecasting import RECOMMENDED, ForecastConfig, load_sample, read_prices  # noqa: E402
from forecasting.errors import ForecastingError  # noqa: E402
from forecasting.evaluation.inner_folds import before_test, inner_folds  # noqa: E402
from forecasting.runs.experiments.kind import Child, Experiment  # noqa: E402
from forecasting.runs.experiments.search import report  # noqa: E402
from forecasting.runs.experiments.search_space import from_settings, reference, to_settings  # noqa: E402
from forecasting.runs.experiments.search_study import Study  # noqa: E402
from forecasting.runs.store import RunStore  # noqa: E402

SAME_SIZE = {"learning_rate": {"low": 0.0005, "high": 0.005}, "patience": [2, 4, 8], "epochs": [30, 60]}
SPACE = {"window": [20, 60], "units": [16, 32, 64], "layers": [1, 2], "learning_rate": {"low": 0.0005, "high": 0.005}}
FOLDS = 2
LONG = 250  # test rows from which "never worse by more than 0.5 %" is judged


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = options.add_subparsers(dest="kind", required=True)
    speed_of = kinds.add_parser("speed")
    speed_of.add_argument("--trials", type=int, default=60)
    speed_of.add_argument("--seconds", type=float, default=900)
    worth_of = kinds.add_parser("worth")
    worth_of.add_argument("folder", type=Path)
    worth_of.add_argument("--trials", type=int, default=40)
    worth_of.add_argument("--only", nargs="+", default=[], help="parts of the names of the series to search")
    worth_of.add_argument("--seconds", type=float, default=3600)
    bare_of = kinds.add_parser("bare", help="the bare trainings of `speed`, in a process of their own")
    bare_of.add_argument("configs", type=Path)
    plain_of = kinds.add_parser("plain", help="the plain search of `worth`, in a process of its own")
    plain_of.add_argument("prices", type=Path)
    plain_of.add_argument("trials", type=int)
    asked = options.parse_args()
    if asked.kind == "speed":
        speed(asked.trials, asked.seconds)
    elif asked.kind == "worth":
        worth(asked.folder, asked.trials, asked.only, asked.seconds)
    elif asked.kind == "bare":
        print(json.dumps(bare([ForecastConfig.from_dict(one) for one in json.loads(asked.configs.read_text())])))
    else:
        print(json.dumps(plain(asked.prices, asked.trials)))


class Engine:
    """An engine with a data folder of its own, which ends with the block."""

    def __init__(self, workers: int):
        self._workers = workers

    def __enter__(self):
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        os.environ["FORECASTING_HOME"] = self._home.name
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "forecasting.runs.engine"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=ROOT, env=os.environ | {"FORECASTING_WORKERS": str(self._workers)})
        return RunStore()

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(30)
        self._home.cleanup()


def search(store, history, seconds, **options):
    """(the search's run, its children) once it has ended."""
    run_id = store.start_experiment("search", history, RECOMMENDED, options)
    deadline = time.monotonic() + seconds
    while (run := store.get(run_id)).active:
        if time.monotonic() > deadline:
            raise SystemExit(f"The search on {history.name} took longer than {seconds:.0f} s.")
        time.sleep(1.0)
    if run.error:
        raise SystemExit(f"The search on {history.name} failed: {run.error}")
    return run, store.children(run)


def trials_of(children):
    return sorted((child for child in children if child.key.startswith("trial")), key=lambda child: child.key)


# Speed


def speed(trials: int, seconds: float):
    pace, whole = {}, []
    for workers in (2, 1):
        with Engine(workers) as store:
            # Each worker's first trials compile; the pace is taken of the later two thirds.
            kept = [f"trial-{number:04d}" for number in range(1, trials + 1)]  # none is pruned
            _, children = search(store, load_sample(), seconds, space=SAME_SIZE, folds=FOLDS, trials=trials, kept=kept)
            ended = sorted(child.ended.timestamp() for child in trials_of(children))
            skipped = trials // 3
            pace[workers] = (len(ended) - skipped - 1) / (ended[-1] - ended[skipped]) * 60
            print(f"{workers} worker{'s' if workers > 1 else ''}: {pace[workers]:.1f} trials a minute", flush=True)
            if workers == 1:
                whole = [child for child in trials_of(children)[skipped:] if child.state == "finished"]
                taken = statistics.fmean(child.seconds for child in whole)
                ends = [child.ended.timestamp() for child in trials_of(children)[skipped:]]
                between = statistics.fmean(b - a for a, b in pairwise(ends))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "configs.json"
        file.write_text(json.dumps([child.config.to_dict() for child in whole]))
        done = subprocess.run([sys.executable, __file__, "bare", str(file)], capture_output=True, text=True, check=True,
                              env=os.environ | {"OMP_NUM_THREADS": "1"})
        alone = statistics.fmean(json.loads(done.stdout.splitlines()[-1]))
    print(f"two workers over one: {pace[2] / pace[1]:.2f} times")
    print(f"{len(whole)} whole trials, one worker: {taken:.2f} s from start to end, {between:.2f} s from one end to the next; "
          f"bare {alone:.2f} s; overhead {between - alone:.2f} s")


def bare(configs) -> list[float]:
    """Seconds of the folds of each of these trials, trained and predicted in this process and nothing else."""
    history = before_test(load_sample(), RECOMMENDED)
    try_once(history, configs[0])  # compiles
    took = []
    for config in configs:
        started = time.perf_counter()
        try_once(history, config)
        took.append(time.perf_counter() - started)
    return took


def try_once(history, config):
    import numpy as np

    from forecasting.model.encoding import encode
    from forecasting.model.forecaster import fit_forecaster
    from forecasting.model.split import split

    for fold in inner_folds(history, config, FOLDS):
        parts = split(len(fold.history), fold.config)
        encoded = encode(fold.history, fold.config, parts)
        forecaster, _, _ = fit_forecaster(encoded, fold.config, parts)
        forecaster.predict_encoded(encoded, np.arange(parts.validation_end - 1, parts.rows - 1))


# Worth


def worth(folder: Path, trials: int, only, seconds: float):
    print(f"{'test RMSE / naive':<28}{'rows':>6}{'Recommended':>13}{'honest':>9}{'plain':>9}   winner; its gain, luck")
    rows = []
    for file in sorted(folder.glob("*.csv")):
        if only and not any(part in file.name for part in only):
            continue
        try:
            history = read_prices(file)
            line = measure(file, history, trials, seconds)
        except ForecastingError as error:
            print(f"{file.stem:<28.28} {error}", flush=True)
            continue
        rows.append(line)
        print(f"{file.stem:<28.28}{line['rows']:>6}{line['recommended']:>13.4f}{line['honest']:>9.4f}{line['plain']:>9.4f}   "
              f"{line['winner']}", flush=True)
    for name in ("honest", "plain"):
        ratios = [row[name] / row["recommended"] for row in rows if row["rows"] >= LONG]
        if ratios:
            print(f"{name} over Recommended, {len(ratios)} series of {LONG} test rows or more: geometric mean "
                  f"{statistics.geometric_mean(ratios):.4f}, worst {max(ratios):.4f}")


def measure(file, history, trials, seconds) -> dict:
    with Engine(2) as store:
        run, children = search(store, history, seconds, space=SPACE, folds=FOLDS, trials=trials)
        runs = [Child(child, store.result) for child in children]
        found = report(runs, Experiment(run, store, runs))
        tests = {of: child.scores["test"]["rmse"] / child.scores["test"]["naive_rmse"] for of, child in found.tests.items()}
    command = [sys.executable, __file__, "plain", str(file), str(trials)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    winner = found.decision.winner
    gained = (found.reference.value - found.best.value) / found.reference.value
    return {"rows": round(len(history) * RECOMMENDED.test_share), "recommended": tests[1], "honest": tests[winner],
            "plain": json.loads(done.stdout.splitlines()[-1]),
            "winner": f"{'Recommended' if winner == 1 else found.trial(winner).settings}; {gained:+.2%}, "
                      f"{found.luck / found.reference.value:+.2%}"}


def plain(file: Path, trials: int) -> float:
    """The test RMSE over naive's of the trial with the best validation RMSE of one split, read from the same training."""
    from forecasting.result import train
    from forecasting.runs.records import Run

    history, study, runs, found = read_prices(file), Study(SPACE, 0), [], []
    for number in range(1, trials + 1):
        key = f"trial-{number:04d}"
        config = reference(RECOMMENDED)
        settings = to_settings(config, SPACE) if number == 1 else study.suggest(key, number)
        if number > 1:
            config = from_settings(RECOMMENDED, settings)
        scores = train(history, config).metrics
        value = scores["validation"]["rmse"] / scores["validation"]["naive_rmse"]
        found.append((value, scores["test"]["rmse"] / scores["test"]["naive_rmse"]))
        runs.append(Run(id=f"{number:032x}", kind="trial", name="", state="finished", config=config, created=None, key=key,
                        parameters={"settings": settings}, scores={"folds": {"value": value}}))
        study.follow(runs)
    return min(found)[1]


if __name__ == "__main__":
    main()
