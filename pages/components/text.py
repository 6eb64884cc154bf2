"""Text that came from outside, made safe to show where Streamlit reads Markdown."""

from __future__ import annotations

import re

__all__ = ["plain"]

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:$&@^=])")
# Streamlit finds icons, emoji and bare links after Markdown has been parsed, when backslashes no longer protect them.
_AFTER_PARSING = re.compile(r"(:)(?=[\w/+-])|(?<=w)(w)(?=w\.)|(@)(?=\w)", re.IGNORECASE)
_JOINER = "\N{WORD JOINER}"
_BREAKS = re.compile(r"[^\S\u2009\u202f\u00a0]+")  # white space, except the non-breaking kinds used within numbers
_HALVES = re.compile("[\ud800-\udfff]")  # halves of letters, which JSON can spell and no browser can be sent
_PERCENT = re.compile(r"(?<=\d) (?=%)")


def plain(text: object, limit: int = 600) -> str:
    """`text` escaped so that Markdown shows it literally, on one line, cut at `limit` characters."""
    line = _HALVES.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", str(text)).strip())
    line = _PERCENT.sub("\N{NO-BREAK SPACE}", line)
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    line = _AFTER_PARSING.sub(lambda match: match.group(0) + _JOINER, line)
    return _MARKS.sub(r"\\\1", line)
