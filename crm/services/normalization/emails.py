"""E-mail addresses: one lower-case form for every notation, or the reason why there is none.

Syntax, IDNA and reserved domains are the business of ``email-validator``; whether a mailbox exists is asked of nobody.
Both sides of the @ are lower-cased: the standard lets a server tell Joe from joe, no mail server that matters does.
"""

import re
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from email_validator import EmailNotValidError, validate_email

from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line, says_nothing

MAX_LENGTH: Final = 320  # characters in a cell that may hold one address; an address itself ends at 254 (RFC 5321)
MAX_SEARCHED: Final = 10_000  # characters of free text in which an address is looked for
MAX_TRIED: Final = 50  # @ signs tried in it
CACHED: Final = 65_536  # distinct notations, some 20 MB

# The nine of ten addresses that need no library: a test proves that it agrees. No "--", which may be broken Punycode.
_LABEL: Final = r"[a-z0-9](?:[a-z0-9]|-(?!-)){0,61}(?<!-)\."
_PLAIN: Final = re.compile(
    rf"(?=.{{6,254}}\Z)(?=[^@]{{1,64}}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:{_LABEL})+(?P<top>[a-z]{{2,63}})"
)
_RESERVED: Final = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})  # as email-validator has them

_LOCAL: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+'-"  # what people use in free text
_DOMAIN: Final = re.compile(r"[^\W_]+(?:-+[^\W_]+)*(?:\.[^\W_]+(?:-+[^\W_]+)*)+")
_BRACKETED: Final = re.compile(r"[^<>@]*<([^<>]*)>")
_BREAKS: Final = frozenset("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")


class UnusableEmail(Unusable):
    advice = MappingProxyType(
        {
            "empty": "There is no address. Add one, or leave the field out.",
            "no_at_sign": "There is no @, so this is not an e-mail address. Write one like name@example.com.",
            "several_addresses": "There is more than one address here. Keep one, give the others fields of their own.",
            "line_break": "There is a line break inside the address; it could forge the head of a letter. Remove it.",
            "control_character": "There is an invisible control character inside the address. Type the address anew.",
            "extra_text": "There is other text beside the address. Keep the address, move the rest to another field.",
            "too_long": "This is longer than an e-mail address can be (254 characters). Keep the address alone.",
            "quoted_local_part": "Quotation marks in front of the @ are not supported. Ask for a plain address.",
            "bad_local_part": "The part in front of the @ is not possible. Look for spaces, commas and doubled dots.",
            "bad_domain": "The part behind the @ is not a domain that takes mail. Check its spelling and its ending.",
        }
    )


def parse_email(raw: str) -> str:
    """Read one e-mail address and return its normal form, which reads back as itself.

    Understands "mailto:x@example.com?subject=..", "A Name <x@example.com>", a spreadsheet's leading apostrophe and
    trailing punctuation. Outcomes are cached by notation, good and bad alike.

    :raises UnusableEmail: ``raw`` is not one valid address; its ``reason`` is a key of ``UnusableEmail.advice``.
    """
    text = raw.strip()
    outcome = _plain(text) or (_read(text) if len(text) <= MAX_LENGTH else "too_long")
    if "@" not in outcome:
        raise UnusableEmail(outcome, raw)
    return outcome


def find_email(text: str) -> str | None:
    """Return the normal form of the first valid address in a cell that holds other text too, or None.

    For sources that run fields together ("(205)555-0110 Email: x@example.com Expiry: .."). Linear: it looks at the
    characters between one @ and the next, within the first 10,000 characters, and tries 50 candidates at most.
    """
    pieces = text[:MAX_SEARCHED].split("@", MAX_TRIED)
    for before, behind in pairwise(pieces):
        local = before[len(before.rstrip(_LOCAL)) :].lstrip(".'")
        domain = _DOMAIN.match(behind)
        if local and domain:
            outcome = _normal(f"{local}@{domain[0]}")
            if "@" in outcome:
                return outcome
    return None


def _plain(text: str) -> str:
    lowered = text.lower() if text.isascii() else ""
    plain = _PLAIN.fullmatch(lowered)
    return lowered if plain and plain["top"] not in _RESERVED else ""


@lru_cache(maxsize=CACHED)
def _read(text: str) -> str:
    """Return the normal form, or the reason why there is none: only the former holds an @."""
    if any(character in _BREAKS for character in text):
        return "line_break"
    if any(character < " " or character == "\x7f" for character in text):
        return "control_character"
    text = _bare(one_line(text))
    if says_nothing(text):
        return "empty"
    if "@" not in text:
        return "no_at_sign"
    outcome = _plain(text) or _normal(text)
    return outcome if "@" in outcome else _why_not(text, outcome)


def _bare(text: str) -> str:
    """Take off what programs and people put around an address."""
    if bracketed := _BRACKETED.fullmatch(text.rstrip(" .,;")):
        text = bracketed[1].strip()
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0]
    return text.lstrip("' ").rstrip(" .,;:")


def _normal(text: str) -> str:
    """Return the normal form, or the side of the @ that is wrong."""
    try:
        normal = _validated(text)
        # small letters may compose where capitals did not (T and a diaeresis), so Unicode is normalized once more
        return normal if normal.isascii() else _validated(normal)
    except EmailNotValidError:
        return _wrong_side(text)


def _validated(text: str) -> str:
    return validate_email(text, check_deliverability=False, strict=True).normalized.lower()


def _wrong_side(text: str) -> str:
    local = text.rpartition("@")[0]
    try:
        _validated(f"{local}@example.com")
    except EmailNotValidError:
        return "bad_local_part"
    return "bad_domain"


def _why_not(text: str, otherwise: str) -> str:
    """Name the cause a person can do something about, where the library only says that it is no address."""
    if sum("@" in piece for piece in re.split(r"[\s,;|/<>]+", text)) > 1:
        return "several_addresses"
    if text.startswith('"'):
        return "quoted_local_part"
    if " " in text:
        return "extra_text" if find_email(text) else otherwise
    return "too_long" if len(text) > 254 else otherwise
