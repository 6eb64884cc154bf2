import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from statsmodels.tsa.arima.model import ARIMA

from forecasting.data.frequency import IRREGULAR, Frequency
from forecasting.data.history import PriceHistory
from forecasting.errors import ConfigError
from forecasting.evaluation import baselines as module
from forecasting.evaluation.baselines import CLASSICS, baseline_table, baselines, ridge_predictions
from forecasting.evaluation.metrics import Undefined, mase_scale
from forecasting.evaluation.scores import scores
from forecasting.model.config import CHOICES, ForecastConfig

N, TRAIN_END, TEST_START, WINDOW = 240, 168, 192, 12


def seasonal_prices(seed=0):
    """Monthly prices with a yearly season, a slow trend and noise, near 100."""
    rng = np.random.default_rng(seed)
    months = np.arange(N)
    return 100 * np.exp(0.1 * np.sin(2 * np.pi * months / 12) + 0.002 * months + rng.normal(0, 0.01, N))


def made_from(prices, **settings):
    settings = {"window": WINDOW, "frequency": Frequency("month")} | settings
    return {one.key: one for one in baselines(prices, TRAIN_END, TEST_START, **settings)}


@pytest.fixture(scope="module")
def fitted_once():
    """ARIMA's fits, the slowest part by far, are kept: the same numbers with the same order are fitted once."""
    fit, kept = ARIMA.fit, {}

    def fit_once(model, **options):
        key = model.endog.tobytes(), str(model.order), str(model.seasonal_order), str(options)
        if key not in kept:
            kept[key] = fit(model, **options)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ARIMA, "fit", fit_once)
        yield


@pytest.fixture(scope="module")
def seasonal(fitted_once):
    """Every baseline of `seasonal_prices()`; the classics take seconds each."""
    return made_from(seasonal_prices(), extra=CLASSICS)


def history_of(prices):
    dates = pd.date_range("2000-01-31", periods=len(prices), freq="ME")
    return PriceHistory(pd.DataFrame({"Close": prices}, index=dates), "Seasonal", "made for a test")


def predictions_of(history, predicted):
    """Predictions of every row but the first, as a result has them."""
    rows = np.arange(1, N)
    split = np.where(rows < TRAIN_END, "train", np.where(rows < TEST_START, "validation", "test"))
    return pd.DataFrame({"split": split, "actual": history.close[1:], "predicted": predicted}, index=history.dates[1:])


def test_naive_drift_and_seasonal_naive_on_numbers_checked_by_eye():
    made = made_from(np.arange(-10.0, N - 10))  # negative values: no logarithms
    rows = np.arange(TEST_START, N) - 10.0
    np.testing.assert_array_equal(made["naive"].predicted, rows - 1)
    np.testing.assert_allclose(made["drift"].predicted, rows)
    np.testing.assert_array_equal(made["seasonal_naive"].predicted, rows - 12)
    assert made["seasonal_naive"].name == "Seasonal naive (12 months)"


def test_drift_of_positive_prices_is_a_constant_rate():
    made = made_from(100 * 1.01 ** np.arange(N))
    np.testing.assert_allclose(made["drift"].predicted, 100 * 1.01 ** np.arange(TEST_START, N))


def test_without_a_season_there_is_no_seasonal_naive():
    assert "seasonal_naive" not in made_from(seasonal_prices(), frequency=IRREGULAR)
    assert "seasonal_naive" not in made_from(seasonal_prices(), frequency=Frequency("year"))


def test_of_two_seasons_validation_chooses(monkeypatch):
    prices = 100 + np.tile(np.arange(24.0), N // 24)
    monkeypatch.setattr(Frequency, "seasons", lambda frequency, dates: (7, 24, 1000))
    assert "24 months" in made_from(prices)["seasonal_naive"].name


def test_ridge_agrees_with_scikit_learn_on_copied_windows(monkeypatch):
    monkeypatch.setattr(module, "_PENALTIES", np.array([0.3]))
    monkeypatch.setattr(module, "_CHUNK", 7)
    prices = seasonal_prices()
    moves = np.diff(np.log(prices))
    scaled = moves / moves[: TRAIN_END - 1].std()
    rows = np.arange(WINDOW + 1, N)
    inputs = np.array([np.clip(scaled[row - WINDOW - 1 : row - 1], -4, 4) for row in rows])
    training = rows < TRAIN_END
    fitted = Ridge(alpha=0.3 * training.sum(), fit_intercept=False).fit(inputs[training], scaled[rows[training] - 1])
    called = fitted.predict(inputs[rows >= TEST_START]) * moves[: TRAIN_END - 1].std()
    found = ridge_predictions(prices, TRAIN_END, TEST_START, WINDOW)
    np.testing.assert_allclose(found, prices[TEST_START - 1 : -1] * np.exp(called))


def test_ridge_chooses_the_penalty_with_the_smallest_error_on_validation(monkeypatch):
    prices = seasonal_prices()
    grid = module._PENALTIES
    errors = []
    for penalty in grid:
        monkeypatch.setattr(module, "_PENALTIES", np.array([penalty]))
        errors.append(np.mean((np.log(ridge_predictions(prices[:TEST_START], TRAIN_END, TRAIN_END, WINDOW))
                               - np.log(prices[TRAIN_END:TEST_START])) ** 2))
    monkeypatch.setattr(module, "_PENALTIES", grid[[int(np.argmin(errors))]])
    expected = ridge_predictions(prices, TRAIN_END, TEST_START, WINDOW)
    monkeypatch.setattr(module, "_PENALTIES", grid)
    np.testing.assert_allclose(ridge_predictions(prices, TRAIN_END, TEST_START, WINDOW), expected)


def test_ridge_without_validation_chooses_on_training():
    found = ridge_predictions(seasonal_prices(), TEST_START, TEST_START, WINDOW)
    assert found.shape == (N - TEST_START,)


@pytest.mark.parametrize("key", ["ridge", *CLASSICS])
def test_baselines_that_learn_find_the_season(key, seasonal):
    prices = seasonal_prices()
    naive = prices[TEST_START - 1 : -1]
    assert scores(prices[TEST_START:], seasonal[key].predicted, naive)[0]["skill"] > 0.5


@pytest.mark.parametrize("factor", [2.0, -1.0])
def test_no_baseline_reads_a_price_of_the_row_it_predicts_or_later(factor, seasonal):
    row = TEST_START + 20
    changed = seasonal_prices()
    changed[row:] *= factor * np.linspace(1, 3, N - row)
    after = made_from(changed, extra=CLASSICS)
    assert list(seasonal) == ["naive", "drift", "seasonal_naive", "ridge", *CLASSICS]
    for key, one in seasonal.items():
        upto = row - TEST_START + 1
        np.testing.assert_allclose(one.predicted[:upto], after[key].predicted[:upto], rtol=1e-12, err_msg=key)
        assert len(one.predicted) == N - TEST_START
        assert np.isfinite(after[key].predicted).all()


def test_a_baseline_that_cannot_be_made_says_why():
    few = made_from(seasonal_prices(), window=TRAIN_END)["ridge"]
    assert few.predicted is None
    assert f"too few for a window of {TRAIN_END}" in few.reason
    still = made_from(np.full(N, 5.0), extra=CLASSICS)
    assert still["ridge"].reason == "the price never moved in the training part"
    assert {still[key].reason for key in CLASSICS} == {"the price never moved before the test part"}
    with pytest.raises(Undefined, match="fewer than 30"):
        module._classic("arima", seasonal_prices(), 20, 30, None)


def test_a_classic_that_breaks_on_a_series_is_undefined_in_words(monkeypatch):
    def broken(levels, fitted, variant):
        raise np.linalg.LinAlgError("Schur decomposition solver error.")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_variants", lambda kind, season: [{"order": (2, 1, 2)}])  # on which LAPACK gives up
        with pytest.raises(Undefined, match="the fit did not converge"):
            module._classic("arima", np.tile([1.0, 2.0], 30), 42, 48, None)
    monkeypatch.setattr(module, "_arima", broken)
    broken_one = made_from(seasonal_prices(), extra=CLASSICS)
    assert broken_one["arima"].reason == "the fit did not converge"
    assert broken_one["exponential_smoothing"].predicted is not None


@pytest.mark.parametrize("leak", [leak for leak in CHOICES["leak"] if leak])
def test_a_run_that_has_seen_the_future_is_not_ranked(leak):
    history = history_of(seasonal_prices())
    predictions = predictions_of(history, history.close[:-1])
    mixed = predictions.assign(split=np.random.default_rng(0).permutation(predictions["split"]))
    with pytest.raises(ConfigError, match="cannot be ranked"):
        baseline_table(history, ForecastConfig(leak=leak), mixed if leak == "shuffle" else predictions)


def test_parts_out_of_order_and_unknown_names_are_refused():
    with pytest.raises(ValueError, match="in order"):
        baselines(np.ones(10), 5, 10, window=2)
    with pytest.raises(ValueError, match="prophet"):
        baselines(np.ones(10), 5, 8, window=2, extra=("prophet",))


def test_table_is_sorted_by_rmse_and_holds_the_scores_of_each():
    history = history_of(seasonal_prices())
    assert str(history.frequency) == "monthly"
    predictions = predictions_of(history, history.close[1:] * 1.001)
    table, reasons = baseline_table(history, ForecastConfig(window=WINDOW), predictions)
    assert table.index[0] == "This run"
    assert set(table["key"]) == {"run", "naive", "drift", "seasonal_naive", "ridge"}
    assert table["rmse"].is_monotonic_increasing
    actual, naive = history.close[TEST_START:], history.close[TEST_START - 1 : -1]
    scale = mase_scale(history.close[:TRAIN_END])
    for name, predicted in (("This run", actual * 1.001), ("Naive", naive)):
        values, why = scores(actual, predicted, naive, scale=scale)
        for score in values:
            if values[score] is None:
                assert np.isnan(table.loc[name, score])
                assert reasons[name][score] == why[score]
            else:
                assert table.loc[name, score] == values[score]
    assert reasons["Naive"]["directional_accuracy"] == "the forecast calls no direction"
    assert reasons["Ridge regression"] == {}


def test_table_puts_what_could_not_be_made_last_with_its_reason():
    history = history_of(seasonal_prices())
    table, reasons = baseline_table(history, ForecastConfig(window=200), predictions_of(history, history.close[:-1]))
    assert table.index[-1] == "Ridge regression"
    assert table.loc["Ridge regression", "rmse":].isna().all()
    assert set(reasons["Ridge regression"]) == set(table.columns) - {"key", "about"}


def test_table_refuses_predictions_of_another_series():
    history = history_of(seasonal_prices())
    predictions = predictions_of(history, history.close[:-1])
    with pytest.raises(ValueError, match="consecutive rows"):
        baseline_table(history, ForecastConfig(), predictions.drop(predictions.index[-5]))
    with pytest.raises(ValueError, match="0 rows"):
        baseline_table(history, ForecastConfig(), predictions[predictions["split"] == "train"])
