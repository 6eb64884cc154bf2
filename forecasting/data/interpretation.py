"""How a file was read, part by part, and what each part could be instead: the keywords of `read_prices`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields

__all__ = ["FIELDS", "Interpretation"]

Value = str | int | bool


@dataclass(frozen=True)
class Interpretation:
    """One way to read a file. Each field is the keyword of `read_prices` that overrules it; None where it does not apply.

    encoding: of the text, e.g. 'utf-8'
    sheet: of the workbook, or the file in the archive
    delimiter: the sign between cells: ',', ';', '|', a tab, ' ' for blanks, '  ' for two blanks and more
    header: the line that names the columns, from 1; 0 where no line does
    date: the name of the column with the dates; several, with ' + ' between them, where year, month and day stand apart
    date_order: 'day/month/year', 'month/day/year' or another, where the dates are three numbers
    time: the name of the column with the time of day; '' where the dates have none of their own
    column: the name of the price
    adjusted: whether the price is the one adjusted for splits and dividends, where the file holds both
    series: which of several
    decimal: '.' or ','
    options: field -> {value it may be given: in words}, the one taken among them; only where there is more than one
    """

    encoding: str | None = None
    sheet: str | None = None
    delimiter: str | None = None
    header: int | None = None
    date: str | None = None
    date_order: str | None = None
    time: str | None = None
    column: str | None = None
    adjusted: bool | None = None
    series: str | None = None
    decimal: str | None = None
    options: dict[str, dict[Value, str]] = field(default_factory=dict, compare=False)

    @property
    def described(self) -> dict:
        """JSON-able; see `of`."""
        return asdict(self) | {"options": {name: [[value, label] for value, label in options.items()]
                                           for name, options in self.options.items()}}

    @classmethod
    def of(cls, described: dict) -> Interpretation:
        """The interpretation that `described` was made of. Fields of other versions are ignored."""
        known = {name: described[name] for name in FIELDS if name in described}
        options = {name: dict(pairs) for name, pairs in described.get("options", {}).items()}
        return cls(**known, options=options)


FIELDS = tuple(each.name for each in fields(Interpretation) if each.name != "options")
