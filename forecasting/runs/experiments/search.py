"""Search: settings tried on folds before the test part, and an honest winner.

It goes by stages, each a kind of child, named by the beginning of its key:

    trial-0007      a trial on the search's folds; trial 1 is always *Recommended*
    final-0007-2    trial 7 again, on the folds between, with new seeds: the five best, and *Recommended*
    test-0007       trial 7 on the real split, whose test part is read here for the first time: the winner and *Recommended*
    luck-0007       a trial on permuted returns, where any gain is luck, if that is asked for

Every stage follows from the children alone, so that a restarted engine goes on where it was, and a larger budget adds trials
to those that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.errors import ConfigError
from forecasting.evaluation.inner_folds import FOLDS, before_test, inner_folds
from forecasting.evaluation.verdict import leak_words
from forecasting.model.config import ForecastConfig
from forecasting.model.encoding import check_history
from forecasting.model.size import describe_network
from forecasting.runs.experiments.kind import ExperimentKind, Option, Planned, Summary
from forecasting.runs.experiments.search_judge import Decision, decide, expected_luck, mean_errors, permuted
from forecasting.runs.experiments.search_space import check_space, from_settings, reference, to_settings
from forecasting.runs.experiments.search_study import PRUNED, Study, to_prune
from forecasting.words import count_of, number, share

if TYPE_CHECKING:
    from forecasting.runs.experiments.kind import Child, Experiment
    from forecasting.runs.records import Run

__all__ = ["SEARCH", "Report", "Trial", "is_spent", "report", "stage_of"]

FINALISTS = 5  # beside *Recommended*
SEEDS = 3  # with which each finalist is trained again
FIRST_SEED = 1000  # how far the finalists' seeds are from the search's
MOST_TRIALS, MOST_MINUTES = 2000, 7 * 24 * 60
KEPT_STUDIES = 8

_studies: dict[tuple[str, str], Study] = {}
_decisions: dict[tuple[str, ...], Decision] = {}


@dataclass(frozen=True)
class Free(Option):
    """An option that is neither a choice nor a number. rule: raises ConfigError for a bad value"""

    rule: Any = None

    def check(self, value):
        self.rule(value)


@dataclass(frozen=True)
class Trial:
    """One trial as people see it.

    state: scheduled, running, finished, pruned, stopped, failed or interrupted
    value: RMSE / naive RMSE, a mean over its folds; folds: of each; None and () before its end
    curve: validation loss by epoch, relative to naive's, all folds in a row
    """

    number: int
    run: Run
    settings: dict
    state: str
    value: float | None
    folds: tuple[float, ...]
    curve: tuple[float, ...]


@dataclass(frozen=True)
class Report:
    """Where a search stands.

    stage: 'trial', 'final', 'test', 'luck' or 'done'
    best: the whole trial with the lowest value; reference: *Recommended*
    decision: who won, or None before the finalists have been judged
    luck: by how much the best of so many would beat *Recommended* by luck alone; permuted_gain: by how much it did on permuted
        returns; differences of values, None where not known
    tests: {number of a trial: its run on the real split}
    """

    trials: tuple[Trial, ...]
    stage: str
    best: Trial | None
    reference: Trial | None
    decision: Decision | None
    luck: float | None
    permuted_gain: float | None
    tests: dict[int, Run]

    def trial(self, number: int) -> Trial:
        return next(trial for trial in self.trials if trial.number == number)


def stage_of(run: Run) -> str:
    return str(run.key).partition("-")[0]


def report(children: Sequence[Child], experiment: Experiment) -> Report:
    """children: all of the experiment's, in any order"""
    by_stage = _by_stage(children)
    trials = tuple(_as_trial(child.run) for child in by_stage["trial"])
    best, first = _best(trials), _first(trials)
    luck = gained = None
    if first and first.value is not None:
        others = [trial.folds for trial in trials if trial.value is not None and trial.number != 1]
        luck = expected_luck(others, first.folds)
    mixed = [_as_trial(child.run) for child in by_stage["luck"]]
    best_mixed, first_mixed = _best(mixed), _first(mixed)
    if best_mixed and first_mixed and len(mixed) > 1:
        gained = _gain(first_mixed, best_mixed)
    # The engine decides, and then reads the test part; until then, finalists may be missing.
    goes_on = any(child.run.active for stage in ("trial", "final") for child in by_stage[stage])
    decision = _decision(by_stage) if by_stage["test"] and not goes_on else None
    active = {stage for stage in by_stage if any(child.run.active for child in by_stage[stage])}
    stage = next((stage for stage in ("trial", "final", "test", "luck") if stage in active),
                 "trial" if experiment.run.active and not by_stage["final"] else "done")
    tests = {child.run.parameters["of"]: child.run for child in by_stage["test"]}  # of several, the latest
    return Report(trials, stage, best, first, decision, luck, gained, tests)


def _by_stage(children) -> dict[str, list[Child]]:
    stages: dict[str, list[Child]] = {stage: [] for stage in ("trial", "final", "test", "luck")}
    for child in sorted(children, key=lambda child: str(child.run.key)):
        stages[stage_of(child.run)].append(child)
    return stages


def _as_trial(run: Run) -> Trial:
    scores = dict(run.scores.get("folds", {}))
    value = scores.pop("value", None)
    return Trial(_number(run), run, run.parameters["settings"], "pruned" if run.pruned else run.state, value,
                 tuple(scores[name] for name in sorted(scores)), tuple(run.progress.get("curve") or ()))


def _number(run: Run) -> int:
    return int(str(run.key).split("-")[1])


def _best(trials) -> Trial | None:
    whole = [trial for trial in trials if trial.value is not None]
    return min(whole, key=lambda trial: (trial.value, trial.number), default=None)


def _gain(first: Trial, best: Trial) -> float | None:
    return None if first.value is None or best.value is None else first.value - best.value


def _first(trials) -> Trial | None:
    return next((trial for trial in trials if trial.number == 1), None)


def is_spent(options: dict, trials: Sequence[Run], workers: int = 1) -> bool:
    """Whether the budget allows no further trial. Trials that never began cost nothing; minutes are those of computing."""
    begun = [run for run in trials if run.active or run.started]
    minutes = sum(run.seconds or 0.0 for run in begun) / 60 / max(1, workers)
    return bool((options["trials"] and len(begun) >= options["trials"])
                or (options["minutes"] and minutes >= options["minutes"]))


# The stages, for the engine


def _plan(options, ended, experiment: Experiment) -> Iterator[Planned]:
    if options["paused"]:
        return
    stages = _by_stage(experiment.children)
    trials = [child.run for child in stages["trial"]]
    history = before_test(experiment.history, experiment.config)
    if not is_spent(options, trials, experiment.workers):
        yield from _new_trials("trial", history, options, trials, experiment)
        return
    if any(run.active for run in trials):
        return
    configs = {_number(run): run.config for run in trials}
    finals = list(_finals(_finalists(trials, experiment.config), configs, history, options, stages["final"]))
    yield from finals
    made = {child.run.key for child in stages["final"]}
    if any(one.key not in made for one in finals) or any(child.run.active for child in stages["final"]):
        return
    winner = _decision(stages).winner
    tests = [_test(of, configs[of], experiment, stages["test"]) for of in dict.fromkeys((1, winner)) if of in configs]
    yield from tests
    if not options["permuted"] or any(child.run.active for child in stages["test"]):
        return
    lucky = [child.run for child in stages["luck"]]
    limit = {**options, "trials": sum(1 for run in trials if run.started), "minutes": 0}
    if not is_spent(limit, lucky):
        mixed = replace(history, frame=permuted(history.frame, options["seed"]), name=f"{history.name}, permuted")
        yield from _new_trials("luck", mixed, limit, lucky, experiment)


def _new_trials(stage, history, options, runs, experiment) -> Iterator[Planned]:
    """As many as the workers can soon begin: with more, the study would suggest without knowing what came of the others."""
    space, base = options["space"], experiment.config
    study = _study(experiment.run.id, stage, space, options["seed"], [run for run in runs if _fits(run, base)])
    last = max(map(_number, runs), default=0)
    tried = [replace(run.config, seed=0) for run in runs]
    free = experiment.workers + 1 - sum(run.active for run in runs)
    left = options["trials"] - sum(1 for run in runs if run.active or run.started) if options["trials"] else free
    for place in range(last + 1, last + 1 + min(free, left)):
        key = f"{stage}-{place:04d}"
        if place == 1:
            config = reference(base)
            settings = to_settings(config, space)
        else:
            settings = study.suggest(key, place)
            config = from_settings(base, settings)
        # The same settings once more say nothing new, unless they start from another seed.
        again = tried.count(replace(config, seed=0))
        tried.append(replace(config, seed=0))
        name = f"{history.name}, {'trial' if stage == 'trial' else 'trial on permuted returns'} {place}"
        yield Planned(key, history, replace(config, seed=(config.seed + again) % 2**31), name,
                      {"settings": settings, "folds": options["folds"]}, kind="trial")


def _fits(run: Run, base: ForecastConfig) -> bool:
    """Whether its settings differ from the search's only where the space lets them: Recommended may be something else."""
    return replace(from_settings(base, run.parameters["settings"]), seed=run.config.seed) == run.config


def _study(run_id, stage, space, seed, runs) -> Study:
    known = _studies.pop((run_id, stage), None)
    if known is None or known.space != space or not known.follow(runs):
        known = Study(space, seed)
        known.follow(runs)
    _studies[run_id, stage] = known
    while len(_studies) > KEPT_STUDIES:
        _studies.pop(next(iter(_studies)))
    return known


def _finalists(runs: Sequence[Run], base: ForecastConfig) -> list[int]:
    """Numbers of the best trials, each settings once, after *Recommended*."""
    by_settings: dict[ForecastConfig, list[Trial]] = {}
    for trial in map(_as_trial, runs):
        if trial.value is not None:
            by_settings.setdefault(replace(trial.run.config, seed=0), []).append(trial)
    by_settings.pop(replace(reference(base), seed=0), None)
    # Settings that were tried from several seeds count by their mean, not by their luckiest.
    ranked = sorted(by_settings.values(), key=lambda same: sum(trial.value or 0.0 for trial in same) / len(same))
    return [1, *(min(trial.number for trial in same) for same in ranked[:FINALISTS])] if ranked else []


def _finals(numbers, configs, history, options, before) -> Iterator[Planned]:
    for start in range(SEEDS):
        for of in numbers:
            config = replace(configs[of], seed=(configs[of].seed + FIRST_SEED + start) % 2**31)
            key, name = _once_more(f"final-{of:04d}-{start}", before), f"{history.name}, finalist {of}, seed {start + 1}"
            yield Planned(key, history, config, name,
                          {"of": of, "folds": options["folds"], "shifted": True, "days": True}, kind="trial")


def _once_more(key, before) -> str:
    """The key, or another one where what was made under it was stopped with the search, which now goes on."""
    lost = [child for child in before if child.run.key.startswith(key) and child.run.state in ("stopped", "interrupted")]
    return f"{key}-{len(lost)}" if lost else key


def _test(of, config, experiment, before) -> Planned:
    history = experiment.history
    return Planned(_once_more(f"test-{of:04d}", before), history, replace(config, seed=experiment.config.seed),
                   f"{history.name}, {'Recommended' if of == 1 else f'trial {of}'}", {"of": of})


def _decision(stages) -> Decision:
    """Who wins, from the finalists that were trained with every seed."""
    whole = [child for child in stages["final"] if child.is_whole]
    key = tuple(child.run.id for child in whole)
    if key not in _decisions:
        _decisions[key] = _decide(whole)
        while len(_decisions) > KEPT_STUDIES:
            _decisions.pop(next(iter(_decisions)))
    return _decisions[key]


def _decide(whole: Sequence[Child]) -> Decision:
    tables: dict[int, list[pd.DataFrame]] = {}
    sizes: dict[int, int] = {}
    for child in whole:
        of = child.run.parameters["of"]
        tables.setdefault(of, []).append(child.result())
        sizes[of] = sum(layer.parameters for layer in describe_network(child.run.config) if not layer.frozen)
    complete = {of: mean_errors(found) for of, found in tables.items() if len(found) == SEEDS}
    return decide(complete, sizes) if 1 in complete else Decision(1, 1, ())


def _watch(options, experiment: Experiment) -> dict[str, str]:
    """The trials to give up: never *Recommended*, and none that a person wants kept."""
    given_up: dict[str, str] = {}
    for stage in ("trial", "luck"):
        runs = [child.run for child in experiment.children if stage_of(child.run) == stage]
        running = [run for run in runs if run.state == "running" and not run.stopping and _number(run) != 1
                   and run.key not in options["kept"]]
        hopeless = set(to_prune([run for run in runs if not run.active], running)) if running else set()
        given_up |= {run.id: PRUNED for run in running if run.key in hopeless}
    return given_up


# What it comes to, in words


def _summarise(runs, experiment) -> Summary:
    found = report(runs, experiment)
    return Summary(" ".join(filter(None, (verdict_words(found), luck_words(found)))))


def verdict_words(found: Report) -> str:
    """The answer so far, a sentence or two."""
    decision = found.decision
    if decision is None:
        if found.best is None:
            return ""
        beside = ""
        if found.reference and found.reference.value is not None and found.best.number != 1:
            beside = f", *Recommended* at {number(found.reference.value, 4)}"
        which = "*Recommended*" if found.best.number == 1 else f"trial {found.best.number}"
        return (f"Best so far: {which} at {number(found.best.value, 4)} of naive's RMSE{beside}. The best of many is in part "
                "the luckiest.")
    if not decision.finalists:
        return "Nothing beats *Recommended* here: no other trial came to its end."
    leader = next(one for one in decision.finalists if one.number == decision.smallest)
    if decision.winner != 1:
        return (f"**Trial {leader.number} beats *Recommended*.** On days that the search did not use, with new seeds, its RMSE "
                f"is {_gain_words(leader)}.")
    if leader.number == 1:
        return ("**Nothing beats *Recommended* here.** On days that the search did not use, it is within one standard error of "
                "the best finalist, and no smaller network is.")
    return (f"**Nothing beats *Recommended* here.** On days that the search did not use, with new seeds, the RMSE of trial "
            f"{leader.number} is {_gain_words(leader)}: no difference is proven.")


def _gain_words(one) -> str:
    words = f"{share(abs(one.gain))} {'lower' if one.gain >= 0 else 'higher'}"
    if one.interval is None:
        return f"{words} (too few days for an interval)"
    low, high = (share(end, signed=True) for end in one.interval)
    return f"{words} (interval of the gain, 95 % sure for all finalists together: {low} to {high})"


def luck_words(found: Report) -> str:
    """How much of the gain luck alone would have made."""
    value = found.reference.value if found.reference else None
    if found.best is None or found.best.value is None or value is None or found.luck is None:
        return ""
    gain = value - found.best.value
    whole = sum(trial.value is not None for trial in found.trials)
    words = (f"In the search, the best of {count_of(whole, 'trial')} was {share(gain / value)} better than *Recommended*; had "
             f"all been equally good, luck alone would have made it about {share(found.luck / value)}.")
    if found.permuted_gain is not None:
        words += (f" On the same series with its returns permuted, where nothing can be learnt, the search \"gained\" "
                  f"{share(found.permuted_gain / value)}.")
    return words


def _check(options, history, config):
    if config.leak:
        raise ConfigError(f"{leak_words(config.leak)} Search with honest settings.")
    if not (options["trials"] or options["minutes"]):
        raise ConfigError("A search needs a budget: a number of trials, or of minutes.")
    seen, space = before_test(history, config), options["space"]
    largest = {name: max(allowed) for name, allowed in space.items() if name in ("window", "horizon")}
    for made in (reference(config), from_settings(config, largest)):
        # The first of the earlier folds has the fewest rows to learn from.
        first = inner_folds(seen, made, options["folds"], shifted=True)[0]
        check_history(first.history, first.config)


def _trainings(options) -> int:
    return (options["trials"] or 1) * (2 if options["permuted"] else 1) + SEEDS * (FINALISTS + 1) + 2


def _whole_number(name, most, value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ConfigError(f"{name} must be a whole number from 0 to {most}. Received: {name}={value!r:.60}.")


def _on_or_off(name, value):
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be on or off. Received: {name}={value!r:.60}.")


def _keys(value):
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise ConfigError(f"kept must be a list of trials. Received: kept={value!r:.100}.")


SEARCH = ExperimentKind(
    label="Search",
    tab="Search",
    about=("Tries settings on folds before the test part, trains the best again on other days with new seeds, and takes one "
           "only if it beats *Recommended* beyond doubt."),
    start="Start the search",
    options=(
        Free("space", "Settings", "What is varied, and between which values.",
             {"window": [20, 60, 120], "units": [16, 32, 64], "learning_rate": {"low": 0.0003, "high": 0.01}},
             rule=check_space),
        Option("folds", "Folds", "On how many stretches of days each trial is judged. More are fairer, and take longer.", 3,
               low=FOLDS[0], high=FOLDS[1]),
        Free("trials", "Trials", "How many settings are tried; 0 for no limit.", 40,
             rule=partial(_whole_number, "trials", MOST_TRIALS)),
        Free("minutes", "Minutes", "How long settings are tried; 0 for no limit.", 0,
             rule=partial(_whole_number, "minutes", MOST_MINUTES)),
        Free("permuted", "Measure luck", "Searches once more, on permuted returns, where every gain is luck.", False,
             rule=partial(_on_or_off, "permuted")),
        Free("paused", "Paused", "No new trial begins.", False, rule=partial(_on_or_off, "paused")),
        Free("kept", "Kept", "Trials that are not given up.", [], rule=_keys),
        Free("seed", "Seed", "Where the search's random numbers start.", 0, rule=partial(_whole_number, "seed", 2**31 - 1)),
    ),
    trainings=_trainings,
    plan=_plan,
    summarise=_summarise,
    check=_check,
    keeps_earlier=True,
    place="tune",
    watch=_watch,
)
