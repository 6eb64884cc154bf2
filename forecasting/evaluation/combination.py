"""Gradient boosting on lags, and the combination of a run with it and with the linear part, one step ahead.

Sources: Friedman, "Greedy function approximation: a gradient boosting machine" (2001), with histograms as in Ke and others,
"LightGBM" (2017); combining, Bates and Granger, "The combination of forecasts" (1969).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecasting.evaluation.metrics import Undefined
from forecasting.model.encoding import encode
from forecasting.model.skip import MAX_REACH, choose, fit_skip, read_lags, season_lags
from forecasting.model.split import split
from forecasting.words import share

__all__ = ["Members", "boosted", "combine", "convex_weights"]

STOPPING_SHARE = 0.15  # the last part of training, which decides when boosting ends
FEWEST = 200           # origins that boosting learns from


@dataclass(frozen=True)
class Members:
    """One-step forecasts of prices from each row, (n,) each: of ridge regression with seasons, and of boosting.

    boosting: None where it has too little to learn from; reason: then why
    train_end, validation_end: rows where the parts end
    """

    linear: np.ndarray
    boosting: np.ndarray | None
    train_end: int
    validation_end: int
    reason: str | None = None


def boosted(history, config) -> Members:
    """Both members, learnt from the training part."""
    config = replace(config, target="auto", features=("Close",), skip="ridge", season="auto", leak=None)
    parts = split(len(history), config)
    encoded = encode(history, config, parts)
    seasons = history.frequency.seasons(history.dates)
    choice = choose(encoded.series, encoded.targets, parts.validation_end, config.window, seasons)
    origins = np.arange(config.window - 1, parts.train_end - config.horizon)
    linear = fit_skip(encoded.series, encoded.targets, origins, config.window, choice).predict(encoded.series)
    prices = encoded.encoder.prices(linear[:, :1], history.close)[:, 0]
    try:
        moves = _boost(encoded, config.window, parts, seasons)
    except Undefined as reason:
        return Members(prices, None, parts.train_end, parts.validation_end, str(reason))
    return Members(prices, encoded.encoder.prices(moves[:, None], history.close)[:, 0], parts.train_end, parts.validation_end)


def _boost(encoded, window, parts, seasons) -> np.ndarray:
    """(n,) boosted trees on the last moves and on those around the same time one and two seasons ago."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    near = tuple(season for season in seasons[:2] if 2 * season + window < min(MAX_REACH, parts.train_end // 3))
    lags = season_lags(window, 1, near)
    origins = np.arange(max(window - 1, lags[-1]), parts.train_end - 1)
    if len(origins) < FEWEST:
        raise Undefined(f"the training part has {len(origins)} rows to learn from, fewer than {FEWEST}")
    last = int(len(origins) * (1 - STOPPING_SHARE))
    x, y = read_lags(encoded.series, np.arange(len(encoded.series)), lags), encoded.targets[:, 0].astype(np.float64)
    trees = HistGradientBoostingRegressor(learning_rate=0.05, max_iter=300, max_leaf_nodes=15, l2_regularization=1.0,
                                          early_stopping=True, n_iter_no_change=10, random_state=0)
    with threadpool_limits(1):  # its threads wait for each other where other work keeps a core busy
        trees.fit(x[origins[:last]], y[origins[:last]], X_val=x[origins[last:]], y_val=y[origins[last:]])
        return trees.predict(x)


def combine(run, members: Members, close) -> tuple[np.ndarray, str]:
    """((n - 1,) forecasts of the row after each row, what they are made of, in words).

    run: (n - 1,) the run's own, NaN where it made none; close: (n,) prices
    Weights are not negative and sum to one; they are those with the smallest squared error on validation, of moves relative to
    the price before. Raises Undefined without a validation part.
    """
    made = {"this run": run, "ridge regression with seasons": members.linear[:-1]}
    if members.boosting is not None:
        made["gradient boosting"] = members.boosting[:-1]
    forecasts = np.stack(list(made.values()), axis=1)
    unit = np.abs(close[:-1])
    rows = np.arange(members.train_end - 1, members.validation_end - 1)
    rows = rows[np.isfinite(forecasts[rows]).all(axis=1) & (unit[rows] > 0)]
    if not len(rows):
        raise Undefined("there is no validation part to weigh its members on")
    moves = (forecasts[rows] - close[rows, None]) / unit[rows, None]
    weights = convex_weights(moves, (close[rows + 1] - close[rows]) / unit[rows])
    said = [f"{share(weight, digits=0)} {name}" for weight, name in zip(weights, made, strict=True) if weight >= 0.005]
    return forecasts @ weights, f"{', '.join(said)}; weighted on validation."


def convex_weights(members, target) -> np.ndarray:
    """(k,) weights >= 0 that sum to one, of the smallest squared error. members: (n, k); target: (n,)"""
    from scipy.optimize import nnls  # takes a while to load

    # A row of large numbers makes the sum one.
    large = 1e4 * max(float(np.sqrt((target**2).sum())), float(np.abs(members).max(initial=0.0)), np.finfo(float).tiny**0.5)
    weights, _ = nnls(np.vstack([members, np.full(members.shape[1], large)]), np.append(target, large))
    return weights / weights.sum()
