"""A known history in a random dialect is read back equal, or asked about, or refused; never as a different history."""

import csv
import io

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from price_files import european, known

from forecasting.data.files import read_prices
from forecasting.errors import ForecastingError, NeedsChoice

DAYS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d%m%Y",
    "%d-%m-%y",
    "%m/%d/%y",
    "%y-%m-%d",
    "%y%m%d",
    "%b %d, %Y",
    "%d %B %Y",
    "%d-%b-%y",
    "%A, %B %d, %Y",
    "%Y-%m-%d 16:00:00",
    "%m/%d/%Y %I:%M %p",
    "%Y%m%d000000",
    "%Y-%m-%dT00:00:00Z",
    "%Y-%m-%dT00:00:00+09:00",
    "epoch s",
    "epoch ms",
    "epoch ns",
    "serial",
    "%j/%Y",
    "%d/%m",
]
MONTHS = ["%Y-%m", "%Y.%m", "%b %Y", "%b-%y", "%m/%Y", "%Y%m", "%YM%m", "%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d.%m.%y", "%y-%m"]
HOURS = [
    "%Y-%m-%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%y %I:%M %p",
    "%Y%m%d %H%M%S",
    "%Y-%m-%dT%H:%M:%S-05:00",
    "%Y%m%d%H%M",
    "epoch s",
    "epoch us",
    "serial",
    "%d.%m.%Y,%H:%M",
]
SPACINGS = {"B": DAYS, "D": DAYS, "W-FRI": DAYS, "MS": MONTHS, "h": HOURS}
ROLES = ("Date", "Open", "High", "Low", "Close", "Volume")
HEADERS = {
    "ascii": ROLES,
    "cp1252": ("Datum", "Eröffnung", "Hoch", "Tief", "Schluß", "Volumen"),
    "cp1251": ("Дата", "Открытие", "Максимум", "Минимум", "Закрытие", "Объём"),
    "cp932": ("日付", "始値", "高値", "安値", "終値", "出来高"),
    "gb18030": ("日期", "开盘", "最高", "最低", "收盘", "成交量"),
    "big5": ("日期", "開盤價", "最高價", "最低價", "收盤價", "成交量"),
    "cp949": ("날짜", "시가", "고가", "저가", "종가", "거래량"),
}
NUMBERS = {
    "point": lambda x, d: f"{x:.{d}f}",
    "comma": lambda x, d: f"{x:.{d}f}".replace(".", ","),
    "european": european,
    "english": lambda x, d: f"{x:,.{d}f}",
    "swiss": lambda x, d: f"{x:,.{d}f}".replace(",", "'"),
    "dollar": lambda x, d: f"${x:,.{d}f}",
    "french": lambda x, d: european(x, d).replace(".", "\u202f") + " €",
    "exponent": lambda x, d: f"{x:.14e}",
}
COMMAS = {"comma", "european", "french"}
DIALECTS = st.fixed_dictionaries(
    {
        "spaced": st.sampled_from(sorted(SPACINGS)).flatmap(
            lambda freq: st.tuples(st.just(freq), st.sampled_from(SPACINGS[freq]))
        ),
        "start": st.sampled_from(["1951-02-01", "1968-11-01", "1987-03-02", "1999-11-15", "2011-12-01", "2013-01-04"]),
        "rows": st.sampled_from([25, 60, 150]),
        "level": st.sampled_from([(1.2, 5), (98.0, 2), (98.0, 3), (990.0, 2), (24_000.0, 3), (2_000.0, 0)]),
        "delimiter": st.sampled_from(",;\t|"),
        "number": st.sampled_from(sorted(NUMBERS)),
        "language": st.sampled_from(sorted(HEADERS)),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "own"]),
        "quoted": st.booleans(),
        "end": st.sampled_from(["\n", "\r\n", "\r"]),
        "columns": st.sampled_from([("Close",), ("Close", "Volume"), ROLES[1:], ("Close", "Open", "High", "Low")]),
        "headed": st.booleans(),
        "repeated": st.booleans(),
        "titles": st.integers(0, 3),
        "footer": st.booleans(),
        "newest_first": st.booleans(),
        "gaps": st.booleans(),
        "missing": st.sampled_from(["", "-", "null", "#N/A", "."]),
        "seed": st.integers(0, 5),
    }
)


def date_text(date, form):
    if form.startswith("epoch"):
        return str(int(date.timestamp()) * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[form.split()[1]])
    if form == "serial":
        return f"{(date - np.datetime64('1899-12-30')) / np.timedelta64(1, 'D'):.10g}"
    return date.strftime(form)


def write(dialect):
    """The bytes of a file, and the history that it holds."""
    (freq, form), (level, digits) = dialect["spaced"], dialect["level"]
    frame = known(rows=dialect["rows"], start=dialect["start"], freq=freq, digits=digits, level=level, seed=dialect["seed"])
    if dialect["gaps"]:
        frame = frame.drop(frame.index[3:20:5])
    names = dict(zip(ROLES, HEADERS[dialect["language"]], strict=True))
    header = [names["Date"], *(names[column] for column in dialect["columns"])]
    number = NUMBERS[dialect["number"]]
    rows = [
        [date_text(date, form), *(f"{row[c]:.0f}" if c == "Volume" else number(row[c], digits) for c in dialect["columns"])]
        for date, row in frame.iterrows()
    ]
    rows.append(
        [
            date_text(frame.index[-1] + (frame.index[-1] - frame.index[-2]), form),
            *[dialect["missing"]] * len(dialect["columns"]),
        ]
    )
    if dialect["newest_first"]:
        rows.reverse()
    if dialect["headed"]:
        rows.insert(0, header)
        rows[9:9] = [header] * dialect["repeated"]
    rows[:0] = [[f"Prices of a share, line {i}"] for i in range(dialect["titles"])]
    rows += [["Source: the exchange. All rights reserved."]] * dialect["footer"]
    out = io.StringIO()
    csv.writer(
        out,
        delimiter=dialect["delimiter"],
        lineterminator=dialect["end"],
        quoting=csv.QUOTE_ALL if dialect["quoted"] else csv.QUOTE_MINIMAL,
    ).writerows(rows)
    own = "utf-8" if dialect["number"] == "french" else dialect["language"]
    return out.getvalue().encode(own if dialect["encoding"] == "own" else dialect["encoding"]), frame


def difference(history, frame):
    """What differs between the history read and the one written, or None."""
    if not history.frame.index.equals(frame.index):
        return f"{len(history)} dates {list(history.dates[[0, -1]])} instead of {len(frame)} {list(frame.index[[0, -1]])}"
    return next(
        (
            f"{c}: {history.frame[c].head(3).tolist()} instead of {frame[c].head(3).tolist()}"
            for c in history.frame
            if not np.allclose(history.frame[c], frame[c], rtol=1e-12)
        ),
        None,
    )


def answer(kind, dialect):
    """The right answer to a question about this dialect."""
    letters = [letter for letter in dialect["spaced"][1].lower() if letter in "ymd"][:3]
    order = "/".join({"y": "year", "m": "month", "d": "day"}[letter] for letter in letters)
    return {
        "date_order": order,
        "decimal": "," if dialect["number"] in COMMAS else ".",
        "column": f"column {2 + dialect['columns'].index('Close')}",
    }[kind]


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(DIALECTS)
def test_history_in_any_dialect_is_equal_or_asked_about_or_refused(dialect):
    # Points between thousands, commas between cells, and no quotation marks: nobody writes so, and it would be read as decimals.
    assume(
        not (
            dialect["number"] == "european"
            and dialect["level"][1] in (0, 3)
            and dialect["delimiter"] == ","
            and not dialect["quoted"]
        )
    )
    data, frame = write(dialect)
    answers = {}
    for _ in range(3):
        try:
            history = read_prices(data, **answers)
        except NeedsChoice as question:
            answers[question.kind] = answer(question.kind, dialect)
        except ForecastingError:
            return
        else:
            assert difference(history, frame) is None, (difference(history, frame), history.notes)
            return
