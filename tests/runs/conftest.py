import numpy as np
import pandas as pd
import pytest

from forecasting import ForecastConfig, PriceHistory

TINY = ForecastConfig(window=10, units=(4,), epochs=2, batch_size=32, patience=None)


@pytest.fixture(scope="session")
def history():
    rng = np.random.default_rng(0)
    dates = pd.bdate_range("2020-01-01", periods=200, name="Date")
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(dates))))
    return PriceHistory(pd.DataFrame({"Close": close}, index=dates), "TEST", "a random walk", notes=("Made up.",))


@pytest.fixture(scope="session")
def tiny():
    return TINY


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data folder of its own, with no runs in it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECASTING_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
        yield folder
