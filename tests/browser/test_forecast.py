"""The Forecast page in a real browser: settings in the address, a chart that stays, numbers that are not cut off."""

import json
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect
from steps import choose_preset, metric, open_page, press_train, run_id, upload

pytestmark = pytest.mark.browser

FAN = """() => [...document.querySelectorAll('.js-plotly-plot')].map(plot => ({
    title: plot.layout.title.text, range: plot._fullLayout.yaxis.range, dates: plot._fullLayout.xaxis.range,
    series: Object.fromEntries(plot._fullData.filter(trace => trace.name).map(trace => [trace.name, [...trace.y]]))
})).find(chart => chart.title.includes('orecast'))"""
CUT = """() => [...document.querySelectorAll('[data-testid=stMetricValue], [data-testid=stMetricValue] *')]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth).map(e => e.innerText)"""
VALUES = "() => [...document.querySelectorAll('[data-testid=stMetricValue]')].map(e => e.innerText)"


def monthly_file():
    """15 years of months with a trend and a season, in numbers as long as prices get."""
    months = pd.date_range("2008-01-01", periods=180, freq="MS")
    season = np.sin(2 * np.pi * np.arange(180) / 12)
    noise = np.random.default_rng(3).normal(0, 60, 180)
    close = 12_000 + 40 * np.arange(180) + 1500 * season + noise
    return pd.DataFrame({"Date": months, "Close": close.round(2)}).to_csv(index=False).encode()


def fan(page, title="Forecast"):
    """The fan chart once it has this title."""
    page.wait_for_function(f"title => ({FAN})()?.title === title", arg=title, timeout=90_000)
    return page.evaluate(FAN)


def fits(chart, room=0.1):
    """Whether the price axis holds all lines, and little else."""
    values = np.concatenate([np.asarray(values, dtype=float) for values in chart["series"].values()])
    low, high = chart["range"]
    return low <= values.min() and values.max() <= high and (high - low) * (1 - 2 * room) <= np.ptp(values)


def test_a_forecast_follows_its_settings_and_a_reload_and_a_link_show_the_same(app, visitor, browser):
    open_page(visitor, app.url)
    upload(visitor, "visitors.csv", monthly_file())
    expect(visitor.get_by_text("180 rows · monthly").first).to_be_visible()
    visitor.get_by_test_id("stSidebar").get_by_role("link", name="Train").click()
    press_train(visitor)
    metric(visitor, "RMSE")
    sidebar = visitor.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Forecast").click()
    chart = fan(visitor)
    assert len(chart["series"]["Actual"]) == 60
    assert fits(chart)
    # By default, guarded, the forecast has the season: it was "same as last month" for series as short as this one.
    ahead = np.arange(180, 190)
    to_come = 12_000 + 40 * ahead + 1500 * np.sin(2 * np.pi * ahead / 12)
    assert "Network alone" in chart["series"]
    assert np.corrcoef(chart["series"]["Predicted"][1:], to_come)[0, 1] > 0.95
    assert np.ptp(chart["series"]["Predicted"]) > 0.7 * np.ptp(to_come)

    # More steps, from the keyboard, and without the guard: at once, from what was computed already.
    slider = sidebar.get_by_role("slider", name="Months ahead")
    for _ in range(14):
        slider.press("ArrowRight")
    expect(visitor.get_by_text("Expected on 1 Dec 2024")).to_be_visible()
    sidebar.get_by_text("Guard with the evidence gate").click()
    expect(visitor.get_by_text("The evidence gate is off")).to_be_visible()
    visitor.wait_for_function("() => location.search.includes('guarded')")
    chart, values, address = fan(visitor), visitor.evaluate(VALUES), visitor.url
    assert len(chart["series"]["Predicted"]) == 25
    assert fits(chart)

    visitor.reload()
    expect(visitor.get_by_text("The evidence gate is off")).to_be_visible()
    assert fan(visitor) == chart
    expect(visitor.get_by_test_id("stMetricValue")).to_have_text(values)
    assert visitor.url == address
    phone = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    phone.goto(address)
    assert fan(phone)["series"] == chart["series"]
    expect(phone.get_by_test_id("stMetricValue")).to_have_text(values)
    for page in (visitor, phone):  # "824.10 – 1 00…" was read here
        assert max(map(len, values)) >= 21
        assert page.evaluate(CUT) == []
        assert all("…" not in value for value in values)
    phone.context.close()

    # All of the past is one click away, and the price axis fits it.
    visitor.get_by_role("radio", name="All", exact=True).click()
    visitor.wait_for_function(f"() => ({FAN})()?.series.Actual.length === 180")
    chart = visitor.evaluate(FAN)
    assert fits(chart)

    # What is downloaded says what it is, and both files the same.
    tables = {}
    for label, read in (("CSV", pd.read_csv), ("Excel", pd.read_excel)):
        with visitor.expect_download() as waiting:
            visitor.get_by_role("button", name=f"Download forecast ({label})").click()
        assert waiting.value.suggested_filename.startswith("visitors-2022-12-01-forecast-unguarded.")
        tables[label] = read(waiting.value.path(), parse_dates=["Date"])
    pd.testing.assert_frame_equal(tables["CSV"], tables["Excel"], check_dtype=False)
    assert tables["CSV"]["Guarded"].unique().tolist() == ["no"]
    np.testing.assert_allclose(tables["CSV"]["Predicted"], chart["series"]["Predicted"][1:], atol=0.005)

    # A day in the past has to be computed: until then the old chart stays in its place, marked and dimmed.
    # From the top of the page, whose scrolling would move all of it when what is below the chart is gone for a moment.
    visitor.get_by_test_id("stMain").evaluate("node => node.scrollTo(0, 0)")
    visitor.evaluate("""() => { window.seen = []; const look = () => {
        const chart = document.querySelector('.js-plotly-plot'), shown = document.querySelector('.st-key-forecast_shown');
        const place = chart?.getBoundingClientRect();  // without a height while Plotly is still making it
        window.seen.push([chart?.layout?.title?.text ?? null, place?.height ? place.top : null,
                          shown && +getComputedStyle(shown).opacity, shown && shown.getBoundingClientRect().top]);
        requestAnimationFrame(look) }; look() }""")
    sidebar.get_by_text("As if today were").click()
    visitor.wait_for_function("() => seen.some(([title]) => title === 'Forecast, from the earlier settings')")
    visitor.wait_for_function("""() => { const [title, , opacity] = seen[seen.length - 1];
        return title === 'Forecast' && opacity === 1 }""")
    assert "What came" in fan(visitor)["series"]
    seen = visitor.evaluate("() => seen")
    assert all(opacity is not None for _, _, opacity, _ in seen), seen  # it is there all the time
    assert min(opacity for _, _, opacity, _ in seen) < 0.5
    # Nothing jumps, not by a pixel.
    assert np.ptp([top for _, top, *_ in seen if top is not None]) < 1, seen
    assert np.ptp([top for *_, top in seen]) < 1, seen


def test_a_combination_is_forecast_with_what_it_is_made_of_and_what_could_be_lost(app, visitor):
    open_page(visitor, app.url)
    sidebar = visitor.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Train").click()
    choose_preset(visitor, "Quick look")
    press_train(visitor)
    metric(visitor, "RMSE")
    as_trained = json.dumps({"refit": False})  # which is there at once
    visitor.goto(f"{app.url}/Forecast?{urlencode({'run': run_id(visitor), 'forecast': as_trained})}")
    own = fan(visitor)
    sidebar.get_by_text("Combination", exact=True).click()
    chart = fan(visitor, "Forecast by the combination")
    said = visitor.get_by_text("The combination is").first
    expect(said).to_contain_text("% this run")
    expect(said).to_contain_text("% gradient boosting")
    assert chart["series"]["Predicted"] != own["series"]["Predicted"]
    assert fits(chart)

    # What could be lost follows its steps.
    expect(visitor.get_by_text("tomorrow has a chance of about 1 in 20")).to_be_visible()
    before = float(metric(visitor, "Expected volatility"))
    visitor.get_by_role("slider", name="Over how many steps").press("ArrowRight")
    expect(visitor.get_by_text("over the next 2 days has a chance of about 1 in 20")).to_be_visible()
    assert float(metric(visitor, "Expected volatility")) > before

    with visitor.expect_download() as waiting:
        visitor.get_by_role("button", name="Download forecast (CSV)").click()
    assert waiting.value.suggested_filename == "AAPL-2013-03-01-forecast-combined-guarded.csv"
    table = pd.read_csv(waiting.value.path())
    assert table["Combined"].unique().tolist() == ["yes"]
    np.testing.assert_allclose(table["Predicted"], chart["series"]["Predicted"][1:], atol=0.005)
    visitor.reload()
    assert fan(visitor, "Forecast by the combination") == chart
