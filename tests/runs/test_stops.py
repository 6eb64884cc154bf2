"""Stop, asked in each phase of a training."""

import dataclasses
import uuid
from types import SimpleNamespace

import pytest

from forecasting.result import load_run
from forecasting.runs.kinds.train import TRAIN

PHASES = ["preparing the data", "fitting the linear part", "training", "predicting", "scoring"]


class Ledger:
    """Has the prices of the one run there is."""

    def __init__(self, history):
        self._history = history

    def history(self, run_id):
        return self._history


@pytest.fixture
def phases():
    """The phases so far, and what a training calls to say them."""
    seen = []
    return SimpleNamespace(seen=seen, reporter=SimpleNamespace(phase=seen.append, epoch=lambda log: seen.append(log.epoch)))


def run_of(config):
    return SimpleNamespace(id=uuid.uuid4().hex, attempt=1, config=dataclasses.replace(config, skip="ridge"))


def test_these_are_the_phases(home, history, tiny, phases):
    assert TRAIN.compute(Ledger(history), run_of(tiny), phases.reporter, lambda: False).state == "finished"
    assert [phase for phase in phases.seen if isinstance(phase, str)] == PHASES


@pytest.mark.parametrize("phase", [*PHASES, 1, 3])
def test_stop_in_any_phase_keeps_what_was_learnt(home, tmp_path, history, tiny, phases, phase):
    config = dataclasses.replace(tiny, epochs=3 if isinstance(phase, str) else 50)
    computed = TRAIN.compute(Ledger(history), run_of(config), phases.reporter, lambda: phase in phases.seen)
    assert computed.state == "stopped"
    computed.save(tmp_path)
    result = load_run(tmp_path)
    assert result.predictions["predicted"].notna().all()
    assert result.metrics["test"]["rmse"] > 0
    after_training = PHASES.index(phase) > PHASES.index("training") if isinstance(phase, str) else False
    assert len(result.curve) == (3 if after_training else phase if isinstance(phase, int) else 0)
