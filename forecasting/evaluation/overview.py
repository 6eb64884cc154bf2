"""What a split comes to, before anything is trained: dates, counts, windows, and whether these settings fit."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.evaluation.diagnostics import RangeEscape, range_escape
from forecasting.model.config import ForecastConfig
from forecasting.model.preprocessing import Preprocessor, Split, check_rows, split

__all__ = ["Overview", "Part", "check_settings", "overview"]


@dataclass(frozen=True)
class Part:
    """One part of the split: 'train', 'validation' or 'test', its first and last date and its rows."""

    name: str
    start: pd.Timestamp
    end: pd.Timestamp
    rows: int


@dataclass(frozen=True)
class Overview:
    """split: the rows where the parts end; parts: those that have rows; windows: what training learns from
    escape: how far the test prices leave what training saw
    """

    split: Split
    parts: tuple[Part, ...]
    windows: int
    escape: RangeEscape


def overview(history: PriceHistory, config: ForecastConfig) -> Overview:
    """The split of `history` that `config` asks for. Raises NotEnoughData where a training would."""
    check_rows(len(history), config)
    parts = split(len(history), config)
    edges = (0, parts.train_end, parts.validation_end, len(history))
    named = tuple(Part(name, history.dates[start], history.dates[end - 1], end - start)
                  for name, start, end in zip(("train", "validation", "test"), edges, edges[1:], strict=False) if end > start)
    windows = len(parts.origins(config.window, config.horizon)[0])
    return Overview(parts, named, windows,
                    range_escape(history.close, parts.train_end, parts.validation_end, history.currency))


def check_settings(history: PriceHistory, config: ForecastConfig):
    """Raises what a training of these settings would raise at its start: too few rows, prices that never move, ..."""
    check_rows(len(history), config)
    Preprocessor.fit(history, config, split(len(history), config))
