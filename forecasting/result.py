"""Trains a forecaster on a price history, and holds the result: predictions, scores, intervals, forecasts, files."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from forecasting.data.calendars import future_dates
from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, ForecastingError, RunError
from forecasting.evaluation.differences import installed_versions
from forecasting.evaluation.gate import Evidence, Gate, apply_gate
from forecasting.evaluation.intervals import LEVELS, extend_half_widths
from forecasting.evaluation.metrics import Undefined, mase_scale
from forecasting.evaluation.scores import scores
from forecasting.evaluation.verdict import leak_words
from forecasting.evaluation.volatility import expect_moves, learn_width
from forecasting.model.backup import Backup
from forecasting.model.config import ForecastConfig
from forecasting.model.encoding import Encoded, Encoder, check_history, encode
from forecasting.model.forecaster import Forecaster, average_models, fit_forecaster, refit_forecaster
from forecasting.model.listener import Callbacks, Listener, OnEpoch, OnPhase, ShouldStop
from forecasting.model.network import load_model, save_model
from forecasting.model.size import check_memory
from forecasting.model.skip import Choice
from forecasting.model.split import PARTS, Split, part_labels, split
from forecasting.steps import (
    Steps,
    bounds_around,
    collect_evidence,
    collect_steps,
    guard_steps,
    one_step_table,
    scale_of_moves,
)
from forecasting.words import share

__all__ = ["MAX_STEPS", "Refit", "Steps", "TrainingResult", "average", "load_run", "rebuild", "train"]

MAX_STEPS = 1000
TELL_EVERY = 1.0  # seconds between two reports of how much is predicted
FORMAT, BEFORE_EVIDENCE = 3, 2  # of a saved folder: the current one, and an older one whose gate used validation alone
EVIDENCE = tuple(one.name for one in dataclasses.fields(Evidence))
STEPS = tuple(one.name for one in dataclasses.fields(Steps) if one.name != "half")
MODEL_FILE, WIDTH_FILE = "model.keras", "width.keras"
ENCODER_FILE = "preprocessor.json"  # an old name, kept so that old runs still open


@dataclass(kw_only=True)
class TrainingResult:
    """A trained forecaster and how it did.

    predictions: DataFrame, index Date, from the row after the first window on: split, actual, predicted, naive,
        lower_80, upper_80, lower_95, upper_95; one step ahead, in the units of the prices; NaN where predicting was stopped
        before that day's turn (see `unpredicted`)
    metrics: {'train' | 'validation' | 'test': {score: value or None}}; reasons: the same for each None, in words
    curve: DataFrame epoch (from 1), loss, val_loss, seconds
    evidence: for the network against the naive forecast, as it grew over the origins of `steps`
    best_epoch: of the lowest validation loss; 0: the untrained network's (see `untrained_was_best`). Its weights are those
        that were kept if `config.patience` is set, and the last epoch's otherwise; None for an average
    rates: the learning rate of each epoch up to the one whose weights were kept
    stopped: whether the user stopped it early; seconds: of the whole training
    steps: forecasts of every step of the horizon, from each origin of validation and test and from the last row
    guarded: the same for the guarded forecasts, which depart from naive only as far as the evidence justifies
    linear: the choice made for the frozen linear part, or None if none was asked for
    members: the seeds of the networks that this is the `average` of; () for a network of its own
    width: the width head, a Keras model of plain layers, where one was learnt and is loaded; None otherwise
    versions: of Python and the libraries that it was trained with, {'python': '3.11.9', ...}; {} for an older run

    A run opened from a file has no network (`has_model`): everything but a forecast can be had from it.
    """

    config: ForecastConfig
    history: PriceHistory
    predictions: pd.DataFrame
    metrics: dict
    reasons: dict
    curve: pd.DataFrame
    evidence: Evidence
    best_epoch: int | None
    rates: tuple[float, ...]
    stopped: bool
    seconds: float
    steps: Steps
    guarded: Steps
    linear: Choice | None
    encoder: Encoder
    members: tuple[int, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    width: Any = field(default=None, repr=False)
    _model: Any = field(default=None, repr=False)
    _folder: Path | None = field(default=None, repr=False)  # where the model is, until it is loaded

    @property
    def split(self) -> Split:
        return split(len(self.history), self.config)

    @property
    def invalid(self) -> str | None:
        """Why the scores mean nothing (leak lab), or None."""
        return None if self.config.leak is None else leak_words(self.config.leak)

    @property
    def unpredicted(self) -> dict[str, int]:
        """{'train' | 'validation' | 'test': how many of its days are without a forecast, since predicting was stopped}."""
        left = self.predictions["split"][self.predictions["predicted"].isna()]
        return {part: int((left == part).sum()) for part in PARTS}

    @property
    def gate(self) -> Gate:
        """What is known about the network at the last row. This includes the test part, which lies before any new forecast."""
        return self.evidence.gate()

    def gate_at(self, as_of=None) -> Gate:
        """What was known about the network on a day, as in `forecast`, and how much of its move a forecast then keeps."""
        return self.evidence.gate(self._origin(as_of) - self.steps.origins[0])

    @property
    def untrained_was_best(self) -> bool:
        """Whether epochs were run and none was better than the untrained network, so that training added nothing."""
        return self.best_epoch == 0 and len(self.curve) > 0

    @property
    def has_model(self) -> bool:
        """Whether there is a network."""
        return self._model is not None or (self._folder is not None and (self._folder / MODEL_FILE).is_file())

    @property
    def model(self):
        """The Keras model, plain layers only: (batch, length, channels) -> (batch, horizon). Raises RunError without one."""
        self._require_model()
        if self._model is None and self._folder is not None:
            self._model = load_model(self._folder / MODEL_FILE)
        return self._model

    def model_bytes(self) -> bytes:
        """The Keras model as a `.keras` file; one that is on disk already is not loaded for it. Raises RunError without one."""
        self._require_model()
        if self._folder is not None:
            return (self._folder / MODEL_FILE).read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            save_model(self._model, Path(folder) / MODEL_FILE)
            return (Path(folder) / MODEL_FILE).read_bytes()

    def _require_model(self):
        if not self.has_model:
            raise RunError("This run was opened from a file and has no network, since a stranger's is never loaded. Train it "
                           "again with its settings and prices to forecast with it.")

    @property
    def forecaster(self) -> Forecaster:
        return Forecaster(self.config, self.encoder, self.model)

    def forecast(self, steps: int, guarded: bool = False, as_of=None) -> pd.DataFrame:
        """What comes next: index future Date; predicted, lower_80, upper_80, lower_95, upper_95.

        steps: beyond the horizon, forecasts are fed back as if they were prices
        guarded: departs from the naive forecast only as far as the evidence known on that day justifies
        as_of: a day from the last of validation on, for the forecast as it would have been made after its close
        Raises RunError for a run without a network.
        """
        self._require_model()
        origin = self._origin(as_of)
        at = origin - self.steps.origins[0]
        if np.isnan(self.steps.predicted[at]).any():
            known = self.history.dates[self.steps.origins[np.isfinite(self.steps.predicted[:, 0])]]
            raise ConfigError(f"Predicting was stopped before the turn of {self.history.dates[origin]:%Y-%m-%d}. "
                              f"Received: as_of={as_of}. Choose a day from {known[0]:%Y-%m-%d} to {known[-2]:%Y-%m-%d}, or the "
                              "last row, or train again.")
        return self._forecast(self.steps.predicted[at], steps, guarded, origin, lambda: self.forecaster)

    def refit(self, on_epoch: OnEpoch = None, should_stop: ShouldStop = None, on_phase: OnPhase = None) -> Refit:
        """Repeats the training on all rows, for as many epochs as the tested weights had, to forecast from the last row.

        Scores, intervals and evidence remain those of this result, which was tested; arguments as in `train`.
        Raises RunError for an average, which was not trained itself.
        """
        if self.members:
            raise RunError("An average of networks is not trained, so it cannot be refitted. Refit a single run, or forecast "
                           "with the average as it was tested.")
        self._require_model()
        listener = Callbacks(on_epoch, should_stop, on_phase)
        forecaster, fitted = refit_forecaster(self.history, self.config, self.linear, self.rates, listener)
        # `fitted` knows about the network only; without epochs, the linear part may still have been interrupted.
        stopped = fitted.stopped or listener.asked_to_stop()
        path = forecaster.predict(self.history, [len(self.history) - 1])[0]
        return Refit(self, forecaster, path, stopped)

    def save(self, folder: str | Path) -> None:
        """Writes everything into `folder`, creating it if needed."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(folder / "config.json", self.config.to_dict())
        self.history.save(folder)
        self.predictions.to_parquet(folder / "predictions.parquet")
        self.curve.to_csv(folder / "curve.csv", index=False)
        _write_json(folder / "metrics.json", {
            "format": FORMAT, "metrics": self.metrics, "reasons": self.reasons,
            "best_epoch": self.best_epoch, "rates": self.rates, "stopped": self.stopped, "seconds": self.seconds,
            "linear": dataclasses.asdict(self.linear) if self.linear else None, "members": self.members,
            "has_model": self.has_model,
            "versions": self.versions,
        })
        _write_json(folder / ENCODER_FILE, self.encoder.to_dict())
        arrays = {name: getattr(self.steps, name) for name in STEPS} | {name: getattr(self.evidence, name) for name in EVIDENCE}
        arrays["guarded"] = self.guarded.predicted
        for level in LEVELS:
            arrays[_half_name(level)] = self.steps.half[level]
            arrays[f"guarded_{_half_name(level)}"] = self.guarded.half[level]
        np.savez(folder / "steps.npz", **arrays)
        if self.has_model:
            save_model(self.model, folder / MODEL_FILE)
        if (width := self.load_width()) is not None:
            save_model(width, folder / WIDTH_FILE)

    def load_width(self):
        """The width head, loaded on first use; None where there is none."""
        if self.width is None and self._folder is not None and (self._folder / WIDTH_FILE).is_file():
            self.width = load_model(self._folder / WIDTH_FILE)
        return self.width

    def _origin(self, as_of) -> int:
        """The row that a forecast starts from."""
        dates, first = self.history.dates, self.split.validation_end - 1
        if as_of is None:
            return len(dates) - 1
        try:
            day = pd.Timestamp(as_of)
        except (TypeError, ValueError, OverflowError):
            day = pd.NaT
        if day is pd.NaT or day.tz is not None:
            raise ConfigError("as_of must be a date without a time zone, such as 2024-03-27, as the dates of the series are. "
                              f"Received: as_of={str(as_of)[:60]}.")
        row = int(dates.searchsorted(day, side="right")) - 1
        if row < first or day.normalize() > dates[-1]:
            raise ConfigError(f"A forecast can start from {dates[first]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}: before that, "
                              f"the network had already seen what followed. Received: as_of={as_of}.")
        return row

    def _forecast(self, path, steps, guarded, origin, forecaster):
        """The forecast from row `origin`: `path` (horizon,) for the first steps, recursion for more."""
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MAX_STEPS:
            raise ConfigError(f"steps must be a whole number from 1 to {MAX_STEPS}. Received: steps={steps!r}.")
        history, at = self.history, origin - self.steps.origins[0]
        dates = history.dates[origin + 1 : origin + 1 + steps]
        if len(dates) < steps:
            dates = dates.append(future_dates(history, steps - len(dates))).rename("Date")
        predicted = path[:steps]
        if steps > len(path):
            seen = dataclasses.replace(history, frame=history.frame.iloc[: origin + 1])
            predicted = forecaster().extend(seen, path, dates)
        if guarded:
            predicted = apply_gate(predicted, history.close[origin], self.evidence.shares[at])
        columns, known = {"predicted": predicted}, self.guarded if guarded else self.steps
        for level in LEVELS:
            half = extend_half_widths(known.half[level][at], steps)
            lower, upper = bounds_around(predicted, half, known.logarithmic[at])
            columns[f"lower_{level * 100:g}"], columns[f"upper_{level * 100:g}"] = lower, upper
        return pd.DataFrame(columns, index=dates)


@dataclass(frozen=True)
class Refit:
    """A forecaster trained on all rows of a tested result.

    tested: the result it comes from; path: (horizon,) forecast from the last row; stopped: whether it was stopped early
    """

    tested: TrainingResult
    forecaster: Forecaster
    path: np.ndarray
    stopped: bool

    def forecast(self, steps: int, guarded: bool = False) -> pd.DataFrame:
        """As `TrainingResult.forecast`, from the last row."""
        return self.tested._forecast(self.path, steps, guarded, len(self.tested.history) - 1, lambda: self.forecaster)


def train(history: PriceHistory, config: ForecastConfig, on_epoch: OnEpoch = None, should_stop: ShouldStop = None,
          on_phase: OnPhase = None, backup: Backup | None = None) -> TrainingResult:
    """Trains a network on `history` as `config` says.

    on_epoch: called with an `EpochLog` after each epoch
    should_stop: called several times a second; once it returns True, training ends and what was learnt is kept. Once it
        returns `STOP_PREDICTING`, predicting ends too, and the scores are those of what is predicted by then
    on_phase: called with what is being done, in words
    backup: lets a training resume after its process has died
    Raises as `check_history` and `check_memory` do, and TrainingError for a loss that is no longer a number.
    """
    start = time.perf_counter()
    listener = Callbacks(on_epoch, should_stop, on_phase, backup)
    check_history(history, config)
    check_memory(config, len(history))
    parts = split(len(history), config)
    listener.phase("preparing the data")
    encoded = encode(history, config, parts)
    forecaster, fitted, choice = fit_forecaster(encoded, config, parts, listener)
    width = None
    if config.width and config.leak is None:
        listener.phase("learning the width")
        width = learn_width(history, parts, config.horizon, encoded.encoder.positive, config.seed, listener)
    return _tested(encoded, forecaster, listener, curve=fitted.curve, best_epoch=fitted.best_epoch, rates=fitted.rates,
                   stopped=fitted.stopped, linear=choice, width=width, started=start)


def average(results: Sequence[TrainingResult], on_phase: OnPhase = None) -> TrainingResult:
    """The mean of several networks' outputs as a forecaster of its own, with scores, intervals and evidence of its own.

    results: two or more of the same prices and settings, seeds aside
    Raises RunError for results that differ by more.
    Source: Hansen and Salamon, "Neural network ensembles" (1990).
    """
    started, listener = time.perf_counter(), Callbacks(on_phase=on_phase)
    first = results[0] if results else None
    if first is None or len(results) < 2:
        raise RunError(f"An average takes two results or more. Received: {len(results)}.")
    for other in results[1:]:
        if (dataclasses.replace(other.config, seed=first.config.seed) != first.config
                or other.history.fingerprint != first.history.fingerprint):
            raise RunError("Only results of the same prices and settings can be averaged, with other seeds. Received: "
                           f"results that differ by more, of {first.history.name} and {other.history.name}.")
    listener.phase("preparing the data")
    parts = first.split
    encoded = encode(first.history, first.config, parts)
    forecaster = Forecaster(first.config, encoded.encoder, average_models([one.model for one in results]))
    return _tested(encoded, forecaster, listener, curve=first.curve.iloc[:0], best_epoch=None, rates=(),
                   stopped=any(one.stopped for one in results), linear=first.linear,
                   width=first.load_width(), members=tuple(one.config.seed for one in results), started=started)


def _tested(encoded: Encoded, forecaster: Forecaster, listener: Listener, *, started: float, **learnt) -> TrainingResult:
    """The result of a forecaster: what it predicts, and how well. learnt: the fields that say how it was trained"""
    history, config = encoded.history, forecaster.config
    listener.phase("predicting")
    predicted = _predict(encoded, forecaster, listener)
    listener.phase("scoring")
    derived = _derive(history, config, predicted, encoded.encoder.positive, width=learnt.get("width"))
    return TrainingResult(config=config, history=history, encoder=encoded.encoder, seconds=time.perf_counter() - started,
                          versions=installed_versions(), _model=forecaster.model, **learnt, **derived)


def _predict(encoded, forecaster, listener) -> np.ndarray:
    """(n - window + 1, horizon): the forecasts from every row after the first window; NaN from those left out by a stop.

    What matters most goes first: the last row, the test part from its first day on, and then towards the first window.
    Whatever is left out by a stop is thus older than the test part or at its end.
    """
    first, rows = forecaster.config.window - 1, len(encoded.history)
    tested = split(rows, forecaster.config).validation_end - 1
    origins = np.concatenate([[rows - 1], np.arange(tested, rows - 1), np.arange(tested - 1, first - 1, -1)])
    told = time.monotonic()

    def watch(done):
        nonlocal told
        if time.monotonic() - told > TELL_EVERY:
            told = time.monotonic()
            listener.phase(f"predicting, {share(done, digits=0)}")
        return listener.asked_to_stop_predicting()

    predicted = np.empty((rows - first, forecaster.config.horizon))
    predicted[origins - first] = forecaster.predict_encoded(encoded, origins, watch)
    return predicted


def rebuild(history: PriceHistory, config: ForecastConfig, one_step: pd.DataFrame, steps, *, curve: pd.DataFrame,
            best_epoch: int | None, stopped: bool, seconds: float, linear: Choice | None,
            members: tuple[int, ...] = ()) -> TrainingResult:
    """The result of a training from its predictions alone, without a network. Scores and evidence are computed from them.

    one_step: predicted, lower_80, upper_80, lower_95, upper_95 of each row after the first window
    steps: (m, horizon) predictions from the last row of training and every row after it
    Raises as `check_history` does.
    """
    check_history(history, config)
    parts, first = split(len(history), config), config.window - 1
    encoder = encode(history, config, parts).encoder
    # Later steps from training rows are not known; naive ones take their place. No score and no evidence reads them.
    predicted = np.tile(history.close[first:, None], config.horizon)
    predicted[:-1, 0] = one_step["predicted"]
    predicted[parts.train_end - 1 - first :] = steps
    derived = _derive(history, config, predicted, encoder.positive, one_step.drop(columns="predicted"))
    return TrainingResult(config=config, history=history, curve=curve, best_epoch=best_epoch, rates=(), stopped=stopped,
                          seconds=seconds, linear=linear, encoder=encoder, members=members, **derived)


def _derive(history, config, predicted, positive, bounds=None, width=None) -> dict:
    """The fields of a `TrainingResult` that follow from the predictions (n, horizon) of every origin.

    bounds: the intervals of the one-step predictions, if they are known already; width: the width head, or None
    """
    parts, first = split(len(history), config), config.window - 1
    expected = expect_moves(history, parts, config.horizon, positive, width)
    steps = collect_steps(history.close, parts, first, predicted, positive, expected)
    table = one_step_table(steps, history.dates, part_labels(parts, config))
    if bounds is not None:
        table[list(bounds)] = bounds.to_numpy()
    metrics, reasons = _scores(table, history.close[: parts.train_end])
    kept = steps.between(parts.train_end - 1, parts.rows)
    evidence = collect_evidence(kept, history.close, parts, positive)
    guarded = guard_steps(steps, history.close, parts, evidence, positive, expected).between(parts.train_end - 1, parts.rows)
    return {"predictions": table, "metrics": metrics, "reasons": reasons, "evidence": evidence, "steps": kept,
            "guarded": guarded}


def load_run(folder: str | Path) -> TrainingResult:
    """Loads what `TrainingResult.save` wrote. The model itself is loaded on first use.

    Raises RunError for a folder that is missing, incomplete or damaged.
    """
    folder = Path(folder)
    try:
        config = ForecastConfig.from_dict(_read_json(folder / "config.json"))
        history = PriceHistory.load(folder)
        summary = _read_json(folder / "metrics.json")
        if summary["format"] not in (FORMAT, BEFORE_EVIDENCE):
            raise ValueError(f"it was saved by another version of this app, in format {summary['format']}, not {FORMAT}")
        encoder = Encoder.from_dict(_read_json(folder / ENCODER_FILE))
        with (folder / "steps.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            half = {level: arrays[_half_name(level)] for level in LEVELS}
            parts = {name: arrays[name] for name in STEPS if name in arrays}
            if "volatility" not in parts:  # a run of an earlier version
                expected = expect_moves(history, split(len(history), config), config.horizon, encoder.positive)
                parts["volatility"] = scale_of_moves(expected, half, parts["logarithmic"], int(parts["origins"][0]))
            steps = Steps(**parts, half=half)
            if summary["format"] == FORMAT:
                evidence = Evidence(**{name: arrays[name] for name in EVIDENCE})
                half = {level: arrays[f"guarded_{_half_name(level)}"] for level in LEVELS}
                guarded = dataclasses.replace(steps, predicted=arrays["guarded"], half=half)
        if summary["format"] == BEFORE_EVIDENCE:
            steps, evidence, guarded = _weigh_again(steps, history, config, encoder.positive)
        result = TrainingResult(
            config=config, history=history, predictions=pd.read_parquet(folder / "predictions.parquet"),
            metrics=summary["metrics"], reasons=summary["reasons"], curve=pd.read_csv(folder / "curve.csv"),
            evidence=evidence, best_epoch=summary["best_epoch"], rates=tuple(summary["rates"]), stopped=summary["stopped"],
            seconds=summary["seconds"], steps=steps, guarded=guarded,
            linear=Choice(**summary["linear"]) if summary["linear"] else None, encoder=encoder,
            members=tuple(summary.get("members", ())),
            versions={str(name): str(version) for name, version in dict(summary.get("versions", {})).items()}, _folder=folder)
        _check_whole(result, summary.get("has_model", True))
        return result
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, ForecastingError) as error:
        raise RunError(f"The run in {folder} cannot be read: a file is missing or damaged ({error}). "
                       "Train again, or choose another run.") from error


def _weigh_again(steps, history, config, positive):
    """(steps, evidence, guarded steps) of a run in the format without evidence.

    That format has no forecasts from training rows; naive ones take their place.
    """
    parts, close, first = split(len(history), config), history.close, config.window - 1
    steps = dataclasses.replace(steps, half={level: np.maximum.accumulate(half, axis=1) for level, half in steps.half.items()})
    evidence = collect_evidence(steps, close, parts, positive)
    early = np.tile(close[first : parts.train_end - 1, None], config.horizon)
    every = dataclasses.replace(steps, origins=np.arange(first, parts.rows), last=close[first:],
                                predicted=np.concatenate([early, steps.predicted]))
    guarded = guard_steps(every, close, parts, evidence, positive, expect_moves(history, parts, config.horizon, positive))
    return steps, evidence, guarded.between(parts.train_end - 1, parts.rows)


def _check_whole(result, has_model):
    """Raises ValueError if the files do not belong together."""
    if has_model and not result.has_model:
        raise ValueError(f"{MODEL_FILE} is missing")
    if list(result.curve) != ["epoch", "loss", "val_loss", "seconds"]:
        raise ValueError("curve.csv is not a curve")
    origins, horizon = len(result.history) - result.split.train_end + 1, result.config.horizon
    halves = [half for one in (result.steps, result.guarded) for half in one.half.values()]
    shapes = {result.steps.predicted.shape, result.steps.volatility.shape, *(half.shape for half in halves),
              result.guarded.predicted.shape, result.evidence.shares.shape, result.evidence.log_evidence.shape}
    if shapes != {(origins, horizon)} or result.encoder.horizon != horizon:
        raise ValueError("the steps do not fit the settings")
    if len(result.predictions) != len(result.history) - result.config.window:
        raise ValueError("the predictions do not fit the prices")


def _scores(table, training_prices):
    """Scores and reasons of each part."""
    try:
        scale = mase_scale(training_prices)
    except Undefined:
        scale = None
    metrics, reasons = {}, {}
    for part in PARTS:
        rows = table[(table["split"] == part) & table["predicted"].notna()]
        intervals = {level: (rows[f"lower_{level * 100:g}"].to_numpy(), rows[f"upper_{level * 100:g}"].to_numpy())
                     for level in LEVELS}
        metrics[part], reasons[part] = scores(rows["actual"].to_numpy(), rows["predicted"].to_numpy(),
                                              rows["naive"].to_numpy(), intervals, scale=scale)
    return metrics, reasons


def _half_name(level):
    return f"half_{level * 100:g}"


def _write_json(path, values):
    path.write_text(json.dumps(values, indent=1, allow_nan=False), encoding="utf-8")


def _read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))
