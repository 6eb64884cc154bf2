"""Raw prices or prices adjusted for splits and dividends: which to use, and the open, high and low that go with them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.files.pick_prices import Picked
from forecasting.data.files.wording import shown
from forecasting.errors import UnreadableFile
from forecasting.words import count, count_of, date, price

__all__ = ["price_frame"]

_SPLIT = 1.2  # a step of raw over adjusted prices that no ordinary dividend makes
_FAR = 3.0    # times the day's high, or a third of its low


def price_frame(picked: Picked, values: dict[str, np.ndarray], dates: pd.Series) -> tuple[pd.DataFrame, str, list[str]]:
    """(Date, Close, Open, High, Low, Volume in the order of the rows; name of the price column; what to say).

    values: floats of the columns by role, 'close' and 'adjusted' being `picked.close` and `picked.adjusted`
    Adjusted prices are used where the raw ones jump at splits, or where open, high and low are there adjusted too.
    """
    close, other, adjusted = values["close"], values.get("adjusted"), picked.adjusted
    prefix, factor, notes, used = "", None, [], picked.close
    name = shown(used.name)
    if picked.close.role == "adj close":
        prefix = "adj "
        factor = None if other is None else _ratio(close, other)
    elif other is not None and adjusted is not None:
        jump = _largest_step(close, other, dates)
        complete = all(f"adj {role}" in values for role in ("open", "high", "low"))
        if not picked.chosen and (jump or complete):
            prefix, factor, close, used = "adj ", _ratio(other, close), other, adjusted
            why = f"“{name}” jumps at splits, e.g. on {jump}" if jump else "open, high and low are there adjusted too"
            notes.append(f"“{shown(used.name)}” was used because {why}; “{name}” can be chosen instead.")
        elif not picked.chosen:
            notes.append(f"“{name}” was used; “{shown(adjusted.name)}”, adjusted for splits and dividends, can be "
                         "chosen instead.")
    columns = {"Date": dates.to_numpy(), "Close": close}
    scaled = False
    for role in ("open", "high", "low", "volume"):
        own = values.get(prefix + role)
        if own is None and prefix and role in values:
            scale = factor if role != "volume" else 1.0
            own = None if scale is None else values[role] * scale
            scaled |= own is not None and role != "volume"
        if own is not None:
            columns[role.capitalize()] = own
    if scaled:
        notes.append("Open, High and Low were scaled by the same factors as the adjusted price.")
    frame = pd.DataFrame(columns)
    if not picked.chosen:
        _check_candles(frame, used.name)
    return frame, used.name, notes


def _check_candles(frame: pd.DataFrame, name: str):
    """Refuse a close far from the day's range on most days: its name stands over another column, e.g. the volume."""
    if not {"High", "Low"} <= set(frame):
        return
    known = frame[["Close", "High", "Low"]].dropna()
    far = (known["Close"] > _FAR * known["High"]) | (known["Close"] < known["Low"] / _FAR)
    if len(known) and (known["Low"] > 0).all() and far.mean() > 0.5:
        day = known[far].iloc[0]
        raise UnreadableFile(f"“{shown(name)}” lies far outside the day's high and low in {count(far.sum())} of "
                             f"{count_of(len(known), 'row')}, e.g. {price(day['Close'])} between {price(day['Low'])} and "
                             f"{price(day['High'])}. The names seem to stand over the wrong columns: correct the header, and "
                             "choose the file again.")


def _ratio(adjusted: np.ndarray, raw: np.ndarray) -> np.ndarray:
    return np.divide(adjusted, raw, out=np.full(len(raw), np.nan), where=raw != 0)


def _largest_step(raw: np.ndarray, adjusted: np.ndarray, dates: pd.Series) -> str | None:
    """The date on which raw prices part from adjusted ones by more than a dividend, or None."""
    ratio = pd.Series(_ratio(raw, adjusted), index=pd.DatetimeIndex(dates)).dropna()
    ratio = ratio[(ratio > 0) & ratio.index.notna()].sort_index()
    steps = np.abs(np.diff(np.log(ratio.to_numpy())))
    if not len(steps) or steps.max() < np.log(_SPLIT):
        return None
    return date(ratio.index[int(steps.argmax()) + 1])
