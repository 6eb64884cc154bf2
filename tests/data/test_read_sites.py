"""Exports of the sites that people download prices from, each made here in that site's manner."""

import numpy as np
import pandas as pd
import pytest
from price_files import european, known, lines, same

from forecasting.data.files import read_prices
from forecasting.data.interpretation import FIELDS as PARTS
from forecasting.errors import NeedsChoice

DAILY = known()
CRYPTO = known(level=27_000.0, freq="D")
ROUNDED = CRYPTO.assign(Volume=38_960_000.0)
HOURLY = known(rows=1500, freq="h", start="2018-01-10 16:00", level=1.2, digits=5)
OLD = known(rows=400, start="1998-11-02")


def csv(frame, form="%Y-%m-%d", header="Date,Open,High,Low,Close,Volume", sep=",", **options):
    def row(date, v):
        return sep.join([date.strftime(form), f"{v.Open}", f"{v.High}", f"{v.Low}", f"{v.Close}", f"{v.Volume:.0f}"])

    return lines(frame, row, header.replace(",", sep), **options)


def investing(header, form, decimal=","):
    def row(date, v):
        cells = [european(x) if decimal == "," else f"{x:,.2f}" for x in (v.Close, v.Open, v.High, v.Low)]
        volume = "38,96M" if decimal == "," else "38.96M"
        change = "-0,77%" if decimal == "," else "-0.77%"
        return ",".join(f'"{cell}"' for cell in [date.strftime(form), *cells, volume, change])

    return "\ufeff" + lines(CRYPTO, row, header, reverse=True)


def epoch(frame, unit, header="", order="ohlcv", sep=","):
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]

    def row(date, v):
        values = {"o": v.Open, "h": v.High, "l": v.Low, "c": v.Close, "v": v.Volume}
        return sep.join([str(int(date.timestamp()) * factor), *(str(values[key]) for key in order)])

    return lines(frame, row, header)


FILES = {
    "nasdaq": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: f"{d:%m/%d/%Y},${v.Close},{v.Volume:.0f},${v.Open},${v.High},${v.Low}",
            "Date,Close/Last,Volume,Open,High,Low",
            reverse=True,
        ),
    ),
    "marketwatch": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: f'{d:%m/%d/%Y},"{v.Open}","{v.High}","{v.Low}","{v.Close}","{v.Volume:,.0f}"',
            "Date,Open,High,Low,Close,Volume",
            reverse=True,
        ),
    ),
    "wsj": (DAILY, csv(DAILY, "%m/%d/%y", "Date, Open, High, Low, Close, Volume", sep=", ", reverse=True)),
    "investing en": (ROUNDED, investing('"Date","Price","Open","High","Low","Vol.","Change %"', "%m/%d/%Y", ".")),
    "investing fr": (ROUNDED, investing('"Date","Dernier","Ouv."," Plus Haut","Plus Bas","Vol.","Variation %"', "%d/%m/%Y")),
    "investing es": (ROUNDED, investing('"Fecha","Último","Apertura","Máximo","Mínimo","Vol.","% var."', "%d.%m.%Y")),
    "investing it": (ROUNDED, investing('"Data","Ultimo","Apertura","Massimo","Minimo","Vol.","Var. %"', "%d.%m.%Y")),
    "investing pt": (ROUNDED, investing('"Data","Último","Abertura","Máxima","Mínima","Vol.","Var%"', "%d.%m.%Y")),
    "investing nl": (ROUNDED, investing('"Datum","Laatste","Open","Hoog","Laag","Vol.","Verschil %"', "%d-%m-%Y")),
    "investing pl": (ROUNDED, investing('"Data","Ostatnio","Otwarcie","Max.","Min.","Wol.","Zmiana%"', "%d.%m.%Y")),
    "investing ru": (ROUNDED, investing('"Дата","Цена","Откр.","Макс.","Мин.","Объём","Изм. %"', "%d.%m.%Y")),
    "investing tr": (ROUNDED, investing('"Tarih","Şimdi","Açılış","Yüksek","Düşük","Hac.","Fark %"', "%d.%m.%Y")),
    "investing sv": (ROUNDED, investing('"Datum","Senast","Öppen","Högst","Lägst","Vol.","+/-%"', "%Y-%m-%d")),
    "investing ja": (ROUNDED, investing('"日付け","終値","始値","高値","安値","出来高","変化率 %"', "%Y年%m月%d日", ".")),
    "investing ko": (ROUNDED, investing('"날짜","종가","시가","고가","저가","거래량","변동 %"', "%Y- %m- %d", ".")),
    "investing zh": (ROUNDED, investing('"日期","收盘","开盘","高","低","交易量","涨跌幅"', "%Y-%m-%d", ".")),
    "macrotrends": (
        DAILY,
        'Macrotrends Data Download\n\n\n"DISCLAIMER AND TERMS OF USE: HISTORICAL STOCK DATA IS PROVIDED ""AS '
        'IS"" AND SOLELY"\nFOR INFORMATIONAL PURPOSES, NOT FOR TRADING PURPOSES OR ADVICE.\n\n\n'
        + csv(DAILY, header="date,open,high,low,close,volume"),
    ),
    "fred": (DAILY[["Close"]], "DATE,VALUE\n2016-03-30,.\n" + lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close}")),
    "fred new": (
        DAILY[["Close"]],
        "observation_date,DGS10\n2016-03-30,\n" + lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close}"),
    ),
    "ecb": (
        DAILY[["Close"]],
        lines(
            DAILY,
            lambda d, v: f'"{d:%Y-%m-%d}","{d:%d %b %Y}","{v.Close}"',
            '"DATE","TIME PERIOD","US dollar/Euro (EXR.D.USD.EUR.SP00.A)"',
        ),
    ),
    "bundesbank": (
        DAILY[["Close"]],
        '"";BBEX3.D.USD.EUR.BB.AC.000;BBEX3.D.USD.EUR.BB.AC.000_FLAGS\n"";"Euro-Referenzkurs der EZB";""\n'
        "Einheit;USD (US-Dollar);\nDimension;Eins;\nStand vom;2018-03-27 16:00:00;\n2016-03-30;.;Kein Wert vorhanden\n"
        + lines(DAILY, lambda d, v: f"{d:%Y-%m-%d};{european(v.Close)};"),
    ),
    "coinmarketcap": (
        CRYPTO,
        lines(
            CRYPTO,
            lambda d, v: (
                f'"{d:%Y-%m-%d}T00:00:00.000Z";"{d:%Y-%m-%d}T23:59:59.999Z";"{d:%Y-%m-%d}T12:07:00.000Z";'
                f'"{d:%Y-%m-%d}T01:02:00.000Z";"2781";{v.Open};{v.High};{v.Low};{v.Close};{v.Volume};319000000000.5;19248262;'
                f'"{d:%Y-%m-%d}T23:59:59.999Z"'
            ),
            "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;circulatingSupply;timestamp",
            reverse=True,
        ),
    ),
    "cryptodatadownload": (
        CRYPTO,
        "https://www.CryptoDataDownload.com\n"
        + lines(
            CRYPTO,
            lambda d, v: (
                f"{int(d.timestamp())},{d:%Y-%m-%d %H:%M:%S},BTC/USD,{v.Open},{v.High},{v.Low},{v.Close},{v.Volume},9.5"
            ),
            "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD",
            reverse=True,
        ),
    ),
    "cryptodatadownload 2019": (
        HOURLY,
        "https://www.CryptoDataDownload.com\n"
        + lines(
            HOURLY,
            lambda d, v: f"{d:%Y-%m-%d %I-%p},BTCUSD,{v.Open},{v.High},{v.Low},{v.Close},{v.Volume},9.5",
            "Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD",
            reverse=True,
        ),
    ),
    "binance microseconds": (
        HOURLY,
        lines(
            HOURLY,
            lambda d, v: (
                f"{int(d.timestamp())}000000,{v.Open},{v.High},{v.Low},{v.Close},{v.Volume},{int(d.timestamp())}999999,"
                f"{v.Volume * 2},100,{v.Volume / 2},{v.Volume / 3},0"
            ),
        ),
    ),
    "polygon": (
        HOURLY,
        lines(
            HOURLY,
            lambda d, v: f"{v.Volume},{v.Close},{v.Open},{v.Close},{v.High},{v.Low},{int(d.timestamp())}000,77",
            "v,vw,o,c,h,l,t,n",
        ),
    ),
    "epoch seconds": (CRYPTO, epoch(CRYPTO, "s", "time,open,high,low,close,volume")),
    "epoch nanoseconds": (CRYPTO, epoch(CRYPTO, "ns", "timestamp,open,high,low,close,volume")),
    "coinbase": (CRYPTO, epoch(CRYPTO, "s", "time,low,high,open,close,volume", "lhocv")),
    "ninjatrader": (DAILY, csv(DAILY, "%Y%m%d", "", sep=";")),
    "ninjatrader minutes": (HOURLY, csv(HOURLY, "%Y%m%d %H%M%S", "", sep=";")),
    "metatrader 5 daily": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: f"{d:%Y.%m.%d}\t{v.Open}\t{v.High}\t{v.Low}\t{v.Close}\t{v.Volume:.0f}\t0\t1",
            "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        ),
    ),
    "finam": (
        HOURLY,
        lines(
            HOURLY,
            lambda d, v: f"EURUSD;60;{d:%d/%m/%y};{d:%H%M%S};{v.Open};{v.High};{v.Low};{v.Close};{v.Volume:.0f}",
            "<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>",
        ),
    ),
    "dukascopy": (HOURLY, csv(HOURLY, "%d.%m.%Y %H:00:00.000", "Gmt time,Open,High,Low,Close,Volume")),
    "histdata": (HOURLY, csv(HOURLY, "%Y%m%d %H%M%S", "", sep=";")),
    "tiingo": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: (
                f"{d:%Y-%m-%d},{v.Close},{v.High},{v.Low},{v.Open},{v.Volume:.0f},{v.Close},{v.High},{v.Low},{v.Open},"
                f"{v.Volume:.0f},0.0,1.0"
            ),
            "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor",
        ),
    ),
    "alpha vantage": (DAILY, csv(DAILY, header="timestamp,open,high,low,close,volume", reverse=True)),
    "nasdaq data link futures": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.High},{v.Low},{v.Close + 1},0.5,{v.Close},{v.Volume:.0f},1000",
            "Date,Open,High,Low,Last,Change,Settle,Volume,Previous Day Open Interest",
            reverse=True,
        ),
    ),
    "bloomberg": (
        DAILY[["Close", "Volume"]],
        "Security,AAPL US Equity,\nStart Date,3/31/2016,\nEnd Date,3/27/2018,\nPeriod,D,\nCurrency,USD,\n,,\n"
        + lines(DAILY, lambda d, v: f"{d:%m/%d/%Y},{v.Close},{v.Volume:.0f}", "Date,PX_LAST,PX_VOLUME"),
    ),
    "nse": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: (
                f'"{d:%d-%b-%Y}","EQ","{v.Open}","{v.High}","{v.Low}","1.0","{v.Close}","{v.Close}","2.0","9.0","0.5",'
                f'"{v.Volume:.0f}","12,34,56,789.00","100"'
            ),
            '"Date ","series ","OPEN ","HIGH ","LOW ","PREV. CLOSE ","ltp ","close ","vwap ","52W H ","52W L ","VOLUME ","VALUE ",'
            '"No of trades "',
            reverse=True,
        ),
    ),
    "bse": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: f"{d:%-d-%B-%Y},{v.Open},{v.High},{v.Low},{v.Close},1.0,{v.Volume:.0f},5,9.0",
            "Date,Open Price,High Price,Low Price,Close Price,WAP,No.of Shares,No. of Trades,Total Turnover (Rs.)",
            reverse=True,
        ),
    ),
    "euronext": (
        DAILY,
        "Historical Data\nFrom 2016-03-31 to 2017-05-24\nFR0000120271\n"
        + csv(DAILY, "%d/%m/%Y", "Date;Open;High;Low;Close;Number of Shares", sep=";"),
    ),
    "nasdaq nordic": (
        DAILY[["High", "Low", "Close"]].assign(Volume=900.0),
        "sep=;\n"
        + lines(
            DAILY,
            lambda d, v: f"{d:%Y-%m-%d};1,0;2,0;{european(v.High)};{european(v.Low)};{european(v.Close)};5,0;900;17,5;3;",
            "Date;Bid;Ask;High price;Low price;Closing price;Average price;Total volume;Turnover;Trades;",
            reverse=True,
        ),
    ),
    "onvista": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: (
                f"{d:%d.%m.%Y};{european(v.Open)};{european(v.High)};{european(v.Low)};{european(v.Close)};{v.Volume:.0f}"
            ),
            "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen",
        ),
    ),
    "excel protected cells": (DAILY[["Close"]], lines(DAILY, lambda d, v: f'="{d:%Y-%m-%d}",="{v.Close}"', "Date,Close")),
    "r data frame": (
        DAILY[["Close"]],
        '"Date","Close"\n' + "".join(f'"{i}","{d:%Y-%m-%d}",{v}\n' for i, (d, v) in enumerate(DAILY.Close.items(), 1)),
    ),
    "pandas index": (
        DAILY[["Close"]],
        ",Date,Close\n" + "".join(f"{i},{d:%Y-%m-%d},{v}\n" for i, (d, v) in enumerate(DAILY.Close.items())),
    ),
    "pandas to_string": (DAILY[["Close"]], DAILY[["Close"]].reset_index().to_string(index=False)),
    "space aligned": (
        DAILY[["Close"]],
        lines(DAILY, lambda d, v: f"{d:%b %d, %Y}      {v.Close:>10}", "Date              Close"),
    ),
    "comments": (
        DAILY[["Close"]],
        "# source: a script\n# unit: USD\n" + lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close}", "Date,Close") + "# end\n",
    ),
    "stooq de": (DAILY, csv(DAILY, header="Datum,Eroffnung,Hoch,Tief,Schluss,Volumen")),
    "krx": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: f'"{d:%Y/%m/%d}","{v.Close}","0.5","0.1","{v.Open}","{v.High}","{v.Low}","{v.Volume:.0f}","9","8","7"',
            '"일자","종가","대비","등락률","시가","고가","저가","거래량","거래대금","시가총액","상장주식수"',
            reverse=True,
        ),
    ),
    "twse": (
        DAILY,
        '"105年03月 2330 台積電 各日成交資訊"\n'
        + lines(
            DAILY,
            lambda d, v: (
                f'"{d.year - 1911}/{d:%m/%d}","{v.Volume:,.0f}","9,123,456","{v.Open}","{v.High}","{v.Low}","{v.Close}",'
                '"+1.00","8,123",'
            ),
            '"日期","成交股數","成交金額","開盤價","最高價","最低價","收盤價","漲跌價差","成交筆數",',
        ),
    ),
    "cafef": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: f"VNM,{d:%Y%m%d},{v.Open},{v.High},{v.Low},{v.Close},{v.Volume:.0f}",
            "<Ticker>,<DTYYYYMMDD>,<Open>,<High>,<Low>,<Close>,<Volume>",
            reverse=True,
        ),
    ),
    "polygon flat files": (
        CRYPTO,
        lines(
            CRYPTO,
            lambda d, v: f"BTC,{v.Volume},{v.Open},{v.Close},{v.High},{v.Low},{int(d.timestamp())}000000000,7",
            "ticker,volume,open,close,high,low,began,transactions",
        ),
    ),
    "interactive brokers": (
        HOURLY,
        lines(
            HOURLY,
            lambda d, v: f"{d:%Y%m%d  %H:%M:%S},{v.Open},{v.High},{v.Low},{v.Close},{v.Volume},{v.Close},7",
            "date,open,high,low,close,volume,average,barCount",
        ),
    ),
    "oanda": (
        HOURLY[["Open", "High", "Low", "Close"]],
        lines(
            HOURLY,
            lambda d, v: f"{d:%Y-%m-%dT%H:%M:%S}.000000000Z,{v.Open},{v.High},{v.Low},{v.Close},True",
            "time,mid.o,mid.h,mid.l,mid.c,complete",
        ),
    ),
    "coindesk": (
        CRYPTO[["Open", "High", "Low", "Close"]],
        lines(
            CRYPTO,
            lambda d, v: f"{(d - CRYPTO.index[0]).days},BTC,{d:%Y-%m-%d},{v.Close},{v.Open},{v.High},{v.Low}",
            ",Currency,Date,Closing Price (USD),24h Open (USD),24h High (USD),24h Low (USD)",
        ),
    ),
    "boursorama": (
        DAILY,
        csv(DAILY, "%d/%m/%Y %H:%M", "date,ouv,haut,bas,clot,vol", sep="\t"),
    ),
    "euronext with last and close": (
        DAILY,
        lines(
            DAILY,
            lambda d, v: f"{d:%d/%m/%Y};{v.Open};{v.High};{v.Low};{v.Close + 1};{v.Close};{v.Volume:.0f};7",
            "Date;Open;High;Low;Last;Close;Number of Shares;Number of Trades",
            reverse=True,
        ),
    ),
    "two-digit years over the century": (OLD, csv(OLD, "%d-%b-%y", reverse=True)),
    "four header names in camel case": (
        DAILY[["Close"]],
        lines(DAILY, lambda d, v: f"{d:%Y%m%d},{v.Close}", "tradeDate,closePrice"),
    ),
}


@pytest.mark.parametrize("site", FILES)
def test_export_is_read_without_a_question(site):
    frame, text = FILES[site]
    history = read_prices(text.encode())
    assert same(history, frame), history.frame.tail(3)
    assert len(history.frame.columns) >= min(len(frame.columns), 2) or len(frame.columns) == 1


@pytest.mark.parametrize("site", FILES)
def test_export_reads_the_same_by_the_parts_that_were_taken(site):
    data = FILES[site][1].encode()
    history = read_prices(data)
    parts = {part: value for part in PARTS if (value := getattr(history.reading, part)) is not None}
    assert {"encoding", "delimiter", "header", "date", "column", "decimal"} <= set(parts)
    again = read_prices(data, **parts)
    pd.testing.assert_frame_equal(again.frame, history.frame)
    assert again.reading == history.reading
    for part, options in history.reading.options.items():
        assert parts[part] in options
        assert len(options) > 1


def test_quandl_export_prefers_the_adjusted_prices_where_the_raw_ones_split():
    rows = 200
    factor = np.where(np.arange(rows) < 120, 7.0, 1.0)
    text = lines(
        DAILY[:rows].assign(factor=factor),
        lambda d, v: ",".join(
            [
                f"{d:%Y-%m-%d}",
                *(f"{round(x * v.factor, 2)}" for x in (v.Open, v.High, v.Low, v.Close)),
                f"{v.Volume}",
                "0.0",
                "1.0",
                *(str(x) for x in (v.Open, v.High, v.Low, v.Close, v.Volume)),
            ]
        ),
        "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume",
        reverse=True,
    )
    history = read_prices(text.encode())
    assert same(history, DAILY[:rows])
    assert any("“Adj. Close” was used because “Close” jumps at splits" in note for note in history.notes)
    assert "Close" in history.alternatives
    raw = read_prices(text.encode(), column="Close")
    np.testing.assert_allclose(raw.close, DAILY.Close[:rows] * factor, atol=0.006)


def test_adjusted_close_beside_raw_prices_scales_open_high_and_low():
    text = lines(
        DAILY,
        lambda d, v: f"{d:%Y-%m-%d},{v.Open},{v.High},{v.Low},{v.Close},{v.Close / 2},{v.Volume}",
        "Date,Open,High,Low,Close,Adj Close,Volume",
    )
    assert same(read_prices(text.encode()), DAILY)
    adjusted = read_prices(text.encode(), column="Adj Close")
    np.testing.assert_allclose(adjusted.frame[["Open", "High", "Low", "Close"]], DAILY[["Open", "High", "Low", "Close"]] / 2)
    assert any("scaled" in note for note in adjusted.notes)


def test_headerless_file_whose_columns_cannot_be_told_asks():
    text = lines(DAILY, lambda d, v: f"{d:%Y-%m-%d},{v.Close},{v.Close + 1},{v.Volume}")
    with pytest.raises(NeedsChoice) as question:
        read_prices(text.encode())
    assert question.value.kind == "column"
    assert same(read_prices(text.encode(), column="column 2"), DAILY[["Close"]])
    assert same(read_prices(text.encode(), column=1), DAILY[["Close"]])


def test_new_york_midnights_in_utc_are_one_row_a_day_across_daylight_saving():
    stamps = DAILY.index.tz_localize("America/New_York").tz_convert("UTC")
    text = "t,c\n" + "".join(f"{int(t.timestamp())}000,{close}\n" for t, close in zip(stamps, DAILY.Close, strict=True))
    assert same(read_prices(text.encode(), column="c"), DAILY[["Close"]])
