"""What merge tags stand for: one flat dictionary per person, of texts."""

from collections.abc import Mapping

from campaigns.rules.rendering import ATTRIBUTE
from crm.models import Contact


def of_contact(contact: Contact) -> dict[str, str]:
    """Return what is known of a contact, by the names of merge tags. Of lists and objects nothing is."""
    return {
        "contact.first_name": contact.first_name,
        "contact.last_name": contact.last_name,
        "contact.name": contact.name,
        "contact.title": contact.title,
        "contact.email": contact.primary_email,
        "contact.phone": contact.primary_phone,
        "company.name": contact.company.name if contact.company else "",
        "owner.name": contact.owner.name if contact.owner else "",
        "owner.email": contact.owner.email if contact.owner else "",
        **_attributes(contact.attributes),
    }


def _attributes(attributes: Mapping[str, object]) -> dict[str, str]:
    plain = {key: value for key, value in attributes.items() if isinstance(value, str | int | float)}
    return {f"{ATTRIBUTE}{key}": str(value) for key, value in plain.items()}
