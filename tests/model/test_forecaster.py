import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting.data.history import PriceHistory
from forecasting.model.config import FEATURES, ForecastConfig
from forecasting.model.encoding import check_history, encode
from forecasting.model.forecaster import Forecaster, _is_better, combine, fit_forecaster, refit_forecaster
from forecasting.model.listener import Callbacks
from forecasting.model.skip import Choice, LinearSkip
from forecasting.model.split import split

CONFIG = ForecastConfig(window=6, horizon=2, units=(3,), epochs=2, batch_size=32, skip="ridge", season="auto")
ROWS = 160


def make_history(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, rows)))
    frame = pd.DataFrame({"Open": close * 1.01, "High": close * 1.02, "Low": close * 0.98, "Close": close,
                          "Volume": rng.uniform(1, 2, rows)}, index=pd.bdate_range("2020-01-01", periods=rows))
    return PriceHistory(frame, name="made", source="a test")


def make_waves(rows=ROWS, season=5):
    """Prices with a weekly pattern, as frequency 'trading days' has a season of 5."""
    moves = np.tile([0.03, -0.01, 0.02, -0.05, 0.01], rows // season + 1)[:rows]
    moves = moves + np.random.default_rng(0).normal(0, 0.002, rows)
    frame = pd.DataFrame({"Close": 100 * np.exp(np.cumsum(moves))}, index=pd.bdate_range("2020-01-01", periods=rows))
    return PriceHistory(frame, name="waves", source="a test")


def learn(history, config=CONFIG, **calls):
    parts = split(len(history), config)
    return fit_forecaster(encode(history, config, parts), config, parts, *([Callbacks(**calls)] if calls else []))


def weights_of(forecaster):
    return [variable.numpy() for variable in forecaster.model.weights]


def test_an_untrained_network_predicts_the_last_price():
    history = make_history()
    forecaster, fitted, _ = learn(history, dataclasses.replace(CONFIG, skip=None), should_stop=lambda: True)
    assert (fitted.best_epoch, fitted.stopped) == (0, True)
    predicted = forecaster.predict(history, [20, ROWS - 1])
    np.testing.assert_array_equal(predicted, np.tile(history.close[[20, ROWS - 1], None], 2))


def test_the_network_and_the_linear_part_add_up_in_one_plain_model():
    import keras

    from forecasting.model.network import build_network

    config = dataclasses.replace(CONFIG, features=("month", "Close"), target="price")
    core = build_network(config, 3)
    kernel = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    model = combine(core, LinearSkip(kernel, Choice("flat", 0.1, 3, 1, (1, 2))), config, ("sine", "cosine", "Close"))
    inputs = np.random.default_rng(1).normal(size=(4, 9, 3)).astype(np.float32)
    expected = core(inputs[:, 3:]).numpy() + np.einsum("blk,lh->bh", inputs[:, :, 2:], kernel)
    np.testing.assert_allclose(model(inputs).numpy(), expected, atol=1e-5)
    plain = (keras.layers.InputLayer, keras.layers.LSTM, keras.layers.Dense, keras.layers.Flatten,
             keras.layers.Cropping1D, keras.layers.Add)
    assert all(type(layer) in plain for layer in model.layers)
    assert not model.get_layer("linear").trainable


def test_without_a_linear_part_the_network_itself_is_the_model():
    core = object()
    assert combine(core, None, CONFIG, ("Close",)) is core
    assert combine(core, LinearSkip(np.zeros((6, 2)), Choice()), CONFIG, ("Close",)) is core


def test_a_season_is_found_and_read_from_rows_before_the_window():
    history = make_waves()
    config = dataclasses.replace(CONFIG, window=4)
    forecaster, _, choice = learn(history, config)
    assert choice.season == 5
    assert forecaster.length > 4
    test = np.arange(140, ROWS - 1)
    errors = history.close[test + 1] - forecaster.predict(history, test)[:, 0]
    assert np.abs(errors).mean() < 0.3 * np.abs(np.diff(history.close[140:])).mean()


def test_a_price_target_has_no_season():
    _, _, choice = learn(make_waves(), dataclasses.replace(CONFIG, target="price"))
    assert choice.season == 0


@pytest.mark.parametrize(("target", "features"), [("change", ("Close",)), ("price", FEATURES)])
def test_every_target_and_feature_trains_and_predicts(target, features):
    history = make_history()
    forecaster, fitted, _ = learn(history, dataclasses.replace(CONFIG, target=target, features=features))
    assert len(fitted.curve) >= 1
    predicted = forecaster.predict(history, np.arange(5, ROWS))
    assert predicted.shape == (ROWS - 5, 2)
    assert np.isfinite(predicted).all()


def test_the_same_seed_gives_the_same_weights():
    history = make_history()
    for first, second in zip(weights_of(learn(history)[0]), weights_of(learn(history)[0]), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("config", [
    dataclasses.replace(CONFIG, target="price", skip=None),
    dataclasses.replace(CONFIG, features=("Close", "Volume", "rsi"), patience=None),
])
def test_no_weight_depends_on_the_test_part(config):
    history = make_history()
    wild = history.frame.copy()
    wild.iloc[split(ROWS, config).validation_end :] *= 3.0
    changed = dataclasses.replace(history, frame=wild)
    (one, fitted, choice), (other, again, same) = learn(history, config), learn(changed, config)
    assert (one.encoder, choice) == (other.encoder, same)
    pd.testing.assert_frame_equal(fitted.curve.drop(columns="seconds"), again.curve.drop(columns="seconds"))
    for first, second in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("leak", ["validation", "shuffle"])
def test_a_leaking_training_does_depend_on_the_test_part(leak):
    history, config = make_history(), dataclasses.replace(CONFIG, leak=leak, skip=None, patience=None, epochs=1)
    wild = history.frame.copy()
    wild.iloc[split(ROWS, config).validation_end + 5 :] *= 3.0
    (_, fitted, _), (_, again, _) = learn(history, config), learn(dataclasses.replace(history, frame=wild), config)
    column = "val_loss" if leak == "validation" else "loss"
    assert fitted.curve[column].tolist() != again.curve[column].tolist()


def test_recursion_takes_its_own_forecasts_for_prices():
    history = make_waves()
    forecaster, _, _ = learn(history)
    path = forecaster.predict(history, [ROWS - 1])[0]
    dates = pd.bdate_range(history.dates[-1] + pd.Timedelta(days=1), periods=5, name="Date")
    extended = forecaster.extend(history, path, dates)
    assert len(extended) == 5
    np.testing.assert_array_equal(extended[:2], path)
    frame = pd.concat([history.frame, pd.DataFrame({"Close": path}, index=dates[:2])])
    grown = dataclasses.replace(history, frame=frame)
    np.testing.assert_allclose(extended[2:4], forecaster.predict(grown, [ROWS + 1])[0], rtol=1e-6)


def test_recursion_works_with_every_feature():
    history = make_history()
    forecaster, _, _ = learn(history, dataclasses.replace(CONFIG, features=FEATURES, epochs=1))
    dates = pd.bdate_range(history.dates[-1] + pd.Timedelta(days=1), periods=7, name="Date")
    assert np.isfinite(forecaster.extend(history, forecaster.predict(history, [ROWS - 1])[0], dates)).all()


def test_a_refit_learns_from_the_last_rows_too():
    history = make_history()
    check_history(history, CONFIG)
    config = dataclasses.replace(CONFIG, skip=None)
    refit, fitted = refit_forecaster(history, config, None, rates=(0.002,) * 3)
    assert len(fitted.curve) == 3
    assert refit.encoder.scale != encode(history, config, split(ROWS, config)).encoder.scale


def test_a_refit_without_epochs_trains_no_network_and_keeps_the_linear_part():
    plain, fitted = refit_forecaster(make_history(), dataclasses.replace(CONFIG, skip=None), None, rates=())
    assert (len(fitted.curve), fitted.stopped) == (0, False)
    assert isinstance(plain, Forecaster)
    assert not weights_of(plain)[-2].any()
    history, asked = make_waves(), []
    _, _, choice = learn(history)
    refit, _ = refit_forecaster(history, CONFIG, choice, (), Callbacks(should_stop=lambda: asked.append(1)))
    assert asked
    assert refit.model.get_layer("linear").get_weights()[0].any()
    assert not refit.model.get_layer("head").get_weights()[0].any()
    move = np.log(refit.predict(history, [ROWS - 1])[0, 0] / history.close[-1])
    assert move == pytest.approx(0.03, abs=0.01)  # the pattern's next one


def test_a_refit_runs_the_rates_it_is_given_whatever_the_schedule():
    config, rates, told = dataclasses.replace(CONFIG, skip=None, schedule="plateau", epochs=60), (0.004, 0.002, 0.001), []
    _, fitted = refit_forecaster(make_history(), config, None, rates, Callbacks(on_epoch=told.append))
    assert fitted.rates == rates
    assert [(log.learning_rate, log.epoch, log.epochs) for log in told] == [
        (0.004, 1, 3), (0.002, 2, 3), (0.001, 3, 3)]


def test_phases_are_told_in_words():
    told = []
    learn(make_history(), on_phase=told.append)
    assert told == ["fitting the linear part", "training"]


def test_a_gain_within_a_standard_error_is_none():
    rng = np.random.default_rng(0)
    before = rng.normal(size=(400, 3))
    for loss in ("mse", "mae", "huber"):
        assert _is_better(0.8 * before, before, loss)
        assert not _is_better(before, before, loss)
        assert not _is_better(1.1 * before, before, loss)
    # One good day among bad ones is a gain in the mean, and tells nothing.
    lucky = 1.001 * before
    lucky[np.argmax((before**2).sum(axis=1))] = 0.0
    assert np.mean(lucky**2) < np.mean(before**2)
    assert not _is_better(lucky, before, "mse")


def test_overlapping_errors_count_for_less():
    moves = np.random.default_rng(3).normal(size=(440, 1))
    gains = 0.1 + moves  # independent: the mean is two standard errors above zero
    alike = 0.1 + np.lib.stride_tricks.sliding_window_view(moves[:, 0], 40).mean(axis=1)[:, None] * 40**0.5
    before = 10 * np.ones((400, 40))
    for given, proven in ((gains[:400] - gains[:400].mean() + 0.1, True), (alike[:400] - alike[:400].mean() + 0.1, False)):
        after = np.sqrt(before**2 - given)
        assert _is_better(after, before, "mse") == proven
