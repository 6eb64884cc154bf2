"""Forecasts price series with an LSTM, and takes an honest look at what the forecasts are worth.

Prices
    load_sample         a series that ships with the package: load_sample(), load_sample("Generated waves")
    read_prices         from a file, a DataFrame or a Series, cleaned, with notes of what was done
    fetch_prices        from Yahoo Finance by ticker: fetch_prices("AAPL")
    PriceHistory        what these return; PriceHistory.from_frame makes one of a DataFrame, .plot() draws it

Training
    train               train(history) gives a TrainingResult; it also takes a DataFrame or Series as it is
    ForecastConfig      every setting, its range and its meaning
    RECOMMENDED, TUTORIAL, QUICK_LOOK
                        presets, also by name: train(history, "Quick look")

What a training gives
    TrainingResult      .forecast .intervals .predictions .metrics .verdict .plot .plot_forecast .update .refit .save
    load_run            loads what .save wrote
    Refit               the same settings trained on all rows, to forecast from: .forecast .save .load

Several trainings
    compare             which of several results is better, and whether that is more than luck
    backtest            walk-forward: the test part in folds, each predicted by a network trained just before it
    train_many          the same settings on many series, in processes side by side

Errors
    ForecastingError    every error that a user can cause is one; its text says what is wrong, what was received, what to do

The page docs/python.md has six short recipes. Names are imported on first use, so that `import forecasting` is cheap: no
TensorFlow, no scikit-learn, no yfinance.
"""

from importlib import import_module

__version__ = "1.0.0"

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
