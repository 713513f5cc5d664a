"""Searching by words in a column with a trigram index (pg_trgm), at a million rows.

Every word must occur. A trigram needs three letters, so two letters mean the beginning of a word, and one letter alone
says nothing: it is left out.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.db.models import F, Model, Q, QuerySet, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from config.kernel.frequency import told_apart

HINT = "Two letters or more; every word must occur"
THROUGH = 200  # related rows that are looked through; more of them say nothing about what was meant

_PHONE = re.compile(r"^[+(\d][\d\s().\-/]{4,}$")


def looks_like_phone(text: str) -> bool:
    return bool(_PHONE.match(text.strip())) and sum(map(str.isdigit, text)) >= 4


def words(text: str) -> list[str]:
    """Return the words to look for: lower case, two characters or more with a letter or digit among them.

    What looks like a phone number becomes one word of digits, however it was punctuated: "(512) 555-0134".
    """
    if looks_like_phone(text):
        return [re.sub(r"\D", "", text)]
    found = text.replace("\x00", "").casefold().split()
    return list(dict.fromkeys(word for word in found if len(word) > 1 and any(map(str.isalnum, word))))


def is_vague(text: str) -> bool:
    """Whether only beginnings of words were given, such as "jo": too many have them to collect or to count."""
    return all(len(word) < 3 for word in words(text))


def containing(text: str, *, column: str = "search", model: type[Model] | None = None) -> Q:
    """Return the condition that every word of ``text`` occurs in ``column``; text without words is met by all rows.

    Where the ``model`` is named, its index is asked for the rare words only, and the frequent ones are looked for in
    the rows found.
    """
    found = words(text)
    rare, often = told_apart(model, column, found) if model else (found, [])
    condition = Q()
    for word in rare:
        condition &= _meant(word, column)
    for word in often:
        condition &= beside(word, column)
    return condition


def beside(word: str, column: str) -> Q:
    """The condition that ``word`` occurs in ``column``, said so that no index is asked for it."""
    return Q(GreaterThan(StrIndex(F(column), Value(word)), 0))


def through(text: str, related: Mapping[str, QuerySet[Any]]) -> tuple[Q, bool]:
    """Return the condition that one of the ``related`` rows (field name: rows with a ``search`` column) has the words.

    The newest 200 of each are looked up first: a join would walk all rows on both sides. The second result says
    whether there were more.
    """
    condition, more = Q(pk__in=[]), False
    for name, rows in related.items():
        meant = rows.filter(containing(text, model=rows.model))
        found = list(meant.order_by("-pk").values_list("pk", flat=True)[: THROUGH + 1])
        condition |= Q(**{f"{name}__in": found[:THROUGH]})
        more |= len(found) > THROUGH
    return condition, more


def _meant(word: str, column: str) -> Q:
    if len(word) < 3:
        return _short(word, column)
    person, at, domain = word.partition("@")
    if len(person) < 3 or not domain:
        return Q(**{f"{column}__contains": word})
    # Everybody's address ends like everybody else's: the index is asked for the part that tells them apart.
    return Q(**{f"{column}__contains": person + at}) & beside(word, column)


def _short(word: str, column: str) -> Q:
    """pg_trgm finds two letters only at the beginning of a word, where the gap before it is the third."""
    return Q(**{f"{column}__startswith": word}) | Q(**{f"{column}__contains": f" {word}"})
