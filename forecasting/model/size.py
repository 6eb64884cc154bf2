"""How large a network is and how long it trains, known without building it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psutil

from forecasting import words
from forecasting.errors import ConfigError, TooLarge
from forecasting.model.cells import CELLS
from forecasting.model.config import RANGES, ForecastConfig
from forecasting.model.features import feature_width

__all__ = ["Estimate", "Layer", "Timing", "check_memory", "chunks_of", "describe_network", "epoch_seconds", "estimate",
           "estimate_words", "forecast_steps", "memory_words", "peak_memory", "usable_memory"]

FEWEST_SEQUENCES = 4  # in a batch; smaller batches take just as long
# A batch without a gradient, for validation and for forecasts: at most so many rows times window, which bounds its memory,
# and so many multiplications, which bounds its time to about half a second of one core.
FORECAST_STEPS, FORECAST_WORK = 32_768, 1.6e10
NEAREST = 5  # most trainings that an estimate is based on
SAME = math.log(1.5)  # e.g. 1.5 times the units
FAR = math.log(16)  # e.g. four times the units and a quarter of the batch size
MARGIN = 1.5  # makes an estimate without similar trainings an upper bound


@dataclass(frozen=True)
class Layer:
    """One layer: its kind in words, the shape of what leaves it, its weights, and whether training moves them."""

    name: str
    shape: str
    parameters: int
    frozen: bool = False


def describe_network(config: ForecastConfig) -> tuple[Layer, ...]:
    """The layers of the network that `config` builds, from the input on; parameters as Keras counts them."""
    features = feature_width(config.features, config.horizon)
    layers = [Layer("Window", f"{config.window} × {features}", 0)]
    inputs, cell = features, CELLS[config.cell]
    for i, units in enumerate(config.units):
        last = i == len(config.units) - 1
        layers.append(Layer(cell.label, str(units) if last else f"{config.window} × {units}",
                            cell.parameters(inputs, units)))
        inputs = units
    layers.append(Layer("Dense", str(config.horizon), (inputs + 1) * config.horizon))
    if config.skip:
        layers.append(Layer("Frozen linear part", str(config.horizon),
                            config.window * features * config.horizon, frozen=True))
    return tuple(layers)


def chunks_of(config: ForecastConfig) -> tuple[int, int]:
    """(rows, k) of a batch: `rows` sequences of window + k - 1 steps, whose last k steps have a target each.

    Where every step is supervised, rows times k is about the batch size: as many targets a step as with single windows.
    With a window of 60 and batches of 128 on changes of prices, volatility and temperatures, k = 16 learnt as well as
    single windows, in a third of the time; with k = 30 or 60 an epoch is shorter still, but more of them are needed.
    """
    if config.supervision == "last_step":
        return config.batch_size, 1
    k = max(16, config.window // 4)
    return max(FEWEST_SEQUENCES, round(config.batch_size / k)), k


# With recurrent dropout, Keras's own step-by-step layers replace the fast LSTM and GRU.
SLOWER_WITH_RECURRENT_DROPOUT = 3.0


def epoch_seconds(config: ForecastConfig, rows: int) -> float:
    """Seconds of one epoch over `rows` prices, its validation included, by what its cell costs (`Cell.cost`)."""
    cost, layers = CELLS[config.cell].cost, len(config.units)
    parameters = sum(layer.parameters for layer in describe_network(config) if not layer.frozen)
    windows = max(1, rows * (1 - config.test_share - config.validation_share) - config.window - config.horizon)
    sequences, k = chunks_of(config)
    batches, steps = math.ceil(windows / k / sequences), config.window + k - 1
    training = cost.batch * batches + cost.step * batches * steps * layers + cost.work * batches * sequences * steps \
        * parameters / 1e9
    validated = rows * config.validation_share * config.window
    # Validation is the forward pass only, a third of the work, in few large batches.
    validation = (cost.step * math.ceil(validated / FORECAST_STEPS) * config.window * layers
                  + cost.work * validated * parameters / 1e9) / 3
    return (training + validation) * (SLOWER_WITH_RECURRENT_DROPOUT if config.recurrent_dropout else 1.0)


def forecast_steps(parameters: int) -> float:
    """Rows times window of a batch without a gradient, of a network of so many parameters."""
    return min(FORECAST_STEPS, FORECAST_WORK / max(1, parameters))


# In bytes, fitted to what `benchmarks/memory.py --sizes` measured: the estimates are 0 to 9 % too high, and up to 21 % with
# recurrent dropout, whose layers are not compiled.
PROCESS_BYTES = 680 * 2**20   # a process with TensorFlow, before it trains
COMPILED_BYTES = 220 * 2**20  # compiled steps and the compiler's own
COPIES = 17.5  # of the weights, each of 4 bytes: of the optimiser, of gradients, of the best epoch, of the backup, ...
ROW_BYTES = 100  # of a price row and each of its inputs and steps ahead: encoded, predicted, and with intervals
# Of the machine's memory. The app, the engine and other programs need some too, and one training must not keep all the
# others waiting.
MOST_OF_ONE, MOST_OF_ALL = 0.3, 0.5


def peak_memory(config: ForecastConfig, rows: int) -> float:
    """Bytes that the process of a training on `rows` prices takes at its peak.

    Most of it is what the backward pass needs of every step of a batch: each cell's traces, the gates' inputs and gradients,
    its output and the gradient of that.
    """
    cell = CELLS[config.cell]
    parameters = sum(layer.parameters for layer in describe_network(config) if not layer.frozen)
    arrays = len(cell.traces) + (2 + cell.recurrent_bias) * len(cell.gates) + 2  # (steps, sequences, units) of a layer
    sequences, k = chunks_of(config)
    training = arrays * sequences * (config.window + k - 1)
    forecasting = (len(cell.gates) + 3) * max(forecast_steps(parameters), 4 * config.window)
    return (PROCESS_BYTES + COMPILED_BYTES + 4 * COPIES * parameters + 4 * max(training, forecasting) * sum(config.units)
            + ROW_BYTES * rows * (config.horizon + feature_width(config.features, config.horizon)))


def usable_memory(share: float = MOST_OF_ALL) -> float:
    """Bytes that trainings may take together on this machine, or in this container. share: of its memory

    `FORECASTING_MEMORY_GB` says how much of it this app shares with nobody. Raises ConfigError for a bad value.
    """
    if named := os.environ.get("FORECASTING_MEMORY_GB"):
        try:
            gigabytes = float(named)
        except ValueError:
            gigabytes = math.nan
        if not 0 < gigabytes < math.inf:
            raise ConfigError(f"FORECASTING_MEMORY_GB must be a number of gigabytes, e.g. 16. Received: {named[:40]!r}. "
                              "Correct or unset it, and start the app again.")
        return share * gigabytes * 1e9
    most = float(psutil.virtual_memory().total)
    limit = Path("/sys/fs/cgroup/memory.max")  # in a container
    if limit.is_file() and (said := limit.read_text().strip()).isdecimal():
        most = min(most, float(said))
    return share * most


def check_memory(config: ForecastConfig, rows: int):
    """Raises TooLarge, with the estimate and the nearest settings that need less, if a training needs more memory than
    there is."""
    needed, usable = peak_memory(config, rows), usable_memory(MOST_OF_ONE)
    if needed <= usable:
        return
    nearest = _smaller(config, rows, usable)
    levers = f"a smaller batch (now {words.count(config.batch_size)}), a shorter window (now {words.count(config.window)})"
    advice = f"Choose {levers} or fewer units" if nearest else (
        "Even the smallest batch and window need too much: choose fewer units or layers")
    raise TooLarge(f"This training needs about {memory_words(needed)} of this machine's {memory_words(usable_memory(1.0))} of "
                   f"memory, and {memory_words(usable)} are the most that one may take. {advice}.", nearest=nearest)


def _smaller(config, rows, usable) -> ForecastConfig | None:
    """The nearest settings with a smaller batch, a shorter window, or both, that fit into so much memory."""
    found = []
    batch = config.batch_size
    while batch >= RANGES["batch_size"][0]:
        low, high = RANGES["window"][0], config.window
        if peak_memory(replace(config, batch_size=batch, window=low), rows) <= usable:
            while low < high:  # the longest window that fits
                middle = (low + high + 1) // 2
                fits = peak_memory(replace(config, batch_size=batch, window=middle), rows) <= usable
                low, high = (middle, high) if fits else (low, middle - 1)
            far = math.log(config.batch_size / batch) + 2 * math.log(config.window / low)
            found.append((far, replace(config, batch_size=batch, window=low)))
        batch //= 2
    return min(found, key=lambda one: one[0])[1] if found else None


def memory_words(size: float) -> str:
    """'11 GB': with no more digits than an estimate has."""
    gigabytes = size / 1e9
    return f"{words.number(gigabytes, 1 if gigabytes < 9.5 else 0)} GB"


@dataclass(frozen=True)
class Timing:
    """How long an ended training took on this machine.

    fingerprint: of its prices; rows: how many; epochs: how many were run; best_epoch: of the lowest validation loss
    epoch_seconds: of a typical epoch; seconds: of the whole training; whole: whether it ran to its end, without Stop
    """

    config: ForecastConfig
    fingerprint: str
    rows: int
    epochs: int
    best_epoch: int
    epoch_seconds: float
    seconds: float
    whole: bool = True


@dataclass(frozen=True)
class Estimate:
    """most: seconds if every epoch is run; usual: seconds with early stopping, or None if unknown
    measured: whether it is based on trainings of about this size on this machine; otherwise it is a cautious guess
    """

    most: float
    usual: float | None
    measured: bool


def estimate(config: ForecastConfig, rows: int, timings: Sequence[Timing] = (), fingerprint: str = "") -> Estimate:
    """How long a training will take.

    timings: of trainings on this machine, the latest first; fingerprint: of the prices to train on

    By nearest neighbours: of the trainings with this cell and supervision those whose window, units, layers and batch
    size are the same, or else closest, in logarithms. `Cell.cost` then only has to say how much more or less work this training
    is than those.
    When early stopping will end it is estimated from trainings that are also closest in learning rate, target and series.
    """
    expected = epoch_seconds(config, rows)
    start = CELLS[config.cell].cost.start * len(config.units)
    alike = [timing for timing in timings if _kind(timing.config) == _kind(config)]
    near, distance = _nearest(alike, lambda timing: _size_distance(config, timing.config))
    if near:
        slower = [_slower(timing) for timing in near]
        if distance > SAME:  # no similar training: blend the cell's costs with what is known of the machine
            slower.append(median(map(_slower, timings)))
        expected *= median(slower)
        start = median(max(0.0, timing.seconds - timing.epochs * timing.epoch_seconds) for timing in near)
    measured = distance < FAR
    if not measured:
        start, expected = MARGIN * start, MARGIN * expected
    most, usual = start + config.epochs * expected, None
    stopping = [timing for timing in alike if timing.whole and timing.config.patience and not timing.config.leak]
    if config.patience and stopping:
        near, _ = _nearest(stopping, lambda timing: _course_distance(config, timing.config)
                           + (2.0 if timing.fingerprint != fingerprint else 0.0))
        epochs = min(config.epochs, median(timing.best_epoch for timing in near) + config.patience)
        usual = start + epochs * expected
    return Estimate(most, usual, measured)


def estimate_words(estimated: Estimate, epochs: int) -> str:
    """'about 40 s for 60 epochs', 'up to 40 s for 60 epochs, usually stops early after about 5 s'."""
    most, planned = _rough(estimated.most), words.count_of(epochs, "epoch")
    if not estimated.measured:
        return f"up to about {most} for {planned}"
    if estimated.usual is None:
        return f"about {most} for {planned}"
    usual = _rough(estimated.usual)
    return f"up to {most} for {planned}" + (f", usually stops early after about {usual}" if usual != most else "")


def _kind(config):
    return config.cell, config.supervision, bool(config.recurrent_dropout)


def _size_distance(one, other):
    sizes = [(config.window, sum(config.units), len(config.units), config.batch_size) for config in (one, other)]
    return sum(abs(math.log(a / b)) for a, b in zip(*sizes, strict=True))


def _course_distance(one, other):
    """How differently two trainings on the same prices may progress."""
    return (_size_distance(one, other) + abs(math.log(one.learning_rate / other.learning_rate))
            + (one.target != other.target))


def _slower(timing):
    """How many times longer an epoch took than `epoch_seconds` predicts."""
    return timing.epoch_seconds / epoch_seconds(timing.config, timing.rows)


def _nearest(timings, distance):
    """The nearest few (only those of about the same size, if there are any), and the distance of the nearest."""
    ranked = sorted((distance(timing), i) for i, timing in enumerate(timings))[:NEAREST]
    if not ranked:
        return [], math.inf
    nearest = ranked[0][0]
    return [timings[i] for far, i in ranked if far <= SAME or nearest > SAME], nearest


def _rough(seconds):
    """A duration with no more digits than an estimate has."""
    if seconds < 9.5:
        return f"{max(1, round(seconds))} s"
    step = next(step for limit, step in ((60, 5), (600, 10), (3600, 60), (math.inf, 600)) if seconds < limit)
    return words.duration(step * math.ceil(seconds / step))
