"""What the Forecast page is asked to show, as the session holds it and the page's address says it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

__all__ = ["ForecastView", "Wish", "read_view"]


@dataclass(frozen=True)
class ForecastView:
    """What the sidebar's widgets say; the defaults stand for what is usual.

    steps: how many, None for as many as the run usually shows
    guarded: departs from naive only as far as the evidence gate allows
    refit: train on all rows first; does not apply to a day in the past
    as_of: the day on which the forecast is made, None for the last row
    combined: by the run together with ridge regression and boosting, not by the run alone
    """

    steps: int | None = None
    guarded: bool = True
    refit: bool = True
    as_of: date | None = None
    combined: bool = False

    def to_text(self) -> str | None:
        """The fields that differ from their defaults, for the address; None if all are as usual."""
        said = {"steps": self.steps, "as_of": self.as_of and self.as_of.isoformat()}
        said = {name: value for name, value in said.items() if value is not None}
        said |= {name: False for name in ("guarded", "refit") if not getattr(self, name)}
        said |= {"combined": True} if self.combined else {}
        return json.dumps(said, separators=(",", ":")) if said else None


@dataclass(frozen=True)
class Wish:
    """A view of a certain run: the number of steps, and the row to forecast from (its timestamp; None for the last)."""

    steps: int
    guarded: bool
    refit: bool
    as_of: str | None
    combined: bool = False


def read_view(text: str | None) -> tuple[ForecastView, str | None]:
    """The inverse of `ForecastView.to_text`: (the view, with the default for each bad value; what is wrong, or None)."""
    if not text:
        return ForecastView(), None
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return ForecastView(), f"The forecast in the address is damaged. Received: {text[:60]}. The usual one is shown."
    readers = {"steps": _steps, "guarded": _flag, "refit": _flag, "as_of": _day, "combined": _flag}
    good, bad = {}, []
    for name, value in said.items():
        try:
            good[name] = readers[name](value)
        except (KeyError, ValueError):
            bad.append(f"{name[:20]}={json.dumps(value)[:40]}")
    if not bad:
        return ForecastView(**good), None
    return ForecastView(**good), (f"The address asks for a forecast that cannot be. Received: {', '.join(bad[:5])}. "
                                  "The usual is shown in its place.")


def _steps(value) -> int:
    from forecasting.result import MAX_STEPS

    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_STEPS:
        raise ValueError(f"a whole number from 1 to {MAX_STEPS}")
    return value


def _flag(value) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _day(value) -> date:
    if not isinstance(value, str):
        raise ValueError("a day such as 2012-05-31")
    return date.fromisoformat(value)
