"""Inside the LSTM: every view of every kind of network, the lesson, and the address."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.inside import EXAMPLES, attributions, load_example, memory
from forecasting.inside.through_time import GradientsByLag
from forecasting.model.cells import CELLS
from forecasting.model.cells.cell import NumpyMath
from forecasting.model.cells.program import program_of
from forecasting.runs import worker
from forecasting.runs.files import scratch
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore
from pages.components.inside import subject
from pages.components.inside.attribution import day_table
from pages.components.inside.draw import VIEWS
from pages.components.inside.gradients import _picture
from pages.components.inside.lesson import STEPS
from pages.components.inside.view import NEXT, InsideView, read_inside
from pages.components.runs import run_labels
from tests.pages.elements import button, texts
from tests.runs.opened_run import run_without_network

PAGE = Path(__file__).parents[2] / "pages" / "7_Inside_the_LSTM.py"
CONFIG = replace(RECOMMENDED, window=12, horizon=3, units=(4, 3), cell="gru", features=("Close", "day_of_week"), epochs=2,
                 season=None)


def store_result(ledger, result, without=()):
    """A finished run with the files of a result but those named in `without`. Returns its id."""
    run_id = ledger.create(result.history, result.config)
    folder = scratch("inside")
    result.save(folder)
    for name in without:
        (folder / name).unlink()
    ledger.put_result(run_id, folder, result.metrics)
    ledger.end(run_id, "finished")
    return run_id


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a training of several layers, inputs and steps, the same without snapshots, and a run without a network."""
    folder = tmp_path_factory.mktemp("inside")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECASTING_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        days = pd.bdate_range("2018-01-01", periods=400)
        close = 100 * np.exp(np.random.default_rng(0).normal(0, 0.01, 400).cumsum())
        history = PriceHistory(pd.DataFrame({"Close": close}, index=days), name="a walk", source="test", currency="USD")
        ledger = RunLedger()
        trained = ledger.create(history, CONFIG)
        (run,) = ledger.next_runs(1)
        _, trace = worker.carry_out(ledger, run.id, run.attempt, lambda: False)
        assert trace is None, trace
        result = RunStore().result(trained)
        yield folder, {"trained": trained, "old": store_result(ledger, result, ["snapshots.npz"]),
                       "opened": store_result(ledger, run_without_network())}


@pytest.fixture
def runs(home, monkeypatch):
    """The ids of the runs, in whose folder the test works."""
    monkeypatch.setenv("FORECASTING_HOME", str(home[0]))
    return home[1]


def open_page(run=None, **view):
    test = AppTest.from_file(str(PAGE), default_timeout=60)
    if view:
        test.query_params["inside"] = json.dumps(view)
    if run:
        test.query_params["run"] = run
    return checked(test.run())


def checked(test):
    assert not test.exception
    return test


def field(elements, key):
    """The widget of a field; after a change elsewhere it may be another one than before, with a number behind its key."""
    (found,) = [one for one in elements if one.key and one.key.partition("#")[0] == key]
    return found


def look_at(test, tab):
    return checked(field(test.segmented_control, "inside_tab").set_value(tab).run())


def seen(test):
    """What the address says about the view. `AppTest` gives a list or a text, by who wrote it."""
    text = test.query_params["inside"]
    return json.loads(text if isinstance(text, str) else text[0])


def said(test):
    return texts([*test.markdown, *test.caption, *test.info])


@pytest.mark.parametrize("name", EXAMPLES.values())
def test_every_view_of_every_network_that_ships_works_before_anything_was_trained(name):
    test = open_page(example=name.removesuffix(".npz"))
    for tab in VIEWS:
        look_at(test, tab)
        assert not test.error, tab
    assert not RunStore().list()


def test_without_a_run_an_example_is_shown():
    test = open_page()
    assert field(test.selectbox, "inside_network").value == "example aapl_lstm"
    assert not test.error


def test_every_view_of_a_run_of_several_layers_inputs_and_steps_works(runs):
    test = open_page(runs["trained"])
    assert field(test.selectbox, "inside_network").value == runs["trained"]
    for tab in VIEWS:
        look_at(test, tab)
        assert not test.error, tab
        assert field(test.segmented_control, "inside_tab").value == tab
    assert "day_of_week_sine" in look_at(test, "input").dataframe[0].value.to_string() + said(test)
    look_at(test, "learning")
    assert "After epoch" in said(test)
    assert button(test, "Train from each")
    assert button(look_at(test, "gradients"), "Train every cell")
    # The day after the last row, whose price nobody knows.
    test = open_page(runs["trained"], day=NEXT)
    for tab in VIEWS:
        look_at(test, tab)
        assert not test.error, tab


def test_a_run_without_snapshots_says_so_where_its_learning_would_stand(runs):
    test = open_page(runs["old"], tab="learning")
    assert "Train again" in texts(test.info)
    assert button(test, "Train from each")
    assert not look_at(test, "memory").info


def test_a_run_without_a_network_gets_a_sentence_and_another_can_be_chosen(runs):
    test = open_page(runs["opened"])
    assert "has no network" in texts(test.error)
    checked(field(test.selectbox, "inside_network").set_value(runs["trained"]).run())
    assert not test.error
    assert runs["trained"] in test.query_params["run"]


def test_a_network_that_was_best_untrained_is_said_to_be_so_and_every_view_still_works(monkeypatch):
    trained = load_example()
    head = tuple(np.zeros_like(weights) for weights in trained.network.head)
    untrained = replace(trained, _network=replace(trained.network, head=head))
    with monkeypatch.context() as patch:
        patch.setattr("pages.components.inside.subject.load_example", lambda *names: untrained)
        test = open_page(example="aapl_lstm")
        for tab in VIEWS:
            look_at(test, tab)
            assert not test.error, tab
            assert "output layer is still at zero" in texts(test.info)
    assert not open_page().info


def test_network_day_and_unit_are_in_the_address_and_come_back_from_it(runs):
    test = open_page(runs["trained"], tab="memory")
    field(test.date_input, "inside_day").set_value(pd.Timestamp("2019-05-18").date())  # a Saturday
    field(test.number_input, "inside_layer_field").set_value(2).run()
    checked(field(test.number_input, "inside_unit_field").set_value(3).run())
    address = seen(test)
    assert address == {"tab": "memory", "day": "2019-05-18", "layer": 1, "unit": 2}
    other = open_page(runs["trained"], **address)
    assert field(other.date_input, "inside_day").value.isoformat() == "2019-05-20"
    assert "Layer 2, unit 3 keeps" in said(other)
    checked(field(other.selectbox, "inside_network").set_value("example aapl_rnn").run())
    assert seen(other)["example"] == "aapl_rnn"
    assert not other.error
    field(other.date_input, "inside_day").set_value(pd.Timestamp("2012-05-31").date()).run()
    checked(field(other.selectbox, "inside_network").set_value("example aapl_gru").run())
    assert seen(other)["day"] == "2012-05-31"  # so that networks can be compared on one window


@pytest.mark.parametrize("text", ["{", "[]", '{"unit": -1}', '{"day": "yesterday"}',
                                  '{"day": "2012-05-31T10:00:00+02:00"}', '{"tab": "<b>"}', '{"lesson": true}'])
def test_a_damaged_view_in_the_address_gets_a_sentence_and_the_usual_view(text):
    view, problem = read_inside(text)
    assert view == InsideView()
    assert problem
    test = AppTest.from_file(str(PAGE), default_timeout=60)
    test.query_params["inside"] = text
    checked(test.run())
    assert test.warning


def test_a_view_that_names_what_is_not_there_shows_the_nearest_that_is():
    test = open_page(example="nobody", tab="attic", layer=7, unit=500, step=900, day="1850-01-01", baseline="none", epoch=9999,
                     lesson=70)
    for tab in VIEWS:
        look_at(test, tab)
        assert not test.error, tab


def test_view_survives_its_way_through_the_address():
    view = InsideView("memory", "2012-05-31", 1, 2, 3, "aapl_gru", "still", 4, 5)
    assert read_inside(view.to_text()) == (view, None)
    assert InsideView().to_text() is None


@pytest.mark.parametrize(("said", "day"), [("20120531", "2012-05-31"), ("2012-05-31T00:00", "2012-05-31"),
                                           ("2012-05-31T10:30", "2012-05-31T10:30:00")])
def test_a_day_in_another_iso_form_is_the_same_day(said, day):
    assert read_inside(json.dumps({"day": said})) == (InsideView(day=day), None)


@pytest.mark.parametrize(("norms", "words", "never"), [
    ([1, 0.1, 0.1, 0.7], "falls to 10.0 % (1 day back) and rises again", "hardly falls"),
    ([1, 0.9, 0.8, 0.7], "hardly falls", "rises again"),
    ([1, 0.3, 0.1, 0.05], "but does not vanish", "rises again"),
    ([1, 0.1, 0.01, 0.001], "This is the vanishing gradient", "rises again"),
    ([1, 2, 4, 8], "the exploding gradient of the textbook", "rises again"),
    ([1, 0.2, 1, 5], "falls to 20.0 % (1 day back) and rises again", "It grows")])
def test_the_picture_of_the_gradient_is_told_as_it_is(norms, words, never):
    found = GradientsByLag(np.arange(4), {}, np.array([norms], float), 0.1, 1.0, 1.0, 1)
    told = _picture(found, "day", CELLS["rnn"].label)
    assert words in told
    assert never not in told


def test_the_arithmetic_of_an_input_can_be_checked_with_the_numbers_that_are_shown():
    said = [one.value for one in open_page(tab="input").markdown if "Scaling" in one.value]
    last, before, move, shown, scale, entered = map(float, re.findall(r"-?[0-9]+\.[0-9]+", " ".join(
        re.findall(r"\$([^$]*)\$", said[0]))))
    assert move == shown == pytest.approx(np.log(last / before), rel=1e-4)
    assert entered == pytest.approx(shown / scale, rel=3e-4)  # four digits


def test_shares_of_the_days_that_are_downloaded_add_up_to_what_the_page_says():
    test = open_page(tab="days", example="waves_lstm")
    result = load_example(sample="Generated waves")
    found = attributions(result, result.history.dates[-1])
    table = day_table(found, found.output * np.ones(len(found.dates)))
    total = 100 * result.encoder.scale * (table["Network"].sum() + table["Linear part"].sum())
    assert f"{total:+.3f}" in said(test)
    assert "as it must" in said(test)


def test_two_trainings_of_one_minute_have_labels_of_their_own(runs):
    run = RunStore().get(runs["trained"])
    twins = [replace(run, id=letter * 32) for letter in "ab"]
    older, newer = run_labels(twins[:1]), run_labels(twins[::-1])
    assert len(set(newer.values())) == 2
    assert older.items() <= newer.items()  # the label of a run stays as it was when another one comes


def test_a_run_of_the_leak_lab_is_called_invalid_and_no_false_sum_is_shown(monkeypatch):
    real = subject.load_example
    monkeypatch.setattr(subject, "load_example", lambda *names: leaking(real(*names)))
    test = open_page(tab="input")
    assert "invalid on purpose" in texts(test.warning)
    assert "\\ln" not in said(test)


def leaking(result):
    return replace(result, config=replace(result.config, leak="centred_average"))


# The lesson.


def step(number, **view):
    return open_page(lesson=number - 1, tab=STEPS[number - 1].tab, **view)


def is_done(test):
    return "**Done.**" in texts(test.markdown)


def test_lesson_has_its_steps_each_with_a_figure_and_a_task():
    assert 8 <= len(STEPS) <= 10
    test = open_page()
    button(test, "Start the lesson").click().run()
    for number, one in enumerate(STEPS, start=1):
        checked(test)
        assert f"{number} of {len(STEPS)}" in said(test)
        assert one.title in said(test)
        assert field(test.segmented_control, "inside_tab").value == one.tab
        assert "**To do.**" in texts(test.markdown)
        assert not is_done(test)
        if number < len(STEPS):
            button(test, "Next").click().run()
    button(test, "Close").click().run()
    assert button(checked(test), "Start the lesson")


def test_lesson_shows_the_usual_equations_beside_the_tutorials_with_both_scores():
    test = step(7)
    shown = " ".join(latex.value for latex in test.latex)
    assert r"U_i h_{t-1}" in shown
    assert r"V_i c_{t-1}" in shown
    (table,) = [one.value for one in test.sidebar.dataframe]
    assert list(table.index) == [CELLS["lstm"].label, CELLS["tutorial_lstm"].label, "Naive"]
    for cell in ("lstm", "tutorial_lstm"):
        assert f"{load_example(cell).metrics['test']['rmse']:.4f}" in table.loc[CELLS[cell].label].to_string()


@pytest.mark.parametrize(("number", "name"), [(3, "aapl_rnn"), (6, "aapl_gru"), (7, "aapl_tutorial_lstm")])
def test_lesson_notices_that_the_network_it_asks_for_is_opened(number, name):
    test = step(number)
    assert not is_done(test)
    checked(field(test.selectbox, "inside_network").set_value(f"example {name}").run())
    assert is_done(test)


def test_lesson_notices_another_day():
    test = step(2)
    checked(field(test.date_input, "inside_day").set_value(pd.Timestamp("2012-05-31").date()).run())
    assert is_done(test)


def test_lesson_notices_the_unit_that_remembers_longest_and_no_other():
    test = step(5)
    (lives,) = memory(load_example()).half_lives
    checked(field(test.number_input, "inside_unit_field").set_value(int(lives.argmin()) + 1).run())
    assert not is_done(test)
    checked(field(test.number_input, "inside_unit_field").set_value(int(lives.argmax()) + 1).run())
    assert is_done(test)
    assert is_done(step(5, unit=int(lives.argmax())))  # or who is there already could never do it


def test_lesson_sends_a_network_without_a_cell_to_one_that_has_it():
    assert "choose an LSTM" in said(step(4, example="aapl_rnn"))
    assert "choose an LSTM" not in said(step(4, example="aapl_lstm"))


def test_lesson_notices_the_untrained_network_and_the_other_baseline():
    test = step(8)
    checked(field(test.select_slider, "inside_epoch").set_value(0).run())
    assert is_done(test)
    button(test, "Next").click().run()
    assert not is_done(checked(test))
    checked(field(test.segmented_control, "inside_baseline").set_value("still").run())
    assert is_done(test)


def test_lesson_notices_a_day_on_which_the_forecast_was_closer_than_naive_and_no_other():
    result = load_example()
    table = result.predictions[result.predictions["split"] == "test"]
    closer = (table["predicted"] - table["actual"]).abs() < (table["naive"] - table["actual"]).abs()
    test = step(10)
    for day, expected in ((closer.idxmin(), False), (closer.idxmax(), True)):
        checked(field(test.date_input, "inside_day").set_value(day.date()).run())
        assert is_done(test) == expected


# What the browser is given.


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_operations_of_a_cell_compute_what_its_step_does(cell):
    rng = np.random.default_rng(1)
    inputs, states = (rng.normal(size=(len(cell.gates), 1, 3)) for _ in range(2))
    before = {name: rng.normal(size=(1, 3)) for name in cell.states}
    program = json.loads(json.dumps(program_of(cell)))
    values = []
    names = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide}
    for kind, *given in program["operations"]:
        if kind in ("input", "state"):
            values.append((inputs if kind == "input" else states)[given[0]])
        elif kind == "before":
            values.append(before[given[0]])
        elif kind == "constant":
            values.append(given[0])
        else:
            values.append(names.get(kind, getattr(NumpyMath, kind, None))(*(values[place] for place in given)))
    expected = cell.step(NumpyMath, tuple(inputs), tuple(states), before)
    assert set(program["outputs"]) == set(cell.traces)
    for name, place in program["outputs"].items():
        np.testing.assert_allclose(values[place], expected[name], rtol=1e-12)


def test_what_the_browser_says_is_taken_and_does_not_send_the_weights_again(monkeypatch):
    told = {}
    monkeypatch.setattr("pages.components.inside.draw.shown_in_browser", lambda: told or None)
    monkeypatch.setattr("pages.components.inside.figure.shown_in_browser", lambda: told or None)
    test = step(4)
    first = figure_data(test)
    assert len(first["network"]["layers"]) == 1
    assert first["view"]["echo"] == 0
    drag = {"back": 0, "percent": 2.0}
    for number, percent, done in ((71, 1.0, False), (72, 2.0, True)):
        told |= {"n": number, "has": "example aapl_lstm", "day": "2012-05-31", "layer": 0, "unit": 5, "step": 8,
                 "drag": drag | {"percent": percent}}
        checked(test.run())
        assert is_done(test) == done
    sent = figure_data(test)
    assert sent["network"] is None
    assert sent["view"] == {"day": "2012-05-31", "layer": 0, "unit": 5, "step": 8, "echo": 72}
    assert field(test.date_input, "inside_day").value.isoformat() == "2012-05-31"
    assert seen(test) | {"lesson": 3} == {"day": "2012-05-31", "unit": 5, "step": 8, "lesson": 3}
    # A message that was taken already is not taken again over what was chosen since.
    checked(field(test.date_input, "inside_day").set_value(pd.Timestamp("2012-06-01").date()).run())
    assert figure_data(test)["view"]["day"] == "2012-06-01"


def figure_data(test):
    (found,) = [one for one in test.main if one.type == "bidi_component"]
    return json.loads(found.proto.json)
