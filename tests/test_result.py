import dataclasses
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError, DataError, NotEnoughData, RunError
from forecasting.evaluation.learning import predicted_words
from forecasting.model import encoding
from forecasting.model.config import ForecastConfig
from forecasting.model.features import make_features
from forecasting.model.listener import STOP_PREDICTING
from forecasting.result import load_run, train
from forecasting.runs.bring_back import open_zip
from forecasting.runs.take_home import run_zip
from forecasting.steps import collect_steps, guard_steps
from forecasting.words import share

# Without patience, so that the network of the last epoch is kept although a walk has nothing to learn.
CONFIG = ForecastConfig(window=6, horizon=3, units=(3,), epochs=2, batch_size=32, skip="ridge", season="auto", patience=None)
ROWS = 160
COLUMNS = ["split", "actual", "predicted", "naive", "lower_80", "upper_80", "lower_95", "upper_95"]


def make_history(rows=ROWS, seed=0, **details):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, rows)))
    frame = pd.DataFrame({"Close": close}, index=pd.bdate_range("2020-01-01", periods=rows))
    return PriceHistory(frame, name="made", source="a test", frequency="trading days", **details)


@pytest.fixture(scope="module")
def result():
    return train(make_history(notes=("a note",), currency="USD"), CONFIG)


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    result.save(folder)
    return folder


def test_every_row_after_the_first_window_is_predicted(result):
    table = result.predictions
    assert list(table) == COLUMNS
    assert table.index.equals(result.history.dates[6:])
    np.testing.assert_array_equal(table["actual"], result.history.close[6:])
    np.testing.assert_array_equal(table["naive"], result.history.close[5:-1])
    assert table["split"].value_counts().to_dict() == {"train": 106, "validation": 16, "test": 32}
    assert np.isfinite(table[COLUMNS[1:]].to_numpy()).all()
    assert (table["lower_95"] <= table["lower_80"]).all()
    assert (table["lower_80"] <= table["predicted"]).all()
    assert (table["lower_95"] > 0).all()


def test_scores_are_those_of_the_table(result):
    rows = result.predictions[result.predictions["split"] == "test"]
    errors = (rows["actual"] - rows["predicted"]).to_numpy()
    scores = result.metrics["test"]
    assert scores["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert scores["mape"] == pytest.approx(100 * np.mean(np.abs(errors) / rows["actual"]))
    assert scores["naive_rmse"] == pytest.approx(np.sqrt(np.mean((rows["actual"] - rows["naive"]) ** 2)))
    assert scores["skill"] == pytest.approx(1 - scores["rmse"] / scores["naive_rmse"])
    assert scores["coverage_80"] == pytest.approx(rows["actual"].between(rows["lower_80"], rows["upper_80"]).mean())


def test_steps_hold_every_step_of_validation_and_test(result):
    steps = result.steps
    assert steps.predicted.shape == (16 + 32 + 1, 3)
    assert steps.origins[0] == result.split.train_end - 1
    np.testing.assert_array_equal(steps.predicted[:-1, 0], result.predictions["predicted"].to_numpy()[-48:])


def test_the_model_gives_the_predictions(result):
    inputs = result.encoder.encode(result.history).inputs[-7:-1]
    length = result.model.input_shape[1]
    outputs = result.model(inputs[None, -length:]).numpy()
    again = result.encoder.prices(outputs, result.history.close[-2:-1])[0, 0]
    assert again == pytest.approx(result.predictions["predicted"].iloc[-1], rel=1e-6)


def test_a_saved_run_is_the_same_bit_for_bit(result, folder):
    loaded = load_run(folder)
    pd.testing.assert_frame_equal(loaded.predictions, result.predictions, check_exact=True)
    pd.testing.assert_frame_equal(loaded.curve, result.curve)
    assert (loaded.config, loaded.metrics, loaded.reasons, loaded.gate) == (
        result.config, result.metrics, result.reasons, result.gate)
    np.testing.assert_array_equal(loaded.evidence.shares, result.evidence.shares)
    assert (loaded.best_epoch, loaded.rates, loaded.linear, loaded.encoder) == (
        result.best_epoch, result.rates, result.linear, result.encoder)
    assert loaded.history.fingerprint == result.history.fingerprint
    for guarded in (False, True):
        pd.testing.assert_frame_equal(loaded.forecast(8, guarded), result.forecast(8, guarded), check_exact=True)
    for mine, theirs in zip(loaded.model.weights, result.model.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_a_loaded_run_can_be_saved_again(folder, tmp_path):
    load_run(folder).save(tmp_path)
    pd.testing.assert_frame_equal(load_run(tmp_path).forecast(5), load_run(folder).forecast(5), check_exact=True)


def test_loading_and_forecasting_within_the_horizon_import_no_tensorflow(folder):
    code = ("import sys; from forecasting.result import load_run; run = load_run(sys.argv[1]); run.predictions; "
            "run.metrics; run.gate; run.forecast(3); run.steps.bounds(0.8); "
            "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'sklearn', 'talib')))")
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 0


@pytest.mark.parametrize("name", ["config.json", "history.parquet", "predictions.parquet", "curve.csv",
                                  "metrics.json", "steps.npz", "preprocessor.json", "model.keras"])
@pytest.mark.parametrize("content", [None, b"{}", b"PK\x03\x04 not a zip"])
def test_a_damaged_folder_is_an_error_in_words(folder, tmp_path, name, content):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RunError, match="Train again"):
        load_run(tmp_path).model  # noqa: B018  (read when it is first used)


def test_a_run_whose_prices_were_saved_in_two_files_still_opens(result, folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    result.history.frame.to_parquet(tmp_path / "history.parquet")
    (tmp_path / "history.json").write_text(json.dumps(result.history.description | {"warnings": []}))
    old = load_run(tmp_path)
    assert old.history.key == result.history.key
    pd.testing.assert_frame_equal(old.forecast(8), result.forecast(8), check_exact=True)


def test_a_run_of_another_format_says_so(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    summary = json.loads((folder / "metrics.json").read_text())
    (tmp_path / "metrics.json").write_text(json.dumps(summary | {"format": 1}))
    with pytest.raises(RunError, match="saved by another version"):
        load_run(tmp_path)


def test_a_run_saved_before_there_was_evidence_is_weighed_again(result, folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    summary = json.loads((folder / "metrics.json").read_text())
    (tmp_path / "metrics.json").write_text(json.dumps(summary | {"format": 2, "gate": {"passed": False}}))
    with np.load(folder / "steps.npz") as arrays:
        np.savez(tmp_path / "steps.npz", **{name: arrays[name] for name in arrays.files
                                            if name not in ("guarded", "shares", "log_evidence", "judged")})
    old = load_run(tmp_path)
    assert old.gate == result.gate
    np.testing.assert_array_equal(old.guarded.predicted[16:], result.guarded.predicted[16:])
    guarded, today = old.forecast(3, guarded=True), result.forecast(3, guarded=True)
    np.testing.assert_allclose(guarded, today, rtol=0.02)  # widths were calibrated beside other training rows


def test_a_folder_that_is_not_there_is_an_error_in_words(tmp_path):
    with pytest.raises(RunError, match="There is no folder"):
        load_run(tmp_path / "nowhere")


def test_a_model_that_brings_code_along_is_refused(folder, tmp_path):
    import keras

    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    evil = keras.Sequential([keras.Input((6, 1)), keras.layers.Lambda(lambda x: x)])
    evil.save(tmp_path / "model.keras")
    with pytest.raises(RunError, match="cannot be read"):
        load_run(tmp_path).model  # noqa: B018


@pytest.mark.parametrize("config", [
    CONFIG,
    dataclasses.replace(CONFIG, target="price", scaler="minmax", skip=None, patience=None, horizon=1),
])
def test_a_price_of_the_test_part_changes_nothing_dated_on_or_before_it(config):
    history = make_history()
    day = 140
    wild = history.frame.copy()
    wild.iloc[day] *= 1.7
    before, after = train(history, config), train(dataclasses.replace(history, frame=wild), config)
    for one, other in zip(before.model.weights, after.model.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert before.encoder == after.encoder
    assert before.gate_at(history.dates[day - 1]) == after.gate_at(history.dates[day - 1])
    assert before.gate != after.gate
    assert before.metrics["validation"] == after.metrics["validation"]
    dated = COLUMNS[2:]
    upto = history.dates[day]
    pd.testing.assert_frame_equal(before.predictions.loc[:upto, dated], after.predictions.loc[:upto, dated],
                                  check_exact=True)
    assert (before.predictions[dated].iloc[-1] != after.predictions[dated].iloc[-1]).any()
    as_of = history.dates[day - 1]
    for guarded in (False, True):
        pd.testing.assert_frame_equal(before.forecast(5, guarded, as_of), after.forecast(5, guarded, as_of), check_exact=True)


def test_a_forecast_is_dated_on_the_days_that_follow(result):
    forecast = result.forecast(3)
    assert list(forecast) == COLUMNS[2:3] + COLUMNS[4:]
    assert forecast.index.name == "Date"
    assert forecast.index.equals(pd.bdate_range(result.history.dates[-1] + pd.Timedelta(days=1), periods=3))
    np.testing.assert_array_equal(forecast["predicted"], result.steps.predicted[-1])


def test_intervals_of_a_recursion_grow(result):
    forecast = result.forecast(12)
    widths = np.log(forecast["upper_80"] / forecast["lower_80"]).to_numpy()
    assert (np.diff(widths[2:]) > 0).all()
    assert (forecast["lower_95"] > 0).all()


def gated(result, share):
    """`result` with evidence that keeps `share` of each move."""
    evidence = dataclasses.replace(result.evidence, shares=np.full_like(result.evidence.shares, share))
    close, parts = result.history.close, result.split
    steps = collect_steps(close, parts, 5, result.forecaster.predict(result.history, np.arange(5, ROWS)), True)
    guarded = guard_steps(steps, close, parts, evidence, True).between(parts.train_end - 1, ROWS)
    return dataclasses.replace(result, evidence=evidence, guarded=guarded)


def test_a_guarded_forecast_departs_only_as_far_as_the_gate_allows(result):
    shut, half = gated(result, 0.0), gated(result, 0.5)
    last, plain = result.history.close[-1], result.forecast(5)["predicted"]
    np.testing.assert_array_equal(shut.forecast(5, guarded=True)["predicted"], np.full(5, last))
    np.testing.assert_allclose(half.forecast(5, guarded=True)["predicted"], (last + plain) / 2)
    guarded = shut.forecast(5, guarded=True)
    assert ((guarded["lower_80"] < last) & (last < guarded["upper_80"])).all()
    open_ = gated(result, 1.0)
    pd.testing.assert_frame_equal(open_.forecast(5, guarded=True), open_.forecast(5))


def test_a_guarded_forecast_keeps_what_was_known_on_its_day(result):
    for as_of, at in ((None, -1), (result.history.dates[140], 140 - ROWS)):
        last, plain = result.history.close[at], result.forecast(3, as_of=as_of)["predicted"].to_numpy()
        kept = np.array(result.gate_at(as_of).shrinkage)
        np.testing.assert_allclose(result.forecast(3, guarded=True, as_of=as_of)["predicted"], last + kept * (plain - last))
        np.testing.assert_allclose(result.guarded.predicted[at], last + kept * (plain - last))
    assert result.gate_at() == result.gate
    assert result.gate.origins == len(result.steps.origins) - 1


def test_a_guarded_forecast_has_the_intervals_of_the_guarded_forecast(tmp_path):
    # A network that predicts prices badly: its own intervals are many times as wide as the naive forecast's.
    config = dataclasses.replace(CONFIG, target="price", skip=None, learning_rate=0.0001, epochs=1, patience=None)
    wild = train(make_history(), config)
    assert not wild.gate.passed
    naive = collect_steps(wild.history.close, wild.split, 5, np.tile(wild.history.close[5:, None], 3), True)
    for run in (wild, (wild.save(tmp_path), load_run(tmp_path))[1]):
        for as_of, at in ((None, -1), (wild.history.dates[140], 140 - ROWS)):
            guarded, plain = (run.forecast(3, guarded=one, as_of=as_of) for one in (True, False))
            last = run.steps.last[at]
            assert (np.abs(guarded["predicted"] - last) < 0.02 * np.abs(plain["predicted"] - last)).all()
            for level in (80, 95):
                widths = [np.log(table[f"upper_{level}"] / table[f"lower_{level}"]) for table in (guarded, plain)]
                bounds = [bound[at] for bound in naive.bounds(level / 100)]
                np.testing.assert_allclose(widths[0], np.log(bounds[1] / bounds[0]), rtol=0.05)
                assert (widths[1] > widths[0]).all()


@pytest.mark.parametrize("target", ["change", "price"])
def test_a_prediction_below_zero_does_not_close_its_interval(target):
    history = make_history(ROWS)
    frame = history.frame.assign(Close=history.close * np.linspace(100, 1, ROWS) ** 1.5)  # what was dear is cheap now
    config = dataclasses.replace(CONFIG, target=target, skip=None, learning_rate=0.5, patience=None, seed=1)
    fallen = train(dataclasses.replace(history, frame=frame), config)
    table = pd.concat([fallen.predictions[[*COLUMNS[4:], "predicted"]], fallen.forecast(12)])
    lowest = table["predicted"] / np.r_[fallen.predictions["naive"], np.full(12, fallen.history.close[-1])]
    assert (table["lower_95"] > 0).all()
    assert (table["upper_95"] > 1.01 * table["lower_95"]).all()
    assert lowest.min() < 0.9


def test_as_of_gives_the_forecast_as_it_would_have_been_made(result):
    day = result.history.dates[140]
    forecast = result.forecast(4, as_of=day)
    assert forecast.index.equals(result.history.dates[141:145])
    row = result.predictions.loc[result.history.dates[141]]
    assert forecast["predicted"].iloc[0] == row["predicted"]
    assert forecast["lower_80"].iloc[0] == pytest.approx(row["lower_80"])
    on_a_sunday = result.history.dates[140] + pd.offsets.Week(weekday=6)
    assert len(result.forecast(2, as_of=on_a_sunday)) == 2


def test_as_of_does_not_know_later_prices(result):
    short = dataclasses.replace(result.history, frame=result.history.frame.iloc[:141])
    path = result.forecaster.predict(short, [140])[0]
    np.testing.assert_allclose(result.forecast(3, as_of=result.history.dates[140])["predicted"], path, rtol=1e-6)


@pytest.mark.parametrize("as_of", ["2019-01-01", "2020-02-03", "2030-01-01"])
def test_as_of_outside_the_test_part_is_refused(result, as_of):
    with pytest.raises(ConfigError, match="Received: as_of"):
        result.forecast(3, as_of=as_of)


@pytest.mark.parametrize("as_of", ["garbage", "", pd.NaT, float("nan"), [], "2020-07-01T00:00:00+02:00", 10**400,
                                   pd.Timestamp("2020-07-01", tz="America/New_York"), "9999999-01-01"])
def test_an_as_of_that_is_no_date_of_the_series_is_refused(result, as_of):
    with pytest.raises(ConfigError, match="as_of must be a date without a time zone"):
        result.forecast(3, as_of=as_of)


@pytest.mark.parametrize("steps", [0, -1, 1001, 2.5, True, "3"])
def test_a_wrong_number_of_steps_is_refused(result, steps):
    with pytest.raises(ConfigError, match="steps must be a whole number"):
        result.forecast(steps)


def test_a_refit_forecasts_from_all_rows_with_the_tested_intervals(result):
    refit = dataclasses.replace(result, rates=(0.002,)).refit()
    forecast, tested = refit.forecast(5), result.forecast(5)
    assert not refit.stopped
    assert forecast.index.equals(tested.index)
    widths = [np.log(table["upper_80"] / table["lower_80"]) for table in (forecast, tested)]
    np.testing.assert_allclose(*widths)
    assert (forecast["predicted"] != tested["predicted"]).any()
    assert len(refit.forecast(2, guarded=True)) == 2


def test_a_refit_after_best_epoch_zero_keeps_the_proven_linear_part():
    moves = np.tile([0.03, -0.01, 0.02, -0.05, 0.01], ROWS // 5) + np.random.default_rng(0).normal(0, 0.002, ROWS)
    frame = pd.DataFrame({"Close": 100 * np.exp(np.cumsum(moves))}, index=pd.bdate_range("2020-01-01", periods=ROWS))
    waves = PriceHistory(frame, name="waves", source="a test")
    tested = train(waves, dataclasses.replace(CONFIG, epochs=3, learning_rate=1.0, patience=1))
    assert (tested.best_epoch, tested.rates, tested.untrained_was_best) == (0, (), True)
    refit = tested.refit()
    assert not refit.stopped
    np.testing.assert_allclose(refit.forecast(3)["predicted"], tested.forecast(3)["predicted"], rtol=0.01)
    assert tested.refit(should_stop=lambda: True).stopped


def test_a_refit_runs_as_many_epochs_as_the_tested_weights_had():
    config = dataclasses.replace(CONFIG, skip=None, patience=None, epochs=4, schedule="cosine")
    tested, told = train(make_history(), config), []
    tested = dataclasses.replace(tested, best_epoch=1)  # as where the first epoch had the lowest validation loss
    tested.refit(on_epoch=told.append)
    assert tuple(log.learning_rate for log in told) == tested.rates
    assert len(told) == 4


def test_a_stop_before_the_first_epoch_is_no_verdict_on_the_network():
    stopped = train(make_history(), CONFIG, should_stop=lambda: True)
    assert (stopped.best_epoch, len(stopped.curve), stopped.untrained_was_best) == (0, 0, False)


@pytest.mark.parametrize("asked", [1, 3, 30])
def test_a_stop_at_any_moment_leaves_a_whole_result(asked):
    calls = []

    def should_stop():
        calls.append(1)
        return len(calls) >= asked

    stopped = train(make_history(), dataclasses.replace(CONFIG, epochs=1000, patience=None), should_stop=should_stop)
    assert stopped.stopped
    assert len(stopped.curve) < 1000
    assert stopped.metrics["test"]["rmse"] > 0
    assert len(stopped.predictions) == ROWS - 6
    assert len(stopped.forecast(4)) == 4


def test_a_history_is_encoded_once(monkeypatch):
    made = []
    monkeypatch.setattr(encoding, "make_features", lambda *given: made.append(given) or make_features(*given))
    train(make_history(), dataclasses.replace(CONFIG, features=("Close", "rsi")))
    assert len(made) == 1


def test_phases_and_epochs_are_told():
    phases, epochs = [], []
    train(make_history(), CONFIG, on_epoch=epochs.append, on_phase=phases.append)
    assert phases == ["preparing the data", "fitting the linear part", "training", "predicting", "scoring"]
    assert [log.epoch for log in epochs] == [1, 2]


@pytest.mark.parametrize("leak", ["scaler", "validation", "shuffle", "centred_average"])
def test_a_run_with_a_leak_is_marked_invalid(result, leak):
    marked = dataclasses.replace(result, config=dataclasses.replace(CONFIG, leak=leak))
    assert "invalid on purpose" in marked.invalid
    assert result.invalid is None


def test_a_centred_average_makes_the_score_too_good():
    history = make_history(400)
    honest, leaking = (train(history, dataclasses.replace(CONFIG, leak=leak)) for leak in (None, "centred_average"))
    assert leaking.metrics["test"]["skill"] > 0.2 > honest.metrics["test"]["skill"]


def test_shuffled_windows_are_scored_on_shuffled_days():
    table = train(make_history(), dataclasses.replace(CONFIG, leak="shuffle", epochs=1)).predictions
    assert table["split"].value_counts().to_dict() == {"train": 106, "validation": 16, "test": 32}
    honest = np.repeat(["train", "validation", "test"], [106, 16, 32])
    assert (table["split"] != honest).mean() > 0.3
    assert "train" in table["split"].to_numpy()[-32:]


def test_what_cannot_be_trained_is_refused_before_anything_is_imported():
    with pytest.raises(NotEnoughData, match="Need at least"):
        train(make_history(20), CONFIG)
    flat = make_history()
    flat = dataclasses.replace(flat, frame=flat.frame * 0 + 5)
    with pytest.raises(DataError, match="never moves"):
        train(flat, CONFIG)


def test_undefined_scores_are_none_with_a_reason():
    history = make_history()
    frame = history.frame - history.frame.iloc[150]
    result = train(dataclasses.replace(history, frame=frame), dataclasses.replace(CONFIG, epochs=1))
    assert result.metrics["test"]["mape"] is None
    assert result.reasons["test"]["mape"] == "a price is zero"
    assert result.encoder.target == "change"


def test_settings_and_scores_are_written_as_json(folder):
    assert json.loads((folder / "config.json").read_text())["window"] == 6
    assert json.loads((folder / "metrics.json").read_text())["metrics"]["test"]["rmse"] > 0


@pytest.mark.parametrize(("batches", "left"), [
    (1, {"train": 106, "validation": 16, "test": 25}), (5, {"train": 106, "validation": 9, "test": 0})])
def test_predicting_can_be_stopped_and_the_scores_are_of_what_is_predicted(result, monkeypatch, tmp_path, batches, left):
    monkeypatch.setattr("forecasting.model.size.FORECAST_STEPS", 8 * result.model.input_shape[1])  # 8 rows a batch
    asked = []

    def should_stop():
        if not phases[-1].startswith("predicting"):
            return False
        asked.append(phases[-1])
        return len(asked) >= batches and STOP_PREDICTING

    phases = [""]
    partial = train(result.history, result.config, should_stop=should_stop, on_phase=phases.append)
    assert partial.unpredicted == left
    assert len(partial.curve) == 2
    assert not partial.stopped
    table = partial.predictions
    known = table["predicted"].notna()
    np.testing.assert_allclose(table["predicted"][known], result.predictions["predicted"][known], rtol=1e-6)
    assert table[COLUMNS[4:]][known].notna().all(axis=None)
    test = table[known & (table["split"] == "test")]
    assert test.index.equals(table.index[table["split"] == "test"][: len(test)])
    scores = partial.metrics["test"]
    assert scores["rmse"] == pytest.approx(np.sqrt(np.mean((test["actual"] - test["predicted"]) ** 2)))
    assert partial.metrics["train"]["rmse"] is None
    assert partial.reasons["train"]["rmse"] == "there are no predictions to score"
    assert "Predicting was stopped" in predicted_words(partial)
    assert predicted_words(result) is None
    np.testing.assert_allclose(partial.forecast(3)["predicted"], result.forecast(3)["predicted"], rtol=1e-6)
    if left["test"]:
        with pytest.raises(ConfigError, match="Predicting was stopped before the turn of"):
            partial.forecast(3, as_of=result.history.dates[-2])
    partial.save(tmp_path)
    assert load_run(tmp_path).predictions.equals(table)
    brought = open_zip(run_zip(partial))
    assert brought.unpredicted == left
    assert brought.metrics["test"]["rmse"] == pytest.approx(scores["rmse"])


def test_a_stop_of_the_training_leaves_predicting_to_its_end_and_tells_how_far_it_is(result, monkeypatch):
    monkeypatch.setattr("forecasting.model.size.FORECAST_STEPS", 8 * result.model.input_shape[1])
    monkeypatch.setattr("forecasting.result.TELL_EVERY", 0.0)
    phases = []
    stopped = train(result.history, result.config, should_stop=lambda: True, on_phase=phases.append)
    assert stopped.stopped
    assert not any(stopped.unpredicted.values())
    shares = [phase for phase in phases if phase.startswith("predicting, ")]
    assert shares[0] == f"predicting, {share(8 / 155, digits=0)}"
    assert len(shares) == 19  # of 155 rows, 8 a batch


@pytest.fixture(scope="module")
def both(result):
    return result.combined()


def test_a_combination_forecasts_every_step_and_says_what_it_is_made_of(result, both):
    assert sum(both.weights.values()) == pytest.approx(1)
    assert both.words.startswith(f"The combination is {both.made_of}: ")
    assert "without gradient boosting: there are" in both.words  # of so few rows
    rows = both.tested.predictions[both.tested.predictions["split"] == "test"]
    assert both.tested.metrics["test"]["rmse"] == pytest.approx(np.sqrt(np.mean((rows["actual"] - rows["predicted"]) ** 2)))
    table = both.forecast(5)
    assert table.index.equals(result.forecast(5).index)
    np.testing.assert_array_equal(table["predicted"].iloc[:3], both.tested.steps.predicted[-1])
    assert (table["lower_95"] < table["lower_80"]).all()
    assert (table["lower_80"] < table["predicted"]).all()
    pd.testing.assert_frame_equal(both.forecast(2), table.iloc[:2])
    day = result.history.dates[-10]
    np.testing.assert_array_equal(both.forecast(3, as_of=day)["predicted"], both.tested.steps.predicted[-10])
    assert both.forecast(3, samples=50, seed=1).shape == (50, 3)


def test_a_loaded_run_makes_the_same_combination(both, folder):
    again = load_run(folder).combined()
    assert again.weights == both.weights
    pd.testing.assert_frame_equal(again.forecast(5, guarded=True), both.forecast(5, guarded=True))
    pd.testing.assert_frame_equal(again.tested.predictions, both.tested.predictions)


def test_the_intervals_of_a_combination_know_no_later_price(result, both):
    wild, row = result.history.frame.copy(), len(result.history) - 12
    wild.iloc[row:] *= 2
    after = dataclasses.replace(result, history=dataclasses.replace(result.history, frame=wild)).combined()
    before = both.tested.predictions.index < result.history.dates[row]
    bounds = [name for name in COLUMNS if name not in ("split", "actual")]
    pd.testing.assert_frame_equal(after.tested.predictions.loc[before, bounds], both.tested.predictions.loc[before, bounds])
    assert not after.tested.predictions.iloc[-1][bounds].equals(both.tested.predictions.iloc[-1][bounds])


def test_a_combination_refitted_on_all_rows_forecasts_from_the_last_one(both):
    fresh = both.refit()
    assert fresh.weights == both.weights
    assert (fresh.forecast(3)["predicted"] != both.forecast(3)["predicted"]).any()
    assert fresh.forecast(7).index.equals(both.forecast(7).index)
    with pytest.raises(ConfigError, match="from the last row only"):
        fresh.forecast(3, as_of=both.run.history.dates[-5])


def test_a_run_that_made_a_mistake_on_purpose_is_not_combined(result):
    with pytest.raises(RunError, match="honest settings"):
        dataclasses.replace(result, config=dataclasses.replace(CONFIG, leak="scaler")).combined()
