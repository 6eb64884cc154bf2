"""What a forecast is worth, from its predictions alone.

metrics, scores: formulas, and the list that pages show · comparison, spread: better beyond luck? · verdict, judgement: that in
words · gate: how much of the network's move the evidence carries · intervals: how wide, and whether they hold ·
baselines, backtest: other forecasts, other days · diagnostics: errors from every side · learning, causes: how a training ended,
what went wrong, and settings that help
"""
