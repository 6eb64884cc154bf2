"""The script and the notebook that repeat a run from the files beside them.

Nothing from outside, such as the name of a series, becomes a part of the code: it is read from settings.json.
"""

from __future__ import annotations

__all__ = ["repeat_notebook", "repeat_script"]

_USE = '''"""Trains this run again, with its own settings and prices, and prints its test RMSE beside the one it had.

Run it as `PYTHONPATH=folder-of-the-app python repeat.py`, in an environment with the libraries of the app's requirements.txt.
On the machine that trained the run, the two are equal to the last digit; others may round differently.
"""
'''
_IMPORTS = """import json
from pathlib import Path

import pandas as pd

from forecasting import ForecastConfig, PriceHistory, train
"""
_LOAD = """run = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
frame = pd.read_csv(folder / "prices.csv", index_col="Date", parse_dates=True)
history, config = PriceHistory.described(frame, run["prices"]), ForecastConfig.from_dict(run["settings"])
"""
# Where something is known in advance.
_LOAD_KNOWN = """known = pd.read_csv(folder / "known.csv", index_col="Date", parse_dates=True).set_axis(run["known"], axis=1)
history = replace(history, known=known)
"""
_COMPARE = """print(f"Test RMSE now {result.metrics['test']['rmse']!r}, before {run['scores']['test']['rmse']!r}")
"""


def repeat_script(result) -> str:
    """A Python script that trains the run again and prints both RMSEs."""
    return f"{_USE}\n{_imports(result)}\nfolder = Path(__file__).parent\n{_load(result)}{_train(result)}{_COMPARE}"


def repeat_notebook(result) -> dict:
    """The same as a Jupyter notebook (nbformat 4.5), with scores, a chart and a forecast."""
    cells = [
        _text("# A run, trained again\n\nThis notebook trains the run beside it again, with its own settings and prices. It "
              "needs the app's folder on `PYTHONPATH` and the libraries of its `requirements.txt`."),
        _code(f"{_imports(result)}from forecasting.plots import prediction_chart\n\nfolder = Path()\n{_load(result)}config"),
        _text("On the machine that trained the run, the RMSE is the same to the last digit; others may round differently."),
        _code(f"{_train(result)}{_COMPARE}"),
        _text("Every score beside the naive forecast's, which repeats the last known price."),
        _code("pd.DataFrame(result.metrics)"),
        _code("prediction_chart(result.predictions, currency=history.currency)"),
        _text("What comes next. Guarded, a forecast departs from the naive one only as far as the evidence allows."),
        _code("result.forecast(result.steps_known, guarded=True)" if result.history.known is not None else
              "result.forecast(config.horizon, guarded=True)"),
    ]
    return {"nbformat": 4, "nbformat_minor": 5,
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}},
            "cells": [cell | {"id": f"cell-{number}"} for number, cell in enumerate(cells, start=1)]}


def _imports(result) -> str:
    if result.history.known is None:
        return _IMPORTS
    return _IMPORTS.replace("import json\n", "import json\nfrom dataclasses import replace\n")


def _load(result) -> str:
    return _LOAD if result.history.known is None else _LOAD + _LOAD_KNOWN


def _train(result) -> str:
    if result.members:
        return ("from dataclasses import replace\n\nfrom forecasting.result import average\n\n"
                "seeds = run[\"training\"][\"members\"]  # the run is the average of a network for each\n"
                "result = average([train(history, replace(config, seed=seed)) for seed in seeds])\n")
    if not result.stopped:
        return "result = train(history, config)\n"
    # An epoch that was interrupted does not count, except the first.
    return ("epochs = []  # the run was stopped by hand, after as many as are asked for here\n"
            f"result = train(history, config, epochs.append, lambda: len(epochs) >= {len(result.curve)})\n")


def _text(source: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str) -> dict:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source.rstrip("\n")}
