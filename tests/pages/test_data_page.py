"""The Data page draws, opens and opens again whatever stands in the list of sources."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_pages import keep, open_page, sent_values, short_series, texts

from forecasting import DataError, NeedsChoice, NoNetwork, PriceHistory
from forecasting.data.sources import SOURCES, Choice, File, Source, Text, Toggle


def sine(answers):
    if not answers["rows"].isdigit():
        raise DataError(f"The number of rows must be a number. Received: {answers['rows']}. Write e.g. 300.")
    days = pd.bdate_range("2020-01-01", periods=int(answers["rows"]))
    wave = 50 + 5 * np.sin(np.arange(len(days)) / 9)
    return PriceHistory(pd.DataFrame({"Close": wave}, index=days), name="A wave", source="made by a formula")


SINE = Source("Sine", "A wave.", (Text("rows", "Rows", default="300"),), sine, button="Make")


def test_source_is_added_by_one_entry_and_drawn_opened_and_opened_again_by_its_address(monkeypatch):
    monkeypatch.setitem(SOURCES, "sine", SINE)
    test = choose(open_page("app.py"), "Sine")
    assert metric(test, "Rows") == "3\u202f270"
    labelled(test.text_input, "Rows").set_value("400")
    press(test, "Make")
    assert metric(test, "Rows") == "400"
    again = reopened(test)
    assert metric(again, "Rows") == "400"
    assert way(again) == "Sine"


def test_what_a_source_cannot_do_is_said_until_it_is_asked_again(monkeypatch):
    monkeypatch.setitem(SOURCES, "sine", SINE)
    test = choose(open_page("app.py"), "Sine")
    labelled(test.text_input, "Rows").set_value("many")
    press(test, "Make")
    assert "many" in texts(test.error)
    assert metric(test, "Rows") == "3\u202f270"
    assert "many" in texts(test.run().error)
    labelled(test.text_input, "Rows").set_value("200")
    press(test, "Make")
    assert not test.error
    assert metric(test, "Rows") == "200"


def test_every_kind_of_field_is_drawn_and_answered_and_no_widget_is_told_what_to_hold(monkeypatch):
    asked = []

    def give(answers):
        asked.append(answers)
        return short_series()

    fields = (Text("text", "Text", default="as it is"), Choice("first", "First", lambda _: {"a": "Option A", "b": "Option B"}),
              Choice("second", "Second", lambda answers: dict.fromkeys((answers["first"] + "1", answers["first"] + "2"), "one"),
                     default="a2"), Toggle("toggle", "Toggle", default=True), File("file", "Some file"))
    monkeypatch.setitem(SOURCES, "all", Source("All", "Everything.", fields, give, button="Give"))
    test = choose(open_page("app.py"), "All")
    press(test, "Give")
    assert asked[-1] == {"text": "as it is", "first": "a", "second": "a2", "toggle": True, "file": None}
    test.text_input[0].set_value("another")
    labelled(test.selectbox, "First").set_value("b").run()
    labelled(test.toggle, "Toggle").set_value(False)
    test.file_uploader[0].set_value(("some.txt", b"content", "text/plain")).run()
    assert sent_values(test) == []
    press(test, "Give")
    file = asked[-1].pop("file")
    assert (file.name, file.content) == ("some.txt", b"content")
    assert asked[-1] == {"text": "another", "first": "b", "second": "b2", "toggle": False}


def test_question_of_a_source_is_asked_and_can_be_answered_again(monkeypatch):
    def ask(answers):
        if "colour" not in answers:
            raise NeedsChoice("Which colour?", kind="colour", options=("red", "blue"))
        return replace(sine(answers), name=answers["colour"])

    monkeypatch.setitem(SOURCES, "sine", replace(SINE, open=ask))
    test = choose(open_page("app.py"), "Sine")
    press(test, "Make")
    assert "Which colour" in texts(test.info)
    assert "colour=" not in texts(test.info)  # the keyword is for code
    next(box for box in test.selectbox if "blue" in box.options).set_value("blue")
    press(test, "Use this")
    assert "blue" in texts(test.caption)
    press(test, "Answer again")
    assert "Which colour" in texts(test.info)
    assert "blue" in texts(test.caption)


class Slow:
    """A job whose end the test decides."""

    symbols, provider, done, seconds = ("ONE", "TWO"), "A slow place", False, 0.0

    def __init__(self):
        self.results, self.copies = {}, {}

    def cached(self, symbol):
        return self.copies.get(symbol)


@pytest.fixture
def slow(monkeypatch):
    job = Slow()
    monkeypatch.setitem(SOURCES, "slow", Source("Slow", "Takes its time.", (), lambda answers: job, button="Begin"))
    return job


def test_source_that_takes_its_time_brings_several_series_to_choose_from(slow):
    test = choose(open_page("app.py"), "Slow")
    press(test, "Begin")
    assert metric(test, "Rows") == "3\u202f270"
    slow.results = {"ONE": sine({"rows": "200"}), "TWO": NoNetwork("TWO could not be reached.")}
    slow.copies = {"TWO": sine({"rows": "500"})}
    slow.done = True
    test.run()
    assert not test.exception
    assert "TWO could not be reached" in texts(test.error)
    assert metric(test, "Rows") == "200"
    labelled(test.segmented_control, "Fetched").set_value("TWO").run()
    assert not test.exception
    assert metric(test, "Rows") == "500"
    assert way(reopened(test)) == "Slow"


def test_who_waits_too_long_may_use_a_copy_or_the_sample(slow):
    test = choose(open_page("app.py", data="Generated waves"), "Slow")
    press(test, "Begin")
    assert not test.warning
    slow.seconds = 11.0
    test.run()
    assert "A slow place has not answered" in texts(test.warning)
    assert not [button for button in test.button if button.label == "Use the last good copy"]
    slow.copies = {"TWO": sine({"rows": "500"})}
    test.run()
    press(test, "Use the last good copy")
    assert metric(test, "Rows") == "500"
    press(test, "Begin")
    press(test, "Use the sample")
    assert metric(test, "Rows") == "3\u202f270"
    slow.results, slow.done = {"ONE": sine({"rows": "200"}), "TWO": sine({"rows": "201"})}, True
    assert metric(test.run(), "Rows") == "3\u202f270"  # too late


@pytest.mark.parametrize(("data", "label"), [("AAPL", "Sample"), ("Generated waves", "Sample"), ("ticker", "Ticker"),
                                             ("file", "File"), ("", "File")])
def test_page_opens_with_the_source_that_its_prices_are_from(data, label):
    if data not in ("AAPL", "Generated waves"):
        data = keep(replace(short_series(), origin=data))
    assert way(open_page("app.py", data=data)) == label


def reopened(test):
    """The page in another browser, by the address it has here."""
    return open_page("app.py", **test.query_params)


def choose(test, label):
    test.segmented_control(key="data_way").set_value(label).run()
    assert not test.exception
    return test


def press(test, label):
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception


def labelled(elements, label):
    (widget,) = [element for element in elements if element.label == label]
    return widget


def way(test):
    assert not test.exception
    return test.segmented_control(key="data_way").value


def metric(test, label):
    return next(one.value for one in test.metric if one.label == label)
