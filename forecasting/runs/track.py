"""The track record: forecasts kept when they are made, and scored once by prices that came later.

A forecast is kept with its date and settings, a small file each. When prices are opened that continue the same series, each
step that they reach is scored and never changed again: the only test that nothing can leak into. A step counts as made before
the fact if its forecast was made before the day of its price began.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.data.history import PriceHistory
from forecasting.data.tickers import interval_of
from forecasting.errors import StoreUnavailable
from forecasting.paths import home, write_atomically
from forecasting.runs.tracking import writing

log = logging.getLogger(__name__)

__all__ = ["Kept", "TrackRecord", "overview", "record_table", "record_words", "to_fetch"]

TAIL = 20           # prices before a forecast that tell its series again
FEWEST_ALIKE = 5    # of these, a newer history must have so many
TOLERANCE = 1e-4    # relative: adjusting for a dividend changes all earlier prices by one factor, and rounds them
LOCK_SECONDS = 10.0
FAR_EAST = pd.Timedelta(hours=14)  # how far a clock may be ahead of UTC
BOUNDS = ("lower_80", "upper_80", "lower_95", "upper_95")


@dataclass(frozen=True)
class Kept:
    """A forecast that was kept.

    about: who made it, when, from which prices (their name, source, last date and price, and the tail before it) and how
    rows: a dict for each step: date, predicted, the bounds, made (UTC), and once it is scored actual, actual_date, scored and
        before (whether it was made before the fact); these are None until then
    """

    id: str
    about: dict
    rows: list[dict]

    @property
    def open(self) -> bool:
        """Whether a step is still to be scored."""
        return any(row["actual"] is None for row in self.rows)


class TrackRecord:
    """The forecasts kept in this home. owner: only those of this person; None for all"""

    def __init__(self, owner: str | None = None):
        self._owner = owner

    def keep(self, history: PriceHistory, forecast: pd.DataFrame, *, run: str, settings: dict, guarded: bool, refit: bool,
             combined: bool = False, owner: str = "", now: pd.Timestamp | None = None) -> Kept:
        """Keeps a forecast from the last row of `history`; one that is kept already only gets the steps that it lacks.

        forecast: index the future dates; predicted and the bounds, a row a step
        run: id of the run that it comes from; settings: of that run, JSON-able
        guarded, refit, combined: as on the Forecast page; now: when it is made, this moment by default
        """
        made = _text(now or pd.Timestamp.now("UTC"))
        said = [owner, run, history.fingerprint, guarded, refit, *(["combined"] if combined else [])]
        name = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]
        path = _folder() / f"{name}.json"
        known = _read(path)
        if known is not None and len(known.rows) >= len(forecast):
            return known
        with _alone():
            known = _read(path)
            about = known.about if known else {
                "owner": owner, "made": made, "run": run, "settings": settings, "guarded": guarded, "refit": refit,
                "combined": combined,
                "series": history.name, "source": history.source, "origin": history.origin, "currency": history.currency,
                "unit": words.unit(history.frequency), "within_day": history.frequency.seconds is not None,
                "request": _request(history),
                "last_date": _text(history.dates[-1]), "last": float(history.close[-1]),
                "tail": [[_text(day), float(price)] for day, price in zip(history.dates[-TAIL:], history.close[-TAIL:],
                                                                         strict=True)]}
            rows = known.rows if known else []
            for day, values in forecast.iloc[len(rows):].iterrows():
                rows.append({"date": _text(day), "made": made, **{key: float(values[key]) for key in ("predicted", *BOUNDS)},
                             "actual": None, "actual_date": None, "scored": None, "before": None})
            kept = Kept(name, about, rows)
            _write(path, kept)
        return kept

    def list(self) -> list[Kept]:
        """Every kept forecast, newest first."""
        found = [kept for path in _folder().glob("*.json") if (kept := _read(path)) is not None
                 and self._owner in (None, kept.about["owner"])]
        return sorted(found, key=lambda kept: kept.about["made"], reverse=True)

    def score(self, history: PriceHistory, now: pd.Timestamp | None = None) -> int:
        """Scores every step that `history` reaches, of forecasts of the same series. Returns how many steps that were.

        now: when that is, this moment by default
        """
        if not any(kept.open and _rows_after(kept, history) for kept in self.list()):
            return 0
        scored, when = 0, _text(now or pd.Timestamp.now("UTC"))
        with _alone():
            for kept in self.list():  # read again, since another session may have scored them
                reached = _rows_after(kept, history) if kept.open else None
                if reached is None:
                    continue
                before, (dates, prices) = scored, reached
                for row, day, price in zip(kept.rows, dates, prices, strict=False):
                    if row["actual"] is None:
                        row |= {"actual": float(price), "actual_date": _text(day), "scored": when,
                                "before": _is_before(pd.Timestamp(row["made"]), day, kept.about["within_day"])}
                        scored += 1
                if scored > before:
                    _write(_folder() / f"{kept.id}.json", kept)
        return scored


def record_table(kept: Iterable[Kept]) -> pd.DataFrame:
    """A row for each step of each forecast, oldest first, for the CSV. Undefined values are None or NaN."""
    lines = []
    for one in kept:
        about = one.about
        for step, row in enumerate(one.rows, start=1):
            scored = row["actual"] is not None
            lines.append({
                "Series": about["series"], "Source": about["source"], "Currency": about["currency"], "Made": row["made"],
                "From": about["last_date"], "Last price": about["last"], "Step": step, "Date": row["date"],
                "Predicted": row["predicted"],
                **{name.replace("_", " ").capitalize(): row[name] for name in BOUNDS},
                "Actual date": row["actual_date"], "Actual": row["actual"], "Scored": row["scored"],
                "Before the fact": row["before"],
                "In 80": _inside(row, 80) if scored else None, "In 95": _inside(row, 95) if scored else None,
                "Guarded": about["guarded"], "Refitted": about["refit"], "Made by": _maker(about), "Run": about["run"],
                "Settings": json.dumps(about["settings"], sort_keys=True)})
    table = pd.DataFrame(lines, columns=list(lines[0]) if lines else ["Series", "Made", "Step"])
    return table.sort_values(["Made", "Series", "Step"], kind="stable", ignore_index=True)


def record_words(kept: Sequence[Kept]) -> str:
    """How the forecasts did, in a sentence or two."""
    rows = [(row, one.about["last"]) for one in kept for row in one.rows if row["actual"] is not None]
    early = [(row, last) for row, last in rows if row["before"]]
    waiting = sum(one.open for one in kept)
    if not early:
        text = "No price has come yet that a kept forecast was made before." if kept else (
            "No forecast is kept yet: each one made from the last row is, from now on.")
    else:
        text = f"{words.count_of(len(early), 'forecast')} made before the fact: {_record_of(early)}."
    if len(rows) > len(early):
        others = len(rows) - len(early)
        text += (f" {words.count(others)} more, of days that had begun when the forecast was made, "
                 f"{'is' if others == 1 else 'are'} not counted.")
    if waiting:
        text += f" {words.count_of(waiting, 'kept forecast')} {'waits' if waiting == 1 else 'wait'} for prices."
    return text


def _record_of(rows) -> str:
    held = float(np.mean([_inside(row, 80) for row, _ in rows]))
    unit = [abs(last) or 1.0 for _, last in rows]
    ours, naive = (float(np.sqrt(np.mean([((row["actual"] - (row["predicted"] if own else last)) / one) ** 2
                                          for (row, last), one in zip(rows, unit, strict=True)]))) for own in (True, False))
    beside = f"error {words.number(ours / naive)} of naive" if naive else "naive made no error"
    return f"80 % interval held {words.share(held, digits=0)}, {beside}"


def overview(kept: Iterable[Kept]) -> pd.DataFrame:
    """A row for each forecast, newest first: Series, Made, From, Steps, Scored, and how those made before the fact did."""
    lines = []
    for one in kept:
        early = [(row, one.about["last"]) for row in one.rows if row["before"]]
        lines.append({"Series": one.about["series"], "Made by": _maker(one.about),
                      "Made": words.date(one.about["made"], time=False),
                      "From": words.date(one.about["last_date"]), "Steps": len(one.rows),
                      "Scored": sum(row["actual"] is not None for row in one.rows),
                      "Before the fact": len(early), "Record": _record_of(early) if early else words.UNKNOWN})
    return pd.DataFrame(lines, columns=["Series", "Made by", "Made", "From", "Steps", "Scored", "Before the fact", "Record"])


def _maker(about) -> str:
    return "Combination" if about.get("combined") else "Run"  # the first version knew runs alone


def to_fetch(kept: Iterable[Kept]) -> dict[tuple[str, bool, str], tuple[str, ...]]:
    """{(interval, adjusted, first day): tickers} that open forecasts wait for, from a day on that tells each series again."""
    wanted: dict[tuple[str, bool], dict[str, str]] = {}
    for one in kept:
        if one.open and (request := one.about["request"]) is not None:
            symbols = wanted.setdefault((request["interval"], request["adjusted"]), {})
            start = one.about["tail"][0][0][:10]
            symbols[one.about["series"]] = min(start, symbols.get(one.about["series"], start))
    return {(*key, min(symbols.values())): tuple(sorted(symbols)) for key, symbols in sorted(wanted.items())}


def _inside(row, level) -> bool:
    return row[f"lower_{level}"] <= row["actual"] <= row[f"upper_{level}"]


def _is_before(made: pd.Timestamp, when: pd.Timestamp, within_day: bool) -> bool:
    """Whether a forecast was made (UTC) before the day of a price began, or before its time wherever in the world it is."""
    made = made.tz_localize(None)
    return made + FAR_EAST < when if within_day else made < when.normalize()


def _request(history: PriceHistory) -> dict | None:
    """How to fetch the series again, or None where it cannot be."""
    interval = interval_of(history)
    if history.origin != "ticker" or interval is None:
        return None
    return {"interval": interval, "adjusted": not any("not for dividends" in note for note in history.notes)}


def _rows_after(kept: Kept, history: PriceHistory) -> tuple[pd.DatetimeIndex, np.ndarray] | None:
    """(dates, prices) that followed the forecast, in the unit of its own prices; None without any, or for another series."""
    tail = pd.Series(dict(kept.about["tail"]))
    tail.index = pd.DatetimeIndex(tail.index)
    last = tail.index[-1]
    if words.unit(history.frequency) != kept.about["unit"] or not history.dates[0] <= last < history.dates[-1]:
        return None
    at = history.dates.get_indexer([last])[0]
    if at < 0:
        return None
    tail = tail[tail.index >= history.dates[0]]
    now = history.close[at + 1 - len(tail) : at + 1]
    same_days = tail.index.equals(history.dates[max(0, at + 1 - len(tail)) : at + 1])
    if len(tail) < min(FEWEST_ALIKE, len(kept.about["tail"])) or not same_days:
        return None
    before, factor = tail.to_numpy(), 1.0
    if before[-1] > 0 and now[-1] > 0:
        factor = before[-1] / now[-1]
    if not np.allclose(now * factor, before, rtol=TOLERANCE, atol=0):
        return None
    return history.dates[at + 1 :], history.close[at + 1 :] * factor


def _folder() -> Path:
    folder = home() / "track"
    with writing():
        folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def _alone():
    """Keeps all other sessions of this home out, so that no step is scored twice."""
    from locket import LockError, lock_file

    try:
        with writing(), lock_file(str(home() / "track.lock"), timeout=LOCK_SECONDS):
            yield
    except LockError:
        raise StoreUnavailable("Other pages have been busy with the track record for too long. "
                               "Try again in a moment.") from None


def _read(path: Path) -> Kept | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Kept(path.stem, said["about"], said["rows"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        log.warning("The kept forecast %s cannot be read: %s", path.name, error)
        return None


def _write(path: Path, kept: Kept):
    write_atomically(path, json.dumps({"about": kept.about, "rows": kept.rows}, allow_nan=False).encode())


def _text(when: pd.Timestamp) -> str:
    return pd.Timestamp(when).isoformat()
