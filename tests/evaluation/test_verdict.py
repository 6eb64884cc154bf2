"""The verdict in plain words."""

import numpy as np
import pytest

from forecasting.data.frequency import IRREGULAR, TRADING_DAYS, Frequency
from forecasting.evaluation.gate import Gate
from forecasting.evaluation.scores import always_words
from forecasting.evaluation.verdict import (
    LEAKS,
    direction_words,
    gate_words,
    intervals_words,
    leak_words,
    verdict,
)
from forecasting.model.config import CHOICES
from forecasting.words import UNKNOWN


def test_the_verdict_has_the_numbers_in_one_sentence():
    answer = verdict(1.4412, 1.4398, -0.001, (-0.006, 0.004), 0.71, frequency=TRADING_DAYS, currency="USD")
    assert answer.sentence == ("Test RMSE 1.44 dollars, repeating yesterday's close 1.44: no better than naive "
                               "(skill -0.1 %, 95 % interval -0.6 % to 0.4 %).")
    assert answer.outcome == "unproven"
    assert not answer.proven


def test_a_lucky_per_cent_is_not_called_a_win():
    answer = verdict(0.99, 1.0, 0.01, (-0.004, 0.024), 0.04)
    assert answer.outcome == "unproven"


def test_better_needs_the_whole_interval_and_the_test():
    better = verdict(0.5, 1.0, 0.5, (0.4, 0.6), 0.0001)
    assert better.outcome == "better"
    assert better.proven
    assert "better than naive (skill 50.0 %, 95 % interval 40.0 % to 60.0 %; Diebold-Mariano test p < 0.001)" \
        in better.sentence
    doubted = verdict(0.97, 1.0, 0.03, (0.001, 0.06), 0.12)
    assert doubted.outcome == "unproven"
    assert "does not confirm it (p = 0.120)" in doubted.sentence
    untested = verdict(0.97, 1.0, 0.03, (0.001, 0.06), None)
    assert untested.outcome == "unproven"


def test_worse_is_said_too():
    answer = verdict(34.0, 1.0, -33.0, (-40.0, -28.0), 1e-9, currency="USD")
    assert answer.outcome == "worse"
    assert "worse than naive" in answer.sentence


def test_an_interval_that_touches_zero_proves_nothing():
    assert verdict(0.9, 1.0, 0.1, (0.0, 0.2), 0.01).outcome == "unproven"


@pytest.mark.parametrize(("frequency", "naive"), [
    ("trading days", "repeating yesterday's close 1.00"),
    ("monthly", "repeating last month's value 1.00"),
    ("30 minutes", "repeating the price 30 minutes before 1.00"),
    ("irregular", "repeating the last known price 1.00"),
])
def test_the_naive_forecast_is_named_by_the_frequency(frequency, naive):
    assert naive in verdict(1.1, 1.0, -0.1, (-0.2, 0.1), 0.4, frequency=Frequency.parse(frequency)).sentence


def test_a_price_that_never_moved_has_no_skill():
    answer = verdict(0.1, 0.0, None)
    assert answer.outcome == "undefined"
    assert "never moved" in answer.sentence


@pytest.mark.parametrize("interval", [None, (None, None), (np.nan, np.nan)])
def test_without_an_interval_nothing_is_proven(interval):
    for frequency, unit in ((TRADING_DAYS, "days"), (Frequency("month"), "months"), (IRREGULAR, "steps")):
        answer = verdict(0.5, 1.0, 0.5, interval, None, frequency=frequency)
        assert answer.outcome == "unproven"
        assert f"too few {unit} to tell" in answer.sentence


@pytest.mark.parametrize("leak", [leak for leak in CHOICES["leak"] if leak])
def test_a_leak_is_invalid_however_good_its_score(leak):
    answer = verdict(0.1, 1.0, 0.9, (0.8, 0.95), 1e-9, leak=leak)
    assert answer.outcome == "invalid"
    assert not answer.proven
    assert answer.sentence.startswith("This run is invalid on purpose: ")
    assert "skill of 90.0 % is not real" in answer.sentence
    assert LEAKS[leak] in leak_words(leak)


def test_small_prices_keep_their_digits():
    assert "RMSE 0.0001235, repeating" in verdict(0.00012351, 0.0001, -0.2, (-0.3, 0.1), 0.2).sentence


OPEN = Gate(True, (0.9, 0.5), (5.0, 4.0), 200)
SHUT = Gate(False, (0.05, 0.02), (0.5, -0.5), 200)


def test_the_gate_says_what_training_had_to_do_with_it():
    assert gate_words(OPEN) == OPEN.words()
    assert gate_words(OPEN, steps=1) == OPEN.words(1) != OPEN.words()
    untrained = (f"{SHUT.words()} No epoch was clearly better than the untrained network, so these moves are those of the "
                 "frozen linear part alone.")
    assert gate_words(SHUT, best_epoch=0) == gate_words(SHUT, 0, epochs=4) == untrained
    naive = Gate(False, (0.025,), (0.0,), 200)
    assert gate_words(naive, 0) == (f"{naive.words()} No epoch was clearly better than the untrained network: training had "
                                    "nothing to add.")
    assert gate_words(SHUT, 3, epochs=4) == SHUT.words()
    assert gate_words(SHUT, 0, epochs=0) == f"{SHUT.words()} The training was stopped before an epoch ended."


def test_a_gate_and_a_verdict_that_disagree_are_not_left_side_by_side():
    unproven, better = verdict(1.0, 1.0, 0.0, (-0.1, 0.1), 0.9), verdict(0.5, 1.0, 0.5, (0.4, 0.6), 0.001)
    assert gate_words(OPEN, judged=unproven) == f"{OPEN.words()} The test part alone does not prove it one step ahead."
    assert gate_words(OPEN, judged=better) == OPEN.words()
    assert "do not bear that out" in gate_words(SHUT, judged=better)
    assert gate_words(SHUT, judged=unproven) == SHUT.words()


def test_intervals_are_judged_by_what_so_many_days_allow():
    assert intervals_words(0.79, 0.94, 500).endswith("the intervals hold.")
    assert intervals_words(0.60, 0.90, 500).endswith("too narrow.")
    assert intervals_words(0.97, 1.0, 500).endswith("wider than they need to be.")
    assert intervals_words(0.70, 0.95, 20).endswith(
        "95 % one: as far as 20 prices can tell, which leaves 18 % either way, the intervals hold.")
    assert intervals_words(None, 0.95, 20) == "The intervals could not be checked."


DIRECTION = {"directional_accuracy": 0.521, "directional_base": 0.521, "directional_up": 0.521, "directional_calls": 650,
             "directional_p": 0.48}


@pytest.mark.parametrize(("changed", "expected"), [
    ({}, "Right direction on 52.10 % of 650 days with a call: no better than always calling up, 52.10 % "
         "(exact McNemar test, p = 0.480)."),
    ({"directional_accuracy": 0.6, "directional_p": 0.001},
     "Right direction on 60.00 % of 650 days with a call: better than always calling up, 52.10 % "
     "(exact McNemar test, p = 0.001)."),
    ({"directional_accuracy": 0.4, "directional_up": 0.479, "directional_p": 0.001},
     "Right direction on 40.00 % of 650 days with a call: worse than always calling down, 52.10 % "
     "(exact McNemar test, p = 0.001)."),
    ({"directional_p": None}, "Right direction on 52.10 % of 650 days with a call: the same as always calling up, since that "
                              "is what the forecast does."),
])
def test_a_direction_is_compared_with_always_calling_the_same_one(changed, expected):
    assert direction_words(DIRECTION | changed) == expected


@pytest.mark.parametrize("scores", [
    {"directional_accuracy": 0.52}, {"directional_accuracy": None, "directional_base": None}, {}])
def test_a_run_without_these_scores_says_nothing_about_them(scores):
    assert direction_words(scores) == ""
    assert always_words(scores) == UNKNOWN


def test_the_more_frequent_direction_is_named():
    assert always_words(DIRECTION) == "up 52.10 %"
    assert always_words({"directional_up": 0.4, "directional_base": 0.6}) == "down 60.00 %"
    assert always_words({"directional_up": np.nan, "directional_base": np.nan}) == UNKNOWN
