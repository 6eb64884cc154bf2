"""The settings of a training, drawn in the sidebar from one table."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from forecasting import ForecastConfig, PriceHistory
from forecasting.model.config import CHOICES, FEATURES, PRESETS, RANGES
from pages.components.state import AppState

__all__ = ["draw_settings"]

LEARNING_RATES = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
UNITS = (2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256)
BATCH_SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
MOST_LAYERS = 4

WORDS = {
    "auto": "Automatic", "log_return": "Log return", "change": "Change", "price": "Price",
    "lstm": "LSTM", "gru": "GRU", "rnn": "Simple RNN", "tutorial_lstm": "Tutorial's LSTM",
    "glorot_uniform": "Xavier (Glorot)", "he_normal": "He", "random_normal": "Normal", "orthogonal": "Orthogonal",
    "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD with momentum",
    "constant": "Constant", "cosine": "Cosine", "plateau": "Reduce on plateau",
    "mse": "Squared error (MSE)", "mae": "Absolute error (MAE)", "huber": "Huber",
    "standard": "Standard (mean 0, deviation 1)", "minmax": "Min-max (0 to 1)",
    "last_step": "Last step of each window", "every_step": "Every step",
    "ridge": "Ridge regression", None: "None",
    "day_of_week": "Day of week", "month": "Month", "moving_averages": "Moving averages", "rsi": "RSI", "macd": "MACD",
    "bollinger_width": "Bollinger width", "volatility": "Rolling volatility",
}

HELP = {
    "window": "How many past prices the network sees before each prediction. Too short and it cannot see a pattern "
              "that spans more days; too long and training slows down while old prices add mostly noise.",
    "layers": "How many recurrent layers are stacked. More can combine patterns of different lengths; with few data "
              "a second layer mostly learns the noise and takes twice as long.",
    "units": "How much each layer can remember. Too few and it cannot follow the series; too many and it learns the "
             "training part by heart, which shows as a validation loss that turns upwards.",
    "epochs": "How often training goes through all windows, at most. Too few and it has not finished learning; too "
              "many are harmless with early stopping, and overfit without it.",
    "learning_rate": "How far each step moves the weights. Too high and the loss jumps about or becomes NaN; too low "
                     "and it hardly falls in the epochs given.",
    "batch_size": "How many windows share one step. Small batches learn more per epoch, noisily and slowly; large "
                  "ones are quicker per epoch but may need more epochs or a higher learning rate.",
    "dropout": "The share of signals between layers that is switched off at random while training. Some of it guards "
               "against learning by heart; above about 0.5 little gets through and the loss stays high.",
    "recurrent_dropout": "The same between the steps of time. It disturbs the memory itself, so keep it small; it "
                         "also rules out the fast LSTM, and training takes several times longer.",
    "optimizer": "How a gradient becomes a step. Adam suits nearly everything; SGD with momentum needs a higher "
                 "learning rate and more epochs; AdamW adds weight decay.",
    "schedule": "How the learning rate changes. Constant is easiest to read; cosine falls smoothly to zero over all "
                "epochs; reduce on plateau halves it when the validation loss stands still.",
    "momentum": "How much of the last step SGD keeps. Too low and it crawls; close to 1 it overshoots.",
    "weight_decay": "Pulls weights towards zero at every step (AdamW). A little guards against overfitting; too much "
                    "and the network predicts no change at all.",
    "loss": "What training makes small. Squared error cares most about the worst days; absolute error treats all "
            "alike; Huber is squared for small errors and absolute for large ones, which suits prices.",
    "clip_norm": "The longest gradient that is let through, against exploding gradients in back-propagation through "
                 "time. Too low slows learning; without it a single wild batch can ruin the weights.",
    "patience": "Training ends when the validation loss has not improved for this many epochs, and the best weights "
                "are kept. Too small may stop on an unlucky epoch; off trains all epochs and keeps the last weights.",
    "initializer": "How the input weights start. Xavier keeps signals the same size through tanh and sigmoid layers; "
                   "He starts larger; normal (deviation 0.05) starts small and learns slowly at first.",
    "recurrent_initializer": "How the weights from one step of time to the next start. Orthogonal keeps gradients "
                             "from fading or exploding over many steps; the others fade sooner.",
    "cell": "The kind of recurrent layer. The LSTM keeps a cell state behind three gates; the GRU is smaller and "
            "often as good; the simple RNN forgets after ten steps or so; the tutorial's LSTM lets its gates read the "
            "previous cell state.",
    "supervision": "What each pass teaches. The last step only, as in the tutorial, repeats most of the work between "
                   "neighbouring windows; every step teaches many targets at once and learns sooner, and may overfit "
                   "within seconds on returns.",
    "skip": "A ridge regression over the same window, fitted first and then frozen; the network learns what it leaves "
            "over. Without it the network must also learn what a straight line already knows.",
    "season": "Lets the frozen part look one season back (a week, a year) where the training and validation parts "
              "prove that it helps. It has no effect on series without a season, like most prices.",
    "features": "What the network sees beside the closing price, always from the past only. Each input costs time "
                "and adds noise; on daily prices few of them help.",
    "target": "What the network predicts from the last known price on. Returns and changes stay in the same range "
              "for ever. *Price* fails as soon as prices leave the range seen in training: a network cannot reach "
              "values it never learnt, and its line goes flat.",
    "horizon": "How many steps ahead one network predicts, one output per step. More steps show how soon knowledge "
               "fades; scores on this page are always one step ahead.",
    "scaler": "How prices are scaled when the price itself is the target: by mean and deviation, as in the "
              "tutorial's text, or to 0 to 1, as in its code. Learnt from the training part only.",
    "validation_share": "The part of all rows, before the test part, that decides when training ends and how wide "
                        "intervals are. Too small and both are luck; too large leaves little to learn from.",
    "test_share": "The last part of all rows, kept for the scores. Too small and the scores are luck; too large and "
                  "the network learns from old prices only.",
    "seed": "Where the random numbers start. The same seed, data and settings give the same weights; try a few to see "
            "how much of a score is luck.",
}


@dataclass(frozen=True)
class Units:
    """Words for a number of rows of this series, e.g. 'days'."""

    history: PriceHistory

    @property
    def word(self) -> str:
        return {"trading days": "days", "every day": "days", "weekly": "weeks", "monthly": "months",
                "quarterly": "quarters", "yearly": "years", "hourly": "hours"}.get(self.history.frequency, "rows")


def draw_settings(state: AppState) -> ForecastConfig:
    """Draws the sidebar's settings and returns them; `state.config` follows. Raises ConfigError for a bad combination."""
    with st.sidebar:
        if state.config != state.drawn:
            _fill(state.config)
        else:
            _fill(state.config, only_missing=True)
        _draw_preset(state)
        rows = Units(state.history).word
        values = {"window": _slider("window", "Window", 2, 250, format=f"%d {rows}")}
        layers = st.slider("Layers", 1, max(MOST_LAYERS, len(state.config.units)), key="train_layers", help=HELP["layers"])
        columns = st.columns(min(layers, 2))
        values["units"] = tuple(_units(columns[i % len(columns)], i, layers) for i in range(layers))
        values["epochs"] = _slider("epochs", "Epochs", 1, 200)
        with st.expander("Network"):
            values |= _network_group()
        with st.expander("Learning"):
            values |= _learning_group()
        with st.expander("Inputs"):
            values["features"] = _features(state.history)
        with st.expander("Target"):
            values |= _target_group(rows)
        with st.expander("Split"):
            values |= _split_group()
    config = replace(state.config, **values)
    state.config = state.drawn = config
    return config


def _network_group() -> dict:
    values = {
        "cell": _choice("cell", "Cell"),
        "dropout": _slider("dropout", "Dropout", 0.0, 0.9, step=0.05),
        "recurrent_dropout": _slider("recurrent_dropout", "Recurrent dropout", 0.0, 0.9, step=0.05),
        "initializer": _choice("initializer", "Initial weights"),
        "recurrent_initializer": _choice("recurrent_initializer", "Initial recurrent weights"),
        "skip": _choice("skip", "Frozen linear part"),
    }
    values["season"] = _choice("season", "Season", disabled=values["skip"] is None)
    if values["skip"] is None:
        st.caption("A season is part of the frozen linear part.")
    return values


def _learning_group() -> dict:
    optimizer = _choice("optimizer", "Optimiser")
    values = {
        "optimizer": optimizer,
        "learning_rate": _list("learning_rate", "Learning rate", LEARNING_RATES, format_func=lambda x: f"{x:g}"),
        "schedule": _choice("schedule", "Learning-rate schedule"),
        "momentum": _slider("momentum", "Momentum", 0.0, 0.99, step=0.01, disabled=optimizer != "sgd"),
        "weight_decay": _list("weight_decay", "Weight decay", (0.0, 0.0001, 0.001, 0.004, 0.01, 0.1),
                              format_func=lambda x: f"{x:g}", disabled=optimizer != "adamw"),
    }
    if optimizer not in ("sgd", "adamw"):
        st.caption("Momentum applies to SGD, weight decay to AdamW.")
    values["batch_size"] = _list("batch_size", "Batch size", BATCH_SIZES)
    values["loss"] = _choice("loss", "Loss")
    clip = st.toggle("Clip the gradient", key="train_clips", help=HELP["clip_norm"])
    clip_norm = st.number_input("Longest gradient (global norm)", *RANGES["clip_norm"][:2], key="train_clip_norm", step=0.5,
                                help=HELP["clip_norm"], disabled=not clip)
    values["clip_norm"] = clip_norm if clip else None
    early = st.toggle("Stop early", key="train_stops_early", help=HELP["patience"])
    patience = _slider("patience", "Patience", 1, 50, format="%d epochs", disabled=not early)
    values["patience"] = patience if early else None
    values["supervision"] = _choice("supervision", "Supervision")
    values["seed"] = st.number_input("Seed", *RANGES["seed"][:2], key="train_seed", help=HELP["seed"])
    return values


def _target_group(rows: str) -> dict:
    target = _choice("target", "Target")
    values = {"target": target, "horizon": _slider("horizon", "Horizon", 1, 60, format=f"%d {rows}"),
              "scaler": _choice("scaler", "Scaler", disabled=target != "price")}
    if target != "price":
        st.caption("The scaler applies to the target *Price*; returns and changes are divided by their deviation.")
    return values


def _split_group() -> dict:
    return {name: _slider(name, label, 1, most, step=1, format="%d %%", scale=100)
            for name, label, most in (("validation_share", "Validation share", 50), ("test_share", "Test share", 60))}


def _draw_preset(state: AppState):
    names = list(PRESETS)
    current = next((name for name in names if PRESETS[name] == state.config), None)
    st.session_state["train_preset"] = current
    st.segmented_control("Preset", names, key="train_preset", on_change=_use_preset, args=(state,), width="stretch",
                         help="*Recommended* forecast best over many real series. *Tutorial* has exactly the tutorial's "
                              "settings, so that you can see what they do. *Quick look* trains in a few seconds.")


def _use_preset(state: AppState):
    chosen = st.session_state["train_preset"]
    if chosen:
        state.config, state.drawn = PRESETS[chosen], None


def _fill(config: ForecastConfig, only_missing: bool = False):
    """Puts `config` into the widgets' keys; `only_missing`: those that a change of page has dropped."""
    values = {f"train_{name}": getattr(config, name) for name in (*CHOICES, *RANGES, "features")}
    values["train_features"] = list(config.features)
    values["train_layers"] = len(config.units)
    values |= {f"train_units_{i}": units for i, units in enumerate(config.units)}
    values["train_clips"], values["train_clip_norm"] = config.clip_norm is not None, config.clip_norm or 1.0
    values["train_stops_early"], values["train_patience"] = config.patience is not None, config.patience or 8
    for name in ("validation_share", "test_share"):
        values[f"train_{name}"] = round(getattr(config, name) * 100)
    for key, value in values.items():
        if not only_missing or key not in st.session_state:
            st.session_state[key] = value


def _slider(name, label, low, high, *, scale=None, **options):
    """A slider over the usual range, widened where the value in hand lies beyond it."""
    value = st.session_state[f"train_{name}"]
    chosen = st.slider(label, min(low, value), max(high, value), key=f"train_{name}", help=HELP[name], **options)
    return chosen / scale if scale else chosen


def _choice(name, label, **options):
    return st.selectbox(label, CHOICES[name], key=f"train_{name}", format_func=lambda value: WORDS.get(value, value),
                        help=HELP[name], **options)


def _list(name, label, usual, **options):
    """A slider over a list of usual values, with the value in hand among them."""
    values = sorted({*usual, st.session_state[f"train_{name}"]})
    return st.select_slider(label, values, key=f"train_{name}", help=HELP[name], **options)


def _units(place, layer: int, layers: int):
    key = f"train_units_{layer}"
    if key not in st.session_state:
        st.session_state[key] = st.session_state.get(f"train_units_{layer - 1}", 32)
    values = sorted({*UNITS, st.session_state[key]})
    label = "Units" if layers == 1 else f"Units, layer {layer + 1}"
    return place.selectbox(label, values, key=key, help=HELP["units"])


def _features(history: PriceHistory) -> tuple[str, ...]:
    missing = [name for name in ("Open", "High", "Low", "Volume") if name not in history.frame]
    options = [name for name in FEATURES if name not in missing]
    kept = [name for name in st.session_state["train_features"] if name in options] or ["Close"]
    st.session_state["train_features"] = kept
    chosen = st.multiselect("Inputs", options, key="train_features", help=HELP["features"],
                            format_func=lambda name: WORDS.get(name, name))
    if missing:
        st.caption(f"This series has no {', '.join(missing)}.")
    return tuple(chosen)
