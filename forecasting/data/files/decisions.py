"""What is decided while a file is read: what the caller said, what follows, and what must be asked. The one place that asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from forecasting.data.files.vocabulary import plain
from forecasting.data.files.wording import listed, shown
from forecasting.data.interpretation import Interpretation, Value
from forecasting.errors import NeedsChoice, UnreadableFile

__all__ = ["MOST_OPTIONS", "Decisions", "match"]

MOST_OPTIONS = 200


@dataclass
class Decisions:
    """One value for each part of an `Interpretation`.

    given: by the caller; taken: so far; options: what else a part could be, with the one that was taken
    """

    given: dict[str, Value]
    taken: dict[str, Value] = field(default_factory=dict)
    options: dict[str, dict[Value, str]] = field(default_factory=dict)

    def fork(self) -> Decisions:
        """The same so far, to try one of several ways."""
        return Decisions(dict(self.given), dict(self.taken), dict(self.options))

    def take(self, part: str, value, options: Mapping | Collection = ()):
        """Notes what a part is; returns it. options: what a caller may say instead, {value: in words} or values"""
        self.taken[part] = value
        words = dict(options) if isinstance(options, Mapping) else {option: str(option) for option in options}
        if len(words) > 1:
            first = [value] if value in words else []
            self.options[part] = {option: shown(words[option], 80) for option in [*first, *words][:MOST_OPTIONS]}
        return value

    def spend(self, part: str):
        """What the caller gave for a part, which is thereby settled."""
        return self.given.pop(part)

    def settle(self, part: str, options: Mapping | Collection, question: str, preview=None):
        """The option that the caller gave, or the only one; several are a question.

        preview: rows that show the difference, or a function that makes them
        """
        if part in self.given:
            return self.take(part, match(self.given[part], options, part), options)
        return self.take(part, next(iter(options))) if len(options) == 1 else self.ask(part, options, question, preview)

    def ask(self, part: str, options: Collection, question: str, preview=None) -> NoReturn:
        raise NeedsChoice(question, kind=part, options=list(options)[:MOST_OPTIONS],
                          preview=preview() if callable(preview) else preview)

    @property
    def interpretation(self) -> Interpretation:
        return Interpretation(**self.taken, options=self.options)


_WORDS = {"column": "column", "series": "series", "sheet": "sheet", "date": "column", "time": "column"}


def match(wanted, names: Collection, part: str = ""):
    """The one of `names` that `wanted` means: the same, or the only one that differs in case, blanks or punctuation.

    None without a `part`, an UnreadableFile that lists the names with one, where none is meant.
    """
    text = str(wanted).strip()
    for test in (lambda name: name == wanted, lambda name: str(name).strip().lower() == text.lower(),
                 lambda name: plain(str(name)) == plain(text) != ""):
        found = [name for name in names if test(name)]
        if len(found) == 1 or (found and found[0] == wanted):
            return found[0]
    if not part:
        return None
    raise UnreadableFile(f"There is no {_WORDS.get(part, part)} “{shown(wanted)}” in this file. It has "
                         f"{listed([str(name) for name in names])}.")
