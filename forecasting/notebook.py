"""What a notebook shows of a history, of settings and of results: HTML that needs no script and fits light and dark themes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.evaluation.scores import SCORES
from forecasting.model.config import PRESETS, RECOMMENDED, ForecastConfig
from forecasting.model.settings import LABELS, changed_settings, value_words

if TYPE_CHECKING:
    from forecasting.data.history import PriceHistory
    from forecasting.evaluation.ranking import Ranking
    from forecasting.result import Refit, TrainingResult

__all__ = ["config_html", "history_html", "ranking_html", "refit_html", "result_html", "settings_words", "table_html"]

WIDTH, HEIGHT = 440, 84  # of a chart
WARNINGS = 3  # that are shown in full
PAST = 120  # prices before a forecast in its chart
_BLUE = "#2f7fd1"  # readable on white and on black
SHOWN = ("rmse", "naive_rmse", "mape", "skill", "directional_accuracy", "coverage_80", "coverage_95")


def history_html(history: PriceHistory) -> str:
    """Name, source and extent, a chart of all prices, what looks wrong in them, and what was noted while reading."""
    close = history.close
    lines = [f"{history.frequency.count_of(len(history))}, {words.dates(history.dates[0], history.dates[-1])}",
             f"last {words.price(close[-1], history.currency)}, between {words.price(close.min(), history.currency)} and "
             f"{words.price(close.max(), history.currency)}"] if len(history) else ["no prices"]
    parts = [_title(history.name, history.source), *map(_line, lines)]
    if len(history):
        parts.append(_chart([_path(close, 0, len(close), _span(close), "currentColor")], "All prices"))
    if len(history.frame.columns) > 1:
        parts.append(_line(f"Columns: {', '.join(history.frame)}"))
    return _card([*parts, *_warned(history), _items(history.notes, "Notes")])


def config_html(config: ForecastConfig) -> str:
    """The settings that differ from Recommended, beside it."""
    changed = changed_settings(RECOMMENDED, config)
    name = next((name for name, preset in PRESETS.items() if preset == config), None)
    parts = [_title("Settings", f"the preset {name}" if name else f"{words.count_of(len(changed), 'change')} to Recommended")]
    if changed:
        rows = {LABELS[one]: [value_words(one, getattr(config, one)), value_words(one, getattr(RECOMMENDED, one))]
                for one in changed}
        parts.append(_table(["", "here", "Recommended"], rows))
    else:
        parts.append(_line(f"Window {config.window}, horizon {config.horizon}, {value_words('cell', config.cell)} of "
                           f"{value_words('units', config.units)} units, at most {words.count_of(config.epochs, 'epoch')}"))
    return _card(parts)


def result_html(result: TrainingResult) -> str:
    """The verdict, the scores of each part beside naive, the settings that differ, and a chart of the forecast."""
    history, config = result.history, result.config
    scores = {SCORES[name].label: [SCORES[name].show(name, result.metrics[part], history.currency)
                                   for part in ("train", "validation", "test")] for name in SHOWN}
    stopped = ", stopped early" if result.stopped else ""
    trained = (f"average of {len(result.members)} networks" if result.members else
               f"{words.count_of(len(result.curve), 'epoch')} in {words.duration(result.seconds)}{stopped}, "
               f"best: {result.best_epoch if result.best_epoch else 'the untrained network'}")
    judged = result.verdict
    return _card([
        _title(f"{history.name}: {judged.headline.lower()}", trained), _line(judged.sentence), _forecast_chart(result),
        _table(["", "Training", "Validation", "Test"], scores), _line(settings_words(config)), _line(result.gate.words()),
        *_warned(history)])


def refit_html(refit: Refit) -> str:
    """The forecast of a refit, on top of what the tested result shows."""
    last, tested = float(refit.tested.history.close[-1]), refit.tested
    rows = {f"Step {step}": [words.price(value, tested.history.currency)] for step, value in enumerate(refit.path, start=1)}
    return _card([_title(f"{tested.history.name}, trained on all rows", "scores and intervals are those of the tested network"),
                  _line(f"Last price {words.price(last, tested.history.currency)}"), _table(["", "Forecast"], rows)]
                 ) + result_html(tested)


def ranking_html(ranking: Ranking) -> str:
    """Which of several is better, and their scores on the days that they share."""
    table = ranking.table
    rows = {name: [SCORES[score].show(score, row, ranking.currency) for score in table] for name, row in
            zip(table.index, table.to_dict("records"), strict=True)}
    problems = [f"{name}: {why}" for name, why in ranking.problems.items()]
    shared = f"{words.count_of(len(ranking.days), ranking.unit)} shared"
    return _card([_title(ranking.headline, shared), _line(ranking.sentence),
                  _table(["", *(SCORES[score].label for score in table)], rows), _items([*ranking.notes, *problems], "Notes")])


def table_html(title: str, about: str, sentence: str, table: pd.DataFrame, notes: Iterable[str] = ()) -> str:
    """A table of text with its answer above it."""
    rows = {str(name): [str(cell) for cell in row] for name, row in zip(table.index, table.to_numpy().tolist(), strict=True)}
    return _card([_title(title, about), _line(sentence), _table(["", *map(str, table.columns)], rows), _items(notes, "Notes")])


def settings_words(config: ForecastConfig) -> str:
    """The preset's name, or what differs from Recommended: 'Recommended, but window 30, units 16'."""
    name = next((name for name, preset in PRESETS.items() if preset == config), None)
    if name:
        return f"Settings: {name}"
    return "Settings: Recommended, but " + ", ".join(
        f"{LABELS[one].lower()} {value_words(one, getattr(config, one))}" for one in changed_settings(RECOMMENDED, config))


def _forecast_chart(result) -> str:
    """The last prices, and the guarded forecast with its 80 % interval."""
    close = result.history.close[-PAST:]
    path = np.r_[close[-1], result.guarded.predicted[-1]]
    if not np.isfinite(path).all():
        return ""
    lower, upper = (np.r_[close[-1], bound[-1]] for bound in result.guarded.bounds(0.8))
    rows, first = len(close) + len(path) - 1, len(close) - 1
    span = _span(np.concatenate([close, lower, upper]))
    band = " ".join(_point(x, y, rows, span) for x, y in [*enumerate(upper, first), *list(enumerate(lower, first))[::-1]])
    return _chart([f'<polygon points="{band}" fill="{_BLUE}" fill-opacity="0.24"/>',
                   _path(np.full(len(path), close[-1]), first, rows, span, "gray", ' stroke-dasharray="2 3"'),
                   _path(path, first, rows, span, _BLUE, ' stroke-width="2"'), _path(close, 0, rows, span, "currentColor")],
                  "The last prices, the guarded forecast with its 80 % interval, and the naive forecast")


def _span(values) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    return (low, high) if high > low else (low - 1, low + 1)


def _point(x, y, rows, span) -> str:
    low, high = span
    across = 2 + (WIDTH - 4) * x / max(1, rows - 1)
    return f"{across:.1f},{2 + (HEIGHT - 4) * (high / 2 - y / 2) / (high / 2 - low / 2):.1f}"


def _path(values, first, rows, span, colour, style="") -> str:
    from forecasting.plots.sampling import downsample

    places = pd.to_datetime(np.arange(len(values)), unit="s")  # evenly spaced, whatever the dates are
    kept = downsample(places, np.asarray(values, dtype=float), n=WIDTH)
    points = " ".join(_point(first + at, values[at], rows, span) for at in kept)
    return f'<polyline points="{points}" fill="none" stroke="{colour}"{style}/>'


def _chart(shapes, about) -> str:
    return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(about)}" '
            f'style="max-width:100%;margin:4px 0">{"".join(shapes)}</svg>')


def _card(parts) -> str:
    return f'<div style="font-family:sans-serif;font-size:13px;line-height:1.5;max-width:760px">{"".join(parts)}</div>'


def _title(text, about) -> str:
    return f'<div><b>{escape(text)}</b> <span style="opacity:.7">{escape(about)}</span></div>'


def _line(text) -> str:
    return f"<div>{escape(text)}</div>"


def _warned(history) -> list[str]:
    """What looks wrong in the prices, the most harmful first."""
    first, more = history.warnings[:WARNINGS], len(history.warnings) - WARNINGS
    return [*map(_line, first), *([_line(f"{words.count(more)} more in history.warnings")] if more > 0 else [])]


def _items(texts, summary) -> str:
    texts = list(texts)
    listed = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<details><summary>{summary} ({len(texts)})</summary><ul>{listed}</ul></details>" if texts else ""


def _table(head: list[str], rows: Mapping[str, list[str]]) -> str:
    names = "".join(f'<th style="text-align:right">{escape(name)}</th>' for name in head)
    body = "".join(f'<tr><th style="text-align:left">{escape(name)}</th>'
                   + "".join(f'<td style="text-align:right;white-space:nowrap">{escape(cell)}</td>' for cell in cells) + "</tr>"
                   for name, cells in rows.items())
    return f'<table style="font-size:inherit">' f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
