"""Links in what is sent, which people may open."""

import re
from collections.abc import Mapping
from typing import Final

from campaigns.rules.rendering import ATTRIBUTE, tags_of

_LINK: Final = re.compile(r"https?://[^\s<>]", re.IGNORECASE)
_FREE: Final = ("event.place", "event.hook")  # what a campaign says in its own words


def has_link(text: str) -> bool:
    return _LINK.search(text) is not None


def may_have_link(text: str, says: Mapping[str, str] | None) -> bool:
    """Say whether some of those who get ``text`` may find a link in it: written there, or in a value that it asks for.

    ``says`` is what the campaign says alike to everybody; None: that is not known yet.
    """
    asked = {tag.name for tag in tags_of(text)}
    said = any(says is None or has_link(says.get(name, "")) for name in asked.intersection(_FREE))
    return has_link(text) or said or any(name.startswith(ATTRIBUTE) for name in asked)
