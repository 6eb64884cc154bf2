"""Runs compared on predictions that are made up: no training."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from forecasting import RECOMMENDED, TUTORIAL, ConfigError, PriceHistory
from forecasting.evaluation.metrics import rmse
from forecasting.evaluation.ranking import NAIVE, SEEDS, compare
from forecasting.evaluation.verdict import leak_words

CONFIG = replace(RECOMMENDED, horizon=1)


def prices(rows=1000, seed=0, name="AAPL", currency="USD"):
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2015-01-01", periods=rows, name="Date")
    frame = pd.DataFrame({"Close": 100 + rng.normal(0, 1, rows).cumsum()}, index=dates)
    return PriceHistory(frame, name, "a simulation", currency)


def run(history=None, config=CONFIG, *, error=None, seed=1):
    """A result whose predictions miss the price by errors of this deviation; the naive forecast's where it is None."""
    history = history if history is not None else prices()
    close = history.frame["Close"]
    rows = len(close)
    first = rows - round(rows * config.test_share)
    naive = close.shift().bfill()
    predicted = naive if error is None else close + np.random.default_rng(seed).normal(0, error, rows)
    predictions = pd.DataFrame({
        "split": np.where(np.arange(rows) < first, "train", "test"), "actual": close, "predicted": predicted, "naive": naive,
        "lower_80": predicted - 1.3, "upper_80": predicted + 1.3, "lower_95": predicted - 2, "upper_95": predicted + 2})
    curve = pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5], "val_loss": [1.0, 0.6], "seconds": [0.1, 0.1]})
    return SimpleNamespace(
        config=config, history=history, predictions=predictions, invalid=config.leak and leak_words(config.leak), curve=curve,
        stopped=False, versions={"python": "3.11.9"})


def test_a_run_that_errs_far_less_is_better():
    ranking = compare([run(error=0.2), run(error=1.0, seed=2)], ["good", "bad"], reference="bad")
    pair = ranking.pairs["good"]
    assert pair.outcome == "better"
    assert pair.sentence.startswith("good is 8")
    assert "% better than bad (95 % interval" in pair.sentence
    assert ranking.headline == "good is better than bad"
    turned = compare([run(error=0.2), run(error=1.0, seed=2)], ["good", "bad"])
    assert (turned.reference, turned.pairs["bad"].outcome) == ("good", "worse")
    assert "worse than good" in turned.sentence


def test_a_small_difference_is_said_with_its_interval_and_not_proven():
    ranking = compare([run(error=0.5), run(error=0.5, seed=2)], ["64 units", "32 units"], reference="32 units")
    pair = ranking.pairs["64 units"]
    low, high = pair.interval
    assert low < pair.change < high
    assert low < 0 < high
    assert pair.outcome == "unproven"
    assert pair.sentence.startswith("64 units is ")
    assert pair.sentence.endswith("): no difference is proven.")
    assert "95 % interval" in pair.sentence
    assert ranking.headline == "No difference is proven"


def test_the_naive_forecast_is_the_first_row_and_can_be_the_reference():
    first, second = run(error=0.3), run(error=1.4, seed=2)
    ranking = compare([first, second], ["good", "bad"], reference=NAIVE)
    assert list(ranking.table.index) == [NAIVE, "good", "bad"]
    test = first.predictions[first.predictions["split"] == "test"]
    assert ranking.table.loc[NAIVE, "rmse"] == pytest.approx(rmse(test["actual"], test["naive"]))
    assert ranking.table.loc["good", "rmse"] == pytest.approx(rmse(test["actual"], test["predicted"]))
    assert ranking.pairs == ranking.beside_naive
    assert (ranking.pairs["good"].outcome, ranking.pairs["bad"].outcome) == ("better", "worse")
    assert ranking.headline == "good is better than the naive forecast; the naive forecast is better than bad"


def test_runs_are_judged_on_the_days_that_all_share():
    history = prices()
    long, short = run(history, replace(CONFIG, test_share=0.3), error=0.4), run(history, CONFIG, error=0.5, seed=2)
    ranking = compare([long, short], ["long", "short"])
    assert len(ranking.days) == 200
    assert ranking.days.equals(history.dates[-200:])
    last = long.predictions.iloc[-200:]
    assert ranking.table.loc["long", "rmse"] == pytest.approx(rmse(last["actual"], last["predicted"]))
    (note,) = [note for note in ranking.notes if "test parts differ" in note]
    own = rmse(*(long.predictions.iloc[-300:][name] for name in ("actual", "naive")))
    assert f"long was tested on 300 days, where the naive forecast's RMSE is {own:.4f} USD" in note
    assert "the 200 days that they share" in note


def test_a_run_of_a_newer_history_shares_the_days_that_both_were_tested_on():
    history = prices()
    older = replace(history, frame=history.frame.iloc[:900])
    ranking = compare([run(history, error=0.4), run(older, error=0.5, seed=2)], ["new", "old"])
    assert ranking.days.equals(history.dates[800:900])
    assert not ranking.problems


@pytest.mark.parametrize(("other", "why"), [
    (prices(seed=1, name="MSFT"), "It is about another series, MSFT instead of AAPL."),
    (prices(currency="EUR"), "Its prices are in EUR, those of first in USD."),
    (prices(300), "Its test part, 3 Dec 2015 to 24 Feb 2016, shares no day with those of the runs before it"),
    (prices(810), "shares only 10 days with those of the runs before it; it takes 20."),
], ids=["another series", "another currency", "no shared days", "too few"])
def test_runs_that_cannot_be_compared_are_not_ranked_and_the_reason_is_said(other, why):
    history = prices()
    runs = [run(history, error=0.4), run(other, error=0.1), run(history, error=0.5, seed=3)]
    ranking = compare(runs, ["first", "odd", "third"])
    assert why in ranking.problems["odd"]
    assert set(ranking.pairs) == {"third"}
    assert list(ranking.table.index)[-1] == "odd"
    assert len(ranking.days) == 200


def test_prices_that_were_adjusted_since_are_other_prices():
    history = prices()
    frame = history.frame.copy()
    frame.iloc[-30:, 0] *= 0.99
    ranking = compare([run(history, error=0.4), run(replace(history, frame=frame), error=0.4)], ["before", "after"])
    assert "they differ on 30 of 200 shared days" in ranking.problems["after"]
    assert ranking.headline == "There is nothing to rank"
    assert "before is the only one of these runs that can be ranked." in ranking.answers


def test_a_leaked_run_is_laid_beside_the_others_and_never_ranked():
    leaked = run(config=replace(CONFIG, leak="centred_average"), error=0.01)
    honest = run(error=0.5, seed=2)
    ranking = compare([leaked, honest], ["leaked", "honest"])
    assert (ranking.reference, ranking.pairs) == ("honest", {})
    assert set(ranking.beside_naive) == {"honest"}
    entry = ranking.entry("leaked")
    assert entry.problem == entry.invalid == leak_words("centred_average")
    assert entry.scores["rmse"] < ranking.entry("honest").scores["rmse"]
    assert list(ranking.table.index) == [NAIVE, "honest", "leaked"]
    assert "leaked" not in ranking.sentence
    with pytest.raises(ConfigError, match="invalid run cannot be the reference"):
        compare([leaked, honest], ["leaked", "honest"], reference="leaked")


def test_nothing_but_leaks_is_not_ranked_at_all():
    leaked = [run(config=replace(CONFIG, leak=leak), error=0.1) for leak in ("scaler", "validation")]
    ranking = compare(leaked)
    assert ranking.sentence == "None of these runs can be ranked."
    assert ranking.reference == NAIVE
    assert all(entry.scores for entry in ranking.entries)


def test_a_leaked_run_of_another_series_is_not_laid_beside_these_prices():
    leaked = run(prices(seed=1, name="MSFT"), replace(CONFIG, leak="scaler"), error=0.1)
    ranking = compare([run(error=0.5), leaked, run(error=0.4)], ["a", "leaked", "b"])
    assert not ranking.entry("leaked").comparable
    assert ranking.entry("a").comparable


def test_a_leaked_run_that_has_some_of_the_days_says_how_many():
    leaked = run(config=replace(CONFIG, leak="shuffle"), error=0.1)
    leaked.predictions.iloc[::2, 0] = "train"
    ranking = compare([run(error=0.5), leaked], ["honest", "leaked"])
    assert ranking.problems["leaked"].endswith("It has 100 of the 200 test days that the others share.")


def test_p_values_are_corrected_for_the_number_of_runs():
    runs = [run(error=0.5, seed=seed) for seed in range(1, 5)]
    names = list("abcd")
    ranking = compare(runs, names, reference="a")
    plain = sorted(pair.p_value for pair in ranking.pairs.values())
    assert sorted(pair.corrected for pair in ranking.pairs.values())[0] == pytest.approx(min(1, 3 * plain[0]))
    alone = compare(runs[:2], names[:2], reference="a").pairs["b"]
    assert (alone.tests, alone.corrected) == (1, alone.p_value)


def test_two_runs_that_lose_to_naive_are_not_recommended():
    pair = compare([run(error=3.0), run(error=9.0, seed=2)], ["bad", "worse"]).pairs["worse"]
    assert (pair.outcome, pair.doubt) == ("unproven", "naive")
    assert pair.corrected < 0.05
    assert "both are worse than the naive forecast" in pair.sentence


@pytest.mark.parametrize(("error", "outcome"), [(0.5, "unproven"), (0.95, "worse")])
def test_a_difference_that_another_seed_may_make_is_not_proven(error, outcome):
    # Naive's error is 1: a difference of 0.1 is a sixth of what the better run gains, one of 0.55 nearly all of it.
    history = prices(5000)
    pair = compare([run(history, error=0.4), run(history, error=error, seed=2)], ["good", "other"]).pairs["other"]
    assert pair.interval[1] < 0
    assert pair.corrected < 0.05
    assert pair.outcome == outcome
    assert ("another seed" in pair.sentence) == (outcome == "unproven")
    assert SEEDS == 1 / 3


@pytest.mark.parametrize(("error", "outcome"), [(1.25, "unproven"), (2.0, "worse")])
def test_where_nobody_knows_more_than_naive_only_a_gross_difference_is_proven(error, outcome):
    history = prices(5000)
    pair = compare([run(history), run(history, error=error)], ["idle", "astray"]).pairs["astray"]
    assert pair.interval[1] < 0
    assert pair.outcome == outcome
    assert pair.doubt == ("" if outcome == "worse" else "seeds")


def test_equal_forecasts_and_few_days_are_said_to_be_what_they_are():
    same = compare([run(error=0.5), run(error=0.5)], ["a", "b"])
    assert same.pairs["b"].sentence == "b makes the same forecasts as a."
    few = prices(60)
    short = compare([run(few, error=0.5), run(few, error=0.4, seed=2)], ["a", "b"])
    assert len(short.days) == 12
    assert "too few days to tell" in short.pairs["b"].sentence
    perfect = compare([run(error=0.0), run(error=0.4)], ["a", "b"])
    assert "cannot be compared" in perfect.pairs["b"].sentence


def test_runs_that_differ_by_their_seed_alone_say_nothing_about_settings():
    ranking = compare([run(error=0.5), run(config=replace(CONFIG, seed=3), error=0.5, seed=2)])
    assert ranking.names == ("seed 0", "seed 3")
    assert any("nothing but their seed" in note for note in ranking.notes)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"results": 1}, "2 to 8 runs can be compared. Received: 1."),
    ({"results": 9}, "2 to 8 runs can be compared. Received: 9."),
    ({"results": 2, "names": ["a", "a"]}, "needs a name of its own"),
    ({"results": 2, "names": ["a", "Naive"]}, "needs a name of its own"),
    ({"results": 2, "names": ["a", "b"], "reference": "c"}, "reference must be the name of one of the runs"),
])
def test_what_cannot_be_compared_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        compare([run()] * arguments.pop("results"), **arguments)


def test_equally_good_runs_are_seldom_called_better():
    """Errors whose size lasts for days, and which two runs have mostly in common, as two trainings have."""
    history, said, trials = prices(600), 0, 120
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        restless = np.repeat(np.exp(rng.normal(0, 0.7, 60)), 10)
        common = rng.normal(size=600)
        pair = [run(history), run(history)]
        for one in pair:
            one.predictions["predicted"] = one.predictions["actual"] + restless * (common + 0.3 * rng.normal(size=600))
            one.predictions["naive"] = one.predictions["actual"] + 2 * restless * rng.normal(size=600)
        ranking = compare(pair, ["a", "b"])
        said += ranking.pairs["b"].outcome in ("better", "worse")
    assert said / trials <= 0.05


def test_what_differs_is_told_by_settings_and_by_what_else_a_run_was_made_with():
    history = prices()
    ranking = compare([run(history, error=0.4), run(history, replace(TUTORIAL, seed=4), error=0.6, seed=2)])
    assert ranking.names[1] == "Tutorial, seed 4"
    assert {"target", "units", "test_share", "seed"} <= set(ranking.settings)
    facts = ranking.facts["Tutorial, seed 4"]
    assert facts["Test"] == "7 Sep 2017 to 31 Oct 2018, 300 rows"
    assert (facts["Python"], facts["tensorflow"]) == ("3.11.9", "not recorded")
    assert facts["Fingerprint"] == history.fingerprint[:8]
