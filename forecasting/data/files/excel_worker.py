"""The child process that reads a workbook: bytes on stdin, JSON on stdout. Imports nothing of this project.

Exit codes: 1, Python's own, no workbook; 3 too large; 4 no cells. A sheet is a list of rows, its cells numbers or texts.
"""

import contextlib
import datetime
import io
import json
import sys

MEMORY_BYTES = 400 * 2**20
MAX_COLUMNS, MAX_SHEETS, MAX_CELLS = 2048, 32, 2_000_000
TOO_LARGE, NO_CELLS = 3, 4


def cell(value):
    """A number or a text."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if type(value) in (int, float):
        return value
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="seconds").removesuffix(" 00:00:00")
    return "" if value is None else str(value)[:1000]


def read_sheet(sheet, budget):
    """The rows of `sheet`, each up to its last cell; they make a table of at most `budget` cells; how many these are."""
    sheet.reset_dimensions()  # the stored ones may be wrong by a million rows
    rows, width = [], 0
    # Without bounds each row ends at its last cell; with them it would be filled up to the bound.
    for values in sheet.iter_rows(values_only=True):
        row = [cell(value) for value in values[:MAX_COLUMNS]]
        while row and row[-1] == "":
            row.pop()
        rows.append(row)
        width = max(width, len(row))
        if len(rows) * max(1, width) > budget:
            sys.exit(TOO_LARGE)
    return rows, len(rows) * width


def main():
    with contextlib.suppress(ImportError):  # Windows has no such limit; the sizes checked before the start must do
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # openpyxl uses NumPy where it finds it, and it alone would fill the memory allowed here.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # which is how Python is told that there is none
    import openpyxl

    data = sys.stdin.buffer.read()
    sheets, left = {}, MAX_CELLS
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets[:MAX_SHEETS]:
            rows, cells = read_sheet(sheet, left)
            if cells:
                sheets[sheet.title] = rows
                left -= cells
    except (MemoryError, RecursionError):
        sys.exit(TOO_LARGE)
    if not sheets:
        sys.exit(NO_CELLS)
    json.dump({"sheets": sheets, "epoch_1904": book.epoch.year == 1904}, sys.stdout)


if __name__ == "__main__":
    main()
