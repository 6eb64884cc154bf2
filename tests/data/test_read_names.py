"""`read_prices` on names that stand over the wrong column, say little, or say it in another language."""

import numpy as np
import pytest
from price_files import DAILY, lines, same

from forecasting.data.files import layout, read_prices
from forecasting.data.files.decisions import Decisions
from forecasting.data.files.grid import read_grid
from forecasting.errors import NeedsChoice, UnreadableFile


def candles(sep, stamp="{:%Y-%m-%d}"):
    return lambda d, v: sep.join([stamp.format(d), *map(str, (v.Open, v.High, v.Low, v.Close, int(v.Volume)))])


@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("names", [["Close"], ["Close", "Volume"], ["Open", "High", "Low", "Close", "Volume"]])
def test_a_blank_in_front_of_the_names_moves_none_of_them(sep, names):
    data = lines(DAILY, lambda d, v: sep.join([f"{d:%Y-%m-%d}", *(str(getattr(v, name)) for name in names)]),
                 sep + sep.join(["Date", *names])).encode()
    assert same(read_prices(data), DAILY)


def test_a_name_for_the_time_that_stands_with_the_date_moves_no_other():
    data = lines(DAILY, candles(",", "{:%Y.%m.%d} 00:00"), "Date,Time,Open,High,Low,Close,Volume").encode()
    assert same(read_prices(data), DAILY)


@pytest.mark.parametrize("header", [
    "FECHA;PRECIO APERTURA;PRECIO MÁXIMO;PRECIO MÍNIMO;PRECIO CIERRE;VOLUMEN",
    "Data;Preço de Abertura;Preço Máximo;Preço Mínimo;Preço de Fechamento;Volume",
    "Date;Cours Ouverture;Cours Plus Haut;Cours Plus Bas;Cours Clôture;Volume",
    "Date;Prix d'ouverture;Prix haut;Prix bas;Prix de clôture;Volume",
    "Datum;Kurs Eröffnung;Kurs Hoch;Kurs Tief;Kurs Schluss;Volumen",
    "Дата;Цена откр.;Цена макс.;Цена мин.;Цена закр.;Объем",
    "Data;Cena otwarcia;Cena maks.;Cena min.;Cena zamknięcia;Wolumen",
    "Tarih;Açılış Fiyatı;En Yüksek Fiyat;En Düşük Fiyat;Kapanış Fiyatı;Hacim",
    "Date;Price Open;Price High;Price Low;Price Last;Volume",
    "Date;OPEN_PRC;HIGH_1;LOW_1;TRDPRC_1;ACVOL_1",
])
def test_price_and_which_price_it_is_are_read_in_other_languages(header):
    assert same(read_prices(lines(DAILY, candles(";"), header).encode()), DAILY)


@pytest.mark.parametrize(("header", "options"), [
    ("Date,S&P 500,10 Year Treasury Yield", {"S&P 500", "10 Year Treasury Yield"}),
    ("Date,DAX,Dow Close", {"DAX", "Dow Close"}),
    ("Date,SP500,Real Price", {"SP500", "Real Price"}),
])
def test_a_series_called_by_its_ticker_is_not_passed_over_for_one_called_price(header, options):
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close},{v.Open}", header).encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, set(question.value.options)) == ("column", options)


def test_columns_that_are_nobodys_price_are_passed_over():
    data = lines(DAILY, lambda d, v: f"1,{d:%Y-%m-%d},{v.Close},{v.Open}", "nominal,data,AAPL,Strike Price").encode()
    assert same(read_prices(data), DAILY)


def test_an_indicator_beside_all_prices_of_a_ticker_is_no_question():
    data = lines(DAILY, lambda d, v: candles(",")(d, v) + ",1.1,2.2",
                 "Date,AAPL.Open,AAPL.High,AAPL.Low,AAPL.Close,AAPL.Volume,dn,mavg").encode()
    assert same(read_prices(data), DAILY)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("gap", [["", ""], []])
@pytest.mark.parametrize("number", [2, 3])
def test_series_side_by_side_keep_their_own_dates(number, gap, named):
    tickers = ["AAPL US Equity", "MSFT US Equity", "IBM US Equity"][:number]
    frames = [DAILY.shift(3 * i, freq="B") * (i + 1) for i in range(number)]
    above = [",".join([ticker, "", *gap]) for ticker in tickers]
    names = [",".join(["Dates", "PX_LAST", *gap])] * number
    rows = [",".join(",".join([f"{frame.index[i]:%Y-%m-%d}", str(frame["Close"].iloc[i]), *gap]) for frame in frames)
            for i in range(len(DAILY))]
    data = "\n".join([*([",".join(above)] if named else []), ",".join(names), *rows]).encode()
    called = tickers if named else ["PX_LAST", "PX_LAST (2)", "PX_LAST (3)"][:number]
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, question.value.options) == ("series", tuple(called))
    last = (2 + len(gap)) * (number - 1) + 1
    for answer in ({"series": called[-1].lower()}, {"column": f"PX_LAST ({number})"}, {"column": last}):
        assert same(read_prices(data, **answer), frames[-1])
    assert same(read_prices(data, series=called[0]), DAILY)
    assert not named or read_prices(data, series=called[0]).name == tickers[0]
    assert not any("skipped" in note for note in read_prices(data, series=called[0]).notes)
    with pytest.raises(UnreadableFile, match="GOOG"):
        read_prices(data, series="GOOG")


@pytest.mark.parametrize("number", ["{:,.2f}", "{:.2f}"])
def test_numbers_that_a_comma_has_cut_in_two_are_refused(number):
    def cut(value):
        return number.format(value * 100) if "," in number else number.format(value).replace(".", ",")

    with pytest.raises(UnreadableFile, match="cut them in two"):
        read_prices(lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{cut(v.Close)}").encode())


@pytest.mark.parametrize(("form", "currency"), [
    ("R {}", "ZAR"), ("{} Ft", "HUF"), ("RM{}", "MYR"), ("Rs {}", "INR"), ("{} lei", "RON"), ("S/ {}", "PEN"),
    ("MX$ {}", "MXN"), ("₦{}", "NGN"), ("EGP {}", "EGP"), ("{} р.", "RUB"), ("{} лв.", "BGN"), ("{}¢", None)])
def test_prices_are_read_with_the_currencies_of_many_countries(form, currency):
    history = read_prices(lines(DAILY, lambda d, v: f"{d:%Y-%m-%d};{form.format(v.Close)}", "Date;Close").encode())
    assert same(history, DAILY)
    assert history.currency == currency


def test_lines_above_the_table_with_names_of_prices_are_no_header():
    above = 'Index Level :,Price\nCurrency :,USD\nStyle : None\n\nDate,"WORLD Standard (Large+Mid Cap)"'
    assert same(read_prices(lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close}", above).encode()), DAILY)


def test_a_word_that_names_dates_in_another_language_is_no_header_in_a_row_with_a_date():
    data = lines(DAILY, lambda d, v: f'Trades,Data,Order,Stocks,USD,AAPL,"{d:%Y-%m-%d}, 10:30:00",1,{v.Close}',
                 "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price").encode()
    history = read_prices(data, column="T. Price")
    np.testing.assert_array_equal(history.close, DAILY["Close"])


def test_a_close_far_outside_the_days_range_is_a_name_over_the_wrong_column():
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},1,{v.Open},{v.High},{v.Low},{v.Close},{int(v.Volume)}",
                 "Date,Trades,Low,Open,High,VWAP,Close").encode()
    with pytest.raises(UnreadableFile, match="outside the day's high and low in 120 of 120 rows"):
        read_prices(data)
    assert read_prices(data, column="Close").close[0] == DAILY["Volume"].iloc[0]


@pytest.mark.parametrize("header", [
    "Last Trade,Price",
    '"",BBEX3.D.USD.EUR.BB.AC.000\nunit,USD (US dollar)\nlast update,2021-08-14 16:03:21',
])
def test_dates_are_found_under_any_name_where_nothing_else_holds_dates(header):
    assert same(read_prices(lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close}", header).encode()), DAILY)


@pytest.mark.parametrize("name", ["Stock Price", "Fund Price", "Asset Value", "Coin Price", "Country Index", "Gold Price"])
def test_whose_price_it_is_leaves_it_a_price(name):
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close},{int(v.Volume)}", f"Date,{name},Volume").encode()
    assert same(read_prices(data), DAILY)


@pytest.mark.parametrize("answer", [{"column": "BBB"}, {"series": "BBB"}])
def test_a_constant_column_can_be_asked_for(answer):
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close},7", "Date,AAA,BBB").encode()
    assert set(read_prices(data, **answer).close) == {7.0}


def test_a_word_for_dates_in_every_row_is_looked_at_once(monkeypatch):
    looked = []
    monkeypatch.setattr(layout, "_is_data", lambda row, original=layout._is_data: looked.append(row) or original(row))
    rows = "\n".join(f"Trades,Data,2016-01-{i % 28 + 1:02},{i}.5" for i in range(500))
    layout.find_table(read_grid(f"Trades,Header,Date,Price\n{rows}".encode(), Decisions({})), Decisions({}))
    assert len(looked) < 60


def test_a_letter_before_price_is_a_ticker():
    data = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close},{v.Open}", "Date,V Price,C Price").encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, set(question.value.options)) == ("series", {"V", "C"})
    assert same(read_prices(data, series="V"), DAILY)
