from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm

from forecasting.data.frequency import EVERY_DAY, Frequency
from forecasting.data.history import PriceHistory
from forecasting.evaluation.risk import (
    Outlook,
    assess,
    breaches,
    chance_words,
    christoffersen,
    kupiec,
    measure_risk,
    warning_words,
    when_words,
)
from forecasting.evaluation.volatility import expect_moves
from forecasting.model.split import Split
from forecasting.steps import collect_steps

PARTS, HORIZON = Split(2000, 2300, 4000), 5


def restless(seed, rows=PARTS.rows):
    """(prices, sigma (rows,) of the move that leads to each row), the volatility in waves."""
    rng = np.random.default_rng(seed)
    sigma = 0.01 * np.exp(0.6 * np.sin(np.arange(rows) / 70))
    return 100 * np.exp(np.cumsum(sigma * rng.standard_normal(rows))), sigma


def result_of(close, parts=PARTS, positive=True):
    """What `measure_risk` reads of a result whose guarded forecasts are the naive ones."""
    frame = pd.DataFrame({"Close": close}, index=pd.bdate_range("2000-01-03", periods=len(close)))
    history = PriceHistory(frame, "made", "test")
    steps = collect_steps(close, parts, 0, np.tile(close[:, None], HORIZON), positive,
                          expect_moves(history, parts, HORIZON, positive)).between(parts.train_end - 1, parts.rows)
    return SimpleNamespace(history=history, guarded=steps, split=parts, encoder=SimpleNamespace(positive=positive),
                           config=SimpleNamespace(window=20))


@pytest.fixture(scope="module")
def made():
    close, sigma = restless(0)
    result = result_of(close)
    return result, sigma, measure_risk(result.history, result)


def test_kupiec_accepts_the_numbers_of_breaches_of_his_table():
    # Kupiec (1995): numbers of breaches at which the promise is not refuted, p = 0.05.
    for promised, days, fewest, most in ((0.01, 510, 2, 10), (0.01, 1000, 5, 16), (0.05, 255, 7, 20), (0.05, 510, 17, 35),
                                         (0.05, 1000, 38, 64)):
        accepted = [count for count in range(days // 4) if kupiec(count, days, promised) > 0.05]
        assert (accepted[0], accepted[-1]) == (fewest, most)
    assert kupiec(0, 255, 0.01) < 0.05 < kupiec(6, 255, 0.01)


def test_both_tests_give_the_statistics_of_a_published_bank():
    # Jorion, "Value at Risk": J.P. Morgan 1998, 20 breaches in 252 days, 6 of them on the day after another:
    # LR 3.91 for their number, 9.53 for their independence, 13.44 for both.
    assert kupiec(20, 252, 0.05) == pytest.approx(chi2.sf(3.91, 1), rel=5e-3)
    hit = np.array([False] + [True] * 7 + [False] * 4 + [True, False, False] * 13 + [False] * 202)  # 252 pairs of days
    before, after = hit[:-1], hit[1:]
    pairs = (~before & ~after, ~before & after, before & ~after, before & after)
    assert [one.sum() for one in pairs] == [218, 14, 14, 6]
    independent, both = christoffersen(hit, 0.05)
    assert independent == pytest.approx(chi2.sf(9.53, 1), rel=5e-3)
    assert both == pytest.approx(chi2.sf(13.44, 2), rel=4e-2)  # the pairs span 253 days, his count 252


def test_breaches_that_cluster_are_told_from_those_that_do_not():
    spread, together = np.zeros(400, bool), np.zeros(400, bool)
    spread[::20], together[190:210] = True, True
    assert christoffersen(spread, 0.05)[0] > 0.05
    assert christoffersen(together, 0.05)[0] < 1e-10
    assert christoffersen(np.zeros(10, bool), 0.05) == (None, None)
    assert kupiec(0, 0, 0.05) is None


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_losses_go_beyond_the_value_at_risk_as_often_as_promised(made, level):
    _, _, risk = made
    found = breaches(risk.table, level)
    assert found.days == PARTS.rows - PARTS.validation_end
    assert found.kupiec > 0.05
    assert found.christoffersen > 0.05
    assert found.loss == pytest.approx(found.shortfall, rel=0.15)


def test_volatility_and_value_at_risk_follow_the_true_ones(made):
    _, sigma, risk = made
    ahead = sigma[PARTS.validation_end :]
    table = risk.table[:-1]
    assert np.corrcoef(np.log(table["volatility"]), np.log(ahead))[0, 1] > 0.9
    assert (table["volatility"] / ahead).mean() == pytest.approx(1, abs=0.1)
    assert (table["var_95"] / ahead).mean() == pytest.approx(norm.isf(0.05), rel=0.1)
    assert (table["es_95"] / ahead).mean() == pytest.approx(norm.pdf(norm.isf(0.05)) / 0.05, rel=0.12)
    assert (table["es_95"] > table["var_95"]).all()
    assert (table["es_99"] > table["es_95"]).all()


def test_nothing_known_later_changes_what_a_day_was_warned_of(made):
    result, _, risk = made
    wild = result.history.close.copy()
    wild[3500:] *= 1.5
    after = measure_risk((other := result_of(wild)).history, other).table
    columns = ["volatility", "var_95", "var_99", "es_95", "es_99"]
    until = 3500 - (PARTS.validation_end - 1)
    pd.testing.assert_frame_equal(risk.table[columns].iloc[:until], after[columns].iloc[:until], check_exact=True)
    assert (risk.table[columns].iloc[until:] != after[columns].iloc[until:]).all().all()


def test_an_outlook_is_what_its_row_of_the_table_says_and_its_chances_fit_its_value_at_risk(made):
    _, _, risk = made
    for at in (0, 800, -1):
        outlook = risk.outlook(at)
        assert outlook.value_at_risk[0.95] == risk.table["var_95"].iloc[at]
        assert outlook.shortfall[0.99] == risk.table["es_99"].iloc[at]
        assert outlook.chance(outlook.value_at_risk[0.95])[0] == pytest.approx(0.05, abs=0.015)
        assert outlook.chance(outlook.value_at_risk[0.99])[0] == pytest.approx(0.01, abs=0.006)


def test_chances_are_those_that_come_true(made):
    _, _, risk = made
    size, rows = 0.015, range(0, len(risk.table) - 1, 10)
    expected = [risk.outlook(at).chance(size)[0] for at in rows]
    happened = risk.table["loss"].iloc[:-1] > size
    assert happened.mean() == pytest.approx(np.mean(expected), abs=0.02)
    high = risk.table["volatility"].iloc[:-1] > risk.table["volatility"].median()
    assert happened[high].mean() > 5 * happened[~high].mean()


def test_later_steps_risk_more(made):
    result, _, risk = made
    far = measure_risk(result.history, result, 5)
    assert far.table["var_95"].mean() / risk.table["var_95"].mean() == pytest.approx(5**0.5, rel=0.15)
    assert far.table["loss"].isna().sum() == 5
    assert not far.anchors
    found = breaches(far.table, 0.95, 5)
    assert abs(found.share - 0.05) < 0.025


def test_every_method_is_assessed_on_the_same_days(made):
    _, _, risk = made
    table = assess(risk)
    assert table["method"].unique().tolist() == ["This run", "EWMA, normal", "GARCH(1,1), Student's t"]
    assert table["days"].nunique() == 1
    first = table[table["level"] == 0.95].set_index("method")["score"]
    assert first["This run"] < 1.02 * first.min()


def test_prices_below_zero_have_losses_in_their_own_units():
    close, _ = restless(1)
    close[3000:] -= 200
    result = result_of(close)
    risk = measure_risk(result.history, result)
    assert not risk.relative
    assert 0.02 < breaches(risk.table, 0.95).share < 0.1
    assert risk.table["loss"].iloc[0] == pytest.approx(close[PARTS.validation_end - 1] - close[PARTS.validation_end])
    assert risk.outlook().size_of(0.1) == pytest.approx(0.1 * abs(close[-1]))


def test_too_few_moves_give_no_risk():
    close, _ = restless(2, 120)
    result = result_of(close, Split(84, 96, 120))
    assert measure_risk(result.history, result) is None


def test_the_words_say_chance_and_record(made):
    _, _, risk = made
    text = warning_words(risk, risk.outlook(), "tomorrow")
    found = breaches(risk.table, 0.95)
    lost = f"{100 * risk.table['var_95'].iloc[-1]:.1f} %"
    assert text.startswith(f"A loss of more than {lost} tomorrow has a chance of about 1 in 20.")
    assert f"right {100 * found.share:.1f} % of the time, in line with the promised 5 %" in text
    outlook = Outlook(True, 1, 0.01, {}, {}, np.linspace(-0.1, 0.1, 1001), 50.0)
    assert chance_words(outlook, 0.05, "tomorrow") == (
        "A fall of more than 5.0 % tomorrow has a chance of 25 %, a rise of more than 5.0 % one of 25 %.")
    assert "0.0 % (1 in 2\u202f004)" in chance_words(outlook, 0.2, "tomorrow")
    assert (when_words(EVERY_DAY), when_words(EVERY_DAY, 5)) == ("tomorrow", "over the next 5 days")
    assert when_words(Frequency("month")) == "in the next month"
    assert when_words(Frequency("day", days=(1, 3))) == "by the next trading day"
