"""The description of a kind of recurrent cell: its texts, its equations and its layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Cell", "Cost", "Gradient"]


@dataclass(frozen=True)
class Gradient:
    """The gradient of one step, going back through time.

    from_input, from_state: with respect to what the input and the state contribute to each gate, (batch, units) each. They
        are the same tuple for a cell that only reads the sum of the two.
    before: with respect to the states before the step, by name, on every path except through the recurrent weights; states
        without such a path may be left out
    """

    from_input: tuple
    from_state: tuple
    before: dict


@dataclass(frozen=True)
class Cost:
    """The costs of a kind of cell in seconds, as measured by `benchmarks/estimates.py --fit`.

    start: per layer, before the first epoch and after the last one, mostly compiling; batch: per batch; step: per batch,
    layer and time step, however few units there are; work: per billion multiplications of the forward pass, its backward
    pass included
    """

    start: float = 1.5
    batch: float = 1.1e-3
    step: float = 3e-5
    work: float = 0.3


@dataclass(frozen=True)
class Cell:
    """A recurrent cell: its words, its equations, and the layers that follow from them.

    At each step of time the input adds W x_t + b to each gate and the state adds U s_{t-1}, where s is the state that the
    recurrent weights read. `step` computes gates and states from these, and `step_gradient` is its gradient. The equations
    are written once for both NumPy and TensorFlow: `math` provides the functions of `tf.math` for either.

    The weights are those of a Keras layer: kernel (inputs, gates * units), recurrent_kernel (units, gates * units) and
    bias (gates * units,), the gates side by side in the order of `gates`; with `recurrent_bias` the bias is
    (2, gates * units), and its second row is added to U s_{t-1}.

    name: in settings and saved runs; label, help: for users; help says what the cell does and what can go wrong
    gates, states: their names; also: other values that `step` returns because `step_gradient` needs them
    step: (math, from_input, from_state, before) -> {name: (batch, units)} of `gates`, `states` and `also`; from_input and
        from_state hold one (batch, units) for each gate, `before` the states by name
    step_gradient: (math, now, before, dafter) -> Gradient; now: what `step` returned; dafter: gradient of the states by name
    equations: the same as LaTeX, a line each
    reads: the state that the recurrent weights read; 'hidden' is what leaves the cell
    keras_name: of the layer in `keras.layers`; None for a cell that Keras does not have
    open_gates: the gates whose bias starts at one, if the layer is ours
    smallest_part: rows; below this, two halves of a batch side by side take longer than the whole batch
    cost: used for estimates on a machine that has not trained this cell yet
    """

    name: str
    label: str
    help: str
    gates: tuple[str, ...]
    states: tuple[str, ...]
    step: Callable
    step_gradient: Callable
    equations: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    reads: str = "hidden"
    recurrent_bias: bool = False
    keras_name: str | None = None
    open_gates: tuple[str, ...] = ()
    smallest_part: int = 8
    cost: Cost = field(default_factory=Cost)

    @property
    def traces(self) -> tuple[str, ...]:
        """The names of all that `forward` returns."""
        return tuple(dict.fromkeys((*self.gates, *self.states, *self.also)))

    def parameters(self, inputs: int, units: int) -> int:
        """How many parameters a layer has."""
        return len(self.gates) * units * (inputs + units + 1 + self.recurrent_bias)

    def biases(self, bias):
        """The biases of the input's and of the state's contribution to the gates; the latter may be None."""
        return (bias[0], bias[1]) if self.recurrent_bias else (bias, None)

    def forward(self, weights, x) -> dict[str, np.ndarray]:
        """Every gate and state at every step, by name: (batch, steps, units) each.

        weights: kernel, recurrent_kernel, bias; x: (batch, steps, inputs)
        The state before the first step is zero.
        """
        kernel, recurrent_kernel, bias = (np.asarray(w) for w in weights)
        bias, recurrent_bias = self.biases(bias)
        from_input = np.asarray(x) @ kernel + bias  # (batch, steps, gates * units)
        batch, steps, _ = from_input.shape
        state = {name: np.zeros((batch, len(recurrent_kernel)), from_input.dtype) for name in self.states}
        told = {name: np.empty((batch, steps, len(recurrent_kernel)), from_input.dtype) for name in self.traces}
        for t in range(steps):
            from_state = state[self.reads] @ recurrent_kernel
            if recurrent_bias is not None:
                from_state = from_state + recurrent_bias
            now = self.step(NumpyMath, self.split(from_input[:, t]), self.split(from_state), state)
            for name, values in told.items():
                values[:, t] = now[name]
            state = {name: now[name] for name in self.states}
        return told

    def backward(self, weights, x, traces, dhidden):
        """The gradient through time of a loss that reads 'hidden'.

        traces: what `forward` returned for these weights and this x; dhidden: (batch, steps, units), the gradient of the
            loss with respect to each step's 'hidden', counting only what the loss reads directly
        returns dx: (batch, steps, inputs); dweights, in the order of `weights`; dstates: {state: (batch, steps, units)},
            the gradient with respect to each step's states, including all paths through later steps
        """
        kernel, recurrent_kernel = (np.asarray(w) for w in weights[:2])
        x, dhidden = np.asarray(x), np.asarray(dhidden)
        batch, steps, units = dhidden.shape
        before = {name: np.concatenate([np.zeros_like(traces[name][:, :1]), traces[name][:, :-1]], axis=1)
                  for name in self.states}
        carried = {name: np.zeros((batch, units), dhidden.dtype) for name in self.states}
        dstates = {name: np.empty_like(dhidden) for name in self.states}
        dinput, dstate = (np.empty((batch, steps, len(self.gates) * units), dhidden.dtype) for _ in range(2))
        for t in reversed(range(steps)):
            after = carried | {"hidden": carried["hidden"] + dhidden[:, t]}
            for name, values in dstates.items():
                values[:, t] = after[name]
            got = self.step_gradient(NumpyMath, {name: v[:, t] for name, v in traces.items()},
                                     {name: v[:, t] for name, v in before.items()}, after)
            dinput[:, t], dstate[:, t] = (np.concatenate(d, axis=1) for d in (got.from_input, got.from_state))
            carried = {name: got.before.get(name, 0.0) for name in self.states}
            carried[self.reads] = carried[self.reads] + dstate[:, t] @ recurrent_kernel.T
        flat = dinput.reshape(-1, dinput.shape[2]), dstate.reshape(-1, dstate.shape[2])
        dbias = np.stack([d.sum(axis=0) for d in flat]) if self.recurrent_bias else flat[0].sum(axis=0)
        dweights = [x.reshape(-1, x.shape[2]).T @ flat[0], before[self.reads].reshape(-1, units).T @ flat[1], dbias]
        return dinput @ kernel.T, dweights, dstates

    def split(self, values) -> tuple:
        """(..., gates * units) as one (..., units) for each gate."""
        units = values.shape[-1] // len(self.gates)
        return tuple(values[..., i * units : (i + 1) * units] for i in range(len(self.gates)))

    def keras_layer(self, units: int, **arguments):
        """A new plain Keras layer, as it is saved: Keras's own where it has one."""
        import keras

        if self.keras_name is None:
            return self.fast_layer(units, **arguments)
        return getattr(keras.layers, self.keras_name)(units, **arguments)

    def fast_layer(self, units: int, **arguments):
        """A new layer that trains faster, with the same weights as `keras_layer`."""
        from forecasting.model.layers import CellLayer

        return CellLayer(units, cell=self.name, **arguments)


class NumpyMath:
    """NumPy's functions under their names in `tf.math`."""

    tanh, exp, log, abs, maximum, minimum = np.tanh, np.exp, np.log, np.abs, np.maximum, np.minimum

    @staticmethod
    def sigmoid(z):
        return 0.5 + 0.5 * np.tanh(0.5 * z)  # never overflows
