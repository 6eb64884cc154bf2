"""From prices to what a network sees and predicts, and back. Nothing is ever learnt from the test part.

Rows, origins, steps and parts are those of `forecasting.model.split`.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, DataError, NotEnoughData
from forecasting.model.config import ForecastConfig
from forecasting.model.features import channels_of, check_features, make_features
from forecasting.model.settings import changes_words
from forecasting.model.split import Split, is_enough, minimum_rows, nearest_settings, split

__all__ = ["CLIP", "LARGEST_PRICE", "LARGEST_SCALED", "LEAST_SHARE", "MOST_EXPONENT", "Encoded", "Encoder", "check_history",
           "encode"]

CLIP = 4.0            # standard deviations: a crash counts as a large move, not as the only one
LARGEST_PRICE = 1e100  # squares of larger prices no longer fit into 64 bits with room for a sum
MOST_TRIED = 50        # of the nearest settings, before giving up
CENTRED_ROWS = 5      # of the centred average in the leak lab: two of them lie in the future
LEAST_SHARE = 1e-3    # of the last price: the lowest prediction for a series whose prices are all above zero
LARGEST_SCALED = 1e6   # standard deviations; keeps an extreme price in the test part within float32
MOST_EXPONENT = 300    # of a predicted log return; keeps the price that it leads to within the range of doubles
_TINY = np.finfo(np.float64).tiny


def check_history(history: PriceHistory, config: ForecastConfig):
    """Raises an error with a sentence for the user if these settings cannot be trained on these prices.

    NotEnoughData: too few rows; the minimum and the nearest settings that work are named.
    DataError: the price never moves in training, or is too large.
    ConfigError: a target or an input that does not suit the series.
    """
    parts, close = split(len(history), config), history.close
    if not is_enough(parts, config):
        horizon = f", a horizon of {config.horizon}" if config.horizon > 1 else ""
        nearest = _nearest(history, config)
        advice = f", or take the nearest settings that work ({changes_words(config, nearest)})" if nearest else (
            "; no settings can learn from so few")
        raise NotEnoughData(
            f"Need at least {minimum_rows(config)} prices for a window of {config.window}{horizon} and this split, "
            f"got {len(history)}. Choose a longer period{advice}.", nearest=nearest)
    largest = close[np.abs(close).argmax()]
    if abs(largest) > LARGEST_PRICE:
        raise DataError(f"Prices beyond {LARGEST_PRICE:g} are too large to compute with. Received: {largest:g}. "
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


def _nearest(history, config) -> ForecastConfig | None:
    """The nearest settings that `check_history` accepts for these prices, or None."""
    for nearest in itertools.islice(nearest_settings(len(history), config), MOST_TRIED):
        try:
            check_history(history, nearest)
        except (DataError, ConfigError):  # e.g. the price does not move in the training part
            continue
        return nearest
    return None


@dataclass(frozen=True)
class Encoded:
    """A history as a network reads it, one row a price row.

    encoder: what encoded it, and turns a network's outputs back into prices
    series: (t,) float64, the price as the linear part reads it: the scaled price for the target 'price', and otherwise the
        move from the row before over the encoder's `scale`, within -+ `CLIP`; row 0, whose move is unknown, is 0
    inputs: (t, channels) float32, what the network reads at each row, from that row and earlier ones: `series` for 'Close',
        and 0 while a feature has no value yet
    targets: (t, horizon) float32: row o is what a perfect forecast from origin o would put out, NaN where unknown
    """

    history: PriceHistory
    encoder: Encoder
    series: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class Encoder:
    """Turns prices into inputs and targets, and a network's outputs into prices. `encode` makes one from prices.

    target: 'price', 'change' or 'log_return', also where the settings say 'auto'
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

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the input channels, in order."""
        return tuple(channel for name in self.features for channel in channels_of(name, self.horizon))

    def level(self, prices) -> np.ndarray:
        """Prices on the scale that moves are measured on: logarithms for 'log_return', else the prices themselves.

        A price of zero or less that turns up where every earlier one was positive counts as the smallest number.
        """
        prices = np.asarray(prices, dtype=np.float64)
        return np.log(np.maximum(prices, _TINY)) if self.target == "log_return" else prices

    def encode(self, history: PriceHistory) -> Encoded:
        """Encodes `history` for a network trained with this encoder."""
        return self._encode(history, self._channels(history))

    def unscaled(self, history: PriceHistory) -> pd.DataFrame:
        """The channels before they are scaled and clipped, one row a price row; NaN while one has no value yet.

        'Close' is the level itself for the target 'price', and otherwise its move from the row before.
        """
        others = iter(self._channels(history).T)
        level = self.level(self._closes(history.close))
        close = level if self.target == "price" else np.diff(level, prepend=np.nan)
        return pd.DataFrame({name: close if name == "Close" else next(others) for name in self.channels}, index=history.dates)

    def _closes(self, close):
        """The prices that the input Close is made of."""
        if not self.centred:
            return close
        return pd.Series(close).rolling(self.centred, center=True, min_periods=1).mean().to_numpy()

    def _encode(self, history, channels) -> Encoded:
        series = self.series(history.close)
        return Encoded(history, self, series, self._inputs(channels, series), self._targets(history.close))

    def series(self, close) -> np.ndarray:
        """(t,): prices as the linear part reads them; see `Encoded`."""
        level = self.level(self._closes(close))
        if self.target == "price":
            return np.clip((level - self.centre) / self.scale, -LARGEST_SCALED, LARGEST_SCALED)
        moves = np.diff(level, prepend=level[:1]) / self.scale
        return np.clip(moves, -CLIP, CLIP)

    def _inputs(self, channels, series):
        scaled = (channels - np.array(self.centres)) / np.array(self.scales)
        scaled = np.clip(np.nan_to_num(scaled, nan=0.0), -CLIP, CLIP)
        inputs = np.empty((len(series), len(self.channels)), dtype=np.float32)
        others = [i for i, name in enumerate(self.channels) if name != "Close"]
        inputs[:, others] = scaled
        if "Close" in self.channels:
            inputs[:, self.channels.index("Close")] = series
        return inputs

    def _targets(self, close):
        level = (self.level(close) - self.centre) / self.scale
        targets = np.full((len(level), self.horizon), np.nan, dtype=np.float32)
        for step in range(1, min(self.horizon, len(level) - 1) + 1):
            ahead = level[step:] if self.target == "price" else (level[step:] - level[:-step]) / np.sqrt(step)
            targets[:-step, step - 1] = np.clip(ahead, -LARGEST_SCALED, LARGEST_SCALED)
        return targets

    def prices(self, outputs, last) -> np.ndarray:
        """Prices (m, horizon) that outputs (m, horizon) stand for, from the last known prices (m,).

        If all prices so far are above zero, so are all predictions: at least `LEAST_SHARE` of the last price.
        """
        outputs = np.asarray(outputs, dtype=np.float64)
        last = np.asarray(last, dtype=np.float64)[:, None]
        moves = outputs * (self.scale * np.sqrt(np.arange(1, outputs.shape[1] + 1)))
        if self.target == "log_return":
            return last * np.exp(np.clip(moves, -MOST_EXPONENT, MOST_EXPONENT))
        prices = outputs * self.scale + self.centre if self.target == "price" else last + moves
        return np.where(last > 0, np.maximum(prices, LEAST_SHARE * last), prices) if self.positive else prices

    def to_dict(self) -> dict:
        """The state as JSON-able values; `from_dict` is its inverse."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return values | {"scales": [None if np.isinf(scale) else scale for scale in self.scales]}

    @classmethod
    def from_dict(cls, values: dict) -> Encoder:
        scales = tuple(np.inf if scale is None else float(scale) for scale in values["scales"])
        return cls(**{**values, "features": tuple(values["features"]), "centres": tuple(values["centres"]),
                      "scales": scales})

    def _channels(self, history):
        """(t, channels without 'Close') float64, unscaled, NaN where unknown."""
        others = [name for name in self.features if name != "Close"]
        channels = make_features(history, others, self.level, self.horizon)
        return channels.to_numpy(dtype=np.float64).reshape(len(history), -1)


def encode(history: PriceHistory, config: ForecastConfig, parts: Split) -> Encoded:
    """Encodes `history` for a training, with an encoder that learns its scales from the training rows, and whether prices are
    positive from training and validation.

    history: one that `check_history` accepts
    """
    close = history.close
    positive = bool((close[: parts.validation_end] > 0).all())
    target = config.target
    if target == "auto":
        target = "log_return" if positive else "change"
    unscaled = Encoder(target=target, positive=positive, horizon=config.horizon, centre=0.0, scale=1.0,
                       features=config.features, centres=(), scales=(),
                       centred=CENTRED_ROWS if config.leak == "centred_average" else None)
    channels = unscaled._channels(history)
    # Shuffled windows come from all over the series, so the scaler learns from all of it.
    learnt_on = slice(0, len(close) if config.leak in ("scaler", "shuffle") else parts.train_end)
    level = unscaled.level(close)[learnt_on]
    if target == "price":
        centre, scale = _standard(level) if config.scaler == "standard" else _minmax(level)
    else:
        centre, scale = 0.0, _root_mean_square(np.diff(level))
    centres, scales = _of_channels(channels[learnt_on])
    encoder = replace(unscaled, centre=float(centre), scale=float(scale), centres=tuple(centres.tolist()),
                      scales=tuple(scales.tolist()))
    return encoder._encode(history, channels)


def _of_channels(channels):
    """Mean and standard deviation of each channel (t, channels), NaN left out."""
    known = np.isfinite(channels)
    counts = np.maximum(known.sum(axis=0), 1)
    centres = np.where(known, channels, 0.0).sum(axis=0) / counts
    spread = np.sqrt((np.where(known, channels - centres, 0.0) ** 2).sum(axis=0) / counts)
    # A channel that is constant in training carries no information and stays at zero.
    return centres, np.where(spread > 1e-12 * np.maximum(np.abs(centres), 1e-300), spread, np.inf)


def _standard(level):
    """Mean and standard deviation."""
    mean = level.mean()
    return mean, _root_mean_square(level - mean)


def _minmax(level):
    """The centre and scale that map the values to [0, 1]."""
    return level.min(), level.max() - level.min()


def _root_mean_square(values):
    """Scaled by the largest value first, since squares of very small or large numbers leave the range of doubles."""
    largest = np.abs(values).max()
    return largest * np.sqrt(np.mean((values / largest) ** 2))
