"""Files in the manner of exporters that no reader has seen: read as they are, asked about, or refused, and never wrong in silence.

Every case is a file made here from seeded prices, with what it holds. READ: read without a question. ASK: read after a question.
OPEN: read, asked about or refused, whichever; only a history that differs from the prices, and says nothing, is wrong.
"""

import re
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import pytest
from price_files import european, known, lines, named, workbook

from forecasting import words
from forecasting.data.checks import apply_fix
from forecasting.data.files import read_prices
from forecasting.errors import ForecastingError, NeedsChoice

READ, ASK, OPEN = "read", "ask", "open"


@dataclass(frozen=True)
class Case:
    """One file and what is right.

    frame: the prices in it; None where no single history is right
    must: READ, ASK or OPEN
    says: patterns that notes and warnings match, whichever history it is
    never_says: patterns that none of them matches
    answers: the right answer to each question that may be asked
    given: keywords of `read_prices` from the start: what a person overruled
    also: other histories that are right
    excuse: patterns that, all matched by notes and warnings, make another history acceptable in an OPEN case
    mended: the prices once every split that was found is mended
    """

    data: bytes
    frame: pd.DataFrame | None
    must: str = READ
    says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()
    answers: dict = field(default_factory=dict)
    given: dict = field(default_factory=dict)
    also: tuple[pd.DataFrame, ...] = ()
    excuse: tuple[str, ...] = ()
    mended: pd.DataFrame | None = None
    filename: str = "prices.csv"


def verdict(case, read=read_prices):
    """What is wrong with the answer of `read` to a case, in words; '' where nothing is."""
    given, asked = dict(case.given), False
    for _ in range(4):
        try:
            history = read(named(case.data, case.filename), **given)
        except NeedsChoice as question:
            answer = case.answers.get(question.kind)
            if case.must == READ:
                return f"asked: {question.question} {question.options[:8]}"
            if answer not in question.options:
                return "" if case.frame is None else f"asked without the right answer {answer!r}: {question}"
            if question.kind in given:
                return f"asked again: {question}"
            given[question.kind], asked = answer, True
        except ForecastingError as refusal:
            return "" if case.must == OPEN else f"refused: {refusal}"
        else:
            return _wrong(history, case, asked)
    return "asked without end"


def _wrong(history, case, asked):
    told = "\n".join(said for said in (*history.notes, *history.warnings) if not said.startswith("There are only"))
    if case.must == ASK and not asked:
        return f"not asked: {_differs(history, case.frame) or 'right by luck'}"
    if found := [pattern for pattern in case.never_says if re.search(pattern, told, re.IGNORECASE)]:
        return f"said without need: {found} in {told}"
    right = [frame for frame in (case.frame, *case.also) if frame is not None]
    if not right or all(_differs(history, frame) for frame in right):
        if case.must == OPEN and case.excuse and all(re.search(one, told, re.IGNORECASE) for one in case.excuse):
            return ""
        return f"wrong: {_differs(history, right[0]) if right else 'a history'}; said {told!r}"
    if missing := [pattern for pattern in case.says if not re.search(pattern, told, re.IGNORECASE)]:
        return f"not said: {missing} in {told!r}"
    if case.mended is not None:
        for _ in range(5):
            if (split := next((one for one in history.problems if one.kind == "split" and one.fixable), None)) is None:
                break
            history = apply_fix(history, split)
        if not np.allclose(history.close, case.mended.Close, rtol=2e-3):
            return "mended wrongly"
    return ""


def _differs(history, frame):
    """How a history differs from the prices of a file: dates, closes, or a number in another column of theirs; '' if not."""
    if not history.frame.index.equals(frame.index.as_unit("us")):
        return f"{len(history)} dates {list(map(str, history.dates[[0, -1]]))}, not {len(frame)} {list(map(str, frame.index[[0, -1]]))}"
    for column in history.frame.columns.intersection(frame.columns):
        got, right = history.frame[column].to_numpy(), frame[column].to_numpy()
        if not (np.isclose(got, right, rtol=1e-9) | (np.isnan(got) if column != "Close" else False)).all():
            return f"{column} {got[:3].tolist()} .. {got[-1]}, not {right[:3].tolist()} .. {right[-1]}"
    return ""


# What the files hold

DAILY = known(rows=80, start="2019-01-02", level=150.0)
HIGH = known(rows=80, start="2019-01-02", level=1_190.0)  # passes a thousand
CLOSE = DAILY[["Close"]]
CANDLES = DAILY[["Open", "High", "Low", "Close"]]
HOURS = known(rows=24 * 6, start="2020-01-10", freq="h", level=40.0)[["Close"]]
QUARTERS = known(rows=24 * 6, start="2020-01-13", freq="15min", level=40.0)[["Close"]]
MINUTES = pd.concat(
    known(rows=48, start=f"2019-01-{day:02d} 09:35", freq="5min", level=12.0, seed=day) for day in (2, 3, 4, 7, 8, 9)
)
MONTHS = known(rows=48, start="2015-01-01", freq="MS", level=100.0)[["Close"]]


def text(frame, header, row, **options):
    """The bytes of a file; header: its line or lines, or None; row: (date, values) -> a line."""
    encoding = options.pop("encoding", "utf-8")
    return lines(frame, row, header, **options).encode(encoding)


def day(names, style):
    """Dates with a weekday in other words; style: with {w} for the weekday, and the parts of the date as in an f-string."""
    return lambda d: style.format(d=d, w=names[d.weekday()])


ENGLISH = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
LONG_ENGLISH = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
CHINESE, JAPANESE, KOREAN = "一二三四五六日", "月火水木金土日", "월화수목금토일"
GERMAN = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"]
FRENCH = ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."]
SPANISH = ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"]


def comma(value):
    return f"{value:.2f}".replace(".", ",")


# 1. The delimiter is one sign, and the date cell holds another


def delimiters():
    styles = {
        "iso,Wed": day(ENGLISH, "{d:%Y-%m-%d},{w}"),
        "iso, Wed": day(ENGLISH, "{d:%Y-%m-%d}, {w}"),
        "iso,chinese": day(CHINESE, "{d:%Y-%m-%d},{w}"),
        "Wed, 02 Jan 2019": day(ENGLISH, "{w}, {d:%d %b %Y}"),
        "January 2, 2019": lambda d: f"{d:%B} {d.day}, {d.year}",
        "Wed, Jan 2, 2019": day(ENGLISH, "{w}, {d:%b} {d.day}, {d.year}"),
        "Wednesday, January 02, 2019": day(LONG_ENGLISH, "{w}, {d:%B %d, %Y}"),
    }
    signs = (("\t", "tabs"), (";", "semicolons"), ("|", "bars"), ("   ", "blanks"))
    for i, (name, style) in enumerate(styles.items()):
        for sep, called in (signs[0], signs[1 + i % 3]):

            def row(d, v, style=style, sep=sep):
                return sep.join([style(d), f"{v.Close:.2f}", f"{v.Volume:,.0f}"])

            yield f"{called}, {name}, volume with commas", Case(text(HIGH, sep.join(["Date", "Price", "Volume"]), row), HIGH)
    candles = partial(_candles, style=styles["iso,Wed"])
    yield "tabs, iso,Wed, no header", Case(text(DAILY, None, candles), DAILY, OPEN, answers={"column": "column 5"})
    yield "tabs, iso,Wed, no header, one price", Case(text(DAILY, None, lambda d, v: f"{d:%Y-%m-%d},{d:%a}\t{v.Close}"), CLOSE)
    yield (
        "tabs, iso,Wed, trailing tab, windows lines, newest first",
        Case(
            text(DAILY, "Date\tOpen\tHigh\tLow\tClose\tVolume\t", lambda d, v: candles(d, v) + "\t", reverse=True, end="\r\n"),
            DAILY,
        ),
    )
    chinese = partial(_candles, style=styles["iso,chinese"], number="{:.3f}", volume="{:,.0f}")
    header = "时间\t开盘\t最高\t最低\t收盘\t总手\t涨幅\t"
    yield "tabs, chinese, gbk", Case(text(DAILY, header, lambda d, v: chinese(d, v) + "\t+0.52%\t", encoding="gbk"), DAILY)
    yield (
        "tabs, chinese, utf-16",
        Case(text(DAILY, header, lambda d, v: chinese(d, v) + "\t--\t", encoding="utf-16"), DAILY, filename="table.xls"),
    )
    yield (
        "semicolons, January 2, 2019, decimal commas",
        Case(text(DAILY, "Date;Close", lambda d, v: f"{d:%B} {d.day}, {d.year};{comma(v.Close)}"), CLOSE),
    )
    yield (
        "semicolons, Mi, 02.01.2019, german numbers",
        Case(
            text(
                HIGH,
                "Datum;Schluss;Stück",
                lambda d, v: f"{day(GERMAN, '{w}, {d:%d.%m.%Y}')(d)};{european(v.Close)};{v.Volume:.0f}",
            ),
            HIGH[["Close"]],
        ),
    )
    yield (
        "tabs, iso,Wed, decimal commas, volume with points",
        Case(
            text(DAILY, "Date\tClose\tVolume", lambda d, v: f"{d:%Y-%m-%d},{d:%a}\t{comma(v.Close)}\t{european(v.Volume, 0)}"),
            DAILY[["Close", "Volume"]],
        ),
    )
    yield (
        "tabs, Jan 2, 2019, prices with thousands, no header",
        Case(text(HIGH, None, lambda d, v: f"{d:%b} {d.day}, {d.year}\t{v.Close:,.2f}"), HIGH[["Close"]]),
    )
    yield (
        "tabs, iso,Wed, whole prices with thousands",
        Case(
            text(
                HIGH.round(0), "Date\tClose\tVolume", lambda d, v: f"{d:%Y-%m-%d},{d:%a}\t{v.Close + 1e4:,.0f}\t{v.Volume:,.0f}"
            ),
            HIGH.round(0)[["Close"]] + 1e4,
            OPEN,
            answers={"decimal": "."},
        ),
    )
    yield (
        "tabs, date and time with a comma between",
        Case(text(HOURS, "Time\tClose", lambda d, v: f"{d:%Y.%m.%d},{d:%H:%M}\t{v.Close}"), HOURS),
    )
    yield (
        "tabs, dates with blanks in them",
        Case(
            text(DAILY, "Date\tClose\tVolume", lambda d, v: f"{d:%d %b %Y}\t{v.Close}\t{v.Volume:,.0f}"),
            DAILY[["Close", "Volume"]],
        ),
    )
    yield (
        "one blank, iso,Wed",
        Case(
            text(DAILY, "Date Price Volume", lambda d, v: f"{d:%Y-%m-%d},{d:%a} {v.Close} {v.Volume:,.0f}"),
            DAILY[["Close", "Volume"]],
        ),
    )
    yield (
        "a table of bars with blanks around",
        Case(
            text(DAILY, "| Date | Close | Volume |", lambda d, v: f"| {d:%a, %d %b %Y} | {v.Close} | {v.Volume:,.0f} |"),
            DAILY[["Close", "Volume"]],
        ),
    )
    yield (
        "commas, and a date with one in it unquoted",
        Case(text(DAILY, "Date,Close,Volume", lambda d, v: f"{d:%B} {d.day}, {d.year},{v.Close},{v.Volume:.0f}"), DAILY, OPEN),
    )
    yield (
        "commas, and a weekday in front unquoted",
        Case(text(DAILY, "Date,Close,Volume", lambda d, v: f"{d:%a}, {d:%d %b %Y},{v.Close},{v.Volume:.0f}"), DAILY, OPEN),
    )
    yield (
        "commas, and a weekday behind unquoted",
        Case(text(DAILY, "Date,Close,Volume", lambda d, v: f"{d:%Y-%m-%d},{d:%a},{v.Close},{v.Volume:.0f}"), DAILY, OPEN),
    )
    yield (
        "commas, and semicolons in the dates",
        Case(text(DAILY, "Date,Close,Volume", lambda d, v: f"{d:%Y-%m-%d};{d:%a},{v.Close},{v.Volume:.0f}"), DAILY, OPEN),
    )
    yield (
        "carets between cells",
        Case(text(DAILY, "Date^Close^Volume", lambda d, v: f"{d:%b %d, %Y}^{v.Close}^{v.Volume:,.0f}"), DAILY, OPEN),
    )
    yield (
        "semicolons, the volume alone has commas",
        Case(
            text(DAILY, "Date;Close;Volume", lambda d, v: f"{d:%Y-%m-%d};{v.Close:.0f};{v.Volume:,.0f}"),
            DAILY[["Close"]].round(0),
        ),
    )


def _candles(d, v, style, number="{:.2f}", volume="{:.0f}", sep="\t"):
    return sep.join([style(d), *(number.format(x) for x in (v.Open, v.High, v.Low, v.Close)), volume.format(v.Volume)])


# 2. The close is raw, and open, high and low beside it are adjusted

SPLITS = {
    "2:1": [(40, 2.0)],
    "7:1": [(50, 7.0)],
    "20:1 soon": [(12, 20.0)],
    "1:10 reverse": [(40, 0.1)],
    "1:4 reverse": [(30, 0.25)],
    "2:1 and 2:1": [(25, 2.0), (55, 2.0)],
    "7:1 and 4:1": [(20, 7.0), (50, 4.0)],
    "2:1 late": [(70, 2.0)],
}


def before(frame, splits):
    """(rows,) what prices are multiplied by as they were quoted then."""
    factor = np.ones(len(frame))
    for row, ratio in splits:
        factor[:row] *= ratio
    return factor


def splits():
    for name, moves in SPLITS.items():
        raw = DAILY.assign(Close=np.round(DAILY.Close * before(DAILY, moves), 2))
        said = ("split", *(re.escape(words.date(DAILY.index[row])) for row, _ in moves[-1:]))
        files = [
            text(
                raw,
                "Date,Open,High,Low,Close,Volume",
                lambda d, v: f'{d.month}/{d.day}/{d.year},{v.Open},{v.High},{v.Low},"{v.Close:,.2f}","{v.Volume:,.0f}"',
            ),
            text(raw, "date,close,high,low,open", lambda d, v: f"{d:%Y%m%d},{v.Close},{v.High},{v.Low},{v.Open}", reverse=True),
            text(raw, "Date;High;Low;Close", lambda d, v: f"{d:%d.%m.%Y};{comma(v.High)};{comma(v.Low)};{comma(v.Close)}"),
        ]
        manners = ("", ", no volume, newest first", ", no open")
        for i in range(3) if name in ("2:1", "7:1") else [len(name) % 3]:
            yield f"raw close, {name}{manners[i]}", Case(files[i], raw, says=said, mended=DAILY)
    # Splits below 2:1 cannot be told from a bad night by the closes; that closes and candles are not of one kind can.
    for name, factor in (
        ("3:2", np.where(np.arange(80) < 40, 1.5, 1.0)),
        ("nearly 2:1", np.where(np.arange(80) < 40, 1.998, 1.0)),
        ("2:1 and dividends", np.where(np.arange(80) < 40, 2.0, 1.0) * (1 + 0.004 * (79 - np.arange(80)) // 20)),
    ):
        raw = DAILY.assign(Close=np.round(DAILY.Close * factor, 2))
        data = text(raw, "Date,Open,High,Low,Close", lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.High},{v.Low},{v.Close}")
        yield (
            f"raw close, {name}",
            Case(data, raw, says=("split",) if name == "3:2" else ("split", re.escape(words.date(DAILY.index[40])))),
        )
    moves = SPLITS["2:1"]
    factor = before(DAILY, moves)
    raw = DAILY.assign(**{c: np.round(DAILY[c] * factor, 2) for c in CANDLES})
    row = partial(_candles, style=lambda d: f"{d:%Y-%m-%d}", sep=",")
    header = "Date,Open,High,Low,Close,Volume"
    yield "all prices raw, 2:1", Case(text(raw, header, row), raw, says=("2:1 split",), mended=DAILY)
    opened = raw.assign(Close=DAILY.Close)
    yield "adjusted close beside raw open, high and low", Case(text(opened, header, row), opened, says=("outside|split",))
    paid = DAILY.assign(**{c: np.round(DAILY[c] * np.where(np.arange(80) < 40, 0.97, 1.0), 2) for c in ("Open", "High", "Low")})
    yield (
        "a dividend is missing from the close",
        Case(text(paid, header, row), paid, says=("outside",), never_says=("split that",)),
    )
    yield "nothing to say of consistent prices", Case(text(DAILY, header, row), DAILY, never_says=("split", "outside"))
    fallen = DAILY.assign(**{c: np.round(DAILY[c] / np.where(np.arange(80) < 40, 1.0, 2.0), 2) for c in CANDLES})
    fallen["Volume"] = DAILY.Volume.median() * np.where(np.arange(80) == 40, 20.0, 1.0).round()
    yield "a crash by half is no split", Case(text(fallen, header, row), fallen, never_says=("split",))


# 3. Weeks that are not Monday to Friday


def weeks():
    masks = {
        "Sunday to Thursday": "Sun Mon Tue Wed Thu",
        "Saturday to Wednesday": "Sat Sun Mon Tue Wed",
        "Monday to Saturday": "Mon Tue Wed Thu Fri Sat",
        "Tuesday and Thursday": "Tue Thu",
        "Monday, Wednesday and Friday": "Mon Wed Fri",
    }
    for name, mask in masks.items():
        week = known(rows=120, start="2022-01-01", freq=pd.offsets.CustomBusinessDay(weekmask=mask))
        row = partial(_candles, style=lambda d: f"{d:%m/%d/%Y}", sep=",")
        data = text(week, "Date,Open,High,Low,Close,Volume", row, reverse=True)
        yield f"week from {name}" if "to" in name else f"days {name}", Case(data, week, never_says=("gap", "irregular"))
    twice = known(rows=48, start="2020-01-01", freq="SMS")
    yield "twice a month", Case(text(twice, "Date,Close", lambda d, v: f"{d:%Y-%m-%d},{v.Close}"), twice, never_says=("gap",))


# 4. The official close under an abbreviation, beside the last trade

CLOSES = [  # close, last trade, close of the day before, open
    ("CLOSEP*", "LTP*", "YCP", "OPENP*"),
    ("CLOSEP", "LTP", "YCP", "OPENP"),
    ("Close Price", "Last Traded Price", "Yesterday Close", "Open Price"),
    ("Close Price", "Last Price", "Prev Close", "Open Price"),
    ("CLOSE_PRICE", "LAST_PRICE", "PREV_CLOSE", "OPEN_PRICE"),
    (" CLOSE_PRICE", " LTP", " PREV_CLOSE", " OPEN_PRICE"),
    ("ClsPric", "LastPric", "PrvsClsgPric", "OpnPric"),
    ("CLOSE", "LAST", "PREVCLOSE", "OPEN"),
    ("Close Rate", "Last Trade", "Previous Day Close", "Open Rate"),
    ("Official Close", "Last", "Previous Close", "Open"),
    ("Official Closing Price", "Last Trade Price", "Previous Closing Price", "Opening Price"),
    ("CLS", "LST", "PCLS", "OPN"),
    ("Close Px", "Last Px", "Prev Close Px", "Open Px"),
    ("PX_OFFICIAL_CLOSE", "PX_LAST", "PX_YEST_CLOSE", "PX_OPEN"),
    ("Closing Px", "Last Traded Px", "Prev Px", "Opening Px"),
    ("CLOSING", "LTP", "PCLOSE", "OPENING"),
    ("Close", "LTP", "LDCP", "Open"),
    ("Closing Price (Rs.)", "Last Trade (Rs.)", "Previous Close (Rs.)", "Open (Rs.)"),
    ("Schlusskurs", "Letzter Kurs", "Vortageskurs", "Eröffnungskurs"),
    ("Cours de clôture", "Dernier cours", "Clôture veille", "Ouverture"),
    ("收盘价", "最新价", "昨收", "开盘价"),
    ("终收盘", "最新", "前收盘", "开盘"),
    ("Kapanış", "Son İşlem", "Önceki Kapanış", "Açılış"),
    ("<CLOSE>", "<LAST>", "<PREV>", "<FIRST>"),
]


def official_closes():
    def cells(d, v, order):
        values = {
            "close": v.Close,
            "last": round(v.Close + 0.31, 2),
            "before": round(v.Close - 0.47, 2),
            "open": v.Open,
            "high": v.High,
            "low": v.Low,
        }
        return ",".join([f"{d:%Y-%m-%d}", *(str(values[name]) for name in order), f"{v.Volume:.0f}"])

    orders = [("last", "high", "low", "open", "close", "before"), ("before", "open", "high", "low", "close", "last")]
    for close, last, prior, opening in CLOSES:
        titles = {"close": close, "last": last, "before": prior, "open": opening, "high": "High", "low": "Low"}
        orders.reverse()
        header = ",".join(["DATE", *(titles[name] for name in orders[0]), "VOLUME"])
        yield (
            f"{close.strip()} beside {last.strip()}",
            Case(
                text(DAILY, header, partial(cells, order=orders[0])),
                DAILY,
                OPEN if close in ("CLS", "终收盘") else READ,
                answers={"column": close},
            ),
        )
    listed = text(
        DAILY,
        "#,DATE,TRADING CODE,LTP*,HIGH,LOW,OPENP*,CLOSEP*,YCP,TRADE,VALUE (mn),VOLUME\n,,,,,,,,,,,",
        lambda d, v: (
            f"{(d - DAILY.index[0]).days + 1},{d.month}/{d.day}/{d.year},GP,{v.Close + 0.2:.2f},{v.High},{v.Low},{v.Open},"
            f'{v.Close},{v.Close - 0.4:.2f},"1,{d.day + 100}",221.023,"{v.Volume:,.0f}"'
        ),
        reverse=True,
    )
    yield "CLOSEP* beside LTP*, numbered rows, an empty line", Case(listed, DAILY)
    only = "Date,{},{}"
    for prior, last in (("YCP", "LTP"), ("Prev Close", "Last Price"), ("PREVCLOSE", "LAST"), ("LDCP", "CURRENT")):
        yield (
            f"{prior} and {last} without a close",
            Case(
                text(DAILY, only.format(prior, last), lambda d, v: f"{d:%Y-%m-%d},{v.Close - 0.47:.2f},{v.Close}"),
                CLOSE,
                OPEN if last == "CURRENT" else READ,
                answers={"column": last},
            ),
        )
    yield (
        "the official price beside the last",
        Case(
            text(DAILY, "Date,Last Price,Official Price", lambda d, v: f"{d:%Y-%m-%d},{v.Close + 0.4:.2f},{v.Close}"),
            CLOSE,
            OPEN,
            answers={"column": "Official Price"},
        ),
    )
    yield (
        "the close of the day before alone",
        Case(text(DAILY, "Date,YCP,High,Low", lambda d, v: f"{d:%Y-%m-%d},{v.Close - 0.47:.2f},{v.High},{v.Low}"), None, OPEN),
    )
    yield (
        "a prediction beside the close",
        Case(
            text(
                DAILY,
                "Date,Next Close,Predicted Close,Close",
                lambda d, v: f"{d:%Y-%m-%d},{v.Close + 1:.2f},{v.Close + 2:.2f},{v.Close}",
            ),
            CLOSE,
            OPEN,
            answers={"column": "Close"},
        ),
    )
    yield (
        "settlement beside last of a future",
        Case(
            text(
                DAILY,
                "Time,Open,High,Low,Last,Settle,Prev. Settle,Volume",
                lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.High},{v.Low},{v.Close + 0.1:.2f},{v.Close},{v.Close - 1:.2f},5",
            ),
            CANDLES,
            OPEN,
            answers={"column": "Settle"},
        ),
    )


# 5. Times of day: the hour's end, hour numbers, ranges, HHMM


def hours():
    price = "SettlementPointPrice"
    styles = {
        "Hour Ending, 01:00 to 24:00": ("Date,Hour Ending,Price", lambda h: f"{h + 1:02d}:00"),
        "HourEnding, 01:00 to 24:00": (f"DeliveryDate,HourEnding,{price}", lambda h: f"{h + 1:02d}:00"),
        "Time, 01:00 to 24:00": ("Date,Time,Price", lambda h: f"{h + 1:02d}:00"),
        "Uhrzeit, 1:00 to 24:00": ("Datum,Uhrzeit,Preis", lambda h: f"{h + 1}:00"),
        "Hour Ending, 1 to 24": ("Date,Hour Ending,Price", lambda h: str(h + 1)),
        "HE, 1 to 24": ("Date,HE,Price", lambda h: str(h + 1)),
        "HE, HE1 to HE24": ("Date,HE,Price", lambda h: f"HE{h + 1}"),
        "Hour, HE01 to HE24": ("Date,Hour,Price", lambda h: f"HE{h + 1:02d}"),
        "Hour, HE 1 to HE 24": ("Date,Hour,Price", lambda h: f"HE {h + 1}"),
        "Hour, 1 to 24": ("Date,Hour,Price", lambda h: str(h + 1)),
        "Hora, 1 to 24": ("Fecha,Hora,Precio", lambda h: str(h + 1)),
        "OPR_HR, 1 to 24": ("OPR_DT,OPR_HR,PRICE", lambda h: str(h + 1)),
        "Hour, H1 to H24": ("Date,Hour,Price", lambda h: f"H{h + 1}"),
        "Hour, 0 to 23": ("Date,Hour,Price", lambda h: str(h)),
        "hr, 00 to 23": ("date,hr,price", lambda h: f"{h:02d}"),
        "Hour, 0:00 to 23:00": ("Date,Hour,Price", lambda h: f"{h}:00"),
        "Hour, 12 AM to 11 PM": ("Date,Hour,Price", lambda h: f"{(h - 1) % 12 + 1} {'AM' if h < 12 else 'PM'}"),
        "Time, 12:00 AM": ("Date,Time,Price", lambda h: f"{(h - 1) % 12 + 1}:00 {'AM' if h < 12 else 'PM'}"),
        "Time, T16:00": ("Date,Time,Price", lambda h: f"T{h:02d}:00"),
        "Heure, 16h00": ("Date,Heure,Prix", lambda h: f"{h:02d}h00"),
        "Time, 00:00 - 01:00": ("Date,Time,Price", lambda h: f"{h:02d}:00 - {(h + 1) % 24:02d}:00"),
        "Hours, 00:00 - 24:00": ("Date,Hours,Price", lambda h: f"{h:02d}:00 - {h + 1:02d}:00"),
        "Period, 00:00-01:00": ("Date,Period,Price", lambda h: f"{h:02d}:00-{(h + 1) % 24:02d}:00"),
        "Interval, en dash": ("Date,Interval,Price", lambda h: f"{h:02d}:00\u2013{(h + 1) % 24:02d}:00"),
        "Hours, 00-01": ("Date,Hours,Price", lambda h: f"{h:02d}-{h + 1:02d}"),
        "Hours, 00 - 01": ("Date,Hours,Price", lambda h: f"{h:02d} - {h + 1:02d}"),
        "Zeit, 00:00 bis 01:00": ("Datum,Zeit,Preis", lambda h: f"{h:02d}:00 bis {(h + 1) % 24:02d}:00"),
        "Hour Beginning, 0 to 23": ("Date,Hour Beginning,Price", lambda h: str(h)),
        "HHMM, 0000 to 2300": ("Date,HHMM,Price", lambda h: f"{h:02d}00"),
        "Time, 100 to 2400": ("Date,Time,Price", lambda h: f"{h + 1}00"),
    }
    for name, (header, clock) in styles.items():
        yield (
            f"hours, {name}",
            Case(
                text(HOURS, header, lambda d, v, c=clock: f"{d:%m/%d/%Y},{c(d.hour)},{v.Close}"),
                HOURS,
                OPEN if name in ("Zeit, 00:00 bis 01:00", "Time, 100 to 2400") else READ,
            ),
        )
    flagged = text(
        HOURS,
        "DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag",
        lambda d, v: f"{d:%m/%d/%Y},{d.hour + 1:02d}:00,HB_NORTH,{v.Close},N",
    )
    yield "hours, ERCOT", Case(flagged, HOURS)
    spans = {
        "MTU, ENTSO-E": (
            '"MTU (CET/CEST)","Day-ahead Price [EUR/MWh]","Currency","BZN|DE-LU"',
            "%d.%m.%Y %H:%M",
            '"{}","{}","EUR",""',
        ),
        "MTU, ENTSO-E new": (
            '"MTU (UTC)","Area","Sequence","Day-ahead Price (EUR/MWh)"',
            "%d/%m/%Y %H:%M:%S",
            '"{}","BZN|DE-LU","Without Sequence","{}"',
        ),
        "Interval, iso": ("Interval;Price", "%Y-%m-%d %H:%M", "{};{}"),
        "Zeitraum": ("Zeitraum\tPreis", "%d.%m.%Y %H:%M", "{}\t{}"),
    }
    hour = pd.Timedelta(hours=1)
    for name, (header, form, cells) in spans.items():
        yield (
            f"hours, range in one cell, {name}",
            Case(
                text(
                    HOURS,
                    header,
                    lambda d, v, f=form, c=cells: c.format(f"{d.strftime(f)} - {(d + hour).strftime(f)}", v.Close),
                ),
                HOURS,
            ),
        )
    yield (
        "hours, quarters of an hour in one cell",
        Case(
            text(
                QUARTERS,
                "MTU,Price",
                lambda d, v: f"{d:%d.%m.%Y %H:%M} - {d + hour / 4:%d.%m.%Y %H:%M},{v.Close}",
            ),
            QUARTERS,
        ),
    )
    yield (
        "hours, from and to in two columns",
        Case(
            text(
                HOURS,
                "Datum von;Datum bis;Deutschland/Luxemburg [€/MWh]",
                lambda d, v: f"{d:%d.%m.%Y %H:%M};{d + hour:%d.%m.%Y %H:%M};{comma(v.Close)}",
            ),
            HOURS,
        ),
    )
    yield (
        "hours, date, begin and end",
        Case(
            text(
                HOURS,
                "Datum;Anfang;Ende;Deutschland/Luxemburg [€/MWh] Originalauflösungen",
                lambda d, v: f"{d:%d.%m.%Y};{d:%H:%M};{d + hour:%H:%M};{comma(v.Close)}",
            ),
            HOURS,
        ),
    )
    yield (
        "hours, OMIE",
        Case(
            text(HOURS, "MARGINALPDBC;", lambda d, v: f"{d:%Y;%m;%d};{d.hour + 1};{v.Close};{v.Close};") + b"*\n",
            HOURS,
            OPEN,
            answers={"column": "column 5"},
        ),
    )
    yield (
        "hours, AESO",
        Case(
            text(
                HOURS,
                "Date (HE),Price ($),30Ravg ($),AIL Demand (MW)",
                lambda d, v: f'{d:%m/%d/%Y} {d.hour + 1:02d},{v.Close},36.5,"9,123.0"',
            ),
            HOURS,
            OPEN,
            answers={"column": "Price ($)"},
        ),
    )
    yield (
        "hours, IESO",
        Case(
            text(
                HOURS,
                "\\\\Hourly HOEP Report,,\n\\\\Created at January 08 2020,,\n\\\\For 2020,,\nDate,Hour,HOEP",
                lambda d, v: f"{d:%Y-%m-%d},{d.hour + 1},{v.Close}",
            ),
            HOURS,
        ),
    )
    yield (
        "hours, PJM",
        Case(
            text(
                HOURS,
                "datetime_beginning_utc,datetime_beginning_ept,pnode_id,pnode_name,total_lmp_da",
                lambda d, v: f"{_american(d + 5 * hour)},{_american(d)},51217,WESTERN HUB,{v.Close}",
            ),
            HOURS,
            OPEN,
            also=(HOURS.set_axis(HOURS.index + 5 * hour),),
            answers={"column": "total_lmp_da"},
        ),
    )
    yield (
        "hours, one cell, up to 24:00",
        Case(
            text(HOURS, "Timestamp,Price", lambda d, v: f"{d:%Y-%m-%d} {d.hour + 1:02d}:00,{v.Close}"),
            HOURS,
            OPEN,
            also=(HOURS.set_axis(HOURS.index + hour),),
        ),
    )
    halves = known(rows=48 * 6, start="2020-01-10", freq="30min", level=40.0)[["Close"]]
    yield (
        "half hours, settlement periods 1 to 48",
        Case(
            text(
                halves,
                "Settlement Date,Settlement Period,System Sell Price",
                lambda d, v: f"{d:%d/%m/%Y},{2 * d.hour + d.minute // 30 + 1},{v.Close}",
            ),
            halves,
            OPEN,
            answers={"column": "System Sell Price"},
            excuse=("several|same date|twice|again",),
        ),
    )
    across = HOURS.Close.to_numpy().reshape(6, 24)
    days = HOURS.index[::24]
    yield (
        "hours across, H1 to H24",
        Case(
            (
                "Date,"
                + ",".join(f"H{h + 1}" for h in range(24))
                + "\n"
                + "".join(f"{d:%Y-%m-%d}," + ",".join(map(str, row)) + "\n" for d, row in zip(days, across, strict=True))
            ).encode(),
            HOURS,
            OPEN,
            answers={"column": "H1"},
            also=(pd.DataFrame({"Close": across[:, 0]}, index=days),),
        ),
    )
    zones = text(
        HOURS,
        "Date;Hours;SYS;SE1;FI",
        lambda d, v: f"{d:%d-%m-%Y};{d.hour:02d} - {d.hour + 1:02d};{comma(v.Close - 3)};{comma(v.Close)};{comma(v.Close + 2)}",
    )
    yield "hours, Nord Pool", Case(zones, HOURS, ASK, answers={"column": "SE1", "series": "SE1"})
    halves = HOURS.set_axis(pd.date_range("2020-01-10 00:30", periods=len(HOURS), freq="30min"))
    yield (
        "hours, AEMO",
        Case(
            text(
                halves,
                "REGION,SETTLEMENTDATE,TOTALDEMAND,RRP,PERIODTYPE",
                lambda d, v: f"NSW1,{d:%Y/%m/%d %H:%M:%S},7123.4,{v.Close},TRADE",
            ),
            halves,
            OPEN,
            answers={"column": "RRP"},
        ),
    )
    missing = text(
        HOURS,
        '"MTU (CET)","Day-ahead Price [EUR/MWh]"',
        lambda d, v: f'"{d:%d.%m.%Y %H:%M} - {d + hour:%d.%m.%Y %H:%M}","{v.Close if d.day < 15 else "n/e"}"',
    )
    yield "hours, ENTSO-E, the last day not there yet", Case(missing, HOURS.iloc[:120])
    yield (
        "hours, days across and hours down",
        Case(
            (
                ";".join(["Hours", *(f"{d:%d.%m.%Y}" for d in days)])
                + "\n"
                + "".join(f"{h:02d} - {h + 1:02d};" + ";".join(map(comma, across[:, h])) + "\n" for h in range(24))
            ).encode(),
            HOURS,
            OPEN,
        ),
    )
    yield from _summer_time()
    yield from _clock_columns()


def _american(d):
    return f"{d.month}/{d.day}/{d.year} {(d.hour - 1) % 12 + 1}:{d:%M:%S} {'AM' if d.hour < 12 else 'PM'}"


def _summer_time():
    """Days of 25 and 23 hours."""
    autumn = known(rows=24 * 4, start="2020-10-31", freq="h", level=40.0)[["Close"]]
    rows, twice = [], autumn.index[24 + 1]  # 1 Nov 2020, from 01:00 to 02:00
    for d, price in autumn.Close.items():
        rows.append(f"{d:%m/%d/%Y},{d.hour + 1:02d}:00,HB_NORTH,{price},N")
        if d == twice:
            rows.append(f"{d:%m/%d/%Y},{d.hour + 1:02d}:00,HB_NORTH,99.25,Y")
    head = "DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag\n"
    second = autumn.copy()
    second.loc[twice] = 99.25
    yield (
        "hours, 25 in a day with a flag",
        Case(
            (head + "\n".join(rows) + "\n").encode(),
            autumn,
            also=(second,),
            says=("twice|again|duplicate|repeat|several|summer|daylight",),
        ),
    )
    spans = [f'"{d:%d.%m.%Y %H:%M} - {d + pd.Timedelta(hours=1):%d.%m.%Y %H:%M}","{p}"' for d, p in autumn.Close.items()]
    spans.insert(24 + 2, spans[24 + 1].rsplit(",", 1)[0] + ',"99.25"')
    yield (
        "hours, 25 in a day, ranges",
        Case(
            ('"MTU (CET/CEST)","Price [EUR/MWh]"\n' + "\n".join(spans) + "\n").encode(),
            autumn,
            also=(second,),
            says=("twice|again|duplicate|repeat|several|summer|daylight",),
        ),
    )
    counted = [
        f"{d:%Y-%m-%d},{(i - 24 if 24 <= i < 49 else i % 24 if i < 24 else (i - 25) % 24) + 1},{40 + i / 100:.2f}"
        for i, d in enumerate([*autumn.index[:48], autumn.index[47], *autumn.index[48:]])
    ]
    yield (
        "hours, numbered to 25",
        Case(("Date,Hour,Price\n" + "\n".join(counted) + "\n").encode(), None, OPEN, excuse=("\\b25\\b|summer",)),
    )
    spring = known(rows=24 * 8, start="2020-03-07", freq="h", level=40.0)[["Close"]]
    spring = spring.drop(spring.index[24 + 2])  # 8 Mar 2020, from 02:00 to 03:00
    yield (
        "hours, 23 in a day",
        Case(
            (head + "".join(f"{d:%m/%d/%Y},{d.hour + 1:02d}:00,HB_NORTH,{p},N\n" for d, p in spring.Close.items())).encode(),
            spring,
        ),
    )


def _clock_columns():
    """HHMM and HHMMSS in a column of its own."""
    for name in ("Time", "时间", "HHMM", "Zeit", "Period", "Bar", "t", "TIME_HHMM", "Minute", "Kdo"):
        for form, called in (("%H%M", "0935"), ("%H%M%S", "093500")):
            for zeros in (True, False):
                if name not in ("Time", "时间") and (not zeros or called == "093500"):
                    continue

                def row(d, v, form=form, zeros=zeros):
                    clock = d.strftime(form)
                    return f"{d:%Y/%m/%d}\t{clock if zeros else clock.lstrip('0')}\t{v.Open}\t{v.High}\t{v.Low}\t{v.Close}\t{v.Volume:.0f}"

                header = (
                    f"日期\t{name}\t开盘\t最高\t最低\t收盘\t成交量"
                    if name == "时间"
                    else f"Date\t{name}\tOpen\tHigh\tLow\tClose\tVolume"
                )
                yield (
                    f"clock column {name}, {called}{'' if zeros else ' without zeros'}",
                    Case(text(MINUTES, header, row, encoding="gb18030"), MINUTES, OPEN if name == "Kdo" else READ),
                )

    def row(d, v, sep="\t"):
        return sep.join([f"{d:%Y/%m/%d}", f"{d:%H%M}", *map(str, (v.Open, v.High, v.Low, v.Close)), f"{v.Volume:.0f}"])

    title = "000001 某某银行 5分钟线 前复权\n      日期\t    时间\t    开盘\t    最高\t    最低\t    收盘\t    成交量"
    yield (
        "clock column, title and footer, gbk",
        Case(text(MINUTES, title, row, encoding="gbk") + "#数据来源:通达信\n".encode("gbk"), MINUTES, filename="SZ#000001.txt"),
    )
    yield (
        "clock column without a header",
        Case(text(MINUTES, None, partial(row, sep=",")), MINUTES, OPEN, answers={"column": "column 6"}),
    )
    yield (
        "clock column, Finam",
        Case(
            text(
                MINUTES,
                "<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>",
                lambda d, v: f"SBER;5;{d:%Y%m%d;%H%M%S};{v.Open};{v.High};{v.Low};{v.Close};{v.Volume:.0f}",
            ),
            MINUTES,
        ),
    )
    opening = MINUTES[MINUTES.index.hour < 13]
    yield (
        "clock column on a twelve-hour clock without am and pm",
        Case(
            text(MINUTES, "Date,Time,Close", lambda d, v: f"{d:%Y-%m-%d},{(d.hour - 1) % 12 + 1}:{d:%M},{v.Close}"),
            MINUTES[["Close"]],
            OPEN,
            excuse=("12-hour|twelve|clock|order|afternoon",),
        ),
    )
    yield (
        "clock column, mornings only",
        Case(text(opening, "Date,Time,Close", lambda d, v: f"{d:%Y-%m-%d},{d:%H%M},{v.Close}"), opening[["Close"]]),
    )


# 6. One series under two labels, one after the other


def renamed():
    def row(d, v, labels):
        return f"{d:%Y-%m-%d},{labels(d)},EQ,{v.Open},{v.High},{v.Low},{v.Close},{v.Volume:.0f}"

    turn, later = DAILY.index[35], DAILY.index[60]
    two = partial(row, labels=lambda d: "OLDNAME" if d < turn else "NEWNAME")
    three = partial(row, labels=lambda d: "OLDNAME" if d < turn else "NEWNAME" if d < later else "THIRDNAME")
    said = ("NEWNAME", re.escape(words.date(turn)))
    for label in ("Symbol", "Ticker", "TICKER", "Code", "Company", "Scrip", "name", "Emisor", "Instrument", "代码"):
        header = f"Date,{label},Series,Open,High,Low,Close,Volume"
        yield f"two labels in {label}", Case(text(DAILY, header, two), DAILY, says=said)
        if label in ("Symbol", "Code"):
            yield f"two labels in {label}, newest first", Case(text(DAILY, header, two, reverse=True), DAILY, says=said)
            yield (
                f"three labels in {label}",
                Case(text(DAILY, header, three), DAILY, says=(*said, "THIRDNAME", re.escape(words.date(later)))),
            )
    header = "Date,Symbol,Series,Open,High,Low,Close,Volume"
    spaced = partial(row, labels=lambda d: "SAMPLE" if d < turn else "SAMPLE ")
    yield "one label with a blank behind", Case(text(DAILY, header, spaced), DAILY)
    cased = partial(row, labels=lambda d: "Sample" if d < turn else "SAMPLE")
    yield "one label in two cases", Case(text(DAILY, header, cased), DAILY)
    both = text(
        DAILY, "Date,Symbol,Name,Close", lambda d, v: f"{d:%Y-%m-%d},{'FB,Facebook' if d < turn else 'META,Meta'},{v.Close}"
    )
    yield "two labels and two names", Case(both, CLOSE, says=("META", re.escape(words.date(turn))))
    gapped = DAILY.drop(DAILY.index[30:40])
    yield "two labels with two weeks between", Case(text(gapped, header, two), gapped, says=("NEWNAME",))
    contracts = text(
        DAILY, "Date,Contract,Close,Volume", lambda d, v: f"{d:%Y-%m-%d},CL{'FGHJKM'[d.month - 1]}19,{v.Close},{v.Volume:.0f}"
    )
    yield "a contract for each month", Case(contracts, DAILY[["Close", "Volume"]], OPEN)
    old, new = DAILY.iloc[:45], DAILY.iloc[35:]
    overlap = (
        "Date,Symbol,Close\n"
        + "".join(f"{d:%Y-%m-%d},OLD,{v}\n" for d, v in old.Close.items())
        + "".join(f"{d:%Y-%m-%d},NEW,{v + 3:.2f}\n" for d, v in new.Close.items())
    )
    yield "two labels that overlap", Case(overlap.encode(), old[["Close"]], ASK, answers={"series": "OLD"})
    other = text(
        DAILY,
        "Date,Symbol,Close",
        lambda d, v: f"{d:%Y-%m-%d},{'CHEAP' if d < turn else 'DEAR'},{v.Close if d < turn else v.Close * 11:.2f}",
    )
    # A renamed share goes on where it was. One that costs eleven times as much on the next day is another, or a split.
    yield (
        "two stocks one after the other",
        Case(
            other,
            DAILY[["Close"]].iloc[:35],
            OPEN,
            answers={"series": "CHEAP"},
            excuse=("DEAR", "split|jump|level|times|goes from"),
        ),
    )
    turns = text(DAILY, "Date,Symbol,Close", lambda d, v: f"{d:%Y-%m-%d},{'ODD' if d.day % 2 else 'EVEN'},{v.Close}")
    yield (
        "two labels that take turns",
        Case(turns, DAILY[["Close"]][DAILY.index.day % 2 == 1], OPEN, answers={"series": "ODD"}, excuse=("ODD", "EVEN")),
    )


# 7. Years, quarters and months in one column; eras; weekdays


def periods():
    quarters, years = MONTHS.resample("QS").mean().round(2), MONTHS.resample("YS").mean().round(2)
    forms = {
        "2018, 2018Q1, 2018M01": ("{:%Y}", "{0:%Y}Q{1}", "{:%Y}M{:%m}"),
        "2018, 2018-Q1, 2018-01": ("{:%Y}", "{0:%Y}-Q{1}", "{:%Y-%m}"),
        "2018, 2018 Q1, 2018 JAN": ("{:%Y}", "{0:%Y} Q{1}", None),
    }
    for name, (year, quarter, month) in forms.items():
        by_year = [f'"{year.format(d)}","{v}"' for d, v in years.Close.items()]
        by_quarter = [f'"{quarter.format(d, d.quarter)}","{v}"' for d, v in quarters.Close.items()]
        by_month = [f'"{month.format(d, d) if month else d.strftime("%Y %b").upper()}","{v}"' for d, v in MONTHS.Close.items()]
        join = "\n".join
        yield (
            f"years, quarters and months, {name}",
            Case(join(['"Period","Value"', *by_year, *by_quarter, *by_month, ""]).encode(), MONTHS, says=("quarter", "year")),
        )
        yield (
            f"years and months, {name}",
            Case(join(['"Period","Value"', *by_year, *by_month, ""]).encode(), MONTHS, says=("year",)),
        )
        yield (
            f"years and quarters, {name}",
            Case(join(['"Period","Value"', *by_year, *by_quarter, ""]).encode(), quarters, says=("year",)),
        )
        mixed = [
            line
            for i in range(4)
            for line in (
                by_year[i],
                *(line for q in range(4 * i, 4 * i + 4) for line in (by_quarter[q], *by_month[3 * q : 3 * q + 3])),
            )
        ]
        yield (
            f"years, quarters and months mixed, {name}",
            Case(join(['"Period","Value"', *mixed, ""]).encode(), MONTHS, says=("quarter",)),
        )
        if month is None:
            titles = [
                '"Title","CPI INDEX 00: ALL ITEMS 2015=100"',
                '"CDID","D7BT"',
                '"Source dataset ID","MM23"',
                '"PreUnit",""',
                '"Unit","Index, base year = 100"',
                '"Release date","17-07-2019"',
                '"Next release","14 August 2019"',
                '"Important Notes",',
            ]
            yield (
                "years, quarters and months, ONS",
                Case(join([*titles, *by_year, *by_quarter, *by_month, ""]).encode(), MONTHS, says=("quarter", "year")),
            )
    halves = known(rows=30, start="2004-01-01", freq="6MS", level=100.0)[["Close"]]
    for name, form in (
        ("2018H1", "{}H{}"),
        ("2018-S1", "{}-S{}"),
        ("2018S1", "{}S{}"),
        ("2018 H2", "{} H{}"),
        ("H1 2018", "H{1} {0}"),
    ):
        yield (
            f"half years, {name}",
            Case(text(halves, "Period,Value", lambda d, v, f=form: f"{f.format(d.year, 1 + d.month // 7)},{v.Close}"), halves),
        )
    for name, form in (
        ("2018-Q1", "{}-Q{}"),
        ("Q1/2018", "Q{1}/{0}"),
        ("1Q18", "{1}Q{2:02d}"),
        ("2018:1", "{}:{}"),
        ("2018.I", "{0}.{3}"),
    ):

        def row(d, v, form=form):
            return f"{form.format(d.year, d.quarter, d.year % 100, ['I', 'II', 'III', 'IV'][d.quarter - 1])},{v.Close}"

        yield f"quarters, {name}", Case(text(quarters, "Quarter,Value", row), quarters, READ if "Q" in form else OPEN)

    weekly = known(rows=90, start="2018-01-01", freq="W-MON", level=100.0)[["Close"]]
    for name, form in (("2018-W05", "{}-W{:02d}"), ("2018W5", "{}W{}"), ("Week 5, 2018", '"Week {1}, {0}"')):
        ends = tuple(weekly.set_axis(weekly.index + pd.Timedelta(days=n)) for n in (4, 6))
        yield (
            f"weeks, {name}",
            Case(
                text(weekly, "Week,Value", lambda d, v, f=form: f"{f.format(*d.isocalendar()[:2])},{v.Close}"),
                weekly,
                OPEN,
                also=ends,
            ),
        )
    spans = text(weekly, "Week,Value", lambda d, v: f"{d:%Y-%m-%d}/{d + pd.Timedelta(days=6):%Y-%m-%d},{v.Close}")
    yield "weeks, from and to in one cell", Case(spans, weekly, OPEN, also=ends)


def eras():
    turn = known(rows=80, start="2019-03-01", level=0.4, digits=3)[["Close"]]
    older = known(rows=60, start="1988-12-01", level=4.0, digits=3)[["Close"]]

    def era(d):
        if d < pd.Timestamp("1989-01-08"):
            return "S昭和", d.year - 1925
        return ("H平成", d.year - 1988) if d < pd.Timestamp("2019-05-01") else ("R令和", d.year - 2018)

    def short(form):
        return lambda d: form.format(era(d)[0][0], era(d)[1], d.month, d.day)

    def long(form, first="元"):
        return lambda d: form.format(era(d)[0][1:], first if first and era(d)[1] == 1 else era(d)[1], d.month, d.day)

    styles = {
        "R1.5.7": short("{}{}.{}.{}"),
        "H31/1/2": short("{}{}/{}/{}"),
        "R01.05.07": short("{}{:02d}.{:02d}.{:02d}"),
        "R 1. 5. 7": short("{}{:2d}.{:2d}.{:2d}"),
        "R1-5-7": short("{}{}-{}-{}"),
        "r1.5.7": lambda d: short("{}{}.{}.{}")(d).lower(),
        "Reiwa gannen": long("{}{}年{}月{}日"),
        "Reiwa 1": long("{}{}年{}月{}日", first=None),
        "Heisei 31 padded": long("{}{:0>2}年{:02d}月{:02d}日", first=None),
        "Reiwa 1.5.7": long("{}{}.{}.{}", first=None),
        "full-width": lambda d: short("{}{}．{}．{}")(d).translate(
            str.maketrans("RHS0123456789", "ＲＨＳ０１２３４５６７８９")
        ),
    }
    for name, style in styles.items():
        for frame, when in ((turn, "2019"), (older, "1989")):
            yield (
                f"eras, {name}, {when}",
                Case(
                    text(frame, "基準日,金利", lambda d, v, s=style: f"{s(d)},{v.Close:.3f}", encoding="cp932"),
                    frame,
                    OPEN if name in ("r1.5.7", "full-width", "R1-5-7") else READ,
                ),
            )
    monthly = known(rows=40, start="2018-01-01", freq="MS", level=100.0)[["Close"]]
    yield (
        "eras, months",
        Case(text(monthly, "年月,指数", lambda d, v: f"{long('{}{}年{}月')(d)},{v.Close}", encoding="cp932"), monthly, OPEN),
    )
    maturities = text(
        turn,
        "国債金利情報,,,,(単位 : %)\n基準日,2年,5年,10年,40年",
        lambda d, v: f"{styles['R1.5.7'](d)},{v.Close - 0.2:.3f},{v.Close - 0.1:.3f},{v.Close:.3f},-",
        encoding="cp932",
    )
    yield "eras, which maturity", Case(maturities + b",,,,\r\n", turn, ASK, answers={"column": "10年"})
    for name, offset in (("Thai", 543), ("Minguo", -1911)):
        yield (
            f"years of another calendar, {name}",
            Case(
                text(DAILY, "Date,Close", lambda d, v, o=offset: f"{d.year + o:04d}-{d:%m-%d},{v.Close}"),
                CLOSE,
                OPEN,
                excuse=("Thai|Buddhist|Minguo|Taiwan|future|year",),
            ),
        )
    persian = known(rows=28, start="2019-01-21", freq="D")[["Close"]]
    yield (
        "years of another calendar, Persian",
        Case(
            "".join(f"1397/11/{i + 1:02d},{v}\n" for i, v in enumerate(persian.Close)).encode(),
            persian,
            OPEN,
            excuse=("Persian|Jalali|year",),
        ),
    )


def weekdays():
    styles = {
        "2019-01-02, Wed": day(ENGLISH, '"{d:%Y-%m-%d}, {w}"'),
        "2019-01-02,Wed": day(ENGLISH, '"{d:%Y-%m-%d},{w}"'),
        "2019-01-02 (Wed)": day(ENGLISH, "{d:%Y-%m-%d} ({w})"),
        "2019-01-02 Wed": day(ENGLISH, "{d:%Y-%m-%d} {w}"),
        "2019-01-02 Wednesday": day(LONG_ENGLISH, "{d:%Y-%m-%d} {w}"),
        "Wed 2019-01-02": day(ENGLISH, "{w} {d:%Y-%m-%d}"),
        "(Wed) 2019-01-02": day(ENGLISH, "({w}) {d:%Y-%m-%d}"),
        "Wed 02 Jan 2019": day(ENGLISH, "{w} {d:%d %b %Y}"),
        "Wed 02/01/2019": day(ENGLISH, "{w} {d:%d/%m/%Y}"),
        "01/02/2019 Wed": day(ENGLISH, "{d:%m/%d/%Y} {w}"),
        "WED 02-JAN-19": lambda d: f"{d:%a %d-%b-%y}".upper(),
        "2019/1/2(japanese)": day(JAPANESE, "{d.year}/{d.month}/{d.day}({w})"),
        "2019/01/02(japanese, full-width)": day(JAPANESE, "{d:%Y/%m/%d}（{w}）"),
        "2019年1月2日(japanese)": day(JAPANESE, "{d.year}年{d.month}月{d.day}日({w})"),
        "2019年1月2日 japanese曜日": day(JAPANESE, "{d.year}年{d.month}月{d.day}日{w}曜日"),
        "2019. 1. 2. (korean)": day(KOREAN, "{d.year}. {d.month}. {d.day}. ({w})"),
        "2019.01.02(korean)": day(KOREAN, "{d:%Y.%m.%d}({w})"),
        "2019-01-02 星期三": day(CHINESE, "{d:%Y-%m-%d} 星期{w}"),
        "2019-01-02 周三": day(CHINESE, "{d:%Y-%m-%d} 周{w}"),
        "2019/01/02 (週三)": day(CHINESE, "{d:%Y/%m/%d} (週{w})"),
        "Mi 02.01.2019": day(GERMAN, "{w} {d:%d.%m.%Y}"),
        "Mi., 02.01.2019": day(GERMAN, '"{w}., {d:%d.%m.%Y}"'),
        "mer. 02/01/2019": day(FRENCH, "{w} {d:%d/%m/%Y}"),
        "mié 02/01/2019": day(SPANISH, "{w} {d:%d/%m/%Y}"),
    }
    for name, style in styles.items():
        yield f"weekday, {name}", Case(text(DAILY, "Date,Close", lambda d, v, s=style: f"{s(d)},{v.Close}"), CLOSE)
    short = known(rows=9, start="2019-03-01")[["Close"]]
    yield (
        "a weekday tells day from month",
        Case(
            text(short, "Date,Close", lambda d, v: f"{d:%a %d/%m/%Y},{v.Close}"),
            short,
            OPEN,
            answers={"date_order": "day/month/year"},
        ),
    )
    yield (
        "a weekday in a column of its own",
        Case(text(DAILY, "Day,Date,Close", lambda d, v: f"{d:%A},{d:%d/%m/%Y},{v.Close}"), CLOSE),
    )
    yield "a date and a time in words", Case(text(DAILY, "Date,Close", lambda d, v: f"{d.day} {d:%B %Y} 4pm,{v.Close}"), CLOSE)


# 8. Adjusted closes under other names; negative prices that are averages of bid and ask

ADJUSTED = [  # raw, adjusted
    ("C", "AdjC"),
    ("Close", "AdjC"),
    ("Close", "Adj. Close"),
    ("Close", "Adj Close"),
    ("Close*", "Adj Close**"),
    ("close", "adjusted_close"),
    ("close", "adjclose"),
    ("close", "adjClose"),
    ("close", "adj_close"),
    ("Close", "AdjustmentClose"),
    ("PriceClose", "ClosePriceAdjusted"),
    ("ClosePrice", "ClosePriceAdjusted"),
    ("price_close", "price_adjusted_close"),
    ("close", "close_adj"),
    ("close", "closeadj"),
    ("closeunadj", "close"),
    ("Unadjusted Close", "Close"),
    ("raw_close", "close"),
    ("Close", "Close (adjusted)"),
    ("Close", "Close (split-adjusted)"),
    ("Close", "Split Adjusted Close"),
    ("PX_LAST_RAW", "PX_LAST_ADJ"),
    ("終値", "終値調整値"),
    ("終値", "調整後終値"),
    ("終値(円)", "調整後終値(円)"),
    ("終値", "調整後終値*"),
    ("收盘价", "复权收盘价"),
    ("收盘价", "后复权价"),
    ("收盘", "前复权收盘"),
    ("收盘价", "收盘价(前复权)"),
    ("收盤價", "還原收盤價"),
    ("종가", "수정종가"),
    ("종가", "수정주가"),
    ("Schlusskurs", "Schlusskurs bereinigt"),
    ("Schlusskurs", "Kurs bereinigt"),
    ("Schluss", "Adj. Schlusskurs"),
    ("Schlusskurs", "Bereinigter Schlusskurs"),
    ("Clôture", "Clôture ajustée"),
    ("Fermeture", "Cours ajusté"),
    ("Cierre", "Cierre ajustado"),
    ("Cierre", "Cierre Aj."),
    ("Chiusura", "Chiusura aggiustata"),
    ("Chiusura", "Chiusura rettificata"),
    ("Fechamento", "Fechamento ajustado"),
    ("Fechamento", "Fech. Ajustado"),
    ("Kapanış", "Düzeltilmiş Kapanış"),
    ("Slutkurs", "Justerad slutkurs"),
    ("Slotkoers", "Aangepaste slotkoers"),
    ("Zamknięcie", "Zamknięcie skorygowane"),
    ("Цена закрытия", "Скорректированная цена закрытия"),
    ("Закрытие", "Закрытие (скорр.)"),
]


def adjusted():
    factor = before(DAILY, SPLITS["2:1"])
    raw = DAILY.assign(**{c: np.round(DAILY[c] * factor, 2) for c in CANDLES})
    for name, better in ADJUSTED:
        rows = [
            f"{d:%Y-%m-%d},{v.Open},{v.High},{v.Low},{v.Close},{a},{v.Volume:.0f}"
            for d, v, a in zip(raw.index, raw.itertuples(), DAILY.Close, strict=True)
        ]
        yield (
            f"adjusted, {better} beside {name}",
            Case(
                "\n".join([f"Date,Open,High,Low,{name},{better},Volume", *rows, ""]).encode(),
                CLOSE,
                says=(re.escape(better.strip("*")),),
            ),
        )
        if better in ("AdjC", "終値調整値", "adjusted_close", "Kurs bereinigt"):
            plain = [",".join(np.array(row.split(","))[[0, 5, 4]]) for row in rows]
            yield (
                f"adjusted, {better} in front of {name}, no candles",
                Case("\n".join([f"Date,{better},{name}", *plain, ""]).encode(), CLOSE, says=(re.escape(better),)),
            )
    apis = {
        "J-Quants": (
            "Date,Code,O,H,L,C,UL,LL,Vo,Va,AdjFactor,AdjO,AdjH,AdjL,AdjC,AdjVo",
            "{d},86970,{o},{h},{l},{c},0,0,{v},9,1,{ao},{ah},{al},{ac},{v}",
        ),
        "J-Quants v1": (
            "Date,Code,Open,High,Low,Close,UpperLimit,LowerLimit,Volume,TurnoverValue,AdjustmentFactor,AdjustmentOpen,"
            "AdjustmentHigh,AdjustmentLow,AdjustmentClose,AdjustmentVolume",
            "{d},86970,{o},{h},{l},{c},0,0,{v},9,1,{ao},{ah},{al},{ac},{v}",
        ),
        "Tiingo": (
            "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor",
            "{d}T00:00:00.000Z,{c},{h},{l},{o},{v},{ac},{ah},{al},{ao},{v},0.0,1.0",
        ),
        "marketstack": (
            "open,high,low,close,volume,adj_high,adj_low,adj_close,adj_open,adj_volume,split_factor,dividend,symbol,exchange,date",
            "{o},{h},{l},{c},{v},{ah},{al},{ac},{ao},{v},1.0,0.0,SMPL,XNAS,{d}T00:00:00+0000",
        ),
        "Sharadar": (
            "ticker,date,open,high,low,close,volume,closeadj,closeunadj,lastupdated",
            "SMPL,{d},{ao},{ah},{al},{ac},{v},{ac},{c},2020-01-01",
        ),
        "Alpha Vantage": (
            "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient",
            "{d},{o},{h},{l},{c},{ac},{v},0.0000,1.0",
        ),
        "Quandl": (
            "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume",
            "{d},{o},{h},{l},{c},{v},0.0,1.0,{ao},{ah},{al},{ac},{v}",
        ),
        "kabu": ("日付,始値,高値,安値,終値,出来高,終値調整値", "{d},{o},{h},{l},{c},{v},{ac}"),
        "Intrinio": (
            "date,intraperiod,frequency,open,high,low,close,volume,adj_open,adj_high,adj_low,adj_close,adj_volume,factor",
            "{d},FALSE,daily,{o},{h},{l},{c},{v},{ao},{ah},{al},{ac},{v},1",
        ),
    }
    for name, (header, row) in apis.items():
        rows = [
            row.format(
                d=f"{d:%Y-%m-%d}",
                o=v.Open,
                h=v.High,
                l=v.Low,
                c=v.Close,
                v=f"{v.Volume:.0f}",
                ao=a.Open,
                ah=a.High,
                al=a.Low,
                ac=a.Close,
            )
            for d, v, a in zip(raw.index, raw.itertuples(), DAILY.itertuples(), strict=True)
        ]
        case = Case(
            "\n".join([header, *rows, ""]).encode(), DAILY, OPEN if name == "Sharadar" else READ, answers={"column": "close"}
        )
        yield f"adjusted, {name}", case
    quoted = [
        ",".join(f'"{cell}"' for cell in (f"{d:%Y-%m-%d}", v.Open, v.High, v.Low, v.Close, int(v.Volume), a))
        for d, v, a in zip(raw.index, raw.itertuples(), DAILY.Close, strict=True)
    ]
    title = '"1301 東証1部 (株)サンプル(水産・農林業)"\n"日付","始値","高値","安値","終値","出来高","終値調整値"'
    yield (
        "adjusted, kabu with a title",
        Case("\n".join([title, *quoted, ""]).encode("cp932"), DAILY[["Close"]], says=("終値調整値",), filename="1301_2019.csv"),
    )
    unadjusted = [f"{d:%Y-%m-%d},{v.Close},{a}" for d, v, a in zip(raw.index, raw.itertuples(), DAILY.Close, strict=True)]
    yield (
        "adjusted, Datastream",
        Case("\n".join(["Date,UP,P", *unadjusted, ""]).encode(), CLOSE, OPEN, answers={"column": "P"}, excuse=("split",)),
    )


def averages():
    header = "PERMNO,date,TICKER,COMNAM,BIDLO,ASKHI,PRC,VOL,RET,BID,ASK,SHROUT,CFACPR,CFACSHR,OPENPRC"
    marks = {
        "13 of 80": np.arange(80) % 6 == 1,
        "one": np.arange(80) == 30,
        "half": np.arange(80) % 2 == 1,
        "the first": np.arange(80) < 4,
        "a run": (np.arange(80) > 20) & (np.arange(80) < 40),
        "all": np.ones(80, dtype=bool),
    }

    def rows(marked, cells):
        return [
            cells(d, v, -v.Close if m else v.Close) for d, v, m in zip(DAILY.index, DAILY.itertuples(), marked, strict=True)
        ]

    for name, marked in marks.items():
        count = [f"\\b{marked.sum()}\\b"] if 1 < marked.sum() < 80 else []
        said = ("bid|average|midpoint", *count)
        full = rows(
            marked,
            lambda d, v, p: (
                f"10026,{d:%Y%m%d},SMPL,SAMPLE CORP,{v.Low},{v.High},{p},{v.Volume:.0f},0.001,{v.Close - 0.05:.2f},{v.Close + 0.05:.2f},18000,1,1,{v.Open}"
            ),
        )
        yield f"CRSP, {name}", Case("\n".join([header, *full, ""]).encode(), CLOSE, says=said)
        few = rows(marked, lambda d, v, p: f"10026,{d:%m/%d/%Y},{p},{v.Volume:.0f},0.001")
        yield f"CRSP, {name}, few columns", Case("\n".join(["permno,date,prc,vol,ret", *few, ""]).encode(), CLOSE, says=said)
    both = text(
        DAILY,
        "PERMNO,date,TICKER,PRC,VOL",
        lambda d, v: (
            f"10026,{d:%d%b%Y},JJSF,{-v.Close if d.day % 7 == 3 else v.Close},{v.Volume:.0f}\n10042,{d:%d%b%Y},OTHR,{v.Open * 3:.2f},9"
        ),
    )
    yield "CRSP, two companies", Case(both, CLOSE, ASK, answers={"series": "JJSF"}, says=("bid|average|midpoint",))
    split = before(DAILY, SPLITS["2:1"])
    halved = DAILY.assign(Close=np.round(DAILY.Close * split, 2))
    lined = [
        f"10026,{d:%Y%m%d},{-v.Close if i % 9 == 4 else v.Close},{v.Volume:.0f},{1 + (f == 1)}"
        for i, (d, v, f) in enumerate(zip(DAILY.index, halved.itertuples(), split, strict=True))
    ]
    yield (
        "CRSP with a split",
        Case(
            "\n".join(["PERMNO,date,PRC,VOL,CFACPR", *lined, ""]).encode(),
            halved[["Close"]],
            OPEN,
            also=(CLOSE,),
            answers={"column": "PRC"},
            says=("split|CFACPR", "bid|average|midpoint"),
        ),
    )
    oil = DAILY[["Close"]].copy()
    oil.iloc[40] = -36.98
    power = (HOURS - 40).round(2)
    spread = (DAILY[["Close"]] - DAILY.Close.mean()).round(2)
    for name, frame, column in (
        ("oil below zero", oil, "Close"),
        ("power below zero", power, "Price [EUR/MWh]"),
        ("a spread around zero", spread, "Settle"),
    ):
        yield (
            f"negative as it is, {name}",
            Case(
                text(frame, f"Date,{column}", lambda d, v: f"{d:%Y-%m-%d %H:%M},{v.Close}"),
                frame,
                never_says=("average of bid",),
            ),
        )
    trailing = text(spread, "Date,Settle", lambda d, v: f"{d:%Y-%m-%d},{abs(v.Close)}{'-' if v.Close < 0 else ''}")
    yield "negative, the minus behind", Case(trailing, spread, OPEN)
    bracketed = text(spread, "Date,Settle", lambda d, v: f"{d:%Y-%m-%d},{f'({-v.Close})' if v.Close < 0 else v.Close}")
    yield "negative, in brackets", Case(bracketed, spread, OPEN)
    minus = text(spread, "Date,Settle", lambda d, v: f"{d:%Y-%m-%d},{str(v.Close).replace('-', '−')}")
    yield "negative, a typographic minus", Case(minus, spread, OPEN)


# 9. A field too many; prefixed names; a second table


def fields():
    plain = [
        f"{d:%Y-%m-%d},{v.Open},{v.High},{v.Low},{v.Close},{v.Volume:.0f}"
        for d, v in zip(DAILY.index, DAILY.itertuples(), strict=True)
    ]
    header = "Date,Open,High,Low,Close,Volume"
    some = {10, 33, 60}
    without = DAILY.drop(DAILY.index[sorted(some)])

    def file(rows, head=header, tail=""):
        return ("\n".join([head, *rows, ""]) + tail).encode()

    extra = [row + (",corrected" if i in some else "") for i, row in enumerate(plain)]
    yield "a field too many behind", Case(file(extra), DAILY, also=(without,), says=("\\b3\\b|three",))
    extra = [row + (",7" if i == 33 else "") for i, row in enumerate(plain)]
    yield (
        "a field too many in one row",
        Case(file(extra), DAILY, also=(DAILY.drop(DAILY.index[33]),), says=("1 row|one row|row of|2019-02-18|18 Feb",)),
    )
    extra = [row.replace(",", ",,", 1) if i in some else row for i, row in enumerate(plain)]
    yield "an empty field too many in the middle", Case(file(extra), DAILY, OPEN, also=(without,), says=("\\b3\\b|three",))
    company = [row.replace(",", ",Sample Corp" + (", Inc." if i in some else "") + ",", 1) for i, row in enumerate(plain)]
    yield (
        "a comma in a name in front of the prices",
        Case(file(company, "Date,Company,Open,High,Low,Close,Volume"), DAILY, OPEN, also=(without,), says=("\\b3\\b|three",)),
    )
    notes = [row + (",ex dividend, paid later" if i in some else ",") for i, row in enumerate(plain)]
    yield "commas in remarks", Case(file(notes, header + ",Remarks"), DAILY, also=(without,), says=("\\b3\\b|three",))
    many = [row + (",ex, paid" if i % 3 else ",") for i, row in enumerate(plain)]
    yield "commas in most remarks", Case(file(many, header + ",Remarks"), DAILY, OPEN)
    volumes = [
        f"{d:%Y-%m-%d},{v.Close},{v.Volume if i % 2 else 950:,.0f}"
        for i, (d, v) in enumerate(zip(DAILY.index, DAILY.itertuples(), strict=True))
    ]
    yield (
        "thousands unquoted in half of the volumes",
        Case(file(volumes, "Date,Close,Volume"), CLOSE, OPEN, says=("more|too many|field|cells",)),
    )
    empty = [row + ("," if i in some else "") for i, row in enumerate(plain)]
    yield "a comma at the end of some rows", Case(file(empty), DAILY)
    tabs = [row.replace(",", "\t") + ("\tnote\tmore" if i in some else "\t") for i, row in enumerate(plain)]
    yield (
        "tabs in remarks",
        Case(file(tabs, header.replace(",", "\t") + "\tRemarks"), DAILY, also=(without,), says=("\\b3\\b|three",)),
    )
    short = [row.rsplit(",", 1)[0] if i in some else row for i, row in enumerate(plain)]
    yield "a field too few", Case(file(short), DAILY, also=(without,))
    shifted = [",".join(row.split(",")[:1] + row.split(",")[2:]) if i in some else row for i, row in enumerate(plain)]
    yield (
        "a field missing in the middle",
        Case(file(shifted), without, OPEN, says=("\\b3\\b|three",), excuse=("far from|fewer|short",)),
    )
    yield "a comma at the end of every row", Case(file([row + "," for row in plain]), DAILY)
    yield (
        "two commas at the end of every row and of the header",
        Case(file([row + ",," for row in plain], header + ",,"), DAILY),
    )

    names = {
        "SPY.": (",".join(["", *(f"SPY.{c}" for c in DAILY)]), plain),
        "SPY. with date": (",".join(["date", *(f"SPY.{c}" for c in DAILY)]), plain),
        "prices. of Hive": (",".join(f"prices.{c}" for c in ("date", "open", "high", "low", "close", "volume")), plain),
        "px_": (",".join(f"px_{c}" for c in ("date", "open", "high", "low", "close", "volume")), plain),
        "AAPL_": (",".join(f"AAPL_{c}" for c in ("Date", *DAILY)), plain),
        "AAPL_ with Date": (",".join(["Date", *(f"AAPL_{c}" for c in DAILY)]), plain),
        "XU100 - ": (",".join(f"XU100 - {c}" for c in ("Date", *DAILY)), plain),
        "BIST:": ("BIST:Tarih,BIST:Açılış,BIST:Yüksek,BIST:Düşük,BIST:Kapanış,BIST:Hacim", plain),
        "STK_..._PRC": ("STK_DATE,STK_OPEN_PRC,STK_HIGH_PRC,STK_LOW_PRC,STK_CLOSE_PRC,STK_VOL", plain),
        "HGDG_": ("HGDG_TARIH,HGDG_ACILIS,HGDG_MAX,HGDG_MIN,HGDG_KAPANIS,HGDG_HACIM", plain),
        "F_ in German": ("F_DATUM,F_ERÖFFNUNG,F_HOCH,F_TIEF,F_SCHLUSS,F_STÜCK", plain),
        "suffix _AAPL": (",".join(["Date", *(f"{c}_AAPL" for c in DAILY)]), plain),
        "suffix (AAPL)": (",".join(["Date", *(f"{c} (AAPL)" for c in DAILY)]), plain),
        "stock/": (",".join(f"stock/{c}" for c in ("date", "open", "high", "low", "close", "volume")), plain),
    }
    for name, (head, rows) in names.items():
        yield f"prefixed names, {name}", Case(file(rows, head), DAILY)
    joined = [
        f"{row.split(',')[0]},AKBNK,{row.split(',')[4]},{row.split(',')[3]},{row.split(',')[2]},01,{row.split(',')[0]},1500.45,USD,{row.split(',')[0]},5.37,18.62"
        for row in plain
    ]
    head = "HS_TARIH,HS_KODU,HS_KAPANIS,HS_MIN,HS_MAX,END_KODU,END_TARIH,END_DEGER,DV_KODU,DV_TARIH,DV_DEGER,DOLAR_FIYAT"
    yield (
        "prefixed names, other tables beside",
        Case(file(joined, head), DAILY, OPEN, answers={"column": "HS_KAPANIS", "series": "HS"}),
    )
    two = [
        f"{row.split(',')[0]},{row.split(',')[4]},{row.split(',')[1]},{float(row.split(',')[4]) / 2:.2f},{float(row.split(',')[1]) / 2:.2f}"
        for row in plain
    ]
    yield (
        "prefixed names, two tickers",
        Case(file(two, "Date,AAPL_Close,AAPL_Open,MSFT_Close,MSFT_Open"), CLOSE, ASK, answers={"series": "AAPL"}),
    )

    yield "statistics below", Case(file(plain, tail="\nStatistic,Value\nMean,150.31\nMaximum,171.02\nMinimum,133.9\n"), DAILY)
    yield (
        "dividends below",
        Case(
            file(plain, tail=f"\nDividends\nDate,Amount\n{DAILY.index[25]:%Y-%m-%d},0.73\n{DAILY.index[50]:%Y-%m-%d},0.77\n"),
            DAILY,
            OPEN,
        ),
    )
    yield (
        "dividends below without a blank line",
        Case(
            file(plain, tail=f"Date,Dividend\n{DAILY.index[25]:%Y-%m-%d},0.73\n{DAILY.index[50]:%Y-%m-%d},0.77\n"), DAILY, OPEN
        ),
    )
    beside = [row + (f",,{DAILY.index[12 * (i + 1)]:%Y-%m-%d},0.7{i}" if i < 4 else ",,,") for i, row in enumerate(plain)]
    yield "dividends beside", Case(file(beside, header + ",,Date,Dividend"), DAILY)
    yield (
        "dividends beside under titles",
        Case(
            file(beside, "Price history,,,,,,,Dividends,\n" + header + ",,Date,Dividend"),
            DAILY,
            OPEN,
            answers={"series": "Price history"},
        ),
    )
    facts = ["Symbol,SMPL", "Currency,USD", "Mean,150.31", "Maximum,171.02"]
    beside = [row + (f",,{facts[i]}" if i < 4 else ",,,") for i, row in enumerate(plain)]
    yield "facts beside", Case(file(beside, header + ",,Field,Value"), DAILY)
    yield "facts above", Case(file(plain, "Symbol,SMPL\nCurrency,USD\nMean,150.31\n\n" + header), DAILY)
    beside = [row + (f",,Holiday,{DAILY.index[i]:%Y-%m-%d}" if i < 6 else ",,,") for i, row in enumerate(plain)]
    yield "holidays beside", Case(file(beside, header + ",,Name,Date"), DAILY)
    weekly = CLOSE.resample("W-FRI").last()
    lists = [f"{d:%Y-%m-%d},{v},," for d, v in CLOSE.Close.items()]
    lists = [
        row + (f"{weekly.index[i]:%Y-%m-%d},{weekly.Close.iloc[i] + 5:.2f}" if i < len(weekly) else ",")
        for i, row in enumerate(lists)
    ]
    yield "weekly prices beside", Case(file(lists, "Date,Close,,Date,Close"), CLOSE, OPEN, answers={"series": "Close"})


# What else could go wrong without a word


def strangers():
    header = "Date,Open,High,Low,Close,Volume"
    plain = [
        f"{d:%Y-%m-%d},{v.Open},{v.High},{v.Low},{v.Close},{v.Volume:.0f}"
        for d, v in zip(DAILY.index, DAILY.itertuples(), strict=True)
    ]
    closing = [f"{d:%Y-%m-%d},{v}" for d, v in CLOSE.Close.items()]
    join = "\n".join

    def file(rows, head="Date,Close", tail=""):
        return (join([head, *rows, ""]) + tail).encode()

    case = partial(Case, must=OPEN)
    swapped = [f"{d:%m/%d/%Y},{v}" if d.day <= 12 else f"{d:%d/%m/%Y},{v}" for d, v in CLOSE.Close.items()]
    yield (
        "days and months swapped up to the 12th",
        case(file(swapped), CLOSE, excuse=("swap|exchang|both orders|month and day|day and month",)),
    )
    swapped = [f"{d:%Y-%d-%m},{v}" if d.day <= 12 else f"{d:%d/%m/%Y},{v}" for d, v in CLOSE.Close.items()]
    yield (
        "days and months swapped by a spreadsheet",
        case(file(swapped), CLOSE, excuse=("swap|exchang|both orders|month and day|day and month",)),
    )
    swapped = [f"{d:%d/%m/%Y},{v}" if i < 40 else f"{d:%m/%d/%Y},{v}" for i, (d, v) in enumerate(CLOSE.Close.items())]
    yield (
        "day first above, month first below",
        case(file(swapped), CLOSE, excuse=("swap|exchang|both orders|month and day|day and month",)),
    )
    early = CLOSE[CLOSE.index.day <= 12]
    yield (
        "days up to the 12th alone",
        Case(
            file([f"{d:%d/%m/%Y},{v}" for d, v in early.Close.items()]), early, OPEN, answers={"date_order": "day/month/year"}
        ),
    )

    cut = [f"{d:%Y-%m-%d},{v:,.2f}" for d, v in HIGH.Close.items()]
    yield "thousands unquoted between commas", case(file(cut), HIGH[["Close"]])
    around = known(rows=80, start="2019-01-02", level=1000.0)[["Close"]]
    cut = [f"{d:%Y-%m-%d},{v:,.2f}" for d, v in around.Close.items()]
    yield (
        "thousands unquoted in those rows that have them",
        case(file(cut), around, also=(around[around.Close < 1000],), says=("row|cell|field",)),
    )
    cut = [f"{d:%Y-%m-%d},{v:,.2f},{v * 1000:.0f}" for d, v in around.Close.items()]
    yield (
        "thousands unquoted, a volume behind",
        case(file(cut, "Date,Close,Volume"), around, also=(around[around.Close < 1000],), says=("row|cell|field",)),
    )
    cut = [f"{d:%Y-%m-%d},{comma(v)},1000" for d, v in CLOSE.Close.items()]
    yield "decimal commas unquoted between commas", case(file(cut, "Date,Close,Volume"), CLOSE)
    yield "decimal commas quoted", Case(file([f'{d:%Y-%m-%d},"{comma(v)}"' for d, v in CLOSE.Close.items()]), CLOSE)
    yield (
        "points between thousands, commas between decimals, quoted",
        Case(file([f'{d:%Y-%m-%d},"{european(v)}"' for d, v in HIGH.Close.items()]), HIGH[["Close"]]),
    )
    whole = HIGH[["Close"]].round(0) + 40_000
    yield (
        "points between thousands alone",
        Case(
            file([f"{d:%Y-%m-%d};{european(v, 0)}" for d, v in whole.Close.items()], "Date;Close"),
            whole,
            OPEN,
            answers={"decimal": ","},
        ),
    )
    lakh = whole * 10
    indian = [f'{d:%Y-%m-%d},"{str(int(v))[:-5]},{str(int(v))[-5:-3]},{str(int(v))[-3:]}.50"' for d, v in lakh.Close.items()]
    yield "Indian grouping", Case(file(indian), lakh + 0.5)
    indian = [f'{d:%Y-%m-%d},"{str(int(v))[:-5]},{str(int(v))[-5:-3]},{str(int(v))[-3:]}"' for d, v in lakh.Close.items()]
    yield "Indian grouping without decimals", Case(file(indian), lakh, OPEN, answers={"decimal": "."})
    mixed = [f'{d:%Y-%m-%d},"{comma(v) if i % 2 else v}"' for i, (d, v) in enumerate(CLOSE.Close.items())]
    yield "decimal points and commas by turns", case(file(mixed), CLOSE)
    mixed = [f'{d:%Y-%m-%d},"{comma(v) if i > 70 else v}"' for i, (d, v) in enumerate(CLOSE.Close.items())]
    yield "decimal commas at the end", case(file(mixed), CLOSE, also=(CLOSE.iloc[:71],), says=("left out",))
    lapsed = [f'{d:%Y-%m-%d},"{f"{v:,.2f}" if i != 30 else european(v)}"' for i, (d, v) in enumerate(HIGH.Close.items())]
    yield "one number in the other manner", case(file(lapsed), HIGH[["Close"]], also=(HIGH[["Close"]].drop(HIGH.index[30]),))

    for name, quoted in (("", '"{}'), (" closed five rows later", None)):
        rows = list(closing)
        if quoted:
            rows[30] = rows[30].replace(",", ',"', 1)
        else:
            rows[30], rows[35] = rows[30].replace(",", ',"', 1), rows[35] + '"'
        left = tuple(CLOSE.drop(CLOSE.index[30:end]) for end in (31, 36))
        yield f"a stray quote{name}", case(file(rows), CLOSE, also=left)
    inches = [f'{row},12" pipe' if i % 7 == 3 else f"{row},pipe" for i, row in enumerate(closing)]
    yield "inches in remarks", case(file(inches, "Date,Close,Item"), CLOSE)
    yield "lines in quotation marks", Case(file([f'"{row}"' for row in closing], '"Date,Close"'), CLOSE)
    yield (
        "cells in three quotation marks",
        Case(file([",".join(f'"""{c}"""' for c in row.split(",")) for row in closing]), CLOSE, OPEN),
    )
    yield (
        "cells in single quotation marks",
        Case(file([",".join(f"'{c}'" for c in row.split(",")) for row in closing], "'Date','Close'"), CLOSE, OPEN),
    )
    yield (
        "formulas of a spreadsheet",
        Case(file([f'="{row.split(",")[0]}",="{row.split(",")[1]}"' for row in closing]), CLOSE, OPEN),
    )

    yield (
        "delimiters in the title",
        Case(file(plain, "Prices of Sample Corp, Inc., daily, from 2019, to 2020, in USD, adjusted\n" + header), DAILY),
    )
    yield (
        "semicolons in the title",
        Case(
            file(
                [row.replace(",", ";") for row in plain],
                "Prices, daily, from 2019-01-02, to 2019-04-23\n\n" + header.replace(",", ";"),
            ),
            DAILY,
        ),
    )
    yield "sums below", Case(file(plain, header, "Total,,,,,123456789\nAverage,150.1,151.2,149.8,150.31,1543209\n"), DAILY)
    yield "a sentence below with a date", Case(file(closing, tail="Source: the exchange, 2019-05-01, delayed\n"), CLOSE)
    yield "the date of export below", Case(file(closing, tail=f"Exported,{20190501}\n"), CLOSE)
    yield "the date of export below, beside a number", case(file(closing, tail="2019-05-01 12:30,Rows: 80\n"), CLOSE)
    yield "units below the names", Case(file(plain, header + "\n,USD,USD,USD,USD,shares"), DAILY)
    yield (
        "two lines of names",
        case(
            file(plain, ",Price,Price,Price,Price,Traded\nDate,Open,High,Low,Close,Volume"),
            DAILY,
            answers={"column": "Price Close"},
        ),
    )
    yield (
        "comments among the rows",
        Case(file([row + ("\n# a holiday follows" if i == 40 else "") for i, row in enumerate(closing)]), CLOSE),
    )
    yield (
        "names again in another order",
        case(
            (
                join(
                    [
                        "Date,Open,Close",
                        *(
                            f"{d:%Y-%m-%d},{v.Open},{v.Close}"
                            for d, v in zip(DAILY.index[:40], DAILY.itertuples(), strict=False)
                        ),
                    ]
                )
                + "\n"
                + join(
                    [
                        "Date,Close,Open",
                        *(
                            f"{d:%Y-%m-%d},{v.Close},{v.Open}"
                            for d, v in zip(DAILY.index[40:], DAILY.iloc[40:].itertuples(), strict=True)
                        ),
                        "",
                    ]
                )
            ).encode(),
            DAILY[["Open", "Close"]],
            excuse=("left out",),
        ),
    )
    yield (
        "columns change place below",
        case(
            file(
                [
                    f"{d:%Y-%m-%d},{v.Close},{v.Volume:.0f}" if i < 50 else f"{d:%Y-%m-%d},{v.Volume:.0f},{v.Close}"
                    for i, (d, v) in enumerate(zip(DAILY.index, DAILY.itertuples(), strict=True))
                ],
                "Date,Close,Volume",
            ),
            DAILY[["Close"]],
            excuse=("split|goes from|outlier|far|jump|times",),
        ),
    )

    currencies = {
        "$150.25": "${:.2f}",
        "USD 150.25": "USD {:.2f}",
        "150.25 USD": "{:.2f} USD",
        "£150.25": "£{:.2f}",
        "150.25p": "{:.2f}p",
        "Rs. 150.25": "Rs. {:.2f}",
        "150.25 kr.": "{:.2f} kr.",
        "¥150.25": "¥{:.2f}",
        "US$150.25": "US${:.2f}",
        "150.25*": "{:.2f}*",
        "150.25 r": "{:.2f} r",
        "+150.25": "+{:.2f}",
        "1.5025E+02": "{:.6E}",
        "0150.25": "0{:.2f}",
        "'150.25": "'{:.2f}",
        "150.25 blanks": "  {:.2f}  ",
        "full-width": lambda v: f"{v:.2f}".translate(str.maketrans("0123456789.", "０１２３４５６７８９．")),
        "arabic": lambda v: f"{v:.2f}".translate(str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫")),
    }
    for name, form in currencies.items():
        number = form.format if isinstance(form, str) else form
        yield f"numbers like {name}", case(file([f"{d:%Y-%m-%d},{number(v)}" for d, v in CLOSE.Close.items()]), CLOSE)
    kilo = (HIGH[["Close"]] * 25).round(-2)
    yield "numbers like 29.8K", case(file([f"{d:%Y-%m-%d},{v / 1000:.1f}K" for d, v in kilo.Close.items()]), kilo)
    two = [f"{d:%Y-%m-%d},{'USD' if i % 2 else 'EUR'} {v}" for i, (d, v) in enumerate(CLOSE.Close.items())]
    yield "two currencies in the cells", case(file(two), None, excuse=("EUR.*USD|USD.*EUR|currenc",))
    two = [f"{row},{'USD' if i < 40 else 'EUR'}" for i, row in enumerate(closing)]
    yield "two currencies in a column", case(file(two, "Date,Close,Currency"), None, excuse=("EUR.*USD|USD.*EUR|currenc",))
    percent = (DAILY[["Close"]] / 50).round(2)
    yield (
        "yields in percent",
        case(file([f"{d:%Y-%m-%d},{v}%" for d, v in percent.Close.items()], "Date,Yield"), percent, says=("percent",)),
    )
    some = [f"{d:%Y-%m-%d},{v}{'%' if i % 3 else ''}" for i, (d, v) in enumerate(percent.Close.items())]
    yield "percent signs in some rows", case(file(some, "Date,Yield"), percent, excuse=("percent",))
    changes = (DAILY[["Close"]].pct_change().fillna(0) * 100).round(2)
    yield (
        "changes in percent alone",
        case(
            file([f"{d:%Y-%m-%d},{v:+.2f}%" for d, v in changes.Close.items()], "Date,Change %"), changes, excuse=("percent",)
        ),
    )
    for name, form in (
        ("110-16", lambda v: f"{int(v)}-{int(v % 1 * 32):02d}"),
        ("110'165", lambda v: f"{int(v)}'{int(v % 1 * 32):02d}5"),
        ("110 5/8", lambda v: f"{int(v)} {int(v % 1 * 8)}/8"),
    ):
        yield (
            f"fractions like {name}",
            case(
                file([f"{d:%Y-%m-%d},{form(v)}" for d, v in CLOSE.Close.items()]), None, excuse=("32|thirty|fraction|eighth",)
            ),
        )
    yield (
        "Swiss thousands",
        Case(file([f"{d:%Y-%m-%d};{v:,.2f}".replace(",", "'") for d, v in HIGH.Close.items()], "Datum;Kurs"), HIGH[["Close"]]),
    )
    yield (
        "narrow blanks between thousands",
        Case(
            file([f"{d:%Y-%m-%d};" + european(v).replace(".", "\u202f") for d, v in HIGH.Close.items()], "Date;Cours"),
            HIGH[["Close"]],
        ),
    )
    for name, wrong, excuse in (
        ("-999 for missing", lambda i, v: -999 if i in (5, 6) else v, "negative|far|stand"),
        (
            "decimal points lost in every third row",
            lambda i, v: f"{v * 100:.0f}" if i % 3 == 0 else v,
            "times|jump|far|split|goes",
        ),
        ("a thousand times as much at the end", lambda i, v: f"{v * 1000:.2f}" if i > 71 else v, "times|jump|far|split|goes"),
        ("zeros for closed days", lambda i, v: 0 if i in (5, 6) else v, r"\b0\b|zero"),
    ):
        rows = [f"{d:%Y-%m-%d},{wrong(i, v)}" for i, (d, v) in enumerate(CLOSE.Close.items())]
        yield name, case(file(rows), None, excuse=(excuse,), never_says=("bid",))
    pence = [f"{d:%Y-%m-%d},{v if i < 40 else v / 100:.4f}" for i, (d, v) in enumerate(CLOSE.Close.items())]
    yield "pence above and pounds below", case(file(pence), None, excuse=("split|goes from",))

    data = file(closing)
    yield "a byte order mark twice", Case(b"\xef\xbb\xbf\xef\xbb\xbf" + data, CLOSE)
    middle = data.split(b"\n")
    yield "a byte order mark in the middle", Case(b"\n".join([*middle[:41], b"\xef\xbb\xbf" + middle[0], *middle[41:]]), CLOSE)
    yield (
        "mixed line ends",
        Case(b"".join(line + (b"\r\n", b"\n", b"\r")[i % 3] for i, line in enumerate(middle[:-1])), CLOSE, OPEN),
    )
    yield "no line end at the end", Case(data.rstrip(b"\n"), CLOSE)
    yield "the last row cut", case(data[:-9], CLOSE, also=(CLOSE.iloc[:-1],))
    yield "utf-16 without a mark", Case(data.decode().encode("utf-16-le"), CLOSE)
    yield "an end-of-file sign", Case(data + b"\x1a", CLOSE)

    rows = list(closing)
    rows[50] = rows[50].replace("2019", "2109")
    yield "a year mistyped", case(file(rows), CLOSE.drop(CLOSE.index[50]), excuse=("future|2109",))
    rows[50] = closing[50].replace("2019", "1919")
    yield "a year mistyped backwards", case(file(rows), CLOSE.drop(CLOSE.index[50]), excuse=("gap|1919|days without",))
    yield (
        "every day twice with two prices",
        case(
            file([f"{row}\n{row.split(',')[0]},{float(row.split(',')[1]) + 9:.2f}" for row in closing]),
            None,
            excuse=("several|twice|same|dupl",),
        ),
    )
    yield "newest first but for a block", case(file([*closing[40:][::-1], *closing[:40]]), CLOSE)
    evening = [f"{d - pd.Timedelta(hours=2 if d.month > 3 else 1):%Y-%m-%dT%H:%M:%SZ},{v}" for d, v in CLOSE.Close.items()]
    yield "evening stamps of midnight elsewhere", case(file(evening), CLOSE, excuse=("UTC|time zone|evening|midnight",))
    offsets = [f"{d:%Y-%m-%d}T00:00:00+0{2 if d.month > 3 else 1}:00,{v}" for d, v in CLOSE.Close.items()]
    yield "midnights of two offsets", Case(file(offsets), CLOSE)
    stamps = [f"{d.timestamp():.4E},{v}" for d, v in CLOSE.Close.items()]
    yield "stamps cut by a spreadsheet", case(file(stamps), CLOSE, excuse=("round|cut|several|same",))
    yield "dates hidden by a spreadsheet", case(file([f"########,{v}" for v in CLOSE.Close]), None)
    yield "days without a year", case(file([f"{d:%d %b},{v}" for d, v in CLOSE.Close.items()]), CLOSE, excuse=("year",))
    yield "minutes and seconds alone", case(file([f"{d:%d:%m}.0,{v}" for d, v in CLOSE.Close.items()]), None)
    serial = [f"{(d - pd.Timestamp('1904-01-01')).days},{v}" for d, v in CLOSE.Close.items()]
    yield "serial days from 1904", case(file(serial), CLOSE, excuse=("1900|1904|serial|Excel",))
    paid = [f"{d:%Y-%m-%d},{d + pd.Timedelta(days=2):%Y-%m-%d},{v}" for d, v in CLOSE.Close.items()]
    yield (
        "trade date and settlement date",
        case(file(paid, "Trade Date,Settlement Date,Close"), CLOSE, answers={"date": "Trade Date"}),
    )
    yield (
        "settlement date in front",
        case(
            file([",".join(np.array(row.split(","))[[1, 0, 2]]) for row in paid], "Settlement Date,Trade Date,Close"),
            CLOSE,
            answers={"date": "Trade Date"},
            also=(CLOSE.set_axis(CLOSE.index + pd.Timedelta(days=2)),),
        ),
    )

    yield (
        "dates across",
        Case(
            join(
                [",".join(["Date", *(f"{d:%Y-%m-%d}" for d in CLOSE.index)]), ",".join(["Close", *map(str, CLOSE.Close)]), ""]
            ).encode(),
            CLOSE,
        ),
    )
    yield (
        "dates across, four rows",
        Case(
            join(
                [
                    ",".join(["", *(f"{d:%Y-%m-%d}" for d in CLOSE.index)]),
                    *(",".join([c, *map(str, DAILY[c])]) for c in CANDLES),
                    "",
                ]
            ).encode(),
            CANDLES,
        ),
    )
    yield (
        "dates across, two shares",
        Case(
            join(
                [
                    ",".join(["Ticker", *(f"{d:%Y-%m-%d}" for d in CLOSE.index)]),
                    ",".join(["AAA", *map(str, DAILY.Open)]),
                    ",".join(["BBB", *map(str, DAILY.Close)]),
                    "",
                ]
            ).encode(),
            CLOSE,
            ASK,
            answers={"column": "BBB", "series": "BBB"},
        ),
    )
    table = MONTHS.Close.to_numpy().reshape(4, 12)
    named_months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    yield (
        "months across with an average",
        Case(
            join(
                [
                    ",".join(["Year", *named_months, "Average"]),
                    *(",".join([str(2015 + i), *map(str, row), f"{row.mean():.2f}"]) for i, row in enumerate(table)),
                    "",
                ]
            ).encode(),
            MONTHS,
        ),
    )
    yield (
        "two prices of the same name",
        case(
            file([f"{d:%Y-%m-%d},{v},{v * 0.88:.2f}" for d, v in CLOSE.Close.items()], "Date,Close (USD),Close (EUR)"),
            CLOSE,
            answers={"column": "Close (USD)"},
        ),
    )
    yield "open, high, low and close without names", case(file(plain[1:], plain[0]), DAILY, answers={"column": "column 5"})
    yield "an index in front without a name", case(file([f"{i},{row}" for i, row in enumerate(plain)], "," + header), DAILY)
    yield "a name too few", case(file([f"{i},{row}" for i, row in enumerate(plain)], header), DAILY)
    yield "names shifted by one", case(file(plain, "Open,High,Low,Close,Volume,"), DAILY, answers={"column": "Close"})
    yield "close and volume exchanged in the names", case(file(plain, "Date,Open,High,Low,Volume,Close"), None)
    yield (
        "an adjusted close alone is filled",
        Case(
            file([f"{d:%Y-%m-%d},,{v}" for d, v in CLOSE.Close.items()], "Date,Close,Adj Close"),
            CLOSE,
            OPEN,
            answers={"column": "Adj Close"},
        ),
    )
    trades = [
        f"{d:%Y-%m-%d},{side},{n},{v + (side == 'SELL'):.2f}"
        for d, v in CLOSE.Close.items()
        for side, n in (("BUY", 10), ("SELL", 20))
    ]
    yield (
        "a list of trades",
        case(file(trades, "Date,Side,Quantity,Price"), CLOSE, answers={"series": "BUY"}, excuse=("several|same|twice",)),
    )
    yield (
        "no prices but temperatures with a unit",
        case(file([f"{d:%Y-%m-%d},{v - 140:.1f}°C" for d, v in CLOSE.Close.items()], "Date,Temp"), None),
    )

    book = partial(Case, filename="prices.xlsx", must=OPEN)
    sheet = [["Date", "Close"], *([d.to_pydatetime(), v] for d, v in CLOSE.Close.items())]
    yield (
        "a workbook with text for dates",
        book(workbook({"Prices": [["Date", "Close"], *([f"{d:%d.%m.%Y}", comma(v)] for d, v in CLOSE.Close.items())]}), CLOSE),
    )
    yield (
        "a workbook with real and text dates",
        book(
            workbook(
                {
                    "Prices": [
                        ["Date", "Close"],
                        *([d.to_pydatetime() if d.day <= 12 else f"{d:%m/%d/%Y}", v] for d, v in CLOSE.Close.items()),
                    ]
                }
            ),
            CLOSE,
        ),
    )
    yield (
        "a workbook with real dates of swapped days",
        book(
            workbook(
                {
                    "Prices": [
                        ["Date", "Close"],
                        *(
                            [pd.Timestamp(d.year, d.day, d.month).to_pydatetime() if d.day <= 12 else f"{d:%d/%m/%Y}", v]
                            for d, v in CLOSE.Close.items()
                        ),
                    ]
                }
            ),
            CLOSE,
            excuse=("swap|exchang|both orders|month and day|day and month",),
        ),
    )
    yield (
        "a workbook with two sheets of prices",
        book(
            workbook(
                {"Prices": sheet, "Other": [["Date", "Close"], *([d.to_pydatetime(), v + 5] for d, v in CLOSE.Close.items())]}
            ),
            CLOSE,
            answers={"sheet": "Prices"},
        ),
    )
    yield (
        "a workbook with titles and an empty column",
        book(
            workbook({"Prices": [["Sample Corp"], [None, "as of", "2019-05-01"], [], *([None, *row] for row in sheet)]}), CLOSE
        ),
    )
    yield (
        "a workbook with the newest price in a box above",
        book(workbook({"Prices": [["Last price", 171.5], ["Date", "2019-05-01"], [], *sheet]}), CLOSE),
    )


# What a person overrules


def overruled():
    plain = text(DAILY, "Date,Open,Close,Volume", lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.Close},{v.Volume:.0f}")
    case = partial(Case, plain)
    wanted = DAILY[["Open", "Close", "Volume"]]
    opened = pd.DataFrame({"Close": DAILY.Open})
    for name, given in {
        "its delimiter": {"delimiter": ","},
        "its header": {"header": 1},
        "its dates": {"date": "Date"},
        "no time": {"time": ""},
        "its column": {"column": "Close"},
        "its decimal mark": {"decimal": "."},
        "its encoding": {"encoding": "utf-8"},
    }.items():
        yield f"overruled by what it is, {name}", case(wanted, given=given)
    yield "overruled, another column", case(opened, given={"column": "Open"})
    for name, given in {
        "a delimiter that is not there": {"delimiter": "\t"},
        "a delimiter of two signs": {"delimiter": "ab"},
        "a header below the rows": {"header": 500},
        "a header before the first": {"header": -1},
        "a column of prices for dates": {"date": "Close"},
        "an unknown column for dates": {"date": "Datum"},
        "an unknown column for times": {"time": "Hour"},
        "an unknown encoding": {"encoding": "utf-99"},
        "an encoding that is none of text": {"encoding": "rot13"},
        "a sheet of a text": {"sheet": "Prices"},
        "an unknown series": {"series": "MSFT"},
        "an order of dates without days": {"date_order": "month/year"},
    }.items():
        yield f"overruled, {name}", case(wanted, OPEN, given=given)
    two = text(DAILY, "A,B,Date,Close\nDate,Open,Close,Volume", lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.Close},{v.Volume:.0f}")
    yield "overruled, the second line names the columns", Case(two, wanted, given={"header": 2})
    yield (
        "overruled, no line names the columns",
        Case(text(DAILY, None, lambda d, v: f"{d:%Y-%m-%d},{v.Close}"), CLOSE, given={"header": 0}),
    )
    early = CLOSE[CLOSE.index.day <= 12]
    days = text(early, "Date,Close", lambda d, v: f"{d:%d/%m/%Y},{v.Close}")
    yield "overruled, days first", Case(days, early, given={"date_order": "day/month/year"})
    months = early.set_axis(pd.DatetimeIndex([pd.Timestamp(d.year, d.day, d.month) for d in early.index], name="Date"))
    yield "overruled, months first", Case(days, months.sort_index(), given={"date_order": "month/day/year"})
    paid = text(
        DAILY, "Trade Date,Settlement Date,Close", lambda d, v: f"{d:%Y-%m-%d},{d + pd.Timedelta(days=2):%Y-%m-%d},{v.Close}"
    )
    yield (
        "overruled, the other dates",
        Case(paid, CLOSE.set_axis(CLOSE.index + pd.Timedelta(days=2)), given={"date": "Settlement Date"}),
    )
    raw = DAILY.Close * before(DAILY, SPLITS["2:1"])
    both = text(DAILY, "Date,Close,Adj Close", lambda d, v: f"{d:%Y-%m-%d},{raw[d]:.2f},{v.Close}")
    yield "overruled, the raw price", Case(both, raw.round(2).to_frame(), given={"adjusted": False})
    yield "overruled, the adjusted price", Case(both, CLOSE, given={"adjusted": True})
    grouped = text(HIGH, "Date;Close", lambda d, v: f"{d:%Y-%m-%d};{european(round(v.Close), 0)}")
    yield "overruled, the comma is the decimal mark", Case(grouped, HIGH[["Close"]].round(), given={"decimal": ","})
    yield "overruled, the point is the decimal mark", Case(grouped, HIGH[["Close"]].round() / 1000, given={"decimal": "."})
    both = text(DAILY, "Date;Close", lambda d, v: f"{d:%Y-%m-%d};{v.Close:.2f},{v.Volume:.0f}")
    yield (
        "overruled, the delimiter between others",
        Case(both.replace(b"Date;Close", b"Date;Close,Volume"), CLOSE, OPEN, given={"delimiter": ","}),
    )
    names = text(DAILY, "日付,終値", lambda d, v: f"{d:%Y/%m/%d},{v.Close}", encoding="cp932")
    yield "overruled, an encoding", Case(names, CLOSE, given={"encoding": "cp932", "column": "終値"})
    clocks = text(MINUTES, "Date,Time,Close", lambda d, v: f"{d:%Y-%m-%d},{d:%H:%M},{v.Close}")
    yield "overruled, a column of times", Case(clocks, MINUTES[["Close"]], given={"time": "Time"})
    yield (
        "overruled, days that would be many times the same",
        Case(clocks, MINUTES[["Close"]], OPEN, given={"time": ""}, excuse=("again|several|twice",)),
    )


KINDS = (
    delimiters,
    splits,
    weeks,
    official_closes,
    hours,
    renamed,
    periods,
    eras,
    weekdays,
    adjusted,
    averages,
    fields,
    strangers,
    overruled,
)
CASES = {name: case for kind in KINDS for name, case in kind()}


@pytest.mark.parametrize("name", CASES)
def test_file_is_read_or_asked_about_or_refused_and_never_wrong_in_silence(name):
    assert verdict(CASES[name]) == ""


def test_cases_have_names_of_their_own():
    assert len(CASES) == sum(1 for kind in KINDS for _ in kind())
