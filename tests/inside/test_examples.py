"""The networks that ship with the project are whole, and belong to what ships with them."""

import numpy as np
import pytest

from forecasting.errors import ConfigError
from forecasting.inside import EXAMPLES, load_example
from forecasting.inside.window import windows_at
from forecasting.model.cells import CELLS


@pytest.mark.parametrize(("sample", "cell"), EXAMPLES)
def test_an_example_forecasts_what_it_says(sample, cell):
    result = load_example(cell, sample)
    assert (result.history.name, result.network.cell.name) == (sample, cell)
    days = result.predictions.index[::400]
    origins = result.history.dates.get_indexer(days) - 1
    output = result.network.forward(windows_at(result, origins)).output
    predicted = result.encoder.prices(output, result.history.close[origins])[:, 0]
    np.testing.assert_allclose(predicted, result.predictions["predicted"][days], rtol=1e-6)
    assert len(result.curve) == result.config.epochs == len(result.snapshots.gradients)
    assert result.metrics["test"]["rmse"] > 0
    assert not result.has_model


def test_every_cell_has_an_example_of_the_first_sample():
    assert {cell for sample, cell in EXAMPLES if sample == "AAPL"} == set(CELLS)
    with pytest.raises(ConfigError, match=r"No network of this sample and cell ships with the project. Received: AAPL, mgu"):
        load_example("mgu")
