"""A cell's equations as a list of operations, so that what is not Python, such as a browser, can compute and print them too."""

from __future__ import annotations

from functools import cache

from forecasting.model.cells.cell import Cell

__all__ = ["program_of"]

FUNCTIONS = ("sigmoid", "tanh", "exp", "log", "abs", "maximum", "minimum")


@cache
def program_of(cell: Cell) -> dict:
    """The operations of `cell.step`, found by calling it with symbols in place of numbers.

    returns JSON-able values. operations: a list whose entries are numbered from 0 and work on one value for each unit:
        ['input', k] and ['state', k]: what the input and the state contribute to gate k; ['before', name]: a state before the
        step; ['constant', value]; or [name, a, b] or [name, a], where a and b are the numbers of earlier operations and name
        is 'add', 'subtract', 'multiply', 'divide' or one of `FUNCTIONS`
        outputs: {name: the number of the operation that gives it}
    """
    operations: list[list] = []

    class Symbol:
        def __init__(self, *operation):
            operations.append([at(one) if isinstance(one, Symbol) else one for one in operation])
            self.number = len(operations) - 1

        def __add__(self, other):
            return Symbol("add", self, lift(other))

        def __radd__(self, other):
            return Symbol("add", lift(other), self)

        def __sub__(self, other):
            return Symbol("subtract", self, lift(other))

        def __rsub__(self, other):
            return Symbol("subtract", lift(other), self)

        def __mul__(self, other):
            return Symbol("multiply", self, lift(other))

        def __rmul__(self, other):
            return Symbol("multiply", lift(other), self)

        def __truediv__(self, other):
            return Symbol("divide", self, lift(other))

        def __neg__(self):
            return Symbol("subtract", lift(0.0), self)

    def at(symbol):
        return symbol.number

    def lift(value):
        return value if isinstance(value, Symbol) else Symbol("constant", float(value))

    class Math:
        def __getattr__(self, name):
            if name not in FUNCTIONS:
                raise AttributeError(f"no function for it in the list of operations: {name}")
            return lambda *values: Symbol(name, *map(lift, values))

    gates = range(len(cell.gates))
    from_input, from_state = [Symbol("input", k) for k in gates], [Symbol("state", k) for k in gates]
    before = {name: Symbol("before", name) for name in cell.states}
    told = cell.step(Math(), from_input, from_state, before)
    return {"operations": operations, "outputs": {name: at(told[name]) for name in cell.traces}}
