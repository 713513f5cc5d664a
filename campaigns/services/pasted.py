"""People in a list that somebody pasted: by their numbers and e-mail addresses, however they are written."""

from collections.abc import Iterable
from uuid import UUID

from crm.choices import EndpointKind
from crm.models import Contact, ContactPoint, User
from crm.services.normalization.emails import find_email
from crm.services.normalization.phones import find_phone


def found_in(texts: Iterable[str], *, by: User | None) -> dict[str, UUID]:
    """Return whom each of ``texts`` reaches, in two queries; what reaches nobody whom ``by`` sees is left out.

    Of several on one line it is the one whom the line means, else whoever was known first.
    """
    lines = {text: line for text in texts if (line := _line(text))}
    points = ContactPoint.objects.filter(
        endpoint__value__in={value for _, value in lines.values()}, contact__deleted_at=None
    )
    if by:
        points = points.filter(contact__in=Contact.objects.visible_to(by))
    rows: Iterable[tuple[str, str, UUID, UUID | None]] = points.order_by("id").values_list(
        "endpoint__kind", "endpoint__value", "contact_id", "endpoint__owner_id"
    )
    whose: dict[tuple[str, str], UUID] = {}
    for kind, value, contact, owner in rows:
        if contact == owner or (kind, value) not in whose:
            whose[kind, value] = contact
    return {text: whose[line] for text, line in lines.items() if line in whose}


def _line(text: str) -> tuple[str, str] | None:
    """Return what ``text`` is and its normal form; None where it is neither a number nor an address."""
    if "@" in text:
        address = find_email(text)
        return (EndpointKind.EMAIL, address) if address else None
    number = find_phone(text)
    return (EndpointKind.PHONE, number.e164) if number else None
