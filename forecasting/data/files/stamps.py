"""Dates that are written as one number: yyyymmdd, epochs, Excel serial numbers, years, fractions of years."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pandas as pd

from forecasting.data.files.dates import FIRST_YEAR, LAST_YEAR, Reading, read_dates
from forecasting.data.files.vocabulary import MISSING
from forecasting.words import date

__all__ = ["read_stamps"]

_EPOCHS = (("s", 1e8, 5e9, "seconds"), ("ms", 1e11, 5e12, "milliseconds"), ("us", 1e14, 5e15, "microseconds"),
           ("ns", 1e17, 5e18, "nanoseconds"))
_FEW = 0.1
# As NumPy writes 1459382400; a spreadsheet's 1.45938E+09 has lost its last digits.
_EXACT_POWER = r"[0-9]\.[0-9]{9,}[eE]\+(?:0[89]|1[0-8])"
_DATED_DIGITS = ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M"), (10, "%Y%m%d%H"), (8, "%Y%m%d"))


def read_stamps(text: pd.Series, order: str | None = None, today: pd.Timestamp | None = None,
                epoch_1904: bool = False) -> list[Reading]:
    """Every reading of a column of numbers as dates; [] where the numbers are none. See `dates.read_dates`."""
    present = ~text.str.lower().isin(MISSING)
    exact = text.str.fullmatch(_EXACT_POWER)
    if exact.sum() >= 0.9 * present.sum() > 0:
        text = text.where(~exact, text.map(lambda cell: f"{Decimal(cell):f}" if re.fullmatch(_EXACT_POWER, cell) else cell))
    whole = text.str.fullmatch(r"-?[0-9]{4,19}(?:\.0*)?")
    if 0 < (short := text.str.fullmatch(r"-?[0-9]{1,3}")).mean() < _FEW:  # the first minutes of 1970
        whole |= short
    fraction = text.str.fullmatch(r"[0-9]{4,10}\.[0-9]+")
    if not present.any() or (whole | fraction).sum() < 0.9 * present.sum():
        return []
    digits = text.str.replace(r"\.0*$", "", regex=True).where(whole, "")
    numbers = pd.to_numeric(text.where(whole | fraction), errors="coerce").astype("float64")
    if whole.sum() >= 0.9 * present.sum() and not (numbers < 0).any():
        reading = _dated_digits(digits, whole)
        if reading is not None:
            return [reading]
        split = _split_digits(digits, whole)
        if split is not None and (readings := read_dates(split, order, today)):
            return readings
    for reader in (_years, _months_behind_points, _decimal_years, _serials, _epochs):
        reading = reader(numbers, digits, epoch_1904)
        if reading is not None:
            return [reading]
    return []


def _dated_digits(digits: pd.Series, whole: pd.Series) -> Reading | None:
    """yyyymmdd, with hours, minutes and seconds or without."""
    lengths = digits[whole].str.len()
    for length, pattern in _DATED_DIGITS:
        if (lengths == length).mean() < 0.99:
            continue
        # strptime reads '2016010100' with %H of one digit too: the length must be exact.
        exact = digits.where(digits.str.len() == length)
        values = pd.to_datetime(exact, format=pattern, errors="coerce").dt.as_unit("us")
        values = values.where(values.dt.year.between(FIRST_YEAR if length < 12 else 1900, LAST_YEAR))
        if values.notna().sum() >= 0.99 * whole.sum():
            return Reading(values, timed=length > 8)
    return None


def _split_digits(digits: pd.Series, whole: pd.Series) -> pd.Series | None:
    """yyyymm as '2016-03'; ddmmyyyy and six digits as three numbers, for the decision on their order.

    Years among months are sums or averages of theirs, and left out.
    """
    yearly = digits.where(digits.str.len() == 4, "").between("1700", "2199")
    if 0 < yearly.sum() <= _FEW * whole.sum():
        months = _split_digits(digits.where(~yearly, ""), whole & ~yearly)
        return months if months is not None and months[whole & ~yearly].str.len().eq(7).all() else None
    lengths = digits[whole].str.len()
    if (lengths == 6).all():
        year, month = digits.str.slice(0, 4), digits.str.slice(4)
        as_months = year[whole].between("1700", "2199") & month[whole].between("01", "12")
        if as_months.all():
            return (year + "-" + month).where(whole, "")
    if lengths.isin((5, 6)).all() and (lengths == 6).any() and (lengths == 6).mean() > 0.2:
        return _triple(digits.str.zfill(6), (2, 4)).where(whole, "")
    if lengths.isin((7, 8)).all():
        return _triple(digits.str.zfill(8), (2, 4)).where(whole, "")
    return None


def _triple(digits: pd.Series, cuts: tuple[int, int]) -> pd.Series:
    first, second = cuts
    return digits.str.slice(0, first) + "/" + digits.str.slice(first, second) + "/" + digits.str.slice(second)


def _years(numbers, digits, _epoch_1904) -> Reading | None:
    known = numbers.dropna()
    if not known.between(1500, 2200).all() or (known != known.round()).any() or known.duplicated().mean() > 0.5:
        return None
    return Reading(_first_days(numbers, pd.Series(1, index=numbers.index)),
                   notes=("Each year was dated by its first day.",))


def _months_behind_points(numbers, digits, _epoch_1904) -> Reading | None:
    """1949.02 is February 1949, and 1949.1 is October: a spreadsheet took 1949.10 for a number."""
    known = numbers.dropna()
    months = (numbers % 1 * 100).round()
    if not (known.between(1500, 2200).all() and months[known.index].between(1, 12).all()) or known.duplicated().mean() > 0.5:
        return None
    if ((known % 1 * 100) - months[known.index]).abs().max() > 1e-6:
        return None
    return Reading(_first_days(numbers // 1, months), notes=("Each month was dated by its first day.",))


def _decimal_years(numbers, digits, _epoch_1904) -> Reading | None:
    """1949.0833 is February 1949: R writes monthly and quarterly series like this."""
    known = numbers.dropna()
    months = (numbers % 1 * 12).round()
    if not known.between(1500, 2200).all() or ((known % 1 * 12) - months[known.index]).abs().max() > 0.06:
        return None
    if known.duplicated().mean() > 0.5:
        return None
    years = numbers // 1 + months // 12
    return Reading(_first_days(years, months % 12 + 1),
                   notes=("Fractions of years were read as months, each dated by its first day.",))


def _first_days(years: pd.Series, months: pd.Series) -> pd.Series:
    known = years.notna() & years.between(FIRST_YEAR, LAST_YEAR)
    since = ((years - 1970) * 12 + months - 1).where(known, 0).astype("int64").to_numpy()
    return pd.Series(since.astype("datetime64[M]").astype("datetime64[us]")).where(known.to_numpy())


def _serials(numbers, digits, epoch_1904) -> Reading | None:
    """Days since 1899-12-30, as Excel counts; its time is the fraction."""
    known = numbers.dropna()
    if known.min() < 61 or not 30_000 <= known.max() <= 80_000 or known.duplicated().mean() > 0.5:
        return None
    origin = pd.Timestamp("1904-01-01" if epoch_1904 else "1899-12-30")
    seconds = (numbers * 86_400).round()
    values = (origin + pd.to_timedelta(seconds, unit="s")).dt.as_unit("us")
    example = known.iloc[-1]
    return Reading(values, notes=(f"Dates were read as Excel serial numbers: {example:.10g} is "
                                  f"{date(values[known.index[-1]], time=False)}.",), timed=bool((known % 1 != 0).any()))


def _epochs(numbers, digits, _epoch_1904) -> Reading | None:
    """Time since 1970, negative before it. Some sites changed their unit, so a file may hold two."""
    known = numbers.dropna()
    sizes = known.abs().to_numpy()
    unit = next((at for at, (_, low, high, _) in enumerate(_EPOCHS) if low <= np.median(sizes) < high), None)
    if unit is None:
        return None
    possible = [np.array([unit])] if sizes.max() < _EPOCHS[unit][2] else []
    if not possible or sizes.min() < _EPOCHS[unit][1]:
        within = [(low <= sizes) & (sizes < high) for _, low, high, _ in _EPOCHS]
        if np.any(within, axis=0).all():
            possible.append(np.argmax(within, axis=0))
    micros = _whole_micros if (digits != "").sum() >= len(known) else _fraction_micros
    digits = digits if len(known) == len(digits) else digits[known.index]
    readings = [(values, units) for units in possible if (values := micros(known, digits, units)) is not None]
    if not readings:
        return None
    # A unit read wrongly leaves decades between neighbours.
    values, units = min(readings, key=lambda reading: len(readings) > 1 and np.diff(np.sort(reading[0])).max(initial=0))
    words = " and ".join(_EPOCHS[at][3] for at in np.unique(units))
    dates = pd.Series(values.view("datetime64[us]"), index=known.index, copy=False)
    dates = dates if len(dates) == len(numbers) else dates.reindex(numbers.index)
    return Reading(dates, notes=(f"Dates were read as {words} since 1970, in UTC.",), timed=True, zone="UTC")


_MICROS = np.array([1_000_000, 1_000, 1, 1])  # of a second, a millisecond, a microsecond; a nanosecond is a thousandth


def _whole_micros(_known, digits: pd.Series, units: np.ndarray) -> np.ndarray:
    """Whole numbers in microseconds, exact beyond the 53 bits of a float."""
    whole = pd.to_numeric(digits).to_numpy(dtype="int64")
    if len(units) == 1:
        return whole // 1000 if units[0] == len(_EPOCHS) - 1 else whole * _MICROS[units[0]]
    return np.where(units == len(_EPOCHS) - 1, whole // 1000, whole * _MICROS[units])


def _fraction_micros(known: pd.Series, _digits, units: np.ndarray) -> np.ndarray | None:
    """Fractions of seconds in microseconds, to the millisecond."""
    return (known.to_numpy() * 1000).round().astype("int64") * 1000 if not units.any() else None
