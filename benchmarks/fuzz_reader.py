"""Mutated price files by the thousand: the reader may answer with a history, a question or a refusal, and nothing else.

    python benchmarks/fuzz_reader.py [--files 20000] [--seed 0] [--workers 2] [--extra FOLDER]

Makes price files in many dialects, mutates their bytes, reads each, and counts the answers. Ends with status 1 where one
raised anything but NeedsChoice or another ForecastingError, took more than 10 seconds, or where a history breaks its
contract. `--extra` adds the files of a folder to those that are mutated.
"""

from __future__ import annotations

import argparse
import gzip
import io
import logging
import sys
import time
import warnings
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from forecasting.data.files import read_prices  # the path above comes first
from forecasting.errors import ForecastingError, NeedsChoice

SECONDS = 10
ROWS = 60
LOG = logging.getLogger("fuzz_reader")
TOKENS = [
    b"",
    b",",
    b";",
    b"\t",
    b"|",
    b'"',
    b"'",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"=1+2",
    b"#",
    b"-",
    b"NaN",
    b"inf",
    b"1e999",
    b"-1e308",
    b"1,234.5",
    b"1.234,5",
    b"99999999999999999999",
    b"0",
    b"2016-02-30",
    b"31/31/2016",
    b"01/02/03",
    b"Mar",
    b"T25:61",
    b"+99:99",
    b"%",
    "€".encode(),
    b"null",
    b"<b>",
    b"${x}",
    b"$$",
    b"[a](b)",
    b"A" * 5000,
    b"1" * 400,
    b"\xa0",
    "日付".encode("cp932"),
    b"sep=;\n",
    b"{",
    b"<html>",
    b"Date,Close\n",
    b"\x1a",
    b"00000000",
    b"Q5 2016",
    b"2016W60",
    b"9" * 19,
    b"1" * 16,
    "²".encode(),
    "١٢٣".encode(),
    "１２".encode(),
    b"1900-01-00",
    b"0000-00-00",
]


def seeds(extra: Path | None) -> list[bytes]:
    """Small files in the dialects that people have, and those of the folder `extra`."""
    rng = np.random.default_rng(0)
    close = np.round(1500 * np.exp(np.cumsum(rng.normal(0, 0.01, ROWS))), 2)
    days = pd.bdate_range("1999-11-01", periods=ROWS)
    forms = [
        "%Y-%m-%d",
        "%d/%m/%Y",
        "%m/%d/%y",
        "%d.%m.%Y %H:%M",
        "%b %d, %Y",
        "%d-%b-%y",
        "%Y%m%d",
        "%Y-%m-%dT%H:%M:%SZ",
        "%A, %d %B %Y",
    ]
    made = []
    for form in forms:
        dates = days.strftime(form)
        for sep, number in ((",", "{:.2f}"), (";", "{:,.2f}"), ("\t", "{:.3f}"), ("|", "${:.2f}")):
            rows = [
                sep.join([f'"{d}"', *(number.format(c + more) for more in (0, 9, -9, 1)), "12345"])
                for d, c in zip(dates, close, strict=True)
            ]
            made.append("\n".join([sep.join(["Date", "Open", "High", "Low", "Close", "Volume"]), *rows]).encode())
            made.append("\r\n".join(reversed(rows)).encode())
    pairs = list(zip(days, close, strict=True))
    plain = "Date,Close\n" + "".join(f"{d:%Y-%m-%d},{c}\n" for d, c in pairs)
    made += [
        ("Datum;Schlußkurs\n" + "".join(f"{d:%d.%m.%Y};{c:.2f} €\n" for d, c in pairs)).encode("cp1252"),
        ("日付,終値\n" + "".join(f"{d:%Y/%m/%d},{c}\n" for d, c in pairs)).encode("cp932"),
        plain.encode("utf-16"),
        plain.encode("utf-16-be"),
        gzip.compress(plain.encode()),
        ("Date Close\n" + "".join(f"{d:%Y-%m-%d}   {c}\n" for d, c in pairs)).encode(),
        ("".join(f"{int(d.timestamp())}000,{c},{c + 1},{c - 1},{c},5\n" for d, c in pairs)).encode(),
        ("Price,Close,Close\nTicker,AAPL,MSFT\nDate,,\n" + "".join(f"{d:%Y-%m-%d},{c},{c / 2}\n" for d, c in pairs)).encode(),
        ("Date,Ticker,Close\n" + "".join(f"{d:%Y-%m-%d},{t},{c}\n" for d, c in pairs for t in "AB")).encode(),
        ("Date,AAPL,MSFT\n" + "".join(f"{d:%Y-%m-%d},{c},{c / 3}\n" for d, c in pairs)).encode(),
        ("Year,Month,Value\n" + "".join(f"{1950 + i // 12},{i % 12 + 1},{c}\n" for i, (_, c) in enumerate(pairs))).encode(),
        ("Quarter,Value\n" + "".join(f"{1950 + i // 4}Q{i % 4 + 1},{c}\n" for i, (_, c) in enumerate(pairs))).encode(),
    ]
    made.append(zipped({"prices.csv": plain.encode()}))
    made.append(workbook(pairs))
    return made + [path.read_bytes()[:200_000] for path in sorted(extra.iterdir()) if path.is_file()] if extra else made


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def workbook(pairs) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Date", "Close"])
    for date, close in pairs:
        book.active.append([date.to_pydatetime(), close])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def mutate(data: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """`data` with one to eight changes: bytes, tokens, lines, columns, or a piece of another file."""
    if data[:4] == b"PK\x03\x04" and rng.random() < 0.7:
        return mutate_inside(data, rng)
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        at = int(rng.integers(0, len(out) + 1))
        length = int(min(rng.geometric(0.02), 2000))
        kind = int(rng.integers(0, 9))
        if kind == 0 and out:
            out[min(at, len(out) - 1)] = int(rng.integers(0, 256))
        elif kind == 1:
            del out[at : at + length]
        elif kind == 2:
            out[at:at] = TOKENS[int(rng.integers(len(TOKENS)))]
        elif kind == 3:
            out[at : at + length] = TOKENS[int(rng.integers(len(TOKENS)))]
        elif kind == 4:
            out[at:at] = out[at : at + length] * int(rng.integers(1, 4))
        elif kind == 5:
            other = others[int(rng.integers(len(others)))]
            start = int(rng.integers(0, len(other) + 1))
            out[at:at] = other[start : start + length]
        elif kind == 6:
            lines = bytes(out).split(b"\n")
            rng.shuffle(lines)
            out = bytearray(b"\n".join(lines))
        elif kind == 7:
            old, new = (TOKENS[int(i)] for i in rng.integers(1, 8, 2))
            out = bytearray(bytes(out).replace(old, new))
        else:
            out = out[:at]
    return bytes(out)


def mutate_inside(data: bytes, rng: np.random.Generator) -> bytes:
    """An archive one of whose members is changed, packed again so that it still opens."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = list(files)[int(rng.integers(len(files)))]
    files[name] = mutate(files[name], [files[name]], rng)
    return zipped(files)


def read(data: bytes) -> tuple[str, str]:
    """(kind of answer, what went wrong or '') of one file."""
    begun = time.monotonic()
    try:
        history = read_prices(data)
        kind, fault = "history", broken(history)
    except NeedsChoice as question:
        kind, fault = f"question: {question.kind}", "" if question.options and str(question) else "a question without options"
    except ForecastingError as refusal:
        kind, fault = "refusal", "" if str(refusal).endswith(".") else f"no sentence: {refusal}"
    except Exception as error:
        # The boundary of this experiment: whatever else comes is what it looks for.
        LOG.exception("crash")
        kind, fault = "crash", repr(error)
    seconds = time.monotonic() - begun
    return kind, fault or (f"took {seconds:.1f} s" if seconds > SECONDS else "")


def broken(history) -> str:
    """What of a history's contract does not hold, or ''."""
    frame = history.frame
    if not (len(frame) >= 2 and frame.index.is_monotonic_increasing and frame.index.is_unique and not frame.index.hasnans):
        return "dates do not ascend"
    if not np.isfinite(frame["Close"]).all():
        return "a price is not finite"
    if np.isinf(frame.to_numpy()).any():
        return "a value is infinite"
    return "" if all(isinstance(note, str) and len(note) < 400 for note in history.notes) else "a note is no sentence"


def run(task: tuple[int, int, Path | None]) -> tuple[Counter, list[tuple[int, str]]]:
    """The answers to the files from number `first` to `last`, and the faults with the numbers of their files."""
    first, last, extra = task
    warnings.simplefilter("error")
    originals = seeds(extra)
    counts, faults = Counter(), []
    for number in range(first, last):
        rng = np.random.default_rng(number)
        original = originals[int(rng.integers(len(originals)))]
        kind, fault = read(mutate(original, originals, rng))
        counts[kind] += 1
        if fault:
            faults.append((number, fault))
    return counts, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--extra", type=Path)
    options = parser.parse_args()
    edges = np.linspace(options.seed, options.seed + options.files, 20 * options.workers + 1).astype(int)
    tasks = [(int(a), int(b), options.extra) for a, b in pairwise(edges)]
    begun = time.monotonic()
    counts, faults = Counter(), []
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for some, wrong in pool.map(run, tasks):
            counts += some
            faults += wrong
    for number, fault in faults[:20]:
        print(f"file {number}: {fault}\n")
    print(f"{options.files:,} files in {time.monotonic() - begun:.0f} s")
    for kind, times in counts.most_common():
        print(f"{times:8,}  {kind}")
    print(f"{len(faults):8,}  faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
