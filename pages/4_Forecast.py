"""Forecast: what comes next, and how sure that is."""

from pages.components.forecast import draw_forecast, draw_forecast_settings
from pages.components.frame import boundary, page, series_line
from pages.components.runs import choose_result
from pages.components.track import draw_track

with page("Forecast", "What this network expects next, how sure that is, and how far it can see.") as state:
    run, result = choose_result(state)
    if result is not None:
        series_line(result.history)
        draw_forecast(state, run, result, draw_forecast_settings(state, result))
    with boundary():
        draw_track(state)
