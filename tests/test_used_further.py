"""What a notebook does with a result besides looking at its scores. One small training serves nearly all of it."""

import copy
import dataclasses
import os
import pickle
import signal
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor

from forecasting import (
    ConfigError,
    DataError,
    ForecastConfig,
    ForecastingError,
    NeedsChoice,
    PriceHistory,
    Refit,
    RunError,
    backtest,
    compare,
    load_run,
    read_prices,
    train,
    train_many,
)
from forecasting.arguments import as_config, as_history
from forecasting.equal import equal
from forecasting.evaluation.gate import Gate
from forecasting.model.config import PRESETS, RECOMMENDED
from forecasting.model.listener import SILENT
from forecasting.model.process import _without_chatter
from forecasting.progress import followed
from forecasting.runs.bring_back import open_zip
from forecasting.runs.take_home import run_zip

CONFIG = ForecastConfig(window=6, horizon=3, units=(3,), epochs=2, batch_size=32, skip="ridge")
ROWS, OLD = 240, 200
DAYS = pd.bdate_range("2020-01-01", periods=ROWS)


def walk(rows=ROWS, seed=0):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, ROWS)))
    return pd.Series(close[:rows], DAYS[:rows], name="made")


class Query:
    """A query that has not been run yet, as a LazyFrame of polars is."""

    def collect(self):
        return walk()


@pytest.fixture(scope="module")
def result():
    return train(walk(OLD), CONFIG)


@pytest.fixture(scope="module")
def updated(result):
    return result.update(walk())


# Newer prices


def test_an_update_is_what_training_on_the_longer_history_would_have_given(updated):
    again = train(updated.history, updated.config)
    assert (again.split.train_end, again.split.validation_end) == (updated.split.train_end, updated.split.validation_end)
    np.testing.assert_allclose(again.predictions["predicted"], updated.predictions["predicted"], rtol=1e-6)
    assert again.metrics["test"]["rmse"] == pytest.approx(updated.metrics["test"]["rmse"])
    assert len(updated.history) == ROWS


def test_an_update_changes_nothing_that_was_said_before(result, updated):
    pd.testing.assert_frame_equal(updated.predictions.loc[: DAYS[OLD - 1]], result.predictions, check_exact=True)
    np.testing.assert_array_equal(updated.steps.predicted[: len(result.steps.predicted)], result.steps.predicted)
    as_of = DAYS[OLD - 10]
    pd.testing.assert_frame_equal(updated.forecast(3, True, as_of), result.forecast(3, True, as_of), check_exact=True)
    assert (updated.predictions["split"].to_numpy()[-40 - 40 :] == "test").all()


def test_an_update_without_new_days_is_the_same_result(result):
    assert result.update(walk(OLD)) == result


@pytest.mark.parametrize(("newer", "reason"), [
    (walk().iloc[OLD:], "at least one day of the 200 before"),
    (2 * walk(), "The prices differ on 200 of 200 shared days"),
    (walk(seed=1), "This is another series"),
    (walk().iloc[::5], "without 160 rows, the first on"),
    (walk().drop(DAYS[7]), "without 1 row, the first on"),
    (walk(OLD - 20), "must go on to"),
    (pd.concat([walk(OLD), walk().iloc[OLD + 4 :: 5]]), "need the frequency of those before, trading days.*rows are weekly"),
    (pd.concat([walk(OLD), walk().iloc[OLD + 1 :: 2]]), "rows are irregular"),
    ([1.0], "update needs prices with dates"),
])
def test_prices_that_do_not_continue_a_series_are_refused(result, newer, reason):
    with pytest.raises(DataError, match=reason):
        result.update(newer)


def test_an_update_may_begin_later_but_not_outgrow_what_was_learnt(result):
    begun = walk().iloc[OLD - 5 :]
    assert result.update(begun).history.dates.equals(result.update(walk()).history.dates)
    long = pd.concat([walk(OLD), pd.Series(100 + np.arange(600) % 7.0, pd.bdate_range(DAYS[OLD], periods=600), name="made")])
    with pytest.raises(ConfigError, match="Train again"):
        result.update(long)


# Intervals and paths


def test_levels_are_nested_and_those_that_were_tested_stay(result):
    levels = (50, 80, 90, 95, 99)
    for steps, guarded, as_of in ((3, False, None), (9, True, None), (3, True, DAYS[OLD - 20])):
        forecast = result.forecast(steps, guarded, as_of, levels=levels)
        columns = [f"lower_{level}" for level in levels[::-1]] + ["predicted"] + [f"upper_{level}" for level in levels]
        assert (np.diff(forecast[columns].to_numpy(), axis=1) >= 0).all()
        assert (forecast["upper_99"] > forecast["upper_50"]).all()
        usual = result.forecast(steps, guarded, as_of)
        pd.testing.assert_frame_equal(forecast[list(usual)], usual, rtol=1e-6)
    assert list(result.forecast(2, levels=97.5)) == ["predicted", "lower_97.5", "upper_97.5"]


def test_one_step_intervals_of_any_level_are_those_of_the_predictions(result):
    table = result.intervals((50, 80), part=None)
    known = result.predictions.loc[table.index]
    np.testing.assert_allclose(table["lower_80"], known["lower_80"], rtol=1e-6)
    assert set(table["split"]) == {"validation", "test"}
    inside = table["actual"].between(table["lower_50"], table["upper_50"])
    assert 0.3 < inside.mean() < 0.7
    with pytest.raises(ConfigError, match="part must be"):
        result.intervals(part="train")


@pytest.mark.parametrize("levels", [(), (0,), (100,), (0.8, 0.95), "80", None, (80, "x"), (float("nan"),)])
def test_other_levels_are_refused(result, levels):
    with pytest.raises(ConfigError, match="levels must be in percent"):
        result.forecast(2, levels=levels)


@pytest.mark.parametrize(("steps", "guarded"), [(3, False), (8, True)])
def test_the_quantiles_of_the_paths_are_the_intervals(result, steps, guarded):
    paths, forecast = result.forecast(steps, guarded, samples=2000), result.forecast(steps, guarded)
    assert paths.shape == (2000, steps)
    for name, share in (("lower_95", 0.025), ("lower_80", 0.1), ("predicted", 0.5), ("upper_80", 0.9), ("upper_95", 0.975)):
        np.testing.assert_allclose(np.quantile(paths, share, axis=0), forecast[name], rtol=2e-3)
    alike = np.corrcoef(np.log(paths), rowvar=False)
    assert alike[0, 1] > 0.3
    assert (np.diff(alike[-1, -3:]) > 0).all()
    np.testing.assert_array_equal(paths, result.forecast(steps, guarded, samples=2000))
    assert (paths != result.forecast(steps, guarded, samples=2000, seed=5)).any()


@pytest.mark.parametrize("samples", [0, -1, 2.5, True, 10**9, "many"])
def test_another_number_of_paths_is_refused(result, samples):
    with pytest.raises(ConfigError, match="samples must be a whole number"):
        result.forecast(2, samples=samples)


# Kept, copied and compared


def test_results_are_equal_if_they_say_the_same_whenever_they_were_made(result, updated, tmp_path):
    result.save(tmp_path)
    loaded = load_run(tmp_path)
    assert loaded == result
    assert dataclasses.replace(result, seconds=1e6) == result
    assert result != updated
    assert result != "a result"
    assert result.history == loaded.history
    assert len({result.history, loaded.history, updated.history}) == 2
    assert equal({"a": (np.array([np.nan]),)}, {"a": (np.array([np.nan]),)})
    assert not equal(np.array([1.0]), np.array([1]))


def test_a_result_can_be_pickled_with_its_network(result):
    for copied in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert copied == result
        pd.testing.assert_frame_equal(copied.forecast(7), result.forecast(7), check_exact=True)


def test_an_error_survives_pickling_with_what_it_carries():
    error = pickle.loads(pickle.dumps(NeedsChoice("Which?", kind="column", options=("A", "B"))))
    assert (error.question, error.kind, error.options) == ("Which?", "column", ("A", "B"))
    assert str(error) == "Which? Pass column=, e.g. column='A'. The options are 'A', 'B'."


def test_a_refit_is_saved_and_comes_back(result, tmp_path):
    refit = dataclasses.replace(result, rates=(0.002,)).refit()
    refit.save(tmp_path)
    again = Refit.load(tmp_path)
    assert again == refit
    pd.testing.assert_frame_equal(again.forecast(8, True), refit.forecast(8, True), check_exact=True)
    assert load_run(tmp_path).predictions.equals(result.predictions)
    (tmp_path / "refit.json").unlink()
    with pytest.raises(RunError, match="Refit again"):
        Refit.load(tmp_path)


# Several


def test_many_series_are_trained_and_one_that_cannot_be_keeps_none_from_it(result):
    many = train_many({"a": walk(OLD), "short": walk(12), "b": walk(OLD, seed=1), "text": "x.csv"}, CONFIG, workers=1)
    assert list(many) == ["a", "b"]
    assert many["a"] == result
    assert list(many.failed) == ["short", "text"]
    with pytest.raises(DataError, match="Need at least"):
        many["short"]
    with pytest.raises(KeyError):
        many["c"]
    assert "On 2 series" in many.sentence
    assert list(many.table.index) == ["a", "b"]
    assert "short: Need at least" in many._repr_html_()
    assert repr(many) == "Trainings(2 series: a, b, 2 failed: short, text)"
    assert compare(many).names == ("a", "b")
    assert compare({1: many["a"], 2: many["b"]}).names == ("1", "2")


@pytest.mark.parametrize("histories", [[], {}, None, walk(OLD)])
def test_anything_but_a_dict_of_series_is_refused(histories):
    with pytest.raises(ConfigError, match=r"train_many takes \{name: history\}"):
        train_many(histories)


def test_processes_give_what_one_after_the_other_gives(result):
    many = train_many({"a": walk(OLD), "b": walk(OLD, seed=1)}, dataclasses.replace(CONFIG, epochs=1), workers=2)
    get_reusable_executor().shutdown()  # they would wait for more work, with a gigabyte
    alone = train(walk(OLD), dataclasses.replace(CONFIG, epochs=1))
    assert many["a"] == alone
    assert len(many["b"].forecast(5)) == 5


def test_a_backtest_predicts_every_test_day_once(result):
    folds = backtest(walk(OLD), dataclasses.replace(CONFIG, epochs=1), folds=2)
    assert folds.predictions.index.equals(result.predictions.index[result.predictions["split"] == "test"])
    assert list(folds.table["rows"]) == [20, 20]
    assert "Over 2 folds and 40 days" in folds.sentence
    assert "Fold 2" in folds._repr_html_()
    assert len(folds.plot().data) >= 3
    with pytest.raises(ConfigError, match="folds must be a whole number"):
        backtest(walk(OLD), CONFIG, folds=1)


# Shown


def test_what_a_notebook_shows_is_short_escaped_and_says_the_verdict(result):
    named = dataclasses.replace(result, history=dataclasses.replace(result.history, name="<i>&"))
    for one in (result, result.history, CONFIG, compare({"a": result, "b": named})):
        assert len(repr(one)) < 300
        assert "Traceback" not in one._repr_html_()
    shown = named._repr_html_()
    assert "<i>" not in shown
    assert "&lt;i&gt;&amp;" in shown
    assert result.verdict.headline.lower() in shown
    assert "<svg" in shown
    assert "Naive RMSE" in shown
    assert "<svg" in result.history._repr_html_()
    assert "Recommended" in RECOMMENDED._repr_html_()


def test_what_looks_wrong_in_the_prices_is_said_wherever_they_are_shown(result):
    close = walk(OLD)
    close.iloc[:90] *= 4  # a split that was not adjusted for
    history = PriceHistory.from_frame(close)
    assert "split" in history.warnings[0]
    for one in (history, dataclasses.replace(result, history=history)):
        assert repr(one).endswith(", 1 warning)")
        assert escape(history.warnings[0]) in one._repr_html_()
    assert not result.history.warnings
    assert "warning" not in repr(result) + repr(result.history)


def test_a_history_of_any_length_is_drawn():
    for prices in (walk(2), pd.Series(5.0, DAYS[:30]), pd.Series(np.linspace(-1e300, 1e300, 1500),
                                                               pd.bdate_range("2000", periods=1500))):
        assert "nan" not in dataclasses.replace(PriceHistory.from_frame(walk(2)), frame=prices.to_frame("Close"))._repr_html_()


@pytest.mark.parametrize("config", [*PRESETS.values(), CONFIG, ForecastConfig()])
def test_the_repr_of_settings_can_be_evaluated(config):
    assert eval(repr(config), {"ForecastConfig": ForecastConfig}) == config


def test_plots_are_the_apps_figures(result):
    assert [trace.name for trace in result.plot().data][-1] == "Actual"
    assert len(result.plot(part=None).data[-1].x) == len(result.predictions)
    assert {"Predicted", "Naive", "Network alone"} <= {trace.name for trace in result.plot_forecast(5).data}
    assert "What came" in [trace.name for trace in result.plot_forecast(5, as_of=DAYS[OLD - 10]).data]
    assert len(result.history.plot(CONFIG).layout.shapes) == 3
    with pytest.raises(ConfigError, match="part must be one of"):
        result.plot("tset")


# Called in other ways


def test_settings_may_be_left_out_or_named():
    assert as_config(None) == RECOMMENDED
    assert as_config("quick look") == as_config("Quick_Look") == PRESETS["Quick look"]


@pytest.mark.parametrize(("config", "reason"), [
    ("tutorail", "Did you mean 'tutorial'"), ("fast", "For settings of your own"), ({"window": 5}, r"ForecastConfig\(\*\*"),
    (walk(), "The prices come first"), (60, "leave it out for RECOMMENDED"),
])
def test_what_are_no_settings_is_refused_with_what_to_call(config, reason):
    with pytest.raises(ConfigError, match=reason):
        as_config(config)


@pytest.mark.parametrize(("prices", "reason"), [
    ("AAPL", r"load_sample\('AAPL'\).*fetch_prices\('AAPL'\)"),
    (Query(), r"collect\(\) gives"), (object(), "Received: an object"),
    ("MSFT", r"fetch_prices\('MSFT'\)"), ("data/x.csv", r"read_prices\('data/x.csv'\)"),
    ([1.0, 2.0], "Numbers need a date each"), (np.ones(3), r"an array of shape \(3,\)"), ({"a": walk()}, "call train_many"),
    ({"Close": [1]}, "pandas.DataFrame"), (RECOMMENDED, "The settings come second"), (b"Date,Close", "bytes of a file"),
    ("recommended", r"call train\(history, 'recommended'\)"), (None, "Received: None"), (3, "Received: int '3'"),
])
def test_what_is_no_history_is_refused_with_what_to_call(prices, reason):
    with pytest.raises(DataError, match=reason):
        as_history(prices)


@pytest.mark.parametrize("call", [train, backtest, lambda prices: train_many({"a": prices})["a"]])
@pytest.mark.parametrize(("prices", "reason"), [
    (None, "Call read_prices"), ("prices.csv", r"\(read_prices\('prices.csv'\)\)"),
    (Path("x.csv"), r"\(read_prices\('x.csv'\)\)"), (walk().reset_index(drop=True), "date"),
    (walk().to_frame().reset_index(drop=True), "date"), (pd.DataFrame({"a": walk(), "b": 2 + walk(seed=1)}), "column='a'"),
    (pd.DataFrame(), "empty"),
])
def test_every_training_says_what_to_call_with_what_is_no_history(call, prices, reason):
    with pytest.raises(DataError, match=reason):
        call(prices)


def test_a_result_in_place_of_prices_leads_to_update(result):
    with pytest.raises(DataError, match=r"result.update\(newer_history\)"):
        as_history(result)
    with pytest.raises(ConfigError, match="compare takes the results"):
        compare([result, result.history])


@pytest.mark.parametrize(("call", "reason"), [
    (lambda result, there: compare(result, result), r"compare\(\[result, other\]\)"),
    (lambda result, there: compare([result, result], "ab"), "names must be a list of texts|needs a name of its own"),
    (lambda result, there: compare([result, result], result), "names must be a list of texts.*a TrainingResult"),
    (lambda result, there: compare([result, 1]), "an int among them"),
    (lambda result, there: compare([result, None]), "a NoneType among them"),
    (lambda result, there: result.history.plot("Quick lok"), "Did you mean 'quick look'"),
    (lambda result, there: result.history.plot(3), "Received: an int"),
    (lambda result, there: load_run(None), "A path is needed.*Received: None"),
    (lambda result, there: load_run(there / "nowhere"), "There is no folder “.*nowhere”"),
    (lambda result, there: load_run(there / "file"), "is a file, not a folder"),
    (lambda result, there: Refit.load(there / "file"), "is a file, not a folder"),
    (lambda result, there: PriceHistory.load(there / "nowhere"), "There is no folder"),
    (lambda result, there: PriceHistory.load(3), "A path is needed"),
    (lambda result, there: result.save(None), "A path is needed"),
    (lambda result, there: result.save(""), "A path is needed"),
    (lambda result, there: result.save(there / "file"), r"there can be none at this path \(File exists\)"),
    (lambda result, there: result.history.save(there / "file" / "below"), "there can be none at this path"),
    (lambda result, there: read_prices(there), "is a folder. Pass the path of a file"),
    (lambda result, there: read_prices(""), "A path is needed"),
    (lambda result, there: read_prices(Query()), r"Received: Query.*collect\(\) gives"),
    (lambda result, there: PriceHistory.from_frame(Query()), r"collect\(\) gives"),
    (lambda result, there: read_prices(walk(), decimal=";"), "decimal must be"),
    (lambda result, there: read_prices(walk(), colum="Close"), "read_prices takes no keyword colum. Did you mean column"),
    (lambda result, there: PriceHistory.from_frame(walk(), colum="x"), "from_frame takes no keyword colum. Did you"),
    (lambda result, there: train(walk(), epochs=3), r"dataclasses.replace\(RECOMMENDED, epochs=3\)"),
    (lambda result, there: train(walk(), should_stopp=None), "Did you mean should_stop"),
    (lambda result, there: backtest(walk(), fold=3), "Did you mean folds"),
    (lambda result, there: train_many({"a": walk()}, units=3), r"ForecastConfig\(units=3\)"),
    (lambda result, there: ForecastConfig(cell="lsmt"), "Did you mean 'lstm'"),
])
def test_whatever_is_called_wrongly_is_refused_with_a_sentence(result, tmp_path, call, reason):
    (tmp_path / "file").write_text("no run")
    with pytest.raises(ForecastingError, match=reason):
        call(result, tmp_path)


def test_a_run_without_a_refit_says_how_to_make_one(result, tmp_path):
    result.save(tmp_path)
    with pytest.raises(RunError, match=r"saved without a refit. Call load_run\(folder\).refit\(\)"):
        Refit.load(tmp_path)


def test_a_single_input_or_layer_needs_no_list():
    assert ForecastConfig(features="Close") == ForecastConfig(features=("Close",))
    assert ForecastConfig(units=8).units == (8,)


def test_a_misspelt_setting_is_refused_with_the_one_that_is_meant():
    for name, meant in (("epoch", "epochs"), ("Learning_Rate", "learning_rate"), ("layers", "")):
        with pytest.raises(ConfigError, match=f"Unknown setting {name}.*{meant}"):
            ForecastConfig(**{name: 3})
    with pytest.raises(ConfigError, match="Did you mean epochs"):
        dataclasses.replace(CONFIG, epoch=3)
    with pytest.raises(ConfigError, match="from 0 to 2147483647"):
        ForecastConfig(seed=-1)


@pytest.mark.parametrize("as_of", [2012, 2012.0, np.int64(20200701)])
def test_a_number_is_no_day(result, as_of):
    with pytest.raises(ConfigError, match="as_of must be a date"):
        result.forecast(2, as_of=as_of)


def test_evidence_that_is_proven_is_not_said_to_keep_nothing():
    gate = Gate(True, (0.001, 0.4, 0.002), (0.0, 5.0, 0.0), 100)
    assert "0 % of its" not in gate.words()
    assert "less than 1 % of its move at the first and the last step, and most, 40 %, at step 2" in gate.words()


def test_the_settings_say_what_each_of_them_may_be():
    for field in dataclasses.fields(ForecastConfig):
        assert f"\n    {field.name}: " in ForecastConfig.__doc__


# Known in advance


@pytest.fixture(scope="module")
def informed():
    """Of a series that jumps on days that are known in advance, for four days to come."""
    days = pd.bdate_range("2020-01-01", periods=OLD + 4)
    sale = np.arange(OLD + 4) % 9 == 4
    close = 100 * np.exp(np.cumsum(np.where(sale, 0.03, -0.004)))
    table = pd.DataFrame({"Close": np.where(np.arange(OLD + 4) < OLD, close, np.nan), "sale": sale}, index=days)
    config = dataclasses.replace(CONFIG, features=("Close", "known:sale"), skip=None, epochs=8, learning_rate=0.02)
    return train(PriceHistory.from_frame(table, name="shop"), config)


def test_a_forecast_needs_what_is_known_in_advance_and_follows_it(informed):
    assert len(informed.forecast(4)) == 4
    assert informed.steps_known == 3
    with pytest.raises(ConfigError, match="needs 'sale' on each day, and there is none for 1 day"):
        informed.forecast(5)
    days = pd.bdate_range(informed.history.dates[-1], periods=9)[1:]
    with_sales, without = (informed.forecast(8, known=pd.DataFrame({"sale": value}, index=days)) for value in (1.0, 0.0))
    assert (with_sales["predicted"] != without["predicted"]).all()
    plain = train(walk(OLD), dataclasses.replace(CONFIG, epochs=1))
    with pytest.raises(ConfigError, match="these settings have none"):
        plain.forecast(3, known=pd.DataFrame({"sale": 1.0}, index=days))


def test_a_run_with_inputs_known_in_advance_is_kept_and_goes_home_and_back(informed, tmp_path):
    informed.save(tmp_path)
    assert load_run(tmp_path) == informed
    back = open_zip(run_zip(informed))
    assert back.history == informed.history
    pd.testing.assert_frame_equal(back.predictions, informed.predictions)
    blind = dataclasses.replace(informed, history=dataclasses.replace(
        informed.history, known=informed.history.known.loc[: informed.history.dates[-1]]))
    assert blind.steps_known == 0
    assert open_zip(run_zip(blind)).history == blind.history


# Interrupted and watched


def test_ctrl_c_ends_a_training_and_gives_back_what_was_learnt():
    def interrupt(log):
        if log.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    stopped = train(walk(OLD), dataclasses.replace(CONFIG, epochs=1000, patience=None), on_epoch=interrupt)
    assert stopped.stopped
    assert 2 <= len(stopped.curve) < 1000
    assert stopped.predictions["predicted"].notna().all()
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_pressed_again_ends_the_predicting_and_a_third_time_gives_up():
    with followed(SILENT, False, "made", 5) as listener:
        for wanted in ((True, False), (True, True)):
            os.kill(os.getpid(), signal.SIGINT)
            assert (listener.asked_to_stop(), listener.asked_to_stop_predicting()) == wanted
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_bar_is_shown_where_it_is_asked_for_and_only_there(capsys):
    train(walk(OLD), dataclasses.replace(CONFIG, epochs=1), progress=True)
    assert "made: 100%" in capsys.readouterr().err
    train(walk(OLD), dataclasses.replace(CONFIG, epochs=1))
    assert capsys.readouterr().err == ""


def test_only_tensorflows_chatter_is_held_back(capfd):
    with _without_chatter():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
                    b"I0000 00:00:1 1 port.cc:153] oneDNN custom operations are on.\nan error of somebody else\n"
                    b"E0000 00:00:1 1 cuda_platform.cc:52] failed call to cuInit\nE0000 00:00:1 1 disk.cc:1] broken\n")
    assert capfd.readouterr().err == "an error of somebody else\nE0000 00:00:1 1 disk.cc:1] broken\n"

