"""From bytes to UTF-8 text without control characters; what is no text is refused."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata

from forecasting.data.files.decisions import Decisions
from forecasting.data.files.number_forms import looks_like_number, tidy
from forecasting.data.files.vocabulary import CURRENCIES, ROLES, SIGNS, plain
from forecasting.data.files.wording import counted
from forecasting.errors import ConfigError, UnreadableFile

__all__ = ["to_utf8"]

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Tried in this order where no statistics help: a header of known words decides.
_LEGACY = ("cp1252", "cp932", "gb18030", "big5", "cp949", "cp1251", "cp1250", "cp1254", "cp1253", "euc_jp", "koi8_r", "cp1257",
           "cp1256", "cp1255", "cp874", "cp866", "iso8859_15", "iso8859_5", "cp437", "mac_roman")
# Those of Python's codecs that are alphabets; others unpack, escape or name hosts.
_CODECS = re.compile("ascii|utf_(?:8|16|32)(?:_(?:le|be|sig))?|cp[0-9]+|iso8859_[0-9]+|mac_[a-z]+|koi8_[rut]|big5(?:hkscs)?"
                     "|gb2312|gbk|gb18030|hz|euc_[a-z0-9_]+|shift_jis[a-z0-9_]*|johab|ptcp154|kz1048|tis_620")
_SIGNS = set("€£¥’‘“”–—§°\u00a0".encode("cp1252"))
_CONTROLS = bytes(set(range(32)) - {9, 10, 13}) + b"\x7f"
_SAMPLE = 65_536
# No date, price or header is this long: such a text is cut out before anything else looks at it.
_OVERLONG_BYTES = 20_000
_OVERLONG = re.compile(rb"(?<![^,;|\t\r\n\"])[^,;|\t\r\n\"]{%d,}" % _OVERLONG_BYTES)
_DELIMITER, _QUOTE, _LINE_END = (re.compile(marks) for marks in (rb"[,;|\t\r\n\"]", rb"\"", rb"[\r\n]"))
_BRACKETS = re.compile(r"[(\[（【][^)\]）】]*[)\]）】]")
_MAX_QUOTES = 2_000_000
_LONGEST_LINE = 2**20


def to_utf8(data: bytes, decisions: Decisions) -> tuple[bytes, tuple[str, ...]]:
    """`data` as UTF-8 bytes, and what was done to it.

    Raises UnreadableFile where the bytes are empty, binary, a web page, JSON or XML.
    """
    notes = []
    wanted = _codec(decisions.given.get("encoding"))
    told, start = _unicode_encoding(data)
    data = data[start:] if start else data
    if told is None and _looks_binary(data):
        raise UnreadableFile("This file is not text: it holds binary data. Upload prices as CSV, text or Excel.")
    ascii_only = told is None and data.isascii()
    encoding = wanted or told or ("utf-8" if ascii_only or _decodes(data, "utf-8") else _guess(data))
    if wanted and not _decodes(data, wanted):
        raise UnreadableFile(f"The text is not in {_spelt(wanted)}: some of its bytes have no meaning there. Choose another encoding.")
    if not (wanted or told or ascii_only) and encoding != "utf-8":
        notes.append(f"The text was read as {_spelt(encoding)}.")
    decisions.take("encoding", encoding, {} if ascii_only else {
        name: _spelt(name) for name in ("utf-8", *_LEGACY) if name == encoding or _decodes(data[:_SAMPLE], name, allow_cut=True)})
    if encoding != "utf-8":
        data = _transcode(data, encoding)
    _refuse_other_formats(data)
    if controls := len(data) - len(data.translate(None, _CONTROLS)):
        data = data.translate(None, _CONTROLS)
        notes.append(f"{counted(controls, 'control character')} removed.")
    data, cut = _without_overlong(data)
    if cut:
        notes.append(f"{counted(cut, 'overlong text')} left out.")
    return data, tuple(notes)


def _codec(wanted) -> str | None:
    """Python's name of an encoding of text; None for None."""
    if wanted is None:
        return None
    try:
        name = codecs.lookup(str(wanted)).name.replace("-", "_")
    except (LookupError, ValueError):
        name = ""
    if not _CODECS.fullmatch(name):
        raise ConfigError("encoding must be the name of an encoding of text, such as 'utf-8', 'cp1252' or 'gb18030'. "
                          f"Received: {str(wanted)[:40]!r}.")
    return next((known for known in ("utf-8", *_LEGACY) if codecs.lookup(known).name.replace("-", "_") == name), name)


def _spelt(encoding: str) -> str:
    return encoding.upper().replace("_", "-")


def _without_overlong(data: bytes) -> tuple[bytes, int]:
    """`data` without texts longer than `_OVERLONG_BYTES`, and how many there were.

    Raises UnreadableFile where a line is still too long for any table.
    """
    cut = 0
    if _has_gap(data, _QUOTE, _OVERLONG_BYTES // 2) and 0 < data.count(b'"') < _MAX_QUOTES:
        pieces = data.split(b'"')  # every second one stands within quotation marks
        long = [i for i in range(1, len(pieces) - 1, 2) if len(pieces[i]) > _OVERLONG_BYTES and not _holds_rows(pieces[i])]
        if long:
            for i in long:
                pieces[i] = b""
            data, cut = b'"'.join(pieces), len(long)
        del pieces
    if _has_gap(data, _DELIMITER, _OVERLONG_BYTES // 2):
        data, more = _OVERLONG.subn(b"", data)
        cut += more
    if _has_gap(data, _LINE_END, _LONGEST_LINE):
        raise UnreadableFile("A line of this file is more than a million characters long, so it is no table of prices. Choose "
                             "another file.")
    return data, cut


def _has_gap(data: bytes, mark: re.Pattern, length: int) -> bool:
    """Whether `length` bytes in a row, counted from a multiple of it, are without `mark`."""
    return any(not mark.search(data, at, at + length) for at in range(0, len(data) - length, length))


def _holds_rows(text: bytes) -> bool:
    """Whether lines of `text` begin like rows of a table: then a quotation mark went astray and the text is no text."""
    return re.search(rb"[\r\n]\W?\d", text) is not None


def _unicode_encoding(data: bytes) -> tuple[str | None, int]:
    """(encoding, bytes to skip) where a byte order mark or the place of the zero bytes tells UTF-16 or 32; else (None, ...)."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return (None if encoding == "utf-8" else encoding), len(bom)
    sample = data[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > 0.3 * len(sample) and min(even, odd) < 0.02 * len(sample):
        return ("utf-16-be" if even > odd else "utf-16-le"), 0
    return None, 0


def _looks_binary(data: bytes) -> bool:
    sample = data[:_SAMPLE]
    return len(sample) - len(sample.translate(None, _CONTROLS)) > 0.02 * len(sample) + 2


def _transcode(data: bytes, encoding: str) -> bytes:
    """`data` in UTF-8, piece by piece, so that no second copy of all of it is held as text."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    out = io.BytesIO()
    for at in range(0, len(data), 2**20):
        out.write(decoder.decode(data[at : at + 2**20]).encode("utf-8", errors="replace"))
    out.write(decoder.decode(b"", final=True).encode("utf-8", errors="replace"))
    return out.getvalue()


def _guess(data: bytes) -> str:
    """The code page of `data`, which is no UTF-8.

    A code page under which the first lines hold known headers, or currency signs at numbers, is certain; without one,
    `charset_normalizer` judges the lines that are not ASCII.
    """
    from charset_normalizer import from_bytes

    sample = data[:_SAMPLE]
    if set(sample) - set(range(128)) <= _SIGNS:
        return "cp1252"
    head = b"\n".join(sample.splitlines()[:30])
    foreign = b"\n".join([line for line in data[: 2**20].splitlines() if not line.isascii()][:200])[:_SAMPLE]
    guesses = [match.encoding for match in from_bytes(foreign) if match.encoding in _LEGACY]
    guesses.sort(key=lambda encoding: encoding.startswith("mac_"))  # it turns every byte into a letter or a sign
    scores = {encoding: _known_cells(head, encoding) for encoding in _LEGACY}
    best = max(scores.values())
    if best > _known_cells(re.sub(rb"[^\x00-\x7f]+", b"\x1a", head), "ascii"):
        return next(encoding for encoding, score in scores.items() if score == best)
    decodable = [encoding for encoding in (*guesses, "cp1252") if _decodes(foreign, encoding)]
    return decodable[0] if decodable else "cp1252"


def _known_cells(head: bytes, encoding: str) -> int:
    """How many different cells of the first lines are known headers or numbers under this code page; -1 where it cannot be."""
    if not _decodes(head, encoding, allow_cut=True):
        return -1
    text = head.decode(encoding, errors="ignore")
    cells = {cell for cell in re.split(r"[,;|\t\r\n]", text) if 0 < len(cell) < 40}
    return sum(_is_known_header(cell) or looks_like_number(tidy(cell)) for cell in cells)


def _is_known_header(cell: str) -> bool:
    """Whether these are the words of a header, and no row of signs with one letter among them, such as 'y' of '±‚¡ÿ∞°∞›'."""
    foreign = [kind for c in cell if not c.isascii() and (kind := unicodedata.category(c)) not in ("Sc", "Zs")]
    letters = sum(kind[0] in "LM" for kind in foreign)
    return 2 * letters >= len(foreign) and (plain(cell) in ROLES or _without_unit(cell) in ROLES)


def _without_unit(cell: str) -> str:
    """The words of a header without what stands in brackets and without currencies: 'kapanis' of 'Kapanış(TL)'."""
    words = plain(_BRACKETS.sub(" ", cell)).split()
    return " ".join(word for word in words if word.upper() not in CURRENCIES and word not in SIGNS)


def _decodes(data: bytes, encoding: str, allow_cut: bool = False) -> bool:
    """Piece by piece, so that no second copy of all of it is held as text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for at in range(0, len(data), 2**20):
            decoder.decode(data[at : at + 2**20])
        decoder.decode(b"", final=not allow_cut)
    except UnicodeError:
        return False
    return True


def _refuse_other_formats(data: bytes):
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = head.lower()
    if not head:
        if data.strip(b"\xef\xbb\xbf \t\r\n,;|\""):
            return
        raise UnreadableFile("The file is empty. Choose a file with dates and prices.")
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<div", b"<script")) or (
            lower.startswith(b"<") and b"<html" in lower):
        raise UnreadableFile("This is a web page (HTML), not a table of prices: the download may have failed or needed a "
                             "login. Download the prices again as CSV or Excel.")
    if lower.startswith((b"<?xml", b"<svg", b"<rss")):
        raise UnreadableFile("This is an XML document, not a table of prices. Save the prices as CSV or Excel.")
    if head[:1] in b"{[" and re.match(rb"[\[{]\s*([\[{\"\]}]|-?\d)", head) and not re.match(rb"\[[\w ]+\]", head):
        raise UnreadableFile("This is JSON, not a table of prices. Save the prices as CSV or Excel.")
