"""From what a person hands over (a path, bytes, an open file) to the bytes of one file, unpacked, with its label."""

from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from forecasting.data.files.decisions import Decisions
from forecasting.errors import UnreadableFile
from forecasting.paths import local_path, shown_path

__all__ = ["MAX_BYTES", "Opened", "clean_label", "open_source", "to_collect"]

MAX_BYTES = 200 * 2**20
_MAX_MEMBERS = 1000
_TOO_LARGE = (f"The file is larger than {MAX_BYTES // 2**20} MB. Keep the columns with dates and prices, or a shorter "
              "period.")

_SIGNATURES = (
    (b"%PDF", "a PDF document", "Download the prices as CSV or Excel instead."),
    (b"\x89PNG", "a picture", "Upload the table itself as CSV or Excel."),
    (b"\xff\xd8\xff", "a picture", "Upload the table itself as CSV or Excel."),
    (b"GIF8", "a picture", "Upload the table itself as CSV or Excel."),
    (b"PAR1", "a Parquet file", "Save it as CSV."),
    (b"ARROW1", "an Arrow file", "Save it as CSV."),
    (b"SQLite format 3", "a database", "Export its table as CSV."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"BZh", "a bzip2 archive", "Unpack it first."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "Unpack it first."),
    (b"\x89HDF", "an HDF5 file", "Save the table as CSV."),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Excel file",
     "Open it in a spreadsheet program and save it as .xlsx without a password, or as CSV."),
    (b"{\\rtf", "a text document (RTF)", "Save the table as CSV."),
)


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
    Raises UnreadableFile for what is no table; NeedsChoice (kind 'sheet') for an archive with several files.
    """
    data, filename = _read(source)
    label = clean_label(filename)
    notes: list[str] = []
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data)
        label = clean_label(re.sub(r"\.gz$", "", filename, flags=re.IGNORECASE))
        notes.append("The gzip archive was unpacked.")
    excel = False
    if data[:4] == b"PK\x05\x06":
        raise UnreadableFile("The zip archive holds no file. Upload a CSV or Excel file.")
    if data[:4] == b"PK\x03\x04":
        data, excel, inner = _unzip(data, filename, decisions)
        if inner:
            label = clean_label(inner) or label
            notes.append(f"The file “{label}” was taken out of the zip archive.")
    if data[:2] == b"\x1f\x8b" or (not excel and data[:4] == b"PK\x03\x04"):
        raise UnreadableFile("The archive holds another archive. Unpack it and upload the table itself.")
    for signature, what, remedy in _SIGNATURES:
        if data.startswith(signature):
            raise UnreadableFile(f"This is {what}, not a table of prices. {remedy}")
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
    """All bytes of `source`, at most `MAX_BYTES`, and its file name or ''."""
    if isinstance(source, bytes | bytearray | memoryview):
        return _bounded(bytes(source)), ""
    if isinstance(source, str | os.PathLike):
        path = local_path(source)
        try:
            if path.is_dir():
                raise UnreadableFile(f"{shown_path(path)} is a folder. Pass the path of a file.")
            if not path.is_file():
                raise UnreadableFile(f"There is no file {shown_path(path)}. Check its path; a web address must be "
                                     "downloaded first.")
            with path.open("rb") as file:
                return _bounded(file.read(MAX_BYTES + 1)), path.name
        except (OSError, ValueError) as error:
            raise UnreadableFile(f"The file {shown_path(path)} cannot be opened: "
                                 f"{getattr(error, 'strerror', None) or error}.") from error
    if hasattr(source, "read"):
        data = source.read(MAX_BYTES + 1)
        if isinstance(data, str):
            data = data.encode("utf-8", errors="replace")
        name = getattr(source, "name", "")
        return _bounded(bytes(data)), name if isinstance(name, str) else ""
    raise UnreadableFile("A file or table is needed: a path, bytes, an open file, or a DataFrame or Series with dates. "
                         f"Received: {type(source).__name__}. {to_collect(source)}".strip())


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise UnreadableFile(_TOO_LARGE)
    return data


def _gunzip(data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return _bounded(file.read(MAX_BYTES + 1))
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile("The gzip archive is damaged. Download it again or unpack it first.") from error


def _unzip(data: bytes, filename: str, decisions: Decisions) -> tuple[bytes, bool, str]:
    """(bytes, is a workbook, name of the member or '') of a zip archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [info.filename for info in archive.infolist()]
            if len(names) > _MAX_MEMBERS:
                raise UnreadableFile(f"The zip archive holds {len(names)} files. Upload the one with the prices.")
            if _is_workbook(names):
                _check_workbook(archive)
                return data, True, ""
            _refuse_documents(names, filename)
            tables = [name for name in names if not name.endswith("/") and not _is_clutter(name)]
            if not tables:
                raise UnreadableFile("The zip archive holds no file. Upload a CSV or Excel file.")
            chosen = _choose_member(tables, decisions)
            if archive.getinfo(chosen).file_size > MAX_BYTES:
                raise UnreadableFile(_TOO_LARGE)
            with archive.open(chosen) as file:
                inner = _bounded(file.read(MAX_BYTES + 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile("The zip archive or Excel file is damaged. Save or download it again.") from error
    except RuntimeError as error:  # zipfile's way to say that a password is needed
        raise UnreadableFile("The zip archive is protected by a password. Unpack it first.") from error
    if inner[:4] != b"PK\x03\x04":
        return inner, False, chosen
    try:
        with zipfile.ZipFile(io.BytesIO(inner)) as archive:
            workbook = _is_workbook(archive.namelist())
            if workbook:
                _check_workbook(archive)
    except zipfile.BadZipFile as error:
        raise UnreadableFile("The file in the zip archive is damaged. Save or download it again.") from error
    return inner, workbook, chosen


def _is_workbook(names: list[str]) -> bool:
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def _check_workbook(archive: zipfile.ZipFile):
    """Refuse what would unpack to more than a workbook of prices can hold."""
    if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
        raise UnreadableFile(f"The Excel file unpacks to more than {MAX_BYTES // 2**20} MB. Save the sheet with the prices "
                             "as CSV.")


def _refuse_documents(names: list[str], filename: str):
    if filename.lower().endswith((".xlsx", ".xlsm")):
        raise UnreadableFile("This is not an Excel workbook although its name says so; it may be damaged. Save it again as "
                             ".xlsx or CSV.")
    if "mimetype" in names and "content.xml" in names:
        raise UnreadableFile("This is an OpenDocument file. Save it as .xlsx or CSV.")
    if "[Content_Types].xml" in names:
        raise UnreadableFile("This is a document without sheets, not an Excel workbook. Save the table as .xlsx or CSV.")


def _is_clutter(name: str) -> bool:
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name.startswith(".") or path.name in {"Thumbs.db", "desktop.ini"}


def _choose_member(names: list[str], decisions: Decisions) -> str:
    wanted = decisions.given.get("sheet")
    meant = _meant(wanted, names) if wanted is not None else None
    if len(names) > 1 and meant is None:
        decisions.ask("sheet", names, f"The zip archive holds {len(names)} files. Which one has the prices?")
    if meant is not None:
        decisions.spend("sheet")
    return decisions.take("sheet", meant or names[0], names) if len(names) > 1 else names[0]


def _meant(wanted, names: list[str]) -> str | None:
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return names[wanted] if 0 <= wanted < len(names) and len(names) > 1 else None
    matches = [name for name in names if str(wanted) in (name, PurePosixPath(name).name)]
    return matches[0] if len(matches) == 1 else None
