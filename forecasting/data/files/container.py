"""From what a person hands over (a path, bytes, an open file) to the bytes of one file, unpacked, with its label."""

from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from forecasting.data.files.decisions import Decisions
from forecasting.errors import UnreadableFile
from forecasting.paths import local_path, shown_path

__all__ = ["MAX_BYTES", "Opened", "by_position", "clean_label", "open_source", "to_collect"]

MAX_BYTES = 200 * 2**20
_MAX_MEMBERS = 1000
# Folders and what systems leave behind.
_CLUTTER = re.compile(r"/$|(?:^|/)(?:\.|__MACOSX/|Thumbs\.db$|desktop\.ini$)")


@dataclass(frozen=True)
class Opened:
    """The bytes of one file.

    data: unpacked, at most `MAX_BYTES`
    label: the file's name without folder and ending, cleaned; '' where there is none
    excel: whether the bytes are an Excel workbook
    notes: how they were unpacked
    """

    data: bytes
    label: str
    excel: bool
    notes: tuple[str, ...] = ()


def open_source(source, decisions: Decisions) -> Opened:
    """The one file in `source`.

    source: a path (str or os.PathLike, never a URL), bytes, or an open binary file
    decisions: where a zip archive holds several files, the one given as the sheet is opened; it is no sheet's name then
    Raises UnreadableFile for what cannot be opened; NeedsChoice (kind 'sheet') for an archive with several files.
    """
    data, filename = _read(source)
    data, notes = _bounded(data), []
    try:
        if data.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = _bounded(file.read(MAX_BYTES + 1))
            filename = re.sub(r"\.gz$", "", filename, flags=re.IGNORECASE)
            notes.append("The gzip archive was unpacked.")
        label, excel = clean_label(filename), _is_workbook(data)
        if not excel and data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            data, member = _member(data, filename, decisions)
            label, excel = clean_label(member) or label, _is_workbook(data)
            notes.append(f"The file “{label}” was taken out of the zip archive.")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile("The archive or Excel file is damaged. Save or download it again.") from error
    except RuntimeError as error:  # zipfile's way to say that a password is needed
        raise UnreadableFile("The zip archive is protected by a password. Unpack it first.") from error
    return Opened(data, label, excel, tuple(notes))


def clean_label(filename: str) -> str:
    """The stem of a file name as a label: no folders, no markup, no control characters, at most 60 characters."""
    stem = re.split(r"[\\/]", filename)[-1]
    stem = re.sub(r"\.[A-Za-z][A-Za-z0-9]{0,4}$", "", stem)
    stem = re.sub(r"[^\w .,+=^&()-]", " ", stem)
    return " ".join(stem.split())[:60].strip()


def to_collect(source) -> str:
    """What to call on a query that has not been run yet, as a LazyFrame of polars; '' for anything else."""
    return "It is a query that has not been run: pass the table that its method collect() gives." if callable(
        getattr(source, "collect", None)) else ""


def _read(source) -> tuple[bytes, str]:
    """The bytes of `source`, at most one more than `MAX_BYTES` of a file, and its file name or ''."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), ""
    if isinstance(source, str | os.PathLike):
        path = local_path(source)
        try:
            if not path.is_file():  # nor a device, which might never end
                raise UnreadableFile(f"{shown_path(path)} is a folder. Pass the path of a file." if path.is_dir() else
                                     f"There is no file {shown_path(path)}. Check its path; a web address must be downloaded "
                                     "first.")
            with path.open("rb") as file:
                return file.read(MAX_BYTES + 1), path.name
        except OSError as error:
            raise UnreadableFile(f"The file {shown_path(path)} cannot be opened: {error.strerror or error}.") from error
    if not hasattr(source, "read"):
        raise UnreadableFile("A file or table is needed: a path, bytes, an open file, or a DataFrame or Series with dates. "
                             f"Received: {type(source).__name__}. {to_collect(source)}".strip())
    data, name = source.read(MAX_BYTES + 1), getattr(source, "name", "")
    return (data.encode("utf-8", errors="replace") if isinstance(data, str) else bytes(data),
            name if isinstance(name, str) else "")


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 2**20} MB. Keep the columns with dates and prices, or a "
                             "shorter period.")
    return data


def _is_workbook(data: bytes) -> bool:
    """Whether this is an Excel workbook. Raises UnreadableFile for one that would unpack to more than prices need."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        unpacked = sum(info.file_size for info in archive.infolist())
    workbook = "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)
    if workbook and unpacked > MAX_BYTES:
        raise UnreadableFile(f"The Excel file unpacks to more than {MAX_BYTES // 2**20} MB. Save the sheet with the prices as "
                             "CSV.")
    return workbook


def _member(data: bytes, filename: str, decisions: Decisions) -> tuple[bytes, str]:
    """(bytes, name) of the only file in a zip archive, or of the one that was given as the sheet."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        every = archive.namelist()
        names = [name for name in every if not _CLUTTER.search(name)]
        what = ("an OpenDocument file" if {"mimetype", "content.xml"} <= {*every} else
                "a document without sheets" if "[Content_Types].xml" in every else
                "a zip archive named like an Excel file" if filename.lower().endswith((".xlsx", ".xlsm")) else
                f"a zip archive with {len(names) or 'no'} files" if not 0 < len(names) <= _MAX_MEMBERS else "")
        if what:
            raise UnreadableFile(f"This is {what}, not a workbook or a table. Save the prices as .xlsx or CSV.")
        chosen = names[0]
        if len(names) > 1:
            wanted = decisions.given.get("sheet")
            meant = [name for name in names if wanted in (name, name.split("/")[-1]) or name == by_position(wanted, names)]
            if len(meant) != 1:
                decisions.ask("sheet", names, f"The zip archive holds {len(names)} files. Which one has the prices?")
            chosen = decisions.take("sheet", meant[0], names)
            decisions.spend("sheet")
        with archive.open(chosen) as file:
            return _bounded(file.read(MAX_BYTES + 1)), chosen


def by_position(wanted, names: Sequence[str]) -> str | None:
    """The one of `names` at a position that a caller gave, counted from 0; None for anything else."""
    return names[wanted] if type(wanted) is int and 0 <= wanted < len(names) else None
