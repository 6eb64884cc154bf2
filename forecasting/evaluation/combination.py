"""The combination of a run with ridge regression and gradient boosting, for every step of its horizon.

The linear part is the run's own kind, with seasons, whether the run has one or not. Boosting reads the same moves, one ensemble
of trees for each step. Both are learnt twice: from training, to be weighed on validation beside the run, and then
from training and validation, for the test part and what comes after it.

The weights are shares: none below zero, together one, the same at every step. They are those of the smallest squared error on
validation, drawn towards equal shares as far as validation leaves them open. On prices it leaves much open: the best weights
there are luck, and those of one step of 327 rows put 0.8 on boosting, which then lost 0.7 % to the naive forecast.
On validation itself a forecast is weighted by what was known on its day, so that intervals and evidence are not flattered.

Sources: Friedman, "Greedy function approximation: a gradient boosting machine" (2001), with histograms as in Ke and others,
"LightGBM" (2017); combining, Bates and Granger, "The combination of forecasts" (1969); equal shares to start from, Diebold and
Shin, "Machine learning for regularized survey forecast combination" (2019).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasting.evaluation.metrics import Undefined
from forecasting.model.encoding import Encoder, encode
from forecasting.model.listener import SILENT, Listener
from forecasting.model.skip import MAX_ORIGINS, MAX_REACH, READ_BEFORE, READ_SEASONS, LinearSkip, choose, fit_skip, read_lags
from forecasting.model.split import split
from forecasting.words import share

__all__ = ["BOOSTING", "RIDGE", "RUN", "Combination", "Learner", "Members", "combine", "convex_weights", "made_of", "weigh"]

RUN, RIDGE, BOOSTING = "this run", "ridge regression with seasons", "gradient boosting"
STOPPING_SHARE = 0.15  # the last part of what boosting learns from, which decides when it ends
FEWEST = 200           # origins that boosting learns from
BLOCK = 50_000         # origins that it forecasts from at a time, which bounds its memory
# How far a share is from an equal one before validation has said anything: its standard deviation. On 16 market series the
# worst is 1.000 of the naive forecast one step ahead with it, and 1.007 with the best weights of validation; on 4 structured
# ones, where validation knows, both have the same error to 0.5 %.
SPREAD = 0.1
ROUNDS = 10     # in which the weights and the noise that they leave are found by turns
WEIGHED = 25    # times over validation


@dataclass(frozen=True)
class Members:
    """What joins the run: forecasters of every step, learnt from the rows before some row.

    trees: for each step, the (lags,) that its trees read, 0 for the newest move, and the trees; () where there was too little
        to learn from, with the `reason`
    """

    encoder: Encoder
    linear: LinearSkip
    trees: tuple[tuple[np.ndarray, Any], ...]
    reason: str | None = None

    def predict(self, close, origins) -> dict[str, np.ndarray]:
        """{name: (m, horizon)} prices, forecast from the rows `origins` (m,) of the prices `close` (n,)."""
        from threadpoolctl import threadpool_limits

        series, origins = self.encoder.series(close), np.asarray(origins)
        outputs = {RIDGE: self.linear.predict(series)[origins]}
        if self.trees:
            with threadpool_limits(1):  # its threads wait for each other where other work keeps a core busy
                outputs[BOOSTING] = np.concatenate([
                    np.stack([trees.predict(read_lags(series, part, lags)) for lags, trees in self.trees], axis=1)
                    for part in np.array_split(origins, len(origins) // BLOCK + 1)])
        return {name: self.encoder.prices(values, close[origins]) for name, values in outputs.items()}


@dataclass(frozen=True)
class Combination:
    """weights: {name: share}; members: learnt from all rows before the test part

    predicted: (n - window + 1, horizon) prices, from row `window - 1` on, each by the shares that were known there
    alone: {name: the same of each of the members}
    """

    weights: dict[str, float]
    members: Members
    predicted: np.ndarray
    alone: dict[str, np.ndarray]


class Learner:
    """Learns members from a history. config: the run's, of which window and horizon count"""

    def __init__(self, history, config, listener: Listener = SILENT):
        self._listener = listener
        self._config = replace(config, target="auto", features=("Close",), skip="ridge", season="auto", leak=None)
        self.parts = split(len(history), config)
        listener.phase("fitting ridge regression")
        self._encoded = encode(history, self._config, self.parts)
        self._seasons = history.frequency.seasons(history.dates)
        self._choice = choose(self._encoded.series, self._encoded.targets, self.parts.validation_end, config.window,
                              self._seasons, listener)

    def learn(self, end: int) -> Members:
        """Members that know the first `end` rows."""
        window, horizon, encoded = self._config.window, self._config.horizon, self._encoded
        origins = np.arange(window - 1, end - horizon)
        linear = fit_skip(encoded.series, encoded.targets, origins, window, self._choice, self._listener)
        trees: list = []
        try:
            for step in range(1, horizon + 1):
                self._listener.phase(f"boosting, step {step} of {horizon}")
                trees.append(self._boost(step, end))
        except Undefined as reason:
            return Members(encoded.encoder, linear, (), str(reason))
        return Members(encoded.encoder, linear, tuple(trees))

    def _boost(self, step: int, end: int):
        """(lags, trees) for one step, which read the last moves and those around the same time one and two seasons ago."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        if self._listener.asked_to_stop():
            raise Undefined("it was stopped")
        window, series = self._config.window, self._encoded.series
        near = [season for season in self._seasons[:2] if 2 * season + window < min(MAX_REACH, self.parts.train_end // 3)]
        around = [season * back - step + np.arange(1 + READ_BEFORE) for season in near for back in range(1, READ_SEASONS + 1)]
        lags = np.unique(np.concatenate([np.arange(window), *around]))
        lags = lags[lags >= 0]
        origins = np.arange(max(window - 1, lags[-1]), end - step)
        if len(origins) < FEWEST:
            raise Undefined(f"there are {len(origins)} rows to learn step {step} from, fewer than {FEWEST}")
        origins = origins[-MAX_ORIGINS:]
        last = int(len(origins) * (1 - STOPPING_SHARE))
        known, stopping = origins[: last - step + 1], origins[last:]  # no target of the former lies among the latter
        y = self._encoded.targets[:, step - 1].astype(np.float64)
        trees = HistGradientBoostingRegressor(learning_rate=0.05, max_iter=300, max_leaf_nodes=15, l2_regularization=1.0,
                                              early_stopping=True, n_iter_no_change=10, random_state=0)
        with threadpool_limits(1):
            trees.fit(read_lags(series, known, lags), y[known], X_val=read_lags(series, stopping, lags), y_val=y[stopping])
        return lags, trees


def combine(history, config, own, listener: Listener = SILENT) -> Combination:
    """own: (n - window + 1, horizon) what the run forecasts from row `window - 1` on, NaN where it makes no forecast.

    Raises Undefined without a validation part.
    """
    learner, close, first = Learner(history, config, listener), history.close, config.window - 1
    parts = learner.parts
    before, now = learner.learn(parts.train_end), learner.learn(parts.validation_end)
    if not before.trees:  # which cannot be weighed then
        now = replace(now, trees=(), reason=before.reason)
    origins = np.arange(first, len(close))
    early, rest = origins[origins < parts.validation_end - 1], origins[origins >= parts.validation_end - 1]
    alone = now.predict(close, rest)
    if early.size:
        earlier = before.predict(close, early)
        alone = {name: np.concatenate([earlier[name], late]) for name, late in alone.items()}
    forecasts = {RUN: np.asarray(own, dtype=np.float64), **alone}
    begin, end = parts.train_end - 1, parts.validation_end - 1

    def known_at(row):
        return weigh({name: values[begin - first : row + 1 - first] for name, values in forecasts.items()},
                     close[begin : row + 1])

    weights = known_at(end)
    shares = np.full((len(origins), len(forecasts)), 1 / len(forecasts))
    for row in np.unique(np.linspace(begin, end, WEIGHED + 1).astype(int)):
        with suppress(Undefined):  # until an error is known
            shares[row - first :] = list(known_at(row).values())
    predicted = np.sum([values * known[:, None] for values, known in zip(forecasts.values(), shares.T, strict=True)],
                       axis=0)
    return Combination(weights, now, predicted, alone)


def weigh_in(forecasts: dict[str, np.ndarray], weights: dict[str, float]) -> np.ndarray:
    """The mean of the forecasts by their weights. One that is missing, since its learning was stopped, leaves its share to the
    others."""
    present = {name: weight for name, weight in weights.items() if name in forecasts}
    return np.sum([weight * forecasts[name] for name, weight in present.items()], axis=0) / sum(present.values())


def weigh(forecasts: dict[str, np.ndarray], close) -> dict[str, float]:
    """{name: share}: how much of each member a combination is.

    forecasts: {name: (m, horizon)} from each of the rows `close` (m,), whose later ones are what came
    Errors count relative to the price before them and to the usual size of moves over so many steps; those of step h count
    1 / h of the first's, since h neighbouring ones overlap.
    """
    unit, inputs, outputs = np.abs(close), [], []
    values = np.stack(list(forecasts.values()), axis=-1)  # (m, horizon, members)
    for step in range(1, values.shape[1] + 1):
        rows = np.arange(max(0, len(close) - step))
        rows = rows[np.isfinite(values[rows, step - 1]).all(axis=1) & (unit[rows] > 0)]
        moved = (close[rows + step] - close[rows]) / unit[rows]
        usual = float(np.sqrt(np.mean(moved**2))) if len(rows) else 0.0
        if usual > 0:
            size = usual * step**0.5
            inputs.append((values[rows, step - 1] - close[rows, None]) / (unit[rows, None] * size))
            outputs.append(moved / size)
    if not inputs:
        raise Undefined("there is no validation part to weigh its members on")
    shares = convex_weights(np.concatenate(inputs), np.concatenate(outputs), SPREAD)
    return dict(zip(forecasts, shares.tolist(), strict=True))


def convex_weights(members, target, spread: float = np.inf) -> np.ndarray:
    """(k,) weights >= 0 that sum to one, of the smallest squared error. members: (n, k); target: (n,)

    spread: how far from equal ones the weights are expected to be, as a standard deviation; the most likely weights are
        returned, given the target
    """
    from scipy.optimize import nnls  # takes a while to load

    members, target = np.asarray(members, dtype=np.float64), np.asarray(target, dtype=np.float64)
    count = members.shape[1]

    def solve(a, b):
        # A row of large numbers makes the sum one.
        large = 1e4 * max(float(np.sqrt((b**2).sum())), float(np.abs(a).max(initial=0.0)), np.finfo(float).tiny**0.5)
        weights, _ = nnls(np.vstack([a, np.full(count, large)]), np.append(b, large))
        return weights / weights.sum()

    weights = np.full(count, 1 / count)
    for _ in range(ROUNDS if np.isfinite(spread) else 1):
        # What the weights do not explain is noise. It is measured by the last round's, since those that fit a few rows best
        # would leave none.
        pull = float(np.sqrt(np.mean((target - members @ weights) ** 2))) / spread
        weights = solve(np.vstack([members, pull * np.eye(count)]), np.append(target, np.full(count, pull / count)))
    return weights


def made_of(weights: dict[str, float]) -> str:
    """What a combination is made of, in words: '62 % this run, 30 % ridge regression with seasons, 8 % gradient boosting'."""
    return ", ".join(f"{share(weight, digits=0)} {name}" for name, weight in weights.items() if weight >= 0.005)
