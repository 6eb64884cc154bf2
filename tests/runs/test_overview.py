import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from forecasting.runs.overview import ORDERS, arrange, differing_settings, matching
from forecasting.runs.records import Run
from tests.runs.conftest import TINY

START = datetime(2026, 1, 1, tzinfo=UTC)


def made(number, *, rmse=None, config=TINY, seed=0, **fields):
    """A finished run, the later the higher its number; it has an RMSE unless that is None."""
    scores = {} if rmse is None else {"test": {"rmse": rmse, "skill": 1 - rmse}}
    return Run(**{"id": f"{number:032x}", "kind": "train", "name": f"run {number}", "state": "finished", "series": "AAPL",
                  "config": dataclasses.replace(config, seed=seed), "created": START + timedelta(minutes=number),
                  "scores": scores, "fingerprint": "f", **fields})


def newest_first(*runs):
    return sorted(runs, key=lambda run: run.created, reverse=True)


def test_seeds_stand_in_one_row_with_mean_deviation_and_the_median_run():
    runs = newest_first(*(made(i, rmse=rmse, seed=i) for i, rmse in enumerate([1.0, 4.0, 2.0])))
    (row,) = arrange(runs)
    assert row.seeds == 3
    assert row.run.scores["test"]["rmse"] == 2.0
    assert row.scores["rmse"] == pytest.approx(7 / 3)
    assert row.deviations["rmse"] == pytest.approx(((4 / 3) ** 2 + (5 / 3) ** 2 + (1 / 3) ** 2) ** 0.5 / 2**0.5)
    assert [one.run for one in arrange(runs, opened={row.id})[1:]] == runs
    assert all(one.inside for one in arrange(runs, opened={row.id})[1:])
    assert len(arrange(runs, collapse=False)) == 3


def test_a_row_of_seeds_stays_open_when_another_seed_ends():
    runs = newest_first(made(0, rmse=1.0, seed=0), made(1, rmse=2.0, seed=1))
    opened = {arrange(runs)[0].id}
    assert len(arrange(newest_first(*runs, made(2, rmse=0.5, seed=2)), opened=opened)) == 4


@pytest.mark.parametrize("other", [
    {"config": dataclasses.replace(TINY, window=11)}, {"fingerprint": "g"}, {"state": "stopped"}, {"rmse": None},
    {"config": dataclasses.replace(TINY, leak="shuffle")}])
def test_runs_that_differ_by_more_than_their_seed_stand_alone(other):
    runs = newest_first(made(0, rmse=1.0, seed=0), made(1, **{"rmse": 2.0, "seed": 1, **other}))
    assert [row.members for row in arrange(runs)] == [(), ()]


def test_the_same_seed_trained_twice_is_no_spread():
    runs = newest_first(made(0, rmse=1.0, seed=0), made(1, rmse=1.0, seed=0))
    assert [row.members for row in arrange(runs)] == [(), ()]
    row, = arrange(newest_first(*runs, made(2, rmse=3.0, seed=1)))
    assert (row.seeds, row.scores["rmse"], len(row.members)) == (2, 2.0, 3)


def test_only_settings_that_differ_among_the_rows_are_named():
    one, other = made(0, rmse=1.0), made(1, rmse=2.0, config=dataclasses.replace(TINY, window=11, units=(8, 8)))
    assert differing_settings(arrange(newest_first(one, other))) == ["window", "units"]
    assert differing_settings(arrange([one])) == []
    seeds = newest_first(made(0, rmse=1.0, seed=0), made(1, rmse=2.0, seed=1))
    assert differing_settings(arrange(seeds)) == []
    assert differing_settings(arrange(seeds, collapse=False)) == ["seed"]


def test_a_leaked_run_has_no_scores_and_comes_after_those_that_have():
    leaked = made(0, rmse=0.01, config=dataclasses.replace(TINY, leak="shuffle"))
    rows = arrange(newest_first(leaked, made(1, rmse=2.0), made(2, rmse=1.0)), order="rmse")
    assert [row.scores.get("rmse") for row in rows] == [1.0, 2.0, None]


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_keeps_all_runs(order):
    runs = newest_first(made(0, rmse=1.0, seconds=3.0), made(1, rmse=float("nan")),
                        made(2, rmse=2.0, config=dataclasses.replace(TINY, window=20), seconds=1.0))
    assert {row.run.id for row in arrange(runs, order=order)} == {run.id for run in runs}


@pytest.mark.parametrize(("wanted", "expected"), [
    ({}, [3, 2, 1, 0]), ({"text": "NOTE run"}, [1]), ({"text": "msft"}, [2]), ({"text": "slow"}, [3]), ({"text": "none"}, []),
    ({"series": "MSFT"}, [2]), ({"state": "failed"}, [0]), ({"tag": "slow"}, [3]), ({"starred": True}, [1]),
    ({"starred": True, "tag": "slow"}, [])])
def test_runs_are_found_by_what_is_known_about_them(wanted, expected):
    runs = newest_first(made(0, state="failed"), made(1, starred=True, note="a Note"), made(2, series="MSFT"),
                        made(3, tags=("slow", "big")))
    assert [int(run.id, 16) for run in matching(runs, **wanted)] == expected
