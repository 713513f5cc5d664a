"""What somebody gives as a number, an address or a profile, brought into the columns of a point, or refused."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from config.kernel.errors import DomainError
from crm.choices import PointKind
from crm.services import addresses
from crm.services.normalization.emails import parse_email
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line

_LENGTH: Final = MappingProxyType({"value": 500, "label": 40, "extension": 20})


class UnusableValue(DomainError):
    """The value is no number, address or profile; ``details`` say why and what to do."""

    code = "unusable_value"


def _too_long(given: Mapping[str, str]) -> dict[str, str]:
    return {name: f"At most {most} characters." for name, most in _LENGTH.items() if len(given.get(name, "")) > most}


def read_value(kind: str, value: str, extension: str, label: str, place: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a point, its normal value and its line type, or refuse what cannot be used."""
    given = {"value": one_line(value), "label": one_line(label), "extension": one_line(extension)}
    parts = dict.fromkeys(addresses.PARTS, "") | addresses.read_address(place)
    faults = _too_long(given)
    if kind not in PointKind.values:
        faults["kind"] = f"Must be one of {', '.join(PointKind.values)}."
    if kind in (PointKind.ADDRESS, PointKind.SOCIAL) and not (given["value"] or any(parts.values())):
        faults["value"] = "There is nothing here. Give an address or a profile."
    normal = line_type = ""
    try:
        if kind == PointKind.PHONE:
            phone = parse_phone(value)
            normal, line_type, extension = phone.e164, phone.line_type, given["extension"] or phone.extension
        elif kind == PointKind.EMAIL:
            normal = parse_email(value)
    except Unusable as trouble:
        faults["value"] = str(trouble)
    if faults:
        raise UnusableValue(" ".join(faults.values()), details=faults)
    columns = {"value_given": given["value"], "label": given["label"], "extension": extension, **parts}
    return {**columns, "normal": normal, "line_type": line_type}


def read_words(kind: str, **told: str | None) -> dict[str, str]:
    """Return label and extension of a point of ``kind`` on one line each, without what was not said (None).

    :raises UnusableValue: too long, or an extension of what is no phone.
    """
    said = {name: one_line(value) for name, value in told.items() if value is not None}
    faults = _too_long(said)
    if said.get("extension") and kind != PointKind.PHONE:
        faults["extension"] = "Only a phone has an extension."
    if faults:
        raise UnusableValue(" ".join(faults.values()), details=faults)
    return said
