"""What exporters write in their headers and cells, in the languages of the larger price sites.

Words are kept as `plain` makes them: lower case, without accents and punctuation.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["CURRENCIES", "FILLERS", "MAGNITUDE", "MAGNITUDES", "MISSING", "MONEY", "ROLES", "SIGNS", "plain"]

_LATIN = str.maketrans("ıłøđ", "ilod")  # letters that no accent makes


def plain(text: str) -> str:
    """'Close* ' -> 'close', 'adjClose' -> 'adj close', '<DATE>' -> 'date', 'Schluß (EUR)' -> 'schluss eur'."""
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    text = unicodedata.normalize("NFKD", text.casefold().translate(_LATIN))
    # Composing again keeps Korean syllables whole; what is left of an accent goes.
    text = unicodedata.normalize("NFC", "".join(c for c in text if not unicodedata.combining(c) or c in "\u3099\u309a"))
    return " ".join(re.sub(r"[^\w%]|_", " ", text).split())


# role: what a column with this header holds. 'other' are numbers that are not the price.
ROLES = {
    "date": """date, trade date, trading date, exchange date, observation date, time period, datum, fecha, data, dia, tarih,
        дата, dato, pvm, paivamaara, paiva, datetime, date time, timestamp, zeit, open time, time open, snapped at, trading day,
        session, day date, calendar date, period ending, as of date, effective date, time, gmt time, local time, start, begin,
        week, ημερομηνια, 日付, 日付け, 日期, 日時, 時間, 时间, 交易日期, 交易日, 날짜, 일자, 日, التاريخ, วันที่, ngay, tanggal,
        skrivdato, unix, unix timestamp, epoch, unix time, ds, dates, datums, kuupaev, datas, den, dtyyyymmdd, yyyymmdd, תאריך,
        วันเดือนปี, ngay thang, ts, mts, start time, window start""",
    "time": "time, hour, uhrzeit, heure, hora, ora, godzina, czas, время, saat, tid, klo, 時刻, 시간, clock, time of day",
    "year": "year, jahr, annee, ano, anno, rok, год, yil, jaar, 年, 연도, yr, yyyy, calendar year",
    "month": "month, monat, mois, mes, mese, miesiac, месяц, ay, maand, 月, 월, mm, mon",
    "day": "day, tag, jour, giorno, dzien, день, gun, dag, day of month, dd",
    "quarter": "quarter, quartal, trimestre, kwartal, qtr, квартал",
    "series": """ticker, symbol, sym, stock, security, instrument, asset, coin, pair, isin, wkn, ric, code, name, company,
        series, stock code, stock symbol, stock name, series id, 銘柄, 代码, 代號, 股票代码, 종목코드, 종목명, variable,
        country, location, commodity, index name, ticker symbol, security name, fund, product, currency pair, item, ts code,
        act symbol, base, short name, long name, product name, trading symbol, company name""",
    "open": """open, o, open price, opn pric, opening price, opening, first, eroffnung, eroffn, eroffnungskurs, erster, anfang,
        ouv, ouverture, apertura, abertura, otwarcie, kurs otwarcia, otwarcia, открытие, откр, acilis, oppen, apning,
        oppningskurs, avaus, opening kurs, openingskoers, abner, 始値, 開盤價, 开盘, 开盘价, 開盤, 開市, 開市價, 시가, nyito,
        oteviraci, otevreni, abning, abningskurs, ανοιγμα, פתיחה, שער פתיחה, الافتتاح, เปิด, ราคาเปิด, mo cua, pembukaan,
        deschidere""",
    "high": """high, h, high price, hgh pric, askhi, high 1, maks, en yuksek, highest, day high, hoch, tageshoch, plus haut,
        haut, maximo, max, massimo, maxima, maximum, najwyzszy, kurs maksymalny, kurs max, максимум, макс, yuksek, hogst,
        hogsta, hogstakurs, hoy, hoyeste, ylin, hoog, hoogste, 高値, 高, 最高, 最高价, 最高價, 고가, nejvyssi, magas, hoj,
        hojeste, υψηλο, גבוה, الأعلى, สูงสุด, ราคาสูงสุด, cao, cao nhat, tertinggi, maxim""",
    "low": """low, l, low price, lw pric, bidlo, low 1, en dusuk, lowest, day low, tief, tagestief, plus bas, bas, minimo, min,
        minimum, minima, najnizszy, kurs minimalny, kurs min, минимум, мин, dusuk, lagst, lagsta, lagstakurs, lav, laveste,
        alin, laag, laagste, 安値, 低, 最低, 最低价, 最低價, 저가, nejnizsi, alacsony, χαμηλο, נמוך, الأدنى, ต่ำสุด, ราคาต่ำสุด,
        thap, thap nhat, terendah, minim""",
    "close": """close, c, close price, cls, cls price, cl, cl price, official price, official close, official closing price,
        closing price, price close, closing, close last, last close, schlusskurs, schluss, schlusskurse, fermeture, cloture,
        cours de cloture, cierre, precio de cierre, chiusura, prezzo di chiusura, fechamento, fech, fecho, zamkniecie,
        zamkniecia, kurs zamkniecia, закрытие, закр, цена закрытия, kapanis, stangning, stangningskurs, slutkurs, slut,
        lukkekurs, sluttkurs, paatoskurssi, slotkoers, slot, sluiting, slotkurs, zavreni, zaverecny, zaro, zaroar, κλεισιμο,
        終値, 收盘, 收盘价, 收盤, 收盤價, 收市, 收市价, 收市價, 종가, clot, zaviraci, סגירה, שער סגירה, נעילה, שער נעילה,
        الإغلاق, إغلاق, ปิด, ราคาปิด, dong cua, penutupan, inchidere, closing value, close value, closing price last, last sale,
        close price last""",
    "last": """last, last traded, last price, lst, latest, latest price, son islem, zuletzt, letzter, dernier, dernier cours,
        ultimo, ultimo precio, ultima, ostatnio, ostatni, son, simdi, senast, senaste, sist, siste, seneste, viimeisin, laatste,
        laatste koers, 最新, 現在値, 현재가, τελευταια, אחרון, الأخير, ล่าสุด, lan cuoi, terakhir, posledni, last trade,
        last traded price, ltp, utolso, trdprc 1""",
    "settle": """settle, sttlm pric, settlement, settlement price, settle price, abrechnungspreis, sett, settlement value,
        daily settlement""",
    "price": """price, 주가, value, kurs, kurse, preis, wert, cours, prix, valeur, precio, valor, preco, cotacao, cotizacion,
        cena, wartosc, kurz, цена, курс, значение, fiyat, deger, pris, varde, kurssi, koers, waarde, prezzo, quotazione, valore,
        価格, 价格, 價格, 가격, nav, net asset value, index, index value, rate, exchange rate, obs value, observation value,
        mid, mid price, spot, spot price, fixing, fix, y, arfolyam, price index, index level, level, unit price, average price,
        avg price, price usd, market price, net value, fiyati, kurswert, 基準価額, 单位净值, rucknahmepreis, anteilswert, yield,
        quote, שער, السعر, ราคา, gia, harga, pret""",
    "adj close": """adj close, gia dieu chinh, dieu chinh, adjusted close, adjusted closing price, adj close price,
        adjusted price, close adjusted, close adj, adj price, adjusted, schlusskurs bereinigt, bereinigter schlusskurs,
        cierre ajustado, aj close, cloture ajustee, chiusura rettificata, fechamento ajustado, adj closing price, 調整後終値,
        前复权, 后复权, 수정종가""",
    "adj open": "adj open, adjusted open, adj open price, open adjusted, open adj",
    "adj high": "adj high, adjusted high, adj high price, high adjusted, high adj",
    "adj low": "adj low, adjusted low, adj low price, low adjusted, low adj",
    "adj volume": "adj volume, adjusted volume, volume adjusted, volume adj",
    "volume": """volume, vol, v, volumen, stuecke, stucke, umsatz stuck, volumes, volumi, quantita, wolumen, wol, obrot wol,
        объем, обьем, hacim, hac, volym, omsatt antal, vaihto kpl, 出来高, 成交量, 总手, 總手, 成交股數, 交易量, 거래량,
        total volume, total trade quantity, shares traded, no of shares, number of shares, traded volume, trade volume,
        share volume, objem, ογκος, נפח, מחזור, الحجم, ปริมาณ, kl, khoi luong, no of contracts, number of contracts,
        contracts traded, tickvol, tick volume, quantity, qty, day volume, volume traded, volume shares""",
    "other": """change, % change, change %, chg, % chg, chg %, %chg, var, var %, % var, variation, variation %, variacion,
        zmiana, zmiana %, изм, изм %, fark, fark %, verschil, verschil %, + %, veranderung, diff, difference, differenz, 변동,
        변동 %, 등락률, 대비, 变动, 涨跌幅, 涨跌额, 漲跌價差, 変化率 %, 前日比, net, net change, return, returns, pct change,
        percent change, change percent, change pct, changes, change in price, change over time, market cap,
        market capitalization, marktkapitalisierung, 시가총액, 상장주식수, capitalisation, circulating supply, turnover, umsatz,
        amount, 成交金額, 成交额, 거래대금, 売買代金, turnover lacs, value traded, obrot, total turnover, traded value,
        total traded value, 成交筆數, trades, number of trades, no of trades, tradecount, transactions, count, n,
        deliverable qty, deliverable volume, % deliverble, deliverable quantity, spread high low, spread close open, openint,
        open interest, oi, prev day open interest, offener kontrakt, liczba otwartych pozycji, dividends, dividend, ex dividend,
        dividend amount, div cash, dividende, stock splits, split ratio, split factor, split coefficient, split, splits,
        capital gains, spread, vwap, vw, wap, average, avg, ignore, close time, time close, time high, time low, time updated,
        quote volume, quote asset volume, base volume, taker buy volume, taker buy quote volume, taker buy base asset volume,
        taker buy quote asset volume, weight, prvs clsg pric, ycp, yesterday s closing price, previous day s close,
        last day close, vortag, prev, previous, 52w h, 52w l, 52 week high, 52 week low, high time, low time, id, row, nr, no,
        index no, unnamed 0, unnamed, flags, flag, period, per, frequency, freq, unit, units, decimals, status, note, notes,
        comment, remarks, adj factor, adjustment factor, sma, ema, rsi, macd, signal, ma, volatility, std, obs status,
        day of week, weekday, wochentag, μεταβολη %, שינוי %, تغير %, เปลี่ยน %, % เปลี่ยน, thay doi %, % thay doi, perubahan%,
        perubahan %, endring %, zmena %, valt %, ero %, 更改%, 漲跌幅%, 漲跌幅""",
    "currency": "currency, wahrung, devise, moneda, valuta, waluta, валюта, para birimi, 通貨, 货币, 통화, ccy, curr",
}
ROLES = {plain(word): role for role, words in ROLES.items() for word in words.split(",")} | {
    # A header that is both is decided by what the column holds.
    "time": "date", "day": "day", "data": "date", "index": "price", "y": "price"}

# Words in a header that say nothing of the series: 'Close price, daily' is 'close'.
FILLERS = {"index", "val", "price", "prices", "the", "of", "daily", "in", "value", "historical", "eod", "data", "per", "share",
           "at", "and"}

MISSING = {"", "-", "--", "---", "—", "–", ".", "..", "...", "null", "nan", "na", "n/a", "#n/a", "#n/a n/a", "none", "nat",
           "?", "*", "nd", "n.d.", "n.d", "k.a.", "k. a.", "s.o.", "n/e", "#value!", "#ref!", "#div/0!", "#name?", "#num!",
           "#null!", "nil", "missing", "<na>", "n.a.", "n.a", "bank holiday", "holiday", "closed", "void", "not available",
           "x", "(null)", "\\n"}

SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₴": "UAH", "₫": "VND", "₪": "ILS", "฿": "THB",
         "₱": "PHP", "zł": "PLN", "zl": "PLN", "kč": "CZK", "r$": "BRL", "us$": "USD", "a$": "AUD", "c$": "CAD", "hk$": "HKD",
         "nt$": "TWD", "s$": "SGD", "fr.": "CHF", "sfr.": "CHF", "rs.": "INR", "руб.": "RUB", "руб": "RUB", "元": "CNY",
         "円": "JPY", "원": "KRW", "$": "USD", "¥": None, "￥": None, "kr": None, "kr.": None, "p": None,
         "tl": "TRY", "rp": "IDR", "rp.": "IDR", "ft": "HUF", "rm": "MYR", "rs": "INR", "r": "ZAR", "lei": "RON", "лв": "BGN",
         "лв.": "BGN", "s/": "PEN", "mx$": "MXN", "₦": "NGN", "₿": "BTC", "ksh": "KES", "sr": "SAR", "р.": "RUB", "din.": "RSD",
         "¢": None}
CURRENCIES = {"USD", "EUR", "GBP", "JPY", "CNY", "CHF", "CAD", "AUD", "NZD", "INR", "KRW", "RUB", "TRY", "PLN", "CZK", "HUF",
              "SEK", "NOK", "DKK", "BRL", "MXN", "ZAR", "HKD", "SGD", "TWD", "THB", "ILS", "UAH", "IDR", "MYR", "PHP", "VND",
              "SAR", "AED", "RON", "BGN", "CLP", "ARS", "COP", "GBX", "USDT", "BTC", "ETH",
              "EGP", "NGN", "PEN", "KES", "RSD", "QAR", "KWD", "PKR", "LKR", "BDT", "ISK", "KZT", "MAD"}

MONEY = "|".join(sorted(map(re.escape, {*SIGNS, *(code.lower() for code in CURRENCIES)}), key=len, reverse=True))
MAGNITUDES = {"k": 1e3, "tsd": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "mln": 1e6, "million": 1e6,
              "b": 1e9, "bn": 1e9, "mrd": 1e9, "mld": 1e9, "billion": 1e9, "t": 1e12, "trillion": 1e12}
MAGNITUDE = rf"(?:{'|'.join(sorted(MAGNITUDES, key=len, reverse=True))})\.?"
