"""What importing costs: each test looks at a fresh process."""

import subprocess
import sys

import pytest

import forecasting

# Seconds and hundreds of megabytes each, or a network client; none of them is needed to open a page.
HEAVY = ("tensorflow", "keras", "sklearn", "scipy", "statsmodels", "yfinance", "curl_cffi", "exchange_calendars", "mlflow",
         "distributed", "dask", "openpyxl")
LEARNING = ("tensorflow", "keras")


def loaded_by(code):
    """The top-level modules that are there after running `code`."""
    code += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())


@pytest.mark.parametrize("module", ["forecasting", "forecasting.data.sources"])
def test_importing_forecasting_imports_not_even_pandas(module):
    assert loaded_by(f"import {module}").isdisjoint((*HEAVY, "pandas", "numpy", "streamlit"))


def test_a_sample_its_checks_and_its_settings_need_nothing_heavy():
    code = ("from forecasting import load_sample, RECOMMENDED, ForecastingError\n"
            "from forecasting.data.checks import find_problems\nfind_problems(load_sample())")
    assert loaded_by(code).isdisjoint((*HEAVY, "streamlit"))


@pytest.mark.parametrize("module", [
    "forecasting.data.files", "forecasting.data.tickers", "forecasting.data.calendars", "forecasting.data.checks",
    "forecasting.data.frequency", "forecasting.evaluation.metrics", "forecasting.evaluation.intervals",
    "forecasting.evaluation.gate", "forecasting.plots", "forecasting.words",
])
def test_reading_and_drawing_need_nothing_heavy(module):
    assert loaded_by(f"import {module}").isdisjoint((*HEAVY, "streamlit"))


@pytest.mark.parametrize("module", ["forecasting.result", "forecasting.runs.store", "forecasting.runs.engine",
                                    "forecasting.runs.launcher"])
def test_nothing_that_a_page_or_the_engine_imports_brings_tensorflow(module):
    assert loaded_by(f"import {module}").isdisjoint((*LEARNING, "streamlit"))


def test_every_name_of_the_contract_is_there():
    for name in forecasting.__all__:
        assert getattr(forecasting, name) is not None
    assert {"load_sample", "read_prices", "fetch_prices", "PriceHistory", "ForecastConfig", "TUTORIAL", "RECOMMENDED",
            "train", "load_run", "ForecastingError"} <= set(dir(forecasting))


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        forecasting.trian  # noqa: B018
