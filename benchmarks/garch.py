"""Intervals of GARCH(1,1) and GJR-GARCH(1,1) with Student's t, for intervals.py.

    PYTHON garch.py RETURNS.npz BOUNDS.npz

PYTHON belongs to an environment that has `arch`, which this project does not need otherwise. RETURNS.npz holds a series of
returns in percent for each name, and under `NAME/first` the row that the test begins at: everything is fitted once, on the
rows before. BOUNDS.npz gets `NAME/MODEL/LEVEL`, (origins, steps, 2): bounds of the sum of the next `STEPS` returns, from each
origin of the test on, by simulation.
"""

from __future__ import annotations

import sys

import numpy as np
from arch import arch_model

MODELS = {"GARCH-t": 0, "GJR-t": 1}  # asymmetric terms
LEVELS, STEPS, PATHS, AT_ONCE = (0.8, 0.95), (1, 5, 10), 4000, 100
TAILS = [(1 - LEVELS[1]) / 2, (1 - LEVELS[0]) / 2, (1 + LEVELS[0]) / 2, (1 + LEVELS[1]) / 2]


def main():
    given, bounds = np.load(sys.argv[1]), {}
    for name in [key for key in given.files if not key.endswith("/first")]:
        for model, asymmetric in MODELS.items():
            for level, made in intervals(given[name], int(given[f"{name}/first"]), asymmetric).items():
                bounds[f"{name}/{model}/{level}"] = made
    np.savez(sys.argv[2], **bounds)


def intervals(returns, first, asymmetric):
    """{level: (origins, len(STEPS), 2)} from the rows first - 1 .. n - 1 of `returns` (n,)."""
    fitted = arch_model(returns[:first], vol="GARCH", p=1, o=asymmetric, q=1, dist="t").fit(disp="off", show_warning=False)
    mean, omega, alpha, *rest = fitted.params.to_numpy()
    gamma = rest.pop(0) if asymmetric else 0.0
    beta, nu = rest
    shocks = returns - mean
    variance = np.empty(len(returns) + 1)
    variance[0] = np.var(returns[:first])
    for row, shock in enumerate(shocks):
        variance[row + 1] = omega + (alpha + gamma * (shock < 0)) * shock**2 + beta * variance[row]
    variance = variance[first:]
    # The same standardised shocks from every origin, and their mirror images.
    drawn = np.random.default_rng(0).standard_t(nu, (STEPS[-1], PATHS // 2)) * np.sqrt((nu - 2) / nu)
    drawn = np.concatenate([drawn, -drawn], axis=1)
    bounds = {level: np.empty((len(variance), len(STEPS), 2)) for level in LEVELS}
    for start in range(0, len(variance), AT_ONCE):
        origins = slice(start, start + AT_ONCE)
        now, total = variance[origins, None], 0.0
        for step, standardised in enumerate(drawn, start=1):
            shock = np.sqrt(now) * standardised
            total = total + mean + shock
            now = omega + (alpha + gamma * (shock < 0)) * shock**2 + beta * now
            if step in STEPS:
                low_95, low_80, high_80, high_95 = np.quantile(total, TAILS, axis=1)
                bounds[0.8][origins, STEPS.index(step)] = np.stack([low_80, high_80], axis=1)
                bounds[0.95][origins, STEPS.index(step)] = np.stack([low_95, high_95], axis=1)
    return bounds


if __name__ == "__main__":
    main()
