"""What importing costs: each test looks at a fresh process."""

import subprocess
import sys
from functools import cache

import pytest

import forecasting

# Seconds and hundreds of megabytes each, or a network client; none of them is needed to open a page.
HEAVY = ("tensorflow", "keras", "sklearn", "scipy", "statsmodels", "yfinance", "curl_cffi", "exchange_calendars", "mlflow",
         "distributed", "dask", "openpyxl")
LEARNING = ("tensorflow", "keras")
NOT_EVEN_PANDAS = ("forecasting", "forecasting.data.sources")
READING_AND_DRAWING = (
    "forecasting.data.files", "forecasting.data.tickers", "forecasting.data.calendars", "forecasting.data.checks",
    "forecasting.data.frequency", "forecasting.evaluation.metrics", "forecasting.evaluation.intervals",
    "forecasting.evaluation.gate", "forecasting.plots", "forecasting.words",
)
PAGES_AND_ENGINE = ("forecasting.result", "forecasting.inside", "forecasting.runs.store", "forecasting.runs.engine",
                    "forecasting.runs.launcher")
IN_TURN = """
import importlib
for module in {modules}:
    for name in [name for name in sys.modules if name.partition(".")[0] == "forecasting"]:
        del sys.modules[name]
    importlib.import_module(module)
    tell()
"""


def loaded_by(code):
    """The top-level modules that are there whenever the code calls `tell`, and at its end."""
    tell = "import sys\ndef tell(): print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    ended = subprocess.run([sys.executable, "-W", "error", "-c", f"{tell}{code}\ntell()"], capture_output=True, text=True,
                           check=False)
    assert ended.returncode == 0, ended.stderr
    return [set(line.split()) for line in ended.stdout.splitlines()]


@cache
def loaded_in_turn(modules):
    """What each of these modules loads or finds loaded: one process imports them in turn, each as its first of ours."""
    return dict(zip(modules, loaded_by(IN_TURN.format(modules=modules)), strict=False))


@pytest.mark.parametrize("module", NOT_EVEN_PANDAS)
def test_importing_forecasting_imports_not_even_pandas(module):
    assert loaded_in_turn(NOT_EVEN_PANDAS)[module].isdisjoint((*HEAVY, "pandas", "numpy", "streamlit"))


def test_a_sample_its_checks_and_its_settings_need_nothing_heavy():
    code = ("from forecasting import load_sample, RECOMMENDED, ForecastingError\n"
            "from forecasting.data.checks import find_problems\nfind_problems(load_sample())")
    assert loaded_by(code)[-1].isdisjoint((*HEAVY, "streamlit"))


@pytest.mark.parametrize("module", READING_AND_DRAWING)
def test_reading_and_drawing_need_nothing_heavy(module):
    assert loaded_in_turn(READING_AND_DRAWING)[module].isdisjoint((*HEAVY, "streamlit"))


@pytest.mark.parametrize("module", PAGES_AND_ENGINE)
def test_nothing_that_a_page_or_the_engine_imports_brings_tensorflow(module):
    loaded = loaded_in_turn(PAGES_AND_ENGINE)[module]
    assert "forecasting" in loaded
    assert loaded.isdisjoint((*LEARNING, "streamlit"))


def test_looking_inside_a_network_needs_no_tensorflow():
    code = ("from forecasting.inside import *\nresult = load_example()\nday = result.predictions.index[-1]\n"
            "for look in (gates, attributions, inspect, what_if, export_window, replay): look(result, day)\n"
            "for look in (gradients_by_lag, memory, units, profile, export_network): look(result)")
    assert loaded_by(code)[-1].isdisjoint((*LEARNING, "streamlit", "mlflow", "distributed"))


def test_every_name_of_the_contract_is_there():
    for name in forecasting.__all__:
        assert getattr(forecasting, name) is not None
    assert {"load_sample", "read_prices", "fetch_prices", "PriceHistory", "ForecastConfig", "TUTORIAL", "RECOMMENDED",
            "train", "load_run", "ForecastingError"} <= set(dir(forecasting))


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        forecasting.trian  # noqa: B018
