"""What people hand over where a history or settings belong: taken where it is clear, else refused with what to call."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches

import numpy as np

from forecasting import words
from forecasting.data.files.container import to_collect
from forecasting.data.files.frames import is_table
from forecasting.data.history import PriceHistory
from forecasting.data.samples import SAMPLES
from forecasting.errors import ConfigError, DataError
from forecasting.model.config import PRESETS, RECOMMENDED, ForecastConfig

__all__ = ["as_config", "as_history", "refuse_keywords"]

_SHOWN = 60


def as_history(prices, caller: str = "train") -> PriceHistory:
    """A history as it is, and one made of a DataFrame or Series. Raises DataError with what to call for anything else.

    caller: the function that was called, for the message
    """
    if isinstance(prices, PriceHistory):
        return prices
    if is_table(prices):
        return PriceHistory.from_frame(prices)
    raise DataError(f"{caller} needs prices with dates: a PriceHistory, DataFrame or Series. Received: {_received(prices)}. "
                    f"{_instead(prices, caller)}")


def as_config(config, caller: str = "train") -> ForecastConfig:
    """Settings as they are, RECOMMENDED for None, and a preset by its name. Raises ConfigError for anything else.

    caller: as in `as_history`
    """
    if config is None:
        return RECOMMENDED
    if isinstance(config, ForecastConfig):
        return config
    names = {_plain(name): preset for name, preset in PRESETS.items()}
    if isinstance(config, str):
        if _plain(config) in names:
            return names[_plain(config)]
        likely = get_close_matches(_plain(config), names, n=1)
        meant = f" Did you mean {likely[0]!r}?" if likely else " For settings of your own call ForecastConfig(window=60, ...)."
        raise ConfigError(f"There is no preset of that name. Received: {config[:_SHOWN]!r}. The presets are "
                          f"{', '.join(map(repr, PRESETS))}.{meant}")
    if isinstance(config, PriceHistory) or is_table(config):
        remedy = f"The prices come first: call {caller}(history, config)."
    elif isinstance(config, dict):
        remedy = f"Call {caller}(history, ForecastConfig(**settings))."
    else:
        remedy = f"Call {caller}(history, ForecastConfig(window=60, ...)), or leave it out for RECOMMENDED."
    raise ConfigError(f"{caller} needs settings: a ForecastConfig or the name of a preset. Received: {_received(config)}. "
                      f"{remedy}")


def refuse_keywords(given: Mapping[str, object], caller: Callable, also: Callable | None = None) -> None:
    """Raises ConfigError for keywords that `caller` does not take, with what is meant: another one, or a setting.

    also: a function whose keywords it takes as well
    """
    taken = [one.name for function in (caller, also) if function is not None
             for one in inspect.signature(function).parameters.values() if one.kind != one.VAR_KEYWORD]
    if also is not None:
        taken = list(dict.fromkeys(name for name in taken if name != "source"))
    unknown = next((name for name in given if name not in taken), None)
    if unknown is None:
        return
    settings = [one.name for one in dataclasses.fields(ForecastConfig)] if "config" in taken else []
    likely = next(iter(get_close_matches(unknown.lower(), [*taken, *settings], n=1)), None)
    meant = f" Did you mean {likely}?" if likely else ""
    if likely in settings:
        setting = f"{likely}={repr(given[unknown])[:40]}"
        meant = f" Settings go into config: dataclasses.replace(RECOMMENDED, {setting}) or ForecastConfig({setting})."
    raise ConfigError(f"{caller.__name__} takes no keyword {unknown[:_SHOWN]}.{meant} It takes {', '.join(taken)}.")


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", " ")


def _received(thing) -> str:
    if isinstance(thing, str | os.PathLike | int | float):
        return f"{type(thing).__name__} {str(thing)[:_SHOWN]!r}"
    if isinstance(thing, np.ndarray):
        return f"an array of shape {thing.shape}"
    if isinstance(thing, list | tuple | dict | set | bytes):
        return f"a {type(thing).__name__} of {len(thing)}"
    return words.with_article(type(thing).__name__) if thing is not None else "None"


def _instead(prices, caller) -> str:
    if isinstance(prices, ForecastConfig):
        return f"The settings come second: call {caller}(history, config)."
    if isinstance(prices, str) and _plain(prices) in map(_plain, PRESETS):
        return f"The settings come second: call {caller}(history, {prices!r})."
    if isinstance(prices, str) and prices in SAMPLES:
        ticker = f", for today's prices of the ticker {caller}(fetch_prices({prices!r}))" if prices.isupper() else ""
        return f"For the sample call {caller}(load_sample({prices!r})){ticker}."
    if isinstance(prices, str | os.PathLike):
        text = str(prices)
        if isinstance(prices, os.PathLike) or (any(mark in text for mark in "/\\.~") and not text.isupper()):
            return f"For a file call {caller}(read_prices({text[:_SHOWN]!r}))."
        return f"For a ticker call {caller}(fetch_prices({text[:_SHOWN]!r})), for a file {caller}(read_prices(path))."
    if isinstance(prices, bytes):
        return f"For the bytes of a file call {caller}(read_prices(content))."
    if isinstance(prices, dict) and prices and all(isinstance(one, PriceHistory) or is_table(one) for one in prices.values()):
        return "For several series call train_many({name: history, ...}, config)."
    if isinstance(prices, dict):
        return f"For columns with dates call {caller}(pandas.DataFrame(columns))."
    if isinstance(prices, list | tuple | np.ndarray):
        return (f"Numbers need a date each: call {caller}(pandas.Series(prices, index=dates)), with dates such as "
                "pandas.bdate_range(end='2024-03-28', periods=len(prices)).")
    if to_collect(prices):
        return to_collect(prices)
    if hasattr(prices, "history") and hasattr(prices, "update"):
        return f"For prices that came since call result.update(newer_history); to train again, {caller}(result.history)."
    return "Call read_prices(path), fetch_prices('AAPL') or PriceHistory.from_frame(frame)."
