"""Tables in memory, read by the rules of files."""

import io

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import ConfigError, DataError, ForecastingError, NeedsChoice, PriceHistory, UnreadableFile, read_prices
from forecasting.data.calendars import future_dates

ROWS = 80
DAYS = pd.bdate_range("2020-01-01", periods=ROWS)
CLOSE = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.02, ROWS)))
DOWNLOADED = pd.DataFrame(
    np.column_stack([CLOSE, 2 * CLOSE, 1.1 * CLOSE, 2.2 * CLOSE, 0.9 * CLOSE, 1.8 * CLOSE]), index=DAYS.rename("Date"),
    columns=pd.MultiIndex.from_product([["Close", "High", "Low"], ["AAPL", "MSFT"]], names=["Price", "Ticker"]))
ONE_TICKER = DOWNLOADED.xs("AAPL", axis=1, level=1, drop_level=False)


class Interchange:
    """A table of a library that speaks the dataframe interchange protocol alone."""

    def __init__(self, frame):
        self._frame = frame

    def __dataframe__(self, *arguments, **options):
        return pyarrow.Table.from_pandas(self._frame).__dataframe__(*arguments, **options)


@pytest.mark.parametrize("table", [
    pd.Series(CLOSE, DAYS),
    pd.Series(CLOSE[::-1], DAYS[::-1]),
    pd.DataFrame({"Close": CLOSE}, index=DAYS),
    pd.DataFrame({"Date": DAYS, "Close": CLOSE}),
    pd.DataFrame({"Date": DAYS, "Close": CLOSE}, index=np.arange(ROWS) * 3),
    pd.DataFrame({"when": DAYS.date, "px": CLOSE}),
    pd.DataFrame({"Date": DAYS.strftime("%d/%m/%Y"), "Close": [f"{price!r}" for price in CLOSE.tolist()]}),
    pd.DataFrame({"Date": DAYS, "Close": pd.array(CLOSE, dtype="Float64"), "Sector": "tech", "up": CLOSE > 100}),
    pd.DataFrame({"Date": DAYS, "Close": CLOSE, "Open": CLOSE, "id": range(ROWS)}),
    pd.DataFrame({"Close": CLOSE, "Expiry": DAYS}, index=DAYS),
    pd.DataFrame(CLOSE, index=DAYS),
    pd.Series(CLOSE, DAYS.strftime("%Y%m%d").astype(int)),
    pd.Series(CLOSE, DAYS.tz_localize("America/New_York")),
    pd.Series(CLOSE, DAYS.tz_localize("America/New_York").tz_convert("UTC")),
    pyarrow.table({"date": DAYS.to_numpy(), "close": CLOSE}),
    Interchange(pd.DataFrame({"date": DAYS, "close": CLOSE})),
    ONE_TICKER,
], ids=range(17))
def test_prices_come_out_of_a_table_as_they_went_in(table):
    history = PriceHistory.from_frame(table)
    np.testing.assert_array_equal(history.close, CLOSE)
    assert history.dates.equals(DAYS.as_unit("us").rename("Date"))


def test_columns_that_are_left_out_are_noted():
    table = pd.DataFrame({"Close": CLOSE, "Sector": "tech", "Dividends": 0.0}, index=DAYS)
    assert "2 columns left out: “Sector”, “Dividends”." in PriceHistory.from_frame(table).notes


def test_a_series_is_called_after_its_name_or_ticker():
    assert PriceHistory.from_frame(pd.Series(CLOSE, DAYS, name="MSFT")).name == "MSFT"
    assert PriceHistory.from_frame(pd.Series(CLOSE, DAYS, name="Close")).name == "Prices"
    assert PriceHistory.from_frame(ONE_TICKER).name == "AAPL"
    assert PriceHistory.from_frame(pd.DataFrame({"A": CLOSE, "B": CLOSE}, index=DAYS), column="B").name == "B"
    assert PriceHistory.from_frame(pd.Series(CLOSE, DAYS), name="Mine").name == "Mine"
    assert PriceHistory.from_frame(pd.Series(CLOSE, DAYS)).source == "a Series"


@pytest.mark.parametrize(("table", "kind", "options", "chosen"), [
    (DOWNLOADED, "series", ("AAPL", "MSFT"), {"series": "AAPL"}),
    (DOWNLOADED, "series", ("AAPL", "MSFT"), {"column": ("Close", "AAPL")}),
    (DOWNLOADED.swaplevel(axis=1).sort_index(axis=1), "series", ("AAPL", "MSFT"), {"series": "AAPL"}),
    (pd.DataFrame({"A": CLOSE, "B": 2 * CLOSE}, index=DAYS), "column", ("A", "B"), {"column": "A"}),
    (pd.DataFrame(np.column_stack([CLOSE, 2 * CLOSE]), DAYS, ["Close", "Close"]), "column", ("Close", "Close (2)"),
     {"column": "Close"}),
    (pd.concat({"A": pd.Series(CLOSE, DAYS), "B": pd.Series(2 * CLOSE, DAYS)}, names=["ticker", "Date"]).to_frame("Close"),
     "series", ("A", "B"), {"series": "A"}),
    (pd.DataFrame({"Date": DAYS, "Close": [f"{1000 + int(price):,}" for price in CLOSE]}), "decimal", (".", ","),
     {"decimal": "."}),
])
def test_what_is_not_clear_is_asked_with_the_keyword_that_answers_it(table, kind, options, chosen):
    with pytest.raises(NeedsChoice, match=r"table|two ways|could be the price") as asked:
        PriceHistory.from_frame(table)
    assert (asked.value.kind, asked.value.options) == (kind, options)
    assert str(asked.value).count(f"{kind}={options[0]!r}") == 1
    assert f"{kind}=" not in asked.value.question
    close = PriceHistory.from_frame(table, **chosen).close
    np.testing.assert_array_equal(close, 1000 + np.floor(CLOSE) if kind == "decimal" else CLOSE)


def test_a_calendar_of_ones_own_leaves_out_its_holidays():
    before = pd.Series(CLOSE, pd.bdate_range(end="2024-07-03", periods=ROWS))
    file = io.BytesIO(before.to_frame("Close").rename_axis("Date").to_csv().encode())
    for history in (PriceHistory.from_frame(before, calendar="XNYS"), read_prices(file, decimal=".", calendar="XNYS")):
        assert future_dates(history, 1)[0] == pd.Timestamp("2024-07-05")
    assert future_dates(PriceHistory.from_frame(before), 1)[0] == pd.Timestamp("2024-07-04")
    for wrong in ("NYSE!", 3):
        with pytest.raises(ConfigError, match="Choose one of: XNYS"):
            PriceHistory.from_frame(before, calendar=wrong)


@pytest.mark.parametrize(("table", "reason"), [
    (pd.DataFrame(), "The table is empty"),
    (pd.DataFrame({"Close": CLOSE}), "No column of this table holds dates"),
    (pd.DataFrame({"Close": ["a"] * ROWS}, index=DAYS), "No column of this table holds numbers"),
])
def test_a_table_without_dated_prices_is_refused(table, reason):
    with pytest.raises(UnreadableFile, match=reason):
        PriceHistory.from_frame(table)


@pytest.mark.parametrize("thing", [[1.0, 2.0], {"Close": [1.0]}, "prices.csv", None, 5])
def test_what_is_no_table_is_refused_with_what_to_call(thing):
    with pytest.raises(DataError, match="Call read_prices"):
        PriceHistory.from_frame(thing)


def test_the_constructor_leads_to_from_frame_instead_of_1970():
    for frame in (pd.DataFrame({"Close": CLOSE}), pd.DataFrame({"px": CLOSE}, index=DAYS),
                  pd.DataFrame({"Close": CLOSE[::-1]}, index=DAYS[::-1])):
        with pytest.raises(DataError, match=r"Call PriceHistory\.from_frame"):
            PriceHistory(frame, "name", "source")


CELLS = st.one_of(st.none(), st.floats(), st.integers(-10, 10**12), st.text(max_size=6), st.booleans(),
                  st.dates().map(str), st.datetimes())
NAMES = st.one_of(st.text(max_size=8), st.integers(0, 5), st.sampled_from(["Date", "Close", "Volume", "AAPL"]))


@settings(deadline=None, max_examples=150)
@given(st.lists(NAMES, min_size=1, max_size=4), st.data())
def test_any_table_is_a_history_or_a_sentence(names, data):
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), max_size=6))
    frame = pd.DataFrame(rows, columns=pd.Index(names, dtype=object), dtype=object)
    try:
        history = PriceHistory.from_frame(frame)
    except ForecastingError:
        return
    assert len(history) >= 2
    assert np.isfinite(history.close).all()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.01, 1e6), min_size=10, max_size=30))
def test_a_clean_table_reads_exactly_as_the_file_that_pandas_writes_of_it(prices):
    frame = pd.DataFrame({"Close": prices}, index=pd.bdate_range("2021-01-04", periods=len(prices)).rename("Date"))
    from_table = PriceHistory.from_frame(frame, name="x")
    from_file = read_prices(io.BytesIO(frame.to_csv().encode()), name="x", decimal=".")
    assert from_table.fingerprint == from_file.fingerprint
    np.testing.assert_array_equal(from_table.close, prices)


def test_a_missing_file_is_named_in_full_and_a_tilde_is_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "prices.csv").write_text(pd.DataFrame({"Close": CLOSE}, index=DAYS.rename("Date")).to_csv())
    assert len(read_prices("~/prices.csv")) == ROWS
    with pytest.raises(UnreadableFile, match=f"There is no file “{tmp_path}/gone/prices.csv”"):
        read_prices("~/gone/prices.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableFile, match=f"{tmp_path}/gone.csv"):
        read_prices("gone.csv")
