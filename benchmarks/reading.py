"""How long reading a price file takes, and how large the reader is.

    python benchmarks/reading.py [--rows 300000] [--folder FOLDER] [--repeats 3]

Prints three tables: what `read_prices` takes for large files in the forms that people have; the same for each file in
`--folder`, questions and refusals included; and the size of `forecasting/data/files`: lines, branches per 100 lines, and
places that raise, by module. Times are the best of the repeats, on the clock and of the processor, whom other work delays less.
"""

from __future__ import annotations

import argparse
import ast
import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from forecasting.data.files import read_prices  # the path above comes first
from forecasting.errors import ForecastingError, NeedsChoice

READER = Path(__file__).resolve().parents[1] / "forecasting" / "data" / "files"
BRANCHES = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp)


def large(rows: int) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of files with so many rows, each slow in a way of its own: dates, numbers, quotes, several columns."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"Close": np.round(1100 * np.exp(np.cumsum(rng.normal(0, 1e-4, rows))), 5)})
    hours = pd.date_range("1984-01-01", periods=rows, freq="h")

    def file(**columns) -> bytes:
        return frame.assign(**columns)[[*columns, "Close"]].to_csv(index=False).encode()

    yield "ISO dates and hours", file(Date=hours.strftime("%Y-%m-%d %H:%M:%S"))
    yield "day/month/year, hours", file(Date=hours.strftime("%d/%m/%Y %H:%M"))
    yield "date and hour in two columns", file(Date=hours.strftime("%Y.%m.%d"), Time=hours.strftime("%H:%M"))
    yield "seconds since 1970", file(time=hours.as_unit("s").asi8)
    yield "months in words", file(Date=hours.strftime("%d %b %Y %H:%M"))
    prices = frame["Close"]
    rows_of = zip(hours, prices, strict=True)
    quoted = [f'"{hour:%m/%d/%Y %I:%M %p}","{price:,.2f}","{price + 1:,.2f}"' for hour, price in rows_of]
    yield "thousands in quotation marks", "\n".join(["Date,Close,High", *quoted]).encode()
    comma = prices.map("{:.5f}".format).str.replace(".", ",")
    german = pd.DataFrame({"Datum": hours.strftime("%d.%m.%Y %H:%M"), "Kurs": comma})
    yield "decimal commas and semicolons", german.to_csv(index=False, sep=";").encode()
    factors = {"Open": 1, "High": 1.01, "Low": 0.99, "Volume": 7}
    candles = {name: np.round(prices * factor, 5) for name, factor in factors.items()}
    yield "open, high, low, close, volume", file(Date=hours.strftime("%Y-%m-%d %H:%M"), **candles)


def seconds(data: bytes, name: str, repeats: int) -> tuple[float, float, str]:
    """(seconds on the clock, of the processor, what came of it: rows, a question, a refusal)."""
    clock, processor, came = [], [], ""
    for _ in range(repeats):
        file = io.BytesIO(data)
        file.name = name
        begun, used = time.perf_counter(), sum(os.times()[:4])
        try:
            came = f"{len(read_prices(file)):,} rows"
        except NeedsChoice as question:
            came = f"question: {question.kind}"
        except ForecastingError as refusal:
            came = type(refusal).__name__
        clock.append(time.perf_counter() - begun)
        processor.append(sum(os.times()[:4]) - used)
    return min(clock), min(processor), came


def size(path: Path) -> tuple[int, int, int]:
    """(lines, branches, places that raise) of a module.

    Branches are: if, elif, for, while, except, conditional expressions, conditions of comprehensions, each `and` and `or`.
    """
    text = path.read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(text)))
    branches = sum(isinstance(node, BRANCHES) for node in nodes)
    branches += sum(len(node.ifs) for node in nodes if isinstance(node, ast.comprehension))
    branches += sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    return len(text.splitlines()), branches, sum(isinstance(node, ast.Raise) for node in nodes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--folder", type=Path, help="files to read one by one")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    read_prices(b"Date,Close\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n")  # the first one imports what it needs

    print(f"{'clock':>8} {'processor':>10}  {options.rows:,} rows")
    for name, data in large(options.rows):
        clock, processor, came = seconds(data, "prices.csv", options.repeats)
        print(f"{clock:7.2f}s {processor:9.2f}s  {name}, {len(data) / 1e6:.0f} MB: {came}")
    if options.folder:
        paths = [path for path in sorted(options.folder.iterdir()) if path.is_file()]
        times = {path.name: seconds(path.read_bytes(), path.name, options.repeats) for path in paths}
        print(f"\n{'clock':>8} {'processor':>10}  {len(times)} files in {options.folder.name}")
        for name, (clock, processor, came) in sorted(times.items(), key=lambda entry: -entry[1][1]):
            print(f"{clock:7.2f}s {processor:9.2f}s  {name}: {came}")
        totals = [sum(one[i] for one in times.values()) for i in range(2)]
        print(f"{totals[0]:7.2f}s {totals[1]:9.2f}s  together")

    print(f"\n{'lines':>8} {'branches':>9} {'per 100':>8} {'raises':>7}  forecasting/data/files")
    sizes = {path.name: size(path) for path in sorted(READER.glob("*.py"))}
    sizes["together"] = tuple(map(sum, zip(*sizes.values(), strict=True)))
    for name, (lines, branches, raises) in sizes.items():
        print(f"{lines:8,} {branches:9,} {100 * branches / max(lines, 1):8.0f} {raises:7}  {name}")


if __name__ == "__main__":
    main()
