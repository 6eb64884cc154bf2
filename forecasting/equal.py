"""Equality of values that hold arrays and tables, for which == gives no single answer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

__all__ = ["equal", "equal_fields"]


def equal(one, other) -> bool:
    """Whether two values are the same, bit for bit: arrays and tables by their contents (NaN equals NaN), others by ==."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(
            one, other, equal_nan=one.dtype.kind in "fc")
    if isinstance(one, pd.DataFrame | pd.Series | pd.Index):
        return type(one) is type(other) and one.equals(other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def equal_fields(one, other):
    """`__eq__` of a dataclass some of whose fields are arrays or tables: its fields with `compare=True` are `equal`."""
    if type(one) is not type(other):
        return NotImplemented
    return all(equal(getattr(one, field.name), getattr(other, field.name))
               for field in dataclasses.fields(one) if field.compare)
