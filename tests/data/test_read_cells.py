"""`read_prices` on dates and numbers in the ways people write them."""

import numpy as np
import pandas as pd
import pytest
from price_files import CLOSE, DAILY, closes, known, lines, same

from forecasting.data.files import read_prices
from forecasting.errors import ForecastingError, NeedsChoice, UnreadableFile

MONTHLY = known(rows=120, start="2005-01-01", freq="MS")

# Dates


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y"])
def test_day_and_month_that_no_row_tells_apart_are_asked_for(form):
    data = closes(MONTHLY, form)
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert question.value.kind == "date_order"
    assert set(question.value.options) == {"day/month/year", "month/day/year"}
    assert question.value.preview[0]["as written"]
    order = "day/month/year" if form.startswith("%d") else "month/day/year"
    assert same(read_prices(data, date_order=order), MONTHLY[["Close"]])
    assert same(
        read_prices(data, date_order=order.upper().replace("DAY", "DD").replace("MONTH", "MM").replace("YEAR", "YYYY")),
        MONTHLY[["Close"]],
    )


def test_the_note_names_the_row_that_decides_day_and_month():
    assert "Dates were read as day/month/year because 31/03/2016 occurs." in read_prices(closes(form="%d/%m/%Y")).notes


def test_dates_that_contradict_each_other_are_refused():
    data = closes(DAILY[:60], "%d/%m/%Y") + closes(DAILY[60:], "%m/%d/%Y", header=None)
    with pytest.raises(UnreadableFile, match="in no single order"):
        read_prices(data)


def test_two_digit_years_follow_the_order_of_the_rows_into_the_last_century():
    long = known(rows=900, start="1931-01-01", freq="MS")
    history = read_prices(closes(long, "%d-%b-%y"))
    assert same(history, long[["Close"]])
    assert "Two-digit years were read as 1931 to 2005." in history.notes


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ([f"{1950 + i // 4}Q{i % 4 + 1}" for i in range(80)], "1950-01-01", "1969-10-01"),
        ([f"Q{i % 4 + 1} {1950 + i // 4}" for i in range(80)], "1950-01-01", "1969-10-01"),
        ([f"{1950 + i // 12}M{i % 12 + 1:02}" for i in range(80)], "1950-01-01", "1956-08-01"),
        ([f"{1950 + i // 12 + i % 12 / 12:.4f}" for i in range(80)], "1950-01-01", "1956-08-01"),
        ([str(year) for year in range(1871, 1951)], "1871-01-01", "1950-01-01"),
        ([f"2016-W{i + 1:02}" for i in range(52)], "2016-01-04", "2016-12-26"),
        ([f"{i + 1}. März {1950 + i}" for i in range(20)], "1950-03-01", "1969-03-20"),
        ([f"{i + 1} de mayo de {1950 + i}" for i in range(20)], "1950-05-01", "1969-05-20"),
        ([f"May {i + 1}st, {1950 + i}" for i in range(20)], "1950-05-01", "1969-05-20"),
        ([f"105/03/{i:02}" for i in range(1, 31)], "2016-03-01", "2016-03-30"),
    ],
)
def test_periods_and_dates_in_words_are_read(text, first, last):
    history = read_prices(("Date;Value\n" + "".join(f"{cell};{100 + i}.5\n" for i, cell in enumerate(text))).encode())
    assert list(history.dates[[0, -1]]) == [pd.Timestamp(first), pd.Timestamp(last)]
    assert len(history) == len(text)


def test_year_and_month_in_columns_of_their_own_or_across_the_page_are_read():
    down = "Year,Month,Value\n" + "".join(f"{d.year},{d.month},{v}\n" for d, v in MONTHLY.Close.items())
    period = "Series ID,Year,Period,Value\n" + "".join(f"CPI,{d.year},M{d.month:02},{v}\n" for d, v in MONTHLY.Close.items())
    across = "Year,Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec\n" + "".join(
        f"{2005 + i}," + ",".join(str(v) for v in MONTHLY.Close[12 * i : 12 * i + 12]) + "\n" for i in range(10)
    )
    turned = "," + ",".join(f"{d:%Y-%m-%d}" for d in MONTHLY.index) + "\nAAPL," + ",".join(map(str, MONTHLY.Close)) + "\n"
    for text in (down, period, across, turned):
        assert same(read_prices(text.encode()), MONTHLY[["Close"]])


def test_date_and_time_in_two_columns_make_one_stamp():
    hourly = known(rows=100, freq="h", start="2018-01-30 16:00")
    for form in ("%Y-%m-%d,%H:%M", "%d/%m/%Y,%I:%M %p", "%Y%m%d,%H%M%S"):
        assert same(read_prices(closes(hourly, form, "Date,Time,Close")), hourly[["Close"]])


def test_offsets_are_dropped_and_the_local_day_kept():
    history = read_prices(closes(form="%Y-%m-%dT00:00:00+09:00"))
    assert same(history, CLOSE)
    assert any("+09:00" in note for note in history.notes)


def test_the_hour_that_summer_time_repeats_keeps_its_last_row():
    stamps = pd.date_range("2018-10-27 22:00", periods=60, freq="h", tz="UTC").tz_convert("Europe/Berlin")
    text = "Date,Close\n" + "".join(f"{t:%Y-%m-%d %H:%M},{100 + i}\n" for i, t in enumerate(stamps))
    history = read_prices(text.encode())
    assert len(history) == 59
    assert history.frame.loc["2018-10-28 02:00", "Close"] == 103
    assert any("date occurs again" in note for note in history.notes)


@pytest.mark.parametrize("cell", ["31-Mar", "Mar {}", "1.61205E+12", "1395/01/{:02}", "{}/1/2559", "{:02}:30"])
def test_dates_without_a_certain_meaning_are_refused(cell):
    text = "Date,Close\n" + "".join(f"{cell.format(i % 28 + 1)},{100 + i}.5\n" for i in range(60))
    with pytest.raises(ForecastingError):
        read_prices(text.encode())


def test_time_since_1970_may_begin_before_it_and_change_its_unit():
    days = known(rows=9000, start="1962-01-01", freq="D")
    late = known(rows=200, start="2016-03-31", freq="D")
    for unit in (1, 10**3, 10**6, 10**9):
        text = "Date,Close\n" + "".join(f"{int(d.timestamp()) * unit},{v}\n" for d, v in days.Close.items())
        assert same(read_prices(text.encode()), days[["Close"]])
        mixed = [f"{int(d.timestamp()) * (unit if i < 90 else 1)},{v}" for i, (d, v) in enumerate(late.Close.items())]
        assert same(read_prices("\n".join(["unix,close", *mixed]).encode()), late[["Close"]])


def test_time_since_1970_in_powers_of_ten_is_read_where_no_digit_is_lost():
    text = "".join(f"{d.timestamp():.18e} {v:.18e}\n" for d, v in DAILY.Close.items())
    assert same(read_prices(text.encode()), CLOSE)


@pytest.mark.parametrize(
    "form",
    [
        "%a %b %d %H:%M:%S %Y",
        "%a %b %d 00:00:00 EDT %Y",
        "%d.%m.%Y г.",
        "%Y%m%dT000000Z",
        "%Y%m%d  16:00:00 US/Eastern",
        "%d %m %Y",
        "%Y/%m/%d(%a)",
        "%a %d/%m/%Y",
    ],
)
def test_dates_of_programs_and_languages_are_read(form):
    assert same(read_prices(closes(form=form)), CLOSE)


def test_months_between_days_are_subtotals_and_left_out():
    rows = []
    for (year, month), days in DAILY.Close.groupby([DAILY.index.year, DAILY.index.month]):
        rows += [*(f"{d:%Y-%m-%d},{v}" for d, v in days.items()), f"{year}-{month:02},{days.mean():.2f}"]
    assert same(read_prices("\n".join(["Date,Close", *rows]).encode()), CLOSE)
    early = MONTHLY[:100]
    text = closes(early, "%Y-%m") + closes(header=None)
    assert len(read_prices(text)) == 220


def test_month_of_one_digit_is_read_unless_it_may_be_a_quarter():
    text = "Date,Close\n" + "".join(f"{d.year}/{d.month},{v}\n" for d, v in MONTHLY.Close.items())
    assert same(read_prices(text.encode()), MONTHLY[["Close"]])
    text = "Date,Close\n" + "".join(f"{1950 + i // 4}-{i % 4 + 1},{100 + i}.5\n" for i in range(80))
    with pytest.raises(UnreadableFile):
        read_prices(text.encode())


def test_october_that_a_spreadsheet_shortened_is_no_january():
    text = "Date,Close\n" + "".join(f"{round(d.year + d.month / 100, 2)},{v}\n" for d, v in MONTHLY.Close.items())
    assert "2005.1," in text
    assert same(read_prices(text.encode()), MONTHLY[["Close"]])


def test_rows_are_not_left_out_because_a_month_is_written_in_unknown_words():
    text = closes(known(), "%d %b %Y").replace(b"Nov", b"Xyzzy")
    with pytest.raises(UnreadableFile, match="Xyzzy"):
        read_prices(text)


@pytest.mark.parametrize(
    "months",
    [
        "Jänner Feber März April Mai Juni Juli August September Oktober November Dezember",
        "ledna února března dubna května června července srpna září října listopadu prosince",
        "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
        "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta "
        "joulukuuta",
        "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        "Jan Feb Mar Apr Mei Jun Jul Agu Sep Okt Nov Des",
    ],
)
def test_all_twelve_months_of_a_language_are_known(months):
    names = months.split()
    text = "Date;Close\n" + "".join(f"{d.day}. {names[d.month - 1]} {d.year};{v}\n" for d, v in known().Close.items())
    assert same(read_prices(text.encode()), known()[["Close"]])


def test_year_and_week_in_columns_of_their_own_make_mondays():
    weeks = known(rows=120, start="2016-01-04", freq="W-MON")
    text = "Year,Week,Close\n" + "".join(f"{d:%G},{int(d.strftime('%V'))},{v}\n" for d, v in weeks.Close.items())
    assert same(read_prices(text.encode()), weeks[["Close"]])


def test_two_and_four_digit_years_of_one_column_share_the_order_that_one_of_them_decides():
    assert same(read_prices(closes(DAILY[:60], "%d/%m/%y") + closes(DAILY[60:], "%d/%m/%Y", header=None)), CLOSE)


def test_day_of_the_download_is_not_taken_for_the_date():
    text = lines(DAILY, lambda d, v: f"2018-12-31,{d:%Y-%m-%d},{v.Close}", "Downloaded,Day,Close")
    assert same(read_prices(text.encode()), CLOSE)


def test_numbers_that_only_count_are_no_years_and_no_serial_numbers():
    for first in (1900, 40_000):
        with pytest.raises(UnreadableFile):
            read_prices(("id,Close\n" + "".join(f"{first + i},{i}.5\n" for i in range(100))).encode())


@pytest.mark.parametrize(
    "write",
    [
        lambda d: f"{d.quarter}/{d.year}",
        lambda d: f"0{d.quarter}/{d.year}",
        lambda d: f"{d.year}-0{d.quarter}",
        lambda d: f"{d.year}-{d.quarter}",
        lambda d: f"{d.year}0{d.quarter}",
    ],
)
@pytest.mark.parametrize("name", ["Quarter", "Year/Quarter"])
def test_numbered_quarters_are_read_under_their_name_and_refused_under_another(write, name):
    quarters = known(rows=40, start="2005-01-01", freq="QS")
    rows = "".join(f"{write(d)},{v}\n" for d, v in quarters.Close.items())
    assert same(read_prices(f"{name},Index\n{rows}".encode()), quarters[["Close"]])
    with pytest.raises(UnreadableFile, match="quarters as well as months"):
        read_prices(f"Date,Index\n{rows}".encode())


def test_months_under_a_quarter_s_name_that_go_beyond_four_stay_months():
    quarters = known(rows=40, start="2005-01-01", freq="QS")
    for form in ("%m/%Y", "%Y%m"):
        assert same(read_prices(closes(quarters, form, "Quarter,Close")), quarters[["Close"]])
    four = known(rows=4, start="2005-01-01", freq="MS")
    assert same(read_prices(closes(four, "%Y-%m")), four[["Close"]])


@pytest.mark.parametrize("name", ["Month", "Mois", "Date"])
def test_months_of_six_digits_are_read_under_any_name_of_theirs(name):
    assert same(read_prices(closes(MONTHLY, "%Y%m", f"{name},Index")), MONTHLY[["Close"]])


def test_years_below_months_of_six_digits_are_left_out_and_counted():
    years = "".join(f"{year},100.5\n" for year in range(2005, 2015))
    history = read_prices(closes(MONTHLY, "%Y%m") + years.encode())
    assert same(history, MONTHLY[["Close"]])
    assert any(note.startswith("10 years") and "left out" in note for note in history.notes)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("hours", [("09:30", 7), ("08:00", 14), ("09:30 16:00", 2)])
def test_clock_of_twelve_hours_without_am_or_pm_is_refused(reverse, hours):
    first, rows = hours
    days = pd.bdate_range("2021-03-15", periods=10)
    clocks = [pd.Timedelta(f"{clock}:00") for clock in first.split()]
    clocks = clocks if len(clocks) > 1 else [clocks[0] + pd.Timedelta(hours=i) for i in range(rows)]
    stamps = [day + clock for day in days for clock in clocks]
    stamps = stamps[::-1] if reverse else stamps
    for form in ("%m/%d/%Y,%I:%M", "%Y-%m-%d,%I:%M:00"):
        text = "Date,Time,Close\n" + "".join(f"{t.strftime(form)},{100 + i}.5\n" for i, t in enumerate(stamps))
        with pytest.raises(UnreadableFile, match=r"without AM or PM.*1:30 PM"):
            read_prices(text.encode())
    text = "Date,Close\n" + "".join(f"{t:%Y-%m-%d %I:%M %p},{100 + i}.5\n" for i, t in enumerate(stamps))
    assert list(read_prices(text.encode()).dates) == sorted(stamps)


@pytest.mark.parametrize("reverse", [False, True])
def test_mornings_on_a_clock_of_24_hours_are_read(reverse):
    stamps = [day + pd.Timedelta(minutes=30 * i) for day in pd.bdate_range("2021-03-15", periods=10) for i in range(14, 26)]
    stamps = stamps[::-1] if reverse else stamps
    text = "Date,Close\n" + "".join(f"{t:%Y-%m-%d %H:%M},{100 + i}.5\n" for i, t in enumerate(stamps))
    assert list(read_prices(text.encode()).dates) == sorted(stamps)


def test_years_of_the_republic_of_china_before_its_hundredth_are_read():
    history = known(rows=300, start="2010-06-01")
    twse = "日期,成交股數,開盤價,最高價,最低價,收盤價,漲跌價差"
    for days, header in ((history[:40], twse), (history[:100], twse), (history, twse), (history, "Date,V,O,H,L,Close,D")):
        rows = "".join(
            f'{d.year - 1911}/{d:%m/%d},"{v.Volume:,.0f}",{v.Open},{v.High},{v.Low},{v.Close},+1.00\n'
            for d, v in zip(days.index, days.itertuples(), strict=True)
        )
        got = read_prices(f"{header}\n{rows}說明:\n1.本資料\n2.單位\n".encode(), column=header.split(",")[5])
        assert got.frame["Close"].equals(days["Close"])
        assert any("Republic of China" in note for note in got.notes)
    assert same(read_prices(closes(known(rows=200, start="1999-03-01"), "%y/%m/%d")), known(rows=200, start="1999-03-01")[["Close"]])


def test_clock_without_zeros_in_front_is_understood_from_the_whole_column():
    stamps = known(rows=600, start="2021-01-04", freq="min")
    for form in ("%H%M%S", "%H%M"):
        rows = "".join(f"{d:%Y%m%d},{int(d.strftime(form))},{v}\n" for d, v in stamps.Close.items())
        assert same(read_prices(f"Date,Time,Close\n{rows}".encode()), stamps[["Close"]])


def in_utc(zone, clock, days):
    """A file of daily rows at a local time, as stamps in UTC."""
    stamps = (days.index + pd.Timedelta(f"{clock}:00")).tz_localize(zone).tz_convert("UTC")
    return "Date,Close\n" + "".join(f"{t:%Y-%m-%dT%H:%M:%SZ},{v}\n" for t, v in zip(stamps, days.Close, strict=True)), stamps


@pytest.mark.parametrize(
    ("zone", "clock", "freq"),
    [
        ("Australia/Sydney", "10:00", "B"),
        ("Australia/Adelaide", "10:00", "B"),
        ("Europe/London", "00:00", "B"),
        ("Europe/London", "00:00", "D"),
        ("America/New_York", "19:00", "B"),
        ("America/New_York", "16:00", "B"),
        ("America/New_York", "09:30", "B"),
    ],
)
@pytest.mark.parametrize("start", ["2016-01-04", "2016-07-04"])
def test_one_local_time_is_one_day_in_summer_and_in_winter(zone, clock, freq, start):
    days = known(rows=500, start=start, freq=freq)
    iso, stamps = in_utc(zone, clock, days)
    epoch = "time,close\n" + "".join(f"{int(t.timestamp())},{v}\n" for t, v in zip(stamps, days.Close, strict=True))
    assert same(read_prices(epoch.encode()), days[["Close"]])
    assert same(read_prices(iso.encode()), days[["Close"]])


@pytest.mark.parametrize(("zone", "freq"), [("Asia/Tokyo", "B"), ("Europe/Berlin", "B"), ("Europe/Berlin", "D"), ("Europe/Berlin", "MS")])
def test_that_midnights_in_the_east_fall_on_the_day_before_in_utc_is_said(zone, freq):
    days = known(rows=500, start="2016-01-04", freq=freq)
    text, stamps = in_utc(zone, "00:00", days)
    history = read_prices(text.encode())
    assert list(history.dates) == list(stamps.tz_localize(None).normalize())
    assert any("each row is of the day after" in note for note in history.notes)


# Numbers


def test_thousands_that_could_be_decimals_are_asked_about():
    data = closes(number=lambda x: f"{x:.3f}".replace(".", ","), sep=";")
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert question.value.kind == "decimal"
    assert question.value.preview[0]["decimal ,"] == "150.19"
    assert same(read_prices(data, decimal=","), CLOSE)
    np.testing.assert_allclose(read_prices(data, decimal=".").close, 1000 * DAILY.Close)


def test_another_column_tells_thousands_from_decimals():
    text = lines(
        DAILY,
        lambda d, v: f"{d:%Y-%m-%d};{v.Close:,.3f};{v.Volume:,.0f}".replace(".", ";;").replace(",", ".").replace(";;", ","),
        "Date;Close;Volume",
    )
    assert same(read_prices(text.encode()), DAILY[["Close", "Volume"]])


@pytest.mark.parametrize(
    ("number", "factor"),
    [
        (lambda x: f"{x:.2f}%", 1),
        (lambda x: f"${x:.2f}", 1),
        (lambda x: f"{x:.2f} USD", 1),
        (lambda x: f"({x:.2f})", -1),
        (lambda x: f"{x:.2f}-", -1),
        (lambda x: f"\u2212{x:.2f}", -1),
        (lambda x: f"{x / 1000:.5f}K", 1),
        (lambda x: f"{x:.4e}", 1),
        (lambda x: f"'{x:.2f}", 1),
        (lambda x: f'="{x:.2f}"', 1),
        (lambda x: f" {x:.2f} ", 1),
        (lambda x: f"R$ {x:.2f}", 1),
        (lambda x: f"{x:.2f} (EUR)", 1),
        (lambda x: f"{x:.2f} TL", 1),
        (lambda x: f"{x:.2f}*", 1),
        (lambda x: f"{x:.2f} (e)", 1),
    ],
)
def test_numbers_in_their_wrappings_are_read(number, factor):
    np.testing.assert_allclose(read_prices(closes(number=number)).close, factor * DAILY.Close)


def test_indian_and_spaced_thousands_are_read():
    indian = closes(number=lambda x: f'"12,34,{int(x)}.50"')
    np.testing.assert_array_equal(read_prices(indian).close, 1_234_000.5 + DAILY.Close.astype(int))
    spaced = closes(number=lambda x: f"1\u00a0{int(x)},50", sep=";")
    np.testing.assert_array_equal(read_prices(spaced).close, 1_000.5 + DAILY.Close.astype(int))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (lambda x: "up" if x > 150 else "down", "No column of this file holds numbers"),
        (lambda x: "=A1+1", "holds numbers"),
        (lambda x: 0, "is zero"),
        (lambda x: "inf", "no date with a price"),
        (lambda x: f"110'{int(x) % 32:02}0", "are not numbers"),
        (lambda x: f"110'{int(x) % 32:02}", "numbers"),
        (lambda x: f"{x}" if x > 150 else "n.v.?", "cells are not numbers"),
    ],
)
def test_prices_that_are_none_are_refused_with_an_example(number, words):
    with pytest.raises(UnreadableFile, match=words):
        read_prices(closes(number=number))


def test_decimal_commas_between_commas_are_refused():
    with pytest.raises(UnreadableFile, match="more numbers than that"):
        read_prices(closes(number=lambda x: f"{x:.2f}".replace(".", ",")))
