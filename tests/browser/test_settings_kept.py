"""What a person gives the sidebar's settings is what they show, what the address says and what is trained, however much of
a drawing is cut short."""

import json
import os
import random
import re
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect
from steps import choose_preset, run_id

from forecasting.model.config import PRESETS, RECOMMENDED, ForecastConfig
from forecasting.model.settings import WORDS
from forecasting.runs.store import RunStore

pytestmark = pytest.mark.browser

# For a longer run: SETTINGS_ROUNDS=10 SETTINGS_SEED=7 python -m pytest tests/browser/test_settings_kept.py
ROUNDS = int(os.environ.get("SETTINGS_ROUNDS", 2))
SEED = int(os.environ.get("SETTINGS_SEED", 1))
ATTEMPTS = 3
PATIENCE_SECONDS = 30  # for the page to come to rest; a change that is lost never comes back
# The value of a slider when a key or the mouse was let go, before the server has had a say.
RECORDER = """
window.given = {};
const note = () => {
    const slider = document.activeElement;
    if (slider && slider.type === "range") window.given[slider.ariaLabel] = slider.getAttribute("aria-valuetext");
};
window.addEventListener("keyup", note, true);
window.addEventListener("pointerup", note, true);
"""
# While a page is drawn, a widget that was replaced stays beside the new one, hidden unless it has the focus.
CURRENT = "[data-testid=stElementContainer]:not([data-retained])"
SLIDERS = {"Window": "window", "Epochs": "epochs"}
FOLDED_SLIDERS = {"Horizon (days)": "horizon", "Learning rate": "learning_rate", "Batch size": "batch_size"}
CHOICES = {"Units": ("units", ("2", "4", "8", "16", "32"))}
FOLDED_CHOICES = {"Cell": ("cell", ("lstm", "gru", "rnn")), "Loss": ("loss", ("mse", "mae", "huber"))}
EXPANDERS = ("Network", "Learning", "Target")


class Person:
    """Changes settings at random moments, remembers what was given, and compares."""

    def __init__(self, page, app, seed):
        self.page, self.url, self.random = page, app.url, random.Random(seed)
        self.store = RunStore(patience=None)
        self.sidebar = page.get_by_test_id("stSidebar")
        self.expected = RECOMMENDED
        self.unfolded = False  # whether the expanders are open
        self.changes, self.lost, self.since = 0, [], []
        page.add_init_script(RECORDER)

    def pause(self, most):
        self.page.wait_for_timeout(1000 * self.random.uniform(0, most))

    # Moments.

    def load(self):
        settings = {"units": [4], "window": self.random.randint(20, 80), "epochs": self.random.randint(20, 90)}
        self.page.goto(f"{self.url}/Train?{urlencode({'settings': json.dumps(settings)})}")
        self.expected, self.unfolded = replace(RECOMMENDED, **settings), False
        expect(self.slider("Window")).to_be_visible()
        self.since = ["load"]
        self.pause(1.2)

    def open_expanders(self):
        for name in EXPANDERS:
            self.sidebar.locator("summary").filter(has_text=name).click()
        self.unfolded = True

    def preset(self):
        name = self.random.choice([name for name in PRESETS if PRESETS[name] != self.expected])
        choose_preset(self.page, name)
        self.expected = PRESETS[name]
        self.since = [f"preset {name}"]
        self.pause(0.4)

    def train(self):
        """Presses Train right after the last change; what is trained is compared with what was given."""
        before = parse_qs(urlsplit(self.page.url).query).get("run")
        self.page.get_by_role("button", name="Train", exact=True).click()
        self.page.wait_for_function("before => { const run = new URLSearchParams(location.search).get('run');"
                                    " return run && run !== before }", arg=before and before[0])
        self.lost += self._compared("trained", self.store.get(run_id(self.page)).config.to_dict())
        self.since = ["training"]
        self.pause(1.5)

    def stop(self):
        button = self.page.get_by_role("button", name="Stop", exact=True)
        if button.is_enabled():
            button.click()
            self.since = ["stop"]
            self.pause(0.8)

    def wait_for_end(self):
        expect(self.page.get_by_role("button", name="Train", exact=True)).to_be_enabled(timeout=60_000)

    def other_page_and_back(self):
        self.sidebar.get_by_role("link", name="Runs").click()
        expect(self.page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
        self.pause(0.3)
        self.sidebar.get_by_role("link", name="Train").click()
        expect(self.slider("Window")).to_be_visible()
        self.unfolded = False
        self.since = [*self.since, "other page and back"]
        self.check()

    # Changes.

    def slider(self, label):
        return self.sidebar.locator(f'{CURRENT} input[type="range"][aria-label="{label}"]')

    def choice(self, label):
        return self.sidebar.locator(f'{CURRENT} input[role="combobox"][aria-label^="{label}"]')

    def _sliders(self):
        return SLIDERS | (FOLDED_SLIDERS if self.unfolded else {})

    def change(self, times=4):
        for _ in range(times):
            sliders, choices = self._sliders(), CHOICES | (FOLDED_CHOICES if self.unfolded else {})
            label = self.random.choice([*sliders, *sliders, *choices])
            if label == "Units" and len(self.expected.units) > 1:
                label = "Window"
            if label in sliders:
                self._move(label, sliders[label])
            else:
                self._choose(label, *choices[label])
            self.pause(0.1)

    def _move(self, label, field):
        slider = self.slider(label)
        slider.evaluate("node => node.scrollIntoView({block: 'center'})")
        self.page.evaluate("label => delete window.given[label]", label)
        how = self.random.choice((self._press, self._press, self._click_track, self._drag))
        how(slider)
        if (shown := self.page.evaluate("label => window.given[label]", label)) is None:
            return  # a slider that was replaced while it was being dragged
        self._given(field, self._value(field, shown), f"{label} {how.__name__[1:]} {shown}")

    def _press(self, slider):
        key = self.random.choice(("ArrowLeft", "ArrowRight"))
        for _ in range(self.random.randint(1, 7)):
            slider.press(key)
            self.page.wait_for_timeout(self.random.uniform(5, 80))

    def _click_track(self, slider):
        x, y, width, _ = self._track(slider)
        self.page.mouse.click(x + self.random.uniform(0.05, 0.6) * width, y)

    def _drag(self, slider):
        x, y, width, thumb = self._track(slider)
        self.page.mouse.move(thumb, y)
        self.page.mouse.down()
        self.page.mouse.move(x + self.random.uniform(0.05, 0.6) * width, y, steps=self.random.randint(2, 6))
        self.page.mouse.up()

    def _track(self, slider):
        """Where its track begins, its height on the screen, how wide it is, and where its thumb is."""
        return slider.evaluate("""node => {
            const slider = node.closest('[data-testid=stSlider]'), track = slider.getBoundingClientRect();
            const thumb = slider.querySelector('[data-testid=stSliderThumbValue]').parentElement.getBoundingClientRect();
            return [track.x, thumb.y + thumb.height / 2, track.width, thumb.x + thumb.width / 2];
        }""")

    def _choose(self, label, field, options):
        option = self.random.choice(options)
        offered = self.page.get_by_role("option", name=WORDS.get(option, option), exact=True)
        for _ in range(ATTEMPTS):
            self.choice(label).first.click()
            try:
                offered.click(timeout=3000)
                break
            except PlaywrightError:  # the list closed, since another widget took its place
                self.page.keyboard.press("Escape")
        else:
            return
        self._given(field, (int(option),) if field == "units" else option, f"{label} chosen {option}")

    def _given(self, field, value, words):
        self.expected = replace(self.expected, **{field: value})
        self.changes += 1
        self.since.append(words)

    # What became of them.

    def check(self):
        """Once the page has come to rest: the sidebar and the address against what was given."""
        self.page.wait_for_timeout(1000)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (self._is_busy() or self._differences()) and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
        self.lost += self._differences()

    def _is_busy(self):
        """Whether a drawing is under way; while a training is followed, one nearly always is."""
        followed = self.page.get_by_role("button", name="Stop", exact=True).is_enabled()
        return not followed and self.page.locator("[data-test-script-state=running]").count() > 0

    def _differences(self):
        settings = json.loads(parse_qs(urlsplit(self.page.url).query).get("settings", ["{}"])[0])
        address = ForecastConfig.from_dict(RECOMMENDED.to_dict() | settings)
        return self._compared("shown", self._shown()) + self._compared("in the address", address.to_dict())

    def _compared(self, where, found):
        wanted = self.expected.to_dict()
        return [f"{name} is {found[name]} {where}, given: {wanted[name]} ({', '.join(self.since)})"
                for name in wanted if found[name] != wanted[name]]

    def _shown(self):
        """`expected` with all that can be read off the sidebar."""
        values = {field: self._value(field, self.slider(label).get_attribute("aria-valuetext"))
                  for label, field in self._sliders().items()}
        values["units"] = [int(box.input_value()) for box in self.choice("Units").all()]
        for label, (field, options) in (FOLDED_CHOICES if self.unfolded else {}).items():
            text = self.choice(label).first.input_value()
            values[field] = {WORDS[option]: option for option in options}.get(text, text)
        return {**self.expected.to_dict(), **values}

    def _value(self, field, text):
        """A setting from the words beside a slider's thumb, such as '60 days'."""
        number = float(re.match(r"[\d.e-]+", text).group())
        return int(number) if isinstance(getattr(RECOMMENDED, field), int) else number


def test_no_change_of_a_setting_is_lost(app, visitor, monkeypatch):
    """Some 19 changes a round: while a page loads, a preset is applied, a training ticks and stops, and just before another
    page is opened."""
    monkeypatch.setenv("FORECASTING_HOME", str(app.home))
    person = Person(visitor, app, SEED)
    for _ in range(ROUNDS):
        person.load()
        person.change()
        person.check()
        person.open_expanders()
        person.preset()
        person.change()
        person.check()
        person.preset()
        person.change()
        person.train()
        person.change()
        person.check()
        person.stop()
        person.change(2)
        person.check()
        person.wait_for_end()
        person.change(1)
        person.other_page_and_back()
        print(f"{person.changes} changes, lost:", *person.lost, sep="\n")
    assert person.changes >= 15 * ROUNDS
    assert not person.lost
