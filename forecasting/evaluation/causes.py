"""Why a run is no better than the naive forecast, if its own numbers prove it, and which settings would fix that."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecasting import words
from forecasting.errors import ForecastingError
from forecasting.evaluation.comparison import MIN_DAYS, Comparison
from forecasting.evaluation.diagnostics import RangeEscape, part_of, range_escape
from forecasting.evaluation.verdict import Verdict
from forecasting.model.config import RANGES, ForecastConfig
from forecasting.model.encoding import check_history
from forecasting.model.skip import choose, fit_skip
from forecasting.model.training import NOT_A_NUMBER

__all__ = ["Cause", "diagnose", "diagnose_failure"]

MOST_OF_EXCESS = 0.5   # of the squared error beyond naive's has to come from prices outside what training saw
FAR_WORSE = -0.1       # a skill below this needs a cause even where the test part is too short to prove it
FEW_EPOCHS = 3         # for the validation loss to count as turned, it must have risen for this long and by this much
TURNED = 1.02
EARLY = 0.1            # of the epochs that were run: a lowest loss before that counts as early
LOWEST_RATE = RANGES["learning_rate"][0]
FEW_DAYS = 60          # of a test part whose interval is wider than this is said to be too short
WIDE = 0.2
ENOUGH_DAYS = 2 * MIN_DAYS
LARGEST_TEST_SHARE = 0.5
FEWEST_UNITS = 4
PATIENCE = 8
CLIP_NORM = 1.0


@dataclass(frozen=True)
class Cause:
    """Why a run is no better than naive.

    name: 'range', 'diverged', 'overfitting', 'untrained' or 'short_test'
    sentence: the cause with the numbers that prove it
    mend: settings that are likely to fix it, or None; label: of the button that trains with them
    """

    name: str
    sentence: str
    mend: ForecastConfig | None = None
    label: str | None = None


def diagnose(result, judged: Verdict, beside: Comparison) -> Cause | None:
    """The most decisive cause that the numbers of a run prove, or None where it is better than naive or none is proven.

    result: a `TrainingResult`; judged, beside: the verdict on it and the comparison behind it, from `judge`
    """
    if judged.outcome not in ("worse", "unproven"):
        return None
    far_worse = beside.skill is not None and beside.skill < FAR_WORSE
    is_worse = judged.outcome == "worse" or far_worse
    if is_worse and (cause := _outside_range(result) or _overfitted(result)):
        return cause
    if result.untrained_was_best:
        return _untrained(result)
    return _short_test(result, judged, beside)


def diagnose_failure(config: ForecastConfig, error: str | None) -> Cause | None:
    """The cause of a run that failed without a result, or None where its settings are not to blame.

    error: what the run failed with, in words
    """
    if not (error or "").startswith(NOT_A_NUMBER):
        return None
    mend = replace(config, learning_rate=max(LOWEST_RATE, config.learning_rate / 10), clip_norm=config.clip_norm or CLIP_NORM)
    if mend == config:
        return None
    limit = f"gradients limited to {config.clip_norm:g}" if config.clip_norm else "no limit on the gradient"
    sentence = (f"With a learning rate of {config.learning_rate:g} and {limit} the steps grew until the weights left the "
                "range of numbers.")
    return Cause("diverged", sentence, mend, _rate_label(mend))


def _outside_range(result) -> Cause | None:
    """Prices beyond what training saw, where the target is the price itself and most of the excess error lies there."""
    config, history = result.config, result.history
    if config.target != "price":
        return None
    parts = result.split
    escape = range_escape(history.close, parts.train_end, parts.validation_end, history.currency)
    rows = part_of(result.predictions, "test")
    actual = rows["actual"].to_numpy(float)
    errors, rival = (np.abs(rows[name].to_numpy(float) - actual) for name in ("predicted", "naive"))
    largest = max(errors.max(initial=0.0), rival.max(initial=0.0)) or 1.0  # scaled by this, since the squares might overflow
    errors, rival = (errors / largest) ** 2, (rival / largest) ** 2
    outside = (actual > escape.high) | (actual < escape.low)
    excess = errors - rival
    if not outside.any() or excess[outside].sum() < MOST_OF_EXCESS * excess.sum():
        return None
    target, what = ("log_return", "log returns") if (history.close > 0).all() else ("change", "changes")
    carried = errors[outside].sum() / errors.sum()
    most = "nearly all" if carried > 0.995 else words.share(carried, digits=0)
    sentence = (f"{_outside_words(escape, history.currency)}, and {most} of the squared error lies there. A network that "
                f"predicts the price itself cannot follow them; one that predicts {what} can, since these stay in the range "
                "that it learnt.")
    # Returns are mostly noise, which many epochs learn by heart.
    mend = _trainable(result, target=target, patience=config.patience or PATIENCE)
    return Cause("range", sentence, mend, f"Train with {what}" if mend else None)


def _outside_words(escape: RangeEscape, currency) -> str:
    where = "outside" if escape.above and escape.below else "above" if escape.above else "below"
    unit = f" {words.currency_word(currency)}" if currency else ""
    low, high = (words.number(value, min(2, words.decimals(value))) if abs(value) >= 0.01 else words.price(value)
                 for value in (escape.low, escape.high))
    return f"{words.share(escape.outside, digits=0)} of the test prices lie {where} the {low} to {high}{unit} that training saw"


def _overfitted(result) -> Cause | None:
    """A validation loss that turned upwards while the training loss went on falling.

    If the best weights were kept, overfitting is to blame only if the loss turned within the first epochs.
    """
    config, curve = result.config, result.curve
    if len(curve) <= FEW_EPOCHS:
        return None
    loss, val_loss = (curve[name].to_numpy(float) for name in ("loss", "val_loss"))
    best = int(val_loss.argmin())
    after = val_loss[best + 1 :]
    kept_best = config.patience is not None
    if (len(after) < FEW_EPOCHS or loss[-1] >= loss[best] or np.median(after) < TURNED * val_loss[best]
            or (kept_best and best >= max(2, EARLY * len(curve)))):
        return None
    sentence = (f"The validation loss was lowest after epoch {best + 1} of {len(curve)} ({val_loss[best]:.3g}) and rose to "
                f"{val_loss[-1]:.3g}, while the training loss fell from {loss[best]:.3g} to {loss[-1]:.3g}: the network "
                "learnt the training part by heart.")
    if not kept_best:
        sentence += " Without early stopping the last weights were kept."
    units = tuple(max(min(FEWEST_UNITS, units), units // 2) for units in config.units)
    mend = _trainable(result, units=units, learning_rate=max(LOWEST_RATE, config.learning_rate / 5),
                      patience=config.patience or PATIENCE)
    return Cause("overfitting", sentence, mend, "Train a smaller network, more slowly" if mend else None)


def _untrained(result) -> Cause:
    """Best epoch 0: the forecast is that of the frozen linear part, or the naive one."""
    config = result.config
    epochs = words.count_of(len(result.curve), "epoch")
    linear = result.linear is not None and bool(result.linear.steps)
    kept = "the frozen linear part alone, a ridge regression over the same window" if linear else "the last known price"
    sentence = (f"None of {epochs} brought the validation loss clearly below that of the untrained network, which forecasts "
                f"{kept}. So that is the forecast")
    if config.skip is None and "Close" in config.features and (steps := _linear_steps(result)):
        which = "the next step" if steps == (1,) else f"{words.count_of(len(steps), 'step')} of {config.horizon}"
        sentence += (f". Yet a ridge regression over the same window forecasts {which} better than naive on training and "
                     "validation.")
        mend = _trainable(result, skip="ridge", season="auto")
        return Cause("untrained", sentence, mend, "Train with a frozen linear part" if mend else None)
    lowest, untrained = result.curve["loss"].min(), _untrained_loss(result)
    if lowest > TURNED * untrained:
        sentence += (f". The training loss, {lowest:.3g} at its lowest, never came below the untrained network's "
                     f"{untrained:.3g} either: at a learning rate of {config.learning_rate:g} the steps go too far.")
        mend = _trainable(result, learning_rate=max(LOWEST_RATE, config.learning_rate / 10))
        return Cause("untrained", sentence, mend, _rate_label(mend) if mend else None)
    return Cause("untrained", f"{sentence}: what the network learnt of the training part does not hold on validation. On a "
                              "series like this there may be nothing more to learn.")


def _untrained_loss(result) -> float:
    """The training loss of a network that outputs zeros beside its frozen linear part."""
    config, encoded = result.config, result.encoder.encode(result.history)
    targets = encoded.targets
    origins = np.asarray(result.split.origins(config.window, config.horizon)[0])
    if result.linear is not None:
        skip = fit_skip(encoded.series, targets, origins, config.window, result.linear)
        targets = targets - skip.predict(encoded.series)
    misses = np.abs(targets[origins].astype(float))
    return float({"mse": misses**2, "mae": misses, "huber": np.where(misses <= 1, misses**2 / 2, misses - 0.5)}
                 [config.loss].mean())


def _linear_steps(result) -> tuple[int, ...]:
    """The steps that a linear forecast is proven to improve on training and validation; the test part is not used."""
    encoded = result.encoder.encode(result.history)
    return choose(encoded.series, encoded.targets, result.split.validation_end, result.config.window).steps


def _short_test(result, judged: Verdict, beside: Comparison) -> Cause | None:
    """Too few days for an interval of the skill, or for a meaningful one."""
    if judged.outcome != "unproven":
        return None
    unit = words.unit(result.history.frequency)
    days = words.count_of(beside.days, unit)
    if beside.interval is None:
        if beside.days >= MIN_DAYS:
            return None
        sentence = (f"The test part has {days}, and it takes {MIN_DAYS} to tell a forecast that is better from one that was "
                    "lucky.")
        wanted = ENOUGH_DAYS
    else:
        low, high = beside.interval
        if beside.days >= FEW_DAYS or high - low < WIDE:
            return None
        sentence = (f"The test part has only {days}: from them the skill may be anything from {words.share(low, digits=0)} to "
                    f"{words.share(high, digits=0)}.")
        wanted = 2 * beside.days
    mend = _longer_test(result, wanted)
    if mend is None:
        return Cause("short_test", f"{sentence} Only a longer series can tell.")
    return Cause("short_test", sentence, mend, f"Train with {words.share(mend.test_share, digits=0)} for the test")


def _longer_test(result, wanted: int) -> ForecastConfig | None:
    """The smallest larger test share, in steps of 5 %, that gives `wanted` rows; if none does, the largest that is of use."""
    rows, found = len(result.history), None
    for percent in range(5, round(100 * LARGEST_TEST_SHARE) + 1, 5):
        share = percent / 100
        if share <= result.config.test_share or round(rows * share) < MIN_DAYS:
            continue
        mend = _trainable(result, test_share=share)
        found = mend or found
        if mend and round(rows * share) >= wanted:
            break
    return found


def _rate_label(mend: ForecastConfig) -> str:
    return f"Train with a learning rate of {mend.learning_rate:g}"


def _trainable(result, **changes) -> ForecastConfig | None:
    """The settings of `result` with `changes`, or None where they are the same or these prices cannot be trained so."""
    try:
        config = replace(result.config, **changes)
        check_history(result.history, config)
    except ForecastingError:  # so it is not offered
        return None
    return None if config == result.config else config
