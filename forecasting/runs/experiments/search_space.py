"""What a search may vary: for each setting the values that are worth trying, and the way between settings and Optuna's terms.

A space is JSON-able: {setting: [values to choose from] or {'low': ..., 'high': ...}}. 'layers' counts the recurrent layers,
which then all have the same 'units'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError
from forecasting.model.config import CHOICES, RECOMMENDED, ForecastConfig

__all__ = ["KNOBS", "PROPOSED", "Knob", "check_space", "distributions", "from_settings", "is_inside", "of_params",
           "propose", "reference", "to_params", "to_settings"]


@dataclass(frozen=True)
class Knob:
    """A setting that can be searched.

    values: those worth trying, in order of size if `ordered`; () for any number from `low` to `high`
    log: whether numbers are drawn by their logarithm
    """

    values: tuple = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    ordered: bool = True


def _choices(name: str, *values) -> Knob:
    return Knob(values or tuple(CHOICES[name]), ordered=False)


# Sets of inputs: one at a time beside the price, then the two usual groups.
FEATURE_SETS = (("Close",), ("Close", "Volume"), ("Close", "day_of_week", "month"), ("Close", "volatility"),
                ("Close", "High", "Low"), ("Close", "moving_averages", "rsi", "macd", "bollinger_width"))

KNOBS: dict[str, Knob] = {
    "window": Knob((10, 20, 30, 60, 90, 120, 250)),
    "layers": Knob((1, 2, 3)),
    "units": Knob((8, 16, 32, 64, 128)),
    "learning_rate": Knob(low=0.0003, high=0.01, log=True),
    "batch_size": Knob((32, 64, 128, 256)),
    "epochs": Knob((10, 30, 60, 100)),
    "patience": Knob((2, 4, 8, 16)),
    "dropout": Knob(low=0.0, high=0.5),
    "recurrent_dropout": Knob(low=0.0, high=0.5),
    "weight_decay": Knob((0.0, 0.0001, 0.001, 0.01)),
    "clip_norm": Knob((0.1, 0.3, 1.0, 3.0, None)),
    "momentum": Knob(low=0.5, high=0.99),
    "cell": _choices("cell"),
    "loss": _choices("loss"),
    "optimizer": _choices("optimizer"),
    "schedule": _choices("schedule"),
    "initializer": _choices("initializer"),
    "recurrent_initializer": _choices("recurrent_initializer"),
    "supervision": _choices("supervision"),
    "skip": _choices("skip"),
    "season": _choices("season"),
    "target": _choices("target", "log_return", "change", "price"),
    "scaler": _choices("scaler"),
    "horizon": Knob((1, 5, 10, 20)),
    "features": Knob(FEATURE_SETS, ordered=False),
}
PROPOSED = ("window", "units", "layers", "learning_rate")
MOST_VALUES = 20


def propose(names, history: PriceHistory) -> dict[str, Any]:
    """The space of these settings on this series: values that cannot be used on it are left out."""
    space: dict[str, Any] = {}
    for name in names:
        knob = KNOBS[name]
        if not knob.values:
            space[name] = {"low": knob.low, "high": knob.high}
            continue
        values = [value for value in knob.values if _suits(name, value, history)]
        space[name] = [list(value) if isinstance(value, tuple) else value for value in values]
    return space


def _suits(name, value, history) -> bool:
    if name == "features":
        return all(one in history.frame or one not in ("Open", "High", "Low", "Volume") for one in value)
    if name == "window":
        return value <= max(20, len(history) // 12)
    if name == "target":
        return value != "log_return" or bool((history.close > 0).all())
    return True


def check_space(space):
    """Raises ConfigError for a space that cannot be searched."""
    if not isinstance(space, Mapping) or not space:
        raise ConfigError("A search needs at least one setting to vary. Choose one, e.g. the window.")
    for name, allowed in space.items():
        if name not in KNOBS:
            raise ConfigError(f"The settings that can be searched are {', '.join(KNOBS)}. Received: {str(name)[:60]!r}.")
        if isinstance(allowed, Mapping):
            _check_range(name, allowed)
        else:
            _check_values(name, allowed)


def _check_range(name, allowed):
    low, high = allowed.get("low"), allowed.get("high")
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (low, high))
    if KNOBS[name].values or set(allowed) != {"low", "high"} or not numbers or not low < high:
        wanted = "a list of values" if KNOBS[name].values else "a range from a low to a high number"
        raise ConfigError(f"{name} needs {wanted}. Received: {name}={dict(allowed)!r:.100}.")
    for value in (low, high):
        replace(RECOMMENDED, **{name: value})  # raises ConfigError outside what the setting may be
    if KNOBS[name].log and low <= 0:
        raise ConfigError(f"{name} is drawn by its logarithm, so its range has to begin above zero. Received: low={low!r}.")


def _check_values(name, allowed):
    if not isinstance(allowed, list | tuple) or not 1 <= len(allowed) <= MOST_VALUES:
        raise ConfigError(f"{name} needs a list of 1 to {MOST_VALUES} values. Received: {name}={allowed!r:.100}.")
    if len({str(value) for value in allowed}) < len(allowed):
        raise ConfigError(f"{name} has a value twice. Received: {name}={list(allowed)!r:.100}.")
    for value in allowed:
        from_settings(RECOMMENDED, {name: value})


def reference(base: ForecastConfig) -> ForecastConfig:
    """*Recommended* on the split, the horizon and the seed of `base`, since others could not be compared with it."""
    same = {name: getattr(base, name) for name in ("horizon", "validation_share", "test_share", "seed")}
    return replace(RECOMMENDED, **same)


def from_settings(base: ForecastConfig, settings: Mapping[str, Any]) -> ForecastConfig:
    """`base` with these settings of a space."""
    changes = dict(settings)
    layers, units = changes.pop("layers", len(base.units)), changes.pop("units", None)
    if units is not None or "layers" in settings:
        if isinstance(layers, bool) or not isinstance(layers, int) or not 1 <= layers <= 8:
            raise ConfigError(f"layers must be a whole number from 1 to 8. Received: layers={layers!r:.60}.")
        changes["units"] = (base.units[0] if units is None else units,) * layers
    return replace(base, **changes)


def to_settings(config: ForecastConfig, names) -> dict[str, Any]:
    """What `config` says about these settings, JSON-able; the inverse of `from_settings`."""
    own = {"layers": len(config.units), "units": config.units[0]}
    values = {name: own[name] if name in own else getattr(config, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def is_inside(space: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether the space holds these settings."""
    return all(name in settings and _holds(allowed, settings[name]) for name, allowed in space.items())


def _holds(allowed, value) -> bool:
    if isinstance(allowed, Mapping):
        return isinstance(value, int | float) and allowed["low"] <= value <= allowed["high"]
    return value in allowed


def distributions(space: Mapping[str, Any]) -> dict:
    """Optuna's distributions: lists by the place of a value, so that sizes keep their order."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for name, allowed in space.items():
        if isinstance(allowed, Mapping):
            found[name] = FloatDistribution(allowed["low"], allowed["high"], log=KNOBS[name].log)
        elif KNOBS[name].ordered:
            found[name] = IntDistribution(0, len(allowed) - 1)
        else:
            found[name] = CategoricalDistribution(tuple(range(len(allowed))))
    return found


def to_params(space: Mapping[str, Any], settings: Mapping[str, Any]) -> dict:
    """Settings inside the space as Optuna's parameters."""
    return {name: settings[name] if isinstance(allowed, Mapping) else list(allowed).index(settings[name])
            for name, allowed in space.items()}


def of_params(space: Mapping[str, Any], params: Mapping[str, Any]) -> dict:
    """The inverse of `to_params`."""
    return {name: params[name] if isinstance(allowed, Mapping) else allowed[params[name]] for name, allowed in space.items()}

