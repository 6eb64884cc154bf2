"""docs/python.md: its recipes run as they stand there, in order, and its table of scores is complete."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecasting
from forecasting import load_sample
from forecasting.evaluation.scores import SCORES

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder and a home with the files that the recipes read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    prices = load_sample().frame.iloc[-420:]
    prices.iloc[:400].to_csv("prices.csv")
    prices.to_csv("newer-prices.csv")
    days = pd.bdate_range("2020-01-01", periods=310)
    sale = np.arange(310) % 9 == 4
    close = 100 * np.exp(np.cumsum(np.where(sale, 0.03, -0.004)))
    pd.DataFrame({"Date": days, "Close": np.where(np.arange(310) < 300, close, np.nan), "sale": sale.astype(int)}).to_csv(
        "shop.csv", index=False)
    return tmp_path


def test_the_six_recipes_run_as_they_stand_on_the_page(folder, capsys):
    assert len(RECIPES) == 6
    names: dict = {}
    for recipe in RECIPES:
        exec(compile(recipe, "docs/python.md", "exec"), names)
    assert list(names["forecast"]) == ["predicted", "lower_80", "upper_80", "lower_95", "upper_95"]
    assert names["paths"].shape == (1000, 10)
    assert len(names["later"].history) == len(names["result"].history) + 20
    assert (folder / "my-refit" / "refit.keras").is_file()
    flipped = names["what_if"]["predicted"].to_numpy() - names["informed"].forecast(5)["predicted"].to_numpy()
    assert (flipped != 0).all()
    said = capsys.readouterr().out
    assert "Over 3 folds" in said
    assert "On 2 series" in said


def test_the_page_names_every_score_and_no_other():
    table = PAGE[PAGE.index("| key | unit |") : PAGE.index("## Beside other libraries")]
    named = set(re.findall(r"`([a-z_0-9]+)`", table))
    assert named == {name for name, score in SCORES.items() if score.compute is not None}


def test_help_is_a_table_of_contents():
    for name in ("train", "compare", "backtest", "train_many", "read_prices", "fetch_prices", "load_sample", "load_run",
                 "PriceHistory", "ForecastConfig", "TrainingResult", "Refit", "RECOMMENDED", "TUTORIAL", "QUICK_LOOK"):
        assert re.search(rf"^    .*\b{name}\b", forecasting.__doc__, re.MULTILINE), name
        assert name in forecasting.__all__
    for name in forecasting.__all__:
        assert getattr(forecasting, name).__doc__ is not None, name
