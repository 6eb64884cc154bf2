"""Several trainings beside each other, on the test days that all of them share, and which of them is better in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting import words
from forecasting.equal import equal_fields
from forecasting.errors import ConfigError
from forecasting.evaluation.comparison import MIN_DAYS, compare_forecasts, holm, memory_of
from forecasting.evaluation.diagnostics import part_of
from forecasting.evaluation.differences import NAIVE, differing_settings, facts_of, names_in_words
from forecasting.evaluation.intervals import LEVELS
from forecasting.evaluation.metrics import Undefined, rmse
from forecasting.evaluation.scores import SCORES, scores, shown_in
from forecasting.evaluation.verdict import SIGNIFICANT

__all__ = ["FEWEST", "MOST", "NAIVE", "Entry", "Pair", "Ranking", "compare"]

FEWEST, MOST = 2, 8
# Another seed moves equal settings too, so a difference counts only if it is larger than this share of what the runs gain or
# lose against naive; and where the better one is not proven better than naive, if the other's RMSE is this many times as
# large, since what two runs that know nothing differ by is how far their seeds led them astray. Chosen on 213 pairs of runs
# on simulated series that differ by nothing but their seed: of these 1 is called better, and 54 by interval and test alone.
# `benchmarks/compare.py` measures it on other series.
SEEDS, GROSS = 1 / 3, 1.5
_SAME_PRICE = 1e-9  # prices that a file has rounded differently are the same; an adjusted price is not


@dataclass(frozen=True, eq=False)
class Entry:
    """One forecaster among those compared.

    scores: of `SCORES`, on the shared days; reasons: {score: why it is None}; both empty where it has none of these days
    predicted: on its own test days
    days: how many of these it has; own_naive_rmse: of the naive forecast on them
    invalid: why its scores mean nothing (leak lab), or None
    problem: why it is not ranked, a sentence; '' where it is
    """

    name: str
    scores: dict
    reasons: dict
    predicted: pd.Series
    days: int
    own_naive_rmse: float | None
    invalid: str | None = None
    problem: str = ""

    __eq__ = equal_fields

    @property
    def ranked(self) -> bool:
        return not self.problem

    @property
    def comparable(self) -> bool:
        """Whether it is about the shared days at all, ranked or invalid."""
        return bool(self.scores)


@dataclass(frozen=True)
class Pair:
    """One forecast beside another on the shared days.

    change: by which share its RMSE is lower than the other's, negative where it is higher; interval: the 95 % one of that
    p_value: of a two-sided Diebold-Mariano test; corrected: by Holm's method for all `tests` of its family
    doubt: why a difference that is more than luck of the days is not one of the settings: 'naive' (both lose to the naive
        forecast), 'seeds' (another seed may move them as far), or ''
    outcome: 'better', 'worse', 'unproven', 'same' (the same forecasts), 'undefined'
    sentence: the outcome with its numbers
    """

    name: str
    other: str
    change: float | None = None
    interval: tuple[float, float] | None = None
    statistic: float | None = None
    p_value: float | None = None
    corrected: float | None = None
    tests: int = 1
    doubt: str = ""
    outcome: str = "undefined"
    sentence: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Ranking:
    """Several runs compared.

    entries: the naive forecast first, then the runs in the order that was given
    reference: the name of the entry that the others are compared with
    days: the test days that all ranked runs share; actual, naive: the prices on them
    pairs: {name: Pair} of every other ranked run with the reference; beside_naive: {name: Pair} of every ranked run
    headline: the answer in a few words; answers: with its numbers, a sentence for each pair and one about naive
    notes: what to know about it, a sentence each
    settings: the fields of ForecastConfig that differ; configs, facts: {name: settings}, {name: what else it was made with}
    """

    entries: tuple[Entry, ...]
    reference: str
    days: pd.DatetimeIndex
    actual: pd.Series
    naive: pd.Series
    pairs: dict[str, Pair]
    beside_naive: dict[str, Pair]
    headline: str
    answers: tuple[str, ...]
    notes: tuple[str, ...]
    settings: tuple[str, ...]
    configs: dict
    facts: dict[str, dict[str, str]]
    currency: str | None
    unit: str

    __eq__ = equal_fields

    def __repr__(self) -> str:
        return f"Ranking({self.headline!r}, of {', '.join(self.names)} on {words.count_of(len(self.days), self.unit)})"

    def _repr_html_(self) -> str:
        from forecasting.notebook import ranking_html

        return ranking_html(self)

    @property
    def sentence(self) -> str:
        """The answer in words."""
        return " ".join(self.answers)

    def entry(self, name: str) -> Entry:
        return next(entry for entry in self.entries if entry.name == name)

    @property
    def differ_in_prices(self) -> bool:
        return len({facts["Fingerprint"] for facts in self.facts.values()}) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """The runs, without the naive forecast."""
        return tuple(entry.name for entry in self.entries[1:])

    @property
    def problems(self) -> dict[str, str]:
        """{name: why it is not ranked}."""
        return {entry.name: entry.problem for entry in self.entries if entry.problem}

    @property
    def table(self) -> pd.DataFrame:
        """Scores on the shared days, a row each: naive, the ranked runs from the best RMSE on, then the others."""
        naive, *runs = self.entries
        runs.sort(key=lambda one: (not one.ranked, one.scores.get("rmse", np.inf)))
        columns = [name for name in shown_in("compared") if SCORES[name].compute is not None]
        return pd.DataFrame([{name: one.scores.get(name) for name in columns} for one in (naive, *runs)],
                            index=[one.name for one in (naive, *runs)], columns=columns)


def compare(results: Sequence | Mapping, names: Sequence[str] | None = None, reference: str | None = None) -> Ranking:
    """Which of two to eight trainings forecasts better, and whether that is more than luck.

    results: `TrainingResult`s, or {name: TrainingResult}
    names: what to call them; by default after the settings in which they differ
    reference: the name of the one that the others are compared with, or 'Naive'; by default the first that can be ranked
    Raises ConfigError for too few or too many results, and for a name that is not one of them.

    Judged on the test days that all of them share, one step ahead. Runs on other prices, in another currency, or without
    enough shared days are not ranked; nor are those of the leak lab. One is called better only if the interval of the
    difference and the Diebold-Mariano test, corrected by Holm's method where there are several, agree; if it is not worse
    than naive itself; and if the difference is larger than another seed may make it (`SEEDS`, `GROSS`).
    """
    if not isinstance(results, Iterable):
        raise ConfigError(f"compare takes a list or dict of results. Received: {words.with_article(type(results).__name__)}. "
                          "Call compare([result, other]) or compare({'name': result, ...}).")
    if isinstance(results, Mapping):
        names, results = (list(map(str, results)) if names is None else names), list(results.values())
    results = list(results)
    wrong = [one for one in results if not (hasattr(one, "predictions") and hasattr(one, "history"))]
    if wrong:
        raise ConfigError(f"compare takes the results of trainings. Received: {words.with_article(type(wrong[0]).__name__)} "
                          "among them. Call compare([train(history, config), train(history, other)]).")
    if not FEWEST <= len(results) <= MOST:
        raise ConfigError(f"{FEWEST} to {MOST} runs can be compared. Received: {len(results)}.")
    if names is None:
        names = names_in_words(results, [result.history.name for result in results])
    names = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else [names]
    if not all(isinstance(name, str) for name in names):
        raise ConfigError("names must be a list of texts, one for each result. Received: "
                          f"{', '.join(words.with_article(type(name).__name__) for name in names)[:100]}.")
    if len(names) != len(results) or len({*names, NAIVE}) != len(names) + 1:
        raise ConfigError(f"Every run needs a name of its own, and not '{NAIVE}'. Received: {names}.")
    known = dict(zip(names, results, strict=True))
    pinned = _reference(reference, known)
    tests = {name: part_of(result.predictions, "test") for name, result in known.items()}
    problems, days, leader = _comparable(known, tests, pinned)
    pinned = pinned or (NAIVE if problems[leader] else leader)
    rows = tests[leader].loc[days]
    entries = [_naive_entry(rows), *(_entry(name, known[name], tests[name], rows["actual"], problems[name]) for name in names)]
    ranked = {entry.name: entry.predicted for entry in entries if entry.ranked}
    pairs = _family(rows, [(name, pinned) for name in ranked if pinned in ranked and name not in (pinned, NAIVE)], ranked)
    beside_naive = _family(rows, [(name, NAIVE) for name in ranked if name != NAIVE], ranked)
    found = Ranking(
        entries=tuple(entries), reference=pinned, days=days, actual=rows["actual"], naive=rows["naive"], pairs=pairs,
        beside_naive=beside_naive, headline="", answers=(), notes=(),
        settings=differing_settings([result.config for result in results]),
        configs={name: result.config for name, result in known.items()},
        facts={name: facts_of(result) for name, result in known.items()}, currency=known[leader].history.currency,
        unit=words.unit(known[leader].history.frequency))
    return replace(found, headline=_headline(found), answers=_answers(found), notes=_notes(found))


def _reference(reference, known):
    """The name that was asked for, if it can be one, or None."""
    if reference is None:
        return None
    if reference not in (NAIVE, *known):
        raise ConfigError(f"reference must be the name of one of the runs, or '{NAIVE}'. Received: {str(reference)[:60]!r}.")
    if reference != NAIVE and known[reference].invalid:
        raise ConfigError("An invalid run cannot be the reference. Choose an honest one, or the naive forecast. "
                          f"Received: reference={reference!r}.")
    return reference


def _comparable(known, tests, pinned):
    """({name: why it is not ranked, or ''}, the days that all ranked runs share, the run that the others have to fit).

    Runs are taken in their order, the pinned one first, each if it has the prices of those before it.
    """
    problems, days, leader = dict.fromkeys(known, ""), None, None
    for name in sorted(known, key=lambda one: one != pinned):
        result, test = known[name], tests[name]
        if result.invalid:
            problems[name] = result.invalid
        elif not len(test):
            problems[name] = "It has no test days."
        elif leader is None:
            leader, days = name, test.index
        else:
            problems[name], days = _join(known[leader].history, tests[leader], result.history, test, days, leader)
    if leader is None:  # nothing but leaks: their days, so that they can be laid beside each other
        leader = next((name for name, test in tests.items() if len(test)), next(iter(tests)))
        days = tests[leader].index
    return problems, days, leader


def _join(first, first_test, history, test, days, leader):
    """(why this run cannot be compared with the first, or ''; the days that are shared then)."""
    if None not in (first.currency, history.currency) and first.currency != history.currency:
        return f"Its prices are in {history.currency}, those of {leader} in {first.currency}.", days
    shared, unit = days.intersection(test.index), words.unit(first.frequency)
    if len(shared) < min(MIN_DAYS, len(days)) or not len(shared):
        if history.name != first.name:
            return f"It is about another series, {history.name} instead of {first.name}.", days
        if not len(shared):
            return (f"Its test part, {_span(test.index)}, shares no {unit} with those of the runs before it, "
                    f"{_span(days)}."), days
        return (f"Its test part, {_span(test.index)}, shares only {words.count_of(len(shared), unit)} with those of the runs "
                f"before it; it takes {MIN_DAYS}."), days
    differ = int((~_same(test.loc[shared, "actual"], first_test.loc[shared, "actual"])).sum())
    if differ:
        if history.name != first.name:
            return f"It is about another series, {history.name} instead of {first.name}.", days
        return (f"Its prices are not those of {leader}: they differ on {words.count(differ)} of "
                f"{words.count_of(len(shared), f'shared {unit}')}, as after a dividend or a "
                "correction."), days
    return "", shared


def _same(prices, others):
    return np.isclose(prices, others, rtol=_SAME_PRICE, atol=0)


def _span(days):
    return words.dates(days[0], days[-1])


def _naive_entry(rows) -> Entry:
    values, reasons = scores(rows["actual"], rows["naive"], rows["naive"]) if len(rows) else ({}, {})
    return Entry(NAIVE, values, reasons, rows["naive"], len(rows), values.get("rmse"))


def _entry(name, result, test, actual, problem) -> Entry:
    """actual: the prices on the shared days; problem: why it is not ranked. A run on other prices has no scores here."""
    rows, days = test.loc[test.index.intersection(actual.index)], actual.index
    if not (problem == "" or result.invalid) or not _same(rows["actual"], actual[rows.index]).all():
        rows = rows.iloc[:0]
    values: dict = {}
    reasons: dict = {}
    if len(rows):
        intervals = {level: (rows[f"lower_{level * 100:g}"].to_numpy(), rows[f"upper_{level * 100:g}"].to_numpy())
                     for level in LEVELS}
        values, reasons = scores(rows["actual"].to_numpy(), rows["predicted"].to_numpy(), rows["naive"].to_numpy(), intervals)
    if result.invalid and 0 < len(rows) < len(days):  # windows that were shuffled
        problem = f"{problem} It has {words.count(len(rows))} of the {words.count(len(days))} test days that the others share."
    own = rmse(test["actual"], test["naive"]) if len(test) else None
    return Entry(name, values, reasons, test["predicted"], len(test), own, result.invalid, problem)


def _family(rows, pairs, predicted) -> dict[str, Pair]:
    """Every (name, other), tested on the same rows, with p-values corrected for the number of tests."""
    made = [_pair(name, other, rows, predicted) for name, other in pairs]
    corrected = holm([pair.p_value for pair in made])
    tests = sum(pair.p_value is not None for pair in made)
    return {pair.name: _judged(replace(pair, corrected=value, tests=tests))
            for pair, value in zip(made, corrected, strict=True)}


def _pair(name, other, rows, predicted) -> Pair:
    actual, naive, ours, theirs = (values.loc[rows.index].to_numpy() for values in
                                   (rows["actual"], rows["naive"], predicted[name], predicted[other]))
    if np.array_equal(ours, theirs):
        return Pair(name, other, change=0.0, outcome="same")
    try:
        lags = memory_of(actual, ours, theirs)
    except Undefined:
        return Pair(name, other)
    found = compare_forecasts(actual, ours, theirs, lags=lags)
    pair = Pair(name, other, found.skill, found.interval, found.statistic, found.p_value)
    if NAIVE in (name, other) or found.skill is None or found.interval is None:
        return pair
    return replace(pair, doubt=_doubt(actual, naive, *((ours, theirs) if found.skill >= 0 else (theirs, ours))))


def _doubt(actual, naive, winner, loser) -> str:
    """`Pair.doubt`."""
    # A run that is the naive forecast itself has an interval of (0, 0) and no test.
    beside = compare_forecasts(actual, winner, naive, lags=memory_of(actual, winner, naive))
    low, high = beside.interval or (0.0, 0.0)
    if high < 0:
        return "naive"
    best, worst, usual = (rmse(actual, one) for one in (winner, loser, naive))
    knows = low > 0 and beside.p_value is not None and beside.p_value < SIGNIFICANT
    if worst - best <= SEEDS * max(abs(best - usual), abs(worst - usual)) or not (knows or worst > GROSS * best):
        return "seeds"
    return ""


def _judged(pair: Pair) -> Pair:
    """The pair with its outcome and sentence."""
    if pair.outcome == "same":
        return replace(pair, sentence=f"{_called(pair.name)} makes the same forecasts as {_called(pair.other)}.")
    if pair.change is None:
        return replace(pair, sentence=f"{_called(pair.name)} and {_called(pair.other)} cannot be compared: one makes no error.")
    if pair.interval is None or pair.corrected is None:
        return replace(pair, outcome="unproven",
                       sentence=f"{_change_words(pair)}: too few days to tell whether that is more than luck.")
    low, high = pair.interval
    shown, test = f"{_change_words(pair)} ({_interval_words(pair)}", f"Diebold-Mariano test {words.p_value(pair.corrected)}"
    if pair.tests > 1:
        test += f", corrected for {pair.tests} comparisons"
    if low <= 0 <= high:
        return replace(pair, outcome="unproven", sentence=f"{shown}): no difference is proven.")
    if pair.corrected >= SIGNIFICANT:
        return replace(pair, outcome="unproven",
                       sentence=f"{shown}), but a {test} does not confirm it: no difference is proven.")
    if pair.doubt:
        return replace(pair, outcome="unproven", sentence=f"{shown}; {test}), but {_DOUBTS[pair.doubt]}")
    return replace(pair, outcome="better" if low > 0 else "worse", sentence=f"{shown}; {test}).")


_DOUBTS = {
    "naive": "both are worse than the naive forecast, so that neither is recommended: no difference is proven.",
    "seeds": "another seed may move such networks as far: no difference is proven. Train both with several seeds.",
}


def _called(name):
    return "the naive forecast" if name == NAIVE else name


def _digits(pair):
    """Decimals, in percent: two where the difference would read as zero with one."""
    return 1 if abs(pair.change) >= 0.0005 else 2


def _change_words(pair):
    side = "better" if pair.change >= 0 else "worse"
    return (f"{_called(pair.name)} is {words.share(abs(pair.change), digits=_digits(pair))} {side} than "
            f"{_called(pair.other)}")


def _interval_words(pair):
    """In the direction of the words: an interval of 'worse' is turned round."""
    low, high = pair.interval if pair.change >= 0 else (-pair.interval[1], -pair.interval[0])
    digits = _digits(pair)
    return f"95 % interval {words.share(low, digits=digits)} to {words.share(high, digits=digits)}"


def _headline(found: Ranking) -> str:
    """Who is proven better than the reference, and than whom it is."""
    better, worse = ([name for name, pair in found.pairs.items() if pair.outcome == outcome] for outcome in ("better", "worse"))
    parts, rival = [], _called(found.reference)
    if better:
        parts.append(f"{_listed(better)} {'is' if len(better) == 1 else 'are'} better than {rival}")
    if worse:
        parts.append(f"{rival} is better than {_listed(worse)}")
    if parts:
        return _capital("; ".join(parts))
    return "No difference is proven" if found.pairs else "There is nothing to rank"


def _answers(found: Ranking) -> tuple[str, ...]:
    """Every pair, what is proven first; then whether any run is better than naive."""
    order = ("better", "worse", "unproven", "same", "undefined")
    pairs = sorted(found.pairs.values(), key=lambda pair: (order.index(pair.outcome), -(pair.change or 0.0)))
    sentences = [_capital(pair.sentence) for pair in pairs]
    ranked = [entry for entry in found.entries[1:] if entry.ranked]
    if not ranked:
        return ("None of these runs can be ranked.",)
    if len(ranked) == 1:
        sentences.append(f"{ranked[0].name} is the only one of these runs that can be ranked.")
    if found.reference != NAIVE:
        sentences.append(_naive_words(found.beside_naive))
    return tuple(sentences)


def _naive_words(beside):
    better, worse = ([name for name, pair in beside.items() if pair.outcome == outcome] for outcome in ("better", "worse"))
    parts = []
    if better:
        parts.append(f"{_listed(better)} {'is' if len(better) == 1 else 'are'} better than the naive forecast")
    else:
        parts.append("None of them is proven better than the naive forecast" if len(beside) > 1 else
                     f"{next(iter(beside))} is not proven better than the naive forecast")
    if worse:
        parts.append(f"{_listed(worse)} {'is' if len(worse) == 1 else 'are'} worse than it")
    return "; ".join(parts) + "."


def _capital(text):
    """A sentence that begins with the naive forecast; names stay as they are."""
    return f"The{text[3:]}" if text.startswith(_called(NAIVE)) else text


def _listed(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _notes(found: Ranking) -> tuple[str, ...]:
    notes, unit = [], found.unit
    ranked = [entry for entry in found.entries[1:] if entry.ranked]
    if len({entry.days for entry in ranked}) > 1:
        alike: dict[tuple, list[str]] = {}
        for entry in ranked:
            alike.setdefault((entry.days, words.price(entry.own_naive_rmse, found.currency)), []).append(entry.name)
        each = "; ".join(f"{_listed(names)} {'was' if len(names) == 1 else 'were'} tested on {words.count_of(days, unit)}, "
                         f"where the naive forecast's RMSE is {naive}" for (days, naive), names in alike.items())
        notes.append(f"The test parts differ, so the scores on the runs' own pages do not compare: {each}. That says how "
                     f"restless those {unit}s were. Here all are judged on the {words.count_of(len(found.days), unit)} that "
                     f"they share, where it is {words.price(found.entries[0].scores.get('rmse'), found.currency)}.")
    elif len(ranked) > 1 and any(entry.days > len(found.days) for entry in ranked):
        notes.append(f"The test parts are not on the same {unit}s; all are judged on the "
                     f"{words.count_of(len(found.days), unit)} that they share.")
    if len(ranked) > 1 and set(differing_settings([found.configs[entry.name] for entry in ranked])) == {"seed"}:
        notes.append("These runs differ by nothing but their seed: which of them is ahead says nothing about the settings.")
    elif any(pair.outcome in ("better", "worse") and NAIVE not in (pair.name, pair.other) for pair in found.pairs.values()):
        notes.append("This is about these trainings. Whether their settings differ by more than their seeds do takes several "
                     "seeds of each.")
    return tuple(notes)
