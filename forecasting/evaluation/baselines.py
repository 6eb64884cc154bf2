"""Forecasts that a network has to beat, on the same days: naive, drift, seasonal naive, ridge, two classics, boosting, and a
combination with the run.

Each predicts one step ahead from all earlier rows. Whatever it learns, it learns once, from rows before the test part. If
all of those are positive, all but the naive ones work on logarithms.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from forecasting.data.frequency import IRREGULAR, Frequency
from forecasting.errors import ConfigError
from forecasting.evaluation import metrics
from forecasting.evaluation.scores import SCORES, scores

__all__ = ["CLASSICS", "EXTRA", "Baseline", "baseline_table", "baselines", "ridge_predictions"]

CLASSICS = ("exponential_smoothing", "arima")
EXTRA = (*CLASSICS, "boosting", "combination")  # made on request only, since they take seconds
_CLIP = 4.0  # standard deviations; a crash among the inputs must not dominate the weights
_PENALTIES = 10.0 ** np.arange(-4, 2.5, 0.5)  # per training window
_CHUNK = 8192  # windows copied at a time
_RECENT = 2000  # rows that the classics are fitted on: enough for a handful of parameters, and a bound on their time
_FEWEST = 30
_LONGEST_SEASON = {"exponential_smoothing": 24, "arima": 12}  # longer ones have too many states to fit in seconds


@dataclass(frozen=True)
class Baseline:
    """key: e.g. 'ridge'; name: for a table; about: one sentence on how it predicts
    predicted: (test rows,) in the units of the prices, or None with the `reason` why it could not be made
    """

    key: str
    name: str
    about: str
    predicted: np.ndarray | None
    reason: str | None = None


def baseline_table(history, config, predictions: pd.DataFrame, extra=(), steps=None) -> tuple[pd.DataFrame, dict]:
    """The run and its baselines on the days of the test part, best RMSE first.

    history: PriceHistory; config: ForecastConfig, whose window ridge regression shares
    predictions: as in `TrainingResult`: index Date; split, actual, predicted
    extra: names from `EXTRA`; boosting and the combination need a history long enough to learn from
    steps: `TrainingResult.steps`, by which the combination is weighted; without them, by one step ahead alone
    returns table: index the name; columns 'key', 'about' and the scores that need no interval (NaN where undefined)
            reasons: {name: {score: why it is undefined}}
    Raises ConfigError for a run that made a mistake on purpose.
    """
    if config.leak:
        raise ConfigError("A run that made a mistake on purpose has seen the future and cannot be ranked beside forecasts that "
                          f"have not. Received: leak={config.leak!r}. Train these settings without the mistake.")
    test = predictions[predictions["split"] == "test"]
    rows = history.dates.get_indexer(test.index)
    if not len(rows) or (np.diff(rows) != 1).any() or rows[0] < 1:
        raise ValueError("The test rows of predictions must be consecutive rows of history. "
                         f"Received: {len(test)} rows from {history.name}.")
    validation = history.dates.get_indexer(predictions.index[predictions["split"] == "validation"])
    test_start, test_end = int(rows[0]), int(rows[-1]) + 1
    train_end = int(validation[0]) if len(validation) else test_start
    made = baselines(history.close[:test_end], train_end, test_start, window=config.window, frequency=history.frequency,
                     dates=history.dates, extra=[one for one in extra if one in CLASSICS])
    made += _combined(history, config, predictions, test_start, test_end, extra, steps)
    run = Baseline("run", "This run", "The network that was trained.", test["predicted"].to_numpy())
    try:
        scale = metrics.mase_scale(history.close[:train_end])
    except metrics.Undefined:
        scale = None
    actual, naive = test["actual"].to_numpy(), history.close[test_start - 1 : test_end - 1]
    names = [name for name, score in SCORES.items() if score.compute is not None and score.level is None]
    lines, reasons = {}, {}
    for one in (run, *made):
        if one.predicted is None:
            values, reasons[one.name] = dict.fromkeys(names), dict.fromkeys(names, one.reason)
        else:
            values, reasons[one.name] = scores(actual, one.predicted, naive, scale=scale)
        lines[one.name] = {"key": one.key, "about": one.about} | values
    table = pd.DataFrame.from_dict(lines, orient="index").astype(dict.fromkeys(names, "float64"))
    return table.sort_values("rmse", kind="stable", na_position="last"), reasons


def _combined(history, config, predictions, test_start, test_end, extra, steps) -> tuple[Baseline, ...]:
    """Boosting and the combination, as far as `extra` asks for them."""
    if not {"boosting", "combination"} & set(extra):
        return ()
    from forecasting.evaluation.combination import BOOSTING, combine, made_of

    if "combination" not in extra:
        steps = None  # boosting is asked about one step alone, which takes a fraction of the time
    horizon, first = (1 if steps is None else config.horizon), config.window - 1
    own = np.full((len(history) - first, horizon), np.nan)
    own[history.dates.get_indexer(predictions.index) - 1 - first, 0] = predictions["predicted"]
    if steps is not None:
        own[steps.origins - first] = steps.predicted
    rows, reason, alone, both = slice(test_start - 1 - first, test_end - 1 - first), None, None, None
    said = "This run, ridge regression with seasons, and gradient boosting."
    try:
        made = combine(history, replace(config, horizon=horizon), own)
        reason, alone, both = made.members.reason, made.alone.get(BOOSTING), made.predicted[rows, 0]
        said = f"{made_of(made.weights)}: shares chosen on validation."
    except metrics.Undefined as undefined:
        reason = str(undefined)
    about = f"Trees on the last {config.window} moves and those of earlier seasons, learnt from the rows before the test part."
    asked = (Baseline("boosting", "Gradient boosting", about, None if alone is None else alone[rows, 0], reason),
             Baseline("combination", "Combination", said, both, reason))
    return tuple(one for one in asked if one.key in extra)


def baselines(prices, train_end: int, test_start: int, *, window: int, frequency: Frequency = IRREGULAR,
              dates=None, extra=()) -> tuple[Baseline, ...]:
    """Every baseline's predictions of rows test_start .. n - 1.

    prices: (n,) oldest first; rows before train_end are the training part, and up to test_start validation
    frequency, dates: of the series, to know its seasons; dates may reach beyond the prices
    """
    prices = np.asarray(prices, dtype=np.float64)
    unknown = set(extra) - set(CLASSICS)
    if unknown:
        raise ValueError(f"extra must be of {', '.join(CLASSICS)}. Received: {', '.join(sorted(unknown))}.")
    if not 1 <= train_end <= test_start < len(prices):
        raise ValueError("The parts must be in order. Received: "
                         f"train_end={train_end}, test_start={test_start}, rows={len(prices)}.")
    seasons = frequency.seasons(None if dates is None else dates[:test_start])
    parts = prices, train_end, test_start
    made = [Baseline("naive", "Naive", "The last known price.", prices[test_start - 1 : -1].copy()),
            Baseline("drift", "Drift", "The last known price and the mean move of the rows before the test part.",
                     _drift(prices, test_start))]
    lag = _best_season(*parts, seasons)
    if lag:
        made.append(Baseline("seasonal_naive", f"Seasonal naive ({frequency.count_of(lag)})",
                             f"The price {frequency.count_of(lag)} before.",
                             prices[test_start - lag : len(prices) - lag].copy()))
    made.append(_attempt("ridge", "Ridge regression",
                         f"Linear in the last {window} moves, its penalty chosen on validation.",
                         lambda: ridge_predictions(*parts, window)))
    if "exponential_smoothing" in extra:
        made.append(_attempt("exponential_smoothing", "Exponential smoothing",
                             "A level, with a damped trend and a season where validation favours them.",
                             lambda: _classic("exponential_smoothing", *parts, lag)))
    if "arima" in extra:
        made.append(_attempt("arima", "ARIMA",
                             "Autoregression and moving average of the moves, of the order that validation favours.",
                             lambda: _classic("arima", *parts, lag)))
    return tuple(made)


def ridge_predictions(prices, train_end: int, test_start: int, window: int) -> np.ndarray:
    """Ridge regression of the next move on the last `window` moves: predictions of rows test_start .. n - 1.

    Moves are divided by their standard deviation in training, and clipped as inputs. Weights come from the training part, the
    penalty from validation (from training where there is no validation). There is no intercept, as
    there is a separate drift baseline. Memory grows with n, not with n x window.
    raises Undefined for too few rows or a price that does not move
    """
    levels, back = _levels(prices, test_start)
    moves = np.diff(levels)  # moves[r - 1] leads to row r
    if train_end < window + 3:
        raise metrics.Undefined(f"the training part has {train_end} rows, too few for a window of {window}")
    sigma = moves[: train_end - 1].std()
    if sigma == 0:
        raise metrics.Undefined("the price never moved in the training part")
    targets = moves / sigma
    windows = sliding_window_view(np.clip(targets, -_CLIP, _CLIP), window)  # windows[r - window - 1] leads to row r

    def chunks(first, last):
        """(inputs (k, window), targets (k,)) of the rows first .. last - 1."""
        for row in range(first, last, _CHUNK):
            stop = min(row + _CHUNK, last)
            yield np.ascontiguousarray(windows[row - window - 1 : stop - window - 1]), targets[row - 1 : stop - 1]

    gram, product = np.zeros((window, window)), np.zeros(window)
    for inputs, outputs in chunks(window + 1, train_end):
        gram += inputs.T @ inputs
        product += inputs.T @ outputs
    sizes, directions = np.linalg.eigh(gram)
    shares = 1 / (np.maximum(sizes, 0)[:, None] + _PENALTIES * (train_end - window - 1))  # (window, penalties)
    weights = directions @ (shares * (directions.T @ product)[:, None])
    first = train_end if train_end < test_start else window + 1
    squares = sum(((outputs[:, None] - inputs @ weights) ** 2).sum(axis=0)
                  for inputs, outputs in chunks(first, test_start))  # (penalties,)
    best = weights[:, squares.argmin()]
    called = np.concatenate([inputs @ best for inputs, _ in chunks(test_start, len(levels))])
    return back(levels[test_start - 1 : -1] + sigma * called)


def _drift(prices, test_start):
    levels, back = _levels(prices, test_start)
    mean_move = (levels[test_start - 1] - levels[0]) / max(1, test_start - 1)
    return back(levels[test_start - 1 : -1] + mean_move)


def _best_season(prices, train_end, test_start, candidates):
    """The lag with the smallest squared error on validation (on training without one), or None where none fits."""
    first = train_end if train_end < test_start else max(candidates, default=0)
    fitting = [lag for lag in candidates if lag <= first < test_start]
    errors = {lag: metrics.rmse(prices[first:test_start], prices[first - lag : test_start - lag]) for lag in fitting}
    return min(fitting, key=errors.__getitem__, default=None)


def _classic(kind, prices, train_end, test_start, season):
    """One-step predictions of a state space model, in the variant with the smallest error on validation.

    Each variant is fitted on training and predicts validation; the best is fitted again on both.
    """
    import statsmodels.tools.sm_exceptions  # noqa: F401  (its import sets warning filters, which must come before ours)

    if train_end < _FEWEST:
        raise metrics.Undefined(f"the training part has {train_end} rows, fewer than {_FEWEST}")
    season = season if season and season <= _LONGEST_SEASON[kind] and 3 * season <= train_end else None
    levels, back = _levels(prices, test_start)
    recent = levels[max(0, test_start - _RECENT) : test_start]
    if np.ptp(recent) == 0:
        raise metrics.Undefined("the price never moved before the test part")
    middle, spread = recent.mean(), recent.std()
    levels, fit = (levels - middle) / spread, {"exponential_smoothing": _smooth, "arima": _arima}[kind]
    variants = _variants(kind, season)
    with warnings.catch_warnings():
        # Warnings about starting values and convergence do not matter, since a bad variant loses on validation.
        warnings.simplefilter("ignore")
        errors = []
        for variant in variants if train_end < test_start else variants[:1]:
            outcome = levels[train_end:test_start]
            predicted = _fitted(fit, levels[max(0, train_end - _RECENT) : test_start], min(train_end, _RECENT), variant)
            errors.append(float(np.mean((outcome - predicted) ** 2)) if np.isfinite(predicted).all() else math.inf)
        best = variants[int(np.argmin(errors))]
        predicted = _fitted(fit, levels[max(0, test_start - _RECENT) :], min(test_start, _RECENT), best)
    if not np.isfinite(predicted).all():
        raise metrics.Undefined("the fit did not converge")
    return back(middle + spread * predicted)


def _variants(kind, season):
    if kind == "arima":
        plain = [{"order": order} for order in ((0, 1, 1), (1, 1, 0), (1, 1, 1), (2, 1, 2))]
        # The airline model of Box and Jenkins.
        return plain + ([{"order": (0, 1, 1), "seasonal_order": (0, 1, 1, season)}] if season else [])
    trends = [{}, {"trend": "add", "damped_trend": True}]
    seasonal = {"seasonal": "add", "seasonal_periods": season}
    return trends + ([trend | seasonal for trend in trends] if season else [])


def _fitted(fit, levels, fitted, variant):
    """fit(...), or NaN if it fails numerically on this series."""
    try:
        return fit(levels, fitted, variant)
    except (np.linalg.LinAlgError, ValueError):
        return np.full(len(levels) - fitted, np.nan)


def _smooth(levels, fitted, variant):
    """One-step predictions of levels[fitted:], with parameters and starting states from levels[:fitted]."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    parameters = ETSModel(levels[:fitted], **variant).fit(disp=False, maxiter=100).params
    return ETSModel(levels, **variant).smooth(parameters).fittedvalues[fitted:]


def _arima(levels, fitted, variant):
    from statsmodels.tsa.arima.model import ARIMA

    result = ARIMA(levels[:fitted], **variant).fit(method_kwargs={"maxiter": 50})
    return result.append(levels[fitted:], refit=False).predict(fitted, len(levels) - 1)


def _levels(prices, test_start):
    """(levels (n,), the way from predicted levels of the test rows to prices).

    Logarithms where every price before the test part is positive, else the prices. A later price of zero or less has no
    logarithm: it is replaced by the level before it, and the row after it gets the naive forecast.
    """
    prices = np.asarray(prices, dtype=np.float64)
    if not (prices[:test_start] > 0).all():
        return prices, lambda levels: levels
    levels = pd.Series(np.log(np.where(prices > 0, prices, np.nan))).ffill().to_numpy()
    last = prices[test_start - 1 : -1]
    return levels, lambda levels: np.where(last > 0, np.exp(levels), last)


def _attempt(key, name, about, predict):
    try:
        return Baseline(key, name, about, predict())
    except metrics.Undefined as reason:
        return Baseline(key, name, about, None, str(reason))
