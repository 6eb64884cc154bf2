"""Folds to choose settings by, cut from the training and validation parts only, so that the test part stays unread."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, NotEnoughData
from forecasting.evaluation.backtest import FEWEST_ROWS, Fold, fold_shares
from forecasting.model.config import ForecastConfig
from forecasting.model.split import split
from forecasting.words import count, count_of

__all__ = ["FOLDS", "before_test", "inner_folds"]

FOLDS = (2, 5)  # fewest, most
SCORED = 0.5  # the share of the rows before the test part on which settings are compared


def before_test(history: PriceHistory, config: ForecastConfig) -> PriceHistory:
    """The rows of the training and validation parts."""
    return replace(history, frame=history.frame.iloc[: split(len(history), config).validation_end])


def inner_folds(history: PriceHistory, config: ForecastConfig, k: int, shifted: bool = False) -> tuple[Fold, ...]:
    """`k` walk-forward folds within `history`, oldest first; each trains on all rows before its own days.

    history: as `before_test` returns it
    shifted: the second set of folds

    The later half of the rows is cut into 2k blocks. The folds of a search predict every second block up to the latest; the
    shifted ones predict the blocks between, so that no day on which settings were chosen judges them again. The days depend
    on the split alone, so they are the same for all other settings.
    Raises ConfigError for another `k`, NotEnoughData where the folds would be too short.
    """
    fewest, most = FOLDS
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not fewest <= k <= most:
        raise ConfigError(f"folds must be a whole number from {fewest} to {most}. Received: folds={k!r:.60}.")
    n = len(history)
    first = n - round(SCORED * n)
    edges = [first + round(i * (n - first) / (2 * k)) for i in range(2 * k + 1)]
    if min(end - start for start, end in pairwise(edges)) < FEWEST_ROWS:
        needed = int(np.ceil(2 * k * FEWEST_ROWS / SCORED))
        raise NotEnoughData(f"A search on {count_of(k, 'fold')} needs at least {count(needed)} prices before the test part, "
                            f"got {count(n)}. Choose fewer folds, a longer period or a smaller test part.")
    blocks = list(pairwise(edges))[0 if shifted else 1 :: 2]
    share_before = 1 - config.test_share
    return tuple(
        Fold(number, replace(history, frame=history.frame.iloc[:end]), fold_shares(config, end - start, start, share_before),
             history.dates[start], history.dates[end - 1], end - start, start)
        for number, (start, end) in enumerate(blocks, start=1))
