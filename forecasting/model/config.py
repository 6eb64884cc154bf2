"""The settings of a training, all of them, in one frozen dataclass."""

from __future__ import annotations

import dataclasses
import numbers
from dataclasses import dataclass
from difflib import get_close_matches

from forecasting.data.known import NAME
from forecasting.errors import ConfigError
from forecasting.model.cells import CELLS

__all__ = ["CHOICES", "FEATURES", "KNOWN", "PRESETS", "QUICK_LOOK", "RANGES", "RECOMMENDED", "TUTORIAL", "ForecastConfig"]

FEATURES = ("Close", "Open", "High", "Low", "Volume", "day_of_week", "month",
            "moving_averages", "rsi", "macd", "bollinger_width", "volatility")

# What comes before the name of a column that is known in advance (`PriceHistory.known`), as in 'known:holiday'.
KNOWN = "known:"

CHOICES = {
    "target": ("auto", "log_return", "change", "price"),
    "cell": CELLS,
    "initializer": ("glorot_uniform", "he_normal", "random_normal"),
    "recurrent_initializer": ("orthogonal", "glorot_uniform", "he_normal", "random_normal"),
    "optimizer": ("adam", "adamw", "rmsprop", "sgd"),
    "schedule": ("constant", "cosine", "plateau"),
    "loss": ("mse", "mae", "huber"),
    "scaler": ("standard", "minmax"),
    "supervision": ("last_step", "every_step"),
    "skip": (None, "ridge"),
    "season": (None, "auto"),
    "width": (None, "lstm"),
    "leak": (None, "scaler", "validation", "shuffle", "centred_average"),
}

# name: (smallest, largest, whole number, may be None)
RANGES = {
    "window": (2, 1000, True, False),
    "horizon": (1, 60, True, False),
    "dropout": (0.0, 0.9, False, False),
    "recurrent_dropout": (0.0, 0.9, False, False),
    "learning_rate": (1e-6, 1.0, False, False),
    "momentum": (0.0, 0.999, False, False),
    "weight_decay": (0.0, 1.0, False, False),
    "clip_norm": (1e-3, 1000.0, False, True),
    "batch_size": (1, 8192, True, False),
    "epochs": (1, 1000, True, False),
    "patience": (1, 1000, True, True),
    "validation_share": (0.01, 0.5, False, False),
    "test_share": (0.01, 0.6, False, False),
    "seed": (0, 2**31 - 1, True, False),
}
MAX_LAYERS, MAX_UNITS = 8, 1024
MAX_HELD_OUT = 0.9  # of all rows, for validation and test together


@dataclass(frozen=True, repr=False)
class ForecastConfig:
    """What a network sees, what it predicts, how it is built and how it learns.

    window: steps in; horizon: steps out, one output per step (direct)
    target: what is predicted, relative to the last known price; 'auto' is 'log_return' for series that are positive
        throughout and 'change' otherwise
    features: the inputs beside or instead of 'Close': of `FEATURES`, and 'known:holiday' for the column 'holiday' of
        `PriceHistory.known`, whose values for the steps ahead the network sees
    cell, units: the kind of recurrent layer, and the units of each layer from the input on
    initializer, recurrent_initializer: of the input weights and of the recurrent weights
    schedule: of the learning rate, over `epochs`
    clip_norm: bound on the global norm of the gradient, or None
    weight_decay: of every optimizer, decoupled from its gradient; 0 for none; momentum: of 'sgd' alone
    patience: epochs without a better validation loss before training ends with the best weights, or None for all
        epochs and the last weights
    scaler: how `price` is scaled; changes and returns are divided by their standard deviation
    supervision: loss on the last step of each window, or on every step of longer chunks
    skip: a frozen ridge regression over the same window beside the network, or None; season: 'auto' adds a seasonal
        lag to it where the training and validation parts prove one
    width: 'lstm' learns how far the price may move with an LSTM of its own, for the intervals; the price's forecasts do not
        depend on it
    validation_share, test_share: of all rows; the test part is the last one
    leak: one classic mistake made on purpose; such a run is invalid
    """

    window: int = 60
    horizon: int = 1
    target: str = "auto"
    features: tuple[str, ...] = ("Close",)
    cell: str = "lstm"
    units: tuple[int, ...] = (64, 64)
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    initializer: str = "glorot_uniform"
    recurrent_initializer: str = "orthogonal"
    optimizer: str = "adam"
    learning_rate: float = 0.002
    schedule: str = "constant"
    momentum: float = 0.9
    weight_decay: float = 0.0
    loss: str = "mse"
    clip_norm: float | None = 1.0
    batch_size: int = 128
    epochs: int = 100
    patience: int | None = 8
    scaler: str = "standard"
    supervision: str = "last_step"
    skip: str | None = None
    season: str | None = None
    width: str | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    seed: int = 0
    leak: str | None = None

    def __new__(cls, *args, **values):
        _check_names(values)
        return super().__new__(cls)

    def __post_init__(self):
        for name, one, example in (("features", str, "['Close', 'Volume']"), ("units", numbers.Integral, "[64, 64]")):
            value = getattr(self, name)
            if isinstance(value, one) and not isinstance(value, bool):  # a single one needs no list
                value = (value,)
            if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
                raise ConfigError(f"{name} must be a list, such as {example}. Received: {name}={_shown(value)}.")
            try:
                object.__setattr__(self, name, tuple(value))
            except TypeError:
                raise ConfigError(f"{name} must be a list, such as {example}. Received: {name}={_shown(value)}.") from None
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if not (value is None or isinstance(value, str)) or value not in allowed:
                likely = get_close_matches(str(value).lower(), [one for one in allowed if one], n=1)
                meant = f" Did you mean {likely[0]!r}?" if likely else ""
                raise ConfigError(f"{name} must be one of {', '.join(map(str, allowed))}. Received: {name}={_shown(value)}."
                                  f"{meant}")
        for name, (low, high, whole, optional) in RANGES.items():
            value = getattr(self, name)
            if value is None and optional:
                continue
            object.__setattr__(self, name, _number(name, value, low, high, whole))
        if self.validation_share + self.test_share > MAX_HELD_OUT:
            raise ConfigError(f"validation_share and test_share may be {MAX_HELD_OUT:g} together, so that something is left "
                              f"to train on. Received: {self.validation_share:g} and {self.test_share:g}.")
        known = all(isinstance(name, str) and _is_feature(name) for name in self.features)
        if not self.features or not known or len(set(self.features)) < len(self.features):
            raise ConfigError(f"features must be one or more of {', '.join(FEATURES)}, each once, or '{KNOWN}NAME' for a "
                              "column that is known in advance. "
                              f"Received: features={_shown(list(self.features))}.")
        if not 1 <= len(self.units) <= MAX_LAYERS:
            raise ConfigError(f"units needs one number for each layer, from 1 to {MAX_LAYERS} layers. "
                              f"Received: units={_shown(list(self.units))}.")
        object.__setattr__(self, "units", tuple(_number("units", u, 1, MAX_UNITS, True) for u in self.units))

    def to_dict(self) -> dict:
        """The settings as JSON-able values; `from_dict` is its inverse."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict) -> ForecastConfig:
        """Settings from a dict; what it leaves out keeps its default. Raises ConfigError for an unknown or bad value."""
        if not isinstance(values, dict):
            raise ConfigError(f"Settings must be a table of names and values. Received: {type(values).__name__}.")
        _check_names(values)
        return cls(**values)

    def __repr__(self) -> str:
        """The settings that differ from the defaults; it can be evaluated."""
        changed = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self)
                   if getattr(self, field.name) != field.default]
        return f"ForecastConfig({', '.join(changed)})"

    def _repr_html_(self) -> str:
        from forecasting.notebook import config_html

        return config_html(self)


def _ranges() -> str:
    """What every setting may be, from `RANGES` and `CHOICES`."""
    numeric = [f"{name}: {low:g} to {high:.10g}{', or None' if optional else ''}"
               for name, (low, high, _, optional) in RANGES.items()]
    chosen = [f"{name}: {', '.join(map(repr, values))}" for name, values in CHOICES.items()]
    sizes = [f"units: 1 to {MAX_UNITS}, for each of 1 to {MAX_LAYERS} layers",
             f"features: {', '.join(map(repr, FEATURES))}, and {KNOWN + 'NAME'!r}"]
    return "\n".join(f"    {line}" for line in [*numeric, *sizes, *chosen])


ForecastConfig.__doc__ = (f"{ForecastConfig.__doc__}\n    What each field may be; for anything else a ConfigError says so:\n\n"
                          f"{_ranges()}\n    ")


def _is_feature(name: str) -> bool:
    return name in FEATURES or (name.startswith(KNOWN) and NAME.fullmatch(name.removeprefix(KNOWN)) is not None)


def _check_names(values):
    """Raises ConfigError for a name that is no setting, with the setting that may be meant."""
    known = [field.name for field in dataclasses.fields(ForecastConfig)]
    unknown = sorted(map(str, set(values) - set(known)))
    if not unknown:
        return
    likely = [match for name in unknown for match in get_close_matches(name.lower(), known, n=1)]
    meant = f" Did you mean {' and '.join(dict.fromkeys(likely))}?" if likely else ""
    raise ConfigError(f"Unknown setting {', '.join(name[:60] for name in unknown[:8])}.{meant} Known are: {', '.join(known)}.")


def _number(name, value, low, high, whole):
    """`value` as an int or float within [low, high], or a ConfigError."""
    kind = "a whole number" if whole else "a number"
    low_shown, high_shown = (f"{end:.0f}" if end == int(end) else f"{end:g}" for end in (low, high))  # not 2.14748e+09
    rule = f"{name} must be {kind} from {low_shown} to {high_shown}"
    # Compared before it is converted: an int may be too large for a float.
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not low <= value <= high:
        raise ConfigError(f"{rule}. Received: {name}={_shown(value)}.")
    number = float(value)
    if whole and number != int(number):
        raise ConfigError(f"{rule}. Received: {name}={_shown(value)}.")
    return int(number) if whole else number


def _shown(value):
    """A received value for a message: its repr, shortened if it is long."""
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python writes
        return f"a {type(value).__name__} of many digits"
    return text if len(text) <= 100 else f"{text[:100]} ..."


# Chosen on 33 pieces of the training and validation parts of market, weather and power series. Supervision
# at every step learns in a third of the time, and strays less from the naive forecast where there is nothing to learn;
# so does a patience of 4 rather than 8. Learning rates of 0.001 and 0.002, 16 and 32 units, and seeds make no difference.
RECOMMENDED = ForecastConfig(horizon=10, units=(32,), learning_rate=0.002, loss="huber", clip_norm=1.0, batch_size=128,
                             epochs=60, patience=4, supervision="every_step", skip="ridge", season="auto", width="lstm")

# Window 60, two layers of 64 units, Adam at 0.01, batch 32, 100 epochs, 70 % for training: as in the tutorial, whose
# training part gives its last tenth of all rows to validation here, since curves and intervals need one.
TUTORIAL = ForecastConfig(target="price", units=(64, 64), learning_rate=0.01, loss="mse", clip_norm=None, batch_size=32,
                          epochs=100, patience=None, scaler="standard", supervision="last_step", skip=None, season=None,
                          validation_share=0.1, test_share=0.3)

QUICK_LOOK = dataclasses.replace(RECOMMENDED, window=30, units=(16,), epochs=10, patience=3, width=None)

PRESETS = {"Recommended": RECOMMENDED, "Tutorial": TUTORIAL, "Quick look": QUICK_LOOK}
