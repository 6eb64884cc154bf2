"""Seeds and many series on the Tune page; the engine is moved by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.runs.store import RunStore
from tests.pages.elements import button, texts
from tests.runs.laboratory import Laboratory, script_trainings

ROOT = Path(__file__).parents[2]
CONFIG = replace(RECOMMENDED, window=12, horizon=3, units=(4,), epochs=2)
DATES = pd.bdate_range("2018-01-01", periods=500, name="Date")


def table(**names):
    rng = np.random.default_rng(0)
    return pd.DataFrame({name: 100 * np.exp(rng.normal(0, 0.01, 500).cumsum()) for name in names}, DATES)


@pytest.fixture
def laboratory(monkeypatch):
    history = PriceHistory(table(Close=1), name="a walk", source="test", currency="USD")
    script_trainings(monkeypatch, history)
    return Laboratory(monkeypatch)


def open_tab(tab, **query):
    test = AppTest.from_file(str(ROOT / "pages" / "5_Tune.py"), default_timeout=60)
    test.session_state["tune_tab"] = tab
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    return test


def test_without_a_run_the_seeds_say_what_comes_first(laboratory):
    test = open_tab("Seeds")
    assert "Train a network on the Train page first" in texts(test.info)


def test_files_are_gathered_trained_and_their_table_is_shown(laboratory):
    test = open_tab("Many series")
    assert button(test, "Train on all").disabled
    assert "Add two series or more first." in texts(test.caption)
    # One file with two series, and one that cannot be read.
    test.file_uploader[0].upload("two.csv", table(ABC=1, XYZ=1).reset_index().to_csv(index=False).encode(), "text/csv").run()
    assert not test.exception
    assert test.dataframe[0].value["Series"].tolist() == ["ABC", "XYZ"]
    test.file_uploader[0].upload("bad.csv", b"no,prices\nat,all\n", "text/csv").run()
    assert "bad.csv: " in texts(test.error)
    # One that leaves a question open, which is told without the keyword that code would pass.
    unclear = pd.DataFrame({"Close": [f"{1000 + number:,}" for number in range(60)]}, DATES[:60])
    test.file_uploader[0].upload("unclear.csv", unclear.reset_index().to_csv(index=False).encode(), "text/csv").run()
    assert "unclear.csv: " in texts(test.error)
    assert "decimal=" not in texts(test.error)
    assert test.dataframe[0].value["Series"].tolist() == ["ABC", "XYZ"]
    next(one for one in test.button if one.label.startswith("Add AAPL")).click().run()
    assert test.dataframe[0].value["Series"].tolist() == ["ABC", "XYZ", "AAPL"]
    test.multiselect(key="many_out_3").set_value([next(iter(test.session_state["forecasting"].basket))]).run()
    button(test, "Take out").click().run()
    assert test.dataframe[0].value["Series"].tolist() == ["XYZ", "AAPL"]
    button(test, "Train on all").click().run()
    assert not test.exception
    assert not test.error
    (experiment,) = RunStore().list(kind="experiment")
    assert len(experiment.parameters["series"]) == 2
    laboratory.work()
    test = open_tab("Many series")  # another visit, with an empty list: the experiment is still there
    assert "2 of 2 trainings done · Series: 2" in texts(test.caption)
    assert "On 2 series" in texts(test.markdown)
    assert [one.label for one in test.get("download_button")] == ["Download all predictions (CSV)"]
