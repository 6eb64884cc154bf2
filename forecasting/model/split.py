"""Where training, validation and test end, by time alone, and which forecasts belong to each.

A row is a price; row 0 is the oldest. An *origin* is the last row known when a forecast is made; step h of it is the
price h rows later. The parts of a series are rows: training [0, a), validation [a, b), test [b, n).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError
from forecasting.model.config import MAX_HELD_OUT, RANGES, ForecastConfig

__all__ = ["MIN_WINDOWS", "PARTS", "Part", "Split", "SplitSummary", "describe_split", "escape_shares", "is_enough",
           "learning_origins", "minimum_rows", "nearest_settings", "part_labels", "split", "with_longer_test"]

MIN_WINDOWS = 10  # a network learns nothing from fewer
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Where the parts end: training is rows [0, train_end), validation [train_end, validation_end), test the rest."""

    train_end: int
    validation_end: int
    rows: int

    def origins(self, window: int, horizon: int) -> tuple[range, range, range]:
        """Origins of the three parts: those whose `horizon` target rows all lie within the part.

        A training window lies within the training part too. The first origin is `window - 1`.
        """
        first = window - 1
        train = range(first, self.train_end - horizon)
        validation = range(max(first, self.train_end - 1), self.validation_end - horizon)
        test = range(self.validation_end - 1, self.rows - horizon)
        return train, validation, test


def split(rows: int, config: ForecastConfig) -> Split:
    """The parts of `rows` prices: the last `test_share` is for the test, the `validation_share` before for validation."""
    validation_end = rows - round(rows * config.test_share)
    return Split(validation_end - round(rows * config.validation_share), validation_end, rows)


def part_labels(parts: Split, config: ForecastConfig) -> np.ndarray:
    """(rows,) 'train', 'validation' or 'test' for each row, mixed where the leak lab shuffles."""
    labels = np.repeat(PARTS, np.diff([0, parts.train_end, parts.validation_end, parts.rows]))
    if config.leak == "shuffle":
        labels[config.window :] = np.random.default_rng(config.seed).permutation(labels[config.window :])
    return labels


def with_longer_test(config: ForecastConfig, parts: Split, rows: int) -> ForecastConfig:
    """`config` with shares that split `rows` prices where `parts` does, later rows being test ones.

    Raises ConfigError where the test part would be too large.
    """
    largest = RANGES["test_share"][1]
    test, validation = (rows - parts.validation_end) / rows, (parts.validation_end - parts.train_end) / rows
    if test > largest or validation < RANGES["validation_share"][0]:
        raise ConfigError(f"With {rows - parts.rows} new rows the test part would be {test:.0%} of all, more than the "
                          f"{largest:.0%} that are allowed: the network learnt from too little of this. Train again.")
    return dataclasses.replace(config, test_share=test, validation_share=validation)


def learning_origins(parts: Split, config: ForecastConfig) -> tuple[np.ndarray, np.ndarray]:
    """(n,), (m,): the origins to learn from and to choose by; the leak lab's mistakes are made here."""
    train, validation, test = (np.arange(one.start, one.stop) for one in parts.origins(config.window, config.horizon))
    if config.leak == "validation" and len(test):
        return train, test
    if config.leak == "shuffle":
        labels = part_labels(parts, config)
        every = np.arange(config.window - 1, parts.rows - config.horizon)
        return every[labels[every + 1] == "train"], every[labels[every + 1] == "validation"]
    return train, validation


def is_enough(parts: Split, config: ForecastConfig) -> bool:
    """Whether there is something to learn from, to choose by and to test on."""
    train, validation, _ = parts.origins(config.window, config.horizon)
    return (len(train) >= MIN_WINDOWS and len(validation) >= 1 and parts.validation_end - parts.train_end >= 2
            and parts.rows - parts.validation_end >= 1)


def minimum_rows(config: ForecastConfig) -> int:
    """The fewest prices that these settings can be trained on."""
    rows = config.window + config.horizon + MIN_WINDOWS
    while not is_enough(split(rows, config), config):
        rows += 1
    return rows


def nearest_settings(rows: int, config: ForecastConfig) -> Iterator[ForecastConfig]:
    """Settings that `rows` prices are enough for, the nearest first: other windows, horizons and shares.

    Each change counts by the logarithm of its ratio, twice where it is the horizon or a share, since these change what is
    asked or how it is judged, and once more for being a change at all: one setting changed by half is nearer than three.
    """
    grid = [np.arange(RANGES["horizon"][0], config.horizon + 1)]
    grid += [np.unique([getattr(config, name), *np.arange(1, most + 1) / 100])
             for name, most in (("validation_share", 50), ("test_share", 60))]
    horizon, validating, testing = (values.ravel() for values in np.meshgrid(*grid))
    validation_end = rows - np.rint(rows * testing)
    validated = np.rint(rows * validating)
    # The widest window that leaves the training part enough of them.
    window = np.minimum(config.window, validation_end - validated - horizon - MIN_WINDOWS + 1)
    fits = (window >= RANGES["window"][0]) & (validated >= horizon) & (validating + testing <= MAX_HELD_OUT)
    tried = np.stack([window, horizon, validating, testing], axis=1)[fits]
    ratios = tried / [config.window, config.horizon, config.validation_share, config.test_share]
    far = np.abs(np.log(ratios)) @ [1, 2, 2, 2] + (ratios != 1).sum(axis=1)
    for wide, ahead, *shares in tried[np.argsort(far, kind="stable")].tolist():
        nearest = dataclasses.replace(config, window=int(wide), horizon=int(ahead), validation_share=shares[0],
                                      test_share=shares[1])
        if is_enough(split(rows, nearest), nearest):
            yield nearest


@dataclass(frozen=True)
class Part:
    """One part of a series: its first and last day, None where it has no rows, and how many rows it has."""

    start: pd.Timestamp | None
    end: pd.Timestamp | None
    rows: int


@dataclass(frozen=True)
class SplitSummary:
    """The parts of a series, for display.

    train_end, validation_end: the rows where the next part begins
    windows: how many windows a network learns from
    escape: the share (0 to 1) of the test prices outside the range of the training part; None without either part
    spans: {'train' | 'validation' | 'test': Part}
    """

    train_end: int
    validation_end: int
    windows: int
    escape: float | None
    spans: dict[str, Part]


def describe_split(history: PriceHistory, config: ForecastConfig) -> SplitSummary:
    """How these settings split these prices, even if they are too few to train on."""
    parts = split(len(history), config)
    edges = [0, max(0, parts.train_end), parts.validation_end, parts.rows]
    spans = {}
    for name, start, end in zip(PARTS, edges[:-1], edges[1:], strict=True):
        days = history.dates[start:end]
        spans[name] = Part(days[0], days[-1], len(days)) if len(days) else Part(None, None, 0)
    escape = None
    if spans["train"].rows and spans["test"].rows:
        escape = sum(escape_shares(history.close, parts.train_end, parts.validation_end))
    train, _, _ = parts.origins(config.window, config.horizon)
    return SplitSummary(parts.train_end, parts.validation_end, len(train), escape, spans)


def escape_shares(prices, train_end: int, validation_end: int) -> tuple[float, float]:
    """(above, below): the shares (0 to 1) of the test prices above and below all training prices. Both have rows."""
    seen, test = prices[:train_end], prices[validation_end:]
    return float((test > seen.max()).mean()), float((test < seen.min()).mean())
