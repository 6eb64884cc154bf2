"""Drives experiments: creates the children that their kinds plan, and ends them.

All of its state is in the store. What it keeps in memory only saves work and may be lost at any moment: each child has a
key of its own, and so is never created twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from forecasting.errors import ForecastingError, LimitReached, RunError, StoreUnavailable, TooLarge
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.kind import Child, Experiment, Planned
from forecasting.runs.ledger import MOST_LOST, MOST_SETBACKS
from forecasting.runs.records import Run

__all__ = ["Conductor"]

AHEAD = 20  # most children of one experiment in the queue, since each look at the queue reads all of it

INTERNAL = ("This experiment stopped on an internal error ({}); the engine's log has the details. What was trained until then "
            "is kept.")
UNKNOWN_KIND = ("This version of the app knows no experiment of this kind. Update the app, or start another experiment. "
                "Received: {!r}.")
NOTHING = "This experiment had nothing to train. Start it again with other options."
NO_RESULT = "None of its trainings has a result. The error of the first one: {}"

log = logging.getLogger(__name__)


@dataclass
class _Memory:
    """What is remembered of one experiment.

    plan: the children still to be created; asked: how many had ended when the plan was made, and the options then
    made: keys of those created; problem: why the experiment failed
    """

    plan: Iterator[Planned] | None = None
    asked: tuple[int, dict] | None = None
    made: set[str] = field(default_factory=set)
    problem: str | None = None


class Conductor:
    """Drives all experiments of this home. ledger: the store"""

    def __init__(self, ledger):
        self._ledger = ledger
        self._memories: dict[str, _Memory] = {}
        self._workers = 1

    def move(self, workers: int = 1):
        """Moves every running experiment on by a step. Raises StoreUnavailable; the next call makes up for it.

        workers: how many runs can be computed at once
        """
        self._workers = workers
        at_work = self._ledger.experiments_at_work()
        self._memories = {run.id: self._memories.get(run.id) or _Memory() for run in at_work}
        for run in at_work:
            memory = self._memories[run.id]
            try:
                children = self._ledger.children(run)
                # An error while creating children is handled by the next call, which knows what was created before it.
                act = self._wind_up if run.stopping or memory.problem else self._make
                act(run, children, memory)
            except StoreUnavailable:
                raise
            except RunError as error:  # e.g. somebody deleted a child in MLflow; that must not block the other experiments
                log.warning("Experiment %s: %s", run.id, error)

    def _make(self, run: Run, children: list[Run], memory: _Memory):
        """Queues as many planned children as can soon be computed, and ends the experiment once all is done."""
        for child in children:
            if self._goes_on(child):
                log.info("Run %s goes on, as a part of experiment %s", child.id, run.id)
                self._ledger.go_on(child)
        memory.made |= {child.key for child in children if child.key}
        ended = [child for child in children if not child.active and not self._goes_on(child)]
        waiting = sum(child.state == "scheduled" for child in children)
        now = len(ended), run.parameters
        if memory.asked and memory.asked[1] != run.parameters:
            memory.plan = memory.asked = None
        try:
            self._prune(run, children)
            while waiting < AHEAD:
                if memory.plan is None:
                    if memory.asked == now:
                        break  # nothing has changed since, so the plan is still the same
                    memory.plan, memory.asked = self._plan(run, children, ended), now
                planned = next(memory.plan, None)
                if planned is None:
                    memory.plan = None
                elif planned.key not in memory.made:
                    waiting += self._create(run, planned)
                    memory.made.add(planned.key)
        except StoreUnavailable:
            memory.plan = memory.asked = None
            raise
        except ForecastingError as error:
            memory.problem = str(error)
        except Exception as error:
            log.exception("Experiment %s failed", run.id)
            memory.problem = INTERNAL.format(type(error).__name__)
        else:
            if memory.plan is None and not waiting and len(ended) == len(children) and not run.parameters.get("paused"):
                self._end(run, children)

    def _create(self, run: Run, planned: Planned) -> bool:
        """Creates a child, and returns whether it waits to be computed. One that may not be has failed: others can go on."""
        about = {"kind": planned.kind, "name": planned.name, "owner": run.owner, "parent": run.id,
                 "parameters": planned.parameters, "key": planned.key}
        try:
            self._ledger.create(planned.history, planned.config, **about)
        except (TooLarge, LimitReached) as error:
            self._ledger.note_refused(planned.history, planned.config, str(error), **about)
            return False
        return True

    def _plan(self, run: Run, children: list[Run], ended: list[Run]) -> Iterator[Planned]:
        kind = EXPERIMENTS.get(run.experiment or "")
        if kind is None:
            raise ForecastingError(UNKNOWN_KIND.format(run.experiment))
        experiment = self._as_experiment(run, children)
        gone = {child.id for child in ended}
        return iter(kind.plan(run.parameters, [child for child in experiment.children if child.run.id in gone], experiment))

    def _prune(self, run: Run, children: list[Run]):
        """Stops the children that their kind gives up."""
        kind = EXPERIMENTS.get(run.experiment or "")
        if kind is None:
            return
        for run_id, reason in kind.watch(run.parameters, self._as_experiment(run, children)).items():
            log.info("Run %s is stopped by experiment %s: %s", run_id, run.id, reason)
            self._ledger.request_stop(run_id, reason)

    def _as_experiment(self, run: Run, children: list[Run]) -> Experiment:
        return Experiment(run, self._ledger, [Child(child, self._ledger.result) for child in children], workers=self._workers)

    def _end(self, run: Run, children: list[Run]):
        problem = None
        if not children:
            problem = NOTHING
        elif not any(child.has_result for child in children):
            problem = NO_RESULT.format(children[0].error or "it was stopped.")
        log.info("Experiment %s ended", run.id)
        self._ledger.end(run.id, "failed" if problem else "finished", problem)

    def _wind_up(self, run: Run, children: list[Run], memory: _Memory):
        """Stops the children, and ends the experiment only once all have: deleting an ended experiment deletes its children."""
        active = [child for child in children if child.active]
        for child in active:
            if not child.stopping:
                self._ledger.request_stop(child.id)
        if not active:
            log.info("Experiment %s was stopped", run.id)
            self._ledger.end(run.id, "stopped" if memory.problem is None else "failed", memory.problem)

    @staticmethod
    def _goes_on(child: Run) -> bool:
        """Whether a child that ended with the app is queued again, to resume from its backup."""
        return child.resumable and not child.stop and child.lost < MOST_LOST and child.attempt <= MOST_SETBACKS
