"""Forecasts price series with an LSTM, and takes an honest look at what the forecasts are worth.

Names are imported on first use, so that `import forecasting` is cheap: no TensorFlow, no scikit-learn,
no yfinance.
"""

from importlib import import_module

_HOMES = {
    "forecasting.batch": ("backtest", "train_many"),
    "forecasting.data.files": ("read_prices",),
    "forecasting.data.history": ("PriceHistory",),
    "forecasting.data.samples": ("load_sample",),
    "forecasting.data.tickers": ("fetch_prices",),
    "forecasting.evaluation.ranking": ("compare",),
    "forecasting.model.config": ("QUICK_LOOK", "RECOMMENDED", "TUTORIAL", "ForecastConfig"),
    "forecasting.result": ("Refit", "TrainingResult", "load_run", "train"),
    "forecasting.errors": (
        "ConfigError", "DataError", "FetchError", "ForecastingError", "InTrash", "LimitReached", "NeedsChoice", "NoNetwork",
        "NotEnoughData", "ProviderError", "RateLimited", "RunError", "StoreUnavailable", "TrainingError", "UnknownTicker",
        "UnreadableFile",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name):
    if name not in _HOME_OF:
        raise AttributeError(f"module 'forecasting' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__():
    return __all__
