"""`read_prices` on paths, archives, workbooks and code pages."""

import datetime
import gzip
import io
import zipfile

import numpy as np
import pytest
from price_files import CLOSE, DAILY, SHEET, closes, european, lines, named, same, workbook, zipped

from forecasting.data.files import container, read_prices
from forecasting.errors import NeedsChoice, UnreadableFile

# Sources and archives


def test_path_bytes_and_open_file_are_read_alike(tmp_path):
    path = tmp_path / "AAPL.csv"
    path.write_bytes(closes())
    with path.open("rb") as file:
        histories = [read_prices(path), read_prices(str(path)), read_prices(file), read_prices(closes(), name="AAPL")]
    assert all(same(history, CLOSE) and history.name == "AAPL" for history in histories)
    assert histories[0].source == "file AAPL"


def test_text_is_never_taken_for_a_web_address_or_for_data():
    for text in ("https://example.com/prices.csv", "Date,Close\n2020-01-01,1", "/etc", "\0"):
        with pytest.raises(UnreadableFile):
            read_prices(text)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd.csv", "passwd"),
        ("C:\\prices\\AAPL.csv", "AAPL"),
        ("AAPL Historical Data.csv", "AAPL Historical Data"),
        ("[a](http:b) <i>*c*.csv", "a (http b) i c"),
        ("BTC-USD (2).csv", "BTC-USD (2)"),
        ("BRK.B.csv", "BRK.B"),
        ("\x1b[31mred.csv", "31mred"),
    ],
)
def test_name_is_the_stem_of_the_file_name_without_folders_or_markup(name, label):
    assert read_prices(named(closes(), name)).name == label


def test_gzip_and_a_zip_with_one_file_are_unpacked():
    assert same(read_prices(gzip.compress(closes())), CLOSE)
    history = read_prices(named(zipped({"AAPL.csv": closes(), "__MACOSX/._AAPL.csv": b"\0\1"}), "download.zip"))
    assert same(history, CLOSE)
    assert history.name == "AAPL"


def test_zip_with_several_files_asks_which():
    data = zipped({"AAPL.csv": closes(), "MSFT.csv": closes(DAILY[:60])})
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, question.value.options) == ("sheet", ("AAPL.csv", "MSFT.csv"))
    assert same(read_prices(data, sheet="MSFT.csv"), CLOSE[:60])


def test_archives_that_cannot_be_used_are_refused():
    bomb = zipped({"a.csv": b"0" * (container.MAX_BYTES + 1)})
    for data, words in (
        (bomb, "larger than 200 MB"),
        (gzip.compress(b"0" * (container.MAX_BYTES + 1)), "larger than 200 MB"),
        (zipped({"a.zip": zipped({"b.csv": closes()})}), "another archive"),
        (zipped({}), "no file"),
        (zipped({"a.csv": closes()})[:-30], "damaged"),
        (gzip.compress(closes())[:-9], "damaged"),
        (zipped({f"f{i}": b"x" for i in range(1001)}), "1001 files"),
    ):
        with pytest.raises(UnreadableFile, match=words):
            read_prices(data)


# Excel


def test_sheet_with_title_rows_is_read_with_its_currency():
    history = read_prices(workbook({"Prices": [["Apple Inc."], ["Currency", "USD"], [], *SHEET]}))
    assert same(history, DAILY)
    assert history.currency == "USD"


def test_the_only_sheet_with_prices_is_taken_and_of_several_one_is_asked_for():
    assert same(read_prices(workbook({"Notes": [["hello", "you"], ["a", "b"]], "Data": SHEET})), DAILY)
    book = workbook({"AAPL": SHEET, "MSFT": SHEET[:61]})
    with pytest.raises(NeedsChoice) as question:
        read_prices(book)
    assert (question.value.kind, question.value.options) == ("sheet", ("AAPL", "MSFT"))
    assert same(read_prices(book, sheet="MSFT"), DAILY[:60])
    assert same(read_prices(book, sheet=1), DAILY[:60])
    assert same(read_prices(zipped({"book.xlsx": book}), sheet="MSFT"), DAILY[:60])
    with pytest.raises(UnreadableFile, match="no sheet “GOOG”"):
        read_prices(book, sheet="GOOG")


def test_dates_as_serial_numbers_and_numbers_as_text_are_read_in_a_sheet():
    serials = [[(row[0] - datetime.datetime(1899, 12, 30)).days, *row[1:]] for row in SHEET[1:]]
    assert same(read_prices(workbook({"S": [SHEET[0], *serials]})), DAILY)
    text = [[row[0].strftime("%d.%m.%Y"), european(row[4])] for row in SHEET[1:]]
    assert same(read_prices(workbook({"S": [["Datum", "Schluss"], *text]})), CLOSE)


def test_numbers_of_a_sheet_are_not_mistaken_for_thousands():
    small = [[row[0], 1 + i / 1000] for i, row in enumerate(SHEET[1:])]
    np.testing.assert_allclose(read_prices(workbook({"S": [["Date", "Close"], *small]})).close, 1 + np.arange(120) / 1000)


def test_dates_that_a_spreadsheet_has_half_swapped_are_refused():
    rows = [[row[0] if row[0].day <= 12 else row[0].strftime("%d/%m/%Y"), row[4]] for row in SHEET[1:]]
    with pytest.raises(UnreadableFile, match="in no single order"):
        read_prices(workbook({"S": [["Date", "Close"], *rows]}))


def patched(part, content):
    """A workbook one of whose parts is replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook({"S": SHEET}))) as book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in book.namelist():
            new.writestr(name, content if name == part else book.read(name))
    return out.getvalue()


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/workbook.xml", b"<broken"),
        ("xl/worksheets/sheet1.xml", b"\0" * 1000),
        (
            "xl/styles.xml",
            b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>' + b"<xf/>" * 5_000_000,
        ),
        ("docProps/app.xml", b"0" * (container.MAX_BYTES + 1)),
    ],
)
def test_damaged_and_exploding_workbooks_are_refused_in_bounded_memory(part, content):
    with pytest.raises(UnreadableFile, match="Excel file"):
        read_prices(patched(part, content))


# Encodings


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1250", "mac_roman"]
)
def test_german_export_is_read_in_any_encoding(encoding):
    text = lines(DAILY, lambda d, v: f"{d:%d.%m.%Y};{european(v.Open)};{european(v.Close)}", "Datum;Eröffnung;Schlußkurs")
    assert same(read_prices(text.encode(encoding)), DAILY[["Open", "Close"]])


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("cp932", "日付,終値"),
        ("euc_jp", "日付,終値"),
        ("gb18030", "日期,收盘价"),
        ("big5", "日期,收盤價"),
        ("cp949", "날짜,종가"),
        ("cp1251", "Дата,Закрытие"),
        ("koi8_r", "Дата,Закрытие"),
        ("cp1254", "Tarih,Şimdi"),
        ("cp1253", "Ημερομηνία,Κλείσιμο"),
    ],
)
def test_headers_in_code_pages_of_the_world_are_known(encoding, header):
    data = closes(header="#").replace(b"#", header.encode(encoding))
    assert same(read_prices(data), CLOSE)


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("cp949", "날짜;시가(원);고가(원);저가(원);종가(원)"),
        ("cp949", "날짜;시가 [원];고가 [원];저가 [원];종가 [원]"),
        ("cp1254", "Tarih;Açılış(TL);Max(TL);Min(TL);Kapanış(TL)"),
        ("cp1250", "Datum;Otevření (CZK);Max;Min;Závěrečný (CZK)"),
    ],
)
def test_currency_behind_a_header_does_not_hide_the_code_page(encoding, header):
    text = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d};{v.Open};{v.High};{v.Low};{v.Close}", header)
    history = read_prices(text.encode(encoding))
    assert same(history, DAILY)
    assert f"The text was read as {encoding.upper()}." in history.notes


def test_letters_of_an_unknown_header_are_not_taken_for_those_of_a_mac():
    history = read_prices(closes(header="기간,기준가격").decode().encode("cp949"))
    assert same(history, CLOSE)
    assert not any("MAC" in note for note in history.notes)


def test_currency_signs_of_a_code_page_are_read():
    assert read_prices(closes(number=lambda x: f"£{x}").decode().encode("cp1252")).currency == "GBP"
    assert read_prices(closes(number=lambda x: f"{european(x)} €", sep=";").decode().encode("cp1252")).currency == "EUR"


@pytest.mark.parametrize("encoding", ["cp1252", "iso8859_15"])
def test_currency_sign_behind_a_number_tells_the_code_page_without_a_known_header(encoding):
    text = closes(form="%d.%m.%Y", header="Tag;Schlußkurs Börse München", number=lambda x: f"{european(x)} €", sep=";").decode()
    history = read_prices(text.encode(encoding))
    assert same(history, CLOSE)
    assert history.currency == "EUR"


def test_nul_bytes_and_control_characters_are_removed_and_said():
    history = read_prices(closes().replace(b"150", b"15\x000", 1).replace(b"Close", b"Clo\x07se"))
    assert same(history, CLOSE)
    assert "2 control characters were removed." in history.notes
