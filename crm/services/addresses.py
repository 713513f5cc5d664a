"""The parts of a postal address as a person writes them, brought into the form in which they are kept."""

from collections.abc import Mapping
from typing import Final

from config.kernel.errors import DomainError
from crm.models.places import Address
from crm.services.normalization.regions import regions_by_name
from crm.services.normalization.text import one_line
from crm.services.normalization.zones import countries

PARTS: Final = ("street", "city", "region", "postal_code", "country")
_LENGTH: Final = {field.name: field.max_length or 0 for field in Address._meta.fields}


class UnusableAddress(DomainError):
    code = "unusable_address"


def read_address(parts: Mapping[str, str]) -> dict[str, str]:
    """Return those of ``parts`` that were given, on one line each: the country as its ISO code, a state as its code.

    States are understood where the country is the United States, Canada or not given; elsewhere a region stays as it
    is written.

    :raises UnusableAddress: a country nobody knows, or a part that is too long.
    """
    found = {part: one_line(parts[part]) for part in PARTS if part in parts}
    faults = {part: f"At most {_LENGTH[part]} characters." for part, text in found.items() if len(text) > _LENGTH[part]}
    if country := found.get("country"):
        faults.pop("country", None)
        found["country"] = countries().get(country.lower(), "")
        if not found["country"]:
            faults["country"] = "No country is called that. Write its name or its ISO code, for example US."
    if region := found.get("region"):
        found["region"] = _region(region, found.get("country", ""))
    if faults:
        raise UnusableAddress("The address cannot be kept like this.", details=faults)
    return found


def _region(text: str, country: str) -> str:
    code = regions_by_name().get(text.rstrip(".").lower(), "")
    return code[3:] if code and country in ("", code[:2]) else text
