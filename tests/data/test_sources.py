"""The list of sources: what is known of a history by where it came from."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting import PriceHistory, UnreadableFile, load_sample
from forecasting.data.samples import SAMPLES
from forecasting.data.sources import SOURCES, Choice, Source, Text, Upload, address_of, origin_of, reopen
from forecasting.data.yahoo import PERIODS


def made(origin=""):
    close = 50 + np.arange(90.0)
    return PriceHistory(pd.DataFrame({"Close": close}, index=pd.bdate_range("2020-01-01", periods=90)), name="made",
                        source="a test", origin=origin)


def field(source, name):
    return next(field for field in SOURCES[source].fields if field.name == name)


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_goes_by_its_name_and_is_known_by_its_prices(name):
    sample = load_sample(name)
    assert sample.origin == ""  # as in a run that an older version saved
    assert origin_of(sample) == "sample"
    assert address_of(sample) == name
    assert reopen(name).key == sample.key


def test_mended_sample_is_still_of_the_samples_and_goes_by_its_key():
    mended = dataclasses.replace(reopen("AAPL"), calendar="XLON")
    assert origin_of(mended) == "sample"
    assert address_of(mended) == mended.key
    assert reopen(mended.key) is None


@pytest.mark.parametrize(("origin", "source"), [("ticker", "ticker"), ("file", "file"), ("", "file"), ("gone", "file")])
def test_other_prices_say_where_they_come_from_and_count_as_a_files_otherwise(origin, source):
    assert origin_of(made(origin)) == source
    assert address_of(made(origin)) == made().key  # addresses of prices kept before still find them


def test_origin_outlives_saving(tmp_path):
    made("ticker").save(tmp_path)
    assert PriceHistory.load(tmp_path).origin == "ticker"


def test_periods_that_are_offered_depend_on_the_interval_and_ten_years_come_first():
    period = field("ticker", "period")
    days, minutes = period.options({"interval": "1d"}), period.options({"interval": "1m"})
    assert days == PERIODS
    assert (period.first_of(days), period.first_of(minutes)) == ("10y", "max")
    assert "1y" not in minutes


def test_file_is_read_with_the_answers_to_its_questions():
    rows = "".join(f"{day:%Y-%m-%d},{i + 1},{i + 2}\n" for i, day in enumerate(pd.bdate_range("2020-01-01", periods=90)))
    upload = Upload("two.csv", f"Date,Bid,Ask\n{rows}".encode())
    assert SOURCES["file"].open({"file": upload, "column": "Ask"}).close[0] == 2
    assert SOURCES["file"].open({"file": upload, "column": "Bid"}).close[0] == 1
    with pytest.raises(UnreadableFile):
        SOURCES["file"].open({"file": Upload("empty.csv", b"")})


@pytest.mark.parametrize("fields", [(), (Text("rows", "Rows"),), (Choice("a", "A", dict),),
                                    (Choice("a", "A", dict), Choice("b", "B", dict))])
def test_source_that_nothing_would_open_is_refused(fields):
    with pytest.raises(ValueError, match="without a button"):
        Source("Nothing", "Opens nothing.", fields, lambda answers: made())
