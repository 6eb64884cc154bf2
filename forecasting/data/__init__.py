"""From a file, a ticker or a sample to a `PriceHistory`, and on to the dates that follow it."""
