"""Company names: the name as given, a key under which its spellings meet, and the legal form.

"Ace Electric Co., Inc.", "ACE ELECTRIC" and "The Ace Electric Company" meet under the key "ace electric". A key says
"probably the same company", no more: it never decides who is called.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from crm.services.normalization.legal_forms import LEGAL_FORMS, bare, form_at_end
from crm.services.normalization.text import one_line

MAX_LENGTH: Final = 500  # characters; the rest is no name
CACHED: Final = 16_384

_AND: Final = re.compile(r"\s*[&+]\s*")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_ELISION: Final = re.compile(r"(?<=\w)['\u2019`](?=\w)")
_INITIALS: Final = re.compile(r"\b(?:\w )+\w\b")
_FOREMOST: Final = frozenset({"oy", "ab"})  # written before or inside names too (Finland, Sweden)
_HOST: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^\s/?#@]*@)?([^\s/?#:@]+)", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class CompanyName:
    """A company's name on one line, its key, and its legal form as we write it ("LLC", "Inc", "GmbH") or ""."""

    text: str
    key: str
    legal_form: str


def parse_company(raw: str) -> CompanyName:
    """Read the name of a company; every name has a key if there is a letter or digit in its first 500 characters.

    A name that is nothing but legal forms ("Company Ltd") keeps the first as its key. The key is its own key.
    """
    return _known(raw) if len(raw) <= MAX_LENGTH else _read(raw)


def domain_of(url_or_email: str) -> str:
    """Return the registrable-looking host of a URL or an e-mail address, lower case, without "www."; or "".

    "https://www.Example.com:8080/a?b" and "Joe <joe@example.com>" give "example.com". Addresses of machines
    (127.0.0.1), names without a dot and anything else give "".
    """
    text = one_line(url_or_email[:MAX_LENGTH]).strip("<>\"'(), ")
    if " " in text:
        text = text.rsplit(" ", 1)[1].strip("<>\"'(), ")
    host = _HOST.match(text)
    return _domain(host[1]) if host else ""


def _read(raw: str) -> CompanyName:
    text = one_line(raw)
    return CompanyName(text, *_key_and_form(text[:MAX_LENGTH]))


_known: Final = lru_cache(maxsize=CACHED)(_read)  # distinct notations, some 10 MB


def _key_and_form(text: str) -> tuple[str, str]:
    words, legal_form = _without_forms(text.split())
    key, shorter = "", _key(words)
    while key != shorter:  # "Ace-Ltd" shows its form only once it is a key
        key = shorter
        words, form = _without_forms(key.split())
        shorter, legal_form = _key(words), legal_form or form
    return key, legal_form


def _without_forms(words: list[str]) -> tuple[list[str], str]:
    legal_form = ""
    while len(words) > 1:
        count, form = form_at_end(words)
        if not count or count == len(words):
            break
        words, legal_form = words[:-count], legal_form or form
    kept = [word for word in words if bare(word) not in _FOREMOST]
    if kept and len(kept) < len(words):
        legal_form = legal_form or LEGAL_FORMS[next(bare(word) for word in words if bare(word) in _FOREMOST)]
        words = kept
    return words, legal_form


def _key(words: list[str]) -> str:
    text = _AND.sub(" and ", _plain(" ".join(words)).casefold())
    text = _SEPARATORS.sub(" ", _ELISION.sub("", text)).strip()
    text = _INITIALS.sub(lambda letters: letters[0].replace(" ", ""), text)
    return text.removeprefix("the ") or text


def _plain(text: str) -> str:
    """Drop accents from Latin letters; other scripts need their marks."""
    if text.isascii():
        return text
    return "".join(_base(character) for character in unicodedata.normalize("NFC", text))


def _base(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character)
    return parts[0] if parts[0].isascii() and parts[0].isalnum() else character


@lru_cache(maxsize=CACHED)
def _domain(host: str) -> str:
    try:
        name = host.rstrip(".").lower().encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    labels = name.removeprefix("www.").split(".")
    named = len(labels) > 1 and not labels[-1].isdigit() and all(_LABEL.fullmatch(label) for label in labels)
    return ".".join(labels) if named else ""
