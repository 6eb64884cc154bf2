"""What happens inside a trained network, from its saved weights and its cell's own equations, in NumPy.

window: from prices to the numbers that enter · gates: gates, states, the equation of a step · attribution: which days
mattered · through_time: gradients by lag · memory: half-lives and shocks · units: what each unit does · replay: learning from
snapshots · browser: the network as JSON, and the forward pass that a browser's is tested against · examples: trained
networks of the samples that ship with the project
"""

from forecasting.inside.attribution import BASELINES, Attributions, attributions, profile
from forecasting.inside.browser import WhatIf, check_what_if, export_network, export_window, what_if
from forecasting.inside.examples import EXAMPLES, load_example
from forecasting.inside.gates import Equation, equations, gates, order_units, symbols
from forecasting.inside.memory import Memory, half_life, memory
from forecasting.inside.replay import QUANTILES, Replay, Start, replay, start_of
from forecasting.inside.through_time import GradientsByLag, gradients_by_lag
from forecasting.inside.units import FOLLOWED, exciting_windows, units
from forecasting.inside.window import Window, days, find_origin, inspect

__all__ = [
    "BASELINES", "EXAMPLES", "FOLLOWED", "QUANTILES", "Attributions", "Equation", "GradientsByLag", "Memory", "Replay", "Start",
    "WhatIf", "Window", "attributions", "check_what_if", "days", "equations", "exciting_windows", "export_network",
    "export_window", "find_origin", "gates", "gradients_by_lag", "half_life", "inspect", "load_example", "memory",
    "order_units", "profile", "replay", "start_of", "symbols", "units", "what_if",
]
