"""The study of a search: what Optuna is told about its trials, what it suggests next, and which trials it gives up.

It lives in memory and is made from the trials' runs, so a restarted engine has the same one. Only the engine imports Optuna,
and the page that shows which settings mattered.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from forecasting.runs.experiments.search_space import distributions, is_inside, of_params, to_params

if TYPE_CHECKING:
    from forecasting.runs.records import Run

__all__ = ["FEWEST_FOR_IMPORTANCE", "PRUNED", "Study", "importance", "to_prune"]

FEWEST_FOR_IMPORTANCE = 20  # whole trials
BEST = 0.25  # share of the trials whose settings are compared with the others': five of the fewest
FEWEST_TO_PRUNE = 5  # whole trials that a median is taken of
PATIENCE = 1  # rungs (epochs 1, 2, 4, ...) without a better value, before a trial may be given up
MOST_COMPARED = 100  # whole trials that a median is taken of, the latest ones
PRUNED = "It was behind the median of the trials before it, and no longer improving."


class Study:
    """An Optuna study of one space.

    seed: with the number of a trial, it decides what is suggested, so that a restart changes nothing

    Trials outside the space, which may have been narrowed, are left out. A failed trial counts as a bad one, so that its
    neighbourhood is avoided, and an interrupted one says nothing about its settings.
    """

    def __init__(self, space: Mapping[str, Any], seed: int):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space, self._seed = dict(space), seed
        self._distributions = distributions(space)
        self._optuna = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
        self._numbers: dict[str, int] = {}  # {key of a run: number of its Optuna trial}
        self._ended: set[str] = set()

    @property
    def trials(self) -> list:
        """Optuna's trials, oldest first."""
        return self._optuna.get_trials(deepcopy=False)

    def follow(self, runs: Iterable[Run]) -> bool:
        """Takes note of trials that are new or have ended. False if the runs are not those it knows: make another study."""
        inside = {str(run.key): run for run in runs if is_inside(self.space, run.parameters["settings"])}
        if not self._numbers.keys() <= inside.keys():
            return False
        for key, run in sorted(inside.items()):
            state, value, steps = outcome(run)
            if key not in self._numbers:
                self._numbers[key] = len(self._optuna.get_trials(deepcopy=False))
                self._optuna.add_trial(self._frozen(run, state, value, steps))
            elif key not in self._ended and state.is_finished():
                self._tell(self._numbers[key], state, value, steps)
            elif key in self._ended and not state.is_finished():
                return False  # it was resumed
            if state.is_finished():
                self._ended.add(key)
        return True

    def suggest(self, key: str, number: int) -> dict:
        """Settings for the trial with this number, whose run will have this key; the study then takes it to be running."""
        import optuna

        self._optuna.sampler = optuna.samplers.TPESampler(seed=(self._seed * 100_003 + number) % 2**32)
        trial = self._optuna.ask(self._distributions)
        self._numbers[key] = trial.number
        return of_params(self.space, trial.params)

    def _frozen(self, run, state, value, steps):
        from optuna.trial import TrialState, create_trial

        if state == TrialState.PRUNED and steps:
            value = steps[max(steps)]  # as `tell` does
        return create_trial(params=to_params(self.space, run.parameters["settings"]), distributions=self._distributions,
                            state=state, value=value, intermediate_values=steps)

    def _tell(self, number, state, value, steps):
        from optuna.trial import Trial

        trial = Trial(self._optuna, self._optuna.get_trials(deepcopy=False)[number]._trial_id)
        for step, reported in steps.items():
            trial.report(reported, step)
        self._optuna.tell(number, value, state)


def outcome(run: Run) -> tuple:
    """(Optuna's state, value, {rung: best value so far}) of a trial's run."""
    from optuna.trial import TrialState

    steps = dict(enumerate(run.progress.get("values") or ()))
    if run.active:
        return TrialState.RUNNING, None, {}
    value = run.scores.get("folds", {}).get("value")
    if run.state == "finished" and value is not None:
        return TrialState.COMPLETE, value, steps
    if run.state == "interrupted" or (run.state == "stopped" and not steps):
        return TrialState.FAIL, None, steps
    return TrialState.PRUNED, None, steps


def to_prune(ended: Sequence[Run], running: Sequence[Run]) -> list[str]:
    """Keys of the running trials that are hopeless: behind the median of the whole ones at the same rung, and not improving.

    Values are the best so far, so Optuna's `PatientPruner`, which waits for values that get worse, would never act on them.
    """
    import optuna
    from optuna.trial import TrialState, create_trial

    whole = [run for run in ended if run.state == "finished"][-MOST_COMPARED:]
    candidates = [run for run in running if has_stalled(run.progress.get("values") or ())]
    if len(whole) < FEWEST_TO_PRUNE or not candidates:
        return []
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    study.add_trials([create_trial(state=TrialState.COMPLETE, value=value, intermediate_values=steps)
                      for _, value, steps in map(outcome, whole)])
    pruner = optuna.pruners.MedianPruner(n_startup_trials=FEWEST_TO_PRUNE)
    return [str(run.key) for run in candidates
            if pruner.prune(study, create_trial(state=TrialState.RUNNING,
                                                intermediate_values=dict(enumerate(run.progress["values"]))))]


def has_stalled(values: Sequence[float]) -> bool:
    """Whether the best value so far has not become better for `PATIENCE` rungs."""
    return len(values) > PATIENCE and values[-1] >= values[-1 - PATIENCE]


def importance(space: Mapping[str, Any], runs: Sequence[Run]) -> dict[str, float]:
    """{setting: its share of what made trials better}, largest first; {} while there are too few trials to say.

    By PED-ANOVA: how differently the settings of the best quarter of the trials are spread (Watanabe, Bansal and Hutter 2023).
    """
    whole = [run for run in runs if run.state == "finished" and is_inside(space, run.parameters["settings"])]
    varied = {name: allowed for name, allowed in space.items()
              if isinstance(allowed, Mapping) or len(allowed) > 1}
    if len(whole) < FEWEST_FOR_IMPORTANCE or len(varied) < 2:
        return {}
    import optuna

    study = Study(varied, 0)
    study.follow(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        found = optuna.importance.get_param_importances(
            study._optuna, evaluator=optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST))
    return {name: float(value) for name, value in found.items()}
