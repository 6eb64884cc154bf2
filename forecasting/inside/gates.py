"""Gates and states at every step of a window, and the equation of one step with its numbers in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from forecasting.errors import ConfigError
from forecasting.inside.window import find_origin, windows_at
from forecasting.model.cells.cell import NumpyMath

__all__ = ["Equation", "Term", "equations", "gates", "order_units", "symbols"]


def gates(result, date=None) -> list[dict[str, np.ndarray]]:
    """Every gate and state of every layer while the network read the window before `date`.

    date: the day that is forecast, as in `result.predictions.index`; None for the day after the last row
    returns a list, one entry for each layer, of {name: (steps, units)}, oldest step first. For the LSTM the names are
        'input', 'forget', 'candidate', 'output', 'cell' and 'hidden'; for another cell they are its `gates` and `states`
    """
    network = result.network
    traces = network.forward(windows_at(result, [find_origin(result, date)])).traces
    names = dict.fromkeys((*network.cell.gates, *network.cell.states))
    return [{name: trace[name][0] for name in names} for trace in traces]


@dataclass(frozen=True)
class Term:
    """How one gate of one unit came about at one step: function(before) = value.

    gate: its name
    inputs: (inputs of the layer,) weight times value of each; states: (units,) the same of the earlier states that the
        recurrent weights read
    input, state: their sums, W x and U s; bias, recurrent_bias: what is added to each, the latter 0 for most cells
    before: what `function`, 'sigmoid' or 'tanh', was applied to; value: the result
    """

    gate: str
    inputs: np.ndarray
    states: np.ndarray
    input: float
    state: float
    bias: float
    recurrent_bias: float
    before: float
    function: str
    value: float


@dataclass(frozen=True)
class Equation:
    """The step of one unit, to be checked by hand.

    terms: a `Term` for each gate, in the cell's order
    values: {name: value} of gates and states at this step; earlier: {name: value} of the states one step before
    symbols: {name: letter} of gates and states in the equations
    latex: the cell's equations; numbers: the same with this step's numbers, line by line
    """

    terms: tuple[Term, ...]
    values: dict[str, float]
    earlier: dict[str, float]
    symbols: dict[str, str]
    latex: tuple[str, ...]
    numbers: tuple[str, ...]


def equations(result, date=None, *, layer: int, unit: int, step: int) -> Equation:
    """The equations of one unit at one step of the window before `date`, with their numbers.

    layer, unit, step: counted from 0, the oldest step first
    Raises ConfigError for one that is not there.
    """
    network = result.network
    cell = network.cell
    for name, value, count in (("layer", layer, len(network.layers)), ("step", step, network.window)):
        _check(name, value, count)
    _check("unit", unit, network.units[layer])
    done = network.forward(windows_at(result, [find_origin(result, date)]))
    trace = {name: values[0] for name, values in done.traces[layer].items()}
    earlier = {name: trace[name][step - 1] if step else np.zeros(network.units[layer]) for name in cell.states}
    kernel, recurrent_kernel, bias = (weight.astype(np.float64) for weight in network.layers[layer])
    bias, recurrent_bias = cell.biases(bias)
    recurrent_bias = np.zeros_like(bias) if recurrent_bias is None else recurrent_bias
    x, s = done.inputs[layer][0, step], earlier[cell.reads]
    recorder = _Recorder()
    now = cell.step(recorder, cell.split(x @ kernel + bias), cell.split(s @ recurrent_kernel + recurrent_bias), earlier)
    terms = []
    for number, gate in enumerate(cell.gates):
        column = number * network.units[layer] + unit
        inputs, states = x * kernel[:, column], s * recurrent_kernel[:, column]
        function, before = recorder.origin(now[gate])
        terms.append(Term(gate, inputs, states, float(inputs.sum()), float(states.sum()), float(bias[column]),
                          float(recurrent_bias[column]), float(before[unit]), function, float(now[gate][unit])))
    names = dict.fromkeys((*cell.gates, *cell.states))
    values = {name: float(now[name][unit]) for name in names}
    found = Equation(tuple(terms), values, {name: float(earlier[name][unit]) for name in cell.states}, symbols(cell),
                     cell.equations, ())
    return replace(found, numbers=_numbers(found))


def symbols(cell) -> dict[str, str]:
    """{name: letter} of a cell's gates and states, as its equations call them; {} for a cell without written equations."""
    names = dict.fromkeys((*cell.gates, *cell.states))
    return {name: line[0] for name, line in zip(names, cell.equations, strict=True)} if cell.equations else {}


def order_units(values) -> np.ndarray:
    """(units,) an order in which units that behave alike lie side by side.

    values: (steps, units), e.g. a hidden state over a window
    Method: leaves of a hierarchical clustering by correlation, ordered as Bar-Joseph and others, "Fast optimal leaf ordering
    for hierarchical clustering" (2001).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering  # takes a while to load
    from scipy.spatial.distance import squareform

    values = np.asarray(values, dtype=np.float64)
    units = values.shape[1]
    if units < 3:
        return np.arange(units)
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    alike = (centred.T @ centred) / np.maximum(np.outer(length, length), 1e-300)  # a unit that never moves is like no other
    distance = np.clip(1 - alike, 0.0, 2.0)
    np.fill_diagonal(distance, 0.0)
    distance = squareform((distance + distance.T) / 2, checks=False)
    return leaves_list(optimal_leaf_ordering(linkage(distance, "average"), distance))


class _Recorder:
    """`NumpyMath`, with a record of what its sigmoid and its tanh made from what."""

    def __init__(self):
        self._made = []

    def __getattr__(self, name):
        return getattr(NumpyMath, name)

    def sigmoid(self, z):
        return self._record("sigmoid", z, NumpyMath.sigmoid(z))

    def tanh(self, z):
        return self._record("tanh", z, np.tanh(z))

    def _record(self, function, z, value):
        self._made.append((function, z, value))
        return value

    def origin(self, value):
        """The function that made `value`, and what it was applied to."""
        return next((function, z) for function, z, made in self._made if made is value)


def _numbers(equation: Equation) -> tuple[str, ...]:
    """The cell's equations with every symbol replaced by its number."""
    known: dict[str, float] = {}
    for term in equation.terms:
        letter = equation.symbols.get(term.gate, "")
        # The simple RNN's weights carry no index.
        for index in (f"_{letter}", ""):
            known |= {f"W{index} x_t": term.input, f"b{index}": term.bias, f"b'{index}": term.recurrent_bias}
            known |= {f"{matrix}{index} {state}_{{t-1}}": term.state for matrix in "UV" for state in "hc"}
    known |= {f"{equation.symbols[name]}_t": value for name, value in equation.values.items() if equation.symbols}
    known |= {f"{equation.symbols[name]}_{{t-1}}": value for name, value in equation.earlier.items() if equation.symbols}
    # The longest first, so that b_i is not read as b and an index.
    pattern = re.compile("|".join(rf"(?<![\\\w]){re.escape(name)}(?![\w'])" for name in sorted(known, key=len, reverse=True)))
    return tuple(pattern.sub(lambda found: _written(known[found.group()]), line) for line in equation.latex)


def _written(value: float) -> str:
    text = f"{value:.4f}"
    return f"({text})" if value < 0 else text


def _check(name, value, count):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < count:
        raise ConfigError(f"{name} must be a whole number from 0 to {count - 1}. Received: {name}={value!r}.")
