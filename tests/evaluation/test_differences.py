import platform
from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest

from forecasting import QUICK_LOOK, RECOMMENDED, TUTORIAL
from forecasting.evaluation.differences import differing_settings, installed_versions, names_in_words, setting_words


def runs(*configs, series=None):
    series = series or ["AAPL"] * len(configs)
    return [SimpleNamespace(config=config, history=SimpleNamespace(name=name))
            for config, name in zip(configs, series, strict=True)]


def names(*configs, own=None, series=None):
    return names_in_words(runs(*configs, series=series), own or ["AAPL"] * len(configs))


@pytest.mark.parametrize(("changes", "expected"), [
    (({"units": (64, 64)}, {"units": (32,)}), ["64 + 64 units", "32 units"]),
    (({"window": 20}, {"window": 60}), ["window 20", "window 60"]),
    (({"seed": 3}, {"seed": 4}), ["seed 3", "seed 4"]),
    (({"cell": "gru", "seed": 1}, {"cell": "lstm", "seed": 1}), ["GRU", "LSTM"]),
    (({"patience": None, "seed": 1}, {"patience": 8, "seed": 2}), ["no early stopping, seed 1", "patience 8, seed 2"]),
    (({"learning_rate": 0.01}, {"learning_rate": 0.001}), ["learning rate 0.01", "learning rate 0.001"]),
    (({"leak": "scaler"}, {}), ["leak: scaler", "AAPL"]),
])
def test_a_run_is_named_after_what_differs(changes, expected):
    assert names(*(replace(RECOMMENDED, **change) for change in changes)) == expected


def test_presets_go_by_their_names_where_much_differs():
    assert names(RECOMMENDED, replace(TUTORIAL, seed=2)) == ["Recommended, seed 0", "Tutorial, seed 2"]


def test_where_much_differs_a_name_says_only_what_tells_the_runs_apart():
    odd = replace(TUTORIAL, units=(16,), batch_size=8)
    found = names(replace(QUICK_LOOK, units=(8,)), replace(QUICK_LOOK, units=(24,)), odd)
    assert found == ["8 units", "24 units", "16 units"]


def test_runs_with_equal_settings_go_by_their_own_names_or_by_numbers():
    assert names(RECOMMENDED, RECOMMENDED, own=["first try", "second try"]) == ["first try", "second try"]
    assert names(RECOMMENDED, RECOMMENDED, own=["Naive", "b"]) == ["Naive (run)", "b"]
    assert names(RECOMMENDED, RECOMMENDED) == ["AAPL (1)", "AAPL (2)"]
    assert names(RECOMMENDED, RECOMMENDED, replace(RECOMMENDED, window=20), own=["a", "b", "c"]) == [
        "window 60, a", "window 60, b", "window 20"]


def test_another_series_is_named_and_the_usual_one_goes_without_saying():
    found = names(RECOMMENDED, replace(RECOMMENDED, seed=2), RECOMMENDED, series=["AAPL", "AAPL", "MSFT"])
    assert found == ["seed 0", "seed 2", "MSFT, seed 0"]


def test_every_setting_has_words_for_each_of_its_values():
    for config in (RECOMMENDED, TUTORIAL, replace(RECOMMENDED, leak="shuffle")):
        for name, value in vars(config).items():
            words = setting_words(name, value)
            assert words
            assert "None" not in words
            assert "_" not in words
    assert differing_settings([RECOMMENDED, RECOMMENDED]) == ()


def test_versions_are_those_of_this_environment():
    versions = installed_versions()
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == numpy.__version__
    assert set(versions) == {"python", "tensorflow", "keras", "numpy"}
