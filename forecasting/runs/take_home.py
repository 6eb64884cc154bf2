"""A run as one zip file to take home: its numbers as CSV, its network, its settings, a report, and how to repeat it.

`bring_back.open_zip` is the inverse. The same run gives the same bytes, whenever and however often it is written.
"""

from __future__ import annotations

import io
import json
import platform
import zipfile
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.runs.export import PREDICTIONS, forecast_csv, predictions_csv, table_csv
from forecasting.runs.forecasts import both_forecasts, one_forecast
from forecasting.runs.repeat import repeat_notebook, repeat_script
from forecasting.runs.report import html_report

__all__ = ["CURVE", "CURVE_FILE", "FACTORS_FILE", "FORMAT", "KNOWN_FILE", "MODEL_FILE", "PREDICTIONS", "PREDICTIONS_FILE",
           "PRICES_FILE", "SETTINGS_FILE", "STEPS_FILE", "data_files", "known_names", "pack_files", "run_zip", "step_names"]

FORMAT = 1
SETTINGS_FILE, PRICES_FILE, CURVE_FILE = "settings.json", "prices.csv", "curve.csv"
PREDICTIONS_FILE, STEPS_FILE, FORECAST_FILE = "predictions.csv", "steps.csv", "forecast.csv"
KNOWN_FILE = "known.csv"  # where something is known in advance
WIDTH_FILE, FACTORS_FILE = "width.keras", "width.csv"  # where a width was learnt
MODEL_FILE, REPORT_FILE, SCRIPT_FILE, NOTEBOOK_FILE = "model.keras", "report.html", "repeat.py", "repeat.ipynb"
CURVE = ("epoch", "loss", "val_loss", "seconds")
LIBRARIES = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn", "scipy", "plotly")

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip file can hold; the clock must not change the bytes


def run_zip(result) -> bytes:
    """Everything of a `TrainingResult`. Imports no TensorFlow for one that was loaded from its folder.

    forecast.csv is the guarded forecast of the horizon from the last row, as far as its inputs are known in advance. An invalid
    run (leak lab) has none, nor has a run without a network, which has no model.keras and no width.keras either.
    """
    forecast = None
    if result.has_model and not result.invalid and (steps := result.steps_known):
        last = float(result.history.close[-1])
        forecast = one_forecast(both_forecasts(result, steps), last, guarded=True)
    files = {}
    if result.has_model:
        files[MODEL_FILE] = result.model_bytes()
        if (width := result.width_bytes()) is not None:
            files[WIDTH_FILE] = width
    if forecast is not None:
        files[FORECAST_FILE] = forecast_csv(forecast, result.history.currency, guarded=True)
    files |= data_files(result)
    files[SCRIPT_FILE] = repeat_script(result).encode()
    files[NOTEBOOK_FILE] = json.dumps(repeat_notebook(result), indent=1).encode()
    # Last, being large: else the network, a zip file itself, would be taken for the end of a download that was cut short.
    files[REPORT_FILE] = html_report(result, forecast, result.versions or versions()).encode()
    return pack_files(files)


def data_files(result) -> dict[str, bytes]:
    """{name: content} of the files from which the run can be opened again."""
    files = {
        PREDICTIONS_FILE: predictions_csv(result),
        STEPS_FILE: _steps_csv(result),
        CURVE_FILE: table_csv(result.curve[list(CURVE)]),
        PRICES_FILE: _prices_csv(result.history),
        SETTINGS_FILE: json.dumps(_settings(result), indent=1, allow_nan=False).encode(),
    }
    if result.history.known is not None:
        files[KNOWN_FILE] = _known_csv(result.history.known)
    if result.factors is not None:
        files[FACTORS_FILE] = _factors_csv(result)
    return files


def known_names(number: int) -> list[str]:
    """The columns of known.csv after the date: '1', '2', ...; what they are called stands in settings.json."""
    return [str(column) for column in range(1, number + 1)]


def versions() -> dict[str, str]:
    """{library: version} of this computer, without importing any of them; those under another name are left out."""
    known = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):  # e.g. TensorFlow, which some systems install as tensorflow-cpu
            known[name] = version(name)
    return known


def step_names(horizon: int) -> list[str]:
    """The columns of steps.csv after the origin: 'Step 1', 'Step 2' ..."""
    return [f"Step {step}" for step in range(1, horizon + 1)]


def _settings(result) -> dict:
    history = result.history
    return {
        "format": FORMAT,
        "settings": result.config.to_dict(),
        "prices": history.description | {"fingerprint": history.fingerprint},
        "training": {"best_epoch": result.best_epoch, "stopped": result.stopped, "seconds": result.seconds,
                     "linear": asdict(result.linear) if result.linear else None, "members": list(result.members)},
        "scores": result.metrics,
        "versions": result.versions or versions(),
    } | ({} if history.known is None else {"known": list(history.known)})


def _prices_csv(history: PriceHistory) -> bytes:
    table = history.frame.copy()
    table.insert(0, "Date", table.index)
    return table_csv(table)


def _known_csv(known: pd.DataFrame) -> bytes:
    """What is known in advance, days to come included."""
    table = known.set_axis(known_names(known.shape[1]), axis=1)
    table.insert(0, "Date", table.index)
    return table_csv(table)


def _steps_csv(result) -> bytes:
    """What the network predicted for every step from each row of validation and test on, its last row included."""
    table = pd.DataFrame(result.steps.predicted, columns=step_names(result.config.horizon))
    table.insert(0, "Origin", result.history.dates[result.steps.origins])
    return table_csv(table)


def _factors_csv(result) -> bytes:
    """What the width head multiplies the expected volatility by, for every step from each row on."""
    table = pd.DataFrame(result.factors, columns=step_names(result.config.horizon))
    table.insert(0, "Origin", result.history.dates)
    return table_csv(table)


def pack_files(files: dict[str, bytes]) -> bytes:
    """A zip file of these files, the same bytes for the same content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every system
            # A Keras file is a zip file itself, and its weights are noise.
            entry.compress_type = zipfile.ZIP_STORED if name in (MODEL_FILE, WIDTH_FILE) else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return out.getvalue()
