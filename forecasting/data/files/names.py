"""What the name of a column says: what the column holds, whose it is, and in which currency."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from forecasting.data.files.vocabulary import CURRENCIES, FILLERS, ROLES, SIGNS, plain
from forecasting.data.files.wording import shown

__all__ = ["BARS", "CLOSES", "Column", "is_date_name", "name_columns", "said_by", "unnumbered"]

CLOSES = ("close", "settle", "last", "price")
BARS = {"open", "high", "low", *CLOSES, "volume", "adj close", "adj open", "adj high", "adj low", "adj volume"}
_NAME_LENGTH, _LONGEST = 80, 200
# Too short or too common to be looked for within a longer name.
_TOO_SHORT = {"o", "h", "l", "c", "v", "y", "max", "min", "first", "son", "slut", "index", "rate", "level", "value",
              "mid", "fix"}
_ALSO_TICKERS = {"C", "H", "L", "LOW", "MA", "N", "NET", "O", "OPEN", "V"}
_NOISE = {"24h", "1d", "day", "daily", *SIGNS}
_DATE_WORDS = {"date", "datetime", "timestamp", "datum", "fecha"}
# In front of 'price', these make it something else than what the series did.
_NO_PRICES = {"strike", "target", "stop", "entry", "exit", "limit", "cost", "exercise"}
_ARTICLES = {"de", "d", "del", "della", "di", "du", "da", "do", "la", "le", "l", "el", "the", "of"}
_ZONE_WORDS = {"utc", "gmt", "local", "est", "et", "cet", "stamp"}
# Words that are written as one, or cut short: 'CLOSEP', 'closingprice', 'AdjC', 'OPENPRC'.
_JOINED = re.compile("(adj|adjusted|adjustment|open|opening|high|low|close|closing|last|settle|settlement|trade|traded|trading)"
                     "(price|prices|px|prce|prc|pric|prcs|pr|p|adj|adjusted|close|open|high|low|volume|vol|date|day|[ohlcv])")
_PRICE_WORDS = {"px", "prce", "prc", "pric", "prcs"}
# What was yesterday's: 'Önceki Kapanış', '昨收盘'.
_BEFORE = {"pr", "prev", "previous", "prior", "pre", "prvs", "yesterday", "yesterdays", "onceki", "dun", "vortag", "vortages", "vorheriger",
           "precedente", "precedent", "anterior", "poprzedni", "poprzednie", "vorige", "foregaende", "forrige", "edellinen",
           "предыдущая", "предыдущее"}
_BEFORE_WITHIN = re.compile("^[昨前上]|前日|昨日|전일")
# 'Adjusted' in the languages of exporters and data services, as a word or, in Chinese, Japanese and Korean, within one.
_ADJUSTED = re.compile("adj|adjusted|adjustment|bereinigt(?:er|e|es)?|ajust(?:e|ee|es|ado|ada|ados)|aj|rettificat[oaie]"
                       "|aggiustat[oaie]|gecorrigeerd|aangepaste?|justert|justerade?|justeret|skorygowan[ayeo]|duzeltilmis"
                       "|скорректированн\\w*|скорр")
_ADJUSTED_WITHIN = re.compile("(?:株式分割)?[調调]整(?:後|后|済み|値|值|价|價)*|[前后後]?[复復][权權](?:价|價)?|[还還]原(?:权|權)?|수정")
_SPLIT_WORDS = {"split", "splits", "dividend", "dividends", "and", "for"}
_SIGN = re.compile(r"[€£₹₩₽₺$]|US\$")
_LETTERS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vo": "volume"}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    position: from 0; name: as shown to people, unique in its table
    role: a value of `vocabulary.ROLES`, or None for a name that says nothing
    entity: whose prices they are where the name tells, e.g. 'AAPL' of 'Close AAPL'; else ''
    currency: where the name tells
    """

    position: int
    name: str
    role: str | None = None
    entity: str = ""
    currency: str | None = None


@lru_cache(maxsize=20_000)  # a name is looked at as a line of the file and as a column
def said_by(name: str) -> tuple[str | None, str, str | None]:
    """(role, entity, currency) that a header tells.

    'Close (USD)' -> ('close', '', 'USD'); 'AAPL.Close' -> ('close', 'AAPL', None)
    """
    if not name or len(name) > _LONGEST:
        return None, "", None
    name = unnumbered(re.sub(r"^[#%]\s*(?=\w)|^\d{1,2}[a-z]?\.\s+", "", name))
    if role := ROLES.get(plain(name)):
        return role, "", next((SIGNS.get(sign) for sign in re.findall(_SIGN, name)), None)
    tokens = _tokens(name)
    codes = [token.upper() for token in tokens if token.upper() in CURRENCIES]
    sign = next((SIGNS.get(sign) for sign in re.findall(_SIGN, name)), None)
    code = codes[0] if len(codes) == 1 else None
    bare = [token for token in tokens if token.upper() not in CURRENCIES and token not in _NOISE]
    for rule in (_known, _of_the_day_before, _adjusted, _without_noise, _which_price, _at_the_end, _date_word, _explained, _of_somebody):
        if found := rule(tokens if rule in (_known, _of_somebody) else bare, name):
            role, entity = found
            return role, entity, None if role in ("date", "time") else sign or (code if rule in _SHORTENING else None)
    return None, "", sign


def _tokens(name: str) -> list[str]:
    tokens: list[str] = []
    for token in plain(name).split():
        match = _JOINED.fullmatch(token) if token not in ROLES else None
        tokens += [match[1], "price" if match[2] in {*_PRICE_WORDS, "pr", "p"} else match[2]] if match else [
            "price" if token in _PRICE_WORDS else token]
    return tokens


def _known(tokens: list[str], _name: str):
    role = ROLES.get(" ".join(tokens))
    return (role, "") if role else None


def _of_the_day_before(tokens: list[str], name: str):
    kept = [token for token in tokens if token not in _BEFORE]
    text = _BEFORE_WITHIN.sub("", " ".join(tokens))
    for rest in (kept, text.split()):
        if rest != tokens and rest and (ROLES.get(" ".join(rest)) in BARS or (_which_price(rest, name) or ("",))[0] in BARS):
            return "other", ""
    return None


def _adjusted(tokens: list[str], name: str):
    """'AdjC', '終値調整値', 'Cierre ajustado', 'Kurs bereinigt': the role that is left without the word, adjusted."""
    kept = [token for token in tokens if not _ADJUSTED.fullmatch(token)]
    if len(kept) == len(tokens):
        text = _ADJUSTED_WITHIN.sub(" ", " ".join(tokens))
        if text == " ".join(tokens):
            return None
        kept = text.split()
    kept = [token for token in kept if token not in FILLERS | _ARTICLES | _SPLIT_WORDS or len(kept) == 1]
    role = ROLES.get(" ".join(kept)) or _LETTERS.get("".join(kept)) or ("close" if not kept else None)
    role = role or (inner[0] if (inner := _which_price(kept, name)) else None)
    if role in CLOSES:
        return "adj close", ""
    return (f"adj {role}", "") if role in ("open", "high", "low", "volume") else None


def _without_noise(tokens: list[str], _name: str):
    role = ROLES.get(" ".join(tokens))
    return (role, "") if role else None


def _which_price(tokens: list[str], _name: str):
    """'Precio máximo', 'Cours de clôture': which price it is, says the other word. A letter is a ticker: 'V Price'."""
    which = [token for token in tokens if ROLES.get(token) != "price" and token not in _ARTICLES]
    if not 0 < len(which) < len(tokens) or any(len(token) == 1 and token.isascii() for token in which):
        return None
    role = ROLES.get(" ".join(which))
    return (role, "") if role in BARS else None


def _at_the_end(tokens: list[str], _name: str):
    """'终收盘': Chinese and Japanese write no blanks between words."""
    name = "".join(tokens)
    if not name.isascii():
        for length in range(len(name) - 1, max(1, len(name) - 3), -1):
            if ROLES.get(name[-length:]) == "close":
                return "close", ""
    return None


def _date_word(tokens: list[str], _name: str):
    return ("date", "") if tokens and _DATE_WORDS & {tokens[0], tokens[-1]} else None


def _explained(tokens: list[str], _name: str):
    """Copied from a page together with its explanation: 'Close Close price adjusted for splits.'"""
    for length in (2, 1):
        role = ROLES.get(" ".join(tokens[:length]))
        if len(tokens) > 4 and role in BARS and tokens[length - 1] in tokens[length:]:
            return role, ""
    return None


def _of_somebody(tokens: list[str], name: str):
    """'Close AAPL', 'AAPL.Close', 'Gmt time': a known phrase at either end, and whose it is."""
    ends = [(tokens[:length], tokens[length:]) for length in (3, 2, 1)] + [(tokens[-length:], tokens[:-length]) for length in (3, 2, 1)]
    for phrase, rest in sorted((end for end in ends if end[1]), key=lambda end: -len(end[0])):
        words = " ".join(phrase)
        role, rest = ROLES.get(words), [token for token in rest]
        entity = [token for token in rest if token not in FILLERS]
        if role in ("date", "time") and set(rest) <= FILLERS | _ZONE_WORDS:
            return role, ""
        if role not in BARS or words in _TOO_SHORT:
            continue
        if role == "price" and _NO_PRICES & set(entity):
            return "other", ""
        if not any(ROLES.get(token) == "other" for token in entity):
            return role, _spelt(name, entity)
    return None


_SHORTENING = (_known, _adjusted, _without_noise, _which_price)


def _spelt(name: str, tokens: list[str]) -> str:
    """The tokens as they are spelt in the name."""
    spelt = {plain(word): word for word in re.findall(r"[^\s_.,()\[\]{}/:|-]+", name)}
    return " ".join(spelt.get(token, token) for token in tokens)


def unnumbered(name: str) -> str:
    """'Close' of 'Close.1': pandas numbers names that repeat."""
    return re.sub(r"\.\d{1,2}$", "", name)


def is_date_name(name: str) -> bool:
    return said_by(name)[0] == "date"


def name_columns(labels: list[list[str]]) -> tuple[Column, ...]:
    """One column for each list of the pieces of its name, from the top.

    A piece or a prefix that all names have says nothing of any.
    """
    named = [pieces for pieces in labels[1:] if pieces]
    constant = {piece for piece in set.intersection(*map(set, named)) if not ROLES.get(plain(piece))
                and piece.upper() not in CURRENCIES} if named else set()
    columns: list[Column] = []
    seen: Counter[str] = Counter()
    for position, pieces in enumerate(labels):
        if len(pieces) > 1:  # the role first: 'Close AAPL', whichever level is above
            kept = [piece for piece in dict.fromkeys(pieces) if piece not in constant] or pieces[:1]
            pieces = sorted(kept, key=lambda piece: said_by(piece)[0] is None)
        name = shown(" ".join(pieces), _NAME_LENGTH) or f"column {position + 1}"
        role, entity, currency = said_by(" ".join(pieces))
        seen[name] += 1
        name = name if seen[name] == 1 else f"{name} ({seen[name]})"
        columns.append(Column(position, name, role, entity, currency))
    return _without_prefix(_with_tickers(columns))


def _with_tickers(columns: list[Column]) -> tuple[Column, ...]:
    """`columns`, of which C, V or LOW are tickers unless they stand among the names of a price table."""
    single = {column.position for column in columns if len(column.name) == 1 and column.name.isascii()}
    known = {column.role for column in columns if column.position not in single}
    if known >= {"open", "high", "low"} or "adj close" in known:
        return columns
    letters = {column.name.lower() for column in columns} >= {"o", "h", "l", "c"}
    roles = {column.role for column in columns if letters or column.position not in single}
    tickers = set() if letters else {
        column.position for column in columns if column.position in single and column.role in BARS - {"price"}}
    if not roles & {"close", "last", "settle", "price", "adj close"} and not roles >= {"open", "high", "low"}:
        tickers |= {column.position for column in columns if column.name in _ALSO_TICKERS}
    return tuple(replace(column, role=None) if column.position in tickers else column for column in columns)


def _without_prefix(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """`columns` with the roles that their names have without a prefix, where it names a table: 'HGDG_TARIH', 'HGDG_KAPANIS'.

    It does where the name of the dates has it too, or where the rest are the letters of a price bar. Of several such tables
    with closing prices each is a series of its own.
    """
    prefixed = [re.match(r"([^\W_]+)[_. ](?=\w)", column.name) for column in columns]
    bare = {column.position: (match[1], column.name[match.end():]) for column, match in zip(columns, prefixed, strict=True) if match}
    rests: dict[str, list[str]] = {}
    for prefix, rest in bare.values():
        rests.setdefault(prefix, []).append(rest)
    tables = {prefix for prefix, names in rests.items() if any(said_by(name)[0] == "date" for name in names)
              or {name.lower() for name in names} >= {"o", "h", "l", "c"}}
    series = {prefix for prefix in tables if any(said_by(name)[0] in ("close", "adj close", "last") for name in rests[prefix])}
    found = []
    for column in columns:
        prefix, rest = bare.get(column.position, ("", ""))
        if prefix in tables and said_by(column.name)[1] in ("", prefix) and column.role != "date" or prefix in series:
            role, entity, currency = said_by(rest)
            column = replace(column, role=role, entity=prefix if len(series) > 1 else entity, currency=currency or column.currency)
        found.append(column)
    return tuple(found)
