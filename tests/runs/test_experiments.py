"""Experiments from the store through the engine: made, moved, stopped, deleted, and going on after a crash."""

from dataclasses import replace

import pandas as pd
import pytest

from forecasting.errors import ConfigError, LimitReached, NotEnoughData, RunError, StoreUnavailable
from forecasting.runs import conductor
from forecasting.runs import store as store_module
from forecasting.runs.experiments import EXPERIMENTS
from forecasting.runs.experiments.kind import Child, Experiment, ExperimentKind, Option, Planned, Summary
from forecasting.runs.store import RunStore
from tests.runs.laboratory import Laboratory, script_trainings


@pytest.fixture(scope="module")
def store(home):
    return RunStore()


@pytest.fixture
def laboratory(store, history, monkeypatch):
    script_trainings(monkeypatch, history)
    laboratory = Laboratory(monkeypatch)
    yield laboratory
    for run in store.list(limit=1000):
        if run.active:
            laboratory.ledger.end(run.id, "stopped")


def plan_seeds(options, ended, experiment):
    return [Planned(f"seed-{seed}", experiment.history, replace(experiment.config, seed=seed), f"seed {seed}", {"seed": seed})
            for seed in range(options["seeds"])]


def mean_rmse(runs, experiment):
    return Summary(f"RMSE {sum(child.run.scores['test']['rmse'] for child in runs if child.is_whole) / len(runs):.1f}")


SEEDS = ExperimentKind("Seeds", "Seeds", "The same network from several starts.", "Try seeds",
                       (Option("seeds", "Seeds", "More take longer.", 3, low=1, high=500),),
                       lambda options: options["seeds"], plan_seeds, mean_rmse)


@pytest.fixture(autouse=True)
def seeds(monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "seeds", SEEDS)


def start(store, history, tiny, **options):
    return store.start_experiment("seeds", history, tiny, options, owner="anna")


def children(store, run_id):
    return store.children(store.get(run_id))


def states(store, run_id):
    return [run.state for run in children(store, run_id)]


def summary(store, run_id):
    run = store.get(run_id)
    runs = [Child(child, store.result) for child in store.children(run)]
    return EXPERIMENTS[run.experiment].summarise(runs, Experiment(run, store, runs))


def test_an_experiment_is_added_in_ten_lines_and_computed(laboratory, store, history, tiny):
    run_id = start(store, history, tiny, seeds=4)
    assert store.get(run_id).parameters == {"seeds": 4}
    laboratory.work()
    run = store.get(run_id)
    assert (run.kind, run.experiment, run.state, run.error) == ("experiment", "seeds", "finished", None)
    made = children(store, run_id)
    assert [(child.key, child.config.seed, child.state) for child in made] == [
        (f"seed-{i}", i, "finished") for i in range(4)]
    assert {(child.parent, child.owner) for child in made} == {(run_id, "anna")}
    assert summary(store, run_id).sentence == "RMSE 1.0"


def test_an_experiment_takes_no_worker_and_its_children_are_no_runs_of_their_own(laboratory, store, history, tiny):
    run_id = start(store, history, tiny, seeds=3)
    laboratory.step(2)
    assert store.get(run_id).state == "running"
    assert states(store, run_id) == ["running", "running", "scheduled"]
    assert len(laboratory.at_work) == 2
    assert not {run.id for run in store.list(kind="train", alone=True)} & {run.id for run in children(store, run_id)}


def test_it_waits_for_its_turn_and_an_owners_single_runs_overtake_its_children(laboratory, store, history, tiny):
    busy = [store.create(history, tiny, owner="anna") for _ in range(2)]
    laboratory.step()
    run_id = start(store, history, tiny, seeds=5)
    laboratory.step()
    assert store.get(run_id).state == "scheduled"
    assert store.get(run_id).queue_position == 1
    laboratory.compute(busy[0])
    laboratory.step(2)
    assert states(store, run_id).count("running") == 1
    single = store.create(history, tiny, owner="anna")
    others = store.create(history, tiny, owner="ben")
    laboratory.compute(busy[1])
    laboratory.step()
    assert store.get(others).state == "running"  # whose turn it is
    laboratory.compute(laboratory.at_work[0])
    laboratory.step()
    assert store.get(single).state == "running"
    assert states(store, run_id).count("running") == 0


def test_a_killed_engine_is_replaced_in_the_middle_and_no_child_is_made_twice(laboratory, store, history, tiny):
    run_id = start(store, history, tiny, seeds=4)
    laboratory.step(2)
    laboratory.compute(laboratory.at_work[0])
    laboratory.step()
    laboratory.restart()
    assert store.get(run_id).state == "running"
    assert states(store, run_id) == ["finished", "scheduled", "scheduled", "scheduled"]
    laboratory.step()
    assert states(store, run_id) == ["finished", "running", "running", "scheduled"]  # they keep their places
    laboratory.work()
    made = children(store, run_id)
    assert sorted(child.key for child in made) == [f"seed-{i}" for i in range(4)]
    assert {child.state for child in made} == {"finished"}
    assert [child.attempt for child in sorted(made, key=lambda child: child.key)] == [1, 2, 2, 1]
    assert store.get(run_id).state == "finished"


@pytest.mark.parametrize("cut_at", ["_write", "_send_history", "ring"])
def test_an_engine_that_dies_between_two_children_makes_none_twice(laboratory, store, history, tiny, monkeypatch, cut_at):
    run_id = start(store, history, tiny, seeds=3)
    laboratory.step()
    ledger = laboratory.ledger
    with monkeypatch.context() as patch:
        if cut_at == "ring":  # the child is whole
            patch.setattr("forecasting.runs.store.ring", die)
        else:
            patch.setattr("forecasting.runs.store.is_local", lambda: cut_at == "_write")
            patch.setattr(ledger, cut_at, die)
        with pytest.raises(KeyboardInterrupt):
            laboratory.step()
    assert len(children(store, run_id)) == (cut_at == "ring")
    laboratory.restart()
    laboratory.work()
    assert [(child.key, child.state) for child in children(store, run_id)] == [
        (f"seed-{i}", "finished") for i in range(3)]


def die(*args, **kwargs):
    raise KeyboardInterrupt


def test_a_store_that_fails_while_children_are_made_loses_and_doubles_none(laboratory, store, history, tiny, monkeypatch):
    run_id = start(store, history, tiny, seeds=3)
    laboratory.step()
    create, failures = laboratory.ledger._tracking.call, iter(["update_run", "log_batch"])
    failing = [next(failures)]

    def call(method, *args, **kwargs):
        if failing and method == failing[0]:
            failing[:] = [*failures][:1]
            raise StoreUnavailable("Locked.")
        return create(method, *args, **kwargs)

    monkeypatch.setattr(laboratory.ledger._tracking, "call", call)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            laboratory.step()
    laboratory.work()
    assert [(child.key, child.state) for child in children(store, run_id)] == [
        (f"seed-{i}", "finished") for i in range(3)]


def test_a_child_that_is_interrupted_again_and_again_is_given_up(laboratory, store, history, tiny):
    run_id = start(store, history, tiny, seeds=1)
    for _ in range(conductor.MOST_SETBACKS + 1):
        laboratory.step(2)
        assert states(store, run_id) == ["running"]
        laboratory.restart()
    laboratory.step(2)
    assert states(store, run_id) == ["interrupted"]
    run = store.get(run_id)
    assert run.state == "failed"
    assert run.error.startswith("None of its trainings has a result. The error of the first one: The process that looks after")


def test_stop_ends_the_children_and_keeps_what_is_there(laboratory, store, history, tiny):
    run_id = start(store, history, tiny, seeds=4)
    laboratory.step(2)
    laboratory.compute(laboratory.at_work[0])
    laboratory.step()
    store.request_stop(run_id)
    laboratory.step()
    assert len(laboratory.cluster.stopped) == 2
    assert store.get(run_id).state == "running"  # until they have ended
    assert store.get(run_id).stopping
    for child in laboratory.at_work:
        laboratory.compute(child)
    laboratory.step()
    run = store.get(run_id)
    assert (run.state, run.error) == ("stopped", None)
    assert states(store, run_id) == ["finished", "stopped", "stopped", "stopped"]
    assert [child.has_result for child in children(store, run_id)] == [True, True, True, False]
    laboratory.step(3)
    assert len(children(store, run_id)) == 4


def test_stop_before_its_turn_makes_no_child(laboratory, store, history, tiny):
    laboratory.cluster.slots = 0
    run_id = start(store, history, tiny)
    store.request_stop(run_id)
    laboratory.step(2)
    assert (store.get(run_id).state, children(store, run_id)) == ("stopped", [])


def test_deleting_an_experiment_deletes_its_children_until_it_is_restored(laboratory, store, home, history, tiny):
    run_id = start(store, history, tiny, seeds=2)
    laboratory.step(2)
    with pytest.raises(RunError, match="Stop it first"):
        store.delete(run_id)
    laboratory.work()
    made = [child.id for child in children(store, run_id)]
    assert all((home / "artifacts" / child).exists() for child in made)
    store.delete(run_id)
    for gone in (run_id, *made):
        with pytest.raises(RunError, match="deleted"):
            RunStore().get(gone)
    assert not {run.id for run in store.list(limit=1000)} & {run_id, *made}
    assert run_id in {run.id for run in store.trash.runs()}
    assert not {run.id for run in store.trash.runs()} & set(made)
    store.restore(run_id)
    assert [child.id for child in children(store, run_id)] == made
    assert all((home / "artifacts" / child).exists() for child in made)


@pytest.mark.parametrize(("error", "words"), [
    (ConfigError("There is no such seed."), "There is no such seed."),
    (ZeroDivisionError("secret"), "internal error (ZeroDivisionError)"),
])
def test_a_plan_that_raises_fails_the_experiment_and_stops_its_children(laboratory, store, history, tiny, monkeypatch,
                                                                        error, words):
    def plan(options, ended, experiment):
        yield from plan_seeds({"seeds": 2}, ended, experiment)
        raise error

    monkeypatch.setitem(EXPERIMENTS, "seeds", replace(SEEDS, plan=plan))
    other = store.create(history, tiny, owner="ben")
    run_id = start(store, history, tiny)
    laboratory.step(3)
    assert store.get(run_id).state == "running"
    laboratory.work()
    run = store.get(run_id)
    assert run.state == "failed"
    assert words in run.error
    assert "secret" not in run.error
    assert set(states(store, run_id)) == {"stopped"}
    assert store.get(other).state == "finished"


def test_a_child_that_may_not_be_computed_has_failed_and_the_others_go_on(laboratory, store, history, tiny, monkeypatch):
    """As a search must, one of whose trials would be a network larger than whoever runs the app allows."""
    def plan(options, ended, experiment):
        return [Planned("small", history, tiny, ""), Planned("large", history, replace(tiny, units=(512, 512, 512)), "")]

    def refuse_large(config, rows):
        if config.units != tiny.units:
            raise LimitReached("A network may have fewer parameters here.")

    monkeypatch.setitem(EXPERIMENTS, "seeds", replace(SEEDS, plan=plan))
    monkeypatch.setattr(store_module, "check_run", refuse_large)
    run_id = start(store, history, tiny)
    laboratory.work()
    made = {child.key: child for child in children(store, run_id)}
    assert {key: child.state for key, child in made.items()} == {"small": "finished", "large": "failed"}
    assert made["large"].error == "A network may have fewer parameters here."
    assert store.get(run_id).state == "finished"


def test_a_kind_that_is_not_known_any_more_fails_in_words(laboratory, store, history, tiny, monkeypatch):
    run_id = start(store, history, tiny)
    monkeypatch.delitem(EXPERIMENTS, "seeds")
    laboratory.work()
    run = store.get(run_id)
    assert run.state == "failed"
    assert "'seeds'" in run.error


def test_a_plan_may_depend_on_what_has_ended_and_is_asked_only_then(laboratory, store, history, tiny, monkeypatch):
    asked = []

    def plan(options, ended, experiment):
        """Two at a time, up to six; the next ones are known once results are."""
        asked.append((len(ended), len(experiment.children)))
        assert all(child.result().metrics["test"]["rmse"] > 0 for child in ended)
        if len(ended) == len(experiment.children) < 6:
            yield from plan_seeds({"seeds": len(ended) + 2}, ended, experiment)

    monkeypatch.setitem(EXPERIMENTS, "seeds", replace(SEEDS, plan=plan))
    run_id = start(store, history, tiny)
    laboratory.step(5)
    assert asked == [(0, 0)]
    laboratory.work()
    assert [child.key for child in children(store, run_id)] == [f"seed-{i}" for i in range(6)]
    assert store.get(run_id).state == "finished"
    assert [ended for ended, _ in asked] == sorted({ended for ended, _ in asked})


def test_hundreds_of_children_wait_a_few_at_a_time(laboratory, store, history, tiny, monkeypatch):
    monkeypatch.setattr(conductor, "AHEAD", 3)
    given = []

    def plan(options, ended, experiment):
        for planned in plan_seeds(options, ended, experiment):
            given.append(planned.key)
            yield planned

    monkeypatch.setitem(EXPERIMENTS, "seeds", replace(SEEDS, plan=plan))
    run_id = start(store, history, tiny, seeds=200)
    laboratory.step(3)
    assert given == [f"seed-{i}" for i in range(5)]
    assert sorted(states(store, run_id)) == ["running"] * 2 + ["scheduled"] * 3


def test_ended_children_are_not_read_again(laboratory, store, history, tiny, monkeypatch):
    run_id = start(store, history, tiny, seeds=4)
    laboratory.step(2)
    for child in laboratory.at_work:
        laboratory.compute(child)
    monkeypatch.setattr("forecasting.runs.store.OVERLAP", 0)
    monkeypatch.setattr("forecasting.runs.store._clock_offset", lambda: laboratory.ledger._clock)
    laboratory.step(2)
    run, read = store.get(run_id), []
    monkeypatch.setattr("forecasting.runs.store.to_run", lambda found, *_: read.append(found.info.status))
    laboratory.ledger.children(run)
    assert read == ["RUNNING"] * 2


def test_an_experiment_that_plans_nothing_says_so(laboratory, store, history, tiny, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "seeds", replace(SEEDS, plan=lambda *_: []))
    run_id = start(store, history, tiny)
    laboratory.work()
    assert (store.get(run_id).state, store.get(run_id).error) == ("failed", conductor.NOTHING)


def test_options_are_checked_and_completed(store, history, tiny):
    assert SEEDS.complete({}) == {"seeds": 3}
    for wrong in ({"seeds": 0}, {"seeds": True}, {"seeds": "3"}, {"folds": 3}):
        with pytest.raises(ConfigError, match="Seeds"):
            store.start_experiment("seeds", history, tiny, wrong)
    with pytest.raises(ConfigError, match="Training window must be one of expanding, sliding"):
        store.start_experiment("backtest", history, tiny, {"mode": "rolling"})


# The kinds there are


@pytest.fixture
def tested(laboratory, store, history, tiny):
    """A run that has ended, to make experiments around."""
    run_id = store.create(history, tiny)
    laboratory.work()
    return run_id


def test_a_backtest_trains_a_run_for_each_fold_and_sums_them_up(laboratory, store, history, tiny, tested):
    run_id = store.start_experiment("backtest", history, tiny, {"folds": 3, "mode": "sliding"}, parent=tested)
    laboratory.work()
    made = children(store, run_id)
    assert [child.parameters for child in made] == [{"fold": i, "folds": 3, "mode": "sliding"} for i in (1, 2, 3)]
    assert [child.name for child in made] == [f"TEST, fold {i} of 3" for i in (1, 2, 3)]
    assert store.history(made[0].id).dates[-1] < store.history(made[1].id).dates[-1] < history.dates[-1]
    found = summary(store, run_id)
    # Half of naive's error on each day: the same skill in every fold.
    assert found.sentence == ("Over 3 folds and 40 days the skill is 50.0 %; fold by fold it runs from 50.0 % to 50.0 %, and "
                              "3 of 3 were better than naive.")
    assert found.warnings == ()
    (table,) = found.tables
    assert table.frame.index.tolist() == ["Fold 1", "Fold 2", "Fold 3"]
    assert table.frame["Skill"].tolist() == ["+50.00 %"] * 3
    (chart,) = found.charts
    assert chart(dark=False).layout.title.text == "Out-of-sample predictions"


def test_a_new_backtest_takes_the_place_of_the_last_one(laboratory, store, history, tiny, tested):
    first = store.start_experiment("backtest", history, tiny, {"folds": 2}, parent=tested)
    with pytest.raises(RunError, match="has not ended yet"):
        store.start_experiment("backtest", history, tiny, {"folds": 3}, parent=tested)
    laboratory.work()
    with pytest.raises(NotEnoughData):
        store.start_experiment("backtest", history, tiny, {"folds": 12}, parent=tested)
    assert [run.id for run in store.experiments("backtest", tested)] == [first]
    second = store.start_experiment("backtest", history, tiny, {"folds": 3}, parent=tested)
    assert [run.id for run in store.experiments("backtest", tested)] == [second]
    with pytest.raises(RunError, match="deleted"):
        store.get(first)
    assert store.get(tested).state == "finished"


def test_folds_that_were_stopped_are_left_out_and_said_together(laboratory, store, history, tiny, tested):
    run_id = store.start_experiment("backtest", history, tiny, {"folds": 4}, parent=tested)
    laboratory.step(2)
    laboratory.compute(laboratory.at_work[0])
    laboratory.step()
    store.request_stop(run_id)
    laboratory.work()
    found = summary(store, run_id)
    assert found.tables[0].frame.index.tolist() == ["Fold 1"]
    assert sorted(found.warnings) == ["Fold 4: It was stopped before its turn came.",
                                      "Folds 2, 3: It was stopped before its end and is left out."]


def test_a_run_with_a_mistake_is_not_tested_further(store, history, tiny):
    with pytest.raises(ConfigError, match="invalid on purpose"):
        store.start_experiment("backtest", history, replace(tiny, leak="scaler"), {})
    with pytest.raises(ConfigError, match="honest"):
        store.start_experiment("leak", history, replace(tiny, leak="scaler"), {})


def test_mistakes_of_the_leak_lab_stand_beside_the_honest_run(laboratory, store, history, tiny, tested):
    for mistake in ("scaler", "shuffle"):
        run_id = store.start_experiment("leak", history, tiny, {"mistake": mistake}, parent=tested)
        laboratory.work()
        (child,) = children(store, run_id)
        assert (child.config, child.parameters) == (replace(tiny, leak=mistake), {"leak": mistake})
    found = store.experiments("leak", tested)
    assert [run.parameters["mistake"] for run in found] == ["shuffle", "scaler"]
    runs = [Child(child, store.result) for run in found for child in store.children(run)]
    (table,) = EXPERIMENTS["leak"].summarise(runs, Experiment(found[0], store, runs)).tables
    assert table.frame.index.tolist() == ["Honest", "Shuffled windows (invalid)", "Scaler on all data (invalid)"]
    assert table.frame["Flattered by"].tolist() == ["0.00 points"] * 3  # the script makes no mistakes
    assert pd.Series(table.frame["RMSE"]).nunique() == 1


@pytest.mark.parametrize(("change", "words"), [
    ({"target": "price"}, ""), ({"target": "log_return"}, "It flatters most where the target is Price"),
])
def test_the_leak_lab_says_what_a_mistake_takes(tiny, change, words):
    explained = EXPERIMENTS["leak"].explain({"mistake": "scaler"}, replace(tiny, **change))
    assert explained.startswith("The mistake: the scaler was fitted on all prices")
    assert words in explained
    assert EXPERIMENTS["leak"].explain({"mistake": "validation"}, tiny).endswith("turn on Stop early.")


def test_every_kind_has_words_for_all_that_a_page_draws():
    asked = {"many": {"series": ["one", "two"]}}  # which have no default
    for name, kind in EXPERIMENTS.items():
        assert all((kind.label, kind.tab, kind.about, kind.start))
        given = asked.get(name, {})
        assert kind.complete(given) == {option.name: option.default for option in kind.options} | given
        assert all(option.label and option.help for option in kind.options)
        assert kind.trainings(kind.complete(given)) >= 1
