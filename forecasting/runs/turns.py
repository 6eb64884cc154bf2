"""Who is next: owners take turns, and each owner's runs go by rank, usually oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["MEMORY", "in_turn", "served"]

MEMORY = 40  # how many owners' last turns are remembered


def in_turn(waiting: Iterable[tuple], recent: Sequence[str]) -> list[str]:
    """The order in which waiting runs get a free worker.

    waiting: (run id, owner, rank, ...); each owner's runs go in the order of their ranks, e.g. by how long they have waited
    recent: owners in the order of their last turns, the latest at the end; an owner not in it goes first
    returns the run ids, next one first

    An owner with a single run waits for at most one run of each other owner, however many those have queued.
    """
    queues: dict[str, list[tuple]] = {}
    for run_id, owner, rank, *_ in waiting:
        queues.setdefault(owner, []).append((rank, run_id))
    for queue in queues.values():
        queue.sort()
    last_turn = {owner: i for i, owner in enumerate(recent)}
    owners = sorted(queues, key=lambda owner: (last_turn.get(owner, -1), queues[owner][0]))
    rounds = max((len(queue) for queue in queues.values()), default=0)
    return [queues[owner][i][1] for i in range(rounds) for owner in owners if i < len(queues[owner])]


def served(recent: Sequence[str], owner: str) -> list[str]:
    """`recent` after `owner` has had a turn."""
    return [*(name for name in recent if name != owner), owner][-MEMORY:]
