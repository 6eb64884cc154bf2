"""Small trained networks of the samples that ship with the project, so that there is something to look into at once."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from forecasting.data.samples import DEFAULT_SAMPLE, load_sample
from forecasting.errors import ConfigError
from forecasting.model.cells import CELLS
from forecasting.model.config import ForecastConfig
from forecasting.model.skip import Choice
from forecasting.model.snapshots import Snapshots
from forecasting.model.weights import Network

__all__ = ["EXAMPLES", "load_example", "pack_example"]

# (sample, cell): the file in this package. `make_examples` writes them.
EXAMPLES = {
    ("AAPL", "lstm"): "aapl_lstm.npz",
    ("AAPL", "tutorial_lstm"): "aapl_tutorial_lstm.npz",
    ("AAPL", "gru"): "aapl_gru.npz",
    ("AAPL", "rnn"): "aapl_rnn.npz",
    ("Generated waves", "lstm"): "waves_lstm.npz",
}
_SNAPSHOTS, _WEIGHTS = "snapshots_", "weight_"


@cache
def load_example(cell: str = "lstm", sample: str = DEFAULT_SAMPLE):
    """A trained network that ships with the project, as a `TrainingResult` without a Keras model; the same object each time.

    Everything in `forecasting.inside` works on it. Raises ConfigError where there is none.
    """
    from forecasting.result import rebuild

    if (sample, cell) not in EXAMPLES:
        raise ConfigError(f"No network of this sample and cell ships with the project. Received: {sample}, {cell}. There are: "
                          f"{'; '.join(', '.join(names) for names in EXAMPLES)}.")
    content = files("forecasting.inside").joinpath(EXAMPLES[sample, cell]).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        about, found = json.loads(str(arrays["about"])), {name: arrays[name] for name in arrays.files}
    config = ForecastConfig.from_dict(about["config"])
    *recurrent, kernel, bias = (found[f"{_WEIGHTS}{number}"] for number in range(about["weights"]))
    layers = tuple(tuple(recurrent[at : at + 3]) for at in range(0, len(recurrent), 3))
    network = Network(CELLS[config.cell], layers, (kernel, bias), found.get("linear"), config.window)
    snapshots = Snapshots.from_arrays({name.removeprefix(_SNAPSHOTS): values for name, values in found.items()
                                       if name.startswith(_SNAPSHOTS)})
    curve = pd.DataFrame(found["curve"], columns=["epoch", "loss", "val_loss", "seconds"]).astype({"epoch": int})
    return rebuild(
        load_sample(sample), config, pd.DataFrame({"predicted": found["one_step"]}), found["steps"], curve=curve,
        best_epoch=about["best_epoch"], stopped=False, seconds=about["seconds"], snapshots=snapshots,
        linear=Choice(**about["linear"]) if about["linear"] else None, _network=network)


def pack_example(result) -> bytes:
    """A training of a sample as the content of such a file."""
    network, file = result.network, io.BytesIO()
    arrays = {f"{_WEIGHTS}{number}": weight for number, weight in enumerate(network.weights)}
    arrays |= {f"{_SNAPSHOTS}{name}": values for name, values in result.snapshots.to_arrays().items()}
    if network.linear is not None:
        arrays["linear"] = network.linear
    about = {"config": result.config.to_dict(), "weights": len(network.weights), "best_epoch": result.best_epoch,
             "seconds": result.seconds, "linear": asdict(result.linear) if result.linear else None}
    np.savez_compressed(
        file, about=np.array(json.dumps(about)), curve=result.curve.to_numpy(dtype=np.float64),
        one_step=result.predictions["predicted"].to_numpy(dtype=np.float32), steps=result.steps.predicted.astype(np.float32),
        **arrays)
    return file.getvalue()
