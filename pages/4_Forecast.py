"""Forecast: what comes next, and how sure that is."""

from pages.components.forecast import draw_forecast, draw_forecast_settings
from pages.components.frame import page
from pages.components.runs import choose_result

with page("Forecast", "What this network expects next, how sure that is, and how far it can see.") as state:
    run, result = choose_result(state)
    if result is not None:
        draw_forecast(state, run, result, draw_forecast_settings(result))
