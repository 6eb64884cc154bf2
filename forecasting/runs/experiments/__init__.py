"""The kinds of experiment: a file each, and this list of them.

An experiment is a run made of other runs, its children. Its kind says which to make and what they come to; the engine
does the rest (`forecasting.runs.conductor`). Light to import: pages and the engine read the list.
"""

from __future__ import annotations

from forecasting.runs.experiments.backtest import BACKTEST
from forecasting.runs.experiments.kind import ExperimentKind
from forecasting.runs.experiments.leak import LEAK

__all__ = ["EXPERIMENTS", "ExperimentKind"]

EXPERIMENTS: dict[str, ExperimentKind] = {
    "backtest": BACKTEST,
    "leak": LEAK,
}
