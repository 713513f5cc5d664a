"""Names written in capitals or small letters only, given back the case people write them in.

A name in mixed case is its owner's business and stays as it is: McDonald, DeLuca, van Dam.
"""

import re
from functools import lru_cache
from types import MappingProxyType
from typing import Final

CACHED: Final = 65_536  # parts of names, some 10 MB

_LETTERS: Final = re.compile(r"[^\W\d_]+")
_CAMEL_IN_CAPITALS: Final = re.compile(r"\b(?:Mc|Mac|De|Di|La|Le)(?=[A-Z]{2})")  # as in JOHN McDONALD
_ELIDED: Final = re.compile(r"(?:\A|-)\w['\u2019]\Z")  # O'Brien, D'Angelo; not Jimmy's or Nahi'ena'ena
_CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{2}")  # JT, DJ: nobody is called Jt
_NO_INITIALS: Final = frozenset({"dr", "fr", "jr", "md", "mr", "ms", "ng", "sr", "st", "wm"})
_PARTICLES: Final = frozenset(
    {"da", "das", "de", "del", "den", "der", "dos", "la", "las", "los", "van", "von", "y", "zu"}
)

# "Mc" always is a prefix; "Mac", "De", "Di", "La", "Le" begin names of one piece too (Machado, Delgado, Lance). These
# are the commonest of two pieces in the United States. Whoever is missing is written as one.
_TWO_PIECES: Final = (
    *("MacAllister", "MacArthur", "MacBeth", "MacBride", "MacDonald", "MacDougall", "MacFarlane"),
    *("MacGregor", "MacInnis", "MacIntosh", "MacIntyre", "MacKay", "MacKenzie", "MacKinnon", "MacLean"),
    *("MacLellan", "MacLeod", "MacMillan", "MacNeil", "MacNeill", "MacPherson", "MacQueen", "MacRae"),
    *("DeAngelis", "DeAngelo", "DeBoer", "DeCarlo", "DeFazio", "DeGroot", "DeJong", "DeLeon", "DeLuca"),
    *("DeLuna", "DeMarco", "DeMatteo", "DeNiro", "DeRosa", "DeSantis", "DeSimone", "DeStefano", "DeVito"),
    *("DeVries", "DeYoung", "DiBenedetto", "DiCaprio", "DiMaggio", "DiMarco", "DiNapoli", "DiPietro"),
    *("DiSalvo", "DuBois", "DuPont", "LaPorte", "LaRocca", "LaRue", "LaSalle", "LeBlanc", "LeClair"),
)
_CAMEL: Final = MappingProxyType({name.lower(): name for name in _TWO_PIECES})

_DEGREES: Final = MappingProxyType({"esq": "Esq", "jr": "Jr", "ph.d": "Ph.D", "phd": "PhD", "sr": "Sr"})


def in_one_case(text: str) -> bool:
    """Say whether ``text`` is in capitals only or in small letters only; "JOHN McDONALD" counts as capitals."""
    if not text.islower() and not text.isupper():
        text = _CAMEL_IN_CAPITALS.sub("", text)
    return text.islower() or text.isupper()


@lru_cache(maxsize=CACHED)
def proper_case(part: str) -> str:
    """Give a part of a name (the given names, the family name) the case it is usually written in.

    O'BRIEN-MCDONALD becomes O'Brien-McDonald, DE LA VEGA De la Vega, JT stays JT.
    """
    words = part.split(" ")
    for at, word in enumerate(words):
        inside = 0 < at < len(words) - 1
        words[at] = word.lower() if inside and word.lower() in _PARTICLES else _LETTERS.sub(_cased, word)
    return " ".join(words)


def suffix_case(suffix: str) -> str:
    """Give what stands behind a name its usual case: Jr., III, M.D., PhD."""
    return " ".join(_degree(word) for word in suffix.split(" "))


def _cased(found: re.Match[str]) -> str:
    word = found[0].lower()
    ahead = found.string[: found.start()]
    if ahead.endswith(("'", "\u2019")) and not _ELIDED.search(ahead):
        return word
    if word in _CAMEL:
        return _CAMEL[word]
    if word not in _NO_INITIALS and _CONSONANTS.fullmatch(word):
        return word.upper()
    if word.startswith("mc") and len(word) > 3:
        return f"Mc{word[2:].capitalize()}"
    return word.capitalize()


def _degree(word: str) -> str:
    core = word.strip(".,")
    return word.replace(core, _DEGREES[core.lower()]) if core.lower() in _DEGREES else word.upper()
