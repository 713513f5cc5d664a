"""Who stands in a cell: a person, an organization, or one behind the other.

A guess from words alone, for cells that do not say; it chooses a form of address and never whom to call.
"""

import re
from functools import lru_cache
from itertools import takewhile
from typing import Final

from crm.services.normalization.business_words import AMBIGUOUS, BUSINESS, BUSINESS_STEMS, GIVEN_NAMES
from crm.services.normalization.legal_forms import UNMISTAKABLE, bare, form_at_end
from crm.services.normalization.text import one_line

MAX_LENGTH: Final = 500  # characters that are looked at
CACHED: Final = 16_384

_HONORIFICS: Final = frozenset(
    {"dr", "father", "fr", "hon", "judge", "mayor", "miss", "mr", "mrs", "ms", "mx", "prof", "rev", "sir", "sister"}
)
_JOINING: Final = frozenset({"and", "at", "by", "dba", "for", "in", "of", "on", "the", "to", "with"})
_SUFFIXES: Final = frozenset({"ii", "iii", "iv", "jr", "sr", "esq", "md", "phd", "pe", "aia", "cpa", "dds", "rn"})
_ORDINALS: Final = frozenset({"2nd", "3rd", "4th"})

_DOMAIN: Final = re.compile(r"\w\.(?:com|net|org|biz|io|us)\b", re.IGNORECASE)
_POSSESSIVE: Final = re.compile(r"\w['\u2019]s\b|\ws['\u2019](?:\s|\Z)", re.IGNORECASE)
_VOWELLESS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{3,5}")


def is_company(raw: str) -> bool:
    """Say whether ``raw`` names an organization rather than a person or a couple.

    Nothing that speaks either way counts as a person: a person is asked for by name. Reads 500 characters.
    """
    return _is_company(one_line(raw[:MAX_LENGTH]))


def split_person_and_company(raw: str) -> tuple[str, str]:
    """Take apart a cell that names a person, a company, or a person and behind a comma their company.

    "Carl Sample, Ace Electric" gives both, "Carl Sample," and "Sample, Carl" a person, "Sample Co," and "Sample
    Contractors, Inc." a company; what is missing is "". Nothing but commas and white space at the ends is lost.
    """
    text = one_line(raw).strip(", ")
    parts = [part.strip() for part in text.split(",")] if len(text) <= MAX_LENGTH else [text]
    ahead = 1 + sum(1 for _ in takewhile(_belongs_to_person, parts[1:]))
    person, company = ", ".join(parts[:ahead]), ", ".join(parts[ahead:])
    if not company:
        return ("", text) if is_company(text) else (text, "")
    if _belongs_to_company(parts[ahead]) or (is_company(person) and not _employs(company, person)):
        return "", text
    if ahead == 1 and " " not in person and not is_company(company):  # Last, First
        return text, ""
    return person, company


@lru_cache(maxsize=CACHED)
def _is_company(text: str) -> bool:
    words = [word for word in map(bare, text.split()) if word]
    if not words:
        return False
    if len(words) > 1 and (UNMISTAKABLE.intersection(words) or form_at_end(text.split())[0]):
        return True
    plain = [_singular(word) for word in words if word not in _SUFFIXES]
    business = any(word in BUSINESS or word.startswith(BUSINESS_STEMS) for word in plain)
    if _introduced(text, plain, business=business):
        return False
    return business or bool(_DOMAIN.search(text) or _POSSESSIVE.search(text)) or _looks_made_up(text, words, plain)


def _introduced(text: str, words: list[str], *, business: bool) -> bool:
    """Say whether the name is introduced as a person's: by a title, a middle initial, or as "Last, First"."""
    if len(words) == 3 and len(words[1]) == 1 and words[1].isalpha() and (words[0] in GIVEN_NAMES or not business):
        return True
    before, comma, behind = text.partition(",")
    turned = bool(comma) and len(before.split()) <= 3 and 0 < len(behind.split()) <= 3 and "&" not in words
    return not business and (turned or not _HONORIFICS.isdisjoint(words[:1]))


def _looks_made_up(text: str, words: list[str], plain: list[str]) -> bool:
    """Say whether the name is built as people are not named."""
    if any(character.isdigit() for character in text) and not _ORDINALS.intersection(words):
        return True
    if len(words) == 1:
        return bool(_VOWELLESS.fullmatch(words[0]))
    if GIVEN_NAMES.intersection(words):
        return False
    partners = "&" in words and ("," in text or len(words) == 3)  # "Sample & Example", not "Tamsin & Orla Sample"
    couple = len(words) == 4 and words[1] in {"and", "or"}  # "Tamsin and Orla Sample"
    joined = len(words) > 2 and bool(_JOINING.intersection(words)) and not couple
    long = len(words) > 5 and "&" not in words
    return partners or joined or long or sum(word in AMBIGUOUS for word in plain) > 1


def _singular(word: str) -> str:
    """Take the plural -s off, except where the plural is a word of its own (Banks is a family, a bank is not)."""
    known = word in BUSINESS or word in AMBIGUOUS
    return word[:-1] if word.endswith("s") and len(word) > 3 and not known else word


def _belongs_to_person(part: str) -> bool:
    return bare(part) in _SUFFIXES


def _belongs_to_company(part: str) -> bool:
    """Say whether what stands behind the comma only completes the name in front of it: "Inc.", "LLC", "The"."""
    words = part.split()
    return bare(part) == "the" or (bool(words) and form_at_end(words)[0] == len(words))


def _employs(company: str, person: str) -> bool:
    """Say whether a name that looks like a firm's is a person's after all: "Carl Press, Press Electric"."""
    return bare(person.split()[0]) in GIVEN_NAMES and is_company(company)
