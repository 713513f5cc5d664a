"""What a page about one row is made of: a header, and sections that hold facts, a table, a template or a promise.

A promise is a section that the browser fetches by itself after the page has come (htmx): for what takes longer, and
for what an app above adds to a row of an app below, which does not know it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from django.utils.html import strip_tags
from django.utils.safestring import SafeString

Facts = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Header:
    """Who or what this is, at a glance. ``badges`` are what must not be overlooked."""

    title: Any
    subtitle: Any = ""
    badges: Sequence[SafeString] = ()
    facts: Facts = ()
    symbol: str = ""

    @property
    def name(self) -> str:
        """The heading without links: what breadcrumbs and the window's title say."""
        return " ".join(unescape(strip_tags(str(self.title))).split())


@dataclass(frozen=True)
class Section:
    title: str
    facts: Facts = ()
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    template: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    text: Any = ""
    empty: str = ""
    note: Any = ""
    more_url: str = ""
    more: str = "See all"
    aside: bool = False
    place: int = 50  # smaller comes first

    @property
    def is_empty(self) -> bool:
        return not (self.facts or self.rows or self.template or self.url or self.text)


Extra = Callable[[Any, Any], Section | None]
_extras: dict[str, list[Extra]] = defaultdict(list)


def add_section(label: str, extra: Extra) -> None:
    """Let ``extra(request, row)`` add a section to the page of every row of the model ``label`` ("crm.contact")."""
    _extras[label].append(extra)


def added(label: str, request: Any, row: Any) -> Iterator[Section]:
    for extra in _extras[label]:
        section = extra(request, row)
        if section is not None:
            yield section
