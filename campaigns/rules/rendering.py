"""Merge tags: ``{{contact.first_name|there}}`` is the value of that name, or the words behind the bar.

There is no language behind it, no loop, no attribute and no filter, because the texts are written by users and the
values by the world. A tag names an entry of one flat dictionary; whatever it names, a value is text that is put in
once and never read again.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Final

LONGEST_VALUE: Final = 500  # characters of a value that a message takes
ATTRIBUTE: Final = "contact.attributes."  # whatever a source has said of them, by its own names

# What every text may ask for. The values are the words with which the back office explains them.
TAGS: Final[Mapping[str, str]] = {
    "contact.first_name": "First name",
    "contact.last_name": "Last name",
    "contact.name": "Full name",
    "contact.title": "Title",
    "contact.email": "E-mail address",
    "contact.phone": "Telephone number",
    "company.name": "Company",
    "project.name": "Project",
    "project.city": "City of the project",
    "owner.name": "Owner of the contact, else of the campaign",
    "owner.email": "E-mail address of the owner",
    "sender.name": "Sender of the campaign",
    "sender.email": "E-mail address of the sender",
    "campaign.name": "Campaign",
    "event.type": "Kind of event: In-Person or Virtual",
    "event.date": "Day of the event",
    "event.time": "Time of the event",
    "event.place": "Place of the event",
    "event.hook": "Hook of the event",
}
OF_CAMPAIGNS: Final = ("sender.", "campaign.", "event.", "project.", "owner.")  # known as soon as one is in a campaign
_TAG: Final = re.compile(r"\{\{([^{}]*)\}\}")
_BRACES: Final = re.compile(r"\{\{|\}\}")
# What a carrier, a mail header or PostgreSQL cannot take, but for the ends of lines and tabs.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


class Tag:
    """One tag of a text. ``fallback`` is None where the text has none."""

    __slots__ = ("fallback", "name")

    def __init__(self, inside: str) -> None:
        name, bar, fallback = inside.partition("|")
        self.name, self.fallback = name.strip(), fallback.strip() if bar else None

    @property
    def is_known(self) -> bool:
        return self.name in TAGS or (self.name.startswith(ATTRIBUTE) and len(self.name) > len(ATTRIBUTE))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with its values in place. ``missing`` are the tags that had neither a value nor a fallback."""

    text: str
    missing: tuple[str, ...]


def tags_of(text: str) -> Iterator[Tag]:
    """Yield the tags of a text, in order."""
    return (Tag(inside) for inside in _TAG.findall(text))


def unknown_tags(text: str) -> list[str]:
    """Return the names that ``text`` asks for and nobody knows, and braces that open or close nothing."""
    unknown = [tag.name or "{{}}" for tag in tags_of(text) if not tag.is_known]
    stray = _BRACES.findall(_TAG.sub("", text))
    return list(dict.fromkeys([*unknown, *stray]))


def render(text: str, values: Mapping[str, str], *, html: bool = False) -> Rendered:
    """Put ``values`` into ``text``.

    A value loses what is not printable, white space around it, and whatever is beyond 500 characters; in ``html`` it is
    escaped. Of an unknown tag nothing is left.
    """
    missing: dict[str, None] = {}
    spell: Callable[[str], str] = escape if html else str
    parts: list[str] = []
    for words, tag in _parts(text):
        parts.append(words)
        if tag is not None:
            value = printable(values.get(tag.name, "") if tag.is_known else "")[:LONGEST_VALUE].strip()
            if not value and tag.fallback is None:
                missing[tag.name] = None
            parts.append(spell(value or tag.fallback or ""))
    return Rendered("".join(parts), tuple(missing))


@lru_cache(maxsize=512)
def _parts(text: str) -> tuple[tuple[str, Tag | None], ...]:
    """Take a text apart, once for all who get it: words, and the tag behind them."""
    pieces = _TAG.split(text)
    tags = [Tag(inside) for inside in pieces[1::2]]
    return tuple(zip(pieces[::2], [*tags, None], strict=True))


def printable(text: str) -> str:
    """Return ``text`` without control characters and half characters."""
    return _UNPRINTABLE.sub("", text)
