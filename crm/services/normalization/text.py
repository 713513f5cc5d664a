"""One clean line out of any cell."""

import re
import unicodedata
from typing import Final

# Dropped: what a terminal, a browser or PostgreSQL would act upon instead of showing it. Control characters that
# str.split() takes for white space (tab, line feeds, \x1c-\x1f, \x85) become spaces; joiners (U+200C, U+200D) stay,
# Persian names and emoji are spelled with them.
_INVISIBLE: Final = [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
_CONTROLS: Final = [code for code in (*range(0x20), *range(0x7F, 0xA0)) if not chr(code).isspace()]
_SURROGATES: Final = range(0xD800, 0xE000)  # half characters: no UTF-8 can carry them
_DROPPED: Final = re.compile(f"[{re.escape(''.join(map(chr, [*_CONTROLS, *_INVISIBLE, *_SURROGATES])))}]+")


def one_line(raw: str) -> str:
    """Return ``raw`` stripped, its white space collapsed to single spaces, without control or invisible characters.

    Case, accents and punctuation stay as given. Idempotent, linear, never raises.
    """
    if not (raw.isascii() and raw.isprintable()):
        raw = _DROPPED.sub("", raw)
    return " ".join(raw.split())


_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and a sign that are drawn as nothing


def shows_nothing(text: str) -> bool:
    """Say whether nobody sees anything of ``text``: it is empty, or all blanks, joiners and marks on no letter. What is
    newer than the tables of this Python, or somebody's own, may be seen."""
    return all(_is_hidden(unicodedata.category(char)) or char in _FILLERS for char in text)


def _is_hidden(category: str) -> bool:
    return category[0] in "MZ" or category in {"Cc", "Cf", "Cs"}


_NOTHING: Final = frozenset(
    {"", "-", "--", "---", ".", "?", "n.a.", "n/a", "na", "nan", "nil", "none", "not applicable", "not available"}
    | {"not known", "not provided", "null", "tba", "tbd", "unknown"}
)


def says_nothing(text: str) -> bool:
    """Say whether ``text``, already stripped, is one of the ways to fill in a field without saying anything."""
    return text.lower() in _NOTHING
