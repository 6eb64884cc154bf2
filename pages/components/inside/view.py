"""What the page Inside the LSTM shows, as the session holds it and the page's address says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import pandas as pd

__all__ = ["NEXT", "InsideView", "day_name", "read_inside"]

NEXT = "next"  # for the day after the last row
LARGEST = 100_000  # of a layer, a unit or a step that an address may name: more than any network has
LONGEST_NAME = 40


@dataclass(frozen=True)
class InsideView:
    """The defaults stand for what the page shows at first.

    tab: the name of what is looked at
    day: the day that is forecast: an ISO date, or `NEXT`; None for the last row
    layer, unit, step: what the pointer rests on, counting from 0; step None is the last one of the window
    example: the name of the shipped network that is shown instead of a run, or None
    baseline: what attributions compare with, one of `forecasting.inside.BASELINES`
    epoch: of the learning that is replayed, None for the last one
    lesson: the step of the lesson, counting from 0; None while it is closed
    """

    tab: str = "window"
    day: str | None = None
    layer: int = 0
    unit: int = 0
    step: int | None = None
    example: str | None = None
    baseline: str = "average"
    epoch: int | None = None
    lesson: int | None = None

    def to_text(self) -> str | None:
        """The fields that differ from their defaults, for the address; None if all are as usual."""
        usual = asdict(InsideView())
        said = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return json.dumps(said, separators=(",", ":")) if said else None


def day_name(day) -> str:
    """A day as the view and the address call it: with the time of day where it has one."""
    return f"{day:%Y-%m-%d}" if day == day.normalize() else day.isoformat()


def read_inside(text: str | None) -> tuple[InsideView, str | None]:
    """The inverse of `InsideView.to_text`: (the view, with the default for each bad value; what is wrong, or None)."""
    if not text:
        return InsideView(), None
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return InsideView(), f"What the address says about the network is damaged. Received: {text[:60]}. It is ignored."
    view, bad = InsideView(), []
    for name, value in said.items():
        try:
            view = replace(view, **{name: READERS[name](value)})
        except (KeyError, ValueError):
            bad.append(f"{name[:20]}={json.dumps(value)[:40]}")
    if not bad:
        return view, None
    return view, (f"The address asks for a view of the network that cannot be. Received: {', '.join(bad[:5])}. The usual is "
                  "shown in its place.")


def _name(value) -> str:
    if not isinstance(value, str) or not value.isidentifier() or len(value) > LONGEST_NAME:
        raise ValueError("a name")
    return value


def _day(value) -> str:
    if not isinstance(value, str):
        raise ValueError("a day such as 2012-05-31")
    if value == NEXT:
        return value
    day = datetime.fromisoformat(value)
    if day.tzinfo is not None:  # which no series has, so that the two could not be compared
        raise ValueError("a day without a time zone")
    return day_name(pd.Timestamp(day))


def _number(value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise ValueError(f"a whole number from 0 to {LARGEST}")
    return value


READERS: dict[str, Callable] = {"tab": _name, "day": _day, "layer": _number, "unit": _number, "step": _number,
                                "example": _name, "baseline": _name, "epoch": _number, "lesson": _number}
