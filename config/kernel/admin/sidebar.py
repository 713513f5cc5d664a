"""What the sidebar calls things: a page is called the same in its heading, its breadcrumbs and its title."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings


def title_of(label: str, asked: Mapping[str, str]) -> str:
    """Return the sidebar's word for the list of a model (``crm.contact``) that is asked ``asked``, or nothing."""
    return next((item["title"] for _, item in _items(label) if dict(parse_qsl(item["asks"][1:])) == asked), "")


def group_of(label: str) -> str:
    """Return under which heading of the sidebar the list of a model stands; the whole list counts before a question."""
    whole_first = sorted(_items(label), key=lambda found: bool(found[1]["asks"]))
    return next((group for group, _ in whole_first), "")


def _items(label: str) -> list[tuple[str, dict[str, Any]]]:
    groups = settings.UNFOLD["SIDEBAR"]["navigation"]
    return [(group["title"], item) for group in groups for item in group["items"] if item.get("model") == label]
