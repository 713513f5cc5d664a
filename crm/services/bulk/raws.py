"""The raw form of a record: what its source said, without blanks, in types of JSON and in one spelling.

Equal records have equal raw forms, equal texts and equal fingerprints, whichever process reads them.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import orjson

from crm.services.bulk.columns import Raw, to_json
from crm.services.feeds.records import CompanyIn, EmailIn, Party, PhoneIn, PlaceIn, ProjectIn

LONGEST_KEY: Final = 400  # SourceRecord.key
CENT: Final = Decimal("0.01")


def canonical(raw: dict[str, Any]) -> tuple[Raw, str]:
    """Return ``raw`` without what PostgreSQL cannot keep (NUL, half characters), and as canonical JSON."""
    try:
        text = to_json(raw)
    except orjson.JSONEncodeError:
        text = ""
    if not text or "\\u0000" in text:
        raw = cleaned(raw)
        text = to_json(raw)
    return raw, text


def cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(character for character in value if character != "\0" and not "\ud800" <= character <= "\udfff")
    if isinstance(value, dict):
        return {cleaned(key): cleaned(part) for key, part in value.items()}
    return [cleaned(part) for part in value] if isinstance(value, list | tuple) else value


def fingerprint(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def shortened(key: str) -> str:
    """Return ``key`` in at most 400 characters; what is cut off still tells two apart."""
    return key if len(key) <= LONGEST_KEY else f"{key[:360]} {fingerprint(key)}"


_POINT: Final[Mapping[type[Any], Callable[[Any], Iterable[str]]]] = {
    PhoneIn: attrgetter("value_as_given", "e164", "extension", "line_type", "label"),
    EmailIn: attrgetter("value_as_given", "value", "label"),
    PlaceIn: attrgetter(
        *("kind", "value_as_given", "label", "street", "city", "region", "postal_code", "country"),
    ),
}


def _listed(items: tuple[Any, ...]) -> list[Any]:
    return [_point(item) if item.__class__ in _POINT else item for item in items]


def _point(item: Any) -> list[Any]:
    """A point as a list; at its end, where that is said, since when it is verified, or true."""
    said: list[Any] = list(_POINT[item.__class__](item))
    if item.verified:
        said.append(_SPELLED[datetime](item.verified) if isinstance(item.verified, datetime) else True)
    return said


def _short(company: CompanyIn) -> dict[str, str]:
    return {name: text for name in ("external_id", "name", "domain") if (text := getattr(company, name))}


# Values of other types in a type of JSON, in their one spelling.
_SPELLED: Final[Mapping[type[Any], Callable[[Any], Any]]] = {
    Decimal: lambda value: str(value.quantize(CENT)),
    datetime: lambda value: value.astimezone(UTC).isoformat(),
    date: date.isoformat,
    tuple: _listed,
    CompanyIn: _short,
}


def _reader(kind: type[Any], *, without: tuple[str, ...] = ()) -> Callable[[Any], dict[str, Any]]:
    """Return a function that turns a record of ``kind`` into its raw form: what it says, without its blanks."""
    fields = [field for field in dataclasses.fields(kind) if field.name not in without]
    texts = tuple(field.name for field in fields if field.type is str)
    others = tuple(field.name for field in fields if field.type is not str)
    texts_of, others_of = attrgetter(*texts), attrgetter(*others)

    def read(record: Any) -> dict[str, Any]:
        said = {name: text for name, text in zip(texts, texts_of(record), strict=True) if text}
        for name, value in zip(others, others_of(record), strict=True):
            if value or value is False or value.__class__ in (int, float):
                spelled = _SPELLED.get(value.__class__)
                said[name] = spelled(value) if spelled else value
        return said

    return read


project: Final = _reader(ProjectIn)
company: Final = _reader(CompanyIn)
# What is said of somebody's part in one project is no word about the person, who may have parts in many.
PAIR: Final = ("suppress_for_project", "suppress_reason", "is_primary", "pair_priority")
party: Final = _reader(Party, without=("roles", "is_company", *PAIR))
