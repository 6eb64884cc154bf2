"""The child process that reads a workbook: bytes on stdin, JSON on stdout. Imports nothing of this project.

Exit codes: 2 no workbook, 3 too large, 4 no cells. Each sheet is given by columns: their texts, and which rows were numbers.
"""

import datetime
import io
import json
import sys
import zipfile

MEMORY_BYTES = 400 * 2**20
MAX_COLUMNS, MAX_SHEETS, MAX_CELLS = 2048, 32, 2_000_000


def limit_memory():
    try:
        import resource
    except ImportError:  # Windows has no such limit; the sizes checked before the start must do
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def text_of(value):
    """(text, is a number) of a cell's value."""
    if value is None:
        return "", False
    if isinstance(value, bool):
        return str(value), False
    if isinstance(value, int | float):
        return (str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)), True
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time(0)
        return (value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")), False
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat(), False
    return str(value)[:1000], False


class TooLarge(Exception):
    """More cells than are read."""


def read_sheet(sheet, budget):
    """The columns of `sheet`, at most `budget` cells."""
    sheet.reset_dimensions()  # the stored ones may be wrong by a million rows
    columns: list[dict[str, list]] = []
    # Without bounds each row ends at its last cell; with them it would be filled up to the bound.
    for rows, row in enumerate(sheet.iter_rows(values_only=True)):
        if rows * max(1, len(columns)) > budget:
            raise TooLarge
        row = row[:MAX_COLUMNS]
        filled = next((i for i in range(len(row), 0, -1) if row[i - 1] is not None), 0)
        columns += [{"text": [""] * rows, "numbers": []} for _ in range(len(columns), filled)]
        for position, column in enumerate(columns):
            text, number = text_of(row[position]) if position < filled else ("", False)
            column["text"].append(text)
            if number:
                column["numbers"].append(rows)
    return columns


def main():
    limit_memory()
    # openpyxl uses NumPy where it finds it, and it alone would fill the memory allowed here.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # which is how Python is told that there is none
    import openpyxl

    data = sys.stdin.buffer.read()
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheets, left = [], MAX_CELLS
        for sheet in book.worksheets[:MAX_SHEETS]:
            columns = read_sheet(sheet, left)
            if any(any(column["text"]) for column in columns):
                sheets.append({"name": sheet.title, "columns": columns})
                left -= sum(len(column["text"]) for column in columns)
        epoch_1904 = book.epoch.year == 1904
    except (MemoryError, RecursionError, TooLarge):
        return 3
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, SyntaxError, EOFError,
            AssertionError, NotImplementedError, OverflowError, zipfile.LargeZipFile):
        return 2
    if not sheets:
        return 4
    json.dump({"sheets": sheets, "epoch_1904": epoch_1904}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
