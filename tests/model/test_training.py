import dataclasses
import math
from itertools import pairwise

import keras
import numpy as np
import pytest

from forecasting.errors import NotEnoughData, TrainingError
from forecasting.model import training
from forecasting.model.config import CHOICES, ForecastConfig
from forecasting.model.learner import CALL_SECONDS, Learner, in_batches, lend_learner
from forecasting.model.listener import Callbacks
from forecasting.model.network import build_network
from forecasting.model.process import Pool
from forecasting.model.size import chunks_of
from forecasting.model.training import TrainingData, _Progress, fit_network, predict_windows, warm_up

CONFIG = ForecastConfig(window=6, units=(4,), batch_size=16, epochs=3, patience=None, target="price", learning_rate=0.01)


def make_data(rows=120, features=2, horizon=2, window=6, seed=0):
    """A noisy wave, its next values as targets; the last fifth validates."""
    rng = np.random.default_rng(seed)
    series = np.sin(np.arange(rows) / 3)[:, None] + 0.1 * rng.normal(size=(rows, features))
    targets = np.full((rows, horizon), np.nan)
    for step in range(1, horizon + 1):
        targets[:-step, step - 1] = series[step:, 0]
    cut = rows * 4 // 5
    return TrainingData(series, targets, np.arange(window - 1, cut - horizon), np.arange(cut - 1, rows - horizon))


def windows_of(data, origins, window):
    return np.stack([data.inputs[o - window + 1 : o + 1] for o in origins])


def fit(config, data=None, rates=None, **calls):
    data = data or make_data(window=config.window)
    network = build_network(dataclasses.replace(config, horizon=data.targets.shape[1]), data.inputs.shape[1])
    result = fit_network(network, data, dataclasses.replace(config, horizon=data.targets.shape[1]), Callbacks(**calls),
                         rates)
    return network, result


def flat(network):
    return np.concatenate([w.ravel() for w in network.get_weights()])


@pytest.mark.parametrize("settings", [
    {"optimizer": "adam", "loss": "mse", "clip_norm": None},
    {"optimizer": "sgd", "loss": "mae", "clip_norm": 0.05, "units": (4, 20), "batch_size": 40},
    {"optimizer": "rmsprop", "loss": "huber", "cell": "gru"},
    {"optimizer": "adamw", "weight_decay": 0.1, "cell": "tutorial_lstm"},
])
def test_an_epoch_moves_the_weights_as_keras_does(settings):
    config, data = dataclasses.replace(CONFIG, epochs=2, **settings), make_data()
    network, result = fit(config, data)

    theirs = build_network(dataclasses.replace(config, horizon=2), 2)
    arguments = {"learning_rate": 0.01, "global_clipnorm": config.clip_norm, "weight_decay": config.weight_decay or None}
    if config.optimizer == "sgd":
        arguments["momentum"] = config.momentum
    optimizer = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "rmsprop": keras.optimizers.RMSprop,
                 "sgd": keras.optimizers.SGD}[config.optimizer](**arguments)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    theirs.compile(optimizer, {"mse": "mse", "mae": "mae", "huber": keras.losses.Huber()}[config.loss],
                   run_eagerly=True)  # compiling takes longer than so few steps
    rng = np.random.default_rng(config.seed)
    for _ in range(config.epochs):
        order = rng.permutation(data.train)
        curve = theirs.fit(windows_of(data, order, 6), data.targets[order], batch_size=config.batch_size, shuffle=False,
                           verbose=0, validation_data=(windows_of(data, data.validation, 6), data.targets[data.validation]))
    np.testing.assert_allclose(flat(network), flat(theirs), atol=2e-5)
    assert result.curve["loss"].iloc[-1] == pytest.approx(curve.history["loss"][0], rel=1e-4)
    assert result.curve["val_loss"].iloc[-1] == pytest.approx(curve.history["val_loss"][0], rel=1e-4)


def test_supervising_every_step_weighs_each_training_target_and_no_other():
    config = dataclasses.replace(CONFIG, supervision="every_step", horizon=2, batch_size=8)
    data = make_data()
    rows, k = chunks_of(config)
    network = build_network(config, 2)
    with lend_learner(config, 2) as learner:
        learner.start(network.get_weights(), data)
        loss, finished = learner.train_epoch(np.random.default_rng(5), 0.0, lambda: False)

    first, last = data.train[[0, -1]]
    ends = np.minimum(np.arange(last + np.random.default_rng(5).integers(k), first - 1, -k), last)
    errors = []
    for end in ends:
        origins = np.arange(max(first, end - k + 1), end + 1)
        start = max(0, end - k + 1 - config.window + 1)
        padding = np.zeros((config.window + k - 1 - (end + 1 - start), 2))
        chunk = np.concatenate([padding, data.inputs[start : end + 1]])
        states = keras.layers.LSTM(4, return_sequences=True)
        states.build((None, None, 2))
        states.set_weights(network.get_weights()[:3])
        forecasts = network.layers[-1](states(chunk[None].astype("float32")))[0, -len(origins):]
        errors.append(((forecasts - data.targets[origins]) ** 2).numpy().mean(axis=1))
    assert finished
    assert rows * k > len(ends)
    assert set(np.concatenate([np.arange(max(first, e - k + 1), e + 1) for e in ends])) == set(data.train)
    assert loss == pytest.approx(np.concatenate(errors).mean(), rel=1e-5)


def test_targets_outside_the_training_part_teach_nothing():
    data = make_data()
    wild = data.targets.copy()
    wild[np.setdiff1d(np.arange(len(wild)), np.concatenate([data.train, data.validation]))] = 1e6
    for supervision in CHOICES["supervision"]:
        config = dataclasses.replace(CONFIG, supervision=supervision)
        network, _ = fit(config, data)
        other, _ = fit(config, dataclasses.replace(data, targets=wild))
        np.testing.assert_array_equal(flat(network), flat(other))


@pytest.mark.parametrize("supervision", CHOICES["supervision"])
def test_validation_loss_is_that_of_the_windowed_forecasts(supervision):
    data = make_data()
    network, result = fit(dataclasses.replace(CONFIG, supervision=supervision), data)
    forecasts = network(windows_of(data, data.validation, 6)).numpy()
    expected = np.mean((forecasts - data.targets[data.validation]) ** 2)
    assert result.curve["val_loss"].iloc[-1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("settings", [
    {}, {"supervision": "every_step"}, {"batch_size": 32, "units": (4, 4), "dropout": 0.3},
    {"cell": "tutorial_lstm", "recurrent_dropout": 0.3}, {"recurrent_dropout": 0.3}])
def test_same_settings_and_seed_give_the_same_weights_bit_for_bit(settings):
    config = dataclasses.replace(CONFIG, **settings)
    first, result = fit(config)
    fit(dataclasses.replace(config, learning_rate=0.3))  # the compiled steps are the same, and must forget it
    again, repeated = fit(config)
    np.testing.assert_array_equal(flat(first), flat(again))
    assert result.curve.drop(columns="seconds").equals(repeated.curve.drop(columns="seconds"))


def test_another_seed_gives_other_weights():
    assert not np.array_equal(flat(fit(CONFIG)[0]), flat(fit(dataclasses.replace(CONFIG, seed=1))[0]))


def test_training_learns_what_there_is_to_learn():
    config = dataclasses.replace(CONFIG, target="change", epochs=40, learning_rate=0.03)
    for supervision in CHOICES["supervision"]:
        _, result = fit(dataclasses.replace(config, supervision=supervision), make_data(rows=300))
        assert result.curve["val_loss"].min() < 0.1


def test_the_curve_tells_what_on_epoch_was_told():
    logs = []
    _, result = fit(CONFIG, on_epoch=logs.append)
    assert result.curve["epoch"].tolist() == [1, 2, 3] == [log.epoch for log in logs]
    for name in ("loss", "val_loss", "seconds"):
        assert result.curve[name].tolist() == [getattr(log, name) for log in logs]
    assert logs[-1].best_epoch == result.best_epoch == result.curve["val_loss"].argmin() + 1
    assert not result.stopped


def test_best_weights_are_kept_and_training_ends_when_patience_does():
    progress = _Progress(dataclasses.replace(CONFIG, patience=2), "untrained")
    for epoch, val_loss in enumerate([3.0, 1.0, 2.0], start=1):
        progress.add(epoch, val_loss, f"weights {epoch}")
        assert not progress.is_over
    progress.add(4, 1.0, "weights 4")
    assert progress.is_over
    assert (progress.best_epoch, progress.kept_epoch, progress.weights) == (2, 2, "weights 2")


def test_without_patience_all_epochs_run_and_the_last_weights_stay():
    progress = _Progress(dataclasses.replace(CONFIG, patience=None), "untrained")
    for epoch, val_loss in enumerate([1.0] + [2.0] * 50, start=1):
        progress.add(epoch, val_loss, f"weights {epoch}")
        assert not progress.is_over
    assert (progress.best_epoch, progress.kept_epoch, progress.weights) == (1, 51, "weights 51")


@pytest.mark.parametrize(("patience", "best", "kept"), [(None, 1, 6), (2, 0, 0)])
def test_the_rates_up_to_the_kept_weights_are_told(patience, best, kept):
    data = make_data()
    learnt = np.isin(np.arange(len(data.targets)), data.train)[:, None]  # what is learnt makes validation worse
    data = dataclasses.replace(data, targets=np.where(np.isnan(data.targets), np.nan, np.where(learnt, 1.0, 0.0)))
    config = dataclasses.replace(CONFIG, target="change", patience=patience, epochs=6, schedule="cosine")
    told = []
    _, result = fit(config, data, on_epoch=told.append)
    assert result.best_epoch == best
    assert result.rates == tuple(log.learning_rate for log in told[:kept])
    assert len(result.rates) == kept


def test_given_rates_are_run_as_the_training_they_come_from():
    config = dataclasses.replace(CONFIG, schedule="cosine", epochs=6)
    told = []
    network, result = fit(config, on_epoch=told.append, should_stop=lambda: len(told) == 4)
    again, repeated = fit(config, rates=result.rates)
    assert result.rates[3] < 0.6 * config.learning_rate
    assert len(repeated.curve) == 4
    np.testing.assert_array_equal(flat(network), flat(again))


def test_learning_rate_follows_its_schedule():
    def rates(schedule, losses):
        progress, got = _Progress(dataclasses.replace(CONFIG, schedule=schedule, epochs=4, learning_rate=0.1), None), []
        for epoch, val_loss in enumerate(losses, start=1):
            got.append(progress.learning_rate(epoch))
            progress.add(epoch, val_loss, None)
        return got

    assert rates("constant", [1, 2, 3, 4]) == [0.1] * 4
    np.testing.assert_allclose(rates("cosine", [1, 2, 3, 4]), [0.1, 0.05 + 0.05 * math.sqrt(0.5), 0.05,
                                                              0.05 - 0.05 * math.sqrt(0.5)])
    assert rates("plateau", [5, 6, 6, 6, 4, 5, 5, 5, 5]) == [0.1] * 4 + [0.05] * 4 + [0.025]


def test_the_untrained_network_stays_where_nothing_is_better():
    data = make_data()
    data = dataclasses.replace(data, targets=np.where(np.isnan(data.targets), np.nan, 0.0))
    config = dataclasses.replace(CONFIG, target="change", patience=2, epochs=10, learning_rate=0.1)
    noise = dataclasses.replace(data, targets=data.targets + np.where(
        np.isin(np.arange(len(data.targets)), data.train)[:, None], 1.0, 0.0))
    network, result = fit(config, noise)
    assert result.best_epoch == 0
    assert len(result.curve) == 2
    assert not network.layers[-1].get_weights()[0].any()


def test_the_untrained_network_is_no_candidate_when_it_predicts_prices():
    _, result = fit(dataclasses.replace(CONFIG, patience=1, epochs=1, learning_rate=1.0))
    assert result.best_epoch == 1


class StopAfter:
    """should_stop that says so from its nth question on."""

    def __init__(self, questions):
        self.left = questions

    def __call__(self):
        self.left -= 1
        return self.left < 0


def test_a_stop_in_the_first_epoch_keeps_what_was_learnt():
    logs, config = [], dataclasses.replace(CONFIG, batch_size=1, patience=5, target="change")
    fit(dataclasses.replace(config, epochs=1))  # compiled, so that the questions below are those between steps
    network, result = fit(config, on_epoch=logs.append, should_stop=StopAfter(3))
    assert result.stopped
    assert result.curve["epoch"].tolist() == [1] == [log.epoch for log in logs]
    assert np.isfinite(result.curve.to_numpy()).all()
    assert network.layers[-1].get_weights()[0].any() == (result.best_epoch == 1)


def test_a_stop_while_the_first_step_is_compiled_waits_for_neither_and_spoils_no_later_training():
    config, asked = dataclasses.replace(CONFIG, horizon=2, units=(5,), target="change"), []
    network = build_network(config, 2)
    before = flat(network)
    result = fit_network(network, make_data(), config, Callbacks(should_stop=lambda: asked.append(1) or len(asked) > 2))
    assert result.stopped
    assert result.curve.empty
    assert len(asked) <= 5
    np.testing.assert_array_equal(flat(network), before)
    again, repeated = fit(config)
    assert len(repeated.curve) == config.epochs
    np.testing.assert_array_equal(flat(again), flat(fit(config)[0]))


def test_a_stop_before_the_first_step_leaves_the_network_as_it_was():
    config, data = dataclasses.replace(CONFIG, horizon=2), make_data()
    network = build_network(config, 2)
    before = flat(network)
    result = fit_network(network, data, config, Callbacks(should_stop=lambda: True))
    assert result.stopped
    assert result.curve.empty
    assert list(result.curve) == ["epoch", "loss", "val_loss", "seconds"]
    np.testing.assert_array_equal(flat(network), before)


def test_a_later_stop_keeps_the_whole_epochs_before_it():
    seen = []
    _, result = fit(dataclasses.replace(CONFIG, epochs=50), on_epoch=seen.append, should_stop=lambda: len(seen) >= 2)
    assert result.stopped
    assert len(result.curve) == 2


def test_steps_between_two_questions_are_bounded_by_their_time():
    config, data = dataclasses.replace(CONFIG, horizon=2, batch_size=1), make_data(rows=400)
    learner, ends = Learner(config, 2), []
    learner.start(build_network(config, 2).get_weights(), data)
    calls = learner._train
    learner._train = lambda *arguments: (ends.append(arguments[-2:]), calls(*arguments))[1]
    learner.train_epoch(np.random.default_rng(0), 0.01, lambda: False)
    assert [first for first, _ in ends] == [0] + [end for _, end in ends[:-1]]
    lengths = [end - first for first, end in ends]
    assert lengths[0] == 1
    assert all(b <= 2 * a for a, b in pairwise(lengths))
    assert 0 < CALL_SECONDS < 0.5


def test_a_loss_that_is_no_longer_a_number_ends_training_with_finite_weights():
    data = make_data()
    inputs = data.inputs.copy()
    inputs[50] = np.inf
    config = dataclasses.replace(CONFIG, horizon=2)
    network = build_network(config, 2)
    with pytest.raises(TrainingError, match=r"no longer a number in epoch 1.*learning rate 0\.01"):
        fit_network(network, dataclasses.replace(data, inputs=inputs), config)
    assert np.isfinite(flat(network)).all()


def test_no_window_to_learn_from_is_said():
    data = dataclasses.replace(make_data(), train=np.arange(0))
    with pytest.raises(NotEnoughData, match="Received: 0 and 23"):
        fit(CONFIG, data)


@pytest.mark.parametrize("cell", CHOICES["cell"])
def test_forecasts_are_those_of_the_model_on_each_window(cell):
    data, config = make_data(rows=60), dataclasses.replace(CONFIG, cell=cell, horizon=2)
    network = build_network(config, 2)
    origins = np.array([59, 5, 30, 31, 30])
    expected = network(windows_of(data, origins, 6)).numpy()
    np.testing.assert_allclose(predict_windows(network, data.inputs, origins), expected, atol=1e-6)
    assert predict_windows(network, data.inputs, origins).dtype == np.float32


def test_forecasts_in_many_batches_keep_their_order(monkeypatch):
    monkeypatch.setattr("forecasting.model.size.FORECAST_STEPS", 6 * 8)
    data, config = make_data(rows=60), dataclasses.replace(CONFIG, horizon=2)
    network, origins = build_network(config, 2), np.arange(5, 60)
    expected = network(windows_of(data, origins, 6)).numpy()
    np.testing.assert_allclose(predict_windows(network, data.inputs, origins), expected, atol=1e-6)
    done = []
    stopped = predict_windows(network, data.inputs, origins, watch=lambda share: done.append(share) or len(done) == 2)
    assert done == [8 / 55, 16 / 55]
    assert np.isfinite(stopped[:16]).all()
    assert np.isnan(stopped[16:]).all()


def test_batches_hold_every_origin_once_in_order_and_split_evenly():
    batches = in_batches(np.arange(10, 17), rows=3, parts=2)
    assert batches.tolist() == [[10, 11, 12, -1], [13, 14, 15, -1], [16, -1, -1, -1]]


def test_a_warm_engine_compiles_nothing_more():
    config = dataclasses.replace(CONFIG, horizon=2, units=(3,))
    warm_up(config, n_features=2)
    with lend_learner(config, 2) as learner:
        traces = learner._train.experimental_get_tracing_count()
    fit(dataclasses.replace(config, epochs=7, learning_rate=0.3, patience=2))
    with lend_learner(dataclasses.replace(config, seed=3), 2) as again:
        assert again is learner
    assert learner._train.experimental_get_tracing_count() == traces == 1


def test_networks_of_one_shape_share_what_is_compiled_and_keep_their_own_forecasts(monkeypatch):
    inputs, origins = np.random.default_rng(0).normal(size=(60, 1)), np.arange(5, 60)
    first, second = build_network(CONFIG, 1), build_network(CONFIG, 1)
    second.set_weights([0.5 * weight for weight in second.get_weights()])
    expected = [network.predict(np.stack([inputs[o - 5 : o + 1] for o in origins]), verbose=0) for network in (first, second)]
    assert np.abs(expected[0] - expected[1]).max() > 0.01
    compiled = []
    pool = Pool(lambda description: compiled.append(description) or training._compile_forecast(description), kept=1)
    monkeypatch.setattr(training, "_forecasts", pool)
    for network, forecast in zip((first, second, first), (*expected, expected[0]), strict=True):
        np.testing.assert_allclose(predict_windows(network, inputs, origins), forecast, atol=1e-6)
    assert len(compiled) == 1
