"""Snapshots: how many are kept, that they come back from a file, and what is made of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import ForecastConfig, load_run, train
from forecasting.errors import RunError
from forecasting.inside import gates, replay, start_of
from forecasting.inside.examples import load_example
from forecasting.inside.through_time import loss_gradient
from forecasting.inside.window import windows_at
from forecasting.model.snapshots import MOST_BYTES, MOST_SNAPSHOTS, Snapshots
from forecasting.model.split import learning_origins
from tests.inside.networks import make, prices


@pytest.fixture(scope="module")
def trained():
    """Three epochs of one step each, with a limit that some gradients exceed."""
    config = ForecastConfig(window=9, units=(3,), epochs=3, patience=None, batch_size=512, clip_norm=0.02, learning_rate=0.01,
                            target="price")
    return train(prices(), config)


def taken(epochs, size=10):
    snapshots = Snapshots()
    for epoch in range(epochs + 1):
        snapshots.add(epoch, [np.full((size, 2), epoch, "float32"), np.full(3, -epoch, "float32")])
    return snapshots


@pytest.mark.parametrize("epochs", [0, 1, 2, 11, 12, 13, 60, 100, 999])
def test_snapshots_stay_few_and_spread_over_the_whole_training(epochs):
    snapshots = taken(epochs)
    assert len(snapshots.epochs) <= MOST_SNAPSHOTS
    assert {0, min(1, epochs), epochs} <= set(snapshots.epochs)
    assert snapshots.epochs == sorted(set(snapshots.epochs))
    if epochs > MOST_SNAPSHOTS:
        assert len(snapshots.epochs) > MOST_SNAPSHOTS / 2
        assert max(np.diff(snapshots.epochs)) <= epochs / 4
    for epoch, (one, other) in zip(snapshots.epochs, snapshots.weights, strict=True):
        assert (one == epoch).all()
        assert (other == -epoch).all()


@pytest.mark.parametrize(("size", "most"), [(25_000, 6), (50_000, 3), (60_000, 0), (10_000_000, 0)])
def test_snapshots_of_large_networks_are_fewer_or_none(size, most):
    snapshots = Snapshots()
    weights = [np.zeros((size, 2), "float32")]
    for epoch in range(20):
        snapshots.add(epoch, weights)
    assert 0 <= most - len(snapshots.epochs) <= most / 2
    assert sum(one.nbytes for each in snapshots.weights for one in each) <= MOST_BYTES


def test_snapshots_survive_a_file_and_go_on_from_it(tmp_path):
    first = taken(30)
    first.record([0.5, 2.0], 1.0)
    np.savez(tmp_path / "one.npz", **first.to_arrays())
    with np.load(tmp_path / "one.npz") as arrays:
        again = Snapshots.from_arrays({name: arrays[name] for name in arrays.files})
    for snapshots in (first, again):
        for epoch in range(31, 60):
            snapshots.add(epoch, [np.full((10, 2), epoch, "float32"), np.zeros(3, "float32")])
        snapshots.record([0.25], None)
    assert again.epochs == first.epochs
    pd.testing.assert_frame_equal(again.gradients, first.gradients)
    assert first.gradients.to_dict("list") == {
        "epoch": [1, 2], "steps": [2, 1], "clipped": [1, 0], "mean_norm": [1.25, 0.25], "largest_norm": [2.0, 0.25],
        "mean_factor": [0.75, 1.0]}
    with pytest.raises(ValueError, match="snapshots"):
        Snapshots.from_arrays(first.to_arrays() | {"epochs": np.arange(3)})


def test_a_run_keeps_its_snapshots_and_the_length_of_its_gradients(trained, tmp_path):
    trained.save(tmp_path)
    assert (tmp_path / "snapshots.npz").stat().st_size < 10_000
    loaded = load_run(tmp_path)
    assert loaded.snapshots.epochs == [0, 1, 2, 3]
    pd.testing.assert_frame_equal(loaded.snapshots.gradients, trained.snapshots.gradients)
    for one, other in zip(loaded.snapshots.weights[-1], trained.network.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    # The first step's gradient, of all training windows at the weights that the training started from.
    origins, _ = learning_origins(trained.split, trained.config)
    network = trained.network.with_weights(trained.snapshots.weights[0]).astype(np.float64)
    done = network.forward(windows_at(trained, origins))
    back = network.backward(done, loss_gradient("mse", done.output - trained.encoded.targets[origins]) / len(origins))
    norm = np.sqrt(sum((weight**2).sum() for weight in back.dweights))
    first = trained.snapshots.gradients.iloc[0]
    assert (first["steps"], first["clipped"]) == (1, 1)
    assert first["largest_norm"] == pytest.approx(norm, rel=1e-2)  # half precision
    assert first["mean_factor"] == pytest.approx(0.02 / norm, rel=1e-2)
    # An older run has none, and opens all the same.
    (tmp_path / "snapshots.npz").unlink()
    with pytest.raises(RunError, match="kept no snapshots"):
        replay(load_run(tmp_path))


def test_learning_is_replayed_up_to_the_weights_that_were_kept():
    result = load_example()
    day = result.predictions.index[-100]
    found = replay(result, day, most=10)
    assert found.epochs.tolist() == [0, 1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert found.predicted.shape == (12, 10)
    for name, values in gates(result, day)[0].items():
        np.testing.assert_allclose(found.gates[-1][0][name], values, atol=1e-5)
    np.testing.assert_allclose(found.predicted[-1], result.predictions["predicted"][found.days], rtol=1e-5)
    np.testing.assert_array_equal(found.actual, result.predictions["actual"][found.days])
    np.testing.assert_array_equal(found.naive, result.predictions["naive"][found.days])
    np.testing.assert_allclose(found.predicted[0], found.naive)  # untrained: the naive forecast
    last = found.weights[-1]["Layer 1, recurrent weights"]
    np.testing.assert_allclose(last[[0, 20, 40]], np.quantile(result.network.layers[0][1], [0, 0.5, 1]), rtol=1e-5)


def test_the_best_epochs_weights_come_last_where_they_were_kept():
    result = load_example()
    early = replace(result, config=replace(result.config, patience=5))
    assert replay(early, most=2).epochs.tolist()[-2:] == [20, early.best_epoch]


def test_a_start_is_a_network_before_and_after_its_first_epochs():
    result = load_example("gru")
    first, later = start_of(result, 0), start_of(result, 3)
    assert (first.epoch, later.epoch) == (0, 2)  # the nearest earlier one that is kept
    assert not first.weights["Layer 1, biases"].any()
    assert later.weights["Layer 1, biases"].any()
    assert [len(one) for one in first.spread] == [60]
    assert first.norms.shape == (1, 60)
    assert first.norms[0, 0] == pytest.approx(1)


def test_a_network_too_large_for_snapshots_says_so():
    result, _ = make()
    with pytest.raises(RunError, match=r"Snapshots of this network, with 152 weights, would take too much room"):
        replay(replace(result, snapshots=Snapshots()))
