"""Train: settings, a live training, and what it predicts."""

from forecasting.model.config import describe_difference
from forecasting.model.preprocessing import check_history
from pages.components.frame import page, series_line
from pages.components.live import ACTIVE, current_run, draw_buttons, draw_live
from pages.components.network import draw_network
from pages.components.results import draw_result
from pages.components.settings import draw_settings

with page("Train", "Train a recurrent network on these prices and see what it predicts on days it never saw.") as state:
    series_line(state)
