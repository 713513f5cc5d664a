"""Names of people: the key under which one is found again, and its parts.

Grammar is the business of ``nameparser``; plain names ("Carl B. Sample", "SAMPLE, CARL B"), nine of ten, are read here,
a hundred times faster and with the same result. Whether a cell names a person at all is asked in ``parties``.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import nameparser

from crm.services.normalization.letter_case import in_one_case, proper_case, suffix_case
from crm.services.normalization.parties import is_company, split_person_and_company
from crm.services.normalization.text import one_line, says_nothing

__all__ = ["PersonName", "is_company", "match_key", "parse_person", "split_person_and_company"]

MAX_LENGTH: Final = 200  # characters; longer is no name and is not taken apart
CACHED: Final = 65_536  # distinct notations, some 30 MB

_PLAIN_WORD: Final = r"[A-Za-z](?:[A-Za-z'-]*[A-Za-z]|\.)?"
_PLAIN: Final = re.compile(rf"({_PLAIN_WORD}(?: {_PLAIN_WORD}){{0,3}}?)(?: ((?:[JjSs][Rr]|II|III|IV)\.?))?")
_TURNED: Final = re.compile(rf"({_PLAIN_WORD}(?: {_PLAIN_WORD})?), ({_PLAIN_WORD}(?: {_PLAIN_WORD}){{0,2}})")
_COUPLE: Final = re.compile(
    rf"(?:({_PLAIN_WORD}), )?((?:{_PLAIN_WORD} ){{1,3}})& ({_PLAIN_WORD}(?: {_PLAIN_WORD}){{0,3}})"
)
_AMPERSAND: Final = re.compile(r"\s*&[&\s]*")
_TAIL_INITIAL: Final = re.compile(
    r"[A-Z][A-Z'-]+ [A-Z][A-Z'& -]* [A-HJ-UWYZ](?: (?:JR|SR|II|III|IV))?"
)  # no I, V, X: these count generations

_lexicon: Final = nameparser.Lexicon.default()
_GRAMMAR: Final = (
    _lexicon.titles | _lexicon.given_name_titles | _lexicon.suffix_acronyms | _lexicon.suffix_words
    | _lexicon.suffix_acronyms_ambiguous | _lexicon.particles | _lexicon.particles_ambiguous | _lexicon.conjunctions
    | _lexicon.bound_given_names | _lexicon.maiden_markers | _lexicon.after_given_titles
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person's name in parts; parts that were not given are "". A couple shares one: first "Carl & Maria"."""

    first: str = ""
    middle: str = ""
    last: str = ""
    suffix: str = ""
    salutation: str = ""
    nickname: str = ""

    @property
    def full(self) -> str:
        """The name on one line, without the nickname: it reads back as the same line."""
        return " ".join(part for part in (self.salutation, self.first, self.middle, self.last, self.suffix) if part)


def match_key(raw: str) -> str:
    """Return the key under which a name is found again: stripped, white space collapsed, case-folded.

    Control and invisible characters are dropped, composed and decomposed accents are the same. Two spellings of one
    name ("Carl Sample", "Sample, Carl") keep two keys. Idempotent.
    """
    text = one_line(raw)
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def parse_person(raw: str, *, family_first: bool = False) -> PersonName:
    """Take a person's name apart; "" and "N/A" give a name without parts, nothing else is lost.

    Understands "Last, First", titles, suffixes, nicknames in quotes or brackets and couples ("Carl & Maria Sample").
    Names in capitals or small letters only are given their usual case, others keep theirs. ``family_first`` is for
    sources that write "SAMPLE CARL B" throughout; without it that order is seen only by an initial at the end.
    """
    text = _tidy(raw)
    return _parse(text, family_first) if len(text) <= MAX_LENGTH else PersonName(last=text)


def _tidy(raw: str) -> str:
    return _AMPERSAND.sub(" & ", one_line(raw)).strip(", ")


@lru_cache(maxsize=CACHED)
def _parse(text: str, family_first: bool) -> PersonName:
    if says_nothing(text):
        return PersonName()
    turned = "," not in text and (family_first or _TAIL_INITIAL.fullmatch(text))
    name = _parts(_turned_around(text) if turned else text)
    # what does not read back as it is written was not understood: better whole than shuffled
    return name if name.full == text or _reads_back(name.full) else PersonName(last=text)


def _reads_back(full: str) -> bool:
    shown = _tidy(full) == full and not says_nothing(full) and not _TAIL_INITIAL.fullmatch(full)
    return shown and _parts(full).full == full


def _parts(text: str) -> PersonName:
    name = _plain(text) or _by_grammar(text)
    called = f"{name.first} {name.middle} {name.last}"
    return _in_proper_case(name) if in_one_case(called) else name


def _plain(text: str) -> PersonName | None:
    """Read a name of plain words in the order they are spoken or as "Last, First Middle", or return None."""
    if couple := _COUPLE.fullmatch(text):
        return _plain_couple(couple[1], couple[2].split(), couple[3].split())
    suffix = ""
    if turned := _TURNED.fullmatch(text):
        last, given = turned[1], turned[2].split(" ")
    elif plain := _PLAIN.fullmatch(text):
        *given, last = plain[1].split(" ")
        suffix = plain[2] or ""
    else:
        return None
    if _has_grammar([*given, *last.split(" ")]) or (suffix and not given):
        return None
    return PersonName(given[0], " ".join(given[1:]), last, suffix) if given else PersonName(last)


def _plain_couple(last: str | None, one: list[str], other: list[str]) -> PersonName | None:
    """Read "Carl & Maria B Sample" and "Carl B & Maria Sample", or what stands behind "Sample, "."""
    if last is None:
        *other, last = other
    if not other or _has_grammar([*one, *other, last]):
        return None
    if len(one) > 1:
        return PersonName(" ".join([*one, "&", *other]), "", last)
    return PersonName(f"{one[0]} & {other[0]}", " ".join(other[1:]), last)


def _by_grammar(text: str) -> PersonName:
    parsed = nameparser.parse(text)
    last = f"{parsed.family} née {parsed.maiden}" if parsed.maiden else parsed.family
    first, middle = parsed.given, parsed.middle
    if "&" in middle.split(" "):  # "Sample, Carl B & Maria" are two, not one with a long middle name
        first, middle = f"{first} {middle}", ""
    return PersonName(first, middle, last, parsed.suffix, parsed.title, parsed.nickname)


def _has_grammar(words: list[str]) -> bool:
    """Say whether a word may be more than a name; a capital between two words is an initial and nothing else."""
    inner = [word for word in words[1:-1] if not (len(word.rstrip(".")) == 1 and word[0].isupper())]
    return not _GRAMMAR.isdisjoint(word.rstrip(".").lower() for word in (words[0], *inner, words[-1]))


def _turned_around(text: str) -> str:
    """Put the comma behind the family name of "DE LA VEGA MARIA B"."""
    words = text.split(" ")
    at = next((at for at, word in enumerate(words[:-1]) if word.lower() not in _lexicon.particles), 0)
    return f"{' '.join(words[: at + 1])}, {' '.join(words[at + 1 :])}" if len(words) > 1 else text


def _in_proper_case(name: PersonName) -> PersonName:
    return PersonName(
        first=proper_case(name.first),
        middle=proper_case(name.middle),
        last=proper_case(name.last),
        suffix=suffix_case(name.suffix),
        salutation=proper_case(name.salutation) if in_one_case(name.salutation) else name.salutation,
        nickname=proper_case(name.nickname) if in_one_case(name.nickname) else name.nickname,
    )
