# ruff: noqa
from forecasting.data.files.cells import containing, is_missing, looks_like_number, tidy
from forecasting.data.files.figures import Evidence, Figures, read_figures, weigh
