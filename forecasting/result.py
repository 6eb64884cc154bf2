"""Trains a forecaster on a price history, and holds the result: predictions, scores, intervals, forecasts, files."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.arguments import as_config, as_history, refuse_keywords
from forecasting.data.calendars import future_dates
from forecasting.data.frequency import as_day
from forecasting.data.history import PriceHistory, continued
from forecasting.distribution import MAX_SAMPLES, Distribution, as_levels
from forecasting.equal import equal_fields
from forecasting.errors import ConfigError, ForecastingError, RunError
from forecasting.evaluation.differences import installed_versions
from forecasting.evaluation.gate import Evidence, Gate, apply_gate
from forecasting.evaluation.intervals import LEVELS, extend_half_widths
from forecasting.evaluation.judgement import judge
from forecasting.evaluation.metrics import Undefined, mase_scale
from forecasting.evaluation.scores import scores
from forecasting.evaluation.verdict import Verdict, leak_words
from forecasting.evaluation.volatility import expect_moves, learn_width, learnt_factors
from forecasting.model.backup import Backup
from forecasting.model.config import ForecastConfig
from forecasting.model.encoding import Encoded, Encoder, check_history, encode
from forecasting.model.features import known_ahead, known_columns, with_known
from forecasting.model.forecaster import Forecaster, average_models, fit_forecaster, refit_forecaster
from forecasting.model.listener import Callbacks, Listener, OnEpoch, OnPhase, ShouldStop
from forecasting.model.network import load_model, save_model
from forecasting.model.size import check_memory
from forecasting.model.skip import Choice
from forecasting.model.snapshots import Snapshots
from forecasting.model.split import PARTS, Split, part_labels, split, with_longer_test
from forecasting.model.weights import Network, network_of_model, read_network
from forecasting.paths import local_path, made_folder, no_folder, shown_path
from forecasting.progress import followed
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

if TYPE_CHECKING:
    from forecasting.combined import Combined

__all__ = ["MAX_STEPS", "Refit", "Steps", "TrainingResult", "average", "load_run", "rebuild", "retested", "train"]

MAX_STEPS = 1000
TELL_EVERY = 1.0  # seconds between two reports of how much is predicted
FORMAT, BEFORE_EVIDENCE = 3, 2  # of a saved folder: the current one, and an older one whose gate used validation alone
EVIDENCE = tuple(one.name for one in dataclasses.fields(Evidence))
STEPS = tuple(one.name for one in dataclasses.fields(Steps) if one.name != "half")
MODEL_FILE, WIDTH_FILE = "model.keras", "width.keras"
SNAPSHOTS_FILE = "snapshots.npz"
REFIT_FILE, REFIT_STATE = "refit.keras", "refit.json"
ENCODER_FILE = "preprocessor.json"  # an old name, kept so that old runs still open


@dataclass(kw_only=True, eq=False, repr=False)
class TrainingResult:
    """A trained forecaster and how it did.

    predictions: DataFrame, index Date, from the row after the first window on: split, actual, predicted, naive,
        lower_80, upper_80, lower_95, upper_95; one step ahead, in the units of the prices; NaN where predicting was stopped
        before that day's turn (see `unpredicted`)
    metrics: {'train' | 'validation' | 'test': {score: value or None}}: rmse, naive_rmse, mae, naive_mae, width_80, width_95,
        interval_score_80 and interval_score_95 in the unit of the prices; mape, naive_mape and smape in percent; skill,
        coverage_80, coverage_95 and directional_accuracy as shares of 1; mase over the mean move in training; and what
        `evaluation.scores.SCORES` says more of directions. Every naive_ score is the naive forecast's on the same days
    reasons: for each None in `metrics`, why it is undefined, in words
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
    snapshots: the weights at some epochs and the length of the gradients; None for an average or an older run
    width: the width head, a Keras model of plain layers, where one was learnt and is loaded; None otherwise
    factors: (n, horizon) what the width head multiplies the expected volatility by; None without one
    versions: of Python and the libraries that it was trained with, {'python': '3.11.9', ...}; {} for an older run

    A run opened from a file has no network (`has_model`): everything but a forecast can be had from it.
    """

    config: ForecastConfig
    history: PriceHistory
    predictions: pd.DataFrame
    metrics: dict
    reasons: dict
    curve: pd.DataFrame = field(compare=False)  # holds seconds
    evidence: Evidence
    best_epoch: int | None
    rates: tuple[float, ...]
    stopped: bool
    seconds: float = field(compare=False)
    steps: Steps
    guarded: Steps
    linear: Choice | None
    encoder: Encoder
    members: tuple[int, ...] = ()
    versions: dict[str, str] = field(default_factory=dict, compare=False)
    snapshots: Snapshots | None = field(default=None, compare=False)
    width: Any = field(default=None, compare=False)
    factors: np.ndarray | None = field(default=None, compare=False)
    _network: Network | None = field(default=None, compare=False)
    _model: Any = field(default=None, compare=False)
    _folder: Path | None = field(default=None, compare=False)  # where the model is, until it is loaded
    _bytes: bytes | None = field(default=None, compare=False)  # the model's file, of a result that was pickled
    _width_bytes: bytes | None = field(default=None, compare=False)  # the same of the width head

    # Two results are equal if they have the same prices and settings and predict the same, bit for bit, whenever made.
    __eq__ = equal_fields

    def __repr__(self) -> str:
        scores, currency = self.metrics["test"], self.history.currency
        return (f"TrainingResult({self.history.name!r}, {words.count_of(self.config.horizon, 'step')} ahead, "
                f"{words.count_of(len(self.curve), 'epoch')}; test RMSE {words.price(scores['rmse'], currency)}, naive "
                f"{words.price(scores['naive_rmse'], currency)}{', invalid' if self.invalid else ''}{self.history.warned})")

    def _repr_html_(self) -> str:
        from forecasting.notebook import result_html

        return result_html(self)

    def __getstate__(self) -> dict:
        """Keras models cannot be pickled; their files can."""
        return self.__dict__ | {"_model": None, "_folder": None, "width": None,
                                "_bytes": self.model_bytes() if self.has_model else None,
                                "_width_bytes": self.width_bytes()}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)

    @property
    def verdict(self) -> Verdict:
        """Whether the test part proves it better than the naive forecast, in words: `.outcome`, `.headline`, `.sentence`."""
        return judge(self.predictions, self.metrics["test"], frequency=self.history.frequency, currency=self.history.currency,
                     leak=self.config.leak)[0]

    def plot(self, part: str | None = "test", *, rows: int | None = None, dark: bool = False):
        """Actual, predicted and naive prices one step ahead with the intervals, as a Plotly figure.

        part: 'train', 'validation' or 'test', or None for all days; rows: only the last ones of it
        """
        from forecasting.plots import prediction_chart

        if part is not None and part not in PARTS:
            raise ConfigError(f"part must be one of {', '.join(PARTS)}, or None for all days. Received: part={part!r:.60}.")
        shown = self.predictions if part is None else self.predictions[self.predictions["split"] == part]
        return prediction_chart(shown if rows is None else shown.iloc[-rows:], dark=dark, currency=self.history.currency)

    def plot_forecast(self, steps: int | None = None, guarded: bool = True, as_of=None, *, rows: int | None = None,
                      dark: bool = False):
        """What comes next as a fan after the last prices, as a Plotly figure: `forecast` with its arguments.

        steps: the horizon by default; rows: how many past prices to draw, 60 by default
        A guarded forecast has the network's own line beside it; one `as_of` a past day has what came since.
        """
        from forecasting.plots import forecast_fan
        from forecasting.plots.sampling import FEW_ROWS

        steps, origin, close = steps or self.config.horizon, self._origin(as_of), self.history.frame["Close"]
        own = self.forecast(steps, as_of=as_of)
        return forecast_fan(close.iloc[: origin + 1], self.forecast(steps, True, as_of) if guarded else own,
                            own=own["predicted"] if guarded else None, actual=close.iloc[origin + 1 :],
                            rows=rows or FEW_ROWS, dark=dark,
                            currency=self.history.currency,
                            title=f"{'Guarded forecast' if guarded else 'Forecast'} of {self.history.name}")

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
        """Whether epochs were run and none was clearly better than the untrained network, so that training added nothing."""
        return self.best_epoch == 0 and len(self.curve) > 0

    @property
    def has_model(self) -> bool:
        """Whether there is a network."""
        return (self._model is not None or self._bytes is not None
                or (self._folder is not None and (self._folder / MODEL_FILE).is_file()))

    @property
    def model(self):
        """The Keras model, plain layers only: (batch, length, channels) -> (batch, horizon). Raises RunError without one."""
        self._require_model()
        if self._model is None and self._folder is not None:
            self._model = load_model(self._folder / MODEL_FILE)
        elif self._model is None and self._bytes is not None:
            self._model = _model_of(self._bytes)
        return self._model

    def model_bytes(self) -> bytes:
        """The Keras model as a `.keras` file; one that is on disk already is not loaded for it. Raises RunError without one."""
        self._require_model()
        if self._bytes is not None:
            return self._bytes
        if self._folder is not None:
            return (self._folder / MODEL_FILE).read_bytes()
        return _file_of(self._model)

    @property
    def network(self) -> Network:
        """The network as plain arrays; one that is on disk is read without TensorFlow. Raises RunError without one."""
        if self.members:
            raise RunError("This is an average of several networks, which has no gates or states of its own. Open one of the "
                           "runs that it is made of.")
        if self._network is None:
            self._require_model()
            if self._model is not None:
                self._network = network_of_model(self._model, self.config)
            elif self._folder is not None:
                self._network = read_network(self._folder / MODEL_FILE, self.config)
            else:
                self._network = read_network(BytesIO(self.model_bytes()), self.config)
        return self._network

    @cached_property
    def encoded(self) -> Encoded:
        """The history as the network reads it."""
        return self.encoder.encode(self.history)

    def _require_model(self):
        if not self.has_model:
            raise RunError("This run was opened from a file and has no network, since a stranger's is never loaded. Train it "
                           "again with its settings and prices to forecast with it.")

    @property
    def steps_known(self) -> int:
        """How many steps of the horizon can be forecast with what is known in advance; all where no input needs that."""
        return known_ahead(self.history, self.config.features, self.config.horizon)

    @property
    def forecaster(self) -> Forecaster:
        return Forecaster(self.config, self.encoder, self.model)

    def forecast(self, steps: int | None = None, guarded: bool = False, as_of=None, *, levels=(80, 95),
                 known: pd.DataFrame | None = None, samples: int | None = None, seed: int | None = None,
                 ) -> pd.DataFrame | np.ndarray:
        """What comes next: index future Date (trading days); predicted, lower_80, upper_80, lower_95, upper_95.

        steps: from 1 to 1,000, the horizon by default; beyond the horizon, forecasts are fed back as if they were prices
        guarded: departs from the naive forecast only as far as the evidence known on that day justifies
        as_of: a day from the last of validation on, for the forecast as it would have been made after its close
        levels: of the intervals, in percent, e.g. (50, 80, 90, 99) for lower_50, upper_50, ...; at most 99.9
        known: a DataFrame by date with values of the inputs that are known in advance, a column for each; on days to come they
            go before those that the history has
        samples: instead of the table, that many equally likely paths, (samples, steps), whose quantiles are the intervals
        seed: of the samples; that of the settings by default
        Raises RunError for a run without a network, ConfigError for a bad argument, DataError where `known` is no such table.
        """
        self._require_model()
        origin = self._origin(as_of)
        return self._forecast(self._path(origin, as_of), steps, guarded, origin, lambda: self.forecaster, levels, known,
                              samples, seed)

    def combined(self, should_stop: ShouldStop = None, on_phase: OnPhase = None) -> Combined:
        """This run, ridge regression with seasons and gradient boosting as one forecaster, weighted on validation.

        It takes seconds: the others are fitted to the history. See `forecasting.combined.Combined`; arguments as in `train`.
        Raises RunError for a run that made a mistake on purpose.

        >>> both = result.combined()
        >>> both.made_of, both.tested.metrics["test"]["rmse"], both.forecast(10, guarded=True)
        """
        from forecasting.combined import combine_run

        return combine_run(self, should_stop, on_phase)

    def intervals(self, levels=(50, 80, 90, 99), part: str | None = "test") -> pd.DataFrame:
        """The one-step predictions of validation or test with intervals of any level, each made from what was known before.

        levels: in percent, at most 99.9; part: 'validation', 'test', or None for both
        returns index Date; split, actual, predicted, naive, and lower_50, upper_50, ... for each level
        """
        if part not in (None, "validation", "test"):
            raise ConfigError(f"part must be 'validation', 'test', or None for both. Received: part={part!r:.60}.")
        halves = self._distribution(guarded=False).rows(as_levels(levels))
        table = self.predictions.iloc[-(len(self.steps.origins) - 1) :][["split", "actual", "predicted", "naive"]].copy()
        for level, half in halves.items():
            table[f"lower_{level:g}"], table[f"upper_{level:g}"] = bounds_around(
                self.steps.predicted[:-1, 0], half[:-1], self.steps.logarithmic[:-1])
        return table if part is None else table[table["split"] == part]

    def update(self, newer_history: PriceHistory | pd.DataFrame | pd.Series, on_phase: OnPhase = None) -> TrainingResult:
        """The same forecaster on prices that came since: forecasts, intervals and scores of them; nothing is trained again.

        newer_history: with at least one day of the old prices, so that both can be seen to be the same series; from the day on
            which it begins with every old row, at the same prices, and at the same frequency after them
        Training and validation keep their rows and the test part grows by the new ones: the shares in `config` say so, and
        training with them on the longer history would give the same network. Old predictions stay as they are.
        Raises DataError for prices that do not continue these, ConfigError where the test part would be more than 60 %.

        >>> result = result.update(fetch_prices("AAPL"))
        """
        if self.invalid:
            raise RunError(f"{self.invalid} It cannot be continued; train with honest settings.")
        self._require_model()
        history = continued(self.history, as_history(newer_history, "update"))
        parts, listener = self.split, Callbacks(on_phase=on_phase)
        config = with_longer_test(self.config, parts, len(history))
        listener.phase("predicting")
        forecaster = Forecaster(config, self.encoder, self.model)
        predicted = _predict(self.encoder.encode(history), forecaster, listener)
        # What was said at the time stays, to the last bit; forecasts in other batches may differ there.
        first, kept = config.window - 1, self.predictions["predicted"].to_numpy()
        predicted[: len(kept), 0] = kept
        predicted[self.steps.origins - first] = self.steps.predicted
        listener.phase("scoring")
        factors = learnt_factors(self.load_width(), history, split(len(history), config), self.encoder.positive)
        derived = _derive(history, config, predicted, self.encoder.positive, factors=factors)
        return dataclasses.replace(self, config=config, history=history, **derived)

    def _distribution(self, guarded: bool) -> Distribution:
        """What this result's errors say of the next ones; later steps from training rows are not known and count as naive."""
        first, begin, known = self.config.window - 1, int(self.steps.origins[0]), self.guarded if guarded else self.steps
        last = self.history.close[first:begin]
        earlier = np.tile(last[:, None], self.config.horizon)
        earlier[:, 0] = self.predictions["predicted"].to_numpy()[: len(last)]
        return Distribution(known, earlier, last, self.split, self._expected_moves)

    @cached_property
    def _expected_moves(self) -> dict[bool, np.ndarray]:
        return expect_moves(self.history, self.split, self.config.horizon, self.encoder.positive, self._known_factors())

    def _known_factors(self) -> np.ndarray | None:
        """`factors`, also of a run whose folder holds the width head alone."""
        if self.factors is None:
            self.factors = learnt_factors(self.load_width(), self.history, self.split, self.encoder.positive)
        return self.factors

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
        """Writes everything into `folder`, creating it if needed. Raises ConfigError for what is no path to a folder."""
        folder = made_folder(folder)
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
        if (factors := self._known_factors()) is not None:
            arrays["factors"] = factors
        for level in LEVELS:
            arrays[_half_name(level)] = self.steps.half[level]
            arrays[f"guarded_{_half_name(level)}"] = self.guarded.half[level]
        np.savez(folder / "steps.npz", **arrays)
        if self.snapshots is not None:
            np.savez_compressed(folder / SNAPSHOTS_FILE, **self.snapshots.to_arrays())
        if self.has_model:
            save_model(self.model, folder / MODEL_FILE)
        if (width := self.load_width()) is not None:
            save_model(width, folder / WIDTH_FILE)

    def width_bytes(self) -> bytes | None:
        """The width head as a `.keras` file, as in `model_bytes`; None where there is none."""
        if self._width_bytes is not None:
            return self._width_bytes
        if self._folder is not None and (self._folder / WIDTH_FILE).is_file():
            return (self._folder / WIDTH_FILE).read_bytes()
        return None if self.width is None else _file_of(self.width)

    def load_width(self):
        """The width head, loaded on first use; None where there is none."""
        if self.width is None and self._folder is not None and (self._folder / WIDTH_FILE).is_file():
            self.width = load_model(self._folder / WIDTH_FILE)
        elif self.width is None and self._width_bytes is not None:
            self.width = _model_of(self._width_bytes)
        return self.width

    def _origin(self, as_of) -> int:
        """The row that a forecast starts from."""
        dates, first = self.history.dates, self.split.validation_end - 1
        if as_of is None:
            return len(dates) - 1
        day = as_day(as_of)
        if day is None or day.tz is not None:
            raise ConfigError("as_of must be a date without a time zone, such as '2024-03-27', as the dates of the series are. "
                              f"Received: as_of={str(as_of)[:60]}.")
        row = int(dates.searchsorted(day, side="right")) - 1
        if row < first or day.normalize() > dates[-1]:
            raise ConfigError(f"A forecast can start from {dates[first]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}: before that, "
                              f"the network had already seen what followed. Received: as_of={as_of}.")
        return row

    def _path(self, origin: int, as_of) -> np.ndarray:
        """(horizon,) what was forecast from row `origin`. as_of: the day that was asked for, to say what cannot be"""
        path = self.steps.predicted[origin - self.steps.origins[0]]
        if np.isnan(path).any():
            there = self.history.dates[self.steps.origins[np.isfinite(self.steps.predicted[:, 0])]]
            raise ConfigError(f"Predicting was stopped before the turn of {self.history.dates[origin]:%Y-%m-%d}. "
                              f"Received: as_of={as_of}. Choose a day from {there[0]:%Y-%m-%d} to {there[-2]:%Y-%m-%d}, or the "
                              "last row, or train again.")
        return path

    def _forecast(self, path, steps, guarded, origin, forecaster, levels=(80, 95), known=None, samples=None,
                  seed=None):
        """The forecast from row `origin`: `path` (horizon,) for the first steps, recursion for more."""
        steps, levels = len(path) if steps is None else steps, as_levels(levels)
        if samples is not None and (isinstance(samples, bool) or not isinstance(samples, int | np.integer)
                                    or not 1 <= samples <= MAX_SAMPLES):
            raise ConfigError(f"samples must be a whole number from 1 to {MAX_SAMPLES}. Received: samples={samples!r:.60}.")
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MAX_STEPS:
            raise ConfigError(f"steps must be a whole number from 1 to {MAX_STEPS}. Received: steps={steps!r}.")
        history, at = self.history, origin - self.steps.origins[0]
        dates = history.dates[origin + 1 : origin + 1 + steps]
        if len(dates) < steps:
            dates = dates.append(future_dates(history, steps - len(dates))).rename("Date")
        if known_columns(self.config.features):
            history = with_known(history, known, self.config.features, dates)
            if known is not None:
                path = forecaster().predict(history, [origin])[0]
        elif known is not None:
            raise ConfigError("known holds values of inputs that are known in advance, and these settings have none. Train "
                              "with features=('Close', 'known:NAME').")
        predicted = path[:steps]
        if steps > len(path):
            seen = dataclasses.replace(history, frame=history.frame.iloc[: origin + 1])
            predicted = forecaster().extend(seen, path, dates)
        if guarded:
            predicted = apply_gate(predicted, history.close[origin], self.evidence.shares[at])
        if samples is not None:
            return self._distribution(guarded).paths(predicted, at, int(samples), self.config.seed if seed is None else seed)
        columns, tested = {"predicted": predicted}, self.guarded if guarded else self.steps
        if {level / 100 for level in levels} <= tested.half.keys():
            halves = np.array([extend_half_widths(tested.half[level / 100][at], steps) for level in levels])
        else:
            halves = self._distribution(guarded).origin(levels, at, int(steps))
        for level, half in zip(levels, halves, strict=True):
            columns[f"lower_{level:g}"], columns[f"upper_{level:g}"] = bounds_around(predicted, half, tested.logarithmic[at])
        return pd.DataFrame(columns, index=dates)


@dataclass(frozen=True, eq=False, repr=False)
class Refit:
    """A forecaster trained on all rows of a tested result.

    tested: the result it comes from; path: (horizon,) forecast from the last row; stopped: whether it was stopped early
    """

    tested: TrainingResult
    forecaster: Forecaster
    path: np.ndarray
    stopped: bool

    def __eq__(self, other) -> bool:
        if not isinstance(other, Refit):
            return NotImplemented
        return self.tested == other.tested and np.array_equal(self.path, other.path)

    def __repr__(self) -> str:
        return f"Refit on all {words.count_of(len(self.tested.history), 'row')} of {self.tested!r}"

    def _repr_html_(self) -> str:
        from forecasting.notebook import refit_html

        return refit_html(self)

    def forecast(self, steps: int | None = None, guarded: bool = False, *, levels=(80, 95),
                 known: pd.DataFrame | None = None, samples: int | None = None, seed: int | None = None,
                 ) -> pd.DataFrame | np.ndarray:
        """As `TrainingResult.forecast`, from the last row."""
        return self.tested._forecast(self.path, steps, guarded, len(self.tested.history) - 1, lambda: self.forecaster, levels,
                                     known, samples, seed)

    def save(self, folder: str | Path) -> None:
        """Writes everything into `folder`: the tested result, as its own `save` does, and beside it the refitted network."""
        self.tested.save(folder)
        folder = local_path(folder)
        save_model(self.forecaster.model, folder / REFIT_FILE)
        _write_json(folder / REFIT_STATE, {"encoder": self.forecaster.encoder.to_dict(), "path": self.path.tolist(),
                                           "stopped": self.stopped})

    @classmethod
    def load(cls, folder: str | Path) -> Refit:
        """Loads what `save` wrote. Raises RunError for a folder that is missing, incomplete or damaged."""
        tested, folder = load_run(folder), local_path(folder)
        if not (folder / REFIT_FILE).exists() and not (folder / REFIT_STATE).exists():
            raise RunError(f"The run in {shown_path(folder)} was saved without a refit. Call load_run(folder).refit().")
        try:
            said = _read_json(folder / REFIT_STATE)
            forecaster = Forecaster(dataclasses.replace(tested.config, patience=None), Encoder.from_dict(said["encoder"]),
                                    load_model(folder / REFIT_FILE))
            path = np.array(said["path"], dtype=np.float64)
            if path.shape != (tested.config.horizon,):
                raise ValueError("its forecast does not fit the settings")
            return cls(tested, forecaster, path, bool(said["stopped"]))
        except (OSError, ValueError, KeyError, TypeError, ForecastingError) as error:
            raise RunError(f"The refit in {shown_path(folder)} cannot be read: a file is missing or damaged ({error}). "
                           "Refit again.") from error


def train(history: PriceHistory | pd.DataFrame | pd.Series, config: ForecastConfig | str | None = None,
          on_epoch: OnEpoch = None, should_stop: ShouldStop = None, on_phase: OnPhase = None, backup: Backup | None = None,
          progress: bool | None = None, **others) -> TrainingResult:
    """Trains a network on `history` as `config` says.

    history: a `PriceHistory`, or a DataFrame or Series that `PriceHistory.from_frame` can read without a question
    config: a `ForecastConfig`, or 'Recommended', 'Tutorial' or 'Quick look'; RECOMMENDED if left out
    on_epoch: called with an `EpochLog` after each epoch
    should_stop: called several times a second; once it returns True, training ends and what was learnt is kept. Once it
        returns `STOP_PREDICTING`, predicting ends too, and the scores are those of what is predicted by then
    on_phase: called with what is being done, in words
    backup: lets a training resume after its process has died
    progress: whether to show a progress bar on stderr; by default only in a terminal or notebook

    Ctrl-C, or interrupting the notebook's kernel, does what `should_stop` does: once ends the training, twice the predicting
    after it. The result is of what was learnt; only a third time raises KeyboardInterrupt.

    Raises DataError (too few prices: NotEnoughData) and ConfigError for prices and settings that cannot be trained, TooLarge
    for what needs more memory than there is, and TrainingError for a loss that is no longer a number.

    >>> result = train(load_sample())
    >>> result.metrics["test"]["rmse"], result.metrics["test"]["naive_rmse"]
    (7.73, 7.73)
    """
    start = time.perf_counter()
    refuse_keywords(others, train)
    history, config = as_history(history), as_config(config)
    check_history(history, config)
    check_memory(config, len(history))
    parts = split(len(history), config)
    with followed(Callbacks(on_epoch, should_stop, on_phase, backup), progress, history.name,
                  config.epochs) as listener:
        listener.phase("preparing the data")
        encoded = encode(history, config, parts)
        forecaster, fitted, choice = fit_forecaster(encoded, config, parts, listener)
        width = None
        if config.width and config.leak is None:
            listener.phase("learning the width")
            width = learn_width(history, parts, config.horizon, encoded.encoder.positive, config.seed, listener)
        return _tested(encoded, forecaster, listener, curve=fitted.curve, best_epoch=fitted.best_epoch, rates=fitted.rates,
                       stopped=fitted.stopped, linear=choice, snapshots=fitted.snapshots, width=width, started=start)


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
    factors = learnt_factors(learnt.get("width"), history, split(len(history), config), encoded.encoder.positive)
    derived = _derive(history, config, predicted, encoded.encoder.positive, factors=factors)
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
            members: tuple[int, ...] = (), factors: np.ndarray | None = None, **more) -> TrainingResult:
    """The result of a training from its predictions alone, without a Keras model. Scores and evidence are computed from them.

    one_step: predicted, and, unless they are to be computed, lower_80, upper_80, lower_95, upper_95 of each row after the
        first window
    more: other fields of the result
    steps: (m, horizon) predictions from the last row of training and every row after it; factors: as in the result
    Raises as `check_history` does.
    """
    check_history(history, config)
    parts, first = split(len(history), config), config.window - 1
    encoder = encode(history, config, parts).encoder
    # Later steps from training rows are not known; naive ones take their place. No score and no evidence reads them.
    predicted = np.tile(history.close[first:, None], config.horizon)
    predicted[:-1, 0] = one_step["predicted"]
    predicted[parts.train_end - 1 - first :] = steps
    bounds = one_step.drop(columns="predicted")
    derived = _derive(history, config, predicted, encoder.positive, bounds if len(bounds.columns) else None, factors)
    return TrainingResult(config=config, history=history, curve=curve, best_epoch=best_epoch, rates=(), stopped=stopped,
                          seconds=seconds, linear=linear, encoder=encoder, members=members, **more, **derived)


def retested(result: TrainingResult, predicted) -> TrainingResult:
    """What `result` would be with these forecasts in place of its own, and without a network.

    predicted: (n - window + 1, horizon) from every row after the first window; as in `rebuild`, later steps from training rows
        do not matter
    """
    derived = _derive(result.history, result.config, predicted, result.encoder.positive,
                      factors=result._known_factors())
    return dataclasses.replace(result, snapshots=None, _network=None, _model=None, _folder=None, _bytes=None, **derived)


def _derive(history, config, predicted, positive, bounds=None, factors=None) -> dict:
    """The fields of a `TrainingResult` that follow from the predictions (n, horizon) of every origin.

    bounds: the intervals of the one-step predictions, if they are known already; factors: as in the result
    """
    parts, first = split(len(history), config), config.window - 1
    expected = expect_moves(history, parts, config.horizon, positive, factors)
    steps = collect_steps(history.close, parts, first, predicted, positive, expected)
    table = one_step_table(steps, history.dates, part_labels(parts, config))
    if bounds is not None:
        table[list(bounds)] = bounds.to_numpy()
    metrics, reasons = _scores(table, history.close[: parts.train_end])
    kept = steps.between(parts.train_end - 1, parts.rows)
    evidence = collect_evidence(kept, history.close, parts, positive)
    guarded = guard_steps(steps, history.close, parts, evidence, positive, expected).between(parts.train_end - 1, parts.rows)
    return {"predictions": table, "metrics": metrics, "reasons": reasons, "evidence": evidence, "steps": kept,
            "guarded": guarded, "factors": factors}


def load_run(folder: str | Path) -> TrainingResult:
    """Loads what `TrainingResult.save` wrote. The model itself is loaded on first use.

    Raises RunError for a folder that is missing, incomplete or damaged.
    """
    folder = local_path(folder)
    if why := no_folder(folder):
        raise RunError(f"{why} A run is loaded from the folder that it was saved to.")
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
            factors = arrays.get("factors")
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
            versions={str(name): str(version) for name, version in dict(summary.get("versions", {})).items()},
            snapshots=_snapshots(folder / SNAPSHOTS_FILE), factors=factors, _folder=folder)
        _check_whole(result, summary.get("has_model", True))
        return result
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, ForecastingError) as error:
        raise RunError(f"The run in {shown_path(folder)} cannot be read: a file is missing or damaged ({error}). "
                       "Train again, or choose another run.") from error


def _snapshots(path) -> Snapshots | None:
    """Those in a file; None for an average or a run from before there were any."""
    if not path.is_file():
        return None
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Snapshots.from_arrays({name: arrays[name] for name in arrays.files})


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


def _file_of(model) -> bytes:
    """A Keras model as a `.keras` file."""
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, Path(folder) / MODEL_FILE)
        return (Path(folder) / MODEL_FILE).read_bytes()


def _model_of(content: bytes):
    """The inverse of `_file_of`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / MODEL_FILE).write_bytes(content)
        return load_model(Path(folder) / MODEL_FILE)


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
    if result.factors is not None and result.factors.shape != (len(result.history), horizon):
        raise ValueError("the widths do not fit the settings")
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
