"""Where is the called party? Every place that the evidence allows for, never a single guess.

Telephone number, postal address and the person's own statement each give a set of candidates. Callers take the *union*
of all live evidence and approach somebody only when every candidate allows it: an area code never removes a place that
an address adds, nor the other way round, because numbers move with people and addresses grow old.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_geographical_number, time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA

from crm.services.normalization.area_codes import AREA_CODES
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.regions import (
    REGIONS,
    TERRITORIAL,
    region_of_postal_code,
    regions_by_name,
    zones_of,
)
from crm.services.normalization.zones import (
    TERRITORIES,
    TZDATA_VERSION,
    countries,
    country_of,
    current_name,
    zone_names,
    zones_by_country,
)

Candidate = tuple[str, str]  # (IANA zone, jurisdiction): "US-TX", "CA-ON", "GB", "US" without a state, "" unknown

ZONE_DATA_VERSION: Final = f"tzdata {TZDATA_VERSION}, phonenumbers {phonenumbers.__version__}"
NOWHERE: Final[frozenset[Candidate]] = frozenset()
SOMEWHERE_IN_THE_STATES: Final[frozenset[Candidate]] = frozenset(
    (name, "US")
    for region, (_, *names) in REGIONS.items()
    if region.startswith("US-") and region not in TERRITORIAL
    for name in names
)

_NANP: Final = re.compile(r"\+1([2-9][0-9]{2})[0-9]{7}")
_US_POSTAL: Final = re.compile(r"([0-9]{5})(?:-?[0-9]{4})?")
_CA_POSTAL: Final = re.compile(r"[A-Z][0-9][A-Z](?:[0-9][A-Z][0-9])?")
_JURISDICTION: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")


class UnusableZone(Unusable):
    advice = MappingProxyType(
        {
            "unknown_zone": "No time zone is called that. Write one of the IANA list, for example America/Chicago.",
            "not_a_place": "This time zone is nowhere on the map, so it does not say where the person is. Choose the "
            "zone of a city near them, for example America/Chicago.",
            "unknown_jurisdiction": "No state or country has this code. Write one like US-TX, CA-ON or GB.",
        }
    )


def from_phone(e164: str) -> frozenset[Candidate]:
    """Return every place the number may belong to; a number that names none (free of charge, personal) all of them.

    An area code stands for all exchanges in it: a mobile keeps its number when its owner moves within the code. Text
    that is no number is no evidence.
    """
    if code := _NANP.fullmatch(e164):
        return _from_area_code(code[1])
    return NOWHERE if e164.startswith("+1") else _from_abroad(e164)


def from_address(*, country: str, region: str, postal_code: str) -> frozenset[Candidate]:
    """Return every place the address may mean; where state and postal code disagree, both of them.

    Names and codes are understood, in any case. Without a country only a state or province of the United States or
    Canada says anything; a country nobody knows makes the whole address mean nothing.
    """
    return _from_address(country.strip().lower(), region, postal_code)


@lru_cache(maxsize=16_384)  # distinct places, some 5 MB
def _from_address(country: str, region: str, postal_code: str) -> frozenset[Candidate]:
    code = countries().get(country, "")
    if country and not code:
        return NOWHERE
    if code in TERRITORIES:
        code, region = "US", f"US-{code}"
    if code not in ("US", "CA", ""):
        return frozenset((name, code) for name in zones_by_country().get(code, ()))
    postal = _postal_code(postal_code, code)
    found = {_region(region, code), _region_of_postal(postal, code, region)} - {""}
    if found:
        return frozenset((name, place) for place in found for name in zones_of(place, postal))
    return {"US": SOMEWHERE_IN_THE_STATES, "CA": _somewhere_in_canada()}.get(code, NOWHERE)


def from_statement(zone: str, jurisdiction: str = "") -> frozenset[Candidate]:
    """Return the place that somebody stated about themselves; outdated and HubSpot's spellings are understood.

    Without a jurisdiction the country of the zone stands for it: an hour is known then, a state is not.

    :raises UnusableZone: no such zone or jurisdiction, or a zone like UTC that lies nowhere.
    """
    given = zone.strip().lower().replace("_slash_", "/").replace(" ", "_")
    if given not in zone_names():
        raise UnusableZone("unknown_zone", zone)
    name = current_name(zone_names()[given])
    country = country_of(name)
    if not country:
        raise UnusableZone("not_a_place", zone)
    return frozenset({(name, _jurisdiction(jurisdiction) or _national(country))})


def profile_key(candidates: Iterable[Candidate]) -> str:
    """Return the one text for this set of candidates ("America/Chicago US-TX|America/Denver US-TX"), "" for none."""
    return "|".join(sorted(f"{zone} {jurisdiction}".rstrip() for zone, jurisdiction in set(candidates)))


def candidates_of(key: str) -> frozenset[Candidate]:
    """Return the candidates that ``profile_key`` was given."""
    parts = (part.partition(" ") for part in key.split("|") if part)
    return frozenset((zone, jurisdiction) for zone, _, jurisdiction in parts)


@lru_cache(maxsize=1000)  # there are 800 area codes
def _from_area_code(code: str) -> frozenset[Candidate]:
    names = _zones_by_area_code().get(code)
    if not names:
        return frozenset((name, "US") for name in time_zones_for_geographical_number(_FREEPHONE))
    return frozenset((name, AREA_CODES.get(code, "US")) for name in names)  # a new code: its state is not known yet


_FREEPHONE: Final = PhoneNumber(country_code=1, national_number=8005550134)


@lru_cache(maxsize=1)
def _zones_by_area_code() -> dict[str, frozenset[str]]:
    """Return the zones of every geographic area code, with those of all its exchanges."""
    found: dict[str, set[str]] = defaultdict(set)
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= len("1512"):
            found[prefix[1:4]].update(names)
    return {code: frozenset(names) for code, names in found.items()}


@lru_cache(maxsize=16_384)  # distinct numbers, some 5 MB
def _from_abroad(e164: str) -> frozenset[Candidate]:
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return NOWHERE
    country = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )
    names = {current_name(name) for name in time_zones_for_number(number) if name != UNKNOWN_TIMEZONE}
    own = set(zones_by_country().get(country, ()))  # +7 is Russia and Kazakhstan; the number says which
    return frozenset((name, country) for name in names & own or names or own)


def _region(text: str, country: str) -> str:
    """Return the state or province that ``text`` names within ``country`` ("" for either), or ""."""
    found = regions_by_name().get(text.strip().rstrip(".").lower(), "")
    return found if found.startswith(country) else ""


def _postal_code(text: str, country: str) -> str:
    """Return five digits or a Canadian code without its space, or "" for what is neither in ``country``."""
    compact = "".join(text.upper().split())
    if country != "CA" and (american := _US_POSTAL.fullmatch(compact)):
        return american[1]
    return compact if country != "US" and _CA_POSTAL.fullmatch(compact) else ""


def _region_of_postal(postal: str, country: str, region: str) -> str:
    """Return the region of a postal code; five digits without country and state may be from anywhere."""
    found = region_of_postal_code(postal)
    return found if country or found.startswith("CA-") or _region(region, "US") else ""


@lru_cache(maxsize=1)
def _somewhere_in_canada() -> frozenset[Candidate]:
    return frozenset((name, "CA") for name in zones_by_country()["CA"])


def _jurisdiction(text: str) -> str:
    code = text.strip().upper()
    known = code in REGIONS if code[:3] in ("US-", "CA-") else code[:2] in zones_by_country()
    if code and not (known and _JURISDICTION.fullmatch(code)):
        raise UnusableZone("unknown_jurisdiction", text)
    return _national(code)


def _national(country: str) -> str:
    return f"US-{country}" if country in TERRITORIES else country
