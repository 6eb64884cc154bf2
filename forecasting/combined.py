"""A run, ridge regression with seasons and gradient boosting as one forecaster, tested like a run of its own."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.errors import ConfigError, RunError
from forecasting.evaluation.combination import RUN, Learner, Members, combine, made_of, weigh_in
from forecasting.evaluation.metrics import Undefined
from forecasting.model.forecaster import Forecaster
from forecasting.model.listener import Callbacks, OnEpoch, OnPhase, ShouldStop
from forecasting.result import Refit, TrainingResult, retested

__all__ = ["Combined", "CombinedForecaster", "combine_run"]

WORTH = {"better": "the combination is better than naive", "unproven": "that it is better than naive is not proven",
         "worse": "the combination is worse than naive", "undefined": "nothing follows from that"}
NO_BETTER = 0.005  # a smaller gain on validation is none


@dataclass(frozen=True)
class CombinedForecaster(Forecaster):
    """A run's forecaster, which is one of several. weights: {name: share}; members: the others"""

    members: Members
    weights: dict[str, float]

    def predict(self, history, origins) -> np.ndarray:
        forecasts = {RUN: super().predict(history, origins), **self.members.predict(history.close, origins)}
        return weigh_in(forecasts, self.weights)


@dataclass(frozen=True, eq=False, repr=False)
class Combined:
    """The combination that `TrainingResult.combined` makes.

    run: the run it is made with; weights: {name: share} of each of its members, see `made_of`
    tested: what it would have forecast, as a result without a network: its predictions, scores, intervals and evidence
    refitted: the run trained again on all rows, if this is a combination of that, with members that know all rows
    """

    run: TrainingResult
    tested: TrainingResult
    weights: dict[str, float]
    members: Members
    refitted: Refit | None = None

    def __repr__(self) -> str:
        return f"Combined({self.made_of}; {self.tested!r})"

    @property
    def made_of(self) -> str:
        """'62 % this run, 30 % ridge regression with seasons, 8 % gradient boosting'"""
        return made_of(self.weights)

    @property
    def words(self) -> str:
        """What it is made of, and what it is worth, in a few sentences."""
        text = f"The combination is {self.made_of}: shares that were chosen on validation."
        if self.members.reason:
            text += f" It goes without gradient boosting: {self.members.reason}."
        gain = 1 - self._rmse(self.tested, "validation") / self._rmse(self.run, "validation")
        text += (" On validation it was no better than this run alone." if not gain >= NO_BETTER else
                 f" On validation its error was {words.share(gain, digits=1)} smaller than this run's.")
        naive = self.tested.metrics["test"]["naive_rmse"]
        if naive:
            own, run = (self._rmse(one, "test") / naive for one in (self.tested, self.run))
            text += (f" On the test part, one step ahead, its RMSE was {words.number(own, 3)} of the naive forecast's, and "
                     f"this run's {words.number(run, 3)}: {WORTH[self.tested.verdict.outcome]}.")
        return text

    @staticmethod
    def _rmse(result, part) -> float:
        """NaN where it is undefined or zero."""
        return result.metrics[part]["rmse"] or float("nan")

    @property
    def forecaster(self) -> CombinedForecaster:
        own = self.run.forecaster if self.refitted is None else self.refitted.forecaster
        return CombinedForecaster(own.config, own.encoder, own.model, self.members, self.weights)

    def forecast(self, steps: int | None = None, guarded: bool = False, as_of=None, *, levels=(80, 95),
                 known: pd.DataFrame | None = None, samples: int | None = None, seed: int | None = None,
                 ) -> pd.DataFrame | np.ndarray:
        """As `TrainingResult.forecast`. Only one that is not refitted can forecast from a day in the past."""
        if self.refitted is None:
            origin = self.tested._origin(as_of)
            path = self.tested._path(origin, as_of)
        elif as_of is None:
            origin = len(self.run.history) - 1
            forecasts = self.members.predict(self.run.history.close, [origin])
            path = weigh_in({RUN: self.refitted.path[None], **forecasts}, self.weights)[0]
        else:
            raise ConfigError("A combination that was refitted on all rows can forecast from the last row only. Received: "
                              f"as_of={str(as_of)[:60]}. Use the one that it was refitted from.")
        return self.tested._forecast(path, steps, guarded, origin, lambda: self.forecaster, levels, known, samples, seed)

    def refit(self, on_epoch: OnEpoch = None, should_stop: ShouldStop = None, on_phase: OnPhase = None) -> Combined:
        """The same shares of the run and the others, all of them trained again on all rows; see `TrainingResult.refit`."""
        refitted = self.run.refit(on_epoch, should_stop, on_phase)
        learner = Learner(self.run.history, self.run.config, Callbacks(None, should_stop, on_phase))
        return dataclasses.replace(self, members=learner.learn(len(self.run.history)), refitted=refitted)

    @property
    def stopped(self) -> bool:
        """Whether a refit was stopped early."""
        return self.refitted is not None and self.refitted.stopped


def combine_run(run: TrainingResult, should_stop: ShouldStop = None, on_phase: OnPhase = None) -> Combined:
    """See `TrainingResult.combined`."""
    if run.invalid:
        raise RunError(f"{run.invalid} It cannot be combined with others; train with honest settings.")
    history, first, begin = run.history, run.config.window - 1, int(run.steps.origins[0])
    # Later steps from training rows are not known; naive ones take their place. No weight and no score reads them.
    own = np.tile(history.close[first:, None], run.config.horizon)
    own[:-1, 0] = run.predictions["predicted"]
    own[begin - first :] = run.steps.predicted
    try:
        made = combine(history, run.config, own, Callbacks(None, should_stop, on_phase))
    except Undefined as reason:
        raise RunError(f"This run cannot be combined with others: {reason}. Choose a larger validation part.") from None
    if on_phase:
        on_phase("scoring")
    return Combined(run, retested(run, made.predicted), made.weights, made.members)
