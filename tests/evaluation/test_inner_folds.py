"""Folds before the test part: which days they have, and that the test part is in none of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import RECOMMENDED, ConfigError, NotEnoughData, PriceHistory
from forecasting.evaluation.inner_folds import before_test, inner_folds
from forecasting.model.split import split


def series(rows):
    close = 100 + np.arange(rows, dtype=float) % 7
    return PriceHistory(pd.DataFrame({"Close": close}, pd.bdate_range("2000-01-03", periods=rows)), name="steps", source="test")


def days(fold):
    return fold.history.dates[(fold.history.dates >= fold.start) & (fold.history.dates <= fold.end)]


def test_no_fold_reaches_into_the_test_part():
    history = series(1000)
    seen = before_test(history, RECOMMENDED)
    assert len(seen) == 800
    for shifted in (False, True):
        assert max(fold.history.dates[-1] for fold in inner_folds(seen, RECOMMENDED, 3, shifted)) <= history.dates[799]


def test_searched_and_shifted_folds_share_no_day_and_cover_the_later_half():
    seen = before_test(series(1000), RECOMMENDED)
    every = [day for shifted in (False, True) for fold in inner_folds(seen, RECOMMENDED, 4, shifted) for day in days(fold)]
    assert len(set(every)) == len(every) == 400
    assert set(every) == set(seen.dates[400:])


@pytest.mark.parametrize("changes", [{"window": 5}, {"horizon": 20}, {"target": "price"}, {"units": (8, 8), "loss": "mae"}])
def test_the_days_are_the_same_for_all_settings_but_the_split(changes):
    seen = before_test(series(1000), RECOMMENDED)
    own, others = (inner_folds(seen, config, 3) for config in (RECOMMENDED, replace(RECOMMENDED, **changes)))
    assert [(fold.start, fold.end, fold.rows) for fold in own] == [(fold.start, fold.end, fold.rows) for fold in others]


def test_a_fold_predicts_its_own_days_as_its_test_part_and_keeps_the_validation_share():
    for fold in inner_folds(before_test(series(1000), RECOMMENDED), RECOMMENDED, 5):
        parts = split(len(fold.history), fold.config)
        assert fold.history.dates[parts.validation_end] == fold.start
        assert parts.rows - parts.validation_end == fold.rows == len(days(fold))
        assert (parts.validation_end - parts.train_end) / parts.validation_end == pytest.approx(0.125, abs=0.005)


@pytest.mark.parametrize("k", [1, 6, 2.5, True])
def test_two_to_five_folds(k):
    with pytest.raises(ConfigError, match="from 2 to 5"):
        inner_folds(series(1000), RECOMMENDED, k)


def test_too_few_rows_are_said_with_what_it_takes():
    with pytest.raises(NotEnoughData, match="needs at least 120 prices before the test part, got 100"):
        inner_folds(series(100), RECOMMENDED, 3)
