"""Cells and initial weights compared: what is planned, and what is told of networks that are there already."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from forecasting.errors import ConfigError
from forecasting.inside import load_example
from forecasting.model.cells import CELLS
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.kind import Child

CONFIG = load_example().config


def experiment(**changes):
    return SimpleNamespace(config=replace(CONFIG, **changes), history=SimpleNamespace(name="AAPL"),
                           run=SimpleNamespace(currency="USD"))


def child(number, result, ended=True, error="", **changes):
    """A training that has ended with this result, as if its settings had been others."""
    run = SimpleNamespace(id=f"{id(result)}-{number}-{sorted(changes.items())}", config=replace(result.config, **changes),
                          state="finished" if ended else "failed", has_result=ended, active=False, error=error,
                          scores=result.metrics)
    return Child(run, lambda _: result)


def plan(name, options=None, **changes):
    kind = EXPERIMENTS[name]
    options = kind.complete(options or {})
    planned = list(kind.plan(options, [], experiment(**changes)))
    assert len(planned) == len({one.key for one in planned}) == kind.trainings(options)
    return planned


def test_every_cell_is_trained_with_and_without_clipping_and_nothing_else_differs():
    planned = plan("cells")
    assert {(one.config.cell, one.config.clip_norm) for one in planned} == {
        (cell, limit) for cell in CELLS for limit in (CONFIG.clip_norm, None)}
    assert {replace(one.config, cell="lstm", clip_norm=None) for one in planned} == {replace(CONFIG, clip_norm=None)}
    # A run without a limit has one to be compared with, and keeps its own if only its own is asked for.
    assert {one.config.clip_norm for one in plan("cells", clip_norm=None)} == {1.0, None}
    assert {one.config.clip_norm for one in plan("cells", {"clip": "as_is"}, clip_norm=None)} == {None}


def test_the_cells_are_told_with_their_scores_their_gradients_and_what_failed():
    runs = [child(0, load_example(cell), cell=cell, clip_norm=limit) for cell in CELLS for limit in (1.0, None)]
    told = EXPERIMENTS["cells"].summarise([*runs, child(1, load_example("rnn"), ended=False, error="The loss was NaN.")],
                                          experiment())
    assert told.warnings == ("Simple RNN, clipped at 1: The loss was NaN.",)
    (table,) = told.tables
    assert table.frame.index.tolist() == [f"{CELLS[cell].label}, {end}" for end in ("clipped at 1", "not clipped")
                                          for cell in CELLS]
    assert table.frame.loc["LSTM, clipped at 1", "Clipped"] == "0.0 %"
    assert table.frame.loc["LSTM, not clipped", "Clipped"] == "–"
    assert told.sentence.endswith("Clipping acted on 0.3 % of 1\N{NARROW NO-BREAK SPACE}440 steps of training.")
    # In these networks the simple RNN's gradient does not fade first, and it is said.
    assert "not the textbook's picture" in told.sentence
    figures = [chart(dark=False) for chart in told.charts]
    assert [len(figure.data) for figure in figures] == [4, 4]
    assert len(told.compares["Lay curves and predictions beside each other"]) == 8


def test_initial_weights_are_compared_over_a_few_epochs_from_the_same_seed():
    planned = plan("starts")
    assert [one.config.initializer for one in planned] == ["glorot_uniform", "he_normal", "random_normal"]
    assert {(one.config.epochs, one.config.patience, one.config.seed) for one in planned} == {(10, None, CONFIG.seed)}
    runs = [child(2, load_example(cell), initializer=one.config.initializer)
            for one, cell in zip(planned, ("lstm", "gru", "rnn"), strict=True)]
    told = EXPERIMENTS["starts"].summarise(runs, experiment())
    (table,) = told.tables
    assert table.frame.index.tolist() == ["Xavier (Glorot)", "He", "Normal"]
    reach, *weights = [chart(dark=True) for chart in told.charts]
    assert [line.name for line in reach.data[:2]] == ["Xavier (Glorot), untrained", "Xavier (Glorot), epoch 2"]
    assert [figure.layout.title.text for figure in weights] == ["Layer 1, input weights", "Layer 1, recurrent weights"]
    assert [box.name for box in weights[0].data] == ["Untrained", "Epoch 1", "Epoch 2"]


@pytest.mark.parametrize("name", ["cells", "starts"])
def test_a_run_of_the_leak_lab_is_not_compared(name):
    with pytest.raises(ConfigError, match="choose an honest run"):
        EXPERIMENTS[name].check({}, None, replace(CONFIG, leak="scaler"))
