"""Stop, asked in each phase of a training."""

import dataclasses
import uuid
from types import SimpleNamespace

import pytest

from forecasting.result import load_run
from forecasting.runs.kinds.train import TRAIN

PHASES = ["preparing the data", "fitting the linear part", "training", "predicting", "scoring", "saving"]


class Ledger:
    """Takes the result of the one run there is."""

    def __init__(self, history):
        self._history = history

    def history(self, run_id):
        return self._history

    def put_result(self, run_id, folder, scores, epoch_seconds, patience):
        self.result = load_run(folder)


@pytest.fixture
def phases():
    """The phases so far, and what a training calls to say them."""
    seen = []
    return SimpleNamespace(seen=seen, reporter=SimpleNamespace(phase=seen.append, epoch=lambda log: seen.append(log.epoch)))


def run_of(config):
    return SimpleNamespace(id=uuid.uuid4().hex, attempt=1, config=dataclasses.replace(config, skip="ridge"))


def test_these_are_the_phases(home, history, tiny, phases):
    assert TRAIN.compute(Ledger(history), run_of(tiny), phases.reporter, lambda: False) == "finished"
    assert [phase for phase in phases.seen if isinstance(phase, str)] == PHASES


@pytest.mark.parametrize("phase", [*PHASES, 1, 3])
def test_stop_in_any_phase_keeps_what_was_learnt(home, history, tiny, phases, phase):
    config = dataclasses.replace(tiny, epochs=3 if isinstance(phase, str) else 50)
    ledger = Ledger(history)
    state = TRAIN.compute(ledger, run_of(config), phases.reporter, lambda: phase in phases.seen)
    assert state == "stopped"
    result = ledger.result
    assert result.predictions["predicted"].notna().all()
    assert result.metrics["test"]["rmse"] > 0
    after_training = PHASES.index(phase) > PHASES.index("training") if isinstance(phase, str) else False
    assert len(result.curve) == (3 if after_training else phase if isinstance(phase, int) else 0)
