"""What the name of a column says: what the column holds, whose it is, and in which currency."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from forecasting.data.files.vocabulary import CURRENCIES, FILLERS, ROLES, SIGNS, plain
from forecasting.data.files.wording import shown

__all__ = ["BARS", "CLOSES", "Column", "name_columns", "said_by", "unnumbered"]

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
# What was yesterday's: 'Önceki Kapanış', '昨收盘'; and 'adjusted' in the languages of exporters and data services.
_BEFORE = re.compile(
    r"\b(?:pr|prev|previous|prior|pre|prvs|yesterdays?|onceki|dun|vortag(?:es)?|vorheriger|precedente?|anterior|poprzednie?|vorige"
    r"|foregaende|forrige|edellinen|предыдущ(?:ая|ее))\b|^[昨前上]|前日|昨日|전일")
_ADJUSTED = re.compile(
    r"\b(?:adj|adjusted|adjustment|bereinigt(?:er|e|es)?|ajust(?:e|ee|es|ado|ada|ados)|aj|rettificat[oaie]|aggiustat[oaie]"
    r"|gecorrigeerd|aangepaste?|justert|justerade?|justeret|skorygowan[ayeo]|duzeltilmis|скорректированн\w*|скорр)\b"
    r"|(?:株式分割)?[調调]整(?:後|后|済み|値|值|价|價)*|[前后後]?[复復][权權](?:价|價)?|[还還]原(?:权|權)?|수정")
_SPLIT_WORDS = {"split", "splits", "dividend", "dividends", "and", "for"}
_SIGN = re.compile(r"[€£₹₩₽₺$]|US\$")
_PREFIX = re.compile(r"([^\W_]+)[_. ](?=\w)")
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
    sign = next(map(SIGNS.get, _SIGN.findall(name)), None)
    if role := ROLES.get(plain(name)):
        return role, "", sign
    tokens = _tokens(name)
    codes = [token.upper() for token in tokens if token.upper() in CURRENCIES]
    bare = [token for token in tokens if token.upper() not in CURRENCIES and token not in _NOISE]
    entity, code = "", codes[0] if len(codes) == 1 else None
    role = _price_or_other(tokens) or _marked(bare) or _price_or_other(bare) or _at_the_end("".join(bare))
    if role is None:
        (role, entity), code = _of_somebody(tokens, bare, name), None
    return role, entity, None if role in ("date", "time") else sign or code


def _tokens(name: str) -> list[str]:
    tokens: list[str] = []
    for token in plain(name).split():
        match = _JOINED.fullmatch(token) if token not in ROLES else None
        tokens += [match[1], "price" if match[2] in ("p", "pr") else match[2]] if match else [token]
    return ["price" if token in _PRICE_WORDS else token for token in tokens]


def _price_or_other(tokens: list[str]) -> str | None:
    """The role of a known phrase. 'Precio máximo', 'Cours de clôture': which price it is, says the other word.

    A letter beside 'price' is a ticker: 'V Price'.
    """
    if role := ROLES.get(" ".join(tokens)):
        return role
    which = [token for token in tokens if ROLES.get(token) != "price" and token not in _ARTICLES]
    if not 0 < len(which) < len(tokens) or any(len(token) == 1 and token.isascii() for token in which):
        return None
    role = ROLES.get(" ".join(which))
    return role if role in BARS else None


def _marked(tokens: list[str]) -> str | None:
    """The role of a price with a mark beside it: 'Önceki Kapanış' is no price, 'AdjC' and 'Kurs bereinigt' are adjusted."""
    for mark in (_BEFORE, _ADJUSTED):
        kept = mark.sub(" ", " ".join(tokens)).split()
        if kept != tokens:
            kept = [token for token in kept if token not in FILLERS | _ARTICLES | _SPLIT_WORDS or len(kept) == 1]
            role = _price_or_other(kept) or _LETTERS.get("".join(kept)) or (None if kept or mark is _BEFORE else "close")
            if role in BARS:
                return "other" if mark is _BEFORE else "adj close" if role in CLOSES else f"adj {role.removeprefix('adj ')}"
    return None


def _at_the_end(name: str) -> str | None:
    """'终收盘' is a close: Chinese and Japanese write no blanks between words."""
    ends = [name[1:], name[2:]] if not name.isascii() else []
    return next((ROLES[end] for end in ends if len(end) > 1 and ROLES.get(end) == "close"), None)


def _of_somebody(tokens: list[str], bare: list[str], name: str) -> tuple[str | None, str]:
    """(role, entity) of 'Close AAPL', 'AAPL.Close', 'Gmt time': a known phrase at either end, and whose it is.

    A name that was copied together with its explanation is nobody's: 'Close Close price adjusted for splits.'
    """
    if bare and _DATE_WORDS & {bare[0], bare[-1]}:
        return "date", ""
    ends = [cut for length in (3, 2, 1) for cut in (slice(0, length), slice(-length, None)) if length < len(tokens)]
    for end in ends:
        phrase, rest = tokens[end], tokens[end.stop :] if end.stop else tokens[: end.start]
        role, entity = ROLES.get(" ".join(phrase)), [token for token in rest if token not in FILLERS]
        if role in ("date", "time") and set(rest) <= FILLERS | _ZONE_WORDS:
            return role, ""
        if role in BARS and len(tokens) > 4 and end.start == 0 and phrase[-1] in rest:
            return role, ""
        if role not in BARS or " ".join(phrase) in _TOO_SHORT:
            continue
        if role == "price" and _NO_PRICES & set(entity):
            return "other", ""
        if not any(ROLES.get(token) == "other" for token in entity):
            spelt = {plain(word): word for word in re.findall(r"[^\s_.,()\[\]{}/:|-]+", name)}
            return role, " ".join(spelt.get(token, token) for token in entity)
    return None, ""


def unnumbered(name: str) -> str:
    """'Close' of 'Close.1': pandas numbers names that repeat."""
    return re.sub(r"\.\d{1,2}$", "", name)


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


def _with_tickers(columns: list[Column]) -> list[Column]:
    """`columns`, of which C, V or LOW are tickers unless they stand among the names of a price table."""
    single = {column for column in columns if len(column.name) == 1 and column.name.isascii()}
    words = {column.role for column in columns if column not in single}
    letters = {column.name.lower() for column in single}
    if words >= {"open", "high", "low"} or "adj close" in words or letters >= {"o", "h", "l", "c"}:
        return columns
    tickers = {column for column in single if column.role in BARS - {"price"}}
    if not words & {*CLOSES, "adj close"}:
        tickers |= {column for column in columns if column.name in _ALSO_TICKERS}
    return [replace(column, role=None) if column in tickers else column for column in columns]


def _without_prefix(columns: list[Column]) -> tuple[Column, ...]:
    """`columns` with the roles that their names have without a prefix, where it names a table: 'HGDG_TARIH', 'HGDG_KAPANIS'.

    It does where the name of the dates has it too, or where the rest are the letters of a price bar. Of several such tables
    with closing prices each is a series of its own.
    """
    rests: dict[str, dict[int, str]] = {}
    for column in columns:
        if match := _PREFIX.match(column.name):
            rests.setdefault(match[1], {})[column.position] = column.name[match.end():]
    roles = {prefix: {said_by(name)[0] for name in names.values()} for prefix, names in rests.items()}
    tables = [prefix for prefix, names in rests.items()
              if "date" in roles[prefix] or {name.lower() for name in names.values()} >= {"o", "h", "l", "c"}]
    series = [prefix for prefix in tables if roles[prefix] & {"close", "adj close", "last"}]
    found = list(columns)
    for prefix in tables:
        for position, name in rests[prefix].items():
            column = columns[position]
            if prefix in series or (column.role != "date" and said_by(column.name)[1] in ("", prefix)):
                role, entity, currency = said_by(name)
                found[position] = replace(column, role=role, entity=prefix if len(series) > 1 else entity,
                                          currency=currency or column.currency)
    return tuple(found)
