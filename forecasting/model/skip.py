"""The frozen linear part beside the network: a ridge regression over the same window, and a season where one is proven.

The network then only learns the residuals of a linear forecast: an autoregressive highway, as in Lai and others,
"Modeling long- and short-term temporal patterns with deep neural networks" (2018).

How to regress is chosen by rolling origins over training and validation: the later half is cut into blocks, and each
block is forecast from what came before it. A season, and the linear part of each step, is used on strong evidence only.
Where a season is proven, a regression may also read the moves one and two seasons ago, of two seasons if there are two (a day
and a week), and the forecasts of up to three regressions are averaged, added one by one as long as that helps: Caruana and
others, "Ensemble selection from libraries of models" (2004).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from forecasting.model.listener import SILENT, Listener

__all__ = ["MAX_REACH", "Choice", "LinearSkip", "choose", "fit_skip", "read_lags", "season_lags"]

# Penalties of the squared weights, per training window of inputs of unit size. 'flat' is ordinary ridge regression, down
# to next to none for series without noise; 'fading' grows with the square of the lag: with few data,
# distant lags then hardly count.
CANDIDATES = (("flat", 1e-8), ("flat", 1e-6), ("flat", 1e-4), ("flat", 1e-3), ("flat", 1e-2), ("flat", 1e-1), ("flat", 1.0),
              ("fading", 1e-3), ("fading", 1e-2), ("fading", 1e-1))
CYCLES = (1, 2, 3)     # seasons that a seasonal forecast is averaged over
MAX_REACH = 2000       # rows that a season may look back on
SEASON_RATIO = 0.95    # a season has to leave less than this of the squared error without it ...
SEASON_T = 2.0         # ... and its gain to be this many standard errors
# Required of the linear part, for all steps together or for a single step. On 90 pieces of market series, whose moves hardly
# depend on earlier ones, this let one through; at 2.0 seven passed, of which the worst forecast 2 % worse than naive.
LINEAR_T = 2.5
READ_BEFORE, READ_SEASONS = 3, 2  # rows before the same time of a season ago that are read, and how many seasons back
MOST_MEMBERS = 3       # regressions that are averaged; each has to leave less than this of the squared error without it
MEMBER_RATIO = 0.97
BLOCKS = 10            # into which the later half of training and validation is cut
# How much the blocks have to span, since errors of overlapping horizons are nearly the same errors counted repeatedly. With
# blocks of one horizon, two of four stocks of 123 months got a season or a linear part, which cost them 25 and 29 %.
HORIZONS_TESTED, SEASONS_TESTED = 2, 2
MIN_ORIGINS = 10       # fewest that a block's regression learns from
MAX_ORIGINS = 100_000  # the latest ones: a regression on a window learns nothing from more
_BLOCK_VALUES = 2**21  # 16 MB of float64 at a time, whatever the window


@dataclass(frozen=True)
class Choice:
    """How to regress.

    prior, penalty: of `CANDIDATES`; prior is None for no regression
    season: the seasonal lag, in rows; cycles: how many seasons are averaged; 0 for no season
    steps: those whose linear forecast is proven better than none; the others get none
    reads: seasons, in rows, whose lags are read beside the window
    others: further choices whose forecasts are averaged with this one's
    """

    prior: str | None = None
    penalty: float = 0.0
    season: int = 0
    cycles: int = 0
    steps: tuple[int, ...] = ()
    reads: tuple[int, ...] = ()
    others: tuple[Choice, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "reads", tuple(self.reads))
        # As JSON holds them, they are dicts.
        object.__setattr__(self, "others", tuple(Choice(**one) if isinstance(one, dict) else one for one in self.others))

    @property
    def members(self) -> tuple[Choice, ...]:
        """This one and the others."""
        return (replace(self, others=()), *self.others)


@dataclass(frozen=True)
class LinearSkip:
    """A linear forecast of every step from the last `length` inputs. kernel: (length, horizon) float32, oldest first."""

    kernel: np.ndarray
    choice: Choice

    @property
    def length(self) -> int:
        return len(self.kernel)

    def predict(self, series) -> np.ndarray:
        """(t, horizon) float32: the forecast from every row of `series` (t,), which begins after rows of zeros."""
        if not self.kernel.any():
            return np.zeros((len(series), self.kernel.shape[1]), dtype=np.float32)
        windows, kernel = _windows(series, self.length), self.kernel.astype(np.float64)
        # Copied block by block, because BLAS cannot handle overlapping rows and NumPy's own product is many times slower.
        return np.concatenate([(np.ascontiguousarray(windows[rows]) @ kernel).astype(np.float32)
                               for rows in _blocks(len(series), self.length)])


def choose(series, targets, rows, window, seasons=(), listener: Listener = SILENT) -> Choice:
    """Chooses how to regress by rolling origins over the first `rows` rows.

    series: (t,) scaled moves (or scaled prices, without seasons); targets: (t, horizon), NaN where unknown
    seasons: lags, in rows, where a season is looked for
    listener: once it asks to stop, the best choice so far is returned
    """
    horizon = targets.shape[1]
    base = max(0, rows - 2 * MAX_ORIGINS)
    series, targets, rows = series[base:rows], targets[base:rows], rows - base
    first = max(rows // 2, window - 1 + horizon + MIN_ORIGINS)  # origin
    tested = rows - horizon - first
    blocks = min(BLOCKS, tested // 2)
    if blocks < 3 or tested < HORIZONS_TESTED * horizon:
        return Choice()
    edges = np.linspace(first, rows - horizon, blocks + 1).astype(int)
    nothing = np.add.reduceat(targets[: edges[-1]].astype(np.float64) ** 2, edges[:-1])  # (blocks, horizon)
    plain = best = _best(series, targets, edges, window, Choice(), listener)
    if plain is None:
        return Choice()

    def fits(choice):
        reach = choice.season * choice.cycles
        longest = reach + season_lags(window, horizon, choice.reads)[-1] + 1
        return (longest <= MAX_REACH and max(window, longest if choice.reads else reach) + horizon + MIN_ORIGINS <= first + 1
                and tested >= SEASONS_TESTED * max(choice.season, *choice.reads, 0))

    for season in seasons:
        for cycles in CYCLES:
            if not fits(Choice(season=season, cycles=cycles)):
                continue
            found = _best(series, targets, edges, window, Choice(season=season, cycles=cycles), listener)
            if found is None:
                break
            with_it, without = found[1].sum(axis=1), plain[1].sum(axis=1)
            proven = with_it.sum() < SEASON_RATIO * without.sum() and _proves(SEASON_T, with_it, without)
            if proven and found[1].sum() < best[1].sum():
                best = found
    choice, losses = best
    if choice.season:
        reads = tuple(season for season in seasons[:2] if fits(Choice(reads=(season,))))
        tried = [Choice(reads=reads), *(Choice(season=season, cycles=cycles, reads=reads) for season in seasons
                                        for cycles in CYCLES)] if reads else []
        others = [_best(series, targets, edges, window, one, listener) for one in tried if fits(one)]
        return _average(series, targets, edges, window, [best, *(one for one in others if one is not None)], listener)
    steps = list(range(1, horizon + 1))
    if not choice.season and not _proves(LINEAR_T, losses.sum(axis=1), nothing.sum(axis=1)):
        steps = [step for step in steps if _proves(LINEAR_T, losses[:, step - 1], nothing[:, step - 1])]
    return replace(choice, steps=steps) if steps else Choice()


def fit_skip(series, targets, origins, window, choice: Choice, listener: Listener = SILENT) -> LinearSkip:
    """Fits the regression of `choice` to `origins` (n,), ascending; other arguments as in `choose`.

    If the listener asks to stop, the result is no linear part.
    """
    horizon = targets.shape[1]
    nothing = LinearSkip(np.zeros((window, horizon), dtype=np.float32), Choice())
    if choice.prior is None:
        return nothing
    kernels = [_kernel(series, targets, origins, window, one, listener) for one in choice.members]
    if any(kernel is None for kernel in kernels):
        return nothing
    length = max(map(len, kernels))
    kernel = np.mean([np.pad(kernel, ((length - len(kernel), 0), (0, 0))) for kernel in kernels], axis=0)
    return LinearSkip(np.ascontiguousarray(kernel, dtype=np.float32), choice)


def _kernel(series, targets, origins, window, choice, listener):
    """(length, horizon) float64, oldest first: the regression of one member. None if the listener asked to stop."""
    horizon, reach = targets.shape[1], choice.season * choice.cycles
    lags = season_lags(window, horizon, choice.reads)
    origins = origins[origins >= max(window - 1, reach, lags[-1] if choice.reads else 0)][-MAX_ORIGINS:]
    rest, targets = _without_season(series, targets, choice)
    sums = _Sums(lags, window, horizon)
    if not sums.add(rest, targets, origins, listener):
        return None
    weights = np.zeros((lags[-1] + 1, horizon))  # newest first
    weights[lags] = sums.solve(choice.prior, choice.penalty)
    # The regression reads moves minus those of earlier seasons, which is a longer kernel over the moves themselves.
    difference = np.zeros(reach + 1)
    difference[0] = 1.0
    if choice.season:
        difference[choice.season :: choice.season] = -1.0 / choice.cycles
    kernel = np.stack([np.convolve(weights[:, step], difference) for step in range(horizon)], axis=1)
    season = _season_kernel(choice, horizon)
    kernel[:, np.setdiff1d(np.arange(horizon), np.array(choice.steps) - 1)] = 0.0
    length = max(len(kernel), len(season))
    kernel = np.pad(kernel, ((0, length - len(kernel)), (0, 0))) + np.pad(season, ((0, length - len(season)), (0, 0)))
    return kernel[::-1]


def season_lags(window, horizon, reads):
    """(lags,) ascending, 0 for the newest move: the window, and the time of each step and a little before it, seasons ago."""
    around = [season * back + np.arange(-horizon, READ_BEFORE) for season in reads for back in range(1, READ_SEASONS + 1)]
    lags = np.unique(np.concatenate([np.arange(window), *around]))
    return lags[lags >= 0]


class _Sums:
    """The sums of products that a regression needs from its origins. Its size does not depend on their number.

    lags: (lags,) ascending, the moves that are read, 0 for the newest
    gram: (lags, lags); moment: (lags, horizon); square: (horizon,) of the targets; count: of origins
    """

    def __init__(self, lags, window, horizon):
        self.lags, self.window = lags, window
        self.gram, self.moment = np.zeros((len(lags), len(lags))), np.zeros((len(lags), horizon))
        self.square, self.count = np.zeros(horizon), 0

    def copy(self):
        return self._with(self.gram.copy(), self.moment.copy(), self.square.copy(), self.count)

    def __sub__(self, other):
        return self._with(self.gram - other.gram, self.moment - other.moment, self.square - other.square,
                          self.count - other.count)

    def _with(self, gram, moment, square, count):
        sums = object.__new__(_Sums)
        sums.lags, sums.window = self.lags, self.window
        sums.gram, sums.moment, sums.square, sums.count = gram, moment, square, count
        return sums

    def add(self, series, targets, origins, listener: Listener) -> bool:
        """Adds `origins`. False if the listener asked to stop before the end."""
        for rows in _blocks(len(origins), len(self.lags)):
            if listener.asked_to_stop():
                return False
            x = read_lags(series, origins[rows], self.lags)       # (rows, lags)
            y = targets[origins[rows]].astype(np.float64)     # (rows, horizon)
            self.gram += x.T @ x
            self.moment += x.T @ y
            self.square += (y**2).sum(axis=0)
            self.count += len(x)
        return True

    def solve(self, prior, penalty):
        """(lags, horizon) weights, newest first."""
        # 'fading' starts anew at each season, where it leaves off one row later.
        far = np.where(self.lags < self.window, self.lags + 1.0, READ_BEFORE)
        size = penalty * self.count * (far**2 if prior == "fading" else np.ones(len(far)))
        return np.linalg.solve(self.gram + np.diag(size), self.moment)

    def loss(self, weights):
        """(horizon,) the squared error of `weights` on these origins."""
        return self.square - 2 * (weights * self.moment).sum(axis=0) + (weights * (self.gram @ weights)).sum(axis=0)


def _best(series, targets, edges, window, choice, listener):
    """(Choice, (blocks, horizon) squared errors) of the best penalty for `choice`, or None if it was stopped."""
    horizon = targets.shape[1]
    rest, left = _without_season(series, targets, choice)
    # A block's regression may use only origins whose targets end before the block begins.
    ends = np.unique(np.concatenate([edges, edges[:-1] - horizon]))
    lags = season_lags(window, horizon, choice.reads)
    sums, until = _Sums(lags, window, horizon), {}
    start = max(window - 1, choice.season * choice.cycles, lags[-1] if choice.reads else 0)
    for end in ends:
        if not sums.add(rest, left, np.arange(start, end), listener):
            return None
        until[end], start = sums.copy(), end
    parts = [(until[begin - horizon], until[end] - until[begin]) for begin, end in pairwise(edges)]
    losses = {candidate: np.array([block.loss(before.solve(*candidate)) for before, block in parts])
              for candidate in CANDIDATES}
    best = min(losses, key=lambda candidate: losses[candidate].sum())
    return replace(choice, prior=best[0], penalty=best[1]), losses[best]


def _average(series, targets, edges, window, found, listener):
    """The average of some of the choices in `found`, [(Choice, losses)], the first of which is one of them."""
    horizon = targets.shape[1]
    steps = tuple(range(1, horizon + 1))
    members = [replace(choice, steps=steps) for choice, _ in found]
    actual = targets[edges[0] : edges[-1]].astype(np.float64)
    forecasts = []
    for member in members:
        blocks = []
        for begin, end in pairwise(edges):
            known = np.arange(window - 1, begin - horizon + 1)
            kernel = _kernel(series[: begin + 1], targets[: begin + 1], known, window, member, listener)
            if kernel is None:
                return members[0]
            reached = series[max(0, begin - len(kernel) + 1) : end]
            blocks.append(LinearSkip(kernel, member).predict(reached)[-(end - begin) :])
        forecasts.append(np.concatenate(blocks))
    chosen, total = [0], forecasts[0].astype(np.float64)
    loss = ((actual - total) ** 2).sum()
    while len(chosen) < MOST_MEMBERS:
        tried = {at: ((actual - (total + forecasts[at]) / (len(chosen) + 1)) ** 2).sum()
                 for at in range(len(members)) if at not in chosen}
        best = min(tried, key=tried.__getitem__, default=None)
        if best is None or tried[best] >= MEMBER_RATIO * loss:
            break
        loss, total = tried[best], total + forecasts[best]
        chosen.append(best)
    return replace(members[0], others=tuple(members[at] for at in chosen[1:]))


def _without_season(series, targets, choice):
    """Moves (t,) and targets (t, horizon) minus their average over the last seasons."""
    if not choice.season:
        return series, targets
    rest = series.copy()
    for cycle in range(1, choice.cycles + 1):
        rest[cycle * choice.season :] -= series[: -cycle * choice.season] / choice.cycles
    seasonal = LinearSkip(_season_kernel(choice, targets.shape[1])[::-1].astype(np.float32), choice)
    return rest, targets - seasonal.predict(series)


def _season_kernel(choice, horizon):
    """(reach, horizon), newest first: the same moves one season ago, averaged over `cycles` of them."""
    if not choice.season:
        return np.zeros((0, horizon))
    nearest = -(-np.arange(1, horizon + 1) // choice.season)  # seasons to go back so that the move is known
    kernel = np.zeros(((nearest[-1] + choice.cycles - 1) * choice.season, horizon))
    for step in range(1, horizon + 1):
        lags = (nearest[step - 1] + np.arange(choice.cycles)) * choice.season - step
        kernel[lags, step - 1 :] += 1.0 / choice.cycles
    return kernel / np.sqrt(np.arange(1, horizon + 1))


def _proves(least, losses, reference) -> bool:
    """Whether the blocks' `losses` (n,) are significantly below `reference` (n,), by a t test on the relative savings.

    Relative, so that a volatile block counts no more than a calm one. least: the t required of `BLOCKS` blocks; fewer
    blocks need a t of the same p-value.
    """
    from scipy.stats import t  # takes a while to load

    gains = 1 - np.divide(losses, reference, out=np.ones(len(losses)), where=reference > 0)
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    return bool(error > 0 and gains.mean() / error > t.isf(t.sf(least, BLOCKS - 1), len(gains) - 1))


def read_lags(series, origins, lags):
    """(origins, lags) float64 moves; before the first row there are zeros."""
    rows = origins[:, None] - lags
    return np.where(rows >= 0, np.asarray(series, dtype=np.float64)[np.maximum(rows, 0)], 0.0)


def _windows(series, length):
    """(t, length) view: the `length` values up to each row; before the first row there are zeros."""
    padded = np.concatenate([np.zeros(length - 1), np.asarray(series, dtype=np.float64)])
    return np.lib.stride_tricks.sliding_window_view(padded, length)


def _blocks(count, width):
    """Slices that cut `count` rows of `width` values into pieces of a bounded size."""
    rows = max(1, _BLOCK_VALUES // width)
    return [slice(start, min(count, start + rows)) for start in range(0, count, rows)]
