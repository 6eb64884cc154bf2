"""The same task in a notebook, with this package and with others: how many lines, how long, and whether intervals hold.

    python benchmarks/notebook.py [PYTHON]

PYTHON: of an environment with statsforecast, skforecast, darts and lightgbm, which nothing here needs otherwise; without it
they are left out. The task: the AAPL sample as a pandas Series `prices`; each day of the last 20 % one step ahead, with 80 and
95 % intervals, by a model that learnt from the days before them only; and the ten days that follow the last price. Each
contender is written as its documentation would have it, by somebody who knows that a price that grows tenfold is modelled in
logarithms: in plain prices their 80 % intervals held 13 to 64 %. Each runs in a process of its own, three times, of which the
shortest counts; its imports count too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 3
SAMPLE = ROOT / "forecasting" / "data" / "AAPL_2000_2013.csv"

OURS = """
from forecasting import train
result = train(prices)
predictions = result.predictions.query("split == 'test'")
ahead = result.forecast(10)["predicted"]
"""

KERAS = """
import numpy as np, keras
window, test = 60, round(0.2 * len(prices))
moves = np.diff(np.log(prices.to_numpy()))
scale = moves[:-test].std()
windows = np.lib.stride_tricks.sliding_window_view(moves / scale, window)
x, y = windows[:-1, :, None], moves[window:] / scale
fit, held = len(y) - 2 * test, len(y) - test
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((window, 1)), keras.layers.LSTM(32), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x[:fit], y[:fit], validation_data=(x[fit:held], y[fit:held]), epochs=60, batch_size=128, verbose=0,
          callbacks=[keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True)])
move = model.predict(x, verbose=0)[:, 0] * scale
errors = np.abs(y[fit:held] * scale - move[fit:held])
naive = prices.iloc[-test - 1:-1].to_numpy()
predictions = pd.DataFrame({"actual": prices.iloc[-test:], "predicted": naive * np.exp(move[held:])})
for level in (80, 95):
    half = np.quantile(errors, level / 100)
    predictions[f"lower_{level}"] = predictions["predicted"] * np.exp(-half)
    predictions[f"upper_{level}"] = predictions["predicted"] * np.exp(half)
path = list(moves / scale)
for _ in range(10):
    path.append(model.predict(np.array(path[-window:])[None, :, None], verbose=0)[0, 0])
ahead = prices.iloc[-1] * np.exp(np.cumsum(path[-10:]) * scale)
"""

STATSFORECAST = """
import numpy as np, pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoARIMA
test = round(0.2 * len(prices))
df = pd.DataFrame({"unique_id": "AAPL", "ds": range(len(prices)), "y": np.log(prices.to_numpy())})
sf = StatsForecast(models=[AutoARIMA(season_length=1)], freq=1)
cv = sf.cross_validation(df=df, h=1, step_size=1, n_windows=test, refit=False, level=[80, 95])
names = {"y": "actual", "AutoARIMA": "predicted", "AutoARIMA-lo-80": "lower_80", "AutoARIMA-hi-80": "upper_80",
         "AutoARIMA-lo-95": "lower_95", "AutoARIMA-hi-95": "upper_95"}
predictions = np.exp(cv[list(names)].rename(columns=names))
forecast = sf.forecast(df=df, h=10, level=[80, 95])
ahead = np.exp(forecast["AutoARIMA"])
"""

SKFORECAST = """
import numpy as np, pandas as pd
from lightgbm import LGBMRegressor
from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster
from skforecast.recursive import ForecasterRecursive
test = round(0.2 * len(prices))
y = np.log(prices.reset_index(drop=True))
forecaster = ForecasterRecursive(LGBMRegressor(verbose=-1, random_state=0), lags=60, differentiation=1)
before = y.iloc[:-test]
folds = TimeSeriesFold(steps=1, initial_train_size=len(before) - test, differentiation=1, verbose=False)
_, held = backtesting_forecaster(forecaster, before, folds, metric="mean_squared_error", show_progress=False)
forecaster.fit(before)
forecaster.set_out_sample_residuals(y_true=before.loc[held.index], y_pred=held["pred"])
folds = TimeSeriesFold(steps=1, initial_train_size=len(before), differentiation=1, verbose=False)
predictions = pd.DataFrame({"actual": y.iloc[-test:]})
for level in (80, 95):
    _, table = backtesting_forecaster(forecaster, y, folds, metric="mean_squared_error", interval=level / 100,
                                      interval_method="conformal", use_in_sample_residuals=False, show_progress=False)
    predictions[["predicted", f"lower_{level}", f"upper_{level}"]] = table[["pred", "lower_bound", "upper_bound"]]
predictions = np.exp(predictions)
forecaster.fit(y)
ahead = np.exp(forecaster.predict(10))
"""

DARTS = """
import numpy as np
from darts import TimeSeries
from darts.models import ConformalNaiveModel, LinearRegressionModel
test = round(0.2 * len(prices))
series = TimeSeries.from_values(np.log(prices.to_numpy()))
train, rest = series[:-2 * test], series[-2 * test - 60:]
model = ConformalNaiveModel(LinearRegressionModel(lags=60).fit(train), quantiles=[0.025, 0.1, 0.5, 0.9, 0.975])
table = model.historical_forecasts(rest, forecast_horizon=1, start=len(series) - test, last_points_only=True, retrain=False,
                                   predict_likelihood_parameters=True, show_warnings=False).to_dataframe()
predictions = table.iloc[-test:].set_axis(["lower_95", "lower_80", "predicted", "upper_80", "upper_95"], axis=1)
predictions = np.exp(predictions.assign(actual=np.log(prices.iloc[-test:].to_numpy())))
forecast = model.predict(10, series=series, predict_likelihood_parameters=True, show_warnings=False)
ahead = np.exp(forecast.values()[:, 2])
"""

HARNESS = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import pandas as pd
prices = pd.read_csv({path!r}, index_col="Date", parse_dates=True)["Close"]
code, started = {code!r}, time.perf_counter()
exec(compile(code, "notebook", "exec"))
seconds = time.perf_counter() - started
test = round(0.2 * len(prices))
assert len(predictions) == test and len(ahead) == 10, (len(predictions), len(ahead))
rows = predictions
print(json.dumps({{"seconds": seconds, "rmse": float(((rows["actual"] - rows["predicted"]) ** 2).mean() ** 0.5),
      **{{f"coverage_{{level}}": float(((rows["lower_%d" % level] <= rows["actual"])
                                    & (rows["actual"] <= rows["upper_%d" % level])).mean()) for level in (80, 95)}},
      **{{f"width_{{level}}": float((rows["upper_%d" % level] - rows["lower_%d" % level]).mean()) for level in (80, 95)}}}}))
"""


def lines_of(code: str) -> int:
    return sum(bool(line.strip()) for line in code.splitlines())


def measure(python: str, code: str) -> dict | str:
    """What a contender prints, or why it failed: the last line of its error."""
    ended = subprocess.run([python, "-c", HARNESS.format(path=str(SAMPLE), code=code)], capture_output=True, text=True,
                           cwd=ROOT, check=False)
    if ended.returncode:
        return ended.stderr.strip().splitlines()[-1]
    return json.loads(ended.stdout.strip().splitlines()[-1])


def shortest(python: str, code: str) -> dict | str:
    """The shortest of several runs, or why one failed."""
    runs = [measure(python, code) for _ in range(RUNS)]
    failed = [one for one in runs if isinstance(one, str)]
    return failed[0] if failed else min(runs, key=lambda one: one["seconds"])


def main():
    other = sys.argv[1] if len(sys.argv) > 1 else None
    contenders = {"this package": (sys.executable, OURS), "plain Keras": (sys.executable, KERAS)}
    if other:
        contenders |= {"statsforecast, AutoARIMA": (other, STATSFORECAST), "skforecast, LightGBM": (other, SKFORECAST),
                       "darts, linear regression": (other, DARTS)}
    print(f"{'':<26}{'lines':>6}{'seconds':>9}{'RMSE':>9}{'in 80 %':>9}{'in 95 %':>9}{'width 80':>10}{'width 95':>10}")
    for name, (python, code) in contenders.items():
        found = shortest(python, code)
        if isinstance(found, str):
            print(f"{name:<26}{lines_of(code):>6}  failed: {found}")
            continue
        print(f"{name:<26}{lines_of(code):>6}{found['seconds']:>9.1f}{found['rmse']:>9.4f}{100 * found['coverage_80']:>9.1f}"
              f"{100 * found['coverage_95']:>9.1f}{found['width_80']:>10.3f}{found['width_95']:>10.3f}", flush=True)


if __name__ == "__main__":
    main()
