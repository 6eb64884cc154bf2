"""The search: its space, its study, its judgement, and its way through the store and the engine."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from forecasting import RECOMMENDED, ConfigError, NotEnoughData, PriceHistory
from forecasting.evaluation.inner_folds import before_test
from forecasting.model.config import CHOICES, RANGES
from forecasting.runs.experiments import search as search_module
from forecasting.runs.experiments.kind import Child, Experiment
from forecasting.runs.experiments.search import SEARCH, luck_words, report, verdict_words
from forecasting.runs.experiments.search_judge import decide, expected_luck, mean_errors, permuted
from forecasting.runs.experiments.search_space import (
    KNOBS,
    PROPOSED,
    check_space,
    from_settings,
    is_inside,
    of_params,
    propose,
    reference,
    to_params,
    to_settings,
)
from forecasting.runs.experiments.search_study import PRUNED, Study, importance, to_prune
from forecasting.runs.kinds import RUN_KINDS, Computed, RunKind
from forecasting.runs.kinds.trial import FILE, TRIAL, naive_loss
from forecasting.runs.records import Run
from forecasting.runs.reporter import Reporter
from forecasting.runs.store import RunStore
from tests.runs.laboratory import Laboratory, script_trainings

SPACE = {"units": [16, 32, 64], "learning_rate": {"low": 0.001, "high": 0.01}}


# The space


def test_every_setting_of_the_sidebar_can_be_searched_but_those_that_would_move_the_judged_days():
    settings = {*RANGES, *CHOICES, "features", "units", "layers"}
    # Trials are judged by the price's forecasts, which the width does not change.
    assert settings - KNOBS.keys() == {"validation_share", "test_share", "seed", "leak", "width"}


def test_what_is_proposed_is_a_space_and_holds_recommended(history):
    everything = propose(KNOBS, history)
    check_space(everything)
    assert is_inside(propose(PROPOSED, history), to_settings(RECOMMENDED, PROPOSED)) is (60 in everything["window"])
    assert ["Close", "Volume"] not in everything["features"]  # this series has none
    for name, allowed in everything.items():
        for value in allowed.values() if isinstance(allowed, dict) else allowed:
            assert to_settings(from_settings(RECOMMENDED, {name: value}), [name]) == {name: value}


@pytest.mark.parametrize(("space", "words"), [
    ({}, "at least one setting"),
    ({"seed": [1, 2]}, "can be searched are"),
    ({"units": []}, "1 to 20 values"),
    ({"units": [0]}, "units must be a whole number"),
    ({"units": [8, 8]}, "twice"),
    ({"units": {"low": 8, "high": 64}}, "a list of values"),
    ({"learning_rate": {"low": 0.1, "high": 0.01}}, "from a low to a high number"),
    ({"learning_rate": {"low": 0.1, "high": 10}}, "learning_rate must be a number"),
    ({"cell": ["lstm", "brain"]}, "cell must be one of"),
    ({"layers": [9]}, "layers must be a whole number from 1 to 8"),
])
def test_a_space_that_cannot_be_searched_is_refused_in_words(space, words):
    with pytest.raises(ConfigError, match=words):
        check_space(space)


def test_parameters_and_settings_turn_into_each_other():
    space = {**SPACE, "skip": [None, "ridge"], "features": [["Close"], ["Close", "month"]]}
    settings = {"units": 64, "learning_rate": 0.002, "skip": "ridge", "features": ["Close", "month"]}
    params = to_params(space, settings)
    assert params == {"units": 2, "learning_rate": 0.002, "skip": 1, "features": 1}
    assert of_params(space, params) == settings
    assert not is_inside({"units": [16, 32]}, settings)


def test_layers_and_units_make_layers_of_one_size():
    base = replace(RECOMMENDED, units=(48, 24))
    assert from_settings(base, {"units": 8}).units == (8, 8)
    assert from_settings(base, {"layers": 3}).units == (48, 48, 48)
    assert from_settings(base, {"layers": 1, "units": 16}).units == (16,)


# The study


def a_run(number, state="finished", value=None, settings=None, values=(), stage="trial", error=None):
    rng = np.random.default_rng(number)
    settings = settings or {"units": int(rng.choice([16, 32, 64])), "learning_rate": float(rng.uniform(0.001, 0.01))}
    value = float(rng.uniform(0.9, 1.1)) if value is None else value
    scores = {"folds": {"value": value, "fold_1": value, "fold_2": value}} if state == "finished" else {}
    return Run(id=f"{number:032x}", kind="trial", name="", state=state, config=from_settings(RECOMMENDED, settings),
               created=pd.Timestamp("2024-01-01"), key=f"{stage}-{number:04d}", parameters={"settings": settings, "folds": 2},
               progress={"values": list(values)}, scores=scores, error=error)


def as_seen(study):
    return [(trial.params, trial.state.name, trial.value, trial.intermediate_values) for trial in study.trials]


def test_a_study_rebuilt_from_the_runs_is_the_one_that_followed_them():
    followed, runs = Study(SPACE, seed=7), []
    for number in range(1, 16):
        settings = followed.suggest(f"trial-{number:04d}", number)
        runs.append(a_run(number, "running", settings=settings))
        assert followed.follow(runs)
        if number > 2:  # two are always in progress, and some end otherwise
            state = {5: "failed", 8: "stopped", 11: "interrupted"}.get(number - 2, "finished")
            runs[number - 3] = a_run(number - 2, state, settings=runs[number - 3].parameters["settings"], values=(1.0, 0.9))
            assert followed.follow(runs)
    rebuilt = Study(SPACE, seed=7)
    assert rebuilt.follow(runs[::-1])
    assert as_seen(rebuilt) == as_seen(followed)
    assert {state for _, state, *_ in as_seen(rebuilt)} == {"COMPLETE", "PRUNED", "FAIL", "RUNNING"}
    assert rebuilt.suggest("trial-0016", 16) == followed.suggest("trial-0016", 16)


def test_a_study_whose_suggestion_never_became_a_run_is_to_be_rebuilt():
    study = Study(SPACE, 0)
    study.follow([a_run(1)])
    study.suggest("trial-0002", 2)
    assert not study.follow([a_run(1)])


def test_trials_outside_a_narrowed_space_are_left_out():
    study = Study({"units": [16, 32], "learning_rate": {"low": 0.001, "high": 0.01}}, 0)
    study.follow([a_run(1, settings={"units": 64, "learning_rate": 0.002}),
                  a_run(2, settings={"units": 16, "learning_rate": 0.01})])
    assert [trial.params for trial in study.trials] == [{"units": 0, "learning_rate": 0.01}]


def test_the_study_learns_where_the_good_settings_are():
    study, runs, units = Study(SPACE, 3), [], []
    for number in range(1, 61):
        settings = study.suggest(f"trial-{number:04d}", number)
        units.append(settings["units"])
        runs.append(a_run(number, settings=settings, value=1.0 if settings["units"] != 64 else 0.5))
        study.follow(runs)
    assert units[-30:].count(64) > 15  # ten by chance


LEARNS = (1.0, 0.9, 0.8, 0.7)


@pytest.mark.parametrize(("values", "whole", "given_up"), [
    ((1.0, 0.95, 0.95), 5, True),       # behind the median of 0.8, and not improving
    ((1.0, 0.95, 0.9), 5, False),       # behind, but improving
    ((0.8, 0.75, 0.75), 5, False),      # ahead
    ((1.0, 0.95, 0.95), 4, False),      # too few to take a median of
    ((1.2,), 5, False),                 # too early
])
def test_a_trial_is_given_up_if_it_is_behind_the_median_and_no_longer_improves(values, whole, given_up):
    ended = [a_run(number, values=LEARNS) for number in range(1, whole + 1)]
    ended.append(a_run(90, "stopped", values=(0.1, 0.1, 0.1)))  # one that did not come to its end is no measure
    running = [a_run(91, "running", values=values)]
    assert to_prune(ended, running) == (["trial-0091"] if given_up else [])


def test_importance_waits_for_twenty_trials_and_finds_the_setting_that_mattered():
    runs = [a_run(number) for number in range(1, 61)]
    runs = [replace(run, scores={"folds": {"value": run.parameters["settings"]["learning_rate"]}}) for run in runs]
    assert importance(SPACE, runs[:19]) == {}
    shares = importance(SPACE, runs)
    assert next(iter(shares)) == "learning_rate"
    assert sum(shares.values()) == pytest.approx(1)
    assert importance({"units": [16, 32, 64]}, runs) == {}  # nothing to compare with


# The judgement


def errors(scale, seed, rows=300):
    """Squared errors of forecasts: naive's and a share of them, with noise of their own."""
    common, own = np.random.default_rng(0).normal(size=rows), np.random.default_rng(seed).normal(size=rows)
    dates = pd.bdate_range("2020-01-01", periods=rows, name="Date")
    return pd.DataFrame({"squared": (scale * common + 0.03 * own) ** 2, "naive": common**2}, index=dates)


def test_the_smallest_network_within_one_standard_error_of_the_best_wins():
    decision = decide({1: errors(1.0, 1), 2: errors(0.8, 2), 3: errors(0.8005, 3), 4: errors(0.9, 4)},
                      {1: 100, 2: 400, 3: 50, 4: 10})
    assert (decision.winner, decision.smallest) == (3, 3)  # 4 is smaller still, and too far behind
    near = {one.number: one.near_best for one in decision.finalists}
    assert near == {1: False, 2: True, 3: True, 4: False}
    proven = {one.number: one.is_proven for one in decision.finalists}
    assert proven == {1: False, 2: True, 3: True, 4: True}


def test_recommended_stays_unless_the_paired_interval_excludes_zero():
    luckier = decide({1: errors(1.0, 1), 2: errors(0.9995, 2)}, {1: 100, 2: 10})
    assert luckier.winner == 1
    assert luckier.smallest == 2
    assert decide({1: errors(1.0, 1), 2: errors(0.97, 2)}, {1: 100, 2: 400}).winner == 2
    too_few = decide({1: errors(1.0, 1, rows=15), 2: errors(0.5, 2, rows=15)}, {1: 100, 2: 10})
    assert (too_few.winner, too_few.finalists[0].interval) == (1, None)


def test_a_finalists_error_is_the_mean_over_its_seeds_day_by_day():
    dates = pd.bdate_range("2020-01-01", periods=2)
    tables = [pd.DataFrame({"actual": 1.0, "predicted": [1.0, wrong], "naive": [0.0, 3.0]}, index=dates)
              for wrong in (2.0, 4.0)]
    found = mean_errors(tables)
    assert found["squared"].tolist() == [0.0, (1 + 9) / 2]
    assert found["naive"].tolist() == [1.0, 4.0]


def test_expected_luck_is_the_best_of_equally_good_trials():
    rng, gains, said = np.random.default_rng(0), [], []
    for _ in range(300):
        folds = 1.0 + 0.01 * rng.normal(size=(40, 3))
        gains.append(1.0 - folds.mean(axis=1).min())
        said.append(expected_luck(folds, [1.0, 1.0, 1.0]))
    assert np.mean(said) == pytest.approx(np.mean(gains), rel=0.2)
    assert expected_luck([[1.0, 1.0]], [1.0, 1.0]) is None


def test_permuted_returns_are_the_same_moves_in_another_order(history):
    frame = history.frame.assign(High=history.frame["Close"] * 1.01, Volume=np.arange(len(history), dtype=float))
    mixed = permuted(frame, 0)
    moves, others = (np.diff(np.log(one["Close"])) for one in (frame, mixed))
    np.testing.assert_allclose(np.sort(moves), np.sort(others))
    assert not np.allclose(moves, others)
    np.testing.assert_allclose(mixed["High"], mixed["Close"] * 1.01)
    np.testing.assert_allclose(others, moves[mixed["Volume"].to_numpy()[1:].astype(int) - 1])
    assert mixed["Close"].iloc[[0, -1]].tolist() == pytest.approx(frame["Close"].iloc[[0, -1]].tolist())
    below_zero = permuted(frame[["Close"]] - 1000, 0)
    np.testing.assert_allclose(np.sort(np.diff(below_zero["Close"])), np.sort(np.diff(frame["Close"])))


# Trials


class Ledger:
    """One run's history in memory, and what its trial leaves."""

    def __init__(self, history):
        self._history = history

    def history(self, run_id):
        return self._history

    def log_progress(self, *_):
        pass


def try_out(history, config, **parameters):
    run = Run(id="0" * 32, kind="trial", name="", state="running", config=config, created=pd.Timestamp("2024-01-01"),
              parameters={"folds": 2, **parameters})
    ledger = Ledger(history)
    with Reporter(ledger, run, 1.0) as reporter:
        computed = TRIAL.compute(ledger, run, reporter, lambda: False)
    assert computed.state == "finished"
    return computed.scores["folds"], reporter._progress


def test_changing_test_prices_changes_nothing_in_a_trials_value(history, tiny):
    changed = history.frame.copy()
    changed.iloc[160:] *= 3  # a test share of a fifth of 200 rows
    config = replace(tiny, test_share=0.2, skip="ridge")
    (scores, progress), (others, _) = (
        try_out(before_test(replace(history, frame=frame), config), config) for frame in (history.frame, changed))
    assert scores == others
    assert scores["value"] == pytest.approx(np.mean([scores["fold_1"], scores["fold_2"]]))
    assert len(progress["values"]) == 20  # ten rungs of each of two folds
    assert progress["values"][:10] == sorted(progress["values"][:10], reverse=True)
    assert len(progress["curve"]) == 4
    # The same with a price of the last fold changed is another value, so the comparison can fail.
    changed.iloc[150] *= 1.1
    assert try_out(before_test(replace(history, frame=changed), config), config)[0] != scores


@pytest.mark.parametrize(("loss", "expected"), [("mse", (0.25 + 4) / 2), ("mae", 1.25), ("huber", (0.125 + 1.5) / 2)])
def test_naives_loss_is_counted_as_the_network_would(loss, expected):
    returns, prices = (SimpleNamespace(targets=np.array(targets), series=np.array(series),
                                       encoder=SimpleNamespace(target=target))
                       for targets, series, target in (([[0.5], [-2.0]], [0.0, 0.0], "log_return"),
                                                       ([[3.5], [-1.0]], [3.0, 1.0], "price")))
    assert naive_loss(returns, np.arange(2), loss) == pytest.approx(expected)
    assert naive_loss(prices, np.arange(2), loss) == pytest.approx(expected)


# Through the store and the engine


@pytest.fixture(scope="module")
def store(home):
    return RunStore()


@pytest.fixture(scope="module")
def walk():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.01, 500)))
    return PriceHistory(pd.DataFrame({"Close": close}, pd.bdate_range("2018-01-01", periods=500)), name="a walk", source="test")


BASE = replace(RECOMMENDED, epochs=3)


def script_trials(quality):
    """A trial without a network: errors of naive's times `quality(config)`, a little noise by its seed."""
    def try_by_script(ledger, run, reporter, should_stop):
        if should_stop():
            return Computed("stopped")
        close = ledger.history(run.id).close[-120:]
        own = [run.config.seed, round(1e6 * run.config.learning_rate)]
        noise = np.random.default_rng(own).normal(0, 0.1, len(close))
        predicted = close + quality(run.config) * (np.roll(close, 1) - close) + noise
        reporter.report(values=[1.0, quality(run.config), quality(run.config)], curve=[1.0, 0.9])
        save = None
        if run.parameters.get("days"):
            dates = ledger.history(run.id).dates[-120:]
            table = pd.DataFrame({"actual": close[1:], "predicted": predicted[1:], "naive": close[:-1], "fold": 1},
                                 index=dates[1:])

            def save(folder):
                table.to_parquet(folder / FILE)

        value = quality(run.config)
        folds = {f"fold_{i}": value + 0.001 * np.sin(i * run.config.learning_rate * 1e4) for i in (1, 2)}
        return Computed("finished", {"folds": {"value": value, **folds}}, save, metrics={"value": value})

    return RunKind(try_by_script, TRIAL.read)


@pytest.fixture
def laboratory(store, walk, monkeypatch):
    script_trainings(monkeypatch, walk)
    monkeypatch.setitem(RUN_KINDS, "trial", script_trials(lambda config: 0.9 if config.units == (64,) else 1.0))
    monkeypatch.setattr(search_module, "FINALISTS", 2)  # fewer runs to make
    monkeypatch.setattr(search_module, "SEEDS", 2)
    search_module._studies.clear()
    laboratory = Laboratory(monkeypatch)
    yield laboratory
    for run in store.list(limit=1000):
        if run.active:
            laboratory.ledger.end(run.id, "stopped")


def start(store, walk, **options):
    return store.start_experiment("search", walk, BASE, {"space": SPACE, "folds": 2, "trials": 5, **options}, owner="anna")


def children(store, run_id, stage=""):
    found = store.children(store.get(run_id))
    return sorted((run for run in found if run.key.startswith(stage)), key=lambda run: run.key)


def outcome(store, run_id):
    run = store.get(run_id)
    runs = [Child(child, store.result) for child in store.children(run)]
    return report(runs, Experiment(run, store, runs))


def test_a_search_goes_through_its_stages_and_takes_what_is_proven(laboratory, store, walk):
    run_id = start(store, walk, trials=8)
    laboratory.work(100)
    assert store.get(run_id).state == "finished"
    trials = children(store, run_id, "trial")
    assert [trial.key for trial in trials] == [f"trial-{i:04d}" for i in range(1, 9)]
    assert trials[0].config == reference(BASE) != BASE
    assert {store.history(trial.id).dates[-1] for trial in trials} == {before_test(walk, BASE).dates[-1]}
    finals = children(store, run_id, "final")
    assert len({final.parameters["of"] for final in finals}) == 3
    assert all(final.parameters["shifted"] and final.parameters["days"] for final in finals)
    seeds = {final.config.seed for final in finals}
    assert len(seeds) == 2
    assert not seeds & {trial.config.seed for trial in trials}
    found = outcome(store, run_id)
    assert found.trial(found.decision.winner).settings["units"] == found.best.settings["units"] == 64
    assert found.stage == "done"
    tests = children(store, run_id, "test")
    assert [run.parameters["of"] for run in tests] == [1, found.decision.winner]
    assert {store.history(run.id).dates[-1] for run in tests} == {walk.dates[-1]}
    assert {run.kind for run in tests} == {"train"}
    assert verdict_words(found).startswith(f"**Trial {found.decision.winner} beats *Recommended*.**")
    assert "luck alone would have made it" in luck_words(found)
    assert not {run.id for run in store.list(kind="train", alone=True)} & {run.id for run in children(store, run_id)}


def test_nothing_beats_recommended_where_all_are_alike(laboratory, store, walk, monkeypatch):
    monkeypatch.setitem(RUN_KINDS, "trial", script_trials(lambda config: 1.0 - config.learning_rate / 1000))
    run_id = start(store, walk, permuted=True)
    laboratory.work(100)
    found = outcome(store, run_id)
    assert found.decision.winner == 1
    assert verdict_words(found).startswith("**Nothing beats *Recommended* here.**")
    assert [run.parameters["of"] for run in children(store, run_id, "test")] == [1]
    lucky = children(store, run_id, "luck")
    assert len(lucky) == 5
    mixed, own = store.history(lucky[0].id), before_test(walk, BASE)
    assert mixed.close.tolist() != own.close.tolist()
    assert found.permuted_gain is not None
    assert "returns permuted" in luck_words(found)


def test_no_more_trials_than_the_workers_and_one_are_made_ahead(laboratory, store, walk):
    run_id = start(store, walk)
    for _ in range(3):
        laboratory.step(2)
        assert [run.state for run in children(store, run_id) if run.active].count("scheduled") == 1
        assert len(laboratory.at_work) == 2
        laboratory.compute(laboratory.at_work[0])


def test_a_killed_engine_goes_on_with_the_same_suggestions(laboratory, store, walk):
    undisturbed = start(store, walk)
    laboratory.work(100)
    run_id = start(store, walk)
    laboratory.step(2)
    for _ in range(3):
        laboratory.compute(laboratory.at_work[0])
        laboratory.step()
    laboratory.restart()
    search_module._studies.clear()  # its memory is gone
    laboratory.work(100)
    assert store.get(run_id).state == "finished"
    made = children(store, run_id)
    assert len({run.key for run in made}) == len(made)
    assert len(children(store, run_id, "trial")) == 5
    settings = [[run.parameters["settings"] for run in children(store, one, "trial")] for one in (undisturbed, run_id)]
    assert settings[0][:3] == settings[1][:3]


def test_a_budget_is_added_after_the_end_and_what_is_there_stays(laboratory, store, walk):
    run_id = start(store, walk, trials=4)
    laboratory.work(100)
    before = {run.id for run in children(store, run_id)}
    assert store.get(run_id).state == "finished"
    store.change_options(run_id, {"trials": 6})
    assert store.get(run_id).state == "scheduled"
    laboratory.work(100)
    assert store.get(run_id).state == "finished"
    assert len(children(store, run_id, "trial")) == 6
    assert before <= {run.id for run in children(store, run_id)}


def test_a_stopped_search_goes_on(laboratory, store, walk):
    run_id = start(store, walk, trials=4)
    while not children(store, run_id, "final"):
        laboratory.step()
        for trial in laboratory.at_work:
            laboratory.compute(trial)
    store.request_stop(run_id)
    laboratory.step()
    for run in laboratory.at_work:
        laboratory.compute(run)
    laboratory.work(100)
    assert store.get(run_id).state == "stopped"
    assert not children(store, run_id, "test")
    assert outcome(store, run_id).decision is None
    assert verdict_words(outcome(store, run_id)).startswith("Best so far: trial")
    store.change_options(run_id, {"trials": 4})
    laboratory.work(100)
    assert store.get(run_id).state == "finished"
    assert len(outcome(store, run_id).decision.finalists) == 3
    assert len(children(store, run_id, "trial")) == 4


def test_a_paused_search_begins_no_trial_and_does_not_end(laboratory, store, walk):
    run_id = start(store, walk)
    laboratory.step(2)
    store.change_options(run_id, {"paused": True})
    for _ in range(4):
        for run in laboratory.at_work:
            laboratory.compute(run)
        laboratory.step()
    made = len(children(store, run_id))
    assert made == 3  # two in progress and one ahead when it was paused
    assert store.get(run_id).state == "running"
    store.change_options(run_id, {"paused": False})
    laboratory.work(100)
    assert len(children(store, run_id, "trial")) == 5


def test_a_narrowed_range_holds_for_all_later_trials(laboratory, store, walk):
    run_id = start(store, walk)
    laboratory.step(2)
    made = len(children(store, run_id))
    store.change_options(run_id, {"space": {**SPACE, "units": [16]}})
    laboratory.work(100)
    assert {run.parameters["settings"]["units"] for run in children(store, run_id, "trial")[made:]} == {16}


def test_a_hopeless_trial_is_pruned_unless_it_is_kept(laboratory, store, walk):
    run_id = start(store, walk, trials=20)
    laboratory.step(2)
    for _ in range(6):
        laboratory.compute(laboratory.at_work[0])
        laboratory.step()
    hopeless = laboratory.at_work[:2]
    keys = [store.get(one).key for one in hopeless]
    store.change_options(run_id, {"kept": [keys[1]]})
    for one in hopeless:
        laboratory.ledger.log_progress(one, [], {"values": [1.5, 1.5, 1.5]})
    laboratory.step(2)
    assert laboratory.cluster.stopped == [hopeless[0]]
    assert laboratory.ledger.stops() == {hopeless[0]: (PRUNED, "asked")}
    laboratory.compute(hopeless[0])
    given_up = next(trial for trial in outcome(store, run_id).trials if trial.run.id == hopeless[0])
    assert (given_up.state, given_up.run.pruned) == ("pruned", True)


def test_recommended_is_never_pruned(laboratory):
    ended = [a_run(number, values=LEARNS) for number in range(2, 9)]
    runs = [replace(a_run(1), state="running", progress={"values": [2.0, 2.0, 2.0]}), *ended]
    assert to_prune(ended, runs[:1])
    experiment = Experiment(None, None, [Child(run, None) for run in runs], read=len)
    assert SEARCH.watch(SEARCH.complete({}), experiment) == {}


def test_a_series_too_short_for_the_folds_is_refused_before_the_start(store, history, walk):
    with pytest.raises(NotEnoughData, match="Choose fewer folds"):
        start(store, replace(history, frame=history.frame.iloc[:100]), folds=5)
    with pytest.raises(NotEnoughData, match="window of 250"):
        start(store, walk, space={"window": [20, 250]})
    with pytest.raises(ConfigError, match="needs a budget"):
        start(store, walk, trials=0)


def test_only_an_experiments_options_can_be_changed(store, walk):
    with pytest.raises(search_module.ConfigError, match="from 0 to 2000"):
        store.change_options(start(store, walk), {"trials": -1})
