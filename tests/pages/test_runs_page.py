"""The Runs page, with runs that were never trained."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from forecasting import RECOMMENDED, PriceHistory
from forecasting.runs.ledger import RunLedger
from forecasting.runs.store import RunStore
from tests.runs.laboratory import finished_run

ROOT = Path(__file__).parents[2]
HISTORY = PriceHistory(pd.DataFrame({"Close": 100 + np.random.default_rng(0).normal(0, 1, 600).cumsum()},
                                    index=pd.bdate_range("2020-01-01", periods=600)), name="a walk", source="test",
                       currency="USD")


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    """A data folder with three runs of 16, 32 and 64 units, and their ids, the newest first."""
    folder = tmp_path_factory.mktemp("pattern")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECASTING_HOME", str(folder))
        ledger = RunLedger()
        ids = [finished_run(ledger, HISTORY, replace(RECOMMENDED, units=(units,)), rmse=units / 10, name=f"{units} units")
               for units in (16, 32, 64)]
    return folder, ids[::-1]


@pytest.fixture
def three(pattern, tmp_path):
    """Ids of the runs of `pattern`, which are in this test's own store."""
    folder, ids = pattern
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return ids


@pytest.fixture
def ledger():
    return RunLedger()


def open_page(name="6_Runs.py", **query):
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in query.items():
        test.query_params[key] = value
    test.switch_page(f"pages/{name}").run()
    assert not test.exception
    return test


def table(test):
    return test.data_editor[0].value


def edit(test, cells):
    """Changes cells of the table: {(row, column): value}. A browser always sends all that was changed so far."""
    key = test.data_editor[0].key
    before = dict(test.session_state[key]["edited_rows"])
    rows = {place: dict(changes) for place, changes in before.items()}
    for (row, column), value in cells.items():
        rows.setdefault(row, {})[column] = value
    test.session_state[key] = {"edited_rows": rows, "added_rows": [], "deleted_rows": []}
    test.run()
    assert not test.exception


def button(test, label):
    return next(one for one in test.button if one.label == label)


def texts(elements):
    return " ".join(element.value for element in elements).replace("\\", "")


def asked(test, name):
    """What the address says; AppTest gives a text or a list of one."""
    value = test.query_params.get(name, "")
    return value if isinstance(value, str) else value[0]


def chosen(test):
    return asked(test, "compare").split(",")


def test_the_table_shows_what_differs_and_the_scores_as_numbers(three):
    shown = table(open_page())
    assert shown["Name"].tolist() == ["64 units", "32 units", "16 units"]
    assert shown["RMSE"].tolist() == [6.4, 3.2, 1.6]
    assert shown["Units"].tolist() == ["64", "32", "16"]
    assert not {"Window", "Seed", "Target"} & set(shown)
    assert [list(curve) for curve in shown["Validation loss"]] == [[3.0, 2.0, 1.5]] * 3
    assert list(shown).index("Time") < 8  # where no screen of 1300 pixels cuts it off


def test_star_name_tags_and_note_are_written_in_the_table(three):
    test = open_page()
    edit(test, {(0, "Star"): True, (1, "Name"): "thirty-two", (2, "Tags"): ["base", "slow, old"], (2, "Note"): "Look again"})
    store = RunStore()
    assert [store.get(run_id).starred for run_id in three] == [True, False, False]
    assert store.get(three[1]).name == "thirty-two"
    assert store.get(three[2]).tags == ("base", "slow", "old")
    assert store.get(three[2]).note == "Look again"
    edit(test, {(0, "Star"): False})
    assert not RunStore().get(three[0]).starred
    assert table(test)["Note"].tolist() == ["", "", "Look again"]


def test_a_table_stays_the_same_widget_while_it_is_edited(three):
    test = open_page()
    key = test.data_editor[0].key
    edit(test, {(0, "Star"): True})
    edit(test, {(1, "Choose"): True})
    edit(test, {(1, "Note"): "Why?"})
    assert test.data_editor[0].key == key


def test_what_was_changed_elsewhere_since_is_shown(three):
    test = open_page()
    edit(test, {(0, "Note"): "mine"})
    RunStore().annotate(three[0], note="theirs")
    test.run()
    assert table(test)["Note"].iloc[0] == "theirs"
    assert not test.session_state[test.data_editor[0].key]["edited_rows"]  # the edit does not cover it
    assert RunStore().get(three[0]).note == "theirs"


def test_a_note_that_is_too_long_is_refused_and_the_rest_of_the_page_stays(three):
    test = open_page()
    edit(test, {(0, "Note"): "x" * 3000})
    assert "at most 2000 characters" in texts(test.error)
    assert table(test)["Note"].tolist() == ["", "", ""]
    test.run()
    assert not test.error


def test_an_edit_that_comes_with_the_end_of_another_run_reaches_its_own_row(three, ledger):
    test = open_page()
    finished_run(ledger, HISTORY, replace(RECOMMENDED, units=(128,)))
    edit(test, {(0, "Star"): True})  # made in the table of three rows
    assert len(table(test)) == 4
    assert RunStore().get(three[0]).starred
    assert sum(run.starred for run in RunStore().list()) == 1


def test_choice_is_in_the_address_and_comes_back_from_it(three):
    test = open_page()
    edit(test, {(0, "Choose"): True, (2, "Choose"): True})
    assert chosen(test) == [three[0], three[2]]
    again = open_page(compare=",".join(chosen(test)), reference=three[2])
    assert table(again)["Choose"].tolist() == [True, False, True]
    assert asked(again, "reference") == three[2]
    edit(again, {(0, "Choose"): False, (2, "Choose"): False})
    assert "compare" not in again.query_params


def test_comparison_is_asked_for_two_to_eight_runs(three, ledger, monkeypatch):
    compared = []
    monkeypatch.setattr("pages.components.runs.draw_comparison", lambda state, ids: compared.append(ids))
    test = open_page(compare=",".join(three[:2]))
    assert compared == [tuple(three[:2])]
    more = [finished_run(ledger, HISTORY, replace(RECOMMENDED, window=30 + i)) for i in range(6)]
    test = open_page(compare=",".join([*three, *more]))
    assert len(compared) == 1
    assert "Two to eight runs can be compared, and 9 are chosen." in texts(test.info)
    button(test, "Clear the choice").click().run()
    assert "compare" not in test.query_params
    assert not table(test)["Choose"].any()


@pytest.mark.parametrize("address", ["nonsense", "0" * 32, "<b>x</b>"])
def test_a_choice_that_names_no_run_is_said_and_dropped(three, address):
    test = open_page(compare=f"{address},{three[0]}")
    assert test.warning
    assert chosen(test) == [three[0]]


def test_one_run_is_deleted_undone_and_the_trash_emptied(three):
    test = open_page(compare=three[0])
    button(test, "Delete").click().run()
    assert not test.exception
    assert len(table(test)) == 2
    button(test, "Undo").click().run()
    assert len(table(test)) == 3
    assert not any(one.label == "Undo" for one in test.button)
    edit(test, {(0, "Choose"): True, (1, "Choose"): True})
    button(test, "Delete 2 runs").click().run()
    assert table(test).index.tolist() == [three[2]]
    assert test.expander[0].label == "Trash (2)"
    button(test, "Remove for good").click().run()
    assert "That freed 2.0 kB" in texts(test.success)
    assert not test.expander
    assert {run.id for run in RunStore().list()} == {three[2]}


def test_a_run_comes_back_from_the_trash(three):
    RunStore().delete(three[1])
    test = open_page(compare=three[1])
    assert "is in the trash" in texts(test.warning)
    button(test, "Restore").click().run()
    assert three[1] in table(test).index


def test_fields_of_a_chosen_run_are_written(three):
    test = open_page(compare=three[0])
    next(one for one in test.text_input if one.label == "Name").set_value("the **best**")
    next(one for one in test.text_area if one.label == "Note").set_value("First line\nsecond")
    next(one for one in test.toggle if one.label == "Starred").set_value(True).run()
    assert not test.exception
    run = RunStore().get(three[0])
    assert (run.name, run.note, run.starred) == ("the **best**", "First line\nsecond", True)
    assert "the **best**" in texts(test.subheader)
    assert "\\*\\*best" in test.subheader[0].value


def test_train_again_opens_train_with_the_settings_and_the_next_run_keeps_its_parent(three):
    test = open_page(compare=three[2])
    button(test, "Train again with ...").click().run()
    assert not test.exception
    assert test.title[0].value == "Train"
    assert asked(test, "parent") == three[2]
    assert [box.value for box in test.selectbox if box.label == "Units"] == [16]
    test.switch_page("pages/2_Train.py").run()  # where a browser is by now
    button(test, "Train").click().run()
    assert not test.exception
    (run,) = [run for run in RunStore().list() if run.active]
    assert (run.parent, run.key, run.config.units) == (three[2], None, (16,))
    assert "parent" not in test.query_params
    test = open_page(compare=run.id)
    button(test, "Made from 16 units").click().run()
    assert chosen(test) == [three[2]]


def test_settings_are_taken_over_without_the_prices(three):
    test = open_page(compare=three[0])
    button(test, "Use these settings").click().run()
    assert asked(test, "data") == "AAPL"
    test.switch_page("pages/2_Train.py").run()
    assert [box.value for box in test.selectbox if box.label == "Units"] == [64]


def test_an_active_run_is_stopped_and_not_deleted(three, ledger):
    run_id = ledger.create(HISTORY, RECOMMENDED)
    test = open_page(compare=run_id)
    assert button(test, "Delete").disabled
    button(test, "Stop").click().run()
    assert RunStore().get(run_id).stopping


def test_search_filters_and_order(three, ledger):
    RunStore().annotate(three[1], note="odd one", tags=["odd"], starred=True)
    failed = ledger.create(HISTORY, RECOMMENDED)
    ledger.end(failed, "failed", "For a reason.")
    test = open_page()

    def field(kind, label):
        return next(one for one in kind if one.label == label)

    assert table(test).index.tolist() == [failed, *three]
    field(test.selectbox, "Order").set_value("rmse").run()
    assert table(test).index.tolist() == [*three[::-1], failed]
    field(test.text_input, "Search").set_value("ODD").run()
    assert table(test).index.tolist() == [three[1]]
    assert "of which 1 is shown" in texts(test.caption)
    test.switch_page("pages/2_Train.py").run()
    test.switch_page("pages/6_Runs.py").run()
    assert table(test).index.tolist() == [three[1]]  # kept while other pages are open
    field(test.text_input, "Search").set_value("nothing like it").run()
    assert "No run fits" in texts(test.info)
    field(test.text_input, "Search").set_value("").run()
    for kind, label, value in ((test.selectbox, "Tag", "odd"), (test.toggle, "Starred only", True)):
        field(kind, label).set_value(value).run()
        assert table(test).index.tolist() == [three[1]]
    field(test.selectbox, "Tag").set_value("All").run()
    field(test.toggle, "Starred only").set_value(False).run()
    field(test.selectbox, "State").set_value("failed").run()
    assert table(test).index.tolist() == [failed]


def test_seeds_stand_in_one_row_and_can_be_chosen_as_their_median(ledger):
    ids = [finished_run(ledger, HISTORY, replace(RECOMMENDED, seed=seed), rmse=rmse, name=f"seed {seed}")
           for seed, rmse in enumerate((1.0, 3.0, 2.0))]
    test = open_page()
    (row,) = table(test).to_dict("records")
    assert (row["Name"], row["Seeds"], row["RMSE"], row["±"]) == ("seed 2", "3 ▸", 2.0, 1.0)
    edit(test, {(0, "Choose"): True})
    assert chosen(test) == [ids[2]]
    assert "3 seeds: RMSE 2.00 ± 1.00 USD" in texts(test.markdown)
    next(one for one in test.toggle if one.label == "One row for several seeds").set_value(False).run()
    assert table(test)["Seed"].tolist() == [2, 1, 0]


def test_more_runs_than_a_list_used_to_show_are_all_there(monkeypatch, three):
    (run,) = [run for run in RunStore().list() if run.id == three[0]]
    many = [replace(run, id=f"{i:032x}", config=replace(run.config, window=5 + i % 200)) for i in range(2000)]
    monkeypatch.setattr(RunStore, "list", lambda *_, **__: many)
    assert len(table(open_page())) == 2000


def test_a_page_without_runs_says_so():
    assert "There are no runs yet" in texts(open_page().info)
