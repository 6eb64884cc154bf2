import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting import PriceHistory
from forecasting.runs.track import TrackRecord, overview, record_table, record_words, to_fetch
from forecasting.words import share

DAYS = pd.bdate_range("2026-01-01", periods=60)
CLOSE = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 60)))
MADE = pd.Timestamp("2026-03-03 20:00", tz="UTC")
AT = 43  # the last row that the forecast knew, 3 March


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    return tmp_path


def history(rows, close=CLOSE, first=0, **details):
    frame = pd.DataFrame({"Close": close[first:rows]}, index=DAYS[first:rows])
    return PriceHistory(frame, **{"name": "XYZ", "source": "Yahoo Finance", "origin": "ticker"} | details)


def forecast(steps=3, half=2.0):
    predicted = np.full(steps, CLOSE[AT])
    bounds = {f"{side}_{level}": predicted + sign * width for side, sign in (("lower", -1), ("upper", 1))
              for level, width in ((80, half), (95, 2 * half))}
    return pd.DataFrame({"predicted": predicted, **bounds}, index=DAYS[AT + 1 : AT + 1 + steps])


def keep(now=MADE, steps=3, **changes):
    options = {"run": "a" * 32, "settings": {"window": 60}, "guarded": True, "refit": False} | changes
    return TrackRecord().keep(history(AT + 1), forecast(steps), now=now, **options)


def test_the_fixture_ends_on_the_day_it_says():
    assert DAYS[AT] == pd.Timestamp("2026-03-03")


def test_each_day_is_scored_exactly_once_by_the_prices_that_came():
    keep()
    record, changed = TrackRecord(), CLOSE.copy()
    assert record.score(history(AT + 1)) == 0  # no price that was not there
    assert record.score(history(AT + 2)) == 1
    assert record.score(history(AT + 2)) == 0
    changed[AT + 1] *= 2  # a later correction of a price that was scored changes nothing
    assert record.score(history(AT + 9, changed)) == 2
    assert record.score(history(AT + 15)) == 0
    (kept,) = record.list()
    assert [row["actual"] for row in kept.rows] == CLOSE[AT + 1 : AT + 4].tolist()
    assert [row["actual_date"] for row in kept.rows] == [day.isoformat() for day in DAYS[AT + 1 : AT + 4]]
    assert not kept.open


def test_two_sessions_at_once_score_a_day_once(monkeypatch):
    keep()
    first, second = TrackRecord(), TrackRecord()
    stale = second.list()
    assert first.score(history(AT + 3)) == 2
    reads = iter([stale])  # what the second session read before the first one wrote
    real = TrackRecord.list
    monkeypatch.setattr(second, "list", lambda: next(reads, None) or real(second), raising=False)
    assert second.score(history(AT + 3)) == 0


def test_only_what_was_made_before_the_day_began_counts():
    keep()
    TrackRecord().score(history(AT + 3), now=MADE + pd.Timedelta(days=5))
    keep(now=pd.Timestamp("2026-03-05 00:00", tz="UTC"), run="b" * 32)  # made late: two of its days have begun
    TrackRecord().score(history(AT + 4))
    late, early = TrackRecord().list()
    assert [row["before"] for row in early.rows] == [True, True, True]
    assert [row["before"] for row in late.rows] == [False, False, True]
    assert record_words([early, late]).startswith("4 forecasts made before the fact: ")
    assert "2 more, of days that had begun when the forecast was made, are not counted." in record_words([early, late])


def test_words_and_table_say_what_came():
    keep()
    record = TrackRecord()
    assert record_words([]).startswith("No forecast is kept yet")
    assert record_words(record.list()) == ("No price has come yet that a kept forecast was made before. "
                                           "1 kept forecast waits for prices.")
    record.score(history(AT + 4))
    table = record_table(record.list())
    inside = [abs(CLOSE[AT + step] - CLOSE[AT]) <= 2 for step in (1, 2, 3)]
    assert table["In 80"].tolist() == inside
    assert table["Step"].tolist() == [1, 2, 3]
    assert table["Before the fact"].all()
    assert record_words(record.list()) == (f"3 forecasts made before the fact: 80 % interval held "
                                           f"{share(np.mean(inside), digits=0)}, error 1.00 of naive.")
    line = overview(record.list()).iloc[0]
    assert (line["Series"], line["Steps"], line["Scored"], line["From"]) == ("XYZ", 3, 3, "3 Mar 2026")


def test_a_forecast_is_kept_once_and_more_steps_are_added_with_their_own_date():
    first = keep()
    assert keep(now=MADE + pd.Timedelta(days=1)).rows == first.rows
    longer = keep(now=MADE + pd.Timedelta(days=2), steps=5)
    assert longer.rows[:3] == first.rows
    assert [row["made"][:10] for row in longer.rows] == ["2026-03-03"] * 3 + ["2026-03-05"] * 2
    assert keep(steps=2).rows == longer.rows
    keep(guarded=False)
    assert len(TrackRecord().list()) == 2
    keep(combined=True)
    assert sorted(overview(TrackRecord().list())["Made by"]) == ["Combination", "Run", "Run"]
    assert set(record_table(TrackRecord().list())["Made by"]) == {"Combination", "Run"}


@pytest.mark.parametrize("factor", [1.0, 0.97, 0.25])
def test_a_dividend_or_a_split_that_changes_all_earlier_prices_is_allowed_for(factor):
    keep()
    adjusted = CLOSE.copy()
    adjusted *= factor
    assert TrackRecord().score(history(AT + 4, adjusted, first=20)) == 3
    (kept,) = TrackRecord().list()
    np.testing.assert_allclose([row["actual"] for row in kept.rows], CLOSE[AT + 1 : AT + 4])


def test_other_series_score_nothing():
    keep()
    other = CLOSE.copy()
    other[AT - 3] *= 1.01
    days = history(AT + 4)
    shifted = dataclasses.replace(days, frame=days.frame.set_axis(days.dates + pd.Timedelta(days=1)))
    for one in (history(AT + 4, other), shifted, history(AT + 4, first=AT - 2),
                history(AT + 4, -CLOSE), history(AT - 5)):
        assert TrackRecord().score(one) == 0
    assert TrackRecord().score(history(AT + 4, name="another name")) == 3  # what it is called does not matter


def test_everyone_sees_their_own_record():
    keep(owner="ann")
    keep(owner="bob")
    assert len(TrackRecord().list()) == 2
    (kept,) = TrackRecord("ann").list()
    assert kept.about["owner"] == "ann"
    assert TrackRecord("ann").score(history(AT + 2)) == 1
    assert all(row["actual"] is None for row in TrackRecord("bob").list()[0].rows)


def test_tickers_of_open_forecasts_are_fetched_together_from_a_day_that_tells_them_again():
    keep()
    adjusted = history(AT + 1, name="OLD", notes=("Prices are adjusted for splits, not for dividends.",))
    TrackRecord().keep(adjusted, forecast(), run="c" * 32, settings={}, guarded=True, refit=False)
    TrackRecord().keep(history(AT + 1, name="file.csv", origin="file"), forecast(), run="d" * 32, settings={}, guarded=True,
                       refit=False)
    assert to_fetch(TrackRecord().list()) == {("1d", False, "2026-02-04"): ("OLD",), ("1d", True, "2026-02-04"): ("XYZ",)}
    TrackRecord().score(history(AT + 4))
    assert to_fetch(TrackRecord().list()) == {}


def test_times_within_a_day_count_only_where_they_have_come_nowhere_yet():
    hours = pd.date_range("2026-03-02", periods=40, freq="h")
    made = pd.Timestamp("2026-03-02 20:00", tz="UTC")
    frame = pd.DataFrame({"Close": CLOSE[:40]}, index=hours)
    known = PriceHistory(frame.iloc[:20], "coin", "test")
    path = forecast(16).set_axis(hours[20:36])
    TrackRecord().keep(known, path, run="e" * 32, settings={}, guarded=True, refit=False, now=made)
    TrackRecord().score(PriceHistory(frame, "coin", "test"))
    (kept,) = TrackRecord().list()
    assert [row["before"] for row in kept.rows] == [False] * 15 + [True]


def test_a_damaged_file_is_passed_over(home, caplog):
    keep()
    (home / "track" / ("f" * 32 + ".json")).write_text("{")
    assert len(TrackRecord().list()) == 1
    assert "cannot be read" in caplog.text

