"""The settings of a training, drawn in the sidebar."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting import ForecastConfig, ForecastingError, PriceHistory
from forecasting.model.config import CHOICES, FEATURES, PRESETS, RANGES
from forecasting.model.preprocessing import check_history
from forecasting.words import unit
from pages.components.settings_words import HELP, NONE, WORDS
from pages.components.state import AppState

__all__ = ["draw_settings"]

LEARNING_RATES = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
WEIGHT_DECAYS = (0.0, 0.0001, 0.001, 0.004, 0.01, 0.1)
UNITS = (2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256)
BATCH_SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
MOST_LAYERS = 4


def draw_settings(state: AppState) -> str | None:
    """Draws the sidebar's settings; `state.config` follows. Returns why these prices cannot be trained with them, or None."""
    try:
        _draw(state)
        check_history(state.history, state.config)
    except ForecastingError as error:
        return str(error)
    return None


def _draw(state: AppState):
    """Raises ConfigError for a combination that cannot be; `state.config` then stays as it was."""
    fields = Fields(state.config, overwrite=state.config != state.drawn)
    with st.sidebar:
        _draw_preset(state)
        one = unit(state.history.frequency)
        values = {"window": fields.slider("window", "Window", 2, 250, format=f"%d {one}s"), "units": _units(fields),
                  "epochs": fields.slider("epochs", "Epochs", 1, 200)}
        with st.expander("Network"):
            values |= _network_group(fields, len(values["units"]))
        with st.expander("Learning"):
            values |= _learning_group(fields)
        with st.expander("Inputs"):
            values["features"] = _features(fields, state.history)
        with st.expander("Target"):
            values |= _target_group(fields, one)
        with st.expander("Split"):
            values |= {"validation_share": fields.share("validation_share", "Validation share", 50),
                       "test_share": fields.share("test_share", "Test share", 60)}
    state.config = state.drawn = replace(state.config, **values)


class Fields:
    """The widgets of the settings, with the keys train_<field>.

    config: the settings in hand; overwrite: whether they came from elsewhere and replace what the widgets hold

    Each widget is given the value in hand as its default too. Streamlit drops a drawing that the browser has not had yet
    when a click starts the next one, and a widget that was never told its value reports its first option.
    """

    def __init__(self, config: ForecastConfig, overwrite: bool):
        self._config = config
        self._given = {name: getattr(config, name) for name in (*RANGES, "features")}
        self._given |= {name: NONE if getattr(config, name) is None else getattr(config, name) for name in CHOICES}
        self._given |= {"layers": len(config.units), "features": list(config.features),
                        "clips": config.clip_norm is not None, "clip_norm": config.clip_norm or 1.0,
                        "stops_early": config.patience is not None, "patience": config.patience or 8}
        self._given |= {f"units_{i}": units for i, units in enumerate(config.units)}
        self._given |= {name: _percent(getattr(config, name)) for name in ("validation_share", "test_share")}
        if overwrite:
            st.session_state.update({f"train_{name}": value for name, value in self._given.items()})

    def now(self, name):
        """What the widget holds."""
        return st.session_state.get(f"train_{name}", self._given[name])

    def slider(self, name, label, low, high, off: str | None = None, **options):
        """A slider over the usual range, widened where the value in hand lies beyond it. off: why it does not apply"""
        given, now = self._given[name], self.now(name)
        value = st.slider(label, min(low, given, now), max(high, given, now), value=given, key=f"train_{name}",
                          help=HELP[name], disabled=bool(off), **options)
        return _say(off, value)

    def share(self, name, label, most):
        """A share of all rows in whole percent; one that is no whole percent stays as it is until it is moved."""
        value = self.slider(name, label, 1, most, step=1, format="%d %%")
        given = getattr(self._config, name)
        return given if value == _percent(given) else value / 100

    def choice(self, name, label, off: str | None = None):
        """One of the words that a setting may be."""
        options = [NONE if value is None else value for value in CHOICES[name]]
        value = st.selectbox(label, options, index=options.index(self._given[name]), key=f"train_{name}", help=HELP[name],
                             format_func=lambda value: WORDS.get(value, value), disabled=bool(off))
        return _say(off, None if value == NONE else value)

    def one_of(self, name, label, usual):
        """A slider over a list of usual numbers, with the one in hand among them."""
        values = sorted({*usual, self._given[name], self.now(name)})
        return st.select_slider(label, values, value=self._given[name], key=f"train_{name}", help=HELP[name],
                                format_func=lambda value: f"{value:g}")

    def toggle(self, name, label, about):
        return st.toggle(label, value=self._given[name], key=f"train_{name}", help=HELP[about])

    def number(self, name, label, off: str | None = None, **options):
        value = st.number_input(label, *RANGES[name][:2], value=self._given[name], key=f"train_{name}", help=HELP[name],
                                disabled=bool(off), **options)
        return _say(off, value)

    def units(self, layer: int, layers: int, otherwise: int) -> int:
        """The units of one layer; `otherwise` for one that is new."""
        name = f"units_{layer}"
        given = self._given.setdefault(name, otherwise)
        values = sorted({*UNITS, given, self.now(name)})
        label = "Units" if layers == 1 else f"Units, layer {layer + 1}"
        return st.selectbox(label, values, index=values.index(given), key=f"train_{name}", help=HELP["units"])

    def several(self, name, label, options):
        """Some of `options`, the first one where none is left."""
        key, kept = f"train_{name}", [value for value in self.now(name) if value in options] or options[:1]
        if kept != self.now(name):
            st.session_state[key] = kept
        return st.multiselect(label, options, default=kept, key=key, help=HELP[name],
                              format_func=lambda value: WORDS.get(value, value))


def _say(off, value):
    """Says below a widget why it does not apply."""
    if off:
        st.caption(off)
    return value


def _percent(share: float) -> int:
    return round(100 * share)


def _units(fields: Fields) -> tuple[int, ...]:
    layers = fields.slider("layers", "Layers", 1, MOST_LAYERS)
    columns = st.columns(min(layers, 2))
    units = []
    for i in range(layers):
        with columns[i % len(columns)]:
            units.append(fields.units(i, layers, otherwise=units[-1] if units else 32))
    return tuple(units)


def _network_group(fields: Fields, layers: int) -> dict:
    single = None if layers > 1 else "Dropout stands between layers, and there is only one."
    values = {
        "cell": fields.choice("cell", "Cell"),
        "dropout": fields.slider("dropout", "Dropout", 0.0, 0.9, single, step=0.05),
        "recurrent_dropout": fields.slider("recurrent_dropout", "Recurrent dropout", 0.0, 0.9, step=0.05),
        "initializer": fields.choice("initializer", "Initial weights"),
        "recurrent_initializer": fields.choice("recurrent_initializer", "Initial recurrent weights"),
        "skip": fields.choice("skip", "Frozen linear part"),
    }
    off = None
    if values["skip"] is None:
        off = "A season is part of the frozen linear part."
    elif fields.now("target") == "price":
        off = "A season is looked for in changes and returns, not in the target *Price*."
    return values | {"season": fields.choice("season", "Season", off)}


def _learning_group(fields: Fields) -> dict:
    values = {
        "optimizer": fields.choice("optimizer", "Optimiser"),
        "learning_rate": fields.one_of("learning_rate", "Learning rate", LEARNING_RATES),
        "schedule": fields.choice("schedule", "Learning-rate schedule"),
    }
    off = None if values["optimizer"] == "sgd" else "Momentum applies to SGD."
    values["momentum"] = fields.slider("momentum", "Momentum", 0.0, 0.99, off, step=0.01)
    values["weight_decay"] = fields.one_of("weight_decay", "Weight decay", WEIGHT_DECAYS)
    values["batch_size"] = fields.one_of("batch_size", "Batch size", BATCH_SIZES)
    values["loss"] = fields.choice("loss", "Loss")
    clips = fields.toggle("clips", "Clip the gradient", "clip_norm")
    clip_norm = fields.number("clip_norm", "Longest gradient (global norm)", None if clips else "Gradients are not clipped.",
                              step=0.5)
    stops_early = fields.toggle("stops_early", "Stop early", "patience")
    patience = fields.slider("patience", "Patience (epochs)", 1, 50, None if stops_early else "All epochs are trained.")
    return values | {"clip_norm": clip_norm if clips else None, "patience": patience if stops_early else None,
                     "supervision": fields.choice("supervision", "Supervision"), "seed": fields.number("seed", "Seed")}


def _target_group(fields: Fields, one: str) -> dict:
    target = fields.choice("target", "Target")
    off = None if target == "price" else ("The scaler applies to the target *Price*; returns and changes are divided by "
                                          "their deviation.")
    return {"target": target, "horizon": fields.slider("horizon", f"Horizon ({one}s)", 1, 60),
            "scaler": fields.choice("scaler", "Scaler", off)}


def _features(fields: Fields, history: PriceHistory) -> tuple[str, ...]:
    missing = [name for name in ("Open", "High", "Low", "Volume") if name not in history.frame]
    chosen = fields.several("features", "Inputs", [name for name in FEATURES if name not in missing])
    return tuple(_say(f"This series has no {', '.join(missing)}." if missing else None, chosen))


def _draw_preset(state: AppState):
    names = list(PRESETS)
    st.session_state["train_preset"] = next((name for name in names if PRESETS[name] == state.config), None)
    st.segmented_control("Preset", names, key="train_preset", on_change=_use_preset, args=(state,), width="stretch",
                         help="*Recommended* forecast best over many real series. *Tutorial* has exactly the tutorial's "
                              "settings, so that you can see what they do. *Quick look* trains in a few seconds.")


def _use_preset(state: AppState):
    if chosen := st.session_state["train_preset"]:
        state.config, state.drawn = PRESETS[chosen], None
