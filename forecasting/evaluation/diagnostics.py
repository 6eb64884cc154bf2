"""Where the errors of a run come from: a lag, large moves, some weekdays, steps far ahead, prices outside the training range.

Every function reads plain tables and arrays. `predictions` is a table like `TrainingResult.predictions`: index Date,
columns split, actual, predicted, naive and the bounds of the intervals, one row for each target day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.evaluation.metrics import Undefined, rmse
from forecasting.model.split import escape_shares

__all__ = [
    "Lag",
    "RangeEscape",
    "error_by_horizon",
    "error_by_month",
    "error_by_move",
    "error_by_weekday",
    "error_table",
    "errors_over_time",
    "farthest_step",
    "horizon_words",
    "interval_table",
    "lag_analysis",
    "range_escape",
    "rolling_coverage",
    "worst_days",
]

LEVELS = (80, 95)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FEWEST_FOR_CORRELATION = 10
# Correlations of price levels all lie near 1; a difference this small is rounding, not a lag.
_SAME = 1e-9
FLAT, FLATTENED = 0.1, 0.5  # of the price's standard deviation: predictions that vary less are a flat, a flattened line
FOLLOWS = 0.5   # correlation; below this, predictions have little to do with the price at any shift
CLEARER = 0.9   # a lag must reduce the variance that is unexplained without a shift to less than this share


def part_of(predictions: pd.DataFrame, part: str | None) -> pd.DataFrame:
    """The rows of one part ('train', 'validation', 'test'; None: all) that have a price and both its forecasts."""
    rows = predictions if part is None else predictions[predictions["split"] == part]
    return rows.dropna(subset=["actual", "predicted", "naive"])


def error_table(predictions: pd.DataFrame, part: str | None = "test") -> pd.DataFrame:
    """The errors of each day, in the units of the prices.

    returns columns split (where given), actual, predicted, naive, error (predicted - actual), naive_error
    (naive - actual), move (actual - naive: what the day did), predicted_move
    """
    rows = part_of(predictions, part)
    kept = [name for name in ("split", "actual", "predicted", "naive") if name in rows]
    return rows[kept].assign(
        error=rows["predicted"] - rows["actual"], naive_error=rows["naive"] - rows["actual"],
        move=rows["actual"] - rows["naive"], predicted_move=rows["predicted"] - rows["naive"])


@dataclass(frozen=True)
class Lag:
    """Whether predictions are merely the past drawn late.

    change_correlation: of predicted with actual changes; None where one of them never varies
    shifts: columns shift (steps), correlation, rmse: predictions against the actual prices `shift` steps earlier
    best_shift: the shift that fits best, or None where predictions follow the price at none
    late: whether a shift of one step or more fits clearly better than none
    sentence: all of it in words
    """

    change_correlation: float | None
    shifts: pd.DataFrame
    best_shift: int | None
    late: bool
    sentence: str


def lag_analysis(predictions: pd.DataFrame, part: str | None = "test", most: int = 5, currency: str | None = None) -> Lag:
    """Compares predictions with the actual prices, and with those of up to `most` steps earlier.

    Every shift is measured on the same days: those that have an actual price `most` steps earlier. A lag is claimed only
    for predictions that follow the price, since a flat line correlates slightly better with a trend at some shift by
    chance.
    """
    rows = error_table(predictions, part)
    actual, predicted = rows["actual"].to_numpy(float), rows["predicted"].to_numpy(float)
    table = []
    for shift in range(most + 1):
        earlier = actual[most - shift : len(actual) - shift] if len(actual) > most else actual[:0]
        late = predicted[most:]
        table.append((shift, _correlation(late, earlier), rmse(earlier, late) if len(late) else np.nan))
    shifts = pd.DataFrame(table, columns=["shift", "correlation", "rmse"]).astype({"correlation": float})
    moves = _correlation(rows["predicted_move"].to_numpy(float), rows["move"].to_numpy(float))
    spread = np.std(predicted) / np.std(actual) if len(actual) > most and np.std(actual) else np.nan
    if spread < FLAT:
        return Lag(moves, shifts, None, False,
                   f"The predictions are a nearly flat line: {_spans(predicted, actual, currency)}. They do not follow the "
                   "price, so there is no lag to measure.")
    fit = shifts.dropna(subset=["correlation"]).set_index("shift")["correlation"]
    if not len(fit):
        return Lag(moves, shifts, None, False, "Too few prices, or prices that never change: a lag cannot be measured.")
    best, at_none = int(fit.idxmax()), float(fit.get(0, np.nan))
    if fit[best] < FOLLOWS:
        return Lag(moves, shifts, None, False,
                   f"The predictions do not follow the price: their correlation with it is {words.number(fit[best], 2)} at "
                   "most, shifted or not. So there is no lag to measure.")
    # Every shift explains nearly all of a trend; what counts is how much less the best one leaves unexplained.
    left = 1 - fit**2
    late = best > 0 and left[best] < CLEARER * (1 - at_none**2) - _SAME
    if late or (best == 0 and left[0] < CLEARER * float(left.get(1, np.nan)) - _SAME):
        return Lag(moves, shifts, best, late, _lag_words(shifts, best) + _moves_words(moves))
    text = (f"Shifting the predictions makes hardly any difference (correlation {_digits(fit.min(), fit.max())} to "
            f"{_digits(fit.max(), fit.min())}), so there is no evidence that they are late.")
    if spread < FLATTENED:
        text += f" They are a flattened line, which varies far less than the price: {_spans(predicted, actual, currency)}."
    return Lag(moves, shifts, None, False, text + _moves_words(moves))


def _spans(predicted, actual, currency):
    ours, theirs = (f"{words.price(values.min(), currency)} to {words.price(values.max(), currency)}"
                    for values in (predicted, actual))
    return f"they lie within {ours}, the price within {theirs}"


def _lag_words(shifts, best):
    at = shifts.set_index("shift")["correlation"]
    if best:
        steps = words.count_of(best, "step")
        return (f"The predictions are closest to the price {steps} earlier (correlation {_digits(at[best], at[0])}), "
                f"not to the price they predict ({_digits(at[0], at[best])}): mostly the past, drawn {steps} late.")
    return (f"The predictions fit best where they belong (correlation {_digits(at[0], at[1])}; shifted by one "
            f"step {_digits(at[1], at[0])}): they are not late.")


def _moves_words(moves):
    if moves is None:
        return " They predict no changes at all, or the price never changed."
    return f" Predicted and actual changes have a correlation of {words.number(moves, 2)}."


def _digits(value, other):
    """`value` with enough decimals to tell it from `other` and from 1, at least two and at most six."""
    if not np.isfinite(value):
        return words.UNKNOWN
    gaps = [gap for gap in (abs(value - other), 1 - abs(value)) if np.isfinite(gap) and gap > 0]
    return words.number(value, int(np.clip(1 - np.floor(np.log10(min(gaps, default=1.0))), 2, 6)))


def errors_over_time(predictions: pd.DataFrame, window: int | None = None) -> pd.DataFrame:
    """Errors by date over all parts, with their root mean square over the last `window` rows.

    window: None takes a fortieth of the rows, 20 at least
    returns the columns of `error_table`, rolling_rmse and naive_rolling_rmse (NaN for the first rows)
    """
    table = error_table(predictions, None)
    window = window or max(20, len(table) // 40)
    return table.assign(**{name: np.sqrt((table[column] ** 2).rolling(window, min_periods=window).mean())
                           for name, column in (("rolling_rmse", "error"), ("naive_rolling_rmse", "naive_error"))})


def error_by_weekday(predictions: pd.DataFrame, part: str | None = "test") -> pd.DataFrame:
    """Errors by day of the week: index Mon ... Sun as far as they occur; columns as in `_summary`."""
    rows = error_table(predictions, part)
    return _summary(rows, rows.index.day_of_week, dict(enumerate(WEEKDAYS)))


def error_by_month(predictions: pd.DataFrame, part: str | None = "test") -> pd.DataFrame:
    """Errors by month of the year: index Jan ... Dec as far as they occur; columns as in `_summary`."""
    rows = error_table(predictions, part)
    return _summary(rows, rows.index.month, dict(enumerate(MONTHS, start=1)))


def error_by_move(predictions: pd.DataFrame, part: str | None = "test", bins: int = 5) -> pd.DataFrame:
    """Errors by the size of what the day did, in bins of about equally many days, small moves first.

    returns columns low, high (size of the move; in percent of the last price where all prices are positive, otherwise
    in the units of the prices: `attrs['unit']` is '%' or ''), and those of `_summary`
    """
    rows = error_table(predictions, part)
    relative = bool((rows["naive"] > 0).all() and (rows["actual"] > 0).all())
    size = rows["move"].abs() * (100 / rows["naive"] if relative else 1)
    groups = pd.qcut(size, bins, labels=False, duplicates="drop") if len(size) >= bins else pd.Series(0, size.index)
    table = _summary(rows, groups.fillna(0).astype(int), {i: i for i in range(bins)})
    edges = size.groupby(groups.fillna(0).astype(int).to_numpy()).agg(["min", "max"])
    table.insert(0, "low", edges["min"].to_numpy())
    table.insert(1, "high", edges["max"].to_numpy())
    table.attrs["unit"] = "%" if relative else ""
    return table.reset_index(drop=True)


def _summary(rows, groups, labels):
    """Columns count, rmse, naive_rmse, skill (1 - rmse / naive_rmse, NaN where naive makes no error) and bias."""
    table = []
    for key, group in rows.groupby(np.asarray(groups)):
        ours, naive = rmse(group["actual"], group["predicted"]), rmse(group["actual"], group["naive"])
        table.append((labels[key], len(group), ours, naive, _skill(ours, naive), group["error"].mean()))
    columns = ["group", "count", "rmse", "naive_rmse", "skill", "bias"]
    return pd.DataFrame(table, columns=columns).set_index("group")


def error_by_horizon(actual, predicted, last, interval=None) -> pd.DataFrame:
    """Errors by step ahead beside the naive forecast's.

    actual, predicted: (n, horizon), one row for each origin, oldest first; NaN where a target is not known
    last: (n,) the price at each origin
    interval: of the skill, called as interval(actual, predicted, naive, step) -> (low, high) on the known rows of a
        step, which may raise `Undefined`; None for none
    returns columns step (from 1), count, rmse, naive_rmse, skill, skill_low, skill_high (NaN where undefined), reason
        (why the interval is undefined, else '')
    """
    actual, predicted = (np.asarray(values, dtype=float) for values in (actual, predicted))
    last = np.asarray(last, dtype=float)
    if actual.ndim != 2 or actual.shape != predicted.shape or last.shape != actual.shape[:1]:
        raise ValueError("actual and predicted must be (n, horizon) and last (n,). "
                         f"Received: {actual.shape}, {predicted.shape} and {last.shape}.")
    table = []
    for column in range(actual.shape[1]):
        known = np.isfinite(actual[:, column]) & np.isfinite(predicted[:, column]) & np.isfinite(last)
        truth, ours, naive = actual[known, column], predicted[known, column], last[known]
        scores = (rmse(truth, ours), rmse(truth, naive)) if known.any() else (np.nan, np.nan)
        skill = _skill(*scores)
        (low, high), reason = (np.nan, np.nan), ""
        if interval and np.isfinite(skill):
            try:
                low, high = interval(truth, ours, naive, column + 1)
            except Undefined as undefined:
                reason = str(undefined)
        table.append((column + 1, int(known.sum()), *scores, skill, low, high, reason))
    return pd.DataFrame(table, columns=["step", "count", "rmse", "naive_rmse", "skill", "skill_low", "skill_high", "reason"])


def farthest_step(by_horizon: pd.DataFrame) -> int:
    """The last of the steps, counted without a gap from the first, that are proven better than naive; 0 if there is none.

    Proven means that the lower end of the skill's interval lies above 0. Without an interval nothing is proven.
    """
    failed = np.flatnonzero(~(by_horizon["skill_low"].to_numpy() > 0))
    return int(failed[0]) if failed.size else len(by_horizon)


def horizon_words(by_horizon: pd.DataFrame, unit: str = "step") -> str:
    """Says at which steps the error is below naive's, where that is proven, and what the others lack for a proof.

    by_horizon: from `error_by_horizon`; unit: a step of the series in words, e.g. 'month'
    A lower error is not a proven one: on a short test part a network may err half as much at every step, while the far
    steps have too few origins that do not overlap.
    """
    rows = by_horizon[np.isfinite(by_horizon["skill"].astype(float))]
    if not len(rows):
        return f"No step can be scored: too few {unit}s of the test part are known, or the price never moved in it."
    better, proven = rows[rows["skill"] > 0], rows[rows["skill_low"] > 0]
    worse = rows[rows["skill_high"] < 0]
    text = _where_lower(rows, better)
    if len(better):
        text += _how_sure(rows, better, proven, unit)
    if len(worse):
        text += f" It is proven worse at {_steps(worse, rows)}."
    return text


def _where_lower(rows, better):
    others = rows.drop(better.index)
    if not len(others):
        return f"Lower error than naive at {_steps(rows, rows)}"
    if not len(better):
        word = "The same error as" if (others["skill"] == 0).all() else "No lower error than"
        return f"{word} naive at {'any step' if word.startswith('No') else _steps(rows, rows)}."
    word = "higher" if (others["skill"] < 0).all() else "no lower"
    if better["step"].max() < others["step"].min():
        return f"Lower error than naive up to step {better['step'].max()}, {word} beyond"
    return f"Lower error than naive at {_steps(better, rows)}, {word} at {_steps(others, rows)}"


def _how_sure(rows, better, proven, unit):
    everywhere, one, doubted = len(better) == len(rows), len(better) == 1, better.drop(proven.index)
    lead = "," if everywhere else ". The lower error is"
    if not len(doubted):
        return f"{lead} {'and ' if everywhere else ''}proven{'' if one else ' at each of these steps'}."
    reasons = list(doubted.loc[doubted["skill_low"].isna(), "reason"])
    if not all("too few" in reason for reason in reasons):
        lacks = "no interval can be made to prove it"
    else:
        lacks = " or ".join(["luck can explain it"] * (len(reasons) < len(doubted))
                            + [f"there are too few {unit}s to prove it"] * bool(reasons))
    if not len(proven):
        return f"{lead} {'but ' if everywhere else ''}{'not proven' if one else 'proven at none of these steps'}: {lacks}."
    last = proven["step"].max()
    if last < doubted["step"].min():
        return f"{lead} proven {'at step 1' if last == 1 else f'up to step {last}'}; beyond, {lacks}."
    return f"{lead} proven at {_steps(proven, rows)}; at the others, {lacks}."


def _steps(some, rows):
    """Which steps, in words: 'all 10 steps', 'step 3', 'steps 1 to 4 and 7'."""
    numbers = some["step"].tolist()
    if len(numbers) == len(rows):
        return f"step {numbers[0]}" if len(numbers) == 1 else f"all {len(numbers)} steps"
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    names = [str(first) if first == last else f"{first} to {last}" if last > first + 1 else f"{first} and {last}"
             for first, last in spans]
    named = names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}"
    return f"step{'s' if len(numbers) > 1 else ''} {named}"


def worst_days(predictions: pd.DataFrame, part: str | None = "test", count: int = 10) -> pd.DataFrame:
    """The days with the largest errors, the worst first.

    returns index Date; columns actual, predicted, naive, error, naive_error, error_percent (of the actual price; NaN
    where that is zero)
    """
    rows = error_table(predictions, part)
    order = np.argsort(-rows["error"].abs().to_numpy(), kind="stable")[:count]
    rows = rows.iloc[order]
    percent = 100 * rows["error"] / rows["actual"].abs().where(rows["actual"] != 0)
    return rows[["actual", "predicted", "naive", "error", "naive_error"]].assign(error_percent=percent)


@dataclass(frozen=True)
class RangeEscape:
    """How far the test prices leave the range of training.

    low, high: the lowest and the highest training price
    above, below: shares (0 to 1) of the test prices above `high` and below `low`; outside: their sum
    farthest: the test price farthest outside, or None where all lie within
    sentence: in words
    """

    low: float
    high: float
    above: float
    below: float
    farthest: float | None
    sentence: str

    @property
    def outside(self) -> float:
        return self.above + self.below


def range_escape(prices, train_end: int, validation_end: int, currency: str | None = None) -> RangeEscape:
    """Compare the test prices with the range of the training prices.

    prices: (t,); train_end, validation_end: the rows where the validation and the test part begin
    """
    prices = np.asarray(prices, dtype=float)
    seen, test = prices[:train_end], prices[validation_end:]
    if not seen.size or not test.size:
        raise ValueError(f"Both parts need prices. Received: {seen.size} of training, {test.size} of test.")
    low, high = float(seen.min()), float(seen.max())
    above, below = escape_shares(prices, train_end, validation_end)
    seen_words = f"the {words.price(low, currency)} to {words.price(high, currency)} that training saw"
    if not above + below:
        return RangeEscape(low, high, above, below, None, f"All test prices lie within {seen_words}.")
    out = np.maximum(test - high, low - test)
    farthest = float(test[out.argmax()])
    text = (f"{words.share(above + below, digits=0)} of the test prices lie outside {seen_words}; the farthest is "
            f"{words.price(farthest, currency)}. A network that predicts the price itself cannot follow them there.")
    return RangeEscape(low, high, above, below, farthest, text)


def rolling_coverage(predictions: pd.DataFrame, part: str | None = "test", window: int | None = None) -> pd.DataFrame:
    """Coverage and width of the intervals over the last `window` rows, by date.

    window: None takes a quarter of the rows, from 20 to 100
    returns columns coverage_80, coverage_95 (shares), width_80, width_95 (in the units of the prices); the first
    window - 1 rows are left out. `window` is cut to the rows there are.
    """
    bounds = [f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")]
    rows = part_of(predictions, part).dropna(subset=bounds)
    window = max(1, min(window or min(100, max(20, len(rows) // 4)), len(rows)))
    hits = {f"coverage_{level}": _hits(rows, level)[0].astype(float) for level in LEVELS}
    widths = {f"width_{level}": _hits(rows, level)[1] for level in LEVELS}
    table = pd.DataFrame(hits | widths, index=rows.index).rolling(window).mean()
    table.attrs["window"] = window
    return table.iloc[window - 1 :]


def interval_table(predictions: pd.DataFrame, parts=("validation", "test")) -> pd.DataFrame:
    """Promised and achieved coverage of the intervals, and their width.

    returns columns part, level (80, 95), promised, achieved (shares), count, width (mean, in the units of the prices),
    width_percent (mean, in percent of the actual price; NaN where a price is not positive), fitted (whether the intervals
    were fitted to these very prices, as everywhere but on the test part, so that their coverage proves nothing)
    """
    table = []
    for part in parts:
        rows = part_of(predictions, part)
        for level in LEVELS:
            known = rows.dropna(subset=[f"lower_{level}", f"upper_{level}"])
            if not len(known):
                continue
            hit, width = _hits(known, level)
            percent = (100 * width / known["actual"]).mean() if (known["actual"] > 0).all() else np.nan
            table.append((part, level, level / 100, hit.mean(), len(known), width.mean(), percent, part != "test"))
    columns = ["part", "level", "promised", "achieved", "count", "width", "width_percent", "fitted"]
    return pd.DataFrame(table, columns=columns).astype({"fitted": bool})


def _hits(rows, level):
    lower, upper = rows[f"lower_{level}"], rows[f"upper_{level}"]
    return (rows["actual"] >= lower) & (rows["actual"] <= upper), upper - lower


def _skill(ours, naive):
    """1 - RMSE / naive RMSE, NaN where naive makes no error."""
    return 1 - ours / naive if naive else np.nan


def _correlation(a, b):
    """Pearson's correlation, or None where there are too few values or one side never varies."""
    if len(a) < FEWEST_FOR_CORRELATION:
        return None
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    # Rounding errors give even a constant column a tiny spread.
    if not scale > 1e-24:
        return None
    return float(a @ b / scale)
