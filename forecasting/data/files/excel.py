"""Excel workbooks, read in a child process with bounded memory and time.

A workbook of a few kilobytes can unpack to gigabytes while it is parsed, so the parser never runs in this process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from forecasting.data.files.decisions import Decisions, match
from forecasting.data.files.grid import Grid
from forecasting.data.history import PriceHistory
from forecasting.errors import NeedsChoice, UnreadableFile

__all__ = ["pick_sheet", "read_sheets"]

_SECONDS = 8
_WORKER = Path(__file__).with_name("excel_worker.py")
_REFUSALS = {
    2: "This Excel file cannot be opened: it is damaged, or no workbook. Save it again as .xlsx or CSV.",
    3: "This Excel file is too large to open safely. Save the sheet with the prices as CSV.",
    4: "This Excel file has no sheet with cells. Choose a file with dates and prices.",
}


def read_sheets(data: bytes) -> dict[str, Grid]:
    """Name -> cells of every sheet that has some. Raises UnreadableFile for a damaged or oversized workbook."""
    # -P keeps the modules beside the worker from standing in for those of the standard library.
    command = [sys.executable, "-P", str(_WORKER)]
    try:
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_SECONDS,
                              env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=False)
    except subprocess.TimeoutExpired as error:
        raise UnreadableFile(f"This Excel file takes more than {_SECONDS} seconds to open. Save the sheet with the prices as "
                             "CSV.") from error
    if done.returncode != 0:
        raise UnreadableFile(_REFUSALS.get(done.returncode, _REFUSALS[3]))
    workbook = json.loads(done.stdout)
    return {sheet["name"]: _grid(sheet, workbook["epoch_1904"]) for sheet in workbook["sheets"]}


def _grid(sheet: dict, epoch_1904: bool) -> Grid:
    """Columns of text; the worker gives a column as its texts and the rows whose cells were numbers."""
    columns = sheet["columns"]
    frame = pd.DataFrame({i: pd.Series(column["text"], dtype="str") for i, column in enumerate(columns)})
    native = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    for i, column in enumerate(columns):
        native.iloc[column["numbers"], i] = True
    return Grid(frame, native=native, epoch_1904=epoch_1904)


def pick_sheet(sheets: dict[str, Grid], decisions: Decisions,
               read: Callable[[Grid, Decisions], PriceHistory]) -> tuple[str, PriceHistory]:
    """(name, history) of the sheet that was given, or of the only one with prices. Several with prices are a question."""
    wanted = decisions.given.get("sheet")
    if wanted is not None:
        number = isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(sheets)
        name = list(sheets)[wanted] if number else match(wanted, sheets, "sheet")
        decisions.take("sheet", name, sheets.keys())
        return name, read(sheets[name], decisions)
    readable: dict[str, PriceHistory | NeedsChoice] = {}
    refusals: list[UnreadableFile] = []
    for name, grid in sheets.items():
        tried = decisions.fork()
        tried.take("sheet", name, sheets.keys())
        try:
            readable[name] = read(grid, tried)
        except NeedsChoice as question:
            readable[name] = question
        except UnreadableFile as refusal:
            refusals.append(refusal)
    if not readable:
        raise refusals[0]
    if len(readable) > 1:
        decisions.ask("sheet", readable, f"{len(readable)} sheets of this workbook hold prices. Which one?")
    name, result = next(iter(readable.items()))
    if isinstance(result, NeedsChoice):
        raise result
    return name, result
