"""The drawn network is the one that is built, and trainings are estimated by those that were measured."""

from dataclasses import replace

import pytest

from forecasting.errors import ConfigError, TooLarge
from forecasting.model import size
from forecasting.model.cells import CELLS
from forecasting.model.config import CHOICES, RECOMMENDED, ForecastConfig
from forecasting.model.features import feature_width
from forecasting.model.network import build_network
from forecasting.model.size import (
    MOST_OF_ONE,
    Timing,
    check_memory,
    describe_network,
    epoch_seconds,
    estimate,
    estimate_words,
    peak_memory,
    usable_memory,
)
from forecasting.words import THIN


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "tutorial_lstm"])
@pytest.mark.parametrize(("units", "features"), [((3,), ("Close",)), ((5, 2, 4), ("Close", "Volume", "day_of_week", "macd"))])
def test_parameters_are_those_that_keras_counts(cell, units, features):
    config = ForecastConfig(cell=cell, units=units, features=features, window=7, horizon=3)
    layers = describe_network(config)
    assert sum(layer.parameters for layer in layers) == build_network(config, feature_width(features)).count_params()
    assert layers[0].shape == f"7 × {feature_width(features)}"
    assert layers[-1].shape == "3"


def test_frozen_part_is_drawn_beside_the_network():
    layers = describe_network(ForecastConfig(window=20, horizon=2, skip="ridge"))
    assert [layer.frozen for layer in layers].count(True) == 1


def timing(config=RECOMMENDED, seconds=0.1, *, rows=3000, epochs=10, best_epoch=6, start=2.0, fingerprint="here", **others):
    return Timing(config, fingerprint, rows, epochs, best_epoch, seconds, start + epochs * seconds, **others)


@pytest.mark.parametrize("cell", CHOICES["cell"])
def test_more_work_is_estimated_to_take_longer(cell):
    small = ForecastConfig(cell=cell, units=(8,))
    seconds = epoch_seconds(small, 3000)
    assert epoch_seconds(replace(small, units=(64, 64)), 3000) > seconds > epoch_seconds(small, 1000) > 0
    assert epoch_seconds(replace(small, batch_size=16), 3000) > seconds
    large = replace(small, units=(64, 64))
    assert epoch_seconds(replace(large, supervision="every_step"), 3000) < epoch_seconds(large, 3000)
    assert epoch_seconds(replace(small, recurrent_dropout=0.1), 3000) > seconds


def test_before_anything_was_measured_an_estimate_is_an_upper_bound():
    guess = estimate(RECOMMENDED, 3000)
    assert not guess.measured
    assert guess.usual is None
    assert guess.most == pytest.approx(1.5 * (CELLS["lstm"].cost.start + 60 * epoch_seconds(RECOMMENDED, 3000)))
    # Another cell, or another supervision, tells nothing.
    others = [timing(replace(RECOMMENDED, cell="gru")), timing(replace(RECOMMENDED, supervision="last_step"))]
    assert estimate(RECOMMENDED, 3000, others) == guess


def test_a_training_that_was_measured_is_estimated_by_its_own_seconds():
    every = replace(RECOMMENDED, patience=None)
    guess = estimate(every, 3000, [timing(every, 0.5, epochs=60)], "here")
    assert guess.measured
    assert (guess.most, guess.usual) == (pytest.approx(2 + 60 * 0.5), None)


def test_what_was_measured_is_scaled_by_the_work():
    base = replace(RECOMMENDED, patience=None)
    slow = 7 * epoch_seconds(base, 3000)  # a machine a seventh as fast as the one of its cost
    for other, rows in ((replace(base, units=(64,)), 3000), (base, 9000), (replace(base, window=30, batch_size=64), 2000)):
        guess = estimate(other, rows, [timing(base, slow)])
        assert guess.most == pytest.approx(2 + 60 * 7 * epoch_seconds(other, rows))
        assert guess.measured


WIDE = replace(RECOMMENDED, units=(256, 256), batch_size=16)


def test_trainings_of_the_same_size_count_and_the_others_do_not():
    near, far = timing(RECOMMENDED, 0.1), timing(WIDE, 1000 * epoch_seconds(WIDE, 3000))
    assert estimate(RECOMMENDED, 3000, [far, far, near]) == estimate(RECOMMENDED, 3000, [near])
    assert not estimate(RECOMMENDED, 3000, [far]).measured


def test_a_single_training_of_another_size_is_tempered_by_all_that_this_machine_did():
    every, rnn = replace(RECOMMENDED, patience=None), replace(RECOMMENDED, cell="rnn")
    odd = timing(replace(every, units=(64,)), 8 * epoch_seconds(replace(every, units=(64,)), 3000))
    others = [timing(rnn, 2 * epoch_seconds(rnn, 3000))] * 3
    guess = estimate(every, 3000, [odd, *others])
    assert guess.most == pytest.approx(2 + 60 * (8 + 2) / 2 * epoch_seconds(every, 3000))


def test_early_stopping_is_expected_where_such_trainings_ended():
    ended = [timing(best_epoch=best, epochs=best + 4) for best in (1, 3, 20)]
    guess = estimate(RECOMMENDED, 3000, ended, "here")
    assert guess.most == pytest.approx(2 + 60 * 0.1)
    assert guess.usual == pytest.approx(2 + (3 + 4) * 0.1)
    patient = estimate(replace(RECOMMENDED, patience=10), 3000, ended, "here")
    assert patient.usual == pytest.approx(2 + (3 + 10) * 0.1)
    short = estimate(replace(RECOMMENDED, epochs=5), 3000, ended, "here")
    assert short.usual == short.most == pytest.approx(2 + 5 * 0.1)


def test_the_same_series_tells_best_when_training_stops():
    elsewhere = [timing(best_epoch=40, epochs=44, fingerprint="elsewhere")] * 3
    assert estimate(RECOMMENDED, 3000, [*elsewhere, timing()], "here").usual == pytest.approx(2 + 10 * 0.1)
    assert estimate(RECOMMENDED, 3000, elsewhere, "here").usual == pytest.approx(2 + 44 * 0.1)


def test_neither_a_stopped_training_nor_a_leak_tells_when_training_stops():
    others = [timing(epochs=1, best_epoch=1, whole=False), timing(replace(RECOMMENDED, leak="validation")),
              timing(replace(RECOMMENDED, patience=None))]
    assert estimate(RECOMMENDED, 3000, others, "here").usual is None


@pytest.mark.parametrize(("most", "usual", "measured", "epochs", "expected"), [
    (41.0, 5.2, True, 60, "up to 45 s for 60 epochs, usually stops early after about 5 s"),
    (41.0, None, True, 60, "about 45 s for 60 epochs"),
    (41.0, None, False, 60, "up to about 45 s for 60 epochs"),
    (41.0, 40.5, True, 60, "up to 45 s for 60 epochs"),
    (0.3, None, True, 1, "about 1 s for 1 epoch"),
    (559.0, 79.0, True, 1000, f"up to 9 min 20 s for 1{THIN}000 epochs, usually stops early after about 1 min 20 s"),
    (9000.0, None, True, 2, "about 2 h 30 min for 2 epochs"),
])
def test_an_estimate_is_said_with_no_more_digits_than_it_has(most, usual, measured, epochs, expected):
    guess = replace(estimate(RECOMMENDED, 3000), most=most, usual=usual, measured=measured)
    assert estimate_words(guess, epochs) == expected


# (settings, MiB at the peak of a process that trained them), as `benchmarks/memory.py --sizes` measured.
MEASURED = [
    ({"units": [32], "window": 60, "batch_size": 128, "supervision": "every_step"}, 853),
    ({"units": [64, 64], "window": 60, "batch_size": 32}, 964),
    ({"units": [256] * 4, "window": 250, "batch_size": 8}, 1168),
    ({"units": [32] * 2, "window": 250, "batch_size": 512}, 1405),
    ({"units": [1024] * 2, "window": 8, "batch_size": 8}, 1760),
    ({"units": [32] * 2, "window": 250, "batch_size": 512, "cell": "gru"}, 1397),
    ({"units": [32] * 2, "window": 250, "batch_size": 512, "cell": "rnn"}, 992),
    ({"units": [32] * 2, "window": 250, "batch_size": 512, "cell": "tutorial_lstm"}, 1359),
    ({"units": [64], "window": 250, "batch_size": 512}, 1338),
    ({"units": [64] * 2, "window": 250, "batch_size": 1024, "supervision": "every_step"}, 1001),
]


@pytest.mark.parametrize(("settings", "mebibytes"), MEASURED)
def test_the_estimate_of_memory_is_near_what_was_measured(settings, mebibytes):
    assert peak_memory(ForecastConfig(**settings), rows=1000) == pytest.approx(mebibytes * 2**20, rel=0.12)


def test_more_units_batch_window_rows_and_steps_ahead_need_more_memory():
    config = ForecastConfig(units=(256, 256), window=250, batch_size=64)
    usual = peak_memory(config, 3000)
    for more in ({"units": (512, 256)}, {"batch_size": 128}, {"window": 500}, {"horizon": 60}):
        assert peak_memory(replace(config, **more), 3000) > usual
    assert peak_memory(config, 300_000) > usual


def test_a_training_that_needs_too_much_is_refused_with_what_needs_less(monkeypatch):
    monkeypatch.setattr(size, "usable_memory", lambda share=0.5: share * 40e9)
    config = ForecastConfig(units=(1024,) * 8, window=1000, batch_size=32)
    with pytest.raises(TooLarge, match=r"needs about 22 GB of this machine's 40 GB of memory, and 12 GB are the most .* "
                                       r"smaller batch \(now 32\), a shorter window") as refused:
        check_memory(config, 3000)
    nearest = refused.value.nearest
    assert replace(nearest, batch_size=32, window=1000) == config
    check_memory(nearest, 3000)
    with pytest.raises(TooLarge):
        check_memory(replace(nearest, batch_size=2 * nearest.batch_size), 3000)
    check_memory(RECOMMENDED, 3000)


def test_where_no_batch_and_window_fit_units_are_named(monkeypatch):
    monkeypatch.setattr(size, "usable_memory", lambda share=0.5: share * 6e9)
    with pytest.raises(TooLarge, match="Even the smallest batch and window") as refused:
        check_memory(ForecastConfig(units=(1024,) * 8), 3000)
    assert refused.value.nearest is None


def test_trainings_may_take_a_part_of_the_machine_together_and_one_of_them_less():
    assert 0 < usable_memory(MOST_OF_ONE) < usable_memory() < usable_memory(1.0)


def test_how_much_memory_there_is_can_be_said(monkeypatch):
    monkeypatch.setenv("FORECASTING_MEMORY_GB", "16")
    assert usable_memory(1.0) == 16e9
    for bad in ("much", "nan", "0", "-1", "inf"):
        monkeypatch.setenv("FORECASTING_MEMORY_GB", bad)
        with pytest.raises(ConfigError, match="number of gigabytes"):
            usable_memory()
