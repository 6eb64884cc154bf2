"""From prices to what a network sees and predicts, and back. Nothing here reads a price of the test part to learn.

A row is a price; row 0 is the oldest. An *origin* is the last row known when a forecast is made; step h of it is the
price h rows later. The parts of a series are rows: training [0, a), validation [a, b), test [b, n).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, DataError, NotEnoughData
from forecasting.model.config import ForecastConfig
from forecasting.model.features import CHANNELS, check_features, make_features

__all__ = ["CLIP", "LARGEST_PRICE", "MIN_WINDOWS", "Part", "Preprocessor", "Split", "SplitSummary", "check_history",
           "describe_split", "escape_shares", "minimum_rows", "part_labels", "split"]

CLIP = 4.0            # standard deviations: a crash counts as a large move, not as the only one
MIN_WINDOWS = 10      # fewer teach a network nothing
LARGEST_PRICE = 1e100  # squares of larger prices no longer fit into 64 bits with room for a sum
CENTRED_ROWS = 5      # of the centred average in the leak lab: two of them lie in the future
LEAST_SHARE = 1e-3    # of the last price: what a prediction of zero or less stands for where every price is above zero
PARTS = ("train", "validation", "test")
_LARGEST_SCALED = 1e6  # standard deviations; keeps a wild price of the test part within 32 bits
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Split:
    """Where the parts end: training is rows [0, train_end), validation [train_end, validation_end), test the rest."""

    train_end: int
    validation_end: int
    rows: int

    def origins(self, window: int, horizon: int) -> tuple[range, range, range]:
        """Origins of the three parts: those whose `horizon` target rows all lie within the part.

        A training window lies within the training part too. The first origin is `window - 1`.
        """
        first = window - 1
        train = range(first, self.train_end - horizon)
        validation = range(max(first, self.train_end - 1), self.validation_end - horizon)
        test = range(self.validation_end - 1, self.rows - horizon)
        return train, validation, test


def split(rows: int, config: ForecastConfig) -> Split:
    """The parts of `rows` prices: the last `test_share` is for the test, the `validation_share` before for validation."""
    validation_end = rows - round(rows * config.test_share)
    return Split(validation_end - round(rows * config.validation_share), validation_end, rows)


def part_labels(parts: Split, config: ForecastConfig) -> np.ndarray:
    """(rows,) 'train', 'validation' or 'test' for each row, mixed where the leak lab shuffles."""
    labels = np.repeat(PARTS, np.diff([0, parts.train_end, parts.validation_end, parts.rows]))
    if config.leak == "shuffle":
        labels[config.window :] = np.random.default_rng(config.seed).permutation(labels[config.window :])
    return labels


def minimum_rows(config: ForecastConfig) -> int:
    """The fewest prices that these settings can be trained on."""
    rows = config.window + config.horizon + MIN_WINDOWS
    while not _enough(split(rows, config), config):
        rows += 1
    return rows


def check_history(history: PriceHistory, config: ForecastConfig):
    """Raises, with a sentence for a person, where these settings cannot be trained on these prices.

    NotEnoughData: too few rows, the minimum is named. DataError: the price never moves in training, or is too large.
    ConfigError: a target or an input that does not suit the series.
    """
    parts, close = split(len(history), config), history.close
    if not _enough(parts, config):
        horizon = f", a horizon of {config.horizon}" if config.horizon > 1 else ""
        # Validation judges forecasts of the whole horizon: one that reached back into training would judge nothing.
        short = parts.validation_end - parts.train_end < config.horizon
        advice = "a shorter horizon or a larger validation part" if short else (
            "a shorter window or smaller validation and test parts")
        raise NotEnoughData(
            f"Need at least {minimum_rows(config)} prices for a window of {config.window}{horizon} and this split, "
            f"got {len(history)}. Choose a longer period, {advice}.")
    largest = close[np.abs(close).argmax()]
    if abs(largest) > LARGEST_PRICE:
        raise DataError(f"Prices beyond {LARGEST_PRICE:g} cannot be computed with. Received: {largest:g}. "
                        "Divide them by a power of ten, or look for a damaged row.")
    training = close[: parts.train_end]
    if training.min() == training.max():
        raise DataError(f"The price never moves in the training part: {len(training)} rows of {training[0]:g}. "
                        "Choose another series or a longer period.")
    if config.target == "log_return" and not (close > 0).all():
        row = int(np.argmin(close > 0))
        raise ConfigError("A log return needs prices above zero. Received: "
                          f"{close[row]:g} on {history.dates[row]:%Y-%m-%d}. Choose the target 'change' or 'auto'.")
    if config.skip and "Close" not in config.features:
        raise ConfigError("The linear part beside the network reads the price. Received: skip='ridge' without 'Close' "
                          "among the inputs. Add Close, or switch the linear part off.")
    check_features(history, config.features)


@dataclass(frozen=True)
class Part:
    """One part of a series: its first and last day, None where it has no rows, and how many rows it has."""

    start: pd.Timestamp | None
    end: pd.Timestamp | None
    rows: int


@dataclass(frozen=True)
class SplitSummary:
    """The parts of a series for a person to read.

    train_end, validation_end: the rows where the next part begins
    windows: how many windows a network learns from
    escape: the share (0 to 1) of the test prices outside the range of the training part; None without either part
    spans: {'train' | 'validation' | 'test': Part}
    """

    train_end: int
    validation_end: int
    windows: int
    escape: float | None
    spans: dict[str, Part]


def describe_split(history: PriceHistory, config: ForecastConfig) -> SplitSummary:
    """What these settings make of these prices, also where they are too few to train on."""
    parts = split(len(history), config)
    edges = [0, max(0, parts.train_end), parts.validation_end, parts.rows]
    spans = {}
    for name, start, end in zip(PARTS, edges[:-1], edges[1:], strict=True):
        days = history.dates[start:end]
        spans[name] = Part(days[0], days[-1], len(days)) if len(days) else Part(None, None, 0)
    escape = None
    if spans["train"].rows and spans["test"].rows:
        escape = sum(escape_shares(history.close, parts.train_end, parts.validation_end))
    train, _, _ = parts.origins(config.window, config.horizon)
    return SplitSummary(parts.train_end, parts.validation_end, len(train), escape, spans)


def escape_shares(prices, train_end: int, validation_end: int) -> tuple[float, float]:
    """(above, below): the shares (0 to 1) of the test prices above and below all training prices. Both have rows."""
    seen, test = prices[:train_end], prices[validation_end:]
    return float((test > seen.max()).mean()), float((test < seen.min()).mean())


def _enough(parts: Split, config: ForecastConfig) -> bool:
    train, validation, _ = parts.origins(config.window, config.horizon)
    return (len(train) >= MIN_WINDOWS and len(validation) >= 1 and parts.validation_end - parts.train_end >= 2
            and parts.rows - parts.validation_end >= 1)


@dataclass(frozen=True)
class Preprocessor:
    """Turns prices into inputs and targets, and a network's outputs into prices.

    target: 'price', 'change' or 'log_return'; of 'auto' what it came to
    positive: every price of the training and validation parts is above zero
    horizon: steps out
    centre, scale: of the level. 'price': scaled = (price - centre) / scale. Else centre is 0 and scale the root mean
        square of the training part's one-step moves
    features: the settings' names; centres, scales: for each channel but 'Close', from the training part
    centred: rows of a centred average that replaces the input Close (leak lab), or None

    Targets, step h from the last known price x[t]: 'change' (x[t+h] - x[t]) / (scale sqrt(h)), so that each step of a
    random walk has unit size; 'log_return' the same of logarithms; 'price' the scaled price of row t + h.
    """

    target: str
    positive: bool
    horizon: int
    centre: float
    scale: float
    features: tuple[str, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    centred: int | None = None

    @classmethod
    def fit(cls, history: PriceHistory, config: ForecastConfig, parts: Split) -> Preprocessor:
        """Learns scales from the training rows, and the kind of series from training and validation.

        history: one that `check_history` accepts
        """
        close = history.close
        positive = bool((close[: parts.validation_end] > 0).all())
        target = config.target
        if target == "auto":
            target = "log_return" if positive else "change"
        # Shuffled windows come from everywhere, and so does what a scaler learns from them.
        learnt_on = slice(0, len(close) if config.leak in ("scaler", "shuffle") else parts.train_end)
        blank = cls(target, positive, config.horizon, 0.0, 1.0, config.features, (), (),
                    CENTRED_ROWS if config.leak == "centred_average" else None)
        level = blank.level(close)[learnt_on]
        if target == "price":
            centre, scale = _standard(level) if config.scaler == "standard" else _minmax(level)
        else:
            centre, scale = 0.0, _root_mean_square(np.diff(level))
        channels = blank._channels(history)[learnt_on]
        known = np.isfinite(channels)
        counts = np.maximum(known.sum(axis=0), 1)
        centres = np.where(known, channels, 0.0).sum(axis=0) / counts
        spread = np.sqrt((np.where(known, channels - centres, 0.0) ** 2).sum(axis=0) / counts)
        # A channel that does not vary in training carries nothing: it stays at zero.
        scales = np.where(spread > 1e-12 * np.maximum(np.abs(centres), 1e-300), spread, np.inf)
        return cls(target, positive, config.horizon, float(centre), float(scale), config.features,
                   tuple(centres.tolist()), tuple(scales.tolist()), blank.centred)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the input channels, in order."""
        return tuple(channel for name in self.features for channel in CHANNELS[name])

    def level(self, prices) -> np.ndarray:
        """Prices on the scale that moves are measured on: logarithms for 'log_return', else the prices themselves.

        A price of zero or less that turns up where every earlier one was positive counts as the smallest number.
        """
        prices = np.asarray(prices, dtype=np.float64)
        return np.log(np.maximum(prices, _TINY)) if self.target == "log_return" else prices

    def inputs(self, history: PriceHistory) -> np.ndarray:
        """(t, channels) float32, one row a price row, each from that row and earlier ones.

        'Close' is the scaled price for the target 'price', and otherwise the move from the row before over `scale`,
        within -+ `CLIP`; row 0, whose move nobody knows, is 0. So is what a feature cannot say yet.
        """
        scaled = (self._channels(history) - np.array(self.centres)) / np.array(self.scales)
        scaled = np.clip(np.nan_to_num(scaled, nan=0.0), -CLIP, CLIP)
        inputs = np.empty((len(history), len(self.channels)), dtype=np.float32)
        others = [i for i, name in enumerate(self.channels) if name != "Close"]
        inputs[:, others] = scaled
        if "Close" in self.channels:
            inputs[:, self.channels.index("Close")] = self.series(history.close)
        return inputs

    def series(self, close) -> np.ndarray:
        """(t,) float64: the channel 'Close' of `inputs`."""
        close = np.asarray(close, dtype=np.float64)
        if self.centred:
            close = pd.Series(close).rolling(self.centred, center=True, min_periods=1).mean().to_numpy()
        level = self.level(close)
        if self.target == "price":
            return np.clip((level - self.centre) / self.scale, -_LARGEST_SCALED, _LARGEST_SCALED)
        moves = np.diff(level, prepend=level[:1]) / self.scale
        return np.clip(moves, -CLIP, CLIP)

    def targets(self, close) -> np.ndarray:
        """(t, horizon) float32: row o is what a perfect forecast from origin o would put out, NaN where unknown."""
        level = (self.level(close) - self.centre) / self.scale
        targets = np.full((len(level), self.horizon), np.nan, dtype=np.float32)
        for step in range(1, min(self.horizon, len(level) - 1) + 1):
            ahead = level[step:] if self.target == "price" else (level[step:] - level[:-step]) / np.sqrt(step)
            targets[:-step, step - 1] = np.clip(ahead, -_LARGEST_SCALED, _LARGEST_SCALED)
        return targets

    def prices(self, outputs, last) -> np.ndarray:
        """Prices (m, horizon) that outputs (m, horizon) stand for, from the last known prices (m,).

        Where every price so far is above zero, so is every prediction: `LEAST_SHARE` of the last price at least.
        """
        outputs = np.asarray(outputs, dtype=np.float64)
        last = np.asarray(last, dtype=np.float64)[:, None]
        moves = outputs * (self.scale * np.sqrt(np.arange(1, outputs.shape[1] + 1)))
        if self.target == "log_return":
            # An exponent within the range of doubles, so that a wild output becomes a wild price and no infinity.
            return last * np.exp(np.clip(moves, -300, 300))
        prices = outputs * self.scale + self.centre if self.target == "price" else last + moves
        return np.where(last > 0, np.maximum(prices, LEAST_SHARE * last), prices) if self.positive else prices

    def to_dict(self) -> dict:
        """The state as JSON-able values; `from_dict` is its inverse."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return values | {"scales": [None if np.isinf(scale) else scale for scale in self.scales]}

    @classmethod
    def from_dict(cls, values: dict) -> Preprocessor:
        scales = tuple(np.inf if scale is None else float(scale) for scale in values["scales"])
        return cls(**{**values, "features": tuple(values["features"]), "centres": tuple(values["centres"]),
                      "scales": scales})

    def _channels(self, history):
        """(t, channels without 'Close') float64, unscaled, NaN where unknown."""
        others = [name for name in self.features if name != "Close"]
        channels = make_features(history, others, self.level)
        return channels.to_numpy(dtype=np.float64).reshape(len(history), -1)


def _standard(level):
    """Mean and standard deviation."""
    mean = level.mean()
    return mean, _root_mean_square(level - mean)


def _minmax(level):
    """What brings the values to [0, 1]."""
    return level.min(), level.max() - level.min()


def _root_mean_square(values):
    """Scaled by the largest first: squares of very small or large numbers leave the range of doubles."""
    largest = np.abs(values).max()
    return largest * np.sqrt(np.mean((values / largest) ** 2))
