"""The runs of a store as a table shows them: filtered, sorted, and with those that differ only by seed in one row."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields

from forecasting.evaluation.scores import shown_in
from forecasting.model.config import ForecastConfig
from forecasting.runs.records import Run

__all__ = ["ORDERS", "Row", "arrange", "differing_settings", "matching", "score"]

SETTINGS = tuple(one.name for one in fields(ForecastConfig))
_WITHOUT_SEED = tuple(name for name in SETTINGS if name != "seed")


@dataclass(frozen=True)
class Row:
    """A row of the table.

    id: unique in the table; run: the run, or the median one of several seeds
    members: the runs in this row, the newest first; () for a run on its own; inside: whether it belongs to the row above
    scores: {name: value} of the test part, the means over the seeds; deviations: {name: standard deviation over the seeds}
    """

    id: str
    run: Run
    scores: dict[str, float]
    members: tuple[Run, ...] = ()
    inside: bool = False
    deviations: dict[str, float] = field(default_factory=dict)

    @property
    def seeds(self) -> int:
        """How many seeds stand in this row."""
        return len({run.config.seed for run in self.members}) or 1


# {key: (label, what runs are sorted by, whether the largest comes first)}
ORDERS: dict[str, tuple[str, Callable[[Row], float | None], bool]] = {
    "newest": ("Newest first", lambda row: row.run.created.timestamp(), True),
    "oldest": ("Oldest first", lambda row: row.run.created.timestamp(), False),
    "rmse": ("Lowest RMSE", lambda row: row.scores.get("rmse"), False),
    "skill": ("Highest skill", lambda row: row.scores.get("skill"), True),
    "seconds": ("Shortest time", lambda row: row.run.seconds, False),
}


def score(run: Run) -> dict[str, float]:
    """The scores of a run's test part that a table of runs shows; {} for a run with a mistake of the leak lab, whose scores
    mean nothing and must not be ranked."""
    test = {} if run.config.leak else run.scores.get("test", {})
    return {name: test[name] for name in shown_in("runs") if name in test}


def matching(runs: Iterable[Run], *, text: str = "", series: str | None = None, state: str | None = None,
             tag: str | None = None, starred: bool = False) -> list[Run]:
    """The runs with all of this; what is left out excludes none.

    text: words that each appear somewhere in the name, the series, the tags or the note, in any case
    """
    words = text.casefold().split()
    return [run for run in runs
            if (series is None or run.series == series) and (state is None or run.state == state)
            and (tag is None or tag in run.tags) and (run.starred or not starred)
            and (not words or _contains(run, words))]


def _contains(run: Run, words: list[str]) -> bool:
    written = "\n".join((run.name, run.series, *run.tags, run.note)).casefold()
    return all(word in written for word in words)


def arrange(runs: Sequence[Run], *, order: str = "newest", collapse: bool = True,
            opened: Collection[str] = ()) -> list[Row]:
    """The rows of a table of these runs.

    order: one of `ORDERS`; undefined values come last
    collapse: puts finished runs with equal settings and prices and different seeds into one row
    opened: ids of such rows whose members follow them
    """
    groups = _groups(runs) if collapse else {}
    grouped = {run.id: key for key, members in groups.items() for run in members}
    rows, seen = [], set()
    for run in runs:
        key = grouped.get(run.id)
        if key is None:
            rows.append(Row(run.id, run, score(run)))
        elif key not in seen:
            seen.add(key)
            rows.append(_summary(groups[key]))
    _, value, descending = ORDERS[order]
    rows.sort(key=lambda row: _place(value(row), descending))
    return [one for row in rows for one in (row, *(_members(row) if row.id in opened else ()))]


def _place(value: float | None, descending: bool) -> tuple[bool, float]:
    if value is None or not math.isfinite(value):
        return True, 0.0
    return False, -value if descending else value


def _groups(runs: Iterable[Run]) -> dict[tuple, list[Run]]:
    """{what they share: runs} of the finished runs that differ by nothing but their seed; two seeds at least."""
    found: dict[tuple, list[Run]] = {}
    for run in runs:
        if run.state == "finished" and "rmse" in score(run):
            found.setdefault((run.fingerprint, *(getattr(run.config, name) for name in _WITHOUT_SEED)), []).append(run)
    return {key: members for key, members in found.items() if len({run.config.seed for run in members}) > 1}


def _summary(members: list[Run]) -> Row:
    """The row of several seeds. members: the newest first"""
    by_seed = {run.config.seed: run for run in reversed(members)}  # the latest of each seed counts
    runs = list(by_seed.values())
    median = sorted(runs, key=lambda run: score(run)["rmse"])[(len(runs) - 1) // 2]
    means, deviations = {}, {}
    for name in score(median):
        values = [score(run)[name] for run in runs if name in score(run)]
        means[name] = statistics.fmean(values)
        if len(values) > 1:
            deviations[name] = statistics.stdev(values)
    # The oldest member names the row, so that it stays open when another seed ends.
    return Row(f"seeds-{members[-1].id}", median, means, tuple(members), deviations=deviations)


def _members(row: Row) -> list[Row]:
    return [Row(run.id, run, score(run), inside=True) for run in row.members]


def differing_settings(rows: Iterable[Row]) -> list[str]:
    """The settings in which the runs of these rows differ; the seed does not count where several stand in one row."""
    values: dict[str, set] = {name: set() for name in SETTINGS}
    for row in rows:
        for name, found in values.items():
            if name != "seed" or not row.members:
                found.add(getattr(row.run.config, name))
    return [name for name, found in values.items() if len(found) > 1]
