"""Mutated price files by the thousand, read with random overrules: a history, a question or a refusal, and nothing else.

    python benchmarks/fuzz_reader.py [--files 20000] [--seed 0] [--workers 2] [--extra FOLDER]

Makes price files in many dialects, mutates the bytes of most, reads each, half of them with overrules that are possible or
not, and counts the answers. A third of the histories are read again by what their own reading says, which must change
nothing, and with one of the options that it offers. Ends with status 1 where one raised anything but NeedsChoice or another
ForecastingError, took more than 10 seconds, or where a history breaks its contract. `--extra` adds the files of a folder to
those that are mutated.
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
from forecasting.data.history import PriceHistory
from forecasting.data.interpretation import FIELDS
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
OVERRULES = {  # keyword of read_prices -> values, about as many that can be as that cannot
    "encoding": ["utf-8", "cp1252", "cp932", "utf-16", "latin-1", "nonsense", "", "rot13", "hex", "undefined", 8, b"utf-8"],
    "sheet": ["Sheet", "prices.csv", 0, "no such", 99, -1, "", True],
    "delimiter": [",", ";", "\t", "|", " ", "  ", "", "ab", "\n", '"', "\0", 0],
    "header": [0, 1, 2, 5, 10**9, -1, "1", "x", 1.5, True],
    "date": ["Date", "column 1", "Datum", "日付", "Year + Month", "Date + Time", "Close", "nope", "", 0, ["Date"], " + "],
    "date_order": ["day/month/year", "month/day/year", "year/month/day", "d/m/y", "day", "", 3],
    "time": ["", "Time", "Hour", "Date", "column 2", "nope", 0, ["Time"]],
    "column": ["Close", "column 5", "close", 0, 4, 99, -1, ("Close", "AAPL"), (), "nope", "", True, 1.5, "9" * 30],
    "adjusted": [True, False, "yes", 1, "", 0.5],
    "series": ["A", "AAPL", "MSFT", "OLD", "nope", "", 0, ("AAPL",)],
    "decimal": [".", ",", ";", "", 0, True],
}


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
    made += kinds(pairs)
    made.append(zipped({"prices.csv": plain.encode()}))
    made.append(zipped({"prices.csv": plain.encode(), "other.csv": plain.replace("2000", "2001").encode()}))
    made.append(workbook(pairs))
    return made + [path.read_bytes()[:200_000] for path in sorted(extra.iterdir()) if path.is_file()] if extra else made


def kinds(pairs) -> list[bytes]:
    """Files that need more than one part of the reader: weekdays in dates, ends of hours, eras, several names, ..."""

    def file(header: str, row) -> bytes:
        return "\n".join([*header.splitlines(), *(row(i, d, c) for i, (d, c) in enumerate(pairs)), ""]).encode()

    first = pairs[0][0]
    hours = pd.date_range(first, periods=ROWS, freq="h")
    ranges = [f"{hour:%d.%m.%Y %H:%M} - {hour + pd.Timedelta(hours=1):%d.%m.%Y %H:%M}" for hour in hours]
    periods = [(1950 + i, f"{1950 + i // 4}Q{i % 4 + 1}", f"{1950 + i // 12}M{i % 12 + 1:02d}")[i // 20] for i in range(ROWS)]
    split = [2 if i < ROWS // 2 else 1 for i in range(ROWS)]
    return [
        file("Date\tPrice\tVolume", lambda i, d, c: f"{d:%Y-%m-%d,%a}\t{c:,.2f}\t{i + 1},234,000"),
        file("时间\t收盘\t总手", lambda i, d, c: f"{d:%Y-%m-%d},{'一二三四五六日'[d.weekday()]}\t{c:.3f}\t{i + 1},234"),
        file("Date,Open,High,Low,Close", lambda i, d, c: f'{d:%m/%d/%Y},{c},{c + 9},{c - 9},"{c * split[i]:,.2f}"'),
        file("#,DATE,CODE,LTP*,HIGH,LOW,CLOSEP*,YCP\n,,,,,,,", lambda i, d, c: f"{i},{d:%m/%d/%Y},S,{c + 1},{c},{c},{c},{c}"),
        file("Date,Hour Ending,Price,DST", lambda i, d, c: f"{hours[i]:%m/%d/%Y},{hours[i].hour + 1:02d}:00,{c},N"),
        file("Date,HE,Price", lambda i, d, c: f"{hours[i]:%Y-%m-%d},{hours[i].hour + 1},{c}"),
        file("MTU (CET),Price [EUR/MWh]", lambda i, d, c: f"{ranges[i]},{c}"),
        file("某某 5分钟线\n日期\t时间\t收盘", lambda i, d, c: f"{first:%Y/%m/%d}\t{hours[i % 14]:%H}{i // 14 * 5:02d}\t{c}"),
        file("Date,Symbol,Close", lambda i, d, c: f"{d:%Y-%m-%d},{'OLD' if i < 30 else 'NEW'},{c}"),
        file("Period,Value", lambda i, d, c: f"{periods[i]},{c}"),
        file("基準日,2年,10年", lambda i, d, c: f"H{d.year - 1988}.{d.month}.{d.day},{c - 1:.3f},{c:.3f}"),
        file("日付,終値", lambda i, d, c: f"平成{d.year - 1988}年{d.month}月{d.day}日({'月火水木金土日'[d.weekday()]}),{c}"),
        file("Date,C,AdjC", lambda i, d, c: f"{d:%Y-%m-%d},{c * split[i]:.2f},{c}"),
        file("PERMNO,date,PRC,VOL,CFACPR", lambda i, d, c: f"10026,{d:%Y%m%d},{-c if i % 7 == 3 else c},99,1"),
        file("Date,Close,Volume", lambda i, d, c: f"{d:%Y-%m-%d},{c},99" + (",extra" if i % 9 == 4 else "")),
        file("S_TARIH,S_KAPANIS,S_MIN,END_TARIH,END_DEGER", lambda i, d, c: f"{d:%d-%m-%Y},{c},{c - 1},{d:%d-%m-%Y},{c * 9}"),
        file("Date,Close,,Date,Dividend", lambda i, d, c: f"{d:%Y-%m-%d},{c}" + (f",,{d:%Y-%m-%d},0.5" if i < 3 else ",,,")),
        file("Date,Close", lambda i, d, c: f"{d:%Y-%m-%d},{c}") + b"\nStatistic,Value\nMean,1500.1\nMaximum,1600\n",
        file("Ticker,Date,Close", lambda i, d, c: f"{'AB'[i % 2]},{pairs[i // 2][0]:%Y-%m-%d},{c}"),
    ]


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


def overrules(rng: np.random.Generator) -> dict:
    """Up to three keywords with a value each; none for every other file."""
    if rng.random() < 0.5:
        return {}
    names = rng.choice(list(OVERRULES), int(rng.integers(1, 4)), replace=False)
    return {str(name): OVERRULES[name][int(rng.integers(len(OVERRULES[name])))] for name in names}


def read(data: bytes, given: dict, rng: np.random.Generator) -> tuple[str, str]:
    """(kind of answer, what went wrong or '') of one file."""
    begun = time.monotonic()
    kind, fault, history = answer(data, given)
    if history is not None and not fault and history.reading is not None and rng.random() < 0.3:
        fault = read_again(data, given, history, rng)
    seconds = time.monotonic() - begun
    return kind, fault or (f"took {seconds:.1f} s" if seconds > 3 * SECONDS else "")


def answer(data: bytes, given: dict) -> tuple[str, str, PriceHistory | None]:
    """(kind of answer, what went wrong or '', the history)."""
    begun = time.monotonic()
    history, fault = None, ""
    try:
        history = read_prices(data, **given)
        kind, fault = "history", broken(history)
    except NeedsChoice as question:
        asked = bool(question.options) and bool(str(question)) and question.kind in FIELDS
        kind, fault = f"question: {question.kind}", "" if asked else f"a question that none can answer: {question!r}"
    except ForecastingError as refusal:
        kind, fault = type(refusal).__name__, "" if str(refusal).endswith(".") else f"no sentence: {refusal}"
    except Exception as error:
        # The boundary of this experiment: whatever else comes is what it looks for.
        LOG.exception("crash")
        kind, fault = "crash", repr(error)
    seconds = time.monotonic() - begun
    return kind, fault or (f"took {seconds:.1f} s" if seconds > SECONDS else ""), history


def read_again(data: bytes, given: dict, history: PriceHistory, rng: np.random.Generator) -> str:
    """What is wrong when a file is read by what its reading says, and with an option that it offers; '' for nothing."""
    taken = {name: getattr(history.reading, name) for name in FIELDS if getattr(history.reading, name) is not None}
    kind, fault, again = answer(data, taken)
    if fault:
        return f"as it was taken, {taken}: {fault}"
    if again is None or again.fingerprint != history.fingerprint:
        return f"as it was taken, {taken}, it gives another answer: {kind if again is None else again!r} instead of {history!r}"
    offered = [(name, value) for name, options in history.reading.options.items() for value in options]
    if not offered:
        return ""
    name, value = offered[int(rng.integers(len(offered)))]
    _, fault, _ = answer(data, given | {name: value})
    return f"with {name}={value!r}, which it offers: {fault}" if fault else ""


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
        changed = mutate(original, originals, rng) if rng.random() < 0.9 else original
        given = overrules(rng)
        kind, fault = read(changed, given, rng)
        counts[kind] += 1
        if fault:
            faults.append((number, f"{given} {fault}" if given else fault))
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
