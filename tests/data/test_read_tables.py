"""`read_prices` on tables with several series, damaged rows, or no prices at all."""

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from price_files import CLOSE, DAILY, closes, known, lines, same

from forecasting.data.files import grid, read_prices
from forecasting.errors import NeedsChoice, UnreadableFile

# Columns and series


WIDE = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.Close}", "Date,MSFT,AAPL").encode()
LONG = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},MSFT,{v.Open}\n{d:%Y-%m-%d},AAPL,{v.Close}", "Date,Symbol,Close").encode()
LEVELS = (
    "Price,Close,Close,Volume,Volume\nTicker,MSFT,AAPL,MSFT,AAPL\nDate,,,,\n"
    + lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.Close},1,{v.Volume}")
).encode()


@pytest.mark.parametrize(("data", "kind"), [(WIDE, "column"), (LONG, "series"), (LEVELS, "series")])
def test_one_of_several_series_is_asked_for_and_chosen_by_either_keyword(data, kind):
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, set(question.value.options)) == (kind, {"MSFT", "AAPL"})
    assert question.value.preview[0]["Date"] == "2016-03-31"
    for answer in ({"series": "AAPL"}, {"column": "AAPL"}, {"series": "aapl"}):
        history = read_prices(data, **answer)
        assert same(history, DAILY)
    assert read_prices(data, series="AAPL").name == "AAPL"
    with pytest.raises(UnreadableFile, match="GOOG"):
        read_prices(data, series="GOOG")


def test_column_is_chosen_by_name_or_place_and_the_others_are_offered():
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.Close},{v.Close + 1}", "Date,Open,Close,Fair value").encode()
    history = read_prices(data)
    assert same(history, DAILY)
    assert history.alternatives == ("Fair value", "Open")
    for column in ("Fair value", "fair VALUE", "column 4", 3):
        np.testing.assert_allclose(read_prices(data, column=column).close, DAILY.Close + 1)
    for column, words in (
        ("Nope", "no column “Nope”"),
        (9, "no column 9"),
        ("Date", "holds no numbers"),
        (True, "no column “True”"),
    ):
        with pytest.raises(UnreadableFile, match=words):
            read_prices(data, column=column)


def test_column_named_by_what_it_holds_leaves_open_whose_it_is():
    with pytest.raises(NeedsChoice) as question:
        read_prices(LEVELS, column="Close")
    assert question.value.kind == "series"
    assert same(read_prices(LEVELS, series="AAPL", column="Close"), DAILY)


def test_row_of_units_below_the_header_tells_the_currency():
    text = "Date,Close,Open\n(yyyy-mm-dd),USD,USD\n" + lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close},{v.Open}")
    history = read_prices(text.encode())
    assert same(history, DAILY)
    assert history.currency == "USD"


def test_bid_and_ask_are_asked_about():
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Low},{v.High}", "Date,Bid,Ask").encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, question.value.options) == ("column", ("Bid", "Ask"))


def test_column_that_counts_the_rows_is_no_price():
    text = "index,Date,AAPL\n" + "".join(f"{i},{d:%Y-%m-%d},{v}\n" for i, (d, v) in enumerate(DAILY.Close.items()))
    assert same(read_prices(text.encode()), CLOSE)


def test_series_mixed_without_a_name_are_refused():
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Low}\n{d:%Y-%m-%d},{v.High}", "Date,Close").encode()
    with pytest.raises(UnreadableFile, match="several times with different prices"):
        read_prices(data)


def test_names_over_all_columns_but_the_dates_stand_over_their_own():
    quoted = lines(DAILY, lambda d, v: f'"{d:%Y-%m-%d}" {v.Open} {v.Low} {v.Close}', '"A.Open" "A.Low" "A.Close"')
    commas = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.Close},{v.Volume}", "Open,Close,Volume")
    unnamed = DAILY.rename_axis(None).to_string()
    for text in (quoted, commas, DAILY.to_string(), unnamed):
        assert same(read_prices(text.encode()), DAILY)


def test_mark_of_a_comment_before_the_names_is_no_name():
    for mark in ("# ", "#", "% "):
        text = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d} {v.Open} {v.Close}", f"{mark}Date Open Close")
        assert same(read_prices(text.encode()), DAILY)


def test_lines_in_quotation_marks_as_a_whole_are_taken_apart():
    text = "".join(f'"{line}"\n' for line in closes().decode().splitlines())
    assert same(read_prices(text.encode()), CLOSE)


def bars(order, sep, header=None):
    number = str if sep == "," else lambda x: str(x).replace(".", ",")
    return lines(
        DAILY,
        lambda d, v: sep.join([f"{d:%Y-%m-%d}", *(number(getattr(v, name)) for name in order), f"{v.Volume:.0f}"]),
        header and "Stichtag," + header,
    ).encode()


@pytest.mark.parametrize("sep", [",", ";"])
def test_open_high_low_and_close_in_their_usual_order_need_no_names(sep):
    history = read_prices(bars(("Open", "High", "Low", "Close"), sep))
    assert same(history, DAILY)
    assert list(history.frame) == ["Open", "High", "Low", "Close", "Volume"]
    assert any("in every row the second is the highest" in note for note in history.notes)


@pytest.mark.parametrize("order", [("Close", "Open", "High", "Low"), ("Low", "High", "Open", "Close"), ("Open", "High", "Low", "Close")])
@pytest.mark.parametrize("header", [None, "p,q,r,s,t"])
def test_prices_without_known_names_in_another_order_are_asked_about(order, header):
    if (order[0], header) == ("Open", None):
        order = ("High", *order[2:], "Open")
    data, at = bars(order, ",", header), 2 + order.index("Close")
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert question.value.kind == "column"
    assert same(read_prices(data, column=f"column {at}"), DAILY[["Close"]])


def test_adjusted_prices_without_a_name_are_no_volume():
    text = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.High},{v.Low},{v.Close},{v.Close * 0.9:.4f},{v.Volume:.0f}")
    history = read_prices(text.encode())
    assert same(history, DAILY)
    assert "Volume" in history.frame


@pytest.mark.parametrize("tickers", [("C", "F", "T", "V"), ("AAPL", "LOW", "MA", "V"), ("V", "MA"), ("OPEN", "AAPL")])
def test_tickers_that_are_words_of_price_tables_are_asked_about(tickers):
    series = [known(rows=120, level=100.0 * 3**i, seed=i).Close for i in range(len(tickers))]
    rows = ["Date," + ",".join(tickers)]
    rows += [f"{d:%Y-%m-%d}," + ",".join(str(one[d]) for one in series) for d in DAILY.index]
    data = "\n".join(rows).encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert set(question.value.options) == set(tickers)
    for ticker, one in zip(tickers, series, strict=True):
        assert np.array_equal(read_prices(data, column=ticker).close, one)


def test_open_high_and_low_are_in_the_currency_of_the_close():
    names = "open (CNY),high (CNY),low (CNY),close (CNY),open (USD),high (USD),low (USD),close (USD),volume"
    text = lines(
        DAILY,
        lambda d, v: f"{d:%Y-%m-%d},7,9,6,8,{v.Open},{v.High},{v.Low},{v.Close},{v.Volume}",
        "timestamp," + names,
    )
    history = read_prices(text.encode(), column="close (USD)")
    assert same(history, DAILY)
    assert history.currency == "USD"


def test_lines_above_the_table_with_words_of_price_tables_do_not_name_its_columns():
    above = "F11 EXCHANGE RATES,,\nUnits,USD,Index\nSource,Reuters,Bank\nSeries ID,FXRUSD,FXRTWI\n"
    data = (above + lines(DAILY, lambda d, v: f"{d:%d-%b-%Y},{v.Close},{v.Open}")).encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert question.value.options == ("FXRUSD", "FXRTWI")
    assert same(read_prices(data, column="FXRUSD"), CLOSE)


def test_dates_above_a_table_with_unknown_names_do_not_name_its_columns():
    above = "Start Date,2016-03-31\nDownload date,2018-03-27\n"
    data = (above + lines(DAILY, lambda d, v: f"{d:%d.%m.%Y},{v.Close},{v.Open}", "Stichtag,Eins,Zwei")).encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert question.value.options == ("Eins", "Zwei")
    assert same(read_prices(data, column="Eins"), CLOSE)


def test_band_around_an_average_is_not_taken_for_open_high_and_low():
    mean = DAILY.Close.rolling(5, min_periods=1).mean()
    text = lines(DAILY.assign(mean=mean), lambda d, v: f"{d:%Y-%m-%d},{v.mean},{v.mean + 9},{v.mean - 9},{v.Close}", "Date,m,u,d,s")
    with pytest.raises(NeedsChoice):
        read_prices(text.encode())


def test_column_that_pandas_has_numbered_is_asked_about_like_its_namesake():
    text = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close},{v.Open}", "Date,Close,Close.1")
    with pytest.raises(NeedsChoice) as question:
        read_prices(text.encode())
    assert question.value.options == ("Close", "Close.1")
    assert same(read_prices(text.encode(), column="Close"), CLOSE)


def test_names_copied_with_their_explanations_are_known():
    header = "Date\tOpen\tClose Close price adjusted for splits.\tAdj Close Adjusted close price adjusted for splits and dividends."
    text = lines(DAILY, lambda d, v: f"{d:%b %d, %Y}\t{v.Open}\t{v.Close}\t{v.Close}", header)
    assert same(read_prices(text.encode()), DAILY)


@pytest.mark.parametrize("name", ["Close Date", "open_date", "NAV Date", "Date de valeur", "index", "Day", "Stichtag", ""])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d"])
def test_column_of_dates_is_found_whatever_its_name(name, form):
    first = lines(DAILY, lambda d, v: f"{d.strftime(form)},{v.Open},{v.Close}", f"{name},Open,Close")
    second = lines(DAILY, lambda d, v: f"AAPL,{d.strftime(form)},{v.Open},{v.Close}", f"Ticker,{name},Open,Close")
    for text in (first, second):
        assert same(read_prices(text.encode()), DAILY)


def test_sentences_with_a_number_in_them_hold_no_prices():
    text = "".join(f"2018-03-27 16:{i % 60:02}:00 INFO server {'up' if i % 2 else 'down'} on port {i}\n" for i in range(90))
    with pytest.raises(UnreadableFile):
        read_prices(text.encode())


# Rows


def test_what_was_repaired_is_said():
    rows = closes().decode().splitlines()
    rows[20:20] = [
        rows[10],
        "not a date,5",
        "2016-05-02,",
        "2016-05-03,oops",
        "2016-05-04,inf",
        "# a comment",
        rows[0],
        "2016-04-01,1.5",
    ]
    history = read_prices("\n".join([rows[0], *reversed(rows[1:]), "Copyright"]).encode())
    assert len(history) == 120 - 0
    assert {
        "1 repeated header line was left out.",
        "1 row was left out because the date cannot be read.",
        "1 row was left out without a price.",
        "1 row was left out because the price is no number.",
        "1 row was left out because the price is infinite.",
        "1 repeated row was left out.",
        "2 lines were left out with neither a date nor a price.",
    } <= set(history.notes)


def test_table_that_follows_another_is_left_out_and_said():
    history = read_prices(closes() + b"\nDate,Dividend\n2016-05-05,0.57\n2016-08-04,0.57\n")
    assert same(history, CLOSE)
    assert any(note.startswith("A second table begins at line 122") for note in history.notes)


def test_newest_first_is_sorted_and_the_last_of_two_rows_counts():
    data = closes(reverse=True) + b"2016-03-31,99.5\n"
    history = read_prices(data)
    assert history.close[0] == 99.5
    assert "Sorted from newest first." in history.notes


def test_few_future_and_negative_prices_are_pointed_out():
    future = known(rows=40, start="2090-01-02")
    history = read_prices(closes(future, number=lambda x: x - 150))
    assert "There are only 40 rows: choose a short window, or a file with more." in history.notes
    assert any("zero or negative" in note for note in history.notes)
    assert any("future" in warning for warning in history.warnings)


def test_stray_quotation_mark_takes_no_rows_with_it():
    rows = closes().decode().splitlines()
    tail = [*rows[:-1], rows[-1].replace(",", ',"')]
    history = read_prices("\n".join(tail).encode())
    assert same(history, CLOSE[:-1])
    for at in (1, 50):
        with pytest.raises(UnreadableFile, match="quotation mark"):
            read_prices("\n".join([*rows[:at], '"' + rows[at], *rows[at + 1 :]]).encode())
    both = [*rows[:30], rows[30].replace(",", ',"'), *rows[31:60], rows[60].replace(",", ',"'), *rows[61:]]
    with pytest.raises(UnreadableFile, match="quotation mark"):
        read_prices("\n".join(both).encode())


# What is no table of prices


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"Date,Close\n", "no rows below"),
        (bytes(range(256)) * 40, "binary"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "a picture"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1", "old or password-protected Excel"),
        (b"<!DOCTYPE html><html><body>Sorry</body></html>", "web page"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b'{"Information": "rate limit"}', "JSON"),
        (b'[{"date": "2016-03-31", "close": 108.99}]', "JSON"),
        (b"INSERT INTO prices VALUES ('2018-03-27', 168.34);\n" * 30, "holds a date and a price"),
        (b"Date,Close\n" + b"day a,108.99\nday b,109.99\n" * 30, "holds dates"),
        (b"hello\nworld\n" * 20, "holds dates|date and a price"),
        (b"Date,Close\n2016-03-31,5\n", "at least 2"),
        (b"," * 2_000_000, "million characters"),
        (b",".join(b"c%d" % i for i in range(20_000)) + b"\n", "columns"),
        (b"a,b,c,d\n" * (grid.MAX_CELLS // 4 + 1), "million cells"),
        (b"a,b\n" * (grid.MAX_LINES + 1), "lines, more than"),
        (b"Date,Note\n2016-01-01,a\n2016-01-02,b\n", "numbers"),
    ],
)
def test_file_without_prices_is_refused_with_a_sentence(data, words):
    with pytest.raises(UnreadableFile, match=words) as refusal:
        read_prices(data)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


def test_overlong_texts_are_cut_out_before_they_cost_anything():
    for text in (b"x" * 5_000_000, b'"' + b"x," * 2_000_000 + b'"', b'"' + b"x\n" * 1_000_000 + b'"'):
        data = b"Date,Close,Note\n2016-03-30,149.5," + text + b"\n" + closes(header=None).replace(b"\n", b",\n")
        history = read_prices(data)
        assert len(history) == 121
        assert "1 overlong text was left out." in history.notes


def test_thousands_of_columns_are_a_question_of_bounded_size():
    header = "Date," + ",".join(f"S{i}" for i in range(2000))
    rows = "\n".join(f"2016-01-{d:02}," + ",".join(["1.5"] * 2000) for d in range(1, 21))
    with pytest.raises(NeedsChoice) as question:
        read_prices(f"{header}\n{rows}".encode())
    assert len(question.value.options) == 200
    assert len(question.value.preview[0]) == 30
    assert read_prices(f"{header}\n{rows}".encode(), column="S1999").close[0] == 1.5


def test_markup_and_formulas_in_a_header_stay_text_in_every_sentence():
    header = "Date,[x](http://x) <script>\x07\u2028,=cmd|calc"
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close},{v.Open}", header).encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert question.value.options == ("[x](http://x) <script>", "=cmd|calc")
    assert same(read_prices(data, column=question.value.options[0]), CLOSE)


def test_importing_the_reader_imports_neither_openpyxl_nor_charset_normalizer():
    code = (
        "import sys, forecasting.data.files; "
        "print(sorted({'openpyxl', 'charset_normalizer', 'tensorflow', 'exchange_calendars', 'yfinance'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def from_yfinance(tickers, order):
    """What `yfinance.download` returns: two header levels, ticker and price; the last ticker has the prices of DAILY."""
    prices = {ticker: DAILY * (1 if ticker == tickers[-1] else 2) for ticker in tickers}
    frame = pd.concat(prices, axis=1, names=["Ticker", "Price"])
    return frame if order == "Ticker" else frame.swaplevel(axis=1).sort_index(axis=1)


SAVED = {
    "with its dates as index": lambda frame: frame.to_csv(),
    "with its dates as column": lambda frame: frame.reset_index().to_csv(),
    "with its dates as column, without row numbers": lambda frame: frame.reset_index().to_csv(index=False),
    "read and saved once more": lambda frame: pd.read_csv(io.StringIO(frame.to_csv())).to_csv(),
    "read and saved once more, without row numbers":
        lambda frame: pd.read_csv(io.StringIO(frame.to_csv())).to_csv(index=False),
    "as a workbook": lambda frame: in_excel(frame),
    "as a workbook, with its dates as column": lambda frame: in_excel(frame.reset_index()),
    "stacked": lambda frame: frame.stack(level="Ticker", future_stack=True).to_csv(),
    "stacked, with columns only": lambda frame: frame.stack(level="Ticker", future_stack=True).reset_index().to_csv(),
}


def in_excel(frame):
    file = io.BytesIO()
    frame.to_excel(file)
    return file.getvalue()


@pytest.mark.parametrize("order", ["Ticker", "Price"])
@pytest.mark.parametrize("tickers", [("AAPL",), ("MSFT", "AAPL")])
@pytest.mark.parametrize("saved", SAVED)
def test_what_yfinance_returns_is_read_however_it_was_saved(saved, tickers, order):
    data = SAVED[saved](from_yfinance(tickers, order))
    data = data.encode() if isinstance(data, str) else data
    if len(tickers) > 1:
        with pytest.raises(NeedsChoice) as question:
            read_prices(data)
        assert (question.value.kind, set(question.value.options)) == ("series", set(tickers))
    history = read_prices(data, series="AAPL" if len(tickers) > 1 else None)
    assert same(history, DAILY)


def test_large_counts_in_notes_have_thin_separators():
    dates = pd.bdate_range("2000-01-03", periods=4000).strftime("%Y-%m-%d")
    cells = ["" if i % 3 == 0 else f"{100 + i / 100:.2f}" for i in range(4000)]
    history = read_prices(b"Date,Close\n" + "".join(f"{d},{c}\n" for d, c in zip(dates, cells, strict=True)).encode())
    assert "1\u202f334 rows were left out without a price." in history.notes
