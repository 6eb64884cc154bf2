"""How much may be lost: volatility, value at risk, expected shortfall, and the chance of a move beyond a size.

The move over the next steps is the expected move plus the expected volatility times a number drawn from the past: the
*standardised* moves known at the origin. What is promised from each day of the test part is then held against what came.

Sources: filtered historical simulation, Barone-Adesi and others, "VaR without correlations for portfolios of derivative
securities" (1999); the test of how often, Kupiec, "Techniques for verifying the accuracy of risk measurement models" (1995);
the test of whether breaches cluster, Christoffersen, "Evaluating interval forecasts" (1998); the anchor, J.P. Morgan,
"RiskMetrics" (1996).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.evaluation.intervals import MIN_SCORES, PREFERENCE, correction_speeds, track_quantiles
from forecasting.evaluation.volatility import expect_moves, exponential_means, garch

__all__ = ["LEVELS", "Breaches", "Outlook", "Risk", "assess", "breaches", "chance_words", "christoffersen", "kupiec",
           "measure_risk", "size_words", "warning_words", "when_words"]

LEVELS = (0.95, 0.99)
FEWEST = 100      # standardised moves from which the 99 % level can be read
REMEMBERED = 2000  # standardised moves
DOUBTFUL = 0.05   # p-value below which a test rejects
EWMA_DECAY = 0.06
OURS = "This run"


@dataclass(frozen=True)
class Risk:
    """What was promised from each origin of the test part, one step ahead or more, and from the last row.

    relative: losses and volatility are shares of the price; otherwise in the units of the prices
    step: how many rows ahead
    table: index Date of the origins; for those whose outcome is known, `loss` is what was lost, below 0 for a gain, and NaN
        otherwise; volatility (the standard deviation of the move), and var_95, var_99, es_95, es_99: the loss that is
        exceeded with 5 and 1 %, and the mean of such losses
    anchors: {name: table with the same columns} of other methods on the same days
    """

    relative: bool
    step: int
    table: pd.DataFrame
    anchors: dict[str, pd.DataFrame]
    _moves: np.ndarray     # (k,) standardised moves known at the last row, in time order
    _known: np.ndarray     # (m,) how many of them were known at each origin
    _centre: np.ndarray    # (m,) the expected move
    _scale: np.ndarray     # (m,) the expected scale
    _last: np.ndarray      # (m,) the price at each origin

    def outlook(self, at: int = -1) -> Outlook:
        """What was expected from origin number `at`."""
        at = at % len(self.table)
        moves = self._moves[max(0, self._known[at] - REMEMBERED) : self._known[at]]
        lost = _loss(self._centre[at] + self._scale[at] * moves, self.relative)
        row = self.table.iloc[at]
        return Outlook(self.relative, self.step, float(row["volatility"]), {level: float(row[_var(level)]) for level in LEVELS},
                       {level: float(row[_es(level)]) for level in LEVELS}, np.sort(lost), float(self._last[at]))


@dataclass(frozen=True)
class Outlook:
    """The risk from one origin, as in `Risk`. losses: (k,) what would be lost if one of the past's moves came again"""

    relative: bool
    step: int
    volatility: float
    value_at_risk: dict[float, float]
    shortfall: dict[float, float]
    losses: np.ndarray
    last: float

    def volatility_per_year(self, frequency, dates) -> float | None:
        """Of independent moves as large as this one; None for irregular dates. frequency, dates: of the history"""
        rows = frequency.rows_per_year(dates)
        return self.volatility * (rows / self.step) ** 0.5 if rows else None

    def size_of(self, share: float) -> float:
        """The size of a move by this share of the price, in the unit of the losses."""
        return share if self.relative else share * abs(self.last)

    def chance(self, size: float) -> tuple[float, float]:
        """(of a loss of more than `size`, of a gain of more); never 0 or 1, since the past is not all there is."""
        count = len(self.losses)
        lost = count - np.searchsorted(self.losses, size, side="right")
        gained = np.searchsorted(self.losses, -size, side="left")
        return float((lost + 0.5) / (count + 1)), float((gained + 0.5) / (count + 1))


@dataclass(frozen=True)
class Breaches:
    """How often a value at risk was exceeded.

    kupiec: p-value of as many breaches or ones further from the promise; christoffersen: p-value of their independence;
    both: p-value of the two together; None where a test says nothing
    loss: mean loss on days with a breach, shortfall: what was expected on those; None without one
    """

    level: float
    days: int
    count: int
    kupiec: float | None
    christoffersen: float | None
    both: float | None
    loss: float | None
    shortfall: float | None
    score: float

    @property
    def share(self) -> float:
        return self.count / self.days


def measure_risk(history, result, step: int = 1) -> Risk | None:
    """The risk of a `TrainingResult` from each day of its test part, around its guarded forecasts.

    None where too few moves are known before the test part to read a level of 99 % from.
    """
    parts, steps, column = result.split, result.guarded, step - 1
    relative = bool(steps.logarithmic.all())
    level_of = np.log if relative else np.asarray
    last = level_of(steps.last)
    centre, ahead = level_of(steps.predicted[:, column]) - last, level_of(steps.actual[:, column]) - last
    unit = np.where(steps.logarithmic & (not relative), np.abs(steps.last), 1.0)
    first = int(parts.validation_end - 1 - steps.origins[0])
    known = max(0, first - step + 1)  # moves that are known before the test part
    if not np.isfinite(centre).all():
        return None
    best = None
    # The volatility that was fitted, and the intervals' own, which may be scaled by a simpler one that is better here.
    for scale, earlier in ((steps.volatility[:, column] * unit, _earlier(history, result, step, relative)),
                           (steps.half[0.8][:, column] * unit, np.empty(0))):
        if not (scale > 0).all():
            continue
        own = (ahead - centre) / scale
        before = own[:known][np.isfinite(own[:known])]
        pool = np.concatenate([_alike(earlier, before), before])[-REMEMBERED:]
        if len(pool) < FEWEST:
            continue
        penalty = _pinball(-before, scale[:known][np.isfinite(own[:known])]) if len(before) else 0.0
        if best is None or penalty < best[0] / PREFERENCE:
            best = penalty, scale, own, pool
    if best is None:
        return None
    _, scale, own, pool = best
    after, count = own[known:], len(own) - first
    moves = np.concatenate([pool, after[np.isfinite(after)]])
    counts = np.minimum(len(pool) + np.arange(count), len(moves))  # each origin knows one move more than the one before
    speeds = {level: correction_speeds(count, level) for level in LEVELS}
    quantiles = track_quantiles(-own, np.empty(0), -pool, 0, first, step, speeds, REMEMBERED)
    centre, scale = centre[first:], scale[first:]
    usual = np.array([moves[max(0, known - REMEMBERED) : known].std() for known in counts])
    columns = {"loss": _loss(ahead[first:], relative), "volatility": scale * usual}
    for level in LEVELS:
        columns[_var(level)] = _loss(centre - scale * quantiles[level], relative)
        columns[_es(level)] = _loss(centre - scale * _tail_means(-moves, counts, quantiles[level]), relative)
    table = pd.DataFrame(columns, index=history.dates[steps.origins[first:]].rename("Date"))
    anchors = _anchors(history, parts, table, relative) if step == 1 else {}
    return Risk(relative, step, table, anchors, moves, counts, centre, scale, steps.last[first:])


def _alike(earlier, own):
    """The `earlier` standardised moves, brought to the size of the run's own, whose volatility may be of another size."""
    if len(own) < MIN_SCORES or not len(earlier):
        return earlier
    theirs, ours = np.median(np.abs(earlier[-REMEMBERED:])), np.median(np.abs(own))
    return earlier * (ours / theirs) if theirs > 0 and ours > 0 else earlier[:0]


def _pinball(losses, scale) -> float:
    """The mean pinball loss of the quantile of `LEVELS[0]` of these standardised losses, in the units of the moves."""
    excess = losses - np.quantile(losses, LEVELS[0])
    return float(np.mean(scale * np.where(excess > 0, LEVELS[0] * excess, (LEVELS[0] - 1) * excess)))


def _var(level):
    return f"var_{level * 100:g}"


def _es(level):
    return f"es_{level * 100:g}"


def _loss(move, relative):
    """What a move costs the holder: a share of the price where moves are of logarithms."""
    return -np.expm1(np.clip(move, -700, 700)) if relative else -move


def _earlier(history, result, step, relative):
    """Standardised moves from the rows before validation, in time order, around the naive forecast."""
    parts = result.split
    expected = expect_moves(history, parts, step, result.encoder.positive).get(relative)
    if expected is None:
        return np.empty(0)
    level = np.log(history.close[: parts.train_end]) if relative else history.close[: parts.train_end]
    rows = slice(min(result.config.window, len(level) - step), len(level) - step)
    return (level[step:] - level[:-step])[rows] / expected[: len(level) - step, step - 1][rows]


def _tail_means(losses, counts, quantiles):
    """(m,) for each origin, the mean of the standardised losses known there that are at least its quantile."""
    means = np.empty(len(counts))
    for at, (count, quantile) in enumerate(zip(counts, quantiles, strict=True)):
        known = losses[max(0, count - REMEMBERED) : count]
        beyond = known[known >= quantile]
        means[at] = beyond.mean() if len(beyond) else quantile
    return means


def _anchors(history, parts, table, relative) -> dict[str, pd.DataFrame]:
    """What simpler models promise on the same days: an exponentially weighted mean, normal; and GARCH(1,1), Student's t."""
    level = np.log(history.close) if relative else history.close
    moves, start = np.diff(level, prepend=np.nan), parts.validation_end - 1
    squares = moves**2
    single = np.sqrt(exponential_means(squares, EWMA_DECAY, np.mean(squares[1 : parts.train_end])))[start:]
    normal = NormalDist()
    made = {"EWMA, normal": _promises(table, single, single, relative, {
        one: (z := normal.inv_cdf(one), normal.pdf(z) / (1 - one)) for one in LEVELS})}
    fitted = garch(moves, parts.validation_end)
    if fitted is not None and fitted[1] > 2:
        from scipy.stats import t  # takes a while to load

        scale, freedom = fitted[0][start:], fitted[1]
        quantiles = {one: (z := t.ppf(one, freedom), t.pdf(z, freedom) / (1 - one) * (freedom + z**2) / (freedom - 1))
                     for one in LEVELS}
        deviation = scale * np.sqrt(freedom / (freedom - 2))
        made["GARCH(1,1), Student's t"] = _promises(table, deviation, scale, relative, quantiles)
    return made


def _promises(table, volatility, scale, relative, quantiles) -> pd.DataFrame:
    columns = {"loss": table["loss"], "volatility": volatility}
    for level, (quantile, shortfall) in quantiles.items():
        columns[_var(level)], columns[_es(level)] = _loss(-scale * quantile, relative), _loss(-scale * shortfall, relative)
    return pd.DataFrame(columns, index=table.index)


def breaches(table: pd.DataFrame, level: float, step: int = 1) -> Breaches | None:
    """How often the value at risk of this level was exceeded, on the days whose loss is known; None without such days.

    Forecasts of later steps overlap, so that their breaches cluster by themselves; only every `step`-th is tested.
    """
    known = table[table["loss"].notna()]
    if not len(known):
        return None
    hit = (known["loss"] > known[_var(level)]).to_numpy()
    tested = hit[::step]
    counted, clustered, both = kupiec(int(tested.sum()), len(tested), 1 - level), *christoffersen(tested, 1 - level)
    excess = known["loss"] - known[_var(level)]
    score = float(np.mean(known[_var(level)] * (1 - level) + np.maximum(excess, 0)))  # the pinball loss but for a constant
    return Breaches(level, len(hit), int(hit.sum()), counted, clustered, both,
                    float(known["loss"][hit].mean()) if hit.any() else None,
                    float(known[_es(level)][hit].mean()) if hit.any() else None, score)


def kupiec(count: int, days: int, promised: float) -> float | None:
    """The p-value of `count` breaches on so many days, if each day has one with probability `promised`. None without days.

    The likelihood ratio against the share that was achieved, chi-squared with one degree of freedom.
    """
    if not days:
        return None
    ratio = 2 * (_likelihood(days - count, count, count / days) - _likelihood(days - count, count, promised))
    return _chi_squared(ratio, 1)


def christoffersen(hit, promised: float) -> tuple[float | None, float | None]:
    """(p-value of breaches being independent of the day before, p-value of that and their promised number).

    hit: (n,) whether each day had a breach. None where there was no breach, or one on each day, so that none can follow.
    The likelihood ratio of two shares, after days with a breach and after days without, against one.
    """
    hit = np.asarray(hit, dtype=bool)
    before, after = hit[:-1], hit[1:]
    if not before.any() or before.all():
        return None, None
    quiet, then = int((~before & ~after).sum()), int((~before & after).sum())
    calmed, again = int((before & ~after).sum()), int((before & after).sum())
    apart = (_likelihood(quiet, then, then / (quiet + then)) + _likelihood(calmed, again, again / (calmed + again)))
    every = (then + again) / len(after)
    ratio = 2 * (apart - _likelihood(quiet + calmed, then + again, every))
    days, count = len(hit), int(hit.sum())
    counted = 2 * (_likelihood(days - count, count, count / days) - _likelihood(days - count, count, promised))
    return _chi_squared(ratio, 1), _chi_squared(ratio + counted, 2)


def _likelihood(without, with_it, share) -> float:
    """The logarithm of the probability of days without and with a breach that each have one with probability `share`."""
    return (without * math.log1p(-share) if without else 0.0) + (with_it * math.log(share) if with_it else 0.0)


def _chi_squared(ratio, freedom) -> float:
    """The probability of a larger ratio."""
    ratio = max(0.0, ratio)
    return math.erfc(math.sqrt(ratio / 2)) if freedom == 1 else math.exp(-ratio / 2)


def assess(risk: Risk) -> pd.DataFrame:
    """A line for each method and level: Method, level, `Breaches` by their fields, and the mean value at risk and shortfall."""
    lines = []
    for name, table in ({OURS: risk.table} | risk.anchors).items():
        for level in LEVELS:
            found = breaches(table, level, risk.step)
            if found is not None:
                lines.append({"method": name, **vars(found), "share": found.share, "var": float(table[_var(level)].mean()),
                              "es": float(table[_es(level)].mean())})
    return pd.DataFrame(lines)


def size_words(size: float, relative: bool, currency: str | None = None) -> str:
    """A loss or a move: 4.1 %, or in the units of the prices."""
    return words.share(size, digits=1) if relative else words.price(size, currency)


def warning_words(risk: Risk, outlook: Outlook, when: str, currency: str | None = None) -> str:
    """The value at risk in words, and how often such warnings were right. when: e.g. 'tomorrow'"""
    lost, what = outlook.value_at_risk[LEVELS[0]], "A loss of more than"
    if lost < 0:  # a rise so certain that even a bad outcome is a gain
        lost, what = -lost, "A gain of less than"
    said = f"{what} {size_words(lost, risk.relative, currency)} {when} has a chance of about 1 in 20."
    found = breaches(risk.table, LEVELS[0], risk.step)
    if found is None:
        return f"{said} There is no day in the test part to check such warnings on."
    return (f"{said} Over the test part such warnings were right {words.share(found.share, digits=1)} of the time"
            f"{_verdict(found)}.")


def when_words(frequency, step: int = 1) -> str:
    """When the move of this step will be over: 'tomorrow', 'in the next month', 'over the next 5 days'."""
    one = words.unit(frequency)
    if step > 1:
        return f"over the next {words.count_of(step, one)}"
    if one == "day":
        return "tomorrow" if len(frequency.days) > 3 else "by the next trading day"
    return f"in the next {one}"


def chance_words(outlook: Outlook, share: float, when: str, currency: str | None = None) -> str:
    """The chances of a fall and of a rise by more than this share of the price, in words."""
    size = outlook.size_of(share)
    fall, rise = outlook.chance(size)
    much = size_words(size, outlook.relative, currency)
    return f"A fall of more than {much} {when} has a chance of {_odds(fall)}, a rise of more than {much} one of {_odds(rise)}."


def _odds(chance) -> str:
    if chance >= 0.095:
        return words.share(chance, digits=0)
    return f"{words.share(chance, digits=1)} (1 in {words.count(round(1 / chance))})"


def _verdict(found: Breaches) -> str:
    text, promised = "", words.share(1 - found.level, digits=0)
    if found.kupiec is not None:
        side = "more often" if found.share > 1 - found.level else "less often"
        judged = "in line with the" if found.kupiec >= DOUBTFUL else f"{side} than the"
        judged = f"{judged} promised {promised}"
        text = f", {judged} (Kupiec's test, {words.p_value(found.kupiec)})"
    if found.christoffersen is not None:
        clusters = "came in clusters" if found.christoffersen < DOUBTFUL else "did not cluster"
        text += f"; they {clusters} (Christoffersen's test, {words.p_value(found.christoffersen)})"
    return text
