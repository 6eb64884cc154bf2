"""Train a forecaster on a price history, and what came of it: predictions, scores, intervals, forecasts, files."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.calendars import future_dates
from forecasting.data.deprecations import ignore_deprecations_in
from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, ForecastingError, RunError
from forecasting.evaluation.gate import Gate, apply_gate, evidence_gate
from forecasting.evaluation.intervals import LEVELS, around, extend_half_widths, half_widths
from forecasting.evaluation.metrics import Undefined, mase_scale, scores
from forecasting.model.config import ForecastConfig
from forecasting.model.forecaster import Forecaster, fit_forecaster
from forecasting.model.preprocessing import PARTS, Preprocessor, Split, check_history, split
from forecasting.model.skip import Choice

__all__ = ["MAX_STEPS", "Steps", "TrainingResult", "load_run", "train"]

MAX_STEPS = 1000
FORMAT = 1  # of a saved folder

LEAKS = {
    "scaler": "the scaler saw the test prices",
    "validation": "the test part chose the epoch",
    "shuffle": "windows were shuffled before they were split",
    "centred_average": "the input is an average that looks two rows ahead",
}


@dataclass(frozen=True)
class Steps:
    """Forecasts of every step from each origin of validation and test, the last row of the history included.

    origins: (m,) rows; last: (m,) the price there; predicted: (m, horizon)
    actual: (m, horizon) what came, NaN where it is not known yet
    half: {0.8: (m, horizon), 0.95: ...} half-widths of the intervals, known at each origin
    logarithmic: (m,) whether the half-widths at an origin are of logarithms
    """

    origins: np.ndarray
    last: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray
    half: dict[float, np.ndarray]
    logarithmic: np.ndarray

    def bounds(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """(m, horizon) lower and upper bounds of the predictions."""
        return _around(self.predicted, self.half[level], self.logarithmic[:, None])

    def between(self, first: int, end: int) -> Steps:
        """The origins from row `first` to row `end - 1`."""
        chosen = slice(*np.searchsorted(self.origins, [first, end]))
        return Steps(self.origins[chosen], self.last[chosen], self.predicted[chosen], self.actual[chosen],
                     {level: half[chosen] for level, half in self.half.items()}, self.logarithmic[chosen])


@dataclass
class TrainingResult:
    """A trained forecaster and how it did.

    predictions: DataFrame, index Date, from the row after the first window on: split, actual, predicted, naive,
        lower_80, upper_80, lower_95, upper_95; one step ahead, in the units of the prices
    metrics: {'train' | 'validation' | 'test': {score: value or None}}; reasons: the same for each None, in words
    curve: DataFrame epoch (from 1), loss, val_loss, seconds
    gate: may the forecast depart from the naive one, and how far
    best_epoch: of the weights that were kept; 0: the network had nothing to add
    stopped: ended before its time by the person; seconds: of the whole training
    steps: forecasts of every step of the horizon
    invalid: why the scores mean nothing (leak lab), or None
    linear: what the frozen linear part came to, or None where none was asked for
    """

    config: ForecastConfig
    history: PriceHistory
    predictions: pd.DataFrame
    metrics: dict
    reasons: dict
    curve: pd.DataFrame
    gate: Gate
    best_epoch: int
    stopped: bool
    seconds: float
    steps: Steps
    linear: Choice | None
    preprocessor: Preprocessor
    _model: object = field(default=None, repr=False)
    _folder: Path | None = field(default=None, repr=False)

    @property
    def split(self) -> Split:
        return split(len(self.history), self.config)

    @property
    def invalid(self) -> str | None:
        if self.config.leak is None:
            return None
        return f"Invalid on purpose: {LEAKS[self.config.leak]}. Its scores are too good and mean nothing."

    @property
    def model(self):
        """The Keras model, plain layers only: (batch, length, channels) -> (batch, horizon)."""
        if self._model is None:
            self._model = _load_model(self._folder)
        return self._model

    @property
    def forecaster(self) -> Forecaster:
        return Forecaster(self.config, self.preprocessor, self.model)

    def forecast(self, steps: int, guarded: bool = False, as_of=None) -> pd.DataFrame:
        """What comes next: index future Date; predicted, lower_80, upper_80, lower_95, upper_95.

        steps: beyond the horizon the forecasts are taken for prices and forecast from, again and again
        guarded: departs from the naive forecast only as far as the gate allows
        as_of: a day of the test part, for the forecast as it would have been made after that day's close
        """
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MAX_STEPS:
            raise ConfigError(f"steps must be a whole number from 1 to {MAX_STEPS}. Received: steps={steps!r}.")
        origin = self._origin(as_of)
        return _forecast(self, self.steps.predicted[origin - self.steps.origins[0]], steps, guarded, origin,
                         lambda: self.forecaster)

    def _origin(self, as_of) -> int:
        """The row that a forecast starts from."""
        dates, first = self.history.dates, self.split.validation_end - 1
        if as_of is None:
            return len(dates) - 1
        row = int(dates.searchsorted(pd.Timestamp(as_of), side="right")) - 1
        if row < first or pd.Timestamp(as_of) > dates[-1]:
            raise ConfigError(f"A forecast can start from {dates[first]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}, the days of "
                              f"the test part. Received: as_of={as_of}.")
        return row

    def save(self, folder):
        """Writes everything into `folder`, which is made where it is missing."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(folder / "config.json", self.config.to_dict())
        history = self.history
        history.frame.to_parquet(folder / "history.parquet")
        _write_json(folder / "history.json", {name: getattr(history, name) for name in HISTORY_FIELDS})
        self.predictions.to_parquet(folder / "predictions.parquet")
        self.curve.to_csv(folder / "curve.csv", index=False)
        _write_json(folder / "metrics.json", {
            "format": FORMAT, "metrics": self.metrics, "reasons": self.reasons, "gate": self.gate.to_dict(),
            "best_epoch": self.best_epoch, "stopped": self.stopped, "seconds": self.seconds,
            "linear": self.linear.to_dict() if self.linear else None,
        })
        _write_json(folder / "preprocessor.json", self.preprocessor.to_dict())
        steps = self.steps
        np.savez(folder / "steps.npz", origins=steps.origins, last=steps.last, predicted=steps.predicted,
                 actual=steps.actual, logarithmic=steps.logarithmic,
                 **{_half_name(level): half for level, half in steps.half.items()})
        ignore_deprecations_in("keras")
        self.model.save(folder / "model.keras")


HISTORY_FIELDS = ("name", "source", "currency", "frequency", "notes", "calendar", "warnings")


def train(history: PriceHistory, config: ForecastConfig, on_epoch=None, should_stop=None,
          on_phase=None) -> TrainingResult:
    """Trains a network on `history` as `config` says.

    on_epoch: called with an `EpochLog` after each epoch
    should_stop: asked several times a second; once it says True, training ends and what was learnt is kept
    on_phase: called with what is being done, in words
    """
    start = time.perf_counter()
    on_phase = on_phase or (lambda words: None)
    check_history(history, config)
    parts = split(len(history), config)
    forecaster, fitted, choice = fit_forecaster(history, config, parts, on_epoch, should_stop, on_phase)
    on_phase("predicting")
    first = config.window - 1
    origins = np.arange(first, len(history))
    predicted = forecaster.predict(history, origins)
    on_phase("scoring")
    positive = forecaster.preprocessor.positive
    table, steps = _judge(history, config, parts, origins, predicted, positive)
    gate = _gate(steps, parts, positive)
    metrics, reasons = _scores(table, history.close[: parts.train_end])
    return TrainingResult(config, history, table, metrics, reasons, fitted.curve, gate, fitted.best_epoch,
                          fitted.stopped, time.perf_counter() - start, steps, choice, forecaster.preprocessor,
                          _model=forecaster.model)


def _judge(history, config, parts, origins, predicted, positive):
    """The table of one-step predictions, and `Steps`. predicted: (m, horizon) from the rows `origins`."""
    close, first = history.close, origins[0]
    last = close[origins]
    calibrate = slice(parts.train_end - 1 - first, parts.validation_end - 1 - first)
    tail = slice(calibrate.start, None)
    # A price of zero or less that turns up later ends the use of logarithms from its day on.
    bad = np.flatnonzero(last <= 0) if positive else np.empty(0, dtype=int)
    logarithmic = np.full(len(origins), positive)
    logarithmic[bad[0] if len(bad) else len(origins):] = False
    actual = np.full((len(origins), config.horizon), np.nan)
    half = {level: np.empty((len(origins), config.horizon), dtype=np.float32) for level in LEVELS}
    for step in range(1, config.horizon + 1):
        known = min(step, len(origins))
        actual[: len(origins) - known, step - 1] = close[origins[0] + step : origins[0] + step + len(origins) - known]
        widths = {space: half_widths(actual[:, step - 1], predicted[:, step - 1], last, calibrate, space, step)
                  for space in set(logarithmic.tolist())}
        for level in LEVELS:
            half[level][:, step - 1] = np.where(logarithmic, widths[True][level] if True in widths else 0.0,
                                                widths[False][level] if False in widths else 0.0)
    steps = Steps(origins[tail], last[tail], predicted[tail], actual[tail],
                  {level: values[tail] for level, values in half.items()}, logarithmic[tail])
    columns = {"split": parts.labels[first + 1 :], "actual": close[first + 1 :], "predicted": predicted[:-1, 0],
               "naive": last[:-1]}
    for level in LEVELS:
        lower, upper = _around(predicted[:-1, 0], half[level][:-1, 0], logarithmic[:-1])
        columns[f"lower_{level * 100:g}"], columns[f"upper_{level * 100:g}"] = lower, upper
    return pd.DataFrame(columns, index=history.dates[first + 1 :]), steps


def _gate(steps, parts, positive):
    """Judged on the validation origins, by what validation knows."""
    seen = steps.between(parts.train_end - 1, parts.validation_end - 1)
    targets = seen.origins[:, None] + np.arange(1, steps.predicted.shape[1] + 1)
    actual = np.where(targets < parts.validation_end, seen.actual, np.nan)
    return evidence_gate(actual, seen.predicted, seen.last, positive)


def _scores(table, training_prices):
    """Scores and reasons of each part."""
    try:
        scale = mase_scale(training_prices)
    except Undefined:
        scale = None
    metrics, reasons = {}, {}
    for part in PARTS:
        rows = table[table["split"] == part]
        intervals = {level: (rows[f"lower_{level * 100:g}"].to_numpy(), rows[f"upper_{level * 100:g}"].to_numpy())
                     for level in LEVELS}
        metrics[part], reasons[part] = scores(rows["actual"].to_numpy(), rows["predicted"].to_numpy(),
                                              rows["naive"].to_numpy(), intervals, scale=scale)
    return metrics, reasons


def _around(predicted, half, logarithmic):
    """Bounds, in logarithms where `logarithmic` says so. Shapes broadcast."""
    inside, outside = around(predicted, half, True), around(predicted, half, False)
    return tuple(np.where(logarithmic, a, b) for a, b in zip(inside, outside, strict=True))


def _forecast(result, path, steps, guarded, origin, forecaster):
    """The forecast from row `origin`: `path` (horizon,) for the first steps, recursion for more."""
    history = result.history
    at = origin - result.steps.origins[0]
    dates = history.dates[origin + 1 : origin + 1 + steps]
    if len(dates) < steps:
        dates = dates.append(future_dates(history, steps - len(dates)))
    dates = dates.rename("Date")
    predicted = path[:steps]
    if steps > len(path):
        seen = PriceHistory(history.frame.iloc[: origin + 1], history.name, history.source, frequency=history.frequency)
        predicted = forecaster().extend(seen, path, dates)
    if guarded:
        predicted = apply_gate(predicted, history.close[origin], result.gate)
    columns = {"predicted": predicted}
    for level in LEVELS:
        half = extend_half_widths(result.steps.half[level][at], steps)
        lower, upper = around(predicted, half, bool(result.steps.logarithmic[at]))
        columns[f"lower_{level * 100:g}"], columns[f"upper_{level * 100:g}"] = lower, upper
    return pd.DataFrame(columns, index=dates)


def load_run(folder) -> TrainingResult:
    """What `TrainingResult.save` wrote. The model itself is read when it is first used.

    Raises RunError for a folder that is missing, incomplete or damaged.
    """
    folder = Path(folder)
    try:
        config = ForecastConfig.from_dict(_read_json(folder / "config.json"))
        said = _read_json(folder / "history.json")
        history = PriceHistory(pd.read_parquet(folder / "history.parquet"),
                               **{name: said[name] for name in HISTORY_FIELDS if name in said})
        summary = _read_json(folder / "metrics.json")
        with np.load(folder / "steps.npz", allow_pickle=False) as arrays:
            steps = Steps(*(arrays[name] for name in ("origins", "last", "predicted", "actual")),
                          half={level: arrays[_half_name(level)] for level in LEVELS},
                          logarithmic=arrays["logarithmic"])
        if not (folder / "model.keras").is_file():
            raise FileNotFoundError("model.keras")
        return TrainingResult(
            config, history, pd.read_parquet(folder / "predictions.parquet"), summary["metrics"], summary["reasons"],
            pd.read_csv(folder / "curve.csv"), Gate.from_dict(summary["gate"]), summary["best_epoch"],
            summary["stopped"], summary["seconds"], steps, Choice(**summary["linear"]) if summary["linear"] else None,
            Preprocessor.from_dict(_read_json(folder / "preprocessor.json")), _folder=folder)
    except RunError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, ForecastingError) as error:
        raise RunError(f"The run in {folder} cannot be read: a file is missing or damaged ({error}). "
                       "Train again, or choose another run.") from error


def _load_model(folder):
    """The saved model; `safe_mode` refuses code that a file brings along."""
    import keras

    ignore_deprecations_in("keras")
    return keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)


def _half_name(level):
    return f"half_{level * 100:g}"


def _write_json(path, values):
    path.write_text(json.dumps(values, indent=1, allow_nan=False), encoding="utf-8")


def _read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))
