"""The panel "How this file was read": what was taken, changed part by part, and kept over a reload."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from elements import button, texts
from test_pages import open_page, sent_values

from forecasting import UnreadableFile, read_prices
from forecasting.data.interpretation import FIELDS, Interpretation
from forecasting.paths import home
from tests.data.price_files import known

PRICES = known(rows=300)
BIDS = pd.DataFrame({"Date": PRICES.index, "Close": PRICES["Close"], "Bid": (PRICES["Close"] - 1).round(2),
                     "Ask": (PRICES["Close"] + 1).round(2)}).to_csv(index=False).encode()
FUNDS = pd.DataFrame({"Date": PRICES.index, "AAA": PRICES["Close"], "BBB": (PRICES["Close"] + 50).round(2)}
                     ).to_csv(index=False).encode()
LAST = PRICES["Close"].iloc[-1]


def uploaded(name="quotes.csv", data=BIDS, **query):
    return upload(open_page("app.py", **query), name, data)


def upload(test, name, data):
    test.segmented_control(key="data_way").set_value("File").run()
    test.file_uploader[0].set_value((name, data, "text/csv")).run()
    assert not test.exception
    return test


def control(test, name, panel="data_read"):
    """The control of a part, or None; after a change it may be another one, with a number behind its key."""
    return next((box for box in test.selectbox if box.key.partition("#")[0] == f"{panel}_{name}"), None)


def change(test, name, value):
    control(test, name).set_value(value).run()
    assert not test.exception
    return test


def press(test, key):
    test.button(key=key).click().run()
    assert not test.exception
    return test


def pressed(test, label):
    button(test, label).click().run()
    assert not test.exception
    return test


def last_price(test):
    return float(next(metric.value for metric in test.metric if metric.label == "Last price"))


def has_button(test, key):
    return any(one.key == key for one in test.button)


def spoken(elements):
    return texts(elements).replace("*", "")


def said(test):
    return spoken([*test.markdown, *test.caption])


def reloaded(test, name="app.py"):
    """The page as a browser shows it after a reload: nothing is left but its address."""
    test = open_page(name, **test.query_params)
    assert not test.exception
    return test


def test_column_that_was_taken_is_said_and_another_is_read_at_once():
    test = uploaded()
    assert last_price(test) == LAST
    assert "price: Close, of 3 possible columns" in said(test)
    assert control(test, "column").value == "Close"
    assert "set by you" not in said(test)
    change(test, "column", "Ask")
    assert last_price(test) == round(LAST + 1, 2)
    assert "price: Ask, of 3 possible columns" in said(test)
    assert "set by you" in said(test)
    assert sent_values(test) == []
    press(test, "data_read_column_back")
    assert last_price(test) == LAST
    assert control(test, "column").value == "Close"
    assert "set by you" not in said(test)


def test_column_is_said_on_the_other_pages_too():
    test = uploaded()
    assert "price: Close, of 3 possible columns" in said(test.switch_page("pages/2_Train.py").run())


def test_sample_has_no_panel_and_keeps_its_calendar_below():
    test = open_page("app.py")
    assert not any(one.label == "How this file was read" for one in test.expander)
    assert [box.label for box in test.selectbox].count("Trading days") == 1


def test_change_outlives_a_reload_and_can_still_be_set_back():
    test = reloaded(change(uploaded(), "column", "Ask"))
    assert last_price(test) == round(LAST + 1, 2)
    assert control(test, "column").value == "Ask"
    assert "set by you" in said(test)
    assert last_price(press(test, "data_read_column_back")) == LAST
    assert last_price(reloaded(test)) == LAST


def test_after_a_reload_without_the_file_the_panel_says_what_was_taken_and_what_to_do():
    test = uploaded()
    shutil.rmtree(home() / "uploads")
    again = reloaded(test)
    assert control(again, "column") is None
    assert "Price" in said(again)
    assert "Close" in said(again)
    assert "upload it again" in said(again)


def test_file_that_vanishes_under_the_panel_is_said_and_the_prices_stay():
    test = reloaded(uploaded())
    shutil.rmtree(home() / "uploads")
    change(test, "column", "Ask")
    assert "not kept any more" in spoken(test.error)
    assert "upload it again" in said(test)
    assert last_price(test) == LAST


def test_file_that_cannot_be_kept_is_said_and_read_all_the_same():
    (home() / "uploads").write_text("in the way")
    test = uploaded()
    assert "quotes.csv cannot be kept" in spoken(test.error)
    assert last_price(test) == LAST
    assert last_price(change(test, "column", "Ask")) == round(LAST + 1, 2)
    assert control(reloaded(test), "column") is None


PARTS = {
    "encoding": {"utf-8": "UTF-8", "cp1252": "Western European"},
    "sheet": {"One": "One", "Two": "Two"},
    "delimiter": {",": "commas", ";": "semicolons"},
    "header": {1: "line 1", 3: "line 3", 0: "no line"},
    "date": {"Date": "Date", "Day": "Day"},
    "date_order": {"day/month/year": "day/month/year", "month/day/year": "month/day/year"},
    "time": {"": "no column", "Clock": "Clock"},
    "column": {"Close": "Close", "Bid": "Bid", "Ask": "Ask"},
    "adjusted": {False: "as quoted", True: "adjusted"},
    "series": {"A": "A", "B": "B"},
    "decimal": {".": "a point", ",": "a comma"},
}


@pytest.fixture
def asked(monkeypatch):
    """What a stand-in for the reader, in which every part can be otherwise, is asked for; semicolons make it refuse."""
    calls = []

    def read(source, **choices):
        calls.append(choices)
        if choices.get("delimiter") == ";":
            raise UnreadableFile("No line has a semicolon.")
        history = read_prices(source, column=choices.get("column"))
        taken = {name: next(iter(options)) for name, options in PARTS.items()} | choices
        return replace(history, reading=Interpretation(**taken, options=PARTS))

    monkeypatch.setattr("forecasting.data.files.read_prices", read)
    return calls


def test_every_part_has_a_control_and_each_change_is_added_to_those_before(asked):
    assert set(PARTS) == set(FIELDS)
    test = uploaded()
    changes = {}
    for name, options in PARTS.items():
        if name != "delimiter":
            assert control(test, name).value == next(iter(options))
            changes[name] = list(options)[-1]
            change(test, name, changes[name])
            assert asked[-1] == changes
    assert sent_values(test) == []
    again = reloaded(test)
    assert {name: control(again, name).value for name in changes} == changes
    press(again, "data_read_header_back")
    del changes["header"]
    assert asked[-1] == changes
    press(again, "data_read_all")
    assert asked[-1] == {}
    assert not has_button(again, "data_read_all")


def test_reading_that_fails_is_said_leaves_the_prices_and_can_be_changed_again(asked):
    test = change(change(uploaded(), "column", "Ask"), "delimiter", ";")
    assert "No line has a semicolon" in spoken(test.error)
    assert "still as they were read before" in spoken(test.error)
    assert last_price(test) == round(LAST + 1, 2)
    assert control(test, "delimiter").value == ";"
    change(test, "column", "Bid")
    assert test.error
    assert last_price(test) == round(LAST + 1, 2)
    press(test, "data_read_delimiter_back")
    assert not test.error
    assert last_price(test) == round(LAST - 1, 2)
    # What could not be read is not what a reload brings back.
    again = reloaded(change(test, "delimiter", ";"))
    assert not again.error
    assert last_price(again) == round(LAST - 1, 2)
    assert control(again, "delimiter").value == ","


def test_file_that_is_refused_can_be_read_otherwise_too():
    empty = pd.DataFrame({"Date": PRICES.index, "Close": 0, "Bid": PRICES["Close"]}).to_csv(index=False).encode()
    test = uploaded("bids.csv", empty)
    assert "Every price in “Close” is zero" in spoken(test.error)
    assert not any(one.label == "How this file was read" for one in test.expander)
    control(test, "column", "data_try_file").set_value("Bid").run()
    assert not test.exception
    assert not test.error
    assert last_price(test) == LAST
    assert control(test, "column").value == "Bid"
    assert "set by you" in said(test)


def test_file_that_waits_can_be_read_otherwise_instead_of_answering():
    test = uploaded("two funds.csv", FUNDS)
    control(test, "header", "data_try_file").set_value(0).run()
    assert "two funds.csv waits for an answer" in spoken(test.info)
    (box,) = [box for box in test.selectbox if box.label == "Which column is the price?"]
    assert box.options == ["column 2", "column 3"]
    press(test, "data_try_file_header_back")
    (box,) = [box for box in test.selectbox if box.label == "Which column is the price?"]
    assert box.options == ["AAA", "BBB"]


def test_calendar_stands_in_the_panel_and_stays_when_another_part_is_changed(asked):
    test = uploaded()

    def calendar():
        (box,) = [box for box in test.selectbox if box.label == "Trading days"]
        return box

    first = calendar().value
    calendar().set_value("XTKS").run()
    assert len(asked) == 1  # no other price comes of it
    assert "set by you" in said(test)
    change(test, "column", "Ask")
    assert asked[-1] == {"column": "Ask"}
    assert test.session_state["forecasting"].history.calendar == "XTKS"
    test = reloaded(test)
    assert calendar().value == "XTKS"
    calendar().set_value("").run()
    change(test, "header", 3)
    assert test.session_state["forecasting"].history.calendar is None
    press(test, "data_read_calendar_back")
    assert calendar().value == first


def test_file_that_waits_is_named_above_the_prices_and_on_train_until_it_is_answered():
    test = upload(uploaded(), "two funds.csv", FUNDS)
    assert "two funds.csv waits for an answer" in spoken(test.info)
    assert "the prices below are still those of quotes" in said(test)
    kinds = [element.type for element in test.main]
    assert kinds.index("info") < kinds.index("button_group")
    assert last_price(test) == LAST
    assert control(test, "column") is None  # one file after the other
    assert "first answer the question about two funds.csv" in said(test)
    train = reloaded(test, "pages/2_Train.py")
    assert "two funds.csv waits for an answer on Data; training uses quotes" in spoken(train.info)
    again = reloaded(test)
    (box,) = [box for box in again.selectbox if box.label == "Which column is the price?"]
    box.set_value("BBB").run()
    pressed(again, "Use this")
    assert last_price(again) == round(LAST + 50, 2)
    assert not again.info
    assert control(again, "column").value == "BBB"
    assert "asked" not in again.query_params
    # Without its answer the question is there again.
    press(again, "data_read_column_back")
    assert "two funds.csv waits for an answer" in spoken(again.info)
    assert last_price(again) == round(LAST + 50, 2)
    pressed(again, "Not now")
    assert not again.info
    assert control(again, "column").value == "BBB"


def test_file_that_waits_can_be_left_and_waits_while_other_prices_are_opened():
    test = upload(uploaded(), "two funds.csv", FUNDS)
    test.segmented_control(key="data_way").set_value("Sample").run()
    next(one for one in test.segmented_control if one.label == "Sample").set_value("Generated waves").run()
    assert "two funds.csv waits for an answer" in spoken(test.info)
    assert "still those of Generated waves" in said(test)
    pressed(test, "Not now")
    assert not test.info
    assert "asked" not in test.query_params
    assert not reloaded(test).info
