"""The engine in this process, with workers that compute a run when the test says so."""

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd

from forecasting.evaluation.scores import scores
from forecasting.runs import engine as engine_module
from forecasting.runs import worker
from forecasting.runs.engine import Engine, mend
from forecasting.runs.files import scratch
from forecasting.runs.kinds import RUN_KINDS, Computed, RunKind
from forecasting.runs.ledger import RunLedger


class Cluster:
    """Workers that begin what they are given. stopped: the runs that were told to stop"""

    def __init__(self, slots):
        self.slots, self.futures, self.stopped = slots, {}, []

    def free(self, submitted):
        return self.slots - submitted

    def size(self):
        return self.slots

    def submit(self, run_id, attempt):
        self.futures[run_id] = SimpleNamespace(done=lambda: False)
        return self.futures[run_id]

    def stop(self, run_id, attempt, reason, predicting=False):
        self.stopped.append(run_id)
        return True

    def tend(self, is_busy=False):
        pass

    def trouble(self):
        return None

    def listen(self):
        return {}

    def done(self, outcome):
        pass


class Laboratory:
    """An engine over the store of this home, moved by hand."""

    def __init__(self, monkeypatch, slots=2):
        monkeypatch.setattr(engine_module, "ASK_EVERY", -1.0)
        self.slots = slots
        self.restart()

    def restart(self):
        """Another engine takes over, as after a kill."""
        self.ledger, self.cluster = RunLedger(), Cluster(self.slots)
        self.engine = Engine(self.ledger, lambda: self.cluster, 3600.0)
        mend(self.ledger)

    @property
    def at_work(self):
        """Ids of the runs that workers have, in the order in which they got them."""
        return [run_id for run_id, future in self.cluster.futures.items() if not future.done()]

    def step(self, times=1):
        for _ in range(times):
            self.engine.step()

    def compute(self, run_id):
        """What a worker does with a run, to its end."""
        attempt = self.ledger.get(run_id).attempt
        ended, trace = worker.carry_out(RunLedger(), run_id, attempt, lambda: run_id in self.cluster.stopped)
        outcome = worker.Outcome(ended.state, ended.error, trace, "here", 1)
        self.cluster.futures[run_id].__dict__.update(done=lambda: True, status="finished", result=lambda timeout: outcome)
        return trace

    def work(self, rounds=50):
        """Until nobody has anything to do."""
        for _ in range(rounds):
            self.step()
            for run_id in self.at_work:
                self.compute(run_id)
            if not self.at_work and not self.ledger.waiting() and not self.ledger.experiments_at_work():
                return
        raise AssertionError("There is no end to it.")


def train_by_script(ledger, run, reporter, should_stop):
    """A training's result without a network: half of naive's error on every day."""
    history = ledger.history(run.id)
    close = history.frame["Close"]
    naive = close.shift().bfill()
    first = len(close) - round(len(close) * run.config.test_share)
    table = pd.DataFrame({"split": np.where(np.arange(len(close)) < first, "train", "test"), "actual": close,
                          "predicted": (close + naive) / 2, "naive": naive, "lower_80": close - 1, "upper_80": close + 1,
                          "lower_95": close - 2, "upper_95": close + 2})
    return Computed("stopped" if should_stop() else "finished", {"test": {"rmse": 1.0}},
                    lambda folder: table.to_parquet(folder / "predictions.parquet"))


def read_script(history):
    def read(folder):
        predictions = pd.read_parquet(folder / "predictions.parquet")
        test = predictions[predictions["split"] == "test"]
        values, _ = scores(test["actual"], test["predicted"], test["naive"])
        return SimpleNamespace(predictions=predictions, history=history, metrics={"test": values})

    return read


def script_trainings(monkeypatch, history):
    monkeypatch.setitem(RUN_KINDS, "train", RunKind(train_by_script, read_script(history)))


def finished_run(ledger, history, config, *, rmse=1.0, losses=(3.0, 2.0, 1.5), name=None, parent=None, owner="", size=1000):
    """A training that ended well without having been trained: its scores, its curve and `size` bytes of files. Its id."""
    run_id = ledger.create(history, config, name=name, owner=owner, parent=parent)
    ledger._write(run_id, tags={"started": repr(time.time() - 4.0)})
    ledger.log_progress(run_id, [(epoch, {"loss": loss, "val_loss": loss, "seconds": 0.1})
                                 for epoch, loss in enumerate(losses, start=1)],
                        {"phase": "saving", "epoch": len(losses), "epochs": config.epochs, "best_epoch": len(losses)})
    folder = scratch("finished")
    (folder / "files").write_bytes(bytes(size))
    ledger.put_result(run_id, folder, {"test": {"rmse": rmse, "naive_rmse": 1.0, "mape": 2 * rmse, "skill": 1 - rmse}})
    ledger.end(run_id, "finished")
    return run_id
