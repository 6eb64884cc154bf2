"""`read_prices` on tables that are written across the page, and on text that blanks align."""

import pandas as pd
import pytest
from price_files import CLOSE, DAILY, known, same, workbook

from forecasting.data.files import read_prices
from forecasting.errors import NeedsChoice, UnreadableFile

YEARLY = known(rows=40, start="1960-01-01", freq="YS")[["Close"]]
QUARTERLY = known(rows=48, start="2005-01-01", freq="QS")[["Close"]]
MONTHLY = known(rows=120, start="2005-01-01", freq="MS")[["Close"]]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WORLD_BANK = '"Data Source","World Development Indicators",\n\n"Last Updated Date","2021-07-30",\n\n'


def cells(values, factor=1):
    return [str(round(value * factor, 2)) for value in values]


def by_year(frame, times, sep=","):
    """A line a year with `times` values."""
    return "".join(
        f"{frame.index[at].year}{sep}{sep.join(cells(frame.Close[at : at + times]))}\n" for at in range(0, len(frame), times)
    )


# Years across the page


def world_bank(countries):
    """What api.worldbank.org gives: each line ends with a comma."""
    header = ["Country Name", "Country Code", "Indicator Name", "Indicator Code", *(str(d.year) for d in YEARLY.index)]
    rows = [header, *([name, name[:3], "GDP deflator", "NY.GDP.DEFL", *cells(YEARLY.Close, k)] for name, k in countries)]
    return (WORLD_BANK + "".join("".join(f'"{cell}",' for cell in row) + "\n" for row in rows)).encode()


def test_years_across_the_page_of_one_country_are_turned():
    history = read_prices(world_bank([("Germany", 1)]))
    assert same(history, YEARLY)
    assert "Each year was dated by its first day." in history.notes
    assert "2 lines were skipped above the table." in history.notes


def test_years_across_the_page_of_several_countries_are_asked_about():
    data = world_bank([("Aruba", 3), ("Germany", 1), ("United States", 2)])
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, question.value.options) == ("series", ("Aruba", "Germany", "United States"))
    history = read_prices(data, series="Germany")
    assert same(history, YEARLY)
    assert history.name == "Germany"


@pytest.mark.parametrize("form", ["{0} [YR{0}]", "X{0}", "YR{0}", "{0}"])
@pytest.mark.parametrize("reverse", [False, True])
def test_years_across_the_page_are_known_however_they_are_called(form, reverse):
    order = slice(None, None, -1 if reverse else 1)
    header = ["Series Name", "Country Name", *(form.format(d.year) for d in YEARLY.index[order])]
    rows = [["Gold", "World", *cells(YEARLY.Close[order])], ["Gold", "None", *[".."] * 40]]
    text = "\n".join(",".join(row) for row in [header, *rows]) + "\n\nData from database: Global Economic Monitor\n"
    assert same(read_prices(text.encode()), YEARLY)


def test_whole_numbers_of_a_workbook_are_years_across_the_page():
    header = ["Country", "Code", *(d.year for d in YEARLY.index)]
    rows = [[name, name[:3], *(YEARLY.Close * k).tolist()] for name, k in (("Aruba", 3), ("Germany", 1))]
    assert same(read_prices(workbook({"Data": [header, *rows]}), series="Germany"), YEARLY)
    assert same(read_prices(workbook({"Data": [header, rows[1]]})), YEARLY)


def test_names_of_two_columns_together_tell_series_apart():
    lines = ["Country,Indicator," + ",".join(str(d.year) for d in YEARLY.index)]
    for country, indicator, k in (("Chad", "CPI", 2), ("Chad", "GDP", 3), ("Mali", "CPI", 1), ("Mali", "GDP", 4)):
        lines.append(",".join([country, indicator, *cells(YEARLY.Close, k)]))
    assert same(read_prices("\n".join(lines).encode(), series="Mali, CPI"), YEARLY)


def test_months_below_one_another_and_years_across_the_page_are_months():
    years = MONTHLY.index.year.unique()
    lines = ["Month," + ",".join(map(str, years))]
    lines += [",".join([name, *cells(MONTHLY.Close[at::12])]) for at, name in enumerate(MONTHS)]
    assert same(read_prices("\n".join(lines).encode()), MONTHLY)


def test_columns_called_by_years_beside_dates_are_not_turned():
    lines = ["Date,2020,2021,2022,2023,2024,2025"]
    lines += [f"{d:%Y-%m-%d}," + ",".join(str(round(v + i, 2)) for i in range(6)) for d, v in DAILY.Close.items()]
    with pytest.raises(NeedsChoice) as question:
        read_prices("\n".join(lines).encode())
    assert question.value.kind == "column"
    assert same(read_prices("\n".join(lines).encode(), column="2020"), CLOSE)


def test_dates_across_the_page_of_several_shares_are_asked_about():
    lines = ["Ticker," + ",".join(f"{d:%Y-%m-%d}" for d in CLOSE.index)]
    lines += [",".join([name, *cells(CLOSE.Close, k)]) for name, k in (("AAA", 2), ("BBB", 1))]
    data = "\n".join(["Prices by day", *lines]).encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, question.value.options) == ("series", ("AAA", "BBB"))
    history = read_prices(data, series="BBB")
    assert same(history, CLOSE)
    assert (history.name, history.reading.header) == ("BBB", 2)


def test_candles_across_the_page_keep_their_columns():
    rows = [",".join([name, *map(str, DAILY[name])]) for name in ("Open", "High", "Low", "Close", "Volume")]
    history = read_prices("\n".join(["," + ",".join(f"{d:%Y-%m-%d}" for d in DAILY.index), *rows]).encode())
    assert same(history, DAILY)
    assert list(history.frame) == list(DAILY)


def test_countries_are_told_apart_by_their_own_names_whatever_stands_in_front():
    lines = ["Region,Country," + ",".join(str(d.year) for d in YEARLY.index)]
    lines += [",".join([region, name, *cells(YEARLY.Close, k)]) for region, name, k in (
        ("Europe", "France", 2), ("Europe", "Spain", 1), ("Africa", "Mali", 3))]
    assert same(read_prices("\n".join(lines).encode(), series="Spain"), YEARLY)


# Eurostat


@pytest.mark.parametrize("frame", [MONTHLY, YEARLY])
def test_flags_and_blanks_of_eurostat_are_no_part_of_the_values(frame):
    form = "%Y-%m" if frame is MONTHLY else "%Y"
    flags = {3: "b", 5: "bep", len(frame) - 2: "u", len(frame) - 1: "p"}
    values = [": c" if i == 7 else f"{v} {flags.get(i, '')}" for i, v in enumerate(frame.Close)]
    text = "freq,unit,geo\\TIME_PERIOD\t" + "\t".join(f"{d.strftime(form)} " for d in frame.index) + "\n"
    history = read_prices((text + "M,I15,DE\t" + "\t".join(values) + "\n").encode())
    assert same(history, frame.drop(frame.index[7]))
    assert "Eurostat's flags behind the values (b, bep, c, p, u) left out." in history.notes


# A row a year


@pytest.mark.parametrize("names", ["Q1,Q2,Q3,Q4", "Qtr1,Qtr2,Qtr3,Qtr4", "1Q,2Q,3Q,4Q", "T1,T2,T3,T4", "Q4,Q3,Q2,Q1"])
def test_quarters_side_by_side_are_put_below_one_another(names):
    lines = by_year(QUARTERLY, 4).splitlines()
    if names.startswith("Q4"):
        lines = [",".join([line.split(",")[0], *reversed(line.split(",")[1:])]) for line in lines]
    history = read_prices("\n".join([f"Year,{names}", *lines]).encode())
    assert same(history, QUARTERLY)
    assert "The columns for the quarters were put below one another." in history.notes


@pytest.mark.parametrize("corner", ["", "Period", "TIME"])
def test_years_in_front_of_months_need_no_name(corner):
    assert same(read_prices(f"{corner},{','.join(MONTHS)}\n{by_year(MONTHLY, 12)}".encode()), MONTHLY)


@pytest.mark.parametrize("gap", [" ", "   "])
def test_monthly_and_quarterly_series_are_read_as_r_prints_them(gap):
    months = "    " + gap + gap.join(name.rjust(6) for name in MONTHS) + "\n" + by_year(MONTHLY, 12, gap)
    quarters = "    " + gap + gap.join(f"Qtr{i}".rjust(6) for i in range(1, 5)) + "\n" + by_year(QUARTERLY, 4, gap)
    assert same(read_prices(months.encode()), MONTHLY)
    assert same(read_prices(quarters.encode()), QUARTERLY)
    unfinished = months.rstrip("\n").rsplit(gap, 3)[0] + "\n"
    assert same(read_prices(unfinished.encode()), MONTHLY[:-3])


@pytest.mark.parametrize("gap", [" ", "   "])
def test_year_that_begins_late_is_refused_where_blanks_do_not_tell_which_months_it_has(gap):
    first = f"2004{' ' * 40}{gap.join(['100.25'] * 5)}\n"
    text = "    " + gap + gap.join(MONTHS) + "\n" + first + by_year(MONTHLY, 12, gap)
    with pytest.raises(UnreadableFile, match="year 2004 has fewer than 12 values"):
        read_prices(text.encode())


def test_series_stacked_in_rows_of_years_are_asked_about():
    lines = [f"{name},{line}" for name, k in (("Mali", 1), ("Chad", 2)) for line in by_year(MONTHLY * k, 12).splitlines()]
    data = "\n".join([f"Country,Year,{','.join(MONTHS)}", *lines]).encode()
    with pytest.raises(NeedsChoice) as question:
        read_prices(data)
    assert (question.value.kind, set(question.value.options)) == ("series", {"Mali", "Chad"})
    assert same(read_prices(data, series="Mali"), MONTHLY)


# Text that blanks align


@pytest.mark.parametrize("names", [["Close", "Volume"], ["Open", "High", "Low", "Close", "Volume"]])
@pytest.mark.parametrize("above", [0, 1, 6])
@pytest.mark.parametrize("before", [0, 1, 4])
@pytest.mark.parametrize("align", [str.rjust, str.ljust])
def test_blanks_in_front_of_a_line_move_no_name(names, above, before, align):
    lines = [" " * above + "Date".ljust(12) + "".join(align(name, 14) for name in names)]
    for date, row in zip(DAILY.index, DAILY[names].to_dict("records"), strict=True):
        values = "".join(align(f"{value:.0f}" if name == "Volume" else str(value), 14) for name, value in row.items())
        lines.append(" " * before + f"{date:%Y-%m-%d}".ljust(12) + values)
    history = read_prices("\n".join(lines).encode())
    assert same(history, DAILY)
    assert set(history.frame) == set(names)


def test_what_pandas_prints_is_read_whatever_its_index_is():
    dated = DAILY[["Open", "Close"]]
    for frame in (dated, dated.rename_axis(None), dated.reset_index(), dated[["Close"]], CLOSE.rename_axis(None)):
        assert same(read_prices(frame.to_string().encode()), DAILY)


def test_repeated_index_that_pandas_leaves_out_moves_no_cell():
    frame = pd.concat({"AAPL": DAILY[["Open", "Close"]], "MSFT": 2 * DAILY[["Open", "Close"]]}, names=["Ticker", "Date"])
    with pytest.raises(UnreadableFile, match="No column of this file holds dates"):
        read_prices(frame.to_string().encode())
