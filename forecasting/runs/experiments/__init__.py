"""The kinds of experiment, one file each, listed here.

An experiment is a run made of other runs, its children. Its kind says which to create and how to summarise them; the
engine does the rest (`forecasting.runs.conductor`). Light to import, since pages and the engine read the list.
"""

from __future__ import annotations

from forecasting.runs.experiments.backtest import BACKTEST
from forecasting.runs.experiments.cells import CELLS_COMPARED, STARTS
from forecasting.runs.experiments.kind import ExperimentKind
from forecasting.runs.experiments.leak import LEAK
from forecasting.runs.experiments.many import MANY_SERIES
from forecasting.runs.experiments.search import SEARCH
from forecasting.runs.experiments.seeds import SEEDS

__all__ = ["EXPERIMENTS", "ExperimentKind"]

EXPERIMENTS: dict[str, ExperimentKind] = {
    "backtest": BACKTEST,
    "leak": LEAK,
    "search": SEARCH,
    "seeds": SEEDS,
    "many": MANY_SERIES,
    "cells": CELLS_COMPARED,
    "starts": STARTS,
}
