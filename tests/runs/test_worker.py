import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecasting.errors import NotEnoughData
from forecasting.runs import worker
from forecasting.runs.kinds import RUN_KINDS, RunKind

RUN = SimpleNamespace(id="0" * 32, kind="train", epochs=3)


def outcome_of(error, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setitem(RUN_KINDS, "train", RunKind(fail, None))
    computed, sentence, trace = worker._computed_by_kind(None, RUN, None, lambda: False)
    return computed.state, sentence, trace


def test_an_error_that_a_person_can_mend_goes_through_in_its_own_words(monkeypatch):
    assert outcome_of(NotEnoughData("Need 80 prices."), monkeypatch) == ("failed", "Need 80 prices.", None)


@pytest.mark.parametrize(("error", "state", "words"), [
    (ZeroDivisionError("secret detail"), "failed", "internal error (ZeroDivisionError); the log has the details"),
    (MemoryError(), "failed", "not enough memory"),
    (OSError(13, "Permission denied"), "interrupted", "Permission denied"),  # which is not the run's own fault
])
def test_any_other_error_is_a_sentence_and_a_traceback_for_the_log(monkeypatch, error, state, words):
    ended, sentence, trace = outcome_of(error, monkeypatch)
    assert ended == state
    assert words in sentence
    assert "secret" not in sentence
    assert type(error).__name__ in trace


def test_the_page_side_imports_nothing_heavy():
    modules = "store, launcher, export, files, records, kinds, experiments, conductor"
    heavy = "mlflow", "distributed", "tensorflow", "keras", "sklearn", "statsmodels", "sqlalchemy"
    code = f"import sys; from forecasting.runs import {modules}; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
