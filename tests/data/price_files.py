"""A small known history, and files that hold it in the manner of the sites people download from."""

import io
import zipfile

import numpy as np
import openpyxl
import pandas as pd


def known(rows=300, start="2016-03-31", level=150.0, freq="B", digits=2, seed=0):
    """(rows,) open, high, low, close and volume with dates; a seeded random walk."""
    rng = np.random.default_rng(seed)
    close = np.round(level * np.exp(np.cumsum(rng.normal(0, 0.01, rows))), digits)
    opening = np.round(np.r_[close[0], close[:-1]] * np.exp(rng.normal(0, 0.002, rows)), digits)
    high = np.round(np.maximum(opening, close) * 1.005 + 10.0**-digits, digits)
    low = np.round(np.minimum(opening, close) * 0.995 - 10.0**-digits, digits)
    return pd.DataFrame(
        {
            "Open": opening,
            "High": high,
            "Low": low,
            "Close": close,
            "Volume": rng.integers(1_000_000, 90_000_000, rows).astype(float),
        },
        index=pd.date_range(start, periods=rows, freq=freq, name="Date"),
    )


def lines(frame, row, header=None, reverse=False, end="\n"):
    """Text: `header` and `row(date, values)` for each row of `frame`."""
    body = [row(date, values) for date, values in zip(frame.index, frame.itertuples(), strict=True)]
    return end.join([*([header] if header else []), *(reversed(body) if reverse else body)]) + end


def european(value, digits=2):
    """1234.5 -> '1.234,50'."""
    return f"{value:,.{digits}f}".replace(",", "\0").replace(".", ",").replace("\0", ".")


def workbook(sheets):
    """Bytes of an Excel file; sheets: name -> rows of cells."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def same(history, frame):
    """Whether the history holds the closes of `frame` on its dates, and every other column it has agrees too."""
    return history.frame.index.equals(frame.index) and all(
        np.array_equal(history.frame[column], frame[column]) for column in history.frame
    )


DAILY = known(rows=120)
CLOSE = DAILY[["Close"]]
SHEET = [
    ["Date", *DAILY.columns],
    *([date.to_pydatetime(), *values] for date, values in zip(DAILY.index, DAILY.to_numpy().tolist(), strict=True)),
]


def closes(frame=DAILY, form="%Y-%m-%d", header="Date,Close", number=str, sep=",", **options):
    """Bytes of a file with the dates and closes of `frame`."""
    return lines(frame, lambda date, v: f"{date.strftime(form)}{sep}{number(v.Close)}", header, **options).encode()


def zipped(files):
    """Bytes of a zip archive; files: name -> bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def named(data, name):
    """An open file of that name, as a browser's upload is one."""
    file = io.BytesIO(data)
    file.name = name
    return file
