"""The parts of an `Interpretation` in words: what each is called, how it is asked for, and what was taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from forecasting.data.calendars import CALENDARS
from forecasting.data.history import PriceHistory
from forecasting.data.interpretation import Interpretation
from forecasting.words import count

__all__ = ["PARTS", "Part", "Row", "calendar_options", "overlaid", "price_words", "rows_of"]


@dataclass(frozen=True)
class Part:
    """One part of how a file is read.

    label: stands in front of what was taken; question: asks for it; help: a sentence, or ''
    words: of a value that the reader has no words for
    """

    label: str
    question: str
    help: str = ""
    words: Callable[[object], str] = str


@dataclass(frozen=True)
class Row:
    """What was taken for one part. options: {value: words} that it may be given; chosen: whether a person did"""

    name: str
    value: object
    words: str
    chosen: bool = False
    options: Mapping = field(default_factory=dict)

    @property
    def part(self) -> Part:
        return PARTS[self.name]


_SIGNS = {",": "comma", ";": "semicolon", "|": "vertical bar", "\t": "tab", " ": "blanks", "  ": "two blanks or more"}
_MARKS = {".": "a point", ",": "a comma"}

# In the order in which a file is read.
PARTS = {
    "sheet": Part("Sheet", "Which sheet?", "The sheet of the workbook, or the file in the archive."),
    "encoding": Part("Characters are encoded as", "Which encoding?", "A wrong one turns letters that are not English into "
                     "others.", lambda value: str(value).upper()),
    "delimiter": Part("Cells are separated by", "Which sign separates the cells?", "",
                      lambda value: _SIGNS.get(str(value), f"“{value}”")),
    "header": Part("Names of the columns are in", "Which line names the columns?", "Lines above it are left out.",
                   lambda value: f"line {value}" if value else "no line"),
    "date": Part("Dates are in", "Which column holds the dates?"),
    "date_order": Part("Dates are written", "How are the dates written?", "Where the dates are three numbers: which of them is "
                       "the day, which the month."),
    "time": Part("Times of day are in", "Which column holds the time of day?", "",
                 lambda value: str(value) or "no column of its own"),
    "series": Part("Series", "Which series?"),
    "column": Part("Price", "Which column is the price?", "The column that is forecast."),
    "adjusted": Part("Adjusted prices", "Adjusted or as traded?", "Prices adjusted for splits and dividends show what a holder "
                     "earned; as traded they fall at each split and dividend.",
                     lambda value: "adjusted for splits and dividends" if value else "as traded"),
    "decimal": Part("Decimals are written with", "Which sign is the decimal mark?", "",
                    lambda value: _MARKS.get(str(value), str(value))),
}


def rows_of(reading: Interpretation | None, choices: Mapping) -> list[Row]:
    """A row for each part that applies to a file or was chosen.

    reading: the one that was taken, or None where the file could not be read yet
    choices: what a person has chosen since or before, which need not be what was taken
    """
    rows = []
    for name in PARTS:
        chosen = name in choices
        value = choices[name] if chosen else getattr(reading, name, None)
        if value is None:
            continue
        options = dict(reading.options.get(name, {})) if reading else {}
        if options and value not in options:
            options = {value: PARTS[name].words(value), **options}
        rows.append(Row(name, value, options.get(value, PARTS[name].words(value)), chosen, _apart(options)))
    return rows


def overlaid(reading: Interpretation | None, attempt: Interpretation | None) -> Interpretation | None:
    """How far a file was read by an attempt that gave no prices, and beyond that, how it had been read before."""
    if reading is None or attempt is None:
        return attempt or reading
    reached = {name: value for name in PARTS if (value := getattr(attempt, name)) is not None}
    before = {name: options for name, options in reading.options.items() if name not in reached}
    return replace(reading, **reached, options=before | attempt.options)


def _apart(options: dict) -> dict:
    """`options`, those of the same words by their values instead: a list on a page tells its entries apart by their words."""
    words = list(options.values())
    return {value: said if words.count(said) == 1 else str(value) for value, said in options.items()}


def price_words(reading: Interpretation | None) -> str:
    """Which column was taken for the price, e.g. 'price: Adj Close, of 7 possible columns'; '' where that is not known."""
    if reading is None or reading.column is None:
        return ""
    options = reading.options.get("column", {})
    words = options.get(reading.column, reading.column)
    return f"price: {words}, of {count(len(options))} possible columns" if len(options) > 1 else f"price: {words}"


# Where prices in a currency are usually made.
_EXCHANGES = {
    "USD": ("XNYS", "CMES"), "CAD": ("XTSE",), "BRL": ("BVMF",), "MXN": ("XMEX",), "ARS": ("XBUE",), "CLP": ("XSGO",),
    "GBP": ("XLON",), "GBp": ("XLON",), "GBX": ("XLON",), "CHF": ("XSWX",), "SEK": ("XSTO",), "DKK": ("XCSE",),
    "EUR": ("XETR", "XPAR", "XAMS", "XBRU", "XMIL", "XMAD", "XLIS", "XDUB", "XWBO", "XHEL"), "NOK": ("XOSL",),
    "ILS": ("XTAE",), "COP": ("XBOG",), "PEN": ("XLIM",), "PHP": ("XPHS",), "PKR": ("XKAR",), "RUB": ("XMOS",),
    "RON": ("XBSE",), "RSD": ("XBEL",), "KZT": ("AIXK",),
    "ISK": ("XICE",), "PLN": ("XWAR",), "CZK": ("XPRA",), "HUF": ("XBUD",), "TRY": ("XIST",), "SAR": ("XSAU",),
    "ZAR": ("XJSE",), "JPY": ("XTKS",), "HKD": ("XHKG",), "CNY": ("XSHG",), "TWD": ("XTAI",), "KRW": ("XKRX",),
    "SGD": ("XSES",), "MYR": ("XKLS",), "IDR": ("XIDX",), "THB": ("XBKK",), "INR": ("XBOM",), "AUD": ("XASX",),
    "NZD": ("XNZE",),
}


def calendar_options(history: PriceHistory) -> dict[str, str]:
    """{code: words} of the exchanges whose trading days the forecast days may be, the plausible ones first; '' for none."""
    plausible = [history.calendar] if history.calendar else []
    plausible += _EXCHANGES.get(history.currency or "", ())
    plausible += ["24/7"] if len(history.frequency.days) == 7 else ["24/5"]
    known = CALENDARS if history.calendar is None else {history.calendar: history.calendar} | CALENDARS
    return {"": "None: the days of the week that have rows",
            **{code: known[code] for code in (*plausible, *known) if code in known}}
