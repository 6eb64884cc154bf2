# ruff: noqa
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from forecasting.data.files.cells import looks_like_date, is_missing
from forecasting.data.files.shapes import clock_of, outline
from forecasting.data.files.dates import FIRST_YEAR, LAST_YEAR, ORDERS, Reading, order_named, as_quarters, with_long_minguo_years

from forecasting.data.files import dates as _d
from forecasting.data.files import stamps as _s
from forecasting.data.files.cells import is_missing
from forecasting.data.files.dates import (
    as_quarters,
    with_long_minguo_years,
)
from forecasting.data.files.shapes import clock_of
from forecasting.data.files.wording import shown


@dataclass(frozen=True)
class Clocks:
    values: pd.Series
    ends: bool = False


def read_dates(text, order=None, *, today=None, epoch_1904=False, taiwanese=False, quarters=False):
    q = as_quarters(text)
    notes = ()
    if q is not None and quarters:
        text = q
    else:
        text, example = with_long_minguo_years(text, taiwanese)
        if example:
            notes = (f"Years were read in the calendar of the Republic of China, e.g. {shown(example)}; 100 is 2011.",)
    return [replace(r, notes=(*r.notes, *notes)) for r in
            _s.read_stamps(text, order, epoch_1904=epoch_1904) or _d.read_dates(text, order)]


def may_be_quarters(text):
    quarters = as_quarters(text)
    if quarters is None:
        return False
    distinct = pd.Series(quarters.unique()).str.extract("^([0-9]{4})Q([1-4])$")
    return distinct[0].nunique() > 1 and distinct[1].nunique() == 4


def read_clocks(text, *, ends=False):
    codes, distinct = pd.factorize(text)
    cells = list(distinct)
    numbers = [int(cell) for cell in cells if cell.isdecimal()]
    if len(numbers) < sum(map(bool, cells)):
        found = [clock_of(cell) for cell in cells]
    elif max(numbers, default=0) <= 24:
        found = [int(cell) * 3_600_000_000 if cell else None for cell in cells]
    else:
        width = 6 if max(numbers) > 2400 or max(map(len, cells)) > 4 else 4
        found = [clock_of(cell.zfill(width)) if cell else None for cell in cells]
    if any(f is None for f, c in zip(found, cells) if not is_missing(c)):
        return None
    micros = np.array([np.nan if f is None else f for f in found])[codes]
    return Clocks(pd.to_timedelta(pd.Series(micros), unit="us"), ends)
