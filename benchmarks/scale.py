"""The app's machinery on a Dask cluster and an MLflow server, and over many trainings.

    python benchmarks/scale.py cluster --mlflow COMMAND
    python benchmarks/scale.py repeat [--trainings 200]
    python benchmarks/scale.py turns

`cluster`: a scheduler, two workers, each as on a machine of its own, and a server (COMMAND is a whole MLflow, which is not
among this project's requirements) with its own database. A training, its backtest, and a search of 16 trials, in the middle of
which a worker is killed; then a training during which the server is gone for a minute. `repeat`: many trainings in a row, and
what the engine and its workers hold after ten and after all of them. `turns`: twenty runs that five people queue, and who
starts when. `tune.py speed` measures trials a minute and what a job costs beside the training, `runs.py` a store of 2,000 runs.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import faults  # noqa: E402
from faults import HISTORY, LONG, TINY, Cluster, Place, engines, wait_for, workers  # noqa: E402

from forecasting import RECOMMENDED, load_sample  # noqa: E402

PATIENCE = 1800
AWAY_SECONDS = 60
MB = 1e6
PEOPLE = {"anna": 8, "bert": 5, "carl": 4, "dora": 2, "emil": 1}  # how many runs each queues, one person after another


def ended(store, run_id):
    return wait_for(lambda: run if not (run := store.get(run_id)).active else None, "the end of a run", PATIENCE)


def cluster(place: Place):
    with closing(Cluster(place)) as machines:
        place.use_store()
        place.app(**machines.environment)
        store = place.store
        began = time.monotonic()
        run_id = store.create(load_sample(), replace(RECOMMENDED, epochs=10))
        run = ended(store, run_id)
        assert run.state == "finished", run.error
        print(f"a training: finished after {time.monotonic() - began:.0f} s, RMSE {run.scores['test']['rmse']:.4f}", flush=True)

        began = time.monotonic()
        experiment = store.start_experiment("backtest", load_sample(), run.config, {"folds": 3, "mode": "expanding"},
                                            parent=run_id)
        whole = ended(store, experiment)
        states = [child.state for child in store.children(whole)]
        print(f"its backtest: {whole.state} after {time.monotonic() - began:.0f} s, folds {', '.join(states)}", flush=True)

        began = time.monotonic()
        searched = store.start_experiment("search", load_sample(), replace(RECOMMENDED, epochs=10), {"trials": 16, "folds": 2})
        wait_for(lambda: sum(not child.active for child in store.children(store.get(searched))) >= 4, "four trials", PATIENCE)
        busy = wait_for(lambda: next((one for one in store.children(store.get(searched)) if one.state == "running"), None),
                        "a trial at work")
        machines.computing(busy.id).kill()
        whole = ended(store, searched)
        children = store.children(whole)
        again = [child for child in children if child.attempt > 1]
        print(f"a search of 16 trials, a worker killed after four: {whole.state} after {time.monotonic() - began:.0f} s; "
              f"{len(children)} runs, {sum(child.state == 'finished' for child in children)} finished, "
              f"{sum(child.state == 'stopped' for child in children)} pruned, {len(again)} at a second attempt", flush=True)
        server_away(place, machines)


def server_away(place: Place, machines):
    store = place.store
    run_id = store.create(HISTORY, LONG)
    place.learnt(run_id, 50)
    server, command = machines.processes[0], machines.processes[0].cmdline()
    for process in [*server.children(recursive=True), server]:
        process.kill()
    time.sleep(AWAY_SECONDS)
    gone = time.time()
    machines.processes.append(psutil.Popen(command, env=os.environ, stdout=-3, stderr=-3, start_new_session=True))
    wait_for(lambda: _answers(store, run_id), "the server", 120)
    back = store.get(run_id).epoch
    wait_for(lambda: store.get(run_id).epoch > back + 50, "more epochs", PATIENCE)
    store.request_stop(run_id)
    run = ended(store, run_id)
    curve = store.curve(run_id)
    place.check_curve(run_id)
    at = curve["seconds"].cumsum()
    # By the clock of the training: the server was gone in the middle of it.
    end = at.iloc[-1] - (run.ended.timestamp() - gone)
    away = curve["seconds"][(at > end - AWAY_SECONDS) & (at < end)]
    there = curve["seconds"].drop(away.index).iloc[1:]
    print(f"an MLflow server gone for {AWAY_SECONDS} s: {run.state}, {len(curve)} epochs, each once; median epoch "
          f"{1000 * there.median():.0f} ms with it, {1000 * away.median():.0f} ms without", flush=True)


def _answers(store, run_id) -> bool:
    from forecasting import StoreUnavailable

    try:
        return bool(store.get(run_id))
    except StoreUnavailable:
        return False


def repeat(place: Place, trainings: int):
    place.app(workers=2)
    config = replace(TINY, units=(16,), window=20)
    for number in range(1, trainings + 1):
        ended(place.store, place.store.create(HISTORY, replace(config, seed=number)))
        if number in (10, trainings):
            (engine,) = engines(place.home)
            held = [process.memory_info().rss / MB for process in workers(place.home)]
            print(f"after {number} trainings: engine {engine.memory_info().rss / MB:.0f} MB, workers "
                  f"{', '.join(f'{memory:.0f}' for memory in sorted(held))} MB", flush=True)


def turns(place: Place):
    owners = {place.store.create(HISTORY, TINY, owner=person): person for person, runs in PEOPLE.items() for _ in range(runs)}
    place.app(workers=1)
    runs = [ended(place.store, run_id) for run_id in owners]
    order = [owners[run.id] for run in sorted(runs, key=lambda run: run.started)]
    print(f"queued {', '.join(f'{person} {runs}' for person, runs in PEOPLE.items())}; started in the order "
          f"{' '.join(person[0] for person in order)}", flush=True)
    # How evenly starts are shared out among those who queued so many, as long as all of them have runs waiting.
    for most in (1, 2, 4):
        people = [person for person, runs in PEOPLE.items() if runs >= most]
        contested = min(max(i for i, one in enumerate(order) if one == person) for person in people) + 1
        starts = [order[:contested].count(person) for person in people]
        print(f"  those who queued {most} or more, in the first {contested} starts: {starts}, Jain "
              f"{sum(starts) ** 2 / (len(starts) * sum(start ** 2 for start in starts)):.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", choices=("cluster", "repeat", "turns"))
    parser.add_argument("--mlflow", metavar="COMMAND", help="a whole MLflow, e.g. of another environment, to run a server")
    parser.add_argument("--trainings", type=int, default=200)
    asked = parser.parse_args()
    if asked.what == "cluster":
        if not asked.mlflow:
            parser.error("the cluster needs an MLflow server: --mlflow COMMAND")
        faults.MLFLOW.append(asked.mlflow)
    with tempfile.TemporaryDirectory(prefix="scale-", ignore_cleanup_errors=True) as folder:
        place = Place(Path(folder))
        try:
            {"cluster": cluster, "repeat": lambda one: repeat(one, asked.trainings), "turns": turns}[asked.what](place)
        finally:
            place.close()


if __name__ == "__main__":
    main()
