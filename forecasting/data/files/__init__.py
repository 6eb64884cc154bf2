"""Prices from files that people have: `read_prices`.

container: path, bytes or archive -> the bytes of one file · encoding: bytes -> UTF-8 · grid, excel, frames: -> cells ·
layout: cells -> a table with named columns and a row for each date · names, vocabulary: what a name says · date_forms,
clock_forms, number_forms: what a column of text is, as dates, times of day or floats · calendar_words: months and weekdays in
all languages · pick_dates, picking, pick_known: which columns · apply: cleaned prices · silent_errors: what refuses wrong
ones · decisions: what was given, taken or must be asked · reader: all of it, as a PriceHistory
"""

from forecasting.data.files.container import MAX_BYTES
from forecasting.data.files.reader import read_every_series, read_prices

__all__ = ["MAX_BYTES", "read_every_series", "read_prices"]
