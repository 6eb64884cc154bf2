"""From bytes to UTF-8 text without control characters; what is no text is refused."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress

from forecasting.data.files.decisions import Decisions
from forecasting.data.files.names import said_by
from forecasting.data.files.number_forms import looks_like_number, tidy
from forecasting.data.files.wording import counted
from forecasting.errors import ConfigError, UnreadableFile

__all__ = ["to_utf8"]

# How files of other kinds begin, one byte a letter: what they are, and what to do about it.
_OTHERS = (
    (r"%PDF", "a PDF document", "Download the prices as CSV or Excel instead."),
    (r"\x89PNG|\xff\xd8\xff|GIF8", "a picture", "Upload the table itself as CSV or Excel."),
    (r"PAR1|ARROW1|\x89HDF", "a table in Parquet, Arrow or HDF5", "Save it as CSV."),
    (r"SQLite format 3", "a database", "Export its table as CSV."),
    (r"\x1f\x8b|PK(?:\x03\x04|\x05\x06)", "an archive in another archive", "Unpack it and upload the table itself."),
    (r"7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "a 7z, RAR, bzip2, xz or Zstandard archive", "Unpack it first."),
    (r"\xd0\xcf\x11\xe0", "an old or password-protected Excel file",
     "Open it in a spreadsheet program and save it as .xlsx without a password, or as CSV."),
    (r"{\\rtf", "a text document (RTF)", "Save the table as CSV."),
    (r"(?is)\s*<(?:(?:!doctype html|html|head|body|table|div|script)|.*<html)", "a web page (HTML)",
     "The download may have failed or needed a login. Download the prices again as CSV or Excel."),
    (r"(?i)\s*<(?:\?xml|svg|rss)", "an XML document", "Save the prices as CSV or Excel."),
    (r"\s*(?!\[[\w ]+\])[\[{]\s*(?:[\[{\"\]}]|-?\d)", "JSON", "Save the prices as CSV or Excel."),
)
_BOMS = ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF16_LE, "utf-16-le"),
         (codecs.BOM_UTF16_BE, "utf-16-be"))
# Tried in this order where no statistics help: a header of known words decides.
_LEGACY = ("cp1252", "cp932", "gb18030", "big5", "cp949", "cp1251", "cp1250", "cp1254", "cp1253", "euc_jp", "koi8-r", "cp1257",
           "cp1256", "cp1255", "cp874", "cp866", "iso8859-15", "iso8859-5", "cp437", "mac-roman")
# Those of Python's codecs that are alphabets; others unpack, escape or name hosts.
_CODECS = re.compile("(?:ascii|utf-(?!7)|cp|iso8859|mac|koi8|big5|gb|hz|euc|shift_jis|johab|ptcp|kz|tis).*")
_SIGNS = set("€£¥’‘“”–—§°\u00a0".encode("cp1252"))
_CONTROLS = bytes(set(range(32)) - {9, 10, 13}) + b"\x7f"
_SAMPLE, _PIECE = 65_536, 2**20
# No date, price or header is this long: such a text is cut out before anything else looks at it.
_OVERLONG_BYTES = 20_000
_TEXTS = re.compile(rb"\"[^\"]*\"|(?<![^,;|\t\r\n\"])[^,;|\t\r\n\"]{%d,}" % _OVERLONG_BYTES)
# Lines that begin like rows of a table: a quotation mark went astray and the text is no text.
_ROWS = re.compile(rb"[\r\n]\W?\d")


def to_utf8(data: bytes, decisions: Decisions) -> tuple[bytes, tuple[str, ...]]:
    """`data` as UTF-8 bytes, and what was done to it.

    Raises UnreadableFile where the bytes are empty, or a file of another kind: binary, a web page, JSON or XML.
    """
    notes = []
    wanted = _codec(decisions.given["encoding"]) if "encoding" in decisions.given else None
    data = data.removeprefix(codecs.BOM_UTF8)
    sample = data[:_SAMPLE]
    told = _told(sample)
    head = sample[:4096].decode(told or "latin-1", "ignore").removeprefix("\ufeff")
    for pattern, what, remedy in _OTHERS:
        if re.match(pattern, head):
            raise UnreadableFile(f"This is {what}, not a table of prices. {remedy}")
    if told is None and len(sample) - len(sample.translate(None, _CONTROLS)) > 0.02 * len(sample) + 2:
        raise UnreadableFile("This file is not text: it holds binary data. Upload prices as CSV, text or Excel.")
    ascii_only = told is None and data.isascii()
    found = told or ("utf-8" if ascii_only or _decodes(data, "utf-8") else _guess(sample, data))
    encoding = wanted or found
    if encoding != found and not _decodes(data, encoding):  # in what was found, stray bytes are overlooked
        raise UnreadableFile(f"The text is not in {encoding.upper()}: some of its bytes have no meaning there. Choose another "
                             "encoding.")
    if not (wanted or told) and encoding != "utf-8":
        notes.append(f"The text was read as {encoding.upper()}.")
    decisions.take("encoding", encoding, {} if ascii_only else {
        name: name.upper() for name in dict.fromkeys((encoding, "utf-8", *_LEGACY))
        if name == encoding or _decodes(sample, name, final=False)})
    if encoding != "utf-8":
        out = io.BytesIO()
        out.writelines(text.encode("utf-8", "replace") for text in _pieces(data, encoding, "replace"))
        data = out.getvalue().removeprefix(codecs.BOM_UTF8)
    if controls := len(data) - len(data.translate(None, _CONTROLS)):
        data = data.translate(None, _CONTROLS)
        notes.append(f"{counted(controls, 'control character')} removed.")
    data, cut = _without_overlong(data)
    if not re.search(rb"[^\s,;|\"\xef\xbb\xbf]", data):
        raise UnreadableFile("The file is empty. Choose a file with dates and prices.")
    if cut:
        notes.append(f"{counted(cut, 'overlong text')} left out.")
    return data, tuple(notes)


def _codec(wanted) -> str:
    """Python's name of an encoding of text."""
    with suppress(LookupError, ValueError):
        if _CODECS.fullmatch(name := codecs.lookup(str(wanted)).name):
            return name
    raise ConfigError("encoding must be the name of an encoding of text, such as 'utf-8', 'cp1252' or 'gb18030'. "
                      f"Received: {str(wanted)[:40]!r}.")


def _without_overlong(data: bytes) -> tuple[bytes, int]:
    """`data` without texts longer than `_OVERLONG_BYTES`, and how many there were.

    Raises UnreadableFile where a line is still too long for any table.
    """
    cut = []

    def shortened(text: re.Match) -> bytes:
        if len(text[0]) < _OVERLONG_BYTES or _ROWS.search(text[0]):
            return text[0]
        cut.append(text.start())
        return b""

    if _has_gap(data, b",;|\t\r\n\"", _OVERLONG_BYTES // 2) or (b'"' in data and _has_gap(data, b'"', _OVERLONG_BYTES // 2)):
        data = _TEXTS.sub(shortened, data)
    if _has_gap(data, b"\r\n", 2**20):
        raise UnreadableFile("A line of this file is more than a million characters long, so it is no table of prices. Choose "
                             "another file.")
    return data, len(cut)


def _has_gap(data: bytes, marks: bytes, length: int) -> bool:
    """Whether `length` bytes in a row, counted from a multiple of it, are without any of `marks`."""
    mark = re.compile(b"[%b]" % marks)
    return any(not mark.search(data, at, at + length) for at in range(0, len(data) - length, length))


def _told(sample: bytes) -> str | None:
    """The encoding where a byte order mark or the place of the zero bytes tells UTF-16 or 32."""
    zeros = None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > 0.3 * len(sample) and min(even, odd) < 0.02 * len(sample):
        zeros = "utf-16-be" if even > odd else "utf-16-le"
    return next((encoding for bom, encoding in _BOMS if sample.startswith(bom)), zeros)


def _pieces(data: bytes, encoding: str, errors: str = "strict", final: bool = True) -> Iterator[str]:
    """The text piece by piece, so that no second copy of all of it is held. final: whether it may not end within a letter"""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for at in range(0, len(data), _PIECE):
        yield decoder.decode(data[at : at + _PIECE])
    yield decoder.decode(b"", final)


def _decodes(data: bytes, encoding: str, final: bool = True) -> bool:
    try:
        for _ in _pieces(data, encoding, final=final):
            pass
    except UnicodeError:
        return False
    return True


def _guess(sample: bytes, data: bytes) -> str:
    """The code page of `data`, which is no UTF-8.

    A code page under which the first lines hold known headers, or currency signs at numbers, is certain; without one,
    `charset_normalizer` judges the lines that are not ASCII.
    """
    from charset_normalizer import from_bytes

    if set(sample) - set(range(128)) <= _SIGNS:
        return "cp1252"
    head = b"\n".join(sample.splitlines()[:30])
    scores = {encoding: _known_cells(head, encoding) for encoding in _LEGACY}
    best = max(_LEGACY, key=lambda encoding: scores[encoding])
    if scores[best] > _known_cells(re.sub(rb"[^\x00-\x7f]+", b"\x1a", head), "ascii"):
        return best
    foreign = b"\n".join([line for line in data[:_PIECE].splitlines() if not line.isascii()][:200])[:_SAMPLE]
    guesses = [codecs.lookup(match.encoding).name for match in from_bytes(foreign)]
    guesses.sort(key=lambda encoding: encoding.startswith("mac-"))  # it turns every byte into a letter or a sign
    return next((encoding for encoding in guesses if encoding in _LEGACY), "cp1252")


def _known_cells(head: bytes, encoding: str) -> int:
    """How many different cells of the first lines are known headers or numbers under this code page; -1 where it cannot be."""
    try:
        cells = {*re.split(r"[,;|\t\r\n]", "".join(_pieces(head, encoding, final=False)))}
    except UnicodeError:
        return -1
    return sum(_is_known_header(cell) or looks_like_number(tidy(cell)) for cell in cells if 0 < len(cell) < 40)


def _is_known_header(cell: str) -> bool:
    """Whether these are the words of a header, and no row of signs with one letter among them, such as 'y' of '±‚¡ÿ∞°∞›'."""
    foreign = [kind for c in cell if not c.isascii() and (kind := unicodedata.category(c)) not in ("Sc", "Zs")]
    return 2 * sum(kind[0] in "LM" for kind in foreign) >= len(foreign) and said_by(cell)[0] is not None
