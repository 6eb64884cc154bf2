"""Evaluate: is this forecast any good?"""

from pages.components.baselines import draw_baselines
from pages.components.error_charts import draw_errors
from pages.components.evidence import draw_evidence
from pages.components.experiment import experiment_tabs
from pages.components.frame import page, series_line
from pages.components.horizon import draw_horizon
from pages.components.intervals import draw_intervals
from pages.components.lag import draw_lag
from pages.components.risk import draw_risk
from pages.components.runs import choose_result
from pages.components.tabs import chosen_tab
from pages.components.verdict import draw_verdict

TABS = {"Baselines": draw_baselines, "Evidence": draw_evidence, "Lag": draw_lag, "Errors": draw_errors, "Horizon": draw_horizon,
        "Intervals": draw_intervals, "Risk": draw_risk} | experiment_tabs()

with page("Evaluate", "Does the model know anything that yesterday's price does not?") as state:
    run, result = choose_result(state)
    if result is not None:
        series_line(result.history)
        draw_verdict(run, result)
        chosen_tab("evaluate_tab", TABS)(run, result)
