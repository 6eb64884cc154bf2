"""Each cause is made by a tiny training, named with its numbers, and its mend trains a better run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import ForecastConfig, PriceHistory, TrainingError, train
from forecasting.evaluation.causes import diagnose, diagnose_failure
from forecasting.evaluation.comparison import Comparison
from forecasting.evaluation.judgement import judge
from forecasting.evaluation.verdict import Verdict

SMALL = ForecastConfig(window=10, units=(8,), epochs=8, batch_size=32)


def prices(close, freq="B", **about):
    dates = pd.date_range("2010-01-04", periods=len(close), freq=freq)
    return PriceHistory(pd.DataFrame({"Close": close}, index=dates), name="made", source="test", **about)


def walk(rows=400, drift=0.0, seed=0):
    """A random walk of logarithms around 100, with `drift` a day."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(drift, 0.01, rows)))


def autoregression(rows=400, coefficient=0.3, seed=0):
    """Noise around 100 that remembers `coefficient` of its last value: its changes can be forecast."""
    noise, close = np.random.default_rng(seed).normal(size=rows), np.zeros(rows)
    for t in range(1, rows):
        close[t] = coefficient * close[t - 1] + noise[t]
    return 100 + close


def trained(history, config):
    """(result, verdict, cause) of a training."""
    result = train(history, config)
    judged, beside = judge(result.predictions, result.metrics["test"], frequency=history.frequency, currency=history.currency)
    return result, judged, diagnose(result, judged, beside)


def rmse(result):
    return result.metrics["test"]["rmse"]


@pytest.mark.parametrize(("close", "target", "words"), [
    (walk(drift=0.002), "log_return", "log returns"),
    (walk(drift=0.002) - 100, "change", "changes"),
])
def test_prices_beyond_training_are_named_and_moves_follow_them(close, target, words):
    history = prices(close, currency="USD")
    result, judged, cause = trained(history, replace(SMALL, target="price", patience=None))
    parts = result.split
    above = (close[parts.validation_end :] > close[: parts.train_end].max()).mean()
    assert judged.outcome == "worse"
    assert cause.name == "range"
    assert cause.sentence.startswith(f"{100 * above:.0f} % of the test prices lie above the ")
    assert "dollars that training saw" in cause.sentence
    assert cause.label == f"Train with {words}"
    assert cause.mend.target == target
    mended, judged, _ = trained(history, cause.mend)
    assert rmse(mended) < rmse(result) / 5
    assert judged.outcome != "worse"


def test_prices_within_training_are_not_blamed_on_the_range():
    history = prices(100 + 10 * np.sin(np.arange(400) * 2 * np.pi / 60))
    _, judged, cause = trained(history, replace(SMALL, target="price", learning_rate=1e-5, epochs=2, patience=None))
    assert judged.outcome == "worse"
    assert cause is None


def test_a_loss_that_is_no_number_is_mended_by_smaller_steps():
    config = replace(SMALL, units=(64,), cell="rnn", optimizer="sgd", learning_rate=1.0, clip_norm=None)
    history = prices(walk())
    with pytest.raises(TrainingError) as failed:
        train(history, config)
    cause = diagnose_failure(config, str(failed.value))
    assert cause.name == "diverged"
    assert "learning rate of 1 and no limit" in cause.sentence
    assert cause.mend == replace(config, learning_rate=0.1, clip_norm=1.0)
    assert np.isfinite(rmse(train(history, cause.mend)))


@pytest.mark.parametrize("error", [None, "", "There was not enough memory for this run."])
def test_other_failures_are_not_blamed_on_the_settings(error):
    assert diagnose_failure(SMALL, error) is None


@pytest.fixture(scope="module")
def by_heart():
    """A training that learns a random walk's noise, as `trained` gives it."""
    return trained(prices(walk(seed=1)), replace(SMALL, units=(32,), learning_rate=0.02, epochs=60, patience=None))


def test_learning_by_heart_is_named_and_mended(by_heart):
    history, (result, judged, cause) = prices(walk(seed=1)), by_heart
    assert judged.outcome == "worse"
    assert cause.name == "overfitting"
    assert f"after epoch {result.best_epoch} of 60" in cause.sentence
    assert "last weights were kept" in cause.sentence
    assert cause.mend.units == (16,)
    assert cause.mend.patience
    assert cause.mend.learning_rate < 0.02
    assert rmse(train(history, cause.mend)) < 0.95 * rmse(result)


def test_losses_that_fall_together_are_no_learning_by_heart(by_heart):
    result, judged, _ = by_heart
    falling = result.curve.assign(val_loss=result.curve["loss"])
    cause = diagnose(replace(result, curve=falling), judged, judge(result.predictions, result.metrics["test"])[1])
    assert cause is None


def test_untrained_network_that_was_best_gets_the_linear_part_where_that_is_proven():
    history = prices(autoregression(seed=2))
    config = replace(SMALL, optimizer="sgd", learning_rate=1.0, patience=3)
    result, judged, cause = trained(history, config)
    assert result.untrained_was_best
    assert judged.outcome == "unproven"
    assert cause.name == "untrained"
    assert cause.sentence.startswith(f"None of {len(result.curve)} epochs ")
    assert cause.label == "Train with a frozen linear part"
    assert rmse(train(history, cause.mend)) < 0.95 * rmse(result)


def test_untrained_network_that_was_best_since_steps_went_too_far_gets_smaller_ones():
    history = prices(walk(seed=2))
    config = replace(SMALL, cell="rnn", optimizer="sgd", learning_rate=1.0, patience=3)
    result, _, cause = trained(history, config)
    assert result.untrained_was_best
    assert cause.mend == replace(config, learning_rate=0.1)
    assert "steps go too far" in cause.sentence
    assert train(history, cause.mend).curve["loss"].min() < result.curve["loss"].min()


def test_untrained_network_that_was_best_for_want_of_anything_to_learn_gets_no_button():
    result = replace(train(prices(walk(seed=1)), SMALL), best_epoch=0)  # as if validation had liked none of it
    assert result.untrained_was_best
    cause = diagnose(result, Verdict("unproven", "", ""), Comparison(0.0, (0.0, 0.0), None, None, 80, {}))
    assert cause.name == "untrained"
    assert cause.mend is None
    assert cause.label is None
    assert "nothing more to learn" in cause.sentence


@pytest.mark.parametrize(("close", "freq", "frequency", "days", "share"), [
    (100 + 10 * np.sin(np.arange(160) * 2 * np.pi / 12), "MS", "monthly", "16 months", 0.1),
    (walk(200), "B", "trading days", "10 days", 0.05),
])
def test_too_short_a_test_part_is_made_longer(close, freq, frequency, days, share):
    noisy = close + np.random.default_rng(1).normal(size=len(close))
    history = prices(noisy, freq, frequency=frequency)
    _, judged, cause = trained(history, replace(SMALL, test_share=share))
    assert judged.outcome == "unproven"
    assert cause.name == "short_test"
    assert f"has {days}" in cause.sentence
    assert cause.mend.test_share > share
    result = train(history, cause.mend)
    assert judge(result.predictions, result.metrics["test"])[1].interval is not None


def test_series_too_short_for_a_longer_test_part_gets_no_button():
    history = prices(walk(38), "MS", frequency="monthly")
    _, _, cause = trained(history, replace(SMALL, window=3, epochs=1, patience=None, validation_share=0.2))
    assert cause.name == "short_test"
    assert cause.mend is None
    assert "longer series" in cause.sentence


def test_better_run_and_one_of_the_leak_lab_get_no_cause():
    history = prices(autoregression())
    config = replace(SMALL, skip="ridge")
    _, judged, cause = trained(history, config)
    assert judged.outcome == "better"
    assert cause is None
    result = train(history, replace(config, leak="scaler", target="price"))
    assert diagnose(result, *judge(result.predictions, result.metrics["test"], leak="scaler")) is None
