"""A run's verdict, from its predictions alone."""

from __future__ import annotations

from forecasting.data.frequency import IRREGULAR, Frequency
from forecasting.evaluation.comparison import Comparison, compare_forecasts
from forecasting.evaluation.diagnostics import part_of
from forecasting.evaluation.verdict import Verdict, verdict

__all__ = ["judge"]


def judge(predictions, scores: dict, *, frequency: Frequency = IRREGULAR, currency: str | None = None,
          leak: str | None = None) -> tuple[Verdict, Comparison]:
    """Compares the test part with the naive forecast and returns the verdict and the comparison.

    predictions: as in `TrainingResult.predictions`; scores: the test part of `TrainingResult.metrics`
    """
    rows = part_of(predictions, "test")
    beside = compare_forecasts(rows["actual"].to_numpy(), rows["predicted"].to_numpy(), rows["naive"].to_numpy())
    return verdict(scores["rmse"], scores["naive_rmse"], beside.skill, beside.interval, beside.p_value,
                   frequency=frequency, currency=currency, leak=leak), beside
