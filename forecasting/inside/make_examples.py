"""Trains the networks that ship with the project and writes them into this package.

    python -m forecasting.inside.make_examples
"""

from __future__ import annotations

from pathlib import Path

from forecasting.data.samples import load_sample
from forecasting.inside.examples import EXAMPLES, pack_example
from forecasting.model.config import ForecastConfig
from forecasting.result import train

# Small, and trained for a fixed number of epochs whatever validation says: on prices, stopping early often keeps an untrained
# network, in which there is nothing to see.
CONFIG = ForecastConfig(window=60, horizon=1, units=(16,), learning_rate=0.005, loss="huber", clip_norm=1.0, batch_size=128,
                        epochs=20, patience=None, supervision="every_step", skip="ridge")


def main():
    for (sample, cell), name in EXAMPLES.items():
        config = ForecastConfig.from_dict(CONFIG.to_dict() | {"cell": cell})
        result = train(load_sample(sample), config)
        content = pack_example(result)
        Path(__file__).with_name(name).write_bytes(content)
        print(f"{name}: {len(content)} bytes, validation RMSE {result.metrics['validation']['rmse']:.4f}, naive "
              f"{result.metrics['validation']['naive_rmse']:.4f}")


if __name__ == "__main__":
    main()
