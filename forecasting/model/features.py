"""What a network may see beside the price: other columns, the calendar, indicators, each from the past only; and what is
known in advance of the days to come.

Channels are stationary where possible (a distance, a ratio, an oscillator), so that what was learnt at low prices still
holds at high ones. RSI and MACD come from TA-Lib; the rest is a line of pandas each.
"""

from __future__ import annotations

import dataclasses
from difflib import get_close_matches

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.data.calendars import future_dates
from forecasting.data.history import PriceHistory
from forecasting.data.known import check_known
from forecasting.errors import ConfigError
from forecasting.model.config import KNOWN

__all__ = ["CHANNELS", "COLUMNS_NEEDED", "channels_of", "check_features", "feature_width", "known_ahead", "known_columns",
           "make_features", "with_known"]

AVERAGES = (5, 20, 60)  # rows
DEVIATION = 20          # rows of the Bollinger bands, of the volatility and of the usual volume

# setting: its channels, in order
CHANNELS = {
    "Close": ("Close",),
    "Open": ("Open",),
    "High": ("High",),
    "Low": ("Low",),
    "Volume": ("Volume",),
    "day_of_week": ("day_of_week_sine", "day_of_week_cosine"),
    "month": ("month_sine", "month_cosine"),
    "moving_averages": tuple(f"average_{rows}" for rows in AVERAGES),
    "rsi": ("rsi",),
    "macd": ("macd", "macd_histogram"),
    "bollinger_width": ("bollinger_width",),
    "volatility": ("volatility",),
}
COLUMNS_NEEDED = ("Open", "High", "Low", "Volume")


def channels_of(name: str, horizon: int = 1) -> tuple[str, ...]:
    """The channels of a feature. One that is known in advance has one for each step ahead."""
    if name.startswith(KNOWN):
        return tuple(f"{name}+{step}" for step in range(1, horizon + 1))
    return CHANNELS[name]


def feature_width(features, horizon: int = 1) -> int:
    """How many channels `features`, names as `ForecastConfig.features` takes them, come to."""
    return sum(len(channels_of(name, horizon)) for name in features)


def check_features(history: PriceHistory, features):
    """Raises ConfigError where a feature needs a column that the history does not have."""
    unknown = [name.removeprefix(KNOWN) for name in known_columns(features)
               if history.known is None or name.removeprefix(KNOWN) not in history.known]
    if unknown:
        there = "nothing" if history.known is None else ", ".join(history.known)
        raise ConfigError(f"The series has no {' and no '.join(unknown)} that is known in advance. Known in advance: {there}. "
                          "Read the prices with known='NAME' for a column of that name, or choose other inputs.")
    missing = [name for name in features if name in COLUMNS_NEEDED and name not in history.frame]
    if missing:
        known = [name for name in history.frame if name != "Close"]
        raise ConfigError(f"The series has no {' and no '.join(missing)}. Known beside Close: "
                          f"{', '.join(known) or 'nothing'}. Choose other inputs.")


def known_columns(features) -> list[str]:
    """Those of `features` that are known in advance."""
    return [name for name in features if name.startswith(KNOWN)]


def with_known(history: PriceHistory, newer: pd.DataFrame | None, features, dates: pd.DatetimeIndex) -> PriceHistory:
    """`history` with values of `features` that are known in advance for `dates`, days to come.

    newer: a DataFrame by date whose values go before those of the history from the first of `dates` on, or None
    Raises ConfigError where a value is missing, and where `newer` says nothing that is needed.
    """
    if newer is not None:
        known = _known_of(history)
        said = _said_of(newer, known, features, dates)
        history = dataclasses.replace(history, known=said.combine_first(known)[list(known)])
    for column in (name.removeprefix(KNOWN) for name in known_columns(features)):
        values = _known_of(history)[column].reindex(dates)
        if values.isna().any():
            missing = dates[values.isna()]
            raise ConfigError(f"A forecast up to {dates[-1]:%Y-%m-%d} needs '{column}' on each day, and there is none for "
                              f"{words.count_of(len(missing), 'day')} from {missing[0]:%Y-%m-%d} on. Forecast fewer steps, or "
                              f"pass known=DataFrame({{'{column}': values}}, index=dates).")
    return history


def _said_of(newer, known, features, dates) -> pd.DataFrame:
    """What `newer` says from the first of `dates` on. Raises ConfigError for what would be left out without a word."""
    said = check_known(newer, pd.DatetimeIndex([]))
    names, needed = [] if said is None else list(said), [name.removeprefix(KNOWN) for name in known_columns(features)]
    unknown = [name for name in names if name not in known]
    used = [name for name in needed if name in names]
    if said is None or unknown or not used:
        likely = {match: None for name in unknown for match in get_close_matches(name.lower(), needed, n=1)}
        meant = f" Did you mean {' and '.join(map(repr, likely))}?" if likely else ""
        raise ConfigError(f"known takes the inputs that are known in advance: {', '.join(map(repr, needed))}. Received: "
                          f"{'the columns ' + ', '.join(map(repr, names))[:100] if names else 'no column'}.{meant}")
    days = f"{dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}"
    there = said.loc[said.index.isin(dates), used]
    if there.empty:
        received = f"{said.index[0]:%Y-%m-%d %H:%M} to {said.index[-1]:%Y-%m-%d %H:%M}" if len(said) else "no rows"
        raise ConfigError(f"known has none of the dates that are forecast, {days}. Received: {received}. Pass "
                          "index=result.forecast(steps).index, or dates as it has them.")
    if there.isna().any(axis=None):
        column = next(name for name in used if there[name].isna().any())
        raise ConfigError(f"known needs a number on each date that it has from {days}. Received: none for '{column}' on "
                          f"{there.index[there[column].isna()][0]:%Y-%m-%d}. Fill it, or leave that date out.")
    return said[said.index >= dates[0]]


def known_ahead(history: PriceHistory, features, most: int) -> int:
    """For how many of the next `most` steps after the last price everything is known in advance that `features` need."""
    columns = [name.removeprefix(KNOWN) for name in known_columns(features)]
    if not columns:
        return most
    missing = _known_of(history).reindex(future_dates(history, most))[columns].isna().any(axis=1).to_numpy()
    return int(missing.argmax()) if missing.any() else most


def make_features(history: PriceHistory, features, level, horizon: int = 1) -> pd.DataFrame:
    """Channels of every feature but 'Close', unscaled, one row a price row.

    level: puts prices (t,) on the scale that moves are measured on, e.g. the logarithm
    horizon: for how many steps ahead a row sees what is known in advance
    A value that the first rows cannot have yet is NaN, as is one that is known in advance but was not given. Any other value at
    a row depends on that row and earlier ones alone.
    Raises ConfigError as `check_features` does.
    """
    check_features(history, features)
    frame = history.frame
    close = pd.Series(level(history.close), index=frame.index)
    move = close.diff()
    usual = np.sqrt((move**2).expanding(min_periods=2).mean())
    # A flat stretch has no unit of its own, so a tenth of the usual move so far is the least. NaN before the first move.
    restless = np.sqrt((move**2).ewm(alpha=1 / DEVIATION, min_periods=2).mean()).clip(lower=0.1 * usual)
    restless = restless.where(restless > 0)
    channels = {}
    for name in features:
        if name in ("Open", "High", "Low"):
            # How far the day's other prices lie from its close.
            channels[name] = pd.Series(level(frame[name].ffill().to_numpy()), index=frame.index) - close
        elif name == "Volume":
            volume = np.log1p(frame["Volume"].ffill().clip(lower=0))
            channels[name] = volume - volume.rolling(DEVIATION, min_periods=2).mean()
        elif name == "day_of_week":
            channels |= _circle("day_of_week", frame.index.day_of_week, 7)
        elif name == "month":
            channels |= _circle("month", frame.index.month - 1, 12)
        elif name == "moving_averages":
            for rows in AVERAGES:
                channels[f"average_{rows}"] = close - close.rolling(rows, min_periods=2).mean()
        elif name == "rsi":
            channels["rsi"] = pd.Series(_rsi(close.to_numpy()), index=frame.index)
        elif name == "macd":
            line, histogram = _macd(close.to_numpy())
            # In units of the recent moves, as the distance of two averages grows with them.
            channels["macd"] = pd.Series(line, index=frame.index) / restless
            channels["macd_histogram"] = pd.Series(histogram, index=frame.index) / restless
        elif name == "bollinger_width":
            channels["bollinger_width"] = np.log1p(4 * close.rolling(DEVIATION, min_periods=2).std() / restless)
        elif name == "volatility":
            channels["volatility"] = np.log(restless)
        elif name.startswith(KNOWN):
            channels |= _ahead(history, name, horizon)
    return pd.DataFrame(channels, index=frame.index)


def _known_of(history) -> pd.DataFrame:
    return pd.DataFrame() if history.known is None else history.known


def _ahead(history, name, horizon):
    """What is known of the next steps: channel k of a row is the value on the k-th day after it."""
    days = history.dates.append(future_dates(history, horizon))
    values = _known_of(history)[name.removeprefix(KNOWN)].reindex(days).to_numpy()
    rows = len(history)
    return {channel: values[step : step + rows] for step, channel in enumerate(channels_of(name, horizon), start=1)}


def _circle(name, position, period):
    """A position on a circle as two channels, so that its end is next to its beginning."""
    angle = 2 * np.pi * np.asarray(position, dtype=np.float64) / period
    return {f"{name}_sine": np.sin(angle), f"{name}_cosine": np.cos(angle)}


def _rsi(level):
    """(t,) Wilder's relative strength index over 14 rows, from 0 to 100."""
    import talib

    return talib.RSI(np.ascontiguousarray(level), timeperiod=14) if len(level) > 14 else np.full(len(level), np.nan)


def _macd(level):
    """(t,), (t,): Appel's moving-average convergence divergence (12, 26, 9) and its distance from its signal line."""
    import talib

    if len(level) < 34:
        return np.full(len(level), np.nan), np.full(len(level), np.nan)
    line, _, histogram = talib.MACD(np.ascontiguousarray(level), fastperiod=12, slowperiod=26, signalperiod=9)
    return line, histogram
