"""How a training went, in words."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from forecasting import ForecastConfig, PriceHistory
from forecasting.evaluation.learning import ending_words, gap_words
from forecasting.model.split import split

CONFIG = ForecastConfig(epochs=60, patience=4)


@pytest.mark.parametrize(("changes", "epochs", "best", "stopped", "words"), [
    ({}, 6, 2, False,
     "Stopped early after epoch 6 of 60: no improvement for 4 epochs; the weights of epoch 2 were kept."),
    ({}, 4, 0, False, "Stopped early after epoch 4 of 60: no improvement for 4 epochs; no epoch was clearly better than "
                      "the untrained network, whose weights were kept."),
    ({"patience": 1}, 3, 2, False,
     "Stopped early after epoch 3 of 60: no improvement for 1 epoch; the weights of epoch 2 were kept."),
    ({}, 60, 58, False, "All 60 epochs were trained; the weights of epoch 58 were kept."),
    ({}, 60, 60, False, "All 60 epochs were trained; the weights of epoch 60 were kept, the last one: the validation loss was "
                        "still falling, so more epochs may help."),
    ({"epochs": 1}, 1, 1, False, "The one epoch was trained; the weights of epoch 1 were kept."),
    ({"patience": None}, 60, 7, False, "All 60 epochs were trained; the weights of the last one were kept, as early stopping "
                                       "is off. The validation loss was lowest after epoch 7."),
    ({"patience": None}, 60, 60, False,
     "All 60 epochs were trained; the weights of the last one were kept, as early stopping is off."),
    ({}, 5, 3, True, "Stopped by hand at epoch 5 of 60; the weights of epoch 3 were kept."),
    ({"patience": None}, 5, 3, True, "Stopped by hand at epoch 5 of 60; the weights of the last one were kept, as early "
                                     "stopping is off. The validation loss was lowest after epoch 3."),
    ({}, 0, 0, True, "Stopped by hand before the first of 60 epochs ended; the network is untrained."),
])
def test_end_of_a_training_is_told_as_it_was(changes, epochs, best, stopped, words):
    assert ending_words(replace(CONFIG, **changes), epochs, best, stopped) == words


def result(config, loss=1.2, val_loss=1.0, calm_from=None):
    """A result of a walk whose moves are a third of their size from row `calm_from` on."""
    moves = np.random.default_rng(0).normal(0, 0.01, 400)
    moves[calm_from:] /= 3 if calm_from else 1
    days = pd.bdate_range("2020-01-01", periods=400)
    history = PriceHistory(pd.DataFrame({"Close": 100 * np.exp(moves.cumsum())}, index=days), name="made", source="test",
                           frequency="trading days")
    return SimpleNamespace(config=config, history=history, split=split(400, config),
                           curve=pd.DataFrame({"epoch": [1], "loss": [loss], "val_loss": [val_loss]}))


def test_training_loss_below_validation_needs_no_reason():
    assert gap_words(result(CONFIG, loss=0.9)) is None


@pytest.mark.parametrize(("changes", "calm_from", "reason", "named"), [
    ({}, None, "weights were still moving", True),
    ({"units": (4, 4), "dropout": 0.2}, None, "dropout", True),
    ({"units": (4,), "dropout": 0.2}, None, "dropout", False),
    ({"units": (4,), "recurrent_dropout": 0.2}, None, "dropout", True),
    ({"supervision": "every_step"}, None, "every step", True),
    ({"supervision": "last_step"}, None, "every step", False),
    ({}, 280, "more restless", True),
    ({}, None, "more restless", False),
    ({"target": "price"}, 280, "more restless", False),
])
def test_only_reasons_that_hold_for_the_run_are_named(changes, calm_from, reason, named):
    words = gap_words(result(replace(CONFIG, **changes), calm_from=calm_from))
    assert (reason in words) == named


def test_restless_training_part_is_told_with_both_sizes():
    made = result(CONFIG, calm_from=280)
    moves = np.diff(np.log(made.history.close))
    training, validation = (100 * np.sqrt(np.mean(part**2)) for part in (moves[:279], moves[279:319]))
    assert f"moving {training:.2f} % a day against {validation:.2f} %" in gap_words(made)
