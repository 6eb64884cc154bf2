"""The spread of seeds, and the rank test between two settings."""

import numpy as np
import pytest

from forecasting.evaluation.metrics import Undefined
from forecasting.evaluation.spread import FEWEST_SEEDS, rank_test, spread_of


def test_the_spread_of_known_values():
    spread = spread_of([1.0, 2.0, 3.0, 6.0])
    assert (spread.mean, spread.low, spread.high, spread.count) == (3.0, 1.0, 6.0, 4)
    assert spread.deviation == pytest.approx(np.sqrt(14 / 3))
    assert spread_of([2.5]).deviation is None
    with pytest.raises(ValueError, match="nothing"):
        spread_of([])


def test_a_rank_test_of_complete_separation_has_the_p_value_of_one_order_in_all():
    # 2 / (8 choose 4) of all orders are as extreme.
    assert rank_test([1, 2, 3, 4], [5, 6, 7, 8]) == pytest.approx(2 / 70)
    assert rank_test([1, 3, 5, 7], [2, 4, 6, 8]) > 0.5
    with pytest.raises(Undefined, match=f"{FEWEST_SEEDS} seeds on each side, got 3 and 10"):
        rank_test([1, 2, 3], list(range(10)))


def test_seeds_of_one_setting_are_rarely_told_apart():
    rng = np.random.default_rng(0)
    found = sum(rank_test(rng.normal(size=10), rng.normal(size=10)) < 0.05 for _ in range(300))
    assert found <= 300 * 0.08
