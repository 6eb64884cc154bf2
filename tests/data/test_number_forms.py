"""What one column of text is as numbers: every wrapping around every way to group digits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from price_files import european

from forecasting.data.files import number_forms
from forecasting.data.files.number_forms import Evidence, is_missing, looks_like_number, read_figures, weigh

# number -> text, by decimal mark
BODIES = {
    ".": [lambda x: f"{x:.2f}", lambda x: f"{x:,.2f}", lambda x: f"{x:,.2f}".replace(",", "'"), lambda x: f"{x:.14e}",
          lambda x: f"{x:,.2f}".replace(",", " "), lambda x: f"{x:,.2f}".replace(",", "\u202f")],
    ",": [lambda x: f"{x:.2f}".replace(".", ","), european, lambda x: european(x).replace(".", "\u00a0"),
          lambda x: european(x).replace(".", "’")],
}
WRAPPINGS = [  # text, factor, currency
    ("{}", 1, None), ("+{}", 1, None), ("-{}", -1, None), ("−{}", -1, None), ("{}-", -1, None), ("({})", -1, None),
    ("${}", 1, "USD"), ("-${}", -1, "USD"), ("$-{}", -1, "USD"), ("{} €", 1, "EUR"), ("€ {}", 1, "EUR"), ("R$ {}", 1, "BRL"),
    ("{} (EUR)", 1, "EUR"), ("{} zł", 1, "PLN"), ("{} TL", 1, "TRY"), ("{} USD", 1, "USD"), ("{}%", 1, None), ("{} %", 1, None),
    ("{}K", 1e3, None), ("{} Mio.", 1e6, None), ("{}B", 1e9, None), ("{}*", 1, None), ("{} (e)", 1, None), ("{}†", 1, None)]
NONE = ["text", "1.2.3", "1,2,3,4", "12:30", "2018-03-27", "27.03.2018", "1,,2", "$", "%", "-", "--5", "5 5 5", "1 2345",
        "110'16", "=A1", "K"]


def column(cells):
    return pd.Series(list(cells), dtype="str")


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize(("wrapping", "factor", "currency"), WRAPPINGS)
def test_numbers_are_recognised_and_read_in_every_wrapping(mark, wrapping, factor, currency):
    numbers = np.array([1234.5, 98.76, 0.5, 12345.67, 1234567.89])
    for body in BODIES[mark]:
        cells = [wrapping.format(body(x)) for x in numbers]
        assert all(map(looks_like_number, cells)), cells
        figures = read_figures(column(cells), mark)
        np.testing.assert_allclose(figures.values, factor * numbers, rtol=1e-12)
        assert figures.currency == currency
        assert figures.percent == ("%" in wrapping)
        assert figures.dollar_sign == ("$" in wrapping and currency == "USD")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0.01, 9e8).map(lambda x: round(x, 2)), st.integers(0, 30)), min_size=1, max_size=12),
       st.sampled_from(".,"))
def test_a_column_in_many_wrappings_is_read_as_its_cells_are(numbers, mark):
    ways = [(wrapping, factor, body) for wrapping, factor, _ in WRAPPINGS for body in BODIES[mark]]
    ways = [ways[7 * at % len(ways)] for _, at in numbers]
    cells = [wrapping.format(body(x)) for (x, _), (wrapping, _, body) in zip(numbers, ways, strict=True)]
    figures = read_figures(column(cells), mark)
    expected = [factor * x for (x, _), (_, factor, _) in zip(numbers, ways, strict=True)]
    np.testing.assert_allclose(figures.values, expected, rtol=1e-12)
    assert weigh(column(cells)) == sum((weigh(column([cell])) for cell in cells), Evidence())


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([*"0159.,'-+%()$€ek ", "USD", "12", "345", "Mio", "*", "inf", "\u00a0"]),
                min_size=1, max_size=9).map("".join))
def test_what_is_recognised_is_what_is_read(cell):
    alone = [read_figures(column([cell]), mark) for mark in ".,"]
    read = any(not figures.unreadable[0] and not figures.missing[0] for figures in alone)
    thousands = column([cell, *["1'999"] * 20])  # beside which an apostrophe is none of a bond
    assert looks_like_number(cell) == bool(
        read or not (is_missing(cell) or any(read_figures(thousands, mark).unreadable[0] for mark in ".,")))


def test_what_is_no_number_is_neither_recognised_nor_read():
    for cell in NONE:
        assert not looks_like_number(cell), cell
    assert all(read_figures(column(NONE), mark).unreadable.sum() >= len(NONE) - 1 for mark in ".,")  # '-' is missing
    assert is_missing(" N/A ")
    assert not looks_like_number("n/a")


def test_missing_unreadable_and_infinite_cells_are_told_apart():
    figures = read_figures(column(["1.5", "", "n/a", "up", "inf", "-∞", "1e999", "2.5"]))
    assert list(figures.missing) == [False, True, True, False, False, False, False, False]
    assert list(figures.unreadable) == [False, False, False, True, False, False, False, False]
    assert list(figures.infinite) == [False, False, False, False, True, True, True, False]
    assert figures.share_read == 5 / 6


def test_the_cells_say_what_they_can_of_the_decimal_mark():
    assert weigh(column(["1.5", "1,234.5", "12", "n/a"])) == Evidence(point=2)
    assert weigh(column(["1,5", "1.234,5", "€ 0,25"])) == Evidence(comma=3)
    assert weigh(column(["1,234", "1.234", "$1.234"])) == Evidence(open_points=2, open_commas=1)
    assert weigh(column(["1.234", "1.5"]), pd.Series([False, True])) == Evidence(open_points=1)


def test_numbers_that_a_spreadsheet_stored_have_a_decimal_point():
    figures = read_figures(column(["1.5", "1,5", "1234.25"]), ",", native=pd.Series([True, False, True]))
    assert list(figures.values) == [1.5, 1.5, 1234.25]


def test_thirty_seconds_of_bonds_are_no_thousands_and_swiss_thousands_are():
    bonds = column(f"{110 + i // 32}'{i % 32:02}{'0257'[i % 4]}" for i in range(64))
    assert read_figures(bonds).unreadable.all()
    swiss = column(f"{12_000 + 37 * i:,}".replace(",", "'") for i in range(64))
    assert list(read_figures(swiss).values) == [12_000 + 37 * i for i in range(64)]
    assert list(read_figures(column(["110'165.00", "110'170.50"])).values) == [110_165, 110_170.5]


def test_a_wrapping_is_taken_off_all_cells_at_once(monkeypatch):
    looked = []
    one = number_forms._wrapping_of
    monkeypatch.setattr(number_forms, "_wrapping_of", lambda cell: looked.append(cell) or one(cell))
    figures = read_figures(column(f"{'-' * (i % 3 == 0)}${i:,}.50" for i in range(3_000)))
    assert figures.values[2_999] == 2_999.5
    assert len(looked) == 2


def test_a_long_cell_takes_no_time():
    for cell in ("1" * 20_000, "1," * 10_000, "(" * 20_000, "1 " * 10_000, "$" * 20_000, "1'" * 29 + "1"):
        assert not looks_like_number(cell)
        assert read_figures(column([cell] * 3)).unreadable.all() or cell.isdecimal()
        weigh(column([cell] * 3))
