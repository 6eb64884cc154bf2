"""What each unit does: its effect on the forecast, what it follows, and the windows in history that excite it most."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.errors import ConfigError
from forecasting.inside.size import affordable, check_size
from forecasting.inside.window import windows_at

__all__ = ["FOLLOWED", "exciting_windows", "units"]

FOLLOWED = {
    "level": "How high the price stands.",
    "trend": "How far it moved over the window.",
    "last move": "Its last move.",
    "volatility": "How restless it was in the last 20 rows of the window.",
    "weekday": "Whether the last known day was one certain day of the week.",
}
RESTLESS = 20  # rows
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def units(result, *, most: int = 128) -> pd.DataFrame:
    """Every unit of every layer, those that move the forecast most first.

    most: windows of the whole history to look at, drawn at random, the same ones each time
    returns a DataFrame, a row for each unit: layer, unit (from 0); effect: how far it moves the output of the first step by
        differing from its mean, as a root mean square, in outputs; exact for the last layer and to first order for those below
        (what the layer above reads of it); share (0 to 1): of the sum over its layer; follows: one of `FOLLOWED`, whichever
        its state at the end of the window is correlated with most strongly, or '' where nothing varies; detail: the day of
        the week, or ''; correlation: Pearson's, with its sign
    """
    network = result.network.astype(np.float32)
    origins = _drawn(result, affordable(network, most))
    check_size(network, 3 * len(origins))
    done = network.forward(windows_at(result, origins, np.float32))
    head = np.zeros((len(origins), network.horizon), np.float32)
    head[:, 0] = 1.0
    dhidden = network.backward(done, head).dhidden
    names, followed = _followed(result, origins)
    rows = []
    for layer, (trace, gradient) in enumerate(zip(done.traces, dhidden, strict=True)):
        hidden = trace["hidden"]
        moved = (gradient * (hidden - hidden.mean(axis=0))).sum(axis=1)  # (windows, units)
        effect = np.sqrt(np.mean(moved.astype(np.float64) ** 2, axis=0))
        correlation = _correlations(hidden[:, -1].astype(np.float64), followed)  # (units, followed)
        strongest = np.abs(correlation).argmax(axis=1)
        for unit, place in enumerate(strongest):
            value = float(correlation[unit, place])
            follows, detail = names[place] if value else ("", "")
            rows.append((layer, unit, float(effect[unit]), float(effect[unit] / (effect.sum() or 1.0)), follows, detail, value))
    table = pd.DataFrame(rows, columns=["layer", "unit", "effect", "share", "follows", "detail", "correlation"])
    return table.sort_values("effect", ascending=False, kind="stable", ignore_index=True)


def exciting_windows(result, *, layer: int, unit: int, count: int = 5, most: int = 300) -> pd.DataFrame:
    """The windows after which a unit's hidden state is furthest from its mean.

    most: windows of the whole history to look at, drawn at random, the same ones each time
    returns a DataFrame, the most exciting first: date (the day that is forecast; NaT after the last row), start, end (of the
        window), value (of the hidden state at its end), mean (over all windows); no two of them share half a window
    """
    network = result.network.astype(np.float32)
    if not 0 <= layer < len(network.layers) or not 0 <= unit < network.units[layer]:
        raise ConfigError(f"There is no such unit. Received: layer={layer!r}, unit={unit!r}. The layers, counted from 0, have "
                          f"{', '.join(map(str, network.units))} units.")
    origins = _drawn(result, affordable(network, most))
    check_size(network, len(origins))
    hidden = network.forward(windows_at(result, origins, np.float32)).traces[layer]["hidden"][:, -1, unit].astype(np.float64)
    chosen: list[int] = []
    for place in np.argsort(-np.abs(hidden - hidden.mean()), kind="stable"):
        if all(abs(origins[place] - origins[other]) >= network.window / 2 for other in chosen):
            chosen.append(int(place))
        if len(chosen) == count:
            break
    dates = result.history.dates
    days = dates.append(pd.DatetimeIndex([pd.NaT]))
    return pd.DataFrame({
        "date": days[origins[chosen] + 1], "start": dates[origins[chosen] - network.window + 1], "end": dates[origins[chosen]],
        "value": hidden[chosen], "mean": hidden.mean()})


def _drawn(result, most):
    """Rows that windows end with, from the whole history: at random, since even steps of 5 would always meet the same day of
    the week."""
    origins = np.arange(result.config.window - 1, len(result.history))
    if len(origins) <= most:
        return origins
    return np.sort(np.random.default_rng(0).choice(origins, most, replace=False))


def _followed(result, origins):
    """[(one of `FOLLOWED`, detail)], and their values (windows, followed)."""
    level = result.encoder.level(result.history.close)
    moves = np.diff(level, prepend=level[:1])
    window = result.config.window
    recent = np.lib.stride_tricks.sliding_window_view(np.pad(moves, (RESTLESS - 1, 0)), RESTLESS).std(axis=1)
    names = [("level", ""), ("trend", ""), ("last move", ""), ("volatility", "")]
    columns = [level[origins], level[origins] - level[origins - window + 1], moves[origins], recent[origins]]
    weekday = result.history.dates.day_of_week.to_numpy()[origins]
    for number, name in enumerate(DAYS):
        names.append(("weekday", name))
        columns.append((weekday == number).astype(np.float64))
    return names, np.stack(columns, axis=1)


def _correlations(a, b):
    """(columns of a, columns of b): Pearson's correlations; 0 where one of the two does not vary."""
    a, b = ((v - v.mean(axis=0)) for v in (a, b))
    size_a, size_b = np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0)
    size = np.outer(size_a, size_b)
    return np.divide(a.T @ b, size, out=np.zeros(size.shape), where=size > 1e-12 * np.maximum(1.0, size.max(initial=0.0)))
