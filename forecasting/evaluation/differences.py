"""What differs between runs: their settings, prices, splits and libraries, and the names that follow from it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from collections.abc import Sequence

from forecasting import words
from forecasting.model.cells import CELLS
from forecasting.model.config import PRESETS, ForecastConfig
from forecasting.model.split import PARTS, describe_split

__all__ = ["LIBRARIES", "NAIVE", "NOT_RECORDED", "differing_settings", "facts_of", "installed_versions", "names_in_words",
           "setting_words"]

LIBRARIES = ("tensorflow", "keras", "numpy")
NAIVE = "Naive"  # the naive forecast's name among runs, which none of them may have
NOT_RECORDED = "not recorded"
MOST_SETTINGS = 3  # in a name; more would not be read
TELLING = ("cell", "units", "target", "window", "horizon", "features", "skip")  # what a run is best known by, if others tie
SAID_LAST = ("seed", "leak")
_PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}


def installed_versions() -> dict[str, str]:
    """{'python': '3.11.9', 'tensorflow': ...} of this environment; nothing is imported."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}


def differing_settings(configs: Sequence[ForecastConfig]) -> tuple[str, ...]:
    """The fields in which these settings are not all equal."""
    return tuple(one.name for one in dataclasses.fields(ForecastConfig)
                 if len({getattr(config, one.name) for config in configs}) > 1)


def facts_of(result) -> dict[str, str]:
    """What else a `TrainingResult` was made with, in words: its prices, the days of each part, versions of libraries."""
    history = result.history
    spans = describe_split(history, result.config).spans
    parts = {_PARTS[part]: f"{words.dates(spans[part].start, spans[part].end)}, {words.count_of(spans[part].rows, 'row')}"
             for part in PARTS}
    versions = {name.capitalize() if name == "python" else name: result.versions.get(name, NOT_RECORDED)
                for name in ("python", *LIBRARIES)}
    trained = words.count(len(result.curve)) + (" (stopped)" if result.stopped else "")
    prices = {"Series": history.name, "Currency": history.currency or words.UNKNOWN,
              "Fingerprint": history.fingerprint[:8], "Rows": words.count(len(history))}
    return {"Epochs trained": trained, **prices, **parts, **versions}


def names_in_words(results: Sequence, own: Sequence[str]) -> list[str]:
    """A different name for each run, from the settings in which it differs from the others, e.g. '64 + 64 units, seed 3'.

    own: the name that each run has itself, taken where the settings are the same. A preset goes by its name where more
    settings differ than anyone would read.
    """
    configs = [result.config for result in results]
    fields = differing_settings(configs)
    telling = _telling(configs, fields)
    own = [f"{name} (run)" if name == NAIVE else name for name in own]
    names = [_name(config, fields, telling) or name for config, name in zip(configs, own, strict=True)]
    # The series that most of them are about goes without saying.
    series = [result.history.name for result in results]
    usual = max(series, key=series.count)
    names = [name if one == usual or one in name else f"{one}, {name}" for one, name in zip(series, names, strict=True)]
    # Equal settings on the same prices, or different ones that were cut: told apart by their own names, or else numbered.
    if len(set(names)) < len(names):
        names = [f"{name}, {mine}" if names.count(name) > 1 and name != mine else name
                 for name, mine in zip(names, own, strict=True)]
    return [f"{name} ({names[: at + 1].count(name)})" if names.count(name) > 1 else name for at, name in enumerate(names)]


def _telling(configs, fields) -> list[str]:
    """The settings that a name says beside seed and leak: all that differ if they are few, else the fewest that tell these
    runs apart."""
    rest = sorted((field for field in fields if field not in SAID_LAST), key=_rank)
    if len(rest) <= MOST_SETTINGS:
        return rest
    said = [field for field in fields if field in SAID_LAST]
    chosen: list[str] = []
    while len(chosen) < MOST_SETTINGS:
        best = max(rest, key=lambda field: _groups(configs, [*said, *chosen, field]))
        if chosen and _groups(configs, [*said, *chosen, best]) == _groups(configs, [*said, *chosen]):
            break
        chosen.append(best)
    return chosen


def _groups(configs, fields) -> int:
    """How many kinds of run these fields tell apart."""
    return len({tuple(getattr(config, field) for field in fields) for config in configs})


def _rank(field):
    return TELLING.index(field) if field in TELLING else len(TELLING)


def _name(config, fields, telling):
    """`fields` differ, of which `telling` are said."""
    extra = [setting_words(last, getattr(config, last)) for last in SAID_LAST
             if last in fields and getattr(config, last) is not None]
    if len(fields) > MOST_SETTINGS:
        for preset, settings in PRESETS.items():
            if dataclasses.replace(config, seed=settings.seed, leak=None) == settings:
                return ", ".join([preset, *extra])
    return ", ".join([*(setting_words(field, getattr(config, field)) for field in telling), *extra])


def setting_words(name: str, value) -> str:
    """A setting within a sentence: 'window 20', '64 + 64 units', 'no early stopping', 'seed 3'."""
    label = name.replace("_", " ")
    if name == "units":
        return f"{' + '.join(map(str, value))} units"
    if name == "cell":
        return CELLS[value].label
    if name == "features":
        return f"inputs {' + '.join(one.replace('_', ' ') for one in value)}"
    if name == "skip":
        return "no linear part" if value is None else "linear part"
    if name == "leak":
        return "no leak" if value is None else f"leak: {value.replace('_', ' ')}"
    if name == "patience":
        return "no early stopping" if value is None else f"patience {value}"
    if name == "clip_norm":
        return "no gradient limit" if value is None else f"gradient limit {value:g}"
    if name in ("validation_share", "test_share"):
        return f"{label} {words.share(value, digits=0)}"
    if name in ("epochs", "batch_size"):
        return f"{value} epochs" if name == "epochs" else f"batch {value}"
    if value is None:
        return f"no {label}"
    return f"{label} {value:g}" if isinstance(value, float) else f"{label} {str(value).replace('_', ' ')}"
