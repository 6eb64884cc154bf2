"""Charts: what they show, in both themes, with few points and with many."""

import itertools

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from forecasting import PriceHistory, load_sample, plots
from forecasting.evaluation import diagnostics as d
from forecasting.evaluation.gate import Evidence
from forecasting.plots.sampling import range_buttons, rows_within
from forecasting.plots.template import price_format, template

SURFACES = {False: ("#ffffff", "#f3f5f8"), True: ("#12171e", "#1c232d")}


def make_predictions(rows=400, freq="B"):
    rng = np.random.default_rng(0)
    actual = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, rows)))
    naive = np.r_[actual[:1], actual[:-1]]
    split = np.repeat(["train", "validation", "test"], [rows - 2 * (rows // 5), rows // 5, rows // 5])
    table = pd.DataFrame({"split": split, "actual": actual, "predicted": naive * 1.001, "naive": naive})
    for level, width in ((80, 0.6), (95, 1.0)):
        table[f"lower_{level}"], table[f"upper_{level}"] = table["predicted"] - width, table["predicted"] + width
    return table.set_index(pd.date_range("2020-01-06", periods=rows, freq=freq, name="Date"))


def make_forecast(after, steps=10):
    index = pd.bdate_range(after, periods=steps + 1)[1:]
    step = np.arange(1, steps + 1)
    table = pd.DataFrame({"predicted": 50 + 0.1 * step}, index=index)
    for level, width in ((80, 1.3), (95, 2.0)):
        table[f"lower_{level}"] = table["predicted"] - width * np.sqrt(step)
        table[f"upper_{level}"] = table["predicted"] + width * np.sqrt(step)
    return table


def make_evidence(origins=60, horizon=3):
    grown = np.linspace(0, 8, origins)[:, None] * np.linspace(1, -0.5, horizon)
    return Evidence(1 / (1 + np.exp(2 - grown)), grown, np.arange(origins))


def make_risk():
    """The table of a `Risk`, whose last loss is not known yet."""
    lost = np.append(np.random.default_rng(1).normal(0, 0.01, 59), np.nan)
    return pd.DataFrame({"loss": lost, "var_95": 0.012, "var_99": 0.02}, index=pd.bdate_range("2020-01-06", periods=60))


def every_chart(dark, predictions=None):
    """One of each chart, by name."""
    p = make_predictions() if predictions is None else predictions
    history = PriceHistory(p[["actual"]].set_axis(["Close"], axis=1), name="walk", source="a test", currency="USD")
    curve = pd.DataFrame({"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.5, 2.0]})
    kind = {"dark": dark, "currency": "USD"}
    steps = np.arange(1, 4)
    truth = np.random.default_rng(1).normal(size=(30, 3)) * np.sqrt(steps)
    horizon = d.error_by_horizon(truth, truth * 0.5, np.zeros(30))
    rolling = d.rolling_coverage(p, window=20)
    return {
        "price": plots.price_chart(history, (len(p) * 3 // 5, len(p) * 4 // 5), dark=dark),
        "loss": plots.loss_chart(curve, 2, epochs=10, dark=dark),
        "prediction": plots.prediction_chart(p, **kind),
        "curves": plots.curves_chart({"one": curve, "two": curve}, dark=dark),
        "overlay": plots.overlay_chart(p["actual"], p["naive"], {"one": p["predicted"], "two": p["naive"]}, **kind),
        "zoomed": plots.prediction_chart(p, x_range=plots.last_rows(p.index, 40), **kind),
        "fan": plots.forecast_fan(p["actual"], make_forecast(p.index[-1]), **kind),
        "horizon": plots.horizon_chart(horizon, 3, unit="day", **kind),
        "error": plots.error_chart(d.errors_over_time(p), **kind),
        "relative": plots.error_chart(d.errors_over_time(p), relative=True, **kind),
        "distribution": plots.distribution_chart(d.error_table(p), **kind),
        "move": plots.move_chart(d.error_by_move(p), **kind),
        "weekday": plots.group_chart(d.error_by_weekday(p), "Error by weekday", **kind),
        "lag": plots.lag_chart(d.lag_analysis(p), dark=dark),
        "shifted": plots.shifted_chart(p, 1, **kind),
        "coverage": plots.coverage_chart(rolling, dark=dark),
        "width": plots.width_chart(rolling, **kind),
        "risk": plots.risk_chart(make_risk(), relative=True, dark=dark),
        "evidence": plots.evidence_chart(make_evidence(), pd.bdate_range("2020-01-06", periods=60), 20, dark=dark),
        "share": plots.share_chart(make_evidence(), pd.bdate_range("2020-01-06", periods=60), 20, dark=dark),
        "folds": plots.folds_chart(p[p["split"] == "test"].assign(fold=1), **kind),
    }


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def charts(request):
    return every_chart(request.param)


def test_every_chart_has_a_title_units_and_a_description_with_numbers(charts):
    for name, figure in charts.items():
        assert figure.layout.title.text, name
        assert figure.layout.yaxis.title.text, name
        text = plots.describe(figure)
        assert text.endswith("."), name
        assert any(character.isdigit() for character in text), name
        assert "nan" not in text.lower(), name


def test_every_chart_keeps_its_size_and_its_zoom(charts):
    for name, figure in charts.items():
        assert figure.layout.height in (plots.SHORT, plots.HEIGHT, plots.TALL), name
        assert figure.layout.uirevision, name


def test_every_chart_is_drawn_in_the_template_of_its_theme():
    for dark in (False, True):
        for figure in every_chart(dark).values():
            assert figure.layout.template == template(dark)
    assert template(True) is template(True)
    assert template(True).layout.font.color != template(False).layout.font.color


def test_every_chart_survives_json(charts):
    for figure in charts.values():
        assert go.Figure(figure.to_dict()).to_json()


def contrast(one, other):
    """WCAG 2 contrast ratio of two '#rrggbb'."""
    lights = []
    for colour in (one, other):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        lights.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_colours_reach_aa_contrast_on_their_theme(dark):
    colours = plots.colours(dark)
    for role, surface in itertools.product(("text", "muted", "predicted", "naive", "train", "validation", "test",
                                            "accent"), SURFACES[dark]):
        assert contrast(getattr(colours, role), surface) >= 4.5, (role, surface)
    assert contrast(colours.button, SURFACES[dark][0]) >= 4.5
    # Under the pointer Plotly paints a button in this colour, in every theme.
    assert contrast(colours.button, "#f4faff") >= 3


def test_roles_differ_by_more_than_their_hue():
    traces = {trace.name: trace for trace in plots.prediction_chart(make_predictions()).data if trace.name}
    looks = [(traces[name].line.dash, traces[name].line.width) for name in ("Actual", "Predicted", "Naive")]
    assert len(set(looks)) == 3
    assert traces["Naive"].line.dash == "dot"


def test_actual_is_drawn_over_predicted_and_intervals_lie_behind():
    names = [trace.name for trace in plots.prediction_chart(make_predictions()).data if trace.name]
    assert names == ["95 % interval", "80 % interval", "Naive", "Predicted", "Actual"]


def test_the_parts_are_named_where_they_lie():
    p = make_predictions()
    figure = plots.prediction_chart(p)
    assert [note.text for note in figure.layout.annotations] == ["Training", "Validation", "Test"]
    assert [pd.Timestamp(shape.x0) for shape in figure.layout.shapes] == [p.index[0], p.index[240], p.index[320]]
    zoomed = plots.prediction_chart(p, x_range=plots.last_rows(p.index, 40))
    assert [note.text for note in zoomed.layout.annotations] == ["Test"]


def test_a_zoomed_chart_fits_its_price_axis_to_what_it_shows():
    p = make_predictions()
    figure = plots.prediction_chart(p, x_range=(p.index[100], p.index[140]))
    low, high = figure.layout.yaxis.range
    shown = p.iloc[100:141]
    assert low < shown["lower_95"].min()
    assert high > shown["upper_95"].max()
    assert high - low < 1.3 * (shown["upper_95"].max() - shown["lower_95"].min())
    assert len(figure.data[-1].x) == 43


def test_range_buttons_fit_the_series_and_its_prices():
    sample = load_sample()
    buttons = range_buttons(sample.dates, sample.close, c=plots.colours())["buttons"]
    assert [button["label"] for button in buttons] == ["1m", "6m", "1y", "5y", "All"]
    year = buttons[2]["args"][0]
    low, high = year["yaxis.range"]
    close = sample.frame["Close"][sample.dates[-1] - pd.DateOffset(years=1) :]
    assert low < close.min() < close.max() < high
    assert high - low < 1.2 * (close.max() - close.min())


def test_short_series_get_no_buttons_and_intraday_ones_get_days():
    minutes = pd.date_range("2024-01-02 09:30", periods=1000, freq="5min")
    labels = [b["label"] for b in range_buttons(minutes, np.arange(1000), c=plots.colours())["buttons"]]
    assert labels == ["1d", "All"]
    assert range_buttons(minutes[:2], np.arange(2), c=plots.colours()) is None
    assert range_buttons(minutes[:20], np.arange(20), c=plots.colours()) is None


def test_hover_tells_the_time_within_days_only():
    daily = plots.prediction_chart(make_predictions())
    intraday = plots.prediction_chart(make_predictions(freq="30min"))
    assert daily.layout.xaxis.hoverformat == "%-d %b %Y"
    assert "%H:%M" in intraday.layout.xaxis.hoverformat
    assert intraday.data[-1].x[1].endswith("00:30:00")
    assert daily.data[-1].x[1] == "2020-01-07"


@pytest.mark.parametrize("log_scale", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 2, 50])
def test_a_loss_chart_has_its_size_and_axis_from_the_first_moment(rows, log_scale):
    epoch = np.arange(1, rows + 1)
    curve = pd.DataFrame({"epoch": epoch, "loss": 1.0 / epoch, "val_loss": 2.0 / epoch})
    figure = plots.loss_chart(curve, rows or None, log_scale=log_scale, epochs=60)
    assert figure.layout.height == plots.HEIGHT
    assert figure.layout.xaxis.range[1] > 60
    assert ("Best epoch" in [trace.name for trace in figure.data]) == (rows > 0)


def test_the_best_epoch_is_where_the_weights_come_from():
    curve = pd.DataFrame({"epoch": [1, 2, 3], "loss": [3, 2, 1.0], "val_loss": [3, 1.5, 2.0]})
    best = plots.loss_chart(curve, 2).data[-1]
    assert (best.x[0], best.y[0]) == (2, 1.5)
    untrained = plots.loss_chart(curve, 0)
    assert len(untrained.data) == 2
    assert "no epoch was clearly better than the untrained network" in plots.describe(untrained)


def test_losses_that_are_no_numbers_leave_gaps():
    curve = pd.DataFrame({"epoch": [1, 2, 3], "loss": [1.0, 0.0, np.inf], "val_loss": [1.0, np.nan, 2.0]})
    figure = plots.loss_chart(curve, 2, log_scale=True)
    assert np.isfinite(figure.data[0].y).tolist() == [True, False, False]
    assert np.isfinite(figure.data[1].y).tolist() == [True, False, True]
    assert len(figure.data) == 2


def test_a_long_line_keeps_its_ends_and_extremes():
    rng = np.random.default_rng(0)
    dates = pd.date_range("1990-01-01", periods=200_000, freq="h")
    one, other = rng.normal(size=(2, 200_000)).cumsum(axis=1)
    one[123_456], other[77_777] = 1e6, -1e6
    other[1000:2000] = np.nan
    rows = plots.downsample(dates, one, other, n=3000)
    assert len(rows) <= 3010
    assert (np.diff(rows) > 0).all()
    assert {0, 199_999, 123_456, 77_777} <= set(rows)
    assert plots.downsample(dates[:100], one[:100], n=3000).tolist() == list(range(100))


def test_a_thinned_line_stays_close_to_the_whole_one():
    rng = np.random.default_rng(1)
    dates = pd.date_range("1990-01-01", periods=50_000, freq="h")
    values = rng.normal(size=50_000).cumsum()
    rows = plots.downsample(dates, values, n=4000)
    drawn = np.interp(np.arange(50_000), rows, values[rows])
    assert np.abs(drawn - values).mean() < 0.01 * np.ptp(values)


def test_a_column_without_values_is_thinned_too():
    dates = pd.date_range("1990-01-01", periods=10_000, freq="h")
    assert plots.downsample(dates, np.full(10_000, np.nan), n=100).tolist() == [0, 9999]


def test_a_long_history_is_drawn_with_few_points_and_in_full_when_zoomed():
    dates = pd.date_range("2000-01-01", periods=30_000, freq="h")
    close = 100 + np.random.default_rng(0).normal(size=30_000).cumsum()
    history = PriceHistory(pd.DataFrame({"Close": close}, index=dates), name="long", source="a test")
    whole = plots.price_chart(history).data[0]
    assert len(whole.x) <= 4010
    assert whole.y.max() == close.max()
    assert whole.y.min() == close.min()
    zoomed = plots.price_chart(history, x_range=(dates[500], dates[700])).data[0]
    assert zoomed.y.tolist() == close[499:702].tolist()


def test_rows_within_a_range_reach_beyond_its_edges():
    dates = pd.bdate_range("2024-01-01", periods=10)
    assert rows_within(dates, None) == slice(0, 10)
    assert rows_within(dates, (dates[3], dates[5])) == slice(2, 7)
    assert rows_within(dates, (dates[0], dates[9])) == slice(0, 10)


def test_prices_have_the_digits_that_their_size_needs():
    assert price_format([168.34, 170.1]) == ",.2f"
    assert price_format([0.009582, 0.0096]) == ",.6f"
    assert price_format([np.nan]) == ",.2f"


def test_the_fan_starts_at_the_last_price_and_ends_with_the_forecast():
    p = make_predictions()
    forecast = make_forecast(p.index[-1])
    figure = plots.forecast_fan(p["actual"], forecast, currency="USD")
    traces = {trace.name: trace for trace in figure.data if trace.name}
    assert traces["Predicted"].y[0] == p["actual"].iloc[-1]
    assert traces["Predicted"].y[-1] == forecast["predicted"].iloc[-1]
    assert set(traces["Naive"].y) == {p["actual"].iloc[-1]}
    assert len(traces["Actual"].x) == 60
    assert traces["Actual"].x[-1] == str(p.index[-1].date())
    assert "What came" not in traces
    assert "Network alone" not in traces


def axis_limits(figure):
    """(low, high) that the price axis has to hold: Plotly fits it to all that is drawn where it is given no range."""
    assert figure.layout.yaxis.range is None
    values = np.concatenate([np.asarray(trace.y, dtype=float) for trace in figure.data])
    return values.min(), values.max()


@pytest.mark.parametrize(("label", "rows"), [("Last 60 rows", 60), ("Last year", 262), ("All", 1000)])
def test_the_price_axis_of_the_fan_fits_the_stretch_that_is_shown(label, rows):
    p = make_predictions(1000)
    past = pd.Series(np.linspace(500, 51, 1000), index=p.index)  # far above the fan, the longer ago the more
    forecast = make_forecast(p.index[-1])
    chosen = plots.stretches(past.index)[label]
    assert abs(chosen - rows) <= 1
    figure = plots.forecast_fan(past, forecast, rows=chosen)
    assert axis_limits(figure) == (forecast["lower_95"].min(), max(past.iloc[-chosen], forecast["upper_95"].max()))
    start, end = map(pd.Timestamp, figure.layout.xaxis.range)
    assert start == past.index[-chosen]
    assert forecast.index[-1] <= end <= forecast.index[-1] + (forecast.index[-1] - start) / 20


@pytest.mark.parametrize(("freq", "rows", "labels"), [
    ("B", 1000, ["Last 60 rows", "Last year", "All"]), ("D", 300, ["Last 60 rows", "All"]),
    ("W", 300, ["Last 60 rows", "All"]), ("MS", 144, ["Last 60 rows", "All"]), ("MS", 60, ["All"]), ("B", 1, ["All"])])
def test_stretches_are_offered_where_they_differ(freq, rows, labels):
    offered = plots.stretches(pd.date_range("2000-01-03", periods=rows, freq=freq))
    assert list(offered) == labels
    assert offered["All"] == rows
    assert list(offered.values()) == sorted(set(offered.values()))


def test_the_network_alone_stands_faintly_beside_a_guarded_forecast():
    p, forecast = make_predictions(), make_forecast(make_predictions().index[-1])
    guarded = forecast.assign(predicted=p["actual"].iloc[-1])
    traces = {trace.name: trace for trace in plots.forecast_fan(p["actual"], guarded, own=forecast["predicted"]).data}
    alone, predicted = traces["Network alone"], traces["Predicted"]
    assert alone.y.tolist() == [p["actual"].iloc[-1], *forecast["predicted"]]
    assert alone.line.width < predicted.line.width
    assert alone.line.dash != predicted.line.dash
    assert plots.colours().predicted == predicted.line.color != alone.line.color


def test_the_legend_of_the_fan_has_one_entry_for_both_intervals():
    p = make_predictions()
    figure = plots.forecast_fan(p["actual"], make_forecast(p.index[-1]), own=make_forecast(p.index[-1])["predicted"])
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == [
        "80 and 95 %", "Naive", "Network alone", "Predicted", "Actual"]
    assert [trace.hovertemplate.split(" interval")[0] for trace in figure.data if "interval" in str(trace.hovertemplate)] == [
        "95 %", "80 %"]


def test_a_long_past_is_drawn_with_few_points():
    p = make_predictions(20_000, "h")
    figure = plots.forecast_fan(p["actual"], make_forecast(p.index[-1]), rows=20_000)
    actual = next(trace for trace in figure.data if trace.name == "Actual")
    assert len(actual.x) < 5000
    assert (max(actual.y), min(actual.y)) == (p["actual"].max(), p["actual"].min())


def test_what_came_is_drawn_from_the_day_of_the_forecast():
    p = make_predictions()
    cut, after = p["actual"].iloc[:-30], p["actual"].iloc[-30:]
    figure = plots.forecast_fan(cut, make_forecast(cut.index[-1], steps=10), actual=after)
    came = next(trace for trace in figure.data if trace.name == "What came")
    assert came.y.tolist() == p["actual"].iloc[-31:-20].tolist()


@pytest.mark.parametrize(("farthest", "text"), [(0, "at no step proven better"), (2, "up to 2 days ahead"),
                                                (3, "up to 3 days ahead")])
def test_the_step_beyond_which_a_model_sees_nothing_is_marked(farthest, text):
    truth = np.random.default_rng(1).normal(size=(30, 3))
    figure = plots.horizon_chart(d.error_by_horizon(truth, truth * 0.5, np.zeros(30)), farthest, unit="day")
    assert text in plots.describe(figure)
    assert len(figure.layout.shapes) == (farthest > 0)


def test_every_error_falls_into_a_bin():
    p = make_predictions()
    table = d.error_table(p)
    figure = plots.distribution_chart(table)
    assert sum(figure.data[0].y) == sum(figure.data[1].y) == len(table)


def test_charts_of_nothing_say_so():
    p = make_predictions().iloc[:0]
    assert plots.describe(plots.prediction_chart(p)) == "No predictions."
    assert "no predictions" in plots.describe(plots.group_chart(d.error_by_weekday(p), "Error by weekday"))
    assert plots.distribution_chart(d.error_table(p)).data
    assert plots.move_chart(d.error_by_move(p)).data
    assert plots.lag_chart(d.lag_analysis(p)).layout.meta["description"].startswith("Too few prices")


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_history_without_a_test_part_can_be_drawn(rows):
    frame = make_predictions(30)[["actual"]].set_axis(["Close"], axis=1).iloc[:rows]
    history = PriceHistory(frame, name="short", source="a test")
    for split in ((0, rows), (rows, rows), (rows - 1, rows)):
        assert plots.describe(plots.price_chart(history, split))


def test_few_rows_can_be_drawn():
    charts = every_chart(False, make_predictions(30))
    assert all(plots.describe(figure) for figure in charts.values())


def test_evidence_is_drawn_as_odds_on_a_logarithmic_scale_up_to_a_million():
    evidence = make_evidence()
    wild = Evidence(evidence.shares, evidence.log_evidence * 100, evidence.judged)
    dates = pd.bdate_range("2020-01-06", periods=60)
    for one, most in ((evidence, 8 / np.log(10)), (wild, 6.0)):
        figure = plots.evidence_chart(one, dates, 20)
        first, last, proven = figure.data
        assert first.y[-1] == pytest.approx(most)
        assert last.y[-1] < 0
        assert proven.y[0] == pytest.approx(np.log10(20))
    assert first.customdata[-1] == "more than a million to 1 for the network"
    assert "against the network at step 3" in plots.describe(figure)
    assert len(plots.evidence_chart(make_evidence(horizon=1), dates, 20).data) == 2
    assert [note.text for note in plots.share_chart(evidence, dates, 0).layout.annotations] == ["Test"]


@pytest.mark.parametrize("dark", [False, True])
def test_eight_runs_have_colours_of_their_own_that_can_be_read_on_their_theme(dark):
    curve = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "val_loss": [2.0, 1.5]})
    figure = plots.curves_chart({f"run {at}": curve for at in range(8)}, dark=dark)
    used = [trace.line.color for trace in figure.data]
    assert len(set(used)) == 8
    assert len({trace.marker.symbol for trace in figure.data}) == 8
    for colour, surface in itertools.product(used, SURFACES[dark]):
        assert contrast(colour, surface) >= 4.5, (colour, surface)
    assert not set(used) & {plots.colours(dark).actual, plots.colours(dark).naive}


def test_an_invalid_run_is_dashed_and_said_to_be_invalid_on_both_charts():
    p = make_predictions()
    curve = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "val_loss": [2.0, 1.5]})
    overlay = plots.overlay_chart(p["actual"], p["naive"], {"honest": p["predicted"], "leaked": p["actual"].iloc[::3]},
                                  invalid=["leaked"], reference="honest")
    curves = plots.curves_chart({"honest": curve, "leaked": curve}, invalid=["leaked"])
    for figure in (overlay, curves):
        traces = {trace.name: trace for trace in figure.data}
        assert traces["leaked (invalid)"].line.dash == "dash"
        assert traces["honest"].line.dash == "solid"
    lines = {trace.name: trace for trace in overlay.data}
    assert lines["honest"].line.width > lines["leaked (invalid)"].line.width
    assert len(lines["leaked (invalid)"].x) == len(p.iloc[::3])


def test_a_run_has_the_same_colour_on_both_charts_even_where_one_of_them_lacks_a_run():
    p = make_predictions()
    curve = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "val_loss": [2.0, 1.5]})
    names = ["other series", "ours"]
    overlay = plots.overlay_chart(p["actual"], p["naive"], {"ours": p["predicted"]}, order=names)
    curves = plots.curves_chart(dict.fromkeys(names, curve))
    colour = {trace.name: trace.line.color for trace in curves.data}
    assert {trace.name: trace.line.color for trace in overlay.data}["ours"] == colour["ours"]


def test_losses_of_different_things_are_drawn_over_their_own_lowest():
    one = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "val_loss": [400.0, 200.0]})
    two = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "val_loss": [0.1, np.nan]})
    figure = plots.curves_chart({"one": one, "two": two}, relative=True)
    assert list(figure.data[0].y) == [2.0, 1.0]
    assert figure.data[1].y[0] == 1.0
    assert "over its lowest" in figure.layout.yaxis.title.text
    assert "one: 200" in plots.describe(figure)
    empty = plots.curves_chart({"none": one.iloc[:0]})
    assert plots.describe(empty) == "No run has a validation loss."


def test_many_days_of_many_runs_are_drawn_with_few_points():
    p = make_predictions(20_000, freq="h")
    runs = {f"run {at}": p["predicted"] + at for at in range(8)}
    figure = plots.overlay_chart(p["actual"], p["naive"], runs)
    assert max(len(trace.x) for trace in figure.data) < 6000
    zoomed = plots.overlay_chart(p["actual"], p["naive"], runs, x_range=plots.last_rows(p.index, 60))
    assert len(zoomed.data[0].x) == 61
