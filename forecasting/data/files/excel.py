"""Excel workbooks, read in a child process with bounded memory and time.

A workbook of a few kilobytes can unpack to gigabytes while it is parsed, so the parser never runs in this process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from forecasting.data.files.container import by_position
from forecasting.data.files.decisions import Decisions, match
from forecasting.data.files.grid import Grid
from forecasting.data.history import PriceHistory
from forecasting.errors import NeedsChoice, UnreadableFile

__all__ = ["pick_sheet", "read_sheets"]

_SECONDS = 8
_WORKER = Path(__file__).with_name("excel_worker.py")
_REFUSALS = {
    1: "This Excel file cannot be opened: it is damaged, or no workbook. Save it again as .xlsx or CSV.",
    4: "This Excel file has no sheet with cells. Choose a file with dates and prices.",
}
_TOO_LARGE = (f"This Excel file is too large to open within {_SECONDS} seconds and the memory allowed. Save the sheet with the "
              "prices as CSV.")


def read_sheets(data: bytes) -> dict[str, Grid]:
    """Name -> cells of every sheet that has some. Raises UnreadableFile for a damaged or oversized workbook."""
    # -P keeps the modules beside the worker from standing in for those of the standard library.
    command = [sys.executable, "-P", str(_WORKER)]
    try:
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_SECONDS,
                              env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise UnreadableFile(_REFUSALS.get(getattr(error, "returncode", 0), _TOO_LARGE)) from error
    workbook = json.loads(done.stdout)
    return {name: _grid(rows, workbook["epoch_1904"]) for name, rows in workbook["sheets"].items()}


def _grid(rows: list[list], epoch_1904: bool) -> Grid:
    frame = pd.DataFrame(dict(enumerate(zip_longest(*rows, fillvalue=""))), dtype=object)
    return Grid(frame.astype("str"), native=frame.map(lambda cell: not isinstance(cell, str)), epoch_1904=epoch_1904)


def pick_sheet(sheets: dict[str, Grid], decisions: Decisions,
               read: Callable[[Grid, Decisions], PriceHistory]) -> tuple[str, PriceHistory]:
    """(name, history) of the sheet that was given, or of the only one with prices. Several with prices are a question."""
    wanted, names = decisions.given.get("sheet"), list(sheets)
    found: dict[str, PriceHistory | NeedsChoice] = {}
    refusals: list[UnreadableFile] = []
    for name in names if wanted is None else [by_position(wanted, names) or match(wanted, names, "sheet")]:
        tried = decisions.fork()
        tried.take("sheet", name, names)
        try:
            found[name] = read(sheets[name], tried)
        except NeedsChoice as question:
            found[name] = question
        except UnreadableFile as refusal:
            refusals.append(refusal)
    if len(found) > 1:
        decisions.ask("sheet", found, f"{len(found)} sheets of this workbook hold prices. Which one?")
    name, result = next(iter(found.items()), ("", None))
    if not isinstance(result, PriceHistory):
        raise result or refusals[0]
    return name, result
