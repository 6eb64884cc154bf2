"""Cells compared: every kind of cell trained on the same prices, settings and budget, with and without clipping.

And starts compared: the same network from other initial weights, before and after its first epochs.
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from functools import partial

import pandas as pd

from forecasting.errors import ConfigError
from forecasting.evaluation.scores import SCORES
from forecasting.evaluation.verdict import leak_words
from forecasting.model.cells import CELLS
from forecasting.model.config import CHOICES
from forecasting.model.settings import WORDS
from forecasting.model.size import describe_network
from forecasting.runs.experiments.kind import Child, ExperimentKind, File, Option, Planned, Summary, Table, left_out
from forecasting.words import UNKNOWN, count, count_of, number, price, share

__all__ = ["CELLS_COMPARED", "STARTS", "measures_of", "start_measures"]

USUAL_LIMIT = 1.0  # of the gradient, where the run itself has none
FAR = 20           # steps back at which gradients are compared in words
FIRST_EPOCHS = 3   # after which starts are compared again
STARTS_LIMIT = 10  # epochs; what initial weights do shows in the first few
INITIALISERS = tuple(map(str, CHOICES["initializer"]))
_MOST_REMEMBERED = 200

_remembered: dict[tuple, object] = {}


def _check(options, history, config):
    if config.leak:
        raise ConfigError(f"{leak_words(config.leak)} Its scores mean nothing, so comparing them does not either; choose an "
                          "honest run.")


def measures_of(child: Child):
    """(`GradientsByLag`, record of the training's gradients) of a whole training."""
    from forecasting.inside import gradients_by_lag

    def measure():
        result = child.result()
        return gradients_by_lag(result), result.snapshots.gradients

    return _remember((child.run.id, "gradients"), measure)


def start_measures(child: Child):
    """{epoch: `Start`} of a whole training: untrained, after one epoch and after the first few."""
    from forecasting.inside import start_of

    def measure():
        result = child.result()
        return {start.epoch: start for start in (start_of(result, epoch) for epoch in (0, 1, FIRST_EPOCHS))}

    return _remember((child.run.id, "starts"), measure)


def _remember(key, measure):
    """What `measure` gives; a run that is whole does not change, and pages ask again and again while others are trained."""
    if key not in _remembered:
        while len(_remembered) >= _MOST_REMEMBERED:
            _remembered.pop(next(iter(_remembered)), None)
        _remembered[key] = measure()
    return _remembered[key]


# Cells


def _limits(options, config) -> dict[str, float | None]:
    """{what it is called in keys: the longest gradient}"""
    limit = config.clip_norm or USUAL_LIMIT
    if options["clip"] == "as_is":
        return {"clipped" if config.clip_norm else "free": config.clip_norm}
    return {"clipped": limit, "free": None}


def _plan(options, ended, experiment):
    config, history = experiment.config, experiment.history
    for name, limit in _limits(options, config).items():
        for cell in CELLS.values():
            yield Planned(f"{cell.name}-{name}", history, replace(config, cell=cell.name, clip_norm=limit),
                          f"{history.name}, {_label(cell.name, limit)}", {"cell": cell.name})


def _label(cell: str, limit) -> str:
    return f"{CELLS[cell].label}, {'not clipped' if limit is None else f'clipped at {limit:g}'}"


def _summarise(runs, experiment):
    whole = sorted((child for child in runs if child.is_whole), key=_place)
    warnings = _warnings(runs, lambda run: _label(run.config.cell, run.config.clip_norm))
    if not whole:
        return Summary(warnings=warnings)
    found = {_label(child.run.config.cell, child.run.config.clip_norm): (child, *measures_of(child)) for child in whole}
    charts = [partial(_gradient_chart, {
        CELLS[child.run.config.cell].label: gradients for child, gradients, _ in found.values()
        if (child.run.config.clip_norm is None) == unlimited}, unlimited) for unlimited in (False, True)
        if any((child.run.config.clip_norm is None) == unlimited for child, *_ in found.values())]
    return Summary(_answer(found), warnings, tuple(charts), (_table(found, experiment.run.currency),),
                   (File("Download the gradients (CSV)", experiment.history.name, "gradients.csv",
                         partial(_gradients_csv, found)),),
                   compares={"Lay curves and predictions beside each other": tuple(child.run.id for child in whole)}
                   if len(whole) > 1 else {})


def _place(child):
    return child.run.config.clip_norm is None, list(CELLS).index(child.run.config.cell)


def _warnings(runs, label) -> tuple[str, ...]:
    return tuple(f"{label(run)}: {why}" for why, missing in left_out(runs).items() for run in missing)


def _answer(found) -> str:
    """What the gradients of these cells do on this data, and whether clipping acted."""
    reach = {label: _faded(gradients) for label, (_, gradients, _) in found.items()}
    known = {label: left for label, left in reach.items() if left is not None}
    words: list[str] = []
    if len(known) > 1:
        steps = min(FAR, min(len(gradients.lags) for _, gradients, _ in found.values()) - 1)
        least, most = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        words.append(f"Of the gradient at the last step, {_part(known[least])} is left {steps} steps back in the {least}, and "
                     f"{_part(known[most])} in the {most}.")
        cells = {label: found[label][0].run.config.cell for label in known}
        if "rnn" in cells.values() and cells[least] != "rnn":
            words.append("This is not the textbook's picture, in which the simple RNN's gradient vanishes first: gates can "
                         "keep a gradient alive, but learn to do so only where it pays.")
    limited = [record for child, _, record in found.values() if child.run.config.clip_norm is not None]
    if limited:
        clipped, steps = (sum(int(record[name].sum()) for record in limited) for name in ("clipped", "steps"))
        words.append(f"Clipping acted on {_part(clipped / steps)} of {count(steps)} steps of training." if clipped else
                     f"Clipping never acted in {count(steps)} steps of training, so that it changed nothing.")
    return " ".join(words)


def _faded(gradients) -> float | None:
    """The gradient's norm `FAR` steps back, or at the window's start, over that at the last step; of the last layer."""
    norms = gradients.norms[-1]
    return float(norms[min(FAR, len(norms) - 1)] / norms[0]) if norms[0] > 0 else None


def _part(fraction: float) -> str:
    """A share of which tiny values are told from none."""
    return "less than 0.1 %" if 0 < fraction < 0.001 else share(fraction, digits=1)


def _table(found, currency) -> Table:
    rows = {}
    for label, (child, gradients, record) in found.items():
        scores, left = child.run.scores, _faded(gradients)
        steps = int(record["steps"].sum())
        rows[label] = (
            count(sum(layer.parameters for layer in describe_network(child.run.config))),
            price(scores["validation"]["rmse"], currency), price(scores["test"]["rmse"], currency),
            share(scores["test"]["skill"]), UNKNOWN if left is None else _part(left),
            number(float(record["largest_norm"].max()), 3) if steps else UNKNOWN,
            UNKNOWN if child.run.config.clip_norm is None or not steps else _part(record["clipped"].sum() / steps),
            UNKNOWN if child.run.config.clip_norm is None or not steps else
            f"× {number(float((record['mean_factor'] * record['steps']).sum() / steps), 3)}")
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=[
        "Weights", "Validation RMSE", "Test RMSE", "Test skill", f"Gradient {FAR} steps back", "Longest gradient", "Clipped",
        "Clipped by"])
    return Table(frame, help={
        "Test skill": SCORES["skill"].about,
        f"Gradient {FAR} steps back": "The norm of the loss's gradient with respect to the last layer's states, as a share of "
                                      "that at the last step, or at the first step of a shorter window.",
        "Longest gradient": "The largest norm of the gradient with respect to all weights in any step, before clipping.",
        "Clipped": "The share of all steps of training whose gradient was longer than the limit.",
        "Clipped by": "What the gradients were multiplied by, on average over all steps.",
    }, caption="One seed each: differences in scores that a repetition with other seeds would not show are luck.")


def _gradient_chart(found, unlimited, dark):
    from forecasting.plots.inside import gradient_chart

    title = f"How far back the gradient reaches, {'not clipped' if unlimited else 'clipped in training'}"
    how = ("The last step of the window is at the left. A line that falls steeply belongs to a cell that learns little from "
           "far steps; a level one holds the gradient.")
    return gradient_chart({label: dataclasses.replace(gradients, norms=gradients.norms[-1:])
                           for label, gradients in found.items()}, title=title, how=how, dark=dark)


def _gradients_csv(found) -> bytes:
    from forecasting.runs.export import table_csv

    return table_csv(pd.concat([
        pd.DataFrame({"Network": label, "Layer": layer + 1, "Lag": gradients.lags, "Norm": norms})
        for label, (_, gradients, _) in found.items() for layer, norms in enumerate(gradients.norms)]))


CELLS_COMPARED = ExperimentKind(
    label="Cells compared",
    tab="Cells",
    about=("Every kind of cell is trained on the same prices with the same settings and for as long: the simple RNN, the GRU, "
           "the LSTM and the tutorial's LSTM, whose gates read the cell state. It shows how far back the gradient of each "
           "reaches, and what clipping the gradient does."),
    start="Train every cell",
    options=(Option("clip", "Clipping", "With and without takes twice as long, and shows what clipping changed.", "both",
                    choices={"both": "With and without", "as_is": "As in this run"}),),
    trainings=lambda options: len(CELLS) * (2 if options["clip"] == "both" else 1),
    plan=_plan,
    summarise=_summarise,
    check=_check,
    place="inside",
)


# Starts


def _plan_starts(options, ended, experiment):
    config, history = experiment.config, experiment.history
    for name in INITIALISERS:
        yield Planned(name, history, replace(config, initializer=name, epochs=min(config.epochs, STARTS_LIMIT), patience=None),
                      f"{history.name}, {WORDS[name]} weights", {"initializer": name})


def _summarise_starts(runs, experiment):
    names = list(INITIALISERS)
    whole = sorted((child for child in runs if child.is_whole), key=lambda child: names.index(child.run.config.initializer))
    warnings = _warnings(runs, lambda run: WORDS[run.config.initializer])
    if not whole:
        return Summary(warnings=warnings)
    rows = {}
    for child in whole:
        starts, curve = start_measures(child), child.result().curve
        first, last = starts[min(starts)], starts[max(starts)]
        losses = curve.set_index("epoch")["val_loss"]
        rows[WORDS[child.run.config.initializer]] = (
            number(float(first.spread[0][-1]), 3), number(float(last.spread[0][-1]), 3), *(
                _part(float(one.norms[0][-1] / one.norms[-1][0])) for one in (first, last)),
            number(float(losses.iloc[0]), 4), number(float(losses.get(last.epoch, losses.iloc[-1])), 4))
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=[
        "States, untrained", f"States, epoch {last.epoch}", "Reaches back, untrained", f"Reaches back, epoch {last.epoch}",
        "Validation loss, epoch 1", f"Validation loss, epoch {last.epoch}"])
    losses = {WORDS[child.run.config.initializer]: float(child.result().curve["val_loss"].iloc[-1]) for child in whole}
    best, worst = min(losses, key=losses.__getitem__), max(losses, key=losses.__getitem__)
    sentence = "" if len(losses) < 2 else (
        f"After {count_of(len(whole[0].result().curve), 'epoch')} the validation loss is {number(losses[best], 4)} from {best} "
        f"weights and {number(losses[worst], 4)} from {worst} weights.")
    states = "The standard deviation of the first layer's hidden state at the end of a window, over windows and units."
    back = ("How much of a push on the last hidden state of the last layer comes back to the first layer's states at the first "
            "step of the window.")
    help_ = {column: states if column.startswith("States") else back for column in list(frame)[:4]}
    starts = {WORDS[child.run.config.initializer]: start_measures(child) for child in whole}
    charts = [partial(_reach_chart, starts)]
    charts += [partial(_weights_chart, starts, f"Layer 1, {kind} weights") for kind in ("input", "recurrent")]
    file = File("Download the weights (CSV)", experiment.history.name, "starts.csv", partial(_starts_csv, starts))
    return Summary(sentence, warnings, tuple(charts), (Table(frame, help=help_),), (file,))


def _starts_csv(starts) -> bytes:
    from forecasting.inside import QUANTILES
    from forecasting.runs.export import table_csv

    return table_csv(pd.concat([
        pd.DataFrame({"Initial weights": name, "Epoch": epoch, "Weights": what, "Quantile": QUANTILES, "Value": values})
        for name, known in starts.items() for epoch, start in known.items() for what, values in start.weights.items()]))


def _reach_chart(starts, dark):
    from forecasting.plots.starts import start_reach_chart

    return start_reach_chart(starts, dark=dark)


def _weights_chart(starts, what, dark):
    from forecasting.plots.starts import start_weights_chart

    return start_weights_chart(starts, what, dark=dark)


STARTS = ExperimentKind(
    label="Initial weights compared",
    tab="Initial weights",
    about=("The same network starts from Xavier's (Glorot's), He's and small normal weights. How large its states are and how "
           "far gradients reach back is compared before training and after the first epochs."),
    start="Train from each",
    options=(),
    trainings=lambda options: len(INITIALISERS),
    plan=_plan_starts,
    summarise=_summarise_starts,
    check=_check,
    place="inside",
)
