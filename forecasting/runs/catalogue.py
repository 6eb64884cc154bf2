"""The local store's runs in one read.

MLflow takes over a millisecond to turn the rows of a run into its objects, so that a page would need seconds to list two
thousand runs for the first time. The same rows read from its database take a fiftieth of that. Nothing is written this
way, and a server is always asked through MLflow.
"""

from __future__ import annotations

from typing import NamedTuple

from forecasting.runs.records import PREFIX
from forecasting.runs.tracking import Tracking

__all__ = ["Found", "count_runs", "read_runs"]


class Info(NamedTuple):
    run_id: str
    run_name: str | None
    status: str
    start_time: int
    end_time: int | None


class Data(NamedTuple):
    tags: dict[str, str]


class Found(NamedTuple):
    """A run as `records.to_run` takes it; what it reads has the names that it has in MLflow's `Run`."""

    info: Info
    data: Data


def count_runs(tracking: Tracking, owner: str) -> int:
    """How many runs of this person the local store keeps, with those in the trash."""
    ((number,),), = tracking.select((
        "SELECT count(*) FROM tags JOIN runs USING (run_uuid) WHERE experiment_id = ? AND key = ? AND value = ?",
        [int(tracking.experiment), PREFIX + "owner", owner]))
    return number


def read_runs(tracking: Tracking, *, parent: str | None = None, alone: bool = False, deleted: bool = False) -> list[Found]:
    """All runs of the local store, those of other programs included, in no particular order.

    parent: only runs with this one; alone: only runs that are not part of an experiment; deleted: those in the trash instead
    """
    conditions = ["experiment_id = ?", "lifecycle_stage = ?"]
    values: list = [int(tracking.experiment), "deleted" if deleted else "active"]
    if parent is not None:
        conditions.append("run_uuid IN (SELECT run_uuid FROM tags WHERE key = ? AND value = ?)")
        values += [PREFIX + "parent", parent]
    if alone:  # earlier versions called the folds of one backtest a group
        conditions.append("run_uuid NOT IN (SELECT run_uuid FROM tags WHERE key IN (?, ?))")
        values += [PREFIX + "key", PREFIX + "group"]
    chosen = " AND ".join(conditions)
    runs, tags = tracking.select(
        (f"SELECT run_uuid, name, status, start_time, end_time FROM runs WHERE {chosen}", values),
        (f"SELECT run_uuid, key, value FROM tags WHERE run_uuid IN (SELECT run_uuid FROM runs WHERE {chosen})", values))
    found = {run_id: Found(Info(run_id, *rest), Data({})) for run_id, *rest in runs}
    for run_id, key, value in tags:
        found[run_id].data.tags[key] = value
    return list(found.values())
