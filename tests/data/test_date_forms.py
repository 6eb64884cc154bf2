"""What one column of text is as dates or times of day: every form, in every language, alone and mixed."""

import pandas as pd
import pytest
from babel.dates import format_date
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecasting.data.files import calendar_words, date_forms
from forecasting.data.files.calendar_words import LANGUAGES, is_weekday, month_number, quarter_number
from forecasting.data.files.date_forms import FORMS, looks_like_date, may_be_quarters, order_named, read_clocks, read_dates

# The words of other price sites by month, as they were collected before CLDR's were used.
COLLECTED = """
1 january januar janvier enero gennaio janeiro januari styczen stycznia январь января ocak leden ledna tammikuu
tammikuuta ianuarie janner jaenner jaanuar gener ιανουαριος ιανουαριου січень січня януари 2 february februar fevrier
febrero febbraio fevereiro februari luty lutego февраль февраля subat unor unora helmikuu helmikuuta februarie feb feber
veebruar φεβρουαριος φεβρουαριου лютий лютого февруари 3 march mar marz maerz mrz mrt mars marzo marco maart marzec
marca март марта mart brezen brezna maaliskuu maaliskuuta martie marcius maret marts μαρτιος μαρτιου березень березня 4
april avril abril aprile kwiecien kwietnia апрель апреля nisan duben dubna huhtikuu huhtikuuta aprilie aprilis aprill
απριλιος απριλιου квітень квітня 5 may mai mayo maggio maio mei maj maja май мая mayis kveten kvetna toukokuu toukokuuta
majus maig μαιος μαιου травень травня 6 june juni juin junio giugno junho czerwiec czerwca июнь июня haziran cerven
cervna kesakuu kesakuuta iunie junius juuni juny ιουνιος ιουνιου червень червня юни 7 july juli juillet julio luglio
julho lipiec lipca июль июля temmuz cervenec cervence heinakuu heinakuuta iulie julius juuli juliol ιουλιος ιουλιου
липень липня юли 8 august aout agosto augustus augusti sierpien sierpnia август августа agustos srpen srpna elokuu
elokuuta augusztus agustus αυγουστος αυγουστου серпень серпня 9 september septembre septiembre settembre setembro
wrzesien wrzesnia сентябрь сентября eylul zari syyskuu syyskuuta szeptember septembrie setembre σεπτεμβριος σεπτεμβριου
вересень вересня септември 10 october oktober octobre octubre ottobre outubro pazdziernik pazdziernika октябрь октября
ekim rijen rijna lokakuu lokakuuta octombrie oktoober οκτωβριος οκτωβριου жовтень жовтня октомври 11 november novembre
noviembre novembro listopad listopada listopadu ноябрь ноября kasim marraskuu marraskuuta noiembrie νοεμβριος νοεμβριου
листопад листопада ноември 12 december desember dezember decembre diciembre dicembre dezembro grudzien grudnia декабрь
декабря aralik prosinec prosince joulukuu joulukuuta decembrie detsember desembre δεκεμβριος δεκεμβριου грудень грудня
декември"""
WEEKDAYS = """mon tue wed thu fri sat sun tues weds thur thurs monday tuesday wednesday thursday friday saturday sunday
mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag lundi mardi mercredi jeudi
vendredi samedi dimanche lun mer jeu ven sam dim lunes martes miercoles jueves viernes sabado domingo mie jue vie sab
dom lunedi martedi mercoledi giovedi venerdi domenica gio segunda terca quarta quinta sexta feira maandag dinsdag
woensdag donderdag vrijdag zaterdag zondag pn wt sr czw pt sob nd пн вт ср чт пт сб вс"""
# CLDR writes dates of these with words that are not known: Thai eras, Hungarian weekdays of one letter, particles.
WRITTEN_OTHERWISE = {"th", "lt", "lv", "eu", "kk", "he", "hu", "et", "az", "sq", "ga"}


def column(cells):
    return pd.Series(list(cells), dtype="str")


def read(cells, **options):
    """The dates of the only reading."""
    (reading,) = read_dates(column(cells), **options)
    return reading


def days(reading):
    return [str(day.date()) if pd.notna(day) else None for day in reading.values]


@pytest.mark.parametrize(("cell", "day", "form"), [(cell, form.day, form) for form in FORMS for cell in form.examples])
def test_every_form_is_recognised_and_read_to_the_day_it_means(cell, day, form):
    assert looks_like_date(cell, whole_numbers=cell.replace(".", "").isdecimal())
    cells = [cell, cell.replace("Mar", "Apr")] if form.unit == "month" else [cell]  # 'Mar-18' needs a neighbour
    assert day in [days(reading)[0] for reading in read_dates(column(cells))]


def test_every_form_has_an_example():
    assert all(form.examples for form in FORMS)


def test_no_month_that_was_known_is_lost():
    month = 0
    for word in COLLECTED.split():
        month = int(word) if word.isdecimal() else month
        if not word.isdecimal():
            assert month_number(word) == month, word
    assert month == 12


def test_months_are_known_by_their_abbreviations_and_without_accents():
    known = {"Mrz": 3, "mrt": 3, "janv.": 1, "sept": 9, "Sept.": 9, "févr": 2, "Fevr": 2, "août": 8, "Agu": 8, "Des": 12,
             "Ağu": 8, "mag": 5, "Dez": 12, "окт.": 10, "μαΐου": 5, "M03": None, "jui": None, "Open": None, "": None}
    assert {word: month_number(word) for word in known} == known


def test_no_weekday_that_was_known_is_lost():
    assert [word for word in WEEKDAYS.split() if not is_weekday(word)] == []


def test_a_month_of_two_languages_is_that_of_the_language_of_the_column():
    croatian = "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga prosinca"
    polish = "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
    finnish = "tam hel maa huh tou kes hei elo syy lok mar jou"
    for names in (croatian, polish, finnish):
        assert days(read(f"5. {name} 2018." for name in names.split())) == [f"2018-{month:02}-05" for month in range(1, 13)]
    alone = read(f"{day}. listopada 2018." for day in (5, 6))
    assert days(alone) == ["2018-11-05", "2018-11-06"]
    assert any("in Croatian it is month 10" in note for note in alone.notes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_as_cldr_writes_them_are_read_in_every_language(language):
    dates = pd.date_range("2014-01-02", periods=60, freq="17D")
    for pattern in ("d MMMM y", "d MMM y", "d-MMM-yy", "EEEE, d MMMM y", "y-MM-dd, EEE", "yyyy/MM/dd (EEEE)", "full", "long"):
        cells = [format_date(day, pattern, locale=language) for day in dates]
        readings = [reading.values for reading in read_dates(column(cells))]
        if language not in WRITTEN_OTHERWISE:
            assert any((values == dates).all() for values in readings), (pattern, cells[0])
        assert all((values.isna() | (values == dates)).all() for values in readings[:1]), (pattern, cells[0])


@pytest.mark.parametrize(
    "cell",
    ["2019-01-02, Wed", "2019-01-02,Wed", "2019-01-02,三", "2019/1/2(水)", "2019年1月2日(水)", "Wed 02 Jan 2019",
     "mer. 02/01/2019", "2019-01-02 星期三", "(Wed) 2019-01-02", "周三 2019-01-02", "2019. 1. 2. (수)", "Mi, 02.01.2019",
     "02-Jan-2019 Wednesday",
     "2019-01-02 (Wed) 16:00", "miércoles, 2 de enero de 2019", "Wed, 02 Jan 2019 00:00:00 GMT"],
)
def test_a_weekday_stands_before_or_behind_the_date(cell):
    assert looks_like_date(cell, whole_numbers=False)
    assert "2019-01-02" in [days(reading)[0] for reading in read_dates(column([cell]))]


def test_a_weekday_that_is_also_a_month_is_told_by_what_stands_beside_it():
    assert days(read(["mar 26/03/2019", "mer 27/03/2019"])) == ["2019-03-26", "2019-03-27"]
    assert days(read(["mar 26 mar 2019", "mer 27 mar 2019"])) == ["2019-03-26", "2019-03-27"]


def test_years_are_counted_by_japanese_eras():
    reading = read(["S64.1.7", "H1.1.8", "H31.4.30", "R1.5.1", "令和2年2月25日"])
    assert days(reading) == ["1989-01-07", "1989-01-08", "2019-04-30", "2019-05-01", "2020-02-25"]
    assert "Years were read by Japanese eras, e.g. S64.1.7 as 1989-01-07." in reading.notes


def test_years_of_the_republic_of_china_have_two_digits_before_its_hundredth():
    assert days(read(["99/12/31", "100/01/03"])) == ["2010-12-31", "2011-01-03"]
    assert days(read(["99/12/30", "99/12/31"], taiwanese=True)) == ["2010-12-30", "2010-12-31"]


def test_years_and_quarters_among_months_are_left_out_and_counted():
    cells = [*range(1990, 2020), *(f"{y}Q{q}" for y in range(1995, 2020) for q in range(1, 5)),
             *(f"{y}M{m:02}" for y in range(2000, 2020) for m in range(1, 13))]
    for write in (str, lambda cell: str(cell).replace("Q", " Q").replace("M", "-")):
        reading = read(map(write, cells))
        assert reading.values.notna().sum() == 240
        assert reading.read == len(cells)
        assert set(reading.notes) >= {"100 quarters among the months left out: they sum them up.",
                                      "30 years among the months left out: they sum them up.",
                                      "Each month was dated by its first day."}


def test_months_that_end_where_days_begin_stay():
    cells = [*(f"{m:%Y-%m}" for m in pd.date_range("2005-01-01", periods=60, freq="MS")),
             *(f"{d:%Y-%m-%d}" for d in pd.bdate_range("2010-01-01", periods=200))]
    reading = read(cells)
    assert reading.values.notna().all()
    assert reading.values.is_monotonic_increasing


def test_half_years_are_dated_by_their_first_day():
    assert days(read(["2018H1", "2018H2", "2019H1"])) == ["2018-01-01", "2018-07-01", "2019-01-01"]
    assert days(read(["2018-S1", "2018-S2"])) == ["2018-01-01", "2018-07-01"]
    assert "Each half year was dated by its first day." in read(["2018H1", "2018H2"]).notes


def test_quarters_of_one_digit_are_read_only_under_their_name():
    cells = [f"{quarter}/{year}" for year in (2016, 2017) for quarter in range(1, 5)]
    assert may_be_quarters(column(cells))
    assert days(read(cells, quarters=True))[:2] == ["2016-01-01", "2016-04-01"]
    assert not may_be_quarters(column(f"{month}/2016" for month in range(1, 13)))
    assert [quarter_number(name) for name in ("Q3", "Qtr 3", "3T", "Quarter 2", "Q5")] == [3, 3, 3, 2, None]


@pytest.mark.parametrize(
    "time", ["4pm", "4 PM", "at 4 p.m.", "16:00", "16h00", "16.00", "T16:00:00Z", "16:00 EST", "16:00:00.250"])
@pytest.mark.parametrize("day", ["27 March 2018", "2018-03-27", "27.03.2018", "Tue, 27 Mar 2018"])
def test_a_time_of_day_stands_behind_any_date(day, time):
    cell = f"{day}{'' if time.startswith('T') else ' '}{time}"
    assert looks_like_date(cell, whole_numbers=False)
    reading = read([cell])
    assert reading.timed
    assert reading.values[0].floor("s") == pd.Timestamp("2018-03-27 16:00")


def test_times_of_stamps_that_go_up_to_24_name_the_ends_of_hours():
    reading = read([f"2018-03-27 {hour:02}:00" for hour in range(1, 25)])
    assert list(reading.values) == list(pd.date_range("2018-03-27", periods=24, freq="h"))
    assert any("24:00" in note for note in reading.notes)
    assert str(read(["2018-03-27 00:00", "2018-03-27 24:00"]).values[1]) == "2018-03-28 00:00:00"


@pytest.mark.parametrize(
    "cell", ["", "n/a", "16:00", "Mar 2018 up", "12", "2018-13-45", "31/02/2018", "1395/01/02", "27/1/2559", "abc",
             "Close 2018",
             "1.2.3.4", "2018-03-27 25:00", "NIFTY 50", "27-Mar", "150.25", "Company 12 Ltd"])
def test_what_is_no_date_is_neither_recognised_nor_read(cell):
    assert not looks_like_date(cell)
    assert all(reading.values.isna().all() for reading in read_dates(column([cell] * 20)))


PIECES = st.lists(
    st.sampled_from(["2018", "18", "3", "03", "27", "107", "99", "-", "/", ".", " ", ", ", "Mar", "März", "Tue", "(火)", "Q2",
                     "T",
                     "W13", "M03", "H1", "R1", "年", "月", "日", "16:00", "4pm", "16.00", "th", "de", "x", "'"]),
    min_size=1, max_size=7).map("".join)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(PIECES)
@example("2018-03-27T16:00")
def test_what_is_recognised_is_what_is_read(cell):
    found = [reading for reading in read_dates(column([cell])) if reading.values.notna().all()]
    if found and not cell.replace(".", "").isdecimal():
        assert looks_like_date(cell)
    if looks_like_date(cell, whole_numbers=False) and not found:
        # Months of one or two digits need neighbours: 'Mar-18' may be a day and '2018-3' a quarter.
        neighbours = [f"{month} 18" for month in ("Mar", "Apr", "May")]
        assert read_dates(column([cell, *neighbours])) or may_be_quarters(column([cell.split(" ")[0]])) or "2018" in cell


DAYS = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d-%b-%y", "%b %d, %Y", "%A, %B %d, %Y", "%y-%m-%d", "%d/%m/%y",
        "%Y%m%d", "%d%m%Y", "%Y年%m月%d日", "%G-W%V-%u", "%Y-%m-%d (%a)", "%a %b %d %H:%M:%S %Y", "%Y-%m-%dT%H:%M:%S+02:00",
        "%d %B %Y %I%p", "%m/%d/%Y %I:%M %p", "%Y%m%d %H%M%S", "%d.%m.%Y %H.%M"]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.sampled_from(DAYS), st.dates(pd.Timestamp("1975-01-01").date(), pd.Timestamp("2015-01-01").date()),
       st.sampled_from(["D", "B", "W-FRI", "13D", "MS"]), st.integers(2, 120), st.booleans())
def test_a_column_written_in_a_form_is_read_back_or_asked_about(form, start, freq, rows, newest_first):
    dates = pd.date_range(start, periods=rows, freq=freq)
    dates = dates[::-1] if newest_first else dates
    readings = read_dates(column(dates.strftime(form)), today=pd.Timestamp("2026-01-01"))
    assert any((reading.values == dates).all() for reading in readings)
    assert len(readings) == 1 or all(reading.order for reading in readings)


def test_digits_alone_are_read_as_the_forms_write_them():
    hours = [f"20180327{hour:02}" for hour in range(1, 25)]
    assert list(read(hours).values) == list(pd.date_range("2018-03-27", periods=24, freq="h"))
    assert days(read(["201601", "201602", "201705"])) == ["2016-01-01", "2016-02-01", "2017-05-01"]
    assert days(read(["200501", "200502", "200604"], quarters=True)) == ["2005-01-01", "2005-04-01", "2006-10-01"]
    assert days(read(["1032018", "27032018"])) == ["2018-03-01", "2018-03-27"]
    assert [str(stamp) for stamp in read(["1522166400.25", "1522166401.5"]).values] == [
        "2018-03-27 16:00:00.250000", "2018-03-27 16:00:01.500000"]
    assert {reading.order for reading in read_dates(column(["010155", "020155", "030155"]))} == {
        "day/month/year", "month/day/year"}  # and no serial number
    assert not read_dates(column(["87267.7", "182609.3", "172464.0"]))


def test_a_date_of_nothing_but_zeros_is_missing():
    assert days(read(["2018-03-27", "0000-00-00", "2018/3/28", "0001-01-01"])) == ["2018-03-27", None, "2018-03-28", None]


def test_a_long_cell_and_strange_signs_take_no_time():
    for cell in ("1 " * 10_000, "a" * 20_000, "/" * 20_000, "27 " + "März " * 4_000, "(" * 50, "2018-03-27 " + "1:" * 40,
                 "١٢/٠٣/٢٠١٨", "²"):
        looks_like_date(cell)
        read_dates(column([cell] * 3))
        read_clocks(column([cell] * 3))


def test_english_files_need_no_other_language(monkeypatch):
    monkeypatch.setattr(calendar_words, "_of_all_languages", lambda: pytest.fail("all languages were loaded"))
    date_forms._looks_like_date.cache_clear()
    for form in DAYS:
        cells = pd.date_range("2018-01-01", periods=100).strftime(form)
        assert read_dates(column(cells))
        assert looks_like_date(cells[0])
    assert not any(map(looks_like_date, ("Open", "Close", "Volume", "AAPL", "150.25", "1,234", "n/a")))


def test_only_distinct_dates_are_taken_apart(monkeypatch):
    taken = []
    one = date_forms._take_apart
    monkeypatch.setattr(date_forms, "_take_apart", lambda *args: taken.append(args) or one(*args))
    stamps = pd.date_range("2018-01-01", periods=5_000, freq="min")
    for form in ("%m/%d/%Y %I:%M %p", "%Y%m%d %H%M%S", "%d %b %Y %H:%M", "%a %b %d %H:%M:%S %Y"):
        taken.clear()
        assert any((reading.values == stamps).all() for reading in read_dates(column(stamps.strftime(form))))
        assert len(taken) == 4


def test_orders_have_many_names():
    assert [order_named(name) for name in ("DD/MM/YYYY", "mdy", "day first", "Year-Month-Day", None, "d")] == [
        "day/month/year", "month/day/year", "day/month/year", "year/month/day", None, None]


# Times of day

QUARTERS = pd.timedelta_range("0h", "23h45min", freq="15min")


@pytest.mark.parametrize("write", [
    lambda h, m: f"{h:02}:{m:02}", lambda h, m: f"{h}:{m:02}:00", lambda h, m: f"{h:02}{m:02}", lambda h, m: f"{h * 100 + m}",
    lambda h, m: f"{h * 10_000 + m * 100}", lambda h, m: f"{h:02}{m:02}00", lambda h, m: f"T{h:02}:{m:02}",
    lambda h, m: f"{h:02}h{m:02}", lambda h, m: f"{h % 12 or 12}:{m:02} {'AM' if h < 12 else 'PM'}",
    lambda h, m: f"{h:02}:{m:02} - {h:02}:{m + 14}",
    lambda h, m: f"{h:02}:{m:02}-{h + (m + 15) // 60:02}:{(m + 15) % 60:02}", lambda h, m: f"{h:02}.{m:02}.00"])
def test_a_column_of_clocks_is_read(write):
    clocks = read_clocks(column([write(t.components.hours, t.components.minutes) for t in QUARTERS]))
    assert (clocks.values == QUARTERS).all()
    assert not clocks.ends


@pytest.mark.parametrize("write", ["{:02}:00", "{}", "{:02}00", "HE{:02}", "Hour Ending {}", "{}:00:00"])
def test_hours_that_are_named_by_their_end_are_dated_by_their_beginning(write):
    clocks = read_clocks(column([write.format(hour) for hour in range(1, 25)]))
    assert clocks.ends
    assert list(clocks.values / pd.Timedelta("1h")) == list(range(24))


def test_the_name_says_that_hours_are_ends_where_the_cells_do_not():
    clocks = read_clocks(column(["1", "2", "", "3"]), ends=True)
    assert list(clocks.values[[0, 1, 3]] / pd.Timedelta("1h")) == [0, 1, 2]
    assert pd.isna(clocks.values[2])
    assert not read_clocks(column(["0", "1", "23"])).ends
    assert not read_clocks(column(["00:00", "12:00", "24:00"])).ends


def test_ends_of_shorter_periods_go_back_by_one_of_them():
    clocks = read_clocks(column([f"{i // 2:02}:{i % 2 * 30:02}" for i in range(1, 49)]))
    assert clocks.ends
    assert list(clocks.values / pd.Timedelta("30min")) == list(range(48))


@pytest.mark.parametrize(
    "cells", [["up", "down"], ["150.2", "151.3"], ["", "-"], ["1234567", "2"], ["25", "26", "99"], ["16:00", "n/a?"]])
def test_what_is_no_clock_is_none(cells):
    assert read_clocks(column(cells)) is None
