"""Functions from data to Plotly figures; drawing them is up to the caller."""

from forecasting.plots.comparison import curves_chart, overlay_chart
from forecasting.plots.evaluation import (
    coverage_chart,
    distribution_chart,
    error_chart,
    evidence_chart,
    folds_chart,
    group_chart,
    lag_chart,
    move_chart,
    risk_chart,
    share_chart,
    shifted_chart,
    width_chart,
)
from forecasting.plots.forecast import forecast_fan, horizon_chart
from forecasting.plots.inside import (
    attribution_chart,
    excitement_chart,
    formed_chart,
    forming_chart,
    gradient_chart,
    half_life_chart,
    input_chart,
    profile_chart,
    shock_chart,
    weight_chart,
)
from forecasting.plots.predictions import prediction_chart
from forecasting.plots.prices import price_chart
from forecasting.plots.sampling import downsample, last_rows, stretches
from forecasting.plots.search import importance_chart, parallel_chart, search_chart
from forecasting.plots.spread import seed_band_chart, seed_scores_chart
from forecasting.plots.template import CONFIG, HEIGHT, SHORT, TALL, colours, describe
from forecasting.plots.training import loss_chart

__all__ = [
    "CONFIG",
    "HEIGHT",
    "SHORT",
    "TALL",
    "attribution_chart",
    "colours",
    "coverage_chart",
    "curves_chart",
    "describe",
    "distribution_chart",
    "downsample",
    "error_chart",
    "evidence_chart",
    "excitement_chart",
    "folds_chart",
    "forecast_fan",
    "formed_chart",
    "forming_chart",
    "gradient_chart",
    "group_chart",
    "half_life_chart",
    "horizon_chart",
    "importance_chart",
    "input_chart",
    "lag_chart",
    "last_rows",
    "loss_chart",
    "move_chart",
    "overlay_chart",
    "parallel_chart",
    "prediction_chart",
    "price_chart",
    "profile_chart",
    "risk_chart",
    "search_chart",
    "seed_band_chart",
    "seed_scores_chart",
    "share_chart",
    "shifted_chart",
    "shock_chart",
    "stretches",
    "weight_chart",
    "width_chart",
]
