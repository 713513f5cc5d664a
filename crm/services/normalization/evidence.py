"""What the evidence about a telephone line amounts to: the key of its hours profile.

Pure, so that the process that reads a file can work it out without any database.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from crm.services.normalization.places import (
    Candidate,
    UnusableZone,
    from_address,
    from_phone,
    from_statement,
    profile_key,
)

MAX_KEY: Final = 2000  # bytes; the unique index takes 2,704. A line of people in that many places is nobody's.
EVERYWHERE: Final = "Everywhere"  # names no zone, so it is never open


def key_of(*, phone: str, places: Iterable[tuple[str, str, str]] = (), zones: Iterable[str] = ()) -> str:
    """Return the key of the profile that this evidence amounts to; a row that is new can be born with it.

    ``places`` are (country, region, postal code) of everybody alive on the line, ``zones`` what they stated. A
    statement adds its zone with the country as jurisdiction, unless a place already has that zone: then the state is
    known, and a vaguer candidate would only tighten the hours for no reason.
    """
    return key_of_candidates(from_phone(phone), places, zones)


def key_of_candidates(phone: frozenset[Candidate], places: Iterable[tuple[str, str, str]], zones: Iterable[str]) -> str:
    """Return the same where it is known already which places the number itself names."""
    found = set(phone)
    for country, region, postal_code in places:
        found |= from_address(country=country, region=region, postal_code=postal_code)
    known = {zone for zone, _ in found}
    for zone in zones:
        found |= {candidate for candidate in _stated(zone) if candidate[0] not in known}
    return _canonical(frozenset(found))


@lru_cache(maxsize=8_192)  # distinct sets: a few hundred in practice
def _canonical(found: frozenset[Candidate]) -> str:
    key = profile_key(found)
    return key if len(key) <= MAX_KEY else EVERYWHERE


def _stated(zone: str) -> frozenset[Candidate]:
    try:
        return from_statement(zone)
    except UnusableZone:  # a source may write anything there; what names no place is no evidence
        return frozenset()
