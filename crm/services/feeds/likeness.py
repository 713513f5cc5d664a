"""What the cells of a column look like: e-mail addresses, phone numbers, names of people or companies, or nothing."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from crm.services.feeds.troubles import is_nested
from crm.services.normalization.emails import UnusableEmail, parse_email
from crm.services.normalization.phones import UnusablePhone, parse_phone
from crm.services.normalization.text import one_line

Likeness = Literal["email", "phone", "digits", "name", ""]

LOOK_AT = 200  # cells that say something
MOST = 0.8  # share of them that must look alike
WRITTEN_AS_PHONE = re.compile(r"\+\d|\(\d{3}\)|\d{3}[-. ]\d{3}[-. ]\d{4}")
NAME = re.compile(r"[^\W\d_][\w.'&-]*(?:,? [\w.'&,-]+){1,5}")


def likeness(cells: Sequence[str], *, region: str = "US") -> Likeness:
    """Say what most of the cells look like; "digits" are numbers that could be phones, and could be ids as well."""
    filled = [text for cell in cells if (text := one_line(cell))][:LOOK_AT]
    if not filled:
        return ""
    if _most(filled, _is_email):
        return "email"
    if _most(filled, partial(_is_phone, region=region)):
        written = sum(bool(WRITTEN_AS_PHONE.search(text)) for text in filled)
        return "phone" if written >= len(filled) / 2 else "digits"
    if _most(filled, NAME.fullmatch) and len(set(filled)) > len(filled) / 3:
        return "name"
    return ""


def _most(cells: Sequence[str], look_so: Callable[[str], object]) -> bool:
    """Whether enough of them do; asked only until that cannot be any more."""
    others = (cell for cell in cells if not look_so(cell))
    return all(len(cells) - number >= MOST * len(cells) for number, _ in enumerate(others, start=1))


def _is_email(text: str) -> bool:
    try:
        return bool(parse_email(text))
    except UnusableEmail:
        return False


def _is_phone(text: str, region: str) -> bool:
    try:
        return not is_nested(text) and bool(parse_phone(text, region=region))
    except UnusablePhone:
        return False
