"""The settings of a training, drawn in the sidebar."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting import ForecastConfig, ForecastingError, PriceHistory
from forecasting.errors import ConfigError
from forecasting.model.config import CHOICES, FEATURES, KNOWN, PRESETS, RANGES
from forecasting.model.encoding import check_history
from forecasting.model.settings import HELP, NONE, WORDS, word_of
from forecasting.runs.room import check_room
from forecasting.words import unit
from pages.components.state import AppState, Widget, taken, widget_for

__all__ = ["check_settings", "draw_settings", "find_problem", "follow_settings", "use_settings"]

LEARNING_RATES = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
WEIGHT_DECAYS = (0.0, 0.0001, 0.001, 0.004, 0.01, 0.1)
UNITS = (2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256)
BATCH_SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
MOST_LAYERS = 4
COLUMNS = ("Open", "High", "Low", "Volume")  # inputs that a series may lack
SHARES = ("validation_share", "test_share")
USUAL = {"clip_norm": 1.0, "patience": 8}  # what their sliders start at if the first settings have them switched off


def use_settings(state: AppState, config: ForecastConfig):
    """Copies settings from elsewhere (a preset, a run, an address, a button) into the sidebar and the state.

    Works on any page; call it from a callback, or before the page draws its settings.
    """
    state.config, state.problem = config, None
    values = _values(config)
    for name, usual in USUAL.items():
        if f"train_{name}" not in state.widgets:
            values.setdefault(name, usual)
    for name, value in values.items():
        widget_for(state, f"train_{name}", value)
    _show_preset(state)


def follow_settings(state: AppState):
    """Updates `state.config` from the sidebar's widgets. Every page starts with this, since a change may arrive together with
    the click that opens another page.
    """
    if "train_window" not in state.widgets:
        use_settings(state, state.config)
    # Presets go first: a setting that arrives together with a preset was changed after it, while the page was slow to answer.
    for before, chosen in taken(state, "train_preset"):
        use_settings(state, PRESETS[chosen or before])  # a click on the chosen preset deselects it
    for name in list(state.widgets):
        if name.startswith("train_"):
            taken(state, name)
    for i in range(1, _now(state, "layers")):
        if f"train_units_{i}" not in state.widgets:
            widget_for(state, f"train_units_{i}", _now(state, f"units_{i - 1}"))
    try:
        state.config, state.problem = _config(state), None
    except ConfigError as error:
        state.problem = str(error)
    _show_preset(state)


def _show_preset(state: AppState):
    widget_for(state, "train_preset", next((name for name in PRESETS if PRESETS[name] == state.config), None))


def _now(state: AppState, name: str):
    """What the widget of a setting holds."""
    return state.widgets[f"train_{name}"][-1].value


def _values(config: ForecastConfig) -> dict:
    """What the widgets show for these settings."""
    values = {name: getattr(config, name) for name in RANGES if getattr(config, name) is not None}
    values |= {name: NONE if getattr(config, name) is None else getattr(config, name) for name in CHOICES if name != "leak"}
    values |= {"layers": len(config.units), "features": list(config.features), "clips": config.clip_norm is not None,
               "stops_early": config.patience is not None}
    values |= {f"units_{i}": units for i, units in enumerate(config.units)}
    return values | {name: _percent(getattr(config, name)) for name in SHARES}


def _config(state: AppState) -> ForecastConfig:
    """The settings that the widgets hold; the inverse of `_values`."""
    values = {name: _now(state, name) for name in (*RANGES, *CHOICES, "features") if name != "leak"}
    values |= {name: None for name in CHOICES if values.get(name) == NONE}
    values |= {name: None for name, on in (("clip_norm", "clips"), ("patience", "stops_early")) if not _now(state, on)}
    for name in SHARES:  # a share that is no whole percent is kept until its slider is moved
        given = getattr(state.config, name)
        values[name] = given if values[name] == _percent(given) else values[name] / 100
    return replace(state.config, **values, units=[_now(state, f"units_{i}") for i in range(_now(state, "layers"))])


def draw_settings(state: AppState) -> str | None:
    """Draws the sidebar's settings. Returns why these prices cannot be trained with them, or None."""
    _fit_features(state)
    _draw(state)
    # After a server restart, a returning browser has only now sent the values of its widgets.
    return check_settings(state)


def check_settings(state: AppState) -> str | None:
    """Takes what the sidebar's widgets hold now. Returns why the prices cannot be trained with it, or None;
    `state.nearest` then holds the nearest settings that can, where these are known."""
    follow_settings(state)
    _fit_features(state)
    state.nearest = None
    if state.problem:
        return state.problem
    return find_problem(state)


def find_problem(state: AppState) -> str | None:
    """Why the current settings cannot be trained on the current prices, or None; `state.nearest` as in `check_settings`."""
    state.nearest = None
    try:
        check_history(state.history, state.config)
        check_room(state.config, len(state.history))
    except ForecastingError as error:
        state.nearest = getattr(error, "nearest", None)
        return str(error)
    return None


def _fit_features(state: AppState):
    """Leaves out the inputs that these prices do not have; at least one is kept."""
    options = _features_of(state.history)
    kept = [name for name in _now(state, "features") if name in options] or options[:1]
    if kept != _now(state, "features"):
        widget_for(state, "train_features", kept)
        follow_settings(state)


def _features_of(history: PriceHistory) -> list[str]:
    known = [] if history.known is None else [f"{KNOWN}{name}" for name in history.known]
    return [*(name for name in FEATURES if name not in COLUMNS or name in history.frame), *known]


def _draw(state: AppState):
    fields = Fields(state)
    with st.sidebar:
        _draw_preset(state)
        one = unit(state.history.frequency)
        fields.slider("window", "Window", 2, 250, format=f"%d {one}s")
        layers = _draw_units(fields)
        fields.slider("epochs", "Epochs", 1, 200)
        with st.expander("Network"):
            _draw_network_group(fields, layers)
        with st.expander("Learning"):
            _draw_learning_group(fields)
        with st.expander("Inputs"):
            _draw_features(fields, state.history)
        with st.expander("Target"):
            _draw_target_group(fields, one)
        with st.expander("Split"):
            fields.slider("validation_share", "Validation share", 1, 50, format="%d %%")
            fields.slider("test_share", "Test share", 1, 60, format="%d %%")


class Fields:
    """Draws the widgets of the settings and reads their values.

    Drawing never changes the value of a widget. Its range and options must stay those it was created with, or Streamlit
    would take it for another widget.
    """

    def __init__(self, state: AppState):
        self._widgets = state.widgets

    def now(self, name):
        return self._widgets[f"train_{name}"][-1].value

    def _options(self, name, about=None) -> tuple[Widget, dict]:
        """The widget of a setting, and the arguments that all of Streamlit's widgets share."""
        widget = self._widgets[f"train_{name}"][-1]
        # persist_state keeps a change made just before another page was opened, for that page to read.
        return widget, {"key": widget.key, "help": HELP[about or name], "persist_state": "session"}

    def slider(self, name, label, low, high, off: str | None = None, **options):
        """A slider over the usual range, widened to include its initial value. off: why the setting does not apply, or None"""
        widget, usual = self._options(name)
        st.slider(label, min(low, widget.start), max(high, widget.start), value=widget.value, disabled=bool(off), **usual,
                  **options)
        _say(off)
        return widget.value

    def choice(self, name, label, off: str | None = None):
        """One of the words that a setting may be."""
        widget, usual = self._options(name)
        options = [NONE if value is None else value for value in CHOICES[name]]
        st.selectbox(label, options, index=options.index(widget.value), disabled=bool(off),
                     format_func=lambda value: WORDS.get(value, value), **usual)
        _say(off)
        return widget.value

    def one_of(self, name, label, values):
        """A slider over a list of usual numbers and its initial value."""
        widget, usual = self._options(name)
        st.select_slider(label, sorted({*values, widget.start}), value=widget.value,
                         format_func=lambda value: f"{value:g}", **usual)

    def toggle(self, name, label, about):
        widget, usual = self._options(name, about)
        st.toggle(label, value=widget.value, **usual)
        return widget.value

    def number(self, name, label, off: str | None = None, **options):
        widget, usual = self._options(name)
        st.number_input(label, *RANGES[name][:2], value=widget.value, disabled=bool(off), **usual, **options)
        _say(off)

    def units(self, layer: int, layers: int):
        """The units of one layer."""
        widget, usual = self._options(f"units_{layer}", "units")
        values = sorted({*UNITS, widget.start})
        label = "Units" if layers == 1 else f"Units, layer {layer + 1}"
        st.selectbox(label, values, index=values.index(widget.value), **usual)

    def several(self, name, label, options):
        """Some of `options`."""
        widget, usual = self._options(name)
        st.multiselect(label, options, default=widget.value, format_func=word_of, **usual)


def _say(off: str | None):
    """Says below a widget why it does not apply."""
    if off:
        st.caption(off)


def _percent(share: float) -> int:
    return round(100 * share)


def _draw_units(fields: Fields) -> int:
    layers = fields.slider("layers", "Layers", 1, MOST_LAYERS)
    columns = st.columns(min(layers, 2))
    for i in range(layers):
        with columns[i % len(columns)]:
            fields.units(i, layers)
    return layers


def _draw_network_group(fields: Fields, layers: int):
    fields.choice("cell", "Cell")
    fields.slider("dropout", "Dropout", 0.0, 0.9,
                  None if layers > 1 else "Dropout stands between layers, and there is only one.", step=0.05)
    fields.slider("recurrent_dropout", "Recurrent dropout", 0.0, 0.9, step=0.05)
    fields.choice("initializer", "Initial weights")
    fields.choice("recurrent_initializer", "Initial recurrent weights")
    off = None
    if fields.choice("skip", "Frozen linear part") == NONE:
        off = "A season is part of the frozen linear part."
    elif fields.now("target") == "price":
        off = "A season is looked for in changes and returns, not in the target *Price*."
    fields.choice("season", "Season", off)
    fields.choice("width", "Learn the width")


def _draw_learning_group(fields: Fields):
    optimizer = fields.choice("optimizer", "Optimiser")
    fields.one_of("learning_rate", "Learning rate", LEARNING_RATES)
    fields.choice("schedule", "Learning-rate schedule")
    fields.slider("momentum", "Momentum", 0.0, 0.99, None if optimizer == "sgd" else "Momentum applies to SGD.", step=0.01)
    fields.one_of("weight_decay", "Weight decay", WEIGHT_DECAYS)
    fields.one_of("batch_size", "Batch size", BATCH_SIZES)
    fields.choice("loss", "Loss")
    clips = fields.toggle("clips", "Clip the gradient", "clip_norm")
    fields.number("clip_norm", "Longest gradient (global norm)", None if clips else "Gradients are not clipped.", step=0.5)
    stops_early = fields.toggle("stops_early", "Stop early", "patience")
    fields.slider("patience", "Patience (epochs)", 1, 50, None if stops_early else "All epochs are trained.")
    fields.choice("supervision", "Supervision")
    fields.number("seed", "Seed")


def _draw_target_group(fields: Fields, one: str):
    off = None if fields.choice("target", "Target") == "price" else (
        "The scaler applies to the target *Price*; returns and changes are divided by their deviation.")
    fields.slider("horizon", f"Horizon ({one}s)", 1, 60)
    fields.choice("scaler", "Scaler", off)


def _draw_features(fields: Fields, history: PriceHistory):
    options = _features_of(history)
    fields.several("features", "Inputs", options)
    missing = [name for name in COLUMNS if name not in options]
    _say(f"This series has no {', '.join(missing)}." if missing else None)


def _draw_preset(state: AppState):
    widget = state.widgets["train_preset"][-1]
    st.segmented_control("Preset", list(PRESETS), default=widget.value, key=widget.key, width="stretch",
                         persist_state="session",
                         help="*Recommended* forecast best over many real series. *Tutorial* has exactly the tutorial's "
                              "settings, so that you can see what they do. *Quick look* trains in a few seconds.")
