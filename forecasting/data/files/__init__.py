"""Prices from files that people have: `read_prices`.

container: path, bytes or archive -> the bytes of one file · encoding: bytes -> UTF-8 · delimited, excel: -> cells ·
headers: cells -> a table with named columns · date_forms, clock_forms: text -> dates and times of day · calendar_words: months
and weekdays in all languages · number_forms: text -> floats ·
pick_dates, pick_prices: which columns · reader: all of it, cleaned, as a PriceHistory · vocabulary: words of exporters
"""

from forecasting.data.files.container import MAX_BYTES
from forecasting.data.files.reader import read_every_series, read_prices

__all__ = ["MAX_BYTES", "read_every_series", "read_prices"]
