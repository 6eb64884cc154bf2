"""What the settings are called, what each does, and what can go wrong with it."""

from __future__ import annotations

from forecasting.model.cells import CELLS
from forecasting.model.config import KNOWN, ForecastConfig
from forecasting.words import count_of, share

__all__ = ["HELP", "LABELS", "NONE", "WORDS", "changed_settings", "changes_words", "value_words", "word_of"]

NONE = "None"  # stands for None in a selectbox, which would show an empty one

WORDS: dict = {
    "auto": "Automatic", "log_return": "Log return", "change": "Change", "price": "Price",
    **{name: cell.label for name, cell in CELLS.items()},
    "glorot_uniform": "Xavier (Glorot)", "he_normal": "He", "random_normal": "Normal", "orthogonal": "Orthogonal",
    "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD with momentum",
    "constant": "Constant", "cosine": "Cosine", "plateau": "Reduce on plateau",
    "mse": "Squared error (MSE)", "mae": "Absolute error (MAE)", "huber": "Huber",
    "standard": "Standard (mean 0, deviation 1)", "minmax": "Min-max (0 to 1)",
    "last_step": "Last step of each window", "every_step": "Every step",
    "ridge": "Ridge regression", None: NONE, NONE: NONE,
    "day_of_week": "Day of week", "month": "Month", "moving_averages": "Moving averages", "rsi": "RSI", "macd": "MACD",
    "bollinger_width": "Bollinger width", "volatility": "Rolling volatility",
}

# The label of every field of a ForecastConfig, in widgets and in sentences.
LABELS = {
    "window": "Window", "horizon": "Horizon", "target": "Target", "features": "Inputs", "cell": "Cell", "units": "Units",
    "dropout": "Dropout", "recurrent_dropout": "Recurrent dropout", "initializer": "Initial weights",
    "recurrent_initializer": "Initial recurrent weights", "optimizer": "Optimiser", "learning_rate": "Learning rate",
    "schedule": "Learning-rate schedule", "momentum": "Momentum", "weight_decay": "Weight decay", "loss": "Loss",
    "clip_norm": "Longest gradient", "batch_size": "Batch size", "epochs": "Epochs", "patience": "Patience",
    "scaler": "Scaler", "supervision": "Supervision", "skip": "Frozen linear part", "season": "Season",
    "width": "Learn the width",
    "validation_share": "Validation share", "test_share": "Test share", "seed": "Seed", "leak": "Leak-lab mistake",
}

HELP = {
    "window": "How many past prices the network sees before each prediction. Too short and it cannot see a pattern "
              "that spans more days; too long and training slows down while old prices add mostly noise.",
    "layers": "How many recurrent layers are stacked. More can combine patterns of different lengths; with few data "
              "a second layer mostly learns the noise and takes twice as long.",
    "units": "How much each layer can remember. Too few and it cannot follow the series; too many and it memorises "
             "the training part, which shows as a validation loss that turns upwards.",
    "epochs": "How often training goes through all windows, at most. Too few and it has not finished learning; too "
              "many are harmless with early stopping, and overfit without it.",
    "learning_rate": "How far each step moves the weights. Too high and the loss jumps about or becomes NaN; too low "
                     "and it hardly falls in the epochs given.",
    "batch_size": "How many windows share one step. Small batches learn more per epoch, noisily and slowly; large "
                  "ones are quicker per epoch but may need more epochs or a higher learning rate.",
    "dropout": "The share of signals between layers that is switched off at random while training. Some of it helps "
               "against memorising; above about 0.5 little gets through and the loss stays high.",
    "recurrent_dropout": "The same between the steps of time. It disturbs the memory itself, so keep it small; it "
                         "also rules out the fast layers, and training takes several times longer.",
    "optimizer": "How a gradient becomes a step. Adam suits nearly everything; SGD with momentum needs a higher "
                 "learning rate and more epochs; AdamW keeps weight decay apart from the gradient.",
    "schedule": "How the learning rate changes. Constant is easiest to read; cosine falls smoothly to zero over all "
                "epochs; reduce on plateau halves it when the validation loss stands still.",
    "momentum": "How much of the last step SGD keeps. Too low and it crawls; close to 1 it overshoots.",
    "weight_decay": "Pulls weights towards zero at every step. A little guards against overfitting; too much and the "
                    "network predicts no change at all.",
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
    "cell": " ".join(["The kind of recurrent layer.", *(cell.help for cell in CELLS.values())]),
    "supervision": "What each pass teaches. The last step only, as in the tutorial, repeats most of the work between "
                   "neighbouring windows; every step teaches many targets at once and learns sooner, and may overfit "
                   "within seconds on returns.",
    "skip": "A ridge regression over the same window, fitted first and then frozen; the network learns what is "
            "left. Without it the network must also learn what a straight line already knows.",
    "season": "Lets the frozen part look one season back (a week, a year) where the training and validation parts "
              "prove that it helps. It has no effect on series without a season, like most prices.",
    "width": "Lets an LSTM of its own learn how far the price may move, beside a formula that always does. Intervals and risk "
             "become a little sharper; the price's forecasts stay the same, and training takes a few seconds longer. It needs "
             "some 600 rows to learn from.",
    "features": "What the network sees beside the closing price, always from the past only. Each input costs time "
                "and adds noise; on daily prices few of them help.",
    "target": "What the network predicts from the last known price on. Returns and changes always stay in the "
              "same range. *Price* fails as soon as prices leave the range seen in training: a network cannot reach "
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


def changed_settings(before: ForecastConfig, after: ForecastConfig) -> list[str]:
    """The fields in which two configs differ, in the order of `LABELS`."""
    return [name for name in LABELS if getattr(before, name) != getattr(after, name)]


def changes_words(before: ForecastConfig, after: ForecastConfig) -> str:
    """What is changed, with values: 'Target: Price → Log return · Patience: off → 8 epochs'."""
    return " · ".join(f"{LABELS[name]}: {value_words(name, getattr(before, name))} → "
                      f"{value_words(name, getattr(after, name))}" for name in changed_settings(before, after))


def value_words(name: str, value) -> str:
    """A setting's value as its widget shows it."""
    if name in ("patience", "clip_norm") and value is None:
        return "off"
    if name == "patience":
        return count_of(value, "epoch")
    if name in ("validation_share", "test_share"):
        return share(value, digits=0)
    if isinstance(value, tuple | list):
        return " + ".join(map(word_of, value))
    return f"{value:g}" if isinstance(value, float) else word_of(value)


def word_of(value) -> str:
    """One value of a list or a choice as it is called."""
    if isinstance(value, str) and value.startswith(KNOWN):
        return f"{value.removeprefix(KNOWN)} (known in advance)"
    return str(WORDS.get(value, value))
