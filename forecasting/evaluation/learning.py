"""How a training went, in words: why it ended and which weights it kept, and why its two losses lie apart."""

from __future__ import annotations

import numpy as np

from forecasting import words
from forecasting.model.config import ForecastConfig

__all__ = ["ending_words", "gap_words", "learnt_words", "predicted_words"]

RESTLESS = 1.1  # times the validation part's moves: above that, the training part counts as more volatile


def ending_words(config: ForecastConfig, epochs: int, best_epoch: int, stopped: bool) -> str:
    """Why a training ended, and which weights were kept.

    epochs: how many were measured, the rows of the curve; best_epoch: of the lowest validation loss, 0 for the untrained
    network's; stopped: whether the user stopped it
    """
    planned = words.count_of(config.epochs, "epoch")
    if not epochs:
        return f"Stopped by hand before the first of {planned} ended; the network is untrained."
    if stopped:
        ended = f"Stopped by hand at epoch {words.count(epochs)} of {words.count(config.epochs)}"
    elif config.patience is not None and epochs < config.epochs:
        ended = (f"Stopped early after epoch {words.count(epochs)} of {words.count(config.epochs)}: no improvement for "
                 f"{words.count_of(config.patience, 'epoch')}")
    else:
        ended = f"All {planned} were trained" if config.epochs > 1 else "The one epoch was trained"
    if config.patience is None:
        text = f"{ended}; the weights of the last one were kept, as early stopping is off"
        if best_epoch < epochs:
            text += f". The validation loss was lowest after epoch {words.count(best_epoch)}"
        return f"{text}."
    if best_epoch == 0:
        return f"{ended}; no epoch was clearly better than the untrained network, whose weights were kept."
    text = f"{ended}; the weights of epoch {words.count(best_epoch)} were kept"
    if best_epoch == epochs == config.epochs > 1:
        text += ", the last one: the validation loss was still falling, so more epochs may help"
    return f"{text}."


def learnt_words(result) -> str:
    """How a `TrainingResult` came about: how its training ended, or what it is the average of."""
    if result.members:
        return (f"This is the average of {words.count_of(len(result.members), 'network')} that differ by their seeds alone "
                f"({', '.join(map(str, result.members))}). It was not trained itself, so it has no loss.")
    return ending_words(result.config, len(result.curve), result.best_epoch, result.stopped)


def predicted_words(result) -> str | None:
    """Which days of a `TrainingResult` have no forecast because predicting was stopped, or None if all have one."""
    left, all_days = result.unpredicted, result.predictions["split"].value_counts()
    if not any(left.values()):
        return None
    names = {"train": "the training part", "validation": "the validation part", "test": "the test part"}
    parts = [f"{words.count(all_days[part] - days)} of the {words.count_of(all_days[part], 'row')} of {names[part]}"
             for part, days in left.items() if days]
    text = f"Predicting was stopped: there are forecasts of {' and '.join(parts)}, and the scores are of those alone."
    if left["validation"]:
        text += " The intervals are as wide as the naive forecast's errors suggest where the network's are not known."
    return text


def gap_words(result) -> str | None:
    """Why the final training loss of a `TrainingResult` is above its validation loss, or None if it is not.

    Only reasons that apply to this run are given.
    """
    config, curve = result.config, result.curve
    if not len(curve) or not curve["loss"].iloc[-1] > curve["val_loss"].iloc[-1]:
        return None
    reasons = ["it is the mean over an epoch in which the weights were still moving, and validation is measured after it"]
    if (config.dropout and len(config.units) > 1) or config.recurrent_dropout:
        reasons.append("dropout switches signals off in training only")
    if config.supervision == "every_step":
        reasons.append("training averages over every step of stretches longer than the window, validation over single windows")
    if restless := _restless_words(result):
        reasons.append(restless)
    *others, last = reasons
    listed = f"{'; '.join(others)}; and {last}" if others else last
    return f"The training loss may stand above the validation loss: {listed}."


def _restless_words(result) -> str | None:
    """Says if prices moved more in training than in validation, with the size of both moves."""
    if result.config.target == "price":
        return None
    parts, close = result.split, result.history.close
    positive = bool((close[: parts.validation_end] > 0).all())
    level = np.log(close[: parts.validation_end]) if positive else close[: parts.validation_end]
    moves = np.diff(level)
    # The move from row t - 1 to row t belongs to the part of row t.
    training, validation = (np.sqrt(np.mean(part**2)) for part in (moves[: parts.train_end - 1], moves[parts.train_end - 1 :]))
    if not training > RESTLESS * validation:
        return None
    unit = words.unit(result.history.frequency)
    sizes = [words.share(size) if positive else words.price(size, result.history.currency) for size in (training, validation)]
    return f"the training part was more restless, moving {sizes[0]} a {unit} against {sizes[1]}"
