"""Which fields a person may set, what they must look like, and where to go for those that a service owns."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models

from config.kernel.errors import DomainError
from config.kernel.moments import OUT_OF_RANGE, is_kept
from crm.models import Company, Contact, Project, ProjectContact
from crm.services import addresses
from crm.services.normalization.companies import domain_of, parse_company
from crm.services.normalization.pages import is_page
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.places import from_statement
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line

FARTHEST: Final = timedelta(days=60)  # of a promise to call back; the queue looks no further ahead either

EDITABLE: Final[Mapping[type[models.Model], frozenset[str]]] = MappingProxyType(
    {
        Contact: frozenset(
            {"first_name", "last_name", "name", "title", "seniority", "department", "company", "profiles", "time_zone"}
            | {"do_not_call", "do_not_email", "do_not_text", "preferred_channel", "lifecycle", "priority", "lead_score"}
            | {"conversion_probability", "owner", "source", "attributes", *addresses.PARTS}
        ),
        Company: frozenset(
            {"name", "domain", "website", "industry", "employees", "annual_revenue", "technologies", "keywords"}
            | {"phone", "profiles", "attributes", "source", *addresses.PARTS}
        ),
        Project: frozenset(
            {"name", "kind", "status", "stage", "description", "value", "bid_on", "starts_on", "event_on", "source"}
            | {"owner", "call_suppressed", "call_suppressed_reason", "next_call_eligible_at", "attributes"}
            | set(addresses.PARTS)
        ),
        ProjectContact: frozenset(
            {"roles", "is_primary", "suppress_for_project", "suppress_reason", "priority", "callback_at", "callback_by"}
        ),
    }
)
_BY_ITSELF: Final = "It is kept by Clearline itself."
_OWNED: Final = MappingProxyType(
    {
        "primary_phone": "Add the number to the contact and make it primary.",
        "primary_email": "Add the address to the contact and make it primary.",
        "consent_given": "Keep the evidence instead: give or withdraw consent.",
        "consent_at": "Keep the evidence instead: give or withdraw consent.",
        "data_quality": "It follows from what is filled in.",
        "deleted_at": "Delete or restore the record instead.",
        "contact_id": "It says who this is elsewhere, and never changes.",
        "project_id": "It says which project this is elsewhere, and never changes.",
        "external_id": "It says which company this is elsewhere, and never changes.",
        "project": "A contact is put into another project, not moved.",
        "contact": "Put the other contact into the project instead.",
    }
)


class FieldRefused(DomainError):
    """A field is not there, or a service owns it; ``details`` say for each what to do instead."""

    code = "field_not_editable"


class FieldInvalid(DomainError):
    """A value cannot be kept in its field; ``details`` say for each what is wrong."""

    code = "invalid"


def read(row: models.Model, changes: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """Return ``changes`` as they will be kept: one line each, codes for names, plus the fields that follow from them.

    :raises FieldRefused: a field that people do not edit.
    :raises FieldInvalid: a value that its field cannot hold.
    """
    _refuse_others(row, changes)
    found = {name: one_line(value) if _is_line(row, name, value) else value for name, value in changes.items()}
    faults: dict[str, str] = {}
    _read_address(row, found, faults)
    for name in found.keys() & _READERS.keys():
        try:
            found |= _READERS[name](row, found[name])
        except (Unusable, ValueError) as trouble:
            faults[name] = str(trouble)
    _clean(row, found, faults)
    faults |= _of_years(found) | _of_promise(found, at)
    if faults:
        raise FieldInvalid("Some fields cannot be kept like this.", details=faults)
    return found


def _refuse_others(row: models.Model, changes: Mapping[str, Any]) -> None:
    others = sorted(changes.keys() - EDITABLE[type(row)])
    if not others:
        return
    known = {field.name for field in row._meta.get_fields()}
    details = {name: _OWNED.get(name, _BY_ITSELF) if name in known else "There is no such field." for name in others}
    said = " ".join(f"{name}: {why}" for name, why in details.items())
    raise FieldRefused(f"Not to be edited here. {said}", details=details)


def _is_line(row: models.Model, name: str, value: Any) -> bool:
    return isinstance(value, str) and row._meta.get_field(name).get_internal_type() != "TextField"


def _read_address(row: Any, found: dict[str, Any], faults: dict[str, str]) -> None:
    parts = {part: found[part] for part in addresses.PARTS if isinstance(found.get(part), str)}
    if not parts:
        return
    where = {"country": _text(row.country)} if "region" in parts else {}
    try:
        found |= {part: value for part, value in addresses.read_address(where | parts).items() if part in parts}
    except addresses.UnusableAddress as trouble:
        faults |= trouble.details


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""  # a row that was not saved yet holds a promise of the database


def _zone(row: Any, value: str) -> dict[str, str]:
    return {"time_zone": next(zone for zone, _ in from_statement(value)) if value else ""}


def _company_name(row: Any, value: str) -> dict[str, str]:
    company = parse_company(value)
    if not company.key:
        raise ValueError("A company needs a name with a letter or a digit in it.")
    return {"name": company.text, "name_key": company.key[:200]}


def _website(row: Any, value: str) -> dict[str, str]:
    if not is_page(value) and value != _text(row.website):
        raise ValueError("Write an address like https://example.com.")
    return {"website": value} | ({} if _text(row.domain) else {"domain": domain_of(value)})


def _domain(row: Any, value: str) -> dict[str, str]:
    if value and not domain_of(value):
        raise ValueError("This is no domain. Write one like example.com.")
    return {"domain": domain_of(value)}


def _name(row: Any, value: str) -> dict[str, str]:
    return _company_name(row, value) if isinstance(row, Company) else {"name": value}


def _owner(row: Any, value: Any) -> dict[str, Any]:
    if value is not None and not value.is_active:
        raise ValueError(f"{value} does not work here any more. Choose somebody active.")
    return {"owner": value}


def _roles(row: Any, value: Any) -> dict[str, list[str]]:
    words = ["_".join(one_line(str(role)).lower().split()) for role in value]
    return {"roles": list(dict.fromkeys(word for word in words if word))}


def _mapping(name: str) -> Callable[[Any, Any], dict[str, Any]]:
    def reader(row: Any, value: Any) -> dict[str, Any]:
        if value is None:
            return {name: {}}
        if not isinstance(value, dict):
            raise ValueError('Must be an object, for example {"linkedin": "https://example.com/in/pat"}.')  # noqa: TRY004 - a fault of the value, like all others here
        return {name: value}

    return reader


def _profiles(row: Any, value: Any) -> dict[str, Any]:
    """Pages elsewhere: {network: URL}, and nothing deeper. What a source has left there already may stay."""
    pages = _mapping("profiles")(row, value)["profiles"]
    known = row.profiles if isinstance(row.profiles, dict) else {}
    return {"profiles": {name: _url(name, url, known) for name, url in pages.items() if url not in ("", None)}}


def _url(network: str, value: Any, known: Mapping[str, Any]) -> Any:
    if known.get(network) == value:
        return value
    if not network.strip() or len(network) > 40:
        raise ValueError("Name each network in 1 to 40 characters, for example linkedin.")
    url = one_line(value) if isinstance(value, str) else ""
    url = url if "://" in url or not url else f"https://{url}"
    try:
        URLValidator(schemes=["http", "https"])(url[:500])
    except ValidationError:
        raise ValueError(f"{network}: write an address like https://example.com/in/pat.") from None
    return url[:500]


_READERS: Final[Mapping[str, Callable[[Any, Any], dict[str, Any]]]] = MappingProxyType(
    {
        "name": _name,
        "time_zone": _zone,
        "website": _website,
        "domain": _domain,
        "phone": lambda row, value: {"phone": parse_phone(value).e164 if value else ""},
        "owner": _owner,
        "callback_by": lambda row, value: {"callback_by": _owner(row, value)["owner"]},
        "roles": _roles,
        "profiles": _profiles,
        "attributes": _mapping("attributes"),
    }
)


def _of_years(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: OUT_OF_RANGE for name, value in found.items() if isinstance(value, date) and not is_kept(value)}


def _of_promise(found: Mapping[str, Any], at: datetime) -> dict[str, str]:
    moment = found.get("callback_at")
    if not isinstance(moment, datetime) or not is_kept(moment):
        return {}
    if moment <= at:
        return {"callback_at": "This moment has passed. Choose a later one."}
    if moment > at + FARTHEST:
        return {"callback_at": "That is too far ahead to be promised. Choose a time within the next 60 days."}
    return {}


def _clean(row: models.Model, found: dict[str, Any], faults: dict[str, str]) -> None:
    """Bring values into the types of their fields, and hear what those have against them: length, range, choice."""
    for name in found.keys() - faults.keys():
        field, value = row._meta.get_field(name), found[name]
        if not isinstance(field, models.Field):
            continue
        try:
            if value is None and not field.null:
                faults[name] = "Must not be null; leave it empty instead."
            elif value not in field.empty_values:
                cleaned = field.clean(value.pk if isinstance(value, models.Model) else value, row)
                found[name] = value if isinstance(value, models.Model) else cleaned
            elif not field.blank:
                faults[name] = "Must not be empty."
        except ValidationError as trouble:
            faults[name] = " ".join(trouble.messages)
