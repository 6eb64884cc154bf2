"""Tables that are written across the page, turned into one row a date."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.files.cells import looks_like_date
from forecasting.data.files.delimited import Grid
from forecasting.data.files.headers import Column, Table
from forecasting.data.files.vocabulary import month_number

__all__ = ["dates_down", "months_down"]

_MOST_SERIES = 200


def dates_down(grid: Grid) -> Grid:
    """A row for each date of a grid that has its dates side by side in a row; other grids as they are."""
    if grid.frame.shape[1] < 10 or len(grid.frame) > _MOST_SERIES:
        return grid
    for row in grid.frame.iloc[:5, :1000].itertuples(index=False, name=None):
        filled = [cell for cell in row if cell]
        if len(filled) >= 10 and sum(looks_like_date(cell, whole_numbers=False) for cell in filled) >= 0.8 * len(filled):
            native = grid.native.T.reset_index(drop=True) if grid.native is not None else None
            return replace(grid, frame=grid.frame.T.reset_index(drop=True), native=native,
                           notes=(*grid.notes, "The table was turned: its dates stand side by side."))
    return grid


def months_down(table: Table) -> Table:
    """A row for each month of a table with a row for each year and a column for each month; other tables as they are."""
    years = table.with_role("year", "date")[:1]
    months = {month_number(column.name): column.position for column in table.columns}
    if not years or set(months) - {None} != set(range(1, 13)):
        return table
    year = table.frame[years[0].position]
    if year.str.fullmatch("[0-9]{4}").mean() < 0.9:
        return table
    positions = [months[number] for number in range(1, 13)]
    year_by_year = np.arange(12 * len(year)).reshape(12, -1).T.ravel()  # from month by month
    dates = pd.concat([year + f"-{number:02}" for number in range(1, 13)])
    values = pd.concat([table.frame[position] for position in positions])
    native = None
    if table.native is not None:
        native = pd.DataFrame({0: False, 1: pd.concat([table.native[position] for position in positions])})
        native = native.iloc[year_by_year].reset_index(drop=True)
    return replace(table, frame=pd.DataFrame({0: dates, 1: values}).iloc[year_by_year].reset_index(drop=True), native=native,
                   columns=(Column(0, "Month", "date"), Column(1, "Value", "price")),
                   notes=(*table.notes, "The columns for the months were put below one another."))
