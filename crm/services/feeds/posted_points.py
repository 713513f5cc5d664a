"""The ways to reach somebody as programs post them: numbers, mailboxes, postal addresses and pages of networks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from crm.services.feeds.fields import LONGEST
from crm.services.feeds.flags import flag
from crm.services.feeds.moments import moment
from crm.services.feeds.records import EmailIn, PhoneIn, PlaceIn
from crm.services.normalization.emails import parse_email
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line

POINTS: Final = ("phone", "phones", "email", "emails", "addresses", "socials")
POINT: Final = frozenset(["value", "label", "extension", "verified", "primary"])
PARTS: Final = frozenset(["street", "city", "region", "postal_code", "country"])
PAGE: Final = frozenset(["value", "label", "verified"])


class Reader(Protocol):
    """Whoever gathers what is wrong with the record."""

    def object(self, given: Any, at: str, allowed: frozenset[str]) -> dict[str, Any]: ...
    def fields(self, parts: Mapping[str, Any], at: str) -> dict[str, Any]: ...
    def fault(self, at: str, code: str, reason: str) -> None: ...
    def doubt(self, at: str, error: Unusable) -> None: ...


class PointReader:
    """Reads the points of one contact, at ``at`` in its record."""

    def __init__(self, reader: Reader, at: str, given: Mapping[str, Any]) -> None:
        self._reader, self._at, self._given = reader, at, given

    def phones(self) -> Iterator[PhoneIn]:
        """Yield every usable number once, those that are said to be primary first."""
        for phone, point in self._usable("phones", parse_phone, lambda phone: phone.e164):
            extension = point["extension"] or phone.extension
            given = point["value"][: LONGEST["value_as_given"]]
            yield PhoneIn(given, phone.e164, extension[:20], phone.line_type, point["label"], point["verified"])

    def emails(self) -> Iterator[EmailIn]:
        for address, point in self._usable("emails", parse_email, str):
            yield EmailIn(point["value"][: LONGEST["value_as_given"]], address, point["label"], point["verified"])

    def addresses(self) -> Iterator[PlaceIn]:
        """Yield the postal addresses: their parts, or a text that says all of one."""
        for item, at in self._each("addresses"):
            given = {"value": item} if isinstance(item, str) else item
            parts = self._reader.object(given, at, PAGE | PARTS)
            where = self._reader.fields({name: part for name, part in parts.items() if name in PARTS}, at)
            yield from self._place("address", parts, at, where)

    def socials(self) -> Iterator[PlaceIn]:
        for item, at in self._each("socials"):
            given = {"value": item} if isinstance(item, str) else item
            yield from self._place("social", self._reader.object(given, at, PAGE), at, {})

    def _place(self, kind: Any, parts: Mapping[str, Any], at: str, where: Mapping[str, Any]) -> Iterator[PlaceIn]:
        value, label = (self._text(parts.get(name), f"{at}.{name}") for name in ("value", "label"))
        if not value and not where:
            self._reader.fault(at, "nothing_said", "There is nothing here. Give an address or a page.")
            return
        yield PlaceIn(
            kind, value[: LONGEST["value_as_given"]], label, **where, verified=self._verified(parts.get("verified"), at)
        )

    def _usable(
        self, name: str, parse: Callable[[str], Any], key: Callable[[Any], str]
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        found: dict[str, tuple[Any, dict[str, Any]]] = {}
        for item, at in self._each(name):
            point = self._point(item, at)
            try:
                value = parse(point["value"])
            except Unusable as error:
                self._reader.doubt(at, error)
            else:
                found.setdefault(key(value), (value, point))
        yield from sorted(found.values(), key=lambda one: not one[1]["primary"])

    def _each(self, name: str) -> Iterator[tuple[Any, str]]:
        items = [*listed(self._given.get(name.removesuffix("s"))), *listed(self._given[name])]
        return ((item, f"{self._at}.{name}.{number}") for number, item in enumerate(items))

    def _point(self, given: Any, at: str) -> dict[str, Any]:
        if isinstance(given, int) and not isinstance(given, bool):
            given = str(given)
        parts = {"value": given} if isinstance(given, str) else self._reader.object(given, at, POINT)
        point = {name: self._text(parts.get(name), f"{at}.{name}") for name in ("value", "label", "extension")}
        primary = parts.get("primary")
        if primary is not None and not isinstance(primary, bool):
            self._reader.fault(f"{at}.primary", "wrong_type", "This must be true or false.")
        return {**point, "primary": primary is True, "verified": self._verified(parts.get("verified"), at)}

    def _text(self, given: Any, at: str) -> str:
        """A text of a point as it was given; here ``value`` is a number or an address, not an amount."""
        if given is None:
            return ""
        if isinstance(given, bool) or not isinstance(given, str | int):
            self._reader.fault(at, "wrong_type", "This must be a text.")
            return ""
        text, longest = one_line(str(given)), 0 if at.endswith(".value") else LONGEST[at.rpartition(".")[2]]
        if longest and len(text) > longest:
            self._reader.fault(at, "too_long", f"At most {longest} characters; these are {len(text):,}.")
        return text

    def _verified(self, given: Any, at: str) -> datetime | bool | None:
        """Since when it is known to reach them: a moment, or true for "by now"."""
        if given is None or given == "" or isinstance(given, bool):
            return given or None
        try:
            return moment(str(given))
        except Unusable as error:
            try:
                return flag(str(given)) or None
            except Unusable:
                self._reader.fault(f"{at}.verified", error.reason, str(error))
                return None


def listed(given: Any) -> Sequence[Any]:
    if given is None or given == "":
        return []
    return list(given) if isinstance(given, list | tuple) else [given]
