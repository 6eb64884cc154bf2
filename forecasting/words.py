"""Numbers, dates and durations as people read them; the same everywhere in the app."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from forecasting.data.frequency import Frequency

__all__ = [
    "UNKNOWN",
    "age",
    "count",
    "count_of",
    "currency_word",
    "date",
    "dates",
    "decimals",
    "duration",
    "naive_phrase",
    "number",
    "odds",
    "p_value",
    "percent",
    "price",
    "probability",
    "share",
    "size",
    "unit",
]

THIN = "\u202f"
UNKNOWN = "–"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CURRENCY_WORDS = {"USD": "dollars", "EUR": "euros", "GBP": "pounds", "GBp": "pence", "GBX": "pence", "JPY": "yen",
                   "CNY": "yuan", "CHF": "francs", "INR": "rupees", "KRW": "won", "CAD": "Canadian dollars",
                   "AUD": "Australian dollars"}


def number(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """`value` with `digits` decimals and thin separators; `UNKNOWN` where it is None or not finite."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f"{value:{'+' if signed else ''},.{digits}f}".replace(",", THIN)
    # A value that rounds to zero gets no sign, because "-0.00" reads like a loss.
    return text if any(digit in text for digit in "123456789") else text.lstrip("+-")


def decimals(value: float) -> int:
    """How many decimals a price of this size needs: two, and below one enough for four significant digits."""
    size = abs(value)
    if not math.isfinite(size) or size == 0 or size >= 1:
        return 2
    return min(12, 3 - math.floor(math.log10(size)))


def price(value: float | None, currency: str | None = None, *, signed: bool = False) -> str:
    """A price with its currency: 168.34 USD, 16 547.50, 0.009582."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = number(value, decimals(value), signed=signed)
    return f"{text} {currency}" if currency else text


def currency_word(currency: str | None) -> str:
    """The currency within a sentence: 'dollars' for USD, the code itself for one without a common word, '' for None."""
    return _CURRENCY_WORDS.get(currency, currency) if currency else ""


def percent(value: float | None, *, signed: bool = False, digits: int = 2) -> str:
    """A value that is in percent already: 1.23 %."""
    text = number(value, digits, signed=signed)
    return text if text == UNKNOWN else f"{text} %"


def share(fraction: float | None, *, signed: bool = False, digits: int = 2) -> str:
    """A fraction in percent: 0.0123 becomes 1.23 %."""
    return percent(None if fraction is None else 100 * fraction, signed=signed, digits=digits)


def p_value(value: float | None) -> str:
    """A probability with its letter, as in a sentence: p = 0.032, p < 0.001."""
    text = probability(value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def probability(value: float | None) -> str:
    """A probability alone, as in a table: 0.032, < 0.001."""
    return "< 0.001" if value is not None and value < 0.001 else number(value, 3)


def odds(logarithm: float) -> str:
    """Odds of e^`logarithm` to 1, even or better, rounded down: 1.4 to 1, 37 to 1, 12 000 to 1, more than a million to 1."""
    if logarithm >= math.log(1e6):
        return "more than a million to 1"
    value = math.exp(logarithm)
    if value < 10:
        return f"{number(math.floor(10 * value + 1e-9) / 10, 1)} to 1"
    least = 10 ** (math.floor(math.log10(value)) - 1)  # two significant digits are precise enough
    return f"{count(least * math.floor(value / least + 1e-9))} to 1"


def date(when, *, time: bool | None = None) -> str:
    """27 Mar 2018, and 27 Mar 2018, 14:30 within a day. time: include the time; None includes it unless it is midnight."""
    when = pd.Timestamp(when)
    if pd.isna(when):
        return UNKNOWN
    text = f"{when.day} {_MONTHS[when.month - 1]} {when.year}"
    if time is None:
        time = when != when.normalize()
    return f"{text}, {when.hour:02d}:{when.minute:02d}" if time else text


def dates(start, end) -> str:
    """A span of dates, both ends included: 27 Mar 2018 to 3 Apr 2019."""
    start, end = date(start), date(end)
    return start if start == end else f"{start} to {end}"


def duration(seconds: float | None) -> str:
    """Seconds in the two largest units that matter: 0.4 s, 12 s, 1 min 20 s, 2 h 5 min, 3 d 4 h."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for limit, big, big_name, small, small_name in ((3600, 60, "min", 1, "s"), (86400, 3600, "h", 60, "min"),
                                                    (math.inf, 86400, "d", 3600, "h")):
        # Rounded to the smaller unit first, so that 59 min 59.7 s becomes 1 h and never 59 min 60 s.
        rounded = round(whole / small) * small
        if rounded < limit:
            first, second = divmod(rounded, big)
            return f"{first} {big_name}" + (f" {second // small} {small_name}" if second else "")
    raise AssertionError("the last limit is infinite")


def age(seconds: float | None) -> str:
    """How long ago something was, in its largest unit: just now, 5 minutes ago, 3 days ago."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    for size, name in ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{count_of(int(seconds // size), name)} ago"
    return "just now"


def count(n: float | None) -> str:
    """A whole number with thin separators: 16 547."""
    return number(n, 0)


def with_article(noun: str) -> str:
    """'a str', 'an int'."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def count_of(n: int, one: str, many: str | None = None) -> str:
    """A number of things: 1 row, 3 270 rows. many: the plural where it is not `one` and an s."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def size(n: int) -> str:
    """A number of bytes: 512 bytes, 3.4 kB, 120 MB, 1.2 GB."""
    if n < 1000:
        return count_of(n, "byte")
    value, name = float(n), "bytes"
    for name in ("kB", "MB", "GB"):  # noqa: B007 (the last one reached is the unit)
        value /= 1000
        if value < 999.5:
            break
    return f"{number(value, 1 if value < 9.95 else 0)} {name}"


def unit(frequency: Frequency) -> str:
    """One step of a series of this frequency, e.g. 'day', 'month'; 'step' where the spacing has no name."""
    return frequency.one


def naive_phrase(frequency: Frequency) -> str:
    """What the naive forecast repeats, e.g. "yesterday's close"."""
    return frequency.naive
