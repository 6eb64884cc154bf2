"""Names of months and weekdays in the languages of price files: English at hand, all others from CLDR when first needed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from forecasting.data.files.vocabulary import plain

__all__ = ["is_weekday", "month_number", "months_in", "quarter_number", "words_in"]

# What is common stands in front: a word of two languages is read in the first of them that knows the column's other words.
_CODES = """en de fr es it pt nl pl ru sv da nb nn fi cs sk tr hu ro el uk bg et lv lt sl ca gl eu id ms is
    sr_Latn sr mk be hr sq af ga cy az kk ka hy he ar fa hi bn th sw fil uz de_AT"""
LANGUAGES = tuple(_CODES.split())
_ENGLISH_MONTHS = "january february march april may june july august september october november december"
_ENGLISH = {"en": dict(enumerate(_ENGLISH_MONTHS.split(), start=1))}
# What CLDR leaves out: spellings without umlauts and abbreviations that begin no name.
_MORE = {"de": {1: "jaenner", 2: "feber", 3: "maerz mrz"}, "nl": {3: "mrt"}}
_ENGLISH_DAY_WORDS = """mon tue tues wed weds thu thur thurs fri sat sun
    monday tuesday wednesday thursday friday saturday sunday"""
_ENGLISH_DAYS = set(_ENGLISH_DAY_WORDS.split())
_MORE_DAYS = "sonnabend lun mar mer jeu ven sam dim mie jue vie sab dom gio pn wt sr czw pt sob nd feira mo di mi do fr sa so"
_SHORTEST = 3  # letters that may stand for the name of a month
_BREAKS = r"\d\s!-/:-@\[-`{-~、，。・（）\u2018\u2019"  # whatever else stands side by side is one word, vowel signs and all
_WORD = re.compile(rf"[^{_BREAKS}]+")
_QUARTER = re.compile(r"(?:q|qtr|quarter|quartal|t|trim|trimestre) ?([1-4])|([1-4]) ?(?:q|qtr|t|trim|trimestre)")


def normal(text: str) -> str:
    """`text` in one width, without the signs that say which way it runs."""
    return re.sub("[\u200e\u200f\u061c]", "", unicodedata.normalize("NFKC", text)).replace("’", "'").strip()


def words_in(text: str) -> list[str]:
    return _WORD.findall(text)


def month_number(word: str) -> int | None:
    """3 for 'Mar', 'März', 'marzo', 'марта'; None for a word that is no month."""
    word = _bare(word)
    if word in _ENGLISH_DAYS or len(word) < _SHORTEST:
        return None
    return next(iter((_english().get(word) or _of_all_languages()[0].get(word, {})).values()), None)


def quarter_number(name: str) -> int | None:
    """3 for 'Q3', 'Qtr3', '3Q', 'T3'; None for a name that is no quarter."""
    match = _QUARTER.fullmatch(plain(name))
    return int(match[1] or match[2]) if match else None


def is_weekday(word: str) -> bool:
    word = _bare(word)
    return word in _ENGLISH_DAYS or word in _of_all_languages()[1]


def months_in(words: Iterable[str]) -> tuple[dict[str, int], str]:
    """(the month of each of a column's words that is one; what to say where another language means another month).

    The languages that know most of the words decide: 'listopada' is October beside the Croatian 'studenoga'.
    """
    bare = {word: _bare(word) for word in words}
    english = {word: next(iter(known.values())) for word, key in bare.items() if (known := _english().get(key))}
    if all(word in english or bare[word] in _ENGLISH_DAYS for word in bare):
        return english, ""
    found = {word: known for word, key in bare.items() if (known := _of_all_languages()[0].get(key))}
    known_by = {language: sum(language in known for known in found.values()) for language in LANGUAGES}
    ranked = sorted(LANGUAGES, key=lambda language: -known_by[language])  # stable: the common ones first
    months = {word: next(known[language] for language in ranked if language in known) for word, known in found.items()}
    for word, known in found.items():
        for language in known:
            if known[language] != months[word] and known_by[language] == known_by[ranked[0]] == len(found):
                return months, (f"“{word}” was read as month {months[word]}, as in {_name_of(ranked[0])}; in "
                                f"{_name_of(language)} it is month {known[language]}.")
    return months, ""


@lru_cache(maxsize=4096)
def _bare(word: str) -> str:
    """`word` without capitals, accents and punctuation; the vowel signs of Indian scripts and of Thai stay."""
    word = unicodedata.normalize("NFKD", word.casefold().replace("ı", "i").replace("ł", "l").replace("ø", "o"))
    kept = [c for c in word if unicodedata.category(c)[0] in "LM" and not unicodedata.combining(c)]
    return unicodedata.normalize("NFC", "".join(kept))


@lru_cache(maxsize=1)
def _english() -> dict[str, dict[str, int]]:
    return _by_word(_ENGLISH)


@lru_cache(maxsize=1)
def _of_all_languages() -> tuple[dict[str, dict[str, int]], set[str]]:
    """(word -> language -> month, words of weekdays), languages in the order of `LANGUAGES`; takes a quarter of a second."""
    from babel import Locale

    months, days = {}, {_bare(day) for day in _MORE_DAYS.split()}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        names = {month: [_MORE.get(language, {}).get(month, "")] for month in range(1, 13)}
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for month, name in locale.months[context][width].items():
                    names[month].append("" if re.search(r"\d|月|월", name) else re.split(r"[\s'’]", name.strip())[-1])
                days.update(_bare(word) for day in locale.days[context][width].values() for word in words_in(day))
        months[language] = {month: " ".join(spellings) for month, spellings in names.items()}
    return _by_word(months), {day for day in days if len(day) > 1}


def _by_word(languages: dict[str, dict[int, str]]) -> dict[str, dict[str, int]]:
    """Word -> language -> month, for the names and for the beginnings that in their language are those of one month."""
    known: dict[str, dict[str, int]] = {}
    for shortened in (False, True):  # whole names stand in front
        for language, names in languages.items():
            months_of: dict[str, set[int]] = {}
            for word, month in ((_bare(word), month) for month, words in names.items() for word in words.split()):
                for end in range(_SHORTEST, len(word)) if shortened else (len(word),):
                    months_of.setdefault(word[:end], set()).add(month)
            for word, months in months_of.items():
                if len(months) == 1:
                    known.setdefault(word, {}).setdefault(language, *months)
    return known


def _name_of(language: str) -> str:
    from babel import Locale

    return Locale.parse(language).get_display_name("en") or language
