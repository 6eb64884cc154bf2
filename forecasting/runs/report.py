"""A run as one HTML page that needs nothing but a browser: no network, no server, no other file.

Its charts are interactive: Plotly's own code is a part of the page, once, and a policy in the page's head forbids it to load
anything. It follows the theme of the reader's system and is printed light. Every text that is not written here is escaped.
"""

from __future__ import annotations

import html
import json
import re

import pandas as pd

from forecasting.data.history import PriceHistory
from forecasting.evaluation.causes import diagnose
from forecasting.evaluation.diagnostics import part_of
from forecasting.evaluation.judgement import judge
from forecasting.evaluation.learning import learnt_words, predicted_words
from forecasting.evaluation.scores import SCORES, shown_in
from forecasting.evaluation.verdict import direction_words, gate_words
from forecasting.model.config import RECOMMENDED
from forecasting.model.split import describe_split
from forecasting.plots import CONFIG, colours, describe, forecast_fan, loss_chart, prediction_chart
from forecasting.plots.sampling import span
from forecasting.words import UNKNOWN, count, count_of, date, dates, duration, percent, price, share, unit

__all__ = ["html_report"]

PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}
MARKS = {"better": "✔", "worse": "▼", "invalid": "✖"}  # so that a verdict is not told by its colour alone
PRINT_WIDTH = 680  # pixels of a chart on paper

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = """
:root { color-scheme: light dark; LIGHT }
@media (prefers-color-scheme: dark) { :root { DARK } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 "Source Sans", "Source Sans Pro", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem; }
.quiet, .tile small, caption, footer { color: var(--muted); }
.quiet { margin: .2rem 0 1.2rem; overflow-wrap: anywhere; }
.verdict { border-left: 4px solid var(--line); background: var(--surface); padding: .8rem 1rem; border-radius: 6px; }
.verdict p { margin: .3rem 0 0; }
.better { border-color: var(--good); } .worse, .invalid { border-color: var(--bad); }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem 2.5rem; margin: 1.2rem 0; }
.tile b { display: block; font-size: 1.7rem; font-weight: 600; line-height: 1.2; }
.chart { min-width: 0; break-inside: avoid; margin: .6rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .8rem; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.words td, .words th { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
.words th { font-weight: 400; color: var(--muted); min-width: 7rem; }
.changed td { font-weight: 600; }
.columns { columns: 2 20rem; }
.columns table { width: 100%; }
tr { break-inside: avoid; }
code { font-size: .9em; overflow-wrap: anywhere; }
footer { margin-top: 2.5rem; font-size: .9rem; }
@media print {
  :root { color-scheme: light; LIGHT }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
}
"""
_SCRIPT = """
const figures = FIGURES, config = CONFIG, dark = matchMedia("(prefers-color-scheme: dark)");
function draw(isDark, width) {
  for (const [name, [light, night]] of Object.entries(figures)) {
    const { data, layout } = isDark ? night : light;
    Plotly.react(name, data, { ...layout, width }, config);
  }
}
draw(dark.matches);
dark.addEventListener("change", () => draw(dark.matches));
addEventListener("beforeprint", () => draw(false, PRINT_WIDTH));
addEventListener("afterprint", () => draw(dark.matches));
"""


def html_report(result, forecast: pd.DataFrame | None, versions: dict[str, str]) -> str:
    """The page.

    result: a `TrainingResult`; forecast: from `forecasts.one_forecast`, or None if there is none
    versions: {library: version} to name
    """
    history, test = result.history, result.metrics["test"]
    judged, beside = judge(result.predictions, test, frequency=history.frequency, currency=history.currency,
                           leak=result.config.leak)
    figures = _figures(result, forecast)
    cells = f"{result.config.cell} {' + '.join(map(str, result.config.units))}"
    parts = [
        f"<h1>{_escape(history.name)}</h1>",
        f'<p class="quiet">{_escape(_series_words(history))}<br>{_escape(cells)}, window {result.config.window}, horizon '
        f"{result.config.horizon}, target {_escape(result.config.target)}, seed {result.config.seed}</p>",
        _verdict(judged, diagnose(result, judged, beside)),
        _tiles(test, history.currency),
        f"<p>{_escape(direction_words(test, unit(history.frequency)) or '')}</p>",
        "<h2>Predictions</h2>", _chart("predictions", figures),
        f"<p><b>Evidence gate.</b> {_escape(_gate_words(result, judged))}</p>",
    ]
    if forecast is not None:
        parts += ["<h2>What comes next</h2>", _chart("forecast", figures), _forecast_table(forecast, history.currency)]
    parts += [
        "<h2>Training</h2>", "" if result.members else _chart("loss", figures),
        f"<p>{_escape(learnt_words(result))} It took {_escape(duration(result.seconds))}.</p>",
        *([f"<p>{_escape(said)}</p>"] if (said := predicted_words(result)) else []),
        "<h2>Scores</h2>", _score_table(result),
        "<p>Only the test part is new to the network: it was fitted to the training part and chosen on validation, which also "
        "set the width of the intervals.</p>",
        "<h2>Settings</h2>", _settings(result.config),
        "<h2>Prices</h2>", _prices(result),
        "<h2>Versions</h2>", _table(versions.items(), "words"),
        "<h2>Again</h2>",
        "<p><code>repeat.py</code> and <code>repeat.ipynb</code> beside this page train the run again. The app's Runs page "
        "opens the zip file that they came in.</p>",
        "<footer>What a network expects of a price is no advice to buy or sell. A skill of 0 is the naive forecast, which "
        "repeats the last known price.</footer>",
    ]
    return _page(f"{history.name}: LSTM price forecast", "\n".join(parts), figures)


def _escape(text: str) -> str:
    """`text` as HTML shows it literally, with no line break before a % sign."""
    return html.escape(re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", text))


def _page(title: str, body: str, figures: dict) -> str:
    from plotly.offline import get_plotlyjs

    style = _STYLE.replace("LIGHT", _variables(dark=False)).replace("DARK", _variables(dark=True))
    pairs = {name: [json.loads(figure.to_json()) for figure in both] for name, both in figures.items()}
    script = (_SCRIPT.replace("FIGURES", _for_script(pairs)).replace("CONFIG", _for_script(CONFIG))
              .replace("PRINT_WIDTH", str(PRINT_WIDTH)))
    return (f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{_escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
            f"<script>{get_plotlyjs()}</script>\n<script>{script}</script>\n</body>\n</html>\n")


def _for_script(values) -> str:
    """JSON that cannot end the script that it stands in."""
    text = json.dumps(values, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _variables(dark: bool) -> str:
    c = colours(dark)
    page, surface = ("#12171e", "#1c232d") if dark else ("#ffffff", "#f3f5f8")
    named = {"page": page, "surface": surface, "text": c.text, "muted": c.muted, "grid": c.grid, "line": c.naive,
             "good": c.train, "bad": c.accent}
    return " ".join(f"--{name}: {value};" for name, value in named.items())


def _figures(result, forecast) -> dict[str, list]:
    """{name: [light figure, dark figure]}. Plotly reads tags in a text, so the currency is escaped for it too."""
    history = result.history
    currency = history.currency and html.escape(history.currency)
    both = (False, True)
    figures = {
        "predictions": [_prediction_chart(result.predictions, dark, currency) for dark in both],
    }
    if not result.members:
        figures["loss"] = [loss_chart(result.curve, result.best_epoch, dark=dark) for dark in both]
    if forecast is not None:
        figures["forecast"] = [forecast_fan(history.frame["Close"], forecast, dark=dark, currency=currency) for dark in both]
    return figures


def _prediction_chart(predictions: pd.DataFrame, dark: bool, currency):
    """All predictions, opened at the test part; its buttons lead to the rest."""
    figure = prediction_chart(predictions, dark=dark, currency=currency)
    test = part_of(predictions, "test")
    if len(test):
        figure.update_xaxes(range=[test.index[0], test.index[-1]])
        figure.update_yaxes(range=span(test["actual"], test["lower_95"], test["upper_95"]))
    return figure


def _chart(name: str, figures: dict) -> str:
    figure = figures[name][0]
    # The description holds the currency as it was escaped for Plotly, so only quotes are left to be escaped.
    about = describe(figure).replace('"', "&quot;")
    return f'<div class="chart" id="{name}" role="img" aria-label="{about}" style="min-height: {figure.layout.height}px"></div>'


def _series_words(history: PriceHistory) -> str:
    parts = [history.source, f"{dates(history.dates[0], history.dates[-1])}", count_of(len(history), "row"),
             str(history.frequency), history.currency]
    return " · ".join(part for part in parts if part)


def _verdict(judged, cause) -> str:
    why = f"<p><b>Why:</b> {_escape(cause.sentence)}</p>" if cause else ""
    return (f'<div class="verdict {judged.outcome}"><b>{MARKS.get(judged.outcome, "=")} {_escape(judged.headline)}.</b>'
            f"<p>{_escape(judged.sentence)}</p>{why}</div>")


def _tiles(test: dict, currency) -> str:
    tiles = (("RMSE", price(test["rmse"], currency), f"naive {price(test['naive_rmse'], currency)}"),
             ("MAPE", percent(test["mape"]), f"naive {percent(test['naive_mape'])}"),
             ("Skill", share(test["skill"], signed=True, digits=1), "0 is naive"),
             ("In the 95 % interval", share(test["coverage_95"]), "promised 95 %"))
    shown = (f'<div class="tile">{label}<b>{_escape(value)}</b><small>{_escape(below)}</small></div>'
             for label, value, below in tiles)
    return f'<div class="tiles">{"".join(shown)}</div>'


def _gate_words(result, judged) -> str:
    return gate_words(result.gate, result.best_epoch, judged, epochs=len(result.curve))


def _score_table(result) -> str:
    currency = result.history.currency
    rows = [(SCORES[name].label, *(SCORES[name].show(name, result.metrics[part], currency) for part in PARTS))
            for name in shown_in("parts")]
    return _table(rows, head=("", *PARTS.values()))


def _forecast_table(forecast: pd.DataFrame, currency) -> str:
    rows = [(date(day), price(row["predicted"], currency), price(row["naive"], currency),
             *(f"{price(row[f'lower_{level}'])} – {price(row[f'upper_{level}'])}" for level in (80, 95)))
            for day, row in forecast.iterrows()]
    return (_table(rows, head=("Date", "Predicted", "Naive", "80 % interval", "95 % interval"))
            + "<p>Guarded: it departs from the naive forecast only as far as the evidence allows. Days after the last row have "
            "no test; the scores above are those of the test part.</p>")


def _settings(config) -> str:
    """Every setting under its name in `ForecastConfig`, those that differ from *Recommended* in bold."""
    usual = RECOMMENDED.to_dict()
    rows = "".join(f"<tr{' class=changed' if value != usual[name] else ''}><th>{_escape(name)}</th>"
                   f"<td>{_escape(_value(value))}</td></tr>" for name, value in config.to_dict().items())
    return (f'<div class="columns words"><table>{rows}</table></div>'
            "<p>In bold: what differs from the recommended settings.</p>")


def _value(value) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "none" if value is None else str(value)


def _prices(result) -> str:
    history = result.history
    spans = describe_split(history, result.config).spans
    rows = [("Source", history.source), ("Currency", history.currency or UNKNOWN), ("Spacing", str(history.frequency)),
            ("Fingerprint", history.fingerprint),
            *((PARTS[name], f"{dates(span.start, span.end)}, {count(span.rows)} rows" if span.rows else UNKNOWN)
              for name, span in spans.items()),
            *(("Note", note) for note in history.notes), *(("Warning", warning) for warning in history.warnings)]
    return _table(rows, "words")


def _table(rows, kind: str = "", head=()) -> str:
    """A table of texts, which are escaped. kind: 'words' for pairs of a name and a text"""
    first = "th" if kind == "words" else "td"
    top = f"<thead><tr>{''.join(f'<th>{_escape(name)}</th>' for name in head)}</tr></thead>" if head else ""
    lines = "".join(f"<tr><{first}>{_escape(name)}</{first}>{''.join(f'<td>{_escape(cell)}</td>' for cell in cells)}</tr>"
                    for name, *cells in rows)
    return f'<div class="wide {kind}"><table>{top}<tbody>{lines}</tbody></table></div>'
