import numpy as np
import pytest

from forecasting.evaluation import scores as module
from forecasting.evaluation.metrics import Undefined, directional_base, directional_hits, mae
from forecasting.evaluation.scores import SCORES, Score, labels, scores, shown_in
from forecasting.words import UNKNOWN


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    actual = 100 + np.cumsum(rng.normal(size=200))
    return actual, actual + rng.normal(size=200)


def test_scores_hold_none_and_a_reason_where_a_value_is_undefined():
    actual = np.array([0.0, 1.0, 2.0])
    naive = np.array([1.0, 0.0, 1.0])
    values, reasons = scores(actual, naive, naive, {0.8: (naive - 1, naive + 1)}, scale=0.0)
    assert values["rmse"] == values["naive_rmse"] == 1.0
    assert values["skill"] == 0.0
    assert values["coverage_80"] == 1.0
    assert values["mape"] is None
    assert reasons["mape"] == reasons["naive_mape"] == "a price is zero"
    assert reasons["mase"] == "the price never moved in the training part"
    assert reasons["directional_accuracy"] == "the forecast calls no direction"
    assert set(reasons) == {name for name, value in values.items() if value is None}


def test_scores_of_one_part_match_the_single_metrics(pair):
    actual, predicted = pair
    last = actual + np.resize([-0.5, 0.5, -0.5], len(actual))
    bounds = predicted - 1, predicted + 1
    values, reasons = scores(actual, predicted, last, {0.8: bounds, 0.95: bounds}, scale=2.0)
    assert not reasons
    assert values["mase"] == pytest.approx(mae(actual, predicted) / 2)
    assert values["naive_mase"] == pytest.approx(mae(actual, last) / 2)
    assert values["directional_base"] == directional_base(actual, predicted, last)
    assert set(SCORES) - {"directional_interval"} <= set(values)
    assert values["directional_low"] < values["directional_accuracy"] < values["directional_high"]
    assert values["directional_calls"] == directional_hits(actual, predicted, last)[1]
    assert values["interval_score_95"] > values["interval_score_80"]
    assert all(isinstance(value, float | int) for value in values.values())


def test_scores_of_an_empty_part_are_all_undefined():
    values, reasons = scores(np.empty(0), np.empty(0), np.empty(0), {0.8: (np.empty(0), np.empty(0))}, scale=1.0)
    assert set(values.values()) == {None}
    assert set(reasons.values()) == {"there are no predictions to score"}


def test_every_score_says_what_it_is_and_where_it_is_shown():
    for name, score in SCORES.items():
        assert score.label, name
        assert score.help.endswith("."), name
        assert score.about.endswith("."), name
        assert score.unit in ("price", "percent", "share", "plain", "p"), name
        assert score.better in (None, "less", "more"), name
        assert set(score.tables) <= {"parts", "baselines", "folds", "compared", "runs"}, name
    assert shown_in("runs") == ("rmse", "naive_rmse", "mape", "naive_mape", "skill")
    assert labels(["rmse", "of_another_version"]) == {"rmse": "RMSE", "of_another_version": "of another version"}


def test_scores_are_shown_in_their_units():
    values = {"rmse": 1.5, "mape": 0.123, "skill": 0.01, "mase": 1.23456, "directional_p": 0.0321, "directional_low": 0.4,
              "directional_high": 0.6, "directional_up": 0.3, "directional_base": 0.7}
    shown = {name: SCORES[name].show(name, values, "USD") for name in
             ("rmse", "mape", "skill", "mase", "directional_p", "directional_interval", "directional_base", "mae")}
    assert shown == {"rmse": "1.50 USD", "mape": "0.12 %", "skill": "+1.00 %", "mase": "1.235", "directional_p": "0.032",
                     "directional_interval": "40.00–60.00 %", "directional_base": "down 70.00 %", "mae": UNKNOWN}


def test_a_score_is_added_in_one_entry(pair, monkeypatch):
    def largest(case):
        if not len(case.actual):
            raise Undefined("there is no day")
        return float(np.abs(case.actual - case.predicted).max())

    added = {**SCORES, "largest": Score("Largest miss", "The worst day.", largest, "price", "less", tables=("parts",))}
    monkeypatch.setattr(module, "SCORES", added)
    actual, predicted = pair
    values, _ = module.scores(actual, predicted, actual - 1)
    assert values["largest"] == np.abs(actual - predicted).max()
    assert module.shown_in("parts")[-1] == "largest"
