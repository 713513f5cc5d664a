"""Postal addresses and pages of networks that contacts have as points: one of each, whatever its label.

What a source named before and somebody does not have was taken from them by a person, and is not brought back.
"""

from typing import Any, Final

import orjson

from crm.services.bulk.preparing import PlaceSaid
from crm.services.bulk.resolving import Resolved

PlaceKey = tuple[str, ...]  # (contact, kind, value and parts of the address)

_PLACES: Final = """
SELECT contact_id::text, kind, value_given, street, city, region, postal_code, country FROM crm_contactpoint
WHERE contact_id = ANY(%s::uuid[]) AND endpoint_id IS NULL
"""


def key_of(contact: str, place: PlaceSaid) -> PlaceKey:
    return (contact, place.kind, place.given, *place[3:8])


def known_places(cursor: Any, found: Resolved) -> set[PlaceKey]:
    """Return which places those have who were there before and are said to have some."""
    people = {party.person.id for party in found.parties if party.said.places and not party.person.born}
    if not people:
        return set()
    cursor.execute(_PLACES, [list(people)])
    return set(cursor.fetchall())


def place_said_before(before: str | None, place: PlaceSaid) -> bool:
    said = orjson.loads(before) if before else {}
    return any([*old[:2], *old[3:8]] == [*place[:2], *place[3:8]] for old in said.get("places", ()))
